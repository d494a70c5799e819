"""Folding records into roll-ups, and building from them.

over_raw_insert    records folded a second over records that the driver alone
                   inserts a second, in durable batches of a thousand
exponent           CPU of folding a whole log, over logs of growing size; SQLite
from_rollups       every figure of every archive out of the roll-ups, over
                   making the roll-ups from the rows first
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from bonafides.archive import metrics
from bonafides.instants import day_of
from bonafides.records import operations
from bonafides.storage import records as record_rows
from bonafides.storage.unit_of_work import Store
from scripts.bench import workload
from scripts.bench.databases import DIALECTS, Databases
from scripts.bench.effort import Effort
from scripts.bench.figures import of_rounds, ratios, slope
from scripts.bench.processes import NotMeasuredError
from scripts.bench.raw import RawTable
from scripts.measured import Figure

_BATCH: Final = 1_000
_QUERIES: Final = (
    metrics.days,
    metrics.buyers,
    metrics.unmatched_refunds,
    metrics.stores,
    metrics.membership,
    metrics.certifications,
)


def measure(_folder: Path, made: Databases, effort: Effort) -> Iterator[Figure]:
    """Yields the rows of folding and of building out of what was folded."""
    for dialect in DIALECTS:
        yield _over_raw_insert(dialect, made, effort)
    points: list[tuple[float, float]] = []
    share = 0.0
    for size in effort.folded:
        store = _logged(made.fresh("sqlite"), size)
        try:
            start, cpu = time.perf_counter(), time.process_time()
            _fold(store, size)
            points.append((size, time.process_time() - cpu))
            folded = time.perf_counter() - start
            built = _build(store)
            # Only the last, the largest, says how it is at size.
            share = built / (folded + built)
        finally:
            store.close()
    costs = ", ".join(f"{cost / size * 1e6:.1f} at {size:,}" for size, cost in points)
    yield of_rounds("fold.exponent", [slope(points)], f"us of CPU a record: {costs}")
    beside = f"{effort.folded[-1]:,} records on SQLite"
    yield of_rounds("build.from_rollups.over_from_rows", [share], beside)


def _over_raw_insert(dialect: str, made: Databases, effort: Effort) -> Figure:
    """Returns the figure; each round has databases of its own."""
    ours: list[float] = []
    theirs: list[float] = []
    count = effort.fold_records
    for number in range(effort.rounds):
        batch = workload.records(
            count, enterprises=count // workload.RECORDS_PER_ENTERPRISE, first=number * count
        )
        rows = [workload.twelve(record) for record in batch]
        raw = RawTable(made.fresh(dialect))
        start = time.perf_counter()
        for begin in range(0, count, _BATCH):
            raw.insert(rows[begin : begin + _BATCH])
        theirs.append(time.perf_counter() - start)
        raw.close()
        store = _logged(made.fresh(dialect), count)
        start = time.perf_counter()
        _fold(store, count)
        ours.append(time.perf_counter() - start)
        store.close()
    beside = f"{count / median(ours):,.0f} records/s to {count / median(theirs):,.0f}"
    return of_rounds(f"fold.{dialect}.over_raw_insert", ratios(theirs, ours), beside)


def _logged(url: str, count: int) -> Store:
    """Returns a store whose log holds so many records that were not folded.

    The stores that they come from are linked, and that is folded.
    """
    store = Store(url)
    store.migrate()
    with store.writing() as work:
        record_rows.write(work, workload.links(count), now=workload.NOW)
        work.commit()
    operations.fold(store, now=workload.NOW)
    for rows in workload.rows(count):
        with store.writing() as work:
            record_rows.write(work, rows, now=workload.NOW)
            work.commit()
    return store


def _fold(store: Store, count: int) -> None:
    """Folds the whole log, in the service's own steps."""
    folded = 0
    while step := operations.fold(store, now=workload.NOW).folded:
        folded += step
    if folded != count:
        raise NotMeasuredError(f"{folded} of {count} records were folded")


def _build(store: Store) -> float:
    """Computes every figure of every archive; returns the seconds that it took."""
    parameters = metrics.parameters(day_of(workload.NOW))
    start = time.perf_counter()
    with store.reading() as work:
        for query in _QUERIES:
            work.execute(query(), parameters).all()
    return time.perf_counter() - start
