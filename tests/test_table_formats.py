"""The same table in another form has the same bits: files, and DataFrames of every library and type."""

from __future__ import annotations

import csv
import datetime
import gzip
import warnings
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bitlocal import BMLPClassifier, TableEncoder
from bitlocal.datasets import read_table
from bitlocal.errors import DataWarning

# Tables are small as they are drawn, and to make them smaller yet takes minutes.
GENERATE = (Phase.explicit, Phase.reuse, Phase.generate)
N = 25
on_disk = settings(
    max_examples=N,
    deadline=None,
    phases=GENERATE,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# Tables ----------------------------------------------------------------------------------------------------

INTEGERS = {
    **{f"int{w}": (-(2 ** (w - 1)), 2 ** (w - 1) - 1) for w in (8, 16, 32, 64)},
    **{f"uint{w}": (0, 2**w - 1) for w in (8, 16, 32, 64)},
}
ROME = ZoneInfo("Europe/Rome")


def is_word(text: str) -> bool:
    """Whether a file that holds this text gives it back: blanks around it are dropped, and marks are holes there."""
    return bool(text) and text == text.strip() and text.lower() not in NO_WORDS and not text.startswith("#")


NO_WORDS = {"?", "na", "n/a", "<na>", "nan", "-nan", "null", "none", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"}
words = st.one_of(
    st.sampled_from(
        ["red", "a,b", 'say "so"', "two\nlines", "semi;colon", "über", "日本", "007", "1", "1.50", "-", "True"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=4),
).filter(is_word)

VALUES = {
    **{name: st.one_of(st.integers(*bounds), st.sampled_from([0, 1, bounds[1]])) for name, bounds in INTEGERS.items()},
    "float": st.one_of(
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, 0.1, 2.0**53]),
    ),
    "truth": st.booleans(),
    "text": words,
    "category": words,
    "date": st.dates(datetime.date(1700, 1, 1), datetime.date(2200, 1, 1)),
    "time": st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)),
    "time zone": st.datetimes(
        datetime.datetime(1910, 1, 1), datetime.datetime(2030, 1, 1), timezones=st.just(datetime.timezone.utc)
    ),
}
IN_FILES = sorted(set(VALUES) - {"date", "time", "time zone"})
names = st.one_of(
    st.sampled_from(["size", "a,b", "two\nlines", 'say "so"', "ü", "1", "x>2", "a=b", "Target", "nan", "index"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs"]), min_size=1, max_size=5),
).filter(lambda name: name == name.strip() and name not in ("", "target") and not name.startswith("__index_level_"))


@st.composite
def tables(draw, kinds):
    """Columns by name: their kind, and their values with None where one is missing; and a second table of such rows."""
    n, n_new = draw(st.integers(4, 14)), draw(st.integers(1, 4))
    columns = {}
    for name in draw(st.lists(names, min_size=1, max_size=4, unique=True)):
        kind = draw(st.sampled_from(kinds))
        # From few values, so that some come twice.
        few = draw(st.lists(VALUES[kind], min_size=2, max_size=6, unique_by=repr))
        cells = st.lists(st.one_of(st.none(), st.sampled_from(few)), min_size=n, max_size=n)
        values = draw(cells)
        new = draw(st.lists(st.one_of(st.none(), st.sampled_from(few)), min_size=n_new, max_size=n_new))
        columns[name] = kind, values, new
    return columns


def arrow_type(kind, *, dictionaries):
    if kind in ("text", "category"):
        as_codes = kind == "category" and dictionaries
        return pa.dictionary(pa.int32(), pa.string()) if as_codes else pa.string()
    return {
        "float": pa.float64(), "truth": pa.bool_(), "date": pa.date32(), "time": pa.timestamp("us"),
        "time zone": pa.timestamp("us", "Europe/Rome"),
    }.get(kind) or getattr(pa, kind)()  # fmt: skip


def in_arrow(table, which, *, dictionaries=True):
    arrays = {
        name: pa.array(column[which], arrow_type(column[0], dictionaries=dictionaries))
        for name, column in table.items()
    }
    return pa.table(arrays)


def in_numpy_types(table, which):
    """As pandas' constructors and readers have it: holes make numbers floating point and other things objects."""
    columns = {}
    for name, (kind, *both) in table.items():
        values = both[which - 1]
        whole = kind in INTEGERS and None not in values
        if kind in INTEGERS or kind == "float":
            column = pd.Series(values, dtype=kind if whole else "float64")
        elif kind in ("time", "time zone"):
            column = pd.Series(pd.to_datetime(pd.Series(values, dtype=object), utc=kind == "time zone"))
            column = column.dt.tz_convert(ROME) if kind == "time zone" else column
        else:
            column = pd.Series(values, dtype="category" if kind == "category" else object)
        columns[name] = column
    return pd.DataFrame(columns)


def in_nullable_types(table, which):
    """As pandas' convert_dtypes has it."""
    frame = in_numpy_types(table, which)
    for name, (kind, *both) in table.items():
        if kind in INTEGERS or kind in ("float", "truth", "text"):
            dtype = {"float": "Float64", "truth": "boolean", "text": "string"}.get(kind, kind.replace("i", "I", 1))
            frame[name] = pd.array(both[which - 1], dtype=dtype.replace("uI", "UI"))
    return frame


def in_polars(table, which):
    frame = pl.from_arrow(in_arrow(table, which, dictionaries=False))
    return frame.with_columns(pl.col(name).cast(pl.Categorical) for name, c in table.items() if c[0] == "category")


def in_objects(table, which):
    """As a database's driver gives it: Python's objects, in an array without names."""
    n = len(next(iter(table.values()))[which])
    array = np.empty((n, len(table)), dtype=object)
    for i, (_, *both) in enumerate(table.values()):
        array[:, i] = both[which - 1]
    return array


FRAMES = {
    "pandas, NumPy's types": in_numpy_types,
    "pandas, nullable types": in_nullable_types,
    "pandas, Arrow's types": lambda table, which: in_arrow(table, which).to_pandas(types_mapper=pd.ArrowDtype),
    "polars": in_polars,
    "Arrow": in_arrow,
    "objects": in_objects,
}


def bits(encoder, table):
    return np.asarray(encoder.transform(table)).astype(int).tolist()


def trained(X, n):
    if TableEncoder().fit(X).n_bits_ == 0:
        return None  # refused: every column is constant
    return BMLPClassifier((45,), max_iter=1, random_state=0).fit(X, np.arange(n) % 2).network_.hidden_sha256()


@settings(max_examples=N, deadline=None, phases=GENERATE, suppress_health_check=[HealthCheck.too_slow])
@given(table=tables(sorted(VALUES)))
def test_every_library_and_type_gives_the_same_bits(table):
    n = len(next(iter(table.values()))[1])
    fitted = {form: TableEncoder().fit(make(table, 1), np.arange(n) % 2) for form, make in FRAMES.items()}
    reference = fitted["pandas, NumPy's types"]
    expected = [bits(reference, in_numpy_types(table, which)) for which in (1, 2)]
    hashes = {form: trained(make(table, 1), n) for form, make in FRAMES.items()}
    assert len(set(hashes.values())) == 1, hashes
    for form, encoder in fitted.items():
        assert encoder.kinds_ == reference.kinds_, form
        if form != "objects":
            assert encoder.get_feature_names_out().tolist() == reference.get_feature_names_out().tolist(), form
        for other, make in FRAMES.items():
            # An encoder that was fitted on one form takes another.
            assert bits(encoder, make(table, 1)) == expected[0], (form, other)
            assert bits(encoder, make(table, 2)) == expected[1], (form, other)


# Files -----------------------------------------------------------------------------------------------------

MARKS = [  # of missing values in files
    "", " ", "?", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None", "<NA>", "#DIV/0!", "#VALUE!", "1.#QNAN",
]  # fmt: skip


def write_csv(path, table, which, mark, delimiter):
    rows = zip(*(column[which] for column in table.values()), strict=True)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow([*table, "target"])
        writer.writerows([*(mark if value is None else value for value in row), i % 2] for i, row in enumerate(rows))


def write_files(folder, table, which, mark, delimiter):
    n = len(next(iter(table.values()))[which])
    write_csv(folder / f"{which}.csv", table, which, mark, delimiter)
    write_csv(folder / f"{which}.csv.gz", table, which, mark, delimiter)
    arrow = in_arrow(table, which).append_column("target", pa.array([i % 2 for i in range(n)]))
    pq.write_table(arrow, folder / f"{which}.parquet")


@on_disk
@given(table=tables(IN_FILES), mark=st.sampled_from(MARKS), delimiter=st.sampled_from([",", ";", "\t"]))
def test_every_file_gives_the_bits_of_the_table(tmp_path: Path, table, mark, delimiter):
    texts = [name for name, column in table.items() if column[0] in ("text", "category")]
    n = len(next(iter(table.values()))[1])
    frames = [in_numpy_types(table, which) for which in (1, 2)]
    reference = TableEncoder().fit(frames[0], np.arange(n) % 2)
    expected = [bits(reference, frame) for frame in frames]
    for which in (1, 2):
        write_files(tmp_path, table, which, mark, delimiter)
    data = {}
    for ending in ("csv", "csv.gz", "parquet"):
        data[ending] = [
            read_table(tmp_path / f"{which}.{ending}", text_columns=texts, require_classes=False) for which in (1, 2)
        ]
        assert data[ending][0].feature_names == tuple(table)
    for ending, (first, second) in data.items():
        assert bits(reference, first.X) == expected[0], ending
        assert bits(reference, second.X) == expected[1], ending
        encoder = TableEncoder().fit(first.X, first.y)
        assert encoder.kinds_ == reference.kinds_, ending
        for one, frame in zip((first, second), frames, strict=True):
            assert bits(encoder, frame) == bits(encoder, one.X) == bits(reference, frame), ending
        assert first.fingerprint() == data["csv"][0].fingerprint(), ending
        assert trained(first.X, n) == trained(frames[0], n), ending


@on_disk
@given(table=tables(["int16", "float", "truth", "text"]), mark=st.sampled_from(MARKS))
def test_files_agree_on_what_a_column_holds(tmp_path: Path, table, mark):
    """Where nobody says which columns hold text, all its fields decide, in the same way in every kind of file."""
    write_files(tmp_path, table, 1, mark, ",")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # of fields that make text of numbers
        prints = {read_table(tmp_path / f"1.{ending}").fingerprint() for ending in ("csv", "csv.gz", "parquet")}
    assert len(prints) == 1
