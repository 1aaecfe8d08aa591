"""What features and bits tell about the classes, by integers alone: the same on all machines."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

FRACTION = 16
"""Bits behind the point of the logarithms."""
_CELLS = 16  # intervals, with about as many samples each, in which a feature's values are counted


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
    >>> from bitlocal.encoders.information import logarithms
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
    of_class = np.bincount(y)
    is_class: NDArray[Any] = (y == np.arange(len(of_class))[:, np.newaxis]).astype(np.float32)
    # Sums of ones in single precision are exact below 2**24, in whatever order they are added.
    ones = (is_class @ bits.astype(np.float32)).astype(np.int64)
    return _of_counts(np.stack([ones, of_class[:, np.newaxis] - ones], axis=1), logarithms(len(y)))


def information(column: NDArray[Any], y: NDArray[Any]) -> float:
    """Estimate the mutual information of a feature and the classes, in bits.

    Parameters
    ----------
    column : ndarray of shape (n_samples,)
        Numbers; NaN, for a missing value, counts as a value of its own.
    y : ndarray of shape (n_samples,)
        Class labels.

    Returns
    -------
    float
        At least 0. The bias of counting in small samples is taken off (Miller 1955), so noise has about 0.
    """
    ordered = np.sort(column)  # NaN comes last
    cuts = np.unique(ordered[len(ordered) * np.arange(1, _CELLS) // _CELLS])
    cell = np.searchsorted(cuts, column, side="right")  # NaN beyond all cuts
    if column.dtype.kind == "f":
        cell[np.isnan(column)] = len(cuts) + 1
    cells, cell = np.unique(cell, return_inverse=True)
    classes, label = np.unique(y, return_inverse=True)
    counts = np.bincount(label * len(cells) + cell, minlength=len(classes) * len(cells))
    told = int(_of_counts(counts.reshape(len(classes), len(cells), 1), logarithms(len(y)))[0]) / (len(y) << FRACTION)
    return max(told - (len(cells) - 1) * (len(classes) - 1) / (2 * len(y) * math.log(2)), 0.0)


def _of_counts(counts: NDArray[np.int64], log: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the mutual information of classes and cells, likewise, of counts of shape (classes, cells, n)."""
    of_class, of_cell = counts.sum(axis=1, keepdims=True), counts.sum(axis=0, keepdims=True)
    told: NDArray[np.int64] = (counts * (log[counts] + log[-1] - log[of_class] - log[of_cell])).sum(axis=(0, 1))
    return told


def best(scores: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Give the places of the n largest scores, ascending; of equal ones the first."""
    return np.sort(np.argsort(-scores, kind="stable")[:n])
