"""Specifications of networks from the classifier's parameters, in one line."""

from __future__ import annotations

from typing import Any

from bitlocal.spec import Spec
from bitlocal.spec.parameters import compose


def flat_spec(
    n_inputs: int,
    hidden_layer_sizes: tuple[int, ...],
    n_classes: int,
    group_size: int,
    *,
    seed: int = 0,
    majority: bool = False,
    **rule: Any,
) -> Spec:
    parameters = {"hidden_layer_sizes": hidden_layer_sizes, "group_size": group_size, **rule}
    return compose(parameters, n_inputs=n_inputs, n_classes=n_classes, seed=seed, majority=majority)
