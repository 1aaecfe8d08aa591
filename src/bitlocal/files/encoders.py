"""Encoders in a header, and what their `fit` found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.pipeline import FeatureUnion

from bitlocal import encoders
from bitlocal.encoders.union import fitted_of, parts_of, program_of, restore
from bitlocal.errors import ModelFileError
from bitlocal.files.schema import build, require
from bitlocal.files.tensors import Arrays, smallest

_BASES = (encoders.Encoder, encoders.ThresholdEncoder)
_ENCODERS: dict[str, type[encoders.Encoder]] = {
    name: kind for name in encoders.__all__ if isinstance(kind := getattr(encoders, name), type) and kind not in _BASES
}
_NEWER = {"TableEncoder": {"oblique": 0, "conjunctions": 0}}
"""Parameters that came after format 1, and what they are in older files: where they are that, files stay the same."""
_PREFIX = "encoder."  # of the names of an encoder's arrays


def encoder_to_json(encoder: Any) -> dict[str, Any] | None:
    """Give an encoder's type and parameters for JSON."""
    if encoder is None:
        return None
    kind = type(encoder).__name__
    if isinstance(encoder, FeatureUnion) and parts_of(encoder):
        return {"kind": kind, "parts": [[name, encoder_to_json(part)] for name, part in encoder.transformer_list]}
    if _ENCODERS.get(kind) is not type(encoder):
        raise ModelFileError(
            f"an encoder of type {kind} cannot be stored in a model file (it holds {', '.join(_ENCODERS)}, and a "
            "FeatureUnion of these): encode the data before, or pickle the classifier"
        )
    newer = _NEWER.get(kind, {})
    parameters = {name: v for name, v in encoder.get_params().items() if name not in newer or v != newer[name]}
    return {"kind": kind, "parameters": parameters}


def encoder_from_json(description: Mapping[str, Any] | None) -> Any:
    """Make an encoder, not fitted yet; raises ValueError or LookupError if its description is not valid."""
    if description is None:
        return None
    if description["kind"] == "FeatureUnion":
        parts = description["parts"]
        require(
            isinstance(parts, list)
            and all(isinstance(part, list) and len(part) == 2 and isinstance(part[0], str) for part in parts)
            and all(isinstance(one, dict) and one["kind"] in _ENCODERS for _, one in parts),
            "the parts of the encoder are not valid",
        )
        return FeatureUnion([(name, encoder_from_json(one)) for name, one in parts])
    return build(_ENCODERS[description["kind"]], description["parameters"])


def fitted_to_json(encoder: Any, arrays: Arrays) -> dict[str, Any] | None:
    """Give what an encoder's `fit` found, and add its arrays to those of the file."""
    description = encoder_to_json(encoder)
    if description is None:
        return None
    values, found = fitted_of(encoder)
    arrays.update({f"{_PREFIX}{name}": smallest(array) for name, array in found.items()})
    return {**description, "fitted": values} if values else description


def fitted_from_json(description: Mapping[str, Any] | None, n_features: int, n_bits: int, arrays: Arrays) -> Any:
    """Make a fitted encoder from what `fitted_to_json` gave, and the arrays of the file."""
    encoder = encoder_from_json(description)
    if encoder is None or description is None:
        require(n_features == n_bits, "the number of features does not fit the network")
        return None
    found = {name.removeprefix(_PREFIX): array for name, array in arrays.items() if name.startswith(_PREFIX)}
    values = description.get("fitted", {})
    restore(encoder, values, found, n_features)
    program = program_of(encoder)
    fitted_bits = 0 if program is None else program.n_bits
    require(fitted_bits == n_bits, "the encoder does not fit the network")
    return encoder
