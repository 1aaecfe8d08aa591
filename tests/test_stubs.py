"""The committed type stub is the one that the compiled module gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bitlocal


def test_stub_is_up_to_date(tmp_path):
    fresh = tmp_path / "_core.pyi"
    command = [sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "bitlocal._core", "-o"]
    subprocess.run([*command, str(fresh)], check=True)
    installed = Path(bitlocal.__file__).with_name("_core.pyi")
    assert installed.read_text() == fresh.read_text(), "CONTRIBUTING.md says how to renew it"
