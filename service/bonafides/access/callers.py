"""Resolves the credential of a call to its caller, and the caller to an audience.

The credential is a short-lived access token: a JWS in the `authorization`
metadata, signed with Ed25519 by an issuer that the deployment names. No credential
is the anonymous caller. What the signature library leaves open is checked here:

1. At most 8 KiB, after `Bearer `.
2. Header: `typ` is `at+jwt`, `alg` is `EdDSA`, nothing is marked critical; no name
   stands twice in header or claims.
3. The issuer is configured, and the signature is of that issuer's key. Keys are
   objects, never bytes that could serve as an HMAC secret.
4. `aud` is one string and ours: it names the environment, so that a token of the
   sandbox is worth nothing in live.
5. It lives at most an hour, has begun, was not issued in the future, has not
   expired; 30 seconds are allowed for clocks that differ.
6. `sub`, `jti`, `kind` are there; a platform names itself, nobody else does. An
   integrator names its application, and only the sandbox's own issuer says so: elsewhere
   applications are told by the keys they hold.
7. `owns` counts in sandbox alone, and from its own issuer alone; in live, who acts
   for an enterprise is told by its memberships, which are looked up and never in a token.

A verified token is remembered until it expires, by its digest. Which check failed
is in `CredentialError.fault`, for the log; the caller is told only that one did.

    caller = verifier.resolve("Bearer eyJ...", now)
    audience(caller, "91990000MA0000001T", Standing.OWNER)     # AUDIENCE_OWNER
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, assert_never

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.utils import base64url_decode

from bonafides.errors import CredentialError, CredentialExpiredError
from bonafides.instants import MICROSECONDS, Instant
from bonafides.v1 import disclosure_pb2

SANDBOX_ISSUER: Final = "bonafides-sandbox"
ALGORITHM: Final = "EdDSA"
TYPE: Final = "at+jwt"
# A stolen token is worth an hour at most.
MOST_SECONDS: Final = 3_600

# An honest token has some 500 bytes; this leaves room for a hundred codes.
_MOST_BYTES: Final = 8_192
_SKEW_SECONDS: Final = 30
_MOST_REMEMBERED: Final = 4_096
_MOST_OWNED: Final = 200
_SCHEME: Final = "bearer "
_PLATFORM: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_APPLICATION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
# Subjects and token ids: what is printed and has no blanks, as issuers make them.
_IDENTIFIER: Final = re.compile(r"[!-~]{1,255}")
# Header, claims, signature.
_SEGMENTS: Final = 3
_JWS: Final = jwt.PyJWS(algorithms=[ALGORITHM])


class CallerKind(StrEnum):
    """What a caller is. The value of the token's `kind`, but for the anonymous."""

    ANONYMOUS = "anonymous"
    MEMBER = "member"
    PLATFORM = "platform"
    OPERATOR = "operator"
    # An application that acts for enterprises which authorized it (access.agents).
    INTEGRATOR = "integrator"


class Standing(StrEnum):
    """What the memberships of an enterprise say of a login."""

    NONE = "NONE"
    OWNER = "OWNER"
    STAFF = "STAFF"
    # It was a member and is none any more: whatever its token says, it counts no more.
    REMOVED = "REMOVED"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. Never made from the request, only from its credential."""

    kind: CallerKind
    issuer: str = ""
    # May name a person, so it stays out of the repr and of logs.
    subject: str = field(default="", repr=False)
    owns: frozenset[str] = frozenset()
    platform: str = ""
    # The client id of the application that calls; empty: none does.
    application: str = ""
    # The id of the credential, by which the audit names it.
    token_id: str = field(default="", repr=False)
    # Whether the credential was made for the bytes of this very request.
    signed: bool = False
    # The code of the enterprise that an integrator acts for, and what it may do for it.
    acts_for: str = ""
    scopes: frozenset[str] = frozenset()
    # The role that the application was made with; see access.application_roles.
    role: str = ""
    # The id of the authorization that it acts by.
    agency: str = field(default="", repr=False)

    @property
    def submitter(self) -> str:
        """The one name, across issuers, under which this caller's submissions are kept."""
        return f"{self.issuer}|{self.subject}"


ANONYMOUS: Final = Caller(CallerKind.ANONYMOUS)
_ACTING: Final = frozenset({Standing.OWNER, Standing.STAFF})
_NOBODY: Final = disclosure_pb2.AUDIENCE_UNSPECIFIED


