"""Calls about what would become of a level: `client.advising`.

advice = await client.advising.advice("91990000MA00000011")
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from google.type.date_pb2 import Date

from bonafides.client.aio.connection import AsyncConnection
from bonafides.v1 import rating_pb2, rating_service_pb2, rating_service_pb2_grpc


class AsyncAdviceCalls:
    """What an enterprise may ask of its level. Each call raises RemoteError if it is refused."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection: Final = connection
        self._stub: Final = rating_service_pb2_grpc.RatingServiceStub(connection.channel)

    async def advice(self, code: str) -> rating_pb2.Advice:
        """Gets the cheapest honest ways to the next level."""
        request = rating_service_pb2.GetAdviceRequest(name=f"enterprises/{code}/advice")
        return await self._connection.answer(self._stub.GetAdvice, request)

    async def simulate(
        self,
        code: str,
        steps: Sequence[rating_pb2.Step.ValueType] = (),
        date: dt.date | None = None,
    ) -> rating_pb2.Simulation:
        """Tells what level the steps would lead to on the day; None: today."""
        request = rating_service_pb2.SimulateRatingRequest(
            name=f"enterprises/{code}/rating", steps=steps
        )
        if date is not None:
            request.date.CopyFrom(Date(year=date.year, month=date.month, day=date.day))
        return await self._connection.answer(self._stub.SimulateRating, request)
