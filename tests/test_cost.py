"""bitlocal.lab.cost against operations.py, which does every operation and counts it; and worked examples."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import operations as loops
import reference as ref
from bitlocal.lab.cost import (
    METHODS,
    GateCosts,
    Memory,
    Operation,
    Run,
    equal_memory,
    gates,
    memory,
    operations,
    philox_word,
    xorshift_word,
)


def counted(tally):
    """What a tally noted, without steps that had nothing to do."""
    return {step: dict(kinds) for step, kinds in tally.steps.items() if kinds}


def formula(*args, **kwargs):
    """What the package says, in the same form."""
    return {step: {tuple(o): n for o, n in kinds.items()} for step, kinds in operations(*args, **kwargs).steps.items()
            if kinds}  # fmt: skip


@st.composite
def shapes(draw, max_layers=3):
    """Inputs, hidden layers, classes and a group size that divides every layer."""
    group = draw(st.integers(1, 5))
    hidden = draw(st.lists(st.integers(1, 3).map(lambda m: m * group), min_size=1, max_size=max_layers))
    return draw(st.integers(1, 20)), tuple(hidden), draw(st.integers(2, 5)), group


# The local rule -------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    shape=shapes(),
    samples=st.integers(1, 6),
    batches=st.integers(1, 3),
    robustness=st.sampled_from([0, 0.25, 1]),
    clip=st.sampled_from([None, 3, 63]),
    frozen=st.booleans(),
    reinforcement=st.sampled_from([0, 0.5, 2]),
    seed=st.integers(0, 2**32),
)
def test_training_by_the_local_rule(shape, samples, batches, robustness, clip, frozen, reinforcement, seed):
    n_inputs, hidden, n_classes, group = shape
    margins = [int(robustness * size) for size in hidden]
    start = ref.ReferenceNetwork(
        (n_inputs, *hidden), n_classes, [group] * len(hidden), margins, clip, reinforcement, seed
    )
    freeze = frozen and len(hidden) > 1
    start.freeze_first = freeze
    network = loops.LocalNetwork(start, clip=clip is not None)
    options = {"group_size": group, "freeze_first": freeze}
    check_local("bmlp", network, start, samples, batches, clip=clip is not None, **options)


def check_local(method, network, start, samples, batches, *, clip=False, **options):
    """Train both, and compare counters, what they measured, and what the operations are said to be."""
    shape = method, start.layer_sizes[0], start.layer_sizes[1:], start.n_classes
    rng = np.random.default_rng(start.seed)
    tally, errors = loops.Tally(), np.zeros(start.n_layers, dtype=int)
    for _ in range(batches):
        X, y = rng.choice([-1, 1], (samples, shape[1])), rng.integers(0, start.n_classes, samples)
        network.train_batch(tally, X, y)
        errors += start.train_batch(X, y)[1]
        for mine, theirs in zip(network.h, start.h, strict=True):
            assert mine == theirs.tolist()
    measured = {"errors": errors.tolist()} | {name: getattr(start, name) for name in ("updates", "draws", "reinforced")}
    assert network.run == {"seen": samples * batches, "batches": batches, **measured}
    assert counted(tally) == formula(*shape, run=network.run, clip=clip, **options)

    winner, logits, tally = network.predict(X[0])
    assert logits == start.logits(X[:1])[0].tolist()
    assert winner == start.predict(X[:1])[0]
    assert counted(tally) == formula(*shape, **options)


@settings(max_examples=40, deadline=None)
@given(
    shape=shapes(max_layers=1),
    samples=st.integers(1, 6),
    robustness=st.sampled_from([0, 0.25, 1]),
    seed=st.integers(0, 2**32),
)
def test_the_single_layer_method(shape, samples, robustness, seed):
    n_inputs, hidden, n_classes, group = shape
    margin = int(robustness * (hidden[0] // group))
    start = ref.ReferenceNetwork((n_inputs, *hidden), n_classes, [group], [margin], None, 0.5, seed, majority=True)
    network = loops.LocalNetwork(start)
    check_local("single-layer", network, start, samples, 2, group_size=group)


@settings(deadline=None)
@given(st.lists(st.integers(0, 1), min_size=1, max_size=70))
def test_counts_of_ones_take_n_less_width_full_adders(bits):
    tally = loops.Tally()
    assert tally.ones(bits) == sum(bits)
    assert tally.steps[""][("full adder", 1)] == len(bits) - len(f"{len(bits):b}")
    assert tally.steps[""][("half adder", 1)] == f"{len(bits):b}".count("0")


# Back-propagation -----------------------------------------------------------------------------------------------------


def gradients(weights, X, y):
    """Of the summed cross-entropy, in matrices."""
    a = [X]
    for W in weights[:-1]:
        a.append(np.maximum(a[-1] @ W.T, 0))
    logits = a[-1] @ weights[-1].T
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    delta = powers / powers.sum(axis=1, keepdims=True) - np.eye(logits.shape[1])[y]
    found = []
    for layer in reversed(range(len(weights))):
        found.insert(0, delta.T @ a[layer])
        delta = (delta @ weights[layer]) * (a[layer] > 0)
    return found, logits


@settings(max_examples=30, deadline=None)
@given(
    shape=shapes(),
    samples=st.integers(1, 5),
    method=st.sampled_from(["sgd", "adam"]),
    momentum=st.sampled_from([0.0, 0.9]),
    decay=st.sampled_from([0.0, 0.01]),
    seed=st.integers(0, 2**32),
)
def test_the_float_methods(shape, samples, method, momentum, decay, seed):
    n_inputs, hidden, n_classes, _ = shape
    rng = np.random.default_rng(seed)
    sizes = (n_inputs, *hidden, n_classes)
    weights = [rng.normal(size=(b, a)) for a, b in pairwise(sizes)]
    rate = 0.01
    optimiser = loops.Adam(rate) if method == "adam" else loops.Momentum(rate, momentum)
    network = loops.FloatNetwork(weights, optimiser, decay)
    tally, first, second = loops.Tally(), [np.zeros_like(W) for W in weights], [np.zeros_like(W) for W in weights]
    for t in (1, 2):
        X, y = rng.normal(size=(samples, n_inputs)), rng.integers(0, n_classes, samples)
        network.train_batch(tally, X, y)
        for layer, g in enumerate(gradients(weights, X, y)[0]):
            g = g + decay * weights[layer]
            if method == "sgd":
                first[layer] = momentum * first[layer] + g
                weights[layer] = weights[layer] - rate * first[layer]
            else:
                first[layer] = 0.9 * first[layer] + 0.1 * g
                second[layer] = 0.999 * second[layer] + 0.001 * g * g
                m, v = first[layer] / (1 - 0.9**t), second[layer] / (1 - 0.999**t)
                weights[layer] = weights[layer] - rate * m / (np.sqrt(v) + 1e-8)
        for mine, theirs in zip(network.W, weights, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-9)
    run = Run(seen=2 * samples, batches=2)
    assert counted(tally) == formula(
        method, n_inputs, hidden, n_classes, run=run, momentum=momentum, weight_decay=decay
    )

    winner, logits, tally = network.predict(X[0])
    np.testing.assert_allclose(logits, gradients(weights, X, y)[1][0], rtol=1e-6, atol=1e-9)
    assert winner == np.argmax(logits)
    assert counted(tally) == formula(method, n_inputs, hidden, n_classes)


@settings(max_examples=30, deadline=None)
@given(shape=shapes(), samples=st.integers(2, 6), seed=st.integers(0, 2**32))
def test_straight_through_counts(shape, samples, seed):
    n_inputs, hidden, n_classes, _ = shape
    rng = np.random.default_rng(seed)
    sizes = (n_inputs, *hidden, n_classes)
    network = loops.StraightThroughNetwork([rng.uniform(-1, 1, (b, a)) for a, b in pairwise(sizes)], 0.01)
    tally = loops.Tally()
    for _ in range(2):
        X, y = rng.choice([-1, 1], (samples, n_inputs)), rng.integers(0, n_classes, samples)
        network.train_batch(tally, X, y)
    assert counted(tally) == formula("straight-through", n_inputs, hidden, n_classes, run=Run(2 * samples, 2))
    winner, logits, tally = network.predict(X[0])
    assert winner == np.argmax(logits)
    assert counted(tally) == formula("straight-through", n_inputs, hidden, n_classes)


# Runs -----------------------------------------------------------------------------------------------------------------


def test_runs_add_up_from_records():
    records = [
        SimpleNamespace(n_samples=10, batches=2, errors=(3, 6), updates=(5, 6), draws=(7, 8), reinforced=(1, 0)),
        SimpleNamespace(
            counts=SimpleNamespace(seen=20, n_batches=3, errors=[1, 2], updates=[1, 2], draws=[1, 3], reinforced=[1, 4])
        ),
    ]
    assert Run.of(records) == Run(30, 5, (4, 8), (6, 8), (8, 11), (2, 4))
    assert Run.of(records[0]) == Run(10, 2, (3, 6), (5, 6), (7, 8), (1, 0))
    said = [operations("bmlp", 9, (6, 3), 2, group_size=3, run=r) for r in (*records, records)]
    assert (said[0] + said[1]).steps == said[2].steps


def test_runs_are_read_off_a_classifiers_history(bit_data):
    from bitlocal import BMLPClassifier
    from bitlocal.bits import pack

    X, y = bit_data
    clf = BMLPClassifier((45, 30), group_size=15, max_iter=3, batch_size=20, random_state=0).fit(X, y)
    start = ref.ReferenceNetwork(
        (70, 45, 30), 3, [15, 15], [block.margin for block in clf.network_.spec.blocks], None, 2.0, 0
    )
    errors = sum(np.array(start.train_epoch(np.where(X, 1, -1), y, 20)[1]) for _ in range(3))
    run = Run.of(clf.history_)
    assert run == Run(750, 39, tuple(errors), *(tuple(v) for v in (start.updates, start.draws, start.reinforced)))
    counts = clf.network_.train_epoch(pack(X), y, batch_size=20)
    assert Run.of(counts).seen == 250
    assert Run.of([*clf.history_, counts]).batches == 52


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (Run(10, 1), "errors of the run: expected 2 numbers"),
        (Run(10, 1, (1, 11), (0, 0)), "from 0 to 10"),
        (Run(10, 1, (1, 1), (1, 2)), "updates of layer 2: expected at most 1"),
        (Run(10, 11, (1, 1), (1, 1)), "expected 1 sample or more"),
        (Run(10, 1, (1, 1), (1, 1), (1,)), "draws of the run: expected 2 numbers"),
        (SimpleNamespace(batches=1), "attribute seen or n_samples"),
        ([], "at least one record"),
    ],
)
def test_runs_that_do_not_fit(run, message):
    with pytest.raises(ValueError, match=message):
        operations("bmlp", 9, (6, 3), 2, group_size=3, run=run)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mlp", 9, (6,), 2), "method='mlp': expected one of bmlp"),
        (("bmlp", 9, (), 2), "at least one layer"),
        (("single-layer", 9, (6, 3), 2), "exactly one layer"),
        (("sgd", 0, (6,), 2), "n_inputs=0"),
        (("sgd", 9, (6,), 1), "n_classes=1"),
        (("sgd", 9, (6,), 2, {"readout": "learned"}), "only 'bmlp' has a learned readout"),
        (("bmlp", 9, (6,), 2, {"readout": "guessed"}), "readout='guessed': expected 'votes' or 'learned'"),
    ],
)
@pytest.mark.parametrize("function", [memory, operations])
def test_impossible_networks(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(*arguments[:4], **(arguments[4] if len(arguments) > 4 else {}))


def test_the_training_of_a_learned_readout_has_no_formula():
    with pytest.raises(ValueError, match="has no formula yet: count its inference"):
        operations("bmlp", 9, (6,), 2, run=Run(10, 1, (1,), (1,)), readout="learned")


def test_groups_must_divide():
    with pytest.raises(ValueError, match="group_size=4 does not divide"):
        operations("bmlp", 9, (6,), 2, group_size=4)


# Memory ---------------------------------------------------------------------------------------------------------------


def test_memory_to_infer_is_what_a_model_file_holds(bit_data):
    from bitlocal import BMLPClassifier

    X, y = bit_data
    clf = BMLPClassifier((45, 30), group_size=15, max_iter=1, random_state=0).fit(X, y)
    model = memory("bmlp", 70, (45, 30), 3, training=False).model
    network = clf.network_
    assert model["weights"] == sum(network.weights(layer).size for layer in range(2))
    assert model["local classifiers"] == network.local_classifier(1).size
    model = memory("bmlp", 70, (45, 30), 3).model
    assert model["hidden weights"] == 8 * sum(network.counters(layer).nbytes for layer in range(2))
    assert model["local classifiers"] == sum(network.local_classifier(layer).size for layer in range(2))


def test_memory_of_a_learned_readout(bit_data, tmp_path):
    from bitlocal import BMLPClassifier

    X, y = bit_data
    clf = BMLPClassifier((45, 30), group_size=15, max_iter=1, readout="learned", random_state=0).fit(X, y)
    held = {True: memory("bmlp", 70, (45, 30), 3, readout="learned").model,
            False: memory("bmlp", 70, (45, 30), 3, readout="learned", training=False).model}  # fmt: skip
    for training, model in held.items():
        arrays = clf.network_.to_arrays(inference_only=not training)
        classifiers = [a for name, a in arrays.items() if name.endswith("local_classifier")]
        assert model["readout"] == 8 * arrays["readout"].nbytes == 16 * 3 * 30
        assert model["local classifiers"] == (3 * 75 if training else 0)
        assert len(classifiers) == (2 if training else 0)
    # Logits of 16-bit numbers, 4 of them: 19 bits; beside those of votes in training, of 4 bits.
    inference = memory("bmlp", 3, 4, 2, training=False, readout="learned")
    assert inference.items == {"weights": 12, "local classifiers": 0, "readout": 128, "activations": 4,
                               "logits": 2 * 19, "input data": 0}  # fmt: skip
    assert memory("bmlp", 3, 4, 2, batch_size=5, readout="learned").activations["logits"] == 5 * 2 * (4 + 19)


def test_memory_worked_by_hand():
    # 3 inputs, 4 neurons, 2 classes; 10 samples in mini-batches of 5.
    expected = {"weights": 12, "hidden weights": 16 * 12, "local classifiers": 8,
                "activations": 5 * 4, "pre-activations": 5 * 4 * 3, "logits": 5 * 2 * 4, "input data": 30}  # fmt: skip
    assert memory("bmlp", 3, 4, 2, n_samples=10, batch_size=5).items == expected
    # Groups of 2: two majority units above.
    expected |= {"local classifiers": 4, "activations": 5 * 6, "logits": 5 * 2 * 3}
    assert memory("single-layer", 3, 4, 2, n_samples=10, batch_size=5, group_size=2).items == expected
    expected = {"weights": 640, "activations": 640, "logits": 320, "errors": 960, "gradients": 640, "optimiser": 640,
                "input data": 240}  # fmt: skip
    assert memory("sgd", 3, 4, 2, n_samples=10, batch_size=5, input_type="uint8").items == expected
    assert memory("sgd", 3, 4, 2, batch_size=5, momentum=0).items.get("optimiser") is None
    adam = memory("adam", 3, 4, 2, n_samples=10, batch_size=5)
    assert adam.items == expected | {"optimiser": 1280, "input data": 960}
    assert adam.published_total == adam.total - 640 - 1280
    binary = memory("straight-through", 3, 4, 2, training=False)
    assert binary.items == {"weights": 20, "thresholds": 4 * 3 + 4, "scales": 128, "activations": 4, "logits": 64,
                            "input data": 0}  # fmt: skip


@settings(deadline=None)
@given(
    shape=shapes(),
    method=st.sampled_from(METHODS[2:]),
    samples=st.integers(0, 10**6),
    input_type=st.sampled_from(["bits", "uint8", "float32"]),
    with_state=st.booleans(),
)
def test_equal_memory_is_the_most_that_fits(shape, method, samples, input_type, with_state):
    n_inputs, hidden, n_classes, group = shape
    budget = memory("bmlp", n_inputs, hidden, n_classes, group_size=group, n_samples=samples)
    most = equal_memory(
        budget, method, n_inputs, hidden, n_classes, input_type=input_type, with_state=with_state, group_size=group
    )

    def needed(n):
        found = memory(method, n_inputs, hidden, n_classes, n_samples=n, input_type=input_type)
        return found.total if with_state else found.published_total

    assert needed(most + 1) > budget.total
    assert most == 0 or needed(most) <= budget.total


def test_equal_memory_has_limits():
    assert equal_memory(10**9, "sgd", 784, (1035,), 10, at_most=100) == 100
    assert equal_memory(1000, "sgd", 784, (1035,), 10) == 0
    assert equal_memory(Memory(data={"input data": 10**9}), "sgd", 784, (1035,), 10) > 0


# Gates ----------------------------------------------------------------------------------------------------------------


def test_gates_of_one_sample_by_hand():
    # 3 inputs, 2 neurons, 2 classes: 3 XNOR, 1 full adder, a comparison of 2 bits; then 2 XNOR, 1 half adder for the
    # first column and 1 for its carry, twice; and a maximum of 2 bits.
    said = operations("bmlp", 3, (2,), 2, group_size=1)
    assert said.by_kind() == {"xnor": 10, "full adder": 2, "comparison": 2, "half adder": 2, "maximum": 1}
    assert gates(said) == {"forward": 2 * (3 + 5 + 5), "logits": 2 * (2 + 2), "prediction": 5 + 6}
    assert sum(gates(said, GateCosts(full_adder=50)).values()) == 26 + 8 + 11 + 90


def test_operations_of_a_learned_readout_by_hand():
    # 3 inputs, 2 neurons, 2 classes: the forward pass is as above. The count of 2 bits: 1 half adder; 4 integers of 16
    # bits, flipped and added in 18 bits; a maximum of 18 bits.
    said = operations("bmlp", 3, (2,), 2, group_size=1, readout="learned")
    assert counted(said)["logits"] == {("half adder", 1): 1, ("xnor", 1): 64, ("addition", 18): 4}
    assert counted(said)["prediction"] == {("maximum", 18): 1}
    assert counted(said)["forward"] == counted(operations("bmlp", 3, (2,), 2, group_size=1))["forward"]


class Gates:
    """Circuits out of single gates on bits, which are counted. Numbers are lists of bits, the lowest first."""

    def __init__(self):
        self.n = 0

    def gate(self, bit):
        self.n += 1
        return int(bit)

    def half_adder(self, a, b):
        return self.gate(a ^ b), self.gate(a & b)

    def full_adder(self, a, b, c):
        half = self.gate(a ^ b)
        return self.gate(half ^ c), self.gate(self.gate(a & b) | self.gate(half & c))

    def choose(self, which, a, b):
        return self.gate(self.gate(which & a) | self.gate((1 - which) & b))

    def add(self, a, b):
        bit, carry = self.half_adder(a[0], b[0])
        total = [bit]
        for i, j in zip(a[1:], b[1:], strict=True):
            bit, carry = self.full_adder(i, j, carry)
            total.append(bit)
        return [*total, carry]

    def greater(self, a, b):
        more = self.gate(a[0] & (1 - b[0]))
        for i, j in zip(a[1:], b[1:], strict=True):
            same = 1 - self.gate(i ^ j)
            more = self.gate(self.gate(i & (1 - j)) | self.gate(same & more))
        return more

    def maximum(self, a, b):
        more = self.greater(a, b)
        return [self.choose(more, i, j) for i, j in zip(a, b, strict=True)]

    def equal(self, a, b):
        same = [1 - self.gate(i ^ j) for i, j in zip(a, b, strict=True)]
        result = same[0]
        for bit in same[1:]:
            result = self.gate(result & bit)
        return result

    def step(self, h, down):
        """Add 1 or subtract 1: a carry passes 1 on the way up, 0 on the way down."""
        result, carry = [1 - h[0]], self.gate(h[0] ^ down)
        for i, bit in enumerate(h[1:], 1):
            result.append(self.gate(bit ^ carry))
            if i < len(h) - 1:
                carry = self.gate(self.gate(bit ^ down) & carry)
        return result

    def increase(self, a, bit):
        result = []
        for i in a:
            i, bit = self.half_adder(i, bit)
            result.append(i)
        return [*result, bit]

    def multiply(self, a, b):
        rows = [[self.gate(i & j) for i in a] for j in b]
        product, upper = [rows[0][0]], rows[0][1:]
        for row in rows[1:]:
            bit, carry = self.half_adder(row[0], upper[0])
            total = [bit]
            for i, j in zip(row[1:], upper[1:], strict=False):
                bit, carry = self.full_adder(i, j, carry)
                total.append(bit)
            if len(upper) < len(row):  # below the first row there is no carry yet
                bit, carry = self.half_adder(row[-1], carry)
                total.append(bit)
            product.append(total[0])
            upper = [*total[1:], carry]
        return product + upper

    def shift(self, a, places):
        for stage, bit in enumerate(places):
            moved = [0] * 2**stage + a
            a = [self.choose(bit, i, j) for i, j in zip(moved, a, strict=False)]
        return a

    def leading_zeros(self, a):
        """Whether there is a 1, and the number of zeros above the first one, the highest bit of it first."""
        if len(a) == 2:
            return self.gate(a[0] | a[1]), [1 - a[1]]
        low, high = self.leading_zeros(a[: len(a) // 2]), self.leading_zeros(a[len(a) // 2 :])
        chosen = [self.choose(high[0], i, j) for i, j in zip(high[1], low[1], strict=True)]
        return self.gate(low[0] | high[0]), [1 - high[0], *chosen]

    def all(self, bits):
        result = bits[0]
        for bit in bits[1:]:
            result = self.gate(result & bit)
        return result

    def any(self, bits):
        result = bits[0]
        for bit in bits[1:]:
            result = self.gate(result | bit)
        return result

    def carried(self, a, b, carry):
        """Add two numbers and a carry."""
        total = []
        for i, j in zip(a, b, strict=True):
            bit, carry = self.full_adder(i, j, carry)
            total.append(bit)
        return total, carry

    def subtract(self, a, b):
        """Subtract; whether a >= b. With a carry of 1, the first full adder is an XOR and an OR."""
        first, carry = self.gate(a[0] ^ b[0]), self.gate(a[0] | (1 - b[0]))
        rest, carry = self.carried(a[1:], [1 - bit for bit in b[1:]], carry)
        return [first, *rest], carry

    def round(self, mantissa, half, rest):
        """To the nearest, ties to even; the carry."""
        up = self.gate(half & self.gate(rest | mantissa[0]))
        *mantissa, carry = self.increase(mantissa, up)
        return mantissa, carry

    def result(self, exponent, fraction, alive, infinite):
        exponent = [self.gate(self.gate(bit & alive) | infinite) for bit in exponent]
        keep = self.gate(alive & (1 - infinite))
        return [self.gate(bit & keep) for bit in fraction], exponent

    def float_multiplication(self, a, b):
        """Numbers are (fraction, exponent, sign). Subnormal ones are 0, and what is not finite is infinite."""
        (fa, ea, sa), (fb, eb, sb) = a, b
        e, m = len(ea), len(fa) + 1
        sign = self.gate(sa ^ sb)
        nonzero, infinite = [self.any(ea), self.any(eb)], [self.all(ea), self.all(eb)]
        product = self.multiply([*fa, 1], [*fb, 1])
        top = product[-1]
        kept = [self.choose(top, i, j) for i, j in zip(product[m - 1 :], product[m - 2 : -1], strict=True)]
        half, mantissa = kept[0], kept[1:]
        rest = self.gate(self.any(product[: m - 2]) | self.gate(product[m - 2] & top))
        mantissa, carry = self.round(mantissa, half, rest)
        total, over = self.carried(ea, eb, top)
        minus_bias = bits_of(2 ** (e + 1) - (2 ** (e - 1) - 1), e + 1)
        *exponent, positive = self.add([*total, over], minus_bias)
        *exponent, _ = self.increase(exponent, carry)
        above = self.gate(self.gate(exponent[-1] | self.all(exponent[:-1])) & positive)
        above = self.any([above, *infinite])
        alive = self.all([*nonzero, positive, self.any(exponent)])
        return (*self.result(exponent[:-1], mantissa[:-1], alive, above), sign)

    def float_addition(self, a, b):
        (fa, ea, sa), (fb, eb, sb) = a, b
        e, m = len(ea), len(fa) + 1
        swap = self.greater([*fb, *eb], [*fa, *ea])
        large = [self.choose(swap, j, i) for i, j in zip([*fa, *ea], [*fb, *eb], strict=True)]
        small = [self.choose(swap, i, j) for i, j in zip([*fa, *ea], [*fb, *eb], strict=True)]
        sign = self.choose(swap, sb, sa)
        differ = self.gate(sa ^ sb)
        (fl, el), (fs, es) = ((x[: m - 1], x[m - 1 :]) for x in (large, small))
        nonzero = [self.any(el), self.any(es)]
        large = [*(self.gate(bit & nonzero[0]) for bit in fl), nonzero[0]]
        small = [*(self.gate(bit & nonzero[1]) for bit in fs), nonzero[1]]

        distance, _ = self.subtract(el, es)
        stages = (m + 2).bit_length()
        shifted, sticky = [0, 0, *small], 0
        for stage in range(stages):
            lost = self.gate(self.any(shifted[: 2**stage]) & distance[stage])
            sticky = self.gate(sticky | lost)
            moved = shifted[2**stage :] + [0] * 2**stage
            shifted = [self.choose(distance[stage], i, j) for i, j in zip(moved, shifted, strict=True)]
        far = self.any(distance[stages:])
        shifted = [self.gate(bit & (1 - far)) for bit in shifted]
        sticky = self.gate(sticky | self.gate(far & nonzero[1]))

        small = [self.gate(bit ^ differ) for bit in [sticky, *shifted]]
        total, carry = self.carried([0, 0, 0, *large], small, differ)
        total.append(self.gate(carry & (1 - differ)))
        padded = [0] * (2 ** (m + 3).bit_length() - (m + 4)) + total
        alive, zeros = self.leading_zeros(padded)
        zeros = zeros[::-1]
        total = self.shift(total, zeros)
        mantissa, carry = self.round(total[4:], total[3], self.any(total[:3]))

        exponent, positive = self.subtract(el, zeros + [0] * (e - len(zeros)))
        # Plus 1, plus the carry: a number of two bits, of which one is the other inverted.
        bit, more = self.half_adder(exponent[0], 1 - carry)
        new = [bit]
        bit, more = self.full_adder(exponent[1], carry, more)
        new.append(bit)
        for i in exponent[2:]:
            bit, more = self.half_adder(i, more)
            new.append(bit)
        above = self.gate(more | self.all(new))
        above = self.gate(above | self.all(el))
        alive = self.gate(alive & positive)
        above = self.gate(above & alive)  # the exponent of a difference of 0 may run over
        sign = self.gate(sign & alive)
        return (*self.result(new, mantissa[:-1], alive, above), sign)


def bits_of(value, n):
    return [(value >> i) & 1 for i in range(n)]


def value_of(bits):
    return sum(bit << i for i, bit in enumerate(bits))


@settings(deadline=None)
@given(n=st.integers(2, 24), data=st.data())
def test_circuits_of_whole_numbers_are_what_they_are_said_to_cost(n, data):
    x, y = data.draw(st.integers(0, 2**n - 1)), data.draw(st.integers(0, 2**n - 1))
    a, b, costs = bits_of(x, n), bits_of(y, n), GateCosts()
    down = y & 1
    for circuit, arguments, expected, cost in (
        ("add", (a, b), x + y, costs.of(Operation("addition", n))),
        ("maximum", (a, b), max(x, y), costs.of(Operation("maximum", n))),
        ("step", (a, down), (x + (-1 if down else 1)) % 2**n, costs.of(Operation("increment", n))),
        ("increase", (a, down), x + down, costs.increase(n)),
        ("multiply", (a, b), x * y, costs.multiply(n)),
        ("shift", (a, bits_of(y % 8, 3)), (x << (y % 8)) % 2**n, costs.shift(n, 3)),
    ):
        gates_used = Gates()
        assert value_of(getattr(gates_used, circuit)(*arguments)) == expected, circuit
        assert gates_used.n == cost, circuit
    for circuit, expected, cost in (("greater", x > y, "comparison"), ("equal", x == y, "equality")):
        for other, result in ((b, expected), (a, circuit == "equal")):
            gates_used = Gates()
            assert getattr(gates_used, circuit)(a, other) == result
            assert gates_used.n == costs.of(Operation(cost, n))


FORMATS = {np.float16: (5, 11, np.uint16), np.float32: (8, 24, np.uint32)}


def take_apart(x, e, m, unsigned):
    pattern = int(x.view(unsigned))
    return bits_of(pattern, m - 1), bits_of(pattern >> (m - 1), e), pattern >> (e + m - 1)


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(list(FORMATS)), data=st.data())
def test_circuits_of_floating_point_are_what_they_are_said_to_cost(kind, data):
    e, m, unsigned = FORMATS[kind]
    limits = {"allow_nan": False, "allow_infinity": False, "allow_subnormal": False, "width": 8 * kind(0).itemsize}
    x = kind(data.draw(st.floats(**limits)))
    if data.draw(st.booleans()):
        y = kind(data.draw(st.floats(**limits)))
    else:  # near each other, so that much cancels
        with np.errstate(over="ignore"):
            y = kind(x * data.draw(st.sampled_from([1, -1, 0.5, -0.5, 2])))
        y = np.nextafter(y, kind(data.draw(st.floats(**limits))))
    costs = GateCosts(exponent_bits=e, mantissa_bits=m)
    with np.errstate(over="ignore", under="ignore"):
        results = {"multiplication": x * y, "addition": x + y}
    for name, expected in results.items():
        circuit = Gates()
        got = getattr(circuit, f"float_{name}")(take_apart(x, e, m, unsigned), take_apart(y, e, m, unsigned))
        pattern = value_of([*got[0], *got[1], got[2]])
        # Subnormal results become 0, and so may those that are rounded up from below the smallest normal number.
        if abs(expected) > np.finfo(kind).tiny and abs(y) >= np.finfo(kind).tiny:
            assert pattern == int(expected.view(unsigned)), (name, x, y)
        if expected == 0:
            assert pattern << 1 in (0, 2 << (e + m - 1)), (name, x, y)
        assert circuit.n == costs.of(Operation(f"float {name}", 32))


@settings(deadline=None)
@given(stages=st.integers(1, 5), data=st.data())
def test_the_circuit_that_counts_leading_zeros(stages, data):
    n = 2**stages
    x = data.draw(st.integers(1, 2**n - 1))
    gates_used = Gates()
    any_one, zeros = gates_used.leading_zeros(bits_of(x, n))
    assert (any_one, value_of(zeros[::-1])) == (1, n - x.bit_length())
    assert gates_used.n == GateCosts().leading_zeros(n) == GateCosts().leading_zeros(n // 2 + 1)


def test_gates_can_be_given():
    costs = GateCosts(float_multiplication=10, float_addition=7, random_word=3)
    assert costs.of(Operation("float multiplication", 32)) == 10
    assert costs.of(Operation("random word", 64)) == 3
    assert GateCosts().of(Operation("random word", 64)) == philox_word() > 100 * xorshift_word()
    for unknown in ("float tangent", "tangent"):
        with pytest.raises(ValueError, match="no gates are known"):
            costs.of(Operation(unknown, 32))


@pytest.mark.parametrize("method", METHODS)
def test_every_operation_has_gates(method):
    run = Run(7, 2, (3,), (2,), (5,), (4,))
    for said in (operations(method, 20, (6,), 3, group_size=3),
                 operations(method, 20, (6,), 3, group_size=3, run=run, clip=True, weight_decay=1)):  # fmt: skip
        assert all(n > 0 for step, n in gates(said).items() if said.steps[step])
        assert sum(gates(said).values()) == sum(GateCosts().of(o) * n for o, n in said.total.items())
