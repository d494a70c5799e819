"""The load client of the benchmark, against real servers on loopback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from scripts.bench import bare, load, stream_load
from scripts.bench.frames import ConnectionEndedError, framed
from scripts.bench.load import Plan
from scripts.bench.stream_load import StreamPlan
from tests.serving import looping

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads CPU times from /proc")


@pytest.fixture
def address() -> Iterator[str]:
    """A bare server that answers 300 bytes."""

    async def start() -> tuple[grpc.aio.Server, int]:
        server = bare.bare_server(300)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, port

    with looping() as loop:
        server, port = loop.run(start())
        yield f"127.0.0.1:{port}"
        loop.run(server.stop(0))


def _plan(address: str, path: str, **changes: object) -> Plan:
    told = {"address": address, "path": path, "bodies": ["0a01", "0a0102"], "calls": 40}
    return Plan(**told | {"callers": 20} | changes)  # type: ignore[arg-type]  # by keyword


def test_closed_loop_makes_every_call_and_none_is_refused(address: str) -> None:
    told = load.carry_out(_plan(address, bare.GET, token="t" * 700), os.getpid())
    assert told.refused == 0
    assert told.cpu_us > 0


def test_open_loop_makes_every_call(address: str) -> None:
    told = load.carry_out(_plan(address, bare.GET, per_second=2_000.0), os.getpid())
    assert told.refused == 0


def test_call_without_an_answer_counts_as_refused_and_waits_its_second(address: str) -> None:
    told = load.carry_out(_plan(address, "/bench.Bare/None"), os.getpid())
    assert told.refused == 40
    assert told.p99_ms >= 1_000


def test_plan_is_carried_out_by_a_process_of_its_own(address: str) -> None:
    assert load.run(_plan(address, bare.GET), os.getpid()).refused == 0


def test_stream_larger_than_the_windows_is_answered_message_by_message(
    address: str, tmp_path: Path
) -> None:
    file = tmp_path / "messages"
    file.write_bytes(framed(bytes(1_000)) * 400)
    plan = StreamPlan(address, bare.ECHO, [str(file), str(file)], messages=400)
    assert stream_load.carry_out(plan, os.getpid()).accepted == 800


def test_stream_that_ends_early_is_no_success(address: str, tmp_path: Path) -> None:
    file = tmp_path / "messages"
    file.write_bytes(framed(b"one"))
    with pytest.raises(ConnectionEndedError):
        stream_load.carry_out(StreamPlan(address, bare.ECHO, [str(file)], 2), os.getpid())
