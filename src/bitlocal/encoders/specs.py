"""Encoders by name, as on the command line."""

from __future__ import annotations

import re

from bitlocal.encoders.base import Encoder
from bitlocal.encoders.thresholds import MedianBinarizer, ThermometerEncoder

_SPECS = "'median', 'column-median', 'thermometer', or 'thermometer' followed by the bits for each feature"


def make_encoder(spec: str) -> Encoder:
    """Make the encoder that a short text stands for.

    Parameters
    ----------
    spec : str
        "median" (one median for all features), "column-median", "thermometer", or "thermometer12" for 12 bits a
        feature.

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
    """
    if spec == "median":
        return MedianBinarizer()
    if spec == "column-median":
        return MedianBinarizer(scope="column")
    if match := re.fullmatch(r"thermometer([1-9]\d{0,3})?", spec):
        return ThermometerEncoder(n_bits=int(match[1])) if match[1] else ThermometerEncoder()
    raise ValueError(f"encoder {spec!r} is unknown: use {_SPECS}")
