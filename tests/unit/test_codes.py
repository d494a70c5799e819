"""Codes and identity numbers: what is refused, what is a finding, what is shown."""

from __future__ import annotations

import csv
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafides.identity.codes import (
    ALPHABET,
    CodeError,
    UnifiedCode,
    compose,
    out_of_scope,
)
from tests import builders

_SERIALS = st.text(alphabet=sorted(ALPHABET), min_size=8, max_size=8)
_CHECK_DIGITS = {"CHECK_DIGIT", "ORGANIZATION_CHECK_DIGIT"}


def _rows(name: str) -> list[dict[str, str]]:
    with (builders.shared_data() / name).open(encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def _reason(text: str) -> str:
    with pytest.raises(CodeError) as refused:
        UnifiedCode.parse(text)
    return refused.value.reason


def _findings(text: str) -> set[str]:
    return {finding.reason for finding in UnifiedCode.parse(text).findings}


@pytest.mark.feature("A8")
def test_every_published_valid_case_is_submittable_without_a_wrong_check_digit() -> None:
    valid = [row["input"] for row in _rows("uscc_cases_dev.csv") if row["expected"] == "valid"]
    codes = [UnifiedCode.parse(text) for text in valid]
    assert len(codes) == 248
    assert [out_of_scope(code) for code in codes] == [None] * 248
    found = {finding.reason for code in codes for finding in code.findings}
    assert found <= {"REGION_ABOLISHED", "REGION_NOT_LISTED"}


@pytest.mark.feature("A8")
def test_full_width_cases_become_valid_by_normalization() -> None:
    wide = [row for row in _rows("uscc_cases_dev.csv") if row["mutation"] == "fullwidth"]
    assert len(wide) == 60
    for row in wide:
        assert UnifiedCode.parse(row["input"]) == UnifiedCode(row["derived_from"])


@pytest.mark.feature("A8")
def test_every_shape_fault_of_the_published_cases_is_refused_with_its_reason() -> None:
    cases = _rows("uscc_cases_dev.csv")
    lengths = [row for row in cases if row["python_stdnum_result"] == "InvalidLength"]
    letters = [row for row in cases if row["mutation"] == "excluded_letter"]
    assert {_reason(row["input"]) for row in lengths} == {"LENGTH"}
    assert {_reason(row["input"]) for row in letters} == {"ALPHABET"}
    assert (len(lengths), len(letters)) == (120, 60)


@pytest.mark.feature("A8")
def test_every_wrong_check_digit_of_the_published_cases_is_a_finding() -> None:
    wrong = [
        row["input"]
        for row in _rows("uscc_cases_dev.csv")
        if row["python_stdnum_result"] == "InvalidChecksum"
    ]
    assert len(wrong) == 240
    assert all("CHECK_DIGIT" in _findings(text) for text in wrong)


@pytest.mark.feature("A8")
def test_codes_as_published_get_the_treatment_that_their_fault_asks_for() -> None:
    told: dict[str, set[str]] = {}
    for row in _rows("companies_anomalous_dev.csv"):
        try:
            code = UnifiedCode.parse(row["code_as_published"])
            found = {finding.reason for finding in code.findings} & _CHECK_DIGITS
        except CodeError as fault:
            found = {fault.reason}
        told.setdefault(row["finding"], set()).update(found)
    assert told == {
        "old_15_digit_registration_number": {"OLD_REGISTRATION_NUMBER"},
        "length": {"LENGTH"},
        "lowercase_letter": set(),
        "check_digit": {"CHECK_DIGIT", "ORGANIZATION_CHECK_DIGIT"},
        "inner_org_check_digit": {"ORGANIZATION_CHECK_DIGIT"},
    }


@pytest.mark.feature("A7", "A8")
def test_all_real_enterprises_are_submittable_and_the_trade_union_is_out_of_scope() -> None:
    codes = [UnifiedCode.parse(row["uscc"]) for row in _rows("companies_dev.csv")]
    refused = [code for code in codes if out_of_scope(code)]
    assert len(codes) == 3_961
    assert [code.department for code in refused] == ["81"]
    assert [finding.reason for finding in refused[0].findings] == ["NOT_AN_ENTERPRISE"]


@pytest.mark.feature("A7")
@pytest.mark.parametrize("prefix", ["11", "12", "51", "52", "81", "94", "99", "A1", "N2", "Y1"])
def test_other_departments_parse_and_are_out_of_scope(prefix: str) -> None:
    code = compose(prefix, "110105", "12345678")
    assert "NOT_AN_ENTERPRISE" in {finding.reason for finding in code.findings}
    assert out_of_scope(code) is not None


@pytest.mark.feature("A7")
@pytest.mark.parametrize("prefix", ["91", "92", "93"])
@pytest.mark.parametrize("region", ["710000", "810000", "820000"])
def test_enterprises_of_taiwan_hong_kong_and_macao_are_out_of_scope(
    prefix: str, region: str
) -> None:
    assert out_of_scope(compose(prefix, region, "12345678")) is not None


@pytest.mark.feature("A7")
def test_individual_businesses_and_cooperatives_are_in_scope() -> None:
    individual = builders.code(department_and_type="92")
    assert individual.individual
    assert out_of_scope(individual) is None
    assert out_of_scope(builders.code(department_and_type="93")) is None


@pytest.mark.feature("A7")
@given(
    st.integers(11, 65), st.integers(0, 9_999), st.dates(dt.date(1900, 1, 1)), st.integers(0, 999)
)
def test_identity_numbers_never_pass_as_submittable_codes(
    province: int, county: int, born: dt.date, order: int
) -> None:
    digits = f"{province}{county:04d}{born:%Y%m%d}{order:03d}"
    for last in "0123456789X":
        assert out_of_scope(UnifiedCode.parse(digits + last)) is not None


@pytest.mark.feature("A8")
def test_spaces_case_width_and_invisible_characters_are_folded() -> None:
    code = builders.code(7)
    wide = "".join(chr(ord(character) + 0xFEE0) for character in code.text.lower())
    for shown in (
        code.text.lower(),
        " ".join(code.text),
        f"\t{code.text[:9]}\u3000{code.text[9:]}\n",
        f"\ufeff{code.text[:5]}\u200b{code.text[5:]}\u202e",
        wide,
    ):
        assert UnifiedCode.parse(shown) == code


@pytest.mark.feature("A8")
@pytest.mark.parametrize("text", ["", "9", "1" * 17, "1" * 19, "9" * 1_000_000, "\ufdfa"])
def test_wrong_length_is_refused_before_it_costs_anything(text: str) -> None:
    assert _reason(text) == "LENGTH"


@pytest.mark.feature("A8")
def test_code_with_more_blanks_than_any_is_written_with_is_refused_unfolded() -> None:
    text = builders.code().text
    assert UnifiedCode.parse(text + " " * 46).text == text
    assert _reason(text + " " * 47) == "LENGTH"


@pytest.mark.feature("A8")
@pytest.mark.parametrize("letter", ["I", "O", "S", "V", "Z", "-", "码", "٣", "\0"])
def test_characters_outside_the_alphabet_are_refused(letter: str) -> None:
    assert _reason(builders.code().text[:-1] + letter) == "ALPHABET"


@pytest.mark.feature("A8")
def test_letters_in_the_region_of_an_enterprise_are_refused() -> None:
    assert _reason("9199000M" + builders.code().text[8:]) == "ALPHABET"


@pytest.mark.feature("A8")
def test_fifteen_digits_are_named_an_old_registration_number() -> None:
    assert _reason("9900000 00000018") == "OLD_REGISTRATION_NUMBER"


@pytest.mark.feature("A8")
def test_a_region_that_no_list_has_refuses_nothing() -> None:
    code = compose("91", "999999", "MA000000")
    assert [finding.reason for finding in code.findings] == ["REGION_NOT_LISTED"]
    assert out_of_scope(code) is None


@pytest.mark.feature("A8")
def test_an_abolished_division_is_a_note_and_refuses_nothing() -> None:
    abolished = compose("91", "110103", "MA000000")
    (finding,) = abolished.findings
    assert finding.reason == "REGION_ABOLISHED"
    assert "2010" in finding.description
    assert out_of_scope(abolished) is None


@pytest.mark.feature("A8")
@pytest.mark.parametrize("region", ["110101", "330100", "350205", "659012", "330000"])
def test_a_division_that_exists_is_no_finding_nor_a_number_that_was_given_again(
    region: str,
) -> None:
    assert compose("91", region, "MA000000").findings == ()


@pytest.mark.feature("A8")
def test_a_division_that_the_list_lacks_is_no_error() -> None:
    """330113 was made in 2021; the list knows its province alone."""
    code = compose("91", "330113", "MA000000")
    assert [finding.reason for finding in code.findings] == ["REGION_NOT_LISTED"]


@pytest.mark.feature("A8")
def test_none_of_the_real_codes_is_refused_for_its_division() -> None:
    codes = [UnifiedCode.parse(row["uscc"]) for row in _rows("companies_dev.csv")]
    regions = [
        finding.reason
        for code in codes
        for finding in code.findings
        if finding.reason.startswith("REGION")
    ]
    assert 0.08 < len(regions) / len(codes) < 0.11
    assert {out_of_scope(code) for code in codes if code.department in {"91", "92", "93"}} == {None}


@pytest.mark.feature("A8")
@given(_SERIALS, st.sampled_from(["91", "92", "93"]))
def test_composed_codes_have_right_check_digits_and_their_parts(serial: str, prefix: str) -> None:
    code = compose(prefix, "990000", serial)
    assert code.findings == ()
    assert (code.department, code.region, code.organization[:8]) == (prefix, "990000", serial)


@pytest.mark.feature("A8")
@given(_SERIALS, st.integers(0, 17), st.sampled_from(sorted(ALPHABET)))
def test_one_wrong_character_never_goes_unnoticed(serial: str, position: int, other: str) -> None:
    right = compose("91", "990000", serial).text
    wrong = right[:position] + other + right[position + 1 :]
    try:
        findings = _findings(wrong)
    except CodeError:
        return
    assert wrong == right or "CHECK_DIGIT" in findings


@given(st.text(max_size=80))
def test_any_text_parses_to_a_code_of_its_alphabet_or_is_refused(text: str) -> None:
    try:
        code = UnifiedCode.parse(text)
    except CodeError:
        return
    assert set(code.text) <= ALPHABET
    assert UnifiedCode.parse(code.text) == code


def test_codes_are_values_in_the_order_of_their_text() -> None:
    first, second = builders.code(1), builders.code(2)
    assert str(first) == first.text
    assert {first, UnifiedCode.parse(first.text)} == {first}
    assert sorted([second, first]) == [first, second]


def test_a_code_cannot_exist_unchecked() -> None:
    with pytest.raises(CodeError):
        UnifiedCode("not a code")
