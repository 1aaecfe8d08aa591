"""The training loop: epochs, validation, early stopping, progress; and the passes of a learned readout."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitlocal.bits import PackedBits
from bitlocal.network import BinaryNetwork
from bitlocal.state import Counts

READOUT_PASSES = 15


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch came to.

    Attributes
    ----------
    epoch : int
        Its number within this training, from 1.
    counts : Counts
        What it counted; what `bitlocal.lab.cost` reckons with.
    validation_accuracy : float or None
        Accuracy on the held-out part at the end of the epoch, where there is one.
    seconds : float
        Wall-clock time of the training, without validation and callbacks.
    """

    epoch: int
    counts: Counts
    validation_accuracy: float | None
    seconds: float

    @property
    def n_samples(self) -> int:
        """Samples that were presented."""
        return self.counts.seen

    @property
    def train_accuracy(self) -> float:
        """Share of samples classified correctly when they were presented, before the network learnt from them."""
        return self.counts.accuracy

    @property
    def error_share(self) -> tuple[float, ...]:
        """Share of samples with an error signal, for each layer."""
        return self.counts.error_share


def describe(record: EpochRecord, n_epochs: int) -> str:
    """Tell what an epoch came to, in one line."""
    validation = "" if record.validation_accuracy is None else f"  validation accuracy {record.validation_accuracy:.4f}"
    errors = ", ".join(f"{share:.3f}" for share in record.error_share)
    return (
        f"epoch {record.epoch}/{n_epochs}  train accuracy {record.train_accuracy:.4f}{validation}  "
        f"error signals {errors}  {record.seconds:.2f} s"
    )


@dataclass(frozen=True)
class ReadoutRecord:
    """What one pass of a learned readout came to.

    Attributes
    ----------
    number : int
        Of the pass, from 1; 0 for where the readout begins, with votes.
    counts : Counts
        What it counted.
    validation_accuracy : float or None
        Accuracy on the held-out part, where there is one, of the mean of the readouts after this pass and those before.
    """

    number: int
    counts: Counts
    validation_accuracy: float | None


@dataclass(frozen=True)
class Progress:
    """Where training stands; what a callback gets several times an epoch.

    Attributes
    ----------
    epoch, n_epochs : int
        The current epoch, from 1, and how many there will be at most.
    counts : Counts
        Of this epoch so far.
    n_samples : int
        Samples that an epoch has.
    finished : EpochRecord or None
        The epoch's record, in the last call of the epoch.
    """

    epoch: int
    n_epochs: int
    counts: Counts
    n_samples: int
    finished: EpochRecord | None = None

    @property
    def seen(self) -> int:
        """Samples gone through in this epoch, each once."""
        return self.counts.rows

    @property
    def train_accuracy(self) -> float:
        """Share of samples classified correctly, of this epoch so far."""
        return self.counts.accuracy

    @property
    def error_share(self) -> tuple[float, ...]:
        """Share of samples with an error signal, of this epoch so far, for each layer."""
        return self.counts.error_share


def share_right(right: NDArray[np.bool_], weights: NDArray[np.uint64] | None) -> float:
    """Give the share of samples, by weight, that are right: the same on all machines."""
    if weights is None:
        return float(right.mean())
    return float(sum(weights[right].tolist()) / sum(weights.tolist()))  # exact, of whole numbers


Callback = Callable[[Progress], None]


@dataclass(frozen=True)
class Validation:
    """The held-out part that training is watched on, and when to stop.

    Attributes
    ----------
    samples, labels
        The held-out part.
    patience : int or None
        Epochs without improvement after which training stops and the best network is restored; None to only watch.
    tol : float
        How much the accuracy must rise to count as an improvement.
    weights : ndarray of uint64, or None
        How much each sample counts; None for the same.
    """

    samples: PackedBits
    labels: NDArray[np.integer]
    patience: int | None
    tol: float
    weights: NDArray[np.uint64] | None = None

    def accuracy(self, predicted: NDArray[np.integer]) -> float:
        """Give the share of samples, by weight, that were predicted correctly."""
        return share_right(predicted == self.labels, self.weights)


