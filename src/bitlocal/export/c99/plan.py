"""What the C of a model is made of, in numbers: words, bit planes, entries of tables."""

from __future__ import annotations

from dataclasses import dataclass

from bitlocal.bits import words_for
from bitlocal.export.c99.planes import WORD_BITS
from bitlocal.export.errors import ExportError
from bitlocal.export.model import LONGEST_GAP, ExportModel, Layer

GAP_STRIDE = 16  # every so many entries of the table of gaps go to flash; the others follow from them
MOST_BATCH_SIZE = 4096  # of a device: far more than fits into its memory


@dataclass(frozen=True)
class LayerPlan:
    """One trained layer.

    Attributes
    ----------
    number : int
        From 1.
    layer : Layer
        Of the model.
    """

    number: int
    layer: Layer

    @property
    def row_words(self) -> int:
        """32-bit words of a row of weights."""
        return words_for(self.layer.n_inputs, WORD_BITS)

    @property
    def out_words(self) -> int:
        """32-bit words of its activations."""
        return words_for(self.layer.n_neurons, WORD_BITS)

    @property
    def words(self) -> int:
        """32-bit words of all its weights: of one bit plane."""
        return self.layer.n_neurons * self.row_words

    @property
    def groups(self) -> int:
        """Groups of neurons, each of which a sample updates at most once."""
        return self.layer.n_neurons // self.layer.group_size

    @property
    def gap_table(self) -> list[int]:
        """The law of the gaps between its reinforced synapses, as far as a row can need it."""
        return gap_table(self.layer.reinforcement, self.layer.n_inputs)


@dataclass(frozen=True)
class Plan:
    """An export of a model.

    Attributes
    ----------
    model : ExportModel
    layers : tuple of LayerPlan
        From the input on.
    batch_size : int
        Samples of a mini-batch on the device.
    n_planes : int
        Bits of a counter.
    """

    model: ExportModel
    layers: tuple[LayerPlan, ...]
    batch_size: int
    n_planes: int

    @property
    def group_size(self) -> int:
        """Neurons of a group, in all layers."""
        return self.model.layers[0].group_size

    @property
    def state_words(self) -> int:
        """32-bit words of all counters."""
        return self.n_planes * sum(layer.words for layer in self.layers)

    @property
    def readout_entries(self) -> int:
        """Integers of a learned readout; 0 where there is none."""
        return 0 if self.model.readout is None else self.model.readout.values.size

    @property
    def state_size(self) -> int:
        """Bytes of a state, without those of its header and its checksum."""
        return 4 * self.state_words + 2 * self.readout_entries


def make_plan(model: ExportModel, *, batch_size: int | None = None, counter_bits: int | None = None) -> Plan:
    """Plan the export of a model.

    Parameters
    ----------
    model : ExportModel
    batch_size : int or None, default=None
        Samples of a mini-batch on the device, from 1 to 4096. None for the model's.
    counter_bits : int or None, default=None
        Bits of a counter, from 2 to 16. None for as few as hold the range that the model's `hidden_clip` allows.

    Returns
    -------
    Plan

    Raises
    ------
    ExportError
        If a number is out of range, or the counters do not fit.
    """
    batch_size = model.batch_size if batch_size is None else batch_size
    if not 1 <= batch_size <= MOST_BATCH_SIZE:
        raise ExportError(f"mini-batches of {batch_size} samples: expected from 1 to {MOST_BATCH_SIZE}")
    sizes = sorted({layer.group_size for layer in model.layers})
    if len(sizes) > 1:
        raise ExportError(f"layers with groups of {sizes} neurons: C has one group size for all, so expected one")
    layers = tuple(LayerPlan(number, layer) for number, layer in enumerate(model.layers, start=1))
    return Plan(model, layers, batch_size, model.counter_bits(counter_bits))


def gap_table(reinforcement: int, n_inputs: int) -> list[int]:
    """Give S[1], S[1 + GAP_STRIDE], ... of the gaps' law, as far as a row can need them.

    Parameters
    ----------
    reinforcement : int
        Probability of reinforcement in units of 2**-32.
    n_inputs : int
        Synapses of a row.

    Returns
    -------
    list of int
        In units of 2**-64.
    """
    q = 2**32 - reinforcement
    table: list[int] = []
    entry = 2**32 * q
    for gap in range(min(LONGEST_GAP, n_inputs)):
        if gap % GAP_STRIDE == 0 and (entry > 0 or not table):
            table.append(entry)
        entry = entry * q // 2**32
    return table
