"""Rows of switches and canaries, and a memory of what staff set: these, and limits.

with store.writing() as work:
    add(work, SwitchRow(...))
    work.commit()
switches.closed(now=now, exact=True)
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from bonafides.access.budgets import SetLimit
from bonafides.access.switches import NEVER, Closed, Switch
from bonafides.instants import Instant
from bonafides.storage import spending_limits
from bonafides.storage.changes import SWITCH, Change
from bonafides.storage.follower import Follower
from bonafides.storage.tables import canary, operator_switch
from bonafides.storage.unit_of_work import Store, UnitOfWork

_own: Final = operator_switch.c
_bird: Final = canary.c


@dataclass(frozen=True, slots=True)
class SwitchRow:
    """One switch as it was set. `until` None: it holds until it is ended."""

    uid: str
    interface: str
    caller: str
    reason: str
    set_at: Instant
    set_by: str
    request_digest: str
    until: Instant | None = None
    ended_at: Instant | None = None
    ended_by: str | None = None


@dataclass(frozen=True, slots=True)
class CanaryRow:
    """The last that was said of a code, by whom and when."""

    code: str
    marked: bool
    said_at: Instant
    actor: str


def find(work: UnitOfWork, uid: str) -> SwitchRow | None:
    """Returns a switch, ended or not."""
    row = work.execute(sa.select(operator_switch).where(_own.uid == uid)).mappings().first()
    return None if row is None else SwitchRow(**row)


def switches(work: UnitOfWork) -> list[SwitchRow]:
    """Returns all switches, the latest first, ended ones too."""
    rows = work.execute(
        sa.select(operator_switch).order_by(_own.set_at.desc(), _own.uid)
    ).mappings()
    return [SwitchRow(**row) for row in rows]


def add(work: UnitOfWork, row: SwitchRow) -> None:
    """Adds a switch in place of one for the same; every process hears of it."""
    same = (_own.interface == row.interface, _own.caller == row.caller, _own.ended_at.is_(None))
    work.execute(
        sa.update(operator_switch).where(*same).values(ended_at=row.set_at, ended_by=row.set_by)
    )
    work.execute(
        operator_switch.insert().values(
            {column.name: getattr(row, column.name) for column in operator_switch.columns}
        )
    )
    work.note(Change(SWITCH, row.uid, 0, row.set_at))


def end(work: UnitOfWork, uid: str, by: str, now: Instant) -> None:
    """Ends a switch; every process hears of it."""
    work.execute(
        sa.update(operator_switch).where(_own.uid == uid).values(ended_at=now, ended_by=by)
    )
    work.note(Change(SWITCH, uid, 0, now))


def canaries(work: UnitOfWork) -> list[CanaryRow]:
    """Returns the last that was said of each code, by code."""
    last = sa.select(_bird.code, sa.func.max(_bird.number).label("number")).group_by(_bird.code)
    newest = last.subquery()
    rows = work.execute(
        sa.select(_bird.code, _bird.marked, _bird.said_at, _bird.actor)
        .join(newest, (newest.c.code == _bird.code) & (newest.c.number == _bird.number))
        .order_by(_bird.code)
    )
    return [CanaryRow(row.code, row.marked, Instant(row.said_at), row.actor) for row in rows]


def say_canary(work: UnitOfWork, row: CanaryRow) -> None:
    """Notes what is said of a code; every process hears of it."""
    last = sa.select(sa.func.coalesce(sa.func.max(_bird.number), 0)).where(_bird.code == row.code)
    work.execute(
        canary.insert().values(
            code=row.code,
            number=work.execute(last).scalar_one() + 1,
            marked=row.marked,
            said_at=row.said_at,
            actor=row.actor,
        )
    )
    work.note(Change(SWITCH, row.code, 0, row.said_at))


@dataclass(frozen=True, slots=True)
class Held:
    """What holds: switches by what they close, the codes of canaries, and limits by payer."""

    closed: Closed
    canaries: frozenset[str]
    limits: Mapping[str, SetLimit] = field(default_factory=dict)


class Switches:
    """Remembers what holds, and forgets it with every change. Threads may share it."""

    def __init__(self, store: Store, follower: Follower) -> None:
        self._store: Final = store
        self._follower: Final = follower
        self._lock: Final = threading.Lock()
        self._held = Held(Closed(()), frozenset())
        # Grows with all that is heard; what was read before is as old as that.
        self._heard = 1
        self._read = 0
        follower.hear(self._told, self._lost)

    def at_once(self, *, exact: bool) -> Held | None:
        """Returns what holds, without waiting; None: ask `read`.

        Unless it must be `exact`, what was known last will do while the database can't
        be followed.
        """
        if self._read != self._heard or (exact and not self._follower.is_fresh()):
            return None
        return self._held

    def read(self, *, exact: bool) -> Held:
        """Returns what holds, from the database if need be.

        Raises:
            StoreUnavailableError: it must be exact, and the database can't be reached.
        """
        known = self.at_once(exact=exact)
        return known if known is not None else self._ask()

    def last(self) -> Held:
        """Returns what was known last."""
        return self._held

    def _ask(self) -> Held:
        heard = self._heard
        with self._store.reading() as work:
            held = Held(
                Closed(
                    Switch(row.interface, row.caller, NEVER if row.until is None else row.until)
                    for row in switches_that_hold(work)
                ),
                frozenset(row.code for row in canaries(work) if row.marked),
                {row.payer: row.limit for row in spending_limits.current(work)},
            )
        with self._lock:
            if heard >= self._read:
                self._held, self._read = held, heard
        return held

    def _told(self, heard: Sequence[Change]) -> None:
        if any(change.kind == SWITCH for change in heard):
            self._lost()

    def _lost(self) -> None:
        with self._lock:
            self._heard += 1


def switches_that_hold(work: UnitOfWork) -> list[SwitchRow]:
    """Returns the switches that nobody ended; some may be past their time."""
    rows = work.execute(sa.select(operator_switch).where(_own.ended_at.is_(None))).mappings()
    return [SwitchRow(**row) for row in rows]
