"""bitlocal.river: River's own checks; streams by one sample and by many; labels and features that come and go."""

from __future__ import annotations

import itertools
import math
import pickle
import random
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from river import compose, metrics, preprocessing
from river.checks import yield_checks
from river.datasets import ImageSegments, Phishing, synth

from bitlocal import BMLPClassifier, CategoryEncoder, ImageEncoder, TableEncoder, ThermometerEncoder
from bitlocal.estimator.calibration import StreamCalibration, log_probabilities
from bitlocal.river import BMLPStreamClassifier

SMALL = {"hidden_layer_sizes": (105,), "warm_up": 20, "seed": 0}
SETTINGS = [
    *BMLPStreamClassifier._unit_test_params(),
    {**SMALL, "hidden_layer_sizes": (60, 30), "batch_size": 7, "hidden_clip": 255, "seed": None},
    {**SMALL, "warm_up": 2, "encoder": "median", "train_classifier": True, "max_classes": 7},
]
CHECKS = [
    pytest.param(settings, check, id=f"{i}-{check.__name__}-{j}")
    for i, settings in enumerate(SETTINGS)
    for j, check in enumerate(yield_checks(BMLPStreamClassifier(**settings)))
]


@pytest.mark.parametrize(("settings", "check"), CHECKS)
def test_river_checks(settings, check):
    check(BMLPStreamClassifier(**settings))


def test_none_of_these_checks_is_left_out():
    assert BMLPStreamClassifier(**SMALL)._unit_test_skips() == set()
    assert len(CHECKS) >= 4 * 30  # as many has River 0.21; later ones have more


def test_the_defaults_learn():
    model, metric = BMLPStreamClassifier(seed=0), metrics.Accuracy()
    for x, y in Phishing():
        metric.update(y, model.predict_one(x))
        model.learn_one(x, y)
    assert metric.get() > 0.82
    assert model._multiclass


def digest(model):
    return model.classifier.network_.hidden_sha256()


def mixed(n, seed=0):
    """Samples with numbers, truth values, text, times and holes, and three classes; features come and go."""
    draw = random.Random(seed)
    samples = []
    for i in range(n):
        x = {
            "size": draw.choice([draw.random(), draw.random(), None, math.nan]),
            "colour": draw.choice(["red", "blue", "green", None]),
            "new": draw.random() < 0.5,
            7: draw.randrange(5),
            "when": datetime(2020, 1, 1) + timedelta(hours=draw.randrange(10000)),
        }
        y = f"{x['colour']}" if x["colour"] in ("red", "blue") else "other"
        if i % 3 == 0:
            x.pop(draw.choice(list(x)))
        samples.append((x, y))
    return samples


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("cuts", [[0, 100], [0, 13, 14, 14, 31, 90, 100], [0, 20, 100], [0, 40, 60, 100]])
def test_many_are_as_one_after_the_other(batch_size, cuts, weighted):
    samples = mixed(100)
    weights = np.random.default_rng(0).choice([0, 0.3, 1, 2.5, 1e-12], 100) if weighted else None
    one, many = (BMLPStreamClassifier(**SMALL, batch_size=batch_size) for _ in range(2))
    for i, (x, y) in enumerate(samples):
        one.learn_one(x, y, **({} if weights is None else {"w": weights[i]}))
    for first, last in itertools.pairwise(cuts):
        X = pd.DataFrame([x for x, _ in samples[first:last]])
        y = pd.Series([y for _, y in samples[first:last]], dtype=object)
        many.learn_many(X, y, w=None if weights is None else pd.Series(weights[first:last]))
    assert digest(one) == digest(many)
    X = pd.DataFrame([x for x, _ in samples], index=range(500, 600))
    frame, labels = many.predict_proba_many(X), many.predict_many(X)
    assert frame.index.equals(X.index)
    assert labels.index.equals(X.index)
    assert frame.to_dict("records") == [one.predict_proba_one(x) for x, _ in samples]
    assert labels.tolist() == [one.predict_one(x) for x, _ in samples]


def test_it_is_the_classifier_after_the_encoder():
    samples = list(Phishing().take(150))
    names = sorted(samples[0][0])
    X, y = np.array([[x[name] for name in names] for x, _ in samples]), [y for _, y in samples]
    model = BMLPStreamClassifier((60, 30), reinforcement=0.5, warm_up=50, seed=3)
    for x, label in samples:
        model.learn_one(x, label)
    places = np.array([{y[0]: 0}.get(label, 1) for label in y])
    encoder = ThermometerEncoder(32).fit(X[:50])
    plain = BMLPClassifier((60, 30), group_size=15, reinforcement=0.5, batch_size=1, encoder=None, random_state=3)
    plain.partial_fit(encoder.pack(X), places, classes=range(10))
    assert digest(model) == plain.network_.hidden_sha256()
    logits = plain.network_.logits(encoder.pack(X))[:, :2]  # the places that labels have taken
    assert np.array_equal(
        model.predict_many(pd.DataFrame(X, columns=names)), np.array([*y[:1], not y[0]])[logits.argmax(axis=1)]
    )


