"""The asynchronous client, and the example of docs/platforms.md as it stands there."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from grpc_health.v1 import health_pb2, health_pb2_grpc

import bonafides
from bonafides.client import Client, Credentials, InsecureTargetError, RemoteError
from bonafides.client.aio import AsyncClient
from bonafides.client.faults import ClosedClientError, TokenUnusableError
from bonafides.errors import StoreUnavailableError
from bonafides.instants import DAY, MICROSECONDS, Instant, to_datetime
from bonafides.storage import tables
from bonafides.v1 import (
    platform_pb2,
    platform_service_pb2,
    rating_pb2,
    rights_service_pb2,
    rights_service_pb2_grpc,
)
from bonafides.v1.platform_service_pb2 import DESCRIPTOR
from bonafides.v1.purpose_pb2 import READ_PURPOSE_ELIGIBILITY
from tests import builders, credentials, rated
from tests.credentials import Application, ed25519, registered
from tests.serving import Served, probe_token, probing, serving

PAGE = Path(__file__).parents[2] / "docs" / "platforms.md"
COMPANY = builders.code()
CODE = COMPANY.text
ABSENT = builders.code(9).text
PURPOSE = READ_PURPOSE_ELIGIBILITY
T = TypeVar("T")


def run(served: Served, work: Callable[[AsyncClient], Awaitable[T]], token: Any = None) -> T:
    """Runs the work with a client of a platform, on an event loop of its own."""

    async def connected() -> T:
        known = token or served.token("platform", subject="shop")
        async with AsyncClient(served.address, token=known) as client:
            return await work(client)

    return asyncio.run(connected())


@pytest.mark.feature("F1", "F5")
def test_asynchronous_client_answers_as_the_other_one(served: Served) -> None:
    rated.rated(served, COMPANY)

    async def read(client: AsyncClient) -> Sequence[Any]:
        return await asyncio.gather(
            client.get_archive(CODE, purpose=PURPOSE),
            client.get_rating(CODE, purpose=PURPOSE),
            client.platforms.batch([CODE, ABSENT], purpose=PURPOSE),
        )

    archive, level, answers = run(served, read)
    with served.client(served.token("platform", subject="shop")) as client:
        assert archive == client.get_archive(CODE, purpose=PURPOSE)
        assert level == client.get_rating(CODE, purpose=PURPOSE)
        assert list(answers) == list(client.platforms.batch([CODE, ABSENT], purpose=PURPOSE))
        changed = run(served, lambda each: each.platforms.changed(purpose=PURPOSE))
        assert changed == client.platforms.changed(purpose=PURPOSE)


@pytest.mark.feature("F2", "F3")
def test_asynchronous_client_decides_and_asks(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    until = to_datetime(Instant(served.clock.now + DAY))

    async def work(client: AsyncClient) -> None:
        made = await client.platforms.decide(
            CODE, platform_pb2.PlatformDecision.OUTCOME_ENDED, purpose=PURPOSE, reason="LEFT"
        )
        assert (
            await client.platforms.decisions() == await client.platforms.decisions(CODE) == [made]
        )
        asked = await client.platforms.ask(
            CODE, platform_pb2.Inquiry.KIND_UPDATE, "请更新", deadline=until
        )
        assert await client.platforms.inquiries() == [asked]
        closed = await client.platforms.close(asked.name)
        assert closed.state == platform_pb2.Inquiry.STATE_CLOSED

    run(served, work)


def test_asynchronous_client_writes_records_once(served: Served) -> None:
    told = [builders.record_message(builders.transaction(f"t{number}")) for number in range(300)]
    batches = [told[start : start + 3] for start in range(0, len(told), 3)]

    async def write(client: AsyncClient, first: int | None) -> tuple[int, int, int]:
        accepted = sequence = repeated = 0
        async for answer in client.write_records(batches, source="orders", first=first):
            accepted += answer.accepted_count
            repeated += answer.repeated_batch_count
            sequence = answer.sequence
        return accepted, sequence, repeated

    assert run(served, lambda client: write(client, None)) == (300, 100, 0)
    # What is stored already is not sent again.
    assert run(served, lambda client: write(client, 1)) == (0, 0, 0)
    assert run(served, lambda client: client.get_write_cursor("orders")) == 100


def test_batches_that_fail_are_told_once_what_came_before_is_stored(served: Served) -> None:
    class SourceError(Exception):
        pass

    def batches() -> Any:
        yield [builders.record_message(builders.transaction("t1"))]
        raise SourceError

    async def write(client: AsyncClient) -> None:
        async for _ in client.write_records(batches(), source="orders"):
            pass

    with pytest.raises(SourceError):
        run(served, write)
    assert run(served, lambda client: client.get_write_cursor("orders")) == 1


def test_faults_are_those_of_the_other_client(served: Served) -> None:
    async def unknown(client: AsyncClient) -> None:
        await client.get_archive(ABSENT, purpose=PURPOSE)

    with pytest.raises(RemoteError) as hidden:
        run(served, unknown)
    assert (hidden.value.code, hidden.value.reason) == (
        grpc.StatusCode.NOT_FOUND,
        "RESOURCE_NOT_FOUND",
    )
    with pytest.raises(TokenUnusableError):
        run(served, unknown, token="two words")
    with pytest.raises(InsecureTargetError):
        asyncio.run(_opened("service.example:50051"))

    async def closed() -> None:
        client = AsyncClient(served.address, token="t")
        await client.close()
        await client.get_archive(CODE, purpose=PURPOSE)

    with pytest.raises(ClosedClientError):
        asyncio.run(closed())


async def _opened(target: str) -> AsyncClient:
    return AsyncClient(target, token="t")


@pytest.mark.parametrize("coroutine", [False, True])
def test_token_is_asked_for_before_each_call(served: Served, coroutine: bool) -> None:  # noqa: FBT001 - a parameter of the test
    builders.enroll(served.store, COMPANY)
    asked = []

    def current() -> str:
        asked.append(1)
        return served.token("platform", subject="shop")

    async def awaited() -> str:
        return current()

    async def twice(client: AsyncClient) -> None:
        await client.get_archive(CODE, purpose=PURPOSE)
        await client.get_archive(CODE, purpose=PURPOSE)

    run(served, twice, token=awaited if coroutine else current)
    assert len(asked) == 2


class Failing:
    """A service that can't reach its database at first."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.calls = 0

    def record_decision(self, request: Any, _call: Any) -> platform_pb2.PlatformDecision:
        self._fail()
        return platform_pb2.PlatformDecision(name=request.request_id)

    def batch_get_archives(
        self, _request: Any, _call: Any
    ) -> platform_service_pb2.BatchGetArchivesResponse:
        self._fail()
        return platform_service_pb2.BatchGetArchivesResponse()

    def close_inquiry(self, _request: Any, _call: Any) -> platform_pb2.Inquiry:
        self._fail()
        return platform_pb2.Inquiry()

    def _fail(self) -> None:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise StoreUnavailableError


