"""Encoders as C99 code, compiled and held to what the Python encoders give, bit for bit."""

from __future__ import annotations

import ctypes
import functools
import itertools
import platform
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import KBinsDiscretizer

from bitlocal import BMLPClassifier, export
from bitlocal.bits import pack, unpack, words_for
from bitlocal.datasets import load
from bitlocal.encoders import (
    CategoryEncoder,
    ImageEncoder,
    MedianBinarizer,
    ObliqueEncoder,
    SignalEncoder,
    TableEncoder,
    TextEncoder,
    ThermometerEncoder,
)
from bitlocal.encoders.union import program_of
from bitlocal.errors import DataError
from bitlocal.export import model
from bitlocal.export.c99.encoder import as_features, code_for, encoder_code
from bitlocal.export.c99.numbers import c_number, smallest_type
from bitlocal.export.c99.texts import c_array
from bitlocal.export.errors import ExportError
from test_no_floating_point import disassemble, floating_point

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
%s
typedef %s e_feature_t;
%s
%s
#define N_FEATURES %d
#define N_WORDS %d
void encode_all(const e_feature_t *features, size_t n, uint32_t *bits);
void encode_all(const e_feature_t *features, size_t n, uint32_t *bits)
{
    size_t i;
    for (i = 0u; i < n; i++) {
        e_encode(&features[i * N_FEATURES], &bits[i * N_WORDS]);
    }
}
"""

# Those that count bits alone have it: a function that nothing uses is an error here.
POPCOUNT = """\
#define E_POPCOUNT32(x) e_popcount32(x)
static uint32_t e_popcount32(uint32_t x)
{
    uint32_t n;
    for (n = 0u; x != 0u; x &= x - 1u) {
        n++;
    }
    return n;
}
"""

# Samples from standard input to bits on standard output; buffers of just the right size, so that sanitizers see more.
MAIN = """\
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    e_feature_t *features = malloc(N_FEATURES * sizeof *features);
    uint32_t *bits = malloc(N_WORDS * sizeof *bits);
    while (fread(features, sizeof *features, N_FEATURES, stdin) == N_FEATURES) {
        encode_all(features, 1u, bits);
        fwrite(bits, sizeof *bits, N_WORDS, stdout);
    }
    free(features);
    free(bits);
    return 0;
}
"""


_numbers = itertools.count()


def code_of(encoder, n_features, prefix, features=None):
    """The code of a fitted encoder, or of None for bits."""
    return code_for(model.program_for(encoder), n_features, prefix, features)


def program(code):
    """An encoder's code, and what it needs around it."""
    popcount = POPCOUNT if "E_POPCOUNT32" in code.declarations else ""
    n_words = -(-code.n_bits // 32)
    return PROGRAM % (popcount, code.feature_type, code.declarations, code.body, code.n_features, n_words)


class Compiled:
    """An encoder that was exported and compiled."""

    def __init__(self, encoder, n_features, folder: Path, features=None, compiler=COMPILERS[0] if COMPILERS else ""):
        self.code = code = code_of(encoder, n_features, "e", features)
        self.n_words = -(-code.n_bits // 32)
        self.text = program(code)
        name = f"e{next(_numbers)}"  # a library's name must be new, or the loader gives the one that it has
        source = folder / f"{name}.c"
        source.write_text(self.text, encoding="ascii")
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
    packed = program_of(encoder).run(X)
    assert packed.words.shape[1] == words_for(packed.n_bits)
    return packed.words.astype("<u8").view("<u4")[:, : -(-packed.n_bits // 32)], packed


def check(encoder, X, folder, features=None, compiler=COMPILERS[0] if COMPILERS else "", also=None):
    """Compare generated code with Python on samples, and on others, which may have no bits that are 1."""
    X = np.asarray(X)
    compiled = Compiled(encoder, X[0].size, folder, features, compiler)
    expected, packed = python_words(encoder, X)
    assert compiled.code.n_bits == packed.n_bits
    np.testing.assert_array_equal(compiled(X), expected)
    assert unpack(packed).any()
    if also is not None:
        np.testing.assert_array_equal(compiled(also), python_words(encoder, also)[0])
    return compiled


@pytest.mark.parametrize("strategy", ["quantile", "uniform", "gaussian", "supervised"])
@pytest.mark.parametrize("n_bits", [1, 3, 40])
def test_thermometers(tmp_path, strategy, n_bits):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 200, (300, 7))
    X[:, 2] = 9
    encoder = ThermometerEncoder(n_bits, strategy).fit(X, rng.integers(0, 3, 300))
    compiled = check(encoder, X.astype(np.float32), tmp_path, compiler=COMPILERS[-1])
    assert (compiled.code.feature_type == "uint8_t") == (strategy in ("quantile", "supervised"))
    for features in ("uint8", "int16", "int32", "uint16", "float") if n_bits == 3 else ():
        check(encoder, X, tmp_path, features)


@pytest.mark.parametrize("scope", ["global", "column"])
def test_medians(tmp_path, scope):
    X = np.random.default_rng(0).normal(size=(100, 40)).astype(np.float32)
    assert check(MedianBinarizer(scope).fit(X), X, tmp_path).code.feature_type == "float"
    whole = np.floor(X * 1000)
    assert check(MedianBinarizer(scope).fit(whole), whole, tmp_path).code.feature_type in ("uint8_t", "int16_t")


PARTS = [
    "thermometer3",
    "pool2",
    "pool3/5",
    "gradient8",
    "gradient24",
    "census16",
    "local2",
    "pairs70",
    "patches60",
    "hog3",
    "planes3",
    "planes1/2",
    "planes5/3",
]
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
    noise = np.random.default_rng(9).integers(0, 256, X.shape).astype(np.uint8)
    assert check(encoder, X, tmp_path, also=noise).code.feature_type == "uint8_t"
    if shape == SHAPES[0]:
        check(encoder, X, tmp_path, "int16", COMPILERS[-1], also=noise)


@pytest.mark.parametrize("shape", [(9, 12), (8, 7, 3), (7, 7, 1)])
@pytest.mark.parametrize(
    "parts", ["words5", "words33/3/5", "sampledwords20/2/1", "words3/7/9", "words16/5+words1/4", "words40/3/2/2/7"]
)
def test_words(tmp_path, parts, shape):
    X = blobs(shape)
    X[0, ::2], X[0, 1::2] = 0, 255
    encoder = ImageEncoder(parts, shape=shape, random_state=3).fit(X)
    noise = np.random.default_rng(9).integers(0, 256, X.shape).astype(np.uint8)
    assert check(encoder, X, tmp_path, also=noise).code.feature_type == "uint8_t"
    check(encoder, X, tmp_path, "int16", COMPILERS[-1], also=noise)
    for margin in (0.0, 0.5):
        check(ImageEncoder(parts, shape=shape, margin=margin).fit(X), X, tmp_path, also=noise)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("shape", [(9, 12), (8, 7, 3)])
def test_words_of_any_pixels(tmp_path, shape, compiler):
    X, parts = blobs(shape), "words20/4"
    signed = X.astype(np.int16) * 130 - 3000
    encoder = ImageEncoder(parts).fit(signed)
    assert check(encoder, signed, tmp_path, compiler=compiler).code.feature_type == "int16_t"
    for features, low, high in (("int32", -(2**31), 2**31 - 1), ("uint16", 0, 2**16 - 1), ("int8", -128, 127)):
        wild = np.random.default_rng(0).integers(low, high, X.shape, dtype=features)
        compiled = Compiled(encoder, X[0].size, tmp_path, features, compiler)
        np.testing.assert_array_equal(compiled(wild), python_words(encoder, wild)[0])
    fractions = (X / 255).astype(np.float32)
    assert check(ImageEncoder(parts).fit(fractions), fractions, tmp_path).code.feature_type == "float"


def test_many_words(tmp_path):
    """Numbers of words, and counts of a cell, that need more than a byte."""
    X = blobs((70, 75), 20)
    encoder = ImageEncoder("words300/6/2").fit(X)
    code = check(encoder, X, tmp_path).code
    assert code.scratch_bytes == 300 * 2 + 8 * 4 + 18 * 4
    code = code_of(ImageEncoder("words16").fit(X), X[0].size, "e")
    assert code.scratch_bytes == 16 * 2 + 8 * 4 + 36


@pytest.mark.parametrize("cell", [1, 2, 3, 4, 5, 7, 8])
def test_cells_of_every_size(tmp_path, cell):
    X = blobs((8, 11))
    check(ImageEncoder("hog9", cell_size=cell).fit(X), X, tmp_path, also=blobs((11, 8)).swapaxes(1, 2))


def test_large_cells(tmp_path):
    """Counts that need more than a byte."""
    X = blobs((35, 21, 1), 20)
    check(ImageEncoder("hog9", cell_size=21, margin=0).fit(X), X, tmp_path)


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


@pytest.mark.filterwarnings("ignore:column '.*' is text")  # numbers as names are meant here
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
    other = X.copy()
    other[::3] += 1
    check(encoder, X, tmp_path, also=other)
    texts = CategoryEncoder(coding).fit(np.array([["0.1"], ["3"], ["16777217"], ["2e5"], ["1e39"], ["-7"]]))
    values = np.array([[0.1], [3], [16777216], [200000], [np.inf], [-7], [np.nan]], dtype=np.float32)
    compiled = check(texts, values[[0, 1, 2, 3, 5, 6]], tmp_path, "float")
    assert compiled(values[4:5]).tolist() == compiled(np.array([[9.0]], dtype=np.float32)).tolist()


def test_text_without_bits_does_not_matter(tmp_path):
    encoder = CategoryEncoder().fit(np.array([["same", 1.0], ["same", 2.0], ["same", 5.0]], dtype=object))
    compiled = Compiled(encoder, 2, tmp_path)
    assert (compiled.code.feature_type, compiled.code.n_bits) == ("uint8_t", 3)
    assert compiled([[0, 1], [9, 2], [7, 5], [1, 3]]).ravel().tolist() == [1, 2, 4, 0]


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
    others = "thermometer1+pool1/3+gradient8+local1+pairs9+patches20+hog2"
    several = [
        ("a", ImageEncoder("+".join(PARTS), shape=(9, 9))),
        ("b", ImageEncoder(others, shape=(9, 3, 3), margin=0, cell_size=2, radius=1, random_state=2)),
        ("c", SignalEncoder(shape=(27, 3))),
        ("d", SignalEncoder(n_segments=2)),
        ("e", CategoryEncoder(max_categories=3)),
        ("f", CategoryEncoder("binary")),
        ("g", MedianBinarizer("column")),
    ]
    check(FeatureUnion(several).fit(X), X, tmp_path, "int16")
    X = (X / 7).astype(np.float32)
    check(FeatureUnion(several).fit(X), X, tmp_path)
    union = FeatureUnion([("c", CategoryEncoder()), ("t", TableEncoder()), ("i", ImageEncoder())]).fit(X)
    assert check(union, X, tmp_path).code.feature_type == "float"


# Oblique sums ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(
    "parameters",
    [{}, {"largest_weight": 15, "terms": (1, 8)}, {"n_features": 3, "n_thresholds": 5}, {"terms": (1,)}],
    ids=repr,
)
def test_oblique_sums(tmp_path, parameters, compiler):
    rng = np.random.default_rng(8)
    X = (rng.normal(size=(300, 6)) * [1, 10, 1e-3, 1e9, 5, 0]).astype(np.float32)
    X[rng.random(X.shape) < 0.1] = np.nan
    encoder = ObliqueEncoder(**parameters).fit(X, rng.integers(0, 3, 300))
    check(encoder, X, tmp_path, compiler=compiler, also=X * np.float32(7))
    nothing = np.full((1, 6), np.nan, dtype=np.float32)
    check(FeatureUnion([("levels", ThermometerEncoder(3)), ("sums", encoder)]).fit(X), X, tmp_path, also=nothing)


@pytest.mark.parametrize("features", ["uint8", "int8", "int16", "uint16", "float"])
@pytest.mark.parametrize("n_columns", [1, 5])
def test_oblique_sums_of_whole_numbers(tmp_path, features, n_columns):
    X = np.random.default_rng(9).integers(-100 if features == "int8" else 0, 127, (300, n_columns))
    check(ObliqueEncoder().fit(X), X, tmp_path, features)


def test_oblique_sums_of_numbers_of_32_bits(tmp_path):
    X = np.random.default_rng(9).integers(-(10**8), 10**8, (300, 5))
    check(ObliqueEncoder().fit(X), X, tmp_path, "int32", also=np.array([[-(2**31)] * 5, [2**31 - 1] * 5]))
    encoder = ObliqueEncoder().fit(20 * X)
    with pytest.raises(ExportError, match="below what int32 holds: export with features='float'"):
        code_of(encoder, 2, "e", "int32")


RANKS = ["1", "3", "7", "10"]


def ranked(frame):
    """The table as one whose column "rank" is ordered."""
    return pl.from_pandas(frame.assign(rank=frame["rank"].astype(str))).with_columns(
        pl.col("rank").cast(pl.Enum(RANKS))
    )


def as_numbers(frame):
    """The table as features of exported code."""
    return frame.astype(object).apply(pd.to_numeric).to_numpy(dtype=np.float32)


def mixed(rng, n=300, *, whole=False):
    """A table of numbers and of categories that are numbers, with holes unless it is whole."""
    holes = np.where(rng.random(n) < (0 if whole else 0.1), np.nan, 0)
    frame = pd.DataFrame(
        {
            "few": rng.choice(["1", "2"], n),
            "number": np.floor(rng.normal(size=n) * 30) + holes,
            "rank": rng.choice(RANKS, n),
            "many": rng.choice([*map(str, range(40))], n),
            "third": rng.choice(["-1", "5", "6"] if whole else ["-1", "0.5", None], n),
            "constant": 1,
            "late": rng.integers(-9, 99, n) / (1 if whole else 7),
        }
    )
    return frame.astype(dict.fromkeys(("few", "rank", "many", "third"), "category"))


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("kept", [[], ["number", "late"], ["few", "many", "third"], ["rank"], ["rank", "few"]])
@pytest.mark.parametrize("features", [None, "int16", "int32"])
def test_oblique_sums_of_tables(tmp_path, features, kept, compiler):
    frame = mixed(np.random.default_rng(10), whole=features is not None)
    y = np.random.default_rng(11).integers(0, 3, len(frame))
    of = ranked(frame)[kept or list(frame.columns)]
    X = as_numbers(frame[list(of.columns)])
    other = X[::-1] + np.where(np.random.default_rng(12).random(X.shape) < 0.2, 4, 0)
    for encoder in (TableEncoder(oblique=60, max_categories=20), TableEncoder(2, oblique=7, max_categories=9)):
        check(encoder.fit(of, y), X, tmp_path, features, compiler, other.astype(np.float32))


def test_oblique_sums_of_tables_in_a_union(tmp_path):
    """The bits of categories begin, and end, anywhere in a word."""
    frame = mixed(np.random.default_rng(13))
    X = as_numbers(frame)
    for n in (1, 7, 9, 16):
        tables = [TableEncoder(n, oblique=n, max_categories=n) for _ in range(2)]
        union = FeatureUnion([("a", tables[0]), ("b", ThermometerEncoder(n)), ("c", tables[1])]).fit(X)
        check(union, X, tmp_path)
        check(tables[1].fit(frame.drop(columns="rank")), np.delete(X, 2, 1), tmp_path)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("kept", [[], ["number"], ["number", "late"], ["few", "many", "third"], ["rank", "number"]])
@pytest.mark.parametrize("features", [None, "int16", "int32"])
@pytest.mark.parametrize("oblique", [0, 30])
def test_conjunctions(tmp_path, oblique, features, kept, compiler):
    frame = mixed(np.random.default_rng(20), whole=features is not None)
    y = np.random.default_rng(21).integers(0, 3, len(frame))
    of = ranked(frame)[kept or list(frame.columns)]
    X = as_numbers(frame[list(of.columns)])
    other = X[::-1] + np.where(np.random.default_rng(22).random(X.shape) < 0.2, 4, 0)
    for n_bits, n in (("auto", 200), (1, 1), (3, 33)):
        encoder = TableEncoder(n_bits, oblique=oblique, conjunctions=n, max_categories=20)
        check(encoder.fit(of, y), X, tmp_path, features, compiler, other.astype(np.float32))


@pytest.mark.parametrize("n", [1, 7, 9, 16])
@pytest.mark.parametrize("oblique", [0, 5])
def test_conjunctions_in_a_union(tmp_path, n, oblique):
    """The bits that are read begin, and end, anywhere in a word."""
    X = as_numbers(mixed(np.random.default_rng(23)))
    tables = [TableEncoder(n, oblique=oblique, conjunctions=4 * n, max_categories=n) for _ in range(2)]
    check(FeatureUnion([("a", tables[0]), ("b", ThermometerEncoder(n)), ("c", tables[1])]).fit(X), X, tmp_path)


def test_conjunctions_of_whole_numbers_take_flash_alone(tmp_path):
    X = np.random.default_rng(24).integers(0, 200, (300, 4))
    plain, more = (TableEncoder(conjunctions=n).fit(X, X[:, 0] > X[:, 1]) for n in (0, 300))
    check(more, X, tmp_path)
    codes = [code_of(encoder, 4, "e") for encoder in (plain, more)]
    assert [code.feature_type for code in codes] == ["uint8_t"] * 2
    assert [code.scratch_bytes for code in codes] == [0, 0]
    literals = 300 * more.fitted()[1]["conjunctions.bits"].shape[1]
    assert f"e_enc_literals[{literals}]" in codes[1].declarations


def timed(n=300):
    """A table of whole numbers, categories and times."""
    rng = np.random.default_rng(14)
    times = pd.to_datetime(rng.integers(8 * 10**8, 18 * 10**8, n), unit="s")
    late = pd.to_datetime(rng.integers(15 * 10**8, 17 * 10**8, n), unit="s")
    kinds = pd.Categorical(rng.choice(["1", "2", "3"], n))
    return pd.DataFrame({"x": rng.integers(-9, 99, n), "time": times, "kind": kinds, "late": late, "y": late.hour})


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(
    "encoder",
    [TableEncoder(), TableEncoder(24), TableEncoder(oblique=80), TableEncoder(oblique=9, conjunctions=80)],
    ids=repr,
)
def test_times(tmp_path, encoder, compiler):
    table = timed()
    encoder.fit(table)
    codes = table.assign(kind=table["kind"].astype(int))
    compiled = Compiled(encoder, 5, tmp_path, compiler=compiler)
    assert compiled.code.feature_type == "int32_t"
    np.testing.assert_array_equal(compiled(codes), python_words(encoder, table)[0])
    days = pd.to_datetime(np.arange(-24000, 24800, 3) * 86400 + np.arange(16267) * 5 % 86400, unit="s")
    others = table.iloc[np.arange(len(days)) % len(table)].assign(time=days, late=days[::-1])
    codes = others.assign(kind=others["kind"].astype(int))
    np.testing.assert_array_equal(compiled(codes), python_words(encoder, others)[0])


def test_times_in_a_program_that_checks_itself(tmp_path):
    table = timed()
    clf = BMLPClassifier((45,), encoder=TableEncoder(oblique=9), max_iter=2, random_state=0).fit(table, table["y"] // 8)
    found, samples = model.of(clf), as_features(table.astype(object), "int32_t")
    np.testing.assert_array_equal(found.encode(samples).words, clf.encoder_.pack(table).words)
    export.c(clf, tmp_path, layout="make", samples=samples[:9])
    subprocess.run(["make", "-C", str(tmp_path), "run"], check=True, capture_output=True)
    export.c(clf, tmp_path, layout="make")


@pytest.mark.parametrize("features", [None, "uint8", "int32", "float"])
def test_bits(tmp_path, features):
    bits = np.random.default_rng(6).integers(0, 2, (50, 70)).astype(np.int8)
    compiled = Compiled(None, 70, tmp_path, features)
    expected = pack(bits).words.astype("<u8").view("<u4")[:, :3]
    np.testing.assert_array_equal(compiled(bits), expected)
    if features != "uint8":
        np.testing.assert_array_equal(compiled(2 * bits - 1), expected)


# Anything that is a number -----------------------------------------------------------------------------------------

FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def made_of(thresholds, missing=None):
    """An encoder with these thresholds for each column."""
    encoder = ThermometerEncoder()
    encoder.columns_ = np.repeat(np.arange(len(thresholds)), [len(row) for row in thresholds])
    encoder.thresholds_ = np.array([t for row in thresholds for t in row], dtype=np.float64)
    encoder.missing_ = np.zeros(len(thresholds), dtype=np.bool_) if missing is None else np.array(missing)
    encoder.n_features_in_ = len(thresholds)
    return encoder


def check_values(encoder, X, folder, features):
    """Like `check`, also for values that Python refuses (infinity), and without any bit that is 1."""
    (piece,) = encoder.program_.pieces
    words = np.zeros((len(X), words_for(piece.n_bits)), dtype=np.uint64)
    piece.write(X, words, 0)
    expected = words.astype("<u8").view("<u4")
    actual = Compiled(encoder, X.shape[1], folder, features)(X)
    np.testing.assert_array_equal(actual, expected[:, : actual.shape[1]])


rows_of = st.lists(
    st.sets(
        st.floats(allow_nan=False, allow_infinity=False) | st.floats(width=32, allow_nan=False, allow_infinity=False),
        max_size=20,
    ),
    min_size=1,
    max_size=6,
)


@FEW
@given(rows=rows_of, data=st.data())
@example(rows=[{0.0, -0.0, 1e-45, -1e-45, 3.4e38, -3.4e38, 1e308, -1e308, 2e-46, -2e-46}], data=None)
def test_any_floating_point_number(tmp_path, rows, data):
    rows = [sorted(row) for row in rows]
    missing = (
        [True] * len(rows)
        if data is None
        else data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    )
    encoder = made_of(rows, missing)
    if encoder.n_bits_ == 0:
        return
    with np.errstate(all="ignore"):
        near = np.array([t for row in rows for t in row]).astype(np.float32)
        beside = [near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))]
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 1e-45, -1e-45], dtype=np.float32)
    values = np.concatenate([*beside, special])
    check_values(encoder, np.stack([np.roll(values, 3 * c) for c in range(len(rows))], axis=1), tmp_path, "float")


