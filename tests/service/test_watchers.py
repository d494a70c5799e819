"""Who watches health: a bounded number, each told at once, and none of them kept out for good."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2

from bonafides.rpc import health
from tests.serving import Served, serving

SERVING = health_pb2.HealthCheckResponse.SERVING


def watch(channel: grpc.Channel) -> Any:
    method: Any = channel.unary_stream("/grpc.health.v1.Health/Watch")
    return method(b"", timeout=30)


def is_told(call: Any) -> bool:
    """Returns whether the watcher hears that all is well; False: there are too many."""
    try:
        answer = health_pb2.HealthCheckResponse.FromString(next(call))
    except grpc.RpcError as refused:
        if refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return False
        raise
    return bool(answer.status == SERVING)


def comes_in(served: Served) -> bool:
    with grpc.insecure_channel(served.address) as channel:
        return is_told(watch(channel))


def test_watchers_are_bounded_and_one_that_leaves_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_MOST_OPEN", 2)
    with serving(tmp_path / "data") as served, grpc.insecure_channel(served.address) as channel:
        first, second = watch(channel), watch(channel)
        assert is_told(first)
        assert is_told(second)
        assert not comes_in(served)
        first.cancel()
        deadline = time.monotonic() + 20
        while not comes_in(served):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        second.cancel()
