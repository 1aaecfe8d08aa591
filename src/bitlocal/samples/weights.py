"""How often samples count: weights as people give them, and as the core takes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import _safe_indexing

from bitlocal import _core

ONE = 2**32  # the core's unit is its reciprocal
MOST: int = _core.most_repeats  # a counter of 16 bits has no more steps


def to_fixed(weights: ArrayLike) -> NDArray[np.uint64]:
    """Give weights in the core's units of 2**-32.

    Parameters
    ----------
    weights : array-like of float, shape (n_samples,)
        From 0 to 32767.

    Returns
    -------
    ndarray of uint64, shape (n_samples,)
        Rounded to the nearest, ties to even.

    Examples
    --------
    >>> from bitlocal.samples.weights import to_fixed
    >>> to_fixed([1, 0.5, 2]).tolist() == [2**32, 2**31, 2**33]
    True
    """
    return np.asarray(np.rint(np.asarray(weights, dtype=np.float64) * ONE), dtype=np.uint64)


def weigh(
    X: Any,
    labels: NDArray[np.intp],
    classes: NDArray[Any],
    sample_weight: ArrayLike | None,
    class_weight: Mapping[Any, float] | str | None,
    *,
    stream: bool = False,
) -> tuple[Any, NDArray[np.intp], NDArray[np.uint64] | None]:
    """Give the samples that count at all, and how often each does.

    Parameters
    ----------
    X : array-like, DataFrame or PackedBits of n_samples rows
        Samples.
    labels : ndarray of int, shape (n_samples,)
        Their places among the classes.
    classes : ndarray of shape (n_classes,)
        Class labels.
    sample_weight : array-like of shape (n_samples,), or one number, or None
        Weights of the samples; None for 1 each.
    class_weight : mapping of label to number, "balanced" or None
        Weights of the classes, by which those of samples are multiplied; a class that is not named has 1. "balanced":
        n_samples / (n_classes * samples of the class), where samples count by their weight.
    stream : bool, default=False
        Whether more samples will come, so that nothing may depend on all of these together. Otherwise weights that are
        all below 1 are taken for shares, as boosting gives them, and divided by their mean: taken as they are, hardly
        any sample would be presented.

    Returns
    -------
    X, labels : as they came, ndarray of int
        Without the samples of weight 0.
    weights : ndarray of uint64, or None
        As `to_fixed` gives them; None where each sample counts once.

    Raises
    ------
    ValueError
        If weights are negative, not finite, of another shape or too large, all of them zero (but in a stream), or of
        classes that there are not.
    """
    if sample_weight is None and class_weight is None:
        return X, labels, None
    weights = _of_samples(sample_weight, len(labels))
    if class_weight is not None:
        if stream and isinstance(class_weight, str):
            raise ValueError(
                f"class_weight={class_weight!r} cannot be known in a stream: give weights as a dict, as from "
                "sklearn.utils.compute_class_weight on typical labels"
            )
        weights = weights * _of_classes(labels, classes.tolist(), weights, class_weight)
    if len(weights) and weights.max() > MOST:
        i = int(weights.argmax())
        raise ValueError(
            f"sample {i} has the weight {weights[i]:g}: a weight says how often a sample counts in its mini-batch, at "
            f"most {MOST}; if only the relation between weights matters, give weights / weights.mean()"
        )
    fixed = to_fixed(weights if stream else _made_presentable(weights))
    kept = np.flatnonzero(fixed)
    if len(kept) == 0 and not stream:
        raise ValueError("all weights are zero: at least one sample must have a weight above 0")
    if len(kept) < len(fixed):
        X, labels, fixed = _safe_indexing(X, kept), labels[kept], fixed[kept]
    return X, labels, None if (fixed == ONE).all() else fixed


def _of_samples(sample_weight: ArrayLike | None, n: int) -> NDArray[np.float64]:
    if sample_weight is None:
        return np.ones(n)
    try:
        weights = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"sample_weight: expected numbers, one for each sample: {error}") from error
    if weights.ndim == 0:
        weights = np.full(n, float(weights))
    if weights.shape != (n,):
        raise ValueError(f"sample_weight: expected shape ({n},), one weight for each sample, got {weights.shape}")
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        raise ValueError(
            f"sample_weight: expected finite numbers of at least 0, got {weights[bad[0]]:g} for sample {bad[0]}, one "
            f"of {len(bad)} such: 0 leaves a sample out"
        )
    return weights


def _of_classes(
    labels: NDArray[np.intp], classes: list[Any], weights: NDArray[np.float64], class_weight: Mapping[Any, float] | str
) -> NDArray[np.float64]:
    if isinstance(class_weight, str):  # "balanced", which samples left out must not shift
        total = np.bincount(labels, weights, minlength=len(classes))
        present = total > 0
        of_class = np.where(present, total.sum() / (max(present.sum(), 1) * np.where(present, total, 1)), 0)
    else:
        for label in class_weight:
            if label not in classes:
                raise ValueError(f"class_weight names the class {label!r}, but the classes are {classes!r}")
        of_class = np.array([class_weight.get(label, 1) for label in classes], dtype=np.float64)
    return np.asarray(of_class[labels], dtype=np.float64)


def _made_presentable(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide weights that are all below 1 by the mean of those above 0.

    The mean is rounded once, so that every machine has the same.
    """
    if not 0 < weights.max(initial=0) < 1:
        return weights
    above = weights[weights > 0]
    return np.minimum(weights / (math.fsum(above) / len(above)), MOST)
