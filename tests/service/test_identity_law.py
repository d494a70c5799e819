"""Submissions under any history: a machine drives them, outages, revocations and the clock.

Whatever happens in whatever order:

1. no submission goes where the table of states has no way;
2. what is merely late, missing or not reached turns nothing into a refusal;
3. no source learns of a person whose consent is not live;
4. what a stranger submits under the code changes nothing of the enterprise;
5. a verification holds no longer than its term.
"""

from __future__ import annotations

import dataclasses
import uuid
from itertools import pairwise
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bonafides.errors import ConsentRequiredError, NotFoundError, TransitionNotAllowedError
from bonafides.identity import announcing
from bonafides.identity import consent_operations as consents
from bonafides.identity import operations as identity
from bonafides.identity.claims import read_claims
from bonafides.identity.evidence import Evidence
from bonafides.identity.membership import Actor, Principal
from bonafides.identity.operations import Desk
from bonafides.identity.questions import Fault, Question, SourceError
from bonafides.identity.registry_operations import load_registry, sync_registrations
from bonafides.identity.sources import RegistryTable
from bonafides.identity.submission import TRANSITIONS, Changes, Outcome, Purpose, State
from bonafides.instants import DAY, HOUR, Instant, to_datetime
from bonafides.personal.sealing import Vault
from bonafides.rating.scorecard import champion
from bonafides.storage.tables import metadata
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import enterprise_pb2
from tests import builders
from tests.searching import examples

OWNER = Actor(Principal("issuer", "owner"), owns_by_token=True)
STRANGER = "issuer|stranger"
STEPS = st.sampled_from([HOUR, 5 * HOUR, DAY, 4 * DAY, 30 * DAY, 200 * DAY])
# Tables of submissions themselves, and of what was agreed to for the values of one.
OF_SUBMISSIONS = {
    "submission",
    "submission_transition",
    "check_result",
    "evidence",
    "consent",
    "consent_use",
}


class Source(RegistryTable):
    """The registry's table, which may be down, and notes about which persons it was asked."""

    down = False
    asked: list[str]

    def ask(self, question: Question, *, now: Instant, seconds: float) -> Evidence:
        if question.people:
            self.asked.append(question.code.text)
        if self.down:
            raise SourceError(Fault.UNREACHABLE)
        return super().ask(question, now=now, seconds=seconds)


@dataclasses.dataclass
class Submitted:
    """A submission, and from when on its consent holds no more."""

    uid: str
    submitter: str
    over_at: Instant | None
    revoked: bool = False

    def holds(self, at: Instant) -> bool:
        """Returns whether its person agrees at the instant."""
        return not self.revoked and (self.over_at is None or at < self.over_at)


