"""The website: what a page costs beside the call that it wraps, and what a first view weighs.

Both figures of CPU are taken over the same pages: that of the website's process, and that
of the service's, which answers one GetArchive for each. One browser that keeps its
connection asks for one page after the other, logged in as a visitor.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx2

from scripts.bench import sample
from scripts.bench.effort import Effort
from scripts.bench.figures import of_rounds, ratios
from scripts.bench.processes import Command, NotMeasuredError, cpu_us, service, started
from scripts.measured import Figure

_WARM_UP: Final = 50
_PAGES: Final = 400
_OK: Final = 200
_CSRF: Final = re.compile(r'name="csrf" value="([^"]+)"')
_LINKED: Final = re.compile(r'<link rel="(?:stylesheet|icon)" href="([^"]+)"')


def measure(folder: Path, effort: Effort) -> Iterator[Figure]:
    """Yields the rows of the website."""
    shown = sample.load(folder)
    data = folder / "data"
    with started({"called": service(data)}, folder) as called:
        service_at = called["called"]
        with started({"site": _website(data, service_at.address)}, folder) as sites:
            site = sites["site"]
            with httpx2.Client(
                base_url=f"http://{site.address}", follow_redirects=True, trust_env=False
            ) as browser:
                yield of_rounds("web.bytes", [_first_view(browser)], "page, style and icon")
                _log_in(browser)
                path = f"/enterprises/{shown.code}"
                _visit(browser, path, _WARM_UP)
                pages, calls = [], []
                for _ in range(effort.rounds):
                    before = cpu_us(site.pid), cpu_us(service_at.pid)
                    _visit(browser, path, _PAGES)
                    pages.append((cpu_us(site.pid) - before[0]) / _PAGES)
                    calls.append((cpu_us(service_at.pid) - before[1]) / _PAGES)
    beside = f"{_median(pages):.0f} us of CPU a page to {_median(calls):.0f} of its call"
    yield of_rounds("web.page", ratios(pages, calls), beside)


def _website(data: Path, server: str) -> Command:
    program = "from bonafides.cli import app; app()"
    words = (sys.executable, "-c", program, "--server", server, "web", "--listen")
    return replace(service(data), words=words)


def _first_view(browser: httpx2.Client) -> int:
    page = _ok(browser.get("/"))
    linked = _LINKED.findall(page.text)
    return len(page.content) + sum(len(_ok(browser.get(path)).content) for path in linked)


def _log_in(browser: httpx2.Client) -> None:
    found = _CSRF.search(_ok(browser.get("/login")).text)
    if found is None:
        raise NotMeasuredError("the login page has no form")
    _ok(browser.post("/login", data={"csrf": found[1], "who": "visitor", "next": "/"}))


def _visit(browser: httpx2.Client, path: str, pages: int) -> None:
    for _ in range(pages):
        page = _ok(browser.get(path))
        if b'data-field="rating.level"' not in page.content:
            raise NotMeasuredError("a page for who is logged in shows no level")


def _ok(answer: httpx2.Response) -> httpx2.Response:
    if answer.status_code != _OK:
        raise NotMeasuredError(f"{answer.url.path} answered {answer.status_code}")
    return answer


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
