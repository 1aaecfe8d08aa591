"""Tables as columns: DataFrames of any library (pandas, polars, Arrow) and arrays, one form for all.

A column is read as an array of one of three types: float64 (numbers and truth values, NaN where one is missing),
datetime64 (NaT where one is missing), or object (text or anything else, None where a value is missing).
"""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from bitlocal.bits import is_sparse
from bitlocal.encoders.sparse import without_sparse_columns


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str or None
        None in tables without names.
    values : ndarray of shape (n_samples,)
        float64, datetime64 or object.
    order : tuple of str or None
        The categories in their order, of a column that has one.
    truth : bool
        Whether these are truth values, which are kept as the numbers 1 and 0.
    loose : bool
        Whether this is text that its type does not declare to be categories, nor a row to be what it is.
    """

    name: str | None
    values: NDArray[Any]
    order: tuple[str, ...] | None = None
    truth: bool = False
    loose: bool = False

    def categories(self, known: Collection[str] = ()) -> list[str | None]:
        """Name the category of each value, see `category`; `known` has the names that an encoder gave.

        Truth values are 1 and 0, unless they were True and False beside words, or by the type of the column.
        """
        names = as_categories(self.values)
        if self.truth and not TRUTH_NAMES.keys().isdisjoint(known):
            words: dict[str | None, str] = {number: word for word, number in TRUTH_NAMES.items()}
            return [words.get(name) for name in names]
        return names


TRUTH_NAMES = {"True": "1", "False": "0"}
"""Names of the categories that truth values are, as words and as numbers."""


def has_text(X: Any) -> bool:
    """Tell whether this is a table with columns of text, categories or times, which is no array of numbers."""
    frame = _frame(X)
    if isinstance(frame, nw.DataFrame):
        others = [series for series in frame.iter_columns() if not _has_numbers(series.dtype)]
        return any(_from_series(str(series.name), series).values.dtype.kind != "f" for series in others)
    if isinstance(X, np.ndarray):
        array = X
    elif isinstance(X, Sequence) and not isinstance(X, str):
        try:
            array = np.asarray(X)
        except ValueError:  # rows of unequal length
            return False
    else:
        return False
    if array.ndim != 2 or array.dtype.kind not in "OUMm":
        return False
    if array.dtype.kind != "O":
        return True
    return any(isinstance(value, (str, datetime.date)) or _is_interval(value) for value in array.ravel().tolist())


def read_columns(X: Any) -> list[Column]:
    """Read the columns of a table.

    Parameters
    ----------
    X : DataFrame, Arrow table, or array-like of shape (n_samples, n_columns)

    Returns
    -------
    list of Column

    Raises
    ------
    ValueError
        If it is no table, or holds values that are neither numbers, text, truth values nor times.
    """
    if is_sparse(X):
        raise ValueError(
            "expected a table of columns, got a sparse matrix: give encoder='auto' or a ThermometerEncoder"
        )
    frame = _frame(X)
    if isinstance(frame, nw.DataFrame):
        # As text, as they are in files and beside bits: the columns 1 and "1" could not be told apart.
        names = [str(name) for name in frame.columns]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"two columns of the table have the same name, {twice!r}: give every column its own")
        return [_from_series(name, series) for name, series in zip(names, frame.iter_columns(), strict=True)]
    # A list of rows becomes objects: NumPy would turn the numbers next to text into text.
    array = X if isinstance(X, np.ndarray) else np.asarray(X, dtype=object)
    if array.ndim != 2:
        raise ValueError(f"expected a table of 2 dimensions (samples, columns), got {array.ndim}")
    return [_from_array(None, f"column {i}", array[:, i]) for i in range(array.shape[1])]


def _frame(X: Any) -> Any:
    """Give a DataFrame of any library as one of narwhals', and anything else as it is."""
    frame: Any = nw.from_native(without_sparse_columns(X), pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise ValueError("expected a table, got one that is still to be computed: call its collect() or compute()")
    return frame


def _has_numbers(dtype: Any) -> bool:
    return bool(dtype.is_numeric()) or dtype == nw.Boolean


def _from_series(name: str, series: Any) -> Column:
    dtype = series.dtype
    what = f"column {name!r}"
    if _has_numbers(dtype):
        return Column(name, _finite(what, _as_float(series)), truth=dtype == nw.Boolean)
    if dtype in (nw.Datetime, nw.Date):
        if getattr(dtype, "time_zone", None) is not None:
            series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        if dtype == nw.Date:
            series = series.cast(nw.Datetime("ms"))
        milliseconds = series.dt.timestamp("ms").cast(nw.Float64).to_numpy().astype(np.float64)
        times = np.full(len(milliseconds), "NaT", dtype="datetime64[ms]")
        present = ~np.isnan(milliseconds)
        times[present] = milliseconds[present].astype(np.int64).astype("datetime64[ms]")
        return Column(name, times)
    if dtype in (nw.Categorical, nw.Enum):  # the type decides, whatever the categories are
        return Column(name, _objects([category(value) for value in series.to_list()]), _order(series))
    if dtype == nw.Duration:
        raise ValueError(f"{what}: {_DURATIONS}")
    if dtype in (nw.String, nw.Object, nw.Unknown):
        column = _from_objects(name, what, _objects(series.to_list()))
        return replace(column, loose=column.values.dtype.kind == "O" and column.order is None)
    raise ValueError(f"{what}: values of type {dtype} are neither numbers, text, truth values nor times: drop it")


_DURATIONS = "durations are not read: give them as numbers, as by .dt.total_seconds()"


def _order(series: Any) -> tuple[str, ...] | None:
    """Give the categories of a column in their order, if they have one."""
    native = series.to_native()
    if hasattr(native, "cat") and hasattr(native.cat, "ordered"):  # pandas: its categories may be of any type
        categories = native.cat.categories.tolist() if native.cat.ordered else None
    elif isinstance(series.dtype, nw.Enum):
        categories = list(series.dtype.categories)
    else:
        categories = _arrow_order(native)
    return None if categories is None else tuple(str(category(one)) for one in categories)


def _as_float(series: Any) -> NDArray[np.float64]:
    """Give numbers or truth values as float64; integers beyond 2**53 are rounded, as in a file."""
    arrow = _arrow(series.to_native())
    if arrow is not None and series.dtype.is_integer():  # Arrow would refuse to round
        return np.asarray(arrow.cast("float64", safe=False).to_numpy(), dtype=np.float64)
    return np.asarray(series.cast(nw.Float64).to_numpy(), dtype=np.float64)


def _arrow(native: Any) -> Any:
    """Give a column of Arrow's, or of pandas' that is one inside; None for others."""
    if hasattr(getattr(native, "dtype", None), "pyarrow_dtype"):
        native = native.array.__arrow_array__()
    return native if hasattr(native, "unify_dictionaries") else None


def _arrow_order(native: Any) -> list[Any] | None:
    """Give the categories of a column of Arrow's in their order, if its type says that they have one."""
    native = _arrow(native)
    if native is None or not getattr(native.type, "ordered", False):
        return None
    # Each chunk may have a dictionary of its own; that of all of them has the order of the first.
    chunks = native.unify_dictionaries().chunks
    return chunks[0].dictionary.to_pylist() if chunks else []


def _objects(values: Sequence[Any]) -> NDArray[np.object_]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _from_array(name: str | None, what: str, array: NDArray[Any]) -> Column:
    if array.dtype.kind in "buif":
        return Column(name, _finite(what, array.astype(np.float64)), truth=array.dtype.kind == "b")
    if array.dtype.kind == "m":
        raise ValueError(f"{what}: {_DURATIONS}")
    if array.dtype.kind == "M":
        return Column(name, array.astype("datetime64[ms]"))
    if array.dtype.kind == "U":
        return Column(name, array.astype(object), loose=True)
    if array.dtype.kind == "O":
        return _from_objects(name, what, array)
    raise ValueError(f"{what}: values of type {array.dtype} are neither numbers, text, truth values nor times")


_NUMBERS = (numbers.Number, Decimal, np.bool_)
_TIMES = (datetime.date, np.datetime64)  # datetime.datetime and pandas' Timestamp are dates, too


def _from_objects(name: str | None, what: str, array: NDArray[Any]) -> Column:
    """Tell from Python objects whether a column holds text, numbers, times or intervals."""
    values = [None if _is_hole(value) else value for value in array.tolist()]
    present = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in present):
        _require_kinds(what, present, (str, *_NUMBERS))
        return Column(name, _objects(values))
    if present and all(isinstance(value, _TIMES) for value in present):
        return Column(name, np.array(list(map(milliseconds, values)), dtype="datetime64[ms]"))
    if present and all(map(_is_interval, present)):
        order = tuple(map(str, sorted(set(present))))
        return Column(name, _objects([None if value is None else str(value) for value in values]), order)
    _require_kinds(what, present, _NUMBERS)
    truth = bool(present) and all(isinstance(value, (bool, np.bool_)) for value in present)
    return Column(name, as_numbers(what, _objects(values)), truth=truth)


