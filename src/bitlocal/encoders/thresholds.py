"""Numbers to bits: each bit says whether a feature lies above a threshold, or is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from bitlocal.encoders.allotment import allot_bits
from bitlocal.encoders.base import NumberEncoder
from bitlocal.encoders.checks import Arrays, require_whole
from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.distribution import DenseDistribution, Distribution, all_of, columns_of, holes_in
from bitlocal.encoders.information import information
from bitlocal.encoders.program import Columns, Compared, Piece
from bitlocal.encoders.strategies import STRATEGIES


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
    filled_ : ndarray of int64, shape (n_features_in_,), or None
        Above how many thresholds a missing value of each feature lies, where the imputer of a pipeline was folded into
        the encoder (`bitlocal.fold`); `fit` leaves None.
    n_bits_ : int
        Bits of an encoded sample.
    n_features_in_ : int
        Features seen by `fit`.
    """

    columns_: NDArray[np.int64]
    thresholds_: NDArray[np.float64]
    missing_: NDArray[np.bool_]
    filled_: NDArray[np.int64] | None = None
    _halfway = False  # whether thresholds may lie halfway between two values of the training data

    def fit(self, X: ArrayLike, y: object = None) -> ThresholdEncoder:
        """Find the thresholds.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Training data: numbers, or NaN where a value is missing; at least two samples. What is sparse (also a
            DataFrame whose columns all are) is not made dense.
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
        self._take(self.find(*self._validate_to_fit(X, y)))
        return self

    def find(self, data: Any, y: NDArray[Any] | None = None, shares: Sequence[int] | None = None) -> Thresholds:
        """Find thresholds in data that are known to be valid, for other encoders; this one stays as it is.

        Parameters
        ----------
        data : ndarray or compressed rows (CSR) of shape (n_samples, n)
            Numbers, or NaN where one is missing; compressed rows have one entry for a place.
        y : ndarray of shape (n_samples,), optional
            Class labels.
        shares : sequence of int, optional
            Bits of each column.

        Returns
        -------
        Thresholds
        """
        missing = holes_in(data)
        thresholds = self._find_thresholds(data, y, shares, int(missing.sum()))
        columns = np.repeat(np.arange(len(thresholds)), [len(t) for t in thresholds]).astype(np.int64)
        return Thresholds(columns, np.concatenate([np.zeros(0), *thresholds]), missing)

    def _find_thresholds(
        self, X: Any, y: NDArray[Any] | None, shares: Sequence[int] | None, n_missing: int
    ) -> list[NDArray[Any]]:
        """Thresholds of each column, ascending; so many bits are for missing values."""
        raise NotImplementedError

    def _take(self, found: Thresholds) -> None:
        self.columns_, self.thresholds_, self.missing_ = found.columns, found.values, found.missing
        self.filled_ = found.filled

    def _thresholds(self) -> Thresholds:
        return Thresholds(self.columns_, self.thresholds_, self.missing_, self.filled_)

    def piece(self) -> Piece:
        """Compare each number with its thresholds."""
        return Piece(self.validate, (Compared(Columns(len(self.missing_), self._halfway), self._thresholds()),))

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
        labels = self._thresholds().labels(names)
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
        for c, (n, missing) in enumerate(self._thresholds().widths()):
            if n:
                thresholds = self.thresholds_[first : first + n]
                with np.errstate(over="ignore"):  # above the largest number there is only infinity
                    largest = np.append(thresholds, np.nextafter(thresholds[-1], np.inf))
                values[:, c] = largest[bits[:, first_bit : first_bit + n].sum(axis=1)]
            if missing:
                values[bits[:, first_bit + n], c] = np.nan
            first_bit, first = first_bit + n + missing, first + n
        return values

    def fitted(self) -> tuple[dict[str, Any], Arrays]:
        """Give what `fit` found, for a model file."""
        return {}, self._thresholds().to_arrays()

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n_features: int) -> None:
        """Take back what `fitted` gave."""
        self._take(Thresholds.from_arrays(arrays, n_features))
        self.n_features_in_ = n_features


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

    _halfway = True

    def __init__(self, scope: Literal["global", "column"] = "global") -> None:
        self.scope = scope

    def _find_thresholds(
        self, X: Any, y: NDArray[Any] | None, shares: Sequence[int] | None, n_missing: int
    ) -> list[NDArray[Any]]:
        if self.scope == "global":
            return [_median(all_of(X).middle())] * X.shape[1]
        if self.scope == "column":
            return [_median(column.middle()) for column in columns_of(X)]
        raise ValueError(f"scope={self.scope!r} is unknown: use 'global' or 'column'")


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
        self, X: Any, y: NDArray[Any] | None, shares: Sequence[int] | None, n_missing: int
    ) -> list[NDArray[Any]]:
        require_whole("n_bits", self.n_bits)
        if self.max_bits is not None:
            require_whole("max_bits", self.max_bits)
        if self.strategy not in STRATEGIES:
            raise ValueError(f"strategy={self.strategy!r} is unknown: use {', '.join(map(repr, STRATEGIES))}")
        if self.strategy == "supervised" and y is None:
            raise ValueError("strategy='supervised' needs the class labels: call fit(X, y)")
        find = STRATEGIES[self.strategy]
        columns = columns_of(X)
        if shares is None:
            shares = self._shares(columns, y, n_missing)
        return [find(column, n_bits, y) for column, n_bits in zip(columns, shares, strict=True)]

    def _shares(self, columns: Sequence[Distribution], y: NDArray[Any] | None, n_missing: int) -> list[int]:
        """Bits for each feature."""
        if self.max_bits is None:
            return [int(self.n_bits)] * len(columns)
        most = [_most(column, int(self.n_bits)) for column in columns]
        usefulness = [1.0] * len(columns) if y is None else [information(column.by_row(), y) for column in columns]
        # Bits for missing values are needed in any case.
        return allot_bits(most, usefulness, max(int(self.max_bits) - n_missing, 0))


def bits_for(n_features: int) -> int:
    """Give the usual number of bits for a feature: 2048 over their number, but at least 8 and at most 32."""
    return min(max(2048 // n_features, 8), 32)


def sparse_bits_for(n_features: int) -> int:
    """Give the usual number of bits for a feature that is mostly 0: as `bits_for`, but at least 2 rather than 8.

    One says whether the feature is there, the other whether there is much of it, or it is negative.
    """
    return min(max(2048 // n_features, 2), 32)


def most_thresholds(column: NDArray[Any], n_bits: int) -> int:
    """Give the number of thresholds that a column can use, n_bits at most."""
    return _most(DenseDistribution(column), n_bits)


def _most(values: Distribution, n_bits: int) -> int:
    return min(max(len(values.distinct) - 1, 0), n_bits)
