"""Exported networks on emulated microcontrollers: what they predict and learn there is what Python does, to the bit.

`make test-device` runs these, with all cross compilers and emulators; pytest alone skips those that lack theirs.
"""

from __future__ import annotations

import copy
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from bitlocal import BMLPClassifier, ImageEncoder, ThermometerEncoder, export
from device.exported import Model, Requests, answers, driver, exported, requests_for, smallest
from device.lab import AVR, CORTEX_M3, HOST, RV32, TARGETS, LabError, Target, build, section_sizes
from exported import logits_of

pytestmark = pytest.mark.device

ROOT = Path(__file__).resolve().parents[1]
_DIGITS = load_digits()
PIXELS = _DIGITS.data.astype(np.uint8)
LABELS = _DIGITS.target


def need(target: Target) -> None:
    missing = target.missing()
    if missing and os.environ.get("BITLOCAL_ALL_DEVICES"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


@pytest.fixture(params=TARGETS, ids=lambda target: target.name)
def target(request):
    need(request.param)
    return request.param


# ----------------------------------------------------------------------------------------------------
# The laboratory itself
# ----------------------------------------------------------------------------------------------------


def test_instructions_and_stack_are_counted(target, tmp_path):
    once, twice, shallow, deep = map(int, build(target, ["loop.c"], tmp_path, optimise="-Os").run(counted=True).split())
    # 100 000 turns of two instructions, or six cycles on AVR, where the timer's interrupt costs some more.
    turn = 6 if target is AVR else 2
    # The counter's resolution, and the instructions around the loops.
    slack = 0.001 * 100_000 * turn + 40
    assert abs(once - 100_000 * turn) <= slack
    assert abs(twice - 200_000 * turn) <= slack + (0.001 * 100_000 * turn if target is AVR else 0)
    # Between the two, a function with an array of 200 bytes was called.
    assert 0 <= shallow <= 64
    assert 200 <= deep + 24 <= 264


def test_sizes_are_those_of_the_sections(target, tmp_path):
    source = tmp_path / "sizes.c"
    source.write_text(
        '#include "board.h"\nvolatile uint8_t zeros[1000];\nvolatile uint8_t ones[500] = {1};\n'
        "static const volatile uint8_t unused[3000] = {1};\n"
        "int main(void) { zeros[0] = ones[0]; board_exit(0); }\n"
    )
    program = build(target, [source], tmp_path / "with", optimise="-Os")
    source.write_text('#include "board.h"\nint main(void) { board_exit(0); }\n')
    empty = build(target, [source], tmp_path / "without", optimise="-Os")
    assert 1500 <= program.ram - empty.ram <= 1508
    assert 500 <= program.flash - empty.flash <= 560
    assert set(section_sizes(target, program.elf)) >= {".text", ".data", ".bss"}


def test_a_program_that_fails_is_noticed(target, tmp_path):
    source = tmp_path / "fails.c"
    source.write_text('#include "board.h"\nint main(void) { board_text("so far"); board_exit(9); }\n')
    with pytest.raises(LabError, match="ended with 9; it wrote 'so far"):
        build(target, [source], tmp_path).run()
    source.write_text("int main(void) { return nothing; }\n")
    with pytest.raises(LabError, match="'nothing' undeclared"):
        build(target, [source], tmp_path)


def test_missing_tools_are_named():
    target = Target("none", "no-such-", (), (), "board_host.c", ("no-such-emulator",), "some-package")
    missing = target.missing()
    assert missing is not None
    assert "no-such-gcc, no-such-size, no-such-emulator" in missing
    assert "apt-get install some-package" in missing


# ----------------------------------------------------------------------------------------------------
# Inference
# ----------------------------------------------------------------------------------------------------

# Odd widths, one to three layers, encoders of whole numbers; trained a little, so that logits differ.
MODELS = {
    "1 layer": {"hidden_layer_sizes": (77,), "group_size": 11, "encoder": "thermometer5"},
    "2 layers": {"hidden_layer_sizes": (45, 35), "group_size": 5, "encoder": "thermometer3"},
    "3 layers": {"hidden_layer_sizes": (63, 33, 9), "group_size": 3, "encoder": "median"},
    "edges": {"hidden_layer_sizes": (50,), "group_size": 10, "encoder": ImageEncoder("hog2", shape=(8, 8))},
    "pairs": {
        "hidden_layer_sizes": (33,),
        "group_size": 3,
        "encoder": ImageEncoder("thermometer1+pairs100+gradient8", shape=(8, 8)),
    },
    "words": {"hidden_layer_sizes": (40,), "group_size": 10, "encoder": ImageEncoder("words20/3/2", shape=(8, 8))},
    "even": {"hidden_layer_sizes": (65,), "group_size": 13, "encoder": ThermometerEncoder(4, strategy="uniform")},
    "bits": {"hidden_layer_sizes": (40, 30), "group_size": 10, "encoder": None},
    "learned readout": {"hidden_layer_sizes": (45,), "group_size": 5, "encoder": "median", "readout": "learned"},
}


def trained(**parameters) -> tuple[BMLPClassifier, np.ndarray]:
    """A classifier trained on some of the digits, and all the digits as it takes them."""
    X = (PIXELS > 7).astype(np.uint8) if parameters["encoder"] is None else PIXELS
    settings = {"hidden_clip": 255, "batch_size": 10, "max_iter": 3, "random_state": 1} | parameters
    return BMLPClassifier(**settings).fit(X[1000:], LABELS[1000:]), X


@pytest.mark.parametrize("name", MODELS)
def test_inference_is_that_of_python(name, tmp_path):
    need(CORTEX_M3)
    classifier, X = trained(**MODELS[name])
    export.c(classifier, tmp_path)
    requests = requests_for(tmp_path).samples("p", X[:1000])
    classes, logits = answers(driver(CORTEX_M3, exported(tmp_path)).run(bytes(requests)))
    assert np.array_equal(logits, logits_of(classifier, X[:1000]))
    assert np.array_equal(classifier.classes_[classes], classifier.predict(X[:1000]))
    assert len(np.unique(classes)) == 10


@pytest.mark.parametrize("name", ["2 layers", "edges", "words"])
def test_inference_on_risc_v(name, tmp_path):
    need(RV32)
    classifier, X = trained(**MODELS[name])
    export.c(classifier, tmp_path)
    requests = requests_for(tmp_path).samples("p", X[:300])
    classes, logits = answers(driver(RV32, exported(tmp_path)).run(bytes(requests)))
    assert np.array_equal(logits, logits_of(classifier, X[:300]))
    assert np.array_equal(classifier.classes_[classes], classifier.predict(X[:300]))


SMALL = {"hidden_layer_sizes": (21,), "group_size": 7, "encoder": "median", "hidden_clip": 15}


@pytest.mark.parametrize("readout", ["votes", "learned"])
def test_inference_on_avr(readout, tmp_path):
    need(AVR)
    classifier, X = trained(**SMALL, readout=readout)
    export.c(classifier, tmp_path)
    requests = requests_for(tmp_path).samples("p", X[:200])
    classes, logits = answers(driver(AVR, exported(tmp_path), requests=bytes(requests)).run())
    assert np.array_equal(logits, logits_of(classifier, X[:200]))
    assert np.array_equal(classifier.classes_[classes], classifier.predict(X[:200]))


@pytest.mark.parametrize("optimise", ["-Os", "-O3"])
def test_other_optimisations_change_nothing(optimise, tmp_path):
    need(CORTEX_M3)
    classifier, X = trained(**MODELS["2 layers"])
    export.c(classifier, tmp_path, learn=True)
    requests = requests_for(tmp_path).samples("p", X[:50]).labelled("l", X[50:150], LABELS[50:150]).samples("c", X[:50])
    program = driver(CORTEX_M3, exported(tmp_path), learn=True, optimise=optimise)
    lines = program.run(bytes(requests)).splitlines()
    assert np.array_equal(answers("\n".join(lines[:50]))[1], logits_of(classifier, X[:50]))
    classifier.partial_fit(X[50:150], LABELS[50:150])
    assert np.array_equal(answers("\n".join(lines[51:]))[1], logits_of(classifier, X[:50]))


# ----------------------------------------------------------------------------------------------------
# Learning
# ----------------------------------------------------------------------------------------------------


def assert_same_network(one: BMLPClassifier, other: BMLPClassifier) -> None:
    assert one.network_.state.step == other.network_.state.step
    for layer in range(one.network_.n_layers):
        assert np.array_equal(one.network_.counters(layer), other.network_.counters(layer))
    assert one.network_.readout_sha256() == other.network_.readout_sha256()


@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize(
    "parameters",
    [
        {**MODELS["1 layer"], "hidden_clip": 15},
        {**MODELS["2 layers"], "hidden_clip": 255, "reinforcement": 0.5},
        {**MODELS["bits"], "hidden_clip": None},
        {**MODELS["edges"], "hidden_clip": 63, "reinforcement": 0},
        {**MODELS["learned readout"], "hidden_clip": 15},
    ],
    ids=["4 bits", "2 layers, 8 bits", "2 layers, 16 bits", "edges, 6 bits, no reinforcement", "learned readout"],
)
def test_learning_is_that_of_python(parameters, batch_size, tmp_path):
    need(CORTEX_M3)
    classifier, X = trained(**parameters, batch_size=batch_size)
    export.c(classifier, tmp_path, learn=True)
    requests = (
        requests_for(tmp_path).labelled("l", X[:500], LABELS[:500]).plain("f").plain("s").samples("c", X[500:600])
    )
    before = copy.deepcopy(classifier)
    _, _, blob, *rest = driver(CORTEX_M3, exported(tmp_path), learn=True).run(bytes(requests)).splitlines()
    classifier.partial_fit(X[:500], LABELS[:500])
    assert_same_network(export.read_state(bytes.fromhex(blob), before), classifier)
    assert bytes.fromhex(blob) == export.write_state(classifier)
    assert np.array_equal(answers("\n".join(rest))[1], logits_of(classifier, X[500:600]))
    # Learning happened at all.
    assert not np.array_equal(before.network_.counters(0), classifier.network_.counters(0))


def test_a_state_travels_both_ways(tmp_path):
    need(CORTEX_M3)
    classifier, X = trained(**MODELS["2 layers"], batch_size=4)
    export.c(classifier, tmp_path, learn=True)
    program = driver(CORTEX_M3, exported(tmp_path), learn=True)
    begin = requests_for(tmp_path)

    there = begin.labelled("l", X[:100], LABELS[:100]).plain("s")
    blob = bytes.fromhex(program.run(bytes(there)).splitlines()[-1])
    here = export.read_state(blob, classifier)
    here.partial_fit(X[100:200], LABELS[100:200])
    back = begin.load(export.write_state(here)).labelled("l", X[200:300], LABELS[200:300]).plain("s")
    blob = bytes.fromhex(program.run(bytes(back)).splitlines()[-1])
    assert blob == export.write_state(classifier.partial_fit(X[:300], LABELS[:300]))


def test_a_damaged_state_is_refused_and_changes_nothing(tmp_path):
    need(CORTEX_M3)
    classifier, X = trained(**MODELS["1 layer"])
    export.c(classifier, tmp_path, learn=True)
    good = export.write_state(copy.deepcopy(classifier).partial_fit(X[:50], LABELS[:50]))
    requests = requests_for(tmp_path).plain("s")
    damaged = [
        good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :] for at in (0, 5, 12, 40, len(good) // 2, len(good) - 1)
    ]
    for blob in damaged:
        requests = requests.load(blob)
    before, *refused, after = (
        driver(CORTEX_M3, exported(tmp_path), learn=True).run(bytes(requests.plain("s"))).splitlines()
    )
    assert len(refused) == len(damaged)
    assert all(int(code) < 0 for code in refused)
    assert before == after


def test_learning_on_risc_v(tmp_path):
    need(RV32)
    classifier, X = trained(**MODELS["2 layers"], batch_size=8)
    export.c(classifier, tmp_path, learn=True)
    requests = requests_for(tmp_path).labelled("l", X[:100], LABELS[:100]).plain("f").plain("s")
    blob = driver(RV32, exported(tmp_path), learn=True).run(bytes(requests)).splitlines()[-1]
    assert bytes.fromhex(blob) == export.write_state(classifier.partial_fit(X[:100], LABELS[:100]))


@pytest.mark.parametrize("readout", ["votes", "learned"])
def test_learning_on_avr(readout, tmp_path):
    need(AVR)
    classifier, X = trained(**SMALL, batch_size=4, readout=readout)
    export.c(classifier, tmp_path, learn=True)
    requests = requests_for(tmp_path).labelled("l", X[:50], LABELS[:50]).plain("f").plain("s")
    blob = driver(AVR, exported(tmp_path), learn=True, requests=bytes(requests)).run().splitlines()[-1]
    assert bytes.fromhex(blob) == export.write_state(classifier.partial_fit(X[:50], LABELS[:50]))


# ----------------------------------------------------------------------------------------------------
# What gets linked
# ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("learn", [False, True])
def test_no_floating_point_and_no_heap_are_linked(target, learn, tmp_path):
    classifier, _ = trained(**SMALL, batch_size=4)
    export.c(classifier, tmp_path, learn=learn)
    program = smallest(target, exported(tmp_path), learn=learn)
    listing = subprocess.run(
        [f"{target.prefix}nm", str(program.elf)], capture_output=True, text=True, check=True
    ).stdout
    names = {line.split()[-1] for line in listing.splitlines()}
    assert "bmlp_learn" in names if learn else "bmlp_predict" in names
    soft_float = ("__aeabi_f", "__aeabi_d", "__aeabi_i2f", "__addsf", "__mulsf", "__divsf", "__adddf", "__muldf")
    assert not [name for name in names if name.startswith(soft_float) or name in ("malloc", "free", "printf")]


def test_the_same_program_runs_here(tmp_path):
    need(HOST)
    classifier, X = trained(**MODELS["1 layer"])
    export.c(classifier, tmp_path)
    requests = requests_for(tmp_path).labelled("a", X[:1000], LABELS[:1000])
    correct = int(np.sum(classifier.predict(X[:1000]) == LABELS[:1000]))
    assert driver(HOST, exported(tmp_path)).run(bytes(requests)) == f"{correct} of 1000\n"


def test_folder_of_the_laboratory_is_complete():
    folder = ROOT / "tools" / "device"
    assert {target.board for target in TARGETS} <= {path.name for path in folder.iterdir()}


# ----------------------------------------------------------------------------------------------------
# The example, and what the benchmark compares with
# ----------------------------------------------------------------------------------------------------


def test_the_example_learns_on_the_device():
    need(CORTEX_M3)
    run = [sys.executable, str(ROOT / "examples" / "device" / "run.py")]
    text = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    upright, before, *passes, python = (int(right) for right in re.findall(r"(\d+) of 300 right", text))
    assert upright > 0.9 * 300
    assert before < 0.3 * 300
    assert before < passes[0] < passes[-1]
    assert passes[-1] > 0.85 * 300
    assert passes[-1] == python


def test_the_float_network_learns_as_in_numpy(tmp_path):
    """The benchmark's float MLP is a real one: its steps are those of stochastic gradient descent."""
    need(HOST)
    rng = np.random.default_rng(0)
    n_features, n_hidden, n_classes, rate, scale = 64, 9, 10, 0.01, 1 / 16
    w1, w2 = rng.normal(0, 0.3, (n_hidden, n_features)), rng.normal(0, 0.3, (n_classes, n_hidden))
    b1, b2 = rng.normal(0, 0.3, n_hidden), rng.normal(0, 0.3, n_classes)

    def table(values: np.ndarray) -> str:
        return ", ".join("{" + table(v) + "}" if v.ndim else f"{v:.9e}f" for v in values)

    (tmp_path / "weights.h").write_text(
        f"#ifndef WEIGHTS_H\n#define WEIGHTS_H\n#define BMLP_N_FEATURES {n_features}\n"
        f"#define BMLP_N_CLASSES {n_classes}\n"
        f"#define N_HIDDEN {n_hidden}\n#define LEARNING_RATE {rate}f\n#define FEATURE_TYPE uint8_t\n"
        f"#define INPUT_SCALE {scale}f\n#endif\n#ifdef DEFINE_WEIGHTS\n"
        f"static const float hidden_weights[{n_hidden}][{n_features}] = {{{table(w1)}}};\n"
        f"static const float hidden_biases[] = {{{table(b1)}}};\n"
        f"static const float output_weights[{n_classes}][{n_hidden}] = {{{table(w2)}}};\n"
        f"static const float output_biases[] = {{{table(b2)}}};\n#endif\n"
    )
    mlp = ROOT / "benchmarks" / "device" / "float_mlp"
    model = Model((mlp / "float_mlp.c",), (mlp, tmp_path), tmp_path, ("-lm",))
    requests = Requests(np.dtype(np.uint8)).labelled("l", PIXELS[:100], LABELS[:100]).samples("c", PIXELS[:200])
    text = driver(HOST, model, learn=True).run(bytes(requests))
    _, logits = answers(text.split("\n", 1)[1])

    X = PIXELS * scale
    for x, label in zip(X[:100], LABELS[:100], strict=True):
        z = w1 @ x + b1
        hidden = np.maximum(z, 0)
        o = w2 @ hidden + b2
        error = np.exp(o - o.max())
        error = error / error.sum() - np.eye(n_classes)[label]
        back = (w2.T @ error) * (z > 0)
        w2 -= rate * np.outer(error, hidden)
        b2 -= rate * error
        w1 -= rate * np.outer(back, x)
        b1 -= rate * back
    expected = np.maximum(X[:200] @ w1.T + b1, 0) @ w2.T + b2
    assert np.abs(logits / 2**16 - expected).max() < 1e-3
