"""Clients of the service, one for each access token that is in use.

They share their connection: the library gives channels to the same place with the same
options one connection between them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from bonafides.client import Client
from bonafides.web.site import Site

_MOST: Final = 512


class Clients:
    """The clients of one site. Safe to share between threads."""

    def __init__(self, site: Site) -> None:
        self._site: Final = site
        self._lock: Final = threading.Lock()
        self._clients: Final[OrderedDict[str, Client]] = OrderedDict()

    def of(self, token: str | None) -> Client:
        """Returns the client of the token; None is the anonymous caller's."""
        key = token or ""
        with self._lock:
            if key in self._clients:
                self._clients.move_to_end(key)
                return self._clients[key]
            made = Client(
                self._site.server,
                token=token,
                root_certificates=self._site.root_certificates,
                timeout_seconds=self._site.timeout_seconds,
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
