"""Features of a pre-trained network: images in, a file of uint8 features out, which any encoder takes.

A frozen network (the backbone) turns each image into a vector of features; these are mapped linearly to 0 ... 255, so
that the binary network on top needs no floating point. Backbones come from timm or torchvision, or from a file that
`torch.export` wrote; all of them need `pip install 'bitlocal[features]'`.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bitlocal.datasets.known.places import cache_folder
from bitlocal.errors import DataError
from bitlocal.files.atomic import write_file

_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
_SPLITS = {"train", "test"}
_EXPORTED = ".pt2"
_FORMAT = "1"  # changes whenever the same images would give other features


class Backbone(Protocol):
    """A network without its head."""

    name: str
    """Tells backbones with other features apart: it goes into the key of the cache."""
    size: int
    """Side of the square images that it takes."""

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn images of shape (n, size, size, 3) into features of shape (n, n_features)."""


@dataclass(frozen=True)
class Images:
    """Images with labels, read one after the other.

    Attributes
    ----------
    sources : sequence of Path, or ndarray of uint8, shape (n, height, width) or (n, height, width, channels)
        Files, or the images themselves.
    y : ndarray of shape (n,)
        Labels.
    """

    sources: Sequence[Path] | NDArray[np.uint8]
    y: NDArray[Any]

    def __len__(self) -> int:
        return len(self.sources)

    def digest(self) -> str:
        """Give a digest of the images, in order."""
        digest = hashlib.sha256()
        for source in self.sources:
            if isinstance(source, Path):
                content = source.read_bytes()
            else:
                content = np.ascontiguousarray(source).tobytes()
                digest.update(repr(source.shape).encode())
            digest.update(hashlib.sha256(content).digest())
        return digest.hexdigest()


@dataclass(frozen=True)
class Scale:
    """Maps features to uint8: linearly from the range of each, what lies outside to its ends.

    Attributes
    ----------
    low, high : ndarray of float32, shape (n_features,)
        What becomes 0 and 255.
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]

    @classmethod
    def of(cls, features: NDArray[np.float32]) -> Scale:
        """Find the range of training data, less 0.1 % of them at either end.

        Parameters
        ----------
        features : ndarray of float32, shape (n_samples, n_features)

        Returns
        -------
        Scale

        Examples
        --------
        >>> import numpy as np
        >>> from bitlocal.features import Scale
        >>> features = np.array([[0.0], [2.0], [4.0]], dtype=np.float32)
        >>> Scale.of(features)(features).ravel().tolist()
        [0, 128, 255]
        """
        left_out = len(features) // 1000
        ordered = np.sort(features, axis=0)
        return cls(ordered[left_out], ordered[len(features) - 1 - left_out])

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Map features; a feature that was the same in all training data becomes 0."""
        width = np.where(self.high > self.low, self.high - self.low, np.float32(np.inf))
        shares = (np.clip(features, self.low, self.high) - self.low) / width
        return np.rint(shares * 255).astype(np.uint8)


def read_images(path: Path) -> tuple[Images, Images | None]:
    """Find images with labels.

    Parameters
    ----------
    path : Path
        A folder with a sub-folder for each class, whose name is the label; or one with sub-folders "train" and "test",
        which hold these; or an .npz file with arrays X (uint8, shape (n, height, width) or (n, height, width,
        channels)) and y, and X_test and y_test if there is a test split.

    Returns
    -------
    images : Images
    test : Images or None

    Raises
    ------
    DataError
        If it is none of these.
    """
    if path.is_dir():
        names = {entry.name for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")}
        if names == _SPLITS:
            return _in_folder(path / "train"), _in_folder(path / "test")
        return _in_folder(path), None
    if not path.exists():
        raise DataError(f"{path}: there is no such folder or file; give a folder with a sub-folder for each class")
    if path.suffix.lower() != ".npz":
        raise DataError(f"{path}: expected a folder with a sub-folder for each class, or an .npz file")
    return _in_npz(path)


def _in_folder(folder: Path) -> Images:
    files: list[Path] = []
    labels: list[str] = []
    for of_class in sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")):
        found = sorted(file for file in of_class.rglob("*") if file.suffix.lower() in _ENDINGS and file.is_file())
        files += found
        labels += [of_class.name] * len(found)
    if not files:
        raise DataError(
            f"{folder}: no images found; expected a sub-folder for each class with files in it whose names end in "
            + ", ".join(_ENDINGS)
        )
    return Images(files, np.array(labels))


def _in_npz(path: Path) -> tuple[Images, Images | None]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("X", "y", "X_test", "y_test") if name in file.files}
    except (ValueError, OSError, KeyError, EOFError) as error:
        raise DataError(f"{path}: not an .npz file of plain arrays ({error}); save it with numpy.savez") from error
    parts = []
    for X_name, y_name in (("X", "y"), ("X_test", "y_test")):
        if X_name == "X_test" and not {"X_test", "y_test"} & set(arrays):
            break
        if X_name not in arrays or y_name not in arrays:
            raise DataError(f"{path}: expected arrays {X_name} of images and {y_name} of labels, got {sorted(arrays)}")
        X, y = arrays[X_name], arrays[y_name]
        if X.dtype != np.uint8 or X.ndim not in (3, 4) or X.size == 0 or (X.ndim == 4 and X.shape[3] not in (1, 3)):
            raise DataError(
                f"{path}: {X_name} is {X.dtype} of shape {X.shape}; expected uint8 of shape (n, height, width), or "
                "(n, height, width, channels) with 1 or 3 channels"
            )
        if y.ndim != 1 or len(y) != len(X) or y.dtype.kind not in "buifU":
            raise DataError(
                f"{path}: {y_name} is {y.dtype} of shape {y.shape}; expected {len(X)} labels, integers or text"
            )
        parts.append(Images(X, y))
    return parts[0], parts[1] if len(parts) == 2 else None


