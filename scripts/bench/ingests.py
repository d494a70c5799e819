"""Taking records in, against the driver alone in equal batches, on both databases.

This is `records.operations.ingest`, in process: validation, keying of buyers, digest,
replays told from conflicts, the log. A batch of ours and a batch of the driver's
take turns, each durable before the next. A batch sent again whole is set against
the same batch when it was fresh.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Final

from bonafides.records import operations
from bonafides.records.kinds import Record
from bonafides.storage.unit_of_work import Store
from scripts.bench import workload
from scripts.bench.databases import DIALECTS, Databases
from scripts.bench.effort import Effort
from scripts.bench.figures import of_rounds, ratios
from scripts.bench.processes import NotMeasuredError
from scripts.bench.raw import RawTable, fdatasync_ms
from scripts.measured import Figure

_SIZES: Final = (100, 1_000)
_ENTERPRISES: Final = 200


def measure(folder: Path, made: Databases, effort: Effort) -> Iterator[Figure]:
    """Yields the rows of taking records in."""
    synced = [fdatasync_ms(folder) for _ in range(effort.rounds)]
    yield of_rounds("ingest.fdatasync_ms", synced, "4 KiB appended, then synced")
    for dialect in DIALECTS:
        store, raw = Store(made.fresh(dialect)), RawTable(made.fresh(dialect))
        try:
            store.migrate()
            yield from _of_dialect(dialect, _Takings(store, raw), effort, median(synced))
        finally:
            store.close()
            raw.close()


class _Takings:
    """Both ways to take a batch in; times are in seconds."""

    def __init__(self, store: Store, raw: RawTable) -> None:
        self._store: Final = store
        self._raw: Final = raw
        self._vault: Final = workload.vault()
        self._taken = 0

    def batch(self, size: int) -> list[Record]:
        """Returns a batch of records that were never taken in."""
        made = workload.records(size, enterprises=_ENTERPRISES, first=self._taken)
        self._taken += size
        return made

    def raw(self, batch: list[Record]) -> float:
        """Inserts the batch by the driver alone."""
        rows = [workload.twelve(record) for record in batch]
        return _took(lambda: self._raw.insert(rows))

    def ours(self, batch: list[Record], *, fresh: bool = True) -> float:
        """Takes the batch in."""
        start = time.perf_counter()
        report = operations.ingest(
            self._store, self._vault, workload.rates(), batch, now=workload.NOW
        )
        took = time.perf_counter() - start
        if (report.accepted, report.replayed) != ((len(batch), 0) if fresh else (0, len(batch))):
            raise NotMeasuredError("a batch was not taken in as it should be")
        return took


def _of_dialect(dialect: str, takings: _Takings, effort: Effort, synced: float) -> Iterator[Figure]:
    takings.ours(takings.batch(_SIZES[0]))
    repeated: list[float] = []
    for size in _SIZES:
        rounds: list[tuple[float, float]] = []
        for _ in range(effort.rounds):
            ours = raw = again = 0.0
            for _ in range(effort.batches):
                batch = takings.batch(size)
                raw += takings.raw(batch)
                ours += takings.ours(batch)
                again += takings.ours(batch, fresh=False)
            rounds.append((raw, ours))
            if size == _SIZES[-1]:
                repeated.append(again / ours)
        records = size * effort.batches
        beside = (
            f"{records / median([ours for _, ours in rounds]):,.0f} records/s to "
            f"{records / median([raw for raw, _ in rounds]):,.0f}, fdatasync {synced:.2f} ms"
        )
        yield of_rounds(
            f"ingest.{dialect}.batches_of_{size}.over_raw",
            ratios([raw for raw, _ in rounds], [ours for _, ours in rounds]),
            beside,
        )
    yield of_rounds(
        f"ingest.{dialect}.repeated_over_fresh",
        repeated,
        f"batches of {_SIZES[-1]}, fdatasync {synced:.2f} ms",
    )


def _took(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
