"""How a login becomes the owner: through a real channel, on both databases."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bonafides.access.callers import Caller, CallerKind, Standing
from bonafides.client import Client, RemoteError
from bonafides.identity import registry_operations
from bonafides.identity.membership import CODE_TERM, CONTACT_AGE, MOST_TRIES
from bonafides.instants import DAY, MICROSECONDS, Instant
from bonafides.storage import membership as member_rows
from bonafides.storage import tables
from bonafides.storage.follower import Follower
from bonafides.storage.standings import Standings
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_pb2, enterprise_pb2, ownership_pb2, record_service_pb2
from tests import builders, integrators
from tests.serving import Served

CODE = builders.code()
STATES = ownership_pb2.OwnershipClaim
NOT_OURS = record_service_pb2.DisputeStoreRequest.GROUND_NOT_OURS
CONTACT = "registry.contact@example.com"
SANDBOX = "bonafides-sandbox"


def login(served: Served, subject: str, **claims: object) -> Client:
    return served.client(served.token("member", subject=subject, **claims))  # type: ignore[arg-type]  # keywords of the token


def staff(served: Served, subject: str) -> Client:
    return served.client(served.token("operator", subject=subject))


def registered(served: Served, contact: str | None = CONTACT) -> None:
    row = builders.registry_row()
    if contact is not None:
        row["contact_email"] = contact
    registry_operations.load_registry(served.store, served.vault, [row], now=served.clock.now)


def verified(client: Client, number: int = 1) -> str:
    """Submits as the login; returns the name of the verified submission."""
    made = client.submit_identity(builders.claims(), builders.request_id(number))
    assert made.state == enterprise_pb2.Submission.STATE_VERIFIED
    return made.name


def sent(served: Served) -> dict[str, str]:
    """What the worker sent, by the uid of the claim."""
    served.server.worker.run_once()
    folder = served.settings.data_dir / "outbox"
    return {file.stem: file.read_text(encoding="utf-8") for file in folder.glob("*.txt")}


def code_for(served: Served, claim: ownership_pb2.OwnershipClaim) -> str:
    text = sent(served)[claim.name.rsplit("/", 1)[1]]
    found = re.search(r"验证码:(\d{8})", text)
    assert found
    return found[1]


def owned(served: Served, subject: str = "founder") -> Client:
    """Makes the login the owner by a challenge."""
    registered(served)
    client = login(served, subject)
    claim = client.ownership.claim(verified(client))
    done = client.ownership.confirm(claim.name, code_for(served, claim))
    assert done.state == STATES.STATE_GRANTED
    # What comes next comes later, and is listed before this.
    served.clock.now = Instant(builders.NOW + MICROSECONDS)
    return client


@contextlib.contextmanager
def refused(reason: str) -> Iterator[None]:
    with pytest.raises(RemoteError) as fault:
        yield
    assert fault.value.reason == reason


@pytest.mark.feature("A15")
def test_login_owns_after_a_verified_submission_and_a_code_to_the_registrys_contact(
    served: Served,
) -> None:
    registered(served)
    with login(served, "founder") as client:
        claim = client.ownership.claim(verified(client))
        assert claim.state == STATES.STATE_CHALLENGED
        assert claim.contact == "r***@example.com"
        # Proved by nothing yet: a member like any other.
        with refused("RESOURCE_NOT_FOUND"):
            client.ownership.members(CODE.text)
        with refused("RESOURCE_NOT_FOUND"):
            client.consents.authorize_platform(CODE.text, "olist")
        text = sent(served)[claim.name.rsplit("/", 1)[1]]
        assert f"To: {CONTACT}" in text
        assert builders.EMAIL not in text
        done = client.ownership.confirm(claim.name, code_for(served, claim))
        assert done.state == STATES.STATE_GRANTED
        (member,) = client.ownership.members(CODE.text)
        assert (member.subject, member.issuer, member.means) == ("founder", SANDBOX, "CHALLENGE")
        assert member.member_role == ownership_pb2.MEMBER_ROLE_OWNER
        # The owner's view, with why the level is what it is.
        assert client.get_rating(CODE.text).contributions or client.get_rating(CODE.text).rules


@pytest.mark.feature("D7")
def test_nobody_acts_for_an_enterprise_that_takes_no_part(served: Served) -> None:
    """The sandbox's issuer may name any code: that alone makes nobody an owner of anything."""
    with login(served, "founder", owns=[CODE.text]) as client:
        for ask in (client.ownership.members, client.ownership.notices):
            with refused("RESOURCE_NOT_FOUND"):
                ask(CODE.text)


