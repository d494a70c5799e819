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
from bonafides.storage import audit_index, tables
from bonafides.storage.audit_index import NAMED
from bonafides.storage.unit_of_work import UnitOfWork

_row: Final = tables.disclosure.c


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
    # A bit for each purpose, as in access.audit.
    consents: int = 0

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
    places = audit_index.places(pseudonym)
    found = [*_persons(work, places, after, limit), *_named(work, places, after, limit)]
    found.sort(key=_order)
    return found[:limit]


def _persons(
    work: UnitOfWork, places: sa.FromClause, after: Place | None, limit: int
) -> list[Line]:
    place = places.c
    asked = sa.select(place.day, place.rank, sa.func.count().label("times"))
    asked = asked.where(place.rank < NAMED)
    if after is not None:
        asked = asked.where(place.day <= after.day)
    # Two more, for the day of which the page before showed all.
    grouped = asked.group_by(place.day, place.rank).order_by(place.day.desc(), place.rank)
    told = (
        Line(Place(row.day, row.rank), int(row.times))
        for row in work.execute(grouped.limit(limit + 2))
    )
    return [line for line in told if after is None or _order(line) > _order_of(after)]


def _named(work: UnitOfWork, places: sa.FromClause, after: Place | None, limit: int) -> list[Line]:
    place = places.c
    asked = (
        sa.select(
            place.day,
            place.shown_at,
            place.writer,
            place.number,
            _row.kind,
            _row.platform,
            _row.application,
            _row.purpose,
            _row.method,
            (_row.outcome != OK).label("refused"),
            _row.consents,
        )
        .join_from(
            places,
            tables.disclosure,
            sa.and_(
                _row.day == place.day,
                _row.writer == place.writer,
                _row.number == place.number,
            ),
        )
        .where(place.rank == NAMED)
    )
    key = (place.shown_at, place.writer, place.number)
    if after is not None and after.rank < NAMED:
        asked = asked.where(place.day <= after.day)
    elif after is not None:
        asked = asked.where(sa.tuple_(*key) < sa.tuple_(after.shown_at, after.writer, after.number))
    ordered = asked.order_by(place.day.desc(), *(column.desc() for column in key)).limit(limit)
    return [
        Line(Place(row.day, NAMED, row.shown_at, row.writer, row.number), 1, *row[4:])
        for row in work.execute(ordered)
    ]


def _order(line: Line) -> tuple[int, ...]:
    return _order_of(line.place)


def _order_of(place: Place) -> tuple[int, ...]:
    day, rank, shown_at, writer, number = place
    return -day, rank, -shown_at, -writer, -number
