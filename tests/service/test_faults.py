"""Kills in the middle of ingestion lose and double nothing; and the checker can fail.

The nemeses that need a mount, a PostgreSQL to kill, or a tracer run in `make faults`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bonafides.records import operations
from bonafides.storage import records as record_rows
from bonafides.storage.tables import counter, record, rollup_day, unmatched_refund
from bonafides.storage.unit_of_work import Store
from scripts.faults import kill, report, sales, stream
from scripts.faults.checker import Findings, Stored, check, examine, expected, read
from scripts.faults.history import History
from scripts.faults.report import Figure
from scripts.faults.workload import Ack, Fault, directly

_SEED = 7
_BATCHES = 6


@pytest.mark.feature("G1")
@pytest.mark.feature("C7")
def test_fifty_kills_lose_no_acknowledged_record_and_count_none_twice(database_url: str) -> None:
    outcome = kill.cycles(database_url, seed=_SEED, count=50)
    assert str(outcome.found) == str(Findings())
    assert outcome.strikes == 50
    assert outcome.acked > 0


@pytest.mark.feature("G1")
def test_platforms_that_stream_to_a_server_that_is_killed_lose_nothing(
    database_url: str, tmp_path: Path
) -> None:
    outcome = stream.cycles(stream.Place(str(tmp_path), database_url), seed=_SEED, count=5)
    assert str(outcome.found) == str(Findings())
    assert outcome.acked > 0


def worked(store: Store, *, fold: bool = True) -> History:
    """Lets two writers send batches, one of them in doubt; returns the history."""
    history = History(_SEED, writers=2)
    acks = [directly(store, _SEED, w, n) for n in range(1, _BATCHES + 1) for w in range(2)]
    history.add(acks)
    directly(store, _SEED, 0, _BATCHES + 1)
    if fold:
        operations.fold(store, now=sales.NOW)
    return history


def checked(store: Store, history: History) -> Findings:
    """Lets the checker look at everything."""
    return check(store, history, lambda *batch: directly(store, _SEED, *batch))


def looked_at(history: History, stored: Stored) -> Findings:
    """Lets the checker look once."""
    return examine(history, expected(history), stored)


def change(store: Store, statement: sa.Executable) -> None:
    """Changes what is stored, behind the service's back."""
    with store.writing() as work:
        work.execute(statement)
        work.commit()


@pytest.mark.parametrize("fold", [True, False])
def test_checker_finds_nothing_where_nothing_is_wrong(store: Store, *, fold: bool) -> None:
    history = worked(store, fold=fold)
    assert str(checked(store, history)) == str(Findings())


def test_checker_finds_a_planted_loss(store: Store) -> None:
    history = worked(store)
    change(store, record.delete().where(record.c.record_id == "1-2-0", record.c.revision == 1))
    assert checked(store, history).lost == 1


def test_checker_finds_a_record_that_was_lost_and_sent_again(store: Store) -> None:
    history = worked(store)
    change(store, record.delete().where(record.c.record_id.like("1-2-%"), record.c.revision == 1))
    history.add([directly(store, _SEED, 1, 2)])
    assert checked(store, history).lost == len(sales.batch(_SEED, 1, 2))


def test_checker_finds_a_planted_double_in_the_roll_ups(store: Store) -> None:
    history = worked(store)
    stored = len(read(store).rows)
    change(store, counter.update().where(counter.c.name == "fold").values(value=0))
    change(store, unmatched_refund.delete())
    operations.fold(store, now=sales.NOW)
    found = looked_at(history, read(store))
    assert found.lost == 0
    assert 0 < found.doubled <= stored
    assert not checked(store, history).sound


def test_checker_finds_a_record_that_is_stored_twice(store: Store) -> None:
    history = worked(store)
    stored = read(store)
    twice = replace(
        stored, rows=(*stored.rows, stored.rows[0]), places=(*stored.places, stored.last + 1)
    )
    assert looked_at(history, twice).doubled == 1


