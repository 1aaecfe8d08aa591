"""Exported C, compiled for this machine and called through ctypes: what a device would do."""

from __future__ import annotations

import ctypes
import itertools
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np

from bitlocal import export
from bitlocal.export.c99.encoder import as_features

STRICT = [
    *("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wstrict-prototypes", "-Werror"),
]
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]

_numbers = itertools.count()  # a library's name must be new, or the loader gives the one that it has


def compile_command(compiler: str, *options: str) -> list[str]:
    return [compiler, *STRICT, "-O1", *options]


class Exported:
    """A classifier that was exported, compiled and loaded; it learns from the model that was exported."""

    def __init__(self, classifier, folder: Path, *, compiler="gcc", prefix="bmlp", options=(), **how):
        self.folder = folder / f"exported{next(_numbers)}"
        export.c(classifier, self.folder, prefix=prefix, **how)
        self.prefix = prefix
        self.header = (self.folder / f"{prefix}.h").read_text()
        self.source = self.folder / f"{prefix}.c"
        library = self.folder / "library.so"
        glue = self.folder / "glue.c"
        glue.write_text(self._glue(learn=how.get("learn", False)))
        command = [*compile_command(compiler, *options), "-fPIC", "-shared", "-I", str(self.folder)]
        subprocess.run([*command, str(self.source), str(glue), "-o", str(library)], check=True)
        self.c = ctypes.CDLL(str(library))
        self.feature_type = re.search(rf"typedef (\w+) {prefix}_feature_t;", self.header)[1]
        self.n_classes = self.macro("N_CLASSES")
        if how.get("learn"):
            self.c.glue_ctx_size.restype = ctypes.c_size_t
            self.ctx = ctypes.create_string_buffer(self.c.glue_ctx_size())
            self.check("init", self.ctx)

    def macro(self, name: str) -> int:
        return int(re.search(rf"#define {self.prefix.upper()}_{name} (\d+)u?\b", self.header)[1])

    def _glue(self, *, learn: bool) -> str:
        """Loops over samples: calls through ctypes one by one would take most of the time."""
        p = self.prefix
        text = f"""\
#include "{p}.h"
int glue_predict(const {p}_feature_t *x, size_t n, int *classes, int32_t *logits);
int glue_predict(const {p}_feature_t *x, size_t n, int *classes, int32_t *logits) {{
    size_t i;
    for (i = 0u; i < n; ++i) {{
        classes[i] = {p}_predict(&x[i * {p.upper()}_N_FEATURES]);
        if ({p}_logits(&x[i * {p.upper()}_N_FEATURES], &logits[i * {p.upper()}_N_CLASSES]) != 0) {{
            return -1;
        }}
    }}
    return 0;
}}
"""
        if not learn:
            return text
        return (
            text
            + f"""\
size_t glue_ctx_size(void);
size_t glue_ctx_size(void) {{
    return sizeof({p}_ctx);
}}
int glue_ctx_predict(const {p}_ctx *ctx, const {p}_feature_t *x, size_t n, int *classes, int32_t *logits);
int glue_ctx_predict(const {p}_ctx *ctx, const {p}_feature_t *x, size_t n, int *classes, int32_t *logits) {{
    size_t i;
    for (i = 0u; i < n; ++i) {{
        classes[i] = {p}_ctx_predict(ctx, &x[i * {p.upper()}_N_FEATURES]);
        if ({p}_ctx_logits(ctx, &x[i * {p.upper()}_N_FEATURES], &logits[i * {p.upper()}_N_CLASSES]) != 0) {{
            return -1;
        }}
    }}
    return 0;
}}
int glue_learn({p}_ctx *ctx, const {p}_feature_t *x, const int *labels, size_t n);
int glue_learn({p}_ctx *ctx, const {p}_feature_t *x, const int *labels, size_t n) {{
    size_t i;
    for (i = 0u; i < n; ++i) {{
        const int error = {p}_learn(ctx, &x[i * {p.upper()}_N_FEATURES], labels[i]);
        if (error != {p.upper()}_OK) {{
            return error;
        }}
    }}
    return {p.upper()}_OK;
}}
"""
        )

    def call(self, name: str, *arguments) -> int:
        """Call a function of the export; sizes are passed as such."""
        converted = [ctypes.c_size_t(a[0]) if isinstance(a, tuple) else a for a in arguments]
        return getattr(self.c, f"{self.prefix}_{name}")(*converted)

    def check(self, name: str, *arguments) -> None:
        assert self.call(name, *arguments) == 0

    def features(self, X):
        return np.ascontiguousarray(as_features(X, self.feature_type))

    def predict(self, X, *, learnt=False):
        """Classes of shape (n,), logits of shape (n, n_classes)."""
        x = self.features(X)
        classes = np.full(len(x), -99, dtype=np.intc)
        logits = np.zeros((len(x), self.n_classes), dtype=np.int32)
        arguments = [pointer(x), ctypes.c_size_t(len(x)), pointer(classes), pointer(logits)]
        if learnt:
            assert self.c.glue_ctx_predict(self.ctx, *arguments) == 0
        else:
            assert self.c.glue_predict(*arguments) == 0
        return classes, logits

    def learn(self, X, labels) -> int:
        x, labels = self.features(X), np.ascontiguousarray(labels, dtype=np.intc)
        return self.c.glue_learn(self.ctx, pointer(x), pointer(labels), ctypes.c_size_t(len(x)))

    def save(self) -> bytes:
        blob = ctypes.create_string_buffer(self.macro("STATE_SIZE"))
        self.check("save", self.ctx, blob, (len(blob),))
        return blob.raw

    def load(self, blob: bytes) -> int:
        return self.call("load", self.ctx, blob, (len(blob),))


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def logits_of(classifier, X):
    """Logits of all classes: `decision_function` gives a difference for two, in votes."""
    return classifier.logits(np.asarray(X))
