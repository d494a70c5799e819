"""A headless browser for tests: Debian's Chromium, wherever one is installed."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

_ROOT: Final = Path(__file__).parents[1]
SCREENS: Final = _ROOT / "build" / "screens"
_AXE: Final = _ROOT / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE: Final = {"width": 390, "height": 844}
DESKTOP: Final = {"width": 1280, "height": 900}
# Anything above is bad enough that somebody can't use the page.
_GRAVE: Final = frozenset({"serious", "critical"})


@contextlib.contextmanager
def browsing(folder: Path) -> Iterator[Any]:
    """Starts a browser with an empty profile in the folder, or skips the test."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no browser: install Debian's chromium (apt-get install chromium)")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="install the test extra to drive a browser"
    )
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=found,
            headless=True,
            args=list(_FLAGS),
            downloads_path=str(folder),
        )
        try:
            yield browser
        finally:
            browser.close()


def grave_findings(page: Any) -> list[str]:
    """Returns what axe-core finds on the page that is serious or critical; skips without it."""
    if not _AXE.exists():
        pytest.skip("no axe-core: npm install --prefix build/axe axe-core@4")
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    told = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{each['id']}: {each['help']} {json.dumps([n['target'] for n in each['nodes']][:3])}"
        for each in told
        if each["impact"] in _GRAVE
    ]
