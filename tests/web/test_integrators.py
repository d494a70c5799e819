"""The pages about integrators, and those about who looked that come after the first."""

from __future__ import annotations

import re

import httpx2
import pytest

from bonafides.access import agents
from bonafides.client import RemoteError
from bonafides.v1.purpose_pb2 import ReadPurpose
from bonafides.web.integrator_pages import SCOPES
from tests import builders, integrators
from tests.serving import Served
from tests.webbing import Visitor, Website, fields_in, visiting

CODE = builders.code()
BELOW = f"/enterprises/{CODE.text}/integrators"
ASKED = ("archive.read", "requirements.read")
CLIENT = "app-1"


@pytest.fixture
def link(served: Served) -> str:
    """The path that the link of a live integrator leads to."""
    integrators.application(served.store, CLIENT)
    with integrators.integrator(served, CLIENT) as asking:
        url = asking.integrators.create_url(ASKED).url
    return "/authorize/" + url.rpartition("/")[2]


@pytest.fixture
def owner(visitor: Visitor) -> Visitor:
    """The enterprise's owner, logged in."""
    visitor.log_in(CODE.text)
    return visitor


def sent(visitor: Visitor, link: str, **changes: str) -> httpx2.Response:
    """Sends the form of a link as it is filled in by an owner who gives one scope."""
    form = {
        "csrf": visitor.csrf(link),
        "code": CODE.text,
        "term": "30",
        "scope.archive.read": "yes",
        "decision": "authorize",
    }
    return visitor.post(link, form | changes)


def given(served: Served) -> list[tuple[str, ...]]:
    with integrators.owner(served, CODE) as owner:
        found = owner.integrators.authorizations(f"enterprises/{CODE.text}")
        return [tuple(each.scopes) for each in found]


def test_scopes_have_the_words_of_the_rules() -> None:
    assert {name: scope.says for name, scope in agents.SCOPES.items()} == dict(SCOPES)


@pytest.mark.feature("D11")
def test_owner_sees_who_asks_for_what_and_what_it_can_not_do(owner: Visitor, link: str) -> None:
    page = owner.get(f"/en{link}").text
    assert f"Application {CLIENT}" in page
    assert "Keeps the books of enterprises" in page
    for scope in ASKED:
        assert f'name="scope.{scope}"' in page
        assert SCOPES[scope] in page
    assert f"Not asked for: {SCOPES['rating.read']}" in page
    # Nothing is given that the owner did not choose.
    assert "checked" not in page
    assert "90 days, until Jan 30, 2027" in page
    shown = [path for path in fields_in(page) if path != "name"]
    assert shown == [
        "application_description",
        "application_title",
        "expire_time",
        "scopes[0]",
        "scopes[1]",
    ]


@pytest.mark.feature("D11")
def test_owner_authorizes_and_takes_back_and_both_act_at_once(
    served: Served, owner: Visitor, link: str
) -> None:
    page = sent(owner, link)
    assert page.status_code == 200
    found = re.search(r'data-field="authorization_code"[^>]*>([^<]+)<', page.text)
    assert found is not None
    with integrators.integrator(served, CLIENT) as asking:
        token = asking.integrators.exchange(found[1]).agent_token
    with integrators.integrator(served, CLIENT, token) as acting:
        acting.get_archive(CODE.text)
        listed = owner.get(f"/en{BELOW}")
        assert "May act" in listed.text
        name = re.search(r'name="name" value="([^"]+)"', listed.text)
        assert name is not None
        form = {"csrf": owner.csrf(BELOW), "name": name[1]}
        after = owner.post(f"/en{BELOW}/revoke", form)
        assert "Taken back or given up" in after.text
        assert 'name="name"' not in after.text
        with pytest.raises(RemoteError, match="token is not valid"):
            acting.get_archive(CODE.text)


@pytest.mark.feature("D11")
def test_list_shows_the_fields_of_the_messages(served: Served, owner: Visitor) -> None:
    integrators.application(served.store, CLIENT)
    integrators.authorized(served, CLIENT, CODE, ASKED)
    shown = fields_in(owner.get(BELOW).text)
    assert shown == sorted(
        f"authorizations[0].{path}"
        for path in (
            "application",
            "application_title",
            "exchange_time",
            "expire_time",
            "grant_time",
            "name",
            "scopes[0]",
            "scopes[1]",
            "state",
        )
    )


def test_refusing_calls_nothing(served: Served, owner: Visitor, link: str) -> None:
    page = sent(owner, link, decision="refuse")
    assert page.url.path == "/"
    assert "已拒绝" in page.text
    assert given(served) == []


def test_form_sent_twice_authorizes_once(served: Served, owner: Visitor, link: str) -> None:
    told = re.search(r'name="request_id" value="([^"]+)"', owner.get(link).text)
    assert told is not None
    for _ in range(2):
        assert sent(owner, link, request_id=told[1]).status_code == 200
    assert given(served) == [("archive.read",)]


@pytest.mark.parametrize(
    ("changes", "anchor"),
    [
        ({"scope.archive.read": ""}, "#scopes"),
        ({"code": "1"}, "#code"),
        ({"term": "400"}, "#term"),
        ({"term": "9" * 60}, "#term"),
    ],
    ids=["no scope", "no code", "too long", "no number"],
)
def test_form_that_lacks_something_says_what_and_keeps_the_rest(
    served: Served, owner: Visitor, link: str, changes: dict[str, str], anchor: str
) -> None:
    page = sent(owner, link, **changes)
    assert page.status_code == 400
    assert f'href="{anchor}"' in page.text
    assert ("checked" in page.text) is ("scope.archive.read" not in changes)
    assert given(served) == []


