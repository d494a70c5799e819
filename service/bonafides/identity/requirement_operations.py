"""What can be asked about what is open for an enterprise; see `requirements` for the rules.

list_requirements    to those who act for it all of it, to others what is their own

Never part of an archive: what an enterprise has to do is nobody else's affair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from bonafides.errors import NotFoundError
from bonafides.identity import requirements as rules
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.consent_operations import acts
from bonafides.identity.membership import Actor
from bonafides.identity.operations import Desk, status_of
from bonafides.identity.requirements import Requirement
from bonafides.identity.submission import SubmissionStatus
from bonafides.instants import Instant
from bonafides.storage import consents as consent_rows
from bonafides.storage import disputes as dispute_rows
from bonafides.storage import identity as rows
from bonafides.storage import membership as member_rows
from bonafides.storage.unit_of_work import UnitOfWork

# What came before the latest hundred is settled or given up.
_MOST: Final = 100


def list_requirements(
    desk: Desk, actor: Actor | None, code: UnifiedCode, *, now: Instant
) -> tuple[Requirement, ...]:
    """Returns what is open, the most pressing first. `actor` None: staff of the service.

    A member of the enterprise sees what is about it and about its members' submissions,
    anybody else what is about submissions of the caller's own.

    Raises:
        NotFoundError: nothing of it is the actor's.
    """
    with desk.store.reading() as work:
        enrolled = rows.is_enrolled(work, code.text)
        member = enrolled if actor is None else acts(work, actor, code.text, as_owner=False)
        found = rows.submissions_under(
            work, code.text, _submitters(work, actor, code.text, member=member), _MOST
        )
        shown = {row.uid: row for row in found}
        for uid in rows.enrolled_by(work, code.text) if member else ():
            row = rows.find_submission(work, code.text, uid)
            if row is not None:
                shown[uid] = row
        if not shown and not member:
            raise NotFoundError
        in_time = sorted(shown.values(), key=lambda row: (row.submitted_at, row.uid))
        told = [(row.submitter, status_of(work, row, now)) for row in in_time]
        # One account, whoever of its members submitted; strangers have theirs each.
        open_ = _of_submissions(told if actor is None else [("", one) for _, one in told], now)
        return rules.in_order((*open_, *(_of_enterprise(work, desk, code, now) if member else ())))


def _submitters(
    work: UnitOfWork, actor: Actor | None, code: str, *, member: bool
) -> set[str] | None:
    if actor is None:
        return None
    members = member_rows.members(work, code) if member else ()
    return {actor.principal.name, *(m.principal.name for m in members if m.ended_at is None)}


def _of_submissions(
    told: Iterable[tuple[str, SubmissionStatus]], now: Instant
) -> list[Requirement]:
    by_account: dict[str, list[SubmissionStatus]] = defaultdict(list)
    for account, status in told:
        by_account[account].append(status)
    found: list[Requirement] = []
    for statuses in by_account.values():
        verified = any(rules.is_verified(each) for each in statuses)
        for each in rules.relevant(statuses):
            found += rules.of_submission(each, now=now, verified=verified)
    return found


def _of_enterprise(
    work: UnitOfWork, desk: Desk, code: UnifiedCode, now: Instant
) -> tuple[Requirement, ...]:
    current = consent_rows.agreements(work, desk.agreement_version, now)
    return (
        *rules.of_agreements(current.values(), consent_rows.assents(work, code.text)),
        *rules.of_consents(
            consent_rows.ledger(work, code.text), individual=code.individual, now=now
        ),
        *rules.of_stores(dispute_rows.due_days(work, code.text)),
    )
