"""Pipelines folded into one classifier: for every double the bits that the steps and the encoder give."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

import bitlocal
from bitlocal import BMLPClassifier, MedianBinarizer, PipelineError, TableEncoder, ThermometerEncoder
from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.oblique.quantities import Levels
from bitlocal.encoders.thresholds import ThresholdEncoder
from bitlocal.encoders.union import program_of
from test_export_encoders import COMPILERS, Compiled, python_words

LARGEST = np.finfo(np.float64).max


def small(**parameters):
    """A classifier that trains at once."""
    return BMLPClassifier((8,), max_iter=1, random_state=0, **parameters)


def holes(X, share=0.2):
    """The same with holes, but none in the first two rows."""
    X = X.copy()
    X[2:][np.random.default_rng(5).random(X[2:].shape) < share] = np.nan
    return X


def sample(scale=1.0, shift=0.0, n=40, seed=0):
    """Four columns, one of them constant and one of few values."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)) * scale + shift
    X[:, 2] = shift
    X[:, 3] = np.round(X[:, 3] / scale) * scale
    return X, np.arange(n) % 3


def probes(folded, X):
    """Rows that hold, for each feature, its thresholds and their neighbours, extremes, and the training data."""
    thresholds = np.concatenate([looked_at(part) for part in encoders_of(folded.encoder_)])
    with np.errstate(over="ignore"):
        near = [thresholds, np.nextafter(thresholds, np.inf), np.nextafter(thresholds, -np.inf)]
    numbers = np.concatenate([*near, [0.0, -0.0, 5e-324, -5e-324, 1e300, -1e300, LARGEST, -LARGEST], X.ravel()])
    numbers = numbers[np.isfinite(numbers) | np.isnan(numbers)]
    return np.repeat(numbers[:, np.newaxis], X.shape[1], axis=1)


def looked_at(encoder):
    """The thresholds of an encoder of single features, and levels of one of sums."""
    if isinstance(encoder, ThresholdEncoder):
        return encoder.thresholds_
    return Levels.from_arrays(encoder.fitted()[1], encoder.n_features_in_).thresholds()[:, ::50].ravel()


def encoders_of(encoder):
    """The parts of a union, or an encoder itself."""
    return [part for _, part in encoder.transformer_list] if isinstance(encoder, FeatureUnion) else [encoder]


def bits_by_definition(pipeline, rows):
    """What the pipeline's own steps and comparisons in plain NumPy give, and for which rows scikit-learn takes them."""
    taken = np.ones(len(rows), dtype=bool)
    values = rows
    with np.errstate(all="ignore"):
        for _, step in pipeline.steps[:-1]:
            values = step.transform(np.where(taken[:, np.newaxis], values, 0.0))
            taken &= ~np.isinf(values).any(axis=1)
    bits = []
    for part in encoders_of(pipeline[-1].encoder_):
        if not isinstance(part, ThresholdEncoder):  # sums of what the steps give
            with np.errstate(all="ignore"):  # as in `check`
                bits += list(part.transform(np.where(taken[:, np.newaxis], values, 0.0)).T)
            continue
        for c in range(values.shape[1]):
            bits += [values[:, c] > t for t in part.thresholds_[part.columns_ == c]]
            bits += [np.isnan(values[:, c])] * int(part.missing_[c])
    return np.stack(bits, axis=1), taken


def check(pipeline, X):
    """Fold, and compare bits and predictions with those of the pipeline; give the classifier."""
    before = pickle.dumps(pipeline)
    folded = bitlocal.fold(pipeline)
    assert pickle.dumps(pipeline) == before
    rows = probes(folded, X)
    expected, taken = bits_by_definition(pipeline, rows)
    assert taken[-X.size :].all()
    with np.errstate(all="ignore"):  # scikit-learn adds the numbers up, to see whether all are finite
        np.testing.assert_array_equal(folded.encoder_.transform(rows)[taken], expected[taken])
        np.testing.assert_array_equal(folded.predict(rows[taken]), pipeline.predict(rows[taken]))
    np.testing.assert_array_equal(folded.predict(X), pipeline.predict(X))
    assert folded.n_features_in_ == X.shape[1]
    return folded


