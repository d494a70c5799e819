"""Composes the website from settings and serves it: the root of the website's process.

In a sandbox one logs in at the sandbox's own provider, which the service's issuer signs
for; it is made of the key in the data folder. In live that provider is not there and the
key is not read: the settings name the provider, and a start without one is refused.

    serve(settings, server="127.0.0.1:50051")      # until SIGTERM or Ctrl-C
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import OKPKey

from bonafides import listening
from bonafides.access.callers import SANDBOX_ISSUER, CallerKind, mint
from bonafides.instants import Instant
from bonafides.keys import load_or_create, read_secret
from bonafides.settings import Settings, SettingsError
from bonafides.web import local_issuer
from bonafides.web.app import app
from bonafides.web.site import Provider, Site, SiteError

# RFC 9864 names it so; "EdDSA" would leave the curve open.
_ALGORITHM: Final = "Ed25519"
_LOGIN_SECONDS: Final = 1_800
_DRAIN_SECONDS: Final = 5
_MOST_AT_ONCE: Final = 64
# A header line of ours has some hundred bytes.
_MOST_HEADER_BYTES: Final = 16_384


Clock = Callable[[], Instant]


class SandboxSigner:
    """Signs for a sandbox's own provider, by the key of the service's issuer there."""

    def __init__(self, key: Ed25519PrivateKey, audience: str, clock: Clock) -> None:
        """`audience` is that of the service's access tokens, `clock` the service's."""
        self._key: Final = key
        self._clock: Final = clock
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._jwk: Final = OKPKey.import_key(pem)
        self._audience: Final = audience

    @property
    def seconds(self) -> int:
        """How long an access token lives."""
        return _LOGIN_SECONDS

    @property
    def keys(self) -> Mapping[str, Any]:
        """The public key, as a JWK set."""
        return {"keys": [{**self._jwk.as_dict(private=False), "use": "sig", "alg": _ALGORITHM}]}

    def access_token(self, subject: str, owns: Sequence[str]) -> str:
        """Returns an access token of a member, as the service takes it."""
        return mint(
            self._key,
            issuer=SANDBOX_ISSUER,
            audience=self._audience,
            subject=subject,
            kind=CallerKind.MEMBER,
            owns=owns,
            ttl_seconds=_LOGIN_SECONDS,
            now=self._clock(),
        )

    def id_token(self, claims: Mapping[str, Any]) -> str:
        """Returns an ID token; it is none that the service would take for access."""
        header = {"alg": _ALGORITHM, "typ": "JWT"}
        return jwt.encode(header, dict(claims), self._jwk, algorithms=[_ALGORITHM])


def site_of(
    settings: Settings,
    *,
    server: str,
    root_certificates: bytes | None = None,
    samples: Sequence[str] = (),
    clock: Clock | None = None,
) -> Site:
    """Returns the site that the settings describe.

    Raises:
        SettingsError: it can't be served like this; the text names the remedy.
    """
    _require_private(settings)
    origin = settings.web_origin or _own_origin(settings)
    clock = clock or _system_clock
    signer = None
    if settings.web_issuer:
        provider = _provider(settings)
    elif settings.environment == "live":
        raise SettingsError(
            "BONAFIDES_WEB_ISSUER is empty: live has no provider of its own to log in at. Name the "
            "OpenID Connect provider, and BONAFIDES_WEB_CLIENT_ID."
        )
    else:
        key = load_or_create(settings).issuer_private_key
        signer = SandboxSigner(key, settings.token_audience, clock)
        provider = Provider(f"{origin}{local_issuer.PATH}", local_issuer.CLIENT)
    try:
        return Site(
            origin=origin,
            server=server,
            provider=provider,
            seconds=time.time,
            clock=clock,
            root_certificates=root_certificates,
            signer=signer,
            samples=tuple(samples) if signer is not None else (),
            trusted_proxies=frozenset(settings.trusted_proxies),
        )
    except SiteError as fault:
        raise SettingsError(f"BONAFIDES_WEB_ORIGIN: {fault}") from None


def serve(settings: Settings, site: Site) -> None:
    """Serves the site until SIGTERM or Ctrl-C."""
    host, port = _listen(settings)
    with_tls = has_tls(settings)
    uvicorn.run(
        app(site),
        host=host,
        port=port,
        log_level="warning",
        # Paths name enterprises, and queries hold codes of logins: neither is logged.
        access_log=False,
        server_header=False,
        limit_concurrency=_MOST_AT_ONCE,
        h11_max_incomplete_event_size=_MOST_HEADER_BYTES,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        # The site reads by itself what proxies say of an address, of those that it knows.
        proxy_headers=False,
        ssl_certfile=settings.tls_certificate if with_tls else None,
        ssl_keyfile=settings.tls_key if with_tls else None,
    )


def has_tls(settings: Settings) -> bool:
    """Returns whether TLS is spoken here: not to a proxy on this machine that ends it."""
    behind_proxy = settings.web_origin and listening.stays_here(settings.web_listen)
    return settings.tls_certificate is not None and not behind_proxy


def _require_private(settings: Settings) -> None:
    """Refuses plaintext outside loopback, to a proxy too (J8)."""
    _listen(settings)
    if not has_tls(settings) and not listening.stays_here(settings.web_listen):
        raise SettingsError(
            f"BONAFIDES_WEB_LISTEN is {settings.web_listen}: without TLS only loopback is served. "
            "Set BONAFIDES_TLS_CERTIFICATE and BONAFIDES_TLS_KEY, or listen on 127.0.0.1, behind "
            "a proxy of this machine that ends TLS."
        )


def _provider(settings: Settings) -> Provider:
    if not settings.web_client_id:
        raise SettingsError(
            "BONAFIDES_WEB_CLIENT_ID is empty: give the name of this site at the provider."
        )
    issuer = settings.web_issuer.rstrip("/")
    if not issuer.startswith("https://") or local_issuer.PATH in issuer:
        raise SettingsError(
            "BONAFIDES_WEB_ISSUER must be the https address of an OpenID Connect provider, and not "
            "that of a sandbox."
        )
    if "openid" not in settings.web_scope.split():
        raise SettingsError("BONAFIDES_WEB_SCOPE lacks openid, without which nobody logs in.")
    secret = settings.web_client_secret_file
    return Provider(
        issuer,
        settings.web_client_id,
        "" if secret is None else read_secret(secret),
        scope=settings.web_scope,
        resource=settings.web_resource,
        tls=_trusting(settings.web_issuer_certificates),
    )


def _trusting(certificates: Path | None) -> ssl.SSLContext | None:
    if certificates is None:
        return None
    try:
        return ssl.create_default_context(cafile=str(certificates))
    except OSError:
        raise SettingsError(
            "BONAFIDES_WEB_ISSUER_CERTIFICATES: the file is not there, or holds no certificates. "
            "Name a PEM file."
        ) from None


def _system_clock() -> Instant:
    return Instant(time.time_ns() // 1_000)


def _own_origin(settings: Settings) -> str:
    host, port = _listen(settings)
    scheme = "http" if settings.tls_certificate is None else "https"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}"


def _listen(settings: Settings) -> tuple[str, int]:
    host, _, port = settings.web_listen.rpartition(":")
    if not host or not port.isdecimal():
        raise SettingsError("BONAFIDES_WEB_LISTEN must be host:port, as 127.0.0.1:8080.")
    return host.strip("[]"), int(port)
