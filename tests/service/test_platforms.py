"""What platforms decide, ask, and read in bulk, through a real channel, on both databases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import grpc
import pytest

from bonafides.archive import operations as archive
from bonafides.archive.changed_operations import Following, refresh_followed
from bonafides.archive.facts import Kind as FactKind
from bonafides.client import Client, RemoteError
from bonafides.client.requests import RestsOn
from bonafides.instants import DAY, HOUR, Instant, to_datetime
from bonafides.rating.scorecard import champion
from bonafides.v1 import (
    archive_pb2,
    error_reason_pb2,
    platform_pb2,
    platform_service_pb2,
    rating_pb2,
    rights_pb2,
)
from bonafides.v1.purpose_pb2 import (
    READ_PURPOSE_ACCESS_ASSESSMENT,
    READ_PURPOSE_AUTHENTICATION,
    READ_PURPOSE_DISPLAY_TO_USERS,
    READ_PURPOSE_ELIGIBILITY,
    READ_PURPOSE_UNSPECIFIED,
)
from tests import builders, licenses, rated
from tests.serving import Served

COMPANY = builders.code()
CODE = COMPANY.text
OTHER = builders.code(2).text
THIRD = builders.code(3).text
ABSENT = builders.code(9).text
PURPOSE = READ_PURPOSE_ELIGIBILITY
DECIDED = platform_pb2.PlatformDecision
ASKS = platform_pb2.Inquiry
TEXT = "请提供最新的授权书。"


def platform(served: Served, name: str = builders.PLATFORM) -> Client:
    return served.client(served.token("platform", subject=f"app-of-{name}", platform=name))


def enroll(served: Served, *codes: str) -> None:
    for number, code in enumerate((CODE, OTHER, THIRD), start=1):
        if code in codes:
            builders.enroll(served.store, builders.code(number))


def in_days(served: Served, days: int) -> dt.datetime:
    return to_datetime(Instant(served.clock.now + days * DAY))


def ask(served: Served, name: str = builders.PLATFORM, code: str = CODE) -> platform_pb2.Inquiry:
    with platform(served, name) as shop:
        return shop.platforms.ask(code, ASKS.KIND_DOCUMENT, TEXT, deadline=in_days(served, 7))


def describe(served: Served, code: str, product: str) -> None:
    told = archive_pb2.SelfDescription(name=f"enterprises/{code}/self-description")
    told.main_products.append(product)
    with rated.owner(served, code) as owner:
        owner.update_self_description(told)


# --- Decisions -------------------------------------------------------------------------


@pytest.mark.feature("F2")
def test_platform_records_its_decision_and_the_enterprise_sees_who_decided_what(
    served: Served,
) -> None:
    enroll(served, CODE)
    with platform(served) as shop:
        _, etag = shop.get_archive_and_etag(CODE, purpose=PURPOSE)
        made = shop.platforms.decide(
            CODE,
            DECIDED.OUTCOME_LIMITED,
            purpose=PURPOSE,
            reason="CATEGORY_CLOSED",
            rests_on=RestsOn(etag, shop.last_revision(CODE), rating_pb2.LEVEL_NR),
        )
        assert shop.platforms.decisions(CODE) == [made]
        assert shop.platforms.decisions() == [made]
    with rated.owner(served, CODE) as owner, rated.staff(served) as clerk:
        (seen,) = owner.platforms.decisions(CODE)
        assert clerk.platforms.decisions(CODE) == [seen]
    assert seen == made
    assert (seen.platform, seen.outcome, seen.purpose, seen.reason) == (
        builders.PLATFORM,
        DECIDED.OUTCOME_LIMITED,
        PURPOSE,
        "CATEGORY_CLOSED",
    )
    assert (seen.archive_etag, seen.archive_revision) == (etag, 1)


@pytest.mark.feature("F2")
def test_decision_changes_nothing_that_anybody_reads(served: Served) -> None:
    enroll(served, CODE)
    with platform(served) as shop, rated.owner(served, CODE) as owner:
        before = (shop.get_archive(CODE, purpose=PURPOSE), owner.get_archive(CODE))
        shop.platforms.decide(CODE, DECIDED.OUTCOME_REFUSED, purpose=PURPOSE, reason="RISK")
        assert (shop.get_archive(CODE, purpose=PURPOSE), owner.get_archive(CODE)) == before


@pytest.mark.feature("F2")
def test_decision_of_a_rival_platform_is_seen_by_no_other(served: Served) -> None:
    enroll(served, CODE)
    with platform(served) as shop, platform(served, "other") as rival:
        shop.platforms.decide(CODE, DECIDED.OUTCOME_ADMITTED, purpose=PURPOSE, reason="FINE")
        assert rival.platforms.decisions(CODE) == []
        assert rival.platforms.decisions() == []
    for stranger in (rated.member(served), rated.owner(served, OTHER)):
        with stranger, pytest.raises(RemoteError) as hidden:
            stranger.platforms.decisions(CODE)
        assert hidden.value.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.feature("F2")
def test_repeated_decision_is_one_and_another_under_its_id_is_refused(served: Served) -> None:
    enroll(served, CODE)
    with platform(served) as shop:
        told: dict[str, Any] = {"purpose": PURPOSE, "request_id": builders.request_id(1)}
        first = shop.platforms.decide(CODE, DECIDED.OUTCOME_ENDED, reason="LEFT", **told)
        rated.later(served)
        assert shop.platforms.decide(CODE, DECIDED.OUTCOME_ENDED, reason="LEFT", **told) == first
        with pytest.raises(RemoteError) as reused:
            shop.platforms.decide(CODE, DECIDED.OUTCOME_ENDED, reason="OTHER", **told)
        assert reused.value.reason == "REQUEST_ID_REUSED"
        assert len(shop.platforms.decisions()) == 1


@pytest.mark.feature("F2")
def test_faults_of_a_decision_are_named_together(served: Served) -> None:
    with platform(served) as shop, pytest.raises(RemoteError) as refused:
        shop.platforms.decide(
            CODE,
            DECIDED.OUTCOME_UNSPECIFIED,
            purpose=READ_PURPOSE_UNSPECIFIED,
            reason="call 13800138000",
            rests_on=RestsOn("not an etag", -1),
        )
    assert {fault.field for fault in refused.value.violations} == {
        "outcome",
        "purpose",
        "reason",
        "archive_etag",
        "archive_revision",
    }


def test_decisions_come_in_pages_the_latest_first(served: Served) -> None:
    enroll(served, CODE)
    with platform(served) as shop:
        names = []
        for number in range(5):
            if number % 2:
                rated.later(served)
            made = shop.platforms.decide(
                CODE, DECIDED.OUTCOME_ADMITTED, purpose=PURPOSE, reason=f"R{number}"
            )
            names.append(made.name)
        calls = shop.platforms
        request = platform_service_request()
        found = []
        while True:
            answer = calls._connection.call(calls._stub.ListDecisions, request)[0]
            assert len(answer.decisions) <= request.page_size
            found += [each.name for each in answer.decisions]
            if not answer.next_page_token:
                break
            request.page_token = answer.next_page_token
    assert sorted(found) == sorted(names)
    assert found[0] in names[3:]


def test_every_enterprise_at_once_is_listed_for_platforms_alone(served: Served) -> None:
    enroll(served, CODE)
    with platform(served) as shop, rated.staff(served) as clerk, rated.owner(served, CODE) as owner:
        assert shop.platforms.decisions() == []
        for read in (clerk.platforms.decisions, owner.platforms.decisions):
            with pytest.raises(RemoteError) as refused:
                read()
            assert refused.value.reason == "INVALID_FIELD"


def platform_service_request() -> platform_service_pb2.ListDecisionsRequest:
    return platform_service_pb2.ListDecisionsRequest(parent=f"enterprises/{CODE}", page_size=2)


@pytest.mark.feature("F2")
def test_platform_that_decides_too_often_has_to_wait(served: Served) -> None:
    enroll(served, CODE)
    with platform(served) as shop:
        for _ in range(20):
            shop.platforms.decide(CODE, DECIDED.OUTCOME_ADMITTED, purpose=PURPOSE, reason="R")
        with pytest.raises(RemoteError) as refused:
            shop.platforms.decide(CODE, DECIDED.OUTCOME_ADMITTED, purpose=PURPOSE, reason="R")
    assert refused.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED


# --- Asking for more -------------------------------------------------------------------


@pytest.mark.feature("F3")
def test_what_a_platform_asks_is_in_the_requirements_with_platform_and_deadline(
    served: Served,
) -> None:
    enroll(served, CODE)
    made = ask(served)
    with rated.owner(served, CODE) as owner:
        asked = [
            each for each in owner.identities.requirements(CODE) if each.reason == "PLATFORM_ASKS"
        ]
        (told,) = asked
        assert (told.platform, told.question) == (builders.PLATFORM, TEXT)
        assert told.deadline_time == made.deadline_time
        assert made.name.rpartition("/")[2] in told.item
        assert builders.PLATFORM in told.remedy
        assert not told.disables
        notices = [notice.reason for notice in owner.ownership.notices(CODE)]
        assert notices.count("PLATFORM_ASKS") == 1
        assert owner.platforms.inquiries(CODE) == [made]
        owner.platforms.answer(made.name, "已经寄出。")
        assert not any(each.platform for each in owner.identities.requirements(CODE))
    with platform(served) as shop:
        (answered,) = shop.platforms.inquiries()
        assert (answered.state, answered.answer) == (ASKS.STATE_ANSWERED, "已经寄出。")


@pytest.mark.feature("F3")
def test_inquiry_past_its_deadline_is_past_due_until_its_platform_closes_it(
    served: Served,
) -> None:
    enroll(served, CODE)
    made = ask(served)
    rated.later(served, 8 * DAY)

    def states() -> list[int]:
        with rated.owner(served, CODE) as owner:
            found = owner.identities.requirements(CODE)
        return [each.state for each in found if each.platform]

    assert states() == [1]
    with platform(served, "other") as rival, pytest.raises(RemoteError) as hidden:
        rival.platforms.close(made.name)
    assert hidden.value.code is grpc.StatusCode.NOT_FOUND
    with platform(served) as shop:
        closed = shop.platforms.close(made.name)
        assert closed.state == ASKS.STATE_CLOSED
        assert shop.platforms.close(made.name) == closed
    assert states() == []
    with rated.owner(served, CODE) as owner, pytest.raises(RemoteError) as late:
        owner.platforms.answer(made.name, "已经寄出。")
    assert late.value.reason == "CASE_STATE"


@pytest.mark.feature("F3")
def test_inquiry_is_between_the_platform_and_the_enterprise(served: Served) -> None:
    enroll(served, CODE, OTHER)
    made = ask(served)
    with platform(served, "other") as rival:
        assert rival.platforms.inquiries(CODE) == []
    with rated.owner(served, OTHER) as neighbor:
        for call in (
            lambda: neighbor.platforms.inquiries(CODE),
            lambda: neighbor.platforms.answer(made.name, "好的。"),
        ):
            with pytest.raises(RemoteError) as hidden:
                call()
            assert hidden.value.code is grpc.StatusCode.NOT_FOUND
        assert not any(each.platform for each in neighbor.identities.requirements(OTHER))
    with rated.staff(served) as clerk:
        assert not any(each.platform for each in clerk.identities.requirements(CODE))
        with pytest.raises(RemoteError) as refused:
            clerk.platforms.inquiries(CODE)
        assert refused.value.reason == "METHOD_NOT_ALLOWED"


@pytest.mark.feature("F3")
def test_repeated_inquiry_is_one_and_tells_once(served: Served) -> None:
    enroll(served, CODE)
    until = in_days(served, 7)
    with platform(served) as shop:
        first, again = (
            shop.platforms.ask(
                CODE, ASKS.KIND_UPDATE, TEXT, deadline=until, request_id=builders.request_id(1)
            )
            for _ in range(2)
        )
        assert first == again
        with pytest.raises(RemoteError) as refused:
            shop.platforms.ask(
                CODE,
                ASKS.KIND_UPDATE,
                "请说明主营业务。",
                deadline=until,
                request_id=builders.request_id(1),
            )
        assert refused.value.reason == "REQUEST_ID_REUSED"
    with rated.owner(served, CODE) as owner:
        assert [n.reason for n in owner.ownership.notices(CODE)].count("PLATFORM_ASKS") == 1


@pytest.mark.feature("F3")
def test_inquiry_that_is_not_there_is_neither_answered_nor_closed(served: Served) -> None:
    enroll(served, CODE)
    name = f"enterprises/{CODE}/inquiries/{builders.request_id(77)}"
    with rated.owner(served, CODE) as owner, platform(served) as shop:
        with pytest.raises(RemoteError) as hidden:
            owner.platforms.answer(name, "好的。")
        assert hidden.value.code is grpc.StatusCode.NOT_FOUND
        with pytest.raises(RemoteError) as hidden:
            shop.platforms.close(name)
        assert hidden.value.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.feature("F3")
def test_platform_that_asks_too_often_has_to_wait(served: Served) -> None:
    enroll(served, CODE)
    for _ in range(10):
        ask(served)
    with pytest.raises(RemoteError) as refused:
        ask(served)
    assert refused.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    # Of another platform it is counted by itself.
    ask(served, "other")


@pytest.mark.feature("F3")
def test_decisions_of_one_platform_use_up_nothing_of_another(served: Served) -> None:
    enroll(served, CODE)
    for _ in range(20):
        with platform(served) as shop:
            shop.platforms.decide(CODE, DECIDED.OUTCOME_ADMITTED, purpose=PURPOSE, reason="R")
    with platform(served, "other") as rival:
        rival.platforms.decide(CODE, DECIDED.OUTCOME_ADMITTED, purpose=PURPOSE, reason="R")


@pytest.mark.feature("F3")
@pytest.mark.parametrize(
    "text",
    ["请致电 138 0013 8000", "写信到 a@example.com", f"法人身份证 {builders.ID_NUMBER}"],
    ids=["phone", "mail", "id"],
)
def test_data_of_a_person_stands_in_no_inquiry_and_in_no_answer(served: Served, text: str) -> None:
    enroll(served, CODE)
    made = ask(served)
    with platform(served) as shop, pytest.raises(RemoteError) as asked:
        shop.platforms.ask(CODE, ASKS.KIND_EXPLANATION, text, deadline=in_days(served, 7))
    with rated.owner(served, CODE) as owner, pytest.raises(RemoteError) as answered:
        owner.platforms.answer(made.name, text)
    for refused in (asked, answered):
        assert [fault.reason for fault in refused.value.violations] == ["CONTACT_DATA"]


@pytest.mark.feature("F3")
def test_answer_names_a_copy_that_was_uploaded_and_no_other(served: Served, tmp_path: Path) -> None:
    enroll(served, CODE)
    made = ask(served)
    copy = tmp_path / "copy.png"
    copy.write_bytes(licenses.png(licenses.license_image(COMPANY)))
    with rated.owner(served, CODE) as owner:
        for digest in (b"\x00" * 32, b"short"):
            with pytest.raises(RemoteError) as refused:
                owner.platforms.answer(made.name, document_sha256=digest)
            assert [fault.reason for fault in refused.value.violations] == ["NOT_UPLOADED"]
        with pytest.raises(RemoteError) as empty:
            owner.platforms.answer(made.name)
        assert [fault.field for fault in empty.value.violations] == ["answer"]
        kept = owner.upload_license(copy, CODE)
        digest = bytes.fromhex(kept.name.rpartition("/")[2])
        assert owner.platforms.answer(made.name, document_sha256=digest).document_sha256 == digest
    with platform(served) as shop:
        assert shop.platforms.inquiries()[0].document_sha256 == digest
        # The digest is told; the copy itself is the enterprise's to hand over.
        with pytest.raises(RemoteError) as hidden:
            shop.get_document(kept.name)
        assert hidden.value.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.feature("F3")
@pytest.mark.parametrize("away", [-HOUR, 0, HOUR - 1, 90 * DAY + 1])
def test_deadline_is_neither_over_nor_far_away(served: Served, away: int) -> None:
    enroll(served, CODE)
    until = to_datetime(Instant(served.clock.now + away))
    with platform(served) as shop, pytest.raises(RemoteError) as refused:
        shop.platforms.ask(CODE, ASKS.KIND_UPDATE, TEXT, deadline=until)
    assert [fault.field for fault in refused.value.violations] == ["deadline_time"]


@pytest.mark.feature("F2", "F3")
def test_enterprise_that_takes_no_part_is_neither_decided_on_nor_asked(served: Served) -> None:
    with platform(served) as shop:
        for call in (
            lambda: shop.platforms.decide(
                ABSENT, DECIDED.OUTCOME_REFUSED, purpose=PURPOSE, reason="RISK"
            ),
            lambda: shop.platforms.ask(ABSENT, ASKS.KIND_UPDATE, TEXT, deadline=in_days(served, 7)),
        ):
            with pytest.raises(RemoteError) as hidden:
                call()
            assert hidden.value.code is grpc.StatusCode.NOT_FOUND


# --- Batches ---------------------------------------------------------------------------


@pytest.mark.feature("F5")
def test_batch_answers_each_question_in_order_with_its_own_status(served: Served) -> None:
    enroll(served, CODE, OTHER)
    asked = [OTHER, ABSENT, CODE, "no code", OTHER]
    with platform(served) as shop:
        answers = shop.platforms.batch(asked, purpose=PURPOSE)
        assert [each.name for each in answers] == [f"enterprises/{a}/archive" for a in asked]
        reasons = [error_reason_pb2.ErrorReason.Name(each.reason) for each in answers]
        assert [reason.removeprefix("ERROR_REASON_") for reason in reasons] == [
            "UNSPECIFIED",
            "RESOURCE_NOT_FOUND",
            "UNSPECIFIED",
            "INVALID_FIELD",
            "UNSPECIFIED",
        ]
        assert answers[0] == answers[4]
        for answer, code in ((answers[0], OTHER), (answers[2], CODE)):
            single, etag = shop.get_archive_and_etag(code, purpose=PURPOSE)
            assert (answer.archive, answer.etag) == (single, etag)
            assert answer.revision == shop.last_revision(code)
        for answer, code in ((answers[1], ABSENT), (answers[3], "no code")):
            with pytest.raises(RemoteError) as alone:
                shop.get_archive(code, purpose=PURPOSE)
            assert f"ERROR_REASON_{alone.value.reason}" == error_reason_pb2.ErrorReason.Name(
                answer.reason
            )
            assert answer.description.startswith(alone.value.message)
            assert not answer.HasField("archive")


@pytest.mark.feature("F5")
def test_batch_sends_no_archive_that_the_platform_holds(served: Served) -> None:
    enroll(served, CODE, OTHER)
    with platform(served) as shop:
        _, etag = shop.get_archive_and_etag(CODE, purpose=PURPOSE)
        held, new = shop.platforms.batch([(CODE, etag), (OTHER, etag)], purpose=PURPOSE)
    assert held.not_modified
    assert not held.HasField("archive")
    assert held.etag == etag
    assert not new.not_modified
    assert new.HasField("archive")


@pytest.mark.feature("F5")
@pytest.mark.parametrize("count", [0, 51])
def test_batch_is_bounded(served: Served, count: int) -> None:
    with platform(served) as shop, pytest.raises(RemoteError) as refused:
        shop.platforms.batch([CODE] * count, purpose=PURPOSE)
    assert [fault.field for fault in refused.value.violations] == ["questions"]


@pytest.mark.feature("F5", "F1")
def test_batch_shows_what_its_purpose_shows(served: Served) -> None:
    rated.rated(served, COMPANY)
    with platform(served) as shop, rated.member(served) as member:
        (shown,) = shop.platforms.batch([CODE], purpose=READ_PURPOSE_DISPLAY_TO_USERS)
        assert shown.archive == member.get_archive(CODE)
        (known,) = shop.platforms.batch([CODE], purpose=READ_PURPOSE_AUTHENTICATION)
        assert not known.archive.HasField("rating")


# --- What changed ----------------------------------------------------------------------


@pytest.mark.feature("F5")
def test_platform_is_told_what_changed_among_what_it_reads_and_of_nothing_else(
    served: Served,
) -> None:
    """All three authorize one platform; the other has read the second alone."""
    enroll(served, CODE, OTHER, THIRD)
    with platform(served, "other") as reader:
        assert reader.platforms.changed(purpose=PURPOSE).archives == ()
        reader.get_archive(OTHER, purpose=PURPOSE)
        (told,) = reader.platforms.changed(purpose=PURPOSE).archives
        assert told.name == f"enterprises/{OTHER}/archive"
    with platform(served) as shop:
        found = shop.platforms.changed(purpose=PURPOSE)
        assert {each.name.split("/")[1] for each in found.archives} == {CODE, OTHER, THIRD}


@pytest.mark.feature("F5")
def test_change_is_told_once_it_happened_with_the_tag_to_compare(served: Served) -> None:
    enroll(served, CODE, OTHER)
    with platform(served) as shop:
        held = {code: shop.get_archive_and_etag(code, purpose=PURPOSE)[1] for code in (CODE, OTHER)}
    rated.later(served, HOUR)
    began = to_datetime(served.clock.now)
    with platform(served) as shop:
        assert shop.platforms.changed(began, purpose=PURPOSE).archives == ()
        describe(served, CODE, "百货")
        (told,) = shop.platforms.changed(began, purpose=PURPOSE).archives
        assert told.name == f"enterprises/{CODE}/archive"
        assert told.etag != held[CODE]
        assert told.etag == shop.get_archive_and_etag(CODE, purpose=PURPOSE)[1]
        assert told.revision == shop.last_revision(CODE)
        assert told.change_time.ToMicroseconds() == served.clock.now


@pytest.mark.feature("F5")
def test_archive_that_was_made_anew_and_says_the_same_did_not_change(served: Served) -> None:
    rated.rated(served, COMPANY)
    rated.later(served, HOUR)
    since = to_datetime(served.clock.now)
    with served.store.writing() as work:
        archive.refresh(work, champion(None), CODE, served.clock.now)
        work.commit()
    with platform(served) as shop:
        assert shop.get_archive(CODE, purpose=PURPOSE).rating.level
        assert shop.last_revision(CODE) > 1
        assert shop.platforms.changed(since, purpose=PURPOSE).archives == ()


@pytest.mark.feature("F5")
def test_change_that_time_alone_made_is_told_of_what_platforms_read(served: Served) -> None:
    """The source said until when it lists; nobody writes anything."""
    ends = Instant(builders.NOW + 2 * DAY)
    told = [builders.listing(expires_at=ends)]
    rated.rated(served, COMPANY, facts=told)
    builders.enroll(served.store, builders.code(2))
    with platform(served) as shop:
        held = shop.get_archive_and_etag(CODE, purpose=PURPOSE)[1]
    rated.later(served, 3 * DAY)
    since, card, seen = to_datetime(served.clock.now), champion(None), Following()
    with platform(served) as shop:
        assert shop.platforms.changed(since, purpose=PURPOSE).archives == ()
        # The second one was read by nobody.
        assert refresh_followed(served.store, card, seen, now=served.clock.now) == 1
        (changed,) = shop.platforms.changed(since, purpose=PURPOSE).archives
        assert changed.name == f"enterprises/{CODE}/archive"
        assert changed.etag != held
    for _ in range(3):
        assert refresh_followed(served.store, card, seen, now=served.clock.now) == 0
    assert seen.done
    rated.later(served, DAY)
    assert refresh_followed(served.store, card, seen, now=served.clock.now) == 1


@pytest.mark.feature("F5")
def test_next_question_begins_before_this_one_so_that_nothing_is_lost(served: Served) -> None:
    enroll(served, CODE)
    with platform(served) as shop:
        first = shop.platforms.changed(purpose=PURPOSE)
        assert first.next_since < to_datetime(served.clock.now)
        again = shop.platforms.changed(first.next_since, purpose=PURPOSE)
    assert [each.name for each in again.archives] == [each.name for each in first.archives]


@pytest.mark.feature("F5")
def test_changes_come_in_pages_without_gap_or_repetition(served: Served) -> None:
    enroll(served, CODE, OTHER, THIRD)
    with platform(served) as shop:
        calls = shop.platforms
        request = platform_service_pb2.ListChangedArchivesRequest(purpose=PURPOSE, page_size=1)
        found = []
        while True:
            answer = calls._connection.call(calls._stub.ListChangedArchives, request)[0]
            found += [each.name for each in answer.changes]
            if not answer.next_page_token:
                break
            request.page_token = answer.next_page_token
    assert found == [f"enterprises/{code}/archive" for code in sorted((CODE, OTHER, THIRD))]


@pytest.mark.feature("F5", "D4")
def test_change_has_the_tag_of_what_the_platform_is_shown(served: Served) -> None:
    rated.rated(served, COMPANY)
    with rated.staff(served) as clerk:
        clerk.platforms.set_mask(builders.PLATFORM, ["rating"], reason="Not agreed.")
    with platform(served) as shop:
        for purpose in (
            PURPOSE,
            READ_PURPOSE_ACCESS_ASSESSMENT,
            READ_PURPOSE_AUTHENTICATION,
            READ_PURPOSE_DISPLAY_TO_USERS,
        ):
            (told,) = shop.platforms.changed(purpose=purpose).archives
            assert told.etag == shop.get_archive_and_etag(CODE, purpose=purpose)[1]


# --- Levels that turned out wrong --------------------------------------------------------


@pytest.mark.feature("E9", "F5")
def test_platform_that_read_a_wrong_level_finds_that_in_what_changed(served: Served) -> None:
    """A listing that is not the enterprise's makes D; an appeal is won two days later."""
    wrong = builders.listing(FactKind.SERIOUS_ILLEGAL)
    rated.rated(served, COMPANY, facts=[wrong])
    with platform(served) as shop:
        assert shop.get_rating(CODE, purpose=PURPOSE).level == rating_pb2.LEVEL_D
    rated.later(served, 2 * DAY)
    since = to_datetime(served.clock.now)
    fact = rights_pb2.FactTarget(kind=wrong.kind.value, item=wrong.item)
    with rated.owner(served, CODE) as owner:
        case = owner.rights.correct(
            CODE, rights_pb2.CorrectionTarget(fact=fact), wrong="not us", right="none"
        )
    rated.later(served)
    with rated.staff(served) as clerk:
        clerk.rights.decide(case.name, reason="The file says so.", upheld=True, withdraw=True)
    # Who reads only now saw nothing wrong.
    rated.later(served, 2 * DAY)
    with platform(served) as shop, platform(served, "other") as late:
        late.get_archive(CODE, purpose=PURPOSE)
        (told,) = shop.platforms.changed(since, purpose=PURPOSE).archives
        (corrected,) = told.corrected_levels
        assert corrected.shown_level == rating_pb2.LEVEL_D
        level = shop.get_rating(CODE, purpose=PURPOSE).level
        assert corrected.restored_level == level != rating_pb2.LEVEL_D
        assert corrected.begin_time.ToMicroseconds() <= builders.NOW
        assert corrected.end_time == corrected.correct_time
        (unknowing,) = late.platforms.changed(since, purpose=PURPOSE).archives
        assert not unknowing.corrected_levels
        # Whoever is not shown levels isn't told of one.
        (told,) = shop.platforms.changed(since, purpose=READ_PURPOSE_AUTHENTICATION).archives
        assert not told.corrected_levels
