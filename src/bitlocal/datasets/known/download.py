"""Downloading the public image sets, checked before anything is kept."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO

from bitlocal.datasets.formats.idx import read_idx
from bitlocal.errors import DataError

# Tried in this order.
MIRRORS: dict[str, tuple[str, ...]] = {
    "fashion-mnist": ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
}

# SHA-256 of the unpacked files. Packed again, the same data has another hash, and such copies are about.
SHA256: dict[str, dict[str, str]] = {
    "fashion-mnist": {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    "mnist": {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
}

# Seconds to connect, and between two pieces of data. Short enough that being offline is noticed soon.
_TIMEOUT = (10, 60)
# About twice the largest of the packed files: a server that never stops must not fill the disk.
_MOST_BYTES = 64 << 20


class _Limited:
    """A file open for writing that refuses to grow beyond a limit."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file = file
        self._left = limit

    def write(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            raise DataError("the server sends far more than the file can have")
        self._file.write(data)

    def flush(self) -> None:
        """Do nothing: the downloader flushes after every piece, which only costs time."""


def fetch(name: str, stem: str, folder: Path) -> Path:
    """Download one file of an image set into a folder.

    The file appears under its final name only when it is complete and its content is the expected one.

    Parameters
    ----------
    name : str
        Name of the data set.
    stem : str
        Name of the file, without ``.gz``.
    folder : Path
        Where to keep it; created if need be.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    DataError
        If no mirror delivers the expected content. The message says what each one did.
    """
    failures = []
    for mirror in MIRRORS[name]:
        url = f"{mirror}{stem}.gz"
        try:
            return _fetch_from(url, SHA256[name][stem], folder / f"{stem}.gz")
        except (OSError, DataError) as error:
            failures.append(f"{url} ({_brief(error)})")
    raise DataError("; ".join(failures))


def _fetch_from(url: str, sha256: str, destination: Path) -> Path:
    import pooch

    destination.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder as the destination, so that the final step is a mere change of name.
    handle, part = tempfile.mkstemp(dir=destination.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            # The downloader itself rather than pooch.retrieve, which hashes the packed file and logs what it
            # does.
            download = pooch.HTTPDownloader(timeout=_TIMEOUT, chunk_size=1 << 16)
            download(url, _Limited(file, _MOST_BYTES), None)
        try:
            read_idx(Path(part), sha256=sha256)
        except DataError as error:
            # The user never sees the temporary file, so its name would only puzzle.
            raise DataError("it delivers something else than the expected content, by SHA-256") from error
        os.replace(part, destination)
    finally:
        Path(part).unlink(missing_ok=True)
    return destination


def _brief(error: Exception) -> str:
    """Say in a few words what went wrong; the messages of network errors run over several lines."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"HTTP status {status}"
    if isinstance(error, DataError):
        return str(error)
    return getattr(error, "strerror", None) or type(error).__name__
