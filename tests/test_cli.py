"""The command line at its edges: wrong usage, odd places and names, models from elsewhere, interruptions."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import bitlocal
from bitlocal import BMLPClassifier
from bitlocal.cli.main import main
from bitlocal.cli.shared import console
from bitlocal.cli.shared.data import load_data, load_like
from bitlocal.datasets.match import prediction_part, split
from bitlocal.datasets.match import test_part as choose_test_part
from bitlocal.datasets.origin import TrainingData
from bitlocal.encoders import TableEncoder
from bitlocal.files.model import load_model

COMMAND = str(Path(sys.executable).with_name("bitlocal"))
FAST = ["--hidden", "45", "--epochs", "2", "--quiet"]


@pytest.fixture
def bitlocal_command(monkeypatch, capsys):
    """Run the command in this process; gives the exit status, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bitlocal", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def succeeds(bitlocal_command):
    def run(*arguments):
        status, stdout, stderr = bitlocal_command(*arguments)
        assert status == 0, stderr
        return stdout

    return run


@pytest.fixture
def fails(bitlocal_command):
    """Run what must fail: status 2, one line on stderr, nothing on stdout."""

    def run(*arguments, match):
        status, stdout, stderr = bitlocal_command(*arguments)
        assert (status, stdout, stderr.count("\n")) == (2, "", 1), stderr
        assert stderr.startswith("bitlocal: error: ")
        assert match in stderr

    return run


def frame(n=120, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    X = np.round(rng.normal(size=(n, 4)) + 2 * y[:, np.newaxis], 3)
    return pd.DataFrame(X, columns=["one", "two", "three", "four"]).assign(target=np.array(["no", "yes"])[y])


@pytest.fixture
def table(tmp_path):
    frame().to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


@pytest.fixture
def model(table, tmp_path, succeeds):
    succeeds("train", table, "--out", tmp_path / "model", *FAST)
    return tmp_path / "model"


# Wrong usage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["nothing"], "No such command 'nothing'; see bitlocal --help"),
        (["train"], "Missing argument 'DATA'; see bitlocal train --help"),
        (["train", "digits", "--bogus"], "--bogus"),
        (["train", "digits", "iris"], "extra argument"),
        (["train", "digits", "--seed", "-1"], "--seed"),
        (["train", "digits", "--seed", str(2**64)], "--seed"),
        (["train", "digits", "--epochs", "many"], "--epochs"),
        (["train", "digits", "--test-fraction", "1.5"], "--test-fraction"),
        (["train", "digits", "--test-fraction", "nan"], ""),
        (["train", "digits", "--threads", "0"], "--threads"),
        (["train", "digits", "--threads", "1000000"], "--threads"),
        (["predict", "m", "digits", "--threads", "0"], "--threads"),
    ],
)
def test_wrong_usage_is_one_line(fails, arguments, match):
    fails(*arguments, match=match)


@pytest.mark.parametrize("hidden", ["", "45,", "45,,45", "4.5", "45;45", "x"])
def test_hidden_that_is_no_list_of_numbers(fails, hidden):
    fails("train", "digits", "--hidden", hidden, match="expected whole numbers with commas between")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["--hidden", "0"], "hidden_layer_sizes"),
        (["--hidden", "-45"], "hidden_layer_sizes"),
        (["--hidden", "1" + "0" * 30], "hidden_layer_sizes"),
        (["--hidden", "1035", "--group-size", "16"], "the nearest that does: 15 and 23"),
        (["--group-size", "0"], "group_size"),
        (["--clip", "4"], "odd"),
        (["--clip", "70001"], "65535"),
        (["--encoder", "magic"], "'magic' is unknown"),
        (["--epochs", "0"], "max_iter"),
        (["--batch-size", "0"], "batch_size"),
        (["--batch-size", "1" + "0" * 30], "batch_size"),
        (["--robustness", "nan"], "robustness"),
        (["--reinforcement", "inf"], "reinforcement"),
        (["--validation-fraction", "1"], "validation_fraction"),
    ],
)
def test_impossible_parameters_write_nothing(fails, tmp_path, arguments, match):
    fails("train", "digits", "--out", tmp_path / "model", "--quiet", *arguments, match=match)
    assert list(tmp_path.iterdir()) == []


def test_no_arguments_give_help(succeeds):
    assert "evaluate" in succeeds()


