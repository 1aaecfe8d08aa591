"""The files of a report. The same results give the same files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bitlocal.lab.studies.reporting.runs import Report
from bitlocal.lab.studies.running.cells import Cell
from bitlocal.lab.studies.running.store import Result

_COSTS = ("training_memory_bits", "published_memory_bits", "inference_memory_bits", "training_gates", "inference_gates")


def write_report(out: Path, reports: Sequence[Report], html: str) -> None:
    """Write tables, figures and the page; those of an earlier run that are not made any more are removed."""
    written = set()
    for folder in ("tables", "figures"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for made in reports:
        for table in made.tables:
            written.add(_write(out / "tables" / f"{table.name}.md", table.markdown().encode()))
        for figure in made.figures:
            written.add(_write(out / "figures" / f"{figure.name}.svg", figure.svg))
            written.add(_write(out / "figures" / f"{figure.name}.png", figure.png))
    for folder, kinds in (("tables", (".md",)), ("figures", (".svg", ".png"))):
        for old in sorted((out / folder).iterdir()):
            if old.suffix in kinds and old not in written:
                old.unlink()
    _write(out / "index.html", html.encode())


def write_results(
    out: Path, results: Mapping[Cell, Result], studies: Mapping[Cell, Sequence[str]], command: str
) -> None:
    """Write results.csv, a line a cell, and results.json, with epochs."""
    cells = sorted(results, key=_order)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    columns = ["data", "method", "network", "part", "inputs", "encoder", "settings", "seed", "epochs", "samples"]
    columns += ["classes", "train_accuracy", "accuracy", *_COSTS, "seconds", "studies", "digest"]
    writer.writerow(columns)
    environments: list[dict[str, str]] = []
    lines = []
    for cell in cells:
        result = results[cell]
        writer.writerow(
            [
                cell.data,
                cell.method,
                "-".join(map(str, cell.hidden)),
                cell.part,
                cell.inputs,
                cell.encoder or "",
                " ".join(f"{name}={value:g}" for name, value in cell.settings),
                cell.seed,
                cell.epochs,
                result["n_train"],
                "" if cell.classes is None else " ".join(map(str, cell.classes)),
                f"{result['train_accuracy']:.6f}",
                f"{result['accuracy']:.6f}",
                *("" if result["costs"] is None else result["costs"][name] for name in _COSTS),
                f"{result['seconds']:.2f}",
                " ".join(studies[cell]),
                cell.digest,
            ]
        )
        if result["environment"] not in environments:
            environments.append(result["environment"])
        line: dict[str, Any] = {**result, "environment": environments.index(result["environment"])}
        lines.append(json.dumps(line, sort_keys=True))
    _write(out / "results.csv", table.getvalue().encode())
    head = json.dumps({"command": command, "environments": environments}, sort_keys=True)
    # A line a cell: a new result changes one line.
    body = head[:-1] + ', "cells": [\n' + ",\n".join(lines) + "\n]}\n"
    _write(out / "results.json", body.encode())


def _order(cell: Cell) -> tuple[Any, ...]:
    return (
        cell.data,
        cell.method,
        cell.hidden,
        cell.part,
        cell.inputs,
        cell.samples or 0,
        cell.settings,
        cell.seed,
        (cell.digest),
    )


def _write(path: Path, content: bytes) -> Path:
    """Replace a file as a whole."""
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(content)
    unfinished.replace(path)
    return path
