"""What suits the samples: ways to learn them are tried on some that are held out, and counted in integers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from bitlocal.encoders.resolve import choices, is_automatic
from bitlocal.estimator.calibration import fit_temperature, folds
from bitlocal.samples import encode, fit_encoder, read
from bitlocal.samples.weights import ONE
from bitlocal.spec import READOUT_UNIT
from bitlocal.splits import hold_out
from bitlocal.training import share_right

_FEW = 3000  # samples up to which thirds are held out
_TO_LEARN_FROM = 2000  # of more samples, so many
_TO_ANSWER = 20_000  # and at most so many others,
_TO_ANSWER_ALONE = 4000  # or so many where there is one encoder, which may be slow
_MOST_EPOCHS = 100  # whoever asks for thousands does not ask for the trials'
_NOTHING = np.iinfo(np.int32).min  # logit of a class that was not there to be learnt


@dataclass(frozen=True)
class Trial:
    """A way to learn the samples, and what came of it.

    Attributes
    ----------
    parameters : mapping
        Parameters of the classifier: `readout`, and `encoder` where that was open; None there stands for bits.
    accuracy : float
        Share of the samples held out, by weight, that it classified correctly.
    """

    parameters: Mapping[str, Any]
    accuracy: float

    def __str__(self) -> str:
        names = {**self.parameters}
        if "encoder" in names:
            names["encoder"] = names["encoder"] or "bits"
        return f"{' with '.join(map(str, names.values()))} {self.accuracy:.2%}"


@dataclass(frozen=True)
class Selection:
    """Which way was taken, and why.

    Attributes
    ----------
    trials : tuple of Trial
        All that were tried, the plain one first.
    place : int
        Which of them was taken.
    n_held_out : int
        Samples that they were asked about.
    """

    trials: tuple[Trial, ...]
    place: int
    n_held_out: int

    @property
    def chosen(self) -> Trial:
        """What was taken."""
        return self.trials[self.place]

    def __str__(self) -> str:
        others = "; ".join(str(trial) for i, trial in enumerate(self.trials) if i != self.place)
        return f"{self.chosen} of {self.n_held_out} samples held out (others: {others})"


def choose(right: Sequence[NDArray[np.bool_]], weights: NDArray[np.uint64] | None = None) -> int:
    """Choose one of several ways by the samples that each classified correctly.

    The first one, unless another gains more than chance would: where a and b are the samples that only the other and
    only the first one got right, the gain is g = Σ_a w - Σ_b w, and must be above 0 with g² > Σ_a w² + Σ_b w², its
    variance if both were equally good. Of several such the one that gains most, and of equals the first.

    Parameters
    ----------
    right : sequence of bool arrays of shape (n_samples,)
        Of each way.
    weights : ndarray of uint64, shape (n_samples,), optional
        How much each sample counts; None for the same.

    Returns
    -------
    int

    Examples
    --------
    >>> import numpy as np
    >>> from bitlocal.estimator.selection import choose
    >>> plain = np.array([True, True, False, False, False])
    >>> choose([plain, np.array([True, False, True, True, False]), np.array([True, True, True, True, False])])
    2
    """
    place, most = 0, 0
    of_sample = np.ones(len(right[0]), dtype=np.uint64) if weights is None else weights
    for i, other in enumerate(right):
        better = of_sample[other & ~right[0]].tolist()  # Python's integers, which do not overflow
        worse = of_sample[right[0] & ~other].tolist()
        gain = sum(better) - sum(worse)
        if gain > most and gain**2 > sum(w**2 for w in better + worse):
            place, most = i, gain
    return place


def select(
    estimator: Any, X: Any, labels: NDArray[np.intp], weights: NDArray[np.uint64] | None, *, seed: int, epochs: int
) -> tuple[Selection | None, float | None]:
    """Try what may suit samples on some of them that are held out, and choose.

    Of each encoder's two readouts the one that is right more often, votes if both are; then `choose` among encoders.

    Parameters
    ----------
    estimator : BMLPClassifier
        What is to learn; it stays as it is.
    X, labels, weights
        Samples that were read, their classes, and how often they count.
    seed : int
        Of the networks, and of what is held out.
    epochs : int
        As many as the training will have; trials have half of them, 100 at most.

    Returns
    -------
    selection : Selection or None
        None where there is nothing to choose from, or too little to tell by.
    temperature : float or None
        That of the way that was chosen, where the trials tell it.
    """
    settled = estimator.settled()
    open_readout = settled["readout"] == "auto"
    encoders: list[Any] = choices(X, estimator.preset) if is_automatic(estimator.encoder) else []
    if not encoders and not open_readout:
        return None, None
    parts = _parts(estimator, encoders[0] if encoders else estimator.encoder, X, labels, seed, alone=not encoders)
    if not parts:
        return None, None
    asked = np.concatenate([some for _, some in parts])
    of_sample = None if weights is None else weights[asked]
    readout = "learned" if open_readout else settled["readout"]
    fixed: dict[str, Any] = {
        "probability": False,
        "early_stopping": False,
        "validation_fraction": None,
        "warm_start": False,
    }
    fixed |= {
        "random_state": seed,
        "max_iter": min(-(-epochs // 2), _MOST_EPOCHS),
        "class_weight": None,
        "verbose": False,
    }
    trials: list[Trial] = []
    best: list[tuple[int, NDArray[np.bool_], NDArray[np.int32]]] = []  # of each encoder: trial, what is right, logits
    for named in [{"encoder": encoder} for encoder in encoders] or [{}]:
        one = clone(estimator).set_params(**{**fixed, "readout": readout, **named})
        try:
            found = _answers(one, X, labels, weights, parts, both=open_readout)
        except ValueError:  # a part may be constant, say, though the samples are not
            continue
        right = {name: logits.argmax(axis=1) == labels[asked] for name, logits in found.items()}
        shares = {name: share_right(each, of_sample) for name, each in right.items()}
        better = max(found, key=lambda name: shares[name])  # of equals the first, votes
        best.append((len(trials) + list(found).index(better), right[better], found[better]))
        trials += [Trial({**named, "readout": name}, shares[name]) for name in found]
    if not best:
        return None, None
    place, _, logits = best[choose([right for _, right, _ in best], of_sample)]
    known = len(labels) <= _FEW and bool((logits > _NOTHING).all())
    temperature = fit_temperature(logits, labels[asked], of_sample) if known else None
    return Selection(tuple(trials), place, len(asked)), temperature


def _answers(
    one: Any,
    X: Any,
    labels: NDArray[np.intp],
    weights: NDArray[np.uint64] | None,
    parts: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
    *,
    both: bool,
) -> dict[str, NDArray[np.int32]]:
    """Give the logits of what is held out: by the readout, or by both of them."""
    names = ("votes", "learned") if both else (one.settled()["readout"],)
    n = sum(len(some) for _, some in parts)
    found = {name: np.full((n, int(labels.max()) + 1), _NOTHING, dtype=np.int32) for name in names}
    first = 0
    for rest, some in parts:
        how_often = None if weights is None else weights[rest] / ONE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of all samples they are told
            one.fit(_safe_indexing(X, rest), labels[rest], how_often)
        bits = encode(one.encoder_, read(one, _safe_indexing(X, some)), one.network_.spec.n_inputs)
        rows = slice(first, first + len(some))
        found[names[-1]][rows, one.classes_] = one.network_.logits(bits, n_threads=1)
        if both:
            one.network_.start_readout()  # with votes, each of which counts for a unit
            found["votes"][rows, one.classes_] = one.network_.logits(bits, n_threads=1) // READOUT_UNIT
        first += len(some)
    return found


def _parts(
    estimator: Any, plain: Any, X: Any, labels: NDArray[np.intp], seed: int, *, alone: bool
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Give what to learn from and what to ask: thirds of few samples, in turn, or one part of many."""
    n = len(labels)
    if n > _FEW:
        rest, held_out = hold_out(labels, 1 - _TO_LEARN_FROM / n, seed=seed)
        most = _TO_ANSWER_ALONE if alone else _TO_ANSWER
        pairs = [(rest, held_out[:: -(-len(held_out) // most)])]
    else:
        bits = encode(fit_encoder(estimator, X, labels, plain), X)
        pairs = [(np.setdiff1d(np.arange(n), fold), fold) for fold in folds(bits, labels, seed=seed)]
    return [(rest, some) for rest, some in pairs if len(np.unique(labels[rest])) > 1]
