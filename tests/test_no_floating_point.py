"""The installed core, disassembled: no floating-point arithmetic on the way of training and inference."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bitlocal import _core

# Arithmetic, comparison and conversion. Moves and bitwise operations of vector registers are no arithmetic, whatever
# type their names mention; compilers use them for integers.
X86 = re.compile(
    r"v?(add|addsub|hadd|hsub|sub|mul|div|sqrt|max|min|rcp\d*|rsqrt\d*|round|rndscale|scalef|dp|reduce|range|getexp"
    r"|getmant|fixupimm|exp2|fpclass|dpbf16|cmp\w*|u?comi|fc?m(ul|add)c|fn?m(add|sub|addsub|subadd)(132|213|231)?)"
    r"(s[sdh]|p[sdh])[xyz]?"
    r"|v?cvt\w+|f(?!x|ence)\w+"
)
ARM64 = re.compile(r"f(?!mov)\w+|[su]cvtf")


def disassemble(path: Path) -> dict[str, list[str]]:
    """Mnemonics of each function by its mangled name."""
    text = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", str(path)], capture_output=True, text=True, check=True
    ).stdout
    functions: dict[str, list[str]] = {}
    for line in text.splitlines():
        if match := re.fullmatch(r"[0-9a-f]+ <(.+)>:", line):
            mnemonics = functions.setdefault(match[1], [])
        elif match := re.match(
            r"\s+[0-9a-f]+:\s+(?:(?:rep|repz|repnz|lock|notrack|bnd|data16|cs|\{\w+\})\s+)*(\S+)", line
        ):
            mnemonics.append(match[1])
    return functions


def floating_point(mnemonics: list[str], machine: str) -> set[str]:
    pattern = ARM64 if machine == "aarch64" else X86
    return {m for m in mnemonics if pattern.fullmatch(m)}


@pytest.fixture(scope="module")
def machine() -> str:
    if shutil.which("objdump") is None or Path(_core.__file__).suffix != ".so":
        pytest.skip("needs objdump and an ELF library")
    name = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}.get(platform.machine())
    if name is None:
        pytest.skip(f"knows the instructions of x86-64 and AArch64, not of {platform.machine()}")
    return name


def test_core_has_none(machine):
    core = {
        name: mnemonics
        for name, mnemonics in disassemble(Path(_core.__file__)).items()
        # Everything of namespace bitlocal, and of std with types of it, but not the bindings.
        if "8bitlocal" in name and "8nanobind" not in name and "8bindings" not in name
    }
    steps = ("7Trainer7forward", "5Dense7forward", "5Dense6update", "9reinforce", "8GapTable", "7Network6logits")
    for essential in steps:
        assert any(essential in name for name in core), f"{essential} was not found: nothing would be checked"
    kernels = [name for name in core if "12_GLOBAL__N_1" in name and "preactivations" in name]
    assert kernels
    assert sum(map(len, core.values())) > 1000
    found = {name: hits for name, mnemonics in core.items() if (hits := floating_point(mnemonics, machine))}
    assert not found


@pytest.mark.parametrize("name", ["vaddps", "vfnmadd213sd", "vcvttpd2qq", "vcmpneq_oqps", "vrsqrt14pd", "vfpclasspsz"])
def test_wide_arithmetic_is_known(name):
    """Names with AVX and AVX-512 prefixes and suffixes."""
    assert floating_point([name], "x86_64") == {name}


@pytest.mark.parametrize(
    "name", ["vpopcntq", "vpternlogq", "vpaddq", "vpmaxsw", "vxorps", "vshufps", "vmovups", "vpsadbw"]
)
def test_integers_and_moves_are_allowed(name):
    assert floating_point([name], "x86_64") == set()


def test_check_would_find_it(machine, tmp_path):
    """The same check on code that does use floating point."""
    compiler = shutil.which("c++") or shutil.which("g++")
    assert compiler is not None
    source = tmp_path / "float.cpp"
    source.write_text(
        'extern "C" double scale(double x, int n) { return x * 0.5 + n; }\n'
        'extern "C" bool less(float x, float y) { return x < y; }\n'
        'extern "C" long whole(double x) { return static_cast<long>(x); }\n'
    )
    library = tmp_path / "float.o"
    subprocess.run([compiler, "-O2", "-c", str(source), "-o", str(library)], check=True)
    functions = disassemble(library)
    for name in ("scale", "less", "whole"):
        assert floating_point(functions[name], machine), name
