"""The single-layer, binary-native method that the multi-layer rule is compared with, on the compiled core."""

from __future__ import annotations

from typing import Any

from bitlocal.estimator import BMLPClassifier
from bitlocal.spec import Spec
from bitlocal.spec.parameters import compose, layer_sizes


class SingleLayerClassifier(BMLPClassifier):
    """One trained layer, a fixed layer of majority units over its groups, and a fixed random classifier.

    Each group of `group_size` neurons feeds one majority unit, which is +1 where at least half of them are; the units
    alone vote for the classes. A sample that teaches does so in the groups whose unit is wrong, where it updates the
    wrong neuron that is easiest to fix. Everything else (parameters, attributes, methods) is as in
    `bitlocal.BMLPClassifier`, but `hidden_layer_sizes` has one entry, and `robustness` is a share of the units.

    The group size sets the number of units, hidden_layer_sizes / group_size: small groups leave many units to tell
    the classes apart, large ones more neurons for each to choose from.

    References
    ----------
    C. Baldassi, A. Braunstein, N. Brunel, R. Zecchina, "Efficient supervised learning in networks with binary
    synapses", PNAS 104 (2007); C. Baldassi, "Generalization learning in a perceptron with binary synapses", J. Stat.
    Phys. 136 (2009), arXiv:1211.3024; as compared with in arXiv:2412.00119.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from bitlocal.single_layer import SingleLayerClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> clf = SingleLayerClassifier((1035,), group_size=5, max_iter=50, random_state=0).fit(X_train, y_train)
    >>> clf.score(X_test, y_test) > 0.9
    True
    """

    def _spec(self, n_bits: int, seed: int) -> Spec:
        parameters = self.settled()
        return compose(parameters, n_inputs=n_bits, n_classes=len(self.classes_), seed=seed, majority=True)

    def settled(self) -> dict[str, Any]:
        """Give the parameters, with what those that are None mean; only votes answer."""
        return {**super().settled(), "readout": "votes"}

    def check_parameters(self) -> None:
        """Raise a ValueError that says what was expected, unless all parameters can be used."""
        super().check_parameters()
        if len(layer_sizes(self.settled()["hidden_layer_sizes"])) != 1:
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r}: the single-layer method has one layer, as in (1035,)"
            )
        if self.train_classifier:
            raise ValueError("train_classifier=True: the classifier of the single-layer method is fixed")
        if self.readout not in (None, "votes"):
            raise ValueError(f"readout={self.readout!r}: the single-layer method has votes alone, as in 'votes'")
