"""Fitting data together: a training and a test part, labels with a model's classes, columns with a model's columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.datasets.container import Dataset
from bitlocal.datasets.origin import TrainingData
from bitlocal.errors import DataError
from bitlocal.splits import hold_out


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


def test_part(dataset: Dataset, trained_on: TrainingData | None, *, everything: bool) -> TestPart:
    """Choose what to evaluate on: the official test split, what training held out of the same data, or all."""
    if dataset.X_test is not None and dataset.y_test is not None and not everything:
        return TestPart(dataset.X_test, dataset.y_test, "test split")
    trained_on_this = trained_on is not None and trained_on.fingerprint == dataset.fingerprint()
    if trained_on_this and trained_on is not None and trained_on.test_fraction and not everything:
        _, held_out = hold_out(dataset.y, trained_on.test_fraction, seed=trained_on.split_seed)
        origin = f"the {trained_on.test_fraction:.0%} that training held out"
        return TestPart(dataset.X[held_out], dataset.y[held_out], origin)
    origin = "all samples, which the model was trained on" if trained_on_this else "all samples"
    return TestPart(dataset.X, dataset.y, origin)


def prediction_part(dataset: Dataset) -> NDArray[Any]:
    """Choose what to predict: the test split of a data set that has one, all of it otherwise."""
    return dataset.X if dataset.X_test is None else dataset.X_test


def labels_like(y: NDArray[Any], classes: NDArray[Any], what: str) -> NDArray[Any]:
    """Bring labels to the type of the model's classes; one that was never seen in training is an error."""
    by_text = {_text(label): label for label in classes.tolist()}
    known = list(by_text)
    for text in known:
        if text.lower() in ("true", "false"):  # the same in any case, unless the classes tell the cases apart
            by_text.update({same: by_text[text] for same in _spellings(text) if same not in by_text})
    unseen = sorted({_text(label) for label in y.tolist()} - set(by_text))
    if unseen:
        raise DataError(
            f"{what}: labels that training never saw: {', '.join(map(repr, unseen[:5]))}; the model knows "
            f"{', '.join(map(repr, known[:20]))}"
        )
    return np.array([by_text[_text(label)] for label in y.tolist()], dtype=classes.dtype)


def _spellings(text: str) -> tuple[str, str, str]:
    return text.lower(), text.upper(), text.capitalize()


def _text(label: object) -> str:
    """Write a label as text, 1.0 like 1."""
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def in_order(dataset: Dataset, wanted: tuple[str, ...] | None) -> Dataset:
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
