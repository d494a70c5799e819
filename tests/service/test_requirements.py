"""What an enterprise must do, through a real channel, on both databases."""

from __future__ import annotations

import datetime as dt
import hashlib

import grpc
import pytest

from bonafides.client import RemoteError
from bonafides.identity import consent_operations as consents
from bonafides.identity import registry_operations
from bonafides.identity.consent import PublishedText
from bonafides.identity.sandbox import magic_code
from bonafides.instants import DAY, HOUR, Instant, to_datetime
from bonafides.records import operations as records
from bonafides.v1 import enterprise_pb2, record_service_pb2, requirement_pb2
from tests import builders
from tests.serving import Served

COMPANY = builders.code()
INDIVIDUAL = builders.code(2, department_and_type="92")
R = requirement_pb2.Requirement
PAST, DUE, CHECKING, OPTIONAL = (
    R.STATE_PAST_DUE,
    R.STATE_CURRENTLY_DUE,
    R.STATE_BEING_CHECKED,
    R.STATE_OPTIONAL,
)


def registered(served: Served) -> None:
    registry_operations.load_registry(
        served.store, served.vault, [builders.registry_row()], now=served.clock.now
    )


def open_for(served: Served, code: str = COMPANY.text, **whose: object) -> list[R]:
    with served.client(served.token(**whose)) as client:  # type: ignore[arg-type]  # of a test
        return client.identities.requirements(code)


def told(found: list[R]) -> list[tuple[R.State.ValueType, str, str]]:
    return [(each.state, each.item, each.reason) for each in found]


@pytest.mark.feature("A11")
def test_what_differs_is_due_with_a_remedy_and_is_settled_by_a_right_submission(
    served: Served,
) -> None:
    registered(served)
    with served.client(served.token()) as client:
        wrong = builders.claims(title="九九市千草贸易有限公司")
        made = client.submit_identity(wrong, builders.request_id())
        due, copy = client.identities.requirements(COMPANY.text)
        assert (due.state, due.item, due.reason) == (DUE, "title", "MISMATCH")
        assert "copy the title from the license" in due.remedy
        assert due.submission == made.name
        assert due.source == "registry"
        assert list(due.disables) == [R.EFFECT_VERIFICATION, R.EFFECT_LEVEL]
        assert (copy.state, copy.reason) == (OPTIONAL, "LICENSE_COPY_NOT_UPLOADED")
        served.clock.now = Instant(builders.NOW + 60_000_000)
        client.submit_identity(builders.claims(), builders.request_id(2))
        assert DUE not in [each.state for each in client.identities.requirements(COMPANY.text)]


@pytest.mark.feature("A11")
def test_what_is_late_or_out_of_reach_is_being_checked_and_never_due(served: Served) -> None:
    silent = magic_code("MAG20012")
    with served.client(served.token()) as client:
        late = client.submit_identity(builders.claims(), builders.request_id())
        client.submit_identity(builders.claims(silent), builders.request_id(2))
        absent = client.identities.requirements(COMPANY.text)
        unreached = client.identities.requirements(silent.text)
    assert {each.state for each in absent} == {CHECKING, OPTIONAL}
    waiting = [each for each in absent if each.state == CHECKING]
    assert {each.reason for each in waiting} == {"NOT_FOUND"}
    assert "representative.id_number" in [each.item for each in waiting]
    assert all(not each.remedy for each in waiting)
    assert all(each.next_check_time == late.recheck_time for each in waiting)
    reasons = {each.reason for each in unreached if each.state == CHECKING}
    assert reasons == {"SOURCE_NOT_REACHED"}


@pytest.mark.feature("A11")
def test_every_due_item_has_a_remedy_whatever_the_sources_say(served: Served) -> None:
    serials = ["MAG30000", "MAG30001", "MAG40000", "MAG40002", "MAG40102", "MAG40105"]
    for number, serial in enumerate(serials):
        with served.client(served.token(subject=f"member-{number}")) as client:
            code = magic_code(serial)
            client.submit_identity(builders.claims(code), builders.request_id(number))
            due = [e for e in client.identities.requirements(code.text) if e.state == DUE]
        assert due
        assert all(each.remedy for each in due)


