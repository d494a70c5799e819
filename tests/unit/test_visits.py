"""Which forms are taken: those that our own page gave to this very session."""

from __future__ import annotations

import pytest
from jinja2 import Environment
from starlette.requests import Request

from bonafides.web.clients import Clients, address_of
from bonafides.web.language import LANGUAGES
from bonafides.web.sessions import Session, Sessions
from bonafides.web.site import Provider, Site
from bonafides.web.visits import Visit, World, forged_by

ORIGIN = "https://example.com"


def asked(peer: str = "192.0.2.1", **headers: str) -> Request:
    """Returns a request from the peer; headers by keyword."""
    told = [(n.replace("_", "-").encode(), v.encode()) for n, v in headers.items()]
    return Request({"type": "http", "method": "POST", "client": (peer, 5), "headers": told})


def forged(session: Session | None, token: str, **headers: str) -> bool:
    """Tells whether a form with the token counts as forged."""
    site = Site(ORIGIN, "127.0.0.1:1", Provider("https://x", "web"), lambda: 0.0, lambda: 0)
    world = World(site, Sessions(), Clients(site), Environment(autoescape=True), provider=None)
    return forged_by(Visit(world, asked(**headers), LANGUAGES[0], session, {"csrf": token}))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": ORIGIN},
        {"origin": ORIGIN, "sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
    ],
)
def test_form_of_our_own_page_is_taken(headers: dict[str, str]) -> None:
    session = Sessions().open(0.0)
    assert not forged(session, session.csrf, **headers)


def test_form_without_a_session_is_forged() -> None:
    assert forged(None, "")


@pytest.mark.parametrize("token", ["", "x", "测"])
def test_form_with_another_token_is_forged(token: str) -> None:
    assert forged(Sessions().open(0.0), token)


def test_form_with_the_token_of_another_session_is_forged() -> None:
    held = Sessions()
    assert forged(held.open(0.0), held.open(0.0).csrf)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://example.com"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_form_of_another_site_is_forged_though_it_has_the_token(headers: dict[str, str]) -> None:
    session = Sessions().open(0.0)
    assert forged(session, session.csrf, **headers)


@pytest.mark.parametrize(
    ("peer", "told", "address"),
    [
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "nowhere", ""),
    ],
    ids=["no proxy of ours", "a proxy of ours", "behind what it was told", "no address"],
)
def test_address_of_a_visitor_is_the_word_of_our_own_proxy(
    peer: str, told: str, address: str
) -> None:
    request = asked(peer, x_forwarded_for=told)
    assert address_of(request, frozenset({"127.0.0.1"})) == address
