"""Probabilities from logits, by a temperature found on samples that the network had not learnt from.

Off the native path: the network answers in integers, and what is here turns them into floating point.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.bits import PackedBits
from bitlocal.network import BinaryNetwork
from bitlocal.samples.weights import ONE
from bitlocal.training import Validation, train, train_readout

_ENOUGH = 1000  # samples that tell a temperature to a few per cent
_WIDEST = 30  # temperatures are between 2**-30 and 2**30


def log_probabilities(logits: NDArray[np.integer], temperature: float) -> NDArray[np.float64]:
    """Give the logarithms of softmax(logits / temperature).

    Parameters
    ----------
    logits : array of int, shape (n_samples, n_classes)
        What the last layer answers.
    temperature : float
        Above 0; the higher, the more even the probabilities.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_classes)

    Examples
    --------
    >>> import numpy as np
    >>> from bitlocal.estimator.calibration import log_probabilities
    >>> np.exp(log_probabilities(np.array([[30, 0, 0], [5, 5, 5]]), 30)).round(2).tolist()
    [[0.58, 0.21, 0.21], [0.33, 0.33, 0.33]]
    """
    behind = (logits - logits.max(axis=1, keepdims=True)) / temperature
    shifted: NDArray[np.float64] = behind - np.log(np.exp(behind).sum(axis=1, keepdims=True))
    return shifted


def probabilities(logits: NDArray[np.integer], temperature: float) -> NDArray[np.float64]:
    """Give softmax(logits / temperature), whose rows sum to 1 to the last bit.

    Parameters
    ----------
    logits, temperature
        As in `log_probabilities`.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_classes)
    """
    found: NDArray[np.float64] = np.exp(log_probabilities(logits, temperature))
    found /= found.sum(axis=1, keepdims=True)
    return found


def fit_temperature(
    logits: NDArray[np.integer], labels: NDArray[np.integer], weights: NDArray[np.uint64] | None = None
) -> float:
    """Find the temperature with which unseen samples are most likely: temperature scaling.

    Parameters
    ----------
    logits : array of int, shape (n_samples, n_classes)
        Of samples that the network had not learnt from; at least one.
    labels : array of int, shape (n_samples,)
        Their classes.
    weights : array of uint64, shape (n_samples,), optional
        How much each counts; None for the same.

    Returns
    -------
    float
        Rounded to four digits, so that it does not depend on how a machine rounds exponentials.

    Notes
    -----
    C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017, section 4.2. One
    more sample that may be of any class keeps the temperature above zero where all others are right, as J. Platt does
    for logistic calibration (1999).

    Examples
    --------
    >>> import numpy as np
    >>> from bitlocal.estimator.calibration import fit_temperature
    >>> fit_temperature(np.array([[9, 0]] * 10), np.array([0] * 8 + [1] * 2))
    7.354
    """
    shares = np.ones(len(labels)) if weights is None else weights.astype(np.float64) / ONE
    total = shares.sum()
    shares /= total
    smoothing = 1 / (total + 1)
    # The likelihood is concave in 1 / temperature: its slope is the logit that came, less the one to be expected.
    came = (1 - smoothing) * logits[np.arange(len(labels)), labels] + smoothing * logits.mean(axis=1)
    low, high = -float(_WIDEST), float(_WIDEST)  # of log2(temperature)
    for _ in range(24):
        middle = (low + high) / 2
        expected = (np.exp(log_probabilities(logits, 2.0**middle)) * logits).sum(axis=1)
        if float(shares @ (expected - came)) > 0:  # too sure
            low = middle
        else:
            high = middle
    return float(f"{2.0**high:.4g}")


def validation_temperature(network: BinaryNetwork, validation: Validation, *, n_threads: int) -> float:
    """Find a network's temperature on the part that was held out from its training.

    Parameters
    ----------
    network : BinaryNetwork
        Trained.
    validation : Validation
        The part.
    n_threads : int
        Threads; the result does not depend on it.

    Returns
    -------
    float
    """
    logits = network.logits(validation.samples, n_threads=n_threads)
    return fit_temperature(logits, validation.labels, validation.weights)


def calibrated_temperature(
    network: BinaryNetwork,
    samples: PackedBits,
    labels: NDArray[np.integer],
    weights: NDArray[np.uint64] | None,
    *,
    batch_size: int,
    n_threads: int,
) -> float:
    """Find a network's temperature by others like it, each of which does not see a part of its training data.

    They are trained for half as many epochs, which is enough for a temperature, in half the time.

    Parameters
    ----------
    network : BinaryNetwork
        Trained; it stays as it is.
    samples, labels, weights
        What it was trained on.
    batch_size, n_threads : int
        As in its training.

    Returns
    -------
    float
    """
    logits: list[NDArray[np.int32]] = []
    unseen: list[NDArray[np.intp]] = []
    for fold in folds(samples, labels, seed=network.spec.seed):
        rest = np.setdiff1d(np.arange(len(labels)), fold)
        other = BinaryNetwork(network.spec)
        data = samples[rest], labels[rest]
        how: Any = {
            "weights": None if weights is None else weights[rest],
            "batch_size": batch_size,
            "n_threads": n_threads,
        }
        for _ in train(other, *data, epochs=-(-network.state.epoch // 2), **how):
            pass
        if network.spec.target.readout == "learned":
            train_readout(other, *data, **how)
        logits.append(other.logits(samples[fold], n_threads=n_threads))
        unseen.append(fold)
    rows = np.concatenate(unseen)
    return fit_temperature(np.concatenate(logits), labels[rows], None if weights is None else weights[rows])


def folds(samples: PackedBits, labels: NDArray[np.integer], *, seed: int) -> list[NDArray[np.intp]]:
    """Give the parts to hold out one after the other: three that are all, or fewer where less will do.

    Stratified by class. Which part a sample is in depends on its bits, not on its place: equal samples are held out
    together, so that none is known already, and a sample that is there twice is as good as one of weight 2.

    Parameters
    ----------
    samples : PackedBits
        Samples.
    labels : array of int, shape (n_samples,)
        Their classes.
    seed : int
        Of the parts.

    Returns
    -------
    list of ndarray of int
        Row numbers of each part, ascending; about 1000 samples in all, or all samples.
    """
    n = len(labels)
    n_folds = max(3, min(10, n // _ENOUGH))
    mixed = np.full(n, seed, dtype=np.uint64)
    for word in samples.words.T:
        mixed = (mixed ^ word) * np.uint64(0x9E3779B97F4A7C15)  # modulo 2**64
        mixed ^= mixed >> np.uint64(29)
    order = np.lexsort((mixed, labels))
    new = np.append(True, (np.diff(mixed[order]) != 0) | (np.diff(labels[order]) != 0))
    part = np.empty(n, dtype=np.intp)
    part[order] = (np.cumsum(new) - 1) % n_folds
    sizes = np.bincount(part, minlength=n_folds)
    taken = 1 + np.searchsorted(np.cumsum(sizes), min(_ENOUGH, n))
    return [np.flatnonzero(part == fold) for fold in range(taken) if 0 < sizes[fold] < n]


class StreamCalibration:
    """The temperature of a network that learns from a stream, found on the samples that came last.

    What the network answers to a sample before it learns from it is an answer to an unseen sample. The temperature is
    found anew after 1, 2, 4, ... 64 samples and after every 128, so that it does not depend on how the stream was cut.

    Parameters
    ----------
    temperature : float or None, default=None
        From elsewhere; it stays until there are 128 samples.

    Attributes
    ----------
    temperature : float or None
        The last that was found.
    """

    _every = 128

    def __init__(self, temperature: float | None = None) -> None:
        self.temperature = temperature
        self._from_elsewhere = temperature is not None
        self._n_seen = 0
        self._recent: list[NDArray[Any]] = []  # logits, labels and weights of the last samples, and room for more
        self._end = 0

    def note(
        self, logits: NDArray[np.int32], labels: NDArray[np.intp], weights: NDArray[np.uint64] | None = None
    ) -> None:
        """Take the answers to samples that came next, as they were before the network learnt from them.

        Parameters
        ----------
        logits : ndarray of int32, shape (n_samples, n_classes)
        labels : ndarray of int, shape (n_samples,)
        weights : ndarray of uint64, shape (n_samples,), optional
            Above 0: whoever learns leaves out samples that do not count.
        """
        if weights is None:
            weights = np.full(len(labels), ONE, dtype=np.uint64)
        before, self._n_seen = self._n_seen, self._n_seen + len(labels)
        due = max(self._last_due() - before, 0)
        self._add(logits[:due], labels[:due], weights[:due])
        if due:
            first = max(self._end - _ENOUGH, 0)
            recent_logits, recent_labels, recent_weights = (kept[first : self._end] for kept in self._recent)
            self.temperature = fit_temperature(recent_logits, recent_labels, recent_weights)
        self._add(logits[due:], labels[due:], weights[due:])

    def _last_due(self) -> int:
        """Give the last number of samples so far at which a temperature is found; 0 if there is none."""
        if self._n_seen >= self._every:
            return self._n_seen - self._n_seen % self._every
        return 0 if self._from_elsewhere or self._n_seen == 0 else 1 << (self._n_seen.bit_length() - 1)

    def _add(self, *arrays: NDArray[Any]) -> None:
        last = [array[-_ENOUGH:] for array in arrays]
        if not self._recent:
            self._recent = [np.empty((2 * _ENOUGH, *array.shape[1:]), array.dtype) for array in last]
        n = len(last[0])
        if self._end + n > 2 * _ENOUGH:
            kept = min(self._end, _ENOUGH)
            for room in self._recent:
                room[:kept] = room[self._end - kept : self._end].copy()
            self._end = kept
        for room, array in zip(self._recent, last, strict=True):
            room[self._end : self._end + n] = array
        self._end += n
