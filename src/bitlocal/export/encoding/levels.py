"""Values to levels: how many of ascending numbers lie below a value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.export.ctext import smallest_type
from bitlocal.export.encoding.builder import Builder
from bitlocal.export.encoding.features import thresholds_as
from bitlocal.export.encoding.thermometers import Thresholds

_FUNCTION = """\
/* The level of a feature: how many of ${n} numbers lie below it. */
static ${ctype} ${p}_${what}(const ${p}_feature_t *features, size_t i)
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


def add_levels(builder: Builder, what: str, levels: NDArray[np.float64]) -> str:
    """Add a function that finds the level of a feature.

    Parameters
    ----------
    builder : Builder
        Where it goes.
    what : str
        The function's name.
    levels : ndarray of shape (n_channels, n)
        Ascending numbers for each channel; n is a power of two less one. Feature i is of channel i mod n_channels.

    Returns
    -------
    str
        The call, with {} for the number of the feature.
    """
    n_channels, n = levels.shape
    features = builder.features
    low, high = (0, 2**32 - 1) if features.is_float else (features.low, features.high)
    table = Thresholds(builder, what, thresholds_as(levels.ravel(), features).tolist(), low, high)
    place = "level + step - 1u"
    if n_channels > 1:
        place = f"((i % {n_channels}u) * {n}u) + {place}"
    values: dict[str, Any] = {
        "what": what,
        "n": n,
        "half": (n + 1) // 2,
        "ctype": smallest_type(0, n, ("uint8_t", "int16_t")),
        "value_type": table.ctype,
        "value": builder.value("i"),
        "below": table.below("value", place),
    }
    builder.add(_FUNCTION, **values)
    return f"{builder.prefix}_{what}(features, {{}})"
