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

from bonafides.archive.facts import OperatingState
from bonafides.rating.card import RuleKind
from bonafides.rating.features import (
    RatingInputs,
    evidence_level,
    identity_established,
    orders_counted,
    record_days,
)


@dataclass(frozen=True, slots=True)
class RuleMeasure:
    """What a rule does, and the number that it looks at; yes is 1 and no is 0."""

    kind: RuleKind
    measure: Callable[[RatingInputs], int]


def _license_stands(inputs: RatingInputs) -> int:
    """Tells whether the business licence was not revoked (吊销)."""
    told = inputs.registration
    return int(told is None or told.operating_state is not OperatingState.REVOKED)


def _no_knock_out(inputs: RatingInputs) -> int:
    return int(inputs.code.individual or _license_stands(inputs))


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


RULES: Final[Mapping[str, RuleMeasure]] = MappingProxyType(
    {
        "LICENSE_REVOKED": RuleMeasure(RuleKind.KNOCK_OUT, _no_knock_out),
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
