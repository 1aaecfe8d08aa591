"""Encoders by name, as on the command line."""

from __future__ import annotations

import re

from bitlocal.encoders.base import Encoder
from bitlocal.encoders.images import ImageEncoder
from bitlocal.encoders.signals import SignalEncoder
from bitlocal.encoders.table import TableEncoder
from bitlocal.encoders.text import TextEncoder
from bitlocal.encoders.thresholds import MedianBinarizer, ThermometerEncoder

_SPECS = (
    "'median', 'column-median', 'thermometer', 'thermometer12' for 12 bits a feature, 'table', "
    "'image:thermometer4+hog4' or other parts of an ImageEncoder, 'signal:thermometer4+bands8' or other parts of a "
    "SignalEncoder, 'signal128x3:bands8' for 128 steps of 3 channels, 'text', 'text:char'"
)


def make_encoder(spec: str) -> Encoder:
    """Make the encoder that a short text stands for.

    Parameters
    ----------
    spec : str
        "median" (one median for all features), "column-median", "thermometer", "thermometer12" for 12 bits a feature,
        "table" for a `TableEncoder`, or "image" or "image:" followed by the parts of an `ImageEncoder`; in the same way
        "signal", or "signal128x3" for 128 steps of 3 channels, for a `SignalEncoder`; "text" or "text:" followed by the
        analyzer of a `TextEncoder`.

    Returns
    -------
    Encoder
        Not fitted yet.

    Raises
    ------
    ValueError
        If the text stands for no encoder.

    Examples
    --------
    >>> from bitlocal.encoders import make_encoder
    >>> make_encoder("thermometer4")
    ThermometerEncoder(n_bits=4)
    >>> make_encoder("image:thermometer4+gradient8")
    ImageEncoder(parts='thermometer4+gradient8')
    """
    if spec == "median":
        return MedianBinarizer()
    if spec == "column-median":
        return MedianBinarizer(scope="column")
    if match := re.fullmatch(r"thermometer([1-9]\d{0,3})?", spec):
        return ThermometerEncoder(n_bits=int(match[1])) if match[1] else ThermometerEncoder()
    if spec == "table":
        return TableEncoder()
    kind, colon, parts = spec.partition(":")
    if kind == "image":
        return ImageEncoder(parts) if colon else ImageEncoder()
    if match := re.fullmatch(r"signal([1-9]\d{0,8}(?:x[1-9]\d{0,8})?)?", kind, re.ASCII):
        shape = tuple(map(int, match[1].split("x"))) if match[1] else None
        return SignalEncoder(parts, shape) if colon else SignalEncoder(shape=shape)
    if spec in ("text", "text:word", "text:char", "text:char_wb"):
        return TextEncoder(analyzer=parts) if colon else TextEncoder()  # type: ignore[arg-type]
    raise ValueError(f"encoder {spec!r} is unknown: use {_SPECS}")
