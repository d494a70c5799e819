"""Reads unified social credit codes.

Decides whether a text is a code at all, and what is peculiar about it. Whether it
belongs to anybody is for the sources to say. The rules:

1. The text is normalised first: NFKC, upper case, white space and invisible
   characters out. Full-width and spaced codes are thus the codes they show.
2. Wrong length or alphabet is refused; 15 digits are an old registration number.
   The region of an enterprise's code has digits only; how other departments fill
   it is not judged.
3. A wrong check digit of a code is a finding. Real enterprises carry such codes:
   of 1.1 million, 58 fail the outer digit and 84 the inner one.
4. A region that no list has is a finding, and so is one that was abolished: 9 % of
   codes name one, and theirs stays theirs. A list lacks divisions that exist, too.
5. A code that begins otherwise than 91, 92 or 93 names no enterprise. It parses,
   with a finding, and can't be submitted: without this, 3 % of resident identity
   numbers pass as codes.

    code = UnifiedCode.parse("91 990000 ma000000 1 t")
    code.text, code.region      # "91990000MA0000001T", "990000"
    [finding.reason for finding in code.findings]

Sources: GB 32100-2015 (the code), GB 11714-1997 (the organization part).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from stdnum import numdb
from stdnum.cn import uscc

ALPHABET: Final = frozenset("0123456789ABCDEFGHJKLMNPQRTUWXY")
LENGTH: Final = 18
# The region of generated enterprises; no division has or gets this number.
GENERATED_REGION: Final = "990000"
# The department and type of organization of an individual business (个体工商户).
INDIVIDUAL: Final = "92"

_DIGITS: Final = frozenset("0123456789")
_OLD_NUMBER_LENGTH: Final = 15
# Longer than any code with blanks between its characters; NFKC can make
# eighteen characters of one, so the bound comes before it.
_MAX_INPUT: Final = 64
_REGION: Final = slice(2, 8)
_ORGANIZATION: Final = slice(8, 17)
_ENTERPRISE_PREFIXES: Final = frozenset({"91", "92", "93"})
# Taiwan, Hong Kong, Macao.
_REGIONS_OUTSIDE: Final = ("71", "81", "82")
_ORGANIZATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
# An entry of the list of divisions whose name has ended: "[1983-2002]杏林区".
_ENDED: Final = re.compile(r"\[\d*-(\d+)\](.+)")


class CodeError(ValueError):
    """A text is no code or no number. Holds the reason, never the text.

    `reason` is one of LENGTH, ALPHABET, OLD_REGISTRATION_NUMBER; for the numbers of
    persons' documents CHECK_DIGIT, BIRTH_DATE, SHAPE too. `description` says what to do.
    """

    def __init__(self, reason: str, description: str) -> None:
        super().__init__(f"{reason}: {description}")
        self.reason: Final = reason
        self.description: Final = description


@dataclass(frozen=True, slots=True)
class Finding:
    """A peculiarity of a code that is worth knowing and refuses nothing."""

    reason: str
    description: str


_NOT_AN_ENTERPRISE: Final = Finding(
    "NOT_AN_ENTERPRISE",
    "Enterprises' codes begin with 91, 92 or 93; this one names another kind of organization.",
)
_REGION_NOT_LISTED: Final = Finding(
    "REGION_NOT_LISTED",
    "Digits 3 to 8 are on no list of divisions, as with many development zones.",
)
_ORGANIZATION_CHECK_DIGIT: Final = Finding(
    "ORGANIZATION_CHECK_DIGIT",
    "Character 17 is not the check digit of the organization part (GB 11714).",
)
_CHECK_DIGIT: Final = Finding(
    "CHECK_DIGIT", "Character 18 is not the check digit of the code (GB 32100)."
)


@dataclass(frozen=True, slots=True, order=True)
class UnifiedCode:
    """A unified social credit code, normalised. Can't exist with a faulty shape."""

    text: str

    def __post_init__(self) -> None:
        if len(self.text) == _OLD_NUMBER_LENGTH and _DIGITS.issuperset(self.text):
            raise CodeError(
                "OLD_REGISTRATION_NUMBER",
                "This is an old registration number; give the unified social credit code"
                " of 18 characters.",
            )
        if len(self.text) != LENGTH:
            raise CodeError("LENGTH", "Give the code's 18 characters.")
        if not ALPHABET.issuperset(self.text):
            raise CodeError(
                "ALPHABET", "A code has digits and the letters A to Y without I, O, S, V."
            )
        if self.department in _ENTERPRISE_PREFIXES and not _DIGITS.issuperset(self.region):
            raise CodeError("ALPHABET", "Characters 3 to 8 of an enterprise's code are digits.")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Returns the code that the text shows.

        Raises:
            CodeError: LENGTH, ALPHABET or OLD_REGISTRATION_NUMBER.
        """
        return cls(normalize(text))

    def __str__(self) -> str:
        return self.text

    @property
    def department(self) -> str:
        """The registering department and the type of organization, such as "91"."""
        return self.text[:2]

    @property
    def region(self) -> str:
        """The division of the registering department, six digits."""
        return self.text[_REGION]

    @property
    def organization(self) -> str:
        """The organization's own part, with its check digit: nine characters."""
        return self.text[_ORGANIZATION]

    @property
    def individual(self) -> bool:
        """Whether it names an individual business (个体工商户)."""
        return self.department == INDIVIDUAL

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is peculiar, in the order of the characters concerned. Empty: nothing."""
        found = {
            _NOT_AN_ENTERPRISE: self.department not in _ENTERPRISE_PREFIXES,
            _region_finding(self.region): True,
            _ORGANIZATION_CHECK_DIGIT: self.organization[-1]
            != _organization_check_digit(self.organization[:-1]),
            _CHECK_DIGIT: self.text[-1] != uscc.calc_check_digit(self.text[:-1]),
        }
        return tuple(finding for finding, peculiar in found.items() if finding and peculiar)


def out_of_scope(code: UnifiedCode) -> str | None:
    """Returns why an enterprise of this code can't be submitted, or None when it can.

    Source: 002 §1.12: enterprises and individual businesses registered in the
    mainland.
    """
    if code.department not in _ENTERPRISE_PREFIXES:
        return _NOT_AN_ENTERPRISE.description
    if code.region.startswith(_REGIONS_OUTSIDE):
        return "Only enterprises registered in the mainland can be submitted."
    return None


def compose(department_and_type: str, region: str, serial8: str) -> UnifiedCode:
    """Returns the code of these parts with both check digits, for generated enterprises.

    Raises:
        CodeError: the parts don't make up a code.
    """
    # Looked at before any check digit is computed from it.
    UnifiedCode(f"{department_and_type}{region}{serial8}00")
    body = f"{department_and_type}{region}{serial8}{_organization_check_digit(serial8)}"
    return UnifiedCode(body + uscc.calc_check_digit(body))


def normalize(text: str) -> str:
    """Returns the characters that a code or number shows: NFKC, upper case, unspaced.

    Raises:
        CodeError: LENGTH, when it is too long for any of them.
    """
    if len(text) > _MAX_INPUT:
        raise CodeError("LENGTH", "Give 18 characters.")
    folded = unicodedata.normalize("NFKC", text).upper()
    # Cf: zero-width characters, which copying from a web page brings along.
    return "".join(
        character
        for character in folded
        if not character.isspace() and unicodedata.category(character) != "Cf"
    )


def _organization_check_digit(body: str) -> str:
    total = sum(
        int(character, 36) * weight
        for character, weight in zip(body, _ORGANIZATION_WEIGHTS, strict=True)
    )
    return "0123456789X"[-total % 11]


@lru_cache(maxsize=8_192)
def _region_finding(region: str) -> Finding | None:
    if region == GENERATED_REGION:
        return None
    *_, (_digits, properties) = numdb.get("cn/loc").info(region)
    names = properties.get("county", "").split(",")
    if not names[0]:
        return _REGION_NOT_LISTED
    ended = [_ENDED.fullmatch(name) for name in names]
    last = ended[-1]
    # A number was given again where any of its names has not ended.
    if last is None or not all(ended):
        return None
    return Finding(
        "REGION_ABOLISHED",
        f"Digits 3 to 8 name {last[2]}, a division that was abolished in {last[1]}; codes "
        "given before that stay valid.",
    )
