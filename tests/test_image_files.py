"""Images in folders and in .zip files: what folders mean, how pixels come out, what is refused, the command line."""

from __future__ import annotations

import io
import json
import os
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone

from bitlocal import BMLPClassifier, ImageEncoder
from bitlocal.cli.main import main
from bitlocal.datasets import Dataset, load, read_table
from bitlocal.datasets.formats.images import places
from bitlocal.datasets.match import split
from bitlocal.datasets.origin import TrainingData
from bitlocal.errors import DataError, DataWarning
from bitlocal.files.model import dump, load_model, save

FAST = ["--hidden", "105", "--epochs", "10", "--quiet"]
MEAN = {"cat": 60, "dog": 190, "emu": 120}


def picture(seed, mean=128, shape=(8, 8)):
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(mean, 20, shape), 0, 255).astype(np.uint8)


def encoded(image, kind="PNG", **options):
    content = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(content, kind, **options)
    return content.getvalue()


def put(folder, **files):
    """Write files; two underscores stand for a folder's end, the last one for the dot."""
    for name, content in files.items():
        path = folder.joinpath(*name.split("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else encoded(content))
    return folder


def tree(*parts, n=6, classes=("cat", "dog"), shape=(8, 8), seed=0):
    """Files of parts ("train/") with a folder for each class, by name."""
    return {
        f"{part}{label}/{i:02}.png": picture(seed + 100 * p + 10 * c + i, MEAN.get(label, 40 * c), shape)
        for p, part in enumerate(parts)
        for c, label in enumerate(classes)
        for i in range(n)
    }


def zipped(path, files, folders=()):
    with zipfile.ZipFile(path, "w") as file:
        for name in folders:
            file.writestr(f"{name}/", b"")
        for name, content in files.items():
            file.writestr(name, content if isinstance(content, bytes) else encoded(content))
    return path


def refused(path, *fragments, **options):
    with pytest.raises(DataError) as told:
        read_table(path, **options)
    message = str(told.value)
    assert "\n" not in message
    for fragment in (str(path), *fragments):
        assert fragment in message


# What the folders mean ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("test", ["test", "Test", "val", "valid", "validation", "testing"])
def test_folders_for_training_and_testing(tmp_path, test):
    files = tree("train/", f"{test}/", n=3)
    data = read_table(put(tmp_path / "photos", **files))
    assert repr(data).startswith("Dataset('photos', X=uint8(6, 64)")
    assert (data.image_shape, data.feature_names, data.target) == ((8, 8), None, None)
    assert data.y.tolist() == data.y_test.tolist() == ["cat"] * 3 + ["dog"] * 3
    assert data.files == tuple(name for name in files if name.startswith("train"))
    assert data.files_test == tuple(name for name in files if name.startswith(test))
    for X, names in ((data.X, data.files), (data.X_test, data.files_test)):
        np.testing.assert_array_equal(X, [files[name].ravel() for name in names])


def test_folders_of_classes_alone(tmp_path):
    files = tree("", n=2, classes=("dog", "cat"))
    data = read_table(put(tmp_path, **files))
    assert data.X_test is None
    assert data.files_test is None
    assert data.files == ("cat/00.png", "cat/01.png", "dog/00.png", "dog/01.png")  # sorted
    np.testing.assert_array_equal(data.X, [files[name].ravel() for name in data.files])


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["10", "9", "007"], [7, 9, 10]),
        (["1.0", "2"], [1, 2]),
        (["a1", "2"], ["2", "a1"]),
        (["true", "FALSE"], ["False", "True"]),
        ([" x", "y"], ["x", "y"]),
    ],
)
def test_labels_are_those_of_a_table(tmp_path, names, labels):
    data = read_table(put(tmp_path, **{f"{name}/0.png": picture(0) for name in names}))
    assert np.unique(data.y).tolist() == labels
    assert data.y.dtype.kind == ("i" if isinstance(labels[0], int) else "U")
    (tmp_path / "table.csv").write_text("a,target\n" + "".join(f"0,{name}\n" for name in names))
    assert np.unique(read_table(tmp_path / "table.csv").y).tolist() == labels


def test_names_of_classes_that_mean_something_in_tables(tmp_path):
    put(tmp_path, **{f"{name}/0.png": picture(0) for name in ("NA", "007")})
    refused(tmp_path, "NA/0.png", "the target is missing")
    assert read_table(tmp_path, text_columns=["target"]).y.tolist() == ["007", "NA"]
    put(tmp_path / "measured", **{f"{name}/0.png": picture(0) for name in ("1.5", "2.5")})
    refused(tmp_path / "measured", "not a whole one")


