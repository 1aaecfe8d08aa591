"""TableEncoder and CategoryEncoder: mixed columns, holes, unseen categories, tables of several libraries."""

from __future__ import annotations

import datetime
import pickle
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from bitlocal import BMLPClassifier, CategoryEncoder, TableEncoder, ThermometerEncoder, load, save
from bitlocal.encoders.tables.columns import category
from bitlocal.errors import DataWarning


def as_ints(bits):
    return bits.astype(int).tolist()


# Categories ------------------------------------------------------------------------------------------------


def test_one_hot():
    encoder = CategoryEncoder().fit([["red", 1], ["green", 2], [None, 3], ["red", 2]])
    names = encoder.get_feature_names_out().tolist()
    assert names == ["x0=green", "x0=red", "x0=(missing)", "x1=1", "x1=2", "x1=3"]
    table = [["red", 3.0], ["mauve", "1"], [np.nan, 9]]
    assert as_ints(encoder.transform(table)) == [[0, 1, 0, 0, 0, 1], [0, 0, 0, 1, 0, 0], [0, 0, 1, 0, 0, 0]]


def test_rare_categories_share_a_bit():
    column = [["a"]] * 5 + [["b"]] * 3 + [["c"]] * 3 + [["d"]]
    by_number = CategoryEncoder(max_categories=2).fit(column)
    assert by_number.get_feature_names_out().tolist() == ["x0=a", "x0=b", "x0=(other)"]
    by_frequency = CategoryEncoder(min_frequency=2).fit(column)
    assert by_frequency.get_feature_names_out().tolist() == ["x0=a", "x0=b", "x0=c", "x0=(other)"]
    assert as_ints(by_frequency.transform([["d"], ["unseen"], [None]])) == [[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_two_possibilities_need_one_bit():
    assert CategoryEncoder().fit([["n"], ["y"]]).get_feature_names_out().tolist() == ["x0=y"]
    assert CategoryEncoder().fit([["y"], [None]]).get_feature_names_out().tolist() == ["x0=(missing)"]
    assert CategoryEncoder().fit([["y"], ["y"]]).n_bits_ == 0
    assert CategoryEncoder().fit([[None], [None]]).n_bits_ == 0


def test_ordinal():
    sizes = ["small", "medium", "large"]
    encoder = CategoryEncoder("ordinal", categories=[sizes]).fit([["large"], ["small"], [None]])
    assert encoder.get_feature_names_out().tolist() == ["x0>small", "x0>medium", "x0 missing"]
    table = [[size] for size in [*sizes, None, "huge"]]
    assert as_ints(encoder.transform(table)) == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]]
    numbers = CategoryEncoder("ordinal").fit([["10"], ["9"], ["100"]])
    assert numbers.categories_ == [["9", "10", "100"]]


def test_binary_code():
    encoder = CategoryEncoder("binary").fit([[c] for c in "abcde"] + [[None]])
    assert encoder.get_feature_names_out().tolist() == ["x0 code 1", "x0 code 2", "x0 code 4", "x0 missing"]
    bits = encoder.transform([[c] for c in "abcde?"] + [[None]])
    assert [int(row[:3] @ [1, 2, 4]) for row in bits] == [1, 2, 3, 4, 5, 0, 0]
    assert bits[:, 3].tolist() == [False] * 6 + [True]


