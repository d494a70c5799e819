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
from itertools import pairwise
from typing import Any, Final

import pytest
import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from bonafides.errors import (
    CodeNotValidError,
    ConsentRequiredError,
    LastOwnerError,
    NotFoundError,
    OwnershipStateError,
    RateLimitedError,
    SecondPersonRequiredError,
    TransitionNotAllowedError,
)
from bonafides.identity import announcing, drafting, outbox
from bonafides.identity import consent_operations as consents
from bonafides.identity import operations as identity
from bonafides.identity import ownership_operations as ownership
from bonafides.identity.claims import read_claims
from bonafides.identity.consent import TEXTS
from bonafides.identity.couriers import Message
from bonafides.identity.drafting import Onlooker
from bonafides.identity.membership import (
    CLAIMS_PER_DAY,
    CLAIMS_PER_ENTERPRISE_PER_DAY,
    CODE_TERM,
    CONTACT_AGE,
    MOST_TRIES,
    OPEN,
    VOUCHER_TERM,
    Actor,
    ClaimState,
    Principal,
    Role,
)
from bonafides.identity.ownership_operations import Ownership
from bonafides.identity.registry_operations import load_registry, sync_registrations
from bonafides.identity.submission import TRANSITIONS, Changes, Outcome, Purpose, State
from bonafides.instants import DAY, HOUR, Instant, to_datetime
from bonafides.personal.sealing import Vault
from bonafides.records import operations as records
from bonafides.storage import consents as consent_rows
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import draft_pb2, enterprise_pb2
from tests import builders
from tests.laws import Law, enforce, rows_of

