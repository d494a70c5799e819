"""Announced changes through a real channel, on both databases."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import grpc
import pytest
import sqlalchemy as sa

from bonafides.client import Client, RemoteError
from bonafides.identity import registry_operations
from bonafides.instants import DAY, Instant
from bonafides.storage import tables
from bonafides.v1 import enterprise_pb2, requirement_pb2
from tests import builders
from tests.serving import Served

COMPANY = builders.code()
STATES = enterprise_pb2.Submission
NEW_ADDRESS = "九九省九九市试验区千草路2号"
NEW_COPY = hashlib.sha256(b"new licence").digest()
TODAY_LATER = Instant(builders.NOW + 10 * DAY)


def registered(served: Served, **changes: str) -> None:
    row = builders.registry_row() | changes
    registry_operations.load_registry(served.store, served.vault, [row], now=served.clock.now)


def owner_of(served: Served) -> Client:
    return served.client(served.token(owns=[COMPANY.text]))


def verified(served: Served) -> enterprise_pb2.Submission:
    """The enterprise takes part; ten days pass."""
    registered(served)
    with owner_of(served) as owner:
        made = owner.submit_identity(builders.claims(), builders.request_id())
    assert made.state == STATES.STATE_VERIFIED
    served.clock.now = TODAY_LATER
    return made


def address(text: str = NEW_ADDRESS) -> enterprise_pb2.Amendment:
    license_ = enterprise_pb2.License(registered_address=text, copy_sha256=NEW_COPY)
    return enterprise_pb2.Amendment(license=license_)


def refusal(call: Callable[[], Any]) -> RemoteError:
    with pytest.raises(RemoteError) as refused:
        call()
    return refused.value


def results(shown: enterprise_pb2.Submission) -> dict[str, enterprise_pb2.CheckResult]:
    return {each.check: each for each in shown.checks}


@pytest.mark.feature("A12", "A10")
def test_changed_address_puts_its_own_check_back_and_leaves_the_others_with_their_dates(
    served: Served,
) -> None:
    """Verified; ten days later a new address is announced, which the registry has not yet."""
    before = verified(served)
    with owner_of(served) as owner:
        made = owner.identities.amend(COMPANY.text, address(), builders.request_id(2))
        assert made.state == STATES.STATE_PENDING
        assert [step.reason for step in made.history] == ["CHANGE_ANNOUNCED"]
        found, then = results(made), results(before)
        assert found["registered_address"].note == "VALUE_BEFORE"
        assert found["registered_address"].outcome == enterprise_pb2.OUTCOME_NO_EVIDENCE
        kept = set(found) - {"registered_address"}
        assert {name: found[name] for name in kept} == {name: then[name] for name in kept}
        shown = owner.get_archive(COMPANY.text).registration
        assert shown.registered_address == builders.registration().registered_address
        (checking,) = [
            each
            for each in owner.identities.requirements(COMPANY.text)
            if each.state == requirement_pb2.Requirement.STATE_BEING_CHECKED
        ]
        assert (checking.item, checking.reason) == ("license.registered_address", "VALUE_BEFORE")
        assert list(checking.disables) == [requirement_pb2.Requirement.EFFECT_CHANGE]


@pytest.mark.feature("A12")
def test_change_is_verified_once_the_registry_has_it_and_the_old_value_stays_in_history(
    served: Served,
) -> None:
    before = verified(served)
    with owner_of(served) as owner:
        made = owner.identities.amend(COMPANY.text, address())
    served.clock.now = Instant(TODAY_LATER + 5 * DAY)
    registered(served, registered_address=NEW_ADDRESS)
    served.server.worker.run_once()
    with owner_of(served) as owner:
        done = owner.get_submission(made.name)
        assert done.state == STATES.STATE_VERIFIED
        assert done.amends == before.name
        # What was not checked anew is as old as it was.
        assert done.expire_time == before.expire_time
        told = {each.field: (each.before, each.after) for each in done.changes}
        assert told["license.registered_address"] == (
            builders.registration().registered_address,
            NEW_ADDRESS,
        )
        assert owner.get_archive(COMPANY.text).registration.registered_address == NEW_ADDRESS
        assert owner.get_submission(before.name) == before


@pytest.mark.feature("A12")
def test_contacts_change_without_any_source_being_asked(served: Served) -> None:
    verified(served)
    changes = enterprise_pb2.Amendment(phone="13900139000", email="new@example.com")
    with owner_of(served) as owner:
        done = owner.identities.amend(COMPANY.text, changes)
    assert done.state == STATES.STATE_VERIFIED
    assert [(each.field, each.before, each.after) for each in done.changes] == [
        ("email", "", ""),
        ("phone", "", ""),
    ]
    uid = done.name.split("/")[-1]
    with served.store.reading() as work:
        asked = work.execute(sa.select(tables.evidence.c.uid)).scalars()
        assert uid not in set(asked)


@pytest.mark.feature("A12", "B1")
def test_new_representative_needs_an_authorization_and_is_checked(served: Served) -> None:
    verified(served)
    other = enterprise_pb2.Representative(person="测九十", id_number=builders.ID_NUMBER)
    with owner_of(served) as owner:
        bare = enterprise_pb2.Amendment(representatives=[other])
        told = refusal(lambda: owner.identities.amend(COMPANY.text, bare))
        assert [(v.field, v.reason) for v in told.violations] == [
            ("changes.authorizations", "AUTHORIZATION_REQUIRED")
        ]
        bare.authorizations.append(builders.authorization())
        made = owner.identities.amend(COMPANY.text, bare)
        assert made.state == STATES.STATE_ACTION_REQUIRED
        assert results(made)["representative"].outcome == enterprise_pb2.OUTCOME_MISMATCH
        assert results(made)["title"].provenance.retrieve_time.ToMicroseconds() < builders.NOW
        assert owner.get_archive(COMPANY.text).verification.expire_time.ToMicroseconds()
        # Announced anew, rightly: the one that failed is withdrawn.
        owner.identities.amend(COMPANY.text, address())
        gone = owner.get_submission(made.name)
    assert (gone.state, gone.history[-1].reason) == (STATES.STATE_WITHDRAWN, "SUPERSEDED")


@pytest.mark.feature("A12", "B2")
def test_announcement_brings_nothing_back_that_was_taken_back(served: Served) -> None:
    registered(served)
    agreed = [builders.authorization(), builders.authorization(enterprise_pb2.PURPOSE_RATE)]
    with owner_of(served) as owner:
        owner.submit_identity(builders.claims(authorizations=agreed), builders.request_id())
        owner.consents.revoke(COMPANY.text, enterprise_pb2.PURPOSE_RATE)
        owner.consents.revoke_platform(COMPANY.text, builders.PLATFORM)
        changes = enterprise_pb2.Amendment(phone="13900139000")
        assert owner.identities.amend(COMPANY.text, changes).state == STATES.STATE_VERIFIED
        live = {each.purpose for each in owner.consents.ledger(COMPANY.text) if each.live}
        assert live == {enterprise_pb2.PURPOSE_VERIFY_IDENTITY}
        assert all(each.HasField("revoke_time") for each in owner.consents.platforms(COMPANY.text))


@pytest.mark.feature("A12", "A10")
def test_only_what_is_verified_is_amended_and_only_by_its_owner(served: Served) -> None:
    made = verified(served)
    stranger = served.client(served.token(subject="stranger"))
    told = refusal(lambda: stranger.identities.amend(COMPANY.text, address()))
    assert told.code is grpc.StatusCode.NOT_FOUND
    with owner_of(served) as owner:
        same = enterprise_pb2.Amendment(title=builders.registration().title)
        told = refusal(lambda: owner.identities.amend(COMPANY.text, same))
        assert [v.reason for v in told.violations] == ["NOTHING_CHANGED"]
        empty = enterprise_pb2.Amendment()
        told = refusal(lambda: owner.identities.amend(COMPANY.text, empty))
        assert [v.reason for v in told.violations] == ["REQUIRED"]
        first = owner.identities.amend(COMPANY.text, address(), builders.request_id(5))
        again = owner.identities.amend(COMPANY.text, address(), builders.request_id(5))
        assert again == first
    served.clock.now = Instant(made.expire_time.ToMicroseconds())
    with owner_of(served) as owner:
        late = refusal(lambda: owner.identities.amend(COMPANY.text, address()))
    assert late.code is grpc.StatusCode.FAILED_PRECONDITION
    assert late.reason == "TRANSITION_NOT_ALLOWED"


@pytest.mark.feature("A12")
def test_registry_that_never_follows_makes_the_change_the_enterprises_to_mend(
    served: Served,
) -> None:
    verified(served)
    with owner_of(served) as owner:
        made = owner.identities.amend(COMPANY.text, address())
    served.clock.now = Instant(TODAY_LATER + 31 * DAY)
    served.server.worker.run_once()
    with owner_of(served) as owner:
        shown = owner.get_submission(made.name)
    assert shown.state == STATES.STATE_ACTION_REQUIRED
    assert results(shown)["registered_address"].remedy


@pytest.mark.feature("A12")
def test_request_that_announces_a_change_is_no_other_one(served: Served) -> None:
    verified(served)
    with owner_of(served) as owner:
        made = owner.identities.amend(COMPANY.text, address(), builders.request_id(2))
        other = address("九九省九九市试验区千草路3号")
        reused = refusal(
            lambda: owner.identities.amend(COMPANY.text, other, builders.request_id(2))
        )
        assert reused.reason == "REQUEST_ID_REUSED"
        again = owner.identities.amend(COMPANY.text, address(), builders.request_id(2))
        assert again.name == made.name
