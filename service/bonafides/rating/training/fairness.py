"""Measures whether good enterprises of one group are called bad more often than others.

Of each group of an axis (entity type, size band, region, new or not): the share of each
level, the share of good rows that got C or D ("false C/D"), and the share of bad rows that
got A or better. The ratio compares a group's false C/D with that of all other rows of the
axis. Its bounds are

1. those of the logarithm of a ratio of two shares, half a row added to each count, so that
   none is divided by zero (Katz 1978); or wider ones, if rows of one enterprise go
   together: the sum of the squares of what each enterprise adds to that logarithm;
2. at 95 % for all judged groups of the axis at once (Bonferroni): of six regions that fare
   alike hardly one is called unfair in twenty reports.

With fewer than 30 good rows on either side nothing is judged, and that is said. What
ratio a card may have is for `bonafides.rating.gates` to say.

Axes are for audits alone and no inputs of a card.

    by_group("region", regions, rows)[0].ratio     # Interval(1.1, 0.9, 1.3)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bonafides.rating.reports import GroupFairness, Interval
from bonafides.rating.training.binning import Floats, Integers

FEWEST_GOODS: Final = 30
_LOW_LEVELS: Final = ("C", "D")
_HIGH_LEVELS: Final = ("AAA", "AA", "A")
_HALF: Final = 0.5
_CONFIDENCE: Final = 0.95

Texts = NDArray[np.str_]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rated:
    """What fairness looks at, row by row: whose it is, its level, and 1 for bad, else 0."""

    enterprises: Sequence[str]
    levels: Sequence[str]
    bad: Floats


def by_group(axis: str, groups: Sequence[str], rows: Rated) -> tuple[GroupFairness, ...]:
    """Returns how each group of an axis fares, by name; `groups` has one entry a row."""
    of = np.asarray(groups, dtype=str)
    known = _Known(
        np.unique(np.asarray(rows.enterprises), return_inverse=True)[1],
        np.asarray(rows.levels, dtype=str),
        rows.bad == 0,
    )
    names = [str(name) for name in np.unique(of)]
    judged = {name for name in names if _is_judged(of == name, known.good)}
    # Normal quantile: both tails, shared by all that are judged.
    reach = float(stats.norm.ppf(1 - (1 - _CONFIDENCE) / 2 / max(1, len(judged))))
    return tuple(_group((axis, name), of == name, known, reach, name in judged) for name in names)


@dataclass(frozen=True, slots=True)
class _Known:
    """The number of each row's enterprise, its level, and whether it is good."""

    of: Integers
    levels: Texts
    good: Flags


def _is_judged(inside: Flags, good: Flags) -> bool:
    return bool(min((inside & good).sum(), (~inside & good).sum()) >= FEWEST_GOODS)


def _group(
    name: tuple[str, str],
    inside: Flags,
    known: _Known,
    reach: float,
    judged: bool,  # noqa: FBT001 - it is what is told
) -> GroupFairness:
    levels, good = known.levels, known.good
    low, high = np.isin(levels, _LOW_LEVELS), np.isin(levels, _HIGH_LEVELS)
    goods, bads = int((inside & good).sum()), int((inside & ~good).sum())
    return GroupFairness(
        axis=name[0],
        group=name[1],
        rows=int(inside.sum()),
        goods=goods,
        bads=bads,
        levels={str(level): float((levels[inside] == level).mean()) for level in np.unique(levels)},
        false_low=_share(int((inside & good & low).sum()), goods),
        false_high=_share(int((inside & ~good & high).sum()), bads),
        ratio=_ratio(inside, known, low, reach) if judged else None,
    )


def _share(part: int, whole: int) -> Interval | None:
    if whole == 0:
        return None
    bounds = stats.binomtest(part, whole).proportion_ci(_CONFIDENCE, method="wilson")
    return Interval(part / whole, float(bounds.low), float(bounds.high))


def _ratio(inside: Flags, known: _Known, low: Flags, reach: float) -> Interval:
    """Returns the ratio of a group's false C/D to that of the other rows."""
    share, one, apart = _part(inside & known.good, known, low)
    share_other, other, apart_other = _part(~inside & known.good, known, low)
    # Rows that go together tell less than their number; rows that don't, no more than it.
    variance = max(float(((one - other) ** 2).sum()), apart + apart_other)
    middle, width = math.log(share / share_other), reach * math.sqrt(variance)
    return Interval(math.exp(middle), math.exp(middle - width), math.exp(middle + width))


def _part(rows: Flags, known: _Known, low: Flags) -> tuple[float, Floats, float]:
    """Returns the share that is low, and of its logarithm two things.

    What each enterprise adds to it, and its variance if rows were independent.
    """
    part, whole = (rows & low).sum() + _HALF, rows.sum() + _HALF
    share = float(part / whole)
    most = int(known.of.max()) + 1
    wrong = np.bincount(known.of, weights=(rows & low).astype(np.float64), minlength=most)
    counted = np.bincount(known.of, weights=rows.astype(np.float64), minlength=most)
    return share, (wrong - share * counted) / part, float(1 / part - 1 / whole)