def _is_hole(value: Any) -> bool:
    """Tell whether a value of any type stands for a missing one; what cannot be compared with itself does not."""
    return np.ndim(value) == 0 and is_missing(value)


def _require_kinds(what: str, values: Sequence[Any], kinds: tuple[type, ...]) -> None:
    for value in values:
        if not isinstance(value, kinds):
            if isinstance(value, (datetime.timedelta, np.timedelta64)):
                raise ValueError(f"{what}: {_DURATIONS}")
            kind = type(value).__name__
            advice = "make it a time (.dt.to_timestamp())" if kind == "Period" else "drop this column"
            raise ValueError(f"{what}: a value of type {kind} is neither a number nor text: {advice}")


def _is_interval(value: Any) -> bool:
    """Tell whether this is one of pandas' intervals, as `pandas.cut` gives."""
    return type(value).__name__ == "Interval" and hasattr(value, "left")


def milliseconds(value: Any) -> np.datetime64:
    """Give a point in time in UTC, where it has a time zone."""
    if value is None:
        return np.datetime64("NaT")
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    time: np.datetime64 = np.datetime64(value).astype("datetime64[ms]")
    return time


def is_missing(value: Any) -> bool:
    """Tell whether a value stands for a missing one: None, NaN, pandas' NA."""
    return value is None or type(value).__name__ == "NAType" or bool(value != value)


