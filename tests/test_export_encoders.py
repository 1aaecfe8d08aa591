"""Encoders as C99 code, compiled and held to what the Python encoders give, bit for bit."""

from __future__ import annotations

import ctypes
import itertools
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.pipeline import FeatureUnion

from bitlocal.bits import pack, unpack, words_for
from bitlocal.encoders import (
    CategoryEncoder,
    ImageEncoder,
    MedianBinarizer,
    SignalEncoder,
    TableEncoder,
    ThermometerEncoder,
)
from bitlocal.encoders.union import is_union, pack_union
from bitlocal.export.encoding import as_features, code_for

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wstrict-prototypes", "-Werror"]
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]

pytestmark = pytest.mark.skipif(not COMPILERS, reason="needs gcc or clang")

# What the rest of the exported code provides: as on a machine whose constants are in ordinary memory.
PROGRAM = """\
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#define E_ROM
#define E_ROM_U8(p) (*(p))
#define E_ROM_U16(p) (*(p))
#define E_ROM_I16(p) (*(p))
#define E_ROM_U32(p) (*(p))
#define E_ROM_U64(p) (*(p))
typedef %s e_feature_t;
%s
%s
void encode_all(const e_feature_t *features, size_t n, uint32_t *bits);
void encode_all(const e_feature_t *features, size_t n, uint32_t *bits)
{
    size_t i;
    for (i = 0u; i < n; i++) {
        e_encode(&features[i * %du], &bits[i * %du]);
    }
}
"""


_numbers = itertools.count()


