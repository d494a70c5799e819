"""Resolves access tokens to their callers, and callers to an audience.

An access token is a short-lived JWS in the `authorization` metadata, signed by an issuer
that the deployment names. No credential is the anonymous caller. Beside what `tokens`
checks of every credential:

1. It stands after `Bearer `, its `typ` is `at+jwt`, so that no ID token and no
   assertion passes for it.
2. The issuer is configured, and the signature is of that issuer's key (`issuers`).
3. `aud` is one string and ours: it names the environment, so that a token of the
   sandbox is worth nothing in live.
4. It lives at most an hour, has begun, was not issued in the future, has not
   expired; 30 seconds are allowed for clocks that differ.
5. `sub`, `jti` and a kind are there. Who is of which kind its issuer says, as far as
   that is trusted. A platform names itself, nobody else does; in live, applications
   alone are platforms and integrators, and only our own token service names those. The
   sandbox's own issuer may name an integrator's application, too.
6. `owns` counts in sandbox alone, and from its own issuer alone; in live, who acts
   for an enterprise is told by its memberships, which are looked up and never in a token.

A verified token is remembered until it expires, by its digest, or until a key of its
issuer counts no more (`forget`). That its application still stands is looked at each
time (`credentials`). Which check failed is in
`CredentialError.fault`, for the log; the caller is told only that one did.

    caller = verifier.resolve("Bearer eyJ...", now)
    audience(caller, "91990000MA0000001T", Standing.OWNER)     # AUDIENCE_OWNER
"""

from __future__ import annotations

import hashlib
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

from bonafides.access.issuers import (
    LOGIN_TYPES,
    SANDBOX_ISSUER,
    TYPE,
    Issuer,
    Trust,
    claimed_kind,
    stated_by,
)
from bonafides.access.tokens import (
    EDDSA,
    MOST_BYTES,
    SKEW_SECONDS,
    identifies,
    opened_token,
    require_plain_header,
    require_signature,
    seconds_in,
)
from bonafides.errors import CredentialError, CredentialExpiredError
from bonafides.instants import MICROSECONDS, Instant
from bonafides.v1 import disclosure_pb2

__all__ = [
    "ANONYMOUS",
    "MOST_SECONDS",
    "SANDBOX_ISSUER",
    "Caller",
    "CallerKind",
    "Standing",
    "TokenVerifier",
    "audience",
    "mint",
    "presented",
]

# A stolen token is worth an hour at most.
MOST_SECONDS: Final = 3_600

_MOST_REMEMBERED: Final = 4_096
_MOST_OWNED: Final = 200
_SCHEME: Final = "bearer "
_MOST_PRESENTED: Final = MOST_BYTES + len(_SCHEME)
_PLATFORM: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


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
    # The key that the application signed by, and the purpose that it signed for.
    key_id: str = ""
    purpose: str = ""

    def __hash__(self) -> int:
        # Asked for with every call. Those of one login and token are alike in the rest, too.
        return hash((self.subject, self.token_id))

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
    return jwt.encode(claims, private_key, EDDSA, headers={"typ": TYPE})


