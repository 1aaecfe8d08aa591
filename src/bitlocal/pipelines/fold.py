"""`bitlocal.fold`: thresholds that compare samples as they come, with the very same bits."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.encoders.base import Encoder
from bitlocal.encoders.checks import Arrays
from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.oblique import ObliqueEncoder
from bitlocal.encoders.oblique.quantities import LARGEST, Levels
from bitlocal.encoders.thresholds import MedianBinarizer, ThresholdEncoder
from bitlocal.encoders.union import parts_of
from bitlocal.errors import PipelineError
from bitlocal.estimator import BMLPClassifier
from bitlocal.pipelines.steps import Chain
from bitlocal.pipelines.unwrap import unwrap

_LARGEST = np.finfo(np.float64).max
_SIGN = np.uint64(2**63)


def fold(model: Any) -> BMLPClassifier:
    """Make one classifier of a pipeline: what scalers and imputers do becomes part of its thresholds.

    It predicts from samples as they come exactly what the pipeline predicts, for every float64. `save` and the exports
    do this by themselves.

    Parameters
    ----------
    model : Pipeline, search, or BMLPClassifier
        Fitted: a pipeline of scalers (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler), imputers
        (SimpleImputer) and a BMLPClassifier; a search (GridSearchCV, say), of which the best estimator is taken; or a
        classifier, which is given back as it is.

    Returns
    -------
    BMLPClassifier
        A copy; the pipeline stays as it is.

    Raises
    ------
    TypeError
        If there is no BMLPClassifier at the end, or something else around it.
    PipelineError
        If a step, or the classifier's encoder, cannot be folded; the message says why, and what to do.

    Notes
    -----
    Integers are scaled as float64, so they are exact, too. scikit-learn scales float32 in float32, which rounds more
    often: what is folded gives for float32 what the pipeline gives for the same numbers as float64.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> import bitlocal
    >>> X, y = load_iris(return_X_y=True)
    >>> pipeline = make_pipeline(StandardScaler(), bitlocal.BMLPClassifier((45,), random_state=0)).fit(X, y)
    >>> clf = bitlocal.fold(pipeline)
    >>> bool((clf.predict(X) == pipeline.predict(X)).all())
    True
    """
    if isinstance(model, BMLPClassifier):
        unwrap(model)
        return model
    steps, classifier = unwrap(model)
    chain = Chain(steps, int(getattr(classifier, "n_features_in_", 0)))
    folded = copy.deepcopy(classifier)
    if not chain.any:
        return folded
    encoder = folded.encoder_
    if encoder is None:  # bits, by chance or since a scaler makes such: 0/1 or -1/+1
        n = classifier.n_features_in_
        bits = Thresholds(np.arange(n), np.full(n, 0.5), np.zeros(n, dtype=np.bool_))
        folded.encoder_ = MedianBinarizer(scope="column")
        _take(folded.encoder_, _folded(bits, chain).to_arrays(), chain)
        if folded.encoder is None:
            folded.encoder = MedianBinarizer(scope="column")
    else:
        for part in _comparing(encoder):
            if isinstance(part, ObliqueEncoder):
                _take_levels(part, chain)
            else:
                _take(part, _folded(_thresholds_of(part), chain).to_arrays(), chain)
    folded.n_features_in_ = chain.n_features
    if hasattr(folded, "feature_names_in_"):
        del folded.feature_names_in_
    if chain.names is not None:
        folded.feature_names_in_ = chain.names.copy()
    return folded


def _comparing(encoder: Any) -> list[ThresholdEncoder | ObliqueEncoder]:
    """Give the parts of an encoder, all of which must compare single features with thresholds or levels."""
    parts = [part for part in parts_of(encoder) if isinstance(part, (ThresholdEncoder, ObliqueEncoder))]
    if not parts or len(parts) < len(parts_of(encoder)):
        raise PipelineError(
            f"the steps before a BMLPClassifier cannot be folded into its encoder, a {type(encoder).__name__}, which "
            "does not compare single features: expected a ThermometerEncoder, a MedianBinarizer or an ObliqueEncoder; "
            "leave the steps out and fit again, or pickle the pipeline"
        )
    return parts


def _thresholds_of(encoder: ThresholdEncoder) -> Thresholds:
    return Thresholds(encoder.columns_, encoder.thresholds_, encoder.missing_, encoder.filled_)


def _take(encoder: Encoder, arrays: Arrays, chain: Chain) -> None:
    if hasattr(encoder, "feature_names_in_"):  # of what the steps gave, not of samples as they come
        del encoder.feature_names_in_
    encoder.restore({}, arrays, chain.n_features)


def _take_levels(encoder: ObliqueEncoder, chain: Chain) -> None:
    """Give sums the levels of samples as they come, which are thresholds too, but may be as many as they like."""
    _, arrays = encoder.fitted()
    levels = Levels.from_arrays(arrays, encoder.n_features_in_)
    columns = np.flatnonzero(levels.step > 0)
    each = levels.thresholds()[columns]
    none = np.zeros(levels.n, dtype=np.bool_)
    found = Thresholds(np.repeat(columns, each.shape[1]), each.ravel(), none)
    chain.require_order(found.columns)
    is_filled, n_below = _fill(found, chain)
    shape = (chain.n_features, each.shape[1])
    centre, step, folded = np.zeros(shape[0]), np.zeros(shape[0]), np.zeros(shape)
    filled = np.zeros(shape[0], dtype=np.int16)
    step[chain.kept[columns]] = 1
    folded[chain.kept[columns]] = _largest_not_above(found, chain).reshape(-1, shape[1])
    was = np.zeros(levels.n, dtype=np.int16) if levels.filled is None else levels.filled
    filled[chain.kept] = np.where(levels.step > 0, np.where(is_filled, n_below - LARGEST, was), 0)
    moved = Levels(centre, step, folded, filled).to_arrays()
    _take(encoder, {**arrays, **moved, "terms": chain.kept[arrays["terms"]]}, chain)


def _folded(found: Thresholds, chain: Chain) -> Thresholds:
    """Give thresholds of samples as they come that have the bits of thresholds of what the steps make of them."""
    chain.require_order(np.append(found.columns, np.flatnonzero(found.missing)))
    columns = chain.kept[found.columns]
    values = _largest_not_above(found, chain)
    filled, n_above = _fill(found, chain)
    if (filled & found.missing).any():
        raise PipelineError(
            "the encoder of the BMLPClassifier has bits for missing values, which an imputer before it fills in: "
            "its steps were fitted apart from each other; fit the pipeline as a whole"
        )
    missing = np.zeros(chain.n_features, dtype=np.bool_)
    missing[chain.kept] = found.missing
    above = np.zeros(chain.n_features, dtype=np.int64)
    above[chain.kept] = n_above
    together = np.flatnonzero((columns[1:] == columns[:-1]) & (values[1:] <= values[:-1]))
    if len(together):
        raise PipelineError(
            f"feature {columns[together[0]]}: no float64 lies between two of its thresholds once they are folded: "
            "the numbers that the BMLPClassifier was fitted on lie closer together than those before the steps; put "
            "imputers before scalers, fit with fewer bits, or pickle the pipeline"
        )
    return Thresholds(columns, values, missing, above if above.any() else None)


def _largest_not_above(found: Thresholds, chain: Chain) -> NDArray[np.float64]:
    """Find for each threshold the largest double that the steps do not bring above it, by bisection.

    Steps keep order, so a number is brought above the threshold just if it lies above that double.
    """
    # A row of samples asks for the next threshold of every feature.
    place = np.arange(len(found.values)) - np.searchsorted(found.columns, found.columns)
    raw = chain.kept[found.columns]
    samples = np.zeros((int(place.max(initial=-1)) + 1, chain.n_features))

    def above(ranks: NDArray[np.uint64]) -> NDArray[np.bool_]:
        samples[place, raw] = _doubles(ranks)
        result: NDArray[np.bool_] = chain(samples)[place, found.columns] > found.values
        return result

    if not len(found.values):
        return np.zeros(0)
    low, high = (np.repeat(_ranks(np.array([end])), len(found.values)) for end in (-_LARGEST, _LARGEST))
    always = above(low)  # clipped, say, and what is filled in lies below
    low = np.where(above(high), low, high)  # where no number is above, the largest double serves
    while (open_ := high > low + 1).any():
        middle = low + (high - low) // 2
        is_above = above(middle)
        low, high = np.where(open_ & ~is_above, middle, low), np.where(open_ & is_above, middle, high)
    return np.where(always, -np.inf, _doubles(low))


def _fill(found: Thresholds, chain: Chain) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Tell which features the steps fill in, and how many thresholds lie below what they put there."""
    filled = chain(np.full((1, chain.n_features), np.nan))[0]
    below = filled[found.columns] > found.values
    n_below = np.bincount(found.columns[below], minlength=found.n)
    was_filled = np.zeros(found.n, dtype=np.int64) if found.filled is None else found.filled
    is_filled = ~np.isnan(filled)
    return is_filled, np.where(is_filled, n_below, was_filled)


def _ranks(numbers: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Give whole numbers in the order of doubles, next to each other where these are."""
    patterns = numbers.view(np.uint64)
    return np.where(patterns & _SIGN, ~patterns, patterns | _SIGN)


def _doubles(ranks: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Give the doubles of these ranks."""
    return np.where(ranks & _SIGN, ranks ^ _SIGN, ~ranks).view(np.float64)
