"""The baselines in floating point. All but what does without PyTorch is skipped where that is not installed."""

from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from bitlocal import MedianBinarizer, ThermometerEncoder, pack
from bitlocal.lab.baselines import BaselineRecord, FloatMLPClassifier, StraightThroughClassifier
from bitlocal.lab.baselines.inputs import Scaler, signs
from bitlocal.lab.baselines.straight_through import _threshold

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="needs PyTorch: pip install 'bitlocal[baselines]'"
)
BOTH = [FloatMLPClassifier, StraightThroughClassifier]


def small(kind, **changes):
    """Make a classifier that trains in milliseconds."""
    return kind(**{"hidden_layer_sizes": (30, 20), "max_iter": 5, "batch_size": 20, "random_state": 0, **changes})


# Without PyTorch ------------------------------------------------------------------------------------------------------


def test_they_can_be_imported_without_torch_and_say_what_is_missing():
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'torch': raise ModuleNotFoundError('no torch here')\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from bitlocal.lab.baselines import FloatMLPClassifier\n"
        "try: FloatMLPClassifier().fit([[0], [1]], [0, 1])\n"
        "except ImportError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'bitlocal[baselines]'" in run.stdout


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_layer_sizes": ()}, "hidden_layer_sizes is empty"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes=0: expected a whole number"),
        ({"learning_rate": -1}, "learning_rate=-1: expected a number of at least 0"),
        ({"learning_rate": float("nan")}, "learning_rate=nan"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"max_iter": 0}, "max_iter=0"),
        ({"early_stopping": 1}, "early_stopping=1"),
        ({"validation_fraction": 1}, "validation_fraction=1"),
        ({"tol": 2}, "tol=2"),
        ({"random_state": -1}, "random_state=-1"),
        ({"n_jobs": 0}, "n_jobs=0"),
        ({"encoder": "no such"}, "no such"),
        ({"encoder": 3}, "encoder=3: expected a transformer"),
    ],
)
def test_impossible_parameters(kind, changes, message):
    if "encoder" in changes:
        pytest.importorskip("torch", reason="needs PyTorch: pip install 'bitlocal[baselines]'")
    with pytest.raises(ValueError, match=message):
        small(kind, **changes).fit([[0.5, 1], [1, 2]] * 5, [0, 1] * 5)


def test_impossible_parameters_of_one():
    for changes in ({"solver": "lbfgs"}, {"momentum": 2}, {"weight_decay": -1}):
        with pytest.raises(ValueError, match=next(iter(changes))):
            small(FloatMLPClassifier, **changes).fit([[0], [1]], [0, 1])
    with pytest.raises(ValueError, match="batch_size=1: expected a whole number of at least 2"):
        small(StraightThroughClassifier, batch_size=1).fit([[0], [1]], [0, 1])


def test_scaling():
    X = np.array([[0, 100, 7], [2, 200, 7], [4, 300, 7]], dtype=np.int64)
    np.testing.assert_allclose(Scaler(X)(X), (X - [2, 200, 7]) / [(8 / 3) ** 0.5, (20000 / 3) ** 0.5, 1], rtol=1e-6)
    pixels = np.array([[0, 10], [20, 30]], dtype=np.uint8)
    np.testing.assert_allclose(Scaler(pixels)(pixels), (pixels.astype(float) - 15) / 125**0.5, rtol=1e-6)
    # Rounding makes a deviation of equal numbers; it must not be divided by.
    equal = np.full((100, 1), 0.1)
    assert np.abs(Scaler(equal)(equal)).max() < 1e-6


def test_signs():
    for bits in ([[True, False]], [[1, 0]], [[1, -1]]):
        assert signs(pack(bits)).tolist() == [[1, -1]]
    assert signs(pack([[True, False, True]])).tolist() == [[1, -1, 1]]


@settings(deadline=None)
@given(
    n=st.integers(1, 40),
    units=st.lists(
        st.tuples(st.floats(-10, 10) | st.just(0.0), st.floats(-100, 100) | st.just(0.0)), min_size=1, max_size=5
    ),
)
def test_thresholds_say_what_batch_normalisation_says(n, units):
    factor, summand = (np.array(values) for values in zip(*units, strict=True))
    direction, threshold = _threshold(factor, summand, n)
    z = np.arange(-n, n + 1)[:, None]
    exact = [[float(f) * int(v) + float(s) for f, s in units] for v in z[:, 0]]
    says = direction * z >= threshold
    # Where factor * z + summand is 0 but for rounding, either will do.
    clear = np.abs(exact) > 1e-9 * (np.abs(factor) * n + np.abs(summand))
    assert (says == (np.array(exact) >= 0))[clear].all()


