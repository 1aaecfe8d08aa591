"""Kernel files share no function with others: one that is compiled for a wide instruction set must not be linked in
place of the same function of a file for any processor.

Without optimisation nothing is inlined, so what could be shared shows as a weak symbol.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CORE = Path(__file__).parents[1] / "src" / "core"
AVX512 = ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"]
FLAGS = {
    "portable": [],
    "popcnt": ["-msse4.2", "-mpopcnt"],
    "avx2": ["-mavx2"],
    "avx512bw": AVX512,
    "avx512vpopcntdq": [*AVX512, "-mavx512vpopcntdq"],
    "neon": [],
}


def test_every_kernel_file_is_here():
    assert set(FLAGS) == {path.stem for path in (CORE / "kernels").glob("*.cpp")} - {"dispatch"}


@pytest.mark.parametrize("name", FLAGS)
def test_no_function_is_shared(name, tmp_path):
    arm = name == "neon"
    native = platform.machine() in ("aarch64", "arm64")
    compiler = shutil.which("aarch64-linux-gnu-g++") if arm and not native else shutil.which("g++")
    if compiler is None or shutil.which("nm") is None or (native and not arm and name != "portable"):
        pytest.skip(f"needs nm, and a compiler for the instructions of {name}")
    target = tmp_path / "kernels.o"
    source = CORE / "kernels" / f"{name}.cpp"
    command = [compiler, "-std=c++20", "-O0", f"-I{CORE}", *FLAGS[name], "-c", str(source), "-o", str(target)]
    subprocess.run(command, check=True)
    symbols = subprocess.run(["nm", "-C", str(target)], check=True, capture_output=True, text=True).stdout.splitlines()
    assert any(re.search(r" [tT] .*preactivations", line) for line in symbols)
    assert [line for line in symbols if re.search(r" [Ww] ", line)] == []
