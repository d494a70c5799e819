"""Rows of submissions, of subjects' keys, and of the enterprises that take part.

An enterprise takes part once a submission under its code was VERIFIED.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from bonafides.identity.submission import (
    Assent,
    CheckResult,
    Depth,
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
    depth: Depth
    personal_sealed: Sealed


# --- Who takes part ----------------------------------------------------------------


def is_enrolled(work: UnitOfWork, code: str) -> bool:
    """Returns whether the enterprise takes part."""
    found = work.execute(
        sa.select(tables.enterprise.c.code).where(tables.enterprise.c.code == code)
    )
    return found.first() is not None


def taking_part(work: UnitOfWork, codes: Sequence[str]) -> list[str]:
    """Returns those of the codes whose enterprises take part, in the order given."""
    column = tables.enterprise.c.code
    known = set(work.execute(sa.select(column).where(column.in_(list(codes)))).scalars())
    return [code for code in codes if code in known]


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


def count_enrolled(work: UnitOfWork) -> int:
    """Returns how many enterprises take part."""
    return int(work.execute(sa.select(sa.func.count()).select_from(tables.enterprise)).scalar_one())


def enroll(work: UnitOfWork, code: str, uid: str, now: Instant) -> None:
    """Makes the enterprise take part by this submission; one that does keeps its date."""
    insert = work.insert(tables.enterprise)
    work.execute(
        insert.on_conflict_do_update(index_elements=["code"], set_={"uid": insert.excluded.uid}),
        {"code": code, "uid": uid, "enrolled_at": now},
    )


def enrolled_by(work: UnitOfWork, code: str) -> tuple[str, ...]:
    """Returns the submission by which the enterprise takes part; empty if it doesn't."""
    table = tables.enterprise.c
    return tuple(work.execute(sa.select(table.uid).where(table.code == code)).scalars())


# --- Submissions -------------------------------------------------------------------


def take_turns(work: UnitOfWork, name: str) -> None:
    """Lets works that take turns under this name through one by one.

    Without it, a burst of one submitter's calls counts the same earlier submissions
    and passes the limit together. On SQLite writers stand in line already.
    """
    if work.dialect != "sqlite":
        work.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 0))))


def take_turns_of_page(work: UnitOfWork, names: Iterable[str]) -> None:
    """Does what `take_turns` does, under each of the names, in order."""
    if work.dialect != "sqlite":
        wanted = sa.select(
            sa.func.unnest(sa.literal(sorted(names), postgresql.ARRAY(sa.Text))).label("name")
        ).subquery()
        # In one order for everybody, so that two can't wait for each other.
        turns = sa.select(wanted.c.name).order_by(wanted.c.name.collate("C")).subquery().c.name
        work.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(turns, 0))))


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


def submissions_of(work: UnitOfWork, code: str, submitter: str) -> set[str]:
    """Returns the uids of the submitter's submissions of the enterprise."""
    found = work.execute(
        sa.select(_submission.uid).where(
            _submission.code == code, _submission.submitter == submitter
        )
    )
    return set(found.scalars())


def submissions_under(
    work: UnitOfWork, code: str, submitters: Iterable[str] | None, limit: int
) -> tuple[SubmissionRow, ...]:
    """Returns the latest submissions of these submitters, oldest first; None: of everybody."""
    query = sa.select(tables.submission).where(_submission.code == code)
    if submitters is not None:
        query = query.where(_submission.submitter.in_(sorted(submitters)))
    query = query.order_by(_submission.submitted_at.desc(), _submission.uid).limit(limit)
    return tuple(_submission_row(row) for row in reversed(work.execute(query).all()))


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
            "depth": int(row.depth),
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
                "note": result.note,
            }
            for result in results
        ],
    )


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A source's answer as it is stored; `fault`: it was not reached, and there is none."""

    source: str
    retrieved_at: Instant
    fault: str
    raw_sealed: Sealed | None


