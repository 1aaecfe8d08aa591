"""The classifier's parameters as options of a command."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from bitlocal.spec.constraints import Jobs, LayerSizes, Optional, Seed
from bitlocal.spec.parameters import PARAMETERS, Parameter

_LIMITS: dict[type, dict[str, Any]] = {Seed: {"min": 0, "max": 2**64 - 1}, Jobs: {"min": 1, "max": 1024}}


def with_parameters(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each parameter that has one; it takes their values as keyword arguments.

    The options stand in the help before those that the command takes by keyword alone.
    """
    with_option = {name: parameter for name, parameter in PARAMETERS.items() if parameter.option is not None}
    words = {name: str(parameter.option).lstrip("-").replace("-", "_") for name, parameter in with_option.items()}

    def run(**given: Any) -> None:
        values = {name: _value(parameter, given.pop(words[name])) for name, parameter in with_option.items()}
        command(**given, **values)

    own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.kind is not p.VAR_KEYWORD]
    first = [p.replace(kind=p.KEYWORD_ONLY) for p in own if p.kind is not p.KEYWORD_ONLY]
    options = [
        inspect.Parameter(
            words[name],
            inspect.Parameter.KEYWORD_ONLY,
            default=parameter.option_default,
            annotation=_option(parameter),
        )
        for name, parameter in with_option.items()
    ]
    everything = [*first, *options, *(p for p in own if p.kind is p.KEYWORD_ONLY)]
    run.__signature__ = inspect.Signature(everything)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in everything}
    run.__doc__, run.__name__ = command.__doc__, command.__name__
    return run


def _option(parameter: Parameter) -> Any:
    usual = f" (default: {parameter.option_usual})" if parameter.option_default is None else ""
    note = f"; {parameter.note}" if parameter.note else ""
    text = f"{parameter.meaning[0].upper()}{parameter.meaning[1:]}{note}{usual}."
    limits = _LIMITS.get(type(parameter.constraint), {})
    return Annotated[parameter.constraint.kind, typer.Option(parameter.option, help=text, **limits)]


def _value(parameter: Parameter, value: Any) -> Any:
    """Give what was typed as the classifier takes it."""
    sizes = isinstance(parameter.constraint, Optional) and isinstance(parameter.constraint.other, LayerSizes)
    if value is None or not sizes:
        return value
    try:
        return tuple(int(size) for size in value.split(","))
    except ValueError:
        raise ValueError(
            f"{parameter.option} {value!r}: expected whole numbers with commas between, as in 1035,525"
        ) from None
