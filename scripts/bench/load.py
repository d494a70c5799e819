"""Loads a server from a process of its own and tells what each call took and cost.

Closed loop: so many callers, each of which calls again when it was answered; it
finds what a server can do. Open loop: a call is due every so often, whatever became
of the others, and is timed from when it was due, so that a server that stalls is
charged for the calls that waited. The server's CPU time is read by this process,
around the calls that count: not around the warm-up.

    result = run(Plan(address, "/bench.Bare/Get", bodies, calls=2_000, callers=16), pid)
    result.cpu_us, result.p99_ms
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from scripts.bench.figures import percentile
from scripts.bench.frames import Connection, Http1, Http2
from scripts.bench.processes import NotMeasuredError, cpu_us

_MOST_SECONDS: Final = 120.0
_STREAMS_PER_CONNECTION: Final = 8
_WARM_UP_SHARE: Final = 0.2
# What a refused call is told to wait before it comes again.
_REFUSED_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is called, how often, by how many at once.

    `bodies` are used in order, over and over; each is a message in hex, or the end
    of a path where `http1`. `per_second` makes the loop an open one.
    """

    address: str
    path: str
    bodies: Sequence[str]
    calls: int
    callers: int
    token: str | None = None
    http1: bool = False
    per_second: float | None = None
    warm_up: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it. `cpu_us` is the server's CPU time per call, in microseconds.

    A refused call counts into p99 with the second that it is told to wait.
    """

    refused: int
    per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float


def run(plan: Plan, pid: int) -> Result:
    """Carries the plan out against the server of this process id, in another process.

    Raises:
        NotMeasuredError: a server ended the connection, or took too long.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, "-m", "scripts.bench.load", str(pid)],
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
    return Result(**json.loads(done.stdout))


class _Loop:
    """Sends calls over connections and keeps the time of each."""

    def __init__(self, plan: Plan) -> None:
        host, _, port = plan.address.rpartition(":")
        streams = 1 if plan.http1 else _STREAMS_PER_CONNECTION
        kind: type[Http1 | Http2] = Http1 if plan.http1 else Http2
        self._connections: Final[list[Connection]] = [
            kind((host, int(port)), plan.path, plan.token)
            for _ in range(-(-plan.callers // streams))
        ]
        self._callers: Final = plan.callers
        self._selector: Final = selectors.DefaultSelector()
        for connection in self._connections:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        self._begun: Final[dict[tuple[Connection, int], float]] = {}
        self.seconds: list[float] = []
        self.refused = 0

    def close(self) -> None:
        """Closes the connections."""
        self._selector.close()
        for connection in self._connections:
            connection.socket.close()

    def closed(self, bodies: Iterator[bytes], calls: int) -> None:
        """Keeps every caller waiting for one answer until so many calls are done."""
        turns = itertools.cycle(self._connections)
        for _ in range(min(self._callers, calls)):
            self._send(next(turns), next(bodies), time.perf_counter())
        begun = len(self._begun)
        while self._begun:
            for connection in self._ended(None):
                if begun < calls:
                    begun += 1
                    self._send(connection, next(bodies), time.perf_counter())

    def open(self, bodies: Iterator[bytes], calls: int, per_second: float) -> None:
        """Sends a call when it is due, whether or not others were answered."""
        turns = itertools.cycle(self._connections)
        start = time.perf_counter()
        sent = 0
        while sent < calls or self._begun:
            now = time.perf_counter()
            while sent < calls and start + sent / per_second <= now:
                self._send(next(turns), next(bodies), start + sent / per_second)
                sent += 1
            wait = start + sent / per_second - now if sent < calls else None
            for _ in self._ended(wait):
                pass

    def _send(self, connection: Connection, body: bytes, due: float) -> None:
        self._begun[connection, connection.call(body)] = due

    def _ended(self, wait: float | None) -> Iterator[Connection]:
        """Yields the connection of each call that ended."""
        for key, _ in self._selector.select(wait):
            connection: Connection = key.data
            for number, answered in connection.ends():
                took = time.perf_counter() - self._begun.pop((connection, number))
                self.seconds.append(took if answered else took + _REFUSED_SECONDS)
                self.refused += not answered
                yield connection


def carry_out(plan: Plan, pid: int) -> Result:
    """Carries the plan out from this process."""
    encoded = [body.encode() if plan.http1 else bytes.fromhex(body) for body in plan.bodies]
    bodies = itertools.cycle(encoded)
    with contextlib.closing(_Loop(plan)) as loop:
        if plan.warm_up:
            loop.closed(bodies, max(plan.callers, int(plan.calls * _WARM_UP_SHARE)))
        loop.seconds, loop.refused = [], 0
        cost, start = cpu_us(pid), time.perf_counter()
        if plan.per_second is None:
            loop.closed(bodies, plan.calls)
        else:
            loop.open(bodies, plan.calls, plan.per_second)
        took, cost = time.perf_counter() - start, cpu_us(pid) - cost
    slowest = sorted(loop.seconds)
    return Result(
        refused=loop.refused,
        per_second=plan.calls / took,
        cpu_us=cost / plan.calls,
        p50_ms=percentile(slowest, 0.5) * 1_000,
        p99_ms=percentile(slowest, 0.99) * 1_000,
    )


if __name__ == "__main__":
    print(
        json.dumps(
            dataclasses.asdict(carry_out(Plan(**json.loads(sys.stdin.read())), int(sys.argv[1])))
        )
    )
