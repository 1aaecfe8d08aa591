"""What the multi-layer rule is compared with, as scikit-learn classifiers."""

from bitlocal.baselines.single_layer import SingleLayerClassifier

__all__ = ["SingleLayerClassifier"]
