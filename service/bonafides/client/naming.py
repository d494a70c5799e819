# Made of aio/naming.py by scripts/unasync.py: change it there.
"""Calls about who bears a name: `client.names`.

client.names.look_up("九九市百草贸易有限公司")     # ["91990000MA00000011"]
"""

from __future__ import annotations

from typing import Final

from bonafides.client.connection import Connection
from bonafides.v1 import archive_service_pb2, archive_service_pb2_grpc


class NameCalls:
    """Looking enterprises up. Each call raises RemoteError if it is refused."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Final = connection
        self._stub: Final = archive_service_pb2_grpc.ArchiveServiceStub(connection.channel)

    def look_up(self, title: str) -> list[str]:
        """Returns the codes of the enterprises of this exact registered name, ten at most.

        Raises:
            RemoteError: NOT_FOUND where nobody who takes part bears it.
        """
        request = archive_service_pb2.LookUpEnterpriseRequest(title=title)
        answer = self._connection.answer(self._stub.LookUpEnterprise, request)
        return [found.code for found in answer.enterprises]
