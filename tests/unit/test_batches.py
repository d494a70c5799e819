"""Numbered batches: the next, those sent again, gaps; and the outbox that numbers them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import islice

import pytest

from bonafides.client.outbox import MOST_UNDER_WAY, Outbox
from bonafides.errors import InvalidFieldsError
from bonafides.records.batches import (
    MAX_RECORDS,
    REMEMBERED,
    Cursor,
    Placing,
    digest_of,
    place,
    require_size,
)
from bonafides.v1 import record_pb2


def behind(count: int) -> Cursor:
    """Returns the cursor behind this many batches, each with a digest of its number."""
    cursor = Cursor()
    for number in range(1, count + 1):
        cursor = cursor.moved(digest_of(str(number).encode()))
    return cursor


def placed(cursor: Cursor, number: int, content: int | None = None) -> Placing:
    told = number if content is None else content
    return place(cursor, number, digest_of(str(told).encode()))


def test_batches_are_taken_in_one_behind_the_other() -> None:
    assert placed(Cursor(), 1) is Placing.NEXT
    assert placed(behind(5), 6) is Placing.NEXT


@pytest.mark.parametrize("number", [1, 3, 5])
def test_same_batch_again_is_passed_over(number: int) -> None:
    assert placed(behind(5), number) is Placing.REPEATED


@pytest.mark.parametrize("number", [1, 5])
def test_number_with_other_content_is_taken_in_anew(number: int) -> None:
    assert placed(behind(5), number, content=99) is Placing.ANEW


def test_batch_too_old_to_be_remembered_is_taken_in_anew() -> None:
    cursor = behind(REMEMBERED + 1)
    assert placed(cursor, 1) is Placing.ANEW
    assert placed(cursor, 2) is Placing.REPEATED


def test_number_that_is_forgotten_is_not_looked_for_among_the_others() -> None:
    """Counted back from the end, its place would be that of another batch."""
    assert placed(behind(REMEMBERED + 2), 1, content=REMEMBERED + 1) is Placing.ANEW


@pytest.mark.parametrize("count", [0, MAX_RECORDS + 1])
def test_batch_of_none_or_too_many_records_is_refused(count: int) -> None:
    with pytest.raises(InvalidFieldsError) as refusal:
        require_size([record_pb2.Record()] * count)
    (violation,) = refusal.value.violations
    assert (violation.field, violation.reason) == ("records", "BATCH_SIZE")
    require_size([record_pb2.Record()] * MAX_RECORDS)


def test_gap_names_the_batch_to_send() -> None:
    with pytest.raises(InvalidFieldsError) as refusal:
        placed(behind(5), 7)
    (violation,) = refusal.value.violations
    assert (violation.field, violation.reason) == ("sequence", "SEQUENCE_GAP")
    assert "batch 6" in violation.description


def test_a_stream_has_no_more_under_way_than_is_remembered() -> None:
    assert MOST_UNDER_WAY <= REMEMBERED


def batches(count: int) -> Iterator[Sequence[record_pb2.Record]]:
    for number in range(count):
        yield [record_pb2.Record(record_id=f"t{number}")]


def test_outbox_sends_what_is_not_acknowledged_again() -> None:
    outbox = Outbox("orders", batches(5), first=1)
    outbox.resume(0)
    assert [sent.sequence for sent in islice(outbox.requests(), 4)] == [1, 2, 3, 4]
    outbox.resume(2)
    again = list(outbox.requests())
    assert [sent.sequence for sent in again] == [3, 4, 5]
    assert again[0].records[0].record_id == "t2"


def test_outbox_passes_over_what_is_stored() -> None:
    outbox = Outbox("orders", batches(5), first=1)
    outbox.resume(3)
    assert [sent.sequence for sent in outbox.requests()] == [4, 5]


def test_outbox_waits_while_too_much_is_under_way() -> None:
    outbox = Outbox("orders", batches(MOST_UNDER_WAY + 1), first=1)
    outbox.resume(0)
    requests = outbox.requests()
    for _ in range(MOST_UNDER_WAY):
        next(requests)
    got = threading.Event()

    def draw() -> None:
        next(requests)
        got.set()

    waiting = threading.Thread(target=draw, daemon=True)
    waiting.start()
    assert not got.wait(0.2)
    outbox.acknowledged(1)
    assert got.wait(5)
    waiting.join()


def test_stopped_outbox_lets_go_of_who_waits() -> None:
    outbox = Outbox("orders", batches(MOST_UNDER_WAY + 1), first=1)
    outbox.resume(0)
    drawing = threading.Thread(target=lambda: list(outbox.requests()), daemon=True)
    drawing.start()
    outbox.stop()
    drawing.join(5)
    assert not drawing.is_alive()
