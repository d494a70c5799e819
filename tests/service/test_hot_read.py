"""Reads on the event loop: never past their time, never far behind other processes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
import sqlalchemy as sa

from bonafides.archive import operations as archive
from bonafides.archive.snapshot import Stored
from bonafides.client import NOT_MODIFIED, RemoteError
from bonafides.errors import RevisionNotReachedError
from bonafides.identity.registry_operations import load_registry
from bonafides.instants import DAY, HOUR, Instant
from bonafides.rating.scorecard import champion
from bonafides.rpc.call import Call
from bonafides.storage import changes, tables
from bonafides.storage.changes import ARCHIVE, Change
from bonafides.storage.follower import Follower
from bonafides.storage.snapshots import Snapshots
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_service_pb2, disclosure_pb2
from tests import builders
from tests.service.test_pipeline import ARCHIVES, Answer, Probe, ask
from tests.serving import Served, probing

CODE = builders.code(1)
OTHER = builders.code(2)
LATER = Instant(builders.NOW + HOUR)
MEMBER = disclosure_pb2.AUDIENCE_MEMBER


class Ticks:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def snapshots(store: Store) -> Iterator[Snapshots]:
    follower = Follower(store, monotonic=time.monotonic)
    opened = Snapshots(store, follower)
    opened.start()
    follower.start()
    yield opened
    follower.stop()
    opened.close()


@pytest.fixture
def elsewhere(database_url: str) -> Iterator[Store]:
    """The same database as another process sees it."""
    opened = Store(database_url)
    yield opened
    opened.close()


def refresh(store: Store, now: Instant = LATER) -> None:
    with store.writing() as work:
        archive.refresh(work, champion(None), CODE.text, now)
        work.commit()


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def warm(snapshots: Snapshots) -> Stored:
    """Returns the member's view once it is had without waiting."""

    def known() -> bool:
        snapshots.read(CODE.text, "MEMBER")
        return snapshots.at_once(CODE.text, "MEMBER") is not None

    wait_until(known)
    found = snapshots.at_once(CODE.text, "MEMBER")
    assert found is not None
    return found


def get(served: Served, token: str | None = None, **asked: Any) -> Answer:
    request = archive_service_pb2.GetArchiveRequest(
        **({"name": f"enterprises/{CODE.text}/archive"} | asked)
    )
    return ask(served.address, request.SerializeToString(), token=token)


@pytest.mark.feature("C13")
def test_view_past_its_time_is_not_had_at_once(store: Store, snapshots: Snapshots) -> None:
    builders.enroll(store, CODE)
    end = Instant(warm(snapshots).next_change_at)

    def at_once(now: Instant) -> Stored | None:
        return archive.view_at_once(snapshots, CODE.text, audience=MEMBER, now=now)

    assert at_once(Instant(end - 1)) is not None
    assert at_once(end) is None


@pytest.mark.feature("C13")
def test_view_past_its_time_is_assembled_anew_before_it_is_served(served: Served) -> None:
    builders.enroll(served.store, CODE)
    with served.client(served.token(ttl_seconds=3_600)) as client:
        before = client.get_archive(CODE.text)
        assert client.get_archive(CODE.text) == before
    served.clock.now = Instant(builders.NOW + DAY)
    with served.client(served.token()) as client:
        after = client.get_archive(CODE.text)
        assert client.get_archive(CODE.text) == after
    assert after.as_of_time.ToMicroseconds() == served.clock.now


@pytest.mark.feature("C13")
def test_change_by_another_process_reaches_readers_within_a_moment(
    served: Served, elsewhere: Store
) -> None:
    builders.enroll(served.store, CODE)
    token = served.token()
    before = get(served, token)
    refresh(elsewhere)
    wait_until(lambda: get(served, token).trailers["revision"] == "2")
    assert before.trailers["revision"] == "1"
    assert get(served, token).body != before.body


def test_change_by_the_process_itself_is_read_at_once(store: Store, snapshots: Snapshots) -> None:
    builders.enroll(store, CODE)
    before = warm(snapshots)
    refresh(store)
    found = snapshots.at_once(CODE.text, "MEMBER") or snapshots.read(CODE.text, "MEMBER")
    assert found is not None
    assert found.revision == before.revision + 1


