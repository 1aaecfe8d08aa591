"""Where data may lie on this machine, and what the user's environment says about it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

DATA_VARIABLE = "BITLOCAL_DATA"
OFFLINE_VARIABLE = "BITLOCAL_OFFLINE"

# Debian's packages of data sets, such as dataset-fashion-mnist, install here.
SYSTEM_FOLDER = Path("/usr/share/datasets")


def data_folder() -> Path | None:
    """Give the user's own folder of data sets, or None where BITLOCAL_DATA is not set."""
    value = os.environ.get(DATA_VARIABLE, "")
    return Path(value).expanduser() if value else None


def cache_folder() -> Path:
    """Give the folder that keeps downloads; it need not exist yet."""
    import pooch

    return Path(pooch.os_cache("bitlocal"))


def downloads_allowed() -> bool:
    """Tell whether the network may be used: not if BITLOCAL_OFFLINE is set to anything but 0."""
    return os.environ.get(OFFLINE_VARIABLE, "") in ("", "0")


def find_files(folder: Path, stems: Iterable[str]) -> dict[str, Path]:
    """Find those of the files that `folder` holds, as ``stem.gz`` or unpacked as ``stem``."""
    found: dict[str, Path] = {}
    for stem in stems:
        for candidate in (folder / f"{stem}.gz", folder / stem):
            if candidate.is_file():
                found[stem] = candidate
                break
    return found
