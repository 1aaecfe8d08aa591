"""A slow, plain implementation of docs/algorithm.md, used as an oracle in the tests.

It needs only NumPy and the standard library and shares no code with the package: weights and activations are
ordinary unpacked integers, one array entry each. Section numbers below refer to docs/algorithm.md.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np

MASK32 = 0xFFFFFFFF

# Purposes of the random streams (section 3).
INITIAL_WEIGHTS = 1
LOCAL_CLASSIFIER = 2
REINFORCEMENT = 3
SAMPLE_ORDER = 4
HOLD_OUT = 5
REPEATS = 8

LONGEST_GAP = 1024


# ----------------------------------------------------------------------------------------------------
# Random streams
# ----------------------------------------------------------------------------------------------------


def philox4x32(counter: Sequence, key: Sequence[int]) -> tuple[np.ndarray, ...]:
    """Philox4x32-10 of Salmon et al. (2011).

    `counter` holds four 32-bit words, each an integer or an array (they are broadcast together); `key` holds
    two 32-bit words. Returns the four output words as uint64 arrays whose values are below 2**32.
    """
    mask, shift = np.uint64(MASK32), np.uint64(32)
    multiplier0, multiplier1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
    c0, c1, c2, c3 = np.broadcast_arrays(*(np.asarray(word, dtype=np.uint64) for word in counter))
    k0, k1 = (int(word) for word in key)
    for _ in range(10):
        # 32 x 32 bits give at most 64 bits, so these products are exact.
        product0 = c0 * multiplier0
        product1 = c2 * multiplier1
        c0, c1, c2, c3 = (
            (product1 >> shift) ^ c1 ^ np.uint64(k0),
            product1 & mask,
            (product0 >> shift) ^ c3 ^ np.uint64(k1),
            product0 & mask,
        )
        k0 = (k0 + 0x9E3779B9) & MASK32
        k1 = (k1 + 0xBB67AE85) & MASK32
    return c0, c1, c2, c3


def words(seed: int, purpose: int, layer: int, step: int, row: int | np.ndarray, n: int) -> np.ndarray:
    """The first `n` 64-bit words of a stream, as uint64.

    `row` is one row, for a result of shape (n,), or a vector of R rows, for a result of shape (R, n).
    """
    rows = np.atleast_1d(np.asarray(row, dtype=np.uint64))[:, None]
    blocks = np.arange((n + 1) // 2, dtype=np.uint64)[None, :]
    counter = (blocks, rows, step & MASK32, (purpose << 24) + layer)
    w0, w1, w2, w3 = philox4x32(counter, (seed & MASK32, (seed >> 32) & MASK32))
    stream = np.empty((rows.shape[0], 2 * blocks.shape[1]), dtype=np.uint64)
    stream[:, 0::2] = w0 | (w1 << np.uint64(32))
    stream[:, 1::2] = w2 | (w3 << np.uint64(32))
    stream = stream[:, :n]
    return stream[0] if np.ndim(row) == 0 else stream


def permutation(seed: int, purpose: int, step: int, n: int, row: int = 0) -> np.ndarray:
    """A random order of 0 ... n-1 (section 3, "Sample order")."""
    stream = words(seed, purpose, 0, step, row, n).tolist()
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        j = (stream[i] * (i + 1)) >> 64
        order[i], order[j] = order[j], order[i]
    return np.array(order, dtype=np.int64)


def initial_counters(seed: int, layer: int, n_neurons: int, n_inputs: int, lo: int, hi: int) -> np.ndarray:
    """The counters h of a new layer, of shape (n_neurons, n_inputs)."""
    stream = words(seed, INITIAL_WEIGHTS, layer, 0, np.arange(n_neurons), n_inputs)
    h = np.full(stream.shape, -186, dtype=np.int64)
    for field in range(12):
        h += ((stream >> np.uint64(5 * field)) & np.uint64(31)).astype(np.int64)
    h -= ((stream >> np.uint64(60)) & np.uint64(1)).astype(np.int64)
    return np.clip(h, lo, hi)


def local_classifier(seed: int, layer: int, n_classes: int, n_neurons: int) -> np.ndarray:
    """The local random classifier P, of shape (n_classes, n_neurons), in {-1, +1}: bit 1 stands for +1."""
    stream = words(seed, LOCAL_CLASSIFIER, layer, 0, np.arange(n_classes), (n_neurons + 63) // 64)
    k = np.arange(n_neurons)
    bits = (stream[:, k // 64] >> (k % 64).astype(np.uint64)) & np.uint64(1)
    return 2 * bits.astype(np.int64) - 1


# ----------------------------------------------------------------------------------------------------
# Reinforcement
# ----------------------------------------------------------------------------------------------------


def reinforcement_threshold(p_r: float | Fraction, wrong: int, seen: int, n_inputs: int) -> int:
    """T: the probability of reinforcement in units of 2**-32."""
    p_r = float(p_r)
    c = round(p_r * p_r * (2 / math.pi) * 2**32)
    return min(2**32, math.isqrt(c * 2**32 * int(wrong) // (int(seen) * int(n_inputs))))


@lru_cache(maxsize=256)
def survival_table(T: int) -> tuple[int, ...]:
    """S[1] ... S[1024], where S[g] / 2**64 is the probability that a gap is at least g."""
    q = 2**32 - T
    table = [2**32 * q]
    while len(table) < LONGEST_GAP:
        table.append(table[-1] * q // 2**32)
    return tuple(table)


def gap_lengths(T: int, u: np.ndarray) -> np.ndarray:
    """For each word the number of entries of the survival table that exceed it, for T > 0."""
    ascending = np.array(survival_table(T)[::-1], dtype=np.uint64)
    # All entries less those at or below u.
    return LONGEST_GAP - np.searchsorted(ascending, u, side="right")


def reinforced_synapses(seed: int, layer: int, step: int, row: int, n_inputs: int, T: int) -> list[int]:
    """The synapses j of one row that are reinforced in one mini-batch, in ascending order."""
    if T == 0:
        return []
    table = survival_table(T)
    # Every draw advances j by at least one, so n_inputs words are always enough.
    stream = iter(words(seed, REINFORCEMENT, layer, step, row, n_inputs).tolist())
    chosen = []
    j = 0
    while j < n_inputs:
        u = next(stream)
        gap = sum(entry > u for entry in table)
        if gap == LONGEST_GAP:
            j += LONGEST_GAP
            continue
        if j + gap < n_inputs:
            chosen.append(j + gap)
        j += gap + 1
    return chosen


def reinforcement_mask(seed: int, layer: int, step: int, n_rows: int, n_inputs: int, T: int) -> np.ndarray:
    """`reinforced_synapses` of rows 0 ... n_rows-1 at once, as a boolean (n_rows, n_inputs) array."""
    mask = np.zeros((n_rows, n_inputs), dtype=bool)
    if T == 0:
        return mask
    stream = words(seed, REINFORCEMENT, layer, step, np.arange(n_rows), n_inputs)
    gap = gap_lengths(T, stream)
    advance = np.where(gap == LONGEST_GAP, LONGEST_GAP, gap + 1)
    position = np.cumsum(advance, axis=1) - 1  # the last synapse that each draw passes
    # Draws past the end of the row land outside it; the rule would not have made them.
    row, draw = np.nonzero((gap < LONGEST_GAP) & (position < n_inputs))
    mask[row, position[row, draw]] = True
    return mask


def reinforcement_draws(seed: int, layer: int, step: int, n_rows: int, n_inputs: int, T: int) -> int:
    """How many words rows 0 ... n_rows-1 draw in one mini-batch: up to the one that reaches the end of the row."""
    if T == 0:
        return 0
    gap = gap_lengths(T, words(seed, REINFORCEMENT, layer, step, np.arange(n_rows), n_inputs))
    position = np.cumsum(np.where(gap == LONGEST_GAP, LONGEST_GAP, gap + 1), axis=1)
    return int(np.sum(np.argmax(position >= n_inputs, axis=1) + 1))


def repeats(seed: int, step: int, weights: np.ndarray, layer: int = 0) -> np.ndarray:
    """How often each sample of a mini-batch counts; the weights are in units of 2**-32."""
    u = words(seed, REPEATS, layer, step, np.arange(len(weights)), 1)[:, 0] >> np.uint64(32)
    return np.array([(int(weight) + int(draw)) >> 32 for weight, draw in zip(weights, u, strict=True)], dtype=np.int64)


# ----------------------------------------------------------------------------------------------------
# The network
# ----------------------------------------------------------------------------------------------------


def sign(values: np.ndarray) -> np.ndarray:
    """-1 or +1, with sign(0) = +1."""
    return np.where(values >= 0, 1, -1).astype(np.int64)


def error_signals(o: np.ndarray, y: np.ndarray, margin: int) -> np.ndarray:
    """e for every sample, as booleans, from the logits o of shape (samples, classes)."""
    ordered = np.sort(o, axis=1)
    lead = ordered[:, -1] - ordered[:, -2]
    return (np.argmax(o, axis=1) != y) | (lead < margin)


def chosen_neurons(delta: np.ndarray, group_size: int) -> np.ndarray:
    """The neurons that the sparse choice picks, as booleans, from stabilities of shape (samples, neurons).

    If the group size does not divide the number of neurons, the last group is the smaller rest.
    """
    chosen = np.zeros(delta.shape, dtype=bool)
    samples = np.arange(delta.shape[0])
    never = np.iinfo(np.int64).max
    for start in range(0, delta.shape[1], group_size):
        group = delta[:, start : start + group_size]
        size = np.where(group < 0, -group, never)
        best = np.argmin(size, axis=1)  # the lowest index among equals
        chosen[samples, start + best] = size[samples, best] != never
    return chosen


def round_half_up(numerator: int, denominator: int) -> int:
    """The nearest whole number to a fraction, the upper one of two."""
    return math.floor(Fraction(numerator, denominator) + Fraction(1, 2))


def learnt_readout(R: np.ndarray, a: np.ndarray, y: np.ndarray, margin: int) -> tuple[np.ndarray, int]:
    """A learned readout after a mini-batch of activations a and classes y; and how many rows samples updated."""
    change = np.zeros(R.shape, dtype=np.int64)
    n_updates = 0
    for activations, label in zip(a, y, strict=True):
        o = R @ activations
        others = [c for c in range(len(R)) if c != label]
        rival = max(others, key=lambda c: (o[c], -c))
        if o[label] - o[rival] < margin:
            change[label] += activations
            change[rival] -= activations
            n_updates += 2
    return np.clip(R + change, -(2**15), 2**15 - 1), n_updates


class ReferenceNetwork:
    """A network of layer_sizes[0] inputs and layers of layer_sizes[1:] neurons.

    `group_sizes` and `margins` have one entry a layer; a margin is the integer floor(r * K_l). `clip` is None
    or the odd bound on |H|; `reinforcement` is p_r; `readout_margin` is that of a learned readout, None where there is
    none. The other options are the variants of section 4.
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        n_classes: int,
        group_sizes: Sequence[int],
        margins: Sequence[int],
        clip: int | None,
        reinforcement: float | Fraction,
        seed: int,
        *,
        majority: bool = False,
        freeze_first: bool = False,
        train_classifier: bool = False,
        single_output: bool = False,
        readout_margin: int | None = None,
    ):
        self.layer_sizes = [int(size) for size in layer_sizes]
        self.n_layers = len(self.layer_sizes) - 1
        if self.n_layers < 1 or len(group_sizes) != self.n_layers or len(margins) != self.n_layers:
            raise ValueError("group_sizes and margins need one entry for each layer")
        if clip is not None and clip % 2 != 1:
            raise ValueError("clip must be odd")
        self.n_classes = n_classes
        self.group_sizes = [int(size) for size in group_sizes]
        self.margins = [int(margin) for margin in margins]
        bound = 65535 if clip is None else int(clip)
        self.h_min, self.h_max = -(bound + 1) // 2, (bound - 1) // 2
        self.reinforcement = reinforcement
        self.seed = int(seed)
        self.step = 0
        self.epoch = 0
        self.presented = 0
        self.wrong = 1
        self.seen = 1
        self.h = []
        self.P = []
        for layer in range(1, self.n_layers + 1):
            n_inputs, n_neurons = self.layer_sizes[layer - 1], self.layer_sizes[layer]
            self.h.append(initial_counters(self.seed, layer, n_neurons, n_inputs, self.h_min, self.h_max))
            n_outputs = n_neurons // self.group_sizes[layer - 1] if majority else n_neurons
            P = local_classifier(self.seed, layer, n_classes, n_outputs)
            self.P.append(np.stack([-P[1], P[1]]) if single_output else P)
        self.majority, self.freeze_first = majority, freeze_first
        self.h_classifier = None
        if train_classifier:
            layer, n_outputs = self.n_layers + 1, self.P[-1].shape[1]
            self.h_classifier = initial_counters(self.seed, layer, n_classes, n_outputs, self.h_min, self.h_max)
            self.P[-1] = sign(self.h_classifier)
        self.readout_margin = readout_margin
        self.R = None if readout_margin is None else 64 * self.P[-1]
        self.readout_updates = 0
        # What was done so far, for each layer and for the trained classifier.
        n_trained = self.n_layers + train_classifier
        self.updates, self.draws, self.reinforced = [0] * n_trained, [0] * n_trained, [0] * n_trained

    def _forward(self, X: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Activations a_0 ... a_L and pre-activations z_1 ... z_L, each of shape (samples, width)."""
        a = [np.asarray(X, dtype=np.int64)]
        z = []
        for h, group_size in zip(self.h, self.group_sizes, strict=True):
            z.append(a[-1] @ sign(h).T)
            active = sign(z[-1])
            if self.majority:
                active = sign(active.reshape(len(active), active.shape[1] // group_size, group_size).sum(axis=2))
            a.append(active)
        return a, z

    def train_batch(
        self, X_pm1: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None, *, stream: bool = False
    ) -> tuple[int, list[int]]:
        """One mini-batch (section 2), in which a sample of weight 2 is simply there twice.

        In a stream a learned readout learns from it, too.

        Returns how many samples the last layer classified correctly before the update, and for each layer the
        number of samples with an error signal.
        """
        y = np.asarray(y, dtype=np.int64)
        if weights is not None:
            times = repeats(self.seed, self.step, weights)
            X_pm1, y = np.repeat(X_pm1, times, axis=0), np.repeat(y, times)
        self.presented += len(y)
        # The whole forward pass precedes every update.
        a, z = self._forward(X_pm1)
        correct = int(np.sum(np.argmax(a[-1] @ self.P[-1].T, axis=1) == y))
        n_errors = []
        for index in range(self.n_layers):
            layer = index + 1
            below = a[index]
            frozen = self.freeze_first and index == 0
            if frozen and layer < self.n_layers:
                n_errors.append(0)
                continue

            e = error_signals(a[layer] @ self.P[index].T, y, self.margins[index])
            n_errors.append(int(np.sum(e)))

            desired = self.P[index][y]
            teaches = e[:, None]
            if self.majority:
                teaches = teaches & np.repeat(a[layer] != desired, self.group_sizes[index], axis=1)
                desired = np.repeat(desired, self.group_sizes[index], axis=1)
            if not frozen:
                chosen = chosen_neurons(z[index] * desired, self.group_sizes[index]) & teaches
                self.h[index] = self._learn(index, self.h[index], chosen, desired, below, e)
            if self.h_classifier is not None and layer == self.n_layers:
                # Only the unit of the true class, where it is wrong; what it should answer is +1.
                true_class = np.arange(self.n_classes) == y[:, None]
                chosen = true_class & (a[layer] @ self.P[index].T < 0) & e[:, None]
                self.h_classifier = self._learn(
                    layer, self.h_classifier, chosen, np.where(true_class, 1, -1), a[layer], e
                )
        if self.h_classifier is not None:
            self.P[-1] = sign(self.h_classifier)
        if self.R is not None and stream:
            self.R, n_updates = learnt_readout(self.R, a[-1], y, self.readout_margin)
            self.readout_updates += n_updates
        self.step += 1
        return correct, n_errors

    def _learn(self, index: int, h, chosen, desired, below, e) -> np.ndarray:
        """Steps 6 and 7 for the counters h of a layer, or of the trained classifier; returns the new ones."""
        # The sum over samples of a*_k a_{l-1,j}, for chosen neurons only.
        change = np.where(chosen, desired, 0).T @ below
        h = np.clip(h + change, self.h_min, self.h_max)
        self.updates[index] += int(chosen.sum())
        if e.any():
            n_rows, n_inputs = h.shape
            T = reinforcement_threshold(self.reinforcement, self.wrong, self.seen, n_inputs)
            mask = reinforcement_mask(self.seed, index + 1, self.step, n_rows, n_inputs, T)
            h = np.clip(h + mask * sign(h), self.h_min, self.h_max)
            self.reinforced[index] += int(mask.sum())
            self.draws[index] += reinforcement_draws(self.seed, index + 1, self.step, n_rows, n_inputs, T)
        return h

    def train_epoch(
        self, X: np.ndarray, y: np.ndarray, batch_size: int, shuffle: bool = True, weights: np.ndarray | None = None
    ) -> tuple[int, list[int]]:
        """One pass over the samples; the last mini-batch may be smaller.

        Returns the sums over the mini-batches of what `train_batch` returns.
        """
        X, y = np.asarray(X), np.asarray(y)
        n = len(y)
        order = permutation(self.seed, SAMPLE_ORDER, self.epoch, n) if shuffle else np.arange(n)
        correct = 0
        n_errors = [0] * self.n_layers
        before = self.presented
        for start in range(0, n, batch_size):
            batch = order[start : start + batch_size]
            batch_correct, batch_errors = self.train_batch(
                X[batch], y[batch], None if weights is None else weights[batch]
            )
            correct += batch_correct
            n_errors = [total + more for total, more in zip(n_errors, batch_errors, strict=True)]
        # Only now, so that the probability of reinforcement is constant during an epoch.
        presented = self.presented - before
        if presented:
            self.wrong, self.seen = presented - correct, presented
        self.epoch += 1
        return correct, n_errors

    def train_readout(
        self, X: np.ndarray, y: np.ndarray, batch_size: int, weights: np.ndarray | None = None, n_passes: int = 15
    ) -> list[np.ndarray]:
        """The passes of a learned readout, section 4; returns the means of R after each, that of none first."""
        a = self._forward(X)[0][-1]
        R = 64 * self.P[-1]
        total, means = np.zeros(R.shape, dtype=np.int64), [R]
        for number in range(1, n_passes + 1):
            order = permutation(self.seed, SAMPLE_ORDER, self.epoch, len(y), number)
            for i, start in enumerate(range(0, len(y), batch_size)):
                batch = order[start : start + batch_size]
                if weights is not None:
                    batch = np.repeat(batch, repeats(self.seed, self.step + i, weights[batch], number))
                R, _ = learnt_readout(R, a[batch], y[batch], self.readout_margin)
            total += R
            means.append(np.array([[round_half_up(s, number) for s in row] for row in total.tolist()]))
        self.R = means[-1]
        return means

    def logits(self, X: np.ndarray) -> np.ndarray:
        """o_L, of shape (samples, classes), or that of a learned readout."""
        a, _ = self._forward(X)
        return a[-1] @ (self.P[-1] if self.R is None else self.R).T

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The predicted classes; ties go to the lowest class."""
        return np.argmax(self.logits(X), axis=1)

    def digest(self) -> str:
        """hidden_sha256, in hexadecimal."""
        sha = hashlib.sha256()
        for h in [*self.h, *([] if self.h_classifier is None else [self.h_classifier])]:
            sha.update(h.astype("<i2").tobytes())
        return sha.hexdigest()
