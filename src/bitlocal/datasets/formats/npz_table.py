"""Reading arrays from a NumPy .npz file."""

from __future__ import annotations

import math
import struct
import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.datasets.container import Dataset
from bitlocal.datasets.formats.columns import FeatureColumn, tell_odd_field, to_matrix
from bitlocal.datasets.formats.files import reading, some_of
from bitlocal.datasets.formats.labels import all_there, check_classes, label_text, parse_labels
from bitlocal.datasets.formats.options import Options
from bitlocal.errors import DataError

# What numpy and zipfile raise for content that is not what it says it is.
_DAMAGE = (
    ValueError,
    KeyError,
    SyntaxError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    struct.error,
    zipfile.BadZipFile,
)


def read_npz(path: Path, target: str | None, options: Options) -> Dataset:
    """Read arrays X, y and optionally X_test, y_test; see `bitlocal.datasets.read_table`."""
    y_name = "y" if target is None else target
    as_text = y_name in options.text_columns
    if set(options.text_columns) - {y_name}:
        raise DataError(
            f"{path}: the columns of an .npz file have no names, so none can be taken as text; save the table as .csv "
            "or .parquet"
        )
    y_test_name = f"{y_name}_test"
    arrays, present = _load(path, ("X", y_name, "X_test", y_test_name))
    for name, meaning in (("X", "features"), (y_name, "labels")):
        if name not in arrays and (name == "X" or options.require_target):
            raise DataError(f"{path}: there is no array '{name}' of {meaning}; add it to those there are: {present}")
    if ("X_test" in arrays) != (y_test_name in arrays):
        have, lack = ("X_test", y_test_name) if "X_test" in arrays else (y_test_name, "X_test")
        raise DataError(f"{path}: there is an array '{have}' but no '{lack}'; add it, or leave out both")

    samples: dict[str, NDArray[Any]] = {name: arrays[name] for name in ("X", "X_test") if name in arrays}
    features = _features(path, samples, options)
    x, x_test, shape = features["X"], features.get("X_test"), samples["X"].shape[1:]
    # Both splits at once, so that labels become either whole numbers in both or text in both.
    texts = _label_texts(path, y_name, arrays.get(y_name), x)
    n = len(texts)
    texts += _label_texts(path, y_test_name, arrays.get(y_test_name), x_test)

    def where(i: int) -> str:
        return f"{path}, {y_name}[{i}]" if i < n else f"{path}, {y_test_name}[{i - n}]"

    if not options.require_target and not all_there(texts[:n], as_text=as_text):
        # Incomplete labels are of no use for prediction, and no harm.
        texts, n = texts[n:], 0
    y = parse_labels(texts, where, as_text=as_text) if texts else np.empty(0, dtype=np.int64)
    if options.require_classes:
        check_classes(y[:n], f"{path}, {y_name}")
    return Dataset(
        name=path.name,
        X=x,
        y=y[:n],
        X_test=x_test,
        y_test=None if x_test is None else y[n:],
        image_shape=shape if len(shape) > 1 else None,
        target=y_name if y_name in arrays else None,
    )


def _load(path: Path, names: Sequence[str]) -> tuple[dict[str, NDArray[Any]], str]:
    """Read those of the named arrays that are there; the second result lists what there is, for messages."""
    with reading(path), path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            raise DataError(f"{path}: not an .npz file; save the arrays X and y with numpy.savez")
        file.seek(0)
        try:
            # Pickled objects could run code while they are read, so they stay forbidden.
            with np.load(file, allow_pickle=False) as loaded:
                arrays = {name: _one(path, name, loaded) for name in names if name in loaded.files}
                return arrays, some_of(loaded.files)
        except DataError:
            raise
        except _DAMAGE as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(
                f"{path}: not an .npz file of plain arrays, or a damaged one ({reason}); save it anew with numpy.savez"
            ) from error


