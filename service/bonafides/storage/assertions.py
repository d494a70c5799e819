"""Remembers what applications signed and sent, so that each of it counts once.

Rows carry the day on which they were used, and go a day later: what was signed is good
for a minute.

    if not use(work, client_id, once, now=now): ...   # it was used before
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from bonafides.instants import Instant, day_of
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store, UnitOfWork

_used: Final = tables.used_assertion
# Whole days, the present one not counted. Far more than an assertion's minute.
_KEPT_DAYS: Final = 1
# Bounds one step of forgetting.
_FORGOTTEN_AT_ONCE: Final = 10_000


def use(work: UnitOfWork, client_id: str, once: str, *, now: Instant) -> bool:
    """Notes that it is used, and returns whether it is for the first time.

    Who comes second while the first is not committed waits for that.
    """
    insert = work.insert(_used).on_conflict_do_nothing(index_elements=["client_id", "jti"])
    added = work.execute(
        # A count of rows is no answer: on PostgreSQL it is -1 either way.
        insert.returning(_used.c.jti),
        {"client_id": client_id, "jti": once, "day": day_of(now)},
    )
    return added.first() is not None


def forget(store: Store, *, now: Instant) -> int:
    """Deletes what was used on days before yesterday; returns how much. Commits.

    In steps: a busy day's at once would keep every other writer waiting.

    Raises:
        StoreUnavailableError: the database can't be reached.
    """
    old = sa.select(_used.c.client_id, _used.c.jti).where(_used.c.day < day_of(now) - _KEPT_DAYS)
    key = sa.tuple_(_used.c.client_id, _used.c.jti)
    some = sa.delete(_used).where(key.in_(old.limit(_FORGOTTEN_AT_ONCE)))
    forgotten = 0
    while True:
        with store.writing() as work:
            step = work.execute(some).rowcount
            work.commit()
        forgotten += step
        if step < _FORGOTTEN_AT_ONCE:
            return forgotten
