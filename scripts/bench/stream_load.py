"""Loads bidirectional streams from a process of its own, and waits for every answer.

Each stream has a connection of its own, as platforms' processes have. What is sent
was made before the clock starts and goes out as fast as the server's windows of
flow control let it; nothing waits for an answer before it sends on.

    told = run(StreamPlan(address, path, [file], last=[1_000], token=token), pid)
    told.seconds         # from the first byte to the last answer
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.bench.frames import ConnectionEndedError, Http2Stream
from scripts.bench.processes import NotMeasuredError, cpu_us

_MOST_SECONDS: Final = 120.0
_SEQUENCE_TAG: Final = 0x08
_ACCEPTED_TAG: Final = 0x10


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """What is sent: a file of framed messages for each stream, and how many are in each.

    Without `cumulative` every message has an answer; with it an answer says up to
    which message all are done, and how many records it took, in its first two fields.
    """

    address: str
    path: str
    files: Sequence[str]
    messages: int
    token: str | None = None
    cumulative: bool = False


@dataclass(frozen=True, slots=True)
class StreamResult:
    """What came of it. `cpu_us` is the server's CPU time per message, in microseconds."""

    seconds: float
    accepted: int
    cpu_us: float


def run(plan: StreamPlan, pid: int) -> StreamResult:
    """Carries the plan out against the server of this process id, in another process.

    Raises:
        NotMeasuredError: a stream ended before its last answer, or took too long.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", "scripts.bench.stream_load", str(pid)],
            input=json.dumps(dataclasses.asdict(plan)),
            capture_output=True,
            text=True,
            timeout=_MOST_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise NotMeasuredError(f"{plan.path} took more than {_MOST_SECONDS:g} s") from None
    except subprocess.CalledProcessError as fault:
        raise NotMeasuredError(f"{plan.path}: {fault.stderr.strip()[-300:]}") from None
    return StreamResult(**json.loads(done.stdout))


def carry_out(plan: StreamPlan, pid: int) -> StreamResult:
    """Carries the plan out from this process."""
    host, _, port = plan.address.rpartition(":")
    streams = [
        Http2Stream((host, int(port)), plan.path, plan.token, Path(file).read_bytes())
        for file in plan.files
    ]
    with contextlib.ExitStack() as stack:
        for stream in streams:
            stack.enter_context(stream.socket)
        cost, start = cpu_us(pid), time.perf_counter()
        accepted = _exchange(streams, plan)
        took, cost = time.perf_counter() - start, cpu_us(pid) - cost
    return StreamResult(took, accepted, cost / (plan.messages * len(streams)))


def _exchange(streams: Sequence[Http2Stream], plan: StreamPlan) -> int:
    """Sends everything, waits until every stream ended, returns how much was accepted."""
    count = _cumulative if plan.cumulative else _each
    accepted, done = 0, dict.fromkeys(streams, 0)
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream.socket, selectors.EVENT_READ, stream)
            stream.send()
        while selector.get_map():
            for key, _ in selector.select():
                stream = key.data
                for answer in stream.answers():
                    done[stream], more = count(done[stream], answer)
                    accepted += more
                stream.send()
                # Not at the last number: the counts of its batches may come after it.
                if stream.ended:
                    selector.unregister(stream.socket)
    if min(done.values()) < plan.messages:
        raise ConnectionEndedError("a stream ended before its last answer")
    return accepted


def _each(done: int, _answer: bytes) -> tuple[int, int]:
    return done + 1, 1


def _cumulative(done: int, answer: bytes) -> tuple[int, int]:
    """Returns up to which message all are done, and how many records were accepted."""
    fields = {}
    place = 0
    while place < len(answer) and answer[place] in {_SEQUENCE_TAG, _ACCEPTED_TAG}:
        tag = answer[place]
        place, fields[tag] = _varint(answer, place + 1)
    return max(done, fields.get(_SEQUENCE_TAG, 0)), fields.get(_ACCEPTED_TAG, 0)


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Returns the place behind an integer of protobuf's, and the integer."""
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 - the last byte has no high bit
            return place, value


if __name__ == "__main__":
    result = carry_out(StreamPlan(**json.loads(sys.stdin.read())), int(sys.argv[1]))
    print(json.dumps(dataclasses.asdict(result)))
