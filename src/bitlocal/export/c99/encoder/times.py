"""Times, which are seconds since 1970 in exported code, and what they are compared by."""

from __future__ import annotations

from collections.abc import Sequence

from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.tables.stages import NumberColumn
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.columns import by_quantity
from bitlocal.export.c99.encoder.features import TYPES
from bitlocal.export.c99.encoder.thermometers import Thermometers
from bitlocal.export.c99.numbers import unsigned
from bitlocal.export.errors import ExportError

_FILE = "times.c"
_TYPE = TYPES["int32"]
VALUES = (0, 13, 7, 24)
"""How many values the parts of a time have, from 0 on: month, weekday and hour; none is told for the time itself."""


def part_of_time(builder: Builder, column: NumberColumn, part: str | None = None) -> str:
    """Write a part of a time: that of a column, or one that an expression tells.

    Raises
    ------
    ExportError
        If features cannot be times.
    """
    if builder.features != _TYPE:
        raise ExportError(
            f"column {column.name!r} holds times, which features of type {builder.features.name} cannot be: export "
            "with features='int32', for seconds since 1970 (UTC), from a table of whole numbers without missing values"
        )
    builder.add(_FILE, "part")
    value = builder.value(unsigned(column.column))
    told = builder.expression(_FILE, "number", part=column.part) if part is None else part
    return builder.expression(_FILE, "call", value=value, part=told)


def add_times(builder: Builder, thresholds: Thresholds, columns: Sequence[tuple[int, NumberColumn]]) -> None:
    """Add the code that compares the parts of a time, which have these places among the quantities, with thresholds."""
    places, (time, *_) = [i for i, _ in columns], [column for _, column in columns]
    value = part_of_time(builder, time, builder.expression(_FILE, "loop index"))
    if thresholds.missing[places].any():
        raise ExportError(
            f"column {time.name!r} had missing times in fit, and has a bit for them, which features of type "
            f"{_TYPE.name} cannot have: leave those samples out"
        )
    some = [i in places for i in thresholds.columns.tolist()]
    if (thresholds.values[some] < _TYPE.low).any():
        raise ExportError(f"column {time.name!r} holds times before 1901, which 32 bits do not hold in seconds")
    everything = by_quantity(thresholds, _TYPE.low, _TYPE.high)
    rows = [everything[i] for i in places]
    if any(rows):
        thermometers = Thermometers(builder, "time", rows, _TYPE.low, _TYPE.high)
        builder.part("times", builder.loop(len(rows), thermometers.call(value), thermometers.start()))
