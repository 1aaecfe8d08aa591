"""Thresholds of quantities: what bits are made of, whatever the quantities are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal import _core
from bitlocal.bits import WORD_BITS, entries
from bitlocal.encoders.checks import Arrays, Words, require
from bitlocal.encoders.sparse import SparseRows

_ROWS_AT_A_TIME = 4096  # data of other types are converted piece by piece


@dataclass(frozen=True, eq=False)
class Thresholds:
    """Thresholds of some quantities; each is a bit, which says whether the quantity lies above it.

    A quantity that can be missing (NaN) has one more bit, which says that it is. One that is missing lies above no
    threshold, unless it is `filled`.

    Attributes
    ----------
    columns : ndarray of int64, shape (n_thresholds,)
        The quantity that each threshold belongs to, ascending.
    values : ndarray of float64, shape (n_thresholds,)
        The thresholds; ascending for each quantity. The first may be -inf, above which every number lies.
    missing : ndarray of bool, shape (n,)
        Which quantities have a bit for a missing value; it follows the quantity's other bits.
    filled : ndarray of int64, shape (n,), or None
        Above how many of its thresholds each quantity lies where it is missing, as that of the value that an imputer
        would have put there; a number rather than the value, since no rounding can change it. None if all are 0.
    """

    columns: NDArray[np.int64]
    values: NDArray[np.float64]
    missing: NDArray[np.bool_]
    filled: NDArray[np.int64] | None = None

    @classmethod
    def fixed(cls, n: int, threshold: int) -> Thresholds:
        """Give each of n quantities the same threshold."""
        return cls(np.arange(n), np.full(n, float(threshold)), np.zeros(n, dtype=np.bool_))

    @property
    def n(self) -> int:
        """Quantities."""
        return len(self.missing)

    @cached_property
    def n_bits(self) -> int:
        """Bits of all of them."""
        return len(self.values) + int(self.missing.sum())

    def widths(self) -> list[tuple[int, bool]]:
        """Give the number of thresholds of each quantity, and whether it has a bit for missing values."""
        counts = np.bincount(self.columns, minlength=self.n)
        return list(zip(counts.tolist(), self.missing.tolist(), strict=True))

    def of(self, quantity: int) -> NDArray[np.float64]:
        """Give the thresholds of a quantity."""
        first, last = np.searchsorted(self.columns, [quantity, quantity + 1])
        return self.values[first:last]

    def write(self, X: NDArray[Any] | SparseRows, words: Words, first_bit: int) -> None:
        """Write the bits of quantities, a row a sample, into rows of words whose bits from `first_bit` on are zero."""
        if isinstance(X, SparseRows):
            self._write_sparse(X, words, first_bit)
            return
        layout = (
            np.arange(self.n, dtype=np.uint32),
            np.searchsorted(self.columns, np.arange(self.n + 1)).astype(np.uint32),
            self.missing.view(np.uint8),
        )
        dtype = compared_as(X.dtype, self.values)
        thresholds = floor_to(self.values, dtype)
        if X.dtype == dtype:
            _core.encode_columns(np.ascontiguousarray(X), *layout, thresholds, words, first_bit)
        else:
            for first in range(0, len(X), _ROWS_AT_A_TIME):
                rows = slice(first, first + _ROWS_AT_A_TIME)
                _core.encode_columns(X[rows].astype(dtype, order="C"), *layout, thresholds, words[rows], first_bit)
        if self.filled is not None and X.dtype.kind == "f":
            self._fill(X, words, first_bit)

    def _fill(self, X: NDArray[Any], words: Words, first_bit: int) -> None:
        """Set the bits of missing quantities that are filled, which the core has left at zero."""
        assert self.filled is not None
        for c, (n, missing) in enumerate(self.widths()):
            if self.filled[c]:
                rows = np.flatnonzero(np.isnan(X[:, c]))
                for bit in range(first_bit, first_bit + int(self.filled[c])):
                    words[rows, bit // 64] |= np.uint64(1 << bit % 64)
            first_bit += n + missing

    def _write_sparse(self, X: SparseRows, words: Words, first_bit: int) -> None:
        """Give every sample the bits of zeros, then flip those that differ, for the numbers that are stored."""
        of_zeros = np.zeros((1, words.shape[1]), dtype=words.dtype)
        self.write(np.zeros((1, self.n)), of_zeros, first_bit)
        words |= of_zeros
        flat = words.reshape(-1)  # the same memory: rows follow each other
        first = np.searchsorted(self.columns, np.arange(self.n + 1))
        bit = first_bit + first + np.concatenate([[0], np.cumsum(self.missing)])
        exceeded_by_zero = self._exceeded(first, np.arange(self.n), np.zeros(self.n))
        for row, column, value in entries(X.matrix):
            numbers = value.astype(np.float64)  # as dense numbers are compared, or to the same effect
            by_zero, by_number = exceeded_by_zero[column], self._exceeded(first, column, numbers)
            start = row * (words.shape[1] * WORD_BITS) + bit[column]
            _flip(flat, start + np.minimum(by_zero, by_number), start + np.maximum(by_zero, by_number))
            holes = np.isnan(numbers) & self.missing[column]
            if holes.any():
                last = row[holes] * (words.shape[1] * WORD_BITS) + bit[column[holes] + 1] - 1
                _flip(flat, last, last + 1)

    def _exceeded(
        self, first: NDArray[np.int64], columns: NDArray[np.int64], numbers: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Count the thresholds of its column that each number exceeds, by bisection; first says where they begin."""
        low, high = first[columns], first[columns + 1]
        while (undecided := low < high).any():
            middle = (low + high) // 2
            exceeds = undecided & (numbers > self.values[np.minimum(middle, len(self.values) - 1)])
            low = np.where(exceeds, middle + 1, low)
            high = np.where(undecided & ~exceeds, middle, high)
        return low - first[columns]

    def labels(self, names: Sequence[str], orders: Sequence[Sequence[str]] | None = None) -> list[list[str]]:
        """Name the bits of each quantity; where it has an order, its numbers are places in it."""
        labels = []
        for c, name in enumerate(names):
            order = () if orders is None else orders[c]
            # The shortest text that gives the same number back: thresholds that differ have different names. -0 is 0.
            told = [order[int(t)] if order else repr(t + 0.0).removesuffix(".0") for t in self.of(c).tolist()]
            labels.append([f"{name}>{t}" for t in told] + [f"{name} missing"] * int(self.missing[c]))
        return labels

    # In model files ------------------------------------------------------------------------------------------------

    def to_arrays(self) -> Arrays:
        """Give the thresholds as arrays for a file."""
        missing = {"missing": np.flatnonzero(self.missing)} if self.missing.any() else {}
        filled = {} if self.filled is None else {"filled": self.filled}
        return {"columns": self.columns, "thresholds": self.values, **missing, **filled}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], n: int) -> Thresholds:
        """Take back what `to_arrays` gave for n quantities.

        Raises
        ------
        ValueError, LookupError
            If the arrays are not valid; they may come from a file that nobody vouches for.
        """
        columns, values = arrays["columns"], arrays["thresholds"]
        missing = arrays.get("missing", np.zeros(0, dtype=np.int64))
        require(
            columns.ndim == 1
            and columns.shape == values.shape
            and missing.ndim == 1
            and columns.dtype.kind in "iu"
            and missing.dtype.kind in "iu"
            and values.dtype.kind in "iuf",
            "the encoder's arrays are not of the shapes or types that they should be",
        )
        for places in (columns, missing):
            require(
                len(places) == 0 or (places.min() >= 0 and places.max() < n),
                "the encoder looks at features that do not exist",
            )
        require((np.isfinite(values) | np.isneginf(values)).all(), "the encoder has thresholds that are not finite")
        columns, values = columns.astype(np.int64), values.astype(np.float64)
        ascending = (columns[1:] > columns[:-1]) | ((columns[1:] == columns[:-1]) & (values[1:] > values[:-1]))
        require(ascending.all(), "the encoder's thresholds are not in order")
        flags = np.zeros(n, dtype=np.bool_)
        flags[missing] = True
        filled = arrays.get("filled")
        if filled is not None:
            require(
                filled.shape == (n,)
                and filled.dtype.kind in "iu"
                and (filled >= 0).all()
                and (filled <= np.bincount(columns, minlength=n)).all(),
                "the encoder fills in values that lie above thresholds that do not exist",
            )
            filled = filled.astype(np.int64)
        return cls(columns, values, flags, filled)