@pytest.mark.feature("D7")
def test_claim_is_found_by_its_claimant_and_staff_alone(served: Served) -> None:
    registered(served)
    with login(served, "founder") as client:
        claim = client.ownership.claim(verified(client))
        right = code_for(served, claim)
    with login(served, "stranger") as other:
        with refused("RESOURCE_NOT_FOUND"):
            other.ownership.get(claim.name)
        with refused("RESOURCE_NOT_FOUND"):
            other.ownership.confirm(claim.name, right)
    with staff(served, "clerk") as clerk:
        assert clerk.ownership.get(claim.name).state == STATES.STATE_CHALLENGED


@pytest.mark.feature("A15")
def test_code_is_good_once_and_only_for_its_term(served: Served) -> None:
    registered(served)
    with login(served, "founder") as client:
        name = verified(client)
        claim = client.ownership.claim(name)
        right = code_for(served, claim)
        served.clock.now = Instant(builders.NOW + CODE_TERM)
    with login(served, "founder") as client:
        assert client.ownership.get(claim.name).state == STATES.STATE_EXPIRED
        with refused("CODE_NOT_VALID"):
            client.ownership.confirm(claim.name, right)
        again = client.ownership.claim(name)
        fresh = code_for(served, again)
        assert client.ownership.confirm(again.name, fresh).state == STATES.STATE_GRANTED
        with refused("CODE_NOT_VALID"):
            client.ownership.confirm(again.name, fresh)


@pytest.mark.feature("A15")
def test_attack_guessing_ends_the_claim_after_five_tries(served: Served) -> None:
    registered(served)
    with login(served, "founder") as client:
        name = verified(client)
        claim = client.ownership.claim(name)
        right = code_for(served, claim)
        wrong = f"{(int(right) + 1) % 10**8:08d}"
        for _ in range(MOST_TRIES):
            with refused("CODE_NOT_VALID"):
                client.ownership.confirm(claim.name, wrong)
        with refused("CODE_NOT_VALID"):
            client.ownership.confirm(claim.name, right)
        # New codes come, but not without end.
        for _ in range(2):
            client.ownership.claim(name)
        with refused("RATE_LIMITED"):
            client.ownership.claim(name)


@pytest.mark.feature("A15", "J9")
def test_code_and_contact_stand_nowhere_in_clear(served: Served) -> None:
    registered(served)
    with login(served, "founder") as client:
        claim = client.ownership.claim(verified(client))
        code = code_for(served, claim)
    with served.store.reading() as work:
        held = [
            repr(tuple(row)).encode() + b"".join(v for v in row if isinstance(v, bytes))
            for table in tables.metadata.sorted_tables
            for row in work.execute(sa.select(table))
        ]
        keys = work.execute(sa.select(tables.subject_key.c.subject)).scalars().all()
    assert not [row for row in held if code.encode() in row or CONTACT.encode() in row]
    # Sent is done with: the message can't be read any more.
    assert not [subject for subject in keys if subject.startswith("outbox/")]


@pytest.mark.feature("A15")
def test_claim_without_a_verified_submission_of_ones_own_is_refused(served: Served) -> None:
    with login(served, "founder") as client, login(served, "rival") as rival:
        pending = client.submit_identity(builders.claims(), builders.request_id()).name
        with refused("OWNERSHIP_STATE"):
            client.ownership.claim(pending)
        with refused("RESOURCE_NOT_FOUND"):
            rival.ownership.claim(pending)
        with refused("RESOURCE_NOT_FOUND"):
            rival.ownership.get(f"enterprises/{CODE}/ownershipClaims/{builders.request_id()}")


