"""Model files: safetensors with a versioned JSON header. No pickle; a file is checked before anything is believed.

Layout
------
The tensors are those of `BinaryNetwork.to_arrays`, and `encoder.columns` and `encoder.thresholds` where there is an
encoder, in the smallest type that holds them exactly. The file's metadata has two entries: `bitlocal`, a JSON object (see
`_header`), and `sha256`, a digest of that text and of all tensors.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_safetensors

from bitlocal.encoders import MedianBinarizer, ThermometerEncoder, ThresholdEncoder
from bitlocal.errors import ModelFileError
from bitlocal.estimator import BMLPClassifier
from bitlocal.network import BinaryNetwork, NetworkConfig, TrainingState
from bitlocal.training import EpochRecord

FORMAT_VERSION = 1

_ENCODERS: dict[str, type[ThresholdEncoder]] = {
    cls.__name__: cls for cls in (MedianBinarizer, ThermometerEncoder)
}
_Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class TrainingData:
    """Which data a model was trained on, so that the same part of them can be held out again.

    Attributes
    ----------
    name : str
        Name of the data set or file.
    fingerprint : str
        Digest of features and labels.
    target : str or None
        Name of the target column.
    test_fraction : float
        Share that was held out for testing; 0 if the data have a test split of their own, or none was held out.
    split_seed : int
        Seed of that split.
    feature_names : tuple of str or None
        Names of the columns, to match those of other tables.
    """

    name: str
    fingerprint: str
    target: str | None = None
    test_fraction: float = 0.0
    split_seed: int = 0
    feature_names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Model:
    """What a model file holds.

    Attributes
    ----------
    classifier : BMLPClassifier
        Fitted.
    data : TrainingData or None
        What it was trained on, if that was recorded.
    """

    classifier: BMLPClassifier
    data: TrainingData | None


def save(
    classifier: BMLPClassifier,
    path: str | os.PathLike[str],
    *,
    inference_only: bool = False,
    data: TrainingData | None = None,
) -> None:
    """Write a fitted classifier to a file, whole or not at all.

    Parameters
    ----------
    classifier : BMLPClassifier
        A fitted classifier.
    path : path-like
        The file; an existing one is replaced.
    inference_only : bool, default=False
        Leave out the hidden weights: the file is about 16 times smaller, and the model can no longer be trained.
    data : TrainingData, optional
        What it was trained on, to record it.

    Raises
    ------
    ModelFileError
        If the classifier has an encoder or class labels that a model file cannot hold.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib, bitlocal
    >>> clf = bitlocal.BMLPClassifier((45,), encoder=None, random_state=0).fit([[0, 1], [1, 0]] * 9, ["a", "b"] * 9)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "model.safetensors"
    ...     bitlocal.save(clf, path)
    ...     bitlocal.load(path).predict([[1, 0]]).tolist()
    ['b']
    """
    content = dump(classifier, inference_only=inference_only, data=data)
    path = Path(path)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(part, 0o666 & ~_umask())  # mkstemp is stricter than an ordinary new file
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def load(path: str | os.PathLike[str]) -> BMLPClassifier:
    """Read a fitted classifier from a file.

    Parameters
    ----------
    path : path-like
        A file that `save` or the command line wrote. It need not be trusted.

    Returns
    -------
    BMLPClassifier
        It predicts exactly as the one that was saved and, unless it was saved for inference only, trains on exactly as
        that one would have.

    Raises
    ------
    ModelFileError
        If the file is not a bitlocal model, is damaged, or was written by a newer version.
    OSError
        If the file cannot be read.
    """
    return load_model(path).classifier


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read a classifier as `load` does, with what was recorded of its training data."""
    path = Path(path)
    text, arrays = _read(path)
    try:
        header = json.loads(text)
        version = header["version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelFileError(f"{path}: damaged model file: its header is not valid; save the model again") from error
    if version != FORMAT_VERSION:
        raise ModelFileError(
            f"{path}: model format {version!r}, but this version of bitlocal reads format {FORMAT_VERSION}; "
            "use the version that wrote it, or a newer one"
        )
    try:
        return _restore(header, arrays)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, IndexError) as error:
        raise ModelFileError(f"{path}: damaged model file: {error}; save the model again") from error


