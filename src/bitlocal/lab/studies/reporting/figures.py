"""Figures of results, drawn by matplotlib. One kind of figure a function; what is drawn is the caller's choice."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

# Colours that people with any colour vision can tell apart (Okabe and Ito), and marks besides.
_COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31", "#7F7F7F", "#882255",
)  # fmt: skip
_PANELS_A_ROW = 3
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
_SETTINGS: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "bitlocal",  # names within the file that are the same each time
    "svg.fonttype": "path",  # looks the same wherever it is opened
    "axes.unicode_minus": True,
}

MISSING = "figures are left out: they need matplotlib, pip install 'bitlocal[studies]'"


@dataclass(frozen=True)
class Figure:
    """A drawn figure.

    Attributes
    ----------
    name : str
        Name of its files.
    title : str
        What it shows.
    svg, png : bytes
        The two files.
    """

    name: str
    title: str
    svg: bytes
    png: bytes


@dataclass(frozen=True)
class Mark:
    """A point of a figure, with half the height of its error bar."""

    x: float
    y: float
    error: float | None = None


Series = Mapping[str, Sequence[Mark]]


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def lines(
    name: str,
    title: str,
    panels: Mapping[str, Series],
    *,
    x_label: str,
    y_label: str,
    log_x: bool = False,
    marks: bool = True,
    joined: bool = True,
    whole_x: bool = False,
    share_y: bool = False,
) -> Figure:
    """Draw series of points, joined by lines, with error bars: a panel for each data set."""
    with _drawing(len(panels), title, share_y=share_y) as (figure, axes):
        styles = _styles(panels.values())
        for axis, (label, series) in zip(axes, panels.items(), strict=True):
            for row, values in series.items():
                colour, mark = styles[row]
                axis.errorbar(
                    [value.x for value in values],
                    [value.y for value in values],
                    yerr=None if all(value.error is None for value in values) else [v.error or 0 for v in values],
                    color=colour,
                    marker=mark if marks else None,
                    markersize=5,
                    linestyle="-" if joined else "none",
                    linewidth=1.3,
                    capsize=2.5,
                    label=row,
                )
            axis.set_title(label)
            axis.set_xlabel(x_label)
            if log_x:
                _logarithmic(axis, [value.x for values in series.values() for value in values])
            if whole_x:
                axis.set_xticks(sorted({value.x for values in series.values() for value in values}))
            elif x_label == "epoch":
                axis.xaxis.get_major_locator().set_params(integer=True)
        _label_rows(axes, y_label)
        _legend(figure, axes)
        return _finish(name, title, figure)


def rows(
    name: str, title: str, panels: Mapping[str, Mapping[str, Sequence[float]]], *, x_label: str, reference: str = ""
) -> Figure:
    """Draw mean and standard deviation, and a dot for each seed, a row for each method; a panel for each data set."""
    import statistics

    labels = list(dict.fromkeys(row for panel in panels.values() for row in panel))
    height = 1.3 + 0.3 * len(labels)
    with _drawing(len(panels), title, height=height) as (figure, axes):
        for number, (axis, (label, panel)) in enumerate(zip(axes, panels.items(), strict=True)):
            for place, row in enumerate(labels):
                values = panel.get(row)
                if not values:
                    continue
                colour = _COLOURS[0] if row.startswith("BMLP") else _COLOURS[1]
                error = statistics.stdev(values) if len(values) > 1 else None
                axis.plot(values, [place] * len(values), ".", color=colour, alpha=0.45, markersize=5)
                axis.errorbar(
                    statistics.fmean(values), place, xerr=error, color=colour, marker="D", markersize=5, capsize=3
                )
                if row == reference:
                    axis.axvline(statistics.fmean(values), color=_COLOURS[0], linewidth=0.8, linestyle=":")
            axis.set_ylim(len(labels) - 0.5, -0.5)
            axis.set_yticks(range(len(labels)), labels if number == 0 else [""] * len(labels))
            axis.set_title(label)
            axis.set_xlabel(x_label)
        return _finish(name, title, figure)


def heatmaps(
    name: str, title: str, panels: Mapping[str, Mapping[tuple[float, float], float]], *, x_label: str, y_label: str
) -> Figure:
    """Draw a number for each pair of numbers, as a coloured grid with the numbers written in it."""
    with _drawing(len(panels), title, height=3.4) as (figure, axes):
        for axis, (label, values) in zip(axes, panels.items(), strict=True):
            xs, ys = sorted({x for x, _ in values}), sorted({y for _, y in values})
            grid = [[values.get((x, y), float("nan")) for x in xs] for y in ys]
            image = axis.imshow(grid, origin="lower", aspect="auto", cmap="viridis")
            middle = (min(values.values()) + max(values.values())) / 2
            for (x, y), value in values.items():
                colour = "white" if value < middle else "black"
                axis.text(xs.index(x), ys.index(y), f"{value:.1f}", ha="center", va="center", color=colour, fontsize=7)
            axis.set_xticks(range(len(xs)), [f"{x:g}" for x in xs])
            axis.set_yticks(range(len(ys)), [f"{y:g}" for y in ys])
            axis.grid(visible=False)
            axis.set_title(label)
            axis.set_xlabel(x_label)
            figure.colorbar(image, ax=axis, label="test accuracy (%)" if axis is axes[-1] else None)
        _label_rows(axes, y_label)
        return _finish(name, title, figure)


def bands(
    name: str,
    title: str,
    panels: Mapping[str, Sequence[Sequence[float]]],
    *,
    x_label: str,
    y_label: str,
    percentiles: Sequence[int],
) -> Figure:
    """Draw how percentiles move: pairs of them as bands around the median."""
    with _drawing(len(panels), title) as (figure, axes):
        for axis, (label, steps) in zip(axes, panels.items(), strict=True):
            places = range(len(steps))
            for low in range(len(percentiles) // 2):
                high = len(percentiles) - 1 - low
                axis.fill_between(
                    places,
                    [step[low] for step in steps],
                    [step[high] for step in steps],
                    color=_COLOURS[0],
                    alpha=0.15 + 0.15 * low,
                    linewidth=0,
                    label=f"percentiles {percentiles[low]} to {percentiles[high]}",
                )
            median = len(percentiles) // 2
            axis.plot(places, [step[median] for step in steps], color=_COLOURS[1], linewidth=1.5, label="median")
            axis.set_title(label)
            axis.set_xlabel(x_label)
            axis.set_ylim(bottom=0)
            axis.xaxis.get_major_locator().set_params(integer=True)
        _label_rows(axes, y_label)
        _legend(figure, axes)
        return _finish(name, title, figure)


class _drawing:  # noqa: N801  # a context manager, used like a function
    """Open a row of panels, with the settings of this module, and close it whatever happens."""

    def __init__(self, n_panels: int, title: str, *, height: float = 3.2, share_y: bool = False) -> None:
        self.n_panels, self.title, self.height, self.share_y = n_panels, title, height, share_y

    def __enter__(self) -> tuple[Any, list[Any]]:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        self._context = pyplot.rc_context(_SETTINGS)
        self._context.__enter__()
        n_rows = -(-self.n_panels // _PANELS_A_ROW)
        n_columns = min(self.n_panels, _PANELS_A_ROW)
        self.figure, axes = pyplot.subplots(
            n_rows,
            n_columns,
            figsize=(max(3.6 * n_columns, 5.2), 0.5 + self.height * n_rows),
            squeeze=False,
            sharey=self.share_y,
        )
        self.figure.suptitle(self.title, fontsize=11)
        for axis in axes.flat[self.n_panels :]:
            axis.set_visible(False)
        return self.figure, list(axes.flat[: self.n_panels])

    def __exit__(self, *error: object) -> None:
        from matplotlib import pyplot

        pyplot.close(self.figure)
        self._context.__exit__(None, None, None)


def _styles(panels: Any) -> dict[str, tuple[str, str]]:
    """Give each series the same colour and mark in every panel."""
    names = list(dict.fromkeys(row for series in panels for row in series))
    return {row: (_COLOURS[i % len(_COLOURS)], _MARKS[i % len(_MARKS)]) for i, row in enumerate(names)}


def _logarithmic(axis: Any, xs: Sequence[float]) -> None:
    """Make the horizontal axis logarithmic, with labels that do not run into each other."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_xscale("log")
    axis.xaxis.set_minor_formatter(NullFormatter())
    if max(xs) < 30 * min(xs):  # powers of ten alone would be too few
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))


def _label_rows(axes: Sequence[Any], y_label: str) -> None:
    """Label the vertical axis where a row of panels begins."""
    for axis in axes[::_PANELS_A_ROW]:
        axis.set_ylabel(y_label)


def _legend(figure: Any, axes: Sequence[Any]) -> None:
    entries: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if len(entries) > 1:
        figure.legend(
            entries.values(), entries.keys(), loc="outside lower center", ncols=min(len(entries), 4), fontsize=8
        )


def _finish(name: str, title: str, figure: Any) -> Figure:
    files = {}
    figure.draw_without_rendering()  # the layout, once for both files
    figure.set_layout_engine("none")
    # No dates and no versions: the same results give the same file.
    for kind, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, dpi=120, metadata=metadata)
        files[kind] = buffer.getvalue()
    return Figure(name, title, files["svg"], files["png"])
