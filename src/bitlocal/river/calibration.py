"""Probabilities in a stream in which labels emerge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bitlocal.estimator.calibration import StreamCalibration, probabilities


class EmergingCalibration:
    """The temperature of a network with more places than labels have come so far.

    Places that no label has taken are no answers. Were they among the logits when a temperature is sought, it would be
    one for more ways to be wrong than there are. So it is found on the logits of the labels that were learnt so far.
    With a new label the search begins anew, and the temperature stays until there are enough samples for another.
    """

    def __init__(self) -> None:
        self._columns: dict[int, int] = {}  # place of a label: when it came
        self._of_these = StreamCalibration()

    def note(self, logits: NDArray[np.int32], places: NDArray[np.intp], weights: NDArray[np.uint64] | None) -> None:
        """Take the answers to samples that came next, as they were before the network learnt from them.

        Parameters
        ----------
        logits : ndarray of int32, shape (n_samples, n_places)
        places : ndarray of int, shape (n_samples,)
            Of their labels.
        weights : ndarray of uint64, shape (n_samples,), or None
            As `to_fixed` gives them; None for 1 each.
        """
        first = 0
        for i, place in enumerate(places.tolist()):
            if place not in self._columns:
                self._note(logits[first:i], places[first:i], None if weights is None else weights[first:i])
                first = i
                self._columns[place] = len(self._columns)
                self._of_these = StreamCalibration(self._of_these.temperature)
        self._note(logits[first:], places[first:], None if weights is None else weights[first:])

    def _note(self, logits: NDArray[np.int32], places: NDArray[np.intp], weights: NDArray[np.uint64] | None) -> None:
        if len(places) == 0 or len(self._columns) < 2:  # one label is never wrong
            return
        columns = np.array([self._columns[place] for place in places.tolist()])
        self._of_these.note(logits[:, list(self._columns)], columns, weights)

    def probabilities(self, logits: NDArray[np.int32], places: list[int]) -> NDArray[np.float64] | None:
        """Estimate the probabilities of labels.

        Parameters
        ----------
        logits : ndarray of int32, shape (n_samples, n_places)
        places : list of int
            Of the labels.

        Returns
        -------
        ndarray of float64, shape (n_samples, n_labels), or None
            None as long as there is no temperature: before two labels have come.
        """
        if self._of_these.temperature is None:
            return None
        return probabilities(logits[:, places], self._of_these.temperature)