@pytest.mark.parametrize("coding", ["onehot", "ordinal", "binary"])
def test_categories_and_back(coding):
    table = [["a", 1], ["b", None], ["c", 2], ["a", 3]]
    encoder = CategoryEncoder(coding).fit(table)
    names = [["a", "1"], ["b", None], ["c", "2"], ["a", "3"]]
    assert encoder.inverse_transform(encoder.transform(table)).tolist() == names
    with pytest.raises(ValueError, match="expected booleans of shape"):
        encoder.inverse_transform([[True]])


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (CategoryEncoder("hot"), "coding='hot' is unknown: use 'onehot', 'ordinal', 'binary'"),
        (CategoryEncoder(max_categories=0), "max_categories=0: expected a whole number of at least 1"),
        (CategoryEncoder(min_frequency=0.5), "min_frequency=0.5: expected a whole number of at least 1"),
        (CategoryEncoder(categories=[["a"], ["b"]]), "expected a list for each of the 1 columns, got 2"),
        (TableEncoder(n_bits=0), "n_bits=0: expected a whole number of at least 1"),
        (TableEncoder(max_bits=True), "max_bits=True: expected a whole number of at least 1"),
        (TableEncoder(strategy="best"), "strategy='best' is unknown"),
        (TableEncoder(strategy="supervised"), "needs the class labels"),
    ],
    ids=repr,
)
def test_bad_parameters(encoder, message):
    with pytest.raises(ValueError, match=message):
        encoder.fit([[1], [2], [3]])


def test_a_category_is_named_the_same_however_it_was_read():
    for same in (1, 1.0, "1", np.int8(1), np.float32(1)):
        assert category(same) == "1"
    assert category(1.5) == category("1.5") == "1.5"
    assert category(None) is category(float("nan")) is category(pd.NA) is None


# Tables ----------------------------------------------------------------------------------------------------

DAY = datetime.datetime(2024, 2, 29, 13, 30)
ROWS = {
    "age": [20, 35, None, 50, 42, 35],
    "member": [True, False, True, True, None, False],
    "colour": ["red", "blue", "red", None, "blue", "green"],
    "since": [DAY + datetime.timedelta(days=17 * i, hours=5 * i) for i in range(5)] + [None],
    "id": ["u1", "u2", "u3", "u4", "u5", "u6"],
    "same": [7, 7, 7, 7, 7, 7],
    "nothing": [None] * 6,
}


def frames():
    arrow = pa.table(ROWS)
    return {"pandas": pd.DataFrame(ROWS), "pandas arrow": arrow.to_pandas(types_mapper=pd.ArrowDtype),
            "polars": pl.DataFrame(ROWS), "arrow": arrow}  # fmt: skip


@pytest.mark.parametrize("library", list(frames()))
def test_every_library_gives_the_same_bits(library):
    reference = TableEncoder(n_bits=3).fit(frames()["pandas"])
    expected = reference.transform(frames()["pandas"])
    encoder = TableEncoder(n_bits=3).fit(frames()[library])
    assert encoder.kinds_ == ["number", "number", "category", "time", "dropped", "dropped", "dropped"]
    assert encoder.get_feature_names_out().tolist() == reference.get_feature_names_out().tolist()
    assert np.array_equal(encoder.transform(frames()[library]), expected)
    assert np.array_equal(encoder.transform(frames()["polars"]), expected)


def test_the_bits_of_a_table():
    encoder = TableEncoder(n_bits=3).fit(frames()["pandas"])
    names = encoder.get_feature_names_out().tolist()
    bits = dict(zip(names, encoder.transform(frames()["pandas"]).T.astype(int).tolist(), strict=True))
    assert bits["age>20"] == [0, 1, 0, 1, 1, 1]
    assert bits["age missing"] == [0, 0, 1, 0, 0, 0]
    assert bits["member>0"] == [1, 0, 1, 1, 0, 0]
    assert bits["member missing"] == [0, 0, 0, 0, 1, 0]
    assert bits["colour=blue"] == [0, 1, 0, 0, 1, 0]
    assert bits["colour=(missing)"] == [0, 0, 0, 1, 0, 0]
    assert bits["since missing"] == [0, 0, 0, 0, 0, 1]
    assert bits["since month>2"] == [0, 1, 1, 1, 1, 0]
    assert bits["since weekday>3"] == [0, 1, 0, 1, 0, 0]  # Thursday, Sunday, Wednesday, Sunday, Wednesday
    assert {name.split(">")[0].split("=")[0].removesuffix(" missing") for name in names} == {
        "age", "member", "colour", "since", "since month", "since weekday", "since hour",
    }  # fmt: skip


