"""What is made of a study's results: tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bitlocal.lab.studies.definitions import STUDIES
from bitlocal.lab.studies.plan import Choice, Run
from bitlocal.lab.studies.reporting.comparisons import claims, comparison, options, tuning_table
from bitlocal.lab.studies.reporting.numbers import depth, maps, pareto
from bitlocal.lab.studies.reporting.runs import (
    Report,
)
from bitlocal.lab.studies.reporting.training import errors, memory, weights


def report(study: str, runs: Sequence[Run]) -> Report:
    """Make the tables and, where matplotlib is installed, the figures of a study.

    Parameters
    ----------
    study : str
        A name in `STUDIES`.
    runs : sequence of Run
        Those of its entries that have results.
    """
    made = Report(study, STUDIES[study].title)
    if runs:
        _REPORTS.get(study, comparison)(made, runs)
    return made


def tuning_report(choices: Iterable[Choice]) -> Report:
    """Make the table of all settings that were tried, for all studies together."""
    made = Report("tuning", "Tuning")
    table = tuning_table(choices)
    if table.rows:
        made.tables.append(table)
    return made


_REPORTS: dict[str, Callable[[Report, Sequence[Run]], None]] = {
    "memory": memory,
    "claims": claims,
    "options": options,
    "depth": depth,
    "maps": maps,
    "pareto": pareto,
    "weights": weights,
    "errors": errors,
}
