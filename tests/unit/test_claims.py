"""Reading claims: every fault is named at once, and no value is repeated."""

from __future__ import annotations

import csv
import datetime as dt
from typing import Any

import pytest

from bonafides.errors import InvalidFieldsError
from bonafides.identity.claims import read_claims
from bonafides.identity.codes import compose
from bonafides.identity.id_numbers import IdType
from bonafides.identity.submission import Depth, Purpose
from bonafides.instants import DAY, Day, from_date, to_date_message
from bonafides.records.money import Money
from bonafides.v1 import enterprise_pb2 as enterprise
from tests import builders


def _faults(message: enterprise.Claims) -> set[tuple[str, str]]:
    with pytest.raises(InvalidFieldsError) as refused:
        read_claims(message, now=builders.NOW)
    return {(each.field.removeprefix("claims."), each.reason) for each in refused.value.violations}


def _license(**changes: Any) -> enterprise.Claims:
    message = builders.claims()
    for name, value in changes.items():
        if isinstance(value, str):
            setattr(message.license, name, value)
        else:
            getattr(message.license, name).CopyFrom(value)
    return message


@pytest.mark.feature("A1")
def test_complete_claims_are_read_in_their_normal_forms() -> None:
    message = builders.claims(
        title=f" {builders.registration().title} ", phone="138 0013 8000", email="Owner@EXAMPLE.com"
    )
    message.authorized_platforms.extend(["olist", "1688"])
    claims = read_claims(message, now=builders.NOW)
    assert claims.code == builders.code()
    assert claims.title == builders.registration().title
    assert claims.phone == "+8613800138000"
    assert claims.email == "Owner@example.com"
    assert claims.representatives[0].id_number.text == builders.ID_NUMBER
    assert claims.license.registered_capital == Money("CNY", 100_000_000)
    assert claims.license.established is None
    assert claims.authorized_platforms == ("1688", "olist")


@pytest.mark.feature("A1")
def test_every_missing_field_of_empty_claims_is_named_at_once() -> None:
    assert _faults(enterprise.Claims()) == {
        ("code", "LENGTH"),
        ("title", "REQUIRED"),
        ("phone", "PHONE"),
        ("email", "EMAIL"),
        ("representative.person", "REQUIRED"),
        ("representative.id_number", "LENGTH"),
        ("authorizations", "AUTHORIZATION_REQUIRED"),
        ("assent.assent_time", "REQUIRED"),
        ("assent.agreement_version", "REQUIRED"),
    }


@pytest.mark.feature("A1")
def test_faults_repeat_no_value() -> None:
    message = builders.claims(
        code="planted-code",
        phone="planted-phone",
        email="planted-email",
        representative=enterprise.Representative(person="planted\u202eperson", id_number="9" * 18),
    )
    with pytest.raises(InvalidFieldsError) as refused:
        read_claims(message, now=builders.NOW)
    assert len(refused.value.violations) == 5
    shown = f"{refused.value} {refused.value!r} {refused.value.violations}"
    assert "planted" not in shown
    assert "9" * 18 not in shown
    assert refused.value.__cause__ is None


@pytest.mark.feature("A7")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("990000000000018", "OLD_REGISTRATION_NUMBER"),
        (compose("81", "110105", "12345678").text, "OUT_OF_SCOPE"),
        (compose("91", "810000", "12345678").text, "OUT_OF_SCOPE"),
        (builders.ID_NUMBER, "OUT_OF_SCOPE"),
        ("9199", "LENGTH"),
    ],
)
def test_codes_that_name_no_enterprise_of_the_mainland_are_refused(text: str, reason: str) -> None:
    assert _faults(builders.claims(code=text)) == {("code", reason)}


@pytest.mark.feature("A8")
def test_a_code_with_a_wrong_check_digit_is_taken() -> None:
    text = builders.code().text
    wrong = text[:-1] + ("0" if text[-1] != "0" else "1")
    claims = read_claims(builders.claims(code=wrong), now=builders.NOW)
    assert [finding.reason for finding in claims.code.findings] == ["CHECK_DIGIT"]


@pytest.mark.feature("A7")
@pytest.mark.parametrize(
    "address",
    [
        "香港中环德辅道中1号",
        "香港特别行政区九龙弥敦道1号",
        "中国香港湾仔",
        "香港",
        "澳门特别行政区友谊大马路",
        "澳門氹仔",
        "台湾省台北市信义路",
        "臺灣新竹",
        "台北市信义区",
        " 中 国 台 湾 高雄",
    ],
)
def test_a_registered_address_outside_the_mainland_is_out_of_scope(address: str) -> None:
    assert _faults(_license(registered_address=address)) == {
        ("license.registered_address", "OUT_OF_SCOPE")
    }


