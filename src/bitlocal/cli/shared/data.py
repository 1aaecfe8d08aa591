"""The arguments DATA and MODEL."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import joblib

from bitlocal.datasets import Dataset, load, names, read_table
from bitlocal.datasets.match import in_order
from bitlocal.encoders import TableEncoder
from bitlocal.files.model import Model, load_model


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
    return in_order(dataset, names)


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
