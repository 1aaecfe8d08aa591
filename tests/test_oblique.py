"""Oblique sums: against a plain definition, in model files, in tables, and what is refused."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import FeatureUnion
from sklearn.utils.estimator_checks import parametrize_with_checks

import reference
from bitlocal import BMLPClassifier, ObliqueEncoder, TableEncoder, TextEncoder, ThermometerEncoder, load, save
from bitlocal.bits import unpack
from bitlocal.encoders import make_encoder
from bitlocal.encoders.information import best, logarithms, tells
from bitlocal.encoders.oblique.draws import Draw
from bitlocal.encoders.oblique.quantities import Levels, Oblique
from bitlocal.encoders.union import program_of
from bitlocal.export.c99 import encoder_code

ENCODER_PURPOSE = 7


@parametrize_with_checks([ObliqueEncoder(n_features=20), ObliqueEncoder(n_features=5, terms=(1, 3), largest_weight=3)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# The definition, in plain Python -----------------------------------------------------------------------------


def whole_by_hand(column, values):
    """Numbers as whole ones: column holds the training data, values what is encoded."""
    present = sorted(v for v in column if v == v)
    if not present:
        return [0] * len(values)
    n = len(present)
    low, high = present[n // 8], present[n - 1 - n // 8]
    if low == high:
        low, high = present[0], present[-1]
    step, centre = (high / 2 - low / 2) / 32, present[(n - 1) // 2]
    if not (step > 0 and centre + step > centre and abs(centre) + step * 128 < np.finfo(float).max):
        return [0] * len(values)
    levels = [centre + step * (j - 0.5) for j in range(-126, 128)]
    return [0 if v != v else sum(v > level for level in levels) - 127 for v in values]


def sums_by_hand(n, terms, largest, seed, usable):
    """The distinct sums that are drawn, as {column: weight}, with the words of each."""
    words = reference.words(seed, ENCODER_PURPOSE, 3, 0, 0, 32 * n)
    found, seen = [], set()
    for i in range(n if usable else 0):
        w = [int(word) for word in words[32 * i : 32 * i + 32]]
        left, weights = list(usable), {}
        for j in range(min(terms[i % len(terms)], len(usable))):
            column = left.pop(w[j] % len(left))
            weights[column] = ((w[8 + j] >> 1) % largest + 1) * (-1) ** (w[8 + j] & 1)
        by = math.gcd(*weights.values()) * (1 if weights[min(weights)] > 0 else -1)
        weights = {column: weight // by for column, weight in sorted(weights.items())}
        if (key := tuple(weights.items())) not in seen:
            seen.add(key)
            found.append((weights, w))
    return found


def log_by_hand(n):
    """The binary logarithm, times 2**16, down to a whole number; squares are cut to 31 places."""
    whole = n.bit_length() - 1
    rest, result = n << (31 - whole), whole
    for _ in range(16):
        rest = rest * rest >> 31
        bit = int(rest >= 1 << 32)
        rest >>= bit
        result = 2 * result + bit
    return result


def information_by_hand(bits, y):
    total = 0
    for c in set(y):
        for b in (False, True):
            n_cb = sum(one == b and k == c for one, k in zip(bits, y, strict=True))
            if n_cb:
                n_c, n_b = y.count(c), bits.count(b)
                logs = log_by_hand(n_cb) + log_by_hand(len(y)) - log_by_hand(n_c) - log_by_hand(n_b)
                total += n_cb * logs
    return total


def bits_by_hand(encoder, X, y, other):
    """Names and bits of other samples, by an encoder that is fitted on X and y."""
    p = encoder.get_params()
    whole = [whole_by_hand(column, column) for column in X.T.tolist()]
    usable = [c for c, column in enumerate(whole) if len(set(column)) > 1]
    n_kept = min(len(X), 1000) if p["n_features"] == "auto" else p["n_features"]
    n_drawn = n_kept * (1 if y is None else p["candidates"])
    kept = []
    for weights, w in sums_by_hand(n_drawn, p["terms"], p["largest_weight"], p["random_state"], usable):
        values = [sum(weight * whole[c][i] for c, weight in weights.items()) for i in range(len(X))]
        levels = sorted({values[word % len(X)] for word in w[16 : 16 + p["n_thresholds"]]} - {max(values)})
        if levels:
            score = 0 if y is None else sum(information_by_hand([v > t for v in values], y) for t in levels)
            kept.append((score, weights, levels))
    order = sorted(range(len(kept)), key=lambda i: (-kept[i][0], i))[:n_kept]
    coded = [whole_by_hand(*columns) for columns in zip(X.T.tolist(), other.T.tolist(), strict=True)]
    names, bits = [], []
    for _, weights, levels in (kept[i] for i in sorted(order)):
        name = "".join(
            f"{'-' if weight < 0 else '+'}{f'{abs(weight)}*' if abs(weight) > 1 else ''}x{c}"
            for c, weight in weights.items()
        ).removeprefix("+")
        values = [sum(weight * coded[c][i] for c, weight in weights.items()) for i in range(len(other))]
        names += [f"{name}>{t}" for t in levels]
        bits += [[v > t for v in values] for t in levels]
    return names, np.array(bits, dtype=bool).reshape(-1, len(other)).T


VALUES = {
    "small": st.integers(-3, 3).map(float),
    "any": st.floats(allow_nan=False, allow_infinity=False),
    "ordinary": st.floats(-100, 100),
    "huge": st.sampled_from([-1.7e308, -1e308, 0.0, 1e308, 1.7e308]),
    "tiny": st.sampled_from([-5e-324, -0.0, 0.0, 5e-324, 1e-323]),
    "mostly zero": st.sampled_from([0.0] * 9 + [1.0, 2.0]),
    "constant": st.just(4.5),
}


@st.composite
def tables(draw):
    n = draw(st.integers(2, 24))
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=5))
    X = np.array([draw(st.lists(VALUES[kind], min_size=n, max_size=n)) for kind in kinds]).T
    holes = np.random.default_rng(draw(st.integers(0, 99))).random(X.shape) < draw(st.sampled_from([0, 0.2]))
    return np.where(holes, np.nan, X)


encoders = st.builds(
    ObliqueEncoder,
    n_features=st.sampled_from(["auto", 1, 7, 40]),
    terms=st.lists(st.integers(1, 8), min_size=1, max_size=3).map(tuple),
    n_thresholds=st.integers(1, 4),
    largest_weight=st.integers(1, 15),
    candidates=st.integers(1, 3),
    random_state=st.integers(0, 2**64 - 1),
)

HUGE = pytest.mark.filterwarnings("ignore:invalid value encountered in reduce:RuntimeWarning")


@HUGE
@settings(max_examples=60, deadline=None)
@given(X=tables(), encoder=encoders, n_classes=st.integers(0, 3), seed=st.integers(0, 99))
def test_the_definition(X, encoder, n_classes, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, len(X)) if n_classes else None
    other = np.where(rng.random(X.shape) < 0.1, np.nan, rng.permutation(X))
    names, bits = bits_by_hand(encoder, X, None if y is None else y.tolist(), other)
    encoder = encoder.fit(X, y)
    np.testing.assert_array_equal(encoder.transform(other), bits)
    assert encoder.get_feature_names_out().tolist() == names
    assert encoder.n_bits_ == len(names) == len(set(names))
    twin = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(twin.pack(other).words, encoder.pack(other).words)
    again = clone(encoder)
    again.restore(encoder.fitted()[0], encoder.fitted()[1], X.shape[1])
    np.testing.assert_array_equal(again.pack(other).words, encoder.pack(other).words)


@settings(max_examples=100, deadline=None)
@given(column=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40), x=st.floats(-1e7, 1e7))
def test_whole_numbers_are_steps_from_the_centre(column, x):
    levels = Levels.find([np.array(column)])
    step, centre = (Fraction(array.item()) for array in (levels.step, levels.centre))
    q = int(levels.whole(np.array([[x]]))[0, 0])
    if step and abs(step) > Fraction(1, 10**6):
        exact = (Fraction(x) - centre) / step
        assert abs(q - max(min(exact, 127), -127)) <= Fraction(1, 2) + Fraction(1, 1000)
    elif not step:
        assert q == 0


def test_whole_numbers_rise_with_their_column():
    rng = np.random.default_rng(0)
    X = np.sort(rng.normal(size=(500, 3)) * [1, 1e-200, 1e200], axis=0)
    whole = Levels.find(list(X.T)).whole(X)
    assert (np.diff(whole.astype(int), axis=0) >= 0).all()
    assert whole.min() >= -127
    assert whole.max() <= 127
    assert len(np.unique(whole)) > 100
    np.testing.assert_array_equal(Levels.find(list(X.T)).whole(np.full((1, 3), np.nan)), [[0, 0, 0]])
    np.testing.assert_array_equal(Levels.find(list(X.T)).whole(np.full((1, 3), 1e308)), [[127, 127, 127]])


# The choice --------------------------------------------------------------------------------------------------


def test_logarithms():
    n = 20_000
    log = logarithms(n)
    assert log[0] == 0
    assert [log_by_hand(i) for i in range(1, 3000)] == log[1:3000].tolist()
    exact = np.log2(np.arange(1, n + 1)) * 2**16
    assert (log[1:] <= exact + 1e-6).all()
    assert (exact - log[1:]).max() < 1.01
    assert logarithms(2**16)[2**16] == 16 << 16


@settings(max_examples=60, deadline=None)
@given(pairs=st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=2, max_size=40))
def test_what_a_bit_tells(pairs):
    bits, y = [b for b, _ in pairs], [c for _, c in pairs]
    got = tells(np.array([bits, [False] * len(bits)]).T, np.array(y))
    assert got.tolist()[0] == information_by_hand(bits, y)
    assert abs(got[1]) == 0
    joint = np.array([[sum(p == (b, c) for p in pairs) for c in range(4)] for b in (False, True)]) / len(pairs)
    of_b, of_c = joint.sum(axis=1, keepdims=True), joint.sum(axis=0, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = np.nansum(joint * np.log2(joint / (of_b * of_c))) * len(pairs) * 2**16
    assert abs(got[0] - exact) <= 2 * len(pairs) + 1e-3


def test_the_best():
    assert best(np.array([3, 9, 3, 1, 9]), 3).tolist() == [0, 1, 4]
    assert best(np.array([3, 9]), 5).tolist() == [0, 1]


def test_labels_help():
    """Only the sum of two of twenty columns tells the classes apart."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 20))
    y = X[:, 3] - X[:, 11] > 0
    encoder = ObliqueEncoder(n_features=20, terms=(2,), candidates=64).fit(X, y)
    assert any(name.startswith("x3-x11>") for name in encoder.get_feature_names_out())
    blind = ObliqueEncoder(n_features=20, terms=(2,), candidates=64).fit(X)
    assert not any(name.startswith("x3-x11>") for name in blind.get_feature_names_out())
    text = np.where(y, "yes", "no")
    np.testing.assert_array_equal(clone(encoder).fit(X, text).transform(X), encoder.transform(X))


