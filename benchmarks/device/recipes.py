"""The networks that benchmarks/device.py measures: how each is trained, so that anyone can train it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal import BMLPClassifier, ImageEncoder
from bitlocal.datasets import load
from bitlocal.network import BinaryNetwork
from bitlocal.splits import hold_out


@dataclass(frozen=True)
class Data:
    """Samples as whole numbers, and labels 0 ... C - 1."""

    X: NDArray[np.uint8]
    y: NDArray[np.int64]
    X_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained.

    `in_words` says it for a person. As a stream (`stream`), every epoch is one pass of `partial_fit` over the samples
    in an order drawn from the epoch's number: what a device does, step for step.
    """

    name: str
    data: str
    in_words: str
    parameters: dict[str, Any]
    epochs: int
    stream: bool
    samples_for_encoder: int | None = None
    seed: int = 0
    shape: tuple[int, int] = field(default=(8, 8))

    def load(self) -> Data:
        """Give the data; those without a test split of their own are split as `bitlocal train` splits them."""
        data = load(self.data)
        X, y = data.X.reshape(len(data.X), -1).astype(np.uint8), data.y.astype(np.int64)
        if data.X_test is not None and data.y_test is not None:
            X_test = data.X_test.reshape(len(data.X_test), -1).astype(np.uint8)
            return Data(X, y, X_test, data.y_test.astype(np.int64))
        rest, test = hold_out(y, 0.2, seed=self.seed)
        return Data(X[rest], y[rest], X[test], y[test])

    def classifier(self) -> BMLPClassifier:
        """Give the classifier, not fitted yet."""
        settings = {"readout": "votes", **self.parameters, "max_iter": self.epochs, "random_state": self.seed}
        return BMLPClassifier(**settings, probability=False)

    def untrained(self, data: Data) -> BMLPClassifier:
        """Fit the encoder, and leave the network as it was drawn."""
        some = slice(self.samples_for_encoder)
        classifier = self.classifier().partial_fit(data.X[some], data.y[some], classes=np.unique(data.y))
        classifier.network_ = BinaryNetwork(classifier.network_.spec)
        classifier.network_.state.window = None  # a device keeps its probability of reinforcement
        return classifier

    def orders(self, n: int) -> Iterator[NDArray[np.int64]]:
        """Give the order of the samples in each epoch of a stream."""
        for epoch in range(self.epochs):
            yield np.random.default_rng([self.seed, epoch]).permutation(n)

    def train(self, data: Data) -> BMLPClassifier:
        """Train."""
        if not self.stream:
            return self.classifier().fit(data.X, data.y)
        classifier = self.untrained(data)
        for order in self.orders(len(data.y)):
            classifier.partial_fit(data.X[order], data.y[order])
        return classifier


DIGITS = Recipe(
    name="digits",
    data="digits",
    in_words="bitlocal train digits --encoder thermometer5 --hidden 110 --group-size 11 --robustness 0.35 "
    "--reinforcement 0.5 --batch-size 8 --clip 127 --epochs 40 --readout votes",
    parameters={
        "encoder": "thermometer5",
        "hidden_layer_sizes": (110,),
        "group_size": 11,
        "robustness": 0.35,
        "reinforcement": 0.5,
        "batch_size": 8,
        "hidden_clip": 127,
    },
    epochs=40,
    stream=False,
)
MNIST = Recipe(
    name="MNIST",
    data="mnist",
    in_words="partial_fit, 8 passes: image:hog3 in cells of 10, 68 neurons, group size 17, robustness 0.2, "
    "reinforcement 0.1, batches of 8, clip 63",
    parameters={
        "encoder": ImageEncoder("hog3", shape=(28, 28), cell_size=10, margin=0.5),
        "hidden_layer_sizes": (68,),
        "group_size": 17,
        "robustness": 0.2,
        "reinforcement": 0.1,
        "batch_size": 8,
        "hidden_clip": 63,
    },
    epochs=8,
    stream=True,
    samples_for_encoder=20000,
    shape=(28, 28),
)
MNIST_16KB = Recipe(
    name="MNIST-16kB",
    data="mnist",
    in_words="bitlocal train mnist --encoder image:words72/6/1 --hidden 78 --group-size 26 --robustness 0.3 "
    "--reinforcement 0.7 --epochs 60 --readout votes",
    parameters={
        "encoder": ImageEncoder("words72/6/1", shape=(28, 28)),
        "hidden_layer_sizes": (78,),
        "group_size": 26,
        "robustness": 0.3,
        "reinforcement": 0.7,
    },
    epochs=60,
    stream=False,
    shape=(28, 28),
)
RECIPES = (DIGITS, MNIST, MNIST_16KB)