@pytest.mark.feature("A15")
def test_claimants_own_contact_proves_nothing(served: Served) -> None:
    registered(served, contact=None)
    consenting = [
        builders.authorization(),
        enterprise_pb2.Authorization(
            purpose=enterprise_pb2.PURPOSE_PROVE_OWNERSHIP,
            scope=["email"],
            evidence_sha256=bytes(32),
            grant_time=builders.stamp(builders.NOW - DAY),
        ),
    ]
    with login(served, "founder") as client:
        made = client.submit_identity(
            builders.claims(authorizations=consenting), builders.request_id()
        )
        claim = client.ownership.claim(made.name)
    assert claim.state == STATES.STATE_AWAITING_VOUCHER
    assert sent(served) == {}


@pytest.mark.feature("A15", "B4", "B2")
def test_earlier_records_contact_needs_age_and_a_live_consent(served: Served) -> None:
    """An earlier submitter's contact; too young; old enough; consent taken back."""
    registered(served, contact=None)
    consenting = [
        builders.authorization(),
        enterprise_pb2.Authorization(
            purpose=enterprise_pb2.PURPOSE_PROVE_OWNERSHIP,
            scope=["email"],
            evidence_sha256=bytes(32),
            grant_time=builders.stamp(builders.NOW - DAY),
        ),
    ]
    with login(served, "bookkeeper") as first:
        first.submit_identity(builders.claims(authorizations=consenting), builders.request_id())
    with login(served, "founder") as client:
        young = client.ownership.claim(verified(client, 2))
        assert young.state == STATES.STATE_AWAITING_VOUCHER
    served.clock.now = Instant(builders.NOW + CONTACT_AGE)
    with login(served, "founder") as client:
        name = verified(client, 3)
        claim = client.ownership.claim(name)
        assert claim.state == STATES.STATE_CHALLENGED
        # The code waits in the outbox when the person takes the consent back.
        with login(served, "keeper", owns=[CODE.text]) as keeper:
            keeper.consents.revoke(CODE.text, enterprise_pb2.PURPOSE_PROVE_OWNERSHIP)
        assert sent(served) == {}
        assert client.ownership.claim(name).state == STATES.STATE_AWAITING_VOUCHER


@pytest.mark.feature("A15", "A3")
def test_fewer_than_four_elements_make_nobody_own(served: Served) -> None:
    registered(served)
    with login(served, "founder") as client:
        three = builders.claims()
        three.depth = enterprise_pb2.CHECK_DEPTH_THREE
        made = client.submit_identity(three, builders.request_id())
        assert made.state == enterprise_pb2.Submission.STATE_VERIFIED
        with refused("OWNERSHIP_STATE"):
            client.ownership.claim(made.name)


@pytest.mark.feature("A15", "A3", "A13")
@pytest.mark.parametrize("counts", ["four elements", "three elements", "over"])
def test_contact_on_record_is_of_four_elements_that_hold(served: Served, counts: str) -> None:
    """The founder's consent covers the enterprise; the bookkeeper's record has the contact."""
    registered(served, contact=None)
    prove = builders.authorization(enterprise_pb2.PURPOSE_PROVE_OWNERSHIP)
    prove.scope[:] = ["email"]
    earlier = builders.claims()
    if counts == "three elements":
        earlier.depth = enterprise_pb2.CHECK_DEPTH_THREE
    with login(served, "bookkeeper") as first:
        made = first.submit_identity(earlier, builders.request_id())
        assert made.state == enterprise_pb2.Submission.STATE_VERIFIED
    later = CONTACT_AGE
    if counts == "over":
        # No round of the worker has noted yet that the term is over.
        later = made.expire_time.ToMicroseconds() - builders.NOW
    served.clock.now = Instant(builders.NOW + later)
    with login(served, "founder") as client:
        both = builders.claims(authorizations=[builders.authorization(), prove])
        name = client.submit_identity(both, builders.request_id(2)).name
        claim = client.ownership.claim(name)
    expected = STATES.STATE_AWAITING_VOUCHER
    if counts == "four elements":
        expected = STATES.STATE_CHALLENGED
    assert claim.state == expected


@pytest.mark.feature("A15")
def test_vouching_comes_too_late_for_a_claim_whose_code_is_over(served: Served) -> None:
    registered(served)
    builders.link_stores(served.store, [builders.transaction()])
    with login(served, "founder") as client:
        name = verified(client)
        claim = client.ownership.claim(name)
    served.clock.now = Instant(builders.NOW + CODE_TERM)
    with login(served, "founder") as client, served.client(served.token("platform")) as platform:
        platform.ownership.vouch(CODE.text, issuer=SANDBOX, subject="founder")
        # Told to be over, it stays over; the word is good for the next one.
        assert client.ownership.get(claim.name).state == STATES.STATE_EXPIRED
        assert client.ownership.claim(name).state == STATES.STATE_GRANTED


