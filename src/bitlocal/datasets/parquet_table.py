"""Reading a Parquet file, through the optional package pyarrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from .column_table import ColumnTable
from .container import Dataset
from .files import reading, shown
from .labels import label_text


def read_parquet(path: Path, target: str | None, *, require_target: bool) -> Dataset:
    """Read a Parquet file; see `bitlocal.datasets.read_table`."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise DataError(
            f"{path}: reading Parquet needs the package pyarrow; install it: pip install pyarrow"
        ) from error

    with reading(path), path.open("rb") as file:
        try:
            # From the open file rather than from its path, in which pyarrow would look for partition keys.
            arrow = pq.ParquetFile(file).read()
        except (pa.ArrowException, OSError, ValueError) as error:
            # pyarrow calls some kinds of damage an OSError.
            reason = " ".join(str(error).split())
            raise DataError(f"{path}: not a Parquet file, or a damaged one ({reason}); replace the file") from error
    table = ColumnTable(path, arrow.column_names, target, "row", require_target=require_target)
    if arrow.num_rows == 0:
        raise DataError(f"{path}: the table has no rows; expected one row a sample")
    places = range(1, arrow.num_rows + 1)
    for position, name in enumerate(arrow.column_names):
        column = arrow.column(position)
        if pa.types.is_dictionary(column.type):
            # Categories as the values they stand for.
            column = column.cast(column.type.value_type)
        is_number = _is_number(pa, column.type)
        if not is_number and not _is_text(pa, column.type):
            raise DataError(
                f"{path}, column {shown(name)}: values of type {column.type} are neither numbers, truth "
                "values nor text; convert or drop this column"
            )
        if table.is_target(position):
            table.add_text(position, [label_text(value) for value in column.to_pylist()], places)
        elif is_number and not column.null_count:
            table.add_numbers(position, np.asarray(column.to_numpy()).astype(np.float64), places)
        else:
            # Text has the empty fields by which holes are counted.
            table.add_text(position, ["" if value is None else str(value) for value in column.to_pylist()], places)
    return table.finish()


def _is_number(pa: Any, kind: Any) -> bool:
    """Whether this is a type of numbers or truth values."""
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind))


def _is_text(pa: Any, kind: Any) -> bool:
    types = pa.types
    # An untyped column of nothing but holes counts as text, too.
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind))
