"""Memory and gates of a cell, from `bitlocal.lab.cost`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from bitlocal.lab import cost
from bitlocal.lab.methods import LOCAL
from bitlocal.lab.studies.running.cells import Cell
from bitlocal.lab.studies.running.data import Facts

# Options of the rule that change what is kept and counted, and that `bitlocal.lab.cost` does not know.
_UNKNOWN = ("train_classifier", "single_output")


def costs(cell: Cell, n_inputs: int, n_classes: int, n_train: int, counts: Mapping[str, Any]) -> Any:
    """Tell what a training took.

    Parameters
    ----------
    cell : Cell
        Method, widths and settings.
    n_inputs, n_classes, n_train : int
        Sizes.
    counts : mapping
        What the training counted, with the names of `bitlocal.lab.cost.Run`.

    Returns
    -------
    dict or None
        Bits of memory to train, the same as the publication adds it up (without gradients and the optimiser's state),
        and to infer one sample; gates of the whole training and of the inference of one sample; items and steps. None
        where `bitlocal.lab.cost` does not know an option.
    """
    settings = dict(cell.settings)
    if any(settings.get(name) for name in _UNKNOWN):
        return None
    shape: Any = (cell.method, n_inputs, cell.hidden, n_classes)
    group_size = settings.get("group_size")
    clip = int(settings.get("hidden_clip", 65535))
    counter_bits = clip.bit_length()
    options: Any = {
        "group_size": None if group_size is None else int(group_size),
        "counter_bits": counter_bits,
        "freeze_first": bool(settings.get("freeze_first", False)),
    }
    to_train = cost.memory(*shape, n_samples=n_train, input_type=cell.kept_as, **options)
    to_infer = cost.memory(*shape, training=False, input_type=cell.kept_as, **options)
    if cell.method not in LOCAL:
        counts = {name: counts[name] for name in ("seen", "batches")}
    trained = cost.gates(cost.operations(*shape, run=counts, clip=clip < 65535, **options))
    return {
        "training_memory_bits": to_train.total,
        "published_memory_bits": to_train.published_total,
        "inference_memory_bits": to_infer.total,
        "training_gates": sum(trained.values()),
        "inference_gates": sum(cost.gates(cost.operations(*shape, **options)).values()),
        "training_memory": to_train.items,
        "training_gates_by_step": trained,
    }


def samples_at_equal_memory(
    facts: Facts, method: str, hidden: tuple[int, ...], *, kept_as: str, with_state: bool = False
) -> int:
    """How many samples a float method may keep in the memory that BMLP of the same widths needs for all of them.

    Parameters
    ----------
    facts : Facts
        The data.
    method : {"sgd", "adam"}
        The method.
    hidden : tuple of int
        Widths of both.
    kept_as : {"float32", "uint8", "bits"}
        How the float method keeps a value.
    with_state : bool, default=False
        Whether gradients and the optimiser's state count, which the publication leaves out.
    """
    return cost.equal_memory(
        budget(facts, hidden),
        method,
        facts.n_features if facts.numeric else facts.n_bits,
        hidden,
        facts.n_classes,
        input_type=kept_as,
        at_most=facts.n_train,
        with_state=with_state,
    )


def budget(facts: Facts, hidden: tuple[int, ...]) -> cost.Memory:
    """Memory that BMLP needs to train on all samples."""
    return cost.memory("bmlp", facts.n_bits, hidden, facts.n_classes, n_samples=facts.n_train)


def ways_to_keep(facts: Facts) -> tuple[Literal["bits", "uint8", "float32"], ...]:
    """How a float method may keep values of these data: as the publication has it first, then as they came."""
    if facts.value_bits == 1 or not facts.numeric:
        return ("bits",)
    return ("float32", "uint8") if facts.value_bits == 8 else ("float32",)
