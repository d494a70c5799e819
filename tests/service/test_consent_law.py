"""The law of consent: no personal value is used, and nothing shown, without a live consent.

A machine grants, revokes, lets consents end and the clock run, submits and asks again,
in any order. Beside it a model keeps, in plain lists, what a person would say is agreed
to; after every step the service must show and ask exactly as far as that.
"""

from __future__ import annotations

import dataclasses
import uuid

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from bonafides.archive import operations as archive
from bonafides.errors import BonafidesError, NotFoundError
from bonafides.identity import consent_operations as consents
from bonafides.identity import operations as identity
from bonafides.identity.claims import read_claims
from bonafides.identity.consent import TEXTS
from bonafides.identity.submission import Purpose, State
from bonafides.instants import DAY, HOUR, Instant
from bonafides.once import Request
from bonafides.personal.sealing import Vault
from bonafides.records import operations as records
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_pb2, disclosure_pb2, rating_pb2
from tests import builders
from tests.laws import OWNER, Law, enforce

SHOWN = (Purpose.RATE, Purpose.SHOW_BUSINESS_FILE)


@dataclasses.dataclass
class Agreed:
    """What a person would say: agreed from, until, and taken back when."""

    purpose: Purpose
    granted: Instant
    expires: Instant | None
    revoked: Instant | None = None

    def holds(self, at: Instant) -> bool:
        return (
            self.granted <= at
            and (self.expires is None or at < self.expires)
            and (self.revoked is None or at < self.revoked)
        )


class Agreements(Law):
    """Consents of the proprietor of an individual business, and what is shown under them."""

    first = 1_000
    department_and_type = "92"

    def __init__(self) -> None:
        super().__init__()
        self.agreed: list[Agreed] = []
        self.waiting: list[tuple[str, Agreed]] = []
        told = [builders.transaction(f"t{n}", of=self.code) for n in range(3)]
        builders.link_stores(self.store, told)
        records.ingest(self.store, self.vault, builders.rates(), told, now=self.now)
        records.fold(self.store, now=self.now)
        builders.enroll(self.store, self.code, purposes=[])

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.now = Instant(self.now + hours * HOUR)

    @rule(purpose=st.sampled_from(SHOWN), hours=st.one_of(st.none(), st.integers(1, 48)))
    def somebody_grants(self, purpose: Purpose, hours: int | None) -> None:
        text = TEXTS[purpose]
        expires = None if hours is None else Instant(self.now + hours * HOUR)
        asked = consents.Granting(
            purpose=purpose,
            scope=("business_file",),
            text_version=text.version,
            text_sha256=text.sha256,
            evidence_sha256=bytes(32),
            granted_at=Instant(self.now - HOUR),
            expires_at=expires,
        )
        consents.grant(
            self.desk,
            OWNER,
            self.code.text,
            asked,
            request=Request(str(uuid.uuid4()), bytes(32)),
            now=self.now,
        )
        # It counts from when the service learned of it.
        self.agreed.append(Agreed(purpose, self.now, expires))

    @rule(purpose=st.sampled_from(SHOWN))
    def somebody_revokes(self, purpose: Purpose) -> None:
        taken = consents.revoke(self.desk, OWNER, self.code.text, purpose, now=self.now)
        held = [a for a in self.agreed if a.purpose is purpose and a.holds(self.now)]
        assert len(taken) == len(held)
        for each in held:
            each.revoked = self.now

    @rule(hours=st.one_of(st.none(), st.integers(1, 200)))
    def somebody_submits(self, hours: int | None) -> None:
        authorization = builders.authorization()
        expires = None if hours is None else Instant(self.now + hours * HOUR)
        if expires is not None:
            authorization.expire_time.CopyFrom(builders.stamp(expires))
        message = builders.claims(self.code, authorizations=[authorization])
        status = identity.submit(
            self.desk,
            read_claims(message, now=self.now),
            submitter=OWNER.principal.name,
            request=Request(str(uuid.uuid4()), bytes(32)),
            now=self.now,
        )
        assert status.state is State.PENDING
        self.waiting.append((status.uid, Agreed(Purpose.VERIFY_IDENTITY, self.now, expires)))

    @rule()
    def identity_is_taken_back(self) -> None:
        consents.revoke(self.desk, OWNER, self.code.text, Purpose.VERIFY_IDENTITY, now=self.now)
        for _, each in self.waiting:
            each.revoked = each.revoked or self.now

    @rule()
    def waiting_ones_are_asked_again(self) -> None:
        # The store holds what other runs left; that is not this enterprise's.
        before = self.asked_of_persons()
        live = sum(agreed.holds(self.now) for _, agreed in self.waiting)
        identity.recheck_due(self.desk, self.now)
        assert self.asked_of_persons() - before <= live

    @invariant()
    def nothing_waits_that_was_taken_back(self) -> None:
        for uid, agreed in self.waiting:
            found = identity.get_submission(self.desk, self.code, uid, submitter=None, now=self.now)
            assert agreed.revoked is None or found.state is State.WITHDRAWN

    @invariant()
    def views_and_level_hold_what_is_agreed_to_and_no_more(self) -> None:
        live = {agreed.purpose for agreed in self.agreed if agreed.holds(self.now)}
        stored = archive.get_archive(
            self.store,
            self.desk.card,
            self.code.text,
            audience=disclosure_pb2.AUDIENCE_OWNER,
            now=self.now,
        )
        shown = archive_pb2.Archive.FromString(stored)
        assert bool(shown.platforms) == (Purpose.SHOW_BUSINESS_FILE in live)
        if Purpose.RATE not in live:
            assert shown.rating.level == rating_pb2.LEVEL_NR
            assert not shown.rating.contributions
        lacking = {hit.reason for hit in shown.rating.rules}
        assert ("CONSENT_MISSING" in lacking) == (Purpose.RATE not in live)

    @invariant()
    def the_past_shows_what_was_agreed_to_then_and_is_now(self) -> None:
        then = Instant(max(builders.NOW, self.now - DAY))
        try:
            stored = archive.get_past_archive(
                self.store,
                self.desk.card,
                self.code.text,
                audience=disclosure_pb2.AUDIENCE_OWNER,
                as_of=then,
                now=self.now,
            )
        except NotFoundError:
            raise AssertionError from None
        held, holds = ({a.purpose for a in self.agreed if a.holds(at)} for at in (then, self.now))
        shown = archive_pb2.Archive.FromString(stored)
        assert bool(shown.platforms) == (Purpose.SHOW_BUSINESS_FILE in held & holds)


@pytest.mark.law
@pytest.mark.feature("B1", "B2", "B4")
def test_no_personal_value_is_used_without_a_live_consent(store: Store, vault: Vault) -> None:
    enforce(Agreements, store, vault, few=6, steps=10)


def test_model_of_the_law_refuses_what_was_never_agreed_to() -> None:
    agreed = Agreed(Purpose.RATE, Instant(10), Instant(20))
    assert [agreed.holds(Instant(at)) for at in (9, 10, 19, 20)] == [False, True, True, False]
    assert issubclass(NotFoundError, BonafidesError)
