"""Writing records over a stream: stored once, acknowledged when durable, one by one at fault."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from bonafides.client import RemoteError
from bonafides.errors import ServerDrainingError, StoreUnavailableError
from bonafides.instants import DAY, Instant
from bonafides.records import operations
from bonafides.records.batches import Batch, Prepared, Source, Taken
from bonafides.records.group_commit import GROUP_RECORDS, GroupCommit
from bonafides.records.ingest import IngestReport, Rejection
from bonafides.records.kinds import Kind, Record
from bonafides.records.money import Money
from bonafides.storage.tables import record, rollup_day
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import record_service_pb2 as service
from scripts.verify_rollups import verify
from tests import builders
from tests.logged import captured
from tests.serving import Served

WRITE = "/bonafides.v1.RecordService/WriteRecords"


def batch(*told: Record, sequence: int = 1, source: str = "orders") -> bytes:
    """Returns a batch as it travels."""
    records = [builders.record_message(each) for each in told]
    made = service.WriteRecordsRequest(source=source, sequence=sequence, records=records)
    return made.SerializeToString()


@dataclasses.dataclass
class Writer:
    """A stream that a test feeds by hand, message by message."""

    served: Served
    kind: str = "platform"

    def __post_init__(self) -> None:
        self._messages: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._channel = grpc.insecure_channel(self.served.address)
        method: Any = self._channel.stream_stream(WRITE)
        metadata = (("authorization", f"Bearer {self.served.token(self.kind)}"),)
        self.call = method(iter(self._messages.get, None), timeout=30, metadata=metadata)

    def send(self, *wires: bytes) -> None:
        for wire in wires:
            self._messages.put(wire)

    def close(self) -> None:
        self._messages.put(None)

    def answer(self) -> service.WriteRecordsResponse:
        return service.WriteRecordsResponse.FromString(next(self.call))

    def until(self, sequence: int) -> service.WriteRecordsResponse:
        """Returns all answers up to the one that covers the batch, added up."""
        total = service.WriteRecordsResponse()
        while total.sequence < sequence:
            total = added(total, self.answer())
        return total

    def rest(self) -> tuple[service.WriteRecordsResponse, Any]:
        """Returns the remaining answers, added up, and the error at the end, if any."""
        total = service.WriteRecordsResponse()
        try:
            for wire in self.call:
                total = added(total, service.WriteRecordsResponse.FromString(wire))
        except grpc.RpcError as error:
            return total, error
        finally:
            self._channel.close()
        return total, None


def added(
    one: service.WriteRecordsResponse, two: service.WriteRecordsResponse
) -> service.WriteRecordsResponse:
    return service.WriteRecordsResponse(
        sequence=max(one.sequence, two.sequence),
        accepted_count=one.accepted_count + two.accepted_count,
        replayed_count=one.replayed_count + two.replayed_count,
        repeated_batch_count=one.repeated_batch_count + two.repeated_batch_count,
        rejections=[*one.rejections, *two.rejections],
    )


def write(
    served: Served, *wires: bytes, kind: str = "platform"
) -> tuple[service.WriteRecordsResponse, Any]:
    """Sends the messages and returns what came of them."""
    writer = Writer(served, kind)
    writer.send(*wires)
    writer.close()
    return writer.rest()


def stored(store: Store) -> int:
    with store.reading() as work:
        return int(work.execute(sa.select(sa.func.count()).select_from(record)).scalar_one())


def violation(error: Any) -> tuple[str, str]:
    """Returns field and reason of the one violation that the error names."""
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    trailers = dict(error.trailing_metadata())
    status = Status.FromString(trailers["grpc-status-details-bin"])
    fields = BadRequest()
    assert any(detail.Unpack(fields) for detail in status.details)
    (one,) = fields.field_violations
    return one.field, one.reason


def reason(error: Any) -> str:
    trailers = dict(error.trailing_metadata())
    info = ErrorInfo()
    Status.FromString(trailers["grpc-status-details-bin"]).details[0].Unpack(info)
    return info.reason


@contextlib.contextmanager
def log_held(store: Store) -> Iterator[None]:
    """Keeps every writer waiting, as a slow disk does."""
    with store.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("LOCK TABLE counter IN ACCESS EXCLUSIVE MODE")
        try:
            yield
        finally:
            connection.rollback()


@pytest.mark.feature("G1")
def test_acknowledged_records_are_stored_as_they_were_told(served: Served) -> None:
    orders = [builders.transaction(f"t{number}") for number in range(3)]
    told, error = write(served, batch(*orders[:2]), batch(orders[2], sequence=2))
    assert error is None
    assert (told.sequence, told.accepted_count, list(told.rejections)) == (2, 3, [])
    assert stored(served.store) == 3
    report = operations.ingest(
        served.store, served.vault, builders.rates(), orders, now=served.clock.now
    )
    assert report == IngestReport(0, 3, ())


@pytest.mark.feature("C7", "G1")
def test_late_repeated_revised_and_voided_records_count_as_they_should(served: Served) -> None:
    """t1 is revised, t2 voided, t3 comes a month late, t4 twice; all on one stream."""
    first = [builders.transaction(f"t{number}") for number in (1, 2, 4)]
    late = builders.transaction("t3", occurred_at=Instant(first[0].occurred_at - 30 * DAY))
    revised = dataclasses.replace(first[0], revision=2, amount=Money("CNY", 2_500))
    voided = dataclasses.replace(first[1], revision=2, void=True)
    builders.link_stores(served.store, first)
    writer = Writer(served)
    writer.send(batch(*first))
    writer.until(1)
    operations.fold(served.store, now=served.clock.now)
    writer.send(batch(late, revised, voided, first[2], sequence=2))
    told = writer.until(2)
    writer.close()
    writer.rest()
    assert (told.accepted_count, told.replayed_count) == (3, 1)
    operations.fold(served.store, now=served.clock.now)
    with served.store.reading() as work:
        days = work.execute(sa.select(rollup_day).order_by(rollup_day.c.day)).all()
        assert verify(work).differences == []
    assert [(row.transactions, row.amount_cny_minor) for row in days] == [(1, 10_000), (2, 12_500)]


def test_nothing_is_acknowledged_before_it_is_durable(served: Served) -> None:
    writer = Writer(served)
    seen = threading.Event()

    def wait() -> service.WriteRecordsResponse:
        answer = writer.answer()
        seen.set()
        return answer

    with ThreadPoolExecutor(1) as pool:
        with log_held(served.store):
            writer.send(batch(builders.transaction()))
            waiting = pool.submit(wait)
            assert not seen.wait(0.7)
        assert waiting.result(20).sequence == 1
    writer.close()
    assert writer.rest()[1] is None


@pytest.mark.feature("G7")
def test_bad_record_is_refused_by_itself_and_spoils_no_other(served: Served) -> None:
    bad = [builders.record_message(builders.transaction(f"bad{number}")) for number in range(8)]
    bad[0].code = "911"
    bad[1].kind = 99  # type: ignore[assignment]  # a newer client's kind
    bad[2].ClearField("occur_time")
    bad[3].amount.currency_code = "yuan"
    bad[4].promised_date.CopyFrom(builders.date(2026, 2, 30))
    bad[5].record_id = "a\u202eb"
    bad[6].amount.amount_minor = -1
    bad[7].outcome = 99  # type: ignore[assignment]  # a newer client's outcome
    good = builders.record_message(builders.transaction("good"))
    wire = service.WriteRecordsRequest(source="orders", sequence=1, records=[*bad, good])
    told, error = write(served, wire.SerializeToString())
    assert error is None
    assert (told.sequence, told.accepted_count) == (1, 1)
    assert [(one.sequence, one.index, one.reason) for one in told.rejections] == [
        (1, 0, "CODE_FAULTY"),
        (1, 1, "KIND_FAULTY"),
        (1, 2, "FIELD_MISSING"),
        (1, 3, "AMOUNT_FAULTY"),
        (1, 4, "DATE_FAULTY"),
        (1, 5, "ID_FAULTY"),
        (1, 6, "AMOUNT_NOT_POSITIVE"),
        (1, 7, "OUTCOME_NOT_ALLOWED"),
    ]


@pytest.mark.feature("G1")
def test_same_revision_with_other_content_is_refused_with_its_place(served: Served) -> None:
    order = builders.transaction()
    changed = dataclasses.replace(order, amount=Money("CNY", 1))
    other = builders.transaction("t2")
    told, _ = write(served, batch(order), batch(other, changed, sequence=2))
    assert [(one.sequence, one.index, one.reason) for one in told.rejections] == [
        (2, 1, "REVISION_CONFLICT")
    ]
    assert stored(served.store) == 2


def test_platform_writes_its_own_records_alone(served: Served) -> None:
    foreign = builders.transaction("t1", platform="taobao")
    told, error = write(served, batch(foreign, builders.transaction("t2")))
    assert error is None
    assert [(one.index, one.reason) for one in told.rejections] == [(0, "PLATFORM_FOREIGN")]
    assert stored(served.store) == 1


def test_staff_write_for_any_platform(served: Served) -> None:
    told, error = write(
        served, batch(builders.transaction("t1", platform="taobao")), kind="operator"
    )
    assert (error, told.accepted_count) == (None, 1)


@pytest.mark.feature("D9")
def test_others_may_not_write(served: Served) -> None:
    _, error = write(served, batch(builders.transaction()), kind="member")
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    with served.client() as anonymous, pytest.raises(RemoteError) as refusal:
        next(anonymous.write_records([], source="orders"))
    assert refusal.value.code is grpc.StatusCode.UNAUTHENTICATED
    assert stored(served.store) == 0


def test_gap_ends_the_stream_behind_what_is_stored(served: Served) -> None:
    told, error = write(
        served, batch(builders.transaction("t1")), batch(builders.transaction("t3"), sequence=3)
    )
    assert told.sequence == 1
    assert violation(error) == ("sequence", "SEQUENCE_GAP")
    assert stored(served.store) == 1


def test_other_source_midway_ends_the_stream(served: Served) -> None:
    other = batch(builders.transaction("t2"), sequence=2, source="refunds")
    told, error = write(served, batch(builders.transaction("t1")), other)
    assert told.sequence == 1
    assert violation(error) == ("source", "SOURCE_CHANGED")


@pytest.mark.parametrize(
    ("wire", "named"),
    [
        (batch(builders.transaction(), source="Orders!"), ("source", "STRING_PATTERN")),
        (batch(builders.transaction(), sequence=0), ("sequence", "INT64_GTE")),
        (batch(), ("records", "BATCH_SIZE")),
        (batch(*[builders.transaction()] * 1_001), ("records", "BATCH_SIZE")),
    ],
)
def test_batch_out_of_shape_is_named_by_its_field(
    served: Served, wire: bytes, named: tuple[str, str]
) -> None:
    assert violation(write(served, wire)[1]) == named


def test_hostile_bytes_midway_leave_what_came_before_acknowledged(served: Served) -> None:
    told, error = write(
        served,
        batch(builders.transaction("t1")),
        b"\x0a\xff",
        batch(builders.transaction("t2"), sequence=2),
    )
    assert told.sequence == 1
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason(error) == "MALFORMED_MESSAGE"


def test_token_that_expires_ends_its_stream(served: Served) -> None:
    writer = Writer(served)
    writer.send(batch(builders.transaction("t1")))
    writer.until(1)
    served.clock.now = Instant(served.clock.now + DAY)
    writer.send(batch(builders.transaction("t2"), sequence=2))
    _, error = writer.rest()
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED


def test_repeated_batch_is_passed_over_and_acknowledged(served: Served) -> None:
    wires = [batch(builders.transaction(f"t{number}"), sequence=number) for number in range(1, 4)]
    write(served, *wires)
    told, error = write(served, wires[1], wires[2])
    assert error is None
    assert (told.sequence, told.repeated_batch_count, told.replayed_count) == (3, 2, 0)


def test_number_used_again_for_other_records_loses_none(served: Served) -> None:
    write(served, batch(builders.transaction("t1")))
    told, error = write(served, batch(builders.transaction("t1"), builders.transaction("t2")))
    assert error is None
    assert (told.sequence, told.accepted_count, told.replayed_count) == (1, 1, 1)
    assert stored(served.store) == 2


def test_sources_of_different_writers_are_numbered_apart(served: Served) -> None:
    write(served, batch(builders.transaction("t1")))
    told, _ = write(served, batch(builders.transaction("t2")), kind="operator")
    assert told.sequence == 1
    with served.client(served.token("platform")) as client:
        assert client.get_write_cursor("orders") == 1
        assert client.get_write_cursor("refunds") == 0


def test_eight_streams_at_once_store_every_record_once(served: Served) -> None:
    def one(number: int) -> service.WriteRecordsResponse:
        source = f"shard-{number}"
        # Every second record is also sent by a neighbor.
        wires = [
            batch(
                builders.transaction(f"own-{number}-{sequence}"),
                builders.transaction(f"shared-{number // 2}-{sequence}"),
                sequence=sequence,
                source=source,
            )
            for sequence in range(1, 41)
        ]
        told, error = write(served, *wires)
        assert error is None
        return told

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(8)))
    assert [told.sequence for told in answers] == [40] * 8
    assert sum(told.accepted_count for told in answers) == stored(served.store) == 320 + 160
    assert sum(told.replayed_count for told in answers) == 160
    assert served.server.writer.batches == 320
    assert served.server.writer.commits < 320


def test_two_streams_of_one_source_acknowledge_only_what_is_stored(served: Served) -> None:
    wires = [batch(builders.transaction(f"t{n}"), sequence=n) for n in range(1, 21)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: write(served, *wires), range(2)))
    assert [error for _, error in answers] == [None, None]
    assert sum(told.accepted_count for told, _ in answers) == stored(served.store) == 20


def test_stream_leaves_one_event_with_its_counts(served: Served) -> None:
    with captured() as events:
        write(served, batch(builders.transaction(buyer="b-canary"), builders.transaction("x" * 99)))
    (event,) = [each for each in events if each["event"] == "rpc"]
    assert (event["method"], event["caller"], event["code"]) == (WRITE, "platform", "OK")
    assert (event["batches"], event["accepted"], event["rejected"]) == (1, 1, 1)
    assert "canary" not in repr(events)


def test_client_goes_on_behind_a_broken_stream(served: Served) -> None:
    """The server cuts every stream twice; the batches come through once, in order."""
    broken = itertools.count()

    def batches() -> Iterator[Sequence[Any]]:
        for number in range(1, 31):
            if number in {10, 20}:
                next(broken)
                for stream in served.server.pipeline._streams:
                    loop = stream._loop
                    loop.call_soon_threadsafe(stream.end, ServerDrainingError())
                time.sleep(0.1)
            yield [builders.record_message(builders.transaction(f"t{number}"))]

    with served.client(served.token("platform")) as client:
        answers = list(client.write_records(batches(), source="orders"))
        assert client.get_write_cursor("orders") == 30
    assert next(broken) == 2
    assert answers[-1].sequence == 30
    assert stored(served.store) == 30


def test_client_that_starts_over_sends_only_what_is_missing(served: Served) -> None:
    def batches(count: int) -> Iterator[Sequence[Any]]:
        for number in range(count):
            yield [builders.record_message(builders.transaction(f"t{number}"))]

    with served.client(served.token("platform")) as client:
        list(client.write_records(batches(5), source="orders", first=1))
        answers = list(client.write_records(batches(8), source="orders", first=1))
    assert sum(answer.accepted_count for answer in answers) == 3
    assert sum(answer.repeated_batch_count for answer in answers) == 0
    assert stored(served.store) == 8


def test_fault_of_the_callers_batches_reaches_the_caller(served: Served) -> None:
    def batches() -> Iterator[Sequence[Any]]:
        yield [builders.record_message(builders.transaction())]
        raise OSError

    with served.client(served.token("platform")) as client, pytest.raises(OSError):  # noqa: PT011 - it has no text
        list(client.write_records(batches(), source="orders"))
    assert stored(served.store) == 1


def test_drain_acknowledges_what_was_sent_and_ends_the_stream(served: Served) -> None:
    writer = Writer(served)
    writer.send(batch(builders.transaction("t1")))
    writer.until(1)
    (stream,) = served.server.pipeline._streams
    with log_held(served.store):
        writer.send(batch(builders.transaction("t2"), sequence=2))
        end = time.monotonic() + 20
        while not stream._taken:
            assert time.monotonic() < end
            time.sleep(0.01)
        stream._loop.call_soon_threadsafe(stream.end, ServerDrainingError())
        time.sleep(0.1)
    told, error = writer.rest()
    assert told.sequence == 2
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert reason(error) == "SERVER_DRAINING"
    assert stored(served.store) == 2


def test_reading_pauses_while_too_much_is_under_way(served: Served) -> None:
    writer = Writer(served)
    with log_held(served.store):
        for sequence in range(1, 201):
            writer.send(batch(builders.transaction(f"t{sequence}"), sequence=sequence))
        end = time.monotonic() + 20
        while not any(len(each._sizes) >= 64 for each in served.server.pipeline._streams):
            assert time.monotonic() < end
            time.sleep(0.01)
        # The rest of them have come by now, and would be read.
        time.sleep(0.3)
        (stream,) = served.server.pipeline._streams
        assert len(stream._sizes) == 64
    assert writer.until(200).accepted_count <= 200
    writer.close()
    writer.rest()
    assert stored(served.store) == 200


def prepared(number: int) -> Batch:
    """Returns the number-th batch, of one record that is refused."""
    content = Prepared({}, [Rejection(0, "ID_FAULTY", "")], builders.rates())
    return Batch(Source("1688", "orders"), number, bytes(8), content)


def taken(told: Batch) -> Taken:
    return Taken(told.sequence, told.sequence, repeated=False, report=IngestReport(0, 0, ()))


def test_what_waits_is_committed_together_and_bounded() -> None:
    sizes: list[int] = []

    def keep(batches: Sequence[Batch], _now: Instant) -> list[Taken]:
        sizes.append(len(batches))
        return [taken(each) for each in batches]

    writer = GroupCommit(keep, now=lambda: builders.NOW)
    told = [writer.put(prepared(number)) for number in range(GROUP_RECORDS + 10)]
    writer.start()
    writer.close()
    assert [each.result().sequence for each in told] == list(range(GROUP_RECORDS + 10))
    assert sizes == [GROUP_RECORDS, 10]
    assert (writer.commits, writer.batches) == (2, GROUP_RECORDS + 10)


def test_poisoned_batch_harms_its_sender_alone() -> None:
    def keep(batches: Sequence[Batch], _now: Instant) -> list[Taken]:
        if any(each.sequence == 2 for each in batches):
            raise ZeroDivisionError
        return [taken(each) for each in batches]

    writer = GroupCommit(keep, now=lambda: builders.NOW)
    told = [writer.put(prepared(number)) for number in (1, 2, 3)]
    writer.start()
    writer.close()
    assert isinstance(told[1].exception(), ZeroDivisionError)
    assert [told[index].result().sequence for index in (0, 2)] == [1, 3]


def test_unreachable_database_is_told_to_all_at_once() -> None:
    tries: list[int] = []

    def keep(batches: Sequence[Batch], _now: Instant) -> list[Taken]:
        tries.append(len(batches))
        raise StoreUnavailableError

    writer = GroupCommit(keep, now=lambda: builders.NOW)
    told = [writer.put(prepared(number)) for number in (1, 2, 3)]
    writer.start()
    writer.close()
    assert tries == [3]
    assert all(isinstance(each.exception(), StoreUnavailableError) for each in told)
    with pytest.raises(ServerDrainingError):
        writer.put(prepared(4))


def test_kinds_travel_whole(served: Served) -> None:
    shop = builders.transaction(
        "s1",
        kind=Kind.STORE,
        amount=None,
        buyer=None,
        from_day=builders.TODAY - 9,
        detail={"title": "百草店", "category": "百货"},
    )
    told, _ = write(served, batch(shop))
    assert told.accepted_count == 1
    with served.store.reading() as work:
        assert work.execute(sa.select(record.c.detail)).scalar_one() == (
            '{"category":"百货","title":"百草店"}'
        )
