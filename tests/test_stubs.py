"""The committed type stub is the one that the compiled module gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bitlocal


def test_stub_is_up_to_date(tmp_path):
    fresh = tmp_path / "_core.pyi"
    subprocess.run([sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "bitlocal._core", "-o", str(fresh)], check=True)
    installed = Path(bitlocal.__file__).with_name("_core.pyi")
    assert installed.read_text() == fresh.read_text(), "run: python -m nanobind.stubgen -m bitlocal._core -o src/bitlocal/_core.pyi"
