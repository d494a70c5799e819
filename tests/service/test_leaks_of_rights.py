"""Planted personal values go through what follows a submission, and come out to nobody else.

Drafts, announced changes, corrections, claims of ownership, holdings, copies, buyers and
the queue. What a person wrote in a case is shown to those who decide it and to the
enterprise; everything else is shown to nobody, and no log, error or trailer has any.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from google.protobuf.message import Message

from bonafides.identity import registry_operations
from bonafides.instants import Instant
from bonafides.personal.masks import HIDDEN
from bonafides.v1 import consent_service_pb2 as consent_service
from bonafides.v1 import document_service_pb2 as document_service
from bonafides.v1 import draft_pb2, enterprise_pb2, ownership_pb2, rights_pb2
from bonafides.v1 import draft_service_pb2 as draft_service
from bonafides.v1 import identity_service_pb2 as identity_service
from bonafides.v1 import ownership_service_pb2 as ownership_service
from bonafides.v1 import record_service_pb2 as record_service
from bonafides.v1 import rights_service_pb2 as rights_service
from tests import builders
from tests.needles import CODE, EMAIL, ID_NUMBER, NEEDLES, PERSON, PHONE, Wire, found_in
from tests.serving import Served

PARENT = f"enterprises/{CODE}"
ALL = " ".join(NEEDLES)
PERSONS = enterprise_pb2.Representative(person=PERSON, id_number=ID_NUMBER)
# To whom what is written in a case is shown; the login of each names a person, too.
CONCERNED = ("owner", "helper", "staff")

pytestmark = [pytest.mark.feature("D5"), pytest.mark.feature("J9"), pytest.mark.feature("J2")]


@dataclass(frozen=True)
class Made:
    """What was made with the needles in it, by name."""

    submission: str
    draft: str
    claim: str
    case: str


class Callers:
    """Every kind of caller, each with a wire of its own that keeps what it received."""

    def __init__(self, served: Served) -> None:
        owns = [CODE.text]
        self.tokens: dict[str, str | None] = {
            "owner": served.token(subject="owner", owns=owns),
            "helper": served.token(subject=EMAIL),
            "staff": served.token("operator", subject="staff"),
            "platform": served.token("platform", subject="platform"),
            "other platform": served.token("platform", subject="other", platform="other"),
            "stranger": served.token(subject="stranger"),
            "anonymous": None,
        }
        self.wires = {who: Wire(served.address) for who in self.tokens}

    def call(self, who: str, method: str, request: Message, *, apart: bool = False) -> bytes:
        """Returns the answer; empty for an error. `apart`: the answer is not kept."""
        wire = self.wires[who]
        answer = wire.call(method, request.SerializeToString(), self.tokens[who])
        if apart and answer is not None:
            # The words are the caller's own to read; what comes beside them is searched.
            assert wire.received.pop() == answer
        return answer or b""

    def close(self) -> None:
        for wire in self.wires.values():
            wire.close()


@pytest.fixture
def callers(served: Served) -> Iterator[Callers]:
    opened = Callers(served)
    yield opened
    opened.close()


def claims() -> enterprise_pb2.Claims:
    return builders.claims(CODE, phone=f"+86 {PHONE}", email=EMAIL, representative=PERSONS)


def submitted(served: Served, callers: Callers) -> str:
    row = builders.registry_row(
        CODE, representative=PERSON, representative_id_number=ID_NUMBER, contact_email=EMAIL
    )
    registry_operations.load_registry(served.store, served.vault, [row], now=served.clock.now)
    request = identity_service.SubmitIdentityRequest(
        request_id=builders.request_id(1), claims=claims()
    )
    answer = callers.call("owner", "IdentityService/SubmitIdentity", request)
    made = enterprise_pb2.Submission.FromString(answer)
    assert made.state == enterprise_pb2.Submission.STATE_VERIFIED
    return made.name


def drafted(callers: Callers) -> str:
    """Drafts with values of a person, which is refused, and without, and confirms with them."""
    personal = draft_pb2.Prefill(title=PERSON, phone=PHONE, email=EMAIL, representative=PERSONS)
    plain = draft_pb2.Prefill(title=builders.registration().title)
    answers = [
        callers.call(
            "platform",
            "DraftService/CreateDraft",
            draft_service.CreateDraftRequest(
                request_id=builders.request_id(number), parent=PARENT, prefill=prefill
            ),
        )
        for number, prefill in ((2, personal), (3, plain))
    ]
    assert not answers[0]
    made = draft_pb2.Draft.FromString(answers[1])
    whole = claims()
    given = draft_pb2.DraftSupplement(
        license=whole.license,
        phone=whole.phone,
        email=whole.email,
        representative=whole.representative,
        authorizations=whole.authorizations,
        assent=whole.assent,
    )
    for number, name in ((4, made.name), (5, f"{PARENT}/drafts/{ID_NUMBER}")):
        request = draft_service.ConfirmDraftRequest(
            request_id=builders.request_id(number), name=name, claims=given
        )
        callers.call("owner", "DraftService/ConfirmDraft", request)
    return made.name


def announced(callers: Callers) -> None:
    """Announces persons who are none, a contact that is none, and one that is."""
    changes = (
        enterprise_pb2.Amendment(representatives=[PERSONS]),
        enterprise_pb2.Amendment(phone=EMAIL, email=PHONE),
        enterprise_pb2.Amendment(phone=f"+86 {PHONE[:-1]}9", email=f"x.{EMAIL}"),
    )
    for number, changed in enumerate(changes, start=6):
        request = identity_service.AmendIdentityRequest(
            request_id=builders.request_id(number), name=PARENT, changes=changed
        )
        callers.call("owner", "IdentityService/AmendIdentity", request)


def claimed(served: Served, callers: Callers, submission: str) -> str:
    """Claims, errs, and has somebody join whose login is an e-mail address."""
    claim = ownership_service.ClaimOwnershipRequest(
        request_id=builders.request_id(10), submission=submission
    )
    answer = callers.call("owner", "OwnershipService/ClaimOwnership", claim)
    made = ownership_pb2.OwnershipClaim.FromString(answer)
    assert made.contact == "p***@example.com"
    served.server.worker.run_once()
    confirm = ownership_service.ConfirmOwnershipRequest(name=made.name, one_time_code=PHONE[:8])
    callers.call("owner", "OwnershipService/ConfirmOwnership", confirm)
    vouch = ownership_service.VouchOwnershipRequest(parent=PARENT, issuer=PERSON, subject=ID_NUMBER)
    callers.call("platform", "OwnershipService/VouchOwnership", vouch)
    invite = ownership_service.InviteMemberRequest(
        request_id=builders.request_id(11),
        parent=PARENT,
        member_role=ownership_pb2.MEMBER_ROLE_STAFF,
    )
    shown = callers.call("owner", "OwnershipService/InviteMember", invite)
    for code in (PHONE, ownership_pb2.Invitation.FromString(shown).one_time_code):
        join = ownership_service.TakeInvitationRequest(parent=PARENT, one_time_code=code)
        callers.call("helper", "OwnershipService/TakeInvitation", join, apart=True)
    return made.name


def disputed(callers: Callers) -> str:
    """Opens a case whose words are the needles, rules on it, and errs in both."""
    target = rights_pb2.CorrectionTarget(fact=rights_pb2.FactTarget(kind="registration"))
    none = rights_pb2.CorrectionTarget(fact=rights_pb2.FactTarget(kind=PERSON, item=EMAIL))
    for number, about in ((12, none), (13, target)):
        request = rights_service.OpenCorrectionRequest(
            request_id=builders.request_id(number),
            parent=PARENT,
            target=about,
            wrong=ALL,
            right=ALL,
        )
        answer = callers.call("owner", "RightsService/OpenCorrection", request, apart=True)
    made = rights_pb2.Correction.FromString(answer)
    # Numbers of persons do not leave, not even to who wrote them.
    assert made.wrong == HIDDEN
    decide = rights_service.DecideCorrectionRequest(
        name=made.name,
        outcome=rights_pb2.Correction.STATE_UPHELD,
        reason="it is so",
        fact_value=ALL,
    )
    callers.call("staff", "RightsService/DecideCorrection", decide)
    refuse = rights_service.DecideCorrectionRequest(
        name=made.name, outcome=rights_pb2.Correction.STATE_REFUSED, reason="it is not so"
    )
    answer = callers.call("staff", "RightsService/DecideCorrection", refuse, apart=True)
    assert rights_pb2.Correction.FromString(answer).rulings
    return made.name


def asked_for_buyers(served: Served, callers: Callers) -> None:
    """A platform whose pseudonyms are e-mail addresses asks, corrects and erases."""
    told = [builders.transaction(f"t{n}", buyer=EMAIL, of=CODE) for n in range(2)]
    builders.link_stores(served.store, told)
    requests: tuple[tuple[str, Message], ...] = (
        ("GetBuyerHoldings", rights_service.GetBuyerHoldingsRequest(buyer=EMAIL)),
        (
            "CorrectBuyer",
            rights_service.CorrectBuyerRequest(
                parent=PARENT,
                kind="transaction",
                record_id="t0",
                wrong_buyer=EMAIL,
                right_buyer=PHONE,
            ),
        ),
        ("EraseBuyer", rights_service.EraseBuyerRequest(buyer=PHONE)),
    )
    for who in ("other platform", "platform", "owner"):
        for method, request in requests:
            callers.call(who, f"RightsService/{method}", request)


def read_everything(callers: Callers, made: Made) -> None:
    """Calls every reading method of the services as every kind of caller."""
    reads: tuple[tuple[str, Message], ...] = (
        ("DraftService/GetDraft", draft_service.GetDraftRequest(name=made.draft)),
        ("IdentityService/GetSubmission", _named(made.submission)),
        ("IdentityService/ListRequirements", _requirements()),
        ("ConsentService/ListConsents", consent_service.ListConsentsRequest(parent=PARENT)),
        ("ConsentService/ListAssents", consent_service.ListAssentsRequest(parent=PARENT)),
        ("OwnershipService/GetOwnershipClaim", _claim(made.claim)),
        ("OwnershipService/ListOwnershipDisputes", _disputes()),
        ("OwnershipService/ListNotices", ownership_service.ListNoticesRequest(parent=PARENT)),
        ("DocumentService/GetDocument", _document(f"{PARENT}/documents/{ID_NUMBER}")),
        ("RecordService/ListStores", record_service.ListStoresRequest(name=PARENT)),
        ("RightsService/GetHoldings", rights_service.GetHoldingsRequest(parent=PARENT)),
        ("RightsService/ListQueue", rights_service.ListQueueRequest()),
    )
    for who in callers.tokens:
        for method, request in reads:
            callers.call(who, method, request)
        if who not in CONCERNED:
            _read_what_concerns_others(callers, who, made)


def _read_what_concerns_others(callers: Callers, who: str, made: Made) -> None:
    """Asks for cases and members, whose words and logins those concerned do see."""
    for method, request in (
        ("RightsService/GetCorrection", rights_service.GetCorrectionRequest(name=made.case)),
        ("RightsService/ListCorrections", rights_service.ListCorrectionsRequest(parent=PARENT)),
        ("OwnershipService/ListMembers", ownership_service.ListMembersRequest(parent=PARENT)),
    ):
        assert callers.call(who, method, request) == b""


def _named(name: str) -> Message:
    return identity_service.GetSubmissionRequest(name=name)


def _requirements() -> Message:
    return identity_service.ListRequirementsRequest(name=PARENT)


def _claim(name: str) -> Message:
    return ownership_service.GetOwnershipClaimRequest(name=name)


def _disputes() -> Message:
    return ownership_service.ListOwnershipDisputesRequest()


def _document(name: str) -> Message:
    return document_service.GetDocumentRequest(name=name)


def test_values_in_drafts_changes_claims_cases_and_buyers_reach_nobody_else_and_no_log(
    served: Served,
    callers: Callers,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    name = submitted(served, callers)
    draft = drafted(callers)
    announced(callers)
    claim = claimed(served, callers, name)
    case = disputed(callers)
    asked_for_buyers(served, callers)
    served.clock.now = Instant(served.clock.now + 1)
    read_everything(callers, Made(name, draft, claim, case))
    served.server.worker.run_once()

    printed = capfd.readouterr()
    logged = "\n".join(served.log) + printed.err + printed.out
    # The log was kept.
    assert all(method in logged for method in ("CreateDraft", "OpenCorrection", "ListQueue"))
    assert found_in(logged.encode()) == []
    assert found_in(caplog.text.encode()) == []
    for who, wire in callers.wires.items():
        assert wire.received
        assert found_in(b"\n".join(wire.received)) == [], who
