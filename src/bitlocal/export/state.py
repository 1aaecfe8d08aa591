"""State blobs: what a device has learnt, byte for byte as the generated C writes and reads it.

Layout, all little-endian: the header of `state_header` (24 bytes), mini-batches so far (4), the bit planes of all
counters layer after layer, first the highest and then the others (`planes.to_planes`), in words of 4 bytes, and a
CRC-32 of all before (4).
"""

from __future__ import annotations

import copy
import json
import struct
import zlib
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.estimator import BMLPClassifier
from bitlocal.export.errors import ExportError
from bitlocal.export.plan import planes_for, require_learning
from bitlocal.export.planes import from_planes, from_words, to_planes, words_for
from bitlocal.files.encoders import fitted_to_json
from bitlocal.files.schema import plain
from bitlocal.files.tensors import digest
from bitlocal.network import BinaryNetwork

MAGIC = b"BLst"
FORMAT_VERSION = 1
HEADER_SIZE = 28
_STEPS = 2**32


def model_identity(classifier: BMLPClassifier) -> bytes:
    """Tell which model a state belongs to: a digest of everything but what learning changes.

    Shape, rule, seed, local classifiers, the probability of reinforcement as training left it, and the encoder.

    Parameters
    ----------
    classifier : BMLPClassifier
        Fitted, with hidden weights.

    Returns
    -------
    bytes
        16 of them.
    """
    network = classifier.network_
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
    for layer in range(network.n_layers):
        arrays[f"layers.{layer}.local_classifier"] = network.packed_local_classifier(layer).words
    text = json.dumps(description, separators=(",", ":"), sort_keys=True, default=plain)
    return bytes.fromhex(digest(text, arrays))[:16]


def state_header(classifier: BMLPClassifier, n_planes: int) -> bytes:
    """Give the 24 bytes with which a state blob begins: magic, format, layers, planes, 0, identity."""
    n_layers = min(classifier.network_.n_layers, 255)
    return MAGIC + bytes([FORMAT_VERSION, n_layers, n_planes, 0]) + model_identity(classifier)


def write_state(classifier: BMLPClassifier, *, counter_bits: int | None = None) -> bytes:
    """Write what a classifier has learnt as the state blob that a device with the same model loads.

    Parameters
    ----------
    classifier : BMLPClassifier
        Fitted, with hidden weights.
    counter_bits : int or None, default=None
        Bits of a counter on the device, from 2 to 16. None for as few as hold the range that `hidden_clip` allows.

    Returns
    -------
    bytes
        The blob: 32 bytes and `counter_bits` bits a synapse, each row in whole words of 32 synapses.

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
    require_learning(classifier)
    network = classifier.network_
    n_planes = planes_for(network.spec, counter_bits)
    content = state_header(classifier, n_planes) + struct.pack("<I", network.state.step % _STEPS)
    for layer in range(network.n_layers):
        for planes in to_planes(network.counters(layer), n_planes):
            content += planes.astype("<u4").tobytes()
    return content + struct.pack("<I", zlib.crc32(content))


def read_state(blob: bytes, classifier: BMLPClassifier) -> BMLPClassifier:
    """Read what a device has learnt from its state blob.

    Parameters
    ----------
    blob : bytes
        What `NAME_save` wrote on the device. It need not be trusted.
    classifier : BMLPClassifier
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
    require_learning(classifier)
    network = classifier.network_
    if len(blob) < HEADER_SIZE + 4 or blob[:4] != MAGIC:
        raise ExportError(f"these {len(blob)} bytes are no state of a device: expected what NAME_save wrote, whole")
    if blob[4] != FORMAT_VERSION:
        raise ExportError(
            f"state format {blob[4]}, but this version of bitlocal reads format {FORMAT_VERSION}; "
            "use the version that exported the model, or a newer one"
        )
    n_planes = blob[6]
    try:
        planes_for(network.spec, n_planes)
        known = blob[:24] == state_header(classifier, n_planes)
    except ExportError:
        known = False
    if not known:
        raise ExportError("this state belongs to another model: expected that of the very model that was exported")
    n_words = n_planes * sum(size * words_for(fan_in) for fan_in, size in _shapes(network))
    if len(blob) != HEADER_SIZE + 4 * n_words + 4:
        raise ExportError(
            f"a state of this model has {HEADER_SIZE + 4 * n_words + 4} bytes, got {len(blob)}: read again"
        )
    if zlib.crc32(blob[:-4]) != struct.unpack("<I", blob[-4:])[0]:
        raise ExportError("this state is damaged: its checksum does not fit; read it from the device again")

    words = np.frombuffer(blob, "<u4", n_words, HEADER_SIZE).astype(np.uint32)
    counters, at = [], 0
    for fan_in, size in _shapes(network):
        row_words = words_for(fan_in)
        signs = words[at : at + size * row_words].reshape(size, row_words)
        at += signs.size
        lows = words[at : at + signs.size * (n_planes - 1)].reshape(size, row_words, n_planes - 1)
        at += lows.size
        counters.append(_checked(signs, lows, fan_in, network.spec.rule.counter_range))
    learnt = copy.deepcopy(classifier)
    learnt.network_.restore(counters)
    learnt.network_.state.step = struct.unpack_from("<I", blob, 24)[0]
    return learnt


def _shapes(network: BinaryNetwork) -> list[tuple[int, int]]:
    sizes = network.spec.layer_sizes
    return list(pairwise(sizes))


def _checked(
    signs: NDArray[np.uint32], lows: NDArray[np.uint32], n_inputs: int, counter_range: tuple[int, int]
) -> NDArray[np.int16]:
    """Put counters together; what learning cannot have left is refused, as the device does."""
    h = from_planes(signs, lows, n_inputs)
    padding = [from_words(planes, 32 * signs.shape[1])[..., n_inputs:] for planes in (signs, np.moveaxis(lows, -1, 0))]
    if h.min() < counter_range[0] or h.max() > counter_range[1] or any(bits.any() for bits in padding):
        raise ExportError("this state is damaged: it holds counters that learning cannot reach; read it again")
    return h
