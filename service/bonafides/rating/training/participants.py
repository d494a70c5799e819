"""Who took part, and what the service had learned of each by an instant.

A fact counts from the instant at which it was learned, and the one that was learned last
in place of those before; what becomes known later can't be in a snapshot, however long it
had been true by then.

    participant.sheet(as_of)         # the facts, as the served features take them
    participant.listed(Kind.SERIOUS_ILLEGAL, cohort)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bonafides.archive.expiry import public_record, standing_records
from bonafides.archive.facts import Fact, FactSheet, Kind, Registration, Verification
from bonafides.archive.public_records import Listing, MatchedBy, RemovalGround
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import Day, Instant
from bonafides.rating.features import RatingInputs
from bonafides.rating.training.cohorts import MATURITY_DAYS, Cohort

_KNOCKED_OUT = (Kind.DISHONEST_DEBTOR, Kind.SERIOUS_ILLEGAL)


@dataclass(frozen=True, slots=True)
class Grant:
    """A platform that was authorized from a day to the one before `to_day`; None: it runs on.

    Not `usable`: what it reported may not be looked at any more, of no day.
    """

    platform: str
    from_day: Day
    to_day: Day | None
    usable: bool = True


@dataclass(frozen=True, slots=True)
class Learned:
    """A fact, the instant at which the service recorded it, and from when on it no longer held.

    `until` None: it is held true, or another took its place.
    """

    at: Instant
    fact: Fact
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class Participant:
    """One enterprise. `learned` is in the order of learning; `region` is an axis of audit.

    Without a `verification` of its own, verifications are among what was learned.
    """

    code: UnifiedCode
    region: str
    verification: Verification | None
    grants: tuple[Grant, ...]
    learned: tuple[Learned, ...]

    def sheet(self, as_of: Instant) -> FactSheet:
        """Returns the facts as they were known at the instant."""
        known = {(each.fact.kind, each.fact.item): each.fact for each in self._by(as_of)}
        registration = known.pop((Kind.REGISTRATION, ""), None)
        changes: Any = _value(known.pop((Kind.CHANGES, ""), None)) or ()
        verified: Any = _value(known.pop((Kind.VERIFICATION, ""), None))
        if self.verification is not None and self.verification.verified_at <= as_of:
            verified = self.verification
        return FactSheet(
            code=self.code.text,
            as_of=as_of,
            registration=registration,
            shareholders=(),
            changes=changes,
            verification=verified,
            public_records=tuple(known.values()),
        )

    def inputs(self, as_of: Instant) -> RatingInputs:
        """Returns what features of facts are measured from, with no platform's records."""
        return RatingInputs(
            code=self.code,
            as_of=as_of,
            sheet=self.sheet(as_of),
            platforms=(),
            platforms_known=0,
            purposes=frozenset(),
        )

    def authorized(self, day: Day) -> list[str]:
        """Returns the platforms that were authorized on the day."""
        return [
            grant.platform
            for grant in self.grants
            if grant.usable
            and grant.from_day <= day
            and (grant.to_day is None or grant.to_day > day)
        ]

    def listed(self, kind: Kind, cohort: Cohort) -> bool:
        """Tells whether it came to be on a list, by code, and not by mistake.

        The listing is of the window, or of so shortly before that it was learned of after
        the day: it is in no feature then, and must be in the label.
        """
        known = {
            each.fact.item: each.fact for each in self._by(cohort.ripe_at) if each.fact.kind is kind
        }
        before = {each.fact.item for each in self._by(cohort.as_of) if each.fact.kind is kind}
        return any(_stood(fact, cohort) for item, fact in known.items() if item not in before)

    def left(self, cohort: Cohort) -> bool:
        """Tells whether it went within the window: an authorization, or its registration."""
        for grant in self.grants:
            authorized = grant.from_day <= cohort.day
            if authorized and grant.to_day is not None and cohort.day < grant.to_day <= cohort.ends:
                return True
        return any(
            isinstance(each.fact.value, Registration) and each.fact.value.operating_state.ended
            for each in self._by(cohort.ripe_at)
        )

    def _by(self, instant: Instant) -> list[Learned]:
        return [
            each
            for each in self.learned
            if each.at <= instant
            and each.fact.valid_from <= instant
            and (each.until is None or instant < each.until)
        ]


def knocked_out(inputs: RatingInputs) -> bool:
    """Tells whether a listing decides the level already, whatever points would."""
    return bool(standing_records(inputs.sheet, *_KNOCKED_OUT))


def _value(fact: Fact | None) -> Any:
    return None if fact is None else fact.value


def _stood(fact: Fact, cohort: Cohort) -> bool:
    record = public_record(fact)
    annulled = isinstance(record, Listing) and record.removal_ground is RemovalGround.ANNULLED
    within = cohort.day - MATURITY_DAYS < record.begins <= cohort.ends
    return within and record.matched_by is MatchedBy.CODE and not annulled
