"""`BMLPClassifier`: the conventions of scikit-learn, and what it adds to them."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import coo_array, csc_matrix, csr_array, csr_matrix, lil_matrix
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OneHotEncoder, StandardScaler
from sklearn.utils import compute_class_weight
from sklearn.utils.estimator_checks import parametrize_with_checks

import bitlocal
from bitlocal import BMLPClassifier, MedianBinarizer, ThermometerEncoder, pack
from bitlocal import bits as bits_module
from bitlocal.single_layer import SingleLayerClassifier
from bitlocal.splits import hold_out
from bitlocal.training import EpochRecord, Progress

NAN = float("nan")


def small(**changes):
    """Make a classifier that trains in milliseconds."""
    settings = {"hidden_layer_sizes": 45, "group_size": 15, "max_iter": 3, "batch_size": 20}
    return BMLPClassifier(**{**settings, "random_state": 0, **changes})


def digest(clf):
    return clf.network_.hidden_sha256()


def not_of_one_batch(estimator):
    """Samples that are repeated fall into other mini-batches, and another part is held out: other networks, rightly."""
    if estimator.settled()["batch_size"] < 50 or estimator.early_stopping:
        kinds = "dense", "sparse"
        return {f"check_sample_weight_equivalence_on_{kind}_data": "not all in one mini-batch" for kind in kinds}
    return {}


@parametrize_with_checks(
    [
        BMLPClassifier(),
        BMLPClassifier((45, 30), group_size=15),
        BMLPClassifier(90, group_size=15, early_stopping=True, n_iter_no_change=5),
        BMLPClassifier(45, group_size=5, batch_size=7, encoder="thermometer6", n_jobs=1),
        BMLPClassifier((90, 45), group_size=15, freeze_first=True, train_classifier=True, encoder="thermometer12"),
        SingleLayerClassifier(450, group_size=9),
    ],
    expected_failed_checks=not_of_one_batch,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# Weights ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes", [{}, {"hidden_layer_sizes": (45, 30)}, {"train_classifier": True}, {"hidden_clip": 15}]
)
def test_a_weight_is_a_number_of_repetitions(changes):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 60)
    X = (rng.random((3, 100)) < 0.5)[y] ^ (rng.random((60, 100)) < 0.3)
    weights = rng.integers(0, 5, 60)
    weighted = small(batch_size=300, **changes).fit(X, y, sample_weight=weights)
    repeated = small(batch_size=300, **changes).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    assert digest(weighted) == digest(repeated)
    assert weighted.network_.state == repeated.network_.state
    assert weighted.history_[-1].counts.updates == repeated.history_[-1].counts.updates


def test_a_weight_of_zero_leaves_out(real_data):
    X, y = real_data
    kept = np.arange(len(y)) % 3 > 0
    left_out = small().fit(X, y, sample_weight=kept)
    assert digest(left_out) == digest(small().fit(X[kept], y[kept]))
    by_class = small(class_weight={2: 0}).fit(X, y)
    assert by_class.classes_.tolist() == [0, 1]
    assert digest(by_class) == digest(small().fit(X[y < 2], y[y < 2]))


def test_weights_of_one_change_nothing(real_data):
    X, y = real_data
    plain = digest(small().fit(X, y))
    assert digest(small().fit(X, y, np.ones(len(y)))) == plain
    assert digest(small().fit(X, y, 1)) == plain
    assert digest(small().fit(X, y, np.full(len(y), 0.25))) == plain  # shares
    assert digest(small(class_weight={0: 1}).fit(X, y)) == plain


def test_shares_are_divided_by_their_mean(real_data):
    X, y = real_data
    weights = 1 + np.arange(len(y)) % 4
    shares = weights / weights.sum()
    assert digest(small().fit(X, y, shares)) == digest(small().fit(X, y, weights / weights.mean()))


def test_weights_do_not_depend_on_threads(real_data):
    X, y = real_data
    weights = np.random.default_rng(0).random(len(y)) * 3
    assert len({digest(small(n_jobs=n).fit(X, y, weights)) for n in (1, 2, 3)}) == 1


def test_class_weights_multiply_sample_weights(real_data):
    X, y = real_data
    y = y.astype(str)
    weights = 1 + np.arange(len(y)) % 3
    by_both = small(class_weight={"1": 2}).fit(X, y, weights)
    assert digest(by_both) == digest(small().fit(X, y, np.where(y == "1", 2 * weights, weights)))
    balanced = small(class_weight="balanced").fit(X, y)
    share = compute_class_weight("balanced", classes=np.unique(y), y=y)
    assert digest(balanced) == digest(small().fit(X, y, share[y.astype(int)]))


def test_fractions_in_a_stream_are_drawn(real_data):
    X, y = real_data
    bits = pack(np.median(X) < X)
    one_by_one = small(encoder=None, batch_size=1)
    for i in range(60):
        one_by_one.partial_fit(bits[i : i + 1], y[i : i + 1], classes=[0, 1, 2], sample_weight=[0.5])
    at_once = small(encoder=None, batch_size=1).partial_fit(bits[:60], y[:60], [0, 1, 2], np.full(60, 0.5))
    assert digest(one_by_one) == digest(at_once)
    assert digest(at_once) != digest(small(encoder=None, batch_size=1).partial_fit(bits[:60], y[:60], [0, 1, 2]))
    assert digest(at_once.partial_fit(bits[:9], y[:9], sample_weight=0)) == digest(one_by_one)  # nothing to learn


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2], r"expected shape \(\d+,\)"),
        (-1, "at least 0, got -1 for sample 0"),
        (NAN, "finite numbers of at least 0"),
        ("heavy", "expected numbers"),
        (40_000, "at most 32767.*weights / weights.mean"),
        (0, "all weights are zero"),
    ],
)
def test_weights_that_cannot_be(real_data, weights, message):
    with pytest.raises(ValueError, match=message):
        small().fit(*real_data, sample_weight=weights)


def test_class_weights_that_cannot_be(real_data):
    X, y = real_data
    with pytest.raises(ValueError, match=r"names the class 'b', but the classes are \[0, 1, 2\]"):
        small(class_weight={"b": 2}).fit(X, y)
    with pytest.raises(ValueError, match=r"class_weight='balanced' cannot be known in a stream"):
        small(class_weight="balanced").partial_fit(X, y, [0, 1, 2])


@pytest.mark.parametrize("value", ["balanced", {0: 2.5, 2: 1}])
def test_class_weights_in_a_file(real_data, tmp_path, value):
    clf = small(class_weight=value).fit(*real_data)
    bitlocal.save(clf, tmp_path / "model.safetensors")
    loaded = bitlocal.load(tmp_path / "model.safetensors")
    assert loaded.class_weight == value
    assert digest(loaded.fit(*real_data)) == digest(clf)


# Conventions -----------------------------------------------------------------------------------------------


def test_constructor_only_stores():
    odd = {name: object() for name in inspect.signature(BMLPClassifier).parameters}
    clf = BMLPClassifier(**odd)
    assert vars(clf) == odd
    assert clf.get_params(deep=False) == odd


def test_get_set_params_and_clone(real_data):
    clf = small(encoder=ThermometerEncoder(n_bits=3))
    clf.set_params(encoder__n_bits=5, batch_size=11)
    assert clf.get_params()["encoder__n_bits"] == 5
    clf.fit(*real_data)
    assert clf.network_.spec.n_inputs == 5 * 6
    twin = clone(clf)
    assert not hasattr(twin, "network_")
    assert twin.batch_size == 11
    assert twin.encoder is not clf.encoder
    assert digest(twin.fit(*real_data)) == digest(clf)


def test_it_learns(real_data, bit_data):
    for X, y in (real_data, bit_data):
        clf = small(max_iter=10).fit(X[:150], y[:150])
        assert clf.score(X[150:], y[150:]) > 0.7  # chance is a third
        assert clf.score(X[150:], y[150:]) == (clf.predict(X[150:]) == y[150:]).mean()


def test_refit_forgets_the_past(real_data, bit_data):
    clf = small().fit(*real_data)
    first, names = digest(clf), set(vars(clf))
    clf.fit(bit_data[0], np.where(bit_data[1] == 0, "a", "b"))
    assert digest(clf) != first
    clf.fit(*real_data)
    assert digest(clf) == first
    assert set(vars(clf)) == names
    assert clf.classes_.tolist() == [0, 1, 2]
    assert len(clf.history_) == clf.n_iter_ == 3


def test_input_is_left_alone(real_data, bit_data):
    for X, y in (real_data, bit_data):
        X, y = X.copy(), y.copy()
        before = X.copy(), y.copy()
        clf = small(early_stopping=True).fit(X, y)
        clf.partial_fit(X, y)
        clf.predict(X)
        clf.decision_function(X)
        assert np.array_equal(X, before[0])
        assert np.array_equal(y, before[1])


def test_seed_decides(real_data):
    assert digest(small().fit(*real_data)) == digest(small().fit(*real_data))
    seeds = [0, 1, 2**32, 2**63, 2**64 - 1, np.int64(7), None, None]
    assert len({digest(small(random_state=seed).fit(*real_data)) for seed in seeds}) == len(seeds)
    by_state = [digest(small(random_state=np.random.RandomState(3)).fit(*real_data)) for _ in range(2)]
    assert by_state[0] == by_state[1]
    state = np.random.RandomState(3)
    assert digest(small(random_state=state).fit(*real_data)) == by_state[0]
    assert digest(small(random_state=state).fit(*real_data)) != by_state[0]  # it went on


@pytest.mark.parametrize("sizes", [(45,), (45, 30)])
def test_threads_do_not_matter(real_data, sizes):
    X, y = real_data
    one, two = (small(hidden_layer_sizes=sizes, n_jobs=n, early_stopping=True) for n in (1, 2))
    assert digest(one.fit(X, y)) == digest(two.fit(X, y))
    assert digest(one.partial_fit(X, y)) == digest(two.partial_fit(X, y))
    assert np.array_equal(one.decision_function(X), two.decision_function(X))
    for a, b in zip(one.history_, two.history_, strict=True):
        assert (a.train_accuracy, a.validation_accuracy, a.error_share) == (
            b.train_accuracy,
            b.validation_accuracy,
            b.error_share,
        )


@pytest.mark.parametrize("duplicate", [lambda clf: pickle.loads(pickle.dumps(clf)), copy.deepcopy])
def test_a_copy_predicts_and_trains_alike(real_data, duplicate):
    X, y = real_data
    clf = small(warm_start=True, hidden_layer_sizes=(45, 30)).fit(X, y)
    twin, before = duplicate(clf), digest(clf)
    assert np.array_equal(twin.decision_function(X), clf.decision_function(X))
    assert np.array_equal(twin.predict(X), clf.predict(X))
    twin.partial_fit(X, y).fit(X, y)
    assert digest(clf) == before, "the copy shares its weights with the original"
    clf.partial_fit(X, y).fit(X, y)
    assert digest(twin) == digest(clf) != before
    assert twin.network_.state == clf.network_.state


def test_model_selection(real_data, bit_data):
    scores = cross_val_score(small(max_iter=8), *real_data, cv=3)
    assert scores.min() > 0.6
    grid = {"clf__group_size": np.array([5, 15]), "encode__n_bits": [1, 6]}
    pipeline = Pipeline([("encode", ThermometerEncoder()), ("clf", small())])
    search = GridSearchCV(pipeline, grid, cv=2).fit(*real_data)
    assert len(search.cv_results_["params"]) == 4
    assert search.score(*real_data) > 0.6
    clf = search.best_estimator_["clf"]
    assert clf.encoder_ is None  # booleans came in
    assert clf.network_.spec.n_inputs == len(search.best_estimator_["encode"].thresholds_)
    # Same bits, whether encoded before or by the classifier.
    before = make_pipeline(ThermometerEncoder(n_bits=4), small()).fit(*real_data)
    inside = small(encoder="thermometer4").fit(*real_data)
    assert digest(before[-1]) == digest(inside)
    assert np.array_equal(before.predict(real_data[0]), inside.predict(real_data[0]))


def test_tables(real_data):
    X, y = real_data
    table = pd.DataFrame(X, columns=list("abcdef"))
    clf = small().fit(table, pd.Series(y))
    assert clf.feature_names_in_.tolist() == list("abcdef")
    assert digest(clf) == digest(small().fit(X, y))
    assert np.array_equal(clf.predict(table), small().fit(X, y).predict(X))
    for wrong in (table[list("bacdef")], table.rename(columns={"a": "z"})):
        for method in (clf.predict, clf.decision_function, lambda X: clf.partial_fit(X, y)):
            with pytest.raises(ValueError, match="feature names should match"):
                method(wrong)


LABELS = {
    "text": np.array(["pear", "apple", "fig"]),
    "object": np.array(["pear", "apple", "fig"], dtype=object),
    "negative": np.array([-7, 5, -1]),
    "small type": np.array([200, 3, 77], dtype=np.uint8),
    "whole floats": np.array([2.0, -1.0, 0.0]),
}


@pytest.mark.parametrize("kind", sorted(LABELS))
def test_labels(real_data, kind):
    X, y = real_data
    labels = LABELS[kind]
    clf = small().fit(X, labels[y])
    assert clf.classes_.dtype == labels.dtype
    assert clf.classes_.tolist() == sorted(labels.tolist())
    predicted = clf.predict(X)
    assert predicted.dtype == labels.dtype
    assert np.array_equal(predicted, clf.classes_[clf.decision_function(X).argmax(axis=1)])
    assert clf.score(X, labels[y]) > 0.6
    # The same network as with the classes 0, 1, 2 in the order of the labels.
    assert digest(clf) == digest(small().fit(X, np.argsort(np.argsort(labels))[y]))


def test_boolean_labels(real_data):
    X, y = real_data
    clf = small().fit(X, y == 1)
    assert clf.predict(X).dtype == np.bool_
    assert clf.classes_.tolist() == [False, True]
    assert clf.score(X, y == 1) > 0.7


def test_decision_function(real_data):
    X, y = real_data
    clf = small().fit(X, y)
    logits = clf.decision_function(X)
    assert logits.shape == (180, 3)
    assert logits.dtype == np.float64
    assert np.array_equal(clf.predict(X), logits.argmax(axis=1))
    # From the weights, by hand: votes of the last layer.
    bits = np.where(clf.encoder_.transform(X), 1, -1)
    activations = np.where(bits @ clf.network_.weights(0).T.astype(int) >= 0, 1, -1)
    assert np.array_equal(logits, activations @ clf.network_.local_classifier(0).T.astype(int))

    two = small().fit(X, np.where(y == 2, "yes", "no"))
    difference = two.decision_function(X)
    assert difference.shape == (180,)
    assert difference.dtype == np.float64
    assert np.array_equal(two.predict(X), np.where(difference > 0, "yes", "no"))
    assert len(set(two.predict(X))) == 2


@pytest.mark.parametrize("n_classes", [2, 3])
def test_ties_go_to_the_lowest_class(n_classes):
    """Local classifiers that are equal tie every time."""
    X = np.random.default_rng(0).random((60, 20)) < 0.5
    clf = small(readout="votes").fit(X, np.arange(60) % n_classes)
    rows = clf.network_.packed_local_classifier(0).words.copy()
    rows[-2:] = rows[-1]  # the last two classes tie
    clf.network_.set_packed_local_classifier(0, rows)
    decision = clf.decision_function(X)
    predicted = clf.predict(X)
    assert n_classes - 1 not in predicted
    if n_classes == 2:
        assert decision.tolist() == [0] * 60
        assert predicted.tolist() == [0] * 60
    else:
        assert np.array_equal(decision[:, 1], decision[:, 2])
        assert np.array_equal(predicted, np.where(decision[:, 1] > decision[:, 0], 1, 0))
        assert 1 in predicted


def test_not_fitted():
    for method in ("predict", "decision_function"):
        with pytest.raises(NotFittedError):
            getattr(small(), method)([[1.0, 2.0]])


def test_verbose_prints_a_line_for_each_epoch(real_data, capsys):
    small(verbose=True, early_stopping=True).fit(*real_data)
    chosen, *lines = capsys.readouterr().out.splitlines()
    assert chosen.startswith("chosen: thermometer32")
    assert [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3"]
    assert all("validation accuracy" in line for line in lines)
    small().fit(*real_data)
    assert capsys.readouterr().out == ""


# partial_fit -----------------------------------------------------------------------------------------------


def test_partial_fit_needs_the_classes_first(real_data):
    X, y = real_data
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        small().partial_fit(X, y)
    with pytest.raises(ValueError, match="at least 2 classes"):
        small().partial_fit(X, y, classes=[1])
    with pytest.raises(ValueError, match="not among the classes"):
        small().partial_fit(X, y, classes=[0, 1])


def test_partial_fit_is_one_stream(bit_data):
    X, y = bit_data
    clfs = []
    for cuts in ([], [20], [20, 40, 60], [100, 240], list(range(20, 250, 20))):
        clf = small()
        for part in np.split(np.arange(250), cuts):
            clf.partial_fit(X[part], y[part], classes=[0, 1, 2])
        clfs.append(clf)
    assert len({digest(clf) for clf in clfs}) == 1
    assert {clf.network_.state.step for clf in clfs} == {13}
    # Order and mini-batches matter.
    assert digest(small().partial_fit(X[::-1], y[::-1], classes=[0, 1, 2])) != digest(clfs[0])
    clf = small()
    for part in np.split(np.arange(250), [30]):
        clf.partial_fit(X[part], y[part], classes=[0, 1, 2])
    assert digest(clf) != digest(clfs[0])


def test_partial_fit_learns(bit_data):
    X, y = bit_data
    clf = small()
    for _ in range(8):
        clf.partial_fit(X[:200], y[:200], classes=[2, 0, 1])
    assert clf.classes_.tolist() == [0, 1, 2]
    assert clf.score(X[200:], y[200:]) > 0.7


def test_partial_fit_refuses_other_labels(bit_data):
    X, y = bit_data
    clf = small().partial_fit(X, y, classes=[0, 1, 2])
    before = digest(clf)
    with pytest.raises(ValueError, match=r"not among the classes .*5"):
        clf.partial_fit(X, np.where(y == 1, 5, y))
    with pytest.raises(ValueError, match="differ from those of the first call"):
        clf.partial_fit(X, y, classes=[0, 1, 2, 3])
    with pytest.raises(ValueError, match="expecting 70 features"):
        clf.partial_fit(X[:, :69], y)
    assert digest(clf) == before
    clf.partial_fit(X, y, classes=[2, 1, 0])  # the same, in another order
    assert digest(clf) != before


def test_a_class_may_come_later(bit_data):
    X, y = bit_data
    clf = small().partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    assert clf.decision_function(X).shape == (250, 3)
    for _ in range(8):
        clf.partial_fit(X, y)
    assert (clf.predict(X[y == 2]) == 2).mean() > 0.6
    only = small().partial_fit(X[y == 1], y[y == 1], classes=[0, 1, 2])
    assert only.classes_.tolist() == [0, 1, 2]


def test_partial_fit_goes_on_after_fit(bit_data):
    X, y = bit_data
    clf = small().fit(X, y)
    before, step, history = digest(clf), clf.network_.state.step, list(clf.history_)
    clf.partial_fit(X, y)
    assert digest(clf) != before
    assert clf.network_.state.step == step + 13
    assert clf.history_ == history
    # By hand: the stream on the trained network.
    twin = small().fit(X, y)
    twin.network_.train_stream(bitlocal.bits.pack(X), y, batch_size=20)
    assert digest(twin) == digest(clf)


# warm_start ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, {"hidden_layer_sizes": (45, 30)}, {"validation_fraction": 0.2}])
def test_warm_start_goes_on(real_data, changes):
    X, y = real_data
    whole = small(max_iter=4, **changes).fit(X, y)
    clf = small(max_iter=2, warm_start=True, **changes).fit(X, y)
    half = digest(clf)
    clf.fit(X, y)
    assert digest(clf) == digest(whole) != half
    assert clf.network_.state == whole.network_.state
    assert clf.n_iter_ == 2  # epochs of the last fit
    assert len(clf.history_) == 4
    for a, b in zip(clf.history_, whole.history_, strict=True):
        assert (a.train_accuracy, a.validation_accuracy) == (b.train_accuracy, b.validation_accuracy)


def test_without_warm_start_fit_starts_anew(real_data):
    once, twice = small(max_iter=2).fit(*real_data), small(max_iter=2).fit(*real_data).fit(*real_data)
    assert digest(once) == digest(twice)
    assert len(twice.history_) == twice.n_iter_ == 2


def test_warm_start_keeps_the_encoder(real_data):
    X, y = real_data
    clf = small(warm_start=True, encoder="thermometer").fit(X, y)
    thresholds = clf.encoder_.thresholds_.copy()
    clf.fit(X * 3 + 1, y)
    assert np.array_equal(clf.encoder_.thresholds_, thresholds)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", (45, 45)),
        ("hidden_layer_sizes", 60),
        ("group_size", 5),
        ("robustness", 0.125),
        ("reinforcement", 0.125),
        ("hidden_clip", 31),
        ("train_classifier", True),
    ],
)
def test_warm_start_refuses_another_network(real_data, name, value):
    clf = small(warm_start=True).fit(*real_data)
    before = digest(clf)
    clf.set_params(**{name: value})
    with pytest.raises(ValueError, match=f"learning cannot go on with .*{name}"):
        clf.fit(*real_data)
    assert digest(clf) == before
    clf.set_params(warm_start=False).fit(*real_data)


def test_warm_start_refuses_other_labels_and_features(real_data):
    X, y = real_data
    clf = small(warm_start=True).fit(X, y)
    before = digest(clf)
    with pytest.raises(ValueError, match="not among the classes"):
        clf.fit(X, y + 1)
    with pytest.raises(ValueError, match="expecting 6 features"):
        clf.fit(X[:, :5], y)
    assert digest(clf) == before
    clf.set_params(batch_size=10, max_iter=1, n_jobs=2).fit(X[y < 2], y[y < 2])  # these may change
    assert digest(clf) != before


# Validation ------------------------------------------------------------------------------------------------


def test_early_stopping(real_data):
    X, y = real_data
    fixed = {"encoder": "thermometer", "readout": "votes", "validation_fraction": 0.3}
    clf = small(max_iter=60, early_stopping=True, n_iter_no_change=4, **fixed).fit(X, y)
    accuracies = [record.validation_accuracy for record in clf.history_]
    best = max(accuracies)
    assert clf.n_iter_ == len(accuracies) == accuracies.index(best) + 1 + 4 < 60
    _, held_out = hold_out(y, 0.3, seed=0)
    assert (clf.predict(X[held_out]) == y[held_out]).mean() == best
    # The network of the best epoch itself.
    until_best = small(max_iter=accuracies.index(best) + 1, **fixed).fit(X, y)
    assert digest(until_best) == digest(clf)


def test_validation_alone_only_watches(real_data):
    X, y = real_data
    clf = small(max_iter=10, validation_fraction=0.2, n_iter_no_change=1).fit(X, y)
    rest, held_out = hold_out(y, 0.2, seed=0)
    assert clf.n_iter_ == 10
    last = clf.history_[-1].validation_accuracy
    assert last == (clf.predict(X[held_out]) == y[held_out]).mean()
    # Without the part that is held out, nothing else changes.
    bits = clf.encoder_.transform(X)
    alone = small(max_iter=10, encoder=None).fit(bits[rest], y[rest])
    assert digest(alone) == digest(clf)
    assert all(record.validation_accuracy is None for record in alone.history_)


def test_early_stopping_holds_out_a_tenth(real_data):
    clf = small(early_stopping=True).fit(*real_data)
    explicit = small(early_stopping=True, validation_fraction=0.1).fit(*real_data)
    assert digest(clf) == digest(explicit)
    for record in clf.history_:  # a whole number of 18 samples
        assert record.validation_accuracy == round(18 * record.validation_accuracy) / 18


def test_nothing_to_hold_out(real_data):
    X = real_data[0]
    with pytest.raises(ValueError, match=r"cannot hold out 0\.1 of 4 samples"):
        small(early_stopping=True).fit(X[:4], [0, 1, 0, 1])
    with pytest.raises(ValueError, match=r"cannot hold out 0\.1 of 10 samples"):
        small(early_stopping=True).fit(X[:10], np.arange(10))


# Encoder ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("median", MedianBinarizer()),
        ("column-median", MedianBinarizer(scope="column")),
        ("thermometer", ThermometerEncoder()),
        ("thermometer3", ThermometerEncoder(n_bits=3)),
    ],
)
def test_encoder_by_name_and_as_instance(real_data, spec, expected):
    X, y = real_data
    by_name, by_instance = small(encoder=spec).fit(X, y), small(encoder=expected).fit(X, y)
    assert isinstance(by_name.encoder_, type(expected))
    assert by_name.encoder_.get_params() == expected.get_params()
    assert by_name.encoder == spec
    assert digest(by_name) == digest(by_instance)
    assert by_instance.encoder is expected
    assert by_instance.encoder_ is not expected
    assert not hasattr(expected, "thresholds_"), "the transformer that was passed has been fitted"


def test_auto_gives_numbers_a_thermometer(real_data):
    clf = small(encoder="auto", preset="fast").fit(*real_data)
    assert isinstance(clf.encoder_, ThermometerEncoder)
    assert digest(clf) == digest(small(encoder=clone(clf.encoder_)).fit(*real_data))
    streamed = small(encoder="auto").partial_fit(*real_data, classes=[0, 1, 2])
    assert isinstance(streamed.encoder_, ThermometerEncoder)
    assert streamed.selection_ is None
    assert streamed.readout_ == "votes"


@pytest.mark.parametrize(
    "convert",
    [
        lambda bits: bits,
        lambda bits: bits.astype(np.uint8),
        lambda bits: bits.astype(float),
        lambda bits: np.where(bits, 1, -1).astype(np.int8),
        lambda bits: np.where(bits, 1.0, -1.0),
        lambda bits: np.where(bits, 1, -1).tolist(),
    ],
    ids=["bool", "uint8", "0.0 and 1.0", "int8", "-1.0 and 1.0", "list"],
)
@pytest.mark.parametrize("encoder", ["auto", None])
def test_bits_in_every_form(bit_data, convert, encoder):
    X, y = bit_data
    clf = small(encoder=encoder).fit(convert(X), y)
    assert clf.encoder_ is None
    assert clf.network_.spec.n_inputs == 70
    assert digest(clf) == digest(small().fit(X, y))
    assert np.array_equal(clf.predict(convert(X)), clf.predict(X))


@pytest.mark.parametrize("other", [0.5, 2, -2, 255])
@pytest.mark.parametrize("encoder", ["auto", None])
def test_after_bits_only_bits(bit_data, encoder, other):
    X, y = bit_data
    clf = small(encoder=encoder).fit(X, y)
    X = X.astype(float)
    X[3, 4] = other
    for method in (clf.predict, clf.decision_function, lambda X: clf.partial_fit(X, y)):
        with pytest.raises(ValueError, match=r"taken as bits in fit.*expected booleans, -1/\+1 or 0/1"):
            method(X)


def test_no_encoder_for_numbers(real_data):
    with pytest.raises(ValueError, match=r"expected booleans, -1/\+1 or 0/1, got other values"):
        small(encoder=None).fit(*real_data)


def test_three_values_are_no_bits(bit_data):
    X, y = bit_data
    X = np.where(X, 1, -1)
    X[:, 0] = np.arange(250) % 3 - 1
    clf = small(preset="fast").fit(X, y)
    assert isinstance(clf.encoder_, ThermometerEncoder)
    assert clf.network_.spec.n_inputs == 71


def above_zero(X):
    return X > 0


def above_zero_as_signs(X):
    return np.where(X > 0, 1, -1)


@pytest.mark.parametrize(
    "transformer",
    [
        FunctionTransformer(above_zero),
        FunctionTransformer(above_zero_as_signs),
        make_pipeline(StandardScaler(with_mean=False), FunctionTransformer(above_zero)),
    ],
)
def test_other_transformers(real_data, transformer):
    X, y = real_data
    clf = small(encoder=transformer).fit(X, y)
    assert digest(clf) == digest(small().fit(X > 0, y))
    assert np.array_equal(clf.predict(X), small().fit(X > 0, y).predict(X > 0))
    assert np.array_equal(pickle.loads(pickle.dumps(clf)).predict(X), clf.predict(X))


@pytest.mark.parametrize("encode", ["onehot-dense", "onehot"])
def test_bins_as_encoder(real_data, encode):
    """Also where the output is a sparse matrix, which is what this transformer gives by default."""
    X, y = real_data
    bins = KBinsDiscretizer(4, encode=encode, strategy="uniform")
    clf = small(encoder=bins).fit(X, y)
    assert clf.network_.spec.n_inputs == 24
    assert not hasattr(bins, "bin_edges_")
    dense = clone(bins).set_params(encode="onehot-dense").fit_transform(X)
    assert digest(clf) == digest(small().fit(dense == 1, y))
    codes = np.floor(X).clip(-2, 2)
    assert small(encoder=OneHotEncoder()).fit(codes, y).predict(codes).shape == (180,)


def test_transformers_that_give_no_bits(real_data):
    with pytest.raises(ValueError, match="the encoder's output must be bits"):
        small(encoder=StandardScaler()).fit(*real_data)


@pytest.mark.parametrize("spec", ["thermo", "thermometer0", "Median", ""])
def test_unknown_encoder(real_data, spec):
    with pytest.raises(ValueError, match="is unknown") as caught:
        small(encoder=spec).fit(*real_data)
    for part in (repr(spec), "encoder", "'median'", "'column-median'", "'thermometer'"):
        assert part in str(caught.value)


@pytest.mark.parametrize("encoder", ["auto", "thermometer4", ThermometerEncoder(strategy="uniform")])
def test_constant_features(encoder):
    with pytest.raises(ValueError, match="every feature is constant"):
        small(encoder=encoder).fit(np.full((20, 3), 2.5), np.arange(20) % 2)


# Errors ----------------------------------------------------------------------------------------------------

BAD = {
    "hidden_layer_sizes": [0, -15, 15.0, "45", (45, 0), (45, 15.0), (True,), (2**24,)],
    "group_size": [0, -1, 15.0, "15", True],
    "robustness": [-0.1, 1.1, NAN, "0.25"],
    "reinforcement": [-0.1, 1e9, NAN, "0.5"],
    "batch_size": [0, -5, 10.0, "auto", True, 2**70],
    "preset": ["slow", "", 1, True],
    "max_iter": [0, -1, 2.5, "5", True],
    "hidden_clip": [0, -1, 2, 100, 65536, 65537, 3.0, "3", True],
    "encoder": [5, True, ThermometerEncoder, object, b"median"],
    "class_weight": ["even", 2, ["balanced"], {0: -1}, {0: NAN}, {0: "2"}],
    "probability": ["yes", 2, None],
    "early_stopping": ["yes", 2, None],
    "freeze_first": ["yes", 2, None],
    "train_classifier": ["yes", 2, None],
    "single_output": ["yes", 2, None],
    "readout": ["guessed", 1, True],
    "validation_fraction": [-0.1, 0, 0.0, 1, 1.0, 1.5, NAN, "0.1"],
    "n_iter_no_change": [0, -1, 2.5, "5", None, True],
    "tol": [-1e-4, NAN, "0", None],
    "warm_start": ["yes", 2, None],
    "random_state": [-1, 2**64, "seed", 0.5],
    "n_jobs": [0, 1.5, "all", True],
}


@pytest.mark.parametrize(("name", "value"), [(name, v) for name, values in BAD.items() for v in values])
def test_bad_parameters(real_data, name, value):
    X, y = real_data
    for train in ("fit", "partial_fit"):
        clf = small(**{name: value})
        with pytest.raises(ValueError, match=name) as caught:
            clf.fit(X, y) if train == "fit" else clf.partial_fit(X, y, classes=[0, 1, 2])
        # The part of the value that is wrong.
        wrong = next((v for v in value if v not in (45,)), value) if isinstance(value, tuple) else value
        assert repr(wrong) in str(caught.value)
        assert "expected" in str(caught.value)
        assert not hasattr(clf, "network_")


def test_every_parameter_is_checked():
    assert set(BAD) == set(inspect.signature(BMLPClassifier).parameters) - {"verbose"}


def test_layer_sizes_of_a_wrong_shape(real_data):
    with pytest.raises(ValueError, match="hidden_layer_sizes is empty"):
        small(hidden_layer_sizes=()).fit(*real_data)
    for nested in (((15,), (30,)), ((15,), (30, 45)), np.array([[15, 30]])):
        with pytest.raises(ValueError, match=r"hidden_layer_sizes=.*expected a whole number"):
            small(hidden_layer_sizes=nested).fit(*real_data)


@pytest.mark.parametrize(
    ("sizes", "group_size", "names"),
    [
        (1035, 16, ["group_size=16", "1035", "15 and 23"]),
        ((30, 1035), 10, ["group_size=10", "1035", "9 and 15"]),
        (45, 100, ["group_size=100", "45", "45"]),
        (7, 2, ["1 and 7"]),
    ],
)
def test_group_size_must_divide(real_data, sizes, group_size, names):
    with pytest.raises(ValueError, match="does not divide") as caught:
        small(hidden_layer_sizes=sizes, group_size=group_size).fit(*real_data)
    for name in names:
        assert name in str(caught.value)


def test_numbers_of_numpy(real_data, tmp_path):
    """NumPy's scalars overflow where Python's do not, and are no JSON."""
    plain = small(
        hidden_layer_sizes=300, group_size=15, batch_size=100, max_iter=2, hidden_clip=32767, robustness=0.5
    ).fit(*real_data)
    numpy = small(
        hidden_layer_sizes=np.array([300], dtype=np.uint16),
        group_size=np.uint8(15),
        batch_size=np.uint8(100),
        max_iter=np.uint8(2),
        hidden_clip=np.int16(32767),
        robustness=np.float32(0.5),
    ).fit(*real_data)
    assert digest(numpy) == digest(plain)
    assert numpy.network_.spec == plain.network_.spec
    bitlocal.save(numpy, tmp_path / "model")
    assert digest(bitlocal.load(tmp_path / "model")) == digest(plain)
    limit = small(hidden_clip=np.uint16(65535)).fit(*real_data)
    assert digest(limit) == digest(small(hidden_clip=65535).fit(*real_data))
    # No clip is the clip of 16 bits.
    assert digest(limit) == digest(small(hidden_clip=None).fit(*real_data))


def test_unusable_data(real_data):
    X, y = real_data
    for bad, message in ((np.inf, "infinity"), (-np.inf, "infinity")):
        broken = X.copy()
        broken[5, 2] = bad
        with pytest.raises(ValueError, match=message):
            small().fit(broken, y)
        with pytest.raises(ValueError, match=message):
            small().fit(X, y).predict(broken)
    with pytest.raises(ValueError, match="y has 1 class, "):
        small().fit(X, np.zeros(180, dtype=int))
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        small().fit(np.empty((0, 6)), np.empty(0, dtype=int))
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        small().fit(np.empty((180, 0)), y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        small().fit(X, y[:-1])
    with pytest.raises(ValueError, match="continuous"):
        small().fit(X, y + 0.5)
    clf = small().fit(X, y)
    for wrong in (X[:, :5], np.hstack([X, X])):
        for method in (clf.predict, clf.decision_function, lambda X: clf.score(X, y)):
            with pytest.raises(ValueError, match="expecting 6 features"):
                method(wrong)
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        clf.predict(np.empty((0, 6)))
    with pytest.raises(ValueError, match="1D array"):
        clf.predict(X[0])


# Callback --------------------------------------------------------------------------------------------------


def long_data(bit_data):
    X, y = bit_data
    return np.tile(X, (18, 1)), np.tile(y, 18)  # 4500 samples: several calls an epoch


def test_callback(bit_data):
    X, y = long_data(bit_data)
    calls = []
    clf = small(max_iter=2).fit(X, y, callback=calls.append)
    assert all(isinstance(call, Progress) for call in calls)
    assert [call.finished for call in calls if call.finished] == clf.history_
    assert all(isinstance(record, EpochRecord) for record in clf.history_)
    for epoch in (1, 2):
        mine = [call for call in calls if call.epoch == epoch]
        seen = [call.seen for call in mine]
        assert len(seen) > 2
        assert seen == sorted(set(seen))
        assert seen[-1] == 4500
        assert [call.finished is None for call in mine] == [True] * (len(mine) - 1) + [False]
    # Watching changes nothing.
    assert digest(clf) == digest(small(max_iter=2).fit(X, y))


@pytest.mark.parametrize("call", range(6))
@pytest.mark.parametrize("changes", [{}, {"early_stopping": True}])
def test_interruption_leaves_a_usable_classifier(bit_data, tmp_path, call, changes):
    X, y = long_data(bit_data)
    calls = []

    def interrupt(progress):
        calls.append(progress)
        if len(calls) == call + 1:
            raise KeyboardInterrupt

    clf = small(**changes)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y, callback=interrupt)
    complete = [progress.finished for progress in calls if progress.finished]
    assert clf.history_ == complete
    assert clf.n_iter_ == len(complete)
    assert clf.network_.state.epoch == len(complete)
    assert clf.predict(X).shape == (4500,)
    assert clf.score(X, y) > 0.6  # it keeps what it has learnt
    bitlocal.save(clf, tmp_path / "model")
    twin = bitlocal.load(tmp_path / "model")
    assert np.array_equal(twin.predict(X), clf.predict(X))
    assert digest(twin.partial_fit(X[:100], y[:100])) == digest(clf.partial_fit(X[:100], y[:100]))
    # A new fit is not troubled by it.
    assert digest(clf.set_params(max_iter=1).fit(X[:200], y[:200])) == digest(
        small(max_iter=1, **changes).fit(X[:200], y[:200])
    )


def test_packed_bits_are_taken_as_they_are(bit_data):
    X, y = bit_data
    packed = pack(X)
    from_array, from_packed = small().fit(X, y), small().fit(packed, y)
    assert digest(from_array) == digest(from_packed)
    assert from_packed.n_features_in_ == X.shape[1]
    np.testing.assert_array_equal(from_packed.predict(packed), from_array.predict(X))
    np.testing.assert_array_equal(from_packed.predict(np.where(X, 1, -1)), from_array.predict(packed[:]))
    streamed = small().partial_fit(packed[:100], y[:100], classes=[0, 1, 2]).partial_fit(packed[100:200], y[100:200])
    assert digest(streamed) == digest(small().partial_fit(X[:200], y[:200], classes=[0, 1, 2]))
    assert cross_val_score(small(), packed, y, cv=3).tolist() == cross_val_score(small(), X, y, cv=3).tolist()


def test_packed_by_the_encoder_predicts_the_same(real_data):
    X, y = real_data
    clf = small(encoder="thermometer4").fit(X, y)
    np.testing.assert_array_equal(clf.decision_function(clf.encoder_.pack(X)), clf.decision_function(X))


def test_packed_bits_that_do_not_fit(bit_data):
    X, y = bit_data
    clf = small().fit(pack(X), y)
    with pytest.raises(ValueError, match="expected packed rows of 70 bits, as in fit, got 69"):
        clf.predict(pack(X[:, 1:]))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clf.fit(pack(X), y[1:])
    with pytest.raises(ValueError, match="'thermometer4' cannot encode packed bits"):
        small(encoder="thermometer4").fit(pack(X), y)
    with pytest.raises(ValueError, match="no samples"):
        small().fit(pack(X[:0]), y[:0])
    with pytest.raises(ValueError, match="2 dimensions"):
        pack(X[0])
    with pytest.raises(ValueError, match="got other values"):
        pack([[0, 2]])
    with pytest.raises(TypeError, match="whole rows"):
        pack(X)[0]


@pytest.mark.parametrize(
    ("sizes", "group_size"), [((1035,), 45), ((1035, 525), 15), (64, 32), ((90, 50), 10), (7, 7), (1, 1)]
)
def test_default_group_size_divides_every_layer(bit_data, sizes, group_size):
    clf = small(hidden_layer_sizes=sizes, group_size=None, max_iter=1).fit(*bit_data)
    assert clf.network_.spec.blocks[0].group_size == group_size
    assert digest(clf) == digest(small(hidden_layer_sizes=sizes, group_size=group_size, max_iter=1).fit(*bit_data))


@pytest.mark.parametrize(("n", "batch_size", "epochs"), [(250, 100, 200), (250, 10, 80), (250, 1, 20), (90, 9, 200)])
def test_default_epochs_grow_for_small_data(bit_data, n, batch_size, epochs):
    X, y = bit_data
    clf = small(hidden_layer_sizes=3, group_size=3, max_iter=None, batch_size=batch_size).fit(X[:n], y[:n])
    assert clf.n_iter_ == epochs


@pytest.mark.parametrize("hole", [None, float("nan"), pd.NA])
def test_missing_labels(hole):
    for X in ([["a", 1], ["b", 2], ["a", 3]], np.arange(6.0).reshape(3, 2)):
        y = pd.Series(["yes", hole, "no"], dtype=object)
        with pytest.raises(ValueError, match="y: the label of sample 1 is missing, one of 1 missing labels of 3"):
            BMLPClassifier((15,)).fit(X, y)
    with pytest.raises(ValueError, match="y: the label of sample 1 is missing, one of 2 missing labels of 3"):
        BMLPClassifier((15,)).fit(["one", "two", "three"], pd.Series(["yes", hole, hole], dtype=object))


def test_other_transformers_get_samples_as_they_come():
    y = np.tile([0, 1, 1, 0], 15)
    table = pd.DataFrame({"kind": np.where(y, "fern", "moss"), "height": np.arange(60.0) % 7})
    bins = KBinsDiscretizer(3, strategy="uniform")
    for encoder, X in (
        (OneHotEncoder(), table[["kind"]]),
        (make_column_transformer((OneHotEncoder(), ["kind"]), (bins, ["height"])), table),
        (CountVectorizer(binary=True), table["kind"].tolist()),
    ):
        clf = small(encoder=encoder, max_iter=20).fit(X, y)
        assert clf.score(X, y) == 1
        assert clf.partial_fit(X, y).score(X, y) == 1
    names = small(encoder=make_column_transformer((bins, ["height"]))).fit(table, y)
    assert names.feature_names_in_.tolist() == ["kind", "height"]
    assert names.n_features_in_ == 2


@pytest.mark.parametrize("two", [False, True])
def test_calibration(real_data, two):
    X, y = real_data
    target = np.where(y == 2, "yes", "no") if two else y
    calibrated = CalibratedClassifierCV(small(), cv=3).fit(X, target)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)


def test_streams_that_begin_with_too_little():
    X, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    with pytest.raises(ValueError, match=r"found 1 sample, .* give encoder.pack"):
        small().partial_fit(X[:1], y[:1], classes=[0, 1])
    clf = small().partial_fit(np.zeros((4, 3)), y[:4], classes=[0, 1])
    with pytest.raises(ValueError, match=r"taken as bits in fit, .* encoder='thermometer'"):
        clf.partial_fit(X, y)
    before = ThermometerEncoder(n_bits=8).fit(X)
    clf = small()
    for i in range(20):
        clf.partial_fit(before.pack(X[i : i + 1]), y[i : i + 1], classes=[0, 1])
    assert clf.predict(before.pack(X)).shape == (20,)


def test_only_what_is_trained_is_saved_and_exported(tmp_path):
    for write in (bitlocal.save, bitlocal.export.c):
        with pytest.raises(NotFittedError):
            write(small(), tmp_path / "model")
        with pytest.raises(TypeError, match="expected a fitted BMLPClassifier, got StandardScaler"):
            write(StandardScaler(), tmp_path / "model")
    assert not (tmp_path / "model").exists()


@settings(max_examples=60, deadline=None)
@given(
    dense=arrays(np.bool_, st.tuples(st.integers(0, 9), st.integers(1, 140))),
    make=st.sampled_from([csr_matrix, csc_matrix, coo_array, lil_matrix, csr_array]),
    dtype=st.sampled_from([np.bool_, np.int8, np.float64]),
    at_a_time=st.sampled_from([1, 7, 1 << 18]),
)
def test_sparse_bits_are_packed_as_dense_ones_are(dense, make, dtype, at_a_time):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bits_module, "_ENTRIES_AT_A_TIME", at_a_time)
        packed = pack(make(dense.astype(dtype)))
    assert packed.shape == dense.shape
    assert np.array_equal(packed.words, pack(dense).words)


def test_sparse_matrices_of_any_form():
    # Entries in any order, zeros that are stored, and sums of entries, which stay as they are in the caller's matrix.
    odd = coo_array(([1, 0, 1, 1, -1], ([0, 0, 1, 1, 1], [2, 1, 70, 3, 3])), shape=(2, 71))
    assert np.array_equal(pack(odd).words, pack(odd.toarray()).words)
    csr = csr_matrix((np.ones(3), np.array([5, 2, 2]), np.array([0, 3])), shape=(1, 6))
    with pytest.raises(ValueError, match="expected booleans or 0/1 in a sparse matrix"):
        pack(csr)
    assert csr.indices.tolist() == [5, 2, 2]


def test_sparse_samples(real_data):
    X, y = real_data
    dense, sparse = X > 0, csr_matrix(X > 0)
    clf = small().fit(sparse, y)
    assert digest(clf) == digest(small().fit(dense, y))
    assert np.array_equal(clf.predict(sparse), clf.predict(dense))
    assert clf.partial_fit(sparse, y).n_features_in_ == X.shape[1]
    assert cross_val_score(small(), sparse, y, cv=3).shape == (3,)
    towns = pd.DataFrame({"town": np.where(y == 2, "Turku", "Oulu")})
    assert make_pipeline(OneHotEncoder(), small(max_iter=9)).fit(towns, y == 2).score(towns, y == 2) == 1
    with pytest.raises(ValueError, match="expected packed rows of 6 bits, as in fit, got 5"):
        clf.predict(sparse[:, 1:])
