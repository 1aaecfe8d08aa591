"""Pieces of C text: tables of constants, lines of code with the right indentation."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.export.errors import ExportError

_LIMITS = {
    "uint8_t": (0, 2**8 - 1),
    "int8_t": (-(2**7), 2**7 - 1),
    "uint16_t": (0, 2**16 - 1),
    "int16_t": (-(2**15), 2**15 - 1),
    "uint32_t": (0, 2**32 - 1),
    "int32_t": (-(2**31), 2**31 - 1),
    "uint64_t": (0, 2**64 - 1),
}
_WIDTH = 110


def c_number(value: int, ctype: str) -> str:
    """Write a whole number as a C99 constant that a type holds.

    Parameters
    ----------
    value : int
        The number.
    ctype : str
        A fixed-width type, such as "uint8_t".

    Returns
    -------
    str
        The constant; numbers of 32 bits and more in hexadecimal where the type has no sign.

    Raises
    ------
    ExportError
        If the type is unknown or does not hold the number.

    Examples
    --------
    >>> from bitlocal.export.ctext import c_number
    >>> c_number(255, "uint8_t"), c_number(10, "uint32_t"), c_number(-(2**31), "int32_t")
    ('255', '0x0000000Au', '(-2147483647 - 1)')
    """
    if ctype not in _LIMITS:
        raise ExportError(f"type {ctype!r} is unknown: use {', '.join(_LIMITS)}")
    low, high = _LIMITS[ctype]
    if not low <= value <= high:
        raise ExportError(f"{value} does not fit into {ctype}: expected a number from {low} to {high}")
    if ctype == "uint64_t":
        return f"0x{value:016X}ull"
    if ctype == "uint32_t":
        return f"0x{value:08X}u"
    if value in (-(2**15), -(2**31)) and value == low:
        return f"({value + 1} - 1)"  # -32768 would be the negative of a constant that 16-bit int does not hold
    return str(value)


def c_array(name: str, values: Iterable[int] | NDArray[Any], ctype: str, attribute: str = "") -> str:
    """Write a table of constants.

    Parameters
    ----------
    name : str
        The table's name.
    values : iterable of int, or ndarray of whole numbers
        What it holds; arrays are taken row after row.
    ctype : str
        A fixed-width type, such as "uint8_t".
    attribute : str, default=""
        What goes behind the name, such as the macro that places the table into flash memory: "BMLP_ROM".

    Returns
    -------
    str
        The definition, with a line break at the end.

    Raises
    ------
    ExportError
        If there are no values (C has no empty arrays), or the type does not hold them.

    Examples
    --------
    >>> from bitlocal.export.ctext import c_array
    >>> print(c_array("bmlp_steps", [1, 2, 3], "uint8_t", "BMLP_ROM"), end="")
    static const uint8_t bmlp_steps[3] BMLP_ROM = {
        1, 2, 3
    };
    """
    numbers = np.asarray(values).ravel().tolist() if isinstance(values, np.ndarray) else list(values)
    if not numbers:
        raise ExportError(f"table {name} is empty, which C does not allow")
    texts = [c_number(int(value), ctype) for value in numbers]
    in_a_row = max(_WIDTH // (max(map(len, texts)) + 2), 1)
    rows = [", ".join(texts[first : first + in_a_row]) for first in range(0, len(texts), in_a_row)]
    body = indented(",\n".join(rows))
    after = f" {attribute}" if attribute else ""
    return f"static const {ctype} {name}[{len(numbers)}]{after} = {{\n{body}\n}};\n"


def smallest_type(low: int, high: int, choices: Iterable[str] = ("uint8_t", "uint16_t", "uint32_t")) -> str:
    """Give the first of some types, smallest first, that holds all numbers from `low` to `high`.

    Parameters
    ----------
    low, high : int
        The numbers.
    choices : iterable of str
        Types to choose from.

    Returns
    -------
    str
        The type.

    Raises
    ------
    ExportError
        If none of them does.

    Examples
    --------
    >>> from bitlocal.export.ctext import smallest_type
    >>> smallest_type(0, 300)
    'uint16_t'
    """
    choices = tuple(choices)
    for ctype in choices:
        if _LIMITS[ctype][0] <= low and high <= _LIMITS[ctype][1]:
            return ctype
    raise ExportError(f"numbers from {low} to {high} fit into none of {', '.join(choices)}")


def rom_read(prefix: str, ctype: str, place: str) -> str:
    """Write the reading of a table's element by the macro for its type.

    Parameters
    ----------
    prefix : str
        What names begin with; the macro has it in upper case.
    ctype : {"uint8_t", "uint16_t", "int16_t", "uint32_t", "uint64_t"}
        Type of the elements.
    place : str
        The element, as in "table[i]".

    Returns
    -------
    str
        The expression, of that type.

    Examples
    --------
    >>> from bitlocal.export.ctext import rom_read
    >>> rom_read("bmlp", "uint8_t", "steps[i]")
    'BMLP_ROM_U8(&steps[i])'
    """
    return f"{prefix.upper()}_ROM_{ctype.removesuffix('_t').replace('uint', 'U').replace('int', 'I')}(&{place})"


def indented(text: str, levels: int = 1) -> str:
    """Indent lines by four spaces for each level."""
    return textwrap.indent(text, "    " * levels)
