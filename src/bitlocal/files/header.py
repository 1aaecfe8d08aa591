"""A network's specification in the header of format 1, which has the parameters of the classifier, flat."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from bitlocal.files.schema import build, require
from bitlocal.spec import Spec
from bitlocal.spec.parameters import compose, decompose


def _spec(
    n_inputs: int,
    hidden_layer_sizes: tuple[int, ...],
    n_classes: int,
    group_size: int,
    robustness: float = 0.25,
    reinforcement: float = 2.0,
    hidden_clip: int | None = None,
    seed: int = 0,
    majority: bool = False,
    freeze_first: bool = False,
    train_classifier: bool = False,
    single_output: bool = False,
) -> Spec:
    """Make a specification; the parameters are the entries, in their order."""
    given = locals()
    others = {name: given.pop(name) for name in ("n_inputs", "n_classes", "seed", "majority")}
    return compose(given, **others)


def spec_to_json(spec: Spec) -> dict[str, Any]:
    """Give the entries of a specification."""
    values = {"n_inputs": spec.n_inputs, "n_classes": spec.n_classes, "seed": spec.seed, **decompose(spec)}
    return {name: values[name] for name in inspect.signature(_spec).parameters}


def spec_from_json(entries: Mapping[str, Any]) -> Spec:
    """Make a specification; raises ValueError or TypeError if an entry is missing, unknown or not valid."""
    spec = build(_spec, entries)
    require(0 <= spec.seed < 2**64, "the seed is not valid")
    return spec
