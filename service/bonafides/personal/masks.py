"""Masks for personal values that are shown in part.

A mask is total: it answers every text, and what it answers is either of the shape
below or `***`. The value must first validate; a text that only looks nearly right
is hidden whole, because a naive mask lets through what it does not understand
(a line break before the name came back unmasked, and with the line break). The
number of stars tells nothing of the length. A masked value masks to itself.

    value               shown
    name of a person    the last character behind two stars
    address             its known divisions, down to the district, then three stars
    phone               the last two digits behind three stars

    person_name("欧阳测试")                          # "**试"
    district("浙江省杭州市西湖区一二三路4号")          # "浙江省杭州市西湖区***"

Source: 001 §3.2(d); TRUST.md 3.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from stdnum import numdb

HIDDEN: Final = "***"

_HAN: Final = r"\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af"
_LATIN: Final = r"A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
# Two to fifty characters; names of minorities have a middle dot, foreign ones blanks.
_NAME: Final = re.compile(rf"[{_HAN}{_LATIN}][{_HAN}{_LATIN}·. '-]{{0,48}}([{_HAN}{_LATIN}])")
_MASKED_NAME: Final = re.compile(rf"\*\*[{_HAN}{_LATIN}]")

# Seven digits at least: of fewer, two would tell too much.
_PHONE: Final = re.compile(r"\+?[0-9][0-9 -]{5,18}([0-9]{2})", re.ASCII)
_MASKED_PHONE: Final = re.compile(r"\*{3}[0-9]{2}", re.ASCII)

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


def phone(value: str) -> str:
    """Returns the last two digits behind three stars."""
    if _MASKED_PHONE.fullmatch(value):
        return value
    match = _PHONE.fullmatch(value)
    return f"{HIDDEN}{match[1]}" if match else HIDDEN


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
