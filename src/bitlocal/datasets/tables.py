"""Reading a table from a file of the user's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path

from bitlocal.datasets.container import Dataset
from bitlocal.datasets.formats.csv_table import read_csv
from bitlocal.datasets.formats.files import reading
from bitlocal.datasets.formats.npz_table import read_npz
from bitlocal.datasets.formats.options import Options
from bitlocal.datasets.formats.parquet_table import read_parquet
from bitlocal.errors import DataError

_READERS: dict[str, Callable[..., Dataset]] = {
    ".csv": read_csv,
    ".csv.gz": read_csv,
    ".parquet": read_parquet,
    ".npz": read_npz,
}


def read_table(
    path: str | os.PathLike[str],
    target: str | None = None,
    *,
    require_target: bool = True,
    require_classes: bool | None = None,
    text_columns: Collection[str] = (),
    number_columns: Collection[str] = (),
    strict: bool = False,
    encoding: str = "utf-8",
) -> Dataset:
    r"""Read features and labels from a file.

    Every column decides, by all of its fields, what it holds: numbers; truth values, if all of its fields are True
    or False in any case; or else text, which stands for categories. Fields that are empty, ``?``, or what pandas, R and
    Excel write for a missing value (``NA``, ``#N/A``, ``<NA>``, ``NaN``, ``null``, ``None``) are missing values; beside
    numbers, so are a dash, a dot and such words in any case. A column in which most fields are numbers, though not all,
    is text, with a `DataWarning` that names the field. Where semicolons or tabs are the delimiter, numbers may have a
    comma before their fraction.

    Parameters
    ----------
    path : str or path-like
        One of:

        * ``.csv`` or ``.csv.gz``: text in UTF-8 with a header line, delimited by commas, semicolons or tabs;
        * ``.parquet``: needs the optional package pyarrow, ``pip install pyarrow``. Text is read as in a csv, and
          dates and timestamps are seconds since 1970;
        * ``.npz``: arrays ``X`` and ``y``, optionally ``X_test`` and ``y_test``. Samples of more than one
          dimension are flattened, and text is read as in a csv.
    target : str, default None
        Name of the column (or array) of labels. None stands for ``target`` (``y`` in an ``.npz``).
    require_target : bool, default True
        Whether labels must be there. With False, for prediction, they are read where they are complete, and
        `y` is empty otherwise; the target column never counts among the features.
    require_classes : bool, default None
        Whether there must be two classes at least, as for training; None for what `require_target` says.
    text_columns : collection of str, default ()
        Names of columns that hold text even if it looks like numbers, such as the codes 007 and 042. The target among
        them keeps its labels as they stand: NA is the name of a class then.
    number_columns : collection of str, default ()
        Names of columns of features that must hold numbers; another field there is an error.
    strict : bool, default False
        Whether a field that makes text of a column of numbers is an error rather than a warning.
    encoding : str, default "utf-8"
        Of a ``.csv``.

    Returns
    -------
    Dataset
        Features as float64 with NaN where a value is missing, and True and False as 1 and 0, if no column holds
        text; bool and uint8 arrays in an ``.npz`` stay as they are. If any column holds text, an array of
        objects: `float` in columns of numbers, `bool` in columns of truth values, `str` without the blanks around
        it in columns of text, and None where a value is missing. Labels are int64 where all of them are whole
        numbers, otherwise text. There is a test split only in an ``.npz``.

    Raises
    ------
    DataError
        If the file cannot be read or is none of these kinds; has no rows, rows of unequal length, or columns
        without a name of their own; lacks one of `text_columns`; has infinite numbers, or features of a type that is
        none of these; or has no labels, incomplete ones, only one class, or measurements instead of classes.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from bitlocal.datasets import read_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "toy.csv"
    ...     _ = path.write_text("size,ripe,kind\n1.5,True,apple\n0.5,False,plum\n")
    ...     data = read_table(path, target="kind")
    >>> data.X.tolist(), data.y.tolist(), data.feature_names
    ([[1.5, 1.0], [0.5, 0.0]], ['apple', 'plum'], ('size', 'ripe'))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "toy.csv"
    ...     _ = path.write_text("size,ripe,colour,kind\n1.5,True,red,apple\n,False,?,plum\n")
    ...     data = read_table(path, target="kind")
    >>> data.X.tolist()
    [[1.5, True, 'red'], [None, False, None]]
    """
    path = Path(path)
    options = Options(
        require_target=require_target,
        require_classes=require_target if require_classes is None else require_classes,
        text_columns=frozenset(text_columns),
        number_columns=frozenset(number_columns),
        strict=strict,
        encoding=encoding,
    )
    with reading(path):
        # Whether it is there comes before what it is called.
        path.stat()
    if path.is_dir():
        raise DataError(f"{path}: this is a directory; give one of the files in it")
    name = path.name.lower()
    for ending, reader in _READERS.items():
        if name.endswith(ending):
            return reader(path, target, options)
    raise DataError(f"{path}: unknown kind of file; expected one whose name ends in {', '.join(_READERS)}")
