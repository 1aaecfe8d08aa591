"""
The compiled core of bitlocal: packed bits, integers, no floating point.
"""

from collections.abc import Sequence
import enum
from typing import Annotated, overload

import numpy
from numpy.typing import NDArray


class Layer:
    """A kind of layer that learns, and its shape."""

class Pool:
    """A kind of fixed layer above one that learns, and its shape."""

class Teacher:
    """A kind of teacher, and its shape."""

class Block:
    """Neurons, what pools them, who teaches them, and whether they learn."""

    def __init__(self, layer: Layer, pools: Sequence[Pool], teacher: Teacher, learns: bool) -> None: ...

def dense(n_inputs: int, n_neurons: int, group_size: int, h_min: int, h_max: int) -> Layer:
    """
    Neurons that each have a synapse to every input; h_min, h_max: range of the counters.
    """

def majority(n_inputs: int, size: int) -> Pool:
    """Majority units over so many inputs each."""

def class_teacher(n_inputs: int, n_classes: int, margin: int) -> Teacher:
    """A random row for each class."""

def single_output_teacher(n_inputs: int, n_classes: int, margin: int) -> Teacher:
    """One random row for two classes, with opposite signs."""

def trained_teacher(n_inputs: int, n_classes: int, margin: int, h_min: int, h_max: int) -> Teacher:
    """A row for each class that learns."""

class Network:
    """Blocks of binary neurons; see docs/algorithm.md for the symbols."""

    def __init__(self, blocks: Sequence[Block], readout_margin: int | None = None) -> None:
        """readout_margin: of a learned readout; None for none."""

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

    def readout(self) -> Annotated[NDArray[numpy.int16], dict(shape=(None, None))]:
        """
        The learned readout: a copy, int16, (classes, outputs of the last layer).
        """

    def set_readout(self, values: Annotated[NDArray[numpy.int16], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> None:
        """Set the readout."""

    def start_readout(self) -> None:
        """Let the readout begin with the last local classifier."""

    def activations(self, samples: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], n_threads: int) -> Annotated[NDArray[numpy.uint64], dict(shape=(None, None))]:
        """Activations of the last layer: packed, uint64, (samples, words)."""

    def logits(self, samples: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], n_threads: int) -> Annotated[NDArray[numpy.int32], dict(shape=(None, None))]:
        """What the network answers: int32, (samples, classes)."""

    def repeat_logits(self, samples: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], n_calls: int) -> None:
        """
        Compute the logits so many times with one thread, without Python in between, to be timed.
        """

class Phase(enum.IntEnum):
    """What the time of a training is split into."""

    forward = 0

    error_signal = 1

    choice = 2

    update = 3

    reinforcement = 4

    waiting = 5

most_repeats: int = 32767

class TrainingCounts:
    """What a stretch of training counted."""

    @property
    def seen(self) -> int:
        """
        Samples that were presented; here and below each as often as it counts.
        """

    @property
    def correct(self) -> int:
        """Samples that the last layer classified correctly when presented."""

    @property
    def errors(self) -> list[int]:
        """
        Per layer: samples with an error signal; 0 in a frozen one below others.
        """

    @property
    def updates(self) -> list[int]:
        """
        Per layer, and for a trained classifier: updates of a neuron by a sample.
        """

    @property
    def draws(self) -> list[int]:
        """Likewise: random words that the reinforcement drew."""

    @property
    def reinforced(self) -> list[int]:
        """Likewise: synapses that it moved."""

    @property
    def readout(self) -> int:
        """Updates of a row of the readout by a sample."""

class ReadoutCounts:
    """What a pass of a readout counted."""

    @property
    def seen(self) -> int:
        """
        Samples that were presented; here and below each as often as it counts.
        """

    @property
    def correct(self) -> int:
        """Samples that were classified correctly when presented."""

    @property
    def updates(self) -> int:
        """Updates of a row by a sample."""

def pass_readout(network: Network, activations: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], order: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], number: int, first_step: int, batch_size: int, n_threads: int, weights: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None) -> ReadoutCounts:
    """
    Let the readout learn from samples once, in the given order; number: of the pass, from 1.
    """

