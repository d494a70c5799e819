"""Calls about what is open for an enterprise: `client.identities`.

client.identities.requirements("91990000MA00000011")
"""

from __future__ import annotations

from typing import Final

from bonafides.client.agreeing import pages
from bonafides.client.connection import Connection
from bonafides.v1 import (
    identity_service_pb2,
    identity_service_pb2_grpc,
    requirement_pb2,
)


class IdentityCalls:
    """What follows a submission. Each call raises RemoteError if it is refused."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Final = connection
        self._stub: Final = identity_service_pb2_grpc.IdentityServiceStub(connection.channel)

    def requirements(self, code: str) -> list[requirement_pb2.Requirement]:
        """Lists what is past due, due, being checked and optional, in this order."""
        request = identity_service_pb2.ListRequirementsRequest(name=f"enterprises/{code}")
        return [
            each
            for page in pages(self._connection, self._stub.ListRequirements, request)
            for each in page.requirements
        ]
