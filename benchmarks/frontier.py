"""Accuracy against seconds to train, and against bytes to infer: bitlocal's presets beside its peers, as two figures.

    pip install '.[benchmarks]'
    python benchmarks/frontier.py [--out build/frontier] [--data mnist fashion-mnist] [--only NAME ...] [--threads N]
    python benchmarks/frontier.py --out docs/frontier --draw      # the README's figures again, from their numbers

Every model is trained once on all training images, seed 1, and tested once. Seconds are those of `fit`, from pixels on:
encoding and scaling are counted. Bytes are what it takes to predict: for bitlocal the model file for inference, encoder
included; for the others 4 bytes a number: weights and biases, and of a tree three for each node that splits and one a
class for each leaf. Peers have scikit-learn's defaults but for what `PEERS` says, on pixels divided by 255.
What is done is kept in NAME.json, and not run again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from bitlocal import BMLPClassifier
from bitlocal.datasets import load
from bitlocal.files.model import dump
from bitlocal.lab.bench import machine

DATA = ("mnist", "fashion-mnist")
OURS: dict[str, dict[str, Any]] = {
    "tiny": {"preset": "tiny"},
    "published": {"preset": "published"},
    "fast": {"preset": "fast"},
    "without options": {},
    "accurate": {"preset": "accurate"},
}
PEERS: dict[str, Callable[[int], Any]] = {
    "logistic regression": lambda n: LogisticRegression(max_iter=50),
    "random forest": lambda n: RandomForestClassifier(random_state=1, n_jobs=n),
    "gradient boosting": lambda n: HistGradientBoostingClassifier(random_state=1, max_iter=50),
    "MLP, 32 hidden": lambda n: MLPClassifier((32,), random_state=1, max_iter=20),
    "MLP, 256 hidden": lambda n: MLPClassifier((256,), random_state=1, max_iter=20),
}


@dataclass(frozen=True)
class Point:
    """What one model came to on one data set."""

    data: str
    model: str
    ours: bool
    accuracy: float
    seconds: float
    n_bytes: int


def numbers_of(model: Any) -> int:
    """Count the numbers that a fitted model of scikit-learn needs to predict."""
    if isinstance(model, LogisticRegression):
        return int(model.coef_.size + model.intercept_.size)
    if isinstance(model, MLPClassifier):
        return sum(array.size for array in (*model.coefs_, *model.intercepts_))
    if isinstance(model, RandomForestClassifier):
        trees = [tree.tree_ for tree in model.estimators_]
        leaves = sum(tree.n_leaves for tree in trees)
        return int(3 * (sum(tree.node_count for tree in trees) - leaves) + leaves * len(model.classes_))
    trees = [tree for stage in model._predictors for tree in stage]
    leaves = sum(int(tree.nodes["is_leaf"].sum()) for tree in trees)
    return 3 * (sum(len(tree.nodes) for tree in trees) - leaves) + leaves


def measure(data: str, name: str, threads: int) -> Point:
    """Train and test one model."""
    dataset = load(data)
    assert dataset.X_test is not None
    assert dataset.image_shape is not None
    ours = name in OURS
    if ours:
        model: Any = BMLPClassifier(**OURS[name], probability=False, random_state=1, n_jobs=threads)
        X, X_test = (part.reshape(-1, *dataset.image_shape) for part in (dataset.X, dataset.X_test))
    else:
        model = PEERS[name](threads)
        X, X_test = (part.astype(np.float32) / 255 for part in (dataset.X, dataset.X_test))
    with threadpool_limits(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the iterations are what they are
        start = time.perf_counter()
        model.fit(X, dataset.y)
        seconds = time.perf_counter() - start
    accuracy = float(np.mean(model.predict(X_test) == dataset.y_test))
    n_bytes = len(dump(model, inference_only=True)) if ours else 4 * numbers_of(model)
    return Point(data, name, ours, accuracy, seconds, n_bytes)


def draw(points: list[Point], caption: str, path: Path) -> None:
    """Draw accuracy against seconds and against bytes, a row a data set."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    names = [name for name in DATA if any(point.data == name for point in points)]
    for what, label in (("seconds", "seconds to train, from pixels on"), ("n_bytes", "bytes to predict")):
        figure, axes = plt.subplots(1, len(names), figsize=(5.2 * len(names), 4.2), squeeze=False)
        for axis, name in zip(axes[0], names, strict=True):
            for ours in (False, True):
                some = sorted((p for p in points if p.data == name and p.ours == ours), key=lambda p: getattr(p, what))
                x, y = [getattr(p, what) for p in some], [100 * p.accuracy for p in some]
                axis.plot(
                    x, y, "o" if ours else "s", color="#c44e00" if ours else "#0072b2", markersize=6,
                    label="bitlocal" if ours else "scikit-learn",
                )  # fmt: skip
                for point, left, up in zip(some, x, y, strict=True):
                    axis.annotate(
                        point.model, (left, up), xytext=(0, 7 if ours else -13), textcoords="offset points",
                        ha="center", fontsize=8,
                    )  # fmt: skip
            axis.set_xscale("log")
            axis.margins(0.16, 0.14)
            axis.set_title(name)
            axis.set_xlabel(label)
            axis.grid(alpha=0.3)
            axis.spines[["top", "right"]].set_visible(False)
        axes[0][0].set_ylabel("test accuracy, %")
        axes[0][0].legend(loc="lower right", frameon=False)
        figure.text(0.5, 0.005, caption, ha="center", fontsize=8)
        figure.tight_layout(rect=(0, 0.03, 1, 1))
        figure.savefig(path.with_name(f"{path.name}-{'seconds' if what == 'seconds' else 'bytes'}.png"), dpi=130)
        plt.close(figure)


