"""Sparse tables: the same bits as the dense ones have, which are never made."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import coo_array, coo_matrix, csc_array, csc_matrix, csr_array, csr_matrix, random_array
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline

from bitlocal import BMLPClassifier, MedianBinarizer, TableEncoder, ThermometerEncoder, load, save
from bitlocal import bits as bits_module
from bitlocal.bits import PackedBits, pack
from bitlocal.encoders.sparse import as_matrix, is_sparse_frame
from bitlocal.encoders.thresholds import sparse_bits_for
from bitlocal.encoders.union import program_of

FORMATS = [csr_matrix, csr_array, csc_matrix, csc_array, coo_matrix, coo_array]
ENCODERS = [
    MedianBinarizer(),
    MedianBinarizer(scope="column"),
    ThermometerEncoder(n_bits=5, max_bits=9),
    FeatureUnion([("two", ThermometerEncoder(n_bits=2)), ("median", MedianBinarizer(scope="column"))]),
    *(
        ThermometerEncoder(n_bits=n, strategy=strategy)
        for n in (1, 2, 3, 70)
        for strategy in ("quantile", "uniform", "gaussian", "supervised")
    ),
]


def small(**changes):
    """Make a classifier that trains in milliseconds."""
    settings = {"hidden_layer_sizes": 45, "group_size": 15, "max_iter": 3, "batch_size": 20}
    return BMLPClassifier(**{**settings, "random_state": 0, **changes})


def packed(encoder, X):
    """Encode by the program, as the classifier does."""
    if isinstance(encoder, FeatureUnion):
        return program_of(encoder).run(X)
    return encoder.pack(X)


def assert_same(one, other):
    assert isinstance(one, PackedBits)
    assert one.n_bits == other.n_bits
    assert np.array_equal(one.words, other.words)


# Numbers ---------------------------------------------------------------------------------------------------

VALUES = {
    np.int8: st.integers(-3, 3),
    np.uint8: st.integers(0, 4),
    np.int64: st.sampled_from([-(2**62), -1, 0, 1, 2, 2**53, 2**53 + 1, 2**62]),
    np.float32: st.sampled_from([0.0, 0.0, 0.0, -0.5, 0.1, 0.2, 0.3, 1e-45, 3e38]),
    np.float64: st.one_of(st.just(0.0), st.floats(-2, 2), st.sampled_from([np.nan, -0.0, 1e300, 5e-324])),
    np.bool_: st.booleans(),
}


@st.composite
def tables(draw):
    dtype = draw(st.sampled_from(list(VALUES)))
    shape = draw(st.tuples(st.integers(2, 9), st.integers(1, 70)))
    return draw(arrays(dtype, shape, elements=VALUES[dtype], fill=st.just(dtype(0))))


@settings(max_examples=300, deadline=None)
@given(
    train=tables(),
    encoder=st.sampled_from(ENCODERS),
    make=st.sampled_from(FORMATS),
    at_a_time=st.sampled_from([1, 3, 1 << 15]),
    seed=st.integers(0, 9),
)
def test_sparse_numbers_have_the_bits_of_dense_ones(train, encoder, make, at_a_time, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=len(train))
    other = rng.permuted(train, axis=0)[: rng.integers(1, len(train) + 1)]
    dense = _fitted(encoder, train, y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bits_module, "_ENTRIES_AT_A_TIME", at_a_time)
        sparse = _fitted(encoder, make(train), y)
        for X in (train, other):
            expected = packed(dense, X)
            assert_same(packed(sparse, make(X)), expected)
            assert_same(packed(dense, make(X)), expected)
            assert_same(packed(sparse, X), expected)


def _fitted(encoder, X, y):
    return clone(encoder).fit(X, y)


@settings(max_examples=100, deadline=None)
@given(train=tables(), encoder=st.sampled_from(ENCODERS), seed=st.integers(0, 9))
def test_thresholds_are_those_of_dense_numbers(train, encoder, seed):
    y = np.random.default_rng(seed).integers(2, size=len(train))
    parts = lambda fitted: [p for _, p in getattr(fitted, "transformer_list", [("", fitted)])]  # noqa: E731
    for dense, sparse in zip(
        parts(_fitted(encoder, train, y)), parts(_fitted(encoder, csr_array(train), y)), strict=True
    ):
        assert np.array_equal(sparse.columns_, dense.columns_)
        assert np.array_equal(sparse.thresholds_, dense.thresholds_)
        assert np.array_equal(sparse.missing_, dense.missing_)
        assert sparse.n_features_in_ == dense.n_features_in_


def test_entries_of_one_place_are_added_and_stored_zeros_are_zeros():
    rows, columns = [0, 0, 1, 2, 2, 2], [1, 1, 0, 2, 0, 0]
    X = coo_array(([1.0, 2.0, 0.0, 5.0, 3.0, -3.0], (rows, columns)), shape=(3, 4))
    unsorted = csr_matrix(
        (np.array([2.0, 1.0, 2.0, 4.0]), np.array([3, 1, 1, 0]), np.array([0, 3, 3, 4])), shape=(3, 4)
    )
    for sparse in (X, unsorted):
        encoder = ThermometerEncoder().fit(sparse)
        assert_same(encoder.pack(sparse), ThermometerEncoder().fit(sparse.toarray()).pack(sparse.toarray()))
    assert X.nnz == 6  # the caller's stay as they are
    assert unsorted.indices.tolist() == [3, 1, 1, 0]
    huge = csr_matrix((np.array([1.5e308, 1.5e308]), np.array([0, 0]), np.array([0, 2, 2])), shape=(2, 1))
    with pytest.raises(ValueError, match="infinity"):
        ThermometerEncoder().fit(huge)


def test_wide_tables_take_little_more_than_their_bits():
    rng = np.random.default_rng(0)
    X = random_array((2000, 50_000), density=1e-3, format="csr", rng=rng)
    X.data = rng.integers(1, 4, X.nnz).astype(np.float64)
    encoder = ThermometerEncoder(n_bits=2).fit(X[:200])
    for encode, matrix in ((encoder.pack, X), (pack, X > 0)):
        tracemalloc.start()
        try:
            result = encode(matrix)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak <= 1.2 * result.words.nbytes + 5e6 < X.shape[0] * X.shape[1]


def test_bits_of_sparse_numbers_by_hand():
    X = csr_matrix([[0, 0, -1], [1, 0, 0], [2, 0, 1], [0, 0, 0]])
    encoder = ThermometerEncoder(n_bits=2).fit(X)
    assert encoder.get_feature_names_out().tolist() == ["x0>0", "x0>1", "x2>-1", "x2>0"]
    assert encoder.transform(X).astype(int).tolist() == [[0, 0, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 1, 0]]


# The classifier --------------------------------------------------------------------------------------------

WORDS = {"sea": "wave salt ship sail wave", "land": "field plough horse hay hay", "sky": "cloud wind wing star wing"}


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    y = rng.choice(list(WORDS), 90)
    return [" ".join(rng.choice(WORDS[label].split(), 6)) for label in y], y


VECTORIZERS = [
    CountVectorizer(),
    CountVectorizer(binary=True),
    TfidfVectorizer(),
    TfidfVectorizer(dtype=np.float32),
    HashingVectorizer(n_features=64),
    HashingVectorizer(n_features=64, norm=None),
]


@pytest.mark.parametrize("vectorizer", VECTORIZERS, ids=str)
def test_vectorizers_in_pipelines(texts, vectorizer, tmp_path):
    X, y = texts
    model = make_pipeline(vectorizer, small(max_iter=20)).fit(X, y)
    assert model.score(X, y) > 0.9
    assert cross_val_score(model, X, y, cv=3).mean() > 0.8
    grid = GridSearchCV(model, {"bmlpclassifier__encoder": ["auto", "thermometer1"]}, cv=2, error_score="raise")
    assert grid.fit(X, y).best_score_ > 0.8
    sparse = vectorizer.fit_transform(X)
    clf = small().fit(sparse, y)
    for other in (csc_matrix(sparse), coo_array(sparse), pd.DataFrame.sparse.from_spmatrix(sparse)):
        twin = small().fit(other, y)
        assert twin.network_.hidden_sha256() == clf.network_.hidden_sha256()
        assert np.array_equal(twin.predict(other), clf.predict(sparse))
    save(clf, tmp_path / "model")
    assert np.array_equal(load(tmp_path / "model").predict(sparse), clf.predict(sparse))


@pytest.mark.parametrize("encoder", ["thermometer", "median", "column-median", ENCODERS[3]])
def test_encoders_by_name_learn_what_they_learn_from_dense_numbers(texts, encoder, tmp_path):
    X, y = texts
    sparse = CountVectorizer().fit_transform(X)
    clf = small(encoder=encoder).fit(sparse, y)
    dense = small(encoder=encoder).fit(sparse.toarray(), y)
    assert clf.network_.hidden_sha256() == dense.network_.hidden_sha256()
    assert np.array_equal(clf.predict(sparse), dense.predict(sparse.toarray()))
    assert clf.n_features_in_ == sparse.shape[1]
    save(clf, tmp_path / "model")
    assert np.array_equal(load(tmp_path / "model").decision_function(sparse), clf.decision_function(sparse))


@pytest.mark.parametrize(("n_features", "n_bits"), [(1, 32), (100, 20), (500, 4), (1024, 2), (10**6, 2)])
def test_auto_gives_sparse_numbers_fewer_bits(n_features, n_bits):
    assert sparse_bits_for(n_features) == n_bits
    if n_features < 1000:
        X = random_array((40, n_features), density=0.9, format="coo", rng=np.random.default_rng(0))
        assert small().fit(X, np.arange(40) % 2).encoder_.n_bits == n_bits


@pytest.mark.parametrize("form", [np.asarray, csr_matrix], ids=["dense", "sparse"])
def test_zeros_and_ones_that_come_first_are_bits_and_later_counts_an_error(form):
    counts = np.array([[0, 1, 0], [1, 0, 2], [1, 1, 0], [0, 0, 1]])
    y = [0, 1, 0, 1]
    clf = small().partial_fit(form(np.minimum(counts, 1)), y, classes=[0, 1])
    for use in (clf.predict, lambda X: clf.partial_fit(X, y)):
        with pytest.raises(ValueError, match=r"taken as bits in fit, so expected .* give encoder='thermometer'"):
            use(form(counts))
    with pytest.raises(ValueError, match=r"expected booleans.* got other values"):
        small(encoder=None).fit(form(counts), y)
    told = small(encoder="thermometer").partial_fit(form(np.minimum(counts, 1)), y, classes=[0, 1])
    assert told.partial_fit(form(counts), y).predict(form(counts)).shape == (4,)
    first = small().partial_fit(form(counts), y, classes=[0, 1])
    assert first.partial_fit(form(np.minimum(counts, 1)), y).encoder_.n_bits_ == 4


def test_encoders_of_other_things_say_what_they_expect():
    X = csr_matrix(np.eye(4) * 2)
    for encoder in ("table", "image", "signal"):
        with pytest.raises((TypeError, ValueError), match=r"(?i)sparse"):
            small(encoder=encoder).fit(X, [0, 1, 0, 1])


# DataFrames ------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    X=tables(),
    encoder=st.sampled_from(ENCODERS[4:8]),
    fill=st.sampled_from([0, 1, np.nan]),
    kind=st.sampled_from(["integer", "block"]),
)
def test_frames_of_sparse_columns(X, encoder, fill, kind):
    fill = X.dtype.type(1 if X.dtype.kind != "f" and fill != 0 else fill)
    columns = [pd.arrays.SparseArray(column, fill_value=fill, kind=kind) for column in X.T]
    frame = pd.DataFrame({f"c{i}": column for i, column in enumerate(columns)})
    assert is_sparse_frame(frame)
    assert np.array_equal(as_matrix(frame).toarray(), X, equal_nan=X.dtype.kind == "f")
    y = np.arange(len(X)) % 2
    fitted = _fitted(encoder, frame, y)
    assert fitted.feature_names_in_.tolist() == list(frame.columns)
    assert_same(fitted.pack(frame), _fitted(encoder, X, y).pack(X))


def test_frames_keep_the_names_of_their_columns(texts):
    X, y = texts
    vectorizer = CountVectorizer().fit(X)
    counts = vectorizer.transform(X)
    for sparse in (counts, counts > 0):
        frame = pd.DataFrame.sparse.from_spmatrix(sparse, columns=vectorizer.get_feature_names_out())
        for encoder in ("auto", "thermometer"):
            clf = small(encoder=encoder).fit(frame, y)
            assert clf.feature_names_in_.tolist() == list(frame.columns)
            assert clf.network_.hidden_sha256() == small(encoder=encoder).fit(sparse, y).network_.hidden_sha256()
            with pytest.raises(ValueError, match="feature names"):
                clf.predict(frame[frame.columns[::-1]])
            assert not hasattr(clf.fit(sparse, y), "feature_names_in_")
    bits = pd.DataFrame({"a": pd.arrays.SparseArray([True, False]), "b": pd.arrays.SparseArray([0, 1], fill_value=0)})
    assert small().fit(bits, [0, 1]).encoder_ is None


def test_one_hot_frames():
    rng = np.random.default_rng(0)
    y = rng.choice(["a", "b"], 60)
    table = pd.DataFrame({"one": np.where(y == "a", "x", "z"), "two": rng.choice(["u", "v", "w"], 60)})
    for dtype in (bool, float):
        frame = pd.get_dummies(table, sparse=True, dtype=dtype)
        clf = small(max_iter=9).fit(frame, y)
        assert clf.score(frame, y) == 1
        assert clf.encoder_ is None
        assert clf.feature_names_in_.tolist() == ["one_x", "one_z", "two_u", "two_v", "two_w"]


def test_tables_with_some_sparse_columns():
    rng = np.random.default_rng(0)
    dense = pd.DataFrame(
        {"count": rng.poisson(0.3, 50), "real": rng.normal(size=50), "flag": rng.random(50) < 0.1, "t": ["u", "v"] * 25}
    )
    dense["hole"] = np.where(rng.random(50) < 0.8, np.nan, rng.normal(size=50))
    mixed = dense.copy()
    for name, fill in (("count", 0), ("flag", False), ("hole", np.nan)):
        mixed[name] = pd.arrays.SparseArray(dense[name], fill_value=fill)
    y = rng.integers(2, size=50)
    assert_same(TableEncoder().fit(mixed).pack(mixed), TableEncoder().fit(dense).pack(dense))
    for columns in (list(dense.columns), ["count", "real", "flag"], ["count", "flag", "hole"]):
        for encoder in ("auto", "table"):
            one = small(encoder=encoder).fit(mixed[columns], y)
            other = small(encoder=encoder).fit(dense[columns], y)
            if columns != ["count", "flag", "hole"] or encoder == "table":  # all sparse: "auto" is narrower there
                assert one.network_.hidden_sha256() == other.network_.hidden_sha256()
            assert one.feature_names_in_.tolist() == columns
    assert isinstance(mixed["count"].dtype, pd.SparseDtype)  # the caller's stays as it is


def test_frames_of_columns_of_several_types():
    dense = pd.DataFrame({"a": [True, False, True], "b": [0, 3, 1], "c": np.array([0.5, 0, 0], dtype=np.float32)})
    frame = dense.apply(lambda column: pd.arrays.SparseArray(column, fill_value=column.dtype.type(0)))
    assert is_sparse_frame(frame)
    for encoder in (ThermometerEncoder(n_bits=1, strategy="gaussian"), MedianBinarizer(), MedianBinarizer("column")):
        assert_same(clone(encoder).fit(frame).pack(frame), clone(encoder).fit(dense).pack(dense))


def test_transformers_from_elsewhere_get_what_came(texts):
    X, y = texts
    counts = CountVectorizer().fit_transform(X)
    frame = pd.DataFrame.sparse.from_spmatrix(counts).add_prefix("word")
    chosen = ColumnTransformer([("some", ThermometerEncoder(n_bits=1), ["word0", "word3"])])
    assert small(encoder=chosen).fit(frame, y).network_.spec.n_inputs == 2
    pipeline = Pipeline([("bits", ThermometerEncoder(n_bits=2)), ("net", small())])
    expected = small(encoder=ThermometerEncoder(n_bits=2)).fit(counts, y).network_.hidden_sha256()
    assert pipeline.fit(counts, y)[-1].network_.hidden_sha256() == expected


# The benchmark ---------------------------------------------------------------------------------------------

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "sparse.py"


def run_benchmark(*options):
    return subprocess.run([sys.executable, SCRIPT, *options], check=True, capture_output=True, text=True).stdout


def test_the_benchmark_runs():
    told = json.loads(run_benchmark("--quick", "--json"))
    assert set(told) == {"pack", "epoch", "fit", "encode"}
    assert told["pack"]["packed_mb"] == 300 * 8 * 8 / 1e6
    assert "--density" in run_benchmark("--help")


def test_the_benchmark_reads_texts(tmp_path, texts):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for source in ("movieReviewSnippets", "amazonReviewSnippets", "nytEditorialSnippets", "tweets"):
            lines = [f"{i}\t{(-1) ** i * 1.5}\t{text}" for i, text in enumerate(texts[0])]
            data = "\n".join([*lines, "a line of another form"]).encode()
            member = tarfile.TarInfo(f"hutto_ICWSM_2014/{source}_GroundTruth.txt")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    path = tmp_path / "distribution.zip"
    with zipfile.ZipFile(path, "w") as distribution:
        distribution.writestr("some/hutto_ICWSM_2014.tar.gz", archive.getvalue())
    step = ("--step", "texts:sentiment:multinomial naive Bayes", "--folder", str(tmp_path))
    told = json.loads(run_benchmark("--quick", "--texts", str(path), *step))
    assert (told["texts"], told["classes"]) == (360, 2)
