"""The values of a feature in the training data, in order: what thresholds are found from, dense or sparse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from bitlocal.bits import is_sparse


class Distribution:
    """The values of one feature; those that are missing (NaN) do not count."""

    n: int
    """How many values there are."""

    @property
    def distinct(self) -> NDArray[Any]:
        """The distinct values, ascending."""
        raise NotImplementedError

    def at(self, ranks: NDArray[np.int64]) -> NDArray[Any]:
        """Give the values at these places, from 0, in ascending order."""
        raise NotImplementedError

    def ordered(self) -> NDArray[Any]:
        """Give all values, ascending."""
        raise NotImplementedError

    def middle(self) -> NDArray[Any]:
        """Give values that have the same median."""
        raise NotImplementedError

    def by_row(self) -> NDArray[Any]:
        """Give the feature's value in each sample, NaN where it is missing."""
        raise NotImplementedError


class DenseDistribution(Distribution):
    """The values of a feature that are all there.

    Parameters
    ----------
    values : ndarray
        Numbers, NaN where one is missing.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values

    @cached_property
    def _present(self) -> NDArray[Any]:
        return self._values[~np.isnan(self._values)] if self._values.dtype.kind == "f" else self._values

    @cached_property
    def _ordered(self) -> NDArray[Any]:
        return np.sort(self._present, kind="stable")

    @property
    def n(self) -> int:  # type: ignore[override]
        """How many values there are."""
        return len(self._present)

    @cached_property
    def distinct(self) -> NDArray[Any]:
        """The distinct values, ascending."""
        return _distinct(self._ordered)

    def at(self, ranks: NDArray[np.int64]) -> NDArray[Any]:
        """Give the values at these places, from 0, in ascending order."""
        return self._ordered[ranks]

    def ordered(self) -> NDArray[Any]:
        """Give all values, ascending."""
        return self._ordered

    def middle(self) -> NDArray[Any]:
        """Give values that have the same median."""
        return self._present

    def by_row(self) -> NDArray[Any]:
        """Give the feature's value in each sample, NaN where it is missing."""
        return self._values


class SparseDistribution(Distribution):
    """The values of a feature that are mostly 0; the others are stored.

    Parameters
    ----------
    rows : ndarray of int, shape (n_stored,)
        The samples whose values are stored.
    values : ndarray of shape (n_stored,)
        Their values, NaN where one is missing; zeros may be among them.
    n_samples : int
        How many samples there are.
    """

    def __init__(self, rows: NDArray[Any], values: NDArray[Any], n_samples: int) -> None:
        self._rows, self._values, self._n_samples = rows, values, n_samples
        stored = values[values != 0]
        if stored.dtype.kind == "f":
            stored = stored[~np.isnan(stored)]
        n_missing = int(np.isnan(values).sum()) if values.dtype.kind == "f" else 0
        self.n = n_samples - n_missing
        self._n_zeros = self.n - len(stored)
        stored = np.sort(stored)
        self._n_negative = int(np.searchsorted(stored, 0))
        zero = np.zeros(min(self._n_zeros, 1), dtype=values.dtype)
        # All values in order, but all the zeros as one.
        self._shortened = np.concatenate([stored[: self._n_negative], zero, stored[self._n_negative :]])

    @cached_property
    def distinct(self) -> NDArray[Any]:
        """The distinct values, ascending."""
        return _distinct(self._shortened)

    def at(self, ranks: NDArray[np.int64]) -> NDArray[Any]:
        """Give the values at these places, from 0, in ascending order."""
        return self._shortened[ranks - np.clip(ranks - self._n_negative, 0, max(self._n_zeros - 1, 0))]

    def ordered(self) -> NDArray[Any]:
        """Give all values, ascending."""
        return self.at(np.arange(self.n))

    def middle(self) -> NDArray[Any]:
        """Give values that have the same median: the one or two in the middle."""
        return self.at(np.arange((self.n - 1) // 2, self.n // 2 + 1)) if self.n else self._shortened

    def by_row(self) -> NDArray[Any]:
        """Give the feature's value in each sample, NaN where it is missing."""
        column = np.zeros(self._n_samples, dtype=self._values.dtype)
        column[self._rows] = self._values
        return column


class _Columns(Sequence[Distribution]):
    """The columns of a table, each made when it is asked for, so that no more than one is in order at a time."""

    def __init__(self, n: int, column: Callable[[int], Distribution]) -> None:
        self._n, self._column = n, column

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, index: int) -> Distribution: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Distribution]: ...

    def __getitem__(self, index: int | slice) -> Distribution | Sequence[Distribution]:
        places = range(self._n)[index]
        return self._column(places) if isinstance(places, int) else [self._column(i) for i in places]


def columns_of(X: Any) -> Sequence[Distribution]:
    """Give each column of a table; a sparse one has compressed rows with one entry for a place."""
    if is_sparse(X):
        columns = X.tocsc()
        starts = columns.indptr.tolist()

        def stored(i: int) -> Distribution:
            places = slice(starts[i], starts[i + 1])
            return SparseDistribution(columns.indices[places], columns.data[places], X.shape[0])

        return _Columns(X.shape[1], stored)
    dense = np.ascontiguousarray(X.T)
    return _Columns(len(dense), lambda i: DenseDistribution(dense[i]))


def all_of(X: Any) -> Distribution:
    """Give all values of a table, as if they were of one feature."""
    if is_sparse(X):
        return SparseDistribution(np.zeros(0, dtype=np.int64), X.data, X.shape[0] * X.shape[1])
    return DenseDistribution(X.ravel())


def holes_in(X: Any) -> NDArray[np.bool_]:
    """Tell which columns of a table have missing values, and others."""
    if X.dtype.kind != "f":
        return np.zeros(X.shape[1], dtype=np.bool_)
    if is_sparse(X):
        missing = np.bincount(X.indices[np.isnan(X.data)], minlength=X.shape[1])
        return np.asarray((missing > 0) & (missing < X.shape[0]), dtype=np.bool_)
    holes = np.isnan(X)
    return np.asarray(holes.any(axis=0) & ~holes.all(axis=0), dtype=np.bool_)


def _distinct(ordered: NDArray[Any]) -> NDArray[Any]:
    """Leave the first of each run of equal values."""
    first_of_value = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]
    distinct: NDArray[Any] = ordered[first_of_value]
    return distinct
