"""Starts what is measured as processes of their own, and reads what they cost.

CPU time is read from /proc/<pid>/task/*/schedstat, in nanoseconds by the kernel's
own clock: utime in /proc/<pid>/stat is sampled by the tick, and was wrong by up to
2.5 times for calls of 100 us. Reading needs Linux; a thread that ended takes its
time with it, so servers are warmed up first.

    with started({"service": service(data)}, folder) as servers:
        before = cpu_us(servers["service"].pid)
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bonafides.access.budgets import Payer

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.05
_LOG_SHOWN: Final = 2_000
_PROC: Final = Path("/proc")


class NotMeasuredError(Exception):
    """A figure could not be measured. The text says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A process that listens on an address of loopback."""

    pid: int
    address: str


@dataclass(frozen=True, slots=True)
class Command:
    """How a server is started; the address to listen on is put after the words."""

    words: Sequence[str]
    environment: Mapping[str, str]


def cpu_us(pid: int, proc: Path = _PROC) -> float:
    """Returns the CPU time that the process's threads have had, in microseconds.

    Raises:
        NotMeasuredError: no such process, or a kernel that keeps no schedstat.
    """
    total = 0
    try:
        for task in (proc / str(pid) / "task").iterdir():
            try:
                total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
            except ProcessLookupError:
                # It ended between the listing and the reading.
                continue
    except (OSError, ValueError, IndexError) as fault:
        raise NotMeasuredError(f"no CPU time of process {pid}: {fault!r}") from None
    return total / 1_000


def resident_mb(pid: int, proc: Path = _PROC) -> float:
    """Returns the memory that the process holds, in MB of 2**20 bytes.

    Raises:
        NotMeasuredError: /proc does not tell.
    """
    try:
        for line in (proc / str(pid) / "status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1_024
    except OSError as fault:
        raise NotMeasuredError(f"no memory of process {pid}: {fault!r}") from None
    raise NotMeasuredError(f"no memory of process {pid}: no VmRSS")


@contextmanager
def started(commands: Mapping[str, Command], folder: Path) -> Iterator[dict[str, Server]]:
    """Runs servers by name until the block ends, from when all of them listen.

    They start side by side; each logs to a file of its own in the folder.

    Raises:
        NotMeasuredError: one ended, or does not listen in time; the text has its log.
    """
    running: dict[str, tuple[subprocess.Popen[bytes], Server]] = {}
    try:
        for name, command in commands.items():
            address = free_address()
            with (folder / f"{name}.log").open("wb") as log:
                process = subprocess.Popen(  # noqa: S603 - our own commands
                    [*command.words, address],
                    env=os.environ | dict(command.environment),
                    stdout=log,
                    stderr=log,
                )
            running[name] = process, Server(process.pid, address)
        for name, (process, server) in running.items():
            _await_listening(process, server.address, folder / f"{name}.log")
        yield {name: server for name, (_, server) in running.items()}
    finally:
        for process, _ in running.values():
            process.terminate()
        for process, _ in running.values():
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def service(data: Path, *, threads: int | None = None, database_url: str = "") -> Command:
    """Returns `bonafides serve`, as users start it.

    Background rounds are kept out of the figures: none begins while it is measured.
    """
    settings = {
        "BONAFIDES_ENVIRONMENT": "sandbox",
        "BONAFIDES_DATA_DIR": str(data),
        "BONAFIDES_DATABASE_URL": database_url,
        "BONAFIDES_WORKER_SECONDS": "3600",
        # One caller reads what a thousand would; it pays for each like any other.
        "BONAFIDES_ENTERPRISES_PER_DAY": json.dumps(dict.fromkeys(Payer, 1_000_000)),
    }
    if threads is not None:
        settings["BONAFIDES_THREADS"] = str(threads)
    program = "from bonafides.cli import app; app()"
    return Command((sys.executable, "-c", program, "serve", "--listen"), settings)


def ours(module: str, *arguments: object) -> Command:
    """Returns how a server of this package is started."""
    return Command((sys.executable, "-m", f"scripts.bench.{module}", *map(str, arguments)), {})


def free_address() -> str:
    """Returns an address of loopback on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _await_listening(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    host, _, port = address.rpartition(":")
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((host, int(port)), 1.0).close()
        except OSError:
            time.sleep(_POLL_SECONDS)
        else:
            return
    told = log.read_text(encoding="utf-8", errors="replace")[-_LOG_SHOWN:]
    raise NotMeasuredError(f"nothing listens on {address}:\n{told}")
