"""Reads what somebody says of an application: when it is made, and when it changes.

All faults are told at once. What never changes is refused by name, so that nobody takes
an update that did nothing for one that did.

    asked = read_new(told)                      # InvalidFieldsError names every fault
    values = read_changes({"country": "SG"})    # InvalidFieldsError: IMMUTABLE
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from email_validator import EmailNotValidError, validate_email

from bonafides.access.applications import Kind, Product, Role, notification_url_fault
from bonafides.errors import FieldViolation, InvalidFieldsError
from bonafides.identity.texts import TextError, clean
from bonafides.records.money import SETTLEMENT_CURRENCIES

T = TypeVar("T")

# ISO 3166-1, alpha-2, all 249.
_CODES: Final = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO
    BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ
    DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP
    GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG
    KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML
    MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE
    PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL
    SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM
    US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
COUNTRIES: Final = frozenset(_CODES.split())
# What amounts of tests are settled in, beside what they always may be.
TEST_CURRENCIES: Final = frozenset({"CNY", *SETTLEMENT_CURRENCIES})

# Fields that never change, as a mask names them, with what to do instead.
_IMMUTABLE: Final[Mapping[str, str]] = {
    "country_code": "The country of an application never changes; make another application.",
    "product": "An application integrates one product; make another application for another.",
    "test_currency_code": "An application has one test currency; make another application.",
    "application_role": "The role of an application never changes; make another application.",
    "platform": "The platform follows from the contract; tell staff.",
    "email": "The e-mail of an application never changes; make another application.",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What an application is to be. `notification_url` None: nothing is sent to it."""

    role: Role
    name: str
    type: Kind
    description: str
    country: str
    product: Product
    test_currency: str
    email: str = field(repr=False)
    notification_url: str | None


def read_new(told: Mapping[str, str]) -> Asked:
    """Returns what the application is to be, from fields of CreateApplicationRequest.

    Enums come by their names without prefix.

    Raises:
        InvalidFieldsError: all faults at once.
    """
    faults: list[FieldViolation] = []
    values = {
        name: _taken(faults, name, read, told[name])
        for name, read in (
            ("title", _title),
            ("description", _text),
            ("country_code", _country),
            ("test_currency_code", _currency),
            ("email", _email),
            ("notification_url", _url),
        )
    }
    if faults:
        raise InvalidFieldsError(tuple(faults))
    return Asked(
        role=Role(told["application_role"]),
        name=values["title"] or "",
        type=Kind(told["kind"]),
        description=values["description"] or "",
        country=told["country_code"],
        product=Product(told["product"]),
        test_currency=told["test_currency_code"],
        email=values["email"] or "",
        notification_url=values["notification_url"],
    )


def read_changes(told: Mapping[str, str]) -> dict[str, str | None]:
    """Returns what is to change, by the names of columns, from fields that a mask names.

    Raises:
        InvalidFieldsError: a field never changes, is none of an application, or its value
            can't stand; all faults at once.
    """
    faults: list[FieldViolation] = []
    values: dict[str, str | None] = {}
    for name, value in told.items():
        if name in _IMMUTABLE:
            faults.append(FieldViolation(f"application.{name}", "IMMUTABLE", _IMMUTABLE[name]))
        elif name not in _CHANGING:
            text = "Name fields that change: title, kind, description, notification_url."
            faults.append(FieldViolation("update_mask", "FIELD_NOT_KNOWN", text))
        else:
            column, read = _CHANGING[name]
            values[column] = _taken(faults, f"application.{name}", read, value)
    if not told:
        text = "Name at least one field that changes."
        faults.append(FieldViolation("update_mask", "REQUIRED", text))
    if faults:
        raise InvalidFieldsError(tuple(faults))
    return values


class _RefusedError(Exception):
    """A value can't stand: the reason, and the remedy."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__()
        self.reason: Final = reason
        self.remedy: Final = remedy


def _taken(
    faults: list[FieldViolation], name: str, read: Callable[[str], T], value: str
) -> T | None:
    """Returns what was read; None after noting what is wrong with it."""
    try:
        return read(value)
    except _RefusedError as fault:
        faults.append(FieldViolation(name, fault.reason, fault.remedy))
        return None


_MOST_NAME: Final = 120
_MOST_DESCRIPTION: Final = 500


def _text(value: str) -> str:
    try:
        cleaned = clean(value)
    except TextError as fault:
        raise _RefusedError(fault.reason, fault.description) from None
    if not 0 < len(cleaned) <= _MOST_DESCRIPTION:
        raise _RefusedError("REQUIRED", f"Fill this in, with at most {_MOST_DESCRIPTION}.")
    return cleaned


def _title(value: str) -> str:
    cleaned = _text(value)
    if len(cleaned) > _MOST_NAME:
        raise _RefusedError("STRING_MAX_LEN", f"Write at most {_MOST_NAME} characters.")
    return cleaned


def _kind(value: str) -> str:
    if value not in Kind.__members__:
        raise _RefusedError("REQUIRED", "Choose one of the values of this enum.")
    return value


def _country(value: str) -> str:
    if value not in COUNTRIES:
        raise _RefusedError("COUNTRY", "Give two letters of ISO 3166, such as SG.")
    return value


def _currency(value: str) -> str:
    if value not in TEST_CURRENCIES:
        known = ", ".join(sorted(TEST_CURRENCIES))
        raise _RefusedError("CURRENCY", f"Choose one of {known}.")
    return value


def _email(value: str) -> str:
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError:
        # The library's text quotes the address.
        raise _RefusedError("EMAIL", "Give an address such as name@example.com.") from None


def _url(value: str) -> str | None:
    if not value:
        return None
    if fault := notification_url_fault(value):
        raise _RefusedError("NOTIFICATION_URL", fault)
    return value


_CHANGING: Final[Mapping[str, tuple[str, Callable[[str], str | None]]]] = {
    "title": ("name", _title),
    "kind": ("type", _kind),
    "description": ("description", _text),
    "notification_url": ("notification_url", _url),
}
