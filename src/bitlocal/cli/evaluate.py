"""`bitlocal evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table
from sklearn.metrics import precision_recall_fscore_support

from bitlocal.cli.shared.console import facts, out, printable
from bitlocal.cli.shared.data import Encoding, Resize, load_like, open_model
from bitlocal.cli.shared.isa import Isa
from bitlocal.datasets.match import labels_like, test_part


def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="Name of a data set, or a file or folder, as for train.")],
    target: Annotated[str | None, typer.Option(help="Column that holds the labels (default: as in training).")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Use all samples, also those that the model was trained on.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Threads; the result is the same (default: all).")
    ] = None,
    encoding: Encoding = "utf-8",
    resize: Resize = None,
    isa: Isa = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Measure the accuracy of MODEL on the test samples of DATA.

    These are the data's own test split, or what training held out if DATA is what the model was trained on, or else
    all of DATA.
    """
    loaded = open_model(model, threads)
    classifier = loaded.classifier
    dataset = load_like(loaded, data, target, encoding=encoding, resize=resize)
    part = test_part(dataset, loaded.data, everything=everything)
    y = labels_like(part.y, classifier.classes_, dataset.name)
    predicted = classifier.predict(part.X)
    accuracy = float(np.mean(predicted == y))
    precision, recall, f1, support = precision_recall_fscore_support(
        y, predicted, labels=classifier.classes_, zero_division=0
    )
    if as_json:
        classes = [
            {"class": label, "samples": int(n), "precision": float(p), "recall": float(r), "f1": float(f)}
            for label, n, p, r, f in zip(classifier.classes_.tolist(), support, precision, recall, f1, strict=True)
        ]
        report = {
            "dataset": dataset.name,
            "part": part.origin,
            "samples": len(y),
            "accuracy": accuracy,
            "classes": classes,
        }
        print(json.dumps(report))
        return
    out.print(facts([("data", f"{dataset.name}, {part.origin}: {len(y)} samples"), ("accuracy", f"{accuracy:.2%}")]))
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("class")
    for name in ("samples", "precision", "recall", "F1"):
        table.add_column(name, justify="right")
    for label, n, p, r, f in zip(classifier.classes_, support, precision, recall, f1, strict=True):
        table.add_row(printable(str(label)), str(n), f"{p:.2%}", f"{r:.2%}", f"{f:.2%}")
    out.print()
    out.print(table)