def test_many_samples():
    """Of 20 001 or more every second sample decides, and of 40 001 every third."""
    rng = np.random.default_rng(1)
    for n, spaced in ((20_000, 1), (20_001, 2), (40_001, 3)):
        whole = rng.integers(-99, 99, (n, 4)).astype(np.int16)
        y = (whole[:, 0] + whole[:, 1] > 0).astype(np.int64)
        few = Draw(20).find(whole[::spaced], y[::spaced])
        all_of_them = Draw(20).find(whole, y)
        np.testing.assert_array_equal(few[0].columns, all_of_them[0].columns)
        np.testing.assert_array_equal(few[1].values, all_of_them[1].values)


def test_no_more_sums_than_there_are():
    X = np.random.default_rng(2).normal(size=(50, 3))
    encoder = ObliqueEncoder(n_features=500, n_thresholds=1).fit(X)
    sums = {name.split(">")[0] for name in encoder.get_feature_names_out()}
    assert sums <= {"x0+x1", "x0-x1", "x0+x2", "x0-x2", "x1+x2", "x1-x2",
                    "x0+x1+x2", "x0+x1-x2", "x0-x1+x2", "x0-x1-x2"}  # fmt: skip
    assert len(sums) == encoder.n_bits_ == 10
    assert ObliqueEncoder().fit(np.ones((9, 3))).n_bits_ == 0
    assert ObliqueEncoder().fit(np.ones((9, 3))).transform(np.zeros((2, 3))).shape == (2, 0)
    assert ObliqueEncoder().fit(np.full((9, 2), np.nan)).n_bits_ == 0
    few = ObliqueEncoder(n_thresholds=1).fit(np.random.default_rng(3).normal(size=(20, 30)))
    assert few.n_bits_ <= 20


