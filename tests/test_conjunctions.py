"""Conjunctions of the bits of a table."""

from __future__ import annotations

import itertools
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitlocal import BMLPClassifier, TableEncoder, _core, load, save
from bitlocal.bits import unpack
from bitlocal.encoders import make_encoder
from bitlocal.encoders.information import tells
from bitlocal.errors import ModelFileError
from bitlocal.files.tensors import read, to_bytes


def mixed(n=120, seed=7):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "size": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "age": rng.integers(18, 90, n),
            "colour": rng.choice(["red", "green", "blue", None], n),
            "same": np.ones(n),
            "town": rng.choice(["Rome", "Milan"], n),
        }
    )
    return table, rng.integers(0, 3, n)


def by_hand(table, y, n):
    """What is kept, from the definition in docs/encoders.md: bits with values, and for which samples they hold."""
    plain = TableEncoder(n_bits=4).fit(table, y)
    bits, names = plain.transform(table), plain.get_feature_names_out().tolist()
    columns = []
    for _, of_column in itertools.groupby(
        range(len(names)), key=lambda b: names[b].split(">")[0].split("=")[0].split(" ")[0]
    ):
        usable = [b for b in of_column if 0 < bits[:, b].sum() < len(bits)]
        columns += [usable] if usable else []
    n_drawn = n if y is None else 2 * n
    words = [int(w) for w in _core.random_words(0, _core.Purpose.encoder, 4, 0, 0, 8 * n_drawn)]
    drawn = []
    for i in range(n_drawn):
        w, left, literals = words[8 * i : 8 * i + 8], list(columns), set()
        for j in range(min((2, 3)[i % 2], len(columns))):
            of_column = left.pop(w[1 + j] % len(left))
            bit = of_column[w[4 + j] % len(of_column)]
            literals.add((bit, bool(bits[w[0] % len(bits), bit])))
        if literals not in [one for one, _ in drawn]:
            drawn.append((literals, np.array([all(row[b] == v for b, v in literals) for row in bits])))
    if y is not None:
        scores = tells(np.array([held for _, held in drawn]).T, np.asarray(y))
        order = sorted(range(len(drawn)), key=lambda i: (-scores[i], i))[:n]
        drawn = [drawn[i] for i in sorted(order)]
    return plain, names, drawn[:n]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), n=st.integers(2, 60), kept=st.integers(1, 40), labelled=st.booleans())
def test_definition(seed, n, kept, labelled):
    table, y = mixed(n, seed)
    y = y if labelled else None
    plain, names, expected = by_hand(table, y, kept)
    encoder = TableEncoder(n_bits=4, conjunctions=kept).fit(table, y)
    bits = encoder.transform(table)
    n_before = plain.n_bits_
    np.testing.assert_array_equal(bits[:, :n_before], plain.transform(table))
    assert bits.shape[1] == n_before + len(expected)
    told = encoder.get_feature_names_out().tolist()[n_before:]
    for (literals, held), column, name in zip(expected, bits[:, n_before:].T, told, strict=True):
        np.testing.assert_array_equal(column, held)
        assert set(name.split(" & ")) == {("" if value else "not ") + names[bit] for bit, value in literals}


def test_what_tells_most_is_kept():
    rng = np.random.default_rng(0)
    X = rng.random((400, 5)) < 0.5
    y = X[:, 1] & ~X[:, 3]
    names = TableEncoder(conjunctions=30).fit(X, y).get_feature_names_out()[5:]
    assert any({"x1>0", "not x3>0"} <= set(name.split(" & ")) for name in names)
    everything = TableEncoder(conjunctions=3000).fit(X, y)  # as many as there are different ones, each once
    found = [frozenset(name.split(" & ")) for name in everything.get_feature_names_out()[5:]]
    assert len(set(found)) == len(found) <= 10 * 4 + 10 * 8
    assert Fraction(len(found), 120) > Fraction(9, 10)


