"""Tables from the UCI repository, as files in the user's data folder."""

from __future__ import annotations

from dataclasses import replace

from bitlocal.datasets.container import Dataset
from bitlocal.datasets.known import places
from bitlocal.datasets.tables import read_table
from bitlocal.errors import DataError


def load_uci(name: str) -> Dataset:
    """Load ``uci/<name>.csv.gz`` (or ``.csv``) from BITLOCAL_DATA; the labels are its column ``target``.

    Parameters
    ----------
    name : str
        Name of the table.

    Returns
    -------
    Dataset
        All rows, without a test split.

    Raises
    ------
    DataError
        If the file is not there, or `read_table` cannot use it.
    """
    root = places.data_folder()
    if root is None:
        raise DataError(
            f"data set '{name}' not found: BITLOCAL_DATA is not set; set it to a folder that holds uci/{name}.csv.gz"
        )
    for path in (root / "uci" / f"{name}.csv.gz", root / "uci" / f"{name}.csv"):
        if path.is_file():
            return replace(read_table(path, "target"), name=name)
    raise DataError(
        f"data set '{name}' not found: looked in {root / 'uci'}; set BITLOCAL_DATA to a folder that holds "
        f"uci/{name}.csv.gz"
    )