def _one(path: Path, name: str, loaded: Any) -> NDArray[Any]:
    try:
        array: NDArray[Any] = loaded[name]
    except ValueError as error:
        if "Object arrays" not in str(error):
            raise
        raise DataError(
            f"{path}: array '{name}' holds Python objects, which are not read since they can run code; save it as "
            f"numbers or as text, as by {name}.astype(str)"
        ) from error
    return array


def _features(path: Path, arrays: dict[str, NDArray[Any]], options: Options) -> dict[str, NDArray[Any]]:
    """Check and flatten the samples X and, where it is given, X_test."""
    for name, array in arrays.items():
        if array.dtype.kind not in "buifUS":
            raise DataError(
                f"{path}: {name} holds values of type {array.dtype}; features must be numbers, truth values or text"
            )
        if array.ndim < 2 or math.prod(array.shape) == 0:
            raise DataError(
                f"{path}: {name} has shape {array.shape}; expected (samples, features) or (samples, height, "
                "width), none of them 0"
            )
    x, x_test = arrays["X"], arrays.get("X_test", arrays["X"])
    if x_test.shape[1:] != x.shape[1:]:
        raise DataError(
            f"{path}: samples of X_test have shape {x_test.shape[1:]}, but those of X have {x.shape[1:]}; make them "
            "the same"
        )
    are_text = {array.dtype.kind in "US" for array in arrays.values()}
    if len(are_text) > 1:
        raise DataError(
            f"{path}: X is {x.dtype}, but X_test is {x_test.dtype}; make both of them numbers or both of them text"
        )
    if are_text.pop():
        return _from_text(path, arrays, options)
    return {name: _numbers(path, name, array) for name, array in arrays.items()}


def _numbers(path: Path, name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Flatten samples of numbers, and refuse infinite ones."""
    flat = array.reshape(len(array), -1)
    if flat.dtype not in (np.dtype(np.bool_), np.dtype(np.uint8)):
        flat = flat.astype(np.float64)
        infinite = np.argwhere(np.isinf(flat))
        if len(infinite):
            i, j = infinite[0].tolist()
            raise DataError(
                f"{path}, {_index(name, array, i, j)}: {flat[i, j]} is not a finite number; replace it, or make it "
                "NaN if the value is not known"
            )
        flat[np.isnan(flat)] = np.nan  # one and the same of the many kinds of NaN
    return flat


def _from_text(path: Path, arrays: dict[str, NDArray[Any]], options: Options) -> dict[str, NDArray[Any]]:
    """Read text as from a CSV file: each column decides what it holds, over X and X_test together."""
    flat = {}
    for name, array in arrays.items():
        texts = np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array
        flat[name] = texts.reshape(len(array), -1)

    def where(j: int, row: int) -> str:
        n = len(arrays["X"])
        name, i = ("X", row) if row < n else ("X_test", row - n)
        return f"{path}, {_index(name, arrays[name], i, j)}"

    columns = []
    for j in range(flat["X"].shape[1]):
        column = FeatureColumn(partial(where, j))
        cells = [cell for texts in flat.values() for cell in texts[:, j].tolist()]
        column.add_text(cells, range(len(cells)))
        tell_odd_field(column, strict=options.strict)
        columns.append(column)
    both = to_matrix(columns)
    return dict(zip(flat, np.split(both, [len(flat["X"])]), strict=False))


def _index(name: str, array: NDArray[Any], i: int, j: int) -> str:
    """Write where feature j of sample i is in an array that was not flattened."""
    place = (int(k) for k in np.unravel_index(j, array.shape[1:]))
    return f"{name}[{', '.join(map(str, (i, *place)))}]"


def _label_texts(path: Path, name: str, array: NDArray[Any] | None, x: NDArray[Any] | None) -> list[str]:
    if array is None or x is None:
        return []
    if array.ndim != 1 or array.dtype.kind not in "buifUS":
        raise DataError(
            f"{path}: {name} is {array.dtype} of shape {array.shape}; expected one label a sample, integers or text"
        )
    if len(array) != len(x):
        raise DataError(f"{path}: {name} has {len(array)} labels for {len(x)} samples; give one label a sample")
    values = np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array
    return [label_text(value) for value in values.tolist()]
