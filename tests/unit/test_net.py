"""A personal number that somebody wrote into a text does not leave with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.cn import ric
from structlog.testing import capture_logs

from bonafides.access.disclosure import view
from bonafides.access.net import hold, holds_number
from bonafides.personal.masks import HIDDEN, bank_card, id_number, mobile
from bonafides.v1 import archive_pb2, disclosure_pb2
from tests import builders

_BODY = "99000019900101001"
ID = _BODY + ric.calc_check_digit(f"{_BODY}0")
CARD = "621700000000000" + luhn.calc_check_digit("621700000000000")
MOBILE = "19900000001"
pytestmark = pytest.mark.feature("D5", "L4")


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f"身份证{ID}号",
        ID.lower(),
        "".join(chr(ord(digit) + 0xFEE0) for digit in ID),
        MOBILE,
        f"电话：+86 {MOBILE[:3]}-{MOBILE[3:7]}-{MOBILE[7:]}。",
        CARD,
        " ".join(CARD[place : place + 4] for place in range(0, 16, 4)),
    ],
)
def test_text_with_a_personal_number_is_caught(text: str) -> None:
    assert holds_number(text)


def test_each_of_several_texts_is_hidden_by_itself() -> None:
    told = archive_pb2.SelfDescription(main_products=["茶叶", f"订购电话{MOBILE}"])
    (field,) = hold(told)
    assert field.endswith("main_products")
    assert list(told.main_products) == ["茶叶", HIDDEN]


@pytest.mark.parametrize(
    "text",
    [
        "",
        ID[:-1] + ("1" if ID[-1] != "1" else "2"),
        f"9{MOBILE}",
        f"A{MOBILE}",
        CARD[:-1] + ("1" if CARD[-1] != "1" else "2"),
        "九九市监罚〔2026〕12号, 2026-01-02, 1,000,000.00",
        builders.code(1).text,
        id_number(ID),
        mobile(MOBILE),
        bank_card(CARD),
    ],
)
def test_text_without_one_passes(text: str) -> None:
    assert not holds_number(text)


@given(st.integers(0, 10**17))
def test_code_of_an_enterprise_is_never_taken_for_a_person_s_number(number: int) -> None:
    assert not holds_number(builders.code(number % 1_000_000).text, identifier=True)


def test_long_number_of_a_case_or_store_passes_and_an_id_number_there_does_not() -> None:
    court = archive_pb2.CourtCase(case_number=CARD, court="九九市法院")
    assert hold(court) == ()
    court.case_number = ID
    assert hold(court) == ("bonafides.v1.CourtCase.case_number",)
    assert court.case_number == HIDDEN


def test_view_hides_the_text_and_tells_its_field_alone() -> None:
    archive = archive_pb2.Archive()
    archive.public_records.listings.add(
        ground=f"联系人电话{MOBILE}", authority="九九市市场监督管理局"
    )
    with capture_logs() as told:
        shown = view(archive, disclosure_pb2.AUDIENCE_OWNER)
    assert shown.public_records.listings[0].ground == HIDDEN
    assert shown.public_records.listings[0].authority == "九九市市场监督管理局"
    assert [(line["event"], line["field"]) for line in told] == [
        ("personal_number_held", "bonafides.v1.Listing.ground")
    ]
