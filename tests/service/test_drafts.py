"""Drafts that a platform fills in and the enterprise confirms, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
import sqlalchemy as sa

from bonafides.client import Client, RemoteError
from bonafides.identity import drafting, registry_operations
from bonafides.instants import DAY, Instant
from bonafides.storage import tables
from bonafides.v1 import draft_pb2, enterprise_pb2
from tests import builders
from tests.serving import Served

COMPANY = builders.code()
STATES = enterprise_pb2.Submission
NOT_FOUND = "RESOURCE_NOT_FOUND"


def prefill(**changes: Any) -> draft_pb2.Prefill:
    told = builders.registration()
    values: dict[str, Any] = {
        "title": told.title,
        "registered_address": told.registered_address,
        "registered_capital": enterprise_pb2.Money(currency_code="CNY", amount_minor=100_000_000),
    }
    return draft_pb2.Prefill(**(values | changes))


def supplement(**changes: Any) -> draft_pb2.DraftSupplement:
    whole = builders.claims()
    values: dict[str, Any] = {
        "license": enterprise_pb2.License(copy_sha256=whole.license.copy_sha256),
        "phone": whole.phone,
        "email": whole.email,
        "representative": whole.representative,
        "authorizations": whole.authorizations,
        "assent": whole.assent,
        "authorized_platforms": whole.authorized_platforms,
    }
    return draft_pb2.DraftSupplement(**(values | changes))


def registered(served: Served) -> None:
    registry_operations.load_registry(
        served.store, served.vault, [builders.registry_row()], now=served.clock.now
    )


def platform_of(served: Served, name: str = builders.PLATFORM) -> Client:
    return served.client(served.token("platform", subject=f"app-of-{name}", platform=name))


def refusal(call: Callable[[], Any]) -> RemoteError:
    with pytest.raises(RemoteError) as refused:
        call()
    return refused.value


def rows(served: Served, table: sa.Table) -> int:
    with served.store.reading() as work:
        return int(work.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


@pytest.mark.feature("A2")
def test_draft_is_verified_by_nobody_until_the_enterprise_confirms_it(served: Served) -> None:
    registered(served)
    with platform_of(served) as platform, served.client(served.token()) as member:
        made = platform.identities.create_draft(COMPANY.text, prefill(), builders.request_id())
        assert made.state == STATES.STATE_DRAFT
        assert {each.supplier for each in made.supplies} == {"platform:1688"}
        again = platform.identities.create_draft(COMPANY.text, prefill(), builders.request_id())
        assert again == made
        served.server.worker.run_once()
        assert rows(served, tables.submission) == rows(served, tables.evidence) == 0
        assert refusal(lambda: member.get_archive(COMPANY.text)).code is grpc.StatusCode.NOT_FOUND
        seen = member.identities.get_draft(made.name)
        assert seen.prefill == prefill()
        done = member.identities.confirm_draft(made.name, supplement(), builders.request_id(2))
        assert done.state == STATES.STATE_VERIFIED
        assert [(step.state, step.reason) for step in done.history] == [
            (STATES.STATE_DRAFT, "PREFILLED"),
            (STATES.STATE_PENDING, "CONFIRMED"),
            (STATES.STATE_VERIFIED, "EVIDENCE_MATCHES"),
        ]
        assert member.get_archive(COMPANY.text).registration.title == prefill().title


@pytest.mark.feature("A2")
def test_each_field_names_its_supplier_and_the_enterprise_has_the_last_word(
    served: Served,
) -> None:
    registered(served)
    with platform_of(served) as platform, served.client(served.token()) as member:
        made = platform.identities.create_draft(
            COMPANY.text, prefill(title="九九市千草贸易有限公司", legal_form="有限责任公司")
        )
        own = supplement(title=builders.registration().title)
        done = member.identities.confirm_draft(made.name, own)
        assert done.state == STATES.STATE_VERIFIED
        by = {each.field: each.supplier for each in done.supplies}
        assert by["title"] == by["representative"] == by["license.copy_sha256"] == "enterprise"
        assert by["license.legal_form"] == by["license.registered_address"] == "platform:1688"
        assert member.get_submission(done.name).supplies == done.supplies


@pytest.mark.feature("A2", "B1")
def test_draft_takes_no_value_of_a_person(served: Served) -> None:
    person = enterprise_pb2.Representative(person=builders.PERSON, id_number=builders.ID_NUMBER)
    personal = prefill(phone=builders.PHONE, email=builders.EMAIL, representative=person)
    with platform_of(served) as platform:
        told = refusal(lambda: platform.identities.create_draft(COMPANY.text, personal))
    assert {(v.field, v.reason) for v in told.violations} == {
        ("prefill.phone", "CONSENT_REQUIRED"),
        ("prefill.email", "CONSENT_REQUIRED"),
        ("prefill.representative", "CONSENT_REQUIRED"),
    }
    assert builders.PERSON not in str(told)
    assert rows(served, tables.draft) == 0


@pytest.mark.feature("A2")
def test_faulty_and_empty_drafts_are_refused_by_field(served: Served) -> None:
    faulty = prefill(composition="个人经营", registered_address="香港九龙")
    with platform_of(served) as platform:
        told = refusal(lambda: platform.identities.create_draft(COMPANY.text, faulty))
        assert {v.field for v in told.violations} == {
            "prefill.composition",
            "prefill.registered_address",
        }
        empty = draft_pb2.Prefill()
        nothing = refusal(lambda: platform.identities.create_draft(COMPANY.text, empty))
        assert [v.reason for v in nothing.violations] == ["REQUIRED"]


@pytest.mark.feature("A2")
def test_draft_is_found_by_its_platform_its_name_and_staff_alone(served: Served) -> None:
    with platform_of(served) as platform:
        made = platform.identities.create_draft(COMPANY.text, prefill())
    code, uid = made.name.split("/")[1], made.name.split("/")[3]
    near = made.name.replace(uid, builders.request_id(9))
    elsewhere = made.name.replace(code, builders.code(7).text)
    member = served.client(served.token())
    taobao = platform_of(served, "taobao")
    for look in (
        lambda: taobao.identities.get_draft(made.name),
        lambda: member.identities.get_draft(near),
        lambda: member.identities.get_draft(elsewhere),
    ):
        assert refusal(look).code is grpc.StatusCode.NOT_FOUND
    told = refusal(lambda: member.identities.confirm_draft(near, supplement()))
    assert told.code is grpc.StatusCode.NOT_FOUND
    assert served.client(served.token("operator")).identities.get_draft(made.name) == made
    told = refusal(lambda: taobao.identities.confirm_draft(made.name, supplement()))
    assert told.code is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.feature("A2", "A10")
def test_confirmed_draft_is_confirmed_once_and_its_submission_is_not_the_platforms(
    served: Served,
) -> None:
    registered(served)
    platform, member = platform_of(served), served.client(served.token())
    made = platform.identities.create_draft(COMPANY.text, prefill())
    done = member.identities.confirm_draft(made.name, supplement(), builders.request_id(2))
    again = member.identities.confirm_draft(made.name, supplement(), builders.request_id(2))
    assert again == done
    told = refusal(lambda: member.identities.confirm_draft(made.name, supplement()))
    assert told.code is grpc.StatusCode.FAILED_PRECONDITION
    assert told.reason == "TRANSITION_NOT_ALLOWED"
    stranger = served.client(served.token(subject="stranger"))
    late = refusal(lambda: stranger.identities.confirm_draft(made.name, supplement()))
    assert late.code is grpc.StatusCode.NOT_FOUND
    shown = platform.identities.get_draft(made.name)
    assert shown.state == STATES.STATE_PENDING
    assert not shown.submission
    assert not shown.supplies
    assert not shown.prefill.ListFields()
    assert member.identities.get_draft(made.name).submission == done.name
    assert refusal(lambda: platform.get_submission(done.name)).code is grpc.StatusCode.NOT_FOUND


@pytest.mark.feature("A2")
def test_draft_of_a_stranger_changes_nothing_of_an_enterprise(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    member = served.client(served.token())
    before = member.get_archive_and_etag(COMPANY.text)
    with platform_of(served) as platform:
        platform.identities.create_draft(COMPANY.text, prefill(title="九九市千草贸易有限公司"))
    assert member.get_archive_and_etag(COMPANY.text) == before
    owner = served.client(served.token(owns=[COMPANY.text]))
    assert not owner.identities.requirements(COMPANY.text)


@pytest.mark.feature("A2", "B1")
def test_confirmation_needs_the_persons_authorization_and_what_is_missing(served: Served) -> None:
    with platform_of(served) as platform, served.client(served.token()) as member:
        made = platform.identities.create_draft(
            COMPANY.text, draft_pb2.Prefill(legal_form="有限责任公司")
        )
        bare = supplement(authorizations=[])
        told = refusal(lambda: member.identities.confirm_draft(made.name, bare))
        assert {(v.field, v.reason) for v in told.violations} == {
            ("claims.title", "REQUIRED"),
            ("claims.authorizations", "AUTHORIZATION_REQUIRED"),
        }
        assert member.identities.get_draft(made.name).state == STATES.STATE_DRAFT


@pytest.mark.feature("A2")
def test_draft_is_erased_after_thirty_days(served: Served) -> None:
    with platform_of(served) as platform:
        made = platform.identities.create_draft(COMPANY.text, prefill())
    assert made.expire_time.ToMicroseconds() == builders.NOW + 30 * DAY
    served.clock.now = Instant(builders.NOW + 30 * DAY)
    with served.client(served.token()) as member:
        told = refusal(lambda: member.identities.get_draft(made.name))
        assert told.code is grpc.StatusCode.NOT_FOUND
    served.server.worker.run_once()
    assert rows(served, tables.draft) == 0


@pytest.mark.feature("A2")
def test_platform_takes_its_draft_back_and_nothing_of_it_is_left(served: Served) -> None:
    registered(served)
    with (
        platform_of(served) as platform,
        platform_of(served, "another") as other,
        served.client(served.token()) as member,
    ):
        made = platform.identities.create_draft(COMPANY.text, prefill(), builders.request_id())
        assert refusal(lambda: other.identities.delete_draft(made.name)).reason == NOT_FOUND
        for _ in range(2):
            gone = platform.identities.delete_draft(made.name)
            assert gone.state == STATES.STATE_WITHDRAWN
            assert gone.prefill == draft_pb2.Prefill()
            assert not gone.supplies
        assert refusal(lambda: member.identities.get_draft(made.name)).reason == NOT_FOUND
        confirmed = refusal(lambda: member.identities.confirm_draft(made.name, supplement()))
        assert confirmed.reason == NOT_FOUND
    with served.store.reading() as work:
        (kept,) = work.execute(sa.select(tables.draft.c.prefill)).scalars()
    assert kept == "{}"


@pytest.mark.feature("A2")
def test_draft_that_was_confirmed_is_the_enterprises_and_not_taken_back(served: Served) -> None:
    registered(served)
    with platform_of(served) as platform, served.client(served.token()) as member:
        made = platform.identities.create_draft(COMPANY.text, prefill(), builders.request_id())
        done = member.identities.confirm_draft(made.name, supplement(), builders.request_id(2))
        refused = refusal(lambda: platform.identities.delete_draft(made.name))
        assert refused.reason == "TRANSITION_NOT_ALLOWED"
        assert member.get_submission(done.name).state == STATES.STATE_VERIFIED


@pytest.mark.feature("A2")
def test_request_that_makes_or_confirms_a_draft_is_no_other_one(served: Served) -> None:
    registered(served)
    first, second = builders.request_id(1), builders.request_id(2)
    with platform_of(served) as platform, served.client(served.token()) as member:
        made = platform.identities.create_draft(COMPANY.text, prefill(), first)
        other = prefill(title="九九市千草贸易有限公司")
        reused = refusal(lambda: platform.identities.create_draft(COMPANY.text, other, first))
        assert reused.reason == "REQUEST_ID_REUSED"
        done = member.identities.confirm_draft(made.name, supplement(), second)
        again = supplement(email="other@example.com")
        reused = refusal(lambda: member.identities.confirm_draft(made.name, again, second))
        assert reused.reason == "REQUEST_ID_REUSED"
        same = member.identities.confirm_draft(made.name, supplement(), second)
        assert same.name == done.name


@pytest.mark.feature("A2")
def test_drafts_of_one_platform_are_limited_by_the_day(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "DRAFTS_PER_DAY", 2)
    with platform_of(served) as platform, platform_of(served, "olist") as other:
        for number in (1, 2):
            platform.identities.create_draft(COMPANY.text, prefill(), builders.request_id(number))
        limited = refusal(lambda: platform.identities.create_draft(COMPANY.text, prefill()))
        assert limited.reason == "RATE_LIMITED"
        assert other.identities.create_draft(COMPANY.text, prefill()).name
    served.clock.now = Instant(builders.NOW + DAY)
    with platform_of(served) as platform:
        assert platform.identities.create_draft(COMPANY.text, prefill()).name
