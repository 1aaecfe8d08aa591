"""The networks that benchmarks/sizes.py measures: what did best in so many bytes, on held-out training samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recipes import Recipe

from bitlocal import ImageEncoder


@dataclass(frozen=True)
class Budget:
    """A network for so much flash: that of the whole program, or of its constants alone."""

    kilobytes: int
    recipe: Recipe
    constants_alone: bool = False


def _budget(
    data: str, kilobytes: int, encoder: str, neurons: int, group_size: int, readout: str, **of_encoder: Any
) -> Budget:
    parameters = {
        "encoder": ImageEncoder(encoder, shape=(28, 28), **of_encoder),
        "hidden_layer_sizes": (neurons,),
        "group_size": group_size,
        "robustness": 0.3,
        "reinforcement": 0.7,
        "readout": readout,
    }
    name = f"{data}-{kilobytes}kB"
    recipe = Recipe(name, data, f"{encoder}, {neurons} neurons", parameters, epochs=60, stream=False, shape=(28, 28))
    return Budget(kilobytes, recipe, constants_alone=kilobytes == 1)  # code alone takes more than 1 kB


BUDGETS = (
    _budget("mnist", 1, "hog1", 50, 25, "votes", cell_size=10, margin=0.5),
    _budget("mnist", 4, "hog3", 33, 11, "learned", cell_size=10, margin=0.5),
    _budget("mnist", 16, "words72/6/1/4/2", 72, 24, "learned"),
    _budget("mnist", 64, "words224/6/1/4/6", 120, 30, "learned"),
    _budget("mnist", 256, "words256/6/2", 280, 56, "learned"),
    _budget("fashion-mnist", 1, "pool4/6", 46, 23, "votes"),
    _budget("fashion-mnist", 4, "hog2+pool2/4", 39, 13, "votes", cell_size=10),
    _budget("fashion-mnist", 16, "words48/4/1+pool2", 69, 23, "learned"),
    _budget("fashion-mnist", 64, "thermometer2+hog4", 72, 24, "learned"),
    _budget("fashion-mnist", 256, "words192/4/2+pool2+hog4", 175, 35, "learned"),
)
