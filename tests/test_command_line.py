"""The installed command, as a user runs it."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from sklearn.datasets import load_digits

import bitlocal
from bitlocal.cli.main import main
from bitlocal.datasets import load

COMMAND = str(Path(sys.executable).with_name("bitlocal"))
FAST = ["--hidden", "90", "--epochs", "2", "--quiet"]
PROMISED = {
    "dataset", "layers", "encoder", "seed", "threads", "isa", "epochs", "train_accuracy", "test_accuracy",
    "seconds_per_epoch", "samples_per_second", "model_bytes", "hidden_sha256",
}  # fmt: skip


class Result:
    """What a run came to."""

    def __init__(self, status, stdout, stderr):
        self.status, self.stdout, self.stderr = status, stdout, stderr


def run_here(*arguments, **settings):
    """Run the command's own entry point in this process, which saves it the start."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", [COMMAND, *map(str, arguments)]),
        mock.patch.dict(os.environ, settings),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return Result(ended.value.code, stdout.getvalue(), stderr.getvalue())


def run_installed(*arguments, **settings):
    """Run the installed command."""
    command, environment = [COMMAND, *map(str, arguments)], {**os.environ, **settings}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    return Result(result.returncode, result.stdout, result.stderr)


def run(*arguments, status=0, how=run_here, **settings):
    """Run the command; what it prints must be as clean as its exit status says."""
    result = how(*arguments, **settings)
    assert result.status == status, result.stderr
    assert "Traceback" not in result.stderr
    return result


def fails(*arguments, match, how=run_here, **settings):
    """A failing run: one line on stderr, nothing on stdout."""
    result = run(*arguments, status=2, how=how, **settings)
    assert result.stdout == ""
    assert result.stderr.startswith("bitlocal: error: ")
    assert result.stderr.count("\n") == 1
    assert match in result.stderr


def train(*arguments):
    output = run("train", *arguments, "--json", *FAST).stdout
    assert output.count("\n") == 1
    return json.loads(output)


def write_csv(path, X, y, names=None, target="label"):
    names = names or [f"f{i}" for i in range(np.shape(X)[1])]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names if y is None else [*names, target])
        writer.writerows(X.tolist() if y is None else [[*row, label] for row, label in zip(X.tolist(), y, strict=True)])
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A small table with text labels."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 200)
    X = np.round(rng.normal(size=(3, 5))[y] * 2 + rng.normal(size=(200, 5)), 3)
    labels = np.array(["ant", "bee", "cat"])[y]
    return write_csv(tmp_path_factory.mktemp("table") / "table.csv", X, labels), X, labels


