"""Marks what of a level is disputed: the features and rules that count a contested fact.

A table says of which facts and records each feature and rule is made. What is not in it
is held to be made of everything, and is marked too often rather than too seldom. A record
that is overdue counts no more, so nothing is marked for it; nor for a public record that
stands no more.

    mark(message, inputs)     # sets `disputed` where it belongs
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from bonafides.archive.expiry import standing_records
from bonafides.archive.facts import PUBLIC_RECORDS, Kind
from bonafides.rating.features import RatingInputs
from bonafides.records.kinds import Kind as RecordKind
from bonafides.v1 import rating_pb2

# A record counts under the link of its store alone.
_TRADE: Final = frozenset({RecordKind.TRANSACTION.value, RecordKind.STORE.value})
_REGISTRATION: Final = frozenset({Kind.REGISTRATION.value})
_COMPLAINTS: Final = frozenset({RecordKind.COMPLAINT.value})
_DISPUTES: Final = frozenset({RecordKind.DISPUTE.value})
_ON_SITE: Final = frozenset({RecordKind.CERTIFICATION.value})
_LISTINGS: Final = frozenset({Kind.DISHONEST_DEBTOR.value, Kind.SERIOUS_ILLEGAL.value})

MADE_OF: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        # Features.
        "verified_days": frozenset(),
        "evidence_level": _REGISTRATION | _ON_SITE,
        # It begins anew with a change of control.
        "registration_days": _REGISTRATION | {Kind.CHANGES.value},
        "capital_band": _REGISTRATION,
        "oldest_store_days": frozenset({RecordKind.STORE.value}),
        "active_months": _TRADE,
        "paid_orders": _TRADE,
        "distinct_buyers": _TRADE,
        "repeat_buyer_rate": _TRADE,
        "largest_buyer_share": _TRADE,
        "dispute_lost_rate": _DISPUTES | _TRADE,
        "complaint_upheld_rate": _COMPLAINTS | _TRADE,
        "late_delivery_rate": _TRADE,
        "case_settled_rate": _COMPLAINTS | _DISPUTES | {RecordKind.STORE.value},
        "first_response_hours": _COMPLAINTS | _DISPUTES | {RecordKind.STORE.value},
        "on_site_level": _ON_SITE,
        "unfulfilled_cases": frozenset({Kind.ENFORCEMENT.value, Kind.JUDGMENT.value}),
        "penalty_weight": frozenset({Kind.PENALTY.value}),
        "abnormal_list_days": frozenset({Kind.ABNORMAL_OPERATIONS.value}),
        # Rules.
        "LICENSE_REVOKED": _REGISTRATION,
        "DISHONEST_DEBTOR": frozenset({Kind.DISHONEST_DEBTOR.value}),
        "SERIOUS_ILLEGAL": frozenset({Kind.SERIOUS_ILLEGAL.value}),
        "LISTING_REVIEW_BY_PERSON": _LISTINGS,
        "REVIEW_BY_PERSON": _REGISTRATION,
        "IDENTITY": _REGISTRATION,
        "CONSENT_MISSING": frozenset(),
        "RECORD_TOO_SHORT": _TRADE,
        "TOO_FEW_ORDERS": _TRADE,
        "RECORD_UNDER_TWO_YEARS": _TRADE,
        "NO_ON_SITE_EVIDENCE": _REGISTRATION | _ON_SITE,
        "FEW_ORDERS_A_YEAR": _TRADE,
        "ONE_BUYER_MAKES_THE_RECORD": _TRADE,
        "FEW_BUYERS_MAKE_THE_RECORD": _TRADE,
    }
)


def mark(message: rating_pb2.Rating, inputs: RatingInputs) -> rating_pb2.Rating:
    """Marks the parts of a level that rest on something disputed, and returns the level."""
    contested = _contested(inputs)
    if not contested:
        return message
    for part in message.contributions:
        part.disputed = _rests(part.feature, contested)
    for hit in message.rules:
        hit.disputed = _rests(hit.reason, contested)
    marks = [*(p.disputed for p in message.contributions), *(h.disputed for h in message.rules)]
    message.disputed = any(marks)
    return message


def _rests(name: str, contested: frozenset[str]) -> bool:
    made_of = MADE_OF.get(name)
    return made_of is None or bool(made_of & contested)


def _contested(inputs: RatingInputs) -> frozenset[str]:
    """Returns the kinds of what is disputed and counts."""
    return frozenset((*_facts(inputs), *_stores(inputs)))


def _facts(inputs: RatingInputs) -> Iterable[str]:
    sheet = inputs.sheet
    standing = {(fact.kind.value, fact.item) for fact in standing_records(sheet)}
    public = {kind.value for kind in PUBLIC_RECORDS}
    for told in sheet.disputed:
        if told.platform:
            counts = not told.overdue(inputs.today)
        else:
            counts = told.kind not in public or (told.kind, told.item) in standing
        if counts:
            yield told.kind


def _stores(inputs: RatingInputs) -> Iterable[str]:
    if any(store.disputed for platform in inputs.platforms for store in platform.stores):
        yield RecordKind.STORE.value