@pytest.mark.parametrize("n_places", [2, 10])
def test_probabilities_have_the_temperature_of_the_labels_that_came(n_places):
    samples = list(Phishing().take(400))
    names, labels = sorted(samples[0][0]), [samples[0][1], not samples[0][1]]
    model = BMLPStreamClassifier(**SMALL, classes=labels if n_places == 2 else None)
    for x, y in samples:
        model.learn_one(x, y)
    X = np.array([[x[name] for name in names] for x, _ in samples])
    places = np.array([labels.index(y) for _, y in samples])
    bits = ThermometerEncoder(32).fit(X[:20]).pack(X)
    plain = BMLPClassifier((105,), group_size=15, reinforcement=0, batch_size=1, encoder=None, random_state=0)
    first = int(places.argmax())  # until then, there is one label
    plain.partial_fit(bits[:first], places[:first], classes=range(n_places))
    calibration = StreamCalibration()
    for i in range(first, 400):
        calibration.note(plain.network_.logits(bits[i : i + 1])[:, :2], places[i : i + 1])
        plain.partial_fit(bits[i : i + 1], places[i : i + 1])
    expected = np.exp(log_probabilities(plain.network_.logits(bits)[:, :2], calibration.temperature))
    assert np.allclose(model.predict_proba_many(pd.DataFrame(X, columns=names)), expected, rtol=1e-12)


def test_a_label_that_comes_late_keeps_the_temperature():
    model = BMLPStreamClassifier(**SMALL)
    for i in range(200):
        model.learn_one({"a": i % 5, "b": i % 3}, i % 2)
    before = model.predict_proba_one({"a": 0})
    for x in ({"a": 9}, {"a": 8}):
        model.learn_one(x, "late")
    after = model.predict_proba_one({"a": 0})
    assert after["late"] < 0.5
    assert abs(after[0] / after[1] - before[0] / before[1]) < 0.5 * before[0] / before[1]


def test_the_order_of_features_does_not_matter():
    one, other = BMLPStreamClassifier(**SMALL), BMLPStreamClassifier(**SMALL)
    for x, y in mixed(60):
        one.learn_one(x, y)
        other.learn_one(dict(reversed(x.items())), y)
    assert digest(one) == digest(other)


def test_before_the_warm_up_is_over_predictions_are_shares():
    model = BMLPStreamClassifier(**SMALL)
    assert model.predict_one({"a": 1}) is None
    assert model.predict_proba_one({"a": 1}) == {}
    assert model.predict_many(pd.DataFrame({"a": [1, 2]})).tolist() == [None, None]
    assert model.predict_proba_many(pd.DataFrame({"a": [1, 2]})).shape == (2, 0)
    model.learn_one({"a": 1}, "rare")
    for i in range(3):
        model.learn_one({"a": i}, "common", w=2)
    assert model.predict_proba_one({}) == {"rare": 1 / 7, "common": 6 / 7}
    assert model.predict_one({"b": "?"}) == "common"
    assert model.classifier is None


def test_emerging_features_are_left_aside():
    one, other = BMLPStreamClassifier(**SMALL), BMLPStreamClassifier(**SMALL)
    for i, (x, y) in enumerate(mixed(60)):
        one.learn_one(x, y)
        other.learn_one({**x, "late": "text"} if i >= 20 else x, y)
    assert digest(one) == digest(other)


def test_if_nothing_varies_the_warm_up_goes_on():
    model = BMLPStreamClassifier(**SMALL)
    for i in range(50):
        model.learn_one({} if i < 20 else {"a": 1.0}, i % 2)
    assert model.classifier is None
    for i in range(30):  # the third warm-up began with 10 of the samples above
        model.learn_one({"a": float(i % 2)}, i % 2)
    assert model.predict_one({"a": 0.0}) == 0
    assert model.predict_one({"a": 1.0}) == 1


