"""Features as whole numbers of 16 bits, as images and signals are encoded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.features import thresholds_as
from bitlocal.export.c99.encoder.thermometers import NumberTable
from bitlocal.export.c99.numbers import smallest_type
from bitlocal.export.errors import ExportError

_LOWEST, _HIGHEST = -(2**15), 2**15 - 1


class Whole:
    """How a feature is read as a whole number: as it is, or by a function.

    Attributes
    ----------
    low, high : int
        Limits of the whole numbers, within 16 bits.
    """

    def __init__(self, builder: Builder, function: str | None, low: int, high: int) -> None:
        self._builder = builder
        self._function = function
        self.low = low
        self.high = high

    def at(self, index: str) -> str:
        """Write the reading of a feature."""
        if self._function is None:
            return self._builder.expression("encode.c", "feature", index=index)
        return self._builder.expression("whole.c", "read", name=self._function, index=index)


def add_whole(
    builder: Builder, what: str, levels: NDArray[np.float64] | None, samples: str, feature: str = "i"
) -> Whole:
    """Find out how a feature is read as a whole number of 16 bits, and add a function for it if that is needed.

    Parameters
    ----------
    builder : Builder
        Where it goes.
    what : str
        The function's name.
    levels : ndarray of shape (n_channels, n), or None
        Ascending numbers for each channel, of which a feature becomes the number of those below it; n is a power of two
        less one. Feature i is of channel i mod n_channels. None: features are whole numbers, clipped to 16 bits.
    samples : str
        What the samples are, for an error: "images".
    feature : str, default="i"
        Which feature is number i, where levels are counted.

    Returns
    -------
    Whole

    Raises
    ------
    ExportError
        If floating-point features would have to be rounded.
    """
    features = builder.features
    if levels is not None:
        n = levels.shape[1]
        return Whole(builder, _add_levels(builder, what, levels, feature), 0, n)
    if features.is_float:
        raise ExportError(
            f"the {samples} in fit held whole numbers, and floating-point ones would have to be rounded down: export "
            "with features='uint8' or 'int16', and hand over whole numbers"
        )
    low, high = max(features.low, _LOWEST), min(features.high, _HIGHEST)
    if features.high == high:
        return Whole(builder, None, low, high)
    below = builder.text("whole.c", "below") if features.low < low else ""
    return Whole(builder, builder.function(what, "whole.c", "clipped", below=below), low, high)


def _add_levels(builder: Builder, what: str, levels: NDArray[np.float64], feature: str) -> str:
    n_channels, n = levels.shape
    features = builder.features
    low, high = (0, 2**32 - 1) if features.is_float else (features.low, features.high)
    table = NumberTable(builder, f"{what}_levels", thresholds_as(levels.ravel(), features).tolist(), low, high)
    piece = "place" if n_channels == 1 else "place in channel"
    place = builder.expression("whole.c", piece, channels=n_channels, n=n)
    values: dict[str, Any] = {
        "n": n,
        "half": (n + 1) // 2,
        "ctype": smallest_type(0, n, ("uint8_t", "int16_t")),
        "wide": table.ctype,
        "value": builder.value(feature),
        "below": table.below("value", place),
    }
    return builder.function(what, "whole.c", "level", **values)