@pytest.mark.feature("A11", "A13")
def test_verification_is_due_for_renewal_and_then_past_due(served: Served) -> None:
    registered(served)
    with served.client(served.token()) as client:
        made = client.submit_identity(builders.claims(), builders.request_id())
    ends = Instant(made.expire_time.ToMicroseconds())
    assert [each.state for each in open_for(served)] == [OPTIONAL]
    served.clock.now = Instant(ends - 30 * DAY)
    soon = open_for(served)[0]
    assert (soon.state, soon.item, soon.reason) == (DUE, "verification", "VERIFICATION_ENDS")
    assert soon.deadline_time == made.expire_time
    assert soon.remedy
    served.clock.now = Instant(ends + HOUR)
    over = open_for(served)[0]
    assert (over.state, over.reason) == (PAST, "LAPSED")
    assert list(over.disables) == [R.EFFECT_VERIFICATION, R.EFFECT_LEVEL]


@pytest.mark.feature("A11", "B3")
def test_express_consent_that_is_missing_is_optional_and_says_what_rests_on_it(
    served: Served,
) -> None:
    builders.enroll(served.store, INDIVIDUAL)
    found = open_for(served, INDIVIDUAL.text, owns=[INDIVIDUAL.text])
    assert [(each.state, each.item, list(each.disables)) for each in found] == [
        (OPTIONAL, "consents/SHOW_BUSINESS_FILE", [R.EFFECT_BUSINESS_FILE]),
        (OPTIONAL, "consents/RATE", [R.EFFECT_LEVEL]),
    ]
    builders.enroll(served.store, COMPANY)
    assert not open_for(served, owns=[COMPANY.text])


