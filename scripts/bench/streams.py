"""Writing records over gRPC, on eight streams at once: WriteRecords as it is served.

    messages.records_per_commit    messages of one record; records over the durable
                                   commits that stored them, counted in the log
    messages.over_bare_stream      the same, in messages a second, over a handler that
                                   only answers each message
    batches_of_N.over_raw          records a second over the driver alone in equal
                                   batches; the log alone, nothing is folded

The commits of a group share the instant at which its records were recorded, so the
distinct instants in the log are the commits. Messages are made before the clock.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import sqlalchemy as sa

from bonafides.instants import to_date_message, to_timestamp
from bonafides.records.kinds import Record
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import record_pb2, record_service_pb2
from scripts.bench import bare, sample, workload
from scripts.bench.databases import DIALECTS, Databases
from scripts.bench.effort import Effort
from scripts.bench.figures import of_rounds, ratios
from scripts.bench.frames import framed
from scripts.bench.processes import NotMeasuredError, Server, ours, service, started
from scripts.bench.raw import RawTable, fdatasync_ms
from scripts.bench.stream_load import StreamPlan, StreamResult, run
from scripts.measured import Figure

_WRITE: Final = "/bonafides.v1.RecordService/WriteRecords"
_STREAMS: Final = 8
_SIZES: Final = (100, 1_000)
_ENTERPRISES: Final = 200
# Numbers of records that the other rows do not use.
_FIRST: Final = 100_000_000


def measure(folder: Path, made: Databases, effort: Effort) -> Iterator[Figure]:
    """Yields the rows of writing records over streams."""
    for dialect in DIALECTS:
        data = folder / f"streams_{dialect}"
        url = sample.settings(data).url if dialect == "sqlite" else made.fresh(dialect)
        commands = {
            "service": service(data, database_url="" if dialect == "sqlite" else url),
            "bare": ours("bare", 0),
        }
        with started(commands, folder) as servers:
            raw = RawTable(made.fresh(dialect))
            try:
                sender = _Sender(folder, servers, sample.platform_token(data, workload.PLATFORM))
                if dialect == "sqlite":
                    yield from _messages(sender, url, effort)
                for size in _SIZES:
                    yield _batches(sender, raw, dialect, size, effort)
            finally:
                raw.close()


@dataclass(slots=True)
class _Sender:
    """Sends batches over all streams; every call has sources and records of its own."""

    folder: Path
    servers: dict[str, Server]
    token: str
    calls: int = 0
    records: int = 0

    def batches(self, count: int, size: int) -> list[list[Record]]:
        """Returns so many batches of records that were never sent."""
        made = []
        for _ in range(count):
            made.append(
                workload.records(size, enterprises=_ENTERPRISES, first=_FIRST + self.records)
            )
            self.records += size
        return made

    def write(self, batches: Sequence[Sequence[Record]]) -> tuple[list[str], int]:
        """Writes the messages of each stream into a file; returns the files, and how many each."""
        self.calls += 1
        files = []
        each = len(batches) // _STREAMS
        for stream in range(_STREAMS):
            file = self.folder / f"stream_{stream}"
            source = f"call-{self.calls}-stream-{stream}"
            part = batches[stream * each : (stream + 1) * each]
            file.write_bytes(
                b"".join(
                    framed(_request(source, number, batch))
                    for number, batch in enumerate(part, start=1)
                )
            )
            files.append(str(file))
        return files, each

    def send(self, files: Sequence[str], each: int, records: int) -> StreamResult:
        """Sends the files to the service, which must accept every record."""
        server = self.servers["service"]
        plan = StreamPlan(server.address, _WRITE, files, each, token=self.token, cumulative=True)
        result = run(plan, server.pid)
        if result.accepted != records:
            raise NotMeasuredError(f"{result.accepted} of {records} records were accepted")
        return result

    def echo(self, files: Sequence[str], each: int) -> StreamResult:
        """Sends the files to the bare server."""
        server = self.servers["bare"]
        return run(StreamPlan(server.address, bare.ECHO, files, each), server.pid)


def _messages(sender: _Sender, url: str, effort: Effort) -> Iterator[Figure]:
    count = effort.messages // _STREAMS * _STREAMS
    per_commit: list[float] = []
    served: list[float] = []
    echoed: list[float] = []
    for _ in range(effort.rounds):
        files, each = sender.write(sender.batches(count, 1))
        before = _commits(url)
        served.append(count / sender.send(files, each, count).seconds)
        per_commit.append(count / (_commits(url) - before))
        echoed.append(count / sender.echo(files, each).seconds)
    rates = f"{median(served):,.0f} messages/s to {median(echoed):,.0f}, {_STREAMS} streams"
    synced = f"fdatasync {fdatasync_ms(sender.folder):.2f} ms"
    yield of_rounds("ingest.stream.messages.records_per_commit", per_commit, synced)
    yield of_rounds("ingest.stream.messages.over_bare_stream", ratios(served, echoed), rates)


def _batches(sender: _Sender, raw: RawTable, dialect: str, size: int, effort: Effort) -> Figure:
    count = _STREAMS * max(1, effort.batches * _SIZES[0] // size)
    ours_: list[float] = []
    theirs: list[float] = []
    for _ in range(effort.rounds):
        batches = sender.batches(count, size)
        rows = [[workload.twelve(record) for record in batch] for batch in batches]
        start = time.perf_counter()
        for part in rows:
            raw.insert(part)
        theirs.append(time.perf_counter() - start)
        ours_.append(sender.send(*sender.write(batches), count * size).seconds)
    beside = (
        f"{count * size / median(ours_):,.0f} records/s to {count * size / median(theirs):,.0f}, "
        f"fdatasync {fdatasync_ms(sender.folder):.2f} ms"
    )
    name = f"ingest.stream.{dialect}.batches_of_{size}.over_raw"
    return of_rounds(name, ratios(theirs, ours_), beside)


def _commits(url: str) -> int:
    """Returns how many commits the log was written in."""
    store = Store(url)
    try:
        with store.reading() as work:
            instants = sa.func.count(tables.record.c.recorded_at.distinct())
            return int(work.execute(sa.select(instants)).scalar_one())
    finally:
        store.close()


def _request(source: str, sequence: int, batch: Sequence[Record]) -> bytes:
    return record_service_pb2.WriteRecordsRequest(
        source=source, sequence=sequence, records=map(_message, batch)
    ).SerializeToString()


def _message(record: Record) -> record_pb2.Record:
    made = record_pb2.Record(
        code=record.code.text,
        platform=record.platform,
        kind=record_pb2.RECORD_KIND_TRANSACTION,
        record_id=record.record_id,
        store_id=record.store_id,
        occur_time=to_timestamp(record.occurred_at),
        buyer=record.buyer or "",
    )
    if record.amount is not None:
        made.amount.currency_code = record.amount.currency
        made.amount.amount_minor = record.amount.minor
    if record.promised_day is not None:
        made.promised_date.CopyFrom(to_date_message(record.promised_day))
    if record.delivered_day is not None:
        made.delivered_date.CopyFrom(to_date_message(record.delivered_day))
    return made
