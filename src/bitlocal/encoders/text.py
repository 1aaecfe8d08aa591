"""Texts to bits: which hashed n-grams they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import narwhals as nw
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from bitlocal import _core
from bitlocal.encoders.base import Encoder
from bitlocal.encoders.checks import Arrays, Words, require, require_whole
from bitlocal.encoders.program import Piece
from bitlocal.encoders.tables.columns import is_missing

_NGRAM_RANGES = {"word": (1, 1), "char": (2, 4), "char_wb": (2, 4)}
_BITS_AT_A_TIME = 2**20  # texts are encoded in pieces of about so many bits
_TEXTS_TO_LEARN_FROM = 20_000
_HASHES = 2**31 - 1  # of scikit-learn's


@dataclass(frozen=True)
class Hashes:
    """A stage: buckets into which the hashes of n-grams fall.

    Attributes
    ----------
    find : callable
        Hashes the n-grams of texts: a sparse matrix with a row a text, and a column a hash.
    n_bits : int
        Buckets.
    n_hashes : int
        Buckets that each n-gram falls into.
    """

    find: Callable[[list[str]], Any]
    n_bits: int
    n_hashes: int

    def write(self, rows: list[str], words: Words, first_bit: int) -> None:
        """Write the bits of texts."""
        found = self.find(rows)
        hashes = found.indices.astype(np.uint64)
        texts = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
        bits = np.zeros((found.shape[0], self.n_bits), dtype=np.bool_)
        for k in range(self.n_hashes):
            bits[texts, _bucket(hashes, k, self.n_bits)] = True
        _core.place_bits(_core.pack(bits), self.n_bits, words, first_bit)


class TextEncoder(Encoder):
    """Texts to bits: each n-gram of a text sets a few bits, chosen by its hash.

    A bit says whether an n-gram of the text falls into its bucket. Since the network compares whole rows of bits, it
    learns nothing from bits that are nearly always 0; so an n-gram falls into several buckets, as in a Bloom filter,
    and about a quarter of the bits of a typical text are set. N-grams are found and hashed by scikit-learn's
    `HashingVectorizer`: there is no vocabulary, and any text can be encoded.

    Parameters
    ----------
    n_bits : int, default=4096
        Buckets. More of them tell apart more n-grams.
    analyzer : {"word", "char", "char_wb"}, default="word"
        N-grams of words (of two or more letters, digits or underscores), of characters, or of characters within words.
    ngram_range : tuple of int or None, default=None
        Shortest and longest n-grams; None for (1, 1) with words and (2, 4) with characters.
    lowercase : bool, default=True
        Whether letters are made small first.
    n_hashes : int or "auto", default="auto"
        Buckets that each n-gram falls into. "auto": as many as set a quarter of the bits in the training text that has
        the median number of n-grams, ln 4/3 times `n_bits` over that number.

    Attributes
    ----------
    n_hashes_ : int
        Buckets that each n-gram falls into.
    n_bits_ : int
        Bits of an encoded text.
    n_features_in_ : int
        1: a sample is one text.

    Notes
    -----
    A missing text (None, NaN, NA) is taken for an empty one, which has no bits set. A hash cannot be undone: bits have
    only the numbers of buckets for names, and cannot be turned back into texts.

    References
    ----------
    B. H. Bloom, "Space/time trade-offs in hash coding with allowable errors", Communications of the ACM 13, 1970.

    Examples
    --------
    >>> from bitlocal import TextEncoder
    >>> encoder = TextEncoder(n_bits=64).fit(["good morning", "good night"])
    >>> encoder.n_hashes_
    9
    >>> encoder.transform(["good morning", "Good morning!", None]).sum(axis=1)
    array([17, 17,  0])
    >>> encoder.get_feature_names_out()[:2]
    array(['hash 0', 'hash 1'], dtype=object)
    """

    takes_raw_samples = True
    n_hashes_: int

    def __init__(
        self,
        n_bits: int = 4096,
        analyzer: Literal["word", "char", "char_wb"] = "word",
        ngram_range: tuple[int, ...] | None = None,
        lowercase: bool = True,
        n_hashes: int | Literal["auto"] = "auto",
    ) -> None:
        self.n_bits = n_bits
        self.analyzer = analyzer
        self.ngram_range = ngram_range
        self.lowercase = lowercase
        self.n_hashes = n_hashes

    def fit(self, X: ArrayLike, y: object = None) -> TextEncoder:
        """Find out how many n-grams a text has.

        Parameters
        ----------
        X : array-like of str, shape (n_samples,)
            Texts: a list, an array, a column of a DataFrame, or an array or DataFrame of one column.
        y : object, optional
            Not used.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is not valid, or a sample is not a text.
        """
        self._check_parameters()
        texts = read_texts(X)
        self._require_ngrams(texts)
        self.n_features_in_ = 1
        self.n_hashes_ = self._auto_hashes(texts) if self.n_hashes == "auto" else int(self.n_hashes)
        return self

    def _require_ngrams(self, texts: list[str]) -> None:
        """Complain if there is nothing to tell the texts apart by."""
        if any(self._hash(texts[rows]).nnz for rows in self._pieces(texts)):
            return
        shortest = self._ngram_range()[0]
        if not any(text.strip() for text in texts):
            advice = "give texts that are not empty"
        elif self.analyzer == "word":
            advice = (
                f"it takes {shortest} words at least, of two or more letters or digits; n-grams of characters are "
                "analyzer='char' ('text:char')"
            )
        else:
            advice = f"all of them are shorter than {shortest} characters; set ngram_range=(1, {shortest}), say"
        raise ValueError(f"no n-gram was found in any of {len(texts)} texts: {advice}")

    def _auto_hashes(self, texts: list[str]) -> int:
        chosen = texts[:: -(-len(texts) // _TEXTS_TO_LEARN_FROM)]
        counts = [np.diff(self._hash(chosen[rows]).indptr) for rows in self._pieces(chosen)]
        some = np.sort(np.concatenate(counts))
        some = some[some > 0]
        n_ngrams = int(some[(len(some) - 1) // 2]) if len(some) else 1
        n_hashes = (2 * 287_682 * int(self.n_bits) + 1_000_000 * n_ngrams) // (2_000_000 * n_ngrams)  # rounded
        return min(max(n_hashes, 1), int(self.n_bits))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Name each bit by its bucket, as in `hash 17`.

        Parameters
        ----------
        input_features : array-like of str, optional
            Not used.

        Returns
        -------
        ndarray of str objects, shape (n_bits,)
        """
        return np.asarray([f"hash {i}" for i in range(self.n_bits_)], dtype=object)

    def validate(self, X: ArrayLike) -> list[str]:
        """Read texts."""
        return read_texts(X)

    def piece(self) -> Piece:
        """Hash n-grams to buckets."""
        check_is_fitted(self)
        return Piece(self.validate, (Hashes(self._hash, int(self.n_bits), self.n_hashes_),), cut=self._pieces)

    def _pieces(self, X: list[str]) -> Iterator[slice]:
        """Cut texts into pieces whose bits are not too many."""
        n_texts = max(_BITS_AT_A_TIME // int(self.n_bits), 16)
        return (slice(first, first + n_texts) for first in range(0, len(X), n_texts))

    def _hash(self, texts: list[str]) -> Any:
        """Hash n-grams: a sparse matrix with a row for each text and a column for each hash."""
        from sklearn.feature_extraction.text import HashingVectorizer  # here, since it takes long to import

        hasher = HashingVectorizer(
            n_features=_HASHES,
            analyzer=self.analyzer,
            ngram_range=self._ngram_range(),
            lowercase=bool(self.lowercase),
            binary=True,
            norm=None,
            alternate_sign=False,
        )
        found = hasher.transform(texts)
        found.sum_duplicates()
        return found

    def _ngram_range(self) -> tuple[int, ...]:
        return _NGRAM_RANGES[self.analyzer] if self.ngram_range is None else tuple(map(int, self.ngram_range))

    def _check_parameters(self) -> None:
        require_whole("n_bits", self.n_bits)
        require(self.n_bits < 2**31, f"n_bits={self.n_bits!r}: expected at most {2**31 - 1}")
        known = ", ".join(map(repr, _NGRAM_RANGES))
        require(
            isinstance(self.analyzer, str) and self.analyzer in _NGRAM_RANGES,
            f"analyzer={self.analyzer!r} is unknown: use {known}",
        )
        if self.ngram_range is not None:
            told = f"ngram_range={self.ngram_range!r}: expected the shortest and the longest, as in (1, 2), or None"
            require(isinstance(self.ngram_range, (tuple, list)) and len(self.ngram_range) == 2, told)
            for n in self.ngram_range:
                require_whole("ngram_range", n)
            require(self.ngram_range[0] <= self.ngram_range[1], told)
        require(
            isinstance(self.lowercase, (bool, np.bool_, int)),
            f"lowercase={self.lowercase!r}: expected True or False",
        )
        if self.n_hashes != "auto":
            require_whole("n_hashes", self.n_hashes)
            require(self.n_hashes <= self.n_bits, f"n_hashes={self.n_hashes!r}: expected at most n_bits={self.n_bits}")

    def fitted(self) -> tuple[dict[str, Any], Arrays]:
        """Give what `fit` found, for a model file."""
        return {"n_hashes": self.n_hashes_}, {}

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n_features: int) -> None:
        """Take back what `fitted` gave."""
        self._check_parameters()
        require(n_features == 1, "an encoder of texts takes one feature")
        n_hashes = values["n_hashes"]
        require(type(n_hashes) is int and 0 < n_hashes <= self.n_bits, "the number of hashes is not valid")
        self.n_features_in_, self.n_hashes_ = 1, n_hashes

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.requires_fit = True
        return tags


