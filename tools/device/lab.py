"""Compile C for small machines, run it there under emulation, and read what it takes in flash and RAM.

    program = build(CORTEX_M3, ["loop.c"], Path("build/loop"))
    program.flash, program.ram, program.run(counted=True)

A program is C that uses board.h; the target's board_*.c has its start-up code. exported.py builds programs around
exported networks: driver.c does what it is asked to, minimal.c is the smallest one.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
_WARNINGS = ("-Wall", "-Wextra", "-Werror")
# A program in which every function and table stands alone, so that the linker leaves out those that nothing uses.
_COMMON = ("-std=gnu11", *_WARNINGS, "-ffunction-sections", "-fdata-sections", f"-I{HERE}")
_QEMU = ("-display", "none", "-monitor", "none", "-serial", "stdio", "-semihosting-config", "enable=on,target=native")
# QEMU's clock counts instructions: a nanosecond each.
_COUNTED = ("-icount", "shift=0")
_SECTIONS_IN_FLASH = (".text", ".rodata", ".data", ".ARM.exidx")
_SECTIONS_IN_RAM = (".data", ".bss", ".noinit")


@dataclass(frozen=True)
class Target:
    """A machine, with what compiles for it and what emulates it.

    `packages` names the Debian packages of the tools, for those who lack one.
    """

    name: str
    prefix: str
    compile_flags: tuple[str, ...]
    link_flags: tuple[str, ...]
    board: str
    emulator: tuple[str, ...]
    packages: str
    input_is_compiled_in: bool = False

    def missing(self) -> str | None:
        """Say which tools are not there, and where they come from; None if all are."""
        tools = [f"{self.prefix}gcc", f"{self.prefix}size", *self.emulator[:1]]
        lacking = [tool for tool in tools if shutil.which(tool) is None]
        return f"no {', '.join(lacking)}: on Debian, apt-get install {self.packages}" if lacking else None


CORTEX_M3 = Target(
    "Cortex-M3",
    "arm-none-eabi-",
    ("-mcpu=cortex-m3", "-mthumb", "--specs=nano.specs"),
    ("-nostartfiles", "-T", str(HERE / "arm.ld")),
    "board_arm.c",
    ("qemu-system-arm", "-M", "mps2-an385", *_QEMU),
    "gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm",
)
RV32 = Target(
    "RV32IMC",
    "riscv64-unknown-elf-",
    ("-march=rv32imc_zicsr", "-mabi=ilp32", "-mcmodel=medany", "--specs=picolibc.specs"),
    # The C library is packaged for RV32IM, not for RV32IMC: it is linked as such.
    ("-march=rv32im", "-nostartfiles", "-T", str(HERE / "riscv.ld")),
    "board_riscv.c",
    ("qemu-system-riscv32", "-M", "virt", "-cpu", "rv32,a=false,f=false,d=false", "-bios", "none", *_QEMU),
    "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc",
)
AVR = Target(
    "ATmega1284P",
    "avr-",
    ("-mmcu=atmega1284p", "-DF_CPU=16000000UL"),
    (),
    "board_avr.c",
    ("simavr", "-m", "atmega1284p", "-f", "16000000"),
    "gcc-avr binutils-avr avr-libc simavr",
    input_is_compiled_in=True,
)
HOST = Target("host", "", (), (), "board_host.c", (), "gcc")
TARGETS = (CORTEX_M3, RV32, AVR)


class LabError(RuntimeError):
    """A program did not compile, or did not end as it should."""


@dataclass(frozen=True)
class Program:
    """A program as it was linked.

    `flash` is code, constants and what variables start from; `ram` is variables, without the stack.
    """

    target: Target
    elf: Path
    flash: int
    ram: int

    def run(self, requests: bytes = b"", *, counted: bool = False, timeout: float = 300) -> str:
        """Run it with `requests` as its input, and give what it wrote to the serial port.

        With `counted`, the emulator's clock counts instructions, which takes it longer.

        Raises
        ------
        LabError
            If the program does not end, or ends with an error.
        """
        if self.target.input_is_compiled_in and requests:
            raise ValueError(
                f"a program for {self.target.name} has its input compiled in: use build(..., requests=...)"
            )
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "input").write_bytes(requests)
            if self.target is HOST:
                command = [str(self.elf)]
            elif self.target is AVR:
                command = [*self.target.emulator, str(self.elf)]
            else:
                command = [*self.target.emulator, *(_COUNTED if counted else ()), "-kernel", str(self.elf)]
            try:
                ended = subprocess.run(
                    command, cwd=folder, capture_output=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL
                )
            except subprocess.TimeoutExpired as error:
                raise LabError(f"{self.elf.name} did not end within {timeout} s") from error
        text = ended.stdout.decode("ascii", "replace")
        code = ended.returncode
        if self.target is AVR:
            text, code = _from_simavr(ended.stderr.decode("ascii", "replace"))
        if code != 0:
            said = f"it wrote {text[-500:]!r} and {ended.stderr[-500:]!r}"
            raise LabError(f"{self.elf.name} ended with {code}; {said}")
        return text


def build(
    target: Target,
    sources: Sequence[str | Path],
    out: Path,
    *,
    optimise: str = "-O2",
    defines: Sequence[str] = (),
    include: Sequence[str | Path] = (),
    requests: bytes = b"",
    minimal: bool = False,
    name: str = "program",
    libraries: Sequence[str] = (),
) -> Program:
    """Compile and link a program for a machine.

    Parameters
    ----------
    target : Target
    sources : sequence of str or Path
        C files; names without a folder are those of tools/device. The board's own files are added.
    out : Path
        Folder for the program and its map, made if need be.
    optimise : str, default="-O2"
    defines : sequence of str
        As in "LEARN".
    include : sequence of str or Path
        Folders of headers.
    requests : bytes
        The input, where it has to be compiled in.
    minimal : bool, default=False
        Whether the board has start-up code alone: neither a serial port nor files.
    name : str, default="program"
    libraries : sequence of str
        As in "-lm".

    Returns
    -------
    Program

    Raises
    ------
    LabError
        If the compiler or linker complain.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = [HERE / source if isinstance(source, str) else source for source in sources]
    files += [HERE / target.board] if minimal else [HERE / target.board, HERE / "board.c"]
    if target.input_is_compiled_in and not minimal:
        files.append(_compiled_in(requests, out))
    defines = [*defines, "BOARD_MINIMAL"] if minimal else list(defines)
    flags = [*_COMMON, optimise, *(f"-D{define}" for define in defines), *(f"-I{folder}" for folder in include)]
    compiler = f"{target.prefix}gcc"
    objects = []
    for i, file in enumerate(files):
        objects.append(str(out / f"{name}-{i}-{file.stem}.o"))
        _do([compiler, *target.compile_flags, *flags, "-c", str(file), "-o", objects[-1]])
    elf = out / f"{name}.elf"
    link = [f"-Wl,-Map={out / name}.map", "-Wl,--gc-sections", *objects, *libraries, "-o", str(elf)]
    _do([compiler, *target.compile_flags, *target.link_flags, *link])
    sizes = section_sizes(target, elf)
    flash = sum(size for section, size in sizes.items() if section in _SECTIONS_IN_FLASH)
    ram = sum(size for section, size in sizes.items() if section in _SECTIONS_IN_RAM)
    return Program(target, elf, flash, ram)


