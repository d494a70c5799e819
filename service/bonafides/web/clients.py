"""Clients of the service, one for each access token that is in use and where it is used.

They share their connection: the library gives channels to the same place with the same
options one connection between them. Each call names the address of the visitor, so that
the service, which has to know this site as a proxy, doesn't take all for one.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Collection
from typing import Final

from starlette.requests import HTTPConnection

from bonafides.client import Client
from bonafides.web.site import Site

_MOST: Final = 512


class Clients:
    """The clients of one site. Safe to share between threads."""

    def __init__(self, site: Site) -> None:
        self._site: Final = site
        self._lock: Final = threading.Lock()
        self._clients: Final[OrderedDict[tuple[str, str], Client]] = OrderedDict()

    def of(self, token: str | None, address: str) -> Client:
        """Returns the client of the token, at the address; None is the anonymous caller's."""
        key = (token or "", address)
        with self._lock:
            if key in self._clients:
                self._clients.move_to_end(key)
                return self._clients[key]
            made = Client(
                self._site.server,
                token=token,
                root_certificates=self._site.root_certificates,
                timeout_seconds=self._site.timeout_seconds,
                forwarded_for=address or None,
            )
            self._clients[key] = made
            if len(self._clients) > _MOST:
                # Not closed: it may be answering somebody; it is closed when nobody holds it.
                self._clients.popitem(last=False)
            return made

    def close(self) -> None:
        """Closes all of them."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()


def address_of(asked: HTTPConnection, trusted: Collection[str]) -> str:
    """Returns the address that a visitor comes from; empty: none is known.

    That is the peer's. Of a proxy in `trusted` it is the last of its `x-forwarded-for`,
    the proxy's own word: those before it are the visitor's.
    """
    peer = "" if asked.client is None else _address(asked.client.host)
    if peer not in trusted:
        return peer
    told = asked.headers.getlist("x-forwarded-for")
    return _address(told[-1].rpartition(",")[2]) if told else peer


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        return ""
