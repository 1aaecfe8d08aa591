"""Trained networks as code for other machines."""

from bitlocal.export.c99 import c, read_state, write_state
from bitlocal.export.errors import ExportError

__all__ = ["ExportError", "c", "read_state", "write_state"]
