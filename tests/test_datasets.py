"""Data sets: file formats, look-up and download, tables, synthetic data, and every complaint about them."""

from __future__ import annotations

import builtins
import contextlib
import csv
import datetime
import functools
import gzip
import hashlib
import http.server
import logging
import os
import re
import struct
import threading
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bitlocal.datasets import Dataset, describe, load, names, read_table
from bitlocal.datasets.formats import csv_table, idx
from bitlocal.datasets.formats.idx import read_idx
from bitlocal.datasets.known import download, places
from bitlocal.errors import BitlocalError, DataError, DataWarning, ModelFileError

STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@contextlib.contextmanager
def complains(*parts: object) -> Iterator[None]:
    """Expect a `DataError` of one line that contains all the parts."""
    with pytest.raises(DataError) as caught:
        yield
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert str(part) in message


def idx_bytes(array: NDArray[Any], code: int = 8) -> bytes:
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def put_images(folder: Path, *, seed: int = 0, shape: tuple[int, int] = (3, 2), packed: bool = True) -> dict[str, str]:
    """Write a tiny image set in the form of MNIST; returns the SHA-256 of each file, unpacked."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    hashes = {}
    for stem in STEMS:
        n = 6 if stem.startswith("train") else 4
        array = rng.integers(0, 256, (n, *shape)) if "images" in stem else np.arange(n) % 3
        content = idx_bytes(array)
        hashes[stem] = hashlib.sha256(content).hexdigest()
        (folder / (f"{stem}.gz" if packed else stem)).write_bytes(gzip.compress(content) if packed else content)
    return hashes


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set up a machine without data or network; `own`, `cache` and `system` lie below the result."""
    monkeypatch.delenv("BITLOCAL_DATA", raising=False)
    monkeypatch.setenv("BITLOCAL_OFFLINE", "1")
    monkeypatch.setattr(places, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(places, "SYSTEM_FOLDER", tmp_path / "system")
    return tmp_path


# --- errors and Dataset ----------------------------------------------------------------------------------


def test_errors_can_be_caught_by_family() -> None:
    assert issubclass(DataError, BitlocalError)
    assert issubclass(DataError, ValueError)
    assert issubclass(ModelFileError, BitlocalError)
    assert issubclass(ModelFileError, ValueError)


def toy(**changes: Any) -> Dataset:
    fields: dict[str, Any] = {"name": "toy", "X": np.arange(6.0).reshape(3, 2), "y": np.array([0, 1, 0])}
    return Dataset(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"X": np.arange(3.0)}, "two dimensions"),
        ({"X": np.array([["a"], ["b"], ["c"]])}, "X must be numbers"),
        ({"X": np.array([["a"], [1], [b"c"]], dtype=object)}, "X holds objects of type bytes, int; expected float"),
        ({"X": np.empty((3, 0), dtype=object)}, "X is empty"),
        ({"X": np.empty((0, 2)), "y": np.empty(0, dtype=int)}, "X is empty"),
        ({"X": np.empty((3, 0))}, "X is empty"),
        ({"y": np.array([0.5, 1.0, 2.0])}, "y must be integers or text"),
        ({"y": np.zeros((3, 1), dtype=int)}, "y must be integers or text"),
        ({"y": np.array([0, 1])}, "3 samples but y has 2 labels"),
        ({"X_test": np.ones((1, 2))}, "give both or neither"),
        ({"X_test": np.ones((1, 5)), "y_test": np.array([1])}, "X has 2 features but X_test has 5"),
        ({"X_test": np.ones((1, 2)), "y_test": np.empty(0, dtype=int)}, "1 samples but y_test has 0"),
        ({"feature_names": ("only one",)}, "1 feature names for 2 features"),
    ],
)
def test_dataset_refuses_arrays_that_do_not_fit(changes: dict[str, Any], part: str) -> None:
    with complains("toy", part):
        toy(**changes)


def test_dataset_may_lack_labels() -> None:
    assert toy().has_labels
    assert not toy(y=np.empty(0, dtype=np.int64)).has_labels


def test_dataset_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        toy().name = "other"  # type: ignore[misc]


def test_repr_tells_shapes_not_values() -> None:
    data = toy(X_test=np.ones((1, 2), dtype=np.uint8), y_test=np.array(["a"]))
    assert repr(data) == "Dataset('toy', X=float64(3, 2), y=int64(3,), X_test=uint8(1, 2), y_test=str32(1,))"


def test_fingerprint_is_pinned() -> None:
    # Stored in model files: it must never change.
    assert toy().fingerprint() == "bde35637d5e063f4c1de63bb6b5d3098026f66937d4fd35ba6112663b801d057"
    words = toy(X=np.eye(3, dtype=bool), y=np.array(["a", "bc", "ü"]))
    assert words.fingerprint() == "35af1284cdea419fc03d3af4aaa559bcc0e0a9bfd100c9db882361ab66647efd"
    table = toy(X=np.array([[1.5, "ü", None], [-0.0, "", True], [1e300, "7", False]], dtype=object))
    assert table.fingerprint() == "c48de70582acded9b3d0374494fc969322be8c2021095d8517c9e01a2750a480"


def test_fingerprint_of_objects_follows_its_definition() -> None:
    x = np.array([[1.5, "ü", None], [True, "", False]], dtype=object)
    digest = hashlib.sha256(b"bitlocal dataset 1\nX objects 2 3\n")
    digest.update(b"d" + struct.pack("<d", 1.5) + b"s2:\xc3\xbc" + b"-" + b"T" + b"s0:" + b"F")
    digest.update(b"y integers 2\n1:01:1")
    assert toy(X=x, y=np.array([0, 1])).fingerprint() == digest.hexdigest()


def test_fingerprint_ignores_how_values_are_stored() -> None:
    x, y = toy().X, toy().y
    same = [
        toy(X=x.astype(">f8")),
        toy(X=np.asfortranarray(x)),
        toy(X=np.repeat(x, 2, axis=0)[::2]),
        toy(y=y.astype(np.uint8)),
        toy(y=y.astype(">i4")),
        toy(name="other", X_test=x, y_test=y, feature_names=("a", "b"), target="c"),
    ]
    assert {data.fingerprint() for data in same} == {toy().fingerprint()}
    narrow, wide = np.array(["a", "b", "a"]), np.array(["a", "b", "a"], dtype="U20")
    assert toy(y=narrow).fingerprint() == toy(y=wide).fingerprint()
    objects = np.array([[1.0, "a"], [None, "b"], [2.0, None]], dtype=object)
    with_nan = np.array([[np.float64(1), np.str_("a")], [float("nan"), "b"], [2.0, None]], dtype=object)
    same = [toy(X=objects), toy(X=np.asfortranarray(objects)), toy(X=objects[::-1][::-1]), toy(X=with_nan)]
    assert len({data.fingerprint() for data in same}) == 1


