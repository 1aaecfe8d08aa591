"""Tables where every column holds numbers or times, and texts, which have no form in C."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NoReturn

import numpy as np

from bitlocal.encoders.program import Compared
from bitlocal.encoders.tables.columns import category
from bitlocal.encoders.tables.stages import Categories, CategoryColumn, NumberColumn, TableNumbers
from bitlocal.encoders.text import Hashes
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.columns import add_columns, suited_to
from bitlocal.export.c99.encoder.features import (
    TYPES,
    FeatureType,
    float_keys,
    largest_type,
    numeric_category,
    type_for,
)
from bitlocal.export.c99.encoder.thermometers import NumberTable, Thermometers
from bitlocal.export.c99.encoder.times import add_times
from bitlocal.export.c99.encoder.writer import Writer, each
from bitlocal.export.c99.numbers import unsigned
from bitlocal.export.errors import ExportError

_NO_KEY = 2**32 - 1  # above that of infinity
_FILE = "categories.c"


# Categories --------------------------------------------------------------------------------------------------------


def _suited_to_categories(columns: Iterable[tuple[str, Sequence[str]]], *, missing: bool) -> FeatureType:
    """Choose the type for columns, with their names: whole numbers if all categories are, and none is missing."""
    values = np.array([value for name, found in columns for value in _numbers_of(name, found)])
    if missing or (values != np.floor(values)).any():
        return TYPES["float"]
    if len(values) == 0:
        return TYPES["uint8"]
    return type_for(np.array([values.min(), max(values.max() - 1, values.min())]))


def _numbers_of(name: str, categories: Sequence[str]) -> list[float]:
    """Give the numbers that categories stand for."""
    numbers = [numeric_category(one) for one in categories]
    text = next((one for one, number in zip(categories, numbers, strict=True) if number is None), None)
    if text is not None:
        raise ExportError(
            f"column {name!r} holds text, such as {text!r}, and exported code takes numbers: replace each category by "
            "a number (0, 1, 2, ...) before fit"
        )
    return [number for number in numbers if number is not None]


def _told_apart(column: CategoryColumn) -> Sequence[str]:
    """Give the categories of a column that has bits; none for another one, whatever it holds."""
    return column.categories if column.n_bits else ()


def _suited_categories(stage: Categories) -> FeatureType:
    columns = [(column.name, _told_apart(column)) for column in stage.columns]
    return _suited_to_categories(columns, missing=any(column.missing for column in stage.columns))


def _add_categories(builder: Builder, stage: Categories) -> None:
    columns = stage.columns
    if any(column.missing for column in columns) and not builder.features.is_float:
        raise ExportError(
            f"CategoryEncoder has bits for missing values (NaN), which features of type "
            f"{builder.features.name} cannot have: export with features='float'"
        )
    finder = Finder(builder, [keys_of(builder, column.name, _told_apart(column)) for column in columns])
    lines = []
    for i, column in enumerate(columns):
        if column.n_bits:
            lines.append(builder.text(_FILE, "find", place=finder.place(i, column.column)))
            lines.append(_write_place(builder, column))
            lines += _rest(builder, column, finder.value(column.column))
    builder.part("categories", builder.text(_FILE, "columns", columns="".join(lines)))


def _write_place(builder: Builder, column: CategoryColumn) -> str:
    """Write the bits of the categories that have some of their own."""
    builder.add(_FILE, column.coding)
    n = column.n_bits - column.missing if column.coding == "binary" else len(column.categories)
    return builder.text(_FILE, f"call of {column.coding}", n=n, first=1 + column.drops_first)


def _rest(builder: Builder, column: CategoryColumn, value: str) -> list[str]:
    """Write the bits for other categories, and for a missing one."""
    lines, alone = [], len(column.categories) == 0 and column.drops_first
    if column.other and column.coding == "onehot" and not alone:
        piece = "is other key" if builder.features.is_float else "is other"
        lines.append(builder.put(builder.expression(_FILE, piece, value=value)))
    if column.missing:
        lines.append(builder.put(builder.expression(_FILE, "is missing", value=value)))
    return lines


def keys_of(builder: Builder, name: str, categories: Sequence[str]) -> list[int]:
    """Give what features are compared with for each category: a number, or the key of one.

    A category that no feature of the type can be, such as 0.1, which 32-bit numbers only come near, gets a number that
    no feature has.
    """
    features, keys = builder.features, []
    for text, number in zip(categories, _numbers_of(name, categories), strict=True):
        if features.is_float:
            with np.errstate(over="ignore"):
                near = np.float32(number)
            exact = bool(np.isfinite(near)) and category(float(near)) == text
            keys.append(int(float_keys(np.array([near]))[0]) if exact else _NO_KEY)
        else:
            whole = int(number) if category(number) == text and number == int(number) else features.high + 1
            keys.append(whole if features.low <= whole <= features.high else features.high + 1)
    if features.name == "int32" and max(keys, default=0) > features.high:
        raise ExportError(f"column {name!r} has categories that int32 does not hold: export with features='float'")
    return keys


class Finder:
    """The code that finds the place of a feature among the categories of a column.

    Parameters
    ----------
    builder : Builder
        Where it goes.
    keys : sequence of sequences of int
        What features are compared with for the categories of each column, see `keys_of`.
    """

    def __init__(self, builder: Builder, keys: Sequence[Sequence[int]]) -> None:
        self._builder = builder
        self._first = np.cumsum([0, *map(len, keys)]).tolist()
        everything = [key for of_column in keys for key in of_column]
        features = builder.features
        low, high = (0, 2**32 - 1) if features.is_float else (features.low, features.high)
        table = NumberTable(builder, "categories", everything or [0], low, high)
        equal = table.equal("value", builder.expression(_FILE, "index"))
        self._name = builder.function("place", _FILE, "place", ctype=table.ctype, equal=equal)

    def value(self, feature: int) -> str:
        """Write what is compared for a feature."""
        return self._builder.value(unsigned(feature))

    def place(self, column: int, feature: int) -> str:
        """Write the place of a feature among the categories of a column, from 1; 0 if it is none of them."""
        first, end = self._first[column], self._first[column + 1]
        values = {"name": self._name, "value": self.value(feature), "first": first, "n": end - first}
        return self._builder.expression(_FILE, "call of place", **values)


# Numbers -----------------------------------------------------------------------------------------------------------


def _suited_numbers(stage: Compared) -> FeatureType:
    columns = _columns_of(stage)
    orders = [(column.name, column.order) for column in columns if column.order]
    found = [_suited_to_categories([order], missing=False) for order in orders]
    times = [TYPES["int32"]] * any(column.kind == "time" for column in columns)
    return largest_type([suited_to(stage.thresholds), *found, *times])


def _columns_of(stage: Compared) -> tuple[NumberColumn, ...]:
    assert isinstance(stage.quantities, TableNumbers)
    return stage.quantities.columns


def _add_numbers(builder: Builder, stages: Sequence[Compared]) -> None:
    for stage in stages:
        columns = list(enumerate(_columns_of(stage)))
        for (kind, _), group in groupby(
            columns, key=lambda one: (one[1].kind, one[1].kind != "number" and one[1].column)
        ):
            run = list(group)
            if kind == "number":
                places = [column.column for _, column in run]
                add_columns(builder, stage.thresholds, [i for i, _ in run], places, "ThermometerEncoder")
            elif kind == "time":
                add_times(builder, stage.thresholds, run)
            else:
                _add_ordered(builder, stage, *run[0])


def _add_ordered(builder: Builder, stage: Compared, i: int, column: NumberColumn) -> None:
    """Add the code of a column of ordered categories: a thermometer over their places."""
    above = [int(t) + 1 for t in stage.thresholds.of(i)]  # places count from 1; 0 is missing
    missing = bool(stage.thresholds.missing[i])
    if above or missing:
        finder = Finder(builder, [keys_of(builder, column.name, column.order)])
        thermometers = Thermometers(builder, "ordered", [above], 0, len(column.order), [missing])
        call = thermometers.call(finder.place(0, column.column), cast=True)
        builder.part("ordered", thermometers.start() + call)


# Texts -------------------------------------------------------------------------------------------------------------


def _no_texts(*_: Any) -> NoReturn:
    raise ExportError(
        "a TextEncoder cannot be exported to C, which has no Unicode: encode texts before they reach the device "
        "(`classifier.encoder_.transform`), and fit the classifier on the bits (encoder=None)"
    )


WRITERS: dict[type, Writer] = {
    TableNumbers: Writer(_add_numbers, _suited_numbers),
    Categories: Writer(each(_add_categories), _suited_categories),
    Hashes: Writer(_no_texts, _no_texts),
}
