"""From the places of images to a part for training and one for testing, and to the names of their classes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bitlocal.datasets.formats.files import shown, some_of
from bitlocal.datasets.formats.images.places import ENDINGS, Place, name_of
from bitlocal.errors import DataError, DataWarning

_TRAIN, _TEST, _VALIDATION = "train", "test", "validation"
_PARTS = {
    "train": _TRAIN,
    "training": _TRAIN,
    "test": _TEST,
    "testing": _TEST,
    "val": _VALIDATION,
    "valid": _VALIDATION,
    "validation": _VALIDATION,
}
_EXPECTED = "a folder for each class, CLASS/*.jpg, or train/CLASS/*.jpg and test/CLASS/*.jpg"


@dataclass(frozen=True)
class Part:
    """Images in order, and what classes they belong to.

    Attributes
    ----------
    places : list of tuple of str
        The images, sorted.
    labels : list of str or None
        Names of the folders; None where some of the images are in none.
    """

    places: list[Place]
    labels: list[str] | None


@dataclass(frozen=True)
class Layout:
    """The images to train on, or to predict, and those of a test split."""

    train: Part
    test: Part | None


def arrange(path: Path, images: Iterable[Place], folders: Iterable[Place], *, labelled: bool) -> Layout:
    """Find out what the folders mean.

    Parameters
    ----------
    path : Path
        Where all of it is, for messages.
    images, folders : iterable of tuple of str
        Images and all folders below it, by their places.
    labelled : bool
        Whether all images must have labels. If not, they are for prediction: the test split alone where there is one.

    Returns
    -------
    Layout

    Raises
    ------
    DataError
        If there are no images; or images must have labels, and some have none, or some folder has no images.
    """
    images, folders = sorted(images), sorted(folders)
    if not images:
        what = "this is a directory without images" if path.is_dir() else "there are no images in it"
        other = "; or give one of the files in it" if path.is_dir() else ""
        raise DataError(f"{path}: {what}; expected {_EXPECTED}, with names that end in {', '.join(ENDINGS)}{other}")
    depth = _wrapping(images, folders)
    top, folders = images[0][:depth], [f for f in folders if f[:depth] == images[0][:depth] and len(f) > depth]
    parts = _named_parts(path, depth, images, folders, labelled=labelled)
    if parts is None:
        return Layout(_part(path, top, images, folders, labelled=labelled), None)
    train, test = (None if name is None else (*top, name) for name in parts)
    if test is not None and (train is None or not labelled):
        train, test = test, None
    return Layout(
        _part(path, train or top, images, folders, labelled=labelled),
        None if test is None else _part(path, test, images, folders, labelled=labelled),
    )


def _wrapping(images: list[Place], folders: list[Place]) -> int:
    """Count the folders around everything, as a .zip file often has one; a folder of a class is none of these."""
    depth = 0
    while True:
        beside = {f[depth] for f in folders if len(f) == depth + 1 and f[:depth] == images[0][:depth]}
        names = {image[depth] for image in images} | {name for name in beside if name.casefold() in _PARTS}
        if len(names) > 1 or any(len(image) < depth + 3 for image in images):
            return depth
        depth += 1


def _named_parts(
    path: Path, depth: int, images: list[Place], folders: list[Place], *, labelled: bool
) -> tuple[str | None, str | None] | None:
    """Name the folders for training and testing; None if the folders are classes."""
    kinds = {f[depth]: _PARTS[f[depth].casefold()] for f in folders if f[depth].casefold() in _PARTS}
    by_kind = {kind: [name for name in kinds if kinds[name] == kind] for kind in (_TRAIN, _TEST, _VALIDATION)}
    others = [image for image in images if image[depth] not in kinds]
    has_classes = any(len(image) > depth + 2 for image in images if image[depth] in by_kind[_TRAIN])
    # A class may be called "train", beside "bus" and "ship": its images are right in its folder.
    if not kinds or (others and not has_classes):
        return None
    if others:
        raise DataError(
            f"{path}: images beside the folders {' and '.join(kinds)}: {some_of(map(name_of, others), 3)}; put them "
            "into one of these, or elsewhere"
        )
    for found in by_kind.values():
        if len(found) > 1:
            raise DataError(f"{path}: the folders {' and '.join(found)} are for the same; put them together")
    train, test, validation = (found[0] if found else None for found in by_kind.values())
    if train is None and labelled:
        raise DataError(
            f"{path}: there is {' and '.join(kinds)}, but no folder train; expected {_EXPECTED}: add it, or give the "
            "folder with the classes itself"
        )
    if test and validation and labelled:
        warnings.warn(
            f"{path}: the images in {validation} are left out, since there is {test}; move them into {train} to learn "
            "from them",
            DataWarning,
            stacklevel=2,
        )
    return train, test or validation


def _part(path: Path, top: Place, images: list[Place], folders: list[Place], *, labelled: bool) -> Part:
    """Take the images below a folder, each of whose folders is a class."""
    depth = len(top)
    inside = [image for image in images if image[:depth] == top]
    outside = [image for image in inside if len(image) == depth + 1]
    of_classes = {f[depth] for f in folders if len(f) > depth and f[:depth] == top}
    where = path.joinpath(*top)
    if not inside:
        raise DataError(f"{where}: there are no images in this folder; add some, or remove it")
    if not labelled:
        return Part(inside, None if outside else [image[depth] for image in inside])
    if outside:
        raise DataError(
            f"{where}: images outside of the folders of classes, so without labels: "
            f"{some_of((image[-1] for image in outside), 3)}; expected {_EXPECTED}"
        )
    empty = sorted(of_classes - {image[depth] for image in inside})
    if empty:
        raise DataError(
            f"{where}: no images in the folder {shown(empty[0])}"
            + (f", one of {len(empty)} such folders" if len(empty) > 1 else "")
            + "; each folder is a class: add images, or remove it"
        )
    return Part(inside, [image[depth] for image in inside])
