"""Finds what changed of the enterprises that a platform reads already.

Those are the ones that authorized it, and those that it read or decided on. A change is
that a view says something else than before, or that a level which was shown was found wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from bonafides.archive.snapshot import Stored
from bonafides.identity.wrong_levels import Span
from bonafides.instants import Instant
from bonafides.rating.card import Level
from bonafides.storage import tables
from bonafides.storage.platform_reads import Reader
from bonafides.storage.unit_of_work import UnitOfWork

_granted: Final = tables.platform_authorization.c
_reader: Final = tables.platform_reader.c
_decided: Final = tables.platform_decision.c
_shown: Final = tables.snapshot.c
_wrong: Final = tables.wrong_level.c
_ruling: Final = tables.correction_ruling.c


@dataclass(frozen=True, slots=True)
class Moment:
    """That an enterprise's view changed, or that a level of it was found wrong."""

    code: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Corrected:
    """A level that was wrong, what it should have been, and when that was found."""

    code: str
    span: Span
    restored: Level
    at: Instant


def moments(
    work: UnitOfWork,
    platform: str,
    view: str,
    *,
    since: Instant,
    after: tuple[int, str],
    size: int,
    now: Instant,
) -> list[Moment]:
    """Returns the last change of each enterprise since the instant, the earliest first.

    One more than `size`, if there are; those behind `after`, an instant and a code.
    """
    mine = _mine(platform, now)
    # What came earlier is nobody's last change from then on: it needn't be looked at.
    begin = max(since, after[0])
    moment = sa.func.coalesce(_shown.changed_at, 0)
    changed = sa.select(_shown.code, moment.label("moment")).where(
        _shown.view == view, _shown.code.in_(mine), moment >= begin
    )
    ruled = (
        sa.select(_wrong.code, _ruling.ruled_at.label("moment"))
        .join_from(tables.wrong_level, tables.correction_ruling, _same_ruling())
        .where(_wrong.code.in_(mine), _ruling.ruled_at >= begin, _is_last_ruling())
    )
    both = sa.union_all(changed, ruled).subquery()
    last = sa.func.max(both.c.moment)
    found = work.execute(
        sa.select(both.c.code, last.label("moment"))
        .group_by(both.c.code)
        .having(sa.or_(last > after[0], sa.and_(last == after[0], both.c.code > after[1])))
        .order_by(last, both.c.code)
        .limit(size + 1)
    )
    return [Moment(row.code, Instant(row.moment)) for row in found]


def views(work: UnitOfWork, codes: Sequence[str], view: str) -> dict[str, Stored]:
    """Returns the stored views of these enterprises, by code."""
    found = work.execute(
        sa.select(_shown.code, *(_shown[name] for name in Stored._fields)).where(
            _shown.code.in_(codes), _shown.view == view
        )
    )
    return {row.code: Stored._make(row[1:]) for row in found}


def corrected(work: UnitOfWork, codes: Sequence[str], since: Instant) -> list[Corrected]:
    """Returns levels of these enterprises that were found wrong since, the oldest first."""
    found = work.execute(
        sa.select(tables.wrong_level, _ruling.ruled_at)
        .join_from(tables.wrong_level, tables.correction_ruling, _same_ruling())
        .where(_wrong.code.in_(codes), _ruling.ruled_at >= since, _is_last_ruling())
        .order_by(_wrong.begin_at, _wrong.uid)
    )
    return [
        Corrected(
            row.code,
            Span(Level(row.level), Instant(row.begin_at), Instant(row.end_at)),
            Level(row.restored),
            Instant(row.ruled_at),
        )
        for row in found
    ]


def reads(work: UnitOfWork, platform: str, codes: Sequence[str]) -> dict[str, Reader]:
    """Returns since when the platform read these enterprises, by code."""
    found = work.execute(
        sa.select(tables.platform_reader).where(
            _reader.platform == platform, _reader.code.in_(codes)
        )
    )
    return {
        row.code: Reader(Instant(row.first_read_at), Instant(row.last_read_at)) for row in found
    }


def followed(work: UnitOfWork, after: str, size: int) -> list[str]:
    """Returns enterprises that some platform read, by code, behind this one."""
    found = sa.select(_reader.code).where(_reader.code > after).distinct()
    return list(work.execute(found.order_by(_reader.code).limit(size)).scalars())


def due(work: UnitOfWork, codes: Sequence[str], view: str, now: Instant) -> list[str]:
    """Returns those of the enterprises whose view is past its time, by code."""
    past = sa.select(_shown.code).where(
        _shown.code.in_(codes), _shown.view == view, _shown.next_change_at <= now
    )
    return list(work.execute(past.order_by(_shown.code)).scalars())


def _mine(platform: str, now: Instant) -> sa.CompoundSelect[str]:
    return sa.union(
        sa.select(_granted.code).where(
            _granted.platform == platform,
            _granted.granted_at <= now,
            sa.or_(_granted.revoked_at.is_(None), _granted.revoked_at > now),
        ),
        sa.select(_reader.code).where(_reader.platform == platform),
        sa.select(_decided.code).where(_decided.platform == platform),
    )


def _same_ruling() -> sa.ColumnElement[bool]:
    return sa.and_(
        _ruling.code == _wrong.code,
        _ruling.uid == _wrong.uid,
        _ruling.number == _wrong.number,
    )


def _is_last_ruling() -> sa.ColumnElement[bool]:
    """A case that was lost later on proves nothing wrong."""
    later = tables.correction_ruling.alias()
    return ~sa.exists().where(
        later.c.code == _wrong.code,
        later.c.uid == _wrong.uid,
        later.c.number > _wrong.number,
    )