# With PyTorch ---------------------------------------------------------------------------------------------------------


CHECKED = [
    FloatMLPClassifier(32, max_iter=10, learning_rate=0.01, batch_size=20),
    FloatMLPClassifier(32, solver="sgd", max_iter=10, batch_size=20, early_stopping=True),
    FloatMLPClassifier(32, encoder="auto", max_iter=10, learning_rate=0.01, batch_size=20),
    StraightThroughClassifier(64, max_iter=15, batch_size=20, learning_rate=0.02),
]


@needs_torch
@parametrize_with_checks(CHECKED)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@needs_torch
@pytest.mark.parametrize("kind", BOTH)
def test_it_learns_what_bits_say(kind, bit_data):
    X, y = bit_data
    names = np.array(["a", "b", "c"])[y]
    clf = small(kind, max_iter=30, learning_rate=0.01).fit(X, names)
    assert clf.score(X, names) > 0.95
    assert clf.history_[0].train_accuracy < clf.history_[-1].train_accuracy
    assert clf.history_[0].loss > clf.history_[-1].loss
    assert clf.predict_proba(X).sum(axis=1) == pytest.approx(1)
    assert (clf.decision_function(X).argmax(axis=1) == np.searchsorted(clf.classes_, clf.predict(X))).all()


@needs_torch
@pytest.mark.parametrize("kind", BOTH)
def test_bits_of_every_kind_are_the_same(kind, bit_data):
    X, y = bit_data
    logits = [small(kind).fit(bits, y).decision_function(bits) for bits in (X, pack(X))]
    np.testing.assert_array_equal(*logits)
    number = [small(kind, encoder=MedianBinarizer()).fit(v, y).decision_function(v) for v in (X.astype(float),)]
    np.testing.assert_array_equal(number[0], logits[0])


@needs_torch
@pytest.mark.parametrize("kind", BOTH)
def test_encoders(kind, real_data):
    X, y = real_data
    for encoder in ("thermometer4", ThermometerEncoder(4)):
        clf = small(kind, encoder=encoder, max_iter=20).fit(X, y)
        assert clf.weights_[0].shape == (30, 24)
        assert clf.score(X, y) > 0.8
    with pytest.raises(ValueError, match="cannot encode packed bits"):
        small(kind, encoder="median").fit(pack(X > 0), y)
    texts = ["good film", "bad film", "good", "bad"] * 10
    clf = small(kind, encoder="auto", max_iter=20).fit(texts, [1, 0, 1, 0] * 10)
    assert clf.predict(["good", "bad"]).tolist() == [1, 0]


@needs_torch
@pytest.mark.parametrize("kind", BOTH)
def test_the_width_of_packed_bits_is_checked(kind, bit_data):
    X, y = bit_data
    clf = small(kind).fit(pack(X), y)
    with pytest.raises(ValueError, match="expected packed rows of 70 bits, as in fit, got 69"):
        clf.predict(pack(X[:, 1:]))


@needs_torch
def test_straight_through_takes_bits_alone(real_data):
    with pytest.raises(ValueError, match="expected booleans"):
        small(StraightThroughClassifier, encoder=None).fit(*real_data)


@needs_torch
@pytest.mark.parametrize("kind", BOTH)
def test_the_same_seed_gives_the_same_network(kind, real_data):
    import torch

    before = torch.get_rng_state()
    first, again, other = (small(kind, random_state=seed).fit(*real_data) for seed in (3, 3, 4))
    assert all((a == b).all() for a, b in zip(first.weights_, again.weights_, strict=True))
    assert any((a != b).any() for a, b in zip(first.weights_, other.weights_, strict=True))
    assert (torch.get_rng_state() == before).all()
    assert [r.loss for r in first.history_] == [r.loss for r in again.history_]


@needs_torch
@pytest.mark.parametrize("kind", BOTH)
def test_threads_are_given_back(kind, real_data):
    import torch

    before = torch.get_num_threads()
    small(kind, n_jobs=before + 1).fit(*real_data)
    assert torch.get_num_threads() == before


