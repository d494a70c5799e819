"""Calls about who was shown something of an enterprise: `client.accesses`.

await client.accesses.log("91990000MA00000011")
"""

from __future__ import annotations

from typing import Final

from bonafides.client.aio.connection import AsyncConnection
from bonafides.client.aio.paging import pages
from bonafides.v1 import access_pb2, access_service_pb2, access_service_pb2_grpc


class AsyncAccessCalls:
    """The access log of the caller's own enterprise.

    Each call raises RemoteError if it is refused: NOT_FOUND for another's enterprise.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection: Final = connection
        self._stub: Final = access_service_pb2_grpc.AccessServiceStub(connection.channel)

    async def log(self, code: str, *, most: int | None = None) -> list[access_pb2.Access]:
        """Lists who was shown something, the latest first; at most so many lines, None: all."""
        found: list[access_pb2.Access] = []
        request = access_service_pb2.ListAccessesRequest(parent=f"enterprises/{code}")
        async for page in pages(self._connection, self._stub.ListAccesses, request):
            found.extend(page.accesses)
            # The pages behind are not asked for.
            if most is not None and len(found) >= most:
                break
        return found[:most]

    async def page(
        self, code: str, page_token: str = ""
    ) -> access_service_pb2.ListAccessesResponse:
        """Gets one page of the log, the latest; with the token of a page, the one behind it."""
        request = access_service_pb2.ListAccessesRequest(
            parent=f"enterprises/{code}", page_token=page_token
        )
        return await self._connection.answer(self._stub.ListAccesses, request)
