"""From an image file to bytes of grey or red, green and blue, through the optional package Pillow."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.errors import DataError

# Pillow knows many more, some of which start other programs.
_FORMATS = ("PNG", "JPEG", "MPO", "GIF", "BMP", "WEBP", "TIFF", "PPM")
_DEEP = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_ORIENTATION = 0x0112


class Decoder:
    """Pillow, and what is wanted of it.

    Parameters
    ----------
    path : Path
        What is to be read, for the message.

    Raises
    ------
    DataError
        If Pillow is not there.
    """

    def __init__(self, path: Path) -> None:
        try:
            from PIL import Image
        except ImportError as error:
            raise DataError(
                f"{path}: reading images needs the package Pillow; install it: pip install 'bitlocal[images]'"
            ) from error
        self._pil: Any = Image
        Image.init()
        self._formats = [name for name in _FORMATS if name in Image.OPEN]
        turns = Image.Transpose
        self._turns = {
            2: turns.FLIP_LEFT_RIGHT,
            3: turns.ROTATE_180,
            4: turns.FLIP_TOP_BOTTOM,
            5: turns.TRANSPOSE,
            6: turns.ROTATE_270,
            7: turns.TRANSVERSE,
            8: turns.ROTATE_90,
        }

    def size(self, file: IO[bytes], where: str) -> tuple[int, int]:
        """Give height and width, upright, without reading all of the image."""
        with self._reading(where), self._pil.open(file, formats=self._formats) as image:
            width, height = image.size
            return (width, height) if self._orientation(image) >= 5 else (height, width)

    def pixels(
        self, file: IO[bytes], where: str, *, resize: tuple[int, int] | None = None, channels: int | None = None
    ) -> NDArray[np.uint8]:
        """Read an image, upright.

        Parameters
        ----------
        file : binary file
            The image.
        where : str
            Its place, for messages.
        resize : tuple of int, optional
            Height and width to bring it to.
        channels : int, optional
            1 for grey, 3 for colour; what the image is by default.

        Returns
        -------
        ndarray of uint8, shape (height, width) or (height, width, 3)

        Raises
        ------
        DataError
            If it cannot be read.
        """
        with self._reading(where), self._pil.open(file, formats=self._formats) as opened:
            opened.load()
            orientation = self._orientation(opened)
            image = self._plain(opened)
            if orientation in self._turns:
                image = image.transpose(self._turns[orientation])
            if channels is not None:
                image = image.convert("L" if channels == 1 else "RGB")
            if resize is not None and image.size != resize[::-1]:
                image = image.resize(resize[::-1], self._pil.Resampling.BILINEAR)
            return np.array(image, dtype=np.uint8)

    def _plain(self, image: Any) -> Any:
        """Make it L (grey) or RGB, with 8 bits; what is transparent shows black behind."""
        if image.mode in _DEEP:
            values = np.asarray(image)
            if values.min() < 0 or values.max() >= 1 << 16:
                raise ValueError("its pixels have more than 16 bits")
            return self._pil.fromarray((values >> 8).astype(np.uint8))
        if image.mode == "F":
            raise ValueError("its pixels are floating-point numbers")
        grey = image.mode in ("1", "L", "LA")
        if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
            black = self._pil.new("RGBA", image.size, (0, 0, 0, 255))
            plain = self._pil.alpha_composite(black, image.convert("RGBA")).convert("RGB")
        else:
            plain = image if image.mode in ("L", "RGB") else image.convert("L" if grey else "RGB")
        if image.mode in ("P", "PA"):  # a palette does not say whether its colours are
            values = np.asarray(plain)
            grey = bool((values == values[:, :, :1]).all())
        return plain.convert("L") if grey else plain

    def _orientation(self, image: Any) -> int:
        """Read how the camera was held: 1 for upright, which counts where nothing valid is said."""
        try:
            value = image.getexif().get(_ORIENTATION, 1)
        except Exception:  # of notes beside the picture, which itself may be sound
            return 1
        return value if isinstance(value, int) else 1

    @contextmanager
    def _reading(self, where: str) -> Iterator[None]:
        """Turn all that a file can do into a `DataError`, and Pillow's other warnings into nothing."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.simplefilter("error", self._pil.DecompressionBombWarning)
                yield
        except (self._pil.DecompressionBombWarning, self._pil.DecompressionBombError) as error:
            raise DataError(
                f"{where}: more than {self._pil.MAX_IMAGE_PIXELS:,} pixels, which no image of a data set has; make it "
                "smaller, or remove it"
            ) from error
        except Exception as error:  # what damage raises depends on the format, and on where it is
            # Pillow's own words for this name an object in memory.
            unknown = type(error).__name__ == "UnidentifiedImageError"
            reason = "of no format that is read" if unknown else " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"{where}: not an image that can be read ({reason}); replace or remove it") from error
