"""Reading data from a file, or a folder of images, of the user's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path

from bitlocal.datasets.container import Dataset
from bitlocal.datasets.formats.csv_table import read_csv
from bitlocal.datasets.formats.files import reading
from bitlocal.datasets.formats.images import read_images
from bitlocal.datasets.formats.npz_table import read_npz
from bitlocal.datasets.formats.options import Options
from bitlocal.datasets.formats.parquet_table import read_parquet
from bitlocal.errors import DataError

_READERS: dict[str, Callable[..., Dataset]] = {
    ".csv": read_csv,
    ".csv.gz": read_csv,
    ".parquet": read_parquet,
    ".npz": read_npz,
    ".zip": read_images,
}


def holds_images(path: str | os.PathLike[str]) -> bool:
    """Tell whether `read_table` takes this for images: a folder, or a .zip file."""
    return os.path.isdir(path) or os.fspath(path).lower().endswith(".zip")


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
    resize: int | tuple[int, int] | None = None,
    image_shape: tuple[int, ...] | None = None,
) -> Dataset:
    r"""Read features and labels from a file, or from a folder of images.

    Every column decides, by all of its fields, what it holds: numbers; truth values, if all of its fields are True or
    False in any case; or else text, which stands for categories. Fields that are empty, ``?``, or what pandas, R and
    Excel write for a missing value (``NA``, ``#N/A``, ``<NA>``, ``NaN``, ``null``, ``None``) are missing values;
    beside numbers, so are a dash, a dot and such words in any case. A column in which most fields are numbers, though
    not all, or look like numbers or dates, is text, with a `DataWarning` that names the field. Where semicolons or
    tabs are the delimiter, numbers may have a comma before their fraction.

    Parameters
    ----------
    path : str or path-like
        One of:

        * ``.csv`` or ``.csv.gz``: text in UTF-8 with a header line, delimited by commas, semicolons or tabs;
        * ``.parquet``: needs the optional package pyarrow, ``pip install pyarrow``. Text is read as in a csv, what
          was saved as categories is text, and dates and timestamps are seconds since 1970;
        * ``.npz``: arrays ``X`` and ``y``, optionally ``X_test`` and ``y_test``. Samples of more than one
          dimension are flattened, and text is read as in a csv;
        * a folder, or a ``.zip`` file, of images: needs the optional package Pillow,
          ``pip install 'bitlocal[images]'``. See the notes.
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
        Whether a field that makes text of a column of numbers, or of what looks like them or dates, is an error rather
        than a warning.
    encoding : str, default "utf-8"
        Of a ``.csv``; one that begins with the mark of UTF-8 or UTF-16 is read as such.
    resize : int or tuple of int, default None
        Height and width to which images are brought, stretched if need be; one number for a square. None: they must be
        of one size.
    image_shape : tuple of int, default None
        Shape that images must have since a model was trained on such: another size is an error, and colours become
        grey, or the other way round. None: images are grey if all of them are, and in colour otherwise.

    Returns
    -------
    Dataset
        Features as float64 with NaN where a value is missing, and True and False as 1 and 0, if no column holds
        text; bool and uint8 arrays in an ``.npz`` stay as they are. If any column holds text, an array of
        objects: `float` in columns of numbers, `bool` in columns of truth values, `str` without the blanks around
        it in columns of text, and None where a value is missing. Labels are int64 where all of them are whole
        numbers, otherwise text. There is a test split only in an ``.npz`` and among images. Images are uint8.

    Raises
    ------
    DataError
        If the file cannot be read or is none of these kinds; has no rows, rows of unequal length, or columns
        without a name of their own; lacks one of `text_columns`; has infinite numbers, or features of a type that is
        none of these; or has no labels, incomplete ones, only one class, or measurements instead of classes. If images
        are damaged, or of several sizes, or a folder has none.

    Notes
    -----
    Images lie in a folder for each class, whose name is the label: ``CLASS/*.jpg``; or there are ``train/CLASS/*.jpg``
    and, for a test split, ``test/CLASS/*.jpg`` (or ``val``, ``valid``, ``validation``). There may be more folders in
    that of a class, and one around everything. The order is that of the sorted names. For prediction, with
    `require_target` False, images may also lie in one folder without classes; where there is a test split, it alone is
    read.

    PNG, JPEG, GIF (the first picture), BMP, WebP, TIFF, PPM and PGM are read; hidden and other files are not looked at.
    Images are turned upright as the camera noted; palettes, CMYK and such become RGB; of 16 bits, the upper 8 count;
    and what is transparent shows black behind it. A ``.zip`` file is read without unpacking it to the disk.

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
        resize=_height_and_width(resize),
        image_shape=image_shape,
    )
    with reading(path):
        # Whether it is there comes before what it is called.
        path.stat()
    if resize is not None and not holds_images(path):
        raise DataError(f"{path}: only images in a folder or .zip file can be resized; leave that out")
    if path.is_dir():
        return read_images(path, target, options)
    name = path.name.lower()
    for ending, reader in _READERS.items():
        if name.endswith(ending):
            return reader(path, target, options)
    raise DataError(
        f"{path}: unknown kind of file; expected one whose name ends in {', '.join(_READERS)}, or a folder of images"
    )


def _height_and_width(resize: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if resize is None:
        return None
    sides = (resize, resize) if isinstance(resize, int) else tuple(resize)
    if len(sides) != 2 or not all(isinstance(side, int) and 0 < side < 1 << 16 for side in sides):
        raise DataError(f"resize={resize!r}: expected height and width in pixels, below 65536, as in (28, 28)")
    return sides