class Trainer:
    """Trains a network; keeps its threads and its memory from call to call."""

    def __init__(self, network: Network, batch_size: int, n_threads: int) -> None: ...

    @property
    def batch_size(self) -> int:
        """Samples in a mini-batch, at most."""

    @property
    def n_threads(self) -> int:
        """Threads."""

    @property
    def usable(self) -> bool:
        """False in a process that was forked off after the trainer was made."""

    def run(self, samples: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], order: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], first_step: int, thresholds: Sequence[int], weights: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, logits: Annotated[NDArray[numpy.int32], dict(shape=(None, None), order='C', device='cpu')] | None = None, readout_learns: bool = False) -> TrainingCounts:
        """
        Train on the samples in the given order; weights in units of 2^-32; logits: room for what the network answers to the samples as they are presented; readout_learns: whether it does, where there is one.
        """

    def positions(self) -> list[tuple[int, str]]:
        """
        The mini-batch that each thread is at, and what it does there; for bug reports, also while it runs.
        """

    def time_phases(self, wanted: bool) -> None:
        """Whether to take the time of the phases."""

    def phase_times(self) -> Annotated[NDArray[numpy.uint64], dict(shape=(None, None))]:
        """
        The nanoseconds that each thread has spent in each phase: uint64, (threads, phases).
        """

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

def signed_ranks(numbers: Annotated[NDArray[numpy.int32], dict(shape=(None, None), order='C', device='cpu', writable=False)], first: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], n_levels: int) -> Annotated[NDArray[numpy.int32], dict(shape=(None, None))]:
    """
    Ranks of numbers among those of their own sign in groups of columns: int32, (rows, columns).
    """

def masked_popcounts(rows: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], first_term: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], words: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], masks: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], flips: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> Annotated[NDArray[numpy.int32], dict(shape=(None, None))]:
    """
    Counts of the bits in (row[word] ^ flip) & mask: int32, (rows, counts).
    """

def place_bits(rows: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], n_bits: int, words: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu')], first_bit: int) -> None:
    """Write packed rows of bits into words whose bits are zero there."""

class Purpose(enum.IntEnum):
    """What a stream of random numbers is for; see docs/algorithm.md."""

    hidden_weights = 1

    local_classifier = 2

    reinforcement = 3

    sample_order = 4

    hold_out = 5

    synthetic_data = 6

    encoder = 7

    repeats = 8

def random_words(seed: int, purpose: int, layer: int, step: int, row: int, n: int) -> Annotated[NDArray[numpy.uint64], dict(shape=(None,))]:
    """The first n 64-bit words of a random stream."""

def permutation(seed: int, purpose: int, step: int, n: int, row: int = 0) -> Annotated[NDArray[numpy.uint32], dict(shape=(None,))]:
    """A permutation of 0 ... n - 1."""

longest_gap: int = 1024

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

class Patches:
    """What patches of images are, and the bits that describe them."""

    def __init__(self, height: int, width: int, channels: int, side: int, margin: int) -> None: ...

    @property
    def n_bits(self) -> int:
        """Bits of a description."""

    @overload
    def sample(self, images: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order='C', device='cpu', writable=False)], seed: int, layer: int, n: int) -> Annotated[NDArray[numpy.uint64], dict(shape=(None, None))]: ...

    @overload
    def sample(self, images: Annotated[NDArray[numpy.int16], dict(shape=(None, None), order='C', device='cpu', writable=False)], seed: int, layer: int, n: int) -> Annotated[NDArray[numpy.uint64], dict(shape=(None, None))]:
        """
        Packed descriptions of at most n patches that were drawn: uint64, (found, words).
        """

    @overload
    def count_words(self, images: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order='C', device='cpu', writable=False)], words: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], n_nearest: int, grid: int) -> Annotated[NDArray[numpy.int32], dict(shape=(None, None))]: ...

    @overload
    def count_words(self, images: Annotated[NDArray[numpy.int16], dict(shape=(None, None), order='C', device='cpu', writable=False)], words: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], n_nearest: int, grid: int) -> Annotated[NDArray[numpy.int32], dict(shape=(None, None))]:
        """
        How often each word is seen in each cell: int32, (images, cells * words).
        """

def find_words(samples: Annotated[NDArray[numpy.uint64], dict(shape=(None, None), order='C', device='cpu', writable=False)], n_bits: int, n_words: int, n_rounds: int) -> Annotated[NDArray[numpy.uint64], dict(shape=(None, None))]:
    """Packed words by k-majority clustering of packed samples."""
