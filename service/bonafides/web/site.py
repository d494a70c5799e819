"""What a website is set up with: values, given by the composition root.

Nothing here reads settings, clocks or files. `Provider` is where people log in;
`Signer` is what the sandbox's own provider signs with, and is None in live.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class SiteError(Exception):
    """The site can't be set up like this. The text says what is wrong and the remedy."""


class Signer(Protocol):
    """Signs for the sandbox's own provider; the service's issuer in a sandbox."""

    def access_token(self, subject: str, owns: Sequence[str]) -> str:
        """Returns an access token of a member, good for `seconds`."""

    def id_token(self, claims: Mapping[str, Any]) -> str:
        """Returns an ID token of these claims."""

    @property
    def keys(self) -> Mapping[str, Any]:
        """The public keys, as a JWK set."""

    @property
    def seconds(self) -> int:
        """How long an access token lives."""


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID Connect provider, and who the site is there.

    `scope` is what logins ask for; with offline_access in it the site renews tokens.
    `resource` names the service to a provider that wants to know (RFC 8707). `tls` is how
    it is known; None: by the certificates of this machine.
    """

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scope: str = "openid"
    resource: str = ""
    tls: ssl.SSLContext | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Site:
    """One website.

    `origin` is how browsers reach it, as http://127.0.0.1:8080. `server` and
    `root_certificates` are those of the client. `seconds` is the machine's clock, by which
    sessions and logins end; `clock` is that of the service, in microseconds, for what the
    service is told of when. With a `signer` the site has the sandbox's own provider, and
    `samples` are enterprises to try. `trusted_proxies` are addresses of proxies before the
    site whose `x-forwarded-for` is believed.
    """

    origin: str
    server: str
    provider: Provider
    seconds: Callable[[], float]
    clock: Callable[[], int]
    root_certificates: bytes | None = field(default=None, repr=False)
    signer: Signer | None = field(default=None, repr=False)
    samples: Sequence[str] = ()
    timeout_seconds: float = 5.0
    trusted_proxies: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Checks the origin.

        Raises:
            SiteError: it is no origin, not as browsers write it, or plain http outside loopback.
        """
        parts = urlsplit(self.origin)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path:
            raise SiteError(
                f"{self.origin} is no origin: give scheme, host and port, as https://example.com."
            )
        usual = ":80" if parts.scheme == "http" else ":443"
        as_sent = self.origin.lower().removesuffix(usual)
        if self.origin != as_sent:
            # By Host and Origin alone it is told who is meant: nobody would be let in.
            raise SiteError(f"{self.origin} is not as browsers write it: give {as_sent}.")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise SiteError(
                f"{self.origin} is plain http outside this machine: cookies would travel in clear."
                " Give an https origin, and TLS or a proxy that ends it."
            )

    @property
    def secure(self) -> bool:
        """Whether browsers reach it over TLS."""
        return self.origin.startswith("https:")

    @property
    def host(self) -> str:
        """Host and port, as browsers send them."""
        return urlsplit(self.origin).netloc
