"""The website in a real browser: the whole way of a newcomer, and how every page looks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bonafides.archive.public_records import Severity
from bonafides.cli import app as command
from tests import builders, rated
from tests.browsing import DESKTOP, PHONE, SCREENS, browsing, grave_findings
from tests.serving import Served, serving
from tests.webbing import Website, serving_website

CODE = builders.code()
ARCHIVE = f"/enterprises/{CODE.text}"
TITLE = builders.registration().title
# Of who acts for the enterprise; the archive and the level are seen by visitors, too.
OWNED = (
    "history",
    "advice",
    "requirements",
    "corrections",
    "reviews",
    "consents",
    "data",
    "inbox",
    "accesses",
    "amend",
    "report",
)


@pytest.fixture
def wronged(tmp_path: Path) -> Iterator[Served]:
    """A sandbox whose enterprise has a penalty that another one got."""
    with serving(tmp_path / "data") as running:
        wrong = builders.penalty(of=CODE, severity=Severity.SERIOUS)
        rated.rated(running, CODE, facts=[wrong])
        yield running


@pytest.fixture
def shown(wronged: Served) -> Iterator[Website]:
    """Its website."""
    with serving_website(wronged, samples=[CODE.text]) as running:
        yield running


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    """A headless browser, or a skipped test."""
    with browsing(tmp_path) as running:
        yield running


def staff_says(served: Served, *arguments: str) -> dict[str, Any]:
    """Runs a command of the command line as staff; returns its JSON."""
    env: dict[str, str | None] = {name: None for name in os.environ if "BONAFIDES" in name}
    token = served.token("operator", subject="clerk")
    env |= {"BONAFIDES_SERVER": served.address, "BONAFIDES_TOKEN": token}
    done = CliRunner().invoke(command, ["--json", *arguments], env=env)
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    return told


def level_on(page: Any) -> str:
    return str(page.locator(".hero .level [data-field]").first.inner_text())


def log_in(page: Any, shown: Website, *, owner: bool, following: str) -> None:
    page.goto(f"{shown.origin}/login?next={following}")
    who = "owner" if owner else "visitor"
    page.click(f"form:has(input[name=who][value={who}]) button")


@pytest.mark.feature("E9")
@pytest.mark.feature("J2")
def test_newcomer_sees_a_level_and_owner_has_a_wrong_penalty_taken_out(
    wronged: Served, shown: Website, browser: Any
) -> None:
    # Nothing of it needs a script.
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(shown.origin)
    page.click(".samples a")
    assert TITLE in page.locator("h1").inner_text()
    assert page.locator("[data-field^='rating']").count() == 0
    page.click(".more .button")
    page.click("form:has(input[name=who][value=visitor]) button")
    assert level_on(page) == "B"
    page.click("header form[method=post] button")

    log_in(page, shown, owner=True, following=f"{ARCHIVE}/level")
    assert level_on(page) == "B"
    assert page.locator(".reasons > li").count() >= 3
    page.click(".reasons > li:has-text('处罚') .tags a")
    assert page.locator("#target").input_value().startswith("fact:penalty:")
    page.fill("#wrong", "该处罚属于另一家企业。")
    page.fill("#right", "本企业没有行政处罚。")
    page.click("#open ~ form button")
    assert "处理中" in page.locator("h2 .tag").first.inner_text()

    (case,) = [
        each["name"]
        for each in staff_says(wronged, "queue")["items"]
        if "corrections" in each["name"]
    ]
    rated.later(wronged)
    staff_says(
        wronged, "queue", "decide", case, "uphold", "--withdraw", "--reason", "处罚对象有误。"
    )
    page.goto(f"{shown.origin}{ARCHIVE}/level")
    assert level_on(page) == "A"
    page.goto(f"{shown.origin}{ARCHIVE}/corrections")
    assert "异议成立" in page.locator("main").inner_text()
    page.goto(f"{shown.origin}{ARCHIVE}/inbox")
    assert "诚信等级上升" in page.locator("main").inner_text()


@pytest.mark.feature("J1")
def test_browser_asks_no_other_host_and_reports_no_fault(shown: Website, browser: Any) -> None:
    page = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(shown.origin)
    log_in(page, shown, owner=True, following=ARCHIVE)
    for path in OWNED:
        page.goto(f"{shown.origin}{ARCHIVE}/{path}")
    assert said == []
    assert [url for url in asked if not url.startswith(shown.origin)] == []
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_accessible_fits_its_screen_and_is_kept_as_a_picture(
    shown: Website, browser: Any, language: str, size: str
) -> None:
    viewport = PHONE if size == "phone" else DESKTOP
    page = browser.new_context(viewport=viewport).new_page()
    prefix = "" if language == "zh" else "/en"
    SCREENS.mkdir(parents=True, exist_ok=True)

    def look(name: str, path: str) -> None:
        page.goto(f"{shown.origin}{prefix}{path}" or "/")
        page.screenshot(path=str(SCREENS / f"{name}-{language}-{size}.png"), full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], name
        assert grave_findings(page) == [], name

    look("home", "/" if language == "zh" else "")
    look("archive-public", ARCHIVE)
    look("login", f"/login?next={ARCHIVE}")
    look("not-found", "/look-up?q=九九市没有这家有限公司")
    log_in(page, shown, owner=False, following="/")
    look("archive-member", ARCHIVE)
    look("level-member", f"{ARCHIVE}/level")
    page.click("header form[method=post] button")
    log_in(page, shown, owner=True, following=ARCHIVE)
    look("archive-owner", ARCHIVE)
    look("level-owner", f"{ARCHIVE}/level")
    for name in OWNED:
        look(name, f"{ARCHIVE}/{name}")
    look("submit", "/submit")


def test_page_is_used_by_keyboard_alone(shown: Website, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{shown.origin}/en")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.focus("#q")
    page.keyboard.type(CODE.text)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{ARCHIVE}")
    assert TITLE in page.locator("h1").inner_text()
