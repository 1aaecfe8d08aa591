"""The DATA argument: a name or a file, split and matched with a model."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

from bitlocal.datasets import Dataset, load, names, read_table
from bitlocal.encoders import TableEncoder
from bitlocal.errors import DataError
from bitlocal.modelfile import Model, load_model
from bitlocal.splits import hold_out


def load_data(
    data: str, target: str | None, *, seed: int = 0, require_target: bool = True, text_columns: Collection[str] = ()
) -> Dataset:
    """Load DATA: a file if it looks like one or is there, a known name otherwise."""
    looks_like_file = os.sep in data or "." in data or os.path.exists(data)
    if looks_like_file and data not in names():
        return read_table(data, target, require_target=require_target, text_columns=text_columns)
    return load(data, seed=seed)


def open_model(path: Path, threads: int | None) -> Model:
    """Load MODEL, to run on so many threads (None: all)."""
    model = load_model(path)
    model.classifier.set_params(n_jobs=threads or joblib.cpu_count())
    return model


def load_like(model: Model, data: str, target: str | None, *, require_target: bool = True) -> Dataset:
    """Load DATA as it was loaded for training: the same target and seed, the columns in the same order."""
    trained_on = model.data
    seed = 0
    if trained_on is not None:
        target, seed = target or trained_on.target, trained_on.split_seed
    names = _feature_names(model)
    text_columns = [] if data.lower().endswith(".npz") else _categories(model, names)
    dataset = load_data(data, target, seed=seed, require_target=require_target, text_columns=text_columns)
    return _in_order(dataset, names)


@dataclass(frozen=True)
class Split:
    """A training part and a test part; the test part is None where nothing was held out."""

    X: NDArray[Any]
    y: NDArray[Any]
    X_test: NDArray[Any] | None
    y_test: NDArray[Any] | None
    held_out: float


def split(dataset: Dataset, test_fraction: float, seed: int) -> Split:
    """Use the data set's own test split, or hold out a part."""
    if dataset.X_test is not None and dataset.y_test is not None:
        y_test = labels_like(dataset.y_test, np.unique(dataset.y), dataset.name)  # complain before the training
        return Split(dataset.X, dataset.y, dataset.X_test, y_test, 0.0)
    if test_fraction == 0:
        return Split(dataset.X, dataset.y, None, None, 0.0)
    rest, held_out = hold_out(dataset.y, test_fraction, seed=seed)
    return Split(dataset.X[rest], dataset.y[rest], dataset.X[held_out], dataset.y[held_out], test_fraction)


@dataclass(frozen=True)
class TestPart:
    """Samples to evaluate on, and in words where they come from."""

    X: NDArray[Any]
    y: NDArray[Any]
    origin: str


def test_part(dataset: Dataset, model: Model, *, everything: bool) -> TestPart:
    """Choose what to evaluate on: the official test split, what training held out of the same data, or all."""
    if dataset.X_test is not None and dataset.y_test is not None and not everything:
        return TestPart(dataset.X_test, dataset.y_test, "test split")
    trained_on_this = model.data is not None and model.data.fingerprint == dataset.fingerprint()
    if trained_on_this and model.data is not None and model.data.test_fraction and not everything:
        _, held_out = hold_out(dataset.y, model.data.test_fraction, seed=model.data.split_seed)
        origin = f"the {model.data.test_fraction:.0%} that training held out"
        return TestPart(dataset.X[held_out], dataset.y[held_out], origin)
    origin = "all samples, which the model was trained on" if trained_on_this else "all samples"
    return TestPart(dataset.X, dataset.y, origin)


def prediction_part(dataset: Dataset) -> NDArray[Any]:
    """Choose what to predict: the test split of a data set that has one, all of it otherwise."""
    return dataset.X if dataset.X_test is None else dataset.X_test


def labels_like(y: NDArray[Any], classes: NDArray[Any], what: str) -> NDArray[Any]:
    """Bring labels to the type of the model's classes; one that was never seen in training is an error."""
    by_text = {_text(label): label for label in classes.tolist()}
    unseen = sorted({_text(label) for label in y.tolist()} - set(by_text))
    if unseen:
        raise DataError(
            f"{what}: labels that training never saw: {', '.join(map(repr, unseen[:5]))}; the model knows "
            f"{', '.join(map(repr, list(by_text)[:20]))}"
        )
    return np.array([by_text[_text(label)] for label in y.tolist()], dtype=classes.dtype)


def _text(label: object) -> str:
    """Write a label as text, 1.0 like 1."""
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _feature_names(model: Model) -> tuple[str, ...] | None:
    """Give the names of the columns, and forget scikit-learn's copy: it would miss them in plain arrays."""
    names: tuple[str, ...] | None = None if model.data is None else model.data.feature_names
    if hasattr(model.classifier, "feature_names_in_"):
        names = names or tuple(model.classifier.feature_names_in_)
        del model.classifier.feature_names_in_
    return names


def _categories(model: Model, names: tuple[str, ...] | None) -> list[str]:
    """Name the columns that hold categories, of which those of a smaller table may all look like numbers."""
    encoder = model.classifier.encoder_
    if names is None or not isinstance(encoder, TableEncoder):
        return []
    return [name for name, kind in zip(names, encoder.kinds_, strict=True) if kind in ("category", "ordered")]


def _in_order(dataset: Dataset, wanted: tuple[str, ...] | None) -> Dataset:
    """Bring the columns into the order that the model wants: by name where both sides have names."""
    if wanted is None or dataset.feature_names is None or dataset.feature_names == wanted:
        return dataset
    place = {name: i for i, name in enumerate(dataset.feature_names)}
    missing = [name for name in wanted if name not in place]
    extra = [name for name in dataset.feature_names if name not in set(wanted)]
    if missing or extra:
        problems = [
            f"{what} {', '.join(map(repr, which[:5]))}"
            for what, which in (("missing", missing), ("unknown", extra))
            if which
        ]
        raise DataError(
            f"{dataset.name}: {len(place)} columns, but the model expects the {len(wanted)} it was trained on "
            f"({'; '.join(problems)}); give the same columns"
        )
    order = [place[name] for name in wanted]
    X_test = None if dataset.X_test is None else dataset.X_test[:, order]
    return replace(dataset, X=dataset.X[:, order], X_test=X_test, feature_names=wanted)
