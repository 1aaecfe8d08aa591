"""Packed bits: the form in which samples reach the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitlocal import _core

WORD_BITS = 64


def words_for(n_bits: int) -> int:
    """Give the number of 64-bit words that hold `n_bits` bits."""
    return -(-n_bits // WORD_BITS)


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

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, rows: slice | NDArray[np.integer]) -> PackedBits:
        return PackedBits(np.ascontiguousarray(self.words[rows]), self.n_bits)


def pack(bits: NDArray[np.bool_]) -> PackedBits:
    """Pack rows of booleans.

    Parameters
    ----------
    bits : array of bool, shape (n_samples, n_bits)

    Returns
    -------
    PackedBits

    Examples
    --------
    >>> import numpy as np
    >>> from bitlocal.bits import pack, unpack
    >>> packed = pack(np.array([[True, False, True]]))
    >>> packed.words
    array([[5]], dtype=uint64)
    >>> unpack(packed)
    array([[ True, False,  True]])
    """
    return PackedBits(_core.pack(np.ascontiguousarray(bits, dtype=np.bool_)), bits.shape[1])


def unpack(packed: PackedBits) -> NDArray[np.bool_]:
    """Turn packed rows back into booleans of shape (n_samples, n_bits)."""
    octets = packed.words.astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(octets, axis=1, count=packed.n_bits, bitorder="little").view(np.bool_)
