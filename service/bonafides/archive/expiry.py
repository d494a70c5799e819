"""Which public records stand as of an instant, and when each stops by itself.

1. What was matched by name alone never stands: it may be a namesake's.
2. What the source took off stands until the day on which it did so.
3. Each kind has a term, after which a record stands no more whether or not a source
   says so: the table `TERMS`. Terms are calendar months from the day on which the
   record began; the term ends with the start of the day that many months later.
4. An end that the source itself gave holds in place of a term whose text nobody
   verified; beside a verified term, the earlier of the two holds.

A record that stands no more is in no level and in no view but the operators', from
that microsecond on.

    standing(fact, as_of)      # Standing.STANDS
"""

from __future__ import annotations

import datetime as dt
import enum
from calendar import monthrange
from dataclasses import dataclass
from typing import Final

from bonafides.archive.facts import Fact, FactSheet, Kind
from bonafides.archive.public_records import MatchedBy, Penalty, PublicRecord, Severity
from bonafides.errors import BugError
from bonafides.instants import Day, Instant, from_date, start_of, to_date


@dataclass(frozen=True, slots=True)
class Term:
    """For how long a negative fact may be held against an enterprise.

    `trigger` says from when the term runs, `restoration` what ends it sooner,
    `restorable_months` how long after the trigger that may be asked for at the soonest,
    `verified` whether somebody read the text of the source itself.
    """

    kind: Kind
    severity: Severity | None
    months: int
    trigger: str
    restoration: str
    source: str
    verified: bool
    restorable_months: int = 0


_ORDER_107: Final = "SAMR Order 107, in force 2025-12-25; secondary source"
_DEFAULT: Final = "cautious default; no source was read"
_PERFORMED: Final = "when it is performed and the court takes it off"
# As of 2026-11-01. Where a source gives a shortest and a longest term, the longest
# is when a record stops by itself, the shortest when restoration may be asked for.
TERMS: Final = (
    Term(Kind.PENALTY, Severity.MINOR, 3, "decision", "none needed", _ORDER_107, verified=False),
    Term(
        Kind.PENALTY,
        Severity.MODERATE,
        12,
        "decision",
        "after 3 months",
        _ORDER_107,
        verified=False,
        restorable_months=3,
    ),
    Term(
        Kind.PENALTY,
        Severity.SERIOUS,
        36,
        "decision",
        "after 12 months",
        _ORDER_107,
        verified=False,
        restorable_months=12,
    ),
    # An offence that nobody called grave is not held to be so.
    Term(Kind.PENALTY, Severity.NOT_KNOWN, 3, "decision", "on request", _DEFAULT, verified=False),
    Term(Kind.ABNORMAL_OPERATIONS, None, 36, "listing", "when corrected", _DEFAULT, verified=False),
    Term(
        Kind.SERIOUS_ILLEGAL,
        None,
        36,
        "listing",
        "after 12 months",
        _DEFAULT,
        verified=False,
        restorable_months=12,
    ),
    Term(Kind.DISHONEST_DEBTOR, None, 60, "publication", _PERFORMED, _DEFAULT, verified=False),
    Term(Kind.ENFORCEMENT, None, 60, "publication", _PERFORMED, _DEFAULT, verified=False),
    Term(Kind.JUDGMENT, None, 36, "judgment", _PERFORMED, _DEFAULT, verified=False),
    Term(
        Kind.EQUITY_FREEZE, None, 36, "publication", "when it is lifted", _DEFAULT, verified=False
    ),
)
_BY_KIND: Final = {(term.kind, term.severity): term for term in TERMS}


class Standing(enum.StrEnum):
    """Whether a record counts and shows, and if not, why not."""

    STANDS = enum.auto()
    MATCHED_BY_NAME = enum.auto()
    REMOVED = enum.auto()
    EXPIRED = enum.auto()
    # A ruling found it wrong; nothing in the record itself says so.
    WITHDRAWN = enum.auto()


def term_of(kind: Kind, record: PublicRecord) -> Term:
    """Returns the row of the table that the record falls under."""
    return _BY_KIND[kind, record.severity if isinstance(record, Penalty) else None]


def ends_at(kind: Kind, record: PublicRecord) -> Instant:
    """Returns the first instant at which the record stands no more."""
    expires = _expires_at(kind, record)
    return expires if record.removed is None else min(expires, start_of(record.removed))


def restorable_from(kind: Kind, record: PublicRecord) -> Day:
    """Returns the first day on which the record may be taken off before its term is over."""
    return _months_later(record.begins, term_of(kind, record).restorable_months)


def standing(fact: Fact, as_of: Instant) -> Standing:
    """Returns whether the public record stands as of the instant."""
    record = public_record(fact)
    if record.matched_by is not MatchedBy.CODE:
        return Standing.MATCHED_BY_NAME
    if record.removed is not None and start_of(record.removed) <= as_of:
        return Standing.REMOVED
    return Standing.EXPIRED if _expires_at(fact.kind, record) <= as_of else Standing.STANDS


def standing_records(sheet: FactSheet, *kinds: Kind) -> tuple[Fact, ...]:
    """Returns the public records that stand as of the sheet's instant, of these kinds; all."""
    return tuple(
        fact
        for fact in sheet.public_records
        if (not kinds or fact.kind in kinds) and standing(fact, sheet.as_of) is Standing.STANDS
    )


def public_record(fact: Fact) -> PublicRecord:
    """Returns the value of a fact that is a public record."""
    if not isinstance(fact.value, PublicRecord):
        raise BugError(f"a fact of kind {fact.kind} is no public record")
    return fact.value


def _expires_at(kind: Kind, record: PublicRecord) -> Instant:
    term = term_of(kind, record)
    by_term = start_of(_months_later(record.begins, term.months))
    if record.expires_at is None:
        return by_term
    return min(by_term, record.expires_at) if term.verified else record.expires_at


def _months_later(day: Day, months: int) -> Day:
    """Returns the same day so many months later; the last of a month that is too short."""
    date = to_date(day)
    year, month = divmod(date.month - 1 + months, 12)
    year, month = date.year + year, month + 1
    return from_date(dt.date(year, month, min(date.day, monthrange(year, month)[1])))
