"""Studies with a row for each method: tables and figures."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

from bitlocal.lab.methods import FLOAT
from bitlocal.lab.studies.definitions import row_name
from bitlocal.lab.studies.plan import BATCH_SIZE, Choice, Run
from bitlocal.lab.studies.reporting import figures, tables
from bitlocal.lab.studies.reporting.runs import (
    ACCURACY,
    INTERVAL,
    NO_FIGURE,
    REFERENCE,
    SPREAD,
    Report,
    by_data_and_row,
    by_seed,
    cost,
)
from bitlocal.lab.studies.reporting.statistics import paired_difference, summarise
from bitlocal.lab.studies.reporting.tables import Table
from bitlocal.lab.studies.running.execute import MOST_TRAINING_SAMPLES


def comparison(made: Report, runs: Sequence[Run]) -> None:
    """Compare all rows with the reference."""
    made.tables.append(comparison_table(made, runs, REFERENCE, f"The other row is {REFERENCE!r}."))
    draw_rows(made, runs, REFERENCE)


def claims(made: Report, runs: Sequence[Run]) -> None:
    """Set what the publication says beside what came out."""
    table = Table(
        made.name,
        made.title,
        ("published", "data", "compared", "n", "measured"),
        [],
        [
            f"Points of test accuracy. {INTERVAL}",
            "Gates: those of the whole training of each method, with its own number of epochs, as multiples. "
            "Published: arXiv:2412.00119, whose data, networks and epochs are not all the same as these.",
        ],
    )
    for label, rows in by_data_and_row(runs).items():
        local = [row for row, group in rows.items() if group[0].cell.method == "bmlp"]
        for row, group in rows.items():
            cell = group[0].cell
            if cell.method == "bmlp":
                continue
            for one in local:
                if "equal memory" in row and cell.hidden != rows[one][0].cell.hidden:
                    continue
                difference = paired_difference(by_seed(rows[one]), by_seed(group))
                what = (label, f"{one} less {row}", str(difference.n if difference else 0), tables.points(difference))
                table.rows.append((_published(row, cell.method), *what))
            if "equal memory" not in row:
                for one in local:
                    ours, theirs = cost(rows[one], "training_gates"), cost(group, "training_gates")
                    if ours and theirs and cell.method != "single-layer":
                        compared = f"gates to train, {row} over {one}"
                        times = f"× {tables.three_digits(theirs / ours)}"
                        published = (
                            "two to three orders of magnitude fewer gates" if cell.method == "sgd" else NO_FIGURE
                        )
                        table.rows.append((published, label, compared, str(len(group)), times))
    table.rows.sort(key=lambda row: (row[0] == NO_FIGURE, row[0]))  # stable: data and methods stay in order
    made.tables.append(table)


def _published(row: str, method: str) -> str:
    if "equal memory" in row:
        return "up to +35.30 points over SGD at equal memory, later +41.31" if method == "sgd" else NO_FIGURE
    if method == "single-layer":
        return "up to +13.36 points over the single-layer method, later +35.47"
    return "minimal degradation against full precision" if method in FLOAT else NO_FIGURE


def options(made: Report, runs: Sequence[Run]) -> None:
    """Compare options of the rule with none."""
    pair = ("two classes: two outputs", "two classes: single output")
    note = f"The other row is 'none', for {pair[1]!r} {pair[0]!r}."
    table = comparison_table(made, runs, "none", note, dict.fromkeys(pair, pair[0]))
    table.notes.append(
        f"All with mini-batches of {BATCH_SIZE}: one of these can drive a hidden weight from one end to the other "
        "where 15 is the bound, so this one wants smaller mini-batches (docs/algorithm.md)."
    )
    made.tables.append(table)
    of_all_classes = [run for run in runs if not run.entry.row.startswith("two classes")]
    draw_rows(made, of_all_classes, "none")


def comparison_table(
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
            f"{SPREAD} The accuracy in training is that of {MOST_TRAINING_SAMPLES} of the samples at most.",
            f"{INTERVAL} {note}",
            "Memory: all that training, or inference, keeps at once: model, activations of a mini-batch, gradients and "
            "the optimiser's state, input data (numbers as float32 in float methods, unless the row says otherwise). "
            "Published: without gradients and the optimiser's state, as the publication adds it up. Gates: equivalent "
            "two-input Boolean gates, of the whole training with what it counted, and of the inference of one sample. "
            "Seconds: training, one thread, median; other trainings ran beside it.",
        ],
    )
    for label, rows in by_data_and_row(runs).items():
        accuracies = {row: by_seed(group) for row, group in rows.items()}
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
                    tables.megabytes(cost(group, "training_memory_bits")),
                    tables.megabytes(cost(group, "published_memory_bits")),
                    tables.megabytes(cost(group, "inference_memory_bits")),
                    tables.three_digits(cost(group, "training_gates")),
                    tables.three_digits(cost(group, "inference_gates")),
                    tables.three_digits(statistics.median(run.result["seconds"] for run in group)),
                )
            )
    return table


def draw_rows(made: Report, runs: Sequence[Run], reference: str) -> None:
    """Draw the accuracies of rows."""
    if not figures.can_draw():
        return
    panels = {
        label: {row: [100 * run.result["accuracy"] for run in group] for row, group in rows.items()}
        for label, rows in by_data_and_row(runs).items()
    }
    made.figures.append(figures.rows(made.name, made.title, panels, x_label=ACCURACY, reference=reference))


def tuning_table(choices: Iterable[Choice]) -> Table:
    """List all settings that were tried, and which were chosen."""
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
