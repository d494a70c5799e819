"""Submitting identities, from claims to archive, on each database.

Time starts at `builders.NOW`; the registry's rows were retrieved two days before.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bonafides.archive import operations as archive_operations
from bonafides.archive.facts import FactSheet, OperatingState
from bonafides.errors import (
    AgreementNotCurrentError,
    BonafidesError,
    BugError,
    NotFoundError,
    RateLimitedError,
    RequestIdReusedError,
)
from bonafides.identity.claims import read_claims
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.operations import (
    Desk,
    get_submission,
    recheck_due,
    submit,
)
from bonafides.identity.registry_operations import load_registry, sync_registrations
from bonafides.identity.sources import RegistryTable
from bonafides.identity.submission import Outcome, State, SubmissionStatus
from bonafides.instants import DAY, HOUR, Instant, to_datetime
from bonafides.once import Request
from bonafides.personal.sealing import Vault
from bonafides.rating.scorecard import champion
from bonafides.storage import archive as archive_rows
from bonafides.storage import consents as consent_rows
from bonafides.storage import identity as rows
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_pb2, disclosure_pb2
from bonafides.v1 import enterprise_pb2 as enterprise
from tests import builders

_OWNER = "issuer/owner"
_RIVAL = "issuer/rival"
_CODE = builders.code()
_RIVAL_CODE = builders.code(2)
_RIVAL_TITLE = "九九市千草贸易有限公司"
_SUBMISSIONS_PER_DAY = 5


@pytest.fixture
def desk(store: Store, vault: Vault) -> Desk:
    return Desk(
        store=store,
        vault=vault,
        sources=[RegistryTable(store, vault)],
        card=champion(None),
        agreement_version=builders.AGREEMENT,
        submissions_per_day=_SUBMISSIONS_PER_DAY,
        verification_days=365,
    )


def _load(desk: Desk, *table: Mapping[str, str], now: Instant = builders.NOW) -> None:
    report = load_registry(desk.store, desk.vault, table, now=now)
    assert report.rejected == ()


def _submit(
    desk: Desk,
    message: enterprise.Claims | None = None,
    *,
    request: int = 1,
    submitter: str = _OWNER,
    now: Instant = builders.NOW,
) -> SubmissionStatus:
    message = message or builders.claims()
    return submit(
        desk,
        read_claims(message, now=now),
        submitter=submitter,
        request=Request(builders.request_id(request), _digest(message)),
        now=now,
    )


def _digest(message: enterprise.Claims) -> bytes:
    return hashlib.sha256(message.SerializeToString(deterministic=True)).digest()


def _reloaded(of: UnifiedCode = _CODE, *, now: Instant, **changes: str) -> dict[str, str]:
    """Returns the registry row as retrieved an hour before now."""
    retrieved_at = to_datetime(Instant(now - HOUR)).isoformat()
    return builders.registry_row(of, retrieved_at=retrieved_at, **changes)


def _sheet(desk: Desk, now: Instant, code: UnifiedCode = _CODE) -> FactSheet:
    with desk.store.reading() as work:
        return archive_rows.fact_sheet(work, code.text, now)


def _everything_of(desk: Desk, code: UnifiedCode) -> dict[str, list[Any]]:
    """Returns all rows of the code but those of submissions."""
    of_submissions = {
        "submission",
        "submission_transition",
        "check_result",
        "evidence",
        "consent_use",
    }
    with desk.store.reading() as work:
        return {
            name: [
                tuple(row)
                for row in work.execute(sa.select(table).where(table.c.code == code.text))
                # What was agreed to for the values of one submission is that submission's.
                if name != "consent" or not row.of_submission
            ]
            for name, table in tables.metadata.tables.items()
            if "code" in table.c and name not in of_submissions
        }


def _is_enrolled(desk: Desk, code: UnifiedCode = _CODE) -> bool:
    with desk.store.reading() as work:
        return rows.is_enrolled(work, code.text)


@pytest.mark.feature("A1", "A4", "A10")
def test_claims_that_the_registry_bears_out_are_verified_at_once(desk: Desk) -> None:
    _load(desk, builders.registry_row())
    status = _submit(desk)
    assert status.state is State.VERIFIED
    assert [(step.state, step.reason) for step in status.history] == [
        (State.PENDING, "SUBMITTED"),
        (State.VERIFIED, "EVIDENCE_MATCHES"),
    ]
    assert {result.outcome for result in status.checks} == {Outcome.MATCH}
    assert {result.source for result in status.checks} == {"registry"}
    assert {result.retrieved_at for result in status.checks} == {builders.NOW - 2 * DAY}
    assert status.expires_at == builders.NOW + 365 * DAY
    assert status.recheck_at is None


@pytest.mark.feature("C1", "C11", "B6")
def test_a_verified_enterprise_takes_part_with_the_registrys_facts(desk: Desk) -> None:
    holders = [
        {"title": "测三四", "is_person": True, "subscribed": {"currency": "CNY", "minor": 1}}
    ]
    changes = [
        {"date": "2024-05-06", "item": "经营范围变更", "before": "百货", "after": "百货销售"}
    ]
    _load(
        desk,
        builders.registry_row(
            shareholders=json.dumps(holders), changes=json.dumps(changes, ensure_ascii=False)
        ),
    )
    status = _submit(desk)
    sheet = _sheet(desk, builders.NOW)
    assert _is_enrolled(desk)
    assert sheet.registration is not None
    assert sheet.registration.value == builders.registration()
    assert sheet.registration.source == "registry"
    assert [holder.title for holder in sheet.shareholders] == ["测三四"]
    assert [change.item for change in sheet.changes] == ["经营范围变更"]
    assert sheet.verification is not None
    assert sheet.verification.uid == status.uid
    with desk.store.reading() as work:
        assert consent_rows.authorized_platforms(work, _CODE.text, builders.NOW) == (
            builders.PLATFORM,
        )
        assert consent_rows.live_purposes(work, _CODE.text, builders.NOW) == {"VERIFY_IDENTITY"}
    assert archive_operations.get_archive(
        desk.store,
        desk.card,
        _CODE.text,
        audience=disclosure_pb2.AUDIENCE_PUBLIC,
        now=builders.NOW,
    )


@pytest.mark.feature("A4", "A10")
def test_an_unknown_enterprise_waits_and_is_verified_once_the_registry_knows_it(
    desk: Desk,
) -> None:
    """NOW: submitted; +1 day: asked again in vain; +3 days: the row has come."""
    waiting = _submit(desk)
    assert waiting.state is State.PENDING
    assert waiting.recheck_at is not None
    assert 0 <= waiting.recheck_at - (builders.NOW + DAY) < 4 * HOUR
    assert {result.outcome for result in waiting.checks} == {Outcome.NOT_FOUND}
    assert not _is_enrolled(desk)

    assert recheck_due(desk, Instant(waiting.recheck_at - 1)) == 0
    second = waiting.recheck_at
    assert recheck_due(desk, second) == 1
    still = get_submission(desk, _CODE, waiting.uid, submitter=_OWNER, now=second)
    assert still.state is State.PENDING
    assert still.recheck_at is not None
    assert 0 <= still.recheck_at - (second + 2 * DAY) < 4 * HOUR

    third = still.recheck_at
    _load(desk, builders.registry_row(), now=third)
    assert recheck_due(desk, third) == 1
    assert recheck_due(desk, third) == 0
    verified = get_submission(desk, _CODE, waiting.uid, submitter=_OWNER, now=third)
    assert verified.state is State.VERIFIED
    assert [step.state for step in verified.history] == [State.PENDING, State.VERIFIED]
    assert _is_enrolled(desk)


@pytest.mark.feature("A4")
def test_a_submission_whose_first_verdict_was_lost_is_taken_up_again(desk: Desk) -> None:
    """The process dies after the claim: no source could be asked."""
    _load(desk, builders.registry_row())
    broken = dataclasses.replace(desk, sources=[])
    with pytest.raises(BugError):
        _submit(broken)
    assert recheck_due(desk, Instant(builders.NOW + HOUR)) == 1
    assert _submit(desk, now=Instant(builders.NOW + HOUR)).state is State.VERIFIED


@pytest.mark.feature("A6")
@pytest.mark.parametrize("word", ["注销", "吊销,未注销", "撤销"])
def test_an_ended_enterprise_is_rejected_and_does_not_take_part(desk: Desk, word: str) -> None:
    _load(desk, builders.registry_row(operating_state=word))
    status = _submit(desk)
    assert status.state is State.REJECTED
    assert not _is_enrolled(desk)


@pytest.mark.feature("A6")
def test_an_expired_term_asks_for_action(desk: Desk) -> None:
    _load(desk, builders.registry_row(term_end="2026-10-31"))
    status = _submit(desk)
    term = next(result for result in status.checks if result.check == "term")
    assert status.state is State.ACTION_REQUIRED
    assert term.outcome is Outcome.MISMATCH
    assert term.remedy


@pytest.mark.feature("A10")
def test_a_corrected_claim_is_a_submission_of_its_own(desk: Desk) -> None:
    _load(desk, builders.registry_row())
    first = _submit(desk, builders.claims(title="九九市千草贸易有限公司"))
    second = _submit(desk, request=2)
    again = get_submission(desk, _CODE, first.uid, submitter=_OWNER, now=builders.NOW)
    assert (first.state, second.state) == (State.ACTION_REQUIRED, State.VERIFIED)
    assert again.history == first.history


@pytest.mark.feature("A16")
@pytest.mark.parametrize("lie", ["title", "representative", "id_number", "license", "unknown"])
def test_attack_rivals_refuted_submission_changes_nothing_of_the_enterprise(
    desk: Desk, lie: str
) -> None:
    """The rival names the enterprise's code and grants itself a platform and a rating."""
    _load(
        desk,
        builders.registry_row(),
        builders.registry_row(_RIVAL_CODE, title=_RIVAL_TITLE),
    )
    _submit(desk)
    before = _everything_of(desk, _CODE)
    forged = builders.claims(
        authorizations=[builders.authorization(), builders.authorization(enterprise.PURPOSE_RATE)],
        authorized_platforms=["rivals-platform"],
    )
    match lie:
        case "title":
            forged.title = _RIVAL_TITLE
        case "representative":
            forged.representative.person = "测七八"
        case "id_number":
            forged.representative.id_number = "990000199003070048"
        case "license":
            forged.license.registered_address = "别处"
        case _:
            forged.title = "没有这家公司"
    now = Instant(builders.NOW + HOUR)
    status = _submit(desk, forged, submitter=_RIVAL, now=now)
    assert status.state is (State.REJECTED if lie == "title" else State.ACTION_REQUIRED)
    assert _everything_of(desk, _CODE) == before
    with desk.store.reading() as work:
        assert consent_rows.authorized_platforms(work, _CODE.text, now) == (builders.PLATFORM,)
        assert consent_rows.live_purposes(work, _CODE.text, now) == {"VERIFY_IDENTITY"}


