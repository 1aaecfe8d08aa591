"""Measure how accurate exported networks are whose flash is 1, 4, 16, 64 or 256 kB, encoder included.

    python benchmarks/sizes.py [--data mnist fashion-mnist] [--budget 1 4 16 64 256] [--seeds 3] [--samples 100]

Trains the networks of benchmarks/device/budgets.py on all training images, exports those of seed 0, compiles them for a
Cortex-M3, compares their logits under emulation with Python's, and prints a row of a Markdown table for each. Stops
where one does not fit, or answers otherwise.

Needs BITLOCAL_DATA, and gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm. Files go to build/sizes.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tools"), str(HERE / "device")]

from budgets import BUDGETS, Budget  # noqa: E402

from bitlocal import export  # noqa: E402
from device.exported import answers, driver, exported, requests_for, smallest, stack_depth  # noqa: E402
from device.lab import CORTEX_M3, section_sizes  # noqa: E402

OUT = HERE.parent / "build" / "sizes"
HEAD = (
    "| data | budget | encoder | neurons, group size | readout | constants | flash | RAM | instructions | "
    "test accuracy, % |\n|---|---|---|---|---|---|---|---|---|---|"
)


def row(budget: Budget, seeds: int, n_samples: int, optimise: str) -> str:
    """Train, compile, compare and give a row of the table."""
    recipe = budget.recipe
    data = recipe.load()
    classifier = recipe.train(data)
    scores = [classifier.score(data.X_test, data.y_test)]
    packed, packed_test = (classifier.encoder_.pack(X) for X in (data.X, data.X_test))  # seeds share the encoder
    for seed in range(1, seeds):
        other = replace(recipe, seed=seed).classifier().set_params(encoder=None).fit(packed, data.y)
        scores.append(other.score(packed_test, data.y_test))

    folder = OUT / recipe.name
    export.c(classifier, folder, features="uint8")
    model, some = exported(folder), data.X_test[:n_samples]
    program = smallest(CORTEX_M3, model, optimise=optimise)
    constants = section_sizes(CORTEX_M3, program.elf)[".rodata"]
    takes = constants if budget.constants_alone else program.flash
    if takes > 1024 * budget.kilobytes:
        sys.exit(f"{recipe.name}: {takes} bytes, more than {budget.kilobytes} kB")
    requests = requests_for(folder)
    on_device = driver(CORTEX_M3, model, optimise=optimise)
    logits = answers(on_device.run(bytes(requests.samples("p", some))))[1]
    if not np.array_equal(logits, classifier.logits(some)):
        sys.exit(f"{recipe.name}: other logits on the device than in Python")
    instructions = int(on_device.run(bytes(requests.samples("i", some)), counted=True).split()[0]) // len(some)

    network, encoder = recipe.parameters, recipe.parameters["encoder"]
    name = encoder.parts + (f", cells of {encoder.cell_size}" if encoder.cell_size else "")
    ram = program.ram + stack_depth(CORTEX_M3, model, optimise=optimise)
    bytes_and_counts = " | ".join(f"{n:,}".replace(",", " ") for n in (constants, program.flash, ram, instructions))
    mean, least, most = (100 * value for value in (sum(scores) / seeds, min(scores), max(scores)))
    return (
        f"| {recipe.data} | {budget.kilobytes} kB{' of constants' if budget.constants_alone else ''} | `{name}` | "
        f"{network['hidden_layer_sizes'][0]}, {network['group_size']} | {network['readout']} | {bytes_and_counts} | "
        f"{mean:.2f} ({least:.2f} to {most:.2f}) |"
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="*", default=["mnist", "fashion-mnist"], help="data sets")
    parser.add_argument("--budget", nargs="*", type=int, default=[1, 4, 16, 64, 256], help="kB")
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0 on")
    parser.add_argument("--samples", type=int, default=100, help="test images to compare and to count instructions on")
    parser.add_argument("--optimise", default="-O2", help="as in --optimise=-Os")
    arguments = parser.parse_args()
    missing = CORTEX_M3.missing()
    if missing:
        sys.exit(missing)
    print(HEAD)
    for budget in BUDGETS:
        if budget.recipe.data in arguments.data and budget.kilobytes in arguments.budget:
            print(row(budget, arguments.seeds, arguments.samples, arguments.optimise), flush=True)


if __name__ == "__main__":
    main()