def test_what_is_remembered_is_not_used_when_changes_are_not_followed(
    store: Store, elsewhere: Store
) -> None:
    builders.enroll(store, CODE)
    ticks = Ticks()
    follower = Follower(store, monotonic=ticks)
    remembered = Snapshots(store, follower)
    follower.look()
    remembered.read(CODE.text, "MEMBER")
    old = remembered.at_once(CODE.text, "MEMBER")
    assert old is not None
    refresh(elsewhere)
    assert remembered.at_once(CODE.text, "MEMBER") == old
    ticks.seconds += 1.0
    # A file is read anew; a server would have to be waited for.
    anew = remembered.at_once(CODE.text, "MEMBER")
    on_file = store.url.get_backend_name() == "sqlite"
    assert (anew.revision if anew else None) == (old.revision + 1 if on_file else None)
    follower.look()
    remembered.read(CODE.text, "MEMBER")
    found = remembered.at_once(CODE.text, "MEMBER")
    assert found is not None
    assert found.revision == old.revision + 1
    # Away for longer than changes are surely kept: everything is forgotten.
    ticks.seconds += 3_600.0
    follower.look()
    assert (remembered.at_once(CODE.text, "MEMBER") is not None) == on_file
    remembered.close()


def test_read_that_began_before_a_change_was_heard_of_is_not_remembered(
    store: Store, elsewhere: Store
) -> None:
    builders.enroll(store, CODE)
    builders.enroll(store, OTHER)

    async def reads() -> tuple[Stored | None, Stored | None]:
        follower = Follower(store, monotonic=time.monotonic)
        snapshots = Snapshots(store, follower)
        follower.look()
        snapshots.start()
        # Begins the transaction that the reads of the next moment share.
        snapshots.at_once(OTHER.text, "MEMBER")
        refresh(elsewhere)
        follower.look()
        first = snapshots.at_once(CODE.text, "MEMBER") or snapshots.read(CODE.text, "MEMBER")
        second = snapshots.at_once(CODE.text, "MEMBER")
        snapshots.close()
        return first, second

    first, second = asyncio.run(reads())
    assert first is not None
    assert first.revision == 2
    assert second == first


def test_view_that_was_read_before_a_change_and_comes_after_it_is_not_remembered() -> None:
    # The memory alone: what the database would do between the two is played here.
    from bonafides.storage.snapshots import _Memory  # noqa: PLC0415 - an inner seam

    memory = _Memory(10_000)
    old, new = (Stored(revision, Instant(0), "e", b"") for revision in (1, 2))
    entry = memory.expect(CODE.text)
    memory.told([Change(ARCHIVE, CODE.text, 2, builders.NOW)])
    memory.put(CODE.text, "MEMBER", entry, old)
    assert memory.get(CODE.text, "MEMBER") is None
    entry = memory.expect(CODE.text)
    memory.put(CODE.text, "MEMBER", entry, new)
    assert memory.get(CODE.text, "MEMBER") is new
    entry = memory.expect(CODE.text)
    memory.clear()
    memory.put(CODE.text, "MEMBER", entry, new)
    assert memory.get(CODE.text, "MEMBER") is None


def test_memory_is_bounded_and_forgets_what_was_used_longest_ago() -> None:
    from bonafides.storage.snapshots import _Memory  # noqa: PLC0415 - an inner seam

    memory = _Memory(5_000)
    for code in ("a", "b", "c", "d"):
        memory.put(code, "PUBLIC", memory.expect(code), Stored(1, Instant(0), "e", bytes(500)))
        memory.get("a", "PUBLIC")
    memory.put("none", "PUBLIC", memory.expect("none"), None)
    assert [code for code in ("a", "b", "c", "d", "none") if memory.get(code, "PUBLIC")] == [
        "a",
        "c",
        "d",
    ]


@pytest.mark.feature("D8")
def test_unknown_code_and_one_that_never_took_part_are_answered_alike(served: Served) -> None:
    known = builders.code(2)
    load_registry(served.store, served.vault, [builders.registry_row(known)], now=builders.NOW)
    answers = [
        get(served, name=f"enterprises/{code.text}/archive") for code in (known, builders.code(3))
    ]
    assert {answer.code for answer in answers} == {grpc.StatusCode.NOT_FOUND}
    assert len({answer.message for answer in answers}) == 1
    assert len({frozenset(answer.trailers) for answer in answers}) == 1


def test_unchanged_archive_costs_no_body_for_any_audience(served: Served) -> None:
    builders.enroll(served.store, CODE)
    for token in (None, served.token(), served.token("operator")):
        first = get(served, token)
        again = get(served, token, if_none_match=first.trailers["etag"])
        other = get(served, token, if_none_match="0" * 32)
        assert (again.body, again.trailers["etag"]) == (b"", first.trailers["etag"])
        assert other.body == first.body
    with served.client(served.token()) as client:
        etag = client.get_archive(CODE.text).etag
        assert client.get_archive(CODE.text, etag=etag) is NOT_MODIFIED
    with served.client() as client:
        shown, etag = client.get_archive_and_etag(CODE.text)
        assert shown.etag == ""
        assert client.get_archive(CODE.text, etag=etag) is NOT_MODIFIED


@pytest.mark.feature("D1")
def test_anonymous_caller_learns_no_revision(served: Served) -> None:
    builders.enroll(served.store, CODE)
    assert "revision" not in get(served).trailers
    refused = get(served, min_revision=1)
    assert (refused.code, refused.info.reason) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "LOGIN_REQUIRED",
    )