@pytest.mark.feature("A16", "C11")
def test_attack_refuted_and_pending_submissions_make_nobody_take_part(desk: Desk) -> None:
    _submit(desk, submitter=_RIVAL)
    _load(desk, builders.registry_row(representative="测七八"))
    _submit(desk, submitter=_RIVAL, request=2)
    kept = _everything_of(desk, _CODE)
    assert {name for name, found in kept.items() if found} == {"registry"}


@pytest.mark.feature("A16")
def test_attack_another_cannot_see_a_submission_and_staff_can(desk: Desk) -> None:
    made = _submit(desk)
    for code, uid, submitter in (
        (_CODE, made.uid, _RIVAL),
        (_RIVAL_CODE, made.uid, _OWNER),
        (_CODE, made.uid[:-1], _OWNER),
        (_CODE, builders.request_id(), None),
    ):
        with pytest.raises(NotFoundError):
            get_submission(desk, code, uid, submitter=submitter, now=builders.NOW)
    seen = get_submission(desk, _CODE, made.uid, submitter=None, now=builders.NOW)
    assert seen == made


@pytest.mark.feature("A16")
def test_a_submitter_is_limited_over_24_hours_and_told_when_to_come_back(desk: Desk) -> None:
    """Five are made an hour apart; the first leaves the window after 24 hours."""
    for number in range(_SUBMISSIONS_PER_DAY):
        _submit(desk, request=number, now=Instant(builders.NOW + number * HOUR))
    late = Instant(builders.NOW + 5 * HOUR)
    with pytest.raises(RateLimitedError) as refused:
        _submit(desk, request=9, now=late)
    assert refused.value.retry_after_seconds == 19 * 3_600
    assert _submit(desk, request=0, now=late).state is State.PENDING
    assert _submit(desk, request=9, submitter=_RIVAL, now=late).state is State.PENDING
    assert _submit(desk, request=9, now=Instant(builders.NOW + DAY)).state is State.PENDING


