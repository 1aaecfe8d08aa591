"""The comparison of methods: cells, resuming, processes, statistics, the report, the command."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import signal
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import bitlocal
from bitlocal import BMLPClassifier, pack
from bitlocal.cli.main import main
from bitlocal.errors import DataError
from bitlocal.lab.methods import METHODS
from bitlocal.lab.studies.definitions import STUDIES
from bitlocal.lab.studies.plan import Plan, full, quick
from bitlocal.lab.studies.reporting import figures
from bitlocal.lab.studies.reporting.statistics import paired_difference, summarise
from bitlocal.lab.studies.reporting.tables import Table, three_digits
from bitlocal.lab.studies.reproduction import Progress, Request, prepare, reproduce
from bitlocal.lab.studies.running import methods
from bitlocal.lab.studies.running.cells import Cell
from bitlocal.lab.studies.running.data import encoded_parts, look_at
from bitlocal.lab.studies.running.execute import run_cell
from bitlocal.lab.studies.running.runner import run
from bitlocal.lab.studies.running.store import Store
from bitlocal.splits import hold_out

CELL = Cell(data="digits", method="bmlp", hidden=(45,), encoder="median", epochs=2, seed=1, samples=200)
TIMES = ("seconds", "cell_seconds")


@pytest.fixture
def without_torch(monkeypatch):
    """Let the studies find no PyTorch, whether or not it is installed."""
    find_spec = methods.find_spec
    monkeypatch.setattr(methods, "find_spec", lambda name: None if name == "torch" else find_spec(name))


@pytest.fixture
def without_figures(monkeypatch):
    """Leave the figures out: they take longest."""
    monkeypatch.setattr(figures, "can_draw", lambda: False)


@pytest.fixture(scope="module")
def small_data(tmp_path_factory):
    """Three noisy prototypes of 40 bits, as pixels, with a test split."""
    rng = np.random.default_rng(3)
    prototypes = rng.random((3, 40)) < 0.5

    def draw(n):
        y = rng.integers(0, 3, n)
        return (200 * (prototypes[y] ^ (rng.random((n, 40)) < 0.2)) + rng.integers(0, 50, (n, 40))).astype(np.uint8), y

    X, y = draw(240)
    X_test, y_test = draw(60)
    file = tmp_path_factory.mktemp("data") / "small.npz"
    np.savez(file, X=X, y=y, X_test=X_test, y_test=y_test)
    return file


@pytest.fixture
def command(monkeypatch, capsys):
    """Run the command in this process; gives the exit status, stdout and stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bitlocal", "reproduce", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return call


def without_times(result):
    """Leave out what differs between two runs of the same cell."""
    epochs = [{name: value for name, value in epoch.items() if name != "seconds"} for epoch in result["epochs"]]
    return {**{name: value for name, value in result.items() if name not in TIMES}, "epochs": epochs}


# Work for the processes of `run`: functions of a module, so that another process finds them. --------------------------


def quick_work(cell):
    return {"accuracy": cell.seed / 10, "process": os.getpid()}


def failing_work(cell):
    if cell.seed == 2:
        raise ValueError("no luck\nat all")
    return quick_work(cell)


def dying_work(cell):
    if cell.seed == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return quick_work(cell)


def seeds(n):
    return [replace(CELL, seed=seed) for seed in range(1, n + 1)]


# Cells ----------------------------------------------------------------------------------------------------------------


def test_the_digest_depends_on_everything_that_the_result_depends_on():
    changes = {
        "data": "mnist",
        "source": "0" * 64,
        "target": "label",
        "method": "adam",
        "hidden": (45, 45),
        "encoder": None,
        "inputs": "float",
        "kept_as": "uint8",
        "epochs": 3,
        "seed": 2,
        "settings": (("group_size", 15),),
        "samples": 100,
        "test_samples": 50,
        "part": "validation",
        "classes": (0, 1),
        "record_weights": True,
    }
    assert set(changes) == set(CELL.to_dict())
    digests = {CELL.digest, *(replace(CELL, **{name: value}).digest for name, value in changes.items())}
    assert len(digests) == len(changes) + 1
    assert replace(CELL, seed=1).digest == CELL.digest


