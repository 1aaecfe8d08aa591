"""Studies that vary numbers: tables and figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from bitlocal.lab.studies.definitions import ONE_LAYER, row_name
from bitlocal.lab.studies.plan import Run
from bitlocal.lab.studies.reporting import figures, tables
from bitlocal.lab.studies.reporting.figures import Mark
from bitlocal.lab.studies.reporting.runs import (
    ACCURACY,
    INTERVAL,
    SPREAD,
    Report,
    by_data_and_row,
    by_seed,
    cost,
    grouped,
    scope,
    setting,
    settings_note,
)
from bitlocal.lab.studies.reporting.statistics import paired_difference, summarise
from bitlocal.lab.studies.reporting.tables import Table


def depth(made: Report, runs: Sequence[Run]) -> None:
    """Vary depth and width."""
    table = Table(
        made.name,
        made.title,
        ("data", "neurons a layer", "layers", "epochs", "train accuracy", "test accuracy", "n", "difference, points"),
        [],
        [f"{SPREAD} {INTERVAL} The other row is the one with a layer less. {settings_note(runs)}"],
    )
    panels: dict[str, dict[str, list[Mark]]] = {}
    for label, rows in by_data_and_row(runs).items():
        panels[label] = {}
        for row, group in rows.items():
            before: dict[int, float] | None = None
            for depth, at_depth in grouped(group, lambda run: run.entry.x).items():
                accuracies = by_seed(at_depth)
                summary = summarise(list(accuracies.values()))
                table.rows.append(
                    (
                        label,
                        str(at_depth[0].cell.hidden[0]),
                        str(depth),
                        str(at_depth[0].cell.epochs),
                        tables.accuracy(summarise([run.result["train_accuracy"] for run in at_depth])),
                        tables.accuracy(summary),
                        str(summary.n),
                        "" if before is None else tables.points(paired_difference(accuracies, before)),
                    )
                )
                error = None if summary.deviation is None else 100 * summary.deviation
                panels[label].setdefault(row, []).append(Mark(float(depth or 0), 100 * summary.mean, error))
                before = accuracies
    made.tables.append(table)
    if figures.can_draw():
        made.figures.append(
            figures.lines(made.name, made.title, panels, x_label="trained layers", y_label=ACCURACY, whole_x=True)
        )


def maps(made: Report, runs: Sequence[Run]) -> None:
    """Vary group size, robustness and reinforcement."""
    pairs = [run for run in runs if run.entry.y is not None]
    single = [run for run in runs if run.entry.y is None]
    for method, of_method in grouped(pairs, lambda run: run.cell.method).items():
        _map(made, method, of_method)
    lines: dict[str, dict[str, list[Mark]]] = {}
    second = Table(
        "maps-reinforcement",
        "Test accuracy by reinforcement",
        ("data", "reinforcement", "samples", "epochs", "test accuracy", "n"),
        [],
        [
            f"{SPREAD} {row_name('bmlp', ONE_LAYER)}, group size {setting(single, 'group_size')}, robustness "
            f"{setting(single, 'robustness')}."
        ],
    )
    for (label, x), group in grouped(single, lambda run: (run.entry.facts.label, run.entry.x)).items():
        summary = summarise([run.result["accuracy"] for run in group])
        error = None if summary.deviation is None else 100 * summary.deviation
        mark = Mark(float(x or 0), 100 * summary.mean, error)
        lines.setdefault(label, {}).setdefault("BMLP", []).append(mark)
        second.rows.append((label, f"{x:g}", *scope(group), tables.accuracy(summary), str(summary.n)))
    made.tables.append(second)
    if figures.can_draw() and lines:
        made.figures.append(
            figures.lines(second.name, second.title, lines, x_label="reinforcement factor", y_label=ACCURACY)
        )


def _map(made: Report, method: str, runs: Sequence[Run]) -> None:
    """Add the table and the picture of group size by robustness for one method."""
    row = row_name(method, ONE_LAYER)
    table = Table(
        f"maps-group-robustness-{method}",
        f"Test accuracy by group size and robustness, {row}",
        ("data", "group size", "robustness", "samples", "epochs", "test accuracy", "n"),
        [],
        [f"{SPREAD} {row}, reinforcement {setting(runs, 'reinforcement')}."],
    )
    maps: dict[str, dict[tuple[float, float], float]] = {}
    for (label, x, y), group in grouped(runs, lambda run: (run.entry.facts.label, run.entry.x, run.entry.y)).items():
        summary = summarise([run.result["accuracy"] for run in group])
        maps.setdefault(label, {})[float(x or 0), float(y or 0)] = 100 * summary.mean
        table.rows.append((label, f"{x:g}", f"{y:g}", *scope(group), tables.accuracy(summary), str(summary.n)))
    made.tables.append(table)
    if figures.can_draw():
        made.figures.append(
            figures.heatmaps(
                table.name, f"{table.title} (%)", maps, x_label="group size (neurons)", y_label="robustness"
            )
        )


def pareto(made: Report, runs: Sequence[Run]) -> None:
    """Set accuracy beside memory and gates."""
    runs = [run for run in runs if run.result["costs"] is not None]
    measures = {
        "memory": ("training_memory_bits", 8e6, "memory to train (MB)"),
        "memory-published": ("published_memory_bits", 8e6, "memory without optimiser and gradients (MB)"),
        "gates": ("training_gates", 1.0, "equivalent Boolean gates of the training"),
        "gates-infer": ("inference_gates", 1.0, "equivalent Boolean gates to infer a sample"),
    }
    table = Table(
        made.name,
        made.title,
        ("data", "row", "network", "test accuracy", "n", *(label for _, _, label in measures.values()), "on the front"),
        [],
        [
            f"{SPREAD} On the front: no other row of the same data is better in accuracy and no worse in the measure "
            "(m: memory, p: memory as published, g: gates of the training, i: gates to infer)."
        ],
    )
    panels: dict[str, dict[str, dict[str, list[Mark]]]] = {name: defaultdict(dict) for name in measures}
    for label, group in grouped(runs, lambda run: run.entry.facts.label).items():
        found = []
        for (row, hidden), same in grouped(group, lambda run: (run.entry.row, run.cell.hidden)).items():
            summary = summarise([run.result["accuracy"] for run in same])
            found.append(
                (row, hidden, summary, [(cost(same, key) or 0.0) / unit for key, unit, _ in measures.values()])
            )
        for row, hidden, summary, costs in found:
            front = "".join(
                letter
                for i, letter in enumerate("mpgi")
                if not any(other.mean > summary.mean and theirs[i] <= costs[i] for _, _, other, theirs in found)
            )
            table.rows.append(
                (
                    label,
                    row,
                    "-".join(map(str, hidden)),
                    tables.accuracy(summary),
                    str(summary.n),
                    *(tables.three_digits(cost) for cost in costs),
                    front,
                )
            )
            error = None if summary.deviation is None else 100 * summary.deviation
            for name, value in zip(measures, costs, strict=True):
                panels[name][label].setdefault(row, []).append(Mark(value, 100 * summary.mean, error))
    made.tables.append(table)
    if figures.can_draw():
        for name, (_, _, label) in measures.items():
            made.figures.append(
                figures.lines(
                    f"pareto-{name}",
                    f"Test accuracy against {label.split(' (')[0]}",
                    panels[name],
                    x_label=label,
                    y_label=ACCURACY,
                    log_x=True,
                    joined=False,
                )
            )