@FEW
@given(data=st.data(), features=st.sampled_from(["uint8", "int8", "uint16", "int16", "int32"]))
def test_any_whole_number(tmp_path, data, features):
    limits = np.iinfo(features)
    low, high = int(limits.min), int(limits.max)
    lowest = low if features == "int32" else low - 3
    middle = data.draw(st.integers(low, high))
    near = st.integers(max(middle - 9, low), min(middle + 9, high))
    fractions = st.floats(lowest, high + 3, width=64)
    numbers = data.draw(st.sampled_from([st.integers(lowest, high + 3), near, fractions]))
    rows = [sorted(row) for row in data.draw(st.lists(st.sets(numbers, max_size=20), min_size=1, max_size=6))]
    encoder = made_of(rows)
    if encoder.n_bits_ == 0:
        return
    near = np.clip([int(np.floor(t)) + d for row in rows for t in row for d in (-1, 0, 1)] + [low, high], low, high)
    check_values(
        encoder, np.stack([np.roll(near, 3 * c) for c in range(len(rows))], axis=1).astype(features), tmp_path, features
    )


def test_many_thresholds(tmp_path):
    """More than fit into half a byte, or a byte, for each column."""
    X = np.random.default_rng(0).integers(-(2**31), 2**31, (900, 3))
    X[:, 1] //= 2**24
    for n_bits in (14, 300):
        check(ThermometerEncoder(n_bits).fit(X), X.astype(np.int32), tmp_path)
    X = np.abs(X[:, :1] // 2**18)
    check(ThermometerEncoder(300).fit(X), X, tmp_path)


# What the code is made of ------------------------------------------------------------------------------------------


@functools.cache
def encoders():
    """One of each kind, with samples."""
    rng = np.random.default_rng(7)
    images, parts = blobs((9, 8, 2)), "+".join(PARTS)
    signals = np.cumsum(rng.normal(size=(60, 21, 2)), axis=1)
    table = numbers(rng, 100)
    codes = np.where(rng.random((100, 4)) < 0.1, np.nan, rng.integers(0, 5, (100, 4))).astype(np.float32)
    return {
        "bytes": (ImageEncoder(parts).fit(images), images),
        "words": (ImageEncoder(parts, shape=(9, 8, 2)).fit(images * 100.0), (images * np.int16(100))),
        "code book": (ImageEncoder("words20/4/2").fit(blobs((9, 8))), blobs((9, 8))),
        "code book in colour": (
            ImageEncoder("words33/3/2").fit(blobs((6, 7, 3)) / 7),
            blobs((6, 7, 3)).astype(np.float32) / 7,
        ),
        "levels": (ImageEncoder(parts).fit(images / 7), (images / 7).astype(np.float32)),
        "signals": (SignalEncoder().fit(signals), signals.astype(np.float32)),
        "whole signals": (SignalEncoder().fit(np.floor(signals * 99)), np.floor(signals * 99)),
        "table": (TableEncoder().fit(table), table),
        "sums": (TableEncoder(oblique=40).fit(mixed(rng, whole=True)), as_numbers(mixed(rng, whole=True))),
        "conjunctions": (TableEncoder(oblique=9, conjunctions=40).fit(table), table),
        "categories": (CategoryEncoder().fit(codes), codes),
        "ordinal": (CategoryEncoder("ordinal").fit(codes), codes),
        "median": (MedianBinarizer().fit(table), table),
    }


@pytest.mark.parametrize("kind", encoders())
@pytest.mark.parametrize("compiler", COMPILERS)
def test_sanitizers_find_nothing(tmp_path, kind, compiler):
    encoder, X = encoders()[kind]
    code = code_of(encoder, X[0].size, "e")
    (tmp_path / "e.c").write_text(program(code) + MAIN, encoding="ascii")
    command = [compiler, "-std=c99", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command += ["-fsanitize=implicit-conversion"] * (compiler == "clang")
    subprocess.run([*command, "e.c", "-o", "e"], cwd=tmp_path, check=True)
    samples = as_features(X, code.feature_type).tobytes()
    done = subprocess.run([str(tmp_path / "e")], input=samples, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    expected, _ = python_words(encoder, X)
    np.testing.assert_array_equal(np.frombuffer(done.stdout, dtype=np.uint32).reshape(expected.shape), expected)


@pytest.mark.parametrize("kind", encoders())
@pytest.mark.skipif(
    shutil.which("objdump") is None or platform.machine() not in ("x86_64", "aarch64"),
    reason="needs objdump, and knows the instructions of x86-64 and AArch64",
)
def test_no_floating_point_arithmetic(tmp_path, kind):
    encoder, X = encoders()[kind]
    compiled = Compiled(encoder, X[0].size, tmp_path)
    functions = disassemble(compiled.library)
    mnemonics = [one for name, found in functions.items() if name.startswith("e") for one in found]
    assert len(mnemonics) > 20
    assert not floating_point(mnemonics, platform.machine())


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")
@pytest.mark.parametrize("kind", encoders())
def test_microcontrollers_need_no_library(tmp_path, kind):
    """A Cortex-M3 has no floating point: the compiler would call functions for it."""
    encoder, X = encoders()[kind]
    (tmp_path / "e.c").write_text(program(code_of(encoder, X[0].size, "e")), encoding="ascii")
    command = ["arm-none-eabi-gcc", *STRICT, "-mcpu=cortex-m3", "-mthumb", "-Os", "-c", "e.c", "-o", "e.o"]
    subprocess.run(command, cwd=tmp_path, check=True)
    names = subprocess.run(["arm-none-eabi-nm", "-u", "e.o"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert set(names.stdout.split()) <= {"U", "memcpy", "memset"}


# On an AVR, int has 16 bits, and tables are read from flash memory by instructions of their own.
AVR_ROM = """\
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>
#define E_ROM PROGMEM
#define E_ROM_U8(p) pgm_read_byte(p)
#define E_ROM_U16(p) pgm_read_word(p)
#define E_ROM_I16(p) ((int16_t)pgm_read_word(p))
#define E_ROM_U32(p) pgm_read_dword(p)
"""
AVR_MAIN = """\
static const uint8_t samples[] PROGMEM = {%s};
static void send(char c)
{
    while ((UCSR0A & (1 << UDRE0)) == 0) {
    }
    UDR0 = (uint8_t)c;
}
int main(void)
{
    static e_feature_t features[N_FEATURES];
    static uint32_t bits[N_WORDS];
    UCSR0B = (1 << TXEN0);
    for (size_t i = 0; i < sizeof samples; i += sizeof features) {
        memcpy_P(features, &samples[i], sizeof features);
        encode_all(features, 1u, bits);
        for (size_t w = 0; w < N_WORDS; w++) {
            for (int shift = 28; shift >= 0; shift -= 4) {
                send("0123456789abcdef"[(bits[w] >> shift) & 15u]);
            }
            send('\\n');
        }
    }
    cli();
    sleep_mode();
    return 0;
}
"""


@pytest.mark.skipif(not all(map(shutil.which, ("avr-gcc", "simavr"))), reason="needs avr-gcc and simavr")
@pytest.mark.parametrize("kind", encoders())
def test_on_an_emulated_avr(tmp_path, kind):
    encoder, X = encoders()[kind]
    X = X[:6]
    code = code_of(encoder, X[0].size, "e")
    text, n = re.subn(r"(#define E_ROM\b.*\n)(?:#define E_ROM_.*\n)+", lambda _: AVR_ROM, program(code))
    assert n == 1
    samples = as_features(X, code.feature_type).tobytes()
    (tmp_path / "e.c").write_text(text + AVR_MAIN % ", ".join(map(str, samples)), encoding="ascii")
    command = ["avr-gcc", "-std=gnu99", "-Wall", "-Wextra", "-Werror", "-mmcu=atmega2560", "-Os", "e.c", "-o", "e.elf"]
    subprocess.run(command, cwd=tmp_path, check=True)
    command = ["simavr", "-m", "atmega2560", "-f", "16000000", "e.elf"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=600)
    words = [int(word, 16) for word in re.findall(r"([0-9a-f]{8})\.", done.stdout + done.stderr)]
    expected, _ = python_words(encoder, X)
    assert words == expected.ravel().tolist()


# Errors ------------------------------------------------------------------------------------------------------------


def refused(encoder, n_features, message, features=None):
    with pytest.raises(ExportError, match=message):
        code_of(encoder, n_features, "e", features)


def test_what_cannot_be_exported():
    text = pd.DataFrame({"n": [1.0, 2, 3], "colour": ["red", "blue", "red"]})
    refused(
        TableEncoder().fit(text), 2, "column 'colour' holds text, such as 'blue'.*replace each category by a number"
    )
    refused(CategoryEncoder().fit(text[["colour"]]), 1, "column 'colour' holds text")
    times = pd.DataFrame({"when": pd.to_datetime(["2020-01-01", "2021-02-03", "2022-03-04"])})
    refused(TableEncoder().fit(times), 1, "column 'when' holds times, which features of type float cannot", "float")
    refused(TableEncoder().fit(times.assign(x=[0.5, 1, 2])), 2, "column 'when' holds times.*a table of whole numbers")
    refused(TableEncoder().fit(pd.concat([times, times.shift(1)])), 1, "column 'when' had missing times", "int32")
    early = pd.DataFrame({"when": pd.to_datetime(["1820-01-01", "1821-02-03", "1922-03-04"])})
    refused(TableEncoder().fit(early), 1, "column 'when' holds times before 1901", "int32")
    refused(TextEncoder().fit(["some text", "more"]), 1, "encode texts before they reach the device")
    refused(KBinsDiscretizer(2), 1, "type KBinsDiscretizer cannot be exported")
    holes = np.array([[1.0], [np.nan], [3.0]])
    for encoder in (ThermometerEncoder().fit(holes), TableEncoder().fit(holes), CategoryEncoder().fit(holes)):
        refused(encoder, 1, "missing values.*features='float'", "int16")
    refused(ImageEncoder("thermometer1").fit(blobs((3, 3))), 9, "images in fit held whole numbers", "float")
    refused(SignalEncoder("thermometer1").fit(blobs((3, 3))), 9, "signals in fit held whole numbers", "float")
    refused(made_of([[-1e12]]), 1, "below what int32 holds", "int32")
    refused(CategoryEncoder().fit([["3e9"], ["1"], ["2"]]), 1, "column 'x0' has categories", "int32")
    refused(MedianBinarizer().fit(holes), 1, "features='double' is unknown: use 'uint8'", "double")


def test_features_for_the_device():
    np.testing.assert_array_equal(as_features([-5, 3, 999], "uint8_t"), np.array([0, 3, 255], dtype=np.uint8))
    assert as_features([True], "int8_t").dtype == np.int8
    assert as_features([1.5, np.nan], "float").dtype == np.float32
    times = np.array(["1970-01-02", "1969-12-31T23:59:59.5"], dtype="datetime64[ms]")
    assert as_features(times, "int32_t").tolist() == [86400, -1]
    assert as_features(times.astype(object), "int32_t").tolist() == [86400, -1]
    for missing in (np.nan, np.datetime64("NaT"), pd.NaT):
        with pytest.raises(ExportError, match=r"missing \(NaN\)"):
            as_features([missing], "int16_t")
    with pytest.raises(ExportError, match="'double' is unknown"):
        as_features([1], "double")


def test_numbers_in_c():
    assert c_array("a", np.array([[1, -(2**15)], [3, 4]]), "int16_t", "X_ROM").startswith(
        "static const int16_t a[4] X_ROM = {\n    1, (-32767 - 1), 3, 4\n}"
    )
    assert c_number(2**64 - 1, "uint64_t") == "0xFFFFFFFFFFFFFFFFull"
    assert max(map(len, c_array("a", range(999), "uint32_t").splitlines())) <= 120
    for wrong in (lambda: c_array("a", [], "uint8_t"), lambda: c_number(256, "uint8_t"), lambda: c_number(1, "int")):
        with pytest.raises(ExportError):
            wrong()
    with pytest.raises(ExportError, match="fit into none of"):
        smallest_type(-1, 1)


# The whole way -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", ["auto", "median", "thermometer3", "image:thermometer2+gradient8", "table"])
def test_classifiers(tmp_path, encoder):
    X, y = load_digits(return_X_y=True)
    classifier = BMLPClassifier((45,), encoder=encoder, max_iter=1, random_state=0, preset="fast").fit(X, y)
    code = encoder_code(classifier, "e")
    assert code == code_of(classifier.encoder_, 64, "e")
    assert (code.feature_type, code.n_features, code.n_bits) == ("uint8_t", 64, classifier.network_.spec.n_inputs)
    assert code.scratch_bytes == 0
    hog = code_of(ImageEncoder("hog2+hog2").fit(X), 64, "e")
    assert hog.scratch_bytes == 2 * 7  # cells of 2 x 2 pixels that overlap by half: 2 rows of 7
    check(classifier.encoder_, X, tmp_path)
    assert "digits_encode(const digits_feature_t *features" in encoder_code(classifier, "digits").body
    assert "DIGITS_ROM" in encoder_code(classifier, "digits").declarations or encoder == "median"


@pytest.mark.parametrize("parts", ["thermometer4+hog4", "patches200+pairs100+local2+census8", "planes3/2"])
def test_mnist(tmp_path, parts):
    try:
        X = load("mnist").X[::100]
    except DataError as error:
        pytest.skip(str(error))
    check(ImageEncoder(parts, shape=(28, 28)).fit(X[:300]), X.reshape(len(X), -1), tmp_path)
