"""Encoders by name, as on the command line."""

from __future__ import annotations

import re

from bitlocal.encoders.base import Encoder
from bitlocal.encoders.images import ImageEncoder
from bitlocal.encoders.table import TableEncoder
from bitlocal.encoders.thresholds import MedianBinarizer, ThermometerEncoder

_SPECS = (
    "'median', 'column-median', 'thermometer', 'thermometer12' for 12 bits a feature, 'table', "
    "'image:thermometer4+hog4' or other parts of an ImageEncoder"
)


def make_encoder(spec: str) -> Encoder:
    """Make the encoder that a short text stands for.

    Parameters
    ----------
    spec : str
        "median" (one median for all features), "column-median", "thermometer", "thermometer12" for 12 bits a feature,
        "table" for a `TableEncoder`, or "image" or "image:" followed by the parts of an `ImageEncoder`.

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
    raise ValueError(f"encoder {spec!r} is unknown: use {_SPECS}")
