"""Memory in bits, item by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bitlocal.lab.cost.shape import READOUT_BITS, Shape, count_bits, make_shape

_FLOAT = 32
INPUT_BITS = {"bits": 1, "uint8": 8, "float32": 32}
"""Bits of one input, by type."""


@dataclass(frozen=True)
class Memory:
    """Memory in bits, each item by its name.

    Attributes
    ----------
    model : dict of str to int
        Weights, hidden weights, local classifiers, thresholds.
    activations : dict of str to int
        Of one mini-batch: activations, pre-activations, logits, back-propagated errors.
    state : dict of str to int
        What only a float method's training keeps beside these: gradients and the optimiser's moments.
    data : dict of str to int
        The stored input samples.
    """

    model: dict[str, int] = field(default_factory=dict)
    activations: dict[str, int] = field(default_factory=dict)
    state: dict[str, int] = field(default_factory=dict)
    data: dict[str, int] = field(default_factory=dict)

    @property
    def items(self) -> dict[str, int]:
        """All items, by name."""
        return {**self.model, **self.activations, **self.state, **self.data}

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.items.values())

    @property
    def published_total(self) -> int:
        """What the publication adds up: model, activations and input data, without gradients and optimiser."""
        return self.total - sum(self.state.values())


def memory(
    method: str,
    n_inputs: int,
    hidden_layer_sizes: Sequence[int] | int,
    n_classes: int,
    *,
    training: bool = True,
    n_samples: int = 0,
    input_type: str | None = None,
    batch_size: int | None = None,
    group_size: int | None = None,
    counter_bits: int = 16,
    freeze_first: bool = False,
    readout: str = "votes",
    momentum: float = 0.9,
) -> Memory:
    """Tell how many bits of memory a method needs.

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
    training : bool, default=True
        To train, or only to infer.
    n_samples : int, default=0
        Input samples that are stored; labels are not counted.
    input_type : {"bits", "uint8", "float32"} or None, default=None
        How a stored input is kept; None for "bits" with the binary methods, and "float32" with "sgd" and "adam".
    batch_size : int or None, default=None
        Samples whose activations are kept at a time; None for 100 in training and 1 in inference.
    group_size : int or None, default=None
        Neurons in a group; None for the default of `BMLPClassifier`.
    counter_bits : int, default=16
        Bits of a hidden weight.
    freeze_first : bool, default=False
        Whether the first of several layers of "bmlp" does not learn.
    readout : {"votes", "learned"}, default="votes"
        What tells the class in "bmlp". In training on stored samples, a learned readout also needs the activations of
        all of them, which are not counted.
    momentum : float, default=0.9
        Momentum of "sgd"; 0 for none, which needs no memory.

    Returns
    -------
    Memory

    Raises
    ------
    ValueError
        If an argument is impossible.

    Examples
    --------
    >>> from bitlocal.lab.cost import memory
    >>> memory("bmlp", 784, (1035,), 10, training=False).model
    {'weights': 811440, 'local classifiers': 10350}
    >>> memory("adam", 784, (1035,), 10).state
    {'gradients': 26297280, 'optimiser': 52594560}
    """
    shape = make_shape(method, n_inputs, hidden_layer_sizes, n_classes, group_size, freeze_first, readout)
    if input_type is None:
        input_type = "float32" if method in ("sgd", "adam") else "bits"
    if input_type not in INPUT_BITS:
        raise ValueError(f"input_type={input_type!r}: expected one of {', '.join(INPUT_BITS)}")
    if n_samples < 0:
        raise ValueError(f"n_samples={n_samples!r}: expected at least 0")
    if batch_size is None:
        batch_size = 100 if training else 1
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size!r}: expected at least 1")
    if shape.is_local:
        needed = _local(shape, training, batch_size, counter_bits, freeze_first)
    elif method == "straight-through":
        needed = _straight_through(shape, training, batch_size)
    else:
        needed = _float(shape, training, batch_size, momentum)
    needed.data["input data"] = n_samples * shape.n_inputs * INPUT_BITS[input_type]
    return needed


def _local(shape: Shape, training: bool, batch_size: int, counter_bits: int, freeze_first: bool) -> Memory:
    needed = Memory()
    learning = shape.trained[1:] if freeze_first else shape.trained
    classified = [shape.units] if shape.readout == "votes" else []  # what the classifiers in use read
    if training and shape.method == "bmlp":
        classified = [size for _, size in learning]
    neurons = sum(shape.hidden) + (shape.units if shape.method == "single-layer" else 0)
    needed.model["weights"] = shape.n_weights
    if training:
        # Beside the weights: these stay what they were until the mini-batch ends.
        needed.model["hidden weights"] = counter_bits * sum(n_inputs * size for n_inputs, size in learning)
    needed.model["local classifiers"] = sum(shape.n_classes * size for size in classified)
    needed.activations["activations"] = batch_size * neurons
    if training:
        signed = sum(size * (count_bits(n_inputs) + 1) for n_inputs, size in learning)
        needed.activations["pre-activations"] = batch_size * signed
    logits = sum(shape.n_classes * (count_bits(size) + 1) for size in classified)
    if shape.readout == "learned":
        needed.model["readout"] = READOUT_BITS * shape.n_classes * shape.units
        logits += shape.n_classes * shape.logit_bits
    needed.activations["logits"] = batch_size * logits
    return needed


def _float(shape: Shape, training: bool, batch_size: int, momentum: float) -> Memory:
    needed = Memory()
    needed.model["weights"] = _FLOAT * shape.n_weights
    needed.activations["activations"] = _FLOAT * batch_size * sum(shape.hidden)
    needed.activations["logits"] = _FLOAT * batch_size * shape.n_classes
    if training:
        needed.activations["errors"] = _FLOAT * batch_size * (sum(shape.hidden) + shape.n_classes)
        needed.state["gradients"] = _FLOAT * shape.n_weights
        moments = 2 if shape.method == "adam" else int(momentum != 0)
        if moments:
            needed.state["optimiser"] = moments * _FLOAT * shape.n_weights
    return needed


def _straight_through(shape: Shape, training: bool, batch_size: int) -> Memory:
    needed = Memory()
    units = sum(shape.hidden) + shape.n_classes
    needed.model["weights"] = shape.n_weights
    needed.activations["activations"] = batch_size * sum(shape.hidden)
    if training:
        needed.model["latent weights"] = _FLOAT * shape.n_weights
        # Factor, summand, and the running mean and variance.
        needed.model["batch normalisation"] = 4 * _FLOAT * units
        needed.activations["pre-activations"] = _FLOAT * batch_size * units
        needed.activations["errors"] = _FLOAT * batch_size * units
        parameters = shape.n_weights + 2 * units
        needed.state["gradients"] = _FLOAT * parameters
        needed.state["optimiser"] = 2 * _FLOAT * parameters
    else:
        # A signed count and a direction for each hidden neuron; a factor and a summand for each class.
        signed = sum(size * (count_bits(n_inputs) + 1) for n_inputs, size in shape.trained[:-1])
        needed.model["thresholds"] = signed + sum(shape.hidden)
        needed.model["scales"] = 2 * _FLOAT * shape.n_classes
        needed.activations["logits"] = _FLOAT * batch_size * shape.n_classes
    return needed


def equal_memory(
    budget: Memory | int,
    method: str,
    n_inputs: int,
    hidden_layer_sizes: Sequence[int] | int,
    n_classes: int,
    *,
    input_type: str | None = None,
    at_most: int | None = None,
    with_state: bool = False,
    batch_size: int | None = None,
    group_size: int | None = None,
    momentum: float = 0.9,
) -> int:
    """Tell how many training samples a method may keep in the memory that another one needs.

    As in the publication, memory is model, activations and input data. The gradients and the optimiser's state of a
    float method come for nothing unless `with_state` is set, which leaves less room for samples.

    Parameters
    ----------
    budget : Memory or int
        What `memory` told of the other method, with its samples, or bits.
    method, n_inputs, hidden_layer_sizes, n_classes, batch_size, group_size, momentum
        As in `memory`.
    input_type : {"bits", "uint8", "float32"} or None, default=None
        How a stored input is kept; None as in `memory`.
    at_most : int or None, default=None
        Samples that there are; None for no limit.
    with_state : bool, default=False
        Whether gradients and the optimiser's state count.

    Returns
    -------
    int
        Samples; 0 if not even the model and its activations fit.

    Raises
    ------
    ValueError
        If an argument is impossible.

    Examples
    --------
    >>> from bitlocal.lab.cost import equal_memory, memory
    >>> binary = memory("bmlp", 784, (1035,), 10, n_samples=60000)
    >>> equal_memory(binary, "sgd", 784, (1035,), 10)
    1160
    >>> equal_memory(binary, "sgd", 784, (1035,), 10, input_type="uint8", at_most=60000)
    4641
    """
    bare = memory(
        method, n_inputs, hidden_layer_sizes, n_classes, batch_size=batch_size, group_size=group_size,
        momentum=momentum,
    )  # fmt: skip
    one = memory(
        method, n_inputs, hidden_layer_sizes, n_classes, n_samples=1, input_type=input_type, batch_size=batch_size,
        group_size=group_size, momentum=momentum,
    )  # fmt: skip
    if isinstance(budget, Memory):
        budget = budget.total if with_state else budget.published_total
    left = budget - (bare.total if with_state else bare.published_total)
    samples = max(left, 0) // one.data["input data"]
    return samples if at_most is None else min(samples, at_most)
