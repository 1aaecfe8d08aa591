"""Results on disk: one JSON file a cell, written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from bitlocal.errors import DataError
from bitlocal.lab.studies.running.cells import Cell

Result = dict[str, Any]


class Store:
    """The results in a folder, by the digests of their cells.

    Parameters
    ----------
    folder : Path
        It is created if it is missing.

    Raises
    ------
    DataError
        If it cannot be created, or is no folder.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{folder}: cannot be a folder of results ({error.strerror}); give another --out") from None
        self.folder = folder

    def path(self, cell: Cell) -> Path:
        """Where the result of a cell lies, or will lie."""
        return self.folder / f"{cell.digest}.json"

    def get(self, cell: Cell) -> Result | None:
        """Give the result of a cell; None where there is none, or what is there is no whole result of this cell."""
        try:
            result = json.loads(self.path(cell).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        whole = isinstance(result, dict) and result.get("digest") == cell.digest and "accuracy" in result
        return result if whole else None

    def put(self, cell: Cell, result: Result) -> None:
        """Keep a result. Whoever interrupts leaves the old file or the new one, never half a file."""
        path = self.path(cell)
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        text = json.dumps({"digest": cell.digest, "cell": cell.to_dict(), **result}, indent=1, sort_keys=True)
        try:
            with unfinished.open("w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())  # else a power cut could leave the new name with nothing in it
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
