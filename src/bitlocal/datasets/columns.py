"""The columns of a table: their names, and one column of features read piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .files import shown, some_of

_TRUTH = {"true": 1.0, "false": 0.0}


def check_names(path: Path, names: Sequence[str]) -> None:
    """Refuse columns without a name and columns of the same name.

    Parameters
    ----------
    path : Path
        The file, for messages.
    names : sequence of str
        The names of its columns.

    Raises
    ------
    DataError
        If a name is empty, comes twice, or is the one under which pandas saves an index.
    """
    seen: set[str] = set()
    for position, name in enumerate(names, start=1):
        if not name or name.startswith("__index_level_"):
            raise DataError(
                f"{path}: column {position} has no name (a row index saved by pandas?); "
                "name it, or save without the index"
            )
        if name in seen:
            raise DataError(f"{path}: there are two columns named {shown(name)}; give every column its own name")
        seen.add(name)


def find_target(path: Path, names: Sequence[str], target: str | None, *, required: bool) -> int | None:
    """Find the column that holds the labels.

    Parameters
    ----------
    path : Path
        The file, for messages.
    names : sequence of str
        The names of its columns.
    target : str or None
        Name of the target column; None for ``target``.
    required : bool
        Whether it is an error if there is no such column.

    Returns
    -------
    int or None
        Its position, None if it is not there and need not be.

    Raises
    ------
    DataError
        If the target column is required but not there, or is the only column.
    """
    wanted = "target" if target is None else target
    if wanted not in names:
        if not required:
            return None
        advice = "say which column holds the labels (--target)" if target is None else "check the name (--target)"
        raise DataError(f"{path}: there is no column {shown(wanted)}; {advice}; the columns are {some_of(names)}")
    if len(names) == 1:
        raise DataError(f"{path}: there is no column besides the target {shown(wanted)}; add columns of features")
    return list(names).index(wanted)


class Holes:
    """Count of the empty fields among the features of a file, to report them all at once.

    Parameters
    ----------
    path : Path
        The file, for the message.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0
        self._first = ""

    def add(self, place: str) -> None:
        """Note an empty field."""
        self._first = self._first or place
        self._count += 1

    def check(self) -> None:
        """Raise a `DataError` if there were any."""
        if self._count:
            values = "missing value" if self._count == 1 else "missing values"
            raise DataError(
                f"{self._path}: {self._count} {values} in the features (first found: {self._first}); "
                "missing values are not supported yet: until they are, fill them in or drop those rows or "
                "columns"
            )


class FeatureColumn:
    """A column of features, collected piece by piece.

    The first field of text that is not empty decides whether the column holds numbers or True/False.

    Parameters
    ----------
    path : Path
        The file, for messages.
    name : str
        Name of the column.
    unit : str
        In what places are counted, ``"line"`` or ``"row"``.
    holes : Holes
        Told about empty fields.
    """

    def __init__(self, path: Path, name: str, unit: str, holes: Holes) -> None:
        self._path = path
        self._name = name
        self._unit = unit
        self._holes = holes
        self._pieces: list[NDArray[np.float64]] = []
        self._parse: Callable[[str], float] | None = None

    def add_text(self, cells: Sequence[str], places: Sequence[int]) -> None:
        """Append fields of text; `places` has the line or row number of each.

        Raises
        ------
        DataError
            If a field is neither empty nor a finite number (or True/False in a column of these).
        """
        parse = self._parse or self._choose(cells)
        try:
            # All at once; only if that fails is the culprit looked for.
            values = np.fromiter(map(parse, cells), np.float64, len(cells))
        except ValueError:
            values = self._one_by_one(parse, cells, places)
        if parse is float and "_" in "".join(cells):
            # Python reads 1_000 as a number. In data it is a word.
            values = self._one_by_one(_strict_number, cells, places)
        self.add_numbers(values, places)

    def add_numbers(self, values: NDArray[np.float64], places: Sequence[int]) -> None:
        """Append numbers; `places` has the line or row number of each.

        Raises
        ------
        DataError
            If one of them is infinite or no number.
        """
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            i = int(wrong[0])
            raise DataError(
                f"{self._path}, {self._place(places[i])}: {values[i]} is not a finite number; replace it or "
                "drop the row"
            )
        self._pieces.append(values)

    def values(self) -> NDArray[np.float64]:
        """All values so far; holes are 0, True is 1 and False is 0."""
        return np.concatenate(self._pieces)

    def _place(self, number: int) -> str:
        return f"{self._unit} {number}, column {shown(self._name)}"

    def _choose(self, cells: Sequence[str]) -> Callable[[str], float]:
        first = next((cell for cell in cells if cell.strip()), None)
        if first is None:
            return float
        self._parse = _truth if first.strip().lower() in _TRUTH else float
        return self._parse

    def _one_by_one(
        self, parse: Callable[[str], float], cells: Sequence[str], places: Sequence[int]
    ) -> NDArray[np.float64]:
        values = np.zeros(len(cells))
        for i, cell in enumerate(cells):
            if not cell.strip():
                self._holes.add(self._place(places[i]))
                continue
            try:
                values[i] = parse(cell)
            except ValueError as error:
                expected = "True or False like those above it" if parse is _truth else "a number"
                raise DataError(
                    f"{self._path}, {self._place(places[i])}: {shown(cell)} is not {expected}; features must "
                    "be numbers "
                    "or True/False: encode this column as numbers or drop it"
                ) from error
        return values


def _truth(cell: str) -> float:
    value = _TRUTH.get(cell.strip().lower())
    if value is None:
        raise ValueError(cell)
    return value


def _strict_number(cell: str) -> float:
    if "_" in cell:
        raise ValueError(cell)
    return float(cell)
