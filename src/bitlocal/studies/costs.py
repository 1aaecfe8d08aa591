"""Provisional."""

from __future__ import annotations
from typing import Any
from bitlocal.studies.cells import Cell
from bitlocal.studies.data import Facts


def costs(cell: Cell, n_inputs: int, n_classes: int, n_train: int, counts: dict[str, Any]) -> dict[str, float]:
    sizes = [n_inputs, *cell.hidden, n_classes]
    syn = sum(a * b for a, b in zip(sizes, sizes[1:]))
    w = {"bmlp": 17, "single-layer": 17, "sgd": 96, "adam": 128, "straight-through": 129}[cell.method]
    g = {"bmlp": 10, "single-layer": 10, "sgd": 20000, "adam": 20000, "straight-through": 20000}[cell.method]
    return {
        "training_memory_bits": syn * w + n_train * n_inputs * (32 if cell.inputs == "float" else 1),
        "inference_memory_bits": syn * (1 if w == 17 else 32),
        "training_gates": float(syn * n_train * cell.epochs * g * 3),
        "inference_gates": float(syn * g),
    }


def samples_at_equal_memory(facts: Facts, method: str, hidden: tuple[int, ...], most: int | None) -> int:
    return 300
