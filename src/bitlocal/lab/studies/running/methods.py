"""The methods that are compared: how to make them, what to tune, what they need."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import product
from typing import Any

from bitlocal.estimator import BMLPClassifier
from bitlocal.lab.methods import FLOAT, LOCAL, METHODS
from bitlocal.lab.studies.running.cells import Cell, Settings, make_settings

LABELS = {
    "bmlp": "BMLP",
    "single-layer": "single-layer",
    "sgd": "SGD",
    "adam": "Adam",
    "straight-through": "straight-through",
}

_ROBUSTNESS = (0.1, 0.25, 0.5)
_LEARNING_RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def grid(method: str, hidden: tuple[int, ...]) -> list[Settings]:
    """Give the settings to choose from: nine for every method.

    The methods of local rules choose the group size and the robustness, the others the learning rate. Group sizes must
    divide every layer, so those of several layers are smaller.
    """
    if method in LOCAL:
        wanted = (5, 15, 45) if all(size % 45 == 0 for size in hidden) else (3, 5, 15)
        return [
            make_settings({"group_size": group_size, "robustness": robustness})
            for group_size, robustness in product(wanted, _ROBUSTNESS)
        ]
    return [make_settings({"learning_rate": rate}) for rate in _LEARNING_RATES]


def missing(method: str) -> str | None:
    """Say why a method cannot run here; None if it can."""
    if method in LOCAL or find_spec("torch") is not None:
        return None
    return f"{LABELS[method]} needs PyTorch: pip install 'bitlocal[baselines]'"


def make(cell: Cell) -> Any:
    """Make the classifier of a cell, not fitted yet; it uses one thread."""
    common: dict[str, Any] = {
        "hidden_layer_sizes": cell.hidden,
        "max_iter": cell.epochs,
        "random_state": cell.seed,
        "n_jobs": 1,
        **dict(cell.settings),
    }
    if cell.method == "bmlp":
        return BMLPClassifier(**common, readout="votes", probability=False)
    # Imported where needed: they load PyTorch, which most cells do without.
    if cell.method == "single-layer":
        from bitlocal.single_layer import SingleLayerClassifier

        return SingleLayerClassifier(**common, probability=False)
    if cell.method in FLOAT:
        from bitlocal.lab.baselines import FloatMLPClassifier

        return FloatMLPClassifier(solver=cell.method, **common)
    if cell.method == "straight-through":
        from bitlocal.lab.baselines import StraightThroughClassifier

        return StraightThroughClassifier(**common)
    raise ValueError(f"method {cell.method!r} is unknown: expected one of {', '.join(METHODS)}")