def test_describe():
    lines = TableEncoder(n_bits=3).fit(frames()["pandas"]).describe().splitlines()
    assert lines[0] == "age      number    4 bits: 3 thresholds, missing values"
    assert lines[2] == "colour   category  4 bits: 3 categories, missing values"
    assert lines[4] == "id       dropped   0 bits: cannot tell samples apart"
    assert len(lines) == 7


@pytest.mark.parametrize("wrap", [pd.Categorical, lambda v, **k: pd.Series(pd.Categorical(v, **k))])
def test_ordered_categories(wrap):
    order = ["low", "middle", "high"]
    table = pd.DataFrame({"level": wrap(["high", "low", None, "high"], categories=order, ordered=True)})
    encoder = TableEncoder().fit(table)
    assert encoder.kinds_ == ["ordered"]
    assert encoder.get_feature_names_out().tolist() == ["level>low", "level missing"]
    assert as_ints(encoder.transform(table)) == [[1, 0], [0, 0], [0, 1], [1, 0]]
    assert as_ints(encoder.transform(pl.DataFrame({"level": ["middle", "low", None, "?"]})))[0] == [1, 0]


def test_columns_are_matched_by_name():
    table = frames()["pandas"]
    encoder = TableEncoder().fit(table)
    bits = encoder.transform(table)
    assert np.array_equal(encoder.transform(table[table.columns[::-1]]), bits)
    assert np.array_equal(encoder.transform(table.assign(extra=1)), bits)
    with pytest.raises(ValueError, match="lacks columns that were there in fit: 'colour'"):
        encoder.transform(table.drop(columns="colour"))
    with pytest.raises(ValueError, match="X has 2 columns, but 7 were there in fit"):
        encoder.transform([[1, 2]])


def test_types_may_change_between_tables():
    encoder = TableEncoder().fit(pd.DataFrame({"code": ["1", "2", "x", "1", "2"], "n": [1.5, 2, 3, 4, 5]}))
    changed = pd.DataFrame({"code": [1, 2, 1], "n": ["3", None, "4.5"]})
    same = pd.DataFrame({"code": ["1", "2", "1"], "n": [3, np.nan, 4.5]})
    assert np.array_equal(encoder.transform(changed), encoder.transform(same))
    with pytest.raises(ValueError, match="column 'n': expected numbers, as in fit, got 'many'"):
        encoder.transform(pd.DataFrame({"code": ["1"], "n": ["many"]}))


def test_what_is_no_table():
    for bad, message in (
        ([[1.0, np.inf], [2.0, 3.0]], "column 1 holds infinity"),
        ([[1, {2}], [3, {4}]], "a value of type set is neither a number nor text"),
        (pd.DataFrame({"a": [[1], [2]]}), "column 'a'"),
        (pl.DataFrame({"a": [[1], [2]]}), "column 'a': values of type List"),
        ([1, 2, 3], "expected a table of 2 dimensions"),
        ([[1, 2]], "minimum of 2 samples"),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), "same name|unique|duplicate"),
    ):
        with pytest.raises(ValueError, match=message):
            TableEncoder().fit(bad)
    with pytest.raises(NotFittedError):
        TableEncoder().transform([[1]])


# Budget ----------------------------------------------------------------------------------------------------


def test_bits_go_where_they_are_useful():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    useful, useless = y + rng.normal(0, 0.5, 400), rng.normal(size=400)
    words = np.where(y == 1, "a", "b")
    table = pd.DataFrame({"useful": useful, "useless": useless, "word": words})
    encoder = TableEncoder(max_bits=16).fit(table, y)
    assert encoder.n_bits_ <= 16
    names = encoder.get_feature_names_out().tolist()
    assert sum("useful>" in name for name in names) > 8 > sum("useless>" in name for name in names) >= 1
    evenly = TableEncoder(max_bits=16).fit(table).get_feature_names_out().tolist()
    assert abs(sum("useful>" in name for name in evenly) - sum("useless>" in name for name in evenly)) <= 1
    numbers = np.column_stack([useful, useless])
    allotted = ThermometerEncoder(30, max_bits=20).fit(numbers, y)
    assert allotted.n_bits_ == 20
    assert np.bincount(allotted.columns_)[0] > np.bincount(allotted.columns_)[1]


