"""From samples to integers worth comparing: weighted sums of features, counts of bits.

Both work on rows of features (uint8 or int16) and give int32, a column for each quantity; thresholds then make bits of
these. Integer additions and popcounts are all they need.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal import _core
from bitlocal.bits import WORD_BITS
from bitlocal.encoders.checks import Words


class Sums:
    """Sums of weighted features.

    Parameters
    ----------
    columns : ndarray of int, shape (n_sums, n_terms)
        The features in each sum.
    weights : ndarray of int, shape (n_terms,) or (n_sums, n_terms)
        Their weights.
    """

    def __init__(self, columns: NDArray[Any], weights: NDArray[Any]) -> None:
        n_sums, n_terms = columns.shape
        self._first_term = np.arange(0, columns.size + 1, n_terms, dtype=np.uint32)
        self._columns = columns.astype(np.uint32).ravel()
        self._weights = np.broadcast_to(weights, columns.shape).astype(np.int16).ravel()
        self.n = n_sums

    def __call__(self, X: NDArray[Any]) -> NDArray[np.int32]:
        """Give the sums of samples."""
        return _core.weighted_sums(X, self._first_term, self._columns, self._weights)


class Counts:
    """Counts of ones among some bits of a row, of which some are flipped before.

    Parameters
    ----------
    places : sequence of ndarray of int
        The bits of each count.
    flipped : sequence of ndarray of bool, optional
        Which of them are flipped.
    """

    def __init__(self, places: Sequence[NDArray[Any]], flipped: Sequence[NDArray[np.bool_]] | None = None) -> None:
        words, masks, flips, widths = [], [], [], []
        for i, bits in enumerate(places):
            one = np.uint64(1) << (bits % WORD_BITS).astype(np.uint64)
            word, inverse = np.unique(bits // WORD_BITS, return_inverse=True)
            mask = np.zeros(len(word), dtype=np.uint64)
            np.bitwise_or.at(mask, inverse, one)
            flip = np.zeros(len(word), dtype=np.uint64)
            if flipped is not None:
                np.bitwise_or.at(flip, inverse[flipped[i]], one[flipped[i]])
            words.append(word)
            masks.append(mask)
            flips.append(flip)
            widths.append(len(word))
        self._first_term = np.concatenate([[0], np.cumsum(widths)]).astype(np.uint32)
        self._words = np.concatenate(words).astype(np.uint32)
        self._masks = np.concatenate(masks)
        self._flips = np.concatenate(flips)
        self.n = len(widths)

    def __call__(self, rows: Words) -> NDArray[np.int32]:
        """Give the counts of packed rows."""
        return _core.masked_popcounts(rows, self._first_term, self._words, self._masks, self._flips)


def as_int16(X: NDArray[Any]) -> NDArray[np.int16]:
    """Round down, and clip to 16 bits."""
    limits = np.iinfo(np.int16)
    if X.dtype.kind == "f":
        X = np.floor(X)
    elif X.dtype.kind == "b" or X.dtype.itemsize == 1:
        return X.astype(np.int16)
    low = 0 if X.dtype.kind == "u" else limits.min
    clipped: NDArray[Any] = np.clip(X, low, limits.max)
    return clipped.astype(np.int16)