@pytest.mark.feature("A7")
@pytest.mark.parametrize(
    "address",
    [
        "青岛市崂山区香港东路1号",
        "香港中路10号",
        "香港花园3栋",
        "澳门路7号",
        "台湾街1号",
        "台州市椒江区1号",
        "台中镇1号",
        "",
    ],
)
def test_streets_named_after_hong_kong_macao_and_taiwan_are_in_scope(address: str) -> None:
    claims = read_claims(_license(registered_address=address), now=builders.NOW)
    assert claims.license.registered_address == (address or None)


@pytest.mark.feature("A7")
def test_no_real_address_of_the_mainland_is_out_of_scope() -> None:
    with (builders.shared_data() / "companies_dev.csv").open(encoding="utf-8") as opened:
        addresses = [row["address"] for row in csv.DictReader(opened) if row["address"]]
    reasons = set[str]()
    for address in addresses:
        try:
            read_claims(_license(registered_address=address), now=builders.NOW)
        except InvalidFieldsError as fault:
            reasons.update(each.reason for each in fault.violations)
    # One address holds a private-use character, from a time before Unicode had the right one.
    assert reasons == {"FORBIDDEN_CHARACTER"}


@pytest.mark.parametrize(
    "phone",
    ["13800138000", "+86 138 0013 8000", "0571-85022088", "400-800-8820", "１３８００１３８０００"],
)
def test_numbers_of_the_mainland_are_taken(phone: str) -> None:
    read_claims(builders.claims(phone=phone), now=builders.NOW)


@pytest.mark.parametrize(
    "phone", ["12345", "+1 212 555 0100", "+852 2123 4567", "none", "1380013800"]
)
def test_other_phone_numbers_are_refused(phone: str) -> None:
    assert _faults(builders.claims(phone=phone)) == {("phone", "PHONE")}


@pytest.mark.parametrize("email", ["owner", "owner@", "@example.com", "a b@example.com", "a@b@c"])
def test_what_is_no_email_address_is_refused(email: str) -> None:
    assert _faults(builders.claims(email=email)) == {("email", "EMAIL")}


@pytest.mark.parametrize(
    "character", ["\0", "\n", "\x7f", "\u200b", "\u202e", "\u2066", "\ue000", "\u0378", "\u2028"]
)
def test_titles_with_characters_that_cannot_be_seen_are_refused(character: str) -> None:
    title = f"九九{character}公司"
    assert _faults(builders.claims(title=title)) == {("title", "FORBIDDEN_CHARACTER")}


@pytest.mark.feature("B1")
@pytest.mark.parametrize(
    "authorizations",
    [
        [],
        [builders.authorization(enterprise.PURPOSE_RATE)],
        [
            enterprise.Authorization(
                purpose=enterprise.PURPOSE_VERIFY_IDENTITY,
                scope=["person"],
                grant_time=builders.stamp(1),
            )
        ],
    ],
)
def test_a_representative_without_authorization_for_name_and_number_is_refused(
    authorizations: list[enterprise.Authorization],
) -> None:
    assert _faults(builders.claims(authorizations=authorizations)) == {
        ("authorizations", "AUTHORIZATION_REQUIRED")
    }


@pytest.mark.feature("B1")
def test_an_authorization_granted_twice_or_never_or_later_is_refused() -> None:
    late = builders.authorization(enterprise.PURPOSE_RATE)
    late.grant_time.CopyFrom(builders.stamp(builders.NOW + 1))
    undated = builders.authorization(enterprise.PURPOSE_SHOW_BUSINESS_FILE)
    undated.ClearField("grant_time")
    ancient = enterprise.Authorization(
        purpose=enterprise.PURPOSE_UNSPECIFIED, grant_time=builders.stamp(-1)
    )
    message = builders.claims(
        authorizations=[builders.authorization(), builders.authorization(), late, undated, ancient]
    )
    assert _faults(message) == {
        ("authorizations[1].purpose", "DUPLICATE"),
        ("authorizations[2].grant_time", "IN_FUTURE"),
        ("authorizations[3].grant_time", "REQUIRED"),
        ("authorizations[4].purpose", "PURPOSE"),
        ("authorizations[4].grant_time", "TIME"),
    }


@pytest.mark.feature("B3")
def test_optional_purposes_are_granted_one_by_one_or_not_at_all() -> None:
    plain = read_claims(builders.claims(), now=builders.NOW)
    both = builders.claims(
        authorizations=[builders.authorization(enterprise.PURPOSE_RATE), builders.authorization()]
    )
    assert [each.purpose for each in plain.authorizations] == [Purpose.VERIFY_IDENTITY]
    assert {each.purpose for each in read_claims(both, now=builders.NOW).authorizations} == {
        Purpose.RATE,
        Purpose.VERIFY_IDENTITY,
    }