def table(points: list[Point]) -> str:
    """Write the points as a Markdown table."""
    rows = ["| data | model | test accuracy | seconds to train | bytes to predict |", "|---|---|---|---|---|"]
    rows += [
        f"| {p.data} | {'bitlocal, ' if p.ours else ''}{p.model} | {p.accuracy:.2%} | {p.seconds:.3g} | {p.n_bytes:,} |"
        for p in sorted(points, key=lambda p: (DATA.index(p.data), p.accuracy))
    ]
    return "\n".join(rows)


def main() -> None:
    """Measure what is missing, and write NAME.json, NAME-seconds.png and NAME-bytes.png."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/frontier"), help="files to write, without endings")
    parser.add_argument("--data", nargs="*", choices=DATA, default=DATA)
    parser.add_argument("--only", nargs="*", choices=[*OURS, *PEERS], help="models to run")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--draw", action="store_true", help="draw from NAME.json, and measure nothing")
    arguments = parser.parse_args()
    kept = arguments.out.with_suffix(".json")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    record = json.loads(kept.read_text()) if kept.exists() else {"caption": "", "points": []}
    points = [Point(**point) for point in record["points"]]
    here, threads = machine(), arguments.threads
    caption = f"{threads} {'thread' if threads == 1 else 'threads'} of {here.processor} ({here.isa})"
    if points and not arguments.draw and record["caption"] != caption:
        sys.exit(f"{kept} has figures of another machine or other threads: {record['caption']}; name another --out")
    caption = record["caption"] or caption
    for data in () if arguments.draw else arguments.data:
        for name in arguments.only or [*OURS, *PEERS]:
            if any((point.data, point.model) == (data, name) for point in points):
                continue
            points.append(measure(data, name, threads))
            print(points[-1], file=sys.stderr, flush=True)
            kept.write_text(json.dumps({"caption": caption, "points": [asdict(p) for p in points]}, indent=1) + "\n")
    draw(points, caption, arguments.out)
    print(f"{caption}\n\n{table(points)}")


if __name__ == "__main__":
    main()
