"""Sparse tables: seconds and memory to pack and to learn from them, and accuracy on real texts, beside linear models.

    python benchmarks/sparse.py [--rows N] [--columns N] [--density SHARE] [--quick] [--json]
    pip download --no-deps --no-binary :all: vaderSentiment==0.5
    python benchmarks/sparse.py --texts vaderSentiment-0.5.zip

Without texts, the input is a random matrix in compressed rows (CSR), of truth values and of counts, with two random
classes. The texts are those that the source distribution of vaderSentiment 0.5 carries (MIT licence, C. J. Hutto):
23 703 tweets, sentences of movie and product reviews, and snippets of editorials, each with a mean rating of its
sentiment. Two things are learnt from them: where a text comes from, and whether its rating is positive. A quarter,
stratified, is held out, three times. All but the encoder of texts see the same counts (`CountVectorizer`, words of at
least three texts of the training part).

Each measurement runs in a process of its own. "Peak" is the most memory that this process had (`ru_maxrss`), with
Python, its libraries and the input; "beyond input" is how much it rose after these were there. Seconds are of the wall
clock, of `fit` for classifiers. Counts are encoded by thresholds from a tenth of the rows, which were fitted before.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, load_npz, save_npz
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.random_projection import SparseRandomProjection
from sklearn.svm import LinearSVC

from bitlocal import BMLPClassifier, ThermometerEncoder, pack
from bitlocal.encoders.thresholds import sparse_bits_for

SOURCES = ("movieReviewSnippets", "amazonReviewSnippets", "nytEditorialSnippets", "tweets")
TASKS = ("source", "sentiment")
SPLITS = 3
QUICK_TEXTS = 600


def peak_mb() -> float:
    """Give the most memory that this process had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Do some work; gives its result, its seconds, and the memory of this process."""
    before = peak_mb()
    started = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - started
    return result, {"seconds": seconds, "peak_mb": peak_mb(), "beyond_input_mb": peak_mb() - before}


# Random bits and counts ----------------------------------------------------------------------------------------


def make_matrix(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Write random compressed rows of truth values and, in the same places, of counts from 1 to 3."""
    rng = np.random.default_rng(0)
    n, k = arguments.rows, arguments.columns
    in_each = rng.binomial(k, arguments.density, n)
    # The few places that are drawn twice become one.
    columns = rng.integers(k, size=int(in_each.sum()), dtype=np.int32)
    bits = csr_array((np.ones(len(columns), dtype=bool), columns, np.append(0, np.cumsum(in_each))), shape=(n, k))
    bits.sum_duplicates()
    save_npz(folder / "bits.npz", bits, compressed=False)
    counts = rng.choice(np.arange(1, 4), len(bits.data), p=[0.8, 0.15, 0.05]).astype(np.float32)
    save_npz(folder / "counts.npz", csr_array((counts, bits.indices, bits.indptr), shape=(n, k)), compressed=False)
    return {}


