"""What an enterprise says of itself: self-provided, not verified.

Kept with its history like every fact, shown to the enterprise itself, to platforms and
to staff as what it is, and never weighed: no feature reads it. The rules:

1. It describes the enterprise, never a person: a text with a telephone number, an ID
   number or an e-mail address in it is refused. Contacts are submitted, and sealed.
2. A website is one address of http or https with a name, not a number, as its host, and
   nothing that could carry a credential or tell visitors apart.
3. A certificate is corroborated by a platform that reports an on-site certification in
   force with the same agency and scope. Nothing else is, so far.
4. It is replaced whole; an empty one takes it back.

    told = read(request.self_description)       # InvalidFieldsError names every fault

Source: 002 §1.7(3).
"""

from __future__ import annotations

import datetime as dt
import enum
import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

from google.type.date_pb2 import Date

from bonafides.archive.statistics import PlatformRecord
from bonafides.errors import FieldViolation, InvalidFieldsError
from bonafides.identity.texts import TextError, clean, comparable
from bonafides.instants import Day, from_date, to_date_message
from bonafides.v1 import archive_pb2

# The source under which it is kept.
SELF: Final = "self"

_NUMBER: Final = re.compile(
    r"\d{7}"
    # A mobile and a landline number, as people group their digits.
    r"|(?<!\d)1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"
    r"|(?<!\d)0\d{2,3}[- ]?\d{3,4}[- ]?\d{4}(?!\d)"
)
_HOST: Final = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")

S = TypeVar("S")
T = TypeVar("T")


class Employees(enum.StrEnum):
    """How many people work for the enterprise."""

    UNDER_10 = enum.auto()
    FROM_10_TO_49 = enum.auto()
    FROM_50_TO_249 = enum.auto()
    FROM_250_TO_999 = enum.auto()
    FROM_1000 = enum.auto()


_EMPLOYEES: Final[Mapping[int, Employees]] = {
    archive_pb2.SelfDescription.Employees.Value(f"EMPLOYEES_{band.name}"): band
    for band in Employees
}


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    """A certificate that the enterprise says it holds. `expires` None: it does not say."""

    title: str
    agency: str
    expires: Day | None = None


@dataclass(frozen=True, slots=True)
class SelfDescription:
    """What the enterprise says; what is empty or None it leaves open."""

    main_products: tuple[str, ...] = ()
    website: str = ""
    employees: Employees | None = None
    factory_area_sqm: int | None = None
    contact_languages: tuple[str, ...] = ()
    certificates: tuple[HeldCertificate, ...] = ()


NOTHING: Final = SelfDescription()


class _Fault(NamedTuple):
    reason: str
    description: str


_EMPTY: Final = _Fault("REQUIRED", "Fill this in, or leave the entry out.")
_CONTACT: Final = _Fault(
    "CONTACT_DATA", "Leave out telephone numbers, ID numbers and e-mail addresses."
)
_WEBSITE: Final = _Fault(
    "WEBSITE", "Give an address such as https://www.example.com, without user, port or query."
)
_DATE: Final = _Fault("DATE", "Give a date with year, month and day.")


class _FieldError(ValueError):
    def __init__(self, fault: _Fault) -> None:
        super().__init__(fault.reason)
        self.fault: Final = fault


def read(message: archive_pb2.SelfDescription) -> SelfDescription:
    """Returns what the message says. What only the service fills in is not looked at.

    Raises:
        InvalidFieldsError: with every violation, paths beginning with
            `self_description.`; reasons are REQUIRED, FORBIDDEN_CHARACTER,
            CONTACT_DATA, WEBSITE and DATE.
    """
    reader = _Reader()
    products = reader.each("main_products", message.main_products, _text)
    website = reader.one("website", lambda: _website(message.website)) or ""
    certificates = reader.each("certificates", message.certificates, _certificate)
    if reader.violations:
        raise InvalidFieldsError(tuple(reader.violations))
    return SelfDescription(
        main_products=tuple(dict.fromkeys(products)),
        website=website,
        employees=_EMPLOYEES.get(message.employees),
        factory_area_sqm=message.factory_area_sqm or None,
        contact_languages=tuple(dict.fromkeys(message.contact_languages)),
        certificates=tuple(certificates),
    )