def extract(
    images: Images,
    backbone: Backbone,
    *,
    batch_size: int = 64,
    cache: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float32]:
    """Run a backbone over images, or take the features from the cache if it ran over the same ones before.

    Parameters
    ----------
    images : Images
        What to turn into features.
    backbone : Backbone
        Turns batches of images into features.
    batch_size : int, default=64
        Images in a batch.
    cache : Path, optional
        Folder that keeps features; the user's cache folder by default.
    progress : callable, optional
        Called with the number of images done, after each batch.

    Returns
    -------
    ndarray of float32, shape (n, n_features)

    Raises
    ------
    DataError
        If an image cannot be read, or the backbone gives features that are not finite.
    """
    folder = cache_folder() / "features" if cache is None else cache
    key = hashlib.sha256(json.dumps([_FORMAT, images.digest(), backbone.name, backbone.size]).encode()).hexdigest()
    kept = folder / f"{key}.npy"
    features = _cached(kept, len(images))
    if features is None:
        found = []
        for batch in _batches(images, backbone.size, batch_size):
            found.append(backbone(batch))
            if progress is not None:
                progress(min(len(found) * batch_size, len(images)))
        features = np.concatenate(found)
        if not np.isfinite(features).all():
            raise DataError(f"{backbone.name} gives features that are not finite; check its weights")
        content = io.BytesIO()
        np.save(content, features, allow_pickle=False)
        folder.mkdir(parents=True, exist_ok=True)
        write_file(kept, content.getvalue())
    return features


def _cached(path: Path, n: int) -> NDArray[np.float32] | None:
    try:
        features: NDArray[np.float32] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):  # not there, or damaged: work it out again
        return None
    return features if features.dtype == np.float32 and features.ndim == 2 and len(features) == n else None


def _batches(images: Images, size: int, batch_size: int) -> Iterator[NDArray[np.uint8]]:
    for first in range(0, len(images), batch_size):
        yield np.stack([_square(source, size) for source in images.sources[first : first + batch_size]])


