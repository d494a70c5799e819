"""Taking records in: idempotent, durable at once, in the order of the log."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from bonafides.archive import operations as archive_operations
from bonafides.errors import BugError
from bonafides.instants import Day
from bonafides.personal.sealing import Vault
from bonafides.rating.scorecard import champion
from bonafides.records import operations
from bonafides.records.ingest import IngestReport, Intake, Row
from bonafides.records.kinds import Kind, Record
from bonafides.records.money import Money, Rate
from bonafides.storage import records as record_rows
from bonafides.storage.tables import record, rollup_day
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_pb2, disclosure_pb2
from scripts.verify_rollups import verify
from tests import builders


def take_in(store: Store, vault: Vault, *records: Record) -> IngestReport:
    """Takes the records in now."""
    return operations.ingest(store, vault, builders.rates(), records, now=builders.NOW)


def stored(store: Store) -> list[Any]:
    """Returns the log in its order."""
    with store.reading() as work:
        return list(work.execute(sa.select(record).order_by(record.c.sequence)).all())


@pytest.mark.feature("G1")
def test_replayed_record_changes_nothing(store: Store, vault: Vault) -> None:
    order = builders.transaction("t1")
    assert take_in(store, vault, order) == IngestReport(1, 0, ())
    before = stored(store)
    assert take_in(store, vault, order, order) == IngestReport(0, 2, ())
    assert stored(store) == before


@pytest.mark.feature("G1")
def test_same_revision_with_other_content_is_a_conflict_and_the_first_stays(
    store: Store, vault: Vault
) -> None:
    order = builders.transaction("t1")
    take_in(store, vault, order)
    changed = dataclasses.replace(order, amount=Money("CNY", 1))
    report = take_in(store, vault, builders.transaction("t2"), changed)
    assert (report.accepted, report.replayed) == (1, 0)
    assert [(one.index, one.reason) for one in report.rejected] == [(1, "REVISION_CONFLICT")]
    assert [row.amount_minor for row in stored(store)] == [10_000, 10_000]


@pytest.mark.feature("G1")
def test_conflict_within_one_batch_is_seen(store: Store, vault: Vault) -> None:
    order = builders.transaction("t1")
    changed = dataclasses.replace(order, amount=Money("CNY", 1))
    report = take_in(store, vault, order, order, changed)
    assert (report.accepted, report.replayed) == (1, 1)
    assert [one.index for one in report.rejected] == [2]


@pytest.mark.feature("G1")
def test_higher_revision_and_void_are_stored_beside_the_first(store: Store, vault: Vault) -> None:
    order = builders.transaction("t1")
    corrected = dataclasses.replace(order, revision=2, amount=Money("CNY", 1))
    taken_back = dataclasses.replace(order, revision=3, void=True)
    assert take_in(store, vault, order, corrected, taken_back).accepted == 3
    assert [(row.revision, row.void) for row in stored(store)] == [(1, 0), (2, 0), (3, 1)]


def test_same_id_of_another_code_platform_or_kind_is_another_record(
    store: Store, vault: Vault
) -> None:
    order = builders.transaction("t1")
    others = (
        dataclasses.replace(order, code=builders.code(2)),
        dataclasses.replace(order, platform="taobao"),
        dataclasses.replace(order, kind=Kind.REFUND, buyer=None),
    )
    assert take_in(store, vault, order, *others).accepted == 4


def test_refused_record_spoils_no_other(store: Store, vault: Vault) -> None:
    free = builders.transaction("t2", amount=Money("CNY", 0))
    gold = builders.transaction("t3", amount=Money("XAU", 1))
    report = take_in(store, vault, builders.transaction("t1"), free, gold)
    assert report.accepted == 1
    assert [(one.index, one.reason) for one in report.rejected] == [
        (1, "AMOUNT_NOT_POSITIVE"),
        (2, "RATE_UNKNOWN"),
    ]


def test_empty_batch_is_nothing(store: Store, vault: Vault) -> None:
    assert take_in(store, vault) == IngestReport(0, 0, ())


def test_stored_record_reads_back_as_it_was_told(store: Store, vault: Vault) -> None:
    order = builders.transaction("t'1\\N", promised_day=Day(builders.TODAY), buyer="买家")
    take_in(store, vault, order)
    (row,) = stored(store)
    assert (row.code, row.platform, row.kind, row.record_id) == (
        order.code.text,
        order.platform,
        "transaction",
        "t'1\\N",
    )
    assert (row.sequence, row.recorded_at, row.promised_day) == (1, builders.NOW, builders.TODAY)
    assert bytes(row.buyer) == vault.index(f"buyer|{order.platform}", "买家")[:16]
    assert (row.delivered_day, row.detail) == (None, None)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_row_that_the_database_refuses_is_not_quoted(store: Store, vault: Vault) -> None:
    intake = Intake(vault, builders.rates(), builders.NOW)
    row = intake.row(builders.transaction())
    assert isinstance(row, Row)
    with store.writing() as work, pytest.raises(BugError) as told:
        record_rows.write(work, [row._replace(store_id="planted" * 20)], now=builders.NOW)
    assert "planted" not in f"{told.value!r} {told.value.what} {told.value.__cause__!r}"


@pytest.mark.feature("G2")
def test_later_rates_change_no_stored_amount(store: Store, vault: Vault) -> None:
    order = builders.transaction("t1", amount=Money("USD", 100), occurred_at=builders.NOW)
    take_in(store, vault, order)
    with store.writing() as work:
        later = Rate(1_000_000_000_000, Day(builders.TODAY), "made up")
        assert record_rows.save_rates(work, [("USD", later)]) == 1
        work.commit()
    with store.reading() as work:
        rates = record_rows.rate_table(work)
    assert rates.rate("USD", builders.TODAY) == later
    report = operations.ingest(store, vault, rates, [order], now=builders.NOW)
    assert report == IngestReport(0, 1, ())
    assert [row.rate_e12 for row in stored(store)] == [7_100_000_000_000]


def test_sequence_has_no_gap_and_no_double_under_concurrent_writers(
    store: Store, vault: Vault
) -> None:
    def write(writer: int) -> None:
        for batch in range(5):
            orders = [builders.transaction(f"w{writer}-b{batch}-{n}") for n in range(20)]
            take_in(store, vault, *orders)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [row.sequence for row in stored(store)] == list(range(1, 401))


def test_writers_of_the_same_records_at_once_store_them_once(store: Store, vault: Vault) -> None:
    reports: list[IngestReport] = []

    def write() -> None:
        orders = [builders.transaction(f"t{n}") for n in range(200)]
        reports.append(take_in(store, vault, *orders))

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sum(report.accepted for report in reports) == 200
    assert sum(report.replayed for report in reports) == 600


def test_folds_at_once_count_each_record_once(store: Store, vault: Vault) -> None:
    builders.link_stores(store, [builders.transaction()])
    take_in(store, vault, *(builders.transaction(f"t{n}") for n in range(300)))
    folded: list[int] = []

    def fold() -> None:
        while (report := operations.fold(store, now=builders.NOW, limit=20)).folded:
            folded.append(report.folded)

    workers = [threading.Thread(target=fold) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with store.reading() as work:
        counted = work.execute(sa.select(sa.func.sum(rollup_day.c.transactions))).scalar_one()
    assert (sum(folded), counted) == (300, 300)


def test_two_processes_fold_each_record_once_while_more_arrive(store: Store, vault: Vault) -> None:
    """Two stores are what two processes have: nothing is shared but the database."""
    builders.link_stores(store, [builders.transaction()])
    url = store.url.render_as_string(hide_password=False)
    others = [Store(url), Store(url)]
    folded: list[int] = []
    arrived = threading.Event()

    def fold(own: Store) -> None:
        while (step := operations.fold(own, now=builders.NOW, limit=15).folded) or (
            not arrived.is_set()
        ):
            folded.append(step)

    workers = [threading.Thread(target=fold, args=(own,)) for own in others]
    for worker in workers:
        worker.start()
    try:
        for start in range(0, 400, 40):
            made = (builders.transaction(f"t{n}") for n in range(start, start + 40))
            take_in(store, vault, *made)
    finally:
        arrived.set()
        for worker in workers:
            worker.join()
    for own in others:
        own.close()
    operations.fold(store, now=builders.NOW)
    with store.reading() as work:
        counted = work.execute(sa.select(sa.func.sum(rollup_day.c.transactions))).scalar_one()
        assert verify(work).differences == []
    assert counted == 400
    assert sum(folded) <= 400


def test_platforms_are_those_that_reported_anything(store: Store, vault: Vault) -> None:
    opened = builders.transaction(
        "s1",
        platform="taobao",
        kind=Kind.STORE,
        amount=None,
        buyer=None,
        from_day=Day(builders.TODAY - 9),
    )
    builders.link_stores(store, [builders.transaction()])
    take_in(store, vault, builders.transaction("t1"), builders.transaction("t2"), opened)
    operations.fold(store, now=builders.NOW)
    with store.reading() as work:
        assert record_rows.platforms(work, builders.code().text) == ("1688", "taobao")
        assert record_rows.platforms(work, builders.code(2).text) == ()


def test_rehearsal_says_what_would_happen_and_stores_nothing(
    store: Store, vault: Vault, tmp_path: Any
) -> None:
    order = builders.transaction("t1")
    take_in(store, vault, order)
    scratch = Store(f"sqlite:///{tmp_path / 'scratch.db'}")
    scratch.migrate()
    changed = dataclasses.replace(order, amount=Money("CNY", 1))
    twice = builders.transaction("t2")

    def rehearse(*records: Record) -> IngestReport:
        return operations.rehearse(
            store, scratch, vault, builders.rates(), records, now=builders.NOW
        )

    first, second = rehearse(order, twice), rehearse(changed, twice)
    scratch.close()
    assert (first.accepted, first.replayed) == (1, 1)
    assert (second.replayed, [one.index for one in second.rejected]) == (1, [0])
    assert len(stored(store)) == 1


def test_records_show_in_the_archive_of_an_enterprise_that_takes_part_alone(
    store: Store, vault: Vault
) -> None:
    builders.enroll(store, builders.code(1))
    orders = (builders.transaction("t1"), builders.transaction("t1", of=builders.code(2)))
    builders.link_stores(store, orders)
    take_in(store, vault, *orders)
    assert operations.fold_and_refresh(store, champion(None), now=builders.NOW) == 2
    told = archive_operations.get_archive(
        store,
        champion(None),
        builders.code(1).text,
        audience=disclosure_pb2.AUDIENCE_OPERATOR,
        now=builders.NOW,
    )
    (shown,) = archive_pb2.Archive.FromString(told).platforms
    assert shown.cumulative.transactions == 1
    assert operations.fold_and_refresh(store, champion(None), now=builders.NOW) == 0
