"""Which steps of a pipeline can be folded, and why others cannot."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted

from bitlocal.errors import PipelineError
from bitlocal.pipelines.unwrap import Step

_LARGEST = np.finfo(np.float64).max
_STATISTICS = {  # scalers, and the attributes by which they shift and scale; the latter must be above 0
    StandardScaler: (("mean_",), "scale_"),
    MinMaxScaler: (("min_",), "scale_"),
    MaxAbsScaler: ((), "scale_"),
    RobustScaler: (("center_",), "scale_"),
}
_MONOTONE = (
    "leave it out, as thermometers over quantiles are the same before and after it, and fit again; or pickle the "
    "pipeline"
)
_OTHERWISE = "do what it does before the pipeline, or pickle the pipeline"
_REASONS = {  # by name, so that nothing is loaded for it
    "Normalizer": f"scales each sample by its other features, which no threshold can; {_OTHERWISE}",
    "FunctionTransformer": f"calls a Python function, which a model cannot hold; if that only ever rises: {_MONOTONE}",
    "PowerTransformer": f"computes powers and logarithms; {_MONOTONE}",
    "QuantileTransformer": f"interpolates between quantiles; {_MONOTONE}",
    "KNNImputer": f"fills in what near samples have, which a model does not hold; use a SimpleImputer, or {_OTHERWISE}",
    "IterativeImputer": f"fills in what other features tell; use a SimpleImputer, or {_OTHERWISE}",
    "ColumnTransformer": "treats columns differently; BMLPClassifier does so by itself: give it the table as it is, "
    "with encoder='table' (a TableEncoder), or pickle the pipeline",
}


class Chain:
    """The steps before the classifier as a function of each feature, computed by the steps themselves.

    Every step does the same to a number, whatever the other features are, and never falls where its input rises:
    subtraction, multiplication and division by a constant above 0, and clipping, rounded to the nearest double, keep
    order. That is what folding relies on.

    Parameters
    ----------
    steps : sequence of (str, transformer)
        Fitted.
    n_features : int
        Of the last step's output.

    Attributes
    ----------
    n_features : int
        Of the samples as they come.
    names : ndarray of str objects or None
        Their names, where the first step saw such.
    kept : ndarray of int64
        The feature that each one of the output comes from: imputers drop those that were always missing.

    Raises
    ------
    PipelineError
        If a step is of another kind.
    """

    def __init__(self, steps: Sequence[Step], n_features: int) -> None:
        self._steps = [step for step in steps if not _does_nothing(step[1])]
        self.n_features = n_features
        self.names: NDArray[np.object_] | None = None
        self.any = bool(self._steps)
        for name, step in self._steps:
            _require_foldable(name, step)
        if self._steps:
            self.n_features = int(self._steps[0][1].n_features_in_)
            self.names = getattr(self._steps[0][1], "feature_names_in_", None)
        self.kept = self._find_kept()

    def __call__(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give what reaches the classifier.

        What overflows becomes the largest double: scikit-learn refuses such samples, and order is kept.
        """
        for _, step in self._steps:
            samples = np.clip(_transform(step, samples), -_LARGEST, _LARGEST)
        return samples

    def require_order(self, columns: NDArray[np.int64]) -> None:
        """Refuse statistics with which some features of the output would not rise with their numbers."""
        looked_at = np.unique(self.kept[columns])
        kept = np.arange(self.n_features)
        for name, step in self._steps:
            places = np.flatnonzero(np.isin(kept, looked_at))
            if type(step) is SimpleImputer:
                kept = kept[_kept_by(step)]
                continue
            shifts, scale = _STATISTICS[type(step)]
            for attribute in (*shifts, scale):
                values = getattr(step, attribute)
                if values is None:
                    continue
                of_features = np.asarray(values, dtype=np.float64)[places]
                sound = np.isfinite(of_features) & ((of_features > 0) | (attribute != scale))
                if not sound.all():
                    wrong = of_features[~sound][0]
                    raise PipelineError(
                        f"{_told(name, step)}: its {attribute} holds {wrong}, where a finite number"
                        f"{' above 0' * (attribute == scale)} was expected; {_OTHERWISE}"
                    )

    def _find_kept(self) -> NDArray[np.int64]:
        kept = np.arange(self.n_features)
        for _, step in self._steps:
            if type(step) is SimpleImputer:
                kept = kept[_kept_by(step)]
        return kept


def _told(name: str, step: Any) -> str:
    return f"step {name!r} ({type(step).__name__}) cannot become part of a BMLPClassifier"


def _transform(step: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Call a step's own transform, on samples without names, for an array."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are not there, and features that are dropped
        return np.array(step.transform(samples.copy()), dtype=np.float64)


def _kept_by(imputer: Any) -> NDArray[np.int64]:
    """Give the places of the features that an imputer lets through, by letting it tell."""
    numbers = np.arange(imputer.n_features_in_, dtype=np.float64)
    kept: NDArray[np.int64] = _transform(imputer, numbers[np.newaxis])[0].astype(np.int64)
    return kept


def _does_nothing(step: Any) -> bool:
    return type(step) is FunctionTransformer and step.func is None


def _require_foldable(name: str, step: Any) -> None:
    if type(step) in _STATISTICS:
        check_is_fitted(step)
        return
    if type(step) is not SimpleImputer:
        reason = _REASONS.get(
            type(step).__name__,
            "is neither a StandardScaler, MinMaxScaler, MaxAbsScaler or RobustScaler nor a SimpleImputer; "
            f"{_OTHERWISE}",
        )
        raise PipelineError(f"{_told(name, step)}: it {reason}")
    check_is_fitted(step)
    missing = step.missing_values
    if not (isinstance(missing, float) and np.isnan(missing)):
        raise PipelineError(
            f"{_told(name, step)}: it takes {missing!r} for a missing value, where NaN was expected; write NaN for "
            "these, and fit again; or pickle the pipeline"
        )
    if step.add_indicator:
        raise PipelineError(
            f"{_told(name, step)}: add_indicator=True makes features of what is missing; leave the imputer out, as "
            "encoders have bits for missing values, or fit with add_indicator=False"
        )
    try:
        np.asarray(step.statistics_, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise PipelineError(f"{_told(name, step)}: it fills in values that are not numbers; {_OTHERWISE}") from error
