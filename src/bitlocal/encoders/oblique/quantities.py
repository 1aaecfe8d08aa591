"""What oblique bits are made of: numbers as small integers, and sums of a few of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.encoders.checks import Arrays, Words, require
from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.distribution import DenseDistribution
from bitlocal.encoders.maps import Sums
from bitlocal.encoders.program import Quantities

LARGEST = 127
"""Columns become whole numbers from -127 to 127."""
A_SPREAD = 32
"""A column's spread, as a whole number."""
A_CATEGORY = 64
"""What a bit of a category counts where it is set, and the bit of a truth value about as much."""
MOST_TERMS = 8
"""Columns of a sum: so many of -127 to 127, with weights of 16 bits, stay within 32 bits."""

_VALUES_AT_A_TIME = 1 << 19  # integers between sample and bits: they stay in the cache


@dataclass(frozen=True, eq=False)
class Levels:
    """How the numbers of a table become small whole numbers: by how many ascending levels they exceed.

    Level j of a column, j = -126 ... 127, is centre + step * (j - 1/2); a number that exceeds m of its levels becomes
    m - 127. But for ties that is the number less the centre, in steps, rounded and clipped. NaN becomes 0. A sample is
    compared only, so all machines agree.

    Attributes
    ----------
    centre, step : ndarray of float64, shape (n_columns,)
        A step of 0 is that of a column without spread: it becomes 0 for all samples.
    folded : ndarray of float64, shape (n_columns, 254), or None
        The levels, where they are those of samples before scikit-learn's steps, which centre and step do not tell.
    filled : ndarray of int16, shape (n_columns,), or None
        What NaN becomes then, if an imputer was among the steps.
    """

    centre: NDArray[np.float64]
    step: NDArray[np.float64]
    folded: NDArray[np.float64] | None = None
    filled: NDArray[np.int16] | None = None

    @classmethod
    def find(cls, columns: Sequence[NDArray[Any]]) -> Levels:
        """Find centres and steps: the median, and a part of half the distance of the first and last eighth.

        These are values of the data, picked by rank, and no sums of many, so rounding does not depend on the machine.
        Where the eighths coincide, as in a column that is mostly 0, the distance is that of the extremes.
        """
        centre, step = np.zeros(len(columns)), np.zeros(len(columns))
        for c, column in enumerate(columns):
            values = DenseDistribution(column.astype(np.float64))
            if values.n == 0:
                continue
            ranks = [(values.n - 1) // 2, values.n // 8, values.n - 1 - values.n // 8, 0, values.n - 1]
            middle, low, high, lowest, highest = values.at(np.array(ranks)).tolist()
            if low == high:
                low, high = lowest, highest
            half = high / 2 - low / 2  # the difference of the largest numbers would overflow
            one = half / A_SPREAD
            # Where numbers are too small or too close to be told apart by levels, or levels leave what doubles hold:
            if one > 0 and middle + one > middle and abs(middle) + one * (LARGEST + 1) < np.finfo(np.float64).max:
                centre[c], step[c] = middle, one
        return cls(centre, step)

    @property
    def n(self) -> int:
        """Columns."""
        return len(self.centre)

    def thresholds(self) -> NDArray[np.float64]:
        """Give the levels of each column: shape (n_columns, 254)."""
        if self.folded is not None:
            return self.folded
        halves = np.arange(1 - LARGEST, LARGEST + 1) - 0.5
        levels: NDArray[np.float64] = self.centre[:, np.newaxis] + self.step[:, np.newaxis] * halves
        return levels

    def whole(self, X: NDArray[Any]) -> NDArray[np.int16]:
        """Turn numbers into whole ones."""
        whole = np.zeros(X.shape, dtype=np.int16)
        levels = self.thresholds()
        for c in np.flatnonzero(self.step > 0).tolist():
            column = X[:, c].astype(np.float64)
            whole[:, c] = np.searchsorted(levels[c], column, side="left") - LARGEST
            whole[np.isnan(column), c] = 0 if self.filled is None else self.filled[c]
        return whole

    def to_arrays(self) -> Arrays:
        """Give centres and steps for a file, or the levels where these do not tell them."""
        arrays: Arrays = {"centre": self.centre, "step": self.step}
        if self.folded is not None and self.filled is not None:
            arrays |= {"levels": self.folded, "level_of_missing": self.filled}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], n: int) -> Levels:
        """Take back what `to_arrays` gave for n columns; ValueError or LookupError if it is not valid."""
        found = arrays["centre"], arrays["step"]
        require(
            all(array.shape == (n,) and array.dtype.kind in "iuf" for array in found),
            "the encoder's levels are not of the shapes or types that they should be",
        )
        centre, step = (array.astype(np.float64) for array in found)
        with np.errstate(over="ignore", invalid="ignore"):
            furthest = np.abs(centre) / 2 + step * (LARGEST / 2)
        require(
            bool(np.isfinite(centre).all() and (step >= 0).all() and (furthest < np.finfo(np.float64).max / 2).all()),
            "the encoder's levels are not finite, or do not ascend",
        )
        if "levels" not in arrays:
            return cls(centre, step)
        folded, filled = arrays["levels"], arrays["level_of_missing"]
        require(
            folded.dtype.kind in "iuf"
            and folded.shape == (n, 2 * LARGEST)
            and bool((folded[:, 1:] >= folded[:, :-1]).all() and (folded < np.inf).all())
            and filled.dtype.kind in "iu"
            and filled.shape == (n,)
            and bool((filled >= -LARGEST).all() and (filled <= LARGEST).all()),
            "the encoder's folded levels are not valid",
        )
        return cls(centre, step, folded.astype(np.float64), filled.astype(np.int16))


