"""Opening files that may be missing, locked, damaged or foreign, and saying so in one line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bitlocal.errors import DataError

_LONGEST_SHOWN = 40


def shown(value: object) -> str:
    """Quote a value from a file for a message: on one line, and not too long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 2] + "…" + text[-1]


def some_of(values: Iterable[object], limit: int = 10) -> str:
    """List the first few values for a message, and how many there are if that is not all."""
    everything = list(values)
    text = ", ".join(shown(value) for value in everything[:limit])
    return text if len(everything) <= limit else f"{text}, … ({len(everything)} in all)"


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn the operating system's and gzip's errors while reading `path` into a `DataError`."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file; check the path") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}: the compressed data is damaged or cut short ({_reason(error)}); replace the file"
        ) from error
    except OSError as error:
        # Opening a directory fails in a different way on every operating system.
        if path.is_dir():
            raise DataError(f"{path}: this is a directory; give one of the files in it") from error
        if isinstance(error, PermissionError):
            raise DataError(f"{path}: permission to read this file is denied; check its access rights") from error
        raise DataError(f"{path}: the file cannot be read ({_reason(error)}); check it and its disk") from error


def _reason(error: BaseException) -> str:
    """Give an exception's own words, without line breaks."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())
