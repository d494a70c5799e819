"""The figures that metrics give: per platform, over a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bonafides.instants import Day
from bonafides.records.links import Store


@dataclass(frozen=True, slots=True)
class Statistics:
    """Sums of one platform's records over one window. Money in fen.

    `repeat_buyers` bought on at least two days of the window; `buyer_squares` sums the
    squares of each buyer's transactions. `active_months` had a
    transaction, of the last 12 calendar months, whichever the window. `responses`
    counts cases by bucket of hours to the first response
    (`bonafides.records.fold.RESPONSE_HOURS`). Cases are complaints and disputes; the
    open ones are undecided, the unanswered ones are open without a first response.
    """

    transactions: int = 0
    amount_cny_minor: int = 0
    buyers: int = 0
    repeat_buyers: int = 0
    largest_buyer_transactions: int = 0
    buyer_squares: int = 0
    deliveries_promised: int = 0
    deliveries_late: int = 0
    refunds: int = 0
    refund_cny_minor: int = 0
    complaints: int = 0
    complaints_upheld: int = 0
    disputes: int = 0
    disputes_lost: int = 0
    cases_settled: int = 0
    cases_open: int = 0
    cases_unanswered: int = 0
    unmatched_refunds: int = 0
    active_months: int = 0
    responses: tuple[int, ...] = (0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class CaseDay:
    """The complaints and disputes that were opened on one day of one platform."""

    platform: str
    day: Day
    complaints_upheld: int = 0
    disputes_lost: int = 0
    cases_settled: int = 0
    cases_open: int = 0
    cases_unanswered: int = 0
    responses: tuple[int, ...] = (0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Certification:
    """An on-site certification. `expires` is the last valid day; None: no end was given."""

    agency: str
    scope: str
    inspected: Day
    expires: Day | None


@dataclass(frozen=True, slots=True)
class PlatformRecord:
    """What one authorized platform reported of one enterprise, as of a day.

    `first_day` and `last_day` span the platform's records; None without any.
    `oldest_store_day` is the day on which the oldest store opened that is open.
    `refund_flags` counts refunds by `bonafides.records.refunds.Flag`, of all time; a
    flag that no refund bears is left out.
    `oldest_store_day` is the day on which the oldest store opened that is open. `stores`
    are all that the platform says are the enterprise's, those that don't count too.
    """

    platform: str
    open_stores: int
    oldest_store_day: Day | None
    membership_days: int
    certifications: tuple[Certification, ...]
    cumulative: Statistics
    last_year: Statistics
    first_day: Day | None
    last_day: Day | None
    refund_flags: Mapping[str, int] = field(default_factory=dict)
    stores: tuple[Store, ...] = ()


def rate_ppm(part: int, whole: int) -> int | None:
    """Returns part / whole in millionths, cut down; None without a whole."""
    return part * 1_000_000 // whole if whole else None
