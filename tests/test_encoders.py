"""Encoders, against a plain definition of each."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from bitlocal import BMLPClassifier, MedianBinarizer, ThermometerEncoder, load, save
from bitlocal.bits import pack, unpack
from bitlocal.encoders import make_encoder
from bitlocal.encoders.allotment import allot_bits
from bitlocal.encoders.information import information

# scikit-learn's own check for NaN sums the data, and warns where huge numbers of both signs cancel out.
HUGE = pytest.mark.filterwarnings("ignore:invalid value encountered in reduce:RuntimeWarning")

ENCODERS = [
    MedianBinarizer(),
    MedianBinarizer(scope="column"),
    ThermometerEncoder(),
    ThermometerEncoder(n_bits=3),
    ThermometerEncoder(n_bits=5, strategy="uniform"),
    ThermometerEncoder(n_bits=5, strategy="gaussian"),
    ThermometerEncoder(n_bits=5, max_bits=12),
]
THERMOMETERS = [
    ThermometerEncoder(n_bits=n, strategy=strategy)
    for n in (1, 2, 7, 70)
    for strategy in ("quantile", "uniform", "gaussian")
]


@parametrize_with_checks(ENCODERS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# Data, heavy with ties, constants and extremes -------------------------------------------------------------

VALUES = {
    "small": st.integers(-3, 3).map(float),
    "any": st.floats(allow_nan=False, allow_infinity=False),
    "huge": st.sampled_from([-1.7e308, -1e308, 0.0, 1e308, 1.5e308, 1.7e308]),
    "close": st.sampled_from([1.0, *(np.nextafter(1.0, 2.0) + k * 2**-52 for k in range(4))]),
    "tiny": st.sampled_from([-5e-324, -0.0, 0.0, 5e-324, 1e-323, 2e-323]),
    "mostly zero": st.sampled_from([0.0] * 9 + [1.0, 2.0, 3.0]),
    "constant": st.just(4.5),
}


@st.composite
def tables(draw, dtype=np.float64):
    """Numbers of a few kinds, a kind for each column."""
    n = draw(st.integers(2, 30))
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4))
    columns = [draw(st.lists(VALUES[kind], min_size=n, max_size=n)) for kind in kinds]
    with np.errstate(over="ignore"):
        table = np.array(columns).T.astype(dtype)
    return np.clip(table, np.finfo(dtype).min, np.finfo(dtype).max)


def bits_by_hand(encoder, X):
    """Feature by feature: its comparisons, and whether it is missing if that has a bit."""
    rows = []
    for row in X:
        bits = []
        for c, value in enumerate(row):
            bits += [float(value) > t for t in encoder.thresholds_[encoder.columns_ == c]]
            bits += [math.isnan(value)] * bool(encoder.missing_[c])
        rows.append(bits)
    return rows


def check_thermometer(encoder, X):
    """Everything that a thermometer promises of its thresholds and bits."""
    bits = encoder.transform(X)
    assert encoder.columns_.tolist() == sorted(encoder.columns_)
    for c in range(X.shape[1]):
        values = sorted(set(X[:, c].tolist()))
        thresholds = encoder.thresholds_[encoder.columns_ == c]
        assert len(thresholds) == min(encoder.n_bits, len(values) - 1)
        assert (thresholds[1:] > thresholds[:-1]).all()
        assert all(values[0] <= t < values[-1] for t in thresholds)
        if len(values) <= encoder.n_bits + 1:
            assert thresholds.tolist() == values[:-1]  # all values are told apart
        mine = bits[:, encoder.columns_ == c]
        assert (mine[:, :-1] >= mine[:, 1:]).all()  # 1 ... 1 0 ... 0
        # Each bit is 1 for some training sample, and 0 for some.
        assert mine.any(axis=0).all()
        assert not mine.all(axis=0).any()


@HUGE
@settings(max_examples=80, deadline=None)
@given(X=tables(), other=st.integers(0, 2**32 - 1), encoder=st.sampled_from(ENCODERS + THERMOMETERS))
def test_bits_are_comparisons(X, other, encoder):
    encoder = clone(encoder).fit(X)
    unseen = np.random.default_rng(other).normal(scale=3, size=(5, X.shape[1]))
    for table in (X, unseen, X.astype(np.float32) if np.abs(X).max() < 1e38 else X[:1]):
        bits = encoder.transform(table)
        assert bits.dtype == np.bool_
        assert bits.shape == (len(table), len(encoder.columns_))
        assert bits.tolist() == bits_by_hand(encoder, table)
        assert np.array_equal(encoder.pack(table).words, pack(bits).words)
        assert encoder.pack(table).n_bits == bits.shape[1]


@HUGE
@settings(max_examples=80, deadline=None)
@given(X=st.one_of(tables(), tables(np.float32)), n_bits=st.integers(1, 12))
def test_quantile_thermometer(X, n_bits):
    encoder = ThermometerEncoder(n_bits=n_bits).fit(X)
    check_thermometer(encoder, X)
    for c, t in zip(encoder.columns_, encoder.thresholds_, strict=True):
        assert t in X[:, c]  # thresholds are values of the data


@HUGE
@settings(max_examples=80, deadline=None)
@given(X=tables(), n_bits=st.integers(1, 12))
def test_uniform_thermometer(X, n_bits):
    encoder = ThermometerEncoder(n_bits=n_bits, strategy="uniform").fit(X)
    for c in range(X.shape[1]):
        low, high = X[:, c].min(), X[:, c].max()
        values = np.unique(X[:, c])
        thresholds = encoder.thresholds_[encoder.columns_ == c]
        if len(values) <= n_bits + 1:
            assert thresholds.tolist() == values[:-1].tolist()
            continue
        # More values than bits: evenly spaced, unless the column is so narrow that floats run out.
        assert ((low <= thresholds) & (thresholds < high)).all()
        assert (thresholds[1:] > thresholds[:-1]).all()
        step = high / (n_bits + 1) - low / (n_bits + 1)
        if step > 1e-9 * max(abs(low), abs(high)) and step > 1e-300:
            assert len(thresholds) == n_bits
            for i, threshold in enumerate(thresholds.tolist(), start=1):
                share = i / (n_bits + 1)
                assert abs(threshold - (float(low) * (1 - share) + float(high) * share)) <= 1e-6 * step


def test_uniform_thresholds_are_evenly_spaced():
    X = np.arange(0.0, 101.0)[:, np.newaxis]
    assert ThermometerEncoder(n_bits=3, strategy="uniform").fit(X).thresholds_.tolist() == [25.0, 50.0, 75.0]
    X[3] = 0.3  # where the values lie in between does not matter
    assert ThermometerEncoder(n_bits=3, strategy="uniform").fit(X).thresholds_.tolist() == [25.0, 50.0, 75.0]


@pytest.mark.parametrize("n_bits", [1, 2, 3, 8, 15])
@pytest.mark.parametrize("n", [64, 1000, 1003])
def test_quantiles_cut_into_nearly_equal_parts(n, n_bits):
    X = np.random.default_rng(n).permutation(n)[:, np.newaxis] * 0.1
    levels = ThermometerEncoder(n_bits=n_bits).fit_transform(X).sum(axis=1)
    sizes = np.bincount(levels)
    assert len(sizes) == n_bits + 1
    assert sizes.sum() == n
    assert sizes.max() - sizes.min() <= 1


def test_thresholds_of_ties_are_spread_over_the_other_values():
    """Nine tenths are zero: the quantiles all fall on zero, but no bit is lost."""
    X = np.concatenate([np.zeros(900), np.arange(1, 101)])[:, np.newaxis]
    encoder = ThermometerEncoder(n_bits=5).fit(X)
    assert encoder.thresholds_[0] == 0
    sizes = np.bincount(encoder.transform(X).sum(axis=1))
    assert sizes[0] == 900
    assert len(sizes) == 6
    assert sizes[1:].min() >= 10


# Kinds of numbers ------------------------------------------------------------------------------------------

LIMITS = {"uint8": (0, 255), "int8": (-128, 127), "int16": (-(2**15), 2**15 - 1), "int64": (-(2**53), 2**53)}
LIMITS["uint64"] = (0, 2**53)


@settings(max_examples=80, deadline=None)
@given(
    data=st.data(),
    dtype=st.sampled_from(sorted(LIMITS)),
    encoder=st.sampled_from(ENCODERS + THERMOMETERS),
)
def test_integers_give_the_bits_of_floats(data, dtype, encoder):
    low, high = LIMITS[dtype]
    value = st.one_of(st.integers(low, high), st.sampled_from([low, low + 1, high - 1, high, max(low, 0)]))
    rows = data.draw(st.lists(st.lists(value, min_size=2, max_size=2), min_size=2, max_size=20))
    X = np.array(rows, dtype=dtype)
    as_integers, as_floats = clone(encoder).fit(X), clone(encoder).fit(X.astype(np.float64))
    assert np.array_equal(as_integers.columns_, as_floats.columns_)
    assert np.array_equal(as_integers.thresholds_, as_floats.thresholds_)
    bits = as_integers.transform(X)
    assert np.array_equal(bits, as_integers.transform(X.astype(np.float64)))
    assert np.array_equal(bits, as_floats.transform(X))
    assert bits.tolist() == bits_by_hand(as_integers, X)
    assert np.array_equal(as_integers.pack(X).words, pack(bits).words)


@pytest.mark.parametrize(
    ("fitted_on", "dtype", "values"),
    [
        ([[0.0], [2.0**63], [2.0**64]], np.int64, [-5, 0, 5, 2**62]),
        ([[0.0], [2.0**63], [2.0**64]], np.uint64, [0, 5, 2**63, 2**63 + 2**12]),
        ([[-(2.0**63)], [-(2.0**62)], [2.0**62], [2.0**63]], np.int64, [-(2**63), 0, 2**62, 2**62 + 2**12]),
        ([[-3.0], [300.0], [301.0]], np.uint8, [0, 255]),
        ([[-3.5], [300.5], [301.0]], np.int8, [-128, -4, -3, 0, 127]),
        ([[-1.0], [254.5], [255.5]], np.uint8, [0, 254, 255]),
        ([[1e308], [-1e308], [0.0]], np.int64, [-1, 0, 1]),
        ([[2**63 - 1], [0], [5]], np.int64, [2**62, 0, 5, 6]),
        ([[2**64 - 1], [0], [5]], np.uint64, [2**63, 0, 5, 6]),
        ([[0], [2**64 - 1], [2**64 - 2]], np.uint64, [0, 2**63]),
        ([[0], [2**63 - 1], [2**63 - 2]], np.int64, [-(2**63), 0, 2**62]),
    ],
)
@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
def test_thresholds_outside_or_at_the_end_of_a_type(fitted_on, dtype, values, strategy):
    kind = np.float64 if isinstance(fitted_on[0][0], float) else dtype
    encoder = ThermometerEncoder(n_bits=4, strategy=strategy).fit(np.array(fitted_on, dtype=kind))
    X = np.array(values, dtype=dtype)[:, np.newaxis]
    assert encoder.transform(X).tolist() == bits_by_hand(encoder, X.astype(np.float64))


def test_integers_that_float64_cannot_tell_apart():
    """Thresholds stay ascending, and below the largest value."""
    encoder = ThermometerEncoder(n_bits=8).fit(np.array([[2**53 + k] for k in range(6)]))
    assert encoder.thresholds_.tolist() == [2.0**53, 2.0**53 + 2]
    assert len(ThermometerEncoder().fit(np.array([[2**63 - 1], [2**63 - 2]])).thresholds_) == 0


@pytest.mark.parametrize("encoder", ENCODERS, ids=repr)
def test_booleans(encoder):
    X = np.array([[True, False], [False, False], [True, False]])
    fitted = clone(encoder).fit(X)
    assert fitted.transform(X).tolist() == bits_by_hand(fitted, X)


def test_float32_and_float16_are_compared_exactly():
    X = np.array([[0.1], [0.2], [0.3]], dtype=np.float32)
    encoder = ThermometerEncoder(n_bits=2).fit(X)
    assert encoder.transform(X).tolist() == [[False, False], [True, False], [True, True]]
    # 0.1 as float32 is a little more than 0.1 as float64.
    assert encoder.transform([[0.1]]).tolist() == [[False, False]]
    encoder = ThermometerEncoder(n_bits=2).fit([[0.1], [0.2], [0.3]])
    assert encoder.transform(X[:1]).tolist() == [[True, False]]
    halves = np.array([[60000.0], [64000.0], [65000.0], [65504.0]], dtype=np.float16)
    bits = MedianBinarizer(scope="column").fit_transform(halves)
    assert bits.ravel().tolist() == [False, False, True, True]


# Median ----------------------------------------------------------------------------------------------------


@HUGE
@settings(max_examples=80, deadline=None)
@given(X=tables())
def test_medians(X):
    def median(values):
        ordered = sorted(values)
        low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
        return low / 2 + high / 2 if math.isinf(low + high) else (low + high) / 2

    whole, each = MedianBinarizer().fit(X), MedianBinarizer(scope="column").fit(X)
    assert whole.columns_.tolist() == each.columns_.tolist() == list(range(X.shape[1]))
    assert whole.thresholds_.tolist() == [median(X.ravel().tolist())] * X.shape[1]
    assert each.thresholds_.tolist() == [median(column.tolist()) for column in X.T]


def test_the_two_scopes_differ():
    X = [[1, 10], [2, 30], [3, 20]]
    assert MedianBinarizer().fit_transform(X).tolist() == [[False, True]] * 3
    assert MedianBinarizer(scope="column").fit_transform(X).tolist() == [
        [False, False],
        [False, True],
        [True, False],
    ]


# Packing in pieces -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2047, 2048, 2049, 4096, 4097])
@pytest.mark.parametrize("dtype", [np.float64, np.uint8])
def test_pack_in_pieces(n, dtype):
    X = np.random.default_rng(n).integers(0, 256, (n, 5)).astype(dtype)
    encoder = ThermometerEncoder(n_bits=14).fit(np.arange(256)[:, np.newaxis] * np.ones(5))
    packed = encoder.pack(X)
    assert packed.n_bits == 70
    assert np.array_equal(packed.words, pack(encoder.transform(X)).words)
    assert np.array_equal(unpack(packed), X[:, encoder.columns_] > encoder.thresholds_)
    assert np.array_equal(encoder.pack(np.asfortranarray(X)[::-1]).words, packed.words[::-1])


# Names -----------------------------------------------------------------------------------------------------


def test_names():
    X = [[1.0, 5.0], [2.5, 5.0], [3.0, 6.0]]
    encoder = ThermometerEncoder().fit(X)
    assert encoder.get_feature_names_out().tolist() == ["x0>1", "x0>2.5", "x1>5"]
    assert encoder.get_feature_names_out(["a", "b"]).tolist() == ["a>1", "a>2.5", "b>5"]
    table = pd.DataFrame(X, columns=["width", "height"])
    encoder = ThermometerEncoder().set_output(transform="pandas").fit(table)
    names = ["width>1", "width>2.5", "height>5"]
    assert encoder.get_feature_names_out().dtype == object
    assert encoder.get_feature_names_out().tolist() == names
    output = encoder.transform(table)
    assert output.columns.tolist() == names
    assert set(output.dtypes) == {np.dtype(np.bool_)}
    with pytest.raises(ValueError, match="input_features"):
        encoder.get_feature_names_out(["height", "width"])
    with pytest.raises(NotFittedError):
        ThermometerEncoder().get_feature_names_out()


@HUGE
@settings(max_examples=40, deadline=None)
@given(X=tables(), encoder=st.sampled_from(THERMOMETERS))
def test_names_of_different_bits_differ(X, encoder):
    fitted = clone(encoder).fit(X)
    names = fitted.get_feature_names_out().tolist()
    assert len(set(names)) == len(names)
    # The number in a name is the threshold itself.
    assert [float(name.split(">")[1]) for name in names] == fitted.thresholds_.tolist()


def test_table_columns_must_be_those_of_fit():
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]})
    for encoder in ENCODERS:
        fitted = clone(encoder).fit(table)
        assert fitted.feature_names_in_.tolist() == ["a", "b"]
        for method in (fitted.transform, fitted.pack):
            with pytest.raises(ValueError, match="feature names should match"):
                method(table[["b", "a"]])


# Errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", ENCODERS, ids=repr)
def test_what_cannot_be_encoded(encoder):
    encoder = clone(encoder)
    for method in (encoder.transform, encoder.pack):
        with pytest.raises(NotFittedError):
            method([[1.0, 2.0]])
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        encoder.fit([[1.0, 2.0]])
    encoder.fit([[1.0, 2.0], [3.0, 0.0], [5.0, 7.0]])
    for method in (encoder.transform, encoder.pack):
        with pytest.raises(ValueError, match=r"3 features, but .* is expecting 2 features"):
            method([[1.0, 2.0, 3.0]])
        with pytest.raises(ValueError, match="infinity"):
            method([[1.0, np.inf]])
        with pytest.raises(ValueError, match="minimum of 1 is required"):
            method(np.empty((0, 2)))
    with pytest.raises(ValueError, match="infinity"):
        encoder.fit([[1.0, np.inf], [1.0, 2.0]])


@pytest.mark.parametrize("encoder", ENCODERS, ids=repr)
def test_one_row(encoder):
    X = np.array([[1.0, 2.0], [3.0, 0.0], [5.0, 7.0]])
    encoder = clone(encoder).fit(X)
    for row in X:
        assert np.array_equal(encoder.transform([row]), [encoder.transform(X)[X.tolist().index(row.tolist())]])
        assert np.array_equal(unpack(encoder.pack([row])), encoder.transform([row]))


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (ThermometerEncoder(n_bits=0), "n_bits=0"),
        (ThermometerEncoder(n_bits=-1), "n_bits=-1"),
        (ThermometerEncoder(n_bits=2.0), r"n_bits=2\.0"),
        (ThermometerEncoder(n_bits=True), "n_bits=True"),
        (ThermometerEncoder(n_bits="8"), "n_bits='8'"),
        (
            ThermometerEncoder(strategy="kmeans"),
            "strategy='kmeans' is unknown: use 'quantile', 'uniform', 'gaussian', 'supervised'",
        ),
        (MedianBinarizer(scope="row"), "scope='row' is unknown: use 'global' or 'column'"),
    ],
)
def test_bad_parameters(encoder, message):
    with pytest.raises(ValueError, match=message):
        encoder.fit([[1.0], [2.0], [3.0]])


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("median", MedianBinarizer()),
        ("column-median", MedianBinarizer(scope="column")),
        ("thermometer", ThermometerEncoder()),
        ("thermometer1", ThermometerEncoder(n_bits=1)),
        ("thermometer9999", ThermometerEncoder(n_bits=9999)),
    ],
)
def test_specs(spec, expected):
    encoder = make_encoder(spec)
    assert isinstance(encoder, type(expected))
    assert encoder.get_params() == expected.get_params()


@pytest.mark.parametrize(
    "spec", ["", "Median", "thermometer0", "thermometer 4", "thermometer-1", "thermometer4\n", "x"]
)
def test_unknown_specs(spec):
    with pytest.raises(ValueError, match="is unknown: use 'median', 'column-median', 'thermometer'") as caught:
        make_encoder(spec)
    assert repr(spec) in str(caught.value)


@pytest.mark.parametrize("encoder", ENCODERS, ids=repr)
def test_data_and_parameters_are_left_alone(encoder):
    X = np.random.default_rng(0).normal(size=(30, 3))
    before, parameters = X.copy(), encoder.get_params()
    fitted = clone(encoder).fit(X)
    bits = fitted.transform(X)
    fitted.pack(X)
    assert np.array_equal(X, before)
    assert fitted.get_params() == parameters
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).transform(X), bits)
    # A second fit forgets the first.
    assert np.array_equal(fitted.fit(X * 100 + 5).fit(X).transform(X), bits)


def test_a_constant_column_gets_no_bit():
    encoder = ThermometerEncoder().fit([[1.0, 3.0], [1.0, 4.0]])
    assert encoder.columns_.tolist() == [1]
    nothing = ThermometerEncoder().fit(np.ones((4, 3)))
    assert nothing.transform(np.zeros((2, 3))).shape == (2, 0)
    assert nothing.get_feature_names_out().tolist() == []


# Missing values --------------------------------------------------------------------------------------------


@HUGE
@settings(max_examples=80, deadline=None)
@given(X=tables(), holes=st.integers(0, 2**32 - 1), encoder=st.sampled_from(ENCODERS + THERMOMETERS))
def test_missing_values_have_a_bit_and_do_not_count(X, holes, encoder):
    holes = np.random.default_rng(holes).random(X.shape) < 0.3
    X = np.where(holes, np.nan, X)
    encoder = clone(encoder).fit(X)
    assert encoder.missing_.tolist() == (holes.any(axis=0) & ~holes.all(axis=0)).tolist()
    if getattr(encoder, "scope", "") != "global" and getattr(encoder, "max_bits", None) is None:
        for c in range(X.shape[1]):
            present = X[~holes[:, c], c : c + 1]
            if len(present) >= 2:
                alone = clone(encoder).fit(present)
                assert alone.thresholds_.tolist() == encoder.thresholds_[encoder.columns_ == c].tolist()
    for table in (
        X,
        np.full((1, X.shape[1]), np.nan),
        X.astype(np.float32) if np.nanmax(np.abs(X), initial=0) < 1e38 else X,
    ):
        assert encoder.transform(table).tolist() == bits_by_hand(encoder, table)


def test_nothing_finite_lies_above_the_largest_number():
    encoder = MedianBinarizer().fit([[np.finfo(float).max], [np.finfo(float).max]])
    assert encoder.inverse_transform(np.array([[True], [False]])).tolist() == [[np.inf], [np.finfo(float).max]]


def test_names_of_missing_values():
    encoder = ThermometerEncoder().fit([[1, np.nan], [2, 5], [3, 5]])
    assert encoder.get_feature_names_out(["a", "b"]).tolist() == ["a>1", "a>2", "b missing"]


def test_infinity_is_no_number():
    for bad in (np.inf, -np.inf):
        with pytest.raises(ValueError, match="infinity"):
            ThermometerEncoder().fit([[1.0], [bad]])


# Strategies ------------------------------------------------------------------------------------------------


def test_gaussian_thresholds():
    X = np.random.default_rng(0).normal(10, 3, (4000, 1))
    encoder = ThermometerEncoder(3, strategy="gaussian").fit(X)
    assert np.allclose(encoder.thresholds_, X.mean() + X.std() * np.array([-0.67449, 0, 0.67449]), atol=1e-3)
    heavy = np.append(np.ones(50), [2.0, 1e300, -1e300])[:, np.newaxis]
    assert np.isfinite(ThermometerEncoder(2, strategy="gaussian").fit(heavy).thresholds_).all()


def test_supervised_thresholds_lie_between_the_classes():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 100, (500, 1))
    y = (X[:, 0] > 3) & (X[:, 0] < 5)
    thresholds = ThermometerEncoder(2, strategy="supervised").fit(X, y).thresholds_
    assert thresholds.tolist() == [X[X <= 3].max(), X[(X > 3) & (X < 5)].max()]
    more = ThermometerEncoder(6, strategy="supervised").fit(X, y).thresholds_
    assert len(more) == 6  # quantiles make up the number
    assert set(thresholds) <= set(more)
    holes = X.copy()
    holes[::10] = np.nan
    assert ThermometerEncoder(2, strategy="supervised").fit(holes, y).n_bits_ == 3
    with pytest.raises(ValueError, match=r"needs the class labels: call fit\(X, y\)"):
        ThermometerEncoder(strategy="supervised").fit(X)


@settings(max_examples=60, deadline=None)
@given(most=st.lists(st.integers(0, 9), min_size=1, max_size=6), data=st.data(), max_bits=st.integers(0, 60))
def test_allotment(most, data, max_bits):
    useful = data.draw(st.lists(st.floats(0, 3), min_size=len(most), max_size=len(most)))
    shares = allot_bits(most, useful, max_bits)
    assert sum(shares) == min(max_bits, sum(most))
    assert all(0 <= share <= limit for share, limit in zip(shares, most, strict=True))
    if max_bits >= sum(limit > 0 for limit in most):
        assert all(share > 0 for share, limit in zip(shares, most, strict=True) if limit)
    useless = 1e-6 * max([*useful, 1e-6])  # what is less useful than that counts as if it were so useful
    for i, u in enumerate(useful):  # of two that could use more, the more useful one has no fewer
        for j, v in enumerate(useful):
            if u > max(v, useless) and shares[i] < most[i]:
                assert shares[i] >= shares[j] or shares[j] <= 1


def test_information():
    y = np.arange(800) % 4
    assert information(y.astype(float), y) == pytest.approx(2, abs=0.02)
    assert information(np.random.default_rng(0).normal(size=800), y) < 0.02
    assert information(np.where(y == 0, np.nan, 1.0), y) == pytest.approx(0.811, abs=0.01)


# There and back --------------------------------------------------------------------------------------------


@HUGE
@settings(max_examples=60, deadline=None)
@given(X=tables(), holes=st.integers(0, 2**32 - 1), encoder=st.sampled_from(ENCODERS + THERMOMETERS))
def test_inverse_transform_gives_values_of_the_same_bits(X, holes, encoder):
    X = np.where(np.random.default_rng(holes).random(X.shape) < 0.2, np.nan, X)
    encoder = clone(encoder).fit(X)
    bits = encoder.transform(X)
    values = encoder.inverse_transform(bits)
    assert values.shape == X.shape
    values = np.where(np.isinf(values), np.finfo(float).max, values)
    unknown = np.bincount(encoder.columns_, minlength=X.shape[1]) == 0
    assert np.array_equal(encoder.transform(np.where(unknown, X, values)), bits)
    with pytest.raises(ValueError, match="expected booleans of shape"):
        encoder.inverse_transform(bits.astype(int))


@HUGE
@settings(max_examples=25, deadline=None)
@given(X=tables(), holes=st.integers(0, 2**32 - 1), encoder=st.sampled_from(ENCODERS + THERMOMETERS))
def test_the_same_bits_from_a_model_file(tmp_path_factory, X, holes, encoder):
    with_holes = np.where(np.random.default_rng(holes).random(X.shape) < 0.2, np.nan, X)
    classifier = BMLPClassifier((15,), group_size=15, encoder=clone(encoder), max_iter=1, random_state=0)
    if clone(encoder).fit(with_holes).n_bits_ == 0:
        with pytest.raises(ValueError, match="no bits to tell them apart"):
            classifier.fit(with_holes, np.arange(len(X)) % 2)
        return
    classifier.fit(with_holes, np.arange(len(X)) % 2)
    path = tmp_path_factory.mktemp("model") / "model"
    save(classifier, path)
    reloaded = load(path)
    for table in (with_holes, X, X[:1], np.full((1, X.shape[1]), np.nan)):
        assert np.array_equal(reloaded.encoder_.pack(table).words, classifier.encoder_.pack(table).words)
        assert np.array_equal(reloaded.decision_function(table), classifier.decision_function(table))
    assert reloaded.encoder_.get_feature_names_out().tolist() == classifier.encoder_.get_feature_names_out().tolist()
    with pytest.raises(ValueError, match="infinity"):
        reloaded.predict(np.full((1, X.shape[1]), np.inf))


def test_a_threshold_of_minus_nought_is_called_nought():
    X = np.array([[-0.0, 1.0], [-0.0, -1.0]])
    assert MedianBinarizer().fit(X).get_feature_names_out().tolist() == ["x0>0", "x1>0"]
