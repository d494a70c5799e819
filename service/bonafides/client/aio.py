"""Calls a Bonafides service from an event loop, as a platform does: `AsyncClient`.

The same calls as `Client` and its `platforms`, for what platforms read and write, with the
same requests, faults and rules of `connection`: a deadline for each call, plaintext to
loopback alone. UNAVAILABLE is tried again inside the deadline, for reads and for writes
that carry a request id; for other writes never.

An application calls by its `credentials`: each write is signed, reads carry a token that is
got when it is needed. `token` is a token, or what gives one before each call, a function or
a coroutine: it can take a new one from an issuer when the old one ends.

Every other method is called through its generated stub on `client.channel`, typed, by the
same rules:

    async with AsyncClient("127.0.0.1:50051", credentials=credentials) as client:
        archive = await client.get_archive(code, purpose=READ_PURPOSE_ELIGIBILITY)
        drafts = DraftServiceStub(client.channel)
        draft = await client.call(drafts.CreateDraft, request)
"""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar

import grpc

from bonafides.client import requests
from bonafides.client.connection import BROKEN, async_channel, authorization
from bonafides.client.faults import (
    ClosedClientError,
    RemoteError,
    TokenUnusableError,
    remote_error,
)
from bonafides.client.outbox import Outbox
from bonafides.client.platforms import Changes, gathered, with_etags
from bonafides.client.requests import NOTHING, RestsOn
from bonafides.client.signing import Credentials
from bonafides.v1 import (
    archive_pb2,
    archive_service_pb2_grpc,
    enterprise_pb2,
    identity_service_pb2_grpc,
    platform_pb2,
    platform_service_pb2_grpc,
    rating_pb2,
    rating_service_pb2_grpc,
    record_pb2,
    record_service_pb2,
    record_service_pb2_grpc,
)
from bonafides.v1.purpose_pb2 import ReadPurpose

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")
Token: TypeAlias = str | Callable[[], str | Awaitable[str]]

# Below the server's own bound on connections, so that streams end by our wish.
_STREAM_SECONDS: Final = 1_200.0
_STREAM_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, 1.6)