def describe(owner: Client) -> object:
    name = f"enterprises/{CODE}/self-description"
    told = archive_pb2.SelfDescription(name=name, main_products=["百货"])
    return owner.update_self_description(told)


def dispute(owner: Client) -> object:
    return owner.dispute_store(CODE.text, builders.PLATFORM, "link-s1", NOT_OURS)


@pytest.mark.feature("A15")
@pytest.mark.parametrize("write", [describe, dispute])
def test_owner_who_was_removed_elsewhere_writes_nothing_whatever_is_remembered(
    served: Served, database_url: str, write: Callable[[Client], object]
) -> None:
    """Reads may show it to be an owner for a second more; writes look it up anew."""
    builders.link_stores(served.store, [builders.transaction()])
    with owned(served) as owner:
        assert owner.get_archive(CODE.text).freshness
        other = Store(database_url)
        with other.writing() as work:
            (member,) = member_rows.owners(work, CODE.text)
            member_rows.end_member(work, member, actor="staff", now=served.clock.now)
            work.commit()
        try:
            with refused("RESOURCE_NOT_FOUND"):
                write(owner)
        finally:
            other.close()


@pytest.mark.feature("A15")
def test_platform_that_reports_the_enterprises_records_vouches(served: Served) -> None:
    registered(served, contact=None)
    with login(served, "founder") as client, served.client(served.token("platform")) as platform:
        claim = client.ownership.claim(verified(client))
        assert claim.state == STATES.STATE_AWAITING_VOUCHER
        with refused("RESOURCE_NOT_FOUND"):
            platform.ownership.vouch(CODE.text, issuer=SANDBOX, subject="founder")
        builders.link_stores(served.store, [builders.transaction()])
        platform.ownership.vouch(CODE.text, issuer="another-issuer", subject="founder")
        assert client.ownership.get(claim.name).state == STATES.STATE_AWAITING_VOUCHER
        platform.ownership.vouch(CODE.text, issuer=SANDBOX, subject="founder")
        assert client.ownership.get(claim.name).state == STATES.STATE_GRANTED
        assert [m.means for m in client.ownership.members(CODE.text)] == ["VOUCHED"]


@pytest.mark.feature("A15")
def test_second_claim_is_a_dispute_that_the_owner_is_told_of_and_two_of_staff_decide(
    served: Served,
) -> None:
    owner = owned(served)
    builders.link_stores(served.store, [builders.transaction()])
    with owner, login(served, "rival") as rival:
        with served.client(served.token("platform")) as platform:
            # No voucher counts against an owner.
            platform.ownership.vouch(CODE.text, issuer=SANDBOX, subject="rival")
        claim = rival.ownership.claim(verified(rival, 2))
        assert claim.state == STATES.STATE_DISPUTED
        with refused("RESOURCE_NOT_FOUND"):
            rival.ownership.members(CODE.text)
        assert owner.ownership.notices(CODE.text)[0].reason == "OWNERSHIP_DISPUTED"
        served.clock.now = Instant(served.clock.now + MICROSECONDS)
        with staff(served, "ann") as ann, staff(served, "bob") as bob:
            assert [each.name for each in ann.ownership.disputes()] == [claim.name]
            proposed = ann.ownership.decide(claim.name, granted=True)
            assert (proposed.state, proposed.proposed) == (
                STATES.STATE_DISPUTED,
                STATES.STATE_GRANTED,
            )
            # Nobody but staff sees what is proposed.
            assert not rival.ownership.get(claim.name).proposed
            with refused("SECOND_PERSON_REQUIRED"):
                ann.ownership.decide(claim.name, granted=True)
            assert bob.ownership.decide(claim.name, granted=True).state == STATES.STATE_GRANTED
            with refused("OWNERSHIP_STATE"):
                ann.ownership.decide(claim.name, granted=False)
        assert [
            (m.subject, m.HasField("end_time")) for m in rival.ownership.members(CODE.text)
        ] == [
            ("rival", False),
            ("founder", True),
        ]
        with refused("RESOURCE_NOT_FOUND"):
            owner.ownership.members(CODE.text)


