"""The kinds of record that platforms report.

Every record names the enterprise by code, its platform, the store it comes from,
and an id of the platform's own. A higher revision supersedes a lower one; `void`
is a revision that takes the record back. What only some kinds have:

    kind            what is used beside the common part
    STORE           from_day opened, to_day closed, detail: title, category, address,
                    and what `bonafides.records.links` says of proofs
    TRANSACTION     buyer, amount, promised_day, delivered_day
    REFUND          amount, original_id (the transaction; None: not told),
                    refund_state, requested_at
    COMPLAINT       buyer, original_id, outcome, first_response_at, decided_at
    DISPUTE         the same
    CERTIFICATION   from_day inspected, to_day expires, detail: agency, scope
    MEMBERSHIP      from_day, to_day of one paid period (None: it runs on),
                    detail: program

Only an outcome decided against the enterprise counts against it: UPHELD for a
complaint, LOST for a dispute. A refund counts once it is DONE; one whose state is
not told is taken for done.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bonafides.identity.codes import UnifiedCode
from bonafides.instants import Day, Instant
from bonafides.records.money import Money


class Kind(enum.StrEnum):
    """The kinds of record."""

    STORE = enum.auto()
    TRANSACTION = enum.auto()
    REFUND = enum.auto()
    COMPLAINT = enum.auto()
    DISPUTE = enum.auto()
    CERTIFICATION = enum.auto()
    MEMBERSHIP = enum.auto()


class Outcome(enum.StrEnum):
    """How a complaint or a dispute ended."""

    UPHELD = enum.auto()
    LOST = enum.auto()
    REJECTED = enum.auto()
    SETTLED = enum.auto()
    UNDECIDED = enum.auto()


class RefundState(enum.StrEnum):
    """How far a refund has come, as the platform reports it (003 T02)."""

    # Requested; the platform takes it up on the next day.
    SUBMITTED = enum.auto()
    # Until enough money has come in.
    WAITING = enum.auto()
    DONE = enum.auto()


# What the detail of a record may hold, by kind.
DETAILS: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.STORE: frozenset(
        {"title", "category", "address", "proof", "evidence_sha256", "authentications"}
    ),
    Kind.CERTIFICATION: frozenset({"agency", "scope"}),
    Kind.MEMBERSHIP: frozenset({"program"}),
}

MAX_ID_LENGTH: Final = 80
MAX_PLATFORM_LENGTH: Final = 40
MAX_DETAIL_LENGTH: Final = 500


@dataclass(slots=True)
class Record:
    """One revision of one record, as the platform reported it.

    `buyer` is the platform's own pseudonym for the buyer; it is keyed again when
    the record is taken in and is not stored as it came. None: the platform names
    no buyer, and the record counts as a transaction but not as a buyer.
    `requested_at` is when a refund was asked for; None: when it occurred. Not to
    be changed, though not frozen: they come by the thousand, and to freeze each costs as
    much as to read it.
    """

    code: UnifiedCode
    platform: str
    kind: Kind
    record_id: str
    store_id: str
    occurred_at: Instant
    revision: int = 1
    void: bool = False
    buyer: str | None = field(default=None, repr=False)
    amount: Money | None = None
    original_id: str | None = None
    promised_day: Day | None = None
    delivered_day: Day | None = None
    first_response_at: Instant | None = None
    outcome: Outcome | None = None
    decided_at: Instant | None = None
    from_day: Day | None = None
    to_day: Day | None = None
    detail: Mapping[str, str] = field(default_factory=dict)
    refund_state: RefundState | None = None
    requested_at: Instant | None = None
