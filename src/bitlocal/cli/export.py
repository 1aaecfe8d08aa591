"""`bitlocal export c` and `bitlocal export state`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from bitlocal.cli.console import byte_size, out
from bitlocal.cli.data import load_like, prediction_part
from bitlocal.cli.outfile import require_writable
from bitlocal.export import c as write_c
from bitlocal.export import write_state
from bitlocal.modelfile import load_model, write_file

export = typer.Typer(help="Write a model as C99 source files for a device, or what it has learnt as a state.")


class Layout(str, Enum):
    """What `bitlocal.export.c` takes as layout."""

    plain = "plain"
    cmake = "cmake"
    make = "make"
    arduino = "arduino"


_ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")]
_CounterBits = Annotated[
    int | None,
    typer.Option(min=2, max=16, help="Bits of a counter on the device (default: as few as the model's clip allows)."),
]


@export.command("c")
def export_c(
    model: _ModelFile,
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the files; made if it is not there.")],
    learn: Annotated[bool, typer.Option("--learn", help="Write what learning on the device needs, too.")] = False,
    prefix: Annotated[str, typer.Option(help="What the names of files and functions begin with.")] = "bmlp",
    layout: Annotated[
        Layout, typer.Option(help="Which files: the source alone, with a program and its build, or as a library.")
    ] = Layout.plain,
    samples: Annotated[
        str | None,
        typer.Option(metavar="DATA", help="Data of which the program has the first 5 samples (default: made up)."),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, max=4096, help="Samples in a mini-batch on the device (default: the model's).")
    ] = None,
    counter_bits: _CounterBits = None,
    features: Annotated[
        str | None,
        typer.Option(help="Type of a feature: uint8, int8, uint16, int16, int32 or float (default: what suits)."),
    ] = None,
) -> None:
    """Write MODEL as C99 source files that infer and, with --learn, go on learning, without floating point."""
    loaded = load_model(model)
    classifier = loaded.classifier
    rows = None if samples is None else prediction_part(load_like(loaded, samples, None, require_target=False))[:5]
    files = write_c(
        classifier,
        out_folder,
        learn=learn,
        prefix=prefix,
        layout=layout.value,
        samples=rows,
        batch_size=batch_size,
        counter_bits=counter_bits,
        features=features,
    )
    for file in files:
        out.print(f"{file}, {byte_size(file.stat().st_size)}", soft_wrap=True)


@export.command("state")
def export_state(
    model: _ModelFile,
    out_file: Annotated[Path, typer.Option("--out", help="File for the state.")],
    counter_bits: _CounterBits = None,
) -> None:
    """Write what MODEL has learnt as the state that a device with the same model loads."""
    require_writable(out_file, model)
    blob = write_state(load_model(model).classifier, counter_bits=counter_bits)
    write_file(out_file, blob)
    out.print(f"{out_file}, {byte_size(len(blob))}", soft_wrap=True)