# Beside others -----------------------------------------------------------------------------------------------


def union():
    return FeatureUnion([("levels", ThermometerEncoder(4)), ("sums", ObliqueEncoder(n_features=30))])


def parity(n=400):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(n, 4))
    return X, ((X[:, 0] + X[:, 1] > 0) ^ (X[:, 2] - X[:, 3] > 0)).astype(int)


@pytest.mark.parametrize("encoder", [union(), "thermometer4+oblique30", "oblique30"], ids=["union", "text", "alone"])
def test_model_files(tmp_path, encoder):
    X, y = parity()
    X[::7, 1] = np.nan
    clf = BMLPClassifier((45,), encoder=encoder, max_iter=5, random_state=0).fit(X, y)
    save(clf, tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.decision_function(X), clf.decision_function(X))
    names = [list(one.encoder_.get_feature_names_out()) for one in (clf, again)]
    assert names[0] == names[1]
    np.testing.assert_array_equal(program_of(again.encoder_).run(X).words, program_of(clf.encoder_).run(X).words)
    assert encoder_code(clf, "net").n_bits == program_of(clf.encoder_).n_bits


def test_sums_tell_what_single_columns_do_not():
    X, y = parity(3000)
    levels = BMLPClassifier((105,), encoder="thermometer8", max_iter=20, random_state=0, probability=False)
    sums = clone(levels).set_params(encoder="thermometer8+oblique100")
    levels, sums = (clf.fit(X[:2000], y[:2000]).score(X[2000:], y[2000:]) for clf in (levels, sums))
    assert sums > levels + 0.02


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.uint8, np.int64, bool])
def test_types_do_not_matter(dtype):
    X = (np.random.default_rng(5).normal(size=(60, 4)) * 9 + 30).astype(dtype)
    encoder = ObliqueEncoder(n_features=50).fit(X)
    np.testing.assert_array_equal(encoder.transform(X), encoder.fit(X.astype(np.float64)).transform(X))


