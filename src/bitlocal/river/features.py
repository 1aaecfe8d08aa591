"""Dictionaries of features, which come and go, to the packed bits of a network, which has a fixed number of them."""

from __future__ import annotations

import datetime
import math
import numbers
from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from bitlocal.bits import PackedBits
from bitlocal.encoders import CategoryEncoder, TableEncoder, ThermometerEncoder
from bitlocal.encoders.base import Encoder, NumberEncoder
from bitlocal.encoders.resolve import make_encoder
from bitlocal.encoders.tables.columns import as_numbers, is_missing
from bitlocal.encoders.thresholds import bits_for
from bitlocal.samples import encode

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[Any, Any]
"""The features of a sample by name."""


class Features:
    """Which features there are, in which order, and their fitted encoder.

    Parameters
    ----------
    names : sequence
        Names of the features, of any type that can be hashed.
    encoder : Encoder
        Fitted on a table of these columns. It knows them by their place alone: to look names up here takes no time.
    """

    def __init__(self, names: Sequence[Any], encoder: Encoder) -> None:
        self.names = list(names)
        self.encoder = encoder

    def encode(self, rows: Sequence[Row]) -> PackedBits:
        """Encode samples.

        Parameters
        ----------
        rows : sequence of mapping
            Features by name. What is not there is a missing value, what the encoder does not know is left aside.

        Returns
        -------
        PackedBits

        Raises
        ------
        ValueError
            If a feature that was a number is none any more, or is infinite.
        """
        if not self.encoder.takes_raw_samples:
            return encode(self.encoder, _numbers(self.names, rows))
        try:
            return encode(self.encoder, _objects(self.names, rows))
        except ValueError as error:
            raise ValueError(
                f"{error}; column 0 is the feature {self.names[0]!r}, and they are sorted by name"
            ) from error


def features_of(encoder: object) -> Features | None:
    """Give what a fitted encoder knows of the features; None where samples are needed to fit one.

    Raises
    ------
    ValueError
        If it is no encoder of tables, or was fitted on a table without names.
    """
    if isinstance(encoder, str):
        encoder = make_encoder(encoder)
    if encoder is None:
        return None
    if not isinstance(encoder, (NumberEncoder, TableEncoder, CategoryEncoder)):
        raise ValueError(
            f"encoder={encoder!r}: expected an encoder of tables (ThermometerEncoder, MedianBinarizer, TableEncoder or "
            "CategoryEncoder), the name of one, or None"
        )
    if not hasattr(encoder, "n_features_in_"):
        return None
    if not hasattr(encoder, "feature_names_in_"):
        raise ValueError(
            f"encoder={encoder!r} was fitted on a table without names, so its features cannot be found in a stream: "
            "fit it on a DataFrame"
        )
    encoder = deepcopy(encoder)
    names = encoder.feature_names_in_.tolist()
    del encoder.feature_names_in_
    return Features(names, encoder)


def fit_features(encoder: str | Encoder | None, rows: Sequence[Row], labels: Sequence[int]) -> Features | None:
    """Fit an encoder on the first samples of a stream.

    Parameters
    ----------
    encoder : str, Encoder or None
        Not fitted, or the name of one; None for what suits the values.
    rows : sequence of mapping
        Features by name, at least two.
    labels : sequence of int
        Classes of the samples.

    Returns
    -------
    Features or None
        None if no feature tells samples apart.

    Raises
    ------
    ValueError
        If a feature has values that the encoder does not take, such as times among numbers.
    """
    names = sorted({name for row in rows for name in row}, key=lambda name: (str(name), type(name).__name__))
    if not names:
        return None
    if isinstance(encoder, str):
        chosen: Encoder = make_encoder(encoder)
    elif encoder is not None:
        chosen = clone(encoder)
    else:
        has_more = any(isinstance(value, (str, datetime.date, np.datetime64)) for row in rows for value in row.values())
        chosen = TableEncoder() if has_more else ThermometerEncoder(bits_for(len(names)))
    chosen.fit(_objects(names, rows) if chosen.takes_raw_samples else _numbers(names, rows), labels)
    return Features(names, chosen) if chosen.n_bits_ else None


def rows_of(X: pd.DataFrame) -> list[Row]:
    """Give the samples of a DataFrame as River gives them one by one."""
    columns = [X.iloc[:, i].tolist() for i in range(X.shape[1])]
    return [dict(zip(X.columns, values, strict=True)) for values in zip(*columns, strict=True)] or [{}] * len(X)


_KINDS = (str, numbers.Number, Decimal, np.bool_, datetime.date, np.datetime64)


def check_values(row: Row) -> None:
    """Refuse what no encoder of tables takes, before it is kept for one.

    Raises
    ------
    ValueError
        If a value is infinite, or neither a number, text, a time nor missing.
    """
    for name, value in row.items():
        if isinstance(value, (float, np.floating)) and math.isinf(value):
            raise ValueError(
                f"feature {name!r} is infinite: replace it by a number, or by None or NaN if the value is missing"
            )
        if not isinstance(value, _KINDS) and not (np.ndim(value) == 0 and is_missing(value)):
            raise ValueError(
                f"feature {name!r}: a value of type {type(value).__name__} is neither a number, text nor a time: "
                "leave it out"
            )


def _numbers(names: Sequence[Any], rows: Sequence[Row]) -> NDArray[np.float64]:
    values = [[row.get(name) for name in names] for row in rows]
    try:
        table = np.array(values, dtype=np.float64)  # None becomes NaN
    except (TypeError, ValueError):  # what else stands for a missing value; or no numbers
        table = np.stack(
            [as_numbers(f"feature {n!r}", c) for n, c in zip(names, _objects(names, rows).T, strict=True)], 1
        )
    if np.isinf(table).any():
        for row in rows:
            check_values(row)
    return table


def _objects(names: Sequence[Any], rows: Sequence[Row]) -> NDArray[np.object_]:
    table = np.empty((len(rows), len(names)), dtype=object)
    for i, row in enumerate(rows):
        table[i] = [row.get(name) for name in names]
    return table
