"""What writes the C of a kind of stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bitlocal.encoders.program import Compared, Stage
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.features import FeatureType


@dataclass(frozen=True)
class Writer:
    """How a kind of stage becomes C.

    Attributes
    ----------
    add : callable
        Adds the code of some stages of this kind that follow each other.
    suited : callable
        Tells the type of features that a stage was fitted on, as far as it remembers.
    knows : bool, default=False
        Whether it remembers that, rather than concluding from thresholds what it may have been.
    """

    add: Callable[[Builder, Sequence[Any]], None]
    suited: Callable[[Any], FeatureType]
    knows: bool = False


def kind_of(stage: Stage) -> type:
    """Give what tells stages apart: their quantities, or the type of a stage with a code of its own."""
    return type(stage.quantities if isinstance(stage, Compared) else stage)


def each(add: Callable[[Builder, Any], None]) -> Callable[[Builder, Sequence[Any]], None]:
    """Add the code of one stage after the other, but for those without bits."""

    def add_all(builder: Builder, stages: Sequence[Any]) -> None:
        for stage in stages:
            if stage.n_bits:
                add(builder, stage)

    return add_all