def test_auto_and_large_tables():
    table, y = mixed(60)
    assert (
        TableEncoder(n_bits=4, conjunctions="auto").fit(table, y).n_bits_
        <= TableEncoder(n_bits=4).fit(table).n_bits_ + 60
    )
    table, y = mixed(700)
    many = TableEncoder(conjunctions="auto").fit(table, y)
    assert many.n_bits_ == TableEncoder().fit(table, y).n_bits_ + 500
    X = np.random.default_rng(1).normal(size=(45_000, 3))  # every third is looked at
    some = TableEncoder(n_bits=4, conjunctions=9).fit(X, X[:, 0] > 0)
    assert some.transform(X).shape == (45_000, some.n_bits_)


def test_tables_of_one_column_or_none():
    one = TableEncoder(conjunctions=5).fit([[1.0], [2.0], [3.0]])
    assert one.transform([[2.5]]).shape == (1, one.n_bits_)
    assert TableEncoder(conjunctions=5).fit([[1.0], [1.0]]).transform([[2.0]]).shape == (1, 0)


def test_beside_sums_and_by_name():
    table, y = mixed()
    encoder = make_encoder("table+oblique30+conjunctions20").set_params(n_bits=4).fit(table, y)
    sums = TableEncoder(n_bits=4, oblique=30).fit(table, y)
    alone = TableEncoder(n_bits=4, conjunctions=20).fit(table, y)
    np.testing.assert_array_equal(encoder.transform(table)[:, : sums.n_bits_], sums.transform(table))
    np.testing.assert_array_equal(encoder.transform(table)[:, -20:], alone.transform(table)[:, -20:])
    assert encoder.describe().splitlines()[-1] == "(all)   joined    20 bits: conjunctions of bits of columns"
    assert make_encoder("table+conjunctions").get_params() == TableEncoder(conjunctions="auto").get_params()
    for spec in ("thermometer+conjunctions", "table+conjunctions0", "conjunctions", "table+conjunctions+conjunctions"):
        with pytest.raises(ValueError, match=r"is unknown|cannot be joined"):
            make_encoder(spec)


@pytest.mark.parametrize("oblique", [0, 9])
def test_in_model_files(tmp_path, oblique):
    table, y = mixed()
    encoder = TableEncoder(n_bits=4, oblique=oblique, conjunctions=25)
    clf = BMLPClassifier((45,), encoder=encoder, max_iter=3, random_state=0).fit(table, y)
    save(clf, tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.decision_function(table[table.columns[::-1]]), clf.decision_function(table))
    assert again.encoder_.get_feature_names_out().tolist() == clf.encoder_.get_feature_names_out().tolist()
    twin = pickle.loads(pickle.dumps(clf.encoder_))
    np.testing.assert_array_equal(twin.transform(table), unpack(again.encoder_.pack(table)))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("bits", lambda a: a + 100),
        ("bits", lambda a: a.astype(float)),
        ("bits", lambda a: a[:, :1]),
        ("bits", lambda a: a[:, 0]),
        ("bits", lambda a: np.hstack([a, a])),
        ("values", lambda a: a + 2),
        ("values", lambda a: a[1:]),
        ("values", lambda a: None),
    ],
)
def test_files_are_not_trusted(tmp_path, name, change):
    table, y = mixed()
    encoder = TableEncoder(n_bits=4, conjunctions=25)
    save(BMLPClassifier((15,), encoder=encoder, max_iter=1, random_state=0).fit(table, y), tmp_path / "model")
    text, arrays = read(tmp_path / "model")
    key = f"encoder.conjunctions.{name}"
    changed = change(arrays.pop(key))
    arrays |= {} if changed is None else {key: changed}
    (tmp_path / "model").write_bytes(to_bytes(text, arrays))
    with pytest.raises(ModelFileError, match="damaged model file"):
        load(tmp_path / "model")


@pytest.mark.parametrize("value", [-1, 1.5, "many", True])
def test_parameter(value):
    with pytest.raises(ValueError, match=r"conjunctions=.*: expected a whole number of at least 1"):
        TableEncoder(conjunctions=value).fit([[1, 2], [2, 1]])
