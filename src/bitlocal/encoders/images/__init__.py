"""Images to bits."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_array, check_is_fitted

from bitlocal import _core
from bitlocal.bits import words_for
from bitlocal.encoders.base import Encoder
from bitlocal.encoders.checks import Arrays, require, require_whole
from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.images.parts import Part
from bitlocal.encoders.images.planes import MOST_LEVELS, N_WEIGHTS, STEP, Planes
from bitlocal.encoders.images.quantities import Cells, Image, Neighbours, Pairs, Patches, Pixels, Squares, Windows
from bitlocal.encoders.images.words import (
    GRID,
    LARGEST_SIDE,
    LONGEST_SIDE,
    MOST_PATCHES_IN_CELL,
    MOST_WORDS,
    SIDE,
    SeenWords,
    TellingThermometer,
    code_book,
    patches_of,
)
from bitlocal.encoders.program import Compared, Piece
from bitlocal.encoders.thresholds import MedianBinarizer, ThermometerEncoder

_ROWS_AT_A_TIME = 4096
_LEVELS = 256  # to which floating-point images are quantised
_MOST_TERMS = 1 << 24  # of all quantities of a part: more would not fit into memory, and a model file could ask for it

# How many numbers may stand behind the name of a part; 1 behind the others.
_NUMBERS = {"median": 0, "planes": 2, "pool": 2, "words": 5, "sampledwords": 5}


class ImageEncoder(Encoder):
    """Images to bits that tell more than single pixels do: edges, textures, their counts in cells.

    Parameters
    ----------
    parts : str, default="thermometer4+hog4"
        What to encode, joined by "+":

        ========================  ==================================================================================
        median                    1 bit a pixel: whether it lies above the median of all pixels of the training data,
                                  as in the publication
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
        planesN                   2 N bits a pixel: how its brightness, and edges to the right and down, rank among the
                                  positive and among the negative ones of the same image (N shares of each); the same
                                  for diagonal and for wide edges, at every second pixel across and down. planesN/S: at
                                  every S-th, planesN/1 at every pixel. Bits that hardly ever change are left out
        wordsN                    3 bits for each of N words in each of 4 x 4 cells: how many patches there look like
                                  this word, above quantiles of the training data. A word stands for patches of the
                                  training data that are alike (a code book). Patches have 6 x 6 pixels; S x S, and T
                                  bits a count, for wordsN/S/T. Bits that are the same in 99 of 100 training images
                                  are left out. For images with one channel, or with red, green and blue.
                                  wordsN/S/T/G/K: G x G cells, and a patch looks like its K nearest words, rather than
                                  N/16. "words800/4/2/3/25" is good for small images in colour, with a margin of 0.03
        sampledwordsN             the same for words that are patches chosen at random, without a search
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
        Seed of "pairs", "patches" and words, from 0 to 2**64 - 1.

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
        parts = self._parts()
        pixels = self._image().whole(flat)
        self._stages = tuple(part.fit(pixels) for part in parts)
        return self

    # Parts ---------------------------------------------------------------------------------------------------------

    def _image(self) -> Image:
        return Image(self.shape_, self.levels_, wide=self._margin > 255 * float(self.margin))

    def _parts(self) -> list[Part]:
        image = self._image()
        self._limit(image.n_pixels)
        return [part for name, numbers in self._read_parts() for part in _MAKERS[name](self, image, *numbers)]

    def _read_parts(self) -> list[tuple[str, list[int]]]:
        """Read the names of the parts, and the numbers behind each."""
        found = []
        for text in str(self.parts).split("+"):
            match = re.fullmatch(r"([a-z]+)((?:[1-9]\d{0,5}(?:/[1-9]\d{0,3})*)?)", text)
            numbers = [int(number) for number in match[2].split("/") if number] if match else []
            most = _NUMBERS.get(match[1], 1) if match else 0
            if match is None or match[1] not in _MAKERS or not min(most, 1) <= len(numbers) <= most:
                named = [f"{name}N" for name in _MAKERS if _NUMBERS.get(name, 1)]
                expected = ", ".join([*named, "planesN/S", "wordsN/S/T/G/K", "poolN/S"])
                raise ValueError(f"parts={self.parts!r}: {text!r} is unknown; use {expected} or median, joined by '+'")
            found.append((match[1], numbers))
        return found

    def _median(self, image: Image) -> list[Part]:
        return [Part(Pixels(image), MedianBinarizer())]

    def _thermometer(self, image: Image, n: int) -> list[Part]:
        return [Part(Pixels(image), ThermometerEncoder(n))]

    def _pool(self, image: Image, n: int, side: int = 2) -> list[Part]:
        height, width, _ = image.shape
        require(side <= min(height, width), f"parts={self.parts!r}: squares of side {side} are larger than the images")
        require(side < 256, f"parts={self.parts!r}: expected squares of a side below 256")  # sums fit into 32 bits
        squares = Squares(image, side)
        self._limit(squares.n * side * side)
        return [Part(squares, ThermometerEncoder(n))]

    def _gradient(self, image: Image, n: int) -> list[Part]:
        return [self._compared(self._neighbours(image, "gradient", n, self._margin))]

    def _census(self, image: Image, n: int) -> list[Part]:
        return [self._compared(self._neighbours(image, "census", n, 0))]

    def _neighbours(self, image: Image, name: str, n: int, margin: int) -> Neighbours:
        require(n % 8 == 0, f"parts={self.parts!r}: {name}{n} is not a multiple of 8; use {name}8 or {name}16")
        self._limit(2 * n * image.n_pixels)
        return Neighbours(image, margin, n // 8)

    def _compared(self, comparisons: Neighbours | Pairs) -> Part:
        require(comparisons.n, f"parts={self.parts!r}: images of shape {self.shape_} are too small")
        return Part(comparisons, comparisons.thresholds)

    def _local(self, image: Image, n: int) -> list[Part]:
        height, width, _ = image.shape
        require(2 * n < min(height, width), f"parts={self.parts!r}: local{n} is too large for images of {self.shape_}")
        self._limit(sum((2 * r + 1) ** 2 for r in range(1, n + 1)) * image.n_pixels)
        parts = []
        for reach in range(1, n + 1):
            windows = Windows(image, reach)
            thresholds = Thresholds.fixed(windows.n, windows.area * self._margin)
            parts.append(Part(windows, thresholds))
        return parts

    def _limit(self, n_terms: int) -> None:
        require(n_terms <= _MOST_TERMS, f"parts={self.parts!r}: too much to compute for images of shape {self.shape_}")

    def _random(self, n: int, choice: int) -> NDArray[np.uint64]:
        """Random numbers for a part; `choice` tells what for."""
        return _core.random_words(int(self.random_state), _core.Purpose.encoder, choice, 0, 0, n)

    def _pairs(self, image: Image, n: int) -> list[Part]:
        height, width, channels = image.shape
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
        return [self._compared(Pairs(image, self._margin, np.stack([first, second], axis=1)))]

    def _patches(self, image: Image, n: int) -> list[Part]:
        height, width, channels = image.shape
        require_whole("radius", self.radius)
        side = 2 * int(self.radius) + 1
        require(side <= min(height, width), f"radius={self.radius!r} is too large for images of shape {self.shape_}")
        self._limit(n * side * side)
        draws = self._random(3 * n, 1).reshape(3, n)
        sides = (height - side + 1, width - side + 1, channels)
        y, x, c = ((draws[i] % np.uint64(s)).astype(np.int64) for i, s in enumerate(sides))
        words = -(-side * side // 64)
        octets = self._random(n * words, 2).reshape(n, words).astype("<u8").view(np.uint8)
        pattern: NDArray[Any] = np.unpackbits(octets, axis=1, count=side * side, bitorder="little")
        corners = (y * width + x) * channels + c

        def build(medians: Thresholds) -> Patches:
            return Patches(image, Compared(Pixels(image), medians), side, corners, pattern.view(np.bool_))

        return [Part(build, ThermometerEncoder(1), (Pixels(image), MedianBinarizer()))]

    def _hog(self, image: Image, n: int) -> list[Part]:
        if self.cell_size is not None:
            require_whole("cell_size", self.cell_size)
        shorter = min(image.shape[:2])
        cell = max(round(shorter * 5 / 28), 2) if self.cell_size is None else int(self.cell_size)
        require(cell <= shorter, f"cell_size={cell} is too large for images of shape {self.shape_}")
        edges = self._neighbours(image, "hog", 8, self._margin)
        self._compared(edges)
        cells = Cells(image, Compared(edges, edges.thresholds), cell)
        return [Part(cells, ThermometerEncoder(n))]

    def _planes(self, image: Image, n: int, step: int = STEP) -> list[Part]:
        require(n <= MOST_LEVELS, f"parts={self.parts!r}: expected at most planes{MOST_LEVELS}")
        self._limit(N_WEIGHTS * image.n_pixels)
        return [Part(Planes(image, n, step), TellingThermometer(2 * n))]

    def _words(
        self,
        image: Image,
        n: int,
        side: int = SIDE,
        n_bits: int = 3,
        grid: int = GRID,
        n_nearest: int | None = None,
        *,
        n_rounds: int = 8,
    ) -> list[Part]:
        height, width, channels = image.shape
        problem = f"parts={self.parts!r}: "
        require(
            channels in (1, 3),
            f"{problem}words need images with 1 channel, or 3 (red, green, blue), got {channels}; use other parts, or "
            "change the images",
        )
        require(n <= MOST_WORDS, f"{problem}expected at most {MOST_WORDS} words")
        require(2 <= side <= LARGEST_SIDE, f"{problem}expected patches of a side from 2 to {LARGEST_SIDE}")
        require(
            side <= min(height, width),
            f"{problem}patches of side {side} are larger than images of shape {self.shape_}; use words{n}/S with a "
            f"side S of at most {min(height, width)}",
        )
        require(n_nearest is None or n_nearest <= n, f"{problem}{n_nearest} nearest words of {n}: expected at most {n}")
        empty = np.zeros((n, words_for(patches_of(image.shape, side, self._margin).n_bits)), dtype=np.uint64)
        seen = SeenWords(image, side, self._margin, empty, grid, n_nearest)
        self._limit(seen.n)
        in_cell = [(places - side + 1) // seen.grid + 1 for places in (height, width)]
        require(
            max(height, width) <= LONGEST_SIDE and math.prod(in_cell) <= MOST_PATCHES_IN_CELL,
            f"{problem}images of shape {self.shape_} are too large for words in {seen.grid} x {seen.grid} cells",
        )
        return [code_book(seen, n_bits, int(self.random_state), n_rounds)]

    def _sampled_words(self, image: Image, *numbers: int) -> list[Part]:
        return self._words(image, *numbers, n_rounds=0)

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
        whole = len(shape) > 1
        if math.prod(sides) != math.prod(shape) or (whole and (*sides, 1)[:3] != (*shape, 1)[:3]):
            raise ValueError(f"shape={told!r} does not fit images of shape {shape}")
        if whole and len(shape) == 3 and shape[0] in (1, 3, 4) and min(shape[1:]) > 4:
            raise ValueError(
                f"images of shape {shape}: expected (height, width) or (height, width, channels); if the channels come "
                "first, put them last, as by X.transpose(0, 2, 3, 1)"
            )
        return int(sides[0]), int(sides[1]), int(sides[2]) if len(sides) == 3 else 1

    def validate(self, X: ArrayLike) -> NDArray[Any]:
        """Check images, and flatten them."""
        images = self._images(X)
        flat: NDArray[Any] = images.reshape(len(images), -1)
        if images.ndim > 2 and (*images.shape[1:], 1)[:3] != self.shape_:
            raise ValueError(f"X has images of shape {images.shape[1:]}, but those of fit have shape {self.shape_}")
        if flat.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {flat.shape[1]} features, but {type(self).__name__} is expecting {self.n_features_in_} "
                f"features as input: images of shape {self.shape_}"
            )
        return flat

    def piece(self) -> Piece:
        """Make pixels whole, and run the parts."""

        def cut(rows: NDArray[Any]) -> Iterator[slice]:
            return (slice(first, first + _ROWS_AT_A_TIME) for first in range(0, len(rows), _ROWS_AT_A_TIME))

        return Piece(self.validate, self._stages, self._image().whole, cut)

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
        labels: list[str] = []
        for stage in self._stages:
            quantities: Any = stage.quantities
            labels += [label for of_quantity in stage.thresholds.labels(quantities.names) for label in of_quantity]
        return np.asarray(labels, dtype=object)

    # Model file ----------------------------------------------------------------------------------------------------

    def fitted(self) -> tuple[dict[str, Any], Arrays]:
        """Give what `fit` found, for a model file."""
        arrays: Arrays = {}
        for i, (part, stage) in enumerate(zip(self._parts(), self._stages, strict=True)):
            arrays.update({f"{i}.{name}": array for name, array in part.to_arrays(stage).items()})
        if self.levels_ is not None:
            arrays["levels"] = self.levels_
        return {"shape": list(self.shape_), "margin": self._margin}, arrays

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n_features: int) -> None:
        """Take back what `fitted` gave."""
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
        stages = []
        for i, part in enumerate(self._parts()):
            prefix = f"{i}."
            stages.append(
                part.from_arrays({k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)})
            )
        self._stages = tuple(stages)


_MAKERS: dict[str, Callable[..., list[Part]]] = {
    "median": ImageEncoder._median,
    "thermometer": ImageEncoder._thermometer,
    "gradient": ImageEncoder._gradient,
    "census": ImageEncoder._census,
    "local": ImageEncoder._local,
    "pairs": ImageEncoder._pairs,
    "patches": ImageEncoder._patches,
    "hog": ImageEncoder._hog,
    "pool": ImageEncoder._pool,
    "planes": ImageEncoder._planes,
    "words": ImageEncoder._words,
    "sampledwords": ImageEncoder._sampled_words,
}
