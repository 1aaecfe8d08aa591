"""The publication's comparison of methods, as experiments that can be run, resumed and reported.

A *cell* is one training: data, method, settings and seed. A *study* is a list of cells and what is made of their
results, a table or a figure. `reproduce` runs the cells that have no result yet and writes the report.
"""

from __future__ import annotations

from bitlocal.lab.studies.reproduction import Outcome, Request, prepare, reproduce
from bitlocal.lab.studies.running.cells import Cell

__all__ = ["Cell", "Outcome", "Request", "prepare", "reproduce"]
