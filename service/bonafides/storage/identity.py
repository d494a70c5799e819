"""Rows of submissions, of subjects' keys, and of the enterprises that take part.

An enterprise takes part once a submission under its code was VERIFIED. Only then
are its authorizations written to their tables: what a submission that was not
verified claims to allow stays sealed within it and can't be read by any query.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bonafides.identity.submission import (
    Assent,
    Authorization,
    CheckResult,
    Outcome,
    State,
    Transition,
    license_digest,
)
from bonafides.instants import Instant
from bonafides.personal.sealing import Sealed, WrappedKey
from bonafides.storage import tables
from bonafides.storage.unit_of_work import UnitOfWork

_submission: Final = tables.submission.c


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """A submission as it is stored."""

    code: str
    uid: str
    submitter: str
    request_id: str
    request_digest: bytes
    state: State
    submitted_at: Instant
    recheck_at: Instant | None
    expires_at: Instant | None
    title: str
    license: str
    assent: Assent
    personal_sealed: Sealed


# --- Who takes part ----------------------------------------------------------------


def is_enrolled(work: UnitOfWork, code: str) -> bool:
    """Returns whether the enterprise takes part."""
    found = work.execute(
        sa.select(tables.enterprise.c.code).where(tables.enterprise.c.code == code)
    )
    return found.first() is not None


def enrolled_at(work: UnitOfWork, code: str) -> Instant | None:
    """Returns since when the enterprise takes part; None if it does not."""
    table = tables.enterprise.c
    found = work.execute(sa.select(table.enrolled_at).where(table.code == code)).scalar()
    return None if found is None else Instant(found)


def enrolled_codes(work: UnitOfWork, after: str, limit: int) -> list[str]:
    """Returns the next codes behind `after` of enterprises that take part, in order."""
    column = tables.enterprise.c.code
    found = work.execute(sa.select(column).where(column > after).order_by(column).limit(limit))
    return list(found.scalars())


def authorized_platforms(work: UnitOfWork, code: str, at: Instant) -> tuple[str, ...]:
    """Returns the platforms whose records the enterprise lets the service use, sorted."""
    table = tables.platform_authorization
    found = work.execute(
        sa.select(table.c.platform).distinct().where(table.c.code == code, _live(table, at))
    )
    # Sorted here: the collations of the databases differ.
    return tuple(sorted(found.scalars()))


def live_purposes(work: UnitOfWork, code: str, at: Instant) -> frozenset[str]:
    """Returns what the representative agreed to and hasn't revoked, such as "RATE".

    As of an earlier instant: as far as the service had learned of it by then.
    """
    table = tables.authorization
    found = work.execute(
        sa.select(table.c.purpose)
        .distinct()
        .where(table.c.code == code, table.c.recorded_at <= at, _live(table, at))
    )
    return frozenset(found.scalars())


def enroll(work: UnitOfWork, code: str, uid: str, now: Instant) -> None:
    """Makes the enterprise take part by this submission; one that does keeps its date."""
    insert = _insert(work, tables.enterprise)
    work.execute(
        insert.on_conflict_do_update(index_elements=["code"], set_={"uid": insert.excluded.uid}),
        {"code": code, "uid": uid, "enrolled_at": now},
    )


def add_authorizations(
    work: UnitOfWork,
    code: str,
    uid: str,
    *,
    authorizations: Sequence[Authorization],
    platforms: Sequence[str],
    now: Instant,
) -> None:
    """Writes what a verified submission allows: purposes, and use of platforms' records."""
    of = {"code": code, "uid": uid}
    if authorizations:
        work.execute(
            tables.authorization.insert(),
            [
                of
                | {
                    "purpose": each.purpose.value,
                    "scope": ",".join(each.scope),
                    "evidence_sha256": each.evidence_sha256,
                    "granted_at": each.granted_at,
                    "recorded_at": now,
                }
                for each in authorizations
            ],
        )
    if platforms:
        work.execute(
            tables.platform_authorization.insert(),
            [of | {"platform": platform, "granted_at": now} for platform in platforms],
        )


