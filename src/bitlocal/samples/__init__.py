"""Samples as they come, checked and encoded: what every estimator of this package does with X and y."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data

from bitlocal.bits import PackedBits, are_sparse_bits, is_sparse, pack
from bitlocal.encoders.resolve import is_automatic, resolve, takes_raw
from bitlocal.encoders.sparse import as_matrix, checked, is_sparse_frame, is_sparse_table
from bitlocal.encoders.tables.columns import is_missing
from bitlocal.encoders.tables.doubts import tell_index
from bitlocal.encoders.union import parts_of, program_of, takes_raw_samples

Samples = NDArray[Any] | PackedBits


def read_training(
    estimator: Any, X: ArrayLike | PackedBits, y: ArrayLike, *, finite: bool | str = "allow-nan", go_on: bool = False
) -> tuple[Samples, NDArray[Any]]:
    """Check samples and labels to learn from.

    Parameters
    ----------
    estimator : estimator
        What learns; `n_features_in_` and the names of features are noted in it.
    X : array-like, sparse matrix, DataFrame or PackedBits
        Samples; what the encoder takes as it comes is left so.
    y : array-like of shape (n_samples,)
        Class labels.
    finite : bool or "allow-nan", default="allow-nan"
        Whether numbers must be finite, as in scikit-learn's `check_array`.
    go_on : bool, default=False
        Whether the encoder is fitted already, so that samples must fit it.

    Returns
    -------
    X, y : ndarray or PackedBits or what came; ndarray

    Raises
    ------
    ValueError
        If they cannot be used; the message says what was expected.
    """
    data: Any
    target: NDArray[Any]
    if y is None:
        raise ValueError(f"This {type(estimator).__name__} requires y to be passed, but the target y is None")
    y = _labels(y)
    if not go_on:
        tell_index(getattr(X, "column_names", getattr(X, "columns", ())))
    came = X
    raw = takes_raw_samples(estimator.encoder_) if go_on else takes_raw(estimator.encoder, X)
    if not raw:
        X = _packed_if_sparse(estimator.encoder_ if go_on else estimator.encoder, X, fitted=go_on)
    if isinstance(X, PackedBits) or raw:
        data, target = X, y
        check_consistent_length(data, target)
        if len(target) == 0:
            raise ValueError("found no samples: at least one is needed")
        if not go_on and hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
        if not go_on and isinstance(X, PackedBits):
            estimator.n_features_in_ = X.n_bits
        if not raw and is_sparse_frame(came):
            validate_data(estimator, came, skip_check_array=True, reset=not go_on)  # names
    else:
        data, target = checked(estimator, X, y, dtype="numeric", ensure_all_finite=finite, reset=not go_on)
    check_classification_targets(target)
    return data, target


def _labels(y: ArrayLike) -> NDArray[Any]:
    """Check labels: one for each sample, and none of them missing."""
    target: NDArray[Any] = column_or_1d(_as_objects(y), warn=True)
    if target.dtype.kind == "O":
        missing = [i for i, label in enumerate(target.tolist()) if np.ndim(label) == 0 and is_missing(label)]
    else:
        missing = np.flatnonzero(target != target).tolist() if target.dtype.kind in "fM" else []
    if missing:
        raise ValueError(
            f"y: the label of sample {missing[0]} is missing, one of {len(missing)} missing labels of {len(target)}: "
            "fill them in, or leave these samples out"
        )
    if target.dtype.kind == "O" and {isinstance(label, str) for label in target.tolist()} == {True, False}:
        raise ValueError("y: some labels are text, and others are not: make them one or the other, as by astype(str)")
    return target


def places_of(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.intp]:
    """Give the places of labels among the classes, which are in order."""
    unseen = np.setdiff1d(y, classes)
    if len(unseen):
        raise ValueError(f"y holds labels that are not among the classes {classes!r}: {unseen[:5]!r}")
    return np.searchsorted(classes, y)


def _as_objects(y: Any) -> Any:
    """Keep NumPy from making the text "nan" of a label that is missing in a list, and numbers of truth values."""
    if isinstance(y, (list, tuple)) and any(isinstance(label, str) for label in y):
        missing = any(np.ndim(label) == 0 and is_missing(label) for label in y)
        return np.array([*y, None], dtype=object)[:-1] if missing else y
    dtype = getattr(y, "dtype", None)  # pandas' own integers and truth values, which scikit-learn makes floating point
    if hasattr(y, "isna") and not isinstance(dtype, np.dtype) and getattr(dtype, "kind", "") in tuple("iub"):
        return y if bool(np.any(y.isna())) else np.asarray(y.tolist())
    return y


def read(estimator: Any, X: ArrayLike | PackedBits, *, finite: bool | str = "allow-nan") -> Any:
    """Check samples to predict, as `read_training` does."""
    if takes_raw_samples(estimator.encoder_):
        return X
    data = _packed_if_sparse(estimator.encoder_, X, fitted=True)
    if isinstance(data, PackedBits):
        if is_sparse_frame(X):
            validate_data(estimator, X, skip_check_array=True, reset=False)  # names
        return data
    return checked(estimator, data, dtype="numeric", ensure_all_finite=finite, reset=False)


def _packed_if_sparse(encoder: Any, X: Any, *, fitted: bool) -> Any:
    """Pack a sparse table where samples are bits; neither bits nor numbers become dense."""
    auto = not fitted and is_automatic(encoder)
    if not is_sparse_table(X) or not (encoder is None or auto):
        return X
    matrix = as_matrix(X)
    if auto and not are_sparse_bits(matrix):
        return X
    if fitted:
        return as_bits(matrix, _TAKEN_AS_BITS, _IF_NUMBERS)
    return as_bits(matrix, "encoder=None:", "; encoder='auto' compares other numbers with thresholds")


def fit_encoder(estimator: Any, X: Any, labels: NDArray[np.intp], encoder: Any) -> Any:
    """Fit what the parameter `encoder` stands for; None where samples are used as they are.

    The number and the names of the features are noted in the estimator, where the encoder alone knows them.
    """
    encoder = resolve(encoder, X, getattr(estimator, "preset", None))
    if encoder is None:
        return None
    try:
        fitted = encoder.fit(X, labels)
    except ValueError as error:
        if len(labels) != 1:
            raise
        raise ValueError(
            f"found 1 sample, from which no {type(encoder).__name__} can be fitted: begin with more samples; or fit an "
            "encoder on some before, and give encoder.pack(X); or say encoder=None, where samples are bits"
        ) from error
    if takes_raw_samples(encoder):
        knows: Any = next(iter(parts_of(encoder)), fitted)
        for name in ("n_features_in_", "feature_names_in_"):
            if getattr(knows, name, None) is not None:
                setattr(estimator, name, getattr(knows, name))
    return fitted


def encode(encoder: Any, X: Any, n_bits: int | None = None, *, n_threads: int = 1) -> PackedBits:
    """Encode samples that were checked.

    Parameters
    ----------
    encoder : transformer or None
        Fitted; None where samples are bits.
    X : ndarray, PackedBits or what the encoder takes
        Samples.
    n_bits : int, optional
        Bits of the samples in `fit`, to compare with.
    n_threads : int, default=1
        Threads that encode, which change no bit.

    Returns
    -------
    PackedBits

    Raises
    ------
    ValueError
        If they are no bits, or not as in `fit`.
    """
    if isinstance(X, PackedBits):
        if n_bits is not None and X.n_bits != n_bits:
            raise ValueError(f"expected packed rows of {n_bits} bits, as in fit, got {X.n_bits}")
        bits = X
    elif encoder is None:
        bits = as_bits(X, _TAKEN_AS_BITS, _IF_NUMBERS)
    elif (program := program_of(encoder)) is not None:
        bits = program.run(X, n_threads)
    else:
        output = encoder.transform(X)
        bits = as_bits(output if is_sparse(output) else np.asarray(output), "the encoder's output must be bits:")
    if bits.n_bits == 0:
        raise ValueError(
            "the samples have no bits to tell them apart by: every feature is constant, or text in which hardly any "
            "value comes again"
        )
    return bits


_TAKEN_AS_BITS = "the data were taken as bits in fit, so"
_IF_NUMBERS = (
    "; if they are numbers, of which the first samples happened to show two, give encoder='thermometer' and begin with "
    "typical ones, or fit an encoder before and give encoder.pack(X)"
)


def as_bits(X: Any, why: str, advice: str = "") -> PackedBits:
    """Pack booleans, -1/+1 or 0/1; anything else is an error, which begins with the reason why they should be."""
    try:
        return pack(X)
    except ValueError as error:
        raise ValueError(f"{why} {error}{advice}") from error
