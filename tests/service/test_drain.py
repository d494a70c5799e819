"""SIGTERM: health says NOT_SERVING, the call under way is answered, the process ends well."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2

from bonafides import keys
from bonafides.access.callers import SANDBOX_ISSUER, mint
from bonafides.instants import DAY, Instant
from bonafides.server import system_clock
from bonafides.settings import Settings
from bonafides.v1 import enterprise_pb2, identity_service_pb2, record_service_pb2
from tests import builders

_SERVE = (
    "from bonafides.server import serve; from bonafides.settings import Settings; serve(Settings())"
)
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@dataclass
class Process:
    """A server in a process of its own, as an operator starts it."""

    process: subprocess.Popen[str]
    address: str
    settings: Settings

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def events(self) -> list[dict[str, Any]]:
        """Waits for the end and returns what was logged since the server was serving."""
        _, logged = self.process.communicate(timeout=60)
        return [json.loads(line) for line in logged.splitlines()]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    environment = {
        **os.environ,
        "BONAFIDES_DATA_DIR": str(tmp_path / "data"),
        "BONAFIDES_LISTEN": "127.0.0.1:0",
        # Far longer than a test waits for the end: a server that sits it out is seen.
        "BONAFIDES_DRAIN_SECONDS": "300",
        "BONAFIDES_WORKER_SECONDS": "3600",
    }
    started = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", _SERVE],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stderr is not None
        address = next(
            event["address"]
            for event in map(json.loads, started.stderr)
            if event["event"] == "serving"
        )
        yield Process(started, address, Settings(data_dir=tmp_path / "data"))
    finally:
        started.kill()
        started.communicate()


def submission(now: Instant) -> identity_service_pb2.SubmitIdentityRequest:
    """Returns a submission that is good today."""
    claims = builders.claims()
    yesterday = builders.stamp(now - DAY)
    claims.assent.assent_time.CopyFrom(yesterday)
    for authorization in claims.authorizations:
        authorization.grant_time.CopyFrom(yesterday)
    return identity_service_pb2.SubmitIdentityRequest(
        request_id=builders.request_id(), claims=claims
    )


def token_of(server: Process, kind: str, platform: str = "") -> str:
    return mint(
        keys.load_or_create(server.settings).issuer_private_key,
        issuer=SANDBOX_ISSUER,
        audience=server.settings.token_audience,
        subject="caller-1",
        kind=kind,
        platform=platform,
        ttl_seconds=600,
        now=system_clock(),
    )


def submit(server: Process) -> enterprise_pb2.Submission:
    now = system_clock()
    token = token_of(server, "member")
    with grpc.insecure_channel(server.address) as channel:
        call: Any = channel.unary_unary("/bonafides.v1.IdentityService/SubmitIdentity")
        metadata = (("authorization", f"Bearer {token}"),)
        wire = submission(now).SerializeToString()
        answer: bytes = call(wire, timeout=9, metadata=metadata)
    return enterprise_pb2.Submission.FromString(answer)


def test_call_under_way_is_answered_before_the_process_ends(process: Process) -> None:
    """The write lock is held; the call comes and waits; SIGTERM; the lock is let go."""
    database = process.settings.data_dir / "bonafides.db"
    with (
        closing(sqlite3.connect(database, isolation_level=None)) as lock,
        ThreadPoolExecutor(1) as pool,
    ):
        lock.execute("BEGIN IMMEDIATE")
        under_way = pool.submit(submit, process)
        time.sleep(1)
        assert not under_way.done()
        process.terminate()
        time.sleep(0.5)
        lock.execute("ROLLBACK")
        answer = under_way.result(20)
    logged = process.events()
    assert answer.state == enterprise_pb2.Submission.STATE_PENDING
    assert process.process.returncode == 0
    assert [event["event"] for event in logged] == ["draining", "rpc"]
    assert logged[1]["code"] == "OK"


def test_watchers_of_health_are_told_before_the_end(process: Process) -> None:
    seen: list[int] = []
    first = threading.Event()

    def watch() -> None:
        with grpc.insecure_channel(process.address) as channel:
            method: Any = channel.unary_stream("/grpc.health.v1.Health/Watch")
            try:
                for answer in method(b"", timeout=120):
                    seen.append(health_pb2.HealthCheckResponse.FromString(answer).status)
                    first.set()
            except grpc.RpcError:
                return

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        assert first.wait(60)
        process.terminate()
        watching.result(60)
    process.events()
    assert seen == [_SERVING, _NOT_SERVING]
    assert process.process.returncode == 0


def test_open_stream_of_records_is_told_to_try_again_elsewhere(process: Process) -> None:
    """A batch is acknowledged; the stream stays open; SIGTERM ends it with UNAVAILABLE."""
    sent = threading.Semaphore(0)
    records = [builders.record_message(builders.transaction())]
    wire = record_service_pb2.WriteRecordsRequest(source="orders", sequence=1, records=records)

    def messages() -> Iterator[bytes]:
        yield wire.SerializeToString()
        sent.acquire(timeout=20)

    with grpc.insecure_channel(process.address) as channel:
        method: Any = channel.stream_stream("/bonafides.v1.RecordService/WriteRecords")
        token = token_of(process, "platform", builders.PLATFORM)
        call = method(messages(), timeout=20, metadata=(("authorization", f"Bearer {token}"),))
        answer = record_service_pb2.WriteRecordsResponse.FromString(next(call))
        process.terminate()
        with pytest.raises(grpc.RpcError) as ended:
            next(call)
        sent.release()
    error: Any = ended.value
    logged = process.events()
    assert (answer.sequence, answer.accepted_count) == (1, 1)
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert [event["code"] for event in logged if event["event"] == "rpc"] == ["UNAVAILABLE"]
    assert process.process.returncode == 0


def test_idle_server_ends_at_once(process: Process) -> None:
    process.terminate()
    assert [event["event"] for event in process.events()] == ["draining"]
    assert process.process.returncode == 0
