"""Builders of what a level is computed from: good, ordinary trade unless told otherwise."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import strategies as st

from bonafides.archive.facts import Change, Fact, FactSheet, Kind, Registration, Shareholder
from bonafides.archive.facts import Verification as Verified
from bonafides.archive.statistics import Certification, PlatformRecord, Statistics
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import DAY, Day, Instant
from bonafides.rating.features import RatingInputs
from tests.builders import NOW, PERSON, PLATFORM, TODAY, code, registration

VERIFIED = Verified("11111111-1111-4111-8111-111111111111", NOW - 400 * DAY, NOW + 300 * DAY)  # type: ignore[arg-type]  # instants are counts


def statistics(**changes: Any) -> Statistics:
    """Returns a year of 500 orders from 300 buyers, nearly all of them content."""
    year = Statistics(
        transactions=500,
        amount_cny_minor=5_000_000,
        buyers=300,
        repeat_buyers=45,
        largest_buyer_transactions=12,
        buyer_squares=1_200,
        deliveries_promised=500,
        deliveries_late=20,
        refunds=8,
        refund_cny_minor=80_000,
        complaints=6,
        complaints_upheld=2,
        disputes=2,
        disputes_lost=0,
        cases_settled=3,
        active_months=12,
        responses=(2, 4, 1, 1, 0, 0),
    )
    return dataclasses.replace(year, **changes)


def spotless(orders: int) -> Statistics:
    """Returns a year of so many orders, each from another buyer, without one complaint."""
    return Statistics(
        transactions=orders,
        buyers=orders,
        largest_buyer_transactions=min(1, orders),
        buyer_squares=orders,
        deliveries_promised=orders,
        active_months=12,
    )


def platform_record(name: str = PLATFORM, **changes: Any) -> PlatformRecord:
    """Returns three years of record on one platform."""
    year = changes.pop("last_year", None) or statistics()
    record = PlatformRecord(
        platform=name,
        open_stores=1,
        oldest_store_day=Day(TODAY - 1_100),
        membership_days=900,
        certifications=(),
        cumulative=year,
        last_year=year,
        first_day=Day(TODAY - 1_000),
        last_day=Day(TODAY - 1),
    )
    return dataclasses.replace(record, **changes)


def certification(
    inspected_days_ago: int = 100, expires_in_days: int | None = 265
) -> Certification:
    """Returns an on-site certification."""
    expires = None if expires_in_days is None else Day(TODAY + expires_in_days)
    return Certification("测试认证机构", "factory", Day(TODAY - inspected_days_ago), expires)


def inputs(
    *platforms: PlatformRecord,
    of: UnifiedCode | None = None,
    told: Registration | None = None,
    verification: Verified | None = VERIFIED,
    **changes: Any,
) -> RatingInputs:
    """Returns the facts of a verified enterprise of ten years with one platform."""
    of = of or code()
    fact = Fact(
        code=of.text,
        kind=Kind.REGISTRATION,
        value=told or registration(),
        source="registry",
        retrieved_at=NOW,
        valid_from=Instant(NOW - 400 * DAY),
    )
    made = RatingInputs(
        code=of,
        as_of=NOW,
        sheet=FactSheet(of.text, NOW, fact, holders(PERSON), changes_of(PERSON), verification),
        platforms=platforms or (platform_record(),),
        platforms_known=max(1, len(platforms)),
        purposes=frozenset({"VERIFY_IDENTITY"}),
    )
    return dataclasses.replace(made, **changes)


def holders(person: str) -> tuple[Shareholder, ...]:
    """Returns one shareholder who is a person."""
    return (Shareholder(person, is_person=True),)


def changes_of(person: str) -> tuple[Change, ...]:
    """Returns a change of the legal representative."""
    return (Change(Day(TODAY - 300), "法定代表人变更", "测五六", person),)


@st.composite
def years(draw: st.DrawFn) -> Statistics:
    """Draws a year whose parts lie within their wholes."""
    transactions = draw(st.integers(0, 5_000))
    buyers = draw(st.integers(0, transactions))
    promised = draw(st.integers(0, transactions))
    complaints, disputes = draw(st.integers(0, 60)), draw(st.integers(0, 60))
    return Statistics(
        transactions=transactions,
        buyers=buyers,
        repeat_buyers=draw(st.integers(0, buyers)),
        largest_buyer_transactions=draw(st.integers(1, transactions)) if buyers else 0,
        buyer_squares=draw(st.integers(transactions, transactions**2)) if buyers else 0,
        deliveries_promised=promised,
        deliveries_late=draw(st.integers(0, promised)),
        refunds=draw(st.integers(0, 100)),
        complaints=complaints,
        complaints_upheld=draw(st.integers(0, complaints)),
        disputes=disputes,
        disputes_lost=draw(st.integers(0, disputes)),
        cases_settled=draw(st.integers(0, 20)),
        active_months=draw(st.integers(0, 13)),
        responses=draw(st.tuples(*[st.integers(0, 20)] * 6)),
    )


@st.composite
def enterprises(draw: st.DrawFn) -> RatingInputs:
    """Draws an enterprise of any kind, with up to three platforms."""
    platforms = [
        platform_record(
            name,
            last_year=draw(years()),
            oldest_store_day=draw(st.none() | st.integers(TODAY - 4_000, TODAY).map(Day)),
            first_day=Day(TODAY - draw(st.integers(0, 2_000))),
            certifications=tuple(
                certification(draw(st.integers(0, 900)), draw(st.none() | st.integers(-300, 300)))
                for _ in range(draw(st.integers(0, 2)))
            ),
        )
        for name in ("a", "b", "c")[: draw(st.integers(0, 3))]
    ]
    kind = draw(st.sampled_from(["91", "92", "93"]))
    established = draw(st.none() | st.integers(TODAY - 9_000, TODAY).map(Day))
    verified_at = Instant(NOW - draw(st.integers(0, 1_000)) * DAY)
    made = inputs(
        of=code(department_and_type=kind),
        told=registration(established=established, registered_capital=None),
        verification=Verified(VERIFIED.uid, verified_at, VERIFIED.expires_at),
        purposes=frozenset(draw(st.sets(st.just("RATE")))),
    )
    return dataclasses.replace(made, platforms=tuple(platforms), platforms_known=len(platforms))
