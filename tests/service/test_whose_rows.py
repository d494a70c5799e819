"""Rows are found by whose they are: what is another's beside them never comes along.

Here by the storage alone, on both databases; what callers get is tried elsewhere.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from bonafides.access.applications import ChangeKind
from bonafides.access.callers import Standing
from bonafides.access.managing import PENDING
from bonafides.identity.consent import Consent
from bonafides.identity.documents import Qr
from bonafides.identity.membership import Claim, ClaimState, Means, Member, Principal, Role
from bonafides.identity.submission import Assent, Depth, State
from bonafides.instants import DAY, Instant
from bonafides.personal.sealing import Sealed
from bonafides.rating.card import Level
from bonafides.storage import (
    agents,
    applications,
    documents,
    drafts,
    identity,
    overrides,
    platforms,
)
from bonafides.storage import consents as consent_rows
from bonafides.storage import membership as members
from bonafides.storage.unit_of_work import Store
from tests import builders
from tests.integrators import application

NOW = builders.NOW
EARLIER, LATER = Instant(NOW - DAY), Instant(NOW + DAY)
MINE, OTHERS = builders.code(1).text, builders.code(2).text
ANN, BEN = Principal("issuer", "ann"), Principal("issuer", "ben")
DIGEST = bytes(range(32))


def uid(number: int) -> str:
    return builders.request_id(number)


# --- Membership ----------------------------------------------------------------------


def member(number: int, code: str, principal: Principal, role: Role = Role.OWNER) -> Member:
    return Member(code, uid(number), principal, role, EARLIER, None, Means.DECIDED, None)


def test_members_are_those_of_the_enterprise(store: Store) -> None:
    with store.writing() as work:
        members.add_member(work, member(1, MINE, ANN))
        members.add_member(work, member(2, OTHERS, BEN))
        work.commit()
    with store.reading() as work:
        assert [each.principal for each in members.members(work, MINE)] == [ANN]
        assert members.standing(work, BEN, OTHERS) is Standing.OWNER
        assert members.standing(work, ANN, OTHERS) is Standing.NONE


def test_standings_are_those_of_the_whole_login(store: Store) -> None:
    namesake = Principal(f"another {ANN.issuer}", ANN.subject)
    with store.writing() as work:
        members.add_member(work, member(1, MINE, ANN))
        members.add_member(work, member(2, OTHERS, namesake))
        members.add_member(work, member(3, OTHERS, BEN))
        work.commit()
    with store.reading() as work:
        assert set(members.standings(work, ANN.issuer, ANN.subject)) == {MINE}
        assert members.standing(work, ANN, OTHERS) is Standing.NONE


def test_owners_are_neither_staff_nor_who_was_removed(store: Store) -> None:
    left = member(2, MINE, BEN)
    with store.writing() as work:
        members.add_member(work, member(1, MINE, ANN))
        members.add_member(work, left)
        members.add_member(work, member(3, MINE, Principal("issuer", "cleo"), Role.STAFF))
        members.end_member(work, left, actor=ANN.name, now=NOW)
        work.commit()
    with store.reading() as work:
        assert [each.principal for each in members.owners(work, MINE)] == [ANN]


def test_open_claims_are_those_of_the_login_on_the_enterprise(store: Store) -> None:
    claim = Claim(MINE, uid(1), ANN, uid(9), ClaimState.AWAITING_VOUCHER, NOW)
    with store.writing() as work:
        members.put_claim(work, claim)
        members.put_claim(work, dataclasses.replace(claim, uid=uid(2), principal=BEN))
        members.put_claim(work, dataclasses.replace(claim, uid=uid(3), code=OTHERS))
        members.put_claim(work, dataclasses.replace(claim, uid=uid(4), state=ClaimState.REFUSED))
        work.commit()
    with store.reading() as work:
        assert [each.uid for each in members.open_claims(work, MINE, ANN)] == [uid(1)]


@pytest.mark.parametrize(
    ("code", "principal", "since", "vouched"),
    [
        (MINE, ANN, EARLIER, True),
        (OTHERS, ANN, EARLIER, False),
        (MINE, BEN, EARLIER, False),
        (MINE, Principal("another", "ann"), EARLIER, False),
        (MINE, ANN, NOW, False),
    ],
    ids=["as vouched", "another enterprise", "another login", "another issuer", "too late"],
)
def test_voucher_is_for_one_login_one_enterprise_and_its_term(
    store: Store, code: str, principal: Principal, since: Instant, *, vouched: bool
) -> None:
    with store.writing() as work:
        members.vouch(work, MINE, builders.PLATFORM, ANN, now=NOW)
        work.commit()
    with store.reading() as work:
        assert members.is_vouched(work, code, principal, since) is vouched


def test_invitations_are_of_the_enterprise_untaken_and_in_their_term(store: Store) -> None:
    made = members.InvitationRow(MINE, uid(1), DIGEST, Role.STAFF, ANN.name, EARLIER, LATER)
    with store.writing() as work:
        members.add_invitation(work, made)
        members.add_invitation(work, dataclasses.replace(made, uid=uid(2), code=OTHERS))
        members.add_invitation(work, dataclasses.replace(made, uid=uid(3), expires_at=NOW))
        members.add_invitation(work, dataclasses.replace(made, uid=uid(4)))
        members.end_invitations(work, MINE, NOW, uid=uid(4))
        work.commit()
    with store.reading() as work:
        assert [each.uid for each in members.open_invitations(work, MINE, NOW)] == [uid(1)]


def test_invitations_end_with_who_made_them_and_no_others(store: Store) -> None:
    made = members.InvitationRow(MINE, uid(1), DIGEST, Role.STAFF, ANN.name, EARLIER, LATER)
    with store.writing() as work:
        members.add_invitation(work, made)
        members.add_invitation(work, dataclasses.replace(made, uid=uid(2), invited_by=BEN.name))
        members.add_invitation(work, dataclasses.replace(made, uid=uid(3), code=OTHERS))
        members.end_invitations(work, MINE, NOW, by=ANN.name)
        work.commit()
    with store.reading() as work:
        assert [each.uid for each in members.open_invitations(work, MINE, NOW)] == [uid(2)]
        assert len(members.open_invitations(work, OTHERS, NOW)) == 1


def test_notices_are_those_of_the_enterprise(store: Store) -> None:
    with store.writing() as work:
        members.add_notice(work, MINE, "OWNERSHIP_CLAIMED", NOW)
        members.add_notice(work, OTHERS, "LEVEL_FELL", NOW)
        work.commit()
    with store.reading() as work:
        assert [each.reason for each in members.notices(work, OTHERS)] == ["LEVEL_FELL"]


# --- Submissions and copies ----------------------------------------------------------


def submission(number: int, submitter: Principal = ANN, **changes: Any) -> identity.SubmissionRow:
    """Returns a submission of two days ago that was verified by four elements."""
    made = identity.SubmissionRow(
        code=MINE,
        uid=uid(number),
        submitter=submitter.name,
        request_id=uid(number),
        request_digest=DIGEST,
        state=State.VERIFIED,
        submitted_at=Instant(NOW - 2 * DAY),
        recheck_at=None,
        expires_at=LATER,
        title="",
        license=json.dumps({"copy_sha256": DIGEST.hex()}),
        assent=Assent(builders.AGREEMENT, EARLIER),
        depth=Depth.FOUR,
        personal_sealed=Sealed(b""),
    )
    return dataclasses.replace(made, **changes)


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"expires_at": None}, True),
        ({"submitter": BEN}, False),
        ({"state": State.REJECTED}, False),
        ({"state": State.PENDING}, False),
        ({"depth": Depth.THREE}, False),
        ({"submitted_at": NOW}, False),
        ({"expires_at": NOW}, False),
        ({"code": OTHERS}, False),
    ],
    ids=[
        *("another's that holds", "one without a term", "one's own", "refuted", "not verified"),
        *("three elements", "too young", "over", "another enterprise"),
    ],
)
def test_record_that_proves_a_claim_is_anothers_verified_old_and_in_force(
    store: Store, changes: dict[str, Any], *, counts: bool
) -> None:
    with store.writing() as work:
        identity.insert_submission(work, submission(1, **changes))
        found = members.earlier_records(work, MINE, besides=BEN.name, before=EARLIER, now=NOW)
    assert bool(found) is counts


def test_requests_and_submissions_are_those_of_the_submitter(store: Store) -> None:
    with store.writing() as work:
        identity.insert_submission(work, submission(1))
        identity.insert_submission(work, submission(2, BEN))
        assert identity.find_request(work, BEN.name, uid(1)) is None
        assert identity.submissions_of(work, MINE, BEN.name) == {uid(2)}
        told = identity.submissions_under(work, MINE, [BEN.name], 9)
        assert [each.uid for each in told] == [uid(2)]


def test_copy_is_its_uploaders_and_part_of_the_uploaders_submissions(store: Store) -> None:
    copy = documents.DocumentRow(
        MINE, uid(5), ANN.name, DIGEST, "image/png", 3, NOW, Qr.NO_CODE, None
    )
    with store.writing() as work:
        documents.insert(work, copy, [])
        identity.insert_submission(work, submission(2, BEN))
        identity.enroll(work, MINE, uid(2), NOW)
        assert documents.find_own(work, MINE, DIGEST, ANN.name) == copy
        assert documents.find_own(work, MINE, DIGEST, BEN.name) is None
        # Ben's submission names the same bytes, and enrolls the enterprise.
        assert documents.find_enrolling(work, MINE, DIGEST) is None
        assert documents.naming(work, copy, 9) == ()
        identity.insert_submission(work, submission(1))
        assert documents.naming(work, copy, 9) == (uid(1),)
        identity.enroll(work, MINE, uid(1), NOW)
        assert documents.find_enrolling(work, MINE, DIGEST) == copy
        documents.delete(work, copy, NOW)
        assert documents.find_own(work, MINE, DIGEST, ANN.name) is None
        assert documents.find_enrolling(work, MINE, DIGEST) is None
        assert documents.find(work, MINE, uid(5)) is None


# --- Applications --------------------------------------------------------------------


def test_keys_and_changes_are_those_of_the_application(store: Store) -> None:
    for client_id in ("sandbox-1", "sandbox-2"):
        application(store, client_id)
    key = applications.KeyRow("sandbox-1", "k1", "EdDSA", b"", EARLIER, LATER, EARLIER)
    change = applications.ChangeRow(
        "sandbox-1", uid(1), ChangeKind.KEY.value, "{}", PENDING, NOW, DIGEST, LATER
    )
    with store.writing() as work:
        for client_id, number in (("sandbox-1", 1), ("sandbox-2", 2)):
            applications.insert_key(
                work, dataclasses.replace(key, client_id=client_id, key_id=f"k{number}")
            )
            applications.put_change(
                work, dataclasses.replace(change, client_id=client_id, uid=uid(number))
            )
        work.commit()
    with store.reading() as work:
        assert [each.key_id for each in applications.keys_of(work, "sandbox-2")] == ["k2"]
        asked = applications.changes_since(work, "sandbox-2", EARLIER)
        assert [each.uid for each in asked] == [uid(2)]
        (waiting,) = applications.waiting_changes(work, ["sandbox-2"]).values()
        assert [each.uid for each in waiting] == [uid(2)]
        assert applications.find_change(work, "sandbox-2", uid(1)) is None


@pytest.mark.parametrize(
    ("client_id", "at", "good"),
    [("sandbox-1", NOW, True), ("sandbox-2", NOW, False), ("sandbox-1", LATER, False)],
    ids=["its own in time", "another application", "too late"],
)
def test_challenge_is_good_for_its_application_in_its_term_and_once(
    store: Store, client_id: str, at: Instant, *, good: bool
) -> None:
    made = applications.ChallengeRow("sandbox-1", uid(1), DIGEST, EARLIER, LATER)
    with store.writing() as work:
        applications.insert_challenge(work, made)
        first = applications.take_challenge(work, client_id, uid(1), at)
        assert (first is not None) is good
        if good:
            assert applications.take_challenge(work, client_id, uid(1), at) is None


def test_application_is_found_and_listed_by_its_maker_and_staff(store: Store) -> None:
    application(store, "sandbox-1")
    with store.reading() as work:
        for owner, found in (("issuer|developer", True), ("issuer|other", False), (None, True)):
            assert (applications.find_own(work, "sandbox-1", owner) is not None) is found
            assert bool(applications.list_own(work, owner, (0, ""), 9)) is found


# --- Integrators ---------------------------------------------------------------------


def authorization(number: int, code: str, client_id: str) -> agents.AuthorizationRow:
    return agents.AuthorizationRow(
        code=code,
        uid=uid(number),
        client_id=client_id,
        scopes=("archive.read",),
        environment="sandbox",
        granted_by=ANN.name,
        granted_at=EARLIER,
        expires_at=LATER,
        code_index=bytes([number]) * 32,
        code_expires_at=LATER,
    )


def test_authorizations_are_those_of_the_enterprise_or_the_application(store: Store) -> None:
    for client_id in ("sandbox-1", "sandbox-2"):
        application(store, client_id)
    made = (
        authorization(1, MINE, "sandbox-1"),
        authorization(2, OTHERS, "sandbox-1"),
        authorization(3, MINE, "sandbox-2"),
    )
    with store.writing() as work:
        for each in made:
            agents.insert_authorization(work, each)
        work.commit()
    with store.reading() as work:
        of_mine = agents.of_enterprise(work, MINE)
        assert sorted(each.uid for each in of_mine) == [uid(1), uid(3)]
        of_second = agents.of_application(work, "sandbox-2", after=(0, ""), limit=9)
        assert [each.uid for each in of_second] == [uid(3)]
        assert agents.find_authorization(work, MINE, uid(1), of_application="sandbox-2") is None
        assert agents.find_authorization(work, OTHERS, uid(1)) is None


def test_end_of_an_enterprises_authorizations_is_nobody_elses(store: Store) -> None:
    application(store, "sandbox-1")
    with store.writing() as work:
        agents.insert_authorization(work, authorization(1, MINE, "sandbox-1"))
        agents.insert_authorization(work, authorization(2, OTHERS, "sandbox-1"))
        agents.revoke(work, MINE, by=ANN.name, now=NOW)
        left = agents.find_authorization(work, OTHERS, uid(2))
        ended = agents.find_authorization(work, MINE, uid(1))
    assert left is not None
    assert left.revoked_at is None
    assert ended is not None
    assert ended.revoked_at == NOW


# --- Platforms -----------------------------------------------------------------------


def test_decisions_and_inquiries_are_those_of_platform_and_enterprise(store: Store) -> None:
    made = platforms.InquiryRow(MINE, "p1", uid(1), DIGEST, "UPDATE", "text", NOW, LATER)
    with store.writing() as work:
        platforms.add_inquiry(work, made)
        platforms.add_inquiry(work, dataclasses.replace(made, platform="p2", uid=uid(2)))
        platforms.add_inquiry(work, dataclasses.replace(made, code=OTHERS, uid=uid(3)))
        work.commit()
    top = platforms.Place(0, "", 9)
    with store.reading() as work:
        listed = {
            whose: sorted(each.uid for each in platforms.inquiries(work, whose, top))
            for whose in (
                platforms.Whose(MINE),
                platforms.Whose(platform="p1"),
                platforms.Whose(OTHERS, "p1"),
            )
        }
        assert list(listed.values()) == [[uid(1), uid(2)], [uid(1), uid(3)], [uid(3)]]
        assert platforms.find_inquiry(work, OTHERS, uid(1)) is None
        assert platforms.find_inquiry(work, MINE, uid(2), "p1") is None
        assert [each.uid for each in platforms.open_inquiries(work, MINE, "p2")] == [uid(2)]
        assert platforms.inquiries_since(work, MINE, "p1", EARLIER) == 1


def test_authorization_of_a_platform_is_taken_back_by_itself(store: Store) -> None:
    with store.writing() as work:
        for number, code in enumerate((MINE, OTHERS), start=1):
            consent_rows.authorize_platforms(work, code, uid(number), ["p1", "p2"], EARLIER)
        assert consent_rows.revoke_platform(work, MINE, "p1", NOW)
        left = {code: consent_rows.authorized_platforms(work, code, NOW) for code in (MINE, OTHERS)}
    assert left == {MINE: ("p2",), OTHERS: ("p1", "p2")}


def test_ledger_of_consents_is_that_of_the_enterprise(store: Store) -> None:
    given = Consent(
        code=MINE,
        uid=uid(1),
        of_submission="",
        purpose="RATE",
        scope=("person",),
        text_version="2026-11",
        text_sha256=DIGEST,
        evidence_sha256=DIGEST,
        granted_at=EARLIER,
        recorded_at=EARLIER,
        expires_at=None,
        revoked_at=None,
        actor=ANN.name,
    )
    with store.writing() as work:
        consent_rows.add(work, [given, dataclasses.replace(given, uid=uid(2), code=OTHERS)])
        assert [each.uid for each in consent_rows.ledger(work, OTHERS)] == [uid(2)]
        consent_rows.revoke(work, [given], actor=ANN.name, now=NOW)
        assert consent_rows.live_purposes(work, MINE, NOW) == frozenset()
        assert consent_rows.live_purposes(work, OTHERS, NOW) == {"RATE"}


def test_request_of_a_draft_is_its_platforms(store: Store) -> None:
    made = drafts.DraftRow(
        code=MINE,
        uid=uid(1),
        platform="p1",
        request_id=uid(7),
        request_digest=DIGEST,
        state=State.DRAFT,
        created_at=NOW,
        expires_at=LATER,
        prefill='{"title": "x"}',
    )
    with store.writing() as work:
        drafts.insert(work, made)
        assert drafts.find_request(work, "p2", uid(7)) is None
        assert drafts.find_request(work, "p1", uid(7)) == made
        drafts.confirm(work, made, State.PENDING, uid(2), ANN.name)
        confirmed = drafts.find(work, MINE, uid(1))
    assert confirmed is not None
    assert confirmed.prefill == "{}"


# --- Overrides -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "days", "holds"),
    [(MINE, 0, True), (OTHERS, 0, False), (MINE, -1, False), (MINE, 2, False), (MINE, 1, False)],
    ids=["as it was set", "another enterprise", "before it", "after its term", "once it ended"],
)
def test_override_holds_for_its_enterprise_from_its_start_to_its_end(
    store: Store, code: str, days: int, *, holds: bool
) -> None:
    made = overrides.OverrideRow(
        MINE, uid(1), DIGEST, Level.A, "reason", 30, EARLIER, "issuer|clerk"
    )
    step = overrides.Step("STARTED", NOW, "issuer|head", "reason")
    with store.writing() as work:
        overrides.add(work, made, step)
        assert overrides.holding(work, code, NOW) is None
        overrides.start(work, made, step, Instant(NOW + 2 * DAY))
        if days == 1:
            overrides.end(work, made, dataclasses.replace(step, at=LATER))
        found = overrides.holding(work, code, Instant(NOW + days * DAY))
    assert (found is not None) is holds
