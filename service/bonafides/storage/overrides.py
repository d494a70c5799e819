"""Rows of levels that people set, and of every step of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bonafides.instants import Instant
from bonafides.rating.card import Level
from bonafides.storage.tables import level_override, override_step
from bonafides.storage.unit_of_work import UnitOfWork

_own: Final = level_override.c
_step: Final = override_step.c


@dataclass(frozen=True, slots=True)
class OverrideRow:
    """One override. None in `started_at`, `started_by`, `expires_at`: it is a proposal."""

    code: str
    uid: str
    request_digest: bytes
    level: Level
    reason: str
    term_days: int
    proposed_at: Instant
    proposed_by: str
    started_at: Instant | None = None
    started_by: str | None = None
    expires_at: Instant | None = None
    ended_at: Instant | None = None

    def holds(self, at: Instant) -> bool:
        """Returns whether it is the level that is shown at the instant."""
        return (
            self.started_at is not None
            and self.expires_at is not None
            and self.started_at <= at < self.expires_at
            and (self.ended_at is None or at < self.ended_at)
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `by` is empty where a term passed."""

    step: str
    at: Instant
    by: str
    reason: str = ""


def add(work: UnitOfWork, made: OverrideRow, step: Step) -> None:
    """Adds a proposal, with its first step."""
    work.execute(
        level_override.insert(),
        {
            "code": made.code,
            "uid": made.uid,
            "request_digest": made.request_digest,
            "level": made.level.value,
            "reason": made.reason,
            "term_days": made.term_days,
            "proposed_at": made.proposed_at,
            "proposed_by": made.proposed_by,
        },
    )
    note(work, made.code, made.uid, step)


def start(work: UnitOfWork, made: OverrideRow, step: Step, expires_at: Instant) -> None:
    """Starts a proposal."""
    _set(work, made, started_at=step.at, started_by=step.by, expires_at=expires_at)
    note(work, made.code, made.uid, step)


def end(work: UnitOfWork, made: OverrideRow, step: Step) -> None:
    """Ends an override or a proposal before its term."""
    _set(work, made, ended_at=step.at)
    note(work, made.code, made.uid, step)


def note(work: UnitOfWork, code: str, uid: str, step: Step) -> None:
    """Adds a step to the audit of an override."""
    last = sa.select(sa.func.max(_step.number)).where(_step.code == code, _step.uid == uid)
    work.execute(
        override_step.insert(),
        {
            "code": code,
            "uid": uid,
            "number": (work.execute(last).scalar() or 0) + 1,
            "step": step.step,
            "taken_at": step.at,
            "taken_by": step.by,
            "reason": step.reason,
        },
    )


def find(work: UnitOfWork, code: str, uid: str) -> OverrideRow | None:
    """Returns the override; None: there is no such one."""
    found = work.execute(
        sa.select(level_override).where(_own.code == code, _own.uid == uid)
    ).one_or_none()
    return None if found is None else _row(found)


def of_enterprise(work: UnitOfWork, code: str) -> list[OverrideRow]:
    """Returns the overrides of an enterprise, the latest proposal first."""
    found = work.execute(
        sa.select(level_override)
        .where(_own.code == code)
        .order_by(_own.proposed_at.desc(), _own.uid)
    )
    return [_row(row) for row in found]


def steps(work: UnitOfWork, code: str) -> dict[str, list[Step]]:
    """Returns every step by override, the oldest first."""
    told: dict[str, list[Step]] = {}
    for row in work.execute(
        sa.select(override_step).where(_step.code == code).order_by(_step.number)
    ):
        step = Step(row.step, Instant(row.taken_at), row.taken_by, row.reason)
        told.setdefault(row.uid, []).append(step)
    return told


def holding(work: UnitOfWork, code: str, at: Instant) -> OverrideRow | None:
    """Returns the override that holds at the instant; None: none does."""
    found = work.execute(
        sa.select(level_override)
        .where(
            _own.code == code,
            _own.started_at <= at,
            _own.expires_at > at,
            sa.or_(_own.ended_at.is_(None), _own.ended_at > at),
        )
        .order_by(_own.started_at.desc(), _own.uid)
        .limit(1)
    ).one_or_none()
    return None if found is None else _row(found)


def proposals(work: UnitOfWork, most: int) -> Sequence[OverrideRow]:
    """Returns what is proposed and neither started nor taken back, the oldest first."""
    found = work.execute(
        sa.select(level_override)
        .where(_own.started_at.is_(None), _own.ended_at.is_(None))
        .order_by(_own.proposed_at, _own.uid)
        .limit(most)
    )
    return [_row(row) for row in found]


def _set(work: UnitOfWork, made: OverrideRow, **values: Any) -> None:
    this = (_own.code == made.code, _own.uid == made.uid)
    work.execute(sa.update(level_override).where(*this).values(**values))


def _row(row: sa.Row[Any]) -> OverrideRow:
    return OverrideRow(
        code=row.code,
        uid=row.uid,
        request_digest=bytes(row.request_digest),
        level=Level(row.level),
        reason=row.reason,
        term_days=row.term_days,
        proposed_at=Instant(row.proposed_at),
        proposed_by=row.proposed_by,
        started_at=_instant(row.started_at),
        started_by=row.started_by,
        expires_at=_instant(row.expires_at),
        ended_at=_instant(row.ended_at),
    )


def _instant(value: int | None) -> Instant | None:
    return None if value is None else Instant(value)
