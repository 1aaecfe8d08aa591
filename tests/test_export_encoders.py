"""Encoders as C99 code, compiled and held to what the Python encoders give, bit for bit."""

from __future__ import annotations

import ctypes
import itertools
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bitlocal.bits import unpack, words_for
from bitlocal.encoders import ImageEncoder, MedianBinarizer, ThermometerEncoder
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
