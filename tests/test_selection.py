"""What `encoder="best"` chooses, and on what grounds."""

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
from sklearn.datasets import load_iris

import bitlocal
from bitlocal import BMLPClassifier, ModelFileError
from bitlocal.bits import pack
from bitlocal.encoders.resolve import choices
from bitlocal.estimator import selection
from bitlocal.estimator.calibration import folds
from bitlocal.estimator.selection import Candidate, Selection, choose
from bitlocal.files.tensors import read, to_bytes
from bitlocal.single_layer import SingleLayerClassifier
from bitlocal.splits import hold_out

SMALL = {"hidden_layer_sizes": 60, "group_size": 15, "max_iter": 20, "batch_size": 10, "random_state": 3}


def best(**others):
    return BMLPClassifier(encoder="best", **SMALL | others)


def plain(**others):
    return BMLPClassifier(**SMALL | others)


def sums(n, seed=0):
    """Only the difference of two of six columns tells the classes apart."""
    X = np.random.default_rng(seed).normal(size=(n, 6))
    return X, np.where(X[:, 1] > X[:, 4], "above", "below")


def axes(n, seed=0):
    """A single column tells the classes apart."""
    X = np.random.default_rng(seed).normal(size=(n, 6))
    return X, (X[:, 2] > 0.3).astype(int)


def both(n, seed=0):
    """Two columns tell the classes apart, where both are large or both small."""
    X = np.random.default_rng(seed).normal(size=(n, 4))
    return X, ((X[:, 0] > 0) ^ (X[:, 3] > 0)).astype(int)


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


def by_hand(X, y, encoder, parts):
    """Accuracy of an encoder on parts that are held out, in half the epochs."""
    right = np.concatenate(
        [
            plain(encoder=encoder, max_iter=10, probability=False).fit(X[rest], y[rest]).predict(X[asked]) == y[asked]
            for rest, asked in parts
        ]
    )
    return right.mean(), len(right)


@pytest.mark.parametrize(
    ("data", "chosen"), [(sums, "thermometer32+oblique"), (axes, "thermometer32"), (both, "table+conjunctions")]
)
def test_thirds_of_small_tables(data, chosen):
    X, y = data(240)
    clf = best().fit(X, y)
    bits = plain().fit(X, y).encoder_.pack(X)
    labels = np.unique(y, return_inverse=True)[1]
    parts = [(np.setdiff1d(np.arange(240), fold), fold) for fold in folds(bits, labels, seed=3)]
    assert len(parts) == 3
    assert [trial.candidate.encoder for trial in clf.selection_.trials] == [
        "thermometer32",
        "thermometer32+oblique",
        "table+conjunctions",
    ]
    for trial in clf.selection_.trials:
        assert (trial.accuracy, clf.selection_.n_held_out) == by_hand(X, y, trial.candidate.encoder, parts)
    assert clf.selection_.chosen == Candidate(chosen)
    # What is learnt then is what that encoder gives.
    explicit = plain(encoder=chosen).fit(X, y)
    assert clf.network_.hidden_sha256() == explicit.network_.hidden_sha256()
    assert clf.encoder == "best"
    assert clf.temperature > 0


def test_a_part_of_large_tables():
    X, y = sums(3200)
    clf = best(max_iter=4).fit(X, y)
    labels = np.unique(y, return_inverse=True)[1]
    rest, asked = hold_out(labels, 1 - 2000 / 3200, seed=3)
    assert (clf.selection_.n_held_out, len(rest)) == (len(asked), 2000)
    one = plain(encoder="thermometer32+oblique", max_iter=2).fit(X[rest], y[rest])
    assert clf.selection_.trials[1].accuracy == (one.predict(X[asked]) == y[asked]).mean()
    assert clf.selection_.place > 0


