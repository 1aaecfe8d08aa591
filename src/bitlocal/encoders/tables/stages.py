"""What is made of the columns of a table: numbers to compare, and codes of categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitlocal import _core
from bitlocal.bits import pack
from bitlocal.encoders.checks import Words
from bitlocal.encoders.program import Quantities

_ROWS_AT_A_TIME = 4096
_Codes = Sequence[str | None]


class CodeTable:
    """Columns of named categories, with a length in samples."""

    def __init__(self, columns: Sequence[_Codes], n_samples: int) -> None:
        self.columns = columns
        self._n_samples = n_samples

    def __len__(self) -> int:
        return self._n_samples


class TableRows:
    """A table's columns by what they are taken for."""

    def __init__(self, numbers: NDArray[np.float64], categories: CodeTable) -> None:
        self.numbers = numbers
        self.categories = categories

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True)
class NumberColumn:
    """A number that a table's column gives.

    Attributes
    ----------
    column : int
        The column.
    name : str
        Its name.
    kind : str
        "number", "ordered" (the place of a category among ordered ones) or "time" (a part of a time).
    order : tuple of str
        The categories in their order.
    part : int
        Of a time: its place in TIME_PARTS.
    """

    column: int
    name: str
    kind: str
    order: tuple[str, ...] = ()
    part: int = 0


@dataclass(frozen=True)
class TableNumbers(Quantities):
    """The numbers of a table.

    Attributes
    ----------
    columns : tuple of NumberColumn
        Where each comes from.
    """

    columns: tuple[NumberColumn, ...]

    @property
    def n(self) -> int:  # type: ignore[override]
        """How many they are."""
        return len(self.columns)

    def __call__(self, rows: TableRows) -> NDArray[np.float64]:
        """Give the numbers."""
        return rows.numbers


@dataclass(frozen=True)
class CategoryColumn:
    """A column of categories, and its code.

    Attributes
    ----------
    column : int
        The column of the table.
    name : str
        Its name.
    coding : str
        "onehot": a bit for each category; if there are but two possibilities, one bit for the second. "ordinal": a
        thermometer over the places. "binary": the category's number, from 1, in binary.
    categories : tuple of str
        Those with codes of their own.
    other : bool
        Whether there is a bit for all others.
    missing : bool
        Whether there is a bit for a missing value.
    """

    column: int
    name: str
    coding: str
    categories: tuple[str, ...]
    other: bool
    missing: bool

    @property
    def drops_first(self) -> bool:
        """Whether the first of at most two possibilities has no bit."""
        return self.coding == "onehot" and len(self.categories) + self.other + self.missing <= 2

    @property
    def n_bits(self) -> int:
        """Bits of a value."""
        return len(self.labels())

    def labels(self) -> list[str]:
        """Tell what the bits stand for."""
        if self.coding == "onehot":
            labels = [f"={c}" for c in self.categories]
            labels += ["=(other)"] * self.other + ["=(missing)"] * self.missing
            return labels[1:] if self.drops_first else labels
        if self.coding == "ordinal":
            labels = [f">{c}" for c in self.categories[:-1]]
        else:
            n_codes = len(self.categories).bit_length() if len(self.categories) > 1 else 0
            labels = [f" code {1 << i}" for i in range(n_codes)]
        return labels + [" missing"] * self.missing

    def patterns(self) -> NDArray[np.bool_]:
        """Give the bits for each category, then for any other one, then for a missing value."""
        n, n_bits = len(self.categories), self.n_bits
        patterns = np.zeros((n + 2, n_bits), dtype=np.bool_)
        if self.coding == "onehot":
            options = np.eye(n + 2, dtype=np.bool_)
            kept = [*range(n), *[n] * self.other, *[n + 1] * self.missing]
            return options[:, kept[1:] if self.drops_first else kept]
        width = n_bits - self.missing
        numbers = np.arange(n)[:, np.newaxis]
        if self.coding == "ordinal":
            patterns[:n, :width] = numbers > np.arange(width)
        else:
            patterns[:n, :width] = ((numbers + 1) >> np.arange(width)) & 1
        patterns[n + 1, width:] = True
        return patterns


@dataclass(frozen=True)
class Categories:
    """A stage: the codes of columns of categories.

    Attributes
    ----------
    columns : tuple of CategoryColumn
        One's bits after the other's.
    """

    columns: tuple[CategoryColumn, ...]

    @property
    def n_bits(self) -> int:
        """Bits of a sample."""
        return sum(column.n_bits for column in self.columns)

    def write(self, rows: CodeTable | TableRows, words: Words, first_bit: int) -> None:
        """Write the bits of samples."""
        table = rows.categories if isinstance(rows, TableRows) else rows
        for column, codes in zip(self.columns, table.columns, strict=True):
            patterns = column.patterns()
            if patterns.shape[1] == 0:
                continue
            n = len(column.categories)
            numbers: dict[str | None, int] = {c: i for i, c in enumerate(column.categories)}
            numbers[None] = n + 1
            places = np.array([numbers.get(code, n) for code in codes], dtype=np.intp)
            for first in range(0, len(places), _ROWS_AT_A_TIME):
                some = slice(first, first + _ROWS_AT_A_TIME)
                packed = pack(patterns[places[some]])
                _core.place_bits(packed.words, packed.n_bits, words[some], first_bit)
            first_bit += patterns.shape[1]
