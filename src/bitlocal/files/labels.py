"""Class labels in a header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.errors import ModelFileError
from bitlocal.files.schema import MOST_BYTES, fits, require

_LABEL_TYPES: dict[str, Any] = {
    "bool": np.bool_,
    **{f"{sign}int{bits}": np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": np.dtype(f"float{bits}") for bits in (16, 32, 64)},
    "str": np.str_,
    "object": np.object_,
}


def classes_to_json(classes: NDArray[Any]) -> dict[str, Any]:
    """Give class labels for JSON, with their type."""
    values = [value.item() if isinstance(value, np.generic) else value for value in classes.tolist()]
    dtype = "str" if classes.dtype.kind in "UT" else classes.dtype.name
    for value in values:
        if dtype not in _LABEL_TYPES or not isinstance(value, (str, bool, int, float)):
            raise ModelFileError(
                f"class labels of type {type(value).__name__} cannot be stored in a model file: use text or numbers"
            )
    return {"dtype": dtype, "values": values}


def classes_from_json(classes: Mapping[str, Any]) -> NDArray[Any]:
    """Take class labels back; raises ValueError or LookupError if they are not valid."""
    dtype, values = _LABEL_TYPES[classes["dtype"]], classes["values"]
    require(fits(values, tuple[str | bool | int | float, ...]), "the class labels are not text or numbers")
    if dtype is np.str_:  # all of them take as much room as the longest
        longest = max((len(value) for value in values if isinstance(value, str)), default=0)
        require(4 * longest * len(values) <= MOST_BYTES, "the class labels are too long")
    array: NDArray[Any] = np.array(values, dtype=np.dtype(dtype))
    require(array.tolist() == values, "the class labels are not of the type that they should be")
    require(np.array_equal(np.unique(array), array), "the class labels are not distinct and in order")
    return array
