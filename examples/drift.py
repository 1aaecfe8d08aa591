"""A stream whose classes change their meaning at once, and how fast the binary network follows beside River's models.

    pip install '.[river]'
    python examples/drift.py

Samples are predicted first and learnt then (prequential accuracy). The stream is River's Agrawal generator: people
with age, salary and loans, of whom a rule tells who gets credit; half-way another rule takes its place.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any

from river import linear_model, preprocessing, tree
from river.datasets import synth

from bitlocal.river import BMLPStreamClassifier

Sample = tuple[dict[Any, Any], Any]


def models() -> dict[str, Any]:
    """Give the models to compare, by the names that are printed."""
    return {
        "binary network": BMLPStreamClassifier(seed=0),
        "adaptive tree": tree.HoeffdingAdaptiveTreeClassifier(seed=0),
        "logistic": preprocessing.StandardScaler() | linear_model.LogisticRegression(),
    }


def stream(n_samples: int) -> Iterator[Sample]:
    """Give samples by one rule, then as many by another."""
    yield from synth.Agrawal(classification_function=0, seed=1).take(n_samples // 2)
    yield from synth.Agrawal(classification_function=4, seed=2).take(n_samples // 2)


def prequential(model: Any, samples: list[Sample], window: int) -> tuple[list[float], float]:
    """Predict each sample, then learn it: the accuracy in each window, and the seconds of it all."""
    start, right = time.perf_counter(), []
    for x, y in samples:
        right.append(model.predict_one(x) == y)
        model.learn_one(x, y)
    accuracies = [sum(right[i : i + window]) / window for i in range(0, len(right), window)]
    return accuracies, time.perf_counter() - start


def main() -> None:
    """Print a table: a row for each window, a column for each model."""
    parser = argparse.ArgumentParser(description="Accuracy on a stream with a drift.")
    parser.add_argument("--samples", type=int, default=10_000, help="half of them before the drift (default: 10000)")
    n = parser.parse_args().samples
    window = n // 10
    samples = list(stream(n))
    results = {name: prequential(model, samples, window) for name, model in models().items()}

    print(f"{'samples':>12}", *(f"{name:>15}" for name in results))
    for i in range(10):
        cells = (f"{accuracies[i]:>15.1%}" for accuracies, _ in results.values())
        print(f"{i * window:>6}-{(i + 1) * window:<5}", *cells, "   <- drift" * (i == 5))
    print(f"{'seconds':>12}", *(f"{seconds:>15.1f}" for _, seconds in results.values()))


if __name__ == "__main__":
    main()
