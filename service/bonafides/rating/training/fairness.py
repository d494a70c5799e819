"""Measures whether good enterprises of one group are called bad more often than others.

Of each group of an axis (entity type, size band, region, new or not): the share of each
level, the share of good rows that got C or D ("false C/D"), and the share of bad rows that
got A or better. The ratio compares a group's false C/D with that of all other rows of the
axis; its bounds at 95 % are those of the logarithm of a ratio of two shares (Katz 1978),
with half a row added, so that none is divided by zero. With fewer than 30 good rows on
either side nothing is judged, and that is said. What ratio a card may have is for
`bonafides.rating.gates` to say.

Axes are for audits alone and no inputs of a card.

    by_group("region", regions, levels, bad)[0].ratio     # Interval(1.1, 0.9, 1.3)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bonafides.rating.reports import GroupFairness, Interval
from bonafides.rating.training.binning import Floats

FEWEST_GOODS: Final = 30
_LOW_LEVELS: Final = ("C", "D")
_HIGH_LEVELS: Final = ("AAA", "AA", "A")
_HALF: Final = 0.5
_CONFIDENCE: Final = 0.95

Texts = NDArray[np.str_]


def by_group(
    axis: str, groups: Sequence[str], levels: Sequence[str], bad: Floats
) -> tuple[GroupFairness, ...]:
    """Returns how each group of an axis fares, by name; one entry a row in each argument."""
    of, given = np.asarray(groups, dtype=str), np.asarray(levels, dtype=str)
    return tuple(_group(axis, str(name), of, given, bad) for name in np.unique(of))


def _group(axis: str, name: str, of: Texts, levels: Texts, bad: Floats) -> GroupFairness:
    inside, good = of == name, bad == 0
    low, high = np.isin(levels, _LOW_LEVELS), np.isin(levels, _HIGH_LEVELS)
    goods, others = int((inside & good).sum()), int((~inside & good).sum())
    bads = int((inside & ~good).sum())
    wrong = int((inside & good & low).sum())
    judged = min(goods, others) >= FEWEST_GOODS
    of_others = int((~inside & good & low).sum())
    return GroupFairness(
        axis=axis,
        group=name,
        rows=int(inside.sum()),
        goods=goods,
        bads=bads,
        levels={str(level): float((levels[inside] == level).mean()) for level in np.unique(levels)},
        false_low=_share(wrong, goods),
        false_high=_share(int((inside & ~good & high).sum()), bads),
        ratio=_ratio((wrong, goods), (of_others, others)) if judged else None,
    )


def _share(part: int, whole: int) -> Interval | None:
    if whole == 0:
        return None
    bounds = stats.binomtest(part, whole).proportion_ci(_CONFIDENCE, method="wilson")
    return Interval(part / whole, float(bounds.low), float(bounds.high))


def _ratio(one: tuple[int, int], other: tuple[int, int]) -> Interval:
    """Returns the ratio of two shares, each as part and whole."""
    (part, whole), (part_other, whole_other) = one, other
    shares = (part + _HALF) / (whole + _HALF), (part_other + _HALF) / (whole_other + _HALF)
    deviation = math.sqrt(
        1 / (part + _HALF)
        - 1 / (whole + _HALF)
        + 1 / (part_other + _HALF)
        - 1 / (whole_other + _HALF)
    )
    reach = float(stats.norm.ppf((1 + _CONFIDENCE) / 2)) * deviation
    middle = math.log(shares[0] / shares[1])
    return Interval(math.exp(middle), math.exp(middle - reach), math.exp(middle + reach))
