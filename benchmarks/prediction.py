"""Predictions a second on MNIST by a small network of at least 97.5 % test accuracy, on one core.

    python benchmarks/prediction.py [--repeats N] [--json]

Trains 315 neurons on edges counted in cells, then predicts the test images again and again: from packed bits, as a
server does that encodes once, and from pixels. Single samples are timed within the core and from Python.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from bitlocal import BMLPClassifier, ImageEncoder, _core
from bitlocal.datasets import load
from bitlocal.lab.bench import Spread, in_turns


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
    classifier = BMLPClassifier(
        (315,), group_size=45, max_iter=30, readout="votes", random_state=1, probability=False, n_jobs=1
    ).fit(train, data.y)
    accuracy = float(np.mean(classifier.predict(test) == data.y_test))
    one = test[:1]
    ways: dict[str, tuple[Callable[[], object], int]] = {
        "logits of packed bits": (lambda: classifier.network_.logits(test), len(test)),
        "predict packed bits": (lambda: classifier.predict(test), len(test)),
        "encode and predict pixels": (lambda: classifier.predict(encoder.pack(data.X_test)), len(test)),
        "one sample: logits of packed bits": (lambda: [classifier.network_.logits(one) for _ in range(100)], 100),
        "one sample: predict packed bits": (lambda: [classifier.predict(one) for _ in range(100)], 100),
        "one sample: logits within the core": (lambda: classifier.network_.repeat_logits(one, 1000), 1000),
    }
    seconds = in_turns({name: way for name, (way, _) in ways.items()}, options.repeats)
    figures = {name: Spread.of(n / seconds[name]) for name, (_, n) in ways.items()}
    if options.json:
        report = {"accuracy": accuracy, "bits": test.n_bits, "isa": _core.instruction_set()}
        print(json.dumps({**report, "predictions_per_second": figures}, default=asdict))
        return
    print(f"test accuracy {accuracy:.2%}, {test.n_bits} bits, 315 neurons, one core, {_core.instruction_set()}")
    for name, speed in figures.items():
        told = f"{speed.median:>12,.0f} a second ({speed.q1:,.0f} to {speed.q3:,.0f})"
        print(f"{name:<34} {told}, {1e6 / speed.median:.2f} µs each")


if __name__ == "__main__":
    main()
