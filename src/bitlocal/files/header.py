"""What the header of format 1 has in a form of its own: specifications and records of epochs, flat."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from bitlocal.files.schema import build, require
from bitlocal.spec import Spec
from bitlocal.spec.parameters import compose, decompose
from bitlocal.state import Counts
from bitlocal.training import EpochRecord


def _spec(
    n_inputs: int,
    hidden_layer_sizes: tuple[int, ...],
    n_classes: int,
    group_size: int,
    robustness: float = 0.25,
    reinforcement: float = 2.0,
    hidden_clip: int | None = None,
    seed: int = 0,
    majority: bool = False,
    freeze_first: bool = False,
    train_classifier: bool = False,
    single_output: bool = False,
    readout: str = "votes",
) -> Spec:
    """Make a specification; the parameters are the entries, in their order."""
    given = locals()
    others = {name: given.pop(name) for name in ("n_inputs", "n_classes", "seed", "majority")}
    return compose(given, **others)


def spec_to_json(spec: Spec) -> dict[str, Any]:
    """Give the entries of a specification."""
    values = {"n_inputs": spec.n_inputs, "n_classes": spec.n_classes, "seed": spec.seed, **decompose(spec)}
    if values["readout"] == "votes":
        del values["readout"]  # younger than format 1: written where it says something
    return {name: values[name] for name in inspect.signature(_spec).parameters if name in values}


def spec_from_json(entries: Mapping[str, Any]) -> Spec:
    """Make a specification; raises ValueError or TypeError if an entry is missing, unknown or not valid."""
    spec = build(_spec, entries)
    require(0 <= spec.seed < 2**64, "the seed is not valid")
    return spec


def _record(
    epoch: int,
    n_samples: int,
    train_accuracy: float,
    validation_accuracy: float | None,
    error_share: tuple[float, ...],
    seconds: float,
    batches: int = 0,
    updates: tuple[int, ...] = (),
    draws: tuple[int, ...] = (),
    reinforced: tuple[int, ...] = (),
    rows: int | None = None,
) -> EpochRecord:
    """Make the record of an epoch; the parameters are the entries, in their order. Shares are of whole samples."""
    errors = [round(share * n_samples) for share in error_share]
    correct = round(train_accuracy * n_samples)
    done = errors, batches, list(updates), list(draws), list(reinforced)
    counts = Counts(n_samples, correct, *done, rows=n_samples if rows is None else rows)
    return EpochRecord(epoch, counts, validation_accuracy, seconds)


def record_to_json(record: EpochRecord) -> dict[str, Any]:
    """Give the entries of a record."""
    values = {**vars(record.counts), **vars(record)}
    values |= {name: getattr(record, name) for name in ("n_samples", "train_accuracy", "error_share")}
    if values["rows"] == values["n_samples"]:
        del values["rows"]  # younger than format 1: written where it says something
    return {name: values[name] for name in inspect.signature(_record).parameters if name in values}


def record_from_json(entries: Mapping[str, Any]) -> EpochRecord:
    """Make a record; raises ValueError or TypeError if an entry is missing, unknown or not valid."""
    return build(_record, entries)
