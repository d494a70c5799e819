"""How a login comes to act for an enterprise, and what it may then do.

1. A claim needs a VERIFIED submission of the claimant's own, and a proof beside it:
   a one-time code that went to a contact which the claimant did not supply, or a
   platform that vouches. The contact is that of the registry, else that of a record
   of another submitter that was verified `CONTACT_AGE` before.
2. Against an owner nothing is proved: the claim is a dispute, the owner is told, and
   two members of staff decide.
3. A code is good once, for `CODE_TERM`, for `MOST_TRIES` tries; it is kept as a keyed
   digest.
4. An owner may do everything; staff may read. Who is removed is out at once: a token
   that says otherwise counts no more.

    ClaimState.CHALLENGED -> GRANTED | DISPUTED | EXPIRED
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from bonafides.access.agents import Agent
from bonafides.access.callers import Standing
from bonafides.instants import DAY, MICROSECONDS, Instant

CODE_DIGITS: Final = 8
CODE_TERM: Final = 15 * 60 * MICROSECONDS
# One in twenty million for whoever guesses.
MOST_TRIES: Final = 5
INVITATION_TERM: Final = 7 * DAY
VOUCHER_TERM: Final = 30 * DAY
# Of a login, and of all logins on one enterprise, in 24 hours: each may send a message.
CLAIMS_PER_DAY: Final = 3
CLAIMS_PER_ENTERPRISE_PER_DAY: Final = 10
# Two logins of one person must not prove each other's claims within a day's work.
CONTACT_AGE: Final = 30 * DAY


class Role(enum.StrEnum):
    """What a member may do. The values are names of v1.MemberRole without the prefix."""

    OWNER = "OWNER"
    STAFF = "STAFF"


class Means(enum.StrEnum):
    """How a login became a member."""

    CHALLENGE = "CHALLENGE"
    VOUCHED = "VOUCHED"
    INVITED = "INVITED"
    DECIDED = "DECIDED"


class ClaimState(enum.StrEnum):
    """Where a claim stands. The values are names of v1.OwnershipClaim.State."""

    CHALLENGED = "CHALLENGED"
    AWAITING_VOUCHER = "AWAITING_VOUCHER"
    DISPUTED = "DISPUTED"
    GRANTED = "GRANTED"
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"


# What can still become a membership by a proof.
OPEN: Final = frozenset({ClaimState.CHALLENGED, ClaimState.AWAITING_VOUCHER})

NOTICES: Final = {
    "OWNERSHIP_DISPUTED": "Another login claims to act for this enterprise; staff will decide.",
    "OWNERSHIP_KEPT": "A claim of another login to this enterprise was refused.",
    "OWNERSHIP_TRANSFERRED": "A claim of another login was granted; earlier owners are removed.",
    "OWNERSHIP_GRANTED": "A login became the owner of this enterprise.",
    "MEMBER_JOINED": "A login took an invitation up and acts for this enterprise.",
    "INTEGRATOR_AUTHORIZED": "An integrator was authorized to act; see the integrators.",
    "INTEGRATOR_REVOKED": "An integrator's authorization ended before its term.",
    "MEMBER_REMOVED": "A member was removed and acts for this enterprise no more.",
    "LEVEL_OVERRIDDEN": "Two members of staff set the level for a time; it can be appealed.",
    "OVERRIDE_ENDED": "A level that people had set ended before its term.",
    "REVIEW_DECIDED": "A person has looked at the level; see the reviews.",
    "APPEAL_UPHELD": "A case of correction was won; see the corrections.",
    "APPEAL_REFUSED": "A case of correction was refused; the reason is with it.",
    "LEVEL_ROSE": "The level rose; the history says why.",
    "LEVEL_FELL": "The level fell; the history says why, and the level what counts.",
    "LEVEL_RATED": "The enterprise has a level now; see what it rests on.",
    "LEVEL_NOT_RATED": "The enterprise has no level now; the level says what is missing.",
    "VERIFICATION_ENDS": "The verification ends soon; see what is open, and submit again.",
    "VERIFICATION_OVER": "The verification is over; see what is open, and submit again.",
    "CONSENT_ENDS": "A consent ends soon; see what is open, and grant it anew if you like.",
    "PLATFORM_ASKS": "A platform asks for more before it decides; see what is open.",
}


@dataclass(frozen=True, slots=True)
class Principal:
    """A login: its issuer, and the subject that the issuer knows it by."""

    issuer: str
    # May name a person, so it stays out of the repr and of logs.
    subject: str = field(repr=False)

    @property
    def name(self) -> str:
        """The one name, across issuers, under which submissions are kept too."""
        return f"{self.issuer}|{self.subject}"


@dataclass(frozen=True, slots=True)
class Actor:
    """A login that wants to act for an enterprise.

    `owns_by_token`: its token says that it owns it, and tokens are believed here; true
    in sandbox alone. `agent`: it is an integrator and acts by this authorization, in what its
    scopes open to it; nothing else that is said of it counts.
    """

    principal: Principal
    owns_by_token: bool = False
    agent: Agent | None = None

    def may_act(self, standing: Standing, *, as_owner: bool = True) -> bool:
        """Returns whether it may act for the enterprise, as an owner or as a member at all (4)."""
        match standing:
            case Standing.OWNER:
                return True
            case Standing.STAFF:
                return not as_owner
            case Standing.REMOVED:
                return False
            case Standing.NONE:
                return self.owns_by_token


@dataclass(frozen=True, slots=True)
class Member:
    """One membership. `ended_at` None: it holds."""

    code: str
    uid: str
    principal: Principal
    role: Role
    since: Instant
    submission_uid: str | None
    means: Means
    ended_at: Instant | None


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim. `code_index` None: nothing was sent."""

    code: str
    uid: str
    principal: Principal
    submission_uid: str
    state: ClaimState
    claimed_at: Instant
    ended_at: Instant | None = None
    code_index: bytes | None = field(default=None, repr=False)
    code_expires_at: Instant | None = None
    tries: int = 0
    contact: str = ""
    proposed: ClaimState | None = None
    proposed_by: str | None = field(default=None, repr=False)

    def is_late(self, now: Instant) -> bool:
        """Returns whether a code was sent and is over: the claim then reads EXPIRED."""
        over = self.code_expires_at is None or now >= self.code_expires_at
        return self.state is ClaimState.CHALLENGED and over


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation, with the code that is shown once."""

    one_time_code: str = field(repr=False)
    role: Role
    expires_at: Instant


@dataclass(frozen=True, slots=True)
class Notice:
    """What those who act for an enterprise are told."""

    code: str
    uid: str
    reason: str
    noticed_at: Instant

    @property
    def description(self) -> str:
        """The same in words."""
        return NOTICES[self.reason]
