"""The variants of the rule (docs/algorithm.md, section 4), seen from outside; test_exact.py has the bits."""

from __future__ import annotations

import numpy as np
import pytest

from bitlocal import BMLPClassifier
from bitlocal.bits import pack
from bitlocal.network import BinaryNetwork
from bitlocal.single_layer import SingleLayerClassifier
from specs import flat_spec


def settings(**changes):
    return {"hidden_layer_sizes": (90, 45), "group_size": 15, "max_iter": 5, "random_state": 0, **changes}


def test_frozen_first_layer_stays_as_drawn(real_data):
    clf = BMLPClassifier(**settings(freeze_first=True)).fit(*real_data)
    drawn = BinaryNetwork(clf.network_.spec)
    np.testing.assert_array_equal(clf.network_.counters(0), drawn.counters(0))
    assert not np.array_equal(clf.network_.counters(1), drawn.counters(1))
    assert all(record.error_share[0] == 0 and record.counts.updates[0] == 0 for record in clf.history_)


def test_random_features_with_a_trained_classifier(real_data):
    clf = BMLPClassifier(**settings(hidden_layer_sizes=90, freeze_first=True, train_classifier=True)).fit(*real_data)
    drawn = BinaryNetwork(clf.network_.spec)
    np.testing.assert_array_equal(clf.network_.counters(0), drawn.counters(0))
    h = clf.network_.classifier_counters()
    assert not np.array_equal(h, drawn.classifier_counters())
    np.testing.assert_array_equal(clf.network_.local_classifier(0), np.where(h >= 0, 1, -1))


def test_classifier_update_by_hand():
    """One neuron, two classes: the arithmetic is in the comments.

    h = [[2]], so W = +; x = + gives a = +. Classifier counters [[-2], [1]]: P = (-, +), o = (-1, 1).
    """
    spec = flat_spec(1, (1,), 2, 1, robustness=1.0, reinforcement=0.0, train_classifier=True)
    network = BinaryNetwork(spec)
    network.restore([np.array([[2]], dtype=np.int16), np.array([[-2], [1]], dtype=np.int16)])
    x = pack(np.array([[True]]))
    assert network.logits(x).tolist() == [[-1, 1]]
    counts = network.train_stream(x, np.array([0]), batch_size=1)
    # y = 0: misclassified, e = 1. a* = P[0] = -: stability -1, so h - 1 = 1. Unit 0 has o = -1: wrong, h_P + a = -1.
    assert network.counters(0).tolist() == [[1]]
    assert network.classifier_counters().tolist() == [[-1], [1]]
    assert counts.updates == [1, 1]
    network.train_stream(x, np.array([0]), batch_size=1)
    # Once more: h = 0, h_P = 0, which is a positive weight.
    assert network.counters(0).tolist() == [[0]]
    assert network.local_classifier(0).tolist() == [[1], [1]]


def test_single_output_is_one_row_with_both_signs(real_data):
    X, y = real_data
    two = y < 2
    clf = BMLPClassifier(**settings(single_output=True)).fit(X[two], y[two])
    for layer in range(2):
        P = clf.network_.local_classifier(layer)
        np.testing.assert_array_equal(P[0], -P[1])
    o = clf.network_.logits(clf._encode(X[two]))
    np.testing.assert_array_equal(o[:, 0], -o[:, 1])
    assert clf.score(X[two], y[two]) > 0.9
    assert [block.margin for block in clf.network_.spec.blocks] == [2 * 22, 2 * 11]


def test_majority_units_by_hand():
    """Two units of three neurons; the arithmetic is in the comments.

    x = (+); h = (1, -1, -1 | 1, 1, -1): W = (+, -, - | +, +, -) = z = a; units (-, +). P = (+, +) and (-, -).
    """
    spec = flat_spec(1, (6,), 2, 3, robustness=0.0, reinforcement=0.0, majority=True)
    network = BinaryNetwork(spec)
    network.set_packed_local_classifier(0, np.array([[0b11], [0b00]], dtype=np.uint64))
    network.set_counters(0, np.array([[1], [-1], [-1], [1], [1], [-1]], dtype=np.int16))
    x = pack(np.array([[True]]))
    assert network.logits(x).tolist() == [[0, 0]]
    counts = network.train_stream(x, np.array([1]), batch_size=1)
    # y = 1, predicted 0: e = 1. Unit 0 is -, as desired. Unit 1 is +, wrong: of its wrong neurons 3 and 4, both with
    # stability -1, the lower one learns: h - 1.
    assert counts.updates == [1]
    assert network.counters(0)[:, 0].tolist() == [1, -1, -1, 0, 1, -1]


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (BMLPClassifier, {"hidden_layer_sizes": 90, "freeze_first": True}, "nothing to train"),
        (BMLPClassifier, {"single_output": True}, "single_output is for two classes: expected 2, got 3"),
        (BMLPClassifier, {"single_output": True, "train_classifier": True}, "cannot be combined"),
        (BMLPClassifier, {"freeze_first": 1}, "freeze_first=1: expected True or False"),
        (SingleLayerClassifier, {}, "has one layer"),
        (SingleLayerClassifier, {"hidden_layer_sizes": 90, "train_classifier": True}, "is fixed"),
    ],
)
def test_what_makes_no_sense_is_refused(real_data, make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**settings(**options)).fit(*real_data)
