"""Texts, against a definition with Python's own strings and an implementation of the hash."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import bitlocal
from bitlocal import BMLPClassifier, TableEncoder, TextEncoder, ThermometerEncoder
from bitlocal.bits import pack, words_for
from bitlocal.encoders import make_encoder
from bitlocal.encoders.text import are_texts

# The definition ----------------------------------------------------------------------------------------------------


def murmur3(text):
    """MurmurHash3, 32 bits, seed 0 (A. Appleby, public domain), of UTF-8; as a signed number."""
    data, h = text.encode(), 0

    def mixed(block):
        k = int.from_bytes(block, "little") * 0xCC9E2D51 & 0xFFFFFFFF
        return (k << 15 | k >> 17) * 0x1B873593 & 0xFFFFFFFF

    whole = len(data) // 4 * 4
    for i in range(0, whole, 4):
        h ^= mixed(data[i : i + 4])
        h = ((h << 13 | h >> 19) & 0xFFFFFFFF) * 5 + 0xE6546B64 & 0xFFFFFFFF
    h ^= mixed(data[whole:]) ^ len(data)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = (h ^ h >> shift) * factor & 0xFFFFFFFF
    h ^= h >> 16
    return h - 2**32 if h >= 2**31 else h


def splitmix(x):
    """The last step of SplitMix64 (G. Steele, D. Lea, C. Flood, 2014)."""
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


def ngrams(text, analyzer, shortest, longest):
    """The n-grams of words, or those of characters; white space counts as one blank there."""
    if analyzer == "word":
        words = re.findall(r"\b\w\w+\b", text)
        return {" ".join(words[i : i + n]) for n in range(shortest, longest + 1) for i in range(len(words) - n + 1)}
    text = re.sub(r"\s\s+", " ", text)
    return {text[i : i + n] for n in range(shortest, longest + 1) for i in range(len(text) - n + 1)}


def bits_by_hand(encoder, texts):
    shortest, longest = encoder.ngram_range or ((1, 1) if encoder.analyzer == "word" else (2, 4))
    bits = np.zeros((len(texts), encoder.n_bits), dtype=bool)
    for row, text in zip(bits, texts, strict=True):
        text = "" if text is None else text.lower() if encoder.lowercase else text
        for ngram in ngrams(text, encoder.analyzer, shortest, longest):
            for k in range(encoder.n_hashes_):
                row[splitmix(abs(murmur3(ngram)) % (2**31 - 1) + k * 2**32) % encoder.n_bits] = True
    return bits


TEXTS = st.lists(
    st.one_of(
        st.none(),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        st.text(st.sampled_from("ab Ä\n"), max_size=12),
        st.lists(st.sampled_from(["red", "Green", "blue", "a", "the"]), max_size=9).map(" ".join),
    ),
    max_size=5,
).map(lambda texts: [*texts, "one text has n-grams"])
ENCODERS = st.builds(
    TextEncoder,
    n_bits=st.sampled_from([1, 63, 64, 65, 500]),
    analyzer=st.sampled_from(["word", "char"]),
    ngram_range=st.sampled_from([None, (1, 1), (2, 3)]),
    lowercase=st.booleans(),
    n_hashes=st.sampled_from(["auto", 1]),
)


@settings(max_examples=100, deadline=None)
@given(texts=TEXTS, encoder=ENCODERS)
def test_bits_are_those_of_the_definition(texts, encoder):
    bits = encoder.fit_transform(texts)
    assert np.array_equal(bits, bits_by_hand(encoder, texts))
    assert np.array_equal(encoder.pack(texts).words, pack(bits).words)
    for row, text in zip(bits, texts, strict=True):
        assert np.array_equal(encoder.transform([text])[0], row)


@settings(max_examples=30, deadline=None)
@given(texts=TEXTS, encoder=ENCODERS, first_bit=st.integers(0, 130))
def test_bits_may_begin_anywhere_in_a_row(texts, encoder, first_bit):
    encoder.fit(texts)
    words = np.zeros((len(texts), words_for(first_bit + encoder.n_bits)), dtype=np.uint64)
    words[:, 0] = first_bit > 0  # what is there stays
    encoder.piece().write(encoder.validate(texts), words, first_bit)
    before = np.zeros((len(texts), first_bit), dtype=bool)
    before[:, :1] = True
    assert np.array_equal(words, pack(np.hstack([before, encoder.transform(texts)])).words)


@pytest.mark.parametrize("analyzer", ["word", "char", "char_wb"])
def test_about_a_quarter_of_the_bits_of_a_typical_text_are_set(analyzer):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(["red", "green", "blue", "yellow", "black"], 20)) + f" {i}{i}" for i in range(50)]
    encoder = TextEncoder(analyzer=analyzer).fit([*texts, "", None, "x"])
    assert 0.22 < encoder.transform(texts).mean() < 0.28
    assert TextEncoder(n_bits=7, n_hashes=3).fit(texts).n_hashes_ == 3
    assert TextEncoder(n_bits=7).fit(["one"]).n_hashes_ == 2
    assert TextEncoder(n_bits=7).fit(texts).n_hashes_ == 1


def test_texts_that_cannot_be_told_apart():
    for texts, message in (
        (["", None], "no n-gram was found in any of 2 texts: give texts that are not empty"),
        (["a", "b", "c !"], r"1 words at least, of two or more letters .* \('text:char'\)"),
    ):
        with pytest.raises(ValueError, match=message):
            TextEncoder(n_bits=7).fit(texts)
    letters = TextEncoder(n_bits=70, analyzer="char")
    with pytest.raises(ValueError, match=r"shorter than \d characters; set ngram_range=\(1, "):
        letters.fit(["a", "b"])
    assert letters.set_params(ngram_range=(1, 2)).fit_transform(["a", "b"]).any(axis=1).all()


def test_many_texts():
    texts = [f"number {i} of {i % 7} things" for i in range(500)]
    encoder = TextEncoder(n_bits=5000, n_hashes=3).fit(texts)
    packed = encoder.pack(texts)
    assert np.array_equal(packed.words, np.concatenate([encoder.pack([text]).words for text in texts]))
    assert TextEncoder(analyzer="char_wb", n_bits=64).fit_transform(texts).any(axis=0).all()


# Odd input ---------------------------------------------------------------------------------------------------------


def test_all_kinds_of_columns():
    texts = ["good morning", None, "good night", ""]
    expected = TextEncoder(64).fit_transform(texts)
    assert expected.any(axis=1).tolist() == [True, False, True, False]
    for missing in (None, np.nan, pd.NA, pd.NaT, ""):
        some = [missing if text is None else text for text in texts]
        objects = np.empty(4, dtype=object)
        objects[:] = some
        kinds = [some, tuple(some), objects, objects[:, np.newaxis], pd.Series(some, dtype=object)]
        for kind in [*kinds, pd.Series(some, dtype=object).to_frame("text")]:
            assert np.array_equal(TextEncoder(64).fit(kind).transform(kind), expected)
    for kind in (
        pd.Series(texts, dtype="string"),
        pd.Series(texts, dtype="category"),
        pa.chunked_array([texts]),
        np.array(["good morning", "", "good night", ""]),
    ):
        assert np.array_equal(TextEncoder(64).fit_transform(kind), expected)


def test_what_is_no_text():
    encoder = TextEncoder().fit(["a text"])
    for method in (encoder.pack, TextEncoder().fit):
        with pytest.raises(ValueError, match="expected a list of texts, got the text 'a text': give a list"):
            method("a text")
        for wrong in ([], np.zeros((3, 2)), 7, pd.DataFrame({"a": ["x"], "b": ["y"]})):
            with pytest.raises(ValueError, match="expected a list of texts, got a"):
                method(wrong)
        for wrong in (["one", 2], ["one", b"two"], ["one", ["two"]], ["one", np.zeros(3)], np.array([[1], [2]])):
            with pytest.raises(ValueError, match="expected a text, got"):
                method(wrong)
    with pytest.raises(NotFittedError):
        TextEncoder().transform(["a text"])
    with pytest.raises(NotFittedError):
        TextEncoder().get_feature_names_out()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_bits": 0}, "n_bits=0"),
        ({"n_bits": 2**31}, "n_bits=2147483648: expected at most"),
        ({"analyzer": "words"}, "analyzer='words' is unknown: use 'word', 'char', 'char_wb'"),
        ({"analyzer": str.split}, "is unknown"),
        ({"ngram_range": (2, 1)}, r"ngram_range=\(2, 1\): expected the shortest and the longest"),
        ({"ngram_range": (1,)}, "expected the shortest and the longest"),
        ({"ngram_range": (0, 1)}, "ngram_range=0"),
        ({"ngram_range": 2}, "ngram_range=2: expected"),
        ({"n_hashes": 0}, "n_hashes=0"),
        ({"n_hashes": 5000}, "n_hashes=5000: expected at most n_bits=4096"),
        ({"n_hashes": "some"}, "n_hashes='some'"),
        ({"lowercase": "yes"}, "lowercase='yes': expected True or False"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        TextEncoder(**parameters).fit(["a text"])
    with pytest.raises(ValueError, match=message):
        TextEncoder(**parameters).restore({}, {}, 1)


def test_names_and_specs():
    encoder = TextEncoder(n_bits=20).fit(["a text"])
    assert encoder.get_feature_names_out().tolist() == [f"hash {i}" for i in range(20)]
    assert encoder.set_output(transform="pandas").transform(["one text"]).columns[17] == "hash 17"
    assert repr(make_encoder("text")) == repr(TextEncoder())
    assert repr(make_encoder("text:char_wb")) == repr(TextEncoder(analyzer="char_wb"))
    for spec in ("text:", "text:words", "text4096", "texts"):
        with pytest.raises(ValueError, match="is unknown"):
            make_encoder(spec)


# Classifier and model file -----------------------------------------------------------------------------------------


def sentences(n, seed):
    """Remarks on food and on weather, which share most of their words."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    things = [["soup", "bread", "cheese", "salad", "coffee"], ["rain", "wind", "snow", "sunshine", "thunder"]]
    openings = ["Today", "Yesterday", "I think", "My neighbour says", "As always,"]
    ends = ["was good", "was nothing special", "could have been worse", "came late"]
    texts = [f"{rng.choice(openings)} the {rng.choice(things[k])} {rng.choice(ends)}." for k in y]
    return texts, np.array(["food", "weather"])[y]


