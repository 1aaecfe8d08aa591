"""Values from JSON that nobody vouches for: of the type that was declared, or refused."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, NoReturn, TypeVar, get_args, get_origin

import numpy as np

MOST_BYTES = 2**30  # of what a small file could make large: far beyond any real model
_T = TypeVar("_T")


def build(make: Callable[..., _T], values: Mapping[str, Any], **others: Any) -> _T:
    """Call a constructor with JSON values, which must be of the types that it declares; lists become tuples."""
    declared = inspect.signature(make, eval_str=True).parameters
    for name, value in values.items():
        if name not in declared:
            raise ValueError(f"{brief(name)} is unknown to this version of bitlocal")
        if not fits(value, declared[name].annotation):
            raise ValueError(f"{name} cannot be {brief(value)}")
    return make(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}, **others)


def fits(value: Any, kind: Any) -> bool:
    """Whether a JSON value is of a type; a list is a tuple there."""
    options = get_args(kind)
    if get_origin(kind) is tuple:
        return isinstance(value, list) and all(fits(item, options[0]) for item in value)
    if get_origin(kind) is Literal:
        return value in options
    if options:  # a union
        return any(fits(value, option) for option in options)
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value)
    if kind is bool:
        return isinstance(value, int)  # verbose=1 is common
    return type(value) is kind


def require(condition: Any, problem: str) -> None:
    """Raise a ValueError that tells the problem, unless the condition holds."""
    if not condition:
        raise ValueError(problem)


def plain(value: Any) -> Any:
    """Turn NumPy's scalars into Python's: a float into the decimal as which it is written, like the margins do."""
    if isinstance(value, np.floating):
        return float(str(value))
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a value of type {type(value).__name__}: {brief(value)}")


def refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and infinity, which Python's reader of JSON would take."""
    raise ValueError(f"{name} is not JSON")


def brief(value: Any) -> str:
    """Write a value in at most 40 characters."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def reason(error: Exception) -> str:
    """Write what an error complains of, in one line."""
    if isinstance(error, LookupError):
        return f"{brief(error.args[0]) if error.args else 'an entry'} is missing or unknown"
    return " ".join(str(error).split())