# --- Submissions -------------------------------------------------------------------


def take_turns(work: UnitOfWork, name: str) -> None:
    """Lets works that take turns under this name through one by one.

    Without it, a burst of one submitter's calls counts the same earlier submissions
    and passes the limit together. On SQLite writers stand in line already.
    """
    if work.dialect != "sqlite":
        work.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 0))))


def find_request(work: UnitOfWork, submitter: str, request_id: str) -> SubmissionRow | None:
    """Returns the submission that this request made, if it came before."""
    return _one_submission(
        work, _submission.submitter == submitter, _submission.request_id == request_id
    )


def find_submission(
    work: UnitOfWork, code: str, uid: str, *, lock: bool = False
) -> SubmissionRow | None:
    """Returns the submission; with `lock`, nobody else changes it until the work is done."""
    return _one_submission(work, _submission.code == code, _submission.uid == uid, lock=lock)


def nth_latest_submission_at(work: UnitOfWork, submitter: str, nth: int) -> Instant | None:
    """Returns when the submitter made the nth submission counted back from the latest."""
    found = work.execute(
        sa.select(_submission.submitted_at)
        .where(_submission.submitter == submitter)
        .order_by(_submission.submitted_at.desc())
        .offset(nth - 1)
        .limit(1)
    ).scalar_one_or_none()
    return None if found is None else Instant(found)


def insert_submission(work: UnitOfWork, row: SubmissionRow) -> None:
    """Adds the submission."""
    work.execute(
        tables.submission.insert(),
        {
            "code": row.code,
            "uid": row.uid,
            "submitter": row.submitter,
            "request_id": row.request_id,
            "request_digest": row.request_digest,
            "state": row.state.value,
            "submitted_at": row.submitted_at,
            "recheck_at": row.recheck_at,
            "expires_at": row.expires_at,
            "title": row.title,
            "license": row.license,
            "license_sha256": license_digest(row.license),
            "agreement_version": row.assent.agreement_version,
            "assented_at": row.assent.assented_at,
            "personal_sealed": row.personal_sealed,
        },
    )


def set_state(
    work: UnitOfWork,
    row: SubmissionRow,
    state: State,
    *,
    recheck_at: Instant | None,
    expires_at: Instant | None,
) -> None:
    """Changes where the submission stands."""
    work.execute(
        sa.update(tables.submission)
        .where(_submission.code == row.code, _submission.uid == row.uid)
        .values(state=state.value, recheck_at=recheck_at, expires_at=expires_at)
    )


def add_transition(work: UnitOfWork, code: str, uid: str, step: Transition) -> None:
    """Adds a step to the history."""
    table = tables.submission_transition
    count = work.execute(
        sa.select(sa.func.count()).where(table.c.code == code, table.c.uid == uid)
    ).scalar_one()
    work.execute(
        table.insert(),
        {
            "code": code,
            "uid": uid,
            "sequence": count,
            "state": step.state.value,
            "at": step.at,
            "reason": step.reason,
        },
    )


def history(work: UnitOfWork, code: str, uid: str) -> tuple[Transition, ...]:
    """Returns the history, oldest first."""
    table = tables.submission_transition
    found = work.execute(
        sa.select(table).where(table.c.code == code, table.c.uid == uid).order_by(table.c.sequence)
    )
    return tuple(Transition(State(row.state), Instant(row.at), row.reason) for row in found)


def add_check_results(
    work: UnitOfWork, code: str, uid: str, results: Iterable[CheckResult], now: Instant
) -> None:
    """Adds the results of one round of checks."""
    work.execute(
        tables.check_result.insert(),
        [
            {
                "code": code,
                "uid": uid,
                "check_name": result.check,
                "checked_at": now,
                "outcome": result.outcome.value,
                "source": result.source,
                "retrieved_at": result.retrieved_at,
            }
            for result in results
        ],
    )


