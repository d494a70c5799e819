"""The fold: roll-ups equal a recount, whatever the order and size of its steps."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bonafides.instants import HOUR, Day, Instant, day_of, from_date, month_of, start_of
from bonafides.personal.sealing import Vault
from bonafides.records import fold as expressions
from bonafides.records.ingest import Intake, Row
from bonafides.records.kinds import Kind, Outcome, Record
from bonafides.records.money import Money
from bonafides.storage import records as record_rows
from bonafides.storage.tables import (
    counter,
    record,
    refund_flag,
    rollup_buyer,
    rollup_day,
    store_link,
    unmatched_refund,
)
from bonafides.storage.unit_of_work import Store
from tests import builders
from tests.searching import examples

Rollups = dict[str, list[tuple[Any, ...]]]

MONTHS = range(1, 13)
_ROLLUPS = (rollup_day, rollup_buyer, unmatched_refund)
_VAULT = Vault(bytes(range(32)), "sandbox")


def take_in(store: Store, records: Sequence[Record]) -> None:
    """Puts the records into the log, as valid ones."""
    intake = Intake(_VAULT, builders.rates(), builders.NOW)
    rows = [intake.row(one) for one in records]
    assert all(isinstance(row, Row) for row in rows)
    builders.link_stores(store, records)
    with store.writing() as work:
        record_rows.write(work, [r for r in rows if isinstance(r, Row)], now=builders.NOW)
        work.commit()


def fold_all(store: Store, limit: int = 1_000) -> int:
    """Folds until nothing is left; returns how many records were folded."""
    folded = 0
    while True:
        with store.writing() as work:
            report = record_rows.fold(work, limit)
            work.commit()
        if not report.folded:
            return folded
        folded += report.folded


def rollups(store: Store) -> Rollups:
    """Reads all roll-ups, sorted."""
    with store.reading() as work:
        return {
            table.name: sorted(tuple(row) for row in work.execute(sa.select(table)))
            for table in _ROLLUPS
        }


def recount(records: Sequence[Record]) -> Rollups:
    """Counts the roll-ups in plain Python from the highest revisions."""
    latest: dict[tuple[Any, ...], Record] = {}
    for one in sorted(records, key=lambda each: each.revision):
        latest[one.code, one.platform, one.kind, one.record_id] = one
    live = [one for one in latest.values() if not one.void]
    return {
        "rollup_day": _recount_days(live),
        "rollup_buyer": _recount_buyers(live),
        "unmatched_refund": _recount_unmatched(live, set(latest)),
    }


def _recount_days(live: Sequence[Record]) -> list[tuple[Any, ...]]:
    names = [column.name for column in rollup_day.columns][3:]
    days: dict[tuple[str, str, int], Counter[str]] = {}
    for one in live:
        if one.kind in expressions.COUNTED:
            key = (one.code.text, one.platform, day_of(one.occurred_at))
            days.setdefault(key, Counter()).update(_counts(one))
    return sorted((*key, *(counts[name] for name in names)) for key, counts in days.items())


def _counts(one: Record) -> dict[str, int]:
    fen = one.amount.minor if one.amount else 0
    if one.kind is Kind.TRANSACTION:
        promised, delivered = one.promised_day, one.delivered_day
        both = promised is not None and delivered is not None
        return {
            "transactions": 1,
            "amount_cny_minor": fen,
            "deliveries_promised": int(both),
            "deliveries_late": int(both and (delivered or 0) > (promised or 0)),
        }
    if one.kind is Kind.REFUND:
        return {"refunds": 1, "refund_cny_minor": fen}
    counts = {"complaints": 1, "complaints_upheld": int(one.outcome is Outcome.UPHELD)}
    if one.kind is Kind.DISPUTE:
        counts = {"disputes": 1, "disputes_lost": int(one.outcome is Outcome.LOST)}
    if one.outcome in {None, Outcome.UNDECIDED}:
        counts["cases_open"] = 1
        counts["cases_unanswered"] = int(one.first_response_at is None)
    counts["cases_settled"] = int(one.outcome is Outcome.SETTLED)
    if one.first_response_at is not None:
        took = one.first_response_at - one.occurred_at
        bucket = sum(took > hours * HOUR for hours in (1, 4, 12, 24, 72))
        counts[f"response_{bucket}"] = 1
    return counts


def _recount_buyers(live: Sequence[Record]) -> list[tuple[Any, ...]]:
    days: dict[tuple[Any, ...], list[int]] = {}
    for one in live:
        if one.kind is Kind.TRANSACTION and one.buyer is not None:
            day = day_of(one.occurred_at)
            buyer = _VAULT.index(f"buyer|{one.platform}", one.buyer)[:16]
            days.setdefault((one.code.text, one.platform, buyer, month_of(day)), []).append(day)
    return sorted((*key, len(when), min(when), max(when)) for key, when in days.items())


def _recount_unmatched(
    live: Sequence[Record], known: set[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    return sorted(
        (one.code.text, one.platform, one.record_id, one.original_id, day_of(one.occurred_at))
        for one in live
        if one.kind is Kind.REFUND
        and one.original_id is not None
        and (one.code, one.platform, Kind.TRANSACTION, one.original_id) not in known
    )


def refund(record_id: str, **changes: Any) -> Record:
    """Returns a refund of 10.00 CNY of the transaction t1."""
    common = {"kind": Kind.REFUND, "buyer": None, "original_id": "t1"}
    return builders.transaction(record_id, **{**common, "amount": Money("CNY", 1_000), **changes})


def complaint(record_id: str, **changes: Any) -> Record:
    """Returns a complaint that is not decided."""
    common = {"kind": Kind.COMPLAINT, "amount": None, "outcome": Outcome.UNDECIDED}
    return builders.transaction(record_id, **{**common, **changes})


def day_row(store: Store) -> dict[str, int]:
    """Returns what the only day of the roll-up counts, without zeros."""
    with store.reading() as work:
        row = work.execute(sa.select(rollup_day)).mappings().one()
    return {k: v for k, v in row.items() if v and k not in {"code", "platform", "day"}}


def empty(store: Store) -> None:
    """Empties the log and what was folded from it."""
    with store.writing() as work:
        for table in (record, *_ROLLUPS, store_link, refund_flag, counter):
            work.execute(table.delete())
        work.commit()


def when(day: int, hour: int) -> Instant:
    """Returns an hour of one of the days before today."""
    return Instant(start_of(Day(builders.TODAY - 40 + day)) + hour * HOUR)


_days = st.integers(0, 35)
_near = st.one_of(st.none(), _days.map(lambda day: Day(builders.TODAY - 40 + day)))
_buyers = st.one_of(st.none(), st.sampled_from(["b1", "b2"]))
_amounts = st.integers(1, 10**6).map(lambda fen: Money("CNY", fen))
_common: dict[str, Any] = {
    "code": st.sampled_from([builders.code(1), builders.code(2)]),
    "platform": st.sampled_from(["1688", "taobao"]),
    "store_id": st.just("s1"),
    "occurred_at": st.builds(when, _days, st.integers(0, 23)),
    "void": st.sampled_from([False, False, False, True]),
}
_cases: dict[str, Any] = {
    **_common,
    "record_id": st.sampled_from(["c1", "c2"]),
    "first_response_at": st.one_of(st.none(), st.integers(0, 100)),
}
_transactions = st.builds(
    Record,
    kind=st.just(Kind.TRANSACTION),
    record_id=st.sampled_from(["t1", "t2", "t3", "t4"]),
    buyer=_buyers,
    amount=_amounts,
    promised_day=_near,
    delivered_day=_near,
    **_common,
)
_refunds = st.builds(
    Record,
    kind=st.just(Kind.REFUND),
    record_id=st.sampled_from(["r1", "r2", "r3"]),
    amount=_amounts,
    original_id=st.one_of(st.none(), st.sampled_from(["t1", "t2", "t3", "t4"])),
    **_common,
)
_complaints = st.builds(
    Record,
    kind=st.just(Kind.COMPLAINT),
    outcome=st.sampled_from([Outcome.UPHELD, Outcome.SETTLED]),
    **_cases,
)
_disputes = st.builds(
    Record,
    kind=st.just(Kind.DISPUTE),
    outcome=st.sampled_from([Outcome.LOST, Outcome.REJECTED]),
    **_cases,
)


@st.composite
def logs(draw: st.DrawFn) -> list[Record]:
    """Draws records in order of arrival: revisions out of order, replays among them."""
    drawn = draw(st.lists(st.one_of(_transactions, _refunds, _complaints, _disputes), max_size=25))
    revisions: Counter[tuple[Any, ...]] = Counter()
    made = []
    for one in drawn:
        key = (one.code, one.platform, one.kind, one.record_id)
        revisions[key] += 1
        answered = one.first_response_at
        if answered is not None:
            answered = Instant(one.occurred_at + answered * HOUR)
        own = f"s-{one.code.text[8:17]}"
        made.append(
            dataclasses.replace(
                one, revision=revisions[key], first_response_at=answered, store_id=own
            )
        )
    replays = draw(st.lists(st.sampled_from(made), max_size=5)) if made else []
    return draw(st.permutations(made + replays))


@pytest.mark.feature("G1")
@pytest.mark.feature("C7")
@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(log=logs(), cuts=st.lists(st.integers(0, 30), max_size=4), limit=st.integers(1, 40))
def test_rollups_equal_a_recount_in_any_order_of_arrival_and_size_of_step(
    store: Store, log: list[Record], cuts: list[int], limit: int
) -> None:
    empty(store)
    edges = [0, *sorted(cut for cut in cuts if cut <= len(log)), len(log)]
    for start, end in itertools.pairwise(edges):
        take_in(store, log[start:end])
        fold_all(store, limit)
    assert rollups(store) == recount(log)
    assert fold_all(store) == 0


def test_second_fold_changes_nothing(store: Store) -> None:
    take_in(store, [builders.transaction("t1"), refund("r1", original_id="t9"), complaint("c1")])
    assert fold_all(store) == 3
    before = rollups(store)
    assert fold_all(store) == 0
    assert rollups(store) == before


@pytest.mark.feature("C7")
def test_voided_order_leaves_every_statistic(store: Store) -> None:
    take_in(store, [builders.transaction("t1")])
    fold_all(store)
    take_in(store, [builders.transaction("t1", revision=2, void=True)])
    fold_all(store)
    assert rollups(store) == {"rollup_day": [], "rollup_buyer": [], "unmatched_refund": []}


@pytest.mark.feature("C7")
def test_dispute_that_is_settled_later_is_one_dispute(store: Store) -> None:
    opened = complaint("d1", kind=Kind.DISPUTE)
    take_in(store, [opened])
    fold_all(store)
    take_in(store, [dataclasses.replace(opened, revision=2, outcome=Outcome.SETTLED)])
    fold_all(store)
    assert day_row(store) == {"disputes": 1, "cases_settled": 1}


def test_undecided_complaint_is_counted_but_not_as_upheld(store: Store) -> None:
    take_in(store, [complaint("c1"), complaint("c2", outcome=Outcome.UPHELD)])
    fold_all(store)
    assert day_row(store) == {
        "complaints": 2,
        "complaints_upheld": 1,
        "cases_open": 1,
        "cases_unanswered": 1,
    }


def test_case_that_was_answered_is_open_until_it_is_decided(store: Store) -> None:
    asked = complaint("c1")
    answered = dataclasses.replace(
        asked, revision=2, first_response_at=Instant(asked.occurred_at + HOUR)
    )
    take_in(store, [asked])
    fold_all(store)
    take_in(store, [answered])
    fold_all(store)
    assert day_row(store) == {"complaints": 1, "cases_open": 1, "response_0": 1}


@pytest.mark.parametrize(
    ("hours", "bucket"), [(0, 0), (1, 0), (2, 1), (4, 1), (12, 2), (24, 3), (72, 4), (73, 5)]
)
def test_response_falls_into_the_bucket_of_its_hours(store: Store, hours: int, bucket: int) -> None:
    opened = complaint("c1")
    answered = Instant(opened.occurred_at + hours * HOUR)
    take_in(store, [dataclasses.replace(opened, first_response_at=answered)])
    fold_all(store)
    assert day_row(store) == {"complaints": 1, "cases_open": 1, f"response_{bucket}": 1}


def test_delivery_on_the_promised_day_is_not_late(store: Store) -> None:
    promised = Day(builders.TODAY - 5)
    orders = [
        builders.transaction(f"t{days}", promised_day=promised, delivered_day=Day(promised + days))
        for days in (-1, 0, 1)
    ]
    take_in(store, [*orders, builders.transaction("t9", promised_day=promised)])
    fold_all(store)
    told = day_row(store)
    assert (told["transactions"], told["deliveries_promised"], told["deliveries_late"]) == (4, 3, 1)


def test_refund_before_its_transaction_is_unmatched_until_it_comes(store: Store) -> None:
    take_in(store, [refund("r1")])
    fold_all(store)
    assert [row[2] for row in rollups(store)["unmatched_refund"]] == ["r1"]
    take_in(store, [builders.transaction("t1")])
    fold_all(store)
    assert rollups(store)["unmatched_refund"] == []
    assert day_row(store)["refunds"] == 1


def test_refund_without_original_is_not_unmatched(store: Store) -> None:
    take_in(store, [refund("r1", original_id=None)])
    fold_all(store)
    assert rollups(store)["unmatched_refund"] == []


def test_refund_of_a_voided_transaction_is_matched(store: Store) -> None:
    take_in(store, [builders.transaction("t1", void=True), refund("r1")])
    fold_all(store)
    assert rollups(store)["unmatched_refund"] == []


def test_buyer_month_that_loses_a_transaction_is_recounted(store: Store) -> None:
    first = builders.transaction("t1", occurred_at=when(1, 12))
    second = builders.transaction("t2", occurred_at=when(3, 12))
    take_in(store, [first, second, builders.transaction("t3", buyer=None)])
    fold_all(store)
    take_in(store, [dataclasses.replace(second, revision=2, void=True)])
    fold_all(store)
    (row,) = rollups(store)["rollup_buyer"]
    day = day_of(first.occurred_at)
    assert row[3:] == (month_of(day), 1, day, day)


def test_fold_says_whose_records_it_folded(store: Store) -> None:
    take_in(store, [builders.transaction("t1"), builders.transaction("t1", of=builders.code(2))])
    with store.writing() as work:
        report = record_rows.fold(work, 10)
    assert (report.folded, sorted(report.codes)) == (
        2,
        sorted([builders.code(1).text, builders.code(2).text]),
    )


def test_fold_that_is_not_committed_is_done_again(store: Store) -> None:
    take_in(store, [builders.transaction("t1")])
    with store.writing() as work:
        record_rows.fold(work, 10)
    assert fold_all(store) == 1
    assert day_row(store)["transactions"] == 1


def test_month_in_sql_is_the_month_of_the_calendar(store: Store) -> None:
    firsts = [from_date(dt.date(year, month, 1)) for year in range(1992, 2100) for month in MONTHS]
    days = firsts + [Day(day - 1) for day in firsts]
    with store.reading() as work:
        asked = sa.select(expressions.month_of(sa.bindparam("day", type_=sa.BigInteger)))
        told = [work.execute(asked, {"day": day}).scalar_one() for day in days]
    assert told == [month_of(day) for day in days]