def probed(service: Failing, work: Callable[[AsyncClient], Awaitable[T]]) -> T:
    async def connected(address: str) -> T:
        token = probe_token("platform", platform=builders.PLATFORM)
        async with AsyncClient(address, token=token) as client:
            return await work(client)

    with probing(DESCRIPTOR.services_by_name["PlatformService"], service) as address:
        return asyncio.run(connected(address))


def test_unavailable_is_tried_again_for_reads_and_for_writes_with_a_request_id() -> None:
    ended = platform_pb2.PlatformDecision.OUTCOME_ENDED
    reading, writing = Failing(2), Failing(2)
    assert list(probed(reading, lambda each: each.platforms.batch([CODE], purpose=PURPOSE))) == []
    own = builders.request_id(7)
    made = probed(
        writing,
        lambda each: each.platforms.decide(
            CODE, ended, purpose=PURPOSE, reason="LEFT", request_id=own
        ),
    )
    assert made.name == own
    assert (reading.calls, writing.calls) == (3, 3)


def test_write_without_a_request_id_is_never_tried_again() -> None:
    service = Failing(1)
    name = f"enterprises/{CODE}/inquiries/{builders.request_id(1)}"
    with pytest.raises(RemoteError) as failed:
        probed(service, lambda each: each.platforms.close(name))
    assert failed.value.code is grpc.StatusCode.UNAVAILABLE
    assert service.calls == 1


