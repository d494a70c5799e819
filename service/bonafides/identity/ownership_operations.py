"""What can be done about who acts for an enterprise: claim, prove, decide, invite, remove.

claim, confirm        a login claims an enterprise, and gives the code that was sent
vouch                 a platform vouches for a login
get_claim, list_disputes, decide      what staff look at, and how they end a dispute
list_members, invite, take_invitation, remove       working together
list_notices          what those who act for an enterprise are told

All that concerns one enterprise takes turns, so that two proofs at once can't both find
it without an owner. Claims of others and enterprises of others are not found.
"""

from __future__ import annotations

import dataclasses
import hmac
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bonafides.errors import (
    BugError,
    CodeNotValidError,
    LastOwnerError,
    NotFoundError,
    OwnershipStateError,
    RateLimitedError,
    SecondPersonRequiredError,
)
from bonafides.identity import membership as rules
from bonafides.identity import outbox
from bonafides.identity.consent_operations import (
    acts,
    require_actor,
    require_assent,
    require_reader,
)
from bonafides.identity.couriers import Courier
from bonafides.identity.membership import (
    Actor,
    Claim,
    ClaimState,
    Invitation,
    Means,
    Member,
    Notice,
    Principal,
    Role,
)
from bonafides.identity.operations import Desk
from bonafides.identity.submission import Depth, State
from bonafides.instants import DAY, MICROSECONDS, Instant
from bonafides.once import Request, require_same
from bonafides.personal import masks
from bonafides.storage import agents as agent_rows
from bonafides.storage import identity as identity_rows
from bonafides.storage import membership as rows
from bonafides.storage import records as record_rows
from bonafides.storage.unit_of_work import UnitOfWork

_CODE_INDEX: Final = "ownership_code"
_INVITATION_INDEX: Final = "invitation_code"
_INVITATION_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Ownership:
    """What is needed here. `draw` gives random digits, as many as asked for.

    `courier` None: nothing can be sent here, and platforms vouch instead.
    """

    desk: Desk
    draw: Callable[[int], str]
    courier: Courier | None


# --- Claiming ------------------------------------------------------------------------


def claim(
    room: Ownership,
    principal: Principal,
    code: str,
    submission_uid: str,
    *,
    request: Request,
    now: Instant,
) -> Claim:
    """Claims the enterprise for the login; idempotent by the request id.

    Raises:
        NotFoundError: no such submission, or another's.
        OwnershipStateError: it isn't VERIFIED, or the login owns the enterprise already.
        RequestIdReusedError: the request id came before with another submission.
        RateLimitedError: too many claims of the login, or on the enterprise, in 24 hours.
    """
    uid = request.mark(room.desk.vault, "claim", principal.name).uid
    with room.desk.store.writing() as work:
        _take_turns(work, code)
        submission = identity_rows.find_submission(work, code, submission_uid)
        if submission is None or submission.submitter != principal.name:
            raise NotFoundError
        known = rows.find_claim(work, code, uid)
        if known is not None:
            require_same(known.submission_uid, submission_uid)
            return known
        _require_verified(work, code, submission_uid, now)
        if any(owner.principal == principal for owner in rows.owners(work, code)):
            raise OwnershipStateError("ALREADY_OWNER")
        _limit(work, code, principal, now)
        made = Claim(code, uid, principal, submission_uid, ClaimState.AWAITING_VOUCHER, now)
        made = _opened(work, room, made, now)
        work.commit()
    return made


def confirm(
    room: Ownership, principal: Principal, code: str, uid: str, given: str, *, now: Instant
) -> Claim:
    """Takes the one-time code; a right one makes the login an owner.

    Raises:
        NotFoundError: no such claim, or another's.
        CodeNotValidError: the code is wrong, was used, or is over.
        OwnershipStateError: the submission is VERIFIED no more.
    """
    with room.desk.store.writing() as work:
        _take_turns(work, code)
        made = _own_claim(work, principal, code, uid)
        if made.state is not ClaimState.CHALLENGED or made.code_index is None:
            raise CodeNotValidError
        tried = dataclasses.replace(made, tries=made.tries + 1)
        right = hmac.compare_digest(made.code_index, _index(room, uid, given))
        over = made.is_late(now)
        if over or not right:
            if over or tried.tries >= rules.MOST_TRIES:
                tried = dataclasses.replace(tried, state=ClaimState.EXPIRED, ended_at=now)
            # The try is counted though the call fails.
            rows.put_claim(work, tried)
            work.commit()
            raise CodeNotValidError
        _require_verified(work, code, made.submission_uid, now)
        ended = _proved(work, tried, Means.CHALLENGE, now)
        work.commit()
    return ended


