"""Images that came as rows of a table: what their pixels have in common with their neighbours gives them away."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.errors import DataWarning

_SMALLEST_SIDE = 16  # below, images and tables with columns in some order are too much alike
_MOST_ROWS = 200
_ALIKE = 0.4  # correlation of neighbours at least; that of bytes at random is within 0.1 of 0
# What neighbours lack of a correlation of 1 is at most this share of what pixels half an image apart lack, and less by
# so much. In Fashion-MNIST, MNIST and CIFAR-10, the share is 0.25, 0.28 and 0.15; in CIFAR-10 at half the size, 0.46.
_SHARE, _LESS = 0.6, 0.02


def warn_of_flattened_images(X: Any, instead: str) -> None:
    """Warn if samples that are about to be taken as a table of numbers look like square images.

    Parameters
    ----------
    X : array-like
        Samples. Those that are no uint8 in two dimensions are not looked at.
    instead : str
        The encoder that they get as a table, by name, for those who want that.
    """
    found = _layout(X)
    if found is None:
        return
    side, colour, planes = found
    reshape = f"X.reshape(-1, {', '.join(map(str, (3, side, side) if planes else (side, side, 3)[: 2 + colour]))})"
    ways = f"{reshape}.transpose(0, 2, 3, 1)" if planes else f'encoder="image", or {reshape},'
    shape = (side, side, 3) if colour else (side, side)
    warnings.warn(
        f"X: the {X.shape[1]} columns look like the pixels of flattened images of {side} x {side}"
        f"{' in colour' if colour else ''}, but are taken as a table of numbers; give {ways} to have them encoded as "
        f'images, by ImageEncoder(shape={shape}); or encoder="{instead}" if they are a table',
        DataWarning,
        stacklevel=2,
    )


def _layout(X: Any) -> tuple[int, bool, bool] | None:
    """Find the side of square images, and whether they are in colour, and that with one colour after the other."""
    if not isinstance(X, np.ndarray) or X.dtype != np.uint8 or X.ndim != 2 or len(X) < 2:
        return None
    for channels in (1, 3):
        side = math.isqrt(X.shape[1] // channels)
        if side >= _SMALLEST_SIDE and side * side * channels == X.shape[1]:
            some = _centred(X)
            if channels == 1 and _is_image(some, side, 1):
                return side, False, False
            if channels == 3 and (_is_image(some, side, 3) or _is_image(some[:, : side * side], side, 1)):
                # What lies a row below is a side away where each colour is by itself, three sides otherwise.
                return side, True, _correlation(some, side) > _correlation(some, 3 * side)
    return None


def _centred(X: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Take some rows, less their mean: columns of a table may be alike in what they are on average."""
    some = X[np.linspace(0, len(X) - 1, min(len(X), _MOST_ROWS)).astype(np.intp)].astype(np.float32)
    centred: NDArray[np.float32] = some - some.mean(axis=0)
    return centred


def _is_image(rows: NDArray[np.float32], side: int, channels: int) -> bool:
    """Tell whether pixels are like those to the right and those below, and less like those half an image away.

    A signal is like itself a step later, too, but not more so a whole row later than half a row later.
    """
    right, below, far = (_correlation(rows, steps * channels) for steps in (1, side, side // 2))
    nearest = min(right, below)
    return nearest >= _ALIKE and nearest - far >= _LESS and 1 - nearest <= _SHARE * (1 - far)


def _correlation(rows: NDArray[np.float32], distance: int) -> float:
    """Correlate all columns with those at a distance."""
    first, second = rows[:, :-distance], rows[:, distance:]
    norm = math.sqrt(float((first * first).sum()) * float((second * second).sum()))
    return float((first * second).sum()) / norm if norm > 0 else 0.0
