"""Keeps what accounts have spent, for all processes at once.

A lease is one statement, so that two processes can't both get the last of it: a bucket of
tokens is one instant that moves on, enterprises of a day one number that grows. Keys are
locked in their order, so that two units of work never wait for each other.

    ledger = StoredLedger(store)
    ledger.lease([Want(key, limit, day, calls=1)], [], now)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from bonafides.access import budgets
from bonafides.access.purses import Lease, Seen, Want
from bonafides.instants import DAY, Day, Instant, day_of
from bonafides.storage.tables import budget_calls, budget_day, budget_seen
from bonafides.storage.unit_of_work import Store, UnitOfWork

# While this many blocks are left a whole one is leased; then one enterprise at a time, so
# that little is lost with processes that do not spend what they have.
_PLENTY_BLOCKS: Final = 2
_PRUNED_AT_ONCE: Final = 10_000

_calls: Final = budget_calls.c
_day: Final = budget_day.c
_seen: Final = budget_seen.c


class StoredLedger:
    """A ledger in the store's tables. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self._store: Final = store

    def lease(self, wants: Sequence[Want], seen: Sequence[Seen], now: Instant) -> list[Lease]:
        """Leases for each want and writes down what was seen, in one unit of work.

        Raises:
            StoreUnavailableError: the database can't be reached; nothing was done.
        """
        with self._store.writing() as work:
            _write(work, seen)
            order = sorted(range(len(wants)), key=lambda place: wants[place].key)
            made = {place: _lease(work, wants[place], now) for place in order}
            work.commit()
        return [made[place] for place in range(len(wants))]


def prune(store: Store, now: Instant) -> int:
    """Deletes some of what no longer counts; returns how many rows, 0 if none are left."""
    today = day_of(now)
    deleted = 0
    with store.writing() as work:
        # A full bucket is as good as none; a day's grace for clocks that differ.
        old = sa.select(_calls.key).where(_calls.full_at < now - DAY).limit(_PRUNED_AT_ONCE)
        deleted += work.execute(sa.delete(budget_calls).where(_calls.key.in_(old))).rowcount
        for table in (budget_day, budget_seen):
            keys = list(table.primary_key.columns)
            days = sa.select(*keys).where(table.c.day < today - 1).limit(_PRUNED_AT_ONCE)
            some = sa.delete(table).where(sa.tuple_(*keys).in_(days))
            deleted += work.execute(some).rowcount
        work.commit()
    return deleted


def _write(work: UnitOfWork, seen: Sequence[Seen]) -> None:
    if not seen:
        return
    rows = sorted({(each.day, each.key, each.enterprise) for each in seen})
    statement = work.insert(budget_seen).on_conflict_do_nothing()
    work.execute(
        statement, [{"day": day, "key": key, "enterprise": seen} for day, key, seen in rows]
    )


def _lease(work: UnitOfWork, want: Want, now: Instant) -> Lease:
    calls, again_at = _lease_calls(work, want, now) if want.calls else (0, Instant(0))
    if not want.enterprises:
        return Lease(calls, again_at)
    known = _known(work, want.key, want.day) if want.first else frozenset[int]()
    return Lease(calls, again_at, _lease_enterprises(work, want), known)


def _lease_calls(work: UnitOfWork, want: Want, now: Instant) -> tuple[int, Instant]:
    """Returns how many tokens were leased; where none were, when there will be enough."""
    limit = want.limit
    for count in sorted({max(want.calls, limit.calls_block), want.calls}, reverse=True):
        step = count * limit.interval
        insert = work.insert(budget_calls).values(key=want.key, full_at=now + step)
        after = sa.case((_calls.full_at > now, _calls.full_at), else_=now) + step
        update = insert.on_conflict_do_update(
            index_elements=["key"],
            set_={"full_at": after},
            where=after <= now + limit.calls * limit.interval,
        )
        if work.execute(update.returning(_calls.full_at)).first() is not None:
            return count, Instant(0)
    row = work.execute(sa.select(_calls.full_at).where(_calls.key == want.key)).one()
    return 0, budgets.again_at(limit, Instant(row.full_at), want.calls)


def _lease_enterprises(work: UnitOfWork, want: Want) -> int:
    """Returns how many enterprises were leased; 0: the day's are all taken."""
    total, block = want.limit.enterprises, want.limit.enterprises_block
    left = total - _day.taken
    share = sa.case((left >= _PLENTY_BLOCKS * block, block), (left >= 1, 1), else_=0)
    insert = work.insert(budget_day).values(
        day=want.day, key=want.key, taken=min(block, total), granted=min(block, total)
    )
    update = insert.on_conflict_do_update(
        index_elements=["day", "key"], set_={"taken": _day.taken + share, "granted": share}
    )
    granted: int = work.execute(update.returning(_day.granted)).scalar_one()
    return granted


def _known(work: UnitOfWork, key: str, day: Day) -> frozenset[int]:
    found = sa.select(_seen.enterprise).where(_seen.day == day, _seen.key == key)
    return frozenset(work.execute(found).scalars())
