"""Encoders of tables that know their columns by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitlocal.encoders.checks import require
from bitlocal.encoders.tables.columns import Column


class FeatureNames:
    """Remembers the names of the columns in `fit`, and finds the same columns in other tables."""

    n_features_in_: int
    feature_names_in_: NDArray[np.object_]

    def _fit_names(self, columns: list[Column]) -> list[Column]:
        if not columns or len(columns[0].values) < 2:
            n_samples = len(columns[0].values) if columns else 0
            raise ValueError(
                f"Found array with {n_samples} sample(s) and {len(columns)} feature(s) while a minimum of 2 samples "
                "and of 1 feature is required."
            )
        self.n_features_in_ = len(columns)
        names = [column.name for column in columns]
        if None not in names:
            self.feature_names_in_ = np.asarray(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return columns

    def _match(self, columns: list[Column]) -> list[Column]:
        """Give the columns of `fit`: by name where both tables have names, else by position."""
        wanted: Sequence[str] | None = getattr(self, "feature_names_in_", None)
        names = {column.name: column for column in columns}
        if wanted is not None and None not in names:
            missing = [name for name in wanted if name not in names]
            if missing:
                raise ValueError(
                    f"the table lacks columns that were there in fit: {', '.join(map(repr, missing[:5]))}; it has "
                    f"{', '.join(map(repr, list(names)[:20]))}"
                )
            return [names[name] for name in wanted]
        if len(columns) != self.n_features_in_:
            raise ValueError(f"X has {len(columns)} columns, but {self.n_features_in_} were there in fit")
        return columns

    def _names(self, input_features: ArrayLike | None) -> list[str]:
        known = getattr(self, "feature_names_in_", None)
        if input_features is None:
            return [f"x{i}" for i in range(self.n_features_in_)] if known is None else list(known)
        names = [str(name) for name in np.asarray(input_features, dtype=object)]
        if known is not None and names != list(known):
            raise ValueError("input_features is not equal to feature_names_in_")
        if len(names) != self.n_features_in_:
            raise ValueError(
                f"input_features should have length equal to number of features ({self.n_features_in_}), "
                f"got {len(names)}"
            )
        return names

    def _names_state(self) -> dict[str, Any]:
        return {"names": list(self.feature_names_in_)} if hasattr(self, "feature_names_in_") else {}

    def _set_names_state(self, values: Mapping[str, Any], n_features: int) -> None:
        self.n_features_in_ = n_features
        names = values.get("names")
        if names is not None:
            require(
                isinstance(names, list) and len(names) == n_features and all(type(name) is str for name in names),
                "the encoder's column names are not valid",
            )
            self.feature_names_in_ = np.asarray(names, dtype=object)