class AsyncClient:
    """A connection to one server, as one platform. For one event loop."""

    def __init__(
        self,
        target: str,
        *,
        token: Token | None = None,
        credentials: Credentials | None = None,
        root_certificates: bytes | None = None,
        timeout_seconds: float = 5.0,
    ) -> None:
        """Opens a channel; the first call connects. Parameters as of `Client`.

        Raises:
            InsecureTargetError: no root certificates, and not loopback.
            TokenUnusableError: both token and credentials.
        """
        if token is not None and credentials is not None:
            raise TokenUnusableError
        self._token: Final = token
        self._timeout_seconds: Final = timeout_seconds
        # For generated stubs; whoever has a token calls them by `call`.
        self.channel: Final = async_channel(target, root_certificates, credentials)
        self._archives: Final = archive_service_pb2_grpc.ArchiveServiceStub(self.channel)
        self._identity: Final = identity_service_pb2_grpc.IdentityServiceStub(self.channel)
        self._platforms: Final = platform_service_pb2_grpc.PlatformServiceStub(self.channel)
        self._ratings: Final = rating_service_pb2_grpc.RatingServiceStub(self.channel)
        self._records: Final = record_service_pb2_grpc.RecordServiceStub(self.channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the channel; calls under way are cancelled."""
        await self.channel.close()

    async def get_archive(
        self, code: str, *, purpose: ReadPurpose.ValueType, min_revision: int | None = None
    ) -> archive_pb2.Archive:
        """Gets the archive of an enterprise, as the purpose shows it.

        Raises:
            RemoteError: NOT_FOUND for an enterprise that takes no part.
        """
        request = requests.archive(code, purpose=purpose, min_revision=min_revision)
        found: archive_pb2.Archive = await self.call(self._archives.GetArchive, request)
        return found

    async def get_rating(self, code: str, *, purpose: ReadPurpose.ValueType) -> rating_pb2.Rating:
        """Gets the level of an enterprise.

        Raises:
            RemoteError: NOT_FOUND for an enterprise that takes no part.
        """
        request = requests.rating(code, purpose)
        found: rating_pb2.Rating = await self.call(self._ratings.GetRating, request)
        return found

    async def get_submission(self, name: str) -> enterprise_pb2.Submission:
        """Gets a submission of the platform's own, enterprises/{code}/submissions/{uid}.

        Raises:
            RemoteError: NOT_FOUND to all but its submitter.
        """
        request = requests.submission(name)
        found: enterprise_pb2.Submission = await self.call(self._identity.GetSubmission, request)
        return found

    async def batch(
        self, asked: Iterable[str | tuple[str, str]], *, purpose: ReadPurpose.ValueType
    ) -> Sequence[platform_pb2.ArchiveAnswer]:
        """Gets up to 50 archives, as `PlatformCalls.batch`."""
        request = requests.batch(with_etags(asked), purpose)
        answer = await self.call(self._platforms.BatchGetArchives, request)
        answers: Sequence[platform_pb2.ArchiveAnswer] = answer.answers
        return answers

    async def changed(
        self, since: dt.datetime | None = None, *, purpose: ReadPurpose.ValueType
    ) -> Changes:
        """Lists what changed, as `PlatformCalls.changed`."""
        request = requests.changed(since, purpose)
        return gathered(await self._pages(self._platforms.ListChangedArchives, request))

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
        """Records what the platform decided, as `PlatformCalls.decide`."""
        request = requests.decision(
            code, outcome, purpose=purpose, reason=reason, rests_on=rests_on, own_id=request_id
        )
        made: platform_pb2.PlatformDecision = await self.call(
            self._platforms.RecordDecision, request
        )
        return made

    async def decisions(self, code: str = "-") -> list[platform_pb2.PlatformDecision]:
        """Lists what the platform decided, the latest first."""
        request = requests.decisions(code)
        read = await self._pages(self._platforms.ListDecisions, request)
        return [each for page in read for each in page.decisions]

    async def ask(
        self,
        code: str,
        kind: platform_pb2.Inquiry.Kind.ValueType,
        text: str,
        *,
        deadline: dt.datetime,
        request_id: str | None = None,
    ) -> platform_pb2.Inquiry:
        """Asks an enterprise for more, as `PlatformCalls.ask`."""
        request = requests.more(code, kind, text, deadline=deadline, own_id=request_id)
        made: platform_pb2.Inquiry = await self.call(self._platforms.RequestMore, request)
        return made

    async def inquiries(self, code: str = "-") -> list[platform_pb2.Inquiry]:
        """Lists what the platform asked, the latest first."""
        request = requests.inquiries(code)
        read = await self._pages(self._platforms.ListInquiries, request)
        return [each for page in read for each in page.inquiries]

    async def close_inquiry(self, name: str) -> platform_pb2.Inquiry:
        """Closes an inquiry of the platform's own."""
        request = requests.closing(name)
        closed: platform_pb2.Inquiry = await self.call(self._platforms.CloseInquiry, request)
        return closed

    async def get_write_cursor(self, source: str) -> int:
        """Gets up to which batch a source is stored; 0 if none ever was."""
        request = record_service_pb2.GetWriteCursorRequest(source=source)
        found = await self.call(self._records.GetWriteCursor, request)
        sequence: int = found.sequence
        return sequence

    async def write_records(
        self,
        batches: Iterable[Sequence[record_pb2.Record]],
        *,
        source: str,
        first: int | None = None,
    ) -> AsyncIterator[record_service_pb2.WriteRecordsResponse]:
        """Writes batches and yields acknowledgments, as `Client.write_records`.

        The batches are taken on a thread: their iterable may block.

        Raises:
            RemoteError: refused, or broken again and again without getting on.
            Exception: whatever `batches` raised, once what came before is stored.
        """
        cursor = await self.get_write_cursor(source)
        outbox = Outbox(source, batches, first=cursor + 1 if first is None else first)
        pauses = iter(_STREAM_PAUSES)
        while True:
            outbox.resume(cursor)
            try:
                async for answer in self._stream(outbox):
                    outbox.acknowledged(answer.sequence)
                    pauses = iter(_STREAM_PAUSES)
                    yield answer
            except RemoteError as error:
                pause = next(pauses, None) if error.code in BROKEN else None
                if pause is None:
                    raise
                await asyncio.sleep(pause)
                cursor = await self.get_write_cursor(source)
            else:
                if outbox.failure is not None:
                    raise outbox.failure
                return

    async def _stream(
        self, outbox: Outbox
    ) -> AsyncIterator[record_service_pb2.WriteRecordsResponse]:
        drawn = outbox.requests()

        async def sent() -> AsyncIterator[record_service_pb2.WriteRecordsRequest]:
            while (request := await asyncio.to_thread(next, drawn, None)) is not None:
                yield request

        write: Any = self._records.WriteRecords
        answers = write(sent(), timeout=_STREAM_SECONDS, metadata=await self._metadata())
        try:
            async for answer in answers:
                yield answer
        except grpc.RpcError as error:
            raise remote_error(error) from error
        finally:
            # Wakes the thread that draws, before the call is left.
            outbox.stop()
            answers.cancel()

    async def _pages(self, method: Any, request: Any) -> list[Any]:
        read = []
        while True:
            page = await self.call(method, request)
            read.append(page)
            if not page.next_page_token:
                return read
            request.page_token = page.next_page_token

    async def call(
        self, method: grpc.aio.UnaryUnaryMultiCallable[_Request, _Answer], request: _Request
    ) -> _Answer:
        """Calls any method of a stub on `channel`, within the deadline.

        Raises:
            RemoteError: refused or failed.
            ClosedClientError: the channel was closed.
        """
        metadata = await self._metadata()
        try:
            return await method(request, timeout=self._timeout_seconds, metadata=metadata)
        except grpc.RpcError as error:
            raise remote_error(error) from error
        except (grpc.aio.UsageError, ValueError) as error:
            # The library's ways to say that the channel was closed.
            raise ClosedClientError from error

    async def _metadata(self) -> tuple[tuple[str, str], ...]:
        token = self._token() if callable(self._token) else self._token
        return authorization(await token if inspect.isawaitable(token) else token)
