"""Identities under any history: a machine drives who submits, drafts, claims and takes back.

Whatever happens in whatever order:

1. no submission goes where the table of states has no way;
2. what is merely late, missing or not reached turns nothing into a refusal;
3. no source learns of a person, and no contact of a code, whose consent is not live;
4. what a stranger submits, claims or tries under the code changes nothing of the
   enterprise;
5. a verification holds no longer than its term;
6. a draft changes nothing until somebody confirms it, and is nobody else's from then on;
7. who owns the enterprise is who proved it while nobody did, or whom two of the staff
   put in the owners' place.
"""

from __future__ import annotations

import dataclasses
import uuid

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from bonafides.errors import (
    CodeNotValidError,
    LastOwnerError,
    NotFoundError,
    OwnershipStateError,
    RateLimitedError,
    SecondPersonRequiredError,
)
from bonafides.identity import consent_operations as consents
from bonafides.identity import outbox
from bonafides.identity import ownership_operations as ownership
from bonafides.identity.consent import TEXTS
from bonafides.identity.couriers import Message
from bonafides.identity.membership import (
    CLAIMS_PER_DAY,
    CLAIMS_PER_ENTERPRISE_PER_DAY,
    CODE_TERM,
    CONTACT_AGE,
    MOST_TRIES,
    OPEN,
    VOUCHER_TERM,
    ClaimState,
    Principal,
    Role,
)
from bonafides.identity.ownership_operations import Ownership
from bonafides.identity.submission import Purpose, State
from bonafides.instants import DAY, HOUR, Instant
from bonafides.once import Request
from bonafides.personal.sealing import Vault
from bonafides.records import operations as records
from bonafides.storage.unit_of_work import Store
from tests import builders
from tests.laws import enforce
from tests.submitting import (
    AGREED_HOURS,
    ANY,
    ANYBODY,
    CONTACT,
    LOGINS,
    STRANGER,
    Drafts,
    Submitted,
)

STAFF = [Principal("issuer", "staff-a"), Principal("issuer", "staff-b")]


@dataclasses.dataclass
class Claimed:
    """A claim as the model has it."""

    uid: str
    login: str
    submission: Submitted
    at: Instant
    state: ClaimState
    digits: str = ""
    tries: int = 0
    proposed: tuple[ClaimState, Principal] | None = None

    def seen(self, at: Instant) -> ClaimState:
        """Returns the state as it is told: a code is over when its term is."""
        late = self.state is ClaimState.CHALLENGED and at >= self.at + CODE_TERM
        return ClaimState.EXPIRED if late else self.state


