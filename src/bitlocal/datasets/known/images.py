"""Image sets: scikit-learn's digits, and those that come as four IDX files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.datasets.container import Dataset
from bitlocal.datasets.formats.idx import read_idx
from bitlocal.datasets.known import places
from bitlocal.datasets.known.download import SHA256, fetch
from bitlocal.errors import DataError

# Training features, training labels, test features, test labels.
_MNIST_STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_CIFAR10_STEMS = (
    "train-features-idx2-ubyte",
    "train-labels-idx1-ubyte",
    "test-features-idx2-ubyte",
    "test-labels-idx1-ubyte",
)


def load_digits() -> Dataset:
    """Load 1797 images of 8x8 pixels with grey values 0 to 16, which come with scikit-learn."""
    from sklearn.datasets import load_digits as load_from_sklearn

    bunch = load_from_sklearn()
    return Dataset(
        name="digits",
        X=np.asarray(bunch.data).astype(np.uint8),
        y=np.asarray(bunch.target).astype(np.int64),
        feature_names=tuple(str(name) for name in bunch.feature_names),
        image_shape=(8, 8),
    )


def load_mnist() -> Dataset:
    """Load MNIST: 60 000 + 10 000 handwritten digits of 28x28 pixels."""
    return _load_public("mnist")


def load_fashion_mnist() -> Dataset:
    """Load Fashion-MNIST: 60 000 + 10 000 pieces of clothing of 28x28 pixels."""
    return _load_public("fashion-mnist")


def load_cifar10_features() -> Dataset:
    """Load CIFAR-10 as features of a pretrained network; there is nowhere to download them from."""
    name = "cifar10-features"
    paths = _in_data_folder(name, _CIFAR10_STEMS)
    if paths is None:
        folder = places.data_folder()
        looked = "BITLOCAL_DATA is not set" if folder is None else f"looked in {folder / name}"
        raise DataError(
            f"data set '{name}' not found: {looked}; set BITLOCAL_DATA to a folder that holds "
            + ", ".join(f"{name}/{stem}.gz" for stem in _CIFAR10_STEMS)
        )
    return _assemble(name, _CIFAR10_STEMS, paths, feature_dimensions=2, sha256={})


def _load_public(name: str) -> Dataset:
    own = _in_data_folder(name, _MNIST_STEMS)
    if own is not None:
        # Not compared with the published content: users may put data of their own here.
        return _assemble(name, _MNIST_STEMS, own, feature_dimensions=3, sha256={})
    paths = _installed_or_downloaded(name)
    return _assemble(name, _MNIST_STEMS, paths, feature_dimensions=3, sha256=SHA256[name])


def _in_data_folder(name: str, stems: tuple[str, ...]) -> dict[str, Path] | None:
    """Find the files under BITLOCAL_DATA: all of them, or None where there is none of them."""
    root = places.data_folder()
    found = {} if root is None else places.find_files(root / name, stems)
    if root is None or not found:
        return None
    missing = [f"{stem}.gz" for stem in stems if stem not in found]
    if missing:
        # Going on to the published files would quietly train on other data than the user meant.
        raise DataError(
            f"{root / name}: the data set is incomplete, {', '.join(missing)} not found; add what is missing"
        )
    return found


def _installed_or_downloaded(name: str) -> dict[str, Path]:
    cache, system = places.cache_folder() / name, places.SYSTEM_FOLDER / name
    cached = places.find_files(cache, _MNIST_STEMS)
    for found in (cached, places.find_files(system, _MNIST_STEMS)):
        if len(found) == len(_MNIST_STEMS):
            return found
    try:
        if not places.downloads_allowed():
            raise DataError(f"downloads are forbidden by {places.OFFLINE_VARIABLE}")
        # An interrupted download goes on with the files that are still missing.
        return {stem: cached.get(stem) or fetch(name, stem, cache) for stem in _MNIST_STEMS}
    except DataError as error:
        root = places.data_folder()
        own = "BITLOCAL_DATA is not set" if root is None else str(root / name)
        files = ", ".join(f"{name}/{stem}.gz" for stem in _MNIST_STEMS)
        raise DataError(
            f"data set '{name}' not found: looked in {own}, {cache}, {system}, and could not download it: "
            f"{error}; set BITLOCAL_DATA to a folder that holds {files}, or connect to the network"
        ) from error


def _assemble(
    name: str,
    stems: tuple[str, ...],
    paths: Mapping[str, Path],
    *,
    feature_dimensions: int,
    sha256: Mapping[str, str],
) -> Dataset:
    train_x, train_y, test_x, test_y = (
        read_idx(paths[stem], ndim=dimensions, sha256=sha256.get(stem))
        for stem, dimensions in zip(stems, (feature_dimensions, 1, feature_dimensions, 1), strict=True)
    )
    if train_x.shape[1:] != test_x.shape[1:]:
        raise DataError(
            f"{paths[stems[2]]}: test samples of shape {test_x.shape[1:]}, but the training samples have "
            f"{train_x.shape[1:]}; check that the files belong together"
        )
    for stem, x, labels in ((stems[1], train_x, train_y), (stems[3], test_x, test_y)):
        if len(x) != len(labels):
            raise DataError(
                f"{paths[stem]}: {len(labels)} labels for {len(x)} samples; check that the files belong together"
            )
    return Dataset(
        name=name,
        X=_flat(train_x),
        y=train_y.astype(np.int64),
        X_test=_flat(test_x),
        y_test=test_y.astype(np.int64),
        image_shape=train_x.shape[1:] if feature_dimensions > 2 else None,
    )


def _flat(samples: NDArray[Any]) -> NDArray[Any]:
    return samples.reshape(len(samples), -1)
