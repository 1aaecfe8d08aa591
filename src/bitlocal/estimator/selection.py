"""What suits a table: ways to learn it are tried on training samples that are held out, and counted in integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from bitlocal.encoders.resolve import choices
from bitlocal.estimator.calibration import fit_temperature, folds
from bitlocal.samples import encode, fit_encoder, read
from bitlocal.samples.weights import ONE
from bitlocal.splits import hold_out
from bitlocal.training import share_right

_FEW = 3000  # samples up to which thirds are held out
_TO_LEARN_FROM = 2000  # of more samples, so many
_TO_ANSWER = 20_000  # and at most so many others
_NONE = np.iinfo(np.int32).min  # the logit of a class that could not be learnt


@dataclass(frozen=True)
class Candidate:
    """A way to learn a table.

    Attributes
    ----------
    encoder : str or None
        What `encoder` would be; None where the samples are bits.
    parameters : mapping
        Other parameters of the classifier that go with it.
    """

    encoder: str | None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        others = [f"{name}={value!r}" for name, value in self.parameters.items()]
        return ", ".join([self.encoder or "bits", *others])


@dataclass(frozen=True)
class Trial:
    """What came of a candidate.

    Attributes
    ----------
    candidate : Candidate
        What was tried.
    accuracy : float
        Share of the samples held out, by weight, that it classified correctly.
    """

    candidate: Candidate
    accuracy: float


@dataclass(frozen=True)
class Selection:
    """Which candidate was taken, and why.

    Attributes
    ----------
    trials : tuple of Trial
        All candidates, the plain one first.
    place : int
        Which of them was taken.
    n_held_out : int
        Samples that they were asked about.
    """

    trials: tuple[Trial, ...]
    place: int
    n_held_out: int

    @property
    def chosen(self) -> Candidate:
        """The candidate that was taken."""
        return self.trials[self.place].candidate

    def __str__(self) -> str:
        tried = "; ".join(f"{trial.candidate}: {trial.accuracy:.2%}" for trial in self.trials)
        return f"{self.chosen} (of {self.n_held_out} samples held out: {tried})"


def candidates(X: Any) -> list[Candidate]:
    """Give what is to be tried on samples, the plain one first."""
    return [Candidate(encoder) for encoder in choices(X)]


def choose(right: Sequence[NDArray[np.bool_]], weights: NDArray[np.uint64] | None = None) -> int:
    """Choose one of several candidates by the samples that each classified correctly.

    The first one, unless another gains more than chance would: where a and b are the samples that only the other and
    only the first one got right, the gain is g = Σ_a w - Σ_b w, and must be above 0 with g² > Σ_a w² + Σ_b w², its
    variance if both were equally good. Of several such the one that gains most, and of equals the first.

    Parameters
    ----------
    right : sequence of bool arrays of shape (n_samples,)
        Of each candidate.
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

    Parameters
    ----------
    estimator : BMLPClassifier
        What is to learn; it stays as it is.
    X, labels, weights
        Samples that were read, their classes, and how often they count.
    seed : int
        Of the networks, and of what is held out.
    epochs : int
        As many as the training will have; trials have half of them.

    Returns
    -------
    selection : Selection or None
        None where there is nothing to choose from, or too little to tell by.
    temperature : float or None
        That of the chosen candidate, where the trials tell it.
    """
    tried = candidates(X)
    parts = _parts(estimator, tried[0], X, labels, seed) if len(tried) > 1 else []
    if not parts:
        return None, None
    held_out = np.concatenate([asked for _, asked in parts])
    of_sample = None if weights is None else weights[held_out]
    given: dict[str, Any] = {"random_state": seed, "max_iter": -(-epochs // 2), "class_weight": None, "verbose": False}
    given |= dict.fromkeys(("probability", "early_stopping", "warm_start"), False) | {"validation_fraction": None}
    answers = []
    for candidate in tried:
        how = given | {"encoder": candidate.encoder} | dict(candidate.parameters)
        answers.append(
            np.concatenate([_answer(clone(estimator).set_params(**how), X, labels, weights, *p) for p in parts])
        )
    # Where a candidate gave no answer at all, it is not right either.
    right = [(a.argmax(axis=1) == labels[held_out]) & (a.max(axis=1) > _NONE) for a in answers]
    place = choose(right, of_sample)
    trials = [Trial(one, share_right(answered, of_sample)) for one, answered in zip(tried, right, strict=True)]
    known = len(labels) <= _FEW and bool((answers[place] > _NONE).all())
    temperature = fit_temperature(answers[place], labels[held_out], of_sample) if known else None
    return Selection(tuple(trials), place, len(held_out)), temperature


def _answer(
    classifier: Any,
    X: Any,
    labels: NDArray[np.intp],
    weights: NDArray[np.uint64] | None,
    rest: NDArray[np.intp],
    asked: NDArray[np.intp],
) -> NDArray[np.int32]:
    """Give the logits of what was asked, once the rest was learnt; the lowest number for classes that are not there."""
    logits = np.full((len(asked), int(labels.max()) + 1), _NONE, dtype=np.int32)
    try:
        classifier.fit(_safe_indexing(X, rest), labels[rest], None if weights is None else weights[rest] / ONE)
    except ValueError:  # a part of the samples may have no bits: every feature is constant there
        return logits
    bits = encode(classifier.encoder_, read(classifier, _safe_indexing(X, asked)), classifier.network_.spec.n_inputs)
    logits[:, classifier.classes_] = classifier.network_.logits(bits)
    return logits


def _parts(
    estimator: Any, plain: Candidate, X: Any, labels: NDArray[np.intp], seed: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Give what to learn from and what to ask: thirds of few samples, in turn, or one part of many."""
    n = len(labels)
    if n > _FEW:
        rest, held_out = hold_out(labels, 1 - _TO_LEARN_FROM / n, seed=seed)
        pairs = [(rest, held_out[:: -(-len(held_out) // _TO_ANSWER)])]
    else:
        bits = encode(fit_encoder(estimator, X, labels, plain.encoder), X)
        pairs = [(np.setdiff1d(np.arange(n), fold), fold) for fold in folds(bits, labels, seed=seed)]
    return [(rest, asked) for rest, asked in pairs if len(np.unique(labels[rest])) > 1]
