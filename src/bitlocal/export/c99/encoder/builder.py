"""Collecting the C code of an encoder: tables, helper functions, and a function for each part.

Bits leave one after the other, from bit 0 on, through a small writer, so no part needs to know where its bits go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.bits import words_for
from bitlocal.export.c99.encoder.features import FeatureType
from bitlocal.export.c99.numbers import smallest_type
from bitlocal.export.c99.planes import WORD_BITS
from bitlocal.export.c99.texts import Texts


class Table:
    """A table of constants, and how its elements are read."""

    def __init__(self, texts: Texts, name: str, ctype: str) -> None:
        self._texts = texts
        self.name = name
        self.ctype = ctype

    def at(self, index: str) -> str:
        """Write the reading of an element."""
        return self._texts.rom_read(self.ctype, f"{self.name}[{index}]")


class Builder:
    """Collects the code of an encoder.

    Parameters
    ----------
    prefix : str
        What all names begin with.
    features : FeatureType
        What a feature is.

    Attributes
    ----------
    calls : list of str
        The calls that write the bits, one part after the other.
    first_bit : int
        Where the bits of the stages that are being written begin.
    encoder_bit : int
        Where those of the first stage of the same encoder begin, one of several in a union.
    scratch_bytes : int
        Memory for arrays that some part needs on the stack; no two need theirs at a time.
    """

    def __init__(self, prefix: str, features: FeatureType) -> None:
        self.features = features
        self.calls: list[str] = []
        self.first_bit = 0
        self.encoder_bit = 0
        self.scratch_bytes = 0
        self._prefix = f"{prefix}_enc"  # so that names of the encoder differ from those of other code
        self._texts = Texts(prefix)
        self._pieces: list[str] = []
        self._known: set[str] = set()
        self._functions: dict[tuple[str, str], str] = {}
        self._tables: dict[tuple[str, tuple[int, ...]], Table] = {}
        self._numbers: dict[str, int] = {}
        self.add("encode.c", "writer")

    def text(self, file: str, piece: str, /, **values: object) -> str:
        """Fill in a template: $enc is what names begin with, $feature the type of a feature."""
        names = {"enc": self._prefix, "feature": f"{self._texts.prefix}_feature_t"}
        return self._texts.fill(f"encoder/{file}", piece, **{**names, **values})

    def expression(self, file: str, piece: str, /, **values: object) -> str:
        """Fill in a template of an expression, for a gap within a line."""
        return self.text(file, piece, **values).rstrip("\n")

    def add(self, file: str, piece: str, /, **values: object) -> None:
        """Add a piece of code, once."""
        text = self.text(file, piece, **values)
        if text not in self._known:
            self._known.add(text)
            self._pieces.append(text)

    def name(self, what: str) -> str:
        """Give a name that is not in use yet."""
        number = self._numbers.get(what, 0)
        self._numbers[what] = number + 1
        return f"{self._prefix}_{what}" + (f"_{number}" if number else "")

    def function(self, what: str, file: str, piece: str, /, **values: object) -> str:
        """Add a function whose text has $name for its name, and give that; a function that is there is used again."""
        key = what, self.text(file, piece, name="", **values)
        if key not in self._functions:
            self._functions[key] = self.name(what)
            self._pieces.append(self.text(file, piece, name=self._functions[key], **values))
        return self._functions[key]

    def table(self, what: str, values: Sequence[int] | NDArray[Any], ctype: str | None = None) -> Table:
        """Add a table, of the smallest type of numbers without sign that holds them unless one is given."""
        numbers = tuple(int(value) for value in np.asarray(values).ravel().tolist())
        ctype = smallest_type(min(numbers), max(numbers)) if ctype is None else ctype
        if (ctype, numbers) not in self._tables:  # equal ones share memory
            table = Table(self._texts, self.name(what), ctype)
            self._tables[ctype, numbers] = table
            self._pieces.append(self._texts.table(table.name.removeprefix(f"{self._texts.prefix}_"), numbers, ctype))
        return self._tables[ctype, numbers]

    def part(self, what: str, body: str) -> None:
        """Add a function that writes the bits of a part, and its call."""
        self.call(self.function(f"write_{what}", "encode.c", "part", body=body))

    def call(self, name: str, *arguments: object) -> None:
        """Add a call that writes the bits of a part."""
        more = "".join(f", {one}" for one in arguments)
        self.calls.append(self.text("encode.c", "call", name=name, arguments=more))

    def loop(self, n: int, write: str, start: str = "", i: str = "i") -> str:
        """Write a loop over n values, each of which writes some bits."""
        return self.text("encode.c", "loop", n=n, write=write, start=start, i=i)

    def put(self, bit: str) -> str:
        """Write the writing of a bit."""
        return self.text("encode.c", "put", bit=bit)

    def value(self, index: str) -> str:
        """Write what is compared with thresholds for a feature: itself, or its key."""
        if self.features.is_float:
            self.add("encode.c", "key")
            return self.expression("encode.c", "key of feature", index=index)
        return self.expression("encode.c", "feature", index=index)

    @property
    def declarations(self) -> str:
        """All pieces that were added."""
        return "\n".join(self._pieces)

    def body(self, n_bits: int) -> str:
        """Give the function that encodes a sample."""
        return self.text("encode.c", "encode", words=words_for(n_bits, WORD_BITS), calls="".join(self.calls))
