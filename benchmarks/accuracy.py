"""Print the README's table of accuracies: each row is one command, run with several seeds.

    python benchmarks/accuracy.py [--seeds 3] [--threads N] [--only NAME ...] [--options=OPTIONS]

Rows whose data are not found are left out, with a line on stderr that says why.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("bitlocal"))
ROWS = (
    "digits",
    "mnist",
    "mnist --preset fast",
    "fashion-mnist",
    "fashion-mnist --preset fast",
    "fashion-mnist --encoder image:thermometer4+hog4 --readout votes",
    "fashion-mnist --encoder thermometer8 --readout votes",
    "fashion-mnist --group-size 15 --epochs 10 --encoder median --readout votes",
    "fashion-mnist --hidden 1035,525 --group-size 15 --epochs 10 --encoder median --readout votes",
    "cifar10-images.zip --preset accurate --mirror --epochs 10",
    "cifar10-features",
    "prototypes",
    "dna",
    "vowel",
    "sonar",
    "shuttle",
)


def measure(row: str, seed: int, options: list[str]) -> dict[str, object] | None:
    """Train once; None where the data are missing."""
    folder = os.environ.get("BITLOCAL_DATA", ".")
    words = [str(Path(folder, word)) if word.endswith(".zip") else word for word in row.split()]
    command = [COMMAND, "train", *words, *options, "--seed", str(seed), "--json", "--quiet"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        print(result.stderr.strip(), file=sys.stderr)
        return None
    report: dict[str, object] = json.loads(result.stdout)
    return report


def main() -> None:
    """Run all rows and print them as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="seeds 1 ... N")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--only", nargs="*", help="data sets to run")
    parser.add_argument("--options", default="", help='more options for each command, as in --options="--clip 63"')
    arguments = parser.parse_args()
    options = arguments.options.split()
    if arguments.threads is not None:
        options += ["--threads", str(arguments.threads)]
    print("| data | test accuracy: mean, standard deviation (min to max) | s an epoch | model, bytes | command |")
    print("|---|---|---|---|---|")
    for row in ROWS:
        if arguments.only and row.split()[0] not in arguments.only:
            continue
        reports = [measure(row, seed, options) for seed in range(1, arguments.seeds + 1)]
        found = [report for report in reports if report is not None]
        if not found:
            continue
        accuracies = [100 * float(str(report["test_accuracy"])) for report in found]
        seconds = statistics.median(float(str(report["seconds_per_epoch"])) for report in found)
        deviation = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
        spread = f"{statistics.mean(accuracies):.2f} ± {deviation:.2f} %"
        spread += f" ({min(accuracies):.2f} to {max(accuracies):.2f})"
        size = f"{found[0]['model_bytes']:,}".replace(",", " ")
        print(f"| {row.split()[0]} | {spread} | {seconds:.3g} | {size} | `bitlocal train {row}` |", flush=True)


if __name__ == "__main__":
    main()
