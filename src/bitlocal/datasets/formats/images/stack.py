"""Many images of one size in one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitlocal.datasets.formats.images.pixels import Decoder
from bitlocal.datasets.formats.images.places import Place, Places, name_of
from bitlocal.errors import DataError


@dataclass(frozen=True)
class Wanted:
    """What the images are to be like.

    Attributes
    ----------
    resize : tuple of int or None
        Height and width to bring them to.
    shape : tuple of int or None
        Height and width, and the number of channels if there are several, of what a model was trained on.
    """

    resize: tuple[int, int] | None
    shape: tuple[int, ...] | None

    def check(self, path: Path) -> None:
        """Complain of what does not fit together before anything is read."""
        if self.shape is None:
            return
        if self.channels not in (1, 3):
            raise DataError(
                f"{path}: the model was trained on images with {self.channels} channels, but files of images are read "
                "with 1 or 3; save the images as an .npz file"
            )
        if self.resize is not None and self.resize != self.shape[:2]:
            raise DataError(
                f"{path}: to be resized to {_text(self.resize)} (height x width), but the model was trained on images "
                f"of {_text(self.shape)}; give --resize {_text(self.shape)}"
            )

    @property
    def channels(self) -> int | None:
        """Number of channels; None for what the images have."""
        return None if self.shape is None else (*self.shape, 1)[2]


def stack(path: Path, places: Places, images: Sequence[Place], decoder: Decoder, wanted: Wanted) -> NDArray[np.uint8]:
    """Read images into one array.

    Parameters
    ----------
    path : Path
        Where all of them are, for messages.
    places : Places
        Opens them.
    images : sequence of tuple of str, at least one
        Their places.
    decoder : Decoder
        Reads one.
    wanted : Wanted
        What they are to be like.

    Returns
    -------
    ndarray of uint8, shape (n, height, width) if all of them are grey, (n, height, width, 3) otherwise

    Raises
    ------
    DataError
        If one cannot be read, or they are of several sizes, or not of the size that is wanted.
    """
    wanted.check(path)
    all_pixels: NDArray[np.uint8] = np.empty(0, dtype=np.uint8)
    for i, place in enumerate(images):
        with places.open(place) as file:
            pixels = decoder.pixels(file, _where(path, place), resize=wanted.resize, channels=wanted.channels)
        if i == 0:
            _check_size(path, place, pixels, wanted)
            all_pixels = _room(path, len(images), pixels.shape)
        elif pixels.shape[:2] != all_pixels.shape[1:3]:
            _check_size(path, place, pixels, wanted)
            raise _several_sizes(path, places, images, decoder, place)
        if pixels.ndim > all_pixels.ndim - 1:  # the first in colour: those before it become so, too
            grey, all_pixels = all_pixels, _room(path, len(images), pixels.shape)
            all_pixels[:i] = grey[:i, :, :, np.newaxis]
        all_pixels[i] = pixels if pixels.ndim == all_pixels.ndim - 1 else pixels[:, :, np.newaxis]
    return all_pixels


def _room(path: Path, n: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    try:
        return np.empty((n, *shape), dtype=np.uint8)
    except (MemoryError, ValueError) as error:
        raise DataError(
            f"{path}: {n} images of {_text(shape)} pixels do not fit into memory; make them smaller, as by "
            "--resize 32x32"
        ) from error


def _check_size(path: Path, place: Place, pixels: NDArray[np.uint8], wanted: Wanted) -> None:
    if wanted.shape is not None and pixels.shape[:2] != wanted.shape[:2]:
        raise DataError(
            f"{_where(path, place)}: {_text(pixels.shape)} pixels (height x width), but the model was trained on "
            f"images of {_text(wanted.shape)}; give --resize {_text(wanted.shape)}"
        )


def _several_sizes(path: Path, places: Places, images: Sequence[Place], decoder: Decoder, other: Place) -> DataError:
    """Count the sizes, now that there are several, and name an image of each of two."""
    sizes = {}
    for image in images:
        with places.open(image) as file:
            sizes[image] = decoder.size(file, _where(path, image))
    first, n = images[0], len(set(sizes.values()))
    return DataError(
        f"{path}: images of {n} sizes, as {name_of(first)} of {_text(sizes[first])} and {name_of(other)} of "
        f"{_text(sizes[other])} (height x width); bring them to one, as by --resize {_text(sizes[first])}"
    )


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape[:2]))


def _where(path: Path, place: Place) -> str:
    return f"{path}, {name_of(place)}"
