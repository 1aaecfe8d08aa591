"""State blobs: what a device has learnt, byte for byte as the generated C writes and reads it.

Layout, all little-endian: the header of `state_header` (24 bytes), mini-batches so far (4), the bit planes of all
counters layer after layer, first the highest and then the others (`planes.to_planes`), in words of 4 bytes, the
integers of a learned readout where there is one, row after row (2 each), and a CRC-32 of all before (4).
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.bits import words_for
from bitlocal.export.c99.planes import WORD_BITS, from_planes, from_words, to_planes
from bitlocal.export.errors import ExportError
from bitlocal.export.model import ExportModel, Learning, of, with_learnt

if TYPE_CHECKING:
    from bitlocal.estimator import BMLPClassifier

MAGIC = b"BLst"
FORMAT_VERSION = 1
HEADER_SIZE = 28


def state_header(n_layers: int, n_planes: int, identity: bytes) -> bytes:
    """Give the 24 bytes with which a state blob begins: magic, format, layers, planes, 0, identity."""
    return MAGIC + bytes([FORMAT_VERSION, min(n_layers, 255), n_planes, 0]) + identity


def write_state(classifier: Any, *, counter_bits: int | None = None) -> bytes:
    """Write what a classifier has learnt as the state blob that a device with the same model loads.

    Parameters
    ----------
    classifier : BMLPClassifier, Pipeline or search
        Fitted, with hidden weights.
    counter_bits : int or None, default=None
        Bits of a counter on the device, from 2 to 16. None for as few as hold the range that `hidden_clip` allows.

    Returns
    -------
    bytes
        The blob: 32 bytes and `counter_bits` bits a synapse, each row in whole words of 32 synapses; 2 bytes for each
        integer of a learned readout.

    Raises
    ------
    ExportError
        If the classifier has no hidden weights, or its counters do not fit into `counter_bits`.

    Examples
    --------
    >>> import bitlocal
    >>> from bitlocal.export import read_state, write_state
    >>> clf = bitlocal.BMLPClassifier((8,), encoder=None, hidden_clip=15, random_state=0)
    >>> clf = clf.partial_fit([[0, 1], [1, 0]] * 9, ["a", "b"] * 9, classes=["a", "b"])
    >>> blob = write_state(clf)
    >>> len(blob)
    160
    >>> read_state(blob, clf).predict([[1, 0]]).tolist() == clf.predict([[1, 0]]).tolist()
    True
    """
    model, learning = _of(classifier)
    n_planes = model.counter_bits(counter_bits)
    content = state_header(len(model.layers), n_planes, learning.identity) + struct.pack("<I", model.step)
    for counters in learning.counters:
        for planes in to_planes(counters, n_planes):
            content += planes.astype("<u4").tobytes()
    if model.readout is not None:
        content += model.readout.values.astype("<i2").tobytes()
    return content + struct.pack("<I", zlib.crc32(content))


def read_state(blob: bytes, classifier: Any) -> BMLPClassifier:
    """Read what a device has learnt from its state blob.

    Parameters
    ----------
    blob : bytes
        What `NAME_save` wrote on the device. It need not be trusted.
    classifier : BMLPClassifier, Pipeline or search
        The classifier that was exported; it stays as it is.

    Returns
    -------
    BMLPClassifier
        A copy that predicts, and goes on learning with `partial_fit`, exactly as the device would.

    Raises
    ------
    ExportError
        If the blob is damaged, or belongs to another model.
    """
    model, learning = _of(classifier)
    if len(blob) < HEADER_SIZE + 4 or blob[:4] != MAGIC:
        raise ExportError(f"these {len(blob)} bytes are no state of a device: expected what NAME_save wrote, whole")
    if blob[4] != FORMAT_VERSION:
        raise ExportError(
            f"state format {blob[4]}, but this version of bitlocal reads format {FORMAT_VERSION}; "
            "use the version that exported the model, or a newer one"
        )
    n_planes = blob[6]
    try:
        model.counter_bits(n_planes)
        known = blob[:24] == state_header(len(model.layers), n_planes, learning.identity)
    except ExportError:
        known = False
    if not known:
        raise ExportError("this state belongs to another model: expected that of the very model that was exported")
    shapes = [(layer.n_neurons, words_for(layer.n_inputs, WORD_BITS)) for layer in model.layers]
    n_words = n_planes * sum(n_neurons * row_words for n_neurons, row_words in shapes)
    at_readout = HEADER_SIZE + 4 * n_words
    size = at_readout + (0 if model.readout is None else 2 * model.readout.values.size) + 4
    if len(blob) != size:
        raise ExportError(f"a state of this model has {size} bytes, got {len(blob)}: read again")
    if zlib.crc32(blob[:-4]) != struct.unpack("<I", blob[-4:])[0]:
        raise ExportError("this state is damaged: its checksum does not fit; read it from the device again")

    words = np.frombuffer(blob, "<u4", n_words, HEADER_SIZE).astype(np.uint32)
    counters, at = [], 0
    for layer, (n_neurons, row_words) in zip(model.layers, shapes, strict=True):
        signs = words[at : at + n_neurons * row_words].reshape(n_neurons, row_words)
        at += signs.size
        lows = words[at : at + signs.size * (n_planes - 1)].reshape(n_neurons, row_words, n_planes - 1)
        at += lows.size
        counters.append(_checked(signs, lows, layer.n_inputs, model.counter_range))
    readout = None
    if model.readout is not None:
        shape = model.readout.values.shape
        readout = np.frombuffer(blob, "<i2", model.readout.values.size, at_readout).astype(np.int16).reshape(shape)
    return with_learnt(classifier, counters, struct.unpack_from("<I", blob, 24)[0], readout)


def _of(classifier: Any) -> tuple[ExportModel, Learning]:
    model = of(classifier, learn=True)
    assert model.learning is not None
    return model, model.learning


def _checked(
    signs: NDArray[np.uint32], lows: NDArray[np.uint32], n_inputs: int, counter_range: tuple[int, int]
) -> NDArray[np.int16]:
    """Put counters together; what learning cannot have left is refused, as the device does."""
    h = from_planes(signs, lows, n_inputs)
    padding = [from_words(planes, 32 * signs.shape[1])[..., n_inputs:] for planes in (signs, np.moveaxis(lows, -1, 0))]
    if h.min() < counter_range[0] or h.max() > counter_range[1] or any(bits.any() for bits in padding):
        raise ExportError("this state is damaged: it holds counters that learning cannot reach; read it again")
    return h