class TokenVerifier:
    """Tells callers by their access tokens, for one environment. Threads may share it."""

    def __init__(
        self,
        issuers: Mapping[str, Ed25519PublicKey | Issuer],
        audience: str,
        environment: str,
    ) -> None:
        """Takes the issuers by their names; a bare key is one that states kinds itself."""
        self._issuers: Final = {
            name: issuer if isinstance(issuer, Issuer) else stated_by(issuer)
            for name, issuer in issuers.items()
        }
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
        token = presented(authorization)
        digest = _digest(authorization)
        seconds = now // MICROSECONDS
        if known := self._remembered.get(digest, seconds):
            return known
        heard = self._remembered.forgotten
        issuer, claims = self._verified(token)
        expires = self._check_term(claims, seconds)
        caller = self._caller(issuer, claims)
        self._remembered.put(digest, caller, expires, heard)
        return caller

    def recall(self, authorization: str | None, now: Instant) -> Caller | None:
        """Returns the caller without checking a signature; None: `resolve` has to."""
        if authorization is None:
            return ANONYMOUS
        if len(authorization) > _MOST_PRESENTED:
            return None
        return self._remembered.get(_digest(authorization), now // MICROSECONDS)

    def forget(self, issuer: str) -> None:
        """Has what is remembered of the issuer's tokens verified anew, by its keys of now."""
        self._remembered.forget(issuer)

    def _verified(self, token: bytes) -> tuple[Issuer, Mapping[str, Any]]:
        """Returns issuer and claims of a token whose signature is good (1, 2, 3)."""
        opened = opened_token(token)
        typ = opened.header.get("typ")
        if not isinstance(typ, str) or typ not in LOGIN_TYPES:
            raise CredentialError("TYPE")
        require_plain_header(opened.header)
        name = opened.claims.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise CredentialError("ISSUER")
        if typ not in issuer.types:
            raise CredentialError("TYPE")
        require_signature(opened, issuer.key(opened.header))
        # A list that holds ours beside others is a token for whoever is in the list.
        if opened.claims.get("aud") != self._audience:
            raise CredentialError("AUDIENCE")
        return issuer, opened.claims

    @staticmethod
    def _check_term(claims: Mapping[str, Any], seconds: int) -> int:
        """Returns when the token expires, in seconds, if it is good now (4)."""
        issued, expires = seconds_in(claims, "iat"), seconds_in(claims, "exp")
        begins = seconds_in(claims, "nbf") if "nbf" in claims else issued
        if not 0 < expires - issued <= MOST_SECONDS:
            raise CredentialError("TERM")
        if max(issued, begins) > seconds + SKEW_SECONDS:
            raise CredentialError("NOT_YET")
        if expires <= seconds:
            raise CredentialExpiredError("EXPIRED")
        return expires

    def _caller(self, issuer: Issuer, claims: Mapping[str, Any]) -> Caller:
        """Returns the caller that verified claims describe (5, 6)."""
        kind = claimed_kind(issuer, claims)
        if kind not in _KINDS:
            raise CredentialError("KIND")
        if not (identifies(claims.get("sub")) and identifies(claims.get("jti"))):
            raise CredentialError("SUBJECT")
        counts = self._sandbox and claims["iss"] == SANDBOX_ISSUER
        ours = issuer.trust is Trust.APPLICATIONS
        application = _application(kind, claims, ours=ours, trial=counts)
        platform = self._platform(issuer, kind, claims)
        owns = claims.get("owns", [])
        if not _codes(owns) or (owns and kind != CallerKind.MEMBER):
            raise CredentialError("OWNS")
        return Caller(
            kind=CallerKind(kind),
            issuer=claims["iss"],
            subject=claims["sub"],
            owns=frozenset(owns) if counts else frozenset(),
            platform=platform,
            application=application,
            token_id=claims["jti"],
            role=_role(kind, claims) if application else "",
            key_id=claims["key"] if ours else "",
        )

    def _platform(self, issuer: Issuer, kind: str, claims: Mapping[str, Any]) -> str:
        """Returns the platform that the caller is; empty: none (5)."""
        platform = claims.get("platform", "")
        named = isinstance(platform, str) and _PLATFORM.fullmatch(platform) is not None
        if named != (kind == CallerKind.PLATFORM) or (platform and not named):
            raise CredentialError("PLATFORM")
        if named and not self._sandbox and issuer.trust is not Trust.APPLICATIONS:
            # Its word would stand beside no application, no contract and no key.
            raise CredentialError("PLATFORM")
        return str(platform)


_KINDS: Final = frozenset(CallerKind) - {CallerKind.ANONYMOUS}


def _application(kind: str, claims: Mapping[str, Any], *, ours: bool, trial: bool) -> str:
    """Returns the client id of the application that calls; empty: none does (5).

    `ours`: the token is of our own token service; `trial`: of the sandbox's own issuer.
    """
    application = claims.get("application", "")
    if ours:
        good = application == claims["sub"] and identifies(claims.get("key"))
    elif trial:
        good = identifies(application) == (kind == CallerKind.INTEGRATOR)
    else:
        good = application == "" and kind != CallerKind.INTEGRATOR
    if not good or not isinstance(application, str):
        raise CredentialError("APPLICATION")
    return application


def _role(kind: str, claims: Mapping[str, Any]) -> str:
    """Returns the role of an application: of a trial integrator there is but one."""
    trial = "INTEGRATOR" if kind == CallerKind.INTEGRATOR else ""
    role = claims.get("role", trial)
    if not isinstance(role, str):
        raise CredentialError("APPLICATION")
    return role


class _Remembered:
    """The callers of tokens that were verified, oldest use first; bounded."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._callers: Final[OrderedDict[bytes, tuple[Caller, int]]] = OrderedDict()
        # How often any were forgotten.
        self.forgotten = 0

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

    def put(self, digest: bytes, caller: Caller, expires: int, heard: int) -> None:
        """Keeps the caller, unless any were forgotten since `heard`: its key may be gone."""
        with self._lock:
            if heard != self.forgotten:
                return
            self._callers[digest] = (caller, expires)
            if len(self._callers) > _MOST_REMEMBERED:
                self._callers.popitem(last=False)

    def forget(self, issuer: str) -> None:
        with self._lock:
            self.forgotten += 1
            for digest in [key for key, kept in self._callers.items() if kept[0].issuer == issuer]:
                del self._callers[digest]


def _digest(authorization: str) -> bytes:
    # No token stands in the memory. What is not ASCII is remembered of nobody.
    return hashlib.sha256(authorization.encode("utf-8", "surrogatepass")).digest()


def presented(authorization: str) -> bytes:
    """Returns the credential of `Bearer <credential>` (1).

    Raises:
        CredentialError: SIZE or SCHEME.
    """
    if len(authorization) > _MOST_PRESENTED:
        raise CredentialError("SIZE")
    if not authorization.isascii() or not authorization.lower().startswith(_SCHEME):
        raise CredentialError("SCHEME")
    return authorization[len(_SCHEME) :].encode()


def _codes(value: object) -> bool:
    return isinstance(value, list) and len(value) <= _MOST_OWNED and all(map(identifies, value))
