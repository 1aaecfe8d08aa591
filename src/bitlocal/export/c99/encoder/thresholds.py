"""Single features compared with thresholds: `MedianBinarizer`, `ThermometerEncoder`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bitlocal.encoders import MedianBinarizer, ThresholdEncoder
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.features import TYPES, FeatureType, is_whole, thresholds_as, type_for
from bitlocal.export.c99.encoder.thermometers import Thermometers
from bitlocal.export.errors import ExportError


def suited_type(encoder: ThresholdEncoder) -> FeatureType:
    """Tell what features the encoder was fitted on, as far as its thresholds tell.

    Thresholds that are values of the training data, or halfway between two, are whole numbers (or halves) only if the
    data were whole. NaN is a floating-point number.
    """
    thresholds = encoder.thresholds_ * (2 if isinstance(encoder, MedianBinarizer) else 1)
    if encoder.missing_.any() or not is_whole(thresholds):
        return TYPES["float"]
    return type_for(np.floor(encoder.thresholds_))


def by_column(columns: NDArray[np.int64], values: NDArray[np.int64], n_columns: int) -> list[list[int]]:
    """Give the thresholds of each column."""
    first = np.searchsorted(columns, np.arange(n_columns + 1))
    return [values[a:b].tolist() for a, b in pairwise(first)]


def add_thresholds(builder: Builder, encoder: ThresholdEncoder) -> None:
    """Add the code of an encoder."""
    everything = range(len(encoder.missing_))
    add_columns(builder, encoder, everything, everything)


def add_columns(builder: Builder, encoder: ThresholdEncoder, columns: Sequence[int], places: Sequence[int]) -> None:
    """Add the code of some columns of an encoder, of which `places` has the features that they are."""
    features, missing = builder.features, encoder.missing_[columns]
    if missing.any() and not features.is_float:
        raise ExportError(
            f"{type(encoder).__name__} has bits for missing values (NaN), which features of type {features.name} "
            "cannot have: export with features='float'"
        )
    everything = by_column(encoder.columns_, thresholds_as(encoder.thresholds_, features), len(encoder.missing_))
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
    write = thermometers.call(builder.value(index))
    builder.part("levels", builder.loop(len(places), write, thermometers.start(), "f"))
