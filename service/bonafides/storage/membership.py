"""Rows of who acts for an enterprise: memberships, claims, vouchers, invitations, notices.

Memberships and claims are told apart by code and uid. What changes who acts for an
enterprise is noted as a change, so that every process forgets what it remembers.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bonafides.access.callers import Standing
from bonafides.identity.membership import (
    Claim,
    ClaimState,
    Means,
    Member,
    Notice,
    Principal,
    Role,
)
from bonafides.identity.submission import Depth, State
from bonafides.instants import Instant
from bonafides.storage import tables
from bonafides.storage.changes import MEMBERSHIP, Change
from bonafides.storage.unit_of_work import UnitOfWork

_member: Final = tables.membership.c
_claim: Final = tables.ownership_claim.c
_invitation: Final = tables.invitation.c
_outbox: Final = tables.outbox.c


# --- Memberships ---------------------------------------------------------------------


def members(work: UnitOfWork, code: str) -> tuple[Member, ...]:
    """Returns who acts for the enterprise and who did, the latest first."""
    return tuple(_member_of(row) for row in work.execute(_MEMBERS, {"code": code}))


def standings(work: UnitOfWork, issuer: str, subject: str) -> Mapping[str, Standing]:
    """Returns what the memberships say of a login, by enterprise; of others it has none."""
    return _standings(work.execute(_OF_LOGIN, {"issuer": issuer, "subject": subject}).all())


def standing(work: UnitOfWork, principal: Principal, code: str) -> Standing:
    """Returns what the memberships of one enterprise say of a login."""
    asked = {"issuer": principal.issuer, "subject": principal.subject, "code": code}
    return _standings(work.execute(_OF_LOGIN_HERE, asked).all()).get(code, Standing.NONE)


def owners(work: UnitOfWork, code: str) -> tuple[Member, ...]:
    """Returns those who own the enterprise now."""
    return tuple(
        member
        for member in members(work, code)
        if member.ended_at is None and member.role is Role.OWNER
    )


def add_member(work: UnitOfWork, member: Member) -> None:
    """Adds a membership, and has every process hear of it."""
    work.execute(
        tables.membership.insert(),
        {
            "code": member.code,
            "uid": member.uid,
            "issuer": member.principal.issuer,
            "subject": member.principal.subject,
            "role": member.role.value,
            "since": member.since,
            "submission_uid": member.submission_uid,
            "means": member.means.value,
        },
    )
    _note(work, member.code, member.since)


def end_member(work: UnitOfWork, member: Member, *, actor: str, now: Instant) -> None:
    """Ends a membership, once, and has every process hear of it."""
    work.execute(
        sa.update(tables.membership)
        .where(_member.code == member.code, _member.uid == member.uid, _member.ended_at.is_(None))
        .values(ended_at=now, ended_by=actor)
    )
    _note(work, member.code, now)


# --- Claims --------------------------------------------------------------------------


def find_claim(work: UnitOfWork, code: str, uid: str) -> Claim | None:
    """Returns the claim."""
    row = work.execute(
        sa.select(tables.ownership_claim).where(_claim.code == code, _claim.uid == uid)
    ).one_or_none()
    return None if row is None else _claim_of(row)


def open_claims(work: UnitOfWork, code: str, principal: Principal) -> tuple[Claim, ...]:
    """Returns the login's claims to the enterprise that a proof would still grant."""
    found = work.execute(
        sa.select(tables.ownership_claim)
        .where(
            _claim.code == code,
            _claim.issuer == principal.issuer,
            _claim.subject == principal.subject,
            _claim.state.in_([ClaimState.CHALLENGED.value, ClaimState.AWAITING_VOUCHER.value]),
        )
        .order_by(_claim.claimed_at.desc())
    )
    return tuple(_claim_of(row) for row in found)


def disputes(work: UnitOfWork, after: tuple[int, str], limit: int) -> tuple[Claim, ...]:
    """Returns claims that wait for a decision, the oldest first, behind instant and uid."""
    found = work.execute(
        sa.select(tables.ownership_claim)
        .where(
            _claim.state == ClaimState.DISPUTED.value,
            sa.tuple_(_claim.claimed_at, _claim.uid) > sa.tuple_(*map(sa.literal, after)),
        )
        .order_by(_claim.claimed_at, _claim.uid)
        .limit(limit)
    )
    return tuple(_claim_of(row) for row in found)


def claims_since(
    work: UnitOfWork, since: Instant, *, code: str | None = None, of: Principal | None = None
) -> list[Instant]:
    """Returns when claims were made since, on the enterprise or by the login, oldest first."""
    query = sa.select(_claim.claimed_at).where(_claim.claimed_at > since)
    if code is not None:
        query = query.where(_claim.code == code)
    if of is not None:
        query = query.where(_claim.issuer == of.issuer, _claim.subject == of.subject)
    return [Instant(at) for at in work.execute(query.order_by(_claim.claimed_at)).scalars()]


