"""Words of a code book: patches of images are described, the nearest words found, and counted cell by cell.

A patch is in one cell, so it is described once, and memory is needed for one patch and for the counts of one cell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bitlocal.encoders.images.words import SeenWords
from bitlocal.encoders.program import Compared
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.columns import by_quantity
from bitlocal.export.c99.encoder.images import suited
from bitlocal.export.c99.encoder.thermometers import Thermometers
from bitlocal.export.c99.encoder.whole import Whole, add_whole
from bitlocal.export.c99.encoder.writer import Writer, each
from bitlocal.export.c99.numbers import c_number, size_of, smallest_type
from bitlocal.export.c99.planes import from_words, to_words

_FILE = "words.c"
_MAY_BE_NEGATIVE = ("uint8_t", "int16_t", "int32_t")


def _add_words(builder: Builder, stage: Compared) -> None:
    """Add functions that gather a patch, describe it and count its words, and a loop over all cells."""
    of = stage.quantities
    assert isinstance(of, SeenWords)
    height, width, _ = of.image.shape
    rows, columns = height - of.side + 1, width - of.side + 1
    most = -(-rows // of.grid) * -(-columns // of.grid)
    count = smallest_type(0, most)
    thermometers = Thermometers(builder, "count", by_quantity(stage.thresholds, 0, most), 0, most)
    words = to_words(_reordered(of))
    read = builder.table("words", words).at(
        builder.expression(_FILE, "place of word", width=words.shape[1]),
    )
    index = smallest_type(0, len(words) - 1)
    sizes = {"words": len(words), "width": words.shape[1], "nearest": of.n_nearest, "count": count}
    seen = builder.function("count_words", _FILE, "count", word=read, index=index, last=of.n_nearest - 1, **sizes)
    describe, patch_bytes = _add_description(builder, of)
    body = builder.text(
        _FILE,
        "words",
        first=builder.function("first_place", _FILE, "first", grid=of.grid, last=of.grid - 1),
        describe=describe,
        seen=seen,
        start=thermometers.start(),
        write=thermometers.call(builder.expression(_FILE, "count of word"), cast=True),
        grid=of.grid,
        rows=rows,
        columns=columns,
        channels=of.image.shape[2],
        width_of_image=width,
        **sizes,
    )
    builder.part("words", body)
    nearest_bytes = of.n_nearest * (size_of(index) + size_of("uint16_t"))
    needed = len(words) * size_of(count) + words.shape[1] * size_of("uint32_t") + max(patch_bytes, nearest_bytes)
    builder.scratch_bytes = max(builder.scratch_bytes, needed)


def _add_description(builder: Builder, of: SeenWords) -> tuple[str, int]:
    """Add the function that describes a patch; its name, and the memory that pixels take."""
    _, width, channels = of.image.shape
    pixel = add_whole(builder, "pixel", None if of.image.levels is None else of.image.levels[np.newaxis], "images")
    low, high = pixel.low, pixel.high
    if channels > 1:  # differences of colours
        low, high = min(low, low - high), max(high, high - low)
    value = smallest_type(low, high, _MAY_BE_NEGATIVE)
    sizes = {"side": of.side, "area": of.side**2, "value": value}
    for piece in ("floor", "below", "filler"):
        builder.add(_FILE, piece)
    gather = builder.function(
        "gather",
        _FILE,
        "gather",
        pixel=_pixel_of_plane(builder, pixel, channels),
        plane=builder.expression(_FILE, "of plane") if channels > 1 else "",
        low=c_number(low, "int32_t"),
        high=c_number(high, "int32_t"),
        row=width * channels,
        channels=channels,
        **sizes,
    )
    more = {"gather": gather, "margin": of.margin, **sizes}
    name = builder.function(
        "describe",
        _FILE,
        "describe",
        first=builder.expression(_FILE, "brightness") if channels > 1 else "",
        mean="int32_t" if channels > 1 else "const int32_t",
        flat=of.flat,
        edge=of.edge,
        colours=builder.text(_FILE, "describe colours", **more) if channels > 1 else "",
        **more,
    )
    return name, of.side**2 * size_of(value)


def _pixel_of_plane(builder: Builder, pixel: Whole, channels: int) -> str:
    """Write the reading of a pixel, or of one of the numbers that are made of its colours."""
    if channels == 1:
        return pixel.at(builder.expression(_FILE, "place"))
    red, green, blue = (pixel.at(builder.expression(_FILE, "channel", c=c)) for c in range(3))
    name = builder.function("colours", _FILE, "colours", red=red, green=green, blue=blue)
    return builder.expression(_FILE, "colour", name=name)


def _reordered(of: SeenWords) -> NDArray[np.bool_]:
    """Give the bits of the words in the order in which the code describes patches: what differs is the same.

    In Python, each kind of comparison goes through all pixels; here each pixel goes through all kinds.
    """
    side, area, channels = of.side, of.side**2, of.image.shape[2]
    order, right = [], side * (side - 1)  # comparisons with a neighbour, to the right or below
    for k in range(area):
        y, x = divmod(k, side)
        order += [k, area + k, 2 * area + k]
        if x + 1 < side:
            order += [3 * area + kind * right + y * (side - 1) + x for kind in range(2)]
        if y + 1 < side:
            order += [3 * area + (2 + kind) * right + k for kind in range(2)]
    brightness = len(order)
    for plane in range(channels - 1):
        order += [brightness + (2 * plane + kind) * area + k for k in range(area) for kind in range(2)]
    return from_words(of.book.astype("<u8").view("<u4"), len(order))[:, order]


WRITERS: dict[type, Writer] = {
    SeenWords: Writer(each(_add_words), lambda stage: suited(stage, np.zeros(0)), knows=True),
}
