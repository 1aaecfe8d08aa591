"""What a result was computed with and on."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from bitlocal.processor import instruction_set, processor_name

_PACKAGES = ("bitlocal", "numpy", "scikit-learn", "scipy", "torch")


@cache
def environment() -> dict[str, str]:
    """Versions, processor, system and instruction set of this process."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        **found,
        "processor": processor_name(),
        "system": f"{platform.system()} {platform.machine()}",
        "instruction set": instruction_set()[0],
    }
