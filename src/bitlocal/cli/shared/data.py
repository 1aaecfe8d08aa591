"""The arguments DATA and MODEL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import joblib
import typer

from bitlocal.datasets import Dataset, load, names, read_table
from bitlocal.datasets.match import in_order
from bitlocal.encoders import TableEncoder
from bitlocal.encoders.union import takes_raw_samples
from bitlocal.files.model import Model, load_model

Encoding = Annotated[str, typer.Option(metavar="NAME", help="Encoding of a .csv, as in latin-1.")]


def load_data(data: str, target: str | None, *, seed: int = 0, **options: Any) -> Dataset:
    """Load DATA: a file, read as `read_table` is told, if it looks like one or is there; a known name otherwise."""
    looks_like_file = os.sep in data or "." in data or os.path.exists(data)
    if looks_like_file and data not in names():
        return read_table(data, target, **options)
    return load(data, seed=seed)


def open_model(path: Path, threads: int | None) -> Model:
    """Load MODEL, to run on so many threads (None: all)."""
    model = load_model(path)
    model.classifier.set_params(n_jobs=threads or joblib.cpu_count())
    return model


def load_like(
    model: Model, data: str, target: str | None, *, require_target: bool = True, encoding: str = "utf-8"
) -> Dataset:
    """Load DATA as it was loaded for training: the same target and seed, the same columns in the same order.

    What a column holds was settled in training, and a smaller table may not show it.
    """
    trained_on = model.data
    seed = 0
    if trained_on is not None:
        target, seed = target or trained_on.target, trained_on.split_seed
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
    )
    return in_order(dataset, names)


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
