"""Encoders: real data to bits, as scikit-learn transformers.

Every encoder here is a list of comparisons: bit i of a sample is `x[columns_[i]] > thresholds_[i]`. That is all a model
file stores of it and all an exporter needs.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from bitlocal.bits import PackedBits, pack

_ROWS_AT_A_TIME = 2048  # keeps the unpacked bits of a large data set from ever existing at once


class ThresholdEncoder(TransformerMixin, BaseEstimator):
    """Base of the encoders that compare features with thresholds; a subclass finds the thresholds.

    Attributes
    ----------
    columns_ : ndarray of int64, shape (n_bits,)
        The feature that each bit looks at.
    thresholds_ : ndarray of float64, shape (n_bits,)
        The bit is 1 where the feature is greater than this.
    n_features_in_ : int
        Features seen by `fit`.
    """

    columns_: NDArray[np.int64]
    thresholds_: NDArray[np.float64]
    n_features_in_: int

    def fit(self, X: ArrayLike, y: object = None) -> ThresholdEncoder:
        """Find the thresholds.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data, finite numbers; at least two samples.
        y : ignored

        Returns
        -------
        self
        """
        data: Any = validate_data(self, X, dtype="numeric", ensure_min_samples=2)
        if data.dtype.itemsize >= 8:
            data = data.astype(np.float64, copy=False)  # thresholds cannot tell apart what float64 cannot
        thresholds = self._find_thresholds(data)
        self.columns_ = np.repeat(np.arange(len(thresholds)), [len(t) for t in thresholds]).astype(np.int64)
        self.thresholds_ = np.concatenate(thresholds).astype(np.float64)
        return self

    def _find_thresholds(self, X: NDArray[Any]) -> list[NDArray[Any]]:
        """Thresholds of each column, ascending."""
        raise NotImplementedError

    def transform(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Encode samples as booleans.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of bool, shape (n_samples, n_bits)
        """
        return self._compare(self._validate(X))

    def pack(self, X: ArrayLike) -> PackedBits:
        """Encode samples as packed bits, without an unpacked copy of them all.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        PackedBits
        """
        data = self._validate(X)
        parts = [
            pack(self._compare(data[first : first + _ROWS_AT_A_TIME])).words
            for first in range(0, len(data), _ROWS_AT_A_TIME)
        ]
        return PackedBits(np.concatenate(parts), len(self.columns_))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # booleans come out, whatever goes in
        return tags

    def _validate(self, X: ArrayLike) -> NDArray[Any]:
        check_is_fitted(self)
        data: NDArray[Any] = validate_data(self, X, dtype="numeric", reset=False)
        return data

    def _compare(self, X: NDArray[Any]) -> NDArray[np.bool_]:
        bits: NDArray[np.bool_] = X[:, self.columns_] > self._native_thresholds(X.dtype)
        return bits

    def _native_thresholds(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Thresholds in the data's own type where that changes nothing: comparing bytes beats comparing doubles."""
        if not np.issubdtype(dtype, np.integer):
            return self.thresholds_
        # For integers x > t is x > floor(t); one outside the type's range is always or never exceeded.
        limits = np.iinfo(dtype)
        floors = np.floor(self.thresholds_)
        # As Python integers: the largest of 64 bits is no float64.
        if int(floors.min(initial=0)) < limits.min or int(floors.max(initial=0)) > limits.max:
            return self.thresholds_
        return floors.astype(dtype)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Name each bit after its comparison, as in `x3>0.5`.

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
        # The shortest text that gives the same number back: thresholds that differ have different names.
        numbers = [repr(t).removesuffix(".0") for t in self.thresholds_.tolist()]
        labels = [f"{names[c]}>{number}" for c, number in zip(self.columns_, numbers, strict=True)]
        return np.asarray(labels, dtype=object)


class MedianBinarizer(ThresholdEncoder):
    """One bit a feature: whether it lies above the median of the training data.

    Parameters
    ----------
    scope : {"global", "column"}, default="global"
        One median for all features, as the publication binarises images (arXiv:2412.00119), or a median for each.

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

    def _find_thresholds(self, X: NDArray[Any]) -> list[NDArray[Any]]:
        if self.scope == "global":
            return list(np.full((X.shape[1], 1), _median(X)))
        if self.scope == "column":
            return list(_median(X, axis=0)[:, np.newaxis])
        raise ValueError(f"scope={self.scope!r} is unknown: use 'global' or 'column'")


def _median(X: NDArray[Any], axis: int | None = None) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        median = np.asarray(np.median(X, axis=axis))
    finite = np.isfinite(median)
    if not finite.all():  # the sum of the two in the middle was too large
        median = np.where(finite, median, np.median(X / 2, axis=axis) * 2)
    return median


class ThermometerEncoder(ThresholdEncoder):
    """Several bits a feature: bit i says whether it lies above the i-th of ascending thresholds.

    Parameters
    ----------
    n_bits : int, default=8
        Bits for each feature. A feature with fewer distinct values gets one bit less than it has values, so a constant
        feature gets none.
    strategy : {"quantile", "uniform"}, default="quantile"
        Thresholds at evenly spaced quantiles of the training data, or evenly spaced between its extremes. Where
        quantiles coincide (many zeros, say), the thresholds left over are spread over the other values.

    Notes
    -----
    Thresholds of the quantile strategy are values of the training data, so integers are compared with integers.

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

    def __init__(self, n_bits: int = 8, strategy: Literal["quantile", "uniform"] = "quantile") -> None:
        self.n_bits = n_bits
        self.strategy = strategy

    def _find_thresholds(self, X: NDArray[Any]) -> list[NDArray[Any]]:
        whole = isinstance(self.n_bits, (int, np.integer)) and not isinstance(self.n_bits, bool)
        if not whole or self.n_bits < 1:
            raise ValueError(f"n_bits={self.n_bits!r}: expected a whole number of at least 1")
        find = {"quantile": _quantile_thresholds, "uniform": _uniform_thresholds}.get(self.strategy)
        if find is None:
            raise ValueError(f"strategy={self.strategy!r} is unknown: use 'quantile' or 'uniform'")
        return [find(np.sort(column, kind="stable"), int(self.n_bits)) for column in np.ascontiguousarray(X.T)]


def _all_but_the_largest(ordered: NDArray[Any]) -> NDArray[Any]:
    """Distinct values but the largest, which nothing exceeds."""
    first_of_value = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    distinct: NDArray[Any] = ordered[first_of_value]
    return distinct[:-1]


def _quantile_thresholds(ordered: NDArray[Any], n_bits: int) -> NDArray[Any]:
    candidates = _all_but_the_largest(ordered)
    if len(candidates) <= n_bits:
        return candidates
    ranks = len(ordered) * np.arange(1, n_bits + 1) // (n_bits + 1)
    chosen = np.unique(np.minimum(ordered[ranks - (ranks > 0)], candidates[-1]))
    left = np.setdiff1d(candidates, chosen, assume_unique=True)
    missing = n_bits - len(chosen)
    spread = left[(2 * np.arange(missing) + 1) * len(left) // (2 * max(missing, 1))]
    return np.sort(np.concatenate([chosen, spread]))


def _uniform_thresholds(ordered: NDArray[Any], n_bits: int) -> NDArray[Any]:
    candidates = _all_but_the_largest(ordered)
    if len(candidates) <= n_bits:
        return candidates
    low, high = float(ordered[0]), float(ordered[-1])
    # Written as a weighted mean, so that the difference of two large numbers cannot overflow.
    weights = np.arange(1, n_bits + 1) / (n_bits + 1)
    thresholds = low * (1 - weights) + high * weights
    return np.unique(thresholds[(thresholds >= low) & (thresholds < high)])


_SPECS = "'median', 'column-median', 'thermometer', or 'thermometer' followed by the bits for each feature"


def make_encoder(spec: str) -> ThresholdEncoder:
    """Make the encoder that a short text stands for.

    Parameters
    ----------
    spec : str
        "median" (one median for all features), "column-median", "thermometer", or "thermometer12" for 12 bits a
        feature.

    Returns
    -------
    ThresholdEncoder
        Not fitted yet.

    Raises
    ------
    ValueError
        If the text stands for no encoder.

    Examples
    --------
    >>> from bitlocal.encoders import make_encoder
    >>> make_encoder("thermometer4")
    ThermometerEncoder(n_bits=4)
    """
    if spec == "median":
        return MedianBinarizer()
    if spec == "column-median":
        return MedianBinarizer(scope="column")
    if match := re.fullmatch(r"thermometer([1-9]\d{0,3})?", spec):
        return ThermometerEncoder(n_bits=int(match[1])) if match[1] else ThermometerEncoder()
    raise ValueError(f"encoder {spec!r} is unknown: use {_SPECS}")
