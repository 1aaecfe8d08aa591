"""Tests of the oracle in reference.py itself: published vectors, examples worked out by hand, statistics."""

import hashlib
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference as ref

SEED = 0x0123456789ABCDEF


# ----------------------------------------------------------------------------------------------------
# Philox and the streams
# ----------------------------------------------------------------------------------------------------

KNOWN_ANSWERS = [  # from the file kat_vectors of Random123
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_philox_known_answers(counter, key, expected):
    assert tuple(int(word) for word in ref.philox4x32(counter, key)) == expected


def test_philox_is_vectorised_over_counters():
    counters = [np.array([known[0][i] for known in KNOWN_ANSWERS]) for i in range(4)]
    together = ref.philox4x32(counters, (1, 2))
    for n, (counter, _, _) in enumerate(KNOWN_ANSWERS):
        alone = ref.philox4x32(counter, (1, 2))
        assert [int(word[n]) for word in together] == [int(word) for word in alone]


def test_words_of_the_zero_stream():
    # The first known answer, joined low half first.
    assert ref.words(0, 0, 0, 0, 0, 2).tolist() == [0xE169C58D6627E8D5, 0x9B00DBD8BC57AC4C]


def test_words_counter_and_key_layout():
    purpose, layer, step, row = 3, 7, 2**32 + 11, 13
    expected = []
    for block in range(3):
        # The step is taken modulo 2**32; the key is the seed, low half first.
        out = ref.philox4x32((block, row, 11, 3 * 2**24 + 7), (0x89ABCDEF, 0x01234567))
        w0, w1, w2, w3 = (int(word) for word in out)
        expected += [w0 + 2**32 * w1, w2 + 2**32 * w3]
    assert ref.words(SEED, purpose, layer, step, row, 6).tolist() == expected
    assert ref.words(SEED, purpose, layer, step, row, 5).tolist() == expected[:5]
    several = ref.words(SEED, purpose, layer, step, np.array([2, row]), 5)
    assert several.dtype == np.uint64
    assert several.shape == (2, 5)
    assert several[1].tolist() == expected[:5]


@given(seed=st.integers(0, 2**64 - 1), step=st.integers(0, 2**32 - 1), n=st.integers(0, 200))
@settings(max_examples=30, deadline=None)
def test_permutation_is_a_permutation(seed, step, n):
    order = ref.permutation(seed, ref.SAMPLE_ORDER, step, n)
    assert sorted(order.tolist()) == list(range(n))


def test_permutation_of_three_by_hand():
    # i = 2 exchanges with j = floor(3 word_2 / 2**64), then i = 1 with j = floor(2 word_1 / 2**64).
    seen = set()
    for step in range(60):
        _, w1, w2 = (int(w) for w in ref.words(SEED, ref.SAMPLE_ORDER, 0, step, 0, 3))
        order = {0: [2, 1, 0], 1: [0, 2, 1], 2: [0, 1, 2]}[3 * w2 // 2**64]
        if w1 < 2**63:
            order[0], order[1] = order[1], order[0]
        assert ref.permutation(SEED, ref.SAMPLE_ORDER, step, 3).tolist() == order
        seen.add(tuple(order))
    assert len(seen) == 6


def test_initial_counters_of_single_words():
    lo, hi = -32768, 32767
    h = ref.initial_counters(SEED, 2, 3, 5, lo, hi)
    for k in range(3):
        for j, word in enumerate(ref.words(SEED, 1, 2, 0, k, 5).tolist()):
            fields = [(word >> shift) % 32 for shift in (0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55)]
            assert h[k, j] == sum(fields) - 186 - (word >> 60) % 2
    assert np.array_equal(ref.initial_counters(SEED, 2, 3, 5, -4, 3), np.clip(h, -4, 3))


def test_initial_counters_mean_and_variance():
    h = ref.initial_counters(SEED, 1, 500, 1000, -32768, 32767)
    # Twelve uniform variables on 0 ... 31 have the mean 186 and the variance 12 (32**2 - 1) / 12 = 1023;
    # one bit adds -1/2 and 1/4.
    n = h.size
    assert abs(h.mean() + 0.5) < 4 * math.sqrt(1023.25 / n)
    assert abs(h.var() - 1023.25) < 4 * 1023.25 * math.sqrt(2 / n)
    # H = 2h + 1 is symmetric: half of the weights are positive.
    assert abs(np.mean(h >= 0) - 0.5) < 4 * 0.5 / math.sqrt(n)


def test_local_classifier_bits():
    P = ref.local_classifier(SEED, 3, 2, 130)
    assert P.shape == (2, 130)
    for label in range(2):
        joined = sum(word << (64 * i) for i, word in enumerate(ref.words(SEED, 2, 3, 0, label, 3).tolist()))
        assert P[label].tolist() == [1 if (joined >> k) & 1 else -1 for k in range(130)]


def test_local_classifier_is_balanced():
    P = ref.local_classifier(SEED, 1, 100, 1000)
    assert abs(P.mean()) < 4 / math.sqrt(P.size)


# ----------------------------------------------------------------------------------------------------
# Reinforcement
# ----------------------------------------------------------------------------------------------------


def test_threshold_special_values():
    assert ref.reinforcement_threshold(0, 1, 1, 100) == 0
    assert ref.reinforcement_threshold(0.5, 0, 10, 100) == 0
    assert ref.reinforcement_threshold(100.0, 1, 1, 1) == 2**32
    # c = round(0.25 * 0.63661977236758138 * 4294967296) = round(683565275.576...) = 683565276, and
    # floor(683565276 * 2**32 * 3 / (10 * 100)) lies between the squares of T and T + 1.
    T = ref.reinforcement_threshold(0.5, 3, 10, 100)
    assert T**2 <= 683565276 * 2**32 * 3 // 1000 < (T + 1) ** 2
    assert ref.reinforcement_threshold(Fraction(1, 2), 3, 10, 100) == T


@given(
    p_r=st.floats(0.01, 1),
    n_inputs=st.integers(1, 5000),
    counts=st.tuples(st.integers(1, 1000), st.integers(0, 1000)),
)
def test_threshold_is_the_probability(p_r, n_inputs, counts):
    wrong, seen = counts[0], sum(counts)
    p = p_r * math.sqrt(wrong / seen) * math.sqrt(2 / (math.pi * n_inputs))
    T = ref.reinforcement_threshold(p_r, wrong, seen, n_inputs)
    assert abs(T / 2**32 - p) <= 1e-5 * p + 2**-31


def test_survival_table():
    half = ref.survival_table(2**31)
    assert len(half) == 1024
    assert half[:64] == tuple(2 ** (63 - i) for i in range(64))
    assert set(half[64:]) == {0}
    assert set(ref.survival_table(2**32)) == {0}
    # q = 2**32 - 1: S[1] = 2**64 - 2**32; S[2] = 2**64 - 2 * 2**32 + 1;
    # S[3] = S[2] - ceil(S[2] / 2**32) = S[2] - (2**32 - 1).
    assert ref.survival_table(1)[:3] == (2**64 - 2**32, 2**64 - 2**33 + 1, 2**64 - 3 * 2**32 + 2)


def test_gap_lengths_at_the_boundaries():
    # For T = 2**31 the table is 2**63, 2**62, ..., 1, 0, 0, ...; an entry counts when it exceeds the word.
    u = np.array([2**64 - 1, 2**63, 2**63 - 1, 2**62, 2**62 - 1, 1, 0], dtype=np.uint64)
    assert ref.gap_lengths(2**31, u).tolist() == [0, 0, 1, 1, 2, 63, 64]
    assert ref.gap_lengths(2**32, u).tolist() == [0] * 7
    assert ref.gap_lengths(1, u[-1:]).tolist() == [1024]


def test_everything_or_nothing_is_reinforced():
    assert ref.reinforced_synapses(SEED, 1, 0, 0, 10, 0) == []
    assert ref.reinforced_synapses(SEED, 1, 0, 0, 10, 2**32) == list(range(10))
    assert not ref.reinforcement_mask(SEED, 1, 0, 2, 10, 0).any()
    assert ref.reinforcement_mask(SEED, 1, 0, 2, 10, 2**32).all()


@given(
    seed=st.integers(0, 2**64 - 1),
    step=st.integers(0, 2**33),
    n_inputs=st.integers(1, 3000),
    T=st.one_of(st.integers(0, 2**32), st.integers(1, 2**24)),
)
@settings(max_examples=40, deadline=None)
def test_mask_agrees_with_the_plain_loop(seed, step, n_inputs, T):
    mask = ref.reinforcement_mask(seed, 2, step, 2, n_inputs, T)
    for row in range(2):
        assert np.flatnonzero(mask[row]).tolist() == ref.reinforced_synapses(seed, 2, step, row, n_inputs, T)


@pytest.mark.parametrize(
    ("n_rows", "n_inputs", "T"),
    # The last one needs gaps of 1024 and more.
    [(4000, 300, 2**32 // 30), (4000, 64, 3 * 2**30), (1500, 2500, 2**32 // 2000)],
)
def test_gap_law(n_rows, n_inputs, T):
    p = T / 2**32
    mask = ref.reinforcement_mask(SEED, 1, 5, n_rows, n_inputs, T)
    # The share of reinforced synapses.
    assert abs(mask.mean() - p) < 4 * math.sqrt(p * (1 - p) / mask.size)
    # It is the same at every position: chi squared over the columns.
    chi2 = np.sum((mask.sum(axis=0) - n_rows * p) ** 2) / (n_rows * p * (1 - p))
    assert abs(chi2 - n_inputs) < 4 * math.sqrt(2 * n_inputs + n_inputs / (n_rows * p))
    # Synapses at any small distance are independent.
    for distance in (1, 2, 3, 10):
        both = mask[:, distance:] & mask[:, :-distance]
        assert abs(both.mean() - p * p) < 5 * math.sqrt(p * p * (1 + 2 * p) / both.size)


def test_gaps_do_not_depend_on_position():
    T = 2**32 // 20
    p = T / 2**32
    mask = ref.reinforcement_mask(SEED, 1, 6, 6000, 1200, T)
    # Gaps that start in the first, second and third part of the row; a part ends far from the end of the row,
    # where long gaps would be cut off.
    for first, last in ((0, 300), (300, 600), (600, 900)):
        gaps = []
        for row in mask:
            ends = np.flatnonzero(row)
            starts = ends[:-1] + 1
            gaps.append((ends[1:] - starts)[(starts >= first) & (starts < last)])
        gaps = np.concatenate(gaps)
        sigma = math.sqrt(1 - p) / p
        assert abs(gaps.mean() - (1 - p) / p) < 4 * sigma / math.sqrt(gaps.size)
        for g in (1, 5, 20, 50):
            tail = (1 - p) ** g
            assert abs(np.mean(gaps >= g) - tail) < 4 * math.sqrt(tail * (1 - tail) / gaps.size)


# ----------------------------------------------------------------------------------------------------
# The network, by hand
# ----------------------------------------------------------------------------------------------------

HIDDEN = [[2, 0, 1, 2], [0, 2, -3, -1], [1, -3, 0, 2], [-1, -3, -2, 0]]
CLASSIFIER = [[-1, -1, -1, 1], [1, -1, 1, 1]]
A, B, C, D = (1, 1, 1, -1), (1, -1, -1, -1), (1, -1, 1, 1), (-1, -1, -1, -1)


def small_network(reinforcement=0.0, sizes=(4, 4), group_sizes=(2,), margins=(1,)):
    net = ref.ReferenceNetwork(sizes, 2, group_sizes, margins, 5, reinforcement, SEED)
    net.h[0] = np.array(HIDDEN)
    net.P[0] = np.array(CLASSIFIER)
    return net


def test_one_update_by_hand():
    # 4 inputs, 4 neurons in groups {0, 1} and {2, 3}, margin 1, clip 5: h stays within -3 ... 2.
    # Signs of h:  neuron 0: + + + +   neuron 1: + + - -   neuron 2: + - + +   neuron 3: - - - +
    # P[0] = (- - - +), P[1] = (+ - + +).
    #
    # Sample A, x = (+ + + -), y = 0: z = (2, 2, 0, -4), a = (+ + + -), o = (-4, 0): class 1, wrong, e = 1.
    #   Desired (- - - +): Delta = (-2, -2, 0, -4). Group {0, 1}: a tie, so neuron 0. Group {2, 3}: neuron 2
    #   is not wrong (Delta = 0, although its activation is not the desired one), so neuron 3.
    #   Neuron 0 gets -x = (-1, -1, -1, +1), neuron 3 gets +x = (+1, +1, +1, -1).
    # Sample B, x = (+ - - -), y = 0: z = (-2, 2, 0, 0), a = (- + + +), o = (0, 0): class 0, correct, but the
    #   lead 0 is below the margin 1, so e = 1.
    #   Desired (- - - +): Delta = (2, -2, 0, 0). Neuron 1 alone is wrong and gets -x = (-1, +1, +1, +1).
    # Sample C, x = (+ - + +), y = 1: z = (2, -2, 4, 0), a = (+ - + +), o = (0, 4): correct, lead 4, e = 0.
    # Sample D, x = (- - - -), y = 1: z = (-4, 0, -2, 2), a = (- + - +), o = (2, -2): class 0, wrong, e = 1.
    #   Desired (+ - + +): Delta = (-4, 0, -2, 2). Neurons 0 and 2 get +x = (-1, -1, -1, -1).
    #
    # Sums, then one clamp (in neuron 0 the last counter takes +1 from A and -1 from D: 2 -> 3 -> 2;
    # clamping after each sample would leave 1):
    #   neuron 0: ( 2,  0,  1,  2) + (-2, -2, -2,  0) = ( 0, -2, -1,  2)
    #   neuron 1: ( 0,  2, -3, -1) + (-1,  1,  1,  1) = (-1,  3, -2,  0) -> (-1, 2, -2, 0)
    #   neuron 2: ( 1, -3,  0,  2) + (-1, -1, -1, -1) = ( 0, -4, -1,  1) -> (0, -3, -1, 1)
    #   neuron 3: (-1, -3, -2,  0) + ( 1,  1,  1, -1) = ( 0, -2, -1, -1)
    net = small_network()
    X, y = np.array([A, B, C, D]), np.array([0, 0, 1, 1])
    assert net.logits(X).tolist() == [[-4, 0], [0, 0], [0, 4], [2, -2]]
    assert net.predict(X).tolist() == [1, 0, 1, 0]
    assert net.train_batch(X, y) == (2, [3])
    assert net.h[0].tolist() == [[0, -2, -1, 2], [-1, 2, -2, 0], [0, -3, -1, 1], [0, -2, -1, -1]]
    assert net.step == 1


def test_each_sample_alone_by_hand():
    # The same samples one by one, each from the start.
    for x, label, changes in (
        (A, 0, {0: [1, -1, 0, 2], 3: [0, -2, -1, -1]}),  # neuron 0 ends with 3 clamped to 2
        (B, 0, {1: [-1, 2, -2, 0]}),
        (C, 1, {}),
        (D, 1, {0: [1, -1, 0, 1], 2: [0, -3, -1, 1]}),
    ):
        net = small_network()
        net.train_batch(np.array([x]), np.array([label]))
        assert net.h[0].tolist() == [changes.get(k, HIDDEN[k]) for k in range(4)]


def test_reinforcement_by_hand():
    # With p = 1 every synapse moves. The signs are those after the update: the second synapse of neuron 0
    # goes from 0 by the update to -2 and from there to -3.
    net = small_network(reinforcement=10.0)
    net.train_batch(np.array([A, B, C, D]), np.array([0, 0, 1, 1]))
    assert net.h[0].tolist() == [[1, -3, -2, 2], [-2, 2, -3, 1], [1, -3, -2, 2], [1, -3, -2, -2]]


def test_no_error_signal_no_reinforcement():
    net = small_network(reinforcement=10.0)
    assert net.train_batch(np.array([C]), np.array([1])) == (1, [0])
    assert net.h[0].tolist() == HIDDEN
    assert net.step == 1


def test_reinforcement_without_a_wrong_neuron():
    # Sample C has o = (0, 4) and all neurons as desired. A margin of 5 makes e = 1, but no neuron is wrong:
    # only the reinforcement acts.
    net = small_network(reinforcement=10.0, margins=(5,))
    assert net.train_batch(np.array([C]), np.array([1])) == (1, [1])
    assert net.h[0].tolist() == [[2, 1, 2, 2], [1, 2, -3, -2], [2, -3, 1, 2], [-2, -3, -3, 1]]
    # A margin equal to the lead is met.
    net = small_network(reinforcement=10.0, margins=(4,))
    assert net.train_batch(np.array([C]), np.array([1])) == (1, [0])


def test_second_layer_sees_the_activations_before_the_update():
    # Layer 1 on sample A gives a_1 = (+ + + -). Its update makes neuron 3 (0, -2, -1, -1), so that z_3 would
    # become 1 - 1 - 1 + 1 = 0 and its activation +; layer 2 must not see that.
    # Layer 2, signs (+ + + +) and (- - + +): z = (2, -2), a = (+ -). P[0] = (- -), P[1] = (+ -): o = (0, 2),
    # so class 1, wrong. Delta = (-2, 2): neuron 0 gets -a_1 = (-1, -1, -1, +1).
    net = small_network(sizes=(4, 4, 2), group_sizes=(2, 2), margins=(1, 0))
    net.h[1] = np.array([[0, 0, 0, 0], [-1, -1, 0, 0]])
    net.P[1] = np.array([[-1, -1], [1, -1]])
    assert net.train_batch(np.array([A]), np.array([0])) == (0, [1, 1])
    assert net.h[0].tolist() == [[1, -1, 0, 2], HIDDEN[1], HIDDEN[2], [0, -2, -1, -1]]
    assert net.h[1].tolist() == [[-1, -1, -1, 1], [-1, -1, 0, 0]]


def test_sparse_choice():
    delta = np.array([[-3, -1, -1, -5, 2], [0, 4, -7, -7, -9], [1, 2, 0, 0, 0]])
    picked = [np.flatnonzero(row).tolist() for row in ref.chosen_neurons(delta, 2)]
    assert picked == [[1, 2], [2, 4], []]
    picked = [np.flatnonzero(row).tolist() for row in ref.chosen_neurons(delta, 1)]
    assert picked == [[0, 1, 2, 3], [2, 3, 4], []]
    picked = [np.flatnonzero(row).tolist() for row in ref.chosen_neurons(delta, 5)]
    assert picked == [[1], [2], []]


def test_error_signal_with_three_classes():
    o = np.array([[4, 2, 0], [4, 4, 0], [4, 4, 0], [0, 0, 6]])
    y = np.array([0, 0, 1, 2])
    assert ref.error_signals(o, y, 0).tolist() == [False, False, True, False]
    assert ref.error_signals(o, y, 2).tolist() == [False, True, True, False]
    assert ref.error_signals(o, y, 3).tolist() == [True, True, True, False]


def test_range_without_a_clip_and_digest():
    net = ref.ReferenceNetwork((2, 1), 2, (1,), (0,), None, 0.0, SEED)
    assert (net.h_min, net.h_max) == (-32768, 32767)
    net.h[0] = np.array([[-32768, 258]])
    assert net.digest() == hashlib.sha256(bytes([0x00, 0x80, 0x02, 0x01])).hexdigest()


# ----------------------------------------------------------------------------------------------------
# The network as a whole
# ----------------------------------------------------------------------------------------------------


def random_task(seed, n, n_inputs, n_classes):
    rng = np.random.default_rng(seed)
    return 2 * rng.integers(0, 2, (n, n_inputs)) - 1, rng.integers(0, n_classes, n)


def transcribed_batch(net, X, y):
    """Section 2 once more, with plain loops over samples, groups and synapses. Returns the new counters."""
    below = [[int(v) for v in x] for x in X]
    result = []
    for index, (h, P) in enumerate(zip(net.h, net.P, strict=True)):
        K, K_below = h.shape
        change = [[0] * K_below for _ in range(K)]
        any_error = False
        above = []
        for x, label in zip(below, y, strict=True):
            z = [sum(v if h[k, j] >= 0 else -v for j, v in enumerate(x)) for k in range(K)]
            a = [1 if v >= 0 else -1 for v in z]
            above.append(a)
            o = [sum(int(P[c, k]) * a[k] for k in range(K)) for c in range(net.n_classes)]
            t, s = sorted(o, reverse=True)[:2]
            if o.index(t) == label and t - s >= net.margins[index]:
                continue
            any_error = True
            for start in range(0, K, net.group_sizes[index]):
                group = range(start, min(start + net.group_sizes[index], K))
                wrong = [(-z[k] * P[label, k], k) for k in group if z[k] * P[label, k] < 0]
                if wrong:
                    k = min(wrong)[1]
                    for j in range(K_below):
                        change[k][j] += 1 if x[j] == P[label, k] else -1
        T = ref.reinforcement_threshold(net.reinforcement, net.wrong, net.seen, K_below)
        new = []
        for k in range(K):
            row = [min(max(int(h[k, j]) + change[k][j], net.h_min), net.h_max) for j in range(K_below)]
            if any_error:
                for j in ref.reinforced_synapses(net.seed, index + 1, net.step, k, K_below, T):
                    row[j] = min(row[j] + 1, net.h_max) if row[j] >= 0 else max(row[j] - 1, net.h_min)
            new.append(row)
        result.append(new)
        below = above
    return result


@given(
    seed=st.integers(0, 2**64 - 1),
    sizes=st.lists(st.integers(1, 12), min_size=2, max_size=4),
    n_classes=st.integers(2, 4),
    group_size=st.integers(1, 5),
    margin=st.integers(0, 6),
    clip=st.sampled_from([None, 1, 3, 9, 101]),
    p_r=st.sampled_from([0.0, 0.3, 1.5]),
)
@settings(max_examples=60, deadline=None)
def test_batches_agree_with_plain_loops(seed, sizes, n_classes, group_size, margin, clip, p_r):
    depth = len(sizes) - 1
    net = ref.ReferenceNetwork(sizes, n_classes, [group_size] * depth, [margin] * depth, clip, p_r, seed)
    X, y = random_task(seed, 12, sizes[0], n_classes)
    for start in range(0, 12, 4):
        expected = transcribed_batch(net, X[start : start + 4], y[start : start + 4])
        net.train_batch(X[start : start + 4], y[start : start + 4])
        assert [h.tolist() for h in net.h] == expected


def test_batch_does_not_depend_on_sample_order():
    X, y = random_task(1, 40, 15, 3)
    digests = set()
    for order in (np.arange(40), np.arange(40)[::-1], np.random.default_rng(2).permutation(40)):
        net = ref.ReferenceNetwork((15, 20, 10), 3, (5, 2), (2, 1), 31, 0.5, SEED)
        net.train_batch(X[order], y[order])
        digests.add(net.digest())
    assert len(digests) == 1


@pytest.mark.parametrize("shuffle", [True, False])
def test_epoch_is_its_batches(shuffle):
    X, y = random_task(3, 25, 9, 2)
    nets = [ref.ReferenceNetwork((9, 12, 6), 2, (3, 2), (1, 1), 21, 0.8, SEED) for _ in range(2)]
    for epoch in range(3):
        order = ref.permutation(SEED, 4, epoch, 25) if shuffle else np.arange(25)
        n_correct = 0
        for batch in (order[:10], order[10:20], order[20:]):
            n_correct += nets[1].train_batch(X[batch], y[batch])[0]
        assert nets[0].train_epoch(X, y, 10, shuffle=shuffle)[0] == n_correct
        # train_batch leaves the epoch and the accuracy alone.
        assert (nets[1].epoch, nets[1].wrong, nets[1].seen) != (nets[0].epoch, nets[0].wrong, nets[0].seen)
        nets[1].epoch, nets[1].wrong, nets[1].seen = epoch + 1, 25 - n_correct, 25
        assert (nets[0].epoch, nets[0].wrong, nets[0].seen) == (epoch + 1, 25 - n_correct, 25)
        assert nets[0].step == nets[1].step == 3 * (epoch + 1)
        assert nets[0].digest() == nets[1].digest()


def test_it_learns():
    # Two classes, noisy copies of two random patterns: an easy task that the rule must solve.
    rng = np.random.default_rng(4)
    centres = 2 * rng.integers(0, 2, (2, 101)) - 1
    y = rng.integers(0, 2, 300)
    X = np.where(rng.random((300, 101)) < 0.3, -centres[y], centres[y])
    net = ref.ReferenceNetwork((101, 60), 2, (10,), (15,), None, 0.5, SEED)
    for _ in range(10):
        net.train_epoch(X, y, 20)
    assert np.mean(net.predict(X) == y) > 0.95