class Compiled:
    """An encoder that was exported and compiled."""

    def __init__(self, encoder, n_features, folder: Path, features=None, compiler=COMPILERS[0] if COMPILERS else ""):
        self.code = code = code_for(encoder, n_features, "e", features)
        self.n_words = -(-code.n_bits // 32)
        name = f"e{next(_numbers)}"  # a library's name must be new, or the loader gives the one that it has
        source = folder / f"{name}.c"
        source.write_text(
            PROGRAM % (code.feature_type, code.declarations, code.body, code.n_features, self.n_words), encoding="ascii"
        )
        self.library = folder / f"{name}.so"
        command = [compiler, *STRICT, "-O1", "-shared", "-fPIC", str(source), "-o", str(self.library)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        self._encode = ctypes.CDLL(str(self.library)).encode_all
        self._encode.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]

    def __call__(self, X):
        """Encode samples; words of 32 bits, which hold ones before."""
        samples = np.ascontiguousarray(as_features(np.asarray(X).reshape(len(X), -1), self.code.feature_type))
        assert samples.shape[1] == self.code.n_features
        words = np.full((len(X), self.n_words), 0xFFFFFFFF, dtype=np.uint32)
        self._encode(samples.ctypes.data, len(samples), words.ctypes.data)
        return words


def python_words(encoder, X):
    """What Python gives, as words of 32 bits."""
    packed = pack_union(encoder, X) if is_union(encoder) else encoder.pack(X)
    assert packed.words.shape[1] == words_for(packed.n_bits)
    return packed.words.astype("<u8").view("<u4")[:, : -(-packed.n_bits // 32)], packed


def check(encoder, X, folder, features=None, compiler=COMPILERS[0] if COMPILERS else "", like=None):
    """Compare generated code with Python on samples; `like` is what Python gets where that is something else."""
    X = np.asarray(X)
    compiled = Compiled(encoder, X[0].size, folder, features, compiler)
    expected, packed = python_words(encoder, X if like is None else like)
    assert compiled.code.n_bits == packed.n_bits
    np.testing.assert_array_equal(compiled(X), expected)
    assert unpack(packed).any()
    return compiled


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("strategy", ["quantile", "uniform", "gaussian", "supervised"])
@pytest.mark.parametrize("n_bits", [1, 3, 40])
def test_thermometers(tmp_path, compiler, strategy, n_bits):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 200, (300, 7))
    X[:, 2] = 9
    encoder = ThermometerEncoder(n_bits, strategy).fit(X, rng.integers(0, 3, 300))
    compiled = check(encoder, X, tmp_path, compiler=compiler, like=X.astype(np.float32))
    assert (compiled.code.feature_type == "uint8_t") == (strategy in ("quantile", "supervised") or n_bits > 190)
    for features in ("uint8", "int16", "int32", "uint16", "float"):
        check(encoder, X, tmp_path, features, compiler)


@pytest.mark.parametrize("scope", ["global", "column"])
def test_medians(tmp_path, scope):
    X = np.random.default_rng(0).normal(size=(100, 40)).astype(np.float32)
    assert check(MedianBinarizer(scope).fit(X), X, tmp_path).code.feature_type == "float"
    whole = np.floor(X * 1000)
    assert check(MedianBinarizer(scope).fit(whole), whole, tmp_path).code.feature_type in ("uint8_t", "int16_t")


PARTS = ["thermometer3", "gradient8", "gradient24", "census16", "local2", "pairs70", "patches60", "hog3"]
SHAPES = [(9, 12), (8, 7, 3), (7, 7)]


def blobs(shape, n=60, dtype=np.uint8):
    """Smooth images, so that neighbours agree and differ."""
    rng = np.random.default_rng(len(shape))
    images = rng.integers(0, 256, (n, *shape)).astype(np.int64)
    images = (images + np.roll(images, 1, axis=1) + np.roll(images, 1, axis=2)) // 3
    images[:, 0, 0] = 7
    return images.astype(dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("parts", PARTS)
def test_parts_of_images(tmp_path, parts, shape):
    X = blobs(shape)
    encoder = ImageEncoder(parts, shape=shape, random_state=3).fit(X)
    assert check(encoder, X, tmp_path).code.feature_type == "uint8_t"
    other = np.random.default_rng(9).integers(0, 256, X.shape).astype(np.uint8)
    check(encoder, other, tmp_path)
    check(encoder, other, tmp_path, "int16")


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("shape", SHAPES[:2])
def test_images(tmp_path, shape, compiler):
    X = blobs(shape)
    parts = "+".join(PARTS)
    check(ImageEncoder(parts, cell_size=3, radius=2, margin=0).fit(X), X, tmp_path, compiler=compiler)
    signed = X.astype(np.int16) * 130 - 3000
    compiled = check(ImageEncoder(parts).fit(signed), signed, tmp_path, compiler=compiler)
    assert compiled.code.feature_type == "int16_t"
    for features, low, high in (("int32", -(2**31), 2**31 - 1), ("uint16", 0, 2**16 - 1), ("int8", -128, 127)):
        wild = np.random.default_rng(0).integers(low, high, X.shape, dtype=features)
        check(ImageEncoder(parts).fit(signed), wild, tmp_path, features, compiler)
    fractions = (X / 255).astype(np.float32)
    compiled = check(ImageEncoder(parts).fit(fractions), fractions, tmp_path, compiler=compiler)
    assert compiled.code.feature_type == "float"
    many = X.astype(np.int32) * 1000
    encoder = ImageEncoder(parts).fit(many)
    check(encoder, many, tmp_path, compiler=compiler)
    check(encoder, many, tmp_path, "int32", compiler)


def numbers(rng, n=200):
    """A table with whole numbers, fractions, holes, a constant and few values."""
    table = np.column_stack(
        [
            rng.integers(-500, 500, n),
            rng.normal(size=n),
            np.where(rng.random(n) < 0.2, np.nan, rng.integers(0, 9, n)),
            np.full(n, 4.0),
            rng.integers(0, 3, n),
        ]
    )
    return table.astype(np.float32)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_tables_of_numbers(tmp_path, compiler):
    rng = np.random.default_rng(1)
    X = numbers(rng)
    check(TableEncoder().fit(X), X, tmp_path, compiler=compiler)
    check(TableEncoder(max_bits=9).fit(X, X[:, 4]), X, tmp_path, compiler=compiler)
    whole = np.floor(np.nan_to_num(X))[:, [0, 3, 4, 2]]
    assert check(TableEncoder().fit(whole), whole, tmp_path, compiler=compiler).code.feature_type == "int16_t"


@pytest.mark.parametrize("compiler", COMPILERS)
def test_tables_with_numbered_categories(tmp_path, compiler):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=200),
            "few": rng.choice(["1", "2"], 200),
            "rank": pd.Categorical(rng.choice(["1", "3", "10", "7"], 200), ["1", "3", "7", "10"], ordered=True),
            "many": rng.choice([*map(str, range(40))], 200),
            "holes": rng.choice(["-1", "0.5", None], 200),
            "constant": 1,
            "late": rng.integers(0, 99, 200),
        }
    )
    ordered = frame.assign(rank=frame["rank"].astype(pd.CategoricalDtype(["1", "3", "7", "10"], ordered=True)))
    as_numbers = frame.assign(rank=frame["rank"].astype(str)).apply(pd.to_numeric).to_numpy(dtype=np.float32)
    as_numbers[:9, 2] = 5  # a rank that was not there in fit
    as_numbers[9:18, 3] = 77.25
    for encoder in (TableEncoder(max_categories=20), TableEncoder(max_bits=30)):
        encoder.fit(pl.from_pandas(ordered).with_columns(pl.col("rank").cast(pl.Enum(["1", "3", "7", "10"]))))
        assert encoder.kinds_ == ["number", "category", "ordered", "category", "category", "dropped", "number"]
        check(encoder, as_numbers, tmp_path, compiler=compiler)


