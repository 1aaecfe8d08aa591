"""Oblique sums of the columns of a table, categories among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitlocal.bits import PackedBits, unpack, words_for
from bitlocal.encoders.checks import Words
from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.oblique.quantities import A_CATEGORY, Levels, Oblique
from bitlocal.encoders.program import Quantities
from bitlocal.encoders.tables.stages import Categories, NumberColumn, TableRows


@dataclass(frozen=True, eq=False)
class TableOblique(Quantities):
    """Weighted sums of a table's numbers and of the bits of its categories.

    In the program of a table the bits of its categories come right before these, so whoever runs the stages in a row
    need not find them twice.

    Attributes
    ----------
    numbers : tuple of NumberColumn
        Where each number comes from.
    levels : Levels
        How numbers become whole.
    categories : Categories
        What makes the bits that follow the numbers; one that is set counts 64.
    sums : Oblique
        What is added up.
    """

    numbers: tuple[NumberColumn, ...]
    levels: Levels
    categories: Categories
    sums: Oblique

    @property
    def n(self) -> int:  # type: ignore[override]
        """Sums."""
        return self.sums.n

    def whole(self, rows: TableRows) -> NDArray[np.int16]:
        """Turn samples into whole numbers: a column for each number, then one for each bit of a category."""
        n_bits = self.categories.n_bits
        words = np.zeros((len(rows), words_for(n_bits)), dtype=np.uint64)
        self.categories.write(rows, words, 0)
        bits = unpack(PackedBits(words, n_bits)).astype(np.int16)
        return np.hstack([self.levels.whole(rows.numbers), A_CATEGORY * bits])

    def __call__(self, rows: TableRows) -> NDArray[np.int32]:
        """Add up."""
        return self.sums(self.whole(rows))

    def write(self, thresholds: Thresholds, rows: TableRows, words: Words, first_bit: int) -> None:
        """Write the bits of samples, some rows at a time."""
        self.sums.write(thresholds, self.whole(rows), words, first_bit)
