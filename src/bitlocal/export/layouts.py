"""Which files an export has, and where they lie."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files

LAYOUTS = ("plain", "cmake", "make", "arduino")


def template(name: str, prefix: str) -> str:
    """Read a template, with the prefix of an export in place of its own."""
    text = files("bitlocal.export").joinpath("templates").joinpath(name).read_text(encoding="utf-8")
    return with_prefix(text, prefix)


def with_prefix(text: str, prefix: str) -> str:
    """Put a prefix where the templates have theirs: `bmlp` and, in macros, `BMLP`."""
    text = re.sub(r"\bbmlp(?![a-z0-9])", prefix, text)
    return re.sub(r"\bBMLP(?![A-Z0-9])", prefix.upper(), text)


def arrange(layout: str, prefix: str, header: str, source: str, samples: Callable[[], str]) -> dict[str, str]:
    """Lay out the files of an export.

    Parameters
    ----------
    layout : {"plain", "cmake", "make", "arduino"}
        Header and source alone; with a program and what builds it; or as a library for the Arduino IDE.
    prefix : str
        Of the export.
    header, source : str
        Its texts.
    samples : callable
        Gives the text of samples.h, for layouts that have a program.

    Returns
    -------
    dict of str to str
        Contents by path within the export's folder.
    """
    if layout == "arduino":
        sketch = f"examples/{prefix}_demo"
        return {
            "library.properties": template("library.properties", prefix),
            f"src/{prefix}.h": header,
            f"src/{prefix}.c": source,
            f"{sketch}/{prefix}_demo.ino": template("sketch.ino", prefix),
            f"{sketch}/samples.h": samples(),
        }
    contents = {f"{prefix}.h": header, f"{prefix}.c": source}
    if layout != "plain":
        build = {"cmake": "CMakeLists.txt", "make": "Makefile"}[layout]
        contents |= {"main.c": template("main.c", prefix), "samples.h": samples(), build: template(build, prefix)}
    return contents
