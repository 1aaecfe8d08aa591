"""Images. Loops over rows and columns take the place of tables wherever these are regular.

Hardly anything is kept between pixels: most of what is needed twice is computed twice. Two parts take memory beyond the
image: counts of edges a few rows of cells, ranks of edges one plane.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.encoders.images.planes import KERNELS, LARGE, Planes
from bitlocal.encoders.images.quantities import (
    NEIGHBOURS,
    Cells,
    Image,
    Neighbours,
    Pairs,
    Patches,
    Pixels,
    Squares,
    Windows,
)
from bitlocal.encoders.program import Compared
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.columns import by_quantity
from bitlocal.export.c99.encoder.features import TYPES, FeatureType
from bitlocal.export.c99.encoder.thermometers import Thermometers
from bitlocal.export.c99.encoder.whole import add_whole
from bitlocal.export.c99.encoder.writer import Writer, each
from bitlocal.export.c99.numbers import c_number, size_of, smallest_type
from bitlocal.export.errors import ExportError

_FILE = "image.c"


class _Writing:
    """The code of what is computed from an image."""

    def __init__(self, builder: Builder, image: Image) -> None:
        self.builder = builder
        self.height, self.width, self.channels = image.shape
        self.pixel = add_whole(builder, "pixel", None if image.levels is None else image.levels[np.newaxis], "images")
        self.sizes: dict[str, object] = {
            "height": self.height,
            "width": self.width,
            "channels": self.channels,
            "row": self.width * self.channels,
        }

    def at(self, piece: str) -> str:
        """Write the reading of the pixel at a place that a template tells."""
        return self.pixel.at(self.builder.expression(_FILE, piece, **self.sizes))

    def part(self, what: str, thermometers: Thermometers, **values: object) -> None:
        """Add a function that compares quantities with thresholds, from the template of that name."""
        start = thermometers.start()
        self.builder.part(what, self.builder.text(_FILE, what, **self.sizes, start=start, **values))

    def brighter(self, margin: int) -> tuple[str, str]:
        """Add a function that compares two pixels, and give its name and the type in which it does."""
        small = max(self.pixel.high - self.pixel.low, margin) < 2**15
        ctype = "int16_t" if small else "int32_t"
        a, b = self.at("first pixel"), self.at("second pixel")
        return self.builder.function("brighter", _FILE, "brighter", ctype=ctype, a=a, b=b), ctype

    def add_neighbours(self) -> None:
        """Add what tells where the neighbours of a pixel are."""
        self.builder.add(_FILE, "least")
        self.builder.add(_FILE, "most")
        codes = [(dy + 1) * 4 + dx + 1 for dy, dx in NEIGHBOURS]
        self.builder.add(_FILE, "neighbours", direction=self.builder.table("directions", codes).at("direction"))


def _pixels(to: _Writing, stage: Compared, of: Pixels) -> None:
    low, high = to.pixel.low, to.pixel.high
    thermometers = Thermometers(to.builder, "pixel_level", by_quantity(stage.thresholds, low, high), low, high)
    write = thermometers.call(to.pixel.at("i"))
    to.builder.part("pixels", to.builder.loop(stage.thresholds.n, write, thermometers.start()))


def _squares(to: _Writing, stage: Compared, of: Squares) -> None:
    area = of.side * of.side
    low, high = min(to.pixel.low * area, 0), max(to.pixel.high * area, 0)  # squares that are cut off have less
    thermometers = Thermometers(to.builder, "sum", by_quantity(stage.thresholds, low, high), low, high)
    to.builder.add(_FILE, "least")
    values = {"ctype": thermometers.ctype, "side": of.side, "pixel": to.at("place in square")}
    to.part("pool", thermometers, write=thermometers.call("sum"), **values)


def _neighbours(to: _Writing, stage: Compared, of: Neighbours) -> None:
    to.add_neighbours()
    brighter, ctype = to.brighter(of.margin)
    name = to.builder.function(
        "compare_neighbours", _FILE, "compare neighbours", ctype=ctype, brighter=brighter, **to.sizes
    )
    to.builder.call(name, of.reach, of.margin)


def _windows(to: _Writing, stage: Compared, of: Windows) -> None:
    to.builder.add(_FILE, "least")
    to.builder.add(_FILE, "most")
    values = {"pixel": to.at("place in middle"), "other": to.at("place in window"), **to.sizes}
    name = to.builder.function("compare_windows", _FILE, "local", **values)
    (margin,) = np.unique(stage.thresholds.values)
    to.builder.call(name, of.reach, c_number(int(margin), "int32_t"))


def _pairs(to: _Writing, stage: Compared, of: Pairs) -> None:
    builder = to.builder
    first, second = of.drawn.astype(np.int64).T
    apart = second - first  # small, since the two are close
    back = min(int(apart.min()), 0)
    a = builder.expression(_FILE, "place", read=builder.table("pairs", first).at("i"))
    if smallest_type(0, int(apart.max()) - back) < smallest_type(0, int(second.max())):
        read = builder.table("pairs_apart", apart - back).at("i")
        b = builder.expression(_FILE, "place apart", a=a, read=read, back=-back)
    else:
        b = builder.expression(_FILE, "place", read=builder.table("pairs_other", second).at("i"))
    brighter, _ = to.brighter(of.margin)
    put = builder.put(builder.expression(_FILE, "is brighter", brighter=brighter, a=a, b=b, margin=of.margin))
    builder.part("pairs", builder.loop(len(first), put))


def _patches(to: _Writing, stage: Compared, of: Patches) -> None:
    area = of.side * of.side
    used = stage.thresholds.columns  # the others agree equally in all training data, and have no bit
    median = _median(of)
    packed: NDArray[np.uint8] = np.packbits(of.patterns[used], axis=1, bitorder="little")
    rows = [row for row in by_quantity(stage.thresholds, 0, area) if row]
    thermometers = Thermometers(to.builder, "patch", rows, 0, area)
    octet = to.builder.expression(_FILE, "octet of pattern", octets=packed.shape[1])
    to.part(
        "patches",
        thermometers,
        n=len(used),
        count="int16_t" if area < 2**15 else "int32_t",
        side=of.side,
        corner=to.builder.table("patch_corners", of.corners[used]).at("i"),
        pattern=to.builder.table("patch_patterns", packed).at(octet),
        pixel=to.pixel.at("at"),
        median=c_number(int(np.clip(median, to.pixel.low - 1, to.pixel.high)), "int32_t"),
        write=thermometers.call("agreeing"),
    )


def _median(of: Patches) -> float:
    medians = np.unique(np.floor(of.base.thresholds.values))
    if len(medians) != 1:
        raise ExportError("the encoder compares pixels with several medians, which is no result of fit")
    return float(medians[0])


def _cells(to: _Writing, stage: Compared, of: Cells) -> None:
    to.add_neighbours()
    cell, step = of.side, of.step
    n_down, n_right = ((side - cell) // step + 1 for side in (to.height, to.width))
    rows = min(-(-cell // step), n_down)
    most = cell * cell
    thermometers = Thermometers(to.builder, "edges", by_quantity(stage.thresholds, 0, most), 0, most)
    count = smallest_type(0, most)
    n_counts = rows * n_right * to.channels
    to.builder.scratch_bytes = max(to.builder.scratch_bytes, n_counts * size_of(count))
    edges: Any = of.base.quantities
    brighter, _ = to.brighter(edges.margin)
    to.part(
        "hog",
        thermometers,
        write=thermometers.call(to.builder.expression(_FILE, "count of cell"), cast=True),
        cell=cell,
        step=step,
        rows=rows,
        n_down=n_down,
        n_right=n_right,
        n_closed=n_right * to.channels,
        n_counts=n_counts,
        count=count,
        last_y=(n_down - 1) * step + cell - 1,
        margin=edges.margin,
        brighter=brighter,
    )


def _planes(to: _Writing, stage: Compared, of: Planes) -> None:
    builder, n_levels = to.builder, of.n_levels
    thermometers = Thermometers(
        builder, "rank", by_quantity(stage.thresholds, -n_levels, n_levels), -n_levels, n_levels
    )
    most = max(_largest_sum(kernel, to.pixel.low, to.pixel.high) for kernel in KERNELS.values())
    ctype = smallest_type(-most, most, ("int16_t", "int32_t"))
    n_responses = to.height * to.width  # to the small kernels; there are fewer to large ones
    builder.scratch_bytes = max(builder.scratch_bytes, (n_responses + 2 * n_levels) * size_of(ctype))
    weights = np.concatenate([kernel.ravel() for kernel in KERNELS.values()])
    offset = int(-weights.min())
    values: dict[str, object] = {"ctype": ctype, "most": c_number(most, ctype), "levels": n_levels}
    values["nearer"] = builder.function("nearer", _FILE, "nearer", **values)
    values["limit"] = builder.function("limit", _FILE, "limit", **values)
    values["rank"] = builder.function("rank_of", _FILE, "rank", rank=thermometers.ctype, **values)
    builder.add(_FILE, "least")
    builder.add(_FILE, "most")
    to.part(
        "planes",
        thermometers,
        write=thermometers.call(builder.expression(_FILE, "rank of response", **values)),
        responses=n_responses,
        limits=2 * n_levels,
        kernels=len(KERNELS),
        side=builder.table("kernel_sides", [len(kernel) for kernel in KERNELS.values()]).at("kernel"),
        large=LARGE,
        step=of.step,
        weight=builder.table("kernel_weights", weights + offset).at("w"),
        offset=offset,
        pixel=to.at("place in kernel"),
        **values,
    )


def _largest_sum(kernel: NDArray[np.int64], low: int, high: int) -> int:
    """Give what no partial sum of weighted numbers from `low` to `high` exceeds, whatever its sign."""
    above, below = (int(np.abs(kernel[side]).sum()) for side in (kernel > 0, kernel < 0))
    high, low = max(high, 0), max(-low, 0)
    return max(above * high + below * low, above * low + below * high)


def suited(stage: Compared, thresholds: NDArray[np.float64]) -> FeatureType:
    """Tell what images the encoder was fitted on, as far as it remembers.

    It knows whether they were whole numbers, their range but for rounding (from the margin), and thresholds on pixels.
    """
    quantities: Any = stage.quantities
    if quantities.image.levels is not None:
        return TYPES["float"]
    small = TYPES["uint8"]
    beyond = len(thresholds) > 0 and bool(thresholds.min() < small.low or thresholds.max() >= small.high)
    return TYPES["int16"] if quantities.image.wide or beyond else small


def _no_thresholds(stage: Compared) -> NDArray[np.float64]:
    return np.zeros(0)


def _of_pixels(stage: Compared) -> NDArray[np.float64]:
    return stage.thresholds.values


def _of_medians(stage: Compared) -> NDArray[np.float64]:
    quantities: Any = stage.quantities
    medians: NDArray[np.float64] = np.floor(quantities.base.thresholds.values)
    return medians


def _writer(
    write: Callable[[_Writing, Compared, Any], None],
    on_pixels: Callable[[Compared], NDArray[np.float64]] = _no_thresholds,
) -> Writer:
    """Give the writer of quantities; `on_pixels` gives thresholds that pixels themselves were compared with."""

    def add(builder: Builder, stage: Compared) -> None:
        quantities: Any = stage.quantities
        write(_Writing(builder, quantities.image), stage, quantities)

    return Writer(each(add), lambda stage: suited(stage, on_pixels(stage)), knows=True)


WRITERS: dict[type, Writer] = {
    Pixels: _writer(_pixels, _of_pixels),
    Squares: _writer(_squares),
    Neighbours: _writer(_neighbours),
    Windows: _writer(_windows),
    Pairs: _writer(_pairs),
    Patches: _writer(_patches, _of_medians),
    Cells: _writer(_cells),
    Planes: _writer(_planes),
}
