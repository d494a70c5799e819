"""Rows of reviews by people and of refused automation, and what both say of a level."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bonafides.instants import Day, Instant, day_of
from bonafides.rating import people
from bonafides.rating.people import Outcome, Override, People
from bonafides.records.links import due_day
from bonafides.storage import overrides
from bonafides.storage.tables import (
    automation_refusal,
    correction,
    correction_ruling,
    review,
    review_finding,
)
from bonafides.storage.unit_of_work import UnitOfWork

OPEN: Final = "OPEN"
REQUESTED: Final = "REQUESTED"
KNOCK_OUT: Final = "KNOCK_OUT"

_own: Final = review.c
_found: Final = review_finding.c
_said: Final = automation_refusal.c


@dataclass(frozen=True, slots=True)
class Finding:
    """What one person found. `final`: it has effect."""

    outcome: Outcome
    reason: str
    by: str
    at: Instant
    final: bool


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One review. `facts`: digests of what it is about; `ended_at`: these are others now."""

    code: str
    uid: str
    cause: str
    facts: frozenset[str]
    opened_at: Instant
    opened_by: str
    request_digest: bytes
    due: Day
    four_eyes: bool = False
    state: str = OPEN
    ended_at: Instant | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an enterprise said of automatic levels, and when."""

    refused: bool
    at: Instant


def people_of(work: UnitOfWork, code: str, facts: Collection[str], at: Instant) -> People:
    """Returns what people had said of the level by the instant, the facts being these."""
    told = refusal(work, code, at)
    held = overrides.holding(work, code, at)
    override = None
    if held is not None and held.expires_at is not None:
        contested = _is_contested(work, code, held.uid, at)
        override = Override(held.uid, held.level.value, held.expires_at, contested)
    return People(
        finding=_finding(work, code, frozenset(facts), at) if facts else None,
        refuses=told is not None and told.refused,
        override=override,
    )


def follow(work: UnitOfWork, code: str, facts: frozenset[str], now: Instant) -> None:
    """Ends reviews about facts that are others now, and opens one where nobody looked.

    `facts` are those that would give D to an individual business that may be rated;
    empty for every other enterprise.
    """
    mine = [each for each in of_enterprise(work, code) if each.cause == KNOCK_OUT]
    standing = [each for each in mine if each.ended_at is None]
    for each in standing:
        if not _is_about(each, facts):
            this = (_own.code == code, _own.uid == each.uid)
            work.execute(sa.update(review).where(*this).values(ended_at=now))
    if facts and not any(_is_about(each, facts) for each in standing):
        # Two who rate at once make the same one.
        uid = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{code}|{len(mine)}|{sorted(facts)}"))
        add(work, ReviewRow(code, uid, KNOCK_OUT, facts, now, "", b"", due_day(day_of(now))))


def add(work: UnitOfWork, made: ReviewRow) -> None:
    """Adds a review, unless it is there."""
    insert = work.insert(review)
    work.execute(
        insert.on_conflict_do_nothing(index_elements=["code", "uid"]),
        {
            "code": made.code,
            "uid": made.uid,
            "cause": made.cause,
            "facts": " ".join(sorted(made.facts)),
            "opened_at": made.opened_at,
            "opened_by": made.opened_by,
            "request_digest": made.request_digest,
            "due_day": made.due,
            "four_eyes": made.four_eyes,
            "state": made.state,
        },
    )


def add_finding(work: UnitOfWork, made: ReviewRow, told: Finding, *, four_eyes: bool) -> None:
    """Adds what a person found; with effect, it is where the review stands."""
    work.execute(
        review_finding.insert(),
        {
            "code": made.code,
            "uid": made.uid,
            "number": len(made.findings) + 1,
            "outcome": told.outcome.value,
            "reason": told.reason,
            "found_by": told.by,
            "found_at": told.at,
            "final": told.final,
        },
    )
    state = told.outcome.value if told.final else made.state
    this = (_own.code == made.code, _own.uid == made.uid)
    work.execute(sa.update(review).where(*this).values(four_eyes=four_eyes, state=state))


def find(work: UnitOfWork, code: str, uid: str) -> ReviewRow | None:
    """Returns the review with its findings; None: there is no such one."""
    return next((each for each in of_enterprise(work, code) if each.uid == uid), None)


def of_enterprise(work: UnitOfWork, code: str) -> list[ReviewRow]:
    """Returns the reviews of an enterprise with their findings, the latest first."""
    told: dict[str, list[Finding]] = {}
    for row in work.execute(
        sa.select(review_finding).where(_found.code == code).order_by(_found.number)
    ):
        finding = Finding(
            Outcome(row.outcome), row.reason, row.found_by, Instant(row.found_at), row.final
        )
        told.setdefault(row.uid, []).append(finding)
    found = work.execute(
        sa.select(review).where(_own.code == code).order_by(_own.opened_at.desc(), _own.uid)
    )
    return [_row(row, tuple(told.get(row.uid, ()))) for row in found]


def waiting(work: UnitOfWork, most: int) -> list[ReviewRow]:
    """Returns the reviews that wait for a person, the oldest first, without findings."""
    found = work.execute(
        sa.select(review)
        .where(_own.state == OPEN, _own.ended_at.is_(None))
        .order_by(_own.opened_at, _own.uid)
        .limit(most)
    )
    return [_row(row, ()) for row in found]


def refusal(work: UnitOfWork, code: str, at: Instant) -> Refusal | None:
    """Returns what the enterprise had said last by the instant; None: nothing."""
    found = work.execute(
        sa.select(_said.refused, _said.said_at)
        .where(_said.code == code, _said.said_at <= at)
        .order_by(_said.number.desc())
        .limit(1)
    ).one_or_none()
    return None if found is None else Refusal(found.refused, Instant(found.said_at))


def say(work: UnitOfWork, code: str, told: Refusal, actor: str) -> None:
    """Adds what the enterprise says of automatic levels; from now on it holds."""
    last = sa.select(sa.func.max(_said.number)).where(_said.code == code)
    work.execute(
        automation_refusal.insert(),
        {
            "code": code,
            "number": (work.execute(last).scalar() or 0) + 1,
            "refused": told.refused,
            "said_at": told.at,
            "actor": actor,
        },
    )


def _finding(work: UnitOfWork, code: str, facts: frozenset[str], at: Instant) -> Outcome | None:
    for each in of_enterprise(work, code):
        if each.cause != KNOCK_OUT or (each.ended_at is not None and each.ended_at <= at):
            continue
        final = [told for told in each.findings if told.final and told.at <= at]
        if final and people.covers(final[-1].outcome, each.facts, facts):
            return final[-1].outcome
    return None


def _is_about(each: ReviewRow, facts: frozenset[str]) -> bool:
    """Returns whether the review says, or is to say, something of the facts."""
    if not facts:
        return False
    if each.state == OPEN:
        return each.facts == facts
    return people.covers(Outcome(each.state), each.facts, facts)


def _is_contested(work: UnitOfWork, code: str, uid: str, at: Instant) -> bool:
    table, ruled = correction.c, correction_ruling.c
    decided = sa.exists().where(
        ruled.code == table.code,
        ruled.uid == table.uid,
        ruled.ruled_at <= at,
        # That a term passed decides nothing.
        ruled.outcome != "OVERDUE",
    )
    case = sa.select(table.uid).where(
        table.code == code,
        table.sort == "OVERRIDE",
        table.subject == uid,
        table.opened_at <= at,
        ~decided,
    )
    return work.execute(case.limit(1)).first() is not None


def _row(row: sa.Row[Any], findings: tuple[Finding, ...]) -> ReviewRow:
    return ReviewRow(
        code=row.code,
        uid=row.uid,
        cause=row.cause,
        facts=frozenset(row.facts.split()),
        opened_at=Instant(row.opened_at),
        opened_by=row.opened_by,
        request_digest=bytes(row.request_digest),
        due=Day(row.due_day),
        four_eyes=row.four_eyes,
        state=row.state,
        ended_at=None if row.ended_at is None else Instant(row.ended_at),
        findings=findings,
    )
