"""Measure exported networks on an emulated Cortex-M3, beside a float MLP and what emlearn generates.

    python benchmarks/device.py [--only digits mnist mnist-16kb] [--optimise=-O2] [--learn 3000] [--epochs-on-device 0]

Trains the networks of benchmarks/device/recipes.py anew, then prints a table of sizes and counts of instructions, and
how accurate the MNIST network is before and after it learnt on the device, sample by sample, from nothing. The same C
compiled for this machine goes through the whole training, and has to arrive at the counters that Python has.

Needs the tools that `make test-device` needs, `pip install emlearn` for the comparison with it, and BITLOCAL_DATA for
MNIST. Files go to build/device.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tools"), str(HERE / "device")]

from recipes import RECIPES, Data, Recipe  # noqa: E402
from rivals import Rival, emlearn_forest, emlearn_mlp, float_mlp  # noqa: E402

from bitlocal import BMLPClassifier, export  # noqa: E402
from bitlocal.bits import unpack  # noqa: E402
from bitlocal.network import BinaryNetwork  # noqa: E402
from device.exported import Model, Requests, driver, exported, requests_for, smallest, stack_depth  # noqa: E402
from device.lab import AVR, CORTEX_M3, HOST, RV32, LabError  # noqa: E402

OUT = HERE.parent / "build" / "device"


@dataclass(frozen=True)
class Measured:
    """A row of the table; bytes and instructions. RAM is variables and the deepest stack."""

    name: str
    accuracy: float
    flash: int
    ram: int
    inference: float
    learning_flash: int | None = None
    learning_ram: int | None = None
    learning: float | None = None
    learning_untrained: float | None = None

    def __str__(self) -> str:
        """Give the row in Markdown."""
        counts = [self.flash, self.ram, self.inference]
        counts += [self.learning_flash, self.learning_ram, self.learning, self.learning_untrained]
        cells = ["" if count is None else f"{round(count):,}".replace(",", " ") for count in counts]
        return f"| {self.name} | {self.accuracy:.2%} | " + " | ".join(cells) + " |"


HEAD = (
    "| model | test accuracy | flash to infer | RAM to infer | instructions an inference | flash to learn | RAM to "
    "learn | instructions a learning step | the same, untrained |\n|---|---|---|---|---|---|---|---|---|"
)


def an_inference(model: Model, requests: Requests, X: NDArray[np.uint8], optimise: str) -> float:
    """Give the instructions of an inference, the mean over some samples."""
    text = driver(CORTEX_M3, model, optimise=optimise).run(bytes(requests.samples("i", X)), counted=True)
    return int(text.split()[0]) / len(X)


def a_learning_step(
    model: Model, requests: Requests, X: NDArray[np.uint8], y: NDArray[np.int64], optimise: str
) -> float:
    """Give the instructions of learning from one sample, the mean over whole mini-batches."""
    program = driver(CORTEX_M3, model, learn=True, optimise=optimise)
    return int(program.run(bytes(requests.labelled("j", X, y)), counted=True).split()[0]) / len(X)


def measure(
    name: str, classifier: BMLPClassifier, untrained: BMLPClassifier, data: Data, out: Path, optimise: str
) -> Measured:
    """Measure an exported network, that takes the data as they are; `untrained` is the same before training."""
    folder, start = out / "network", out / "untrained"
    features = None if classifier.encoder_ is None else "uint8"
    export.c(classifier, folder, learn=True, features=features)
    export.c(untrained, start, learn=True, features=features)
    model, requests = exported(folder), requests_for(folder)
    batch = int(classifier.settled()["batch_size"])
    some = slice(-(-200 // batch) * batch)  # whole mini-batches; instructions are counted modulo 2**32
    infers, learns = (smallest(CORTEX_M3, model, learn=learn, optimise=optimise) for learn in (False, True))
    stacks = [
        stack_depth(CORTEX_M3, model, learn=learn, optimise=optimise, batch_size=batch) for learn in (False, True)
    ]
    return Measured(
        name,
        float(classifier.score(data.X_test, data.y_test)),
        infers.flash,
        infers.ram + stacks[0],
        an_inference(model, requests, data.X_test[:200], optimise),
        learns.flash,
        learns.ram + stacks[1],
        a_learning_step(model, requests, data.X[some], data.y[some], optimise),
        a_learning_step(exported(start), requests, data.X[some], data.y[some], optimise),
    )


def alone(recipe: Recipe, data: Data, classifier: BMLPClassifier) -> tuple[BMLPClassifier, BMLPClassifier, Data]:
    """Give the same network without its encoder, trained and not, and the bits that it takes."""
    bits, bits_test = (unpack(classifier.encoder_.pack(X)).astype(np.uint8) for X in (data.X, data.X_test))
    networks = []
    for network in (classifier.network_, BinaryNetwork(classifier.network_.spec)):
        networks.append(recipe.classifier().set_params(encoder=None))
        networks[-1].partial_fit(bits[:100], data.y[:100], classes=classifier.classes_)
        networks[-1].network_ = network
    return networks[0], networks[1], Data(bits, data.y, bits_test, data.y_test)


def elsewhere(recipe: Recipe, data: Data, optimise: str) -> Iterator[str]:
    """Give rows of a table of inference on the other machines of the laboratory."""
    model = exported(OUT / recipe.name / "network")
    requests = bytes(requests_for(model.out).samples("i", data.X_test[:20]))
    for target in (RV32, AVR):
        missing = target.missing()
        if missing:
            print(missing, file=sys.stderr)
            continue
        try:
            program = smallest(target, model, optimise=optimise)
        except LabError as error:
            print(f"{target.name}: {str(error).splitlines()[-1]}", file=sys.stderr)
            continue
        ram = program.ram + stack_depth(target, model, optimise=optimise)
        if target.input_is_compiled_in:
            text = driver(target, model, optimise=optimise, requests=requests).run()
        else:
            text = driver(target, model, optimise=optimise).run(requests, counted=True)
        unit = "cycles" if target is AVR else "instructions"
        yield f"| {target.name} | {program.flash} | {ram} | {int(text.split()[0]) // 20} {unit} |"


def measure_rival(rival: Rival, y_test: NDArray[np.int64], folder: Path, optimise: str) -> Measured:
    """Measure a model of somebody else's kind; its accuracy on the device is that of what it was made from."""
    model = Model(rival.sources, rival.include, folder, rival.libraries)
    requests = Requests(np.dtype(np.uint8))
    right = driver(CORTEX_M3, model, optimise=optimise).run(
        bytes(requests.labelled("a", rival.X_test[:300], y_test[:300]))
    )
    infers = smallest(CORTEX_M3, model, optimise=optimise)
    measured = {
        "name": rival.name,
        "accuracy": rival.accuracy,
        "flash": infers.flash,
        "ram": infers.ram + stack_depth(CORTEX_M3, model, optimise=optimise),
        "inference": an_inference(model, requests, rival.X_test[:20], optimise),
    }
    agreement = int(right.split()[0]) / 300
    if abs(agreement - rival.accuracy) > 0.05:
        print(f"{rival.name}: {agreement:.2%} on the device, {rival.accuracy:.2%} in Python", file=sys.stderr)
    if rival.learns:
        learns = smallest(CORTEX_M3, model, learn=True, optimise=optimise)
        measured["learning_flash"] = learns.flash
        measured["learning_ram"] = learns.ram + stack_depth(CORTEX_M3, model, learn=True, optimise=optimise)
        measured["learning"] = a_learning_step(model, requests, rival.X_test[:20], y_test[:20], optimise)
    return Measured(**measured)


