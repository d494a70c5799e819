"""Reads the numbers of documents by which a person is known, each type by its own shape.

Decides whether a text can be a number of the type that was named; whether it is
anybody's is for the sources to say. `SHAPES` is the whole of the types:

    RESIDENT_ID                 18 characters with check digit and date of birth since
                                1900 (GB 11643-1999); the residence permits of Hong
                                Kong, Macao and Taiwan residents are numbered alike. The
                                county is not looked at: every list of them has gaps.
    PASSPORT                    5 to 9 letters and digits, one of them a digit (ICAO 9303)
    HK_MACAO_PERMIT             H or M and 8 digits; older ones have 2 more (来往内地通行证)
    TAIWAN_PERMIT               8 digits; older ones 10, with or without a letter (台胞证)
    FOREIGN_PERMANENT_RESIDENT  since 2023 as a resident's number, beginning with 9;
                                older ones have 3 letters and 12 digits

    IdNumber.parse("H12345678", IdType.HK_MACAO_PERMIT, today=today)
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Self

from stdnum.cn import ric

from bonafides.identity.codes import LENGTH, CodeError, normalize
from bonafides.instants import Day, from_date

_DIGITS: Final = frozenset("0123456789")
_FIRST_BIRTH: Final = date(1900, 1, 1)
_PASSPORT: Final = re.compile(r"(?=.*[0-9])[A-Z0-9]{5,9}")
_HK_MACAO: Final = re.compile(r"[HM][0-9]{8}(?:[0-9]{2})?")
_TAIWAN: Final = re.compile(r"[0-9]{8}|[0-9]{10}[A-Z]?")
_FOREIGN_OLD: Final = re.compile(r"[A-Z]{3}[0-9]{12}")
# As printed on older permits to the mainland: 0123456789(B).
_BRACKETS: Final = str.maketrans("", "", "()")


class IdType(enum.StrEnum):
    """The types of document. The values are names of v1.IdType without the prefix."""

    RESIDENT_ID = "RESIDENT_ID"
    PASSPORT = "PASSPORT"
    HK_MACAO_PERMIT = "HK_MACAO_PERMIT"
    TAIWAN_PERMIT = "TAIWAN_PERMIT"
    FOREIGN_PERMANENT_RESIDENT = "FOREIGN_PERMANENT_RESIDENT"


@dataclass(frozen=True, slots=True)
class IdNumber:
    """The number of a person's document. Shown masked unless `text` is asked for."""

    text: str = field(repr=False)
    type: IdType = IdType.RESIDENT_ID

    @classmethod
    def parse(cls, text: str, type_: IdType = IdType.RESIDENT_ID, *, today: Day) -> Self:
        """Returns the number that the text shows.

        Raises:
            CodeError: LENGTH, ALPHABET, CHECK_DIGIT or BIRTH_DATE; SHAPE for the types
                that have no check digit.
        """
        number = folded(text)
        SHAPES[type_](number, today)
        return cls(number, type_)

    def __repr__(self) -> str:
        # 1 + 1 leaves a billion candidates, 6 + 4 two thousand; the length tells the type.
        return f"{self.text[:1]}{'*' * (LENGTH - 2)}{self.text[-1:]}"


def folded(text: str) -> str:
    """Returns the characters of a number of any type, as numbers are compared.

    Raises:
        CodeError: LENGTH, when it is too long for any of them.
    """
    return normalize(text).translate(_BRACKETS)


def _resident(number: str, today: Day) -> None:
    if len(number) != LENGTH:
        raise CodeError("LENGTH", "Give the 18 characters of the resident identity card.")
    if not (_DIGITS.issuperset(number[:-1]) and number[-1] in _DIGITS | {"X"}):
        raise CodeError("ALPHABET", "The number has 17 digits, then a digit or X.")
    if number[-1] != ric.calc_check_digit(number):
        raise CodeError("CHECK_DIGIT", "The number's last character doesn't fit the others.")
    if not _born_between(number[6:14], _FIRST_BIRTH, today):
        raise CodeError("BIRTH_DATE", "Digits 7 to 14 must be a date of birth since 1900.")


def _foreign(number: str, today: Day) -> None:
    if _FOREIGN_OLD.fullmatch(number):
        return
    if not number.startswith("9"):
        raise CodeError(
            "SHAPE", "Give the card's 18 characters from 9 on, or its 3 letters and 12 digits."
        )
    _resident(number, today)


def _of_shape(shape: re.Pattern[str], description: str) -> Callable[[str, Day], None]:
    def look(number: str, _today: Day) -> None:
        if not shape.fullmatch(number):
            raise CodeError("SHAPE", description)

    return look


SHAPES: Final[Mapping[IdType, Callable[[str, Day], None]]] = {
    IdType.RESIDENT_ID: _resident,
    IdType.PASSPORT: _of_shape(
        _PASSPORT, "Give the passport's number, 5 to 9 letters and digits without its country."
    ),
    IdType.HK_MACAO_PERMIT: _of_shape(
        _HK_MACAO, "Give the permit's number: H or M, then 8 digits, or 10 on older ones."
    ),
    IdType.TAIWAN_PERMIT: _of_shape(
        _TAIWAN, "Give the permit's number: 8 digits, or 10 and a letter on older ones."
    ),
    IdType.FOREIGN_PERMANENT_RESIDENT: _foreign,
}


def _born_between(digits: str, first: date, today: Day) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return born >= first and from_date(born) <= today
