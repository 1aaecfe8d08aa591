"""Memory, operations and equivalent Boolean gates of every method, from a network's shape and what a run counted.

`docs/cost.md` defines what is counted. Methods are "bmlp" (`BMLPClassifier`), "single-layer"
(`SingleLayerClassifier`), "sgd" and "adam" (`baselines.FloatMLPClassifier`) and "straight-through"
(`baselines.StraightThroughClassifier`).
"""

from bitlocal.lab.cost.circuits import GateCosts, gates, philox_word, xorshift_word
from bitlocal.lab.cost.steps import Operation, Operations, Run, operations
from bitlocal.lab.cost.storage import Memory, equal_memory, memory
from bitlocal.lab.methods import METHODS

__all__ = [
    "METHODS",
    "GateCosts",
    "Memory",
    "Operation",
    "Operations",
    "Run",
    "equal_memory",
    "gates",
    "memory",
    "operations",
    "philox_word",
    "xorshift_word",
]
