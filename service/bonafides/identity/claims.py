"""Reads the claims of a request, and names everything that is wrong with them at once.

Decides whether the claims can be compared at all; whether they are true is for
`bonafides.identity.checks`. Lengths, patterns and presence of the digests are
declared in the protos and looked at before. The rules here:

1. The code is a code, of an enterprise registered in the mainland; so is the address.
2. Texts hold nothing that can't be seen.
3. The phone is a number of the mainland; the e-mail is an address.
4. The representative's name and number come with an authorization to verify them,
   whose scope covers both. Each purpose is granted once, by itself, and not in
   the future.
5. Dates are dates, in their order; amounts are not negative. An individual
   business has no registered capital, and it alone a form of composition.
6. There are ten representatives at most, each named once, with a document's number
   in the shape of its type.

A violation names the field, the rule and the remedy, never the value.

    claims = read_claims(request.claims, now=now)
    claims.code         # a UnifiedCode; nothing deeper down looks at it again
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from bonafides.errors import FieldViolation, InvalidFieldsError
from bonafides.identity.codes import CodeError, UnifiedCode, out_of_scope
from bonafides.identity.consent import TEXTS
from bonafides.identity.id_numbers import IdNumber, IdType
from bonafides.identity.submission import (
    Assent,
    Authorization,
    Changes,
    Claims,
    Depth,
    License,
    Purpose,
    Representative,
)
from bonafides.identity.texts import TextError, clean
from bonafides.instants import Day, Instant, day_of, from_date, from_timestamp
from bonafides.records.money import Money
from bonafides.v1 import enterprise_pb2 as enterprise

# The oldest enterprises that still exist are younger than this.
_FIRST_DAY: Final = from_date(dt.date(1800, 1, 1))
# Nobody agreed to anything here before 1970; 0 is what an empty timestamp says.
_FIRST_INSTANT: Final = Instant(0)
_COUNTRY_CODE: Final = 86
_IDENTITY_SCOPE: Final = frozenset({"person", "id_number"})
_PURPOSES: Final = {
    enterprise.Purpose.Value(f"PURPOSE_{purpose.name}"): purpose for purpose in Purpose
}
_ID_TYPES: Final = {
    enterprise.ID_TYPE_UNSPECIFIED: IdType.RESIDENT_ID,
    **{enterprise.IdType.Value(f"ID_TYPE_{each.name}"): each for each in IdType},
}
_DEPTHS: Final = {
    enterprise.CHECK_DEPTH_UNSPECIFIED: Depth.FOUR,
    **{enterprise.CheckDepth.Value(f"CHECK_DEPTH_{each.name}"): each for each in Depth},
}
# An address there begins with its name. So does a street of Qingdao, 香港中路, and
# many another street, square or building of the mainland.
_OUTSIDE: Final = re.compile(
    r"(中华人民共和国|中国)?(香港|澳[门門]|[台臺][湾灣])"
    r"(?![东西南北中一二三四五]?(路|街|道|大道|大街|巷|里|广场|花园|大厦|商城|城|村|小区))"
    r"|([台臺][北中南]|新北|桃[园園]|高雄)市"
)

T = TypeVar("T")


class _FieldError(ValueError):
    """One violated rule of one field."""

    def __init__(self, reason: str, description: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason
        self.description: Final = description


def read_claims(message: enterprise.Claims, *, now: Instant) -> Claims:
    """Returns the claims of the message.

    Raises:
        InvalidFieldsError: with every violation of every field, paths beginning
            with `claims.`; among the reasons are OLD_REGISTRATION_NUMBER,
            OUT_OF_SCOPE and AUTHORIZATION_REQUIRED.
    """
    return _Reader(message, now).claims()


def faults_in_part(message: enterprise.Claims, *, now: Instant) -> tuple[FieldViolation, ...]:
    """Returns what is wrong with code, title and license, as far as they are filled in."""
    return _Reader(message, now).faults_in_part()


def read_changes(message: enterprise.Amendment, code: UnifiedCode, *, now: Instant) -> Changes:
    """Returns what was announced to have changed.

    Raises:
        InvalidFieldsError: as of `read_claims`, with paths beginning with `changes.`;
            REQUIRED if nothing is announced.
    """
    part = enterprise.Claims(
        code=code.text,
        title=message.title,
        phone=message.phone,
        email=message.email,
        license=message.license,
        representative=message.representatives[0] if message.representatives else None,
        other_representatives=message.representatives[1:],
        authorizations=message.authorizations,
    )
    if not message.ListFields():
        raise InvalidFieldsError(
            (FieldViolation("changes", "REQUIRED", "Name one changed field at least."),)
        )
    return _Reader(part, now).changes(licensed=message.HasField("license"), code=code)


class _Reader:
    """Reads field by field and collects the faults."""

    def __init__(self, message: enterprise.Claims, now: Instant) -> None:
        self._message: Final = message
        self._now: Final = now
        self._today: Final = day_of(now)
        self._violations: Final[list[FieldViolation]] = []

    def claims(self) -> Claims:
        message = self._message
        code = self._try("code", lambda: _code(message.code))
        title = self._try("title", lambda: _text(message.title))
        phone = self._try("phone", lambda: _phone(message.phone))
        email = self._try("email", lambda: _email(message.email))
        representatives = self._representatives()
        depth = self._try("depth", lambda: _known(_DEPTHS, message.depth))
        license_ = self._license(message.license, individual=code is not None and code.individual)
        authorizations = self._authorizations()
        assent = self._assent(message.assent)
        # A value is None only where its fault was noted.
        if (
            self._violations
            or code is None
            or title is None
            or phone is None
            or email is None
            or depth is None
            or assent is None
        ):
            raise InvalidFieldsError(tuple(self._violations))
        return Claims(
            code=code,
            title=title,
            phone=phone,
            email=email,
            license=license_,
            representatives=representatives,
            authorizations=authorizations,
            assent=assent,
            authorized_platforms=tuple(sorted(set(message.authorized_platforms))),
            depth=depth,
        )

    def faults_in_part(self) -> tuple[FieldViolation, ...]:
        message = self._message
        code = self._try("code", lambda: _code(message.code))
        self._optional_text("title", message.title)
        self._license(message.license, individual=code is not None and code.individual)
        return tuple(self._violations)

    def changes(self, *, licensed: bool, code: UnifiedCode) -> Changes:
        message = self._message
        title = self._optional_text("title", message.title)
        phone = self._try("phone", lambda: _phone(message.phone)) if message.phone else None
        email = self._try("email", lambda: _email(message.email)) if message.email else None
        license_ = None
        if licensed:
            license_ = self._license(message.license, individual=code.individual)
        people: tuple[Representative, ...] = ()
        authorizations: tuple[Authorization, ...] = ()
        if message.HasField("representative"):
            people, authorizations = self._representatives(), self._authorizations()
        elif message.authorizations:
            self._try("authorizations", _nobody_to_authorize)
        if self._violations:
            raise InvalidFieldsError(
                tuple(
                    FieldViolation(_of_changes(fault.field), fault.reason, fault.description)
                    for fault in self._violations
                )
            )
        return Changes(title, phone, email, license_, people, authorizations)

    def _try(self, field: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except (_FieldError, CodeError, TextError) as fault:
            violation = FieldViolation(f"claims.{field}", fault.reason, fault.description)
            self._violations.append(violation)
            return None

    def _optional_text(self, field: str, text: str) -> str | None:
        return self._try(field, lambda: _text(text)) if text else None

    def _day(self, field: str, *, present: bool, date: Date) -> Day | None:
        return self._try(field, lambda: _day(date)) if present else None

    def _instant(self, field: str, *, present: bool, stamp: Timestamp) -> Instant | None:
        return self._try(field, lambda: _past(stamp, present=present, now=self._now))

    def _representatives(self) -> tuple[Representative, ...]:
        """Returns those without fault, the first first."""
        read = [self._representative("representative", self._message.representative)]
        for index, message in enumerate(self._message.other_representatives):
            field = f"other_representatives[{index}]"
            one = self._representative(field, message)
            if one is not None and one in read:
                self._try(field, _named_twice)
            read.append(one)
        return tuple(each for each in read if each is not None)

    def _representative(
        self, field: str, message: enterprise.Representative
    ) -> Representative | None:
        person = self._try(f"{field}.person", lambda: _text(message.person))
        type_ = self._try(f"{field}.id_type", lambda: _known(_ID_TYPES, message.id_type))
        if type_ is None:
            return None
        number = self._try(
            f"{field}.id_number",
            lambda: IdNumber.parse(message.id_number, type_, today=self._today),
        )
        return None if person is None or number is None else Representative(person, number)

    def _license(self, message: enterprise.License, *, individual: bool) -> License:
        established = self._day(
            "license.established", present=message.HasField("established"), date=message.established
        )
        term_end = self._day(
            "license.term_end", present=message.HasField("term_end"), date=message.term_end
        )
        self._try("license", lambda: _in_order(established, term_end, self._today))
        address = self._optional_text("license.registered_address", message.registered_address)
        self._try("license.registered_address", lambda: _in_mainland(address or ""))
        return License(
            copy_sha256=message.copy_sha256,
            legal_form=self._optional_text("license.legal_form", message.legal_form),
            registered_address=address,
            registered_capital=self._try(
                "license.registered_capital", lambda: _capital(message, individual=individual)
            ),
            established=established,
            term_end=term_end,
            business_scope=self._optional_text("license.business_scope", message.business_scope),
            composition=self._try(
                "license.composition", lambda: _composition(message, individual=individual)
            ),
        )

    def _authorizations(self) -> tuple[Authorization, ...]:
        granted: dict[Purpose, Authorization] = {}
        for index, message in enumerate(self._message.authorizations):
            field = f"authorizations[{index}]"
            purpose = self._try(f"{field}.purpose", lambda m=message: _purpose(m, granted))  # type: ignore[misc]  # binds the loop's variable
            granted_at = self._instant(
                f"{field}.grant_time",
                present=message.HasField("grant_time"),
                stamp=message.grant_time,
            )
            if purpose is not None:
                self._try(f"{field}.text_version", lambda m=message, p=purpose: _text_shown(m, p))  # type: ignore[misc]  # binds the loop's variables
                expires_at = self._try(
                    f"{field}.expire_time",
                    lambda m=message: _consent_end(m, now=self._now),  # type: ignore[misc]  # as above
                )
                # One at fault is entered too, so that it isn't called missing as well.
                granted[purpose] = Authorization(
                    purpose,
                    tuple(sorted(set(message.scope))),
                    message.evidence_sha256,
                    granted_at or self._now,
                    message.text_version,
                    message.text_sha256,
                    expires_at,
                )
        self._try("authorizations", lambda: _identity_may_be_verified(granted))
        return tuple(granted[purpose] for purpose in sorted(granted))

    def _assent(self, message: enterprise.Assent) -> Assent | None:
        assented_at = self._instant(
            "assent.assent_time",
            present=message.HasField("assent_time"),
            stamp=message.assent_time,
        )
        version = self._try("assent.agreement_version", lambda: _text(message.agreement_version))
        return None if assented_at is None or version is None else Assent(version, assented_at)


def _text(text: str) -> str:
    cleaned = clean(text)
    if not cleaned:
        raise _FieldError("REQUIRED", "Fill this field in.")
    return cleaned


def _code(text: str) -> UnifiedCode:
    code = UnifiedCode.parse(text)
    if reason := out_of_scope(code):
        raise _FieldError("OUT_OF_SCOPE", reason)
    return code


def _phone(text: str) -> str:
    """Returns the number in E.164."""
    # Loaded when somebody submits: it is metadata of every country.
    import phonenumbers  # noqa: PLC0415

    fault = _FieldError("PHONE", "Give a telephone number of the mainland, as dialled or with +86.")
    try:
        number = phonenumbers.parse(text, "CN")
    except phonenumbers.NumberParseException:
        # Not chained: its text may quote the number.
        raise fault from None
    if number.country_code != _COUNTRY_CODE or not phonenumbers.is_valid_number(number):
        raise fault
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _email(text: str) -> str:
    # Loaded when somebody submits, as above.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    try:
        # Deliverability would be a network call, and tell the world who submits.
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise _FieldError("EMAIL", "Give an e-mail address such as name@example.com.") from None


def _past(stamp: Timestamp, *, present: bool, now: Instant) -> Instant:
    if not present:
        raise _FieldError("REQUIRED", "Say when.")
    instant = from_timestamp(stamp)
    if instant > now:
        raise _FieldError("IN_FUTURE", "Give the time at which it was done, not one to come.")
    if instant <= _FIRST_INSTANT:
        raise _FieldError("TIME", "Give the time at which it was done.")
    return instant


def _day(date: Date) -> Day:
    try:
        return from_date(dt.date(date.year, date.month, date.day))
    except ValueError:
        raise _FieldError("DATE", "Give a date with year, month and day.") from None


def _in_order(established: Day | None, term_end: Day | None, today: Day) -> None:
    if established is not None and not _FIRST_DAY <= established <= today:
        raise _FieldError("DATE", "The day of establishment must lie between 1800 and today.")
    if established is not None and term_end is not None and term_end < established:
        raise _FieldError("DATE_ORDER", "The term can't end before the day of establishment.")


def _in_mainland(address: str) -> None:
    if _OUTSIDE.match("".join(unicodedata.normalize("NFKC", address).split())):
        raise _FieldError(
            "OUT_OF_SCOPE", "Only enterprises registered in the mainland can be submitted."
        )


def _capital(message: enterprise.License, *, individual: bool) -> Money | None:
    if not message.HasField("registered_capital"):
        return None
    if individual:
        raise _FieldError("NOT_FOR_INDIVIDUALS", "Individual businesses have none; leave it out.")
    if message.registered_capital.amount_minor < 0:
        raise _FieldError("NEGATIVE", "Give an amount of 0 or more.")
    return Money(message.registered_capital.currency_code, message.registered_capital.amount_minor)


def _composition(message: enterprise.License, *, individual: bool) -> str | None:
    if not message.composition:
        return None
    if not individual:
        raise _FieldError(
            "INDIVIDUALS_ONLY", "Only individual businesses have a form of composition."
        )
    return _text(message.composition)


def _known(values: Mapping[Any, T], value: int) -> T:
    # Shape is looked at before; what is read here comes from files, too.
    if value not in values:
        raise _FieldError("ENUM", "Name one of the published values.")
    return values[value]


def _of_changes(path: str) -> str:
    """Returns where a field of the claims stands in an announcement."""
    rest = path.removeprefix("claims.")
    if rest.startswith("other_representatives["):
        place, _, inner = rest.removeprefix("other_representatives[").partition("]")
        return f"changes.representatives[{int(place) + 1}]{inner}"
    if rest.startswith("representative"):
        return f"changes.representatives[0]{rest.removeprefix('representative')}"
    return f"changes.{rest}"


def _nobody_to_authorize() -> None:
    raise _FieldError("NOT_NEEDED", "Leave it out: it goes with new representatives alone.")


def _named_twice() -> None:
    raise _FieldError("DUPLICATE", "Name each representative once.")


def _text_shown(message: enterprise.Authorization, purpose: Purpose) -> None:
    """Source: 001 §1.2 and §3.1(c); what was agreed to is the text that is published now."""
    if not message.text_version and not message.text_sha256:
        return
    text = TEXTS[purpose]
    if (message.text_version, message.text_sha256) != (text.version, text.sha256):
        raise _FieldError(
            "TEXT_NOT_CURRENT",
            "Show the person the current text, and give its version and SHA-256 as"
            " ListAgreements has them; or leave both out for a document of your own.",
        )


def _consent_end(message: enterprise.Authorization, *, now: Instant) -> Instant | None:
    """Returns from when on the consent holds no more."""
    if not message.HasField("expire_time"):
        return None
    instant = from_timestamp(message.expire_time)
    if instant <= now:
        raise _FieldError("EXPIRED", "Give a time to come, or leave it out.")
    return instant


def _purpose(message: enterprise.Authorization, granted: dict[Purpose, Authorization]) -> Purpose:
    purpose = _PURPOSES.get(message.purpose)
    if purpose is None:
        raise _FieldError("PURPOSE", "Name one of the published purposes.")
    if purpose in granted:
        raise _FieldError("DUPLICATE", "Grant each purpose once.")
    return purpose


def _identity_may_be_verified(granted: dict[Purpose, Authorization]) -> None:
    """Source: 002 §1.5; no representative's data are taken without it."""
    authorization = granted.get(Purpose.VERIFY_IDENTITY)
    if authorization is None or not set(authorization.scope) >= _IDENTITY_SCOPE:
        raise _FieldError(
            "AUTHORIZATION_REQUIRED",
            "Add the representative's authorization for VERIFY_IDENTITY, with the scope"
            " person and id_number.",
        )
