"""The one list of data sets that are known by name."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from bitlocal.datasets.container import Dataset
from bitlocal.datasets.known.images import load_cifar10_features, load_digits, load_fashion_mnist, load_mnist
from bitlocal.datasets.known.prototypes import load_prototypes
from bitlocal.datasets.known.uci import load_uci
from bitlocal.errors import DataError


@dataclass(frozen=True)
class _Entry:
    loader: Callable[..., Dataset]
    description: str
    aliases: tuple[str, ...] = ()


def _uci(name: str, description: str, *aliases: str) -> _Entry:
    return _Entry(partial(load_uci, name), description, aliases)


# A loader's keyword parameters are the options of `load`; one of them may be `seed`.
_REGISTRY: dict[str, _Entry] = {
    "digits": _Entry(load_digits, "handwritten digits of 8x8 pixels, part of scikit-learn; 1797 samples, 10 classes"),
    "mnist": _Entry(load_mnist, "handwritten digits of 28x28 pixels; 60 000 + 10 000 samples, 10 classes"),
    "fashion-mnist": _Entry(load_fashion_mnist, "clothing of 28x28 pixels; 60 000 + 10 000 samples, 10 classes"),
    "cifar10-features": _Entry(
        load_cifar10_features,
        "CIFAR-10 as features of a pretrained network; 50 000 + 10 000 samples, 10 classes",
    ),
    "prototypes": _Entry(load_prototypes, "synthetic: noisy copies of random bit patterns, drawn from the seed"),
    "dna": _uci("dna", "splice junctions in DNA, 180 bits; 3186 samples, 3 classes"),
    "vehicle": _uci("vehicle", "vehicles by their silhouettes, 18 features; 846 samples, 4 classes"),
    "vowel": _uci("vowel", "spoken English vowels, 10 features; 990 samples, 11 classes"),
    "sonar": _uci("sonar", "sonar echoes of mines and rocks, 60 features; 208 samples, 2 classes"),
    "pimaindiansdiabetes2": _uci(
        "pimaindiansdiabetes2", "onset of diabetes, 8 features with holes; 768 samples, 2 classes", "pima"
    ),
    "housevotes84": _uci(
        "housevotes84",
        "party by votes cast in 1984, 16 categories with holes; 435 samples, 2 classes",
        "housevotes",
    ),
    "glass": _uci("glass", "kinds of glass by their composition, 9 features; 214 samples, 6 classes"),
    "zoo": _uci("zoo", "kinds of animals by their traits, 16 features; 101 samples, 7 classes"),
    "breastcancer": _uci("breastcancer", "tumours by their cells, 9 features with holes; 699 samples, 2 classes"),
    "shuttle": _uci("shuttle", "states of radiators, 9 features, very unbalanced; 58 000 samples, 7 classes"),
}


def names() -> tuple[str, ...]:
    """Names of the known data sets, in the order of the list.

    Returns
    -------
    tuple of str
        Canonical names. `load` knows a few aliases besides, such as ``pima``.

    Examples
    --------
    >>> from bitlocal.datasets import names
    >>> names()[:3]
    ('digits', 'mnist', 'fashion-mnist')
    """
    return tuple(_REGISTRY)


def describe() -> dict[str, str]:
    """Say in a line what each known data set is.

    Returns
    -------
    dict of str to str
        Name and description, in the order of `names`.

    Examples
    --------
    >>> from bitlocal.datasets import describe
    >>> describe()["sonar"]
    'sonar echoes of mines and rocks, 60 features; 208 samples, 2 classes'
    """
    return {name: entry.description for name, entry in _REGISTRY.items()}


def load(name: str, *, seed: int = 0, **options: Any) -> Dataset:
    """Load a data set by its name.

    ``mnist`` and ``fashion-mnist`` are looked for under ``$BITLOCAL_DATA/<name>/``, in the user's cache and
    under ``/usr/share/datasets/<name>/``, and otherwise downloaded into the cache unless
    ``BITLOCAL_OFFLINE=1``. The tables are read from ``$BITLOCAL_DATA/uci/`` and ``cifar10-features`` from
    ``$BITLOCAL_DATA/cifar10-features/``.

    Parameters
    ----------
    name : str
        One of `names`, or an alias.
    seed : int, default 0
        Which draw of a synthetic data set; the others do not depend on it.
    **options
        Options of the data set. Only ``prototypes`` has any: ``n_classes``, ``n_features``, ``n_train``,
        ``n_test``, ``prototypes_per_class`` and ``noise``.

    Returns
    -------
    Dataset
        The data, as it is.

    Raises
    ------
    DataError
        If the name or an option is unknown, or the data cannot be found, downloaded or read.

    Examples
    --------
    >>> from bitlocal.datasets import load
    >>> load("digits")
    Dataset('digits', X=uint8(1797, 64), y=int64(1797,))
    """
    loader = _find(name).loader
    known = inspect.signature(loader).parameters
    unknown = sorted(set(options) - set(known))
    if unknown:
        has = ", ".join(option for option in known if option != "seed") or "none"
        raise DataError(f"data set '{name}' has no option '{unknown[0]}'; its options are: {has}")
    if "seed" in known:
        options["seed"] = seed
    return loader(**options)


def _find(name: str) -> _Entry:
    by_name = {alias: entry for key, entry in _REGISTRY.items() for alias in (key, *entry.aliases)}
    if name in by_name:
        return by_name[name]
    close = difflib.get_close_matches(name.lower(), by_name, n=1)
    guess = f"did you mean '{close[0]}'? " if close else ""
    raise DataError(
        f"there is no data set {name!r}: {guess}known names are {', '.join(_REGISTRY)}; a file is read by "
        "its path instead"
    )
