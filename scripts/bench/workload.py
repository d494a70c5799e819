"""Records to take in: transactions of made-up enterprises, the same ones in every run.

Sizes follow the square, so that a few enterprises have most of the records; a buyer
comes back now and then; days spread over the last quarter.

    made = records(1_000, enterprises=100)
    rows(100_000)              # the same kind of thing, as the log stores it
    twelve(made[0])            # as a table of a platform's own would hold it
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

from bonafides.identity.codes import GENERATED_REGION, UnifiedCode, compose
from bonafides.instants import DAY, Day, Instant, day_of, start_of
from bonafides.personal.sealing import Vault
from bonafides.records.ingest import Intake, Row
from bonafides.records.kinds import Kind, Record
from bonafides.records.money import Money, RateTable

# 2025-06-01T04:00:00Z; fixed, so that every run folds the same months.
NOW: Final = Instant(1_748_750_400_000_000)
PLATFORM: Final = "1688"
RECORDS_PER_ENTERPRISE: Final = 100

_TODAY: Final = day_of(NOW)
_DAYS: Final = 90
_BUYERS: Final = 300
_MOST_AMOUNT: Final = 5_000_000
_COLUMNS: Final = (
    "code, platform, kind, record_id, revision, store_id, occurred_at, buyer, "
    "amount_minor, currency, promised_day, delivered_day"
)
TWELVE_COLUMNS: Final = _COLUMNS
# Dialects name byte strings and large integers differently; these two both know.
TWELVE_TABLE: Final = (
    "CREATE TABLE plain (code VARCHAR(18), platform VARCHAR(40), kind VARCHAR(20), "
    "record_id VARCHAR(80), revision BIGINT, store_id VARCHAR(80), occurred_at BIGINT, "
    "buyer VARCHAR(80), amount_minor BIGINT, currency VARCHAR(3), promised_day BIGINT, "
    "delivered_day BIGINT, PRIMARY KEY (code, platform, kind, record_id, revision))"
)


def vault() -> Vault:
    """Returns a vault under a key of no worth."""
    return Vault(bytes(range(32)), "sandbox")


def rates() -> RateTable:
    """Returns a table without quotes: all amounts are in CNY."""
    return RateTable([])


def records(count: int, *, enterprises: int, first: int = 0) -> list[Record]:
    """Returns so many transactions; `first` numbers the first, so that calls can go on."""
    chance = random.Random(first)  # noqa: S311 - filling, no secret
    codes = _codes(enterprises)
    return [_record(number, codes, chance) for number in range(first, first + count)]


def rows(count: int, *, at_once: int = 50_000) -> Iterator[Sequence[Row]]:
    """Yields so many rows of the log, in lists, made faster than by taking records in."""
    codes = _codes(max(10, count // RECORDS_PER_ENTERPRISE))
    chance = random.Random(count)  # noqa: S311 - filling, no secret
    made = Intake(vault(), rates(), NOW).row(_record(0, codes, chance))
    if not isinstance(made, Row):
        raise TypeError(made.reason)
    for start in range(0, count, at_once):
        yield [
            _varied(made, number, codes, chance)
            for number in range(start, min(start + at_once, count))
        ]


def links(count: int) -> Sequence[Row]:
    """Returns the links of the stores that `rows` of so many come from, as the log has them."""
    intake = Intake(vault(), rates(), NOW)
    begins = Day(_TODAY - 10 * _DAYS)
    made = [
        intake.row(
            Record(
                code=code,
                platform=PLATFORM,
                kind=Kind.STORE,
                record_id=f"s{place}",
                store_id=f"s{place}",
                occurred_at=start_of(begins),
                from_day=begins,
            )
        )
        for place, code in enumerate(_codes(max(10, count // RECORDS_PER_ENTERPRISE)))
    ]
    return [row for row in made if isinstance(row, Row)]


def twelve(record: Record) -> tuple[Any, ...]:
    """Returns what the platform said of a transaction, as a row of twelve columns."""
    amount = record.amount or Money("CNY", 0)
    return (
        record.code.text,
        record.platform,
        record.kind.value,
        record.record_id,
        record.revision,
        record.store_id,
        record.occurred_at,
        record.buyer,
        amount.minor,
        amount.currency,
        record.promised_day,
        record.delivered_day,
    )


def _record(number: int, codes: Sequence[UnifiedCode], chance: random.Random) -> Record:
    place, day = _whose(codes, chance), _day(chance)
    return Record(
        code=codes[place],
        platform=PLATFORM,
        kind=Kind.TRANSACTION,
        # Not in order, as ids of platforms are.
        record_id=f"T{number * 7_919 % 1_000_000_007:012d}",
        store_id=f"s{place}",
        occurred_at=Instant(start_of(day) + DAY // 2),
        buyer=_buyer(place, chance),
        amount=Money("CNY", chance.randrange(100, _MOST_AMOUNT)),
        promised_day=Day(day + 5),
        delivered_day=Day(day + chance.randrange(2, 7)),
    )


def _varied(row: Row, number: int, codes: Sequence[UnifiedCode], chance: random.Random) -> Row:
    place, day = _whose(codes, chance), _day(chance)
    amount = chance.randrange(100, _MOST_AMOUNT)
    return row._replace(
        code=codes[place].text,
        record_id=f"T{number * 7_919 % 1_000_000_007:012d}",
        store_id=f"s{place}",
        occurred_at=start_of(day) + DAY // 2,
        day=day,
        buyer=_buyer(place, chance).encode().ljust(16)[:16],
        amount_minor=amount,
        amount_cny_minor=amount,
        promised_day=day + 5,
        delivered_day=day + chance.randrange(2, 7),
    )


def _codes(enterprises: int) -> list[UnifiedCode]:
    return [
        compose("91", GENERATED_REGION, f"{number:08d}") for number in range(1, enterprises + 1)
    ]


def _whose(codes: Sequence[UnifiedCode], chance: random.Random) -> int:
    return int(len(codes) * chance.random() ** 2)


def _day(chance: random.Random) -> Day:
    return Day(_TODAY - 10 - chance.randrange(_DAYS))


def _buyer(place: int, chance: random.Random) -> str:
    return f"b{place}-{int(_BUYERS * chance.random() ** 2)}"
