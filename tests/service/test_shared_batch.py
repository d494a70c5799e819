"""Small rows of many calls in one durable commit: all told alike, none told too soon."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from bonafides.access.audit import Count
from bonafides.errors import StoreUnavailableError
from bonafides.instants import Day
from bonafides.storage import tables
from bonafides.storage.audit import add_counts
from bonafides.storage.shared_batch import SharedBatch
from bonafides.storage.unit_of_work import Store, UnitOfWork

SECONDS = 20
_COUNT = tables.disclosure_count.c


@pytest.fixture
def batch(store: Store) -> Iterator[SharedBatch]:
    with started(SharedBatch(store)) as made:
        yield made


@contextlib.contextmanager
def started(batch: SharedBatch) -> Iterator[SharedBatch]:
    """Starts it for a while; its thread keeps the process until it is closed."""
    batch.start()
    try:
        yield batch
    finally:
        batch.close()


def counted(store: Store) -> dict[str, int]:
    with store.reading() as work:
        found = work.execute(sa.select(_COUNT.method, _COUNT["count"].label("times"))).all()
    return {row.method: row.times for row in found}


def row(method: str = "m", times: int = 1) -> list[Count]:
    return [Count(Day(1), method, times)]


def add_others(work: UnitOfWork, rows: Sequence[Count]) -> None:
    add_counts(work, [Count(day, f"other {method}", times) for day, method, times in rows])


def refuse(_work: UnitOfWork, _rows: Sequence[Any]) -> None:
    raise ValueError("a fault of ours")


class Gate:
    """A sort that waits, with the commit under way, until it is let through."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, _work: UnitOfWork, _rows: Sequence[Any]) -> None:
        self.reached.set()
        assert self.opened.wait(SECONDS)


def held(batch: SharedBatch) -> Gate:
    """Returns a gate at which a commit stands, so that what comes now gathers."""
    gate = Gate()
    batch.submit(gate, [1])
    assert gate.reached.wait(SECONDS)
    return gate


def test_what_is_handed_in_is_stored_once_its_future_is_done(
    store: Store, batch: SharedBatch
) -> None:
    batch.submit(add_counts, row(times=3)).result(SECONDS)
    assert counted(store) == {"m": 3}


def test_rows_of_two_sorts_share_a_commit(store: Store, batch: SharedBatch) -> None:
    gate = held(batch)
    told = [batch.submit(sort, row()) for sort in (add_counts, add_others, add_counts)]
    gate.opened.set()
    for future in told:
        future.result(SECONDS)
    assert counted(store) == {"m": 2, "other m": 1}
    assert batch.commits == 2


def test_everybody_is_told_that_a_commit_failed_and_nothing_of_it_is_stored(
    store: Store, batch: SharedBatch
) -> None:
    gate = held(batch)
    told: list[Future[None]] = [batch.submit(add_counts, row()), batch.submit(refuse, row())]
    gate.opened.set()
    for future in told:
        with pytest.raises(StoreUnavailableError):
            future.result(SECONDS)
    batch.submit(add_counts, row("later")).result(SECONDS)
    assert counted(store) == {"later": 1}


def test_future_of_a_commit_can_be_cancelled_by_nobody(batch: SharedBatch) -> None:
    assert not batch.submit(add_counts, row()).cancel()


def test_callers_on_an_event_loop_are_told_together(store: Store, batch: SharedBatch) -> None:
    async def many() -> None:
        gate = await asyncio.to_thread(partial(held, batch))
        waiting = [batch.written(add_counts, row()) for _ in range(64)]
        gate.opened.set()
        await asyncio.gather(*waiting)

    asyncio.run(many())
    assert counted(store) == {"m": 64}
    # That of the gate, and one for all of them.
    assert batch.commits == 2


def test_caller_that_gives_up_takes_nobody_along(store: Store, batch: SharedBatch) -> None:
    async def two() -> None:
        gate = await asyncio.to_thread(partial(held, batch))
        first, second = (batch.written(add_counts, row()) for _ in range(2))
        first.cancel()
        gate.opened.set()
        await second

    asyncio.run(two())
    assert counted(store) == {"m": 2}


def test_database_that_hangs_is_one_that_is_not_there(store: Store) -> None:
    with started(SharedBatch(store, patience_seconds=0.05)) as batch:
        gate = held(batch)

        async def waits() -> None:
            with pytest.raises(StoreUnavailableError):
                await batch.written(add_counts, row())
            # Whoever comes now need not wait to know.
            with pytest.raises(StoreUnavailableError):
                batch.written(add_counts, row())

        asyncio.run(waits())
        gate.opened.set()


def test_rows_beyond_the_bound_are_refused_at_once(store: Store) -> None:
    with started(SharedBatch(store, most_rows=2)) as batch:
        gate = held(batch)
        batch.submit(add_counts, [*row(), *row()])
        with pytest.raises(StoreUnavailableError):
            batch.submit(add_counts, row())
        gate.opened.set()
    assert counted(store) == {"m": 2}


def test_closing_stores_what_was_handed_in_and_takes_no_more(store: Store) -> None:
    with started(SharedBatch(store)) as batch:
        told = batch.submit(add_counts, row())
    assert told.done()
    assert counted(store) == {"m": 1}
    with pytest.raises(StoreUnavailableError):
        batch.submit(add_counts, row())


def test_rows_linger_for_five_milliseconds_at_most(store: Store) -> None:
    with pytest.raises(ValueError, match="5 ms"):
        SharedBatch(store, linger_seconds=0.006)
