"""Packed bits and the training loop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bitlocal.bits import PackedBits, pack, unpack, words_for
from bitlocal.network import BinaryNetwork
from bitlocal.state import Counts, TrainingState
from bitlocal.training import Progress, Validation, train
from specs import flat_spec

LENGTHS = [1, 7, 8, 9, 63, 64, 65, 127, 128, 129, 511, 512, 513]


# Bits ------------------------------------------------------------------------------------------------------


def packed_by_hand(bits):
    """Rows as Python integers, bit i worth 2**i, cut into words."""
    n_words = -(-bits.shape[1] // 64)
    values = [sum(1 << i for i, bit in enumerate(row) if bit) for row in bits]
    words = [[value >> (64 * w) & (2**64 - 1) for w in range(n_words)] for value in values]
    return np.array(words, dtype=np.uint64).reshape(len(bits), n_words)


@pytest.mark.parametrize("n_bits", LENGTHS)
def test_pack_and_unpack(n_bits):
    bits = np.random.default_rng(n_bits).random((5, n_bits)) < 0.5
    bits[0], bits[1] = True, False
    packed = pack(bits)
    assert packed.words.dtype == np.uint64
    assert packed.words.shape == (5, words_for(n_bits))
    assert np.array_equal(packed.words, packed_by_hand(bits))  # padding zero included
    assert len(packed) == 5
    assert packed.n_bits == n_bits
    back = unpack(packed)
    assert back.dtype == np.bool_
    assert np.array_equal(back, bits)


@pytest.mark.parametrize("n_bits", [9, 65, 129])
def test_pack_takes_arrays_in_any_order_of_memory(n_bits):
    bits = np.random.default_rng(n_bits).random((12, 2 * n_bits)) < 0.5
    for view in (bits[::2, :n_bits], bits[:, ::2], bits[::-1, n_bits:], np.asfortranarray(bits[:, :n_bits])):
        assert not view.flags.c_contiguous
        assert np.array_equal(pack(view).words, packed_by_hand(view))
        assert np.array_equal(unpack(pack(view)), view)


def test_rows_of_packed_bits():
    bits = np.random.default_rng(0).random((10, 70)) < 0.5
    packed = pack(bits)
    for rows in (slice(2, 7), slice(None, None, 3), np.array([9, 0, 4, 4])):
        assert np.array_equal(unpack(packed[rows]), bits[rows])
        assert packed[rows].words.flags.c_contiguous


# Training --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parts(bit_data):
    """Training part, its labels, held-out part, its labels."""
    X, y = bit_data
    return pack(X[:200]), y[:200], pack(X[200:]), y[200:]


def new_network(**changes):
    settings = {"n_inputs": 70, "hidden_layer_sizes": (45, 30), "n_classes": 3, "group_size": 15, "seed": 5}
    return BinaryNetwork(flat_spec(**{**settings, **changes}))


def accuracy(network, samples, labels):
    return float((network.predict(samples) == labels).mean())


def test_train_is_epoch_after_epoch(parts):
    samples, labels, *_ = parts
    network, by_hand = new_network(), new_network()
    records = list(train(network, samples, labels, epochs=3, batch_size=20, n_threads=1))
    counts = [by_hand.train_epoch(samples, labels, batch_size=20) for _ in range(3)]
    assert network.hidden_sha256() == by_hand.hidden_sha256() != new_network().hidden_sha256()
    assert network.state == by_hand.state
    assert [record.epoch for record in records] == [1, 2, 3]
    assert [record.train_accuracy for record in records] == [c.correct / 200 for c in counts]
    assert [record.error_share for record in records] == [tuple(e / 200 for e in c.errors) for c in counts]
    assert all(record.validation_accuracy is None for record in records)
    assert all(record.seconds >= 0 for record in records)
    assert accuracy(network, samples, labels) > 0.7  # chance is a third


def test_watching_does_not_change_training(parts):
    samples, labels, other, other_labels = parts
    network, watched = new_network(), new_network()
    list(train(network, samples, labels, epochs=4, batch_size=20, n_threads=1))
    accuracies = []
    for record in train(
        watched,
        samples,
        labels,
        epochs=4,
        batch_size=20,
        n_threads=1,
        validation=Validation(other, other_labels, None, 0.0),
    ):
        accuracies.append((record.validation_accuracy, accuracy(watched, other, other_labels)))
    assert len(accuracies) == 4
    assert all(recorded == by_hand for recorded, by_hand in accuracies)
    assert watched.hidden_sha256() == network.hidden_sha256()


def follow(parts, *, patience, tol, epochs):
    """Train with early stopping; the records, the digest at the end of each epoch, and the network."""
    samples, labels, other, other_labels = parts
    network = new_network()
    validation = Validation(other, other_labels, patience, tol)
    records, digests = [], []
    for record in train(network, samples, labels, epochs=epochs, batch_size=20, n_threads=1, validation=validation):
        records.append(record)
        digests.append(network.hidden_sha256())
    return records, digests, network


@pytest.mark.parametrize(("patience", "tol"), [(1, 0.0), (3, 0.0), (2, 0.05)])
def test_early_stopping_keeps_the_best_network(parts, patience, tol):
    records, digests, network = follow(parts, patience=patience, tol=tol, epochs=40)
    accuracies = [record.validation_accuracy for record in records]
    # When it must stop, from the definition.
    best, waited, expected = -1.0, 0, 0
    for value in accuracies:
        waited = 0 if value > best + tol else waited + 1
        best = max(best, value)
        expected += 1
        if waited == patience:
            break
    assert len(records) == expected < 40
    assert waited == patience
    # The first of the best, not the last network.
    place = accuracies.index(max(accuracies))
    assert place < len(accuracies) - 1
    assert network.hidden_sha256() == digests[place] != digests[-1]
    assert accuracy(network, *parts[2:]) == max(accuracies)


def test_the_best_network_is_restored_when_the_epochs_run_out(parts):
    long, _, _ = follow(parts, patience=100, tol=0.0, epochs=12)
    accuracies = [record.validation_accuracy for record in long]
    # An end right after an epoch that was worse than one before.
    end = next(i for i in range(1, 12) if accuracies[i] < max(accuracies[:i])) + 1
    records, digests, network = follow(parts, patience=100, tol=0.0, epochs=end)
    assert len(records) == end
    assert network.hidden_sha256() == digests[accuracies.index(max(accuracies[:end]))] != digests[-1]


@pytest.mark.parametrize("patience", [None, 20, 59])
def test_what_can_learn_nothing_more_is_not_gone_through(parts, patience):
    samples, labels = parts[0][:30], parts[1][:30]
    validation = None if patience is None else Validation(*parts[2:], patience, 0.0)
    how = {"batch_size": 20, "n_threads": 1}
    network, by_hand = new_network(), new_network()
    records = list(train(network, samples, labels, epochs=60, validation=validation, **how))
    end, best, waited = 60, -1.0, 0
    snapshot = by_hand.snapshot()
    for epoch in range(1, 61):  # all epochs, one by one
        counts = by_hand.train_epoch(samples, labels, **how)
        if epoch <= len(records):
            assert records[epoch - 1].counts == counts
        else:
            assert counts.errors == [0] * len(counts.errors)
        value = accuracy(by_hand, *parts[2:])
        waited = 0 if value > best else waited + 1
        if value > best:
            best, snapshot = value, by_hand.snapshot()
        if waited == patience:
            end = epoch
            break
    if patience is not None:
        by_hand.restore(snapshot)
    assert len(records) < end
    assert network.hidden_sha256() == by_hand.hidden_sha256()
    assert network.state == by_hand.state
    for one in (network, by_hand):  # and what comes after is the same, too
        one.train_epoch(*parts[:2], **how)
    assert network.hidden_sha256() == by_hand.hidden_sha256()


def test_whoever_stops_iterating_leaves_a_valid_network(parts):
    samples, labels, other, other_labels = parts
    network, by_hand = new_network(), new_network()
    loop = train(
        network,
        samples,
        labels,
        epochs=9,
        batch_size=20,
        n_threads=1,
        validation=Validation(other, other_labels, 3, 0.0),
    )
    next(loop)
    next(loop)
    loop.close()
    for _ in range(2):
        by_hand.train_epoch(samples, labels, batch_size=20)
    assert network.hidden_sha256() == by_hand.hidden_sha256()
    # And it goes on from there as if nothing had happened.
    for either in (network, by_hand):
        either.train_epoch(samples, labels, batch_size=20)
    assert network.hidden_sha256() == by_hand.hidden_sha256()
    assert network.state == by_hand.state


def test_an_epoch_may_be_left_part_way(parts):
    samples, labels, *_ = parts
    network = new_network()
    loop = network.train_epoch_parts(samples, labels, batch_size=20, part_size=60)
    first, second = next(loop), next(loop)
    loop.close()
    assert (first.seen, second.seen) == (60, 60)
    assert (network.state.step, network.state.epoch) == (6, 0)  # mini-batches count, the epoch does not
    assert network.predict(samples).shape == (200,)
    network.train_epoch(samples, labels, batch_size=20)
    assert (network.state.step, network.state.epoch) == (16, 1)


@pytest.mark.parametrize("part_size", [1, 20, 50, 199, 10_000])
def test_parts_make_up_the_epoch(parts, part_size):
    samples, labels, *_ = parts
    whole, in_parts = new_network(), new_network()
    expected = whole.train_epoch(samples, labels, batch_size=20)
    total = Counts()
    for part in in_parts.train_epoch_parts(samples, labels, batch_size=20, part_size=part_size):
        total.add(part)
    assert total == expected
    assert in_parts.hidden_sha256() == whole.hidden_sha256()
    assert in_parts.state == whole.state


def test_progress(bit_data):
    """Several calls an epoch, in step with the records; the last of an epoch brings its record."""
    X, y = bit_data
    samples, labels = pack(np.tile(X, (18, 1))), np.tile(y, 18)  # 4500: more than two parts
    calls = []
    records = list(train(new_network(), samples, labels, epochs=2, batch_size=50, n_threads=1, callback=calls.append))
    assert all(isinstance(call, Progress) for call in calls)
    assert [call.finished for call in calls if call.finished] == records
    for epoch in (1, 2):
        mine = [call for call in calls if call.epoch == epoch]
        assert len(mine) == 3
        assert [call.finished is not None for call in mine] == [False, False, True]
        seen = [call.seen for call in mine]
        assert seen == sorted(set(seen))
        assert seen[-1] == 4500
        assert all((call.n_epochs, call.n_samples) == (2, 4500) for call in mine)
        assert mine[-1].train_accuracy == records[epoch - 1].train_accuracy
        assert mine[-1].error_share == records[epoch - 1].error_share
        # The accuracy so far is a whole number of samples out of those seen.
        for call in mine:
            assert call.train_accuracy == round(call.train_accuracy * call.seen) / call.seen
    assert [call.epoch for call in calls] == [1, 1, 1, 2, 2, 2]


def test_packed_bits_know_their_rows():
    assert len(PackedBits(np.zeros((3, 2), dtype=np.uint64), 100)) == 3


def test_a_refused_call_counts_no_step(bit_data):
    X, y = bit_data
    network = BinaryNetwork(flat_spec(n_inputs=70, hidden_layer_sizes=(45,), n_classes=3, group_size=15))
    before = network.hidden_sha256()
    with pytest.raises(ValueError, match="labels: expected numbers from 0 to n_classes - 1"):
        network.train_stream(pack(X), y + 1)
    assert network.state == TrainingState()
    assert network.hidden_sha256() == before


def test_an_interruption_after_the_core_leaves_weights_and_step_together(bit_data):
    X, y = bit_data
    spec = flat_spec(n_inputs=70, hidden_layer_sizes=(45,), n_classes=3, group_size=15)
    network, uninterrupted = BinaryNetwork(spec), BinaryNetwork(spec)
    trainer = network.trainer(10, 1)

    class InterruptedTrainer:
        usable, batch_size, n_threads = True, 10, 1

        def run(self, *arguments):
            trainer.run(*arguments)
            raise KeyboardInterrupt

    network._trainer = InterruptedTrainer()
    with pytest.raises(KeyboardInterrupt):
        network.train_stream(pack(X), y, batch_size=10)
    network.release()
    uninterrupted.train_stream(pack(X), y, batch_size=10)
    # What the call counted went with it: its samples are not in the window of the stream.
    assert network.state == replace(uninterrupted.state, window_rows=0, window_wrong=0, window_seen=0)
    assert network.hidden_sha256() == uninterrupted.hidden_sha256()
