"""Query, correction and deletion through a real channel, on both databases."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest
import sqlalchemy as sa

from bonafides.archive.facts import Fact, from_json, to_json
from bonafides.archive.facts import Kind as FactKind
from bonafides.archive.operations import record_facts
from bonafides.client import Client, RemoteError
from bonafides.identity import registry_operations
from bonafides.identity.corrections import CASES_PER_DAY
from bonafides.instants import MICROSECONDS, Instant, to_timestamp
from bonafides.records import operations as records
from bonafides.records.kinds import Kind as RecordKind
from bonafides.storage import archive as archive_rows
from bonafides.storage import tables
from bonafides.v1 import enterprise_pb2, rights_pb2
from scripts.verify_rollups import verify
from tests import builders
from tests.serving import Served

COMPANY = builders.code()
CODE = COMPANY.text
INDIVIDUAL = builders.code(2, department_and_type="92")
# Within the life of a token.
STEP = 60 * MICROSECONDS
OPEN, UPHELD, REFUSED = (
    rights_pb2.Correction.STATE_OPEN,
    rights_pb2.Correction.STATE_UPHELD,
    rights_pb2.Correction.STATE_REFUSED,
)


def submitted(served: Served, client: Client, **changes: Any) -> enterprise_pb2.Submission:
    registry_operations.load_registry(
        served.store, served.vault, [builders.registry_row()], now=served.clock.now
    )
    return client.submit_identity(builders.claims(**changes), builders.request_id())


def owner_of(served: Served, code: str = CODE) -> Client:
    return served.client(served.token(subject="owner", owns=[code]))


def staff(served: Served, subject: str = "clerk") -> Client:
    return served.client(served.token("operator", subject=subject))


def later(served: Served) -> None:
    served.clock.now = Instant(served.clock.now + STEP)


def about_fact(kind: str, item: str = "") -> rights_pb2.CorrectionTarget:
    return rights_pb2.CorrectionTarget(fact=rights_pb2.FactTarget(kind=kind, item=item))


def about_check(code: str) -> rights_pb2.CorrectionTarget:
    submission = f"enterprises/{code}/submissions/{builders.request_id()}"
    check = rights_pb2.CheckTarget(submission=submission, check="TITLE")
    return rights_pb2.CorrectionTarget(check=check)


def about_record(kind: str, record_id: str) -> rights_pb2.CorrectionTarget:
    record = rights_pb2.RecordTarget(platform=builders.PLATFORM, kind=kind, record_id=record_id)
    return rights_pb2.CorrectionTarget(record=record)


def ask(client: Client, target: rights_pb2.CorrectionTarget, **more: Any) -> Any:
    told = {"wrong": "it is wrong", "right": "it would be right"} | more
    return client.rights.correct(CODE, target, **told)


def trade(served: Served, count: int = 40) -> None:
    told = [builders.transaction(f"t{n}", buyer=f"b{n % 7}") for n in range(count)]
    builders.link_stores(served.store, told)
    report = records.ingest(served.store, served.vault, builders.rates(), told, now=builders.NOW)
    assert report.accepted == count
    records.fold(served.store, now=builders.NOW)


def count_of(served: Served, table: sa.Table) -> int:
    with served.store.reading() as work:
        return int(work.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


# --- Query ---------------------------------------------------------------------------


@pytest.mark.feature("J2")
def test_submitter_is_told_what_is_held_masked_with_purpose_and_sources(served: Served) -> None:
    with served.client(served.token()) as member:
        made = submitted(served, member)
        (told,) = member.rights.holdings(CODE).submissions
    assert told.submission == made.name
    assert told.readable
    assert [source.source for source in told.sources]
    held = {field.field: field for field in told.fields}
    assert set(held) == {
        "representatives[1].person",
        "representatives[1].id_number",
        "phone",
        "email",
    }
    assert held["representatives[1].person"].purposes == ["VERIFY_IDENTITY"]
    assert held["representatives[1].person"].consents
    assert not held["phone"].purposes
    for value in (builders.PERSON, builders.ID_NUMBER, builders.PHONE, builders.EMAIL):
        assert value.encode() not in told.SerializeToString()


@pytest.mark.feature("J2")
def test_owner_is_told_of_the_enrolling_submission_and_strangers_of_nothing(
    served: Served,
) -> None:
    with served.client(served.token()) as member:
        made = submitted(served, member)
    with owner_of(served) as owner:
        (told,) = owner.rights.holdings(CODE).submissions
        assert told.submission == made.name
    with (
        served.client(served.token(subject="stranger")) as stranger,
        pytest.raises(RemoteError) as caught,
    ):
        stranger.rights.holdings(CODE)
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
    with staff(served) as clerk, pytest.raises(RemoteError) as caught:
        clerk.rights.holdings(CODE)
    assert caught.value.code is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.feature("J2", "B2")
def test_nothing_is_read_for_a_query_once_consent_is_taken_back(served: Served) -> None:
    with served.client(served.token()) as member:
        submitted(served, member)
        member.consents.revoke(CODE, enterprise_pb2.PURPOSE_VERIFY_IDENTITY)
        (told,) = member.rights.holdings(CODE).submissions
    assert not told.readable
    assert not told.fields
    assert not told.HasField("erase_time")


# --- Correction ----------------------------------------------------------------------


@pytest.mark.feature("J2")
def test_upheld_correction_of_a_fact_shows_at_once_and_is_reversible(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    right = json.loads(registration_json(served))
    right["title"] = "九九更正样例有限公司"
    with owner_of(served) as owner, staff(served) as clerk:
        before = owner.get_archive(CODE).registration.title
        made = ask(owner, about_fact("registration"), evidence_sha256=bytes(32))
        assert (made.state, made.wrong) == (OPEN, "it is wrong")
        (shown,) = owner.get_archive(CODE).disputed_facts
        assert (shown.kind, shown.due_date) == ("registration", made.due_date)
        assert clerk.get_archive(CODE).disputed_facts
        with served.client(served.token()) as member:
            assert not member.get_archive(CODE).disputed_facts
        later(served)
        ruled = clerk.rights.decide(
            made.name, upheld=True, reason="The register says so.", fact_value=json.dumps(right)
        )
        assert ruled.rulings[0].applied
        assert ruled.rulings[0].ruled_by
        assert owner.get_archive(CODE).registration.title == right["title"]
        assert not owner.get_archive(CODE).disputed_facts
        # The same again changes nothing.
        assert len(clerk.rights.decide(made.name, upheld=True, reason="Again.").rulings) == 1
        later(served)
        ended = clerk.rights.decide(made.name, upheld=False, reason="It was forged.")
        assert [ruling.outcome for ruling in ended.rulings] == [UPHELD, REFUSED]
        assert owner.get_archive(CODE).registration.title == before
        (seen,) = owner.rights.corrections(CODE)
        assert seen.state == REFUSED
        assert not any(ruling.ruled_by for ruling in seen.rulings)


def registration_json(served: Served) -> str:
    with served.store.reading() as work:
        (known,) = archive_rows.current_facts(work, CODE, FactKind.REGISTRATION, "")
    return to_json(known.fact)


@pytest.mark.feature("J2")
def test_withdrawn_public_record_reaches_the_level_in_the_same_unit_of_work(
    served: Served,
) -> None:
    wrong = builders.court_case(FactKind.DISHONEST_DEBTOR)
    trade(served)
    builders.enroll(served.store, COMPANY, facts=[*builders.registration_facts(COMPANY), wrong])
    with owner_of(served) as owner, staff(served) as clerk:
        shown = owner.get_archive(CODE)
        assert shown.public_records.court_cases
        revision = owner.last_revision(CODE)
        reasons = [hit.reason for hit in owner.get_rating(CODE).rules]
        made = ask(owner, about_fact(wrong.kind.value, wrong.item))
        later(served)
        clerk.rights.decide(made.name, upheld=True, reason="Another debtor.", withdraw=True)
        assert not owner.get_archive(CODE).public_records.court_cases
        assert owner.last_revision(CODE) > revision
        after = [hit.reason for hit in owner.get_rating(CODE).rules]
        assert after != reasons
        later(served)
        clerk.rights.decide(made.name, upheld=False, reason="It is this one.")
        assert owner.get_archive(CODE).public_records.court_cases
        assert [hit.reason for hit in owner.get_rating(CODE).rules] == reasons


@pytest.mark.feature("J2")
def test_word_of_the_source_after_a_correction_stands_when_the_ruling_is_reversed(
    served: Served,
) -> None:
    builders.enroll(served.store, COMPANY)
    right = json.loads(registration_json(served)) | {"title": "九九更正样例有限公司"}
    with owner_of(served) as owner, staff(served) as clerk:
        made = ask(owner, about_fact("registration"))
        later(served)
        clerk.rights.decide(made.name, upheld=True, reason="It is.", fact_value=json.dumps(right))
        later(served)
        newer = json.dumps(right | {"title": "九九新名样例有限公司"})
        with served.store.writing() as work:
            told = Fact(
                code=CODE,
                kind=FactKind.REGISTRATION,
                value=from_json(FactKind.REGISTRATION, newer),
                source="registry",
                retrieved_at=served.clock.now,
                valid_from=served.clock.now,
            )
            record_facts(work, [told], now=served.clock.now)
            work.commit()
        later(served)
        ended = clerk.rights.decide(made.name, upheld=False, reason="It was not.")
        assert not ended.rulings[-1].applied
    assert json.loads(registration_json(served))["title"] == "九九新名样例有限公司"


@pytest.mark.feature("J2")
def test_upheld_correction_of_a_record_stops_it_from_counting(served: Served) -> None:
    trade(served)
    builders.enroll(served.store, COMPANY)
    with owner_of(served) as owner, staff(served) as clerk:
        made = ask(owner, about_record(RecordKind.TRANSACTION.value, "t1"))
        assert transactions(owner) == 40
        later(served)
        clerk.rights.decide(made.name, upheld=True, reason="It was a test.")
        assert transactions(owner) == 39
        with served.store.writing() as work:
            assert not verify(work).differences
        later(served)
        clerk.rights.decide(made.name, upheld=False, reason="It was none.")
        assert transactions(owner) == 40
        with served.store.writing() as work:
            assert not verify(work).differences


def transactions(owner: Client) -> int:
    (file,) = owner.get_archive(CODE).platforms
    return file.cumulative.transactions


@pytest.mark.feature("J2")
def test_submitter_contests_own_checks_and_nothing_of_the_enterprise(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    with served.client(served.token()) as member, staff(served) as clerk:
        made = submitted(served, member, title="九九别名样例有限公司")
        assert made.state == enterprise_pb2.Submission.STATE_ACTION_REQUIRED
        check = next(c for c in made.checks if c.outcome == enterprise_pb2.OUTCOME_MISMATCH)
        target = rights_pb2.CorrectionTarget(
            check=rights_pb2.CheckTarget(submission=made.name, check=check.check)
        )
        case = ask(member, target, request_id=builders.request_id(7))
        assert ask(member, target, request_id=builders.request_id(7)) == case
        with pytest.raises(RemoteError) as caught:
            ask(member, target, request_id=builders.request_id(7), wrong="something else")
        assert caught.value.reason == "REQUEST_ID_REUSED"
        with pytest.raises(RemoteError) as caught:
            ask(member, about_fact("registration"))
        assert caught.value.code is grpc.StatusCode.NOT_FOUND
        ruled = clerk.rights.decide(case.name, upheld=True, reason="Submit anew.")
        assert (ruled.state, ruled.rulings[0].applied) == (UPHELD, False)
        assert member.rights.correction(case.name).state == UPHELD
    with (
        served.client(served.token(subject="stranger")) as stranger,
        pytest.raises(RemoteError) as caught,
    ):
        stranger.rights.correction(case.name)
    assert caught.value.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.feature("J2")
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (about_fact("verification"), "NOT_CORRECTABLE"),
        (about_fact("penalty", "no-source/none"), "NOT_HELD"),
        (about_record("store", "l1"), "NOT_CORRECTABLE"),
        (about_record("transaction", "none"), "NOT_HELD"),
        (about_check(builders.code(2).text), "OTHER_ENTERPRISE"),
        (rights_pb2.CorrectionTarget(), "REQUIRED"),
    ],
)
def test_what_is_not_held_is_refused_with_a_remedy(
    served: Served, target: rights_pb2.CorrectionTarget, reason: str
) -> None:
    builders.enroll(served.store, COMPANY)
    with owner_of(served) as owner, pytest.raises(RemoteError) as caught:
        ask(owner, target)
    assert [violation.reason for violation in caught.value.violations] == [reason]
    assert all(violation.description for violation in caught.value.violations)


@pytest.mark.feature("J2")
def test_cases_of_one_person_are_limited_over_24_hours(served: Served) -> None:
    with served.client(served.token()) as member:
        submitted(served, member)
    with owner_of(served) as owner:
        for _ in range(CASES_PER_DAY):
            ask(owner, about_fact("registration"))
        with pytest.raises(RemoteError) as refusal:
            ask(owner, about_fact("registration"))
    assert refusal.value.reason == "RATE_LIMITED"
    assert refusal.value.retry_after_seconds is not None


@pytest.mark.feature("J2")
def test_ruling_needs_another_person_and_says_what_holds(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    with owner_of(served) as owner:
        made = ask(owner, about_fact("registration"))
    with staff(served, "owner") as same, pytest.raises(RemoteError) as caught:
        same.rights.decide(made.name, upheld=False, reason="Mine.")
    assert caught.value.reason == "SECOND_PERSON_REQUIRED"
    with staff(served) as clerk:
        for told, reason in (
            ({}, "VALUE_OR_WITHDRAW"),
            ({"withdraw": True}, "NEVER_WITHDRAWN"),
            ({"fact_value": "{"}, "VALUE"),
        ):
            with pytest.raises(RemoteError) as caught:
                clerk.rights.decide(made.name, upheld=True, reason="So.", **told)
            assert [each.reason for each in caught.value.violations] == [reason]
        assert clerk.rights.correction(made.name).state == OPEN


@pytest.mark.feature("J2")
def test_ruling_gives_a_value_or_withdraws_and_not_both(served: Served) -> None:
    wrong = builders.court_case(FactKind.DISHONEST_DEBTOR)
    builders.enroll(served.store, COMPANY, facts=[*builders.registration_facts(COMPANY), wrong])
    with owner_of(served) as owner, staff(served) as clerk:
        made = ask(owner, about_fact(wrong.kind.value, wrong.item))
        later(served)
        with pytest.raises(RemoteError) as caught:
            clerk.rights.decide(
                made.name, upheld=True, reason="So.", fact_value=to_json(wrong), withdraw=True
            )
        assert [each.reason for each in caught.value.violations] == ["VALUE_OR_WITHDRAW"]
        assert owner.get_archive(CODE).public_records.court_cases
        assert clerk.rights.correction(made.name).state == OPEN


@pytest.mark.feature("J2")
@pytest.mark.parametrize("told", [{"fact_value": "{}"}, {"withdraw": True}], ids=["value", "end"])
def test_record_is_given_no_value_by_a_ruling(served: Served, told: dict[str, Any]) -> None:
    trade(served)
    builders.enroll(served.store, COMPANY)
    with owner_of(served) as owner, staff(served) as clerk:
        made = ask(owner, about_record(RecordKind.TRANSACTION.value, "t1"))
        later(served)
        with pytest.raises(RemoteError) as caught:
            clerk.rights.decide(made.name, upheld=True, reason="So.", **told)
        assert [each.reason for each in caught.value.violations] == ["NOT_A_FACT"]
        assert transactions(owner) == 40


@pytest.mark.feature("J2")
def test_check_that_a_submission_does_not_show_can_not_be_contested(served: Served) -> None:
    with served.client(served.token()) as member:
        made = submitted(served, member)
        check = rights_pb2.CheckTarget(submission=made.name, check="NO_SUCH_CHECK")
        with pytest.raises(RemoteError) as caught:
            ask(member, rights_pb2.CorrectionTarget(check=check))
    assert [each.reason for each in caught.value.violations] == ["NOT_HELD"]
    assert count_of(served, tables.correction) == 0


@pytest.mark.feature("J2")
def test_submitter_lists_own_cases_and_none_of_the_enterprises(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    with (
        owner_of(served) as owner,
        served.client(served.token()) as member,
        served.client(served.token(subject="stranger")) as stranger,
    ):
        theirs = ask(owner, about_fact("registration"))
        made = submitted(served, member, title="九九别名样例有限公司")
        check = next(c for c in made.checks if c.outcome == enterprise_pb2.OUTCOME_MISMATCH)
        contested = rights_pb2.CheckTarget(submission=made.name, check=check.check)
        mine = ask(member, rights_pb2.CorrectionTarget(check=contested))
        assert [case.name for case in member.rights.corrections(CODE)] == [mine.name]
        assert {case.name for case in owner.rights.corrections(CODE)} == {theirs.name, mine.name}
        with pytest.raises(RemoteError) as caught:
            stranger.rights.corrections(CODE)
    assert caught.value.code is grpc.StatusCode.NOT_FOUND


# --- Deletion ------------------------------------------------------------------------


@pytest.mark.feature("J2", "B2")
def test_erased_values_are_unreadable_at_once_and_the_verification_ends(served: Served) -> None:
    with served.client(served.token()) as member, owner_of(served) as owner:
        made = submitted(served, member)
        assert owner.get_archive(CODE).verification.expire_time.ToMicroseconds() > served.clock.now
        later(served)
        done = member.rights.erase(made.name)
        assert done.erased
        assert {each.what for each in done.retained} >= {"CONSENT_LEDGER", "AUDIT"}
        ended = owner.get_archive(CODE).verification
        assert ended.expire_time.ToMicroseconds() <= served.clock.now
        state = member.get_submission(made.name).state
        assert state == enterprise_pb2.Submission.STATE_WITHDRAWN
        (told,) = member.rights.holdings(CODE).submissions
        assert not told.readable
        assert told.erase_time == done.erase_time
        assert not [consent for consent in member.consents.ledger(CODE) if consent.live]
        later(served)
        # Told again it is the same.
        assert member.rights.erase(made.name) == done
    assert count_of(served, tables.erasure) == 1
    uid = made.name.rpartition("/")[2]
    with served.store.reading() as work:
        keys = sa.select(tables.subject_key.c.subject)
        assert uid not in set(work.execute(keys).scalars())


@pytest.mark.feature("J2")
def test_nobody_erases_what_another_submitted(served: Served) -> None:
    with served.client(served.token()) as member:
        made = submitted(served, member)
    with (
        served.client(served.token(subject="stranger")) as stranger,
        pytest.raises(RemoteError) as caught,
    ):
        stranger.rights.erase(made.name)
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
    assert count_of(served, tables.erasure) == 0


@pytest.mark.feature("J2", "B2")
def test_erasing_a_stray_submission_leaves_the_enterprise_as_it_was(served: Served) -> None:
    with served.client(served.token()) as member:
        submitted(served, member)
        before = member.get_rating(CODE)
    with served.client(served.token(subject="stray")) as stray:
        wrong = stray.submit_identity(
            builders.claims(title="九九别名样例有限公司"), builders.request_id(2)
        )
        later(served)
        stray.rights.erase(wrong.name)
    with served.client(served.token()) as member:
        assert member.get_rating(CODE).level == before.level
        assert [consent for consent in member.consents.ledger(CODE) if consent.live]


# --- Attacks -------------------------------------------------------------------------


@pytest.mark.feature("J2")
def test_attack_stranger_contests_no_check_of_anothers_submission(served: Served) -> None:
    with served.client(served.token()) as member:
        made = submitted(served, member, title="九九别名样例有限公司")
    check = next(c for c in made.checks if c.outcome == enterprise_pb2.OUTCOME_MISMATCH)
    target = rights_pb2.CorrectionTarget(
        check=rights_pb2.CheckTarget(submission=made.name, check=check.check)
    )
    with (
        served.client(served.token(subject="stranger")) as stranger,
        pytest.raises(RemoteError) as caught,
    ):
        ask(stranger, target)
    assert caught.value.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.feature("J2")
def test_attack_owner_contests_no_check_that_does_not_enroll_the_enterprise(
    served: Served,
) -> None:
    builders.enroll(served.store, COMPANY)
    with served.client(served.token()) as member:
        made = submitted(served, member, title="九九别名样例有限公司")
    check = next(c for c in made.checks if c.outcome == enterprise_pb2.OUTCOME_MISMATCH)
    target = rights_pb2.CorrectionTarget(
        check=rights_pb2.CheckTarget(submission=made.name, check=check.check)
    )
    with owner_of(served) as owner, pytest.raises(RemoteError) as caught:
        ask(owner, target)
    assert caught.value.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.feature("J2")
def test_registration_is_corrected_and_never_withdrawn(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    with owner_of(served) as owner, staff(served) as clerk:
        case = ask(owner, about_fact("registration"))
        later(served)
        with pytest.raises(RemoteError) as caught:
            clerk.rights.decide(case.name, upheld=True, reason="It goes.", withdraw=True)
        assert [each.reason for each in caught.value.violations] == ["NEVER_WITHDRAWN"]
        assert owner.rights.correction(case.name).state == OPEN


@pytest.mark.feature("B2", "J2")
def test_nothing_is_told_of_values_whose_consent_is_over(served: Served) -> None:
    """The values are there still: nobody has erased them yet."""
    ends = Instant(builders.NOW + 2 * STEP)
    with served.client(served.token()) as member:
        registry_operations.load_registry(
            served.store, served.vault, [builders.registry_row()], now=served.clock.now
        )
        claims = builders.claims()
        for given in claims.authorizations:
            given.expire_time.CopyFrom(to_timestamp(ends))
        member.submit_identity(claims, builders.request_id())
        assert member.rights.holdings(CODE).submissions[0].readable
        served.clock.now = ends
        (told,) = member.rights.holdings(CODE).submissions
        assert not told.readable
        assert not told.fields