def test_pieces_make_no_difference():
    X = np.random.default_rng(6).normal(size=(3000, 9))
    encoder = ObliqueEncoder(n_features=700).fit(X[:50])
    bits = encoder.transform(X)
    np.testing.assert_array_equal(np.vstack([encoder.transform(X[i : i + 7]) for i in range(0, 3000, 7)]), bits)


def test_names():
    X = pd.DataFrame({"a": [0.0, 1, 2, 3], "b": [0.0, 3, 1, 2]})
    encoder = ObliqueEncoder(n_features=1, terms=(2,), n_thresholds=1).fit(X)
    (name,) = encoder.get_feature_names_out()
    assert name.startswith(("a+b>", "a-b>"))
    assert encoder.get_feature_names_out(["a", "b"]).tolist() == [name]
    sums = Oblique(np.array([[1, 2, 0]]), np.array([[2, -3, 0]]))
    assert sums.labels(["x", "y", "z"]) == ["2*y-3*z"]


# Tables ------------------------------------------------------------------------------------------------------


def mixed(n=120):
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "size": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "age": rng.integers(18, 90, n),
            "colour": rng.choice(["red", "green", "blue", None], n),
            "level": pd.Categorical(rng.choice(["low", "high"], n), categories=["low", "high"], ordered=True),
            "same": np.ones(n),
        }
    ), rng.integers(0, 3, n)


