"""How much is tried: QUICK for a look in three minutes, WHOLE for a report in 25."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Extent:
    """Counts of what is tried.

    `archives` are disclosed in this process and `planted` over the wire; `owners` ask for
    each other's enterprises; `pairs` of calls are timed for each method, `timings` times;
    `fuzzed` requests in this process and `sent` over gRPC; of the guards every
    `each_guard`-th is removed.
    """

    archives: int
    planted: int
    owners: int
    pairs: int
    timings: int
    fuzzed: int
    sent: int
    each_guard: int


QUICK: Final = Extent(
    archives=300,
    planted=12,
    owners=8,
    pairs=1_500,
    timings=3,
    fuzzed=50_000,
    sent=1_000,
    each_guard=8,
)
WHOLE: Final = Extent(
    archives=10_000,
    planted=200,
    owners=50,
    pairs=5_000,
    timings=3,
    fuzzed=1_000_000,
    sent=20_000,
    each_guard=1,
)
