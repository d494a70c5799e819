"""Serves the website over a sandbox, for tests that visit it with and without a browser."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx2
import uvicorn

from bonafides import website
from bonafides.identity.codes import UnifiedCode
from bonafides.web.app import app
from bonafides.web.site import Site
from tests import builders
from tests.serving import Served

_TICK_SECONDS = 0.01
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Website:
    """A website that listens on loopback."""

    origin: str
    site: Site


@contextlib.contextmanager
def serving_website(
    served: Served,
    *,
    samples: Sequence[str] = (),
    kind: str = "member",
    server: str = "",
    trusted_proxies: Sequence[str] = (),
    listening: socket.socket | None = None,
) -> Iterator[Website]:
    """Serves the website of a sandbox, at the sandbox's time.

    `kind`: what visitors are logged in as, for looks through the eyes of others. `server`:
    another one that is called. `trusted_proxies`: those before the website. `listening`: what
    it takes over, where its address had to be known before.
    """
    with listening or listening_socket() as held:
        port = held.getsockname()[1]
        changes = {"web_listen": f"127.0.0.1:{port}", "trusted_proxies": list(trusted_proxies)}
        settings = served.settings.model_copy(update=changes)
        site = website.site_of(
            settings, server=server or served.address, samples=samples, clock=served.clock
        )
        if kind != "member":
            site = dataclasses.replace(site, signer=_Seeing(served, kind, site.signer))
        config = uvicorn.Config(
            app(site), log_config=None, access_log=False, lifespan="on", proxy_headers=False
        )
        running = _Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [held]})
        thread.start()
        try:
            yield Website(site.origin, site)
        finally:
            running.should_exit = True
            thread.join()


class _Server(uvicorn.Server):  # type: ignore[misc]  # it ships types that mypy is not shown
    """Looks up often: uvicorn's own sees every tenth of a second whether it is to end."""

    async def main_loop(self) -> None:
        """Serves until told to end."""
        # Writes the date that answers bear, too.
        while not await self.on_tick(0):  # noqa: ASYNC110 - what ends it is a flag
            await asyncio.sleep(_TICK_SECONDS)


def listening_socket() -> socket.socket:
    """Returns a socket that listens on a port of loopback that was free."""
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen(128)
    return made


class _Seeing:
    """Signs access tokens of another kind of caller than people are."""

    def __init__(self, served: Served, kind: str, signer: Any) -> None:
        self._served = served
        self._kind = kind
        self._signer = signer
        self.keys = signer.keys
        self.seconds = signer.seconds

    def access_token(self, subject: str, _owns: Sequence[str]) -> str:
        return self._served.token(self._kind, subject=subject)

    def id_token(self, claims: Any) -> str:
        return str(self._signer.id_token({**claims, "kind": self._kind}))


@dataclass(slots=True)
class Visitor:
    """Somebody with a browser that keeps cookies and follows where it is sent."""

    website: Website
    http: httpx2.Client = field(repr=False)

    def get(self, path: str, **more: Any) -> httpx2.Response:
        """Asks for a page."""
        return self.http.get(path, **more)

    def post(self, path: str, form: dict[str, str], **more: Any) -> httpx2.Response:
        """Sends a form with the token of the page before, unless the form has one."""
        return self.http.post(path, data=form, **more)

    def csrf(self, path: str = "/login") -> str:
        """Returns the token that a page's forms bear."""
        found = _CSRF.search(self.get(path).text)
        assert found is not None
        return found[1]

    def log_in(self, code: str = "", *, following: str = "/") -> httpx2.Response:
        """Logs in as a visitor, or as the owner of the code; returns where that led."""
        form = {
            "csrf": self.csrf(),
            "next": following,
            "who": "owner" if code else "visitor",
            "code": code,
        }
        return self.post("/login", form)


@contextlib.contextmanager
def visiting(site: Website) -> Iterator[Visitor]:
    """Opens a browser without a screen and without scripts: an HTTP client with cookies."""
    # A website on loopback has no certificate; to load who signs the others' takes 25 ms.
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with httpx2.Client(
        base_url=site.origin, follow_redirects=True, timeout=20, trust_env=False, verify=nobody
    ) as http:
        yield Visitor(site, http)


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "data-field" and value:
                self.found.extend(value.split())


def fields_in(html: str) -> list[str]:
    """Returns the paths of the fields that a page shows, sorted."""
    parser = _Fields()
    parser.feed(html)
    return sorted(parser.found)


def filled(visitor: Visitor, of: UnifiedCode, /, **changes: str) -> dict[str, str]:
    """Returns the form of an identity, filled in, with the versions that the page shows."""
    page = visitor.get("/submit").text
    told = builders.registration()
    form = {name: value_in(page, name) for name in ("csrf", "request_id", "agreement")}
    form |= {
        "code": of.text,
        "title": told.title,
        "legal_form": told.legal_form or "",
        "registered_address": told.registered_address or "",
        "capital": "1000000.00",
        "established": "2016-11-03",
        "person": builders.PERSON,
        "id_number": builders.ID_NUMBER,
        "phone": builders.PHONE,
        "email": builders.EMAIL,
        "platforms": "1688，taobao",
        "consent_VERIFY_IDENTITY": "yes",
    }
    return form | changes


def value_in(page: str, name: str) -> str:
    """Returns the value of a field that a page fills in."""
    found = re.search(rf'name="{name}"[^>]* value="([^"]+)"', page)
    assert found is not None
    return found[1]
