"""Numbers in C: types that hold them, and constants."""

from __future__ import annotations

from collections.abc import Iterable

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
    >>> from bitlocal.export.c99.numbers import c_number
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
    >>> from bitlocal.export.c99.numbers import smallest_type
    >>> smallest_type(0, 300)
    'uint16_t'
    """
    choices = tuple(choices)
    for ctype in choices:
        if _LIMITS[ctype][0] <= low and high <= _LIMITS[ctype][1]:
            return ctype
    raise ExportError(f"numbers from {low} to {high} fit into none of {', '.join(choices)}")


def unsigned(value: int) -> str:
    """Write a whole number as a constant without sign, for sizes."""
    return f"{value}u"


def size_of(ctype: str) -> int:
    """Give the bytes of a number."""
    low, high = _LIMITS[ctype]
    return (high - low).bit_length() // 8
