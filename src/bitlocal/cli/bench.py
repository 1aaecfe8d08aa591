"""`bitlocal bench`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bitlocal.cli.shared.console import err, facts, out
from bitlocal.cli.shared.outfile import require_writable
from bitlocal.lab.bench import QUICK, Prediction, Results, Settings, Spread, Threads, Training, measure


def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="Measure little, on synthetic data: for a first look; not to be quoted.")
    ] = False,
    threads: Annotated[int | None, typer.Option(min=1, max=1024, help="Most threads to try (default: all).")] = None,
    out_file: Annotated[Path | None, typer.Option("--out", help="File for the results, as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Measure how fast this machine infers and trains, and how near that is to its XNOR + popcount peak.

    Leave the machine alone meanwhile. Figures are medians with quartiles in parentheses.
    """
    if out_file is not None:
        require_writable(out_file)
    settings = QUICK if quick else Settings()
    if err.is_terminal:
        with err.status("measuring") as status:
            results = measure(settings, max_threads=threads, report=lambda what: status.update(f"measuring: {what}"))
    else:
        results = measure(settings, max_threads=threads)
    text = json.dumps(results.to_dict())
    if out_file is not None:
        out_file.write_text(text + "\n", encoding="utf-8")
    if as_json:
        print(text)
    else:
        _show(results)


def _show(results: Results) -> None:
    machine = results.machine
    out.print(
        facts(
            [
                ("processor", f"{machine.processor}, {machine.cores} {'core' if machine.cores == 1 else 'cores'}"),
                ("system", f"{machine.system}, Python {machine.python}, {machine.compiler}"),
                ("instruction set", machine.isa),
            ]
        )
    )
    _show_forward(results)
    _show_training(results.training)
    _show_prediction(results.prediction)
    _show_threads(results.threads, same=results.same_hidden_sha256)


def _show_forward(results: Results) -> None:
    table = _table("one thread", "Tbit/s", "of the peak")
    for peak in results.peaks:
        table.add_row(f"XNOR + popcount on registers, {peak.isa}", _spread(peak.tbit_per_s), "")
    for forward in results.forward:
        table.add_row(
            f"forward {forward.n_inputs}×{forward.n_neurons}, batch {forward.batch_size}",
            _spread(forward.tbit_per_s),
            _spread(forward.share_of_peak, "{:.0%}"),
        )
    _print(table)


def _show_training(training: Training) -> None:
    shape = "-".join(map(str, training.layer_sizes))
    table = _table(f"training {shape}, one thread", "ms an epoch", "of the epoch")
    whole = training.seconds.median
    rows = {"epoch": training.seconds, **training.phase_seconds, "forward passes alone": training.forward_seconds}
    for name, seconds in rows.items():
        label = name.replace("_", " ") if name in ("epoch", "forward passes alone") else f"  {name.replace('_', ' ')}"
        table.add_row(label, _spread(seconds, "{:.4g}", 1e3), f"{seconds.median / whole:.0%}")
    _print(table)
    times = f"{_spread(training.times_forward, '{:.2f}')} times its forward passes alone"
    out.print(
        f"{_spread(training.samples_per_s, '{:,.0f}')} samples/s; an epoch takes {times}\n"
        f"({training.n_samples} samples, {training.data}; groups of {training.group_size}; "
        f"batches of {training.batch_size})"
    )


def _show_prediction(prediction: Prediction) -> None:
    table = _table("prediction, one thread", "")
    for label, spread, unit in (
        ("one sample, within the core", prediction.core_us, "µs"),
        ("one sample, BinaryNetwork.logits", prediction.network_us, "µs"),
        ("one sample, BMLPClassifier.predict, packed bits", prediction.classifier_us, "µs"),
        ("one sample, BMLPClassifier.predict, features", prediction.classifier_features_us, "µs"),
        ("many samples, packed bits", prediction.bulk_per_s, "samples/s"),
        ("many samples, features", prediction.bulk_features_per_s, "samples/s"),
    ):
        table.add_row(label, f"{_spread(spread, '{:.1f}' if unit == 'µs' else '{:,.0f}')} {unit}")
    _print(table)


def _show_threads(threads: tuple[Threads, ...], *, same: bool) -> None:
    table = _table("threads", "ms an epoch", "speed-up", "of inference alone", "of the peak", "hidden_sha256")
    for entry in threads:
        table.add_row(
            str(entry.threads),
            _spread(entry.epoch_seconds, "{:.4g}", 1e3),
            _spread(entry.epoch_speedup, "{:.2f}"),
            _spread(entry.forward_speedup, "{:.2f}"),
            _spread(entry.peak_speedup, "{:.2f}"),
            entry.hidden_sha256[:16],
        )
    _print(table)
    out.print(
        "The weights are the same, bit for bit." if same else "THE WEIGHTS DIFFER: this is a bug, please report it."
    )


def _table(first: str, *columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="left" if column == "hidden_sha256" else "right", no_wrap=True)
    return table


def _print(table: Table) -> None:
    out.print()
    out.print(table)


def _spread(spread: Spread, form: str = "{:.3f}", factor: float = 1) -> str:
    median, q1, q3 = (form.format(factor * value) for value in (spread.median, spread.q1, spread.q3))
    return f"{median} ({q1} to {q3})"