def measure_matrix(step: str, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure one thing that is done with the random matrix."""
    X = load_npz(folder / ("bits.npz" if step in ("pack", "epoch") else "counts.npz"))
    stored = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    rng = np.random.default_rng(1)
    pack(X[:1] > 0)  # what is loaded on the first call shall not count
    if step == "epoch":
        y = rng.integers(2, size=len(X.indptr) - 1)
        network = BMLPClassifier(
            arguments.hidden,
            group_size=15,
            max_iter=1,
            readout="votes",
            random_state=0,
            probability=False,
            n_jobs=arguments.threads,
        )
        clf, told = timed(lambda: network.fit(X, y))
        n_words = -(-clf.network_.spec.n_inputs // 64)
    else:
        if step == "pack":
            packed, told = timed(lambda: pack(X))
        else:
            encoder = ThermometerEncoder(n_bits=sparse_bits_for(X.shape[1]))
            if step == "fit":
                _, told = timed(lambda: encoder.fit(X))
                return {**told, "stored_mb": stored / 1e6, "packed_mb": None}
            encoder.fit(X[: len(X.indptr) // 10])
            packed, told = timed(lambda: encoder.pack(X))
        n_words = packed.words.shape[1]
    return {**told, "stored_mb": stored / 1e6, "packed_mb": (len(X.indptr) - 1) * n_words * 8 / 1e6}


MATRIX_STEPS = {
    "pack": "pack truth values",
    "epoch": "fit for one epoch on truth values",
    "fit": "fit thresholds of counts",
    "encode": "encode counts",
}


# Texts ---------------------------------------------------------------------------------------------------------


def read_texts(path: Path, task: str) -> tuple[list[str], NDArray[Any]]:
    """Read texts and their classes from the source distribution of vaderSentiment 0.5."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as distribution:
            inner = next(name for name in distribution.namelist() if name.endswith("hutto_ICWSM_2014.tar.gz"))
            data = distribution.read(inner)
    else:
        data = path.read_bytes()
    texts, sources, ratings = [], [], []
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for source in SOURCES:
            file = archive.extractfile(f"hutto_ICWSM_2014/{source}_GroundTruth.txt")
            assert file is not None
            for line in file.read().decode("utf-8", errors="replace").splitlines():
                fields = line.split("\t")
                if len(fields) == 3:
                    texts.append(fields[2])
                    sources.append(source)
                    ratings.append(float(fields[1]))
    if task == "source":
        return texts, np.array(sources)
    rated = [i for i, rating in enumerate(ratings) if rating != 0]
    return [texts[i] for i in rated], np.array(["positive" if ratings[i] > 0 else "negative" for i in rated])


def network(arguments: argparse.Namespace) -> BMLPClassifier:
    return BMLPClassifier(
        random_state=0, probability=False, n_jobs=arguments.threads, max_iter=2 if arguments.quick else None
    )


# Whether it takes texts, rather than counts, and how it is made.
MODELS: dict[str, tuple[bool, Callable[[argparse.Namespace], Any]]] = {
    "logistic regression": (False, lambda _: LogisticRegression(max_iter=1000, random_state=0)),
    "multinomial naive Bayes": (False, lambda _: MultinomialNB()),
    "linear SVC": (False, lambda _: LinearSVC(random_state=0)),
    "bitlocal": (False, network),
    "bitlocal, 128 columns by chi²": (False, lambda a: make_pipeline(SelectKBest(chi2, k=128), network(a))),
    "bitlocal, 64 components by SVD": (
        False,
        lambda a: make_pipeline(TruncatedSVD(64, random_state=0), network(a)),
    ),
    "bitlocal, 4096 random sums": (
        False,
        lambda a: make_pipeline(
            SparseRandomProjection(4096, density=0.1, dense_output=True, random_state=0),
            network(a).set_params(encoder="thermometer1"),
        ),
    ),
    "bitlocal, texts as they are": (True, network),
}


def measure_texts(step: str, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure one model on one task."""
    task, name = step.split(":", 1)
    texts, y = read_texts(arguments.texts, task)
    if arguments.quick:
        chosen = np.random.default_rng(0).permutation(len(texts))[:QUICK_TEXTS]
        texts, y = [texts[i] for i in chosen], y[chosen]
    as_texts, make = MODELS[name]
    rows = []
    for seed in range(1 if arguments.quick else SPLITS):
        train, test, y_train, y_test = train_test_split(texts, y, test_size=0.25, random_state=seed, stratify=y)
        X_train, X_test = train, test
        if not as_texts:
            vectorizer = CountVectorizer(min_df=3)
            X_train, X_test = vectorizer.fit_transform(train), vectorizer.transform(test)
        model = make(arguments)
        _, told = timed(lambda model=model, X=X_train, y=y_train: model.fit(X, y))
        accuracy = float(np.mean(model.predict(X_test) == y_test))
        rows.append({**told, "accuracy": accuracy, "columns": None if as_texts else X_train.shape[1]})
    return {
        "texts": len(texts),
        "classes": len(np.unique(y)),
        "columns": rows[0]["columns"],
        "accuracy": [row["accuracy"] for row in rows],
        "seconds": float(np.mean([row["seconds"] for row in rows])),
        "peak_mb": rows[-1]["peak_mb"],
        "beyond_input_mb": sum(row["beyond_input_mb"] for row in rows),
    }


# Processes and tables ------------------------------------------------------------------------------------------


def in_a_process(step: str, folder: Path) -> dict[str, Any]:
    """Run this script once more, for one step of it, with the same options."""
    command = [sys.executable, __file__, *sys.argv[1:], "--step", step, "--folder", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def print_row(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def print_header(*names: str) -> None:
    print_row(*names)
    print(f"|{'---|' * len(names)}")


def percent(accuracies: list[float]) -> str:
    low, high = 100 * min(accuracies), 100 * max(accuracies)
    return f"{100 * np.mean(accuracies):.2f} ({low:.2f} to {high:.2f})"


def run_matrix(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure all steps on the random matrix."""
    in_a_process("matrix:make", folder)
    told = {step: in_a_process(f"matrix:{step}", folder) for step in MATRIX_STEPS}
    if not arguments.json:
        print(f"{arguments.rows} × {arguments.columns}, density {arguments.density:g}, {arguments.hidden} neurons\n")
        print_header("step", "seconds", "peak MB", "beyond input", "input", "packed bits")
        for step, name in MATRIX_STEPS.items():
            row = told[step]
            sizes = [f"{row[key]:.0f}" for key in ("peak_mb", "beyond_input_mb", "stored_mb")]
            packed = "" if row["packed_mb"] is None else f"{row['packed_mb']:.0f}"
            print_row(name, f"{row['seconds']:.2f}", *sizes, packed)
    return told


def run_texts(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure all models on all tasks."""
    told: dict[str, Any] = {}
    for task in TASKS:
        for name in MODELS:
            row = told[f"{task}:{name}"] = in_a_process(f"texts:{task}:{name}", folder)
            if arguments.json:
                continue
            if name == next(iter(MODELS)):
                print(f"\n{task}: {row['texts']} texts, {row['columns']} columns, {row['classes']} classes\n")
                print_header("model", "accuracy in %", "seconds", "peak MB", "beyond input")
            sizes = [f"{row[key]:.0f}" for key in ("peak_mb", "beyond_input_mb")]
            print_row(name, percent(row["accuracy"]), f"{row['seconds']:.2f}", *sizes)
    return told


def main() -> int:
    """Measure what was asked for; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000, help="of the random matrix (default: 100000)")
    parser.add_argument("--columns", type=int, default=100_000, help="of the random matrix (default: 100000)")
    parser.add_argument("--density", type=float, default=1e-3, help="share that is stored (default: 0.001)")
    parser.add_argument("--hidden", type=int, default=45, help="neurons, a multiple of 15 (default: 45)")
    parser.add_argument("--texts", type=Path, metavar="FILE", help="learn from the texts of this distribution instead")
    parser.add_argument("--threads", type=int, default=1, help="threads of bitlocal (default: 1)")
    parser.add_argument("--quick", action="store_true", help="small, to see whether it runs; the figures mean nothing")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON instead")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rows, arguments.columns, arguments.density = 300, 500, 0.01
    if arguments.step:
        what, _, step = arguments.step.partition(":")
        if step == "make":
            told = make_matrix(arguments, arguments.folder)
        else:
            told = (measure_matrix if what == "matrix" else measure_texts)(step, arguments, arguments.folder)
        print(json.dumps(told))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        told = (run_texts if arguments.texts else run_matrix)(arguments, Path(folder))
    if arguments.json:
        print(json.dumps(told, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
