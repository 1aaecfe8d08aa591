"""From the columns of a table to a data set, however the file stores them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.datasets.container import Dataset
from bitlocal.datasets.formats.columns import (
    FeatureColumn,
    check_columns,
    check_names,
    find_target,
    tell_odd_field,
    to_matrix,
)
from bitlocal.datasets.formats.files import shown
from bitlocal.datasets.formats.labels import all_there, check_classes, parse_labels
from bitlocal.datasets.formats.options import Options


class ColumnTable:
    """Collects the columns of a file piece by piece, and makes a `Dataset` of them.

    Parameters
    ----------
    path : Path
        The file, for messages and as the name of the data set.
    names : sequence of str
        The names of its columns.
    target : str or None
        Name of the target column; None for ``target``.
    unit : str
        In what places are counted for messages, ``"line"`` or ``"row"``.
    options : Options
        How to read columns.
    turned : collection of str, default ()
        Names of columns to take as text since an odd field was found in them, see `turned_to_text`.
    decimal_comma : bool, default False
        Whether numbers may have a comma before their fraction.

    Raises
    ------
    DataError
        If a name is empty or comes twice, or a column that is required or to be text is not there.
    """

    def __init__(
        self,
        path: Path,
        names: Sequence[str],
        target: str | None,
        unit: str,
        options: Options,
        *,
        turned: Collection[str] = (),
        decimal_comma: bool = False,
    ) -> None:
        check_names(path, names)
        may_lack = set() if options.require_target else {target or "target"}
        check_columns(path, names, set(options.text_columns) - may_lack)
        self._path = path
        self._names = names
        self._unit = unit
        self._options = options
        self._target = find_target(path, names, target, required=options.require_target)
        self._features = {
            i: FeatureColumn(
                partial(self._where, i),
                as_text=name in options.text_columns,
                as_numbers=name in options.number_columns,
                decimal_comma=decimal_comma,
            )
            for i, name in enumerate(names)
            if i != self._target
        }
        for i, column in self._features.items():
            if names[i] in turned:
                column.expect_text()
        self._labels: list[str] = []
        self._places: list[int] = []

    def is_target(self, position: int) -> bool:
        """Whether the column at this position holds the labels."""
        return position == self._target

    def is_text(self, position: int) -> bool:
        """Whether the column at this position holds text that is no label, or was told to."""
        return position in self._features and self._features[position].is_text

    def declare_text(self, position: int) -> None:
        """Take a column of features as text, since the file says that it holds categories."""
        self._features[position].declare_text()

    @property
    def turned_to_text(self) -> frozenset[str]:
        """Names of columns in which text came too late, see `FeatureColumn`: read the file anew."""
        return frozenset(self._names[i] for i, column in self._features.items() if column.turned_to_text)

    def add_text(self, position: int, cells: Sequence[str], places: Sequence[int]) -> None:
        """Append text to a column; `places` has the line or row of each field."""
        if position == self._target:
            self._labels += cells
            self._places += places
        else:
            self._features[position].add_text(cells, places)

    def add_numbers(
        self, position: int, values: NDArray[np.float64], places: Sequence[int], *, truth: bool = False
    ) -> None:
        """Give a column of features all its numbers or truth values, NaN where one is missing."""
        self._features[position].add_numbers(values, places, truth=truth)

    def finish(self) -> Dataset:
        """Make a data set of what has come in.

        Returns
        -------
        Dataset
            Features as float64, or as objects if any of them are text. The labels are empty if they are not
            required and any is missing.

        Raises
        ------
        DataError
            If a feature is infinite, labels are missing, or the labels are not those of a classifier.
        """
        for column in self._features.values():
            tell_odd_field(column, strict=self._options.strict)
        x = to_matrix([self._features[i] for i in sorted(self._features)])
        y = self._y()
        return Dataset(
            name=self._path.name,
            X=x,
            y=y,
            feature_names=tuple(self._names[i] for i in sorted(self._features)),
            target=None if self._target is None else self._names[self._target],
        )

    def _y(self) -> NDArray[Any]:
        no_labels = np.empty(0, dtype=np.int64)
        if self._target is None:
            return no_labels
        position = self._target
        as_text = self._names[position] in self._options.text_columns
        if not self._options.require_target and not all_there(self._labels, as_text=as_text):
            return no_labels
        y = parse_labels(self._labels, lambda i: self._where(position, self._places[i]), as_text=as_text)
        if self._options.require_classes:
            check_classes(y, f"{self._path}, {self._column(position)}")
        return y

    def _column(self, position: int) -> str:
        return f"column {shown(self._names[position])}"

    def _where(self, position: int, place: int) -> str:
        return f"{self._path}, {self._unit} {place}, {self._column(position)}"