def train(
    network: BinaryNetwork,
    samples: PackedBits,
    labels: NDArray[np.integer],
    *,
    weights: NDArray[np.uint64] | None = None,
    epochs: int,
    batch_size: int,
    n_threads: int,
    validation: Validation | None = None,
    callback: Callback | None = None,
) -> Iterator[EpochRecord]:
    """Train a network epoch by epoch, and yield each epoch's record.

    Whoever stops iterating, or interrupts, leaves a valid network. A learned readout begins anew, with votes, and stays
    so: `train_readout` follows when the layers have learnt. After an epoch in which no layer had an error signal, those
    that are left would change nothing: they are counted in the network's state, and not gone through.
    """
    if network.spec.target.readout == "learned":
        network.start_readout()
    best = _Best(validation.tol) if validation is not None and validation.patience is not None else None
    try:
        for epoch in range(1, epochs + 1):
            counts, seconds, start = Counts(), 0.0, time.perf_counter()
            parts = network.train_epoch_parts(
                samples, labels, weights=weights, batch_size=batch_size, n_threads=n_threads
            )
            for part in parts:
                seconds += time.perf_counter() - start
                counts.add(part)
                if callback is not None and counts.rows < len(samples):
                    callback(Progress(epoch, epochs, copy.deepcopy(counts), len(samples)))
                start = time.perf_counter()
            accuracy = None
            if validation is not None:
                predicted = network.predict(validation.samples, n_threads=n_threads)
                accuracy = validation.accuracy(predicted)
            record = EpochRecord(epoch, counts, accuracy, seconds)
            yield record
            if callback is not None:
                callback(Progress(epoch, epochs, counts, len(samples), record))
            if best is not None and validation is not None and accuracy is not None:
                best.note(accuracy, network)
                if best.waited == validation.patience:
                    break
            if weights is None and counts.is_settled:  # with weights, another epoch may present other samples
                left = epochs - epoch
                if best is not None and validation is not None and validation.patience is not None:
                    left = min(left, validation.patience - best.waited)
                network.skip(left, counts.batches)
                break
        if best is not None:
            network.restore(best.weights)
    finally:
        network.release()


def train_readout(
    network: BinaryNetwork,
    samples: PackedBits,
    labels: NDArray[np.integer],
    weights: NDArray[np.uint64] | None = None,
    validation: Validation | None = None,
    *,
    batch_size: int,
    n_threads: int,
) -> list[ReadoutRecord]:
    """Train the learned readout of a network whose layers have learnt, on what they make of the samples.

    What remains is the mean of the readouts after each pass. With a validation that may stop, it is the mean up to the
    pass with which it was right most often, which may be none.
    """
    network.start_readout()
    activations = network.activations(samples, n_threads=n_threads)
    reached = mean = best = network.readout()
    total = np.zeros(reached.shape, dtype=np.int64)
    records: list[ReadoutRecord] = []
    most = -1.0
    for number in range(READOUT_PASSES + 1):
        counts = Counts()
        if number:
            network.set_readout(reached)
            counts = network.pass_readout(
                activations, labels, number, weights=weights, batch_size=batch_size, n_threads=n_threads
            )
            reached = network.readout()
            total += reached
            mean = ((2 * total + number) // (2 * number)).astype(np.int16)
        network.set_readout(mean)
        accuracy = None
        if validation is not None:
            accuracy = validation.accuracy(network.predict(validation.samples, n_threads=n_threads))
            if accuracy > most:
                most, best = accuracy, mean
        records.append(ReadoutRecord(number, counts, accuracy))
    if validation is not None and validation.patience is not None:
        network.set_readout(best)
    return records


class _Best:
    """The best network so far, and for how many epochs it has been that."""

    def __init__(self, tol: float) -> None:
        self.tol = tol
        self.accuracy = -1.0
        self.weights: list[NDArray[np.int16]] = []
        self.waited = 0

    def note(self, accuracy: float, network: BinaryNetwork) -> None:
        self.waited = 0 if accuracy > self.accuracy + self.tol else self.waited + 1
        if accuracy > self.accuracy:
            self.accuracy, self.weights = accuracy, network.snapshot()
