"""Pages of the website: what each audience is shown, in which words, at which price."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from typer.testing import CliRunner

from bonafides.cli import app as command
from bonafides.v1 import archive_pb2, enterprise_pb2, rating_pb2
from bonafides.v1.purpose_pb2 import ReadPurpose
from bonafides.web.app import PAGES
from bonafides.web.fields import command_in, without_command
from bonafides.web.owner_pages import LINKS
from tests import builders, integrators, rated
from tests.serving import Served, serving
from tests.webbing import Visitor, Website, fields_in, serving_website, visiting

CODE = builders.code().text
ARCHIVE = f"/enterprises/{CODE}"
TITLE = builders.registration().title
DISPLAY = ReadPurpose.READ_PURPOSE_DISPLAY_TO_USERS
NONE = ReadPurpose.READ_PURPOSE_UNSPECIFIED
WHOLE = (Timestamp, Date, enterprise_pb2.Money)


def paths(message: Message, prefix: str = "") -> Iterator[str]:
    """Yields the paths of all fields that are set: amounts, days and instants as one."""
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        if field.is_repeated:
            for at, each in enumerate(value):
                yield from (
                    paths(each, f"{path}[{at}].") if field.message_type else [f"{path}[{at}]"]
                )
        elif isinstance(value, Message) and not isinstance(value, WHOLE):
            yield from paths(value, f"{path}.")
        else:
            yield path


def by_command(
    served: Served, verb: str, token: str | None, options: Sequence[str] = ()
) -> dict[str, Any]:
    env: dict[str, str | None] = {name: None for name in os.environ if "BONAFIDES" in name}
    env |= {"BONAFIDES_SERVER": served.address, "BONAFIDES_TOKEN": token}
    done = CliRunner().invoke(command, ["--json", verb, CODE, *options], env=env)
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    return told


# --- The same fields everywhere -------------------------------------------------------


@pytest.mark.feature("D11")
@pytest.mark.parametrize("audience", ["public", "member", "owner", "platform", "operator"])
@pytest.mark.parametrize("language", ["", "/en"])
def test_website_command_line_and_grpc_show_the_same_fields_of_an_archive(
    served: Served, audience: str, language: str
) -> None:
    kind = audience if audience in {"platform", "operator"} else "member"
    token = {
        "public": None,
        "owner": served.token(owns=[CODE]),
    }.get(audience, served.token(kind))
    platform = audience == "platform"
    with served.client(token) as client:
        told = client.get_archive(CODE, purpose=DISPLAY if platform else NONE)
    with serving_website(served, kind=kind) as site, visiting(site) as visitor:
        if audience != "public":
            visitor.log_in(CODE if audience == "owner" else "")
        page = visitor.get(f"{language}{ARCHIVE}")
    options = ["--purpose", "display-to-users"] if platform else []
    document = by_command(served, "archive", token, options)
    printed = json_format.ParseDict(document, archive_pb2.Archive())
    assert page.status_code == 200
    assert fields_in(page.text) == sorted(paths(told)) == sorted(paths(printed))


@pytest.mark.feature("D11")
@pytest.mark.parametrize("audience", ["member", "owner", "platform", "operator"])
def test_website_command_line_and_grpc_show_the_same_fields_of_a_level(
    served: Served, audience: str
) -> None:
    kind = "member" if audience == "owner" else audience
    owns = [CODE] if audience == "owner" else []
    platform = audience == "platform"
    token = served.token(kind, owns=owns)
    with served.client(token) as client:
        told = client.get_rating(CODE, purpose=DISPLAY if platform else NONE)
    with serving_website(served, kind=kind) as site, visiting(site) as visitor:
        visitor.log_in(*owns)
        page = visitor.get(f"{ARCHIVE}/level")
    options = ["--purpose", "display-to-users"] if platform else []
    document = by_command(served, "level", token, options)
    printed = json_format.ParseDict(document, rating_pb2.Rating())
    assert fields_in(page.text) == sorted(paths(told)) == sorted(paths(printed))


@pytest.mark.feature("D11")
def test_command_line_and_grpc_show_an_integrator_the_same_fields(served: Served) -> None:
    integrators.application(served.store, "app-1")
    agent_token, _ = integrators.authorized(served, "app-1", builders.code())
    own = served.token("integrator", subject="app-1", application="app-1")
    with served.client(own, agent_token) as client:
        archive, rating = client.get_archive(CODE), client.get_rating(CODE)
    options = ["--agent-token", agent_token]
    document = by_command(served, "archive", own, options)
    printed = json_format.ParseDict(document, archive_pb2.Archive())
    assert sorted(paths(archive)) == sorted(paths(printed))
    document = by_command(served, "level", own, options)
    level = json_format.ParseDict(document, rating_pb2.Rating())
    assert sorted(paths(rating)) == sorted(paths(level))


@pytest.mark.feature("D11")
@pytest.mark.feature("F4")
def test_website_and_command_line_tell_the_owner_the_same_of_who_looked(
    served: Served, visitor: Visitor
) -> None:
    with served.client(served.token("platform")) as platform:
        platform.get_archive(CODE, purpose=DISPLAY)
    with served.client(served.token("operator", subject="clerk")) as staff:
        staff.get_archive(CODE)
    visitor.log_in(CODE)
    chinese, english = visitor.get(f"{ARCHIVE}/accesses"), visitor.get(f"/en{ARCHIVE}/accesses")
    for word in ("平台", "向其用户展示", "本服务工作人员", "档案"):
        assert word in chinese.text
    for word in (builders.PLATFORM, "Display to its users", "Staff of the service"):
        assert word in english.text
    told = by_command(served, "access-log", served.token(owns=[CODE]))
    # The look at the page before is in the next one, beside the others of its day.
    assert [each["kind"] for each in told["accesses"]].count("KIND_PLATFORM") == 1
    shown = fields_in(english.text)
    lines = {path.partition(".")[0] for path in shown}
    for at in range(len(lines)):
        assert {f"accesses[{at}].kind", f"accesses[{at}].date", f"accesses[{at}].count"} <= {*shown}


@pytest.mark.feature("F4", "B1")
def test_owner_is_told_on_which_consents_a_platform_was_shown_something(
    served: Served, visitor: Visitor
) -> None:
    individual = builders.code(2, department_and_type="92")
    consented = ["VERIFY_IDENTITY", "SHOW_BUSINESS_FILE", "RATE"]
    builders.enroll(served.store, individual, purposes=consented)
    with served.client(served.token("platform")) as platform:
        platform.get_archive(individual.text, purpose=DISPLAY)
    visitor.log_in(individual.text)
    path = f"/enterprises/{individual.text}/accesses"
    chinese, english = visitor.get(path).text, visitor.get(f"/en{path}").text
    assert {"accesses[0].consents[0]", "accesses[0].consents[1]"} <= {*fields_in(chinese)}
    for page, words in (
        (chinese, ("依据同意", "展示经营档案", "评定等级")),
        (english, ("On consent to",)),
    ):
        for word in words:
            assert word in page


@pytest.mark.feature("F4")
def test_who_looked_is_shown_to_nobody_else(visitor: Visitor) -> None:
    visitor.log_in()
    page = visitor.get(f"{ARCHIVE}/accesses")
    assert page.status_code == 404
    assert "data-field" not in page.text


@pytest.mark.feature("D11")
def test_report_shows_all_that_the_archive_holds(served: Served, visitor: Visitor) -> None:
    with rated.owner(served, CODE) as owner:
        told = owner.get_archive(CODE)
    visitor.log_in(CODE)
    assert fields_in(visitor.get(f"{ARCHIVE}/report").text) == sorted(paths(told))


# --- Who sees what --------------------------------------------------------------------


@pytest.mark.feature("D1")
def test_anonymous_page_names_what_it_withholds_and_shows_no_level(visitor: Visitor) -> None:
    page = visitor.get(f"/en{ARCHIVE}")
    assert "Log in to see more" in page.text
    assert "<li>Integrity level</li>" in page.text
    assert "<li>Business file</li>" in page.text
    assert not [path for path in fields_in(page.text) if path.startswith(("rating", "platforms"))]
    assert 'class="level' not in page.text
    assert 'class="scale' not in page.text


@pytest.mark.feature("D1")
def test_no_anonymous_page_shows_a_level(visitor: Visitor) -> None:
    for page in PAGES:
        if page.method == "GET":
            path = page.path.replace("{code:str}", CODE).replace("{uid:str}", "1")
            shown = visitor.get(path).text
            assert 'data-field="rating' not in shown
            assert 'data-field="level' not in shown


@pytest.mark.feature("D2")
def test_login_adds_level_and_business_file_and_no_reason(visitor: Visitor) -> None:
    page = visitor.log_in(following=ARCHIVE)
    shown = fields_in(page.text)
    assert {"rating.level", "rating.range_low", "rating.basis", "platforms[0].open_stores"} <= set(
        shown
    )
    assert not [path for path in shown if path.startswith(("rating.reasons", "rating.contrib"))]
    assert f"{ARCHIVE}/advice" not in page.text


@pytest.mark.feature("D3")
def test_owner_finds_every_page_of_the_enterprise(visitor: Visitor) -> None:
    page = visitor.log_in(CODE, following=ARCHIVE)
    for path, _ in LINKS:
        assert f'href="{ARCHIVE}{path}"' in page.text
        assert visitor.get(f"{ARCHIVE}{path}").status_code == 200
        assert visitor.get(f"/en{ARCHIVE}{path}").status_code == 200


@pytest.mark.feature("D3")
def test_owners_pages_of_another_show_nothing(visitor: Visitor) -> None:
    visitor.log_in(builders.code(2).text)
    for path, _ in LINKS:
        # Of a list, what the login itself submitted or opened: nothing.
        if path not in {"", "/level", "/report"}:
            assert "data-field" not in visitor.get(f"{ARCHIVE}{path}").text


@pytest.mark.feature("E14")
def test_level_page_says_on_what_it_rests_and_what_it_is_not(visitor: Visitor) -> None:
    visitor.log_in()
    page = visitor.get(f"/en{ARCHIVE}/level").text
    assert "Expert judgement" in page
    assert "It is not a credit rating" in page
    assert {"range_low", "range_high", "as_of_time", "valid_until_time"} <= set(fields_in(page))


@pytest.mark.feature("E2")
def test_owner_sees_a_bar_for_every_contribution(served: Served, visitor: Visitor) -> None:
    with rated.owner(served, CODE) as owner:
        told = owner.get_rating(CODE)
    visitor.log_in(CODE)
    page = visitor.get(f"{ARCHIVE}/level").text
    assert page.count('<svg class="bar') == len(told.contributions)
    # The whole of it, with a link where the text has a command, and the command beside.
    text = told.reasons[0].text_zh
    assert without_command(text) in page
    assert without_command(text) != text
    assert f'<span class="code">{command_in(text)}</span>' in page
    assert told.reasons[0].text_en not in page


# --- Looking up -----------------------------------------------------------------------


def test_code_and_exact_name_lead_to_the_archive(visitor: Visitor) -> None:
    for asked in (CODE, f" {CODE.lower()} ", TITLE):
        page = visitor.get("/look-up", params={"q": asked})
        assert page.url.path == ARCHIVE
        assert TITLE in page.text


@pytest.mark.feature("D8")
def test_unknown_name_is_said_not_to_be_found(visitor: Visitor) -> None:
    page = visitor.get("/en/look-up", params={"q": TITLE[:-2]})
    assert page.status_code == 404
    assert "Nobody found" in page.text


def test_namesakes_are_listed(served: Served, visitor: Visitor) -> None:
    other = builders.code(5)
    builders.enroll(served.store, other)
    page = visitor.get("/look-up", params={"q": TITLE})
    assert CODE in page.text
    assert other.text in page.text


# --- Acting ---------------------------------------------------------------------------


@pytest.mark.feature("J2")
def test_form_opens_a_case_that_is_marked_until_it_is_ruled_on(visitor: Visitor) -> None:
    visitor.log_in(CODE)
    path = f"/en{ARCHIVE}/corrections"
    form = {
        "csrf": visitor.csrf(path),
        "target": "fact:penalty:court-list/r1",
        "wrong": "It was annulled.",
        "right": "There is none.",
    }
    page = visitor.post(path, form)
    assert "Your case is open." in page.text
    assert "It was annulled." in page.text
    assert "Under way" in page.text
    assert "rating.disputed" in fields_in(visitor.get(ARCHIVE).text)


@pytest.mark.feature("J2")
def test_case_that_says_too_little_is_shown_again_with_what_was_entered(visitor: Visitor) -> None:
    visitor.log_in(CODE)
    path = f"/en{ARCHIVE}/corrections"
    page = visitor.post(path, {"csrf": visitor.csrf(path), "wrong": "A word.", "right": "Another."})
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    assert "A word." in page.text


@pytest.mark.feature("B7")
def test_consent_is_taken_back_by_one_form(served: Served, visitor: Visitor) -> None:
    visitor.log_in(CODE)
    path = f"/en{ARCHIVE}/consents"
    form = {"csrf": visitor.csrf(path), "purpose": "PURPOSE_VERIFY_IDENTITY"}
    assert "Taken back, with effect from now." in visitor.post(f"{path}/revoke", form).text
    with rated.owner(served, CODE) as owner:
        assert not any(each.live for each in owner.consents.ledger(CODE))


def test_refused_automation_hides_the_level_from_everybody(visitor: Visitor) -> None:
    visitor.log_in(CODE)
    form = {"csrf": visitor.csrf(f"{ARCHIVE}/reviews"), "refused": "yes"}
    visitor.post(f"{ARCHIVE}/automation", form)
    assert 'class="level lnr"' in visitor.get(f"{ARCHIVE}/level").text


def test_change_of_level_is_told_in_the_inbox(served: Served, visitor: Visitor) -> None:
    visitor.log_in(CODE)
    rated.later(served)
    form = {"csrf": visitor.csrf(f"{ARCHIVE}/reviews"), "refused": "yes"}
    visitor.post(f"{ARCHIVE}/automation", form)
    assert "The enterprise has no level now" in visitor.get(f"/en{ARCHIVE}/inbox").text


# --- Budgets of visitors ----------------------------------------------------------------


@pytest.mark.feature("D8")
@pytest.mark.parametrize("known", [True, False])
def test_visitors_pay_by_their_own_addresses_where_the_service_knows_the_website(
    tmp_path: Path, *, known: bool
) -> None:
    limits: dict[str, Any] = {
        "enterprises_per_day": {"anonymous": 1},
        "trusted_proxies": ["127.0.0.1"] if known else [],
    }
    one, other = ({"x-forwarded-for": each} for each in ("198.51.100.7", "203.0.113.7"))
    with serving(tmp_path / "data", **limits) as served:
        for number in (1, 2):
            builders.enroll(served.store, builders.code(number))
        # The proxy before the website is one that it knows, too.
        with serving_website(served, trusted_proxies=["127.0.0.1"]) as site, visiting(site) as all_:
            codes = [
                all_.get(f"/enterprises/{builders.code(number).text}", headers=whose).status_code
                for whose, number in ((one, 1), (one, 2), (other, 2), (other, 1))
            ]
    assert codes == ([200, 429, 200, 429] if known else [200, 429, 429, 200])


@pytest.mark.feature("D8")
def test_address_that_a_visitor_claims_is_not_believed(tmp_path: Path) -> None:
    limits: dict[str, Any] = {
        "enterprises_per_day": {"anonymous": 1},
        "trusted_proxies": ["127.0.0.1"],
    }
    with serving(tmp_path / "data", **limits) as served:
        for number in (1, 2):
            builders.enroll(served.store, builders.code(number))
        with serving_website(served) as site, visiting(site) as visitor:
            codes = [
                visitor.get(
                    f"/enterprises/{builders.code(number).text}",
                    headers={"x-forwarded-for": f"203.0.{number}.7"},
                ).status_code
                for number in (1, 2)
            ]
    assert codes == [200, 429]


# --- Words and weight -----------------------------------------------------------------


def test_pages_are_chinese_first_with_english_beside(visitor: Visitor) -> None:
    chinese, english = visitor.get(ARCHIVE).text, visitor.get(f"/en{ARCHIVE}").text
    assert '<html lang="zh-CN">' in chinese
    assert "注册资本" in chinese
    assert "2016年11月3日" in chinese
    assert '<html lang="en">' in english
    assert "November 3, 2016" in english
    assert f'href="{ARCHIVE}"' in english
    assert f'href="/en{ARCHIVE}"' in chinese


def test_page_that_is_not_there_says_what_to_do_in_its_language(visitor: Visitor) -> None:
    for path, text in (("/nothing", "处理办法"), ("/en/nothing", "What to do")):
        page = visitor.get(path)
        assert page.status_code == 404
        assert text in page.text


def test_first_view_weighs_less_than_sixty_kilobytes(visitor: Visitor) -> None:
    page = visitor.get("/")
    linked = re.findall(r'<link rel="(?:stylesheet|icon)" href="([^"]+)"', page.text)
    weight = len(page.content) + sum(len(visitor.get(path).content) for path in linked)
    assert len(linked) == 2
    assert weight < 60_000


def test_service_that_is_down_is_said_to_be_so(served: Served) -> None:
    with serving_website(served, server="127.0.0.1:1") as site, visiting(site) as visitor:
        page = visitor.get(f"/en{ARCHIVE}")
    assert page.status_code == 503
    assert "reached" in page.text


def test_website_keeps_who_logged_in_until_logging_out(visitor: Visitor, website: Website) -> None:
    page = visitor.log_in(CODE, following="/en")
    assert "My enterprise" in page.text
    visitor.post("/en/logout", {"csrf": visitor.csrf("/en")})
    assert visitor.get(f"/en{ARCHIVE}/level").url.path == "/en/login"
    assert website.origin.startswith("http://127.0.0.1")
