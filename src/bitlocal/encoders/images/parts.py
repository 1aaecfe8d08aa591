"""A part of an image encoder before its thresholds are known, and how they are found or read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.encoders.checks import Arrays
from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.images.quantities import OfImage
from bitlocal.encoders.program import Compared
from bitlocal.encoders.thresholds import ThresholdEncoder

_VALUES_TO_LEARN_FROM = 1 << 24


@dataclass(frozen=True)
class Part:
    """Quantities, and where their thresholds come from.

    Attributes
    ----------
    quantities : OfImage or callable
        The quantities, or what makes them, given the thresholds of the bits that they count.
    thresholds : Thresholds or ThresholdEncoder
        Those that are known beforehand, or what finds them in data.
    base : tuple of OfImage and ThresholdEncoder, optional
        What the bits that are counted are made of, and what finds their thresholds.
    """

    quantities: OfImage | Callable[[Thresholds], OfImage]
    thresholds: Thresholds | ThresholdEncoder
    base: tuple[OfImage, ThresholdEncoder] | None = None

    def fit(self, pixels: NDArray[Any]) -> Compared:
        """Find the thresholds in images whose pixels are whole numbers."""
        quantities = self._made(None if self.base is None else self.base[1].find(pixels))
        return self.compared(quantities, pixels)

    def compared(self, quantities: OfImage, pixels: NDArray[Any]) -> Compared:
        """Find the thresholds of quantities that are known by now."""
        if isinstance(self.thresholds, Thresholds):
            return Compared(quantities, self.thresholds)
        values = pixels
        if quantities.computed:  # which takes time: fewer samples will do
            some = np.ascontiguousarray(pixels[:: len(pixels) * quantities.n // _VALUES_TO_LEARN_FROM + 1])
            step = quantities.rows_at_a_time
            values = np.concatenate([quantities(some[i : i + step]) for i in range(0, len(some), step)])
        return Compared(quantities, self.thresholds.find(values))

    def _made(self, base: Thresholds | None) -> OfImage:
        if isinstance(self.quantities, OfImage):
            return self.quantities
        assert base is not None, "what counts bits has a base"
        return self.quantities(base)

    def to_arrays(self, stage: Compared) -> Arrays:
        """Give what was found in data."""
        arrays: Arrays = {}
        if not isinstance(self.thresholds, Thresholds):
            arrays.update(stage.thresholds.to_arrays())
        if self.base is not None:
            base: Compared = stage.quantities.base  # type: ignore[attr-defined]
            arrays.update({f"base.{name}": array for name, array in base.thresholds.to_arrays().items()})
        return arrays

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> Compared:
        """Take back what `to_arrays` gave; raises ValueError or LookupError if it is not valid."""
        found = None
        if self.base is not None:
            of_base = {k.removeprefix("base."): v for k, v in arrays.items() if k.startswith("base.")}
            found = Thresholds.from_arrays(of_base, self.base[0].n)
        quantities = self._made(found)
        if isinstance(self.thresholds, Thresholds):
            return Compared(quantities, self.thresholds)
        return Compared(quantities, Thresholds.from_arrays(arrays, quantities.n))