def test_a_file_is_known_by_what_it_holds():
    here = replace(CELL, data="here/a.npz", source="1" * 64)
    assert here.digest == replace(here, data="elsewhere/b.npz").digest
    assert here.digest != replace(here, source="2" * 64).digest


def test_settings_are_sorted():
    one, other = CELL.with_settings(robustness=0.1, group_size=5), CELL.with_settings(group_size=5, robustness=0.1)
    assert one == other
    with pytest.raises(ValueError, match="sorted by name"):
        replace(CELL, settings=(("robustness", 0.1), ("group_size", 5)))


# Store ----------------------------------------------------------------------------------------------------------------


def test_a_result_comes_back_and_a_damaged_one_does_not(tmp_path):
    store = Store(tmp_path / "cells")
    assert store.get(CELL) is None
    store.put(CELL, {"accuracy": 0.5})
    result = store.get(CELL)
    assert result is not None
    assert result["accuracy"] == 0.5
    assert result["cell"]["hidden"] == [45]
    assert [path.name for path in store.folder.iterdir()] == [f"{CELL.digest}.json"]
    text = store.path(CELL).read_text()
    for damaged in ("", text[: len(text) // 2], "[]", json.dumps({"digest": "other", "accuracy": 1.0})):
        store.path(CELL).write_text(damaged)
        assert store.get(CELL) is None


def test_an_interrupted_write_leaves_nothing_behind(tmp_path, monkeypatch):
    store = Store(tmp_path)
    store.put(CELL, {"accuracy": 0.5})

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.put(CELL, {"accuracy": 0.7})
    assert store.get(CELL)["accuracy"] == 0.5
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_is_no_folder_of_results(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be a folder"):
        Store(tmp_path / "file" / "cells")


# Processes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failing_cell_does_not_stop_the_others(tmp_path, jobs):
    store, told = Store(tmp_path), []
    failures = run(seeds(4), store, failing_work, jobs=jobs, report=lambda cell, failure: told.append((cell, failure)))
    assert [(failure.cell.seed, failure.reason) for failure in failures] == [(2, "ValueError: no luck at all")]
    assert sorted(cell.seed for cell in seeds(4) if store.get(cell)) == [1, 3, 4]
    assert sorted(cell.seed for cell, _ in told) == [1, 2, 3, 4]
    assert [failure for _, failure in told if failure is not None] == failures


def test_a_process_that_dies_takes_only_its_cell_along(tmp_path):
    store = Store(tmp_path)
    failures = run(seeds(5), store, dying_work, jobs=2, report=lambda *_: None)
    assert [failure.cell.seed for failure in failures] == [2]
    assert "exit status -9" in failures[0].reason
    found = {cell.seed: store.get(cell) for cell in seeds(5)}
    assert [seed for seed, result in found.items() if result is None] == [2]
    assert os.getpid() not in {result["process"] for result in found.values() if result}


def test_processes_get_one_thread_each_and_this_one_keeps_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    run(seeds(2), Store(tmp_path), quick_work, jobs=2, report=lambda *_: None)
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert "MKL_NUM_THREADS" not in os.environ


# Statistics -----------------------------------------------------------------------------------------------------------


def test_summary_worked_by_hand():
    summary = summarise([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])  # squares of the distances from 5 add up to 32
    assert (summary.n, summary.mean) == (8, 5.0)
    assert summary.deviation == pytest.approx(math.sqrt(32 / 7))
    assert summarise([3.0]).deviation is None
    with pytest.raises(ValueError, match="at least one"):
        summarise([])


def test_paired_difference_worked_by_hand():
    # Differences 1, 2, 3: mean 2, deviation 1; Student's t with 2 degrees of freedom has its 97.5 % quantile at 4.3027.
    difference = paired_difference({1: 2.0, 2: 4.0, 3: 6.0, 9: 0.0}, {1: 1.0, 2: 2.0, 3: 3.0, 7: 5.0})
    assert (difference.n, difference.mean) == (3, 2.0)
    assert difference.half_width == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert paired_difference({1: 2.0}, {1: 1.0}).interval is None
    assert paired_difference({1: 2.0}, {2: 1.0}) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12))
def test_paired_difference_is_the_interval_of_a_paired_t_test(pairs):
    first, second = ({seed: pair[i] for seed, pair in enumerate(pairs)} for i in (0, 1))
    difference = paired_difference(first, second)
    differences = np.array([a - b for a, b in pairs])
    deviation = differences.std(ddof=1)
    if deviation < 1e-9:
        assert difference.half_width == pytest.approx(0, abs=1e-8)
        return
    expected = scipy.stats.ttest_rel(list(first.values()), list(second.values())).confidence_interval(0.95)
    assert difference.interval == pytest.approx((expected.low, expected.high), abs=1e-9)


# Data and execution ---------------------------------------------------------------------------------------------------


def test_a_cell_is_the_training_that_it_says():
    cell = CELL.with_settings(group_size=15)
    result = run_cell(cell)
    digits = bitlocal.datasets.load("digits")
    rest, held_out = hold_out(digits.y, 0.2, seed=1)
    _, chosen = hold_out(digits.y[rest], 200 / len(rest), seed=1)
    X, y = digits.X[rest][chosen], digits.y[rest][chosen]
    classifier = BMLPClassifier((45,), group_size=15, max_iter=2, encoder="median", readout="votes", random_state=1)
    classifier.fit(X, y)
    assert result["accuracy"] == classifier.score(digits.X[held_out], digits.y[held_out])
    assert result["train_accuracy"] == classifier.score(X, y)
    assert result["epochs"][-1]["accuracy"] == result["accuracy"]
    assert (result["n_train"], result["n_measured"], len(result["epochs"])) == (200, len(held_out), 2)
    assert result["counts"]["errors"] == [
        sum(round(record.error_share[0] * record.n_samples) for record in classifier.history_)
    ]
    assert result["counts"]["seen"] == 400
    json.dumps(result)


def test_validation_never_sees_the_test_part(small_data):
    cell = Cell(data=str(small_data), method="bmlp", hidden=(15,), encoder="median", epochs=1, seed=0)
    whole, held = encoded_parts(cell), encoded_parts(replace(cell, part="validation"))
    with np.load(small_data) as arrays:
        assert len(whole.y) == len(arrays["y"])
        assert whole.y_test.tolist() == arrays["y_test"].tolist()
        rest, held_out = hold_out(arrays["y"], 0.2, seed=0)
        assert held.y.tolist() == arrays["y"][rest].tolist()
        assert held.y_test.tolist() == arrays["y"][held_out].tolist()


def test_classes_are_cut_and_numbered_again(small_data):
    cell = Cell(data=str(small_data), method="bmlp", hidden=(15,), encoder="median", epochs=1, seed=0, classes=(0, 2))
    with np.load(small_data) as arrays:
        kept = arrays["y"][arrays["y"] != 1]
    assert encoded_parts(cell).y.tolist() == [int(label == 2) for label in kept]


def test_data_that_nothing_can_be_compared_on(tmp_path):
    np.savez(tmp_path / "one.npz", X=np.eye(4), y=np.zeros(4, dtype=int))
    with pytest.raises(DataError, match="two classes"):
        look_at(str(tmp_path / "one.npz"))
    with pytest.raises(ValueError, match="encoder 'nonsense' is unknown"):
        look_at("digits", encoder="nonsense")


def test_weights_are_recorded_from_the_beginning():
    result = run_cell(replace(CELL, record_weights=True).with_settings(group_size=15))
    assert len(result["weights"]) == 3  # before the first epoch, and after each
    n_bits = encoded_parts(CELL).X.n_bits
    for step in result["weights"]:
        assert sum(step[0]["histogram"]) == 45 * n_bits
    begin = BMLPClassifier((45,), group_size=15, max_iter=1, random_state=1)
    begin.fit(pack(np.eye(n_bits, dtype=bool)), np.arange(n_bits) % 10)
    drawn = np.abs(bitlocal.network.BinaryNetwork(begin.network_.spec).hidden_weights(0))
    assert result["weights"][0][0]["percentiles"][3] == int(np.percentile(drawn, 50, method="lower"))


# Planning -------------------------------------------------------------------------------------------------------------


def plan_of(data, results, *, tuned=True):
    return Plan([look_at(data)], quick(2), results.get, tuned=tuned)


def test_tuning_chooses_the_best_on_held_out_samples_and_the_first_of_equals(small_data):
    plan = plan_of(str(small_data), {})
    facts = plan.data[0]
    cell = plan.cell(facts, "bmlp", (1035,), 1)
    assert plan.tune(facts, cell) is None  # nothing has a result: every attempt failed
    (candidates,) = plan.choices
    assert len(candidates) == 9
    assert {candidate.part for candidate in candidates} == {"validation"}
    assert {candidate.seed for candidate in candidates} == {0}
    results = {candidate: {"accuracy": value} for candidate, value in zip(candidates, [0.1, 0.3, 0.3], strict=False)}
    assert plan_of(str(small_data), results).tune(facts, cell).settings == candidates[1].settings
    # Before tuning is over, the first settings stand for those not chosen yet.
    assert plan_of(str(small_data), results, tuned=False).tune(facts, cell).settings == candidates[0].settings


def test_where_seeds_draw_their_test_samples_each_is_tuned_for_itself():
    plan = plan_of("digits", {}, tuned=False)
    facts = plan.data[0]
    for seed in (1, 2):
        plan.tune(facts, plan.cell(facts, "bmlp", (1035,), seed))
    assert [{cell.seed for cell in candidates} for candidates in plan.choices] == [{1}, {2}]


def test_every_method_has_as_many_settings_to_choose_from():
    counts = {len(set(methods.grid(method, (1035,)))) for method in METHODS}
    assert counts == {9}
    assert len(methods.grid("bmlp", (1035, 525))) == 9
    assert methods.grid("bmlp", (1035,)) == methods.grid("single-layer", (1035,))


def test_studies_share_cells(small_data, without_torch):
    plan = Plan([look_at(str(small_data))], full(5), lambda cell: None, tuned=False)
    of_main = {entry.cell for entry in STUDIES["main"].entries(plan)}
    for name in ("single-layer", "errors", "weights"):
        assert {entry.cell for entry in STUDIES[name].entries(plan)} <= of_main


# The whole ------------------------------------------------------------------------------------------------------------


def request_for(data, *studies):
    return Request(studies=studies, data=(str(data),), seeds=2, quick=True)


def whole_run(data, out, *studies, **options):
    request = request_for(data, *studies)
    return reproduce(prepare(request, out), out, **options)


def test_from_nothing_to_a_report(small_data, tmp_path, without_torch):
    pytest.importorskip("matplotlib")
    outcome = whole_run(small_data, tmp_path)
    assert outcome.failures == []
    assert outcome.ran == outcome.cells == len(list((tmp_path / "cells").iterdir()))
    assert any("needs PyTorch" in reason for reason in outcome.left_out)
    tables = {path.stem for path in (tmp_path / "tables").iterdir()}
    pictures = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert set(STUDIES) - {"maps"} <= tables
    assert set(STUDIES) - {"maps", "pareto", "claims"} <= pictures
    kinds = {f"maps-group-robustness-{method}" for method in ("bmlp", "single-layer")}
    assert kinds | {"maps-reinforcement"} <= tables & pictures
    assert {"pareto-memory", "pareto-gates"} <= pictures
    with (tmp_path / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == outcome.cells
    results = json.loads((tmp_path / "results.json").read_text())
    by_digest = {result["digest"]: result for result in results["cells"]}
    assert {row["digest"] for row in rows} == set(by_digest)
    for row in rows:
        assert float(row["accuracy"]) == pytest.approx(by_digest[row["digest"]]["accuracy"], abs=1e-6)


def test_nothing_is_run_twice_but_what_is_half_written(small_data, tmp_path, without_torch):
    outcome = whole_run(small_data, tmp_path, "errors")
    assert outcome.ran == outcome.cells
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert whole_run(small_data, tmp_path, "errors").ran == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before

    torn = sorted((tmp_path / "cells").iterdir())[0]
    whole = json.loads(torn.read_text())
    torn.write_text(torn.read_text()[:100])
    assert whole_run(small_data, tmp_path, "errors").ran == 1
    assert without_times(json.loads(torn.read_text())) == without_times(whole)


def test_the_page_loads_nothing_from_elsewhere(small_data, tmp_path, without_torch):
    whole_run(small_data, tmp_path, "errors", "depth")
    page = (tmp_path / "index.html").read_text()
    assert not re.search(r"<(script|link|iframe|object|embed)\b", page)
    assert "@import" not in page
    assert "url(" not in page
    sources = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)""", page)
    assert sources
    assert all(source.startswith(("data:image/svg+xml;base64,", "#")) for source in sources)
    assert "bitlocal reproduce errors depth --data" in page
    assert "Environment" in page


def test_one_and_two_processes_give_the_same(small_data, tmp_path, without_torch, without_figures):
    for jobs in (1, 2):
        whole_run(small_data, tmp_path / str(jobs), "errors", jobs=jobs)
    ones = {path.name: json.loads(path.read_text()) for path in (tmp_path / "1" / "cells").iterdir()}
    twos = {path.name: json.loads(path.read_text()) for path in (tmp_path / "2" / "cells").iterdir()}
    assert set(ones) == set(twos)
    for name, result in ones.items():
        assert without_times(result) == without_times(twos[name])


def test_an_interruption_keeps_what_was_finished(small_data, tmp_path, without_torch, without_figures):
    count = 0

    def interrupt(progress: Progress) -> None:
        nonlocal count
        count = progress.done
        if progress.done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        whole_run(small_data, tmp_path, "errors", callback=interrupt)
    assert len(list((tmp_path / "cells").iterdir())) == count == 4
    outcome = whole_run(small_data, tmp_path, "errors")
    assert outcome.ran == outcome.cells - 4


def test_ctrl_c_ends_the_processes_too(small_data, tmp_path, without_torch):
    def interrupt(progress: Progress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        whole_run(small_data, tmp_path, "errors", jobs=2, callback=interrupt)
    import multiprocessing

    deadline = time.monotonic() + 30
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert multiprocessing.active_children() == []


def test_a_failed_training_is_told_and_left_out(small_data, tmp_path, without_torch, without_figures):
    def fails_on_seed_2(cell):
        if cell.seed == 2:
            raise MemoryError
        return run_cell(cell)

    outcome = whole_run(small_data, tmp_path, "depth", work=fails_on_seed_2)
    assert {failure.cell.seed for failure in outcome.failures} == {2}
    assert "failed: bmlp 255" in (tmp_path / "index.html").read_text()
    rows = (tmp_path / "tables" / "depth.md").read_text().splitlines()[4:8]
    assert [row.split("|")[7].strip() for row in rows] == ["1"] * 4  # n: the other seed


def test_tables_of_text_and_holes(tmp_path, without_torch, without_figures):
    rng = np.random.default_rng(0)
    lines = ["colour,size,target"]
    for _ in range(80):
        y = int(rng.integers(0, 2))
        size = "" if rng.random() < 0.1 else f"{rng.normal() + 3 * y:.2f}"
        lines.append(f"{'red' if rng.random() < 0.2 + 0.6 * y else 'blue'},{size},{'yes' if y else 'no'}")
    (tmp_path / "table.csv").write_text("\n".join(lines))
    outcome = whole_run(tmp_path / "table.csv", tmp_path / "out", "single-layer", "options")
    assert outcome.failures == []
    assert "two classes: single output" in (tmp_path / "out" / "tables" / "options.md").read_text()


def test_without_matplotlib_tables_are_made_all_the_same(small_data, tmp_path, without_torch, without_figures):
    outcome = whole_run(small_data, tmp_path, "errors")
    assert any("pip install 'bitlocal[studies]'" in reason for reason in outcome.left_out)
    assert (tmp_path / "tables" / "errors.md").is_file()
    assert list((tmp_path / "figures").iterdir()) == []


def test_float_methods(small_data, tmp_path, without_figures):
    pytest.importorskip("torch")
    outcome = whole_run(small_data, tmp_path, "float", "straight-through")
    assert outcome.failures == []
    table = (tmp_path / "tables" / "float.md").read_text()
    for row in ("SGD 1035, numbers", "SGD 1035, bits", "Adam 1035, numbers", "BMLP 1035-525"):
        assert row in table


# The command ----------------------------------------------------------------------------------------------------------


def test_command(small_data, tmp_path, command, without_torch):
    arguments = ("errors", "--data", small_data, "--quick", "--seeds", 1, "--out", tmp_path / "out", "--jobs", 1)
    status, stdout, _ = command(*arguments, "--list")
    assert status == 0
    assert "core-minutes" in stdout
    assert not (tmp_path / "out").exists()
    to_run = int(re.search(r"(\d+) trainings to run", stdout)[1])
    status, stdout, _ = command(*arguments)
    assert status == 0
    assert f"{to_run} run now" in stdout
    assert (tmp_path / "out" / "index.html").is_file()
    assert "0 trainings to run" in command(*arguments, "--list")[1]


def test_command_exit_status_1_if_a_training_failed(small_data, tmp_path, command, without_torch, monkeypatch):
    from bitlocal.lab.studies.running import execute

    def broken(cell):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(execute, "make", broken)
    status, stdout, stderr = command("depth", "--data", small_data, "--quick", "--out", tmp_path, "--jobs", 1)
    assert status == 1
    assert "failed" in stdout
    assert "RuntimeError: broken on purpose" in stderr


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["nonsense"], "there is no table 'nonsense': expected one of main, "),
        (["--data", "nonsense"], "there is no data set 'nonsense'"),
        (["--data", "nowhere.npz"], "nowhere.npz"),
        (["--data", "digits", "--data", "digits"], "the same data twice"),
        (["--data", "digits", "--encoder", "nonsense"], "encoder 'nonsense' is unknown"),
        (["--seeds", "0"], "greater than or equal to 1"),
    ],
)
def test_command_errors(command, arguments, match, tmp_path):
    status, stdout, stderr = command(*arguments, "--out", tmp_path / "out")
    assert (status, stdout, stderr.count("\n")) == (2, "", 1), stderr
    assert stderr.startswith("bitlocal: error: ")
    assert match in stderr
    assert not (tmp_path / "out").exists()


def test_command_whose_folder_is_a_file(command, tmp_path):
    (tmp_path / "out").write_text("")
    status, _, stderr = command("depth", "--data", "digits", "--quick", "--out", tmp_path / "out")
    assert status == 2
    assert "cannot be a folder of results" in stderr


# Writing --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1234.5, "1230"), (0.0123456, "0.0123"), (99999, "100000"), (1.5e13, "1.50·10^13"), (None, "")],
)
def test_three_digits(value, text):
    assert three_digits(value) == text


def test_tables_quote_what_would_break_them():
    table = Table("t", "T", ("a|b",), [("<x> & |",)])
    assert "| <x> & \\| |" in table.markdown()
    assert "&lt;x&gt; &amp; |" in table.html()


def test_figures_are_the_same_each_time():
    pytest.importorskip("matplotlib")
    from bitlocal.lab.studies.reporting.figures import Mark, lines

    drawn = [
        lines("f", "F", {"d": {"s": [Mark(1, 2, 0.1), Mark(2, 3)]}}, x_label="x", y_label="y (%)") for _ in range(2)
    ]
    assert drawn[0] == drawn[1]
    assert b"<dc:date>" not in drawn[0].svg