def vouch(room: Ownership, platform: str, code: str, principal: Principal, *, now: Instant) -> None:
    """Notes the platform's word, and grants what only waited for it.

    Raises:
        NotFoundError: the platform reports no record of such an enterprise.
    """
    with room.desk.store.writing() as work:
        _take_turns(work, code)
        if platform not in record_rows.platforms(work, code):
            raise NotFoundError
        rows.vouch(work, code, platform, principal, now=now)
        waiting = [
            each for each in rows.open_claims(work, code, principal) if not each.is_late(now)
        ]
        # A claim that was told to be over stays over; a new one is granted by this word.
        for each in waiting[:1]:
            if _is_verified(work, code, each.submission_uid, now):
                _proved(work, each, Means.VOUCHED, now)
        work.commit()


def get_claim(
    room: Ownership, principal: Principal | None, code: str, uid: str, *, now: Instant
) -> Claim:
    """Returns the claim. `principal` None: staff, who may see any.

    Raises:
        NotFoundError: there is none, or it is another's.
    """
    with room.desk.store.reading() as work:
        found = _own_claim(work, principal, code, uid)
    if found.is_late(now):
        return dataclasses.replace(found, state=ClaimState.EXPIRED)
    return found


# --- Deciding ------------------------------------------------------------------------


def list_disputes(
    room: Ownership, *, after: tuple[int, str] = (0, ""), limit: int
) -> tuple[Claim, ...]:
    """Returns the claims that wait for staff, the oldest first, behind instant and uid."""
    with room.desk.store.reading() as work:
        return rows.disputes(work, after, limit)


def decide(
    room: Ownership, staff: Principal, code: str, uid: str, outcome: ClaimState, *, now: Instant
) -> Claim:
    """Proposes how a dispute ends, or confirms what another member of staff proposed.

    GRANTED: the claimant takes the place of those who own the enterprise. REFUSED:
    nothing changes. Another outcome than the one proposed is a new proposal.

    Raises:
        NotFoundError: no such claim.
        OwnershipStateError: it isn't disputed, or its submission is VERIFIED no more.
        SecondPersonRequiredError: whoever proposed or claimed it can't confirm it.
    """
    with room.desk.store.writing() as work:
        _take_turns(work, code)
        made = _own_claim(work, None, code, uid)
        if made.state is not ClaimState.DISPUTED:
            raise OwnershipStateError(made.state.name)
        if staff.name == made.principal.name:
            raise SecondPersonRequiredError
        if made.proposed is not outcome:
            made = dataclasses.replace(made, proposed=outcome, proposed_by=staff.name)
            rows.put_claim(work, made)
        elif made.proposed_by == staff.name:
            raise SecondPersonRequiredError
        else:
            made = _decided(work, made, outcome, staff, now)
        work.commit()
    return made


def _decided(
    work: UnitOfWork, made: Claim, outcome: ClaimState, staff: Principal, now: Instant
) -> Claim:
    ended = dataclasses.replace(made, state=outcome, ended_at=now)
    if outcome is ClaimState.GRANTED:
        _require_verified(work, made.code, made.submission_uid, now)
        for owner in rows.owners(work, made.code):
            _end(work, owner, staff.name, now)
        # Whom they let act for the enterprise does so no more.
        agent_rows.revoke(work, made.code, by=staff.name, now=now)
        _add_owner(work, ended, Means.DECIDED, now)
        rows.add_notice(work, made.code, "OWNERSHIP_TRANSFERRED", now)
    else:
        rows.add_notice(work, made.code, "OWNERSHIP_KEPT", now)
    rows.put_claim(work, ended, decided_by=staff.name)
    return ended


# --- Working together ------------------------------------------------------------------


