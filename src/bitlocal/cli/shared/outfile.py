"""The files that `--out` names."""

from __future__ import annotations

import os
from pathlib import Path


def require_writable(path: Path, *inputs: str | os.PathLike[str]) -> None:
    """Complain about a place that cannot be written to before the work rather than after it.

    Parameters
    ----------
    path : Path
        The file to write.
    *inputs : path-like
        Files that are read, and must not be replaced.

    Raises
    ------
    OSError
        If it cannot be written, or is one of the inputs.
    """
    if path.is_dir():
        raise OSError(f"{path}: this is a directory; give the name of a file in it")
    if path.exists():
        if not path.is_file():
            raise OSError(f"{path}: this is a device, not a file; give another place")
        if any(os.path.exists(file) and os.path.samefile(file, path) for file in inputs):
            raise OSError(f"{path}: this file is read from, and would be replaced; give another name")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise OSError(f"{path}: there is no folder {folder}; create it first")
    if not os.access(folder, os.W_OK):
        raise OSError(f"{path}: the folder {folder} cannot be written to; give another place")