class Carried:
    """A courier that keeps what it carried."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def carry(self, message: Message) -> None:
        self.messages.append(message)


class Owners(Drafts):
    """Claims of logins to the enterprise, proofs, disputes, staff and leavers."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn = 0
        self.courier = Carried()
        self.room = Ownership(self.desk, self.draw, self.courier)
        self.claimed: list[Claimed] = []
        self.vouched: dict[str, Instant] = {}
        self.disputes_told = 0
        told = [builders.transaction("t1", of=self.code)]
        builders.link_stores(self.store, told)
        records.ingest(self.store, self.vault, builders.rates(), told, now=self.now)
        records.fold(self.store, now=self.now)

    def draw(self, digits: int) -> str:
        self.drawn += 1
        return f"{self.drawn:0{digits}d}"

    def owners(self) -> list[str]:
        return [login for login, role in self.members.items() if role is Role.OWNER]

    def is_verified(self, submission: Submitted) -> bool:
        return self.status(submission).state is State.VERIFIED

    def contact(self, login: str) -> str | None:
        """Returns where a code for the login may go: to no contact that it supplied."""
        if self.contact_is_published:
            return CONTACT
        agreed = any(each.holds(self.now) for each in self.sending)
        on_record = any(
            each.login != login and each.at <= self.now - CONTACT_AGE and self.is_verified(each)
            for each in self.submitted
        )
        return builders.EMAIL if agreed and on_record else None

    def proved(self, claim: Claimed) -> None:
        """A proof makes an owner where there is none, and else a dispute."""
        if self.owners():
            claim.state = ClaimState.DISPUTED
            self.disputes_told += 1
        else:
            claim.state = ClaimState.GRANTED
            self.members[claim.login] = Role.OWNER

    @precondition(lambda self: self.submitted)
    @rule(login=ANYBODY, which=ANY)
    def somebody_claims(self, login: str, which: int) -> None:
        # What comes next comes later.
        self.now = Instant(self.now + 1)
        own = [each for each in self.submitted if each.login == login] or self.submitted
        submission = own[which % len(own)]
        before = self.everything()
        to = self.contact(login)
        principal = self.logins[login].principal
        try:
            made = ownership.claim(
                self.room,
                principal,
                self.code.text,
                submission.uid,
                request=Request(str(uuid.uuid4()), bytes(32)),
                now=self.now,
            )
        except (NotFoundError, OwnershipStateError, RateLimitedError) as error:
            self.check_refusal(error, login, submission)
            assert self.everything() == before
            return
        assert submission.login == login != STRANGER
        assert self.is_verified(submission)
        claim = Claimed(made.uid, login, submission, self.now, ClaimState.AWAITING_VOUCHER)
        vouched = self.vouched.get(login)
        if self.owners() or (vouched is not None and vouched > self.now - VOUCHER_TERM):
            self.proved(claim)
        elif to is not None:
            claim.state, claim.digits = ClaimState.CHALLENGED, f"{self.drawn:08d}"
        self.claimed.append(claim)

    def check_refusal(self, error: Exception, login: str, submission: Submitted) -> None:
        day_ago = self.now - DAY
        recent = [each.login for each in self.claimed if each.at > day_ago]
        match error:
            case NotFoundError():
                assert submission.login != login
            case OwnershipStateError():
                assert not self.is_verified(submission) or login in self.owners()
            case _:
                many = recent.count(login) >= CLAIMS_PER_DAY
                assert many or len(recent) >= CLAIMS_PER_ENTERPRISE_PER_DAY

    @precondition(lambda self: self.claimed)
    @rule(which=ANY, login=ANYBODY, right=st.booleans())
    def somebody_gives_a_code(self, which: int, login: str, right: bool) -> None:  # noqa: FBT001 - drawn
        claim = self.claimed[-1 - which % len(self.claimed)]
        given = claim.digits if right and claim.digits else "99999999"
        was_open = claim.seen(self.now) is ClaimState.CHALLENGED
        try:
            ownership.confirm(
                self.room,
                self.logins[login].principal,
                self.code.text,
                claim.uid,
                given,
                now=self.now,
            )
        except NotFoundError:
            assert claim.login != login
        except CodeNotValidError:
            assert not (was_open and given == claim.digits)
            claim.tries += was_open
            if claim.state is ClaimState.CHALLENGED and (not was_open or claim.tries >= MOST_TRIES):
                claim.state = ClaimState.EXPIRED
        except OwnershipStateError:
            assert not self.is_verified(claim.submission)
        else:
            assert was_open
            assert claim.login == login
            assert given == claim.digits
            self.proved(claim)

    @rule(login=ANYBODY)
    def platform_vouches(self, login: str) -> None:
        self.vouched[login] = self.now
        of_login = [each for each in self.claimed if each.login == login]
        waiting = [each for each in of_login if each.seen(self.now) in OPEN]
        ownership.vouch(
            self.room, builders.PLATFORM, self.code.text, self.logins[login].principal, now=self.now
        )
        if waiting and self.is_verified(waiting[-1].submission):
            self.proved(waiting[-1])

    @precondition(lambda self: any(c.state is ClaimState.DISPUTED for c in self.claimed))
    @rule(
        who=st.sampled_from(STAFF),
        outcome=st.sampled_from([ClaimState.GRANTED, ClaimState.REFUSED]),
    )
    def staff_decide(self, who: Principal, outcome: ClaimState) -> None:
        claim = next(each for each in self.claimed if each.state is ClaimState.DISPUTED)
        proposed = claim.proposed
        try:
            ownership.decide(self.room, who, self.code.text, claim.uid, outcome, now=self.now)
        except SecondPersonRequiredError:
            assert proposed == (outcome, who)
            return
        except OwnershipStateError:
            assert outcome is ClaimState.GRANTED
            assert not self.is_verified(claim.submission)
            return
        if proposed is None or proposed[0] is not outcome:
            claim.proposed = (outcome, who)
            return
        assert proposed[1] != who
        claim.state = outcome
        if outcome is ClaimState.GRANTED:
            for login in self.owners():
                del self.members[login]
                self.gone.add(login)
            self.members[claim.login] = Role.OWNER

    @rule(by=ANYBODY, invited=st.sampled_from(["heir", "clerk"]), role=st.sampled_from(Role))
    def somebody_invites(self, by: str, invited: str, role: Role) -> None:
        acts, principal = self.acts(by), self.logins[invited].principal
        try:
            shown = ownership.invite(
                self.room,
                self.logins[by],
                self.code.text,
                role,
                request=Request(str(uuid.uuid4()), bytes(32)),
                now=self.now,
            )
        except NotFoundError:
            assert not acts
            return
        assert acts
        given = shown.one_time_code
        try:
            ownership.take_invitation(self.room, principal, self.code.text, given, now=self.now)
        except OwnershipStateError:
            assert invited in self.members
            return
        assert invited not in self.members
        self.members[invited] = role
        with pytest.raises(CodeNotValidError):
            ownership.take_invitation(
                self.room, self.logins[STRANGER].principal, self.code.text, given, now=self.now
            )

    @precondition(lambda self: self.members)
    @rule(by=st.sampled_from(LOGINS), which=ANY)
    def somebody_removes(self, by: str, which: int) -> None:
        leaver = sorted(self.members)[which % len(self.members)]
        member = next(
            each
            for each in ownership.list_members(self.room, None, self.code.text)
            if each.principal == self.logins[leaver].principal and each.ended_at is None
        )
        allowed = by == leaver or self.acts(by)
        try:
            ownership.remove(self.room, self.logins[by], self.code.text, member.uid, now=self.now)
        except NotFoundError:
            assert not allowed
        except LastOwnerError:
            assert self.owners() == [leaver]
        else:
            assert allowed
            del self.members[leaver]
            self.gone.add(leaver)

    @rule(by=ANYBODY, hours=AGREED_HOURS)
    def somebody_lets_codes_be_sent(self, by: str, hours: int | None) -> None:
        text = TEXTS[Purpose.PROVE_OWNERSHIP]
        over_at = None if hours is None else Instant(self.now + hours * HOUR)
        asked = consents.Granting(
            purpose=Purpose.PROVE_OWNERSHIP,
            scope=tuple(sorted(text.scope)),
            text_version=text.version,
            text_sha256=text.sha256,
            evidence_sha256=bytes(32),
            granted_at=Instant(self.now - HOUR),
            expires_at=over_at,
        )
        acts = self.acts(by)
        try:
            consents.grant(
                self.desk,
                self.logins[by],
                self.code.text,
                asked,
                request=Request(str(uuid.uuid4()), bytes(32)),
                now=self.now,
            )
        except NotFoundError:
            assert not acts
        else:
            assert acts
            self.sending.append(Submitted("", by, self.now, over_at))

    @rule()
    def codes_are_sent(self) -> None:
        before = len(self.courier.messages)
        while outbox.deliver_due(self.store, self.vault, self.courier, self.now):
            pass
        own = {each.uid: each for each in self.claimed}
        for message in self.courier.messages[before:]:
            claim = own.get(message.uid)
            if claim is None:
                # Other runs left messages in the store, too.
                continue
            assert claim.digits in message.text
            if message.to != CONTACT:
                assert message.to == builders.EMAIL
                assert any(each.holds(self.now) for each in self.sending)

    @invariant()
    def members_are_those_of_the_model(self) -> None:
        if self.takes_part():
            told = ownership.list_members(self.room, None, self.code.text)
            live = {m.principal: m.role for m in told if m.ended_at is None}
            model = {self.logins[each].principal: role for each, role in self.members.items()}
            assert live == model
            assert STRANGER not in self.members
        else:
            assert not self.members

    @invariant()
    def claims_stand_where_the_model_has_them(self) -> None:
        for each in self.claimed:
            told = ownership.get_claim(
                self.room, self.logins[each.login].principal, self.code.text, each.uid, now=self.now
            )
            assert told.state is each.seen(self.now)

    @invariant()
    def owners_were_told_of_every_dispute(self) -> None:
        if self.takes_part():
            told = ownership.list_notices(self.room, None, self.code.text)
            disputed = [each for each in told if each.reason == "OWNERSHIP_DISPUTED"]
            assert len(disputed) == self.disputes_told


@pytest.mark.law
@pytest.mark.feature("A2", "A4", "A5", "A10", "A12", "A13", "A15", "A16", "B1")
def test_no_history_of_submissions_drafts_and_claims_breaks_the_law(
    store: Store, vault: Vault
) -> None:
    enforce(Owners, store, vault, few=12, steps=20)
