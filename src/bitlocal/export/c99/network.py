"""The text of a C header and a C source: templates, tables, and the calls that join the layers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bitlocal.bits import words_for
from bitlocal.export.c99.encoder import EncoderCode
from bitlocal.export.c99.plan import LayerPlan, Plan
from bitlocal.export.c99.planes import WORD_BITS, in_words
from bitlocal.export.c99.texts import Texts
from bitlocal.export.errors import ExportError

_RESERVED = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool true false asm
catch class delete explicit export friend mutable namespace new operator private protected public template this throw
try typename using virtual main
"""
_HEADERS = """
assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic stdbit
stdbool stdckdint stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype
alloca dirent dlfcn endian fcntl getopt malloc memory poll pthread sched semaphore strings syslog termios unistd
"""


def check_prefix(prefix: str) -> str:
    """Refuse what cannot begin the names of C: also what would be reserved, or the same in upper case."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", prefix) or prefix in _RESERVED.split():
        raise ExportError(
            f"prefix {prefix!r}: expected up to 31 small letters, digits and underscores, a letter first, as in my_net"
        )
    if prefix in _HEADERS.split():
        raise ExportError(
            f"prefix {prefix!r}: expected no name of C's headers, which {prefix}.h would hide; take my_{prefix}, say"
        )
    return prefix


def joined(parts: Iterable[str]) -> str:
    """Put parts of a file under one another, with an empty line between."""
    return "\n".join(part.strip("\n") + "\n" for part in parts)


class Network:
    """The C of a network that infers.

    Parameters
    ----------
    plan : Plan
    encoder : EncoderCode
        Of the same model, with the same prefix.
    texts : Texts
        For that prefix.
    """

    def __init__(self, plan: Plan, encoder: EncoderCode, texts: Texts) -> None:
        self.plan = plan
        self.encoder = encoder
        self.texts = texts

    def header(self, learning: str = "") -> str:
        """Give the text of NAME.h; `learning` declares what learning adds."""
        model = self.plan.model
        sizes = [model.n_bits, *(layer.n_neurons for layer in model.layers)]
        return self.texts.fill(
            "network/header.h",
            "header",
            features=self.encoder.n_features,
            shape=" - ".join(map(str, sizes)),
            bits=model.n_bits,
            classes=model.n_classes,
            feature=self.encoder.feature_type,
            learning=learning and "\n" + learning,
        )

    def source(self) -> list[str]:
        """Give the parts of NAME.c."""
        texts, last, model = self.texts, self.plan.layers[-1], self.plan.model
        weights = (texts.table(f"w_{one.number}", in_words(one.layer.weights)) for one in self.plan.layers)
        tables = {"weights": "".join(weights)}
        if model.readout is None:
            answer = [texts.fill("vote.c")]
            tables_text = texts.fill("network/infer.c", "weights", **tables, classifier=self.local_classifier(last))
        else:
            answer = [texts.fill("readout.c", "infer")]
            readout = texts.table("r", model.readout.values, "int16_t")
            tables_text = texts.fill("network/infer.c", "weights of a readout", **tables, readout=readout)
        return [
            texts.fill("network/infer.c", "start"),
            texts.fill("common.c"),
            *answer,
            texts.fill("encoder/encode.c", "title") + self.encoder.declarations + self.encoder.body,
            tables_text,
            texts.fill("inference.c"),
            texts.fill("network/infer.c", "logits", **self.calls("network/infer.c")),
        ]

    def local_classifier(self, one: LayerPlan) -> str:
        """Write the local classifier of a layer."""
        return self.texts.table(f"p_{one.number}", in_words(one.layer.local_classifier))

    def calls(self, path: str) -> dict[str, object]:
        """Fill the gaps of logits: calls from layer to layer, by the piece "layer" of a template, and what they need.

        There are two buffers, each as large as it must be.
        """
        sizes = [words_for(self.plan.model.n_bits, WORD_BITS), *(one.out_words for one in self.plan.layers)]
        last = self.plan.layers[-1]
        buffers = ("even", "odd")
        layers = "".join(
            self.texts.fill(path, "layer", **shape(one), source=buffers[i % 2], target=buffers[(i + 1) % 2])
            for i, one in enumerate(self.plan.layers)
        )
        read = {"last": last.number, "neurons": last.layer.n_neurons, "result": buffers[last.number % 2]}
        if self.plan.model.readout is None:
            answer = self.texts.fill("network/infer.c", "vote", **read)
        else:
            answer = self.texts.fill(path, "read out", **read)
        # GCC 12 does not see, of few neurons, that a layer has written what a readout reads.
        empty = "" if self.plan.model.readout is None else " = {0}"
        sides = {"even": max(sizes[0::2]), "odd": max(sizes[1::2]), "empty": empty}
        return {**sides, "layers": layers, "answer": answer}


def shape(one: LayerPlan) -> dict[str, int]:
    """Give what calls tell of a layer."""
    return {"n": one.number, "inputs": one.layer.n_inputs, "neurons": one.layer.n_neurons}
