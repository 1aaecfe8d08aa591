"""Oblique sums; each is added up again from the levels of its columns, so no memory is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.encoders.oblique.quantities import A_CATEGORY, LARGEST, Levels, Oblique, ObliqueNumbers
from bitlocal.encoders.program import Compared
from bitlocal.encoders.tables.oblique import TableOblique
from bitlocal.encoders.tables.stages import NumberColumn
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.columns import by_quantity
from bitlocal.export.c99.encoder.features import TYPES, FeatureType
from bitlocal.export.c99.encoder.tables import Finder, keys_of
from bitlocal.export.c99.encoder.thermometers import Thermometers
from bitlocal.export.c99.encoder.times import VALUES, part_of_time
from bitlocal.export.c99.encoder.whole import add_whole
from bitlocal.export.c99.encoder.writer import Writer, each
from bitlocal.export.c99.numbers import c_number
from bitlocal.export.c99.planes import WORD_BITS

_FILE = "oblique.c"


def _add_sums(builder: Builder, stage: Compared) -> None:
    """Add the code of sums of features: a function for the whole number of one, one for a sum, and a loop."""
    quantities: Any = stage.quantities
    levels, of = quantities.levels, quantities.sums
    weights = np.where(levels.step[of.columns] > 0, of.weights, 0)
    number = _add_numbers(builder, levels, range(levels.n))
    builder.part("oblique", _loop(builder, stage, Oblique(of.columns, weights), number))


def _add_table_sums(builder: Builder, stage: Compared) -> None:
    """Add the same for a table, of which ordered categories are numbers, too, and bits of categories are added up."""
    of = stage.quantities
    assert isinstance(of, TableOblique)
    spread = np.append(of.levels.step > 0, np.ones(of.categories.n_bits, dtype=np.bool_))
    weights = np.where(spread[of.sums.columns], of.sums.weights, 0)
    used = np.unique(of.sums.columns[weights != 0])
    # In this order: numbers that are features, those that have few values, and all bits of categories.
    kept = [(i, of.numbers[i]) for i in used[used < of.levels.n].tolist()]
    numbers = [i for i, column in kept if column.kind != "ordered" and column.part == 0]
    few = [i for i, column in kept if column.kind == "ordered" or column.part > 0]
    n = len(kept)
    places = np.zeros(len(spread), dtype=np.int64)
    places[numbers + few] = np.arange(n)
    places[of.levels.n :] = n + np.arange(of.categories.n_bits)
    cases = []
    if numbers:
        features = [of.numbers[i].column for i in numbers]
        call = _call(builder, _add_numbers(builder, of.levels, numbers, features), builder.expression(_FILE, "index"))
        cases.append(builder.text(_FILE, "case of numbers", end=len(numbers), number=call))
    for place, i in enumerate(few, len(numbers)):
        cases.append(_case_of_few(builder, of.numbers[i], of.levels, i, place))
    has_bits = bool((used >= of.levels.n).any())
    if has_bits:  # they have just been written
        bit = (builder.first_bit - of.categories.n_bits) % WORD_BITS
        cases.append(builder.text(_FILE, "otherwise bits", first=n, bit=bit, set=A_CATEGORY))
    else:
        cases.append(builder.text(_FILE, "otherwise nothing"))
    parameter = builder.expression(_FILE, "parameter") if has_bits else ""
    name = builder.function("table_column", _FILE, "column", bits=parameter, cases="".join(cases))
    body = _loop(builder, stage, Oblique(places[of.sums.columns], weights), name, has_bits=has_bits)
    if has_bits:
        words = builder.first_bit // WORD_BITS - (builder.first_bit - of.categories.n_bits) // WORD_BITS
        body = builder.text(_FILE, "bits", words=words, body=body)
    builder.part("table_oblique", body)


def _add_numbers(builder: Builder, levels: Levels, columns: Sequence[int], features: Sequence[int] = ()) -> str:
    """Add the function that gives one of some columns as a whole number; its name. Columns are features, or told."""
    chosen = levels.thresholds()[columns]
    index = builder.expression(_FILE, "index")
    feature = index
    if features:
        read = builder.table("oblique_features", features).at(index)
        feature = builder.expression(_FILE, "feature of column", read=read)
    # 254 levels, and one more, as bisection has it. Floating-point numbers all exceed one that is below the others,
    # but for missing ones; no whole number exceeds one that is above the others.
    beyond, missing = np.full((len(chosen), 1), np.inf), builder.features.is_float
    chosen = np.hstack([-beyond, chosen] if missing else [chosen, beyond])
    level = add_whole(builder, "oblique_level", chosen, "samples", feature).at(index)
    if not missing:
        return builder.function("oblique_number", _FILE, "number", level=level)
    filled = "0"
    if levels.filled is not None and levels.filled[columns].any():
        read = builder.table("oblique_filled", levels.filled[columns].astype(np.int64) + LARGEST).at(index)
        filled = builder.expression(_FILE, "filled", read=read)
    return builder.function("oblique_number", _FILE, "number or missing", level=level, filled=filled)


def _case_of_few(builder: Builder, column: NumberColumn, levels: Levels, i: int, place: int) -> str:
    """Write the case of ordered categories or a part of a time: a whole number for each value, from a table."""
    if column.kind == "time":
        values = np.arange(VALUES[column.part], dtype=np.float64)
        value = part_of_time(builder, column)
    else:  # places count from 1 in C, from 0 in Python; 0 in C is none of them
        values = np.append(np.nan, np.arange(len(column.order)))
        value = Finder(builder, [keys_of(builder, column.name, column.order)]).place(0, column.column)
    rows = np.full((len(values), levels.n), np.nan)
    rows[:, i] = values
    whole: NDArray[np.int16] = levels.whole(rows)[:, i]
    read = builder.table("oblique_values", whole + LARGEST).at(value)
    return builder.text(_FILE, "case of few values", i=place, read=read)


def _loop(builder: Builder, stage: Compared, of: Oblique, number: str, *, has_bits: bool = False) -> str:
    """Write the loop over sums of columns, each of which a function gives as a whole number."""
    offset = min(int(of.weights.min()), 0)
    term = builder.expression(_FILE, "term")
    column = builder.expression(_FILE, "column of term", column=builder.table("oblique_columns", of.columns).at(term))
    name = builder.function(
        "oblique_sum",
        _FILE,
        "sum",
        bits=builder.expression(_FILE, "parameter") if has_bits else "",
        terms=of.columns.shape[1],
        weight=builder.table("oblique_weights", of.weights - offset).at(term),
        offset=f"({c_number(offset, 'int32_t')})",
        number=_call(builder, number, column, has_bits=has_bits),
    )
    high = LARGEST * int(np.abs(of.weights).sum(axis=1).max())
    thermometers = Thermometers(builder, "oblique", by_quantity(stage.thresholds, -high, high), -high, high)
    call = _call(builder, name, builder.expression(_FILE, "index"), has_bits=has_bits)
    write = thermometers.call(call, cast=thermometers.ctype != "int32_t")
    return builder.loop(of.n, write, thermometers.start())


def _call(builder: Builder, name: str, i: str, *, has_bits: bool = False) -> str:
    bits = builder.expression(_FILE, "argument") if has_bits else ""
    return builder.expression(_FILE, "call", name=name, bits=bits, i=i)


def _suited(stage: Compared) -> FeatureType:
    """Levels tell nothing of what the numbers were: floating-point ones may be whole, too. Times are whole."""
    of = stage.quantities
    times = isinstance(of, TableOblique) and any(column.kind == "time" for column in of.numbers)
    return TYPES["int32" if times else "float"]


WRITERS: dict[type, Writer] = {
    ObliqueNumbers: Writer(each(_add_sums), _suited),
    TableOblique: Writer(each(_add_table_sums), _suited),
}
