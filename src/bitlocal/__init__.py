"""Binary neural networks trained natively: XNOR, popcount and integer counters.

The main class is `BMLPClassifier`, which behaves like any scikit-learn classifier.
"""

from importlib.metadata import version

from bitlocal.bits import PackedBits, pack
from bitlocal.encoders import (
    CategoryEncoder,
    ImageEncoder,
    MedianBinarizer,
    SignalEncoder,
    TableEncoder,
    TextEncoder,
    ThermometerEncoder,
)
from bitlocal.errors import BitlocalError, DataError, ModelFileError
from bitlocal.estimator import BMLPClassifier
from bitlocal.modelfile import load, save
from bitlocal.processor import use_instruction_set

__version__ = version("bitlocal")

__all__ = [
    "BMLPClassifier",
    "BitlocalError",
    "CategoryEncoder",
    "DataError",
    "ImageEncoder",
    "MedianBinarizer",
    "ModelFileError",
    "PackedBits",
    "SignalEncoder",
    "TableEncoder",
    "TextEncoder",
    "ThermometerEncoder",
    "__version__",
    "load",
    "pack",
    "save",
    "use_instruction_set",
]
