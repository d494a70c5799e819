"""The rules that decide beside the points: what each measures, as a table.

A rule hits where its measure is below the card's `at_least`. What it then does is its
kind, and is fixed here: a card sets thresholds and words, never what a rule is for.
Which kind goes first is `bonafides.rating.rate`'s business.

    RULES["RECORD_TOO_SHORT"].measure(inputs)     # days of record, 90 are wanted
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bonafides.archive.facts import Kind, OperatingState
from bonafides.rating.card import RuleKind
from bonafides.rating.features import (
    RatingInputs,
    evidence_level,
    identity_established,
    orders_counted,
    record_days,
)
from bonafides.rating.people import Outcome, knock_outs


@dataclass(frozen=True, slots=True)
class RuleMeasure:
    """What a rule does, and the number that it looks at; yes is 1 and no is 0.

    `since` is the schema version from which on every card has the rule. Cards that were
    sealed before go without it, so that they give the levels that they gave.
    """

    kind: RuleKind
    measure: Callable[[RatingInputs], int]
    since: int = 1


def _license_stands(inputs: RatingInputs) -> int:
    """Tells whether the business licence was not revoked (吊销)."""
    return _free_of(inputs, Kind.REGISTRATION)


def _no_dishonest_debt(inputs: RatingInputs) -> int:
    """Tells whether no court lists the enterprise as a dishonest debtor now."""
    return _free_of(inputs, Kind.DISHONEST_DEBTOR)


def _no_serious_illegality(inputs: RatingInputs) -> int:
    return _free_of(inputs, Kind.SERIOUS_ILLEGAL)


def _free_of(inputs: RatingInputs, kind: Kind) -> int:
    return int(all(fact.kind is not kind for fact in knock_outs(inputs.sheet)))


def _unless_unseen(measure: Callable[[RatingInputs], int]) -> Callable[[RatingInputs], int]:
    """Hits an individual business only once a person found that D stands, and with consent.

    Of any other enterprise it is the measure.
    """

    def seen(inputs: RatingInputs) -> int:
        found = inputs.people.finding is Outcome.STANDS and _consent(inputs)
        return measure(inputs) if found or not inputs.code.individual else 1

    return seen


def _no_listing_to_review(inputs: RatingInputs) -> int:
    listed = not (_no_dishonest_debt(inputs) and _no_serious_illegality(inputs))
    return int(not _waits_for_a_person(inputs) or not listed)


def _no_review_due(inputs: RatingInputs) -> int:
    return int(not _waits_for_a_person(inputs) or _license_stands(inputs))


def _waits_for_a_person(inputs: RatingInputs) -> bool:
    # An individual business is close to the person who runs it: a person must look
    # before it is given a D, and until then it has no level.
    return inputs.code.individual and inputs.people.finding is None


def _identity(inputs: RatingInputs) -> int:
    told = inputs.registration
    gone = told is not None and told.operating_state in {
        OperatingState.DEREGISTERED,
        OperatingState.ANNULLED,
    }
    return int(identity_established(inputs) and not gone)


def _consent(inputs: RatingInputs) -> int:
    return int(not inputs.code.individual or "RATE" in inputs.purposes)


def _evidence(inputs: RatingInputs) -> int:
    level = evidence_level(inputs)
    return level if isinstance(level, int) else 0


RULES: Final[Mapping[str, RuleMeasure]] = MappingProxyType(
    {
        "LICENSE_REVOKED": RuleMeasure(RuleKind.KNOCK_OUT, _unless_unseen(_license_stands)),
        "DISHONEST_DEBTOR": RuleMeasure(
            RuleKind.KNOCK_OUT, _unless_unseen(_no_dishonest_debt), since=2
        ),
        "SERIOUS_ILLEGAL": RuleMeasure(
            RuleKind.KNOCK_OUT, _unless_unseen(_no_serious_illegality), since=2
        ),
        "LISTING_REVIEW_BY_PERSON": RuleMeasure(RuleKind.NOT_RATED, _no_listing_to_review, since=2),
        "REVIEW_BY_PERSON": RuleMeasure(RuleKind.NOT_RATED, _no_review_due),
        "IDENTITY": RuleMeasure(RuleKind.NOT_RATED, _identity),
        "CONSENT_MISSING": RuleMeasure(RuleKind.NOT_RATED, _consent),
        "RECORD_TOO_SHORT": RuleMeasure(RuleKind.NOT_RATED, record_days),
        "TOO_FEW_ORDERS": RuleMeasure(RuleKind.NOT_RATED, orders_counted),
        "RECORD_UNDER_TWO_YEARS": RuleMeasure(RuleKind.CEILING, record_days),
        "NO_ON_SITE_EVIDENCE": RuleMeasure(RuleKind.CEILING, _evidence),
        "FEW_ORDERS_A_YEAR": RuleMeasure(RuleKind.CEILING, orders_counted),
    }
)
