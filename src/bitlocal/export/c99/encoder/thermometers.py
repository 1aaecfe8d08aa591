"""Values compared with tables of thresholds, in as few bytes as is simple."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.numbers import c_number, unsigned

_FILE = "thermometers.c"


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
        self._builder = builder
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
        values = {"value": value, "how": how, "read": self._table.at(index), "ctype": self.ctype}
        if self._biased:
            return self._builder.expression(_FILE, "compare biased", **values)
        if self.ctype == "uint32_t":
            return self._builder.expression(_FILE, "compare", **values)
        if self._offset:
            offset = c_number(self._offset, self.ctype)
            return self._builder.expression(_FILE, "compare offset", offset=offset, **values)
        return self._builder.expression(_FILE, "compare cast", **values)


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
        self._uses: list[str] = []
        body = self._body([tuple(row) for row in thresholds], flags)
        self._name = builder.function(what, _FILE, "thermometer", ctype=self.ctype, body=body)

    def start(self) -> str:
        """Write what comes before the first value."""
        return "".join(self._text("restart", field=field) for field in self._uses)

    def call(self, value: str, *, cast: bool = False) -> str:
        """Write the bits of the next value, cast to the type of the values if need be."""
        value = self._builder.expression(_FILE, "cast", ctype=self.ctype, value=value) if cast else value
        return self._text("call", name=self._name, value=value)

    def _text(self, piece: str, **values: object) -> str:
        return self._builder.text(_FILE, piece, **values)

    def _body(self, rows: list[tuple[int, ...]], flags: list[bool]) -> str:
        everything = [threshold for row in rows for threshold in row]
        alike = len(set(rows)) == 1 and len(rows) > 1
        if alike and len(rows[0]) == 1 and not any(flags):
            self.ctype = value_type(rows[0], *self._limits)
            threshold = c_number(rows[0][0], self.ctype)
            put = self._builder.put(self._builder.expression(_FILE, "above threshold"))
            return self._text("one threshold", ctype=self.ctype, threshold=threshold, put=put)
        body = ""
        if any(flags):
            widths = [2 * len(row) + flag for row, flag in zip(rows, flags, strict=True)]
            body = self._text("width", width=self._widths(widths))
            count = self._builder.expression(_FILE, "count of width")
        else:
            count = self._widths([len(row) for row in rows])
        if everything:
            body += self._compare(rows[0] if alike else everything, count, alike=alike)
        if any(flags):
            zero = unsigned(0) if self.ctype == "uint32_t" else 0
            is_zero = self._builder.expression(_FILE, "compare", value="value", how="==", read=zero)
            body += self._text("missing", put=self._builder.put(is_zero))
        return body + (self._text("next code") if "code" in self._uses else "")

    def _compare(self, thresholds: Sequence[int], count: str, *, alike: bool) -> str:
        """Write the comparisons of a value with its thresholds, the same for all values or the next in the table."""
        table = NumberTable(self._builder, f"{self._what}_thresholds", thresholds, *self._limits)
        self.ctype = table.ctype
        put = self._builder.put(table.below("value", "i"))
        if alike:
            return self._text("thresholds", first=unsigned(0), end=count, put=put)
        self._uses.append("threshold")
        first = self._builder.expression(_FILE, "threshold")
        end = self._builder.expression(_FILE, "after", count=count)
        return self._text("thresholds", first=first, end=end, put=put) + self._text("next threshold")

    def _widths(self, widths: list[int]) -> str:
        """Find the width of the next value."""
        if len(set(widths)) == 1:
            return unsigned(widths[0])
        self._uses.append("code")
        bits = next((bits for bits in (1, 4) if max(widths) < 2**bits), 8)
        if bits < 8:  # several in a byte
            n = 8 // bits
            several = np.array([*widths, *[0] * (-len(widths) % n)]).reshape(-1, n) << (bits * np.arange(n))
            table = self._builder.table(f"{self._what}_widths", several.sum(axis=1), "uint8_t")
            octet = table.at(self._builder.expression(_FILE, "octet of codes", n=n))
            values = {"octet": octet, "bits": bits, "n": n, "mask": 2**bits - 1}
            return self._builder.expression(_FILE, "part of octet", **values)
        width = self._builder.table(f"{self._what}_widths", widths).at(self._builder.expression(_FILE, "code"))
        return self._builder.expression(_FILE, "cast", ctype="size_t", value=width)
