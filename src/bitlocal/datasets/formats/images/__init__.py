"""Reading images from a folder or a .zip file, in which the folders' names are the labels."""

from __future__ import annotations

import itertools
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitlocal.datasets.container import Dataset
from bitlocal.datasets.formats.images.layout import Layout, Part, arrange
from bitlocal.datasets.formats.images.pixels import Decoder
from bitlocal.datasets.formats.images.places import Place, Places, PlacesInFolder, PlacesInZip, name_of
from bitlocal.datasets.formats.images.stack import Wanted, stack
from bitlocal.datasets.formats.labels import check_classes, parse_labels
from bitlocal.datasets.formats.options import Options
from bitlocal.errors import DataError

_TARGET = "target"  # what the labels are called, as if they were a column


def read_images(path: Path, target: str | None, options: Options) -> Dataset:
    """Read a folder or a .zip file of images; see `bitlocal.datasets.read_table`."""
    if target not in (None, _TARGET):
        raise DataError(
            f"{path}: images have no column {target!r}, their folders are their labels; leave out the target"
        )
    strange = set(options.text_columns) - {_TARGET}
    if strange:
        raise DataError(
            f"{path}: images have no column {min(strange)!r} to take as text; '{_TARGET}' stands for the names of "
            "their folders"
        )
    decoder = Decoder(path)
    places: Places = PlacesInFolder(path) if path.is_dir() else PlacesInZip(path)
    with closing(places):
        layout = arrange(path, *places.listing(), labelled=options.require_target)
        # What takes no time comes first: labels that are no classes are told of before any image is read.
        y, y_test = _labels(path, layout, options)
        parts = [part for part in (layout.train, layout.test) if part is not None]
        everything = list(itertools.chain.from_iterable(part.places for part in parts))
        pixels = stack(path, places, everything, decoder, Wanted(options.resize, options.image_shape))
    n = len(layout.train.places)
    flat = pixels.reshape(len(pixels), -1)
    return Dataset(
        name=path.name or path.resolve().name,
        X=flat[:n],
        y=y,
        X_test=None if layout.test is None else flat[n:],
        y_test=None if layout.test is None else y_test,
        image_shape=pixels.shape[1:],
        files=_names(layout.train.places),
        files_test=None if layout.test is None else _names(layout.test.places),
    )


def _names(places: list[Place]) -> tuple[str, ...]:
    return tuple(map(name_of, places))


_Labels = NDArray[np.int64] | NDArray[np.str_]


def _labels(path: Path, layout: Layout, options: Options) -> tuple[_Labels, _Labels]:
    """Turn names of folders into labels, of both parts at once: whole numbers in both, or text in both."""
    train, test = layout.train, layout.test or Part([], [])
    none = np.empty(0, dtype=np.int64)
    if train.labels is None or test.labels is None:
        return none, none
    places = train.places + test.places

    def where(i: int) -> str:
        return f"{path}, folder of {name_of(places[i])}"

    try:
        y = parse_labels(train.labels + test.labels, where, as_text=_TARGET in options.text_columns)
    except DataError:
        if options.require_target:
            raise
        return none, none  # folders that are no classes are of no use for prediction, and no harm
    n = len(train.labels)
    if options.require_classes:
        check_classes(y[:n], f"{path}, names of folders")
    return y[:n], y[n:]