def audience(
    caller: Caller, code: str, standing: Standing = Standing.NONE
) -> disclosure_pb2.Audience.ValueType:
    """Returns in whose eyes the enterprise of this code is shown to the caller.

    `standing` is what the enterprise's memberships say of the caller.
    """
    match caller.kind:
        case CallerKind.ANONYMOUS:
            return disclosure_pb2.AUDIENCE_PUBLIC
        case CallerKind.MEMBER:
            owner = standing in _ACTING or (standing is Standing.NONE and code in caller.owns)
            return disclosure_pb2.AUDIENCE_OWNER if owner else disclosure_pb2.AUDIENCE_MEMBER
        case CallerKind.PLATFORM:
            return disclosure_pb2.AUDIENCE_PLATFORM
        case CallerKind.OPERATOR:
            return disclosure_pb2.AUDIENCE_OPERATOR
        case CallerKind.INTEGRATOR:
            # Of any other enterprise than its own it sees nothing at all.
            own = bool(code) and caller.acts_for == code
            return disclosure_pb2.AUDIENCE_INTEGRATOR if own else _NOBODY
    assert_never(caller.kind)


def mint(
    private_key: Ed25519PrivateKey,
    *,
    issuer: str,
    audience: str,
    subject: str,
    kind: str,
    owns: Iterable[str] = (),
    platform: str = "",
    application: str = "",
    ttl_seconds: int,
    now: Instant,
) -> str:
    """Returns a signed access token, as an issuer makes it. For the sandbox and for tests.

    Raises:
        ValueError: no such kind, a life beyond an hour, or a platform that goes
            with another kind; the verifier would refuse the token.
    """
    if CallerKind(kind) is CallerKind.ANONYMOUS:
        raise ValueError("an anonymous caller carries no token")
    if not 0 < ttl_seconds <= MOST_SECONDS:
        raise ValueError(f"a token lives 1 to {MOST_SECONDS} seconds")
    if (kind == CallerKind.PLATFORM) != bool(platform):
        raise ValueError("a platform's token names its platform, and no other token does")
    if (kind == CallerKind.INTEGRATOR) != bool(application):
        raise ValueError("an integrator's token names its application, and no other token does")
    issued = now // MICROSECONDS
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "iat": issued,
        "exp": issued + ttl_seconds,
        "jti": secrets.token_urlsafe(16),
        "kind": str(kind),
    }
    if owned := sorted(owns):
        claims["owns"] = owned
    if platform:
        claims["platform"] = platform
    if application:
        claims["application"] = application
    return jwt.encode(claims, private_key, ALGORITHM, headers={"typ": TYPE})