def impersonal(text: str, field: str) -> str:
    """Returns a text of one line that is not empty and names nobody's contact (1).

    Raises:
        InvalidFieldsError: of this field; reasons as of `read`.
    """
    try:
        return _text(text)
    except _FieldError as error:
        fault = error.fault
    except TextError as error:
        fault = _Fault(error.reason, error.description)
    raise InvalidFieldsError((FieldViolation(field, *fault),))


def section(
    told: SelfDescription, platforms: Iterable[PlatformRecord], today: Day
) -> archive_pb2.SelfDescription:
    """Returns the section of the archive, without name and provenance.

    `platforms` are those whose certifications may corroborate it.
    """
    made = archive_pb2.SelfDescription(
        main_products=told.main_products,
        website=told.website,
        factory_area_sqm=told.factory_area_sqm or 0,
        contact_languages=told.contact_languages,
    )
    if told.employees is not None:
        made.employees = archive_pb2.SelfDescription.Employees.Value(
            f"EMPLOYEES_{told.employees.name}"
        )
    inspected: dict[tuple[str, str], str] = {}
    for same, platform in _inspected(platforms, today):
        inspected.setdefault(same, platform)
    for held in told.certificates:
        certificate = made.certificates.add(
            title=held.title,
            agency=held.agency,
            corroborated_by=inspected.get(_same(held.title, held.agency), ""),
        )
        if held.expires is not None:
            certificate.expiry_date.CopyFrom(to_date_message(held.expires))
    return made


def _inspected(
    platforms: Iterable[PlatformRecord], today: Day
) -> Iterator[tuple[tuple[str, str], str]]:
    for platform in platforms:
        for each in platform.certifications:
            if each.expires is None or each.expires >= today:
                yield _same(each.scope, each.agency), platform.platform


def _same(title: str, agency: str) -> tuple[str, str]:
    return comparable(title), comparable(agency)


class _Reader:
    """Reads field by field and collects the faults."""

    def __init__(self) -> None:
        self.violations: Final[list[FieldViolation]] = []

    def one(self, field: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except _FieldError as error:
            self._note(field, error.fault)
        except TextError as error:
            self._note(field, _Fault(error.reason, error.description))
        return None

    def each(self, field: str, given: Iterable[S], read: Callable[[S], T]) -> list[T]:
        values = [
            self.one(f"{field}[{place}]", lambda value=value: read(value))  # type: ignore[misc]  # binds the loop's variable
            for place, value in enumerate(given)
        ]
        return [value for value in values if value is not None]

    def _note(self, field: str, fault: _Fault) -> None:
        self.violations.append(FieldViolation(f"self_description.{field}", *fault))


def _text(text: str) -> str:
    cleaned = clean(text)
    if not cleaned:
        raise _FieldError(_EMPTY)
    return _without_contacts(cleaned)


def _without_contacts(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text)
    if "@" in folded or _NUMBER.search(folded):
        raise _FieldError(_CONTACT)
    return text


def _website(text: str) -> str:
    cleaned = clean(text)
    if not cleaned:
        return ""
    try:
        parts = urlsplit(cleaned)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        plain = (parts.port, parts.username, parts.password) == (None, None, None)
    except ValueError:
        raise _FieldError(_WEBSITE) from None
    if (
        parts.scheme not in {"http", "https"}
        or not plain
        or parts.query
        or parts.fragment
        or not _HOST.fullmatch(host)
        or _is_address(host)
    ):
        raise _FieldError(_WEBSITE)
    return _without_contacts(f"{parts.scheme}://{host}{parts.path}")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _certificate(message: archive_pb2.HeldCertificate) -> HeldCertificate:
    expires = _day(message.expiry_date) if message.HasField("expiry_date") else None
    return HeldCertificate(_text(message.title), _text(message.agency), expires)


def _day(date: Date) -> Day:
    try:
        return from_date(dt.date(date.year, date.month, date.day))
    except ValueError:
        raise _FieldError(_DATE) from None