def test_reader_waits_for_the_revision_that_it_asks_for(served: Served, elsewhere: Store) -> None:
    builders.enroll(served.store, CODE)
    token = served.token()
    get(served, token)
    later = threading.Timer(0.4, refresh, [elsewhere])
    later.start()
    answer = get(served, token, min_revision=2)
    later.join()
    assert (answer.code, answer.trailers["revision"]) == (grpc.StatusCode.OK, "2")


def test_reader_gives_up_on_a_revision_before_its_deadline(served: Served) -> None:
    builders.enroll(served.store, CODE)
    with served.client(served.token()) as client, pytest.raises(RemoteError) as refusal:
        client.get_archive(CODE.text, min_revision=7)
    assert refusal.value.code is grpc.StatusCode.UNAVAILABLE
    assert refusal.value.reason == "REVISION_NOT_REACHED"


def test_waiting_readers_hold_no_thread(served: Served) -> None:
    """More readers wait than there are threads; a submission is answered meanwhile."""
    builders.enroll(served.store, CODE)
    token = served.token()
    waiting = [
        threading.Thread(target=get, args=(served, token), kwargs={"min_revision": 9})
        for _ in range(12)
    ]
    for each in waiting:
        each.start()
    with served.client(token) as client:
        assert client.get_rating(CODE.text).level
    for each in waiting:
        each.join()


def test_no_more_readers_wait_than_calls_are_let_in() -> None:
    """Two wait, as often as they like to look; the third is told at once to come back."""
    reached, looks = threading.Event(), threading.Semaphore(0)
    looked: Counter[str] = Counter()

    def handle(request: archive_service_pb2.GetArchiveRequest, _: Call) -> bytes:
        looked[request.name] += 1
        if not reached.is_set():
            looks.release()
            raise RevisionNotReachedError
        return b""

    def wire(name: str) -> bytes:
        return archive_service_pb2.GetArchiveRequest(name=name).SerializeToString()

    with (
        probing(ARCHIVES, Probe(handle), threads=1, default_deadline_seconds=30.0) as address,
        ThreadPoolExecutor(2) as pool,
    ):
        waiting = [pool.submit(ask, address, wire("waits"), timeout=30) for _ in range(2)]
        # Their pauses are long by then: both are hardly ever seen at work.
        for _ in range(12):
            assert looks.acquire(timeout=10)
        refused = [ask(address, wire(name), timeout=3) for name in ("third", "fourth")]
        reached.set()
        codes = [each.result().code for each in waiting]
    assert {each.info.reason for each in refused} == {"REVISION_NOT_REACHED"}
    # One of the two that wait may have been looking just then.
    assert 1 in {looked["third"], looked["fourth"]}
    assert codes == [grpc.StatusCode.OK] * 2


def test_submitter_reads_what_its_submission_changed(served: Served) -> None:
    load_registry(served.store, served.vault, [builders.registry_row()], now=builders.NOW)
    with served.client(served.token(owns=[CODE.text])) as client:
        made = client.submit_identity(builders.claims(), request_id=builders.request_id())
        revision = client.last_revision(CODE.text)
        shown = client.get_archive(CODE.text, min_revision=revision)
    assert revision > 0
    assert shown.verification.state == made.state


def test_changes_are_numbered_in_commit_order_and_forgotten_after_an_hour(store: Store) -> None:
    for number in (1, 2, 3):
        builders.enroll(store, builders.code(number))
    with store.reading() as work:
        heard = changes.since(work.connection, 1)
        assert changes.latest(work.connection) == 3
    assert [(number, change.key) for number, change in heard] == [
        (2, builders.code(2).text),
        (3, builders.code(3).text),
    ]
    assert archive.forget_changes(store, now=Instant(builders.NOW + HOUR)) == 0
    assert archive.forget_changes(store, now=Instant(builders.NOW + HOUR + 1)) == 3
    with store.reading() as work:
        # Numbers go on where they were.
        assert changes.latest(work.connection) == 3


def test_views_of_one_assembly_share_a_revision_that_grows(store: Store) -> None:
    builders.enroll(store, CODE)
    refresh(store)
    with store.reading() as work:
        told = work.execute(sa.select(tables.snapshot.c.revision)).scalars().all()
    assert told == [2] * 6
    assert archive.get_revision(store, CODE.text) == 2
    assert archive.get_revision(store, builders.code(2).text) == 0


def test_work_that_is_rolled_back_notes_no_change(store: Store) -> None:
    builders.enroll(store, CODE)
    with store.writing() as work:
        archive.refresh(work, champion(None), CODE.text, LATER)
    assert archive.get_revision(store, CODE.text) == 1
    with store.reading() as work:
        assert changes.latest(work.connection) == 1