SCALERS = st.one_of(
    st.builds(StandardScaler, with_mean=st.booleans(), with_std=st.booleans()),
    st.builds(
        MinMaxScaler, feature_range=st.sampled_from([(0, 1), (-1, 1), (-3e-5, 7e8), (0.1, 0.3)]), clip=st.booleans()
    ),
    st.builds(MaxAbsScaler),
    st.builds(
        RobustScaler,
        with_centering=st.booleans(),
        with_scaling=st.booleans(),
        unit_variance=st.booleans(),
        quantile_range=st.sampled_from([(25.0, 75.0), (5.0, 95.0)]),
    ),
    st.builds(FunctionTransformer),
)
IMPUTERS = st.one_of(
    st.builds(SimpleImputer, strategy=st.sampled_from(["mean", "median", "most_frequent"])),
    st.builds(SimpleImputer, strategy=st.just("constant"), fill_value=st.sampled_from([0.0, -1e9, 0.3])),
)
ENCODERS = st.one_of(
    st.sampled_from(["auto", "thermometer3+oblique20"]),
    st.builds(ThermometerEncoder, st.integers(1, 9), st.sampled_from(["quantile", "supervised"])),
    st.just(MedianBinarizer("column")),
)


@settings(max_examples=60, deadline=None)
@given(
    scalers=st.lists(SCALERS, max_size=3),
    imputer=st.none() | IMPUTERS,
    place=st.integers(0, 3),
    encoder=ENCODERS,
    scale=st.sampled_from([1.0, 1e-12, 1e12, 3e-290, 1e140]),
    shift=st.sampled_from([0.0, 1.0, -1e5]),
    seed=st.integers(0, 5),
)
def test_every_double_has_the_same_bits(scalers, imputer, place, encoder, scale, shift, seed):
    # The mean of a few doubles next to each other may lie between two that are neighbours.
    assume(imputer is None or scale > 1e-9 * abs(shift))
    X, y = sample(scale, shift, seed=seed)
    steps = [copy.deepcopy(one) for one in scalers]
    if imputer is not None:
        X = holes(X)
        steps.insert(min(place, len(steps)), imputer)
    pipeline = make_pipeline(*steps, small(encoder=encoder))
    refused = None
    try:
        pipeline.fit(X, y)
    except ValueError as error:  # no bits are left, or numbers that scikit-learn cannot take
        refused = error
    assume(refused is None)
    # Without steps there is nothing to fold; and what is scaled may be bits by chance.
    if all(type(step) is FunctionTransformer for step in steps) or pipeline[-1].encoder_ is None:
        np.testing.assert_array_equal(bitlocal.fold(pipeline).predict(X), pipeline.predict(X))
        return
    check(pipeline, X)


@pytest.mark.parametrize("make", [StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler])
@pytest.mark.parametrize("first", [True, False])
def test_holes(make, first, tmp_path):
    X, y = sample()
    X = holes(X)
    steps = [SimpleImputer(), make()] if first else [make(), SimpleImputer(strategy="median")]
    pipeline = make_pipeline(*steps, small()).fit(X, y)
    folded = check(pipeline, X)
    assert folded.encoder_.filled_.any()
    bitlocal.save(pipeline, tmp_path / "m")
    loaded = bitlocal.load(tmp_path / "m")
    rows = probes(folded, X)
    np.testing.assert_array_equal(loaded.encoder_.transform(rows), folded.encoder_.transform(rows))
    kept = check(make_pipeline(make(), small()).fit(X, y), X)
    assert kept.encoder_.missing_.any()
    assert kept.encoder_.filled_ is None


def test_a_missing_value_lies_above_as_many_thresholds_in_every_type():
    X = np.array([[0.0], [1.0], [1.0 + 1e-12], [2.0], [np.nan]])
    pipeline = make_pipeline(SimpleImputer(strategy="constant", fill_value=1.0 + 1e-12), small())
    folded = bitlocal.fold(pipeline.fit(X, [0, 1, 0, 1, 0]))
    for dtype in (np.float64, np.float32, np.float16):  # the two thresholds next to 1 are one there
        bits = folded.encoder_.transform(np.array([[np.nan]], dtype=dtype))
        assert bits.tolist() == [[True, True, False]]


def test_integers_and_float32():
    X, y = np.random.default_rng(0).integers(0, 100, (60, 4)), np.arange(60) % 3
    pipeline = make_pipeline(StandardScaler(), small()).fit(X, y)
    folded = check(pipeline, X)
    for dtype in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint64):
        np.testing.assert_array_equal(folded.predict(X.astype(dtype)), pipeline.predict(X.astype(dtype)))
    single = np.random.default_rng(1).normal(size=(60, 4)).astype(np.float32)
    pipeline.fit(single, y)
    folded = bitlocal.fold(pipeline)
    np.testing.assert_array_equal(folded.predict(single), pipeline.predict(single.astype(np.float64)))


