"""What is computed from the pixels of an image, all in integers. Each keeps its regular form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal import _core
from bitlocal.bits import words_for
from bitlocal.encoders.checks import Words
from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.maps import Counts, Sums, as_int16
from bitlocal.encoders.program import Compared, Quantities

NEIGHBOURS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))  # right, then clockwise
_VALUES_AT_A_TIME = 1 << 19  # integers between sample and bits: they stay in the cache


@dataclass(frozen=True, eq=False)
class Image:
    """What images are, and how their pixels become whole numbers.

    Attributes
    ----------
    shape : tuple of int
        Height, width and channels.
    levels : ndarray of float64 or None
        A pixel becomes the number of these that it exceeds. None: pixels are taken as they are, rounded down.
    wide : bool
        Whether pixels in `fit` spanned more than 256 values, as far as the margin of comparisons tells.
    """

    shape: tuple[int, int, int]
    levels: NDArray[np.float64] | None
    wide: bool

    @property
    def n_pixels(self) -> int:
        """Pixels times channels."""
        return math.prod(self.shape)

    def whole(self, flat: NDArray[Any]) -> NDArray[Any]:
        """Turn pixels into uint8 or int16."""
        if self.levels is not None:
            return np.searchsorted(self.levels, flat, side="left").astype(np.uint8)
        if flat.dtype.kind in "bu" and flat.dtype.itemsize == 1:
            return np.ascontiguousarray(flat).view(np.uint8)
        return as_int16(flat)

    def places(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places of pixels among the features, all channels of each after the other, as a flat array."""
        _, width, channels = self.shape
        places: NDArray[np.int64] = ((y * width + x)[..., np.newaxis] * channels + np.arange(channels)).ravel()
        return places

    def has_neighbour(self, dy: int, dx: int) -> NDArray[np.bool_]:
        """Tell of each pixel whether that so far away is in the image, too."""
        height, width, _ = self.shape
        y, x = np.mgrid[:height, :width]
        inside: NDArray[np.bool_] = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
        return inside

    def name(self, pixel: int) -> str:
        """Name a pixel by its place."""
        _, width, channels = self.shape
        y, x, c = pixel // channels // width, pixel // channels % width, pixel % channels
        return f"pixel({y},{x},{c})" if channels > 1 else f"pixel({y},{x})"


