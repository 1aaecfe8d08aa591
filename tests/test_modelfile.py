"""Model files: what goes in comes out, and nothing else does."""

from __future__ import annotations

import copy
import json
import os
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save as to_safetensors
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import KBinsDiscretizer

import bitlocal
from bitlocal import BMLPClassifier, MedianBinarizer, ModelFileError, ThermometerEncoder
from bitlocal.datasets.origin import TrainingData
from bitlocal.files.model import dump, load_model
from bitlocal.files.tensors import digest
from bitlocal.single_layer import SingleLayerClassifier


def fitted(data, **changes):
    clf = BMLPClassifier(**{"hidden_layer_sizes": 45, "group_size": 15, "max_iter": 2, "random_state": 5, **changes})
    return clf.fit(*data)


def read(path):
    """Header and tensors of a file, without the package's own reader."""
    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["bitlocal"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def forge(path, header, arrays):
    """Write a file whose digest is right, whatever it holds."""
    text = json.dumps(header)
    path.write_bytes(to_safetensors(arrays, metadata={"bitlocal": text, "sha256": digest(text, arrays)}))
    return path


VARIANTS = {
    "thermometer": {},
    "median": {"encoder": "median"},
    "column median": {"encoder": MedianBinarizer(scope="column")},
    "uniform": {"encoder": ThermometerEncoder(n_bits=3, strategy="uniform")},
    "two layers": {"hidden_layer_sizes": (45, 15)},
    "clip": {"hidden_clip": 31, "reinforcement": 0.1},
    "trained classifier": {"train_classifier": True},
    "frozen": {"hidden_layer_sizes": (45, 15), "freeze_first": True},
    "watched": {"validation_fraction": 0.2},
    "stopped early": {"early_stopping": True, "max_iter": 5},
}


def test_single_layer_method(real_data, tmp_path):
    X, y = real_data
    clf = SingleLayerClassifier(45, group_size=3, max_iter=2, random_state=5).fit(X, y)
    for inference_only in (False, True):
        bitlocal.save(clf, tmp_path / "model", inference_only=inference_only)
        again = bitlocal.load(tmp_path / "model")
        assert type(again) is SingleLayerClassifier
        np.testing.assert_array_equal(again.decision_function(X), clf.decision_function(X))
    assert again.network_.packed_local_classifier(0).n_bits == 15


@pytest.mark.parametrize("name", VARIANTS)
def test_round_trip(real_data, tmp_path, name):
    X, y = real_data
    clf = fitted(real_data, warm_start=True, **VARIANTS[name])
    bitlocal.save(clf, tmp_path / "model")
    again = bitlocal.load(tmp_path / "model")
    np.testing.assert_array_equal(again.decision_function(X), clf.decision_function(X))
    np.testing.assert_array_equal(again.predict(X), clf.predict(X))
    assert again.network_.hidden_sha256() == clf.network_.hidden_sha256()
    assert again.network_.state == clf.network_.state
    assert again.history_ == clf.history_
    assert again.n_features_in_ == clf.n_features_in_
    # Training goes on as if nothing had happened, from the file and from a pickle of what was loaded.
    pickled = pickle.loads(pickle.dumps(again))
    digests = {model.fit(X, y).network_.hidden_sha256() for model in (copy.deepcopy(clf), clf, again, pickled)}
    assert len(digests) == 1


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["ant", "bee", "ein Käfer"]),
        np.array(["ant", "bee", "cat"], dtype=object),
        np.array([-7, 0, 2**40]),
        np.array([0.0, 1.0, 2.0]),
        np.array([3, 4, 200], dtype=np.uint8),
    ],
    ids=["text", "objects", "int64", "float", "uint8"],
)
def test_labels_keep_their_type(real_data, tmp_path, labels):
    X, y = real_data
    clf = fitted((X, labels[y]))
    bitlocal.save(clf, tmp_path / "model")
    predicted = bitlocal.load(tmp_path / "model").predict(X)
    assert predicted.dtype == clf.predict(X).dtype
    np.testing.assert_array_equal(predicted, clf.predict(X))


