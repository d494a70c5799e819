"""Decides which records are taken in, and as which row of the log.

The rules, in the order in which they are tried; the first that fails refuses the
record and nothing else of its batch:

1. the code is one of an enterprise that can take part (what is not may be a person's
   identity number, and would be stored in clear); ids are 1 to 80 printable
   characters, platforms lower-case words of up to 40;
2. a revision is a positive int64;
3. a record has what its kind needs and nothing that its kind does not know; a
   revision that voids needs nothing;
4. amounts are positive, and convertible to CNY with a known rate of the day; a refund
   that names its transaction may yet get the rate of that one;
5. what has happened lies between 1992 and one day after now, what is promised or
   expires at most a century away; nothing ends before it began;
6. an outcome is one that the kind can have.

What a record may be beside those that were stored before, its contract among them,
is decided by `bonafides.records.refunds` and `bonafides.records.contracts`.

The buyer is keyed under the vault, so that the log holds no platform's pseudonym.
The digest covers what the platform said, after keying: with it a replay is told
from a conflict. What the service adds (CNY amount, rate) is not in it, so that a
later table of rates makes no conflict of a replay.

Whether a revision was stored before is for `bonafides.storage.records` to say.

    intake = Intake(vault, rates, now)
    intake.row(record)          # a Row, or a Fault such as RATE_UNKNOWN
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias

from bonafides.identity.codes import UnifiedCode, out_of_scope
from bonafides.instants import DAY, Day, Instant, day_of, start_of
from bonafides.personal.sealing import Vault
from bonafides.records.kinds import (
    DETAILS,
    MAX_DETAIL_LENGTH,
    MAX_ID_LENGTH,
    MAX_PLATFORM_LENGTH,
    Kind,
    Outcome,
    Record,
)
from bonafides.records.links import detail_fault
from bonafides.records.money import MAX_AMOUNT_MINOR, Money, Rate, RateTable, in_cny

MAX_REVISION: Final = 2**63 - 1
# Shanghai kept summer time until 1991; no marketplace of ours is older.
EARLIEST_DAY: Final = Day(8_035)
# Clocks of platforms run ahead by minutes, and time zones by hours.
MAX_AHEAD_DAYS: Final = 1
# A certificate "without end" is often dated to 2099 or 2999; give no day instead.
MAX_HORIZON_DAYS: Final = 36_525
BUYER_BYTES: Final = 16

_PLATFORM: Final = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{MAX_PLATFORM_LENGTH - 1}}}")
# Printable texts can't hold it, so that joined fields never run into one another.
_SEPARATOR: Final = "\x1f"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a record is refused. The description names the remedy, never a value."""

    reason: str
    description: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that was refused: its position in the batch, from 0, and why."""

    index: int
    reason: str
    description: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of a batch; the three add up to its size."""

    accepted: int
    replayed: int
    rejected: tuple[Rejection, ...]


class Row(NamedTuple):
    """A record as it is stored; the names are the columns of the table `record`."""

    code: str
    platform: str
    kind: str
    record_id: str
    revision: int
    void: bool
    digest: bytes
    store_id: str
    occurred_at: int
    day: int
    buyer: bytes | None
    amount_minor: int | None
    currency: str | None
    amount_cny_minor: int | None
    rate_e12: int | None
    rate_source: str | None
    rate_day: int | None
    original_id: str | None
    promised_day: int | None
    delivered_day: int | None
    first_response_at: int | None
    outcome: str | None
    decided_at: int | None
    from_day: int | None
    to_day: int | None
    detail: str | None
    refund_state: str | None
    requested_at: int | None
    settlement_currency: str | None = None
    settlement_minor: int | None = None
    settlement_rate_e12: int | None = None
    settlement_rate_source: str | None = None
    settlement_rate_day: int | None = None


@dataclass(frozen=True, slots=True)
class _Shape:
    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    outcomes: frozenset[Outcome] = frozenset()

    @property
    def forbidden(self) -> frozenset[str]:
        return _CONTENT - self.required - self.optional


