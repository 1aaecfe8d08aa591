"""Cross-validate on the UCI tables, beside four classifiers of scikit-learn, and print Markdown tables.

    python benchmarks/tables.py [--only NAME ...] [--quick] [--threads N] [--json]
    python benchmarks/tables.py --encoder SPEC [SPEC ...] [--only NAME ...] [--quick] [--threads N] [--json]

Every table is read by `bitlocal.datasets.load`. All classifiers see the same five stratified folds (shuffled, seed 0)
and have their default parameters, but for the number of iterations of the logistic regression (at most 1000) and a seed
of 0. `BMLPClassifier` takes the table as it was read, once as it is and once with `class_weight="balanced"`. The others
have the usual preparation, fitted on the training folds: for logistic regression and the multi-layer perceptron,
medians for missing numbers, standardised numbers and one-hot categories; for the random forest, medians and one-hot
categories; histogram gradient boosting takes missing values and categories itself.

One table for each measure, means over the folds (accuracies ± sample standard deviations, in per cent):
- accuracy, and balanced accuracy: the mean over the classes of the share that is found;
- log loss in nats, as scikit-learn has it: a probability of 0 for what came counts as 2.2e-16;
- Brier score: the mean over samples of the sum over classes of (probability - 1 or 0) squared, from 0 to 2;
- expected calibration error in per cent: the samples sorted into 15 bins by their largest probability, the mean over
  the bins, by their samples, of |accuracy - mean probability|;
- seconds of one fit with its preparation, and what `predict_proba` needs with it.

With `--encoder` there is one table, of accuracies on the same folds: a column for `BMLPClassifier` with each of these
encoders (and `probability=False`, which changes no prediction), and a last one, "chosen", in which the training part of
each fold decides between them: the most accurate one in three-fold cross-validation within it, or on a quarter of it
that is held out where the table has more than 2000 rows; of equals the first. Then come seconds of one fit.

Tables that are not found are left out, with a line on stderr that says why. A classifier that fails is shown as such,
with a line on stderr, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from bitlocal import BMLPClassifier
from bitlocal.datasets import Dataset, load
from bitlocal.errors import DataError

TABLES = (
    "dna",
    "vehicle",
    "vowel",
    "sonar",
    "pimaindiansdiabetes2",
    "housevotes84",
    "glass",
    "zoo",
    "breastcancer",
    "shuttle",
)
QUICK = ("vowel", "sonar", "pimaindiansdiabetes2", "housevotes84", "zoo")
FOLDS = 5
SEED = 0


Folds = dict[str, list[float]]  # of one classifier on one table, by measure: one entry a fold
# By measure: decimals, whether it is a share to be shown in per cent, whether more is better.
MEASURES = {
    "accuracy": (2, True, True),
    "balanced accuracy": (2, True, True),
    "log loss": (3, False, False),
    "Brier score": (3, False, False),
    "expected calibration error": (1, True, False),
    "seconds": (3, False, False),
}


@dataclass(frozen=True)
class Row:
    """One table and what all classifiers came to; None where one failed."""

    table: str
    rows: int
    features: int
    text_features: int
    missing: float
    classes: int
    scores: dict[str, Folds | None]


def plain(X: NDArray[Any]) -> tuple[NDArray[np.float64], list[int]]:
    """Write categories as numbers in alphabetical order, and say in which columns they are; NaN stays or becomes NaN.

    This is a change of names only: it takes nothing from the test folds into the training that a table with categories
    as numbers would not have.
    """
    if X.dtype != np.object_:
        return X.astype(np.float64), []
    numbers = np.empty(X.shape)
    categories = []
    for j, column in enumerate(X.T.tolist()):
        texts = sorted({value for value in column if isinstance(value, str)})
        if texts:
            categories.append(j)
        code = {text: i for i, text in enumerate(texts)}
        numbers[:, j] = [np.nan if value is None else code.get(value, value) for value in column]
    return numbers, categories


def classifiers(k: int, categories: list[int], threads: int) -> dict[str, Callable[[], Any]]:
    """Give the classifiers for tables of `k` columns, `categories` among them; the first takes tables as they are."""
    numbers = [j for j in range(k) if j not in categories]
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)  # a missing value is a category, too
    median = SimpleImputer(strategy="median", keep_empty_features=True)

    def prepared(number_steps: Any, classifier: Any) -> Any:
        return make_pipeline(
            ColumnTransformer([("numbers", number_steps, numbers), ("categories", one_hot, categories)]), classifier
        )

    return {
        "bitlocal": lambda: BMLPClassifier(random_state=SEED, n_jobs=threads),
        "bitlocal, balanced": lambda: BMLPClassifier(random_state=SEED, n_jobs=threads, class_weight="balanced"),
        "logistic regression": lambda: prepared(
            make_pipeline(median, StandardScaler()), LogisticRegression(max_iter=1000, random_state=SEED)
        ),
        "random forest": lambda: prepared(median, RandomForestClassifier(random_state=SEED, n_jobs=threads)),
        "multi-layer perceptron": lambda: prepared(
            make_pipeline(median, StandardScaler()), MLPClassifier(random_state=SEED)
        ),
        "gradient boosting": lambda: HistGradientBoostingClassifier(categorical_features=categories, random_state=SEED),
    }


def expected_calibration_error(p: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Give the mean distance between the largest probability and how often it is right, over 15 bins."""
    sure = p.max(axis=1)
    bins = np.minimum((sure * 15).astype(int), 14)
    return sum(abs(float((right[bins == b] - sure[bins == b]).sum())) for b in range(15)) / len(p)