@pytest.mark.filterwarnings("ignore:column .* is text:bitlocal.errors.DataWarning")
@settings(max_examples=40, deadline=None)
@given(data=st.data(), max_bits=st.integers(1, 60))
def test_a_budget_is_kept(data, max_bits):
    table, y = data.draw(mixed_tables()), None
    if data.draw(st.booleans()):
        y = np.arange(len(table)) % 3
    encoder = TableEncoder(max_bits=max_bits).fit(table, y)
    in_any_case = sum(name.endswith(("missing", "(missing)", "(other)")) for name in encoder.get_feature_names_out())
    assert encoder.n_bits_ <= max(max_bits, in_any_case + len(table.columns))


# Anything --------------------------------------------------------------------------------------------------

CELLS = {
    "numbers": st.one_of(st.none(), st.floats(-1e9, 1e9), st.integers(-5, 5)),
    "text": st.one_of(st.none(), st.sampled_from(["a", "b", "c", "", " a", "1", "é"])),
    "truth": st.one_of(st.none(), st.booleans()),
    "nothing": st.none(),
    "times": st.one_of(st.none(), st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2100, 1, 1))),
    "mixed": st.one_of(st.none(), st.text(max_size=3), st.integers(-3, 3)),
}


@st.composite
def mixed_tables(draw):
    n = draw(st.integers(2, 25))
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=5))
    columns = {f"{kind} {i}": draw(st.lists(CELLS[kind], min_size=n, max_size=n)) for i, kind in enumerate(kinds)}
    return pd.DataFrame({name: pd.Series(c, dtype=None if "times" in name else object) for name, c in columns.items()})


@pytest.mark.filterwarnings("ignore:column .* is text:bitlocal.errors.DataWarning")
@settings(max_examples=100, deadline=None)
@given(data=st.data(), strategy=st.sampled_from(["quantile", "uniform", "gaussian"]))
def test_any_table_is_encoded_and_travels(tmp_path_factory, data, strategy):
    table = data.draw(mixed_tables())
    encoder = TableEncoder(strategy=strategy, max_categories=data.draw(st.integers(1, 4))).fit(table)
    bits = encoder.transform(table)
    names = encoder.get_feature_names_out()
    assert bits.shape == (len(table), len(names)) == (len(table), encoder.n_bits_)
    assert len(encoder.describe().splitlines()) == len(table.columns)
    other = data.draw(mixed_tables()).iloc[:, :1].astype(str)  # times in a column of categories are refused
    unseen = pd.DataFrame({name: other.iloc[:, 0] if "text" in name else [None] * len(other) for name in table})
    again = clone(encoder).fit(table)
    values, arrays = encoder.fitted()
    restored = clone(encoder)
    restored.restore(values, arrays, encoder.n_features_in_)
    for some in (table, table.iloc[:1], table[table.columns[::-1]], unseen):
        expected = encoder.pack(some).words
        for twin in (again, restored, pickle.loads(pickle.dumps(encoder))):
            assert np.array_equal(twin.pack(some).words, expected)
            assert twin.get_feature_names_out().tolist() == names.tolist()


# With the classifier ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fruit():
    rng = np.random.default_rng(1)
    kind = rng.choice(["apple", "plum", "banana"], 240)
    size = np.select([kind == "apple", kind == "plum"], [7.0, 4.0], 18.0) + rng.normal(0, 1, 240)
    colour = np.where(kind == "banana", "yellow", np.where(rng.random(240) < 0.5, "red", "blue")).astype(object)
    size[::9], colour[::7] = np.nan, None
    return pd.DataFrame({"size": size, "colour": colour}), kind


