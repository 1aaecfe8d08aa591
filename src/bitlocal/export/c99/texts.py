"""The C of an export: its templates, filled in, and tables of constants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.export import template
from bitlocal.export.c99.numbers import c_number
from bitlocal.export.errors import ExportError

_WIDTH = 110


class Texts:
    """Fills in templates for a prefix.

    Parameters
    ----------
    prefix : str
        What all names begin with, macros in upper case: `$net` and `$NET` in templates.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def fill(self, path: str, piece: str = "", /, **values: object) -> str:
        """Fill in a piece of a file in templates/."""
        names = {"net": self.prefix, "NET": self.prefix.upper()}
        return template.fill("bitlocal.export.c99", f"templates/{path}", piece, **{**names, **values})

    def table(self, name: str, values: Iterable[int] | NDArray[Any], ctype: str = "uint32_t") -> str:
        """Write a table of constants that lies in flash memory; `name` follows the prefix and `_`."""
        return c_array(f"{self.prefix}_{name}", values, ctype, f"{self.prefix.upper()}_ROM")

    def rom_read(self, ctype: str, place: str) -> str:
        """Write the reading of a table's element by the macro for its type.

        Parameters
        ----------
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
        >>> from bitlocal.export.c99.texts import Texts
        >>> Texts("bmlp").rom_read("uint8_t", "steps[i]")
        'BMLP_ROM_U8(&steps[i])'
        """
        short = ctype.removesuffix("_t").replace("uint", "U").replace("int", "I")
        return self.fill("network/table.c", "read", type=short, place=place).rstrip("\n")


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
    >>> from bitlocal.export.c99.texts import c_array
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
    after = f" {attribute}" if attribute else ""
    values_ = {"type": ctype, "name": name, "length": len(numbers), "attribute": after, "rows": ",\n".join(rows)}
    return template.fill("bitlocal.export.c99", "templates/network/table.c", "table", **values_)
