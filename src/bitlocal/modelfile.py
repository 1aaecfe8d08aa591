"""Model files: safetensors with a versioned JSON header. No pickle; a file is checked before anything is believed.

Layout
------
The tensors are those of `BinaryNetwork.to_arrays`, and `encoder.columns` and `encoder.thresholds` where there is
an encoder, in the smallest type that holds them exactly. The file's metadata has two entries: `bitlocal`, a JSON
object (see `_header`), and `sha256`, a digest of that text and of all tensors.

The digest tells damage, not malice: whoever writes a file can give it the right one. So everything in the header is
checked, by type and by range, before it is used.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar, get_args, get_origin

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_safetensors
from sklearn.pipeline import FeatureUnion
from sklearn.utils.validation import check_is_fitted

from bitlocal.baselines.single_layer import SingleLayerClassifier
from bitlocal.encoders import (
    CategoryEncoder,
    Encoder,
    ImageEncoder,
    MedianBinarizer,
    SignalEncoder,
    TableEncoder,
    TextEncoder,
    ThermometerEncoder,
    make_encoder,
)
from bitlocal.encoders.union import is_union, parts_of, set_union_state, union_state
from bitlocal.errors import ModelFileError
from bitlocal.estimator import BMLPClassifier
from bitlocal.network import BinaryNetwork, NetworkConfig, TrainingState
from bitlocal.training import EpochRecord

FORMAT_VERSION = 1

_ENCODERS: dict[str, type[Encoder]] = {
    cls.__name__: cls
    for cls in (
        MedianBinarizer,
        ThermometerEncoder,
        CategoryEncoder,
        TableEncoder,
        ImageEncoder,
        SignalEncoder,
        TextEncoder,
    )
}
_LABEL_TYPES: dict[str, Any] = {
    "bool": np.bool_,
    **{f"{sign}int{bits}": np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": np.dtype(f"float{bits}") for bits in (16, 32, 64)},
    "str": np.str_,
    "object": np.object_,
}
_PREFIX = "encoder."  # of the names of an encoder's arrays
_MOST_BYTES = 2**30  # of what a small file could make large: far beyond any real model
_Arrays = dict[str, NDArray[Any]]
_T = TypeVar("_T")


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
        If the classifier has parameters, an encoder or class labels that a model file cannot hold.
    OSError
        If the file cannot be written.

    Notes
    -----
    `n_jobs` is not stored: it suits a machine, not a model. `random_state` becomes the seed that was drawn from it.

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
    write_file(Path(path), dump(classifier, inference_only=inference_only, data=data))


def load(path: str | os.PathLike[str]) -> BMLPClassifier:
    """Read a fitted classifier from a file.

    Parameters
    ----------
    path : path-like
        A file that `save` or the command line wrote. It need not be trusted.

    Returns
    -------
    BMLPClassifier
        It predicts exactly as the one that was saved and, unless it was saved for inference only, trains on exactly
        as that one would have.

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
        header = json.loads(text, parse_constant=_refuse_constant)
        version = header["version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelFileError(f"{path}: damaged model file: its header is not valid; save the model again") from error
    if version != FORMAT_VERSION:
        raise ModelFileError(
            f"{path}: model format {_brief(version)}, but this version of bitlocal reads format {FORMAT_VERSION}; "
            "use the version that wrote it, or a newer one"
        )
    try:
        return _restore(header, arrays)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise ModelFileError(f"{path}: damaged model file: {_reason(error)}; save the model again") from error


def dump(classifier: BMLPClassifier, *, inference_only: bool = False, data: TrainingData | None = None) -> bytes:
    """Give the content of the file that `save` would write."""
    check_is_fitted(classifier, "network_")
    arrays = classifier.network_.to_arrays(inference_only=inference_only)
    encoder = _fitted_to_json(classifier.encoder_, arrays)
    header = {**_header(classifier, inference_only, data), "encoder": encoder}
    try:
        text = json.dumps(header, separators=(",", ":"), default=_plain, allow_nan=False)
        _unfitted(json.loads(text))  # what could not be read back must not be written
    except (ValueError, TypeError) as error:
        raise ModelFileError(f"this classifier cannot be stored in a model file: {error}") from error
    content: bytes = to_safetensors(arrays, metadata={"bitlocal": text, "sha256": _digest(text, arrays)})
    return content


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; one that was there stays as it was until the new one is complete."""
    try:
        path = path.resolve()  # a link stays one: what it leads to is replaced
        part = path.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with part.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:  # the temporary file's name would only puzzle
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


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
        "n_iter": classifier.n_iter_,
        "data": None if data is None else asdict(data),
    }
    if not inference_only:
        header["history"] = [asdict(record) for record in classifier.history_]
    return header


def _restore(header: Mapping[str, Any], arrays: _Arrays) -> Model:
    classifier, config = _unfitted(header)
    classifier.classes_ = _classes_from_json(header["classes"])
    _require(len(classifier.classes_) == config.n_classes, "the class labels do not fit the number of classes")
    inner = sum(config.hidden_layer_sizes[:-1])  # their classifiers are not in a file for inference only
    _require(config.n_classes * inner <= 8 * _MOST_BYTES, "too many classes for layers this large")
    state = _build(TrainingState, header["state"])
    _require(
        state.step >= 0 and state.epoch >= 0 and 0 <= state.wrong <= state.seen and state.seen > 0,
        "the state of training is impossible",
    )
    classifier.network_ = BinaryNetwork.from_arrays(config, state, arrays)

    n_features, names = header["n_features_in"], header["feature_names_in"]
    _require(_fits(n_features, int) and 0 < n_features < 2**31, "the number of features is not valid")
    classifier.n_features_in_ = n_features
    if names is not None:
        _require(_fits(names, tuple[str, ...]) and len(names) == n_features, "the feature names are not valid")
        classifier.feature_names_in_ = np.array(names, dtype=object)
    classifier.encoder_ = _fitted_from_json(header["encoder"], n_features, config.n_inputs, arrays)

    _require(_fits(header["n_iter"], int) and header["n_iter"] >= 0, "the number of epochs is not valid")
    classifier.n_iter_ = header["n_iter"]
    classifier.history_ = [_build(EpochRecord, record) for record in header.get("history", [])]
    return Model(classifier, _data_from_json(header["data"]))


def _unfitted(header: Mapping[str, Any]) -> tuple[BMLPClassifier, NetworkConfig]:
    """Make the classifier with its parameters, and the configuration of its network."""
    config = _build(NetworkConfig, header["network"])
    _require(0 <= config.seed < 2**64, "the seed is not valid")
    parameters = dict(header["parameters"])
    encoder = parameters.pop("encoder", "auto")
    if not isinstance(encoder, str):
        encoder = _encoder_from_json(encoder)
    elif encoder != "auto":
        make_encoder(encoder)  # refuses what it does not know
    kind = SingleLayerClassifier if config.majority else BMLPClassifier
    classifier = _build(kind, parameters, encoder=encoder, **_network_parameters(config))
    classifier._check_parameters()
    return classifier, config


def _parameters(classifier: BMLPClassifier) -> dict[str, Any]:
    """Give the constructor parameters that the network does not tell."""
    parameters: dict[str, Any] = classifier.get_params(deep=False)
    for name in _network_parameters(classifier.network_.config):
        del parameters[name]
    if not isinstance(parameters["encoder"], str):
        parameters["encoder"] = _encoder_to_json(parameters["encoder"])
    return parameters


def _network_parameters(config: NetworkConfig) -> dict[str, Any]:
    """Give the constructor parameters that the network tells, and those that are not stored."""
    return {
        "hidden_layer_sizes": config.hidden_layer_sizes,
        "group_size": config.group_size,
        "robustness": config.robustness,
        "reinforcement": config.reinforcement,
        "hidden_clip": config.hidden_clip,
        "freeze_first": config.freeze_first,
        "train_classifier": config.train_classifier,
        "single_output": config.single_output,
        "random_state": config.seed,
        "n_jobs": None,
    }


def _data_from_json(values: Mapping[str, Any] | None) -> TrainingData | None:
    if values is None:
        return None
    data = _build(TrainingData, values)
    _require(0 <= data.test_fraction < 1 and 0 <= data.split_seed < 2**64, "the record of the data is not valid")
    return data


def _classes_to_json(classes: NDArray[Any]) -> dict[str, Any]:
    values = [value.item() if isinstance(value, np.generic) else value for value in classes.tolist()]
    dtype = "str" if classes.dtype.kind in "UT" else classes.dtype.name
    for value in values:
        if dtype not in _LABEL_TYPES or not isinstance(value, (str, bool, int, float)):
            raise ModelFileError(
                f"class labels of type {type(value).__name__} cannot be stored in a model file: use text or numbers"
            )
    return {"dtype": dtype, "values": values}


def _classes_from_json(classes: Mapping[str, Any]) -> NDArray[Any]:
    dtype, values = _LABEL_TYPES[classes["dtype"]], classes["values"]
    _require(_fits(values, tuple[str | bool | int | float, ...]), "the class labels are not text or numbers")
    if dtype is np.str_:  # all of them take as much room as the longest
        longest = max((len(value) for value in values if isinstance(value, str)), default=0)
        _require(4 * longest * len(values) <= _MOST_BYTES, "the class labels are too long")
    array: NDArray[Any] = np.array(values, dtype=np.dtype(dtype))
    _require(array.tolist() == values, "the class labels are not of the type that they should be")
    _require(np.array_equal(np.unique(array), array), "the class labels are not distinct and in order")
    return array


# Encoder -----------------------------------------------------------------------------------------------------------


def _encoder_to_json(encoder: Any) -> dict[str, Any] | None:
    if encoder is None:
        return None
    kind = type(encoder).__name__
    if is_union(encoder) and encoder.transformer_weights is None:
        return {"kind": kind, "parts": [[name, _encoder_to_json(part)] for name, part in encoder.transformer_list]}
    if _ENCODERS.get(kind) is not type(encoder):
        raise ModelFileError(
            f"an encoder of type {kind} cannot be stored in a model file (it holds {', '.join(_ENCODERS)}, and a "
            "FeatureUnion of these): encode the data before, or pickle the classifier"
        )
    return {"kind": kind, "parameters": encoder.get_params()}


def _encoder_from_json(description: Mapping[str, Any] | None) -> Any:
    if description is None:
        return None
    if description["kind"] == "FeatureUnion":
        parts = description["parts"]
        _require(
            isinstance(parts, list)
            and all(isinstance(part, list) and len(part) == 2 and isinstance(part[0], str) for part in parts)
            and all(isinstance(one, dict) and one["kind"] in _ENCODERS for _, one in parts),
            "the parts of the encoder are not valid",
        )
        return FeatureUnion([(name, _encoder_from_json(one)) for name, one in parts])
    return _build(_ENCODERS[description["kind"]], description["parameters"])


def _fitted_to_json(encoder: Any, arrays: _Arrays) -> dict[str, Any] | None:
    """Give what an encoder's `fit` found, and add its arrays to those of the file."""
    description = _encoder_to_json(encoder)
    if description is None:
        return None
    values, found = union_state(encoder) if is_union(encoder) else encoder._state()
    arrays.update({f"{_PREFIX}{name}": _smallest(array) for name, array in found.items()})
    return {**description, "fitted": values} if values else description


def _fitted_from_json(description: Mapping[str, Any] | None, n_features: int, n_bits: int, arrays: _Arrays) -> Any:
    encoder = _encoder_from_json(description)
    if encoder is None or description is None:
        _require(n_features == n_bits, "the number of features does not fit the network")
        return None
    found = {name.removeprefix(_PREFIX): array for name, array in arrays.items() if name.startswith(_PREFIX)}
    values = description.get("fitted", {})
    if is_union(encoder):
        set_union_state(encoder, values, found, n_features)
        fitted_bits = sum(part.n_bits_ for part in parts_of(encoder))
    else:
        encoder._set_state(values, found, n_features)
        fitted_bits = encoder.n_bits_
    _require(fitted_bits == n_bits, "the encoder does not fit the network")
    return encoder


def _smallest(values: NDArray[Any]) -> NDArray[Any]:
    """Give the same values in the smallest type that holds them exactly."""
    if len(values) == 0:
        return values.astype(np.uint8)
    for dtype in map(np.dtype, ("uint8", "int16", "int32", "float32")):
        info: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
        if values.min() >= info.min and values.max() <= info.max and (values.astype(dtype) == values).all():
            return values.astype(dtype)
    return values


# Values from JSON, and to it ---------------------------------------------------------------------------------------


def _build(make: Callable[..., _T], values: Mapping[str, Any], **others: Any) -> _T:
    """Call a constructor with JSON values, which must be of the types that it declares; lists become tuples."""
    declared = inspect.signature(make, eval_str=True).parameters
    for name, value in values.items():
        if name not in declared:
            raise ValueError(f"{_brief(name)} is unknown to this version of bitlocal")
        if not _fits(value, declared[name].annotation):
            raise ValueError(f"{name} cannot be {_brief(value)}")
    return make(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}, **others)