def cross_validate(make: Callable[[], Any], X: NDArray[Any], y: NDArray[Any], folds: Sequence[Any]) -> Folds:
    """Fit on all folds but one, and measure on that one."""
    classes = np.unique(y)
    scores: Folds = {name: [] for name in MEASURES}
    for train, test in folds:
        classifier = make()
        X_train, X_test = X[train], X[test]
        started = time.perf_counter()
        classifier.fit(X_train, y[train])
        scores["seconds"].append(time.perf_counter() - started)
        predicted, p = classifier.predict(X_test), np.zeros((len(test), len(classes)))
        p[:, np.searchsorted(classes, classifier.classes_)] = classifier.predict_proba(X_test)
        came = y[test][:, np.newaxis] == classes
        scores["accuracy"].append(float(np.mean(predicted == y[test])))
        scores["balanced accuracy"].append(float(balanced_accuracy_score(y[test], predicted)))
        scores["log loss"].append(float(-np.log(np.maximum(p[came], np.finfo(float).eps)).mean()))
        scores["Brier score"].append(float(((p - came) ** 2).sum(axis=1).mean()))
        scores["expected calibration error"].append(expected_calibration_error(p, predicted == y[test]))
    return scores


def measure(data: Dataset, threads: int) -> Row:
    """Cross-validate all classifiers on one table."""
    X, y = data.X, data.y
    numbers, categories = plain(X)
    scores: dict[str, Folds | None] = {}
    with warnings.catch_warnings(), threadpool_limits(threads):
        # Of classes smaller than the number of folds, of iterations that did not converge: expected here.
        warnings.simplefilter("ignore")
        folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(numbers, y))
        for name, make in classifiers(X.shape[1], categories, threads).items():
            try:
                scores[name] = cross_validate(make, X if name.startswith("bitlocal") else numbers, y, folds)
            except (ValueError, TypeError) as error:
                print(f"{data.name}: {name} failed: {' '.join(str(error).split())}", file=sys.stderr)
                scores[name] = None
    return Row(
        table=data.name,
        rows=X.shape[0],
        features=X.shape[1],
        text_features=len(categories),
        missing=float(np.isnan(numbers).mean()),
        classes=len(np.unique(y)),
        scores=scores,
    )


def fitted(spec: str, X: NDArray[Any], y: NDArray[Any], threads: int) -> BMLPClassifier:
    """Fit with an encoder by its text."""
    return BMLPClassifier(random_state=SEED, n_jobs=threads, encoder=spec, probability=False).fit(X, y)


def chosen(specs: Sequence[str], X: NDArray[Any], y: NDArray[Any], threads: int, few: bool) -> int:
    """Choose one of some encoders by what a training part alone tells."""
    splits = list(StratifiedKFold(3 if few else 4, shuffle=True, random_state=SEED + 1).split(y, y))[: 3 if few else 1]
    right = [sum(fitted(spec, X[a], y[a], threads).score(X[b], y[b]) for a, b in splits) for spec in specs]
    return max(range(len(specs)), key=lambda i: round(right[i], 9))