def section_sizes(target: Target, elf: Path) -> dict[str, int]:
    """Give the sections of a program with their sizes in bytes."""
    listing = _do([f"{target.prefix}size", "-A", str(elf)])
    return {name: int(size) for name, size in re.findall(r"^(\.\S+)\s+(\d+)", listing, re.MULTILINE)}


def disassembly(target: Target, elf: Path) -> str:
    """Give the instructions of a program."""
    return _do([f"{target.prefix}objdump", "-d", "--no-show-raw-insn", str(elf)])


def request(kind: str, samples: bytes = b"", count: int = 0) -> bytes:
    """Put together a request of driver.c: a letter, the number of samples (or bytes), and these."""
    return kind.encode("ascii") + struct.pack("<I", count) + samples


def _do(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    if done.returncode:
        raise LabError(f"{' '.join(command)}\n{done.stderr[-3000:]}")
    return done.stdout


def _compiled_in(requests: bytes, out: Path) -> Path:
    """Write the input as a C file for AVR, whose arrays end at 32767 bytes."""
    if len(requests) > 32767:
        raise ValueError(f"an input of {len(requests)} bytes: an array of AVR holds 32767")
    file = out / "input.c"
    numbers = ",".join(map(str, requests or b"\0"))
    file.write_text(
        "#include <avr/pgmspace.h>\n#include <stdint.h>\n"
        "extern const uint8_t board_input[];\nextern const uint16_t board_input_size;\n"
        f"const uint8_t board_input[] PROGMEM = {{{numbers}}};\n"
        f"const uint16_t board_input_size = {len(requests)}u;\n"
    )
    return file


def _from_simavr(text: str) -> tuple[str, int]:
    """Undo what simavr makes of the serial port, and give the code that board_exit wrote.

    Pieces of a line come in colour, each on a line of its own, with a dot for what cannot be printed: the end of
    a line, since our programs write neither dots nor anything else that is not printed.
    """
    pieces = re.findall(r"^\x1b\[32m(.*)$", text.replace("\x1b[0m", ""), re.MULTILINE)
    written = "".join(pieces).replace(".", "\n")
    before, found, code = written.rpartition("\nexit ")
    return (before, int(code)) if found else (written, 1)