def dump(
    classifier: BMLPClassifier, *, inference_only: bool = False, data: TrainingData | None = None
) -> bytes:
    """Give the content of the file that `save` would write."""
    arrays = classifier.network_.to_arrays(inference_only=inference_only)
    arrays.update(_encoder_arrays(classifier.encoder_))
    text = json.dumps(_header(classifier, inference_only, data), separators=(",", ":"))
    content: bytes = to_safetensors(arrays, metadata={"bitlocal": text, "sha256": _digest(text, arrays)})
    return content


# Header ------------------------------------------------------------------------------------------------------------


def _header(classifier: BMLPClassifier, inference_only: bool, data: TrainingData | None) -> dict[str, Any]:
    names = getattr(classifier, "feature_names_in_", None)
    header: dict[str, Any] = {
        "version": FORMAT_VERSION,
        "network": asdict(classifier.network_.config),
        "state": asdict(classifier.network_.state),
        "parameters": _parameters(classifier),
        "classes": _classes_to_json(classifier.classes_),
        "n_features_in": classifier.n_features_in_,
        "feature_names_in": None if names is None else list(names),
        "encoder": _encoder_to_json(classifier.encoder_),
        "n_iter": classifier.n_iter_,
        "data": None if data is None else asdict(data),
    }
    if not inference_only:
        header["history"] = [asdict(record) for record in classifier.history_]
    return header


def _restore(header: Mapping[str, Any], arrays: _Arrays) -> Model:
    parameters = dict(header["parameters"])
    parameters["hidden_layer_sizes"] = tuple(parameters["hidden_layer_sizes"])
    if isinstance(parameters["encoder"], dict):
        parameters["encoder"] = _encoder_from_json(parameters["encoder"])
    classifier = BMLPClassifier(**parameters)
    classifier._check_parameters()

    config = dict(header["network"])
    config["hidden_layer_sizes"] = tuple(config["hidden_layer_sizes"])
    classifier.classes_ = _classes_from_json(header["classes"])
    if config["n_classes"] != len(classifier.classes_):
        raise ValueError(f"{len(classifier.classes_)} class labels for {config['n_classes']} classes")
    state = TrainingState(**header["state"])
    classifier.network_ = BinaryNetwork.from_arrays(NetworkConfig(**config), state, arrays)
    classifier.n_features_in_ = int(header["n_features_in"])
    if header["feature_names_in"] is not None:
        classifier.feature_names_in_ = np.array(header["feature_names_in"], dtype=object)
    classifier.encoder_ = _encoder_from_json(header["encoder"])
    if classifier.encoder_ is not None:
        _restore_encoder(classifier, arrays)
    elif classifier.n_features_in_ != config["n_inputs"]:
        raise ValueError(f"{classifier.n_features_in_} features for {config['n_inputs']} input bits")
    classifier.n_iter_ = int(header["n_iter"])
    classifier.history_ = [
        EpochRecord(**{**record, "error_share": tuple(record["error_share"])}) for record in header.get("history", [])
    ]
    return Model(classifier, _data_from_json(header["data"]))


def _parameters(classifier: BMLPClassifier) -> dict[str, Any]:
    """Constructor parameters as JSON; the seed stands for a random state that cannot be one."""
    parameters = classifier.get_params(deep=False)
    parameters["hidden_layer_sizes"] = list(classifier.network_.config.hidden_layer_sizes)
    parameters["random_state"] = classifier.network_.config.seed
    if isinstance(parameters["encoder"], ThresholdEncoder):
        parameters["encoder"] = _encoder_to_json(parameters["encoder"])
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in parameters.items()}


def _data_from_json(data: Mapping[str, Any] | None) -> TrainingData | None:
    if data is None:
        return None
    names = data["feature_names"]
    return TrainingData(**{**data, "feature_names": None if names is None else tuple(map(str, names))})


