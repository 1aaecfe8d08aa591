"""The binary network and its training, without scikit-learn: packed bits in, integers out.

Symbols and steps are those of `docs/algorithm.md`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal import _core
from bitlocal.bits import PackedBits, unpack, words_for
from bitlocal.spec import Spec
from bitlocal.state import Counts, TrainingState
from bitlocal.watchdog import watch

_STEPS = 2**32  # mini-batches and epochs are counted modulo this


class BinaryNetwork:
    """A multi-layer binary network with local random classifiers, and its learning rule.

    Parameters
    ----------
    spec : Spec
        Shape and rule.
    initialise : bool, default=True
        Whether to draw hidden weights and local classifiers from the seed. Otherwise the caller sets them.

    Attributes
    ----------
    state : TrainingState
        Where training stands.

    Examples
    --------
    >>> import numpy as np
    >>> from bitlocal.bits import pack
    >>> from bitlocal.network import BinaryNetwork
    >>> from bitlocal.spec import Classes, Dense, Spec
    >>> rng = np.random.default_rng(0)
    >>> prototypes = rng.random((3, 50)) < 0.5
    >>> y = rng.integers(0, 3, 300)
    >>> bits = pack(prototypes[y] ^ (rng.random((300, 50)) < 0.2))
    >>> network = BinaryNetwork(Spec(50, (Dense(45, group_size=15),), Classes(3)))
    >>> for _ in range(10):
    ...     counts = network.train_epoch(bits, y, batch_size=10)
    >>> bool((network.predict(bits) == y).mean() > 0.9)
    True
    """

    def __init__(self, spec: Spec, *, initialise: bool = True) -> None:
        self.spec = spec
        self.state = TrainingState()
        self._core = _core.Network(_blocks(spec), spec.readout_margin)
        self._core.seed = spec.seed
        if initialise:
            self._core.initialise(spec.seed)
        self._trainer: _core.Trainer | None = None

    @property
    def n_layers(self) -> int:
        """Trained layers, L."""
        return len(self.spec.blocks)

    @property
    def has_hidden_weights(self) -> bool:
        """False in a network that can only infer."""
        return self._core.has_hidden_weights

    # Training ------------------------------------------------------------------------------------------------------

    def train_epoch(
        self,
        samples: PackedBits,
        labels: NDArray[np.integer],
        *,
        weights: NDArray[np.uint64] | None = None,
        batch_size: int = 100,
        n_threads: int = 1,
    ) -> Counts:
        """Present every sample once, in an order drawn from the seed and the epoch's number.

        Parameters
        ----------
        samples : PackedBits
            n_samples rows of K_0 bits.
        labels : array of int, shape (n_samples,)
            Classes 0 ... C - 1.
        weights : array of uint64, shape (n_samples,), optional
            How often each sample counts in its mini-batch, in units of 2**-32: `bitlocal.samples.weights.to_fixed`.
        batch_size : int, default=100
            Samples in a mini-batch.
        n_threads : int, default=1
            Threads; the result does not depend on it.

        Returns
        -------
        Counts
        """
        counts = Counts()
        parts = self.train_epoch_parts(samples, labels, weights=weights, batch_size=batch_size, n_threads=n_threads)
        for part in parts:
            counts.add(part)
        return counts

    def train_epoch_parts(
        self,
        samples: PackedBits,
        labels: NDArray[np.integer],
        *,
        weights: NDArray[np.uint64] | None = None,
        batch_size: int = 100,
        n_threads: int = 1,
        part_size: int = 2000,
    ) -> Iterator[Counts]:
        """Train one epoch as `train_epoch` does, and yield after every `part_size` samples or so.

        Whoever stops iterating leaves a valid network, part-way through the epoch.

        Yields
        ------
        Counts
            Of the part alone.
        """
        order = _core.permutation(self.spec.seed, _core.Purpose.sample_order, self.state.epoch % _STEPS, len(samples))
        thresholds = self.reinforcement_thresholds()
        part_size = max(part_size // batch_size, 1) * batch_size
        labels = np.ascontiguousarray(labels, dtype=np.int32)  # once, and not for each part
        total = Counts()
        for first in range(0, len(order), part_size):
            part = self._train(
                samples, labels, weights, order[first : first + part_size], batch_size, thresholds, n_threads
            )
            total.add(part)
            yield part
        self.state.epoch += 1
        self.state.close(total.seen - total.correct, total.seen)

    def skip(self, epochs: int, batches: int) -> None:
        """Count epochs of so many mini-batches that would change nothing, since the last one had no error signal."""
        self.state.epoch += epochs
        self.state.step += epochs * batches

    def train_stream(
        self,
        samples: PackedBits,
        labels: NDArray[np.integer],
        *,
        weights: NDArray[np.uint64] | None = None,
        batch_size: int = 100,
        n_threads: int = 1,
        logits: NDArray[np.int32] | None = None,
    ) -> Counts:
        """Present the samples once, in the order given, without closing an epoch; a learned readout learns, too.

        The accuracy that rules the reinforcement is that of the last complete epoch or window of a stream, whichever
        came last. A window is complete with the mini-batch that fills it, so it does not depend on how a stream is cut
        between mini-batches.

        Parameters
        ----------
        samples, labels, weights, batch_size, n_threads
            As in `train_epoch`.
        logits : array of int32, shape (n_samples, n_classes), optional
            Room for what the network answers to the samples as they are presented, before it learns from them.

        Returns
        -------
        Counts
        """
        order = np.arange(len(samples), dtype=np.uint32)
        labels = np.ascontiguousarray(labels, dtype=np.int32)
        state, total, first = self.state, Counts(), 0
        while first < len(order):
            left = len(order) if state.window is None else max(state.window - state.window_rows, 1)
            part = slice(first, first + -(-left // batch_size) * batch_size)
            answers = None if logits is None else logits[part]
            thresholds = self.reinforcement_thresholds()
            counts = self._train(
                samples, labels, weights, order[part], batch_size, thresholds, n_threads, answers, stream=True
            )
            total.add(counts)
            first += counts.rows
            if state.window is not None:
                state.window_rows += counts.rows
                state.window_wrong += counts.seen - counts.correct
                state.window_seen += counts.seen
                if state.window_rows >= state.window:
                    state.close(state.window_wrong, state.window_seen)
        return total

    def _train(
        self,
        samples: PackedBits,
        labels: NDArray[np.integer],
        weights: NDArray[np.uint64] | None,
        order: NDArray[np.uint32],
        batch_size: int,
        thresholds: Sequence[int],
        n_threads: int,
        logits: NDArray[np.int32] | None = None,
        *,
        stream: bool = False,
    ) -> Counts:
        labels_i32 = np.ascontiguousarray(labels, dtype=np.int32)
        trainer = self.trainer(batch_size, n_threads, most=len(order))
        first_step, n_steps = self.state.step, -(-len(order) // batch_size)
        # Counted before the call: an interruption is raised right after it, and must not leave learnt weights behind
        # whose random numbers would then be used again.
        self.state.step += n_steps
        try:
            with watch(trainer):
                counts = trainer.run(
                    samples.words, labels_i32, order, first_step % _STEPS, thresholds, weights, logits, stream
                )
        except (ValueError, TypeError, RuntimeError, MemoryError):  # the core refused, and has changed nothing
            self.state.step = first_step
            raise
        done = counts.errors, n_steps, counts.updates, counts.draws, counts.reinforced
        return Counts(counts.seen, counts.correct, *done, rows=len(order), readout=counts.readout)

    def pass_readout(
        self,
        activations: PackedBits,
        labels: NDArray[np.integer],
        number: int,
        *,
        weights: NDArray[np.uint64] | None = None,
        batch_size: int = 100,
        n_threads: int = 1,
    ) -> Counts:
        """Let a learned readout learn once from every sample, while the layers stay as they are.

        `activations` gives what it learns from. `number` counts the passes since the last epoch, from 1, and rules the
        order of the samples; all else is as in `train_epoch`, but that no layer counts anything.
        """
        n, state = len(activations), self.state
        order = _core.permutation(self.spec.seed, _core.Purpose.sample_order, state.epoch % _STEPS, n, number)
        data = activations.words, np.ascontiguousarray(labels, dtype=np.int32), order
        first_step = state.step % _STEPS
        counts = _core.pass_readout(self._core, *data, number, first_step, batch_size, n_threads, weights)
        return Counts(counts.seen, counts.correct, batches=-(-n // batch_size), rows=n, readout=counts.updates)

    def trainer(self, batch_size: int, n_threads: int, *, most: int | None = None) -> _core.Trainer:
        """Give the resident trainer, which keeps its threads and its memory until `release`.

        Parameters
        ----------
        batch_size : int
            Samples in a mini-batch.
        n_threads : int
            Threads.
        most : int, optional
            Samples that will be presented at most in a call, so that memory for more is not needed.

        Returns
        -------
        Trainer
            The same one for the same numbers, but another in a process that was forked off, where the threads are not.
        """
        size = batch_size if most is None else min(batch_size, max(most, 1))
        if self._trainer is not None and self._trainer.usable and self._trainer.n_threads == n_threads:
            has = self._trainer.batch_size
            if has == batch_size or size <= has < batch_size:  # all of the call is one mini-batch then
                return self._trainer
        self._trainer = None  # its memory first
        self._trainer = _core.Trainer(self._core, size, n_threads)
        return self._trainer

    def release(self) -> None:
        """Let the trainer go, with its threads and its memory; the next training makes another."""
        self._trainer = None

    def reinforcement_thresholds(self) -> list[int]:
        """Each layer's probability of reinforcement in the coming epoch, in units of 2**-32.

        The last one is the trained classifier's, where there is one. In integers, so that every machine, a small one
        included, gets the same.
        """
        factor = round(self.spec.rule.reinforcement * self.spec.rule.reinforcement * (2 / math.pi) * 2**32)
        wrong, seen = self.state.wrong, self.state.seen
        return [min(2**32, math.isqrt(factor * 2**32 * wrong // (seen * fan_in))) for fan_in in self.spec.fan_ins]

    # Inference -----------------------------------------------------------------------------------------------------

    def logits(self, samples: PackedBits, *, n_threads: int = 1) -> NDArray[np.int32]:
        """Logits of the last layer, or those of a learned readout, shape (n_samples, n_classes)."""
        return self._core.logits(samples.words, n_threads)

    def activations(self, samples: PackedBits, *, n_threads: int = 1) -> PackedBits:
        """Activations of the last layer, n_samples rows of K_L bits."""
        return PackedBits(self._core.activations(samples.words, n_threads), self.spec.blocks[-1].n_outputs)

    def repeat_logits(self, samples: PackedBits, n_calls: int) -> None:
        """Compute the logits so many times with one thread, without Python in between, to be timed."""
        self._core.repeat_logits(samples.words, n_calls)

    def predict(self, samples: PackedBits, *, n_threads: int = 1) -> NDArray[np.intp]:
        """Predicted classes 0 ... C - 1, shape (n_samples,); ties go to the lowest class."""
        winners: NDArray[np.intp] = self.logits(samples, n_threads=n_threads).argmax(axis=1)
        return winners

    # Weights -------------------------------------------------------------------------------------------------------

    def counters(self, layer: int) -> NDArray[np.int16]:
        """Counters h of a layer (from 0), a copy of shape (K_l, K_{l-1})."""
        return self._core.counters(layer)

    def hidden_weights(self, layer: int) -> NDArray[np.int32]:
        """Hidden weights H = 2h + 1 of a layer (from 0), shape (K_l, K_{l-1})."""
        return 2 * self.counters(layer).astype(np.int32) + 1

    def weights(self, layer: int) -> NDArray[np.int8]:
        """Binary weights W = sign(H) of a layer (from 0), -1 or +1, shape (K_l, K_{l-1})."""
        return _signs(self.packed_weights(layer))

    def local_classifier(self, layer: int) -> NDArray[np.int8]:
        """Local classifier P of a layer (from 0), -1 or +1, shape (C, K_l), or (C, majority units)."""
        return _signs(self.packed_local_classifier(layer))

    def packed_weights(self, layer: int) -> PackedBits:
        """Binary weights of a layer, packed."""
        return PackedBits(self._core.weights(layer), self.spec.blocks[layer].n_inputs)

    def packed_local_classifier(self, layer: int) -> PackedBits:
        """Local classifier of a layer, packed."""
        return PackedBits(self._core.local_classifier(layer), self.spec.blocks[layer].n_outputs)

    def set_counters(self, layer: int, h: NDArray[np.int16]) -> None:
        """Set the counters of a layer, and its binary weights with them."""
        self._core.set_counters(layer, np.ascontiguousarray(h, dtype=np.int16))

    def set_packed_weights(self, layer: int, rows: NDArray[np.uint64]) -> None:
        """Set the binary weights of a layer; its hidden weights are dropped, so it can only infer."""
        self._core.set_weights(layer, np.ascontiguousarray(rows, dtype=np.uint64))

    def set_packed_local_classifier(self, layer: int, rows: NDArray[np.uint64]) -> None:
        """Set the local classifier of a layer."""
        self._core.set_local_classifier(layer, np.ascontiguousarray(rows, dtype=np.uint64))

    def classifier_counters(self) -> NDArray[np.int16]:
        """Counters h of the trained classifier, a copy of shape (C, outputs of the last layer)."""
        return self._core.classifier_counters()

    def readout(self) -> NDArray[np.int16]:
        """Integers R of a learned readout, a copy of shape (C, K_L)."""
        return self._core.readout()

    def set_readout(self, values: NDArray[np.integer]) -> None:
        """Set the integers of a learned readout."""
        self._core.set_readout(np.ascontiguousarray(values, dtype=np.int16))

    def start_readout(self) -> None:
        """Let a learned readout begin anew, with the votes of the last local classifier."""
        self._core.start_readout()

    def snapshot(self) -> list[NDArray[np.int16]]:
        """Copy all counters, for `restore`; those of the trained classifier, where there is one, come last."""
        layers = [self.counters(layer) for layer in range(self.n_layers)]
        return [*layers, self.classifier_counters()] if self.spec.target.trained else layers

    def restore(self, snapshot: Sequence[NDArray[np.int16]]) -> None:
        """Go back to the counters of a snapshot."""
        for layer in range(self.n_layers):
            self.set_counters(layer, snapshot[layer])
        if self.spec.target.trained:
            self._core.set_classifier_counters(snapshot[-1])

    def hidden_sha256(self) -> str:
        """Digest of all hidden weights: equal digests mean equal layers, bit for bit."""
        return _digest(self.snapshot())

    def readout_sha256(self) -> str | None:
        """Digest of a learned readout; None where there is none."""
        return _digest([self.readout()]) if self.spec.target.readout == "learned" else None

    # As plain arrays, for files and pickles ------------------------------------------------------------------------

    def to_arrays(self, *, inference_only: bool = False) -> dict[str, NDArray[Any]]:
        """Everything that was drawn or learnt, by name.

        Parameters
        ----------
        inference_only : bool, default=False
            Leave out what only training needs: hidden weights, and all local classifiers but the last, which goes as
            well where a learned readout answers.

        Returns
        -------
        dict of str to ndarray
            `layers.I.counters` (int16) or `layers.I.weights` (packed uint64), and `layers.I.local_classifier`
            (packed uint64), for layers I from 0; `classifier.counters` (int16) of a trained classifier; `readout`
            (int16) of a learned readout.
        """
        arrays: dict[str, NDArray[Any]] = {}
        with_hidden = self.has_hidden_weights and not inference_only
        learned = self.spec.target.readout == "learned"
        for layer in range(self.n_layers):
            if with_hidden:
                arrays[f"layers.{layer}.counters"] = self.counters(layer)
            else:
                arrays[f"layers.{layer}.weights"] = self.packed_weights(layer).words
            if with_hidden or (layer == self.n_layers - 1 and not learned):
                arrays[f"layers.{layer}.local_classifier"] = self.packed_local_classifier(layer).words
        if with_hidden and self.spec.target.trained:
            arrays["classifier.counters"] = self.classifier_counters()
        if learned:
            arrays["readout"] = self.readout()
        return arrays

    @classmethod
    def from_arrays(cls, spec: Spec, state: TrainingState, arrays: Mapping[str, NDArray[Any]]) -> BinaryNetwork:
        """Make a network from what `to_arrays` gave.

        Raises
        ------
        ValueError
            If an array is missing, or does not fit the specification.
        """
        # Everything is checked before anything is allocated: the arrays may come from a file that nobody vouches for.
        blocks = spec.blocks
        with_hidden = "layers.0.counters" in arrays
        with_readout = spec.target.readout == "learned"
        for layer, block in enumerate(blocks):
            fan_in, size = block.n_inputs, block.n_neurons
            if with_hidden:
                _require_array(arrays, f"layers.{layer}.counters", np.int16, (size, fan_in))
            else:
                _require_array(arrays, f"layers.{layer}.weights", np.uint64, (size, words_for(fan_in)))
            if with_hidden or (layer == len(blocks) - 1 and not with_readout):
                shape = (spec.n_classes, words_for(block.n_outputs))
                _require_array(arrays, f"layers.{layer}.local_classifier", np.uint64, shape)
        with_classifier = with_hidden and spec.target.trained
        if with_classifier:
            _require_array(arrays, "classifier.counters", np.int16, (spec.n_classes, blocks[-1].n_outputs))
        if with_readout:
            _require_array(arrays, "readout", np.int16, (spec.n_classes, blocks[-1].n_outputs))
        network = cls(spec, initialise=False)
        network.state = state
        for layer in range(len(blocks)):
            if with_hidden:
                network.set_counters(layer, arrays[f"layers.{layer}.counters"])
            else:
                network.set_packed_weights(layer, arrays[f"layers.{layer}.weights"])
            if with_hidden or (layer == len(blocks) - 1 and not with_readout):
                network.set_packed_local_classifier(layer, arrays[f"layers.{layer}.local_classifier"])
        if with_classifier:
            network._core.set_classifier_counters(arrays["classifier.counters"])
        if with_readout:
            network.set_readout(arrays["readout"])
        return network

    def __reduce__(self) -> tuple[Any, ...]:
        return BinaryNetwork.from_arrays, (self.spec, self.state, self.to_arrays())


def _blocks(spec: Spec) -> list[_core.Block]:
    """Give the blocks that a specification stands for."""
    h_min, h_max = spec.rule.counter_range
    blocks = []
    for i, block in enumerate(spec.blocks):
        layer = _core.dense(block.n_inputs, block.n_neurons, block.group_size, h_min, h_max)
        pools = [_core.majority(block.n_neurons, pool.size) for pool in block.pools]
        target = block.n_outputs, spec.n_classes, block.margin
        if spec.target.trained and i + 1 == len(spec.blocks):
            teacher = _core.trained_teacher(*target, h_min, h_max)
        elif spec.target.single_output:
            teacher = _core.single_output_teacher(*target)
        else:
            teacher = _core.class_teacher(*target)
        blocks.append(_core.Block(layer, pools, teacher, learns=not block.frozen))
    return blocks


def _require_array(
    arrays: Mapping[str, NDArray[Any]], name: str, dtype: type[np.generic], shape: tuple[int, int]
) -> None:
    if name not in arrays:
        raise ValueError(f"array {name!r} is missing")
    if arrays[name].dtype != dtype or arrays[name].shape != shape:
        found = f"{arrays[name].dtype} of shape {arrays[name].shape}"
        raise ValueError(f"array {name!r}: expected {np.dtype(dtype)} of shape {shape}, got {found}")


def _digest(arrays: Sequence[NDArray[np.int16]]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array.astype("<i2", copy=False).tobytes())
    return digest.hexdigest()


def _signs(rows: PackedBits) -> NDArray[np.int8]:
    return np.where(unpack(rows), 1, -1).astype(np.int8)
