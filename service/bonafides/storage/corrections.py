"""Rows of cases and of the rulings on them. Rulings are only added."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bonafides.archive.facts import Kind
from bonafides.identity.corrections import Correction, Ruling, Sort, State, Target
from bonafides.identity.wrong_levels import Span
from bonafides.instants import Day, Instant
from bonafides.personal.sealing import Sealed
from bonafides.rating.card import Level
from bonafides.records.ingest import Row
from bonafides.storage import tables
from bonafides.storage.archive import RecordedFact, fact_of
from bonafides.storage.unit_of_work import UnitOfWork

_case: Final = tables.correction.c
_ruling: Final = tables.correction_ruling.c
_record: Final = tables.record.c
_WAITING: Final = (State.OPEN.value, State.OVERDUE.value)


@dataclass(frozen=True, slots=True)
class WrongLevel:
    """A level that was wrong, by the case `uid`, and the one that the ruling restored."""

    uid: str
    span: Span
    restored: Level


def add(work: UnitOfWork, made: Correction, request_digest: bytes, told: Sealed) -> None:
    """Adds a case."""
    work.execute(
        tables.correction.insert(),
        {
            "code": made.code,
            "uid": made.uid,
            "actor": made.actor,
            "request_digest": request_digest,
            "sort": made.target.sort.value,
            "subject": made.target.subject,
            "kind": made.target.kind,
            "item": made.target.item,
            "told_sealed": told,
            "evidence_sha256": made.evidence_sha256,
            "opened_at": made.opened_at,
            "due_day": made.due,
            "state": made.state.value,
        },
    )


def request_digest(work: UnitOfWork, code: str, uid: str) -> bytes | None:
    """Returns the digest of the request that opened the case; None: there is no such case."""
    found = work.execute(
        sa.select(_case.request_digest).where(_case.code == code, _case.uid == uid)
    ).scalar()
    return None if found is None else bytes(found)


def find(work: UnitOfWork, code: str, uid: str) -> tuple[Correction, Sealed] | None:
    """Returns the case with its rulings, and what was told, sealed."""
    return next((found for found in cases(work, code) if found[0].uid == uid), None)


def cases(work: UnitOfWork, code: str) -> list[tuple[Correction, Sealed]]:
    """Returns the cases of an enterprise with their rulings, the latest first."""
    ruled: dict[str, list[Ruling]] = {}
    for row in work.execute(
        sa.select(tables.correction_ruling).where(_ruling.code == code).order_by(_ruling.number)
    ):
        told = Ruling(
            State(row.outcome), row.reason, row.ruled_by, Instant(row.ruled_at), row.applied
        )
        ruled.setdefault(row.uid, []).append(told)
    found = work.execute(
        sa.select(tables.correction)
        .where(_case.code == code)
        .order_by(_case.opened_at.desc(), _case.uid)
    )
    return [
        (
            dataclasses.replace(_case_of(row), rulings=tuple(ruled.get(row.uid, ()))),
            Sealed(row.told_sealed),
        )
        for row in found
    ]


def open_cases(work: UnitOfWork, limit: int) -> list[Correction]:
    """Returns the cases that wait for a ruling, the oldest first."""
    found = work.execute(
        sa.select(tables.correction)
        .where(_case.state.in_(_WAITING))
        .order_by(_case.opened_at, _case.uid)
        .limit(limit)
    )
    return [_case_of(row) for row in found]


def past_term(work: UnitOfWork, code: str, today: Day) -> list[Correction]:
    """Returns the enterprise's cases whose last day is over, unless that is noted already."""
    found = work.execute(
        sa.select(tables.correction)
        .where(_case.code == code, _case.state == State.OPEN.value, _case.due_day < today)
        .order_by(_case.opened_at, _case.uid)
    )
    return [_case_of(row) for row in found]


def past_term_of_page(work: UnitOfWork, codes: Sequence[str], today: Day) -> list[str]:
    """Returns those of the enterprises that have such cases, sorted."""
    found = sa.select(_case.code).where(
        _case.code.in_(list(codes)), _case.state == State.OPEN.value, _case.due_day < today
    )
    return sorted(set(work.execute(found).scalars()))


def codes_past_term(work: UnitOfWork, today: Day) -> list[str]:
    """Returns the enterprises that have such cases, sorted."""
    found = (
        sa.select(_case.code)
        .where(_case.state == State.OPEN.value, _case.due_day < today)
        .distinct()
        .order_by(_case.code)
    )
    return list(work.execute(found).scalars())


def disputed_checks(work: UnitOfWork, code: str, submission: str) -> frozenset[str]:
    """Returns the checks of a submission that wait for a ruling."""
    found = sa.select(_case.kind).where(
        _case.code == code,
        _case.sort == Sort.CHECK.value,
        _case.subject == submission,
        _case.state.in_(_WAITING),
    )
    return frozenset(work.execute(found).scalars())


