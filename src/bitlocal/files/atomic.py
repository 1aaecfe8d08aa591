"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; one that was there stays as it was until the new one is complete."""
    try:
        path = path.resolve()  # a link stays one: what it leads to is replaced
        part = path.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with part.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:  # the temporary file's name would only puzzle
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
