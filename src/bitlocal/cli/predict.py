"""`bitlocal predict`."""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path
from typing import Annotated, TextIO

import joblib
import numpy as np
import typer

from bitlocal.cli.data import load_data, prediction_part
from bitlocal.modelfile import load_model


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="Name of a data set, or a file; a column of labels in it is ignored.")
    ],
    target: Annotated[str | None, typer.Option(help="Column to ignore (default: as in training).")] = None,
    logits: Annotated[bool, typer.Option("--logits", help="Print logits, as CSV with the classes on top.")] = False,
    out_file: Annotated[Path | None, typer.Option("--out", help="File to write to (default: stdout).")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; the result is the same (default: all).")] = None,
) -> None:
    """Print the predicted label of each sample of DATA (of its test split, where it has one), one a line."""
    loaded = load_model(model)
    classifier = loaded.classifier.set_params(n_jobs=threads or joblib.cpu_count())
    if target is None and loaded.data is not None:
        target = loaded.data.target
    dataset = load_data(data, target, seed=loaded.data.split_seed if loaded.data else 0, require_target=False)
    X = prediction_part(dataset, loaded)
    if logits:
        scores = classifier.decision_function(X)
        if scores.ndim == 1:  # two classes: the second logit less the first
            scores, header = scores[:, np.newaxis], [f"{classifier.classes_[1]} - {classifier.classes_[0]}"]
        else:
            header = [str(label) for label in classifier.classes_]
        rows = [header, *scores.tolist()]
    else:
        rows = [[label] for label in classifier.predict(X).tolist()]
    if out_file is None:
        _write(rows, sys.stdout)
        return
    # Whole or not at all.
    with tempfile.TemporaryDirectory(dir=out_file.parent) as folder:
        part = Path(folder) / "part"
        with part.open("w", newline="", encoding="utf-8") as file:
            _write(rows, file)
        part.replace(out_file)


def _write(rows: list[list[object]], file: TextIO) -> None:
    csv.writer(file, lineterminator="\n").writerows(rows)
