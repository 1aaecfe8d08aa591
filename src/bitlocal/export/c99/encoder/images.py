"""Images: `ImageEncoder`. Loops over rows and columns take the place of tables wherever these are regular.

Hardly anything is kept between pixels: most of what is needed twice is computed twice. Counts of edges alone take
memory beyond the image, a few rows of cells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.encoders import ImageEncoder
from bitlocal.encoders.images import _NEIGHBOURS
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.features import TYPES, FeatureType
from bitlocal.export.c99.encoder.thermometers import Thermometers
from bitlocal.export.c99.encoder.thresholds import by_column
from bitlocal.export.c99.encoder.whole import add_whole
from bitlocal.export.c99.numbers import c_number, size_of, smallest_type
from bitlocal.export.errors import ExportError

_FILE = "image.c"


def suited_type(encoder: ImageEncoder) -> FeatureType:
    """Tell what images the encoder was fitted on, as far as it remembers.

    It knows whether they were whole numbers, their range but for rounding (from the margin), and thresholds.
    """
    if encoder.levels_ is not None:
        return TYPES["float"]
    pixels = [np.zeros(0)]
    for (name, _), part in zip(encoder._read_parts(), _by_name(encoder), strict=True):
        if name == "thermometer":
            pixels.append(part[0].thresholds.thresholds_)
        elif name == "patches":
            pixels.append(np.floor(part[0].base.thresholds.thresholds_))
    thresholds = np.concatenate(pixels)
    wide = encoder._margin > 255 * float(encoder.margin)
    small = TYPES["uint8"]
    if wide or (len(thresholds) and (thresholds.min() < small.low or thresholds.max() >= small.high)):
        return TYPES["int16"]
    return small


def add_image(builder: Builder, encoder: ImageEncoder) -> None:
    """Add the code of an encoder."""
    image = _Image(builder, encoder)
    for (name, numbers), parts in zip(encoder._read_parts(), _by_name(encoder), strict=True):
        if sum(part.thresholds.n_bits_ for part in parts):
            _WRITERS[name](image, parts[0], *numbers)


def _by_name(encoder: ImageEncoder) -> list[list[Any]]:
    """Give the parts that each name in `parts` stands for."""
    parts = iter(encoder._parts)
    return [
        [next(parts) for _ in range(numbers[0] if name == "local" else 1)] for name, numbers in encoder._read_parts()
    ]


class _Image:
    """The code of an encoder of images."""

    def __init__(self, builder: Builder, encoder: ImageEncoder) -> None:
        self._builder = builder
        self._encoder = encoder
        self._height, self._width, self._channels = encoder.shape_
        levels = None if encoder.levels_ is None else encoder.levels_[np.newaxis]
        self._pixel = add_whole(builder, "pixel", levels, "images")
        margin = encoder._margin
        small = max(self._pixel.high - self._pixel.low, margin) < 2**15
        self._ctype = "int16_t" if small else "int32_t"
        self._sizes: dict[str, object] = {
            "height": self._height,
            "width": self._width,
            "channels": self._channels,
            "row": self._width * self._channels,
        }

    def _rows(self, part: Any, low: int, high: int) -> list[list[int]]:
        """Thresholds of each quantity of a part; those beyond its limits moved there."""
        thresholds = part.thresholds
        values = np.clip(np.floor(thresholds.thresholds_), low - 1, high).astype(np.int64)
        return by_column(thresholds.columns_, values, part.n_codes)

    def _part(self, what: str, piece: str, start: str = "", **values: object) -> None:
        self._builder.part(what, self._builder.text(_FILE, piece, **self._sizes, start=start, **values))

    def _at(self, piece: str) -> str:
        """Write the reading of the pixel at a place that a template tells."""
        return self._pixel.at(self._builder.expression(_FILE, piece, **self._sizes))

    def thermometer(self, part: Any, n: int) -> None:
        thermometers = Thermometers(
            self._builder,
            "pixel_level",
            self._rows(part, self._pixel.low, self._pixel.high),
            self._pixel.low,
            self._pixel.high,
        )
        write = thermometers.call(self._pixel.at("i"))
        self._builder.part("pixels", self._builder.loop(part.n_codes, write, thermometers.start()))

    def pool(self, part: Any, n: int, side: int = 2) -> None:
        area = side * side
        low, high = (
            min(self._pixel.low * area, 0),
            max(self._pixel.high * area, 0),
        )  # squares that are cut off have less
        thermometers = Thermometers(self._builder, "sum", self._rows(part, low, high), low, high)
        self._builder.add(_FILE, "least")
        values = {"ctype": thermometers.ctype, "side": side, "pixel": self._at("place in square")}
        self._part("pool", "pool", thermometers.start(), write=thermometers.call("sum"), **values)

    def _brighter(self) -> str:
        a, b = self._at("first pixel"), self._at("second pixel")
        return self._builder.function("brighter", _FILE, "brighter", ctype=self._ctype, a=a, b=b)

    def _add_neighbours(self) -> None:
        self._builder.add(_FILE, "least")
        self._builder.add(_FILE, "most")
        codes = [(dy + 1) * 4 + dx + 1 for dy, dx in _NEIGHBOURS]
        self._builder.add(_FILE, "neighbours", direction=self._builder.table("directions", codes).at("direction"))

    def gradient(self, part: Any, n: int) -> None:
        self._compare_neighbours(n // 8, self._encoder._margin)

    def census(self, part: Any, n: int) -> None:
        self._compare_neighbours(n // 8, 0)

    def _compare_neighbours(self, reach: int, margin: int) -> None:
        self._add_neighbours()
        values = {"ctype": self._ctype, "brighter": self._brighter(), **self._sizes}
        name = self._builder.function("compare_neighbours", _FILE, "compare neighbours", **values)
        self._builder.call(name, reach, margin)

    def local(self, part: Any, n: int) -> None:
        self._builder.add(_FILE, "least")
        self._builder.add(_FILE, "most")
        values = {"pixel": self._at("place in middle"), "other": self._at("place in window"), **self._sizes}
        name = self._builder.function("compare_windows", _FILE, "local", **values)
        for reach in range(1, n + 1):
            self._builder.call(name, reach, c_number((2 * reach + 1) ** 2 * self._encoder._margin, "int32_t"))

    def pairs(self, part: Any, n: int) -> None:
        first, second = part._first.astype(np.int64), part._second.astype(np.int64)
        apart = second - first  # small, since the two are close
        back = min(int(apart.min()), 0)
        a = self._builder.expression(_FILE, "place", read=self._builder.table("pairs", first).at("i"))
        if smallest_type(0, int(apart.max()) - back) < smallest_type(0, int(second.max())):
            read = self._builder.table("pairs_apart", apart - back).at("i")
            b = self._builder.expression(_FILE, "place apart", a=a, read=read, back=-back)
        else:
            b = self._builder.expression(_FILE, "place", read=self._builder.table("pairs_other", second).at("i"))
        values = {"brighter": self._brighter(), "a": a, "b": b, "margin": self._encoder._margin}
        put = self._builder.put(self._builder.expression(_FILE, "is brighter", **values))
        self._builder.part("pairs", self._builder.loop(n, put))

    def patches(self, part: Any, n: int) -> None:
        side = 2 * int(self._encoder.radius) + 1
        corners, patterns = self._encoder._draw_patches(n)
        used = part.thresholds.columns_  # the others agree equally in all training data, and have no bit
        medians = np.unique(np.floor(part.base.thresholds.thresholds_))
        if len(medians) != 1:
            raise ExportError("the encoder compares pixels with several medians, which is no result of fit")
        packed: NDArray[np.uint8] = np.packbits(patterns[used], axis=1, bitorder="little")
        rows = [row for row in self._rows(part, 0, side * side) if row]
        thermometers = Thermometers(self._builder, "patch", rows, 0, side * side)
        median = int(np.clip(medians[0], self._pixel.low - 1, self._pixel.high))
        octet = self._builder.expression(_FILE, "octet of pattern", octets=packed.shape[1])
        self._part(
            "patches",
            "patches",
            thermometers.start(),
            n=len(used),
            count=_count_type(side * side),
            side=side,
            corner=self._builder.table("patch_corners", corners[used]).at("i"),
            pattern=self._builder.table("patch_patterns", packed).at(octet),
            pixel=self._pixel.at("at"),
            median=c_number(median, "int32_t"),
            write=thermometers.call("agreeing"),
        )

    def hog(self, part: Any, n: int) -> None:
        self._add_neighbours()
        cell = self._encoder._cell()
        step = max(cell // 2, 1)
        n_down, n_right = ((side - cell) // step + 1 for side in (self._height, self._width))
        rows = min(-(-cell // step), n_down)
        thermometers = Thermometers(self._builder, "edges", self._rows(part, 0, cell * cell), 0, cell * cell)
        count = smallest_type(0, cell * cell)
        n_counts = rows * n_right * self._channels
        self._builder.scratch_bytes = max(self._builder.scratch_bytes, n_counts * size_of(count))
        self._part(
            "hog",
            "hog",
            thermometers.start(),
            write=thermometers.call(self._builder.expression(_FILE, "count of cell"), cast=True),
            cell=cell,
            step=step,
            rows=rows,
            n_down=n_down,
            n_right=n_right,
            n_closed=n_right * self._channels,
            n_counts=n_counts,
            count=count,
            last_y=(n_down - 1) * step + cell - 1,
            margin=self._encoder._margin,
            brighter=self._brighter(),
        )


def _count_type(most: int) -> str:
    return "int16_t" if most < 2**15 else "int32_t"


_WRITERS: dict[str, Callable[..., None]] = {
    "thermometer": _Image.thermometer,
    "pool": _Image.pool,
    "gradient": _Image.gradient,
    "census": _Image.census,
    "local": _Image.local,
    "pairs": _Image.pairs,
    "patches": _Image.patches,
    "hog": _Image.hog,
}
