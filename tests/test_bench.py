"""`bitlocal bench` gives every figure, with sane values; how fast the machine is, no test decides."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bitlocal import _core
from bitlocal.lab import bench

COMMAND = str(Path(sys.executable).with_name("bitlocal"))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    file = tmp_path_factory.mktemp("bench") / "results.json"
    command = [COMMAND, "bench", "--quick", "--threads", "3", "--out", str(file), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert run.stderr == ""
    assert file.read_text() == run.stdout
    return json.loads(run.stdout)


def check_spread(spread):
    assert set(spread) == {"median", "q1", "q3"}
    assert all(math.isfinite(value) and value > 0 for value in spread.values())
    assert spread["q1"] <= spread["median"] <= spread["q3"]


def test_machine(results):
    assert set(results) == set(bench.Results.__dataclass_fields__)
    assert set(results["machine"]) == set(bench.Machine.__dataclass_fields__)
    assert all(results["machine"].values())
    assert results["machine"]["isa"] == _core.instruction_set()


def test_peaks_and_forward(results):
    peaks = {peak["isa"]: peak["tbit_per_s"] for peak in results["peaks"]}
    assert set(peaks) == {name for name, supported in _core.instruction_sets() if supported}
    shapes = [(entry["n_inputs"], entry["n_neurons"]) for entry in results["forward"]]
    assert shapes == list(bench.QUICK.shapes)
    for spread in peaks.values():
        check_spread(spread)
    for entry in results["forward"]:
        check_spread(entry["tbit_per_s"])
        check_spread(entry["share_of_peak"])


def test_training(results):
    training = results["training"]
    assert training["layer_sizes"] == [784, 1035, 10]
    assert training["n_samples"] == bench.QUICK.n_samples
    assert set(training["phase_seconds"]) == {"forward", "error_signal", "choice", "update", "reinforcement"}
    for spread in training["phase_seconds"].values():
        check_spread(spread)
    for name in ("seconds", "samples_per_s", "forward_seconds", "times_forward"):
        check_spread(training[name])
    assert training["times_forward"]["q3"] > 1  # it holds the same forward passes


def test_prediction(results):
    assert set(results["prediction"]) == set(bench.Prediction.__dataclass_fields__)
    for spread in results["prediction"].values():
        check_spread(spread)


def test_threads(results):
    assert [entry["threads"] for entry in results["threads"]] == [1, 2, 3]
    assert len({entry["hidden_sha256"] for entry in results["threads"]}) == 1
    assert results["same_hidden_sha256"] is True
    for entry in results["threads"]:
        for name in ("epoch_seconds", "epoch_speedup", "forward_speedup", "peak_speedup"):
            check_spread(entry[name])


def test_for_people():
    run = subprocess.run([COMMAND, "bench", "--quick", "--threads", "1"], capture_output=True, text=True, check=True)
    for text in ("instruction set", "forward 784×1035", "reinforcement", "one sample", "hidden_sha256", "bit for bit"):
        assert text in run.stdout


def test_phases_add_up():
    """Every thread's phases cover its time, and timing changes nothing."""
    settings = bench.Settings(n_samples=500, layer_sizes=(70, 90), synthetic=True)
    data = bench.load_data(settings)
    plain, timed = bench._Run(settings, data, 2), bench._Run(settings, data, 2)
    for _ in range(2):
        plain.epoch()
        timed.timed_epoch()
    assert timed.network.hidden_sha256() == plain.network.hidden_sha256()
    assert timed.network.state == plain.network.state
    assert all((times > 0).all() for times in timed.phases)


def test_turns_are_interleaved():
    calls = []
    seconds = bench.in_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3)
    assert calls == ["a", "b"] * 3
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 3}


def test_spread():
    assert bench.Spread.of(np.array([4.0, 1.0, 2.0, 3.0, 100.0])) == bench.Spread(3.0, 2.0, 4.0)


def test_random_rows_keep_the_padding_zero():
    rows = bench.random_rows(np.random.default_rng(0), 50, 70)
    assert rows.shape == (50, 2)
    assert (rows[:, 1] >> np.uint64(6) == 0).all()
    assert (rows[:, 1] != 0).any()
