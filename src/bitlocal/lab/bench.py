"""Measure this machine: how fast the core infers and trains here, and how near that is to what the processor can do.

What is compared is measured in turns, over and over, so that whatever else the machine does hits all of it alike.
Results are medians with quartiles.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

from bitlocal import _core
from bitlocal.bits import PackedBits, pack, words_for
from bitlocal.datasets import load
from bitlocal.encoders import MedianBinarizer
from bitlocal.errors import DataError
from bitlocal.estimator import BMLPClassifier
from bitlocal.network import BinaryNetwork
from bitlocal.processor import processor_name
from bitlocal.spec import Classes, Dense, Spec
from bitlocal.spec.parameters import compose

N_CLASSES = 10
Report = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """How much to measure.

    Attributes
    ----------
    shapes : tuple of (int, int)
        Inputs and neurons of the layers whose forward pass is measured.
    batch_size : int
        Samples in a forward pass, and in a mini-batch of the training.
    n_samples : int
        Samples of the training epoch, at most.
    layer_sizes : tuple of int
        Inputs and neurons of the network that is trained.
    repetitions : int
        Turns of each short measurement.
    epochs : int
        Turns of the training epoch; one more comes first, to warm up.
    seconds : float
        How long one turn of a short measurement should take.
    synthetic : bool
        Whether to train on synthetic data even if Fashion-MNIST is there.
    """

    shapes: tuple[tuple[int, int], ...] = ((784, 1024), (784, 1035), (1024, 1024), (3136, 1024), (9408, 4096))
    batch_size: int = 100
    n_samples: int = 60_000
    layer_sizes: tuple[int, int] = (784, 1035)
    repetitions: int = 25
    epochs: int = 7
    seconds: float = 0.02
    synthetic: bool = False


QUICK = Settings(
    shapes=((784, 1024), (784, 1035)), n_samples=2_000, repetitions=3, epochs=2, seconds=0.002, synthetic=True
)


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of several measurements."""

    median: float
    q1: float
    q3: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Spread:
        """Summarise measurements."""
        q1, median, q3 = (float(q) for q in np.percentile(values, [25, 50, 75]))
        return cls(median, q1, q3)


@dataclass(frozen=True)
class Machine:
    """What was measured on."""

    processor: str
    cores: int
    system: str
    python: str
    isa: str
    compiler: str


@dataclass(frozen=True)
class Peak:
    """XNOR and popcount on registers alone, one thread: no layer can be faster with this instruction set."""

    isa: str
    tbit_per_s: Spread


@dataclass(frozen=True)
class Forward:
    """The forward pass of one layer and its logits, one thread, without Python in between.

    `share_of_peak` is that of the instruction set in use: each turn against the peak of the same turn.
    """

    n_inputs: int
    n_neurons: int
    batch_size: int
    tbit_per_s: Spread
    share_of_peak: Spread


@dataclass(frozen=True)
class Training:
    """Training epochs, one thread.

    Attributes
    ----------
    seconds : Spread
        Of an epoch.
    samples_per_s : Spread
        In an epoch.
    forward_seconds : Spread
        Of the forward passes alone: inference for the same samples.
    times_forward : Spread
        The epoch against the forward passes of the same turn.
    phase_seconds : dict of str to Spread
        The phases of an epoch. "update" includes the refresh of the weight bits, which falls out of it. The clock is
        read for every sixteen samples and for every group, which costs about one per cent of the epoch, so it is
        measured in a run of its own.
    """

    data: str
    layer_sizes: tuple[int, ...]
    group_size: int
    n_samples: int
    batch_size: int
    seconds: Spread
    samples_per_s: Spread
    forward_seconds: Spread
    times_forward: Spread
    phase_seconds: dict[str, Spread]


@dataclass(frozen=True)
class Prediction:
    """Prediction by the network that was trained.

    Attributes
    ----------
    core_us, network_us, classifier_us, classifier_features_us : Spread
        Microseconds for one sample: within the core, from Python through `BinaryNetwork.logits`, through
        `BMLPClassifier.predict` of packed bits, and of the features, which it encodes and checks.
    bulk_per_s, bulk_features_per_s : Spread
        Samples a second through `BMLPClassifier.predict` with one thread, of packed bits and of features.
    """

    core_us: Spread
    network_us: Spread
    classifier_us: Spread
    classifier_features_us: Spread
    bulk_per_s: Spread
    bulk_features_per_s: Spread