def test_inference_only(bit_data, tmp_path):
    X, y = bit_data
    clf = fitted(bit_data, hidden_layer_sizes=(90, 45))
    bitlocal.save(clf, tmp_path / "whole")
    bitlocal.save(clf, tmp_path / "small", inference_only=True)
    again = bitlocal.load(tmp_path / "small")
    np.testing.assert_array_equal(again.decision_function(X), clf.decision_function(X))
    assert not again.network_.has_hidden_weights
    assert (tmp_path / "small").stat().st_size < (tmp_path / "whole").stat().st_size / 2
    with pytest.raises(ValueError, match="saved for inference only"):
        again.partial_fit(X, y)
    with pytest.raises(ValueError, match="saved for inference only"):
        again.set_params(warm_start=True).fit(X, y)
    assert again.set_params(warm_start=False).fit(X, y).network_.has_hidden_weights  # a new start is possible


def test_record_of_the_data(real_data, tmp_path):
    data = TrainingData("name", "0" * 64, "label", 0.2, 7, ("a", "b"))
    bitlocal.save(fitted(real_data), tmp_path / "model", data=data)
    assert load_model(tmp_path / "model").data == data


def test_what_cannot_be_stored(real_data, tmp_path):
    with pytest.raises(ModelFileError, match="encoder of type KBinsDiscretizer cannot be stored"):
        bitlocal.save(
            fitted(real_data, encoder=KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf")), tmp_path / "m"
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_write_leaves_the_old_file(real_data, tmp_path, monkeypatch, step):
    path = tmp_path / "model"
    bitlocal.save(fitted(real_data), path)
    before = path.read_bytes()

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space left"):
        bitlocal.save(fitted(real_data, random_state=6), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def test_every_cut_and_every_changed_byte_is_noticed(real_data, tmp_path):
    content = dump(fitted(real_data, hidden_layer_sizes=15, encoder="median"))
    path = tmp_path / "model"
    rng = np.random.default_rng(0)
    for end in [*range(0, 60, 7), *rng.integers(60, len(content), 40).tolist(), len(content) - 1]:
        path.write_bytes(content[:end])
        with pytest.raises(ModelFileError):
            bitlocal.load(path)
    for place in range(0, len(content), 5):
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        with pytest.raises(ModelFileError):
            bitlocal.load(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(ModelFileError):
        bitlocal.load(path)


def test_foreign_files(real_data, tmp_path):
    path = tmp_path / "file"
    for content in (b"", b"hello", pickle.dumps(fitted(real_data)), bytes(100), to_safetensors({"a": np.zeros(3)})):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match="not a bitlocal model"):
            bitlocal.load(path)
    with pytest.raises(OSError, match="directory"):
        bitlocal.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        bitlocal.load(tmp_path / "none")


@pytest.fixture(scope="module")
def genuine(real_data, tmp_path_factory):
    path = tmp_path_factory.mktemp("genuine") / "model"
    bitlocal.save(fitted(real_data, encoder="thermometer2"), path)
    return read(path)


def test_newer_format(genuine, tmp_path):
    header, arrays = copy.deepcopy(genuine)
    header["version"] = 2
    with pytest.raises(ModelFileError, match=r"model format 2.*newer"):
        bitlocal.load(forge(tmp_path / "model", header, arrays))


def set_entry(header, path, value):
    *parents, last = path
    for key in parents:
        header = header[key]
    header[last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("network", "n_inputs"), 2**23),
        (("network", "n_inputs"), -1),
        (("network", "hidden_layer_sizes"), [2**23]),
        (("network", "hidden_layer_sizes"), []),
        (("network", "n_classes"), 1),
        (("network", "n_classes"), 2**31),
        (("network", "group_size"), 7),
        (("network", "group_size"), 0),
        (("network", "robustness"), "0.25"),
        (("network", "robustness"), -5),
        (("network", "hidden_clip"), 4),
        (("network", "seed"), -1),
        (("network", "surprise"), 1),
        (("state", "seen"), 0),
        (("classes", "values"), [0, 1, 1]),
        (("classes", "values"), ["a", "b", "c"]),
        (("classes", "dtype"), "V8"),
        (("encoder", "kind"), "BMLPClassifier"),
        (("encoder",), None),
        (("n_features_in",), 0),
        (("parameters", "max_iter"), -1),
        (("parameters", "surprise"), 1),
    ],
)
def test_forged_headers(genuine, tmp_path, path, value):
    header, arrays = copy.deepcopy(genuine)
    set_entry(header, path, value)
    with pytest.raises(ModelFileError, match="damaged model file"):
        bitlocal.load(forge(tmp_path / "model", header, arrays))


@pytest.mark.parametrize("problem", ["missing", "type", "shape", "padding", "nan", "column", "range"])
def test_forged_arrays(genuine, tmp_path, problem):
    header, arrays = copy.deepcopy(genuine)
    if problem == "missing":
        del arrays["layers.0.counters"]
    elif problem == "type":
        arrays["layers.0.counters"] = arrays["layers.0.counters"].astype(np.int32)
    elif problem == "shape":
        arrays["layers.0.counters"] = arrays["layers.0.counters"][:-1].copy()
    elif problem == "padding":
        arrays["layers.0.local_classifier"] = ~arrays["layers.0.local_classifier"]
    elif problem == "nan":
        arrays["encoder.thresholds"] = np.full(arrays["encoder.thresholds"].shape, np.nan)
    elif problem == "column":
        arrays["encoder.columns"] = arrays["encoder.columns"] + np.uint8(100)
    else:
        header["network"]["hidden_clip"] = 3
    with pytest.raises(ModelFileError, match="damaged model file"):
        bitlocal.load(forge(tmp_path / "model", header, arrays))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def entries(value, path=()):
    """Paths to everything in a JSON value."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from entries(inner, (*path, key))


@settings(max_examples=300, deadline=None)
@given(data=st.data(), value=JSON)
def test_any_changed_entry_is_refused_or_harmless(genuine, tmp_path_factory, data, value):
    header, arrays = copy.deepcopy(genuine)
    set_entry(header, data.draw(st.sampled_from(sorted(entries(header), key=str))), value)
    path = tmp_path_factory.getbasetemp() / "mutated"
    try:
        clf = bitlocal.load(forge(path, header, arrays))
    except ModelFileError:
        return
    if clf.n_features_in_ < 1000:  # another number than before may be harmless
        assert clf.predict(np.zeros((5, clf.n_features_in_))).shape == (5,)
    bitlocal.save(clf, path)


@pytest.mark.parametrize(
    "changes",
    [
        {
            "robustness": np.float32(0.29),
            "reinforcement": np.float32(0.5),
            "group_size": np.int64(15),
            "batch_size": np.int64(7),
            "max_iter": np.int8(2),
            "hidden_clip": np.int32(31),
            "random_state": np.uint64(2**64 - 1),
            "n_jobs": np.int64(2),
            "early_stopping": np.bool_(True),
            "encoder": ThermometerEncoder(n_bits=np.int64(3)),
        },
        {"random_state": None},
        {"random_state": np.random.RandomState(3)},
        {"max_iter": None, "batch_size": 2**40},
        {"verbose": 3},
    ],
    ids=["numpy", "no seed", "random state", "defaults", "verbose"],
)
def test_parameters_of_any_kind(real_data, tmp_path, changes):
    """They come back as plain numbers that mean the same, and training goes on the same."""
    clf = fitted(real_data, warm_start=True, **changes)
    bitlocal.save(clf, tmp_path / "model")
    again = bitlocal.load(tmp_path / "model")
    assert again.n_jobs is None  # of that machine, not of the model
    assert again.random_state == clf.network_.spec.seed
    digests = {model.set_params(max_iter=1).fit(*real_data).network_.hidden_sha256() for model in (clf, again)}
    assert len(digests) == 1


def test_parameters_changed_after_fit(real_data, tmp_path):
    """The file tells of the network that is there, and never holds what could not be read back."""
    clf = fitted(real_data)
    bitlocal.save(clf.set_params(group_size=7, hidden_layer_sizes=(7, 7), n_jobs=0), tmp_path / "model")
    assert bitlocal.load(tmp_path / "model").get_params()["hidden_layer_sizes"] == (45,)
    before = (tmp_path / "model").read_bytes()
    for change in ({"max_iter": 0}, {"tol": "x"}, {"tol": np.inf}, {"encoder": "magic"}, {"encoder": object()}):
        with pytest.raises(ModelFileError, match="cannot be stored"):
            bitlocal.save(copy.deepcopy(clf).set_params(**change), tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == before
    with pytest.raises(NotFittedError):
        bitlocal.save(BMLPClassifier(), tmp_path / "model")


def test_labels_that_are_no_json(real_data, tmp_path):
    X, y = real_data
    days = np.array(["2020-01-01", "2021-01-01", "2022-01-01"], dtype="datetime64[D]")
    with pytest.raises(ModelFileError, match="use text or numbers"):
        bitlocal.save(fitted((X, days[y])), tmp_path / "model")
    bitlocal.save(fitted((X, y > 0)), tmp_path / "model")
    assert bitlocal.load(tmp_path / "model").predict(X).dtype == bool


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "U8"])
def test_types_and_shapes_that_numpy_lacks(tmp_path, dtype):
    shape = [2] if dtype == "BF16" else [4] + [1] * (100 if dtype == "U8" else 0)
    tensors = {"a": {"dtype": dtype, "shape": shape, "data_offsets": [0, 4]}}
    header = json.dumps({**tensors, "__metadata__": {"bitlocal": "{}"}}).encode()
    (tmp_path / "model").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(ModelFileError, match="not a bitlocal model"):
        bitlocal.load(tmp_path / "model")


@pytest.mark.parametrize(
    "text", ["null", "[]", "1", "", "{", "[" * 100_000, '{"version":NaN}', '{"version":1' + "0" * 5000 + "}"]
)
def test_headers_that_are_none(tmp_path, text):
    (tmp_path / "model").write_bytes(to_safetensors({}, metadata={"bitlocal": text, "sha256": digest(text, {})}))
    with pytest.raises(ModelFileError, match="its header is not valid"):
        bitlocal.load(tmp_path / "model")


def test_a_small_file_cannot_ask_for_much_memory(genuine, tmp_path):
    header, arrays = copy.deepcopy(genuine)
    names = ["a", "b" * 1_000_000, *sorted(f"c{i}" for i in range(2000))]
    header["classes"] = {"dtype": "str", "values": names}  # 8 GB as an array of text
    header["network"]["n_classes"] = len(names)
    with pytest.raises(ModelFileError, match="the class labels are too long"):
        bitlocal.load(forge(tmp_path / "model", header, arrays))

    header, arrays = copy.deepcopy(genuine)
    many = 150_000
    header["classes"] = {"dtype": "int64", "values": list(range(many))}
    header["network"].update(n_classes=many, hidden_layer_sizes=[many, 1], group_size=1)
    arrays = {  # without the first layer's classifier, of 3 GB, which is not needed for inference
        "layers.0.weights": np.zeros((many, 1), np.uint64),
        "layers.1.weights": np.zeros((1, -(-many // 64)), np.uint64),
        "layers.1.local_classifier": np.zeros((many, 1), np.uint64),
    }
    with pytest.raises(ModelFileError, match="too many classes for layers this large"):
        bitlocal.load(forge(tmp_path / "model", header, arrays))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("feature_names_in",), ["a"]),
        (("n_iter",), -1),
        (("history",), [{}]),
        (("classes", "values"), [2, 1, 0]),
        (("classes", "dtype"), "U1000000000"),
        (("state", "wrong"), 10**6),
        (("parameters", "encoder"), {"kind": "ThermometerEncoder", "parameters": {"strategy": "random"}}),
        (("encoder", "parameters"), {"n_bits": True}),
        (("data",), {"name": "x", "fingerprint": "y", "split_seed": 2**64}),
        (("data",), {"name": "x", "fingerprint": "y", "test_fraction": 1.5}),
    ],
)
def test_forged_headers_that_would_make_trouble_later(genuine, tmp_path, path, value):
    header, arrays = copy.deepcopy(genuine)
    set_entry(header, path, value)
    with pytest.raises(ModelFileError, match="damaged model file"):
        bitlocal.load(forge(tmp_path / "model", header, arrays))
