"""Invents the batches that a workload sends. Everything follows from the seed.

A batch is what one writer sends at once; batches of a writer are numbered from 1.
Whoever knows (seed, writer, number) knows every record of it, so that a history
need not hold records, and a batch that is sent again is the same. The rules:

1. every batch begins with a sale, and no batch but its own changes that sale's
   first revision;
2. some batches revise or take back the first sale of an earlier batch: by then it
   may be folded, waiting, or never have been sent;
3. some refunds name the first sale of a batch that is still to come; only sales of
   odd batches are taken back, only those of even ones refunded;
4. every enterprise has a store of its own; that it is the enterprise's is told in a few
   of the batches, after the first, so that what came before begins to count then;
5. no two records share key and revision, so that none is in conflict.

Nobody in it is real: codes lie in the reserved region.

    batch(seed=7, writer=0, number=3)     # the same records every time
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from bonafides.identity.codes import GENERATED_REGION, UnifiedCode, compose
from bonafides.instants import (
    DAY,
    HOUR,
    Instant,
    day_of,
    start_of,
    to_date_message,
    to_timestamp,
)
from bonafides.personal.sealing import Vault
from bonafides.records.kinds import Kind, Outcome, Record
from bonafides.records.money import Money, RateTable
from bonafides.v1 import record_pb2

# 2026-11-01T04:00:00Z, noon in Shanghai.
NOW: Final = Instant(1_793_505_600_000_000)
# All amounts are in CNY, which is always at par.
RATES: Final = RateTable(())
PLATFORM: Final = "1688"

_ENTERPRISES: Final = 4
_BUYERS: Final = 6
_MOST_RECORDS: Final = 12
# How far a batch reaches back to revise, and ahead to refund.
_BACK: Final = 5
_AHEAD: Final = 2
# Sales come before refunds, and each refund is a small part of its sale.
_SALE_DAYS: Final = (31, 70)
_LATER_DAYS: Final = (1, 30)
# Before any sale; every enterprise once in so many turns.
_LINKED_DAYS: Final = 100
_LINKED_IN: Final = 5
_SALE_FEN: Final = (100_000, 900_000)
_REFUND_FEN: Final = (1, 1_000)


def vault() -> Vault:
    """Returns a vault under a key of no worth."""
    return Vault(bytes(range(32)), "sandbox")


@lru_cache(maxsize=20_000)
def batch(seed: int, writer: int, number: int) -> tuple[Record, ...]:
    """Returns the records of one batch, at least one."""
    drawn = random.Random(f"{seed}|{writer}|{number}")  # noqa: S311 - the same again is what is wanted
    made = [_first_sale(seed, writer, number)]
    for index in range(1, drawn.randint(1, _MOST_RECORDS)):
        kind = drawn.choices(_KINDS, _WEIGHTS)[0]
        made.append(kind(drawn, writer, number, index))
    if number > 1 and drawn.random() < 1 / 3:
        earlier = drawn.randint(max(1, number - _BACK), number - 1)
        made.append(
            replace(
                _first_sale(seed, writer, earlier),
                revision=1 + number - earlier,
                void=bool(earlier % 2) and drawn.random() < 1 / 2,
                amount=Money("CNY", drawn.randint(*_SALE_FEN)),
            )
        )
    if number > 1 and (number - 2) // _ENTERPRISES % _LINKED_IN == 0:
        made.append(_link(writer, number))
    return tuple(made)


def message(told: Record) -> record_pb2.Record:
    """Returns a record of a batch as its platform sends it."""
    made = record_pb2.Record(
        code=told.code.text,
        platform=told.platform,
        kind=record_pb2.RecordKind.Value(f"RECORD_KIND_{told.kind.name}"),
        record_id=told.record_id,
        store_id=told.store_id,
        occur_time=to_timestamp(told.occurred_at),
        revision=told.revision,
        void=told.void,
        buyer=told.buyer or "",
        original_id=told.original_id or "",
    )
    if told.amount is not None:
        made.amount.currency_code = told.amount.currency
        made.amount.amount_minor = told.amount.minor
    if told.outcome is not None:
        made.outcome = record_pb2.RecordOutcome.Value(f"RECORD_OUTCOME_{told.outcome.name}")
    if told.from_day is not None:
        made.from_date.CopyFrom(to_date_message(told.from_day))
    return made


def _first_sale(seed: int, writer: int, number: int) -> Record:
    drawn = random.Random(f"{seed}|{writer}|{number}|first")  # noqa: S311 - as above
    return _sale(drawn, writer, number, 0)


def _sale(drawn: random.Random, writer: int, number: int, index: int) -> Record:
    return Record(
        kind=Kind.TRANSACTION,
        record_id=_id(writer, number, index),
        occurred_at=_day(drawn, _SALE_DAYS),
        buyer=drawn.choice([None, *(f"b{buyer}" for buyer in range(_BUYERS))]),
        amount=Money("CNY", drawn.randint(*_SALE_FEN)),
        **_common(number),
    )


def _link(writer: int, number: int) -> Record:
    begins = day_of(Instant(NOW - _LINKED_DAYS * DAY))
    return Record(
        kind=Kind.STORE,
        record_id=f"link-{writer}-{number}",
        occurred_at=start_of(begins),
        from_day=begins,
        **_common(number),
    )


def _refund(drawn: random.Random, writer: int, number: int, index: int) -> Record:
    of = drawn.randint(max(1, number - _BACK), number + _AHEAD)
    # Of a sale that is never taken back: else it depends on who comes first.
    of += of % 2
    return Record(
        kind=Kind.REFUND,
        record_id=_id(writer, number, index),
        occurred_at=_day(drawn, _LATER_DAYS),
        amount=Money("CNY", drawn.randint(*_REFUND_FEN)),
        original_id=_id(writer, of, 0),
        **_common(of),
    )


def _complaint(drawn: random.Random, writer: int, number: int, index: int) -> Record:
    return Record(
        kind=Kind.COMPLAINT,
        record_id=_id(writer, number, index),
        occurred_at=_day(drawn, _LATER_DAYS),
        outcome=drawn.choice([Outcome.UPHELD, Outcome.SETTLED, Outcome.UNDECIDED]),
        **_common(number),
    )


def _dispute(drawn: random.Random, writer: int, number: int, index: int) -> Record:
    return Record(
        kind=Kind.DISPUTE,
        record_id=_id(writer, number, index),
        occurred_at=_day(drawn, _LATER_DAYS),
        outcome=drawn.choice([Outcome.LOST, Outcome.REJECTED, Outcome.UNDECIDED]),
        **_common(number),
    )


_KINDS: Final[tuple[Callable[[random.Random, int, int, int], Record], ...]] = (
    _sale,
    _refund,
    _complaint,
    _dispute,
)
_WEIGHTS: Final = (6, 2, 1, 1)


def _common(number: int) -> dict[str, Any]:
    place = number % _ENTERPRISES
    return {"code": _code(place), "platform": PLATFORM, "store_id": f"s{place}"}


@lru_cache(maxsize=_ENTERPRISES)
def _code(number: int) -> UnifiedCode:
    return compose("91", GENERATED_REGION, f"{number:08d}")


def _id(writer: int, number: int, index: int) -> str:
    return f"{writer}-{number}-{index}"


def _day(drawn: random.Random, ago: tuple[int, int]) -> Instant:
    return Instant(NOW - drawn.randint(*ago) * DAY + drawn.randint(0, 3) * HOUR)
