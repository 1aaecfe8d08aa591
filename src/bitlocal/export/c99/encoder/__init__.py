"""Encoders as C99 code: from the features of a sample to packed bits, the same bits that the Python encoder gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from bitlocal.encoders.program import Piece, Program, Stage
from bitlocal.export import model
from bitlocal.export.c99.encoder import columns, conjunctions, images, oblique, signals, tables, words
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.features import TYPES, FeatureType, as_features, largest_type
from bitlocal.export.c99.encoder.writer import Writer, kind_of
from bitlocal.export.errors import ExportError

__all__ = ["EncoderCode", "as_features", "code_for", "encoder_code"]

WRITERS: dict[type, Writer] = {
    **columns.WRITERS,
    **conjunctions.WRITERS,
    **images.WRITERS,
    **oblique.WRITERS,
    **signals.WRITERS,
    **tables.WRITERS,
    **words.WRITERS,
}
"""What writes each kind of stage, by its type or that of its quantities."""


@dataclass(frozen=True)
class EncoderCode:
    """An encoder as C99 code.

    Attributes
    ----------
    feature_type : str
        C type of a feature, for the header's typedef.
    n_features : int
        Features of a sample.
    n_bits : int
        Bits of an encoded sample.
    declarations : str
        Tables of constants, and helper functions. They use the types of stddef.h and stdint.h, memcpy, memset, and the
        macros PREFIX_ROM, PREFIX_ROM_U8, PREFIX_ROM_U16, PREFIX_ROM_I16, PREFIX_ROM_U32 and PREFIX_POPCOUNT32.
    body : str
        `static void PREFIX_encode(const PREFIX_feature_t *features, uint32_t *bits)`, which writes all
        ceil(n_bits / 32) words.
    scratch_bytes : int
        Memory on the stack that it needs for arrays, beyond the bits: for the counts of "hog" and "words" in images,
        and for one of their "planes". Everything else that would take room is computed again.
    """

    feature_type: str
    n_features: int
    n_bits: int
    declarations: str
    body: str
    scratch_bytes: int


def encoder_code(classifier: Any, prefix: str, features: str | None = None) -> EncoderCode:
    """Write the encoder of a classifier as C99 code.

    Parameters
    ----------
    classifier : BMLPClassifier, Pipeline or search
        Fitted.
    prefix : str
        What all names in the code begin with.
    features : {"uint8", "int8", "uint16", "int16", "int32", "float"}, optional
        The type of a feature. By default the smallest that suits what the encoder was fitted on, as far as its
        thresholds tell: whole numbers if they are, else float; int8 for bits. With float, the bits are those that
        Python gives for float32. `as_features` turns samples in Python into features of that type.

    Returns
    -------
    EncoderCode

    Raises
    ------
    ExportError
        If the encoder cannot be exported, or not for features of that type; the message says why, and what to do.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from bitlocal import BMLPClassifier
    >>> from bitlocal.export.c99 import encoder_code
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = BMLPClassifier((45,), encoder="thermometer4", max_iter=1, random_state=0).fit(X, y)
    >>> code = encoder_code(clf, "digits")
    >>> code.feature_type, code.n_features, code.n_bits
    ('uint8_t', 64, 230)
    """
    found = model.of(classifier)
    return code_for(found.program, found.n_features, prefix, features)


def code_for(program: Program | None, n_features: int, prefix: str, features: str | None = None) -> EncoderCode:
    """Write the program of an encoder, or None for bits, as C99 code; see `encoder_code`."""
    if features is not None and features not in TYPES:
        raise ExportError(f"features={features!r} is unknown: use {', '.join(map(repr, TYPES))}")
    kind = _suited_type(program) if features is None else TYPES[features]
    builder = Builder(prefix, kind)
    if program is None:
        columns.add_bits(builder, n_features)
    else:
        for piece in program.pieces:
            builder.encoder_bit = builder.first_bit
            for writer, run in _runs(piece):
                writer.add(builder, run)
                builder.first_bit += sum(stage.n_bits for stage in run)
    n_bits = n_features if program is None else program.n_bits
    return EncoderCode(
        kind.ctype, n_features, n_bits, builder.declarations, builder.body(n_bits), builder.scratch_bytes
    )


def _runs(piece: Piece) -> Iterator[tuple[Writer, list[Stage]]]:
    """Give stages of one kind that follow each other, with what writes them."""
    for kind, run in groupby(piece.stages, key=kind_of):
        if kind not in WRITERS:
            raise ExportError(f"{kind.__name__} has no form in C: encode the samples before they reach the device")
        yield WRITERS[kind], list(run)


def _suited_type(program: Program | None) -> FeatureType:
    """Choose the type of features that an encoder was fitted on."""
    if program is None:
        return TYPES["int8"]  # for 0/1 as well as for -1/+1
    types, known = [], []
    for piece in program.pieces:
        runs = list(_runs(piece))
        types.append(largest_type([writer.suited(stage) for writer, run in runs for stage in run]))
        if any(writer.knows for writer, _ in runs):
            known.append(types[-1])
    # What images and signals are is known, for other encoders thresholds tell what the data may have been.
    if known and not any(one.is_float for one in known):
        types = [one for one in types if not one.is_float]
    return largest_type(types)
