"""Decides which refunds are taken in, and at which rate they count.

Bonafides moves no money: it records the refunds that platforms report and checks
them against their transactions. Sources: 003 G06, T02 to T06. The rules:

1. the refunds of a transaction never add up to more than its amount, and are in its
   currency; those that are submitted or waiting count, those that are voided don't;
2. a refund is converted at the rate that was recorded with its transaction. Each part
   is rounded half-even and is never more than what is left in CNY; the part that
   completes the refund takes what is left, so that all parts together are the
   transaction's CNY amount to the fen. The same holds for what is settled;
3. a refund can be requested up to the 90th day after the transaction's. That a refund
   was paid later is taken in and flagged: a real refund is never hidden;
4. states go forward as TRANSITIONS says, a state that is not told being DONE. What is
   under way can be neither ended nor changed, so it can't be voided; once done, a
   revision or a void corrects the report;
5. a refund whose transaction has not come is taken in at the rate of its own day and
   keeps it: stored figures stay as they are. Should they turn out to be too much, late,
   or in another currency, they are flagged (Flag) when the transaction comes;
6. a revision keeps the rate of the one before it, if its currency and day are the same,
   so that a later table of rates changes no old figure.

Rule 1 holds under concurrent writers because whoever asks holds the lock on the log's
last sequence number until the commit (`bonafides.storage.records.hold_log`).

    settle(rows, ledger, contracts, rates)      # of each row: the row, or a Fault
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from bonafides.instants import Day, Instant, day_of
from bonafides.records.contracts import (
    ContractTable,
    at_rates,
    rate_of,
    settlement_rate_of,
    under_contract,
)
from bonafides.records.ingest import RATE_UNKNOWN, Fault, Row
from bonafides.records.kinds import Kind, RefundState
from bonafides.records.money import Money, RateTable, as_text

# Source: 003 G06.
REQUEST_DAYS: Final = 90

TRANSITIONS: Final[Mapping[RefundState, frozenset[RefundState]]] = {
    RefundState.SUBMITTED: frozenset(RefundState),
    RefundState.WAITING: frozenset({RefundState.WAITING, RefundState.DONE}),
    RefundState.DONE: frozenset({RefundState.DONE}),
}


class Flag(enum.StrEnum):
    """What is remarkable about a refund beside its transaction."""

    # The log holds no such transaction.
    UNMATCHED = enum.auto()
    # It and those before it, by time and id, are more than the transaction, or the
    # transaction was voided.
    EXCESS = enum.auto()
    # It is in another currency than the transaction.
    CURRENCY = enum.auto()
    # It was requested, or occurred, after the 90th day.
    LATE = enum.auto()
    # It was converted at another rate than the transaction.
    OWN_RATE = enum.auto()


_CANCELED: Final = Fault(
    "REFUND_STATE", "A refund that is under way can be neither voided nor changed."
)
_BACKWARDS: Final = Fault("REFUND_STATE", "The refund can't go from its state to that one.")
_LATE: Final = Fault(
    "REFUND_REQUEST_LATE",
    f"A refund is requested from the day of its transaction up to {REQUEST_DAYS} days after.",
)
_VOIDED: Final = Fault(
    "REFUND_ABOVE_ORIGINAL", "The transaction was voided; nothing of it is left to refund."
)

# Asked for each row of each batch, where an enum's value costs as much as the question.
_TRANSACTION: Final = Kind.TRANSACTION.value
_REFUND: Final = Kind.REFUND.value
_MONEY: Final = frozenset({_TRANSACTION, _REFUND})


class Key(NamedTuple):
    """What the revisions of one record have in common."""

    code: str
    platform: str
    kind: str
    record_id: str


@dataclass(frozen=True, slots=True)
class _Taken:
    """What the refunds of a transaction add up to, at the transaction's rates."""

    minor: int = 0
    cny_minor: int = 0
    settlement_minor: int = 0


