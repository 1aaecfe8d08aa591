"""Encoders as C99 code: from the features of a sample to packed bits, the same bits that the Python encoder gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from bitlocal.encoders import CategoryEncoder, ImageEncoder, SignalEncoder, TableEncoder, TextEncoder, ThresholdEncoder
from bitlocal.encoders.union import is_union, parts_of
from bitlocal.export.c99.encoder import images, signals, tables, thresholds
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.features import TYPES, FeatureType, as_features, largest_type
from bitlocal.export.errors import ExportError

if TYPE_CHECKING:
    from bitlocal.estimator import BMLPClassifier

__all__ = ["EncoderCode", "as_features", "encoder_code"]


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
        macros PREFIX_ROM, PREFIX_ROM_U8, PREFIX_ROM_U16, PREFIX_ROM_I16 and PREFIX_ROM_U32.
    body : str
        `static void PREFIX_encode(const PREFIX_feature_t *features, uint32_t *bits)`, which writes all
        ceil(n_bits / 32) words.
    scratch_bytes : int
        Memory on the stack that it needs for arrays, beyond the bits: for the counts of "hog" in images. Everything
        else that would take room is computed again.
    """

    feature_type: str
    n_features: int
    n_bits: int
    declarations: str
    body: str
    scratch_bytes: int


def encoder_code(classifier: BMLPClassifier, prefix: str, features: str | None = None) -> EncoderCode:
    """Write the encoder of a classifier as C99 code.

    Parameters
    ----------
    classifier : BMLPClassifier
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
    >>> from bitlocal.export.c99.encoder import encoder_code
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = BMLPClassifier((45,), encoder="thermometer4", max_iter=1, random_state=0).fit(X, y)
    >>> code = encoder_code(clf, "digits")
    >>> code.feature_type, code.n_features, code.n_bits
    ('uint8_t', 64, 230)
    """
    check_is_fitted(classifier, "network_")
    return code_for(classifier.encoder_, int(classifier.n_features_in_), prefix, features)


def code_for(encoder: Any, n_features: int, prefix: str, features: str | None = None) -> EncoderCode:
    """Write a fitted encoder, or None for bits, as C99 code; see `encoder_code`."""
    if features is not None and features not in TYPES:
        raise ExportError(f"features={features!r} is unknown: use {', '.join(map(repr, TYPES))}")
    kind = _suited_type(encoder) if features is None else TYPES[features]
    builder = Builder(prefix, kind)
    _add(builder, encoder, n_features)
    n_bits = n_features if encoder is None else sum(part.n_bits_ for part in _parts_of(encoder))
    return EncoderCode(
        kind.ctype, n_features, int(n_bits), builder.declarations, builder.body(int(n_bits)), builder.scratch_bytes
    )


def _parts_of(encoder: Any) -> list[Any]:
    return parts_of(encoder) if is_union(encoder) else [encoder]


def _suited_type(encoder: Any) -> FeatureType:
    """Choose the type of features that an encoder was fitted on."""
    if encoder is None:
        return TYPES["int8"]  # for 0/1 as well as for -1/+1
    if is_union(encoder):
        parts = parts_of(encoder)
        types = [_suited_type(part) for part in parts]
        # What images and signals are is known, for other encoders thresholds tell what the data may have been.
        known = [one for one, part in zip(types, parts, strict=True) if isinstance(part, (ImageEncoder, SignalEncoder))]
        if known and not any(one.is_float for one in known):
            types = [one for one in types if not one.is_float]
        return largest_type(types)
    if isinstance(encoder, ThresholdEncoder):
        return thresholds.suited_type(encoder)
    if isinstance(encoder, ImageEncoder):
        return images.suited_type(encoder)
    if isinstance(encoder, SignalEncoder):
        return signals.suited_type(encoder)
    if isinstance(encoder, (CategoryEncoder, TableEncoder)):
        return tables.suited_type(encoder)
    raise _no_export(encoder)


def _add(builder: Builder, encoder: Any, n_features: int) -> None:
    """Add the code of an encoder."""
    if encoder is None:
        _add_bits(builder, n_features)
    elif is_union(encoder):
        for part in parts_of(encoder):
            _add(builder, part, n_features)
    elif isinstance(encoder, ThresholdEncoder):
        thresholds.add_thresholds(builder, encoder)
    elif isinstance(encoder, ImageEncoder):
        images.add_image(builder, encoder)
    elif isinstance(encoder, SignalEncoder):
        signals.add_signal(builder, encoder)
    elif isinstance(encoder, TableEncoder):
        tables.add_table(builder, encoder)
    elif isinstance(encoder, CategoryEncoder):
        tables.add_categories(builder, encoder, [f"column {name!r}" for name in encoder._names(None)])
    else:
        raise _no_export(encoder)


def _add_bits(builder: Builder, n_features: int) -> None:
    """Add the code for features that are bits: 0 or -1, and 1."""
    piece = "bit of key" if builder.features.is_float else "bit"
    put = builder.put(builder.expression("encode.c", piece, value=builder.value("f")))
    builder.part("bits", builder.loop(n_features, put, i="f"))


def _no_export(encoder: Any) -> ExportError:
    if isinstance(encoder, TextEncoder):
        return ExportError(
            "a TextEncoder cannot be exported to C, which has no Unicode: encode texts before they reach the device "
            "(`classifier.encoder_.transform`), and fit the classifier on the bits (encoder=None)"
        )
    return ExportError(
        f"an encoder of type {type(encoder).__name__} cannot be exported to C: encode the samples before they reach "
        "the device, and fit the classifier on the bits (encoder=None)"
    )