def test_fingerprint_sees_every_difference() -> None:
    x, y = toy().X, toy().y
    changed = x.copy()
    changed[2, 1] += 1
    different = [
        toy(),
        toy(X=changed),
        toy(X=x.astype(np.float32)),
        toy(X=x[::-1]),
        toy(X=x.reshape(2, 3), y=y[:2]),
        toy(y=np.array([0, 1, 1])),
        toy(y=y.astype(str)),
        toy(y=np.array(["ab", "c", ""])),
        toy(y=np.array(["a", "bc", ""])),
        toy(y=np.empty(0, dtype=np.int64)),
        *(
            toy(X=np.array(cells, dtype=object).reshape(3, 2))
            for cells in (
                [0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
                [0.0, True, 2.0, 3.0, 4.0, 5.0],
                [0.0, "1.0", 2.0, 3.0, 4.0, 5.0],
                [0.0, None, 2.0, 3.0, 4.0, 5.0],
                [0.0, "", 2.0, 3.0, 4.0, 5.0],
                [0.0, "None", 2.0, 3.0, 4.0, 5.0],
                [-0.0, "", 2.0, 3.0, 4.0, 5.0],
                ["a", "bc", "d", "e", "f", "g"],
                ["ab", "c", "d", "e", "f", "g"],
            )
        ),
    ]
    assert len({data.fingerprint() for data in different}) == len(different)


# --- the registry ----------------------------------------------------------------------------------------


def test_names_and_descriptions_are_one_list() -> None:
    assert names() == tuple(describe())
    assert {"digits", "mnist", "fashion-mnist", "cifar10-features", "prototypes", "sonar"} <= set(names())
    assert all(line and "\n" not in line for line in describe().values())


@pytest.mark.parametrize("typo", ["fashion_mnist", "Fashion-MNIST", "fashion-mnst"])
def test_unknown_name_suggests_the_closest(typo: str) -> None:
    with complains(typo, "did you mean 'fashion-mnist'?", "digits", "prototypes"):
        load(typo)


def test_unknown_name_without_a_likeness() -> None:
    with complains("'qqqq'", "known names are digits"):
        load("qqqq")


def test_unknown_option() -> None:
    with complains("'digits' has no option 'noise'", "none"):
        load("digits", noise=0.1)
    with complains("'prototypes' has no option 'nosie'", "noise"):
        load("prototypes", nosie=0.1)


def test_digits() -> None:
    data = load("digits")
    assert data.X.shape == (1797, 64)
    assert data.X.dtype == np.uint8
    assert data.X.max() == 16
    assert data.y.dtype == np.int64
    assert data.image_shape == (8, 8)
    assert data.X_test is None
    assert data.y_test is None
    assert load("digits", seed=5).fingerprint() == data.fingerprint()


# --- IDX files -------------------------------------------------------------------------------------------

arrays = st.lists(st.integers(1, 5), min_size=1, max_size=4).flatmap(
    lambda shape: st.binary(min_size=int(np.prod(shape)), max_size=int(np.prod(shape))).map(
        lambda content: np.frombuffer(content, dtype=np.uint8).reshape(shape)
    )
)
on_disk = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@on_disk
@given(array=arrays, packed=st.booleans())
def test_idx_round_trip(tmp_path: Path, array: NDArray[Any], packed: bool) -> None:
    content = idx_bytes(array)
    path = tmp_path / "some-idx"
    path.write_bytes(gzip.compress(content) if packed else content)
    for sha256 in (None, hashlib.sha256(content).hexdigest()):
        read = read_idx(path, ndim=array.ndim, sha256=sha256)
        assert read.dtype == np.uint8
        np.testing.assert_array_equal(read, array)


@on_disk
@given(array=arrays, packed=st.booleans(), data=st.data())
def test_truncated_idx(tmp_path: Path, array: NDArray[Any], packed: bool, data: st.DataObject) -> None:
    content = gzip.compress(idx_bytes(array)) if packed else idx_bytes(array)
    path = tmp_path / "some-idx"
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with complains(path):
        read_idx(path)


@on_disk
@given(array=arrays, extra=st.binary(min_size=1, max_size=5))
def test_idx_with_more_than_it_promises(tmp_path: Path, array: NDArray[Any], extra: bytes) -> None:
    path = tmp_path / "some-idx"
    for content in (idx_bytes(array) + extra, gzip.compress(idx_bytes(array) + extra)):
        path.write_bytes(content)
        with complains(path, "promises", "more"):
            read_idx(path)


@on_disk
@given(array=arrays, packed=st.booleans(), data=st.data())
def test_mangled_idx_is_read_or_refused(tmp_path: Path, array: NDArray[Any], packed: bool, data: st.DataObject) -> None:
    original = idx_bytes(array)
    content = bytearray(gzip.compress(original) if packed else original)
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "some-idx"
    path.write_bytes(content)
    # Without a hash a changed value is as good as any; with one nothing but the original is.
    with contextlib.suppress(DataError):
        assert read_idx(path).size == array.size
    with contextlib.suppress(DataError):
        np.testing.assert_array_equal(read_idx(path, sha256=hashlib.sha256(original).hexdigest()), array)


@on_disk
@given(content=st.binary(max_size=60))
def test_foreign_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some-idx"
    path.write_bytes(b"x" + content)
    with complains(path, "not an IDX file"):
        read_idx(path)
    path.write_bytes(b"\x1f\x8b" + content)
    with complains(path):
        read_idx(path)


def test_idx_complaints(tmp_path: Path) -> None:
    path = tmp_path / "some-idx"
    with complains(path, "no such file"):
        read_idx(path)
    with complains(tmp_path, "directory"):
        read_idx(tmp_path)
    path.write_bytes(idx_bytes(np.ones(3), code=0x0D))
    with complains(path, "0x0d", "unsigned bytes"):
        read_idx(path)
    path.write_bytes(b"\0\0\x08\0")
    with complains(path, "0 dimensions", "expected 1 to 4"):
        read_idx(path)
    path.write_bytes(idx_bytes(np.ones((2, 2))))
    with complains(path, "2 dimensions", "expected 3"):
        read_idx(path, ndim=3)
    with complains(path, "SHA-256", "0" * 64):
        read_idx(path, sha256="0" * 64)
    path.write_bytes(idx_bytes(np.ones((0, 2))))
    with complains(path, "without values"):
        read_idx(path)


def test_idx_header_cannot_make_us_allocate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "some-idx"
    huge = b"\0\0\x08\x04" + b"\xff" * 16
    monkeypatch.setattr(idx, "_PIECE", 1000)
    for content in (huge + b"abc", gzip.compress(huge + b"abc")):
        path.write_bytes(content)
        with complains(path, "only 3"):
            read_idx(path)


def test_idx_stops_reading_after_what_the_header_promises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(idx_bytes(np.ones(10)) + bytes(5_000_000)))
    asked: list[int] = []
    original = gzip.GzipFile.read

    def read(self: gzip.GzipFile, size: int | None = -1) -> bytes:
        assert size is not None
        asked.append(size)
        return original(self, size)

    monkeypatch.setattr(gzip.GzipFile, "read", read)
    with complains(path, "more"):
        read_idx(path)
    assert 0 < sum(asked) <= 4 + 4 + 11


# --- where image sets are looked for ---------------------------------------------------------------------


def first_pixel(name: str = "mnist") -> int:
    return int(load(name).X[0, 0])


