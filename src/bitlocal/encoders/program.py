"""A fitted encoder as data: how samples become whole numbers, and these bits. Files, exports and classifiers read this.

A program is pieces, one for each encoder (several in a union). A piece reads samples and runs stages, whose bits follow
each other. A stage is either quantities with thresholds (`Compared`), or has a code of its own (categories, hashes).
Quantities keep their regular form (a shape, a side, offsets), so that a language may write loops instead of tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bitlocal.bits import PackedBits, words_for
from bitlocal.encoders.checks import Words
from bitlocal.encoders.comparison import Thresholds

_LEAST_ROWS = 64  # which are worth a thread


class Stage(Protocol):
    """Bits of a sample."""

    @property
    def n_bits(self) -> int:
        """How many they are."""

    def write(self, rows: Any, words: Words, first_bit: int) -> None:
        """Write the bits of samples into rows of words, whose bits from `first_bit` on are still zero."""


class Quantities:
    """Base of the whole numbers that are computed from a sample, or its numbers themselves."""

    n: int
    """How many they are."""

    rows_at_a_time: int | None = None
    """Samples whose quantities are worked out together, so that they stay in the cache."""

    def __call__(self, rows: Any) -> NDArray[Any]:
        """Compute them: an array with a row a sample and n columns."""
        raise NotImplementedError

    def write(self, thresholds: Thresholds, rows: Any, words: Words, first_bit: int) -> None:
        """Write the bits of samples."""
        if self.rows_at_a_time is None:
            thresholds.write(self(rows), words, first_bit)
            return
        for first in range(0, len(rows), self.rows_at_a_time):
            some = slice(first, first + self.rows_at_a_time)
            thresholds.write(self(rows[some]), words[some], first_bit)


@dataclass(frozen=True)
class Compared:
    """A stage: each quantity compared with its thresholds.

    Attributes
    ----------
    quantities : Quantities
        What is compared.
    thresholds : Thresholds
        What with.
    """

    quantities: Quantities
    thresholds: Thresholds

    @property
    def n_bits(self) -> int:
        """Bits of a sample."""
        return self.thresholds.n_bits

    def write(self, rows: Any, words: Words, first_bit: int) -> None:
        """Write the bits of samples."""
        self.quantities.write(self.thresholds, rows, words, first_bit)


@dataclass(frozen=True)
class Columns(Quantities):
    """The numbers of a sample themselves.

    Attributes
    ----------
    n : int
        How many they are.
    halfway : bool, default=False
        Whether thresholds may lie halfway between two numbers of the training data, as medians do. Halves then do not
        tell that the data had fractions.
    """

    n: int
    halfway: bool = False

    def __call__(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Give the numbers."""
        return rows


def in_threads(function: Callable[[Any], Any], items: Iterable[Any], n_threads: int) -> list[Any]:
    """Give the function's values for items in their order, worked out in threads if there are more than one."""
    items = list(items)
    if min(n_threads, len(items)) <= 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(min(n_threads, len(items))) as pool:
        return list(pool.map(function, items))


def _all_at_once(rows: Any) -> Iterator[slice]:
    yield slice(0, len(rows))


@dataclass(frozen=True)
class Piece:
    """The stages of one encoder, and how samples get there.

    Attributes
    ----------
    read : callable
        Checks samples as they came, and gives rows, which have a length and can be cut by slices if `cut` does so.
    stages : tuple of Stage
        One's bits after the other's.
    whole : callable or None
        Makes whole numbers of some rows, once for all stages.
    cut : callable
        Cuts rows so that what lies between them and their bits stays small.
    """

    read: Callable[[Any], Any]
    stages: tuple[Stage, ...]
    whole: Callable[[Any], Any] | None = None
    cut: Callable[[Any], Iterator[slice]] = _all_at_once

    @property
    def n_bits(self) -> int:
        """Bits of a sample."""
        return sum(stage.n_bits for stage in self.stages)

    def write(self, rows: Any, words: Words, first_bit: int, n_threads: int = 1) -> None:
        """Write the bits of rows that were read; each thread takes some rows, and there is no word for two of them."""

        def write(some: slice) -> None:
            part = rows if some == slice(0, len(rows)) else rows[some]
            numbers, bit = part if self.whole is None else self.whole(part), first_bit
            for stage in self.stages:
                stage.write(numbers, words[some], bit)
                bit += stage.n_bits

        in_threads(write, self._cut_for(rows, n_threads), n_threads)

    def _cut_for(self, rows: Any, n_threads: int) -> Iterator[slice]:
        """Cut rows so that there is something to do for each thread."""
        largest = max(-(-len(rows) // n_threads), _LEAST_ROWS)
        for some in self.cut(rows):
            if self.cut is _all_at_once and not isinstance(rows, np.ndarray):
                yield some  # sparse rows, columns of a DataFrame: these cannot be cut
                continue
            stop = min(some.stop, len(rows))
            for first in range(some.start, stop, largest):
                yield slice(first, min(first + largest, stop))


@dataclass(frozen=True)
class Program:
    """What a fitted encoder does.

    Attributes
    ----------
    pieces : tuple of Piece
        One for each encoder of a union, or one.
    """

    pieces: tuple[Piece, ...]

    @property
    def n_bits(self) -> int:
        """Bits of an encoded sample."""
        return sum(piece.n_bits for piece in self.pieces)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of all pieces."""
        return tuple(stage for piece in self.pieces for stage in piece.stages)

    def run(self, X: Any, n_threads: int = 1) -> PackedBits:
        """Encode samples as they came.

        Parameters
        ----------
        X : what the encoder takes
            Samples.
        n_threads : int, default=1
            Threads, which change no bit.

        Returns
        -------
        PackedBits

        Raises
        ------
        ValueError
            If they are not of the form that the encoder was fitted on.
        """
        read = [piece.read(X) for piece in self.pieces]
        n_bits = self.n_bits
        words = np.zeros((len(read[0]), words_for(n_bits)), dtype=np.uint64)
        first_bit = 0
        for piece, rows in zip(self.pieces, read, strict=True):
            piece.write(rows, words, first_bit, n_threads)
            first_bit += piece.n_bits
        return PackedBits(words, n_bits)
