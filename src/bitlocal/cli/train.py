"""`bitlocal train`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import joblib
import numpy as np
import typer

from bitlocal import _core
from bitlocal.cli.console import byte_size, err, facts, out, training_progress
from bitlocal.cli.data import load_data
from bitlocal.cli.isa import Isa
from bitlocal.cli.outfile import require_writable
from bitlocal.datasets.match import Split, split
from bitlocal.datasets.origin import TrainingData
from bitlocal.encoders import ImageEncoder, SignalEncoder, make_encoder
from bitlocal.estimator import BMLPClassifier
from bitlocal.files.model import dump, save


def _default(name: str) -> Any:
    """Defaults live in one place, the estimator."""
    return BMLPClassifier().get_params()[name]


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in text.split(","))
    except ValueError:
        raise ValueError(f"--hidden {text!r}: expected whole numbers with commas between, as in 1035,525") from None


def _suit(encoder: str, image_shape: tuple[int, ...] | None) -> str | ImageEncoder | SignalEncoder:
    """Let "auto" encode images as such, and tell an encoder of images or signals their shape."""
    if image_shape is None:
        return encoder
    chosen = ImageEncoder() if encoder == "auto" else make_encoder(encoder)
    if isinstance(chosen, SignalEncoder) and chosen.shape is not None:
        return chosen
    return chosen.set_params(shape=image_shape) if isinstance(chosen, (ImageEncoder, SignalEncoder)) else encoder


def train(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Name of a data set ('bitlocal datasets' lists them), or a .csv, .csv.gz, .parquet or .npz file.",
        ),
    ],
    target: Annotated[str | None, typer.Option(help="Column that holds the labels (default: target).")] = None,
    hidden: Annotated[str, typer.Option(help="Neurons in each layer, with commas between.")] = ",".join(
        map(str, _default("hidden_layer_sizes"))
    ),
    group_size: Annotated[
        int | None, typer.Option(help="Neurons in a group; divides every layer (default: the closest to 45 that does).")
    ] = _default("group_size"),
    robustness: Annotated[float, typer.Option(help="Margin of the error signal, as a share of a layer.")] = _default(
        "robustness"
    ),
    reinforcement: Annotated[float, typer.Option(help="Factor of the probability of reinforcement.")] = _default(
        "reinforcement"
    ),
    batch_size: Annotated[int, typer.Option(help="Samples in a mini-batch.")] = _default("batch_size"),
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the training data (default: 20, more for small data).")
    ] = _default("max_iter"),
    encoder: Annotated[
        str,
        typer.Option(
            help="auto (what suits the data), median, column-median, thermometer, thermometerN for N bits a feature, "
            "table, image:PARTS as in image:thermometer4+hog4, or signal:PARTS as in signal:thermometer4+bands8."
        ),
    ] = _default("encoder"),
    clip: Annotated[int | None, typer.Option(help="Odd bound on the hidden weights (default: none).")] = None,
    freeze_first: Annotated[
        bool, typer.Option("--freeze-first", help="Leave the first layer as it was drawn: random features.")
    ] = False,
    train_classifier: Annotated[
        bool, typer.Option("--train-classifier", help="Let the last layer's classifier learn too.")
    ] = False,
    single_output: Annotated[bool, typer.Option("--single-output", help="One output unit for two classes.")] = False,
    validation_fraction: Annotated[
        float | None, typer.Option(help="Share of the training data to watch the accuracy on (default: none).")
    ] = None,
    early_stopping: Annotated[
        bool,
        typer.Option(
            "--early-stopping", help="Stop when the validation accuracy no longer rises; keep the best network."
        ),
    ] = False,
    test_fraction: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share to hold out for testing, if the data have no test split.")
    ] = 0.2,
    seed: Annotated[int, typer.Option(min=0, max=2**64 - 1, help="Seed of everything random.")] = 0,
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Threads; the result is the same (default: all).")
    ] = None,
    isa: Isa = None,
    out_file: Annotated[Path | None, typer.Option("--out", help="File for the model, as in model.safetensors.")] = None,
    inference_only: Annotated[
        bool,
        typer.Option(
            "--inference-only", help="Leave the hidden weights out of the file: far smaller, no more training."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Train a binary network on DATA and report its accuracy on samples that it never saw."""
    classifier = BMLPClassifier(
        _sizes(hidden),
        group_size=group_size,
        robustness=robustness,
        reinforcement=reinforcement,
        batch_size=batch_size,
        max_iter=epochs,
        encoder=encoder,
        hidden_clip=clip,
        freeze_first=freeze_first,
        train_classifier=train_classifier,
        single_output=single_output,
        validation_fraction=validation_fraction,
        early_stopping=early_stopping,
        random_state=seed,
        n_jobs=threads or joblib.cpu_count(),
    )
    if out_file is not None:
        require_writable(out_file, data)
    dataset = load_data(data, target, seed=seed)
    classifier.set_params(encoder=_suit(encoder, dataset.image_shape))
    parts = split(dataset, test_fraction, seed)
    interrupted = False
    try:
        with training_progress(quiet=quiet) as callback:
            classifier.fit(parts.X, parts.y, callback=callback)
    except KeyboardInterrupt:
        if not hasattr(classifier, "network_"):
            raise
        interrupted = True

    origin = TrainingData(
        dataset.name,
        dataset.fingerprint(),
        target=dataset.target,
        test_fraction=parts.held_out,
        split_seed=seed,
        feature_names=None if dataset.image_shape else dataset.feature_names,
    )
    if out_file is not None:
        save(classifier, out_file, inference_only=inference_only, data=origin)
    if interrupted:
        kept = f"; the model so far is in {out_file}" if out_file else ""
        err.print(f"interrupted after {classifier.network_.state.epoch} complete epochs{kept}", soft_wrap=True)
        raise typer.Exit(130)

    report = _report(dataset.name, classifier, parts, origin)
    if as_json:
        print(json.dumps(asdict(report)))
        return
    out.print(facts(report.rows()))
    if out_file is not None:
        out.print(f"\nThe model is in {out_file}. Try: bitlocal evaluate {out_file} {data}", soft_wrap=True)