def _classes_to_json(classes: NDArray[Any]) -> dict[str, Any]:
    values = classes.tolist()
    if not all(isinstance(value, (str, bool, int, float)) for value in values):
        raise ModelFileError(
            f"class labels of type {type(values[0]).__name__} cannot be stored in a model file: use text or numbers"
        )
    return {"dtype": "object" if classes.dtype == object else classes.dtype.str, "values": values}


def _classes_from_json(classes: Mapping[str, Any]) -> NDArray[Any]:
    dtype = np.dtype(classes["dtype"])
    if dtype.kind not in "biufUO" or not all(isinstance(v, (str, bool, int, float)) for v in classes["values"]):
        raise ValueError("class labels must be text or numbers")
    values = np.array(classes["values"], dtype=dtype)
    if values.ndim != 1 or len(np.unique(values)) != len(values):
        raise ValueError("class labels must differ from each other")
    return values


# Encoder -----------------------------------------------------------------------------------------------------------


def _encoder_to_json(encoder: Any) -> dict[str, Any] | None:
    if encoder is None:
        return None
    kind = type(encoder).__name__
    if _ENCODERS.get(kind) is not type(encoder):
        raise ModelFileError(
            f"an encoder of type {kind} cannot be stored in a model file (it holds {', '.join(_ENCODERS)}): "
            "encode the data before, or pickle the classifier"
        )
    return {"kind": kind, "parameters": encoder.get_params()}


def _encoder_from_json(encoder: Mapping[str, Any] | None) -> ThresholdEncoder | None:
    return None if encoder is None else _ENCODERS[encoder["kind"]](**encoder["parameters"])


def _encoder_arrays(encoder: ThresholdEncoder | None) -> _Arrays:
    if encoder is None:
        return {}
    return {"encoder.columns": _smallest(encoder.columns_), "encoder.thresholds": _smallest(encoder.thresholds_)}


def _restore_encoder(classifier: BMLPClassifier, arrays: _Arrays) -> None:
    encoder, n_features = classifier.encoder_, classifier.n_features_in_
    columns, thresholds = arrays["encoder.columns"], arrays["encoder.thresholds"]
    n_bits = classifier.network_.config.n_inputs
    if columns.shape != (n_bits,) or thresholds.shape != (n_bits,) or columns.dtype.kind not in "iu":
        raise ValueError(f"the encoder must give {n_bits} bits")
    if columns.min() < 0 or columns.max() >= n_features or not np.isfinite(thresholds).all():
        raise ValueError("the encoder looks at features that do not exist, or has thresholds that are not finite")
    encoder.columns_ = columns.astype(np.int64)
    encoder.thresholds_ = thresholds.astype(np.float64)
    encoder.n_features_in_ = n_features


def _smallest(values: NDArray[Any]) -> NDArray[Any]:
    """The same values in the smallest type that holds them exactly."""
    for dtype in (np.uint8, np.int16, np.int32, np.float32):
        info = np.iinfo(dtype) if np.issubdtype(dtype, np.integer) else np.finfo(dtype)
        if values.min() >= info.min and values.max() <= info.max and (values.astype(dtype) == values).all():
            return values.astype(dtype)
    return values


# File --------------------------------------------------------------------------------------------------------------


def _read(path: Path) -> tuple[str, _Arrays]:
    """Metadata and tensors of a file whose digest is right."""
    with path.open("rb") as file:  # for the operating system's own error, which says more than the parser's
        file.read(1)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if "bitlocal" not in metadata:
                raise ModelFileError(f"{path}: not a bitlocal model, though a safetensors file; give a model file")
            arrays = {name: np.ascontiguousarray(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ModelFileError(
            f"{path}: not a bitlocal model, or cut short: expected a complete safetensors file ({error})"
        ) from error
    text = metadata["bitlocal"]
    if metadata.get("sha256") != _digest(text, arrays):
        raise ModelFileError(f"{path}: damaged model file: its content does not fit its digest; save the model again")
    return text, arrays


def _digest(text: str, arrays: _Arrays) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
