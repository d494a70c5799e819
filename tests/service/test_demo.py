"""What `make demo` and `make run` do, run as a person runs them."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from bonafides.client import Client, RemoteError
from scripts import demo_stage
from tests import builders

ROOT = Path(__file__).parents[2]
SECONDS = 120.0

# One machine's cores are few: what starts processes of its own runs one after another.
pytestmark = pytest.mark.xdist_group("processes")


def environment(folder: Path, listen: str) -> dict[str, str]:
    """The settings of a sandbox in the folder, and nothing of the caller's."""
    kept = {name: value for name, value in os.environ.items() if "BONAFIDES_" not in name}
    return kept | {
        "BONAFIDES_DATA_DIR": str(folder / "data"),
        "BONAFIDES_LISTEN": listen,
        "BONAFIDES_WEB_LISTEN": free_address(),
        # Where logins are kept.
        "XDG_CONFIG_HOME": str(folder / "config"),
        "BONAFIDES_WORKER_SECONDS": "0.5",
        "PYTHONUNBUFFERED": "1",
    }


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def script(name: str, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "scripts" / name), *arguments]


def run(
    command: list[str], cwd: Path, settings: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own scripts, and what they print
        command, cwd=cwd, env=settings, capture_output=True, text=True, timeout=SECONDS, check=False
    )


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, Path]]:
    """A running `make run`: its folder, its address, and the file of what it prints."""
    folder = tmp_path_factory.mktemp("sandbox")
    listen = free_address()
    log = folder / "log"
    with log.open("wb") as opened:
        process = subprocess.Popen(  # noqa: S603 - our own script
            script("run_sandbox.py"),
            cwd=folder,
            env=environment(folder, listen),
            stdout=opened,
            stderr=opened,
        )
    try:
        with Client(listen) as client:
            client.wait_until_serving(SECONDS)
        end = time.monotonic() + SECONDS
        while "lists them" not in log.read_text(encoding="utf-8") and time.monotonic() < end:
            time.sleep(0.05)
        yield folder, listen, log
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.feature("A16")
@pytest.mark.feature("D2")
@pytest.mark.feature("E4")
def test_demo_runs_the_whole_flow_and_every_expectation_holds(tmp_path: Path) -> None:
    command = script("demo.py", "--enterprises", "18")
    done = run(command, tmp_path, environment(tmp_path, "127.0.0.1:1"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "Every expectation held."
    for scene in (
        "1. An identity is submitted and verified",
        "2. One enterprise, three views",
        "3. A rival's false submission changes nothing",
        "4. One perfect order is not rated",
    ):
        assert scene in done.stdout
    # Nothing is left in the caller's folder, whatever the caller's settings name.
    assert list(tmp_path.iterdir()) == []


def test_sandbox_prints_commands_that_work_as_they_stand(sandbox: tuple[Path, str, Path]) -> None:
    folder, listen, log = sandbox
    told = log.read_text(encoding="utf-8")
    assert f"Serving gRPC on {listen}" in told
    commands = re.findall(r"^    (\S*bonafides .+)$", told, flags=re.MULTILINE)
    assert len(commands) == 6
    for command in commands:
        done = run(shlex.split(command), folder, environment(folder, "127.0.0.1:1"))
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout


@pytest.mark.feature("D8")
def test_sandbox_has_visitors_of_its_website_pay_by_their_own_addresses(
    sandbox: tuple[Path, str, Path],
) -> None:
    def look(client: Client, number: int) -> str:
        with pytest.raises(RemoteError) as refused:
            client.get_archive(builders.code(number).text)
        return refused.value.reason

    # As the website calls, from loopback, for two that visit it.
    with (
        Client(sandbox[1], forwarded_for="198.51.100.7") as one,
        Client(sandbox[1], forwarded_for="203.0.113.7") as other,
    ):
        spent = next(n for n in range(9_000, 9_100) if look(one, n) == "BUDGET_SPENT")
        assert look(other, spent) == "RESOURCE_NOT_FOUND"


def test_sandbox_serves_the_website_with_sample_enterprises(
    sandbox: tuple[Path, str, Path],
) -> None:
    _, _, log = sandbox
    found = re.search(r"the website on (http://\S+?)\. ", log.read_text(encoding="utf-8"))
    assert found is not None
    end = time.monotonic() + SECONDS
    while True:
        try:
            page = httpx2.get(f"{found[1]}/en", trust_env=False, timeout=SECONDS)
            break
        except httpx2.TransportError:
            # Its process is still loading.
            assert time.monotonic() < end
            time.sleep(0.1)
    assert page.text.count('class="code">91990000') >= 3


def test_second_sandbox_on_a_taken_port_says_how_to_choose_another(
    sandbox: tuple[Path, str, Path], tmp_path: Path
) -> None:
    done = run(script("run_sandbox.py"), tmp_path, environment(tmp_path, sandbox[1]))
    assert done.returncode == 1
    assert "BONAFIDES_LISTEN=127.0.0.1:50052 make run" in " ".join(done.stderr.split())
    # Found out before any data were made.
    assert list(tmp_path.iterdir()) == []


def test_sample_data_are_refused_in_live(tmp_path: Path) -> None:
    live = environment(tmp_path, free_address()) | {"BONAFIDES_ENVIRONMENT": "live"}
    done = run(script("run_sandbox.py"), tmp_path, live)
    assert done.returncode == 1
    assert "sample data belong in a sandbox" in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_peak_of_a_process_is_its_own_and_not_that_of_who_started_it() -> None:
    """Started while 200 MB are held here; holds 60 MB itself."""
    held = bytearray(b"x") * 200_000_000
    told = "import time; held = bytearray(b'x') * 60_000_000; time.sleep(0.5); del held"
    process = subprocess.Popen([sys.executable, "-c", told])  # noqa: S603 - our own command
    peak_mb = demo_stage._peak_kb_until_end(process) / 1_024
    del held
    assert process.returncode == 0
    assert 57 < peak_mb < 120
