"""Views that are not remembered: asked for together, for calls that hold no thread meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import grpc
import pytest

from bonafides.archive.snapshot import Stored
from bonafides.errors import BugError, StoreUnavailableError
from bonafides.instants import Instant
from bonafides.rpc.call import Call
from bonafides.storage.follower import Follower
from bonafides.storage.snapshots import Key, Snapshots, _Memory, _Wanted
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_pb2, archive_service_pb2
from tests import builders
from tests.service.test_pipeline import ARCHIVES, Probe, ask
from tests.serving import Served, probing

VIEW = "PUBLIC"
WIRE = archive_service_pb2.GetArchiveRequest(
    name=f"enterprises/{builders.code(1).text}/archive"
).SerializeToString()


class Source:
    """Has a view of every code but "none", and notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.begun, self.answers = threading.Event(), threading.Event()
        self.answers.set()
        self.fault: Exception | None = None

    def __call__(self, keys: Sequence[Key]) -> Mapping[Key, Stored]:
        self.asked.append([code for code, _ in keys])
        self.begun.set()
        assert self.answers.wait(10)
        if self.fault is not None:
            raise self.fault
        return {key: Stored(1, Instant(0), key[0], b"") for key in keys if key[0] != "none"}


class Line:
    """What waits, before a source and a memory."""

    def __init__(self) -> None:
        self.source = Source()
        self.memory = _Memory(1_000_000)
        self.wanted = _Wanted(self.memory, self.source)

    def put(self, code: str) -> asyncio.Future[None]:
        done = self.wanted.put(code, VIEW)
        assert done is not None
        return done

    def known(self, *codes: str) -> list[str]:
        return [code for code in codes if self.memory.get(code, VIEW)]


@contextmanager
def line() -> Iterator[Line]:
    made = Line()
    with closing(made.wanted):
        yield made


def test_views_that_are_wanted_at_once_are_one_question_and_later_ones_the_next() -> None:
    async def reads(line: Line) -> None:
        line.source.answers.clear()
        first = [line.put(code) for code in ("a", "b", "none")]
        assert await asyncio.to_thread(line.source.begun.wait, 10)
        later = [line.put(code) for code in ("c", "d")]
        line.source.answers.set()
        await asyncio.gather(*first, *later)

    with line() as made:
        asyncio.run(reads(made))
        assert made.source.asked == [["a", "b", "none"], ["c", "d"]]
        assert made.known("a", "b", "none", "c", "d") == ["a", "b", "c", "d"]


def test_view_that_several_want_is_asked_for_once() -> None:
    async def reads(line: Line) -> None:
        await asyncio.gather(*(line.put(code) for code in ("b", "a", "b")))

    with line() as made:
        asyncio.run(reads(made))
        assert made.source.asked == [["b", "a"]]
        assert made.known("a", "b") == ["a", "b"]


def test_question_is_of_64_views_and_512_may_wait() -> None:
    async def reads(line: Line) -> None:
        waiting = [line.put(f"{number}") for number in range(512)]
        assert line.wanted.put("one more", VIEW) is None
        await asyncio.gather(*waiting)
        await line.put("one more")

    with line() as made:
        asyncio.run(reads(made))
        assert [len(codes) for codes in made.source.asked] == [64] * 8 + [1]


def test_fault_of_the_database_ends_the_waiting_and_is_left_to_who_asks_next() -> None:
    async def reads(line: Line) -> None:
        line.source.fault = StoreUnavailableError()
        await asyncio.gather(line.put("a"), line.put("b"))
        assert line.known("a", "b") == []
        line.source.fault = None
        await line.put("b")

    with line() as made:
        asyncio.run(reads(made))
        assert made.known("a", "b") == ["b"]
        # What was expected in vain takes no place.
        assert list(made.memory._entries) == ["b"]


def test_caller_that_left_spoils_nothing_for_those_beside_it() -> None:
    async def reads(line: Line) -> None:
        line.source.answers.clear()
        left, stayed = line.put("a"), line.put("b")
        await asyncio.sleep(0.01)
        left.cancel()
        line.source.answers.set()
        await stayed

    with line() as made:
        asyncio.run(reads(made))
        assert made.known("b") == ["b"]


def test_nobody_waits_for_a_line_that_is_closed() -> None:
    async def reads(line: Line) -> None:
        line.wanted.close()
        for _ in range(2):
            await asyncio.wait_for(line.put("a"), 5)

    with line() as made:
        asyncio.run(reads(made))
        assert made.source.asked == []


def test_view_that_changed_while_it_was_asked_for_is_not_remembered() -> None:
    from bonafides.storage.changes import ARCHIVE, Change  # noqa: PLC0415 - of this test alone

    async def reads(line: Line) -> None:
        line.source.answers.clear()
        done = line.put("a")
        line.memory.told([Change(ARCHIVE, "a", 2, builders.NOW)])
        line.source.answers.set()
        await done

    with line() as made:
        asyncio.run(reads(made))
        assert made.known("a") == []


