"""Cross-validate on the UCI tables, beside three classifiers of scikit-learn, and print a Markdown table.

    python benchmarks/tables.py [--only NAME ...] [--quick] [--threads N] [--json]

Every table is read by `bitlocal.datasets.load`. All classifiers see the same five stratified folds (shuffled, seed 0)
and have their default parameters, but for the number of iterations of the logistic regression (at most 1000) and a seed
of 0. `BMLPClassifier` takes the table as it was read. The others have the usual preparation, fitted on the training
folds: for logistic regression, medians for missing numbers, standardised numbers and one-hot categories; for the random
forest, medians and one-hot categories; histogram gradient boosting takes missing values and categories itself.

Accuracies are means ± sample standard deviations over the folds in per cent; seconds are those of one fit with its
preparation, averaged over the folds. Tables that are not found are left out, with a line on stderr that says why. A
classifier that fails is shown as such, with a line on stderr, and the exit status is 1.
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
from sklearn.model_selection import StratifiedKFold
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


@dataclass(frozen=True)
class Score:
    """What one classifier came to on one table: one entry a fold."""

    accuracy: list[float]
    fit_seconds: list[float]

    def text(self) -> str:
        """Mean and standard deviation in per cent."""
        return f"{self.percent():.2f} ± {100 * statistics.stdev(self.accuracy):.2f}"

    def percent(self) -> float:
        """Mean accuracy in per cent, as printed."""
        return round(100 * statistics.mean(self.accuracy), 2)


@dataclass(frozen=True)
class Row:
    """One table and what all classifiers came to; None where one failed."""

    table: str
    rows: int
    features: int
    text_features: int
    missing: float
    classes: int
    scores: dict[str, Score | None]


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
        "logistic regression": lambda: prepared(
            make_pipeline(median, StandardScaler()), LogisticRegression(max_iter=1000, random_state=SEED)
        ),
        "random forest": lambda: prepared(median, RandomForestClassifier(random_state=SEED, n_jobs=threads)),
        "gradient boosting": lambda: HistGradientBoostingClassifier(categorical_features=categories, random_state=SEED),
    }


def cross_validate(make: Callable[[], Any], X: NDArray[Any], y: NDArray[Any], folds: Sequence[Any]) -> Score:
    """Fit on all folds but one, and measure on that one."""
    score = Score([], [])
    for train, test in folds:
        classifier = make()
        X_train, X_test = X[train], X[test]
        started = time.perf_counter()
        classifier.fit(X_train, y[train])
        score.fit_seconds.append(time.perf_counter() - started)
        score.accuracy.append(float(np.mean(classifier.predict(X_test) == y[test])))
    return score


def measure(data: Dataset, threads: int) -> Row:
    """Cross-validate all classifiers on one table."""
    X, y = data.X, data.y
    numbers, categories = plain(X)
    scores: dict[str, Score | None] = {}
    with warnings.catch_warnings(), threadpool_limits(threads):
        # Of classes smaller than the number of folds, of iterations that did not converge: expected here.
        warnings.simplefilter("ignore")
        folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(numbers, y))
        for name, make in classifiers(X.shape[1], categories, threads).items():
            try:
                scores[name] = cross_validate(make, X if name == "bitlocal" else numbers, y, folds)
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


def print_header(names: Sequence[str]) -> None:
    columns = ["table", "rows × features", "missing", "classes", *names, "seconds a fit"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")


def print_row(row: Row) -> None:
    best = max((score.percent() for score in row.scores.values() if score), default=0.0)
    features = f"{row.features}" + (f" ({row.text_features} text)" if row.text_features else "")
    cells = [row.table, f"{row.rows} × {features}", f"{row.missing:.1%}" if row.missing else "", str(row.classes)]
    for score in row.scores.values():
        text = "failed" if score is None else score.text()
        cells.append(f"**{text}**" if score is not None and score.percent() == best else text)
    seconds = (f"{statistics.mean(score.fit_seconds):.2g}" if score else "–" for score in row.scores.values())
    print(f"| {' | '.join([*cells, ', '.join(seconds)])} |", flush=True)


def print_mean(rows: Sequence[Row]) -> None:
    """Average over all tables, of the classifiers that failed on none."""
    means = [
        statistics.mean(score.percent() for score in scores if score) if all(scores) else None
        for scores in zip(*(row.scores.values() for row in rows), strict=True)
    ]
    best = max((round(mean, 2) for mean in means if mean is not None), default=0.0)
    texts = ("–" if mean is None else f"{mean:.2f}" for mean in means)
    cells = [f"**{text}**" if text == f"{best:.2f}" else text for text in texts]
    print(f"| mean of {len(rows)} tables | | | | {' | '.join(cells)} | |")


def main() -> int:
    """Run all tables; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--only", nargs="+", metavar="NAME", choices=TABLES, help="tables to run")
    which.add_argument("--quick", action="store_true", help="a few small tables: " + ", ".join(QUICK))
    parser.add_argument("--threads", type=int, default=1, help="threads for each classifier (default: 1)")
    parser.add_argument("--json", action="store_true", help="print all folds as one JSON array instead")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.only or (QUICK if arguments.quick else TABLES):
        try:
            data = load(name)
        except DataError as error:
            print(error, file=sys.stderr)
            continue
        row = measure(data, arguments.threads)
        if not arguments.json:
            if not rows:
                print_header(list(row.scores))
            print_row(row)
        rows.append(row)
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    elif len(rows) > 1:
        print_mean(rows)
    return int(not rows or any(score is None for row in rows for score in row.scores.values()))


if __name__ == "__main__":
    sys.exit(main())
