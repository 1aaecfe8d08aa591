"""Planes: how strong each edge of an image is among its own edges of the same direction and size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal import _core
from bitlocal.encoders.images.quantities import OfImage
from bitlocal.encoders.maps import Sums

_SOBEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
_DIAGONAL = [[0, 1, 2, 3, 4], [-1, 0, 2, 3, 3], [-2, -2, 0, 2, 2], [-3, -3, -2, 0, 1], [-4, -3, -2, -1, 0]]
_SLOPES = [[-3, -2, -1, 0, 1, 2, 3], [-4, -3, -2, 0, 2, 3, 4], [-5, -4, -3, 0, 3, 4, 5], [-6, -5, -4, 0, 4, 5, 6]]
_WIDE = [*_SLOPES, *_SLOPES[2::-1]]

KERNELS: dict[str, NDArray[np.int64]] = {
    "pixel": np.array([[1]]),
    "right": np.array(_SOBEL),
    "down": np.rot90(_SOBEL, -1),
    "upright": np.array(_DIAGONAL),
    "downright": np.rot90(_DIAGONAL, -1),
    "wideright": np.array(_WIDE),
    "widedown": np.rot90(_WIDE, -1),
}
"""Weights of the pixels around a place. Where they are positive tells the direction in which an edge gets brighter."""
N_WEIGHTS = sum(kernel.size for kernel in KERNELS.values())
LARGE = 5
"""Kernels of this side and larger look at some places only."""
STEP = 2
"""From a place of these to the next, where the name of the part does not tell."""
MOST_LEVELS = 127


@dataclass(frozen=True, eq=False)
class Planes(OfImage):
    """Signed ranks of responses to kernels among those of the same image, channel, kernel and sign.

    Attributes
    ----------
    n_levels : int
        Ranks are from -n_levels to n_levels.
    step : int
        From a place of large kernels to the next.
    """

    n_levels: int
    step: int

    def step_of(self, kernel: str) -> int:
        """From a place of a kernel to the next."""
        return self.step if len(KERNELS[kernel]) >= LARGE else 1

    def _places(self, kernel: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns of the places of a kernel, flat."""
        height, width, _ = self.image.shape
        step = self.step_of(kernel)
        y, x = np.mgrid[:height:step, :width:step]
        return y.ravel(), x.ravel()

    @cached_property
    def _first(self) -> NDArray[np.uint32]:
        """Where the responses of each kernel begin, channel by channel, and where the last of them end."""
        sizes = [len(self._places(kernel)[0]) for kernel in KERNELS for _ in range(self.image.shape[2])]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint32)

    @property
    def n(self) -> int:  # type: ignore[override]
        """Responses."""
        return int(self._first[-1])

    @property
    def names(self) -> list[str]:
        """Name the ranks."""
        channels = range(self.image.shape[2])
        names = []
        for kernel in KERNELS:
            y, x = (place.tolist() for place in self._places(kernel))
            for c in channels:
                channel = f",{c}" * (len(channels) > 1)
                names += [f"rank {kernel}({v},{u}{channel})" for v, u in zip(y, x, strict=True)]
        return names

    @cached_property
    def _sums(self) -> list[Sums]:
        """The responses to each kernel; pixels at the image's edge stand for those beyond it."""
        height, width, channels = self.image.shape
        found = []
        for name, kernel in KERNELS.items():
            y, x = self._places(name)
            dy, dx = np.nonzero(kernel)
            reach = len(kernel) // 2
            v = np.clip(y[:, np.newaxis] + dy - reach, 0, height - 1)
            u = np.clip(x[:, np.newaxis] + dx - reach, 0, width - 1)
            pixels = (v * width + u) * channels
            found.append(Sums(np.concatenate([pixels + c for c in range(channels)]), kernel[dy, dx]))
        return found

    def responses(self, rows: NDArray[Any]) -> NDArray[np.int32]:
        """Compute the responses."""
        return np.concatenate([sums(rows) for sums in self._sums], axis=1)

    def __call__(self, rows: NDArray[Any]) -> NDArray[np.int32]:
        """Rank the responses."""
        return _core.signed_ranks(self.responses(rows), self._first, self.n_levels)
