"""Splitting off a part of the data, the same way on every machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal import _core


def hold_out(labels: NDArray[Any], fraction: float, *, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split row numbers into a larger part and a held-out part, stratified by class.

    The samples are shuffled, then sorted by class; of every run of 1 / `fraction` samples one is held out, so that each
    class is represented in proportion to within one sample. No class is held out as a whole.

    Parameters
    ----------
    labels : array of shape (n_samples,)
        Class labels.
    fraction : float
        Share to hold out, 0 to 1.
    seed : int
        Seed of the shuffle.

    Returns
    -------
    rest, held_out : ndarray of int
        Row numbers, ascending.

    Raises
    ------
    ValueError
        If either part would be empty.

    Examples
    --------
    >>> import numpy as np
    >>> from bitlocal.splits import hold_out
    >>> rest, held_out = hold_out(np.array([0, 0, 0, 0, 1, 1, 1, 1]), 0.25, seed=0)
    >>> len(rest), len(held_out)
    (6, 2)
    """
    n = len(labels)
    n_held_out = round(n * fraction)
    if not 0 < n_held_out < n:
        raise ValueError(f"cannot hold out {fraction:g} of {n} samples: one part would be empty; use more data")
    shuffled = _core.permutation(seed, _core.Purpose.hold_out, 0, n).astype(np.intp)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    places = (2 * np.arange(n_held_out) + 1) * n // (2 * n_held_out)
    held_out = np.zeros(n, dtype=bool)
    held_out[by_class[places]] = True
    # A class must not be held out as a whole: its first sample in this order stays, even if it is the only one.
    _, first_of_class = np.unique(labels[by_class], return_index=True)
    for first, last in zip(first_of_class, [*first_of_class[1:], n], strict=True):
        if held_out[by_class[first:last]].all():
            held_out[by_class[first]] = False
    if not held_out.any():
        raise ValueError(f"cannot hold out {fraction:g} of {n} samples: every class has too few of them; use more data")
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
