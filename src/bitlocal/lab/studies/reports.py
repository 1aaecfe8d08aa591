"""What is made of a study's results: tables and figures."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TypeVar

import numpy as np

from bitlocal.lab.studies import figures, tables
from bitlocal.lab.studies.costs import budget, samples_at_equal_memory, ways_to_keep
from bitlocal.lab.studies.definitions import ONE_LAYER, SHAPES, STUDIES, TWO_LAYERS, row_name
from bitlocal.lab.studies.execute import BIN_WIDTH, MOST_TRAINING_SAMPLES, PERCENTILES
from bitlocal.lab.studies.figures import Figure, Mark
from bitlocal.lab.studies.methods import FLOAT, LABELS
from bitlocal.lab.studies.plan import BATCH_SIZE, Choice, Run
from bitlocal.lab.studies.statistics import paired_difference, summarise
from bitlocal.lab.studies.tables import Table

_Key = TypeVar("_Key")

_REFERENCE = row_name("bmlp", ONE_LAYER)
_ACCURACY = "test accuracy (%)"
_EPOCH = "epoch"
_NO_FIGURE = "(no figure given)"
_SPREAD = "Mean ± standard deviation over n seeds."
_INTERVAL = (
    "Difference: mean of the paired differences, same seed, with the 95 % confidence interval of Student's t over the "
    "seeds that both rows have."
)


@dataclass
class Report:
    """What one study comes to."""

    name: str
    title: str
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)


def report(study: str, runs: Sequence[Run]) -> Report:
    """Make the tables and, where matplotlib is installed, the figures of a study.

    Parameters
    ----------
    study : str
        A name in `STUDIES`.
    runs : sequence of Run
        Those of its entries that have results.
    """
    made = Report(study, STUDIES[study].title)
    if runs:
        _REPORTS.get(study, _comparison)(made, runs)
    return made


def tuning_report(choices: Iterable[Choice]) -> Report:
    """Make the table of all settings that were tried, for all studies together."""
    made = Report("tuning", "Tuning")
    table = _tuning_table(choices)
    if table.rows:
        made.tables.append(table)
    return made


# Comparisons: a row for each method ----------------------------------------------------------------------------------


def _comparison(made: Report, runs: Sequence[Run]) -> None:
    made.tables.append(_comparison_table(made, runs, _REFERENCE, f"The other row is {_REFERENCE!r}."))
    _draw_rows(made, runs, _REFERENCE)


def _claims(made: Report, runs: Sequence[Run]) -> None:
    table = Table(
        made.name,
        made.title,
        ("published", "data", "compared", "n", "measured"),
        [],
        [
            f"Points of test accuracy. {_INTERVAL}",
            "Gates: those of the whole training of each method, with its own number of epochs, as multiples. "
            "Published: arXiv:2412.00119, whose data, networks and epochs are not all the same as these.",
        ],
    )
    for label, rows in _by_data_and_row(runs).items():
        local = [row for row, group in rows.items() if group[0].cell.method == "bmlp"]
        for row, group in rows.items():
            cell = group[0].cell
            if cell.method == "bmlp":
                continue
            for one in local:
                if "equal memory" in row and cell.hidden != rows[one][0].cell.hidden:
                    continue
                difference = paired_difference(_by_seed(rows[one]), _by_seed(group))
                what = (label, f"{one} less {row}", str(difference.n if difference else 0), tables.points(difference))
                table.rows.append((_published(row, cell.method), *what))
            if "equal memory" not in row:
                for one in local:
                    ours, theirs = _cost(rows[one], "training_gates"), _cost(group, "training_gates")
                    if ours and theirs and cell.method != "single-layer":
                        compared = f"gates to train, {row} over {one}"
                        times = f"× {tables.three_digits(theirs / ours)}"
                        published = (
                            "two to three orders of magnitude fewer gates" if cell.method == "sgd" else _NO_FIGURE
                        )
                        table.rows.append((published, label, compared, str(len(group)), times))
    table.rows.sort(key=lambda row: (row[0] == _NO_FIGURE, row[0]))  # stable: data and methods stay in order
    made.tables.append(table)


def _published(row: str, method: str) -> str:
    if "equal memory" in row:
        return "up to +35.30 points over SGD at equal memory, later +41.31" if method == "sgd" else _NO_FIGURE
    if method == "single-layer":
        return "up to +13.36 points over the single-layer method, later +35.47"
    return "minimal degradation against full precision" if method in FLOAT else _NO_FIGURE


def _options(made: Report, runs: Sequence[Run]) -> None:
    pair = ("two classes: two outputs", "two classes: single output")
    note = f"The other row is 'none', for {pair[1]!r} {pair[0]!r}."
    table = _comparison_table(made, runs, "none", note, dict.fromkeys(pair, pair[0]))
    table.notes.append(
        f"All with mini-batches of {BATCH_SIZE}: one of these can drive a hidden weight from one end to the other "
        "where 15 is the bound, so this one wants smaller mini-batches (docs/algorithm.md)."
    )
    made.tables.append(table)
    of_all_classes = [run for run in runs if not run.entry.row.startswith("two classes")]
    _draw_rows(made, of_all_classes, "none")


def _comparison_table(
    made: Report, runs: Sequence[Run], reference: str, note: str, references: Mapping[str, str] | None = None
) -> Table:
    """Make a row of figures for each method, compared with the row that `references` names, or else with `reference`.

    `note` says which one that is.
    """
    table = Table(
        made.name,
        made.title,
        (
            "data",
            "row",
            "settings",
            "samples",
            "epochs",
            "train accuracy",
            "test accuracy",
            "n",
            "difference, points",
            "memory to train",
            "published",
            "memory to infer",
            "gates to train",
            "gates to infer",
            "seconds",
        ),
        [],
        [
            f"{_SPREAD} The accuracy in training is that of {MOST_TRAINING_SAMPLES} of the samples at most.",
            f"{_INTERVAL} {note}",
            "Memory: all that training, or inference, keeps at once: model, activations of a mini-batch, gradients and "
            "the optimiser's state, input data (numbers as float32 in float methods, unless the row says otherwise). "
            "Published: without gradients and the optimiser's state, as the publication adds it up. Gates: equivalent "
            "two-input Boolean gates, of the whole training with what it counted, and of the inference of one sample. "
            "Seconds: training, one thread, median; other trainings ran beside it.",
        ],
    )
    for label, rows in _by_data_and_row(runs).items():
        accuracies = {row: _by_seed(group) for row, group in rows.items()}
        for row, group in rows.items():
            other = (references or {}).get(row, reference)
            differs = row != other and other in accuracies
            first = group[0]
            table.rows.append(
                (
                    label,
                    row,
                    tables.settings_text([run.cell.settings for run in group]),
                    str(first.result["n_train"]),
                    str(first.cell.epochs),
                    tables.accuracy(summarise([run.result["train_accuracy"] for run in group])),
                    tables.accuracy(summarise(list(accuracies[row].values()))),
                    str(len(group)),
                    tables.points(paired_difference(accuracies[row], accuracies[other])) if differs else "",
                    tables.megabytes(_cost(group, "training_memory_bits")),
                    tables.megabytes(_cost(group, "published_memory_bits")),
                    tables.megabytes(_cost(group, "inference_memory_bits")),
                    tables.three_digits(_cost(group, "training_gates")),
                    tables.three_digits(_cost(group, "inference_gates")),
                    tables.three_digits(statistics.median(run.result["seconds"] for run in group)),
                )
            )
    return table


def _draw_rows(made: Report, runs: Sequence[Run], reference: str) -> None:
    if not figures.can_draw():
        return
    panels = {
        label: {row: [100 * run.result["accuracy"] for run in group] for row, group in rows.items()}
        for label, rows in _by_data_and_row(runs).items()
    }
    made.figures.append(figures.rows(made.name, made.title, panels, x_label=_ACCURACY, reference=reference))


def _tuning_table(choices: Iterable[Choice]) -> Table:
    table = Table(
        "tuning",
        "Settings that were tried",
        ("data", "row", "input", "settings", "samples", "epochs", "seed", "validation accuracy", "chosen"),
        [],
        [
            "A fifth of these training samples was held out to measure on. Every method had as many settings to choose "
            "from; the test part had no say. The first of equally good settings is chosen."
        ],
    )
    for choice in choices:
        for cell, accuracy in zip(choice.candidates, choice.accuracies, strict=True):
            table.rows.append(
                (
                    choice.facts.label,
                    row_name(cell.method, cell.hidden),
                    "numbers" if cell.inputs == "float" and choice.facts.encoder is not None else "bits",
                    tables.settings_text([cell.settings]),
                    str(cell.samples or choice.facts.n_train),
                    str(cell.epochs),
                    str(cell.seed),
                    "failed" if accuracy is None else tables.percent(accuracy),
                    "yes" if cell.settings == choice.settings else "",
                )
            )
    return table


# Studies that vary numbers -------------------------------------------------------------------------------------------


def _depth(made: Report, runs: Sequence[Run]) -> None:
    table = Table(
        made.name,
        made.title,
        ("data", "neurons a layer", "layers", "epochs", "train accuracy", "test accuracy", "n", "difference, points"),
        [],
        [f"{_SPREAD} {_INTERVAL} The other row is the one with a layer less. {_settings_note(runs)}"],
    )
    panels: dict[str, dict[str, list[Mark]]] = {}
    for label, rows in _by_data_and_row(runs).items():
        panels[label] = {}
        for row, group in rows.items():
            before: dict[int, float] | None = None
            for depth, at_depth in _grouped(group, lambda run: run.entry.x).items():
                accuracies = _by_seed(at_depth)
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
            figures.lines(made.name, made.title, panels, x_label="trained layers", y_label=_ACCURACY, whole_x=True)
        )


def _maps(made: Report, runs: Sequence[Run]) -> None:
    pairs = [run for run in runs if run.entry.y is not None]
    single = [run for run in runs if run.entry.y is None]
    for method, of_method in _grouped(pairs, lambda run: run.cell.method).items():
        _map(made, method, of_method)
    lines: dict[str, dict[str, list[Mark]]] = {}
    second = Table(
        "maps-reinforcement",
        "Test accuracy by reinforcement",
        ("data", "reinforcement", "samples", "epochs", "test accuracy", "n"),
        [],
        [
            f"{_SPREAD} {row_name('bmlp', ONE_LAYER)}, group size {_setting(single, 'group_size')}, robustness "
            f"{_setting(single, 'robustness')}."
        ],
    )
    for (label, x), group in _grouped(single, lambda run: (run.entry.facts.label, run.entry.x)).items():
        summary = summarise([run.result["accuracy"] for run in group])
        error = None if summary.deviation is None else 100 * summary.deviation
        mark = Mark(float(x or 0), 100 * summary.mean, error)
        lines.setdefault(label, {}).setdefault("BMLP", []).append(mark)
        second.rows.append((label, f"{x:g}", *_scope(group), tables.accuracy(summary), str(summary.n)))
    made.tables.append(second)
    if figures.can_draw() and lines:
        made.figures.append(
            figures.lines(second.name, second.title, lines, x_label="reinforcement factor", y_label=_ACCURACY)
        )


def _map(made: Report, method: str, runs: Sequence[Run]) -> None:
    """Add the table and the picture of group size by robustness for one method."""
    row = row_name(method, ONE_LAYER)
    table = Table(
        f"maps-group-robustness-{method}",
        f"Test accuracy by group size and robustness, {row}",
        ("data", "group size", "robustness", "samples", "epochs", "test accuracy", "n"),
        [],
        [f"{_SPREAD} {row}, reinforcement {_setting(runs, 'reinforcement')}."],
    )
    maps: dict[str, dict[tuple[float, float], float]] = {}
    for (label, x, y), group in _grouped(runs, lambda run: (run.entry.facts.label, run.entry.x, run.entry.y)).items():
        summary = summarise([run.result["accuracy"] for run in group])
        maps.setdefault(label, {})[float(x or 0), float(y or 0)] = 100 * summary.mean
        table.rows.append((label, f"{x:g}", f"{y:g}", *_scope(group), tables.accuracy(summary), str(summary.n)))
    made.tables.append(table)
    if figures.can_draw():
        made.figures.append(
            figures.heatmaps(
                table.name, f"{table.title} (%)", maps, x_label="group size (neurons)", y_label="robustness"
            )
        )


def _pareto(made: Report, runs: Sequence[Run]) -> None:
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
            f"{_SPREAD} On the front: no other row of the same data is better in accuracy and no worse in the measure "
            "(m: memory, p: memory as published, g: gates of the training, i: gates to infer)."
        ],
    )
    panels: dict[str, dict[str, dict[str, list[Mark]]]] = {name: defaultdict(dict) for name in measures}
    for label, group in _grouped(runs, lambda run: run.entry.facts.label).items():
        found = []
        for (row, hidden), same in _grouped(group, lambda run: (run.entry.row, run.cell.hidden)).items():
            summary = summarise([run.result["accuracy"] for run in same])
            found.append(
                (row, hidden, summary, [(_cost(same, key) or 0.0) / unit for key, unit, _ in measures.values()])
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
            for name, cost in zip(measures, costs, strict=True):
                panels[name][label].setdefault(row, []).append(Mark(cost, 100 * summary.mean, error))
    made.tables.append(table)
    if figures.can_draw():
        for name, (_, _, label) in measures.items():
            made.figures.append(
                figures.lines(
                    f"pareto-{name}",
                    f"Test accuracy against {label.split(' (')[0]}",
                    panels[name],
                    x_label=label,
                    y_label=_ACCURACY,
                    log_x=True,
                    joined=False,
                )
            )


# What happens during training ----------------------------------------------------------------------------------------


def _errors(made: Report, runs: Sequence[Run]) -> None:
    table = Table(
        made.name,
        made.title,
        ("data", "row", "layer", "n", "first epoch", "middle epoch", "last epoch"),
        [],
        [f"Share of samples with an error signal. {_SPREAD}"],
    )
    panels: dict[str, dict[str, list[Mark]]] = {}
    for label, rows in _by_data_and_row(runs).items():
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
                x_label=_EPOCH,
                y_label="samples with an error signal (%)",
                marks=False,
            )
        )


def _weights(made: Report, runs: Sequence[Run]) -> None:
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
                x_label=_EPOCH,
                y_label="distance from zero, |H|",
                percentiles=PERCENTILES,
            )
        )


def _memory(made: Report, runs: Sequence[Run]) -> None:
    same_widths = {
        run.entry.row: row_name("bmlp", run.cell.hidden)
        for run in runs
        if run.entry.row != row_name("bmlp", TWO_LAYERS)
    }
    note = f"The other row is BMLP of the same widths; for {row_name('bmlp', TWO_LAYERS)!r} it is {_REFERENCE!r}."
    made.tables.append(_comparison_table(made, runs, _REFERENCE, note, same_widths))
    _draw_rows(made, runs, _REFERENCE)
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


_REPORTS: dict[str, Callable[[Report, Sequence[Run]], None]] = {
    "memory": _memory,
    "claims": _claims,
    "options": _options,
    "depth": _depth,
    "maps": _maps,
    "pareto": _pareto,
    "weights": _weights,
    "errors": _errors,
}

# Helpers -------------------------------------------------------------------------------------------------------------


def _grouped(runs: Iterable[Run], key: Callable[[Run], _Key]) -> dict[_Key, list[Run]]:
    groups: dict[_Key, list[Run]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return groups


def _by_data_and_row(runs: Iterable[Run]) -> dict[str, dict[str, list[Run]]]:
    groups: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        groups.setdefault(run.entry.facts.label, {}).setdefault(run.entry.row, []).append(run)
    return groups


def _by_seed(runs: Iterable[Run]) -> dict[int, float]:
    return {run.cell.seed: run.result["accuracy"] for run in runs}


def _cost(runs: Sequence[Run], name: str) -> float | None:
    """Mean cost of some runs; None where it is not known."""
    known = [run.result["costs"][name] for run in runs if run.result["costs"] is not None]
    return statistics.fmean(known) if known else None


def _scope(runs: Sequence[Run]) -> tuple[str, str]:
    return str(runs[0].result["n_train"]), str(runs[0].cell.epochs)


def _setting(runs: Sequence[Run], name: str) -> str:
    return f"{dict(runs[0].cell.settings)[name]:g}" if runs else ""


def _settings_note(runs: Sequence[Run]) -> str:
    return f"Settings, not tuned: {tables.settings_text([run.cell.settings for run in runs])}."