def _square(source: Path | NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Scale the shorter side to `size` and cut the middle out, in three channels."""
    image_module = _need("PIL.Image")
    if isinstance(source, Path):
        try:
            with image_module.open(source) as file:
                image = file.convert("RGB")
        except (OSError, ValueError, SyntaxError, image_module.DecompressionBombError) as error:
            raise DataError(f"{source}: not an image that can be read ({error}); replace or remove it") from error
    else:
        array = source[:, :, 0] if source.ndim == 3 and source.shape[2] == 1 else source
        image = image_module.fromarray(np.ascontiguousarray(array)).convert("RGB")
    shorter = min(image.size)
    width, height = (max(size, round(side * size / shorter)) for side in image.size)
    image = image.resize((width, height), image_module.Resampling.BICUBIC)
    left, top = (width - size) // 2, (height - size) // 2
    return np.asarray(image.crop((left, top, left + size, top + size)), dtype=np.uint8)


# Backbones ---------------------------------------------------------------------------------------------------------


def load_backbone(
    name: str, *, weights: Path | None = None, random_weights: bool = False, size: int | None = None
) -> Backbone:
    """Load a network without its head.

    Parameters
    ----------
    name : str
        As timm or torchvision know it, as in "mobilenetv2_100" or "alexnet"; any name with an exported program.
    weights : Path, optional
        File to take instead of a download: a state dict in safetensors, or of torch.save (.pth); or a program of
        torch.export.save (.pt2) that takes any number of images, normalised as usual for ImageNet, and gives features.
        Use only programs that you trust.
    random_weights : bool, default=False
        Leave the weights random (the same in every run): a baseline, and of use without a network connection.
    size : int, optional
        Side of the images; what the backbone was trained on by default, or 224.

    Returns
    -------
    Backbone

    Raises
    ------
    DataError
        If torch, timm and torchvision are not installed, do not know the name, or have no weights for it.
    """
    torch = _need("torch")
    if weights is not None and not weights.is_file():
        raise DataError(f"{weights}: there is no such file; give one with the weights")
    digest = "" if weights is None else f" {hashlib.sha256(weights.read_bytes()).hexdigest()}"
    torch.manual_seed(0)
    if weights is not None and weights.suffix.lower() == _EXPORTED:
        try:
            program = torch.export.load(weights).module()
        except Exception as error:  # whatever an unreadable file can raise
            raise DataError(f"{weights}: not a program of torch.export.save ({_one_line(error)})") from error
        return _TorchBackbone(torch, program, f"exported {name}{digest}", size or 224)
    pretrained = weights is None and not random_weights
    origin = f"{digest}{' random' * random_weights}"
    problems = ["it is unknown to timm and torchvision"]
    for open_library in (_from_timm, _from_torchvision):
        try:
            found = open_library(name, pretrained)
        except _MissingPackageError as error:
            problems.append(str(error))
            continue
        if found is not None:
            library, model, own_size, normalise = found
            if weights is not None:
                _load_weights(torch, model, weights)
            return _TorchBackbone(torch, model.eval(), f"{library} {name}{origin}", size or own_size, *normalise)
    raise DataError(f"no backbone {name!r}: {'; '.join(problems)}; timm.list_models() lists names")


_Normalise = tuple[Sequence[float], Sequence[float]]
_IMAGENET: _Normalise = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_Found = tuple[str, Any, int, _Normalise]


def _from_timm(name: str, pretrained: bool) -> _Found | None:
    timm = _need("timm")
    if not timm.is_model(name):
        return None
    model = _with_weights(name, lambda: timm.create_model(name, pretrained=pretrained, num_classes=0))
    settings = model.pretrained_cfg
    normalise = (settings.get("mean", _IMAGENET[0]), settings.get("std", _IMAGENET[1]))
    return f"timm {timm.__version__}", model, int(settings.get("input_size", (3, 224, 224))[-1]), normalise


def _from_torchvision(name: str, pretrained: bool) -> _Found | None:
    torchvision, models, torch = _need("torchvision"), _need("torchvision.models"), _need("torch")
    if name not in models.list_models(module=models):
        return None
    model = _with_weights(name, lambda: models.get_model(name, weights="DEFAULT" if pretrained else None))
    for head in ("classifier", "fc", "heads", "head"):
        layers = getattr(model, head, None)
        if isinstance(layers, torch.nn.Sequential) and isinstance(layers[-1], torch.nn.Linear):
            layers[-1] = torch.nn.Identity()  # what goes into the last layer
        elif layers is not None:
            setattr(model, head, torch.nn.Identity())
    return f"torchvision {torchvision.__version__}", model, 224, _IMAGENET


def _with_weights(name: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception as error:  # whatever a download can raise
        raise DataError(
            f"the weights of {name!r} cannot be had ({_one_line(error)}); give them with "
            "--weights FILE, or take --random-weights"
        ) from error


def _load_weights(torch: Any, model: Any, path: Path) -> None:
    try:
        if path.suffix.lower() == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(str(path))
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)  # pickles could run code
            state = state.get("state_dict", state)
        wanted = model.state_dict()
        missing = [name for name in wanted if name not in state]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing[:3])}")
        model.load_state_dict({name: state[name] for name in wanted})  # but for the head, which is left out
    except Exception as error:
        raise DataError(f"{path}: these are not the weights of this backbone ({_one_line(error)})") from error


class _TorchBackbone:
    def __init__(
        self, torch: Any, model: Any, name: str, size: int, mean: Any = _IMAGENET[0], std: Any = _IMAGENET[1]
    ) -> None:
        self.name, self.size = name, size
        self._torch = torch
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = model.to(self._device)
        self._mean, self._std = (torch.tensor(list(v)).reshape(1, 3, 1, 1).to(self._device) for v in (mean, std))

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        with self._torch.inference_mode():
            batch = self._torch.from_numpy(images).to(self._device).permute(0, 3, 1, 2).float() / 255
            output = self._model((batch - self._mean) / self._std)
            if output.ndim == 4:  # maps: their means
                output = output.mean(dim=(2, 3))
            elif output.ndim == 3:  # tokens: their mean
                output = output.mean(dim=1)
            features: NDArray[np.float32] = output.float().cpu().numpy()
        return features


class _MissingPackageError(DataError):
    """A package of the extra is not there, or does not work."""


def _need(module: str) -> Any:
    """Import a module of the extra."""
    try:
        return importlib.import_module(module)
    except (ImportError, RuntimeError, OSError) as error:  # the latter: builds that do not fit each other
        package = "pillow" if module.startswith("PIL") else module.split(".")[0]
        raise _MissingPackageError(
            f"{package} cannot be used ({_one_line(error)}): pip install 'bitlocal[features]'"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
