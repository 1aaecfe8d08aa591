"""Numbers to bits: each bit says whether a feature lies above a threshold, or is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from bitlocal import _core
from bitlocal.encoders.allotment import allot_bits, information
from bitlocal.encoders.base import Arrays, NumberEncoder, Words, require, require_whole

_ROWS_AT_A_TIME = 4096  # data of other types are converted piece by piece
_ROWS_TO_LEARN_FROM = 20_000  # more do not move supervised thresholds


class ThresholdEncoder(NumberEncoder):
    """Base of the encoders that compare features with thresholds; a subclass finds the thresholds.

    A feature that is missing (NaN) in some training samples has one more bit, which says that it is missing. A missing
    value lies above no threshold.

    Attributes
    ----------
    columns_ : ndarray of int64, shape (n_thresholds,)
        The feature that each threshold belongs to, ascending.
    thresholds_ : ndarray of float64, shape (n_thresholds,)
        The bit is 1 where the feature is greater than this; ascending for each feature.
    missing_ : ndarray of bool, shape (n_features_in_,)
        Which features have a bit for a missing value; it follows the feature's other bits.
    n_bits_ : int
        Bits of an encoded sample.
    n_features_in_ : int
        Features seen by `fit`.
    """

    columns_: NDArray[np.int64]
    thresholds_: NDArray[np.float64]
    missing_: NDArray[np.bool_]

    def fit(self, X: ArrayLike, y: object = None) -> ThresholdEncoder:
        """Find the thresholds.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data: numbers, or NaN where a value is missing; at least two samples.
        y : array-like of shape (n_samples,), optional
            Class labels, for encoders that use them.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is not valid, or the data are no numbers or infinite.
        """
        return self._fit(*self._validate_to_fit(X, y))

    def _fit(self, data: NDArray[Any], y: NDArray[Any] | None, shares: Sequence[int] | None = None) -> ThresholdEncoder:
        """Find the thresholds in validated data; `shares`, if given, has the bits of each feature."""
        holes = np.isnan(data) if data.dtype.kind == "f" else np.zeros((1, data.shape[1]), dtype=np.bool_)
        self.missing_ = np.asarray(holes.any(axis=0) & ~holes.all(axis=0), dtype=np.bool_)
        thresholds = self._find_thresholds(data, y, shares)
        self.columns_ = np.repeat(np.arange(len(thresholds)), [len(t) for t in thresholds]).astype(np.int64)
        self.thresholds_ = np.concatenate([np.zeros(0), *thresholds])
        return self

    def _find_thresholds(
        self, X: NDArray[Any], y: NDArray[Any] | None, shares: Sequence[int] | None
    ) -> list[NDArray[Any]]:
        """Thresholds of each column, ascending."""
        raise NotImplementedError

    @property
    def n_bits_(self) -> int:
        """Bits of an encoded sample."""
        return len(self.thresholds_) + int(self.missing_.sum())

    def _write(self, X: NDArray[Any], words: Words, first_bit: int) -> None:
        n_features = len(self.missing_)
        layout = (
            np.arange(n_features, dtype=np.uint32),
            np.searchsorted(self.columns_, np.arange(n_features + 1)).astype(np.uint32),
            self.missing_.view(np.uint8),
        )
        dtype = _compared_as(X.dtype, self.thresholds_)
        thresholds = _floor(self.thresholds_, dtype)
        if X.dtype == dtype:
            _core.encode_columns(np.ascontiguousarray(X), *layout, thresholds, words, first_bit)
            return
        for first in range(0, len(X), _ROWS_AT_A_TIME):
            rows = slice(first, first + _ROWS_AT_A_TIME)
            _core.encode_columns(X[rows].astype(dtype, order="C"), *layout, thresholds, words[rows], first_bit)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Name each bit after its comparison, as in `x3>0.5` or `x3 missing`.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the features; those seen by `fit`, or x0, x1, ... by default.

        Returns
        -------
        ndarray of str objects, shape (n_bits,)
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        labels = self._labels(names, [[]] * len(names))
        return np.asarray([label for of_feature in labels for label in of_feature], dtype=object)

    def inverse_transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Give values that have these bits, as far as bits can tell.

        Parameters
        ----------
        X : array-like of bool, shape (n_samples, n_bits)
            Bits as `transform` gives them.

        Returns
        -------
        ndarray of float64, shape (n_samples, n_features)
            For each feature the largest value that lies above as many thresholds: the next threshold, or the number
            next above the last one. NaN where the feature is missing, or constant and therefore without thresholds.

        Raises
        ------
        ValueError
            If the bits are not of this encoder.

        Examples
        --------
        >>> from bitlocal import ThermometerEncoder
        >>> encoder = ThermometerEncoder().fit([[1.0], [2.0], [3.0]])
        >>> encoder.inverse_transform(encoder.transform([[0.5], [2.0]])).tolist()
        [[1.0], [2.0]]
        """
        bits = self._bits(X)
        values = np.full((len(bits), len(self.missing_)), np.nan)
        first_bit = first = 0
        for c, (n, missing) in enumerate(self._widths()):
            if n:
                thresholds = self.thresholds_[first : first + n]
                with np.errstate(over="ignore"):  # above the largest number there is only infinity
                    largest = np.append(thresholds, np.nextafter(thresholds[-1], np.inf))
                values[:, c] = largest[bits[:, first_bit : first_bit + n].sum(axis=1)]
            if missing:
                values[bits[:, first_bit + n], c] = np.nan
            first_bit, first = first_bit + n + missing, first + n
        return values

    def _labels(self, names: Sequence[str], orders: Sequence[Sequence[str]]) -> list[list[str]]:
        """Names of the bits of each feature; where it has an order, its numbers are places in it."""
        first = np.searchsorted(self.columns_, np.arange(len(names) + 1))
        labels = []
        for c, (name, order) in enumerate(zip(names, orders, strict=True)):
            thresholds = self.thresholds_[first[c] : first[c + 1]].tolist()
            # The shortest text that gives the same number back: thresholds that differ have different names.
            told = [order[int(t)] if order else repr(t).removesuffix(".0") for t in thresholds]
            labels.append([f"{name}>{t}" for t in told] + [f"{name} missing"] * int(self.missing_[c]))
        return labels

    def _widths(self) -> list[tuple[int, bool]]:
        """Thresholds of each feature, and whether it has a bit for missing values."""
        counts = np.bincount(self.columns_, minlength=len(self.missing_))
        return list(zip(counts.tolist(), self.missing_.tolist(), strict=True))

    def _state(self) -> tuple[dict[str, Any], Arrays]:
        missing = {"missing": np.flatnonzero(self.missing_)} if self.missing_.any() else {}
        return {}, {"columns": self.columns_, "thresholds": self.thresholds_, **missing}

    def _set_state(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n_features: int) -> None:
        columns, thresholds = arrays["columns"], arrays["thresholds"]
        missing = arrays.get("missing", np.zeros(0, dtype=np.int64))
        require(
            columns.ndim == 1
            and columns.shape == thresholds.shape
            and missing.ndim == 1
            and columns.dtype.kind in "iu"
            and missing.dtype.kind in "iu"
            and thresholds.dtype.kind in "iuf",
            "the encoder's arrays are not of the shapes or types that they should be",
        )
        for places in (columns, missing):
            require(
                len(places) == 0 or (places.min() >= 0 and places.max() < n_features),
                "the encoder looks at features that do not exist",
            )
        require(np.isfinite(thresholds).all(), "the encoder has thresholds that are not finite")
        columns, thresholds = columns.astype(np.int64), thresholds.astype(np.float64)
        require_in_order(columns, thresholds)
        self.columns_, self.thresholds_ = columns, thresholds
        self.missing_ = np.zeros(n_features, dtype=np.bool_)
        self.missing_[missing] = True
        self.n_features_in_ = n_features


