"""Refunds beside their transactions: never more, at the original rate, states, flags."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bonafides.archive import operations as archive
from bonafides.archive.snapshot import VIEWS
from bonafides.instants import DAY, Day, Instant, start_of
from bonafides.personal.sealing import Vault
from bonafides.rating.scorecard import champion
from bonafides.records import bulk, operations
from bonafides.records.ingest import IngestReport
from bonafides.records.kinds import Kind, Record, RefundState
from bonafides.records.mapping import Mapping
from bonafides.records.money import Money, Rate, RateTable, in_cny
from bonafides.storage import records as record_rows
from bonafides.storage.tables import record, refund_flag, rollup_day
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_pb2, disclosure_pb2
from tests import builders
from tests.searching import examples

_VAULT = Vault(bytes(range(32)), "sandbox")
_ORIGINAL = builders.transaction("t1")
# Their day is ten days ago.
_SOLD = Day(builders.TODAY - 10)
_numbers = itertools.count()


def take_in(store: Store, *records: Record, rates: RateTable | None = None) -> IngestReport:
    """Takes the records in as one batch."""
    builders.link_stores(store, records)
    return operations.ingest(store, _VAULT, rates or builders.rates(), records, now=builders.NOW)


def refund(record_id: str, minor: int = 1_000, **changes: Any) -> Record:
    """Returns a refund of the transaction t1, made two days after it."""
    told: dict[str, Any] = {
        "kind": Kind.REFUND,
        "buyer": None,
        "original_id": "t1",
        "amount": Money("CNY", minor),
        "occurred_at": Instant(_ORIGINAL.occurred_at + 2 * DAY),
    }
    return builders.transaction(record_id, **{**told, **changes})


def revised(told: Record, revision: int, **changes: Any) -> Record:
    """Returns a later revision of the record."""
    return dataclasses.replace(told, revision=revision, **changes)


def reasons(report: IngestReport) -> list[tuple[int, str]]:
    """Returns what was refused, by place."""
    return [(one.index, one.reason) for one in report.rejected]


def stored(store: Store, kind: Kind = Kind.REFUND) -> list[Any]:
    """Returns the rows of the log of one kind, in its order."""
    with store.reading() as work:
        rows = sa.select(record).where(record.c.kind == kind.value).order_by(record.c.sequence)
        return list(work.execute(rows).all())


def fold(store: Store, limit: int = 1_000) -> None:
    """Folds all that is left."""
    while operations.fold(store, now=builders.NOW, limit=limit).folded:
        pass


def flags(store: Store) -> set[tuple[str, str]]:
    """Folds, and returns the flags as record id and reason."""
    fold(store)
    with store.reading() as work:
        told = work.execute(sa.select(refund_flag.c.record_id, refund_flag.c.reason))
        return {(row.record_id, row.reason) for row in told}


# --- Never above the transaction -----------------------------------------------------


@pytest.mark.feature("G4")
def test_parts_are_refunded_up_to_the_amount_and_no_fen_more(store: Store) -> None:
    take_in(store, _ORIGINAL)
    report = take_in(store, refund("r1", 6_000), refund("r2", 4_001), refund("r3", 4_000))
    assert (report.accepted, reasons(report)) == (2, [(1, "REFUND_ABOVE_ORIGINAL")])
    (over,) = take_in(store, refund("r4", 1)).rejected
    assert over.description == "Of the transaction 0.00 CNY is left to refund."


@pytest.mark.feature("G4")
def test_transaction_counts_wherever_it_stands_in_the_batch(store: Store) -> None:
    report = take_in(store, refund("r1", 10_000), refund("r2", 1), _ORIGINAL)
    assert (report.accepted, reasons(report)) == (2, [(1, "REFUND_ABOVE_ORIGINAL")])


@pytest.mark.feature("G4")
def test_replayed_refund_is_not_counted_twice(store: Store) -> None:
    take_in(store, _ORIGINAL)
    whole = refund("r1", 10_000)
    take_in(store, whole)
    assert take_in(store, whole, whole) == IngestReport(0, 2, ())


@pytest.mark.feature("G4")
def test_refund_in_another_currency_than_its_transaction_is_refused(store: Store) -> None:
    take_in(store, _ORIGINAL)
    report = take_in(store, refund("r1", amount=Money("USD", 1)))
    assert reasons(report) == [(0, "REFUND_CURRENCY")]


@pytest.mark.feature("G4")
def test_voided_refund_frees_its_part(store: Store) -> None:
    take_in(store, _ORIGINAL)
    whole = refund("r1", 10_000)
    take_in(store, whole)
    report = take_in(store, revised(whole, 2, void=True), refund("r2", 10_000), refund("r3", 1))
    assert reasons(report) == [(2, "REFUND_ABOVE_ORIGINAL")]


@pytest.mark.feature("G4")
def test_refund_that_is_revised_counts_with_its_last_amount(store: Store) -> None:
    take_in(store, _ORIGINAL)
    part = refund("r1", 9_000)
    take_in(store, part, refund("r2", 1_000))
    assert reasons(take_in(store, revised(part, 2, amount=Money("CNY", 9_001)))) == [
        (0, "REFUND_ABOVE_ORIGINAL")
    ]
    lowered = revised(part, 3, amount=Money("CNY", 1_000))
    assert reasons(take_in(store, lowered, refund("r3", 8_000), refund("r4", 1))) == [
        (2, "REFUND_ABOVE_ORIGINAL")
    ]


@pytest.mark.feature("G4")
def test_refund_that_turns_to_another_transaction_frees_the_first(store: Store) -> None:
    take_in(store, _ORIGINAL, builders.transaction("t2"))
    whole = refund("r1", 10_000)
    take_in(store, whole)
    moved = revised(whole, 2, original_id="t2")
    report = take_in(store, moved, refund("r2", 10_000), refund("r3", 1, original_id="t2"))
    assert reasons(report) == [(2, "REFUND_ABOVE_ORIGINAL")]


@pytest.mark.feature("G4")
def test_revision_that_was_superseded_before_it_came_counts_for_nothing(store: Store) -> None:
    take_in(store, _ORIGINAL, refund("r1", 1_000, revision=2), refund("r2", 9_000))
    assert take_in(store, refund("r1", 5_000, revision=1)).accepted == 1
    assert flags(store) == set()


def test_nothing_of_a_voided_transaction_is_left_to_refund(store: Store) -> None:
    take_in(store, _ORIGINAL, revised(_ORIGINAL, 2, void=True))
    assert reasons(take_in(store, refund("r1"))) == [(0, "REFUND_ABOVE_ORIGINAL")]


def test_refunds_of_other_enterprises_and_platforms_take_no_room(store: Store) -> None:
    take_in(store, _ORIGINAL)
    others = (
        refund("r1", 10_000, code=builders.code(2)),
        refund("r1", 10_000, platform="taobao"),
        refund("r2", 10_000, original_id=None),
    )
    assert take_in(store, *others, refund("r1", 10_000)).accepted == 4


@pytest.mark.feature("G4")
@settings(
    max_examples=examples(15),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    batches=st.lists(
        st.lists(st.integers(1, 6_000), min_size=1, max_size=4), min_size=2, max_size=4
    )
)
def test_concurrent_refunds_never_add_up_to_more_than_the_transaction(
    store: Store, batches: list[list[int]]
) -> None:
    """Writers send parts of one transaction at once; each is taken in or told what is left."""
    original = f"t{next(_numbers)}"
    take_in(store, builders.transaction(original))
    reports: list[IngestReport] = []
    begun = threading.Barrier(len(batches))

    def write(writer: int, parts: Sequence[int]) -> None:
        told = [
            refund(f"{original}-{writer}-{place}", minor, original_id=original)
            for place, minor in enumerate(parts)
        ]
        begun.wait()
        reports.append(take_in(store, *told))

    writers = [threading.Thread(target=write, args=each) for each in enumerate(batches)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    kept = [row.amount_minor for row in stored(store) if row.original_id == original]
    assert len(reports) == len(batches)
    assert sum(kept) <= 10_000
    assert len(kept) == sum(report.accepted for report in reports)
    refused = sorted(itertools.chain(*batches))
    for minor in kept:
        refused.remove(minor)
    assert all(sum(kept) + minor > 10_000 for minor in refused)


# --- At the original rate -------------------------------------------------------------


@pytest.mark.feature("G6")
def test_refund_is_converted_at_the_rate_of_its_transaction_not_of_its_day(store: Store) -> None:
    sold = builders.transaction("t1", amount=Money("USD", 10_000), occurred_at=builders.NOW)
    take_in(store, sold)
    later = RateTable([("USD", Rate(6_000_000_000_000, builders.TODAY, "later"))])
    part = refund("r1", amount=Money("USD", 333), occurred_at=builders.NOW)
    assert take_in(store, part, rates=later).accepted == 1
    (row,) = stored(store)
    assert (row.amount_cny_minor, row.rate_e12, row.rate_source) == (
        2_364,
        7_100_000_000_000,
        "made up",
    )
    assert row.rate_day == builders.TODAY - 7


@pytest.mark.feature("G6")
@settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    parts=st.lists(st.integers(1, 500), min_size=1, max_size=8),
    rate_e12=st.integers(10**9, 10**14),
    currency=st.sampled_from(["USD", "JPY"]),
    cut=st.integers(0, 8),
)
def test_parts_of_a_whole_refund_are_the_amount_in_yuan_to_the_fen(
    store: Store, parts: list[int], rate_e12: int, currency: str, cut: int
) -> None:
    original = f"t{next(_numbers)}"
    rate = Rate(rate_e12, builders.TODAY, "made up")
    rates = RateTable([(currency, rate)])
    whole = Money(currency, sum(parts))
    take_in(
        store,
        builders.transaction(original, amount=whole, occurred_at=builders.NOW),
        rates=rates,
    )
    told = [
        refund(
            f"{original}-{place}",
            amount=Money(currency, minor),
            original_id=original,
            occurred_at=builders.NOW,
        )
        for place, minor in enumerate(parts)
    ]
    take_in(store, *told[:cut], rates=rates)
    take_in(store, *told[cut:], rates=rates)
    fen = [row.amount_cny_minor for row in stored(store) if row.original_id == original]
    left = in_cny(whole, rate).minor
    for minor, told_fen in zip(parts[:-1], fen[:-1], strict=True):
        assert told_fen == min(in_cny(Money(currency, minor), rate).minor, left)
        left -= told_fen
    assert fen[-1] == left >= 0


@pytest.mark.feature("G2")
def test_revision_under_later_rates_keeps_the_rate_that_was_recorded(store: Store) -> None:
    sold = builders.transaction("t1", amount=Money("USD", 10_000), occurred_at=builders.NOW)
    take_in(store, sold)
    later = RateTable([("USD", Rate(6_000_000_000_000, builders.TODAY, "later"))])
    take_in(store, revised(sold, 2, amount=Money("USD", 5_000)), rates=later)
    assert [row.amount_cny_minor for row in stored(store, Kind.TRANSACTION)] == [71_000, 35_500]


@pytest.mark.feature("G2")
def test_statistics_stay_what_they_are_under_a_later_table_of_rates(store: Store) -> None:
    sold = builders.transaction("t1", amount=Money("USD", 10_000), occurred_at=builders.NOW)
    take_in(store, sold)
    fold(store)
    with store.writing() as work:
        later = Rate(6_000_000_000_000, Day(builders.TODAY - 7), "later")
        record_rows.save_rates(work, [("USD", later)])
        work.commit()
    with store.reading() as work:
        rates = record_rows.rate_table(work)
    take_in(store, sold, revised(sold, 2, store_id="s2"), rates=rates)
    fold(store)
    with store.reading() as work:
        assert work.execute(sa.select(rollup_day.c.amount_cny_minor)).scalars().all() == [71_000]


@pytest.mark.feature("G6")
def test_refund_of_a_currency_that_is_quoted_no_more_is_converted_all_the_same(
    store: Store,
) -> None:
    sold = builders.transaction("t1", amount=Money("USD", 100), occurred_at=builders.NOW)
    take_in(store, sold)
    whole = refund("r1", amount=Money("USD", 100), occurred_at=builders.NOW)
    orphan = dataclasses.replace(whole, record_id="r2", original_id="t2")
    report = take_in(store, whole, orphan, rates=RateTable([]))
    assert reasons(report) == [(1, "RATE_UNKNOWN")]
    assert [row.amount_cny_minor for row in stored(store)] == [710]


# --- Before its transaction, and flags -------------------------------------------------


@pytest.mark.feature("G4")
def test_refunds_before_their_transaction_are_kept_and_the_excess_is_flagged(store: Store) -> None:
    take_in(store, refund("r1", 6_000), refund("r2", 4_000), refund("r3", 1))
    assert flags(store) == {("r1", "unmatched"), ("r2", "unmatched"), ("r3", "unmatched")}
    take_in(store, _ORIGINAL)
    assert flags(store) == {("r3", "excess")}
    assert len(stored(store)) == 3


@pytest.mark.feature("G4")
def test_excess_goes_when_what_caused_it_goes(store: Store) -> None:
    lowered = revised(_ORIGINAL, 2, amount=Money("CNY", 5_999))
    part = refund("r1", 6_000)
    take_in(store, _ORIGINAL, part)
    take_in(store, lowered)
    assert flags(store) == {("r1", "excess")}
    take_in(store, revised(part, 2, amount=Money("CNY", 5_999)))
    assert flags(store) == set()
    take_in(store, revised(_ORIGINAL, 3, void=True))
    assert flags(store) == {("r1", "excess")}
    take_in(store, revised(part, 3, void=True))
    assert flags(store) == set()


@pytest.mark.feature("G6")
def test_refund_before_its_transaction_keeps_the_rate_of_its_day_and_is_flagged(
    store: Store,
) -> None:
    early = Rate(8_000_000_000_000, Day(builders.TODAY - 10), "early")
    today = Rate(7_100_000_000_000, Day(builders.TODAY - 7), "later")
    rates = RateTable([("USD", early), ("USD", today)])
    part = refund("r1", amount=Money("USD", 5_000), occurred_at=builders.NOW)
    take_in(store, part, rates=rates)
    take_in(store, builders.transaction("t1", amount=Money("USD", 10_000)), rates=rates)
    assert flags(store) == {("r1", "own_rate")}
    assert take_in(store, refund("r2", amount=Money("USD", 5_000)), rates=rates).accepted == 1
    assert [row.amount_cny_minor for row in stored(store)] == [35_500, 40_000]


def test_refund_in_another_currency_is_flagged_when_its_transaction_comes(store: Store) -> None:
    take_in(store, refund("r1", amount=Money("USD", 1), occurred_at=builders.NOW))
    take_in(store, _ORIGINAL)
    assert ("r1", "currency") in flags(store)


_parts = st.builds(
    lambda name, minor, original, day: refund(
        name, minor, original_id=original, occurred_at=Instant(start_of(Day(_SOLD + day)))
    ),
    st.sampled_from(["r1", "r2", "r3"]),
    st.integers(1, 9_000),
    st.sampled_from(["t1", "t2"]),
    st.integers(0, 9),
)
_sales = st.builds(
    lambda name, minor, void: builders.transaction(name, amount=Money("CNY", minor), void=void),
    st.sampled_from(["t1", "t2"]),
    st.integers(1, 9_000),
    st.sampled_from([False, False, True]),
)


@pytest.mark.feature("G4")
@settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    drawn=st.lists(st.one_of(_parts, _sales), max_size=10),
    data=st.data(),
    limit=st.integers(1, 12),
)
def test_flags_equal_a_recount_in_any_order_of_arrival_and_size_of_step(
    store: Store, drawn: list[Record], data: st.DataObject, limit: int
) -> None:
    of = builders.code(next(_numbers) + 10)
    log = [
        revised(one, 1 + sum(e.record_id == one.record_id for e in drawn[:place]), code=of)
        for place, one in enumerate(drawn)
    ]
    for one in data.draw(st.permutations(log)):
        # Each by itself, so that some are refused and some come before their transaction.
        take_in(store, one)
        if data.draw(st.booleans()):
            fold(store, limit)
    fold(store, limit)
    with store.reading() as work:
        told = work.execute(
            sa.select(refund_flag.c.record_id, refund_flag.c.reason).where(
                refund_flag.c.code == of.text
            )
        )
        assert sorted(tuple(row) for row in told) == sorted(_recount(store, of.text))


def _recount(store: Store, of: str) -> list[tuple[str, str]]:
    rows = [row for kind in (Kind.TRANSACTION, Kind.REFUND) for row in stored(store, kind)]
    latest = {
        (row.kind, row.record_id): row
        for row in sorted(rows, key=lambda each: each.revision)
        if row.code == of
    }
    told = []
    sums = {"t1": 0, "t2": 0}
    parts = [row for (kind, _), row in latest.items() if kind == "refund" and not row.void]
    for part in sorted(parts, key=lambda row: (row.occurred_at, row.record_id)):
        original = latest.get(("transaction", part.original_id))
        sums[part.original_id] += part.amount_minor
        if original is None:
            told.append((part.record_id, "unmatched"))
        elif original.void or sums[part.original_id] > original.amount_minor:
            told.append((part.record_id, "excess"))
    return told


# --- Ninety days ----------------------------------------------------------------------


@pytest.mark.feature("G5")
@pytest.mark.parametrize(("days", "refused"), [(90, []), (91, [(0, "REFUND_REQUEST_LATE")])])
def test_refund_is_requested_up_to_the_last_moment_of_the_ninetieth_day_in_shanghai(
    store: Store, days: int, refused: list[tuple[int, str]]
) -> None:
    sold = Day(builders.TODAY - 91)
    take_in(store, builders.transaction("t1", occurred_at=Instant(start_of(Day(sold + 1)) - 1)))
    last_moment = Instant(start_of(Day(sold + days + 1)) - 1)
    asked = refund(
        "r1",
        refund_state=RefundState.SUBMITTED,
        requested_at=last_moment,
        occurred_at=builders.NOW,
    )
    assert reasons(take_in(store, asked)) == refused


@pytest.mark.feature("G5")
def test_refund_paid_after_ninety_days_is_taken_in_counted_and_flagged(store: Store) -> None:
    sold = Day(builders.TODAY - 91)
    take_in(store, builders.transaction("t1", occurred_at=start_of(sold)))
    in_time = refund("r1", requested_at=start_of(Day(sold + 90)), occurred_at=builders.NOW)
    late = refund("r2", occurred_at=start_of(Day(sold + 91)), refund_state=RefundState.DONE)
    assert take_in(store, in_time, late).accepted == 2
    assert flags(store) == {("r2", "late")}
    with store.reading() as work:
        counted = work.execute(sa.select(sa.func.sum(rollup_day.c.refunds))).scalar_one()
    assert counted == 2


# --- States ---------------------------------------------------------------------------

_SUBMITTED, _WAITING, _DONE = RefundState
_STATES = (*RefundState, None)
_FORWARD = {
    (_SUBMITTED, _SUBMITTED),
    (_SUBMITTED, _WAITING),
    (_SUBMITTED, _DONE),
    (_SUBMITTED, None),
    (_WAITING, _WAITING),
    (_WAITING, _DONE),
    (_WAITING, None),
    (_DONE, _DONE),
    (_DONE, None),
    (None, _DONE),
    (None, None),
}


@pytest.mark.feature("G7")
@pytest.mark.parametrize(("old", "new"), list(itertools.product(_STATES, _STATES)))
def test_refund_goes_forward_only_and_spoils_no_other(
    store: Store, old: RefundState | None, new: RefundState | None
) -> None:
    first = refund("r1", refund_state=old)
    take_in(store, _ORIGINAL, first)
    moved = revised(first, 2, refund_state=new, store_id="s2")
    report = take_in(store, refund("r2"), moved, refund("r3"))
    expected = [] if (old, new) in _FORWARD else [(1, "REFUND_STATE")]
    assert (report.accepted, reasons(report)) == (3 - len(expected), expected)


@pytest.mark.feature("G7")
@pytest.mark.parametrize("state", [_SUBMITTED, _WAITING])
def test_refund_that_is_under_way_is_neither_canceled_nor_changed(
    store: Store, state: RefundState
) -> None:
    first = refund("r1", refund_state=state)
    take_in(store, _ORIGINAL, first)
    canceled = revised(first, 2, void=True)
    lowered = revised(first, 2, amount=Money("CNY", 1))
    assert reasons(take_in(store, canceled, lowered)) == [(0, "REFUND_STATE"), (1, "REFUND_STATE")]


@pytest.mark.feature("G7")
def test_revision_that_comes_late_must_fit_the_one_after_it(store: Store) -> None:
    last = refund("r1", refund_state=_WAITING, revision=3)
    take_in(store, _ORIGINAL, last)
    assert reasons(take_in(store, revised(last, 2, refund_state=_DONE))) == [(0, "REFUND_STATE")]
    assert take_in(store, revised(last, 2, refund_state=_SUBMITTED)).accepted == 1


@pytest.mark.feature("G7")
def test_refund_counts_in_the_statistics_once_it_is_done(store: Store) -> None:
    first = refund("r1", refund_state=_SUBMITTED)
    take_in(store, _ORIGINAL, first, refund("r2", 2_000))
    fold(store)
    assert _refunded(store) == (1, 2_000)
    take_in(store, revised(first, 2, refund_state=_WAITING))
    fold(store)
    assert _refunded(store) == (1, 2_000)
    take_in(store, revised(first, 3, refund_state=_DONE))
    fold(store)
    assert _refunded(store) == (2, 3_000)


def _refunded(store: Store) -> tuple[int, int]:
    with store.reading() as work:
        days = work.execute(sa.select(rollup_day.c.refunds, rollup_day.c.refund_cny_minor)).all()
    return sum(row.refunds for row in days), sum(row.refund_cny_minor for row in days)


@pytest.mark.feature("G7")
def test_state_and_time_of_request_are_read_from_files(store: Store, tmp_path: Any) -> None:
    heading = "code,platform,id,original,happened,asked,state,amount"
    of = f"{builders.code().text},1688"
    lines = [
        f"{of},r1,t1,2026-10-31 12:00:00,2026-10-30 12:00:00,Waiting,10",
        f"{of},r2,t1,2026-10-31 12:00:00,,,10",
        f"{of},r3,t1,2026-10-31 12:00:00,,lost,10",
    ]
    (tmp_path / "refunds.csv").write_text("\n".join([heading, *lines, ""]), encoding="utf-8")
    mapping = Mapping.model_validate(
        {
            "records": [
                {
                    "kind": "refund",
                    "from": "refunds.csv",
                    "columns": {
                        "code": "code",
                        "platform": "platform",
                        "record_id": "id",
                        "store_id": "'s1'",
                        "original_id": "original",
                        "occurred_at": "happened",
                        "requested_at": "asked",
                        "refund_state": "state",
                        "amount": "amount",
                        "currency": "'CNY'",
                    },
                }
            ]
        }
    )
    refused: list[str] = []
    with bulk.open_folder(tmp_path) as folder:
        bulk.transfer(
            bulk.Source(folder, mapping, None, 0),
            lambda records: take_in(store, *records),
            on_refused=lambda one: refused.append(f"{one.record_id} {one.reason}"),
        )
    assert refused == ["r3 REFUND_STATE_UNKNOWN"]
    told = [(row.refund_state, row.requested_at) for row in stored(store)]
    asked = Instant(start_of(Day(builders.TODAY - 2)) + DAY // 2)
    assert told == [("waiting", asked), (None, None)]


@pytest.mark.feature("G4")
def test_rehearsal_tells_of_refunds_above_their_transaction_in_store_and_files(
    store: Store, tmp_path: Any
) -> None:
    scratch = Store(f"sqlite:///{tmp_path / 'scratch.db'}")
    scratch.migrate()
    take_in(store, _ORIGINAL, refund("r1", 4_000))

    def rehearse(*records: Record) -> IngestReport:
        return operations.rehearse(
            store, scratch, _VAULT, builders.rates(), records, now=builders.NOW
        )

    assert rehearse(refund("r2", 6_000)).accepted == 1
    assert reasons(rehearse(refund("r3", 1))) == [(0, "REFUND_ABOVE_ORIGINAL")]
    scratch.close()
    assert len(stored(store)) == 1


@pytest.mark.feature("G4", "G5", "D3")
def test_flags_are_counted_in_the_file_of_the_platform_for_owner_and_staff_alone(
    store: Store,
) -> None:
    builders.enroll(store, builders.code())
    take_in(store, refund("r1", 6_000), refund("r2", 6_000), refund("r3", original_id="never"))
    take_in(store, _ORIGINAL)
    fold(store)
    with store.writing() as work:
        archive.refresh(work, champion(None), builders.code().text, builders.NOW)
        work.commit()
    shown = {
        audience: archive_pb2.Archive.FromString(
            archive.get_archive(
                store, champion(None), builders.code().text, audience=audience, now=builders.NOW
            )
        )
        for audience in VIEWS
    }
    told = {
        audience: [(one.flag, one.refunds) for file in seen.platforms for one in file.refund_flags]
        for audience, seen in shown.items()
    }
    counted = [("EXCESS", 1), ("UNMATCHED", 1)]
    assert told.pop(disclosure_pb2.AUDIENCE_OWNER) == counted
    assert told.pop(disclosure_pb2.AUDIENCE_OPERATOR) == counted
    assert set(map(tuple, told.values())) == {()}
