"""What the parameter `encoder` of a classifier stands for, given samples."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

from bitlocal.bits import PackedBits, are_bits
from bitlocal.encoders.base import Encoder
from bitlocal.encoders.columns import has_text
from bitlocal.encoders.specs import make_encoder
from bitlocal.encoders.table import TableEncoder
from bitlocal.encoders.text import TextEncoder, are_texts
from bitlocal.encoders.thresholds import ThermometerEncoder, bits_for
from bitlocal.encoders.union import takes_raw_samples


def takes_raw(encoder: Any, X: Any) -> bool:
    """Tell whether samples go to the encoder as they come, since they are no table of numbers."""
    if isinstance(encoder, str):
        if encoder == "auto":
            return bool(has_text(X) or are_texts(X))
        return make_encoder(encoder).takes_raw_samples
    return takes_raw_samples(encoder)


def choose_encoder(encoder: Any, X: Any) -> Any:
    """Give what the parameter `encoder` stands for, not fitted yet; None where the samples are used as they are.

    Raises
    ------
    ValueError
        If it is neither a transformer, nor the name of an encoder, nor None; or if the samples are packed already.
    """
    auto = isinstance(encoder, str) and encoder == "auto"
    if isinstance(X, PackedBits):
        if encoder is not None and not auto:
            raise ValueError(f"encoder={encoder!r} cannot encode packed bits: use 'auto' or None")
        return None
    if auto:
        return _suited(X)
    if isinstance(encoder, str):
        return make_encoder(encoder)
    if encoder is not None and (isinstance(encoder, type) or not hasattr(encoder, "transform")):
        raise ValueError(f"encoder={encoder!r}: expected a transformer, the name of an encoder or None")
    return None if encoder is None else clone(encoder)


def _suited(X: Any) -> Encoder | None:
    """Suit the data: texts, tables with text, bits, numbers."""
    if are_texts(X):
        return TextEncoder()
    if has_text(X):
        return TableEncoder()
    return None if are_bits(X) else ThermometerEncoder(n_bits=bits_for(X.shape[1]))
