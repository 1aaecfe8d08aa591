"""Which files an export has, and where they lie."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from bitlocal.export.c99.texts import Texts


class Layout(str, Enum):
    """Which files an export has: the source alone, with a program and its build, or as a library."""

    plain = "plain"
    cmake = "cmake"
    make = "make"
    arduino = "arduino"


_BUILD = {Layout.cmake: "CMakeLists.txt", Layout.make: "Makefile"}


def arrange(layout: Layout, texts: Texts, header: str, source: str, samples: Callable[[], str]) -> dict[str, str]:
    """Lay out the files of an export.

    Parameters
    ----------
    layout : Layout
        Header and source alone; with a program and what builds it; or as a library for the Arduino IDE.
    texts : Texts
        For the prefix of the export.
    header, source : str
        Its texts.
    samples : callable
        Gives the text of samples.h, for layouts that have a program.

    Returns
    -------
    dict of str to str
        Contents by path within the export's folder.
    """
    prefix = texts.prefix
    if layout is Layout.arduino:
        sketch = f"examples/{prefix}_demo"
        return {
            "library.properties": texts.fill("layouts/library.properties"),
            f"src/{prefix}.h": header,
            f"src/{prefix}.c": source,
            f"{sketch}/{prefix}_demo.ino": texts.fill("layouts/sketch.ino"),
            f"{sketch}/samples.h": samples(),
        }
    contents = {f"{prefix}.h": header, f"{prefix}.c": source}
    if layout in _BUILD:
        build = _BUILD[layout]
        contents |= {
            "main.c": texts.fill("layouts/main.c"),
            "samples.h": samples(),
            build: texts.fill(f"layouts/{build}"),
        }
    return contents
