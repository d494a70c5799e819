"""Masks for personal values that are shown in part.

A mask is total: it answers every text, and what it answers is either of the shape
below or `***`. The value must first validate; a text that only looks nearly right
is hidden whole, because a naive mask lets through what it does not understand
(a line break before the name came back unmasked, and with the line break). The
number of stars tells nothing of the length. A masked value masks to itself.

    value               shown
    name of a person    the last character behind two stars: 3 characters
    resident ID number  first and last character, 16 stars between: 18 characters
    mobile              the first three and the last four digits: 11 characters
    landline            area code, four stars, the last two digits
    bank card           four groups of four, of which the last is shown: 19 characters
    e-mail              the first character, three stars, the domain
    address             its known divisions, down to the district, then three stars
    number plate        the first two characters, three stars, the last: 6 characters

    person_name("欧阳测试")                          # "**试"
    district("浙江省杭州市西湖区一二三路4号")          # "浙江省杭州市西湖区***"

Source: 001 §3.2(d); TRUST.md 3.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from stdnum import luhn, numdb
from stdnum.cn import ric

HIDDEN: Final = "***"

_HAN: Final = r"\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af"
_LATIN: Final = r"A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
# Two to fifty characters; names of minorities have a middle dot, foreign ones blanks.
_NAME: Final = re.compile(rf"[{_HAN}{_LATIN}][{_HAN}{_LATIN}·. '-]{{0,48}}([{_HAN}{_LATIN}])")
_MASKED_NAME: Final = re.compile(rf"\*\*[{_HAN}{_LATIN}]")

# A number is written with blanks or hyphens, and with the country before it.
_MOBILE: Final = re.compile(r"(?:\+?86)?(1[3-9][0-9])[0-9]{4}([0-9]{4})", re.ASCII)
_MASKED_MOBILE: Final = re.compile(r"1[3-9][0-9]\*{4}[0-9]{4}", re.ASCII)
_LANDLINE: Final = re.compile(
    r"(?:\+?860?|0)(10|2[0-9]|[3-9][0-9]{2})[0-9]{5,6}([0-9]{2})", re.ASCII
)
_MASKED_LANDLINE: Final = re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})\*{4}[0-9]{2}", re.ASCII)
_ID: Final = re.compile(
    r"[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]",
    re.ASCII,
)
_MASKED_ID: Final = re.compile(r"[1-9]\*{16}[0-9X]", re.ASCII)
_CARD: Final = re.compile(r"[0-9]{13,19}", re.ASCII)
_MASKED_CARD: Final = re.compile(r"(?:\*{4} ){3}[0-9]{4}", re.ASCII)
_LABEL: Final = r"[A-Za-z0-9\u4e00-\u9fff-]{1,63}"
_EMAIL: Final = re.compile(rf"([A-Za-z0-9])[A-Za-z0-9._%+-]{{0,63}}@((?:{_LABEL}\.)+{_LABEL})")
_MASKED_EMAIL: Final = re.compile(rf"[A-Za-z0-9]\*{{3}}@(?:{_LABEL}\.)+{_LABEL}")
_PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE: Final = re.compile(
    rf"([{_PROVINCES}][A-HJ-NP-Z])[A-HJ-NP-Z0-9]{{4,5}}([A-HJ-NP-Z0-9挂学警])"
)
_MASKED_PLATE: Final = re.compile(rf"[{_PROVINCES}][A-HJ-NP-Z]\*{{3}}[A-HJ-NP-Z0-9挂学警]")
_LAID_OUT: Final = str.maketrans("", "", " -·")

_YEARS: Final = re.compile(r"\[\d*-\d*\]")
_LONGEST_DIVISION: Final = 16
# The divisions of generated enterprises, whose codes name the region 990000.
_GENERATED: Final = {
    "九九省": {"九九市": False}
    | dict.fromkeys(("东湾区", "西岭区", "南浦区", "北原区", "试验区"), True)
}


def person_name(value: str) -> str:
    """Returns the last character behind two stars: always three characters.

    A name of one character would be shown whole, so it is hidden whole.
    """
    if _MASKED_NAME.fullmatch(value):
        return value
    match = _NAME.fullmatch(value)
    return f"**{match[1]}" if match else HIDDEN


def id_number(value: str) -> str:
    """Returns the first and the last character of a resident's ID number, 16 stars between.

    One and one leave a billion candidates; six and four, as is common, two thousand.
    """
    if _MASKED_ID.fullmatch(value):
        return value
    return f"{value[0]}{'*' * 16}{value[-1]}" if is_id_number(value) else HIDDEN


def is_id_number(value: str) -> bool:
    """Tells whether it is written as a resident's ID number, and its check digit fits."""
    return _ID.fullmatch(value) is not None and value[-1] == ric.calc_check_digit(value)


