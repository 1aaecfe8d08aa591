"""What `encoder=` means, given samples: the same for Python and the command line."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import FeatureUnion

from bitlocal.bits import PackedBits, are_bits, is_sparse
from bitlocal.encoders.base import Encoder
from bitlocal.encoders.images import ImageEncoder
from bitlocal.encoders.images.flattened import warn_of_flattened_images
from bitlocal.encoders.oblique import ObliqueEncoder
from bitlocal.encoders.signals import SignalEncoder
from bitlocal.encoders.sparse import is_sparse_table
from bitlocal.encoders.tables.columns import has_text
from bitlocal.encoders.tables.table import TableEncoder
from bitlocal.encoders.text import TextEncoder, are_texts
from bitlocal.encoders.thresholds import MedianBinarizer, ThermometerEncoder, bits_for, sparse_bits_for
from bitlocal.encoders.union import takes_raw_samples
from bitlocal.spec.presets import PRESETS, Preset

_SMALL = 16  # pixels; images with a shorter side than that are small
_MANY_ROWS = 5000  # more of them can make use of more sums
_MOST_COLUMNS = 2048  # of which some few are joined at random: of more, hardly any belong together

_SPECS = (
    "'median', 'column-median', 'thermometer', 'thermometer12' for 12 bits a feature, 'table', "
    "'oblique2000' for 2000 sums, alone or as in 'thermometer12+oblique2000' and 'table+oblique2000', "
    "'table+conjunctions500' and 'table+oblique2000+conjunctions500' for 500 conjunctions, "
    "'image:thermometer4+hog4' or other parts of an ImageEncoder, 'signal:thermometer4+bands8' or other parts of a "
    "SignalEncoder, 'signal128x3:bands8' for 128 steps of 3 channels, 'text', 'text:char'"
)


def make_encoder(spec: str) -> Encoder | FeatureUnion:
    """Make the encoder that a short text stands for.

    Parameters
    ----------
    spec : str
        "median" (one median for all features), "column-median", "thermometer", "thermometer12" for 12 bits a feature,
        "table" for a `TableEncoder`; "oblique" for an `ObliqueEncoder`, "oblique2000" for 2000 sums, or these after one
        of the others so far and "+", as in "thermometer12+oblique2000" and "table+oblique"; a table and "+conjunctions"
        or, for 500 of them, "+conjunctions500", as in "table+oblique+conjunctions500"; or "image" or "image:"
        followed by the parts of an `ImageEncoder`; in the same way "signal", or "signal128x3" for 128 steps of 3
        channels, for a `SignalEncoder`; "text" or "text:" followed by the analyzer of a `TextEncoder`.

    Returns
    -------
    Encoder or FeatureUnion of these
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
    if match := re.fullmatch(r"(table[a-z0-9+]*)\+conjunctions([1-9]\d{0,5})?", spec, re.ASCII):
        table = make_encoder(match[1])
        if isinstance(table, TableEncoder) and not table.conjunctions:
            return table.set_params(conjunctions=int(match[2]) if match[2] else "auto")
    if match := re.fullmatch(r"(?:([a-z-]+\d*)\+)?oblique([1-9]\d{0,5})?", spec, re.ASCII):
        return _with_sums(spec, match[1], ObliqueEncoder(n_features=int(match[2])) if match[2] else ObliqueEncoder())
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


def _with_sums(spec: str, others: str | None, sums: ObliqueEncoder) -> Encoder | FeatureUnion:
    """Join an encoder of tables, by its text, with oblique sums."""
    if others is None:
        return sums
    other = make_encoder(others)
    if isinstance(other, TableEncoder):
        return other.set_params(oblique=sums.n_features)
    if not isinstance(other, (MedianBinarizer, ThermometerEncoder)):
        raise ValueError(f"encoder {spec!r}: oblique sums cannot be joined with {others!r}: use {_SPECS}")
    return FeatureUnion([(others, other), ("oblique", sums)])


def takes_raw(encoder: Any, X: Any) -> bool:
    """Tell whether samples go to the encoder as they come, since they are no table of numbers."""
    if isinstance(encoder, str):
        if is_automatic(encoder):
            return not is_sparse_table(X) and bool(_are_images(X) or has_text(X) or are_texts(X))
        return takes_raw_samples(make_encoder(encoder))
    return takes_raw_samples(encoder)


def is_automatic(encoder: Any) -> bool:
    """Tell whether the samples decide what the parameter `encoder` stands for."""
    return isinstance(encoder, str) and encoder == "auto"


