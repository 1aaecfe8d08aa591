"""Exported C, compiled and held to the Python core, bit for bit: inference, learning, states."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import io
import os
import platform
import shutil
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

import bitlocal
from bitlocal import BMLPClassifier, ThermometerEncoder, export
from bitlocal.cli.main import main
from bitlocal.datasets import load
from bitlocal.export.c99 import report
from bitlocal.export.c99.plan import gap_table, make_plan
from bitlocal.export.model import of
from bitlocal.single_layer import SingleLayerClassifier
from exported import COMPILERS, STRICT, Exported, compile_command, logits_of, pointer
from fuzz.run import small_model
from reference import ReferenceNetwork, gap_lengths, survival_table

pytestmark = pytest.mark.skipif("gcc" not in COMPILERS, reason="needs gcc")
each_compiler = pytest.mark.parametrize(
    "compiler",
    [
        pytest.param(name, marks=pytest.mark.skipif(name not in COMPILERS, reason=f"needs {name}"))
        for name in ("gcc", "clang")
    ],
)
FUZZ = Path(__file__).parents[1] / "tools" / "fuzz"
X_DIGITS, Y_DIGITS = load_digits(return_X_y=True)


def digits_classifier(hidden=(45,), **parameters):
    usual = {"encoder": "thermometer3", "readout": "votes", "max_iter": 1, "random_state": 3, "batch_size": 20}
    return BMLPClassifier(hidden, **{**usual, **parameters}).fit(X_DIGITS[:500], Y_DIGITS[:500])


def random_bits(n_samples, n_bits, n_classes, seed):
    """Noisy prototypes; every class occurs."""
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n_samples - n_classes)])
    X = (rng.random((n_classes, n_bits)) < 0.5)[y] ^ (rng.random((n_samples, n_bits)) < 0.2)
    return X, y


def assert_same_network(a, b):
    assert a.network_.state.step == b.network_.state.step
    for layer, (h_a, h_b) in enumerate(zip(a.network_.snapshot(), b.network_.snapshot(), strict=True)):
        np.testing.assert_array_equal(h_a, h_b, err_msg=f"counters of layer {layer}")
    assert a.network_.readout_sha256() == b.network_.readout_sha256()


def assert_learns_alike(classifier, exported, X, labels):
    """The same samples to the device and to `partial_fit`; then the same counters, logits and state."""
    assert exported.learn(X, labels) == 0
    exported.check("flush", exported.ctx)
    blob = exported.save()
    learnt = export.read_state(blob, classifier)
    classifier = copy.deepcopy(classifier).set_params(batch_size=exported.macro("BATCH_SIZE"))
    classifier.network_.state.window = None  # a device keeps its probability of reinforcement
    classifier.partial_fit(X, classifier.classes_[labels])
    assert_same_network(learnt, classifier)
    classes, logits = exported.predict(X, learnt=True)
    expected = logits_of(classifier, X)
    np.testing.assert_array_equal(logits, expected)
    np.testing.assert_array_equal(classes, expected.argmax(axis=1))
    assert export.write_state(classifier, counter_bits=blob[6]) == blob
    return classifier


# Inference -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hidden", [(1,), (31,), (32,), (33,), (45,), (300,), (64, 96), (105, 35), (45, 15, 60), (7, 7, 7, 7)], ids=str
)
def test_inference_on_digits(hidden, tmp_path):
    classifier = digits_classifier(hidden)
    classes, logits = Exported(classifier, tmp_path).predict(X_DIGITS[:1000])
    np.testing.assert_array_equal(logits, logits_of(classifier, X_DIGITS[:1000]))
    np.testing.assert_array_equal(classifier.classes_[classes], classifier.predict(X_DIGITS[:1000]))


@pytest.mark.parametrize("hidden", [(1035,), (315, 105)], ids=str)
def test_inference_on_fashion_mnist(hidden, tmp_path):
    if "BITLOCAL_DATA" not in os.environ:
        pytest.skip("needs the environment variable BITLOCAL_DATA, a folder that holds fashion-mnist/")
    data = load("fashion-mnist")
    classifier = BMLPClassifier(hidden, encoder="median", max_iter=1, random_state=1).fit(data.X[:5000], data.y[:5000])
    classes, logits = Exported(classifier, tmp_path).predict(data.X_test[:1000])
    np.testing.assert_array_equal(logits, logits_of(classifier, data.X_test[:1000]))
    np.testing.assert_array_equal(classifier.classes_[classes], classifier.predict(data.X_test[:1000]))
    assert (classifier.classes_[classes] == data.y_test[:1000]).mean() > 0.6


def test_inference_of_two_classes_and_ties(tmp_path):
    """With one neuron, logits tie at every opportunity: the lowest class wins."""
    X, y = random_bits(200, 9, 5, seed=1)
    for n_classes in (2, 5):
        rows = y < n_classes
        classifier = BMLPClassifier((1,), encoder=None, max_iter=1, random_state=5).fit(X[rows], y[rows])
        classes, logits = Exported(classifier, tmp_path).predict(X)
        np.testing.assert_array_equal(logits, logits_of(classifier, X))
        np.testing.assert_array_equal(classes, logits.argmax(axis=1))


@pytest.mark.parametrize("option", ["freeze_first", "train_classifier"])
def test_variants_that_a_device_does_not_learn_by(tmp_path, bit_data, option):
    classifier = BMLPClassifier((32, 16), group_size=8, max_iter=2, random_state=0, **{option: True}).fit(*bit_data)
    with pytest.raises(export.ExportError, match=f"learning with {option} has no form in C"):
        export.c(classifier, tmp_path, learn=True)
    with pytest.raises(export.ExportError, match=f"learning with {option} has no form in C"):
        export.write_state(classifier)
    assert not list(tmp_path.iterdir())
    export.c(classifier, tmp_path)  # what was learnt infers as any other


def test_single_layer_method_is_refused(tmp_path, bit_data):
    classifier = SingleLayerClassifier(32, group_size=8, max_iter=2, random_state=0).fit(*bit_data)
    with pytest.raises(export.ExportError, match="single-layer method has no form in C"):
        export.c(classifier, tmp_path)


def test_single_output(tmp_path, bit_data):
    X, y = bit_data
    two = y < 2
    classifier = BMLPClassifier((32,), group_size=8, max_iter=2, single_output=True, random_state=0)
    classifier.fit(X[two], y[two])
    assert_learns_alike(classifier, Exported(classifier, tmp_path, learn=True), X[two], y[two])


def test_inference_only_model(tmp_path):
    classifier = digits_classifier((45, 30))
    bitlocal.save(classifier, tmp_path / "model.safetensors", inference_only=True)
    loaded = bitlocal.load(tmp_path / "model.safetensors")
    _, logits = Exported(loaded, tmp_path).predict(X_DIGITS)
    np.testing.assert_array_equal(logits, logits_of(classifier, X_DIGITS))
    with pytest.raises(export.ExportError, match="no hidden weights"):
        export.c(loaded, tmp_path / "learning", learn=True)
    with pytest.raises(export.ExportError, match="no hidden weights"):
        export.write_state(loaded)


def test_population_count_can_be_replaced(tmp_path):
    classifier = digits_classifier()
    for options in (["-DBMLP_POPCOUNT32(x)=((uint32_t)__builtin_popcount(x))"], ["-mpopcnt"]):
        if options == ["-mpopcnt"] and platform.machine() != "x86_64":
            continue
        _, logits = Exported(classifier, tmp_path, options=options).predict(X_DIGITS)
        np.testing.assert_array_equal(logits, logits_of(classifier, X_DIGITS))


# Learning --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 3, 8])
@pytest.mark.parametrize("clip", [15, 255, None])
@pytest.mark.parametrize("hidden", [(45,), (60, 45), (45, 30, 75)], ids=str)
def test_learning_on_digits(hidden, clip, batch_size, tmp_path):
    classifier = digits_classifier(hidden, hidden_clip=clip)
    exported = Exported(classifier, tmp_path, learn=True, batch_size=batch_size)
    assert exported.save()[6] == {15: 4, 255: 8, None: 16}[clip]
    before = classifier.network_.hidden_sha256()
    learnt = assert_learns_alike(classifier, exported, X_DIGITS[500:1000], Y_DIGITS[500:1000])
    assert learnt.network_.hidden_sha256() != before


@each_compiler
@pytest.mark.parametrize("level", ["-Os", "-O3"])
@pytest.mark.parametrize(("clip", "batch_size"), [(15, 1), (255, 8), (21, 30)])
def test_learning_with_other_compilers_and_levels(clip, batch_size, level, compiler, tmp_path):
    classifier = digits_classifier((45, 33 * 15), hidden_clip=clip)
    how = {"compiler": compiler, "options": [level], "learn": True, "batch_size": batch_size}
    exported = Exported(classifier, tmp_path, **how)
    np.testing.assert_array_equal(exported.predict(X_DIGITS)[1], logits_of(classifier, X_DIGITS))
    assert_learns_alike(classifier, exported, X_DIGITS[500:800], Y_DIGITS[500:800])


@pytest.mark.parametrize(("clip", "bits"), [(1, 2), (3, 2), (5, 3), (21, 5), (31, 5), (31, 8), (15, 16), (301, 9)])
@pytest.mark.parametrize("batch_size", [1, 7])
def test_learning_within_other_bounds(clip, bits, batch_size, tmp_path):
    """Bounds that are not those of the planes, and more planes than the bounds need."""
    classifier = digits_classifier((45, 30), hidden_clip=clip)
    exported = Exported(classifier, tmp_path, learn=True, batch_size=batch_size, counter_bits=bits)
    assert exported.save()[6] == bits
    learnt = assert_learns_alike(classifier, exported, X_DIGITS[500:800], Y_DIGITS[500:800])
    if clip < 100:
        assert any((h == learnt.network_.spec.rule.counter_range[1]).any() for h in learnt.network_.snapshot())


@pytest.mark.parametrize("reinforcement", [0.0, 0.5, 10.0])
def test_learning_with_reinforcement(reinforcement, tmp_path):
    classifier = digits_classifier((45, 30), reinforcement=reinforcement)
    exported = Exported(classifier, tmp_path, learn=True, batch_size=5)
    assert_learns_alike(classifier, exported, X_DIGITS[500:800], Y_DIGITS[500:800])


def test_learning_where_everything_is_reinforced(tmp_path):
    """A probability of 1: few inputs, and an accuracy of 0 in the epoch before."""
    X, y = random_bits(120, 5, 2, seed=2)
    classifier = BMLPClassifier((6, 3), encoder=None, random_state=1, reinforcement=10.0, hidden_clip=4095)
    classifier.partial_fit(X[:20], y[:20], classes=[0, 1])
    assert make_plan(of(classifier)).layers[0].layer.reinforcement == 2**32
    assert_learns_alike(classifier, Exported(classifier, tmp_path, learn=True, batch_size=2), X, y)


def test_learning_with_long_gaps(tmp_path):
    """Rows longer than the longest gap, and a probability so small that gaps run over it."""
    X, y = random_bits(60, 2500, 3, seed=3)
    classifier = BMLPClassifier((15,), encoder=None, random_state=9, reinforcement=0.03, max_iter=1).fit(X, y)
    reinforced = copy.deepcopy(classifier)
    assert 0 < make_plan(of(classifier)).layers[0].layer.reinforcement < 2**32 / 1500
    learnt = assert_learns_alike(classifier, Exported(classifier, tmp_path, learn=True, batch_size=3), X, y)
    spec = classifier.network_.spec
    reinforced.network_.spec = replace(spec, rule=replace(spec.rule, reinforcement=0.0))
    reinforced.set_params(reinforcement=0.0, batch_size=3).partial_fit(X, y)
    assert reinforced.network_.hidden_sha256() != learnt.network_.hidden_sha256()  # so some synapse was reinforced


@pytest.mark.parametrize("n_inputs", [1024, 1023, 1025])
def test_learning_with_rows_as_long_as_the_longest_gap(n_inputs, tmp_path):
    X, y = random_bits(40, n_inputs, 2, seed=4)
    classifier = BMLPClassifier((30,), encoder=None, random_state=2, reinforcement=0.05, max_iter=1).fit(X, y)
    assert_learns_alike(classifier, Exported(classifier, tmp_path, learn=True, batch_size=1), X, y)


@pytest.mark.parametrize("n_classes", [2, 300])
def test_learning_with_few_and_many_classes(n_classes, tmp_path):
    X, y = random_bits(600, 40, n_classes, seed=5)
    classifier = BMLPClassifier((33,), encoder=None, random_state=4, max_iter=1, group_size=11).fit(X, y)
    assert_learns_alike(classifier, Exported(classifier, tmp_path, learn=True, batch_size=4), X, y)


def test_learning_with_large_groups(tmp_path):
    """More neurons in a group than a byte counts."""
    classifier = digits_classifier((600, 300), group_size=300, hidden_clip=255)
    assert_learns_alike(
        classifier, Exported(classifier, tmp_path, learn=True, batch_size=16), X_DIGITS[500:700], Y_DIGITS[500:700]
    )


def test_steps_are_counted_modulo_2_to_the_32(tmp_path):
    classifier = digits_classifier((45,))
    classifier.network_.state.step = 2**32 - 3
    exported = Exported(classifier, tmp_path, learn=True, batch_size=10)
    assert exported.learn(X_DIGITS[:100], Y_DIGITS[:100]) == 0
    learnt = export.read_state(exported.save(), classifier)
    assert learnt.network_.state.step == 7
    classifier.set_params(batch_size=10).partial_fit(X_DIGITS[:100], Y_DIGITS[:100])
    assert learnt.network_.hidden_sha256() == classifier.network_.hidden_sha256()


def test_learning_from_nothing(tmp_path):
    """A network that has not learnt before: on the device it learns digits."""
    classifier = digits_classifier((45,), reinforcement=0.1)
    config = classifier.network_.spec
    classifier.network_ = bitlocal.network.BinaryNetwork(config)
    exported = Exported(classifier, tmp_path, learn=True, batch_size=8)
    before = (exported.predict(X_DIGITS, learnt=True)[0] == Y_DIGITS).mean()
    for _ in range(3):
        classifier = assert_learns_alike(classifier, exported, X_DIGITS[:1500], Y_DIGITS[:1500])
    after = (exported.predict(X_DIGITS[1500:], learnt=True)[0] == Y_DIGITS[1500:]).mean()
    assert before < 0.3
    assert after > 0.6


def test_learning_is_the_rule_of_the_reference(tmp_path):
    """The same against plain NumPy, which shares no code with the package."""
    X, y = random_bits(90, 50, 3, seed=6)
    config = {"group_size": 10, "robustness": 0.3, "reinforcement": 1.5, "hidden_clip": 61, "random_state": 2**40 + 7}
    classifier = BMLPClassifier((40, 20), encoder=None, batch_size=4, **config)
    classifier.partial_fit(X[:1], y[:1], classes=[0, 1, 2])
    reference = ReferenceNetwork([50, 40, 20], 3, [10, 10], [12, 6], 61, 1.5, 2**40 + 7)
    signs = np.where(X, 1, -1)
    reference.train_batch(signs[:1], y[:1])
    exported = Exported(classifier, tmp_path, learn=True)
    assert exported.learn(X[1:], y[1:]) == 0
    exported.check("flush", exported.ctx)
    for first in range(1, 90, 4):
        reference.train_batch(signs[first : first + 4], y[first : first + 4])
    learnt = export.read_state(exported.save(), classifier)
    assert learnt.network_.hidden_sha256() == reference.digest()
    np.testing.assert_array_equal(exported.predict(X, learnt=True)[1], reference.logits(signs))


@pytest.mark.parametrize(("clip", "bits"), [(None, 16), (255, 8), (101, 7), (21, 8), (15, 4), (1, 2)])
def test_what_has_not_learnt_is_drawn_on_the_device(clip, bits, tmp_path):
    """The seed in place of tables: the same counters, and no flash for them."""
    classifier = digits_classifier((45, 30), hidden_clip=clip, random_state=2**63 + 5, reinforcement=0.0)
    trained = Exported(classifier, tmp_path, learn=True, counter_bits=bits)
    classifier.network_ = bitlocal.network.BinaryNetwork(classifier.network_.spec)
    drawn = Exported(classifier, tmp_path, learn=True, counter_bits=bits, batch_size=3)
    assert "bmlp_low_1" in trained.source.read_text()
    assert "bmlp_low_1" not in drawn.source.read_text()
    assert drawn.save() == export.write_state(classifier, counter_bits=bits)
    assert_learns_alike(classifier, drawn, X_DIGITS[:200], Y_DIGITS[:200])
    altered = classifier.network_.counters(1)
    altered[-1, -1] = 0 if altered[-1, -1] else -1
    classifier.network_.set_counters(1, altered)
    different = Exported(classifier, tmp_path, learn=True, counter_bits=bits)
    assert different.save() == export.write_state(classifier, counter_bits=bits)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_small_network(tmp_path, data):
    group_size = data.draw(st.integers(1, 7), "group size")
    hidden = tuple(group_size * n for n in data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3), "groups"))
    n_bits, n_classes = data.draw(st.integers(1, 100), "bits"), data.draw(st.integers(2, 5), "classes")
    X, y = random_bits(50, n_bits, n_classes, data.draw(st.integers(0, 99), "data"))
    clip = data.draw(st.sampled_from([None, 1, 3, 7, 9, 15, 31, 77, 255]), "clip")
    classifier = BMLPClassifier(
        hidden,
        encoder=None,
        group_size=group_size,
        hidden_clip=clip,
        robustness=data.draw(st.sampled_from([0.0, 0.25, 1.0]), "robustness"),
        reinforcement=data.draw(st.sampled_from([0.0, 0.5, 3.0]), "reinforcement"),
        random_state=data.draw(st.integers(0, 2**64 - 1), "seed"),
        readout=data.draw(st.sampled_from(["votes", "learned"]), "readout"),
        batch_size=10,
    )
    classifier.partial_fit(X[:20], y[:20], classes=np.arange(n_classes))
    fewest = make_plan(of(classifier)).n_planes
    exported = Exported(
        classifier,
        tmp_path,
        learn=True,
        batch_size=data.draw(st.integers(1, 20), "batch size"),
        counter_bits=data.draw(st.integers(fewest, 16), "counter bits"),
    )
    _, logits = exported.predict(X)
    np.testing.assert_array_equal(logits, logits_of(classifier, X))
    assert_learns_alike(classifier, exported, X, y)


@given(st.integers(1, 2**32), st.integers(1, 1500), st.lists(st.integers(0, 2**64 - 1), min_size=5, max_size=5))
def test_every_entry_of_the_gap_table_follows_from_the_exported_ones(threshold, n_inputs, words):
    """As the C does it: the last exported entry above a word, and then step by step."""
    whole = survival_table(threshold)
    table = gap_table(threshold, n_inputs)
    longest = min(1024, n_inputs)
    assert len(table) <= 64
    for word in [*words, *(min(entry, 2**64 - 1) for entry in table[-2:])]:
        above = sum(entry > word for entry in table)
        gap = 0 if above == 0 else 16 * (above - 1) + 1
        while 0 < gap < longest and whole[gap] > word:
            gap += 1
        assert gap == min(int(gap_lengths(threshold, np.array([word], dtype=np.uint64))[0]), longest)


@pytest.mark.parametrize(("reinforcement", "n_inputs"), [(10.0, 40), (2.0, 300), (0.5, 1024), (0.1, 1500), (0.001, 90)])
def test_gaps_at_every_entry_of_their_law(reinforcement, n_inputs, tmp_path):
    """Random words just above, at and just below each entry, of which chance would bring none."""
    X, y = random_bits(20, n_inputs, 2, seed=7)
    classifier = BMLPClassifier((4,), encoder=None, reinforcement=reinforcement, random_state=0)
    classifier.partial_fit(X, y, classes=[0, 1])
    (layer,) = of(classifier).layers
    n_entries = len(gap_table(layer.reinforcement, layer.n_inputs))
    export.c(classifier, tmp_path, learn=True)
    (tmp_path / "gaps.c").write_text(
        '#include "bmlp.c"\n'
        "void gaps(const uint64_t *words, size_t n, uint32_t q, size_t longest, uint32_t *found);\n"
        "void gaps(const uint64_t *words, size_t n, uint32_t q, size_t longest, uint32_t *found) {\n"
        "    for (size_t i = 0u; i < n; ++i) {\n"
        f"        found[i] = (uint32_t)bmlp_gap(words[i], bmlp_gaps_1, {n_entries}u, q, longest);\n"
        "    }\n}\n"
    )
    command = [*compile_command("gcc"), "-fPIC", "-shared", str(tmp_path / "gaps.c"), "-o", str(tmp_path / "gaps.so")]
    subprocess.run(command, check=True)
    entries = survival_table(layer.reinforcement)
    offsets = [sign * d for sign in (-1, 1) for d in (0, 1, 2**30, *(k * 2**32 for k in (1, 2, 8, 15, 16, 17)))]
    near = {entry + offset for entry in entries for offset in offsets}
    rng = np.random.default_rng(0)
    words = np.array(sorted(word for word in near if 0 <= word < 2**64), dtype=np.uint64)
    words = np.concatenate([words, rng.integers(0, 2**64, 1000, dtype=np.uint64)])
    found = np.zeros(len(words), dtype=np.uint32)
    longest = min(1024, n_inputs)
    library = ctypes.CDLL(str(tmp_path / "gaps.so"))
    size = ctypes.c_size_t
    library.gaps(
        pointer(words), size(len(words)), ctypes.c_uint32(2**32 - layer.reinforcement), size(longest), pointer(found)
    )
    np.testing.assert_array_equal(found, np.minimum(gap_lengths(layer.reinforcement, words), longest))


# A learned readout -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(1,), (32,), (45,), (300,), (45, 64)], ids=str)
def test_inference_by_a_learned_readout(hidden, tmp_path):
    classifier = digits_classifier(hidden, readout="learned")
    exported = Exported(classifier, tmp_path)
    classes, logits = exported.predict(X_DIGITS[:1000])
    np.testing.assert_array_equal(logits, logits_of(classifier, X_DIGITS[:1000]))
    np.testing.assert_array_equal(classifier.classes_[classes], classifier.predict(X_DIGITS[:1000]))
    np.testing.assert_array_equal(classes, of(classifier).predict(of(classifier).encode(X_DIGITS[:1000])))
    assert "bmlp_p_" not in exported.source.read_text()  # no local classifier, and nothing that votes
    assert "bmlp_vote" not in exported.source.read_text()
    bitlocal.save(classifier, tmp_path / "model.safetensors", inference_only=True)
    loaded = bitlocal.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(Exported(loaded, tmp_path).predict(X_DIGITS[:1000])[1], logits)


@each_compiler
@pytest.mark.parametrize("level", ["-Os", "-O3"])
@pytest.mark.parametrize(("batch_size", "clip"), [(1, None), (1, 15), (7, 255), (30, None)])
def test_a_readout_learns_as_by_partial_fit(batch_size, clip, level, compiler, tmp_path):
    classifier = digits_classifier((45, 33), group_size=3, hidden_clip=clip, readout="learned")
    how = {"compiler": compiler, "options": [level], "learn": True, "batch_size": batch_size}
    exported = Exported(classifier, tmp_path, **how)
    np.testing.assert_array_equal(exported.predict(X_DIGITS, learnt=True)[1], logits_of(classifier, X_DIGITS))
    before = classifier.network_.readout_sha256()
    learnt = assert_learns_alike(classifier, exported, X_DIGITS[500:1000], Y_DIGITS[500:1000])
    assert learnt.network_.readout_sha256() != before


@pytest.mark.parametrize("n_classes", [2, 255, 256])
def test_a_readout_of_few_and_many_classes(n_classes, tmp_path):
    """A rival is counted from 1: 255 classes fit a byte so, 256 do not."""
    X, y = random_bits(600, 40, n_classes, seed=5)
    classifier = BMLPClassifier((33,), encoder=None, random_state=4, max_iter=1, group_size=11, readout="learned")
    classifier.fit(X, y)
    exported = Exported(classifier, tmp_path, learn=True, batch_size=4)
    assert f"typedef uint{8 if n_classes < 256 else 16}_t bmlp_rival_t;" in exported.header
    assert_learns_alike(classifier, exported, X, y)


@pytest.mark.parametrize("batch_size", [1, 5])
def test_a_readout_at_its_bounds(batch_size, tmp_path):
    classifier = digits_classifier((45,), readout="learned")
    R = np.where(np.random.default_rng(0).random((10, 45)) < 0.5, -32768, 32767)
    classifier.network_.set_readout(R)
    exported = Exported(classifier, tmp_path, learn=True, batch_size=batch_size)
    learnt = assert_learns_alike(classifier, exported, X_DIGITS[500:800], Y_DIGITS[500:800])
    found = learnt.network_.readout()
    assert (found == 32767).any()
    assert (found == -32768).any()
    assert (found != R).any()


def test_a_readout_learns_from_nothing(tmp_path):
    classifier = digits_classifier((45,), reinforcement=0.1, readout="learned")
    classifier.network_ = bitlocal.network.BinaryNetwork(classifier.network_.spec)
    exported = Exported(classifier, tmp_path, learn=True, batch_size=1)
    votes = copy.deepcopy(classifier)
    for _ in range(2):
        classifier = assert_learns_alike(classifier, exported, X_DIGITS[:1000], Y_DIGITS[:1000])
    assert classifier.network_.readout_sha256() != votes.network_.readout_sha256()


def test_states_of_a_readout(tmp_path):
    classifier = digits_classifier((45,), readout="learned")
    exported = Exported(classifier, tmp_path, learn=True, batch_size=4)
    blob = exported.save()
    assert blob == export.write_state(classifier)
    assert len(blob) == exported.macro("STATE_SIZE") == 32 + 4 * 16 * 45 * 6 + 2 * 10 * 45
    R = np.frombuffer(blob[-4 - 2 * 10 * 45 : -4], "<i2").reshape(10, 45)
    np.testing.assert_array_equal(R, classifier.network_.readout())
    assert exported.learn(X_DIGITS[500:600], Y_DIGITS[500:600]) == 0
    after = exported.save()
    assert after != blob
    assert exported.load(blob) == 0
    np.testing.assert_array_equal(exported.predict(X_DIGITS, learnt=True)[1], logits_of(classifier, X_DIGITS))
    before = exported.ctx.raw
    votes = digits_classifier((45,))
    for other in (export.write_state(votes), after[:-1], with_checksum(after[:-6]), after[:-7] + b"\1" + after[-6:]):
        assert exported.load(other) in (-3, -4)
    assert exported.ctx.raw == before
    with pytest.raises(export.ExportError, match="another model"):
        export.read_state(after, votes)
    with pytest.raises(export.ExportError, match=r"a state of this model has \d+ bytes"):
        export.read_state(with_checksum(after[:-6]), classifier)


# States ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def learner(tmp_path_factory):
    """A classifier, and its export that has not learnt since."""
    classifier = digits_classifier((45, 30), hidden_clip=21)
    return classifier, Exported(classifier, tmp_path_factory.mktemp("learner"), learn=True, batch_size=4)


@pytest.fixture
def fresh(learner):
    classifier, exported = learner
    exported.check("init", exported.ctx)
    return classifier, exported


def test_state_goes_to_python_and_back(fresh, tmp_path):
    """Device, Python, device, and always the same counters."""
    classifier, exported = fresh
    parts = [(X_DIGITS[a : a + 100], Y_DIGITS[a : a + 100]) for a in (600, 700, 800)]
    on_device_alone = copy.deepcopy(classifier).set_params(batch_size=4)
    for X, y in parts:
        on_device_alone.partial_fit(X, y)
    assert exported.learn(*parts[0]) == 0
    in_python = export.read_state(exported.save(), classifier).set_params(batch_size=4)
    in_python.partial_fit(*parts[1])
    exported.check("init", exported.ctx)
    assert exported.load(export.write_state(in_python)) == 0
    assert exported.learn(*parts[2]) == 0
    assert_same_network(export.read_state(exported.save(), classifier), on_device_alone)
    bitlocal.save(on_device_alone, tmp_path / "model.safetensors")
    assert export.write_state(bitlocal.load(tmp_path / "model.safetensors")) == exported.save()


def test_state_is_little_endian_and_documented(fresh):
    classifier, exported = fresh
    blob = exported.save()
    assert len(blob) == exported.macro("STATE_SIZE") == 32 + 4 * 5 * (45 * 6 + 30 * 2)
    assert (blob[:4], blob[4], blob[5], blob[6], blob[7]) == (b"BLst", 1, 2, 5, 0)
    assert int.from_bytes(blob[24:28], "little") == classifier.network_.state.step
    first_row = int.from_bytes(blob[28 : 28 + 4 * 6], "little")  # of the highest plane: the weights of neuron 0
    weights = [first_row >> j & 1 for j in range(classifier.network_.spec.n_inputs)]
    np.testing.assert_array_equal(weights, classifier.network_.weights(0)[0] > 0)


def test_reading_a_state_leaves_the_classifier_alone(fresh):
    classifier, exported = fresh
    before, step = classifier.network_.hidden_sha256(), classifier.network_.state.step
    assert exported.learn(X_DIGITS[:40], Y_DIGITS[:40]) == 0
    learnt = export.read_state(exported.save(), classifier)
    assert (classifier.network_.hidden_sha256(), classifier.network_.state.step) == (before, step)
    assert learnt.network_.hidden_sha256() != before


def test_unfinished_mini_batches_are_not_saved(fresh):
    classifier, exported = fresh
    blob = ctypes.create_string_buffer(exported.macro("STATE_SIZE"))
    assert exported.learn(X_DIGITS[:5], Y_DIGITS[:5]) == 0
    assert exported.call("save", exported.ctx, blob, (len(blob),)) == -5
    assert blob.raw == bytes(len(blob))
    exported.check("flush", exported.ctx)
    exported.check("save", exported.ctx, blob, (len(blob),))
    assert export.read_state(blob.raw, classifier).network_.state.step == classifier.network_.state.step + 2
    once = exported.ctx.raw
    exported.check("flush", exported.ctx)  # there is nothing to close
    assert exported.ctx.raw == once


def damaged(blob):
    """Every byte of the header, and others here and there, changed; and other lengths."""
    for at in [*range(28), *range(28, len(blob), 101), *range(len(blob) - 4, len(blob))]:
        yield blob[:at] + bytes([blob[at] ^ 0x10]) + blob[at + 1 :]
    yield from (blob[:-1], blob + b"\0", blob[:28], b"")


def with_checksum(content):
    return content + zlib.crc32(content).to_bytes(4, "little")


def test_bad_input_changes_nothing(fresh):
    classifier, exported = fresh
    assert exported.learn(X_DIGITS[:7], Y_DIGITS[:7]) == 0  # within a mini-batch
    good = export.write_state(classifier)
    before = exported.ctx.raw
    x = exported.features(X_DIGITS[:1])
    null = ctypes.c_void_p()
    logits = np.zeros(10, dtype=np.int32)
    for label in (-1, 10, 2**31 - 1, -(2**31)):
        assert exported.call("learn", exported.ctx, pointer(x), label) == -2
    assert exported.call("learn", exported.ctx, null, 0) == -1
    assert exported.call("learn", null, pointer(x), 0) == -1
    assert exported.call("load", exported.ctx, null, (len(good),)) == -1
    assert exported.call("load", null, good, (len(good),)) == -1
    assert exported.call("save", exported.ctx, null, (len(good),)) == -1
    assert exported.call("save", exported.ctx, good, (len(good) - 1,)) == -3
    assert exported.call("init", null) == exported.call("flush", null) == -1
    assert exported.call("predict", null) == exported.call("logits", null, pointer(logits)) == -1
    assert (
        exported.call("logits", pointer(x), null) == exported.call("ctx_logits", exported.ctx, pointer(x), null) == -1
    )
    assert exported.call("ctx_predict", null, pointer(x)) == exported.call("ctx_predict", exported.ctx, null) == -1
    for blob in damaged(good):
        assert exported.load(blob) == (-4 if len(blob) == len(good) else -3)
        with pytest.raises(export.ExportError):
            export.read_state(blob, classifier)
    assert exported.ctx.raw == before
    assert exported.load(good) == 0


def test_counters_that_cannot_be_are_refused(fresh):
    """A checksum that fits is no promise: bits beyond a row, and counters beyond their bounds."""
    classifier, exported = fresh
    good = export.write_state(classifier)
    n_inputs = classifier.network_.spec.n_inputs
    assert n_inputs % 32 != 0
    row_words = 6
    last_word = 28 + 4 * (row_words - 1)
    before = exported.ctx.raw
    beyond_row = bytearray(good)
    beyond_row[last_word + 3] |= 0x80
    lows = 28 + 4 * 45 * row_words
    beyond_row_below = bytearray(good)
    beyond_row_below[lows + 4 * 4 * row_words - 1] |= 0x80
    too_large, too_small = bytearray(good), bytearray(good)
    for at in (28, *range(lows, lows + 16, 4)):  # all planes of the first synapse
        too_large[at] |= 1
        too_small[at] &= 0xFE
    for blob in (beyond_row, beyond_row_below, too_large, too_small):
        blob = with_checksum(bytes(blob[:-4]))
        assert exported.load(blob) == -4
        with pytest.raises(export.ExportError, match="damaged"):
            export.read_state(blob, classifier)
    assert exported.ctx.raw == before


@pytest.mark.parametrize(
    "other",
    [
        {"random_state": 4},
        {"hidden_clip": 23},
        {"robustness": 0.5},
        {"reinforcement": 1.0},
        {"group_size": 5},
        {"hidden": (30, 45)},
        {"encoder": ThermometerEncoder(n_bits=3, strategy="uniform")},
    ],
    ids=str,
)
def test_states_of_other_models_are_refused(fresh, other):
    _, exported = fresh
    parameters = {"hidden": (45, 30), "hidden_clip": 21, **other}
    stranger = digits_classifier(**parameters)
    before = exported.ctx.raw
    assert exported.load(export.write_state(stranger)) in (-3, -4)
    assert exported.ctx.raw == before
    with pytest.raises(export.ExportError, match="another model"):
        export.read_state(exported.save(), stranger)


def test_error_messages(tmp_path):
    classifier = digits_classifier((45,))
    state = export.write_state(classifier)
    for call, message in [
        (lambda: export.c(classifier, tmp_path, learn=True, counter_bits=8), "train with --clip 255"),
        (lambda: export.write_state(classifier, counter_bits=4), "train with --clip 15"),
        (lambda: export.c(classifier, tmp_path, counter_bits=17), "from 2 to 16"),
        (lambda: export.c(classifier, tmp_path, batch_size=0), "from 1 to 4096"),
        (lambda: export.c(classifier, tmp_path, prefix="Net"), "small letters"),
        (lambda: export.c(classifier, tmp_path, prefix="int"), "small letters"),
        (lambda: export.c(classifier, tmp_path, prefix="math"), "math.h would hide"),
        (lambda: export.c(classifier, tmp_path, prefix="unistd"), "take my_unistd"),
        (lambda: export.c(classifier, tmp_path, prefix="a/b"), "small letters"),
        (lambda: export.read_state(b"x" * 100, classifier), "no state"),
        (lambda: export.read_state(state[:4] + b"\2" + state[5:], classifier), "format 2"),
        (lambda: export.read_state(state[:-4], classifier), "bytes"),
    ]:
        with pytest.raises(export.ExportError, match=message):
            call()
    assert list(tmp_path.iterdir()) == []


# The source ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Exports that use every part of the templates, under names of their own."""
    folder = tmp_path_factory.mktemp("sources")
    models = {
        "full_range": (digits_classifier((45, 30), hidden_clip=15), 1),
        "bounds_within": (digits_classifier((33,), hidden_clip=21), 8),
        "calm": (digits_classifier((33,), reinforcement=0.0), 100),
        "untrained": (digits_classifier((33, 66)), 1),
        "untrained_calm": (digits_classifier((33,), reinforcement=0.0), 2),
    }
    for prefix in ("untrained", "untrained_calm"):
        classifier = models[prefix][0]
        classifier.network_ = bitlocal.network.BinaryNetwork(classifier.network_.spec)
    for prefix, (classifier, batch_size) in models.items():
        export.c(classifier, folder, learn=True, prefix=prefix, batch_size=batch_size)
    export.c(digits_classifier((33,)), folder, prefix="inference")
    return sorted(folder.glob("*.c"))


