"""What is known of an enterprise: facts, each with where it came from and when.

A fact is bitemporal. Valid time is when it holds in the world, recorded time is
when the service learned it; as of T a fact counts if recorded <= T (and not
superseded by then) and valid_from <= T < valid_to. Facts are only ever added: a
correction supersedes.

Statistics of records are no facts; `bonafides.archive.metrics` computes them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import TypeAdapter

from bonafides.archive.public_records import CourtCase, Listing, Penalty, PublicRecord
from bonafides.archive.self_description import SelfDescription
from bonafides.instants import Day, Instant
from bonafides.records.money import Money


class OperatingState(enum.StrEnum):
    """Whether the enterprise is in business, as its registry says."""

    NOT_KNOWN = enum.auto()
    IN_BUSINESS = enum.auto()
    MOVED = enum.auto()
    SUSPENDED = enum.auto()
    IN_LIQUIDATION = enum.auto()
    DEREGISTERED = enum.auto()
    REVOKED = enum.auto()
    ANNULLED = enum.auto()

    @property
    def ended(self) -> bool:
        """Whether the enterprise may not do business any more (注销, 吊销, 撤销)."""
        return self in _ENDED


_ENDED: Final = frozenset(
    {OperatingState.DEREGISTERED, OperatingState.REVOKED, OperatingState.ANNULLED}
)


@dataclass(frozen=True, slots=True)
class Registration:
    """What the registry says. None: the source says nothing on it.

    A `term_end` of None may also mean a term without end; registries print both alike.
    """

    title: str
    operating_state: OperatingState
    legal_form: str | None = None
    registered_address: str | None = None
    established: Day | None = None
    term_start: Day | None = None
    term_end: Day | None = None
    registered_capital: Money | None = None
    business_scope: str | None = None
    # Individual businesses have this in place of capital and shareholders.
    composition: str | None = None


@dataclass(frozen=True, slots=True)
class Shareholder:
    """A holder of a share; `is_person` decides who may read the name.

    `subscribed` is what the holder promised to pay in by `subscribed_by`, `paid` what
    was paid by `paid_on`. None: the source says nothing on it.
    """

    title: str = field(repr=False)
    is_person: bool
    subscribed: Money | None = None
    subscribed_by: Day | None = None
    paid: Money | None = None
    paid_on: Day | None = None
    share_ppm: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the registration, as the registry published it."""

    day: Day
    item: str
    before: str = field(repr=False)
    after: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verification:
    """The verification that established the identity, and its term."""

    uid: str
    verified_at: Instant
    expires_at: Instant


Value = (
    Registration
    | tuple[Shareholder, ...]
    | tuple[Change, ...]
    | Verification
    | SelfDescription
    | PublicRecord
)


class Kind(enum.StrEnum):
    """The kinds of fact; each has one type of value."""

    REGISTRATION = enum.auto()
    SHAREHOLDERS = enum.auto()
    CHANGES = enum.auto()
    VERIFICATION = enum.auto()
    DISHONEST_DEBTOR = enum.auto()
    ENFORCEMENT = enum.auto()
    JUDGMENT = enum.auto()
    EQUITY_FREEZE = enum.auto()
    ABNORMAL_OPERATIONS = enum.auto()
    SERIOUS_ILLEGAL = enum.auto()
    PENALTY = enum.auto()
    SELF_DESCRIPTION = enum.auto()


COURT_CASES: Final = frozenset(
    {Kind.DISHONEST_DEBTOR, Kind.ENFORCEMENT, Kind.JUDGMENT, Kind.EQUITY_FREEZE}
)
LISTINGS: Final = frozenset({Kind.ABNORMAL_OPERATIONS, Kind.SERIOUS_ILLEGAL})
# Many of one kind may be held of an enterprise, told apart by `Fact.item`.
PUBLIC_RECORDS: Final = COURT_CASES | LISTINGS | {Kind.PENALTY}

_ADAPTERS: Final[dict[Kind, TypeAdapter[Value]]] = {
    Kind.REGISTRATION: TypeAdapter(Registration),
    Kind.SHAREHOLDERS: TypeAdapter(tuple[Shareholder, ...]),
    Kind.CHANGES: TypeAdapter(tuple[Change, ...]),
    Kind.VERIFICATION: TypeAdapter(Verification),
    **{kind: TypeAdapter(CourtCase) for kind in COURT_CASES},
    **{kind: TypeAdapter(Listing) for kind in LISTINGS},
    Kind.PENALTY: TypeAdapter(Penalty),
    Kind.SELF_DESCRIPTION: TypeAdapter(SelfDescription),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact about one enterprise. `item` tells facts of one kind apart; "" if there is one."""

    code: str
    kind: Kind
    value: Value
    source: str
    retrieved_at: Instant
    valid_from: Instant
    valid_to: Instant | None = None
    item: str = ""


def to_json(fact: Fact) -> str:
    """Returns the fact's value as JSON, in a form that `from_json` reads back equal."""
    return _ADAPTERS[fact.kind].dump_json(fact.value).decode()


def from_json(kind: Kind, text: str) -> Value:
    """Returns the value of a fact of this kind."""
    return _ADAPTERS[kind].validate_json(text)


@dataclass(frozen=True, slots=True)
class Origin:
    """Which source told a fact, and when it was asked last."""

    source: str
    retrieved_at: Instant


@dataclass(frozen=True, slots=True)
class Disputed:
    """A fact that somebody whom it concerns says is wrong, and the last day for a ruling.

    Of a record: its kind, its platform's id of it, and the platform; else that is empty.
    """

    kind: str
    item: str
    due: Day
    platform: str = ""

    def overdue(self, today: Day) -> bool:
        """Returns whether the last day is over."""
        return today > self.due


@dataclass(frozen=True, slots=True)
class FactSheet:
    """The facts of one enterprise as of one instant, one per kind.

    None: no such fact is known as of the instant. The registration comes as the
    fact it is, with its source and the instant at which the source was asked; of
    the others `origins` has these, by kind.

    `public_records` are those that were known by the instant, in the order in which
    they began: the ones that had ended by then and the ones that are matched by
    name too. `bonafides.archive.expiry` says which of them stand. `withdrawn` are public
    records that a ruling found wrong.
    """

    code: str
    as_of: Instant
    registration: Fact | None
    shareholders: tuple[Shareholder, ...]
    changes: tuple[Change, ...]
    verification: Verification | None
    public_records: tuple[Fact, ...] = ()
    origins: Mapping[Kind, Origin] = field(default_factory=dict)
    self_description: SelfDescription | None = None
    disputed: tuple[Disputed, ...] = ()
    withdrawn: tuple[Fact, ...] = ()