@dataclass(frozen=True, eq=False)
class Oblique(Quantities):
    """Weighted sums of a few columns each.

    Attributes
    ----------
    columns : ndarray of int64, shape (n, n_terms)
        The columns of each sum; a sum of fewer terms has some with a weight of 0.
    weights : ndarray of int64, shape (n, n_terms)
        What they are multiplied by.
    """

    columns: NDArray[np.int64]
    weights: NDArray[np.int64]

    @property
    def n(self) -> int:  # type: ignore[override]
        """Sums."""
        return len(self.columns)

    @property
    def rows_at_a_time(self) -> int:  # type: ignore[override]
        """Samples whose sums are worked out together."""
        return max(_VALUES_AT_A_TIME // max(self.n, 1), 1)

    @cached_property
    def _sums(self) -> Sums:
        return Sums(self.columns, self.weights)

    def __call__(self, rows: NDArray[np.int16]) -> NDArray[np.int32]:
        """Add up; rows hold the whole numbers of samples."""
        return self._sums(rows) if self.n else np.zeros((len(rows), 0), dtype=np.int32)

    def write(self, thresholds: Thresholds, rows: NDArray[np.int16], words: Words, first_bit: int) -> None:
        """Write the bits of samples, some rows at a time."""
        if thresholds.n_bits:
            super().write(thresholds, rows, words, first_bit)

    def labels(self, names: Sequence[str]) -> list[str]:
        """Name the sums, as in `x1+2*x4-x7`."""
        labels = []
        for columns, weights in zip(self.columns.tolist(), self.weights.tolist(), strict=True):
            terms = [
                ("-" if weight < 0 else "+") + (f"{abs(weight)}*" if abs(weight) > 1 else "") + names[column]
                for column, weight in zip(columns, weights, strict=True)
                if weight
            ]
            labels.append("".join(terms).removeprefix("+"))
        return labels

    def to_arrays(self) -> Arrays:
        """Give columns and weights for a file."""
        return {"terms": self.columns, "weights": self.weights}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], n_columns: int) -> Oblique:
        """Take back what `to_arrays` gave for samples of so many columns; ValueError or LookupError if not valid."""
        columns, weights = arrays["terms"], arrays["weights"]
        require(
            columns.ndim == 2
            and columns.shape == weights.shape
            and 1 <= columns.shape[1] <= MOST_TERMS
            and columns.dtype.kind in "iu"
            and weights.dtype.kind in "iu",
            "the encoder's sums are not of the shapes or types that they should be",
        )
        require(
            columns.size == 0 or (columns.min() >= 0 and columns.max() < n_columns),
            "the encoder adds up columns that do not exist",
        )
        require(
            weights.size == 0 or (weights.min() >= -LARGEST and weights.max() <= LARGEST),
            "the encoder's weights are too large",
        )
        return cls(columns.astype(np.int64), weights.astype(np.int64))


@dataclass(frozen=True, eq=False)
class ObliqueNumbers(Quantities):
    """Weighted sums of the numbers of a sample, once these are whole.

    Attributes
    ----------
    levels : Levels
        How numbers become whole.
    sums : Oblique
        What is added up.
    """

    levels: Levels
    sums: Oblique

    @property
    def n(self) -> int:  # type: ignore[override]
        """Sums."""
        return self.sums.n

    def __call__(self, rows: NDArray[Any]) -> NDArray[np.int32]:
        """Add up."""
        return self.sums(self.levels.whole(rows))

    def write(self, thresholds: Thresholds, rows: NDArray[Any], words: Words, first_bit: int) -> None:
        """Write the bits of samples, some rows at a time."""
        self.sums.write(thresholds, self.levels.whole(rows), words, first_bit)
