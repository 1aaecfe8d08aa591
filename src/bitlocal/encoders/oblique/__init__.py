"""Sums of a few columns compared with thresholds: bits for what columns tell together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, column_or_1d, validate_data

from bitlocal.bits import is_sparse
from bitlocal.encoders.base import Encoder
from bitlocal.encoders.checks import Arrays, require
from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.oblique.draws import Draw
from bitlocal.encoders.oblique.quantities import Levels, Oblique, ObliqueNumbers
from bitlocal.encoders.program import Compared, Piece
from bitlocal.encoders.sparse import without_sparse_columns


class ObliqueEncoder(Encoder):
    """Weighted sums of a few random columns, compared with thresholds: bits for what columns tell together.

    Every number becomes a whole one from -127 to 127, about 32 for each spread that it lies from the column's median; a
    sum takes a few of them with random signs; its thresholds are its values in random training samples. Where there are
    classes, more sums are drawn than wanted, and those are kept whose bits tell most about the classes.

    It says little about single columns. Join it with a `ThermometerEncoder` in a `FeatureUnion`, or write
    `encoder="thermometer8+oblique2000"`.

    Parameters
    ----------
    n_features : int or "auto", default="auto"
        Sums to keep, at most: there are fewer different ones of few columns. "auto": as many as there are training
        samples, and 1000 at most, since small tables are learnt by heart.
    terms : tuple of int, default=(2, 3, 4)
        How many columns a sum has, from 1 to 8; one after the other of these. No more than there are columns.
    n_thresholds : int, default=2
        Thresholds of a sum, at most: from 1 to 16. Those that coincide, or that nothing lies above, are left out.
    largest_weight : int, default=1
        Columns are multiplied by whole numbers from 1 to this (15 at most) and by a random sign.
    candidates : int, default=2
        So many times as many sums are drawn as are kept, if `fit` gets labels. 1: no choice.
    random_state : int, default=0
        Of the draws.

    Attributes
    ----------
    n_bits_ : int
        Bits of an encoded sample.
    n_features_in_ : int
        Features seen by `fit`.

    Notes
    -----
    A missing value (NaN) counts as the column's median, and has no bit: a `ThermometerEncoder` beside it has one.
    Columns that are the same in all training samples take no part. Sums, thresholds and the choice come from 20 000
    training samples at most, evenly spaced. All but the levels of the columns is computed in integers.

    Examples
    --------
    >>> from bitlocal import ObliqueEncoder
    >>> X = [[0, 5], [1, 2], [2, 6], [3, 1], [4, 3]]
    >>> encoder = ObliqueEncoder(n_features=2, terms=(2,), n_thresholds=1).fit(X)
    >>> encoder.get_feature_names_out()
    array(['x0+x1>-6', 'x0-x1>-58'], dtype=object)
    >>> encoder.transform(X).astype(int).T.tolist()
    [[0, 0, 1, 0, 1], [0, 1, 1, 1, 1]]
    """

    _levels: Levels
    _sums: Oblique
    _thresholds: Thresholds

    def __init__(
        self,
        n_features: int | Literal["auto"] = "auto",
        terms: tuple[int, ...] = (2, 3, 4),
        n_thresholds: int = 2,
        largest_weight: int = 1,
        candidates: int = 2,
        random_state: int = 0,
    ) -> None:
        self.n_features = n_features
        self.terms = terms
        self.n_thresholds = n_thresholds
        self.largest_weight = largest_weight
        self.candidates = candidates
        self.random_state = random_state

    def _draw(self) -> Draw:
        return Draw(
            self.n_features,
            self.terms,
            self.n_thresholds,
            self.largest_weight,
            self.candidates,
            self.random_state,
        )

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> ObliqueEncoder:
        """Find levels, sums and thresholds.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Training data: numbers, or NaN where a value is missing; at least two samples.
        y : array-like of shape (n_samples,), optional
            Class labels, for the choice.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is not valid, or the data are no numbers or infinite.
        """
        draw = self._draw()
        draw.check()
        data = self._read(X, reset=True)
        classes = None
        if y is not None:
            labels = column_or_1d(y)
            require(
                len(labels) == len(data),
                f"X and y have inconsistent numbers of samples: {len(data)} and {len(labels)}",
            )
            classes = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        self._levels = Levels.find(list(data.T))
        self._sums, self._thresholds = draw.find(self._levels.whole(data), classes)
        return self

    def _read(self, X: Any, *, reset: bool) -> NDArray[Any]:
        require(
            not is_sparse(X),
            "a sparse matrix has no oblique sums, of which most would be 0: use a ThermometerEncoder, or X.toarray()",
        )
        options = {"dtype": "numeric", "ensure_all_finite": "allow-nan", "ensure_min_samples": 2 if reset else 1}
        data: NDArray[Any] = validate_data(self, without_sparse_columns(X), reset=reset, **options)
        return data

    def validate(self, X: ArrayLike) -> NDArray[Any]:
        """Check a table of numbers."""
        return self._read(X, reset=False)

    def piece(self) -> Piece:
        """Make numbers whole, add them up, and compare."""
        return Piece(self.validate, (Compared(ObliqueNumbers(self._levels, self._sums), self._thresholds),))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Name each bit, as in `x1+2*x4-x7>12`, where 32 is a column's spread and 0 its median.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the features; those seen by `fit`, or x0, x1, ... by default.

        Returns
        -------
        ndarray of str objects, shape (n_bits,)
        """
        check_is_fitted(self)
        names = self._sums.labels(_check_feature_names_in(self, input_features))
        return np.asarray([label for of_sum in self._thresholds.labels(names) for label in of_sum], dtype=object)

    def fitted(self) -> tuple[dict[str, Any], Arrays]:
        """Give what `fit` found, for a model file."""
        return {}, oblique_to_arrays(self._levels, self._sums, self._thresholds)

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n_features: int) -> None:
        """Take back what `fitted` gave."""
        self._levels, self._sums, self._thresholds = oblique_from_arrays(arrays, n_features, n_features)
        self.n_features_in_ = n_features

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def oblique_to_arrays(levels: Levels, sums: Oblique, thresholds: Thresholds) -> Arrays:
    """Give what oblique bits are made of as arrays for a file."""
    return {**levels.to_arrays(), **sums.to_arrays(), **thresholds.to_arrays()}


def oblique_from_arrays(
    arrays: Mapping[str, NDArray[Any]], n_numbers: int, n_columns: int
) -> tuple[Levels, Oblique, Thresholds]:
    """Take back what `oblique_to_arrays` gave; ValueError or LookupError if it is not valid.

    Levels are for so many numbers; so many columns may be added up, which are more where bits of categories follow.
    """
    levels = Levels.from_arrays(arrays, n_numbers)
    sums = Oblique.from_arrays(arrays, n_columns)
    thresholds = Thresholds.from_arrays(arrays, sums.n)
    require(
        not thresholds.missing.any() and thresholds.filled is None and np.isfinite(thresholds.values).all(),
        "the encoder's sums cannot be missing",
    )
    return levels, sums, thresholds