def test_features_that_an_imputer_drops():
    X, y = sample()
    X = np.insert(holes(X), 1, np.nan, axis=1)
    pipeline = make_pipeline(SimpleImputer(), StandardScaler(), small())
    with pytest.warns(UserWarning, match="Skipping features"):
        pipeline.fit(X, y)
    folded = bitlocal.fold(pipeline)
    with pytest.warns(UserWarning, match="Skipping features"):
        expected = pipeline.predict(X)
    assert pipeline[-1].n_features_in_ == 4
    assert folded.n_features_in_ == 5
    assert set(folded.encoder_.columns_.tolist()) == {0, 2, 4}
    np.testing.assert_array_equal(folded.predict(X), expected)
    kept = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), small()).fit(X, y)
    check(kept, X)


def test_names_are_those_of_the_table():
    X, y = sample()
    table = pd.DataFrame(X, columns=list("abcd"))
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), MinMaxScaler(), small()).fit(table, y)
    folded = bitlocal.fold(pipeline)
    assert folded.feature_names_in_.tolist() == list("abcd")
    np.testing.assert_array_equal(folded.predict(table), pipeline.predict(table))
    with pytest.raises(ValueError, match="feature names"):
        folded.predict(table[["b", "a", "c", "d"]])


def test_bits_that_a_scaler_makes(tmp_path):
    X = np.random.default_rng(0).integers(0, 2, (40, 5)) * 4.0
    y = np.arange(40) % 2
    for encoder in ("auto", None):
        pipeline = make_pipeline(MinMaxScaler((-1, 1)), small(encoder=encoder)).fit(X, y)
        assert pipeline[-1].encoder_ is None
        bitlocal.save(pipeline, tmp_path / "m")
        np.testing.assert_array_equal(bitlocal.load(tmp_path / "m").predict(X), pipeline.predict(X))


def test_a_union_of_encoders():
    X, y = sample()
    union = FeatureUnion([("a", ThermometerEncoder(3)), ("b", MedianBinarizer())])
    check(make_pipeline(RobustScaler(), small(encoder=union)).fit(X, y), X)


def test_searches_and_pipelines_within_pipelines(tmp_path):
    X, y = sample()
    inner = Pipeline([("none", "passthrough"), ("scale", StandardScaler())])
    pipeline = Pipeline([("first", inner), ("second", FrozenEstimator(MinMaxScaler().fit(X))), ("clf", small())])
    grid = {"clf__robustness": [0.1, 0.2]}
    models = [
        GridSearchCV(pipeline, grid, cv=2),
        RandomizedSearchCV(pipeline, grid, n_iter=1, cv=2, random_state=0),
        GridSearchCV(small(), {"robustness": [0.1]}, cv=2),
        make_pipeline("passthrough", FunctionTransformer(), small()),
        make_pipeline(StandardScaler(), GridSearchCV(small(), {"robustness": [0.1]}, cv=2)),
    ]
    for model in models:
        model.fit(X, y)
        bitlocal.save(model, tmp_path / "m")
        np.testing.assert_array_equal(bitlocal.load(tmp_path / "m").predict(X), model.predict(X))
        assert bitlocal.export.c(model, tmp_path / "c")
    frozen = FrozenEstimator(models[0])
    np.testing.assert_array_equal(bitlocal.fold(frozen).predict(X), frozen.predict(X))


def test_learning_goes_on_from_raw_samples(tmp_path):
    X, y = sample()
    pipeline = make_pipeline(StandardScaler(), small()).fit(X, y)
    folded = bitlocal.fold(pipeline)
    blob = bitlocal.export.write_state(pipeline)
    assert blob == bitlocal.export.write_state(folded)
    folded.partial_fit(X, y)
    again = bitlocal.export.read_state(bitlocal.export.write_state(folded), pipeline)
    np.testing.assert_array_equal(again.decision_function(X), folded.decision_function(X))
    assert bitlocal.export.write_state(pipeline) == blob
    pipeline[-1].partial_fit(pipeline[:-1].transform(X), y)
    np.testing.assert_array_equal(pipeline.decision_function(X), folded.decision_function(X))