def test_the_same_for_any_number_of_threads():
    X, y = sums(150)
    one, two = best(n_jobs=1).fit(X, y), best(n_jobs=2).fit(X, y)
    assert one.selection_ == two.selection_
    assert one.network_.hidden_sha256() == two.network_.hidden_sha256()
    assert one.temperature == two.temperature


def test_what_there_is_to_choose_from():
    numbers = np.random.default_rng(0).normal(size=(20, 3))
    assert choices(numbers) == ["thermometer32", "thermometer32+oblique", "table+conjunctions"]
    assert choices(numbers > 0) == [None, "thermometer1+oblique", "table+conjunctions"]
    assert choices(pd.DataFrame({"a": ["x", "y"], "b": [1, 2]})) == ["table", "table+oblique", "table+conjunctions"]
    for nothing in (numbers[:, :1], pack(numbers > 0), np.zeros((4, 8, 8)), ["some text", "and more"]):
        assert choices(nothing) == ["auto"]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_tables_with_text(frame):
    X, y = sums(120)
    columns = {f"x{i}": column for i, column in enumerate(X.T)} | {"town": ["Rome", "Milan", "Turin"] * 40}
    clf = best().fit(frame(columns), y)
    assert [trial.candidate.encoder for trial in clf.selection_.trials] == [
        "table",
        "table+oblique",
        "table+conjunctions",
    ]
    assert clf.n_features_in_ == 7
    explicit = plain(encoder=clf.selection_.chosen.encoder).fit(frame(columns), y)
    assert clf.network_.hidden_sha256() == explicit.network_.hidden_sha256()
    assert (clf.predict(frame(columns)) == explicit.predict(frame(columns))).all()


def test_bits_and_what_leaves_no_choice():
    X, y = sums(90)
    clf = best().fit(X > 0, y)
    assert {trial.candidate.encoder for trial in clf.selection_.trials} == {
        None,
        "thermometer1+oblique",
        "table+conjunctions",
    }
    clf = best().fit(X[:, :1], y)
    assert clf.selection_ is None
    assert clf.network_.hidden_sha256() == plain().fit(X[:, :1], y).network_.hidden_sha256()
    clf = best().fit(X[:2], ["a", "b"])  # nothing can be held out
    assert clf.selection_ is None


def test_parts_in_which_every_feature_is_constant():
    X = np.zeros((12, 2))
    X[0] = 1, 2
    clf = best().fit(X, [0, 1] * 6)
    assert clf.selection_.chosen.encoder == "thermometer32"


def test_weights_count():
    X, y = sums(150)
    weights = np.where(np.arange(150) % 3, 1.5, 0)
    clf, kept = best().fit(X, y, weights), weights > 0
    again = best().fit(X[kept], y[kept], weights[kept])
    assert clf.selection_ == again.selection_
    assert clf.network_.hidden_sha256() == again.network_.hidden_sha256()
    assert best(class_weight="balanced").fit(X, y).selection_.n_held_out == 150


def test_streams_have_no_choice():
    X, y = sums(150)
    clf = best().partial_fit(X, y, classes=np.unique(y))
    assert clf.selection_ is None
    assert clf.network_.hidden_sha256() == plain().partial_fit(X, y, np.unique(y)).network_.hidden_sha256()


def test_learning_goes_on_with_what_was_chosen():
    X, y = sums(150)
    clf = best(warm_start=True).fit(X, y)
    tried = clf.selection_
    clf.fit(X, y)
    assert clf.selection_ is tried
    explicit = plain(encoder=tried.chosen.encoder, warm_start=True).fit(X, y).fit(X, y)
    assert clf.network_.hidden_sha256() == explicit.network_.hidden_sha256()


def other_layers(monkeypatch):
    tried = [
        Candidate("thermometer4"),
        Candidate("thermometer4+oblique50", {"hidden_layer_sizes": (30, 15), "max_iter": 8}),
    ]
    monkeypatch.setattr(selection, "candidates", lambda X: tried)


