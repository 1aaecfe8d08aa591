"""Tables of mixed columns to bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted, column_or_1d

from bitlocal.encoders.allotment import allot_bits
from bitlocal.encoders.base import Encoder
from bitlocal.encoders.checks import Arrays, require, require_whole
from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.information import information
from bitlocal.encoders.oblique import oblique_from_arrays, oblique_to_arrays
from bitlocal.encoders.oblique.draws import Draw
from bitlocal.encoders.oblique.quantities import Levels, Oblique
from bitlocal.encoders.program import Compared, Piece, Stage
from bitlocal.encoders.tables.categories import CategoryEncoder
from bitlocal.encoders.tables.columns import TIME_PARTS, Column, as_categories, as_numbers, read_columns, time_parts
from bitlocal.encoders.tables.conjunctions import Conjunctions, find_conjunctions
from bitlocal.encoders.tables.doubts import tell_numbers_in_text
from bitlocal.encoders.tables.names import FeatureNames
from bitlocal.encoders.tables.oblique import TableOblique
from bitlocal.encoders.tables.stages import Categories, CategoryColumn, CodeTable, NumberColumn, TableNumbers, TableRows
from bitlocal.encoders.thresholds import ThermometerEncoder, bits_for, most_thresholds

_KINDS = ("number", "time", "category", "ordered", "dropped")
_Strategy = Literal["quantile", "uniform", "gaussian", "supervised"]


class TableEncoder(FeatureNames, Encoder):
    """Tables with columns of any kind to bits: looks at each column and does what suits it.

    Numbers and truth values get a thermometer, text and categories a bit for each of the frequent ones, ordered
    categories a thermometer over their order, times a thermometer for the time, its month, weekday and hour. What is
    missing gets a bit of its own. Columns that cannot tell samples apart are dropped: those with a single value, and
    text of which no value comes twice.

    Parameters
    ----------
    n_bits : int or "auto", default="auto"
        The most bits for a column of numbers. "auto" gives tables of many columns fewer: 2048 over the number of
        columns, but at least 8 and at most 32.
    max_bits : int or None, default=None
        Bits in all; they are shared out among the columns by usefulness, which is the mutual information with the
        classes, or evenly if `fit` gets no labels. The bits that stand for missing values are always there.
    strategy : {"quantile", "uniform", "gaussian", "supervised"}, default="quantile"
        Where the thresholds of numbers lie, see `ThermometerEncoder`.
    max_categories : int, default=32
        How many categories of a column get bits of their own; the others share one.
    min_frequency : int, default=1
        How often a category must be seen to get a bit of its own.
    oblique : int or "auto", default=0
        How many sums of columns to compare with thresholds, at most, beside all else and beyond `max_bits`: see
        `ObliqueEncoder`, whose defaults hold for them, and what "auto" means. They take numbers and bits of categories.
    conjunctions : int or "auto", default=0
        How many conjunctions of bits there are, at most, beside all else and beyond `max_bits`: bits that are set where
        two or three bits of different columns are what they are in a random training sample. If `fit` gets labels,
        twice as many are drawn, and those kept that tell most about the classes. "auto": as many as there are training
        samples, and 500 at most.

    Attributes
    ----------
    kinds_ : list of str
        What each column is taken for: "number", "time", "category", "ordered" or "dropped".
    orders_ : list of list of str
        The categories of each ordered column, in order; empty for other columns.
    n_bits_ : int
        Bits of an encoded sample.
    n_features_in_ : int
        Columns seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `fit` got a DataFrame; then other DataFrames are matched by name, in any order, and columns
        that they have beyond these are left aside.

    Examples
    --------
    >>> import pandas as pd
    >>> from bitlocal import TableEncoder
    >>> table = pd.DataFrame({"size": [1.5, None, 3.0], "colour": ["red", "blue", "red"]})
    >>> encoder = TableEncoder().fit(table)
    >>> encoder.get_feature_names_out()
    array(['size>1.5', 'size missing', 'colour=red'], dtype=object)
    >>> encoder.transform(table).astype(int)
    array([[0, 0, 1],
           [0, 1, 0],
           [1, 0, 1]])
    """

    takes_raw_samples = True
    kinds_: list[str]
    orders_: list[list[str]]

    def __init__(
        self,
        n_bits: int | Literal["auto"] = "auto",
        max_bits: int | None = None,
        strategy: _Strategy = "quantile",
        max_categories: int = 32,
        min_frequency: int = 1,
        oblique: int | Literal["auto"] = 0,
        conjunctions: int | Literal["auto"] = 0,
    ) -> None:
        self.n_bits = n_bits
        self.max_bits = max_bits
        self.strategy = strategy
        self.max_categories = max_categories
        self.min_frequency = min_frequency
        self.oblique = oblique
        self.conjunctions = conjunctions

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> TableEncoder:
        """Look at the columns, and find thresholds and categories.

        Parameters
        ----------
        X : DataFrame (pandas, polars, Arrow) or array-like of shape (n_samples, n_columns)
            Numbers, truth values, text, categories or times; None or NaN where one is missing.
        y : array-like of shape (n_samples,), optional
            Class labels: `max_bits` and the supervised strategy use them.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is not valid, or a column holds infinity or values of other types.
        """
        if self.n_bits != "auto":
            require_whole("n_bits", self.n_bits)
        if self.max_bits is not None:
            require_whole("max_bits", self.max_bits)
        require_whole("max_categories", self.max_categories)
        for name, wanted in (("oblique", self.oblique), ("conjunctions", self.conjunctions)):
            if wanted not in (0, "auto"):
                require_whole(name, wanted)
        columns = self._fit_names(read_columns(X))
        labels = None if y is None else np.unique(column_or_1d(y), return_inverse=True)[1]
        tell_numbers_in_text(columns, self.max_categories)
        self.kinds_ = [_kind(column) for column in columns]
        self.orders_ = [list(column.order or ()) for column in columns]
        self._make_parts()
        table = self._parts(columns)
        shares, limits = self._shares(table, labels)
        self._thresholds = self._numbers.find(table.numbers, labels, shares)
        self._categories.fit_codes(table.categories.columns, [None] * len(limits), limits)
        if self.oblique:
            self._find_sums(table, labels)
        if self.conjunctions:
            stages, widths = self._literals()
            self._conjunctions = find_conjunctions(self.conjunctions, stages, widths, table, labels)
        return self

    def _literals(self) -> tuple[tuple[Stage, ...], list[int]]:
        """Give the stages whose bits are joined, and how many bits each column has."""
        numbers, columns = self._columns(self._names(None))
        widths = [n + missing for n, missing in self._thresholds.widths()] + [column.n_bits for column in columns]
        return (Compared(TableNumbers(numbers), self._thresholds), Categories(columns)), widths

    def _find_sums(self, table: TableRows, labels: NDArray[np.int64] | None) -> None:
        levels = Levels.find(list(table.numbers.T))
        numbers, columns = self._columns(self._names(None))
        categories = Categories(columns)
        nothing = np.zeros((0, 1), dtype=np.int64)
        whole = TableOblique(numbers, levels, categories, Oblique(nothing, nothing)).whole(table)
        sums, self._sum_thresholds = Draw(self.oblique).find(whole, labels)
        self._levels, self._sums = levels, sums

    def _make_parts(self) -> None:
        n_bits = bits_for(len(self.kinds_)) if self.n_bits == "auto" else int(self.n_bits)
        self._numbers = ThermometerEncoder(n_bits, self.strategy)
        self._categories = CategoryEncoder("onehot", self.max_categories, self.min_frequency)

    def _shares(self, table: TableRows, y: NDArray[Any] | None) -> tuple[list[int], list[int]]:
        """Thresholds for each column of numbers, and categories for each column of these."""
        numbers, categories = list(np.ascontiguousarray(table.numbers.T)), table.categories.columns
        counts = [Counter(c for c in codes if c is not None) for codes in categories]
        thresholds = [most_thresholds(column, int(self._numbers.n_bits)) for column in numbers]
        limits = [min(len(count), self.max_categories) for count in counts]
        if self.max_bits is None:
            return thresholds, limits
        # Needed in any case: the bits for missing values, and for categories without a bit of their own.
        reserved = sum(bool(np.isnan(column).any()) for column in numbers)
        reserved += sum(1 + (None in codes) for codes in categories)
        usefulness = [1.0] * (len(numbers) + len(categories))
        if y is not None:
            codes = [np.unique([c or "" for c in column], return_inverse=True)[1] for column in categories]
            usefulness = [information(column, y) for column in [*numbers, *codes]]
        shares = allot_bits([*thresholds, *limits], usefulness, max(self.max_bits - reserved, 0))
        return shares[: len(numbers)], shares[len(numbers) :]

    def _parts(self, columns: list[Column]) -> TableRows:
        """Give columns by what they are taken for: numbers, and names of categories."""
        numbers: list[NDArray[np.float64]] = []
        categories: list[list[str | None]] = []
        known = iter(getattr(self._categories, "categories_", ()))  # not there yet in fit
        for i, (column, kind) in enumerate(zip(columns, self.kinds_, strict=True)):
            what = f"column {column.name!r}" if column.name is not None else f"column {i}"
            if kind == "number":
                numbers.append(as_numbers(what, column.values))
            elif kind == "time":
                numbers += [part for _, part in time_parts(what, column.values)]
            elif kind in ("ordered", "category") and column.values.dtype.kind == "M":
                raise ValueError(f"{what}: expected categories, as in fit, got times")
            elif kind == "ordered":
                place = {name: float(k) for k, name in enumerate(self.orders_[i])}
                numbers.append(np.array([place.get(c or "", np.nan) for c in column.categories(place)]))
            elif kind == "category":
                categories.append(column.categories(next(known, ())))
        n_samples = len(columns[0].values)
        return TableRows(
            np.stack(numbers, axis=1) if numbers else np.zeros((n_samples, 0)), CodeTable(categories, n_samples)
        )

    def validate(self, X: ArrayLike) -> TableRows:
        """Find the columns of `fit`, and read them by what they are taken for."""
        return self._parts(self._match(read_columns(X)))

    def piece(self) -> Piece:
        """Compare numbers with thresholds, then code categories."""
        stages, _ = self._literals()
        if self.oblique:
            numbers, columns = self._columns(self._names(None))
            sums = TableOblique(numbers, self._levels, Categories(columns), self._sums)
            stages += (Compared(sums, self._sum_thresholds),)
        if self.conjunctions:
            stages += (self._conjunctions,)
        return Piece(self.validate, stages)

    def _columns(self, names: list[str]) -> tuple[tuple[NumberColumn, ...], tuple[CategoryColumn, ...]]:
        """Give what the columns of this table are taken for."""
        numbers, categories = [], []
        for i, (name, kind, order) in enumerate(zip(names, self.kinds_, self.orders_, strict=True)):
            if kind in ("number", "ordered"):
                numbers.append(NumberColumn(i, name, kind, tuple(order)))
            elif kind == "time":
                numbers += [
                    NumberColumn(i, f"{name}{suffix}", kind, part=part) for part, suffix in enumerate(TIME_PARTS)
                ]
            elif kind == "category":
                categories.append((i, name))
        return tuple(numbers), self._categories.coded(categories)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Name each bit, as in `age>40`, `age missing`, `size>small` or `colour=red`; numbers come first.

        Then come sums, as in `age-colour=red>12`, where 32 is a number's spread and a bit that is set counts 64, and
        conjunctions, as in `age>40 & not colour=red`.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the columns; those seen by `fit`, or x0, x1, ... by default.

        Returns
        -------
        ndarray of str objects, shape (n_bits,)
        """
        check_is_fitted(self)
        numbers, categories = self._columns(self._names(input_features))
        labels = self._thresholds.labels([one.name for one in numbers], [one.order for one in numbers])
        coded = [[f"{one.name}{label}" for label in one.labels()] for one in categories]
        labels += coded
        literals = [label for of_column in labels for label in of_column]
        if self.oblique:
            added = [one.name for one in numbers] + [label for of_column in coded for label in of_column]
            labels += self._sum_thresholds.labels(self._sums.labels(added))
        if self.conjunctions:
            labels.append(self._conjunctions.labels(literals))
        return np.asarray([label for of_column in labels for label in of_column], dtype=object)

    def describe(self, input_features: ArrayLike | None = None) -> str:
        """Tell in a line for each column what it is taken for, and its bits.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the columns; those seen by `fit`, or x0, x1, ... by default.

        Returns
        -------
        str

        Examples
        --------
        >>> from bitlocal import TableEncoder
        >>> encoder = TableEncoder().fit([[1.5, "red"], [2.5, "blue"], [None, "red"]])
        >>> print(encoder.describe())
        x0  number    2 bits: 1 threshold, missing values
        x1  category  1 bit: 2 categories
        """
        check_is_fitted(self)
        rows = []
        names = self._names(input_features)
        coded = {one.column: one for one in self._columns(names)[1]}
        numbers = iter(self._thresholds.widths())
        for i, (name, kind) in enumerate(zip(names, self.kinds_, strict=True)):
            n_bits, told = 0, "cannot tell samples apart"
            if kind == "category":
                n_bits, n = coded[i].n_bits, len(coded[i].categories)
                told = f"{n} {'category' if n == 1 else 'categories'}"
                told += ", all others" * coded[i].other + ", missing values" * coded[i].missing
            elif kind != "dropped":
                widths = [next(numbers) for _ in range(len(TIME_PARTS) if kind == "time" else 1)]
                n = sum(thresholds for thresholds, _ in widths)
                n_bits = n + sum(missing for _, missing in widths)
                told = f"{n} threshold{'s' * (n != 1)}" + ", missing values" * any(missing for _, missing in widths)
            rows.append((name, kind, f"{n_bits} bit{'s' * (n_bits != 1)}: {told}"))
        if self.oblique:
            n_bits, n = self._sum_thresholds.n_bits, self._sums.n
            rows.append(("(all)", "sums", f"{n_bits} bit{'s' * (n_bits != 1)}: {n} sum{'s' * (n != 1)} of columns"))
        if self.conjunctions:
            n = self._conjunctions.n_bits
            rows.append(("(all)", "joined", f"{n} bit{'s' * (n != 1)}: conjunctions of bits of columns"))
        width = max(len(name) for name, _, _ in rows)
        return "\n".join(f"{name:<{width}}  {kind:<8}  {told}" for name, kind, told in rows)

    def fitted(self) -> tuple[dict[str, Any], Arrays]:
        """Give what `fit` found, for a model file."""
        categories, _ = self._categories.fitted()
        values = {
            "kinds": self.kinds_,
            "orders": {str(i): order for i, order in enumerate(self.orders_) if order},
            "categories": categories,
            **self._names_state(),
        }
        arrays = self._thresholds.to_arrays()
        if self.oblique:
            found = oblique_to_arrays(self._levels, self._sums, self._sum_thresholds)
            arrays |= {f"oblique.{name}": array for name, array in found.items()}
        if self.conjunctions:
            arrays |= {f"conjunctions.{name}": array for name, array in self._conjunctions.to_arrays().items()}
        return values, arrays

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n_features: int) -> None:
        """Take back what `fitted` gave."""
        kinds, orders = values["kinds"], values["orders"]
        require(
            isinstance(kinds, list) and len(kinds) == n_features and all(kind in _KINDS for kind in kinds),
            "the kinds of the columns are not valid",
        )
        require(isinstance(orders, dict), "the orders of the columns are not valid")
        self.kinds_ = kinds
        self.orders_ = [orders.get(str(i), []) for i in range(n_features)]
        require(
            all(isinstance(order, list) and all(type(name) is str for name in order) for order in self.orders_),
            "the orders of the columns are not valid",
        )
        self._make_parts()
        n_numbers = sum({"number": 1, "ordered": 1, "time": len(TIME_PARTS)}.get(kind, 0) for kind in kinds)
        self._thresholds = Thresholds.from_arrays(arrays, n_numbers)
        self._categories.restore(values["categories"], {}, kinds.count("category"))
        self._set_names_state(values, n_features)
        if self.oblique:
            found = _below("oblique.", arrays)
            n_columns = n_numbers + Categories(self._columns(self._names(None))[1]).n_bits
            self._levels, self._sums, self._sum_thresholds = oblique_from_arrays(found, n_numbers, n_columns)
        if self.conjunctions:
            found = _below("conjunctions.", arrays)
            self._conjunctions = Conjunctions.from_arrays(self._literals()[0], found)


def _below(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _kind(column: Column) -> str:
    if column.values.dtype.kind in "Mf":
        distinct = len(np.unique(column.values))  # NaN, or NaT, is one of them
        return "dropped" if distinct < 2 else "time" if column.values.dtype.kind == "M" else "number"
    counts = Counter(as_categories(column.values))
    if len(counts) < 2 or max(n for c, n in counts.items() if c is not None) < 2:
        return "dropped"
    return "ordered" if column.order else "category"
