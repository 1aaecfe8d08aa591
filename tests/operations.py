"""Every method in plain loops that count each single operation as they carry it out: an oracle for bitlocal.lab.cost.

Numbers are Python's, and every operation goes through a function that notes its kind, its width and the step it belongs
to, and checks that its operands fit that width. Counts of ones are made of full and half adders on single bits.
Only random numbers and the probability of reinforcement come from reference.py.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import numpy as np

import reference as ref


class Tally:
    """Does operations, and counts them by step."""

    def __init__(self):
        self.steps = defaultdict(Counter)
        self.step = ""

    def note(self, kind, bits):
        self.steps[self.step][(kind, bits)] += 1

    # Bits and whole numbers ------------------------------------------------------------------------------------------

    def xnor(self, a, b):
        assert {a, b} <= {0, 1}
        self.note("xnor", 1)
        return 1 - (a ^ b)

    def full_adder(self, a, b, c):
        self.note("full adder", 1)
        return a ^ b ^ c, (a & b) | (c & (a ^ b))

    def half_adder(self, a, b):
        self.note("half adder", 1)
        return a ^ b, a & b

    def ones(self, column):
        """Count the ones among bits: column by column of the sum."""
        total, weight = 0, 0
        while column:
            carries = []
            while len(column) > 2:
                bit, carry = self.full_adder(*column[:3])
                column = [*column[3:], bit]
                carries.append(carry)
            if len(column) == 2:
                bit, carry = self.half_adder(*column)
                column = [bit]
                carries.append(carry)
            total += column[0] << weight
            weight += 1
            column = carries
        return total

    def agreements(self, a, b):
        return self.ones([self.xnor(i, j) for i, j in zip(a, b, strict=True)])

    def add(self, a, b, bits):
        """Add; the result fits the width, with or without a sign."""
        self.note("addition", bits)
        assert -(2 ** (bits - 1)) <= a + b < 2 ** (bits - 1) or 0 <= a + b < 2**bits
        return a + b

    def greater(self, a, b, bits):
        self.note("comparison", bits)
        assert all(0 <= n < 2**bits or -(2 ** (bits - 1)) <= n < 2 ** (bits - 1) for n in (a, b))
        return a > b

    def larger_first(self, a, b, bits):
        """Order two numbers; whether they were exchanged."""
        self.note("maximum", bits)
        assert 0 <= a < 2**bits
        assert 0 <= b < 2**bits
        return (b, a, True) if b > a else (a, b, False)

    def equal(self, a, b, bits):
        self.note("equality", bits)
        assert 0 <= a < 2**bits
        assert 0 <= b < 2**bits
        return a == b

    def step_by(self, h, up, bits):
        self.note("increment", bits)
        h += 1 if up else -1
        assert -(2 ** (bits - 1)) <= h < 2 ** (bits - 1), "a counter ran over"
        return h

    # Floating point --------------------------------------------------------------------------------------------------

    def float(self, kind):
        self.note("float " + kind, 32)

    def mul(self, a, b):
        self.float("multiplication")
        return a * b

    def plus(self, a, b):
        self.float("addition")
        return a + b

    def minus(self, a, b):
        self.float("addition")
        return a - b

    def divide(self, a, b):
        self.float("division")
        return a / b

    def root(self, a):
        self.float("square root")
        return math.sqrt(a)

    def exp(self, a):
        self.float("exponential")
        return math.exp(a)

    def at_least(self, a, b):
        self.float("comparison")
        return a >= b

    def select(self, condition, a):
        self.float("selection")
        return a if condition else 0.0

    def total(self, terms):
        result = terms[0]
        for term in terms[1:]:
            result = self.plus(result, term)
        return result

    def dot(self, a, b):
        return self.total([self.mul(x, w) for x, w in zip(a, b, strict=True)])

    def signed_dot(self, values, signs):
        """Products with -1 and +1 flip the sign bit, or do not."""
        terms = []
        for value, sign in zip(values, signs, strict=True):
            bit = self.xnor(int(value >= 0), int(sign > 0))
            terms.append(abs(value) if bit else -abs(value))
        return self.total(terms)


def width(n):
    """Bits of a number from 0 to n."""
    return len(f"{n:b}")


def to_bits(values):
    return [int(v > 0) for v in values]


# ----------------------------------------------------------------------------------------------------
# The local rule
# ----------------------------------------------------------------------------------------------------


class LocalNetwork:
    """The network of a ReferenceNetwork, trained bit by bit; also with majority units or a frozen first layer."""

    def __init__(self, start: ref.ReferenceNetwork, *, clip=False, counter_bits=16):
        self.start, self.clip, self.majority, self.counter_bits = start, clip, start.majority, counter_bits
        self.frozen = {0} if start.freeze_first else set()
        self.sizes = start.layer_sizes
        self.h = [layer.tolist() for layer in start.h]
        self.P = [[to_bits(row) for row in P] for P in start.P]
        self.units = [self.sizes[-1] // start.group_sizes[0]] if self.majority else self.sizes[1:]
        self.n_layers = start.n_layers
        self.step = 0
        self.wrong = self.seen = 1
        self.run = {"seen": 0, "batches": 0}
        self.run |= {name: [0] * self.n_layers for name in ("errors", "updates", "draws", "reinforced")}

    @property
    def learning(self):
        return [layer for layer in range(self.n_layers) if layer not in self.frozen]

    def forward(self, tally, x):
        """Agreements and activations of every layer, the inputs first; votes are those of majority units, if any."""
        agreements, a = [], [x]
        for layer, h in enumerate(self.h):
            n = self.sizes[layer]
            tally.step = "forward"
            counts = [tally.agreements([int(counter >= 0) for counter in row], a[-1]) for row in h]
            agreements.append(counts)
            # z = 2 * agreements - n >= 0
            a.append([int(not tally.greater((n + 1) // 2, count, width(n))) for count in counts])
        if not self.majority:
            return agreements, a, a[1:]
        tally.step = "majority"
        size = self.start.group_sizes[0]
        votes = []
        for first in range(0, self.sizes[1], size):
            ones = tally.ones(a[1][first : first + size])
            votes.append(int(not tally.greater((size + 1) // 2, ones, width(size))))
        return agreements, a, [votes]

    def logits(self, tally, layer, votes):
        tally.step = "logits"
        return [tally.agreements(row, votes) for row in self.P[layer]]

    def predict(self, x):
        """The class of one sample, and what it took."""
        tally = Tally()
        _, _, votes = self.forward(tally, to_bits(x))
        logits = self.logits(tally, -1, votes[-1])
        tally.step = "prediction"
        best, winner = logits[0], 0
        for c, logit in enumerate(logits[1:], 1):
            best, _, exchanged = tally.larger_first(best, logit, width(self.units[-1]))
            winner = c if exchanged else winner
        return winner, [2 * logit - self.units[-1] for logit in logits], tally

    def train_batch(self, tally, X, y):
        new = [[row.copy() for row in h] for h in self.h]
        self.run["batches"] += 1
        taught = [False] * self.n_layers
        for x, label in zip(X, y.tolist(), strict=True):
            self.run["seen"] += 1
            agreements, a, votes = self.forward(tally, to_bits(x))
            for layer in self.learning:
                logits = self.logits(tally, layer, votes[layer])
                if self.error(tally, layer, logits, label):
                    taught[layer] = True
                    self.run["errors"][layer] += 1
                    self.learn(tally, layer, agreements[layer], a[layer], votes[layer], label, new[layer])
        for layer in self.learning:
            if self.clip:
                self.clamp(tally, new[layer])
            if taught[layer]:
                self.reinforce(tally, layer, new[layer])
        self.h = new
        self.step += 1

    def error(self, tally, layer, logits, label):
        tally.step = "error signal"
        voters = self.units[layer]
        bits = width(voters)
        best, second, exchanged = tally.larger_first(logits[0], logits[1], bits)
        winner = int(exchanged)
        for c, logit in enumerate(logits[2:], 2):
            best, rest, exchanged = tally.larger_first(best, logit, bits)
            winner = c if exchanged else winner
            second, _, _ = tally.larger_first(second, rest, bits)
        lead = tally.add(best, -second, bits)  # half of that between the logits
        close = tally.greater((self.start.margins[layer] + 1) // 2, lead, bits)
        right = tally.equal(winner, label, width(len(logits) - 1))
        return close or not right

    def learn(self, tally, layer, agreements, below, votes, label, h):
        n, size = self.sizes[layer], self.start.group_sizes[layer]
        bits = width(n) + 1
        desired = self.P[layer][label]
        wrong_units = [True] * (len(agreements) // size)
        if self.majority:
            tally.step = "wrong units"
            wrong_units = [not tally.xnor(v, d) for v, d in zip(votes, desired, strict=True)]
            desired = [d for d in desired for _ in range(size)]
        tally.step = "stability"
        delta = []
        for count, d in zip(agreements, desired, strict=True):
            # Inverted, all bits of 2 * count make -2 * count - 1.
            kept = [tally.xnor((2 * count >> i) & 1, d) for i in range(bits)]
            twice = sum(bit << i for i, bit in enumerate(kept)) - (0 if d else 2**bits)
            delta.append(tally.add(twice, -n if d else n + 1, bits))
        for group, is_wrong in enumerate(wrong_units):
            tally.step = "choice"
            first = group * size
            # Without their sign, negative numbers are the largest, and those next to 0 the largest of them.
            best, chosen = delta[first] % 2**bits, first
            for k in range(first + 1, first + size):
                best, _, exchanged = tally.larger_first(best, delta[k] % 2**bits, bits)
                chosen = k if exchanged else chosen
            if delta[chosen] >= 0 or not is_wrong:
                continue
            self.run["updates"][layer] += 1
            tally.step = "update"
            for j, bit in enumerate(below):
                h[chosen][j] = tally.step_by(h[chosen][j], tally.xnor(bit, desired[chosen]), self.counter_bits)

    def clamp(self, tally, h):
        tally.step = "clamp"
        for row in h:
            for j, counter in enumerate(row):
                above = tally.greater(counter, self.start.h_max, self.counter_bits)
                below = tally.greater(self.start.h_min, counter, self.counter_bits)
                row[j] = self.start.h_max if above else self.start.h_min if below else counter

    def reinforce(self, tally, layer, h):
        n = self.sizes[layer]
        T = ref.reinforcement_threshold(self.start.reinforcement, self.wrong, self.seen, n)
        if T == 0:
            return
        tally.step = "reinforcement"
        table = [2**64, *ref.survival_table(T)] + [0] * 1024
        for k, row in enumerate(h):
            stream = iter(ref.words(self.start.seed, ref.REINFORCEMENT, layer + 1, self.step, k, n).tolist())
            j = 0
            while j < n:
                u = next(stream)
                tally.note("random word", 64)
                self.run["draws"][layer] += 1
                gap = 0
                for stride in (1024, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1):
                    gap += stride if tally.greater(table[gap + stride], u, 64) else 0
                j = tally.add(j, min(gap + 1, 1024), width(n + 1024))
                inside = not tally.greater(j, n, width(n + 1024))
                if gap < 1024 and inside:
                    moved = tally.step_by(row[j - 1], row[j - 1] >= 0, self.counter_bits)
                    row[j - 1] = min(max(moved, self.start.h_min), self.start.h_max)
                    self.run["reinforced"][layer] += 1


# ----------------------------------------------------------------------------------------------------
# Back-propagation
# ----------------------------------------------------------------------------------------------------


class Adam:
    """Kingma and Ba's Adam for one parameter, with its corrections of the bias in two constants of the step."""

    def __init__(self, rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.rate, self.beta1, self.beta2, self.epsilon = rate, beta1, beta2, epsilon
        self.moments = {}

    def __call__(self, tally, name, w, gradient, t):
        m, v = self.moments.get(name, (0.0, 0.0))
        m = tally.plus(tally.mul(self.beta1, m), tally.mul(1 - self.beta1, gradient))
        v = tally.plus(tally.mul(self.beta2, v), tally.mul(1 - self.beta2, tally.mul(gradient, gradient)))
        self.moments[name] = m, v
        correction = math.sqrt(1 - self.beta2**t)
        rate, epsilon = self.rate * correction / (1 - self.beta1**t), self.epsilon * correction
        return tally.minus(w, tally.mul(rate, tally.divide(m, tally.plus(tally.root(v), epsilon))))


class Momentum:
    """Stochastic gradient descent."""

    def __init__(self, rate, momentum):
        self.rate, self.momentum = rate, momentum
        self.velocities = {}

    def __call__(self, tally, name, w, gradient, t):
        if self.momentum:
            gradient = tally.plus(tally.mul(self.momentum, self.velocities.get(name, 0.0)), gradient)
            self.velocities[name] = gradient
        return tally.minus(w, tally.mul(self.rate, gradient))


def softmax_errors(tally, logits, label):
    """The gradient of the cross-entropy at the logits."""
    tally.step = "loss"
    largest = logits[0]
    for logit in logits[1:]:
        largest = logit if tally.at_least(logit, largest) else largest
    powers = [tally.exp(tally.minus(logit, largest)) for logit in logits]
    total = tally.total(powers)
    errors = [tally.divide(power, total) for power in powers]
    errors[label] = tally.minus(errors[label], 1.0)
    return errors


class FloatNetwork:
    """ReLU and cross-entropy, without biases; a gradient is the sum over the mini-batch."""

    def __init__(self, weights, optimiser, decay=0.0):
        self.W = [w.tolist() for w in weights]
        self.optimiser, self.decay, self.t = optimiser, decay, 0

    def forward(self, tally, x):
        tally.step = "forward"
        a = [x]
        for W in self.W[:-1]:
            z = [tally.dot(row, a[-1]) for row in W]
            a.append([tally.select(value > 0, value) for value in z])
        return a, [tally.dot(row, a[-1]) for row in self.W[-1]]

    def predict(self, x):
        tally = Tally()
        _, logits = self.forward(tally, list(x))
        tally.step = "prediction"
        winner = 0
        for c in range(1, len(logits)):
            winner = c if not tally.at_least(logits[winner], logits[c]) else winner
        return winner, logits, tally

    def train_batch(self, tally, X, y):
        gradients = [[[None] * len(row) for row in W] for W in self.W]
        for x, label in zip(X.tolist(), y.tolist(), strict=True):
            a, logits = self.forward(tally, x)
            errors = softmax_errors(tally, logits, label)
            for layer in reversed(range(len(self.W))):
                tally.step = "gradients"
                for k, error in enumerate(errors):
                    for j, value in enumerate(a[layer]):
                        term, sum_so_far = tally.mul(error, value), gradients[layer][k][j]
                        gradients[layer][k][j] = term if sum_so_far is None else tally.plus(sum_so_far, term)
                if layer:
                    tally.step = "errors"
                    columns = zip(*self.W[layer], strict=True)
                    below = [tally.dot(column, errors) for column in columns]
                    errors = [tally.select(v > 0, e) for v, e in zip(a[layer], below, strict=True)]
        tally.step = "update"
        self.t += 1
        for layer, W in enumerate(self.W):
            for k, row in enumerate(W):
                for j, w in enumerate(row):
                    g = gradients[layer][k][j]
                    if self.decay:
                        g = tally.plus(g, tally.mul(self.decay, w))
                    row[j] = self.optimiser(tally, (layer, k, j), w, g, self.t)


class StraightThroughNetwork:
    """Latent weights, their signs in use, and batch normalisation after each layer."""

    def __init__(self, latent, rate, epsilon=1e-5):
        self.W = [w.tolist() for w in latent]
        self.factor = [[1.0] * len(W) for W in self.W]
        self.summand = [[0.0] * len(W) for W in self.W]
        self.mean = [[0.0] * len(W) for W in self.W]
        self.variance = [[1.0] * len(W) for W in self.W]
        self.optimiser, self.epsilon, self.t = Adam(rate), epsilon, 0

    def train_batch(self, tally, X, y):
        n = len(y)
        a = [[to_bits(x) for x in X]]
        caches = []
        for layer, W in enumerate(self.W):
            tally.step = "forward"
            signs = [to_bits([1 if w >= 0 else -1 for w in row]) for row in W]
            z = [[2 * tally.agreements(row, x) - len(row) for row in signs] for x in a[-1]]
            normal, out, deviations = self.normalise(tally, layer, z)
            caches.append((normal, out, deviations))
            a.append([[int(v >= 0) for v in row] for row in out])
        errors = [softmax_errors(tally, logits, label) for logits, label in zip(caches[-1][1], y.tolist(), strict=True)]
        # The mean over the mini-batch is in the constants of Adam: what scales all gradients alike goes into epsilon.
        gradients, signs_above = {}, []
        for layer in reversed(range(len(self.W))):
            normal, out, inverse = caches[layer]
            if layer < len(self.W) - 1:
                tally.step = "errors"
                columns = list(zip(*signs_above, strict=True))
                errors = [
                    [
                        tally.select(tally.at_least(1.0, abs(v)), tally.signed_dot(row, column))
                        for v, column in zip(values, columns, strict=True)
                    ]
                    for row, values in zip(errors, out, strict=True)
                ]
            errors = self.normalise_backward(tally, layer, errors, normal, inverse, gradients)
            signs_above = [[1 if w >= 0 else -1 for w in row] for row in self.W[layer]]
            tally.step = "gradients"
            for k in range(len(self.W[layer])):
                for j in range(len(self.W[layer][k])):
                    column = [errors[s][k] for s in range(n)]
                    gradients["w", layer, k, j] = tally.signed_dot(column, [2 * a[layer][s][j] - 1 for s in range(n)])
        self.update(tally, gradients, n)

    def normalise(self, tally, layer, z):
        tally.step = "normalisation"
        n, size = len(z), len(z[0])
        normal, out, inverses = [[0.0] * size for _ in z], [[0.0] * size for _ in z], []
        for k in range(size):
            values = []
            for row in z:
                tally.float("conversion")
                values.append(float(row[k]))
            mean = tally.mul(1 / n, tally.total(values))
            centred = [tally.minus(v, mean) for v in values]
            variance = tally.mul(1 / n, tally.total([tally.mul(c, c) for c in centred]))
            inverse = tally.divide(1.0, tally.root(tally.plus(variance, self.epsilon)))
            inverses.append(inverse)
            self.mean[layer][k] = tally.plus(tally.mul(0.9, self.mean[layer][k]), tally.mul(0.1, mean))
            unbiased = 0.1 * n / (n - 1)
            self.variance[layer][k] = tally.plus(tally.mul(0.9, self.variance[layer][k]), tally.mul(unbiased, variance))
            for s, c in enumerate(centred):
                normal[s][k] = tally.mul(c, inverse)
                out[s][k] = tally.plus(tally.mul(normal[s][k], self.factor[layer][k]), self.summand[layer][k])
        return normal, out, inverses

    def normalise_backward(self, tally, layer, errors, normal, inverses, gradients):
        tally.step = "normalisation, backward"
        n = len(errors)
        below = [[0.0] * len(errors[0]) for _ in errors]
        for k, inverse in enumerate(inverses):
            of_unit = [row[k] for row in errors]
            summand = tally.total(of_unit)
            factor = tally.dot(of_unit, [row[k] for row in normal])
            gradients["summand", layer, k], gradients["factor", layer, k] = summand, factor
            scale = tally.mul(self.factor[layer][k], inverse)
            mean, slope = tally.mul(1 / n, summand), tally.mul(1 / n, factor)
            for s, error in enumerate(of_unit):
                rest = tally.minus(tally.minus(error, mean), tally.mul(normal[s][k], slope))
                below[s][k] = tally.mul(scale, rest)
        return below

    def update(self, tally, gradients, n):
        tally.step = "update"
        self.t += 1
        self.optimiser.epsilon = 1e-8 * n  # gradients are sums, and not means
        for (kind, layer, k, *j), gradient in gradients.items():
            row = self.W[layer][k] if kind == "w" else getattr(self, kind)[layer]
            place = j[0] if kind == "w" else k
            row[place] = self.optimiser(tally, (kind, layer, k, *j), row[place], gradient, self.t)
            if kind == "w":
                low, high = not tally.at_least(row[place], -1.0), not tally.at_least(1.0, row[place])
                row[place] = -1.0 if low else 1.0 if high else row[place]

    def predict(self, x):
        """The class of one sample, by thresholds; and what it took."""
        tally = Tally()
        a = to_bits(x)
        for layer, W in enumerate(self.W):
            tally.step = "forward"
            counts = [tally.agreements([int(w >= 0) for w in row], a) for row in W]
            n = len(W[0])
            scales, shifts = self.folded(layer)
            if layer == len(self.W) - 1:
                break
            a = []
            for count, scale, shift in zip(counts, scales, shifts, strict=True):
                # scale * z + shift >= 0, in counts of agreements, with the direction of the scale
                least = next((c for c in range(n + 1) if (scale * (2 * c - n) + shift >= 0) == (scale > 0)), n + 1)
                above = int(not tally.greater(min(least, 2 ** width(n) - 1), count, width(n)) and least <= n)
                a.append(tally.xnor(above, int(scale > 0)))
        tally.step = "logits"
        logits = []
        for count, scale, shift in zip(counts, scales, shifts, strict=True):
            tally.float("conversion")
            logits.append(tally.plus(tally.mul(scale, float(2 * count - n)), shift))
        tally.step = "prediction"
        winner = 0
        for c in range(1, len(logits)):
            winner = c if not tally.at_least(logits[winner], logits[c]) else winner
        return winner, logits, tally

    def folded(self, layer):
        factor, summand, mean, variance = (
            np.array(v[layer]) for v in (self.factor, self.summand, self.mean, self.variance)
        )
        scale = factor / np.sqrt(variance + self.epsilon)
        return scale.tolist(), (summand - scale * mean).tolist()