class _Absent:
    """Fields that a kind does not know. There are several for every kind."""

    __slots__ = ("names", "none", "values")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names: Final = names
        self.values: Final = attrgetter(*names)
        self.none: Final = (None,) * len(names)


_CONTENT: Final = frozenset(
    {
        "buyer",
        "amount",
        "original_id",
        "promised_day",
        "delivered_day",
        "first_response_at",
        "outcome",
        "decided_at",
        "from_day",
        "to_day",
        "refund_state",
        "requested_at",
    }
)
_CASE: Final = frozenset({"buyer", "original_id", "first_response_at", "decided_at"})
_OPEN_ENDED: Final = frozenset({Outcome.REJECTED, Outcome.SETTLED, Outcome.UNDECIDED})

_SHAPES: Final = {
    Kind.STORE: _Shape(
        required=frozenset({"from_day"}),
        optional=frozenset({"to_day"}),
    ),
    Kind.TRANSACTION: _Shape(
        required=frozenset({"amount"}),
        optional=frozenset({"buyer", "promised_day", "delivered_day"}),
    ),
    Kind.REFUND: _Shape(
        required=frozenset({"amount"}),
        optional=frozenset({"original_id", "refund_state", "requested_at"}),
    ),
    Kind.COMPLAINT: _Shape(
        required=frozenset({"outcome"}),
        optional=_CASE,
        outcomes=_OPEN_ENDED | {Outcome.UPHELD},
    ),
    Kind.DISPUTE: _Shape(
        required=frozenset({"outcome"}),
        optional=_CASE,
        outcomes=_OPEN_ENDED | {Outcome.LOST},
    ),
    Kind.CERTIFICATION: _Shape(
        required=frozenset({"from_day"}),
        optional=frozenset({"to_day"}),
    ),
    Kind.MEMBERSHIP: _Shape(
        required=frozenset({"from_day"}),
        optional=frozenset({"to_day"}),
    ),
}
# Sorted, so that the same fault is named whatever the hash seed.
_REQUIRED: Final = {kind: tuple(sorted(shape.required)) for kind, shape in _SHAPES.items()}
_FORBIDDEN: Final = {kind: _Absent(tuple(sorted(s.forbidden))) for kind, s in _SHAPES.items()}
_IDS: Final = ("record_id", "store_id", "original_id", "buyer")
_IDS_OF: Final = attrgetter(*_IDS)
# Days that tell what has happened; the others may lie ahead.
_PAST_START: Final = frozenset({Kind.STORE, Kind.CERTIFICATION})

RATE_UNKNOWN: Final = Fault(
    "RATE_UNKNOWN", "No exchange rate is known for the currency and day; load rates first."
)
REVISION_CONFLICT: Final = Fault(
    "REVISION_CONFLICT",
    "This revision was reported before with other content; send a higher revision.",
)


