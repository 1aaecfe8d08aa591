"""What the multi-layer rule is compared with, as scikit-learn classifiers with the interface of `BMLPClassifier`.

Those in floating point train with PyTorch, `pip install 'bitlocal[baselines]'`; they ask for it when they are fitted,
so that all of this can be imported without it, and they predict without it.
"""

from bitlocal.lab.baselines.mlp import FloatMLPClassifier
from bitlocal.lab.baselines.straight_through import StraightThroughClassifier
from bitlocal.lab.baselines.training import BaselineRecord

__all__ = [
    "BaselineRecord",
    "FloatMLPClassifier",
    "StraightThroughClassifier",
]
