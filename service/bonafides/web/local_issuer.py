"""An OpenID Connect provider for a sandbox: it lets in whoever asks, as who they say.

It asks for no proof of anything, and is there in a sandbox alone: without a signer,
which live has none of, the site has no such provider. Code flow with PKCE (S256); codes
are good once, for a minute, and for the client, address and challenge that they were
made for. Access tokens are those that the service's own sandbox issuer signs.

The hint of a login says who comes: "visitor", or "owner:" with a code.

Sources: OpenID Connect Core 1.0, sections 3.1 and 10; RFC 7636, RFC 8414.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bonafides.web.site import Signer

PATH: Final = "/sandbox-issuer"
CLIENT: Final = "bonafides-web"
# The command line: a public client, at any port of loopback (RFC 8252, section 7.3).
COMMAND_LINE: Final = "bonafides-cli"
VISITOR: Final = "visitor"
OWNER: Final = "owner"

_HINT: Final = re.compile(rf"{VISITOR}|{OWNER}:([0-9A-Z]{{18}})")
_LOOPBACK: Final = re.compile(r"http://127\.0\.0\.1:[1-9][0-9]{0,4}/callback")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_CODE_SECONDS: Final = 60.0
_MOST_CODES: Final = 1_024
_BAD_REQUEST: Final = 400
_FOUND: Final = 302


@dataclass(frozen=True, slots=True)
class _Grant:
    client: str
    address: str
    challenge: str
    nonce: str
    owns: tuple[str, ...]
    expires_at: float


class LocalIssuer:
    """The provider of one sandbox."""

    def __init__(
        self, signer: Signer, *, origin: str, callback: str, seconds: Callable[[], float]
    ) -> None:
        """`callback` is the one address that codes are sent to; `seconds` is the clock."""
        self._seconds: Final = seconds
        self._signer: Final = signer
        self._issuer: Final = f"{origin}{PATH}"
        self._callback: Final = callback
        self._lock: Final = threading.Lock()
        self._grants: Final[OrderedDict[str, _Grant]] = OrderedDict()

    def routes(self) -> Sequence[Route]:
        """Returns the routes of the provider."""
        answers: Mapping[str, tuple[str, Callable[..., Any]]] = {
            "/.well-known/openid-configuration": ("GET", self._about),
            "/authorize": ("GET", self._authorize),
            "/token": ("POST", self._token),
            "/keys": ("GET", self._keys),
        }
        return [
            Route(f"{PATH}{path}", answer, methods=[method])
            for path, (method, answer) in answers.items()
        ]

    async def _about(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self._issuer,
                "authorization_endpoint": f"{self._issuer}/authorize",
                "token_endpoint": f"{self._issuer}/token",
                "jwks_uri": f"{self._issuer}/keys",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["Ed25519"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "scopes_supported": ["openid"],
            }
        )

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse(dict(self._signer.keys))

    async def _authorize(self, request: Request) -> Response:
        told = request.query_params
        # Before anything else: an address that is not the site's own is sent nothing.
        client, address = told.get("client_id", ""), told.get("redirect_uri", "")
        if not self._is_known(client, address):
            return PlainTextResponse("Unknown client or address.", _BAD_REQUEST)
        named = _HINT.fullmatch(told.get("login_hint", ""))
        sound = (
            told.get("response_type") == "code"
            and "openid" in told.get("scope", "").split()
            and told.get("code_challenge_method") == "S256"
            and _CHALLENGE.fullmatch(told.get("code_challenge", ""))
        )
        answer = {"state": told.get("state", "")}
        if not sound or named is None:
            answer["error"] = "login_required" if sound else "invalid_request"
        else:
            owns = (named[1],) if named[1] else ()
            answer["code"] = self._keep(
                _Grant(
                    client,
                    address,
                    told["code_challenge"],
                    told.get("nonce", ""),
                    owns,
                    self._seconds() + _CODE_SECONDS,
                )
            )
        return RedirectResponse(f"{address}?{urlencode(answer)}", _FOUND)

    def _is_known(self, client: str, address: str) -> bool:
        """Tells whether codes for the client may be sent to the address."""
        if client == COMMAND_LINE:
            return _LOOPBACK.fullmatch(address) is not None
        return client == CLIENT and address == self._callback

    async def _token(self, request: Request) -> Response:
        form = await request.form(max_fields=16)
        told = {name: value for name, value in form.items() if isinstance(value, str)}
        grant = self._take(told.get("code", ""))
        verifier = hashlib.sha256(told.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if (
            grant is None
            or told.get("grant_type") != "authorization_code"
            or told.get("client_id") != grant.client
            or told.get("redirect_uri") != grant.address
            or not hmac.compare_digest(challenge, grant.challenge)
        ):
            return JSONResponse({"error": "invalid_grant"}, _BAD_REQUEST)
        return JSONResponse(self._tokens(grant), headers={"Cache-Control": "no-store"})

    def _tokens(self, grant: _Grant) -> dict[str, Any]:
        now = int(self._seconds())
        subject = f"sandbox-{OWNER}-{grant.owns[0]}" if grant.owns else f"sandbox-{VISITOR}"
        claims = {
            "iss": self._issuer,
            "aud": grant.client,
            "sub": subject,
            "iat": now,
            "exp": now + self._signer.seconds,
            "nonce": grant.nonce,
            "owns": list(grant.owns),
        }
        return {
            "access_token": self._signer.access_token(subject, grant.owns),
            "id_token": self._signer.id_token(claims),
            "token_type": "Bearer",
            "expires_in": self._signer.seconds,
        }

    def _keep(self, grant: _Grant) -> str:
        code = secrets.token_urlsafe(32)
        with self._lock:
            self._grants[code] = grant
            if len(self._grants) > _MOST_CODES:
                self._grants.popitem(last=False)
        return code

    def _take(self, code: str) -> _Grant | None:
        with self._lock:
            grant = self._grants.pop(code, None)
        return grant if grant is not None and grant.expires_at > self._seconds() else None