@pytest.mark.parametrize("labels", [[False, True], ["b", "a"], [3, 1, 2], [np.bool_(False), np.bool_(True)]])
def test_labels_come_back_as_they_came(labels):
    model = BMLPStreamClassifier(**SMALL)
    for i in range(200):
        model.learn_one({"a": "xyz"[i % len(labels)]}, labels[i % len(labels)])
    assert [model.predict_one({"a": "xyz"[i]}) for i in range(len(labels))] == labels
    assert list(model.predict_proba_one({"a": "x"})) == labels


def test_labels_emerge_and_places_without_a_label_are_never_predicted():
    model, seen = BMLPStreamClassifier(**SMALL, max_classes=12), []
    samples = list(ImageSegments().take(300))
    for x, y in samples:
        model.learn_one(x, y)
        if y not in seen:
            seen.append(y)
        probabilities = model.predict_proba_one(x)
        assert list(probabilities) == seen
        assert math.isclose(sum(probabilities.values()), 1)
        assert model.predict_one(x) == max(probabilities, key=probabilities.get)


def test_more_labels_than_places():
    model = BMLPStreamClassifier(**SMALL, max_classes=2)
    for i in range(40):
        model.learn_one({"a": i}, "ab"[i % 2])
    before = pickle.dumps(model)
    with pytest.raises(ValueError, match=r"y='c' is label 3, but max_classes=2 .*begin with a larger max_classes"):
        model.learn_one({"a": 1}, "c")
    with pytest.raises(ValueError, match="label 3"):
        model.learn_many(pd.DataFrame({"a": [1, 2]}), pd.Series(["a", "c"]))
    assert pickle.dumps(model) == before


def test_labels_that_are_known_beforehand():
    model = BMLPStreamClassifier(**SMALL, classes=["a", "b", "c"])
    for i in range(40):
        model.learn_one({"a": i}, "cb"[i % 2])
    assert list(model.predict_proba_one({"a": 1})) == ["c", "b"]
    assert model.classifier.network_.spec.n_classes == 3
    with pytest.raises(ValueError, match="y='d' is not among classes"):
        model.learn_one({"a": 1}, "d")
    assert repr(model.clone()) == repr(model)


@pytest.mark.parametrize("label", [None, math.nan])
def test_missing_labels(label):
    with pytest.raises(ValueError, match="the label is missing"):
        BMLPStreamClassifier().learn_one({"a": 1}, label)


@pytest.mark.parametrize("encoder", [TableEncoder(), ThermometerEncoder(4), CategoryEncoder()])
def test_a_fitted_encoder_needs_no_warm_up(encoder):
    table = pd.DataFrame({"b": [1.0, 2.0, 3.0, 4.0] * 3, "a": [0.0, 5.0, 0.0, 7.0] * 3})
    fitted = encoder.fit(table)
    model = BMLPStreamClassifier((105,), encoder=fitted, seed=0)
    rows = [{"a": a, "b": b, "c": "not known"} for b, a in zip(table["b"], table["a"], strict=True)]
    places = np.arange(12) % 2
    for x, y in zip(rows, places.tolist(), strict=True):
        model.learn_one(x, y)
    plain = BMLPClassifier((105,), group_size=15, reinforcement=0, batch_size=1, encoder=None, random_state=0)
    plain.partial_fit(fitted.pack(table), places, classes=range(10))
    assert digest(model) == plain.network_.hidden_sha256()
    assert fitted.feature_names_in_.tolist() == ["b", "a"]  # the user's, which stays as it was
    assert model.clone().predict_one(rows[0]) is None


def test_bits_are_numbers_too():
    model = BMLPStreamClassifier(**SMALL)
    for i in range(60):
        model.learn_one({"a": i % 2 == 0, "b": i % 3 == 0}, i % 2)
    model.learn_one({"a": 0.5, "b": 17}, 1)
    assert model.predict_one({"a": True}) == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"a": math.inf}, "feature 'a' is infinite: replace it"),
        ({"a": [1]}, "feature 'a': a value of type list is neither a number, text nor a time"),
    ],
)
def test_values_that_are_refused_at_once(wrong, message):
    model = BMLPStreamClassifier(**SMALL)
    for i in range(30):
        if i in (5, 25) and not (i == 25 and wrong == {"a": [1]}):
            before = pickle.dumps(model)
            with pytest.raises(ValueError, match=message):
                model.learn_one(wrong, i % 2)
            assert pickle.dumps(model) == before
        model.learn_one({"a": i}, i % 2)