def _bucket(hashes: NDArray[np.uint64], k: int, n_buckets: int) -> NDArray[np.int64]:
    """Give the k-th bucket of each hash: SplitMix64's last step makes numbers that look independent."""
    x = hashes | np.uint64(k << 32)
    x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    buckets: NDArray[np.uint64] = (x ^ x >> np.uint64(31)) % np.uint64(n_buckets)
    return buckets.astype(np.int64)


def are_texts(X: Any) -> bool:
    """Tell whether samples are texts: one dimension, and nothing but text and missing values."""
    if hasattr(X, "shape") and len(X.shape) != 1:  # tables are not, even with a single column
        return False
    values = _values(X)
    return any(isinstance(value, str) for value in values) and all(
        isinstance(value, str) or (np.ndim(value) == 0 and is_missing(value)) for value in values
    )


def read_texts(X: Any) -> list[str]:
    """Read texts; a missing one is empty.

    Parameters
    ----------
    X : list or other sequence, ndarray, Series of any library, or any of them with one column

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If it is no sequence of texts.
    """
    values = _values(X)
    if not values:
        what = f"the text {X[:20]!r}" if isinstance(X, str) else f"a {type(X).__name__} without any"
        raise ValueError(f"expected a list of texts, got {what}: give a list, an array or a column of a table")
    texts = []
    for i, value in enumerate(values):
        if isinstance(value, str):
            texts.append(str(value))
        elif np.ndim(value) == 0 and is_missing(value):
            texts.append("")
        else:
            raise ValueError(f"sample {i}: expected a text, got {value!r:.40}: encode texts on their own, as str")
    return texts


def _values(X: Any) -> list[Any]:
    """Give the values of anything with one dimension, or one column; an empty list if it is no such thing."""
    data: Any = nw.from_native(X, eager_only=True, allow_series=True, pass_through=True)
    if isinstance(data, nw.DataFrame):
        return list(data.get_column(data.columns[0]).to_list()) if len(data.columns) == 1 else []
    if isinstance(data, nw.Series):
        return list(data.to_list())
    if isinstance(X, np.ndarray):
        return list(X.ravel().tolist()) if X.ndim == 1 or (X.ndim == 2 and X.shape[1] == 1) else []
    return list(X) if isinstance(X, Sequence) and not isinstance(X, (str, bytes)) else []