def as_numbers(what: str, values: NDArray[Any]) -> NDArray[np.float64]:
    """Give a column as numbers, NaN where one is missing; ValueError if it has others, or infinite ones."""
    if values.dtype.kind == "f":
        return values.astype(np.float64, copy=False)
    if values.dtype.kind == "M":
        raise ValueError(f"{what}: expected numbers, as in fit, got times")
    try:
        found = np.array([np.nan if is_missing(value) else _to_float(value) for value in values.tolist()], np.float64)
    except (TypeError, ValueError):
        wrong = next(value for value in values.tolist() if not is_missing(value) and not is_number(value))
        raise ValueError(f"{what}: expected numbers, as in fit, got {wrong!r}") from None
    except OverflowError:
        raise ValueError(f"{what} holds an integer that is too large: make it text if it is a name") from None
    return _finite(what, found)


def _to_float(value: Any) -> float:
    if isinstance(value, str) and "_" in value:
        raise ValueError  # Python reads 1_000 as a number; in data it is a word
    return float(value)


def is_number(value: Any) -> bool:
    """Tell whether this is a number, or text that is one."""
    try:
        _to_float(value)
    except (TypeError, ValueError):
        return False
    return True


def _finite(what: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if np.isinf(values).any():
        raise ValueError(f"{what} holds infinity: replace it by a number, or by NaN if the value is missing")
    return values


def category(value: Any) -> str | None:
    """Name a category: the same for 1, 1.0 and "1", so that it does not matter how a file was read.

    None stands for a missing value.
    """
    if isinstance(value, str):
        return value
    if is_missing(value):
        return None
    if isinstance(value, (float, np.floating)) and value.is_integer():
        return str(int(value))
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return f"{value:.0f}"  # 1 for 1.00, as in a column of floating point
    return str(value)


def as_categories(values: NDArray[Any]) -> list[str | None]:
    """Name the category of each value of a column."""
    if values.dtype.kind == "M":
        values = values.astype(object)
    # By type, too: True and 1 are equal, but not the same category.
    listed = [(type(value), value) for value in values.tolist()]
    names = {key: category(key[1]) for key in set(listed)}
    return [names[key] if key[1] == key[1] else None for key in listed]


# What a time comes to: seconds since 1970, month from 1, weekday from Monday as 0, hour.
TIME_PARTS = ("", " month", " weekday", " hour")


def time_parts(what: str, values: NDArray[Any]) -> list[tuple[str, NDArray[np.float64]]]:
    """Give times as numbers: the parts of TIME_PARTS, each with its name.

    Raises
    ------
    ValueError
        If the column does not hold times.
    """
    if values.dtype.kind != "M" and not all(is_missing(value) for value in values.tolist()):
        raise ValueError(f"{what}: expected times, as in fit, got other values")
    times = values.astype("datetime64[ms]")
    present = ~np.isnat(times)
    seconds = times[present].astype(np.int64) // 1000
    months = times[present].astype("datetime64[M]").astype(np.int64) % 12 + 1
    parts = [seconds, months, (seconds // 86400 + 3) % 7, seconds // 3600 % 24]
    columns = []
    for suffix, part in zip(TIME_PARTS, parts, strict=True):
        column = np.full(len(values), np.nan)
        column[present] = part
        columns.append((suffix, column))
    return columns
