"""The asynchronous client, and the example of docs/platforms.md as it stands there."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import grpc
import pytest

import bonafides
from bonafides.client import InsecureTargetError, RemoteError
from bonafides.client.aio import AsyncClient
from bonafides.client.faults import ClosedClientError, TokenUnusableError
from bonafides.errors import StoreUnavailableError
from bonafides.instants import DAY, Instant, to_datetime
from bonafides.v1 import platform_pb2, platform_service_pb2, rating_pb2
from bonafides.v1.platform_service_pb2 import DESCRIPTOR
from bonafides.v1.purpose_pb2 import READ_PURPOSE_ELIGIBILITY
from tests import builders, rated
from tests.serving import Served, probe_token, probing

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
            client.batch([CODE, ABSENT], purpose=PURPOSE),
        )

    archive, level, answers = run(served, read)
    with served.client(served.token("platform", subject="shop")) as client:
        assert archive == client.get_archive(CODE, purpose=PURPOSE)
        assert level == client.get_rating(CODE, purpose=PURPOSE)
        assert list(answers) == list(client.platforms.batch([CODE, ABSENT], purpose=PURPOSE))
        changed = run(served, lambda each: each.changed(purpose=PURPOSE))
        assert changed == client.platforms.changed(purpose=PURPOSE)


@pytest.mark.feature("F2", "F3")
def test_asynchronous_client_decides_and_asks(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    until = to_datetime(Instant(served.clock.now + DAY))

    async def work(client: AsyncClient) -> None:
        made = await client.decide(
            CODE, platform_pb2.PlatformDecision.OUTCOME_ENDED, purpose=PURPOSE, reason="LEFT"
        )
        assert await client.decisions() == await client.decisions(CODE) == [made]
        asked = await client.ask(CODE, platform_pb2.Inquiry.KIND_UPDATE, "请更新", deadline=until)
        assert await client.inquiries() == [asked]
        closed = await client.close_inquiry(asked.name)
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
    assert list(probed(reading, lambda each: each.batch([CODE], purpose=PURPOSE))) == []
    own = builders.request_id(7)
    made = probed(
        writing,
        lambda each: each.decide(CODE, ended, purpose=PURPOSE, reason="LEFT", request_id=own),
    )
    assert made.name == own
    assert (reading.calls, writing.calls) == (3, 3)


def test_write_without_a_request_id_is_never_tried_again() -> None:
    service = Failing(1)
    name = f"enterprises/{CODE}/inquiries/{builders.request_id(1)}"
    with pytest.raises(RemoteError) as failed:
        probed(service, lambda each: each.close_inquiry(name))
    assert failed.value.code is grpc.StatusCode.UNAVAILABLE
    assert service.calls == 1


@pytest.mark.feature("F1", "F2")
def test_example_of_the_page_runs_as_it_stands_there(served: Served, tmp_path: Path) -> None:
    rated.rated(served, COMPANY)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert sum(1 for line in example.splitlines() if line) <= 20
    script = tmp_path / "example.py"
    script.write_text(example, encoding="utf-8")
    token = served.token("platform", subject="shop")
    done = subprocess.run(  # noqa: S603 - our own page
        [sys.executable, str(script), served.address, token, CODE, ABSENT],
        env=os.environ | {"PYTHONPATH": str(Path(bonafides.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    admitted, absent = done.stdout.splitlines()
    assert absent.startswith(ABSENT)
    with served.client(token) as client:
        (made,) = client.platforms.decisions()
        assert admitted == f"{CODE} {made.name}"
        assert made.level == client.get_rating(CODE, purpose=PURPOSE).level
        assert made.level != rating_pb2.LEVEL_NR
        assert made.record_time.ToDatetime(tzinfo=dt.UTC) == to_datetime(served.clock.now)
