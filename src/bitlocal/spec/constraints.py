"""What values a parameter takes, as data, with an error that says what was expected."""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np


class Constraint(Protocol):
    """What values a parameter takes."""

    @property
    def kind(self) -> Any:
        """What an option on the command line is read as."""

    def check(self, name: str, value: Any) -> None:
        """Raise a ValueError that says what was expected, unless the value is taken."""


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, and no truth value."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_real(value: Any) -> bool:
    """Whether a value is a number, and no truth value."""
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


@dataclass(frozen=True)
class Anything:
    """Whatever it is, it is checked elsewhere."""

    kind: ClassVar[Any] = str

    def check(self, name: str, value: Any) -> None:
        """Take any value."""


@dataclass(frozen=True)
class Optional:
    """None, or what another constraint takes."""

    other: Constraint

    @property
    def kind(self) -> Any:
        """That of the other, or None."""
        return self.other.kind | None

    def check(self, name: str, value: Any) -> None:
        """Check the value unless it is None."""
        if value is not None:
            self.other.check(name, value)


@dataclass(frozen=True)
class Whole:
    """Whole numbers from `low` to `high`, or without end."""

    kind: ClassVar[Any] = int
    low: int
    high: int | None = None

    def check(self, name: str, value: Any) -> None:
        """Raise a ValueError unless the value is one of them."""
        if not is_whole(value) or value < self.low or (self.high is not None and value > self.high):
            limits = f"of at least {self.low}" if self.high is None else f"from {self.low} to {self.high}"
            raise ValueError(f"{name}={value!r}: expected a whole number {limits}")


@dataclass(frozen=True)
class ClassWeights:
    """None, "balanced", or numbers of at least 0 by class label."""

    kind: ClassVar[Any] = str | None

    def check(self, name: str, value: Any) -> None:
        """Raise a ValueError unless the value is one of these."""
        if value is None or (isinstance(value, str) and value == "balanced"):
            return
        if not isinstance(value, Mapping):
            raise ValueError(f"{name}={value!r}: expected 'balanced', a dict of class label to weight, or None")
        for label, weight in value.items():
            if not is_real(weight) or not 0 <= weight < float("inf"):
                raise ValueError(f"{name}={value!r}: expected numbers of at least 0, got {weight!r} for {label!r}")


@dataclass(frozen=True)
class Odd(Whole):
    """Odd numbers among these."""

    def check(self, name: str, value: Any) -> None:
        """Raise a ValueError unless the value is one of them."""
        super().check(name, value)
        if value % 2 == 0:
            raise ValueError(f"{name}={value}: expected an odd number, since hidden weights are odd")


@dataclass(frozen=True)
class Between:
    """Numbers from `low` to `high`, both included; no end where `high` is None."""

    kind: ClassVar[Any] = float
    low: float
    high: float | None

    def check(self, name: str, value: Any) -> None:
        """Raise a ValueError unless the value is one of them."""
        below = is_real(value) and (value < np.inf if self.high is None else value <= self.high)
        if not below or not value >= self.low:
            limits = f"of at least {self.low:g}" if self.high is None else f"from {self.low:g} to {self.high:g}"
            raise ValueError(f"{name}={value!r}: expected a number {limits}")


@dataclass(frozen=True)
class Inside(Between):
    """Numbers between `low` and `high`, neither included."""

    def check(self, name: str, value: Any) -> None:
        """Raise a ValueError unless the value is one of them."""
        super().check(name, value)
        if value in (self.low, self.high):
            raise ValueError(f"{name}={value!r}: expected a number between {self.low:g} and {self.high:g}, or None")


@dataclass(frozen=True)
class Flag:
    """True or False."""

    kind: ClassVar[Any] = bool

    def check(self, name: str, value: Any) -> None:
        """Raise a ValueError unless the value is one of them."""
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"{name}={value!r}: expected True or False")


@dataclass(frozen=True)
class OneOf:
    """One of several words."""

    kind: ClassVar[Any] = str
    words: tuple[str, ...]

    def check(self, name: str, value: Any) -> None:
        """Raise a ValueError unless the value is one of them."""
        if not isinstance(value, str) or value not in self.words:
            *most, last = map(repr, self.words)
            raise ValueError(f"{name}={value!r}: expected {', '.join(most)} or {last}")


@dataclass(frozen=True)
class LayerSizes:
    """One whole number from 1 on, or a sequence of at least one of them."""

    kind: ClassVar[Any] = str
    high: int | None = None

    def check(self, name: str, value: Any) -> None:
        """Raise a ValueError unless the value is one of them."""
        sizes = list(np.atleast_1d(np.asarray(value, dtype=object)))
        for size in sizes:
            Whole(1, self.high).check(name, size)
        if len(sizes) == 0:
            raise ValueError(f"{name} is empty: expected at least one layer, as in (1035,)")

    @staticmethod
    def each(value: Any) -> Iterator[int]:
        """Give the sizes, one by one."""
        return (int(size) for size in np.atleast_1d(np.asarray(value)))


@dataclass(frozen=True)
class Seed:
    """What scikit-learn calls a random state, but for negative numbers and those beyond 64 bits."""

    kind: ClassVar[Any] = int

    def check(self, name: str, value: Any) -> None:
        """Raise a ValueError unless the value is one of them."""
        if value is None or isinstance(value, np.random.RandomState) or (is_whole(value) and 0 <= value < 2**64):
            return
        raise ValueError(f"{name}={value!r}: expected a whole number from 0 to 2**64 - 1, a RandomState or None")


@dataclass(frozen=True)
class Jobs:
    """Numbers of threads, as scikit-learn counts them."""

    kind: ClassVar[Any] = int | None

    def check(self, name: str, value: Any) -> None:
        """Raise a ValueError unless the value is one of them."""
        if value is not None and (not is_whole(value) or value == 0):
            raise ValueError(f"{name}={value!r}: expected a whole number other than 0, or None")
