"""How the gain over SGD at equal memory depends on the width: the float model leaves ever less room for samples.

    python benchmarks/equal_memory.py                        # Fashion-MNIST
    python benchmarks/equal_memory.py cifar10-features --widths 1035 2070

For each width, one hidden layer: how many float32 samples SGD may keep in the memory that the multi-layer rule needs
for all samples (model, activations and input data, as the publication counts; `bitlocal.lab.cost.equal_memory`), and
the test accuracy of both, mean over seeds. SGD has the best of three learning rates, chosen on the test set in its
favour.
"""

from __future__ import annotations

import argparse

import numpy as np

from bitlocal import BMLPClassifier
from bitlocal.datasets import load
from bitlocal.encoders import MedianBinarizer
from bitlocal.lab.baselines import FloatMLPClassifier
from bitlocal.lab.cost import equal_memory, memory
from bitlocal.splits import hold_out

BATCH_SIZE = 100
LEARNING_RATES = (0.003, 0.01, 0.03)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="fashion-mnist")
    parser.add_argument("--widths", type=int, nargs="+", default=[525, 1035, 1575, 2070, 2475, 2610, 2700])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10, help="of the multi-layer rule")
    arguments = parser.parse_args()

    data = load(arguments.data)
    labels = np.asarray(data.y)
    encoder = MedianBinarizer().fit(data.X)
    bits, test_bits = encoder.pack(data.X), encoder.pack(data.X_test)
    n_features, n_classes = data.X.shape[1], len(np.unique(labels))
    print(f"{arguments.data}, mean over seeds 1 to {arguments.seeds}")
    print(f"{'width':>6}{'SGD samples':>13}{'SGD':>9}{'BMLP':>9}{'gain':>9}")
    for width in arguments.widths:
        budget = memory("bmlp", bits.n_bits, (width,), n_classes, n_samples=len(labels))
        n = equal_memory(budget, "sgd", n_features, (width,), n_classes, at_most=len(labels))
        binary = [
            BMLPClassifier(
                (width,),
                group_size=15,
                max_iter=arguments.epochs,
                readout="votes",
                random_state=seed,
                probability=False,
            )
            .fit(bits, labels)
            .score(test_bits, data.y_test)
            for seed in range(1, arguments.seeds + 1)
        ]
        gained = f"{'':>9}{np.mean(binary):>9.2%}{'':>9}"
        if n >= n_classes:
            best = max(
                np.mean([sgd(data, labels, width, n, r, s + 1) for s in range(arguments.seeds)]) for r in LEARNING_RATES
            )
            gained = f"{best:>9.2%}{np.mean(binary):>9.2%}{100 * (np.mean(binary) - best):>+9.2f}"
        print(f"{width:>6}{n:>13}{gained}", flush=True)


def sgd(data, labels, width: int, n: int, rate: float, seed: int) -> float:
    """Test accuracy of SGD on n samples, stratified by class, presented in 400 mini-batches or more."""
    chosen = hold_out(labels, n / len(labels), seed=seed)[1] if n < len(labels) else np.arange(len(labels))
    epochs = max(8, -(-400 // -(-n // BATCH_SIZE)))
    classifier = FloatMLPClassifier((width,), solver="sgd", learning_rate=rate, max_iter=epochs, random_state=seed)
    return float(classifier.fit(data.X[chosen], labels[chosen]).score(data.X_test, data.y_test))


if __name__ == "__main__":
    main()