class TokenVerifier:
    """Tells callers by their tokens, for one environment. Safe to share between threads."""

    def __init__(
        self,
        issuers: Mapping[str, Ed25519PublicKey],
        audience: str,
        environment: str,
    ) -> None:
        self._issuers: Final = dict(issuers)
        self._audience: Final = audience
        self._sandbox: Final = environment == "sandbox"
        self._remembered: Final = _Remembered()

    def resolve(self, authorization: str | None, now: Instant) -> Caller:
        """Returns the caller of an `authorization` value; None is the anonymous caller.

        Raises:
            CredentialExpiredError: the token was good and has expired.
            CredentialError: it is not good; `fault` says why, for the log.
        """
        if authorization is None:
            return ANONYMOUS
        token = _token(authorization)
        digest = hashlib.sha256(token).digest()
        seconds = now // MICROSECONDS
        if known := self._remembered.get(digest, seconds):
            return known
        claims = self._verified(token)
        expires = self._check_term(claims, seconds)
        caller = self._caller(claims)
        self._remembered.put(digest, caller, expires)
        return caller

    def recall(self, authorization: str | None, now: Instant) -> Caller | None:
        """Returns the caller without checking a signature; None: `resolve` has to."""
        if authorization is None:
            return ANONYMOUS
        try:
            token = _token(authorization)
        except CredentialError:
            return None
        return self._remembered.get(hashlib.sha256(token).digest(), now // MICROSECONDS)

    def _verified(self, token: bytes) -> dict[str, Any]:
        """Returns the claims of a token whose header, issuer and signature are good (2, 3, 4)."""
        header, claims = _parts(token)
        if header.get("typ") != TYPE:
            raise CredentialError("TYPE")
        if header.get("alg") != ALGORITHM or "crit" in header or "b64" in header:
            raise CredentialError("ALGORITHM")
        issuer = claims.get("iss")
        key = self._issuers.get(issuer) if isinstance(issuer, str) else None
        if key is None:
            raise CredentialError("ISSUER")
        try:
            _JWS.decode_complete(token, key, algorithms=[ALGORITHM])
        except jwt.PyJWTError:
            raise CredentialError("SIGNATURE") from None
        # A list that holds ours beside others is a token for whoever is in the list.
        if claims.get("aud") != self._audience:
            raise CredentialError("AUDIENCE")
        return claims

    @staticmethod
    def _check_term(claims: Mapping[str, Any], seconds: int) -> int:
        """Returns when the token expires, in seconds, if it is good now (5)."""
        issued, expires = _seconds(claims, "iat"), _seconds(claims, "exp")
        begins = _seconds(claims, "nbf") if "nbf" in claims else issued
        if not 0 < expires - issued <= MOST_SECONDS:
            raise CredentialError("TERM")
        if max(issued, begins) > seconds + _SKEW_SECONDS:
            raise CredentialError("NOT_YET")
        if expires <= seconds:
            raise CredentialExpiredError("EXPIRED")
        return expires

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        """Returns the caller that verified claims describe (6, 7)."""
        kind, platform = claims.get("kind"), claims.get("platform", "")
        if not isinstance(kind, str) or kind not in _KINDS:
            raise CredentialError("KIND")
        if not (_identifies(claims.get("sub")) and _identifies(claims.get("jti"))):
            raise CredentialError("SUBJECT")
        named = isinstance(platform, str) and _PLATFORM.fullmatch(platform) is not None
        if named != (kind == CallerKind.PLATFORM) or (platform and not named):
            raise CredentialError("PLATFORM")
        owns = claims.get("owns", [])
        if not _codes(owns) or (owns and kind != CallerKind.MEMBER):
            raise CredentialError("OWNS")
        counts = self._sandbox and claims["iss"] == SANDBOX_ISSUER
        application = claims.get("application", "")
        named = isinstance(application, str) and _APPLICATION.fullmatch(application) is not None
        if named != (kind == CallerKind.INTEGRATOR) or (named and not counts):
            raise CredentialError("APPLICATION")
        return Caller(
            kind=CallerKind(kind),
            issuer=claims["iss"],
            subject=claims["sub"],
            owns=frozenset(owns) if counts else frozenset(),
            platform=platform,
            application=application if named else "",
            token_id=claims["jti"],
        )


_KINDS: Final = frozenset(CallerKind) - {CallerKind.ANONYMOUS}


class _Remembered:
    """The callers of tokens that were verified, oldest use first; bounded."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._callers: Final[OrderedDict[bytes, tuple[Caller, int]]] = OrderedDict()

    def get(self, digest: bytes, seconds: int) -> Caller | None:
        """Returns the caller; None if unknown, or if the token has expired since."""
        with self._lock:
            found = self._callers.get(digest)
            if found is None:
                return None
            if found[1] <= seconds:
                del self._callers[digest]
                return None
            self._callers.move_to_end(digest)
            return found[0]

    def put(self, digest: bytes, caller: Caller, expires: int) -> None:
        with self._lock:
            self._callers[digest] = (caller, expires)
            if len(self._callers) > _MOST_REMEMBERED:
                self._callers.popitem(last=False)


def _token(authorization: str) -> bytes:
    """Returns the token of `Bearer <token>` (1)."""
    if len(authorization) > _MOST_BYTES + len(_SCHEME):
        raise CredentialError("SIZE")
    if not authorization.isascii() or not authorization.lower().startswith(_SCHEME):
        raise CredentialError("SCHEME")
    return authorization[len(_SCHEME) :].encode()


def _parts(token: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns header and claims, not verified yet."""
    segments = token.split(b".")
    if len(segments) != _SEGMENTS:
        raise CredentialError("MALFORMED")
    try:
        return _members(base64url_decode(segments[0])), _members(base64url_decode(segments[1]))
    except (ValueError, RecursionError):
        # The cause quotes the token, so it does not travel on.
        raise CredentialError("MALFORMED") from None


def _members(text: bytes) -> dict[str, Any]:
    """Returns the members of a JSON object.

    Raises:
        ValueError: it is no object, or a name stands twice in an object: parsers
            differ on which of the two counts.
    """
    value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the text is at fault, no argument
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members


def _no_constant(_name: str) -> Any:
    raise ValueError("NaN and Infinity are not JSON")


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise CredentialError("TERM")
    return value


def _identifies(value: object) -> bool:
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


def _codes(value: object) -> bool:
    return isinstance(value, list) and len(value) <= _MOST_OWNED and all(map(_identifies, value))
