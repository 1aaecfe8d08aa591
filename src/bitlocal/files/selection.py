"""What was chosen from, in the header of a model file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bitlocal.encoders import make_encoder
from bitlocal.estimator.selection import Selection, Trial
from bitlocal.files.schema import fits, require
from bitlocal.spec.parameters import DEFAULTS, check


def selection_to_json(selection: Selection) -> dict[str, Any]:
    """Give the entries of a selection."""
    return {
        "held_out": selection.n_held_out,
        "chosen": selection.place,
        "trials": [{"parameters": dict(one.parameters), "accuracy": one.accuracy} for one in selection.trials],
    }


def selection_from_json(entries: Any) -> Selection:
    """Make a selection; raises ValueError, LookupError or TypeError if an entry is missing or not valid."""
    require(isinstance(entries, dict), "what was tried on held-out samples is not valid")
    n_held_out, place, trials = entries["held_out"], entries["chosen"], entries["trials"]
    require(
        fits(n_held_out, int) and n_held_out > 0 and isinstance(trials, list) and fits(place, int),
        "what was tried on held-out samples is not valid",
    )
    require(0 <= place < len(trials), "what was chosen on held-out samples is not among what was tried")
    return Selection(tuple(_trial(one) for one in trials), place, n_held_out)


def _trial(entries: Mapping[str, Any]) -> Trial:
    parameters, accuracy = entries["parameters"], entries["accuracy"]
    require(
        isinstance(parameters, dict)
        and set(parameters) <= {"encoder", "readout"}
        and fits(parameters.get("encoder"), str | None)
        and fits(accuracy, float)
        and 0 <= accuracy <= 1,
        "what was tried on held-out samples is not valid",
    )
    if parameters.get("encoder") is not None:
        make_encoder(parameters["encoder"])  # refuses what it does not know
    check({**DEFAULTS, **parameters})
    return Trial(parameters, float(accuracy))
