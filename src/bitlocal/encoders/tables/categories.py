"""Categories to bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from bitlocal.encoders.base import Encoder
from bitlocal.encoders.checks import Arrays, require, require_whole
from bitlocal.encoders.program import Piece
from bitlocal.encoders.tables.columns import as_categories, read_columns
from bitlocal.encoders.tables.names import FeatureNames
from bitlocal.encoders.tables.stages import Categories, CategoryColumn, CodeTable

_Codes = Sequence[str | None]
_CODINGS = ("onehot", "ordinal", "binary")


class CategoryEncoder(FeatureNames, Encoder):
    """Columns of categories (text, numbers or truth values) to bits.

    Parameters
    ----------
    coding : {"onehot", "ordinal", "binary"}, default="onehot"
        "onehot": a bit for each category; if there are but two possibilities, one bit for the second. "ordinal": a
        thermometer, for categories with an order: bit i says that the category comes after the i-th. "binary": the
        category's number, from 1, in binary.
    max_categories : int or None, default=32
        With one-hot coding, how many categories of a column get bits of their own, the most frequent ones; the others
        share a bit, "other".
    min_frequency : int, default=1
        With one-hot coding, how often a category must be seen to get a bit of its own.
    categories : sequence of sequences or None, default=None
        Categories of each column in their order, for ordinal coding. None: those of the training data, in the order
        that an ordered or enumerated column declares, or else in that of numbers or of the alphabet.

    Attributes
    ----------
    categories_ : list of list of str
        Categories with codes of their own, for each column.
    other_ : list of bool
        Which columns have a bit for all other categories.
    missing_ : list of bool
        Which columns have a bit for a missing value (None or NaN): those where some training value is missing.
    n_bits_ : int
        Bits of an encoded sample.
    n_features_in_ : int
        Columns seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `fit` got a DataFrame; then other DataFrames are matched by name.

    Notes
    -----
    A category that `fit` did not see has the bit "other" where there is one, and no bit otherwise.

    Examples
    --------
    >>> from bitlocal import CategoryEncoder
    >>> encoder = CategoryEncoder().fit([["red"], ["green"], ["blue"]])
    >>> encoder.get_feature_names_out()
    array(['x0=blue', 'x0=green', 'x0=red'], dtype=object)
    >>> encoder.transform([["green"], ["mauve"]])
    array([[False,  True, False],
           [False, False, False]])
    """

    takes_raw_samples = True
    categories_: list[list[str]]
    other_: list[bool]
    missing_: list[bool]

    def __init__(
        self,
        coding: Literal["onehot", "ordinal", "binary"] = "onehot",
        max_categories: int | None = 32,
        min_frequency: int = 1,
        categories: Sequence[Sequence[Any]] | None = None,
    ) -> None:
        self.coding = coding
        self.max_categories = max_categories
        self.min_frequency = min_frequency
        self.categories = categories

    def fit(self, X: ArrayLike, y: object = None) -> CategoryEncoder:
        """Find the categories.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_columns)
            Categories of any type; None or NaN where one is missing.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is not valid.
        """
        columns = self._fit_names(read_columns(X))
        given = self.categories
        if given is not None and len(given) != len(columns):
            raise ValueError(f"categories: expected a list for each of the {len(columns)} columns, got {len(given)}")
        orders = [
            [str(c) for c in as_categories(np.array([*given[i], None], dtype=object))[:-1]]
            if given is not None
            else column.order
            for i, column in enumerate(columns)
        ]
        return self.fit_codes([as_categories(column.values) for column in columns], orders)

    def fit_codes(
        self,
        columns: Sequence[_Codes],
        orders: Sequence[Sequence[str] | None],
        limits: Sequence[int | None] | None = None,
    ) -> CategoryEncoder:
        """Find the categories of columns that were named by `as_categories`; limits say how many of each, at most."""
        if self.coding not in _CODINGS:
            raise ValueError(f"coding={self.coding!r} is unknown: use {', '.join(map(repr, _CODINGS))}")
        if self.max_categories is not None:
            require_whole("max_categories", self.max_categories)
        require_whole("min_frequency", self.min_frequency)
        limits = [self.max_categories] * len(columns) if limits is None else limits
        self.categories_, self.other_, self.missing_ = [], [], []
        for codes, order, limit in zip(columns, orders, limits, strict=True):
            counts = Counter(code for code in codes if code is not None)
            self.missing_.append(0 < sum(counts.values()) < len(codes))
            kept = _in_order(list(counts)) if order is None else list(dict.fromkeys(order))
            other = False
            if self.coding == "onehot":
                frequent = sorted((c for c in kept if counts[c] >= self.min_frequency), key=lambda c: -counts[c])
                chosen = set(frequent[:limit])
                other = any(c not in chosen for c in counts)
                kept = [c for c in kept if c in chosen]
            self.other_.append(other)
            self.categories_.append(kept)
        return self

    def validate(self, X: ArrayLike) -> CodeTable:
        """Find the columns of `fit`, and name their categories."""
        columns = self._match(read_columns(X))
        named = [column.categories(known) for column, known in zip(columns, self.categories_, strict=True)]
        return CodeTable(named, len(columns[0].values))

    def piece(self) -> Piece:
        """Code each column."""
        return Piece(self.validate, (Categories(self._coded()),))

    def coded(self, columns: Sequence[tuple[int, str]]) -> tuple[CategoryColumn, ...]:
        """Give the codes of columns of a table, which are told by number and name."""
        return tuple(
            CategoryColumn(column, name, self.coding, tuple(categories), other, missing)
            for (column, name), categories, other, missing in zip(
                columns, self.categories_, self.other_, self.missing_, strict=True
            )
        )

    def inverse_transform(self, X: ArrayLike) -> NDArray[np.object_]:
        """Give the categories that have these bits.

        Parameters
        ----------
        X : array-like of bool, shape (n_samples, n_bits)
            Bits as `transform` gives them.

        Returns
        -------
        ndarray of str objects, shape (n_samples, n_columns)
            None where the value is missing or its category has no bits of its own.

        Raises
        ------
        ValueError
            If the bits are not of this encoder.
        """
        bits = self._bits(X)
        values = np.full((len(bits), len(self.categories_)), None, dtype=object)
        first = 0
        for column, coded in enumerate(self._coded()):
            patterns = coded.patterns()
            mine = bits[:, first : first + patterns.shape[1]]
            first += patterns.shape[1]
            for name, pattern in zip(coded.categories, patterns[:-2], strict=True):
                values[(mine == pattern).all(axis=1), column] = name
        return values

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Name each bit, as in `colour=red`, `size>small`, `colour=(other)` or `colour=(missing)`.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the columns; those seen by `fit`, or x0, x1, ... by default.

        Returns
        -------
        ndarray of str objects, shape (n_bits,)
        """
        check_is_fitted(self)
        names = self._names(input_features)
        labels = [
            f"{name}{label}" for name, coded in zip(names, self._coded(), strict=True) for label in coded.labels()
        ]
        return np.asarray(labels, dtype=object)

    def _coded(self) -> tuple[CategoryColumn, ...]:
        return self.coded(list(enumerate(self._names(None))))

    def fitted(self) -> tuple[dict[str, Any], Arrays]:
        """Give what `fit` found, for a model file."""
        values = {"categories": self.categories_, "other": self.other_, "missing": self.missing_, **self._names_state()}
        return values, {}

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n_features: int) -> None:
        """Take back what `fitted` gave."""
        categories, other, missing = values["categories"], values["other"], values["missing"]
        require(
            all(isinstance(part, list) and len(part) == n_features for part in (categories, other, missing))
            and all(type(flag) is bool for flag in [*other, *missing])
            and all(isinstance(names, list) and all(type(c) is str for c in names) for names in categories)
            and all(len(set(names)) == len(names) for names in categories),
            "the encoder's categories are not valid",
        )
        require(self.coding in _CODINGS, "the encoder's coding is not valid")
        self.categories_, self.other_, self.missing_ = categories, other, missing
        self._set_names_state(values, n_features)


def _in_order(categories: list[str]) -> list[str]:
    """Sort as numbers if all are, else as text."""
    try:
        return sorted(categories, key=float)
    except ValueError:
        return sorted(categories)
