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
from bonafides.rating.features import evidence_level, identity_established
from bonafides.rating.measures import RatingInputs, Share
from bonafides.rating.people import Outcome, knock_outs
from bonafides.rating.trade import (
    buyers_of_weight,
    largest_buyer_share,
    orders_counted,
    record_days,
)

# The largest number of a measure that says yes or no, and of one in a hundred.
_YES: Final = 1
HUNDRED: Final = 100


@dataclass(frozen=True, slots=True)
class RuleMeasure:
    """What a rule does, and the number that it looks at; yes is 1 and no is 0.

    `most` is the largest number that the measure may reach, None if there is none: a card
    that asks for more would hit everybody. `since` is the schema version from which on
    every card has the rule. Cards that were sealed before go without it, so that they give
    the levels that they gave.
    """

    kind: RuleKind
    measure: Callable[[RatingInputs], int]
    most: int | None
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


def _orders_of_others(inputs: RatingInputs) -> int:
    """Returns how many orders in a hundred came from others than the largest buyer.

    100 where no platform names buyers: nothing is held against anybody for that.
    """
    share = largest_buyer_share(inputs)
    if not isinstance(share, Share):
        return HUNDRED
    return (share.whole - share.part) * HUNDRED // share.whole


def _buyers_of_weight(inputs: RatingInputs) -> int:
    weight = buyers_of_weight(inputs)
    # Nothing is held against anybody for what no platform tells.
    return HUNDRED if weight is None else min(HUNDRED, weight)


RULES: Final[Mapping[str, RuleMeasure]] = MappingProxyType(
    {
        "LICENSE_REVOKED": RuleMeasure(RuleKind.KNOCK_OUT, _unless_unseen(_license_stands), _YES),
        "DISHONEST_DEBTOR": RuleMeasure(
            RuleKind.KNOCK_OUT, _unless_unseen(_no_dishonest_debt), _YES, since=2
        ),
        "SERIOUS_ILLEGAL": RuleMeasure(
            RuleKind.KNOCK_OUT, _unless_unseen(_no_serious_illegality), _YES, since=2
        ),
        "LISTING_REVIEW_BY_PERSON": RuleMeasure(
            RuleKind.NOT_RATED, _no_listing_to_review, _YES, since=2
        ),
        "REVIEW_BY_PERSON": RuleMeasure(RuleKind.NOT_RATED, _no_review_due, _YES),
        "IDENTITY": RuleMeasure(RuleKind.NOT_RATED, _identity, _YES),
        "CONSENT_MISSING": RuleMeasure(RuleKind.NOT_RATED, _consent, _YES),
        "RECORD_TOO_SHORT": RuleMeasure(RuleKind.NOT_RATED, record_days, None),
        "TOO_FEW_ORDERS": RuleMeasure(RuleKind.NOT_RATED, orders_counted, None),
        "RECORD_UNDER_TWO_YEARS": RuleMeasure(RuleKind.CEILING, record_days, None),
        "NO_ON_SITE_EVIDENCE": RuleMeasure(RuleKind.CEILING, _evidence, 3),
        "FEW_ORDERS_A_YEAR": RuleMeasure(RuleKind.CEILING, orders_counted, None),
        "ONE_BUYER_MAKES_THE_RECORD": RuleMeasure(
            RuleKind.CEILING, _orders_of_others, HUNDRED, since=3
        ),
        "FEW_BUYERS_MAKE_THE_RECORD": RuleMeasure(
            RuleKind.CEILING, _buyers_of_weight, HUNDRED, since=3
        ),
    }
)