@each_compiler
@pytest.mark.parametrize("level", ["-O0", "-Os", "-O3"])
def test_no_warnings(sources, compiler, level, tmp_path):
    for source in sources:
        subprocess.run([compiler, *STRICT, level, "-c", str(source), "-o", str(tmp_path / "c.o")], check=True)


@each_compiler
def test_compiles_as_cpp(sources, compiler, tmp_path):
    flags = ["-x", "c++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
    for source in sources:
        subprocess.run([compiler, *flags, "-c", str(source), "-o", str(tmp_path / "cpp.o")], check=True)


@each_compiler
def test_links_from_cpp_with_several_models(sources, compiler, tmp_path):
    """A C++ program calls models that were compiled as C; their names do not collide."""
    names = [source.stem for source in sources]
    includes = "".join(f'#include "{name}.h"\n' for name in names)
    calls = " + ".join(f"{name}_predict(nullptr)" for name in names)
    (tmp_path / "main.cpp").write_text(f"{includes}int main() {{ return {calls} == -{len(names)} ? 0 : 1; }}\n")
    objects = []
    for source in sources:
        objects.append(str(tmp_path / f"{source.stem}.o"))
        subprocess.run([*compile_command(compiler), "-c", str(source), "-o", objects[-1]], check=True)
    link = [compiler, "-x", "c++", "-I", str(sources[0].parent), str(tmp_path / "main.cpp"), "-x", "none", *objects]
    subprocess.run([*link, "-lstdc++", "-o", str(tmp_path / "main")], check=True)
    subprocess.run([str(tmp_path / "main")], check=True)


def needed_functions(command, source, folder):
    """Compile, and list what comes from elsewhere."""
    subprocess.run([*command, "-c", str(source), "-o", str(folder / "u.o")], check=True)
    listing = subprocess.run(["nm", "-u", str(folder / "u.o")], check=True, capture_output=True, text=True)
    return {line.split()[-1] for line in listing.stdout.splitlines()}


@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="the option is of x86-64 and AArch64")
@pytest.mark.skipif(shutil.which("nm") is None, reason="needs nm (binutils)")
@each_compiler
def test_no_floating_point_no_allocation_no_output(sources, compiler, tmp_path):
    """Within general registers, nothing but functions of string.h comes from elsewhere: no emulation of floats, too."""
    command = [*compile_command(compiler), "-mgeneral-regs-only", "-fno-stack-protector", "-fno-pic"]
    for source in sources:
        assert needed_functions(command, source, tmp_path) <= {"memset", "memcpy"}
    (tmp_path / "f.c").write_text("int f(int x);\nint f(int x) {\n    return (int)((float)x * 1.5f);\n}\n")
    try:
        found = needed_functions(command, tmp_path / "f.c", tmp_path)
    except subprocess.CalledProcessError:
        return  # GCC refuses what would be emulated
    assert found  # clang emulates


