"""Encoders: real data to bits, as scikit-learn transformers.

Every encoder compares: features, or integer sums of features, with thresholds. Nothing else is needed at inference, so
a model file holds its encoder, and the network can run where there is no floating point.
"""

from bitlocal.encoders.base import Encoder
from bitlocal.encoders.images import ImageEncoder
from bitlocal.encoders.oblique import ObliqueEncoder
from bitlocal.encoders.resolve import make_encoder
from bitlocal.encoders.signals import SignalEncoder
from bitlocal.encoders.tables.categories import CategoryEncoder
from bitlocal.encoders.tables.table import TableEncoder
from bitlocal.encoders.text import TextEncoder
from bitlocal.encoders.thresholds import MedianBinarizer, ThermometerEncoder, ThresholdEncoder

__all__ = [
    "CategoryEncoder",
    "Encoder",
    "ImageEncoder",
    "MedianBinarizer",
    "ObliqueEncoder",
    "SignalEncoder",
    "TableEncoder",
    "TextEncoder",
    "ThermometerEncoder",
    "ThresholdEncoder",
    "make_encoder",
]