@pytest.mark.feature("A15", "I10")
def test_ownership_that_staff_give_to_another_ends_what_the_earlier_owner_authorized(
    served: Served,
) -> None:
    with owned(served), login(served, "rival") as rival:
        integrators.application(served.store, "app-1")
        token, _ = integrators.authorized(served, "app-1", CODE)
        claim = rival.ownership.claim(verified(rival, 2))
        served.clock.now = Instant(served.clock.now + MICROSECONDS)
        with integrators.integrator(served, "app-1", token) as acting:
            acting.get_archive(CODE.text)
            with staff(served, "ann") as ann, staff(served, "bob") as bob:
                ann.ownership.decide(claim.name, granted=True)
                bob.ownership.decide(claim.name, granted=True)
            with refused("AGENT_TOKEN_INVALID"):
                acting.get_archive(CODE.text)


@pytest.mark.feature("A15")
def test_refused_dispute_changes_nothing_and_another_outcome_begins_anew(served: Served) -> None:
    with owned(served) as owner, login(served, "rival") as rival:
        claim = rival.ownership.claim(verified(rival, 2))
        served.clock.now = Instant(served.clock.now + MICROSECONDS)
        with staff(served, "ann") as ann, staff(served, "bob") as bob:
            ann.ownership.decide(claim.name, granted=True)
            other = bob.ownership.decide(claim.name, granted=False)
            assert other.proposed == STATES.STATE_REFUSED
            assert ann.ownership.decide(claim.name, granted=False).state == STATES.STATE_REFUSED
        assert [m.subject for m in owner.ownership.members(CODE.text)] == ["founder"]
        assert owner.ownership.notices(CODE.text)[0].reason == "OWNERSHIP_KEPT"


@pytest.mark.feature("A15")
def test_attack_whoever_claims_decides_nothing_of_it_as_staff(served: Served) -> None:
    with owned(served), login(served, "ann") as rival, staff(served, "bob") as bob:
        claim = rival.ownership.claim(verified(rival, 2))
        bob.ownership.decide(claim.name, granted=True)
        with staff(served, "ann") as ann, refused("SECOND_PERSON_REQUIRED"):
            ann.ownership.decide(claim.name, granted=True)
        assert bob.ownership.get(claim.name).state == STATES.STATE_DISPUTED


@pytest.mark.feature("A15")
def test_staff_are_invited_read_and_are_out_at_once_when_removed(served: Served) -> None:
    with owned(served) as owner, login(served, "helper") as helper:
        request_id = builders.request_id(9)
        invitation = owner.ownership.invite(CODE.text, request_id=request_id)
        assert owner.ownership.invite(CODE.text, request_id=request_id) == invitation
        with refused("CODE_NOT_VALID"):
            helper.ownership.join(CODE.text, "0" * 32)
        assert not helper.get_archive(CODE.text).freshness
        joined = helper.ownership.join(CODE.text, invitation.one_time_code)
        assert joined.member_role == ownership_pb2.MEMBER_ROLE_STAFF
        with login(served, "third") as third, refused("CODE_NOT_VALID"):
            third.ownership.join(CODE.text, invitation.one_time_code)
        # Reads what the enterprise sees of itself, and writes nothing.
        assert helper.get_archive(CODE.text).freshness
        assert len(helper.ownership.members(CODE.text)) == 2
        with refused("RESOURCE_NOT_FOUND"):
            helper.ownership.invite(CODE.text)
        with refused("RESOURCE_NOT_FOUND"):
            helper.consents.revoke_platform(CODE.text, builders.PLATFORM)
        owner.ownership.remove(joined.name)
        assert not helper.get_archive(CODE.text).freshness
        with refused("RESOURCE_NOT_FOUND"):
            helper.ownership.members(CODE.text)
        (founder,) = [m for m in owner.ownership.members(CODE.text) if m.subject == "founder"]
        with refused("LAST_OWNER"):
            owner.ownership.remove(founder.name)


