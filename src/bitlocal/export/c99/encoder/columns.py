"""Single features compared with thresholds, and features that are bits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.program import Columns, Compared
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.features import TYPES, FeatureType, is_whole, thresholds_as, type_for
from bitlocal.export.c99.encoder.thermometers import Thermometers
from bitlocal.export.c99.encoder.writer import Writer, each
from bitlocal.export.errors import ExportError


def suited_to(thresholds: Thresholds, *, halfway: bool = False) -> FeatureType:
    """Tell what features thresholds were found on, as far as they tell.

    Thresholds that are values of the training data, or halfway between two, are whole numbers (or halves) only if the
    data were whole. NaN is a floating-point number.
    """
    if (
        thresholds.missing.any()
        or thresholds.filled is not None
        or not is_whole(thresholds.values * (2 if halfway else 1))
    ):
        return TYPES["float"]
    return type_for(np.floor(thresholds.values))


def by_column(columns: NDArray[np.int64], values: NDArray[np.int64], n_columns: int) -> list[list[int]]:
    """Give the thresholds of each column."""
    first = np.searchsorted(columns, np.arange(n_columns + 1))
    return [values[a:b].tolist() for a, b in pairwise(first)]


def by_quantity(thresholds: Thresholds, low: int, high: int) -> list[list[int]]:
    """Give the thresholds of each quantity from `low` to `high`; those beyond its limits moved there."""
    values = np.clip(np.floor(thresholds.values), low - 1, high).astype(np.int64)
    return by_column(thresholds.columns, values, thresholds.n)


def add_columns(
    builder: Builder, thresholds: Thresholds, columns: Sequence[int], places: Sequence[int], encoder: str
) -> None:
    """Add the code that compares some columns with their thresholds.

    Parameters
    ----------
    builder : Builder
        Where it goes.
    thresholds : Thresholds
        Of all columns.
    columns : sequence of int
        The columns.
    places : sequence of int
        The features that they are.
    encoder : str
        What compares, for an error.
    """
    features, missing = builder.features, thresholds.missing[columns]
    if missing.any() and not features.is_float:
        raise ExportError(
            f"{encoder} has bits for missing values (NaN), which features of type {features.name} "
            "cannot have: export with features='float'"
        )
    everything = by_column(thresholds.columns, thresholds_as(thresholds.values, features), thresholds.n)
    rows = [everything[column] for column in columns]
    if not any(rows) and not missing.any():
        return
    low, high = (0, 2**32 - 1) if features.is_float else (features.low, features.high)
    thermometers = Thermometers(builder, "level", rows, low, high, missing.tolist())
    first, index = min(places), "f"
    if list(places) != list(range(first, first + len(places))):
        index = builder.expression("encode.c", "index", read=builder.table("columns", list(places)).at("f"))
    elif first > 0:
        index = builder.expression("encode.c", "shifted", first=first)
    value = builder.value(index)
    if features.is_float and thresholds.filled is not None:
        fill = [_fill(row, int(thresholds.filled[column])) for row, column in zip(rows, columns, strict=True)]
        builder.add("encode.c", "fill")
        value = builder.expression(
            "encode.c", "filled", key=value, fill=builder.table("fill", fill, "uint32_t").at("f")
        )
    write = thermometers.call(value)
    builder.part("levels", builder.loop(len(places), write, thermometers.start(), "f"))


def _fill(keys: Sequence[int], above: int) -> int:
    """Give a key above as many of ascending keys, to stand for a missing value; 0, which does already, above none."""
    if above == 0:
        return 0
    key = keys[above] if above < len(keys) else keys[-1] + 1
    if key == keys[above - 1]:
        raise ExportError(
            "a missing value is filled in by one between two thresholds that features of type float cannot tell apart: "
            "fit with fewer bits, or fill in before the device"
        )
    return key


def add_bits(builder: Builder, n_features: int) -> None:
    """Add the code for features that are bits: 0 or -1, and 1."""
    piece = "bit of key" if builder.features.is_float else "bit"
    put = builder.put(builder.expression("encode.c", piece, value=builder.value("f")))
    builder.part("bits", builder.loop(n_features, put, i="f"))


def _add(builder: Builder, stage: Compared) -> None:
    everything = range(stage.thresholds.n)
    encoder = "MedianBinarizer" if _of(stage).halfway else "ThermometerEncoder"
    add_columns(builder, stage.thresholds, everything, everything, encoder)


def _suited(stage: Compared) -> FeatureType:
    return suited_to(stage.thresholds, halfway=_of(stage).halfway)


def _of(stage: Compared) -> Columns:
    assert isinstance(stage.quantities, Columns)
    return stage.quantities


WRITERS: dict[type, Writer] = {Columns: Writer(each(_add), _suited)}