class Intake:
    """Turns the records of one call into rows, under one vault, rate table and now."""

    def __init__(self, vault: Vault, rates: RateTable, now: Instant) -> None:
        self._vault: Final = vault
        self._rates: Final = rates
        self._latest: Final = Instant(now + MAX_AHEAD_DAYS * DAY)
        self._latest_day: Final = day_of(self._latest)

    def row(self, record: Record) -> Row | Fault:
        """Returns the record as it is to be stored, or why it is refused."""
        fault = (
            _scope_fault(record.code.text)
            or _text_fault(record)
            or _shape_fault(record)
            or _amount_fault(record)
            or self._time_fault(record)
        )
        if fault:
            return fault
        day = day_of(record.occurred_at)
        rate: Rate | None = None
        if record.amount is not None and not record.void:
            rate = self._rates.rate(record.amount.currency, day)
            # A refund is converted at its transaction's rate, if that one is stored.
            if rate is None and record.original_id is None:
                return RATE_UNKNOWN
        return self._stored(record, day, rate)

    def _time_fault(self, record: Record) -> Fault | None:
        if not _EARLIEST <= record.occurred_at <= self._latest:
            return _implausible("occurred_at")
        if _TIMES(record) == _NO_TIMES:
            return None
        started = record.from_day if record.kind in _PAST_START else None
        for name, instant in (
            ("first_response_at", record.first_response_at),
            ("decided_at", record.decided_at),
            ("requested_at", record.requested_at),
        ):
            if instant is not None and not _EARLIEST <= instant <= self._latest:
                return _implausible(name)
        for name, day, last in (
            ("delivered_day", record.delivered_day, self._latest_day),
            ("promised_day", record.promised_day, self._latest_day + MAX_HORIZON_DAYS),
            ("from_day", started, self._latest_day),
            ("from_day", record.from_day, self._latest_day + MAX_HORIZON_DAYS),
            ("to_day", record.to_day, self._latest_day + MAX_HORIZON_DAYS),
        ):
            if day is not None and not EARLIEST_DAY <= day <= last:
                return _implausible(name)
        return _order_fault(record)

    def _stored(self, record: Record, day: Day, rate: Rate | None) -> Row:
        buyer = None
        if record.buyer is not None:
            buyer = self._vault.index(f"buyer|{record.platform}", record.buyer)[:BUYER_BYTES]
        amount = record.amount
        detail = _canonical(record.detail) if record.detail else None
        outcome, refund_state = record.outcome, record.refund_state
        # By position, and past the constructor: names cost a microsecond, for each record.
        return Row._make(
            (
                record.code.text,
                record.platform,
                record.kind.value,
                record.record_id,
                record.revision,
                record.void,
                _digest(record, buyer, detail),
                record.store_id,
                record.occurred_at,
                day,
                buyer,
                *(_NO_AMOUNT if amount is None else _valued(amount, rate)),
                record.original_id,
                record.promised_day,
                record.delivered_day,
                record.first_response_at,
                None if outcome is None else outcome.value,
                record.decided_at,
                record.from_day,
                record.to_day,
                detail,
                None if refund_state is None else refund_state.value,
                record.requested_at,
                *_NOT_SETTLED,
            )
        )


# As rows hold them: amount, currency, then the CNY amount and its rate, source and day.
_Valued: TypeAlias = "tuple[int | None, str | None, int | None, int | None, str | None, int | None]"
_NO_AMOUNT: Final[_Valued] = (None, None, None, None, None, None)
_NOT_SETTLED: Final = (None,) * 5


def _valued(amount: Money, rate: Rate | None) -> _Valued:
    if rate is None:
        return amount.minor, amount.currency, None, None, None, None
    cny = in_cny(amount, rate).minor
    return amount.minor, amount.currency, cny, rate.rate_e12, rate.source, rate.day


_EARLIEST: Final = start_of(EARLIEST_DAY)
# Every other time of a record. Most transactions have none, or two days.
_TIMES: Final = attrgetter(
    "first_response_at",
    "decided_at",
    "requested_at",
    "promised_day",
    "delivered_day",
    "from_day",
    "to_day",
)
_NO_TIMES: Final = (None,) * 7


@lru_cache(maxsize=1_024)
def _is_platform(text: str) -> bool:
    return _PLATFORM.fullmatch(text) is not None


# A batch names few enterprises many times.
@lru_cache(maxsize=4_096)
def _scope_fault(code: str) -> Fault | None:
    told = out_of_scope(UnifiedCode(code))
    return None if told is None else Fault("OUT_OF_SCOPE", told)


def platform_fault(platform: str) -> Fault | None:
    """Returns why a text is no platform; None: it is one."""
    if _is_platform(platform):
        return None
    return Fault(
        "PLATFORM_FAULTY",
        "A platform is 1 to 40 lower-case letters, digits and hyphens, no hyphen first.",
    )


def _text_fault(record: Record) -> Fault | None:
    if fault := platform_fault(record.platform):
        return fault
    for name, text in zip(_IDS, _IDS_OF(record), strict=True):
        # Not printable are control characters, lone surrogates, what is not
        # assigned, and what turns or hides text.
        if text is not None and not (0 < len(text) <= MAX_ID_LENGTH and text.isprintable()):
            return Fault(
                "ID_FAULTY", f"{name} must have 1 to {MAX_ID_LENGTH} printable characters."
            )
    if not 1 <= record.revision <= MAX_REVISION:
        return Fault("REVISION_FAULTY", "A revision is a positive number of at most 63 bits.")
    return None