def list_members(room: Ownership, actor: Actor | None, code: str) -> tuple[Member, ...]:
    """Returns who acts for the enterprise and who did. `actor` None: staff of the service.

    Raises:
        NotFoundError: not the actor's enterprise.
    """
    with room.desk.store.reading() as work:
        require_reader(work, actor, code)
        return rows.members(work, code)


def invite(
    room: Ownership, actor: Actor, code: str, role: Role, *, request: Request, now: Instant
) -> Invitation:
    """Invites whoever gets the code; idempotent by the request id.

    Raises:
        NotFoundError: the actor doesn't own the enterprise.
        AgreementNotCurrentError: a new version of an agreement waits for assent.
        RequestIdReusedError: the request id came before with another role.
    """
    vault, name = room.desk.vault, actor.principal.name
    uid = request.mark(vault, "invitation_uid", name, code).uid
    # Worked out and not drawn, so that a repeated call shows the same code.
    shown = request.mark(vault, "invitation", name, code).seed[:_INVITATION_BYTES].hex()
    with room.desk.store.writing() as work:
        _take_turns(work, code)
        require_actor(work, actor, code)
        made = rows.find_invitation(work, code, uid)
        if made is None:
            require_assent(work, room.desk, code, now)
            made = rows.InvitationRow(
                code=code,
                uid=uid,
                code_index=vault.index(_INVITATION_INDEX, f"{code}|{shown}"),
                role=role,
                invited_by=name,
                invited_at=now,
                expires_at=Instant(now + rules.INVITATION_TERM),
            )
            rows.add_invitation(work, made)
        require_same(made.role, role)
        work.commit()
    return Invitation(shown, role, made.expires_at)


def take_invitation(
    room: Ownership, principal: Principal, code: str, given: str, *, now: Instant
) -> Member:
    """Makes the login a member by an invitation's code, which is good once.

    Raises:
        CodeNotValidError: there is no such invitation, or not any more.
        OwnershipStateError: the login is a member already.
    """
    index = room.desk.vault.index(_INVITATION_INDEX, f"{code}|{given}")
    with room.desk.store.writing() as work:
        _take_turns(work, code)
        found = [
            each
            for each in rows.open_invitations(work, code, now)
            if hmac.compare_digest(each.code_index, index)
        ]
        if not found:
            raise CodeNotValidError
        live = {m.principal for m in rows.members(work, code) if m.ended_at is None}
        if principal in live:
            raise OwnershipStateError("ALREADY_MEMBER")
        rows.end_invitations(work, code, now, uid=found[0].uid)
        role, means = found[0].role, Means.INVITED
        made = Member(code, str(uuid.uuid4()), principal, role, now, None, means, None)
        rows.add_member(work, made)
        rows.add_notice(work, code, "MEMBER_JOINED", now)
        work.commit()
    return made


def remove(room: Ownership, actor: Actor, code: str, uid: str, *, now: Instant) -> Member:
    """Removes a member, with the invitations that the member made. Anybody may leave.

    Raises:
        NotFoundError: no such member, or the actor may not remove it.
        LastOwnerError: nobody else owns the enterprise.
    """
    with room.desk.store.writing() as work:
        _take_turns(work, code)
        found = next((m for m in rows.members(work, code) if m.uid == uid), None)
        leaves = found is not None and found.principal == actor.principal
        if found is None or not (leaves or acts(work, actor, code, as_owner=True)):
            raise NotFoundError
        if found.ended_at is not None:
            return found
        if [owner.uid for owner in rows.owners(work, code)] == [uid]:
            raise LastOwnerError
        _end(work, found, actor.principal.name, now)
        rows.add_notice(work, code, "MEMBER_REMOVED", now)
        work.commit()
    return dataclasses.replace(found, ended_at=now)


def list_notices(room: Ownership, actor: Actor | None, code: str) -> tuple[Notice, ...]:
    """Returns what was told, the latest first. `actor` None: staff of the service.

    Raises:
        NotFoundError: not the actor's enterprise.
    """
    with room.desk.store.reading() as work:
        require_reader(work, actor, code)
        return rows.notices(work, code)


# --- Helpers -------------------------------------------------------------------------


def _take_turns(work: UnitOfWork, code: str) -> None:
    identity_rows.take_turns(work, f"members {code}")