def test_whole_numbers_in_both_parts_or_text_in_both(tmp_path):
    put(tmp_path, **tree("train/", classes=("1", "2")), **tree("test/", classes=("1", "two")))
    data = read_table(tmp_path)
    assert (data.y.dtype.kind, data.y_test.dtype.kind) == ("U", "U")
    with pytest.raises(DataError, match="labels that training never saw: 'two'"):
        split(data, 0.2, 0)


def test_what_is_hidden_or_no_image_is_ignored(tmp_path):
    junk = (
        ".hidden/0.png",
        "cat/.0.png",
        "cat/._1.png",
        "__MACOSX/cat/._1.png",
        "cat/Thumbs.db",
        "cat/.DS_Store",
        "notes.txt",
    )
    put(tmp_path / "f", **tree(""), **dict.fromkeys(junk, b"no image"))
    data = read_table(tmp_path / "f")
    assert len(data.X) == 12
    file = zipped(tmp_path / "f.zip", tree("") | dict.fromkeys(junk, b"no image") | {"../x/0.png": b"", "./.": b""})
    assert read_table(file).fingerprint() == data.fingerprint()


def test_more_folders_in_that_of_a_class(tmp_path):
    put(tmp_path, **{"cat/a/0.png": picture(0), "cat/0.png": picture(1), "dog/b/c/0.PNG": picture(2)})
    data = read_table(tmp_path)
    assert data.files == ("cat/0.png", "cat/a/0.png", "dog/b/c/0.PNG")
    assert data.y.tolist() == ["cat", "cat", "dog"]


def test_a_class_may_be_called_train(tmp_path):
    put(tmp_path, **tree("", classes=("train", "bus", "ship")))
    assert np.unique(read_table(tmp_path).y).tolist() == ["bus", "ship", "train"]


@pytest.mark.parametrize("around", ["", "photos/", "a/b/"])
@pytest.mark.parametrize("parts", [("",), ("train/", "test/")])
def test_a_folder_around_everything(tmp_path, around, parts):
    files = {around + name: content for name, content in tree(*parts).items()}
    expected = read_table(put(tmp_path / "plain", **tree(*parts)))
    of_folder = read_table(put(tmp_path / "folder", **files, **{"README.txt": b"hello"}))
    of_zip = read_table(zipped(tmp_path / "file.ZIP", files | {"README.txt": b"hello"}))
    for data in (of_folder, of_zip):
        assert data.fingerprint() == expected.fingerprint()
        assert (data.X_test is None) == (expected.X_test is None)
        assert data.files == tuple(around + name for name in expected.files)


def test_a_zip_with_backslashes_and_entries_for_folders(tmp_path):
    files = {name.replace("/", "\\"): content for name, content in tree("train/").items()}
    data = read_table(zipped(tmp_path / "f.zip", files, folders=["train", "train/cat"]))
    assert data.fingerprint() == read_table(put(tmp_path / "f", **tree("train/"))).fingerprint()


def test_symbolic_links(tmp_path):
    put(tmp_path / "elsewhere", **tree(""))
    photos = tmp_path / "photos"
    (photos / "cat").mkdir(parents=True)
    (photos / "dog").symlink_to(tmp_path / "elsewhere" / "dog")
    (photos / "cat" / "one.png").symlink_to(tmp_path / "elsewhere" / "cat" / "00.png")
    (photos / "cat" / "round").symlink_to(photos)  # and round
    assert read_table(photos).files == ("cat/one.png", *(f"dog/{i:02}.png" for i in range(6)))
    (photos / "cat" / "two.png").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"two.png: there is no such file"):
        read_table(photos)


def test_validation_images_are_left_out_where_there_are_test_images(tmp_path):
    put(tmp_path, **tree("train/", "test/", "val/"))
    with pytest.warns(DataWarning, match="the images in val are left out, since there is test"):
        assert read_table(tmp_path).files_test[0] == "test/cat/00.png"


