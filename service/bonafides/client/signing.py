"""Lets an application call: gets access tokens, and signs what has to be signed.

Rules:
- each write, and each sensitive call, is signed for itself: for its method, its
  environment and the very bytes that go out; everything else carries an access token;
- a token is got when it is first needed, and anew before it ends; one that the server
  takes no more is got anew once;
- a signature counts once, so whatever is tried again is signed again;
- the private key stays in this process: it signs, and stands in no repr and no error;
- whoever needs none of this loads no library for it.

    credentials = Credentials.read("sandbox-...", Path("app.pem"))
    with Client("bonafides.example:443", credentials=credentials, ...) as client: ...
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from bonafides.client.faults import KeyUnusableError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PrivateKey: TypeAlias = "Ed25519PrivateKey | EllipticCurvePrivateKey"

EXCHANGE: Final = "/bonafides.v1.TokenService/ExchangeAssertion"
# What an application signs call by call; a test holds it against the server's policy.
SIGNED: Final = frozenset(
    {
        "/bonafides.v1.ConsentService/RevokeConsent",
        "/bonafides.v1.DocumentService/DeleteDocument",
        "/bonafides.v1.DocumentService/ReadDocument",
        "/bonafides.v1.DocumentService/UploadDocument",
        "/bonafides.v1.DraftService/CreateDraft",
        "/bonafides.v1.DraftService/DeleteDraft",
        "/bonafides.v1.IdentityService/AmendIdentity",
        "/bonafides.v1.IdentityService/SubmitIdentity",
        "/bonafides.v1.IntegratorService/CreateAuthorizationUrl",
        "/bonafides.v1.IntegratorService/ExchangeAuthorization",
        "/bonafides.v1.IntegratorService/RevokeIntegrator",
        "/bonafides.v1.OwnershipService/VouchOwnership",
        "/bonafides.v1.PlatformService/CloseInquiry",
        "/bonafides.v1.PlatformService/RecordDecision",
        "/bonafides.v1.PlatformService/RequestMore",
        "/bonafides.v1.RecordService/WriteRecords",
        "/bonafides.v1.RightsService/CorrectBuyer",
        "/bonafides.v1.RightsService/EraseBuyer",
        "/bonafides.v1.RightsService/ErasePersonalData",
        "/bonafides.v1.RightsService/GetBuyerHoldings",
        "/bonafides.v1.RightsService/GetHoldings",
        "/bonafides.v1.RightsService/OpenCorrection",
    }
)
_TYPE: Final = "bonafides-assertion+jwt"
_TERM_SECONDS: Final = 60
# A token is not begun with that would end on the way.
_MARGIN_SECONDS: Final = 60.0
_P256_BYTES: Final = 32
_ONCE_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    # In seconds since 1970.
    ends_at: float


class Credentials:
    """An application's client id and private key, for one environment. Threads may share it."""

    def __init__(
        self,
        client_id: str,
        private_key: PrivateKey,
        *,
        environment: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Takes an Ed25519 or P-256 key whose public half the application registered.

        `environment` is sandbox or live; empty: what the client id begins with. `clock`
        gives seconds since 1970.

        Raises:
            KeyUnusableError: it is a key of another kind.
        """
        self.client_id: Final = client_id
        self._environment: Final = environment or client_id.partition("-")[0]
        self._clock: Final = clock
        self._private_key: Final = private_key
        self._algorithm, members = _published(private_key)
        self.key_id: Final = _encoded(hashlib.sha256(_canonical(members)).digest())
        self._lock: Final = threading.Lock()
        self._token: _Token | None = None

    @classmethod
    def read(cls, client_id: str, file: Path, *, environment: str = "") -> Self:
        """Returns the credentials of a private key in a PEM file without a password.

        Raises:
            OSError: the file can't be read.
            KeyUnusableError: it holds no such key.
        """
        return cls(client_id, _loaded(file.read_bytes()), environment=environment)

    def __repr__(self) -> str:
        return f"Credentials({self.client_id!r}, {self._environment!r})"

    def assertion(
        self,
        method: str,
        request: bytes | None = None,
        *,
        agent_token: str | None = None,
        purpose: str = "",
    ) -> str:
        """Returns what is signed for one call of a method, named as on the wire.

        `request` are the bytes that go out, of a stream those of its first message; None
        where the assertion stands in the request itself.
        """
        issued = int(self._clock())
        claims: dict[str, str | int] = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": f"{self._environment}:{method}",
            "iat": issued,
            "exp": issued + _TERM_SECONDS,
            "jti": secrets.token_urlsafe(_ONCE_BYTES),
        }
        if request is not None:
            claims["bd"] = _encoded(hashlib.sha256(request).digest())
        if agent_token is not None:
            claims["at"] = _encoded(hashlib.sha256(agent_token.encode()).digest())
        if purpose:
            claims["pur"] = purpose
        import jwt  # noqa: PLC0415 - see the module

        return jwt.encode(
            claims,
            self._private_key,
            self._algorithm,
            headers={"typ": _TYPE, "kid": self.key_id},
        )

    def token(self, exchange: Callable[[str], tuple[str, float]]) -> str:
        """Returns an access token that is good for a minute at least.

        `exchange` gives a token and when it ends, in seconds since 1970, for an
        assertion. One thread exchanges while others wait for its token.
        """
        with self._lock:
            if self._token is None or self._token.ends_at - self._clock() < _MARGIN_SECONDS:
                self._token = _Token(*exchange(self.assertion(EXCHANGE)))
            return self._token.text

    def remembered(self) -> str | None:
        """Returns a token that is good for a minute at least, if there is one."""
        with self._lock:
            known = self._token
            if known is None or known.ends_at - self._clock() < _MARGIN_SECONDS:
                return None
            return known.text

    def keep(self, token: str, ends_at: float) -> str:
        """Remembers a token until it ends, in seconds since 1970; returns it."""
        with self._lock:
            self._token = _Token(token, ends_at)
        return token

    def forget(self, token: str) -> None:
        """Forgets a token that the server takes no more."""
        with self._lock:
            if self._token is not None and self._token.text == token:
                self._token = None


def _loaded(content: bytes) -> PrivateKey:
    """Returns the private key in a PEM file."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see the module
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
    )

    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's text may quote the file.
        raise KeyUnusableError from None
    if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey):
        raise KeyUnusableError
    return key


def _published(key: PrivateKey) -> tuple[str, dict[str, str]]:
    """Returns the algorithm of a key, and the members of its public half (RFC 7638)."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        PublicFormat,
    )

    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return "EdDSA", {"crv": "Ed25519", "kty": "OKP", "x": _encoded(raw)}
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        point = key.public_key().public_numbers()
        x, y = (_encoded(each.to_bytes(_P256_BYTES, "big")) for each in (point.x, point.y))
        return "ES256", {"crv": "P-256", "kty": "EC", "x": x, "y": y}
    raise KeyUnusableError


def _canonical(members: dict[str, str]) -> bytes:
    return json.dumps(members, separators=(",", ":"), sort_keys=True).encode()


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
