"""`bitlocal reproduce`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import joblib
import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column, Table

from bitlocal.cli.shared.console import err, out, printable
from bitlocal.cli.shared.isa import Isa
from bitlocal.lab.studies import reproduction as studies
from bitlocal.lab.studies.definitions import STUDIES
from bitlocal.lab.studies.reporting.figures import MISSING, can_draw


def reproduce(
    tables: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TABLE]...", help=f"What to reproduce: {', '.join(STUDIES)} (default: all of them)."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="DATA",
            help="Name of a data set, or a .csv, .csv.gz, .parquet or .npz file; may be given several times "
            f"(default: {', '.join(studies.DEFAULT_DATA)}).",
        ),
    ] = None,
    target: Annotated[str | None, typer.Option(help="Column of the labels, in files (default: target).")] = None,
    encoder: Annotated[
        str,
        typer.Option(
            help="What makes bits, as in 'bitlocal train' (default: the median for images and features, as published; "
            "a thermometer for tables)."
        ),
    ] = "auto",
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Seeds 1 to N of the main comparisons.")] = 5,
    quick: Annotated[
        bool, typer.Option("--quick", help="Few samples, few epochs, two seeds: for a first look; not to be quoted.")
    ] = False,
    out_folder: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for results; those that are there are not run again.")
    ] = Path("reproduction"),
    jobs: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Processes, one thread each (default: one a core).")
    ] = None,
    only_list: Annotated[bool, typer.Option("--list", help="Say what would run, and about how long it takes.")] = False,
    isa: Isa = None,
) -> None:
    """Run the publication's comparison of methods: tables, figures and one page with all of it.

    Interrupted or started again, it goes on where it stopped. Exit status 1 if a training failed.
    """
    request = studies.Request(
        studies=tuple(dict.fromkeys(tables or ())),
        data=tuple(data or studies.DEFAULT_DATA),
        target=target,
        encoder=encoder,
        seeds=seeds,
        quick=quick,
    )
    n_jobs = jobs or joblib.cpu_count()
    if only_list:
        _show_plan(studies.prepare(request, out_folder if out_folder.is_dir() else None), n_jobs)
        return
    if not can_draw():
        err.print(f"note: {MISSING}", soft_wrap=True)
    prepared = studies.prepare(request, out_folder)
    try:
        with _progress() as callback:
            outcome = studies.reproduce(prepared, out_folder, jobs=n_jobs, callback=callback)
    except KeyboardInterrupt:
        err.print("interrupted; the results so far are kept, and the same command goes on from there", soft_wrap=True)
        raise typer.Exit(130) from None
    for reason in outcome.left_out:
        err.print(f"left out: {printable(reason)}", soft_wrap=True)
    failed = len(outcome.failures)
    out.print(
        f"{outcome.cells} trainings: {outcome.ran} run now"
        + (f", {failed} of them failed" if failed else "")
        + f". See {outcome.out / 'index.html'}",
        soft_wrap=True,
    )
    if failed:
        raise typer.Exit(1)


def _show_plan(prepared: studies.Prepared, jobs: int) -> None:
    plans = prepared.plan(tuned=False)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("table", no_wrap=True)
    for column in ("trainings", "to run", "core-minutes"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("")
    counted: set[object] = set()
    whole = 0.0
    for plan in plans:
        cells = {cell for choice in plan.choices for cell in choice.candidates} | {entry.cell for entry in plan.entries}
        to_do = {**prepared.to_do([plan], tuning=True), **prepared.to_do([plan], tuning=False)}
        new = {cell: seconds for cell, seconds in to_do.items() if cell not in counted}
        shared = len(to_do) - len(new)
        counted |= set(new)
        whole += sum(new.values())
        table.add_row(
            plan.name,
            str(len(cells)),
            str(len(new)),
            f"{sum(new.values()) / 60:.1f}",
            f"and {shared} that are listed above" if shared else "",
        )
    out.print(table)
    out.print(
        f"\n{len(counted)} trainings to run, about {whole / 60:.0f} core-minutes: "
        f"{whole / 60 / jobs:.0f} minutes with {jobs} {'job' if jobs == 1 else 'jobs'} (estimated for AMD Zen 3)"
    )
    for reason in prepared.left_out:
        out.print(f"left out: {printable(reason)}", soft_wrap=True)


@contextmanager
def _progress() -> Iterator[Callable[[studies.Progress], None]]:
    one_line = Column(no_wrap=True)
    columns = (
        TextColumn("{task.fields[stage]}", table_column=one_line),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[cells]} trainings{task.fields[left]}", table_column=one_line),
    )
    bar = Progress(*columns, console=err, transient=err.is_terminal, disable=not err.is_terminal)
    start = time.monotonic()
    told = 0.0
    with bar:
        task = bar.add_task("", total=None, stage="", cells="", left="")

        def show(progress: studies.Progress) -> None:
            nonlocal told
            left = ""
            if progress.work_done > 0:
                seconds = (time.monotonic() - start) * (progress.work_total / progress.work_done - 1)
                left = f", about {_duration(seconds)} left"
            bar.update(
                task,
                total=progress.work_total,
                completed=progress.work_done,
                stage=progress.stage,
                cells=f"{progress.done}/{progress.total}",
                left=left,
            )
            if not err.is_terminal and progress.work_done - told > progress.work_total / 20:
                told = progress.work_done
                err.print(f"{progress.stage}: {progress.done}/{progress.total} trainings{left}", soft_wrap=True)
            if progress.failure is not None:
                what = f"{progress.failure.cell.describe()}: {progress.failure.reason}"
                err.print(f"failed: {printable(what)}", soft_wrap=True)

        yield show


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
