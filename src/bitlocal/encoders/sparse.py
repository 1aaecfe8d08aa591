"""Sparse tables of numbers, which never become dense: SciPy's matrices, and DataFrames whose columns are all sparse.

Both become compressed rows (CSR) with one entry for a place. A number that is not stored is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csc_array
from sklearn.utils.validation import check_array, check_X_y, validate_data

from bitlocal.bits import canonical_rows, is_sparse


class SparseRows:
    """The rows of a sparse matrix, with a length in samples, which SciPy's matrices do not have.

    Attributes
    ----------
    matrix : compressed rows (CSR)
        One entry for a place.
    """

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix

    def __len__(self) -> int:
        return int(self.matrix.shape[0])


def is_sparse_table(X: object) -> bool:
    """Tell whether this is a sparse matrix, or a DataFrame whose columns are all sparse numbers."""
    return is_sparse(X) or is_sparse_frame(X)


def is_sparse_frame(X: Any) -> bool:
    """Tell whether this is a pandas DataFrame whose columns are all sparse, and numbers or truth values."""
    dtypes = _dtypes(X)
    return bool(dtypes) and all(_is_sparse_dtype(dtype) and dtype.subtype.kind in "buif" for dtype in set(dtypes))


def as_matrix(X: Any) -> Any:
    """Give a table for which `is_sparse_table` holds as a sparse matrix."""
    return X if is_sparse(X) else _from_frame(X)


def checked(estimator: Any, X: Any, y: Any = None, *, reset: bool, **options: Any) -> Any:
    """Check samples as scikit-learn's `validate_data` does, and take sparse ones, too.

    Parameters
    ----------
    estimator : estimator
        Where the number and the names of the features are noted or looked up.
    X : array-like, sparse matrix or DataFrame
        Samples.
    y : array-like, optional
        Class labels.
    reset : bool
        Whether features are noted, rather than compared with those noted.
    **options
        As of `check_array`.

    Returns
    -------
    X or (X, y)
        An array, or compressed rows (CSR), with one entry for a place, where the samples are sparse.
    """
    options["accept_sparse"] = "csr"
    if not is_sparse_frame(X):
        X = canonical_rows(X) if is_sparse(X) and len(X.shape) == 2 else without_sparse_columns(_with_nan(X))
        return validate_data(estimator, X, **({} if y is None else {"y": y}), reset=reset, **options)
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    if y is None:
        return check_array(_from_frame(X), estimator=estimator, input_name="X", **options)
    return check_X_y(_from_frame(X), y, estimator=estimator, **options)


def _with_nan(X: Any) -> Any:
    """Give a DataFrame whose columns of objects have NaN for what is missing: pandas' NA cannot become a number."""
    objects = [i for i, dtype in enumerate(_dtypes(X)) if dtype == np.dtype(object)]
    if objects:
        X = X.copy(deep=False)
        for i in objects:
            column = X.iloc[:, i]
            X.isetitem(i, column.where(column.notna(), np.nan))
    return X


def without_sparse_columns(X: Any) -> Any:
    """Give a DataFrame with dense columns in place of the sparse ones; anything else as it is."""
    sparse = [i for i, dtype in enumerate(_dtypes(X)) if _is_sparse_dtype(dtype)]
    if sparse:
        X = X.copy(deep=False)
        for i in sparse:
            X.isetitem(i, X.iloc[:, i].sparse.to_dense())
    return X


def _dtypes(X: Any) -> list[Any]:
    """Give the types of a pandas DataFrame's columns; of anything else none."""
    return list(X.dtypes) if hasattr(X, "isetitem") and hasattr(X, "dtypes") else []


def _is_sparse_dtype(dtype: Any) -> bool:
    return type(dtype).__name__ == "SparseDtype"


def _from_frame(X: Any) -> Any:
    n_samples = len(X)
    places, values, widths = [], [], [0]
    for _, series in X.items():
        array = series.array
        if array.fill_value == 0:
            place, value = array.sp_index.to_int_index().indices, array.sp_values
        else:  # what is not stored is not zero: this column is stored entirely
            value = array.to_dense()
            place = np.arange(n_samples, dtype=np.int32)
        places.append(place)
        values.append(value)
        widths.append(len(value))
    dtype = np.result_type(*(one.subtype for one in set(X.dtypes)))
    stored = np.concatenate(values).astype(dtype, copy=False)
    return csc_array((stored, np.concatenate(places), np.cumsum(widths)), shape=X.shape).tocsr()
