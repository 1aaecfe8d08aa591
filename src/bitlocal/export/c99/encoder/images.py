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
from bitlocal.export.c99.numbers import c_number, indented, smallest_type
from bitlocal.export.errors import ExportError

_LEAST = """\
static ptrdiff_t ${p}_least(ptrdiff_t a, ptrdiff_t b)
{
    return (a < b) ? a : b;
}
"""

_MOST = """\
static ptrdiff_t ${p}_most(ptrdiff_t a, ptrdiff_t b)
{
    return (a > b) ? a : b;
}
"""

_NEIGHBOUR = """\
/* Where the 8 neighbours of a pixel are: right, then clockwise. */
static ptrdiff_t ${p}_down(size_t direction)
{
    return (ptrdiff_t)(${direction} / 4u) - 1;
}

static ptrdiff_t ${p}_right(size_t direction)
{
    return (ptrdiff_t)(${direction} % 4u) - 1;
}
"""

_BRIGHTER = """\
static int ${name}(const ${feature_t} *features, ptrdiff_t a, ptrdiff_t b, ${ctype} margin)
{
    return ((${ctype})${a} - (${ctype})${b}) > margin;
}
"""

_COMPARE_NEIGHBOURS = """\
/* Whether each pixel is brighter than its neighbours, all pixels for one neighbour after the other. */
static void ${name}(const ${feature_t} *features, ${p}_writer_t *out, ptrdiff_t reach,
    ${ctype} margin)
{
    ptrdiff_t far;
    size_t direction;
    for (far = 1; far <= reach; far++) {
        for (direction = 0u; direction < 8u; direction++) {
            const ptrdiff_t dy = far * ${p}_down(direction);
            const ptrdiff_t dx = far * ${p}_right(direction);
            const ptrdiff_t y_end = ${p}_least(${height}, ${height} - dy);
            const ptrdiff_t x_end = ${p}_least(${width}, ${width} - dx) * ${channels};
            ptrdiff_t y;
            for (y = ${p}_most(0, -dy); y < y_end; y++) {
                ptrdiff_t x;
                for (x = ${p}_most(0, -dx) * ${channels}; x < x_end; x++) {
                    const ptrdiff_t a = (y * ${row}) + x;
                    ${p}_put(out, ${brighter}(features, a, a + (dy * ${row}) + (dx * ${channels}), margin));
                }
            }
        }
    }
}
"""

_HOG = """\
/* Edges are found once, and counted in all cells that hold them: ${rows} rows of cells are open at a time. */
${count} counts[${n_counts}];
size_t direction;
${start}memset(counts, 0, sizeof counts);
for (direction = 0u; direction < 8u; direction++) {
    const ptrdiff_t dy = ${p}_down(direction);
    const ptrdiff_t dx = ${p}_right(direction) * ${channels};
    const ptrdiff_t x_end = ${p}_least(${row}, ${row} - dx);
    ptrdiff_t y;
    for (y = 0; y <= ${last_y}; y++) {
        const ptrdiff_t last = ${p}_least(y / ${step}, ${n_down} - 1);
        ptrdiff_t x = ((y + dy) < 0 || (y + dy) >= ${height}) ? x_end : ${p}_most(0, -dx);
        size_t i;
        for (; x < x_end; x++) {
            const ptrdiff_t a = (y * ${row}) + x;
            if (${brighter}(features, a, a + (dy * ${row}) + dx, ${margin})) {
                const ptrdiff_t column = x / ${channels};
                const ptrdiff_t right = ${p}_least(column / ${step}, ${n_right} - 1);
                ptrdiff_t down = (y < ${cell}) ? 0 : (((y - ${cell}) / ${step}) + 1);
                for (; down <= last; down++) {
                    ptrdiff_t k = (column < ${cell}) ? 0 : (((column - ${cell}) / ${step}) + 1);
                    for (; k <= right; k++) {
                        counts[((((down % ${rows}) * ${n_right}) + k) * ${channels}) + (x % ${channels})]++;
                    }
                }
            }
        }
        if ((y >= (${cell} - 1)) && (((y - (${cell} - 1)) % ${step}) == 0)) {
            ${count} *const closed = &counts[(((y - (${cell} - 1)) / ${step}) % ${rows}) * ${n_closed}];
            for (i = 0u; i < ${n_closed}u; i++) {
                ${write}
                closed[i] = 0u;
            }
        }
    }
}
"""

