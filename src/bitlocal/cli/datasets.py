"""`bitlocal datasets`."""

from __future__ import annotations

from bitlocal.cli.shared.console import facts, out
from bitlocal.datasets import describe


def datasets() -> None:
    """List the data sets that are known by name."""
    out.print(facts(describe().items()))
