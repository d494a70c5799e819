"""Cuts one column into bins that a person can read.

Rules:

1. at most 12 bins, each with at least 3 % of the rows, what is missing counted apart;
2. an edge lies between two values of the column, on the shortest decimal number that
   does: 0.35 rather than 0.347812. A bin begins at its edge;
3. first come fine bins of even size; then the two neighbors whose shares of bad differ
   least are joined again and again (the least loss of likelihood), until no more than 12
   are left. Fine bins survive where the risk bends, which is often the tail.

    edges_of(values, bad)     # array([0., 0.35, 1.2])
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

MAX_BINS: Final = 12
MIN_SHARE: Final = 0.03
# Fine bins before neighbors are joined: as many as a share of 3 % allows.
_FINE_BINS: Final = 32
# Between two shares of rows this far apart an edge may move to a rounder number.
_SLACK: Final = 0.005
_MOST_DIGITS: Final = 17
# Below it powers of ten lose their digits.
_LEAST_EXPONENT: Final = -300


def edges_of(
    values: Floats, bad: Floats, *, max_bins: int = MAX_BINS, min_share: float = MIN_SHARE
) -> Floats:
    """Returns the ascending edges of a column, shape (bins - 1,); empty: it tells nothing apart.

    `values`, shape (n,), may hold NaN; `bad`, shape (n,), holds 0.0 and 1.0. `min_share`
    is of all n rows.
    """
    present = ~np.isnan(values)
    order = np.argsort(values[present], kind="stable")
    told = values[present][order]
    least = max(1, math.ceil(min_share * values.size))
    cuts = _fine_cuts(told, least)
    if not cuts:
        return np.empty(0)
    cuts = _joined(cuts, bad[present][order], max_bins)
    slack = int(_SLACK * values.size)
    return np.unique([_edge(told, cut, slack) for cut in cuts])


def bins_of(values: Floats, edges: Floats) -> Integers:
    """Returns the bin of each value, 0 to len(edges); len(edges) + 1 for NaN."""
    return np.where(
        np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right")
    ).astype(np.int64)


def _fine_cuts(told: Floats, least: int) -> list[int]:
    """Returns the places in the sorted values at which fine bins begin, the first left out."""
    n = told.size
    # Where a value differs from the one before it: no cut may part equal values.
    steps: Integers = np.flatnonzero(told[1:] != told[:-1]) + 1
    size = max(least, n / _FINE_BINS)
    cuts: list[int] = []
    last, wanted = 0, size
    while wanted <= n - least and steps.size:
        place = int(np.searchsorted(steps, wanted))
        # The nearer of the two possible places around the wanted one.
        near = [int(step) for step in steps[max(0, place - 1) : place + 1]]
        fitting = [cut for cut in near if cut - last >= least and n - cut >= least]
        if fitting:
            last = min(fitting, key=lambda cut: abs(cut - wanted))
            cuts.append(last)
        wanted = max(wanted, last) + size
    return cuts


def _joined(cuts: list[int], bad: Floats, max_bins: int) -> list[int]:
    """Returns the cuts that are left once the least different neighbors are joined."""
    total = np.concatenate(([0.0], np.cumsum(bad)))
    ends = [0, *cuts, bad.size]
    losses = [_loss(total, *ends[place : place + 3]) for place in range(len(cuts))]
    while len(ends) - 1 > max_bins:
        least = int(np.argmin(losses))
        del ends[1 + least], losses[least]
        # Only the neighbors of what was joined lose otherwise now.
        for place in range(max(0, least - 1), min(least + 1, len(losses))):
            losses[place] = _loss(total, *ends[place : place + 3])
    return ends[1:-1]


def _loss(total: Floats, begin: int, middle: int, end: int) -> float:
    """Returns the likelihood that is lost by joining two bins, in nats."""
    return (
        _log_likelihood(total[middle] - total[begin], middle - begin)
        + _log_likelihood(total[end] - total[middle], end - middle)
        - _log_likelihood(total[end] - total[begin], end - begin)
    )


def _log_likelihood(bad: float, rows: int) -> float:
    return sum(part * math.log(part / rows) for part in (bad, rows - bad) if part > 0)


def _edge(told: Floats, cut: int, slack: int) -> float:
    """Returns the shortest number that parts the values near the cut."""
    exact = _shortest(float(told[cut - 1]), float(told[cut]))
    low = float(told[max(cut - 1 - slack, 0)])
    high = float(told[min(cut + slack, told.size - 1)])
    if low == high:
        return exact
    rounder = _shortest(low, high)
    # Moving rows to the neighbor is worth it only for a number that is really shorter.
    return rounder if _digits(rounder) < _digits(exact) else exact


def _shortest(low: float, high: float) -> float:
    """Returns a number above `low`, at most `high`, with as few digits as can be."""
    if not low < high or math.isinf(high) or math.isinf(low):
        return high
    middle = low + (high - low) / 2
    first = math.floor(math.log10(max(abs(low), abs(high))))
    for exponent in range(first, max(first - _MOST_DIGITS, _LEAST_EXPONENT), -1):
        # The multiples of a power of ten on both sides of the middle.
        below = math.floor(middle / 10.0**exponent)
        numbers = [float(f"{below + more}e{exponent}") for more in (0, 1)]
        inside = [number for number in numbers if low < number <= high]
        if inside:
            return min(inside, key=lambda number: abs(number - middle))
    return high


def _digits(number: float) -> int:
    """Returns how many significant digits a number has."""
    mantissa = f"{number:.{_MOST_DIGITS - 3}e}".split("e", maxsplit=1)[0]
    return len(mantissa.replace(".", "").strip("-").rstrip("0"))