@dataclass(frozen=True)
class Threads:
    """Several threads at once. Each speed-up is against one thread in the same turn.

    Attributes
    ----------
    epoch_seconds, epoch_speedup : Spread
        Training.
    forward_speedup : Spread
        Inference for the same samples.
    peak_speedup : Spread
        The register-only peak: what the machine gives, whatever the program.
    hidden_sha256 : str
        Digest of the weights after all epochs; equal for every number of threads.
    """

    threads: int
    epoch_seconds: Spread
    epoch_speedup: Spread
    forward_speedup: Spread
    peak_speedup: Spread
    hidden_sha256: str


@dataclass(frozen=True)
class Results:
    """Everything that `measure` found."""

    machine: Machine
    peaks: tuple[Peak, ...]
    forward: tuple[Forward, ...]
    training: Training
    prediction: Prediction
    threads: tuple[Threads, ...]
    same_hidden_sha256: bool

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain dictionaries, lists and numbers."""
        return asdict(self)


def measure(
    settings: Settings | None = None, *, max_threads: int | None = None, report: Report = lambda _: None
) -> Results:
    """Measure everything.

    Parameters
    ----------
    settings : Settings, optional
        How much to measure.
    max_threads : int, optional
        Most threads to train with; None for all processors.
    report : callable
        Told what is being measured.

    Returns
    -------
    Results
    """
    settings = settings or Settings()
    counts = thread_counts(max_threads or joblib.cpu_count())
    report("popcount peak and forward passes")
    peaks, forward = measure_forward(settings)
    report("data")
    data = load_data(settings)
    report("training")
    training, threads = measure_training(settings, data, counts)
    report("prediction")
    prediction = measure_prediction(settings, data)
    same = len({entry.hidden_sha256 for entry in threads}) == 1
    return Results(machine(), peaks, forward, training, prediction, threads, same)


def machine() -> Machine:
    """Describe this machine."""
    return Machine(
        processor=processor_name(),
        cores=joblib.cpu_count(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        isa=_core.instruction_set(),
        compiler=_core.compiler(),
    )


def thread_counts(most: int) -> list[int]:
    """Give the numbers of threads to try: 1, 2, 4 and so on, and the most.

    Examples
    --------
    >>> from bitlocal.lab.bench import thread_counts
    >>> thread_counts(6), thread_counts(1)
    ([1, 2, 4, 6], [1])
    """
    powers = [2**i for i in range(most.bit_length())]
    return powers if powers[-1] == most else [*powers, most]


# Measuring in turns --------------------------------------------------------------------------------------------------


def in_turns(
    tasks: Mapping[str, Callable[[], object]], turns: int, *, clock: Callable[[], float] = time.perf_counter
) -> dict[str, NDArray[np.float64]]:
    """Run all tasks, one after the other, again and again; give each one's seconds, turn by turn."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(turns):
        for name, task in tasks.items():
            start = clock()
            task()
            seconds[name].append(clock() - start)
    return {name: np.array(values) for name, values in seconds.items()}


def enough_calls(task: Callable[[int], object], seconds: float) -> int:
    """Find how many calls take so long; `task` is told how many to make. It is warm afterwards."""
    calls = 1
    while True:
        start = time.perf_counter()
        task(calls)
        taken = time.perf_counter() - start
        if taken >= seconds / 2 or calls >= 2**40:
            return max(1, round(calls * seconds / max(taken, 1e-9)))
        calls *= 2 if taken > seconds / 50 else 10


def _repeat(function: Callable[[Any], object], argument: object, calls: int) -> None:
    for _ in range(calls):
        function(argument)


# Forward passes against the peak -------------------------------------------------------------------------------------