@pytest.mark.feature("A11", "B7")
def test_new_version_of_an_agreement_is_due_until_it_is_assented_to(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    text = "新的服务协议"
    digest = hashlib.sha256(text.encode()).digest()
    version = PublishedText(
        "SERVICE_AGREEMENT", "2026-12", Instant(builders.NOW - DAY), digest, "协议", text
    )
    assert consents.publish_text(served.store, version, now=builders.NOW)
    with served.client(served.token(owns=[COMPANY.text])) as owner:
        (due,) = owner.identities.requirements(COMPANY.text)
        assert (due.state, due.item) == (DUE, "agreements/SERVICE_AGREEMENT")
        assert "2026-12" in due.remedy
        assert list(due.disables) == [R.EFFECT_NEW_REQUESTS]
        owner.consents.assent(COMPANY.text, "SERVICE_AGREEMENT", "2026-12")
        assert not owner.identities.requirements(COMPANY.text)


@pytest.mark.feature("A11")
def test_disputed_store_is_being_decided_by_a_day(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    records.ingest(
        served.store,
        served.vault,
        builders.rates(),
        [builders.store_record()],
        now=builders.NOW,
    )
    records.fold(served.store, now=builders.NOW)
    ground = record_service_pb2.DisputeStoreRequest.GROUND_NOT_OURS
    with served.client(served.token(owns=[COMPANY.text])) as owner:
        owner.dispute_store(COMPANY.text, builders.PLATFORM, "l1", ground)
        (checked,) = owner.identities.requirements(COMPANY.text)
    assert (checked.state, checked.reason) == (CHECKING, "STORE_DISPUTED")
    assert checked.item == f"stores/{builders.PLATFORM}/l1"
    assert checked.deadline_time.ToMicroseconds() > builders.NOW


@pytest.mark.feature("A11")
def test_requirements_are_for_members_submitters_and_staff_alone(served: Served) -> None:
    registered(served)
    with served.client(served.token()) as client:
        client.submit_identity(builders.claims(), builders.request_id())
    with served.client(served.token(subject="stranger")) as stranger:
        with pytest.raises(RemoteError) as refused:
            stranger.identities.requirements(COMPANY.text)
        assert refused.value.code is grpc.StatusCode.NOT_FOUND
        wrong = builders.claims(title="九九市千草贸易有限公司")
        name = stranger.submit_identity(wrong, builders.request_id(2)).name
        own = stranger.identities.requirements(COMPANY.text)
        assert {each.submission for each in own} == {name}
        assert DUE in [each.state for each in own]
    # A stranger's mistake is nothing that the owner has to mend.
    assert DUE not in [each.state for each in open_for(served, owns=[COMPANY.text])]
    staff = open_for(served, kind="operator", subject="staff")
    assert name in {each.submission for each in staff}
    with served.client() as nobody, pytest.raises(RemoteError) as anonymous:
        nobody.identities.requirements(COMPANY.text)
    assert anonymous.value.code is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.feature("A11", "A13")
def test_deadlines_that_come_near_or_pass_are_told_once_to_the_enterprise_alone(
    served: Served,
) -> None:
    """Verified; sixty days before the end; a day later; over; renewed; near again."""
    registered(served)

    def reasons() -> list[str]:
        served.server.worker.run_once()
        with served.client(served.token(owns=[COMPANY.text])) as owner:
            told = [each.reason for each in owner.ownership.notices(COMPANY.text)]
        return sorted(told)

    with served.client(served.token()) as client:
        made = client.submit_identity(builders.claims(), builders.request_id())
    end = Instant(made.expire_time.ToMicroseconds())
    served.clock.now = Instant(end - 61 * DAY)
    assert reasons() == []
    # A stranger's is nobody's deadline.
    with served.client(served.token(subject="stranger")) as stranger:
        wrong = builders.claims(title="九九市千草贸易有限公司")
        stranger.submit_identity(wrong, builders.request_id(2))
    for day in (60, 59):
        served.clock.now = Instant(end - day * DAY)
        assert reasons() == ["VERIFICATION_ENDS"]
    served.clock.now = Instant(end + DAY)
    assert reasons() == ["VERIFICATION_ENDS", "VERIFICATION_OVER"]
    with served.client(served.token()) as client:
        again = client.submit_identity(builders.claims(), builders.request_id(3))
    end = Instant(again.expire_time.ToMicroseconds())
    served.clock.now = Instant(end - 30 * DAY)
    assert reasons() == ["VERIFICATION_ENDS", "VERIFICATION_ENDS", "VERIFICATION_OVER"]
    with served.client(served.token(subject="stranger")) as stranger:
        with pytest.raises(RemoteError) as refused:
            stranger.ownership.notices(COMPANY.text)
        assert refused.value.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.feature("A11", "B4")
def test_consent_that_ends_is_told_once_and_one_that_was_taken_back_is_not(
    served: Served,
) -> None:
    """Two enterprises agree to be rated for forty days; one takes it back."""
    other = builders.code(3, department_and_type="92")
    granted = to_datetime(served.clock.now)
    with served.client(served.token(owns=[INDIVIDUAL.text, other.text])) as owner:
        (text,) = [each for each in owner.consents.agreements() if each.kind == "RATE"]
        for code in (INDIVIDUAL, other):
            builders.enroll(served.store, code)
            owner.consents.grant(
                code.text,
                text,
                evidence_sha256=bytes(32),
                granted=granted,
                expires=granted + dt.timedelta(days=40),
            )
        owner.consents.revoke(other.text, enterprise_pb2.PURPOSE_RATE)
    for day in (1, 2):
        served.clock.now = Instant(builders.NOW + day * DAY)
        served.server.worker.run_once()
        with served.client(served.token(owns=[INDIVIDUAL.text, other.text])) as owner:
            told = [
                [each.reason for each in owner.ownership.notices(code)]
                for code in (INDIVIDUAL.text, other.text)
            ]
        assert told == [["CONSENT_ENDS"], []]
