"""The method by which applications get access tokens."""

from __future__ import annotations

from typing import Final

from bonafides.access.credentials import ApplicationCredentials
from bonafides.instants import to_timestamp
from bonafides.rpc.call import Call
from bonafides.v1 import token_service_pb2 as token_service


class TokenService:
    """Hands out access tokens for what applications signed."""

    def __init__(self, credentials: ApplicationCredentials) -> None:
        self._credentials: Final = credentials

    def exchange_assertion(
        self, request: token_service.ExchangeAssertionRequest, call: Call
    ) -> token_service.AccessToken:
        """Exchanges an assertion for an access token.

        Raises:
            CredentialError: the assertion is not good, or was used before.
            TokensNotIssuedError: no tokens are handed out here.
        """
        issued = self._credentials.exchange(request.assertion, call.now)
        return token_service.AccessToken(
            token=issued.token, expire_time=to_timestamp(issued.expires_at)
        )
