"""Logs a person in at an OpenID Connect provider, from a command line.

Authorization code with PKCE (S256), by a browser of the person and an address on loopback
to which the provider sends the code. The command is a public client: it has no secret. It
takes the access token alone; who that names is the service's to check.

Sources: RFC 8252 sections 6, 7.3 and 8.10; RFC 7636; RFC 8414; RFC 9207.

    token, seconds = log_in(Provider("https://login.example.com", "bonafides-cli"), show)
"""

from __future__ import annotations

import base64
import hashlib
import queue
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

from bonafides.cli.faults import CommandError

# How long somebody may take to log in, and the provider to answer.
WAIT_SECONDS: Final = 300.0
_ANSWER_SECONDS: Final = 10.0
_CALLBACK: Final = "/callback"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_DEFAULT_SECONDS: Final = 900.0
_OK: Final = 200
_NOT_FOUND: Final = 404
_BYE: Final = (
    '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>Bonafides</title>'
    "<p>登录已完成，可以关闭本页，回到命令行。</p>"
    '<p lang="en">This page can be closed: the command line goes on.</p></html>'
).encode()


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, and who the command line is there.

    `hint` says who comes, if that is known; `resource` names the service to a provider
    that wants to know which one (RFC 8707).
    """

    issuer: str
    client_id: str
    hint: str = ""
    resource: str = ""


def log_in(
    provider: Provider, show: Callable[[str], None], *, wait_seconds: float = WAIT_SECONDS
) -> tuple[str, float]:
    """Returns an access token, and for how many seconds it is good.

    `show` is given the address that the person is to open.

    Raises:
        CommandError: the provider can't be reached, or refused, or nobody logged in in time.
    """
    told = _about(provider)
    named = {"resource": provider.resource} if provider.resource else {}
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    with _listening(state) as (address, answers):
        asked = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": address,
            "scope": "openid",
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            **({"login_hint": provider.hint} if provider.hint else {}),
            **named,
        }
        mark = "&" if urlsplit(told["authorization_endpoint"]).query else "?"
        show(f"{told['authorization_endpoint']}{mark}{urlencode(asked)}")
        try:
            answer = answers.get(timeout=wait_seconds)
        except queue.Empty:
            raise CommandError(
                f"Nobody logged in within {wait_seconds:.0f} seconds.",
                "Repeat the command, and open the address that it shows.",
            ) from None
    if not _is_named(answer.get("iss", provider.issuer), provider) or "code" not in answer:
        raise _refused(answer.get("error", "no code"))
    return _exchanged(
        told["token_endpoint"],
        {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": address,
            "client_id": provider.client_id,
            "code_verifier": verifier,
            **named,
        },
    )


def is_loopback(address: str) -> bool:
    """Tells whether an address is of this machine, over plain http."""
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


def _about(provider: Provider) -> Mapping[str, str]:
    """Returns what the provider says of itself."""
    _require_safe(provider.issuer)
    told = _asked("GET", f"{provider.issuer}/.well-known/openid-configuration")
    if not _is_named(told.get("issuer"), provider):
        raise CommandError(
            f"{provider.issuer} calls itself otherwise.",
            "Name the provider exactly as it does: --issuer.",
        )
    endpoints = {name: str(told.get(name)) for name in ("authorization_endpoint", "token_endpoint")}
    for address in endpoints.values():
        _require_safe(address)
    return endpoints


def _is_named(issuer: object, provider: Provider) -> bool:
    # Some end their names in a slash, which people leave out.
    return isinstance(issuer, str) and issuer.rstrip("/") == provider.issuer.rstrip("/")


def _exchanged(address: str, form: Mapping[str, str]) -> tuple[str, float]:
    told = _asked("POST", address, form)
    token, kind = told.get("access_token"), str(told.get("token_type", "")).lower()
    if not isinstance(token, str) or not token or kind != "bearer":
        raise _refused(str(told.get("error", "no access token")))
    seconds = told.get("expires_in")
    return token, float(seconds) if isinstance(seconds, int | float) else _DEFAULT_SECONDS


def _asked(method: str, address: str, form: Mapping[str, str] | None = None) -> Mapping[str, Any]:
    # Only what is enciphered may pass a proxy that the environment names.
    passing = not is_loopback(address)
    try:
        with httpx2.Client(timeout=_ANSWER_SECONDS, trust_env=passing) as http:
            answer = http.request(method, address, data=form)
            told = answer.json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
        told = None
    if not isinstance(told, dict):
        host = urlsplit(address).netloc
        raise CommandError(
            f"Where one logs in, {host}, can't be reached, or is no provider.",
            "See that --issuer names an OpenID Connect provider, and repeat the command.",
        )
    return told


def _require_safe(address: str) -> None:
    if not address.startswith("https://") and not is_loopback(address):
        raise CommandError(
            f"{address} is not https: who logs in would be seen on the way.",
            "Name the https address of the provider: --issuer.",
        )


def _refused(why: str) -> CommandError:
    # The provider's word, cut short: it comes from outside.
    return CommandError(f"The provider let nobody in: {why[:80]}.", "Repeat the command.")


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@contextmanager
def _listening(state: str) -> Iterator[tuple[str, queue.Queue[Mapping[str, str]]]]:
    """Listens on loopback for the one answer that bears the state; gives address and answers."""
    answers: queue.Queue[Mapping[str, str]] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            told = {name: values[0] for name, values in parse_qs(asked.query).items()}
            # Whatever else comes by, from whichever page, ends nothing.
            known = asked.path == _CALLBACK and secrets.compare_digest(
                told.get("state", "").encode(), state.encode()
            )
            self.send_response(_OK if known else _NOT_FOUND)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            if known:
                self.wfile.write(_BYE)
                answers.put(told)

        def log_message(self, *_: object) -> None:
            """Says nothing: the address holds the code."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{_CALLBACK}", answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