def phone(value: str) -> str:
    """Returns a mobile or a landline behind its mask; numbers of other countries hidden."""
    shown = mobile(value)
    return landline(value) if shown == HIDDEN else shown


def mobile(value: str) -> str:
    """Returns the first three and the last four digits of a mobile's number."""
    if _MASKED_MOBILE.fullmatch(value):
        return value
    match = _MOBILE.fullmatch(value.translate(_LAID_OUT))
    return f"{match[1]}****{match[2]}" if match else HIDDEN


def landline(value: str) -> str:
    """Returns the area code and the last two digits of a landline's number."""
    if _MASKED_LANDLINE.fullmatch(value):
        return value
    match = _LANDLINE.fullmatch(value.translate(_LAID_OUT))
    return f"0{match[1]}****{match[2]}" if match else HIDDEN


def bank_card(value: str) -> str:
    """Returns the last four digits of a card's number."""
    if _MASKED_CARD.fullmatch(value):
        return value
    digits = value.translate(_LAID_OUT)
    if not is_bank_card(digits):
        return HIDDEN
    return f"**** **** **** {digits[-4:]}"


def is_bank_card(digits: str) -> bool:
    """Tells whether 13 to 19 digits are a card's number by their check digit."""
    return _CARD.fullmatch(digits) is not None and luhn.is_valid(digits)


def email(value: str) -> str:
    """Returns the first character of the address, three stars, and its domain."""
    if _MASKED_EMAIL.fullmatch(value):
        return value
    match = _EMAIL.fullmatch(value)
    return f"{match[1]}***@{match[2]}" if match else HIDDEN


def plate(value: str) -> str:
    """Returns the first two characters of a number plate, three stars, and the last."""
    if _MASKED_PLATE.fullmatch(value):
        return value
    match = _PLATE.fullmatch(value.translate(_LAID_OUT))
    return f"{match[1]}***{match[2]}" if match else HIDDEN


def district(value: str) -> str:
    """Returns the address cut after its district, or after what is known before it.

    Only names in the table of divisions are shown: the word after the city may
    well be a housing estate (小区) and not a district (区). Abolished divisions are
    in the table; a development zone is not, and there the city ends what is shown.
    An address that begins with no known division is hidden whole.
    """
    text = "".join(value.split())
    name = _division(text, _beginnings())
    if name is None:
        return HIDDEN
    shown, inside = name, _beginnings()[name]
    while (name := _division(text[len(shown) :], inside)) is not None:
        shown += name
        if inside[name]:
            break
    return shown + HIDDEN


def _division(text: str, names: Mapping[str, Any]) -> str | None:
    """Returns the longest of the names with which the text begins."""
    for length in range(min(len(text), _LONGEST_DIVISION), 1, -1):
        if text[:length] in names:
            return text[:length]
    return None


@cache
def _beginnings() -> dict[str, dict[str, bool]]:
    """Returns every division by name, with those that may follow it in an address.

    Of these, whether each is of the last level that is shown: a county, a district
    or a city of their level. Nothing follows such a one.
    """
    provinces = dict(_GENERATED)
    for _length, _low, _high, properties, counties in numdb.get("cn/loc").prefixes:
        provinces[properties["province"]] = dict(_divisions(counties))
    inner = {
        name: {} if last else inside
        for inside in provinces.values()
        for name, last in inside.items()
    }
    return inner | provinces


def _divisions(counties: list[Any]) -> Iterator[tuple[str, bool]]:
    for _length, low, _high, properties, _children in counties:
        for name in properties["county"].split(","):
            yield _YEARS.sub("", name), not low.endswith("00")
