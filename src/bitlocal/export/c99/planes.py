"""Counters as bit planes: the form in which a device keeps them, 32 synapses to a word."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bitlocal.bits import PackedBits, words_for

WORD_BITS = 32


def to_words(bits: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Pack bits into 32-bit words along the last axis, least significant bit first; padding bits are zero.

    Parameters
    ----------
    bits : ndarray of bool, shape (..., n_bits)

    Returns
    -------
    ndarray of uint32, shape (..., ceil(n_bits / 32))

    Examples
    --------
    >>> import numpy as np
    >>> from bitlocal.export.c99.planes import to_words
    >>> to_words(np.array([True, False, True]))
    array([5], dtype=uint32)
    """
    n_bits = bits.shape[-1]
    padding = [(0, 0)] * (bits.ndim - 1) + [(0, words_for(n_bits, WORD_BITS) * WORD_BITS - n_bits)]
    octets = np.packbits(np.pad(bits, padding), axis=-1, bitorder="little")
    return np.ascontiguousarray(octets).view("<u4").astype(np.uint32, copy=False)


def from_words(words: NDArray[np.uint32], n_bits: int) -> NDArray[np.bool_]:
    """Unpack what `to_words` packed.

    Parameters
    ----------
    words : ndarray of uint32, shape (..., ceil(n_bits / 32))
    n_bits : int

    Returns
    -------
    ndarray of bool, shape (..., n_bits)
    """
    octets = np.ascontiguousarray(words, dtype="<u4").view(np.uint8)
    bits: NDArray[np.bool_] = np.unpackbits(octets, axis=-1, count=n_bits, bitorder="little").view(np.bool_)
    return bits


def to_planes(counters: NDArray[np.int16], n_planes: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Split counters into bit planes.

    Plane i holds bit i of h + 2**(n_planes - 1), so the highest plane is set where h >= 0: it is the binary weights.

    Parameters
    ----------
    counters : ndarray of int16, shape (n_neurons, n_inputs)
        Counters h, from -2**(n_planes - 1) to 2**(n_planes - 1) - 1.
    n_planes : int
        Bits of a counter, from 2 to 16.

    Returns
    -------
    signs : ndarray of uint32, shape (n_neurons, words)
        The highest plane.
    lows : ndarray of uint32, shape (n_neurons, words, n_planes - 1)
        The others, the planes of a word side by side.

    Examples
    --------
    >>> import numpy as np
    >>> from bitlocal.export.c99.planes import from_planes, to_planes
    >>> signs, lows = to_planes(np.array([[-8, -1, 0, 7]], dtype=np.int16), 4)
    >>> signs, lows
    (array([[12]], dtype=uint32), array([[[10, 10, 10]]], dtype=uint32))
    >>> from_planes(signs, lows, 4)
    array([[-8, -1,  0,  7]], dtype=int16)
    """
    offset = counters.astype(np.int32) + 2 ** (n_planes - 1)
    planes = np.stack([to_words((offset >> i & 1).astype(np.bool_)) for i in range(n_planes)], axis=-1)
    return np.ascontiguousarray(planes[..., -1]), np.ascontiguousarray(planes[..., :-1])


def from_planes(signs: NDArray[np.uint32], lows: NDArray[np.uint32], n_inputs: int) -> NDArray[np.int16]:
    """Put the counters of `to_planes` together again.

    Parameters
    ----------
    signs : ndarray of uint32, shape (n_neurons, words)
    lows : ndarray of uint32, shape (n_neurons, words, n_planes - 1)
    n_inputs : int

    Returns
    -------
    ndarray of int16, shape (n_neurons, n_inputs)
    """
    n_low = lows.shape[-1]
    offset = from_words(signs, n_inputs).astype(np.int32) << n_low
    for i in range(n_low):
        offset += from_words(np.ascontiguousarray(lows[..., i]), n_inputs).astype(np.int32) << i
    counters: NDArray[np.int16] = (offset - 2**n_low).astype(np.int16)
    return counters


def in_words(packed: PackedBits) -> NDArray[np.uint32]:
    """Split rows of 64-bit words into as many words of 32 bits as the bits need.

    Parameters
    ----------
    packed : PackedBits

    Returns
    -------
    ndarray of uint32, shape (n_rows, ceil(n_bits / 32))
    """
    halves = np.ascontiguousarray(packed.words, dtype="<u8").view("<u4").astype(np.uint32, copy=False)
    return np.ascontiguousarray(halves[:, : words_for(packed.n_bits, WORD_BITS)])
