"""Presets: what they fill in, what they leave alone, and that each trains, is saved and goes on learning."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import bitlocal
from bitlocal import BMLPClassifier, MedianBinarizer
from bitlocal.cli.shared.parameters import with_parameters
from bitlocal.encoders.resolve import resolve, suit
from bitlocal.spec.parameters import DEFAULTS, compose
from bitlocal.spec.presets import PRESETS, SETTLED, settle

NAMES = [name for name in PRESETS if name is not None]


def some_images(side=20, n=90, seed=0):
    """Bright squares whose place tells the class."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    X = rng.integers(0, 60, (n, side, side))
    for i, label in enumerate(y):
        X[i, 2 : side // 2, label * side // 3 : label * side // 3 + side // 4] += 150
    return X.astype(np.uint8), y


def test_what_is_given_rules():
    given = {"hidden_layer_sizes": (90,), "group_size": 9, "robustness": 0.0, "reinforcement": 0, "batch_size": 3}
    for name in PRESETS:
        settled = settle({"preset": name, "hidden_clip": 65535, **given})
        assert {key: settled[key] for key in given} == given
        assert settled["hidden_clip"] == 65535
        assert settle({"preset": name}).keys() >= set(SETTLED)


def test_groups_are_as_close_to_the_preset_as_they_can_be():
    assert settle({"preset": "published", "hidden_layer_sizes": (1035, 525)})["group_size"] == 15
    assert settle({"preset": "published", "hidden_layer_sizes": 64})["group_size"] == 16
    assert settle({"hidden_layer_sizes": (64,)})["group_size"] == 32
    assert settle({"preset": "tiny"})["group_size"] == 11


@pytest.mark.parametrize("name", NAMES)
def test_the_network_is_the_one_that_the_values_stand_for(name):
    preset = PRESETS[name]
    values = {key: getattr(preset, key) for key in SETTLED}
    by_name = compose({"preset": name}, n_inputs=50, n_classes=4)
    assert by_name == compose(values, n_inputs=50, n_classes=4)


@pytest.mark.parametrize("name", [None, *NAMES])
def test_each_learns_is_saved_and_goes_on(name, tmp_path):
    X, y = some_images()
    clf = BMLPClassifier(preset=name, hidden_layer_sizes=(60,), max_iter=5, random_state=0).fit(X, y)
    assert clf.score(X, y) > 0.9
    bitlocal.save(clf, tmp_path / "model")
    again = bitlocal.load(tmp_path / "model")
    assert again.preset == name
    assert again.settled()["batch_size"] == clf.settled()["batch_size"]
    for one in (clf, again):
        one.partial_fit(X[:20], y[:20])
    assert again.network_.hidden_sha256() == clf.network_.hidden_sha256()


def test_published_is_the_median_of_all_pixels():
    X, y = some_images()
    flat = X.reshape(len(X), -1)
    settings = {"hidden_layer_sizes": (45,), "max_iter": 2, "random_state": 0}
    by_name = BMLPClassifier(preset="published", **settings).fit(X, y)
    by_hand = BMLPClassifier(group_size=15, reinforcement=0.5, encoder=MedianBinarizer(), **settings).fit(flat, y)
    assert by_name.network_.hidden_sha256() == by_hand.network_.hidden_sha256()
    flattened = BMLPClassifier(preset="published", **settings).fit(flat / 2, y)
    assert isinstance(flattened.encoder_, MedianBinarizer)


@pytest.mark.parametrize("name", [None, *NAMES])
@pytest.mark.parametrize(
    ("shape", "which"),
    [
        ((8, 8), "other_images"),
        ((20, 15, 3), "other_images"),
        ((20, 20, 4), "other_images"),
        ((16, 30), "images"),
        ((16, 30, 1), "images"),
        ((32, 32, 3), "colour_images"),
    ],
)
def test_images_have_encoders_by_their_shape(name, shape, which):
    expected = getattr(PRESETS[name], which).removeprefix("image:")
    for encoder in (resolve("auto", np.zeros((2, *shape)), name), suit("auto", shape, name)):
        assert encoder.parts == expected
        assert encoder.margin == (PRESETS[name].colour_margin if which == "colour_images" else 0.0625)


@pytest.mark.parametrize("name", [None, *NAMES])
def test_epochs(name):
    preset = PRESETS[name]
    assert preset.n_epochs(10**6, 1) == preset.epochs
    assert preset.epochs <= preset.n_epochs(1, 100) <= 10 * preset.epochs
    X, y = some_images(n=9)
    clf = BMLPClassifier(preset=name, hidden_layer_sizes=(3,), random_state=0).fit(X, y)
    assert clf.network_.state.epoch == preset.n_epochs(9, clf.settled()["batch_size"])


def test_learning_does_not_go_on_with_another_preset():
    X, y = some_images()
    clf = BMLPClassifier(hidden_layer_sizes=(45,), max_iter=1, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="learning cannot go on with group_size=15: the network has group_size=45"):
        clf.set_params(preset="published").partial_fit(X, y)


def test_an_unknown_one():
    with pytest.raises(ValueError, match="preset='slow': expected 'published', 'accurate', 'fast' or 'tiny'"):
        BMLPClassifier(preset="slow").fit(*some_images())


def test_the_command_line_has_it():
    def command(**parameters):
        assert parameters["preset"] == "tiny"
        assert parameters["hidden_layer_sizes"] == (45, 30)
        assert parameters["batch_size"] is None

    run = with_parameters(command)
    given = {name: p.default for name, p in inspect.signature(run).parameters.items()}
    run(**{**given, "preset": "tiny", "hidden": "45,30"})
    assert DEFAULTS["preset"] is None
