"""Who is logged in: sessions in this process's memory, each behind a random id.

A cookie holds the id and nothing else; what is kept here is found by its digest, so that
a look into memory gives no cookie away. Rules:

- whoever is about to log in has a session of ten minutes; logging in ends it and begins
  another with a new id, so that an id which was planted before is worth nothing after;
- a session ends with its access token, when its owner logs out, and with the process;
  one whose token can be renewed, half an hour after the token, and twelve hours after the
  login at the latest;
- both kinds are bounded apart from each other: a flood of the first ends none of the second.

    waiting = sessions.open(now)
    session = sessions.log_in(waiting, Login(token, "Visitor"), seconds=1800, now=now)
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

_ID_BYTES: Final = 32
_WAITING_SECONDS: Final = 600.0
_MOST_WAITING: Final = 4_096
_MOST_LOGGED_IN: Final = 16_384
# No token lives longer; a provider that says so is not believed.
_MOST_SECONDS: Final = 3_600.0
# Of sessions that are renewed: how long nobody need be there, and how long it goes on.
_IDLE_SECONDS: Final = 1_800.0
_LONGEST_SECONDS: Final = 12 * 3_600.0


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who logged in.

    `owns` are codes that the provider named, for convenience. `platform`: it named a
    platform and no person, whose reads name what they are for. `refresh_token` is empty
    where the provider gives none; `id_token` goes back to the provider on logging out.
    """

    token: str = field(repr=False)
    title: str = field(repr=False)
    owns: tuple[str, ...] = ()
    platform: bool = False
    refresh_token: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)


def renewal_of(login: Login, told: Mapping[str, Any]) -> Login:
    """Returns the login with the tokens that a provider renewed it by.

    Raises:
        KeyError: there is no access token among them.
    """
    kept = str(told.get("refresh_token") or login.refresh_token)
    return replace(login, token=str(told["access_token"]), refresh_token=kept)


@dataclass(slots=True)
class Session:
    """One session. `csrf` proves that a form came from our own page."""

    id: str = field(repr=False)
    csrf: str = field(repr=False)
    expires_at: float
    login: Login | None = None
    # What the login flow keeps: state, nonce, verifier.
    flow: dict[str, Any] = field(default_factory=dict, repr=False)
    # Told once, on the next page.
    note: str = ""
    # When the access token ends, and when all is over whatever the provider says.
    token_ends_at: float = 0.0
    over_at: float = 0.0
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)


class Sessions:
    """The sessions of one process. Safe to share between threads. Times are seconds."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._waiting: Final[OrderedDict[bytes, Session]] = OrderedDict()
        self._logged_in: Final[OrderedDict[bytes, Session]] = OrderedDict()

    def find(self, session_id: str, now: float) -> Session | None:
        """Returns the session of a cookie; None if there is none, or it is over."""
        digest = _digest(session_id)
        with self._lock:
            for held in (self._logged_in, self._waiting):
                found = held.get(digest)
                if found is None:
                    continue
                if found.expires_at > now:
                    return found
                del held[digest]
        return None

    def open(self, now: float) -> Session:
        """Opens a session for somebody who is about to log in."""
        return self._keep(self._waiting, _MOST_WAITING, now + _WAITING_SECONDS, None)

    def log_in(self, before: Session, login: Login, *, seconds: float, now: float) -> Session:
        """Ends the session before, and begins one of who logged in."""
        self.end(before)
        made = self._keep(self._logged_in, _MOST_LOGGED_IN, now, login)
        made.over_at = now + _LONGEST_SECONDS
        self.renew(made, login, seconds=seconds, now=now)
        return made

    def renew(self, session: Session, login: Login, *, seconds: float, now: float) -> None:
        """Puts the login in place of the session's, with a token that is good for `seconds`."""
        session.login = login
        session.token_ends_at = now + min(seconds, _MOST_SECONDS)
        idle = _IDLE_SECONDS if login.refresh_token else 0.0
        session.expires_at = min(session.token_ends_at + idle, session.over_at)

    def end(self, session: Session) -> None:
        """Ends the session; its id is worth nothing from now on."""
        digest = _digest(session.id)
        with self._lock:
            self._waiting.pop(digest, None)
            self._logged_in.pop(digest, None)

    def _keep(
        self,
        held: OrderedDict[bytes, Session],
        most: int,
        expires_at: float,
        login: Login | None,
    ) -> Session:
        made = Session(
            secrets.token_urlsafe(_ID_BYTES), secrets.token_urlsafe(_ID_BYTES), expires_at, login
        )
        with self._lock:
            held[_digest(made.id)] = made
            if len(held) > most:
                held.popitem(last=False)
        return made


def _digest(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode("utf-8", "replace")).digest()