def put_claim(work: UnitOfWork, claim: Claim, *, decided_by: str | None = None) -> None:
    """Adds the claim, or changes where it stands."""
    values = {
        "state": claim.state.value,
        "ended_at": claim.ended_at,
        "code_index": claim.code_index,
        "code_expires_at": claim.code_expires_at,
        "tries": claim.tries,
        "proposed": None if claim.proposed is None else claim.proposed.value,
        "proposed_by": claim.proposed_by,
        "decided_by": decided_by,
    }
    insert = work.insert(tables.ownership_claim)
    work.execute(
        insert.on_conflict_do_update(index_elements=["code", "uid"], set_=values),
        values
        | {
            "code": claim.code,
            "uid": claim.uid,
            "issuer": claim.principal.issuer,
            "subject": claim.principal.subject,
            "submission_uid": claim.submission_uid,
            "claimed_at": claim.claimed_at,
            "contact": claim.contact,
        },
    )


def earlier_records(
    work: UnitOfWork, code: str, *, besides: str, before: Instant, now: Instant
) -> list[tuple[str, bytes]]:
    """Returns uid and sealed values of other submitters' verified records, the latest first.

    Verified, its term not over, and submitted no later than `before`; `besides` is the
    name of the login whose own records don't count.
    """
    table = tables.submission.c
    found = work.execute(
        sa.select(table.uid, table.personal_sealed)
        .where(
            table.code == code,
            table.submitter != besides,
            table.state == State.VERIFIED.value,
            table.depth == Depth.FOUR.value,
            table.submitted_at <= before,
            # That a term is over is noted later than it is.
            sa.or_(table.expires_at.is_(None), table.expires_at > now),
        )
        .order_by(table.submitted_at.desc())
    )
    return [(row.uid, row.personal_sealed) for row in found]


# --- Vouchers, invitations, notices ----------------------------------------------------


def vouch(
    work: UnitOfWork, code: str, platform: str, principal: Principal, *, now: Instant
) -> None:
    """Notes the platform's word; said again, it is good from now on."""
    insert = work.insert(tables.voucher)
    work.execute(
        insert.on_conflict_do_update(
            index_elements=["code", "platform", "issuer", "subject"], set_={"vouched_at": now}
        ),
        {
            "code": code,
            "platform": platform,
            "issuer": principal.issuer,
            "subject": principal.subject,
            "vouched_at": now,
        },
    )


def is_vouched(work: UnitOfWork, code: str, principal: Principal, since: Instant) -> bool:
    """Returns whether a platform has vouched for the login since."""
    table = tables.voucher.c
    found = work.execute(
        sa.select(table.platform).where(
            table.code == code,
            table.issuer == principal.issuer,
            table.subject == principal.subject,
            table.vouched_at > since,
        )
    )
    return found.first() is not None


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An invitation as it is stored: its code as a keyed digest."""

    code: str
    uid: str
    code_index: bytes
    role: Role
    invited_by: str
    invited_at: Instant
    expires_at: Instant


def add_invitation(work: UnitOfWork, row: InvitationRow) -> None:
    """Adds the invitation; one that is there already stays as it is."""
    insert = work.insert(tables.invitation)
    work.execute(
        insert.on_conflict_do_nothing(index_elements=["code", "uid"]),
        {
            "code": row.code,
            "uid": row.uid,
            "code_index": row.code_index,
            "role": row.role.value,
            "invited_by": row.invited_by,
            "invited_at": row.invited_at,
            "expires_at": row.expires_at,
        },
    )


def find_invitation(work: UnitOfWork, code: str, uid: str) -> InvitationRow | None:
    """Returns the invitation, whether it can still be taken up or not."""
    return next(iter(_invitations(work, _invitation.code == code, _invitation.uid == uid)), None)


def open_invitations(work: UnitOfWork, code: str, now: Instant) -> list[InvitationRow]:
    """Returns the invitations of the enterprise that can still be taken up."""
    return _invitations(
        work,
        _invitation.code == code,
        _invitation.taken_at.is_(None),
        _invitation.expires_at > now,
    )


def end_invitations(
    work: UnitOfWork, code: str, now: Instant, *, uid: str | None = None, by: str | None = None
) -> None:
    """Ends one invitation, or all open ones that a login made."""
    which = _invitation.uid == uid if by is None else _invitation.invited_by == by
    work.execute(
        sa.update(tables.invitation)
        .where(_invitation.code == code, _invitation.taken_at.is_(None), which)
        .values(taken_at=now)
    )


def add_notice(work: UnitOfWork, code: str, reason: str, now: Instant) -> None:
    """Tells those who act for the enterprise."""
    add_notices(work, [(code, reason)], now)


def add_notices(work: UnitOfWork, told: Sequence[tuple[str, str]], now: Instant) -> None:
    """Tells those who act for each of the enterprises: code and reason."""
    if told:
        work.execute(
            tables.notice.insert(),
            [
                {"code": code, "uid": str(uuid.uuid4()), "reason": reason, "noticed_at": now}
                for code, reason in told
            ],
        )


def add_notice_once(work: UnitOfWork, code: str, uid: str, reason: str, now: Instant) -> bool:
    """Tells those who act for the enterprise, unless a notice of this uid did; whether it did."""
    insert = work.insert(tables.notice)
    added = work.execute(
        insert.on_conflict_do_nothing(index_elements=["code", "uid"]).returning(
            tables.notice.c.uid
        ),
        {"code": code, "uid": uid, "reason": reason, "noticed_at": now},
    )
    # A count of rows is not to be had of PostgreSQL's driver here.
    return added.first() is not None


def notices(work: UnitOfWork, code: str) -> tuple[Notice, ...]:
    """Returns what was told, the latest first."""
    table = tables.notice.c
    found = work.execute(
        sa.select(tables.notice)
        .where(table.code == code)
        .order_by(table.noticed_at.desc(), table.uid)
    )
    return tuple(Notice(row.code, row.uid, row.reason, Instant(row.noticed_at)) for row in found)


# --- The outbox ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A message that waits. `purpose` None: its address is public."""

    code: str
    uid: str
    message_sealed: bytes
    purpose: str | None
    due_at: Instant | None
    tries: int
    expires_at: Instant


