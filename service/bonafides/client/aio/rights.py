"""Calls about what is held, corrections, erasures and staff's queue: `client.rights`.

await client.rights.holdings("91990000MA00000011")
await client.rights.erase(submission.name)
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

from bonafides.client.aio.connection import AsyncConnection
from bonafides.client.aio.paging import pages
from bonafides.v1 import rights_pb2, rights_service_pb2, rights_service_pb2_grpc


class AsyncRightsCalls:
    """What persons may ask for. Each call raises RemoteError if it is refused."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection: Final = connection
        self._stub: Final = rights_service_pb2_grpc.RightsServiceStub(connection.channel)

    async def holdings(self, code: str) -> rights_pb2.Holdings:
        """Tells what is held about the persons in one's own submissions, masked."""
        request = rights_service_pb2.GetHoldingsRequest(parent=f"enterprises/{code}")
        return await self._connection.answer(self._stub.GetHoldings, request)

    async def correct(
        self,
        code: str,
        target: rights_pb2.CorrectionTarget,
        *,
        wrong: str,
        right: str,
        evidence_sha256: bytes = b"",
        request_id: str | None = None,
    ) -> rights_pb2.Correction:
        """Asks that something be corrected."""
        request = rights_service_pb2.OpenCorrectionRequest(
            request_id=request_id or str(uuid.uuid4()),
            parent=f"enterprises/{code}",
            target=target,
            wrong=wrong,
            right=right,
            evidence_sha256=evidence_sha256,
        )
        return await self._connection.answer(self._stub.OpenCorrection, request)

    async def correction(self, name: str) -> rights_pb2.Correction:
        """Gets a case by its name."""
        request = rights_service_pb2.GetCorrectionRequest(name=name)
        return await self._connection.answer(self._stub.GetCorrection, request)

    async def corrections(self, code: str) -> Sequence[rights_pb2.Correction]:
        """Lists the cases of an enterprise, the latest first."""
        request = rights_service_pb2.ListCorrectionsRequest(parent=f"enterprises/{code}")
        return [
            case
            async for page in pages(self._connection, self._stub.ListCorrections, request)
            for case in page.corrections
        ]

    async def decide(
        self,
        name: str,
        *,
        upheld: bool,
        reason: str,
        fact_value: str = "",
        withdraw: bool = False,
    ) -> rights_pb2.Correction:
        """Rules on a case, as staff. `fact_value`: the right value of a fact, as JSON."""
        states = rights_pb2.Correction
        request = rights_service_pb2.DecideCorrectionRequest(
            name=name,
            outcome=states.STATE_UPHELD if upheld else states.STATE_REFUSED,
            reason=reason,
            fact_value=fact_value,
            withdraw=withdraw,
        )
        return await self._connection.answer(self._stub.DecideCorrection, request)

    async def erase(self, submission: str) -> rights_pb2.Erasure:
        """Erases the personal values of a submission, by its name. There is no way back."""
        request = rights_service_pb2.ErasePersonalDataRequest(name=submission)
        return await self._connection.answer(self._stub.ErasePersonalData, request)

    async def erase_buyer(self, buyer: str) -> int:
        """Erases a buyer of one's own platform; returns how many revisions named it."""
        request = rights_service_pb2.EraseBuyerRequest(buyer=buyer)
        answer = await self._connection.answer(self._stub.EraseBuyer, request)
        return answer.records

    async def buyer_holdings(self, buyer: str) -> rights_service_pb2.GetBuyerHoldingsResponse:
        """Tells what is held of a buyer of one's own platform, on the buyer's behalf."""
        request = rights_service_pb2.GetBuyerHoldingsRequest(buyer=buyer)
        return await self._connection.answer(self._stub.GetBuyerHoldings, request)

    async def correct_buyer(
        self, code: str, kind: str, record_id: str, *, wrong: str, right: str = ""
    ) -> int:
        """Puts another buyer, or none, into a record of one's own platform.

        Returns the revision that holds from then on; the next one needs a higher number.
        """
        request = rights_service_pb2.CorrectBuyerRequest(
            parent=f"enterprises/{code}",
            kind=kind,
            record_id=record_id,
            wrong_buyer=wrong,
            right_buyer=right,
        )
        answer = await self._connection.answer(self._stub.CorrectBuyer, request)
        return answer.revision

    async def queue(self, page_size: int = 0) -> Sequence[rights_pb2.QueueItem]:
        """Lists what waits for staff, the nearest deadline first."""
        request = rights_service_pb2.ListQueueRequest(page_size=page_size)
        return [
            item
            async for page in pages(self._connection, self._stub.ListQueue, request)
            for item in page.items
        ]
