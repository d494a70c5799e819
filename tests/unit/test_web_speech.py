"""What the website makes of codes: its own texts, or the service's English, marked as such."""

from __future__ import annotations

import grpc
import pytest
from babel.messages.pofile import read_po
from google.rpc.status_pb2 import Status
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafides import errors
from bonafides.client.faults import RemoteError, _Details, _unpacked
from bonafides.errors import FieldViolation, InvalidFieldsError
from bonafides.rpc import status
from bonafides.v1 import enterprise_pb2, requirement_pb2
from bonafides.web import speech
from bonafides.web.fields import Leaf, group_of
from bonafides.web.language import LANGUAGES
from bonafides.web.speech import Said
from tests.searching import examples
from tests.unit.test_web_texts import WEB

CHINESE, ENGLISH = LANGUAGES


def received(error: BaseException) -> RemoteError:
    """Returns the error as a client reads it from the trailers."""
    told = status.reply(error, "")
    details = dict(told.trailers)[status.DETAILS]
    assert isinstance(details, bytes)
    return RemoteError(told.code, told.message, _unpacked(Status.FromString(details).details))


def refused(reason: str, **metadata: str) -> RemoteError:
    details = _Details(reason=reason, metadata=metadata)
    return RemoteError(grpc.StatusCode.FAILED_PRECONDITION, "Told in English.", details)


def test_limit_says_when_to_come_back_as_the_language_writes_it() -> None:
    error = received(errors.RateLimitedError(300))
    assert speech.refusal_of(error, 429, CHINESE).step == Said("请在5分钟后再试。")
    assert speech.refusal_of(error, 429, ENGLISH).step == Said("Try again in 5 minutes.")


def test_limit_without_a_time_says_to_wait() -> None:
    error = received(errors.ServerBusyError(None))
    assert speech.refusal_of(error, 429, CHINESE).step == Said("请稍候再试。")


def test_states_in_an_error_are_words() -> None:
    error = received(errors.TransitionNotAllowedError("REJECTED", "VERIFIED"))
    why = speech.refusal_of(error, 409, CHINESE).why
    assert why == Said("当前状态为“核验不符”，不能转为“已认证”。")


def test_reason_that_the_website_does_not_know_is_told_in_marked_english() -> None:
    told = speech.refusal_of(refused("SOMETHING_NEW"), 409, CHINESE)
    assert told.what == Said("目前无法进行此操作。")
    assert told.why == Said("Told in English.", "en")
    assert speech.refusal_of(refused("SOMETHING_NEW"), 409, ENGLISH).why == Said("Told in English.")


def test_state_that_the_website_does_not_know_is_left_out() -> None:
    told = speech.refusal_of(refused("CASE_STATE", state="SOMETHING_NEW"), 409, CHINESE)
    assert told.why is None
    assert told.what == Said("此事项已经办结。")


def test_fault_that_the_website_does_not_know_is_told_in_marked_english() -> None:
    fault = FieldViolation("claims.novelty[2]", "SOMETHING_NEW", "Mend it.")
    (told,) = speech.faults_of([fault], "submit", CHINESE)
    assert told.field == ""
    assert told.label == Said("claims.novelty[2]", "en")
    assert told.said == Said("Mend it.", "en")


def test_fault_without_what_its_text_names_is_told_in_marked_english() -> None:
    fault = FieldViolation("claims.title", "STRING_MAX_LEN", "Must be at most 9 characters.")
    (told,) = speech.faults_of([fault], "submit", CHINESE)
    assert told.said.lang == "en"
    assert told.label == Said("登记名称")


@pytest.mark.parametrize(
    ("path", "reason", "field"),
    [
        ("name", "LENGTH", "code"),
        ("name", "PLATFORM", "platform"),
        ("claims.other_representatives[0].id_number", "CHECK_DIGIT", "id_number"),
        ("changes.representatives[1].person", "REQUIRED", "person"),
        ("claims.license.registered_capital.currency_code", "STRING_PATTERN", "capital"),
        ("claims.authorizations[0].grant_time", "IN_FUTURE", "consent_VERIFY_IDENTITY"),
        ("claims.authorized_platforms[3]", "STRING_PATTERN", "platforms"),
        ("target.fact.item", "NOT_HELD", "target"),
        ("target.record", "NOT_HELD", "record_id"),
        ("page_size", "INT32_GTE", ""),
    ],
)
def test_fault_is_of_the_field_that_was_filled_in(path: str, reason: str, field: str) -> None:
    assert speech.form_field(FieldViolation(path, reason, "")) == field