@pytest.mark.feature("A16")
def test_attack_a_burst_of_calls_does_not_pass_the_limit(desk: Desk) -> None:
    def attempt(number: int) -> bool:
        try:
            _submit(desk, request=number)
        except RateLimitedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        admitted = sum(pool.map(attempt, range(3 * _SUBMISSIONS_PER_DAY)))
    assert admitted == _SUBMISSIONS_PER_DAY


def test_a_repeated_request_answers_with_the_submission_it_made(desk: Desk) -> None:
    first = _submit(desk)
    again = _submit(desk, now=Instant(builders.NOW + HOUR))
    assert again == first


def test_racing_repetitions_make_one_submission(desk: Desk) -> None:
    _load(desk, builders.registry_row())
    with ThreadPoolExecutor(8) as pool:
        uids = {status.uid for status in pool.map(lambda _: _submit(desk), range(8))}
    with desk.store.reading() as work:
        count = work.execute(sa.select(sa.func.count()).select_from(tables.submission)).scalar()
        verified = work.execute(sa.select(tables.enterprise.c.uid)).scalars().all()
    assert count == 1
    assert set(verified) == uids


def test_a_request_id_with_other_content_is_refused(desk: Desk) -> None:
    _submit(desk)
    with pytest.raises(RequestIdReusedError):
        _submit(desk, builders.claims(title="别的公司"))


