"""Features of a pre-trained network, with backbones small enough to check; those of torch where it is installed."""

from __future__ import annotations

import importlib
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bitlocal import DataError
from bitlocal.cli.commands import app
from bitlocal.datasets import read_table
from bitlocal.features import Images, Scale, _square, extract, load_backbone, read_images


class Quadrants:
    """The means of the quadrants of an image, for each channel."""

    name, size = "quadrants", 8

    def __init__(self):
        self.calls = []

    def __call__(self, images):
        assert images.dtype == np.uint8
        assert images.shape[1:] == (8, 8, 3)
        self.calls.append(len(images))
        means = images.reshape(len(images), 2, 4, 2, 4, 3).mean(axis=(2, 4))
        return means.reshape(len(images), 12).astype(np.float32)


def pictures(n, seed=0):
    """Two classes: brighter above, or brighter below; 10 x 14 pixels, in colour."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = rng.integers(0, 160, (n, 10, 14, 3))
    X[y == 0, :5] += 90
    X[y == 1, 5:] += 90
    return X.astype(np.uint8), np.array(["above", "below"])[y]


def save_folder(folder, X, y):
    for i, (image, label) in enumerate(zip(X, y, strict=True)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / label / f"{i:03}.png")


# Scale -------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=40),
    others=st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=5),
)
def test_scale(values, others):
    train = np.array(values, dtype=np.float32)[:, np.newaxis]
    scale = Scale.of(train)
    low, high = min(values), max(values)
    for column in (train, np.array(others, dtype=np.float32)[:, np.newaxis]):
        mapped = scale(column)
        assert mapped.dtype == np.uint8
        for x, level in zip(column.ravel().tolist(), mapped.ravel().tolist(), strict=True):
            share = 0.0 if high == low else (min(max(x, low), high) - low) / (high - low)
            assert abs(level - share * 255) <= 0.501


def test_scale_leaves_a_thousandth_out_at_either_end():
    train = np.arange(3000, dtype=np.float32)[:, np.newaxis]
    train[0], train[-1] = -1e9, 1e9
    scale = Scale.of(train)
    assert (scale.low.tolist(), scale.high.tolist()) == ([3.0], [2996.0])
    assert scale(np.array([[-5], [3], [2996], [1e9]], dtype=np.float32)).ravel().tolist() == [0, 0, 255, 255]


# Images ------------------------------------------------------------------------------------------------------------


def test_folders(tmp_path):
    X, y = pictures(6)
    save_folder(tmp_path / "plain", X, y)
    (tmp_path / "plain" / "above" / "notes.txt").write_text("no image")
    (tmp_path / "plain" / ".hidden").mkdir()
    images, test = read_images(tmp_path / "plain")
    assert test is None
    assert images.y.tolist() == ["above"] * 3 + ["below"] * 3
    assert [path.name for path in images.sources] == ["000.png", "002.png", "004.png", "001.png", "003.png", "005.png"]
    save_folder(tmp_path / "split" / "train", X, y)
    save_folder(tmp_path / "split" / "test", X[:2], y[:2])
    images, test = read_images(tmp_path / "split")
    assert (len(images), len(test)) == (6, 2)


def test_npz(tmp_path):
    X, y = pictures(6)
    np.savez(tmp_path / "all.npz", X=X, y=y, X_test=X[:2], y_test=y[:2])
    images, test = read_images(tmp_path / "all.npz")
    assert (len(images), len(test)) == (6, 2)
    np.savez(tmp_path / "grey.npz", X=X[:, :, :, 0], y=np.arange(6))
    images, test = read_images(tmp_path / "grey.npz")
    assert test is None
    assert images.y.tolist() == list(range(6))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": np.zeros((2, 4, 4), np.uint8)}, r"expected arrays X of images and y of labels, got \['X'\]"),
        ({"X": np.zeros((2, 4, 4)), "y": [0, 1]}, "X is float64 of shape"),
        ({"X": np.zeros((2, 4), np.uint8), "y": [0, 1]}, r"of shape \(2, 4\)"),
        ({"X": np.zeros((2, 4, 4, 2), np.uint8), "y": [0, 1]}, "with 1 or 3 channels"),
        ({"X": np.zeros((2, 4, 4), np.uint8), "y": [0]}, "expected 2 labels"),
        ({"X": np.zeros((2, 4, 4), np.uint8), "y": [0, 1], "y_test": [1]}, "expected arrays X_test"),
        ({"X": np.array(["a"], dtype=object), "y": [0]}, "not an .npz file of plain arrays"),
    ],
)
def test_bad_npz(tmp_path, arrays, message):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read_images(tmp_path / "bad.npz")


def test_no_images(tmp_path):
    with pytest.raises(DataError, match="no images found; expected a sub-folder for each class"):
        read_images(tmp_path)
    with pytest.raises(DataError, match="there is no such folder or file"):
        read_images(tmp_path / "nowhere")
    (tmp_path / "file.csv").write_text("a,b")
    with pytest.raises(DataError, match=r"or an \.npz file"):
        read_images(tmp_path / "file.csv")
    (tmp_path / "file.npz").write_text("a,b")
    with pytest.raises(DataError, match=r"not an \.npz file of plain arrays"):
        read_images(tmp_path / "file.npz")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(DataError, match=r"broken\.png: not an image that can be read"):
        extract(read_images(tmp_path)[0], Quadrants(), cache=tmp_path / "cache")


@pytest.mark.parametrize("shape", [(8, 8), (20, 9), (9, 30, 3), (1, 1), (3, 200, 1), (8, 8, 3)])
def test_images_become_squares_in_colour(shape):
    image = np.full(shape, 77, dtype=np.uint8)
    square = _square(image, 8)
    assert square.shape == (8, 8, 3)
    assert (square == 77).all()


def test_the_middle_is_kept(tmp_path):
    image = np.zeros((8, 24), dtype=np.uint8)
    image[:, 8:16] = np.arange(64).reshape(8, 8)
    assert np.array_equal(_square(image, 8)[:, :, 1], image[:, 8:16])
    Image.fromarray(image).save(tmp_path / "grey.png")
    assert np.array_equal(_square(tmp_path / "grey.png", 8)[:, :, 2], image[:, 8:16])


# Extraction and its cache ------------------------------------------------------------------------------------------


def test_the_cache(tmp_path):
    X, y = pictures(7)
    images, network, done = Images(X, y), Quadrants(), []
    features = extract(images, network, batch_size=3, cache=tmp_path, progress=done.append)
    assert features.shape == (7, 12)
    assert network.calls == [3, 3, 1]
    assert done == [3, 6, 7]
    assert np.array_equal(extract(images, network, cache=tmp_path), features)
    assert network.calls == [3, 3, 1]
    (kept,) = tmp_path.iterdir()
    for damage in (b"", b"nonsense", kept.read_bytes()[:-20]):
        kept.write_bytes(damage)
        network.calls.clear()
        assert np.array_equal(extract(images, network, cache=tmp_path), features)
        assert network.calls == [7]
    np.save(kept, features[:3])  # of other images
    assert len(extract(images, network, cache=tmp_path)) == 7
    # Another pixel, another order, another network.
    changed = X.copy()
    changed[3, 2, 1, 0] ^= 1
    other = Quadrants()
    other.name = "others"
    for pictures_, backbone in ((changed, network), (X[::-1], network), (X, other)):
        backbone.calls.clear()
        extract(Images(pictures_, y), backbone, cache=tmp_path)
        assert backbone.calls == [7]
    assert len(list(tmp_path.iterdir())) == 4


def test_files_and_arrays_give_the_same_features(tmp_path):
    X, y = pictures(4)
    save_folder(tmp_path / "images", X, y)
    from_files = extract(read_images(tmp_path / "images")[0], Quadrants(), cache=tmp_path / "cache")
    from_arrays = extract(Images(X[[0, 2, 1, 3]], y), Quadrants(), cache=tmp_path / "cache")
    assert np.array_equal(from_files, from_arrays)


def test_features_that_are_not_finite(tmp_path):
    def broken(images):
        return np.full((len(images), 2), np.nan, dtype=np.float32)

    broken.name, broken.size = "broken", 8
    with pytest.raises(DataError, match="broken gives features that are not finite"):
        extract(Images(*pictures(2)), broken, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


# Command -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Runs a command with the backbone of these tests."""
    command = importlib.import_module("bitlocal.cli.features")
    monkeypatch.setattr(command, "load_backbone", lambda name, **options: Quadrants())
    monkeypatch.setattr("bitlocal.features.cache_folder", lambda: tmp_path / "cache")
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        app(args=list(arguments), standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_the_command(run, tmp_path):
    X, y = pictures(120)
    np.savez("images.npz", X=X[:80], y=y[:80], X_test=X[80:], y_test=y[80:])
    told = run("features", "images.npz", "--backbone", "any", "--out", "features.npz")
    assert "80 to train on, 40 to test on" in told
    assert "quadrants" in told
    dataset = read_table(tmp_path / "features.npz", None)
    assert dataset.X.dtype == np.uint8
    assert dataset.X.shape == (80, 12)
    assert dataset.X.min() == 0
    assert dataset.X.max() == 255
    assert dataset.y_test.tolist() == y[80:].tolist()
    report = json.loads(run("train", "features.npz", "--hidden", "45", "--epochs", "20", "--json", "--quiet"))
    assert report["test_accuracy"] >= 0.95
    # Other images, mapped in the same way.
    np.savez("others.npz", X=X[80:], y=y[80:])
    run("features", "others.npz", "--like", "features.npz", "--out", "others-features.npz")
    with np.load("others-features.npz") as others, np.load("features.npz") as features:
        assert np.array_equal(others["X"], features["X_test"])
        assert np.array_equal(others["low"], features["low"])


def test_wrong_use(run, monkeypatch):
    X, y = pictures(4)
    np.savez("images.npz", X=X, y=y)
    command = ("features", "images.npz", "--out", "features.npz")
    with pytest.raises(DataError, match="which network"):
        run(*command)
    with pytest.raises(DataError, match=r"ends in \.npz"):
        run("features", "images.npz", "--out", "features.csv", "--backbone", "any")
    with pytest.raises(DataError, match="exclude each other"):
        run(*command, "--backbone", "any", "--weights", "x", "--random-weights")
    with pytest.raises(DataError, match="not a file that 'bitlocal features' wrote"):
        run(*command, "--like", "images.npz")
    with pytest.raises(OSError, match="would be replaced"):
        run("features", "images.npz", "--out", "images.npz", "--backbone", "any")
    with pytest.raises(FileNotFoundError):
        run(*command, "--like", "nowhere.npz")
    run(*command, "--backbone", "any")
    monkeypatch.setattr(Quadrants, "name", "others")
    with pytest.raises(DataError, match="was made by 'quadrants', this is 'others'"):
        run("features", "images.npz", "--out", "more.npz", "--like", "features.npz")


def test_packages_that_are_missing(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(DataError, match=r"torch cannot be used .*: pip install 'bitlocal\[features\]'"):
        load_backbone("alexnet")
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(DataError, match=r"pillow cannot be used .*: pip install 'bitlocal\[features\]'"):
        extract(Images(*pictures(2)), Quadrants(), cache=tmp_path)


def test_neither_timm_nor_torchvision(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(manual_seed=lambda seed: None))
    for name in ("timm", "torchvision"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DataError, match=r"no backbone 'alexnet': .*timm cannot be used .*torchvision cannot be used"):
        load_backbone("alexnet")


# Real networks, with random weights: there is nothing to download here ----------------------------------------------


def usable(module):
    """A module, or skip the test: it may be missing, or its build may not fit torch's."""
    try:
        return importlib.import_module(module)
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"{module}: {error}")


@pytest.fixture
def images():
    return np.stack([_square(picture, 64) for picture in pictures(4)[0]])


def test_an_exported_program(tmp_path, images):
    torch = usable("torch")
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3), torch.nn.ReLU()).eval()
    batch = torch.zeros(2, 3, 64, 64)
    program = torch.export.export(network, (batch,), dynamic_shapes=({0: torch.export.Dim("n")},))
    torch.export.save(program, tmp_path / "network.pt2")
    backbone = load_backbone("mine", weights=tmp_path / "network.pt2", size=64)
    features = backbone(images)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    normal = torch.from_numpy(((images / 255 - mean) / std).transpose(0, 3, 1, 2).astype(np.float32))
    with torch.no_grad():
        expected = network(normal).numpy().mean(axis=(2, 3))
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5)
    (tmp_path / "broken.pt2").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"not a program of torch\.export\.save"):
        load_backbone("mine", weights=tmp_path / "broken.pt2")
    with pytest.raises(DataError, match="there is no such file"):
        load_backbone("mine", weights=tmp_path / "nowhere.pt2")


