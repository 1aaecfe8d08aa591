"""`bitlocal export c` and `bitlocal export state`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bitlocal.cli.shared.console import byte_size, facts, out
from bitlocal.cli.shared.data import load_like
from bitlocal.cli.shared.outfile import require_writable
from bitlocal.datasets.match import prediction_part
from bitlocal.export import c as write_c
from bitlocal.export import write_state
from bitlocal.export.c99.encoder.features import TYPES
from bitlocal.export.c99.layouts import Layout
from bitlocal.export.c99.plan import MOST_BATCH_SIZE, Plan, make_plan
from bitlocal.export.c99.report import Cost, Operations, measure, missing, operations
from bitlocal.export.model import of
from bitlocal.files.atomic import write_file
from bitlocal.files.model import load_model

export = typer.Typer(help="Write a model as C99 source files for a device, or what it has learnt as a state.")

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
        int | None,
        typer.Option(min=1, max=MOST_BATCH_SIZE, help="Samples in a mini-batch on the device (default: the model's)."),
    ] = None,
    counter_bits: _CounterBits = None,
    features: Annotated[
        str | None,
        typer.Option(help=f"Type of a feature: {', '.join(TYPES)} (default: what suits)."),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Compile it by the cross compilers that are there; show what it costs.")
    ] = False,
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
    if report:
        header, source = (next(file for file in files if file.name == f"{prefix}.{kind}") for kind in "hc")
        plan = make_plan(of(classifier), batch_size=batch_size, counter_bits=counter_bits)
        out.print()
        out.print(_cost_table(measure(header.read_text(), source.read_text(), prefix), learn=learn))
        out.print(_NOTES, soft_wrap=True)
        for compiler, packages in missing():
            out.print(f"{compiler} is not there: on Debian, apt-get install {packages}", soft_wrap=True)
        out.print()
        out.print(facts(_work(operations(plan), plan, learn=learn)))


_NOTES = (
    "Bytes. Flash: code and constants that are reached from the functions of inference, and from those of learning and "
    "states. Context: what learning keeps in RAM. Stack: the deepest chain of calls, without the compiler's library."
)


def _cost_table(costs: list[Cost], *, learn: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    columns = ["flash, inference", "static RAM", "stack, inference"]
    if learn:
        columns += ["flash, learning", "context", "stack, learning"]
    table.add_column("target")
    table.add_column("level")
    for name in columns:
        table.add_column(name, justify="right")
    for cost in costs:
        if cost.error:
            table.add_row(cost.target, cost.level, f"cannot be compiled: {cost.error}")
            continue
        figures = [cost.flash_inference, cost.ram_static, cost.stack_inference]
        if learn:
            figures += [cost.flash_learning, cost.ram_context, cost.stack_learning]
        table.add_row(cost.target, cost.level, *(f"{figure:,}" for figure in figures))
    return table


def _work(work: Operations, plan: Plan, *, learn: bool) -> list[tuple[str, str]]:
    """Tell the operations of an inference and of learning from a sample."""
    rows = [
        ("synapses", f"{work.synapses:,}"),
        ("an inference", f"{work.inference_words:,} words of 32 bits to combine and count"),
    ]
    if work.readout:
        rows.append(("learned readout", f"{work.readout:,} integers of 16 bits to add up for each of these"))
    if not learn:
        return rows
    updates = f"at most {work.update_words:,} words of counters to change, of {work.planes} bit planes each"
    each = "sample" if plan.batch_size == 1 else f"mini-batch of {plan.batch_size}"
    if work.readout:
        updates += f"; at most {work.readout_updates:,} integers of the readout"
    return [
        *rows,
        ("learning from a sample", f"{work.learning_words:,} words to combine and count; {updates}"),
        ("reinforcement", f"{work.reinforced:,.0f} counters to change for each {each} that teaches, on average"),
    ]


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
