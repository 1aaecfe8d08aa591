"""What all encoders share: samples in, packed bits out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from bitlocal.bits import PackedBits, unpack, words_for

Arrays = dict[str, NDArray[Any]]
Words = NDArray[np.uint64]


class Encoder(TransformerMixin, BaseEstimator):
    """Base of the encoders: transformers from samples to bits.

    A subclass has `fit`, and gives the number of its bits, their names, a way to write them into packed rows, and what
    a model file must hold to bring it back (see `bitlocal.files.model`).

    Attributes
    ----------
    n_bits_ : int
        Bits of an encoded sample.
    n_features_in_ : int
        Features seen by `fit`.
    """

    takes_raw_samples: ClassVar[bool] = False
    """Whether samples are taken as they come (DataFrames, images, texts), rather than as a table of numbers."""

    n_features_in_: int

    def transform(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Encode samples as booleans.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of bool, shape (n_samples, n_bits)
        """
        return unpack(self.pack(X))

    def pack(self, X: ArrayLike) -> PackedBits:
        """Encode samples straight into packed bits.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        PackedBits
        """
        check_is_fitted(self)
        return self._pack(self._validate(X))

    @property
    def n_bits_(self) -> int:
        """Bits of an encoded sample."""
        raise NotImplementedError

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Name each bit.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the features; those seen by `fit`, or x0, x1, ... by default.

        Returns
        -------
        ndarray of str objects, shape (n_bits,)
        """
        raise NotImplementedError

    def _validate(self, X: ArrayLike) -> Any:
        """Check samples to encode, and bring them to the form that `_write` takes."""
        raise NotImplementedError

    def _write(self, X: Any, words: Words, first_bit: int) -> None:
        """Write the bits of validated samples into rows of words, whose bits from `first_bit` on are still zero."""
        raise NotImplementedError

    def _bits(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Check bits to turn back into samples."""
        check_is_fitted(self)
        bits = np.asarray(X)
        if bits.ndim != 2 or bits.shape[1] != self.n_bits_ or bits.dtype != np.bool_:
            raise ValueError(
                f"expected booleans of shape (n_samples, {self.n_bits_}), got {bits.dtype} of shape {bits.shape}"
            )
        return bits

    def _pack(self, X: Any) -> PackedBits:
        words = np.zeros((len(X), words_for(self.n_bits_)), dtype=np.uint64)
        self._write(X, words, 0)
        return PackedBits(words, self.n_bits_)

    def _state(self) -> tuple[dict[str, Any], Arrays]:
        """Give what `fit` found: values for JSON, and arrays."""
        raise NotImplementedError

    def _set_state(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n_features: int) -> None:
        """Take back what `_state` gave; raises ValueError, LookupError or TypeError if it is not valid."""
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # booleans come out, whatever goes in
        return tags


class NumberEncoder(Encoder):
    """Base of the encoders of tables of numbers, in which NaN stands for a missing value."""

    def _validate(self, X: ArrayLike) -> NDArray[Any]:
        data: NDArray[Any] = validate_data(self, X, dtype="numeric", ensure_all_finite="allow-nan", reset=False)
        return data

    def _validate_to_fit(self, X: ArrayLike, y: object = None) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Check training data; y may be missing."""
        options: dict[str, Any] = {
            "dtype": "numeric",
            "ensure_all_finite": "allow-nan",
            "ensure_min_samples": 2,
        }
        target = None
        if y is None:
            data: Any = validate_data(self, X, **options)
        else:
            data, target = validate_data(self, X, y, **options)
        if data.dtype.itemsize >= 8:
            data = data.astype(np.float64, copy=False)  # thresholds cannot tell apart what float64 cannot
        return data, target

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def require(condition: Any, problem: str) -> None:
    """Raise a ValueError that tells the problem, unless the condition holds."""
    if not condition:
        raise ValueError(problem)


def require_whole(name: str, value: object) -> None:
    """Raise a ValueError unless a parameter is a whole number of at least 1."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name}={value!r}: expected a whole number of at least 1")