def measure_forward(settings: Settings) -> tuple[tuple[Peak, ...], tuple[Forward, ...]]:
    """Measure the register-only peak of each instruction set, and the forward pass of each shape, in turns."""
    supported = [name for name, runs_here in _core.instruction_sets() if runs_here]
    rng = np.random.default_rng(0)
    tasks: dict[str, Callable[[], object]] = {}
    bits: dict[str, float] = {}

    def add(name: str, task: Callable[[int], object], bits_per_call: int) -> None:
        calls = enough_calls(task, settings.seconds)
        tasks[name] = partial(task, calls)
        bits[name] = calls * bits_per_call

    for isa in supported:
        add(f"peak {isa}", partial(_core.popcount_peak, isa), _core.popcount_peak_bits)
    for n_inputs, n_neurons in settings.shapes:
        network = BinaryNetwork(Spec(n_inputs, (Dense(n_neurons, 1),), Classes(N_CLASSES)), initialise=False)
        network.set_packed_weights(0, random_rows(rng, n_neurons, n_inputs))
        network.set_packed_local_classifier(0, random_rows(rng, N_CLASSES, n_neurons))
        samples = random_rows(rng, settings.batch_size, n_inputs)
        per_sample = n_inputs * n_neurons + n_neurons * N_CLASSES
        add(
            f"{n_inputs}x{n_neurons}",
            partial(network.repeat_logits, PackedBits(samples, n_inputs)),
            settings.batch_size * per_sample,
        )

    seconds = in_turns(tasks, settings.repetitions)
    speed = {name: bits[name] / values / 1e12 for name, values in seconds.items()}
    peaks = tuple(Peak(isa, Spread.of(speed[f"peak {isa}"])) for isa in supported)
    peak = speed[f"peak {_core.instruction_set()}"]
    return peaks, tuple(
        Forward(
            n_inputs,
            n_neurons,
            settings.batch_size,
            tbit_per_s=Spread.of(speed[f"{n_inputs}x{n_neurons}"]),
            share_of_peak=Spread.of(speed[f"{n_inputs}x{n_neurons}"] / peak),
        )
        for n_inputs, n_neurons in settings.shapes
    )


def random_rows(rng: np.random.Generator, n_rows: int, n_bits: int) -> NDArray[np.uint64]:
    """Draw rows of packed bits; the padding is zero."""
    rows = rng.integers(0, 2**64, size=(n_rows, words_for(n_bits)), dtype=np.uint64)
    if n_bits % 64:
        rows[:, -1] &= np.uint64(2 ** (n_bits % 64) - 1)
    return rows


# Training ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BenchData:
    """What to train on: features, their median bits, labels."""

    name: str
    features: NDArray[Any]
    bits: PackedBits
    labels: NDArray[np.int32]


def load_data(settings: Settings) -> BenchData:
    """Load Fashion-MNIST, or make noisy random prototypes where it cannot be had."""
    n_bits = settings.layer_sizes[0]
    if not settings.synthetic and n_bits == 784:
        try:
            dataset = load("fashion-mnist")
        except DataError:
            pass
        else:
            features = dataset.X[: settings.n_samples]
            labels = dataset.y[: settings.n_samples].astype(np.int32)
            return BenchData(
                "fashion-mnist, median bits", features, MedianBinarizer().fit(features).pack(features), labels
            )
    rng = np.random.default_rng(0)
    labels = rng.integers(0, N_CLASSES, settings.n_samples).astype(np.int32)
    prototypes = rng.random((N_CLASSES, n_bits)) < 0.5
    noisy = prototypes[labels] ^ (rng.random((settings.n_samples, n_bits), dtype=np.float32) < 0.4)
    features = np.where(noisy, np.uint8(192), np.uint8(64)) + rng.integers(0, 64, noisy.shape, dtype=np.uint8)
    return BenchData("synthetic: random prototypes, 40 % noise", features, pack(noisy), labels)


class _Run:
    """A network that trains epoch after epoch with its number of threads, timed by phase if asked."""

    def __init__(self, settings: Settings, data: BenchData, threads: int) -> None:
        n_inputs, n_neurons = settings.layer_sizes
        self.data, self.batch_size, self.threads = data, settings.batch_size, threads
        spec = compose({"hidden_layer_sizes": n_neurons}, n_inputs=n_inputs, n_classes=N_CLASSES)
        self.network = BinaryNetwork(spec)
        self.phases: list[NDArray[np.uint64]] = []

    def epoch(self) -> None:
        self.network.train_epoch(self.data.bits, self.data.labels, batch_size=self.batch_size, n_threads=self.threads)

    def timed_epoch(self) -> None:
        trainer = self.network.trainer(self.batch_size, self.threads)
        trainer.time_phases(True)
        before = trainer.phase_times().sum(axis=0)
        self.epoch()
        self.phases.append(trainer.phase_times().sum(axis=0) - before)

    def forward(self) -> None:
        self.network.logits(self.data.bits, n_threads=self.threads)