@pytest.mark.skipif(not COMPILERS, reason="needs gcc or clang")
@pytest.mark.parametrize("with_holes", [False, True])
@pytest.mark.parametrize("encoder", ["auto", "thermometer1", "column-median", "thermometer2+oblique9"])
@pytest.mark.parametrize("steps", [(StandardScaler,), (MinMaxScaler, RobustScaler)])
def test_exported_code(tmp_path, steps, encoder, with_holes):
    X, y = sample()
    X = holes(X) if with_holes else X
    made = [make() for make in steps] + [SimpleImputer()] * with_holes
    folded = bitlocal.fold(make_pipeline(*made, small(encoder=encoder)).fit(X, y))
    single = probes(folded, X)
    single = single[(np.abs(single) < 3e38).all(axis=1) | np.isnan(single).any(axis=1)].astype(np.float32)
    compiled = Compiled(folded.encoder_, 4, tmp_path, compiler=COMPILERS[-1])
    assert compiled.code.feature_type == "float"
    np.testing.assert_array_equal(compiled(single), python_words(folded.encoder_, single)[0])
    assert np.isnan(single).any() == with_holes


@pytest.mark.skipif(not COMPILERS, reason="needs gcc or clang")
def test_exported_code_for_whole_numbers(tmp_path):
    X, y = np.random.default_rng(0).integers(0, 256, (60, 5)), np.arange(60) % 2
    for steps in ([StandardScaler()], [SimpleImputer(), MinMaxScaler()]):
        folded = bitlocal.fold(make_pipeline(*steps, small()).fit(X, y))
        every = np.repeat(np.arange(256)[:, np.newaxis], 5, axis=1)
        compiled = Compiled(folded.encoder_, 5, tmp_path, "uint8")
        np.testing.assert_array_equal(compiled(every), python_words(folded.encoder_, every)[0])


@pytest.mark.skipif(not COMPILERS, reason="needs gcc or clang")
def test_a_value_that_float_cannot_fill_in(tmp_path):
    X = np.array([[0.0], [1.0], [1.0 + 1e-12], [1.0 + 2e-12], [2.0], [np.nan]])
    pipeline = make_pipeline(SimpleImputer(strategy="constant", fill_value=1.0 + 1e-12), small())
    pipeline.fit(X, [0, 1, 0, 1, 0, 1])
    with pytest.raises(bitlocal.export.errors.ExportError, match="cannot tell apart"):
        bitlocal.export.c(pipeline, tmp_path)


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (Normalizer(), "by its other features"),
        (FunctionTransformer(np.cbrt), "calls a Python function.*leave it out"),
        (PowerTransformer(), "powers and logarithms; leave it out"),
        (QuantileTransformer(n_quantiles=5), "interpolates.*leave it out"),
        (PCA(), "neither a StandardScaler"),
        (KNNImputer(), "what near samples have"),
        (SimpleImputer(add_indicator=True), "add_indicator=True"),
        (SimpleImputer(missing_values=-1.0), r"takes -1\.0 for a missing value"),
        (make_column_transformer((StandardScaler(), [0, 1]), remainder="passthrough"), "encoder='table'"),
        (type("Mine", (StandardScaler,), {})(), "neither a StandardScaler"),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else "",
)
def test_steps_that_are_refused(tmp_path, step, why):
    X, y = sample()
    pipeline = make_pipeline(StandardScaler(), step, small()).fit(X, y)
    for write in (bitlocal.save, bitlocal.export.c):
        with pytest.raises(PipelineError, match=f"step .*cannot become part of a BMLPClassifier: .*{why}"):
            write(pipeline, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_statistics_that_are_refused():
    X, y = sample()
    pipeline = make_pipeline(StandardScaler(), small()).fit(X, y)
    for wrong in (-1.0, 0.0, np.inf, np.nan):
        pipeline[0].scale_[0] = wrong
        with pytest.raises(PipelineError, match=f"its scale_ holds {wrong}, where a finite number above 0"):
            bitlocal.fold(pipeline)


def test_encoders_that_are_refused():
    X, y = sample()
    for encoder in (
        TableEncoder(),
        KBinsDiscretizer(3, encode="onehot-dense", quantile_method="averaged_inverted_cdf"),
    ):
        pipeline = make_pipeline(StandardScaler(), small(encoder=encoder)).fit(np.delete(X, 2, axis=1), y)
        with pytest.raises(PipelineError, match=f"BMLPClassifier cannot be .*, a {type(encoder).__name__}, which"):
            bitlocal.fold(pipeline)


@pytest.mark.skipif(not COMPILERS, reason="needs gcc or clang")
def test_what_is_filled_in_below_all_numbers(tmp_path):
    X, y = sample()
    X = holes(X)
    imputer = SimpleImputer(strategy="constant", fill_value=-1.0)
    pipeline = make_pipeline(MinMaxScaler(clip=True), imputer, small()).fit(X, y)
    folded = check(pipeline, X)
    assert folded.encoder_.thresholds_[0] == -np.inf  # every number lies above it, and what is missing does not
    rows = np.array([[-LARGEST] * 4, [np.nan] * 4])
    np.testing.assert_array_equal(folded.encoder_.transform(rows), bits_by_definition(pipeline, rows)[0])
    bitlocal.save(pipeline, tmp_path / "m")
    loaded = bitlocal.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.predict(X), pipeline.predict(X))
    compiled = Compiled(loaded.encoder_, 4, tmp_path)
    single = np.append(X, [[-3.4e38] * 4, [np.nan] * 4], axis=0).astype(np.float32)
    np.testing.assert_array_equal(compiled(single), python_words(folded.encoder_, single)[0])
    assert bitlocal.export.c(pipeline, tmp_path / "c", layout="make")
    assert folded.encoder_.get_feature_names_out()[0] == "x0>-inf"


