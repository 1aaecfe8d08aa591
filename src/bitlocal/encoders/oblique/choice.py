"""Which oblique sums to keep: those whose bits tell most about the classes, by integers alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FRACTION = 16
"""Bits behind the point of the logarithms."""


def logarithms(n: int) -> NDArray[np.int64]:
    """Give the binary logarithms of 1 ... n, rounded down to 2**-16, times 2**16; that of 0 counts as 0.

    In integers: a logarithm's next bit says whether the square of what is left has two as its whole part.

    Parameters
    ----------
    n : int
        Below 2**31.

    Returns
    -------
    ndarray of int64, shape (n + 1,)

    Examples
    --------
    >>> from bitlocal.encoders.oblique.choice import logarithms
    >>> logarithms(4).tolist()
    [0, 0, 65536, 103872, 131072]
    """
    numbers = np.arange(n + 1, dtype=np.uint64)
    numbers[0] = 1
    whole = np.zeros(n + 1, dtype=np.int64)
    for shift in (16, 8, 4, 2, 1):
        large = (numbers >> (whole + shift).astype(np.uint64)) > 0
        whole[large] += shift
    # From 1 to 2, with 31 bits behind the point, so that a square fits into 64.
    rest = numbers << (31 - whole).astype(np.uint64)
    fraction = np.zeros(n + 1, dtype=np.int64)
    for _ in range(FRACTION):
        rest = (rest * rest) >> np.uint64(31)
        two = rest >> np.uint64(32) > 0
        fraction = 2 * fraction + two
        rest >>= two.astype(np.uint64)
    return (whole << FRACTION) + fraction


def tells(bits: NDArray[np.bool_], y: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the mutual information of each bit and the classes, times the samples and 2**16, to be compared.

    Where n samples have class c and bit b n_cb times, it is the sum over c and b of n_cb (log n_cb + log n - log n_c -
    log n_b), with `logarithms`: the same on all machines, which floating-point logarithms need not be.

    Parameters
    ----------
    bits : ndarray of bool, shape (n_samples, n_bits)
        Fewer samples than 2**24.
    y : ndarray of int64, shape (n_samples,)
        Classes, from 0.

    Returns
    -------
    ndarray of int64, shape (n_bits,)
    """
    log = logarithms(len(y))
    of_class = np.bincount(y)
    is_class: NDArray[Any] = (y == np.arange(len(of_class))[:, np.newaxis]).astype(np.float32)
    # Sums of ones in single precision are exact below 2**24, in whatever order they are added.
    ones = (is_class @ bits.astype(np.float32)).astype(np.int64)
    information = np.zeros(bits.shape[1], dtype=np.int64)
    for counts in (ones, of_class[:, np.newaxis] - ones):
        of_bit = counts.sum(axis=0)
        information += (counts * (log[counts] + log[-1] - log[of_class][:, np.newaxis] - log[of_bit])).sum(axis=0)
    return information


def best(scores: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Give the places of the n largest scores, ascending; of equal ones the first."""
    return np.sort(np.argsort(-scores, kind="stable")[:n])
