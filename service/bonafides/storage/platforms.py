"""Rows of what platforms decided and of what they asked enterprises."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from bonafides.instants import Instant
from bonafides.storage.tables import inquiry, platform_decision
from bonafides.storage.unit_of_work import UnitOfWork

_decision: Final = platform_decision.c
_inquiry: Final = inquiry.c


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """What a platform decided. Empty or 0 in etag, revision, level: it rested on none."""

    code: str
    platform: str
    uid: str
    request_digest: bytes
    outcome: str
    purpose: str
    archive_etag: str
    archive_revision: int
    level: str
    reason: str
    recorded_at: Instant


@dataclass(frozen=True, slots=True)
class InquiryRow:
    """What a platform asks. None in `answered_at`: not answered; in `closed_at`: not closed."""

    code: str
    platform: str
    uid: str
    request_digest: bytes
    kind: str
    text: str
    asked_at: Instant
    deadline_at: Instant
    answer: str = ""
    document_sha256: bytes | None = None
    answered_at: Instant | None = None
    closed_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Which part of a list, the latest first: behind an instant and an id. 0: from the top."""

    at: int
    uid: str
    size: int


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose rows: an enterprise's, a platform's, or those of both. Empty: any."""

    code: str = ""
    platform: str = ""


def add_decision(work: UnitOfWork, made: DecisionRow) -> None:
    """Adds a decision."""
    work.execute(platform_decision.insert(), asdict(made))


def add_inquiry(work: UnitOfWork, made: InquiryRow) -> None:
    """Adds an inquiry."""
    work.execute(inquiry.insert(), asdict(made))


def find_decision(work: UnitOfWork, code: str, platform: str, uid: str) -> DecisionRow | None:
    """Returns the decision; None: there is no such one."""
    found = _find(work, platform_decision, code, platform, uid)
    return None if found is None else _decision_row(found)


def find_inquiry(work: UnitOfWork, code: str, uid: str, platform: str = "") -> InquiryRow | None:
    """Returns the inquiry, of any platform if none is named; None: there is no such one."""
    found = _find(work, inquiry, code, platform, uid)
    return None if found is None else _inquiry_row(found)


def decisions(work: UnitOfWork, whose: Whose, place: Place) -> list[DecisionRow]:
    """Returns one more than fit in the place, if there are, the latest first."""
    return list(map(_decision_row, _page(work, platform_decision, whose, place)))


def inquiries(work: UnitOfWork, whose: Whose, place: Place) -> list[InquiryRow]:
    """Returns one more than fit in the place, if there are, the latest first."""
    return list(map(_inquiry_row, _page(work, inquiry, whose, place)))


def open_inquiries(work: UnitOfWork, code: str, platform: str = "") -> list[InquiryRow]:
    """Returns what the enterprise has not answered and nobody closed, the oldest first."""
    found = sa.select(inquiry).where(
        _inquiry.code == code, _inquiry.answered_at.is_(None), _inquiry.closed_at.is_(None)
    )
    if platform:
        found = found.where(_inquiry.platform == platform)
    rows = work.execute(found.order_by(_inquiry.asked_at, _inquiry.uid))
    return [_inquiry_row(row) for row in rows]


def answer(
    work: UnitOfWork, made: InquiryRow, text: str, document: bytes | None, now: Instant
) -> InquiryRow:
    """Notes an answer in place of the one before; returns the inquiry with it."""
    _set(work, made, answer=text, document_sha256=document, answered_at=now)
    return replace(made, answer=text, document_sha256=document, answered_at=now)


def close(work: UnitOfWork, made: InquiryRow, now: Instant) -> InquiryRow:
    """Closes the inquiry; returns it as it is then."""
    _set(work, made, closed_at=now)
    return replace(made, closed_at=now)


def decisions_since(work: UnitOfWork, code: str, platform: str, since: Instant) -> int:
    """Returns how many decisions the platform recorded of the enterprise after the instant."""
    return _count(work, platform_decision, code, platform, since)


def inquiries_since(work: UnitOfWork, code: str, platform: str, since: Instant) -> int:
    """Returns how many inquiries the platform made of the enterprise after the instant."""
    return _count(work, inquiry, code, platform, since)


def _at(table: sa.Table) -> sa.Column[Any]:
    return _inquiry.asked_at if table is inquiry else _decision.recorded_at


def _count(work: UnitOfWork, table: sa.Table, code: str, platform: str, since: Instant) -> int:
    counted = sa.select(sa.func.count()).where(
        table.c.code == code, table.c.platform == platform, _at(table) > since
    )
    return work.execute(counted).scalar() or 0


def _find(
    work: UnitOfWork, table: sa.Table, code: str, platform: str, uid: str
) -> sa.Row[Any] | None:
    found = sa.select(table).where(table.c.code == code, table.c.uid == uid)
    if platform:
        found = found.where(table.c.platform == platform)
    return work.execute(found).one_or_none()


def _page(work: UnitOfWork, table: sa.Table, whose: Whose, place: Place) -> sa.CursorResult[Any]:
    at, uid = _at(table), table.c.uid
    found = sa.select(table)
    if whose.code:
        found = found.where(table.c.code == whose.code)
    if whose.platform:
        found = found.where(table.c.platform == whose.platform)
    if place.at:
        found = found.where(sa.or_(at < place.at, sa.and_(at == place.at, uid > place.uid)))
    return work.execute(found.order_by(at.desc(), uid).limit(place.size + 1))


def _set(work: UnitOfWork, made: InquiryRow, **values: Any) -> None:
    this = (_inquiry.code == made.code, _inquiry.platform == made.platform)
    work.execute(sa.update(inquiry).where(*this, _inquiry.uid == made.uid).values(**values))


def _decision_row(row: sa.Row[Any]) -> DecisionRow:
    return DecisionRow(**row._asdict())


def _inquiry_row(row: sa.Row[Any]) -> InquiryRow:
    return InquiryRow(**row._asdict())