@pytest.mark.parametrize("coding", ["onehot", "ordinal", "binary"])
@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_categories(tmp_path, coding, dtype):
    rng = np.random.default_rng(3)
    X = np.column_stack([rng.integers(low, high, 300) for low, high in ((0, 2), (-4, 3), (5, 6), (100, 160), (0, 1))])
    X = X.astype(dtype)
    if dtype == np.float32:
        X[::7, 1] = np.nan
        X[::5, 2] = np.nan
        X[::11, 0] = 0.1  # has another name as a 32-bit number than as text
        X[::13, 3] = -0.0
    encoder = CategoryEncoder(coding, max_categories=20, min_frequency=2).fit(X)
    check(encoder, X, tmp_path)
    other = X.copy()
    other[::3] += 1
    check(encoder, other, tmp_path)
    texts = CategoryEncoder(coding).fit(np.array([["0.1"], ["3"], ["16777217"], ["2e5"], ["1e39"], ["-7"]]))
    values = np.array([[0.1], [3], [16777216], [200000], [np.inf], [-7], [np.nan]], dtype=np.float32)
    compiled = check(texts, values[[0, 1, 2, 3, 5, 6]], tmp_path, "float")
    assert compiled(values[4:5]).tolist() == compiled(np.array([[9.0]], dtype=np.float32)).tolist()


@pytest.mark.parametrize("missing", [False, True])
def test_categories_that_are_all_rare(tmp_path, missing):
    X = np.arange(9.0).reshape(-1, 1)[[*range(9), 1, 1]]
    extra = np.full((2, 1), np.nan if missing else 1.0)
    for least in (1, 3, 4, 99):
        encoder = CategoryEncoder(min_frequency=least).fit(np.concatenate([X, extra]))
        if encoder.n_bits_:
            check(encoder, np.concatenate([X, extra]), tmp_path)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("shape", [(40,), (33, 3), (2, 2)])
def test_signals(tmp_path, shape, compiler):
    rng = np.random.default_rng(4)
    X = np.cumsum(rng.normal(size=(80, *shape)), axis=1).astype(np.float32)
    assert check(SignalEncoder().fit(X), X, tmp_path, compiler=compiler).code.feature_type == "float"
    check(SignalEncoder("difference3+bands5", n_segments=3, level_bits=10).fit(X), X, tmp_path, compiler=compiler)
    whole = (X * 1000).astype(np.int32)
    encoder = SignalEncoder(lags=(1, 5)).fit(whole)
    assert check(encoder, whole, tmp_path, compiler=compiler).code.feature_type == "int16_t"
    wild = rng.integers(-(2**31), 2**31, X.shape, dtype=np.int32)
    check(encoder, wild, tmp_path, "int32", compiler)
    small = rng.integers(-128, 128, X.shape, dtype=np.int8)
    check(SignalEncoder().fit(small), small, tmp_path, "int8", compiler)
    check(SignalEncoder(level_bits=4).fit(wild), wild, tmp_path, "int32", compiler)


def test_a_long_signal(tmp_path):
    X = np.random.default_rng(5).choice([-(2**15), 2**15 - 1], (4, 5000)).astype(np.int16)
    X[:2, :2048], X[:2, 2048:4096] = -(2**15), 2**15 - 1
    check(SignalEncoder("bands3", n_segments=1).fit(X), X, tmp_path)


def test_unions(tmp_path):
    X = blobs((9, 9)).reshape(60, -1)
    union = FeatureUnion([("a", MedianBinarizer()), ("b", ImageEncoder("hog3")), ("c", ThermometerEncoder(2))]).fit(X)
    assert check(union, X, tmp_path).code.feature_type == "uint8_t"
    signals = FeatureUnion([("s", SignalEncoder()), ("t", ThermometerEncoder(3, "uniform"))]).fit(X)
    assert check(signals, X, tmp_path).code.feature_type == "int16_t"
    X = (X / 7).astype(np.float32)
    union = FeatureUnion([("c", CategoryEncoder()), ("t", TableEncoder()), ("i", ImageEncoder())]).fit(X)
    assert check(union, X, tmp_path).code.feature_type == "float"


@pytest.mark.parametrize("features", [None, "uint8", "int32", "float"])
def test_bits(tmp_path, features):
    bits = np.random.default_rng(6).integers(0, 2, (50, 70)).astype(np.int8)
    compiled = Compiled(None, 70, tmp_path, features)
    expected = pack(bits).words.astype("<u8").view("<u4")[:, :3]
    np.testing.assert_array_equal(compiled(bits), expected)
    if features != "uint8":
        np.testing.assert_array_equal(compiled(2 * bits - 1), expected)
