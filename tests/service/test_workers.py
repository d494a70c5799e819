"""Several processes on one port: they serve, outlive a death, drain, and share a database."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import pytest
import sqlalchemy as sa

from bonafides import server
from bonafides.client import Client
from bonafides.settings import Settings, SettingsError
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store
from tests import builders
from tests.serving import serving

_ROOT = Path(__file__).parents[2]
_SERVE = (
    "from bonafides.server import serve; from bonafides.settings import Settings; serve(Settings())"
)
# Each of two processes takes in batches of its own, interleaved with the other's.
_INGEST = """
import sys
from bonafides.records import operations
from bonafides.personal.sealing import Vault
from bonafides.storage.unit_of_work import Store
from tests import builders
url, name = sys.argv[1:]
store, vault = Store(url), Vault(bytes(range(32)), "sandbox")
print("ready", flush=True)
sys.stdin.readline()
for batch in range(20):
    told = [builders.transaction(f"{name}-{batch}-{number}") for number in range(10)]
    shared = builders.transaction(f"both-{batch}")
    report = operations.ingest(store, vault, builders.rates(), [*told, shared], now=builders.NOW)
    assert report.rejected == ()
    operations.fold(store, now=builders.NOW)
"""


@dataclass
class Fleet:
    """A server of several processes, and what it logs."""

    process: subprocess.Popen[str]
    reader: threading.Thread
    logged: queue.Queue[dict[str, Any]]

    @classmethod
    def start(cls, folder: Path, **changes: str) -> Self:
        environment = {
            **os.environ,
            "BONAFIDES_DATA_DIR": str(folder),
            "BONAFIDES_LISTEN": "127.0.0.1:0",
            "BONAFIDES_WORKERS": "2",
            **changes,
        }
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _SERVE], env=environment, stderr=subprocess.PIPE, text=True
        )
        logged: queue.Queue[dict[str, Any]] = queue.Queue()
        reader = threading.Thread(target=_read, args=(process.stderr, logged))
        reader.start()
        return cls(process, reader, logged)

    def close(self) -> None:
        """Kills the supervisor, and waits until its processes have noticed and ended."""
        self.process.kill()
        self.process.wait()
        self.reader.join(30)

    def event(self, named: str, fits: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any]:
        """Waits for the next event of the name; those between are dropped."""
        while True:
            found = self.logged.get(timeout=30)
            if found["event"] == named and fits(found):
                return found


def _read(stream: IO[str], logged: queue.Queue[dict[str, Any]]) -> None:
    with stream:
        for line in stream:
            for event in _events(line):
                logged.put(event)


def _events(line: str) -> Iterator[dict[str, Any]]:
    """Yields the events of a line; one that was killed leaves the beginning of one in it.

    Python itself complains in plain words where a process was killed.
    """
    decoder, at = json.JSONDecoder(), line.find("{")
    while at >= 0:
        try:
            found, end = decoder.raw_decode(line, at)
        except ValueError:
            end = at + 1
        else:
            if "event" in found:
                yield found
        at = line.find("{", end)


@pytest.fixture
def fleet(database_url: str, tmp_path: Path) -> Iterator[Fleet]:
    started = Fleet.start(tmp_path / "data", BONAFIDES_DATABASE_URL=database_url)
    yield started
    started.close()


def test_workers_serve_outlive_a_death_and_drain(fleet: Fleet) -> None:
    """Both serve; the one with the background work is killed and replaced; SIGTERM."""
    one, two = fleet.event("serving"), fleet.event("serving")
    assert one["address"] == two["address"]
    assert len({one["process"], two["process"], fleet.process.pid}) == 3
    assert {one["background"], two["background"]} == {True, False}
    first = one if one["background"] else two
    os.kill(first["process"], signal.SIGKILL)
    assert fleet.event("worker_died")["exit_code"] == -signal.SIGKILL
    successor = fleet.event("serving")
    assert successor["background"]
    assert successor["process"] != first["process"]
    # Each connection goes to either process.
    for _ in range(6):
        with Client(one["address"]) as client:
            assert client.get_scorecard().name.startswith("scorecards/")
    fleet.process.send_signal(signal.SIGTERM)
    fleet.event("draining")
    fleet.event("draining")
    assert fleet.process.wait(30) == 0


def test_workers_end_when_their_supervisor_is_gone_and_keep_their_port_until_then(
    tmp_path: Path,
) -> None:
    fleet = Fleet.start(tmp_path / "one")
    try:
        address = fleet.event("serving")["address"]
        fleet.event("serving")
        settings = Settings(data_dir=tmp_path / "two", listen=address, workers=2)
        with pytest.raises(SettingsError, match="taken"):
            server._supervise(settings)
        fleet.process.kill()
        fleet.event("draining")
        fleet.event("draining")
    finally:
        fleet.close()


def test_port_that_one_server_has_is_refused_to_workers(tmp_path: Path) -> None:
    with serving(tmp_path / "one") as first:
        settings = Settings(data_dir=tmp_path / "two", listen=first.address, workers=2)
        with pytest.raises(SettingsError, match="taken"):
            server._supervise(settings)


def test_worker_that_cannot_start_stops_the_start_and_says_why(tmp_path: Path) -> None:
    pair = tmp_path / "no.pem"
    pair.write_bytes(b"no certificate")
    settings = Settings(
        data_dir=tmp_path / "data",
        listen="127.0.0.1:0",
        workers=2,
        tls_certificate=pair,
        tls_key=pair,
    )
    with pytest.raises(SettingsError, match="TLS key"):
        server._supervise(settings)


def test_two_processes_take_records_in_at_once_and_lose_or_double_none(
    store: Store, database_url: str
) -> None:
    builders.link_stores(store, [builders.transaction()])
    started = [
        subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _INGEST, database_url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(_ROOT)])},
        )
        for name in ("one", "two")
    ]
    for each in started:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in started:
        each.communicate("go\n", timeout=60)
    assert [each.returncode for each in started] == [0, 0]
    with store.reading() as work:
        sequences = work.execute(sa.select(tables.record.c.sequence)).scalars().all()
        folded = work.execute(sa.select(sa.func.sum(tables.rollup_day.c.transactions))).scalar()
    # The link; 20 batches of 10 each, and 20 records that both sent.
    assert sorted(sequences) == list(range(1, 422))
    assert folded == 420
