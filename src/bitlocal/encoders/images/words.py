"""Words of a code book: which kinds of patches an image has, and in which cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal import _core
from bitlocal.bits import words_for
from bitlocal.encoders.checks import Arrays, Words, require
from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.images.parts import Part
from bitlocal.encoders.images.quantities import OfImage
from bitlocal.encoders.program import Compared
from bitlocal.encoders.thresholds import ThermometerEncoder

SIDE = 6
"""Of a patch, where the name of the part does not tell."""
LARGEST_SIDE = 16
LONGEST_SIDE = 1000
"""Of an image: the core counts the patches of a cell in 16 bits."""
MOST_WORDS = 8192
GRID = 4
"""Cells in each direction, where the name of the part does not tell."""
MOST_PATCHES_IN_CELL = 2**16 - 1
STREAM = 3
"""The layer of the random numbers that choose patches, see docs/algorithm.md."""
_PATCHES_TO_LEARN_FROM = 100_000
_SHARE_OF_NEAREST = 16  # one word in so many is what a patch is seen as, where the name of the part does not tell
_RARE = 100  # bits that are on, or off, in less than one training image in so many are left out


@dataclass(frozen=True, eq=False)
class SeenWords(OfImage):
    """How many patches are seen as each word of a code book, in each cell.

    Attributes
    ----------
    side : int
        Of a patch.
    margin : int
        What counts as brighter.
    book : ndarray of uint64, shape (n_words, words_for(bits of a patch))
        The words, packed.
    most_cells : int, default=4
        In each direction.
    nearest : int or None, default=None
        Words that a patch is seen as; None for one in 16, at least one.
    """

    side: int
    margin: int
    book: Words
    most_cells: int = GRID
    nearest: int | None = None

    @property
    def edge(self) -> int:
        """What differences of neighbours have to exceed."""
        return 4 * self.margin // 5

    @property
    def flat(self) -> int:
        """What the brightest and the darkest pixel of a patch that says something differ by at least."""
        return 4 * self.margin // 3 if self.margin else 1

    @property
    def grid(self) -> int:
        """Cells in each direction: fewer where there are fewer places."""
        height, width, _ = self.image.shape
        return min(self.most_cells, height - self.side + 1, width - self.side + 1)

    @property
    def n_nearest(self) -> int:
        """Words that a patch is seen as."""
        return self.nearest or max(len(self.book) // _SHARE_OF_NEAREST, 1)

    @property
    def n(self) -> int:  # type: ignore[override]
        """Counts."""
        return len(self.book) * self.grid**2

    @property
    def names(self) -> list[str]:
        """Name the counts."""
        cells = range(self.grid)
        return [f"word{self.side} {m} in ({y},{x})" for y in cells for x in cells for m in range(len(self.book))]

    def __call__(self, rows: NDArray[Any]) -> NDArray[np.int32]:
        """Count the words."""
        return patches_of(self.image.shape, self.side, self.margin).count_words(
            rows, self.book, self.n_nearest, self.grid
        )


def patches_of(shape: tuple[int, int, int], side: int, margin: int) -> _core.Patches:
    """Tell the core what patches are; made anew for each call, since what it gives cannot be pickled."""
    return _core.Patches(*shape, side, margin)


class TellingThermometer(ThermometerEncoder):
    """A thermometer over quantiles, without the bits that are the same for nearly all samples."""

    def find(self, data: Any, *args: Any, **kwargs: Any) -> Thresholds:
        """Find thresholds in counts, and keep those that tell samples apart."""
        found = super().find(data, *args, **kwargs)
        n_above = np.empty(len(found.values), dtype=np.int64)
        for some in np.array_split(np.arange(len(found.values)), len(found.values) // 256 + 1):
            n_above[some] = (data[:, found.columns[some]] > found.values[some]).sum(axis=0)
        least = -(-len(data) // _RARE)
        telling = (n_above >= least) & (n_above <= len(data) - least)
        return Thresholds(found.columns[telling], found.values[telling], found.missing)


@dataclass(frozen=True)
class CodeBook(Part):
    """A part whose quantities are counts of words, which have to be found first.

    Attributes
    ----------
    quantities : SeenWords
        The counts, of words that are all zeros until they are found.
    thresholds : ThermometerEncoder
        What finds the thresholds of counts.
    seed : int
        Of the choice of patches to learn words from.
    n_rounds : int
        Rounds of clustering; 0: words are patches that were chosen.
    """

    quantities: SeenWords
    thresholds: ThermometerEncoder
    seed: int = 0
    n_rounds: int = 0

    def fit(self, pixels: NDArray[Any]) -> Compared:
        """Find the words, then the thresholds of their counts."""
        empty = self.quantities
        patches = patches_of(empty.image.shape, empty.side, empty.margin)
        height, width, _ = empty.image.shape
        n_patches = len(pixels) * (height - empty.side + 1) * (width - empty.side + 1)
        samples = patches.sample(pixels, self.seed, STREAM, min(n_patches, _PATCHES_TO_LEARN_FROM))
        book = _core.find_words(samples, patches.n_bits, len(empty.book), self.n_rounds)
        return self.compared(self._with(book), pixels)

    def _with(self, book: Words) -> SeenWords:
        return replace(self.quantities, book=book)

    def to_arrays(self, stage: Compared) -> Arrays:
        """Give the words, as bytes whose bits follow each other, and the thresholds."""
        seen = stage.quantities
        assert isinstance(seen, SeenWords), "a code book counts words"
        return {"words": seen.book.astype("<u8").view(np.uint8), **stage.thresholds.to_arrays()}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> Compared:
        """Take back what `to_arrays` gave; raises ValueError or LookupError if it is not valid."""
        empty, octets = self.quantities, arrays["words"]
        n_bits = patches_of(empty.image.shape, empty.side, empty.margin).n_bits
        require(
            octets.dtype == np.uint8 and octets.shape == (len(empty.book), 8 * words_for(n_bits)),
            "the encoder's words are not of the shape or type that they should be",
        )
        bits = np.unpackbits(octets, axis=1, bitorder="little")
        require(not bits[:, n_bits:].any(), "the encoder's words have bits that patches do not have")
        book = np.ascontiguousarray(octets).view("<u8").astype(np.uint64)
        return Compared(self._with(book), Thresholds.from_arrays(arrays, empty.n))


def code_book(seen: SeenWords, n_bits: int, seed: int, n_rounds: int) -> CodeBook:
    """Make the part."""
    return CodeBook(seen, TellingThermometer(n_bits), None, seed, n_rounds)