def test_lookup_order(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [home / place / "mnist" for place in ("system", "cache", "own")]
    monkeypatch.setenv("BITLOCAL_DATA", str(home / "own"))
    for seed, folder in enumerate(folders):
        hashes = put_images(folder, seed=seed)
        monkeypatch.setitem(download.SHA256, "mnist", hashes)
        expected = read_idx(folder / f"{STEMS[0]}.gz")[0, 0, 0]
        # Each of them comes before those that are there already.
        assert first_pixel() == expected


@pytest.mark.parametrize("packed", [True, False])
def test_own_images_of_any_content(home: Path, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    monkeypatch.setenv("BITLOCAL_DATA", str(home / "own"))
    put_images(home / "own" / "fashion-mnist", shape=(5, 4), packed=packed)
    data = load("fashion-mnist")
    assert data.name == "fashion-mnist"
    assert data.X.shape == (6, 20)
    assert data.X.dtype == np.uint8
    assert data.image_shape == (5, 4)
    assert data.X_test is not None
    assert data.X_test.shape == (4, 20)
    assert data.y.tolist() == [0, 1, 2, 0, 1, 2]
    assert data.y.dtype == np.int64


def test_home_sign_in_the_data_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("BITLOCAL_DATA", "~/own")
    assert places.data_folder() == home / "own"


def test_cache_folder_is_the_users() -> None:
    assert "bitlocal" in str(places.cache_folder())


def test_incomplete_own_images_are_not_replaced_by_others(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITLOCAL_DATA", str(home / "own"))
    monkeypatch.setitem(download.SHA256, "mnist", put_images(home / "cache" / "mnist"))
    put_images(home / "own" / "mnist")
    (home / "own" / "mnist" / f"{STEMS[3]}.gz").unlink()
    with complains(home / "own" / "mnist", "incomplete", f"{STEMS[3]}.gz"):
        load("mnist")


def test_own_images_that_do_not_belong_together(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITLOCAL_DATA", str(home / "own"))
    folder = home / "own" / "mnist"
    put_images(folder)
    (folder / f"{STEMS[1]}.gz").write_bytes(gzip.compress(idx_bytes(np.arange(5))))
    with complains(STEMS[1], "5 labels for 6 samples"):
        load("mnist")
    put_images(folder)
    (folder / f"{STEMS[2]}.gz").write_bytes(gzip.compress(idx_bytes(np.ones((4, 9, 9)))))
    with complains(STEMS[2], "(9, 9)", "(3, 2)"):
        load("mnist")


@pytest.mark.parametrize("place", ["cache", "system"])
def test_damaged_files_outside_the_own_folder_are_noticed(
    home: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    hashes = put_images(home / place / "mnist")
    monkeypatch.setitem(download.SHA256, "mnist", hashes | {STEMS[3]: "0" * 64})
    with complains(home / place / "mnist" / STEMS[3], "SHA-256", "delete"):
        load("mnist")


def test_no_data_and_offline(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = [home / "cache" / "mnist", home / "system" / "mnist"]
    with complains(
        "'mnist' not found", "BITLOCAL_DATA is not set", *looked, "BITLOCAL_OFFLINE", f"mnist/{STEMS[0]}.gz"
    ):
        load("mnist")
    monkeypatch.setenv("BITLOCAL_DATA", str(home / "own"))
    with complains(home / "own" / "mnist", *looked, "connect to the network"):
        load("mnist")


def test_cifar10_features(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with complains("'cifar10-features' not found", "BITLOCAL_DATA is not set", "train-features-idx2-ubyte.gz"):
        load("cifar10-features")
    monkeypatch.setenv("BITLOCAL_DATA", str(home))
    folder = home / "cifar10-features"
    with complains(f"looked in {folder}"):
        load("cifar10-features")
    folder.mkdir()
    for split, n in (("train", 5), ("test", 2)):
        (folder / f"{split}-features-idx2-ubyte.gz").write_bytes(gzip.compress(idx_bytes(np.ones((n, 7)))))
        (folder / f"{split}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(np.arange(n))))
    data = load("cifar10-features")
    assert data.X.shape == (5, 7)
    assert data.image_shape is None
    assert data.y_test is not None
    assert data.y_test.tolist() == [0, 1]


# --- download --------------------------------------------------------------------------------------------


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def mirror(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a folder as the second mirror of `mnist`; the first one lacks all files."""
    folder = home / "served"
    hashes = put_images(folder / "mnist")
    monkeypatch.setitem(download.SHA256, "mnist", hashes)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(folder)))
    url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setitem(download.MIRRORS, "mnist", (f"{url}/nowhere/", f"{url}/mnist/"))
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(variable, "127.0.0.1")
    monkeypatch.delenv("BITLOCAL_OFFLINE")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield folder / "mnist"
    server.shutdown()
    thread.join()
    server.server_close()


def in_cache(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "cache").rglob("*") if path.is_file())


def test_download_into_the_cache(home: Path, mirror: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="pooch"):
        data = load("mnist")
    assert not [record for record in caplog.records if "pooch" in record.name]
    assert data.X.shape == (6, 6)
    assert in_cache(home) == sorted(f"{stem}.gz" for stem in STEMS)
    # From now on it does without the mirror.
    for path in mirror.iterdir():
        path.unlink()
    assert load("mnist").fingerprint() == data.fingerprint()


def test_download_of_what_is_missing_only(home: Path, mirror: Path) -> None:
    put_images(home / "cache" / "mnist")
    (home / "cache" / "mnist" / f"{STEMS[2]}.gz").unlink()
    for stem in STEMS:
        if stem != STEMS[2]:
            (mirror / f"{stem}.gz").unlink()
    load("mnist")
    assert len(in_cache(home)) == 4


def test_download_may_be_packed_in_another_way(home: Path, mirror: Path) -> None:
    for path in mirror.iterdir():
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=1, mtime=7))
    assert load("mnist").X.shape == (6, 6)


def test_download_is_forbidden(home: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITLOCAL_OFFLINE", "1")
    with complains("BITLOCAL_OFFLINE"):
        load("mnist")
    assert not (home / "cache").exists()
    monkeypatch.setenv("BITLOCAL_OFFLINE", "0")
    load("mnist")


@pytest.mark.parametrize("damage", ["other content", "cut short", "not gzip", "empty"])
def test_download_of_the_wrong_content(home: Path, mirror: Path, damage: str) -> None:
    path = mirror / f"{STEMS[0]}.gz"
    content = {
        "other content": gzip.compress(idx_bytes(np.zeros((6, 3, 2)))),
        "cut short": path.read_bytes()[:-9],
        "not gzip": b"<html>please log in</html>",
        "empty": b"",
    }[damage]
    path.write_bytes(content)
    with complains("nowhere", "HTTP status 404", "SHA-256", "set BITLOCAL_DATA"):
        load("mnist")
    assert in_cache(home) == []


def test_download_from_a_server_that_never_stops(home: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_MOST_BYTES", 20)
    with complains("the server sends far more"):
        load("mnist")
    assert in_cache(home) == []


def test_interrupted_download_leaves_nothing(home: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(download._Limited, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load("mnist")
    assert in_cache(home) == []


def test_download_without_a_server(home: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Port 9 (discard) refuses connections at once.
    monkeypatch.setitem(download.MIRRORS, "mnist", ("http://127.0.0.1:9/",))
    with complains("could not download", "http://127.0.0.1:9/train-images-idx3-ubyte.gz (ConnectionError)"):
        load("mnist")


def test_cache_that_cannot_be_written(home: Path, mirror: Path) -> None:
    (home / "cache").write_text("a file where the folder should be")
    with complains("could not download"):
        load("mnist")


def test_every_mirrored_set_has_all_its_hashes() -> None:
    assert set(download.MIRRORS) == set(download.SHA256) == {"mnist", "fashion-mnist"}
    for hashes in download.SHA256.values():
        assert set(hashes) == set(STEMS)


# --- tables: CSV -----------------------------------------------------------------------------------------

GOOD = "a,b,target\n1,2.5,x\n-3,4e2,y\n"


def put(folder: Path, text: str, name: str = "t.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    content = text.encode(encoding)
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "T.CSV", "with.dots.and blanks.csv"])
def test_csv(tmp_path: Path, name: str) -> None:
    data = read_table(put(tmp_path, GOOD, name))
    assert data.name == name
    assert data.X.dtype == np.float64
    assert data.X.tolist() == [[1, 2.5], [-3, 400]]
    assert data.y.tolist() == ["x", "y"]
    assert data.feature_names == ("a", "b")
    assert data.target == "target"
    assert data.X_test is None
    assert data.image_shape is None
    # A path may be text, too.
    assert read_table(str(tmp_path / name)).fingerprint() == data.fingerprint()


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        GOOD.replace("\n", "\n\n"),
        GOOD.rstrip("\n"),
        "\ufeff" + GOOD,
        GOOD.replace(",", ", "),
        '"a","b","target"\n"1","2.5","x"\n"-3","4e2","y"\n',
    ],
)
def test_csv_dialects(tmp_path: Path, text: str) -> None:
    data = read_table(put(tmp_path, text))
    assert data.fingerprint() == read_table(put(tmp_path, GOOD, "good.csv")).fingerprint()
    assert data.feature_names == ("a", "b")


def test_csv_names_may_contain_delimiters_and_line_breaks(tmp_path: Path) -> None:
    data = read_table(put(tmp_path, '"size, in cm; or so","two\nlines",target\n1,2,x\n3,4,y\n'))
    assert data.feature_names == ("size, in cm; or so", "two\nlines")
    with complains("line 4", "'two\\nlines'", "inf"):
        read_table(put(tmp_path, '"size","two\nlines",target\n1,2,x\n3,inf,y\n'))


def test_csv_target_by_name(tmp_path: Path) -> None:
    data = read_table(put(tmp_path, "kind,target\na,1\nb,2\na,3\n"), "kind")
    assert data.target == "kind"
    assert data.y.tolist() == ["a", "b", "a"]
    assert data.feature_names == ("target",)


def test_truth_values(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b,target\nTrue,0,True\nFALSE,1,False\n true ,0,True\n")
    data = read_table(path)
    assert data.X.dtype == np.float64
    assert data.X.tolist() == [[1, 0], [0, 1], [1, 0]]
    assert data.y.tolist() == ["True", "False", "True"]


def cells(array: NDArray[Any]) -> list[list[tuple[type, object]]]:
    """Values with their types, because True == 1 == 1.0."""
    return [[(type(value), value) for value in row] for row in array.tolist()]


def test_columns_of_every_kind(tmp_path: Path) -> None:
    rows = ["n,truth,text,code,none,target", "1.5,true, red ,1,,x", "?,,NA,01,NaN,y", "-3,FALSE,a b,x,null,x"]
    with pytest.warns(DataWarning, match="line 4, column 'code': 'x' is no number, .* 2 of its 3 fields are numbers"):
        data = read_table(put(tmp_path, "\n".join(rows)))
    assert data.X.dtype == np.object_
    expected = [[1.5, True, "red", "1", None], [None, None, None, "01", None], [-3.0, False, "a b", "x", None]]
    assert cells(data.X) == [[(type(value), value) for value in row] for row in expected]
    # The same without the columns of text.
    rows = [",".join(np.array(row.split(","))[[0, 1, 4, 5]]) for row in rows]
    data = read_table(put(tmp_path, "\n".join(rows)))
    assert data.X.dtype == np.float64
    nan = float("nan")
    np.testing.assert_array_equal(data.X, [[1.5, 1, nan], [nan, nan, nan], [-3, 0, nan]])


@pytest.mark.parametrize("mark", ["", "  ", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", " NA "])
@pytest.mark.parametrize("others", [["1", "2"], ["true", "False"], ["red", "1"]])
def test_missing_values(tmp_path: Path, mark: str, others: list[str]) -> None:
    for fields in ([mark, *others], [*others, mark]):
        rows = "".join(f"{field},0,{i}\n" for i, field in enumerate(fields))
        column = read_table(put(tmp_path, "a,b,target\n" + rows)).X[:, 0]
        place = fields.index(mark)
        assert column[place] is None if others[0] == "red" else np.isnan(column[place])
        assert not any(value is None or value != value for value in np.delete(column, place).tolist())


def test_a_table_of_nothing_but_missing_values(tmp_path: Path) -> None:
    data = read_table(put(tmp_path, "a,b,target\n,?,x\nnan,NA,y\n"))
    assert data.X.dtype == np.float64
    assert np.isnan(data.X).all()


@pytest.mark.parametrize(
    "fields",
    [
        ["1", "red"],
        ["red", "1"],
        ["1_000", "2"],
        ["True", "1"],
        ["1", "True"],
        ["inf", "red"],
        ["1e999", "red"],
        ["NAN", "red"],
        ["none", "Red"],
        ["007", "x" * 500],
        ["1,5 m", "2,5 m"],
        ["日本", "a\nb"],
    ],
)
def test_text_stays_as_it_stands(tmp_path: Path, fields: list[str]) -> None:
    rows = "".join(f'"{field}",0,{i}\n' for i, field in enumerate(fields))
    assert cells(read_table(put(tmp_path, "a,b,target\n" + rows)).X) == [[(str, f), (float, 0.0)] for f in fields]


@pytest.mark.parametrize("mark", ["-", "--", "–", "—", ".", "...", "*", "na", "N.A.", "nil", "None", "Missing", "#n/a"])
def test_marks_of_missing_values_beside_numbers(tmp_path: Path, mark: str) -> None:
    for fields, expected in ((["4", mark, "7"], [4, None, 7]), (["true", mark, "FALSE"], [1, None, 0])):
        rows = "".join(f"{field},{i}\n" for i, field in enumerate(fields))
        column = read_table(put(tmp_path, "a,target\n" + rows)).X[:, 0]
        np.testing.assert_array_equal(column, np.array(expected, dtype=float))
    if mark != "None":  # a mark of its own, wherever it stands
        rows = f"oak,0\n{mark},1\n"
        assert read_table(put(tmp_path, "a,target\n" + rows)).X.tolist() == [["oak"], [mark]]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_commas_before_fractions(tmp_path: Path, delimiter: str) -> None:
    text = "a;b;target\n1,5;-2,25e1;x\n3;?;y\n".replace(";", delimiter)
    np.testing.assert_array_equal(read_table(put(tmp_path, text)).X, [[1.5, -22.5], [3, np.nan]])
    text = "a;target\n1,234.5;x\n2;y\n".replace(";", delimiter)  # of thousands: not to be guessed at
    with pytest.warns(DataWarning, match="'1,234.5' is text, though 2 of the column's 2 fields look like numbers"):
        assert read_table(put(tmp_path, text)).X.tolist() == [["1,234.5"], ["2"]]


def test_a_line_that_names_the_delimiter(tmp_path: Path) -> None:
    data = read_table(put(tmp_path, "sep=|\na|b, c|target\n1|2|x\n3|4|y\n"))
    assert data.feature_names == ("a", "b, c")
    assert data.X.tolist() == [[1, 2], [3, 4]]
    with complains("line 4", "2 fields", "3 columns"):
        read_table(put(tmp_path, "sep=|\na|b|target\n1|2|x\n3|4\n"))


def test_a_field_that_makes_text_of_numbers(tmp_path: Path) -> None:
    path = put(tmp_path, "a,target\n1,x\n2,y\n3kg,x\n4,y\n")
    with pytest.warns(DataWarning, match="line 4, column 'a': '3kg' is no number, .* 3 of its 4 fields are numbers"):
        text = read_table(path).X
    assert text.tolist() == [["1"], ["2"], ["3kg"], ["4"]]
    assert read_table(path, text_columns=["a"], strict=True).X.tolist() == text.tolist()
    with complains("line 4, column 'a'", "'3kg'", "mend the field"):
        read_table(path, strict=True)
    with complains("line 4, column 'a'", "expected a number, as in training, got '3kg'"):
        read_table(path, number_columns=["a"])


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (["1,234", "2,345", "950"], "'1,234' is text, though 3 of the column's 3 fields look like numbers"),
        (["$ 5", "$ 6.50"], "'$ 5' is text, though 2"),
        (["5%", "12.5 %"], "'5%' is text, though 2"),
        (["1'234.50", "7"], '"1\'234.50" is text, though 2'),
        (["1.234,50", "2.345,75"], "'1.234,50' is text, though 2"),
        (["0x1F", "0x2e"], "'0x1F' is text, though 2"),
        (["1D3", "2.5D-1"], "'1D3' is text, though 2"),
        (["2020-01-31", "2020-02-01 13:30:59+01:00"], "'2020-01-31' is text, which stands for a category"),
        (["31.01.2020", "01.02.2020"], "look like dates or times"),
        (["7:30", "12:45:10"], "look like dates or times"),
    ],
)
def test_text_that_looks_like_numbers_or_dates(tmp_path: Path, fields: list[str], told: str) -> None:
    path = put(tmp_path, "a,target\n" + "".join(f'"{field}",{i}\n' for i, field in enumerate(fields)))
    with pytest.warns(DataWarning, match=re.escape(told)):
        assert read_table(path).X[:, 0].tolist() == fields
    with complains("line 2, column 'a'", told):
        read_table(path, strict=True)
    assert read_table(path, text_columns=["a"], strict=True).X[:, 0].tolist() == fields


@pytest.mark.parametrize("fields", [["1-2", "3-4"], ["v1.2", "v1.3"], ["10 kg", "12 kg"], ["a%", "b%"], ["1/2", "3/4"]])
def test_text_that_looks_like_neither(tmp_path: Path, fields: list[str]) -> None:
    path = put(tmp_path, "a,target\n" + "".join(f'"{field}",{i}\n' for i, field in enumerate(fields)))
    assert read_table(path, strict=True).X[:, 0].tolist() == fields


def test_commas_beside_points(tmp_path: Path) -> None:
    path = put(tmp_path, "a;target\n1,5;x\n2;y\n3.5;x\n")
    with pytest.warns(DataWarning, match="line 2, column 'a': '1,5' has a comma, others have a point"):
        assert read_table(path).X.tolist() == [["1,5"], ["2"], ["3.5"]]


def test_a_dash_beside_nothing_but_holes_is_text(tmp_path: Path) -> None:
    for mark in ("", "NaN", "nan", "NA"):
        assert read_table(put(tmp_path, f"a,b,target\n-,1,x\n{mark},1,y\n")).X[:, 0].tolist() == ["-", None]


def test_names_decide_on_the_delimiter(tmp_path: Path) -> None:
    data = read_table(put(tmp_path, '"two\nlines"\ttarget\n1\tx\n2\ty\n'))
    assert data.feature_names == ("two\nlines",)
    assert read_table(put(tmp_path, "a;b;c,target\n1,x\n2,y\n")).feature_names == ("a;b;c",)
    assert read_table(put(tmp_path, "sep=\\t\na\ttarget\n1\tx\n2\ty\n")).X.tolist() == [[1], [2]]


def test_what_is_hardly_a_table(tmp_path: Path) -> None:
    with complains("column 3 has no name (a delimiter at the end of each line?)"):
        read_table(put(tmp_path, "a,target,\n1,x,\n2,y,\n"))
    for name in ("Unnamed: 0.1", "Unnamed: 0_level_0"):
        with complains("column 1 has no name (a row index saved by pandas?)"):
            read_table(put(tmp_path, f"{name},a,target\n0,1,x\n1,2,y\n"))
    with complains("line 3", "NUL character"):
        read_table(put(tmp_path, "a,target\n1,x\n\0,y\n"))
    with complains("no column 'target'", "between commas, semicolons or tabs"):
        read_table(put(tmp_path, "a|target\n1|x\n2|y\n"))


@pytest.mark.parametrize("mark", ["-", "none", "N.A.", ".", "#N/A", "NAN"])
def test_a_label_that_is_missing_beside_numbers(tmp_path: Path, mark: str) -> None:
    path = put(tmp_path, f"a,target\n1,{mark}\n2,1\n3,0\n")
    with complains("line 2, column 'target'", "missing (in 1 of 3 rows)"):
        read_table(path)
    assert not read_table(path, require_target=False).has_labels
    assert read_table(path, text_columns=["target"]).y.tolist() == [mark, "1", "0"]


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (["Yes", "no", "yes"], "line 4, column 'target': the labels 'Yes' and 'yes' differ in case only"),
        (["t", "f", "T"], "line 4, column 'target': the labels 't' and 'T' differ in case only"),
        (["1", "TRUE", "0"], "line 3, column 'target': the label 'TRUE' is a truth value, and others are numbers"),
    ],
)
def test_doubtful_labels(tmp_path: Path, labels: list[str], told: str) -> None:
    path = put(tmp_path, "a,target\n" + "".join(f"{i},{label}\n" for i, label in enumerate(labels)))
    with pytest.warns(DataWarning, match=told):
        assert read_table(path).y.tolist() == labels
    assert read_table(path, text_columns=["target"]).y.tolist() == labels
    plain = put(tmp_path, "a,target\n1,hid\n2,hId\n3,hUd\n4,hud\n")  # on purpose
    assert read_table(plain).y.tolist() == ["hid", "hId", "hUd", "hud"]


def test_categories_of_numbers_in_parquet(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"code": pd.Categorical([7, 8, None, 7]), "size": pd.Categorical([1.0, 2.5, 1.0, None])})
    frame = frame.assign(target=pd.Categorical([1, 0, 1, 0]))
    frame.to_parquet(tmp_path / "t.parquet")
    data = read_table(tmp_path / "t.parquet", strict=True)
    assert data.X.tolist() == [["7", "1"], ["8", "2.5"], [None, "1"], ["7", None]]
    assert data.y.tolist() == [1, 0, 1, 0]
    # A model that was trained on numbers still gets them.
    assert read_table(tmp_path / "t.parquet", number_columns=["code"]).X[:, 0].tolist() == [7, 8, None, 7]


def test_numbers_below_truth_values_in_another_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "_FIELDS_AT_A_TIME", 2)
    with complains("line 3, column 'a'", "expected a number, as in training, got '4'"):
        read_table(put(tmp_path, "a,target\ntrue,x\n4,y\n"), number_columns=["a"])


def test_encodings(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("größe,target\n1,süß\n2,öd\n".encode("latin-1"))
    with complains(path, "not text in UTF-8", "--encoding latin-1"):
        read_table(path)
    data = read_table(path, encoding="latin-1")
    assert (data.feature_names, data.y.tolist()) == (("größe",), ["süß", "öd"])
    with complains("klingon"):
        read_table(path, encoding="klingon")


def test_labels_told_to_be_text(tmp_path: Path) -> None:
    path = put(tmp_path, "a,target\n1,NA\n2,01\n3,1\n")
    assert read_table(path, text_columns=["target"]).y.tolist() == ["NA", "01", "1"]
    with complains("line 3", "target is missing"):
        read_table(put(tmp_path, "a,target\n1,NA\n2, \n"), text_columns=["target"])


def test_an_index_in_parquet(tmp_path: Path) -> None:
    pd, path = pytest.importorskip("pandas"), tmp_path / "t.parquet"
    table = pd.DataFrame({"a": [1.0, 2.0], "target": ["x", "y"]}, index=pd.Index([7, 8], name="key"))
    table.to_parquet(path)
    with complains(path, "index"):
        read_table(path)
    table.reset_index(drop=True).to_parquet(path)
    assert read_table(path).X.tolist() == [[1], [2]]


def test_columns_told_to_be_text(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    day = datetime.date(2020, 1, 31)
    columns = {
        "number": pa.array([7, None], pa.int8()),
        "fraction": pa.array([0.5, float("nan")]),
        "truth": [True, None],
        "code": ["007", "?"],
        "day": pa.array([day, None]),
        "target": [1, 2],
    }
    path = put(tmp_path, "number,fraction,truth,code,day,target\n7,0.5,True, 007,2020-01-31,1\n,nan,,?,,2\n")
    for table in (path, put_parquet(tmp_path, columns)):
        data = read_table(table, text_columns=["number", "fraction", "truth", "code", "day"])
        assert cells(data.X) == [
            [(str, t) for t in ("7", "0.5", "True", "007", "2020-01-31")],
            [(type(None), None)] * 5,
        ]
        assert data.y.tolist() == [1, 2]
        assert read_table(table, text_columns=["code", "day"]).X[:, :4].tolist() == [[7, 0.5, True, "007"], [None] * 4]
        with complains(table, "no column 'cod' to take as text", "'code'"):
            read_table(table, text_columns=["cod"])
    with complains("t.npz", "have no names"):
        read_table(put_npz(tmp_path, X=np.eye(2), y=[0, 1]), text_columns=["code"])


def test_nan_is_always_the_same(tmp_path: Path) -> None:
    plain = read_table(put(tmp_path, "a,target\n1,x\nnan,y\n"))
    for other in ("-nan", "+NAN", "?", ""):
        assert read_table(put(tmp_path, f"a,target\n1,x\n{other},y\n")).fingerprint() == plain.fingerprint()


def test_equal_texts_are_kept_once(tmp_path: Path) -> None:
    rows = "".join(f"word{i % 3},{i % 2}\n" for i in range(300))
    x = read_table(put(tmp_path, "a,target\n" + rows)).X
    assert len({id(value) for value in x[:, 0]}) == 3


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["1", "2"], [1, 2]),
        (["1.0", "-2.0", "3e2"], [1, -2, 300]),
        ([" 7 ", "8"], [7, 8]),
        (["1", "two"], ["1", "two"]),
        (["1.5", "two"], ["1.5", "two"]),
        (["1_0", "2_0"], ["1_0", "2_0"]),
        ([str(2**63 - 1), str(-(2**63))], [2**63 - 1, -(2**63)]),
        ([str(2**63), "1"], [str(2**63), "1"]),
        (["1e30", "1"], ["1e30", "1"]),
        (["ä", "日本"], ["ä", "日本"]),
    ],
)
def test_labels(tmp_path: Path, labels: Sequence[str], expected: Sequence[object]) -> None:
    rows = "".join(f"{i},{label}\n" for i, label in enumerate(labels))
    y = read_table(put(tmp_path, "a,target\n" + rows)).y
    assert y.tolist() == expected
    assert y.dtype == np.int64 if isinstance(expected[0], int) else y.dtype.kind == "U"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["the file is empty"]),
        ("\n\n", ["the file is empty"]),
        ("a,b,target\n", ["nothing below the header line"]),
        ("a,b,target\n1,2,x\n1,2\n", ["line 3", "2 fields", "3 columns"]),
        ("a,b,target\n1,2,x\n\n1,2,3,y\n", ["line 4", "4 fields", "3 columns"]),
        ("a,b,a,target\n1,2,3,x\n", ["two columns named 'a'"]),
        (",a,target\n0,1,x\n", ["column 1 has no name", "index"]),
        ("a,b\n1,2\n", ["no column 'target'", "--target", "'a', 'b'"]),
        ("target\n1\n", ["no column besides the target"]),
        ("a,target\n1,x\n2,\n3, \n", ["line 3", "column 'target'", "target is missing", "2 of 3 rows"]),
        ("a,target\n1,1\n2,nan\n", ["line 3", "target is missing"]),
        ("a,target\n1,cat\n2,nan\n", ["line 3", "target is missing", "holds text"]),
        ("a,target\n1,?\n2,dog\n3,?\n", ["line 2", "target is missing", "2 of 3 rows"]),
        ("Unnamed: 0,a,target\n0,1,x\n1,2,y\n", ["column 1 has no name", "index"]),
        ("a,target\n1,x\n2,x\n", ["every target is 'x'", "at least two classes"]),
        ("a,target\n1,0\n", ["every target is 0"]),
        ("a,target\n1,0.5\n2,1\n", ["line 2", "'0.5'", "classifiers"]),
        ("a,target\n1,0\n2,inf\n", ["line 3", "'inf'", "classifiers"]),
        ("a,b,target\n1,2,x\n1,-inf,x\n", ["line 3, column 'b'", "-inf is not a finite number"]),
        ("a,b,target\n1,1e999,x\n1,1,x\n", ["line 2, column 'b'", "inf is not a finite number"]),
        (
            "a,b,target\nred,2,x\n1,Infinity,y\n",
            ["line 3, column 'b'", "inf is not a finite number", "leave the field"],
        ),
        ("a,b,target\n,2,x\ninf,1,y\n", ["line 3, column 'a'", "inf is not a finite number"]),
        ('a,target\n1,x\n"2"2,y\n', ["line 3", "not CSV"]),
        ('a,target\n1,x\n"2,y\n', ["not CSV"]),
        ("a,target\n1," + "x" * 200_000 + "\n", ["column 'target'", "every target is 'xxx"]),
        ("a" * 200_000, ["no column 'target'", "'aaa"]),
        ("a," + "q" * 500 + ",target\n1,inf,x\n", ["line 2", "'qqq", "…': inf is not a finite"]),
    ],
)
def test_csv_complaints(tmp_path: Path, text: str, parts: Sequence[str]) -> None:
    path = put(tmp_path, text)
    with complains(path, *parts):
        read_table(path)


def test_csv_missing_named_target(tmp_path: Path) -> None:
    with complains("no column 'kind'", "check the name", "'a', 'b', 'target'"):
        read_table(put(tmp_path, GOOD), "kind")


def test_csv_with_many_columns_lists_some(tmp_path: Path) -> None:
    header = ",".join(f"V{i}" for i in range(50))
    with complains("'V0'", "'V9', … (50 in all)"):
        read_table(put(tmp_path, header + "\n"))


def test_csv_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "_FIELDS_AT_A_TIME", 6)
    rows = [f"{i},{'true' if i % 2 else 'false'},c{i % 3}" for i in range(11)]
    data = read_table(put(tmp_path, "\n".join(["a,b,target", *rows])))
    assert data.X[:, 0].tolist() == list(range(11))
    assert data.X[:, 1].tolist() == [i % 2 for i in range(11)]
    assert data.y.tolist() == [f"c{i % 3}" for i in range(11)]
    # What a column holds is decided by all pieces, and their text comes out as it stands.
    late = ["a,b,c,target", ",,1,x", "NA,1,2,x", "01,?,3,x", "2,true,4,x", "true,7,5,x", "red,false,6,y"]
    data = read_table(put(tmp_path, "\n".join(late)))
    assert data.X[:, 0].tolist() == [None, None, "01", "2", "true", "red"]
    assert data.X[:, 1].tolist() == [None, "1", None, "true", "7", "false"]
    assert data.X[:, 2].tolist() == [1, 2, 3, 4, 5, 6]
    late[-1] = "red,false,inf,y"
    with complains("line 7", "column 'c'", "inf is not a finite"):
        read_table(put(tmp_path, "\n".join(late)))


numbers = st.floats(allow_nan=False, allow_infinity=False)
marks = (
    *("", "?", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "-NaN", "-nan", "null", "NULL", "None"),
    *("#N/A", "#N/A N/A", "#NA", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"),
    *("1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
beside_numbers = ("-", "--", "–", "—", ".", "..", "...", "*", "na", "n.a.", "none", "nil", "missing", "#n/a")
holes = st.sampled_from([*marks, " ", " NA "])
words = st.text(st.characters(codec="utf-8", exclude_characters="\0")).filter(
    lambda text: (
        text == text.strip()
        and text not in marks
        and text.lower() not in ("true", "false", *beside_numbers, *map(str.lower, marks))
        and not is_number(text.replace(",", "."))
    )
)


def is_number(text: str) -> bool:
    if "_" in text:
        return False
    with contextlib.suppress(ValueError):
        float(text)
        return True
    return False


def column_of(kind: str, n: int) -> st.SearchStrategy[tuple[list[str], list[object]]]:
    """Fields of a column as they are written, and the values that they stand for."""
    present: st.SearchStrategy[tuple[str, object]] = {
        "numbers": numbers.map(lambda value: (repr(value), value)),
        "truth": st.sampled_from([("true", True), ("False", False), (" TRUE", True)]),
        "text": st.one_of(words, numbers.map(repr), st.just("True")).map(lambda text: (text, text)),
    }[kind]
    # The first one shows what the column is.
    first = words.map(lambda text: (text, text)) if kind == "text" else present
    missing = holes.map(lambda mark: (mark, None))
    others = st.lists(st.one_of(present, missing), min_size=n - 1, max_size=n - 1)
    drawn = st.tuples(first, others).flatmap(lambda both: st.permutations([both[0], *both[1]]))
    return drawn.map(lambda pairs: ([field for field, _ in pairs], [value for _, value in pairs]))


tables = st.tuples(st.integers(2, 8), st.lists(st.sampled_from(["numbers", "truth", "text"]), min_size=1, max_size=4))


@on_disk
@given(
    table=tables.flatmap(lambda t: st.tuples(st.just(t[1]), st.tuples(*(column_of(kind, t[0]) for kind in t[1])))),
    delimiter=st.sampled_from([",", ";", "\t"]),
    fields_at_a_time=st.sampled_from([1, 7, 1 << 20]),
)
def test_csv_round_trip_of_any_columns(
    tmp_path: Path,
    table: tuple[list[str], Sequence[tuple[list[str], list[object]]]],
    delimiter: str,
    fields_at_a_time: int,
) -> None:
    kinds, columns = table
    n = len(columns[0][0])
    path = tmp_path / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerow([*(f"f{j}" for j in range(len(kinds))), "target"])
        writer.writerows([*(fields[i] for fields, _ in columns), f"c{i}"] for i in range(n))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_table, "_FIELDS_AT_A_TIME", fields_at_a_time)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            x = read_table(path).X
    expected = [[values[i] for _, values in columns] for i in range(n)]
    if "text" in kinds:
        assert cells(x) == [[(type(value), value) for value in row] for row in expected]
    else:
        assert x.dtype == np.float64
        np.testing.assert_array_equal(x, np.array(expected, dtype=np.float64))


@on_disk
@given(
    table=st.integers(1, 4).flatmap(
        lambda k: st.lists(
            st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=k, max_size=k),
            min_size=2,
            max_size=8,
        )
    )
)
def test_csv_round_trip(tmp_path: Path, table: list[list[float]]) -> None:
    header = [f"f{i}" for i in range(len(table[0]))] + ["target"]
    lines = [",".join(header)] + [",".join([*map(repr, row), str(i)]) for i, row in enumerate(table)]
    data = read_table(put(tmp_path, "\n".join(lines)))
    np.testing.assert_array_equal(data.X, table)
    np.testing.assert_array_equal(data.y, np.arange(len(table)))


@on_disk
@given(content=st.binary(max_size=80), name=st.sampled_from(["t.csv", "t.csv.gz", "t.npz", "t.parquet"]))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes, name: str) -> None:
    if name == "t.parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / name
    path.write_bytes(content)
    with contextlib.suppress(DataError):
        read_table(path)


def test_csv_encodings(tmp_path: Path) -> None:
    for encoding in ("latin-1", "utf-8-sig", "utf-16"):
        path = put(tmp_path, "a,target\n1,ä\n2,ö\n", encoding=encoding)
        if encoding != "latin-1":  # the others begin with a mark, which says what they are
            for said in ("utf-8", "latin-1", "utf-16"):
                assert read_table(path, encoding=said).y.tolist() == ["ä", "ö"]
            continue
        with complains(path, "UTF-8"):
            read_table(path)


def test_damaged_csv_gz(tmp_path: Path) -> None:
    path = put(tmp_path, GOOD, "t.csv.gz")
    content = path.read_bytes()
    for damaged in (content[:-10], content[:-8] + bytes(8), b"not gzip"):
        path.write_bytes(damaged)
        with complains(path, "damaged or cut short"):
            read_table(path)


def test_files_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with complains(tmp_path / "no.csv", "no such file"):
        read_table(tmp_path / "no.csv")
    (tmp_path / "folder.csv").mkdir()
    with complains(tmp_path / "folder.csv", "directory"):
        read_table(tmp_path / "folder.csv")
    with complains("unknown kind of file", ".csv, .csv.gz, .parquet, .npz"):
        read_table(put(tmp_path, GOOD, "t.xlsx"))

    def refuse(error: OSError) -> None:
        def opened(*args: object, **kwargs: object) -> None:
            raise error

        # Simulated, because an administrator may read everything.
        monkeypatch.setattr(Path, "open", opened)

    path = put(tmp_path, GOOD)
    refuse(PermissionError(13, "Permission denied"))
    with complains(path, "permission"):
        read_table(path)
    refuse(OSError(5, "Input/output error"))
    with complains(path, "Input/output error"):
        read_table(path)


def test_prediction_needs_no_target(tmp_path: Path) -> None:
    unlabelled = read_table(put(tmp_path, "a,b\n1,2\n3,4\n"), require_target=False)
    assert unlabelled.X.tolist() == [[1, 2], [3, 4]]
    assert not unlabelled.has_labels
    assert unlabelled.target is None
    # The column of labels is no feature, whether or not it can be used.
    labelled = read_table(put(tmp_path, "a,target\n1,x\n3,x\n"), require_target=False)
    assert labelled.feature_names == ("a",)
    assert labelled.y.tolist() == ["x", "x"]
    partly = read_table(put(tmp_path, "a,target\n1,x\n3,\n"), require_target=False)
    assert partly.feature_names == ("a",)
    assert not partly.has_labels
    named = read_table(put(tmp_path, "a,b\n1,2\n3,4\n"), "b", require_target=False)
    assert named.y.tolist() == [2, 4]


def test_prediction_from_a_table_of_text_with_holes(tmp_path: Path) -> None:
    data = read_table(put(tmp_path, "a,b\nred,\n?,4\n"), require_target=False)
    assert data.X.tolist() == [["red", None], [None, 4.0]]
    assert not data.has_labels


def test_large_csv(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(58_000, 9)).round(3)
    rows = [",".join([*map(str, row), f"c{i % 7}"]) for i, row in enumerate(x.tolist())]
    path = put(tmp_path, "\n".join([",".join([*"abcdefghi", "target"]), *rows]))
    np.testing.assert_array_equal(read_table(path).X, x)


# --- tables: Parquet -------------------------------------------------------------------------------------


def put_parquet(folder: Path, columns: dict[str, Any]) -> Path:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    # "=" in a path means something to pyarrow, and must not to us.
    path = folder / "a=b" / "t.parquet"
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    columns = {
        "int": pa.array([1, 2, 3], pa.int32()),
        "float": pa.array([0.5, 1.5, 2.5], pa.float32()),
        "bool": [True, False, True],
        "text": ["1", "2", "3.5"],
        "truth": ["true", "False", "TRUE"],
        "decimal": pa.array([1, 2, 3]).cast(pa.decimal128(21, 2)),
        "target": pa.array(["x", "y", "x"]).dictionary_encode(),
    }

    data = read_table(put_parquet(tmp_path, columns))
    assert data.name == "t.parquet"
    assert data.X.dtype == np.float64
    assert data.X.tolist() == [[1, 0.5, 1, 1, 1, 1], [2, 1.5, 0, 2, 0, 2], [3, 2.5, 1, 3.5, 1, 3]]
    assert data.y.tolist() == ["x", "y", "x"]
    assert data.feature_names == tuple(columns)[:-1]


def test_parquet_of_text_and_holes(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    columns = {
        "int": pa.array([1, None, 2**53], pa.int64()),
        "float": pa.array([0.5, float("nan"), None], pa.float32()),
        "bool": [True, None, False],
        "text": [" 1 ", "NA", "x"],
        "large": pa.array(["a", None, "a"], pa.large_string()),
        "view": pa.array(["a", None, "?"], pa.string_view()),
        "category": pa.array(["red", None, "green"]).dictionary_encode(),
        "codes": pa.array([7, None, 8]).dictionary_encode(),
        "decimal": pa.array([1, None, 3]).cast(pa.decimal128(21, 2)),
        "none": pa.array([None, None, None]),
        "target": ["x", "y", "x"],
    }
    x = read_table(put_parquet(tmp_path, columns)).X
    expected = [
        [1.0, 0.5, True, "1", "a", "a", "red", "7", 1.0, None],
        [None, None, None, None, None, None, None, None, None, None],
        [2.0**53, None, False, "x", "a", None, "green", "8", 3.0, None],
    ]
    assert cells(x) == [[(type(value), value) for value in row] for row in expected]
    for name in ("text", "large", "view", "category", "codes"):
        del columns[name]
    x = read_table(put_parquet(tmp_path, columns)).X
    nan = float("nan")
    assert x.dtype == np.float64
    np.testing.assert_array_equal(x, [[1, 0.5, 1, 1, nan], [nan] * 5, [2**53, nan, 0, 3, nan]])


def test_parquet_times_are_seconds(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    day = datetime.date(1600, 3, 1)
    days = (day - datetime.date(1970, 1, 1)).days
    moment = datetime.datetime(1969, 12, 31, 23, 59, 58, 500_000)
    there = datetime.datetime(2020, 7, 1, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    columns: dict[str, Any] = {
        **{f"timestamp[{unit}]": pa.array([moment, None], pa.timestamp(unit)) for unit in ("ms", "us", "ns")},
        "with zone": pa.array([there, None], pa.timestamp("us", "Europe/Berlin")),
        "date32": pa.array([day, None], pa.date32()),
        "date64": pa.array([day, None], pa.date64()),
        "target": [0, 1],
    }
    x = read_table(put_parquet(tmp_path, columns)).X
    assert x.dtype == np.float64
    assert x[0].tolist() == [-1.5, -1.5, -1.5, there.timestamp(), 86400 * days, 86400 * days]
    assert np.isnan(x[1]).all()


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([3, 1], [3, 1]), ([3.0, 1.0], [3, 1]), ([True, False], ["True", "False"]), (["3", "1"], [3, 1])],
)
def test_parquet_labels(tmp_path: Path, labels: list[Any], expected: list[Any]) -> None:
    assert read_table(put_parquet(tmp_path, {"a": [1, 2], "target": labels})).y.tolist() == expected


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        ({"a": [1.0, 2.0]}, ["no column 'target'", "--target"]),
        ({"a": [1.0, float("-inf")], "target": [0, 1]}, ["row 2, column 'a'", "-inf is not a finite"]),
        ({"a": [None, "inf"], "target": [0, 1]}, ["row 2, column 'a'", "inf is not a finite"]),
        ({"a": [datetime.time(1), datetime.time(2)], "target": [0, 1]}, ["column 'a'", "time64", "drop this column"]),
        ({"a": [datetime.timedelta(1), None], "target": [0, 1]}, ["column 'a'", "duration"]),
        ({"a": [b"x", b"y"], "target": [0, 1]}, ["column 'a'", "binary"]),
        ({"a": [1, 2], "target": [datetime.date(2020, 1, 1), None]}, ["column 'target'", "date32"]),
        ({"a": [1, 2], "target": ["x", None]}, ["row 2, column 'target'", "target is missing"]),
        ({"a": [1, 2], "target": [1.0, float("nan")]}, ["row 2", "target is missing"]),
        ({"a": [1, 2], "target": [1.5, 2.0]}, ["row 1", "'1.5'", "classifiers"]),
        ({"a": [1, 2], "target": [1, 1]}, ["every target is 1"]),
        ({"a": [[1], [2]], "target": [0, 1]}, ["column 'a'", "list"]),
        ({"a": [1, 2], "target": [[0], [1]]}, ["column 'target'", "list"]),
        ({"a": [1], "__index_level_0__": [1], "target": [0]}, ["column 2 has no name", "index"]),
    ],
)
def test_parquet_complaints(tmp_path: Path, columns: dict[str, Any], parts: Sequence[str]) -> None:
    path = put_parquet(tmp_path, columns)
    with complains(path, *parts):
        read_table(path)


def test_more_parquet_complaints(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    path = put_parquet(tmp_path, {"a": pa.array([], pa.int64()), "target": pa.array([], pa.int64())})
    with complains(path, "no rows"):
        read_table(path)
    pq.write_table(pa.table([[1, 2], [3, 4], [0, 1]], names=["a", "a", "target"]), path)
    with complains(path, "two columns named 'a'"):
        read_table(path)
    damaged = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff", b"a"]).buffers())
    pq.write_table(pa.table({"a": damaged, "target": [0, 1]}), path)
    with complains(path, "column 'a'", "not UTF-8"):
        read_table(path)
    for content in (b"", b"a,target\n1,2\n", b"PAR1" + bytes(50) + b"PAR1"):
        path.write_bytes(content)
        with complains(path, "not a Parquet file"):
            read_table(path)


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def no_pyarrow(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_pyarrow)
    with complains("pip install pyarrow"):
        read_table(put(tmp_path, "", "t.parquet"))


# --- tables: npz -----------------------------------------------------------------------------------------


def put_npz(folder: Path, **arrays: Any) -> Path:
    path = folder / "t.npz"
    np.savez_compressed(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("given", "kept"), [("uint8", "uint8"), ("bool", "bool"), ("int16", "float64"), (">f4", "float64")]
)
def test_npz(tmp_path: Path, given: str, kept: str) -> None:
    x = np.arange(24).reshape(4, 2, 3).astype(given)
    data = read_table(put_npz(tmp_path, X=x, y=[1, 0, 1, 2], X_test=x[:1], y_test=[2], unused=np.array(None)))
    assert data.name == "t.npz"
    assert data.X.dtype == kept
    np.testing.assert_array_equal(data.X, x.reshape(4, 6))
    assert data.image_shape == (2, 3)
    assert data.y.tolist() == [1, 0, 1, 2]
    assert data.X_test is not None
    assert data.X_test.dtype == kept
    assert data.y_test is not None
    assert data.y_test.tolist() == [2]
    assert data.feature_names is None
    assert data.target == "y"


def test_npz_labels_are_of_one_kind_in_both_splits(tmp_path: Path) -> None:
    x = np.eye(2)
    data = read_table(put_npz(tmp_path, X=x, y=["1", "2"], X_test=x, y_test=["1", "other"]))
    assert data.y.tolist() == ["1", "2"]
    assert data.image_shape is None
    as_bytes = read_table(put_npz(tmp_path, X=x, y=np.array([b"a", "ä".encode()])))
    assert as_bytes.y.tolist() == ["a", "ä"]
    assert read_table(put_npz(tmp_path, X=x, y=[2.0, 3.0])).y.tolist() == [2, 3]
    assert read_table(put_npz(tmp_path, X=x, y=[True, False])).y.tolist() == ["True", "False"]


def test_npz_target_by_name(tmp_path: Path) -> None:
    data = read_table(put_npz(tmp_path, X=np.eye(2), y=[0, 1], kind=["a", "b"]), "kind")
    assert data.y.tolist() == ["a", "b"]
    assert data.target == "kind"


def test_npz_for_prediction(tmp_path: Path) -> None:
    alone = read_table(put_npz(tmp_path, X=np.eye(2)), require_target=False)
    assert not alone.has_labels
    assert alone.target is None
    assert read_table(put_npz(tmp_path, X=np.eye(2), y=[1, 1]), require_target=False).y.tolist() == [1, 1]
    partly = read_table(
        put_npz(tmp_path, X=np.eye(2), y=[1, np.nan], X_test=np.eye(2), y_test=[3, 4]), require_target=False
    )
    assert not partly.has_labels
    assert partly.y_test is not None
    assert partly.y_test.tolist() == [3, 4]


def test_npz_with_missing_values(tmp_path: Path) -> None:
    x = np.array([[1, -np.nan], [np.nan, 2]], dtype=np.float32)
    data = read_table(put_npz(tmp_path, X=x, y=[0, 1]))
    np.testing.assert_array_equal(data.X, x)
    assert data.fingerprint() == read_table(put(tmp_path, "a,b,target\n1,,0\nNA,2,1\n")).fingerprint()


def test_npz_of_text_is_read_as_from_csv(tmp_path: Path) -> None:
    x = np.array([["1", "a", "True"], ["", "1", "False"], ["01", " ä ", "?"]])
    expected = [[1.0, "a", True], [None, "1", False], [1.0, "ä", None]]
    for array in (x, np.char.encode(x, "utf-8")):
        data = read_table(put_npz(tmp_path, X=array, y=[0, 1, 2]))
        assert cells(data.X) == [[(type(value), value) for value in row] for row in expected]
    # Both splits decide together what a column holds.
    data = read_table(put_npz(tmp_path, X=x[:2, [0]], y=[0, 1], X_test=np.array([["red"]]), y_test=[1]))
    assert data.X.tolist() == [["1"], [None]]
    assert data.X_test is not None
    assert data.X_test.tolist() == [["red"]]
    numbers = read_table(put_npz(tmp_path, X=x[:, [0, 2]], y=[0, 1, 2]))
    np.testing.assert_array_equal(numbers.X, [[1, 1], [np.nan, 0], [1, np.nan]])


X = np.eye(3)


@pytest.mark.parametrize(
    ("arrays", "parts"),
    [
        ({"y": [0, 1, 2]}, ["no array 'X'", "'y'"]),
        ({"X": X, "z": [0]}, ["no array 'y'", "'X', 'z'"]),
        ({"X": X, "y": [0, 1]}, ["2 labels for 3 samples"]),
        ({"X": X, "y": X}, ["y is float64 of shape (3, 3)"]),
        ({"X": X, "y": [1j, 2, 3]}, ["y is complex128"]),
        ({"X": X, "y": [1, 1, 1]}, ["every target is 1"]),
        ({"X": X, "y": [0, 1, 1.5]}, ["y[2]", "'1.5'", "classifiers"]),
        ({"X": X, "y": [0, np.nan, 1]}, ["y[1]", "target is missing"]),
        ({"X": X, "y": ["a", "", "b"]}, ["y[1]", "target is missing"]),
        ({"X": np.arange(3), "y": [0, 1, 2]}, ["X has shape (3,)"]),
        ({"X": np.ones((0, 3)), "y": []}, ["X has shape (0, 3)"]),
        ({"X": np.ones((3, 0)), "y": [0, 1, 2]}, ["X has shape (3, 0)"]),
        ({"X": np.array([[1j], [2]]), "y": [0, 1]}, ["X holds values of type complex128"]),
        ({"X": np.array([["a"], ["b"]]), "y": [0, 1], "X_test": [[1]], "y_test": [1]}, ["X is <U1", "X_test is int"]),
        ({"X": np.array([[[1, 2]], [[3, np.inf]]]), "y": [0, 1]}, ["X[1, 0, 1]: inf is not a finite"]),
        (
            {"X": np.array([["1"], ["2"]]), "y": [0, 1], "X_test": np.array([["1"], ["inf"]]), "y_test": [0, 1]},
            ["X_test[1, 0]: inf is not a finite"],
        ),
        ({"X": X, "y": [0, 1, 2], "X_test": X}, ["'X_test' but no 'y_test'"]),
        ({"X": X, "y": [0, 1, 2], "y_test": [1]}, ["'y_test' but no 'X_test'"]),
        ({"X": X, "y": [0, 1, 2], "X_test": X, "y_test": [1]}, ["y_test has 1 labels for 3 samples"]),
        ({"X": X, "y": [0, 1, 2], "X_test": X, "y_test": [1, 2, 0.5]}, ["y_test[2]", "'0.5'"]),
        (
            {"X": X, "y": [0, 1, 2], "X_test": X[:, :2], "y_test": [1, 2, 0]},
            ["X_test have shape (2,)", "(3,)"],
        ),
        ({"X": np.array([[None]]), "y": [0]}, ["array 'X' holds Python objects", "X.astype(str)"]),
    ],
)
def test_npz_complaints(tmp_path: Path, arrays: dict[str, Any], parts: Sequence[str]) -> None:
    path = put_npz(tmp_path, **arrays)
    with complains(path, *parts):
        read_table(path)


def test_npz_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    with path.open("wb") as file:
        np.save(file, X)
    with complains(path, "not an .npz file"):
        read_table(path)
    path.write_bytes(b"")
    with complains(path, "not an .npz file"):
        read_table(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X.npy", b"\x93NUMPY\x01\x00garbage")
    with complains(path, "damaged"):
        read_table(path)


@on_disk
@given(data=st.data())
def test_mangled_npz_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    path = put_npz(tmp_path, X=X, y=[0, 1, 2])
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with contextlib.suppress(DataError):
        read_table(path)


# --- UCI tables ------------------------------------------------------------------------------------------


def test_uci_table(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with complains("'pimaindiansdiabetes2' not found", "uci/pimaindiansdiabetes2.csv.gz"):
        load("pima")
    monkeypatch.setenv("BITLOCAL_DATA", str(home))
    with complains(f"looked in {home / 'uci'}", "uci/sonar.csv.gz"):
        load("sonar")
    (home / "uci").mkdir()
    put(home / "uci", GOOD, "pimaindiansdiabetes2.csv.gz")
    put(home / "uci", GOOD, "sonar.csv")
    assert load("pima").name == load("pimaindiansdiabetes2").name == "pimaindiansdiabetes2"
    assert load("sonar").y.tolist() == ["x", "y"]


# --- Random Prototypes -----------------------------------------------------------------------------------


def test_prototypes_are_pinned() -> None:
    # The same on every machine and in every version.
    data = load("prototypes", seed=3, n_features=100, n_train=50, n_test=20)
    assert data.fingerprint() == "9852957a75d42f96edf21040e5aeec6d1647f0146ac8cea8ee5c4b20741d3900"
    assert load("prototypes", seed=3, n_features=100, n_train=50, n_test=20).fingerprint() == data.fingerprint()


def test_prototypes_follow_their_definition() -> None:
    from bitlocal._core import random_words

    seed, per_class, noise = 2**40 + 7, 2, 0.3
    data = load(
        "prototypes",
        seed=seed,
        n_classes=3,
        n_features=70,
        n_train=13,
        n_test=5,
        prototypes_per_class=per_class,
        noise=noise,
    )
    assert data.X_test is not None
    assert data.y_test is not None
    for layer, x, y in ((1, data.X, data.y), (2, data.X_test, data.y_test)):
        for i in range(len(x)):
            assert y[i] == i % 3
            row = int(y[i]) * per_class + i // 3 % per_class
            bits = [int(word) for word in random_words(seed, 6, 0, 0, row, 2)]
            fields = [int(word) for word in random_words(seed, 6, layer, 0, i, 18)]
            for j in range(70):
                bit = bits[j // 64] >> (j % 64) & 1
                flipped = (fields[j // 4] >> (16 * (j % 4)) & 0xFFFF) < int(noise * 2**16)
                assert x[i, j] == bit ^ flipped


def test_prototypes_defaults() -> None:
    data = load("prototypes")
    assert data.X.shape == (6000, 1000)
    assert data.X.dtype == np.bool_
    assert data.y.dtype == np.int64
    assert np.bincount(data.y).tolist() == [600] * 10
    assert data.X_test is not None
    assert data.y_test is not None
    assert data.X_test.shape == (1000, 1000)
    assert np.bincount(data.y_test).tolist() == [100] * 10
    # Not trivial and not hopeless: what the nearest of the true prototypes achieves is the best there is.
    clean = load("prototypes", noise=0, n_train=10, n_test=1).X
    assert abs((data.X ^ clean[data.y]).mean() - 0.44) < 0.002
    overlap = (2.0 * data.X_test - 1) @ (2.0 * clean - 1).T
    assert 0.95 < (overlap.argmax(axis=1) == data.y_test).mean() < 0.99


def test_prototypes_are_balanced_and_independent() -> None:
    clean = load("prototypes", noise=0, n_classes=40, n_train=40, n_test=40).X
    assert abs(clean.mean() - 0.5) < 0.02
    overlaps = (2.0 * clean - 1) @ (2.0 * clean - 1).T / 1000
    assert np.abs(overlaps - np.eye(40)).max() < 0.2
    # Half of the bits flipped leaves nothing of the prototype, and no two samples share their noise.
    noise = load("prototypes", noise=0.5, n_train=40, n_test=40)
    assert noise.X_test is not None
    both = 2.0 * np.concatenate([noise.X, noise.X_test]) - 1
    assert np.abs(both @ both.T / 1000 - np.eye(80)).max() < 0.2


def test_prototypes_seeds_differ() -> None:
    prints = {load("prototypes", seed=s, n_train=20, n_test=5).fingerprint() for s in (0, 1, 2**32, 2**64 - 1)}
    assert len(prints) == 4


def test_fewer_prototype_samples_are_a_beginning_of_more() -> None:
    few, many = (load("prototypes", n_train=n, n_test=5) for n in (20, 60))
    np.testing.assert_array_equal(few.X, many.X[:20])


@pytest.mark.parametrize(
    "options",
    [
        {"seed": -1},
        {"seed": 2**64},
        {"seed": 0.5},
        {"n_classes": 1},
        {"n_features": 0},
        {"n_train": 0},
        {"n_test": "ten"},
        {"prototypes_per_class": 0},
        {"n_train": True},
        {"noise": -0.1},
        {"noise": 0.6},
        {"noise": float("nan")},
        {"noise": "much"},
    ],
)
def test_prototypes_complaints(options: dict[str, Any]) -> None:
    (name,) = options
    with complains("prototypes", name, "choose one in that range"):
        load("prototypes", **options)


# --- real data -------------------------------------------------------------------------------------------


def real(folder: str) -> Path:
    """Where a real data set lies; skips the test where it does not."""
    root = os.environ.get("BITLOCAL_DATA", "")
    if not root or not (Path(root).expanduser() / folder).is_dir():
        pytest.skip(f"needs the environment variable BITLOCAL_DATA, a folder that holds {folder}/")
    return Path(root).expanduser() / folder


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_real_images(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = real(name)
    # As a system folder, where the content is checked against the published hashes.
    monkeypatch.delenv("BITLOCAL_DATA")
    monkeypatch.setattr(places, "cache_folder", lambda: Path("/nowhere"))
    monkeypatch.setattr(places, "SYSTEM_FOLDER", folder.parent)
    data = load(name)
    assert data.X.shape == (60_000, 784)
    assert data.X_test is not None
    assert data.X_test.shape == (10_000, 784)
    assert set(data.y.tolist()) == set(range(10))
    assert data.image_shape == (28, 28)


def test_real_cifar10_features() -> None:
    real("cifar10-features")
    data = load("cifar10-features")
    assert data.X.shape == (50_000, 1280)
    assert data.X.dtype == np.uint8
    assert np.bincount(data.y).tolist() == [5000] * 10


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("dna", (3186, 180), 3),
        ("vehicle", (846, 18), 4),
        ("vowel", (990, 10), 11),
        ("sonar", (208, 60), 2),
        ("glass", (214, 9), 6),
        ("zoo", (101, 16), 7),
        ("shuttle", (58_000, 9), 7),
    ],
)
def test_real_tables(name: str, shape: tuple[int, int], classes: int) -> None:
    real("uci")
    data = load(name)
    assert data.X.shape == shape
    assert len(set(data.y.tolist())) == classes
    assert data.y.dtype == np.int64 if name == "glass" else data.y.dtype.kind == "U"


@pytest.mark.parametrize(
    ("name", "shape", "missing"),
    [("pima", (768, 8), 652), ("breastcancer", (699, 9), 16), ("housevotes", (435, 16), 392)],
)
def test_real_tables_with_holes(name: str, shape: tuple[int, int], missing: int) -> None:
    real("uci")
    data = load(name)
    assert data.X.shape == shape
    if name == "housevotes":
        assert data.X.dtype == np.object_
        assert set(data.X.ravel().tolist()) == {"y", "n", None}
        assert (data.X == None).sum() == missing  # noqa: E711
    else:
        assert data.X.dtype == np.float64
        assert np.isnan(data.X).sum() == missing
