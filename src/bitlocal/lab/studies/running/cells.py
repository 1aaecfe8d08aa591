"""Cells: the exact configuration of one training, and the digest that names its result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

FORMAT = 1
"""Raised when results of the same configuration would come out differently, so that old ones are not taken for new."""

Setting = bool | int | float
Settings = tuple[tuple[str, Setting], ...]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One training: everything that its result depends on.

    Attributes
    ----------
    data : str
        Name of a data set, or path of a file.
    source : str, default=""
        SHA-256 of the data, where they come from a file; known names need none.
    target : str or None, default=None
        Column of a file that holds the labels.
    method : str
        "bmlp", "single-layer", "sgd", "adam" or "straight-through".
    hidden : tuple of int
        Neurons in each trained layer.
    encoder : str or None
        What makes bits of the samples, as `bitlocal.encoders.make_encoder` reads it; None where they are bits.
    inputs : {"bits", "float"}, default="bits"
        Whether the method gets the bits, or the numbers as they are.
    kept_as : {"bits", "uint8", "float32"}, default="bits"
        What the samples are reckoned as, in memory.
    epochs : int
        Passes over the training samples.
    seed : int
        Seed of the data's draw or split, and of everything random in the method.
    settings : tuple of (str, number), default=()
        The method's other parameters, sorted by name.
    samples, test_samples : int or None, default=None
        How many samples to train and to test on, stratified by class; None for all.
    part : {"test", "validation"}, default="test"
        What the accuracy is measured on: the test part, or a fifth of the training samples, held out.
    classes : tuple of int or None, default=None
        Classes to keep, by their number; None for all.
    record_weights : bool, default=False
        Whether to keep the distribution of hidden weights, epoch by epoch.
    """

    data: str
    source: str = ""
    target: str | None = None
    method: str
    hidden: tuple[int, ...]
    encoder: str | None
    inputs: Literal["bits", "float"] = "bits"
    kept_as: Literal["bits", "uint8", "float32"] = "bits"
    epochs: int
    seed: int
    settings: Settings = ()
    samples: int | None = None
    test_samples: int | None = None
    part: Literal["test", "validation"] = "test"
    classes: tuple[int, ...] | None = None
    record_weights: bool = False

    def __post_init__(self) -> None:
        if list(self.settings) != sorted(self.settings):
            raise ValueError(f"settings must be sorted by name, got {self.settings!r}; use `with_settings`")

    def with_settings(self, **settings: Setting) -> Cell:
        """Give the same cell with these settings changed."""
        return replace(self, settings=make_settings({**dict(self.settings), **settings}))

    def to_dict(self) -> dict[str, Any]:
        """Give the configuration as plain values, for JSON."""
        return {**asdict(self), "settings": dict(self.settings)}

    @property
    def digest(self) -> str:
        """The name of the result: 24 hexadecimal digits that depend on every attribute.

        A file is known by what it holds, wherever it lies.
        """
        identity = {**self.to_dict(), "format": FORMAT, "data": self.source or self.data}
        text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def describe(self) -> str:
        """Say in a line what this is, for progress and errors."""
        shape = "-".join(map(str, self.hidden))
        settings = "".join(f" {name}={value:g}" for name, value in self.settings)
        return f"{self.method} {shape} on {self.data}, {self.epochs} epochs, seed {self.seed}{settings}"


def make_settings(settings: Mapping[str, Setting]) -> Settings:
    """Sort settings by name, as a cell holds them."""
    return tuple(sorted(settings.items()))