@pytest.mark.parametrize("encoder", ["auto", "table", TableEncoder(max_bits=30)])
def test_classifier_takes_tables(tmp_path, fruit, encoder):
    table, kind = fruit
    classifier = BMLPClassifier((90,), encoder=encoder, random_state=0, max_iter=30).fit(table, kind)
    assert classifier.score(table, kind) > 0.9
    assert classifier.n_features_in_ == 2
    assert classifier.feature_names_in_.tolist() == ["size", "colour"]
    save(classifier, tmp_path / "model")
    reloaded = load(tmp_path / "model")
    swapped = pl.DataFrame({"colour": ["red", None, "mauve"], "size": [4.0, None, 30.0]})
    assert np.array_equal(reloaded.decision_function(swapped), classifier.decision_function(swapped))
    assert reloaded.predict(table.iloc[:1]).tolist() == classifier.predict(table.iloc[:1]).tolist()


def test_classifier_takes_arrays_of_objects(fruit):
    table, kind = fruit
    by_name = BMLPClassifier((90,), random_state=0, max_iter=3).fit(table, kind)
    by_place = BMLPClassifier((90,), random_state=0, max_iter=3).fit(table.to_numpy(dtype=object), kind)
    assert by_name.network_.hidden_sha256() == by_place.network_.hidden_sha256()
    assert not hasattr(by_place, "feature_names_in_")


def test_classifier_takes_numbers_with_holes(fruit):
    table, kind = fruit
    numbers = table[["size"]].to_numpy()
    classifier = BMLPClassifier((90,), random_state=0, max_iter=30).fit(numbers, kind)
    assert classifier.encoder_.missing_.tolist() == [True]
    assert classifier.score(numbers, kind) > 0.8


def kinds(table, **parameters):
    return TableEncoder(**parameters).fit(table, np.arange(len(table)) % 2).kinds_


def test_categories_by_type_whatever_they_are():
    codes = pd.Series([7, 8, 9, 7]).astype("category")
    assert kinds(codes.to_frame("code")) == ["category"]
    ordered = pd.Categorical([30, 10, 20, 10], categories=[10, 20, 30], ordered=True)
    assert kinds(pd.DataFrame({"size": ordered})) == ["ordered"]
    encoder = TableEncoder().fit(pd.DataFrame({"size": ordered}), [0, 1, 0, 1])
    bits = encoder.transform(pd.DataFrame({"size": ordered})).sum(axis=1)
    assert bits[0] > bits[2] >= bits[1] == bits[3]
    bins = pd.cut([1.0, 5.0, 9.0, 5.0], [0, 3, 6, 10])
    for column in (pd.Series(bins), pd.Series(list(bins), dtype=object)):
        assert kinds(column.to_frame("bin")) == ["ordered"]


