"""Probabilities: the temperature, where it comes from, and everything in scikit-learn that asks for them."""

from __future__ import annotations

import math
import pickle

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.datasets import load_digits, make_classification
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import DecisionBoundaryDisplay, PartialDependenceDisplay, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    DetCurveDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
    accuracy_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

import bitlocal
from bitlocal import BMLPClassifier, pack
from bitlocal.estimator.calibration import StreamCalibration, fit_temperature, log_probabilities
from bitlocal.samples.weights import to_fixed

DIGITS = load_digits(return_X_y=True)
TWO = make_classification(300, 8, n_informative=5, flip_y=0.1, random_state=0)
THREE = make_classification(300, 8, n_informative=6, n_classes=3, flip_y=0.1, random_state=0)


def small(**changes):
    settings = {"hidden_layer_sizes": 45, "group_size": 15, "max_iter": 5, "batch_size": 20, "random_state": 0}
    return BMLPClassifier(**{**settings, **changes})


# The temperature -------------------------------------------------------------------------------------------


def loss(logits, labels, weights, temperature):
    """The mean logarithmic loss, plus that of one more sample of any class; in plain NumPy."""
    scaled = logits / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    log_p = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    smoothing = 1 / (weights.sum() + 1)
    each = (1 - smoothing) * log_p[np.arange(len(labels)), labels] + smoothing * log_p.mean(axis=1)
    return -(weights * each).sum() / weights.sum()


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 7), st.integers(1, 80), st.integers(0, 2**32 - 1), st.booleans())
def test_the_temperature_is_the_best(n_classes, n, seed, weighted):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n)
    logits = rng.integers(-40, 41, (n, n_classes))
    logits[np.arange(n), labels] += rng.integers(0, 60)
    weights = rng.integers(1, 5, n).astype(float) if weighted else np.ones(n)
    found = fit_temperature(logits, labels, to_fixed(weights) if weighted else None)
    at = lambda log2: loss(logits, labels, weights, 2.0**log2)  # noqa: E731
    best = minimize_scalar(at, bounds=(-12, 30), method="bounded", options={"xatol": 1e-6})
    assert at(math.log2(found)) <= best.fun + 1e-4


def test_a_sample_of_weight_two_is_two_samples():
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(0, 3, 50), rng.integers(-30, 30, (50, 3))
    times = rng.integers(1, 4, 50)
    repeated = fit_temperature(np.repeat(logits, times, axis=0), np.repeat(labels, times))
    assert fit_temperature(logits, labels, to_fixed(times)) == repeated


def test_extremes():
    always_right = np.eye(3, dtype=np.int32)[[0, 1, 2] * 5] * 100
    assert 0 < fit_temperature(always_right, np.array([0, 1, 2] * 5)) < 50
    assert fit_temperature(-always_right, np.array([0, 1, 2] * 5)) > 2**29  # worse than chance: even
    even = np.exp(log_probabilities(np.array([[5, 5]]), 1e-9))
    assert even.tolist() == [[0.5, 0.5]]
    assert np.isfinite(log_probabilities(np.array([[2**30, -(2**30)]]), 2.0**-30)).all()


# The classifier --------------------------------------------------------------------------------------------


def test_probabilities_are_calibrated():
    """On digits that it has not seen, what it says comes true."""
    X, y = DIGITS
    clf = BMLPClassifier(random_state=0).fit(X[:1200], y[:1200])
    p = clf.predict_proba(X[1200:])
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(clf.classes_[p.argmax(axis=1)], clf.predict(X[1200:]))
    np.testing.assert_allclose(np.log(p), clf.predict_log_proba(X[1200:]), atol=1e-9)
    accuracy = clf.score(X[1200:], y[1200:])
    assert abs(p.max(axis=1).mean() - accuracy) < 0.05
    assert log_loss(y[1200:], p) < 0.35


def test_ties_go_to_the_first_class():
    clf = small(encoder="thermometer", readout="votes").fit(*THREE)
    logits = clf.network_.logits(clf.encoder_.pack(THREE[0]))
    p = clf.predict_proba(THREE[0])
    np.testing.assert_array_equal(p.argmax(axis=1), logits.argmax(axis=1))
    assert len(np.unique(logits)) < logits.size  # there are ties


def test_probabilities_change_nothing_else():
    with_them, without = small().fit(*THREE), small(probability=False).fit(*THREE)
    assert with_them.network_.hidden_sha256() == without.network_.hidden_sha256()
    assert with_them.network_.state == without.network_.state
    assert not hasattr(without, "predict_proba")
    assert without.temperature is None


def test_the_temperature_does_not_depend_on_threads_or_order():
    X, y = THREE
    temperature = small(n_jobs=1).fit(X, y).temperature
    assert small(n_jobs=3).fit(X, y).temperature == temperature
    one_batch = {"batch_size": 1000, "max_iter": 20, "encoder": "thermometer"}  # which sees no order in samples
    order = np.random.default_rng(0).permutation(len(y))
    assert small(**one_batch).fit(X[order], y[order]).temperature == small(**one_batch).fit(X, y).temperature


