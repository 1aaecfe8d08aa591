"""`bitlocal predict`."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import typer

from bitlocal.cli.shared.data import Encoding, Resize, load_like, open_model
from bitlocal.cli.shared.isa import Isa
from bitlocal.cli.shared.outfile import require_writable
from bitlocal.datasets.match import prediction_part
from bitlocal.errors import DataError
from bitlocal.files.atomic import write_file


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Name of a data set, or a file, in which a column of labels is ignored, or a folder or .zip file of "
            "images, with or without folders for classes.",
        ),
    ],
    target: Annotated[str | None, typer.Option(help="Column to ignore (default: as in training).")] = None,
    logits: Annotated[bool, typer.Option("--logits", help="Print logits, as CSV with the classes on top.")] = False,
    probabilities: Annotated[
        bool,
        typer.Option(
            "--probabilities",
            help="Print probabilities, as CSV with the classes on top (of a model that was "
            "trained with --probability).",
        ),
    ] = False,
    files: Annotated[
        bool, typer.Option("--files", help="Name the file of each sample before it, where it has one (images).")
    ] = False,
    out_file: Annotated[Path | None, typer.Option("--out", help="File to write to (default: stdout).")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Threads; the result is the same (default: all).")
    ] = None,
    encoding: Encoding = "utf-8",
    resize: Resize = None,
    isa: Isa = None,
) -> None:
    """Print the predicted label of each sample of DATA (of its test split, where it has one), one a line."""
    if out_file is not None:
        require_writable(out_file, model, data)
    loaded = open_model(model, threads)
    classifier = loaded.classifier
    dataset = load_like(loaded, data, target, require_target=False, encoding=encoding, resize=resize)
    X = prediction_part(dataset)
    if files and dataset.files is None:
        raise DataError(f"{dataset.name}: --files names the files of images, and these samples have none; leave it out")
    if logits and probabilities:
        raise DataError("--logits and --probabilities: choose one")
    if probabilities:
        if not hasattr(classifier, "predict_proba"):
            raise DataError(f"{model}: this model has no probabilities; train it again with --probability")
        estimates = classifier.predict_proba(X)
        rows = [list(map(str, classifier.classes_)), *[[f"{p:.6g}" for p in row] for row in estimates.tolist()]]
    elif logits:
        scores, header = classifier.logits(X), [str(label) for label in classifier.classes_]
        if len(header) == 2:  # the second logit less the first
            scores, header = scores[:, 1:] - scores[:, :1], [f"{header[1]} - {header[0]}"]
        rows = [header, *scores.tolist()]
    else:
        rows = [[label] for label in classifier.predict(X).tolist()]
    if files and dataset.files is not None:
        names = ["file", *dataset.files] if logits or probabilities else dataset.files
        rows = [[name, *row] for name, row in zip(names, rows, strict=True)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    if out_file is None:
        print(text.getvalue(), end="")
    else:
        write_file(out_file, text.getvalue().encode())
