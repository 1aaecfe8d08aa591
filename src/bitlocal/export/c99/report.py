"""What an export costs on real targets: compiled by the cross compilers that are there, and read from the objects."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bitlocal.export.c99.plan import Plan
from bitlocal.export.c99.texts import Texts

LEVELS = ("-Os", "-O2")
_FLAGS = ("-std=c99", "-ffunction-sections", "-fdata-sections", "-fstack-usage")
_INFERENCE = ("predict", "logits")
_LEARNING = ("init", "learn", "flush", "ctx_predict", "ctx_logits", "save", "load")


@dataclass(frozen=True)
class Target:
    """A processor and its compiler.

    Attributes
    ----------
    name : str
        For people.
    tools : str
        What the names of the compiler's tools begin with.
    flags : tuple of str
        That choose the processor.
    packages : str
        Debian's, which bring them.
    """

    name: str
    tools: str
    flags: tuple[str, ...]
    packages: str

    @property
    def compiler(self) -> str:
        """Name of the compiler."""
        return f"{self.tools}gcc"


_ARM = ("arm-none-eabi-", "gcc-arm-none-eabi libnewlib-arm-none-eabi")
TARGETS = (
    Target("Cortex-M0+", _ARM[0], ("-mcpu=cortex-m0plus", "-mthumb"), _ARM[1]),
    Target("Cortex-M3", _ARM[0], ("-mcpu=cortex-m3", "-mthumb"), _ARM[1]),
    Target("Cortex-M4", _ARM[0], ("-mcpu=cortex-m4", "-mthumb"), _ARM[1]),
    Target(
        "RV32IMC",
        "riscv64-unknown-elf-",
        ("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"),
        "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
    ),
    Target("ATmega2560", "avr-", ("-mmcu=atmega2560",), "gcc-avr avr-libc"),
    Target("this machine", "", (), "gcc binutils"),
)


@dataclass(frozen=True)
class Cost:
    """What an export costs on a target, in bytes.

    Attributes
    ----------
    target : str
    level : str
        Of optimisation.
    flash_inference, flash_learning : int
        Code and constants that the functions of inference, and those of learning, need.
    ram_static : int
        .data and .bss (on AVR also .rodata): 0, since all memory is the caller's.
    ram_context : int
        sizeof(NAME_ctx); 0 in an export that does not learn.
    stack_inference, stack_learning : int
        Deepest chain of calls from the function at the top, by the compiler's figures; functions of its library,
        such as memset, and the return addresses of some processors are not in it.
    error : str
        Why it could not be compiled; empty if it could.
    """

    target: str
    level: str
    flash_inference: int = 0
    flash_learning: int = 0
    ram_static: int = 0
    ram_context: int = 0
    stack_inference: int = 0
    stack_learning: int = 0
    error: str = ""


@dataclass(frozen=True)
class Operations:
    """Work from the shapes alone.

    Attributes
    ----------
    synapses : int
        Weights, and entries of the last local classifier, or of a learned readout.
    inference_words : int
        Words of 32 bits that an inference combines by XOR and counts.
    learning_words : int
        The same for a sample to learn from.
    update_words : int
        Words of counters that a sample changes at most, each of `planes` bit planes.
    planes : int
    reinforced : float
        Counters that reinforcement moves in a mini-batch, on average; each takes a random number of 64 bits.
    readout : int
        Integers of a learned readout that an inference adds up, and a sample to learn from, too.
    readout_updates : int
        Integers of a learned readout that a sample changes at most.
    """

    synapses: int
    inference_words: int
    learning_words: int
    update_words: int
    planes: int
    reinforced: float
    readout: int
    readout_updates: int


def operations(plan: Plan) -> Operations:
    """Count the work of an export.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    Operations
    """
    layers, last, n_classes = plan.layers, plan.layers[-1], plan.model.n_classes
    synapses = [one.layer.n_inputs * one.layer.n_neurons for one in layers]
    forward = sum(one.words for one in layers)
    votes = [n_classes * one.out_words for one in layers]
    return Operations(
        synapses=sum(synapses) + n_classes * last.layer.n_neurons,
        inference_words=forward + (0 if plan.readout_entries else votes[-1]),
        learning_words=forward + sum(votes),
        update_words=sum(one.groups * one.row_words for one in layers),
        planes=plan.n_planes,
        reinforced=sum(n * one.layer.reinforcement / 2**32 for n, one in zip(synapses, layers, strict=True)),
        readout=plan.readout_entries,
        readout_updates=2 * last.layer.n_neurons if plan.readout_entries else 0,
    )


def missing(targets: Iterable[Target] = TARGETS) -> list[tuple[str, str]]:
    """List compilers that are not on PATH, and the Debian packages that bring them.

    Parameters
    ----------
    targets : iterable of Target

    Returns
    -------
    list of (str, str)
        Compiler and packages.
    """
    return list(dict.fromkeys((t.compiler, t.packages) for t in targets if not _is_there(t)))


def measure(
    header: str, source: str, prefix: str, targets: Iterable[Target] = TARGETS, levels: Iterable[str] = LEVELS
) -> list[Cost]:
    """Compile an export for each target whose compiler is there, and read what it costs.

    Parameters
    ----------
    header, source : str
        Texts of NAME.h and NAME.c.
    prefix : str
        NAME.
    targets : iterable of Target
    levels : iterable of str
        Levels of optimisation.

    Returns
    -------
    list of Cost
        For each target and level.
    """
    costs = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / f"{prefix}.h").write_text(header)
        (folder / f"{prefix}.c").write_text(source)
        learns = f"{prefix}_init" in header
        size = f"sizeof({prefix}_ctx)" if learns else "1"
        (folder / "probe.c").write_text(Texts(prefix).fill("probe.c", size=size))
        for target in filter(_is_there, targets):
            for level in levels:
                try:
                    costs.append(_cost(folder, prefix, target, level, learns=learns))
                except _CannotCompileError as error:
                    costs.append(Cost(target.name, level, error=str(error)))
    return costs


class _CannotCompileError(Exception):
    pass


def _is_there(target: Target) -> bool:
    return all(shutil.which(f"{target.tools}{tool}") for tool in ("gcc", "objdump"))


def _cost(folder: Path, prefix: str, target: Target, level: str, *, learns: bool) -> Cost:
    model = _compile(folder, prefix, target, level)
    in_ram = (".data", ".bss", ".rodata") if target.tools == "avr-" else (".data", ".bss")
    inference = [f"{prefix}_{name}" for name in _INFERENCE]
    learning = [f"{prefix}_{name}" for name in _LEARNING] if learns else []
    return Cost(
        target.name,
        level,
        flash_inference=model.flash(inference),
        flash_learning=model.flash(learning),
        ram_static=sum(size for name, size in model.sizes.items() if name.startswith(in_ram)),
        ram_context=_compile(folder, "probe", target, level).symbol_size("probe") if learns else 0,
        stack_inference=model.stack(inference),
        stack_learning=model.stack(learning),
    )


@dataclass
class _Object:
    """What an object file tells: every function and every table has a section of its own."""

    sizes: dict[str, int] = field(default_factory=dict)  # of sections
    places: dict[str, str] = field(default_factory=dict)  # symbol -> section
    uses: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # section -> sections
    stacks: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # function -> bytes

    def symbol_size(self, name: str) -> int:
        return self.sizes[self.places[name]]

    def flash(self, functions: Iterable[str]) -> int:
        """Sum the sections that are reached from functions, as a linker with --gc-sections keeps them."""
        kept: set[str] = set()
        waiting = [self.places[name] for name in functions]
        while waiting:
            section = waiting.pop()
            if section not in kept:
                kept.add(section)
                waiting.extend(self.uses[section])
        return sum(self.sizes[section] for section in kept)

    def stack(self, functions: Iterable[str]) -> int:
        """Give the most that a chain of calls from one of the functions takes."""
        return max((self._depth(self.places[name]) for name in functions), default=0)

    def _depth(self, section: str) -> int:
        name = _plain_name(section.removeprefix(".text."))
        deeper = (self._depth(used) for used in self.uses[section] if used != section and used.startswith(".text"))
        return self.stacks[name] + max(deeper, default=0)


def _compile(folder: Path, name: str, target: Target, level: str) -> _Object:
    command = [target.compiler, *target.flags, level, *_FLAGS, "-c", f"{name}.c", "-o", f"{name}.o"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if "error:" in line] or result.stderr.splitlines() or [""]
        reason = lines[0].split("error:")[-1].strip()
        raise _CannotCompileError(f"{reason} (packages: {target.packages})" if ".h:" in reason else reason)
    listing = subprocess.run(
        [f"{target.tools}objdump", "-h", "-t", "-r", f"{name}.o"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = _read_listing(listing)
    for line in (folder / f"{name}.su").read_text().splitlines() if (folder / f"{name}.su").exists() else []:
        place, size, _ = line.split("\t")
        function = _plain_name(place.split(":")[-1])
        found.stacks[function] = max(found.stacks[function], int(size))
    return found


def _read_listing(listing: str) -> _Object:
    """Read what objdump prints: sections, symbols and, section by section, what they refer to."""
    found = _Object()
    section = ""
    for line in listing.splitlines():
        if match := re.match(r"\s*\d+ (\.\S+)\s+([0-9a-f]{8,16})\s", line):
            found.sizes[match[1]] = int(match[2], 16)
        elif match := re.match(r"[0-9a-f]{8,16} .{7} (\.\S+)\s+[0-9a-f]+\s+(?:\.hidden )?(\S+)$", line):
            found.places[match[2]] = match[1]
        elif match := re.match(r"RELOCATION RECORDS FOR \[(\S+)\]", line):
            section = match[1]
        elif section and (match := re.match(r"[0-9a-f]{8,16} \S+\s+([.\w$]+)", line)):
            used = found.places.get(match[1], match[1])
            if used in found.sizes:
                found.uses[section].add(used)
    return found


def _plain_name(function: str) -> str:
    """Drop what compilers append to the names of functions that they have specialised."""
    return function.split(".")[0]
