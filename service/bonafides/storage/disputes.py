"""Disputes of links, and rulings on them, in the database. Both are append-only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from bonafides.instants import Day, Instant
from bonafides.records.links import Ground, Ruling
from bonafides.storage.links import KEY, Key, open_disputes
from bonafides.storage.tables import link_ruling, store_dispute, store_link
from bonafides.storage.unit_of_work import UnitOfWork

# Bounds one round of what became overdue.
_MOST_OVERDUE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Dispute:
    """What an enterprise contests of a link, and the call that said so."""

    link: Key
    uid: str
    submitter: str
    request_id: str
    request_digest: bytes
    ground: Ground
    evidence_sha256: bytes | None
    disputed_at: Instant
    due: Day


@dataclass(frozen=True, slots=True)
class Ruled:
    """One ruling on a link. `by` is empty where a deadline passed."""

    ruling: Ruling
    reason: str
    by: str
    at: Instant


def add(work: UnitOfWork, told: Dispute) -> None:
    """Adds a dispute."""
    work.execute(
        store_dispute.insert(),
        {
            **dict(zip(KEY, told.link, strict=True)),
            "uid": told.uid,
            "submitter": told.submitter,
            "request_id": told.request_id,
            "request_digest": told.request_digest,
            "ground": told.ground.value,
            "evidence_sha256": told.evidence_sha256,
            "disputed_at": told.disputed_at,
            "due_day": told.due,
        },
    )


def request_digest(work: UnitOfWork, submitter: str, request_id: str) -> bytes | None:
    """Returns the digest of the request that came under this id; None: none did."""
    found = work.execute(
        sa.select(store_dispute.c.request_digest).where(
            store_dispute.c.submitter == submitter, store_dispute.c.request_id == request_id
        )
    ).scalar()
    return None if found is None else bytes(found)


def is_link(work: UnitOfWork, link: Key) -> bool:
    """Returns whether a platform says so, as far as the log is folded."""
    return bool(work.execute(sa.select(sa.exists().where(*_is(store_link, link)))).scalar())


def due_days(work: UnitOfWork, code: str) -> dict[tuple[str, str], Day]:
    """Returns by platform and link the day by which an open dispute is to be decided."""
    found = open_disputes().where(store_dispute.c.code == code)
    return {(row.platform, row.record_id): Day(row.due_day) for row in work.execute(found)}


def disputes(work: UnitOfWork, link: Key) -> tuple[Dispute, ...]:
    """Returns the disputes of a link, the oldest first."""
    told = work.execute(
        sa.select(store_dispute)
        .where(*_is(store_dispute, link))
        .order_by(store_dispute.c.disputed_at, store_dispute.c.uid)
    )
    return tuple(
        Dispute(
            link,
            row.uid,
            row.submitter,
            row.request_id,
            bytes(row.request_digest),
            Ground(row.ground),
            None if row.evidence_sha256 is None else bytes(row.evidence_sha256),
            Instant(row.disputed_at),
            Day(row.due_day),
        )
        for row in told
    )


def rule(work: UnitOfWork, link: Key, told: Ruled) -> None:
    """Adds a ruling; from now on it is the last one."""
    last = sa.select(sa.func.max(link_ruling.c.number)).where(*_is(link_ruling, link))
    number = (work.execute(last).scalar() or 0) + 1
    work.execute(
        link_ruling.insert(),
        {
            **dict(zip(KEY, link, strict=True)),
            "number": number,
            "ruling": told.ruling.value,
            "reason": told.reason,
            "ruled_by": told.by,
            "ruled_at": told.at,
        },
    )


def rulings(work: UnitOfWork, link: Key) -> tuple[Ruled, ...]:
    """Returns the rulings on a link, the last one last."""
    told = work.execute(
        sa.select(link_ruling).where(*_is(link_ruling, link)).order_by(link_ruling.c.number)
    )
    return tuple(
        Ruled(Ruling(row.ruling), row.reason, row.ruled_by, Instant(row.ruled_at)) for row in told
    )


def waiting(work: UnitOfWork) -> list[tuple[Key, Day]]:
    """Returns the links under dispute with the day by which each is due, the nearest first."""
    told = open_disputes().subquery("open_dispute")
    rows = work.execute(sa.select(told).order_by(told.c.due_day, *(told.c[name] for name in KEY)))
    return [((row.code, row.platform, row.record_id), Day(row.due_day)) for row in rows]


def overdue(work: UnitOfWork, today: Day) -> list[Key]:
    """Returns links whose dispute is past its last day, and that are not held to be so yet."""
    told = open_disputes().where(store_dispute.c.due_day < today).subquery("open_dispute")
    last = (
        sa.select(link_ruling.c.ruling)
        .where(*(link_ruling.c[name] == told.c[name] for name in KEY))
        .order_by(link_ruling.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    keys = [told.c[name] for name in KEY]
    held = sa.func.coalesce(last, "") == Ruling.OVERDUE.value
    rows = work.execute(sa.select(*keys).where(~held).order_by(*keys).limit(_MOST_OVERDUE))
    return [(row.code, row.platform, row.record_id) for row in rows]


def _is(table: sa.Table, link: Key) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == part for name, part in zip(KEY, link, strict=True)]