class Ledger:
    """Transactions and refunds with all their revisions, as far as a batch touches them."""

    def __init__(self, stored: Iterable[Row]) -> None:
        self._revisions: Final[dict[Key, dict[int, Row]]] = {}
        self._named: Final[dict[tuple[str, str, str], set[Key]]] = {}
        for row in stored:
            self.add(row)

    def add(self, row: Row) -> None:
        """Adds a revision."""
        key = _key(row)
        self._revisions.setdefault(key, {})[row.revision] = row
        if row.kind == _REFUND and row.original_id is not None:
            self._named.setdefault((row.code, row.platform, row.original_id), set()).add(key)

    def revisions(self, row: Row) -> Mapping[int, Row]:
        """Returns the known revisions of the row's record."""
        return self._revisions.get(_key(row), {})

    def original(self, refund: Row) -> Row | None:
        """Returns the highest revision of the refund's transaction; None: it has not come."""
        if refund.original_id is None:
            return None
        key = Key(refund.code, refund.platform, _TRANSACTION, refund.original_id)
        held = self._revisions.get(key)
        return held[max(held)] if held else None

    def others(self, refund: Row) -> list[Row]:
        """Returns the other refunds of the same transaction as they stand, without voided ones."""
        if refund.original_id is None:
            return []
        keys = self._named.get((refund.code, refund.platform, refund.original_id), set())
        latest = [
            held[max(held)] for key in keys - {_key(refund)} for held in [self._revisions[key]]
        ]
        return [one for one in latest if not one.void and one.original_id == refund.original_id]


def request_allowed(transaction_day: Day, request_day: Day) -> bool:
    """Returns whether a refund may be requested on a day, both days being Shanghai's.

    The 90th day after the transaction's is the last; no request comes before the
    transaction. Source: 003 G06.
    """
    return 0 <= request_day - transaction_day <= REQUEST_DAYS


def counts(row: Row) -> bool:
    """Returns whether a refund has reached the end: it is done, or its state is not told."""
    return not row.void and _state(row) is RefundState.DONE


def looks_back(row: Row) -> bool:
    """Returns whether what was stored before has a say in a row."""
    return row.kind == _REFUND or (row.kind == _TRANSACTION and row.revision > 1)


def settle(
    rows: Sequence[Row], ledger: Ledger, contracts: ContractTable, rates: RateTable
) -> list[Row | Fault]:
    """Returns of each row, in order, how it is to be stored, or why it is refused.

    A transaction counts for the refunds of its batch wherever it stands in it. What
    is taken in is added to the ledger.
    """
    settled: list[Row | Fault] = list(rows)
    places = [place for place, row in enumerate(rows) if row.kind in _MONEY]
    # The sort keeps the order in which the platform told the refunds.
    for place in sorted(places, key=lambda each: rows[each].kind == _REFUND):
        row = rows[place]
        if row.revision in ledger.revisions(row):
            # A replay or a conflict, which the log tells apart; it changes no sum.
            continue
        refund = row.kind == _REFUND
        made = (_refund if refund else _transaction)(row, ledger, contracts, rates)
        if isinstance(made, Row):
            ledger.add(made)
        settled[place] = made
    return settled


def _transaction(
    row: Row, ledger: Ledger, contracts: ContractTable, rates: RateTable
) -> Row | Fault:
    if row.void:
        return row
    made = under_contract(row, contracts, rates)
    return made if isinstance(made, Fault) else _at_known_rates(made, ledger)


def _refund(row: Row, ledger: Ledger, contracts: ContractTable, rates: RateTable) -> Row | Fault:
    if fault := _state_fault(row, ledger.revisions(row)):
        return fault
    if row.void or row.amount_minor is None or row.currency is None:
        return row
    original = ledger.original(row)
    if original is None:
        # One that names a transaction follows that, not the contract of its own day.
        made = under_contract(row, contracts, rates) if row.original_id is None else row
        if isinstance(made, Row):
            made = _at_known_rates(made, ledger)
        return RATE_UNKNOWN if isinstance(made, Row) and made.rate_e12 is None else made
    return _matched(row, original, ledger)