@pytest.fixture(scope="module")
def table_model(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    run("train", table[0], "--target", "label", "--out", path, *FAST)
    return path


def test_json_and_evaluate_agree(table, tmp_path):
    model = tmp_path / "model.safetensors"
    for data in (["digits"], [str(table[0]), "--target", "label"], ["prototypes"]):
        report = train(*data, "--out", model, "--seed", "3")
        assert set(report) >= PROMISED
        assert report["seed"] == 3
        assert report["epochs"] == 2
        evaluation = json.loads(run("evaluate", model, data[0], "--json").stdout)
        assert evaluation["accuracy"] == report["test_accuracy"]
        assert evaluation["samples"] == report["n_test"]
        info = json.loads(run("info", model, "--json").stdout)
        assert info["hidden_sha256"] == report["hidden_sha256"]


def test_npz_with_its_own_test_split(tmp_path):
    X, y = load_digits(return_X_y=True)
    X = X.astype(np.uint8)
    np.savez(tmp_path / "digits.npz", X=X[:1500], y=y[:1500], X_test=X[1500:], y_test=y[1500:])
    report = train(tmp_path / "digits.npz", "--out", tmp_path / "model.safetensors")
    assert report["n_test"] == len(X) - 1500
    evaluation = run("evaluate", tmp_path / "model.safetensors", tmp_path / "digits.npz", "--json").stdout
    assert json.loads(evaluation)["accuracy"] == report["test_accuracy"]


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_official_test_split(name, tmp_path):
    if "BITLOCAL_DATA" not in os.environ:
        pytest.skip(f"needs the environment variable BITLOCAL_DATA, a folder that holds {name}/")
    model = tmp_path / "model.safetensors"
    report = json.loads(run("train", name, "--hidden", 90, "--epochs", 1, "--encoder", "median", "--out", model,
                            "--json", "--quiet").stdout)  # fmt: skip
    assert report["n_test"] == 10_000
    assert report["test_accuracy"] > 0.6
    assert json.loads(run("evaluate", model, name, "--json").stdout)["accuracy"] == report["test_accuracy"]


def test_same_bits_for_all_threads_and_instruction_sets():
    digests = {train("digits", "--threads", threads)["hidden_sha256"] for threads in (1, 2, 3)}
    for name, supported in bitlocal._core.instruction_sets():
        if supported:
            output = run("train", "digits", "--json", *FAST, how=run_installed, BITLOCAL_ISA=name).stdout
            assert json.loads(output)["isa"] == name
            digests.add(json.loads(output)["hidden_sha256"])
    assert len(digests) == 1
    match = "BITLOCAL_ISA='sse9': expected one of"
    fails("train", "digits", *FAST, match=match, how=run_installed, BITLOCAL_ISA="sse9")


def test_instruction_set_by_option(table_model):
    sets = dict(bitlocal._core.instruction_sets())
    fails("evaluate", table_model, "digits", "--isa", "sse9", match="instruction set 'sse9': expected one of")
    report = run("train", "digits", "--isa", "portable", "--json", *FAST, how=run_installed).stdout
    assert json.loads(report)["isa"] == "portable"
    for name in (name for name, supported in sets.items() if not supported):
        for command in (["train", "digits"], ["evaluate", table_model, "digits"], ["predict", table_model, "digits"]):
            fails(*command, "--isa", name, match=f"'{name}': this processor does not support it")


def test_info_about_what_was_tried(table, tmp_path):
    model = tmp_path / "model.safetensors"
    run("train", table[0], "--target", "label", "--out", model, *FAST)
    tried = json.loads(run("info", model, "--json").stdout)["selection"]
    assert [(one["parameters"]["encoder"], one["parameters"]["readout"]) for one in tried["trials"]] == [
        (encoder, readout) for encoder in ("thermometer32", "thermometer32+oblique") for readout in ("votes", "learned")
    ]
    shown = " ".join(run("info", model).stdout.split())
    assert f"of {tried['held_out']} samples held out (others: " in shown
    run("train", table[0], "--target", "label", "--out", model, "--preset", "fast", *FAST)
    assert json.loads(run("info", model, "--json").stdout)["selection"] is None


def test_info_about_the_processor(table_model):
    text = run("info", "--cpu").stdout
    content = json.loads(run("info", "--cpu", "--json").stdout)
    assert content["processor"] in text
    assert content["cores"] >= content["usable_cores"] >= 1
    assert [(s["name"], s["supported"]) for s in content["instruction_sets"]] == bitlocal._core.instruction_sets()
    for isa in content["instruction_sets"]:
        assert re.search(rf"^{isa['name']} +(not supported|supported|in use)", text, re.MULTILINE)
    best = next(s["name"] for s in content["instruction_sets"] if s["supported"])
    for settings, option, used, reason in [
        ({"BITLOCAL_ISA": ""}, [], best, "the best that this processor supports"),
        ({"BITLOCAL_ISA": "portable"}, [], "portable", "set by BITLOCAL_ISA"),
        ({"BITLOCAL_ISA": best}, ["--isa", "portable"], "portable", "asked for"),
    ]:
        content = json.loads(run("info", "--cpu", "--json", *option, how=run_installed, **settings).stdout)
        assert (content["in_use"], content["reason"]) == (used, reason)
        assert f"in use: {reason}" in run("info", "--cpu", *option, how=run_installed, **settings).stdout
    fails("info", "--cpu", match="BITLOCAL_ISA='sse9': expected one of", how=run_installed, BITLOCAL_ISA="sse9")
    fails("info", match="expected either a model file or --cpu")
    fails("info", table_model, "--cpu", match="expected either a model file or --cpu")


def test_use_instruction_set():
    before = bitlocal._core.instruction_set()
    with pytest.raises(ValueError, match=r"'sse9': expected one of .*portable"):
        bitlocal.use_instruction_set("sse9")
    with pytest.raises(ValueError, match="'sse9': expected one of"):
        bitlocal._core.popcount_peak("sse9", 1)
    assert bitlocal._core.instruction_set() == before
    bitlocal.use_instruction_set("portable")
    assert bitlocal._core.instruction_set() == "portable"
    bitlocal.use_instruction_set(before)


def test_labels_are_the_same_from_everywhere(table, table_model, tmp_path):
    path, X, _ = table
    from_command = run("predict", table_model, path).stdout.split()
    clf = bitlocal.load(table_model)
    assert from_command == clf.predict(X).tolist()
    assert from_command == pickle.loads(pickle.dumps(clf)).predict(X).tolist()
    run("predict", table_model, path, "--out", tmp_path / "labels.txt")
    assert (tmp_path / "labels.txt").read_text().split() == from_command

    rows = list(csv.reader(run("predict", table_model, path, "--logits").stdout.splitlines()))
    assert rows[0] == ["ant", "bee", "cat"]
    np.testing.assert_array_equal(np.array(rows[1:], dtype=int), clf.logits(X))


def test_columns_are_matched_by_name(table, table_model, tmp_path):
    path, X, _ = table
    expected = run("predict", table_model, path).stdout
    shuffled = write_csv(tmp_path / "shuffled.csv", X[:, ::-1], None, names=[f"f{i}" for i in range(5)][::-1])
    assert run("predict", table_model, shuffled).stdout == expected  # no target column, either


def test_what_a_person_sees(tmp_path):
    result = run(
        "train", "digits", "--hidden", 90, "--epochs", 2, "--out", tmp_path / "m.safetensors", how=run_installed
    )
    for word in ("digits: 1438 training samples, 359 test samples", "test accuracy", "samples/s", "bitlocal evaluate"):
        assert word in result.stdout
    assert "epoch 2/2" in result.stderr
    assert "recall" in run("evaluate", tmp_path / "m.safetensors", "digits").stdout
    assert "90" in run("info", tmp_path / "m.safetensors").stdout
    assert "fashion-mnist" in run("datasets").stdout
    assert "train" in run("--help").stdout


def test_interrupted_training_keeps_the_model(tmp_path):
    model = tmp_path / "model.safetensors"
    for seconds in (6, 12, 24, 48):  # until training has begun, however busy the machine is
        process = subprocess.Popen(
            [COMMAND, "train", "digits", "--robustness", "1", "--epochs", "1000000", "--out", str(model)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
        if model.exists():
            break
    assert process.returncode == 130, stderr
    assert "interrupted after" in stderr
    assert "Traceback" not in stderr
    assert stdout == ""
    assert json.loads(run("evaluate", model, "digits", "--json").stdout)["accuracy"] > 0.8


def test_inference_only_model(tmp_path):
    model = tmp_path / "model.safetensors"
    report = train("digits", "--out", model, "--inference-only")
    assert model.stat().st_size == report["model_bytes"] < report["training_model_bytes"] / 4
    assert json.loads(run("evaluate", model, "digits", "--json").stdout)["accuracy"] == report["test_accuracy"]
    assert json.loads(run("info", model, "--json").stdout)["trainable"] is False


BAD_TABLES = {
    "a,label\n1,x\ninf,y\n": "inf is not a finite number",
    "a,b,label\nred,1,x\n,-inf,y\n": "line 3, column 'b': -inf is not a finite number",
    "a,label\n1,x\n2,x\n": "at least two classes",
    "a,label\n1,x\n2,\n": "the target is missing",
    "a,b\n1,x\n": "there is no column 'label'",
    "a,label\n": "nothing below the header",
    "": "the file is empty",
}


@pytest.mark.parametrize("text", BAD_TABLES)
def test_bad_tables(text, tmp_path):
    (tmp_path / "bad.csv").write_text(text)
    out = tmp_path / "model.safetensors"
    fails("train", tmp_path / "bad.csv", "--target", "label", "--out", out, *FAST, match=BAD_TABLES[text])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv"]


def test_bad_arguments(table, tmp_path):
    fails("train", "fashion-minst", match="did you mean 'fashion-mnist'")
    fails("train", tmp_path / "none.csv", match="no such file")
    fails("train", tmp_path, match="this is a directory")
    fails("train", "digits", "--hidden", "1035", "--group-size", "16", match="the nearest that does: 15 and 23")
    fails("train", "digits", "--clip", "4", match="expected an odd number")
    fails("train", "digits", "--encoder", "magic", match="'magic' is unknown")
    assert "--seed" in run("train", "digits", "--seed", 2**64, status=2).stderr
    fails("train", "digits", "--out", tmp_path, match="this is a directory")
    fails("train", "digits", "--out", tmp_path / "none" / "m.safetensors", match="there is no folder")
    fails("train", "mnist", match="set BITLOCAL_DATA", BITLOCAL_OFFLINE="1", BITLOCAL_DATA=str(tmp_path / "empty"),
          XDG_CACHE_HOME=str(tmp_path))  # fmt: skip
    assert run("train", "digits", "--hidden", "many", status=2).stdout == ""


def test_bad_models(table, table_model, tmp_path):
    path, X, labels = table
    fails("evaluate", tmp_path / "none.safetensors", "digits", match="No such file")
    fails("info", tmp_path, match="directory")
    (tmp_path / "text").write_text("hello")
    fails("info", tmp_path / "text", match="not a bitlocal model")
    (tmp_path / "cut").write_bytes(table_model.read_bytes()[:-100])
    fails("predict", tmp_path / "cut", path, match="cut short")
    narrow = write_csv(tmp_path / "narrow.csv", X[:, :4], labels)
    fails("predict", table_model, narrow, match="missing 'f4'")
    fails("evaluate", table_model, narrow, match="4 columns, but the model expects the 5")
    strange = write_csv(tmp_path / "strange.csv", X, np.where(labels == "cat", "dog", labels))
    fails("evaluate", table_model, strange, match="labels that training never saw: 'dog'")
    fails("evaluate", table_model, "digits", match="64 columns, but the model expects the 5")
    np.savez(tmp_path / "nameless.npz", X=X[:, :4], label=labels)
    fails("evaluate", table_model, tmp_path / "nameless.npz", match="expecting 5 features")


def test_a_failed_run_leaves_the_old_model(table_model, tmp_path):
    old = table_model.read_bytes()
    fails("train", "digits", "--out", table_model, "--clip", "4", match="odd")
    fails("train", "prototypes", "--out", table_model, "--encoder", "magic", match="magic")
    assert table_model.read_bytes() == old


def test_folder_without_permission(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # the tests may run as root, who may write everywhere
    fails("train", "digits", "--out", tmp_path / "m.safetensors", match="cannot be written")


def test_prediction_uses_the_test_split_in_order(tmp_path):
    model = tmp_path / "model.safetensors"
    train("prototypes", "--out", model)
    X_test = load("prototypes").X_test
    assert (
        run("predict", model, "prototypes").stdout.split() == bitlocal.load(model).predict(X_test).astype(str).tolist()
    )
