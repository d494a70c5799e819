"""Calls of platforms beside reading one archive or level: `client.platforms`.

client.platforms.batch(codes, purpose=READ_PURPOSE_ELIGIBILITY)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bonafides.client import requests
from bonafides.client.agreeing import pages
from bonafides.client.connection import Connection
from bonafides.client.requests import NOTHING, RestsOn
from bonafides.v1 import platform_pb2, platform_service_pb2, platform_service_pb2_grpc
from bonafides.v1.purpose_pb2 import ReadPurpose


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed, the earliest first, and from when to ask the next time."""

    archives: tuple[platform_pb2.ChangedArchive, ...]
    next_since: dt.datetime


class PlatformCalls:
    """What platforms decide, ask and read in bulk. Each call raises RemoteError if refused."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Final = connection
        self._stub: Final = platform_service_pb2_grpc.PlatformServiceStub(connection.channel)

    def batch(
        self, asked: Iterable[str | tuple[str, str]], *, purpose: ReadPurpose.ValueType
    ) -> Sequence[platform_pb2.ArchiveAnswer]:
        """Gets up to 50 archives, each with its own status, in the order asked for.

        A code, or a code and the etag of the archive that the caller holds.
        """
        request = requests.batch(with_etags(asked), purpose)
        return self._connection.call(self._stub.BatchGetArchives, request)[0].answers

    def changed(
        self, since: dt.datetime | None = None, *, purpose: ReadPurpose.ValueType
    ) -> Changes:
        """Lists what changed at or after an aware datetime, among what the platform reads."""
        request = requests.changed(since, purpose)
        return gathered(pages(self._connection, self._stub.ListChangedArchives, request))

    def decide(
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
        return self._connection.call(self._stub.RecordDecision, request)[0]

    def decisions(self, code: str = "-") -> list[platform_pb2.PlatformDecision]:
        """Lists what was decided, the latest first; of every enterprise, to a platform alone."""
        request = requests.decisions(code)
        return [
            each
            for page in pages(self._connection, self._stub.ListDecisions, request)
            for each in page.decisions
        ]

    def ask(
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
        return self._connection.call(self._stub.RequestMore, request)[0]

    def inquiries(self, code: str = "-") -> list[platform_pb2.Inquiry]:
        """Lists what was asked, the latest first; of every enterprise, to a platform alone."""
        request = requests.inquiries(code)
        return [
            each
            for page in pages(self._connection, self._stub.ListInquiries, request)
            for each in page.inquiries
        ]

    def answer(
        self, name: str, answer: str = "", *, document_sha256: bytes = b""
    ) -> platform_pb2.Inquiry:
        """Answers an inquiry of a platform, in words, by a copy, or both. For owners."""
        request = platform_service_pb2.AnswerInquiryRequest(
            name=name, answer=answer, document_sha256=document_sha256
        )
        return self._connection.call(self._stub.AnswerInquiry, request)[0]

    def close(self, name: str) -> platform_pb2.Inquiry:
        """Closes an inquiry of the platform's own."""
        return self._connection.call(self._stub.CloseInquiry, requests.closing(name))[0]

    def set_mask(
        self, platform: str, withheld: Iterable[str], *, reason: str, request_id: str | None = None
    ) -> platform_pb2.PlatformMask:
        """Sets what a platform is not shown, as staff: paths of fields of Archive."""
        request = platform_service_pb2.SetPlatformMaskRequest(
            request_id=requests.request_id(request_id),
            name=f"platforms/{platform}/mask",
            withheld_paths=withheld,
            reason=reason,
        )
        return self._connection.call(self._stub.SetPlatformMask, request)[0]

    def mask(self, platform: str) -> platform_pb2.PlatformMask:
        """Gets what a platform is not shown."""
        request = platform_service_pb2.GetPlatformMaskRequest(name=f"platforms/{platform}/mask")
        return self._connection.call(self._stub.GetPlatformMask, request)[0]

    def masks(self, platform: str) -> list[platform_pb2.PlatformMask]:
        """Lists every mask that a platform had, the latest first, as staff."""
        request = platform_service_pb2.ListPlatformMasksRequest(parent=f"platforms/{platform}")
        return [
            each
            for page in pages(self._connection, self._stub.ListPlatformMasks, request)
            for each in page.masks
        ]


def with_etags(asked: Iterable[str | tuple[str, str]]) -> list[tuple[str, str]]:
    """Returns what is asked for, each with an etag; empty where the caller holds nothing."""
    return [(each, "") if isinstance(each, str) else each for each in asked]


def gathered(told: Iterable[platform_service_pb2.ListChangedArchivesResponse]) -> Changes:
    """Returns what all pages tell. The first says from when to ask: it was read first."""
    read = list(told)
    return Changes(
        archives=tuple(each for page in read for each in page.changes),
        next_since=read[0].next_since_time.ToDatetime(tzinfo=dt.UTC),
    )