def test_a_held_out_part_is_used():
    X, y = DIGITS
    clf = small(early_stopping=True, max_iter=30).fit(X, y)
    assert clf.temperature is not None
    assert clf.predict_proba(X[:3]).shape == (3, 10)


def test_rare_classes():
    """A class with one sample is in no other network's training when it is held out."""
    X, y = THREE
    y = np.where(np.arange(len(y)) == 7, 9, y)
    p = small().fit(X, y).predict_proba(X)
    assert p.shape == (300, 4)
    assert np.isfinite(p).all()


def test_very_few_samples():
    X, y = np.array([[0, 1], [1, 0]]), np.array(["a", "b"])
    p = small(encoder=None).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)


def test_files_keep_the_temperature(tmp_path):
    clf = small().fit(*THREE)
    for inference_only in (False, True):
        bitlocal.save(clf, tmp_path / "model.safetensors", inference_only=inference_only)
        loaded = bitlocal.load(tmp_path / "model.safetensors")
        np.testing.assert_array_equal(loaded.predict_proba(THREE[0]), clf.predict_proba(THREE[0]))
    assert pickle.loads(pickle.dumps(clf)).temperature == clf.temperature
    without = small(probability=False).fit(*THREE)
    bitlocal.save(without, tmp_path / "model.safetensors")
    assert not bitlocal.load(tmp_path / "model.safetensors").probability


def test_a_file_without_a_temperature(tmp_path):
    clf = small().fit(*THREE)
    clf.calibration_ = StreamCalibration()
    bitlocal.save(clf, tmp_path / "model.safetensors")
    loaded = bitlocal.load(tmp_path / "model.safetensors")
    with pytest.raises(NotFittedError, match=r"no probabilities.*train it again with probability=True"):
        loaded.predict_proba(THREE[0])
    with pytest.raises(NotFittedError):
        small().predict_proba(THREE[0])


