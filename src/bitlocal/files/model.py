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

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bitlocal.datasets.origin import TrainingData
from bitlocal.encoders import make_encoder
from bitlocal.encoders.resolve import is_automatic
from bitlocal.errors import ModelFileError
from bitlocal.estimator import BMLPClassifier
from bitlocal.estimator.calibration import StreamCalibration
from bitlocal.files.atomic import write_file
from bitlocal.files.encoders import encoder_from_json, encoder_to_json, fitted_from_json, fitted_to_json
from bitlocal.files.header import record_from_json, record_to_json, spec_from_json, spec_to_json
from bitlocal.files.labels import classes_from_json, classes_to_json
from bitlocal.files.schema import MOST_BYTES, brief, build, fits, plain, reason, refuse_constant, require
from bitlocal.files.selection import selection_from_json, selection_to_json
from bitlocal.files.tensors import Arrays, read, to_bytes
from bitlocal.network import BinaryNetwork
from bitlocal.pipelines import fold
from bitlocal.single_layer import SingleLayerClassifier
from bitlocal.spec import Pool, Spec
from bitlocal.spec.parameters import DEFAULTS, decompose
from bitlocal.state import TrainingState

FORMAT_VERSION = 1


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
    classifier: Any,
    path: str | os.PathLike[str],
    *,
    inference_only: bool = False,
    data: TrainingData | None = None,
) -> None:
    """Write a fitted classifier to a file, whole or not at all.

    Parameters
    ----------
    classifier : BMLPClassifier, Pipeline or search
        A fitted classifier, or what `fold` makes one of.
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
    PipelineError
        If the steps of a pipeline cannot become part of a classifier, see `fold`.
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
    text, arrays = read(path)
    try:
        header = json.loads(text, parse_constant=refuse_constant)
        version = header["version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelFileError(f"{path}: damaged model file: its header is not valid; save the model again") from error
    if version != FORMAT_VERSION:
        raise ModelFileError(
            f"{path}: model format {brief(version)}, but this version of bitlocal reads format {FORMAT_VERSION}; "
            "use the version that wrote it, or a newer one"
        )
    try:
        return _restore(header, arrays)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise ModelFileError(f"{path}: damaged model file: {reason(error)}; save the model again") from error


def dump(classifier: Any, *, inference_only: bool = False, data: TrainingData | None = None) -> bytes:
    """Give the content of the file that `save` would write."""
    classifier = fold(classifier)
    arrays = classifier.network_.to_arrays(inference_only=inference_only)
    encoder = fitted_to_json(classifier.encoder_, arrays)
    header = {**_header(classifier, inference_only, data), "encoder": encoder}
    try:
        text = json.dumps(header, separators=(",", ":"), default=plain, allow_nan=False)
        _unfitted(json.loads(text))  # what could not be read back must not be written
    except (ValueError, TypeError) as error:
        raise ModelFileError(f"this classifier cannot be stored in a model file: {error}") from error
    return to_bytes(text, arrays)


# Header ------------------------------------------------------------------------------------------------------------


def _header(classifier: BMLPClassifier, inference_only: bool, data: TrainingData | None) -> dict[str, Any]:
    names = getattr(classifier, "feature_names_in_", None)
    header: dict[str, Any] = {
        "version": FORMAT_VERSION,
        "network": spec_to_json(classifier.network_.spec),
        "state": _state_to_json(classifier.network_.state),
        "parameters": _parameters(classifier),
        "classes": classes_to_json(classifier.classes_),
        "n_features_in": classifier.n_features_in_,
        "feature_names_in": None if names is None else list(names),
        "n_iter": classifier.n_iter_,
        "data": None if data is None else _data_to_json(data),
    }
    if (temperature := classifier.temperature) is not None:  # younger than format 1
        header["temperature"] = temperature
    if (selection := getattr(classifier, "selection_", None)) is not None:  # likewise
        header["selection"] = selection_to_json(selection)
    if not inference_only:
        header["history"] = [record_to_json(record) for record in classifier.history_]
    return header


def _restore(header: Mapping[str, Any], arrays: Arrays) -> Model:
    classifier, spec = _unfitted(header)
    classifier.classes_ = classes_from_json(header["classes"])
    require(len(classifier.classes_) == spec.n_classes, "the class labels do not fit the number of classes")
    inner = sum(block.n_outputs for block in spec.blocks[:-1])  # their classifiers are not in a file for inference only
    require(spec.n_classes * inner <= 8 * MOST_BYTES, "too many classes for layers this large")
    state = build(TrainingState, header["state"])
    require(
        state.step >= 0
        and state.epoch >= 0
        and 0 <= state.wrong <= state.seen
        and state.seen > 0
        and (state.window is None or 0 <= state.window_rows < state.window)
        and 0 <= state.window_wrong <= state.window_seen,
        "the state of training is impossible",
    )
    classifier.network_ = BinaryNetwork.from_arrays(spec, state, arrays)

    n_features, names = header["n_features_in"], header["feature_names_in"]
    require(fits(n_features, int) and 0 < n_features < 2**31, "the number of features is not valid")
    classifier.n_features_in_ = n_features
    if names is not None:
        require(fits(names, tuple[str, ...]) and len(names) == n_features, "the feature names are not valid")
        classifier.feature_names_in_ = np.array(names, dtype=object)
    classifier.encoder_ = fitted_from_json(header["encoder"], n_features, spec.n_inputs, arrays)

    temperature = header.get("temperature")
    require(
        temperature is None or (fits(temperature, float) and 2**-40 < temperature < 2**40),
        "the temperature is not valid",
    )
    classifier.calibration_ = StreamCalibration(temperature)
    tried = header.get("selection")
    classifier.selection_ = None if tried is None else selection_from_json(tried)
    require(fits(header["n_iter"], int) and header["n_iter"] >= 0, "the number of epochs is not valid")
    classifier.n_iter_ = header["n_iter"]
    classifier.history_ = [record_from_json(record) for record in header.get("history", [])]
    classifier.readout_history_ = []
    return Model(classifier, _data_from_json(header["data"]))


def _unfitted(header: Mapping[str, Any]) -> tuple[BMLPClassifier, Spec]:
    """Make the classifier with its parameters, and the specification of its network."""
    spec = spec_from_json(header["network"])
    parameters = dict(header["parameters"])
    encoder = parameters.pop("encoder", "auto")
    if not isinstance(encoder, str):
        encoder = encoder_from_json(encoder)
    elif not is_automatic(encoder):
        make_encoder(encoder)  # refuses what it does not know
    weights = _class_weight_from_json(parameters.pop("class_weight", None))
    kind = SingleLayerClassifier if any(isinstance(layer, Pool) for layer in spec.layers) else BMLPClassifier
    classifier = build(kind, parameters, encoder=encoder, class_weight=weights, **_network_parameters(spec))
    classifier.check_parameters()
    return classifier, spec


def _parameters(classifier: BMLPClassifier) -> dict[str, Any]:
    """Give the constructor parameters that the network does not tell."""
    parameters: dict[str, Any] = classifier.get_params(deep=False)
    for name in _network_parameters(classifier.network_.spec):
        del parameters[name]
    if not isinstance(parameters["encoder"], str):
        parameters["encoder"] = encoder_to_json(parameters["encoder"])
    parameters["batch_size"] = classifier.settled()["batch_size"]
    # Younger than format 1: written where they say something, so that other files stay as they were.
    for name in ("probability", "preset"):
        if parameters[name] == DEFAULTS[name]:
            del parameters[name]
    if (class_weight := parameters.pop("class_weight")) is not None:
        named = isinstance(class_weight, Mapping)
        parameters["class_weight"] = [list(pair) for pair in class_weight.items()] if named else class_weight
    return parameters


def _state_to_json(state: TrainingState) -> dict[str, Any]:
    """Give the entries; those of streams, which are younger than format 1, where they say something."""
    usual = asdict(TrainingState())
    values = asdict(state)
    return {name: value for name, value in values.items() if not name.startswith("window") or value != usual[name]}


def _class_weight_from_json(value: Any) -> Mapping[Any, float] | str | None:
    if not isinstance(value, list):
        weights: Mapping[Any, float] | str | None = value  # checked with the other parameters
        return weights
    require(
        all(isinstance(p, list) and len(p) == 2 and fits(p[0], str | bool | int | float) for p in value),
        "the weights of the classes are not valid",
    )
    return dict(value)


def _network_parameters(spec: Spec) -> dict[str, Any]:
    """Give the constructor parameters that the network tells, and those that are not stored."""
    parameters = decompose(spec)
    del parameters["majority"]
    return {**parameters, "random_state": spec.seed, "n_jobs": None}


_LATER = {"image_shape": None, "resized": False}  # entries that are there for images alone: older versions lack them


def _data_to_json(data: TrainingData) -> dict[str, Any]:
    return {name: value for name, value in asdict(data).items() if name not in _LATER or value != _LATER[name]}


def _data_from_json(values: Mapping[str, Any] | None) -> TrainingData | None:
    if values is None:
        return None
    data = build(TrainingData, values)
    require(0 <= data.test_fraction < 1 and 0 <= data.split_seed < 2**64, "the record of the data is not valid")
    shape = data.image_shape
    sound = len(shape) in (2, 3) and all(0 < side < 2**31 for side in shape) if shape is not None else not data.resized
    require(sound, "the record of the images is not valid")
    return data