def latest_check_results(work: UnitOfWork, code: str, uid: str) -> dict[str, CheckResult]:
    """Returns the results of the latest round by name, without remedies. Empty: none yet."""
    table = tables.check_result
    of = sa.and_(table.c.code == code, table.c.uid == uid)
    latest = sa.select(sa.func.max(table.c.checked_at)).where(of).scalar_subquery()
    found = work.execute(sa.select(table).where(of, table.c.checked_at == latest))
    return {
        row.check_name: CheckResult(
            row.check_name, Outcome(row.outcome), row.source, Instant(row.retrieved_at), ""
        )
        for row in found
    }


def rounds_of_checks(work: UnitOfWork, code: str, uid: str) -> int:
    """Returns how often evidence was asked for."""
    table = tables.check_result
    return int(
        work.execute(
            sa.select(sa.func.count(table.c.checked_at.distinct())).where(
                table.c.code == code, table.c.uid == uid
            )
        ).scalar_one()
    )


def due_for_recheck(work: UnitOfWork, now: Instant, limit: int) -> list[tuple[str, str]]:
    """Returns code and uid of submissions that wait for evidence and are due, oldest first."""
    return _due(
        work,
        sa.select(_submission.code, _submission.uid)
        .where(_submission.state == State.PENDING.value, _submission.recheck_at <= now)
        .order_by(_submission.recheck_at)
        .limit(limit),
    )


def past_term(work: UnitOfWork, now: Instant, limit: int) -> list[tuple[str, str]]:
    """Returns code and uid of verified submissions whose term is over, oldest first."""
    return _due(
        work,
        sa.select(_submission.code, _submission.uid)
        .where(_submission.state == State.VERIFIED.value, _submission.expires_at <= now)
        .order_by(_submission.expires_at)
        .limit(limit),
    )


# --- Keys of subjects ------------------------------------------------------------------


def wrapped_keys(work: UnitOfWork, subjects: Sequence[str]) -> dict[str, WrappedKey]:
    """Returns the wrapped keys of those subjects that have one; an erased one has none."""
    table = tables.subject_key.c
    found = work.execute(sa.select(table.subject, table.wrapped).where(table.subject.in_(subjects)))
    return {row.subject: WrappedKey(row.wrapped) for row in found}


def add_wrapped_keys(work: UnitOfWork, keys: Mapping[str, WrappedKey]) -> None:
    """Adds the wrapped keys of subjects that have none yet."""
    if keys:
        work.execute(
            tables.subject_key.insert(),
            [{"subject": subject, "wrapped": wrapped} for subject, wrapped in keys.items()],
        )


# --- Helpers -------------------------------------------------------------------------


def _insert(work: UnitOfWork, table: sa.Table) -> Any:
    return (sqlite if work.dialect == "sqlite" else postgresql).insert(table)


def _live(table: sa.Table, at: Instant) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.granted_at <= at, sa.or_(table.c.revoked_at.is_(None), table.c.revoked_at > at)
    )


def _due(work: UnitOfWork, query: sa.Select[Any]) -> list[tuple[str, str]]:
    return [(row.code, row.uid) for row in work.execute(query)]


def _one_submission(
    work: UnitOfWork, *where: sa.ColumnElement[bool], lock: bool = False
) -> SubmissionRow | None:
    query = sa.select(tables.submission).where(*where)
    row = work.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        return None
    return SubmissionRow(
        code=row.code,
        uid=row.uid,
        submitter=row.submitter,
        request_id=row.request_id,
        request_digest=row.request_digest,
        state=State(row.state),
        submitted_at=Instant(row.submitted_at),
        recheck_at=None if row.recheck_at is None else Instant(row.recheck_at),
        expires_at=None if row.expires_at is None else Instant(row.expires_at),
        title=row.title,
        license=row.license,
        assent=Assent(row.agreement_version, Instant(row.assented_at)),
        personal_sealed=Sealed(row.personal_sealed),
    )
