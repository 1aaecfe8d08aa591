"""Samples to build into an exported program, with what the classifier predicts for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitlocal.estimator import BMLPClassifier
from bitlocal.export.encoding import EncoderCode, as_features
from bitlocal.export.errors import ExportError

N_MADE_UP = 4


def samples_header(classifier: BMLPClassifier, code: EncoderCode, prefix: str, samples: ArrayLike | None) -> str:
    """Write samples.h: samples, the class that the classifier predicts for each, and the names of the classes.

    Parameters
    ----------
    classifier : BMLPClassifier
        Fitted.
    code : EncoderCode
        Its encoder in C.
    prefix : str
        What names begin with.
    samples : array-like of shape (n_samples, n_features) or None
        Samples; None for a few of random numbers.

    Returns
    -------
    str

    Raises
    ------
    ExportError
        If the samples have another number of features, or missing values.
    """
    rows = _made_up(classifier, code) if samples is None else _checked(samples, code)
    classes = classifier.network_.predict(classifier._encode(rows))
    upper = prefix.upper()
    values = ",\n".join(f"    {{{', '.join(_c_value(value) for value in row)}}}" for row in rows.tolist())
    names = ",\n".join(f"    {_c_string(str(label))}" for label in classifier.classes_.tolist())
    expected = ", ".join(map(str, classes.tolist()))
    return f"""\
/* Samples, the class of each as bitlocal predicts it, from 0, and the names of the classes. */
#ifndef {upper}_SAMPLES_H
#define {upper}_SAMPLES_H

#include "{prefix}.h"

#define {upper}_N_SAMPLES {len(rows)}

static const {prefix}_feature_t {prefix}_samples[{upper}_N_SAMPLES][{upper}_N_FEATURES] = {{
{values}
}};

static const int {prefix}_expected[{upper}_N_SAMPLES] = {{{expected}}};

static const char *const {prefix}_class_names[{upper}_N_CLASSES] = {{
{names}
}};

#endif
"""


def _checked(samples: ArrayLike, code: EncoderCode) -> NDArray[Any]:
    rows = np.asarray(samples)
    if rows.ndim == 0 or len(rows) == 0:
        raise ExportError("no samples: expected at least one row")
    rows = rows.reshape(len(rows), -1)
    if rows.shape[1] != code.n_features:
        raise ExportError(f"samples of {rows.shape[1]} features, but the model has {code.n_features}")
    rows = as_features(rows, code.feature_type)
    if rows.dtype.kind == "f" and not np.isfinite(rows).all():
        raise ExportError("a sample has a missing or infinite value, for which C has no constant: choose others")
    return rows


def _made_up(classifier: BMLPClassifier, code: EncoderCode) -> NDArray[Any]:
    """Draw numbers from the range in which the encoder's thresholds lie, as far as it has such."""
    rng = np.random.default_rng(0)
    shape = (N_MADE_UP, code.n_features)
    if classifier.encoder_ is None:
        return as_features(rng.integers(0, 2, shape), code.feature_type)
    thresholds = np.asarray(getattr(classifier.encoder_, "thresholds_", ()), dtype=np.float64)
    low, high = (thresholds.min(), thresholds.max()) if thresholds.size else (0, 255)
    return as_features(rng.uniform(low - 0.5, high + 1.5, shape), code.feature_type)


def _c_value(value: float) -> str:
    return f"{value!r}f" if isinstance(value, float) else str(value)


def _c_string(text: str) -> str:
    """Quote text for C; what is not ASCII becomes octal escapes of its UTF-8, which no digit behind them can change."""
    plain = (
        chr(octet) if 32 <= octet < 127 and chr(octet) not in '"\\?' else f"\\{octet:03o}" for octet in text.encode()
    )
    return f'"{"".join(plain)}"'