@pytest.mark.parametrize("encoder", ["auto", "text", "text:char", TextEncoder(n_bits=1024)])
def test_texts_are_told_apart(tmp_path, encoder):
    texts, y = sentences(300, 0)
    unseen, y_test = sentences(200, 1)
    clf = BMLPClassifier(135, encoder=encoder, random_state=0).fit(texts, y)
    assert clf.score(unseen, y_test) >= 0.95
    assert clf.n_features_in_ == 1
    assert isinstance(clf.encoder_, TextEncoder)
    series = pd.Series(unseen)
    series[3] = None
    assert np.array_equal(clf.predict(series), clf.predict([*unseen[:3], "", *unseen[4:]]))
    bitlocal.save(clf, tmp_path / "model")
    again = bitlocal.load(tmp_path / "model")
    assert np.array_equal(again.decision_function(unseen), clf.decision_function(unseen))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clf.fit(texts, y[1:])


@settings(max_examples=20, deadline=None)
@given(texts=TEXTS, encoder=ENCODERS)
def test_the_same_bits_after_pickling_cloning_and_from_the_model_file(tmp_path_factory, texts, encoder):
    clf = BMLPClassifier(15, encoder=encoder, max_iter=1, random_state=0).fit([*texts, "x"], [*range(len(texts)), 99])
    path = tmp_path_factory.mktemp("model") / "model"
    bitlocal.save(clf, path)
    again = bitlocal.load(path).encoder_
    assert again.get_params() == encoder.get_params()
    words = clf.encoder_.pack(texts).words
    for same in (pickle.loads(pickle.dumps(clf.encoder_)), clone(encoder).fit([*texts, "x"]), again):
        assert np.array_equal(same.pack(texts).words, words)


def test_only_texts_on_their_own_are_texts():
    for texts in (["a", None], ("a",), np.array(["a"]), np.array(["a", None]), pd.Series(["a", None])):
        assert are_texts(texts)
    for other in ("a", [], [None], [1.0], ["a", 1], [["a"]], np.array([["a"]]), pd.DataFrame({"a": ["a"]}), np.eye(2)):
        assert not are_texts(other)
    table, y = pd.DataFrame({"colour": ["red", "blue"] * 5}), [0, 1] * 5
    assert isinstance(BMLPClassifier(15, max_iter=1).fit(table, y).encoder_, TableEncoder)
    assert isinstance(BMLPClassifier(15, max_iter=1).fit([[1.5], [2.5]] * 5, y).encoder_, ThermometerEncoder)


def test_untrusted_state():
    with pytest.raises(ValueError, match="takes one feature"):
        TextEncoder().restore({"n_hashes": 1}, {}, 2)
    with pytest.raises(KeyError):
        TextEncoder().restore({}, {}, 1)
    for n_hashes in (0, 4097, 1.0, True, "1"):
        with pytest.raises(ValueError, match="number of hashes is not valid"):
            TextEncoder().restore({"n_hashes": n_hashes}, {}, 1)