@needs_torch
@pytest.mark.parametrize("kind", BOTH)
def test_validation_and_early_stopping(kind, real_data):
    X, y = real_data
    clf = small(kind, validation_fraction=0.2).fit(X, y)
    assert clf.n_iter_ == len(clf.history_) == 5
    assert all(isinstance(r, BaselineRecord) and 0 <= r.validation_accuracy <= 1 for r in clf.history_)
    assert [(r.epoch, r.n_samples, r.n_batches) for r in clf.history_] == [(i, 144, 8) for i in range(1, 6)]

    from bitlocal.splits import hold_out

    _, held_out = hold_out(y, 0.1, seed=0)
    clf = small(kind, early_stopping=True, n_iter_no_change=2, max_iter=60).fit(X, y)
    curve = [r.validation_accuracy for r in clf.history_]
    assert len(curve) < 60
    assert clf.score(X[held_out], y[held_out]) == max(curve)
    assert len(curve) - 1 - curve.index(max(curve)) >= 2


@needs_torch
@pytest.mark.parametrize("kind", BOTH)
def test_verbose_and_pickle_and_clone(kind, real_data, capsys):
    X, y = real_data
    clf = small(kind, verbose=True, max_iter=2).fit(X, y)
    assert capsys.readouterr().out.count("train accuracy") == 2
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(clf)).decision_function(X), clf.decision_function(X))
    assert clone(clf).get_params() == clf.get_params()


@needs_torch
def test_a_last_mini_batch_of_one_sample_joins_the_one_before(bit_data):
    X, y = bit_data
    clf = small(StraightThroughClassifier, batch_size=83, max_iter=1).fit(X, y)
    assert clf.history_[0].n_batches == 3  # 250 = 3 * 83 + 1
    assert small(FloatMLPClassifier, batch_size=83, max_iter=1).fit(X, y).history_[0].n_batches == 4


# Against other implementations of the same mathematics ----------------------------------------------------------------


@needs_torch
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_one_step_of_the_perceptron_is_that_of_plain_loops(solver, bit_data):
    from operations import Adam, FloatNetwork, Momentum, Tally

    X, y = bit_data[0][:6, :12], np.arange(6) % 3
    settings = {"hidden_layer_sizes": (5, 4), "solver": solver, "batch_size": 6, "random_state": 0}
    # A first step of size 0 leaves the initial weights.
    initial = FloatMLPClassifier(**settings, max_iter=1, learning_rate=0).fit(X, y).weights_
    trained = FloatMLPClassifier(**settings, max_iter=3, learning_rate=0.01, momentum=0.5).fit(X, y)
    # Means over the mini-batch there, sums here.
    optimiser = Adam(0.01, epsilon=6e-8) if solver == "adam" else Momentum(0.01 / 6, 0.5)
    network = FloatNetwork([w.astype(float) for w in initial], optimiser)
    for _ in range(3):
        network.train_batch(Tally(), np.where(X, 1.0, -1.0), y)
    for mine, theirs in zip(network.W, trained.weights_, strict=True):
        np.testing.assert_allclose(theirs, mine, rtol=1e-3, atol=1e-5)


@needs_torch
def test_steps_of_straight_through_are_those_of_plain_loops(bit_data):
    import torch

    from bitlocal.lab.baselines.straight_through import _LatentNetwork
    from operations import StraightThroughNetwork, Tally

    # So many samples that nothing is constant: gradients that are 0 but for rounding make steps of either sign.
    X, y = np.where(bit_data[0][:40, :12], 1.0, -1.0), np.arange(40) % 3
    learner = _LatentNetwork(torch, (12, 7, 5, 3), torch.Generator().manual_seed(0), 0.01)
    for latent in learner.latent:  # none near 0, where rounding would choose signs
        latent[latent.abs() < 0.1] = 0.1
    network = StraightThroughNetwork([w.double().numpy() for w in learner.latent], 0.01)
    inputs, labels = torch.from_numpy(X.astype(np.float32)), torch.from_numpy(y)
    for _ in range(3):
        learner.step(torch.nn.functional.cross_entropy(learner.forward(inputs), labels))
        network.train_batch(Tally(), X, y)
    for mine, theirs in zip(network.W, learner.latent, strict=True):
        np.testing.assert_allclose(theirs.numpy(), mine, rtol=1e-3, atol=1e-4)
    clf = StraightThroughClassifier()
    clf.__dict__.update(learner.network())
    logits = clf._logits_of(X.astype(np.float32))
    for x, row in zip(X, logits, strict=True):
        np.testing.assert_allclose(row, network.predict(x)[1], rtol=1e-3, atol=1e-4)
