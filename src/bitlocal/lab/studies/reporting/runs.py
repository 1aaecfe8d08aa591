"""Runs, grouped and summed up for tables; what all reports say."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bitlocal.lab.studies.definitions import ONE_LAYER, row_name
from bitlocal.lab.studies.plan import Run
from bitlocal.lab.studies.reporting import tables
from bitlocal.lab.studies.reporting.figures import Figure
from bitlocal.lab.studies.reporting.tables import Table

_Key = TypeVar("_Key")

REFERENCE = row_name("bmlp", ONE_LAYER)
ACCURACY = "test accuracy (%)"
EPOCH = "epoch"
NO_FIGURE = "(no figure given)"
SPREAD = "Mean ± standard deviation over n seeds."
INTERVAL = (
    "Difference: mean of the paired differences, same seed, with the 95 % confidence interval of Student's t over the "
    "seeds that both rows have."
)


@dataclass
class Report:
    """What one study comes to."""

    name: str
    title: str
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)


def grouped(runs: Iterable[Run], key: Callable[[Run], _Key]) -> dict[_Key, list[Run]]:
    """Group runs by a key, in order of appearance."""
    groups: dict[_Key, list[Run]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return groups


def by_data_and_row(runs: Iterable[Run]) -> dict[str, dict[str, list[Run]]]:
    """Group runs by data, then by row."""
    groups: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        groups.setdefault(run.entry.facts.label, {}).setdefault(run.entry.row, []).append(run)
    return groups


def by_seed(runs: Iterable[Run]) -> dict[int, float]:
    """Give the accuracy of each seed."""
    return {run.cell.seed: run.result["accuracy"] for run in runs}


def cost(runs: Sequence[Run], name: str) -> float | None:
    """Mean cost of some runs; None where it is not known."""
    known = [run.result["costs"][name] for run in runs if run.result["costs"] is not None]
    return statistics.fmean(known) if known else None


def scope(runs: Sequence[Run]) -> tuple[str, str]:
    """Tell training samples and epochs."""
    return str(runs[0].result["n_train"]), str(runs[0].cell.epochs)


def setting(runs: Sequence[Run], name: str) -> str:
    """Tell a setting of runs that share it."""
    return f"{dict(runs[0].cell.settings)[name]:g}" if runs else ""


def settings_note(runs: Sequence[Run]) -> str:
    """Tell settings that were not tuned."""
    return f"Settings, not tuned: {tables.settings_text([run.cell.settings for run in runs])}."