def test_thresholds_that_fall_together_and_steps_fitted_apart():
    X, y = sample()
    clf = small(encoder=ThermometerEncoder(4)).fit(X, y)
    with pytest.raises(PipelineError, match="no float64 lies between two"):
        bitlocal.fold(Pipeline([("scale", StandardScaler(with_mean=True).fit(X * 1e-3 + 1e16)), ("clf", clf)]))
    with_bits = small(encoder=ThermometerEncoder(4)).fit(holes(X), y)
    with pytest.raises(PipelineError, match="fitted apart"):
        bitlocal.fold(Pipeline([("fill", SimpleImputer().fit(X)), ("clf", with_bits)]))


def test_what_is_no_classifier(tmp_path):
    X, y = sample()
    y = np.minimum(y, 1)
    models = [
        (FixedThresholdClassifier(small(), threshold=0.5, response_method="decision_function").fit(X, y), "estimator_"),
        (CalibratedClassifierCV(small(), cv=2).fit(X, y), "its estimator"),
        (GridSearchCV(small(), {"robustness": [0.1]}, cv=2, refit=False).fit(X, y), "refit=True"),
        (GridSearchCV(small(), {"robustness": [0.1]}, cv=2), "refit=True"),
        (make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), "LogisticRegression: give one"),
        (make_pipeline(StandardScaler()), "no classifier"),
        ("model", "str: give one"),
    ]
    for model, advice in models:
        for write in (bitlocal.save, bitlocal.export.c):
            with pytest.raises(TypeError, match=f"expected a fitted BMLPClassifier, got .*{advice}"):
                write(model, tmp_path / "model")
    for model in (small(), make_pipeline(StandardScaler(), small())):
        with pytest.raises(NotFittedError):
            bitlocal.fold(model)
    clf = small().fit(X, y)
    assert bitlocal.fold(clf) is clf


@pytest.mark.parametrize("filled", [[0, 2, 0], [1, 0], [-1, 0], [0.0, 0.0]])
def test_fillings_from_files_are_checked(filled):
    good = Thresholds(np.array([0, 1]), np.array([0.5, 1.0]), np.zeros(2, dtype=bool), np.array([0, 1]))
    again = Thresholds.from_arrays(good.to_arrays(), 2)
    assert again.filled.tolist() == [0, 1]
    wrong = np.array(filled) if filled != [1, 0] else np.array([2, 0])
    with pytest.raises(ValueError, match="fills in values"):
        Thresholds.from_arrays({**good.to_arrays(), "filled": wrong}, 2)


def test_fillings_of_encoders_next_to_each_other():
    """Bits that are filled in may be anywhere in a word, and beyond the first."""
    X, y = sample(n=200)
    X = np.tile(holes(X), 5)
    pipeline = make_pipeline(SimpleImputer(), StandardScaler(), small(encoder=ThermometerEncoder(13))).fit(X, y)
    folded = check(pipeline, X)
    assert program_of(folded.encoder_).n_bits > 128