def shape(classifier: BMLPClassifier) -> str:
    """Say how wide the layers are."""
    spec = classifier.network_.spec
    return "–".join(map(str, (*spec.layer_sizes, spec.n_classes)))


def rivals(recipe: Recipe, data: Data, classifier: BMLPClassifier) -> Iterator[Rival]:
    """Train what the network is compared with."""
    folder = OUT / recipe.name
    bits = alone(recipe, data, classifier)[2]
    hidden = classifier.network_.spec.blocks[0].n_neurons
    pixels, epochs = data.X.shape[1], 8 if len(data.X) > 10000 else 60
    scale = 1 / float(data.X.max())
    name = f"float MLP of that shape, on the same bits, {bits.X.shape[1]}–{hidden}–10"
    yield float_mlp(
        name, hidden, bits.X, bits.y, bits.X_test, bits.y_test, folder / "float-bits", epochs=epochs, scale=1
    )
    name = f"float MLP on pixels, {pixels}–{hidden}–10"
    yield float_mlp(
        name, hidden, data.X, data.y, data.X_test, data.y_test, folder / "float-pixels", epochs=epochs, scale=scale
    )
    if importlib.util.find_spec("emlearn") is None:
        print("no emlearn: pip install emlearn, to compare with it", file=sys.stderr)
        return
    small = 14 if pixels < 100 else 24
    yield emlearn_mlp(
        f"emlearn, float MLP on pixels, {pixels}–{small}–10",
        small,
        data.X,
        data.y,
        data.X_test,
        data.y_test,
        folder / "emlearn-mlp",
        epochs=epochs * 2,
        scale=scale,
    )
    trees, leaves = (9, None) if pixels < 100 else (12, 2000)
    yield emlearn_forest(
        f"emlearn, random forest on pixels, {trees} trees" + (f" of {leaves} leaves" if leaves else ""),
        trees,
        data.X,
        data.y,
        data.X_test,
        data.y_test,
        folder / "emlearn-forest",
        max_leaf_nodes=leaves,
    )


