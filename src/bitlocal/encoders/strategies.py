"""Where the thresholds of a feature lie: strategies of the thermometer."""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from bitlocal.encoders.distribution import Distribution

_ROWS_TO_LEARN_FROM = 20_000  # more do not move supervised thresholds


def _quantile_thresholds(values: Distribution, n_bits: int, _: object = None) -> NDArray[Any]:
    candidates = values.distinct[:-1]  # nothing exceeds the largest
    if len(candidates) <= n_bits:
        return candidates
    if n_bits == 0:
        return candidates[:0]
    ranks = values.n * np.arange(1, n_bits + 1) // (n_bits + 1)
    chosen = np.unique(np.minimum(values.at(ranks - (ranks > 0)), candidates[-1]))
    return _made_up_to(n_bits, chosen, candidates)


def _made_up_to(n_bits: int, chosen: NDArray[Any], candidates: NDArray[Any]) -> NDArray[Any]:
    """Add thresholds, spread over the candidates that are left."""
    left = np.setdiff1d(candidates, chosen, assume_unique=True)
    missing = n_bits - len(chosen)
    spread = left[(2 * np.arange(missing) + 1) * len(left) // (2 * max(missing, 1))]
    return np.sort(np.concatenate([chosen, spread]))


def _uniform_thresholds(values: Distribution, n_bits: int, _: object = None) -> NDArray[Any]:
    candidates = values.distinct[:-1]  # nothing exceeds the largest
    if len(candidates) <= n_bits:
        return candidates
    low, high = float(values.distinct[0]), float(values.distinct[-1])
    # Written as a weighted mean, so that the difference of two large numbers cannot overflow.
    weights = np.arange(1, n_bits + 1) / (n_bits + 1)
    thresholds = low * (1 - weights) + high * weights
    return np.unique(thresholds[(thresholds >= low) & (thresholds < high)])


def _gaussian_thresholds(values: Distribution, n_bits: int, _: object = None) -> NDArray[Any]:
    candidates = values.distinct[:-1]  # nothing exceeds the largest
    if len(candidates) <= n_bits:
        return candidates
    low, high = float(values.distinct[0]), float(values.distinct[-1])
    scale = max(abs(low), abs(high))  # so that no square overflows
    scaled = values.ordered().astype(np.float64) / scale
    normal = NormalDist()
    places = np.array([normal.inv_cdf(i / (n_bits + 1)) for i in range(1, n_bits + 1)])
    with np.errstate(over="ignore"):
        thresholds = (scaled.mean() + scaled.std() * places) * scale
    return np.unique(thresholds[(thresholds >= low) & (thresholds < high)])


def _supervised_thresholds(values: Distribution, n_bits: int, y: NDArray[Any] | None) -> NDArray[Any]:
    candidates = values.distinct[:-1]
    if len(candidates) <= n_bits or n_bits == 0:
        return candidates[: max(n_bits, 0)]
    assert y is not None
    column = values.by_row()
    rows = np.flatnonzero(~np.isnan(column)) if column.dtype.kind == "f" else np.arange(len(column))
    rows = rows[:: -(-len(rows) // _ROWS_TO_LEARN_FROM)]
    # The tree works in float32: it gets the ranks of the values, which that holds.
    place = np.searchsorted(candidates, column[rows])
    tree = DecisionTreeClassifier(criterion="entropy", max_leaf_nodes=n_bits + 1, random_state=0)
    tree.fit(place[:, np.newaxis], y[rows])
    splits = tree.tree_.threshold[tree.tree_.feature >= 0]  # halfway between two ranks
    chosen = np.unique(candidates[np.floor(splits).astype(np.int64)])
    if len(chosen) < n_bits:
        more = np.setdiff1d(_quantile_thresholds(values, n_bits), chosen, assume_unique=True)
        wanted = n_bits - len(chosen)
        chosen = np.sort(np.concatenate([chosen, _made_up_to(wanted, more[:0], more)]))
    return chosen


STRATEGIES: dict[str, Callable[[Distribution, int, NDArray[Any] | None], NDArray[Any]]] = {
    "quantile": _quantile_thresholds,
    "uniform": _uniform_thresholds,
    "gaussian": _gaussian_thresholds,
    "supervised": _supervised_thresholds,
}
