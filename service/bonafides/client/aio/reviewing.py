"""Calls about reviews, refused automation and levels that people set: `client.reviews`.

await client.reviews.request("91990000MA00000011")
await client.reviews.refuse("91990000MA00000011")
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

from bonafides.client.aio.connection import AsyncConnection
from bonafides.client.aio.paging import pages
from bonafides.v1 import rating_pb2, review_pb2, review_service_pb2, review_service_pb2_grpc


class AsyncReviewCalls:
    """What people decide beside the scorecard. Each call raises RemoteError if it is refused."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection: Final = connection
        self._stub: Final = review_service_pb2_grpc.ReviewServiceStub(connection.channel)

    async def request(self, code: str, request_id: str | None = None) -> review_pb2.Review:
        """Asks that a person look at the level."""
        request = review_service_pb2.RequestReviewRequest(
            request_id=request_id or str(uuid.uuid4()), parent=f"enterprises/{code}"
        )
        return await self._connection.answer(self._stub.RequestReview, request)

    async def reviews(self, code: str) -> Sequence[review_pb2.Review]:
        """Lists the reviews of an enterprise, the latest first."""
        request = review_service_pb2.ListReviewsRequest(parent=f"enterprises/{code}")
        return [
            review
            async for page in pages(self._connection, self._stub.ListReviews, request)
            for review in page.reviews
        ]

    async def decide(
        self, name: str, *, stands: bool, reason: str, four_eyes: bool = False
    ) -> review_pb2.Review:
        """Records what one found, as staff. `four_eyes`: a second one is to find the same."""
        states = review_pb2.Review
        request = review_service_pb2.DecideReviewRequest(
            name=name,
            outcome=states.STATE_STANDS if stands else states.STATE_STANDS_NOT,
            reason=reason,
            four_eyes=four_eyes,
        )
        return await self._connection.answer(self._stub.DecideReview, request)

    async def automatic_rating(self, code: str) -> review_pb2.AutomaticRating:
        """Tells whether the enterprise takes automatic levels."""
        name = f"enterprises/{code}/automaticRating"
        request = review_service_pb2.GetAutomaticRatingRequest(name=name)
        return await self._connection.answer(self._stub.GetAutomaticRating, request)

    async def refuse(self, code: str, *, refused: bool = True) -> review_pb2.AutomaticRating:
        """Refuses automatic levels, or takes that back."""
        request = review_service_pb2.SetAutomaticRatingRequest(
            name=f"enterprises/{code}/automaticRating", refused=refused
        )
        return await self._connection.answer(self._stub.SetAutomaticRating, request)

    async def propose_override(
        self,
        code: str,
        level: rating_pb2.Level.ValueType,
        *,
        reason: str,
        term_days: int,
        request_id: str | None = None,
    ) -> review_pb2.Override:
        """Proposes that people set the level, as staff."""
        request = review_service_pb2.ProposeOverrideRequest(
            request_id=request_id or str(uuid.uuid4()),
            parent=f"enterprises/{code}",
            level=level,
            reason=reason,
            term_days=term_days,
        )
        return await self._connection.answer(self._stub.ProposeOverride, request)

    async def start_override(self, name: str) -> review_pb2.Override:
        """Starts what another member of staff proposed."""
        request = review_service_pb2.StartOverrideRequest(name=name)
        return await self._connection.answer(self._stub.StartOverride, request)

    async def end_override(self, name: str, *, reason: str) -> review_pb2.Override:
        """Ends an override before its term, or takes a proposal back."""
        request = review_service_pb2.EndOverrideRequest(name=name, reason=reason)
        return await self._connection.answer(self._stub.EndOverride, request)

    async def overrides(self, code: str) -> Sequence[review_pb2.Override]:
        """Lists overrides, the latest first; proposals too, to staff."""
        request = review_service_pb2.ListOverridesRequest(parent=f"enterprises/{code}")
        return [
            override
            async for page in pages(self._connection, self._stub.ListOverrides, request)
            for override in page.overrides
        ]

    async def wrong_levels(self, code: str) -> Sequence[review_pb2.WrongLevel]:
        """Lists levels that were shown while something wrong counted, as staff."""
        request = review_service_pb2.ListWrongLevelsRequest(parent=f"enterprises/{code}")
        return [
            level
            async for page in pages(self._connection, self._stub.ListWrongLevels, request)
            for level in page.levels
        ]
