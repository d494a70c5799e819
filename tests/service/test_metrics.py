"""The figures of the archive, against a recount in plain Python, on each database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from bonafides.archive import metrics
from bonafides.archive.statistics import PlatformRecord, Statistics
from bonafides.instants import HOUR, Day, Instant, month_of, start_of
from bonafides.personal.sealing import Vault
from bonafides.records.kinds import Kind, Outcome, Record
from bonafides.records.money import Money
from bonafides.records.operations import fold, ingest
from bonafides.storage import tables
from bonafides.storage.archive import platform_records
from bonafides.storage.unit_of_work import Store
from tests.builders import NOW, PLATFORM, TODAY, code, link_stores, rates, transaction

CODE = code(1)
OTHER = code(3)


def recorded(store: Store, vault: Vault, records: Sequence[Record]) -> PlatformRecord:
    """Takes the records in, folds them, and returns what is reported of the platform."""
    link_stores(store, records)
    report = ingest(store, vault, rates(), list(records), now=NOW)
    assert report.rejected == ()
    while fold(store, now=NOW).folded:
        pass
    return reported(store)


def reported(store: Store, today: int = TODAY) -> PlatformRecord:
    with store.reading() as work:
        return platform_records(work, CODE.text, [PLATFORM], Day(today))[0]


def other(kind: Kind, record_id: str = "r1", **changes: Any) -> Record:
    """Returns a record that is no transaction: no buyer, and no amount unless told."""
    bare: dict[str, Any] = {"kind": kind, "of": CODE, "buyer": None, "amount": None}
    return transaction(record_id, **(bare | changes))


def noon(day: int) -> Instant:
    return Instant(start_of(Day(day)) + 12 * HOUR)


def bought(record_id: str, day: int, **changes: Any) -> Record:
    return transaction(record_id, of=CODE, occurred_at=noon(day), **changes)


@pytest.mark.feature("C7")
def test_platform_that_reported_nothing_has_zeros(store: Store) -> None:
    none = reported(store)
    assert none == PlatformRecord(PLATFORM, 0, None, 0, (), Statistics(), Statistics(), None, None)
    with store.reading() as work:
        assert platform_records(work, CODE.text, [], TODAY) == ()


@pytest.mark.feature("C7")
def test_last_year_is_365_days_and_ends_today(store: Store, vault: Vault) -> None:
    days = [TODAY, TODAY - 364, TODAY - 365]
    told = recorded(store, vault, [bought(f"t{day}", day) for day in days])
    assert (told.cumulative.transactions, told.last_year.transactions) == (3, 2)
    assert (told.first_day, told.last_day) == (TODAY - 365, TODAY)
    # As of yesterday, today's is not known yet.
    assert reported(store, TODAY - 1).cumulative.transactions == 2


@pytest.mark.feature("C7")
def test_buyer_is_repeated_by_two_days_not_by_two_orders(store: Store, vault: Vault) -> None:
    """a: twice in one day; b: two days of a month; c: two months; d: 13 months apart."""
    told = recorded(
        store,
        vault,
        [
            bought("1", TODAY, buyer="a"),
            bought("2", TODAY, buyer="a"),
            bought("3", TODAY - 40, buyer="b"),
            bought("4", TODAY - 41, buyer="b"),
            bought("5", TODAY, buyer="c"),
            bought("6", TODAY - 70, buyer="c"),
            bought("7", TODAY, buyer="d"),
            bought("8", TODAY - 400, buyer="d"),
            bought("9", TODAY, buyer=None),
        ],
    )
    assert (told.cumulative.buyers, told.cumulative.repeat_buyers) == (4, 3)
    assert (told.last_year.buyers, told.last_year.repeat_buyers) == (4, 2)
    assert told.cumulative.largest_buyer_transactions == 2
    assert (told.cumulative.buyer_squares, told.last_year.buyer_squares) == (16, 13)
    assert told.cumulative.transactions == 9


@pytest.mark.feature("C7")
def test_months_are_active_by_any_transaction_of_the_last_twelve(
    store: Store, vault: Vault
) -> None:
    """TODAY is 1 November 2026, so the twelve months begin with 1 December 2025."""
    first = TODAY - 335
    told = recorded(
        store,
        vault,
        [
            bought("1", TODAY, buyer=None),
            bought("2", TODAY - 1),
            bought("3", TODAY - 2),
            bought("4", first),
            bought("5", first - 1),
        ],
    )
    assert month_of(Day(first)) == month_of(TODAY) - 11
    assert month_of(Day(first - 1)) == month_of(TODAY) - 12
    assert told.last_year.active_months == 3


@pytest.mark.feature("C7")
def test_undecided_case_counts_as_a_case_and_against_nobody(store: Store, vault: Vault) -> None:
    told = recorded(
        store,
        vault,
        [
            other(Kind.COMPLAINT, "c1", outcome=Outcome.UNDECIDED),
            other(Kind.COMPLAINT, "c2", outcome=Outcome.UPHELD),
            other(Kind.DISPUTE, "d1", outcome=Outcome.SETTLED),
            other(Kind.DISPUTE, "d2", outcome=Outcome.LOST),
        ],
    ).last_year
    assert (told.complaints, told.complaints_upheld) == (2, 1)
    assert (told.disputes, told.disputes_lost) == (2, 1)


@pytest.mark.feature("C7")
def test_voided_order_leaves_every_statistic(store: Store, vault: Vault) -> None:
    recorded(store, vault, [bought("1", TODAY - 500), bought("2", TODAY)])
    told = recorded(store, vault, [bought("1", TODAY - 500, revision=2, void=True)])
    assert (told.cumulative.transactions, told.cumulative.buyers) == (1, 1)
    assert told.first_day == TODAY


@pytest.mark.feature("C7")
def test_refund_of_an_unknown_transaction_is_unmatched(store: Store, vault: Vault) -> None:
    def refund(record_id: str, of: str | None, day: int) -> Record:
        amount = Money("CNY", 100)
        return other(Kind.REFUND, record_id, original_id=of, amount=amount, occurred_at=noon(day))

    told = recorded(
        store,
        vault,
        [
            bought("t1", TODAY - 20),
            refund("r1", "t1", TODAY),
            refund("r2", "gone", TODAY),
            refund("r3", "gone", TODAY - 400),
            refund("r4", None, TODAY),
        ],
    )
    assert (told.cumulative.unmatched_refunds, told.last_year.unmatched_refunds) == (2, 1)
    assert told.last_year.refunds == 3


@pytest.mark.feature("C6")
def test_closed_void_and_future_stores_do_not_count_as_open(store: Store, vault: Vault) -> None:
    def shop(store_id: str, opened: int | None, closed: int | None = None, **more: Any) -> Record:
        from_day = None if opened is None else Day(opened)
        to_day = None if closed is None else Day(closed)
        return other(
            Kind.STORE, store_id, store_id=store_id, from_day=from_day, to_day=to_day, **more
        )

    told = recorded(
        store,
        vault,
        [
            shop("open", TODAY - 100),
            shop("closes tomorrow", TODAY - 300, TODAY + 1),
            shop("closes today", TODAY - 900, TODAY),
            shop("opens today", TODAY),
            shop("opens tomorrow", TODAY + 1),
            shop("taken back", TODAY - 800),
            shop("taken back", TODAY - 800, revision=2, void=True),
            shop("closed since", TODAY - 700),
            shop("closed since", TODAY - 700, TODAY - 5, revision=2),
        ],
    )
    assert (told.open_stores, told.oldest_store_day) == (3, TODAY - 300)


@pytest.mark.feature("D2")
def test_membership_is_the_union_of_its_periods_up_to_today(store: Store, vault: Vault) -> None:
    def period(record_id: str, start: int, end: int, **more: Any) -> Record:
        return other(Kind.MEMBERSHIP, record_id, from_day=Day(start), to_day=Day(end), **more)

    told = recorded(
        store,
        vault,
        [
            period("first", TODAY - 99, TODAY - 90),
            period("inside the first", TODAY - 97, TODAY - 95),
            period("over the first", TODAY - 92, TODAY - 80),
            period("after a gap", TODAY - 50, TODAY - 50),
            period("still on", TODAY - 4, TODAY + 300),
            period("to come", TODAY + 10, TODAY + 20),
            period("taken back", TODAY - 70, TODAY - 60),
            period("taken back", TODAY - 70, TODAY - 60, revision=2, void=True),
        ],
    )
    assert told.membership_days == 20 + 1 + 5


@pytest.mark.feature("C9")
def test_certifications_come_newest_first_with_agency_and_scope(store: Store, vault: Vault) -> None:
    def visit(record_id: str, day: int, **more: Any) -> Record:
        detail = {"agency": f"九九认证{record_id}", "scope": "厂房"}
        return other(Kind.CERTIFICATION, record_id, from_day=Day(day), detail=detail, **more)

    told = recorded(
        store,
        vault,
        [visit("1", TODAY - 500, to_day=Day(TODAY - 135)), visit("2", TODAY - 20)],
    ).certifications
    assert [(held.agency, held.scope, held.inspected, held.expires) for held in told] == [
        ("九九认证2", "厂房", TODAY - 20, None),
        ("九九认证1", "厂房", TODAY - 500, TODAY - 135),
    ]


@pytest.mark.feature("B6", "L5")
def test_platforms_are_told_apart_and_only_those_asked_for_are_read(
    store: Store, vault: Vault
) -> None:
    records = [
        bought("1", TODAY),
        bought("1", TODAY, platform="olist"),
        bought("2", TODAY, platform="olist"),
        bought("1", TODAY, platform="third"),
        transaction("1", of=OTHER),
    ]
    recorded(store, vault, records)
    with store.reading() as work:
        told = platform_records(work, CODE.text, ["olist", PLATFORM], TODAY)
    assert [(one.platform, one.cumulative.transactions) for one in told] == [
        ("olist", 2),
        (PLATFORM, 1),
    ]


@pytest.mark.feature("L5")
def test_same_expressions_count_every_enterprise_at_once(store: Store, vault: Vault) -> None:
    recorded(store, vault, [bought("1", TODAY), transaction("1", of=OTHER)])
    queries = (
        metrics.days(),
        metrics.buyers(),
        metrics.unmatched_refunds(),
        metrics.stores(),
        metrics.membership(),
        metrics.certifications(),
    )
    with store.reading() as work:
        found = [
            {row.code for row in work.execute(query, metrics.parameters(TODAY))}
            for query in queries
        ]
    assert found[:2] == [{CODE.text, OTHER.text}] * 2
    # Both have a store, open or not.
    assert found[3] == {CODE.text, OTHER.text}
    assert found[2:3] + found[4:] == [set()] * 3


@pytest.mark.feature("C7")
def test_statistics_equal_a_recount_of_random_roll_ups(store: Store) -> None:
    random = Random(20_260)  # noqa: S311 - not for secrets
    days = sorted(random.sample(range(TODAY - 800, TODAY + 1), 300))
    rows = [
        {name: random.randint(0, 9) for name in metrics.SUMS}
        | {"code": CODE.text, "platform": PLATFORM, "day": day}
        for day in days
    ]
    purchases = [(bytes([random.randint(0, 60)]), random.choice(days)) for _ in range(400)]
    with store.writing() as work:
        work.execute(tables.rollup_day.insert(), rows)
        work.execute(tables.rollup_buyer.insert(), buyer_rows(purchases))
        work.commit()
    told = reported(store)
    assert told.cumulative == recount(rows, purchases, since_day=0, since_month=0)
    assert told.last_year == recount(
        rows, purchases, since_day=TODAY - 364, since_month=month_of(TODAY) - 11
    )


def buyer_rows(purchases: Sequence[tuple[bytes, int]]) -> list[dict[str, Any]]:
    months: dict[tuple[bytes, int], list[int]] = defaultdict(list)
    for buyer, day in purchases:
        months[buyer, month_of(Day(day))].append(day)
    return [
        {
            "code": CODE.text,
            "platform": PLATFORM,
            "buyer": buyer,
            "month": month,
            "transactions": len(bought_on),
            "first_day": min(bought_on),
            "last_day": max(bought_on),
        }
        for (buyer, month), bought_on in months.items()
    ]


def recount(
    rows: Sequence[dict[str, Any]],
    purchases: Sequence[tuple[bytes, int]],
    *,
    since_day: int,
    since_month: int,
) -> Statistics:
    inside = [row for row in rows if row["day"] >= since_day]
    buyers: dict[bytes, list[int]] = defaultdict(list)
    for buyer, day in purchases:
        if month_of(Day(day)) >= since_month:
            buyers[buyer].append(day)
    named = {field.name for field in fields(Statistics)}
    return Statistics(
        **{name: sum(row[name] for row in inside) for name in metrics.SUMS if name in named},
        responses=tuple(sum(row[name] for row in inside) for name in metrics.RESPONSE_BUCKETS),
        buyers=len(buyers),
        repeat_buyers=sum(len(set(days)) > 1 for days in buyers.values()),
        largest_buyer_transactions=max(map(len, buyers.values())),
        buyer_squares=sum(len(days) ** 2 for days in buyers.values()),
        active_months=len(
            {
                month_of(Day(row["day"]))
                for row in rows
                if row["transactions"] and month_of(Day(row["day"])) > month_of(TODAY) - 12
            }
        ),
    )


def test_eight_queries_read_every_platform(store: Store) -> None:
    ran: list[str] = []
    with store.reading() as work:
        sa.event.listen(work.connection, "before_cursor_execute", lambda *seen: ran.append(seen[2]))
        platform_records(work, CODE.text, [f"p{number}" for number in range(20)], TODAY)
    assert len(ran) == 8