@pytest.mark.feature("A15")
def test_attack_member_who_owns_nothing_removes_nobody_and_may_leave(served: Served) -> None:
    with owned(served) as owner, login(served, "helper") as helper, login(served, "other") as other:
        joined = [
            client.ownership.join(CODE.text, owner.ownership.invite(CODE.text).one_time_code)
            for client in (helper, other)
        ]
        with login(served, "stranger") as stranger:
            for client in (helper, stranger):
                with refused("RESOURCE_NOT_FOUND"):
                    client.ownership.remove(joined[1].name)
        assert other.get_archive(CODE.text).freshness
        helper.ownership.remove(joined[0].name)
        assert not helper.get_archive(CODE.text).freshness


@pytest.mark.feature("A15")
def test_owner_neither_claims_nor_joins_what_it_owns(served: Served) -> None:
    with owned(served) as owner:
        with refused("OWNERSHIP_STATE"):
            owner.ownership.claim(verified(owner, 2))
        invitation = owner.ownership.invite(CODE.text)
        with refused("OWNERSHIP_STATE"):
            owner.ownership.join(CODE.text, invitation.one_time_code)
        assert len(owner.ownership.members(CODE.text)) == 1


@pytest.mark.feature("A15")
def test_attack_removed_leaver_keeps_nothing_by_token_or_invitation(served: Served) -> None:
    """The leaver holds a token that says it owns, and an invitation made in good time."""
    with owned(served) as owner, login(served, "partner", owns=[CODE.text]) as partner:
        invited = owner.ownership.invite(CODE.text, owner=True)
        joined = partner.ownership.join(CODE.text, invited.one_time_code)
        backdoor = partner.ownership.invite(CODE.text, owner=True)
        assert partner.get_archive(CODE.text).freshness
        owner.ownership.remove(joined.name)
        assert not partner.get_archive(CODE.text).freshness
        with refused("RESOURCE_NOT_FOUND"):
            partner.ownership.members(CODE.text)
        with refused("CODE_NOT_VALID"):
            partner.ownership.join(CODE.text, backdoor.one_time_code)


@pytest.mark.feature("A15")
def test_removal_reaches_the_memory_of_other_processes(served: Served, database_url: str) -> None:
    with owned(served) as owner:
        invitation = owner.ownership.invite(CODE.text)
        with login(served, "helper") as helper:
            joined = helper.ownership.join(CODE.text, invitation.one_time_code)
        other = Store(database_url)
        follower = Follower(other, monotonic=time.monotonic)
        standings = Standings(other, follower)
        follower.start()
        try:
            caller = Caller(CallerKind.MEMBER, SANDBOX, "helper")
            assert standings.read(caller, CODE.text) is Standing.STAFF
            owner.ownership.remove(joined.name)
            # It polls; what it says meanwhile is at most a second old.
            until = time.monotonic() + 20
            while standings.at_once(caller, CODE.text) is Standing.STAFF:
                assert time.monotonic() < until
                time.sleep(0.05)
            assert standings.read(caller, CODE.text) is Standing.REMOVED
        finally:
            follower.stop()
            other.close()


@pytest.mark.feature("A15")
def test_message_is_tried_again_while_it_can_be_and_then_given_up(
    served: Served,
) -> None:
    registered(served)
    folder: Path = served.settings.data_dir / "outbox"
    folder.write_text("in the way", encoding="utf-8")
    with login(served, "founder") as client:
        claim = client.ownership.claim(verified(client))
    served.server.worker.run_once()
    folder.unlink()
    assert sent(served) == {}
    served.clock.now = Instant(builders.NOW + 10 * MICROSECONDS)
    assert set(sent(served)) == {claim.name.rsplit("/", 1)[1]}


@pytest.mark.feature("A15")
def test_nobody_owns_by_a_token_in_live(served: Served) -> None:
    """Ownership in live is membership alone: what tokens say of it is dropped there.

    `test_callers` has the dropping; here a member without a claim finds nothing.
    """
    builders.enroll(served.store, CODE)
    with login(served, "stranger") as client:
        for call in (
            lambda: client.consents.authorize_platform(CODE.text, "olist"),
            lambda: client.consents.assent(CODE.text, "SERVICE_AGREEMENT", builders.AGREEMENT),
            lambda: client.ownership.invite(CODE.text),
        ):
            with refused("RESOURCE_NOT_FOUND"):
                call()