def test_server_is_asked_for_what_is_not_remembered_and_a_file_never(store: Store) -> None:
    codes = [builders.code(number).text for number in (1, 2, 3)]
    for number in (1, 2):
        builders.enroll(store, builders.code(number))
    on_file = store.url.get_backend_name() == "sqlite"

    async def reads(snapshots: Snapshots) -> list[bool]:
        snapshots.start()
        waiting = [snapshots.fetch(code, VIEW) for code in codes]
        assert [each is None for each in waiting] == [on_file] * 3
        await asyncio.gather(*filter(None, waiting))
        return [snapshots.at_once(code, VIEW) is not None for code in codes]

    follower = Follower(store, monotonic=time.monotonic)
    with closing(Snapshots(store, follower)) as snapshots:
        follower.look()
        assert asyncio.run(reads(snapshots)) == [True, True, False]
        assert snapshots.fetch(codes[0], VIEW) is None


def test_nothing_is_fetched_for_a_memory_that_hears_of_no_change(store: Store) -> None:
    async def fetch(snapshots: Snapshots) -> bool:
        done = snapshots.fetch("a", VIEW)
        if done is not None:
            await done
        return done is not None

    follower, source = Follower(store, monotonic=time.monotonic), Source()
    with closing(Snapshots(store, follower)) as snapshots:
        # In place of a server, so that it is tried on every database.
        snapshots._wanted = _Wanted(snapshots._memory, source)
        assert not asyncio.run(fetch(snapshots))
        follower.look()
        assert asyncio.run(fetch(snapshots))
        follower.stop()
        assert not asyncio.run(fetch(snapshots))
    assert source.asked == [["a"]]


class Twice(Probe):
    """Comes again at once, after what `fetch` gives."""

    def __init__(
        self,
        fetch: Callable[[], asyncio.Future[None] | None],
        known: bytes | None,
        handle: Callable[[archive_service_pb2.GetArchiveRequest, Call], bytes],
    ) -> None:
        super().__init__(handle)
        self._fetch = fetch
        self._known = known
        self.tries = self.fetches = 0

    def at_once_get_archive(
        self, _: archive_service_pb2.GetArchiveRequest, call: Call
    ) -> bytes | None:
        self.tries += 1
        call.comes_again(self._counted)
        return self._known if self.tries > 1 else None

    def _counted(self) -> asyncio.Future[None] | None:
        self.fetches += 1
        return self._fetch()


def fetched() -> asyncio.Future[None]:
    done = asyncio.get_running_loop().create_future()
    done.get_loop().call_later(0.01, done.set_result, None)
    return done


def never(_: archive_service_pb2.GetArchiveRequest, __: Call) -> bytes:
    raise BugError("a thread was asked")


def test_call_that_comes_again_is_answered_without_a_thread() -> None:
    probe = Twice(fetched, b"known", never)
    with probing(ARCHIVES, probe) as address:
        answer = ask(address, WIRE)
    assert (answer.code, answer.body, probe.tries) == (grpc.StatusCode.OK, b"known", 2)


@pytest.mark.parametrize("fetch", [fetched, lambda: None], ids=["fetched", "not"])
def test_what_is_not_known_then_either_is_left_to_a_thread(
    fetch: Callable[[], asyncio.Future[None] | None],
) -> None:
    probe = Twice(fetch, None, lambda _, __: b"thread")
    with probing(ARCHIVES, probe) as address:
        answer = ask(address, WIRE)
    assert (answer.code, answer.body) == (grpc.StatusCode.OK, b"thread")
    # It does not come a third time.
    assert (probe.tries, probe.fetches) == (2 if fetch is fetched else 1, 1)


def test_what_is_fetched_is_waited_for_until_the_deadline() -> None:
    probe = Twice(lambda: asyncio.get_running_loop().create_future(), None, never)
    with probing(ARCHIVES, probe, default_deadline_seconds=0.3) as address:
        answer = ask(address, WIRE, timeout=None)
    assert answer.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert probe.tries == 1


def test_reads_at_once_of_what_was_never_read_are_each_answered_for_themselves(
    served: Served,
) -> None:
    for number in range(1, 11):
        builders.enroll(served.store, builders.code(number))
    codes = [builders.code(number).text for number in range(1, 13)]

    def read(code: str) -> tuple[grpc.StatusCode, str]:
        name = f"enterprises/{code}/archive"
        wire = archive_service_pb2.GetArchiveRequest(name=name).SerializeToString()
        answer = ask(served.address, wire)
        return answer.code, archive_pb2.Archive.FromString(answer.body).registration.code

    with ThreadPoolExecutor(len(codes)) as pool:
        found = list(pool.map(read, codes))
    assert found == [
        *((grpc.StatusCode.OK, code) for code in codes[:-2]),
        *[(grpc.StatusCode.NOT_FOUND, "")] * 2,
    ]