def entered_by(work: UnitOfWork, code: str, at: Instant) -> dict[str, str]:
    """Returns by case whose ruling at the instant put something in place."""
    found = sa.select(_ruling.uid, _ruling.ruled_by).where(
        _ruling.code == code, _ruling.ruled_at == at, _ruling.applied.is_(True)
    )
    return {row.uid: row.ruled_by for row in work.execute(found)}


def recorded_at(work: UnitOfWork, code: str, target: Target) -> Instant | None:
    """Returns when what a platform reports of a record first came; None: it never did."""
    found = sa.select(sa.func.min(_record.recorded_at)).where(
        _record.code == code,
        _record.platform == target.subject,
        _record.kind == target.kind,
        _record.record_id == target.item,
    )
    at = work.execute(found).scalar()
    return None if at is None else Instant(at)


def add_wrong_levels(
    work: UnitOfWork, made: Correction, found: Sequence[Span], restored: Level
) -> None:
    """Keeps the levels that a won case found wrong."""
    for each in found:
        work.execute(
            tables.wrong_level.insert(),
            {
                "code": made.code,
                "uid": made.uid,
                "number": len(made.rulings) + 1,
                "begin_at": each.begin,
                "end_at": each.end,
                "level": each.level.value,
                "restored": restored.value,
            },
        )


def wrong_levels(work: UnitOfWork, code: str) -> list[WrongLevel]:
    """Returns the levels that were wrong, of cases that are won still, the latest first."""
    table, last = tables.wrong_level.c, sa.func.max(_ruling.number)
    number = (
        sa.select(last)
        .where(_ruling.code == table.code, _ruling.uid == table.uid)
        .scalar_subquery()
    )
    found = work.execute(
        sa.select(tables.wrong_level)
        .where(table.code == code, table.number == number)
        .order_by(table.begin_at.desc(), table.uid)
    )
    return [
        WrongLevel(
            row.uid,
            Span(Level(row.level), Instant(row.begin_at), Instant(row.end_at)),
            Level(row.restored),
        )
        for row in found
    ]


def nth_latest_at(work: UnitOfWork, actor: str, nth: int) -> Instant | None:
    """Returns when the login opened the nth case counted back from the latest."""
    found = work.execute(
        sa.select(_case.opened_at)
        .where(_case.actor == actor)
        .order_by(_case.opened_at.desc())
        .offset(nth - 1)
        .limit(1)
    ).scalar_one_or_none()
    return None if found is None else Instant(found)


def uids_by(work: UnitOfWork, code: str, actor: str, submission: str) -> Sequence[str]:
    """Returns the cases that the login opened about checks of a submission."""
    found = work.execute(
        sa.select(_case.uid).where(
            _case.code == code, _case.actor == actor, _case.subject == submission
        )
    )
    return list(found.scalars())


def rule(work: UnitOfWork, made: Correction, told: Ruling) -> None:
    """Adds a ruling; from now on it is the last one."""
    work.execute(
        tables.correction_ruling.insert(),
        {
            "code": made.code,
            "uid": made.uid,
            "number": len(made.rulings) + 1,
            "outcome": told.outcome.value,
            "reason": told.reason,
            "ruled_by": told.by,
            "ruled_at": told.at,
            "applied": told.applied,
        },
    )
    work.execute(
        sa.update(tables.correction)
        .where(_case.code == made.code, _case.uid == made.uid)
        .values(state=told.outcome.value)
    )


def superseded(
    work: UnitOfWork, code: str, kind: Kind, item: str, at: Instant
) -> list[RecordedFact]:
    """Returns the facts of an item that a ruling at the instant took out."""
    table = tables.fact.c
    found = work.execute(
        sa.select(tables.fact)
        .where(
            table.code == code,
            table.kind == kind.value,
            table.item == item,
            table.superseded_at == at,
        )
        .order_by(table.recorded_at)
    )
    return [RecordedFact(fact_of(row), Instant(row.recorded_at)) for row in found]


def revisions(work: UnitOfWork, code: str, platform: str, kind: str, record_id: str) -> list[Row]:
    """Returns what the log holds of a record, the latest revision first."""
    found = work.execute(
        sa.select(*(_record[name] for name in Row._fields))
        .where(
            _record.code == code,
            _record.platform == platform,
            _record.kind == kind,
            _record.record_id == record_id,
        )
        .order_by(_record.revision.desc())
    )
    return [Row._make(row) for row in found]


def _case_of(row: sa.Row[Any]) -> Correction:
    return Correction(
        code=row.code,
        uid=row.uid,
        actor=row.actor,
        target=Target(Sort(row.sort), row.subject, row.kind, row.item),
        evidence_sha256=bytes(row.evidence_sha256),
        opened_at=Instant(row.opened_at),
        due=Day(row.due_day),
        state=State(row.state),
    )
