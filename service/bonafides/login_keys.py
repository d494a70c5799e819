"""Keeps the published keys of OIDC issuers, and fetches them anew beside the calls.

Rules:
- A thread of its own fetches: at the start, every ten minutes, and when a token names a
  key that is not known, but then once a minute at most, whatever callers send. The call
  that brought the unknown key waits for that fetch, two seconds at the most; others are
  refused meanwhile.
- Addresses are https, on loopback http too; a file on this machine is read anew as
  well. One fetch has five seconds in all and a bounded size; redirects and compressed
  answers are refused, proxies of the environment are not used.
- A set that can't be fetched or trusted leaves the one before in place, for a day at the
  most. The log says so, with the name of the fault alone.
- Whoever remembers what a key signed hears when a fetch is without that key, or has
  another under its id, and when a set is too old: at most ten minutes later, and the
  seconds of the fetch.

    keys = LoginKeys(monotonic=time.monotonic)
    key_of = keys.follow("https://login.example", Published("https://login.example/jwks"))
    keys.hear(verifier.forget)
    keys.start()
    key_of({"kid": "2026-11"})        # a SigningKey, or CredentialError
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx2
import structlog

from bonafides.access import jwks
from bonafides.access.jwks import JwksError, read_jwks
from bonafides.access.tokens import SigningKey
from bonafides.errors import CredentialError

_EVERY_SECONDS: Final = 600.0
_AT_MOST_EVERY_SECONDS: Final = 60.0
_FETCH_SECONDS: Final = 5.0
_WAIT_SECONDS: Final = 2.0
# For a day an issuer may be down; a key that it withdrew counts no longer than that.
_KEPT_SECONDS: Final = 86_400.0
_log: Final = structlog.get_logger("bonafides.logins")


@dataclass(frozen=True, slots=True)
class Published:
    """Where an issuer's keys are published: an address, or a file.

    `roots` is a PEM file of the certificates to trust; None: those of this machine.
    """

    place: str | Path
    roots: Path | None = None


@dataclass(slots=True)
class _Followed:
    """The keys of one issuer as they were fetched last."""

    issuer: str
    published: Published
    keys: Mapping[str, SigningKey] = field(default_factory=dict)
    fetched_at: float = float("-inf")
    tried_at: float = float("-inf")
    # Whether a call asks for them before their time.
    wanted: bool = False


class LoginKeys:
    """The published keys of issuers. Threads may share it."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic: Final = monotonic
        self._followed: Final[list[_Followed]] = []
        self._changed: Final = threading.Condition()
        self._stopping = False
        self._ended: Callable[[str], object] = _nobody
        self._thread: Final = threading.Thread(target=self._run, name="login-keys", daemon=True)

    def follow(
        self, issuer: str, published: Published
    ) -> Callable[[Mapping[str, Any]], SigningKey]:
        """Returns what gives the issuer's key for a header; to be called before `start`."""
        followed = _Followed(issuer, published)
        self._followed.append(followed)
        return lambda header: self._key(followed, header)

    def hear(self, ended: Callable[[str], object]) -> None:
        """Has it called, with the issuer, once a key counts no more; before `start`."""
        self._ended = ended

    def start(self) -> None:
        """Begins to fetch; nobody waits for that."""
        if self._followed:
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread, after a fetch that is under way."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def _key(self, followed: _Followed, header: Mapping[str, Any]) -> SigningKey:
        key_id = header.get("kid")
        if not isinstance(key_id, str):
            raise CredentialError("KEY")
        with self._changed:
            key = self._known(followed, key_id)
            if key is None and self._may_ask(followed):
                followed.wanted = True
                self._changed.notify_all()
                self._changed.wait_for(lambda: not followed.wanted, _WAIT_SECONDS)
                key = self._known(followed, key_id)
        if key is None:
            raise CredentialError("KEY")
        return key

    def _known(self, followed: _Followed, key_id: str) -> SigningKey | None:
        return None if self._is_old(followed) else followed.keys.get(key_id)

    def _is_old(self, followed: _Followed) -> bool:
        return self._monotonic() - followed.fetched_at > _KEPT_SECONDS

    def _may_ask(self, followed: _Followed) -> bool:
        long_ago = self._monotonic() - followed.tried_at >= _AT_MOST_EVERY_SECONDS
        return long_ago and not followed.wanted and self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_to_do, self._seconds_left())
                if self._stopping:
                    return
                due = [each for each in self._followed if self._is_due(each)]
            for each in due:
                self._refresh(each)

    def _has_to_do(self) -> bool:
        return self._stopping or any(map(self._is_due, self._followed))

    def _is_due(self, followed: _Followed) -> bool:
        return followed.wanted or self._monotonic() - followed.tried_at >= _EVERY_SECONDS

    def _seconds_left(self) -> float:
        oldest = min(each.tried_at for each in self._followed)
        return max(0.0, oldest + _EVERY_SECONDS - self._monotonic())

    def _refresh(self, followed: _Followed) -> None:
        keys: Mapping[str, SigningKey] | None = None
        tried_at = self._monotonic()
        try:
            keys = read_jwks(fetched(followed.published, self._monotonic))
        except Exception as error:  # noqa: BLE001 - a thread that died would go unnoticed
            _log.warning(
                "login_keys_not_fetched", issuer=followed.issuer, error=type(error).__name__
            )
        with self._changed:
            before = followed.keys
            followed.tried_at, followed.wanted = tried_at, False
            if keys is not None:
                followed.keys, followed.fetched_at = keys, tried_at
            elif self._is_old(followed):
                followed.keys = {}
            gone = any(followed.keys.get(key_id) != key for key_id, key in before.items())
            self._changed.notify_all()
        if gone:
            self._ended(followed.issuer)


def _nobody(_issuer: str) -> None:
    """Nobody remembers anything."""


def fetched(published: Published, monotonic: Callable[[], float]) -> bytes:
    """Returns what is published now.

    Raises:
        JwksError: it is too long, compressed, or not there.
        OSError: the file can't be read.
        httpx2.HTTPError: the address can't be reached in time.
    """
    if isinstance(published.place, Path):
        with published.place.open("rb") as opened:
            return opened.read(jwks.MOST_BYTES + 1)
    # They log addresses.
    for library in ("httpx2", "httpcore2"):
        logging.getLogger(library).disabled = True
    deadline = monotonic() + _FETCH_SECONDS
    verify: ssl.SSLContext | bool = True
    if published.roots is not None:
        verify = ssl.create_default_context(cafile=str(published.roots))
    with (
        httpx2.Client(
            follow_redirects=False,
            trust_env=False,
            verify=verify,
            timeout=_FETCH_SECONDS,
            headers={"accept": "application/json", "accept-encoding": "identity"},
        ) as client,
        client.stream("GET", published.place) as answer,
    ):
        if answer.status_code != HTTPStatus.OK or "content-encoding" in answer.headers:
            raise JwksError("the address gives no plain answer")
        content = b""
        for part in answer.iter_raw():
            content += part
            if len(content) > jwks.MOST_BYTES or monotonic() > deadline:
                raise JwksError("the answer is too long, or took too long")
        return content
