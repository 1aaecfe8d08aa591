"""Which instruction set the kernels use, and what this processor offers. No choice ever changes a result."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from bitlocal import _core

_asked_for = False


def use_instruction_set(name: str) -> None:
    """Use the kernels of this instruction set from now on, in the whole process.

    The default is the best that the processor supports, or what the environment variable BITLOCAL_ISA names. Results
    are the same with each; only the speed differs.

    Parameters
    ----------
    name : str
        One of those that ``bitlocal info --cpu`` lists, as in "avx2" or "portable".

    Raises
    ------
    ValueError
        If it is unknown or this processor does not support it. Then nothing changes.
    """
    global _asked_for
    _core.use_instruction_set(name)
    _asked_for = True


def instruction_set() -> tuple[str, str]:
    """Give the instruction set in use, and why it is."""
    name = _core.instruction_set()
    if _asked_for:
        return name, "asked for"
    if os.environ.get("BITLOCAL_ISA"):
        return name, "set by BITLOCAL_ISA"
    return name, "the best that this processor supports"


def processor_name() -> str:
    """Give the name of this processor, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model") and value.strip():
                return value.strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine() or "unknown"
