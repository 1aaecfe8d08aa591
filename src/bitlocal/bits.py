"""Packed bits: the form in which samples reach the network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal import _core

WORD_BITS = 64

_ENTRIES_AT_A_TIME = 1 << 15  # of a sparse matrix; more are hardly faster


def words_for(n_bits: int, word_bits: int = WORD_BITS) -> int:
    """Give the number of words that hold `n_bits` bits."""
    return -(-n_bits // word_bits)


@dataclass(frozen=True)
class PackedBits:
    """Rows of bits, packed into 64-bit words, least significant bit first; padding bits are zero.

    Attributes
    ----------
    words : ndarray of uint64, shape (n_samples, ceil(n_bits / 64))
        The packed rows.
    n_bits : int
        Bits in a row.
    """

    words: NDArray[np.uint64]
    n_bits: int

    @property
    def shape(self) -> tuple[int, int]:
        """Samples and bits, as of the array that was packed."""
        return len(self.words), self.n_bits

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, rows: Any) -> PackedBits:
        """Select rows by a slice, row numbers or a mask; `[rows, ...]`, as scikit-learn writes it, is the same."""
        if isinstance(rows, tuple) and len(rows) == 2 and rows[1] is Ellipsis:
            rows = rows[0]
        words = self.words[rows]
        if words.ndim != 2:
            raise TypeError(f"cannot select {rows!r}: packed bits are selected by whole rows, as in packed[:10]")
        return PackedBits(np.ascontiguousarray(words), self.n_bits)


def pack(bits: Any) -> PackedBits:
    """Pack rows of bits once, for repeated training and prediction: `BMLPClassifier` takes the result as it is.

    Parameters
    ----------
    bits : array-like or sparse matrix of shape (n_samples, n_bits)
        Booleans, -1/+1 or 0/1; in a sparse matrix, which is not made dense for it, booleans or 0/1.

    Returns
    -------
    PackedBits

    Raises
    ------
    ValueError
        If the array has not two dimensions, or holds other values.

    Examples
    --------
    >>> from bitlocal.bits import pack, unpack
    >>> packed = pack([[True, False, True]])
    >>> packed.words
    array([[5]], dtype=uint64)
    >>> unpack(packed)
    array([[ True, False,  True]])
    """
    if is_sparse(bits):
        return _pack_sparse(bits)
    array = np.asarray(bits)
    if array.ndim != 2:
        raise ValueError(f"bits: expected 2 dimensions (samples, bits), got {array.ndim}")
    if not are_bits(array):
        raise ValueError("expected booleans, -1/+1 or 0/1, got other values")
    return PackedBits(_core.pack(np.ascontiguousarray(array > 0)), array.shape[1])


def is_sparse(X: object) -> bool:
    """Tell whether this is one of SciPy's sparse matrices or arrays."""
    return hasattr(X, "tocsr")


def _pack_sparse(matrix: Any) -> PackedBits:
    if len(matrix.shape) != 2:
        raise ValueError(f"bits: expected 2 dimensions (samples, bits), got {len(matrix.shape)}")
    rows = canonical_rows(matrix)
    if not _all_zeros_or_ones(rows):
        raise ValueError("expected booleans or 0/1 in a sparse matrix, got other values")
    n, n_bits = rows.shape
    words = np.zeros((n, words_for(n_bits)), dtype=np.uint64)
    flat = words.reshape(-1)
    for row, column, value in entries(rows):
        present = value != 0
        row, column = row[present], column[present]
        places = row * words.shape[1] + column // WORD_BITS
        np.bitwise_or.at(flat, places, np.uint64(1) << (column % WORD_BITS).astype(np.uint64))
    return PackedBits(words, n_bits)


def are_sparse_bits(matrix: Any) -> bool:
    """Tell whether `pack` takes a sparse matrix: all its values are booleans, or all are 0 or 1."""
    return bool(matrix.dtype == np.bool_) or _all_zeros_or_ones(canonical_rows(matrix))


def _all_zeros_or_ones(rows: Any) -> bool:
    return bool(rows.dtype == np.bool_ or ((rows.data == 1) | (rows.data == 0)).all())


def canonical_rows(matrix: Any) -> Any:
    """Give a sparse matrix as compressed rows with one entry for a place; the caller's stays as it is.

    What has this form already is given back itself.
    """
    rows = matrix.tocsr()
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    return rows


def entries(rows: Any) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]]:
    """Give rows, columns and values of what compressed rows store, some at a time, so that little memory is needed."""
    starts = rows.indptr
    for first in range(0, len(rows.data), _ENTRIES_AT_A_TIME):
        last = min(first + _ENTRIES_AT_A_TIME, len(rows.data))
        low = int(np.searchsorted(starts, first, side="right")) - 1
        high = int(np.searchsorted(starts, last, side="left"))
        in_each = np.diff(np.clip(starts[low : high + 1], first, last))
        row = np.repeat(np.arange(low, high, dtype=np.int64), in_each)
        yield row, rows.indices[first:last].astype(np.int64), rows.data[first:last]


def are_bits(array: NDArray[Any]) -> bool:
    """Tell whether all values are booleans, all are 0 or 1, or all are -1 or +1."""
    if array.dtype == np.bool_:
        return True
    ones = array == 1
    return bool((ones | (array == 0)).all() or (ones | (array == -1)).all())


def unpack(packed: PackedBits) -> NDArray[np.bool_]:
    """Turn packed rows back into booleans of shape (n_samples, n_bits)."""
    octets = packed.words.astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(octets, axis=1, count=packed.n_bits, bitorder="little").view(np.bool_)
