"""Holding out a part of the data."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitlocal.splits import hold_out


def held_out_by_class(labels, rest, held_out):
    """For each class: its size and how many of it were held out."""
    return {c: (int((labels == c).sum()), int((labels[held_out] == c).sum())) for c in np.unique(labels)}


@settings(max_examples=150, deadline=None)
@given(
    labels=st.lists(st.integers(0, 5), min_size=2, max_size=120).map(np.array),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**64 - 1),
)
def test_hold_out_is_a_stratified_split(labels, fraction, seed):
    n = len(labels)
    try:
        rest, held_out = hold_out(labels, fraction, seed=seed)
    except ValueError:
        # Only where a part would be empty, or where what would be held out are whole classes.
        n_singles = sum((labels == c).sum() == 1 for c in labels)
        assert round(n * fraction) in (0, n) or round(n * fraction) <= n_singles
        return
    assert np.array_equal(np.sort(np.concatenate([rest, held_out])), np.arange(n))  # disjoint, and all
    assert np.array_equal(rest, np.sort(rest))
    assert np.array_equal(held_out, np.sort(held_out))
    share = Fraction(round(n * fraction), n)
    wanted = 0
    for size, out in held_out_by_class(labels, rest, held_out).values():
        assert out < size, "a class was held out as a whole"
        # Within one sample of its proportion, or all of the class but one.
        assert abs(out - share * size) < 1 or (out == size - 1 and out < share * size)
        wanted += out == size - 1
    assert round(n * fraction) - wanted <= len(held_out) <= round(n * fraction)
    again = hold_out(labels, fraction, seed=seed)
    assert np.array_equal(again[0], rest)
    assert np.array_equal(again[1], held_out)


def test_the_share_is_exact_where_no_class_is_too_small():
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    rest, held_out = hold_out(labels, 0.2, seed=3)
    assert held_out_by_class(labels, rest, held_out) == {0: (100, 20), 1: (50, 10), 2: (10, 2)}
    assert len(rest) == 128


def test_the_seed_decides_who_is_held_out():
    labels = np.zeros(200, dtype=int)
    parts = [tuple(hold_out(labels, 0.1, seed=seed)[1]) for seed in range(5)]
    assert len(set(parts)) == 5
    # Everybody has a chance: over many seeds each row is held out at some time, but never always.
    times = sum(np.isin(np.arange(200), hold_out(labels, 0.1, seed=seed)[1]) for seed in range(150))
    assert times.min() > 0
    assert times.max() < 40


def test_order_of_the_data_does_not_tie_rows_together():
    """Neighbours in the data are not held out together more often than by chance."""
    labels = np.zeros(1000, dtype=int)
    _, held_out = hold_out(labels, 0.1, seed=0)
    assert len(held_out) == 100
    assert len(set(held_out // 10)) < 90  # exactly one of every ten would be 100


@pytest.mark.parametrize("labels", [np.array(["b", "a", "b", "a"] * 5), np.array([True, False] * 10)])
def test_labels_of_other_types(labels):
    rest, held_out = hold_out(labels, 0.2, seed=0)
    assert {out for _, out in held_out_by_class(labels, rest, held_out).values()} == {2}


@pytest.mark.parametrize(("n", "fraction"), [(4, 0.1), (0, 0.5), (10, 0.0), (10, 1.0), (3, 0.9)])
def test_an_empty_part_is_an_error(n, fraction):
    with pytest.raises(ValueError, match=f"cannot hold out {fraction:g} of {n} samples"):
        hold_out(np.zeros(n, dtype=int), fraction, seed=0)


def test_nothing_left_to_hold_out_is_an_error():
    """Every class has one sample, which must stay: an empty part must not be returned."""
    with pytest.raises(ValueError, match=r"cannot hold out 0\.2 of 10 samples"):
        hold_out(np.arange(10), 0.2, seed=0)
