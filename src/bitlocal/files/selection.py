"""What was chosen from, in the header of a model file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bitlocal.encoders import make_encoder
from bitlocal.estimator.selection import Candidate, Selection, Trial
from bitlocal.files.schema import fits, require
from bitlocal.spec.parameters import DEFAULTS, check


def selection_to_json(selection: Selection) -> dict[str, Any]:
    """Give the entries of a selection."""
    return {
        "held_out": selection.n_held_out,
        "chosen": selection.place,
        "trials": [
            {"encoder": one.candidate.encoder, "parameters": dict(one.candidate.parameters), "accuracy": one.accuracy}
            for one in selection.trials
        ],
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
    encoder, parameters, accuracy = entries["encoder"], entries["parameters"], entries["accuracy"]
    require(
        fits(encoder, str | None)
        and isinstance(parameters, dict)
        and all(name in DEFAULTS for name in parameters)
        and fits(accuracy, float)
        and 0 <= accuracy <= 1,
        "what was tried on held-out samples is not valid",
    )
    if encoder is not None:
        make_encoder(encoder)  # refuses what it does not know
    parameters = {name: tuple(v) if isinstance(v, list) else v for name, v in parameters.items()}
    check({**DEFAULTS, **parameters})
    return Trial(Candidate(encoder, parameters), float(accuracy))
