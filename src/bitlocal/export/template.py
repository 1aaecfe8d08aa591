"""The one dialect of templates: files of the language that is written, with gaps for `string.Template`.

- `$word`, of letters alone, or `${name}` is a gap; `$$` is a dollar. Since `_` ends a word, `$net_predict` is the gap
  `$net` and then `_predict`: C compilers and formatters take it for a name, and can read such a file as it is.
- A gap alone on its line takes a block: each line of it gets the gap's indentation, and the line goes if there is none.
- A line `//: name` begins a piece of that name; a file without such lines is one piece, named "".
"""

from __future__ import annotations

import re
import textwrap
from functools import cache
from importlib.resources import files
from string import Template

_PIECE = re.compile(r"^//: (.+)\n", re.MULTILINE)
_BLOCK = re.compile(r"^([ \t]*)\$(?:([A-Za-z]+)|\{(\w+)\})\n", re.MULTILINE)


class _Gaps(Template):
    idpattern = r"(?a:[a-z]+)"  # regardless of case
    braceidpattern = r"(?a:[a-z][a-z0-9_]*)"


@cache
def _pieces(package: str, path: str) -> dict[str, str]:
    text = files(package).joinpath(path).read_text(encoding="utf-8")
    whole, *named = _PIECE.split(text)
    found = dict(zip(named[::2], named[1::2], strict=True))
    return {name: piece.strip("\n") + "\n" for name, piece in found.items()} if found else {"": whole}


def fill(package: str, path: str, piece: str = "", /, **values: object) -> str:
    """Fill in a piece of a template.

    Parameters
    ----------
    package : str
        The package in whose folder the file lies.
    path : str
        The file, from that folder on.
    piece : str, default=""
        A piece of the file; "" for a file that is one piece.
    **values : object
        What goes into the gaps; there may be more values than gaps.

    Returns
    -------
    str
        The text, with a line break at its end.

    Raises
    ------
    KeyError
        If the piece is unknown, or a gap has no value.

    Examples
    --------
    >>> from bitlocal.export.template import fill
    >>> print(fill("bitlocal.export.c99", "templates/layouts/library.properties", net="digits").splitlines()[0])
    name=digits
    """

    def block(gap: re.Match[str]) -> str:
        lines = str(values[gap[2] or gap[3]])
        end = "" if lines.endswith("\n") or not lines else "\n"
        return textwrap.indent(lines, gap[1]).replace("$", "$$") + end

    text = _pieces(package, path)[piece]
    return _Gaps(_BLOCK.sub(block, text)).substitute(values)
