"""What all encoders share: samples in, packed bits out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from bitlocal.bits import PackedBits, is_sparse, unpack
from bitlocal.encoders.checks import Arrays
from bitlocal.encoders.program import Piece, Program
from bitlocal.encoders.sparse import SparseRows, checked


class Encoder(TransformerMixin, BaseEstimator):
    """Base of the encoders: transformers from samples to bits.

    A subclass has `fit`; `validate` and `piece`, which make its program; the names of its bits; and `fitted` and
    `restore`, for model files.

    Attributes
    ----------
    program_ : Program
        What was fitted, as data: what files, exports and classifiers read.
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

    def pack(self, X: ArrayLike, n_jobs: int | None = None) -> PackedBits:
        """Encode samples straight into packed bits.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        n_jobs : int or None, default=None
            Threads, which share the samples and change no bit; -1 for all processors. None: 1, unless joblib's
            `parallel_config` says otherwise. Sparse tables, DataFrames and hashes of texts do not become faster.

        Returns
        -------
        PackedBits
        """
        return self.program_.run(X, effective_n_jobs(n_jobs))

    @property
    def program_(self) -> Program:
        """What was fitted, as data."""
        try:
            return Program((self.piece(),))
        except AttributeError:  # asked only now, since the answer takes as long as to encode a small sample
            check_is_fitted(self)
            raise

    @property
    def n_bits_(self) -> int:
        """Bits of an encoded sample."""
        return self.piece().n_bits

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

    def validate(self, X: ArrayLike) -> Any:
        """Check samples to encode, and bring them to the form that the stages take."""
        raise NotImplementedError

    def piece(self) -> Piece:
        """Give the stages, and how samples get there."""
        raise NotImplementedError

    def fitted(self) -> tuple[dict[str, Any], Arrays]:
        """Give what `fit` found and parameters do not tell: values for JSON, and arrays."""
        raise NotImplementedError

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n_features: int) -> None:
        """Take back what `fitted` gave; raises ValueError, LookupError or TypeError if it is not valid."""
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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # booleans come out, whatever goes in
        return tags


class NumberEncoder(Encoder):
    """Base of the encoders of tables of numbers, in which NaN stands for a missing value.

    A table may be sparse: it has the same bits as the dense one, which is never made.
    """

    def validate(self, X: ArrayLike) -> NDArray[Any] | SparseRows:
        """Check a table of numbers."""
        if type(X) is np.ndarray and self._is_sound(X):
            return X  # as a classifier hands it over: scikit-learn's checks take longer than to encode a small sample
        data: Any = checked(self, X, dtype="numeric", ensure_all_finite="allow-nan", reset=False)
        return SparseRows(data) if is_sparse(data) else data

    def _is_sound(self, X: NDArray[Any]) -> bool:
        """Tell whether scikit-learn's checks would give back just this array."""
        return (
            X.dtype.kind in "buif"
            and X.ndim == 2
            and X.shape[0] > 0
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
            and not np.isinf(X).any()
        )

    def _validate_to_fit(self, X: ArrayLike, y: object = None) -> tuple[Any, NDArray[Any] | None]:
        """Check training data, which stay sparse if they are; y may be missing."""
        options: dict[str, Any] = {
            "dtype": "numeric",
            "ensure_all_finite": "allow-nan",
            "ensure_min_samples": 2,
        }
        target = None
        if y is None:
            data: Any = checked(self, X, reset=True, **options)
        else:
            data, target = checked(self, X, y, reset=True, **options)
        if data.dtype.itemsize >= 8:
            data = data.astype(np.float64, copy=False)  # thresholds cannot tell apart what float64 cannot
        return data, target

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags
