"""The shape of a network, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bitlocal.lab.methods import LOCAL, METHODS
from bitlocal.spec import READOUTS, default_group_size

READOUT_BITS = 16  # of an integer of a learned readout


@dataclass(frozen=True)
class Shape:
    """A method and the sizes of its layers.

    Attributes
    ----------
    method : str
        One of `METHODS`.
    n_inputs : int
        Inputs, K_0.
    hidden : tuple of int
        Neurons of each hidden layer, K_1 ... K_L.
    n_classes : int
        Classes, C.
    group_size : int
        Neurons in a group; what "bmlp" and "single-layer" alone have.
    readout : str
        What tells the class: "votes", or "learned" integers, which "bmlp" alone has.
    """

    method: str
    n_inputs: int
    hidden: tuple[int, ...]
    n_classes: int
    group_size: int
    readout: str = "votes"

    @property
    def is_local(self) -> bool:
        """Whether it learns by the local rule, with counters."""
        return self.method in LOCAL

    @property
    def trained(self) -> list[tuple[int, int]]:
        """Inputs and outputs of each trained layer, from the first; gradients train the last one too."""
        sizes = (self.n_inputs, *self.hidden)
        return list(pairwise(sizes if self.is_local else (*sizes, self.n_classes)))

    @property
    def n_weights(self) -> int:
        """Trained weights."""
        return sum(n_inputs * n_outputs for n_inputs, n_outputs in self.trained)

    @property
    def units(self) -> int:
        """What the last random classifier reads: neurons of the last layer, or majority units."""
        return self.hidden[-1] // self.group_size if self.method == "single-layer" else self.hidden[-1]

    @property
    def logit_bits(self) -> int:
        """Bits of a logit of a learned readout: a sum of as many of its integers as there are neurons."""
        return READOUT_BITS + count_bits(self.units)


def make_shape(
    method: str,
    n_inputs: int,
    hidden_layer_sizes: Sequence[int] | int,
    n_classes: int,
    group_size: int | None,
    freeze_first: bool = False,
    readout: str = "votes",
) -> Shape:
    """Check what all functions take.

    Raises
    ------
    ValueError
        If the method is unknown, or a size is impossible.
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r}: expected one of {', '.join(METHODS)}")
    sizes = (hidden_layer_sizes,) if isinstance(hidden_layer_sizes, int) else tuple(int(k) for k in hidden_layer_sizes)
    if not sizes or min(sizes) < 1:
        raise ValueError(f"hidden_layer_sizes={hidden_layer_sizes!r}: expected at least one layer of at least 1 neuron")
    if method == "single-layer" and len(sizes) != 1:
        raise ValueError(f"hidden_layer_sizes={hidden_layer_sizes!r}: the single-layer method has exactly one layer")
    if freeze_first and (method != "bmlp" or len(sizes) == 1):
        raise ValueError("freeze_first=True: only 'bmlp' with two layers or more can leave the first as it was drawn")
    if readout not in READOUTS:
        raise ValueError(f"readout={readout!r}: expected {' or '.join(map(repr, READOUTS))}")
    if readout == "learned" and method != "bmlp":
        raise ValueError("readout='learned': only 'bmlp' has a learned readout")
    if n_inputs < 1:
        raise ValueError(f"n_inputs={n_inputs!r}: expected at least 1")
    if n_classes < 2:
        raise ValueError(f"n_classes={n_classes!r}: expected at least 2")
    shape = Shape(method, int(n_inputs), sizes, int(n_classes), group_size or default_group_size(sizes), readout)
    if shape.is_local and (shape.group_size < 1 or any(size % shape.group_size for size in sizes)):
        raise ValueError(f"group_size={shape.group_size} does not divide every layer of {hidden_layer_sizes!r}")
    return shape


def count_bits(n: int) -> int:
    """Give the bits of a count from 0 to n."""
    return n.bit_length()
