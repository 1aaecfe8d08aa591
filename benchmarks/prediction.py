"""Predictions a second on MNIST by a small network of at least 97.5 % test accuracy, on one core.

    python benchmarks/prediction.py [--repeats N] [--json]

Trains 315 neurons on edges counted in cells, then predicts the test images again and again: from packed bits, as a
server does that encodes once, and from pixels. Single samples are timed within the core and from Python.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np

from bitlocal import BMLPClassifier, ImageEncoder, _core
from bitlocal.datasets import load


def spread(work: Callable[[], object], repeats: int) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile of the seconds that some work takes."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    low, middle, high = statistics.quantiles(seconds, n=4)
    return low, middle, high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=51)
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    options = parser.parse_args()
    data = load("mnist")
    assert data.X_test is not None
    assert data.y_test is not None
    encoder = ImageEncoder("hog3", shape=(28, 28), cell_size=7).fit(data.X)
    train, test = encoder.pack(data.X), encoder.pack(data.X_test)
    classifier = BMLPClassifier((315,), group_size=45, max_iter=30, random_state=1, n_jobs=1).fit(train, data.y)
    accuracy = float(np.mean(classifier.predict(test) == data.y_test))
    one = test[:1]
    in_core = [1e9 * 1000 / classifier.network_._core.time_logits(one.words, 1000) for _ in range(options.repeats)]
    ways: dict[str, tuple[Callable[[], object], int]] = {
        "logits of packed bits": (lambda: classifier.network_.logits(test), len(test)),
        "predict packed bits": (lambda: classifier.predict(test), len(test)),
        "encode and predict pixels": (lambda: classifier.predict(encoder.pack(data.X_test)), len(test)),
        "one sample: logits of packed bits": (lambda: [classifier.network_.logits(one) for _ in range(100)], 100),
        "one sample: predict packed bits": (lambda: [classifier.predict(one) for _ in range(100)], 100),
    }
    figures: dict[str, list[float]] = {
        name: [n / seconds for seconds in reversed(spread(work, options.repeats))] for name, (work, n) in ways.items()
    }
    figures["one sample: logits within the core"] = statistics.quantiles(in_core, n=4)
    if options.json:
        print(json.dumps({"accuracy": accuracy, "bits": test.n_bits, "isa": _core.instruction_set(),
                          "predictions_per_second": figures}))  # fmt: skip
        return
    print(f"test accuracy {accuracy:.2%}, {test.n_bits} bits, 315 neurons, one core, {_core.instruction_set()}")
    for name, (low, middle, high) in figures.items():
        print(f"{name:<34} {middle:>12,.0f} a second ({low:,.0f} to {high:,.0f}), {1e6 / middle:.2f} µs each")


if __name__ == "__main__":
    main()
