"""Studies of what happens during training, and of memory: tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from bitlocal.lab.methods import FLOAT
from bitlocal.lab.studies.costs import budget, samples_at_equal_memory, ways_to_keep
from bitlocal.lab.studies.definitions import SHAPES, TWO_LAYERS, row_name
from bitlocal.lab.studies.plan import Run
from bitlocal.lab.studies.reporting import figures, tables
from bitlocal.lab.studies.reporting.comparisons import comparison_table, draw_rows
from bitlocal.lab.studies.reporting.figures import Mark
from bitlocal.lab.studies.reporting.runs import (
    EPOCH,
    REFERENCE,
    SPREAD,
    Report,
    by_data_and_row,
)
from bitlocal.lab.studies.reporting.statistics import summarise
from bitlocal.lab.studies.reporting.tables import Table
from bitlocal.lab.studies.running.execute import BIN_WIDTH, PERCENTILES
from bitlocal.lab.studies.running.methods import LABELS


def errors(made: Report, runs: Sequence[Run]) -> None:
    """Follow error signals over training."""
    table = Table(
        made.name,
        made.title,
        ("data", "row", "layer", "n", "first epoch", "middle epoch", "last epoch"),
        [],
        [f"Share of samples with an error signal. {SPREAD}"],
    )
    panels: dict[str, dict[str, list[Mark]]] = {}
    for label, rows in by_data_and_row(runs).items():
        panels[label] = {}
        for row, group in rows.items():
            for layer in range(len(group[0].cell.hidden)):
                shares = [[epoch["error_share"][layer] for epoch in run.result["epochs"]] for run in group]
                by_epoch = [summarise(values) for values in zip(*shares, strict=True)]
                table.rows.append(
                    (
                        label,
                        row,
                        str(layer + 1),
                        str(len(group)),
                        *(tables.accuracy(by_epoch[i]) for i in (0, len(by_epoch) // 2, -1)),
                    )
                )
                panels[label][f"{row}, layer {layer + 1}"] = [
                    Mark(epoch, 100 * summary.mean, None if summary.deviation is None else 100 * summary.deviation)
                    for epoch, summary in enumerate(by_epoch, 1)
                ]
    made.tables.append(table)
    if figures.can_draw():
        made.figures.append(
            figures.lines(
                made.name,
                "Share of samples with an error signal",
                panels,
                x_label=EPOCH,
                y_label="samples with an error signal (%)",
                marks=False,
            )
        )


def weights(made: Report, runs: Sequence[Run]) -> None:
    """Follow hidden weights over training."""
    table = Table(
        made.name,
        made.title,
        ("data", "row", "layer", "epoch", *(f"percentile {p}" for p in PERCENTILES)),
        [],
        ["Distance of the hidden weights from zero, |H|, at which a weight flips; one seed. Epoch 0 is the beginning."],
    )
    panels: dict[str, list[list[int]]] = {}
    histograms: dict[str, dict[str, list[Mark]]] = {}
    for run in runs:
        steps = run.result["weights"]
        for layer in range(len(run.cell.hidden)):
            label = f"{run.entry.facts.label}, {'-'.join(map(str, run.cell.hidden))}, layer {layer + 1}"
            panels[label] = [step[layer]["percentiles"] for step in steps]
            histograms[label] = {}
            # Up to where all but a thousandth of the last weights are.
            last = np.cumsum(steps[-1][layer]["histogram"])
            shown = int(np.searchsorted(last, 0.999 * last[-1])) + 1
            for epoch in dict.fromkeys((0, 1, len(steps) // 2, len(steps) - 1)):
                counted = steps[epoch][layer]["histogram"]
                histograms[label][f"epoch {epoch}"] = [
                    Mark((i + 0.5) * BIN_WIDTH, 100 * n / sum(counted)) for i, n in enumerate(counted[:shown])
                ]
                table.rows.append(
                    (
                        run.entry.facts.label,
                        run.entry.row,
                        str(layer + 1),
                        str(epoch),
                        *map(str, panels[label][epoch]),
                    )
                )
    made.tables.append(table)
    if figures.can_draw():
        made.figures.append(
            figures.lines(
                f"{made.name}-histogram",
                "Distribution of the hidden weights",
                histograms,
                x_label="distance from zero, |H|",
                y_label="weights (%)",
                marks=False,
            )
        )
        made.figures.append(
            figures.bands(
                made.name,
                made.title,
                panels,
                x_label=EPOCH,
                y_label="distance from zero, |H|",
                percentiles=PERCENTILES,
            )
        )


def memory(made: Report, runs: Sequence[Run]) -> None:
    """Compare at equal memory."""
    same_widths = {
        run.entry.row: row_name("bmlp", run.cell.hidden)
        for run in runs
        if run.entry.row != row_name("bmlp", TWO_LAYERS)
    }
    note = f"The other row is BMLP of the same widths; for {row_name('bmlp', TWO_LAYERS)!r} it is {REFERENCE!r}."
    made.tables.append(comparison_table(made, runs, REFERENCE, note, same_widths))
    draw_rows(made, runs, REFERENCE)
    table = Table(
        "memory-room",
        "Samples that fit into the memory of BMLP",
        ("data", "network", "memory of BMLP", "method", "values kept as", "samples of", "that fit", "with state"),
        [],
        [
            "Memory as the publication adds it up: model, activations of a mini-batch and input data. With state: if "
            "gradients and the optimiser's state count as well."
        ],
    )
    for facts in dict.fromkeys(run.entry.facts for run in runs):
        for hidden, method, kept_as in product(SHAPES, FLOAT, ways_to_keep(facts)):
            fit, fit_with_state = (
                samples_at_equal_memory(facts, method, hidden, kept_as=kept_as, with_state=state)
                for state in (False, True)
            )
            table.rows.append(
                (
                    facts.label,
                    "-".join(map(str, hidden)),
                    tables.megabytes(budget(facts, hidden).published_total),
                    LABELS[method],
                    kept_as,
                    str(facts.n_train),
                    str(fit),
                    str(fit_with_state),
                )
            )
    made.tables.append(table)
