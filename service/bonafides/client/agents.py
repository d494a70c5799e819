# Made of aio/agents.py by scripts/unasync.py: change it there.
"""Calls about integrators: `client.integrators`.

An enterprise's owner, by the code at the end of the link that the integrator shared:

    given = client.integrators.authorize(code, url_code, ["archive.read"], term_days=90)

The integrator fetches its token, and then acts for this one enterprise:

    told = client.integrators.exchange(given.authorization_code)
    acting = Client(target, token=own, agent_token=told.agent_token)
    archive = acting.get_archive(code)
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

from bonafides.client.connection import Connection
from bonafides.client.paging import pages
from bonafides.v1 import (
    integrator_pb2,
    integrator_service_pb2,
    integrator_service_pb2_grpc,
)


class IntegratorCalls:
    """Authorizing and being authorized. Each call raises RemoteError if it is refused."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Final = connection
        self._stub: Final = integrator_service_pb2_grpc.IntegratorServiceStub(connection.channel)

    def create_url(
        self, scopes: Sequence[str], request_id: str | None = None
    ) -> integrator_pb2.AuthorizationUrl:
        """Makes a link that asks for these scopes, as a live integrator."""
        request = integrator_service_pb2.CreateAuthorizationUrlRequest(
            request_id=request_id or str(uuid.uuid4()), scopes=scopes
        )
        return self._connection.answer(self._stub.CreateAuthorizationUrl, request)

    def get_url(self, url_code: str) -> integrator_pb2.AuthorizationUrl:
        """Gets who asks by a link, and for what; `url_code` may be the whole link."""
        request = integrator_service_pb2.GetAuthorizationUrlRequest(url_code=_last(url_code))
        return self._connection.answer(self._stub.GetAuthorizationUrl, request)

    def authorize(
        self,
        code: str,
        url_code: str,
        scopes: Sequence[str],
        *,
        term_days: int,
        request_id: str | None = None,
    ) -> integrator_service_pb2.AuthorizeIntegratorResponse:
        """Lets the application of a link act for the enterprise, for 1 to 365 days.

        Hand the `authorization_code` of the answer to the integrator: it is good once, for
        ten minutes. `url_code` as in `get_url`.
        """
        request = integrator_service_pb2.AuthorizeIntegratorRequest(
            request_id=request_id or str(uuid.uuid4()),
            parent=f"enterprises/{code}",
            url_code=_last(url_code),
            scopes=scopes,
            term_days=term_days,
        )
        return self._connection.answer(self._stub.AuthorizeIntegrator, request)

    def exchange(
        self, authorization_code: str
    ) -> integrator_service_pb2.ExchangeAuthorizationResponse:
        """Fetches the agent token, as the integrator. It is shown this once."""
        request = integrator_service_pb2.ExchangeAuthorizationRequest(
            authorization_code=authorization_code
        )
        return self._connection.answer(self._stub.ExchangeAuthorization, request)

    def authorizations(self, parent: str) -> Sequence[integrator_pb2.IntegratorAuthorization]:
        """Lists authorizations, of enterprises/{code} or applications/{client_id}."""
        request = integrator_service_pb2.ListIntegratorAuthorizationsRequest(parent=parent)
        return [
            each
            for page in pages(self._connection, self._stub.ListIntegratorAuthorizations, request)
            for each in page.authorizations
        ]

    def revoke(self, name: str) -> integrator_pb2.IntegratorAuthorization:
        """Takes an authorization back, or gives it up, by its name."""
        request = integrator_service_pb2.RevokeIntegratorRequest(name=name)
        return self._connection.answer(self._stub.RevokeIntegrator, request)

    def statistics(self, parent: str) -> integrator_pb2.IntegratorStatistics:
        """Counts authorizations, of enterprises/{code} or applications/{client_id}."""
        request = integrator_service_pb2.GetIntegratorStatisticsRequest(
            name=f"{parent}/integratorStatistics"
        )
        return self._connection.answer(self._stub.GetIntegratorStatistics, request)


def _last(link: str) -> str:
    """Returns the code at the end of a link; a code is its own end."""
    return link.rstrip("/").rpartition("/")[2]