def compare(data: Dataset, specs: Sequence[str], threads: int) -> Row:
    """Cross-validate encoders on one table, and the choice between them."""
    X, y = data.X, data.y
    numbers, categories = plain(X)
    names = [*specs, "chosen"] if len(specs) > 1 else list(specs)
    of_name: dict[str, Folds] = {name: {"accuracy": [], "seconds": []} for name in names}
    with warnings.catch_warnings(), threadpool_limits(threads):
        warnings.simplefilter("ignore")
        for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(numbers, y):
            for spec in specs:
                started = time.perf_counter()
                classifier = fitted(spec, X[train], y[train], threads)
                of_name[spec]["seconds"].append(time.perf_counter() - started)
                of_name[spec]["accuracy"].append(float(classifier.score(X[test], y[test])))
            if len(specs) > 1:
                best = specs[chosen(specs, X[train], y[train], threads, len(X) <= 2000)]
                for measure in ("accuracy", "seconds"):
                    of_name["chosen"][measure].append(of_name[best][measure][-1])
    missing = float(np.isnan(numbers).mean())
    return Row(data.name, X.shape[0], X.shape[1], len(categories), missing, len(np.unique(y)), {**of_name})


def text(measure: str, folds: list[float], spread: bool) -> str:
    """Write a mean, with the spread where it is an accuracy of several folds."""
    decimals, share, _ = MEASURES[measure]
    scale = 100 if share else 1
    mean = f"{scale * statistics.mean(folds):.{decimals}f}"
    return f"{mean} ± {scale * statistics.stdev(folds):.{decimals}f}" if spread and "accuracy" in measure else mean


def table_line(measure: str, first: str, cells: Sequence[list[float] | None], spread: bool = True) -> str:
    """Write a line of a Markdown table, the best in bold."""
    decimals, share, more = MEASURES[measure]
    means = [None if folds is None else round(statistics.mean(folds), decimals + 2 * share) for folds in cells]
    best = (max if more else min)((mean for mean in means if mean is not None), default=None)
    texts = ["failed" if folds is None else text(measure, folds, spread) for folds in cells]
    marked = [f"**{t}**" if mean is not None and mean == best else t for t, mean in zip(texts, means, strict=True)]
    return f"| {' | '.join([first, *marked])} |"


def print_tables(rows: Sequence[Row]) -> None:
    print("| table | rows × features | missing | classes |\n|---|---|---|---|")
    for row in rows:
        features = f"{row.features}" + (f" ({row.text_features} text)" if row.text_features else "")
        print(f"| {row.table} | {row.rows} × {features} | {row.missing:.1%} | {row.classes} |")
    names = list(rows[0].scores)
    measured: set[str] = set().union(*(scores for row in rows for scores in row.scores.values() if scores))
    for measure in filter(measured.__contains__, MEASURES):
        print(f"\n{measure}{', %' if MEASURES[measure][1] else ''}\n")
        print(f"| table | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}")
        for row in rows:
            print(table_line(measure, row.table, [None if s is None else s[measure] for s in row.scores.values()]))
        if len(rows) > 1:
            of_all = zip(*(row.scores.values() for row in rows), strict=True)
            means = [[statistics.mean(s[measure]) for s in column if s] if all(column) else None for column in of_all]
            print(table_line(measure, f"mean of {len(rows)}", means, spread=False))


def main() -> int:
    """Run all tables; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--only", nargs="+", metavar="NAME", choices=TABLES, help="tables to run")
    which.add_argument("--quick", action="store_true", help="a few small tables: " + ", ".join(QUICK))
    parser.add_argument("--threads", type=int, default=1, help="threads for each classifier (default: 1)")
    parser.add_argument("--encoder", nargs="+", metavar="SPEC", help="compare these encoders instead of classifiers")
    parser.add_argument("--json", action="store_true", help="print all folds as one JSON array instead")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.only or (QUICK if arguments.quick else TABLES):
        try:
            data = load(name)
        except DataError as error:
            print(error, file=sys.stderr)
            continue
        started = time.perf_counter()
        specs = arguments.encoder
        rows.append(compare(data, specs, arguments.threads) if specs else measure(data, arguments.threads))
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    elif rows:
        print_tables(rows)
    return int(not rows or any(score is None for row in rows for score in row.scores.values()))


if __name__ == "__main__":
    sys.exit(main())
