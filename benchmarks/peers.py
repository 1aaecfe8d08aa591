"""Train bitlocal and its peers on Fashion-MNIST, in turns, on the same samples and threads: table, JSON and plot.

    pip install '.[benchmarks]' --extra-index-url https://download.pytorch.org/whl/cpu
    pip install green-tsetlin==1.1.0        # builds with a C++17 compiler; AVX2 if this machine has it
    python benchmarks/peers.py --out build/peers [--threads 1] [--epochs 30] [--seconds 120] [--only NAME ...] [--quick]

Every peer trains in parts of an epoch. Round by round, each one trains one part, on the clock, and is then tested, off
the clock; so all see the same disturbances. A peer stops after so many epochs, or when its training has taken so many
seconds; Ctrl-C ends all of them, with the figures so far. Encoding and scaling the samples is not counted for anyone.
Peers that are not installed are left out.

Times to an accuracy are training seconds until the first test, at the end of a part, that reaches it. Nobody chooses
the best network afterwards.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bitlocal import ImageEncoder, MedianBinarizer, PackedBits, ThermometerEncoder
from bitlocal.datasets import load
from bitlocal.encoders import Encoder
from bitlocal.lab.bench import machine
from bitlocal.network import BinaryNetwork
from bitlocal.spec import Classes, Dense, Spec

TARGETS = (0.84, 0.86)
EQUAL_EPOCHS = (1, 5, 10)
WIDTH = 1035
BATCH = 100


@dataclass
class Data:
    """Fashion-MNIST, in every form that somebody wants."""

    X: NDArray[np.uint8]
    y: NDArray[np.int32]
    X_test: NDArray[np.uint8]
    y_test: NDArray[np.int32]

    @classmethod
    def load(cls, n: int | None = None) -> Data:
        """Load it, or its first n training samples."""
        dataset = load("fashion-mnist")
        assert dataset.X_test is not None
        assert dataset.y_test is not None
        return cls(dataset.X[:n], dataset.y[:n].astype(np.int32), dataset.X_test, dataset.y_test.astype(np.int32))

    def packed(self, encoder: Encoder) -> tuple[PackedBits, PackedBits]:
        """Encode for bitlocal."""
        encoder.fit(self.X)
        return encoder.pack(self.X), encoder.pack(self.X_test)

    def bits(self) -> tuple[NDArray[np.bool_], ...]:
        """Give the median bits, one byte each."""
        encoder = MedianBinarizer().fit(self.X)
        return tuple(np.ascontiguousarray(encoder.transform(X)) for X in (self.X, self.X_test))

    def numbers(self, kind: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Give float32: "bits" as -1 and +1, "pixels" with mean 0 and standard deviation 1."""
        if kind == "bits":
            X, X_test = self.bits()
            return 2 * X.astype(np.float32) - 1, 2 * X_test.astype(np.float32) - 1
        mean, deviation = np.float32(self.X.mean()), np.float32(self.X.std())
        return (self.X.astype(np.float32) - mean) / deviation, (self.X_test.astype(np.float32) - mean) / deviation


class Peer(Protocol):
    """A learner that can be trained part by part."""

    def parts(self, n_parts: int) -> Iterator[None]:
        """Train without end; yield after each n_parts-th part of an epoch."""

    def predict(self) -> NDArray[Any]:
        """Predict the test samples."""


# The peers ------------------------------------------------------------------------------------------------------------


class Bitlocal:
    """The network of this package, without the estimator around it."""

    def __init__(self, data: Data, threads: int, encoder: Encoder, group_size: int):
        self.X, self.X_test = data.packed(encoder)
        self.y, self.threads = data.y, threads
        self.network = BinaryNetwork(Spec(self.X.n_bits, (Dense(WIDTH, group_size),), Classes(10), seed=1))

    def parts(self, n_parts: int) -> Iterator[None]:
        while True:
            for _ in self.network.train_epoch_parts(
                self.X, self.y, batch_size=BATCH, n_threads=self.threads, part_size=len(self.y) // n_parts
            ):
                yield

    def predict(self) -> NDArray[Any]:
        return self.network.predict(self.X_test, n_threads=self.threads)