def _shape_fault(record: Record) -> Fault | None:
    kind = record.kind
    forbidden = _FORBIDDEN[kind]
    # All at once first: this is asked of every record, and hardly ever so.
    if forbidden.values(record) != forbidden.none:
        name = next(name for name in forbidden.names if getattr(record, name) is not None)
        return Fault("FIELD_NOT_ALLOWED", f"A record of kind {kind} has no {name}; leave it out.")
    if record.detail and (fault := _detail_fault(record)):
        return fault
    if record.outcome is not None and record.outcome not in _SHAPES[kind].outcomes:
        return Fault("OUTCOME_NOT_ALLOWED", f"A record of kind {kind} can't end in this outcome.")
    if record.void:
        return None
    for name in _REQUIRED[kind]:
        if getattr(record, name) is None:
            return Fault("FIELD_MISSING", f"A record of kind {kind} needs {name}.")
    return None


def _detail_fault(record: Record) -> Fault | None:
    known = DETAILS.get(record.kind, frozenset())
    if not known.issuperset(record.detail):
        return Fault(
            "FIELD_NOT_ALLOWED",
            f"A record of kind {record.kind} has no such detail; it has: {sorted(known)}.",
        )
    for name in sorted(record.detail):
        text = record.detail[name]
        if not (0 < len(text) <= MAX_DETAIL_LENGTH and text.isprintable()):
            return Fault(
                "DETAIL_FAULTY",
                f"{name} must have 1 to {MAX_DETAIL_LENGTH} printable characters.",
            )
    if record.kind is Kind.STORE and (told := detail_fault(record.detail)):
        return Fault("DETAIL_FAULTY", told)
    return None


def _amount_fault(record: Record) -> Fault | None:
    if record.amount is None:
        return None
    if record.amount.minor <= 0:
        return Fault("AMOUNT_NOT_POSITIVE", "An amount must be above zero.")
    if record.amount.minor > MAX_AMOUNT_MINOR:
        return Fault("AMOUNT_FAULTY", "The amount is beyond the range of amounts.")
    return None


def _order_fault(record: Record) -> Fault | None:
    if (
        record.from_day is not None
        and record.to_day is not None
        and record.to_day < record.from_day
    ):
        return Fault("ORDER_REVERSED", "to_day lies before from_day.")
    for name, instant in (
        ("first_response_at", record.first_response_at),
        ("decided_at", record.decided_at),
    ):
        if instant is not None and instant < record.occurred_at:
            return Fault("ORDER_REVERSED", f"{name} lies before occurred_at.")
    return None


def _implausible(name: str) -> Fault:
    return Fault(
        "TIME_IMPLAUSIBLE",
        f"{name} lies too far in the past, or later than it can be known.",
    )


def _canonical(detail: Mapping[str, str]) -> str:
    return json.dumps(dict(detail), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _digest(record: Record, buyer: bytes | None, detail: str | None) -> bytes:
    amount = record.amount
    told = [
        record.void,
        record.store_id,
        record.occurred_at,
        buyer.hex() if buyer else None,
        amount.currency if amount else None,
        amount.minor if amount else None,
        record.original_id,
        record.promised_day,
        record.delivered_day,
    ]
    others = _OTHERS(record)
    plain = others == _NO_OTHERS and detail is None
    if not plain:
        told += [*others[:5], detail, *others[5:]]
    joined = _SEPARATOR.join(["" if part is None else str(part) for part in told])
    return hashlib.sha256((joined + _NOTHING_ELSE if plain else joined).encode()).digest()


# What hardly any transaction has.
_OTHERS: Final = attrgetter(
    "first_response_at",
    "outcome",
    "decided_at",
    "from_day",
    "to_day",
    "refund_state",
    "requested_at",
)
_NO_OTHERS: Final = (None,) * 7
_NOTHING_ELSE: Final = _SEPARATOR * (len(_NO_OTHERS) + 1)