def test_an_interruption_leaves_no_old_temperature():
    clf = small().fit(*THREE)

    def interrupt(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clf.fit(*THREE, callback=interrupt)
    assert clf.temperature is None


# Streams ---------------------------------------------------------------------------------------------------


def test_a_stream_is_calibrated_however_it_is_cut():
    X, y = DIGITS
    bits = pack(X > 7)
    networks = [small(encoder=None, batch_size=1) for _ in range(3)]
    for clf, step in zip(networks, (1, 37, 700), strict=True):
        for first in range(0, 700, step):
            end = min(first + step, 700)
            clf.partial_fit(bits[first:end], y[first:end], classes=np.arange(10))
    assert len({clf.network_.hidden_sha256() for clf in networks}) == 1
    assert len({clf.temperature for clf in networks}) == 1
    assert networks[0].network_.state == networks[2].network_.state
    p = networks[0].predict_proba(bits[700:])
    assert abs(p.max(axis=1).mean() - networks[0].score(bits[700:], y[700:])) < 0.15


def test_a_stream_begins_even():
    X, y = DIGITS
    clf = small(encoder=None, batch_size=1).partial_fit(pack(X[:1] > 7), y[:1], classes=np.arange(10))
    p = clf.predict_proba(pack(X[1:2] > 7))
    assert p.shape == (1, 10)
    assert p.max() < 0.3


def test_a_stream_after_fit_keeps_its_temperature_for_a_while():
    X, y = DIGITS
    clf = small().fit(X[:800], y[:800])
    temperature = clf.temperature
    assert clf.partial_fit(X[800:900], y[800:900]).temperature == temperature
    assert clf.partial_fit(X[900:1000], y[900:1000]).temperature != temperature


def test_samples_that_are_hardly_ever_drawn_tell_a_temperature():
    X, y = DIGITS
    clf = small(encoder=None, batch_size=1, probability=True)
    clf.partial_fit(pack(X[:4] > 7), y[:4], classes=np.arange(10), sample_weight=np.full(4, 1e-9))
    clf.partial_fit(pack(X[:64] > 7), y[:64])
    assert clf.temperature > 0


# Everything that asks for them -----------------------------------------------------------------------------

TWO_CLASSES = {
    "calibrated, sigmoid": lambda: CalibratedClassifierCV(small(), method="sigmoid", cv=3),
    "calibrated, isotonic": lambda: CalibratedClassifierCV(small(), method="isotonic", cv=3, ensemble=False),
    "calibrated, frozen": lambda: CalibratedClassifierCV(FrozenEstimator(small().fit(*TWO))),
    "tuned threshold": lambda: TunedThresholdClassifierCV(small(), cv=3, response_method="predict_proba"),
    "tuned threshold, logits": lambda: TunedThresholdClassifierCV(small(), cv=3, response_method="decision_function"),
    "fixed threshold": lambda: FixedThresholdClassifier(small(), threshold=0.3, response_method="predict_proba"),
    "self training": lambda: SelfTrainingClassifier(small()),
}
ANY_CLASSES = {
    "stacking, probabilities": lambda: StackingClassifier(
        [("b", small()), ("l", LogisticRegression())], stack_method="predict_proba", cv=3
    ),
    "stacking, logits": lambda: StackingClassifier([("b", small())], stack_method="decision_function", cv=3),
    "voting, soft": lambda: VotingClassifier([("b", small()), ("l", LogisticRegression())], voting="soft"),
    "voting, hard": lambda: VotingClassifier([("b", small()), ("l", LogisticRegression())], voting="hard"),
    "bagging": lambda: BaggingClassifier(small(), n_estimators=3, random_state=0),
    "boosting": lambda: AdaBoostClassifier(small(), n_estimators=3, random_state=0),
    "one against the rest": lambda: OneVsRestClassifier(small()),
    "one against one": lambda: OneVsOneClassifier(small()),
    "output codes": lambda: OutputCodeClassifier(small(), random_state=0),
    "pipeline": lambda: make_pipeline(StandardScaler(), small()),
    "search": lambda: GridSearchCV(small(), {"robustness": [0.1, 0.3]}, scoring="neg_log_loss", cv=3),
}


@pytest.mark.parametrize("name", [*TWO_CLASSES, *ANY_CLASSES])
def test_consumers_two_classes(name):
    X, y = TWO
    known = np.where(np.arange(200) % 5, y[:200], -1) if name == "self training" else y[:200]
    model = {**TWO_CLASSES, **ANY_CLASSES}[name]().fit(X[:200], known)
    assert accuracy_score(y[200:], model.predict(X[200:])) > 0.6
    if hasattr(model, "predict_proba"):
        assert roc_auc_score(y[200:], model.predict_proba(X[200:])[:, 1]) > 0.65
    elif hasattr(model, "decision_function"):
        assert roc_auc_score(y[200:], model.decision_function(X[200:])) > 0.65


@pytest.mark.parametrize("name", ANY_CLASSES)
def test_consumers_three_classes(name):
    X, y = THREE
    model = ANY_CLASSES[name]().fit(X[:200], y[:200])
    assert accuracy_score(y[200:], model.predict(X[200:])) > 0.4
    if hasattr(model, "predict_proba"):
        p = model.predict_proba(X[200:])
        assert roc_auc_score(y[200:], p, multi_class="ovr") > 0.6
        assert roc_auc_score(y[200:], p, multi_class="ovo") > 0.6


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_of_three_classes(method):
    X, y = THREE
    model = CalibratedClassifierCV(small(), method=method, cv=3).fit(X[:200], y[:200])
    assert model.predict_proba(X[200:]).shape == (100, 3)


def test_several_outputs():
    X, y = TWO
    Y = np.column_stack([y, X[:, 0] > 0]).astype(int)
    assert MultiOutputClassifier(small()).fit(X, Y).predict_proba(X[:5])[0].shape == (5, 2)
    assert ClassifierChain(small(), random_state=0).fit(X, Y).predict_proba(X[:5]).shape == (5, 2)


@pytest.mark.parametrize("data", [TWO, THREE])
@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba", "decision_function"])
def test_cross_val_predict(data, method):
    X, y = data
    assert len(cross_val_predict(small(), X, y, method=method, cv=3)) == len(y)


def test_scorers():
    X, y = TWO
    names = ["roc_auc", "average_precision", "neg_log_loss", "neg_brier_score", "accuracy", "balanced_accuracy", "f1"]
    scores = cross_validate(small(), X, y, scoring=names, cv=3, error_score="raise")
    assert all(np.isfinite(scores[f"test_{name}"]).all() for name in names)
    for name in ("roc_auc_ovr", "roc_auc_ovo_weighted", "neg_log_loss"):
        assert np.isfinite(cross_val_score(small(), *THREE, scoring=name, cv=3, error_score="raise")).all()


def test_displays():
    matplotlib.use("agg")
    X, y = TWO
    clf = small().fit(X, y)
    for display in (CalibrationDisplay, RocCurveDisplay, PrecisionRecallDisplay, DetCurveDisplay):
        display.from_estimator(clf, X, y)
    two_features = clone(clf).fit(X[:, :2], y)
    for method in ("predict_proba", "decision_function", "predict"):
        DecisionBoundaryDisplay.from_estimator(two_features, X[:, :2], response_method=method, grid_resolution=9)
    PartialDependenceDisplay.from_estimator(clf, X, [0])


def test_importance_and_selection():
    X, y = TWO
    clf = small().fit(X, y)
    assert permutation_importance(clf, X, y, scoring="neg_log_loss", n_repeats=2).importances.shape == (8, 2)
    SequentialFeatureSelector(small(max_iter=1), n_features_to_select=1, scoring="roc_auc", cv=2).fit(X[:, :3], y)


def test_losses_beat_saying_the_same_always():
    X, y = TWO
    p = small(max_iter=None).fit(X[:200], y[:200]).predict_proba(X[200:])[:, 1]
    assert brier_score_loss(y[200:], p) < 0.2
    assert log_loss(y[200:], p) < 0.6