# What is signed is signed at the server's time, which need not be the machine's.
_SHIFTED = (
    "import runpy, sys, time; from bonafides.client import Credentials; del sys.argv[0]; "
    "shift = float(sys.argv.pop(0)); clock = lambda: time.time() + shift; "
    "Credentials.__init__.__kwdefaults__['clock'] = clock; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)


@pytest.mark.feature("F1", "F2")
def test_example_of_the_page_runs_as_it_stands_there(served: Served, tmp_path: Path) -> None:
    rated.rated(served, COMPANY)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert sum(1 for line in example.splitlines() if line) <= 20
    script, key = tmp_path / "example.py", tmp_path / "app.pem"
    script.write_text(example, encoding="utf-8")
    application = registered(served.store)
    key.write_bytes(
        application.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    shift = served.clock.now / MICROSECONDS - time.time()
    program = [sys.executable, "-c", _SHIFTED, str(shift), str(script)]
    done = subprocess.run(  # noqa: S603 - our own page
        [*program, served.address, application.client_id, str(key), CODE, ABSENT],
        env=os.environ | {"PYTHONPATH": str(Path(bonafides.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    admitted, absent = done.stdout.splitlines()
    assert absent.startswith(ABSENT)
    with credentials.client(served, application) as client:
        (made,) = client.platforms.decisions()
        assert admitted == f"{CODE} {made.name}"
        assert made.level == client.get_rating(CODE, purpose=PURPOSE).level
        assert made.level != rating_pb2.LEVEL_NR
        assert made.record_time.ToDatetime(tzinfo=dt.UTC) == to_datetime(served.clock.now)


# --- Applications ---------------------------------------------------------------------------


def as_application(
    served: Served, application: Application, work: Callable[[AsyncClient], Awaitable[T]]
) -> T:
    told = application.credentials(lambda: served.clock.now / MICROSECONDS)

    async def connected() -> T:
        async with AsyncClient(served.address, credentials=told) as client:
            return await work(client)

    return asyncio.run(connected())


def signatures(served: Served) -> int:
    with served.store.reading() as work:
        return len(work.execute(tables.used_assertion.select()).all())


@pytest.mark.feature("I6")
def test_application_reads_by_one_token_and_signs_each_write(served: Served) -> None:
    rated.rated(served, COMPANY)
    application = registered(served.store)
    told = [[builders.record_message(builders.transaction(f"own-{number}"))] for number in range(9)]

    async def work(client: AsyncClient) -> int:
        read = (client.get_archive(CODE, purpose=PURPOSE) for _ in range(5))
        await asyncio.gather(*read)
        assert signatures(served) == 1
        made = await client.platforms.decide(
            CODE, platform_pb2.PlatformDecision.OUTCOME_ENDED, purpose=PURPOSE, reason="LEFT"
        )
        assert await client.platforms.decisions() == [made]
        assert signatures(served) == 2
        return sum([each.accepted_count async for each in client.write_records(told, source="o")])

    assert as_application(served, application, work) == 9
    assert signatures(served) == 3


@pytest.mark.feature("I6")
def test_any_method_is_called_by_its_stub_as_the_application(served: Served) -> None:
    application = registered(served.store)
    request = rights_service_pb2.EraseBuyerRequest(buyer="buyer")

    async def work(client: AsyncClient) -> rights_service_pb2.EraseBuyerResponse:
        rights = rights_service_pb2_grpc.RightsServiceStub(client.channel)
        return await client.call(rights.EraseBuyer, request)

    assert as_application(served, application, work).records == 0
    with pytest.raises(RemoteError) as refusal:
        # Its access token does not write.
        run(served, work, token=_token_of(served, application))
    assert refusal.value.reason == "SIGNED_REQUEST_REQUIRED"


def _token_of(served: Served, application: Application) -> str:
    told = application.credentials(lambda: served.clock.now / MICROSECONDS)
    with Client(served.address, credentials=told) as client:
        return client.access_token()[0]


def test_application_gets_a_token_of_its_own(served: Served) -> None:
    application = registered(served.store)
    token, ends = as_application(served, application, lambda client: client.access_token())
    assert ends > to_datetime(served.clock.now)
    assert run(served, lambda client: client.get_write_cursor("orders"), token=token) == 0
    with pytest.raises(TokenUnusableError):
        run(served, lambda client: client.access_token(), token=token)


def test_health_is_asked_without_a_credential(served: Served) -> None:
    async def asked(client: AsyncClient) -> int:
        request = health_pb2.HealthCheckRequest()
        stub = health_pb2_grpc.HealthStub(client.channel)  # type: ignore[no-untyped-call]  # the library ships no types
        return int((await stub.Check(request, timeout=20)).status)

    # An application that the server doesn't know gets no token.
    stranger = Application("sandbox-unknown", ed25519(), "unknown")
    assert as_application(served, stranger, asked) == health_pb2.HealthCheckResponse.SERVING


def test_token_that_is_taken_no_more_is_got_anew(served: Served, tmp_path: Path) -> None:
    application = registered(served.store)
    told = application.credentials(lambda: served.clock.now / MICROSECONDS)

    async def cursor(address: str) -> int:
        async with AsyncClient(address, credentials=told) as client:
            return await client.get_write_cursor("orders")

    with serving(tmp_path / "other") as other:
        assert registered(other.store).client_id == application.client_id
        assert asyncio.run(cursor(other.address)) == 0
    # Its token is of another deployment now.
    assert asyncio.run(cursor(served.address)) == 0


def test_what_an_application_signs_is_tried_again_only_with_a_request_id() -> None:
    private_key = ed25519(5)
    told = Credentials("sandbox-1", private_key)
    ended = platform_pb2.PlatformDecision.OUTCOME_ENDED
    name = f"enterprises/{CODE}/inquiries/{builders.request_id(1)}"
    for asynchronous in (False, True):
        once, again = Unavailable(), Unavailable()
        for service, word in ((once, "close"), (again, "decide")):
            with unavailable(service) as address, pytest.raises(RemoteError):
                asyncio.run(_try(address, told, name, ended, word, asynchronous=asynchronous))
        assert (once.calls, again.calls) == (1, 4)


async def _try(
    address: str, told: Credentials, name: str, ended: Any, word: str, *, asynchronous: bool
) -> None:
    if not asynchronous:
        with Client(address, credentials=told) as client:
            if word == "close":
                client.platforms.close(name)
            client.platforms.decide(CODE, ended, purpose=PURPOSE, reason="LEFT")
    async with AsyncClient(address, credentials=told) as client:
        if word == "close":
            await client.platforms.close(name)
        await client.platforms.decide(CODE, ended, purpose=PURPOSE, reason="LEFT")


class Unavailable(grpc.GenericRpcHandler):
    """A server that answers every call with UNAVAILABLE, and counts them."""

    def __init__(self) -> None:
        self.calls = 0

    def service(self, _details: grpc.HandlerCallDetails) -> Any:
        def refuse(_request: bytes, context: grpc.ServicerContext) -> bytes:
            self.calls += 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "away")
            return b""

        return grpc.unary_unary_rpc_method_handler(refuse)


@contextmanager
def unavailable(service: Unavailable) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(2), handlers=[service])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