def _matched(row: Row, original: Row, ledger: Ledger) -> Row | Fault:
    rate = rate_of(original)
    if original.void or rate is None or original.amount_minor is None:
        return _VOIDED
    if row.currency != original.currency:
        return Fault(
            "REFUND_CURRENCY", f"Refund the transaction in its currency, {original.currency}."
        )
    asked = day_of(Instant(row.occurred_at if row.requested_at is None else row.requested_at))
    if row.refund_state == RefundState.SUBMITTED and not request_allowed(Day(original.day), asked):
        return _LATE
    made = at_rates(row, rate, original.settlement_currency, settlement_rate_of(original))
    if any(revision > row.revision for revision in ledger.revisions(row)):
        # Superseded before it came: it counts for nothing, so it can't be too much.
        return made
    taken = _taken(made, original, ledger)
    left = original.amount_minor - taken.minor
    if made.amount_minor is not None and made.amount_minor > left:
        told = as_text(Money(original.currency or "", max(0, left)))
        return Fault("REFUND_ABOVE_ORIGINAL", f"Of the transaction {told} is left to refund.")
    last = made.amount_minor == left
    return made._replace(
        amount_cny_minor=_part(
            made.amount_cny_minor, original.amount_cny_minor, taken.cny_minor, last=last
        ),
        settlement_minor=_part(
            made.settlement_minor, original.settlement_minor, taken.settlement_minor, last=last
        ),
    )


def _taken(refund: Row, original: Row, ledger: Ledger) -> _Taken:
    others = [one for one in ledger.others(refund) if one.currency == original.currency]
    rate = rate_of(original)
    if rate is not None:
        # What came before the transaction is at the rate of its own day.
        settled_in, its_rate = original.settlement_currency, settlement_rate_of(original)
        others = [
            one if _rates(one) == _rates(original) else at_rates(one, rate, settled_in, its_rate)
            for one in others
        ]
    return _Taken(
        minor=sum(one.amount_minor or 0 for one in others),
        cny_minor=sum(one.amount_cny_minor or 0 for one in others),
        settlement_minor=sum(one.settlement_minor or 0 for one in others),
    )


def _rates(row: Row) -> tuple[int | None, int | None]:
    return row.rate_e12, row.settlement_rate_e12


def _part(own: int | None, whole: int | None, taken: int, *, last: bool) -> int | None:
    if own is None or whole is None:
        return own
    left = max(0, whole - taken)
    return left if last else min(own, left)


def _at_known_rates(row: Row, ledger: Ledger) -> Row:
    """Returns the row at the rates of a revision of the same currency and day, if there is one."""
    held = ledger.revisions(row)
    for revision in sorted(held, reverse=True):
        known = held[revision]
        rate = rate_of(known)
        if rate is None or (known.currency, known.day) != (row.currency, row.day):
            continue
        same = known.settlement_currency == row.settlement_currency
        its_rate = settlement_rate_of(known if same else row)
        return at_rates(row, rate, row.settlement_currency, its_rate)
    return row


def _state_fault(row: Row, held: Mapping[int, Row]) -> Fault | None:
    """Returns why the row fits not between the revisions before and after it."""
    before = [revision for revision in held if revision < row.revision]
    after = [revision for revision in held if revision > row.revision]
    if before and (fault := _step_fault(held[max(before)], row)):
        return fault
    return _step_fault(row, held[min(after)]) if after else None


def _step_fault(earlier: Row, later: Row) -> Fault | None:
    if earlier.void:
        return None
    state = _state(earlier)
    under_way = state is not RefundState.DONE
    if under_way and (later.void or _content(earlier) != _content(later)):
        return _CANCELED
    if not later.void and _state(later) not in TRANSITIONS[state]:
        return _BACKWARDS
    return None


def _content(row: Row) -> tuple[str | None, str | None, int | None]:
    return row.original_id, row.currency, row.amount_minor


def _state(row: Row) -> RefundState:
    return RefundState.DONE if row.refund_state is None else RefundState(row.refund_state)


def _key(row: Row) -> Key:
    return Key(row.code, row.platform, row.kind, row.record_id)