_LOCAL = """\
/* Whether each pixel is brighter than the mean of a window around it. */
static void ${name}(const ${feature_t} *features, ${p}_writer_t *out, ptrdiff_t reach, int32_t margin)
{
    const int32_t area = (int32_t)(((2 * reach) + 1) * ((2 * reach) + 1));
    ptrdiff_t y;
    for (y = 0; y < ${height}; y++) {
        ptrdiff_t x;
        for (x = 0; x < ${row}; x++) {
            int32_t above = area * (int32_t)${pixel};
            ptrdiff_t dy;
            for (dy = -reach; dy <= reach; dy++) {
                const ptrdiff_t v = ${p}_least(${p}_most(y + dy, 0), ${height} - 1) * ${row};
                ptrdiff_t dx;
                for (dx = -reach; dx <= reach; dx++) {
                    const ptrdiff_t u = ${p}_least(${p}_most((x / ${channels}) + dx, 0), ${width} - 1);
                    above -= (int32_t)${other};
                }
            }
            ${p}_put(out, above > margin);
        }
    }
}
"""

_POOL = """\
ptrdiff_t y;
${start}for (y = 0; y < ${height}; y += ${side}) {
    const ptrdiff_t y_end = ${p}_least(y + ${side}, ${height});
    ptrdiff_t x;
    for (x = 0; x < ${width}; x += ${side}) {
        const ptrdiff_t x_end = ${p}_least(x + ${side}, ${width});
        ptrdiff_t c;
        for (c = 0; c < ${channels}; c++) {
            ${ctype} sum = 0;
            ptrdiff_t v;
            for (v = y; v < y_end; v++) {
                ptrdiff_t u;
                for (u = x; u < x_end; u++) {
                    sum = (${ctype})(sum + (${ctype})${pixel});
                }
            }
            ${write}
        }
    }
}
"""