@pytest.mark.parametrize(
    ("files", "folders", "told"),
    [
        ({}, [], ["this is a directory without images", "CLASS/*.jpg", ".png, .jpg"]),
        ({"cat/a.txt": b"", "x.csv": b""}, [], ["this is a directory without images", "give one of the files in it"]),
        (tree("", classes=("cat",)), [], ["every target is 'cat'"]),
        (tree(""), ["emu"], ["no images in the folder 'emu'; each folder is a class"]),
        (tree(""), ["emu", "gnu"], ["no images in the folder 'emu', one of 2 such folders"]),
        (tree("train/", "test/"), ["test/emu"], ["test: no images in the folder 'emu'"]),
        (tree("train/"), ["test"], ["test: there are no images in this folder"]),
        (
            {"a.png": picture(0), "b.png": picture(1)},
            [],
            ["images outside of the folders of classes", "'a.png', 'b.png'"],
        ),
        (tree("") | {"a.png": picture(0)}, [], ["images outside of the folders of classes", "'a.png'"]),
        (tree("train/") | {"test/a.png": picture(0)}, [], ["test: images outside of the folders", "'a.png'"]),
        ({"train/a.png": picture(0), "test/a.png": picture(0)}, [], ["train: images outside of the folders"]),
        (tree("train/", "test/") | {"a.png": picture(0)}, [], ["beside the folders", "'a.png'"]),
        (tree("train/", "test/", "more/"), [], ["beside the folders", "'more/cat/00.png'"]),
        (tree("test/", "val/"), [], ["there is test and val, but no folder train"]),
        (tree("train/", "val/", "valid/"), [], ["val and valid are for the same"]),
    ],
)
def test_folders_without_a_meaning(tmp_path, files, folders, told):
    put(tmp_path / "f", **files)
    for folder in ("", *folders):
        (tmp_path / "f" / folder).mkdir(parents=True, exist_ok=True)
    refused(tmp_path / "f", *told)
    if files and "directory" not in told[0]:
        refused(zipped(tmp_path / "f.zip", files, folders), *(text.removeprefix("test: ") for text in told))


def test_options_of_tables(tmp_path):
    put(tmp_path, **tree(""))
    refused(tmp_path, "images have no column 'label'", target="label")
    refused(tmp_path, "images have no column 'label' to take as text", text_columns=["label"])
    (tmp_path / "t.csv").write_text("a,target\n1,x\n2,y\n")
    refused(tmp_path / "t.csv", "only images in a folder or .zip file can be resized", resize=8)
    for wrong in (0, (8,), (8, 8, 3), (8, 1.5), 1 << 16):
        with pytest.raises(DataError, match="expected height and width"):
            read_table(tmp_path, resize=wrong)


def test_names_of_files_go_with_samples():
    X, y = np.eye(2), np.arange(2)
    with pytest.raises(DataError, match="files has 1 names for 2 samples"):
        Dataset(name="d", X=X, y=y, files=("a",))
    with pytest.raises(DataError, match="files_test has 1 names for 0 samples"):
        Dataset(name="d", X=X, y=y, files_test=("a",))


# For prediction -------------------------------------------------------------------------------------------------------


def test_images_to_predict(tmp_path):
    flat = {f"{name}.png": picture(i) for i, name in enumerate(("b", "10", "9"))}
    data = read_table(put(tmp_path / "flat", **flat), require_target=False)
    assert not data.has_labels
    assert data.files == ("10.png", "9.png", "b.png")
    np.testing.assert_array_equal(data.X, [flat[name].ravel() for name in data.files])
    assert read_table(zipped(tmp_path / "f.zip", flat), require_target=False).files == data.files
    around = {f"new/{name}": content for name, content in flat.items()}
    assert len(read_table(zipped(tmp_path / "g.zip", around), require_target=False).X) == 3

    put(tmp_path / "mixed", **tree(""), **{"a.png": picture(0)})
    mixed = read_table(tmp_path / "mixed", require_target=False)
    assert (mixed.has_labels, len(mixed.X)) == (False, 13)
    put(tmp_path / "classes", **tree(""))
    assert read_table(tmp_path / "classes", require_target=False).y.tolist() == ["cat"] * 6 + ["dog"] * 6
    put(tmp_path / "dates", **tree("", classes=("NA", "1.5")))
    assert not read_table(tmp_path / "dates", require_target=False).has_labels


@pytest.mark.parametrize("test", [tree("test/"), {"test/a.png": picture(0), "test/b.png": picture(1)}])
@pytest.mark.parametrize("train", [tree("train/"), {"train/a.png": picture(0)}, {}])
def test_the_test_split_alone_is_predicted(tmp_path, train, test):
    data = read_table(put(tmp_path, **train, **test), require_target=False)
    assert data.files == tuple(sorted(test))
    assert data.X_test is None


# Pixels ---------------------------------------------------------------------------------------------------------------


def read_one(tmp_path, content, name="a.png", **options):
    """Read one image: its pixels, with channels if it has any."""
    data = read_table(put(tmp_path / "one", **{name: content}), require_target=False, **options)
    (tmp_path / "one" / name).unlink()
    return data.X[0].reshape(data.image_shape)