@pytest.mark.skipif(shutil.which("size") is None, reason="needs size (binutils)")
def test_all_memory_is_the_callers(sources, tmp_path):
    for source in sources:
        subprocess.run([*compile_command("gcc"), "-c", str(source), "-o", str(tmp_path / "d.o")], check=True)
        sizes = subprocess.run(["size", str(tmp_path / "d.o")], check=True, capture_output=True, text=True)
        data, bss = sizes.stdout.splitlines()[1].split()[1:3]
        assert (data, bss) == ("0", "0")


@each_compiler
def test_sanitizers(compiler, tmp_path):
    """The fuzz target on a valid state and variations of it, under the address and undefined-behaviour sanitizers."""
    classifier = small_model()
    export.c(classifier, tmp_path, learn=True)
    blob = export.write_state(classifier)
    inputs = [blob, blob[24:-4], b"", blob[:-1], *[bytes([255]) * n for n in (1, 40, 400, len(blob))]]
    rng = np.random.default_rng(0)
    inputs += [rng.bytes(int(n)) for n in rng.integers(1, 2 * len(blob), 50)]
    tables = "".join(
        f"static const uint8_t input_{i}[] = {{{', '.join(map(str, data or b'x'))}}};\n"
        for i, data in enumerate(inputs)
    )
    calls = "".join(f"    LLVMFuzzerTestOneInput(input_{i}, {len(data)}u);\n" for i, data in enumerate(inputs))
    (tmp_path / "main.c").write_text(
        "#include <stddef.h>\n#include <stdint.h>\nint LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);\n"
        f"{tables}int main(void) {{\n{calls}    return 0;\n}}\n"
    )
    target = FUZZ / "state.c"
    command = [compiler, "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I", str(tmp_path)]
    files = [str(tmp_path / "bmlp.c"), str(target), str(tmp_path / "main.c"), "-o", str(tmp_path / "sanitized")]
    built = subprocess.run([*command, *files], check=False, capture_output=True, text=True)
    if "cannot find" in built.stderr:
        pytest.skip(f"needs the sanitizers' libraries for {compiler} (Debian: libclang-rt-dev)")
    assert built.returncode == 0, built.stderr
    subprocess.run([str(tmp_path / "sanitized")], check=True)