def test_checker_finds_a_watermark_that_passed_an_unfolded_record(store: Store) -> None:
    history = worked(store, fold=False)
    operations.fold(store, now=sales.NOW, limit=60)
    with store.writing() as work:
        record_rows.remember(work, "fold", 65)
        work.commit()
    found = looked_at(history, read(store))
    assert (found.lost, found.doubled, found.sound) == (0, 0, False)


def test_checker_finds_a_watermark_beyond_the_log(store: Store) -> None:
    history = worked(store)
    with store.writing() as work:
        record_rows.remember(work, "fold", 10_000)
        work.commit()
    assert not looked_at(history, read(store)).sound


def test_checker_that_cannot_go_on_says_so(store: Store) -> None:
    history = worked(store)
    # A second fold fails by itself where the first left an unmatched refund.
    change(store, counter.update().where(counter.c.name == "fold").values(value=0))
    assert any("can't go on" in each for each in checked(store, history).others)


@pytest.mark.parametrize(
    "spoil",
    [
        record.update().where(record.c.record_id == "0-3-0").values(amount_cny_minor=1),
        record.delete().where(record.c.record_id == f"0-{_BATCHES + 1}-0"),
        rollup_day.update().values(amount_cny_minor=rollup_day.c.amount_cny_minor + 1),
        rollup_day.delete(),
    ],
    ids=["a changed record", "a batch stored in part", "a wrong sum", "no roll-up"],
)
def test_checker_finds_what_else_is_spoiled(store: Store, spoil: sa.Executable) -> None:
    history = worked(store)
    change(store, spoil)
    assert not looked_at(history, read(store)).sound


def test_checker_finds_a_record_that_nobody_sent(store: Store) -> None:
    history = worked(store)
    directly(store, _SEED, 1, 900)
    found = looked_at(history, read(store))
    assert len(found.others) == len(sales.batch(_SEED, 1, 900))


@pytest.mark.parametrize(
    "told",
    [
        Fault("an error that is not ours"),
        Ack(0, _BATCHES + 1, accepted=1, replayed=0, rejected=1),
        Ack(0, _BATCHES + 1, accepted=1, replayed=1, rejected=0),
    ],
)
def test_checker_finds_what_the_workload_itself_tells(store: Store, told: Fault | Ack) -> None:
    history = worked(store)
    history.add([told])
    assert checked(store, history).others


@pytest.mark.parametrize(
    ("figure", "holds"),
    [
        (Figure("faults.x.lost", 0, "records", most=0), True),
        (Figure("faults.x.lost", 1, "records", most=0), False),
        (Figure("faults.x.healed", 4, "rounds", least=5), False),
        (Figure("faults.x.acked", 4, "records"), None),
        (Figure("faults.x.lost", None, "records", most=0), None),
    ],
)
def test_figures_hold_within_their_bars(figure: Figure, holds: bool | None) -> None:  # noqa: FBT001 - an expectation
    assert figure.holds is holds


def test_report_has_the_shape_of_the_benchmarks(tmp_path: Path) -> None:
    file = tmp_path / "build" / "faults.json"
    report.write(file, [*report.of_findings("x", Findings(lost=2)), *report.skipped("y", "why")])
    told = json.loads(file.read_text(encoding="utf-8"))
    assert told[0] == {
        "name": "faults.x.lost",
        "value": 2,
        "unit": "records",
        "bar": "<= 0",
        "holds": False,
    }
    assert [(row["value"], row["holds"]) for row in told[3:]] == [(None, None)] * 3


def test_same_seed_invents_the_same_records() -> None:
    invented: Callable[[int], list[object]] = lambda seed: [  # noqa: E731 - said twice below
        sales.batch.__wrapped__(seed, writer, number) for writer in (0, 1) for number in range(1, 9)
    ]
    assert invented(1) == invented(1)
    assert invented(1) != invented(2)
