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

from bonafides.archive.expiry import public_record, standing_records
from bonafides.archive.facts import Kind, OperatingState
from bonafides.archive.public_records import CourtCase, Performance
from bonafides.rating.card import RuleKind
from bonafides.rating.features import evidence_level, identity_established
from bonafides.rating.measures import RatingInputs, Share
from bonafides.rating.trade import largest_buyer_share, orders_counted, record_days

# The largest number of a measure that says yes or no, and of one in a hundred.
_YES: Final = 1
_ALL: Final = 100


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
    told = inputs.registration
    return int(told is None or told.operating_state is not OperatingState.REVOKED)


def _no_dishonest_debt(inputs: RatingInputs) -> int:
    """Tells whether no court lists the enterprise as a dishonest debtor now.

    Who has performed is no dishonest debtor, whether or not the court has taken the
    entry off already.
    """
    listed = map(public_record, standing_records(inputs.sheet, Kind.DISHONEST_DEBTOR))
    return int(
        all(
            isinstance(case, CourtCase) and case.performance is Performance.PERFORMED
            for case in listed
        )
    )


def _no_serious_illegality(inputs: RatingInputs) -> int:
    return int(not standing_records(inputs.sheet, Kind.SERIOUS_ILLEGAL))


def _of_company(measure: Callable[[RatingInputs], int]) -> Callable[[RatingInputs], int]:
    """Never hits for an individual business: a person must look before it is given a D."""
    return lambda inputs: int(inputs.code.individual or measure(inputs))


def _no_listing_to_review(inputs: RatingInputs) -> int:
    listed = not (_no_dishonest_debt(inputs) and _no_serious_illegality(inputs))
    return int(not inputs.code.individual or not listed)


def _no_review_due(inputs: RatingInputs) -> int:
    # An individual business is close to the person who runs it: a person must look
    # before it is given a D, and until then it has no level.
    return int(not inputs.code.individual or _license_stands(inputs))


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
        return _ALL
    return (share.whole - share.part) * _ALL // share.whole


RULES: Final[Mapping[str, RuleMeasure]] = MappingProxyType(
    {
        "LICENSE_REVOKED": RuleMeasure(RuleKind.KNOCK_OUT, _of_company(_license_stands), _YES),
        "DISHONEST_DEBTOR": RuleMeasure(
            RuleKind.KNOCK_OUT, _of_company(_no_dishonest_debt), _YES, since=2
        ),
        "SERIOUS_ILLEGAL": RuleMeasure(
            RuleKind.KNOCK_OUT, _of_company(_no_serious_illegality), _YES, since=2
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
            RuleKind.CEILING, _orders_of_others, _ALL, since=3
        ),
    }
)
