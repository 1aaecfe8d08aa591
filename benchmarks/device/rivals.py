"""What exported networks are compared with: a float MLP in plain C, and what emlearn generates."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Rival:
    """Sources of a model that has the interface of an exported network, and the samples that it takes."""

    name: str
    accuracy: float
    sources: tuple[Path, ...]
    include: tuple[Path, ...]
    X_test: NDArray[np.uint8]
    learns: bool
    libraries: tuple[str, ...] = ()


def _floats(values: NDArray[np.floating]) -> str:
    return ", ".join(f"{value:.8e}f" for value in np.asarray(values, dtype=np.float32).ravel().tolist())


def float_mlp(
    name: str,
    hidden: int,
    X: NDArray[np.uint8],
    y: NDArray[np.int64],
    X_test: NDArray[np.uint8],
    y_test: NDArray[np.int64],
    folder: Path,
    *,
    epochs: int,
    scale: float,
) -> Rival:
    """Train an MLP of floats with scikit-learn, and write its weights for float_mlp.c."""
    model = _mlp(hidden, epochs).fit(X * np.float32(scale), y)
    (w1, w2), (b1, b2) = model.coefs_, model.intercepts_
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weights.h").write_text(
        f"#ifndef WEIGHTS_H\n#define WEIGHTS_H\n#define BMLP_N_FEATURES {X.shape[1]}\n"
        f"#define BMLP_N_CLASSES {w2.shape[1]}\n"
        f"#define N_HIDDEN {hidden}\n#define LEARNING_RATE 0.01f\n#define FEATURE_TYPE uint8_t\n"
        f"#define INPUT_SCALE {float(scale)!r}f\n#endif\n"
        "#ifdef DEFINE_WEIGHTS\n"
        f"static const float hidden_weights[N_HIDDEN][BMLP_N_FEATURES] = {{{_rows(w1.T)}}};\n"
        f"static const float hidden_biases[N_HIDDEN] = {{{_floats(b1)}}};\n"
        f"static const float output_weights[BMLP_N_CLASSES][N_HIDDEN] = {{{_rows(w2.T)}}};\n"
        f"static const float output_biases[BMLP_N_CLASSES] = {{{_floats(b2)}}};\n"
        "#endif\n"
    )
    accuracy = float(model.score(X_test * np.float32(scale), y_test))
    sources = (HERE / "float_mlp" / "float_mlp.c",)
    return Rival(name, accuracy, sources, (HERE / "float_mlp", folder), X_test, learns=True, libraries=("-lm",))


def _rows(weights: NDArray[np.floating]) -> str:
    return ", ".join(f"{{{_floats(row)}}}" for row in weights)


def _mlp(hidden: int, epochs: int) -> MLPClassifier:
    return MLPClassifier((hidden,), max_iter=epochs, random_state=0, n_iter_no_change=epochs)


def emlearn_mlp(
    name: str,
    hidden: int,
    X: NDArray[np.uint8],
    y: NDArray[np.int64],
    X_test: NDArray[np.uint8],
    y_test: NDArray[np.int64],
    folder: Path,
    *,
    epochs: int,
    scale: float,
) -> Rival:
    """Train an MLP with scikit-learn, and let emlearn write it as C."""
    model = _mlp(hidden, epochs).fit(X * np.float32(scale), y)
    accuracy = float(model.score(X_test * np.float32(scale), y_test))
    include = _emlearn(model, folder, X.shape[1], "float", scale)
    return Rival(
        name, accuracy, (HERE / "emlearn" / "emlearn_model.c",), include, X_test, learns=False, libraries=("-lm",)
    )


def emlearn_forest(
    name: str,
    n_trees: int,
    X: NDArray[np.uint8],
    y: NDArray[np.int64],
    X_test: NDArray[np.uint8],
    y_test: NDArray[np.int64],
    folder: Path,
    *,
    max_leaf_nodes: int | None = None,
) -> Rival:
    """Train a random forest with scikit-learn, and let emlearn write it as C, with comparisons of integers.

    emlearn cuts the fraction off thresholds, which lie between two pixels' values: so the pixels are doubled.
    """
    model = RandomForestClassifier(n_trees, max_leaf_nodes=max_leaf_nodes, random_state=0)
    model.fit(X.astype(np.int16) * 2, y)
    accuracy = float(model.score(X_test.astype(np.int16) * 2, y_test))
    include = _emlearn(model, folder, X.shape[1], "int16_t", 2)
    return Rival(name, accuracy, (HERE / "emlearn" / "emlearn_model.c",), include, X_test, learns=False)


def _emlearn(model: object, folder: Path, n_features: int, kind: str, scale: float) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    options = {"method": "inline", "dtype": "int16_t"} if kind == "int16_t" else {}
    before = Path.cwd()
    os.chdir(folder)  # emlearn leaves files of its own in the current folder,
    try:
        with np.errstate():  # and changes how NumPy treats underflow
            import emlearn  # an optional dependency of this benchmark

            emlearn.convert(model, **options).save(file=str(folder / "generated.h"), name="model")
    finally:
        os.chdir(before)
    written = f"{float(scale)!r}f" if kind == "float" else str(int(scale))
    (folder / "model.h").write_text(
        f"#define BMLP_N_FEATURES {n_features}\n#define BMLP_N_CLASSES 10\n#define FEATURE_TYPE uint8_t\n"
        f"#define MODEL_TYPE {kind}\n#define MODEL_SCALE {written}\n"
    )
    return HERE / "emlearn", folder, Path(emlearn.includedir)
