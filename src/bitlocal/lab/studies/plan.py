"""From studies to cells: which trainings they need, what settings were chosen for them, how long they will take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from bitlocal.lab.methods import LOCAL, METHODS
from bitlocal.lab.studies.running.cells import Cell, Setting, Settings
from bitlocal.lab.studies.running.data import Facts
from bitlocal.lab.studies.running.methods import grid, missing
from bitlocal.lab.studies.running.store import Result

TUNING_SEED = 0
BATCH_SIZE = 100  # every method's
MOST_EPOCHS = 200  # that few samples are presented for


@dataclass(frozen=True)
class Scale:
    """How much a comparison trains.

    Attributes
    ----------
    seeds : tuple of int
        Seeds of the main table; studies of many settings use the first few.
    few : int
        How many seeds the studies of many settings use.
    samples, test_samples : int or None
        How many samples to use at most.
    epochs : dict of str to int
        Of the main table, by method.
    least_batches : int
        Small data are presented for more epochs, until there are as many mini-batches.
    tuning_samples, tuning_epochs
        Of the trainings that choose the settings; epochs by method.
    depth_epochs, map_epochs, option_epochs, map_samples, map_seeds
        Of the studies of these names.
    widths, depths, groups, robustness, reinforcement
        What these studies vary.
    """

    seeds: tuple[int, ...]
    few: int = 3
    samples: int | None = None
    test_samples: int | None = None
    epochs: dict[str, int] = field(
        default_factory=lambda: {"bmlp": 20, "single-layer": 20, "sgd": 8, "adam": 8, "straight-through": 8}
    )
    least_batches: int = 400
    tuning_samples: int = 10000
    tuning_epochs: dict[str, int] = field(
        default_factory=lambda: {"bmlp": 10, "single-layer": 10, "sgd": 3, "adam": 3, "straight-through": 3}
    )
    depth_epochs: int = 10
    option_epochs: int = 10
    map_samples: int = 20000
    map_epochs: int = 8
    map_seeds: int = 2
    widths: tuple[int, ...] = (255, 525, 1035)
    depths: tuple[int, ...] = (1, 2, 3)
    groups: tuple[int, ...] = (5, 15, 45, 115, 345)
    robustness: tuple[float, ...] = (0.0, 0.1, 0.25, 0.5)
    reinforcement: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def full(seeds: int) -> Scale:
    """Give the scale at which results are to be quoted."""
    return Scale(tuple(range(1, seeds + 1)))


def quick(seeds: int) -> Scale:
    """Give a scale for a first look: few samples, few epochs, two seeds at most."""
    return Scale(
        tuple(range(1, min(seeds, 2) + 1)),
        few=2,
        samples=2000,
        test_samples=1000,
        epochs=dict.fromkeys(METHODS, 4),
        least_batches=20,
        tuning_samples=1000,
        tuning_epochs=dict.fromkeys(METHODS, 2),
        depth_epochs=3,
        option_epochs=3,
        map_samples=1000,
        map_epochs=3,
        map_seeds=1,
        widths=(255, 525),
        depths=(1, 2),
        groups=(5, 15, 45),
        robustness=(0.1, 0.25, 0.5),
        reinforcement=(0.0, 0.5, 2.0, 8.0),
    )


@dataclass(frozen=True)
class Entry:
    """A cell's place in a study.

    Attributes
    ----------
    cell : Cell
        The training.
    facts : Facts
        Its data.
    row : str
        What is compared, in words: rows of tables and series of figures.
    x, y : number or None
        Places on the axes, in studies that vary numbers.
    """

    cell: Cell
    facts: Facts
    row: str
    x: Setting | None = None
    y: Setting | None = None


@dataclass(frozen=True)
class Run:
    """An entry with its result."""

    entry: Entry
    result: Result

    @property
    def cell(self) -> Cell:
        """The entry's cell."""
        return self.entry.cell


@dataclass(frozen=True)
class Choice:
    """Settings that were tried, cell by cell, and the accuracies on the validation part, where they are known."""

    facts: Facts
    candidates: tuple[Cell, ...]
    accuracies: tuple[float | None, ...]

    @property
    def settings(self) -> Settings | None:
        """The best settings; the first of equally good ones, and None if there is no result."""
        known = [accuracy for accuracy in self.accuracies if accuracy is not None]
        return self.candidates[self.accuracies.index(max(known))].settings if known else None


