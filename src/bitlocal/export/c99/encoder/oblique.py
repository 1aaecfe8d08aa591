"""Oblique sums of features; each is added up again from the levels of its columns, so no memory is needed."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from bitlocal.encoders.oblique.quantities import LARGEST, ObliqueNumbers
from bitlocal.encoders.program import Compared
from bitlocal.encoders.tables.conjunctions import Conjunctions
from bitlocal.encoders.tables.oblique import TableOblique
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.columns import by_quantity
from bitlocal.export.c99.encoder.features import TYPES, FeatureType
from bitlocal.export.c99.encoder.thermometers import Thermometers
from bitlocal.export.c99.encoder.whole import add_whole
from bitlocal.export.c99.encoder.writer import Writer, each
from bitlocal.export.c99.numbers import c_number
from bitlocal.export.errors import ExportError

_FILE = "oblique.c"


def _add_sums(builder: Builder, stage: Compared) -> None:
    """Add the code of sums: a function for the level of a feature, one for a sum, and a loop."""
    quantities: Any = stage.quantities
    levels, of = quantities.levels, quantities.sums
    # A column without spread is 0 for every sample, so it may as well have no weight.
    weights = np.where(levels.step[of.columns] > 0, of.weights, 0)
    # Below the levels is one that only missing values do not exceed: they alone have level 0.
    lowest = np.full((levels.n, 1), -np.inf)
    level = add_whole(builder, "oblique_level", np.hstack([lowest, levels.thresholds()]), "samples")
    offset = min(int(weights.min()), 0)
    term = builder.expression(_FILE, "term")
    column = builder.expression(_FILE, "column", column=builder.table("oblique_columns", of.columns).at(term))
    name = builder.function(
        "oblique_sum",
        _FILE,
        "sum",
        terms=of.columns.shape[1],
        weight=builder.table("oblique_weights", weights - offset).at(term),
        offset=f"({c_number(offset, 'int32_t')})",
        level=level.at(column),
    )
    high = LARGEST * int(np.abs(weights).sum(axis=1).max())
    thermometers = Thermometers(builder, "oblique", by_quantity(stage.thresholds, -high, high), -high, high)
    write = thermometers.call(builder.expression(_FILE, "call", name=name), cast=thermometers.ctype != "int32_t")
    builder.part("oblique", builder.loop(of.n, write, thermometers.start()))


def _no_table_sums(*_: Any) -> NoReturn:
    raise ExportError(
        "oblique sums of a TableEncoder cannot be exported to C: for tables of numbers use an ObliqueEncoder beside a "
        "ThermometerEncoder, as in encoder='thermometer8+oblique'; or fit without sums (encoder='table')"
    )


def _no_conjunctions(*_: Any) -> NoReturn:
    raise ExportError(
        "conjunctions of a TableEncoder cannot be exported to C: fit without them (encoder='table', or for tables of "
        "numbers 'thermometer8+oblique')"
    )


def _suited(stage: Compared) -> FeatureType:
    """Levels tell nothing of what the numbers were: floating-point ones may be whole, too."""
    return TYPES["float"]


WRITERS: dict[type, Writer] = {
    ObliqueNumbers: Writer(each(_add_sums), _suited),
    TableOblique: Writer(_no_table_sums, _no_table_sums),
    Conjunctions: Writer(_no_conjunctions, _no_conjunctions),
}