@dataclass(frozen=True, eq=False)
class OfImage(Quantities):
    """Base: quantities of an image, with names."""

    image: Image
    computed = True
    """Whether the quantities have to be worked out; pixels are there."""

    @property
    def names(self) -> list[str]:
        """Name each quantity."""
        raise NotImplementedError

    @property
    def n(self) -> int:  # type: ignore[override]
        """How many they are."""
        raise NotImplementedError

    @property
    def rows_at_a_time(self) -> int:  # type: ignore[override]
        """Images whose quantities are worked out together."""
        return max(_VALUES_AT_A_TIME // max(self.image.n_pixels, self.n), 1)


@dataclass(frozen=True, eq=False)
class Pixels(OfImage):
    """The pixels themselves."""

    computed = False

    @property
    def n(self) -> int:  # type: ignore[override]
        """Pixels times channels."""
        return self.image.n_pixels

    @property
    def names(self) -> list[str]:
        """Name the pixels."""
        return [self.image.name(p) for p in range(self.n)]

    def __call__(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Give the pixels."""
        return rows


@dataclass(frozen=True, eq=False)
class Squares(OfImage):
    """Sums of squares of pixels that lie beside each other; those at the end may be cut off.

    Attributes
    ----------
    side : int
        Of a square.
    """

    side: int

    @property
    def corners(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns of the squares' first pixels."""
        height, width, _ = self.image.shape
        top, left = np.mgrid[: height : self.side, : width : self.side]
        return top, left

    @property
    def n(self) -> int:  # type: ignore[override]
        """Squares times channels."""
        return int(self.corners[0].size) * self.image.shape[2]

    @property
    def names(self) -> list[str]:
        """Name the sums."""
        (top, left), (height, width, channels), side = self.corners, self.image.shape, self.side
        return [
            f"sum({y}:{min(y + side, height)},{x}:{min(x + side, width)}" + f",{c}" * (channels > 1) + ")"
            for y, x in zip(top.ravel().tolist(), left.ravel().tolist(), strict=True)
            for c in range(channels)
        ]

    @cached_property
    def _sums(self) -> Sums:
        (top, left), (height, width, channels) = self.corners, self.image.shape
        terms = [(top + dy, left + dx) for dy in range(self.side) for dx in range(self.side)]
        columns = [self.image.places(np.minimum(y, height - 1), np.minimum(x, width - 1)) for y, x in terms]
        inside = [np.repeat((y < height) & (x < width), channels) for y, x in terms]
        return Sums(np.stack(columns, axis=1), np.stack(inside, axis=1).astype(np.int16))

    def __call__(self, rows: NDArray[Any]) -> NDArray[np.int32]:
        """Add up the squares."""
        return self._sums(rows)


@dataclass(frozen=True, eq=False)
class Windows(OfImage):
    """Each pixel, times the area of the window around it, less the sum of that window.

    Attributes
    ----------
    reach : int
        The window has a side of 2 reach + 1; pixels at the image's edge stand for those beyond it.
    """

    reach: int

    @property
    def area(self) -> int:
        """Pixels of a window."""
        return (2 * self.reach + 1) ** 2

    @property
    def n(self) -> int:  # type: ignore[override]
        """Pixels times channels."""
        return self.image.n_pixels

    @property
    def names(self) -> list[str]:
        """Name the differences."""
        return [f"{self.area}*{self.image.name(p)}-window" for p in range(self.n)]

    @cached_property
    def _sums(self) -> Sums:
        height, width, _ = self.image.shape
        y, x = np.mgrid[:height, :width]
        around = range(-self.reach, self.reach + 1)
        window = [
            self.image.places(np.clip(y + dy, 0, height - 1), np.clip(x + dx, 0, width - 1))
            for dy in around
            for dx in around
        ]
        columns = np.stack([self.image.places(y, x), *window], axis=1)
        return Sums(columns, np.array([self.area, *[-1] * self.area]))

    def __call__(self, rows: NDArray[Any]) -> NDArray[np.int32]:
        """Compute the differences."""
        return self._sums(rows)


@dataclass(frozen=True, eq=False)
class _Comparisons(OfImage):
    """Base: differences of pairs of pixels, each compared with the same margin.

    Attributes
    ----------
    margin : int
        The first pixel counts as brighter if it exceeds the second by more than this.
    """

    margin: int

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """Places of both pixels, shape (n, 2)."""
        raise NotImplementedError

    @cached_property
    def _columns(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        first, second = (np.ascontiguousarray(column, dtype=np.uint32) for column in self.pairs.T)
        return first, second

    @property
    def n(self) -> int:  # type: ignore[override]
        """Pairs."""
        return len(self.pairs)

    @property
    def names(self) -> list[str]:
        """Name the differences."""
        return [f"{self.image.name(a)}-{self.image.name(b)}" for a, b in self.pairs.tolist()]

    @property
    def thresholds(self) -> Thresholds:
        """The margin, for each pair."""
        return Thresholds.fixed(self.n, self.margin)

    def __call__(self, rows: NDArray[Any]) -> NDArray[np.int32]:
        """Compute the differences."""
        first, second = self._columns
        differences: NDArray[np.int32] = rows[:, first].astype(np.int32) - rows[:, second]
        return differences

    def write(self, thresholds: Thresholds, rows: NDArray[Any], words: Words, first_bit: int) -> None:
        """Write the bits of samples: many pairs at a time, without the differences."""
        first, second = self._columns
        for start in range(0, len(rows), self.rows_at_a_time):
            some = slice(start, start + self.rows_at_a_time)
            _core.encode_differences(rows[some], first, second, self.margin, words[some], first_bit)


@dataclass(frozen=True, eq=False)
class Neighbours(_Comparisons):
    """Each pixel and its 8 neighbours, then those 2 away, and so on: all pixels for one neighbour after the other.

    Attributes
    ----------
    reach : int
        How far away the last of them are.
    """

    reach: int

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """Down and right to each neighbour."""
        return [(dy * far, dx * far) for far in range(1, self.reach + 1) for dy, dx in NEIGHBOURS]

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """Places of both pixels, shape (n, 2)."""
        pairs = []
        for dy, dx in self.offsets:
            y, x = np.nonzero(self.image.has_neighbour(dy, dx))
            pairs.append(np.stack([self.image.places(y, x), self.image.places(y + dy, x + dx)], axis=1))
        return np.concatenate(pairs)


@dataclass(frozen=True, eq=False)
class Pairs(_Comparisons):
    """Pairs of pixels that were drawn.

    Attributes
    ----------
    drawn : ndarray of int64, shape (n, 2)
        Their places.
    """

    drawn: NDArray[np.int64]

    @property
    def pairs(self) -> NDArray[np.int64]:
        """Places of both pixels, shape (n, 2)."""
        return self.drawn


@dataclass(frozen=True, eq=False)
class _Counted(OfImage):
    """Base: counts of ones among bits of the image.

    Attributes
    ----------
    base : Compared
        What makes these bits.
    """

    base: Compared

    @cached_property
    def _counts(self) -> Counts:
        raise NotImplementedError

    @property
    def n(self) -> int:  # type: ignore[override]
        """Counts."""
        return self._counts.n

    @property
    def rows_at_a_time(self) -> int:  # type: ignore[override]
        """Images whose quantities are worked out together."""
        return max(_VALUES_AT_A_TIME // max(self.image.n_pixels, self.n, self.base.quantities.n), 1)

    def __call__(self, rows: NDArray[Any]) -> NDArray[np.int32]:
        """Count the ones."""
        bits = np.zeros((len(rows), words_for(self.base.n_bits)), dtype=np.uint64)
        self.base.write(rows, bits, 0)
        return self._counts(bits)


@dataclass(frozen=True, eq=False)
class Patches(_Counted):
    """How many pixels of squares agree with a pattern, each pixel binarised at the median of all.

    Attributes
    ----------
    side : int
        Of a square.
    corners : ndarray of int64, shape (n,)
        The place of each square's first pixel.
    patterns : ndarray of bool, shape (n, side * side)
        What its pixels should be.
    """

    side: int
    corners: NDArray[np.int64]
    patterns: NDArray[np.bool_]

    @cached_property
    def _counts(self) -> Counts:
        _, width, channels = self.image.shape
        dy, dx = (d.ravel() for d in np.mgrid[: self.side, : self.side])
        places = self.corners[:, np.newaxis] + (dy * width + dx) * channels
        return Counts(list(places), list(~self.patterns))

    @property
    def names(self) -> list[str]:
        """Name the counts."""
        return [f"patch {i} at {self.image.name(int(corner))}" for i, corner in enumerate(self.corners)]


@dataclass(frozen=True, eq=False)
class Cells(_Counted):
    """How many pixels of a cell are brighter than their neighbour in each of 8 directions; cells overlap by half.

    Attributes
    ----------
    side : int
        Of a cell.
    """

    side: int

    @property
    def step(self) -> int:
        """From a cell to the next."""
        return max(self.side // 2, 1)

    @cached_property
    def _cells(self) -> tuple[list[NDArray[np.int64]], list[str]]:
        height, width, channels = self.image.shape
        # Where the bit of a direction and a pixel is; -1 for those whose neighbour is outside.
        place = np.full((8, height, width, channels), -1)
        first = 0
        for d, (dy, dx) in enumerate(NEIGHBOURS):
            inside = self.image.has_neighbour(dy, dx)
            count = int(inside.sum()) * channels
            place[d][inside] = np.arange(first, first + count).reshape(-1, channels)
            first += count
        places, names = [], []
        for d, (dy, dx) in enumerate(NEIGHBOURS):
            for y0 in range(0, height - self.side + 1, self.step):
                for x0 in range(0, width - self.side + 1, self.step):
                    for c in range(channels):
                        bits = place[d, y0 : y0 + self.side, x0 : x0 + self.side, c].ravel()
                        places.append(bits[bits >= 0])
                        channel = f",{c}" * (channels > 1)
                        names.append(f"edges({y0},{x0}{channel};{dy:+d},{dx:+d})")
        return places, names

    @cached_property
    def _counts(self) -> Counts:
        return Counts(self._cells[0])

    @property
    def names(self) -> list[str]:
        """Name the counts."""
        return self._cells[1]
