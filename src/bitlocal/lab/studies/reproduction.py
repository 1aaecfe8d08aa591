"""The whole of it: plan, tune, run, report. Started again, it goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bitlocal.lab.studies.definitions import STUDIES
from bitlocal.lab.studies.plan import Choice, Entry, Plan, Run, Scale, estimate_seconds, full, quick
from bitlocal.lab.studies.reporting import figures, output
from bitlocal.lab.studies.reporting.page import page
from bitlocal.lab.studies.reporting.reports import report, tuning_report
from bitlocal.lab.studies.reporting.runs import Report
from bitlocal.lab.studies.running.cells import Cell
from bitlocal.lab.studies.running.data import Facts, look_at
from bitlocal.lab.studies.running.environment import environment
from bitlocal.lab.studies.running.execute import run_cell
from bitlocal.lab.studies.running.runner import Failure, Work, run
from bitlocal.lab.studies.running.store import Result, Store

DEFAULT_DATA = ("prototypes", "fashion-mnist", "cifar10-features")


@dataclass(frozen=True)
class Request:
    """What to reproduce.

    Attributes
    ----------
    studies : tuple of str
        Names in `STUDIES`; all of them if it is empty.
    data : tuple of str
        Names of data sets, or files.
    target : str or None
        Column of the labels, in files.
    encoder : str
        As `bitlocal.lab.studies.data.look_at` takes it.
    seeds : int
        Seeds 1 to this one.
    quick : bool
        Whether to train little, for a first look.
    """

    studies: tuple[str, ...] = ()
    data: tuple[str, ...] = DEFAULT_DATA
    target: str | None = None
    encoder: str = "auto"
    seeds: int = 5
    quick: bool = False

    def __post_init__(self) -> None:
        for name in self.studies:
            if name not in STUDIES:
                raise ValueError(f"there is no table {name!r}: expected one of {', '.join(STUDIES)}")
        if not self.data:
            raise ValueError("no data: expected at least one name or file")
        if len(set(self.data)) != len(self.data):
            raise ValueError(f"the same data twice: {', '.join(self.data)}; name each once")
        if self.seeds < 1:
            raise ValueError(f"seeds={self.seeds}: expected at least 1")

    @property
    def command(self) -> str:
        """The command line that asks for this."""
        words = ["bitlocal reproduce", *self.studies]
        if self.data != DEFAULT_DATA:
            words += [f"--data {data}" for data in self.data]
        for option, value, default in (
            ("--target", self.target, None),
            ("--encoder", self.encoder, "auto"),
            ("--seeds", self.seeds, 5),
        ):
            if value != default:
                words.append(f"{option} {value}")
        return " ".join(words + ["--quick"] * self.quick)


@dataclass(frozen=True)
class StudyPlan:
    """A study's entries, and what is tuned for them."""

    name: str
    entries: list[Entry]
    choices: list[Choice]


@dataclass
class Prepared:
    """What would run.

    Attributes
    ----------
    request : Request
        What was asked for.
    facts : list of Facts
        The data sets.
    scale : Scale
        How much is trained.
    store : Store or None
        Where results lie, if there is such a place yet.
    """

    request: Request
    facts: list[Facts]
    scale: Scale
    store: Store | None
    left_out: list[str] = field(default_factory=list)

    def plan(self, *, tuned: bool) -> list[StudyPlan]:
        """Plan all studies, with the settings that are chosen by now."""
        plans: list[StudyPlan] = []
        left_out: dict[str, None] = {}
        for name in self.request.studies or tuple(STUDIES):
            plan = Plan(self.facts, self.scale, self.result, tuned=tuned)
            entries = list(STUDIES[name].entries(plan))
            plans.append(StudyPlan(name, entries, list(plan.choices.values())))
            left_out.update(plan.left_out)
        self.left_out = list(left_out)
        return plans

    def result(self, cell: Cell) -> Result | None:
        """Give the result of a cell, if there is one."""
        if cell not in self._results:
            found = None if self.store is None else self.store.get(cell)
            if found is None:
                return None
            self._results[cell] = found
        return self._results[cell]

    def to_do(self, plans: Sequence[StudyPlan], *, tuning: bool) -> dict[Cell, float]:
        """Give the cells without a result and their estimated seconds, the longest first."""
        wanted: dict[Cell, Facts] = {}
        for plan in plans:
            if tuning:
                wanted.update({cell: choice.facts for choice in plan.choices for cell in choice.candidates})
            else:
                wanted.update({entry.cell: entry.facts for entry in plan.entries})
        estimated = {cell: estimate_seconds(cell, facts) for cell, facts in wanted.items() if self.result(cell) is None}
        return dict(sorted(estimated.items(), key=lambda item: (-item[1], item[0].digest)))

    def __post_init__(self) -> None:
        self._results: dict[Cell, Result] = {}


