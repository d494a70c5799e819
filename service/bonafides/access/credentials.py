"""Tells which application calls: by what it signed, or by the token that it got for that.

Rules:
- An assertion is checked as `assertions` says, against a key of that application that is
  in force now. It is used up, on disk, before anything is done for it.
- An access token is got by an assertion made for TokenService alone, lives an hour at
  most, and names application, platform and key. It is worth nothing from the moment at
  which the key or the application is out of use: that is looked at with every call.
- In sandbox an application may call unless it is suspended or closed; in live once it
  was launched.
- What it may do follows from its role and platform as they are stored, never from
  anything that it says.

    caller = credentials.signed_by(token, "/bonafides.v1.RecordService/GetWriteCursor", sent, now)
    issued = credentials.exchange(assertion, now)
    credentials.require_standing(caller, now)       # of a token's caller
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bonafides.access import assertions
from bonafides.access.applications import may_call
from bonafides.access.assertions import Claimed, Expected
from bonafides.access.callers import MOST_SECONDS, Caller, CallerKind
from bonafides.access.issuers import OWN_ISSUER, TYPE
from bonafides.access.tokens import EDDSA, Opened, opened_token
from bonafides.errors import (
    ApplicationNotActiveError,
    AssertionUsedError,
    CredentialError,
    TokensNotIssuedError,
)
from bonafides.instants import MICROSECONDS, Instant
from bonafides.storage import assertions as used
from bonafides.storage.applications import ApplicationRow
from bonafides.storage.known_applications import KnownApplication, KnownApplications
from bonafides.storage.unit_of_work import Store

EXCHANGE: Final = "/bonafides.v1.TokenService/ExchangeAssertion"
# What a role calls as, with the platform that it is registered for.
_KINDS: Final[Mapping[str, CallerKind]] = {
    "MERCHANT": CallerKind.PLATFORM,
    "ACQUIRER": CallerKind.PLATFORM,
    "INTEGRATOR": CallerKind.INTEGRATOR,
}
# Of one application that are remembered to stand.
_MOST_TOKENS: Final = 64


@dataclass(frozen=True, slots=True)
class Sent:
    """What came with an assertion. `request` is as it came, `agent_token` None: none did."""

    request: bytes = field(repr=False)
    agent_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Issued:
    """An access token, and when it ends."""

    token: str = field(repr=False)
    expires_at: Instant


class ApplicationCredentials:
    """Tells applications apart, for one environment. Threads may share it."""

    def __init__(
        self,
        store: Store,
        applications: KnownApplications,
        *,
        environment: str,
        audience: str,
        token_key: Ed25519PrivateKey | None,
    ) -> None:
        """Takes the `aud` of access tokens, and the key to sign them by; None: none are signed."""
        self._store: Final = store
        self._applications: Final = applications
        self._environment: Final = environment
        self._audience: Final = audience
        self._token_key: Final = token_key

    def signed_by(self, opened: Opened, method: str, sent: Sent, now: Instant) -> Caller:
        """Returns who signed this request, and uses the assertion up. Commits.

        Raises:
            CredentialError: it is not good; `fault` says why, for the log.
            StoreUnavailableError: the database can't be reached.
        """
        expected = Expected(
            assertions.audience_of(self._environment, method), sent.request, sent.agent_token
        )
        return self._used(assertions.read(opened), expected, now)

    def exchange(self, assertion: str, now: Instant) -> Issued:
        """Returns an access token for an assertion, which is used up. Commits.

        Raises:
            CredentialError: the assertion is not good; `fault` says why, for the log.
            TokensNotIssuedError: there is no key to sign by.
            StoreUnavailableError: the database can't be reached.
        """
        if self._token_key is None:
            raise TokensNotIssuedError
        if not assertion.isascii():
            raise CredentialError("MALFORMED")
        expected = Expected(assertions.audience_of(self._environment, EXCHANGE))
        caller = self._used(assertions.read(opened_token(assertion.encode())), expected, now)
        issued = now // MICROSECONDS
        claims = {
            "iss": OWN_ISSUER,
            "aud": self._audience,
            "sub": caller.application,
            "iat": issued,
            "exp": issued + MOST_SECONDS,
            "jti": secrets.token_urlsafe(16),
            "kind": str(caller.kind),
            "platform": caller.platform,
            "application": caller.application,
            "role": caller.role,
            "key": caller.key_id,
        }
        token = jwt.encode(
            {name: value for name, value in claims.items() if value != ""},
            self._token_key,
            EDDSA,
            headers={"typ": TYPE},
        )
        return Issued(token, Instant((issued + MOST_SECONDS) * MICROSECONDS))

    def stands_at_once(self, caller: Caller, now: Instant) -> bool:
        """Returns whether an application's caller still stands, as far as that is remembered.

        False: it has to be looked at by `require_standing`.
        """
        known = self._applications.at_once(caller.application)
        window = None if known is None else known.standing.get(caller.token_id)
        return window is not None and window[0] <= now < window[1]

    def require_standing(self, caller: Caller, now: Instant) -> None:
        """Checks that an application, and the key that it signed by, are still in use.

        Raises:
            ApplicationNotActiveError: the application is suspended, closed, or not launched.
            CredentialError: the key is out of use, or it calls for another platform by now.
            StoreUnavailableError: the database can't be reached.
        """
        known = self._known(caller.application)
        self._active(known)
        if not self._is_as_before(known, caller, now):
            raise CredentialError("KEY")
        if len(known.standing) >= _MOST_TOKENS:
            known.standing.clear()
        known.standing[caller.token_id] = known.window(caller.key_id)

    def _used(self, claimed: Claimed, expected: Expected, now: Instant) -> Caller:
        known = self._known(claimed.client_id)
        key = known.key(claimed.key_id, now)
        if key is None:
            raise CredentialError("KEY")
        checked = assertions.check(claimed, key, expected, now // MICROSECONDS)
        # Only whoever holds a key of the application learns how that stands.
        row = self._active(known)
        with self._store.writing() as work:
            if not used.use(work, claimed.client_id, checked.once, now=now):
                raise AssertionUsedError("REPLAYED")
            work.commit()
        return Caller(
            _KINDS[row.role],
            issuer=OWN_ISSUER,
            subject=row.client_id,
            platform=row.platform or "",
            application=row.client_id,
            token_id=checked.once,
            signed=True,
            role=row.role,
            key_id=claimed.key_id,
            purpose=checked.purpose,
        )

    def _known(self, client_id: str) -> KnownApplication:
        return self._applications.at_once(client_id) or self._applications.read(client_id)

    def _active(self, known: KnownApplication) -> ApplicationRow:
        """Returns the application, if it may call here."""
        row = known.row
        if row is None:
            raise CredentialError("KEY")
        if not may_call(self._environment, row.state):
            raise ApplicationNotActiveError("STATE")
        kind = _KINDS.get(row.role)
        if kind is None or (kind is CallerKind.PLATFORM and not row.platform):
            raise ApplicationNotActiveError("ROLE")
        return row

    def _is_as_before(self, known: KnownApplication, caller: Caller, now: Instant) -> bool:
        if known.key(caller.key_id, now) is None:
            return False
        try:
            row = self._active(known)
        except CredentialError:
            return False
        return (_KINDS[row.role], row.platform or "") == (caller.kind, caller.platform)
