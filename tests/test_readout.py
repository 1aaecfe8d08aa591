"""The learned readout (docs/algorithm.md, section 4): bit for bit as defined, and with all that a classifier has."""

from __future__ import annotations

import json
import pickle
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import bitlocal
import reference
from bitlocal import BMLPClassifier, ModelFileError
from bitlocal.bits import pack
from bitlocal.cli.main import main
from bitlocal.network import BinaryNetwork
from bitlocal.samples.weights import to_fixed
from bitlocal.single_layer import SingleLayerClassifier
from bitlocal.spec import Classes, Dense, Pool, Spec
from bitlocal.training import READOUT_PASSES, Validation, train, train_readout
from specs import flat_spec
from test_modelfile import forge, read

SIZES = st.sampled_from([1, 7, 9, 63, 64, 65, 129, 200, 256, 300])


@st.composite
def problems(draw):
    """A network with a learned readout, and some data for it: bits, classes, weights."""
    sizes = tuple(draw(st.lists(SIZES, min_size=1, max_size=2)))
    common = np.gcd.reduce(sizes)
    spec = flat_spec(
        n_inputs=draw(SIZES),
        hidden_layer_sizes=sizes,
        n_classes=draw(st.integers(2, 11)),
        group_size=draw(st.sampled_from([int(d) for d in range(1, common + 1) if common % d == 0])),
        reinforcement=draw(st.sampled_from([0.0, 1.0])),
        hidden_clip=draw(st.sampled_from([None, 15])),
        freeze_first=len(sizes) == 2 and draw(st.booleans()),
        seed=draw(st.integers(0, 2**64 - 1)),
        readout="learned",
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.sampled_from([1, 2, 15, 17, 40, 100]))
    X, y = rng.random((n, spec.n_inputs)) < 0.5, rng.integers(0, spec.n_classes, n)
    kind = draw(st.sampled_from(["none", "whole", "any"]))
    weights = None if kind == "none" else to_fixed(rng.integers(0, 4, n) if kind == "whole" else rng.random(n) * 3)
    return spec, X, y, weights, draw(st.sampled_from([1, 2, 7, 16, 33, 1000]))


