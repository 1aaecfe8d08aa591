"""Data of a cell: loaded, split, cut and encoded, once in each process."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.bits import pack
from bitlocal.datasets import Dataset, load, names, read_table
from bitlocal.encoders import ImageEncoder, SignalEncoder, make_encoder
from bitlocal.encoders.union import program_of
from bitlocal.lab.studies.running.cells import Cell
from bitlocal.splits import hold_out

TEST_FRACTION = 0.2  # of data without a test split of their own
VALIDATION_FRACTION = 0.2
_DRAWN = ("prototypes",)  # each seed is another task


@dataclass(frozen=True)
class Facts:
    """What planning needs to know of a data set.

    Attributes
    ----------
    data, source, target, encoder
        As in a `Cell`.
    label : str
        Short name, for tables and figures.
    n_train, n_test, n_features, n_bits, n_classes : int
        Sizes; `n_bits` are the bits of an encoded sample.
    fixed_test : bool
        Whether the test samples are the same for every seed, or samples that no other seed's training holds either.
    numeric : bool
        Whether the samples are numbers without holes, as the float methods need them.
    value_bits : int
        Bits that a value takes as it came: 1, 8 or 32.
    """

    data: str
    source: str
    target: str | None
    encoder: str | None
    label: str
    n_train: int
    n_test: int
    n_features: int
    n_bits: int
    n_classes: int
    fixed_test: bool
    numeric: bool
    value_bits: int


@dataclass(frozen=True)
class Parts:
    """Samples to train and to measure on; labels are 0 ... n_classes - 1, or -1 where training has no such label."""

    X: Any
    y: NDArray[np.int64]
    X_test: Any
    y_test: NDArray[np.int64]


def look_at(data: str, *, target: str | None = None, encoder: str = "auto") -> Facts:
    """Load a data set and tell its facts.

    Parameters
    ----------
    data : str
        Name of a known data set, or path of a file.
    target : str or None, default=None
        Column of the labels, in a file.
    encoder : str, default="auto"
        "auto" takes bits as they are; gives images, features (uint8) the publication's median, tables of numbers a
        thermometer and tables with text a `TableEncoder`. Other names are those of `make_encoder`.

    Raises
    ------
    DataError, ValueError
        If the data cannot be had, have no labels or one class only, or there is no such encoder.
    """
    is_file = _is_file(data)
    dataset = _load(data, target, 0)
    spec = _choose_encoder(dataset) if encoder == "auto" else encoder
    cell = Cell(data=data, target=target, method="bmlp", hidden=(1,), encoder=spec, epochs=1, seed=0)
    parts = encoded_parts(cell)
    numeric = dataset.X.dtype.kind in "bui" or (dataset.X.dtype.kind == "f" and not np.isnan(dataset.X).any())
    return Facts(
        data=data,
        source=dataset.fingerprint() if is_file else "",
        target=target,
        encoder=spec,
        label=Path(data).name.split(".")[0] if is_file else data,
        n_train=len(parts.y),
        n_test=len(parts.y_test),
        n_features=dataset.X.shape[1],
        n_bits=parts.X.n_bits,
        n_classes=len(np.unique(dataset.y)),
        fixed_test=dataset.X_test is not None,
        numeric=bool(numeric),
        value_bits={"b": 1, "u": 8 * dataset.X.dtype.itemsize}.get(dataset.X.dtype.kind, 32),
    )


def encoded_parts(cell: Cell) -> Parts:
    """Give the samples of a cell in the form in which its method takes them."""
    # Cells that differ in what the data do not depend on share them.
    return _encoded_parts(
        replace(cell, method="", hidden=(), epochs=0, settings=(), record_weights=False, source="", kept_as="bits"),
    )


@lru_cache(maxsize=3)
def _encoded_parts(cell: Cell) -> Parts:
    dataset = _load(cell.data, cell.target, cell.seed if cell.data in _DRAWN else 0)
    parts = _cut(_split(dataset, cell.seed), cell)
    if cell.inputs == "float":
        return parts
    if cell.encoder is None:
        return replace(parts, X=pack(parts.X), X_test=pack(parts.X_test))
    encoder = make_encoder(cell.encoder)
    if isinstance(encoder, (ImageEncoder, SignalEncoder)) and dataset.image_shape is not None:
        encoder.set_params(shape=dataset.image_shape)
    encoder.fit(parts.X, parts.y)
    program = program_of(encoder)
    assert program is not None  # a text stands for an encoder of this package, or a union of such
    return replace(parts, X=program.run(parts.X), X_test=program.run(parts.X_test))


def _is_file(data: str) -> bool:
    return (os.sep in data or "." in data or os.path.exists(data)) and data not in names()


@lru_cache(maxsize=2)
def _load(data: str, target: str | None, seed: int) -> Dataset:
    return read_table(data, target) if _is_file(data) else load(data, seed=seed)


def _choose_encoder(dataset: Dataset) -> str | None:
    if dataset.X.dtype == np.bool_:
        return None
    if dataset.X.dtype.kind == "O":
        return "table"
    return "median" if dataset.image_shape is not None or dataset.X.dtype == np.uint8 else "thermometer"


def _split(dataset: Dataset, seed: int) -> Parts:
    classes, y = np.unique(dataset.y, return_inverse=True)
    if dataset.X_test is not None and dataset.y_test is not None:
        place = {label: i for i, label in enumerate(classes.tolist())}
        y_test = np.array([place.get(label, -1) for label in dataset.y_test.tolist()])
        return Parts(dataset.X, y, dataset.X_test, y_test)
    rest, held_out = hold_out(y, TEST_FRACTION, seed=seed)
    return Parts(dataset.X[rest], y[rest], dataset.X[held_out], y[held_out])


def _cut(parts: Parts, cell: Cell) -> Parts:
    """Keep the classes, the numbers of samples and the part that the cell names."""
    X, y, X_test, y_test = parts.X, parts.y, parts.X_test, parts.y_test
    if cell.classes is not None:
        keep, keep_test = np.isin(y, cell.classes), np.isin(y_test, cell.classes)
        X, y, X_test, y_test = X[keep], y[keep], X_test[keep_test], y_test[keep_test]
        y, y_test = (np.searchsorted(np.sort(cell.classes), labels) for labels in (y, y_test))
    X, y = _some(X, y, cell.samples, cell.seed)
    if cell.part == "validation":
        rest, held_out = hold_out(y, VALIDATION_FRACTION, seed=cell.seed)
        return Parts(X[rest], y[rest], X[held_out], y[held_out])
    X_test, y_test = _some(X_test, y_test, cell.test_samples, cell.seed)
    return Parts(X, y, X_test, y_test)


def _some(X: NDArray[Any], y: NDArray[Any], n: int | None, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Draw n samples, stratified by class."""
    if n is None or n >= len(y):
        return X, y
    _, chosen = hold_out(y, n / len(y), seed=seed)
    return X[chosen], y[chosen]
