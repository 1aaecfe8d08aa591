"""What is around a classifier: searches give the best of their estimators, pipelines their steps."""

from __future__ import annotations

from typing import Any

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils.validation import check_is_fitted

from bitlocal.estimator import BMLPClassifier

Step = tuple[str, Any]


def unwrap(model: Any) -> tuple[list[Step], BMLPClassifier]:
    """Find the classifier in a model, and what comes before it.

    Parameters
    ----------
    model : estimator
        A classifier, a pipeline that ends with one, a search around either, or one of these frozen.

    Returns
    -------
    steps : list of (str, transformer)
        What happens to samples before they reach the classifier, but for steps that do nothing.
    classifier : BMLPClassifier
        Trained.

    Raises
    ------
    TypeError
        If something else is around the classifier, or there is none.
    NotFittedError
        If it is not fitted.
    """
    steps: list[Step] = []
    while not isinstance(model, BMLPClassifier):
        if type(model) is FrozenEstimator:
            model = model.estimator
        elif type(model) is Pipeline:
            steps += _flat(model.steps[:-1])
            model = model.steps[-1][1]
        elif hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        else:
            raise TypeError(f"expected a fitted BMLPClassifier, got {_told(model)}")
    check_is_fitted(model, "network_")
    return steps, model


def _flat(steps: list[Step]) -> list[Step]:
    """Give the steps of pipelines within pipelines, too, but none that passes samples through."""
    found: list[Step] = []
    for name, step in steps:
        while type(step) is FrozenEstimator:
            step = step.estimator
        if type(step) is Pipeline:
            found += [(f"{name}: {inner}", one) for inner, one in _flat(step.steps)]
        elif step is not None and not (isinstance(step, str) and step == "passthrough"):
            found.append((name, step))
    return found


def _told(model: Any) -> str:
    """Tell what came in place of a classifier, and what to do about it."""
    kind = type(model).__name__
    if hasattr(model, "param_grid") or hasattr(model, "param_distributions"):
        return f"{kind} without a best estimator: fit it first, with refit=True"
    inner = next((name for name in ("estimator_", "estimator") if hasattr(model, name)), None)
    if inner is not None:
        return f"{kind}, which decides in a way of its own that no model has: give its {inner}, or pickle it"
    if isinstance(model, FeatureUnion) or hasattr(model, "transform"):
        return f"{kind}, which is no classifier: give a pipeline that ends with a fitted BMLPClassifier"
    return f"{kind}: give one, or a pipeline or a search around one"
