"""Counting roll-ups again: right ones pass, planted faults are found and named."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from bonafides.instants import DAY, HOUR, Day, Instant
from bonafides.personal.sealing import Vault
from bonafides.records import operations
from bonafides.records.kinds import Kind, Outcome, Record
from bonafides.records.money import Money
from bonafides.storage.tables import rollup_buyer, rollup_day, unmatched_refund
from bonafides.storage.unit_of_work import Store
from scripts.verify_rollups import app, verify
from tests import builders


def trade() -> list[Record]:
    """Returns records of every kind that is counted, revised, voided, late and unanswered."""
    order = builders.transaction("t1", promised_day=Day(builders.TODAY - 9))
    delivered = dataclasses.replace(order, revision=2, delivered_day=Day(builders.TODAY - 8))
    others = [
        builders.transaction(
            f"n{number}",
            buyer=f"b{number % 3}",
            of=builders.code(1 + number % 2),
            occurred_at=Instant(builders.NOW - number * 3 * DAY),
            amount=Money("USD" if number % 2 else "CNY", 1_000 + number),
        )
        for number in range(1, 3)
    ]
    voided = builders.transaction("v1")
    refund = builders.transaction("r1", kind=Kind.REFUND, buyer=None, original_id="t1")
    cases = [
        builders.transaction(
            f"c{hours}",
            kind=Kind.COMPLAINT if hours % 2 else Kind.DISPUTE,
            amount=None,
            outcome=Outcome.UPHELD if hours % 2 else Outcome.LOST,
            first_response_at=Instant(order.occurred_at + hours * HOUR),
        )
        for hours in (0, 1, 2, 4, 5, 12, 13, 24, 25, 72, 73)
    ]
    again = dataclasses.replace(voided, revision=2, void=True)
    return [order, *others, voided, refund, *cases, delivered, again]


def folded(store: Store, vault: Vault) -> None:
    builders.link_stores(store, trade())
    for start, told in enumerate(trade()):
        operations.ingest(store, vault, builders.rates(), [told], now=builders.NOW)
        if start % 3 == 0:
            operations.fold(store, now=builders.NOW)
    operations.fold(store, now=builders.NOW)


@pytest.mark.feature("C7")
def test_rollups_are_what_the_records_say(store: Store, vault: Vault) -> None:
    folded(store, vault)
    with store.reading() as work:
        report = verify(work)
    assert report.differences == []
    assert report.enterprises == 2
    assert report.rollups > 4


def test_records_that_wait_for_the_fold_are_no_difference(store: Store, vault: Vault) -> None:
    folded(store, vault)
    told = [builders.transaction("late"), builders.transaction("t1", revision=9, void=True)]
    operations.ingest(store, vault, builders.rates(), told, now=builders.NOW)
    with store.reading() as work:
        report = verify(work)
    assert (report.differences, report.not_folded) == ([], 2)


@pytest.mark.feature("C7")
def test_planted_faults_are_found_and_named(store: Store, vault: Vault) -> None:
    """One sum off by one, one day invented, one buyer's month lost."""
    folded(store, vault)
    code = builders.code().text
    day = builders.TODAY - 10
    with store.writing() as work:
        there = sa.and_(rollup_day.c.code == code, rollup_day.c.day == day)
        work.execute(
            rollup_day.update().where(there).values(response_2=rollup_day.c.response_2 + 1)
        )
        invented: dict[str, str | int] = {column.name: 0 for column in rollup_day.columns}
        invented |= {"code": "X", "platform": "1688", "day": 0, "refunds": 7}
        work.execute(rollup_day.insert(), invented)
        work.execute(rollup_buyer.delete().where(rollup_buyer.c.code == builders.code(2).text))
        work.commit()
    with store.reading() as work:
        found = verify(work).differences
    days = {(one.code, one.when, one.measure, one.rolled_up - one.recounted) for one in found}
    assert (code, "2026-10-22", "response_2", 1) in days
    assert ("X", "1970-01-01", "refunds", 7) in days
    lost = [one for one in found if one.code == builders.code(2).text]
    assert {(one.when, one.measure, one.rolled_up) for one in lost} == {
        ("2026-10", "transactions", 0),
        ("2026-10", "first_day", 0),
        ("2026-10", "last_day", 0),
    }
    assert len(found) == 2 + len(lost)


@pytest.mark.feature("C7")
def test_unmatched_refunds_are_counted_again_too(store: Store, vault: Vault) -> None:
    """One is lost, one is invented; the one that its transaction has matched is right."""
    lost = builders.transaction("lost", kind=Kind.REFUND, buyer=None, original_id="never")
    matched = dataclasses.replace(lost, record_id="matched", original_id="t1")
    told = [lost, matched, builders.transaction("t1")]
    builders.link_stores(store, told)
    operations.ingest(store, vault, builders.rates(), told, now=builders.NOW)
    operations.fold(store, now=builders.NOW)
    with store.reading() as work:
        assert verify(work).differences == []
    with store.writing() as work:
        work.execute(unmatched_refund.update().values(record_id="invented"))
        work.commit()
    with store.reading() as work:
        found = verify(work).differences
    assert [(one.measure, one.rolled_up, one.recounted) for one in found] == [
        ("unmatched_refund invented", 1, 0),
        ("unmatched_refund lost", 0, 1),
    ]


def test_command_tells_differences_and_exits_1(tmp_path: Path, vault: Vault) -> None:
    store = Store(f"sqlite:///{tmp_path / 'bonafides.db'}")
    store.migrate()
    folded(store, vault)
    right = CliRunner().invoke(app, ["--data-dir", str(tmp_path), "--json"])
    with store.writing() as work:
        work.execute(rollup_day.update().values(refunds=99))
        work.commit()
    store.close()
    wrong = CliRunner().invoke(app, ["--data-dir", str(tmp_path), "--json"])
    shown = CliRunner().invoke(app, ["--data-dir", str(tmp_path)])
    assert (right.exit_code, json.loads(right.stdout)["differences"]) == (0, [])
    assert (wrong.exit_code, shown.exit_code) == (1, 1)
    told = json.loads(wrong.stdout)["differences"]
    assert {one["measure"] for one in told} == {"refunds"}
    assert "refunds" in shown.stdout
