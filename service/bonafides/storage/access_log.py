"""Reads an enterprise's access log out of the rows of the audit.

Its lines are ordered by day, the latest first; in a day persons come before programs, as
one count for others and one for its own people, then each access of a program or of staff,
the latest first. So a page is found by the place where the one before it ended, however
long the log is.

    lines(work, pseudonym, after=None, limit=101)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import sqlalchemy as sa

from bonafides.access.audit import OK
from bonafides.access.callers import CallerKind
from bonafides.instants import Day, Instant
from bonafides.storage import tables
from bonafides.storage.unit_of_work import UnitOfWork

# The order of lines within a day.
OTHERS: Final = 0
OWN: Final = 1
NAMED: Final = 2

_row: Final = tables.disclosure.c
_PERSON: Final = _row.kind == CallerKind.MEMBER.value
_OWN_TIMES: Final = sa.func.sum(sa.case((_row.audience == "OWNER", 1), else_=0))


class Place(NamedTuple):
    """Where a line stands. Of persons: instant, writer and number are 0."""

    day: int
    rank: int
    shown_at: int = 0
    writer: int = 0
    number: int = 0


class Line(NamedTuple):
    """One line. Of persons: how many accesses, and nothing of who or what."""

    place: Place
    times: int
    kind: str = CallerKind.MEMBER.value
    platform: str = ""
    application: str = ""
    purpose: str = ""
    method: str = ""
    refused: bool = False

    @property
    def day(self) -> Day:
        """The day in Shanghai."""
        return Day(self.place.day)

    @property
    def shown_at(self) -> Instant:
        """When; of persons 0."""
        return Instant(self.place.shown_at)


def lines(work: UnitOfWork, pseudonym: bytes, after: Place | None, limit: int) -> Sequence[Line]:
    """Returns the lines behind a place, at most so many; None: from the beginning."""
    mine = _row.enterprise == pseudonym
    found = [*_persons(work, mine, after, limit), *_named(work, mine, after, limit)]
    found.sort(key=_order)
    return found[:limit]


def _persons(
    work: UnitOfWork, mine: sa.ColumnElement[bool], after: Place | None, limit: int
) -> list[Line]:
    asked = sa.select(
        _row.day, _OWN_TIMES.label("own"), (sa.func.count() - _OWN_TIMES).label("others")
    ).where(mine, _PERSON)
    if after is not None:
        asked = asked.where(_row.day <= after.day)
    # By the day alone, as the index has it: no more days are counted than are shown. One
    # more, for that of which the page before showed all.
    grouped = asked.group_by(_row.day).order_by(_row.day.desc()).limit(limit + 1)
    told = (
        Line(Place(row.day, rank), int(times))
        for row in work.execute(grouped)
        for rank, times in ((OTHERS, row.others), (OWN, row.own))
        if times
    )
    return [line for line in told if after is None or _order(line) > _order_of(after)]


def _named(
    work: UnitOfWork, mine: sa.ColumnElement[bool], after: Place | None, limit: int
) -> list[Line]:
    asked = sa.select(
        _row.day,
        _row.shown_at,
        _row.writer,
        _row.number,
        _row.kind,
        _row.platform,
        _row.application,
        _row.purpose,
        _row.method,
        (_row.outcome != OK).label("refused"),
    ).where(mine, sa.not_(_PERSON))
    key = (_row.shown_at, _row.writer, _row.number)
    if after is not None and after.rank < NAMED:
        asked = asked.where(_row.day <= after.day)
    elif after is not None:
        # The first is implied, and lets the index begin where the page does.
        asked = asked.where(
            _row.day <= after.day,
            sa.tuple_(*key) < sa.tuple_(after.shown_at, after.writer, after.number),
        )
    ordered = asked.order_by(_row.day.desc(), *(column.desc() for column in key)).limit(limit)
    return [
        Line(Place(row.day, NAMED, row.shown_at, row.writer, row.number), 1, *row[4:])
        for row in work.execute(ordered)
    ]


def _order(line: Line) -> tuple[int, ...]:
    return _order_of(line.place)


def _order_of(place: Place) -> tuple[int, ...]:
    day, rank, shown_at, writer, number = place
    return -day, rank, -shown_at, -writer, -number