def add_message(work: UnitOfWork, row: OutboxRow) -> None:
    """Puts a message into the outbox."""
    work.execute(
        tables.outbox.insert(),
        {
            "code": row.code,
            "uid": row.uid,
            "message_sealed": row.message_sealed,
            "purpose": row.purpose,
            "due_at": row.due_at,
            "tries": row.tries,
            "expires_at": row.expires_at,
        },
    )


def due_messages(work: UnitOfWork, now: Instant, limit: int) -> list[OutboxRow]:
    """Returns messages that are due, the one that waits longest first."""
    found = work.execute(
        sa.select(tables.outbox)
        .where(_outbox.due_at.is_not(None), _outbox.due_at <= now)
        .order_by(_outbox.due_at)
        .limit(limit)
    )
    return [
        OutboxRow(
            row.code,
            row.uid,
            row.message_sealed,
            row.purpose,
            Instant(row.due_at),
            row.tries,
            Instant(row.expires_at),
        )
        for row in found
    ]


def set_message(
    work: UnitOfWork, row: OutboxRow, *, due_at: Instant | None, sent_at: Instant | None
) -> None:
    """Says when it is tried again, or that it is done with; counts the try."""
    work.execute(
        sa.update(tables.outbox)
        .where(_outbox.code == row.code, _outbox.uid == row.uid)
        .values(due_at=due_at, sent_at=sent_at, tries=row.tries + 1)
    )


# --- Helpers -------------------------------------------------------------------------


def _note(work: UnitOfWork, code: str, now: Instant) -> None:
    work.note(Change(MEMBERSHIP, code, 0, now))


def _member_of(row: sa.Row[Any]) -> Member:
    return Member(
        code=row.code,
        uid=row.uid,
        principal=Principal(row.issuer, row.subject),
        role=Role(row.role),
        since=Instant(row.since),
        submission_uid=row.submission_uid,
        means=Means(row.means),
        ended_at=None if row.ended_at is None else Instant(row.ended_at),
    )


def _standings(found: Sequence[sa.Row[Any]]) -> Mapping[str, Standing]:
    # Live ones last: who was removed and came back is a member again.
    return {row.code: Standing.REMOVED for row in found if row.ended_at is not None} | {
        row.code: Standing(row.role) for row in found if row.ended_at is None
    }


def _invitations(work: UnitOfWork, *where: sa.ColumnElement[bool]) -> list[InvitationRow]:
    return [
        InvitationRow(
            row.code,
            row.uid,
            row.code_index,
            Role(row.role),
            row.invited_by,
            Instant(row.invited_at),
            Instant(row.expires_at),
        )
        for row in work.execute(sa.select(tables.invitation).where(*where))
    ]


def _claim_of(row: sa.Row[Any]) -> Claim:
    return Claim(
        code=row.code,
        uid=row.uid,
        principal=Principal(row.issuer, row.subject),
        submission_uid=row.submission_uid,
        state=ClaimState(row.state),
        claimed_at=Instant(row.claimed_at),
        ended_at=None if row.ended_at is None else Instant(row.ended_at),
        code_index=row.code_index,
        code_expires_at=None if row.code_expires_at is None else Instant(row.code_expires_at),
        tries=row.tries,
        contact=row.contact,
        proposed=None if row.proposed is None else ClaimState(row.proposed),
        proposed_by=row.proposed_by,
    )


# Made once: building a statement takes longer than running it.
_MEMBERS: Final = (
    sa.select(tables.membership)
    .where(_member.code == sa.bindparam("code"))
    .order_by(_member.since.desc(), _member.uid)
)
_OF_LOGIN: Final = sa.select(_member.code, _member.role, _member.ended_at).where(
    _member.issuer == sa.bindparam("issuer"), _member.subject == sa.bindparam("subject")
)
_OF_LOGIN_HERE: Final = _OF_LOGIN.where(_member.code == sa.bindparam("code"))
