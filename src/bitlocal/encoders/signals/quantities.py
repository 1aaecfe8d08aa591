"""What is computed from the values of a signal's window, all in integers. Each keeps its regular form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.encoders.maps import as_int16
from bitlocal.encoders.program import Quantities


@dataclass(frozen=True, eq=False)
class Signal:
    """What windows are, and how their values become whole numbers.

    Attributes
    ----------
    n_steps, n_channels : int
        Their shape.
    levels : ndarray of float64, shape (n_channels, n_levels)
        A value becomes the number of its channel's that it exceeds. None: values are taken as they are, rounded down.
    """

    n_steps: int
    n_channels: int
    levels: NDArray[np.float64]

    def whole(self, flat: NDArray[Any]) -> NDArray[np.int16]:
        """Turn flattened samples into integers of shape (n, n_steps, n_channels)."""
        X = flat.reshape(-1, self.n_steps, self.n_channels)
        if self.levels.shape[1] == 0:
            return as_int16(X)
        values = np.empty(X.shape, dtype=np.int16)
        for channel, levels in enumerate(self.levels):
            values[:, :, channel] = np.searchsorted(levels, X[:, :, channel].astype(np.float64))
        return values


@dataclass(frozen=True, eq=False)
class OfSignal(Quantities):
    """Base: integers computed from those of a window, of shape (n_steps, n_channels)."""

    signal: Signal

    @property
    def n(self) -> int:  # type: ignore[override]
        """How many they are."""
        raise NotImplementedError

    def labels(self, names: list[str]) -> list[str]:
        """Name them; `names` has those of the values, flattened."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Values(OfSignal):
    """The value at each step."""

    @property
    def n(self) -> int:  # type: ignore[override]
        """Steps times channels."""
        return self.signal.n_steps * self.signal.n_channels

    def __call__(self, rows: NDArray[np.int16]) -> NDArray[np.int32]:
        """Give the values."""
        return rows.reshape(len(rows), -1).astype(np.int32)

    def labels(self, names: list[str]) -> list[str]:
        """Name the values."""
        return names


@dataclass(frozen=True, eq=False)
class Differences(OfSignal):
    """The difference of each value and one some steps before.

    Attributes
    ----------
    lag : int
        So many steps.
    """

    lag: int

    @property
    def n(self) -> int:  # type: ignore[override]
        """Steps that have one before, times channels."""
        return (self.signal.n_steps - self.lag) * self.signal.n_channels

    def __call__(self, rows: NDArray[np.int16]) -> NDArray[np.int32]:
        """Compute the differences."""
        later, earlier = rows[:, self.lag :], rows[:, : -self.lag]
        return np.subtract(later, earlier, dtype=np.int32).reshape(len(rows), -1)

    def labels(self, names: list[str]) -> list[str]:
        """Name the differences."""
        apart = self.lag * self.signal.n_channels
        return [f"{later}-{earlier}" for later, earlier in zip(names[apart:], names[:-apart], strict=True)]


@dataclass(frozen=True, eq=False)
class Crossings(OfSignal):
    """How often each segment crosses its channel's median.

    Attributes
    ----------
    n_segments : int
        Equal parts of the window, at most.
    medians : ndarray of int32, shape (n_channels,)
        Of the training data.
    """

    n_segments: int
    medians: NDArray[np.int32]

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """Where segments begin and end."""
        return _bounds(self.signal.n_steps, self.n_segments)

    @property
    def n(self) -> int:  # type: ignore[override]
        """Segments times channels."""
        return (len(self.bounds) - 1) * self.signal.n_channels

    def __call__(self, rows: NDArray[np.int16]) -> NDArray[np.int32]:
        """Count the crossings."""
        above = rows > self.medians
        crosses = np.zeros(above.shape, dtype=np.bool_)  # step t crosses if step t - 1 lies on the other side
        np.not_equal(above[:, 1:], above[:, :-1], out=crosses[:, 1:])
        return _sums(crosses, self.bounds)

    def labels(self, names: list[str]) -> list[str]:
        """Name the counts."""
        return _segment_labels("crossings", self.bounds, 1, self.signal.n_channels)


@dataclass(frozen=True, eq=False)
class Bands(OfSignal):
    """Energies of the octaves, by Haar wavelets, for each segment; band 1 is the highest.

    Attributes
    ----------
    n_segments : int
        Equal parts of each band, at most.
    """

    n_segments: int

    @cached_property
    def bounds(self) -> list[NDArray[np.int64]]:
        """Where segments of each band begin and end."""
        n_bands = self.signal.n_steps.bit_length() - 1
        return [_bounds(self.signal.n_steps >> band, self.n_segments) for band in range(1, n_bands + 1)]

    @property
    def n(self) -> int:  # type: ignore[override]
        """Segments of all bands, times channels."""
        return sum(len(bounds) - 1 for bounds in self.bounds) * self.signal.n_channels

    def __call__(self, rows: NDArray[np.int16]) -> NDArray[np.int32]:
        """Compute the energies."""
        energies = [np.zeros((len(rows), 0), dtype=np.int32)]
        sums = rows.astype(np.int32)
        for bounds in self.bounds:
            n_pairs = sums.shape[1] // 2  # a last value without a partner is left out
            left, right = sums[:, : 2 * n_pairs : 2], sums[:, 1 : 2 * n_pairs : 2]
            energies.append(_sums(np.abs(left - right), bounds))
            sums = left + right
        return np.concatenate(energies, axis=1)

    def labels(self, names: list[str]) -> list[str]:
        """Name the energies."""
        return [
            label
            for band, bounds in enumerate(self.bounds, start=1)
            for label in _segment_labels(f"band{band}", bounds, 2**band, self.signal.n_channels)
        ]


def _bounds(n: int, n_segments: int) -> NDArray[np.int64]:
    """Where segments of n values begin and end: as equal as can be, none of them empty."""
    n_segments = min(n_segments, n)
    return np.arange(n_segments + 1, dtype=np.int64) * n // n_segments


def _sums(values: NDArray[Any], bounds: NDArray[np.int64]) -> NDArray[np.int32]:
    """Add up the steps of each segment: (n, n_steps, n_channels) to (n, n_segments * n_channels)."""
    return np.add.reduceat(values, bounds[:-1], axis=1, dtype=np.int32).reshape(len(values), -1)


def _segment_labels(name: str, bounds: NDArray[np.int64], width: int, n_channels: int) -> list[str]:
    """Name segments whose bounds are told in so many steps."""
    steps = [f"{low * width}:{high * width}" for low, high in pairwise(bounds.tolist())]
    if n_channels == 1:
        return [f"{name}[{segment}]" for segment in steps]
    return [f"{name}[{segment},{channel}]" for segment in steps for channel in range(n_channels)]
