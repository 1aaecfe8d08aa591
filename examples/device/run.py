"""Train here, export, and go on learning on an emulated microcontroller: see README.md beside this file."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools"))

from bitlocal import BMLPClassifier, export  # noqa: E402
from device.exported import exported, stack_depth  # noqa: E402
from device.lab import CORTEX_M3  # noqa: E402

OUT = HERE.parents[1] / "build" / "example"
N_TRAIN, N_LEARN, N_TEST, N_PASSES = 1000, 400, 300, 3


def samples_header(turned: NDArray[np.uint8], upright: NDArray[np.uint8], labels: NDArray[np.int64]) -> str:
    """Write samples as C: the first for learning on the device, the others to test on."""

    def table(name: str, images: NDArray[np.uint8]) -> str:
        rows = ",\n".join("{" + ",".join(map(str, row)) + "}" for row in images.tolist())
        return f"static const bmlp_feature_t {name}[][BMLP_N_FEATURES] = {{\n{rows}}};\n"

    def numbers(name: str, values: NDArray[np.int64]) -> str:
        return f"static const uint8_t {name}[] = {{{','.join(map(str, values.tolist()))}}};\n"

    return (
        f"#define N_LEARN {N_LEARN}\n#define N_TEST {N_TEST}\n#define N_PASSES {N_PASSES}\n"
        + table("learn_images", turned[:N_LEARN])
        + numbers("learn_labels", labels[:N_LEARN])
        + table("turned_images", turned[N_LEARN:])
        + table("upright_images", upright[N_LEARN:])
        + numbers("test_labels", labels[N_LEARN:])
    )


def main() -> None:
    """Train, export, compile, run."""
    missing = CORTEX_M3.missing()
    if missing:
        sys.exit(missing)
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))[: N_TRAIN + N_LEARN + N_TEST]
    X, y = X[order].astype(np.uint8), y[order]
    turned = np.rot90(X.reshape(-1, 8, 8), axes=(1, 2)).reshape(-1, 64)

    # Counters of 4 bits: little to store, and quick to change their mind.
    classifier = BMLPClassifier(
        (110,),
        group_size=11,
        robustness=0.35,
        reinforcement=0.5,
        hidden_clip=15,
        batch_size=8,
        max_iter=40,
        encoder="thermometer5",
        readout="votes",
        random_state=0,
    ).fit(X[:N_TRAIN], y[:N_TRAIN])
    export.c(classifier, OUT, learn=True, features="uint8")
    (OUT / "samples.h").write_text(samples_header(turned[N_TRAIN:], X[N_TRAIN:], y[N_TRAIN:]))

    model = exported(OUT)
    program = model.build(CORTEX_M3, str(HERE / "main.c"), "camera", "-O2", [])
    stack = stack_depth(CORTEX_M3, model, learn=True, optimise="-O2", batch_size=8)
    print(f"Trained here on {N_TRAIN} upright images.")
    print(f"On an emulated Cortex-M3, with {program.ram + stack} bytes of RAM:\n")
    print(program.run(), end="")

    classifier.network_.state.window = None  # as on the device, which keeps its probability of reinforcement
    for _ in range(N_PASSES):
        classifier.partial_fit(turned[N_TRAIN : N_TRAIN + N_LEARN], y[N_TRAIN : N_TRAIN + N_LEARN])
    right = int(np.sum(classifier.predict(turned[-N_TEST:]) == y[-N_TEST:]))
    print(f"\nPython, which learnt the same:          {right} of {N_TEST} right")


if __name__ == "__main__":
    main()
