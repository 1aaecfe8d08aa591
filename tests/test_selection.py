"""What is chosen by trial, and on what grounds."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import bitlocal
from bitlocal import BMLPClassifier, ModelFileError
from bitlocal.bits import pack
from bitlocal.encoders.resolve import choices
from bitlocal.estimator.calibration import folds
from bitlocal.estimator.selection import Selection, Trial, choose
from bitlocal.files.tensors import read, to_bytes
from bitlocal.single_layer import SingleLayerClassifier
from bitlocal.spec import READOUTS
from bitlocal.splits import hold_out

SMALL = {"hidden_layer_sizes": 60, "group_size": 15, "max_iter": 20, "batch_size": 10, "random_state": 3}


def by_trial(**others):
    return BMLPClassifier(**SMALL | others)


def plain(**others):
    """Without trials: what a stream, or a quick preset, would take."""
    return BMLPClassifier(**{"encoder": "thermometer32", "readout": "votes"} | SMALL | others)


def sums(n, seed=0):
    """Only the difference of two of six columns tells the classes apart."""
    X = np.random.default_rng(seed).normal(size=(n, 6))
    return X, np.where(X[:, 1] > X[:, 4], "above", "below")


def axes(n, seed=0):
    """A single column tells the classes apart."""
    X = np.random.default_rng(seed).normal(size=(n, 6))
    return X, (X[:, 2] > 0.3).astype(int)


# The choice --------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(
    right=st.integers(1, 12).flatmap(
        lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=1, max_size=4)
    ),
    seed=st.integers(0, 99),
    weighted=st.booleans(),
)
def test_choose(right, seed, weighted):
    n = len(right[0])
    weights = np.random.default_rng(seed).integers(1, 2**47, n, dtype=np.uint64) if weighted else None
    w = [1] * n if weights is None else weights.tolist()
    expected, most = 0, 0
    for i, one in enumerate(right):  # sample by sample, in Python's integers
        gains = [w[s] * (one[s] - right[0][s]) for s in range(n)]
        if sum(gains) > most and sum(gains) ** 2 > sum(g * g for g in gains):
            expected, most = i, sum(gains)
    assert choose([np.array(one) for one in right], weights) == expected


def test_a_gain_must_be_more_than_chance():
    plain = np.array([True] * 10 + [False] * 90)
    for gained, lost, place in ((1, 0, 0), (2, 0, 1), (5, 2, 1), (5, 3, 0), (9, 5, 1), (9, 6, 0), (3, 9, 0)):
        other = plain.copy()
        other[:lost], other[10 : 10 + gained] = False, True
        assert choose([plain, other]) == place, (gained, lost)


# What is tried -----------------------------------------------------------------------------------------------


def by_hand(X, y, parameters, parts):
    """Accuracy on parts that are held out, in half the epochs."""
    right = np.concatenate(
        [
            plain(**parameters, max_iter=10, probability=False).fit(X[rest], y[rest]).predict(X[asked]) == y[asked]
            for rest, asked in parts
        ]
    )
    return right.mean(), len(right)


@pytest.mark.parametrize(("data", "chosen"), [(sums, "thermometer32+oblique"), (axes, "thermometer32")])
def test_thirds_of_small_tables(data, chosen):
    X, y = data(240)
    clf = by_trial().fit(X, y)
    bits = plain().fit(X, y).encoder_.pack(X)
    labels = np.unique(y, return_inverse=True)[1]
    parts = [(np.setdiff1d(np.arange(240), fold), fold) for fold in folds(bits, labels, seed=3)]
    assert len(parts) == 3
    assert [trial.parameters for trial in clf.selection_.trials] == [
        {"encoder": encoder, "readout": readout}
        for encoder in ("thermometer32", "thermometer32+oblique")
        for readout in ("votes", "learned")
    ]
    for trial in clf.selection_.trials:
        assert (trial.accuracy, clf.selection_.n_held_out) == by_hand(X, y, trial.parameters, parts)
    taken = clf.selection_.chosen
    assert taken.parameters["encoder"] == chosen
    assert taken.accuracy == max(t.accuracy for t in clf.selection_.trials if t.parameters["encoder"] == chosen)
    # What is learnt then is what that way gives.
    explicit = plain(**taken.parameters).fit(X, y)
    assert clf.network_.hidden_sha256() == explicit.network_.hidden_sha256()
    np.testing.assert_array_equal(clf.decision_function(X), explicit.decision_function(X))
    assert clf.readout_ == taken.parameters["readout"]
    assert (clf.encoder, clf.readout) == ("auto", None)
    assert clf.temperature > 0


def test_a_readout_alone():
    X, y = sums(240)
    clf = by_trial(encoder="thermometer4").fit(X, y)
    assert [trial.parameters for trial in clf.selection_.trials] == [{"readout": name} for name in READOUTS]
    clf = by_trial(encoder="thermometer4", readout="learned").fit(X, y)
    assert clf.selection_ is None
    assert clf.readout_ == "learned"
    clf = by_trial(readout="learned").fit(X, y)  # the encoder alone
    assert [trial.parameters["readout"] for trial in clf.selection_.trials] == ["learned"] * 2
    for variant in ({"train_classifier": True}, {"single_output": True}):
        clf = by_trial(**variant).fit(X, y)
        assert clf.readout_ == "votes"
        assert {trial.parameters["readout"] for trial in clf.selection_.trials} == {"votes"}
    clf = SingleLayerClassifier(**SMALL).fit(X, y)
    assert {trial.parameters["readout"] for trial in clf.selection_.trials} == {"votes"}


def test_presets_without_trials():
    X, y = sums(60)
    for preset, readout in (("published", "votes"), ("fast", "learned"), ("tiny", "learned")):
        clf = by_trial(preset=preset).fit(X, y)
        assert clf.selection_ is None
        assert clf.readout_ == readout


def test_a_part_of_large_tables():
    X, y = sums(3200)
    clf = by_trial(max_iter=4).fit(X, y)
    labels = np.unique(y, return_inverse=True)[1]
    rest, asked = hold_out(labels, 1 - 2000 / 3200, seed=3)
    assert (clf.selection_.n_held_out, len(rest)) == (len(asked), 2000)
    one = plain(encoder="thermometer32+oblique", max_iter=2).fit(X[rest], y[rest])
    assert clf.selection_.trials[2].accuracy == (one.predict(X[asked]) == y[asked]).mean()
    assert clf.selection_.place > 0


def test_trials_have_so_many_epochs_at_most(monkeypatch):
    monkeypatch.setattr("bitlocal.estimator.selection._MOST_EPOCHS", 3)
    X, _ = sums(60)
    y = np.arange(60) % 2  # nothing to learn, so that all epochs count
    capped, short, longer = (by_trial(max_iter=n, encoder="thermometer4").fit(X, y) for n in (14, 6, 7))
    assert capped.selection_ == short.selection_ == longer.selection_
    monkeypatch.undo()
    assert by_trial(max_iter=14, encoder="thermometer4").fit(X, y).selection_ != short.selection_


def test_the_same_for_any_number_of_threads():
    X, y = sums(150)
    one, two = by_trial(n_jobs=1).fit(X, y), by_trial(n_jobs=2).fit(X, y)
    assert one.selection_ == two.selection_
    assert one.network_.hidden_sha256() == two.network_.hidden_sha256()
    assert one.temperature == two.temperature


def test_what_there_is_to_choose_from():
    numbers = np.random.default_rng(0).normal(size=(20, 3))
    assert choices(numbers) == ["thermometer32", "thermometer32+oblique"]
    assert choices(np.where(numbers > 0, 1, -1)) == [None, "thermometer1+oblique"]
    assert choices(pd.DataFrame({"a": ["x", "y"], "b": [1, 2]})) == ["table", "table+oblique", "table+conjunctions"]
    for nothing in (numbers[:, :1], numbers > 0, pack(numbers > 0), np.zeros((4, 8, 8)), ["some text", "and more"]):
        assert choices(nothing) == []
    assert choices(numbers, "fast") == []
    assert choices(np.resize(numbers, (5000, 3)))[1] == "thermometer32+oblique"
    assert choices(np.resize(numbers, (5001, 3)))[1] == "thermometer32+oblique2000"


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_tables_with_text(frame):
    X, y = sums(120)
    columns = {f"x{i}": column for i, column in enumerate(X.T)} | {"town": ["Rome", "Milan", "Turin"] * 40}
    clf = by_trial().fit(frame(columns), y)
    assert [trial.parameters["encoder"] for trial in clf.selection_.trials[::2]] == [
        "table",
        "table+oblique",
        "table+conjunctions",
    ]
    assert clf.n_features_in_ == 7
    explicit = plain(**clf.selection_.chosen.parameters).fit(frame(columns), y)
    assert clf.network_.hidden_sha256() == explicit.network_.hidden_sha256()
    assert (clf.predict(frame(columns)) == explicit.predict(frame(columns))).all()


def test_bits_and_what_leaves_no_choice():
    X, y = sums(90)
    clf = by_trial().fit(np.where(X > 0, 1, 0), y)
    assert {trial.parameters["encoder"] for trial in clf.selection_.trials} == {None, "thermometer1+oblique"}
    clf = by_trial().fit(X > 0, y)
    assert {str(trial).split()[0] for trial in clf.selection_.trials} == set(READOUTS)
    assert clf.encoder_ is None
    clf = by_trial(readout="votes").fit(X[:, :1], y)
    assert clf.selection_ is None
    assert clf.network_.hidden_sha256() == plain().fit(X[:, :1], y).network_.hidden_sha256()
    clf = by_trial().fit(X[:2], ["a", "b"])  # nothing can be held out
    assert clf.selection_ is None
    assert clf.readout_ == "votes"


def test_parts_in_which_every_feature_is_constant():
    X = np.zeros((12, 2))
    X[0] = 1, 2
    clf = by_trial().fit(X, [0, 1] * 6)
    assert clf.selection_ is None
    assert str(clf.encoder_) == "ThermometerEncoder(n_bits=32)"


def test_weights_count():
    X, y = sums(150)
    weights = np.where(np.arange(150) % 3, 1.5, 0)
    clf, kept = by_trial().fit(X, y, weights), weights > 0
    again = by_trial().fit(X[kept], y[kept], weights[kept])
    assert clf.selection_ == again.selection_
    assert clf.network_.hidden_sha256() == again.network_.hidden_sha256()
    assert by_trial(class_weight="balanced").fit(X, y).selection_.n_held_out == 150


def test_streams_have_no_choice():
    X, y = sums(150)
    clf = by_trial().partial_fit(X, y, classes=np.unique(y))
    assert clf.selection_ is None
    assert clf.network_.hidden_sha256() == plain().partial_fit(X, y, np.unique(y)).network_.hidden_sha256()
    assert clf.readout_ == "votes"


def test_learning_goes_on_with_what_was_chosen():
    X, y = sums(150)
    clf = by_trial(warm_start=True).fit(X, y)
    tried = clf.selection_
    clf.fit(X, y)
    assert clf.selection_ is tried
    explicit = plain(**tried.chosen.parameters, warm_start=True).fit(X, y).fit(X, y)
    assert clf.network_.hidden_sha256() == explicit.network_.hidden_sha256()


# Where it is told --------------------------------------------------------------------------------------------


def test_in_a_line(capsys):
    X, y = sums(240)
    clf = by_trial(verbose=True).fit(X, y)
    first = capsys.readouterr().out.splitlines()[0]
    assert first == f"chosen: {clf.selection_}"
    assert first.startswith("chosen: thermometer32+oblique with ")
    assert "of 240 samples held out (others: thermometer32 with votes " in first


def test_in_a_file(tmp_path):
    X, y = sums(240)
    clf = by_trial().fit(X, y)
    bitlocal.save(clf, tmp_path / "model")
    again = bitlocal.load(tmp_path / "model")
    assert again.selection_ == clf.selection_
    assert (again.encoder, again.readout) == ("auto", clf.readout_)
    np.testing.assert_array_equal(again.decision_function(X), clf.decision_function(X))
    bitlocal.save(clone(clf).set_params(encoder="thermometer4", readout="votes").fit(X, y), tmp_path / "other")
    assert "selection" not in json.loads(read(tmp_path / "other")[0])
    assert bitlocal.load(tmp_path / "other").selection_ is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), 3),
        (("held_out",), 0),
        (("held_out",), "many"),
        (("chosen",), 4),
        (("chosen",), -1),
        (("chosen",), True),
        (("trials",), {}),
        (("trials",), []),
        (("trials", 0), 3),
        (("trials", 0, "parameters", "encoder"), "magic"),
        (("trials", 0, "parameters", "encoder"), 1),
        (("trials", 0, "parameters", "readout"), "magic"),
        (("trials", 1, "accuracy"), 2),
        (("trials", 1, "accuracy"), None),
        (("trials", 1, "parameters"), []),
        (("trials", 1, "parameters"), {"wisdom": 1}),
        (("trials", 1, "parameters"), {"batch_size": 5}),
    ],
)
def test_a_file_is_not_trusted(tmp_path, path, value):
    X, y = sums(60)
    bitlocal.save(by_trial().fit(X, y), tmp_path / "model")
    text, arrays = read(tmp_path / "model")
    header = json.loads(text)
    place = header
    for step in ("selection", *path)[:-1]:
        place = place[step]
    place[("selection", *path)[-1]] = value
    (tmp_path / "model").write_bytes(to_bytes(json.dumps(header), arrays))
    with pytest.raises(ModelFileError, match="damaged model file"):
        bitlocal.load(tmp_path / "model")


def test_names_of_trials():
    assert str(Trial({"encoder": None, "readout": "votes"}, 0.5)) == "bits with votes 50.00%"
    assert str(Trial({"readout": "learned"}, 1)) == "learned 100.00%"
    trials = Trial({"readout": "votes"}, 0.25), Trial({"readout": "learned"}, 0.5)
    assert str(Selection(trials, 1, 8)) == "learned 50.00% of 8 samples held out (others: votes 25.00%)"
