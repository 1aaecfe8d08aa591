"""The columns of a table: their names, and one column of features read piece by piece."""

from __future__ import annotations

import enum
import itertools
import math
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.datasets.formats.files import shown, some_of
from bitlocal.datasets.formats.likeness import looks_like_number, looks_like_time
from bitlocal.errors import DataError, DataWarning

_WORDS = ["NA", "N/A", "n/a", "<NA>", "NaN", "nan", "-NaN", "-nan", "null", "NULL", "None"]
_EXCEL = ["#N/A", "#N/A N/A", "#NA", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"]
_C = ["1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"]
MISSING = frozenset(["", "?", *_WORDS, *_EXCEL, *_C])
"""Fields of text that stand for a missing value, once the blanks around them are dropped: what pandas, R, C and Excel
write for one, and Excel's errors."""

_MISSING_NUMBERS = frozenset(
    ["-", "--", "–", "—", ".", "..", "...", "*", "na", "n.a.", "n/a", "nan", "none", "nil", "null", "missing", "#n/a"]
)
"""In small letters: what stands for a missing number beside these, and in a column of text is a word like any other."""

TRUTH = {"true": 1.0, "false": 0.0}
"""Fields of text, in small letters, that stand for truth values."""


class _Kind(enum.Enum):
    """What a column holds."""

    UNKNOWN = "nothing but missing values so far"
    NUMBERS = "numbers"
    TRUTH = "truth values"
    TEXT = "text"


_UNNAMED = re.compile(r"Unnamed: \d+(?:\.\d+|_level_\d+)*$")
"""What pandas calls a column without a name: a row index that was saved, read as a column, and saved again."""


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
        if not name or name.startswith("__index_level_") or _UNNAMED.match(name):
            at_the_end = not name and position == len(names) > 1
            why = "a delimiter at the end of each line?" if at_the_end else "a row index saved by pandas?"
            advice = "leave that out" if at_the_end else "save without the index"
            raise DataError(f"{path}: column {position} has no name ({why}); name it, or {advice}")
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
        if len(names) == 1:
            advice += ", and that the file begins with the names, between commas, semicolons or tabs"
        raise DataError(f"{path}: there is no column {shown(wanted)}; {advice}; the columns are {some_of(names)}")
    if len(names) == 1:
        raise DataError(f"{path}: there is no column besides the target {shown(wanted)}; add columns of features")
    return list(names).index(wanted)


def check_columns(path: Path, names: Sequence[str], text_columns: Collection[str]) -> None:
    """Refuse columns to take as text that are not there.

    Parameters
    ----------
    path : Path
        The file, for messages.
    names : sequence of str
        The names of its columns.
    text_columns : collection of str
        The columns to take as text.

    Raises
    ------
    DataError
        If there is no column of such a name.
    """
    unknown = [name for name in text_columns if name not in names]
    if unknown:
        raise DataError(
            f"{path}: there is no column {shown(unknown[0])} to take as text; check the name; the columns are "
            f"{some_of(names)}"
        )


def is_missing(cell: str) -> bool:
    """Whether a field of text stands for a missing value."""
    return cell.strip() in MISSING


def is_missing_number(cell: str) -> bool:
    """Whether a field among numbers, or among truth values, stands for a missing one."""
    text = cell.strip()
    return text in MISSING or text.lower() in _MISSING_NUMBERS


class FeatureColumn:
    """A column of features, collected piece by piece.

    What it holds is decided by all of its fields that are not missing: numbers if all of them are numbers, truth
    values if all of them are True or False (in any case), and text otherwise. Numbers and truth values are kept
    as float64. Text is kept as numbers of distinct texts, so that a column of categories needs little memory.

    Parameters
    ----------
    where : callable
        Gives the place of a field for messages from its line or row number.
    as_text : bool, default False
        Take the column as text, whatever comes.
    as_numbers : bool, default False
        Take the column as numbers; anything else is an error.
    decimal_comma : bool, default False
        Whether numbers may have a comma before their fraction.
    """

    def __init__(
        self,
        where: Callable[[int], str],
        *,
        as_text: bool = False,
        as_numbers: bool = False,
        decimal_comma: bool = False,
    ) -> None:
        self._where = where
        self._kind = _Kind.TEXT if as_text else _Kind.UNKNOWN
        self._as_text = as_text
        self._as_numbers = as_numbers
        self._decimal_comma = decimal_comma
        self._odd: tuple[str, int] | None = None  # of a column of text: the first field that is no number, its place
        self._numbers: list[NDArray[np.float64]] = []
        self._texts: list[NDArray[np.int64]] = []
        self._number_of: dict[str, int] = {}
        self._infinite: tuple[int, float] | None = None
        self.turned_to_text = False
        """Whether text came after fields that were taken as numbers or truth values, and are no longer known."""

    @property
    def is_text(self) -> bool:
        """Whether the column holds text."""
        return self._kind is _Kind.TEXT

    def expect_text(self) -> None:
        """Take the column as text, since an odd field is known to come; before anything has come."""
        self._kind = _Kind.TEXT

    def declare_text(self) -> None:
        """Take the column as text, whatever comes, unless it must hold numbers; before anything has come."""
        if not self._as_numbers:
            self._as_text, self._kind = True, _Kind.TEXT

    def add_text(self, cells: Sequence[str], places: Sequence[int]) -> None:
        """Append fields of text; `places` has the line or row number of each."""
        for kind, parse in ((_Kind.NUMBERS, self._parse_numbers), (_Kind.TRUTH, _parse_truth)):
            settled = self._kind is kind or (self._as_numbers and kind is _Kind.NUMBERS)
            if self._kind in (_Kind.UNKNOWN, kind) and (values := parse(cells, settled)) is not None:
                if self._kind is _Kind.UNKNOWN and not all(map(is_missing, cells)):
                    self._kind = kind
                self._append(values, places)
                return
        if self._odd is None:
            self._odd = self._find_odd(cells, places)
        if self._as_numbers:
            # Without one, these are numbers below truth values.
            field, place = self._odd or (cells[0].strip(), places[0])
            raise DataError(
                f"{self._where(place)}: expected a number, as in training, got {shown(field)}; mend this field"
            )
        if not self.is_text:
            self._turn_to_text()
        self._texts.append(np.fromiter(map(self._code, cells), np.int64, len(cells)))

    def odd_field(self) -> str | None:
        """Tell of the field that made text of a column in which most fields are numbers, or look like numbers or dates.

        None if there is no such field, or the column was told to be text.
        """
        if not self.is_text or self._as_text or self._odd is None:
            return None
        codes = np.concatenate(self._texts)
        counts = np.bincount(codes[codes >= 0], minlength=len(self._number_of)).tolist()
        field, place = self._odd
        n = sum(counts)

        def number_of(kind: Callable[[str], bool]) -> int:
            return sum(count for text, count in zip(self._number_of, counts, strict=True) if kind(text))

        what = "say that the column holds text"
        n_numbers = number_of(lambda text: self._parse_numbers([text], False) is not None)
        if 2 * n_numbers > n:
            why = "is no number" if self._parse_numbers([field], False) is None else "has a comma, others have a point"
            return (
                f"{self._where(place)}: {shown(field)} {why}, so the column is text, though {n_numbers} of its {n} "
                f"fields are numbers; mend the field, or {what}"
            )
        n_alike = number_of(lambda text: self._parse_numbers([text], False) is not None or looks_like_number(text))
        if 2 * n_alike > n:
            return (
                f"{self._where(place)}: {shown(field)} is text, though {n_alike} of the column's {n} fields look like "
                f"numbers; write them as 1234.5, or {what}"
            )
        n_times = number_of(looks_like_time)
        if 2 * n_times > n:
            return (
                f"{self._where(place)}: {shown(field)} is text, which stands for a category, though {n_times} of the "
                f"column's {n} fields look like dates or times; save them as such (.parquet) or as numbers, or {what}"
            )
        return None

    def _find_odd(self, cells: Sequence[str], places: Sequence[int]) -> tuple[str, int] | None:
        """Find the first field that is no number, or has a comma where others have a point, and its place."""
        fields = [(cell.strip(), place) for cell, place in zip(cells, places, strict=True) if not is_missing(cell)]
        odd = (one for one in fields if self._parse_numbers([one[0]], True) is None)
        return next(odd, None) or next((one for one in fields if "," in one[0]), None)

    def add_numbers(self, values: NDArray[np.float64], places: Sequence[int], *, truth: bool = False) -> None:
        """Append all fields of a column of numbers, or of truth values as 1 and 0; NaN where a value is missing."""
        self._kind = _Kind.TRUTH if truth else _Kind.NUMBERS
        self._append(values, places)

    def check(self) -> None:
        """Raise a `DataError` if this is a column of numbers and one of them is infinite."""
        if self._infinite is not None and not self.is_text:
            place, value = self._infinite
            raise DataError(
                f"{self._where(place)}: {value} is not a finite number; replace it, or leave the field empty if the "
                "value is not known"
            )

    def as_float(self) -> NDArray[np.float64]:
        """All values of a column that is no text: True is 1, False is 0, and NaN where a value is missing."""
        values = np.concatenate(self._numbers)
        values[np.isnan(values)] = np.nan  # one and the same of the many kinds of NaN
        return values

    def as_objects(self) -> NDArray[np.object_]:
        """All values as `float`, `bool` or `str`, and None where one is missing."""
        if self.is_text:
            # The last entry has the number -1, which stands for a missing value.
            distinct = np.array([*self._number_of, None], dtype=np.object_)
            return distinct[np.concatenate(self._texts)]
        values = self.as_float()
        objects = (values == 1).astype(np.object_) if self._kind is _Kind.TRUTH else values.astype(np.object_)
        objects[np.isnan(values)] = None
        return objects

    def _parse_numbers(self, cells: Sequence[str], settled: bool) -> NDArray[np.float64] | None:
        """Read fields as numbers; with a comma before the fraction, where that may be and none has a point there."""
        values = _parse_numbers(cells, settled)
        if values is None and self._decimal_comma and not any("." in cell and _is_number(cell) for cell in cells):
            values = _parse_numbers([c.replace(",", ".") if _COMMA.fullmatch(c.strip()) else c for c in cells], settled)
        return values

    def _append(self, values: NDArray[np.float64], places: Sequence[int]) -> None:
        if self._infinite is None and len(infinite := np.flatnonzero(np.isinf(values))):
            i = int(infinite[0])
            # Not complained about yet: in a column of text this is a word like any other.
            self._infinite = (places[i], float(values[i]))
        self._numbers.append(values)

    def _turn_to_text(self) -> None:
        self.turned_to_text = self._kind is not _Kind.UNKNOWN
        self._kind = _Kind.TEXT
        # While the kind was unknown, every field was missing.
        self._texts = [np.full(len(values), -1, np.int64) for values in self._numbers]
        self._numbers = []

    def _code(self, cell: str) -> int:
        text = cell.strip()
        return -1 if text in MISSING else self._number_of.setdefault(text, len(self._number_of))


def tell_odd_field(column: FeatureColumn, *, strict: bool) -> None:
    """Warn of a field that made text of a column in which most fields are numbers, or refuse it."""
    odd = column.odd_field()
    if odd is None:
        return
    if strict:
        raise DataError(odd)
    warnings.warn(odd, DataWarning, stacklevel=2)


def to_matrix(columns: Sequence[FeatureColumn]) -> NDArray[Any]:
    """Put columns side by side.

    Parameters
    ----------
    columns : sequence of FeatureColumn
        At least one; all of the same length.

    Returns
    -------
    ndarray of shape (n, K)
        float64 with NaN where a value is missing; object with None there if any of the columns holds text.

    Raises
    ------
    DataError
        If a column of numbers has an infinite one.
    """
    for column in columns:
        column.check()
    if not any(column.is_text for column in columns):
        return _side_by_side((column.as_float() for column in columns), len(columns), np.float64)
    return _side_by_side((column.as_objects() for column in columns), len(columns), np.object_)


def _side_by_side(columns: Iterator[NDArray[Any]], k: int, dtype: type[np.generic]) -> NDArray[Any]:
    first = next(columns)
    matrix = np.empty((len(first), k), dtype)
    for i, values in enumerate(itertools.chain([first], columns)):
        matrix[:, i] = values
    return matrix


_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")


def _parse_numbers(cells: Sequence[str], settled: bool) -> NDArray[np.float64] | None:
    """Read fields as numbers, NaN where one is missing; None if any is no number.

    Whether the column is one of numbers may be settled; otherwise marks that may be words need a number beside them.
    """
    if "_" in "".join(cells):
        return None  # Python reads 1_000 as a number; in data it is a word
    try:
        # All at once; marks of missing values are looked for only if that fails.
        return np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        pass
    if not settled and not any(_is_number(cell) and not is_missing_number(cell) for cell in cells):  # NaN is none
        return np.full(len(cells), math.nan) if all(map(is_missing, cells)) else None
    try:
        values = (math.nan if is_missing_number(cell) else float(cell) for cell in cells)
        return np.fromiter(values, np.float64, len(cells))
    except ValueError:
        return None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _parse_truth(cells: Sequence[str], settled: bool) -> NDArray[np.float64] | None:
    """Read fields as truth values, 1 and 0, NaN where one is missing; None if any is neither, or as for numbers."""
    if not settled and not any(cell.strip().lower() in TRUTH for cell in cells):
        return None
    try:
        values = (math.nan if is_missing_number(cell) else TRUTH[cell.strip().lower()] for cell in cells)
        return np.fromiter(values, np.float64, len(cells))
    except KeyError:
        return None
