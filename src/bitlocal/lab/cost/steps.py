"""Operations, step by step: the steps of `docs/algorithm.md` for the local rule, of back-propagation for the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bitlocal._core import longest_gap
from bitlocal.lab.cost.shape import READOUT_BITS, Shape, count_bits, make_shape

_SEARCH = longest_gap.bit_length()  # comparisons that find one of 0 ... 1024 entries
_FLOAT = 32


class Operation(NamedTuple):
    """A kind of operation, and the bits of its operands."""

    kind: str
    bits: int


@dataclass(frozen=True)
class Operations:
    """How often each operation happens in each step.

    Attributes
    ----------
    steps : dict of str to dict of Operation to int
        By the names of the steps.
    """

    steps: dict[str, dict[Operation, int]] = field(default_factory=dict)

    def add(self, step: str, kind: str, bits: int, count: int) -> None:
        """Count some operations of a step."""
        of_step = self.steps.setdefault(step, {})
        if count:
            operation = Operation(kind, bits)
            of_step[operation] = of_step.get(operation, 0) + count

    @property
    def total(self) -> dict[Operation, int]:
        """All steps together."""
        total: dict[Operation, int] = {}
        for of_step in self.steps.values():
            for operation, count in of_step.items():
                total[operation] = total.get(operation, 0) + count
        return total

    def by_kind(self) -> dict[str, int]:
        """All steps and widths together."""
        kinds: dict[str, int] = {}
        for operation, count in self.total.items():
            kinds[operation.kind] = kinds.get(operation.kind, 0) + count
        return kinds

    def __add__(self, other: Operations) -> Operations:
        """Both, step by step."""
        both = Operations()
        for part in (self, other):
            for step, of_step in part.steps.items():
                both.steps.setdefault(step, {})
                for operation, count in of_step.items():
                    both.add(step, operation.kind, operation.bits, count)
        return both


@dataclass(frozen=True)
class Run:
    """What a stretch of training counted. The float methods need the first two alone.

    Attributes
    ----------
    seen : int
        Samples presented.
    batches : int
        Mini-batches.
    errors : sequence of int
        Samples with an error signal, for each layer.
    updates : sequence of int
        Chosen neurons, over all samples, for each layer: each moves all its counters by one.
    draws : sequence of int
        Random words that the reinforcement used, for each layer.
    reinforced : sequence of int
        Counters that the reinforcement moved, for each layer.

    Examples
    --------
    One sample that teaches a layer of 1035 neurons, in 23 groups, all of which have a wrong neuron:

    >>> from bitlocal.lab.cost import Run
    >>> run = Run(seen=1, batches=1, errors=[1], updates=[23])
    """

    seen: int
    batches: int
    errors: Sequence[int] = ()
    updates: Sequence[int] = ()
    draws: Sequence[int] = ()
    reinforced: Sequence[int] = ()

    @classmethod
    def of(cls, records: Any) -> Run:
        """Read it off anything that has these attributes, or add up several of them.

        Parameters
        ----------
        records : Counts, EpochRecord, BaselineRecord, or an iterable of them
            They may be called `counts` of the record; `seen` may be called `n_samples`, and `batches` `n_batches`.
            What else is missing is none.

        Raises
        ------
        ValueError
            If the records differ in their number of layers, or there is none.
        """
        given = list(records) if isinstance(records, Iterable) else [records]
        several = [getattr(record, "counts", record) for record in given]
        if not several:
            raise ValueError("expected at least one record of a run, got none")
        names = ("errors", "updates", "draws", "reinforced")
        layers = [[getattr(record, name, ()) for record in several] for name in names]
        return cls(
            sum(_number(record, "seen", "n_samples") for record in several),
            sum(_number(record, "batches", "n_batches") for record in several),
            *(tuple(sum(of_layer) for of_layer in zip(*of_records, strict=True)) for of_records in layers),
        )


def _number(record: Any, *names: str) -> int:
    for name in names:
        if hasattr(record, name):
            return int(getattr(record, name))
    raise ValueError(f"expected a record with the attribute {' or '.join(names)}, got {type(record).__name__}")


def operations(
    method: str,
    n_inputs: int,
    hidden_layer_sizes: Sequence[int] | int,
    n_classes: int,
    *,
    run: Any = None,
    group_size: int | None = None,
    counter_bits: int = 16,
    clip: bool = False,
    freeze_first: bool = False,
    readout: str = "votes",
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> Operations:
    """Count the operations of a method: those of the inference of one sample, or those of a run of training.

    Parameters
    ----------
    method : {"bmlp", "single-layer", "sgd", "adam", "straight-through"}
        The method.
    n_inputs : int
        Inputs of the network: bits for the binary methods.
    hidden_layer_sizes : sequence of int or int
        Neurons in each hidden layer.
    n_classes : int
        Classes.
    run : Run, Counts, EpochRecord, list of these, mapping or None, default=None
        What a run counted, for the operations of training; `Run.of` says what it takes, and a mapping has the names of
        `Run`. None for the inference of one sample.
    group_size : int or None, default=None
        Neurons in a group; None for the default of `BMLPClassifier`.
    counter_bits : int, default=16
        Bits of a hidden weight.
    clip : bool, default=False
        Whether hidden weights have a bound, with which all of them are compared after each mini-batch.
    freeze_first : bool, default=False
        Whether the first of several layers of "bmlp" does not learn.
    readout : {"votes", "learned"}, default="votes"
        What tells the class in "bmlp". The training of a learned readout has no formula yet.
    momentum : float, default=0.9
        Momentum of "sgd"; 0 for none.
    weight_decay : float, default=0.0
        Weight decay of "sgd" and "adam"; 0 for none.

    Returns
    -------
    Operations

    Raises
    ------
    ValueError
        If an argument is impossible, or the run does not fit the network.

    Examples
    --------
    >>> from bitlocal.lab.cost import operations
    >>> operations("bmlp", 784, (1035,), 10).by_kind()["xnor"]
    821790
    >>> operations("sgd", 784, (1035,), 10).by_kind()["float multiplication"]
    821790
    >>> operations("adam", 784, (1035,), 10, run={"seen": 100, "batches": 1}).by_kind()["float square root"]
    821790
    """
    shape = make_shape(method, n_inputs, hidden_layer_sizes, n_classes, group_size, freeze_first, readout)
    if run is not None and readout == "learned":
        raise ValueError("the training of a learned readout has no formula yet: count its inference, without a run")
    if run is None:
        if shape.is_local:
            return _local_inference(shape)
        return _straight_through_inference(shape) if method == "straight-through" else _float_inference(shape)
    counted = _as_run(run)
    if shape.is_local:
        return _local_training(shape, counted, counter_bits, clip, freeze_first)
    if method == "straight-through":
        return _straight_through_training(shape, counted)
    return _float_training(shape, counted, momentum != 0, weight_decay != 0)


def _as_run(run: Any) -> Run:
    return _checked(Run(**run) if isinstance(run, Mapping) else run if isinstance(run, Run) else Run.of(run))


def _checked(run: Run) -> Run:
    if run.seen < 0 or not 0 <= run.batches <= run.seen or (run.seen and not run.batches):
        raise ValueError(f"{run.batches} mini-batches of {run.seen} samples: expected 1 sample or more in each")
    return run


# The local rule -------------------------------------------------------------------------------------------------------


def _popcount(counted: Operations, step: str, n: int, times: int) -> None:
    """Count the ones of n bits by carry-save addition: column by column, three bits make one and a carry."""
    counted.add(step, "full adder", 1, times * (n - n.bit_length()))
    counted.add(step, "half adder", 1, times * (n.bit_length() - n.bit_count()))


def _products(counted: Operations, step: str, n: int, times: int) -> None:
    """Count the agreements of rows of n bits."""
    counted.add(step, "xnor", 1, times * n)
    _popcount(counted, step, n, times)


def _local_forward(counted: Operations, shape: Shape, samples: int) -> None:
    for n_inputs, size in shape.trained:
        _products(counted, "forward", n_inputs, samples * size)
        counted.add("forward", "comparison", count_bits(n_inputs), samples * size)
    if shape.method == "single-layer":
        _popcount(counted, "majority", shape.group_size, samples * shape.units)
        counted.add("majority", "comparison", count_bits(shape.group_size), samples * shape.units)


def _local_inference(shape: Shape) -> Operations:
    counted = Operations()
    _local_forward(counted, shape, 1)
    if shape.readout == "learned":
        # An integer whose bits are flipped where the activation is -1; all of these begin with the number of those.
        terms = shape.n_classes * shape.units
        _popcount(counted, "logits", shape.units, 1)
        counted.add("logits", "xnor", 1, READOUT_BITS * terms)
        counted.add("logits", "addition", shape.logit_bits, terms)
        counted.add("prediction", "maximum", shape.logit_bits, shape.n_classes - 1)
        return counted
    _products(counted, "logits", shape.units, shape.n_classes)
    counted.add("prediction", "maximum", count_bits(shape.units), shape.n_classes - 1)
    return counted


def _local_training(shape: Shape, run: Run, counter_bits: int, clip: bool, freeze_first: bool) -> Operations:
    n_layers = len(shape.hidden)
    _require_layers("errors", run.errors, n_layers, run.seen)
    _require_layers("updates", run.updates, n_layers, None)
    nothing = (0,) * n_layers
    draws, reinforced = run.draws or nothing, run.reinforced or nothing
    _require_layers("draws", draws, n_layers, None)
    _require_layers("reinforced", reinforced, n_layers, None)
    counted = Operations()
    _local_forward(counted, shape, run.seen)
    for layer, (n_inputs, size) in enumerate(shape.trained):
        if freeze_first and layer == 0:
            continue
        voters = shape.units if shape.method == "single-layer" else size
        votes = count_bits(voters)
        signed = count_bits(n_inputs) + 1
        errors, updates = run.errors[layer], run.updates[layer]
        if updates > errors * (size // shape.group_size):
            most = errors * (size // shape.group_size)
            raise ValueError(
                f"updates of layer {layer + 1}: expected at most {most}, one for each group, got {updates}"
            )
        _products(counted, "logits", voters, run.seen * shape.n_classes)
        # The largest and the second largest in one pass; their difference; against the margin; the winner's class.
        counted.add("error signal", "maximum", votes, run.seen * (2 * shape.n_classes - 3))
        counted.add("error signal", "addition", votes, run.seen)
        counted.add("error signal", "comparison", votes, run.seen)
        counted.add("error signal", "equality", count_bits(shape.n_classes - 1), run.seen)
        if shape.method == "single-layer":
            counted.add("wrong units", "xnor", 1, errors * voters)
        # Twice the count of agreements less their number, or the other way round.
        counted.add("stability", "xnor", 1, errors * size * signed)
        counted.add("stability", "addition", signed, errors * size)
        counted.add("choice", "maximum", signed, errors * (size - size // shape.group_size))
        counted.add("update", "xnor", 1, updates * n_inputs)
        counted.add("update", "increment", counter_bits, updates * n_inputs)
        if clip:
            counted.add("clamp", "comparison", counter_bits, run.batches * 2 * size * n_inputs)
        place = count_bits(n_inputs + longest_gap)
        counted.add("reinforcement", "random word", 64, draws[layer])
        counted.add("reinforcement", "comparison", 64, draws[layer] * _SEARCH)
        counted.add("reinforcement", "addition", place, draws[layer])
        counted.add("reinforcement", "comparison", place, draws[layer])
        counted.add("reinforcement", "increment", counter_bits, reinforced[layer])
    return counted


def _require_layers(name: str, counts: Sequence[int], n_layers: int, most: int | None) -> None:
    if len(counts) != n_layers:
        raise ValueError(f"{name} of the run: expected {n_layers} numbers, one a layer, got {len(counts)}")
    if min(counts) < 0 or (most is not None and max(counts) > most):
        limits = "at least 0" if most is None else f"from 0 to {most}"
        raise ValueError(f"{name} of the run: expected numbers {limits}, got {list(counts)}")


# Back-propagation -----------------------------------------------------------------------------------------------------


def _floats(counted: Operations, step: str, **counts: int) -> None:
    for kind, count in counts.items():
        counted.add(step, "float " + kind.replace("_", " "), _FLOAT, count)


def _float_forward(counted: Operations, shape: Shape, samples: int) -> None:
    for n_inputs, size in shape.trained:
        _floats(counted, "forward", multiplication=samples * size * n_inputs, addition=samples * size * (n_inputs - 1))
    _floats(counted, "forward", selection=samples * sum(shape.hidden))


def _float_inference(shape: Shape) -> Operations:
    counted = Operations()
    _float_forward(counted, shape, 1)
    _floats(counted, "prediction", comparison=shape.n_classes - 1)
    return counted


def _softmax(counted: Operations, n_classes: int, samples: int) -> None:
    """Count what the gradient of the cross-entropy at the logits takes."""
    _floats(
        counted,
        "loss",
        comparison=samples * (n_classes - 1),  # the largest logit,
        addition=samples * (n_classes + n_classes - 1 + 1),  # less it; the sum of the powers; less 1 at the true class
        exponential=samples * n_classes,
        division=samples * n_classes,
    )


def _float_training(shape: Shape, run: Run, with_momentum: bool, with_decay: bool) -> Operations:
    counted = Operations()
    _float_forward(counted, shape, run.seen)
    _softmax(counted, shape.n_classes, run.seen)
    for size, above in shape.trained[1:]:
        _floats(counted, "errors", multiplication=run.seen * size * above, addition=run.seen * size * (above - 1))
        _floats(counted, "errors", selection=run.seen * size)
    # A sum over the samples of a mini-batch takes one addition less than samples.
    weights = shape.n_weights
    _floats(counted, "gradients", multiplication=run.seen * weights, addition=(run.seen - run.batches) * weights)
    if shape.method == "adam":
        _adam(counted, run.batches * weights)
    else:
        each = run.batches * weights * (2 if with_momentum else 1)
        _floats(counted, "update", multiplication=each, addition=each)
    if with_decay:
        _floats(counted, "update", multiplication=run.batches * weights, addition=run.batches * weights)
    return counted


def _adam(counted: Operations, times: int) -> None:
    """Count m, v and the step of one parameter, with the corrections of the bias folded into two constants."""
    _floats(counted, "update", multiplication=6 * times, addition=4 * times, division=times, square_root=times)


# Straight-through estimation ------------------------------------------------------------------------------------------


def _straight_through_inference(shape: Shape) -> Operations:
    counted = Operations()
    for n_inputs, size in shape.trained:
        _products(counted, "forward", n_inputs, size)
    for n_inputs, size in shape.trained[:-1]:
        counted.add("forward", "comparison", count_bits(n_inputs), size)
        counted.add("forward", "xnor", 1, size)  # the direction
    _floats(counted, "logits", conversion=shape.n_classes, multiplication=shape.n_classes, addition=shape.n_classes)
    _floats(counted, "prediction", comparison=shape.n_classes - 1)
    return counted


def _straight_through_training(shape: Shape, run: Run) -> Operations:
    counted = Operations()
    seen, batches = run.seen, run.batches
    for n_inputs, size in shape.trained:
        _products(counted, "forward", n_inputs, seen * size)
        _normalise(counted, seen, batches, size)
    _softmax(counted, shape.n_classes, seen)
    for size, above in shape.trained[1:]:
        # Products with -1 and +1 flip signs.
        counted.add("errors", "xnor", 1, seen * size * above)
        _floats(counted, "errors", addition=seen * size * (above - 1))
        _floats(counted, "errors", comparison=seen * size, selection=seen * size)
    weights = shape.n_weights
    counted.add("gradients", "xnor", 1, seen * weights)
    _floats(counted, "gradients", addition=(seen - batches) * weights)
    _adam(counted, batches * (weights + 2 * (sum(shape.hidden) + shape.n_classes)))
    _floats(counted, "update", comparison=2 * batches * weights)  # the clipping to [-1, 1]
    return counted


def _normalise(counted: Operations, seen: int, batches: int, size: int) -> None:
    """Count batch normalisation of a layer, forward and backward, for each neuron."""
    sums = seen - batches
    _floats(
        counted,
        "normalisation",
        conversion=size * seen,
        # Squares, by the inverse deviation, by the factor; two means, factors of two running means.
        multiplication=size * (3 * seen + 6 * batches),
        # Less the mean, plus the summand; two sums; the constant in the root, two running means.
        addition=size * (2 * seen + 2 * sums + 3 * batches),
        square_root=size * batches,
        division=size * batches,
    )
    _floats(
        counted,
        "normalisation, backward",
        # For the factor's gradient; twice for the errors; three constants.
        multiplication=size * (3 * seen + 3 * batches),
        # Gradients of summand and factor; two terms of the errors.
        addition=size * (2 * sums + 2 * seen),
    )
