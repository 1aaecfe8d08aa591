"""Means, deviations and paired differences over seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import t as student_t


@dataclass(frozen=True)
class Summary:
    """Mean and standard deviation of n values; the deviation is None for one value alone."""

    n: int
    mean: float
    deviation: float | None


def summarise(values: Sequence[float]) -> Summary:
    """Mean and sample standard deviation (n - 1 in the denominator).

    Raises
    ------
    ValueError
        If there are no values.

    Examples
    --------
    >>> from bitlocal.lab.studies.reporting.statistics import summarise
    >>> summarise([1.0, 2.0, 3.0])
    Summary(n=3, mean=2.0, deviation=1.0)
    """
    if not values:
        raise ValueError("no values to summarise: expected at least one")
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Summary(len(values), statistics.fmean(values), deviation)


@dataclass(frozen=True)
class Difference:
    """Mean of n paired differences, and half the width of its confidence interval; None for one pair alone."""

    n: int
    mean: float
    half_width: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The confidence interval."""
        return None if self.half_width is None else (self.mean - self.half_width, self.mean + self.half_width)


def paired_difference(
    first: Mapping[int, float], second: Mapping[int, float], *, confidence: float = 0.95
) -> Difference | None:
    """How much larger the first is than the second, from the seeds that both have.

    The interval is that of Student's t with n - 1 degrees of freedom: it takes the differences for independent and
    normally distributed.

    Parameters
    ----------
    first, second : mapping of int to float
        A value for each seed. The same seed means the same data and the same split.
    confidence : float, default=0.95
        Probability that the interval is to cover the true mean with.

    Returns
    -------
    Difference or None
        None if they have no seed in common.

    Examples
    --------
    >>> from bitlocal.lab.studies.reporting.statistics import paired_difference
    >>> paired_difference({1: 3.0, 2: 5.0, 3: 9.0}, {1: 2.0, 2: 3.0}).mean
    1.5
    """
    seeds = sorted(set(first) & set(second))
    if not seeds:
        return None
    summary = summarise([first[seed] - second[seed] for seed in seeds])
    if summary.deviation is None:
        return Difference(summary.n, summary.mean, None)
    quantile = float(student_t.ppf((1 + confidence) / 2, summary.n - 1))
    return Difference(summary.n, summary.mean, quantile * summary.deviation / math.sqrt(summary.n))
