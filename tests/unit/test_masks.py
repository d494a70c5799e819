"""What is left of a personal value once it is masked."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafides.personal.masks import HIDDEN, district, person_name, phone

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
        ("19900000001", "***01"),
        ("+86 199-0000-0001", "***01"),
        ("0001", HIDDEN),
        ("19900000001\n", HIDDEN),
        ("", HIDDEN),
    ],
)
def test_phone_is_its_last_two_digits_behind_three_stars(number: str, shown: str) -> None:
    assert phone(number) == shown


@given(_ANY_TEXT)
def test_masked_phone_tells_two_digits_at_most(number: str) -> None:
    assert re.fullmatch(r"\*{3}([0-9]{2})?", phone(number))


@given(_ANY_TEXT | st.just("浙江省杭州市西湖区样例路1号") | st.just("测三四"))
def test_masked_value_masks_to_itself(value: str) -> None:
    for mask in (person_name, district, phone):
        assert mask(mask(value)) == mask(value)
