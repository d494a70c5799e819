"""Says whether a platform reads unusually many enterprises that are new to it.

A stolen key, or a purpose that crept, shows in enterprises that the platform never read
before. A day is unusual when these are more than `TIMES` the median of the `DAYS` days
before, and more than `FEW`: a platform that begins, or that reads five more than none, is
not remarkable.

    is_unusual(4_000, [900] * 14)      # True
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Final

TIMES: Final = 3
DAYS: Final = 14
FEW: Final = 100


def is_unusual(today: int, before: Sequence[int]) -> bool:
    """Returns whether so many new enterprises are unusual after these days, `DAYS` of them."""
    return today > max(TIMES * usual(before), FEW)


def usual(before: Sequence[int]) -> int:
    """Returns the median of the days, rounded down."""
    return int(statistics.median(before))
