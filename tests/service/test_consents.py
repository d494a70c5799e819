"""Consents and agreements through a real channel, on both databases."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import grpc
import pytest
import sqlalchemy as sa

from bonafides.client import Client, RemoteError
from bonafides.identity import consent_operations as consents
from bonafides.identity import registry_operations
from bonafides.identity.consent import TEXTS, PublishedText
from bonafides.identity.membership import Actor, Principal
from bonafides.identity.operations import Desk
from bonafides.identity.sources import RegistryTable
from bonafides.identity.submission import Purpose
from bonafides.instants import DAY, HOUR, MICROSECONDS, Instant, to_datetime
from bonafides.rating.scorecard import champion
from bonafides.records import operations as records
from bonafides.storage import consents as rows
from bonafides.storage import tables
from bonafides.v1 import (
    consent_service_pb2,
    consent_service_pb2_grpc,
    enterprise_pb2,
    rating_pb2,
)
from tests import builders
from tests.serving import Served

COMPANY = builders.code()
INDIVIDUAL = builders.code(2, department_and_type="92")
EVIDENCE = hashlib.sha256(b"signed").digest()
# Within the life of a token.
STEP = 5 * 60 * MICROSECONDS
EVERYTHING = ("VERIFY_IDENTITY", "SHOW_BUSINESS_FILE", "RATE")


def owner_of(served: Served, code: str) -> Client:
    return served.client(served.token("member", owns=[code]))


def grant(client: Client, code: str, purpose: str, **changes: Any) -> Any:
    text = next(text for text in client.consents.agreements() if text.kind == purpose)
    told: dict[str, Any] = {
        "evidence_sha256": EVIDENCE,
        "granted": to_datetime(Instant(builders.NOW - HOUR)),
    }
    return client.consents.grant(code, text, **(told | changes))


def registered(served: Served) -> None:
    registry_operations.load_registry(
        served.store, served.vault, [builders.registry_row()], now=served.clock.now
    )


def trading(served: Served, of: Any, **enrolled: Any) -> None:
    """An enterprise that takes part, with a store and some trade."""
    told = [builders.transaction(f"t{n}", of=of, buyer=f"b{n % 7}") for n in range(40)]
    builders.link_stores(served.store, told)
    report = records.ingest(served.store, served.vault, builders.rates(), told, now=builders.NOW)
    assert report.accepted == 40
    records.fold(served.store, now=builders.NOW)
    builders.enroll(served.store, of, **enrolled)


def uses(served: Served) -> list[tuple[str, str]]:
    with served.store.reading() as work:
        found = work.execute(sa.select(tables.consent_use.c.function, tables.consent_use.c.outcome))
        return [tuple(row) for row in found]


@pytest.mark.feature("B7")
def test_texts_are_shown_to_everybody_before_anybody_agrees(served: Served) -> None:
    with served.client() as client:
        texts = client.consents.agreements()
    assert [text.kind for text in texts] == ["SERVICE_AGREEMENT", *(p.value for p in Purpose)]
    for text in texts[1:]:
        assert text.sha256 == hashlib.sha256(text.text.encode()).digest()
        assert text.version
    assert [text.kind for text in texts if text.required] == ["VERIFY_IDENTITY"]


@pytest.mark.feature("B1", "B2", "B4")
def test_consent_is_granted_rates_and_revoking_takes_the_level_away_at_once(
    served: Served,
) -> None:
    trading(served, INDIVIDUAL, purposes=["VERIFY_IDENTITY"])
    code = INDIVIDUAL.text
    with owner_of(served, code) as owner, served.client(served.token()) as member:
        assert not member.get_archive(code).platforms
        refused = member.get_rating(code)
        assert refused.level == rating_pb2.LEVEL_NR
        grant(owner, code, "RATE")
        grant(owner, code, "SHOW_BUSINESS_FILE")
        rated = member.get_archive(code)
        assert rated.platforms
        assert "RATE" not in [hit.reason for hit in owner.get_rating(code).rules]
        served.clock.now = Instant(builders.NOW + STEP)
        (taken,) = owner.consents.revoke(code, enterprise_pb2.PURPOSE_SHOW_BUSINESS_FILE)
        assert taken.revoke_time.ToMicroseconds() == served.clock.now
        assert not taken.live
        assert not member.get_archive(code, min_revision=owner.last_revision(code)).platforms
        owner.consents.revoke(code, enterprise_pb2.PURPOSE_RATE)
        assert member.get_rating(code).level == rating_pb2.LEVEL_NR
        reasons = [hit.reason for hit in owner.get_rating(code).rules]
        assert any("CONSENT" in reason for reason in reasons)
        # Taken back again is nothing to take back.
        assert not owner.consents.revoke(code, enterprise_pb2.PURPOSE_RATE)


@pytest.mark.feature("B3")
def test_refusing_every_optional_purpose_leaves_the_core_working(served: Served) -> None:
    registered(served)
    with served.client(served.token()) as client:
        made = client.submit_identity(builders.claims(), builders.request_id())
        assert made.state == enterprise_pb2.Submission.STATE_VERIFIED
        assert client.get_archive(COMPANY.text).registration.title
        assert client.get_rating(COMPANY.text).level != rating_pb2.LEVEL_UNSPECIFIED


@pytest.mark.feature("B4", "B1")
def test_purpose_without_a_text_is_denied_and_leaves_an_audit_line(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    text = TEXTS[Purpose.RATE]
    request = consent_service_pb2.GrantConsentRequest(
        request_id=builders.request_id(),
        parent=f"enterprises/{COMPANY}",
        purpose=99,  # type: ignore[arg-type]  # a purpose that nobody published
        scope=["registration"],
        text_version=text.version,
        text_sha256=text.sha256,
        evidence_sha256=EVIDENCE,
        grant_time=builders.stamp(builders.NOW - HOUR),
    )
    with grpc.insecure_channel(served.address) as channel:
        stub = consent_service_pb2_grpc.ConsentServiceStub(channel)
        token = served.token("member", owns=[COMPANY.text])
        with pytest.raises(grpc.RpcError) as refused:
            stub.GrantConsent(request, metadata=(("authorization", f"Bearer {token}"),))
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert uses(served) == [("grant", rows.NOT_LISTED)]


@pytest.mark.feature("B1", "B4")
def test_consent_that_would_be_over_is_not_granted(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    with owner_of(served, COMPANY.text) as owner:
        with pytest.raises(RemoteError) as over:
            grant(owner, COMPANY.text, "RATE", expires=to_datetime(builders.NOW))
        assert [v.reason for v in over.value.violations] == ["EXPIRED"]


@pytest.mark.feature("B1")
def test_consent_names_the_current_text_and_no_field_beyond_it(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    with owner_of(served, COMPANY.text) as owner:
        text = next(t for t in owner.consents.agreements() if t.kind == "RATE")
        with pytest.raises(RemoteError) as beyond:
            grant(owner, COMPANY.text, "RATE", scope=["phone"])
        assert [v.reason for v in beyond.value.violations] == ["BEYOND_PURPOSE"]
        text.version = "2020-01"
        with pytest.raises(RemoteError) as other:
            owner.consents.grant(
                COMPANY.text,
                text,
                evidence_sha256=EVIDENCE,
                granted=to_datetime(builders.NOW),
            )
        assert [v.reason for v in other.value.violations] == ["TEXT_NOT_CURRENT"]
        assert [consent.purpose for consent in owner.consents.ledger(COMPANY.text)] == [
            enterprise_pb2.PURPOSE_VERIFY_IDENTITY
        ]


@pytest.mark.feature("B2")
def test_ledger_keeps_what_was_taken_back_and_rewrites_nothing(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    with owner_of(served, COMPANY.text) as owner:
        request_id = builders.request_id(7)
        first = grant(owner, COMPANY.text, "RATE", request_id=request_id)
        assert grant(owner, COMPANY.text, "RATE", request_id=request_id).name == first.name
        # A form that is sent again says that the person agreed now.
        later = to_datetime(Instant(builders.NOW - 1))
        again = grant(owner, COMPANY.text, "RATE", request_id=request_id, granted=later)
        assert again.grant_time == first.grant_time
        owner.consents.revoke(COMPANY.text, enterprise_pb2.PURPOSE_RATE)
        served.clock.now = Instant(builders.NOW + STEP)
        second = grant(owner, COMPANY.text, "RATE")
        ledger = owner.consents.ledger(COMPANY.text)
    assert [(c.name, c.live) for c in ledger if c.purpose == enterprise_pb2.PURPOSE_RATE] == [
        (second.name, True),
        (first.name, False),
    ]
    kept = next(c for c in ledger if c.name == first.name)
    assert kept.evidence_sha256 == EVIDENCE
    assert kept.text_version == TEXTS[Purpose.RATE].version
    assert kept.record_time.ToMicroseconds() == builders.NOW


@pytest.mark.feature("B2")
def test_revoked_identity_is_not_asked_about_again_and_its_values_are_unreadable(
    served: Served,
) -> None:
    with served.client(served.token()) as client:
        made = client.submit_identity(builders.claims(), builders.request_id())
        assert made.state == enterprise_pb2.Submission.STATE_PENDING
        (taken,) = client.consents.revoke(COMPANY.text, enterprise_pb2.PURPOSE_VERIFY_IDENTITY)
        assert taken.submission == made.name
        asked = uses(served)
        registered(served)
        served.clock.now = Instant(builders.NOW + 5 * DAY)
        served.server.worker.run_once()
        fresh = served.client(served.token())
        gone = fresh.get_submission(made.name)
    assert gone.state == enterprise_pb2.Submission.STATE_WITHDRAWN
    assert gone.history[-1].reason == "CONSENT_REVOKED"
    assert uses(served) == asked
    with served.store.reading() as work:
        uid = made.name.split("/")[-1]
        keys = work.execute(
            sa.select(tables.subject_key.c.subject).where(tables.subject_key.c.subject == uid)
        )
        assert keys.first() is None


@pytest.mark.feature("B2")
def test_submission_that_waits_under_a_consent_that_ended_is_taken_back_at_once(
    served: Served,
) -> None:
    agreed = builders.authorization()
    agreed.expire_time.CopyFrom(builders.stamp(Instant(builders.NOW + DAY)))
    with served.client(served.token()) as client:
        made = client.submit_identity(
            builders.claims(authorizations=[agreed]), builders.request_id()
        )
        served.clock.now = Instant(builders.NOW + 2 * DAY)
        fresh = served.client(served.token())
        assert not fresh.consents.revoke(COMPANY.text, enterprise_pb2.PURPOSE_VERIFY_IDENTITY)
        gone = fresh.get_submission(made.name)
    assert gone.state == enterprise_pb2.Submission.STATE_WITHDRAWN
    assert gone.history[-1].reason == "CONSENT_OVER"


@pytest.mark.feature("B2", "B1")
def test_verification_ends_with_the_consent_that_it_rests_on(served: Served) -> None:
    registered(served)
    with served.client(served.token(owns=[COMPANY.text])) as owner:
        owner.submit_identity(builders.claims(), builders.request_id())
        code = COMPANY.text
        before = owner.get_archive(code)
        assert before.verification.expire_time.ToMicroseconds() > served.clock.now
        served.clock.now = Instant(builders.NOW + STEP)
        owner.consents.revoke(code, enterprise_pb2.PURPOSE_VERIFY_IDENTITY)
        after = owner.get_archive(code)
        assert after.verification.expire_time.ToMicroseconds() <= served.clock.now
        assert owner.get_rating(code).level == rating_pb2.LEVEL_NR
        # What was known then was known then.
        past = owner.get_archive(code, as_of=to_datetime(Instant(builders.NOW + STEP // 2)))
        assert past.verification.expire_time == before.verification.expire_time


@pytest.mark.feature("B2", "C10")
def test_past_shows_nothing_that_was_taken_back_since(served: Served) -> None:
    trading(served, INDIVIDUAL, purposes=EVERYTHING)
    code = INDIVIDUAL.text
    # Recounted from the records that had come by then.
    then = to_datetime(Instant(builders.NOW + HOUR))
    served.clock.now = Instant(builders.NOW + 2 * HOUR)
    with owner_of(served, code) as owner:
        assert owner.get_archive(code, as_of=then).platforms
        owner.consents.revoke(code, enterprise_pb2.PURPOSE_SHOW_BUSINESS_FILE)
        assert not owner.get_archive(code, as_of=then).platforms
        grant(owner, code, "SHOW_BUSINESS_FILE", granted=to_datetime(served.clock.now))
        # Agreed to anew is not agreed to then, and the first consent was taken back.
        assert owner.get_archive(code).platforms


@pytest.mark.feature("B1", "B4")
def test_consent_that_is_over_shows_nothing_from_that_instant_on(served: Served) -> None:
    trading(served, INDIVIDUAL, purposes=["VERIFY_IDENTITY", "RATE"])
    code = INDIVIDUAL.text
    ends = Instant(builders.NOW + STEP)
    with owner_of(served, code) as owner, served.client(served.token()) as member:
        grant(owner, code, "SHOW_BUSINESS_FILE", expires=to_datetime(ends))
        served.clock.now = Instant(ends - 1)
        assert member.get_archive(code).platforms
        served.clock.now = ends
        assert not member.get_archive(code).platforms


@pytest.mark.feature("B6")
def test_platform_that_is_taken_back_is_absent_and_not_zero(served: Served) -> None:
    trading(served, COMPANY)
    code = COMPANY.text
    with owner_of(served, code) as owner, served.client(served.token()) as member:
        assert [p.platform for p in member.get_archive(code).platforms] == [builders.PLATFORM]
        ended = owner.consents.revoke_platform(code, builders.PLATFORM)
        assert ended.HasField("revoke_time")
        assert not member.get_archive(code).platforms
        assert owner.get_rating(code).coverage.platforms_covered == 0
        assert owner.consents.revoke_platform(code, builders.PLATFORM) == ended
        served.clock.now = Instant(builders.NOW + 1)
        owner.consents.authorize_platform(code, builders.PLATFORM)
        assert [p.platform for p in member.get_archive(code).platforms] == [builders.PLATFORM]
        listed = owner.consents.platforms(code)
    assert [p.HasField("revoke_time") for p in listed] == [False, True]


@pytest.mark.feature("B7")
def test_new_agreement_blocks_what_is_new_until_assent_and_nothing_else(served: Served) -> None:
    """A version is announced; comes into effect; is assented to."""
    trading(served, COMPANY)
    code = COMPANY.text
    effective = Instant(builders.NOW + DAY)
    words = "新的协议"
    text = PublishedText(
        "SERVICE_AGREEMENT",
        "2026-12",
        effective,
        hashlib.sha256(words.encode()).digest(),
        "协议",
        words,
    )
    assert consents.publish_text(served.store, text, now=builders.NOW)
    assert not consents.publish_text(served.store, text, now=builders.NOW)
    with owner_of(served, code) as owner:
        assert [t.version for t in owner.consents.agreements()][-1] == "2026-12"
        asked = builders.request_id(8)
        granted = grant(owner, code, "RATE", request_id=asked)
        invited = owner.ownership.invite(code, request_id=asked)
    served.clock.now = effective
    with owner_of(served, code) as owner:
        # What comes again is nothing new, and is answered as it was.
        assert grant(owner, code, "RATE", request_id=asked).name == granted.name
        assert owner.ownership.invite(code, request_id=asked) == invited
        assert owner.consents.agreements()[0].version == "2026-12"
        with pytest.raises(RemoteError) as blocked:
            grant(owner, code, "SHOW_BUSINESS_FILE")
        assert blocked.value.reason == "AGREEMENT_NOT_CURRENT"
        assert blocked.value.metadata["current_version"] == "2026-12"
        for new in (
            lambda: owner.consents.authorize_platform(code, "olist"),
            lambda: owner.ownership.invite(code),
            lambda: owner.submit_identity(builders.claims(), builders.request_id()),
        ):
            with pytest.raises(RemoteError) as also:
                new()
            assert also.value.reason == "AGREEMENT_NOT_CURRENT"
        # Reading and stopping go on.
        assert owner.get_archive(code).platforms
        assert owner.consents.revoke(code, enterprise_pb2.PURPOSE_RATE)
        with pytest.raises(RemoteError) as old:
            owner.consents.assent(code, "SERVICE_AGREEMENT", builders.AGREEMENT)
        assert old.value.reason == "AGREEMENT_NOT_CURRENT"
        given = owner.consents.assent(code, "SERVICE_AGREEMENT", "2026-12")
        assert given.assent_time.ToMicroseconds() == effective
        assert given.actor.endswith("|member-1")
        grant(owner, code, "SHOW_BUSINESS_FILE")
        assert [a.version for a in owner.consents.assents(code)] == [
            "2026-12",
            builders.AGREEMENT,
        ]


@pytest.mark.feature("B7")
def test_privacy_notice_waits_for_assent_as_well(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    notice = PublishedText("PRIVACY_NOTICE", "p1", builders.NOW, b"\x00" * 32, "隐私", "说明")
    consents.publish_text(served.store, notice, now=builders.NOW)
    with owner_of(served, COMPANY.text) as owner:
        with pytest.raises(RemoteError) as blocked:
            grant(owner, COMPANY.text, "RATE")
        assert blocked.value.metadata["kind"] == "PRIVACY_NOTICE"
        owner.consents.assent(COMPANY.text, "PRIVACY_NOTICE", "p1")
        grant(owner, COMPANY.text, "RATE")
    changed = PublishedText("PRIVACY_NOTICE", "p1", builders.NOW, b"\x01" * 32, "隐私", "别的")
    with pytest.raises(ValueError, match="other words"):
        consents.publish_text(served.store, changed, now=builders.NOW)


@pytest.mark.feature("B1")
def test_attack_strangers_find_nothing_of_anothers_consents(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    code = COMPANY.text
    unknown = builders.code(77).text
    with served.client(served.token(subject="rival", owns=[INDIVIDUAL.text])) as rival:
        told = set()
        for other in (code, unknown):
            for call in (
                lambda c=other: rival.consents.ledger(c),
                lambda c=other: rival.consents.revoke(c, enterprise_pb2.PURPOSE_RATE),
                lambda c=other: grant(rival, c, "RATE"),
                lambda c=other: rival.consents.platforms(c),
                lambda c=other: rival.consents.revoke_platform(c, builders.PLATFORM),
                lambda c=other: rival.consents.authorize_platform(c, builders.PLATFORM),
                lambda c=other: rival.consents.assents(c),
                lambda c=other: rival.consents.assent(c, "SERVICE_AGREEMENT", builders.AGREEMENT),
                lambda c=other: rival.ownership.members(c),
                lambda c=other: rival.ownership.invite(c),
                lambda c=other: rival.ownership.notices(c),
            ):
                with pytest.raises(RemoteError) as refused:
                    call()
                told.add((refused.value.code, refused.value.reason, refused.value.message))
    assert len(told) == 1
    assert next(iter(told))[1] == "RESOURCE_NOT_FOUND"


@pytest.mark.feature("B1")
def test_verifier_is_not_asked_once_the_consent_is_over(served: Served) -> None:
    """The consent ends between the first question and the second."""
    authorization = builders.authorization()
    authorization.expire_time.CopyFrom(builders.stamp(builders.NOW + HOUR))
    with served.client(served.token()) as client:
        made = client.submit_identity(
            builders.claims(authorizations=[authorization]), builders.request_id()
        )
        assert made.state == enterprise_pb2.Submission.STATE_PENDING
    registered(served)
    served.clock.now = Instant(builders.NOW + 5 * DAY)
    served.server.worker.run_once()
    with served.client(served.token()) as client:
        gone = client.get_submission(made.name)
    assert gone.history[-1].reason == "CONSENT_OVER"
    assert uses(served)[-1] == ("open_claims", rows.REFUSED)


def test_grant_time_to_come_is_refused(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    with owner_of(served, COMPANY.text) as owner:
        with pytest.raises(RemoteError) as refused:
            grant(owner, COMPANY.text, "RATE", granted=dt.datetime(2030, 1, 1, tzinfo=dt.UTC))
        assert [v.field for v in refused.value.violations] == ["grant_time"]


def desk_of(served: Served) -> Desk:
    return Desk(
        store=served.store,
        vault=served.vault,
        sources=(RegistryTable(served.store, served.vault),),
        card=champion(None),
        agreement_version=builders.AGREEMENT,
        submissions_per_day=20,
        verification_days=365,
    )


@pytest.mark.feature("B2")
def test_revocation_that_fails_halfway_revokes_nothing(served: Served) -> None:
    """The database goes away between the row of the revocation and the new level."""
    builders.enroll(served.store, INDIVIDUAL, purposes=EVERYTHING)
    actor = Actor(Principal("issuer", "subject"), owns_by_token=True)
    desk = desk_of(served)
    broken = Desk(**{name: getattr(desk, name) for name in Desk.__slots__} | {"card": None})
    with pytest.raises(AttributeError):
        consents.revoke(broken, actor, INDIVIDUAL.text, Purpose.RATE, now=builders.NOW)
    with served.store.reading() as work:
        assert "RATE" in rows.live_purposes(work, INDIVIDUAL.text, builders.NOW)
    consents.revoke(desk, actor, INDIVIDUAL.text, Purpose.RATE, now=builders.NOW)


@pytest.mark.feature("B2", "A16")
def test_attack_rivals_revocation_ends_nothing_but_what_the_rival_brought(served: Served) -> None:
    """Two logins are verified under one code; one takes back what it agreed to."""
    registered(served)
    code = COMPANY.text
    with served.client(served.token()) as first, served.client(served.token(subject="b")) as rival:
        first.submit_identity(builders.claims(), builders.request_id(1))
        own = rival.submit_identity(builders.claims(), builders.request_id(2))
        taken = rival.consents.revoke(code, enterprise_pb2.PURPOSE_VERIFY_IDENTITY)
        assert {bool(consent.submission) for consent in taken} == {True, False}
        withdrawn = rival.get_submission(own.name)
        assert withdrawn.state == enterprise_pb2.Submission.STATE_WITHDRAWN
        with owner_of(served, code) as owner:
            held = owner.get_archive(code).verification
            assert held.expire_time.ToMicroseconds() > served.clock.now
        # The one who is left takes it back, too: now nothing is left to rest on.
        first.consents.revoke(code, enterprise_pb2.PURPOSE_VERIFY_IDENTITY)
        with owner_of(served, code) as owner:
            ended = owner.get_archive(code).verification
            assert ended.expire_time.ToMicroseconds() <= served.clock.now
