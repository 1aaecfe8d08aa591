"""Values to thermometer codes: how many thresholds a value has, and which, in as few bytes as is simple."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.export.ctext import c_number, indented
from bitlocal.export.encoding.builder import Builder, Table

_FUNCTION = """\
static void ${name}(${p}_writer_t *out, ${ctype} value)
{
${body}}
"""


class Thermometers:
    """The code that compares one value after the other with its thresholds.

    Parameters
    ----------
    builder : Builder
        Where it goes.
    what : str
        What the values are, for names.
    thresholds : sequence of sequences of int
        Those of each value, ascending.
    low, high : int
        Limits of the values. Keys of floating-point numbers are from 0 to 2**32 - 1; everything else is within 32 bits
        with sign.
    missing : sequence of bool, optional
        Which values have a bit that says that they are missing; it is for keys, of which 0 stands for that.
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
        flags = [False] * len(thresholds) if missing is None else [bool(flag) for flag in missing]
        rows = [tuple(int(t) for t in row) for row in thresholds]
        everything = [t for row in rows for t in row]
        self._choose_types([low, high, *everything], everything, keys=high >= 2**31)
        self.name = builder.name(what)
        body = self._body(rows, flags)
        self.uses = [field for field in ("code", "threshold") if f"out->{field}" in body]
        builder.add(_FUNCTION, name=self.name, ctype=self.ctype, body=indented(body))

    def call(self, value: str) -> str:
        """Write the bits of the next value."""
        return f"{self.name}(out, {value});"

    def _choose_types(self, limits: list[int], thresholds: list[int], *, keys: bool) -> None:
        """How values are compared, and thresholds stored: less an offset, if bytes will do then."""
        low, high = (min(thresholds), max(thresholds)) if thresholds else (0, 0)
        self.ctype = "int16_t" if min(limits) >= -(2**15) and max(limits) < 2**15 else "int32_t"
        self._offset = 0
        self._biased = False
        if keys:
            self.ctype = self._stored = "uint32_t"
            return
        if low < 0 or (high >= 2**8 and high - low < 2**8) or (high >= 2**16 and high - low < 2**16):
            self._offset = low
        span = high - self._offset
        if span < 2**8:
            self._stored = "uint8_t"
        elif self.ctype == "int16_t":
            self._stored, self._offset = "int16_t", 0
        elif span < 2**16:
            self._stored = "uint16_t"
        else:  # the order of numbers with sign is that of numbers without once the sign is flipped
            self._stored, self._offset, self._biased = "uint32_t", 0, True

    def _body(self, rows: list[tuple[int, ...]], flags: list[bool]) -> str:
        everything = [t for row in rows for t in row]
        alike = len(set(rows)) == 1 and len(rows) > 1
        put = f"{self._builder.prefix}_put(out, "
        body = ""
        if alike and len(rows[0]) == 1 and not any(flags):
            return f"{put}value > {c_number(rows[0][0], self.ctype)});\n"
        if any(flags):
            body += f"const size_t width = {self._widths([2 * len(row) + flag for row, flag in zip(rows, flags)])};\n"
            n = "width / 2u"
        else:
            n = self._widths([len(row) for row in rows])
        if everything:
            table = self._table(rows[0] if alike else everything)
            first = "0u" if alike else "out->threshold"
            body += f"const size_t end = {first} + ({n});\nsize_t i;\n"
            body += f"for (i = {first}; i < end; i++) {{\n    {put}{self._compared(table)});\n}}\n"
            body += "" if alike else "out->threshold = end;\n"
        if any(flags):
            body += f"if ((width & 1u) != 0u) {{\n    {put}value == 0u);\n}}\n"
        if "out->code" in body:
            body += "out->code++;\n"
        return body

    def _widths(self, widths: list[int]) -> str:
        """Find the width of the next value."""
        if len(set(widths)) == 1:
            return f"{widths[0]}u"
        if max(widths) < 16:  # two in a byte
            halves = np.array([*widths, 0][: len(widths) + len(widths) % 2]).reshape(-1, 2)
            table = self._builder.table(f"{self._what}_widths", halves[:, 0] + 16 * halves[:, 1], "uint8_t")
            return f"((size_t){table.at('out->code / 2u')} >> (4u * (out->code % 2u))) & 15u"
        return f"(size_t){self._builder.table(f'{self._what}_widths', widths).at('out->code')}"

    def _table(self, thresholds: Sequence[int]) -> Table:
        values: NDArray[Any] = np.asarray(thresholds, dtype=np.int64)
        values = values + 2**31 if self._biased else values - self._offset
        return self._builder.table(f"{self._what}_thresholds", values, self._stored)

    def _compared(self, table: Table) -> str:
        read = table.at("i")
        if self._biased:
            return f"((uint32_t)value ^ 0x80000000u) > {read}"
        if self.ctype == "uint32_t":
            return f"value > {read}"
        offset = f"({self.ctype}){c_number(self._offset, self.ctype)} + " if self._offset else ""
        return f"value > ({offset}({self.ctype}){read})" if offset else f"value > ({self.ctype}){read}"