def test_fuzz_state(tmp_path):
    """A few seconds; `make fuzz` runs longer."""
    if shutil.which("clang") is None:
        pytest.skip("needs clang")
    probe = tmp_path / "probe.c"
    probe.write_text(
        "#include <stddef.h>\n#include <stdint.h>\nint LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);\n"
        "int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n) { return d == NULL && n > 0; }\n"
    )
    command = ["clang", "-fsanitize=fuzzer,address,undefined", str(probe), "-o", str(tmp_path / "probe")]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("needs clang's libFuzzer (Debian: libclang-rt-dev)")
    script = FUZZ / "run.py"
    result = subprocess.run(
        [sys.executable, str(script), "4"], check=False, capture_output=True, text=True, cwd=tmp_path, timeout=120
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert "Done " in result.stderr


# Layouts and the command line ------------------------------------------------------------------------------------


@pytest.mark.parametrize("learn", [False, True])
@pytest.mark.parametrize("encoder", ["thermometer3", "bits", "float"])
def test_make_layout_runs(encoder, learn, tmp_path):
    X = {"thermometer3": X_DIGITS, "bits": X_DIGITS > 7, "float": X_DIGITS / 16}[encoder]
    labels = np.array(['a "quoted" \\ name', "è", "??/", "%s", *"456789"], dtype=object)[Y_DIGITS]
    classifier = BMLPClassifier(
        (45,), encoder=None if encoder == "bits" else "thermometer3", max_iter=3, random_state=3
    )
    classifier.fit(X[:500], labels[:500])
    export.c(classifier, tmp_path, learn=learn, prefix="digits_net", layout="make", samples=X[600:620])
    if shutil.which("make") is None:
        pytest.skip("needs make")
    flags = "CFLAGS=-O1 -Wall -Wextra -Wpedantic -Werror"
    result = subprocess.run(["make", "-s", "run", flags], cwd=tmp_path, check=True, capture_output=True)
    lines = result.stdout.decode().splitlines()
    assert [line.split(": ", 1)[1] for line in lines[:20]] == classifier.predict(X[600:620]).tolist()
    assert len(lines) == 21 if learn else 20


def test_program_notices_another_prediction(tmp_path):
    export.c(digits_classifier(), tmp_path, layout="make")
    samples = tmp_path / "samples.h"
    text = samples.read_text()
    start = text.index("bmlp_expected[BMLP_N_SAMPLES] = {") + len("bmlp_expected[BMLP_N_SAMPLES] = {")
    samples.write_text(f"{text[:start]}{(int(text[start]) + 1) % 10}{text[start + 1 :]}")
    command = ["gcc", str(tmp_path / "main.c"), str(tmp_path / "bmlp.c"), "-o", str(tmp_path / "demo")]
    subprocess.run(command, check=True)
    result = subprocess.run([str(tmp_path / "demo")], check=False, capture_output=True, text=True)
    assert result.returncode == 1
    assert "not what bitlocal predicted" in result.stdout


def test_cmake_layout_runs(tmp_path):
    if shutil.which("cmake") is None:
        pytest.skip("needs cmake")
    classifier = digits_classifier()
    written = export.c(classifier, tmp_path / "sources", layout="cmake", learn=True, prefix="net")
    assert {path.name for path in written} == {"net.h", "net.c", "main.c", "samples.h", "CMakeLists.txt"}
    build = tmp_path / "build"
    for command in (
        ["cmake", "-S", tmp_path / "sources", "-B", build],
        ["cmake", "--build", build],
        ["ctest", "--test-dir", build, "--output-on-failure"],
    ):
        subprocess.run(list(map(str, command)), check=True, capture_output=True)


@pytest.mark.parametrize("learn", [False, True])
def test_arduino_layout(learn, tmp_path):
    """The sketch compiles as the Arduino IDE would compile it, against a stand-in for its core."""
    export.c(digits_classifier(), tmp_path, layout="arduino", learn=learn, prefix="digits_net")
    properties = dict(line.split("=", 1) for line in (tmp_path / "library.properties").read_text().splitlines())
    required = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}
    assert required <= set(properties)
    assert (tmp_path / "src" / properties["includes"]).is_file()
    sketch = tmp_path / "examples" / "digits_net_demo" / "digits_net_demo.ino"
    (tmp_path / "Arduino.h").write_text(
        "struct Port {\n    void begin(long);\n    void print(int);\n    void print(const char *);\n"
        "    void println(const char *);\n};\nextern Port Serial;\nvoid delay(unsigned long);\n"
    )
    flags = ["-x", "c++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-include", str(tmp_path / "Arduino.h")]
    includes = ["-I", str(tmp_path / "src"), "-I", str(sketch.parent)]
    subprocess.run(["gcc", *flags, *includes, "-c", str(sketch), "-o", str(tmp_path / "sketch.o")], check=True)