@pytest.mark.parametrize(
    ("library", "name", "n_features"),
    [
        ("timm", "test_resnet", None),
        ("timm", "mobilenetv2_100", 1280),
        ("torchvision", "mobilenet_v2", 1280),
        ("torchvision", "alexnet", 4096),
    ],
)
def test_architectures(tmp_path, images, library, name, n_features):
    torch = usable("torch")
    usable(library)
    backbone = load_backbone(name, random_weights=True)
    assert backbone.name.startswith(library)
    features = backbone(images)
    assert features.dtype == np.float32
    assert features.shape == (4, n_features or features.shape[1])
    assert np.array_equal(load_backbone(name, random_weights=True)(images), features)
    # The same weights from files, with a head that is left out.
    state = {"head.weight": torch.zeros(3), **backbone._model.state_dict()}
    torch.save({"state_dict": state}, tmp_path / "weights.pth")
    usable("safetensors.torch").save_file(state, tmp_path / "weights.safetensors")
    names = {backbone.name}
    for file in ("weights.pth", "weights.safetensors"):
        again = load_backbone(name, weights=tmp_path / file)
        assert np.array_equal(again(images), features)
        names.add(again.name)
    assert len(names) == 3  # each has a place of its own in the cache
    torch.save({"other": torch.zeros(3)}, tmp_path / "weights.pth")
    with pytest.raises(DataError, match="not the weights of this backbone"):
        load_backbone(name, weights=tmp_path / "weights.pth")


def test_an_unknown_architecture():
    usable("timm")
    with pytest.raises(DataError, match="no backbone 'nonsense': it is unknown to timm and torchvision"):
        load_backbone("nonsense")
