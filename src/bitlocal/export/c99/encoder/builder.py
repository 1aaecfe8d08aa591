"""Collecting the C code of an encoder: tables, helper functions, and a function for each part.

Bits leave one after the other, from bit 0 on, through a small writer, so no part needs to know where its bits go.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.export.c99.encoder.features import FeatureType
from bitlocal.export.c99.numbers import smallest_type
from bitlocal.export.c99.texts import Texts, c_array

_WRITER = """\
/* Where the next bit goes, and which code and threshold come next. */
typedef struct {
    uint32_t *word;
    uint32_t mask;
    size_t code;
    size_t threshold;
} ${p}_writer_t;

static void ${p}_put(${p}_writer_t *out, int bit)
{
    if (bit) {
        *out->word |= out->mask;
    }
    out->mask <<= 1;
    if (out->mask == 0u) {
        out->mask = 1u;
        out->word++;
    }
}
"""

_FLOAT_KEY = """\
/* Numbers are compared through their bit patterns: an integer for each, in the same order; NaN comes to 0. */
static uint32_t ${p}_key(const float *feature)
{
    uint32_t pattern;
    uint32_t magnitude;
    memcpy(&pattern, feature, sizeof pattern);
    magnitude = pattern & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) {
        return 0u;
    }
    return (pattern & 0x80000000u) ? (0x80000000u - magnitude) : (0x80000000u + magnitude);
}
"""

_PART = "static void ${name}(const ${feature_t} *features, ${p}_writer_t *out)\n{\n${body}}\n"


class Table:
    """A table of constants, and how its elements are read."""

    def __init__(self, prefix: str, name: str, ctype: str) -> None:
        self._prefix = prefix
        self.name = name
        self.ctype = ctype

    def at(self, index: str) -> str:
        """Write the reading of an element."""
        return Texts(self._prefix).rom_read(self.ctype, f"{self.name}[{index}]")


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
    scratch_bytes : int
        Memory for arrays that some part needs on the stack; no two need theirs at a time.
    """

    def __init__(self, prefix: str, features: FeatureType) -> None:
        self.p = f"{prefix}_enc"  # so that names of the encoder differ from those of other code
        self.features = features
        self._prefix = prefix
        self.calls: list[str] = []
        self.scratch_bytes = 0
        self._pieces: list[str] = []
        self._known: set[str] = set()
        self._functions: dict[tuple[str, str], str] = {}
        self._tables: dict[tuple[str, tuple[int, ...]], Table] = {}
        self._numbers: dict[str, int] = {}
        self.add(_WRITER)

    def text(self, template: str, **values: object) -> str:
        """Fill in a template: ${p} is what names begin with, ${feature_t} the type of a feature."""
        return Template(template).substitute(p=self.p, feature_t=f"{self._prefix}_feature_t", **values)

    def add(self, template: str, **values: object) -> None:
        """Add a piece of code, once."""
        text = self.text(template, **values)
        if text not in self._known:
            self._known.add(text)
            self._pieces.append(text)

    def name(self, what: str) -> str:
        """Give a name that is not in use yet."""
        number = self._numbers.get(what, 0)
        self._numbers[what] = number + 1
        return f"{self.p}_{what}" + (f"_{number}" if number else "")

    def function(self, what: str, template: str, **values: object) -> str:
        """Add a function whose text has ${name} for its name, and give that; a function that is there is used again."""
        key = what, self.text(template, name="", **values)
        if key not in self._functions:
            self._functions[key] = self.name(what)
            self._pieces.append(self.text(template, name=self._functions[key], **values))
        return self._functions[key]

    def table(self, what: str, values: Sequence[int] | NDArray[Any], ctype: str | None = None) -> Table:
        """Add a table, of the smallest type of numbers without sign that holds them unless one is given."""
        numbers = tuple(int(value) for value in np.asarray(values).ravel().tolist())
        ctype = smallest_type(min(numbers), max(numbers)) if ctype is None else ctype
        if (ctype, numbers) not in self._tables:  # equal ones share memory
            table = Table(self._prefix, self.name(what), ctype)
            self._tables[ctype, numbers] = table
            self._pieces.append(c_array(table.name, numbers, ctype, f"{self._prefix.upper()}_ROM"))
        return self._tables[ctype, numbers]

    def part(self, what: str, body: str) -> None:
        """Add a function that writes the bits of a part, and its call."""
        self.calls.append(f"{self.function(f'write_{what}', _PART, body=body)}(features, &out);")

    def put(self, bit: str) -> str:
        """Write the writing of a bit."""
        return f"{self.p}_put(out, {bit});"

    def value(self, index: str) -> str:
        """Write what is compared with thresholds for a feature: itself, or its key."""
        if self.features.is_float:
            self.add(_FLOAT_KEY)
            return f"{self.p}_key(&features[{index}])"
        return f"features[{index}]"

    @property
    def declarations(self) -> str:
        """All pieces that were added."""
        return "\n".join(self._pieces)