def test_two_submitters_may_choose_the_same_request_id(desk: Desk) -> None:
    assert _submit(desk).uid != _submit(desk, submitter=_RIVAL).uid


@pytest.mark.feature("B7")
def test_assent_to_an_old_agreement_is_refused_and_stores_nothing(desk: Desk) -> None:
    newer = dataclasses.replace(desk, agreement_version="2027-01-01")
    with pytest.raises(AgreementNotCurrentError) as refused:
        _submit(newer)
    assert refused.value.metadata == {
        "current_version": "2027-01-01",
        "kind": "SERVICE_AGREEMENT",
    }
    with desk.store.reading() as work:
        assert work.execute(sa.select(tables.submission)).all() == []
    made = _submit(desk)
    # What was taken in under the old one is answered still.
    assert _submit(newer) == made


@pytest.mark.feature("A13")
def test_a_verification_past_its_term_lapses(desk: Desk) -> None:
    _load(desk, builders.registry_row())
    made = _submit(desk)
    end = Instant(builders.NOW + 365 * DAY)
    before = get_submission(desk, _CODE, made.uid, submitter=_OWNER, now=Instant(end - 1))
    unmarked = get_submission(desk, _CODE, made.uid, submitter=_OWNER, now=end)
    assert recheck_due(desk, Instant(end - 1)) == 0
    assert recheck_due(desk, end) == 1
    assert recheck_due(desk, end) == 0
    lapsed = get_submission(desk, _CODE, made.uid, submitter=_OWNER, now=end)
    assert (before.state, unmarked.state) == (State.VERIFIED, State.LAPSED)
    assert lapsed.state is State.LAPSED
    assert [step.reason for step in lapsed.history][-1] == "TERM_OVER"
    assert lapsed.expires_at == end


@pytest.mark.feature("A13")
def test_a_second_verification_extends_the_first_without_interruption(desk: Desk) -> None:
    """The second comes after 300 days with a shorter term, the third after all is over."""
    _load(desk, builders.registry_row())
    _submit(desk)
    later = Instant(builders.NOW + 300 * DAY)
    short = dataclasses.replace(desk, verification_days=10)
    second = _submit(short, builders.claims(authorized_platforms=["olist"]), request=2, now=later)
    sheet = _sheet(desk, later).verification
    assert second.state is State.VERIFIED
    assert sheet is not None
    assert (sheet.uid, sheet.verified_at) == (second.uid, builders.NOW)
    assert sheet.expires_at == builders.NOW + 365 * DAY
    with desk.store.reading() as work:
        assert consent_rows.authorized_platforms(work, _CODE.text, later) == ("1688", "olist")
        enrolled = work.execute(sa.select(tables.enterprise)).one()
    assert (enrolled.uid, enrolled.enrolled_at) == (second.uid, builders.NOW)

    after = Instant(builders.NOW + 400 * DAY)
    _submit(desk, request=3, now=after)
    anew = _sheet(desk, after).verification
    assert anew is not None
    assert (anew.verified_at, anew.expires_at) == (after, after + 365 * DAY)


@pytest.mark.feature("A6", "A13")
def test_a_revocation_in_the_registry_reaches_the_archive(desk: Desk) -> None:
    _load(desk, builders.registry_row())
    made = _submit(desk)
    assert sync_registrations(desk.store, desk.card, now=builders.NOW) == 0
    later = Instant(builders.NOW + 5 * DAY)
    _load(desk, _reloaded(now=later, operating_state="吊销,未注销"), now=later)
    assert sync_registrations(desk.store, desk.card, now=later) == 1
    assert sync_registrations(desk.store, desk.card, now=later) == 0
    told = _sheet(desk, later).registration
    assert told is not None
    assert told.value == builders.registration(operating_state=OperatingState.REVOKED)
    before = _sheet(desk, builders.NOW).registration
    assert before is not None
    assert before.value == builders.registration()
    shown = archive_pb2.Archive.FromString(
        archive_operations.get_archive(
            desk.store,
            desk.card,
            _CODE.text,
            audience=disclosure_pb2.AUDIENCE_PUBLIC,
            now=later,
        )
    )
    assert shown.registration.operating_state == enterprise.OPERATING_STATE_REVOKED
    assert (
        get_submission(desk, _CODE, made.uid, submitter=_OWNER, now=later).history == made.history
    )


