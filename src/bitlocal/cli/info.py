"""`bitlocal info`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import joblib
import typer

from bitlocal import _core
from bitlocal.cli.shared.console import byte_size, facts, out
from bitlocal.cli.shared.isa import Isa
from bitlocal.encoders import TableEncoder
from bitlocal.files.model import load_model
from bitlocal.files.selection import selection_to_json
from bitlocal.processor import instruction_set, processor_name
from bitlocal.spec.parameters import decompose


def info(
    model: Annotated[Path | None, typer.Argument(metavar="MODEL", help="A model file.")] = None,
    cpu: Annotated[bool, typer.Option("--cpu", help="Show this processor and its instruction sets instead.")] = False,
    isa: Isa = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Show what is in the model file MODEL, or, with --cpu, which instruction sets this processor has for training."""
    if (model is None) != cpu:
        raise typer.BadParameter("expected either a model file or --cpu")
    if model is None:
        _show_processor(as_json=as_json)
    else:
        _show_model(model, as_json=as_json)


def _show_processor(*, as_json: bool) -> None:
    used, reason = instruction_set()
    content = {
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "usable_cores": joblib.cpu_count(),
        "instruction_sets": [{"name": name, "supported": supported} for name, supported in _core.instruction_sets()],
        "in_use": used,
        "reason": reason,
    }
    if as_json:
        print(json.dumps(content))
        return
    rows = [
        ("processor", content["processor"]),
        ("cores", f"{content['cores']}, {content['usable_cores']} of them usable by this process"),
    ]
    for name, supported in _core.instruction_sets():
        state = "not supported by this processor" if not supported else "supported"
        rows.append((name, f"in use: {reason}" if name == used else state))
    out.print(facts(rows))


def _show_model(model: Path, *, as_json: bool) -> None:
    loaded = load_model(model)
    classifier = loaded.classifier
    network = classifier.network_
    spec, state = network.spec, network.state
    rule = decompose(spec)
    options = [name for name, value in rule.items() if value is True]
    content: dict[str, Any] = {
        "file": str(model),
        "bytes": model.stat().st_size,
        "features": classifier.n_features_in_,
        "selection": None if classifier.selection_ is None else selection_to_json(classifier.selection_),
        "encoder": "bits" if classifier.encoder_ is None else " ".join(str(classifier.encoder_).split()),
        "layer_sizes": list(spec.layer_sizes),
        "synapses": sum(block.n_inputs * block.n_neurons for block in spec.blocks),
        "classes": [str(label) for label in classifier.classes_],
        **{name: value for name, value in rule.items() if name != "hidden_layer_sizes" and not isinstance(value, bool)},
        "seed": spec.seed,
        "options": options,
        "epochs": state.epoch,
        "mini_batches": state.step,
        "temperature": classifier.temperature,
        "trained_on": None if loaded.data is None else loaded.data.name,
        "image_shape": None if loaded.data is None else loaded.data.image_shape,
        "resized": loaded.data is not None and loaded.data.resized,
        "trainable": network.has_hidden_weights,
        "hidden_sha256": network.hidden_sha256() if network.has_hidden_weights else None,
        "readout_sha256": network.readout_sha256(),
    }
    if as_json:
        print(json.dumps(content))
        return
    classes = content["classes"]
    shown = ", ".join(classes[:10]) + (", …" if len(classes) > 10 else "")
    rows = [
        ("file", f"{model}, {byte_size(content['bytes'])}"),
        ("input", f"{content['features']} features, {spec.n_inputs} bits (encoder: {content['encoder']})"),
        *([] if classifier.selection_ is None else [("chosen", str(classifier.selection_))]),
        *_images(content["image_shape"], resized=content["resized"]),
        ("layers", f"{' - '.join(map(str, spec.layer_sizes))}, {content['synapses']:,} synapses"),
        ("classes", f"{len(classes)}: {shown}"),
        (
            "rule",
            f"group size {content['group_size']}, robustness {spec.rule.robustness:g}, reinforcement "
            f"{spec.rule.reinforcement:g}, hidden clip {spec.rule.hidden_clip or 'none'}, seed {spec.seed}"
            + "".join(f", {option.replace('_', ' ')}" for option in options)
            + (", learned readout" if spec.target.readout == "learned" else ""),
        ),
        (
            "training",
            f"{state.epoch} epochs, {state.step} mini-batches on {content['trained_on'] or 'unrecorded data'}",
        ),
        *([] if classifier.temperature is None else [("probabilities", f"temperature {classifier.temperature:g}")]),
        ("hidden_sha256", content["hidden_sha256"] or "no hidden weights: for inference only"),
        *([] if content["readout_sha256"] is None else [("readout_sha256", content["readout_sha256"])]),
    ]
    out.print(facts(rows))
    if isinstance(classifier.encoder_, TableEncoder):
        names = None if loaded.data is None else loaded.data.feature_names
        out.print(f"\n{classifier.encoder_.describe(names)}", markup=False, highlight=False, soft_wrap=True)


def _images(shape: tuple[int, ...] | None, *, resized: bool) -> list[tuple[str, str]]:
    """Tell what images were like, where they came as files."""
    if shape is None:
        return []
    colour = "grey" if len(shape) == 2 else "in colour"
    others = "; every image is resized to that" if resized else ""
    return [("images", f"{shape[0]}x{shape[1]} pixels (height x width), {colour}{others}")]