def add_answers(
    work: UnitOfWork, code: str, uid: str, answers: Sequence[AnswerRow], asked_at: Instant
) -> None:
    """Adds what the sources answered in one round, in the order in which they were asked."""
    work.execute(
        tables.evidence.insert(),
        [
            {
                "code": code,
                "uid": uid,
                "asked_at": asked_at,
                "source": answer.source,
                "retrieved_at": answer.retrieved_at,
                "fault": answer.fault,
                "raw_sealed": answer.raw_sealed,
            }
            for answer in answers
        ],
    )


def answers(work: UnitOfWork, code: str, uid: str) -> tuple[AnswerRow, ...]:
    """Returns what the sources answered, oldest first, then by source."""
    table = tables.evidence
    found = work.execute(
        sa.select(table)
        .where(table.c.code == code, table.c.uid == uid)
        .order_by(table.c.asked_at, table.c.source)
    )
    return tuple(
        AnswerRow(
            row.source,
            Instant(row.retrieved_at),
            row.fault,
            None if row.raw_sealed is None else Sealed(row.raw_sealed),
        )
        for row in found
    )


def latest_check_results(work: UnitOfWork, code: str, uid: str) -> dict[str, CheckResult]:
    """Returns the results of the latest round by name, without remedies. Empty: none yet."""
    table = tables.check_result
    of = sa.and_(table.c.code == code, table.c.uid == uid)
    latest = sa.select(sa.func.max(table.c.checked_at)).where(of).scalar_subquery()
    found = work.execute(sa.select(table).where(of, table.c.checked_at == latest))
    return {
        row.check_name: CheckResult(
            row.check_name,
            Outcome(row.outcome),
            row.source,
            Instant(row.retrieved_at),
            "",
            row.note,
        )
        for row in found
    }


def rounds_of_asking(work: UnitOfWork, code: str, uid: str) -> tuple[int, int]:
    """Returns in how many rounds every source answered, and in how many one did not."""
    table = tables.evidence
    failed = sa.func.max(sa.case((table.c.fault == "", 0), else_=1)).label("failed")
    of = sa.and_(table.c.code == code, table.c.uid == uid)
    rounds = sa.select(failed).where(of).group_by(table.c.asked_at).subquery()
    told = list(work.execute(sa.select(rounds.c.failed)).scalars())
    return told.count(0), told.count(1)


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


def differing(work: UnitOfWork, limit: int) -> list[tuple[str, str, Instant]]:
    """Returns code, uid and since when of submissions in which something differs, oldest first.

    One that its submitter followed by another of the enterprise is left out.
    """
    step, later = tables.submission_transition.c, tables.submission.alias("later").c
    state = State.ACTION_REQUIRED.value
    found = work.execute(
        sa.select(_submission.code, _submission.uid, step.at)
        .where(
            _submission.state == state,
            step.code == _submission.code,
            step.uid == _submission.uid,
            step.state == state,
            ~sa.exists().where(
                later.code == _submission.code,
                later.submitter == _submission.submitter,
                later.submitted_at > _submission.submitted_at,
            ),
        )
        .order_by(step.at, _submission.uid)
        .limit(limit)
    )
    return [(row.code, row.uid, Instant(row.at)) for row in found]


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


def delete_wrapped_key(work: UnitOfWork, subject: str) -> None:
    """Makes what is sealed under the subject's key unreadable."""
    work.execute(sa.delete(tables.subject_key).where(tables.subject_key.c.subject == subject))


# --- Helpers -------------------------------------------------------------------------


def _due(work: UnitOfWork, query: sa.Select[Any]) -> list[tuple[str, str]]:
    return [(row.code, row.uid) for row in work.execute(query)]


def _one_submission(
    work: UnitOfWork, *where: sa.ColumnElement[bool], lock: bool = False
) -> SubmissionRow | None:
    query = sa.select(tables.submission).where(*where)
    row = work.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _submission_row(row)


def _submission_row(row: sa.Row[Any]) -> SubmissionRow:
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
        depth=Depth(row.depth),
        personal_sealed=Sealed(row.personal_sealed),
    )
