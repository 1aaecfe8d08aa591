"""Samples to build into an exported program, with what the classifier predicts for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitlocal.encoders.program import Columns, Compared, Program
from bitlocal.encoders.signals.quantities import OfSignal
from bitlocal.export.c99.encoder import EncoderCode, as_features
from bitlocal.export.c99.texts import Texts
from bitlocal.export.errors import ExportError
from bitlocal.export.model import ExportModel

N_MADE_UP = 4


def samples_header(model: ExportModel, code: EncoderCode, texts: Texts, samples: ArrayLike | None) -> str:
    """Write samples.h: samples, the class that the model predicts for each, and the names of the classes.

    Parameters
    ----------
    model : ExportModel
    code : EncoderCode
        Its encoder in C.
    texts : Texts
        For the prefix.
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
    rows = _made_up(model, code) if samples is None else _checked(samples, code)
    each = [
        texts.fill("layouts/samples.h", "sample", values=", ".join(map(_c_value, row))).strip() for row in rows.tolist()
    ]
    names = [texts.fill("layouts/samples.h", "name", text=_escaped(str(label))).rstrip("\n") for label in model.classes]
    return texts.fill(
        "layouts/samples.h",
        "file",
        n=len(rows),
        samples=",\n".join(each),
        expected=", ".join(map(str, model.predict(model.encode(rows)).tolist())),
        names=",\n".join(names),
    )


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


def _made_up(model: ExportModel, code: EncoderCode) -> NDArray[Any]:
    """Draw numbers from the range in which the encoder's thresholds lie, as far as it has such."""
    rng = np.random.default_rng(0)
    shape = (N_MADE_UP, code.n_features)
    if model.program is None:
        return as_features(rng.integers(0, 2, shape), code.feature_type)
    thresholds = _near_features(model.program)
    thresholds = thresholds[np.isfinite(thresholds)]
    low, high = (thresholds.min(), thresholds.max()) if thresholds.size else (0, 255)
    return as_features(rng.uniform(low - 0.5, high + 1.5, shape), code.feature_type)


def _near_features(program: Program) -> NDArray[np.float64]:
    """Give the thresholds of one encoder, where they lie in the range of features or not far from it."""
    found = [stage for stage in program.stages if isinstance(stage, Compared)]
    if len(program.pieces) > 1 or not all(isinstance(stage.quantities, (Columns, OfSignal)) for stage in found):
        return np.zeros(0)
    return np.concatenate([np.zeros(0), *(stage.thresholds.values for stage in found)])


def _c_value(value: float) -> str:
    return f"{value!r}f" if isinstance(value, float) else str(value)


def _escaped(text: str) -> str:
    """Give text for a string in C; what is not ASCII becomes octal escapes of its UTF-8, which no digit can change."""
    return "".join(
        chr(octet) if 32 <= octet < 127 and chr(octet) not in '"\\?' else f"\\{octet:03o}" for octet in text.encode()
    )
