"""Where images lie: in folders, or in a .zip file, of which nothing is written to the disk."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from pathlib import Path
from typing import IO, Protocol

from bitlocal.datasets.formats.files import reading
from bitlocal.errors import DataError

Place = tuple[str, ...]
"""The folders below the top, and the name of the file."""

ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")

# A .zip file of a few kB can hold petabytes. No image of a data set is as large as the first; and images are compressed
# already, so that the second is far beyond what honest files make of their own size.
_MOST_BYTES = 1 << 28
_MOST_IN_ALL = (1 << 30, 100)  # so much in any case, or so many times the size of the .zip file


def name_of(place: Place) -> str:
    """Write a place as text, the same on every system."""
    return "/".join(place)


def _is_hidden(name: str) -> bool:
    """Whether this is nothing that a user put there; so are "." and "..", which lead elsewhere."""
    return name.startswith(".") or name == "__MACOSX"


def _is_image(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


class Places(Protocol):
    """Images by their places."""

    def listing(self) -> tuple[list[Place], list[Place]]:
        """List the images and all folders, hidden ones left out."""

    def open(self, place: Place) -> IO[bytes]:
        """Open an image."""

    def close(self) -> None:
        """Be done."""


class PlacesInFolder:
    """Images in a folder; symbolic links are followed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def listing(self) -> tuple[list[Place], list[Place]]:
        """List the images and all folders, hidden ones left out."""
        images: list[Place] = []
        folders: list[Place] = []
        with reading(self._path):
            self._walk(self._path, (), frozenset(), images, folders)
        return images, folders

    def _walk(
        self, folder: Path, place: Place, above: frozenset[str], images: list[Place], folders: list[Place]
    ) -> None:
        real = os.path.realpath(folder)
        if real in above:  # a link back to a folder above leads round and round
            return
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if not _is_hidden(entry.name)]
        for entry in found:
            if entry.is_dir():
                folders.append((*place, entry.name))
                self._walk(folder / entry.name, folders[-1], above | {real}, images, folders)
            elif _is_image(entry.name):
                images.append((*place, entry.name))

    def open(self, place: Place) -> IO[bytes]:
        """Open an image."""
        path = self._path.joinpath(*place)
        with reading(path):
            return path.open("rb")

    def close(self) -> None:
        """Do nothing."""


class PlacesInZip:
    """Images in a .zip file, read into memory one at a time; names in it are labels at most, never paths."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with reading(path):
            try:
                self._file = zipfile.ZipFile(path)
            except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
                raise DataError(f"{path}: not a .zip file, or a damaged one ({error}); replace the file") from error
        self._entries: dict[Place, zipfile.ZipInfo] = {}

    def listing(self) -> tuple[list[Place], list[Place]]:
        """List the images and all folders, hidden ones left out."""
        folders: set[Place] = set()
        for entry in self._file.infolist():
            # Some programs write the backslashes of Windows.
            name = entry.filename.replace("\\", "/")
            place = tuple(part for part in name.split("/") if part)
            if any(map(_is_hidden, place)):
                continue
            last = len(place) if name.endswith("/") else len(place) - 1
            folders.update(place[:end] for end in range(1, last + 1))
            if last < len(place) and _is_image(place[-1]):
                self._entries[place] = entry  # the last one of a name counts, as it does where files are unpacked
        self._refuse_too_much()
        return list(self._entries), list(folders)

    def _refuse_too_much(self) -> None:
        least, times = _MOST_IN_ALL
        n_bytes, limit = sum(entry.file_size for entry in self._entries.values()), self._path.stat().st_size * times
        if n_bytes > max(least, limit):
            raise DataError(
                f"{self._path}: unpacked, its images would take {n_bytes / 1e9:,.1f} GB, more than {times} times the "
                "file; if you trust it, unpack it, and give the folder"
            )

    def open(self, place: Place) -> IO[bytes]:
        """Open an image."""
        entry, where = self._entries[place], f"{self._path}, {name_of(place)}"
        if entry.file_size > _MOST_BYTES:
            raise DataError(
                f"{where}: unpacked, it would take {entry.file_size / 1e6:,.0f} MB; expected an image of at most "
                f"{_MOST_BYTES / 1e6:,.0f} MB: remove it"
            )
        if entry.flag_bits & 1:
            raise DataError(f"{where}: it is encrypted; make the .zip file anew without a password")
        with reading(self._path):
            try:
                # zipfile reads no more than the size that was checked, and compares a checksum.
                return io.BytesIO(self._file.read(entry))
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise DataError(f"{where}: damaged in the .zip file ({error}); replace the file") from error
            except (NotImplementedError, RuntimeError) as error:
                raise DataError(f"{where}: it cannot be unpacked ({error}); make the .zip file anew") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()