def _own_claim(work: UnitOfWork, principal: Principal | None, code: str, uid: str) -> Claim:
    found = rows.find_claim(work, code, uid)
    if found is None or (principal is not None and found.principal != principal):
        raise NotFoundError
    return found


def _is_verified(work: UnitOfWork, code: str, submission_uid: str, now: Instant) -> bool:
    row = identity_rows.find_submission(work, code, submission_uid)
    if row is None:
        raise BugError("a claim without its submission")
    # Fewer than four elements make nobody take part, so nobody owns by them.
    whole = row.state is State.VERIFIED and row.depth is Depth.FOUR
    return whole and (row.expires_at is None or now < row.expires_at)


def _require_verified(work: UnitOfWork, code: str, submission_uid: str, now: Instant) -> None:
    if not _is_verified(work, code, submission_uid, now):
        raise OwnershipStateError("SUBMISSION_NOT_VERIFIED")


def _limit(work: UnitOfWork, code: str, principal: Principal, now: Instant) -> None:
    day_ago = Instant(now - DAY)
    for made, most in (
        (rows.claims_since(work, day_ago, of=principal), rules.CLAIMS_PER_DAY),
        (rows.claims_since(work, day_ago, code=code), rules.CLAIMS_PER_ENTERPRISE_PER_DAY),
    ):
        if len(made) >= most:
            raise RateLimitedError(-(-(made[-most] + DAY - now) // MICROSECONDS))


def _opened(work: UnitOfWork, room: Ownership, made: Claim, now: Instant) -> Claim:
    """Returns the claim as it begins: disputed, granted, with a code sent, or waiting."""
    code = made.code
    since = Instant(now - rules.VOUCHER_TERM)
    if rows.owners(work, code) or rows.is_vouched(work, code, made.principal, since):
        return _proved(work, made, Means.VOUCHED, now)
    found = None
    if room.courier is not None:
        found = outbox.contact(work, room.desk.vault, made, now)
    if found is not None:
        one_time_code = room.draw(rules.CODE_DIGITS)
        expires_at = Instant(now + rules.CODE_TERM)
        made = dataclasses.replace(
            made,
            state=ClaimState.CHALLENGED,
            code_index=_index(room, made.uid, one_time_code),
            code_expires_at=expires_at,
            contact=masks.email(found.address),
        )
        outbox.post_code(work, room.desk.vault, made, found, one_time_code)
    rows.put_claim(work, made)
    return made


def _proved(work: UnitOfWork, made: Claim, means: Means, now: Instant) -> Claim:
    """Returns the claim granted; disputed, if somebody else owns the enterprise (rule 2)."""
    if rows.owners(work, made.code):
        ended = dataclasses.replace(made, state=ClaimState.DISPUTED)
        rows.add_notice(work, made.code, "OWNERSHIP_DISPUTED", now)
    else:
        ended = dataclasses.replace(made, state=ClaimState.GRANTED, ended_at=now)
        _add_owner(work, ended, means, now)
        rows.add_notice(work, made.code, "OWNERSHIP_GRANTED", now)
    rows.put_claim(work, dataclasses.replace(ended, code_index=None))
    return ended


def _add_owner(work: UnitOfWork, made: Claim, means: Means, now: Instant) -> None:
    for member in rows.members(work, made.code):
        # Staff who becomes an owner is one member, not two.
        if member.ended_at is None and member.principal == made.principal:
            rows.end_member(work, member, actor=made.principal.name, now=now)
    owner = Member(
        code=made.code,
        uid=str(uuid.uuid4()),
        principal=made.principal,
        role=Role.OWNER,
        since=now,
        submission_uid=made.submission_uid,
        means=means,
        ended_at=None,
    )
    rows.add_member(work, owner)


def _end(work: UnitOfWork, member: Member, actor: str, now: Instant) -> None:
    rows.end_member(work, member, actor=actor, now=now)
    # A leaver must not come back by an invitation made in good time.
    rows.end_invitations(work, member.code, now, by=member.principal.name)


def _index(room: Ownership, uid: str, one_time_code: str) -> bytes:
    return room.desk.vault.index(_CODE_INDEX, f"{uid}|{one_time_code}")
