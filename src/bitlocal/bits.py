"""Packed bits: the form in which samples reach the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitlocal import _core

WORD_BITS = 64


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


def pack(bits: ArrayLike) -> PackedBits:
    """Pack rows of bits once, for repeated training and prediction: `BMLPClassifier` takes the result as it is.

    Parameters
    ----------
    bits : array-like of shape (n_samples, n_bits)
        Booleans, -1/+1 or 0/1.

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
    array = np.asarray(bits)
    if array.ndim != 2:
        raise ValueError(f"bits: expected 2 dimensions (samples, bits), got {array.ndim}")
    if not are_bits(array):
        raise ValueError("expected booleans, -1/+1 or 0/1, got other values")
    return PackedBits(_core.pack(np.ascontiguousarray(array > 0)), array.shape[1])


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