FOUNDER: Final = "founder"
STRANGER: Final = "stranger"
LOGINS: Final = ("clerk", FOUNDER, "heir", STRANGER)
STAFF = [Principal("issuer", "staff-a"), Principal("issuer", "staff-b")]
FAMILY = st.sampled_from([FOUNDER, "heir"])
ANYBODY = st.sampled_from([FOUNDER, "heir", STRANGER])
STEPS = st.sampled_from([CODE_TERM // 3, HOUR, 5 * HOUR, DAY, 4 * DAY, 30 * DAY, 200 * DAY])
AGREED_HOURS = st.one_of(st.none(), st.integers(1, 200))
ANY = st.integers(0, 50)
CONTACT: Final = "registry.contact@example.com"
# Tables of submissions themselves, and of what was agreed to for the values of one.
OF_SUBMISSIONS = {
    "submission",
    "submission_transition",
    "submission_supply",
    "check_result",
    "evidence",
    "consent",
    "consent_use",
    "draft",
}


@dataclasses.dataclass
class Submitted:
    """A submission, and from when on its consent holds no more."""

    uid: str
    login: str
    at: Instant
    over_at: Instant | None
    revoked: bool = False

    def holds(self, at: Instant) -> bool:
        """Returns whether its person agrees at the instant."""
        return not self.revoked and (self.over_at is None or at < self.over_at)


@dataclasses.dataclass
class Drafted:
    """A draft, and who confirmed it."""

    uid: str
    over_at: Instant
    login: str | None = None
    taken_back: bool = False

    def open_to(self, login: str, at: Instant) -> bool:
        return at < self.over_at and self.login in {None, login} and not self.taken_back


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


class Submissions(Law):
    """Submissions, announced changes, consents taken back, the registry and its outages."""

    first = 5_000

    def __init__(self) -> None:
        super().__init__()
        self.title = f"九九市{self.number}号贸易有限公司"
        # Logins of its own, for what a login may do in a day is counted. The founder's token
        # says that it owns the enterprise; the others' don't.
        self.logins = {
            each: Actor(Principal("issuer", f"{each}-{self.number}"), owns_by_token=each == FOUNDER)
            for each in LOGINS
        }
        self.contact_is_published = False
        self.submitted: list[Submitted] = []
        # Consents to send codes to a contact on record, which the enterprise gave.
        self.sending: list[Submitted] = []
        self.members: dict[str, Role] = {}
        self.gone: set[str] = set()

    def submit(self, login: str, hours: int | None, **claimed: Any) -> State:
        """Submits claims under the code, agreed to for so many hours; None: for good."""
        authorization, over_at = self.agreed(hours)
        told = {"title": self.title} | claimed
        message = builders.claims(self.code, authorizations=[authorization], **told)
        status = identity.submit(
            self.desk,
            read_claims(message, now=self.now),
            submitter=self.name_of(login),
            request_id=str(uuid.uuid4()),
            request_digest=bytes(32),
            now=self.now,
        )
        self.submitted.append(Submitted(status.uid, login, self.now, over_at))
        return status.state

    def name_of(self, login: str) -> str:
        return self.logins[login].principal.name

    def agreed(self, hours: int | None) -> tuple[enterprise_pb2.Authorization, Instant | None]:
        authorization = builders.authorization()
        over_at = None if hours is None else Instant(self.now + hours * HOUR)
        if over_at is not None:
            authorization.expire_time.CopyFrom(builders.stamp(over_at))
        return authorization, over_at

    def acts(self, login: str) -> bool:
        """Returns whether the login may do what owners do."""
        if not self.takes_part():
            return False
        if login in self.members:
            return self.members[login] is Role.OWNER
        return login == FOUNDER and login not in self.gone

    def takes_part(self) -> bool:
        return any(
            step.state is State.VERIFIED
            for each in self.submitted
            for step in self.status(each).history
        )

    def base(self) -> Submitted | None:
        """Returns the submission by which the enterprise takes part."""
        table = tables.enterprise.c
        with self.store.reading() as work:
            found = work.execute(sa.select(table.uid).where(table.code == self.code.text))
            uid = found.scalar()
        return next((each for each in self.submitted if each.uid == uid), None)

    def everything(self) -> dict[str, list[Any]]:
        """Returns all rows of the code but those of submissions."""
        return rows_of(self.store, self.code, besides=OF_SUBMISSIONS)

    def status(self, each: Submitted) -> Any:
        return identity.get_submission(
            self.desk, self.code, each.uid, submitter=self.name_of(each.login), now=self.now
        )

    @initialize(known=st.booleans())
    def it_begins(self, known: bool) -> None:  # noqa: FBT001 - drawn
        if known:
            self.load("存续", published=True)
            self.submit(FOUNDER, None)
            self.submit("heir", None)

    @rule(step=STEPS)
    def time_passes(self, step: int) -> None:
        self.now = Instant(self.now + step)

    @rule(down=st.booleans())
    def source_goes_down_or_comes_back(self, down: bool) -> None:  # noqa: FBT001 - drawn
        self.source.down = down

    @rule(state=st.sampled_from(["存续", "存续", "注销", "吊销,未注销"]), published=st.booleans())
    def registry_is_loaded(self, state: str, published: bool) -> None:  # noqa: FBT001 - drawn
        self.load(state, published=published)

    def load(self, state: str, *, published: bool) -> None:
        row = builders.registry_row(
            self.code,
            title=self.title,
            operating_state=state,
            term_end="",
            retrieved_at=to_datetime(self.now).isoformat(),
            contact_email=CONTACT if published else "",
        )
        assert load_registry(self.store, self.vault, [row], now=self.now).rejected == ()
        sync_registrations(self.store, self.desk.card, now=self.now)
        self.contact_is_published = published

    @rule(login=FAMILY, hours=AGREED_HOURS)
    def enterprise_submits(self, login: str, hours: int | None) -> None:
        self.submit(login, hours)

    @rule(login=FAMILY, hours=AGREED_HOURS)
    def enterprise_submits_another_representative(self, login: str, hours: int | None) -> None:
        other = enterprise_pb2.Representative(person="测三四", id_number=builders.ID_NUMBER)
        self.submit(login, hours, representative=other)

    @rule(title=st.sampled_from(["九九市无名贸易有限公司", "九九市别家贸易有限公司"]))
    def stranger_submits(self, title: str) -> None:
        before = self.everything()
        state = self.submit(STRANGER, None, title=title)
        assert state is not State.VERIFIED
        assert self.everything() == before

    @precondition(lambda self: self.submitted)
    @rule(login=ANYBODY)
    def somebody_takes_the_identity_back(self, login: str) -> None:
        own = [each for each in self.submitted if each.login == login]
        if login != STRANGER and self.acts(login) and (base := self.base()):
            own.append(base)
        before = self.everything()
        try:
            consents.revoke(
                self.desk, self.logins[login], self.code.text, Purpose.VERIFY_IDENTITY, now=self.now
            )
        except NotFoundError:
            assert not own
            return
        assert own
        for each in own:
            each.revoked = each.revoked or each.holds(self.now)
        if login == STRANGER:
            # Of the revocation itself there is a row.
            after = self.everything()
            assert after | {"consent_revocation": []} == before | {"consent_revocation": []}

    @rule(title=st.sampled_from(["九九市新名贸易有限公司", "九九市又名贸易有限公司"]))
    def enterprise_announces_another_title(self, title: str) -> None:
        base, acts = self.base(), self.acts(FOUNDER)
        try:
            status = announcing.announce(
                self.desk,
                self.logins[FOUNDER],
                self.code,
                Changes(title, None, None, None, (), ()),
                request_id=str(uuid.uuid4()),
                request_digest=bytes(32),
                now=self.now,
            )
        except (NotFoundError, TransitionNotAllowedError, ConsentRequiredError):
            # Nothing to amend, or nobody who agrees to it: then nothing has happened.
            return
        assert acts
        assert base is not None
        assert base.holds(self.now)
        self.submitted.append(Submitted(status.uid, FOUNDER, self.now, base.over_at))

    @rule()
    def what_waits_is_asked_about_again(self) -> None:
        before = self.asked_of_persons()
        live = sum(
            each.holds(self.now) and self.status(each).state is State.PENDING
            for each in self.submitted
        )
        # Other runs left submissions in the store, too.
        while identity.recheck_due(self.desk, self.now):
            pass
        assert self.asked_of_persons() - before <= live

    @invariant()
    def every_state_follows_from_the_one_before(self) -> None:
        for each in self.submitted:
            states = [step.state for step in self.status(each).history]
            assert states[0] in {State.PENDING, State.DRAFT}
            assert all(after in TRANSITIONS[before] for before, after in pairwise(states))

    @invariant()
    def nothing_is_refused_for_being_late_or_missing(self) -> None:
        for each in self.submitted:
            status = self.status(each)
            if status.state in {State.REJECTED, State.ACTION_REQUIRED}:
                assert any(result.outcome is Outcome.MISMATCH for result in status.checks)

    @invariant()
    def what_was_taken_back_has_ended(self) -> None:
        for each in self.submitted:
            if each.revoked:
                ended = {State.WITHDRAWN, State.REJECTED, State.LAPSED}
                assert self.status(each).state in ended

    @invariant()
    def no_verification_outlives_its_term(self) -> None:
        for each in self.submitted:
            status = self.status(each)
            if status.state is State.VERIFIED:
                assert each.login != STRANGER
                assert status.expires_at is not None
                assert status.expires_at > self.now

    @invariant()
    def there_is_no_submission_that_nobody_made(self) -> None:
        table = tables.submission.c
        with self.store.reading() as work:
            found = work.execute(sa.select(table.uid).where(table.code == self.code.text))
            assert set(found.scalars()) == {each.uid for each in self.submitted}

    @invariant()
    def every_use_of_a_persons_values_had_its_consent(self) -> None:
        table = tables.consent_use.c
        with self.store.reading() as work:
            ledger = {each.uid: each for each in consent_rows.ledger(work, self.code.text)}
            used = work.execute(
                sa.select(table.consent_uid, table.used_at).where(
                    table.code == self.code.text, table.outcome == consent_rows.USED
                )
            ).all()
        for use in used:
            consent = ledger[use.consent_uid]
            assert consent.recorded_at <= use.used_at
            assert consent.expires_at is None or use.used_at < consent.expires_at
            assert consent.revoked_at is None or use.used_at <= consent.revoked_at


class Drafts(Submissions):
    """What a platform fills in, and who confirms it."""

    def __init__(self) -> None:
        super().__init__()
        self.drafted: list[Drafted] = []

    @rule(title=st.sampled_from(["", "九九市误填贸易有限公司"]))
    def platform_fills_in(self, title: str) -> None:
        before, asked = self.everything(), self.asked_of_persons()
        address = builders.registration().registered_address or ""
        made = drafting.create(
            self.desk,
            self.code,
            draft_pb2.Prefill(title=title or self.title, registered_address=address),
            platform=builders.PLATFORM,
            request_id=str(uuid.uuid4()),
            request_digest=bytes(32),
            now=self.now,
        )
        assert self.everything() == before
        assert self.asked_of_persons() == asked
        self.drafted.append(Drafted(made.row.uid, made.row.expires_at))

    @precondition(lambda self: self.drafted)
    @rule(which=ANY, login=ANYBODY, hours=AGREED_HOURS)
    def somebody_confirms(self, which: int, login: str, hours: int | None) -> None:
        draft = self.drafted[which % len(self.drafted)]
        authorization, over_at = self.agreed(hours)
        whole = builders.claims(self.code)
        before = self.everything()
        given = draft_pb2.DraftSupplement(
            title="九九市别家贸易有限公司" if login == STRANGER else self.title,
            license=whole.license,
            phone=whole.phone,
            email=whole.email,
            representative=whole.representative,
            authorizations=[authorization],
            assent=whole.assent,
        )
        try:
            status = drafting.confirm(
                self.desk,
                self.code,
                draft.uid,
                given,
                login=self.name_of(login),
                request_id=str(uuid.uuid4()),
                request_digest=bytes(32),
                now=self.now,
            )
        except NotFoundError:
            assert not draft.open_to(login, self.now)
            return
        except TransitionNotAllowedError:
            assert draft.login == login
            return
        assert draft.open_to(login, self.now)
        assert draft.login is None
        draft.login = login
        self.submitted.append(Submitted(status.uid, login, self.now, over_at))
        assert login != STRANGER or self.everything() == before

    @precondition(lambda self: self.drafted)
    @rule(which=ANY, platform=st.sampled_from([builders.PLATFORM, "another"]))
    def somebody_takes_a_draft_back(self, which: int, platform: str) -> None:
        draft = self.drafted[which % len(self.drafted)]
        before = self.everything()
        try:
            drafting.take_back(
                self.desk, self.code.text, draft.uid, platform=platform, now=self.now
            )
        except NotFoundError:
            assert platform != builders.PLATFORM or self.now >= draft.over_at
        except TransitionNotAllowedError:
            assert draft.login is not None
        else:
            assert draft.login is None
            draft.taken_back = True
        assert self.everything() == before

    @rule()
    def old_drafts_are_erased(self) -> None:
        while drafting.erase_expired(self.store, now=self.now):
            pass

    @invariant()
    def drafts_are_shown_to_those_concerned_alone(self) -> None:
        for draft in self.drafted:
            for login in (FOUNDER, STRANGER):
                shown = self.look(draft, Onlooker(self.name_of(login)))
                assert (shown is not None) == draft.open_to(login, self.now)
            assert self.look(draft, Onlooker("", "another")) is None
            told = self.look(draft, Onlooker("", builders.PLATFORM))
            assert (told is not None) == (self.now < draft.over_at)
            # That it was confirmed, and not what came of it.
            assert told is None or told.submission_uid is None
            if told is not None:
                expected = State.DRAFT if draft.login is None else State.PENDING
                assert told.row.state is (State.WITHDRAWN if draft.taken_back else expected)
                assert (draft.login is None and not draft.taken_back) or not told.supplies

    def look(self, draft: Drafted, onlooker: Onlooker) -> drafting.Draft | None:
        try:
            return drafting.get(self.desk, self.code.text, draft.uid, onlooker, now=self.now)
        except NotFoundError:
            return None


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
                request_id=str(uuid.uuid4()),
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
                request_id=str(uuid.uuid4()),
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
                request_id=str(uuid.uuid4()),
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