def learn_there(recipe: Recipe, data: Data, n: int, epochs_on_device: int) -> None:
    """Learn from nothing, on the emulated device and by the same C here, and print the accuracy as it goes."""
    folder = OUT / recipe.name / "untrained"
    classifier = recipe.untrained(data)
    export.c(classifier, folder, learn=True, features="uint8")
    begin, model = requests_for(folder), exported(folder)
    device, here = driver(CORTEX_M3, model, learn=True), driver(HOST, model, learn=True)
    first = next(recipe.orders(len(data.y)))[:n]
    test = (data.X_test[:1000], data.y_test[:1000])
    before, _, _, after, blob = device.run(
        bytes(
            begin.labelled("e", *test)
            .labelled("l", data.X[first], data.y[first])
            .plain("f")
            .labelled("e", *test)
            .plain("s")
        )
    ).splitlines()
    same = bytes.fromhex(blob) == export.write_state(recipe.untrained(data).partial_fit(data.X[first], data.y[first]))
    print(f"{recipe.name} on the emulated Cortex-M3, test images right: {before} untrained,")
    print(f"  {after} after learning from {len(first)} samples there; counters {'as' if same else 'NOT as'} Python's")

    state = export.write_state(classifier)
    for epoch, order in enumerate(recipe.orders(len(data.y))):
        machine, program = ("Cortex-M3", device) if epoch < epochs_on_device else ("host", here)
        requests = begin.load(state).labelled("l", data.X[order], data.y[order]).plain("f").plain("s")
        state = bytes.fromhex(program.run(bytes(requests), timeout=3600).splitlines()[-1])
        classifier.partial_fit(data.X[order], data.y[order])
        same = state == export.write_state(classifier)
        accuracy = classifier.score(data.X_test, data.y_test)
        print(
            f"  pass {epoch + 1} in C on the {machine}: test accuracy {accuracy:.2%}; "
            f"counters {'as' if same else 'NOT as'} Python's",
            flush=True,
        )
    right = device.run(bytes(begin.load(state).labelled("e", data.X_test, data.y_test)), timeout=3600).splitlines()[-1]
    print(f"  then, on the emulated Cortex-M3: {right}")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [recipe.name.lower() for recipe in RECIPES]
    parser.add_argument("--only", nargs="*", choices=names, default=names, help="networks")
    parser.add_argument("--optimise", default="-O2", help="as in --optimise=-Os")
    parser.add_argument("--learn", type=int, default=3000, help="samples of MNIST to learn from under emulation")
    parser.add_argument("--epochs-on-device", type=int, default=0, help="whole passes under emulation (minutes each)")
    parser.add_argument("--no-rivals", action="store_true", help="leave out what networks are compared with")
    arguments = parser.parse_args()
    missing = CORTEX_M3.missing()
    if missing:
        sys.exit(missing)
    print(f"Cortex-M3, GCC {arguments.optimise}; bytes, instructions")
    for recipe in RECIPES:
        if recipe.name.lower() not in arguments.only:
            continue
        data = recipe.load()
        classifier = recipe.train(data)
        print(f"\n{recipe.name}: {recipe.in_words}\n\n{HEAD}")
        rows = []
        for name, *of in (
            (f"bitlocal, {shape(classifier)}", classifier, recipe.untrained(data), data, OUT / recipe.name),
            ("its network alone, from bits on", *alone(recipe, data, classifier), OUT / recipe.name / "alone"),
        ):
            rows.append(measure(name, *of, arguments.optimise))
            print(rows[-1], flush=True)
        for rival in () if arguments.no_rivals else rivals(recipe, data, classifier):
            folder = OUT / recipe.name / rival.name.replace(" ", "-").replace(",", "")
            rows.append(measure_rival(rival, data.y_test, folder, arguments.optimise))
            print(rows[-1], flush=True)
        print()
        for row in rows[2:]:
            print(f"{row.name}, in instructions:")
            for ours in rows[:2]:
                times = f"  {row.inference / ours.inference:.3g} times those of {ours.name}, to infer"
                if row.learning is not None and ours.learning is not None:
                    times += f"; {row.learning / ours.learning:.3g} times, to learn"
                print(times)
        print(f"\nTo infer elsewhere, {rows[0].name}:\n\n| machine | flash | RAM | an inference |\n|---|---|---|---|")
        for line in elsewhere(recipe, data, arguments.optimise):
            print(line, flush=True)
        if recipe.stream:
            print()
            learn_there(recipe, data, arguments.learn, arguments.epochs_on_device)


if __name__ == "__main__":
    main()