def make_reference(spec):
    """The margins in whole per cent, so that this does not repeat the code under test."""
    sizes = [block.n_neurons for block in spec.blocks]
    return reference.ReferenceNetwork(
        list(spec.layer_sizes),
        spec.n_classes,
        [block.group_size for block in spec.blocks],
        [25 * size // 100 for size in sizes],
        spec.rule.hidden_clip,
        spec.rule.reinforcement,
        spec.seed,
        freeze_first=spec.blocks[0].frozen,
        readout_margin=64 * (50 * sizes[-1] // 100),
    )


@settings(max_examples=100, deadline=None)
@given(problems(), st.integers(1, 3), st.integers(1, 4))
def test_a_stream_equals_reference(problem, n_threads, n_batches):
    """However it is cut between mini-batches; what it answers before it learns is the readout's, too."""
    spec, X, y, weights, batch_size = problem
    network, expected = BinaryNetwork(spec), make_reference(spec)
    np.testing.assert_array_equal(network.readout(), 64 * network.local_classifier(network.n_layers - 1))
    signs, n_updates = np.where(X, 1, -1), 0
    answers = np.empty((len(y), spec.n_classes), dtype=np.int32)
    for first in range(0, len(y), n_batches * batch_size):
        part = slice(first, first + n_batches * batch_size)
        of_part = None if weights is None else weights[part]
        n_updates += network.train_stream(
            pack(X)[part], y[part], weights=of_part, batch_size=batch_size, n_threads=n_threads, logits=answers[part]
        ).readout
    for first in range(0, len(y), batch_size):
        batch = slice(first, first + batch_size)
        np.testing.assert_array_equal(answers[batch], expected.logits(signs[batch]))
        expected.train_batch(signs[batch], y[batch], None if weights is None else weights[batch], stream=True)
    np.testing.assert_array_equal(network.readout(), expected.R)
    np.testing.assert_array_equal(network.logits(pack(X), n_threads=n_threads), expected.logits(signs))
    np.testing.assert_array_equal(network.predict(pack(X)), expected.predict(signs))
    assert n_updates == expected.readout_updates
    assert network.hidden_sha256() == expected.digest()


@settings(max_examples=40, deadline=None)
@given(problems(), st.integers(1, 3), st.integers(1, 2))
def test_passes_equal_reference(problem, n_threads, n_epochs):
    spec, X, y, weights, batch_size = problem
    network, expected = BinaryNetwork(spec), make_reference(spec)
    signs = np.where(X, 1, -1)
    how = {"weights": weights, "batch_size": batch_size, "n_threads": n_threads}
    for _ in train(network, pack(X), y, epochs=n_epochs, **how):
        expected.train_epoch(signs, y, batch_size, weights=weights)
    assert network.readout_sha256() == BinaryNetwork(spec).readout_sha256()  # epochs leave it alone
    means = expected.train_readout(signs, y, batch_size, weights)
    assert len(means) - 1 == READOUT_PASSES
    train_readout(network, pack(X), y, **how)
    np.testing.assert_array_equal(network.readout(), expected.R)
    np.testing.assert_array_equal(network.logits(pack(X)), expected.logits(signs))
    assert network.hidden_sha256() == expected.digest()

    others, labels = np.random.default_rng(0).random((20, spec.n_inputs)) < 0.5, np.arange(20) % spec.n_classes
    right = []
    for mean in means:
        expected.R = mean
        right.append(int((expected.predict(np.where(others, 1, -1)) == labels).sum()))
    for patience, chosen in ((None, -1), (3, int(np.argmax(right)))):
        validation = Validation(pack(others), labels, patience, 0.0)
        records = train_readout(network, pack(X), y, validation=validation, **how)
        assert [record.validation_accuracy for record in records] == [n / 20 for n in right]
        np.testing.assert_array_equal(network.readout(), means[chosen])


@pytest.mark.parametrize("isa", [name for name, supported in bitlocal._core.instruction_sets() if supported])
def test_instruction_sets_agree(isa, bit_data):
    X, y = bit_data
    found = []
    for name in (isa, "portable"):
        before = bitlocal._core.instruction_set()
        bitlocal._core.use_instruction_set(name)
        found.append(BMLPClassifier((65,), max_iter=2, readout="learned", encoder=None, random_state=0).fit(X, y))
        bitlocal._core.use_instruction_set(before)
    assert len({clf.network_.readout_sha256() for clf in found}) == 1


def test_by_hand():
    """Ten neurons that all say +; the arithmetic is in the comments."""
    spec = flat_spec(1, (10,), 3, 10, robustness=0.0, reinforcement=0.0, readout="learned")
    assert spec.readout_margin == 320
    network = BinaryNetwork(spec)
    network.set_counters(0, np.full((10, 1), 50, dtype=np.int16))
    network.set_packed_local_classifier(0, np.array([[0b1111111111], [0], [0]], dtype=np.uint64))
    network.start_readout()
    x = pack(np.array([[True]]))
    assert network.logits(x).tolist() == [[640, -640, -640]]
    network.set_readout(np.array([[32767] * 10, [32766] * 10, [-32768] * 10]))
    assert network.logits(x).tolist() == [[327670, 327660, -327680]]
    counts = network.train_stream(x, np.array([0]), batch_size=1)
    # Class 0 is right by votes: 10 to -10, so no neuron learns. It leads by 10, which is less than 320: + a, clamped;
    # and class 1, which is next, - a.
    assert (counts.errors, counts.readout) == ([0], 2)
    assert network.readout()[:, 0].tolist() == [32767, 32765, -32768]
    network.train_stream(pack(np.array([[True]] * 2)), np.array([0, 1]), batch_size=2)
    # Both as the mini-batch began: class 0 leads by 20, and class 1 is behind by as much. The changes cancel.
    assert network.readout()[:, 0].tolist() == [32767, 32765, -32768]
    network.train_stream(x, np.array([2]), batch_size=1)
    assert network.readout()[:, 0].tolist() == [32766, 32765, -32767]


def make(**changes):
    usual = {"hidden_layer_sizes": (45,), "max_iter": 2, "random_state": 3, "readout": "learned", "probability": False}
    return BMLPClassifier(**{**usual, **changes})


def noisy(n=600, n_classes=12, n_features=60):
    """Noisy prototypes of many classes, which few neurons cannot tell apart by votes."""
    rng = np.random.default_rng(5)
    prototypes, y = rng.random((n_classes, n_features)) < 0.5, rng.integers(0, n_classes, n)
    return prototypes[y] ^ (rng.random((n, n_features)) < 0.2), y


def test_layers_do_not_see_it():
    X, y = noisy()
    for run in (lambda clf: clf.fit(X, y), lambda clf: clf.partial_fit(X, y, classes=np.unique(y))):
        learned, votes = run(make(encoder=None)), run(make(encoder=None, readout="votes"))
        assert learned.network_.hidden_sha256() == votes.network_.hidden_sha256()
        assert learned.network_.state == votes.network_.state
        assert [record.counts for record in learned.history_] == [record.counts for record in votes.history_]
        assert votes.network_.readout_sha256() is None


def test_few_neurons_tell_many_classes_apart():
    X, y = noisy(3000)
    settings = {"hidden_layer_sizes": (32,), "max_iter": 5, "encoder": None}
    learned, votes = (make(**settings, readout=readout).fit(X[:2000], y[:2000]) for readout in ("learned", "votes"))
    assert learned.score(X[2000:], y[2000:]) > votes.score(X[2000:], y[2000:]) + 0.02
    assert learned.readout_history_[-1].counts.accuracy > learned.readout_history_[1].counts.accuracy


def test_threads_and_weights_do_not_matter_where_they_should_not():
    X, y = noisy(200)
    digests = {make(n_jobs=n, encoder=None).fit(X, y).network_.readout_sha256() for n in (1, 2, 3)}
    assert len(digests) == 1
    weights = np.arange(200) % 3
    one_batch = {"encoder": None, "batch_size": 1000}
    weighted, repeated = make(**one_batch), make(**one_batch)
    weighted.fit(X, y, weights)
    repeated.fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    assert weighted.network_.readout_sha256() == repeated.network_.readout_sha256()


def test_early_stopping_may_choose_votes(real_data):
    X, y = real_data
    clf = make(early_stopping=True).fit(X, np.random.default_rng(0).integers(0, 3, len(y)))
    accuracies = [record.validation_accuracy for record in clf.readout_history_]
    assert [record.number for record in clf.readout_history_] == list(range(READOUT_PASSES + 1))
    assert max(accuracies) == accuracies[int(np.argmax(accuracies))]
    if np.argmax(accuracies) == 0:
        assert np.abs(clf.network_.readout()).max() == np.abs(clf.network_.readout()).min() == 64


def test_training_goes_on(bit_data):
    """A second `fit` begins with votes again; a stream goes on from what `fit` left."""
    X, y = bit_data
    clf = make(warm_start=True, encoder=None).fit(X, y)
    first = clf.network_.readout()
    clf.fit(X, y)
    assert not np.array_equal(clf.network_.readout(), first)
    again = BinaryNetwork(clf.network_.spec)
    how = {"batch_size": 100, "n_threads": 1}
    for _ in range(2):
        for _ in train(again, pack(X), y, epochs=2, **how):
            pass
    train_readout(again, pack(X), y, **how)
    assert again.readout_sha256() == clf.network_.readout_sha256()
    before = clf.network_.readout()
    clf.partial_fit(X[:40], y[:40])
    assert 0 < np.abs(clf.network_.readout().astype(int) - before).max() <= 40
    with pytest.raises(ValueError, match="learning cannot go on with readout='votes'"):
        clf.set_params(readout="votes").partial_fit(X, y)


def test_an_interruption_leaves_votes(bit_data):
    def stop(progress):
        if progress.finished is not None:
            raise KeyboardInterrupt

    clf = make(encoder=None, warm_start=True)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            clf.fit(*bit_data, callback=stop)
        np.testing.assert_array_equal(clf.network_.readout(), 64 * clf.network_.local_classifier(0))
        assert clf.readout_history_ == []
        clf.fit(*bit_data)
        assert len(clf.readout_history_) == READOUT_PASSES + 1


def test_probabilities(bit_data):
    """The temperature is one of the readout's answers, which are 64 times as large and more."""
    X, y = noisy(1500)
    for changes in ({}, {"validation_fraction": 0.2}, {"early_stopping": True}):
        clf = make(probability=True, encoder=None, hidden_layer_sizes=(32,), **changes).fit(X[:1000], y[:1000])
        assert clf.temperature > 64
        P = clf.predict_proba(X[1000:])
        np.testing.assert_array_equal(clf.classes_[P.argmax(axis=1)], clf.predict(X[1000:]))
        loss = -np.log(P[np.arange(500), y[1000:]]).mean()
        for factor in (0.25, 4):
            clf.calibration_.temperature = clf.temperature * factor
            Q = clf.predict_proba(X[1000:])
            assert -np.log(Q[np.arange(500), y[1000:]]).mean() > loss
            clf.calibration_.temperature /= factor
    stream = make(probability=True, encoder=None).partial_fit(X, y, classes=np.unique(y))
    assert stream.temperature > 64


def test_decision_function_of_two_classes(bit_data):
    X, y = bit_data
    clf = make(encoder=None).fit(X, y > 0)
    logits = clf.network_.logits(pack(X))
    np.testing.assert_array_equal(clf.decision_function(X), (logits[:, 1] - logits[:, 0]) / 64)
    np.testing.assert_array_equal(clf.predict(X), clf.decision_function(X) > 0)


# Files, copies, other interfaces ----------------------------------------------------------------------------


@pytest.mark.parametrize("inference_only", [False, True])
def test_files_keep_it(real_data, tmp_path, inference_only):
    X, y = real_data
    clf = make().fit(X, y)
    bitlocal.save(clf, tmp_path / "model", inference_only=inference_only)
    again = bitlocal.load(tmp_path / "model")
    assert again.readout == "learned"
    assert again.readout_history_ == []
    np.testing.assert_array_equal(again.network_.readout(), clf.network_.readout())
    np.testing.assert_array_equal(again.decision_function(X), clf.decision_function(X))
    if not inference_only:
        for one in (clf, again):
            one.partial_fit(X, y)
        assert again.network_.readout_sha256() == clf.network_.readout_sha256()


def test_files_without_it_do_not_mention_it(real_data, tmp_path):
    bitlocal.save(make(readout="votes").fit(*real_data), tmp_path / "model")
    header, arrays = read(tmp_path / "model")
    assert "readout" not in header["network"]
    assert "readout" not in arrays


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda h, a: a.pop("readout"), "array 'readout' is missing"),
        (lambda h, a: a.update(readout=a["readout"].astype(np.int32)), "expected int16 of shape"),
        (lambda h, a: a.update(readout=a["readout"][:, :-1].copy()), "expected int16 of shape"),
        (lambda h, a: h["network"].update(readout="guessed"), "expected 'votes' or 'learned'"),
        (lambda h, a: h["network"].update(readout=1), "readout cannot be 1"),
        (lambda h, a: h["network"].update(train_classifier=True), "no other kind of classifier"),
        (lambda h, a: h["network"].update(majority=True), "a learned readout reads neurons"),
    ],
)
def test_damaged_files(real_data, tmp_path, damage, message):
    bitlocal.save(make().fit(*real_data), tmp_path / "model")
    header, arrays = read(tmp_path / "model")
    damage(header, arrays)
    with pytest.raises(ModelFileError, match=message):
        bitlocal.load(forge(tmp_path / "forged", header, arrays))