_PATCHES = """\
const int32_t median = ${median};
size_t i;
for (i = 0u; i < ${n}u; i++) {
    ${count} agreeing = 0;
    size_t k = 0u;
    size_t y;
    for (y = 0u; y < ${side}u; y++) {
        size_t x;
        for (x = 0u; x < ${side}u; x++) {
            const size_t at = (size_t)${corner} + (y * ${row}u) + (x * ${channels}u);
            const int wanted = (int)(((size_t)${pattern} >> (k % 8u)) & 1u);
            if (((int32_t)${pixel} > median) == wanted) {
                agreeing++;
            }
            k++;
        }
    }
    ${write}
}
"""


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
        self._read, self._low, self._high = add_whole(builder, "pixel", levels, "images")
        margin = encoder._margin
        small = max(self._high - self._low, margin) < 2**15
        self._ctype = "int16_t" if small else "int32_t"
        self._sizes = {
            "height": self._height,
            "width": self._width,
            "channels": self._channels,
            "row": self._width * self._channels,
            "ctype": self._ctype,
        }

    def _pixel(self, index: str) -> str:
        return self._read.format(index)

    def _rows(self, part: Any, low: int, high: int) -> list[list[int]]:
        """Thresholds of each quantity of a part; those beyond its limits moved there."""
        thresholds = part.thresholds
        values = np.clip(np.floor(thresholds.thresholds_), low - 1, high).astype(np.int64)
        return by_column(thresholds.columns_, values, part.n_codes)

    def thermometer(self, part: Any, n: int) -> None:
        thermometers = Thermometers(
            self._builder, "pixel_level", self._rows(part, self._low, self._high), self._low, self._high
        )
        write = thermometers.call(self._pixel("i"))
        self._builder.part(
            "pixels",
            indented(f"size_t i;\n{thermometers.start()}for (i = 0u; i < {part.n_codes}u; i++) {{\n    {write}\n}}\n"),
        )

    def pool(self, part: Any, n: int, side: int = 2) -> None:
        area = side * side
        low, high = min(self._low * area, 0), max(self._high * area, 0)  # squares that are cut off have less
        thermometers = Thermometers(self._builder, "sum", self._rows(part, low, high), low, high)
        pixel = self._pixel(f"(size_t)((v * {self._sizes['row']}) + (u * {self._channels}) + c)")
        values = {**self._sizes, "ctype": thermometers.ctype, "side": side, "pixel": pixel}
        self._builder.add(_LEAST)
        body = self._builder.text(_POOL, start=thermometers.start(), write=thermometers.call("sum"), **values)
        self._builder.part("pool", indented(body))

    def _brighter(self) -> str:
        a, b = self._pixel("(size_t)a"), self._pixel("(size_t)b")
        return self._builder.function("brighter", _BRIGHTER, ctype=self._ctype, a=a, b=b)

    def _add_neighbours(self) -> None:
        self._builder.add(_LEAST)
        self._builder.add(_MOST)
        codes = [(dy + 1) * 4 + dx + 1 for dy, dx in _NEIGHBOURS]
        self._builder.add(_NEIGHBOUR, direction=self._builder.table("directions", codes).at("direction"))

    def gradient(self, part: Any, n: int) -> None:
        self._compare_neighbours(n // 8, self._encoder._margin)

    def census(self, part: Any, n: int) -> None:
        self._compare_neighbours(n // 8, 0)

    def _compare_neighbours(self, reach: int, margin: int) -> None:
        self._add_neighbours()
        name = self._builder.function(
            "compare_neighbours", _COMPARE_NEIGHBOURS, **self._sizes, brighter=self._brighter()
        )
        self._builder.calls.append(f"{name}(features, &out, {reach}, {margin});")

    def local(self, part: Any, n: int) -> None:
        self._builder.add(_LEAST)
        self._builder.add(_MOST)
        x, other = self._pixel(f"(size_t)((y * {self._sizes['row']}) + x)"), "(size_t)(v + (u * {0}) + (x % {0}))"
        other = self._pixel(other.format(self._channels))
        name = self._builder.function("compare_windows", _LOCAL, pixel=x, other=other, **self._sizes)
        for reach in range(1, n + 1):
            margin = c_number((2 * reach + 1) ** 2 * self._encoder._margin, "int32_t")
            self._builder.calls.append(f"{name}(features, &out, {reach}, {margin});")

    def pairs(self, part: Any, n: int) -> None:
        first, second = part._first.astype(np.int64), part._second.astype(np.int64)
        apart = second - first  # small, since the two are close
        back = min(int(apart.min()), 0)
        a = f"(ptrdiff_t){self._builder.table('pairs', first).at('i')}"
        if smallest_type(0, int(apart.max()) - back) < smallest_type(0, int(second.max())):
            b = f"{a} + (ptrdiff_t){self._builder.table('pairs_apart', apart - back).at('i')} - {-back}"
        else:
            b = f"(ptrdiff_t){self._builder.table('pairs_other', second).at('i')}"
        put = self._builder.put(f"{self._brighter()}(features, {a}, {b}, {self._encoder._margin})")
        body = f"size_t i;\nfor (i = 0u; i < {n}u; i++) {{\n    {put}\n}}\n"
        self._builder.part("pairs", indented(body))

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
        median = int(np.clip(medians[0], self._low - 1, self._high))
        self._builder.part(
            "patches",
            indented(
                thermometers.start()
                + self._builder.text(
                    _PATCHES,
                    n=len(used),
                    count=_count_type(side * side),
                    side=side,
                    corner=self._builder.table("patch_corners", corners[used]).at("i"),
                    pattern=self._builder.table("patch_patterns", packed).at(f"(i * {packed.shape[1]}u) + (k / 8u)"),
                    pixel=self._pixel("at"),
                    median=c_number(median, "int32_t"),
                    write=thermometers.call("agreeing"),
                    row=self._sizes["row"],
                    channels=self._channels,
                )
            ),
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
        self._builder.scratch_bytes = max(self._builder.scratch_bytes, n_counts * int(count[4:-2]) // 8)
        body = self._builder.text(
            _HOG,
            **self._sizes,
            start=thermometers.start(),
            write=thermometers.call(f"({thermometers.ctype})closed[i]"),
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
        self._builder.part("hog", indented(body))


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
