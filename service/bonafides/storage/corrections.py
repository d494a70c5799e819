"""Rows of cases and of the rulings on them. Rulings are only added."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from bonafides.archive.facts import Kind
from bonafides.identity.corrections import Correction, Ruling, Sort, State, Target
from bonafides.instants import Day, Instant
from bonafides.personal.sealing import Sealed
from bonafides.records.ingest import Row
from bonafides.storage import tables
from bonafides.storage.archive import RecordedFact, fact_of
from bonafides.storage.unit_of_work import UnitOfWork

_case: Final = tables.correction.c
_ruling: Final = tables.correction_ruling.c
_record: Final = tables.record.c


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
        .where(_case.state == State.OPEN.value)
        .order_by(_case.opened_at, _case.uid)
        .limit(limit)
    )
    return [_case_of(row) for row in found]


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
