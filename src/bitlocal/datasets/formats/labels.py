"""From labels as text to an array of integers or of text."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bitlocal.datasets.formats.columns import MISSING, TRUTH, is_missing_number
from bitlocal.datasets.formats.files import shown
from bitlocal.errors import DataError, DataWarning


def all_there(texts: Sequence[str], *, as_text: bool) -> bool:
    """Whether no label is missing."""
    return not _missing([text.strip() for text in texts], as_text=as_text)


def _missing(labels: Sequence[str], *, as_text: bool) -> list[int]:
    """Find the labels that are missing; beside numbers, so is what stands for a missing number."""
    if as_text:
        return [i for i, label in enumerate(labels) if not label]
    missing = [i for i, label in enumerate(labels) if label in MISSING]
    marks = {label for label in labels if is_missing_number(label)}
    others = set(labels) - marks
    if marks and others and _numbers(list(others)) is not None:
        return [i for i, label in enumerate(labels) if label in marks]
    return missing


def parse_labels(
    texts: Sequence[str], where: Callable[[int], str], *, as_text: bool = False
) -> NDArray[np.int64] | NDArray[np.str_]:
    """Turn labels into int64 where all of them are whole numbers, and leave them as text otherwise.

    Labels that are all truth values, in any case, become "True" and "False".

    Parameters
    ----------
    texts : sequence of str
        The labels; blank where one is missing. Blanks around a label are dropped.
    where : callable
        Gives the place of label number i for messages, such as ``"data.csv, line 7"``.
    as_text : bool, default False
        Leave the labels as they stand; then a blank one alone is missing.

    Returns
    -------
    ndarray of shape (n,)
        int64 or text.

    Raises
    ------
    DataError
        If a label is missing, or all labels are numbers but some are no whole numbers.
    """
    labels = [text.strip() for text in texts]
    missing = _missing(labels, as_text=as_text)
    # Python reads 1_000 as a number. In data it is a word.
    no_numbers = as_text or bool(missing) or any("_" in label for label in set(labels))
    numbers = None if no_numbers else _numbers(labels)
    if numbers is not None:
        missing = [i for i, number in enumerate(numbers) if math.isnan(number)]
    if missing:
        raise DataError(
            f"{where(missing[0])}: the target is missing (in {len(missing)} of {len(labels)} rows); "
            "fill in these labels or drop the rows, or say that the column holds text if this is the name of a class"
        )
    if not as_text and all(label.lower() in TRUTH for label in set(labels)):
        return np.array([label.capitalize() for label in labels], dtype=np.str_)
    if numbers is None:
        if not as_text:
            _tell_doubtful(labels, where)
        return np.array(labels, dtype=np.str_)
    for i, number in enumerate(numbers):
        if not (isinstance(number, int) or number.is_integer()):
            raise DataError(
                f"{where(i)}: the target {shown(labels[i])} is a number but not a whole one; bitlocal trains "
                "classifiers: give class labels (words or whole numbers), not measurements"
            )
    whole = [int(number) for number in numbers]
    if not -(2**63) <= min(whole) <= max(whole) < 2**63:
        # Too large to count with: these are names made of digits.
        return np.array(labels, dtype=np.str_)
    return np.array(whole, dtype=np.int64)


def _tell_doubtful(labels: Sequence[str], where: Callable[[int], str]) -> None:
    """Warn of words that are classes of their own, but hardly meant to be."""
    seen: dict[str, str] = {}
    truth = {label for label in set(labels) if label.lower() in TRUTH}
    all_numbers = bool(truth) and _numbers(list(set(labels) - truth)) is not None
    for i, label in enumerate(labels):
        # Capitals within a word, as in hid and hId, are there on purpose.
        plain = label in (label.lower(), label.upper(), label.capitalize())
        other = seen.setdefault(label.lower(), label) if plain else label
        if other != label:
            told = f"the labels {shown(other)} and {shown(label)} differ in case only"
        elif all_numbers and label in truth:
            told = f"the label {shown(label)} is a truth value, and others are numbers"
        else:
            continue
        warnings.warn(
            f"{where(i)}: {told}, and count as different classes; write them alike, or say that the column holds text",
            DataWarning,
            stacklevel=2,
        )
        return


def _numbers(labels: Sequence[str]) -> Sequence[int] | Sequence[float] | None:
    """Read all labels as numbers, exactly where they are whole; None if some are words."""
    for kind in (int, float):
        try:
            return [kind(label) for label in labels]
        except ValueError:
            continue
    return None


def label_text(value: object) -> str:
    """Write a single label as text: empty for None and for the number that is none (NaN)."""
    return "" if value is None or value != value else str(value)


def check_classes(y: NDArray[np.int64] | NDArray[np.str_], where: str) -> None:
    """Refuse labels that are all the same.

    Parameters
    ----------
    y : ndarray of shape (n,), n at least 1
        The labels.
    where : str
        The file and column, for the message.

    Raises
    ------
    DataError
        If there is only one class.
    """
    if bool((y == y[0]).all()):
        raise DataError(
            f"{where}: every target is {shown(y[0].item())}; a classifier needs at least two classes: check the target"
        )
