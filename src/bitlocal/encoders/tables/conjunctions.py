"""Conjunctions: bits that are set where a few other bits of a table have certain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bitlocal import _core
from bitlocal.bits import PackedBits, pack, unpack, words_for
from bitlocal.encoders.checks import Arrays, Words, require
from bitlocal.encoders.information import best, tells
from bitlocal.encoders.oblique.draws import ROWS_TO_LEARN_FROM, distinct
from bitlocal.encoders.program import Stage
from bitlocal.encoders.tables.stages import TableRows

_MOST = 500  # unless more are asked for
_TERMS = (2, 3)  # literals of a conjunction: one after the other of these
_CANDIDATES = 2  # so many times as many are drawn as are kept, where there are classes
_LAYER = 4  # of the random numbers for encoders
_WORDS = 8  # of a conjunction that is drawn: a sample, columns, bits
_FIRST_COLUMN, _FIRST_BIT = 1, 4
_VALUES_AT_A_TIME = 1 << 22


@dataclass(frozen=True, eq=False)
class Conjunctions:
    """A stage: whether bits of the stages before it have the values that they should have.

    Attributes
    ----------
    stages : tuple of Stage
        Whose bits, one stage's after the other's.
    bits : ndarray of int64, shape (n, n_terms)
        The bits of each conjunction; one of fewer terms has its first again.
    values : ndarray of bool, shape (n, n_terms)
        What they should be.
    """

    stages: tuple[Stage, ...]
    bits: NDArray[np.int64]
    values: NDArray[np.bool_]

    @property
    def n_bits(self) -> int:
        """Conjunctions."""
        return len(self.bits)

    def literals(self, rows: TableRows) -> NDArray[np.bool_]:
        """Give the bits of the stages before."""
        n_bits = sum(stage.n_bits for stage in self.stages)
        words, first = np.zeros((len(rows), words_for(n_bits)), dtype=np.uint64), 0
        for stage in self.stages:
            stage.write(rows, words, first)
            first += stage.n_bits
        return unpack(PackedBits(words, n_bits))

    def hold(self, literals: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Tell for samples, given the bits of the stages before, which conjunctions hold."""
        held = np.ones((len(literals), len(self.bits)), dtype=np.bool_)
        for bits, values in zip(self.bits.T, self.values.T, strict=True):
            held &= literals[:, bits] == values
        return held

    def write(self, rows: TableRows, words: Words, first_bit: int) -> None:
        """Write the bits of samples, some rows at a time."""
        if self.n_bits == 0:
            return
        literals = self.literals(rows)
        n_at_a_time = max(_VALUES_AT_A_TIME // self.n_bits, 1)
        for first in range(0, len(literals), n_at_a_time):
            some = slice(first, first + n_at_a_time)
            packed = pack(self.hold(literals[some]))
            _core.place_bits(packed.words, packed.n_bits, words[some], first_bit)

    def labels(self, names: Sequence[str]) -> list[str]:
        """Name the conjunctions, as in `age>40 & not colour=red`."""
        return [
            " & ".join(dict.fromkeys(("" if v else "not ") + names[b] for b, v in zip(bits, values, strict=True)))
            for bits, values in zip(self.bits.tolist(), self.values.tolist(), strict=True)
        ]

    def to_arrays(self) -> Arrays:
        """Give bits and values for a file."""
        return {"bits": self.bits, "values": self.values.astype(np.uint8)}

    @classmethod
    def from_arrays(cls, stages: tuple[Stage, ...], arrays: Mapping[str, NDArray[Any]]) -> Conjunctions:
        """Take back what `to_arrays` gave; ValueError or LookupError if it is not valid."""
        bits, values = arrays["bits"], arrays["values"]
        require(
            bits.ndim == 2
            and bits.shape == values.shape
            and 1 <= bits.shape[1] <= max(_TERMS)
            and bits.dtype.kind in "iu"
            and values.dtype.kind in "iu",
            "the encoder's conjunctions are not of the shapes or types that they should be",
        )
        n_bits = sum(stage.n_bits for stage in stages)
        require(
            bits.size == 0 or (bits.min() >= 0 and bits.max() < n_bits), "the encoder's conjunctions are of no bits"
        )
        require(values.size == 0 or (values.min() >= 0 and values.max() <= 1), "the encoder's conjunctions are no bits")
        return cls(stages, bits.astype(np.int64), values.astype(np.bool_))


def find_conjunctions(
    n: int | Literal["auto"],
    stages: tuple[Stage, ...],
    widths: Sequence[int],
    rows: TableRows,
    y: NDArray[np.int64] | None,
) -> Conjunctions:
    """Draw conjunctions that hold for random training samples, and keep those that tell most about the classes.

    Parameters
    ----------
    n : int or "auto"
        How many to keep, at most. "auto": as many as there are training samples, and 500 at most.
    stages : tuple of Stage
        Whose bits are joined.
    widths : sequence of int
        Bits of each column in turn; a conjunction takes at most one of each.
    rows : TableRows
        Training samples, of which 20 000 at most are looked at, evenly spaced.
    y : ndarray of int64, shape (n_samples,), or None
        Classes, from 0.
    """
    nothing = Conjunctions(stages, np.zeros((0, 1), dtype=np.int64), np.zeros((0, 1), dtype=np.bool_))
    spaced = -(-len(rows) // ROWS_TO_LEARN_FROM)
    literals = nothing.literals(rows)[::spaced]
    classes = None if y is None else y[::spaced]
    usable = np.flatnonzero((literals != literals[:1]).any(axis=0))  # bits that tell some samples apart
    column = np.repeat(np.arange(len(widths)), widths)[usable]
    columns, first_of, n_of = np.unique(column, return_index=True, return_counts=True)
    if len(columns) == 0:
        return nothing
    n_kept = min(len(rows), _MOST) if n == "auto" else int(n)
    n_drawn = n_kept * (1 if classes is None else _CANDIDATES)
    words = _core.random_words(0, _core.Purpose.encoder, _LAYER, 0, 0, n_drawn * _WORDS).reshape(n_drawn, _WORDS)
    n_terms = np.minimum(np.resize(np.array(_TERMS, dtype=np.int64), n_drawn), len(columns))
    most = int(n_terms.max())
    places = distinct(words[:, _FIRST_COLUMN : _FIRST_COLUMN + most], len(columns))
    drawn = (words[:, _FIRST_BIT : _FIRST_BIT + most] % n_of[places].astype(np.uint64)).astype(np.int64)
    bits = usable[first_of[places] + drawn]
    bits = np.where(np.arange(most) < n_terms[:, np.newaxis], bits, bits[:, :1])
    samples = (words[:, 0] % np.uint64(len(literals))).astype(np.int64)
    values = literals[samples[:, np.newaxis], bits]
    # Those that came before are left out, whatever the order of their terms.
    order = np.sort(2 * bits + values, axis=1)
    order[:, 1:][order[:, 1:] == order[:, :-1]] = -1
    first = np.sort(np.unique(np.sort(order, axis=1), axis=0, return_index=True)[1])
    found = Conjunctions(stages, bits[first], values[first])
    if classes is None:
        return Conjunctions(stages, found.bits[:n_kept], found.values[:n_kept])
    scores, n_at_a_time = np.zeros(found.n_bits, dtype=np.int64), max(_VALUES_AT_A_TIME // len(literals), 1)
    for start in range(0, found.n_bits, n_at_a_time):
        some = slice(start, start + n_at_a_time)
        scores[some] = tells(Conjunctions(stages, found.bits[some], found.values[some]).hold(literals), classes)
    kept = best(scores, n_kept)
    return Conjunctions(stages, found.bits[kept], found.values[kept])