GREY, COLOUR = picture(1, shape=(6, 9)), picture(2, shape=(6, 9, 3))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM"])
def test_kinds_of_files(tmp_path, kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    name = f"a.{kind.lower()}"
    if kind != "GIF":
        np.testing.assert_array_equal(read_one(tmp_path, encoded(COLOUR, kind, **options), name), COLOUR)
    if kind != "WEBP":  # which knows colour alone
        np.testing.assert_array_equal(read_one(tmp_path, encoded(GREY, kind), name), GREY)


def test_jpeg(tmp_path):
    smooth = np.add.outer(np.arange(0, 160, 10), np.arange(0, 80, 5)).astype(np.uint8)
    for image in (smooth, np.stack([smooth, 255 - smooth, smooth // 2], axis=2)):
        read = read_one(tmp_path, encoded(image, "JPEG", quality=95), "a.jpeg").astype(int)
        assert read.shape == image.shape
        assert np.abs(read - image).mean() < 4
    cmyk = Image.fromarray(np.full((8, 8, 3), (200, 100, 50), dtype=np.uint8)).convert("CMYK")
    assert np.abs(read_one(tmp_path, encoded(cmyk, "JPEG"), "a.jpg").astype(int) - (200, 100, 50)).max() < 6
    # What it is counts, not what it is called.
    np.testing.assert_array_equal(read_one(tmp_path, encoded(GREY), "a.jpg"), GREY)


def test_the_first_picture_of_an_animation(tmp_path):
    frames = [Image.fromarray(np.full((4, 4), value, dtype=np.uint8)) for value in (10, 200)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (read_one(tmp_path, content, "a.gif") == 10).all()


def test_palettes(tmp_path):
    image = Image.fromarray(np.array([[0, 1], [2, 1]], dtype=np.uint8), "L").convert("P")
    image.putpalette([255, 0, 0, 0, 128, 0, 7, 7, 7])
    assert read_one(tmp_path, encoded(image)).tolist() == [[[255, 0, 0], [0, 128, 0]], [[7, 7, 7], [0, 128, 0]]]
    image.putpalette([255, 255, 255, 128, 128, 128, 7, 7, 7])
    assert read_one(tmp_path, encoded(image)).tolist() == [[255, 128], [7, 128]]  # of greys alone
    assert read_one(tmp_path, encoded(image, transparency=0)).tolist() == [[0, 128], [7, 128]]


def test_black_and_white(tmp_path):
    assert (
        read_one(tmp_path, encoded(Image.fromarray(np.eye(3, dtype=np.bool_)))).tolist() == (255 * np.eye(3)).tolist()
    )


def test_sixteen_bits(tmp_path):
    deep = np.array([[0, 255, 256], [32768, 65535, 511]], dtype=np.uint16)
    for kind in ("PNG", "TIFF"):
        read = read_one(tmp_path, encoded(Image.fromarray(deep), kind), f"a.{kind.lower()}")
        assert read.tolist() == [[0, 0, 1], [128, 255, 1]]
    wide = Image.fromarray(np.array([[0, 1 << 20]], dtype=np.int32))
    refused(put(tmp_path / "wide", **{"a.tif": encoded(wide, "TIFF")}), "more than 16 bits", require_target=False)
    fractions = Image.fromarray(np.zeros((2, 2), dtype=np.float32))
    refused(put(tmp_path / "f", **{"a.tif": encoded(fractions, "TIFF")}), "floating-point", require_target=False)


def test_what_is_transparent_shows_black(tmp_path):
    rgba = np.dstack([np.full((1, 3, 3), (200, 100, 50), dtype=np.uint8), np.array([[255, 0, 128]], dtype=np.uint8)])
    first, second, third = read_one(tmp_path, encoded(rgba))[0].tolist()
    assert (first, second) == ([200, 100, 50], [0, 0, 0])
    assert np.abs(np.subtract(third, (100, 50, 25))).max() <= 1
    grey = Image.fromarray(np.dstack([np.full((1, 2), 90, np.uint8), np.array([[255, 0]], np.uint8)]), "LA")
    assert read_one(tmp_path, encoded(grey)).tolist() == [[90, 0]]


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_images_are_turned_upright(tmp_path, orientation, kind):
    turns = {2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: lambda a: a.transpose(1, 0, 2)}
    turns |= {6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).transpose(1, 0, 2), 8: np.rot90}
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(COLOUR, kind, exif=exif, **options)
    expected = turns.get(orientation, lambda a: a)(COLOUR)
    np.testing.assert_array_equal(read_one(tmp_path, content, f"a.{kind.lower()}"), expected)


def test_grey_stays_grey_only_if_all_are(tmp_path):
    put(tmp_path, **{"cat/0.png": GREY, "dog/0.png": COLOUR, "dog/1.png": GREY})
    data = read_table(tmp_path)
    assert data.image_shape == (6, 9, 3)
    grey = np.repeat(GREY[:, :, np.newaxis], 3, axis=2)
    np.testing.assert_array_equal(data.X.reshape(3, 6, 9, 3), [grey, COLOUR, grey])
    put(tmp_path / "t", **{"train/cat/0.png": GREY, "train/dog/0.png": GREY, "test/dog/0.png": COLOUR})
    assert read_table(tmp_path / "t").X.shape == (2, 162)


def test_one_size_or_resized(tmp_path):
    put(
        tmp_path,
        **tree("train/", n=2),
        **tree("test/", n=1, shape=(10, 12)),
        **{"test/cat/9.png": picture(0, shape=(9, 9))},
    )
    refused(
        tmp_path,
        "images of 3 sizes, as train/cat/00.png of 8x8 and test/cat/00.png of 10x12 (height x width)",
        "--resize 8x8",
    )
    for resize, shape in ((8, (8, 8)), ((4, 6), (4, 6))):
        data = read_table(tmp_path, resize=resize)
        assert data.image_shape == shape
        assert data.X.shape == (4, shape[0] * shape[1])
    np.testing.assert_array_equal(read_table(tmp_path, resize=8).X[0], picture(0, MEAN["cat"]).ravel())  # untouched
    constant = np.full((50, 30), 77, dtype=np.uint8)
    assert (read_one(tmp_path, encoded(constant), resize=(7, 5)) == np.full((7, 5), 77)).all()
    # Turned first, resized then.
    exif = Image.Exif()
    exif[0x0112] = 6
    halves = np.repeat(np.array([[0], [250]], dtype=np.uint8), 8, axis=0) * np.ones((1, 16), dtype=np.uint8)
    assert read_one(tmp_path, encoded(halves, exif=exif), resize=(4, 2)).tolist() == [[214, 36]] * 4
    put(tmp_path / "turned", **{"a.png": encoded(COLOUR, exif=exif), "b.png": COLOUR})
    refused(tmp_path / "turned", "a.png of 9x6 and b.png of 6x9", require_target=False)


def test_images_like_those_of_a_model(tmp_path):
    put(tmp_path / "grey", **{"a.png": GREY})
    put(tmp_path / "colour", **{"a.png": COLOUR})
    as_colour = read_table(tmp_path / "grey", require_target=False, image_shape=(6, 9, 3))
    np.testing.assert_array_equal(as_colour.X[0], np.repeat(GREY.ravel(), 3))
    as_grey = read_table(tmp_path / "colour", require_target=False, image_shape=(6, 9))
    np.testing.assert_array_equal(as_grey.X[0].reshape(6, 9), Image.fromarray(COLOUR).convert("L"))
    assert as_grey.image_shape == (6, 9)
    told = "6x9 pixels (height x width), but the model was trained on images of 5x5; give --resize 5x5"
    refused(tmp_path / "grey", "a.png", told, require_target=False, image_shape=(5, 5, 1))
    refused(tmp_path / "grey", "trained on images of 5x5", require_target=False, image_shape=(5, 5), resize=4)
    refused(tmp_path / "grey", "4 channels", require_target=False, image_shape=(6, 9, 4))


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
@pytest.mark.parametrize("kept", [0, 5, 0.3, 0.8])
def test_damaged_images_are_named(tmp_path, kind, kept):
    content = encoded(picture(0, shape=(64, 64, 3)), kind)
    n = kept if isinstance(kept, int) else int(kept * len(content))
    files = tree("") | {f"dog/zz.{kind.lower()}": content[:n]}
    for path in (put(tmp_path / "f", **files), zipped(tmp_path / "f.zip", files)):
        refused(path, f"dog/zz.{kind.lower()}: not an image that can be read", "replace or remove it", resize=8)


def test_noise_is_an_error_or_an_image(tmp_path):
    rng = np.random.default_rng(0)
    for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"):
        sound = np.frombuffer(encoded(picture(0, shape=(16, 16, 3)), kind), dtype=np.uint8)
        for _ in range(30):
            content = sound.copy()
            content[rng.integers(0, len(content), 5)] = rng.integers(0, 256, 5)
            try:
                outcome = str(read_one(tmp_path, content.tobytes(), resize=4).shape)
            except DataError as error:
                outcome = str(error)
            assert "a.png: " in outcome or outcome.startswith("(4, 4")


def bomb(side):
    """A PNG file of few bytes that says it is as large as this."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [10_000, 30_000])
def test_images_of_too_many_pixels(tmp_path, side):
    refused(put(tmp_path, **tree(""), **{"dog/zz.png": bomb(side)}), "dog/zz.png: more than", "pixels", resize=8)


def test_zip_files_that_unpack_to_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "_MOST_BYTES", 100_000)
    file = zipped(tmp_path / "f.zip", tree("") | {"cat/0.png": b"\0" * 100_001})
    refused(file, "cat/0.png: unpacked, it would take 0 MB; expected an image of at most")
    monkeypatch.setattr(places, "_MOST_IN_ALL", (50_000, 3))
    with zipfile.ZipFile(tmp_path / "g.zip", "w", zipfile.ZIP_DEFLATED) as zip_file:
        for i in range(4):
            zip_file.writestr(f"cat/{i}.png", b"\0" * 90_000)
    refused(tmp_path / "g.zip", "unpacked, its images would take", "more than 3 times the file")


def test_damaged_zip_files(tmp_path):
    path = zipped(tmp_path / "f.zip", tree(""))
    sound = path.read_bytes()
    for content in (b"", b"PK", sound[: len(sound) // 2], b"no zip at all" * 100):
        path.write_bytes(content)
        refused(path, "not a .zip file, or a damaged one")
    for at in (60, 300):  # in the first images: their content, and what lies before it
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 255]) + sound[at + 1 :])
        refused(path, "/0", "damaged")
    encrypted = bytearray(sound)
    encrypted[sound.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(encrypted)
    refused(path, "cat/00.png: it is encrypted")
    unknown = bytearray(sound)
    unknown[sound.index(b"PK\x01\x02") + 10] = 97
    path.write_bytes(unknown)
    refused(path, "cat/00.png: it cannot be unpacked")
    refused(tmp_path / "none.zip", "no such file")
    refused(zipped(tmp_path / "e.zip", {"a.txt": b""}), "there are no images in it")


def test_without_pillow(tmp_path, monkeypatch):
    put(tmp_path, **tree(""))
    monkeypatch.setitem(sys.modules, "PIL", None)
    refused(tmp_path, "reading images needs the package Pillow; install it: pip install 'bitlocal[images]'")


# The command line -----------------------------------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command; gives what it printed, or the error that it told of."""

    def run(*arguments, status=0):
        monkeypatch.setattr(sys, "argv", ["bitlocal", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        stdout, stderr = capsys.readouterr()
        assert ended.value.code == status, stderr
        return stderr if status else stdout

    return run


def test_from_training_to_prediction(run, tmp_path):
    photos = put(tmp_path / "photos", **tree("train/", "test/", n=20))
    model = tmp_path / "model"
    report = json.loads(run("train", f"{photos}{os.sep}", *FAST, "--out", model, "--json"))
    assert (report["dataset"], report["n_train"], report["n_test"], report["test_accuracy"]) == ("photos", 40, 40, 1.0)
    assert "ImageEncoder(shape=(8, 8))" in report["encoder"]
    evaluation = json.loads(run("evaluate", model, photos, "--json"))
    assert (evaluation["part"], evaluation["samples"], evaluation["accuracy"]) == ("test split", 40, 1.0)
    of_zip = zipped(
        tmp_path / "photos.zip", {f"photos/{name}": image for name, image in tree("train/", "test/", n=20).items()}
    )
    assert json.loads(run("evaluate", model, of_zip, "--json"))["accuracy"] == 1.0
    assert run("predict", model, photos).split() == ["cat"] * 20 + ["dog"] * 20
    flat = put(tmp_path / "flat", **{"b.png": picture(0, MEAN["cat"]), "a.png": picture(1, MEAN["dog"])})
    assert run("predict", model, flat) == "dog\ncat\n"
    assert run("predict", model, flat, "--files") == "a.png,dog\nb.png,cat\n"
    assert [line.split(",")[0] for line in run("predict", model, flat, "--files", "--logits").splitlines()] == [
        "file",
        "a.png",
        "b.png",
    ]
    assert "without labels" in run("evaluate", model, flat, status=2)
    assert "8x8 pixels (height x width), grey " in run("info", model)
    assert json.loads(run("info", model, "--json"))["image_shape"] == [8, 8]


def test_what_was_held_out_is_found_again(run, tmp_path):
    put(tmp_path / "photos", **tree("", n=20, classes=("1", "2", "3")))
    model = tmp_path / "model"
    report = json.loads(run("train", tmp_path / "photos", *FAST, "--out", model, "--json"))
    evaluation = json.loads(run("evaluate", model, tmp_path / "photos", "--json"))
    assert evaluation["part"] == "the 20% that training held out"
    assert evaluation["accuracy"] == report["test_accuracy"]
    assert [c["class"] for c in evaluation["classes"]] == [1, 2, 3]


def test_mirror_images(run, tmp_path):
    photos, model = put(tmp_path / "photos", **tree("", n=10)), tmp_path / "model"
    alone = json.loads(run("train", photos, *FAST, "--json"))
    both = json.loads(run("train", photos, *FAST, "--mirror", "--json", "--out", model))
    assert (alone["n_train"], alone["n_test"]) == (both["n_train"], both["n_test"])
    assert alone["hidden_sha256"] != both["hidden_sha256"]
    data = read_table(photos)
    parts = split(data, 0.2, 0)
    X = parts.X.reshape(-1, *data.image_shape)
    X, y = np.concatenate([X, X[:, :, ::-1]]), np.concatenate([parts.y, parts.y])
    again = clone(load_model(model).classifier).set_params(random_state=0).fit(X, y)
    assert again.network_.hidden_sha256() == both["hidden_sha256"]
    (tmp_path / "table.csv").write_text("a,b,target\n" + "1,2,x\n3,1,y\n" * 5)
    assert "--mirror is for images" in run("train", tmp_path / "table.csv", "--mirror", *FAST, status=2)


@pytest.mark.parametrize("encoder", ["auto", "thermometer4"])
def test_a_model_resizes_by_itself(run, tmp_path, encoder):
    photos = put(tmp_path / "photos", **tree("", n=10), **tree("", n=3, classes=("emu",), shape=(9, 12)))
    model = tmp_path / "model"
    assert "images of 2 sizes" in run("train", photos, *FAST, "--out", model, status=2)
    for wrong in ("8x", "8x8x8", "0", "-3", "8.5", "x"):
        assert "expected height and width" in run("train", photos, f"--resize={wrong}", *FAST, status=2)
    report = json.loads(run("train", photos, *FAST, "--resize", "6x7", "--encoder", encoder, "--out", model, "--json"))
    data = load_model(model).data
    assert (data.image_shape, data.resized) == ((6, 7), True)
    assert json.loads(run("evaluate", model, photos, "--json"))["accuracy"] == report["test_accuracy"]
    assert run("predict", model, photos, "--resize", "6x7") == run("predict", model, photos)
    assert "trained on images of 6x7" in run("predict", model, photos, "--resize", "8", status=2)
    assert "6x7 pixels (height x width), grey; every image is resized to that" in run("info", model)
    colour = put(tmp_path / "colour", **{"a.png": picture(0, MEAN["cat"], (30, 40, 3))})
    assert len(run("predict", model, colour).split()) == 1


def test_a_model_of_another_size_says_so(run, tmp_path):
    small = put(tmp_path / "small", **tree("", n=10))
    large = put(tmp_path / "large", **tree("", n=2, shape=(16, 16)))
    model = tmp_path / "model"
    run("train", small, *FAST, "--out", model)
    assert load_model(model).data.resized is False
    assert "but the model was trained on images of 8x8; give --resize 8x8" in run("predict", model, large, status=2)
    assert len(run("predict", model, large, "--resize", "8x8").split()) == 4


def test_images_for_a_model_of_arrays(run, tmp_path):
    images = np.array(list(tree("", n=20).values()))
    labels = np.repeat(["cat", "dog"], 20)
    np.savez(tmp_path / "arrays.npz", X=images, y=labels)
    run("train", tmp_path / "arrays.npz", *FAST, "--out", tmp_path / "model")
    assert load_model(tmp_path / "model").data.image_shape is None
    colour = {name: np.repeat(image[:, :, np.newaxis], 3, axis=2) for name, image in tree("", n=3).items()}
    photos = put(tmp_path / "photos", **colour)
    assert run("predict", tmp_path / "model", photos).split() == ["cat"] * 3 + ["dog"] * 3
    classifier = BMLPClassifier((45,), max_iter=2, random_state=0).fit(images, labels)
    save(classifier, tmp_path / "plain")  # from Python, which records nothing of the data
    assert json.loads(run("evaluate", tmp_path / "plain", photos, "--json"))["accuracy"] == 1.0


def test_options_that_do_not_apply(run, tmp_path):
    photos = put(tmp_path / "photos", **tree("", n=10))
    run("train", photos, *FAST, "--out", tmp_path / "model")
    assert "only images" in run("train", "digits", "--resize", "8", status=2)
    run("train", "digits", *FAST, "--out", tmp_path / "digits")
    assert "--files" in run("predict", tmp_path / "digits", "digits", "--files", status=2)
    assert "no column 'label'" in run("evaluate", tmp_path / "model", photos, "--target", "label", status=2)
    put(photos, **{"emu/0.png": picture(0)})
    assert "labels that training never saw: 'emu'" in run("evaluate", tmp_path / "model", photos, status=2)


def test_records_of_other_data_are_as_they_were():
    classifier = BMLPClassifier((45,), max_iter=1, random_state=0).fit(np.eye(4), [0, 1, 0, 1])
    assert b"resized" not in dump(classifier, data=TrainingData("d", "0" * 64))
    assert b'"image_shape":[8,8,3],"resized":true' in dump(
        classifier, data=TrainingData("d", "0" * 64, image_shape=(8, 8, 3), resized=True)
    ).replace(b'\\"', b'"')


# Real images ----------------------------------------------------------------------------------------------------------


def test_photos_in_a_zip_file(tmp_path):
    source = Path(os.environ.get("BITLOCAL_DATA", "/nowhere")) / "cifar10-images.zip"
    if not source.is_file():
        pytest.skip("needs the environment variable BITLOCAL_DATA, a folder that holds cifar10-images.zip")
    with zipfile.ZipFile(source) as whole:
        names = [name for name in whole.namelist() if name.endswith("0.jpg")][::10]
        files = {name: whole.read(name) for name in names}
    data = read_table(zipped(tmp_path / "some.zip", files))
    assert (data.image_shape, data.X.dtype) == ((32, 32, 3), np.uint8)
    assert len(data.X) == sum(name.startswith("train") for name in names)
    assert np.unique(data.y).tolist() == np.unique(data.y_test).tolist()
    assert len(np.unique(data.y)) == 10
    for i in (0, 100, len(data.X) - 1):
        np.testing.assert_array_equal(
            data.X[i].reshape(32, 32, 3), np.asarray(Image.open(io.BytesIO(files[data.files[i]])).convert("RGB"))
        )
    unpacked = read_table(put(tmp_path / "some", **files))
    assert unpacked.fingerprint() == data.fingerprint()


# Images that come as rows of a table ----------------------------------------------------------------------------------


def smooth(n=60, side=28, channels=1, seed=0):
    """Images of a few broad waves in random places: shape (n, side, side), or with channels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    images = np.zeros((n, side, side, channels))
    for i in range(n):
        for c in range(channels):
            for fy, fx, phase in rng.uniform((-2, -2, 0), (2, 2, 1), (4, 3)):
                images[i, :, :, c] += np.sin(2 * np.pi * (fy * y + fx * x + phase))
    images = (128 + 30 * images).clip(0, 255).astype(np.uint8)
    return images[..., 0] if channels == 1 else images


def fit(X, encoder="auto"):
    return BMLPClassifier((15,), encoder=encoder, max_iter=1, random_state=0).fit(X, np.arange(len(X)) % 2)


@pytest.mark.parametrize("side", [16, 28, 32])
def test_flattened_images_are_told_of(side):
    images = smooth(side=side)
    flat = images.reshape(len(images), -1)
    told = f"flattened images of {side} x {side}, .*X.reshape.-1, {side}, {side}.*ImageEncoder.shape=.{side}, {side}"
    with pytest.warns(DataWarning, match=told) as caught:
        classifier = fit(flat)
    assert len(caught) == 1
    quiet = str(caught[0].message).split('encoder="')[2].split('"')[0]
    fit(images)
    fit(flat, "image")
    fit(flat, ImageEncoder(shape=(side, side)))
    fit(flat, "median")
    assert str(fit(flat, quiet).encoder_) == str(
        classifier.encoder_
    )  # what it says instead is the same, without a word
    fit(flat > 128)
    fit(flat.astype(np.float32))


def test_flattened_images_in_colour():
    images = smooth(channels=3, side=20)
    with pytest.warns(DataWarning, match=r"20 x 20 in colour.*X.reshape\(-1, 20, 20, 3\), "):
        fit(images.reshape(len(images), -1))
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    with pytest.warns(DataWarning, match=r"X.reshape\(-1, 3, 20, 20\).transpose\(0, 2, 3, 1\)"):
        fit(planes)


@pytest.mark.parametrize("n", [2, 5, 300])
def test_tables_are_not_taken_for_images(n):
    rng = np.random.default_rng(n)
    noise = rng.normal(size=(n, 784))
    steps = np.arange(784)
    tables = {
        "random": rng.integers(0, 256, (n, 784)),
        "sparse": rng.integers(0, 9, (n, 784)) * (rng.random((n, 784)) < 0.05),
        "alike": 128 + 40 * rng.normal(size=(n, 1)) + 10 * noise,
        "in order": 128 + np.arange(784) % 100 + 3 * noise,
        "walks": 128 + 3 * np.cumsum(noise, axis=1),
        "waves": 128 + 90 * np.sin(steps / 40 + 6 * rng.random((n, 1))),
        "of another width": smooth(n).reshape(n, -1)[:, :783],
        "small": smooth(n, 15).reshape(n, -1),
        "copies": np.repeat(rng.integers(0, 256, (n, 1)), 784, axis=1),
        "constant": np.full((n, 784), 7) + (np.arange(n) == 0)[:, np.newaxis],
    }
    for table in tables.values():
        fit(table.clip(0, 255).astype(np.uint8))


def test_fashion_mnist_as_a_table():
    if "BITLOCAL_DATA" not in os.environ:
        pytest.skip("needs the environment variable BITLOCAL_DATA, a folder that holds fashion-mnist/")
    data = load("fashion-mnist")
    with pytest.warns(DataWarning, match="28 x 28"):
        fit(data.X[:500])
    fit(data.X[:500].reshape(-1, *data.image_shape))
