"""Columns that can be encoded, though probably not as they are meant."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

from bitlocal.encoders.tables.columns import Column, is_number
from bitlocal.errors import DataWarning


def tell_numbers_in_text(columns: Sequence[Column], max_categories: int) -> None:
    """Warn of text that is mostly numbers, of which there are more than can have bits, or none comes again.

    It was left as text by whatever read it, since a field or two are something else.
    """
    for i, column in enumerate(columns):
        if not column.loose:
            continue
        counts = Counter(value for value in column.values.tolist() if value is not None)
        n = sum(counts.values())
        n_numbers = sum(k for value, k in counts.items() if is_number(value))
        too_many = len(counts) > max_categories or len(counts) == n > 2
        if too_many and 2 * n_numbers > n and any(isinstance(value, str) for value in counts):
            odd = next((value for value in counts if not is_number(value)), next(iter(counts)))
            what = f"column {i if column.name is None else repr(column.name)}"
            warnings.warn(
                f"{what} is text, as in {odd!r}, though {n_numbers} of its {n} values are numbers, and is encoded as "
                "categories: make numbers of it, as by pandas.to_numeric(..., errors='coerce'), or a categorical type "
                "if these are names",
                DataWarning,
                stacklevel=3,
            )


def tell_index(names: Sequence[object]) -> None:
    """Warn of what pandas calls a column without a name: a row index that was saved, which tells rows apart."""
    for name in names:
        if isinstance(name, str) and name.startswith("Unnamed: "):
            warnings.warn(
                f"column {name!r} is a row index that was saved and read as a column: drop it, or rename it if it "
                "tells something of the samples",
                DataWarning,
                stacklevel=3,
            )
