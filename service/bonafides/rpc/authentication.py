"""Finds the caller of a call among everything that may stand for one (step 4).

1. No credential is the anonymous caller. More than one of a kind is refused: which of
   them counts is not for us to guess.
2. An access token of an issuer is looked at by `TokenVerifier`.
3. One of our own token service names an application; that this and its key are still in
   use is looked at with every call, on the event loop as far as it is remembered.
4. An assertion is checked against the method and the bytes of this call, and used up.
   A call that is tried again while it waits for a revision, or goes on as a stream, is
   the same call: it is not signed anew, but whether its application stands is looked at
   again.

    callers = Authentication(verifier, credentials)
    callers.at_once(received, now)                    # a Caller, or None: resolve has to
    callers.resolve(method.name, received, now)
"""

from __future__ import annotations

from typing import Final

from bonafides.access import assertions
from bonafides.access.callers import Caller, TokenVerifier, presented
from bonafides.access.credentials import ApplicationCredentials, Sent
from bonafides.access.tokens import Opened, opened_token
from bonafides.errors import AgentTokenError, CredentialError
from bonafides.instants import Instant
from bonafides.rpc.call import Received


class Authentication:
    """Tells callers, for one environment. Threads may share it."""

    def __init__(
        self, tokens: TokenVerifier, applications: ApplicationCredentials | None = None
    ) -> None:
        """Without `applications` nobody signs, and no token names an application."""
        self._tokens: Final = tokens
        self._applications: Final = applications

    def at_once(self, received: Received, now: Instant) -> Caller | None:
        """Returns the caller without waiting for anything; None: `resolve` has to."""
        if len(received.authorizations) > 1 or received.agent_tokens:  # 1
            return None
        caller = self._tokens.recall(next(iter(received.authorizations), None), now)
        if caller is None or not caller.key_id:
            return caller
        standing = self._applications
        return caller if standing and standing.stands_at_once(caller, now) else None  # 3

    def resolve(self, method: str, received: Received, now: Instant) -> Caller:
        """Returns the caller; may ask the database.

        Raises:
            CredentialError: there is none that may call; `fault` says why, for the log.
            StoreUnavailableError: the database can't be reached.
        """
        if received.signed_by is not None:  # 4, again
            self._require_standing(received.signed_by, now)
            return received.signed_by
        if len(received.authorizations) > 1:  # 1
            raise CredentialError("REPEATED")
        if len(received.agent_tokens) > 1:
            raise AgentTokenError("REPEATED")
        authorization = next(iter(received.authorizations), None)
        caller = self._tokens.recall(authorization, now)
        if caller is None and (opened := self._assertion(received)) is not None:  # 4
            return self._signed(opened, method, received, now)
        caller = caller or self._tokens.resolve(authorization, now)  # 2
        if caller.key_id:  # 3
            self._require_standing(caller, now)
        return caller

    def is_signed(self, received: Received) -> bool:
        """Returns whether the call carries an assertion, good or not."""
        return self._assertion(received) is not None

    def _assertion(self, received: Received) -> Opened | None:
        """Returns the assertion of the call, not verified yet; None: it has none."""
        if self._applications is None or len(received.authorizations) != 1:
            return None
        try:
            opened = opened_token(presented(received.authorizations[0]))
        except CredentialError:
            # The verifier of tokens says so, too.
            return None
        return opened if assertions.is_assertion(opened.header) else None

    def _signed(self, opened: Opened, method: str, received: Received, now: Instant) -> Caller:
        if self._applications is None or received.wire is None:
            raise CredentialError("REQUEST")
        sent = Sent(received.wire, next(iter(received.agent_tokens), None))
        received.signed_by = self._applications.signed_by(opened, method, sent, now)
        return received.signed_by

    def _require_standing(self, caller: Caller, now: Instant) -> None:
        if self._applications is None:
            raise CredentialError("APPLICATION")
        if not self._applications.stands_at_once(caller, now):
            self._applications.require_standing(caller, now)
