"""The use cases of the records room: taking records in, and folding them.

*Log first, fold after*: `ingest` pays for the insert alone, so that a platform's
acknowledgment waits for no sum. `fold` may run at any time, in any process, as
often as one likes; two at once wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from bonafides.records.refunds import Ledger, looks_back, settle
from bonafides.storage import contracts as contract_rows
from bonafides.storage import identity as identity_rows
from bonafides.storage import records as record_rows
from bonafides.storage import refunds as refund_rows
from bonafides.storage.records import Written
from bonafides.storage.unit_of_work import Store, UnitOfWork

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
    rows, rejected = _prepared(vault, rates, records, now)
    outcomes: list[Written] = []
    if rows:
        with store.writing() as work:
            if any(map(looks_back, rows.values())):
                # Two batches with refunds of one transaction must not both find room.
                record_rows.hold_log(work)
            rows, refused = _settled([work], rows, rates)
            outcomes = record_rows.write(work, list(rows.values()), now=now)
            work.commit()
        rejected += refused
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
    with store.reading() as work, scratch.writing() as written:
        rows, refused = _settled([work, written], rows, rates)
        held = list(rows.values())
        stored = record_rows.compare(work, held)
        said = record_rows.write(written, held, now=now)
        written.commit()
    outcomes = [max(pair) for pair in zip(stored, said, strict=True)]
    return _report(rows, outcomes, [*rejected, *refused])


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


def _settled(
    works: Sequence[UnitOfWork], rows: dict[int, Row], rates: RateTable
) -> tuple[dict[int, Row], list[Rejection]]:
    """Holds the rows against contracts and against what is stored, in all units of work.

    Returns the rows as they are to be written, and what is refused. The contracts are
    those of the first unit of work.
    """
    held = list(rows.values())
    contracts = contract_rows.contract_table(works[0], {row.code for row in held})
    if not contracts and not any(map(looks_back, held)):
        return rows, []
    ledger = Ledger(row for work in works for row in refund_rows.related(work, held))
    settled = dict(zip(rows, settle(held, ledger, contracts, rates), strict=True))
    faults = {index: made for index, made in settled.items() if isinstance(made, Fault)}
    # A contract may have come after a record that is only repeated now.
    again = record_rows.known(works[0], [rows[index] for index in faults])
    replays = {index for index, stored in zip(faults, again, strict=True) if stored}
    kept = {
        index: made if isinstance(made, Row) else rows[index]
        for index, made in settled.items()
        if isinstance(made, Row) or index in replays
    }
    refused = [
        Rejection(index, fault.reason, fault.description)
        for index, fault in faults.items()
        if index not in replays
    ]
    return kept, refused


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