@pytest.mark.parametrize("scope", ["rating.read", "everything"])
def test_scope_that_the_link_does_not_ask_for_is_not_given(
    served: Served, owner: Visitor, link: str, scope: str
) -> None:
    assert sent(owner, link, **{f"scope.{scope}": "yes"}).status_code == 400
    assert given(served) == []


def test_who_owns_nothing_authorizes_nothing(served: Served, visitor: Visitor, link: str) -> None:
    visitor.log_in()
    page = sent(visitor, link)
    assert page.status_code == 404
    assert given(served) == []
    assert visitor.get(BELOW).status_code == 404


@pytest.mark.parametrize("path", ["nothing", "a" * 65, "a%2f..%2fb", "%0d%0aSet-Cookie:a", "..."])
def test_link_that_is_none_is_said_to_be_none(owner: Visitor, path: str) -> None:
    answer = owner.get(f"/en/authorize/{path}")
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


def test_link_is_followed_through_the_login(visitor: Visitor, link: str) -> None:
    assert visitor.get(link).url.path == "/login"
    assert visitor.log_in(CODE.text, following=link).url.path == link


# --- Attacks --------------------------------------------------------------------------


def test_clickjacking_pages_that_authorize_stand_in_no_frame(owner: Visitor, link: str) -> None:
    for answer in (owner.get(link), sent(owner, link), owner.get(BELOW)):
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("decision", ["authorize", "refuse", "https://evil.example/"])
def test_open_redirect_no_answer_leads_to_where_a_link_or_form_says(
    served: Served, website: Website, owner: Visitor, link: str, decision: str
) -> None:
    names = ("next", "redirect_uri", "return", "url", "url_code", "referer")
    evil = dict.fromkeys(names, "https://evil.example/")
    page = owner.get(link, params=evil)
    assert re.findall(r'(?:href|action)="https?:[^"]*"', page.text) == []
    answered = sent(owner, link, **evil, decision=decision)
    for each in (*answered.history, answered):
        assert str(each.url).startswith(website.origin)
        assert "evil" not in each.headers.get("location", "")
        assert "evil" not in each.text
    # And what is no clear yes is a no.
    assert len(given(served)) == (decision == "authorize")


def test_code_for_the_integrator_is_in_no_address(owner: Visitor, link: str) -> None:
    page = sent(owner, link)
    found = re.search(r'data-field="authorization_code"[^>]*>([^<]+)<', page.text)
    assert found is not None
    assert page.history == []
    assert found[1] not in str(page.url)
    assert found[1] not in str(page.headers)


def test_csrf_form_made_for_another_visitor_authorizes_nothing(
    served: Served, website: Website, owner: Visitor, link: str
) -> None:
    with visiting(website) as attacker:
        attacker.log_in()
        token = attacker.csrf(link)
    assert sent(owner, link, csrf=token).status_code == 403
    for header in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        form = {"csrf": owner.csrf(link), "code": CODE.text, "scope.archive.read": "yes"}
        assert owner.post(link, form, headers=header).status_code == 403
    assert given(served) == []


def test_what_another_enterprise_gave_is_not_taken_back(served: Served, owner: Visitor) -> None:
    integrators.application(served.store, CLIENT)
    _, name = integrators.authorized(served, CLIENT, CODE, ASKED)
    other = builders.code(2).text
    form = {"csrf": owner.csrf(BELOW), "name": name}
    owner.post(f"/enterprises/{other}/integrators/revoke", form)
    with integrators.owner(served, CODE) as mine:
        (left,) = mine.integrators.authorizations(f"enterprises/{CODE.text}")
    assert not left.HasField("revoke_time")


# --- Who looked -----------------------------------------------------------------------


@pytest.mark.feature("F4")
def test_accesses_are_paged_to_the_first_and_none_stands_twice(
    served: Served, owner: Visitor
) -> None:
    purpose = ReadPurpose.READ_PURPOSE_DISPLAY_TO_USERS
    with served.client(served.token("platform")) as platform:
        for _ in range(230):
            platform.get_archive(CODE.text, purpose=purpose)
    with integrators.owner(served, CODE) as mine:
        told = mine.accesses.log(CODE.text)
    path, lines, pages = f"/en/enterprises/{CODE.text}/accesses", 0, 0
    while path:
        page = owner.get(path)
        on_this = {each.partition(".")[0] for each in fields_in(page.text)}
        assert f"Lines on this page: {len(on_this)}." in page.text
        assert ("The latest</a>" in page.text) is (pages > 0)
        lines, pages = lines + len(on_this), pages + 1
        found = re.search(r'rel="next" href="([^"]+)"', page.text)
        assert ("There are earlier ones." in page.text) is (found is not None)
        path = found[1] if found else ""
    assert pages == 3
    # Looking at the log is no look at the archive.
    assert lines == len(told)


def test_page_of_accesses_that_is_none_is_refused_in_words(owner: Visitor) -> None:
    page = owner.get(f"/en/enterprises/{CODE.text}/accesses", params={"page": "nothing"})
    assert page.status_code == 400
    assert "at fault" in page.text