@pytest.mark.parametrize(
    ("kind", "others"),
    [
        (BMLPClassifier, {"hidden_layer_sizes": (90, 30), "max_iter": 30, "batch_size": 5}),
        (SingleLayerClassifier, {"hidden_layer_sizes": (90,)}),
    ],
)
def test_candidates_may_differ_in_parameters(monkeypatch, tmp_path, kind, others):
    tried = [Candidate("median", {"max_iter": 1}), Candidate("thermometer4+oblique50", others)]
    monkeypatch.setattr(selection, "candidates", lambda X: tried)
    X, y = sums(240)
    clf = kind(encoder="best", **SMALL).fit(X, y)
    chosen = clf.selection_.chosen
    assert clf.selection_.place == 1
    explicit = kind(**SMALL | {"encoder": chosen.encoder} | chosen.parameters).fit(X, y)
    assert clf.network_.hidden_sha256() == explicit.network_.hidden_sha256()
    assert clf.n_iter_ == explicit.n_iter_
    assert clf.get_params()["hidden_layer_sizes"] == 60  # what was asked for stays
    bitlocal.save(clf, tmp_path / "model")
    again = bitlocal.load(tmp_path / "model")
    assert str(again.selection_) == str(clf.selection_)
    for one in (clf, again):
        one.partial_fit(X, y)
    assert clf.network_.hidden_sha256() == again.network_.hidden_sha256()


# Where it is told --------------------------------------------------------------------------------------------


def test_in_a_line(capsys):
    X, y = sums(240)
    clf = best(verbose=True).fit(X, y)
    first = capsys.readouterr().out.splitlines()[0]
    assert first == f"chosen: {clf.selection_}"
    assert first.startswith("chosen: thermometer32+oblique (of 240 samples held out: thermometer32: ")


def test_in_a_file(tmp_path):
    X, y = sums(240)
    clf = best().fit(X, y)
    bitlocal.save(clf, tmp_path / "model")
    again = bitlocal.load(tmp_path / "model")
    assert again.selection_ == clf.selection_
    assert again.encoder == "best"
    np.testing.assert_array_equal(again.decision_function(X), clf.decision_function(X))
    bitlocal.save(clone(clf).set_params(encoder="thermometer4").fit(X, y), tmp_path / "other")
    assert "selection" not in json.loads(read(tmp_path / "other")[0])
    assert bitlocal.load(tmp_path / "other").selection_ is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), 3),
        (("held_out",), 0),
        (("held_out",), "many"),
        (("chosen",), 3),
        (("chosen",), -1),
        (("chosen",), True),
        (("trials",), {}),
        (("trials",), []),
        (("trials", 0), 3),
        (("trials", 0, "encoder"), "magic"),
        (("trials", 0, "encoder"), 1),
        (("trials", 1, "accuracy"), 2),
        (("trials", 1, "accuracy"), None),
        (("trials", 1, "parameters"), []),
        (("trials", 1, "parameters"), {"wisdom": 1}),
        (("trials", 1, "parameters"), {"batch_size": 0}),
    ],
)
def test_a_file_is_not_trusted(tmp_path, path, value):
    X, y = sums(60)
    bitlocal.save(best().fit(X, y), tmp_path / "model")
    text, arrays = read(tmp_path / "model")
    header = json.loads(text)
    place = header
    for step in ("selection", *path)[:-1]:
        place = place[step]
    place[("selection", *path)[-1]] = value
    (tmp_path / "model").write_bytes(to_bytes(json.dumps(header), arrays))
    with pytest.raises(ModelFileError, match="damaged model file"):
        bitlocal.load(tmp_path / "model")


def test_names_of_candidates():
    assert str(Candidate(None, {"max_iter": 3, "tol": 0.5})) == "bits, max_iter=3, tol=0.5"
    assert isinstance(best().fit(*load_iris(return_X_y=True)).selection_, Selection)
