"""How calls on an event loop end: by deadline, close, giving up, and a stream that is left."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager
from typing import Any

import grpc
import pytest

from bonafides.client import Client, Credentials, RemoteError
from bonafides.client.aio import AsyncClient
from bonafides.client.faults import TokenUnusableError, _Details
from bonafides.errors import ServerDrainingError
from bonafides.instants import MICROSECONDS
from bonafides.v1 import platform_pb2, record_pb2
from bonafides.v1.purpose_pb2 import READ_PURPOSE_ELIGIBILITY as PURPOSE
from tests import builders
from tests.credentials import ed25519, registered
from tests.serving import Served

CODE = builders.code().text
NAME = f"enterprises/{CODE}/inquiries/{builders.request_id(1)}"
ENDED = platform_pb2.PlatformDecision.OUTCOME_ENDED
# By a token; and by a key, which signs what is called here and asks for no token.
CALLERS: dict[str, dict[str, Any]] = {
    "token": {"token": "t"},
    "application": {"credentials": Credentials("sandbox-1", ed25519(5))},
}
callers = pytest.mark.parametrize("who", CALLERS.values(), ids=CALLERS)


class Answering(grpc.GenericRpcHandler):
    """A server that keeps what it is asked, and does the same with every call."""

    def __init__(self, answer: Callable[[grpc.ServicerContext], bytes]) -> None:
        self.asked: list[tuple[bytes, str]] = []
        self.taken = threading.Event()
        self._answer = answer

    def service(self, _details: grpc.HandlerCallDetails) -> Any:
        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            told = dict(context.invocation_metadata())
            self.asked.append((request, str(told["authorization"])))
            self.taken.set()
            return self._answer(context)

        return grpc.unary_unary_rpc_method_handler(answer)


@contextmanager
def answering(server: Answering) -> Iterator[str]:
    running = grpc.server(ThreadPoolExecutor(2), handlers=[server])
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        running.stop(None).wait()


@contextmanager
def holding() -> Iterator[tuple[str, Answering]]:
    """Gives a server that answers nobody before the end of the test."""
    over = threading.Event()

    def hold(_context: grpc.ServicerContext) -> bytes:
        over.wait(60)
        return b""

    server = Answering(hold)
    with answering(server) as address:
        try:
            yield address, server
        finally:
            over.set()


def away(context: grpc.ServicerContext) -> bytes:
    context.abort(grpc.StatusCode.UNAVAILABLE, "away")
    return b""


@callers
def test_call_ends_with_its_deadline(who: dict[str, Any]) -> None:
    async def work(address: str) -> None:
        async with AsyncClient(address, timeout_seconds=0.3, **who) as client:
            await client.platforms.close(NAME)

    with holding() as (address, server), pytest.raises(RemoteError) as ended:
        asyncio.run(work(address))
    assert ended.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert len(server.asked) <= 1


@callers
def test_call_under_way_fails_with_either_client_that_is_closed(who: dict[str, Any]) -> None:
    async def work(address: str, server: Answering) -> None:
        client = AsyncClient(address, timeout_seconds=60, **who)
        call = asyncio.create_task(client.platforms.close(NAME))
        assert await asyncio.to_thread(server.taken.wait, 30)
        await client.close()
        await call

    with holding() as (address, server), pytest.raises(RemoteError) as awaited:
        asyncio.run(work(address, server))
    with holding() as (address, server), ThreadPoolExecutor(1) as thread:
        client = Client(address, timeout_seconds=60, **who)
        call = thread.submit(client.platforms.close, NAME)
        assert server.taken.wait(30)
        client.close()
        with pytest.raises(RemoteError) as blocking:
            call.result(30)
    assert awaited.value.code is blocking.value.code is grpc.StatusCode.CANCELLED


@callers
def test_who_gives_up_is_told_that_and_nothing_of_the_call(who: dict[str, Any]) -> None:
    async def impatient(address: str) -> None:
        async with AsyncClient(address, timeout_seconds=60, **who) as client, asyncio.timeout(0.1):
            await client.platforms.close(NAME)

    async def stopped(address: str, server: Answering) -> None:
        async with AsyncClient(address, timeout_seconds=60, **who) as client:
            call = asyncio.create_task(client.platforms.close(NAME))
            assert await asyncio.to_thread(server.taken.wait, 30)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    with holding() as (address, _), pytest.raises(TimeoutError):
        asyncio.run(impatient(address))
    with holding() as (address, server):
        asyncio.run(stopped(address, server))


@callers
def test_write_that_is_tried_again_is_the_same_to_the_byte(who: dict[str, Any]) -> None:
    async def work(address: str) -> None:
        async with AsyncClient(address, timeout_seconds=30, **who) as client:
            await client.platforms.decide(CODE, ENDED, purpose=PURPOSE, reason="LEFT")

    server = Answering(away)
    with answering(server) as address, pytest.raises(RemoteError) as failed:
        asyncio.run(work(address))
    assert failed.value.code is grpc.StatusCode.UNAVAILABLE
    requests, credentials = zip(*server.asked, strict=True)
    assert (len(requests), len(set(requests))) == (4, 1)
    # A signature counts once: each attempt has its own.
    assert len(set(credentials)) == (4 if "credentials" in who else 1)


@callers
def test_attempts_end_with_the_deadline(who: dict[str, Any]) -> None:
    """Pauses of 0.1 and 0.2 s: the second one would end behind 0.25 s."""

    async def work(address: str) -> None:
        async with AsyncClient(address, timeout_seconds=0.25, **who) as client:
            await client.platforms.decide(CODE, ENDED, purpose=PURPOSE, reason="LEFT")

    server = Answering(away)
    with answering(server) as address, pytest.raises(RemoteError) as failed:
        asyncio.run(work(address))
    assert failed.value.code in {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
    assert len(server.asked) < 4


@pytest.mark.parametrize(
    "who",
    [
        {"token": "two words"},
        {"agent_token": "two words"},
        {"token": "t", "credentials": CALLERS["application"]["credentials"]},
    ],
    ids=["token", "agent token", "token and credentials"],
)
def test_credentials_that_can_not_be_sent_are_refused_when_a_client_is_opened(
    who: dict[str, Any],
) -> None:
    async def opened() -> None:
        AsyncClient("127.0.0.1:1", **who)

    with pytest.raises(TokenUnusableError):
        asyncio.run(opened())
    with pytest.raises(TokenUnusableError):
        Client("127.0.0.1:1", **who)


def test_stream_that_is_left_early_ends_although_its_batches_do_not(served: Served) -> None:
    def batches() -> Iterator[list[record_pb2.Record]]:
        for number in itertools.count(1):
            yield [builders.record_message(builders.transaction(f"t{number}"))]

    async def work() -> int:
        token = served.token("platform", subject="shop")
        async with AsyncClient(served.address, token=token) as client:
            stored = 0
            async for told in client.write_records(batches(), source="orders"):
                stored = told.sequence
                if stored > 9:
                    break
            return stored

    stored = asyncio.run(work())
    with served.client(served.token("platform", subject="shop")) as client:
        assert client.get_write_cursor("orders") >= stored


@pytest.mark.parametrize("signed", [False, True], ids=["token", "application"])
def test_stream_that_breaks_is_taken_up_again_behind_what_is_stored(
    served: Served,
    signed: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """The server cuts the stream before its 10th and its 20th batch."""
    cut: list[int] = []

    def batches() -> Iterator[list[record_pb2.Record]]:
        for number in range(1, 31):
            if number in {10, 20}:
                cut_streams(served)
                cut.append(number)
            yield [builders.record_message(builders.transaction(f"t{number}"))]

    async def work() -> list[int]:
        async with AsyncClient(served.address, **who) as client:
            told = client.write_records(batches(), source="orders")
            sequences = [answer.sequence async for answer in told]
            assert await client.get_write_cursor("orders") == 30
            return sequences

    who: dict[str, Any] = {"token": served.token("platform", subject="shop")}
    if signed:
        application = registered(served.store)
        who = {"credentials": application.credentials(lambda: served.clock.now / MICROSECONDS)}
    sequences = asyncio.run(work())
    assert cut == [10, 20]
    assert (sequences, sequences[-1]) == (sorted(sequences), 30)


@pytest.mark.parametrize("reason", ["", "INTERNAL"], ids=["of the library", "of the server"])
def test_stream_that_fails_inside_is_taken_up_again_unless_the_server_says_so(
    served: Served, reason: str
) -> None:
    """The library says INTERNAL of a message that was on its way when the stream ended."""
    failed = RemoteError(grpc.StatusCode.INTERNAL, "failed", _Details(reason=reason))
    faults = [failed]

    def batches() -> Iterator[list[record_pb2.Record]]:
        for number in range(5):
            yield [builders.record_message(builders.transaction(f"t{number}"))]
            until(lambda: not faults)

    async def work() -> int:
        async with AsyncClient(served.address, token=token) as client:
            opened = client._connection.stream

            async def failing(*told: Any, **more: Any) -> AsyncIterator[Any]:
                async with aclosing(opened(*told, **more)) as answers:
                    async for answer in answers:
                        yield answer
                        if faults:
                            raise faults.pop()

            client._connection.stream = failing  # type: ignore[assignment, method-assign]  # fails once, in its midst
            told = client.write_records(batches(), source="orders")
            return [answer.sequence async for answer in told][-1]

    token = served.token("platform", subject="shop")
    if reason:
        with pytest.raises(RemoteError) as ended:
            asyncio.run(work())
        assert ended.value is failed
    else:
        assert asyncio.run(work()) == 5


def cut_streams(served: Served) -> None:
    """Ends the streams that the server has, as one that drains does; waits until they are over."""
    streams = served.server.pipeline._streams
    until(lambda: bool(streams))
    ended = list(streams)
    for stream in ended:
        stream._loop.call_soon_threadsafe(stream.end, ServerDrainingError())
    until(lambda: not any(stream in streams for stream in ended))


def until(come: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not come():
        assert time.monotonic() < end
        time.sleep(0.01)
