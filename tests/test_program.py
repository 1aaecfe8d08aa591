"""Programs of encoders: what they run, what they tell, and an encoder in one file."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pytest
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import KBinsDiscretizer

from bitlocal import BMLPClassifier, ImageEncoder, MedianBinarizer, ThermometerEncoder
from bitlocal.encoders import Encoder
from bitlocal.encoders import program as program_module
from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.images.quantities import Cells, Neighbours, Pixels
from bitlocal.encoders.program import Columns, Compared, Piece, Quantities
from bitlocal.encoders.resolve import resolve, suit
from bitlocal.encoders.union import parts_of, program_of
from golden.cases import CASES

ENCODED = [name for name in CASES if name.startswith("encoder: ")]


@pytest.mark.parametrize("name", ENCODED)
def test_a_program_encodes_as_its_encoder_does(name):
    X, y = CASES[name].data
    encoder = resolve(CASES[name].settings["encoder"], X).fit(X, y)
    program = program_of(encoder)
    bits = program.run(X)
    assert bits.n_bits == program.n_bits == sum(stage.n_bits for stage in program.stages) > 0
    np.testing.assert_array_equal(np.asarray(encoder.transform(X), dtype=bool), unpacked(bits))
    for twin in (pickle.loads(pickle.dumps(encoder)), copy.deepcopy(encoder)):
        np.testing.assert_array_equal(program_of(twin).run(X).words, bits.words)
    assert len(encoder.get_feature_names_out()) == program.n_bits


@pytest.mark.parametrize("name", ENCODED)
def test_threads_change_no_bit(name, monkeypatch):
    X, y = CASES[name].data
    program = program_of(resolve(CASES[name].settings["encoder"], X).fit(X, y))
    expected = program.run(X).words
    monkeypatch.setattr("bitlocal.encoders.program._LEAST_ROWS", 1)
    for n_threads in (2, 3, len(X), len(X) + 1):
        np.testing.assert_array_equal(program.run(X, n_threads).words, expected)


def test_threads_are_as_many_as_the_classifier_has(monkeypatch):
    X, y = CASES["encoder: hog"].data
    seen = []
    in_threads = program_module.in_threads

    def spy(function, items, n_threads):
        seen.append(n_threads)
        return in_threads(function, items, n_threads)

    monkeypatch.setattr(program_module, "in_threads", spy)
    settings = {"encoder": "image", "readout": "votes", "max_iter": 1, "random_state": 0}
    classifier = BMLPClassifier((45,), **settings, n_jobs=2).fit(X, y)
    classifier.predict(X)
    classifier.encoder_.pack(X, n_jobs=3)
    classifier.encoder_.pack(X)
    assert seen == [2, 2, 3, 1]


def test_errors_in_threads_are_told(monkeypatch):
    def fail(item):
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 0"):
        program_module.in_threads(fail, range(3), 2)
    assert program_module.in_threads(str, range(3), 2) == ["0", "1", "2"]
    assert program_module.in_threads(str, [], 2) == []


def unpacked(bits):
    octets = bits.words.astype("<u8").view(np.uint8)
    return np.unpackbits(octets, axis=1, count=bits.n_bits, bitorder="little").astype(bool)


@pytest.mark.parametrize("name", ENCODED)
def test_stages_write_anywhere_in_a_row(name):
    X, y = CASES[name].data
    encoder = resolve(CASES[name].settings["encoder"], X).fit(X, y)
    program = program_of(encoder)
    words = np.zeros((len(X), program.n_bits // 64 + 3), dtype=np.uint64)
    first = 70
    for piece in program.pieces:
        piece.write(piece.read(X), words, first)
        first += piece.n_bits
    everything = np.unpackbits(words.astype("<u8").view(np.uint8), axis=1, bitorder="little").astype(bool)
    np.testing.assert_array_equal(everything[:, 70:first], unpacked(program.run(X)))
    assert not everything[:, :70].any()
    assert not everything[:, first:].any()


def test_quantities_keep_their_regular_form():
    X, _ = CASES["encoder: hog"].data
    pixels, cells = ImageEncoder("thermometer2+hog4").fit(X).program_.stages
    assert isinstance(pixels.quantities, Pixels)
    assert isinstance(cells.quantities, Cells)
    assert (cells.quantities.side, cells.quantities.step, cells.quantities.image.shape) == (2, 1, (11, 13, 1))
    assert isinstance(cells.quantities.base.quantities, Neighbours)
    assert len(cells.quantities.names) == cells.quantities.n == cells.thresholds.n
    with pytest.raises(FrozenInstanceError):
        cells.quantities.side = 3


def test_a_union_is_the_programs_of_its_parts():
    X = np.random.default_rng(0).normal(size=(30, 4))
    union = FeatureUnion([("a", ThermometerEncoder(3)), ("b", MedianBinarizer())]).fit(X)
    assert [len(piece.stages) for piece in program_of(union).pieces] == [1, 1]
    np.testing.assert_array_equal(unpacked(program_of(union).run(X)), union.transform(X))
    assert parts_of(KBinsDiscretizer()) == ()
    assert program_of(KBinsDiscretizer()) is None
    assert program_of(None) is None
    assert parts_of(FeatureUnion([("a", ThermometerEncoder(3))], transformer_weights={"a": 2})) == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": np.array([0, 1, 4])}, "do not exist"),
        ({"columns": np.array([-1, 1, 1])}, "do not exist"),
        ({"columns": np.array([1, 0, 1])}, "not in order"),
        ({"thresholds": np.array([0.0, 2.0, 1.0])}, "not in order"),
        ({"thresholds": np.array([0.0, np.nan, 1.0])}, "not finite"),
        ({"thresholds": np.array([0.0, 1.0])}, "shapes or types"),
        ({"columns": np.array([0.0, 1.0, 1.0])}, "shapes or types"),
        ({"missing": np.array([4])}, "do not exist"),
        ({"missing": np.array([[1]])}, "shapes or types"),
    ],
)
def test_thresholds_from_files_are_checked(changes, message):
    good = Thresholds(np.array([0, 1, 1]), np.array([0.5, 1.0, 2.0]), np.array([False, True, False, False]))
    again = Thresholds.from_arrays(good.to_arrays(), 4)
    assert (again.n_bits, again.widths()) == (4, [(1, False), (2, True), (0, False), (0, False)])
    np.testing.assert_array_equal(again.of(1), [1.0, 2.0])
    with pytest.raises(ValueError, match=message):
        Thresholds.from_arrays({**good.to_arrays(), **changes}, 4)


@dataclass(frozen=True)
class Parities(Quantities):
    """A toy: whether each number is odd."""

    n: int

    def __call__(self, rows):
        return rows.astype(np.int64) % 2


class ParityEncoder(Encoder):
    """All that an encoder takes, but for model files."""

    def fit(self, X, y=None):
        self.n_features_in_ = np.shape(X)[1]
        return self

    def validate(self, X):
        return np.asarray(X)

    def piece(self):
        return Piece(
            self.validate, (Compared(Parities(self.n_features_in_), Thresholds.fixed(self.n_features_in_, 0)),)
        )


def test_an_encoder_in_one_file():
    rng = np.random.default_rng(1)
    X = rng.integers(0, 1000, (900, 6))
    y = (X % 2).sum(axis=1) > 3
    clf = BMLPClassifier((105,), encoder=ParityEncoder(), max_iter=30, random_state=0).fit(X[:600], y[:600])
    assert clf.score(X[600:], y[600:]) > 0.9
    np.testing.assert_array_equal(clf.encoder_.transform(X), X % 2 == 1)
    union = FeatureUnion([("parity", ParityEncoder()), ("level", ThermometerEncoder(2))])
    assert BMLPClassifier((105,), encoder=union, max_iter=30, random_state=0).fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize("shape", [(40, 8, 8), (40, 6, 6, 3)])
def test_arrays_of_images_are_images(shape):
    rng = np.random.default_rng(2)
    y = np.arange(shape[0]) % 2
    X = (rng.integers(0, 100, shape) + 120 * y.reshape(-1, *[1] * (len(shape) - 1))).astype(np.uint8)
    clf = BMLPClassifier((15,), max_iter=2, random_state=0).fit(X, y)
    assert isinstance(clf.encoder_, ImageEncoder)
    assert clf.encoder_.shape_ == (*shape[1:], 1)[:3]
    told = suit("auto", shape[1:])  # what the command line does with a data set that says it has images
    flat = BMLPClassifier((15,), encoder=told, max_iter=2, random_state=0).fit(X.reshape(len(X), -1), y)
    assert flat.network_.hidden_sha256() == clf.network_.hidden_sha256()
    np.testing.assert_array_equal(clf.predict(X), flat.predict(X.reshape(len(X), -1)))
    with pytest.raises(ValueError, match=r"images of shape .*, but those of fit"):
        clf.predict(X[:, 1:])


def test_columns_and_what_stays_a_table():
    X = np.random.default_rng(3).integers(0, 255, (20, 64)).astype(np.uint8)
    encoder = resolve("auto", X).fit(X)
    (stage,) = encoder.program_.stages
    assert stage.quantities == Columns(64)
    assert suit("thermometer4", (8, 8)) == "thermometer4"
    assert suit("image:hog4", (8, 8)).shape == (8, 8)
    assert suit("auto", None) == "auto"
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        BMLPClassifier((15,)).fit(X.reshape(20, 8, 8), np.arange(19) % 2)