def measure_training(
    settings: Settings, data: BenchData, counts: Sequence[int]
) -> tuple[Training, tuple[Threads, ...]]:
    """Measure epochs with each number of threads, in turns, with the forward passes alone and the peak in between."""
    timed = _Run(settings, data, 1)
    runs = {n: _Run(settings, data, n) for n in counts}
    isa = _core.instruction_set()
    rounds = enough_calls(partial(_core.popcount_peak, isa), settings.seconds)
    tasks: dict[str, Callable[[], object]] = {"timed": timed.timed_epoch}
    with ThreadPoolExecutor(max(counts)) as pool:
        for n, run in runs.items():
            tasks[f"epoch {n}"] = run.epoch
            tasks[f"forward {n}"] = run.forward
            tasks[f"peak {n}"] = partial(_side_by_side, pool, n, partial(_core.popcount_peak, isa, rounds))
        in_turns(tasks, 1)
        seconds = in_turns(tasks, settings.epochs)
    epoch, forward = seconds["epoch 1"], seconds["forward 1"]
    phases = 1e-9 * np.array(timed.phases[1:], dtype=np.float64)
    training = Training(
        data=data.name,
        layer_sizes=(*settings.layer_sizes, N_CLASSES),
        group_size=timed.network.spec.blocks[0].group_size,
        n_samples=len(data.bits),
        batch_size=settings.batch_size,
        seconds=Spread.of(epoch),
        samples_per_s=Spread.of(len(data.bits) / epoch),
        forward_seconds=Spread.of(forward),
        times_forward=Spread.of(epoch / forward),
        phase_seconds={phase.name: Spread.of(phases[:, phase]) for phase in _core.Phase if phase.name != "waiting"},
    )
    threads = tuple(
        Threads(
            threads=n,
            epoch_seconds=Spread.of(seconds[f"epoch {n}"]),
            epoch_speedup=Spread.of(epoch / seconds[f"epoch {n}"]),
            forward_speedup=Spread.of(forward / seconds[f"forward {n}"]),
            peak_speedup=Spread.of(n * seconds["peak 1"] / seconds[f"peak {n}"]),
            hidden_sha256=run.network.hidden_sha256(),
        )
        for n, run in runs.items()
    )
    return training, threads


def _side_by_side(pool: ThreadPoolExecutor, n: int, task: Callable[[], object]) -> None:
    for started in [pool.submit(task) for _ in range(n)]:
        started.result()


# Prediction ----------------------------------------------------------------------------------------------------------


def measure_prediction(settings: Settings, data: BenchData) -> Prediction:
    """Measure the prediction of one sample, and of many at once."""
    n_neurons = settings.layer_sizes[1]
    quick: dict[str, Any] = {"max_iter": 1, "random_state": 0, "probability": False, "readout": "votes"}
    classifier = BMLPClassifier((n_neurons,), encoder="median", **quick)
    some = slice(0, min(10_000, len(data.labels)))
    classifier.fit(data.features[some], data.labels[some])
    network, features, bits = classifier.network_, data.features[some], data.bits[some]
    classifier_of_bits = BMLPClassifier((n_neurons,), **quick).fit(bits, data.labels[some])

    tasks: dict[str, Callable[[int], object]] = {
        "core": partial(network.repeat_logits, bits[:1]),
        "network": partial(_repeat, network.logits, bits[:1]),
        "classifier": partial(_repeat, classifier_of_bits.predict, bits[:1]),
        "features": partial(_repeat, classifier.predict, features[:1]),
        "bulk": partial(_repeat, classifier_of_bits.predict, bits),
        "bulk features": partial(_repeat, classifier.predict, features),
    }
    calls = {name: enough_calls(task, settings.seconds) for name, task in tasks.items()}
    seconds = in_turns({name: partial(task, calls[name]) for name, task in tasks.items()}, settings.repetitions)
    per_call = {name: values / calls[name] for name, values in seconds.items()}
    return Prediction(
        core_us=Spread.of(1e6 * per_call["core"]),
        network_us=Spread.of(1e6 * per_call["network"]),
        classifier_us=Spread.of(1e6 * per_call["classifier"]),
        classifier_features_us=Spread.of(1e6 * per_call["features"]),
        bulk_per_s=Spread.of(len(features) / per_call["bulk"]),
        bulk_features_per_s=Spread.of(len(features) / per_call["bulk features"]),
    )
