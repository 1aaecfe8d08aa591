"""Reading a Parquet file, through the optional package pyarrow."""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.datasets.container import Dataset
from bitlocal.datasets.formats.column_table import ColumnTable
from bitlocal.datasets.formats.files import reading, shown
from bitlocal.datasets.formats.labels import label_text
from bitlocal.datasets.formats.options import Options
from bitlocal.errors import DataError


def read_parquet(path: Path, target: str | None, options: Options) -> Dataset:
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
            parquet = pq.ParquetFile(file)
            arrow = parquet.read()
        except (pa.ArrowException, OSError, ValueError) as error:
            # pyarrow calls some kinds of damage an OSError.
            reason = " ".join(str(error).split())
            raise DataError(f"{path}: not a Parquet file, or a damaged one ({reason}); replace the file") from error
    _refuse_index(path, arrow)
    table = ColumnTable(path, arrow.column_names, target, "row", options)
    if arrow.num_rows == 0:
        raise DataError(f"{path}: the table has no rows; expected one row a sample")
    categories = _categories(pa, parquet)
    places = range(1, arrow.num_rows + 1)
    for position, name in enumerate(arrow.column_names):
        column = arrow.column(position)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        is_number = _is_number(pa, column.type)
        is_time = _is_time(pa, column.type) and not table.is_target(position)
        if not (is_number or is_time or _is_text(pa, column.type)):
            raise DataError(
                f"{path}, column {shown(name)}: values of type {column.type} are neither numbers, truth "
                "values nor text; convert or drop this column"
            )
        if name in categories and not table.is_target(position):
            # The type decides, whatever the categories are: codes are no amounts.
            table.declare_text(position)
            table.add_text(position, [_category(value) for value in _to_list(column, path, name)], places)
        elif table.is_target(position) or table.is_text(position) or not (is_number or is_time):
            table.add_text(position, [label_text(value) for value in _to_list(column, path, name)], places)
        elif is_time:
            table.add_numbers(position, _seconds(pa, column), places)
        else:
            # Integers beyond 2**53 are rounded, as they are in a CSV file.
            values = column.cast(pa.float64(), safe=False).to_numpy()
            table.add_numbers(position, np.array(values), places, truth=pa.types.is_boolean(column.type))
    return table.finish()


def _categories(pa: Any, parquet: Any) -> set[str]:
    """Name the columns that were categories when they were saved, whatever the categories are.

    Parquet itself knows of no categories. Arrow keeps its types beside it, and gives back those of text alone.
    """
    schemas = [parquet.schema_arrow]
    stored = (parquet.metadata.metadata or {}).get(b"ARROW:schema")
    if stored is not None:
        with contextlib.suppress(pa.ArrowException, ValueError, OSError):
            schemas.append(pa.ipc.read_schema(pa.py_buffer(base64.b64decode(stored))))
    return {field.name for schema in schemas for field in schema if pa.types.is_dictionary(field.type)}


def _category(value: object) -> str:
    """Name a category: the same for 1.0 and 1."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else label_text(value)


def _refuse_index(path: Path, arrow: Any) -> None:
    """Refuse a row index that pandas recorded as such, and saved as a column: it tells rows apart, not classes."""
    for index in (arrow.schema.pandas_metadata or {}).get("index_columns", []):
        if isinstance(index, str) and index in arrow.column_names and not index.startswith("__index_level_"):
            raise DataError(
                f"{path}: column {shown(index)} is a row index saved by pandas; save without the index, or make it a "
                "column (reset_index) if it tells something of the samples"
            )


def _is_number(pa: Any, kind: Any) -> bool:
    """Whether this is a type of numbers or truth values."""
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind))


def _is_time(pa: Any, kind: Any) -> bool:
    """Whether this is a type of points in time, which become numbers."""
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _is_text(pa: Any, kind: Any) -> bool:
    types = pa.types
    texts = (types.is_string, types.is_large_string, getattr(types, "is_string_view", types.is_string))
    # An untyped column of nothing but holes counts as text, too.
    return any(is_kind(kind) for is_kind in (*texts, types.is_null))


def _seconds(pa: Any, column: Any) -> NDArray[np.float64]:
    """Points in time as seconds since 1970 (in UTC, where there is a time zone), NaN where one is missing."""
    kind = column.type
    if pa.types.is_date(kind):
        kind = pa.timestamp("s" if pa.types.is_date32(kind) else "ms")
        column = column.cast(kind)
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
    ticks: NDArray[np.float64] = column.cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy()
    return ticks / per_second


def _to_list(column: Any, path: Path, name: str) -> list[Any]:
    """All values as Python objects."""
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}, column {shown(name)}: text that is not UTF-8 ({error.reason}); save the file anew"
        ) from error
    return values
