"""Calls of platforms beside reading one archive or level: `client.platforms`.

await client.platforms.batch(codes, purpose=READ_PURPOSE_ELIGIBILITY)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from bonafides.client import requests
from bonafides.client.aio.connection import AsyncConnection
from bonafides.client.aio.paging import pages
from bonafides.client.requests import NOTHING, Changes, RestsOn
from bonafides.v1 import platform_pb2, platform_service_pb2, platform_service_pb2_grpc
from bonafides.v1.purpose_pb2 import ReadPurpose


class AsyncPlatformCalls:
    """What platforms decide, ask and read in bulk. Each call raises RemoteError if refused."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection: Final = connection
        self._stub: Final = platform_service_pb2_grpc.PlatformServiceStub(connection.channel)

    async def batch(
        self, asked: Iterable[str | tuple[str, str]], *, purpose: ReadPurpose.ValueType
    ) -> Sequence[platform_pb2.ArchiveAnswer]:
        """Gets up to 50 archives, each with its own status, in the order asked for.

        A code, or a code and the etag of the archive that the caller holds.
        """
        request = requests.batch(asked, purpose)
        answer = await self._connection.answer(self._stub.BatchGetArchives, request)
        return answer.answers

    async def changed(
        self, since: dt.datetime | None = None, *, purpose: ReadPurpose.ValueType
    ) -> Changes:
        """Lists what changed at or after an aware datetime, among what the platform reads."""
        request = requests.changed(since, purpose)
        told = [
            (page.next_since_time, page.changes)
            async for page in pages(self._connection, self._stub.ListChangedArchives, request)
        ]
        return Changes(
            archives=tuple(each for _, changes in told for each in changes),
            # As the first page says: it was read first.
            next_since=told[0][0].ToDatetime(tzinfo=dt.UTC),
        )

    async def decide(
        self,
        code: str,
        outcome: platform_pb2.PlatformDecision.Outcome.ValueType,
        *,
        purpose: ReadPurpose.ValueType,
        reason: str,
        rests_on: RestsOn = NOTHING,
        request_id: str | None = None,
    ) -> platform_pb2.PlatformDecision:
        """Records what the platform decided by itself; the enterprise sees it."""
        request = requests.decision(
            code, outcome, purpose=purpose, reason=reason, rests_on=rests_on, own_id=request_id
        )
        return await self._connection.answer(self._stub.RecordDecision, request)

    async def decisions(self, code: str = "-") -> list[platform_pb2.PlatformDecision]:
        """Lists what was decided, the latest first; of every enterprise, to a platform alone."""
        request = requests.decisions(code)
        return [
            each
            async for page in pages(self._connection, self._stub.ListDecisions, request)
            for each in page.decisions
        ]

    async def ask(
        self,
        code: str,
        kind: platform_pb2.Inquiry.Kind.ValueType,
        text: str,
        *,
        deadline: dt.datetime,
        request_id: str | None = None,
    ) -> platform_pb2.Inquiry:
        """Asks an enterprise for more, until an aware datetime."""
        request = requests.more(code, kind, text, deadline=deadline, own_id=request_id)
        return await self._connection.answer(self._stub.RequestMore, request)

    async def inquiries(self, code: str = "-") -> list[platform_pb2.Inquiry]:
        """Lists what was asked, the latest first; of every enterprise, to a platform alone."""
        request = requests.inquiries(code)
        return [
            each
            async for page in pages(self._connection, self._stub.ListInquiries, request)
            for each in page.inquiries
        ]

    async def answer(
        self, name: str, answer: str = "", *, document_sha256: bytes = b""
    ) -> platform_pb2.Inquiry:
        """Answers an inquiry of a platform, in words, by a copy, or both. For owners."""
        request = platform_service_pb2.AnswerInquiryRequest(
            name=name, answer=answer, document_sha256=document_sha256
        )
        return await self._connection.answer(self._stub.AnswerInquiry, request)

    async def close(self, name: str) -> platform_pb2.Inquiry:
        """Closes an inquiry of the platform's own."""
        return await self._connection.answer(self._stub.CloseInquiry, requests.closing(name))

    async def set_mask(
        self, platform: str, withheld: Iterable[str], *, reason: str, request_id: str | None = None
    ) -> platform_pb2.PlatformMask:
        """Sets what a platform is not shown, as staff: paths of fields of Archive."""
        request = platform_service_pb2.SetPlatformMaskRequest(
            request_id=requests.request_id(request_id),
            name=f"platforms/{platform}/mask",
            withheld_paths=withheld,
            reason=reason,
        )
        return await self._connection.answer(self._stub.SetPlatformMask, request)

    async def mask(self, platform: str) -> platform_pb2.PlatformMask:
        """Gets what a platform is not shown."""
        request = platform_service_pb2.GetPlatformMaskRequest(name=f"platforms/{platform}/mask")
        return await self._connection.answer(self._stub.GetPlatformMask, request)

    async def masks(self, platform: str) -> list[platform_pb2.PlatformMask]:
        """Lists every mask that a platform had, the latest first, as staff."""
        request = platform_service_pb2.ListPlatformMasksRequest(parent=f"platforms/{platform}")
        return [
            each
            async for page in pages(self._connection, self._stub.ListPlatformMasks, request)
            for each in page.masks
        ]
