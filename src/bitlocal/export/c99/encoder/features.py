"""What a feature is in C: its type, and how it is compared."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitlocal.encoders.comparison import floor_to
from bitlocal.encoders.tables.columns import is_missing, milliseconds
from bitlocal.export.errors import ExportError


@dataclass(frozen=True)
class FeatureType:
    """A type of features.

    Attributes
    ----------
    name : str
        As users give it: "uint8", "float".
    ctype : str
        As C has it: "uint8_t", "float".
    low, high : int
        What it holds, if it holds whole numbers.
    """

    name: str
    ctype: str
    low: int = 0
    high: int = 0

    @property
    def is_float(self) -> bool:
        """Whether it holds 32-bit floating-point numbers."""
        return self.name == "float"


TYPES = {
    "uint8": FeatureType("uint8", "uint8_t", 0, 2**8 - 1),
    "int8": FeatureType("int8", "int8_t", -(2**7), 2**7 - 1),
    "uint16": FeatureType("uint16", "uint16_t", 0, 2**16 - 1),
    "int16": FeatureType("int16", "int16_t", -(2**15), 2**15 - 1),
    "int32": FeatureType("int32", "int32_t", -(2**31), 2**31 - 1),
    "float": FeatureType("float", "float"),
}
_AUTOMATIC = ("uint8", "int16", "int32")  # the smallest first


def type_for(thresholds: NDArray[np.float64]) -> FeatureType:
    """Give the smallest type of whole numbers in which some value lies above each threshold, and some does not.

    Values beyond such a type may be replaced by its largest or smallest one: the bits are the same.
    """
    for name in _AUTOMATIC:
        found = TYPES[name]
        if len(thresholds) == 0 or (thresholds.min() >= found.low and thresholds.max() < found.high):
            return found
    return TYPES["float"]


def largest_type(types: list[FeatureType]) -> FeatureType:
    """Give the one of several automatic types that serves all."""
    names = [*_AUTOMATIC, "float"]
    return max(types, key=lambda one: names.index(one.name), default=TYPES[_AUTOMATIC[0]])


def float_keys(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Give what generated code compares in place of 32-bit floating-point numbers: whole numbers in the same order.

    -0 is like +0. NaN, for a missing value, has the key 0, below all others.
    """
    patterns = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    magnitudes = patterns & np.uint32(0x7FFFFFFF)
    zero = np.uint32(0x80000000)
    keys: NDArray[np.uint32] = np.where(patterns & zero != 0, zero - magnitudes, zero + magnitudes)
    keys[np.isnan(values)] = 0
    return keys


def thresholds_as(thresholds: NDArray[np.float64], features: FeatureType) -> NDArray[np.int64]:
    """Give what values, or keys of values, of a type are compared with: x > t there where x > t in Python."""
    if features.is_float:
        return float_keys(floor_to(thresholds, np.dtype(np.float32))).astype(np.int64)
    whole = np.floor(thresholds)
    if features.name == "int32" and len(whole) and whole.min() < features.low:
        raise ExportError("some thresholds lie below what int32 holds: export with features='float'")
    return np.clip(whole, features.low - 1, features.high).astype(np.int64)


def as_features(X: ArrayLike, ctype: str) -> NDArray[Any]:
    """Turn samples into what exported code takes; use it to prepare samples for a test on the device.

    Parameters
    ----------
    X : array-like of numbers
        Samples, of any shape.
    ctype : str
        The type of the features in C, as `EncoderCode.feature_type` has it.

    Returns
    -------
    ndarray
        Of the same shape. Types of whole numbers: rounded down; what is beyond the type becomes its smallest or largest
        value, which has the same bits for encoders that compare single features with thresholds. Times become seconds
        since 1970.

    Raises
    ------
    ExportError
        If the type is unknown, or a value is missing (NaN) and the type has no room for that.

    Examples
    --------
    >>> from bitlocal.export.c99.encoder import as_features
    >>> as_features([[-3.0, 7.5, 300.0]], "uint8_t")
    array([[  0,   7, 255]], dtype=uint8)
    """
    found = next((one for one in TYPES.values() if one.ctype == ctype), None)
    if found is None:
        raise ExportError(f"type {ctype!r} is unknown: use {', '.join(one.ctype for one in TYPES.values())}")
    array = np.asarray(X)
    if array.dtype.kind == "O":
        array = np.array([_number(value) for value in array.ravel().tolist()], dtype=np.float64).reshape(array.shape)
    elif array.dtype.kind == "M":
        array = np.where(np.isnat(array), np.nan, array.astype("datetime64[ms]").astype(np.int64) // 1000)
    if found.is_float:
        return array.astype(np.float32)
    if array.dtype.kind == "b":
        array = array.astype(np.uint8)
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise ExportError(f"a value is missing (NaN), for which {ctype} has no room: export with features='float'")
    clipped: NDArray[Any] = np.clip(np.floor(array), found.low, found.high)
    return clipped.astype(found.name)


def _number(value: Any) -> Any:
    """Give a value of a table as a number: seconds since 1970 for a time, NaN for nothing."""
    if is_missing(value):
        return np.nan
    return milliseconds(value).astype(np.int64) // 1000 if isinstance(value, datetime.date) else value


def is_whole(values: NDArray[np.float64]) -> bool:
    """Whether all are whole numbers."""
    return bool((values == np.floor(values)).all())


def numeric_category(name: str) -> float | None:
    """Give the number that a category stands for; None if it is text."""
    try:
        value = float(name)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