def test_an_unexpected_error_is_one_line(bitlocal_command, monkeypatch):
    def fail(*arguments, **options):
        raise KeyError("surprise")

    monkeypatch.setattr(BMLPClassifier, "fit", fail)
    status, stdout, stderr = bitlocal_command("train", "digits")
    assert (status, stdout) == (1, "")
    assert stderr == "bitlocal: internal error: KeyError: 'surprise'; BITLOCAL_DEBUG=1 shows where\n"
    monkeypatch.setenv("BITLOCAL_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["bitlocal", "train", "digits"])
    with pytest.raises(KeyError, match="surprise"):
        main()


def test_too_little_memory(fails, monkeypatch):
    def fail(*arguments, **options):
        raise MemoryError("std::bad_alloc")

    monkeypatch.setattr(BMLPClassifier, "fit", fail)
    fails("train", "digits", "--quiet", match="not enough memory")


# Places to write to ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["train", "predict"])
def test_output_that_would_destroy_an_input(fails, table, model, command):
    before = table.read_bytes()
    arguments = [] if command == "train" else [model]
    fails(command, *arguments, table, "--out", table, match="this file is read from")
    assert table.read_bytes() == before
    if command == "predict":
        fails(command, model, table, "--out", model, match="this file is read from")
        assert load_model(model)


@pytest.mark.parametrize("command", ["train", "predict"])
def test_places_that_cannot_be_written_to(fails, table, model, tmp_path, monkeypatch, command):
    arguments = [command, table] if command == "train" else [command, model, table]
    fails(*arguments, "--out", tmp_path, match="this is a directory")
    fails(*arguments, "--out", tmp_path / "none" / "file", match="there is no folder")
    fails(*arguments, "--out", table / "file", match="there is no folder")
    fails(*arguments, "--out", os.devnull, match="not a file")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # root may write everywhere
    fails(*arguments, "--out", tmp_path / "file", match="cannot be written to")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "table.csv"]


def test_a_full_disk_leaves_the_old_files(fails, table, model, tmp_path, monkeypatch):
    (tmp_path / "labels").write_text("old")
    before = model.read_bytes()

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    fails("train", table, *FAST, "--out", model, match=f"{model}: No space left on device")
    fails("predict", model, table, "--out", tmp_path / "labels", match="labels: No space left on device")
    assert model.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels", "model", "table.csv"]
    assert (tmp_path / "labels").read_text() == "old"


