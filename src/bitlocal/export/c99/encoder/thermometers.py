"""Values compared with tables of thresholds, in as few bytes as is simple."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.numbers import c_number, indented

_THERMOMETER = """\
static void ${name}(${p}_writer_t *out, ${ctype} value)
{
${body}}
"""


def value_type(thresholds: Sequence[int], low: int, high: int) -> str:
    """Choose the type in which values from `low` to `high` are compared with thresholds."""
    if high >= 2**31:
        return "uint32_t"
    everything = (*thresholds, low, high)
    return "int16_t" if min(everything) >= -(2**15) and max(everything) < 2**15 else "int32_t"


class NumberTable:
    """A table of numbers, and the code that compares values with them.

    Parameters
    ----------
    builder : Builder
        Where it goes.
    what : str
        What the numbers are, for its name.
    numbers : sequence of int
        At least one.
    low, high : int
        Limits of the values. Keys of floating-point numbers are from 0 to 2**32 - 1; everything else is within 32 bits
        with sign.

    Attributes
    ----------
    ctype : str
        The type of the values.
    """

    def __init__(self, builder: Builder, what: str, numbers: Sequence[int], low: int, high: int) -> None:
        least, most = min(numbers), max(numbers)
        self.ctype = value_type(numbers, low, high)
        self._offset = 0  # stored are the numbers less this, if bytes will do then
        self._biased = False
        if least < 0 or any(most >= 2**bits > most - least for bits in (8, 16)):
            self._offset = least
        span = most - self._offset
        if self.ctype == "uint32_t":
            stored, self._offset = "uint32_t", 0
        elif span < 2**8:
            stored = "uint8_t"
        elif self.ctype == "int16_t":
            stored, self._offset = "int16_t", 0
        elif span < 2**16:
            stored = "uint16_t"
        else:  # the order of numbers with sign is that of numbers without, once the sign is flipped
            stored = "uint32_t"
            self._biased, self._offset = True, -(2**31)
        values = np.asarray(numbers, dtype=np.int64) - self._offset
        self._table = builder.table(what, values, stored)

    def below(self, value: str, index: str) -> str:
        """Write whether a number lies below a value."""
        return self._compared(value, ">", index)

    def equal(self, value: str, index: str) -> str:
        """Write whether a number is equal to a value."""
        return self._compared(value, "==", index)

    def _compared(self, value: str, how: str, index: str) -> str:
        read = self._table.at(index)
        if self._biased:
            return f"((uint32_t){value} ^ 0x80000000u) {how} {read}"
        if self.ctype == "uint32_t":
            return f"{value} {how} {read}"
        if self._offset:
            return f"{value} {how} (({self.ctype}){c_number(self._offset, self.ctype)} + ({self.ctype}){read})"
        return f"{value} {how} ({self.ctype}){read}"


class Thermometers:
    """The code that compares one value after the other with thresholds of its own, and writes the bits.

    Parameters
    ----------
    builder : Builder
        Where it goes.
    what : str
        What the values are, for names.
    thresholds : sequence of sequences of int
        Those of each value, ascending.
    low, high : int
        Limits of the values, see `NumberTable`.
    missing : sequence of bool, optional
        Which values have a bit that says that they are missing; 0 stands for that.

    Attributes
    ----------
    ctype : str
        The type of the values.
    """

    def __init__(
        self,
        builder: Builder,
        what: str,
        thresholds: Sequence[Sequence[int]],
        low: int,
        high: int,
        missing: Sequence[bool] | None = None,
    ) -> None:
        self._builder = builder
        self._what = what
        self._limits = low, high
        self.ctype = value_type((), low, high)
        flags = [False] * len(thresholds) if missing is None else [bool(flag) for flag in missing]
        body = self._body([tuple(row) for row in thresholds], flags)
        self._uses = [field for field in ("code", "threshold") if f"out->{field}" in body]
        self._name = builder.function(what, _THERMOMETER, ctype=self.ctype, body=indented(body))

    def start(self) -> str:
        """Write what comes before the first value."""
        return "".join(f"out->{field} = 0u;\n" for field in self._uses)

    def call(self, value: str) -> str:
        """Write the bits of the next value."""
        return f"{self._name}(out, {value});"

    def _body(self, rows: list[tuple[int, ...]], flags: list[bool]) -> str:
        everything = [threshold for row in rows for threshold in row]
        alike = len(set(rows)) == 1 and len(rows) > 1
        put = self._builder.put
        if alike and len(rows[0]) == 1 and not any(flags):
            self.ctype = value_type(rows[0], *self._limits)
            constant = f"const {self.ctype} threshold = {c_number(rows[0][0], self.ctype)};\n"
            return f"{constant}{put('value > threshold')}\n"
        body, count = "", ""
        if any(flags):
            widths = [2 * len(row) + flag for row, flag in zip(rows, flags, strict=True)]
            body, count = f"const size_t width = {self._widths(widths)};\n", "width / 2u"
        else:
            count = self._widths([len(row) for row in rows])
        if everything:
            thresholds = self._settle(rows[0] if alike else everything)
            first = "0u" if alike else "out->threshold"
            end = count if alike else f"{first} + ({count})"
            body += f"const size_t end = {end};\nsize_t i;\n"
            body += f"for (i = {first}; i < end; i++) {{\n    {put(thresholds.below('value', 'i'))}\n}}\n"
            body += "" if alike else "out->threshold = end;\n"
        if any(flags):
            zero = "0u" if self.ctype == "uint32_t" else "0"
            body += f"if ((width & 1u) != 0u) {{\n    {put(f'value == {zero}')}\n}}\n"
        if "out->code" in body:
            body += "out->code++;\n"
        return body

    def _settle(self, thresholds: Sequence[int]) -> NumberTable:
        table = NumberTable(self._builder, f"{self._what}_thresholds", thresholds, *self._limits)
        self.ctype = table.ctype
        return table

    def _widths(self, widths: list[int]) -> str:
        """Find the width of the next value."""
        if len(set(widths)) == 1:
            return f"{widths[0]}u"
        if max(widths) < 16:  # two in a byte
            halves = np.array([*widths, 0][: len(widths) + len(widths) % 2]).reshape(-1, 2)
            table = self._builder.table(f"{self._what}_widths", halves[:, 0] + 16 * halves[:, 1], "uint8_t")
            return f"((size_t){table.at('out->code / 2u')} >> (4u * (out->code % 2u))) & 15u"
        return f"(size_t){self._builder.table(f'{self._what}_widths', widths).at('out->code')}"
