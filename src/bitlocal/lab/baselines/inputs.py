"""What the baselines take: the same samples and encoders as `BMLPClassifier`, as numbers in NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.bits import PackedBits, unpack

_ROWS_AT_ONCE = 1000


def signs(bits: PackedBits) -> NDArray[np.int8]:
    """Turn bits into -1 and +1, shape (n_samples, n_bits)."""
    plus_minus: NDArray[np.int8] = np.where(unpack(bits), np.int8(1), np.int8(-1))
    return plus_minus


class Scaler:
    """Numbers with mean 0 and standard deviation 1 over the samples that it was made from.

    Columns of uint8 are taken for pixels of one kind and share one mean and one deviation; those of any other type have
    one each. What does not vary becomes 0.
    """

    def __init__(self, X: NDArray[Any]) -> None:
        axis = None if X.dtype == np.uint8 else 0
        # In double precision: sums over many samples.
        self.mean = np.asarray(X.mean(axis=axis, dtype=np.float64))
        deviation = np.asarray(X.std(axis=axis, dtype=np.float64))
        # Rounding leaves a trace of a deviation where all values are equal.
        negligible = deviation <= 1e-12 * np.maximum(np.abs(self.mean), np.finfo(np.float64).tiny)
        self.deviation = np.where(negligible, 1.0, deviation)

    def __call__(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Scale samples like those."""
        scaled = np.empty(X.shape, dtype=np.float32)
        for first in range(0, len(X), _ROWS_AT_ONCE):  # in double precision, but not all of it at once
            rows = slice(first, first + _ROWS_AT_ONCE)
            scaled[rows] = (X[rows] - self.mean) / self.deviation
        return scaled
