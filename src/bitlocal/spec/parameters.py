"""The parameters of the classifier: one table, from which checks, command line, model files and documentation come.

`compose` makes a `Spec` of the parameters that define a network, `decompose` gives them back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bitlocal.spec import MOST_READ, READOUTS, Classes, Dense, LayerSpec, Pool, Rule, Spec
from bitlocal.spec.constraints import (
    Anything,
    Between,
    ClassWeights,
    Constraint,
    Flag,
    Inside,
    Jobs,
    LayerSizes,
    Odd,
    OneOf,
    Optional,
    Seed,
    Whole,
    is_whole,
)
from bitlocal.spec.presets import PRESETS, settle

_SAME: Any = object()  # the default on the command line is that in Python


@dataclass(frozen=True)
class Parameter:
    """A parameter of `BMLPClassifier`.

    Attributes
    ----------
    default : object
        Its default in Python.
    constraint : Constraint
        What values it takes.
    option : str or None
        Its option on the command line, if it has one.
    meaning : str
        What it is, in one line.
    usual : str or None
        The default in words, where the value does not tell.
    note : str
        What the help of the command line says beyond the meaning.
    option_default : object
        The default on the command line, where it differs.
    option_usual : str or None
        That in words.
    defines : bool
        Whether it defines the network and its rule, so that it cannot change while learning goes on.
    """

    default: Any
    constraint: Constraint
    option: str | None
    meaning: str
    usual: str | None = None
    note: str = ""
    option_default: Any = _SAME
    option_usual: str | None = None
    defines: bool = False

    def __post_init__(self) -> None:
        """Fill in the default on the command line."""
        if self.option_default is _SAME:
            object.__setattr__(self, "option_default", self.default)
            object.__setattr__(self, "option_usual", self.option_usual or self.usual)


_USUAL = PRESETS[None]

PARAMETERS: Mapping[str, Parameter] = {
    "hidden_layer_sizes": Parameter(
        None,
        Optional(LayerSizes(2**24 - 1)),
        "--hidden",
        "neurons in each trained layer",
        ",".join(map(str, _USUAL.hidden_layer_sizes)),
        note="with commas between",
        defines=True,
    ),
    "group_size": Parameter(
        None,
        Optional(Whole(1)),
        "--group-size",
        "a sample updates at most one neuron in each group of this many",
        f"about {_USUAL.group_size}",
        note="divides every layer",
        defines=True,
    ),
    "robustness": Parameter(
        None,
        Optional(Between(0, 1)),
        "--robustness",
        "a sample teaches until its class leads by this share of the layer",
        f"{_USUAL.robustness}",
        defines=True,
    ),
    "reinforcement": Parameter(
        None,
        Optional(Between(0, 10)),
        "--reinforcement",
        "how readily hidden weights move away from zero",
        f"{_USUAL.reinforcement}",
        defines=True,
    ),
    "batch_size": Parameter(
        None, Optional(Whole(1, 2**63 - 1)), "--batch-size", "samples in a mini-batch", f"{_USUAL.batch_size}"
    ),
    "max_iter": Parameter(
        None,
        Optional(Whole(1)),
        "--epochs",
        f"passes over the training data; more than {_USUAL.epochs} for small data",
        f"{_USUAL.epochs} or more",
    ),
    "hidden_clip": Parameter(
        None, Optional(Odd(1, 65535)), "--clip", "odd bound on the hidden weights", "none", defines=True
    ),
    "freeze_first": Parameter(False, Flag(), "--freeze-first", "leave the first layer as it was drawn", defines=True),
    "train_classifier": Parameter(
        False, Flag(), "--train-classifier", "let the last layer's classifier learn too", defines=True
    ),
    "single_output": Parameter(False, Flag(), "--single-output", "one output unit for two classes", defines=True),
    "readout": Parameter(
        None,
        Optional(OneOf((*READOUTS, "auto"))),
        "--readout",
        "what tells the class: votes of the last layer, or integers that are learned from it",
        _USUAL.readout,
        note="votes, learned, or auto: what does better on samples that are held out",
        defines=True,
    ),
    "encoder": Parameter(
        "auto",
        Anything(),
        "--encoder",
        "how samples become bits",
        note="auto (what suits the data; for tables decided on samples that are held out), median, "
        "column-median, thermometer, thermometerN for N bits a feature, "
        "table, thermometerN+obliqueM and table+obliqueM with M sums of columns, table+conjunctionsM, "
        "image:PARTS as in image:thermometer4+hog4, signal:PARTS as in signal:thermometer4+bands8, or text",
    ),
    "class_weight": Parameter(
        None,
        ClassWeights(),
        "--class-weight",
        "how often samples of a class count; balanced: rare ones as much as common ones",
        "1 each",
    ),
    "probability": Parameter(
        True,
        Flag(),
        "--probability",
        "prepare class probabilities, which takes up to as long as the training",
        "on",
        option_default=False,
        option_usual="off",
    ),
    "early_stopping": Parameter(
        False, Flag(), "--early-stopping", "stop when the validation accuracy no longer rises; keep the best network"
    ),
    "validation_fraction": Parameter(
        None,
        Optional(Inside(0, 1)),
        "--validation-fraction",
        "share of the training data to watch the accuracy on",
        "none",
    ),
    "n_iter_no_change": Parameter(10, Whole(1), None, "epochs without improvement before an early stop"),
    "tol": Parameter(0.0, Between(0, 1), None, "how much the validation accuracy must rise to count"),
    "warm_start": Parameter(False, Flag(), None, "let `fit` go on from the network of the last one"),
    "random_state": Parameter(
        None, Seed(), "--seed", "seed of everything random", "random", option_default=0, option_usual="0"
    ),
    "n_jobs": Parameter(
        None, Jobs(), "--threads", "threads; the result is the same", "1", option_default=None, option_usual="all"
    ),
    "verbose": Parameter(False, Anything(), None, "print a line for each epoch"),
    "preset": Parameter(
        None,
        Optional(OneOf(tuple(name for name in PRESETS if name is not None))),
        "--preset",
        "what parameters without a value mean",
        "none",
        note="; ".join(f"{name}: {preset.meaning}" for name, preset in PRESETS.items() if name is not None),
    ),
}
DEFAULTS: Mapping[str, Any] = {name: parameter.default for name, parameter in PARAMETERS.items()}


def draw_seed(random_state: Any) -> int:
    """Give the seed that a random state stands for: itself, if it is a whole number."""
    if is_whole(random_state):
        return int(random_state)
    from sklearn.utils import check_random_state  # here, since a table of parameters needs no scikit-learn

    return int(check_random_state(random_state).randint(2**31))


def markdown_table() -> str:
    """Write the parameters that have an option as a table, for the README."""
    rows = ["| Python | command line | default | meaning |", "|---|---|---|---|"]
    for name, parameter in PARAMETERS.items():
        if parameter.option is not None:
            usual = parameter.usual or {False: "off"}.get(parameter.default, parameter.default)
            if parameter.option_usual != parameter.usual:
                usual = f"{usual}; {parameter.option_usual}"
            rows.append(f"| `{name}` | `{parameter.option}` | {usual} | {parameter.meaning} |")
    return "\n".join(rows)


def check(parameters: Mapping[str, Any]) -> None:
    """Check parameters, one by one and together.

    Raises
    ------
    ValueError
        If one is not valid, or they contradict each other; the message says what was expected.
    """
    for name, value in parameters.items():
        if name in PARAMETERS:
            PARAMETERS[name].constraint.check(name, value)
    settled = settle(parameters)
    sizes = layer_sizes(settled["hidden_layer_sizes"])
    _check_groups(sizes, int(settled["group_size"]))
    if parameters.get("freeze_first") and len(sizes) == 1 and not parameters["train_classifier"]:
        raise ValueError("freeze_first=True leaves nothing to train: add a layer, or set train_classifier=True")
    if parameters.get("single_output") and parameters["train_classifier"]:
        raise ValueError("single_output=True and train_classifier=True cannot be combined: choose one")
    if parameters.get("readout") == "learned":
        _check_readout(parameters, sizes[-1])


def _check_readout(parameters: Mapping[str, Any], n_neurons: int) -> None:
    for name in ("single_output", "train_classifier"):
        if parameters.get(name):
            raise ValueError(f"readout='learned' and {name}=True cannot be combined: choose one")
    if n_neurons > MOST_READ:
        raise ValueError(
            f"readout='learned' reads at most {MOST_READ} neurons, got {n_neurons}: make the last layer smaller, or "
            "set readout='votes'"
        )


def layer_sizes(sizes: Sequence[int] | int) -> tuple[int, ...]:
    """Give `hidden_layer_sizes`, which may be one number, as a tuple."""
    return tuple(LayerSizes.each(sizes))


def _check_groups(sizes: Sequence[int], group_size: int) -> None:
    for size in sizes:
        if size % group_size:
            raise ValueError(
                f"group_size={group_size} does not divide the layer of {size} neurons; the nearest that "
                f"does: {_nearest_divisors(size, group_size)}"
            )


def _nearest_divisors(size: int, wanted: int) -> str:
    divisors = [d for d in range(1, size + 1) if size % d == 0]
    below = [d for d in divisors if d < wanted][-1:]
    above = [d for d in divisors if d > wanted][:1]
    return " and ".join(str(d) for d in below + above)


# Between parameters and a network's specification ------------------------------------------------------------------


def compose(
    parameters: Mapping[str, Any], *, n_inputs: int, n_classes: int, seed: int = 0, majority: bool = False
) -> Spec:
    """Make the specification that parameters stand for.

    Parameters
    ----------
    parameters : mapping
        Any of those that define a network; others, and those that are None, are as the preset among them says.
    n_inputs, n_classes : int
        Input bits and classes.
    seed : int, default=0
        Seed of all random numbers.
    majority : bool, default=False
        Whether each group is a majority unit, and only these units reach the local classifier: the single-layer
        method.

    Returns
    -------
    Spec

    Examples
    --------
    >>> from bitlocal.spec.parameters import compose
    >>> compose({"hidden_layer_sizes": (60, 30), "group_size": 15}, n_inputs=8, n_classes=3).layers
    (Dense(neurons=60, group_size=15, frozen=False), Dense(neurons=30, group_size=15, frozen=False))
    """
    given = settle({**DEFAULTS, **parameters})
    sizes = layer_sizes(given["hidden_layer_sizes"])
    group_size = int(given["group_size"])
    layers: list[LayerSpec] = []
    for i, size in enumerate(sizes):
        layers.append(Dense(size, group_size, frozen=bool(given["freeze_first"]) and i == 0))
        if majority:
            layers.append(Pool(group_size))
    clip = given["hidden_clip"]
    return Spec(
        n_inputs,
        tuple(layers),
        Classes(
            n_classes,
            trained=bool(given["train_classifier"]),
            single_output=bool(given["single_output"]),
            readout="votes" if given["readout"] == "auto" else given["readout"],
        ),
        Rule(float(given["robustness"]), float(given["reinforcement"]), None if clip is None else int(clip)),
        seed,
    )


def decompose(spec: Spec) -> dict[str, Any]:
    """Give the parameters that define a network, and `majority`: the reverse of `compose`."""
    first = spec.blocks[0]
    return {
        "hidden_layer_sizes": spec.layer_sizes[1:],
        "group_size": first.group_size,
        "robustness": spec.rule.robustness,
        "reinforcement": spec.rule.reinforcement,
        "hidden_clip": spec.rule.hidden_clip,
        "majority": bool(first.pools),
        "freeze_first": first.frozen,
        "train_classifier": spec.target.trained,
        "single_output": spec.target.single_output,
        "readout": spec.target.readout,
    }