@pytest.mark.feature("B7")
def test_assent_to_come_is_refused() -> None:
    assent = enterprise.Assent(
        agreement_version=builders.AGREEMENT, assent_time=builders.stamp(builders.NOW + DAY)
    )
    assert _faults(builders.claims(assent=assent)) == {("assent.assent_time", "IN_FUTURE")}


def test_an_individual_business_claims_no_registered_capital() -> None:
    of = builders.code(department_and_type="92")
    message = builders.claims(of)
    assert read_claims(message, now=builders.NOW).license.registered_capital is None
    message.license.registered_capital.CopyFrom(
        enterprise.Money(currency_code="CNY", amount_minor=1)
    )
    assert _faults(message) == {("license.registered_capital", "NOT_FOR_INDIVIDUALS")}


def test_negative_capital_is_refused() -> None:
    money = enterprise.Money(currency_code="CNY", amount_minor=-1)
    assert _faults(_license(registered_capital=money)) == {
        ("license.registered_capital", "NEGATIVE")
    }


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"established": builders.date(2026, 2, 30)}, ("license.established", "DATE")),
        ({"established": builders.date(0, 0, 0)}, ("license.established", "DATE")),
        ({"term_end": builders.date(2026, 13, 1)}, ("license.term_end", "DATE")),
        ({"established": to_date_message(Day(builders.TODAY + 1))}, ("license", "DATE")),
        ({"established": builders.date(1799, 12, 31)}, ("license", "DATE")),
        (
            {"established": builders.date(2020, 1, 2), "term_end": builders.date(2020, 1, 1)},
            ("license", "DATE_ORDER"),
        ),
    ],
)
def test_dates_that_cannot_be_are_refused(changes: dict[str, Any], fault: tuple[str, str]) -> None:
    assert _faults(_license(**changes)) == {fault}


def test_an_expired_term_is_no_fault_of_the_claims() -> None:
    message = _license(established=builders.date(2010, 1, 1), term_end=builders.date(2020, 1, 1))
    license_ = read_claims(message, now=builders.NOW).license
    assert license_.term_end is not None
    assert license_.term_end < from_date(dt.date(2026, 1, 1))


@pytest.mark.feature("A9")
def test_several_representatives_are_read_with_their_types_of_document() -> None:
    others = [
        enterprise.Representative(
            person="Test Person", id_number="e99000001", id_type=enterprise.ID_TYPE_PASSPORT
        ),
        enterprise.Representative(
            person="測來港", id_number="H99000001", id_type=enterprise.ID_TYPE_HK_MACAO_PERMIT
        ),
    ]
    claims = read_claims(builders.claims(other_representatives=others), now=builders.NOW)
    assert [(each.id_number.type, each.id_number.text) for each in claims.representatives] == [
        (IdType.RESIDENT_ID, builders.ID_NUMBER),
        (IdType.PASSPORT, "E99000001"),
        (IdType.HK_MACAO_PERMIT, "H99000001"),
    ]


@pytest.mark.feature("A9")
def test_faults_of_further_representatives_are_named_by_place() -> None:
    others = [
        builders.claims().representative,
        enterprise.Representative(
            person="測來臺", id_number="x", id_type=enterprise.ID_TYPE_TAIWAN_PERMIT
        ),
        enterprise.Representative(person="測", id_number=builders.ID_NUMBER, id_type=99),  # type: ignore[arg-type]  # a newer client's
    ]
    assert _faults(builders.claims(other_representatives=others)) == {
        ("other_representatives[0]", "DUPLICATE"),
        ("other_representatives[1].id_number", "SHAPE"),
        ("other_representatives[2].id_type", "ENUM"),
    }


@pytest.mark.feature("A3")
def test_the_depth_is_four_elements_unless_another_is_asked_for() -> None:
    shallow = builders.claims()
    shallow.depth = enterprise.CHECK_DEPTH_TWO
    assert read_claims(builders.claims(), now=builders.NOW).depth is Depth.FOUR
    assert read_claims(shallow, now=builders.NOW).depth is Depth.TWO


@pytest.mark.feature("A9", "A7")
def test_a_form_of_composition_is_for_individual_businesses_alone() -> None:
    individual = builders.claims(builders.code(1, department_and_type="92"))
    individual.license.composition = "家庭经营"
    assert read_claims(individual, now=builders.NOW).license.composition == "家庭经营"
    company = builders.claims()
    company.license.composition = "家庭经营"
    assert _faults(company) == {("license.composition", "INDIVIDUALS_ONLY")}