def run(*arguments):
    """Run the command in this process, which saves it the start."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["bitlocal", *map(str, arguments)]),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return subprocess.CompletedProcess(arguments, ended.value.code, stdout.getvalue(), stderr.getvalue())


def test_command_line(tmp_path):
    """Train, export, learn in C, and import what was learnt."""
    model = tmp_path / "model.safetensors"
    training = ["--hidden", "45", "--epochs", "1", "--encoder", "thermometer3", "--clip", "255", "--quiet"]
    assert run("train", "digits", *training, "--out", model).returncode == 0
    done = run("export", "c", model, "--out", tmp_path / "c", "--learn", "--batch-size", "2", "--layout", "make",
               "--samples", "digits", "--prefix", "net")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "net.c" in done.stdout
    assert "#define NET_BATCH_SIZE 2u" in (tmp_path / "c" / "net.h").read_text()
    assert "#define NET_N_SAMPLES 5" in (tmp_path / "c" / "samples.h").read_text()

    classifier = bitlocal.load(model)
    exported = Exported(classifier, tmp_path, learn=True, batch_size=2)
    assert run("export", "state", model, "--out", tmp_path / "state").returncode == 0
    assert (tmp_path / "state").read_bytes() == exported.save()
    assert exported.learn(X_DIGITS[:50], Y_DIGITS[:50]) == 0
    (tmp_path / "learnt").write_bytes(exported.save())
    done = run("import-state", model, tmp_path / "learnt", "--out", tmp_path / "learnt.safetensors")
    assert done.returncode == 0, done.stderr
    assert "25 mini-batches" in done.stdout
    learnt = bitlocal.load(tmp_path / "learnt.safetensors")
    assert_same_network(learnt, classifier.set_params(batch_size=2).partial_fit(X_DIGITS[:50], Y_DIGITS[:50]))
    np.testing.assert_array_equal(exported.predict(X_DIGITS, learnt=True)[1], logits_of(learnt, X_DIGITS))


def test_command_line_errors(tmp_path):
    model = tmp_path / "model.safetensors"
    bitlocal.save(digits_classifier(), model)
    for arguments, message in [
        (["export", "c", model, "--out", tmp_path / "c", "--counter-bits", "8", "--learn"], "train with --clip 255"),
        (["import-state", model, model, "--out", tmp_path / "new.safetensors"], "no state of a device"),
        (["import-state", model, tmp_path / "none", "--out", tmp_path / "new.safetensors"], "No such file"),
        (["export", "state", model, "--out", model], "read from"),
    ]:
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1


# What it costs ---------------------------------------------------------------------------------------------------

TARGETS = [
    pytest.param(t, id=t.name, marks=pytest.mark.skipif(not shutil.which(t.compiler), reason=f"needs {t.packages}"))
    for t in report.TARGETS
]


@pytest.mark.parametrize("target", TARGETS[:-1])
def test_no_warnings_of_cross_compilers(target, sources, tmp_path):
    """Where int has 16 bits, too."""
    for source in sources:
        for level in ("-Os", "-O2"):
            command = [target.compiler, *target.flags, *STRICT, level, "-c", str(source), "-o", str(tmp_path / "c.o")]
            subprocess.run(command, check=True)


@pytest.mark.parametrize("target", TARGETS)
def test_report_of_an_export(target, sources):
    """Flash as a linker that drops what is not reached has it; memory as the compiler has it."""
    source = next(path for path in sources if path.stem == "full_range")
    header = source.with_suffix(".h").read_text()
    (cost,) = report.measure(header, source.read_text(), "full_range", [target], ["-Os"])
    assert cost.error == ""
    assert cost.ram_static == 0
    counters = 4 * 4 * (45 * 6 + 30 * 2)
    assert counters < cost.ram_context < counters + 200
    assert 0 < cost.stack_inference < cost.stack_learning < 1000
    for functions, flash in (("predict logits", cost.flash_inference), ("init learn flush ctx_predict ctx_logits "
                                                                        "save load", cost.flash_learning)):  # fmt: skip
        linked = linked_size(target, source, [f"full_range_{name}" for name in functions.split()])
        assert flash <= linked + 32
        assert linked <= flash + 400  # the linker aligns functions and tables


def linked_size(target, source, functions):
    """Let the linker keep what functions need, and add up code and constants."""
    program = source.parent / "kept"
    keep = [f"-Wl,-u,{name}" for name in functions]
    dropping = ["-Wl,--gc-sections", "-Wl,--no-relax", f"-Wl,-e,{functions[0]}", "-Wl,--unresolved-symbols=ignore-all"]
    flags = [*target.flags, "-Os", "-std=c99", "-ffunction-sections", "-fdata-sections", "-nostdlib", "-static"]
    subprocess.run([target.compiler, *flags, str(source), *dropping, *keep, "-o", str(program)], check=True)
    size = [f"{target.tools}size", "-A", str(program)]
    listing = subprocess.run(size, check=True, capture_output=True, text=True).stdout
    sections = [line.split() for line in listing.splitlines() if line.startswith((".text", ".rodata"))]
    return sum(int(section[1]) for section in sections)


def test_report_adds_up_the_stack_of_a_chain_of_calls():
    """Known frames: the deepest chain counts, not the sum of all functions."""
    host = report.TARGETS[-1]
    if shutil.which("gcc") is None or shutil.which("objdump") is None:
        pytest.skip("needs gcc and objdump")
    leaf = """\