class Torch:
    """A multi-layer perceptron of the same width in PyTorch: float32 with ReLU, or binary with straight-through."""

    def __init__(self, data: Data, threads: int, kind: str, optimiser: str, *, binary: bool = False):
        import torch

        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.torch = torch
        self.X, self.X_test = (torch.from_numpy(X) for X in data.numbers(kind))
        self.y = torch.from_numpy(data.y.astype(np.int64))
        self.binary = binary
        nn = torch.nn
        first, last = nn.Linear(self.X.shape[1], WIDTH, bias=not binary), nn.Linear(WIDTH, 10, bias=not binary)
        if binary:
            # Courbariaux et al., arXiv:1602.02830: binary weights and activations, latent weights clipped to [-1, 1],
            # batch normalisation before the sign and before the loss.
            self.linear = [first, last]
            for layer in self.linear:
                nn.init.uniform_(layer.weight, -1, 1)
            self.norms = nn.ModuleList([nn.BatchNorm1d(WIDTH), nn.BatchNorm1d(10)])
            parameters = [*first.parameters(), *last.parameters(), *self.norms.parameters()]
        else:
            self.model = nn.Sequential(first, nn.ReLU(), last)
            parameters = list(self.model.parameters())
        # The fused versions, which are the fastest on a processor.
        if optimiser == "Adam":
            self.optimiser = torch.optim.Adam(parameters, lr=1e-3, fused=True)
        else:
            self.optimiser = torch.optim.SGD(parameters, lr=0.05, momentum=0.9, fused=True)

    def forward(self, x: Any) -> Any:
        if not self.binary:
            return self.model(x)
        functional = self.torch.nn.functional
        for layer, norm in zip(self.linear, self.norms, strict=True):
            x = norm(functional.linear(x, self.sign(layer.weight)))
            if layer is not self.linear[-1]:
                x = self.sign(x)
        return x

    def sign(self, x: Any) -> Any:
        """Sign forward, straight through within [-1, 1] backward."""
        clipped = x.clamp(-1, 1)
        return clipped + (self.torch.where(x >= 0, 1.0, -1.0) - clipped).detach()

    def parts(self, n_parts: int) -> Iterator[None]:
        n = len(self.y)
        ends = {n * (i + 1) // n_parts // BATCH * BATCH for i in range(n_parts - 1)}
        while True:
            order = self.torch.randperm(n)
            for first in range(0, n, BATCH):
                if first in ends:
                    yield
                if self.binary:
                    self.norms.train()
                rows = order[first : first + BATCH]
                loss = self.torch.nn.functional.cross_entropy(self.forward(self.X[rows]), self.y[rows])
                self.optimiser.zero_grad()
                loss.backward()
                self.optimiser.step()
                if self.binary:
                    with self.torch.no_grad():
                        for layer in self.linear:
                            layer.weight.clamp_(-1, 1)
            yield

    def predict(self) -> NDArray[Any]:
        if self.binary:
            self.norms.eval()
        with self.torch.no_grad():
            winners: NDArray[Any] = self.forward(self.X_test).argmax(1).numpy()
        return winners


class ScikitLearn:
    """scikit-learn's MLPClassifier of the same width, float32, with its defaults (Adam, ReLU)."""

    def __init__(self, data: Data, threads: int, kind: str):
        from sklearn.neural_network import MLPClassifier

        self.X, self.X_test = data.numbers(kind)
        self.y = data.y
        self.model = MLPClassifier((WIDTH,), batch_size=BATCH, random_state=1)

    def parts(self, n_parts: int) -> Iterator[None]:
        rng, n = np.random.default_rng(1), len(self.y)
        while True:
            order = rng.permutation(n)
            for i in range(n_parts):
                rows = order[n * i // n_parts : n * (i + 1) // n_parts]
                self.model.partial_fit(self.X[rows], self.y[rows], classes=np.arange(10))
                yield

    def predict(self) -> NDArray[Any]:
        winners: NDArray[Any] = self.model.predict(self.X_test)
        return winners


class GreenTsetlin:
    """green-tsetlin's coalesced Tsetlin machine: its own blocks, put together as its Trainer does."""

    def __init__(self, data: Data, threads: int, n_clauses: int, s: float, threshold: int, literal_budget: int | None):
        import green_tsetlin as gt
        from green_tsetlin.backend import impl

        X, X_test = data.bits()
        self.X, self.X_test = X.astype(np.uint8), X_test.astype(np.uint8)
        self.y, self.y_test = data.y.astype(np.uint32), data.y_test.astype(np.uint32)
        machine = gt.TsetlinMachine(
            n_literals=X.shape[1], n_clauses=n_clauses, n_classes=10, s=s, threshold=threshold,
            literal_budget=literal_budget,
        )  # fmt: skip
        machine.set_num_clause_blocks(threads)
        self.blocks = machine.construct_clause_blocks()
        self.input = impl["dense_input"](X.shape[1])
        self.input.set_data(self.X, self.y)
        feedback = impl["feedback"](10, threshold, 1)
        for block in self.blocks:
            block.set_feedback(feedback)
            block.set_input_block(self.input)
        self.feedback = feedback  # it must live as long as the blocks
        self.allocated = gt.allocate_clause_blocks(self.blocks, seed=1)
        self.allocated.__enter__()
        self.executor = impl["single_executor" if threads == 1 else "thread_executor"](
            self.input, self.blocks, feedback, threads, 1
        )

    def parts(self, n_parts: int) -> Iterator[None]:
        rng, n = np.random.default_rng(1), len(self.y)
        while True:
            order = rng.permutation(n)
            for i in range(n_parts):
                rows = order[n * i // n_parts : n * (i + 1) // n_parts]
                X, y = self.X[rows], self.y[rows]
                self.input.set_data(X, y)
                self.executor.train_epoch()
                yield

    def predict(self) -> NDArray[Any]:
        predicted = np.empty_like(self.y_test)
        self.input.set_data(self.X_test, self.y_test)
        self.executor.eval_predict(predicted)
        return predicted


@dataclass(frozen=True)
class Row:
    """A peer by its name, what it sees, and how it is made."""

    name: str
    sees: str
    make: Callable[[Data, int], Peer]


ROWS = (
    Row("bitlocal, median, groups of 15", "784 bits", lambda d, t: Bitlocal(d, t, MedianBinarizer(), 15)),
    Row("bitlocal, thermometer2, groups of 15", "1568 bits", lambda d, t: Bitlocal(d, t, ThermometerEncoder(2), 15)),
    Row("bitlocal, thermometer4, groups of 15", "3136 bits", lambda d, t: Bitlocal(d, t, ThermometerEncoder(4), 15)),
    Row("bitlocal, thermometer8, groups of 45", "6272 bits", lambda d, t: Bitlocal(d, t, ThermometerEncoder(8), 45)),
    Row("bitlocal, hog3, groups of 15", "edges", lambda d, t: Bitlocal(d, t, ImageEncoder("hog3"), 15)),
    Row("PyTorch Adam", "784 bits", lambda d, t: Torch(d, t, "bits", "Adam")),
    Row("PyTorch Adam", "784 pixels", lambda d, t: Torch(d, t, "pixels", "Adam")),
    Row("PyTorch SGD", "784 bits", lambda d, t: Torch(d, t, "bits", "SGD")),
    Row("PyTorch SGD", "784 pixels", lambda d, t: Torch(d, t, "pixels", "SGD")),
    Row("PyTorch straight-through", "784 bits", lambda d, t: Torch(d, t, "bits", "Adam", binary=True)),
    Row("scikit-learn MLPClassifier", "784 bits", lambda d, t: ScikitLearn(d, t, "bits")),
    Row("scikit-learn MLPClassifier", "784 pixels", lambda d, t: ScikitLearn(d, t, "pixels")),
    Row("green-tsetlin, 2000 clauses", "784 bits", lambda d, t: GreenTsetlin(d, t, 2000, 10.0, 2000, None)),
)


# Measuring ------------------------------------------------------------------------------------------------------------


@dataclass
class Record:
    """How one peer did: cumulated training seconds and test accuracy after each part."""

    name: str
    sees: str
    parts: int
    seconds: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """Complete epochs."""
        return len(self.seconds) // self.parts

    def epoch_seconds(self) -> list[float]:
        """Seconds of each complete epoch, without the first if there are others: it warms up."""
        ends = [0.0, *self.seconds[self.parts - 1 :: self.parts]]
        epochs = [b - a for a, b in pairwise(ends)]
        return epochs[1:] or epochs

    def time_to(self, target: float) -> float | None:
        """Seconds of training until a test first reached the target."""
        return next((s for s, a in zip(self.seconds, self.accuracy, strict=True) if a >= target), None)

    def after(self, epoch: int) -> float | None:
        """Accuracy after so many epochs."""
        return self.accuracy[epoch * self.parts - 1] if epoch <= self.epochs else None


def compete(
    rows: list[Row], data: Data, threads: int, n_parts: int, max_epochs: int, max_seconds: float
) -> list[Record]:
    """Train all peers in turns."""
    records, running = [], []
    for row in rows:
        try:
            peer = row.make(data, threads)
        except ImportError as error:
            print(f"left out: {row.name}, {row.sees}: {error}", file=sys.stderr)
            continue
        record = Record(row.name, row.sees, n_parts)
        records.append(record)
        running.append((record, peer, peer.parts(n_parts)))
    while running:
        try:
            for record, peer, trained in running:
                start = time.perf_counter()
                next(trained)
                taken = time.perf_counter() - start
                accuracy = float((peer.predict() == data.y_test).mean())
                record.seconds.append((record.seconds or [0.0])[-1] + taken)
                record.accuracy.append(accuracy)
        except KeyboardInterrupt:
            print("interrupted: these are the figures so far", file=sys.stderr)
            return [record for record in records if record.epochs]
        print(f"{len(records[0].seconds)} parts of 1/{n_parts} epoch, {len(running)} peers training", file=sys.stderr)
        # Only after complete epochs; three at least, for a median.
        running = [
            entry
            for entry in running
            if len(entry[0].seconds) % n_parts
            or entry[0].epochs < min(3, max_epochs)
            or (entry[0].epochs < max_epochs and entry[0].seconds[-1] < max_seconds)
        ]
    return records


# Showing --------------------------------------------------------------------------------------------------------------


def table(records: list[Record]) -> str:
    """Make a Markdown table."""
    columns = ["", "sees", "s an epoch", *(f"after {n}" for n in EQUAL_EPOCHS), "best", "epochs"]
    columns += [f"s to {target:.0%}" for target in TARGETS]
    lines = ["| " + " | ".join(columns) + " |", "|---|---|" + "---:|" * (len(columns) - 2)]
    for record in records:
        seconds = record.epoch_seconds()
        low, middle, high = np.percentile(seconds, [25, 50, 75])
        cells = [record.name, record.sees, f"{middle:.3g} ({low:.3g} to {high:.3g})"]
        for n in EQUAL_EPOCHS:
            accuracy = record.after(n)
            cells.append("" if accuracy is None else f"{accuracy:.2%}")
        cells += [f"{max(record.accuracy):.2%}", str(record.epochs)]
        for target in TARGETS:
            reached = record.time_to(target)
            cells.append(f"not reached in {record.epochs} epochs" if reached is None else f"{reached:.3g}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def ratios(records: list[Record]) -> str:
    """Compare bitlocal's fastest row with the fastest peer, for each target: of all, and from the same bits."""
    lines = []
    for target in TARGETS:
        for what, chosen in (
            ("any input", records),
            ("784 bits", [record for record in records if record.sees == "784 bits"]),
        ):
            reached = [(t, record) for record in chosen if (t := record.time_to(target)) is not None]
            ours = [entry for entry in reached if entry[1].name.startswith("bitlocal")]
            peers = [entry for entry in reached if not entry[1].name.startswith("bitlocal")]
            if ours and peers:
                (a, mine), (b, theirs) = (min(group, key=lambda entry: entry[0]) for group in (ours, peers))
                lines.append(
                    f"- To {target:.0%} from {what}: {mine.name} ({mine.sees}) {a:.3g} s; the fastest peer, "
                    f"{theirs.name} ({theirs.sees}), {b:.3g} s: {b / a:.1f} times as long."
                )
    return "\n".join(lines)


def plot(records: list[Record], path: Path, caption: str) -> None:
    """Draw test accuracy against training seconds."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 5.2), layout="constrained")
    mine = [record.name for record in records if record.name.startswith("bitlocal")]
    ours = dict(zip(mine, plt.get_cmap("Oranges")(np.linspace(0.35, 0.95, len(mine))), strict=True))
    colours = {"PyTorch Adam": "tab:blue", "PyTorch SGD": "tab:cyan", "PyTorch straight-through": "tab:purple",
               "scikit-learn MLPClassifier": "tab:green", "green-tsetlin, 2000 clauses": "tab:gray"}  # fmt: skip
    for record in records:
        axes.plot(
            record.seconds,
            100 * np.array(record.accuracy),
            color=ours[record.name] if record.name in ours else colours.get(record.name, "black"),
            linestyle="--" if "pixels" in record.sees else "-",
            linewidth=2.2 if record.name in ours else 1.3,
            label=f"{record.name} ({record.sees})",
        )
    for target in TARGETS:
        axes.axhline(100 * target, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda x, _: f"{x:g}"))
    best = max(max(record.accuracy) for record in records)
    axes.set_ylim(76, max(100 * best + 0.5, 88))  # where it is decided; each curve starts lower
    axes.yaxis.set_major_locator(mpl.ticker.MultipleLocator(2))  # the targets among them
    axes.set_xlabel("training seconds")
    axes.set_ylabel("test accuracy, %")
    axes.set_title(caption, fontsize=10)
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Compete, and write NAME.md, NAME.json and NAME.png."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("peers"), help="files to write, without their endings")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--parts", type=int, default=5, help="tests in an epoch")
    parser.add_argument("--epochs", type=int, default=30, help="epochs at most")
    parser.add_argument("--seconds", type=float, default=120.0, help="training seconds at most, after three epochs")
    parser.add_argument("--only", nargs="*", help="parts of names of peers to run, as in --only bitlocal Adam")
    parser.add_argument("--quick", action="store_true", help="little data and few epochs: does it run?")
    arguments = parser.parse_args()
    rows = [row for row in ROWS if not arguments.only or any(name in row.name for name in arguments.only)]
    data = Data.load(5000 if arguments.quick else None)
    epochs = 2 if arguments.quick else arguments.epochs
    from threadpoolctl import threadpool_limits

    with threadpool_limits(arguments.threads):
        records = compete(rows, data, arguments.threads, arguments.parts, epochs, arguments.seconds)
    here = machine()
    threads = "1 thread" if arguments.threads == 1 else f"{arguments.threads} threads"
    caption = f"Fashion-MNIST, {len(data.y)} training samples, {threads} of {here.processor} ({here.isa})"
    text = f"{caption}. Seconds an epoch: median (quartiles).\n\n{table(records)}\n\n{ratios(records)}\n"
    print(text)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.with_suffix(".md").write_text(text, encoding="utf-8")
    results = {"machine": asdict(here), "threads": arguments.threads, "batch_size": BATCH, "peers": [
        {**asdict(record), "median_epoch_seconds": statistics.median(record.epoch_seconds()),
         "seconds_to": {str(target): record.time_to(target) for target in TARGETS}} for record in records
    ]}  # fmt: skip
    arguments.out.with_suffix(".json").write_text(json.dumps(results) + "\n", encoding="utf-8")
    plot(records, arguments.out.with_suffix(".png"), caption)


if __name__ == "__main__":
    main()