@dataclass(frozen=True)
class Report:
    """What training came to."""

    dataset: str
    layers: list[int]
    encoder: str
    bits: int
    seed: int
    threads: int
    isa: str
    epochs: int
    n_train: int
    n_test: int
    train_accuracy: float
    validation_accuracy: float | None
    test_accuracy: float | None
    seconds_per_epoch: float
    samples_per_second: float
    model_bytes: int
    training_model_bytes: int
    hidden_sha256: str

    def rows(self) -> list[tuple[str, str]]:
        """Give the same for a person."""
        rows = [
            ("data", f"{self.dataset}: {self.n_train} training samples, {self.n_test} test samples"),
            ("network", f"{' - '.join(map(str, [self.bits, *self.layers]))} (encoder: {self.encoder})"),
            ("train accuracy", f"{self.train_accuracy:.2%}"),
        ]
        if self.validation_accuracy is not None:
            rows.append(("validation accuracy", f"{self.validation_accuracy:.2%}"))
        if self.test_accuracy is not None:
            rows.append(("test accuracy", f"{self.test_accuracy:.2%}"))
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        speed = f"{self.seconds_per_epoch:.3g} s an epoch, {self.samples_per_second:,.0f} samples/s"
        size = f"{byte_size(self.model_bytes)} for inference, {byte_size(self.training_model_bytes)} to train on"
        return [
            *rows,
            ("speed", f"{speed} ({threads}, {self.isa})"),
            ("model", size),
            ("hidden_sha256", self.hidden_sha256[:16]),
        ]


def _report(name: str, classifier: BMLPClassifier, parts: Split, origin: TrainingData) -> Report:
    history = classifier.history_
    seconds = float(np.mean([record.seconds for record in history]))
    validation = history[-1].validation_accuracy
    if classifier.early_stopping:  # the network that was best was kept
        validation = max(record.validation_accuracy or 0.0 for record in history)
    test_accuracy = None
    if parts.X_test is not None and parts.y_test is not None:
        test_accuracy = float(np.mean(classifier.predict(parts.X_test) == parts.y_test))
    return Report(
        dataset=name,
        layers=list(classifier.network_.config.hidden_layer_sizes),
        encoder="bits" if classifier.encoder_ is None else str(classifier.encoder_),
        bits=classifier.network_.config.n_inputs,
        seed=classifier.network_.config.seed,
        threads=int(classifier.n_jobs or 1),
        isa=_core.instruction_set(),
        epochs=classifier.n_iter_,
        n_train=len(parts.y),
        n_test=0 if parts.y_test is None else len(parts.y_test),
        train_accuracy=float(np.mean(classifier.predict(parts.X) == parts.y)),
        validation_accuracy=validation,
        test_accuracy=test_accuracy,
        seconds_per_epoch=seconds,
        samples_per_second=history[-1].n_samples / seconds,
        model_bytes=len(dump(classifier, inference_only=True, data=origin)),
        training_model_bytes=len(dump(classifier, data=origin)),
        hidden_sha256=classifier.network_.hidden_sha256(),
    )
