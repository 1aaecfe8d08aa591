"""Windows of signals.

Nothing is kept between integers: sums of neighbours are added up again for each band, so no memory is needed beyond
the window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bitlocal.encoders.program import Compared
from bitlocal.encoders.signals.quantities import Bands, Crossings, Differences, Signal, Values
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.columns import by_column
from bitlocal.export.c99.encoder.features import TYPES, FeatureType
from bitlocal.export.c99.encoder.thermometers import NumberTable, Thermometers
from bitlocal.export.c99.encoder.whole import add_whole
from bitlocal.export.c99.encoder.writer import Writer

_FILE = "signal.c"


class _Writing:
    """The code of what is computed from a window, and the thresholds of each number."""

    def __init__(self, builder: Builder, signal: Signal, rows: list[list[int]]) -> None:
        self.builder = builder
        self.n_steps, self.channels = signal.n_steps, signal.n_channels
        self.rows = rows
        levels = signal.levels if signal.levels.shape[1] else None
        self.value = add_whole(builder, "value", levels, "signals")

    def text(self, piece: str, **values: object) -> str:
        """Fill in a template."""
        return self.builder.text(_FILE, piece, **values)

    def expression(self, piece: str, **values: object) -> str:
        """Fill in a template of an expression."""
        return self.builder.expression(_FILE, piece, **values)

    def add_segments(self, what: str, high: int, name: str, n_segments: int) -> None:
        """Add what compares a number of each segment, up to `high`, that a function of this name computes."""
        thermometers = Thermometers(self.builder, what, self.rows, 0, high)
        value = self.expression(f"call of {what}s", name=name)
        self.builder.add(_FILE, "bound")
        body = self.text(
            f"write {what}s",
            start=thermometers.start(),
            segments=min(n_segments, self.n_steps),
            n_steps=self.n_steps,
            channels=self.channels,
            most=2 ** (self.n_steps.bit_length() - 2) if self.n_steps > 1 else 0,
            write=thermometers.call(value, cast=thermometers.ctype != "int32_t"),
        )
        self.builder.part(f"{what}s", body)


def _values(to: _Writing, run: Sequence[Values]) -> None:
    thermometers = Thermometers(to.builder, "value_level", to.rows, to.value.low, to.value.high)
    write = thermometers.call(to.value.at("i"))
    to.builder.part("values", to.builder.loop(len(to.rows), write, thermometers.start()))


def _differences(to: _Writing, run: Sequence[Differences]) -> None:
    """Write those of all lags, which go together."""
    span = to.value.high - to.value.low
    thermometers = Thermometers(to.builder, "difference", to.rows, -span, span)
    earlier = to.value.at(to.expression("place before"))
    values = {"ctype": thermometers.ctype, "later": to.value.at("i"), "earlier": earlier}
    write = thermometers.call(to.expression("difference", **values))
    name = to.builder.function("differences", _FILE, "differences", n=to.n_steps * to.channels, write=write)
    calls = [to.text("call of differences", name=name, apart=of.lag * to.channels) for of in run]
    to.builder.part("differences", thermometers.start() + "".join(calls))


def _crossings(to: _Writing, run: Sequence[Crossings]) -> None:
    (of,) = run
    medians = NumberTable(to.builder, "medians", of.medians.tolist(), to.value.low, to.value.high)
    channel = to.expression("channel" if to.channels > 1 else "only channel", channels=to.channels)
    values = {"value": to.value.at("i"), "above": medians.below("value", channel)}
    above = to.builder.function("above", _FILE, "above", ctype=medians.ctype, **values)
    name = to.builder.function("crossings", _FILE, "crossings", channels=to.channels, above=above)
    to.add_segments("crossing", to.n_steps, name, of.n_segments)


def _bands(to: _Writing, run: Sequence[Bands]) -> None:
    (of,) = run
    place = to.expression("place" if to.channels > 1 else "only place", channels=to.channels)
    name = to.builder.function("sum", _FILE, "sum", value=to.value.at(place))
    name = to.builder.function("energy", _FILE, "energy", sum=name)
    to.add_segments("band", 2**31 - 1, name, of.n_segments)


def _suited(stage: Compared) -> FeatureType:
    """Tell what signals the encoder was fitted on: whole numbers within 16 bits, or others."""
    quantities: Any = stage.quantities
    return TYPES["int16" if quantities.signal.levels.shape[1] == 0 else "float"]


def _writer(write: Callable[[_Writing, Any], None]) -> Writer:
    def add(builder: Builder, stages: Sequence[Compared]) -> None:
        run: list[Any] = [stage.quantities for stage in stages]
        rows = [
            row
            for stage in stages
            for row in by_column(stage.thresholds.columns, stage.thresholds.values.astype("int64"), stage.thresholds.n)
        ]
        if any(rows):
            write(_Writing(builder, run[0].signal, rows), run)

    return Writer(add, _suited, knows=True)


WRITERS: dict[type, Writer] = {
    Values: _writer(_values),
    Differences: _writer(_differences),
    Crossings: _writer(_crossings),
    Bands: _writer(_bands),
}
