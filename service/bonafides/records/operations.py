"""The use cases of the records room: taking records in, and folding them.

*Log first, fold after*: `ingest` and `take_in` pay for the insert alone, so that a
platform's acknowledgment waits for no sum. Both prepare records the same way and
store them through the same function. `fold` may run at any time, in any process,
as often as one likes; two at once wait for each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from bonafides.archive import operations as archive_operations
from bonafides.errors import InvalidFieldsError
from bonafides.instants import MICROSECONDS, Instant
from bonafides.personal.sealing import Vault
from bonafides.rating.scorecard import Scorecard
from bonafides.records.batches import Batch, Cursor, Placing, Prepared, Source, Taken, place
from bonafides.records.contracts import ContractTable
from bonafides.records.fold import FoldReport
from bonafides.records.ingest import (
    REVISION_CONFLICT,
    Fault,
    IngestReport,
    Intake,
    Rejection,
    Row,
)
from bonafides.records.kinds import Record
from bonafides.records.money import RateTable
from bonafides.records.refunds import Ledger, looks_back, settle
from bonafides.storage import archive as archive_rows
from bonafides.storage import contracts as contract_rows
from bonafides.storage import identity as identity_rows
from bonafides.storage import records as record_rows
from bonafides.storage import refunds as refund_rows
from bonafides.storage import rollups as rollup_rows
from bonafides.storage.records import Written
from bonafides.storage.rollups import Recount
from bonafides.storage.unit_of_work import Store, UnitOfWork


class ForeignRecordsError(Exception):
    """The records that were recounted are not those of this store's log."""

    def __init__(self) -> None:
        super().__init__("the records are not an export of this database's log; export them again")


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Up to which sequence was recounted, and whose rows differed or were folded after."""

    upto: int
    codes: frozenset[str]


_RATES_LOOK: Final = MICROSECONDS
_NOTHING: Final = IngestReport(0, 0, ())
# Bounds the time for which a step keeps writers waiting, and its temporary table.
FOLD_LIMIT: Final = 50_000


def ingest(
    store: Store, vault: Vault, rates: RateTable, records: Sequence[Record], *, now: Instant
) -> IngestReport:
    """Takes the records in, in one durable commit, and reports those that it refuses.

    A record that is refused spoils no other. Of one revision the first content
    that arrives is kept: the same again is a replay and changes nothing, another
    is refused as REVISION_CONFLICT. What contracts and the log have to say of a
    record is looked up in the same unit of work.
    """
    content = prepare(vault, rates, records, now=now)
    if not content.rows:
        return _report(content, [])
    with store.writing() as work:
        (report,) = _stored(work, [content], now)
        work.commit()
    return report


def prepare(
    vault: Vault, rates: RateTable, records: Sequence[Record | Fault], *, now: Instant
) -> Prepared:
    """Returns the records as they are to be stored, and those that are refused, with why.

    A fault stands in the place of a record that could not even be read.
    """
    intake = Intake(vault, rates, now)
    rows: dict[int, Row] = {}
    rejected: list[Rejection] = []
    for index, record in enumerate(records):
        made = record if isinstance(record, Fault) else intake.row(record)
        if isinstance(made, Fault):
            rejected.append(Rejection(index, made.reason, made.description))
        else:
            rows[index] = made
    return Prepared(rows, rejected, rates)


def take_in(
    store: Store, batches: Sequence[Batch], *, now: Instant
) -> list[Taken | InvalidFieldsError]:
    """Takes numbered batches of any sources in, in one durable commit.

    Returns what became of each, in order; an error stands for a batch that leaves a
    gap. `bonafides.records.batches` says which are taken in and which are not.
    """
    with store.writing() as work:
        cursors = record_rows.cursors(work, {batch.source for batch in batches})
        before = dict(cursors)
        placed = [_placed(cursors, batch) for batch in batches]
        fresh = [
            batch.content
            for batch, placing in zip(batches, placed, strict=True)
            if placing in {Placing.NEXT, Placing.ANEW}
        ]
        reports = iter(_stored(work, fresh, now))
        moved = {source: each for source, each in cursors.items() if each != before[source]}
        record_rows.move_cursors(work, moved, now=now)
        work.commit()
    taken: list[Taken | InvalidFieldsError] = []
    for batch, placing in zip(batches, placed, strict=True):
        if isinstance(placing, InvalidFieldsError):
            taken.append(placing)
            continue
        repeated = placing is Placing.REPEATED
        report = _NOTHING if repeated else next(reports)
        taken.append(Taken(batch.sequence, cursors[batch.source].sequence, repeated, report))
    return taken


def write_cursor(store: Store, source: Source) -> tuple[int, Instant | None]:
    """Returns up to which batch a source is stored, and when the last was; 0, None: never."""
    with store.reading() as work:
        cursor, written_at = record_rows.cursor(work, source)
    return cursor.sequence, written_at


class CurrentRates:
    """The exchange rates as last loaded; threads may share it."""

    def __init__(self, store: Store) -> None:
        self._store: Final = store
        self._lock: Final = threading.Lock()
        self._looked_at = Instant(-_RATES_LOOK)
        self._revision = -1
        self._table = RateTable(())

    def table(self, now: Instant) -> RateTable:
        """Returns the rates, at most a second older than those in the store."""
        with self._lock:
            if abs(now - self._looked_at) >= _RATES_LOOK:
                with self._store.reading() as work:
                    revision = record_rows.rates_revision(work)
                    if revision != self._revision:
                        self._table = record_rows.rate_table(work)
                self._revision, self._looked_at = revision, now
            return self._table


def rehearse(
    store: Store,
    scratch: Store,
    vault: Vault,
    rates: RateTable,
    records: Sequence[Record],
    *,
    now: Instant,
) -> IngestReport:
    """Reports what `ingest` would do with the records, and leaves `store` alone.

    `scratch` is an empty store that all batches of one rehearsal share: what is
    said twice in different batches shows there. A record counts as replayed or in
    conflict if it is so in either store.
    """
    content = prepare(vault, rates, records, now=now)
    with store.reading() as work, scratch.writing() as written:
        (content,) = _settled([work, written], [content])
        held = list(content.rows.values())
        stored = record_rows.compare(work, held)
        said = record_rows.write(written, held, now=now)
        written.commit()
    outcomes = [max(pair) for pair in zip(stored, said, strict=True)]
    return _report(content, outcomes)


def fold(store: Store, *, now: Instant, limit: int = FOLD_LIMIT) -> FoldReport:  # noqa: ARG001 - every operation is told its now
    """Folds the next records of the log, at most `limit`, into the roll-ups, exactly once."""
    with store.writing() as work:
        report = record_rows.fold(work, limit)
        work.commit()
    return report


def lag(store: Store) -> int:
    """Returns how many stored records are not folded yet."""
    with store.reading() as work:
        return record_rows.lag(work)


def fold_and_refresh(store: Store, card: Scorecard, *, now: Instant) -> int:
    """Folds all that is left, then refreshes the archives that it touches.

    What comes while it folds is left to the next time: under a steady stream the
    archives would wait for ever.

    Returns how many records were folded. Each archive is refreshed in a unit of
    work of its own: the fault of one keeps no other from being refreshed. What is
    not refreshed here is refreshed when it is next read past its time.

    Raises:
        ExceptionGroup: the faults of the archives that could not be refreshed.
    """
    folded, waiting = 0, lag(store)
    codes: set[str] = set()
    while folded < waiting and (step := fold(store, now=now)).folded:
        folded += step.folded
        codes |= step.codes
    faults: list[Exception] = []
    for code in sorted(codes):
        try:
            _refresh(store, card, code, now)
        except Exception as fault:  # noqa: BLE001 - raised below, with the others
            faults.append(fault)
    if faults:
        raise ExceptionGroup("archives were not refreshed", faults)
    return folded


def rebuild(store: Store, recount: Recount | None = None, *, now: Instant) -> Rebuilt:
    """Replaces the roll-ups by a recount of the log; None: recounted in the store itself.

    The archives of those whose roll-ups differed become due in the same commit, so that
    none is served as it was; `refresh_due` refreshes them. Records that came after the
    recount's are folded in it, too. Safe to repeat, at any time.

    Raises:
        ForeignRecordsError: the recount is not of this store's log, or a link was ruled on
            since the export.
    """
    with store.writing() as work:
        if recount is None:
            upto = rollup_rows.recount(work)
        else:
            upto = recount.extent.upto
            if rollup_rows.extent(work, upto) != recount.extent:
                raise ForeignRecordsError
            rollup_rows.stage_links(work, upto)
            for table in rollup_rows.ROLLUPS:
                rollup_rows.stage(work, table, recount.rows[table.name])
        codes = rollup_rows.replace(work, upto)
        # In the same commit: nobody sees the figures go back to those of the export.
        while (step := record_rows.fold(work, FOLD_LIMIT)).folded:
            codes |= step.codes
        archive_rows.mark_stale(work, codes, now)
        work.commit()
    return Rebuilt(upto, codes)


def refresh_due(
    store: Store, card: Scorecard, *, now: Instant, on_progress: Callable[[int, int], None]
) -> int:
    """Refreshes the archives that a rebuild made due; returns how many.

    Each in a unit of work of its own: what is stopped goes on where it was. Calls
    `on_progress` with how many are done and how many there are.
    """
    with store.reading() as work:
        codes = archive_rows.stale_codes(work)
    for done, code in enumerate(codes, start=1):
        _refresh(store, card, code, now)
        on_progress(done, len(codes))
    return len(codes)


def _refresh(store: Store, card: Scorecard, code: str, now: Instant) -> None:
    with store.reading() as work:
        if not identity_rows.is_enrolled(work, code):
            return
    with store.writing() as work:
        archive_operations.refresh(work, card, code, now)
        work.commit()


def _placed(cursors: dict[Source, Cursor], batch: Batch) -> Placing | InvalidFieldsError:
    """Returns what is to be done with a batch, and moves the cursor if it is the next."""
    cursor = cursors[batch.source]
    try:
        placing = place(cursor, batch.sequence, batch.digest)
    except InvalidFieldsError as gap:
        return gap
    if placing is Placing.NEXT:
        cursors[batch.source] = cursor.moved(batch.digest)
    return placing


def _stored(work: UnitOfWork, contents: Sequence[Prepared], now: Instant) -> list[IngestReport]:
    """Stores what was prepared, all at once, and returns what became of each."""
    if any(looks_back(row) for content in contents for row in content.rows.values()):
        # Two batches with refunds of one transaction must not both find room.
        record_rows.hold_log(work)
    settled = _settled([work], contents)
    rows = [row for content in settled for row in content.rows.values()]
    outcomes = iter(record_rows.write(work, rows, now=now) if rows else ())
    return [_report(content, list(islice(outcomes, len(content.rows)))) for content in settled]


def _settled(works: Sequence[UnitOfWork], contents: Sequence[Prepared]) -> list[Prepared]:
    """Holds what was prepared against contracts and what is stored, in all units of work.

    The contracts are those of the first unit of work.
    """
    held = [row for content in contents for row in content.rows.values()]
    contracts = contract_rows.contract_table(works[0], {row.code for row in held})
    if not contracts and not any(map(looks_back, held)):
        return list(contents)
    ledger = Ledger(row for work in works for row in refund_rows.related(work, held))
    return [_held_against(works[0], content, ledger, contracts) for content in contents]


def _held_against(
    work: UnitOfWork, content: Prepared, ledger: Ledger, contracts: ContractTable
) -> Prepared:
    """Returns the rows as they are to be written, and what is refused beside what was."""
    rows = content.rows
    made = settle(list(rows.values()), ledger, contracts, content.rates)
    settled = dict(zip(rows, made, strict=True))
    faults = {index: one for index, one in settled.items() if isinstance(one, Fault)}
    # A contract may have come after a record that is only repeated now.
    again = record_rows.known(work, [rows[index] for index in faults])
    replays = {index for index, stored in zip(faults, again, strict=True) if stored}
    kept = {
        index: one if isinstance(one, Row) else rows[index]
        for index, one in settled.items()
        if isinstance(one, Row) or index in replays
    }
    refused = [
        Rejection(index, fault.reason, fault.description)
        for index, fault in faults.items()
        if index not in replays
    ]
    return Prepared(kept, [*content.rejected, *refused], content.rates)


def _report(content: Prepared, outcomes: list[Written]) -> IngestReport:
    conflicts = [
        Rejection(index, REVISION_CONFLICT.reason, REVISION_CONFLICT.description)
        for index, outcome in zip(content.rows, outcomes, strict=False)
        if outcome is Written.CONFLICT
    ]
    return IngestReport(
        accepted=outcomes.count(Written.ACCEPTED),
        replayed=outcomes.count(Written.REPLAYED),
        rejected=tuple(sorted([*content.rejected, *conflicts], key=lambda one: one.index)),
    )
