"""What every answer of the website carries, and what no request gets past."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from bonafides.web.doors import FORM_BYTES, UPLOAD_BYTES, Doors, TooLargeError, _bounded
from bonafides.web.sessions import Login, Sessions
from bonafides.web.site import Provider, Site

TLS = "https://example.com"
PLAIN = "http://127.0.0.1:8080"
NOW = 1_000.0
KEPT_TO_ITSELF = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self' https://login.example"
    ),
}


class _Inner:
    """A page that says hello, and lets somebody in when it is asked for `/in`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/in":
            scope["visitor"] = self._sessions.open(NOW)
        if scope["path"] == "/out":
            scope["visitor"] = None
        while (await receive()).get("more_body"):
            pass
        await PlainTextResponse("hello")(scope, receive, send)


class _Visited:
    """One website at one origin."""

    def __init__(self, origin: str) -> None:
        self.sessions = Sessions()
        site = Site(
            origin=origin,
            server="127.0.0.1:1",
            provider=Provider("https://login.example", "web"),
            seconds=lambda: NOW,
            clock=lambda: 0,
        )
        self._host = site.host
        self._doors = Doors(
            _Inner(self.sessions),
            site=site,
            sessions=self.sessions,
            uploads=lambda path: path == "/submit",
            form_targets=" https://login.example",
        )

    def answer(self, path: str = "/", *, body: int = 0, **headers: str) -> tuple[int, Any]:
        """Returns the status and the headers of an answer."""
        told = {"host": self._host} | {name.replace("_", "-"): v for name, v in headers.items()}
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in told.items()],
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        asyncio.run(self._doors(scope, receive, send))
        begin = next(each for each in sent if each["type"] == "http.response.start")
        return begin["status"], {n.decode(): v.decode() for n, v in begin["headers"]}


@pytest.mark.parametrize("path", ["/", "/static/style.css"])
def test_every_answer_keeps_a_page_to_itself(path: str) -> None:
    _, headers = _Visited(TLS).answer(path)
    assert {name: headers.get(name) for name in KEPT_TO_ITSELF} == KEPT_TO_ITSELF
    assert headers["strict-transport-security"] == "max-age=31536000"


def test_loopback_promises_no_tls() -> None:
    _, headers = _Visited(PLAIN).answer()
    assert "strict-transport-security" not in headers


def test_cookie_goes_over_tls_to_its_own_host_and_no_script_reads_it() -> None:
    _, headers = _Visited(TLS).answer("/in")
    first, *rest = headers["set-cookie"].split("; ")
    assert first.startswith("__Host-session=")
    assert rest == ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"]
    _, headers = _Visited(PLAIN).answer("/in")
    first, *rest = headers["set-cookie"].split("; ")
    assert first.startswith("session=")
    assert rest == ["Path=/", "HttpOnly", "SameSite=Lax"]


def test_cookie_goes_with_its_session() -> None:
    site = _Visited(TLS)
    before = site.sessions.open(NOW)
    _, headers = site.answer("/out", cookie=f"__Host-session={before.id}")
    assert headers["set-cookie"].startswith("__Host-session=; ")
    assert headers["set-cookie"].endswith("; Max-Age=0")


def test_pages_of_a_session_are_stored_nowhere_and_pages_differ_by_cookie() -> None:
    site = _Visited(TLS)
    before = site.sessions.open(NOW)
    made = site.sessions.log_in(before, Login("token", "Somebody"), seconds=60.0, now=NOW)
    stored = {}
    for name, path, cookie in (
        ("nobody", "/", ""),
        ("who is let in", "/in", ""),
        ("who is in", "/", f"__Host-session={made.id}"),
        ("who leaves", "/out", f"__Host-session={made.id}"),
    ):
        _, headers = site.answer(path, cookie=cookie)
        stored[name] = headers["cache-control"]
        assert headers["vary"] == "Cookie"
    assert stored == {
        "nobody": "no-cache",
        "who is let in": "no-store",
        "who is in": "no-store",
        "who leaves": "no-store",
    }


@pytest.mark.parametrize("host", ["", "evil.example", "example.com.evil.example", "example.com:1"])
def test_host_of_somebody_else_is_not_served(host: str) -> None:
    assert _Visited(TLS).answer(host=host)[0] == 421


@pytest.mark.parametrize(
    ("path", "said", "status"),
    [
        ("/", str(FORM_BYTES), 200),
        ("/", str(FORM_BYTES + 1), 413),
        ("/", "-1", 413),
        ("/", "many", 413),
        ("/submit", str(UPLOAD_BYTES), 200),
        ("/submit", str(UPLOAD_BYTES + 1), 413),
    ],
)
def test_body_that_says_it_is_too_large_is_refused(path: str, said: str, status: int) -> None:
    assert _Visited(TLS).answer(path, content_length=said)[0] == status


def test_body_that_says_less_than_it_is_is_refused() -> None:
    assert _Visited(TLS).answer(body=FORM_BYTES + 1, content_length="1")[0] == 413


def taken(*parts: int, most: int) -> int:
    """Returns how many bytes of the parts are let through."""
    coming = iter([{"type": "http.request", "body": bytes(part)} for part in parts])

    async def receive() -> Message:
        return next(coming)

    async def all_of_them() -> int:
        bounded = _bounded(receive, most)
        return sum([len((await bounded())["body"]) for _ in parts])

    return asyncio.run(all_of_them())


def test_body_of_the_largest_size_is_let_through() -> None:
    assert taken(6, 4, most=10) == 10


def test_body_that_comes_longer_is_cut_off() -> None:
    with pytest.raises(TooLargeError):
        taken(6, 5, most=10)