def test_copies(bit_data):
    X, y = bit_data
    clf = make(encoder=None).fit(X, y)
    assert clone(clf).get_params() == clf.get_params()
    again = pickle.loads(pickle.dumps(clf))
    assert again.readout_history_ == clf.readout_history_
    for one in (clf, again):
        one.partial_fit(X, y)
    assert again.network_.readout_sha256() == clf.network_.readout_sha256()


def test_streams_of_river():
    river = pytest.importorskip("bitlocal.river")
    X, y = noisy(300, 4)
    usual = {"hidden_layer_sizes": (45,), "warm_up": 20, "seed": 0}
    learned = river.BMLPStreamClassifier(**usual, readout="learned")
    votes = river.BMLPStreamClassifier(**usual)
    for bits, label in zip(X, y, strict=True):
        for model in (learned, votes):
            model.learn_one(dict(enumerate(bits.tolist())), int(label))
    R = learned.classifier.network_.readout()
    assert np.abs(R).max() > 64
    assert learned.classifier.network_.hidden_sha256() == votes.classifier.network_.hidden_sha256()
    found = learned.predict_proba_one(dict(enumerate(X[0].tolist())))
    assert sum(found.values()) == pytest.approx(1)


def test_the_command_line(tmp_path, capsys, monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bitlocal", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert ended.value.code == 0, err
        return out

    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 200)
    table = np.column_stack([rng.normal(size=(200, 4)) + y[:, np.newaxis], y])
    np.savetxt(tmp_path / "table.csv", table, delimiter=",", header="a,b,c,d,target", comments="")
    fast = ["--hidden", 45, "--epochs", 2, "--quiet", "--early-stopping", "--json"]
    report = json.loads(
        run("train", tmp_path / "table.csv", *fast, "--readout", "learned", "--out", tmp_path / "model")
    )
    clf = bitlocal.load(tmp_path / "model")
    assert report["readout_sha256"] == clf.network_.readout_sha256()
    told = json.loads(run("info", tmp_path / "model", "--json"))
    assert told["readout"] == "learned"
    assert told["readout_sha256"] == report["readout_sha256"]
    shown = run("info", tmp_path / "model")
    assert "learned readout" in shown
    assert report["readout_sha256"] in "".join(shown.split())
    votes = json.loads(run("train", tmp_path / "table.csv", *fast, "--readout", "votes"))
    assert votes["readout_sha256"] is None
    assert votes["hidden_sha256"] == report["hidden_sha256"]
    assert report["validation_accuracy"] >= votes["validation_accuracy"]