def _fits(value: Any, kind: Any) -> bool:
    """Whether a JSON value is of a type; a list is a tuple there."""
    options = get_args(kind)
    if get_origin(kind) is tuple:
        return isinstance(value, list) and all(_fits(item, options[0]) for item in value)
    if get_origin(kind) is Literal:
        return value in options
    if options:  # a union
        return any(_fits(value, option) for option in options)
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value)
    if kind is bool:
        return isinstance(value, int)  # verbose=1 is common
    return type(value) is kind


def _require(condition: Any, problem: str) -> None:
    if not condition:
        raise ValueError(problem)


def _plain(value: Any) -> Any:
    """Turn NumPy's scalars into Python's: a float into the decimal as which it is written, like the margins do."""
    if isinstance(value, np.floating):
        return float(str(value))
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a value of type {type(value).__name__}: {_brief(value)}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _reason(error: Exception) -> str:
    if isinstance(error, LookupError):
        return f"{_brief(error.args[0]) if error.args else 'an entry'} is missing or unknown"
    return " ".join(str(error).split())


# File --------------------------------------------------------------------------------------------------------------


def _read(path: Path) -> tuple[str, _Arrays]:
    """Metadata and tensors of a file whose digest is right."""
    with path.open("rb") as file:  # for the operating system's own error, which says more than the parser's
        file.read(1)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: np.ascontiguousarray(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, TypeError, AttributeError) as error:  # the last three: types NumPy lacks
        raise ModelFileError(
            f"{path}: not a bitlocal model, or cut short: expected a complete safetensors file ({_reason(error)})"
        ) from error
    if "bitlocal" not in metadata:
        raise ModelFileError(f"{path}: not a bitlocal model, though a safetensors file; give a model file")
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
