"""Random Prototypes: a synthetic task whose difficulty is one number, the noise.

Each class has one or more prototypes of uniformly random bits. A sample is a prototype of its class in which
each bit has been flipped with probability `noise`, independently. Everything is integer arithmetic on the
project's counter-based random numbers (docs/algorithm.md, section 3, purpose 6, step 0), so a seed means the
same bits on every machine:

* layer 0, row r: prototype r mod `prototypes_per_class` of class r div `prototypes_per_class`. Bit j is bit j
  mod 64 of word j div 64, least significant first.
* layer 1 (training) and layer 2 (test), row i: sample i. Its class is i mod `n_classes`, and its prototype
  number (i div `n_classes`) mod `prototypes_per_class`, so classes are balanced. Word j div 4 is cut into
  four fields of 16 bits, least significant first; bit j is flipped where field j mod 4 is below ⌊noise ·
  2¹⁶⌋.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.datasets.container import Dataset
from bitlocal.errors import DataError

_PURPOSE = 6
_PROTOTYPES, _TRAIN, _TEST = 0, 1, 2

_RandomWords = Callable[[int, int, int, int, int, int], NDArray[np.uint64]]


def load_prototypes(
    *,
    seed: int = 0,
    n_classes: int = 10,
    n_features: int = 1000,
    n_train: int = 6000,
    n_test: int = 1000,
    prototypes_per_class: int = 1,
    noise: float = 0.44,
) -> Dataset:
    """Draw a Random Prototypes task.

    The default noise is neither trivial nor hopeless: choosing the nearest of the true
    prototypes is right for about 97 % of the samples (0.40 gives 99.99 %, 0.45 gives 92 %).

    Parameters
    ----------
    seed : int, default 0
        Each seed from 0 to 2**64 - 1 gives other prototypes and other samples.
    n_classes : int, default 10
        Number of classes, at least 2.
    n_features : int, default 1000
        Number of bits of a sample.
    n_train, n_test : int, default 6000 and 1000
        Number of samples of the two splits.
    prototypes_per_class : int, default 1
        With more than one, a class is a union of separate clusters, which is harder to learn.
    noise : float, default 0.44
        Probability that a bit is flipped, from 0 to 0.5, rounded down to a multiple of 2**-16.

    Returns
    -------
    Dataset
        Bits as bool, labels as int64.

    Raises
    ------
    DataError
        If a parameter is out of range.

    Examples
    --------
    >>> from bitlocal.datasets import load
    >>> data = load("prototypes", n_features=100, n_train=50, n_test=20)
    >>> data.X.shape, data.X.dtype, data.X_test.shape
    ((50, 100), dtype('bool'), (20, 100))
    """
    seed = _integer("seed", seed, 0, 2**64 - 1)
    n_classes = _integer("n_classes", n_classes, 2)
    n_features = _integer("n_features", n_features, 1)
    n_train = _integer("n_train", n_train, 1)
    n_test = _integer("n_test", n_test, 1)
    prototypes_per_class = _integer("prototypes_per_class", prototypes_per_class, 1)
    if isinstance(noise, bool) or not isinstance(noise, (int, float, np.number)) or not 0 <= noise <= 0.5:
        raise DataError(
            f"prototypes: noise must be a number from 0 to 0.5, but it is {noise!r}; choose one in that range"
        )
    # Multiplication by a power of two is exact, so this does not depend on rounding.
    threshold = int(float(noise) * 65536)

    # Imported here so that every other data set works without the compiled core.
    from bitlocal._core import random_words

    prototypes = _draw_prototypes(random_words, seed, n_classes * prototypes_per_class, n_features)

    def split(layer: int, n: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        index = np.arange(n)
        y = index % n_classes
        rows = y * prototypes_per_class + index // n_classes % prototypes_per_class
        x = prototypes[rows]
        for i in range(n):
            x[i] ^= _draw_flips(random_words, seed, layer, i, n_features, threshold)
        return x, y.astype(np.int64)

    x_train, y_train = split(_TRAIN, n_train)
    x_test, y_test = split(_TEST, n_test)
    return Dataset(name="prototypes", X=x_train, y=y_train, X_test=x_test, y_test=y_test)


def _draw_prototypes(random_words: _RandomWords, seed: int, n: int, n_features: int) -> NDArray[np.bool_]:
    bits = np.empty((n, n_features), dtype=np.bool_)
    for row in range(n):
        words = random_words(seed, _PURPOSE, _PROTOTYPES, 0, row, -(-n_features // 64))
        # As little-endian bytes, so that bit 0 of word 0 comes first on every machine.
        octets = np.asarray(words, dtype="<u8").view(np.uint8)
        bits[row] = np.unpackbits(octets, bitorder="little")[:n_features]
    return bits


def _draw_flips(
    random_words: _RandomWords, seed: int, layer: int, row: int, n_features: int, threshold: int
) -> NDArray[np.bool_]:
    words = random_words(seed, _PURPOSE, layer, 0, row, -(-n_features // 4))
    fields = np.asarray(words, dtype="<u8").view("<u2")[:n_features]
    flips: NDArray[np.bool_] = fields < threshold
    return flips


def _integer(name: str, value: Any, least: int, most: int = 2**32) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or not least <= number <= most:
        raise DataError(
            f"prototypes: {name} must be an integer from {least} to {most}, but it is {value!r}; choose one "
            "in that range"
        )
    return number
