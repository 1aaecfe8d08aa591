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

ROOT = Path(__file__).parents[1]
CORE = ROOT / "src" / "core"
NAMES = sorted(path.stem for path in (CORE / "kernels").glob("*.cpp") if path.stem != "dispatch")
NATIVE_ARM = platform.machine() in ("aarch64", "arm64")


def flags_of(name):
    """The instructions that a kernel file is compiled for, from where the build has them."""
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    pattern = rf"set_source_files_properties\(src/core/kernels/{name}\.cpp PROPERTIES\s+COMPILE_OPTIONS ([^)]*)\)"
    found = re.search(pattern, text)
    options = found[1] if found else ""
    for variable, value in re.findall(r"set\((\w+) ([^)]*)\)", text):
        options = options.replace(f"${{{variable}}}", value)
    return re.findall(r"(?<![\w-])-m[\w.]+", options)


def compiler_for(name, compiler):
    if name == "neon" and not NATIVE_ARM:
        return shutil.which("aarch64-linux-gnu-g++") if compiler == "g++" else None
    if NATIVE_ARM and name not in ("neon", "portable"):
        return None
    return shutil.which(compiler)


def shared(symbols):
    """Symbols that a linker may take from another file instead: weak functions and objects, and unique ones."""
    # The personality routine's address is data: the same, whatever the instructions.
    return [line for line in symbols if re.search(r" [WwVvu] ", line) and "DW.ref.__gxx_personality" not in line]


def symbols_of(compiler, source, folder, flags):
    target = folder / "kernels.o"
    command = [compiler, "-std=c++20", "-O0", f"-I{CORE}", *flags, "-c", str(source), "-o", str(target)]
    subprocess.run(command, check=True)
    return subprocess.run(["nm", "-C", str(target)], check=True, capture_output=True, text=True).stdout.splitlines()


def test_the_flags_are_those_of_the_build():
    assert flags_of("portable") == flags_of("neon") == []
    assert flags_of("avx2") == ["-mavx2"]
    assert set(flags_of("avx512bw")) < set(flags_of("avx512vpopcntdq"))
    assert {name for name in NAMES if flags_of(name)} == set(NAMES) - {"portable", "neon"}


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
@pytest.mark.parametrize("name", NAMES)
def test_no_function_is_shared(name, compiler, tmp_path):
    path = compiler_for(name, compiler)
    if path is None or shutil.which("nm") is None:
        pytest.skip(f"needs nm, and {compiler} for the instructions of {name}")
    symbols = symbols_of(path, CORE / "kernels" / f"{name}.cpp", tmp_path, flags_of(name))
    assert any(re.search(r" [tT] .*preactivations", line) for line in symbols)
    assert shared(symbols) == []


@pytest.mark.parametrize(
    "code",
    [
        "#include <algorithm>\nint smaller(int a, int b) { return std::min(a, b); }",
        '#include "bits.hpp"\nnamespace bitlocal { inline bool odd(Word w) { return w & 1; } }\n'
        "bool ask(bitlocal::Word w) { return bitlocal::odd(w); }",
        "inline int counted = 0;\nint count() { return ++counted; }",
    ],
    ids=["a template of the library", "an inline function", "an inline variable"],
)
def test_what_is_shared_is_found(code, tmp_path):
    compiler = shutil.which("g++")
    if compiler is None or shutil.which("nm") is None:
        pytest.skip("needs nm and g++")
    source = tmp_path / "careless.cpp"
    source.write_text(code, encoding="utf-8")
    assert shared(symbols_of(compiler, source, tmp_path, [])) != []
