"""The arguments DATA and MODEL."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any

import joblib
import typer

from bitlocal.datasets import Dataset, load, names, read_table
from bitlocal.datasets.match import in_order
from bitlocal.datasets.tables import holds_images
from bitlocal.encoders import ImageEncoder, TableEncoder
from bitlocal.encoders.union import takes_raw_samples
from bitlocal.errors import DataError
from bitlocal.files.model import Model, load_model

Encoding = Annotated[str, typer.Option(metavar="NAME", help="Encoding of a .csv, as in latin-1.")]
Resize = Annotated[
    str | None,
    typer.Option(metavar="HxW", help="Bring all images to this height and width, as in 32x32, or 32 for the same."),
]


def load_data(data: str, target: str | None, *, seed: int = 0, **options: Any) -> Dataset:
    """Load DATA: a path, read as `read_table` is told, if it looks like one or is there; a known name otherwise."""
    if _is_path(data):
        return read_table(data, target, **options)
    if options.get("resize") is not None:
        raise DataError(f"{data}: only images in a folder or .zip file can be resized; leave out --resize")
    return load(data, seed=seed)


def _is_path(data: str) -> bool:
    return (os.sep in data or "." in data or os.path.exists(data)) and data not in names()


def height_and_width(resize: str | None) -> tuple[int, int] | None:
    """Read what --resize says."""
    if resize is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,4})(?:[xX×]([1-9]\d{0,4}))?", resize.strip(), re.ASCII)
    if match is None:
        raise ValueError(f"--resize {resize!r}: expected height and width in pixels, as in 32x32, or 32 for the same")
    return int(match[1]), int(match[2] or match[1])


def open_model(path: Path, threads: int | None) -> Model:
    """Load MODEL, to run on so many threads (None: all)."""
    model = load_model(path)
    model.classifier.set_params(n_jobs=threads or joblib.cpu_count())
    return model


def load_like(
    model: Model,
    data: str,
    target: str | None,
    *,
    require_target: bool = True,
    encoding: str = "utf-8",
    resize: str | None = None,
) -> Dataset:
    """Load DATA as it was loaded for training: the same target and seed, the same columns in the same order.

    Images are brought to the same size, if they were in training, and have the same channels.

    What a column holds was settled in training, and a smaller table may not show it.
    """
    trained_on = model.data
    seed, shape, size = 0, None, height_and_width(resize)
    are_images = _is_path(data) and holds_images(data)
    if are_images:
        shape = _image_shape(model)
        if trained_on is not None and trained_on.resized and trained_on.image_shape is not None:
            size = size or trained_on.image_shape[:2]  # type: ignore[assignment]
    if trained_on is not None:
        target, seed = target or (None if are_images else trained_on.target), trained_on.split_seed
    names = _feature_names(model)
    is_npz = data.lower().endswith(".npz")
    texts, numbers = ([], []) if is_npz or names is None else _kinds(model, names)
    if model.classifier.classes_.dtype.kind == "U":
        texts.append(target or ("y" if is_npz else "target"))
    dataset = load_data(
        data,
        target,
        seed=seed,
        require_target=require_target,
        require_classes=False,
        text_columns=texts,
        number_columns=numbers,
        encoding=encoding,
        resize=size,
        image_shape=shape,
    )
    return in_order(dataset, names)


def _image_shape(model: Model) -> tuple[int, ...] | None:
    """Give the shape of the images that the model was trained on, also of those that did not come as files."""
    if model.data is not None and model.data.image_shape is not None:
        return model.data.image_shape
    encoder = model.classifier.encoder_
    return encoder.shape_ if isinstance(encoder, ImageEncoder) else None


def _feature_names(model: Model) -> tuple[str, ...] | None:
    """Give the names of the columns, and forget scikit-learn's copy: it would miss them in plain arrays."""
    names: tuple[str, ...] | None = None if model.data is None else model.data.feature_names
    if hasattr(model.classifier, "feature_names_in_"):
        names = names or tuple(model.classifier.feature_names_in_)
        del model.classifier.feature_names_in_
    return names


def _kinds(model: Model, names: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Name the columns that hold categories, and those that hold numbers."""
    encoder = model.classifier.encoder_
    if isinstance(encoder, TableEncoder):
        kinds = list(zip(names, encoder.kinds_, strict=True))
        texts = [name for name, kind in kinds if kind in ("category", "ordered")]
        return texts, [name for name, kind in kinds if kind == "number"]
    return [], [] if takes_raw_samples(encoder) else list(names)
