"""Probabilities as scikit-learn's classifiers give them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils.metaestimators import available_if

from bitlocal.bits import PackedBits
from bitlocal.estimator.calibration import log_probabilities, probabilities

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _if_wanted(method: _Method) -> _Method:
    return cast(_Method, available_if(lambda classifier: bool(classifier.probability))(method))


class Probabilities:
    """What a classifier has that answers with logits, and has a `calibration_` that knows a temperature."""

    probability: bool

    @abstractmethod
    def logits(self, X: ArrayLike | PackedBits) -> NDArray[np.int32]:
        """Compute the logits, whole numbers."""

    @_if_wanted
    def predict_proba(self, X: ArrayLike | PackedBits) -> NDArray[np.float64]:
        """Estimate the probability of each class.

        They are softmax(logits / temperature). The temperature makes those samples most likely that the network did not
        learn from: a held-out part if `fit` had one (with `early_stopping` the one that chose the network, which makes
        the probabilities a little too sure); otherwise parts that other networks, trained as this one, did not see; in
        a stream, the last 1000 samples as they were answered before they were learnt. The largest probability is that
        of the class that `predict` gives.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or PackedBits

        Returns
        -------
        ndarray of float64, shape (n_samples, n_classes)
            In the order of `classes_`.

        Raises
        ------
        NotFittedError
            If there is no temperature: the classifier was trained with `probability=False`, was interrupted, or comes
            from a file that has none.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from bitlocal import BMLPClassifier
        >>> X, y = load_digits(return_X_y=True)
        >>> clf = BMLPClassifier(random_state=0).fit(X[:1000], y[:1000])
        >>> clf.predict_proba(X[1000:1001]).round(1).tolist()
        [[0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]
        """
        return probabilities(*self._answers(X))

    @_if_wanted
    def predict_log_proba(self, X: ArrayLike | PackedBits) -> NDArray[np.float64]:
        """Estimate the logarithms of what `predict_proba` gives.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or PackedBits

        Returns
        -------
        ndarray of float64, shape (n_samples, n_classes)
        """
        return log_probabilities(*self._answers(X))

    def _answers(self, X: ArrayLike | PackedBits) -> tuple[NDArray[np.int32], float]:
        """Give logits, and what to divide them by."""
        logits = self.logits(X)
        if self.temperature is None:
            raise NotFittedError(
                "this classifier has no probabilities: it was trained with probability=False, was interrupted, or "
                "comes from a file without them; train it again with probability=True"
            )
        return logits, self.temperature

    @property
    def temperature(self) -> float | None:
        """What logits are divided by to become probabilities; None where it is not known."""
        calibration = getattr(self, "calibration_", None)
        return None if calibration is None else calibration.temperature
