"""What the encoders share: types, and checks of parameters and of what comes from files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
Words = NDArray[np.uint64]


def require(condition: Any, problem: str) -> None:
    """Raise a ValueError that tells the problem, unless the condition holds."""
    if not condition:
        raise ValueError(problem)


def require_whole(name: str, value: object) -> None:
    """Raise a ValueError unless a parameter is a whole number of at least 1."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name}={value!r}: expected a whole number of at least 1")
