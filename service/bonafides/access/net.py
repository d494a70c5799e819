"""The second net: a personal number in a text does not leave, whatever the classes say.

Classes and masks decide by field. A number that somebody wrote into a free text, such as
the ground of a penalty or the answer to an appeal, lies in no field of its own. So every
view is searched for three kinds of numbers that are told by their shape and check digit:

1. the ID number of a resident: 18 characters with a date of birth and a check digit that
   fit, and no unified code, which has 18 as well;
2. the number of a mobile, with blanks, hyphens and the country's prefix or without;
3. the number of a bank card: 16 to 19 digits from 2 to 6 on, whose check digit fits.

A text that holds one is hidden whole, and its field is told, for the alarm. Identifiers
of platforms and courts are long digits by nature, of which one in ten has a fitting check
digit: in fields that hold one, only ID numbers count.

    hold(view)      # ("bonafides.v1.Penalty.ground",)

Source: 001 §3.2(d).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from google.protobuf.message import Message

from bonafides.identity.codes import CodeError, UnifiedCode
from bonafides.personal.masks import HIDDEN, is_bank_card, is_id_number

# In the bytes of a message: eleven digits, laid out or not, or digits of full width.
_SUSPICIOUS: Final = re.compile(rb"[0-9](?:[ -]?[0-9]){10}|\xef\xbc[\x90-\x99]")
_ID: Final = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")
_MOBILE: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:\+?86[ -]?)?1[3-9][0-9](?:[ -]?[0-9]{4}){2}(?![0-9A-Za-z])"
)
_CARD: Final = re.compile(r"(?<![0-9A-Za-z])[2-6](?:[ -]?[0-9]){15,18}(?![0-9A-Za-z])")
_NO_CODE: Final = frozenset({"CHECK_DIGIT", "NOT_AN_ENTERPRISE", "ORGANIZATION_CHECK_DIGIT"})
_LAID_OUT: Final = str.maketrans("", "", " -")
_IDENTIFIERS: Final = frozenset(
    {"code", "digest", "etag", "model_digest", "name", "receipt_digest", "sources"}
)
_ENDINGS_OF_IDENTIFIERS: Final = ("_id", "_number", "_token")


def hold(message: Message) -> tuple[str, ...]:
    """Hides the texts of the message that hold a personal number; returns their fields."""
    if not _SUSPICIOUS.search(message.SerializePartialToString()):
        return ()
    held: list[str] = []
    _hold(message, held)
    return tuple(held)


def holds_number(text: str, *, identifier: bool = False) -> bool:
    """Tells whether the text holds a personal number; of an identifier, an ID number."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    if any(_is_id(found.upper()) for found in _ID.findall(plain)):
        return True
    if identifier:
        return False
    cards = (found.translate(_LAID_OUT) for found in _CARD.findall(plain))
    return _MOBILE.search(plain) is not None or any(map(is_bank_card, cards))


def _hold(message: Message, held: list[str]) -> None:
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in value if field.is_repeated else (value,):
                _hold(each, held)
        elif field.type == field.TYPE_STRING:
            identifier = field.name in _IDENTIFIERS or field.name.endswith(_ENDINGS_OF_IDENTIFIERS)
            if field.is_repeated:
                shown = [HIDDEN if holds_number(x, identifier=identifier) else x for x in value]
                if shown != list(value):
                    held.append(field.full_name)
                    value[:] = shown
            elif holds_number(value, identifier=identifier):
                held.append(field.full_name)
                setattr(message, field.name, HIDDEN)


def _is_id(text: str) -> bool:
    return is_id_number(text) and not _is_code(text)


def _is_code(text: str) -> bool:
    """Tells whether it is an enterprise's code, whose check digits are others."""
    try:
        findings = UnifiedCode.parse(text).findings
    except CodeError:
        return False
    return _NO_CODE.isdisjoint(finding.reason for finding in findings)