# What makes no sense ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"readout": "guessed"}, "readout='guessed': expected 'votes', 'learned' or 'auto'"),
        ({"train_classifier": True}, "readout='learned' and train_classifier=True cannot be combined: choose one"),
        ({"single_output": True}, "readout='learned' and single_output=True cannot be combined: choose one"),
        ({"hidden_layer_sizes": (45, 32768)}, "reads at most 32767 neurons, got 32768: make the last layer smaller"),
    ],
)
def test_contradictions(real_data, changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes).fit(*real_data)


def test_the_single_layer_method_has_none(real_data):
    with pytest.raises(ValueError, match="readout='learned': the single-layer method has votes alone"):
        SingleLayerClassifier(45, group_size=3, readout="learned").fit(*real_data)


def test_specifications():
    learned = Classes(3, readout="learned")
    assert Spec(4, (Dense(1035, 45),), learned).readout_margin == 64 * 517
    assert Spec(4, (Dense(1035, 45),), Classes(3)).readout_margin is None
    with pytest.raises(ValueError, match="expected a Dense last"):
        Spec(4, (Dense(45, 15), Pool(15)), learned)
    with pytest.raises(ValueError, match="reads at most 32767 neurons"):
        Spec(4, (Dense(32768, 1),), learned)


def test_the_core_checks(bit_data):
    X, y = bit_data
    without = BinaryNetwork(flat_spec(70, (45,), 3, 15))
    for call in (without.readout, without.start_readout, lambda: without.set_readout(np.zeros((3, 45)))):
        with pytest.raises(ValueError, match="this network has no readout"):
            call()
    network = BinaryNetwork(flat_spec(70, (45,), 3, 15, readout="learned"))
    a = network.activations(pack(X))
    np.testing.assert_array_equal(
        64 * np.where(bitlocal.bits.unpack(a), 1, -1) @ network.local_classifier(0).T.astype(int),
        network.logits(pack(X)),
    )
    with pytest.raises(ValueError, match=r"readout: expected shape \(3, 45\)"):
        network.set_readout(np.zeros((3, 44)))
    with pytest.raises(ValueError, match="labels: expected numbers from 0"):
        network.pass_readout(a, y + 1, 1)
    with pytest.raises(ValueError, match="labels: expected one a sample"):
        network.pass_readout(a, y[:5], 1)
    with pytest.raises(ValueError, match="samples: expected rows of 1 words, got 2"):
        network.pass_readout(pack(X), y, 1)
