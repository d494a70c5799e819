"""What can be asked about what is open for an enterprise; see `requirements` for the rules.

list_requirements    to those who act for it all of it, to others what is their own
tell_deadlines       tells those who act for it, once each, that a deadline is near or over

Never part of an archive: what an enterprise has to do is nobody else's affair. Nor is it
sent to anybody's contact: nobody agreed to that use of it.
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
from bonafides.instants import Instant, day_of
from bonafides.once import uid_of
from bonafides.storage import consents as consent_rows
from bonafides.storage import deadlines as deadline_rows
from bonafides.storage import disputes as dispute_rows
from bonafides.storage import identity as rows
from bonafides.storage import membership as member_rows
from bonafides.storage import platforms as platform_rows
from bonafides.storage.unit_of_work import UnitOfWork

# What came before the latest hundred is settled or given up.
_MOST: Final = 100
# Reasons of requirements that those who act for the enterprise are told of, by the notice's.
NOTICES: Final = {
    "VERIFICATION_ENDS": "VERIFICATION_ENDS",
    "LAPSED": "VERIFICATION_OVER",
    "CONSENT_ENDS": "CONSENT_ENDS",
}
_STEP: Final = 500


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
        submitters = _submitters(work, actor, code.text, member=member)
        told = _statuses(work, code.text, submitters, _bases(work, code.text, member=member), now)
        if not told and not member:
            raise NotFoundError
        # One account, whoever of its members submitted; strangers have theirs each.
        open_ = _of_submissions(told if actor is None else [("", one) for _, one in told], now)
        if member:
            open_ += _of_enterprise(work, desk, code, now)
        if member and actor is not None:
            # Between the platform and the enterprise: staff have no need of it.
            open_ += _of_platforms(work, code.text, now)
        return rules.in_order(open_)


def tell_deadlines(desk: Desk, *, now: Instant) -> int:
    """Adds a notice for each deadline that came near or passed, once; returns how many.

    Looks once a day, by the day in Shanghai. A deadline that was put off is another one.
    """
    with desk.store.reading() as work:
        last = deadline_rows.told_at(work)
    if last is not None and day_of(last) >= day_of(now):
        return 0
    # Far enough back for a service that was off; what was told then is not told again.
    begin, end = Instant(now - rules.RENEWAL), Instant(now + rules.RENEWAL)
    with desk.store.reading() as work:
        codes = deadline_rows.codes_with_deadlines(work, begin, end)
    added = 0
    for first in range(0, len(codes), _STEP):
        with desk.store.writing() as work:
            added += sum(_tell(work, desk, code, now) for code in codes[first : first + _STEP])
            work.commit()
    with desk.store.writing() as work:
        deadline_rows.note_told(work, now)
        work.commit()
    return added


def _tell(work: UnitOfWork, desk: Desk, text: str, now: Instant) -> int:
    code = UnifiedCode.parse(text)
    added = 0
    for each in _open_to_members(work, desk, code, now):
        reason = NOTICES.get(each.reason)
        if reason is not None and each.deadline is not None:
            said = f"{text}|{reason}|{each.item}|{each.submission}|{each.deadline}"
            uid = uid_of(desk.vault.index("deadline", said))
            added += member_rows.add_notice_once(work, text, uid, reason, now)
    return added


def _open_to_members(
    work: UnitOfWork, desk: Desk, code: UnifiedCode, now: Instant
) -> tuple[Requirement, ...]:
    """Returns what is open about the enterprise and about its members' submissions."""
    bases = _bases(work, code.text, member=True)
    members = member_rows.members(work, code.text)
    submitters = {each.principal.name for each in members if each.ended_at is None}
    submitters |= {row.submitter for row in bases}
    told = [("", one) for _, one in _statuses(work, code.text, submitters, bases, now)]
    return (*_of_submissions(told, now), *_of_enterprise(work, desk, code, now))


def _bases(work: UnitOfWork, code: str, *, member: bool) -> list[rows.SubmissionRow]:
    """Returns the submission by which the enterprise takes part, for those whose affair it is."""
    uids = rows.enrolled_by(work, code) if member else ()
    return [row for uid in uids if (row := rows.find_submission(work, code, uid)) is not None]


def _statuses(
    work: UnitOfWork,
    code: str,
    submitters: set[str] | None,
    bases: list[rows.SubmissionRow],
    now: Instant,
) -> list[tuple[str, SubmissionStatus]]:
    """Returns submitters and where their submissions stand, the oldest first."""
    found = rows.submissions_under(work, code, submitters, _MOST)
    shown = {row.uid: row for row in (*found, *bases)}
    in_time = sorted(shown.values(), key=lambda row: (row.submitted_at, row.uid))
    return [(row.submitter, status_of(work, row, now)) for row in in_time]


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


def _of_platforms(work: UnitOfWork, code: str, now: Instant) -> tuple[Requirement, ...]:
    asked = (
        rules.Asked(row.platform, row.uid, row.text, row.deadline_at)
        for row in platform_rows.open_inquiries(work, code)
    )
    return rules.of_inquiries(asked, now)
