"""Forgets what programs of callers asked for and were given, a while after its end.

- Links of integrators, challenges for keys, and changes that waited for a code: `KEPT`
  after their own end, however they ended. What was done to an application stays among
  its steps.
- Agent tokens: `KEPT` after the end of their authorization. That stays, since who let
  whom act and until when is told and counted by it, and so does what the audit names.

Nothing of this counts any more when it goes, so nobody is answered differently but whoever
repeats the request for a link by its request id: that link is made anew.

    forget(store, forgotten, now=now)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from bonafides.instants import DAY, Day, Instant, day_of
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store

KEPT: Final = 30 * DAY
# Bounds one step: more at once would keep every other writer waiting.
_FORGOTTEN_AT_ONCE: Final = 1_000

_given: Final = tables.integrator_authorization.c
_token: Final = tables.agent_token.c


@dataclass(slots=True)
class Forgotten:
    """The last day on which a process forgot. Once a day will do: whole tables are read."""

    day: Day | None = None


def forget(store: Store, forgotten: Forgotten, *, now: Instant) -> int:
    """Deletes what ended `KEPT` ago, unless that was done today; returns how many rows. Commits.

    In steps. What fails in between is done by the next call.

    Raises:
        StoreUnavailableError: the database can't be reached.
    """
    if forgotten.day == day_of(now):
        return 0
    deleted = 0
    for some in _over(Instant(now - KEPT)):
        while True:
            with store.writing() as work:
                step = work.execute(some).rowcount
                work.commit()
            deleted += step
            if step < _FORGOTTEN_AT_ONCE:
                break
    forgotten.day = day_of(now)
    return deleted


def _over(before: Instant) -> Iterator[sa.Delete]:
    """Yields what deletes a step of each table."""
    for table in (tables.authorization_url, tables.key_challenge, tables.application_change):
        yield _some(table, table.c.expires_at < before)
    # Both name the enterprise and the authorization in it: there is one of each.
    ended = sa.or_(_given.revoked_at < before, _given.expires_at < before)
    authorization = sa.exists().where(_given.code == _token.code, _given.uid == _token.uid, ended)
    yield _some(tables.agent_token, authorization)


def _some(table: sa.Table, over: sa.ColumnElement[bool]) -> sa.Delete:
    keys = list(table.primary_key.columns)
    old = sa.select(*keys).where(over).limit(_FORGOTTEN_AT_ONCE)
    return sa.delete(table).where(sa.tuple_(*keys).in_(old))
