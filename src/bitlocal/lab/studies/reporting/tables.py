"""Tables of results, as Markdown and HTML, and how numbers are written in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from bitlocal.lab.studies.reporting.statistics import Difference, Summary
from bitlocal.lab.studies.running.cells import Settings


@dataclass(frozen=True)
class Table:
    """A table with a heading and notes.

    Attributes
    ----------
    name : str
        Name of its file.
    title : str
        Heading.
    columns : sequence of str
        The first column is text, the others are figures.
    rows : list of sequences of str
        Cells.
    notes : list of str
        Sentences below it.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]]
    notes: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """Write it as Markdown."""
        lines = [f"# {self.title}", "", *self._lines(), ""]
        for note in self.notes:
            lines += [note, ""]
        return "\n".join(lines)

    def _lines(self) -> Iterator[str]:
        yield f"| {' | '.join(map(_in_markdown, self.columns))} |"
        yield "|" + "---|" * len(self.columns)
        for row in self.rows:
            yield f"| {' | '.join(map(_in_markdown, row))} |"

    def html(self) -> str:
        """Write it as HTML."""
        head = "".join(f"<th>{escape(column)}</th>" for column in self.columns)
        body = "\n".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self.rows)
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return f"<h3>{escape(self.title)}</h3>\n<table><tr>{head}</tr>\n{body}</table>\n{notes}"


def _in_markdown(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")


def percent(value: float) -> str:
    """Write a share in per cent."""
    return f"{100 * value:.2f} %"


def accuracy(summary: Summary) -> str:
    """Write an accuracy with its spread over seeds."""
    deviation = "" if summary.deviation is None else f" ± {100 * summary.deviation:.2f}"
    return f"{100 * summary.mean:.2f}{deviation} %"


def points(difference: Difference | None) -> str:
    """Write a difference of accuracies in points, with its confidence interval."""
    if difference is None:
        return ""
    mean = f"{100 * difference.mean:+.2f}"
    interval = difference.interval
    return mean if interval is None else f"{mean} ({100 * interval[0]:+.2f} to {100 * interval[1]:+.2f})"


def settings_text(choices: Sequence[Settings]) -> str:
    """Write settings; where seeds were tuned one by one, the most frequent, and how many others there were."""
    different = sorted(set(choices), key=lambda settings: (-list(choices).count(settings), settings))
    first = ", ".join(f"{name.replace('_', ' ')} {_number(value)}" for name, value in different[0])
    return first if len(different) == 1 else f"{first} (most frequent of {len(different)})"


def _number(value: float) -> str:
    return "yes" if value is True else "no" if value is False else f"{value:g}"


def megabytes(bits: float | None) -> str:
    """Write bits as megabytes; nothing where they are not known."""
    return "" if bits is None else f"{three_digits(bits / 8e6)} MB"


def three_digits(value: float | None) -> str:
    """Write a number with three significant digits; nothing where it is not known."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa}·10^{int(exponent)}"
    text = f"{value:.3g}"
    return f"{float(text):.0f}" if "e" in text else text
