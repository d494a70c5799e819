"""Numbers of persons' documents: one shape for each type, no value in any fault."""

from __future__ import annotations

import unicodedata

import pytest

from bonafides.identity.codes import CodeError
from bonafides.identity.id_numbers import SHAPES, IdNumber, IdType
from bonafides.instants import Day
from tests import builders


def test_an_identity_number_is_never_shown_unless_asked_for() -> None:
    number = IdNumber.parse(builders.ID_NUMBER, today=builders.TODAY)
    assert repr(number) == f"9{'*' * 16}{builders.ID_NUMBER[-1]}"
    assert f"{number} {[number]}".count(builders.ID_NUMBER[1:-1]) == 0
    assert number.text == builders.ID_NUMBER


def test_an_identity_number_of_an_unlisted_county_is_read() -> None:
    assert IdNumber.parse(builders.ID_NUMBER, today=builders.TODAY).text[:6] == "990000"


def test_width_and_case_of_an_identity_number_are_folded() -> None:
    text = _identity_number("990000", "19900307", "00", ends="X")
    wide = "".join(chr(ord(character) + 0xFEE0) for character in text.lower())
    assert unicodedata.normalize("NFKC", wide).upper() == text
    assert IdNumber.parse(wide, today=builders.TODAY).text == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (builders.ID_NUMBER[:-1], "LENGTH"),
        ("A" + builders.ID_NUMBER[1:], "ALPHABET"),
        (builders.ID_NUMBER[:-1] + "Y", "ALPHABET"),
        (builders.ID_NUMBER[:-1] + "2", "CHECK_DIGIT"),
    ],
)
def test_identity_numbers_at_fault_are_refused_without_being_repeated(
    text: str, reason: str
) -> None:
    with pytest.raises(CodeError) as refused:
        IdNumber.parse(text, today=builders.TODAY)
    assert refused.value.reason == reason
    assert text[4:12] not in str(refused.value)


@pytest.mark.parametrize("born", ["18991231", "20261102", "20990101", "20000230", "20001301"])
def test_identity_numbers_born_never_or_not_yet_are_refused(born: str) -> None:
    with pytest.raises(CodeError) as refused:
        IdNumber.parse(_identity_number("990000", born, "002"), today=builders.TODAY)
    assert refused.value.reason == "BIRTH_DATE"


def test_an_identity_number_of_somebody_born_today_is_read() -> None:
    number = _identity_number("990000", "19700101", "002")
    assert IdNumber.parse(number, today=Day(0)).text == number


def _identity_number(county: str, born: str, order: str, ends: str = "") -> str:
    """Returns the number with its check digit by GB 11643; `ends` looks for an order."""
    weights = [2**power % 11 for power in range(17, 0, -1)]
    for filler in "0123456789":
        body = county + born + (order + filler)[:3]
        total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
        last = "10X98765432"[total % 11]
        if not ends or last == ends:
            return body + last
    raise AssertionError


@pytest.mark.feature("A9")
@pytest.mark.parametrize(
    ("type_", "text", "kept"),
    [
        (IdType.PASSPORT, "e 99000001", "E99000001"),
        (IdType.PASSPORT, "99000", "99000"),
        (IdType.HK_MACAO_PERMIT, "H99000001", "H99000001"),
        (IdType.HK_MACAO_PERMIT, "m9900000101", "M9900000101"),
        (IdType.TAIWAN_PERMIT, "99000001", "99000001"),
        (IdType.TAIWAN_PERMIT, "9900000101（b）", "9900000101B"),
        (IdType.FOREIGN_PERMANENT_RESIDENT, "zzz990000000001", "ZZZ990000000001"),
        (IdType.FOREIGN_PERMANENT_RESIDENT, builders.ID_NUMBER, builders.ID_NUMBER),
    ],
)
def test_each_type_of_document_is_read_in_its_own_shape(
    type_: IdType, text: str, kept: str
) -> None:
    assert IdNumber.parse(text, type_, today=builders.TODAY) == IdNumber(kept, type_)


@pytest.mark.feature("A9")
@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (IdType.PASSPORT, "ABCDEFGH"),
        (IdType.PASSPORT, "E990000012"),
        (IdType.HK_MACAO_PERMIT, "C99000001"),
        (IdType.HK_MACAO_PERMIT, "H9900000"),
        (IdType.TAIWAN_PERMIT, "9900000"),
        (IdType.TAIWAN_PERMIT, "99000001B"),
        (IdType.FOREIGN_PERMANENT_RESIDENT, "1" + builders.ID_NUMBER[1:]),
        (IdType.FOREIGN_PERMANENT_RESIDENT, "ZZ9900000000012"),
        (IdType.RESIDENT_ID, "H99000001"),
    ],
)
def test_a_number_of_another_shape_is_refused_without_being_repeated(
    type_: IdType, text: str
) -> None:
    with pytest.raises(CodeError) as refused:
        IdNumber.parse(text, type_, today=builders.TODAY)
    assert refused.value.description
    assert text not in f"{refused.value} {refused.value!r}"


@pytest.mark.feature("A9")
def test_every_type_of_document_has_a_shape_and_hides_its_number() -> None:
    assert set(SHAPES) == set(IdType)
    for type_ in IdType:
        assert "900000" not in repr(IdNumber("99000001", type_))
