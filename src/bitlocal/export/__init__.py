"""Trained networks as code for other machines."""

from bitlocal.export.errors import ExportError
from bitlocal.export.generate import c
from bitlocal.export.state import read_state, write_state

__all__ = ["ExportError", "c", "read_state", "write_state"]
