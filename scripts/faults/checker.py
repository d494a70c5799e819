"""Decides whether a database holds what was acknowledged, once, and counted once.

`check` looks four times, and after each look at everything:

1. at what is stored: every record of an acknowledged batch is, as it was sent; a
   batch in doubt is stored whole or not at all; nothing else is stored; no record
   and no place in the log is there twice;
2. at the roll-ups as they were found: they equal a recount of the records up to the
   watermark, so that the watermark passed no record that was not folded, and no
   record beyond it was;
3. the same after what is left was folded;
4. the same, and the same rows, after all acknowledged batches were sent once more.

The recount is plain Python over the rows of the log, and shares nothing with the
fold. `examine` is the look itself: no I/O, so that a test can plant a fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from bonafides.instants import Day, month_of
from bonafides.records import operations
from bonafides.records.ingest import Intake, Row
from bonafides.records.kinds import Kind, Outcome
from bonafides.storage import records as record_rows
from bonafides.storage.tables import record, rollup_buyer, rollup_day, unmatched_refund
from bonafides.storage.unit_of_work import Store
from scripts.faults import sales
from scripts.faults.history import Batch, History
from scripts.faults.workload import Ack

_KEY: Final = 5
# What a day counts; a record that is folded twice is counted too often here.
_COUNTS: Final = ("transactions", "refunds", "complaints", "disputes")
_MEASURES: Final = (
    *_COUNTS,
    "amount_cny_minor",
    "refund_cny_minor",
    "complaints_upheld",
    "disputes_lost",
)
_SHOWN: Final = 20

Key = tuple[Any, ...]
Rollups = dict[str, dict[Key, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class Stored:
    """What a database holds, as one snapshot: the log, its places, and the roll-ups."""

    rows: tuple[Row, ...]
    places: tuple[int, ...]
    rollups: Rollups
    last: int
    watermark: int


@dataclass(slots=True)
class Findings:
    """What is wrong, in records: 0 everywhere and no other is how it must be."""

    lost: int = 0
    doubled: int = 0
    # One line each of what is neither lost nor doubled, but wrong.
    others: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not (self.lost or self.doubled or self.others)

    def see(self, more: Findings) -> None:
        """Takes in what another look at the same database found."""
        self.lost = max(self.lost, more.lost)
        self.doubled = max(self.doubled, more.doubled)
        self.others += [each for each in more.others if each not in self.others]

    def add(self, more: Findings) -> None:
        """Adds what was found in another database."""
        self.lost += more.lost
        self.doubled += more.doubled
        self.others += more.others

    def __str__(self) -> str:
        lines = [f"lost {self.lost}, doubled {self.doubled}", *self.others[:_SHOWN]]
        if len(self.others) > _SHOWN:
            lines.append(f"and {len(self.others) - _SHOWN} more")
        return "\n  ".join(lines)


def check(store: Store, history: History, take: Callable[[int, int], Ack]) -> Findings:
    """Looks at everything there is; folds what is left and sends everything once more."""
    found = Findings(others=[*history.faults, *_corruption(store)])
    sent = expected(history)
    found.see(examine(history, sent, read(store)))
    try:
        _fold_and_repeat(store, history, take, sent, found)
    except Exception as fault:  # noqa: BLE001 - a database that can't be worked with is a finding
        found.others.append(f"can't go on: {str(fault).partition(chr(10))[0]}")
    # Those were stored again by now, and look well.
    found.lost += sum(len(sales.batch(history.seed, *batch)) for batch in history.lost)
    return found


def _fold_and_repeat(
    store: Store,
    history: History,
    take: Callable[[int, int], Ack],
    sent: dict[Key, tuple[Batch, Row]],
    found: Findings,
) -> None:
    _fold(store)
    folded = read(store)
    found.see(examine(history, sent, folded))
    if folded.watermark != folded.last:
        found.others.append(f"folded up to {folded.watermark} of {folded.last}")
    again = [take(*batch) for batch in sorted(history.acked)]
    found.see(Findings(lost=sum(ack.accepted for ack in again)))
    found.others += [f"sent again, refused: {ack}" for ack in again if ack.rejected]
    _fold(store)
    if read(store) != folded:
        found.others.append("sending everything once more changed what is stored")


def _fold(store: Store) -> None:
    while operations.fold(store, now=sales.NOW).folded:
        pass


def read(store: Store) -> Stored:
    """Reads what a database holds, all of it in one snapshot."""
    columns = [record.c[name] for name in Row._fields]
    with store.reading() as work:
        log = work.execute(sa.select(*columns, record.c.sequence).order_by(*columns[:_KEY])).all()
        rollups: Rollups = {}
        for table, keys, values in (
            (rollup_day, ("code", "platform", "day"), _MEASURES),
            (
                rollup_buyer,
                ("code", "platform", "buyer", "month"),
                ("transactions", "first_day", "last_day"),
            ),
            (unmatched_refund, ("code", "platform", "record_id", "original_id", "day"), ()),
        ):
            told = work.execute(sa.select(*(table.c[name] for name in (*keys, *values))))
            rollups[table.name] = {tuple(r[: len(keys)]): tuple(r[len(keys) :]) for r in told}
        return Stored(
            tuple(Row._make(row[:-1]) for row in log),
            tuple(row[-1] for row in log),
            rollups,
            record_rows.remembered(work, "record") or 0,
            record_rows.remembered(work, "fold") or 0,
        )


def expected(history: History) -> dict[Key, tuple[Batch, Row]]:
    """Returns every row that was perhaps sent, with its batch, by key."""
    intake = Intake(history.vault, sales.RATES, sales.NOW)
    made: dict[Key, tuple[Batch, Row]] = {}
    for batch in history.acked | history.doubtful:
        for one in sales.batch(history.seed, *batch):
            row = intake.row(one)
            if not isinstance(row, Row):
                raise TypeError(f"the workload invents what is refused: {row.reason}")
            made[row[:_KEY]] = (batch, row)
    return made


def examine(history: History, sent: dict[Key, tuple[Batch, Row]], stored: Stored) -> Findings:
    """Returns what one look finds wrong; `sent` holds all that was perhaps sent, by key."""
    found = Findings()
    held: dict[Key, Row] = {row[:_KEY]: row for row in stored.rows}
    found.doubled += len(stored.rows) - len(held)
    found.doubled += len(stored.places) - len(set(stored.places))
    partly: Counter[Batch] = Counter()
    for key, (batch, row) in sent.items():
        if batch in history.acked:
            found.lost += held.get(key) != row
        elif key in held:
            partly[batch] += 1
            if held[key] != row:
                found.others.append(f"stored otherwise than it was sent: {key}")
    for batch, there in partly.items():
        size = len(sales.batch(history.seed, *batch))
        if there != size:
            found.others.append(f"batch {batch} in doubt is stored in part: {there} of {size}")
    found.others += [f"stored and never sent: {key}" for key in held.keys() - sent.keys()]
    if stored.watermark > stored.last or stored.last < max(stored.places, default=0):
        found.others.append(f"counters {stored.watermark}, {stored.last} are behind the log")
    found.add(_miscounted(stored))
    return found


def recount(rows: Iterable[Row]) -> Rollups:
    """Counts roll-ups from rows of the log, in any order."""
    latest: dict[Key, Row] = {}
    for row in sorted(rows, key=lambda one: one.revision):
        latest[row[: _KEY - 1]] = row
    days: dict[Key, Counter[str]] = {}
    bought: dict[Key, list[int]] = {}
    refunds: dict[Key, tuple[int, ...]] = {}
    links = {_store_of(row) for row in latest.values() if row.kind == Kind.STORE}
    for row in latest.values():
        if row.void or row.kind == Kind.STORE or _store_of(row) not in links:
            continue
        days.setdefault((row.code, row.platform, row.day), Counter()).update(_measures(row))
        if row.kind == Kind.TRANSACTION and row.buyer is not None:
            month = month_of(Day(row.day))
            bought.setdefault((row.code, row.platform, row.buyer, month), []).append(row.day)
        original = (row.code, row.platform, Kind.TRANSACTION.value, row.original_id)
        if row.kind == Kind.REFUND and row.original_id and original not in latest:
            refunds[row.code, row.platform, row.record_id, row.original_id, row.day] = ()
    return {
        rollup_day.name: {k: tuple(c[name] for name in _MEASURES) for k, c in days.items()},
        rollup_buyer.name: {k: (len(on), min(on), max(on)) for k, on in bought.items()},
        unmatched_refund.name: refunds,
    }


def _store_of(row: Row) -> tuple[str, str, str]:
    """Returns whose store a record comes from. Links of the workload cover every day."""
    return row.code, row.platform, row.store_id


def _measures(row: Row) -> dict[str, int]:
    fen = row.amount_cny_minor or 0
    match Kind(row.kind):
        case Kind.TRANSACTION:
            return {"transactions": 1, "amount_cny_minor": fen}
        case Kind.REFUND:
            return {"refunds": 1, "refund_cny_minor": fen}
        case Kind.COMPLAINT:
            return {"complaints": 1, "complaints_upheld": int(row.outcome == Outcome.UPHELD)}
        case Kind.DISPUTE:
            return {"disputes": 1, "disputes_lost": int(row.outcome == Outcome.LOST)}
        case _:
            return {}


def _miscounted(stored: Stored) -> Findings:
    """Compares the roll-ups with a recount of the records up to the watermark."""
    found = Findings()
    pairs = zip(stored.rows, stored.places, strict=True)
    right = recount(row for row, place in pairs if place <= stored.watermark)
    for name, cells in right.items():
        there = stored.rollups[name]
        for key in cells.keys() | there.keys():
            if there.get(key) != cells.get(key):
                found.others.append(f"{name} {key}: {there.get(key)}, recounted {cells.get(key)}")
    nothing: Sequence[int] = (0,) * len(_MEASURES)
    counted, days = stored.rollups[rollup_day.name], right[rollup_day.name]
    for key, measures in counted.items():
        recounted = days.get(key, nothing)
        for place in range(len(_COUNTS)):
            found.doubled += max(0, measures[place] - recounted[place])
    return found


def _corruption(store: Store) -> list[str]:
    """Returns what SQLite finds wrong with its file; PostgreSQL has no such look."""
    with store.reading() as work:
        if work.dialect != "sqlite":
            return []
        told = [str(line) for (line,) in work.connection.exec_driver_sql("PRAGMA integrity_check")]
        return [] if told == ["ok"] else told
