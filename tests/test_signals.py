"""Windows of signals, against a plain definition in Python's own integers."""

from __future__ import annotations

import json
import math
import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

import bitlocal
from bitlocal import BMLPClassifier, SignalEncoder
from bitlocal.bits import pack, words_for
from bitlocal.cli.commands import app
from bitlocal.encoders import make_encoder
from bitlocal.errors import ModelFileError

# The definition ----------------------------------------------------------------------------------------------------


def whole(encoder, x, channel):
    """What a value becomes."""
    levels = encoder.levels_[channel].tolist()
    if levels:
        return sum(x > level for level in levels)
    return min(max(math.floor(x), -(2**15)), 2**15 - 1)


def segments(n, n_segments):
    n_segments = min(n, n_segments)
    return [range(n * k // n_segments, n * (k + 1) // n_segments) for k in range(n_segments)]


def integers(encoder, sample):
    """All integers of a sample, with the most bits that each may have, from rows (steps) of values (channels)."""
    n_steps, n_channels = len(sample), len(sample[0])
    q = [[whole(encoder, x, c) for c, x in enumerate(row)] for row in sample]
    found = []
    for part in encoder.parts.split("+"):
        name = part.rstrip("0123456789")
        n_bits = int(part[len(name) :] or {"thermometer": 4, "difference": 4, "crossings": 8, "bands": 8}[name])
        values = []
        if name == "thermometer":
            values = [x for row in q for x in row]
        elif name == "difference":
            for lag in encoder.lags:
                values += [q[t + lag][c] - q[t][c] for t in range(n_steps - lag) for c in range(n_channels)]
        elif name == "crossings":
            above = [[x > median for x, median in zip(row, encoder.medians_.tolist(), strict=True)] for row in q]
            for steps in segments(n_steps, encoder.n_segments):
                values += [sum(above[t][c] != above[t - 1][c] for t in steps if t) for c in range(n_channels)]
        else:
            rows = q
            while len(rows) > 1:
                pairs = list(zip(rows[::2], rows[1::2], strict=False))
                details = [[abs(a - b) for a, b in zip(*pair, strict=True)] for pair in pairs]
                rows = [[a + b for a, b in zip(*pair, strict=True)] for pair in pairs]
                for steps in segments(len(details), encoder.n_segments):
                    values += [sum(details[t][c] for t in steps) for c in range(n_channels)]
        found += [(value, n_bits) for value in values]
    return found


def check_against_definition(encoder, X, X_train):
    """Bits of samples of three dimensions, and the thresholds, which come from the training data."""
    train = [[value for value, _ in integers(encoder, sample)] for sample in X_train.tolist()]
    most = [n_bits for _, n_bits in integers(encoder, X_train[0].tolist())]
    for i, (column, n_bits) in enumerate(zip(zip(*train, strict=True), most, strict=True)):
        thresholds = encoder.thresholds_[encoder.columns_ == i].tolist()
        distinct = sorted(set(column))
        assert len(thresholds) == min(n_bits, len(distinct) - 1)
        assert set(thresholds) <= set(distinct[:-1])
    bits = [
        [row[i] > t for i, t in zip(encoder.columns_.tolist(), encoder.thresholds_.tolist(), strict=True)]
        for row in [[value for value, _ in integers(encoder, sample)] for sample in X.tolist()]
    ]
    assert encoder.transform(X).tolist() == bits


VALUES = {
    "small": st.integers(-3, 3).map(float),
    "halves": st.integers(-6, 6).map(lambda n: n / 2),
    "any": st.floats(allow_nan=False, allow_infinity=False),
    "huge": st.sampled_from([-1.7e308, 0.0, 1.7e308]),
    "int16": st.one_of(st.integers(-(2**15), 2**15 - 1), st.sampled_from([-(2**15), 2**15 - 1])).map(float),
    "beyond int16": st.integers(-(2**40), 2**40).map(float),
    "constant": st.just(4.5),
}
PARTS = ["thermometer2", "difference3", "crossings", "bands5"]


@st.composite
def windows(draw, most_steps=9):
    n, n_steps, n_channels = draw(st.integers(2, 8)), draw(st.integers(1, most_steps)), draw(st.integers(1, 3))
    value = VALUES[draw(st.sampled_from(sorted(VALUES)))]
    flat = draw(st.lists(value, min_size=n * n_steps * n_channels, max_size=n * n_steps * n_channels))
    return np.array(flat).reshape(n, n_steps, n_channels)


@settings(max_examples=150, deadline=None)
@given(
    X=windows(),
    parts=st.lists(st.sampled_from(PARTS), min_size=1, max_size=4, unique=True),
    lags=st.sampled_from([(1, 2, 4), (3,), ()]),
    n_segments=st.integers(1, 5),
    level_bits=st.sampled_from([1, 4, 8]),
    other=st.integers(0, 2**32 - 1),
)
def test_bits_are_those_of_the_definition(X, parts, lags, n_segments, level_bits, other):
    encoder = SignalEncoder("+".join(parts), lags=lags, n_segments=n_segments, level_bits=level_bits).fit(X)
    assert encoder.shape_ == X.shape[1:]
    check_against_definition(encoder, X, X)
    unseen = np.random.default_rng(other).normal(scale=10.0 ** (other % 7), size=(3, *X.shape[1:]))
    check_against_definition(encoder, unseen, X)
    packed = encoder.pack(X)
    assert packed.n_bits == encoder.n_bits_ == len(encoder.get_feature_names_out())
    assert np.array_equal(packed.words, pack(encoder.transform(X)).words)
    names = encoder.get_feature_names_out().tolist()
    assert len(set(names)) == len(names)


@settings(max_examples=40, deadline=None)
@given(X=windows(), dtype=st.sampled_from([np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64, np.float32]))
def test_all_types_of_whole_numbers_give_the_same_bits(X, dtype):
    with np.errstate(invalid="ignore"):
        low, high = (-(2**15), 2**15 - 1) if np.dtype(dtype).kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        X = np.clip(np.floor(X), max(low, -(2**15)), min(high, 2**15 - 1))
    encoder, other = SignalEncoder().fit(X), SignalEncoder().fit(X.astype(dtype))
    assert other.levels_.shape == (X.shape[2], 0)
    assert np.array_equal(encoder.thresholds_, other.thresholds_)
    for fitted in (encoder, other):
        assert np.array_equal(fitted.pack(X.astype(dtype)).words, encoder.pack(X).words)


def test_levels_are_evenly_spaced_between_the_extremes_less_a_thousandth():
    X = np.random.default_rng(0).permutation(4000).reshape(400, 10) / 10
    X[0, 0] = 1e6
    levels = SignalEncoder(level_bits=2).fit(X).levels_[0]
    low, high = np.sort(X, axis=None)[[4, -5]]
    np.testing.assert_allclose(levels, low + (high - low) * np.array([0.25, 0.5, 0.75]))
    # A channel that is nearly constant keeps the range that it has.
    X[:] = 0.5
    X[0, 0] = 8.5
    assert SignalEncoder(level_bits=2).fit(X).levels_.tolist() == [[2.5, 4.5, 6.5]]


def test_the_largest_sums_fit():
    """The longest windows of the largest values: no sum may leave 32 bits."""
    n = 2**16
    X = np.empty((2, n), dtype=np.int16)
    X[0], X[1] = -(2**15), 2**15 - 1
    X[1, ::2] = -(2**15)
    encoder = SignalEncoder("bands1", n_segments=1).fit(X)
    assert encoder.thresholds_.tolist() == [0]  # only the highest band of the second window has any energy
    assert encoder.transform(X).tolist() == [[False], [True]]
    X[0, : n // 2] = 2**15 - 1  # now the lowest band has the most that there is
    X[1] = 0
    encoder.fit(X)
    assert encoder.transform(X).tolist() == [[True], [False]]
    with pytest.raises(ValueError, match="windows of 65537 steps are too long: cut them into windows of at most 65536"):
        encoder.fit(np.zeros((2, n + 1), dtype=np.uint8))


# Shapes and names --------------------------------------------------------------------------------------------------


def test_shapes():
    X = np.random.default_rng(0).normal(size=(20, 8, 3))
    encoder = SignalEncoder().fit(X)
    flat = SignalEncoder(shape=(8, 3)).fit(X.reshape(20, 24))
    assert encoder.n_features_in_ == flat.n_features_in_ == 24
    for fitted in (encoder, flat, SignalEncoder(shape=(8, 3)).fit(X)):
        for table in (X, X.reshape(20, 24), X.tolist(), np.asfortranarray(X)):
            assert np.array_equal(fitted.pack(table).words, encoder.pack(X).words)
    one = SignalEncoder().fit(X[:, :, 0])
    assert one.shape_ == (8, 1)
    assert np.array_equal(one.transform(X[:, :, 0]), one.transform(X[:, :, :1]))
    assert SignalEncoder(shape=(24,)).fit(X.reshape(20, 24)).shape_ == (24, 1)
    with pytest.raises(ValueError, match=r"X has samples of shape \(3, 8\), but those of fit have shape \(8, 3\)"):
        encoder.transform(X.transpose(0, 2, 1))
    with pytest.raises(ValueError, match="X has 21 features, but SignalEncoder is expecting 24"):
        encoder.transform(X[:, 1:])
    for shape, table in (((4, 3), X), ((8, 3), X.transpose(0, 2, 1)), ((5,), X.reshape(20, 24))):
        with pytest.raises(ValueError, match="does not fit samples of shape"):
            SignalEncoder(shape=shape).fit(table)
    with pytest.raises(ValueError, match="dim 4"):
        SignalEncoder().fit(X[:, :, :, np.newaxis])
    with pytest.raises(ValueError, match="1D array"):
        SignalEncoder().fit(X[0, 0])
    with pytest.raises(ValueError, match="expected at least one step and channel"):
        SignalEncoder().fit(np.zeros((3, 0, 2)))
    with pytest.raises(NotFittedError):
        SignalEncoder().transform(X)


def test_names():
    X = np.array([[[0.0, 5], [1, 5]], [[2.5, 5], [1, 6]]])
    encoder = SignalEncoder("thermometer+difference+crossings+bands", level_bits=4).fit(X)
    assert encoder.get_feature_names_out().tolist() == [
        "x[0,0]>0.15625",  # the lowest level
        "x[1,1]>5.0625",
        "x[1,0]-x[0,0]>-9",
        "x[1,1]-x[0,1]>0",
        "crossings[1:2,0]>0",
        "crossings[1:2,1]>0",
        "band1[0:2,0]>6",
        "band1[0:2,1]>0",
    ]
    table = pd.DataFrame({"start": [1, 2, 4], "end": [3, 3, 5]})
    encoder = SignalEncoder("thermometer1+difference1").set_output(transform="pandas").fit(table)
    assert encoder.transform(table).columns.tolist() == ["start>1", "end>3", "end-start>1"]
    assert encoder.feature_names_in_.tolist() == ["start", "end"]
    plain = SignalEncoder("difference1").fit(table.to_numpy())
    assert plain.get_feature_names_out(["a", "b"]).tolist() == ["b-a>1"]
    with pytest.raises(ValueError, match="input_features"):
        plain.get_feature_names_out(["a"])


# Odd input ---------------------------------------------------------------------------------------------------------


def test_odd_input():
    X = np.random.default_rng(0).normal(size=(20, 8))
    encoder = SignalEncoder().fit(X)
    for row in range(3):
        assert np.array_equal(encoder.transform(X[row : row + 1])[0], encoder.transform(X)[row])
    constant = SignalEncoder().fit(np.full((5, 8), 2.5))
    assert constant.n_bits_ == 0
    assert constant.transform(X).shape == (20, 0)
    assert constant.get_feature_names_out().tolist() == []
    assert SignalEncoder("difference+bands").fit(X[:, :1]).n_bits_ == 0  # a single step has neither
    for wrong, name in ((np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")):
        holes = X.copy()
        holes[3, 5] = wrong
        for method in (encoder.transform, SignalEncoder().fit, encoder.pack):
            with pytest.raises(ValueError, match=f"sample 3 of X contains {name}: signals must be finite, so fill"):
                method(holes)
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        SignalEncoder().fit(X[:1])
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        encoder.transform(X[:0])
    with pytest.raises(ValueError, match="not compatible with arrays of bytes/strings"):
        encoder.transform([["a"] * 8])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"parts": ""}, "parts='': '' is unknown: use 'thermometer', 'difference', 'crossings', 'bands'"),
        ({"parts": "bands0"}, "'bands0' is unknown"),
        ({"parts": "bands8\n"}, "is unknown"),
        ({"parts": "bands٣"}, "is unknown"),
        ({"parts": "bands+thermometer+bands4"}, "'bands' comes twice"),
        ({"parts": 4}, "parts=4: '4' is unknown"),
        ({"shape": (1, 2, 3)}, r"shape=\(1, 2, 3\): expected"),
        ({"shape": (8, 0)}, "shape=0: expected a whole number"),
        ({"shape": 8}, "shape=8: expected"),
        ({"lags": (0,)}, "lags=0"),
        ({"lags": (1, 1)}, "a distance comes twice"),
        ({"lags": 1}, "lags=1: expected a tuple"),
        ({"n_segments": 0}, "n_segments=0"),
        ({"level_bits": 16}, "level_bits=16: expected a whole number from 1 to 15"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        SignalEncoder(**parameters).fit(np.eye(8))


@parametrize_with_checks([SignalEncoder(), SignalEncoder("crossings+bands2", n_segments=1)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("spec", "parameters"),
    [
        ("signal", {}),
        ("signal:thermometer4+bands8", {"parts": "thermometer4+bands8"}),
        ("signal128x3:bands", {"parts": "bands", "shape": (128, 3)}),
        ("signal128", {"shape": (128,)}),
    ],
)
def test_specs(spec, parameters):
    assert repr(make_encoder(spec)) == repr(SignalEncoder(**parameters))


@pytest.mark.parametrize("spec", ["signals", "signal0:bands", "signal8x:bands", "signal8x2x2", "signal٣"])
def test_unknown_specs(spec):
    with pytest.raises(ValueError, match="unknown"):
        make_encoder(spec)


# Memory ------------------------------------------------------------------------------------------------------------


def test_pack_needs_little_more_than_the_packed_bits():
    X = np.random.default_rng(0).normal(size=(6000, 64, 2)).astype(np.float32)
    encoder = SignalEncoder().fit(X[:500])
    encoder.pack(X[:10])
    tracemalloc.start()
    packed = encoder.pack(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert packed.words.nbytes < peak < packed.words.nbytes + 16e6
    pieces = [encoder.pack(X[first : first + 777]).words for first in range(0, len(X), 777)]
    assert np.array_equal(packed.words, np.concatenate(pieces))


# Classifier and model file -----------------------------------------------------------------------------------------


def two_frequencies(n, seed):
    """Noisy sine waves of any phase, slower and faster."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    frequency, phase = np.array([3.0, 5.0])[y, np.newaxis], rng.uniform(0, 2 * np.pi, (n, 1))
    X = np.sin(2 * np.pi * frequency * np.arange(64) / 64 + phase) + rng.normal(scale=0.3, size=(n, 64))
    return X, np.array(["slow", "fast"])[y]


@pytest.mark.parametrize("first_bit", [1, 64, 77])
def test_bits_may_begin_anywhere_in_a_row(first_bit):
    X, _ = two_frequencies(30, 0)
    encoder = SignalEncoder().fit(X)
    words = np.zeros((30, words_for(first_bit + encoder.n_bits_)), dtype=np.uint64)
    words[:, 0] = 1  # what is there stays
    encoder.piece().write(encoder.validate(X), words, first_bit)
    before = np.zeros((30, first_bit), dtype=bool)
    before[:, 0] = True
    assert np.array_equal(words, pack(np.hstack([before, encoder.transform(X)])).words)


@pytest.mark.parametrize("spec", ["signal:crossings+bands", "signal64x1:crossings+bands"])
def test_on_the_command_line(tmp_path, capsys, spec):
    X, y = two_frequencies(400, 0)
    np.savez(tmp_path / "waves.npz", X=X[:, :, np.newaxis], y=y)
    data, model = str(tmp_path / "waves.npz"), str(tmp_path / "model")
    options = ["--encoder", spec, "--hidden", "135", "--epochs", "20", "--out", model, "--json", "--quiet"]
    app(args=["train", data, *options], standalone_mode=False)
    trained = json.loads(capsys.readouterr().out)
    assert trained["test_accuracy"] >= 0.9
    assert "shape=(64, 1)" in trained["encoder"]
    app(args=["evaluate", model, data, "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["accuracy"] == trained["test_accuracy"]


def test_two_frequencies_are_told_apart():
    X, y = two_frequencies(600, 0)
    X_test, y_test = two_frequencies(400, 1)
    clf = BMLPClassifier(135, encoder=SignalEncoder(), random_state=0).fit(X, y)
    assert clf.score(X_test, y_test) >= 0.95
    assert clf.n_features_in_ == 64


def test_noise_of_two_spectra_is_told_apart():
    """The values have the same distribution at every step: only differences, crossings and bands tell."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 900)
    white = rng.normal(size=(900, 130))
    smooth = (white[:, :-2] + white[:, 1:-1] + white[:, 2:]) / np.sqrt(3)
    X = np.where(y[:, np.newaxis] == 1, smooth, white[:, 2:])
    for parts, low, high in (("thermometer4", 0.3, 0.7), ("crossings+bands", 0.95, 1), ("bands", 0.95, 1)):
        clf = BMLPClassifier(135, encoder=SignalEncoder(parts), random_state=0).fit(X[:600], y[:600])
        assert low <= clf.score(X[600:], y[600:]) <= high


@settings(max_examples=25, deadline=None)
@given(
    X=windows(),
    parts=st.lists(st.sampled_from(PARTS), min_size=1, max_size=4, unique=True).map("+".join),
    other=st.integers(0, 2**32 - 1),
)
def test_the_same_bits_after_pickling_cloning_and_from_the_model_file(tmp_path_factory, X, parts, other):
    encoder = SignalEncoder(parts).fit(X)
    if encoder.n_bits_ == 0:
        return
    path = tmp_path_factory.mktemp("model") / "model"
    clf = BMLPClassifier(15, encoder=encoder, max_iter=1, random_state=0).fit(X, np.arange(len(X)) % 2)
    bitlocal.save(clf, path)
    again = bitlocal.load(path)
    unseen = np.random.default_rng(other).normal(scale=10.0 ** (other % 7), size=(3, *X.shape[1:]))
    for samples in (X, unseen, X[:1].reshape(1, -1)):
        words = encoder.pack(samples).words
        for same in (pickle.loads(pickle.dumps(encoder)), clone(encoder).fit(X), clf.encoder_, again.encoder_):
            assert np.array_equal(same.pack(samples).words, words)
    assert again.encoder_.get_feature_names_out().tolist() == encoder.get_feature_names_out().tolist()
    assert again.encoder_.get_params() == encoder.get_params()
    assert np.array_equal(again.predict(unseen), clf.predict(unseen))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": [1, 1]}, "does not fit the number of features"),
        ({"shape": [2]}, "shape of the signals is not valid"),
        ({"shape": [True, 2]}, "shape of the signals is not valid"),
        ({"shape": [-2, -1]}, "shape of the signals is not valid"),
        ({"columns": [0, 5]}, "integers that do not exist"),
        ({"columns": [-1, 0]}, "integers that do not exist"),
        ({"columns": [1, 0]}, "thresholds are not in order"),
        ({"columns": [0, 0], "thresholds": [1, 1]}, "thresholds are not in order"),
        ({"columns": [0]}, "shapes or types"),
        ({"thresholds": [0.5, 1.5]}, "shapes or types"),
        ({"thresholds": [0, 2**31]}, "too large"),
        ({"thresholds": [-1, 1]}, "thresholds of no level"),
        ({"thresholds": [0, 3]}, "thresholds of no level"),
        ({"medians": [1, 2]}, "shapes or types"),
        ({"levels": [0.0, 1.0]}, "shapes or types"),
        ({"levels": [0.0, 2.0, 1.0]}, "levels are not in order"),
        ({"levels": [0.0, 2.0, np.nan]}, "not finite"),
    ],
)
def test_untrusted_state(changes, message):
    state = {"shape": [2, 1], "columns": [0, 1], "thresholds": [0, 2], "medians": [1], "levels": [0.5, 1.0, 2.0]}
    SignalEncoder("thermometer", level_bits=2).restore(*split(state), 2)
    with pytest.raises(ValueError, match=message):
        SignalEncoder("thermometer", level_bits=2).restore(*split({**state, **changes}), 2)


def split(state):
    return {"shape": state["shape"]}, {name: np.array(value) for name, value in state.items() if name != "shape"}


def test_untrusted_parameters_and_missing_arrays(tmp_path):
    with pytest.raises(KeyError):
        SignalEncoder().restore({"shape": [2, 1]}, {}, 2)
    with pytest.raises(ValueError, match="is unknown"):
        SignalEncoder("pickle").restore(*split({"shape": [2, 1]}), 2)
    X, y = two_frequencies(20, 0)
    clf = BMLPClassifier(15, encoder="signal:bands", max_iter=1, random_state=0).fit(X, y)
    clf.encoder_.shape_ = (32, 2)  # the medians are of one channel
    bitlocal.save(clf, tmp_path / "model")
    with pytest.raises(ModelFileError, match="shapes or types"):
        bitlocal.load(tmp_path / "model")
