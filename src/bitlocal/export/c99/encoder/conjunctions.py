"""Conjunctions; each tests bits that have just been written, so no memory is needed."""

from __future__ import annotations

from bitlocal.encoders.tables.conjunctions import Conjunctions
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.features import TYPES, FeatureType
from bitlocal.export.c99.encoder.writer import Writer, each
from bitlocal.export.c99.planes import WORD_BITS

_FILE = "conjunctions.c"


def _add(builder: Builder, stage: Conjunctions) -> None:
    """Add the code of conjunctions, which read the first bits of their encoder: a function for one, and a loop."""
    literals = builder.table("literals", 2 * stage.bits + stage.values)
    name = builder.function(
        "conjunction",
        _FILE,
        "conjunction",
        terms=stage.bits.shape[1],
        literal=literals.at(builder.expression(_FILE, "term")),
        first=builder.encoder_bit % WORD_BITS,
    )
    words = builder.first_bit // WORD_BITS - builder.encoder_bit // WORD_BITS
    loop = builder.loop(stage.n_bits, builder.put(builder.expression(_FILE, "call", name=name)))
    builder.part("conjunctions", builder.text(_FILE, "bits", words=words, body=loop))


def _suited(_: Conjunctions) -> FeatureType:
    """Choose the smallest type: they read bits alone, and what these are made of has a say of its own."""
    return TYPES["uint8"]


WRITERS: dict[type, Writer] = {Conjunctions: Writer(each(_add), _suited)}
