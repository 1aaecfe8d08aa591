"""Images to bits."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_array, check_is_fitted

from bitlocal import _core
from bitlocal.bits import words_for
from bitlocal.encoders.base import Arrays, Encoder, Words, require, require_whole
from bitlocal.encoders.maps import Counts, Sums, as_int16
from bitlocal.encoders.thresholds import MedianBinarizer, ThermometerEncoder, ThresholdEncoder

_NEIGHBOURS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))  # right, then clockwise
_ROWS_AT_A_TIME = 4096
_VALUES_AT_A_TIME = 1 << 19  # integers between sample and bits: they stay in the cache
_VALUES_TO_LEARN_FROM = 1 << 24
_LEVELS = 256  # to which floating-point images are quantised
_MOST_TERMS = 1 << 24  # of all quantities of a part: more would not fit into memory, and a model file could ask for it
_RANDOM_PURPOSE = 7  # of the random stream, see docs/algorithm.md


class _Fixed(ThresholdEncoder):
    """The same threshold, known beforehand, for each of some quantities."""

    def __init__(self, n: int, threshold: int) -> None:
        self.columns_ = np.arange(n)
        self.thresholds_ = np.full(n, float(threshold))
        self.missing_ = np.zeros(n, dtype=np.bool_)


@dataclass
class _Part:
    """Quantities of an image and the thresholds that make bits of them.

    The quantities are `values` of the pixels, or of the packed bits of `base`; None stands for the pixels themselves.
    """

    thresholds: ThresholdEncoder
    values: Sums | Counts | None
    names: list[str]
    n_codes: int
    base: _Part | None = None

    def __call__(self, pixels: NDArray[Any]) -> NDArray[Any]:
        if self.base is not None:
            rows = np.zeros((len(pixels), words_for(self.base.thresholds.n_bits_)), dtype=np.uint64)
            self.base.write(pixels, rows, 0)
            pixels = rows
        return pixels if self.values is None else self.values(pixels)

    def write(self, pixels: NDArray[Any], words: Words, first_bit: int) -> None:
        """Write the bits of samples."""
        self.thresholds._write(self(pixels), words, first_bit)

    def fit(self, pixels: NDArray[Any]) -> None:
        if self.base is not None:
            self.base.fit(pixels)
        if not isinstance(self.thresholds, _Fixed):
            values = pixels
            if self.values is not None:  # which have to be worked out: fewer samples will do
                some = np.ascontiguousarray(pixels[:: len(pixels) * self.n_codes // _VALUES_TO_LEARN_FROM + 1])
                values = np.concatenate([self(some[rows]) for rows in self.pieces(some)])
            self.thresholds._fit(values, None)

    def pieces(self, pixels: NDArray[Any]) -> Iterator[slice]:
        """Cut samples so that the integers between them and their bits stay in the cache."""
        widest = max(pixels.shape[1], self.n_codes, 0 if self.base is None else self.base.n_codes)
        step = max(_VALUES_AT_A_TIME // widest, 1)
        return (slice(first, first + step) for first in range(0, len(pixels), step))


class _Comparison(_Part):
    """Pairs of pixels, each a bit: whether the first is brighter than the second by more than a margin."""

    def __init__(self, pairs: NDArray[np.int64], margin: int, names: list[str]) -> None:
        super().__init__(_Fixed(len(pairs), margin), None, names, len(pairs))
        self._margin = margin
        self._first, self._second = (np.ascontiguousarray(column, dtype=np.uint32) for column in pairs.T)

    def write(self, pixels: NDArray[Any], words: Words, first_bit: int) -> None:
        _core.encode_differences(pixels, self._first, self._second, self._margin, words, first_bit)


class ImageEncoder(Encoder):
    """Images to bits that tell more than single pixels do: edges, textures, their counts in cells.

    Parameters
    ----------
    parts : str, default="thermometer4+hog4"
        What to encode, joined by "+":

        ========================  ==================================================================================
        thermometerN              N bits a pixel: whether it lies above quantiles of the training data
        poolN                     N bits for each square of 2 x 2 pixels: whether their sum lies above quantiles of
                                  the training data; poolN/S for squares of side S. Those that the image's end cuts
                                  off are smaller. Few bits, for small devices: "pool1/4" makes 49 of 28 x 28 pixels
        gradientN                 N bits a pixel (a multiple of 8): whether it is brighter by `margin` than each of its
                                  8 neighbours, then than each of the 8 pixels 2 away, and so on
        censusN                   the same without the margin: local binary patterns
        localN                    N bits a pixel: whether it is brighter by `margin` than the mean of the window of
                                  side 3, 5, 7, ... around it
        pairsN                    N bits in all: whether a random pixel is brighter by `margin` than another one at
                                  most `radius` away
        patchesN                  N bits in all: whether a square of side 2 `radius` + 1 somewhere in the image, each
                                  pixel binarised at the median of all, agrees with a random pattern more than usual
        hogN                      N bits for each of 8 orientations in each cell: how many pixels of the cell are
                                  brighter by `margin` than their neighbour there (histograms of oriented gradients)
        ========================  ==================================================================================

    shape : tuple of int or None, default=None
        (height, width) or (height, width, channels) of an image. None: that of the images in `fit`, or square if these
        come flattened, with 3 channels if that fits only so.
    margin : float, default=0.0625
        What counts as brighter, as a share of the range of the training data. From 0 to 1.
    cell_size : int or None, default=None
        Side of the cells of "hog", which overlap by half. None: 5/28 of the shorter side of the image.
    radius : int, default=3
        Reach of "pairs" and "patches".
    random_state : int, default=0
        Seed of "pairs" and "patches", from 0 to 2**64 - 1.

    Attributes
    ----------
    shape_ : tuple of int
        Height, width and channels.
    levels_ : ndarray of float64, or None
        Thresholds that turn floating-point images into 256 levels. None where images of whole numbers are taken as they
        are, which they are if those in `fit` fit into 16 bits.
    n_bits_ : int
        Bits of an encoded image.
    n_features_in_ : int
        Pixels times channels.

    Notes
    -----
    Everything but the choice of thresholds is done in integers, by addition, comparison and popcount, also for
    floating-point images: comparisons make whole numbers of these first.

    References
    ----------
    N. Dalal, B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005. T. Ojala, M. Pietikäinen,
    T. Mäenpää, "Multiresolution gray-scale and rotation invariant texture classification with local binary patterns",
    IEEE TPAMI 24, 2002.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from bitlocal import ImageEncoder
    >>> images = load_digits().images
    >>> encoder = ImageEncoder("thermometer2+gradient8").fit(images)
    >>> encoder.transform(images).shape
    (1797, 539)
    >>> encoder.get_feature_names_out()[-1]
    'pixel(7,6)-pixel(6,7)>1'
    """

    takes_raw_samples = True
    shape_: tuple[int, int, int]
    levels_: NDArray[np.float64] | None

    def __init__(
        self,
        parts: str = "thermometer4+hog4",
        *,
        shape: tuple[int, ...] | None = None,
        margin: float = 0.0625,
        cell_size: int | None = None,
        radius: int = 3,
        random_state: int = 0,
    ) -> None:
        self.parts = parts
        self.shape = shape
        self.margin = margin
        self.cell_size = cell_size
        self.radius = radius
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> ImageEncoder:
        """Find the range of the pixels, and the thresholds.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width), (n_samples, height, width, channels) or (n_samples, pixels)
            Images of finite numbers; at least two.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is not valid or does not suit the images, or the images are no finite numbers.
        """
        images = self._images(X, at_least=2)
        self.shape_ = self._find_shape(images.shape[1:])
        self.n_features_in_ = math.prod(self.shape_)
        flat = images.reshape(len(images), -1)
        low, high = flat.min().item(), flat.max().item()
        whole = flat.dtype.kind in "bui" or bool((flat == np.floor(flat)).all())
        self.levels_ = None
        if not whole or low < -(2**15) or high >= 2**15:
            weights = np.arange(1, _LEVELS) / _LEVELS
            self.levels_ = low * (1 - weights) + high * weights
            low, high = 0, _LEVELS - 1
        require(0 <= self.margin <= 1, f"margin={self.margin!r}: expected a number from 0 to 1")
        self._margin = int(float(self.margin) * (int(high) - int(low)))
        self._parts = self._make_parts()
        pixels = self._whole(flat)
        for part in self._parts:
            part.fit(pixels)
        return self

    # Parts ---------------------------------------------------------------------------------------------------------

    def _make_parts(self) -> list[_Part]:
        self._limit(math.prod(self.shape_))
        return [part for name, numbers in self._read_parts() for part in _MAKERS[name](self, *numbers)]

    def _read_parts(self) -> list[tuple[str, list[int]]]:
        """Read the names of the parts, and the number behind each, or two numbers."""
        found = []
        for text in str(self.parts).split("+"):
            match = re.fullmatch(r"([a-z]+)([1-9]\d{0,5})(?:/([1-9]\d{0,3}))?", text)
            if match is None or match[1] not in _MAKERS or (match[3] and match[1] != "pool"):
                expected = ", ".join(f"{name}N" for name in _MAKERS)
                raise ValueError(f"parts={self.parts!r}: {text!r} is unknown; use {expected} or poolN/S, joined by '+'")
            found.append((match[1], [int(number) for number in match.groups()[1:] if number]))
        return found

    def _pixels(self, y: NDArray[Any], x: NDArray[Any]) -> NDArray[np.int64]:
        """Places of pixels among the features, all channels of each after the other, as a flat array."""
        _, width, channels = self.shape_
        places: NDArray[np.int64] = ((y * width + x)[..., np.newaxis] * channels + np.arange(channels)).ravel()
        return places

    def _name(self, pixel: int) -> str:
        _, width, channels = self.shape_
        y, x, c = pixel // channels // width, pixel // channels % width, pixel % channels
        return f"pixel({y},{x},{c})" if channels > 1 else f"pixel({y},{x})"

    def _thermometer(self, n: int) -> list[_Part]:
        names = [self._name(p) for p in range(self.n_features_in_)]
        return [_Part(ThermometerEncoder(n), None, names, len(names))]

    def _pool(self, n: int, side: int = 2) -> list[_Part]:
        height, width, channels = self.shape_
        require(side <= min(height, width), f"parts={self.parts!r}: squares of side {side} are larger than the images")
        require(side < 256, f"parts={self.parts!r}: expected squares of a side below 256")  # sums fit into 32 bits
        top, left = np.mgrid[:height:side, :width:side]
        self._limit(top.size * channels * side * side)
        names = [
            f"sum({y}:{min(y + side, height)},{x}:{min(x + side, width)}" + f",{c}" * (channels > 1) + ")"
            for y, x in zip(top.ravel().tolist(), left.ravel().tolist(), strict=True)
            for c in range(channels)
        ]
        terms = [(top + dy, left + dx) for dy in range(side) for dx in range(side)]
        columns = [self._pixels(np.minimum(y, height - 1), np.minimum(x, width - 1)) for y, x in terms]
        inside = [np.repeat((y < height) & (x < width), channels) for y, x in terms]
        sums = Sums(np.stack(columns, axis=1), np.stack(inside, axis=1).astype(np.int16))
        return [_Part(ThermometerEncoder(n), sums, names, len(names))]

    def _differences(self, offsets: list[tuple[int, int]], margin: int) -> _Part:
        """Compare each pixel with those at some offsets, where they are in the image too."""
        self._limit(2 * len(offsets) * math.prod(self.shape_))
        pairs = []
        for dy, dx in offsets:
            y, x = np.nonzero(self._has_neighbour(dy, dx))
            pairs.append(np.stack([self._pixels(y, x), self._pixels(y + dy, x + dx)], axis=1))
        return self._compared(np.concatenate(pairs), margin)

    def _has_neighbour(self, dy: int, dx: int) -> NDArray[np.bool_]:
        """Tell of each pixel whether that so far away is in the image, too."""
        height, width, _ = self.shape_
        y, x = np.mgrid[:height, :width]
        inside: NDArray[np.bool_] = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
        return inside

    def _compared(self, pairs: NDArray[np.int64], margin: int) -> _Part:
        require(len(pairs), f"parts={self.parts!r}: images of shape {self.shape_} are too small")
        return _Comparison(pairs, margin, [f"{self._name(a)}-{self._name(b)}" for a, b in pairs.tolist()])

    def _gradient(self, n: int) -> list[_Part]:
        return [self._differences(self._offsets("gradient", n), self._margin)]

    def _census(self, n: int) -> list[_Part]:
        return [self._differences(self._offsets("census", n), 0)]

    def _offsets(self, name: str, n: int) -> list[tuple[int, int]]:
        require(n % 8 == 0, f"parts={self.parts!r}: {name}{n} is not a multiple of 8; use {name}8 or {name}16")
        return [(dy * far, dx * far) for far in range(1, n // 8 + 1) for dy, dx in _NEIGHBOURS]

    def _local(self, n: int) -> list[_Part]:
        height, width, _ = self.shape_
        require(2 * n < min(height, width), f"parts={self.parts!r}: local{n} is too large for images of {self.shape_}")
        self._limit(sum((2 * r + 1) ** 2 for r in range(1, n + 1)) * math.prod(self.shape_))
        y, x = np.mgrid[:height, :width]
        parts = []
        for r in range(1, n + 1):
            area = (2 * r + 1) ** 2
            window = [
                self._pixels(np.clip(y + dy, 0, height - 1), np.clip(x + dx, 0, width - 1))
                for dy in range(-r, r + 1)
                for dx in range(-r, r + 1)
            ]
            columns = np.stack([self._pixels(y, x), *window], axis=1)
            weights = np.array([area, *[-1] * area])
            names = [f"{area}*{self._name(p)}-window" for p in columns[:, 0].tolist()]
            parts.append(_Part(_Fixed(len(names), area * self._margin), Sums(columns, weights), names, len(names)))
        return parts

    def _limit(self, n_terms: int) -> None:
        require(n_terms <= _MOST_TERMS, f"parts={self.parts!r}: too much to compute for images of shape {self.shape_}")

    def _random(self, n: int, choice: int) -> NDArray[np.uint64]:
        """Random numbers for a part; `choice` tells what for."""
        return _core.random_words(int(self.random_state), _RANDOM_PURPOSE, choice, 0, 0, n)

    def _pairs(self, n: int) -> list[_Part]:
        height, width, channels = self.shape_
        require_whole("radius", self.radius)
        require(height * width > 1, f"parts={self.parts!r}: images of shape {self.shape_} are too small")
        reach = 2 * int(self.radius) + 1
        draws = self._random(5 * n, 0).reshape(5, n)
        y, x, c = ((draws[i] % np.uint64(side)).astype(np.int64) for i, side in enumerate((height, width, channels)))
        dy, dx = ((draws[3 + i] % np.uint64(reach)).astype(np.int64) - int(self.radius) for i in range(2))
        other_y, other_x = np.clip(y + dy, 0, height - 1), np.clip(x + dx, 0, width - 1)
        same = (other_y == y) & (other_x == x)  # compare with a neighbour instead
        other_x = np.where(same & (width > 1), np.where(x + 1 < width, x + 1, x - 1), other_x)
        other_y = np.where(same & (width == 1), np.where(y + 1 < height, y + 1, y - 1), other_y)
        first, second = ((row * width + column) * channels + c for row, column in ((y, x), (other_y, other_x)))
        return [self._compared(np.stack([first, second], axis=1), self._margin)]

    def _patches(self, n: int) -> list[_Part]:
        height, width, channels = self.shape_
        require_whole("radius", self.radius)
        side = 2 * int(self.radius) + 1
        require(side <= min(height, width), f"radius={self.radius!r} is too large for images of shape {self.shape_}")
        self._limit(n * side * side)
        corners, pattern = self._draw_patches(n)
        dy, dx = (d.ravel() for d in np.mgrid[:side, :side])
        places = corners[:, np.newaxis] + (dy * width + dx) * channels
        names = [f"patch {i} at {self._name(int(corners[i]))}" for i in range(n)]
        base = _Part(MedianBinarizer(), None, [], self.n_features_in_)
        return [_Part(ThermometerEncoder(1), Counts(list(places), list(~pattern)), names, n, base)]

    def _draw_patches(self, n: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Choose squares, told by the place of their first pixel, and a pattern for the pixels of each."""
        height, width, channels = self.shape_
        side = 2 * int(self.radius) + 1
        draws = self._random(3 * n, 1).reshape(3, n)
        sides = (height - side + 1, width - side + 1, channels)
        y, x, c = ((draws[i] % np.uint64(s)).astype(np.int64) for i, s in enumerate(sides))
        words = -(-side * side // 64)
        octets = self._random(n * words, 2).reshape(n, words).astype("<u8").view(np.uint8)
        pattern: NDArray[Any] = np.unpackbits(octets, axis=1, count=side * side, bitorder="little")
        return (y * width + x) * channels + c, pattern.view(np.bool_)

    def _hog(self, n: int) -> list[_Part]:
        height, width, channels = self.shape_
        if self.cell_size is not None:
            require_whole("cell_size", self.cell_size)
        cell = self._cell()
        require(cell <= min(height, width), f"cell_size={cell} is too large for images of shape {self.shape_}")
        gradients = self._differences(list(_NEIGHBOURS), self._margin)
        # Where the bit of a direction and a pixel is; -1 for those whose neighbour is outside.
        place = np.full((8, height, width, channels), -1)
        first = 0
        for d, (dy, dx) in enumerate(_NEIGHBOURS):
            inside = self._has_neighbour(dy, dx)
            count = int(inside.sum()) * channels
            place[d][inside] = np.arange(first, first + count).reshape(-1, channels)
            first += count
        places, names = [], []
        step = max(cell // 2, 1)
        for d, (dy, dx) in enumerate(_NEIGHBOURS):
            for y0 in range(0, height - cell + 1, step):
                for x0 in range(0, width - cell + 1, step):
                    for c in range(channels):
                        bits = place[d, y0 : y0 + cell, x0 : x0 + cell, c].ravel()
                        places.append(bits[bits >= 0])
                        channel = f",{c}" * (channels > 1)
                        names.append(f"edges({y0},{x0}{channel};{dy:+d},{dx:+d})")
        return [_Part(ThermometerEncoder(n), Counts(places), names, len(names), gradients)]

    def _cell(self) -> int:
        """Side of a cell."""
        return max(round(min(self.shape_[:2]) * 5 / 28), 2) if self.cell_size is None else int(self.cell_size)

    # Samples -------------------------------------------------------------------------------------------------------

    def _images(self, X: ArrayLike, at_least: int = 1) -> NDArray[Any]:
        images: NDArray[Any] = check_array(
            X, dtype="numeric", allow_nd=True, ensure_min_samples=at_least, input_name="X", estimator=self
        )
        if images.ndim > 4:
            raise ValueError(
                f"expected images of shape (height, width) or (height, width, channels), got {images.shape[1:]}"
            )
        return images

    def _find_shape(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Give height, width and channels of images that came in this shape."""
        told = self.shape
        if told is None:
            side, in_colour = math.isqrt(shape[0]), math.isqrt(shape[0] // 3)
            if len(shape) > 1:
                told = shape
            elif side * side == shape[0]:
                told = (side, side)
            elif in_colour * in_colour * 3 == shape[0]:
                told = (in_colour, in_colour, 3)
            else:
                raise ValueError(
                    f"{shape[0]} numbers are no square image: give its shape, as in ImageEncoder(shape=(height, width))"
                )
        sides = tuple(told)
        if len(sides) not in (2, 3) or any(not isinstance(s, (int, np.integer)) or s < 1 for s in sides):
            raise ValueError(f"shape={told!r}: expected (height, width) or (height, width, channels)")
        if math.prod(sides) != math.prod(shape):
            raise ValueError(f"shape={told!r} does not fit images of shape {shape}")
        return int(sides[0]), int(sides[1]), int(sides[2]) if len(sides) == 3 else 1

    def _validate(self, X: ArrayLike) -> NDArray[Any]:
        images = self._images(X)
        flat: NDArray[Any] = images.reshape(len(images), -1)
        if flat.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {flat.shape[1]} features, but {type(self).__name__} is expecting {self.n_features_in_} "
                f"features as input: images of shape {self.shape_}"
            )
        return flat

    def _whole(self, flat: NDArray[Any]) -> NDArray[Any]:
        """Turn pixels into uint8 or int16."""
        if self.levels_ is not None:
            pixels: NDArray[Any] = np.searchsorted(self.levels_, flat, side="left").astype(np.uint8)
        elif flat.dtype.kind in "bu" and flat.dtype.itemsize == 1:
            pixels = np.ascontiguousarray(flat).view(np.uint8)
        else:
            pixels = as_int16(flat)
        return pixels

    @property
    def n_bits_(self) -> int:
        """Bits of an encoded sample."""
        return sum(part.thresholds.n_bits_ for part in self._parts)

    def _write(self, X: NDArray[Any], words: Words, first_bit: int) -> None:
        for first in range(0, len(X), _ROWS_AT_A_TIME):
            some = slice(first, first + _ROWS_AT_A_TIME)
            pixels, bit = self._whole(X[some]), first_bit  # made whole once for all parts
            for part in self._parts:
                for rows in part.pieces(pixels):
                    part.write(pixels[rows], words[some][rows], bit)
                bit += part.thresholds.n_bits_

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Name each bit after its comparison, as in `pixel(3,4)>127` or `pixel(3,4)-pixel(3,5)>15`.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str objects, shape (n_bits,)
        """
        check_is_fitted(self)
        labels = [
            label
            for part in self._parts
            for of_code in part.thresholds._labels(part.names, [[]] * part.n_codes)
            for label in of_code
        ]
        return np.asarray(labels, dtype=object)

    # Model file ----------------------------------------------------------------------------------------------------

    def _state(self) -> tuple[dict[str, Any], Arrays]:
        arrays: Arrays = {}
        for prefix, part in self._fitted_parts():
            arrays.update({prefix + name: array for name, array in part.thresholds._state()[1].items()})
        if self.levels_ is not None:
            arrays["levels"] = self.levels_
        return {"shape": list(self.shape_), "margin": self._margin}, arrays

    def _set_state(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n_features: int) -> None:
        shape, margin = values["shape"], values["margin"]
        require(
            isinstance(shape, list)
            and len(shape) == 3
            and all(type(side) is int and side >= 1 for side in shape)
            and math.prod(shape) == n_features,
            "the shape of the images is not valid",
        )
        require(type(margin) is int and 0 <= margin < 2**16, "the margin is not valid")
        self.shape_ = (shape[0], shape[1], shape[2])
        self.n_features_in_ = n_features
        self._margin = margin
        self.levels_ = None
        if "levels" in arrays:
            levels = arrays["levels"].astype(np.float64)
            require(
                levels.shape == (_LEVELS - 1,) and np.isfinite(levels).all() and (levels[1:] >= levels[:-1]).all(),
                "the levels of the pixels are not valid",
            )
            self.levels_ = levels
        self._parts = self._make_parts()
        for prefix, part in self._fitted_parts():
            found = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
            part.thresholds._set_state({}, found, part.n_codes)

    def _fitted_parts(self) -> Iterator[tuple[str, _Part]]:
        """Parts, and their bases, whose thresholds came from data, each with the prefix of its arrays' names."""
        for i, part in enumerate(self._parts):
            for prefix, one in ((f"{i}.", part), (f"{i}.base.", part.base)):
                if one is not None and not isinstance(one.thresholds, _Fixed):
                    yield prefix, one


_MAKERS: dict[str, Callable[..., list[_Part]]] = {
    "thermometer": ImageEncoder._thermometer,
    "gradient": ImageEncoder._gradient,
    "census": ImageEncoder._census,
    "local": ImageEncoder._local,
    "pairs": ImageEncoder._pairs,
    "patches": ImageEncoder._patches,
    "hog": ImageEncoder._hog,
    "pool": ImageEncoder._pool,
}