def test_times_of_any_type():
    days = [datetime.date(2021, 3, 1), None, datetime.date(2023, 7, 9), datetime.date(2022, 1, 1)]
    plain = pd.DataFrame({"day": pd.to_datetime(pd.Series(days))})
    expected = TableEncoder().fit(plain, [0, 1, 1, 0]).transform(plain)
    for column in (
        pd.Series(days, dtype=object),
        pd.Series([pd.NaT if d is None else pd.Timestamp(d) for d in days], dtype=object),
    ):
        table = column.to_frame("day")
        assert np.array_equal(TableEncoder().fit(table, [0, 1, 1, 0]).transform(table), expected)
    naive = pd.DataFrame({"at": pd.date_range("2020-01-01", periods=40, freq="11h")})
    far = naive["at"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    expected = TableEncoder().fit(naive, np.arange(40) % 2).transform(naive)
    instants = pd.Series([t.to_pydatetime().astimezone(ZoneInfo("America/Lima")) for t in far], dtype=object)
    for column in (far, instants):
        table = column.to_frame("at")
        assert np.array_equal(TableEncoder().fit(naive, np.arange(40) % 2).transform(table), expected)


def test_objects_that_are_truth_values_and_what_cannot_be_read():
    truths = np.empty((4, 1), dtype=object)
    truths[:, 0] = [np.bool_(True), np.bool_(False), None, True]
    assert TableEncoder().fit(truths, [0, 1, 0, 1]).transform(truths).any()
    with pytest.raises(ValueError, match="column 'parts': a value of type list is neither a number nor text"):
        kinds(pd.DataFrame({"parts": [[1], [2], [3]]}))


def test_times_finer_than_a_millisecond():
    times = [
        datetime.datetime(1969, 12, 31, 23, 59, 59, 999_999),
        None,
        datetime.datetime(2001, 2, 3, 4, 5, 6, 789_123),
    ]
    table = pd.DataFrame({"at": times})
    encoder = TableEncoder().fit(table, [0, 1, 1])
    expected = encoder.transform(table)
    arrow = pa.table({"at": times})
    nanoseconds = pa.table({"at": pa.array(times, pa.timestamp("ns"))})
    for other in (arrow, nanoseconds, arrow.to_pandas(types_mapper=pd.ArrowDtype), pl.DataFrame({"at": times})):
        assert np.array_equal(encoder.transform(other), expected)


def test_times_that_are_all_missing_are_dropped():
    for nothing in (pd.to_datetime([None, None, None]), pd.Series([None, None, None])):
        assert kinds(pd.DataFrame({"at": nothing})) == ["dropped"]


def test_integers_beyond_floating_point_are_rounded():
    large = [2**53 + 1, None, -(2**62) - 3, 7]
    expected = TableEncoder().fit(pl.DataFrame({"n": large})).transform(pl.DataFrame({"n": large}))
    arrow = pa.table({"n": large})
    for table in (arrow, arrow.to_pandas(types_mapper=pd.ArrowDtype), pd.DataFrame({"n": pd.array(large, "Int64")})):
        assert np.array_equal(TableEncoder().fit(table).transform(table), expected)
    with pytest.raises(ValueError, match="column 'n' holds an integer that is too large"):
        TableEncoder().fit(pd.DataFrame({"n": [10**400, 1]}))


def test_arrow_keeps_the_order_of_categories():
    levels = pl.DataFrame({"level": pl.Series(["low", "high", None, "low"], dtype=pl.Enum(["low", "middle", "high"]))})
    expected = TableEncoder().fit(levels).transform(levels)
    for table in (levels.to_arrow(), levels.to_arrow().to_pandas(types_mapper=pd.ArrowDtype)):
        encoder = TableEncoder().fit(table)
        assert encoder.kinds_ == ["ordered"]
        assert encoder.orders_ == [["low", "middle", "high"]]
        assert np.array_equal(encoder.transform(table), expected)
    plain = pa.table({"level": pa.array(["low", "high", None, "low"]).dictionary_encode()})
    assert kinds(plain) == ["category"]


def test_truth_values_and_numbers_beside_text_are_different_categories():
    for values in ([True, 1, "x", 1, True], [1, True, "x", True, 1]):
        encoder = TableEncoder().fit(pd.DataFrame({"a": pd.Series(values, dtype=object)}))
        assert encoder.get_feature_names_out().tolist() == ["a=1", "a=True", "a=x"]
    assert category(Decimal("1.00")) == "1"
    assert category(Decimal("1.50")) == "1.50"


def test_categories_that_are_truth_values_are_found_again():
    table = pd.DataFrame({"a": pd.Categorical([True, False, True, None])})
    encoder = TableEncoder().fit(table)
    assert as_ints(encoder.transform(table)) == [[0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    for column in ([True, False], pd.array([True, False], "boolean"), pd.Series([True, False], dtype=object)):
        assert as_ints(encoder.transform(pd.DataFrame({"a": column}))) == [[0, 1, 0], [1, 0, 0]]
    numbers = CategoryEncoder().fit([[0], [1], [2], [1]])
    assert np.array_equal(numbers.transform(pd.DataFrame({"a": [True, False]})), numbers.transform([[1], [0]]))


def test_names_that_are_the_same_as_text():
    with pytest.raises(ValueError, match="two columns of the table have the same name, '1'"):
        TableEncoder().fit(pd.DataFrame([["a", "b"], ["b", "a"]], columns=[1, "1"]))


def test_what_is_neither_number_nor_time_says_what_to_do():
    for column, advice in (
        (pd.to_timedelta([1, 2, 3]), "total_seconds"),
        (pd.Series(list(pd.to_timedelta([1, 2, 3])), dtype=object), "total_seconds"),
        (pd.period_range("2020", periods=3, freq="M"), "to_timestamp"),
    ):
        with pytest.raises(ValueError, match=f"column 'a': .*{advice}"):
            BMLPClassifier((45,)).fit(pd.DataFrame({"a": column}), [0, 1, 0])
    with pytest.raises(ValueError, match="column 0: durations"):
        BMLPClassifier((45,)).fit(np.arange(4).astype("m8[s]").reshape(-1, 1), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="call its collect"):
        TableEncoder().fit(pl.DataFrame({"a": ["x", "y"]}).lazy())
    encoder = TableEncoder().fit(pd.DataFrame({"c": ["x", "y", "x"], "n": [1.0, 2.0, 3.0]}))
    with pytest.raises(ValueError, match="column 'c': expected categories, as in fit, got times"):
        encoder.transform(pd.DataFrame({"c": pd.to_datetime(["2020-01-01"]), "n": [1]}))
    with pytest.raises(ValueError, match="column 'n': expected numbers, as in fit, got '1_0'"):
        encoder.transform(pd.DataFrame({"c": ["x"], "n": ["1_0"]}))


def test_text_that_is_mostly_numbers_is_told_of():
    values = ["1.5", "-", "2.5", "3.75", "4"]
    for table in (pd.DataFrame({"v": values}), pl.DataFrame({"v": values}), np.array([values]).T):
        with pytest.warns(
            DataWarning, match=r"column ('v'|0) is text, as in '-', though 4 of its 5 values are numbers"
        ):
            TableEncoder().fit(table)
    codes = pd.DataFrame({"v": pd.Categorical(values)})  # the type says so
    few = pd.DataFrame({"v": ["1", "2", "x", "1", "2"]})
    assert kinds(codes) == ["dropped"]
    assert kinds(few) == ["category"]


def test_a_row_index_among_the_columns_is_told_of():
    table = pd.DataFrame({"Unnamed: 0": range(6), "a": [1.5, 2, 3, 4, 5, 6]})
    for X in (table, pl.from_pandas(table), pa.table(table)):
        with pytest.warns(DataWarning, match="column 'Unnamed: 0' is a row index"):
            BMLPClassifier((45,), max_iter=1).fit(X, [0, 1] * 3)


def test_numbers_among_objects_with_holes():
    holes = pd.DataFrame({"a": pd.Series([1.5, 2, 3, pd.NA] * 2, dtype=object)})
    plain = pd.DataFrame({"a": [1.5, 2, 3, np.nan] * 2})
    y = [0, 1] * 4
    hashes = {
        BMLPClassifier((45,), max_iter=1, random_state=0).fit(X, y).network_.hidden_sha256() for X in (holes, plain)
    }
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (pd.Series([1, 0, 1, 0], dtype="Int64"), [0, 1]),
        (pd.Series([True, False] * 2, dtype="boolean"), [False, True]),
        (pd.Series([True, False] * 2, dtype=pd.ArrowDtype(pa.bool_())), [False, True]),
    ],
)
def test_classes_keep_their_type(labels, classes):
    found = BMLPClassifier((45,), max_iter=1).fit([[1.5], [2], [3], [4]], labels).classes_.tolist()
    assert [(type(c), c) for c in found] == [(type(c), c) for c in classes]


@pytest.mark.parametrize("hole", [None, float("nan"), pd.NA, pd.NaT])
def test_labels_that_are_missing_in_a_list(hole):
    for labels in (["a", hole, "b", "a"], ("a", hole, "b", "a")):
        with pytest.raises(ValueError, match="the label of sample 1 is missing, one of 1"):
            BMLPClassifier((45,)).fit([[1.5], [2], [3], [4]], labels)
    with pytest.raises(ValueError, match="some labels are text, and others are not"):
        BMLPClassifier((45,)).fit([[1.5], [2], [3], [4]], np.array(["a", 1, "b", 2], dtype=object))
