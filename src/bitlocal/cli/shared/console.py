"""What the command line shows: the progress bar and small tables. Progress goes to stderr, results to stdout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from bitlocal.training import Callback
from bitlocal.training import Progress as TrainingProgress

out = Console(highlight=False, markup=False, emoji=False)  # brackets in a file's name are no markup
err = Console(stderr=True, highlight=False, markup=False, emoji=False)
if not out.is_terminal:
    out.width = 10_000  # what goes to a file or a pipe is not folded


class _SpeedColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        if task.speed is None:
            return Text("")
        return Text(f"{task.speed:,.0f}" + (" samples/s" if err.width > 90 else "/s"), style="cyan")


@contextmanager
def training_progress(*, quiet: bool) -> Iterator[Callback]:
    """Show a progress bar while the block runs; the callback it yields moves it."""
    if quiet:
        yield lambda progress: None
        return
    one_line = Column(no_wrap=True)
    columns = (
        TextColumn("epoch {task.fields[epoch]}", table_column=one_line),
        BarColumn(bar_width=6 if err.width < 90 else 20),
        TextColumn("{task.fields[figures]}", table_column=one_line),
        _SpeedColumn(table_column=one_line),
        TimeRemainingColumn(table_column=one_line),
    )
    bar = Progress(*columns, console=err, transient=err.is_terminal)
    task = bar.add_task("", total=None, epoch="1", figures="")
    validation: list[float] = []

    def show(progress: TrainingProgress) -> None:
        bar.start()  # not before there is progress: an error in the parameters comes without an empty bar
        if progress.finished is not None and progress.finished.validation_accuracy is not None:
            validation.append(progress.finished.validation_accuracy)
        bar.update(
            task,
            total=progress.n_epochs * progress.n_samples,
            completed=(progress.epoch - 1) * progress.n_samples + progress.seen,
            epoch=f"{progress.epoch}/{progress.n_epochs}",
            figures=_figures(progress, validation),
        )

    try:
        yield show
    finally:
        if bar.live.is_started:
            bar.stop()


def _figures(progress: TrainingProgress, validation: list[float]) -> str:
    figures = [f"train {progress.train_accuracy:.1%}"]
    if validation:
        figures.append(f"validation {validation[-1]:.1%}")
    figures.append("errors " + " ".join(f"{share:.0%}" for share in progress.error_share))
    return " ".join(figures)


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Make a table of names and values."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, printable(value))
    return table


def printable(text: str) -> str:
    """Replace what could confuse a terminal: names and labels may come from files that nobody vouches for."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def byte_size(n: int) -> str:
    """Write a number of bytes for a person."""
    if n < 1000:
        return f"{n} bytes"
    return f"{n / 1000:.1f} kB" if n < 1_000_000 else f"{n / 1_000_000:.2f} MB"
