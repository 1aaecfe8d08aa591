"""The option --isa, which several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

from bitlocal.processor import use_instruction_set


def _use(name: str | None) -> str | None:
    if name is not None:
        use_instruction_set(name)
    return name


# Acts as soon as it is read; the command has no more to do with it.
Isa = Annotated[
    str | None,
    typer.Option(
        "--isa",
        metavar="NAME",
        callback=_use,
        help="Instruction set, see 'bitlocal info --cpu'; the result is the same (default: the best supported).",
    ),
]
