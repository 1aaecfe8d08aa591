"""`bitlocal info`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from bitlocal.cli.console import byte_size, facts, out
from bitlocal.modelfile import load_model


def info(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Show what is in the model file MODEL."""
    loaded = load_model(model)
    classifier = loaded.classifier
    network = classifier.network_
    config, state = network.config, network.state
    content: dict[str, Any] = {
        "file": str(model),
        "bytes": model.stat().st_size,
        "features": classifier.n_features_in_,
        "encoder": "bits" if classifier.encoder_ is None else str(classifier.encoder_),
        "layer_sizes": list(config.layer_sizes),
        "synapses": sum(a * b for a, b in zip(config.layer_sizes, config.layer_sizes[1:], strict=False)),
        "classes": [str(label) for label in classifier.classes_],
        "group_size": config.group_size,
        "robustness": config.robustness,
        "reinforcement": config.reinforcement,
        "hidden_clip": config.hidden_clip,
        "seed": config.seed,
        "epochs": state.epoch,
        "mini_batches": state.step,
        "trained_on": None if loaded.data is None else loaded.data.name,
        "trainable": network.has_hidden_weights,
        "hidden_sha256": network.hidden_sha256() if network.has_hidden_weights else None,
    }
    if as_json:
        print(json.dumps(content))
        return
    classes = content["classes"]
    shown = ", ".join(classes[:10]) + (", …" if len(classes) > 10 else "")
    rows = [
        ("file", f"{model}, {byte_size(content['bytes'])}"),
        ("input", f"{content['features']} features, {config.n_inputs} bits (encoder: {content['encoder']})"),
        ("layers", f"{' - '.join(map(str, config.layer_sizes))}, {content['synapses']:,} synapses"),
        ("classes", f"{len(classes)}: {shown}"),
        (
            "rule",
            f"group size {config.group_size}, robustness {config.robustness:g}, reinforcement "
            f"{config.reinforcement:g}, hidden clip {config.hidden_clip or 'none'}, seed {config.seed}",
        ),
        (
            "training",
            f"{state.epoch} epochs, {state.step} mini-batches on {content['trained_on'] or 'unrecorded data'}",
        ),
        ("hidden_sha256", content["hidden_sha256"] or "no hidden weights: for inference only"),
    ]
    out.print(facts(rows))
