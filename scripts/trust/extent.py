"""How much is tried: QUICK for a look in three minutes, WHOLE for a report in 25."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Crawl:
    """How many callers there are of each kind in a day of crawling; see scripts/trust/crawl.py.

    What the attacker sees does not depend on `enterprises`, the size of the register.
    """

    enterprises: int = 400_000
    accounts: int = 10
    prefixes: int = 20
    visitors: int = 300
    behind_one: int = 8
    members: int = 200
    members_behind_one: int = 40
    owners: int = 50
    staff: int = 5
    platform_reads: int = 1_500


@dataclass(frozen=True, slots=True)
class Extent:
    """Counts of what is tried.

    `archives` are disclosed in this process and `planted` over the wire; `owners` ask for
    each other's enterprises; `pairs` of calls are timed for each method, `timings` times;
    `fuzzed` requests in this process and `sent` over gRPC; of the guards every
    `each_guard`-th is removed; `crawled` is the day of the crawlers.
    """

    archives: int
    planted: int
    owners: int
    pairs: int
    timings: int
    fuzzed: int
    sent: int
    each_guard: int
    crawled: Crawl


QUICK: Final = Extent(
    archives=200,
    planted=12,
    owners=8,
    pairs=1_000,
    timings=3,
    fuzzed=25_000,
    sent=1_000,
    each_guard=20,
    crawled=Crawl(
        enterprises=100_000,
        accounts=2,
        prefixes=3,
        visitors=30,
        behind_one=3,
        members=20,
        members_behind_one=5,
        owners=5,
        staff=1,
        platform_reads=50,
    ),
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
    crawled=Crawl(),
)