class Plan:
    """Makes cells for studies, and keeps in mind what was left out and why.

    Parameters
    ----------
    data : sequence of Facts
        Data sets.
    scale : Scale
        How much to train.
    lookup : callable
        Gives the result of a cell, or None.
    tuned : bool
        Whether tuning is over. Before that, the first settings stand for those that are not chosen yet.

    Attributes
    ----------
    choices : dict
        What was tuned.
    left_out : dict
        Reasons why something is left out, as keys, in the order in which they came up.
    """

    def __init__(
        self, data: Sequence[Facts], scale: Scale, lookup: Callable[[Cell], Result | None], *, tuned: bool
    ) -> None:
        self.data, self.scale, self.lookup, self.tuned = data, scale, lookup, tuned
        self.choices: dict[tuple[Cell, ...], Choice] = {}
        self.left_out: dict[str, None] = {}

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the main table."""
        return self.scale.seeds

    @property
    def few_seeds(self) -> tuple[int, ...]:
        """Seeds of studies that vary much."""
        return self.scale.seeds[: self.scale.few]

    def available(self, method: str) -> bool:
        """Whether a method can run here; if not, the reason is kept."""
        reason = missing(method)
        if reason is not None:
            self.left_out[reason] = None
        return reason is None

    def leave_out(self, reason: str) -> None:
        """Keep a reason why something is left out."""
        self.left_out[reason] = None

    def cell(self, facts: Facts, method: str, hidden: tuple[int, ...], seed: int, **changes: Any) -> Cell:
        """Make a cell of the usual kind: all samples, the epochs of the main table, bits."""
        options: dict[str, Any] = {
            "epochs": self.scale.epochs[method],
            "samples": self.scale.samples,
            "test_samples": self.scale.test_samples,
            **changes,
        }
        for name, most in (("samples", facts.n_train), ("test_samples", facts.n_test)):
            if options[name] is not None and options[name] >= most:
                options[name] = None
        batches = -(-(options["samples"] or facts.n_train) // BATCH_SIZE)
        options["epochs"] = max(options["epochs"], min(-(-self.scale.least_batches // batches), MOST_EPOCHS))
        return Cell(
            data=facts.data,
            source=facts.source,
            target=facts.target,
            encoder=facts.encoder,
            method=method,
            hidden=hidden,
            seed=seed,
            **options,
        )

    def tune(self, facts: Facts, cell: Cell) -> Cell | None:
        """Give the cell the settings that were best on held-out training samples; None if every attempt failed.

        The seed that settings are tuned with is none of those that are reported. Where seeds draw their test samples
        from the same data, each is tuned for itself, on its own training samples: else settings would be chosen by
        samples that another seed tests on.
        """
        scale = self.scale
        n_train = min(cell.samples or facts.n_train, scale.tuning_samples)
        # Few samples are presented more often, so that every data set is tuned with as many presentations.
        epochs = -(-scale.tuning_epochs[cell.method] * scale.tuning_samples // n_train)
        base = replace(
            cell,
            seed=TUNING_SEED if facts.fixed_test else cell.seed,
            part="validation",
            epochs=min(epochs, cell.epochs),
            samples=None if n_train == facts.n_train else n_train,
            test_samples=None,
            record_weights=False,
        )
        candidates = tuple(replace(base, settings=settings) for settings in grid(cell.method, cell.hidden))
        if candidates not in self.choices:
            results = [self.lookup(candidate) for candidate in candidates]
            accuracies = tuple(None if result is None else float(result["accuracy"]) for result in results)
            self.choices[candidates] = Choice(facts, candidates, accuracies)
        settings = self.choices[candidates].settings
        if settings is None or (not self.tuned and None in self.choices[candidates].accuracies):
            if self.tuned:
                self.leave_out(f"{cell.describe()}: none of the settings to choose from has a result")
                return None
            settings = candidates[0].settings
        return replace(cell, settings=settings)


# Seconds of one thread (AMD Zen 3) for a sample and a synapse, roughly.
_SECONDS = {
    "bmlp": 1.1e-11,
    "single-layer": 1.1e-11,
    "sgd": 8.5e-11,
    "adam": 1.05e-10,
    "straight-through": 1.2e-10,
}
_SECONDS_TO_PREDICT = {"sgd": 5e-11, "adam": 5e-11, "straight-through": 4e-11}  # little with the others
_SECONDS_A_SAMPLE = 4e-7
_SECONDS_A_CELL = 0.3


def estimate_seconds(cell: Cell, facts: Facts) -> float:
    """Estimate how long a cell takes, from its size alone; for order and outlook, not for comparison."""
    n_train = cell.samples or facts.n_train
    if cell.classes is not None:
        n_train = n_train * len(cell.classes) // facts.n_classes
    first = facts.n_features if cell.inputs == "float" else facts.n_bits
    sizes = [first, *cell.hidden] + ([] if cell.method in LOCAL else [facts.n_classes])
    synapses = sum(a * b for a, b in pairwise(sizes))
    once = (facts.n_train + facts.n_test) * first * 1e-9  # to encode
    a_sample = synapses * _SECONDS[cell.method] + _SECONDS_A_SAMPLE * len(cell.hidden)
    predict = (min(n_train, 10_000) + facts.n_test) * synapses * _SECONDS_TO_PREDICT.get(cell.method, 0.0)
    return _SECONDS_A_CELL + once + predict + cell.epochs * n_train * a_sample
