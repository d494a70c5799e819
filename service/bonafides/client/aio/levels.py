"""Calls about how a level came about over time: `client.levels`.

steps = await client.levels.history("91990000MA00000011")
receipt = await client.levels.receipt("91990000MA00000011")
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from bonafides.client.aio.connection import AsyncConnection
from bonafides.client.aio.paging import pages
from bonafides.v1 import rating_pb2, rating_service_pb2, rating_service_pb2_grpc


class AsyncLevelCalls:
    """History and receipts, of the caller's own enterprise and for staff.

    Each call raises RemoteError if it is refused: NOT_FOUND for another's enterprise.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection: Final = connection
        self._stub: Final = rating_service_pb2_grpc.RatingServiceStub(connection.channel)

    async def history(self, code: str) -> Sequence[rating_pb2.RatingStep]:
        """Lists the steps of a level, the latest first, with causes and changed facts."""
        request = rating_service_pb2.ListRatingsRequest(parent=f"enterprises/{code}")
        return [
            step
            async for page in pages(self._connection, self._stub.ListRatings, request)
            for step in page.ratings
        ]

    async def receipt(self, code: str, *, as_of: dt.datetime | None = None) -> rating_pb2.Receipt:
        """Gets the receipt of the level; None: of the level of now."""
        request = rating_service_pb2.GetReceiptRequest(name=f"enterprises/{code}/receipt")
        if as_of is not None:
            request.as_of_time.FromDatetime(as_of)
        return await self._connection.answer(self._stub.GetReceipt, request)
