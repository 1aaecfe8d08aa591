"""A trained classifier as plain data: all that another language needs, and nothing of any language.

Languages (`bitlocal.export.c99` is one) read what `of` gives; this module alone knows classifiers and networks.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal._core import Purpose, longest_gap
from bitlocal.bits import PackedBits, pack, unpack
from bitlocal.encoders.program import Compared, Program
from bitlocal.encoders.tables.stages import TableNumbers
from bitlocal.encoders.union import program_of
from bitlocal.estimator import BMLPClassifier
from bitlocal.export.errors import ExportError
from bitlocal.files.encoders import fitted_to_json
from bitlocal.files.schema import plain
from bitlocal.files.tensors import digest
from bitlocal.network import BinaryNetwork
from bitlocal.pipelines import fold

__all__ = ["LONGEST_GAP", "ExportModel", "Layer", "Learning", "Purpose", "of", "program_for", "with_learnt"]

LONGEST_GAP = longest_gap  # of docs/algorithm.md, "Gaps", as `Purpose` is of its "Random numbers"
_STEPS = 2**32


@dataclass(frozen=True)
class Layer:
    """A trained layer. Symbols are those of `docs/algorithm.md`.

    Attributes
    ----------
    n_inputs, n_neurons : int
        Its shape.
    group_size : int
        Of the choice.
    margin : int
        Of its error signal.
    reinforcement : int
        Probability of reinforcement in units of 2**-32.
    weights : PackedBits
        Binary weights W, a row a neuron; 1 stands for +1, 0 for -1.
    local_classifier : PackedBits
        P, a row a class, likewise.
    """

    n_inputs: int
    n_neurons: int
    group_size: int
    margin: int
    reinforcement: int
    weights: PackedBits
    local_classifier: PackedBits


@dataclass(frozen=True)
class Readout:
    """A learned readout.

    Attributes
    ----------
    values : ndarray of int16, shape (n_classes, n_neurons)
        R, a row a class.
    margin : int
        What a class must lead by, or it teaches the readout.
    """

    values: NDArray[np.int16]
    margin: int


@dataclass(frozen=True)
class Learning:
    """Where learning goes on.

    Attributes
    ----------
    counters : tuple of ndarray of int16, shape (n_neurons, n_inputs)
        h of each layer.
    drawn : bool
        Whether these are what the seed draws, since the network has not learnt.
    identity : bytes
        16 bytes that tell which model this is: a digest of everything but what learning changes. Shape, rule, seed,
        local classifiers, the probability of reinforcement as training left it, and the encoder.
    """

    counters: tuple[NDArray[np.int16], ...]
    drawn: bool
    identity: bytes


@dataclass(frozen=True)
class ExportModel:
    """A trained classifier.

    Attributes
    ----------
    n_features : int
        Features of a sample.
    program : Program or None
        What makes bits of them; None if they are bits.
    layers : tuple of Layer
        From the input on.
    classes : tuple
        Labels of the classes.
    seed : int
        Of all random numbers.
    hidden_clip : int or None
        Bound on the absolute hidden weights.
    counter_range : tuple of int
        The smallest and the largest counter h.
    step : int
        Mini-batches so far, modulo 2**32.
    batch_size : int
        Samples of a mini-batch.
    learning : Learning or None
        None in a model that only infers.
    readout : Readout or None
        What answers in place of the last local classifier, where that is learned.
    """

    n_features: int
    program: Program | None
    layers: tuple[Layer, ...]
    classes: tuple[Any, ...]
    seed: int
    hidden_clip: int | None
    counter_range: tuple[int, int]
    step: int
    batch_size: int
    learning: Learning | None
    readout: Readout | None = None

    @property
    def n_bits(self) -> int:
        """Input bits."""
        return self.layers[0].n_inputs

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def counter_bits(self, asked: int | None = None) -> int:
        """Give the bits of a counter: those that were asked for, if they hold its range, or as few as do.

        Parameters
        ----------
        asked : int or None
            From 2 to 16.

        Returns
        -------
        int

        Raises
        ------
        ExportError
            If they do not hold it, or are not from 2 to 16.
        """
        fewest = max(self.counter_range[1].bit_length() + 1, 2)
        if asked is None:
            return fewest
        if not 2 <= asked <= 16:
            raise ExportError(f"counters of {asked} bits: expected from 2 to 16, such as 4, 8 or 16")
        if asked < fewest:
            clip = "no bound (clip)" if self.hidden_clip is None else f"the bound (clip) {self.hidden_clip}"
            raise ExportError(
                f"counters of {asked} bits do not hold the hidden weights of this model, which has {clip} and needs "
                f"{fewest} bits: train with --clip {2**asked - 1} (hidden_clip={2**asked - 1})"
            )
        return asked

    def encode(self, rows: NDArray[Any]) -> PackedBits:
        """Encode samples of `n_features` numbers each; a time is its seconds since 1970."""
        return pack(rows) if self.program is None else self.program.run(_with_times(self.program, rows))

    def predict(self, samples: PackedBits) -> NDArray[np.intp]:
        """Give the classes, from 0, of encoded samples: what every language has to give for them."""
        bits = samples
        for layer in self.layers:
            bits = pack(_products(layer.weights, bits) >= 0)
        if self.readout is None:
            logits = _products(self.layers[-1].local_classifier, bits)
        else:
            logits = _signs(bits) @ self.readout.values.astype(np.int32).T
        winners: NDArray[np.intp] = logits.argmax(axis=1)
        return winners


def of(classifier: Any, *, learn: bool = False) -> ExportModel:
    """Take a classifier apart.

    Parameters
    ----------
    classifier : BMLPClassifier, Pipeline or search
        Fitted; what is no classifier is made one by `bitlocal.fold`.
    learn : bool, default=False
        Whether to take what learning needs, too.

    Returns
    -------
    ExportModel

    Raises
    ------
    ExportError
        If it is a variant that no language has, or cannot learn.

    Examples
    --------
    >>> import bitlocal
    >>> from bitlocal.export import model
    >>> clf = bitlocal.BMLPClassifier((8,), encoder=None, random_state=0).fit([[0, 1], [1, 0]] * 9, ["a", "b"] * 9)
    >>> found = model.of(clf)
    >>> found.n_bits, found.layers[0].weights.shape, found.classes
    (2, (8, 2), ('a', 'b'))
    """
    classifier = fold(classifier)
    network: BinaryNetwork = classifier.network_
    spec = network.spec
    if any(block.pools for block in spec.blocks):
        raise ExportError("the single-layer method has no form in C: expected a BMLPClassifier")
    if learn:
        _require_learning(network)
    thresholds = network.reinforcement_thresholds()[: network.n_layers]
    return ExportModel(
        n_features=int(classifier.n_features_in_),
        program=program_for(classifier.encoder_),
        layers=tuple(
            Layer(
                block.n_inputs,
                block.n_neurons,
                block.group_size,
                block.margin,
                threshold,
                network.packed_weights(i),
                network.packed_local_classifier(i),
            )
            for i, (block, threshold) in enumerate(zip(spec.blocks, thresholds, strict=True))
        ),
        classes=tuple(classifier.classes_.tolist()),
        seed=spec.seed,
        hidden_clip=spec.rule.hidden_clip,
        counter_range=spec.rule.counter_range,
        step=network.state.step % _STEPS,
        batch_size=int(classifier.settled()["batch_size"]),
        learning=_learning(classifier) if learn else None,
        readout=None if spec.readout_margin is None else Readout(network.readout(), spec.readout_margin),
    )


def program_for(encoder: Any) -> Program | None:
    """Give the program of a fitted encoder, or None for None: features that are bits.

    Raises
    ------
    ExportError
        If it is a transformer from elsewhere, of which nothing is known.
    """
    program = program_of(encoder)
    if program is None and encoder is not None:
        raise ExportError(
            f"an encoder of type {type(encoder).__name__} cannot be exported to C: encode the samples before they "
            "reach the device, and fit the classifier on the bits (encoder=None)"
        )
    return program


def with_learnt(
    classifier: BMLPClassifier,
    counters: Sequence[NDArray[np.int16]],
    step: int,
    readout: NDArray[np.int16] | None = None,
) -> BMLPClassifier:
    """Give a copy of a classifier that has learnt elsewhere.

    Parameters
    ----------
    classifier : BMLPClassifier
        Fitted; it stays as it is.
    counters : sequence of ndarray of int16
        h of each layer.
    step : int
        Mini-batches so far.
    readout : ndarray of int16 or None
        R of a learned readout.

    Returns
    -------
    BMLPClassifier
        It predicts, and goes on learning, as what learnt elsewhere does.
    """
    learnt = copy.deepcopy(fold(classifier))
    learnt.network_.restore(counters)
    if readout is not None:
        learnt.network_.set_readout(readout)
    learnt.network_.state.step = step
    learnt.network_.state.window = None  # a device keeps its probability of reinforcement
    return learnt


def _with_times(program: Program, rows: NDArray[Any]) -> NDArray[Any]:
    """Make times of the columns that held times in fit."""
    tables = [stage.quantities for stage in program.stages if isinstance(stage, Compared)]
    numbers = [column for table in tables if isinstance(table, TableNumbers) for column in table.columns]
    times = sorted({column.column for column in numbers if column.kind == "time"})
    if times:
        seconds = rows[:, times].astype(np.int64)
        rows = rows.astype(object)
        rows[:, times] = seconds.astype("datetime64[s]")
    return rows


def _require_learning(network: BinaryNetwork) -> None:
    if not network.has_hidden_weights:
        raise ExportError(
            "this model has no hidden weights (its file was saved for inference only), so it cannot learn on a device: "
            "export it without --learn, or save it without --inference-only"
        )
    frozen = any(block.frozen for block in network.spec.blocks)
    for option, used in (("freeze_first", frozen), ("train_classifier", network.spec.target.trained)):
        if used:
            raise ExportError(f"learning with {option} has no form in C: export without --learn, or train without it")


def _learning(classifier: BMLPClassifier) -> Learning:
    network: BinaryNetwork = classifier.network_
    counters = tuple(network.snapshot())
    drawn = network.state.step == 0 and all(
        np.array_equal(a, b) for a, b in zip(BinaryNetwork(network.spec).snapshot(), counters, strict=True)
    )
    return Learning(counters, drawn, _identity(classifier))


def _identity(classifier: BMLPClassifier) -> bytes:
    network: BinaryNetwork = classifier.network_
    spec = network.spec
    arrays: dict[str, NDArray[Any]] = {}
    encoder = fitted_to_json(classifier.encoder_, arrays)
    description = {
        "layer_sizes": spec.layer_sizes,
        "n_classes": spec.n_classes,
        "group_size": spec.blocks[0].group_size,
        "margins": [block.margin for block in spec.blocks],
        "counter_range": spec.rule.counter_range,
        "seed": spec.seed,
        "reinforcement": network.reinforcement_thresholds(),
        "encoder": encoder,
    }
    if spec.readout_margin is not None:
        description["readout_margin"] = spec.readout_margin
    for layer in range(network.n_layers):
        arrays[f"layers.{layer}.local_classifier"] = network.packed_local_classifier(layer).words
    text = json.dumps(description, separators=(",", ":"), sort_keys=True, default=plain)
    return bytes.fromhex(digest(text, arrays))[:16]


def _products(rows: PackedBits, samples: PackedBits) -> NDArray[np.int32]:
    """Sum the products of -1 and +1 of each sample with each row."""
    products: NDArray[np.int32] = _signs(samples) @ _signs(rows).T
    return products


def _signs(rows: PackedBits) -> NDArray[np.int32]:
    signs: NDArray[np.int32] = 2 * unpack(rows).astype(np.int32) - 1
    return signs
