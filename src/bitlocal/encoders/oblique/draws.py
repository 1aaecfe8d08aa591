"""Drawing oblique sums and their thresholds, and choosing among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bitlocal import _core
from bitlocal.encoders.checks import require, require_whole
from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.information import best, tells
from bitlocal.encoders.oblique.quantities import MOST_TERMS, Oblique

ROWS_TO_LEARN_FROM = 20_000
_MOST_SUMS = 1000  # unless more are asked for
_LAYER = 3  # of the random numbers for encoders
_WORDS = 32  # of a sum that is drawn: columns, weights, thresholds
_FIRST_WEIGHT, _FIRST_THRESHOLD = MOST_TERMS, 2 * MOST_TERMS
_MOST_THRESHOLDS = _WORDS - _FIRST_THRESHOLD
_VALUES_AT_A_TIME = 1 << 22  # of sums whose bits are counted together


@dataclass(frozen=True)
class Draw:
    """How sums are drawn.

    Attributes
    ----------
    n_features : int or "auto"
        Sums to keep, at most. "auto": as many as there are training samples, and 1000 at most.
    terms : tuple of int
        How many columns a sum has: one after the other of these.
    n_thresholds : int
        Thresholds of a sum, at most.
    largest_weight : int
        Weights are whole numbers up to this, with either sign.
    candidates : int
        So many times as many sums are drawn as are kept, where there are classes.
    random_state : int
        Of the random numbers.
    """

    n_features: int | Literal["auto"] = "auto"
    terms: tuple[int, ...] = (2, 3, 4)
    n_thresholds: int = 2
    largest_weight: int = 1
    candidates: int = 2
    random_state: int = 0

    def check(self) -> None:
        """Raise a ValueError unless all is valid."""
        if self.n_features != "auto":
            require_whole("n_features", self.n_features)
        require(
            isinstance(self.terms, (tuple, list)) and len(self.terms) > 0,
            f"terms={self.terms!r}: expected a tuple of whole numbers, such as (2, 3, 4)",
        )
        for name, value, most in (
            *(("terms", k, MOST_TERMS) for k in self.terms),
            ("n_thresholds", self.n_thresholds, _MOST_THRESHOLDS),
            ("largest_weight", self.largest_weight, 15),
            ("candidates", self.candidates, 64),
        ):
            require_whole(name, value)
            require(value <= most, f"{name}={value!r}: expected a whole number from 1 to {most}")
        require(
            isinstance(self.random_state, (int, np.integer)) and 0 <= self.random_state < 2**64,
            f"random_state={self.random_state!r}: expected a whole number from 0 to 2**64 - 1",
        )

    def find(self, whole: NDArray[np.int16], y: NDArray[np.int64] | None) -> tuple[Oblique, Thresholds]:
        """Draw sums and thresholds, and choose by the classes.

        Parameters
        ----------
        whole : ndarray of int16, shape (n_samples, n_columns)
            The whole numbers of samples, of which 20 000 at most are looked at, evenly spaced.
        y : ndarray of int64, shape (n_samples,), or None
            Classes, from 0.
        """
        spaced = -(-len(whole) // ROWS_TO_LEARN_FROM)
        rows = np.ascontiguousarray(whole[::spaced])
        classes = None if y is None else y[::spaced]
        usable = np.flatnonzero((rows != rows[:1]).any(axis=0))
        # Few samples would be learnt by heart: the more bits, the sooner.
        n_kept = min(len(whole), _MOST_SUMS) if self.n_features == "auto" else int(self.n_features)
        n_drawn = n_kept * (1 if classes is None else int(self.candidates))
        sums, words = self._draw(usable, n_drawn)
        drawn = words[:, _FIRST_THRESHOLD : _FIRST_THRESHOLD + self.n_thresholds]
        levels, scores = self._levels(sums, rows, drawn % np.uint64(len(rows)), classes)
        kept = np.flatnonzero((levels != _NONE).any(axis=1))  # those that tell some samples apart
        kept = kept[best(scores[kept], n_kept)]
        levels = levels[kept]
        there = levels != _NONE
        thresholds = Thresholds(
            np.nonzero(there)[0].astype(np.int64),
            levels[there].astype(np.float64),
            np.zeros(len(kept), dtype=np.bool_),
        )
        return Oblique(sums.columns[kept], sums.weights[kept]), thresholds

    def _draw(self, usable: NDArray[np.int64], n: int) -> tuple[Oblique, NDArray[np.uint64]]:
        """Draw sums of these columns, and give the words of each; those that came before are left out."""
        words = _core.random_words(int(self.random_state), _core.Purpose.encoder, _LAYER, 0, 0, n * _WORDS)
        words = words.reshape(n, _WORDS)
        if len(usable) == 0:
            nothing = np.zeros((0, 1), dtype=np.int64)
            return Oblique(nothing, nothing), words[:0]
        widths = np.minimum(np.resize(np.array(self.terms, dtype=np.int64), n), len(usable))
        most = int(widths.max())
        places = distinct(words[:, :most], len(usable))
        weights = words[:, _FIRST_WEIGHT : _FIRST_WEIGHT + most]
        sizes = (weights >> np.uint64(1)) % np.uint64(self.largest_weight)
        signed = (sizes.astype(np.int64) + 1) * np.where(weights % np.uint64(2), -1, 1)
        signed[np.arange(most) >= widths[:, np.newaxis]] = 0
        # In ascending order of columns, the first weight above 0: the same comparison, but for its sign.
        order = np.argsort(np.where(signed == 0, len(usable), places), axis=1, kind="stable")
        places, signed = np.take_along_axis(places, order, axis=1), np.take_along_axis(signed, order, axis=1)
        signed *= np.sign(signed[:, :1])
        places[signed == 0] = 0
        common = np.gcd.reduce(signed, axis=1)  # 2 x + 2 y is x + y
        signed //= common[:, np.newaxis]
        first = np.sort(np.unique(np.hstack([places, signed]), axis=0, return_index=True)[1])
        return Oblique(usable[places[first]], signed[first]), words[first]

    def _levels(
        self, sums: Oblique, rows: NDArray[np.int16], samples: NDArray[np.uint64], y: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give thresholds of each sum, ascending, its value in some samples; and what its bits tell about classes."""
        levels: NDArray[Any] = np.full(samples.shape, _NONE)
        scores = np.zeros(sums.n, dtype=np.int64)
        n_at_a_time = max(_VALUES_AT_A_TIME // len(rows), 1)
        for start in range(0, sums.n, n_at_a_time):
            some = slice(start, start + n_at_a_time)
            values = Oblique(sums.columns[some], sums.weights[some])(rows)
            found = np.take_along_axis(values, samples[some].T.astype(np.int64), axis=0).T.astype(np.int64)
            found = np.sort(found, axis=1)
            useless = found == values.max(axis=0)[:, np.newaxis]  # nothing lies above it
            useless[:, 1:] |= found[:, 1:] == found[:, :-1]
            levels[some] = np.where(useless, _NONE, found)
            if y is not None:
                for j in range(levels.shape[1]):
                    scores[some] += tells(values > levels[some, j], y)
        return levels, scores


def distinct(words: NDArray[np.uint64], n: int) -> NDArray[np.int64]:
    """Turn rows of at most n random words into different numbers below n: word j gives one of those that are left."""
    places = np.zeros(words.shape, dtype=np.int64)
    for j in range(words.shape[1]):
        place = (words[:, j] % np.uint64(max(n - j, 1))).astype(np.int64)
        for before in np.sort(places[:, :j], axis=1).T:  # skip what was drawn before, in ascending order
            place += place >= before
        places[:, j] = place
    return places


_NONE: Any = np.iinfo(np.int32).max  # nothing lies above it
