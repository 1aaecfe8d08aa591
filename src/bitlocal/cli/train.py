"""`bitlocal train`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import joblib
import numpy as np
import typer
from numpy.typing import NDArray

from bitlocal import _core
from bitlocal.cli.shared.console import byte_size, err, facts, out, training_progress
from bitlocal.cli.shared.data import Encoding, Resize, height_and_width, load_data
from bitlocal.cli.shared.isa import Isa
from bitlocal.cli.shared.outfile import require_writable
from bitlocal.cli.shared.parameters import with_parameters
from bitlocal.datasets import Dataset
from bitlocal.datasets.match import Split, split
from bitlocal.datasets.origin import TrainingData
from bitlocal.encoders.resolve import suit
from bitlocal.errors import DataError
from bitlocal.estimator import BMLPClassifier
from bitlocal.files.model import dump, save


@with_parameters
def train(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Name of a data set ('bitlocal datasets' lists them), or a .csv, .csv.gz, .parquet or .npz file, or "
            "a folder or .zip file of images: CLASS/*.jpg, or train/CLASS/*.jpg and test/CLASS/*.jpg.",
        ),
    ],
    target: Annotated[str | None, typer.Option(help="Column that holds the labels (default: target).")] = None,
    *,
    test_fraction: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share to hold out for testing, if the data have no test split.")
    ] = 0.2,
    text: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Column that holds text, whatever it looks like; may be given again."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a field that is no number in a column of numbers.")
    ] = False,
    encoding: Encoding = "utf-8",
    resize: Resize = None,
    mirror: Annotated[
        bool,
        typer.Option("--mirror", help="Learn from images and their mirror images, where left and right are alike."),
    ] = False,
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
    **parameters: Any,
) -> None:
    """Train a binary network on DATA and report its accuracy on samples that it never saw."""
    classifier = BMLPClassifier(**parameters)
    classifier.n_jobs = classifier.n_jobs or joblib.cpu_count()
    seed = parameters["random_state"]
    if out_file is not None:
        require_writable(out_file, data)
    dataset = load_data(
        data,
        target,
        seed=seed,
        text_columns=text or (),
        strict=strict,
        encoding=encoding,
        resize=height_and_width(resize),
    )
    classifier.set_params(encoder=suit(parameters["encoder"], dataset.image_shape, parameters["preset"]))
    parts = split(dataset, test_fraction, seed)
    X, y = _with_mirror_images(dataset, parts) if mirror else (parts.X, parts.y)
    interrupted = False
    try:
        with training_progress(quiet=quiet) as callback:
            classifier.fit(X, y, callback=callback)
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
        image_shape=dataset.image_shape if dataset.files else None,
        resized=resize is not None,
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


def _with_mirror_images(dataset: Dataset, parts: Split) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give images to learn from twice: as they are, and with left and right exchanged."""
    if dataset.image_shape is None:
        raise DataError(f"{dataset.name}: --mirror is for images, and these samples are none; leave it out")
    images = parts.X.reshape(-1, *dataset.image_shape)
    return np.concatenate([parts.X, images[:, :, ::-1].reshape(parts.X.shape)]), np.concatenate([parts.y, parts.y])


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
    readout_sha256: str | None

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
            *([] if self.readout_sha256 is None else [("readout_sha256", self.readout_sha256[:16])]),
        ]


def _report(name: str, classifier: BMLPClassifier, parts: Split, origin: TrainingData) -> Report:
    history = classifier.history_
    seconds = float(np.mean([record.seconds for record in history]))
    watched = [record.validation_accuracy for record in classifier.readout_history_ or history]
    validation = watched[-1]
    if classifier.early_stopping:  # what was best was kept
        validation = max(accuracy or 0.0 for accuracy in watched)
    test_accuracy = None
    if parts.X_test is not None and parts.y_test is not None:
        test_accuracy = float(np.mean(classifier.predict(parts.X_test) == parts.y_test))
    return Report(
        dataset=name,
        layers=list(classifier.network_.spec.layer_sizes[1:]),
        encoder="bits" if classifier.encoder_ is None else " ".join(str(classifier.encoder_).split()),
        bits=classifier.network_.spec.n_inputs,
        seed=classifier.network_.spec.seed,
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
        readout_sha256=classifier.network_.readout_sha256(),
    )
