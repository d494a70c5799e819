"""The machine of submissions and drafts, on which that of ownership is built.

It is run by tests/service/test_identity_law.py, which says what must hold.
"""

from __future__ import annotations

import dataclasses
import uuid
from itertools import pairwise
from typing import Any, Final

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from bonafides.errors import (
    ConsentRequiredError,
    NotFoundError,
    TransitionNotAllowedError,
)
from bonafides.identity import announcing, drafting
from bonafides.identity import consent_operations as consents
from bonafides.identity import operations as identity
from bonafides.identity.claims import read_claims
from bonafides.identity.drafting import Onlooker
from bonafides.identity.membership import (
    CODE_TERM,
    Actor,
    Principal,
    Role,
)
from bonafides.identity.registry_operations import load_registry, sync_registrations
from bonafides.identity.submission import TRANSITIONS, Changes, Outcome, Purpose, State
from bonafides.instants import DAY, HOUR, Instant, to_datetime
from bonafides.once import Request
from bonafides.storage import consents as consent_rows
from bonafides.storage import tables
from bonafides.v1 import draft_pb2, enterprise_pb2
from tests import builders
from tests.laws import Law, rows_of

FOUNDER: Final = "founder"
STRANGER: Final = "stranger"
LOGINS: Final = ("clerk", FOUNDER, "heir", STRANGER)
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
            request=Request(str(uuid.uuid4()), bytes(32)),
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
                request=Request(str(uuid.uuid4()), bytes(32)),
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
            request=Request(str(uuid.uuid4()), bytes(32)),
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
                request=Request(str(uuid.uuid4()), bytes(32)),
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