static __attribute__((noinline)) int {0}(int i) {{
    volatile char room[{1}];
    room[i] = 1;
    return room[i] + {2};
}}
"""
    text = (
        '#include "net.h"\n' + leaf.format("small", 600, 1) + leaf.format("large", 3000, 1)
        + leaf.format("middle", 1000, "large(i)") + "int net_predict(int i) { return middle(i) + small(i); }\n"
        "int net_logits(int i) { return large(i) + small(i); }\nint net_unused(int i) { return i; }\n"
    )  # fmt: skip
    header = "int net_predict(int i);\nint net_logits(int i);\nint net_unused(int i);\n"
    (cost,) = report.measure(header, text, "net", [host], ["-O1"])
    assert 3800 <= cost.stack_inference < 4300  # x86-64 spares functions that call no other 128 bytes
    assert (cost.stack_learning, cost.flash_learning, cost.ram_context) == (0, 0, 0)


def test_report_tells_why_it_cannot_be_compiled():
    host = report.TARGETS[-1]
    if shutil.which("objdump") is None:
        pytest.skip("needs objdump")
    (cost,) = report.measure(
        "int net_predict(void);\n", "int net_predict(void) { return x; }\n", "net", [host], ["-Os"]
    )
    assert "undeclared" in cost.error


def test_report_of_missing_compilers(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    absent = dict(report.missing())
    assert absent["arm-none-eabi-gcc"].startswith("gcc-arm-none-eabi")
    assert {"riscv64-unknown-elf-gcc", "avr-gcc", "gcc"} < set(absent)
    assert report.measure("", "", "net") == []


def test_operations_follow_from_the_shapes():
    classifier = digits_classifier((45, 30), group_size=15)
    n_inputs = classifier.network_.spec.n_inputs
    work = report.operations(make_plan(of(classifier)))
    words = -(-n_inputs // 32)
    assert work.synapses == n_inputs * 45 + 45 * 30 + 10 * 30
    assert work.inference_words == 45 * words + 30 * 2 + 10 * 1
    assert work.learning_words == work.inference_words + 10 * 2
    assert work.update_words == 3 * words + 2 * 2
    thresholds = classifier.network_.reinforcement_thresholds()
    assert work.reinforced * 2**32 == pytest.approx(n_inputs * 45 * thresholds[0] + 45 * 30 * thresholds[1])
    assert (work.readout, work.readout_updates) == (0, 0)
    learned = report.operations(make_plan(of(digits_classifier((45, 30), group_size=15, readout="learned"))))
    assert learned.inference_words == 45 * words + 30 * 2  # no votes, but sums
    assert (learned.readout, learned.readout_updates) == (10 * 30, 2 * 30)
    assert (learned.synapses, learned.learning_words) == (work.synapses, work.learning_words)


def test_report_on_the_command_line(tmp_path):
    model = tmp_path / "model.safetensors"
    bitlocal.save(digits_classifier(), model)
    done = run("export", "c", model, "--out", tmp_path, "--learn", "--report")
    assert done.returncode == 0, done.stderr
    assert "stack, learning" in done.stdout
    assert "words of counters to change" in done.stdout
    for target in report.TARGETS:
        known = shutil.which(target.compiler) is not None
        assert (target.name in done.stdout) == known
        assert (f"apt-get install {target.packages}" in done.stdout) != known