def test_form_calls_a_field_by_its_own_name() -> None:
    assert speech.label_of("copy", "amend", CHINESE) != speech.label_of("copy", "submit", CHINESE)


def test_parameters_of_violations_arrive_with_their_violation() -> None:
    sent = (
        FieldViolation("a", "STRING_MAX_LEN", "One.", {"limit": "9"}),
        FieldViolation("b", "REQUIRED", "Two."),
        FieldViolation("c", "DOCUMENT_SIZE", "Three.", {"most_bytes": "7", "limit": "2"}),
    )
    error = received(InvalidFieldsError(sent))
    assert error.violations == sent
    assert error.metadata == {}


@given(st.integers(1, 400), st.integers(0, 60), st.integers(0, 6))
@settings(max_examples=examples(60), deadline=None)
def test_parameters_are_cut_with_their_violations(many: int, length: int, varying: int) -> None:
    parameters = {f"parameter_{number}": "万" * length for number in range(varying)}
    sent = tuple(FieldViolation(f"f[{at}]", "LENGTH", "Mend.", parameters) for at in range(many))
    told = status.reply(InvalidFieldsError(sent), "call")
    error = received(InvalidFieldsError(sent))
    assert error.violations == sent[: len(error.violations)]
    left_out = many - len(error.violations)
    assert error.metadata.get("violations_left_out", "0") == str(left_out)
    # Clients refuse trailers beyond 8 KiB; details travel as base64.
    details = dict(told.trailers)[status.DETAILS]
    assert len(details) * 4 / 3 < 7 * 1_024


def test_translations_name_what_varies_as_the_texts_do() -> None:
    with (WEB / "locale" / "zh" / "LC_MESSAGES" / "bonafides.po").open("rb") as opened:
        catalogue = read_po(opened, locale="zh")
    for message in catalogue:
        if message.id:
            assert sorted(speech.names_in(str(message.id))) == sorted(
                speech.names_in(str(message.string))
            )


def test_waits_are_rounded_up_to_what_people_name() -> None:
    waits = (0, 1, 59, 60, 61, 7_199, 7_200, 86_400, 172_800, 1_300_000)
    assert [CHINESE.duration(each) for each in waits] == [
        "1秒钟",
        "1秒钟",
        "59秒钟",
        "1分钟",
        "2分钟",
        "120分钟",
        "2小时",
        "24小时",
        "2天",
        "16天",
    ]
    assert ENGLISH.duration(61) == "2 minutes"


def test_sizes_are_whole_mebibytes_where_they_can_be() -> None:
    assert CHINESE.size(10 * 1_024 * 1_024) == "10 MiB"
    assert CHINESE.size(1_500) == "1,500字节"


def test_words_of_people_stay_as_they_were_written() -> None:
    told = requirement_pb2.Requirement(question="Which store is it?", reason="PLATFORM_ASKS")
    question = group_of(told, CHINESE).parts["question"]
    assert isinstance(question, Leaf)
    assert question.text == "Which store is it?"


def test_remedy_without_a_text_is_marked_as_english() -> None:
    told = requirement_pb2.Requirement(reason="SOMETHING_NEW", remedy="Do this.")
    remedy = group_of(told, CHINESE).parts["remedy"]
    assert isinstance(remedy, Leaf)
    assert (remedy.text, remedy.lang) == ("Do this.", "en")
    remedy = group_of(told, ENGLISH).parts["remedy"]
    assert isinstance(remedy, Leaf)
    assert (remedy.text, remedy.lang) == ("Do this.", "")


def test_second_representative_is_called_so() -> None:
    told = enterprise_pb2.CheckResult(check="representative_id_number[2]")
    check = group_of(told, CHINESE).parts["check"]
    assert isinstance(check, Leaf)
    assert check.text == "身份证号码 2"


def test_what_is_open_names_consent_and_platform() -> None:
    items = {
        "consents/RATE": "授权：评定等级",
        "agreements/SERVICE_AGREEMENT": "协议：服务协议",
        "stores/1688/link-s1": "店铺：1688 link-s1",
        "license.copy_sha256": "营业执照副本",
        "other_representatives[0].person": "法定代表人或经营者 2",
    }
    for item, said in items.items():
        told = requirement_pb2.Requirement(item=item)
        assert speech.said_in(told, "item", item, CHINESE) == Said(said)