def prepare(request: Request, out: Path | None) -> Prepared:
    """Look at the data, and at the results that are there.

    Parameters
    ----------
    request : Request
        What to reproduce.
    out : Path or None
        Folder of results; None if none are to be looked for or kept.

    Raises
    ------
    DataError, ValueError, OSError
        If the data or the folder cannot be used.
    """
    facts = [look_at(data, target=request.target, encoder=request.encoder) for data in request.data]
    scale = quick(request.seeds) if request.quick else full(request.seeds)
    return Prepared(request, facts, scale, None if out is None else Store(out / "cells"))


@dataclass(frozen=True)
class Progress:
    """Where a reproduction stands; what a callback gets.

    Attributes
    ----------
    stage : str
        "tuning" or "training".
    done, total : int
        Cells.
    work_done, work_total : float
        The same in estimated seconds of one thread.
    failure : Failure or None
        That of the cell that has just ended, if it failed.
    """

    stage: str
    done: int
    total: int
    work_done: float
    work_total: float
    failure: Failure | None = None


@dataclass(frozen=True)
class Outcome:
    """What a reproduction came to.

    Attributes
    ----------
    out : Path
        Its folder; `index.html` in it has everything.
    cells : int
        Cells that the studies hold.
    ran : int
        Those that were run now, the failed ones included.
    failures : list of Failure
        Those that failed.
    left_out : list of str
        Reasons why something is left out.
    """

    out: Path
    cells: int
    ran: int
    failures: list[Failure]
    left_out: list[str]


def reproduce(
    prepared: Prepared,
    out: Path,
    *,
    jobs: int = 1,
    callback: Callable[[Progress], None] = lambda progress: None,
    work: Work = run_cell,
) -> Outcome:
    """Run what has no result yet, tuning first, and write the report.

    Parameters
    ----------
    prepared : Prepared
        From `prepare`, with the same folder.
    out : Path
        Folder of the report.
    jobs : int, default=1
        Processes, one thread each. Results do not depend on it.
    callback : callable, optional
        Called when a stage begins and after each cell.
    work : callable, default=run_cell
        Runs a cell.
    """
    assert prepared.store is not None
    failures: list[Failure] = []
    ran = 0
    done_work = 0.0
    for tuning in (True, False):
        plans = prepared.plan(tuned=not tuning)
        cells = prepared.to_do(plans, tuning=tuning)
        later = prepared.to_do(plans, tuning=False) if tuning else {}
        total, total_work = ran + len(cells) + len(later), done_work + sum(cells.values()) + sum(later.values())
        stage = "tuning" if tuning else "training"
        callback(Progress(stage, ran, total, done_work, total_work))

        def note(
            cell: Cell,
            failure: Failure | None,
            *,
            stage: str = stage,
            cells: dict[Cell, float] = cells,
            total: int = total,
            total_work: float = total_work,
        ) -> None:
            nonlocal ran, done_work
            ran += 1
            done_work += cells[cell]
            callback(Progress(stage, ran, total, done_work, total_work, failure))

        failures += run(list(cells), prepared.store, work, jobs=jobs, report=note)
    plans = prepared.plan(tuned=True)
    left_out = prepared.left_out + ([] if figures.can_draw() else [figures.MISSING])
    count = _write(prepared, plans, out, left_out, failures)
    return Outcome(out, count, ran, failures, left_out)


def _write(
    prepared: Prepared, plans: Sequence[StudyPlan], out: Path, left_out: Sequence[str], failures: Sequence[Failure]
) -> int:
    """Write the report from the results that are there; give the number of cells."""
    reports: list[Report] = []
    choices: dict[tuple[Cell, ...], Choice] = {}
    used: dict[Cell, list[str]] = {}
    for plan in plans:
        runs = []
        for entry in plan.entries:
            result = prepared.result(entry.cell)
            if result is not None:
                runs.append(Run(entry, result))
        for cell in [entry_run.cell for entry_run in runs] + [
            cell for choice in plan.choices for cell in choice.candidates
        ]:
            studies = used.setdefault(cell, [])
            if plan.name not in studies:
                studies.append(plan.name)
        reports.append(report(plan.name, runs))
        choices.update({choice.candidates: choice for choice in plan.choices})
    if choices:
        reports.append(tuning_report(choices.values()))
    results = {cell: result for cell in used if (result := prepared.result(cell)) is not None}
    minutes = sum(result["cell_seconds"] for result in results.values()) / 60
    notes = [*left_out, *(f"failed: {failure.cell.describe()}: {failure.reason}" for failure in failures)]
    sizes = [
        f"{facts.label}: {facts.n_train} training and {facts.n_test} test samples, {facts.n_classes} classes, "
        f"{facts.n_bits} bits a sample ({facts.encoder or 'as they are'})."
        for facts in prepared.facts
    ]
    environments = [result["environment"] for result in results.values()]
    summary = [f"{len(results)} trainings, {minutes:.0f} minutes of one core in all.", *sizes]
    if any(other != environments[0] for other in environments):
        summary.append("Not all were computed in the same environment; results.json tells each one's.")
    html = page(
        reports,
        command=prepared.request.command,
        environment=environments[0] if environments else environment(),
        summary=summary,
        notes=notes,
    )
    output.write_report(out, reports, html)
    output.write_results(out, results, used, prepared.request.command)
    return len(used)
