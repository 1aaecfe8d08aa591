"""Learning from streams, with the conventions of River. Needs the extra `river`; nothing else here loads this."""

from bitlocal.river.classifier import BMLPStreamClassifier as BMLPStreamClassifier

__all__ = ["BMLPStreamClassifier"]
