"""What is left of a personal value once it is masked."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from bonafides.personal.masks import (
    HIDDEN,
    bank_card,
    district,
    email,
    id_number,
    landline,
    mobile,
    person_name,
    phone,
    plate,
)

ID_SHOWN = "9" + "*" * 16 + ric.calc_check_digit("990000199001010010")
_ANY_TEXT = st.text(max_size=40)
_HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)


@pytest.mark.feature("D5")
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("测三四", "**四"),
        ("测五", "**五"),
        ("欧阳测试", "**试"),
        ("测试·样例", "**例"),
        ("Test Person", "**n"),
        ("测", HIDDEN),
        ("", HIDDEN),
        ("测三、测四", HIDDEN),
        ("\n**测", HIDDEN),
        ("测三\n", HIDDEN),
        ("测" * 51, HIDDEN),
    ],
)
def test_name_is_its_last_character_behind_two_stars(name: str, shown: str) -> None:
    assert person_name(name) == shown


@pytest.mark.feature("D5")
@given(_ANY_TEXT)
def test_masked_name_has_three_characters_whatever_comes(name: str) -> None:
    assert re.fullmatch(r"\*\*[^\W\d_]|\*\*\*", person_name(name))


@pytest.mark.feature("D5")
@given(st.text(_HAN, min_size=2, max_size=6))
def test_masked_name_tells_neither_its_length_nor_its_family(name: str) -> None:
    assert person_name(name) == f"**{name[-1]}"


@pytest.mark.feature("D1")
@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("浙江省杭州市西湖区样例路1号", "浙江省杭州市西湖区***"),
        ("浙江省 杭州市 西湖区 样例路1号", "浙江省杭州市西湖区***"),
        ("杭州市西湖区样例路1号", "杭州市西湖区***"),
        ("北京市朝阳区样例路1号", "北京市朝阳区***"),
        ("浙江省义乌市样例街道1号", "浙江省义乌市***"),
        ("重庆市酉阳土家族苗族自治县样例镇", "重庆市酉阳土家族苗族自治县***"),
        ("北京市崇文区样例路1号", "北京市崇文区***"),
        ("九九省九九市东湾区样例路1号", "九九省九九市东湾区***"),
        ("浙江省杭州市样例小区1号", "浙江省杭州市***"),
        ("湖北省武汉市样例经济技术开发区1号", "湖北省武汉市***"),
        ("样例小区1号", HIDDEN),
        ("", HIDDEN),
    ],
)
def test_address_is_cut_after_its_district(address: str, shown: str) -> None:
    assert district(address) == shown


@pytest.mark.feature("D5")
@given(_ANY_TEXT)
def test_address_shows_nothing_but_known_divisions(address: str) -> None:
    assert re.fullmatch(r"[\u4e00-\u9fff]*\*\*\*", district(address))


@pytest.mark.feature("D5")
@given(_ANY_TEXT)
def test_house_behind_the_district_never_shows(house: str) -> None:
    assert district(f"浙江省杭州市西湖区{house}") == "浙江省杭州市西湖区***"


@pytest.mark.feature("D5", "J2")
@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("19900000001", "199****0001"),
        ("+86 199-0000-0001", "199****0001"),
        ("0571-88000012", "0571****12"),
        ("+86 571 88000012", "0571****12"),
        ("010 8800 0012", "010****12"),
        ("0001", HIDDEN),
        ("19900000001\n", HIDDEN),
        ("+44 20 7946 0000", HIDDEN),
        ("", HIDDEN),
    ],
)
def test_phone_is_shown_as_a_mobile_or_a_landline_is(number: str, shown: str) -> None:
    assert phone(number) == shown


@pytest.mark.feature("D5")
@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        (id_number, "99000019900101001" + ric.calc_check_digit("990000199001010010"), ID_SHOWN),
        (id_number, "990000199001010010", HIDDEN),
        (id_number, "990000199013010010", HIDDEN),
        (bank_card, "4111 1111 1111 1111", "**** **** **** 1111"),
        (bank_card, "4111111111111112", HIDDEN),
        (email, "zhang.san@example.com", "z***@example.com"),
        (email, "z@例子.中国", "z***@例子.中国"),
        (email, "zhang@example.com\nto: x@example.com", HIDDEN),
        (email, "zhang at example.com", HIDDEN),
        (plate, "浙A·00001", "浙A***1"),
        (plate, "浙AD00001", "浙A***1"),
        (plate, "样A00001", HIDDEN),
    ],
)
def test_value_is_shown_by_what_its_mask_leaves(
    mask: Callable[[str], str], value: str, shown: str
) -> None:
    assert mask(value) == shown


# What each mask may answer, beside `***`.
_SHAPES: dict[Callable[[str], str], str] = {
    id_number: r"[1-9]\*{16}[0-9X]",
    mobile: r"1[0-9]{2}\*{4}[0-9]{4}",
    landline: r"0[0-9]{2,3}\*{4}[0-9]{2}",
    bank_card: r"(\*{4} ){3}[0-9]{4}",
    email: r"[A-Za-z0-9]\*{3}@[A-Za-z0-9.\u4e00-\u9fff-]+",
    plate: r"[\u4e00-\u9fff][A-Z]\*{3}[A-Z0-9挂学警]",
}
_NEARLY = st.from_regex(
    r"\s?(\+?86)?[ -]?[0-9]{9,19}[0-9X]?\s?|[a-z]{1,4}@[a-z.]{1,9}\s?|[浙京]A[·A-Z0-9]{4,8}",
    fullmatch=True,
)


@pytest.mark.feature("D5")
@pytest.mark.parametrize("mask", _SHAPES, ids=lambda mask: mask.__name__)
@given(_ANY_TEXT | _NEARLY)
def test_mask_is_total_and_keeps_to_its_shape(mask: Callable[[str], str], value: str) -> None:
    assert re.fullmatch(rf"{_SHAPES[mask]}|\*\*\*", mask(value))


@given(_ANY_TEXT | _NEARLY | st.just("浙江省杭州市西湖区样例路1号") | st.just("测三四"))
def test_masked_value_masks_to_itself(value: str) -> None:
    for mask in (person_name, district, phone, *_SHAPES):
        assert mask(mask(value)) == mask(value)
