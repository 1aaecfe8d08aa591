"""Data sets as plain NumPy arrays.

`load` gives a known data set by its name, `read_table` reads a file, or a folder of images, of your own. Both return a
`Dataset` of raw values: turning these into bits is left to the encoders.
"""

from __future__ import annotations

from bitlocal.datasets.container import Dataset
from bitlocal.datasets.known.registry import describe, load, names
from bitlocal.datasets.tables import read_table

__all__ = ["Dataset", "describe", "load", "names", "read_table"]