@pytest.mark.parametrize("text", [False, True])
def test_a_number_that_becomes_text(text):
    model = BMLPStreamClassifier(**SMALL)
    for i in range(30):
        model.learn_one({"a": i, "b": "uv"[i % 2] if text else i}, i % 2)
    with pytest.raises(ValueError, match=r"expected numbers, as in fit, got 'x'"):
        model.learn_one({"a": "x"}, 1)
    with pytest.raises(ValueError, match=r"feature 'a'"):
        model.predict_one({"a": "x"})


def test_a_warm_up_that_no_encoder_takes():
    model = BMLPStreamClassifier(**SMALL)
    for i in range(19):
        model.learn_one({"a": datetime(2020, 1, 1 + i) if i % 2 else 1.5}, i % 2)
    with pytest.raises(ValueError, match="neither a number nor text"):
        model.learn_one({"a": 1}, 1)
    for i in range(20):  # the next warm-up
        model.learn_one({"a": i}, i % 2)
    assert model.classifier is not None


def test_missing_values_of_all_kinds_are_the_same():
    models = [BMLPStreamClassifier(**SMALL) for _ in range(4)]
    for i in range(60):
        for model, hole in zip(models, (None, math.nan, pd.NA, ...), strict=True):
            x = {"a": float(i), "b": hole if i % 4 == 0 else i % 7}
            model.learn_one({k: v for k, v in x.items() if v is not ...}, i % 2)
    assert len(set(map(digest, models))) == 1


def test_weights_reach_the_network():
    plain, weighed, none = (BMLPStreamClassifier(**SMALL) for _ in range(3))
    for i in range(40):
        plain.learn_one({"a": i}, i % 2)
        weighed.learn_one({"a": i}, i % 2, w=3)
        none.learn_one({"a": i}, i % 2)
        none.learn_one({"a": -i}, "left out", w=0)
    assert digest(none) == digest(plain) != digest(weighed)
    assert list(none.predict_proba_one({})) == [0, 1]


@pytest.mark.parametrize("w", [-1, math.nan, 40000])
def test_weights_that_are_refused(w):
    with pytest.raises(ValueError, match="expected a weight from 0 to 32767"):
        BMLPStreamClassifier().learn_one({"a": 1}, True, w=w)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"warm_up": 1}, "warm_up=1: expected a whole number of at least 2"),
        ({"max_classes": True}, "max_classes=True: expected a whole number of at least 2"),
        ({"classes": ["a", "a"]}, "expected at least 2 labels"),
        ({"robustness": 2}, "robustness"),
        ({"group_size": 7}, "group_size"),
        ({"encoder": "nothing"}, "encoder 'nothing' is unknown"),
        ({"encoder": ImageEncoder()}, "expected an encoder of tables"),
        ({"encoder": ThermometerEncoder().fit([[1.0], [2.0]])}, "fit it on a DataFrame"),
    ],
)
def test_parameters_that_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        BMLPStreamClassifier(**parameters)


def test_lengths_that_differ():
    with pytest.raises(ValueError, match="X has 2 samples and y 1 labels"):
        BMLPStreamClassifier().learn_many(pd.DataFrame({"a": [1, 2]}), pd.Series([True]))


def test_no_samples():
    model = BMLPStreamClassifier(**SMALL)
    empty = pd.DataFrame({"a": []})
    for n in (0, 40):
        for i in range(n):
            model.learn_one({"a": i}, i % 2)
        model.learn_many(empty, pd.Series([], dtype=object))
        assert model.predict_many(empty).tolist() == []
        assert model.predict_proba_many(empty).shape == (0, 2 if n else 0)


def test_pickles_go_on():
    samples = mixed(80)
    for at in (10, 50):
        model = BMLPStreamClassifier(**SMALL, batch_size=3)
        for x, y in samples[:at]:
            model.learn_one(x, y)
        copy = pickle.loads(pickle.dumps(model))
        for x, y in samples[at:]:
            model.learn_one(x, y)
            copy.learn_one(x, y)
        assert digest(model) == digest(copy)


def test_in_a_pipeline():
    model = (compose.Select("salary", "age") | preprocessing.StandardScaler()) | BMLPStreamClassifier(**SMALL)
    for x, y in synth.Agrawal(seed=1).take(60):
        model.learn_one(x, y)
    assert model.predict_one(x) in (0, 1)


def test_the_package_does_not_load_river():
    statement = "from bitlocal import *; import sys; print('river' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True, text=True)
    assert run.stdout.split() == ["False"]


def test_the_example():
    example = Path(__file__).parents[1] / "examples" / "drift.py"
    run = [sys.executable, "-W", "error", str(example), "--samples", "1000"]
    lines = subprocess.run(run, check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(lines) == 12
    assert lines[6].endswith("<- drift")
