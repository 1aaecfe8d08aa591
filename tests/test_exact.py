"""The compiled core against the independent reference: identical hidden weights, bit for bit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from bitlocal import _core
from bitlocal.bits import pack
from bitlocal.network import BinaryNetwork
from bitlocal.samples.weights import to_fixed
from bitlocal.spec import Spec
from bitlocal.state import Counts
from specs import flat_spec


@pytest.fixture(autouse=True, params=[name for name, _ in _core.instruction_sets()], scope="module")
def isa(request):
    """Every test of this file runs on every instruction set."""
    if not dict(_core.instruction_sets())[request.param]:
        pytest.skip(f"this processor does not support {request.param}")
    before = _core.instruction_set()
    _core.use_instruction_set(request.param)
    yield request.param
    assert _core.instruction_set() == request.param, "the tests ran on something else"
    _core.use_instruction_set(before)


# Around the edges of a 64-bit word and of a block of 8 neurons.
SIZES = st.sampled_from([1, 2, 7, 8, 9, 31, 33, 63, 64, 65, 100, 127, 128, 129, 200])


@st.composite
def problems(draw):
    """A network and some data for it."""
    sizes = tuple(draw(st.lists(SIZES, min_size=1, max_size=3)))
    n_classes = draw(st.integers(2, 11))
    common = np.gcd.reduce(sizes)
    divisors = [int(d) for d in range(1, common + 1) if common % d == 0]
    variant = draw(st.sampled_from(["", "", "majority", "freeze_first", "train_classifier", "single_output"]))
    if variant == "majority":
        sizes = sizes[:1]
    if variant == "single_output":
        n_classes = 2
    options = {variant: True} if variant else {}
    if variant == "freeze_first" and (len(sizes) == 1 or draw(st.booleans())):
        options["train_classifier"] = True
    spec = flat_spec(
        n_inputs=draw(SIZES),
        hidden_layer_sizes=sizes,
        n_classes=n_classes,
        group_size=draw(st.sampled_from(divisors)),
        robustness=draw(st.sampled_from([0.0, 0.1, 0.25, 1.0])),
        reinforcement=draw(st.sampled_from([0.0, 0.5, 1.0])),
        hidden_clip=draw(st.sampled_from([None, 1, 3, 15, 127, 65535])),
        seed=draw(st.integers(0, 2**64 - 1)),
        **options,
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.sampled_from([1, 2, 15, 17, 40, 100]))
    X = rng.random((n, spec.n_inputs)) < 0.5
    y = rng.integers(0, n_classes, n)
    batch_size = draw(st.sampled_from([1, 2, 7, 16, 33, n, 1000]))
    return spec, X, y, batch_size


def make_reference(spec: Spec, margins: list[int]) -> reference.ReferenceNetwork:
    return reference.ReferenceNetwork(
        list(spec.layer_sizes),
        spec.n_classes,
        [block.group_size for block in spec.blocks],
        margins,
        spec.rule.hidden_clip,
        spec.rule.reinforcement,
        spec.seed,
        majority=bool(spec.blocks[0].pools),
        freeze_first=spec.blocks[0].frozen,
        train_classifier=spec.target.trained,
        single_output=spec.target.single_output,
    )


def margins_of(spec: Spec) -> list[int]:
    """The margins in whole percent arithmetic, so that this does not repeat the code under test."""
    sizes = [block.n_neurons // (block.group_size if block.pools else 1) for block in spec.blocks]
    margins = [round(100 * spec.rule.robustness) * size // 100 for size in sizes]
    return [2 * margin or 1 for margin in margins] if spec.target.single_output else margins


@settings(max_examples=100, deadline=None)
@given(problems(), st.integers(1, 3))
def test_training_equals_reference(problem, n_threads):
    spec, X, y, batch_size = problem
    network = BinaryNetwork(spec)
    expected = make_reference(spec, margins_of(spec))
    for layer in range(network.n_layers):
        np.testing.assert_array_equal(network.counters(layer), expected.h[layer])
        np.testing.assert_array_equal(network.local_classifier(layer), expected.P[layer])
    bits = pack(X)
    signs = np.where(X, 1, -1)
    total = Counts()
    for _ in range(3):
        counts = network.train_epoch(bits, y, batch_size=batch_size, n_threads=n_threads)
        correct, errors = expected.train_epoch(signs, y, batch_size)
        assert (counts.seen, counts.correct, counts.errors) == (len(y), correct, list(errors))
        total.add(counts)
    assert (total.updates, total.draws, total.reinforced) == (expected.updates, expected.draws, expected.reinforced)
    assert total.batches == network.state.step == expected.step
    if spec.target.trained:
        np.testing.assert_array_equal(network.classifier_counters(), expected.h_classifier)
    np.testing.assert_array_equal(network.local_classifier(network.n_layers - 1), expected.P[-1])
    for layer in range(network.n_layers):
        np.testing.assert_array_equal(network.counters(layer), expected.h[layer])
        np.testing.assert_array_equal(network.hidden_weights(layer), 2 * expected.h[layer] + 1)
        np.testing.assert_array_equal(network.weights(layer), np.where(expected.h[layer] >= 0, 1, -1))
    np.testing.assert_array_equal(network.logits(bits, n_threads=n_threads), expected.logits(signs))
    np.testing.assert_array_equal(network.predict(bits), expected.predict(signs))
    assert network.hidden_sha256() == expected.digest()


WEIGHTS = st.sampled_from([0, 1, 2**31, 2**32 - 1, 2**32, 3 * 2**31, 2**33, 7 * 2**32 + 5, 32767 * 2**32])


@settings(max_examples=40, deadline=None)
@given(problems(), st.integers(1, 3), st.data())
def test_weighted_training_equals_reference(problem, n_threads, data):
    spec, X, y, batch_size = problem
    weights = np.array(data.draw(st.lists(WEIGHTS, min_size=len(y), max_size=len(y))), dtype=np.uint64)
    if len(y) > 2:  # the reference repeats samples
        weights[weights > 2**34] = 3 * 2**32
    network = BinaryNetwork(spec)
    expected = make_reference(spec, margins_of(spec))
    total = Counts()
    for _ in range(2):
        before = expected.presented
        counts = network.train_epoch(pack(X), y, weights=weights, batch_size=batch_size, n_threads=n_threads)
        correct, errors = expected.train_epoch(np.where(X, 1, -1), y, batch_size, weights=weights)
        assert (counts.seen, counts.correct, counts.errors) == (expected.presented - before, correct, list(errors))
        assert counts.rows == len(y)
        total.add(counts)
    assert (total.updates, total.draws, total.reinforced) == (expected.updates, expected.draws, expected.reinforced)
    assert (network.state.wrong, network.state.seen) == (expected.wrong, expected.seen)
    assert network.hidden_sha256() == expected.digest()


@pytest.mark.parametrize("hidden", [(150,), (150, 75), (90, 45, 15)])
def test_larger_network_equals_reference(hidden):
    """Learnable data, so that errors become rare, margins matter and reinforcement slows down."""
    spec = flat_spec(n_inputs=300, hidden_layer_sizes=hidden, n_classes=5, group_size=15, reinforcement=0.5, seed=7)
    rng = np.random.default_rng(1)
    prototypes = rng.random((5, 300)) < 0.5
    y = rng.integers(0, 5, 1000)
    X = prototypes[y] ^ (rng.random((1000, 300)) < 0.35)
    network = BinaryNetwork(spec)
    expected = make_reference(spec, margins_of(spec))
    for _ in range(4):
        counts = network.train_epoch(pack(X), y, batch_size=50, n_threads=2)
        expected.train_epoch(np.where(X, 1, -1), y, 50)
    assert counts.correct > 900
    assert 0 < counts.errors[0] < 1000
    assert network.hidden_sha256() == expected.digest()


@pytest.mark.parametrize("n_threads", [2, 3, 5])
def test_threads_do_not_matter(n_threads):
    rng = np.random.default_rng(2)
    bits, y = pack(rng.random((500, 130)) < 0.5), rng.integers(0, 4, 500)
    spec = flat_spec(n_inputs=130, hidden_layer_sizes=(105, 45), n_classes=4, group_size=15, seed=3)
    digests = set()
    for threads in (1, n_threads):
        network = BinaryNetwork(spec)
        for _ in range(3):
            network.train_epoch(bits, y, batch_size=70, n_threads=threads)
        digests.add(network.hidden_sha256())
    assert len(digests) == 1


def test_order_within_a_batch_does_not_matter():
    rng = np.random.default_rng(4)
    X, y = rng.random((90, 64)) < 0.5, rng.integers(0, 3, 90)
    digests = set()
    for order in (np.arange(90), rng.permutation(90)):
        spec = flat_spec(n_inputs=64, hidden_layer_sizes=(45,), n_classes=3, group_size=15, hidden_clip=5)
        network = BinaryNetwork(spec)
        network.train_stream(pack(X[order]), y[order], batch_size=90)
        digests.add(network.hidden_sha256())
    assert len(digests) == 1


def test_parts_of_a_stream_do_not_matter():
    rng = np.random.default_rng(5)
    bits, y = pack(rng.random((100, 50)) < 0.5), rng.integers(0, 3, 100)
    spec = flat_spec(n_inputs=50, hidden_layer_sizes=(30,), n_classes=3, group_size=15)
    at_once, in_parts = BinaryNetwork(spec), BinaryNetwork(spec)
    at_once.train_stream(bits, y, batch_size=10)
    for first in range(0, 100, 20):
        in_parts.train_stream(bits[first : first + 20], y[first : first + 20], batch_size=10)
    assert at_once.hidden_sha256() == in_parts.hidden_sha256()
    assert at_once.state == in_parts.state


@settings(max_examples=40, deadline=None)
@given(problems(), st.integers(1, 40), st.lists(st.integers(1, 5), min_size=1, max_size=9), st.booleans())
def test_windows_of_a_stream_equal_reference(problem, window, cuts, weighted):
    """However a stream is cut between mini-batches, a window takes the place of the previous epoch when it is full."""
    spec, X, y, batch_size = problem
    rng = np.random.default_rng(len(y))
    weights = to_fixed(rng.random(len(y)) * 2) if weighted else None
    network, expected = BinaryNetwork(spec), make_reference(spec, margins_of(spec))
    network.state.window = window
    answers = np.empty((len(y), spec.n_classes), dtype=np.int32)
    first, rows, wrong, seen = 0, 0, 0, 0
    for n_batches in itertools.cycle(cuts):
        part = slice(first, min(first + n_batches * batch_size, len(y)))
        if part.start == part.stop:
            break
        of_part = None if weights is None else weights[part]
        network.train_stream(
            pack(X)[part], y[part], weights=of_part, batch_size=batch_size, n_threads=2, logits=answers[part]
        )
        for start in range(first, part.stop, batch_size):
            batch = slice(start, min(start + batch_size, part.stop))
            signs, before = np.where(X[batch], 1, -1), expected.presented
            np.testing.assert_array_equal(answers[batch], expected.logits(signs))
            correct, _ = expected.train_batch(signs, y[batch], None if weights is None else weights[batch])
            rows += batch.stop - batch.start
            seen += expected.presented - before
            wrong += expected.presented - before - correct
            if rows >= window:
                if seen:
                    expected.wrong, expected.seen = wrong, seen
                rows = wrong = seen = 0
        first = part.stop
    state = network.state
    assert (state.window_rows, state.window_wrong, state.window_seen) == (rows, wrong, seen)
    assert (state.wrong, state.seen) == (expected.wrong, expected.seen)
    assert network.hidden_sha256() == expected.digest()


def test_an_epoch_drops_a_window_that_is_not_full():
    rng = np.random.default_rng(8)
    bits, y = pack(rng.random((40, 50)) < 0.5), rng.integers(0, 3, 40)
    network = BinaryNetwork(flat_spec(n_inputs=50, hidden_layer_sizes=(30,), n_classes=3, group_size=15))
    network.train_stream(bits, y, batch_size=10)
    assert network.state.window_rows == 40
    network.train_epoch(bits, y, batch_size=10)
    assert (network.state.window_rows, network.state.window_seen, network.state.seen) == (0, 0, 40)


def test_one_update_by_hand():
    """One neuron group of two, one sample; the arithmetic is in the comments.

    h = [[ 0, -1,  2],      H = [[ 1, -1,  5],      W = [[+, -, +],
         [-3,  1, -1]]           [-5,  3, -1]]           [-, +, -]]
    P = [[+, +], [-, -]], x = (+, +, -), y = 1, no margin.
    """
    spec = flat_spec(n_inputs=3, hidden_layer_sizes=(2,), n_classes=2, group_size=2, robustness=0.0, reinforcement=0.0)
    network = BinaryNetwork(spec)
    network.set_counters(0, np.array([[0, -1, 2], [-3, 1, -1]], dtype=np.int16))
    network.set_packed_local_classifier(0, np.array([[0b11], [0b00]], dtype=np.uint64))
    x = pack(np.array([[True, True, False]]))
    # z_0 = 1 - 1 - 1 = -1, z_1 = -1 + 1 + 1 = 1; a = (-, +); o = (0, 0): a tie, class 0 is predicted, so e = 1.
    assert network.logits(x).tolist() == [[0, 0]]
    counts = network.train_stream(x, np.array([1]), batch_size=1)
    assert counts.correct == 0
    assert counts.errors == [1]
    # a* = (-, -): stabilities (1, -1); neuron 1 is wrong and chosen. h_1j + 1 where x_j = -1, else - 1.
    assert network.counters(0).tolist() == [[0, -1, 2], [-4, 0, 0]]
    # h_1 = (-4, 0, 0) has W_1 = (-, +, +): z_1 = -1 + 1 - 1 = -1; a = (-, -); o = (-2, 2).
    assert network.logits(x).tolist() == [[-2, 2]]


def test_counters_saturate_once_for_the_whole_batch():
    """With clip 3 (h from -2 to 1), additions inside a mini-batch may pass the bound and come back."""
    spec = flat_spec(
        n_inputs=1, hidden_layer_sizes=(1,), n_classes=2, group_size=1, robustness=1.0, reinforcement=0.0, hidden_clip=3
    )
    network = BinaryNetwork(spec)
    network.set_packed_local_classifier(0, np.array([[1], [0]], dtype=np.uint64))
    network.set_counters(0, np.array([[-2]], dtype=np.int16))
    # W = -. Samples (x = +, y = 0): z = -1, a* = +, wrong: h + 1 each. Nine of them: -2 + 9 = 7, clamped to 1.
    network.train_stream(pack(np.ones((9, 1), dtype=bool)), np.zeros(9, dtype=int), batch_size=9)
    assert network.counters(0).tolist() == [[1]]


def test_int16_counters_saturate():
    """Without a clip the counter stops at the ends of int16, also for a mini-batch larger than that range."""
    spec = flat_spec(n_inputs=1, hidden_layer_sizes=(1,), n_classes=2, group_size=1, robustness=1.0, reinforcement=0.0)
    network = BinaryNetwork(spec)
    network.set_packed_local_classifier(0, np.array([[1], [0]], dtype=np.uint64))
    network.set_counters(0, np.array([[-32768]], dtype=np.int16))
    n = 70_000
    network.train_stream(pack(np.ones((n, 1), dtype=bool)), np.zeros(n, dtype=int), batch_size=n)
    assert network.counters(0).tolist() == [[32767]]


def test_peak_counts(isa):
    """The loop that is timed for the peak does what it says."""
    weights = [0x0123456789ABCDEF, 0x9E3779B97F4A7C15, 2**64 - 1, 1, 2**63, 0x5555555555555555, 2**32 - 1]
    weights.append(0xBF58476D1CE4E5B9)
    words = _core.popcount_peak_bits // (64 * len(weights))
    samples = [0x94D049BB133111EB * (r + 1) % 2**64 for r in range(1000)]
    expected = sum(words * (weight ^ sample).bit_count() for sample in samples for weight in weights)
    assert _core.popcount_peak(isa, 1000) == expected
    assert _core.popcount_peak(isa, 0) == 0


def test_long_inputs_equal_reference():
    """More words than the byte counters of a vector kernel can add up before they are flushed."""
    spec = flat_spec(n_inputs=17_000, hidden_layer_sizes=(9,), n_classes=3, group_size=3, seed=11)
    rng = np.random.default_rng(6)
    # All disagreements, all agreements, and everything between, so that no count is typical.
    X = rng.random((12, 17_000)) < np.linspace(0, 1, 12)[:, np.newaxis]
    y = rng.integers(0, 3, 12)
    network, expected = BinaryNetwork(spec), make_reference(spec, margins_of(spec))
    for h in (np.full((9, 17_000), 5), np.full((9, 17_000), -5), None):
        if h is not None:
            network.set_counters(0, h.astype(np.int16))
            expected.h[0] = h.astype(np.int64)
        network.train_epoch(pack(X), y, batch_size=5)
        expected.train_epoch(np.where(X, 1, -1), y, 5)
        np.testing.assert_array_equal(network.logits(pack(X)), expected.logits(np.where(X, 1, -1)))
    assert network.hidden_sha256() == expected.digest()


def test_robustness_is_read_as_the_decimal_that_is_written():
    def margins(spec: Spec) -> list[int]:
        return [block.margin for block in spec.blocks]

    assert margins(flat_spec(1, (100,), 2, 10, robustness=0.29)) == [29]  # 0.29 * 100 = 28.999... in binary
    assert margins(flat_spec(1, (1035, 525), 2, group_size=15, robustness=0.25)) == [258, 131]
