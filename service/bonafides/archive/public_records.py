"""What courts and authorities published of an enterprise, as typed values.

    kinds                                               value
    DISHONEST_DEBTOR, ENFORCEMENT, JUDGMENT,            CourtCase
    EQUITY_FREEZE
    ABNORMAL_OPERATIONS, SERIOUS_ILLEGAL                Listing
    PENALTY                                             Penalty

- No value has room for a person: parties are not kept, and grounds are words of a
  closed list, since what authorities write freely names people.
- A record that the source matched by name alone may be a namesake's.
- `removed` is the first day on which the source held it no more. `expires_at`
  is the end that the source itself gave. None: it gave none; then
  `bonafides.archive.expiry` has one.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from bonafides.instants import Day, Instant
from bonafides.records.money import Money


class MatchedBy(enum.StrEnum):
    """By what the source's entry was found to be this enterprise's."""

    CODE = enum.auto()
    NAME = enum.auto()


class Performance(enum.StrEnum):
    """How far what the court ordered has been done."""

    NOT_KNOWN = enum.auto()
    UNPERFORMED = enum.auto()
    PARTLY_PERFORMED = enum.auto()
    PERFORMED = enum.auto()


class Severity(enum.StrEnum):
    """How grave the authority holds the offence to be."""

    NOT_KNOWN = enum.auto()
    MINOR = enum.auto()
    MODERATE = enum.auto()
    SERIOUS = enum.auto()


class Sanction(enum.StrEnum):
    """What an administrative penalty consists of; of several, the gravest."""

    OTHER = enum.auto()
    WARNING = enum.auto()
    PUBLIC_CRITICISM = enum.auto()
    FINE = enum.auto()
    CONFISCATION = enum.auto()
    LICENSE_SUSPENDED = enum.auto()
    LICENSE_WITHDRAWN = enum.auto()
    BUSINESS_RESTRICTED = enum.auto()
    CLOSURE = enum.auto()


class Ground(enum.StrEnum):
    """Why an authority listed the enterprise."""

    OTHER = enum.auto()
    NO_ANNUAL_REPORT = enum.auto()
    NOT_DISCLOSED = enum.auto()
    FALSE_DISCLOSURE = enum.auto()
    NOT_AT_ADDRESS = enum.auto()


class RemovalGround(enum.StrEnum):
    """Why an entry was taken off."""

    OTHER = enum.auto()
    CORRECTED = enum.auto()
    TERM_OVER = enum.auto()
    ANNULLED = enum.auto()


@dataclass(frozen=True, slots=True)
class CourtCase:
    """An entry of a court. `begins` is the day of publication; of a judgment, its own."""

    matched_by: MatchedBy
    begins: Day
    case_number: str
    court: str
    performance: Performance = Performance.NOT_KNOWN
    amount: Money | None = None
    removed: Day | None = None
    expires_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """An entry on an authority's list. `begins` is the day of listing."""

    matched_by: MatchedBy
    begins: Day
    authority: str
    ground: Ground = Ground.OTHER
    removal_ground: RemovalGround | None = None
    removed: Day | None = None
    expires_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Penalty:
    """An administrative penalty. `begins` is the day of the decision."""

    matched_by: MatchedBy
    begins: Day
    decision_number: str
    authority: str
    sanction: Sanction = Sanction.OTHER
    severity: Severity = Severity.NOT_KNOWN
    amount: Money | None = None
    removed: Day | None = None
    expires_at: Instant | None = None


PublicRecord = CourtCase | Listing | Penalty
