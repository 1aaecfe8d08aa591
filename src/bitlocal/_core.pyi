"""
The compiled core of bitlocal: packed bits, integers, no floating point.
"""

from collections.abc import Sequence
from typing import Annotated, overload

import numpy
from numpy.typing import NDArray


class Network:
    """Layers of binary neurons; see docs/algorithm.md for the symbols."""

    def __init__(self, layer_sizes: Sequence[int], n_classes: int, group_sizes: Sequence[int], margins: Sequence[int], h_min: int, h_max: int, majority: bool = False, freeze_first: bool = False, train_classifier: bool = False) -> None:
        """
        layer_sizes: K_0 ... K_L; group_sizes, margins: one a layer; h_min, h_max: range of the counters.
        """

    def initialise(self, seed: int) -> None:
        """Draw hidden weights and local classifiers."""

    @property
    def seed(self) -> int:
        """Seed of the initial draw and of the reinforcement."""

    @seed.setter
    def seed(self, arg: int, /) -> None: ...

    @property
    def has_hidden_weights(self) -> bool:
        """False in a network that can only infer."""

    def counters(self, layer: int) -> Annotated[NDArray[numpy.int16], dict(shape=(None, None))]:
        """Counters h of a layer (from 0): a copy, int16, (neurons, inputs)."""

    def set_counters(self, layer: int, h: Annotated[NDArray[numpy.int16], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> None:
        """Set the counters of a layer and its binary weights with them."""

    def weights(self, layer: int) -> Annotated[NDArray[numpy.uint64], dict(shape=(None, None))]:
        """Binary weights of a layer: packed, uint64, (neurons, words)."""

    def set_weights(self, layer: int, rows: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> None:
        """Set the binary weights of a layer and drop its hidden weights."""

    def local_classifier(self, layer: int) -> Annotated[NDArray[numpy.uint64], dict(shape=(None, None))]:
        """Local random classifier of a layer: packed, uint64, (classes, words)."""

    def set_local_classifier(self, layer: int, rows: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> None:
        """Set the local classifier of a layer."""

    def classifier_counters(self) -> Annotated[NDArray[numpy.int16], dict(shape=(None, None))]:
        """
        Counters h of the trained classifier: a copy, int16, (classes, outputs of the last layer).
        """

    def set_classifier_counters(self, h: Annotated[NDArray[numpy.int16], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> None:
        """
        Set the counters of the trained classifier, and the last layer's classifier with them.
        """

    def train(self, samples: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], order: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], batch_size: int, first_step: int, thresholds: Sequence[int], n_threads: int, phase_times: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu')] | None = None) -> tuple[int, list[int], list[int], list[int], list[int]]:
        """
        Train on the samples in the given order; returns (correct, error signals, updates, draws, reinforced), the last four per layer. Adds the nanoseconds that each thread spent in each of `phases` to phase_times: uint64, (threads, phases).
        """

    def logits(self, samples: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], n_threads: int) -> Annotated[NDArray[numpy.int32], dict(shape=(None, None))]:
        """Logits of the last layer: int32, (samples, classes)."""

    def time_logits(self, samples: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], n_calls: int) -> int:
        """
        The nanoseconds that so many calls of logits take with one thread, without Python in between.
        """

def phases() -> list[str]:
    """What the times of a training are split into."""

def pack(bits: Annotated[NDArray[numpy.bool_], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> Annotated[NDArray[numpy.uint64], dict(shape=(None, None))]:
    """Pack rows of booleans into uint64 words, least significant bit first."""

@overload
def encode_columns(x: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order='C', device='cpu', writable=False)], columns: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], first_threshold: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], missing: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], thresholds: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], words: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu')], first_bit: int) -> None: ...

@overload
def encode_columns(x: Annotated[NDArray[numpy.int32], dict(shape=(None, None), order='C', device='cpu', writable=False)], columns: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], first_threshold: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], missing: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], thresholds: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], words: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu')], first_bit: int) -> None: ...

@overload
def encode_columns(x: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], columns: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], first_threshold: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], missing: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], thresholds: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], words: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu')], first_bit: int) -> None: ...

@overload
def encode_columns(x: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], columns: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], first_threshold: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], missing: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], thresholds: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], words: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu')], first_bit: int) -> None:
    """
    Write thermometer codes of columns into words whose bits are zero there.
    """

@overload
def encode_differences(x: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order='C', device='cpu', writable=False)], first: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], second: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], margin: int, words: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu')], first_bit: int) -> None: ...

@overload
def encode_differences(x: Annotated[NDArray[numpy.int16], dict(shape=(None, None), order='C', device='cpu', writable=False)], first: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], second: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], margin: int, words: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu')], first_bit: int) -> None:
    """
    Write whether columns lie above others by more than a margin into words whose bits are zero there.
    """

@overload
def weighted_sums(x: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order='C', device='cpu', writable=False)], first_term: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], columns: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], weights: Annotated[NDArray[numpy.int16], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> Annotated[NDArray[numpy.int32], dict(shape=(None, None))]: ...

@overload
def weighted_sums(x: Annotated[NDArray[numpy.int16], dict(shape=(None, None), order='C', device='cpu', writable=False)], first_term: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], columns: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], weights: Annotated[NDArray[numpy.int16], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> Annotated[NDArray[numpy.int32], dict(shape=(None, None))]:
    """Weighted sums of columns: int32, (rows, sums)."""

def masked_popcounts(rows: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], first_term: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], words: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], masks: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], flips: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> Annotated[NDArray[numpy.int32], dict(shape=(None, None))]:
    """
    Counts of the bits in (row[word] ^ flip) & mask: int32, (rows, counts).
    """

def place_bits(rows: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], n_bits: int, words: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu')], first_bit: int) -> None:
    """Write packed rows of bits into words whose bits are zero there."""

def random_words(seed: int, purpose: int, layer: int, step: int, row: int, n: int) -> Annotated[NDArray[numpy.uint64], dict(shape=(None,))]:
    """The first n 64-bit words of a random stream."""

def permutation(seed: int, purpose: int, step: int, n: int) -> Annotated[NDArray[numpy.uint32], dict(shape=(None,))]:
    """A permutation of 0 ... n - 1."""

def compiler() -> str:
    """Name and version of the compiler that built this module."""

def instruction_set() -> str:
    """Name of the instruction set in use."""

def instruction_sets() -> list[tuple[str, bool]]:
    """
    The instruction sets that were compiled in, best first, and whether this processor supports each.
    """

def popcount_peak(isa: str, n_rounds: int) -> int:
    """
    Xor and popcount on registers alone, popcount_peak_bits bits a round, to be timed; returns a checksum.
    """

popcount_peak_bits: int = 126976

def use_instruction_set(name: str) -> None:
    """
    Use this instruction set from now on; ValueError if it is unknown or not supported.
    """
