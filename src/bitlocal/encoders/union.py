"""scikit-learn's FeatureUnion of encoders, straight into packed bits and into model files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import FeatureUnion

from bitlocal.bits import PackedBits, words_for
from bitlocal.encoders.base import Arrays, Encoder


def is_union(encoder: Any) -> bool:
    """Tell whether this is a FeatureUnion of nothing but encoders of this package."""
    return isinstance(encoder, FeatureUnion) and all(isinstance(part, Encoder) for part in parts_of(encoder))


def parts_of(union: FeatureUnion) -> list[Any]:
    """Give the encoders of a union."""
    return [part for _, part in union.transformer_list]


def takes_raw_samples(encoder: Any) -> bool:
    """Tell whether an encoder, or every part of a union, takes samples as they come rather than a table of numbers."""
    if is_union(encoder):
        return all(part.takes_raw_samples for part in parts_of(encoder))
    return isinstance(encoder, Encoder) and encoder.takes_raw_samples


def pack_union(union: FeatureUnion, X: Any) -> PackedBits:
    """Encode samples by each part, one part's bits after the other's."""
    parts = parts_of(union)
    n_bits = sum(part.n_bits_ for part in parts)
    samples = [part._validate(X) for part in parts]
    words = np.zeros((len(samples[0]), words_for(n_bits)), dtype=np.uint64)
    first_bit = 0
    for part, validated in zip(parts, samples, strict=True):
        part._write(validated, words, first_bit)
        first_bit += part.n_bits_
    return PackedBits(words, n_bits)


def union_state(union: FeatureUnion) -> tuple[dict[str, Any], Arrays]:
    """Give what `fit` found in each part: values for JSON, and arrays."""
    states = [part._state() for part in parts_of(union)]
    arrays = {f"{i}.{name}": array for i, (_, found) in enumerate(states) for name, array in found.items()}
    return {"parts": [values for values, _ in states]}, arrays


def set_union_state(
    union: FeatureUnion, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n_features: int
) -> None:
    """Take back what `union_state` gave; raises ValueError, LookupError or TypeError if it is not valid."""
    for i, (part, state) in enumerate(zip(parts_of(union), values["parts"], strict=True)):
        found = {k.removeprefix(f"{i}."): array for k, array in arrays.items() if k.startswith(f"{i}.")}
        part._set_state(state, found, n_features)
