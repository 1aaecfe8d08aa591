"""How a file of a user's own is read, whatever its format."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """What `bitlocal.datasets.read_table` was told.

    Attributes
    ----------
    require_target : bool
        Whether labels must be there; False for prediction.
    require_classes : bool
        Whether there must be two classes at least, as for training.
    text_columns : collection of str
        Columns that hold text, whatever it looks like; the target among them has its labels as they stand.
    number_columns : collection of str
        Columns of features that must hold numbers.
    strict : bool
        Whether an odd field that makes text of numbers is an error rather than a warning.
    encoding : str
        Of text.
    resize : tuple of int or None
        Height and width to bring images to.
    image_shape : tuple of int or None
        Shape of the images that a model was trained on, which those that are read must have, or get.
    """

    require_target: bool = True
    require_classes: bool = True
    text_columns: Collection[str] = ()
    number_columns: Collection[str] = ()
    strict: bool = False
    encoding: str = "utf-8"
    resize: tuple[int, int] | None = None
    image_shape: tuple[int, ...] | None = None
