"""The use cases of the records room: taking records in, and folding them.

*Log first, fold after*: `ingest` pays for the insert alone, so that a platform's
acknowledgment waits for no sum. `fold` may run at any time, in any process, as
often as one likes; two at once wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bonafides.archive import operations as archive_operations
from bonafides.instants import Instant
from bonafides.personal.sealing import Vault
from bonafides.rating.scorecard import Scorecard
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
from bonafides.storage import archive as archive_rows
from bonafides.storage import identity as identity_rows
from bonafides.storage import records as record_rows
from bonafides.storage import rollups as rollup_rows
from bonafides.storage.records import Written
from bonafides.storage.rollups import Recount
from bonafides.storage.unit_of_work import Store


class ForeignRecordsError(Exception):
    """The records that were recounted are not those of this store's log."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Up to which sequence was recounted, and whose rows differed or were folded after."""

    upto: int
    codes: frozenset[str]


# Bounds the time for which a step keeps writers waiting, and its temporary table.
FOLD_LIMIT: Final = 50_000


def ingest(
    store: Store, vault: Vault, rates: RateTable, records: Sequence[Record], *, now: Instant
) -> IngestReport:
    """Takes the records in, in one durable commit, and reports those that it refuses.

    A record that is refused spoils no other. Of one revision the first content
    that arrives is kept: the same again is a replay and changes nothing, another
    is refused as REVISION_CONFLICT.
    """
    rows, rejected = _prepared(vault, rates, records, now)
    outcomes: list[Written] = []
    if rows:
        with store.writing() as work:
            outcomes = record_rows.write(work, list(rows.values()), now=now)
            work.commit()
    return _report(rows, outcomes, rejected)


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
    rows, rejected = _prepared(vault, rates, records, now)
    held = list(rows.values())
    with store.reading() as work:
        stored = record_rows.compare(work, held)
    with scratch.writing() as work:
        said = record_rows.write(work, held, now=now)
        work.commit()
    outcomes = [max(pair) for pair in zip(stored, said, strict=True)]
    return _report(rows, outcomes, rejected)


def fold(store: Store, *, now: Instant, limit: int = FOLD_LIMIT) -> FoldReport:  # noqa: ARG001 - every operation is told its now
    """Folds the next records of the log, at most `limit`, into the roll-ups, exactly once."""
    with store.writing() as work:
        report = record_rows.fold(work, limit)
        work.commit()
    return report


def fold_and_refresh(store: Store, card: Scorecard, *, now: Instant) -> int:
    """Folds all that is left, then refreshes the archives that it touches.

    Returns how many records were folded. Each archive is refreshed in a unit of
    work of its own: the fault of one keeps no other from being refreshed. What is
    not refreshed here is refreshed when it is next read past its time.

    Raises:
        ExceptionGroup: the faults of the archives that could not be refreshed.
    """
    folded = 0
    codes: set[str] = set()
    while (step := fold(store, now=now)).folded:
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


def rebuild(store: Store, recount: Recount | None = None) -> Rebuilt:
    """Replaces the roll-ups by a recount of the log; None: recounted in the store itself.

    The archives of those whose roll-ups differed become due in the same commit, so that
    none is served as it was; `refresh_due` refreshes them. Records that came after the
    recount's are folded in it, too. Safe to repeat, at any time.

    Raises:
        ForeignRecordsError: the recount is not of this store's log.
    """
    with store.writing() as work:
        if recount is None:
            upto = rollup_rows.recount(work)
        else:
            upto = recount.extent.upto
            if rollup_rows.extent(work, upto) != recount.extent:
                raise ForeignRecordsError
            for table in rollup_rows.ROLLUPS:
                rollup_rows.stage(work, table, recount.rows[table.name])
        codes = rollup_rows.replace(work, upto)
        # In the same commit: nobody sees the figures go back to those of the export.
        while (step := record_rows.fold(work, FOLD_LIMIT)).folded:
            codes |= step.codes
        archive_rows.mark_stale(work, codes)
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


def _prepared(
    vault: Vault, rates: RateTable, records: Sequence[Record], now: Instant
) -> tuple[dict[int, Row], list[Rejection]]:
    """Returns the rows to be written, by position in the batch, and what is refused."""
    intake = Intake(vault, rates, now)
    rows: dict[int, Row] = {}
    rejected: list[Rejection] = []
    for index, record in enumerate(records):
        made = intake.row(record)
        if isinstance(made, Fault):
            rejected.append(Rejection(index, made.reason, made.description))
        else:
            rows[index] = made
    return rows, rejected


def _report(
    rows: dict[int, Row], outcomes: list[Written], rejected: list[Rejection]
) -> IngestReport:
    conflicts = [
        Rejection(index, REVISION_CONFLICT.reason, REVISION_CONFLICT.description)
        for index, outcome in zip(rows, outcomes, strict=True)
        if outcome is Written.CONFLICT
    ]
    return IngestReport(
        accepted=outcomes.count(Written.ACCEPTED),
        replayed=outcomes.count(Written.REPLAYED),
        rejected=tuple(sorted([*rejected, *conflicts], key=lambda one: one.index)),
    )
