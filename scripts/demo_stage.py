"""Where the demo plays: its folder, its server, its callers, and what it measures.

stage = Stage(folder, console, free_address(), enterprises)
with serving(stage), stage.client("member") as client:
    client.get_rating(code)
"""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from bonafides.access.callers import SANDBOX_ISSUER, mint
from bonafides.client import Client
from bonafides.instants import from_datetime
from bonafides.keys import load_or_create
from bonafides.settings import Settings
from scripts import sampling
from scripts.run_sandbox import ScriptError

_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 20.0
# How often the memory of a process is looked at; the kernel keeps the highest figure.
_LOOK_SECONDS: Final = 0.02
_LOG_SHOWN: Final = 2_000
_SCRIPTS: Final = Path(__file__).resolve().parent


class ExpectationError(Exception):
    """Something did not come out as it must. The text says what."""


@dataclass(frozen=True, slots=True)
class Import:
    """What became of a folder of real records, and what it took."""

    read: int
    accepted: int
    replayed: int
    refused: Mapping[str, int]
    seconds: float
    peak_mb: float


@dataclass(slots=True)
class Stage:
    """Where the demo plays: its data, its server's address, its enterprises."""

    folder: Path
    console: Console
    address: str
    enterprises: list[sampling.Enterprise]
    timings: list[tuple[str, float]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The settings of every process of the demo."""
        return {
            "BONAFIDES_ENVIRONMENT": "sandbox",
            "BONAFIDES_DATA_DIR": str(self.folder / "data"),
            "BONAFIDES_LISTEN": self.address,
            "BONAFIDES_WORKER_SECONDS": "0.5",
        }

    @property
    def sample(self) -> Path:
        """The folder of the sample data."""
        return self.folder / "sample"

    def by_character(self, name: str) -> sampling.Enterprise:
        """Returns the enterprise of the cast that plays this part."""
        return next(of for of in self.enterprises if of.character.name == name)

    def client(self, kind: str = "", *, subject: str = "demo", owns: Sequence[str] = ()) -> Client:
        """Opens a client as a caller of this kind; "" is the anonymous one."""
        token = self._token(kind, subject, owns) if kind else None
        return Client(self.address, token=token, timeout_seconds=20.0)

    def _token(self, kind: str, subject: str, owns: Sequence[str]) -> str:
        settings = Settings(environment="sandbox", data_dir=self.folder / "data")
        return mint(
            load_or_create(settings).issuer_private_key,
            issuer=SANDBOX_ISSUER,
            audience=settings.token_audience,
            subject=subject,
            kind=kind,
            owns=owns,
            ttl_seconds=600,
            now=from_datetime(dt.datetime.now(dt.UTC)),
        )

    @contextmanager
    def act(self, title: str) -> Iterator[None]:
        """Announces a part of the demo, and says how long it took."""
        self.console.rule(f"[bold]{title}")
        start = time.monotonic()
        yield
        took = time.monotonic() - start
        self.timings.append((title, took))
        self.console.print(f"[dim]{took:.1f} s[/dim]\n")


def expect(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raises ExpectationError unless it holds."""
    if not holds:
        raise ExpectationError(f"expected: {what}")


@contextmanager
def serving(stage: Stage) -> Iterator[None]:
    """Serves in a process of its own; at the end it must drain and exit with 0."""
    log = stage.folder / "server.log"
    with log.open("wb") as opened:
        process = subprocess.Popen(
            [sys.executable, "-c", "from bonafides.cli import app; app()", "serve"],
            env=os.environ | stage.environment,
            stdout=opened,
            stderr=opened,
        )
    try:
        with stage.client() as client:
            client.wait_until_serving(_START_SECONDS)
        yield
        process.terminate()
        expect(process.wait(_STOP_SECONDS) == 0, "the server drains and exits with 0")
    except BaseException:
        stage.console.print(
            log.read_text(encoding="utf-8")[-_LOG_SHOWN:], style="dim", markup=False
        )
        raise
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def run_import(stage: Stage, mapping: str, folder: Path) -> Import:
    """Runs the importer in a process of its own."""
    start = time.monotonic()
    report = stage.folder / f"{mapping}.json"
    with report.open("wb") as opened:
        process = subprocess.Popen(  # noqa: S603 - our own script
            [
                sys.executable,
                str(_SCRIPTS / "import_records.py"),
                str(_SCRIPTS / "mappings" / f"{mapping}.toml"),
                str(folder),
                "--links",
                str(stage.sample / "store_links.csv"),
                "--json",
            ],
            env=os.environ | stage.environment,
            stdout=opened,
        )
    peak_kb = _peak_kb_until_end(process)
    if process.returncode:
        raise ScriptError(f"import_records.py {mapping} exited with {process.returncode}.")
    told = json.loads(report.read_bytes())
    return Import(
        read=told["read"],
        accepted=told["accepted"],
        replayed=told["replayed"],
        refused=told["refused"],
        seconds=time.monotonic() - start,
        peak_mb=peak_kb / 1_024,
    )


def _peak_kb_until_end(process: subprocess.Popen[bytes]) -> int:
    """Waits for a process, and returns the most memory that it held resident.

    Looked at while it runs: what the kernel tells afterwards, ru_maxrss, begins with the
    peak of the process that started it, which exec hands on. Where there is no /proc that
    figure has to do; it is never too small.
    """
    status_file = Path(f"/proc/{process.pid}/status")
    peak_kb = 0
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        peak_kb = max(peak_kb, _high_water_kb(status_file))
        time.sleep(_LOOK_SECONDS)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # Kilobytes, but on macOS bytes.
    return peak_kb or usage.ru_maxrss // (1_024 if sys.platform == "darwin" else 1)


def _high_water_kb(status_file: Path) -> int:
    try:
        lines = status_file.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def free_address() -> str:
    """Returns an address of loopback on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
