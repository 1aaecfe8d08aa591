"""Encoders, and scikit-learn's FeatureUnion of them: a union's program is its parts' programs, one after the other.

What else asks whether something is a union, asks here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray
from sklearn.pipeline import FeatureUnion

from bitlocal.encoders.base import Encoder
from bitlocal.encoders.checks import Arrays
from bitlocal.encoders.program import Program


def parts_of(encoder: Any) -> Sequence[Encoder]:
    """Give the encoders of this package that an encoder consists of: itself, those of a union, or none."""
    if isinstance(encoder, Encoder):
        return (encoder,)
    if isinstance(encoder, FeatureUnion) and encoder.transformer_weights is None:
        parts = [part for _, part in encoder.transformer_list]
        if parts and all(isinstance(part, Encoder) for part in parts):
            return parts
    return ()


def program_of(encoder: Any) -> Program | None:
    """Give the program of a fitted encoder or of a union of encoders; None for transformers from elsewhere."""
    if isinstance(encoder, Encoder):
        return encoder.program_
    parts = parts_of(encoder)
    return Program(tuple(piece for part in parts for piece in part.program_.pieces)) if parts else None


def takes_raw_samples(encoder: Any) -> bool:
    """Tell whether all of an encoder takes samples as they come, rather than a table of numbers.

    Transformers from elsewhere do: they know what they take.
    """
    return encoder is not None and all(part.takes_raw_samples for part in parts_of(encoder))


def fitted_of(encoder: Any) -> tuple[dict[str, Any], Arrays]:
    """Give what `fit` found in an encoder or in each part of a union: values for JSON, and arrays."""
    if isinstance(encoder, Encoder):
        return encoder.fitted()
    states = [part.fitted() for part in parts_of(encoder)]
    arrays = {f"{i}.{name}": array for i, (_, found) in enumerate(states) for name, array in found.items()}
    return {"parts": [values for values, _ in states]}, arrays


def restore(encoder: Any, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n_features: int) -> None:
    """Take back what `fitted_of` gave; raises ValueError, LookupError or TypeError if it is not valid."""
    if isinstance(encoder, Encoder):
        encoder.restore(values, arrays, n_features)
        return
    for i, (part, state) in enumerate(zip(parts_of(encoder), values["parts"], strict=True)):
        found = {k.removeprefix(f"{i}."): array for k, array in arrays.items() if k.startswith(f"{i}.")}
        part.restore(state, found, n_features)
