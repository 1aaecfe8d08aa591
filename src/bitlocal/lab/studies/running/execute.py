"""Running one cell."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bitlocal.files.header import record_to_json
from bitlocal.lab.cost import Run
from bitlocal.lab.methods import LOCAL
from bitlocal.lab.studies.costs import costs
from bitlocal.lab.studies.running.cells import Cell
from bitlocal.lab.studies.running.data import encoded_parts
from bitlocal.lab.studies.running.environment import environment
from bitlocal.lab.studies.running.methods import make
from bitlocal.lab.studies.running.store import Result
from bitlocal.network import BinaryNetwork
from bitlocal.splits import hold_out
from bitlocal.training import Progress

MOST_TRAINING_SAMPLES = 10_000
"""That the accuracy on training samples is measured on: prediction in floating point takes long."""

PERCENTILES = (1, 10, 25, 50, 75, 90, 99)
BIN_WIDTH, N_BINS = 8, 128  # the last bin takes what lies above


def run_cell(cell: Cell) -> Result:
    """Train and measure what a cell says, in one thread.

    Returns
    -------
    dict
        Plain values, for JSON: `accuracy` on the part that the cell names, `train_accuracy`, `epochs`, `counts`,
        `costs`, `seconds`, `environment`, and `weights` where the cell asks for them.
    """
    begin = time.perf_counter()
    parts = encoded_parts(cell)
    classifier = make(cell)
    watch = _Watch(classifier, cell, parts.X_test, parts.y_test)
    start = time.perf_counter()
    with threadpool_limits(1):
        if cell.method in LOCAL:
            classifier.fit(parts.X, parts.y, callback=watch.note)
        else:
            classifier.fit(parts.X, parts.y)
        seconds = time.perf_counter() - start - watch.seconds
        accuracy = float(np.mean(classifier.predict(parts.X_test) == parts.y_test))
        some = _some_rows(parts.y, cell.seed)
        train_accuracy = float(np.mean(classifier.predict(parts.X[some]) == parts.y[some]))
    entries = record_to_json if cell.method in LOCAL else asdict
    epochs = [_plain(entries(record)) for record in classifier.history_]
    for record, accuracy_then in zip(epochs, watch.accuracies, strict=False):
        record["accuracy"] = accuracy_then
    n_inputs = parts.X.shape[1]
    n_classes = len(classifier.classes_)
    counts = _totals(classifier.history_)
    return {
        "accuracy": accuracy,
        "train_accuracy": train_accuracy,
        "n_train": len(parts.y),
        "n_measured": len(parts.y_test),
        "n_inputs": n_inputs,
        "n_classes": n_classes,
        "epochs": epochs,
        "counts": counts,
        "costs": costs(cell, n_inputs, n_classes, len(parts.y), counts),
        "seconds": round(seconds, 3),
        "cell_seconds": round(time.perf_counter() - begin, 3),  # with data and measuring
        "environment": environment(),
        **({"weights": watch.weights} if cell.record_weights else {}),
    }


def _some_rows(y: NDArray[np.int64], seed: int) -> NDArray[np.intp]:
    """Choose training samples to measure on, stratified by class."""
    if len(y) <= MOST_TRAINING_SAMPLES:
        return np.arange(len(y))
    return hold_out(y, MOST_TRAINING_SAMPLES / len(y), seed=seed)[1]


class _Watch:
    """Looks at a binary network after each epoch; the time that this takes is not the training's."""

    def __init__(self, classifier: Any, cell: Cell, X: Any, y: Any) -> None:
        self.classifier, self.cell, self.X, self.y = classifier, cell, X, y
        self.accuracies: list[float] = []
        self.weights: list[list[dict[str, Any]]] = []
        self.seconds = 0.0

    def note(self, progress: Progress) -> None:
        if progress.finished is None:
            return
        start = time.perf_counter()
        if self.cell.record_weights and not self.weights:
            # The network as it began is the seed's: it can be drawn again.
            self.weights.append(_distributions(BinaryNetwork(self.classifier.network_.spec)))
        self.accuracies.append(float(np.mean(self.classifier.predict(self.X) == self.y)))
        if self.cell.record_weights:
            self.weights.append(_distributions(self.classifier.network_))
        self.seconds += time.perf_counter() - start


def _distributions(network: BinaryNetwork) -> list[dict[str, Any]]:
    """Describe how far the hidden weights of each layer are from zero."""
    described = []
    for layer in range(network.n_layers):
        distance = np.abs(network.hidden_weights(layer)).ravel()
        counted = np.bincount(np.minimum(distance // BIN_WIDTH, N_BINS - 1), minlength=N_BINS)
        described.append(
            {
                "percentiles": [int(value) for value in np.percentile(distance, PERCENTILES, method="lower")],
                "histogram": [int(n) for n in counted],
            }
        )
    return described


def _totals(history: Sequence[Any]) -> dict[str, Any]:
    """Add up what every epoch counted; methods without error signals count samples and mini-batches alone."""
    counts: dict[str, Any] = _plain({name: v for name, v in asdict(Run.of(history)).items() if v != ()})
    return counts


def _plain(value: Any) -> Any:
    """Turn tuples and NumPy's numbers into what JSON knows."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    return round(value, 6) if isinstance(value, float) else value
