"""The whole way of a newcomer, from `make run` to a level that an appeal restored."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.browsing import DESKTOP, PHONE, SCREENS, browsing

ROOT = Path(__file__).parents[2]
SECONDS = 180.0
# The second sample: sound, so that one serious penalty costs it a level.
CODE = "91990000000000027W"
HEADER = (
    "kind,code,source,record_id,matched_by,begins,decision_number,authority,sanction,"
    "severity,retrieved_at"
)

# One machine's cores are few: what starts processes of its own runs one after another.
pytestmark = pytest.mark.xdist_group("processes")


@dataclass
class Sandbox:
    """A running `make run`, and the shell beside it."""

    origin: str
    settings: Mapping[str, str] = field(repr=False)
    folder: Path

    def shell(self, *arguments: str, **more: str) -> str:
        """Runs a command as an operator types it; returns what it prints."""
        done = subprocess.run(  # noqa: S603 - our own commands
            arguments,
            cwd=self.folder,
            env={**self.settings, **more},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def bonafides(self, *arguments: str, token: str = "") -> str:
        """Runs the command line, as staff where a token is given."""
        command = [sys.executable, "-c", "from bonafides.cli import app; app()", *arguments]
        return self.shell(*command, **({"BONAFIDES_TOKEN": token} if token else {}))


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """What `make run` starts, once the website answers."""
    if shutil.which("chromium") is None:
        pytest.skip("no browser: install Debian's chromium (apt-get install chromium)")
    kept = {name: value for name, value in os.environ.items() if "BONAFIDES_" not in name}
    listen, web = free_address(), free_address()
    settings = kept | {
        "BONAFIDES_DATA_DIR": str(tmp_path / "data"),
        "BONAFIDES_LISTEN": listen,
        "BONAFIDES_SERVER": listen,
        "BONAFIDES_WEB_LISTEN": web,
        "BONAFIDES_WORKER_SECONDS": "0.5",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "COLUMNS": "200",
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, str(ROOT / "scripts" / "run_sandbox.py")],
            cwd=tmp_path,
            env=settings,
            stdout=log,
            stderr=log,
        )
    try:
        origin = f"http://{web}"
        wait_for(origin, process)
        yield Sandbox(origin, settings, tmp_path)
        process.send_signal(signal.SIGTERM)
        process.wait(SECONDS)
    finally:
        process.kill()
        process.wait()


def wait_for(origin: str, process: subprocess.Popen[bytes]) -> None:
    end, pause = time.monotonic() + SECONDS, threading.Event()
    while True:
        assert process.poll() is None, "make run ended"
        assert time.monotonic() < end, "no website"
        try:
            if httpx2.get(origin, trust_env=False).is_success:
                return
        except httpx2.TransportError:
            pass
        pause.wait(0.1)


def load_wrong_penalty(sandbox: Sandbox) -> None:
    """Has the source deliver a penalty that is another's."""
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 10 * 86_400))
    row = f"PENALTY,{CODE},regulator-list,wrong-1,CODE,{day},九市监罚〔2026〕9001号"
    file = sandbox.folder / "wrong.csv"
    file.write_text(
        f"{HEADER}\n{row},九九市市场监督管理局,罚款,严重,{day}T03:00:00+08:00\n", encoding="utf-8"
    )
    sandbox.shell(sys.executable, str(ROOT / "scripts" / "load_public_records.py"), str(file))


@dataclass
class Newcomer:
    """Somebody in a browser without scripts, whose clicks are counted."""

    page: Any
    clicks: int = 0
    seen: int = 0

    def click(self, what: str) -> None:
        self.clicks += 1
        self.page.click(what)

    def look(self, at: str) -> None:
        """Keeps pictures of the page, which fits a phone and a desktop."""
        self.seen += 1
        SCREENS.mkdir(parents=True, exist_ok=True)
        for size, viewport in (("phone", PHONE), ("desktop", DESKTOP)):
            self.page.set_viewport_size(viewport)
            file = SCREENS / f"journey-{self.seen:02d}-{at}-{size}.png"
            self.page.screenshot(path=str(file), full_page=True)
            width = self.page.locator("html").evaluate("e => e.scrollWidth")
            assert width <= viewport["width"], at

    def level(self) -> str:
        return str(self.page.locator(".hero .level [data-field]").first.inner_text())


@pytest.mark.feature("E9")
@pytest.mark.feature("J2")
def test_newcomer_goes_from_the_first_page_to_a_level_restored(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    prefix = "/en"
    load_wrong_penalty(sandbox)
    with browsing(tmp_path) as browser:
        one = Newcomer(browser.new_context(java_script_enabled=False).new_page())
        page = one.page

        page.goto(f"{sandbox.origin}{prefix}")
        one.look("first-page")
        one.click(f".samples a[href$='{CODE}']")
        assert page.locator("[data-field^='registration']").count() > 0
        assert page.locator("[data-field^='rating']").count() == 0
        one.look("public-archive")
        one.click(".more .button")
        one.look("login")
        one.click("form:has(input[name=who][value=visitor]) button")
        one.look("level-of-a-visitor")
        assert one.level() == "A"
        # A level is three clicks away from the first page.
        assert one.clicks == 3
        one.click("header form[method=post] button")

        page.goto(f"{sandbox.origin}{prefix}/enterprises/{CODE}/level")
        one.click("form:has(input[name=who][value=owner]) button")
        one.look("level-of-its-owner")
        assert page.locator(".reasons > li").count() >= 3
        # A page has links; commands are for the command line.
        told = page.locator(".reasons > li > p").all_inner_texts()
        assert not [text for text in told if "bonafides appeal" in text]
        one.click(".reasons > li:has(a[href*='penalty']) .tags a")
        assert page.locator("#target").input_value().startswith("fact:penalty:")
        one.look("appeal")
        page.fill("#wrong", "该处罚属于另一家企业。")
        page.fill("#right", "本企业没有行政处罚。")
        one.click("#open ~ form button")
        one.look("case")
        assert one.clicks == 7

        token = sandbox.bonafides("token", "operator").strip()
        waiting = json.loads(sandbox.bonafides("--json", "queue", token=token))["items"]
        (case,) = [each["name"] for each in waiting if "/corrections/" in each["name"]]
        assert "wrong-1" in sandbox.bonafides("queue", "show", case, token=token)
        ruled = ["queue", "decide", case, "uphold", "--withdraw", "--reason", "处罚对象有误。"]
        sandbox.bonafides(*ruled, token=token)

        page.goto(f"{sandbox.origin}{prefix}/enterprises/{CODE}/level")
        one.look("level-restored")
        assert one.level() == "AA"
        page.goto(f"{sandbox.origin}{prefix}/enterprises/{CODE}/corrections")
        one.look("case-upheld")
        page.goto(f"{sandbox.origin}{prefix}/enterprises/{CODE}/inbox")
        one.look("inbox")
        assert page.locator(".timeline > li").count() >= 3
