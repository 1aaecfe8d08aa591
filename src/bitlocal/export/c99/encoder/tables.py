"""Tables: `CategoryEncoder` and `TableEncoder`, where every column holds numbers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from bitlocal.encoders import CategoryEncoder, TableEncoder
from bitlocal.encoders.tables.columns import category
from bitlocal.export.c99.encoder import thresholds
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.features import (
    TYPES,
    FeatureType,
    float_keys,
    largest_type,
    numeric_category,
    type_for,
)
from bitlocal.export.c99.encoder.thermometers import NumberTable, Thermometers
from bitlocal.export.c99.numbers import unsigned
from bitlocal.export.errors import ExportError

_NO_KEY = 2**32 - 1  # above that of infinity
_FILE = "categories.c"


def _suited_to_categories(names: list[str], categories: Sequence[Sequence[str]], missing: bool) -> FeatureType:
    """Choose the type for columns of categories: whole numbers if all categories are, and none is missing."""
    values = np.array(
        [value for name, found in zip(names, categories, strict=True) for value in _numbers_of(name, found)]
    )
    if missing or (values != np.floor(values)).any():
        return TYPES["float"]
    if len(values) == 0:
        return TYPES["uint8"]
    return type_for(np.array([values.min(), max(values.max() - 1, values.min())]))


def suited_type(encoder: CategoryEncoder | TableEncoder) -> FeatureType:
    """Choose the type of features that the encoder was fitted on."""
    names = [f"column {name!r}" for name in encoder._names(None)]
    if isinstance(encoder, CategoryEncoder):
        return _suited_to_categories(names, _told_apart(encoder), any(encoder.missing_))
    _require_numbers(encoder, names)
    parts = encoder._categories
    columns = [name for name, kind in zip(names, encoder.kinds_, strict=True) if kind == "category"]
    found = [
        thresholds.suited_type(encoder._numbers),
        _suited_to_categories(columns, _told_apart(parts), any(parts.missing_)),
    ]
    found += [
        _suited_to_categories([name], [order], missing=False)
        for name, order in zip(names, encoder.orders_, strict=True)
        if order
    ]
    return largest_type(found)


def _require_numbers(encoder: TableEncoder, names: list[str]) -> None:
    for name, kind in zip(names, encoder.kinds_, strict=True):
        if kind == "time":
            raise ExportError(
                f"{name} holds times, which exported code cannot take apart: give the table the numbers that matter, "
                "such as the hour, before fit"
            )


def _told_apart(encoder: CategoryEncoder) -> list[list[str]]:
    """Give the categories of each column that has bits; none for the others, whatever they hold."""
    return [found if encoder._labels(i) else [] for i, found in enumerate(encoder.categories_)]


def _numbers_of(name: str, categories: Sequence[str]) -> list[float]:
    """Give the numbers that categories stand for."""
    numbers = [numeric_category(one) for one in categories]
    text = next((one for one, number in zip(categories, numbers, strict=True) if number is None), None)
    if text is not None:
        raise ExportError(
            f"{name} holds text, such as {text!r}, and exported code takes numbers: replace each category by a number "
            "(0, 1, 2, ...) before fit"
        )
    return [number for number in numbers if number is not None]


def add_categories(
    builder: Builder, encoder: CategoryEncoder, names: Sequence[str], places: Sequence[int] | None = None
) -> None:
    """Add the code of an encoder; `places` has the feature that each column is, if not all of them in order."""
    if encoder.n_bits_ == 0:
        return
    if any(encoder.missing_) and not builder.features.is_float:
        raise ExportError(
            f"{type(encoder).__name__} has bits for missing values (NaN), which features of type "
            f"{builder.features.name} cannot have: export with features='float'"
        )
    finder = _Finder(builder, [_keys(builder, *column) for column in zip(names, _told_apart(encoder), strict=True)])
    lines = []
    for i, categories in enumerate(encoder.categories_):
        if len(encoder._labels(i)):
            feature = i if places is None else places[i]
            lines.append(builder.text(_FILE, "find", place=finder.place(i, feature)))
            lines.append(_write_place(builder, encoder, i, len(categories)))
            value = finder.value(feature)
            if encoder.coding == "onehot":
                lines += _rest(builder, encoder, i, value)
            elif encoder.missing_[i]:
                lines.append(builder.put(builder.expression(_FILE, "is missing", value=value)))
    builder.part("categories", builder.text(_FILE, "columns", columns="".join(lines)))


def _write_place(builder: Builder, encoder: CategoryEncoder, i: int, n: int) -> str:
    """Write the bits of the categories that have some of their own."""
    width = len(encoder._labels(i)) - encoder.missing_[i]
    builder.add(_FILE, encoder.coding)
    values = {"n": width if encoder.coding == "binary" else n, "first": 1 + _drops(encoder, i)}
    return builder.text(_FILE, f"call of {encoder.coding}", **values)


def _drops(encoder: CategoryEncoder, i: int) -> bool:
    """Whether the first of at most two possibilities has no bit."""
    return len(encoder.categories_[i]) + encoder.other_[i] + encoder.missing_[i] <= 2


def _rest(builder: Builder, encoder: CategoryEncoder, i: int, value: str) -> list[str]:
    """Write the bits for other categories, and for a missing one."""
    lines, alone = [], len(encoder.categories_[i]) == 0 and _drops(encoder, i)
    if encoder.other_[i] and not alone:
        piece = "is other key" if builder.features.is_float else "is other"
        lines.append(builder.put(builder.expression(_FILE, piece, value=value)))
    if encoder.missing_[i]:
        lines.append(builder.put(builder.expression(_FILE, "is missing", value=value)))
    return lines


def _keys(builder: Builder, name: str, categories: Sequence[str]) -> list[int]:
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
        raise ExportError(f"{name} has categories that int32 does not hold: export with features='float'")
    return keys


class _Finder:
    """The code that finds the place of a feature among the categories of a column."""

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
        return self._builder.value(unsigned(feature))

    def place(self, column: int, feature: int) -> str:
        first, end = self._first[column], self._first[column + 1]
        values = {"name": self._name, "value": self.value(feature), "first": first, "n": end - first}
        return self._builder.expression(_FILE, "call of place", **values)


def add_table(builder: Builder, encoder: TableEncoder) -> None:
    """Add the code of an encoder: numbers first, then categories."""
    names = [f"column {name!r}" for name in encoder._names(None)]
    _require_numbers(encoder, names)
    kinds = encoder.kinds_
    places = [i for i, kind in enumerate(kinds) if kind in ("number", "ordered")]
    column = 0
    for kind, group in groupby(places, key=lambda i: kinds[i]):
        features = list(group)
        columns = range(column, column + len(features))
        if kind == "number":
            thresholds.add_columns(builder, encoder._numbers, columns, features)
        else:
            for i, c in zip(features, columns, strict=True):
                _add_ordered(builder, encoder, c, i, names[i])
        column += len(features)
    of_category = [i for i, kind in enumerate(kinds) if kind == "category"]
    add_categories(builder, encoder._categories, [names[i] for i in of_category], of_category)


def _add_ordered(builder: Builder, encoder: TableEncoder, column: int, feature: int, name: str) -> None:
    """Add the code of a column of ordered categories: a thermometer over their places."""
    parts, order = encoder._numbers, encoder.orders_[feature]
    above = [int(t) + 1 for t in parts.thresholds_[parts.columns_ == column]]  # places count from 1; 0 is missing
    missing = bool(parts.missing_[column])
    if above or missing:
        finder = _Finder(builder, [_keys(builder, name, order)])
        thermometers = Thermometers(builder, "ordered", [above], 0, len(order), [missing])
        builder.part("ordered", thermometers.start() + thermometers.call(finder.place(0, feature), cast=True))
