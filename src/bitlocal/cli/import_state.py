"""`bitlocal import-state`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bitlocal.cli.shared.console import out
from bitlocal.cli.shared.outfile import require_writable
from bitlocal.export import read_state
from bitlocal.files.model import load_model, save


def import_state(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The model file that was exported.")],
    blob: Annotated[Path, typer.Argument(metavar="BLOB", help="What the device saved.")],
    out_file: Annotated[Path, typer.Option("--out", help="File for the model with what the device has learnt.")],
) -> None:
    """Read what a device has learnt since MODEL was exported, and write it as a model."""
    require_writable(out_file, model, blob)
    loaded = load_model(model)
    learnt = read_state(blob.read_bytes(), loaded.classifier)
    save(learnt, out_file, data=loaded.data)
    since = learnt.network_.state.step - loaded.classifier.network_.state.step
    out.print(f"{out_file}: {since} mini-batches more than {model}", soft_wrap=True)
