"""Sharing out a number of bits among features, by what each tells about the classes."""

from __future__ import annotations

import heapq
from collections.abc import Sequence


def allot_bits(most: Sequence[int], usefulness: Sequence[float], max_bits: int) -> list[int]:
    """Share out bits in proportion to usefulness, none getting more than it can use.

    As seats are shared out among parties (D'Hondt's method): the next bit goes to the feature with the largest
    usefulness for each bit that it would then have. While they last, every feature gets one bit.

    Parameters
    ----------
    most : sequence of int
        How many bits each feature can use.
    usefulness : sequence of float
        At least 0.
    max_bits : int
        Bits to share out.

    Returns
    -------
    list of int
        Bits of each feature.

    Examples
    --------
    >>> from bitlocal.encoders.allotment import allot_bits
    >>> allot_bits(most=[8, 8, 1], usefulness=[0.6, 0.2, 0.9], max_bits=8)
    [5, 2, 1]
    """
    least = 1e-6 * max([*usefulness, 1e-6])  # what is useless alone may be of use with others
    shares = [0] * len(most)
    # First all that have no bit yet, the most useful before the others.
    queue = [(-float("inf"), -max(u, least), i) for i, u in enumerate(usefulness) if most[i] > 0]
    heapq.heapify(queue)
    for _ in range(min(max_bits, sum(most))):
        _, weight, i = heapq.heappop(queue)
        shares[i] += 1
        if shares[i] < most[i]:
            heapq.heappush(queue, (weight / (shares[i] + 1), weight, i))
    return shares
