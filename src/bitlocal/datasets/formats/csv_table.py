"""Reading a CSV file, with the standard library alone."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from bitlocal.datasets.container import Dataset
from bitlocal.datasets.formats.column_table import ColumnTable
from bitlocal.datasets.formats.files import reading
from bitlocal.datasets.formats.options import Options
from bitlocal.errors import DataError

# Fields turned into numbers at a time: enough to be fast, few enough that a large file never exists as text
# as a whole.
_FIELDS_AT_A_TIME = 1 << 20
_DELIMITERS = (",", ";", "\t")
_HEADER_LINES = 100  # of which the header may consist, to be looked at for the delimiter

_Row = tuple[int, list[str]]


def read_csv(path: Path, target: str | None, options: Options) -> Dataset:
    """Read a CSV file with a header line; see `bitlocal.datasets.read_table`."""
    turned: frozenset[str] = frozenset()
    while True:
        table = _open_and_read(path, target, options, turned)
        if not table.turned_to_text:
            return table.finish()
        # Text where the fields before looked like numbers. These are text, too, just as they stand in the file:
        # "007" is not 7. So it is read once more, rather than all numbers kept as text in case this happens.
        turned |= table.turned_to_text


def _open_and_read(path: Path, target: str | None, options: Options, turned: frozenset[str]) -> ColumnTable:
    try:
        encoding = codecs.lookup(options.encoding).name
    except LookupError as error:
        raise DataError(f"encoding {options.encoding!r} is unknown; expected one such as utf-8 or latin-1") from error
    with reading(path):
        binary = gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")  # noqa: SIM115
        encoding = _marked_encoding(binary.peek(4)) or encoding
        with binary, io.TextIOWrapper(binary, encoding=encoding, newline="") as text:
            try:
                return _read(text, path, target, options, turned)
            except UnicodeError as error:
                reason = getattr(error, "reason", error)
                raise DataError(
                    f"{path}: not text in {options.encoding.upper()} ({reason}); save the file as UTF-8, or "
                    "say what it is (--encoding latin-1, say)"
                ) from error


def _marked_encoding(start: bytes) -> str | None:
    """Tell the encoding from the mark that some programs write first, whatever else was said; None without one."""
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else None


def _read(text: TextIO, path: Path, target: str | None, options: Options, turned: frozenset[str]) -> ColumnTable:
    first = [text.readline()]
    hint = re.fullmatch(r'"?sep=(.|\\t)"?\s*', first[0])  # Excel's, for itself
    n_skipped = 0
    if hint is not None:
        first, n_skipped = [text.readline()], 1
    while "".join(first).count('"') % 2 and len(first) < _HEADER_LINES and (more := text.readline()):
        first.append(more)  # a quoted name that spans lines
    delimiter = _delimiter(first, target or "target") if hint is None else hint[1].replace("\\t", "\t")
    # The header once more, through the same parser as the rest.
    rows = _rows(itertools.chain(first, text), delimiter, path, n_skipped)
    header = next(rows, None)
    if header is None:
        raise DataError(f"{path}: the file is empty; expected a line of column names and then one line a sample")
    names = [name.strip() for name in header[1]]
    table = ColumnTable(path, names, target, "line", options, turned=turned, decimal_comma=delimiter != ",")
    read = False
    while piece := list(itertools.islice(rows, max(1, _FIELDS_AT_A_TIME // len(names)))):
        for line, fields in piece:
            if len(fields) != len(names):
                raise DataError(
                    f"{path}, line {line}: {len(fields)} fields, but the header names {len(names)} columns; "
                    "mend this line (is a delimiter missing, or a quotation mark?)"
                )
        lines = [line for line, _ in piece]
        columns = zip(*(fields for _, fields in piece), strict=True)
        for position, cells in enumerate(columns):
            table.add_text(position, cells, lines)
        read = True
    if not read:
        raise DataError(f"{path}: there is nothing below the header line; expected one line a sample")
    return table


def _rows(text: Iterator[str], delimiter: str, path: Path, n_skipped: int) -> Iterator[_Row]:
    """Rows that are not blank, each with the number of its (last) line."""
    csv.field_size_limit(2**31 - 1)  # of any length: the standard library's limit is 128 kB
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        for fields in reader:
            if any("\0" in field for field in fields):
                raise csv.Error("it holds a NUL character: not text, or text in UTF-16")
            if fields:
                yield reader.line_num + n_skipped, fields
    except csv.Error as error:
        line = reader.line_num + n_skipped
        raise DataError(f"{path}, line {line}: not CSV ({error}); mend this line") from error


def _delimiter(header: list[str], target: str) -> str:
    """Choose the delimiter that gives the header the target, and most names; a comma if none does."""

    def worth(delimiter: str) -> tuple[bool, int]:
        # Parsed rather than counted, because a quoted name may contain any of them.
        try:
            names = next(csv.reader(header, delimiter=delimiter), [])
        except csv.Error:
            # Reported, with its place, when this line is read as the header.
            return False, 0
        return target in map(str.strip, names), len(names)

    return max(_DELIMITERS, key=worth)