def _flip(words: Words, first: NDArray[np.int64], last: NDArray[np.int64]) -> None:
    """Flip runs of bits, each from one place up to another, which it does not include; no bit is in two runs."""
    ones = np.uint64(2**WORD_BITS - 1)
    while (some := first < last).any():
        first, last = first[some], last[some]
        end = np.minimum(last, (first // WORD_BITS + 1) * WORD_BITS)  # of the part in one word
        mask = (ones >> (WORD_BITS - (end - first)).astype(np.uint64)) << (first % WORD_BITS).astype(np.uint64)
        np.bitwise_xor.at(words, first // WORD_BITS, mask)
        first = end


def compared_as(dtype: np.dtype[Any], thresholds: NDArray[np.float64]) -> np.dtype[Any]:
    """Choose the type to compare in: a small one if that gives the same bits."""
    if dtype.kind in "bui" and dtype.itemsize <= 4 and dtype != np.uint32:
        small = np.dtype(np.uint8 if dtype.kind in "bu" and dtype.itemsize == 1 else np.int32)
        if len(thresholds) == 0 or thresholds.min() >= np.iinfo(small).min:
            return small
    if dtype in (np.float16, np.float32):
        return np.dtype(np.float32)
    return np.dtype(np.float64)


def floor_to(thresholds: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give the largest values of a type that are not above the thresholds: x > t is x > floor(t) there."""
    if dtype == thresholds.dtype:
        return thresholds
    if dtype.kind in "ui":
        return np.minimum(np.floor(thresholds), np.iinfo(dtype).max).astype(dtype)
    with np.errstate(over="ignore"):
        nearest = thresholds.astype(dtype)
        below = np.nextafter(nearest, dtype.type(-np.inf))
    return np.where(nearest > thresholds, below, nearest)
