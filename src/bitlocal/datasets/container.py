"""What every loader returns."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.errors import DataError

_CELLS = (float, bool, str, type(None))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Dataset:
    """Features and labels, with their test split where there is an official one.

    Parameters
    ----------
    name : str
        Name of the data set, or of the file that it was read from.
    X : ndarray of shape (n, K)
        Features. Bits are bool, images are flattened and uint8. Tables of numbers are float64, with NaN where a
        value is missing. Tables in which some columns are text are object: `float`, `bool` or `str`, alike within
        a column, with None where a value is missing.
    y : ndarray of shape (n,), or (0,) where there are no labels
        Labels, int64 or text. Only data read for prediction may lack them, see `has_labels`.
    X_test, y_test : ndarray of shapes (m, K) and (m,), default None
        The official test split, both or neither.
    feature_names : tuple of str of length K, default None
        Names of the columns of `X`, where they have any.
    image_shape : tuple of int, default None
        Shape of one sample before it was flattened, such as ``(28, 28)``.
    target : str, default None
        Name of the column or array that held the labels.
    files, files_test : tuple of str of lengths n and m, default None
        Names of the files that the samples came from, below the folder that was read, where each has one of its own.

    Raises
    ------
    DataError
        If the arrays do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from bitlocal.datasets import Dataset
    >>> data = Dataset(name="toy", X=np.eye(3), y=np.arange(3))
    >>> data
    Dataset('toy', X=float64(3, 3), y=int64(3,))
    >>> data.has_labels
    True
    """

    name: str
    X: NDArray[Any]
    y: NDArray[Any]
    X_test: NDArray[Any] | None = None
    y_test: NDArray[Any] | None = None
    feature_names: tuple[str, ...] | None = None
    image_shape: tuple[int, ...] | None = None
    target: str | None = None
    files: tuple[str, ...] | None = None
    files_test: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        self._check_pair("X", self.X, "y", self.y, may_lack_labels=True)
        if (self.X_test is None) != (self.y_test is None):
            raise DataError(f"{self.name}: X_test and y_test go together, but one is missing; give both or neither")
        if self.X_test is not None and self.y_test is not None:
            self._check_pair("X_test", self.X_test, "y_test", self.y_test, may_lack_labels=False)
            if self.X_test.shape[1] != self.X.shape[1]:
                raise DataError(
                    f"{self.name}: X has {self.X.shape[1]} features but X_test has {self.X_test.shape[1]}; "
                    "the test split needs the same features"
                )
        if self.feature_names is not None and len(self.feature_names) != self.X.shape[1]:
            raise DataError(
                f"{self.name}: {len(self.feature_names)} feature names for {self.X.shape[1]} features; "
                "give one name a feature"
            )
        for name, files, x in (("files", self.files, self.X), ("files_test", self.files_test, self.X_test)):
            n = 0 if x is None else len(x)
            if files is not None and len(files) != n:
                raise DataError(f"{self.name}: {name} has {len(files)} names for {n} samples; give one name a sample")

    def _check_pair(self, x_name: str, x: NDArray[Any], y_name: str, y: NDArray[Any], *, may_lack_labels: bool) -> None:
        if x.ndim != 2 or x.dtype.kind not in "buifO":
            raise DataError(
                f"{self.name}: {x_name} must be numbers or objects in two dimensions (samples, features), "
                f"but it is {x.dtype} of shape {x.shape}; reshape or convert it"
            )
        if x.dtype.kind == "O":
            strange = sorted(t.__name__ for t in set(map(type, x.flat)) if not issubclass(t, _CELLS))
            if strange:
                raise DataError(
                    f"{self.name}: {x_name} holds objects of type {', '.join(strange[:5])}; expected float, bool, "
                    "str, and None where a value is missing: convert them"
                )
        if x.shape[0] == 0 or x.shape[1] == 0:
            raise DataError(f"{self.name}: {x_name} is empty (shape {x.shape}); give at least one sample and feature")
        if y.ndim != 1 or y.dtype.kind not in "iuU":
            raise DataError(
                f"{self.name}: {y_name} must be integers or text in one dimension, "
                f"but it is {y.dtype} of shape {y.shape}; reshape or convert it"
            )
        if len(y) != len(x) and not (may_lack_labels and len(y) == 0):
            raise DataError(
                f"{self.name}: {x_name} has {len(x)} samples but {y_name} has {len(y)} labels; give one label a sample"
            )

    def __repr__(self) -> str:
        """Describe the arrays instead of printing them."""
        arrays = {"X": self.X, "y": self.y, "X_test": self.X_test, "y_test": self.y_test}
        told = ", ".join(f"{key}={a.dtype.name}{a.shape}" for key, a in arrays.items() if a is not None)
        return f"Dataset({self.name!r}, {told})"

    @property
    def has_labels(self) -> bool:
        """Whether `y` holds labels; False only for unlabelled data read for prediction."""
        return len(self.y) > 0

    def fingerprint(self) -> str:
        """SHA-256 of `X` and `y`, by which to recognise the data that a model was trained on.

        The test split, the names and the width of the label type do not count. The same values give the same
        fingerprint on every machine.

        Returns
        -------
        str
            64 hexadecimal digits.

        Examples
        --------
        >>> import numpy as np
        >>> from bitlocal.datasets import Dataset
        >>> Dataset(name="toy", X=np.eye(2), y=np.arange(2)).fingerprint()[:8]
        'cbff6370'
        """
        digest = hashlib.sha256(b"bitlocal dataset 1\n")
        # Numbers are hashed in one byte order and one memory order, whatever this machine and this array use.
        if self.X.dtype.kind == "O":
            digest.update(f"X objects {self.X.shape[0]} {self.X.shape[1]}\n".encode())
            for row in self.X:
                digest.update(b"".join(map(_cell_bytes, row.tolist())))
        else:
            x = np.ascontiguousarray(self.X, dtype=self.X.dtype.newbyteorder("<"))
            digest.update(f"X {x.dtype.str} {x.shape[0]} {x.shape[1]}\n".encode())
            digest.update(x.data)
        labels: Sequence[object] = self.y.tolist()
        digest.update(f"y {'text' if self.y.dtype.kind == 'U' else 'integers'} {len(labels)}\n".encode())
        for label in labels:
            # Text, because the width of a NumPy text array depends on its longest entry. The length in front
            # keeps ("ab", "c") apart from ("a", "bc").
            digest.update(_text_bytes(str(label)))
        return digest.hexdigest()


def _cell_bytes(value: object) -> bytes:
    """Write a value of a table of objects, with its type in front."""
    if isinstance(value, str):
        return b"s" + _text_bytes(value)
    if isinstance(value, bool):
        return b"T" if value else b"F"
    if isinstance(value, float) and value == value:
        return struct.pack("<cd", b"d", value)
    return b"-"  # None, and NaN, which means the same


def _text_bytes(text: str) -> bytes:
    encoded = text.encode("utf-8", "surrogatepass")
    return b"%d:%s" % (len(encoded), encoded)