def test_a_link_stays_a_link(succeeds, table, model, tmp_path):
    (tmp_path / "link").symlink_to(model)
    before = model.read_bytes()
    succeeds("train", table, *FAST, "--seed", 5, "--out", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert model.read_bytes() != before


def test_brackets_in_names_are_no_markup(succeeds, table, tmp_path):
    (tmp_path / "[red]").mkdir()
    model = tmp_path / "[red]" / "m[bold] :smile: [x].safetensors"
    assert str(model) in succeeds("train", table, *FAST, "--out", model)
    assert str(model) in succeeds("info", model)  # not folded either, however long
    closing = tmp_path / "x[" / "b]"
    closing.parent.mkdir()
    assert "x[/b]" in succeeds("train", table, *FAST, "--out", closing)
    assert "x[/b]" in succeeds("info", closing)


def test_control_characters_do_not_reach_the_terminal(succeeds, tmp_path):
    rng = np.random.default_rng(0)
    y = np.array(["a\x1b[2J", "[bold]b"])[rng.integers(0, 2, 60)]
    np.savez(tmp_path / "data.npz", X=rng.random((60, 3)), y=y)
    model = tmp_path / "model"
    succeeds("train", tmp_path / "data.npz", *FAST, "--out", model)
    for arguments in (["info", model], ["evaluate", model, tmp_path / "data.npz"]):
        output = succeeds(*arguments)
        assert "\x1b" not in output
        assert "[bold]b" in output


# Models and data that meet --------------------------------------------------------------------------------------------


def test_shuffled_columns_are_still_the_same_data(succeeds, tmp_path):
    whole = frame()
    whole.to_csv(tmp_path / "table.csv", index=False)
    whole[["three", "target", "one", "four", "two"]].to_csv(tmp_path / "shuffled.csv.gz", index=False)
    whole[["four", "three", "two", "one", "target"]].to_parquet(tmp_path / "shuffled.parquet")
    model = tmp_path / "model"
    report = json.loads(succeeds("train", tmp_path / "table.csv", *FAST, "--out", model, "--json"))
    for name in ("table.csv", "shuffled.csv.gz", "shuffled.parquet"):
        evaluation = json.loads(succeeds("evaluate", model, tmp_path / name, "--json"))
        assert evaluation["part"] == "the 20% that training held out"
        assert evaluation["accuracy"] == report["test_accuracy"]


def mixed_frame(n=120, seed=0):
    """Numbers, truth values and text, all with holes."""
    data, rng = frame(n, seed), np.random.default_rng(seed)
    data["two"] = data["two"].where(rng.random(n) < 0.9)
    data["three"] = np.where(data["three"] > 1, "large", np.where(rng.random(n) < 0.1, "?", "7"))
    data["four"] = np.where(rng.random(n) < 0.1, None, data["four"] > 1)
    return data


def test_tables_of_text_are_split_and_matched_like_any_other(tmp_path):
    whole = mixed_frame()
    whole.to_csv(tmp_path / "table.csv", index=False)
    shuffled = whole[["three", "target", "one", "four", "two"]]
    shuffled.to_csv(tmp_path / "shuffled.csv.gz", index=False)
    shuffled.to_parquet(tmp_path / "shuffled.parquet")
    trained_on = load_data(str(tmp_path / "table.csv"), None)
    assert trained_on.X.dtype == object
    parts = split(trained_on, 0.25, 3)
    origin = TrainingData(
        "table.csv",
        trained_on.fingerprint(),
        target="target",
        test_fraction=0.25,
        split_seed=3,
        feature_names=trained_on.feature_names,
    )
    encoder = TableEncoder().fit(trained_on.X, trained_on.y)
    classifier = SimpleNamespace(encoder_=encoder, classes_=np.unique(trained_on.y))
    model = SimpleNamespace(classifier=classifier, data=origin)
    for name in ("table.csv", "shuffled.csv.gz", "shuffled.parquet"):
        dataset = load_like(model, str(tmp_path / name), None)
        assert dataset.feature_names == ("one", "two", "three", "four")
        assert dataset.X.tolist() == trained_on.X.tolist()
        part = choose_test_part(dataset, model.data, everything=False)
        assert part.origin == "the 25% that training held out"
        assert part.X.tolist() == parts.X_test.tolist()
    shuffled.drop(columns="target").to_csv(tmp_path / "new.csv", index=False)
    dataset = load_like(model, str(tmp_path / "new.csv"), None, require_target=False)
    assert prediction_part(dataset).tolist() == trained_on.X.tolist()


def test_codes_stay_categories_in_a_table_of_nothing_but_numbers(succeeds, tmp_path):
    rows = [(code, "abc"[int(code) % 3]) for code in ("01", "02", "03") * 20] + [("x", "a")]
    (tmp_path / "table.csv").write_text("code,target\n" + "".join(f"{code},{label}\n" for code, label in rows))
    succeeds(
        "train",
        tmp_path / "table.csv",
        "--out",
        tmp_path / "model",
        "--hidden",
        "450",
        "--test-fraction",
        "0",
        "--text",
        "code",
    )
    (tmp_path / "some.csv").write_text("code\n01\n02\n03\n")
    assert succeeds("predict", tmp_path / "model", tmp_path / "some.csv").split() == ["b", "c", "a"]
    assert "code  category  4 bits: 4 categories" in succeeds("info", tmp_path / "model")


def test_tables_of_text_from_training_to_prediction(succeeds, tmp_path):
    mixed_frame().to_csv(tmp_path / "table.csv", index=False)
    mixed_frame()[["three", "target", "one", "four", "two"]].to_parquet(tmp_path / "shuffled.parquet")
    mixed_frame().drop(columns="target").to_csv(tmp_path / "new.csv", index=False)
    model = tmp_path / "model"
    report = json.loads(succeeds("train", tmp_path / "table.csv", *FAST, "--out", model, "--json"))
    for name in ("table.csv", "shuffled.parquet"):
        evaluation = json.loads(succeeds("evaluate", model, tmp_path / name, "--json"))
        assert evaluation["accuracy"] == report["test_accuracy"]
    assert succeeds("predict", model, tmp_path / "new.csv") == succeeds("predict", model, tmp_path / "table.csv")


def test_test_labels_that_training_never_saw(fails, tmp_path):
    X, y = np.random.default_rng(0).random((40, 3)), np.arange(40) % 2
    np.savez(tmp_path / "data.npz", X=X, y=y, X_test=X[:3], y_test=[0, 1, 2])
    match = "labels that training never saw: '2'"
    fails("train", tmp_path / "data.npz", *FAST, "--out", tmp_path / "model", match=match)
    assert not (tmp_path / "model").exists()


def test_a_model_from_python_with_names(succeeds, table, tmp_path):
    """Scikit-learn would warn about missing names; here they have done their work already."""
    data = frame()
    clf = BMLPClassifier(45, max_iter=2, random_state=0).fit(data.drop(columns="target"), data["target"])
    bitlocal.save(clf, tmp_path / "model")
    data[["four", "target", "one", "three", "two"]].to_csv(tmp_path / "shuffled.csv", index=False)
    expected = clf.predict(data.drop(columns="target")).tolist()
    assert succeeds("predict", tmp_path / "model", tmp_path / "shuffled.csv").split() == expected
    accuracy = float(np.mean(np.array(expected) == data["target"].to_numpy()))
    evaluation = json.loads(succeeds("evaluate", tmp_path / "model", tmp_path / "shuffled.csv", "--json"))
    assert evaluation["accuracy"] == accuracy


@pytest.mark.parametrize("labels", [[0.0, 1.0], [-1, 1], [False, True]])
def test_labels_from_python_and_from_a_file(succeeds, tmp_path, labels):
    data = frame()
    y = np.array(labels)[(data["target"] == "yes").to_numpy().astype(int)]
    X = data.drop(columns="target").to_numpy()
    clf = BMLPClassifier(45, max_iter=2, random_state=0).fit(X, y)
    bitlocal.save(clf, tmp_path / "model")
    data.assign(target=y).to_csv(tmp_path / "table.csv", index=False)
    evaluation = json.loads(succeeds("evaluate", tmp_path / "model", tmp_path / "table.csv", "--json"))
    assert evaluation["accuracy"] == float(np.mean(clf.predict(X) == y))


def test_data_of_another_shape(fails, succeeds, model, tmp_path):
    frame().drop(columns="one").to_csv(tmp_path / "narrow.csv", index=False)
    frame().assign(five=0).to_csv(tmp_path / "wide.csv", index=False)
    for command in ("predict", "evaluate"):
        fails(command, model, tmp_path / "narrow.csv", match="missing 'one'")
        fails(command, model, tmp_path / "wide.csv", match="unknown 'five'")
        fails(command, model, "digits", match="64 columns, but the model expects the 4")
    np.savez(tmp_path / "plain.npz", X=np.zeros((3, 5)))
    fails("predict", model, tmp_path / "plain.npz", match="4 features")
    fails("predict", tmp_path / "wide.csv", tmp_path / "wide.csv", match="not a bitlocal model")


def test_without_a_test_part(succeeds, table, tmp_path):
    report = json.loads(succeeds("train", table, *FAST, "--test-fraction", 0, "--json", "--out", tmp_path / "model"))
    assert (report["test_accuracy"], report["n_test"], report["n_train"]) == (None, 0, 120)
    evaluation = json.loads(succeeds("evaluate", tmp_path / "model", table, "--json"))
    assert evaluation["part"] == "all samples, which the model was trained on"
    assert evaluation["accuracy"] == report["train_accuracy"]


def test_two_classes_have_one_logit(succeeds, table, model):
    first, *rest = succeeds("predict", model, table, "--logits").splitlines()
    X = frame().drop(columns="target").to_numpy()
    assert first == "yes - no"
    classifier = bitlocal.load(model)
    unit = 64 if classifier.readout_ == "learned" else 1
    assert list(map(int, rest)) == (classifier.decision_function(X) * unit).tolist()


def test_a_digest_fits_a_terminal_of_80_columns(succeeds, model, monkeypatch):
    monkeypatch.setattr(console.out, "width", 80)
    assert load_model(model).classifier.network_.hidden_sha256() in succeeds("info", model)


# As real processes ----------------------------------------------------------------------------------------------------


def test_a_reader_that_leaves_early(model, table):
    with subprocess.Popen(
        [COMMAND, "predict", str(model), str(table)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_stdout(model):
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [COMMAND, "info", str(model)], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (result.returncode, result.stderr) == (2, "bitlocal: error: No space left on device\n")


def test_interrupted_on_the_way(tmp_path):
    """As soon as an epoch was shown; the model can be used and trained on."""
    model = tmp_path / "model"
    arguments = ["train", "digits", "--robustness", "1", "--epochs", "100000", "--threads", "1", "--out", str(model)]
    with subprocess.Popen([COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not _is_training(process.pid):
            time.sleep(0.2)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stdout == ""
    assert "interrupted after" in stderr
    assert "Traceback" not in stderr
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    loaded = load_model(model)
    assert loaded.data.name == "digits"
    assert loaded.classifier.network_.has_hidden_weights


def _is_training(pid):
    """Whether the process has used enough time to have started."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        used = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK") > 4
    time.sleep(5)
    return True


# What files of one's own may hold -----------------------------------------------------------------------------------


def write(path, header, rows, **options):
    path.write_text("\n".join([header, *rows]) + "\n", **options)
    return path


@pytest.mark.filterwarnings("default::bitlocal.errors.DataWarning")
def test_an_odd_field_is_told_of_and_refused(bitlocal_command, succeeds, fails, tmp_path):
    rows = [f"{i % 10},{'big' if i % 10 > 4 else 'small'}" for i in range(60)]
    odd = write(tmp_path / "odd.csv", "size,target", [*rows, "60 cm,big"])
    status, _, stderr = bitlocal_command("train", odd, "--hidden", "30", "--epochs", "1", "--quiet")
    assert (status, stderr.count("\n")) == (0, 1)
    assert stderr.startswith(f"bitlocal: warning: {odd}, line 62, column 'size': '60 cm' is no number")
    fails("train", odd, "--strict", match="line 62, column 'size': '60 cm' is no number")
    good = write(tmp_path / "good.csv", "size,target", rows)
    succeeds("train", good, "--hidden", "30", "--epochs", "5", "--out", tmp_path / "model")
    for command in ("evaluate", "predict"):
        fails(command, tmp_path / "model", odd, match="line 62, column 'size': expected a number, as in training")


def test_labels_are_read_as_in_training(succeeds, fails, tmp_path):
    rows = [f"{i},{'NA' if i > 30 else '01'}" for i in range(1, 61)]
    table = write(tmp_path / "table.csv", "size,target", rows)
    fails("train", table, match="target is missing (in 30 of 60 rows)")
    succeeds("train", table, "--text", "target", "--hidden", "30", "--epochs", "5", "--out", tmp_path / "model")
    part = write(tmp_path / "part.csv", "size,target", rows[:7])  # of one class, all of whose labels look like numbers
    assert json.loads(succeeds("evaluate", tmp_path / "model", part, "--json"))["samples"] == 7
    assert set(succeeds("predict", tmp_path / "model", table).split()) <= {"NA", "01"}
    assert succeeds("predict", tmp_path / "model", write(tmp_path / "new.csv", "size", ["1", "60"])).count("\n") == 2


def test_truth_values_as_labels_in_any_case(succeeds, tmp_path):
    rows = [f"{i},{i > 30}" for i in range(1, 61)]
    table = write(tmp_path / "table.csv", "size,target", rows)
    succeeds("train", table, "--hidden", "30", "--epochs", "5", "--out", tmp_path / "model")
    reports = []
    for spell in (str, str.lower, str.upper):
        same = write(tmp_path / "same.csv", "size,target", map(spell, rows))
        reports.append(json.loads(succeeds("evaluate", tmp_path / "model", same, "--all", "--json")))
    assert reports[0] == reports[1] | {"part": reports[0]["part"]} | {"dataset": reports[0]["dataset"]}
    assert reports[1] == reports[2]


def test_encodings_are_told(succeeds, fails, tmp_path):
    rows = [f"{'süß' if i % 2 else 'öd'},{i % 2}" for i in range(60)]
    table = write(tmp_path / "table.csv", "taste,target", rows, encoding="latin-1")
    fails("train", table, match="--encoding latin-1")
    told = ("--encoding", "latin-1")
    succeeds("train", table, *told, "--hidden", "30", "--epochs", "9", "--out", tmp_path / "model")
    assert succeeds("predict", tmp_path / "model", table, *told).count("\n") == 60
    assert json.loads(succeeds("evaluate", tmp_path / "model", table, *told, "--json"))["accuracy"] == 1