def test_tables_add_up_numbers_and_categories():
    table, y = mixed()
    plain = TableEncoder(n_bits=4).fit(table, y)
    encoder = TableEncoder(n_bits=4, oblique=40).fit(table, y)
    names = encoder.get_feature_names_out().tolist()
    before = plain.get_feature_names_out().tolist()
    assert names[: len(before)] == before
    np.testing.assert_array_equal(encoder.transform(table)[:, : len(before)], plain.transform(table))
    assert encoder.describe().splitlines()[:-1] == plain.describe().splitlines()
    assert encoder.describe().splitlines()[-1].startswith("(all)   sums      ")
    assert any("colour=" in name for name in names[len(before) :])

    columns = {"size": whole_by_hand(table["size"].tolist(), table["size"].tolist())}
    columns["age"] = whole_by_hand(table["age"].astype(float).tolist(), table["age"].astype(float).tolist())
    level = [float(one == "high") for one in table["level"]]
    columns["level"] = whole_by_hand(level, level)
    for one in ("red", "green", "blue"):
        columns[f"colour={one}"] = [64 * (colour == one) for colour in table["colour"]]
    columns["colour=(missing)"] = [64 * bool(pd.isna(colour)) for colour in table["colour"]]
    bits = encoder.transform(table)
    for place, name in enumerate(names[len(before) :], start=len(before)):
        left, _, threshold = name.rpartition(">")
        values = np.zeros(len(table))
        for term in left.replace("-", "+-").removeprefix("+").split("+"):
            values += np.array(columns[term.removeprefix("-")]) * (-1 if term.startswith("-") else 1)
        np.testing.assert_array_equal(bits[:, place], values > int(threshold))


@pytest.mark.parametrize("oblique", [25, "auto"])
def test_tables_in_model_files(tmp_path, oblique):
    table, y = mixed()
    encoder = TableEncoder(n_bits=4, oblique=oblique)
    clf = BMLPClassifier((45,), encoder=encoder, max_iter=3, random_state=0).fit(table, y)
    save(clf, tmp_path / "model")
    again = load(tmp_path / "model")
    shuffled = table[table.columns[::-1]]
    np.testing.assert_array_equal(again.decision_function(shuffled), clf.decision_function(table))
    assert again.encoder_.get_params() == clf.encoder_.get_params()
    assert again.encoder_.get_feature_names_out().tolist() == clf.encoder_.get_feature_names_out().tolist()
    twin = pickle.loads(pickle.dumps(clf.encoder_))
    np.testing.assert_array_equal(twin.transform(table), unpack(again.encoder_.pack(table)))


def test_tables_of_one_kind_or_without_any():
    for table in ([["a", "b"], ["a", "c"], ["d", "b"], ["d", "c"]], [[1.0, 2.0], [2.0, 1.0], [0.0, 3.0]]):
        encoder = TableEncoder(oblique=9).fit(table)
        assert encoder.transform(table).shape == (len(table), encoder.n_bits_)
        assert encoder.n_bits_ > TableEncoder().fit(table).n_bits_
    assert TableEncoder(oblique=9).fit([[1.0], [1.0]]).transform([[2.0]]).shape == (1, 0)