@pytest.mark.feature("C11")
def test_a_reloaded_row_of_an_enterprise_that_does_not_take_part_is_left_alone(
    desk: Desk,
) -> None:
    _load(desk, builders.registry_row())
    _load(desk, _reloaded(now=builders.NOW))
    assert sync_registrations(desk.store, desk.card, now=builders.NOW) == 0
    assert _everything_of(desk, _CODE)["fact"] == []


@pytest.mark.feature("B4")
def test_an_individual_business_is_verified_with_the_purposes_its_proprietor_chose(
    desk: Desk,
) -> None:
    of = builders.code(3, department_and_type="92")
    _load(desk, builders.registry_row(of))
    chosen = [builders.authorization(), builders.authorization(enterprise.PURPOSE_RATE)]
    status = _submit(desk, builders.claims(of, authorizations=chosen))
    assert status.state is State.VERIFIED
    with desk.store.reading() as work:
        assert consent_rows.live_purposes(work, of.text, builders.NOW) == {
            "VERIFY_IDENTITY",
            "RATE",
        }
    told = _sheet(desk, builders.NOW, of).registration
    assert told is not None
    assert told.value == builders.registration(registered_capital=None)


def test_a_submission_whose_personal_values_were_erased_is_withdrawn(desk: Desk) -> None:
    made = _submit(desk)
    with desk.store.writing() as work:
        work.execute(sa.delete(tables.subject_key))
        work.commit()
    later = Instant(builders.NOW + 2 * DAY)
    assert recheck_due(desk, later) == 1
    withdrawn = get_submission(desk, _CODE, made.uid, submitter=_OWNER, now=later)
    assert withdrawn.state is State.WITHDRAWN
    assert recheck_due(desk, later) == 0


@pytest.mark.feature("A1")
@pytest.mark.parametrize("known", ["known to the registry", "unknown"])
def test_attack_planted_personal_values_are_in_no_row_and_no_log(
    desk: Desk, caplog: pytest.LogCaptureFixture, known: str
) -> None:
    caplog.set_level(logging.DEBUG)
    if known != "unknown":
        _load(desk, builders.registry_row())
    status = _submit(desk)
    written = [repr(status), repr(desk), caplog.text]
    with desk.store.reading() as work:
        for table in tables.metadata.sorted_tables:
            written += [
                value.decode("latin-1") if isinstance(value, bytes) else str(value)
                for row in work.execute(sa.select(table))
                for value in row
            ]
    everything = "\n".join(written)
    for planted in (builders.ID_NUMBER, builders.PHONE, builders.EMAIL, builders.PERSON):
        raw = planted.encode()
        encoded = base64.b64encode(raw).decode()[:-4]
        for form in (planted, raw.decode("latin-1"), raw.hex(), encoded):
            assert form not in everything


@pytest.mark.feature("A1")
def test_attack_planted_personal_values_are_in_no_error(desk: Desk) -> None:
    message = builders.claims()
    _submit(desk, message)
    other = builders.claims(title="别的公司")
    faults: list[BonafidesError] = []
    for number, submitter in [(1, _OWNER), *((number, _RIVAL) for number in range(9))]:
        try:
            _submit(desk, other, request=number, submitter=submitter)
        except BonafidesError as fault:
            faults.append(fault)
    assert {type(fault) for fault in faults} == {RequestIdReusedError, RateLimitedError}
    for each in faults:
        shown = f"{each} {each!r} {each.args} {each.metadata} {each.__cause__}"
        for planted in (builders.ID_NUMBER, builders.PHONE, builders.EMAIL, builders.PERSON):
            assert planted not in shown


@pytest.mark.feature("A1")
def test_attack_planted_personal_values_are_in_no_file_of_the_database(
    desk: Desk, tmp_path: Path
) -> None:
    _load(desk, builders.registry_row())
    _submit(desk)
    for file in tmp_path.glob("bonafides.db*"):
        content = file.read_bytes()
        for value in (builders.ID_NUMBER, builders.PHONE, builders.EMAIL, builders.PERSON):
            assert value.encode() not in content
