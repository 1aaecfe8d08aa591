"""Pipelines of scikit-learn and searches over them, folded into the classifier that they end with."""

from bitlocal.pipelines.fold import fold

__all__ = ["fold"]
