"""What a network is, as data: layers, target, rule, seed. Symbols are those of `docs/algorithm.md`.

The variants of the rule are compositions: a frozen first layer is a `Dense` that does not learn, the single-layer
method a `Dense` with a `Pool` over its groups, a trained classifier and a single output unit are kinds of `Classes`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

_COUNTER_MIN, _COUNTER_MAX = -(2**15), 2**15 - 1
READOUTS = ("votes", "learned")
READOUT_UNIT = 64  # what a vote is worth when a readout begins to learn
MOST_READ = 2**15 - 1  # neurons of a learned readout, so that logits and the difference of two fit 32 bits
_VOTE = 64  # what a vote of the local classifier is worth when a learned readout begins


@dataclass(frozen=True)
class Dense:
    """A layer of neurons, each with a synapse to every bit that comes in.

    Attributes
    ----------
    neurons : int
        K_l.
    group_size : int
        Divides `neurons`. In each group, a sample updates at most one neuron.
    frozen : bool, default=False
        Whether the hidden weights stay as they were drawn.
    """

    neurons: int
    group_size: int
    frozen: bool = False


@dataclass(frozen=True)
class Pool:
    """A fixed layer of majority units over the one below: the sign of the sum of `size` activations each.

    Attributes
    ----------
    size : int
        Activations of a unit; the group size of the layer below.
    """

    size: int


LayerSpec = Dense | Pool


@dataclass(frozen=True)
class Classes:
    """The target of a classifier: one of several classes.

    Attributes
    ----------
    n_classes : int
        C, at least 2.
    trained : bool, default=False
        Whether the rows of the last layer's classifier have hidden weights of their own, and learn.
    single_output : bool, default=False
        Whether two classes share one row of each local classifier, with opposite signs.
    readout : {"votes", "learned"}, default="votes"
        What tells the class: votes of the last layer by its local classifier, or integers that learn beside the rule.
    """

    n_classes: int
    trained: bool = False
    single_output: bool = False
    readout: str = "votes"

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.single_output and self.n_classes != 2:
            raise ValueError(f"single_output is for two classes: expected 2, got {self.n_classes}")
        if self.readout not in READOUTS:
            raise ValueError(f"readout={self.readout!r}: expected {' or '.join(map(repr, READOUTS))}")
        if self.readout == "learned" and (self.trained or self.single_output):
            raise ValueError("a learned readout has rows of its own: expected no other kind of classifier beside it")


@dataclass(frozen=True)
class Rule:
    """The numbers of the learning rule.

    Attributes
    ----------
    robustness : float, default=0.25
        Margin of the error signal, as a share of the layer's outputs.
    reinforcement : float, default=2.0
        The factor p_r in the probability of reinforcement.
    hidden_clip : int or None, default=None
        Odd bound on the absolute hidden weights; None for what 16-bit counters allow (65535).
    """

    robustness: float = 0.25
    reinforcement: float = 2.0
    hidden_clip: int | None = None

    @property
    def counter_range(self) -> tuple[int, int]:
        """The smallest and the largest counter h."""
        if self.hidden_clip is None:
            return _COUNTER_MIN, _COUNTER_MAX
        return -(self.hidden_clip + 1) // 2, (self.hidden_clip - 1) // 2

    def margin(self, n_outputs: int, *, single_output: bool = False) -> int:
        """Give the margin of the error signal, floor(robustness * K_l).

        With a single output unit o, logits are -o and o: they differ by 2 |o|, and o = 0 is an error for both classes.
        """
        robustness = Fraction(str(self.robustness))  # the decimal as it is written: 0.29 of 100 is 29
        margin = math.floor(robustness * n_outputs)
        return max(2 * margin, 1) if single_output else margin


@dataclass(frozen=True)
class Block:
    """Layer l of the paper: neurons that learn, what pools them, and the margin of their error signal.

    Attributes
    ----------
    n_inputs, n_neurons, n_outputs : int
        Bits that come in, neurons, and bits that go on: activations, or those of the last pool.
    group_size : int
        Of the choice.
    margin : int
        Of the error signal.
    frozen : bool
        Whether the hidden weights stay as they were drawn.
    pools : tuple of Pool
        What lies above the neurons.
    """

    n_inputs: int
    n_neurons: int
    n_outputs: int
    group_size: int
    margin: int
    frozen: bool
    pools: tuple[Pool, ...]


@dataclass(frozen=True)
class Spec:
    """A network and its learning rule.

    Attributes
    ----------
    n_inputs : int
        Input bits, K_0.
    layers : tuple of Dense or Pool
        From the input on; pools lie on the last `Dense`.
    target : Classes
        What is learnt.
    rule : Rule
        How.
    seed : int, default=0
        Seed of all random numbers, 0 ... 2**64 - 1.

    Raises
    ------
    ValueError
        If the layers do not fit together.

    Examples
    --------
    >>> from bitlocal.spec import Classes, Dense, Spec
    >>> spec = Spec(784, (Dense(1035, 15), Dense(525, 15)), Classes(10))
    >>> [(block.n_inputs, block.n_neurons, block.margin) for block in spec.blocks]
    [(784, 1035, 258), (1035, 525, 131)]
    """

    n_inputs: int
    layers: tuple[LayerSpec, ...]
    target: Classes
    rule: Rule = field(default_factory=Rule)
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse layers that do not fit together."""
        if not self.layers or not isinstance(self.layers[0], Dense):
            raise ValueError("layers: expected a Dense first, got a network without neurons")
        for below, layer in zip(self.layers, self.layers[1:], strict=False):
            if isinstance(layer, Pool) and not (isinstance(below, Dense) and below.group_size == layer.size):
                raise ValueError(f"{layer}: expected a Dense with groups of {layer.size} below, got {below}")
        if self.target.readout == "learned":
            last = self.layers[-1]
            if isinstance(last, Pool):
                raise ValueError(f"{last}: a learned readout reads neurons, expected a Dense last")
            if last.neurons > MOST_READ:
                raise ValueError(f"{last}: a learned readout reads at most {MOST_READ} neurons")

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Layers 1 ... L of the paper."""
        blocks: list[Block] = []
        n_inputs = self.n_inputs
        for i, layer in enumerate(self.layers):
            if isinstance(layer, Pool):
                continue
            pools = tuple(p for p in self.layers[i + 1 : i + 2] if isinstance(p, Pool))
            n_outputs = layer.neurons
            for pool in pools:
                n_outputs //= pool.size
            margin = self.rule.margin(n_outputs, single_output=self.target.single_output)
            blocks.append(Block(n_inputs, layer.neurons, n_outputs, layer.group_size, margin, layer.frozen, pools))
            n_inputs = n_outputs
        return tuple(blocks)

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """K_0 ... K_L: input bits, and the neurons of each layer."""
        return (self.n_inputs, *(block.n_neurons for block in self.blocks))

    @property
    def n_classes(self) -> int:
        """C."""
        return self.target.n_classes

    @property
    def readout_margin(self) -> int | None:
        """What a class must lead by in a learned readout, 64 * floor(K_L / 2); None where votes tell the class."""
        return None if self.target.readout == "votes" else _VOTE * (self.blocks[-1].n_outputs // 2)

    @property
    def fan_ins(self) -> tuple[int, ...]:
        """Inputs of each layer that has hidden weights; the trained classifier comes last, where there is one."""
        blocks = self.blocks
        return (*(b.n_inputs for b in blocks), *((blocks[-1].n_outputs,) if self.target.trained else ()))


def default_group_size(hidden_layer_sizes: Sequence[int], close_to: int = 45) -> int:
    """Choose the group size closest to a number that divides every layer's size; of two equally close ones the smaller.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int
        Neurons in each layer.
    close_to : int, default=45
        The number.

    Returns
    -------
    int

    Examples
    --------
    >>> from bitlocal.spec import default_group_size
    >>> default_group_size([1035]), default_group_size([1035, 525]), default_group_size([64])
    (45, 15, 32)
    """
    common = math.gcd(*hidden_layer_sizes)
    return min((d for d in range(1, common + 1) if common % d == 0), key=lambda d: (abs(d - close_to), d))