class Law(RuleBasedStateMachine):
    """Runs on one store for all its runs, each with an enterprise of its own."""

    store: ClassVar[Store]
    vault: ClassVar[Vault]
    runs: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        Law.runs += 1
        self.code = builders.code(5_000 + Law.runs)
        self.title = f"九九市{5_000 + Law.runs}号贸易有限公司"
        self.now = builders.NOW
        self.source = Source(self.store, self.vault)
        self.source.asked = []
        self.desk = Desk(
            store=self.store,
            vault=self.vault,
            sources=(self.source,),
            card=champion(None),
            agreement_version=builders.AGREEMENT,
            submissions_per_day=1_000,
            verification_days=365,
        )
        self.submitted: list[Submitted] = []

    def submit(self, submitter: str, hours: int | None, **claimed: Any) -> State:
        """Submits claims under the code, agreed to for so many hours; None: for good."""
        authorization = builders.authorization()
        over_at = None if hours is None else Instant(self.now + hours * HOUR)
        if over_at is not None:
            authorization.expire_time.CopyFrom(builders.stamp(over_at))
        told = {"title": self.title} | claimed
        message = builders.claims(self.code, authorizations=[authorization], **told)
        status = identity.submit(
            self.desk,
            read_claims(message, now=self.now),
            submitter=submitter,
            request_id=str(uuid.uuid4()),
            request_digest=bytes(32),
            now=self.now,
        )
        self.submitted.append(Submitted(status.uid, submitter, over_at))
        return status.state

    @property
    def has_own(self) -> bool:
        return any(each.submitter == OWNER.principal.name for each in self.submitted)

    def base(self) -> Submitted | None:
        """Returns the submission by which the enterprise takes part."""
        table = metadata.tables["enterprise"]
        with self.store.reading() as work:
            found = work.execute(sa.select(table.c.uid).where(table.c.code == self.code.text))
            uid = found.scalar()
        return next((each for each in self.submitted if each.uid == uid), None)

    def everything(self) -> dict[str, list[Any]]:
        """Returns all rows of the code but those of submissions."""
        with self.store.reading() as work:
            return {
                table.name: [
                    tuple(row)
                    for row in work.execute(sa.select(table).where(table.c.code == self.code.text))
                ]
                for table in metadata.sorted_tables
                if "code" in table.c and table.name not in OF_SUBMISSIONS
            }

    @rule(step=STEPS)
    def time_passes(self, step: int) -> None:
        self.now = Instant(self.now + step)

    @rule(down=st.booleans())
    def source_goes_down_or_comes_back(self, down: bool) -> None:  # noqa: FBT001 - drawn
        self.source.down = down

    @rule(state=st.sampled_from(["存续", "存续", "注销", "吊销,未注销"]))
    def registry_is_loaded(self, state: str) -> None:
        row = builders.registry_row(
            self.code,
            title=self.title,
            operating_state=state,
            term_end="",
            retrieved_at=to_datetime(self.now).isoformat(),
        )
        assert load_registry(self.store, self.vault, [row], now=self.now).rejected == ()
        sync_registrations(self.store, self.desk.card, now=self.now)

    @rule(hours=st.one_of(st.none(), st.integers(1, 200)))
    def enterprise_submits(self, hours: int | None) -> None:
        self.submit(OWNER.principal.name, hours)

    @rule(hours=st.one_of(st.none(), st.integers(1, 200)))
    def enterprise_submits_another_representative(self, hours: int | None) -> None:
        other = enterprise_pb2.Representative(person="测三四", id_number=builders.ID_NUMBER)
        self.submit(OWNER.principal.name, hours, representative=other)

    @rule(title=st.sampled_from(["九九市无名贸易有限公司", "九九市别家贸易有限公司"]))
    def stranger_submits(self, title: str) -> None:
        before = self.everything()
        state = self.submit(STRANGER, None, title=title)
        assert state is not State.VERIFIED
        assert self.everything() == before

    @precondition(
        lambda self: any(each.submitter == OWNER.principal.name for each in self.submitted)
    )
    @rule()
    def enterprise_takes_its_identity_back(self) -> None:
        consents.revoke(self.desk, OWNER, self.code.text, Purpose.VERIFY_IDENTITY, now=self.now)
        for each in self.submitted:
            if each.submitter == OWNER.principal.name and each.holds(self.now):
                each.revoked = True

    @rule(title=st.sampled_from(["九九市新名贸易有限公司", "九九市又名贸易有限公司"]))
    def enterprise_announces_another_title(self, title: str) -> None:
        base = self.base()
        try:
            status = announcing.announce(
                self.desk,
                OWNER,
                self.code,
                Changes(title, None, None, None, (), ()),
                request_id=str(uuid.uuid4()),
                request_digest=bytes(32),
                now=self.now,
            )
        except (NotFoundError, TransitionNotAllowedError, ConsentRequiredError):
            # Nothing to amend, or nobody who agrees to it: then nothing has happened.
            return
        assert base is not None
        assert base.holds(self.now)
        self.submitted.append(Submitted(status.uid, OWNER.principal.name, base.over_at))

    @rule()
    def what_waits_is_asked_about_again(self) -> None:
        before = len(self.asked_of_persons())
        live = any(each.holds(self.now) for each in self.submitted)
        # Other runs left submissions in the store, too.
        while identity.recheck_due(self.desk, self.now):
            pass
        assert live or len(self.asked_of_persons()) == before

    @invariant()
    def every_state_follows_from_the_one_before(self) -> None:
        for each in self.submitted:
            states = [step.state for step in self.status(each).history]
            assert states[0] is State.PENDING
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
                assert status.expires_at is not None
                assert status.expires_at > self.now

    def asked_of_persons(self) -> list[str]:
        """Returns the questions about persons of this enterprise."""
        return [code for code in self.source.asked if code == self.code.text]

    def status(self, each: Submitted) -> Any:
        return identity.get_submission(
            self.desk, self.code, each.uid, submitter=each.submitter, now=self.now
        )


@pytest.mark.law
@pytest.mark.feature("A4", "A5", "A10", "A12", "A13", "A16", "B1")
def test_no_history_of_submissions_breaks_the_law(store: Store, vault: Vault) -> None:
    machine = type("Bound", (Law,), {"store": store, "vault": vault})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples(12),
            stateful_step_count=14,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
