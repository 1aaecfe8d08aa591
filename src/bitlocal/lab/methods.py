"""The methods that the laboratory knows."""

LOCAL = ("bmlp", "single-layer")
"""Those that learn by the local rule, with counters: `BMLPClassifier` and `SingleLayerClassifier`."""

FLOAT = ("sgd", "adam")
"""Full precision: `baselines.FloatMLPClassifier` by its solver."""

METHODS = (*LOCAL, *FLOAT, "straight-through")
"""All of them; the last is `baselines.StraightThroughClassifier`."""
