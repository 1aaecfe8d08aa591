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

_LEVEL = """\
/* The level of a feature: how many of ${n} numbers lie below it. */
static ${ctype} ${name}(const ${feature_t} *features, size_t i)
{
    const ${value_type} value = ${value};
    size_t level = 0u;
    size_t step;
    for (step = ${half}u; step > 0u; step /= 2u) {
        if (${below}) {
            level += step;
        }
    }
    return (${ctype})level;
}
"""

_CLIPPED = """\
/* Features are clipped to 16 bits. */
static int16_t ${name}(const ${feature_t} *features, size_t i)
{
${below}    return (features[i] > 32767) ? (int16_t)32767 : (int16_t)features[i];
}
"""
_BELOW = "    if (features[i] < (-32767 - 1)) {\n        return (int16_t)(-32767 - 1);\n    }\n"


def add_whole(builder: Builder, what: str, levels: NDArray[np.float64] | None, samples: str) -> tuple[str, int, int]:
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

    Returns
    -------
    read : str
        The expression, with {} for the number of the feature.
    low, high : int
        Limits of the whole numbers.

    Raises
    ------
    ExportError
        If floating-point features would have to be rounded.
    """
    features = builder.features
    if levels is not None:
        n = levels.shape[1]
        return f"{_add_levels(builder, what, levels)}(features, {{}})", 0, n
    if features.is_float:
        raise ExportError(
            f"the {samples} in fit held whole numbers, and floating-point ones would have to be rounded down: export "
            "with features='uint8' or 'int16', and hand over whole numbers"
        )
    low, high = max(features.low, _LOWEST), min(features.high, _HIGHEST)
    if features.high == high:
        return "features[{}]", low, high
    name = builder.function(what, _CLIPPED, below=_BELOW if features.low < low else "")
    return f"{name}(features, {{}})", low, high


def _add_levels(builder: Builder, what: str, levels: NDArray[np.float64]) -> str:
    n_channels, n = levels.shape
    features = builder.features
    low, high = (0, 2**32 - 1) if features.is_float else (features.low, features.high)
    table = NumberTable(builder, f"{what}_levels", thresholds_as(levels.ravel(), features).tolist(), low, high)
    place = "level + step - 1u"
    if n_channels > 1:
        place = f"((i % {n_channels}u) * {n}u) + {place}"
    values: dict[str, Any] = {
        "n": n,
        "half": (n + 1) // 2,
        "ctype": smallest_type(0, n, ("uint8_t", "int16_t")),
        "value_type": table.ctype,
        "value": builder.value("i"),
        "below": table.below("value", place),
    }
    return builder.function(what, _LEVEL, **values)