def choices(X: Any, preset: str | None = None) -> list[str | None]:
    """Give the encoders among which "auto" is chosen by trial, by their texts: first what is taken without one.

    For tables beside it the same with oblique sums, and with conjunctions if there is text. None of them where there is
    nothing to try: for images, texts, truth values, sparse and packed samples, few columns and very many, and presets
    without trials.
    """
    if isinstance(X, PackedBits) or is_sparse_table(X) or _are_images(X) or are_texts(X) or not PRESETS[preset].trials:
        return []
    sums = "oblique" if len(X) <= _MANY_ROWS else "oblique2000"
    if has_text(X):
        return ["table", f"table+{sums}", "table+conjunctions"]
    if X.dtype.kind == "b" or not 2 <= X.shape[1] <= _MOST_COLUMNS:
        return []
    if are_bits(X):
        return [None, f"thermometer1+{sums}"]
    plain = f"thermometer{bits_for(X.shape[1])}"
    warn_of_flattened_images(X, instead=plain)
    return [plain, f"{plain}+{sums}"]


def resolve(encoder: Any, X: Any, preset: str | None = None) -> Any:
    """Give what the parameter `encoder` stands for, not fitted yet; None where the samples are used as they are.

    "auto" suits the samples, and follows the preset: images (arrays of three or four dimensions) get an `ImageEncoder`,
    texts a `TextEncoder`, tables with text a `TableEncoder`, bits nothing, and other numbers a `ThermometerEncoder`, a
    narrower one where they are sparse; with a `DataWarning` if these look like images that were flattened. `choices`
    tells what else may be tried.

    Raises
    ------
    ValueError
        If it is neither a transformer, nor the name of an encoder, nor None; or if the samples are packed already.
    """
    auto = is_automatic(encoder)
    if isinstance(X, PackedBits):
        if encoder is not None and not auto:
            raise ValueError(f"encoder={encoder!r} cannot encode packed bits: use 'auto' or None")
        return None
    if auto:
        return _suited(X, PRESETS[preset])
    if isinstance(encoder, str):
        return make_encoder(encoder)
    if encoder is not None and (isinstance(encoder, type) or not hasattr(encoder, "transform")):
        raise ValueError(f"encoder={encoder!r}: expected a transformer, the name of an encoder or None")
    return None if encoder is None else clone(encoder)


def suit(encoder: Any, shape: tuple[int, ...] | None, preset: str | None = None) -> Any:
    """Tell the parameter `encoder` that samples, though they come flattened, are images of a shape, or signals.

    Parameters
    ----------
    encoder : str, transformer or None
        The parameter.
    shape : tuple of int or None
        (height, width) or (height, width, channels) of an image before it was flattened; None where the data do not
        say that they are images.
    preset : str or None, default=None
        What "auto" follows.

    Returns
    -------
    str, transformer or None
        What the parameter means then: "auto" is an `ImageEncoder`.
    """
    if shape is None or not isinstance(encoder, str):
        return encoder
    chosen = _for_images(shape, PRESETS[preset]) if is_automatic(encoder) else make_encoder(encoder)
    if isinstance(chosen, SignalEncoder) and chosen.shape is not None:
        return chosen
    return chosen.set_params(shape=shape) if isinstance(chosen, (ImageEncoder, SignalEncoder)) else encoder


def _suited(X: Any, preset: Preset) -> Any:
    if is_sparse(X):  # numbers: sparse bits came packed
        return ThermometerEncoder(n_bits=sparse_bits_for(X.shape[1]))
    if _are_images(X):
        return _for_images(X.shape[1:], preset)
    if are_texts(X):
        return TextEncoder()
    if has_text(X):
        return make_encoder(preset.tables)
    if are_bits(X):
        return None
    name = preset.numbers or f"thermometer{bits_for(X.shape[1])}"
    warn_of_flattened_images(X, instead=name)
    return make_encoder(name)


def _for_images(shape: tuple[int, ...], preset: Preset) -> ImageEncoder:
    channels = shape[2] if len(shape) == 3 else 1
    if min(shape[:2]) < _SMALL or channels not in (1, 3):
        return _images_by(preset.other_images)
    if channels == 3:
        return _images_by(preset.colour_images, margin=preset.colour_margin)
    return _images_by(preset.images)


def _images_by(spec: str, **settings: float) -> ImageEncoder:
    encoder = make_encoder(spec)
    assert isinstance(encoder, ImageEncoder), "presets have an encoder of images for images"
    encoder.set_params(**settings)
    return encoder


def _are_images(X: Any) -> bool:
    """Tell whether samples are images: numbers in three or four dimensions."""
    return isinstance(X, np.ndarray) and X.ndim in (3, 4) and X.dtype.kind in "buif"
