"""The numbers that an export is made of: shapes, planes, thresholds. No C here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sklearn.utils.validation import check_is_fitted

from bitlocal.estimator import BMLPClassifier
from bitlocal.export.errors import ExportError
from bitlocal.export.planes import words_for
from bitlocal.spec import Spec

LONGEST_GAP = 1024  # of docs/algorithm.md, "Gaps"
GAP_STRIDE = 16  # every so many entries of the table of gaps go to flash; the others follow from them
MOST_BATCH_SIZE = 4096  # of a device: far more than fits into its memory


@dataclass(frozen=True)
class LayerPlan:
    """One trained layer.

    Attributes
    ----------
    number : int
        From 1.
    n_inputs, n_neurons : int
        Its shape.
    margin : int
        Of its error signal.
    threshold : int
        Probability of reinforcement in units of 2**-32.
    """

    number: int
    n_inputs: int
    n_neurons: int
    margin: int
    threshold: int

    @property
    def row_words(self) -> int:
        """32-bit words of a row of weights."""
        return words_for(self.n_inputs)

    @property
    def out_words(self) -> int:
        """32-bit words of its activations."""
        return words_for(self.n_neurons)

    @property
    def words(self) -> int:
        """32-bit words of all its weights: of one bit plane."""
        return self.n_neurons * self.row_words

    @property
    def gap_table(self) -> list[int]:
        """S[1], S[1 + GAP_STRIDE], ... of the gaps' law, as far as a row of this layer can need them."""
        q = 2**32 - self.threshold
        table: list[int] = []
        entry = 2**32 * q
        for gap in range(min(LONGEST_GAP, self.n_inputs)):
            if gap % GAP_STRIDE == 0 and (entry > 0 or not table):
                table.append(entry)
            entry = entry * q // 2**32
        return table


@dataclass(frozen=True)
class Plan:
    """An export of a network.

    Attributes
    ----------
    layers : tuple of LayerPlan
        From the input on.
    n_classes, group_size, seed : int
        Of the network.
    batch_size : int
        Samples of a mini-batch on the device.
    n_planes : int
        Bits of a counter.
    h_min, h_max : int
        Bounds of a counter.
    step : int
        Mini-batches so far, modulo 2**32.
    """

    layers: tuple[LayerPlan, ...]
    n_classes: int
    group_size: int
    seed: int
    batch_size: int
    n_planes: int
    h_min: int
    h_max: int
    step: int

    @property
    def n_bits(self) -> int:
        """Input bits."""
        return self.layers[0].n_inputs

    @property
    def state_words(self) -> int:
        """32-bit words of all counters."""
        return self.n_planes * sum(layer.words for layer in self.layers)


def make_plan(classifier: BMLPClassifier, *, batch_size: int | None = None, counter_bits: int | None = None) -> Plan:
    """Plan the export of a classifier.

    Parameters
    ----------
    classifier : BMLPClassifier
        A fitted classifier.
    batch_size : int or None, default=None
        Samples of a mini-batch on the device, from 1 to 4096. None for the classifier's.
    counter_bits : int or None, default=None
        Bits of a counter, from 2 to 16. None for as few as hold the range that the classifier's `hidden_clip` allows.

    Returns
    -------
    Plan

    Raises
    ------
    ExportError
        If a number is out of range, or the counters do not fit.
    """
    network = classifier.network_
    spec = network.spec
    if any(block.pools for block in spec.blocks):
        raise ExportError("the single-layer method has no form in C: expected a BMLPClassifier")
    h_min, h_max = spec.rule.counter_range
    return Plan(
        layers=_layers(spec, network.reinforcement_thresholds()[: network.n_layers]),
        n_classes=spec.n_classes,
        group_size=spec.blocks[0].group_size,
        seed=spec.seed,
        batch_size=_batch_size(int(classifier.batch_size) if batch_size is None else batch_size),
        n_planes=planes_for(spec, counter_bits),
        h_min=h_min,
        h_max=h_max,
        step=network.state.step % 2**32,
    )


def require_learning(classifier: BMLPClassifier) -> None:
    """Refuse models that cannot learn on a device.

    Raises
    ------
    ExportError
        If the hidden weights are not there, or the rule is a variant that has no form in C.
    """
    check_is_fitted(classifier, "network_")
    if not classifier.network_.has_hidden_weights:
        raise ExportError(
            "this model has no hidden weights (its file was saved for inference only), so it cannot learn on a device: "
            "export it without --learn, or save it without --inference-only"
        )
    spec = classifier.network_.spec
    frozen = any(block.frozen for block in spec.blocks)
    for option, used in (("freeze_first", frozen), ("train_classifier", spec.target.trained)):
        if used:
            raise ExportError(f"learning with {option} has no form in C: export without --learn, or train without it")


def planes_for(spec: Spec, counter_bits: int | None) -> int:
    """Give the bits of a counter: those that were asked for, if they hold its range, or as few as do.

    Parameters
    ----------
    spec : Spec
    counter_bits : int or None
        From 2 to 16.

    Returns
    -------
    int

    Raises
    ------
    ExportError
        If they do not hold it, or are not from 2 to 16.
    """
    h_max = spec.rule.counter_range[1]
    fewest = max(h_max.bit_length() + 1, 2)
    if counter_bits is None:
        return fewest
    if not 2 <= counter_bits <= 16:
        raise ExportError(f"counters of {counter_bits} bits: expected from 2 to 16, such as 4, 8 or 16")
    if counter_bits < fewest:
        clip = "no bound (clip)" if spec.rule.hidden_clip is None else f"the bound (clip) {spec.rule.hidden_clip}"
        raise ExportError(
            f"counters of {counter_bits} bits do not hold the hidden weights of this model, which has {clip} and needs "
            f"{fewest} bits: train with --clip {2**counter_bits - 1} (hidden_clip={2**counter_bits - 1})"
        )
    return counter_bits


def _batch_size(batch_size: int) -> int:
    if not 1 <= batch_size <= MOST_BATCH_SIZE:
        raise ExportError(f"mini-batches of {batch_size} samples: expected from 1 to {MOST_BATCH_SIZE}")
    return batch_size


def _layers(spec: Spec, thresholds: Sequence[int]) -> tuple[LayerPlan, ...]:
    return tuple(
        LayerPlan(number, block.n_inputs, block.n_neurons, block.margin, threshold)
        for number, (block, threshold) in enumerate(zip(spec.blocks, thresholds, strict=True), start=1)
    )