# What is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_features": 0}, "n_features=0: expected a whole number of at least 1"),
        ({"n_features": "many"}, "n_features='many': expected a whole number"),
        ({"terms": 3}, "terms=3: expected a tuple of whole numbers"),
        ({"terms": ()}, r"terms=\(\): expected a tuple of whole numbers"),
        ({"terms": (2, 9)}, "terms=9: expected a whole number from 1 to 8"),
        ({"terms": (0,)}, "terms=0: expected a whole number of at least 1"),
        ({"n_thresholds": 17}, "n_thresholds=17: expected a whole number from 1 to 16"),
        ({"largest_weight": 16}, "largest_weight=16: expected a whole number from 1 to 15"),
        ({"candidates": 65}, "candidates=65: expected a whole number from 1 to 64"),
        ({"random_state": -1}, r"random_state=-1: expected a whole number from 0 to 2\*\*64 - 1"),
        ({"random_state": None}, "random_state=None: expected a whole number"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        ObliqueEncoder(**parameters).fit([[1.0], [2.0]])


def test_bad_samples():
    with pytest.raises(ValueError, match="a sparse matrix has no oblique sums"):
        ObliqueEncoder().fit(csr_array([[0, 1], [1, 0]]))
    with pytest.raises(ValueError, match="inconsistent numbers of samples: 2 and 3"):
        ObliqueEncoder().fit([[1.0], [2.0]], [0, 1, 0])
    with pytest.raises(NotFittedError):
        ObliqueEncoder().transform([[1.0]])
    with pytest.raises(ValueError, match="oblique=-1: expected a whole number of at least 1"):
        TableEncoder(oblique=-1).fit([[1.0], [2.0]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"centre": np.zeros(2)}, "levels are not of the shapes"),
        ({"centre": np.array([np.nan, 0, 0])}, "not finite"),
        ({"step": np.array([1.0, -1.0, 1.0])}, "do not ascend"),
        ({"step": np.array([1.0, 1e308, 1.0])}, "not finite"),
        ({"terms": np.zeros(3, dtype=int)}, "sums are not of the shapes"),
        ({"terms": np.full((2, 2), 3)}, "columns that do not exist"),
        ({"terms": np.full((2, 2), -1)}, "columns that do not exist"),
        ({"weights": np.full((2, 2), 0.5)}, "sums are not of the shapes"),
        ({"weights": np.full((2, 2), 128)}, "weights are too large"),
        ({"terms": np.zeros((2, 9), dtype=int), "weights": np.ones((2, 9), dtype=int)}, "sums are not of the shapes"),
        ({"columns": np.array([0, 2])}, "do not exist"),
        ({"thresholds": np.array([1.0, -np.inf])}, "cannot be missing"),
        ({"missing": np.array([1])}, "cannot be missing"),
        ({"filled": np.array([0, 1])}, "cannot be missing"),
    ],
)
def test_files_are_not_trusted(changes, message):
    good = {
        "centre": np.zeros(3), "step": np.ones(3), "terms": np.array([[0, 1], [1, 2]]),
        "weights": np.ones((2, 2), dtype=int), "columns": np.array([0, 1]), "thresholds": np.array([1, 2]),
    }  # fmt: skip
    encoder = ObliqueEncoder()
    encoder.restore({}, good, 3)
    assert encoder.get_feature_names_out(["a", "b", "c"]).tolist() == ["a+b>1", "b+c>2"]
    assert encoder.transform([[1, 1, 1]]).tolist() == [[True, False]]
    with pytest.raises(ValueError, match=message):
        encoder.restore({}, {**good, **changes}, 3)
    for name in good:
        with pytest.raises(LookupError):
            encoder.restore({}, {key: array for key, array in good.items() if key != name}, 3)


def test_texts():
    assert make_encoder("oblique").get_params() == ObliqueEncoder().get_params()
    assert make_encoder("oblique70").n_features == 70
    joined = make_encoder("thermometer4+oblique70")
    assert [type(one) for _, one in joined.transformer_list] == [ThermometerEncoder, ObliqueEncoder]
    assert [type(one).__name__ for _, one in make_encoder("column-median+oblique").transformer_list] == [
        "MedianBinarizer",
        "ObliqueEncoder",
    ]
    assert make_encoder("table+oblique70").oblique == 70
    assert make_encoder("table+oblique").oblique == "auto"
    for wrong in ("oblique0", "text+oblique", "image+oblique", "oblique+thermometer4", "what+oblique", "+oblique"):
        with pytest.raises(ValueError, match=r"use 'median', 'column-median', 'thermometer'"):
            make_encoder(wrong)
    assert isinstance(make_encoder("text"), TextEncoder)