def require_in_order(columns: NDArray[Any], thresholds: NDArray[Any]) -> None:
    """Raise a ValueError unless thresholds are sorted by column, and ascending within each."""
    ascending = (columns[1:] > columns[:-1]) | ((columns[1:] == columns[:-1]) & (thresholds[1:] > thresholds[:-1]))
    require(ascending.all(), "the encoder's thresholds are not in order")


def _compared_as(dtype: np.dtype[Any], thresholds: NDArray[np.float64]) -> np.dtype[Any]:
    """Choose the type to compare in: a small one if that gives the same bits."""
    if dtype.kind in "bui" and dtype.itemsize <= 4 and dtype != np.uint32:
        small = np.dtype(np.uint8 if dtype.kind in "bu" and dtype.itemsize == 1 else np.int32)
        if len(thresholds) == 0 or thresholds.min() >= np.iinfo(small).min:
            return small
    if dtype in (np.float16, np.float32):
        return np.dtype(np.float32)
    return np.dtype(np.float64)


def _floor(thresholds: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give the largest values of a type that are not above the thresholds: x > t is x > floor(t) there."""
    if dtype.kind in "ui":
        return np.minimum(np.floor(thresholds), np.iinfo(dtype).max).astype(dtype)
    with np.errstate(over="ignore"):
        nearest = thresholds.astype(dtype)
        below = np.nextafter(nearest, dtype.type(-np.inf))
    return np.where(nearest > thresholds, below, nearest)


class MedianBinarizer(ThresholdEncoder):
    """One bit a feature: whether it lies above the median of the training data.

    Parameters
    ----------
    scope : {"global", "column"}, default="global"
        One median for all features, as the publication binarises images (arXiv:2412.00119), or a median for each.

    Notes
    -----
    Missing values (NaN) do not count; a feature that has some gets one more bit, see `ThresholdEncoder`.

    Examples
    --------
    >>> from bitlocal import MedianBinarizer
    >>> MedianBinarizer(scope="column").fit_transform([[1, 10], [2, 30], [3, 20]])
    array([[False, False],
           [False,  True],
           [ True, False]])
    """

    def __init__(self, scope: Literal["global", "column"] = "global") -> None:
        self.scope = scope

    def _find_thresholds(
        self, X: NDArray[Any], y: NDArray[Any] | None, shares: Sequence[int] | None
    ) -> list[NDArray[Any]]:
        if self.scope == "global":
            return [_median(_present(X.ravel()))] * X.shape[1]
        if self.scope == "column":
            return [_median(_present(column)) for column in np.ascontiguousarray(X.T)]
        raise ValueError(f"scope={self.scope!r} is unknown: use 'global' or 'column'")


def _present(values: NDArray[Any]) -> NDArray[Any]:
    """Leave out what is missing."""
    return values[~np.isnan(values)] if values.dtype.kind == "f" else values


def _median(values: NDArray[Any]) -> NDArray[Any]:
    if len(values) == 0:
        return np.zeros(0)
    with np.errstate(over="ignore"):
        median = np.median(values)
    if not np.isfinite(median):  # the sum of the two in the middle was too large
        median = np.median(values / 2) * 2
    return np.atleast_1d(median)


class ThermometerEncoder(ThresholdEncoder):
    """Several bits a feature: bit i says whether it lies above the i-th of ascending thresholds.

    Parameters
    ----------
    n_bits : int, default=8
        Bits for each feature. A feature with fewer distinct values gets one bit less than it has values, so a constant
        feature gets none.
    strategy : {"quantile", "uniform", "gaussian", "supervised"}, default="quantile"
        Where the thresholds lie. "quantile": at evenly spaced quantiles of the training data; where quantiles coincide
        (many zeros, say), the thresholds left over are spread over the other values. "uniform": evenly spaced between
        the extremes. "gaussian": at evenly spaced quantiles of the normal distribution with the feature's mean and
        standard deviation. "supervised": where a decision tree on that feature alone would split to tell the classes
        apart; if it needs fewer, quantiles make up the number.
    max_bits : int or None, default=None
        Bits for all features together, if they are not to have `n_bits` each: they are shared out by usefulness, which
        is the mutual information of the feature with the classes, or evenly if `fit` gets no labels. No feature gets
        more than `n_bits`.

    Notes
    -----
    Thresholds of the quantile strategy are values of the training data, so integers are compared with integers. Missing
    values (NaN) do not count; a feature that has some gets one more bit, see `ThresholdEncoder`.

    Examples
    --------
    >>> from bitlocal import ThermometerEncoder
    >>> encoder = ThermometerEncoder(n_bits=2).fit([[1.0], [2.0], [3.0], [4.0]])
    >>> encoder.transform([[0.0], [1.5], [9.0]])
    array([[False, False],
           [ True, False],
           [ True,  True]])
    >>> encoder.get_feature_names_out()
    array(['x0>1', 'x0>2'], dtype=object)
    """

    def __init__(
        self,
        n_bits: int = 8,
        strategy: Literal["quantile", "uniform", "gaussian", "supervised"] = "quantile",
        max_bits: int | None = None,
    ) -> None:
        self.n_bits = n_bits
        self.strategy = strategy
        self.max_bits = max_bits

    def _find_thresholds(
        self, X: NDArray[Any], y: NDArray[Any] | None, shares: Sequence[int] | None
    ) -> list[NDArray[Any]]:
        require_whole("n_bits", self.n_bits)
        if self.max_bits is not None:
            require_whole("max_bits", self.max_bits)
        if self.strategy not in _STRATEGIES:
            raise ValueError(f"strategy={self.strategy!r} is unknown: use {', '.join(map(repr, _STRATEGIES))}")
        if self.strategy == "supervised" and y is None:
            raise ValueError("strategy='supervised' needs the class labels: call fit(X, y)")
        find = _STRATEGIES[self.strategy]
        columns = np.ascontiguousarray(X.T)
        if shares is None:
            shares = self._shares(columns, y)
        return [
            find(np.sort(_present(column), kind="stable"), n_bits, column, y)
            for column, n_bits in zip(columns, shares, strict=True)
        ]

    def _shares(self, columns: NDArray[Any], y: NDArray[Any] | None) -> list[int]:
        """Bits for each feature."""
        if self.max_bits is None:
            return [int(self.n_bits)] * len(columns)
        most = [most_thresholds(column, int(self.n_bits)) for column in columns]
        usefulness = [1.0] * len(columns) if y is None else [information(column, y) for column in columns]
        for_missing = int(self.missing_.sum())  # these bits are needed in any case
        return allot_bits(most, usefulness, max(int(self.max_bits) - for_missing, 0))


def bits_for(n_features: int) -> int:
    """Give the usual number of bits for a feature: 2048 over their number, but at least 8 and at most 32."""
    return min(max(2048 // n_features, 8), 32)


def most_thresholds(column: NDArray[Any], n_bits: int) -> int:
    """Give the number of thresholds that a column can use, n_bits at most."""
    return min(max(len(np.unique(_present(column))) - 1, 0), n_bits)


def _all_but_the_largest(ordered: NDArray[Any]) -> NDArray[Any]:
    """Distinct values but the largest, which nothing exceeds."""
    first_of_value = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]
    distinct: NDArray[Any] = ordered[first_of_value]
    return distinct[:-1]


def _quantile_thresholds(ordered: NDArray[Any], n_bits: int, *_: object) -> NDArray[Any]:
    candidates = _all_but_the_largest(ordered)
    if len(candidates) <= n_bits:
        return candidates
    if n_bits == 0:
        return candidates[:0]
    ranks = len(ordered) * np.arange(1, n_bits + 1) // (n_bits + 1)
    chosen = np.unique(np.minimum(ordered[ranks - (ranks > 0)], candidates[-1]))
    return _made_up_to(n_bits, chosen, candidates)


def _made_up_to(n_bits: int, chosen: NDArray[Any], candidates: NDArray[Any]) -> NDArray[Any]:
    """Add thresholds, spread over the candidates that are left."""
    left = np.setdiff1d(candidates, chosen, assume_unique=True)
    missing = n_bits - len(chosen)
    spread = left[(2 * np.arange(missing) + 1) * len(left) // (2 * max(missing, 1))]
    return np.sort(np.concatenate([chosen, spread]))


def _uniform_thresholds(ordered: NDArray[Any], n_bits: int, *_: object) -> NDArray[Any]:
    candidates = _all_but_the_largest(ordered)
    if len(candidates) <= n_bits:
        return candidates
    low, high = float(ordered[0]), float(ordered[-1])
    # Written as a weighted mean, so that the difference of two large numbers cannot overflow.
    weights = np.arange(1, n_bits + 1) / (n_bits + 1)
    thresholds = low * (1 - weights) + high * weights
    return np.unique(thresholds[(thresholds >= low) & (thresholds < high)])


def _gaussian_thresholds(ordered: NDArray[Any], n_bits: int, *_: object) -> NDArray[Any]:
    candidates = _all_but_the_largest(ordered)
    if len(candidates) <= n_bits:
        return candidates
    low, high = float(ordered[0]), float(ordered[-1])
    scale = max(abs(low), abs(high))  # so that no square overflows
    values = ordered.astype(np.float64) / scale
    normal = NormalDist()
    places = np.array([normal.inv_cdf(i / (n_bits + 1)) for i in range(1, n_bits + 1)])
    with np.errstate(over="ignore"):
        thresholds = (values.mean() + values.std() * places) * scale
    return np.unique(thresholds[(thresholds >= low) & (thresholds < high)])


def _supervised_thresholds(
    ordered: NDArray[Any], n_bits: int, column: NDArray[Any], y: NDArray[Any] | None
) -> NDArray[Any]:
    candidates = _all_but_the_largest(ordered)
    if len(candidates) <= n_bits or n_bits == 0:
        return candidates[: max(n_bits, 0)]
    assert y is not None
    rows = np.flatnonzero(~np.isnan(column)) if column.dtype.kind == "f" else np.arange(len(column))
    rows = rows[:: -(-len(rows) // _ROWS_TO_LEARN_FROM)]
    # The tree works in float32: it gets the ranks of the values, which that holds.
    place = np.searchsorted(candidates, column[rows])
    tree = DecisionTreeClassifier(criterion="entropy", max_leaf_nodes=n_bits + 1, random_state=0)
    tree.fit(place[:, np.newaxis], y[rows])
    splits = tree.tree_.threshold[tree.tree_.feature >= 0]  # halfway between two ranks
    chosen = np.unique(candidates[np.floor(splits).astype(np.int64)])
    if len(chosen) < n_bits:
        more = np.setdiff1d(_quantile_thresholds(ordered, n_bits), chosen, assume_unique=True)
        wanted = n_bits - len(chosen)
        chosen = np.sort(np.concatenate([chosen, _made_up_to(wanted, more[:0], more)]))
    return chosen


_STRATEGIES: dict[str, Callable[..., NDArray[Any]]] = {
    "quantile": _quantile_thresholds,
    "uniform": _uniform_thresholds,
    "gaussian": _gaussian_thresholds,
    "supervised": _supervised_thresholds,
}
