"""Calls of platforms that write records, which a client has among its own.

async for told in client.write_records(batches, source="orders"): ...
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from typing import Final

import grpc

from bonafides.client.aio.connection import AsyncConnection
from bonafides.client.aio.filing import AsyncDocumentCalls
from bonafides.client.aio.waiting import closing, sleep
from bonafides.client.faults import RemoteError
from bonafides.client.outbox import Outbox
from bonafides.v1 import record_pb2, record_service_pb2, record_service_pb2_grpc

# Below the server's own bound on connections, so that streams end by our wish.
_STREAM_SECONDS: Final = 1_200.0
# A stream that got nowhere is opened again so often, with growing pauses.
_STREAM_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, 1.6)
# A stream that broke so may be taken up again.
_BROKEN: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


class AsyncRecordCalls(AsyncDocumentCalls):
    """Writes records over a stream, each batch once."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self._records: Final = record_service_pb2_grpc.RecordServiceStub(connection.channel)

    async def get_write_cursor(self, source: str) -> int:
        """Gets up to which batch a source is stored; 0 if none ever was.

        Raises:
            RemoteError: not for this kind of caller.
        """
        request = record_service_pb2.GetWriteCursorRequest(source=source)
        told = await self._connection.answer(self._records.GetWriteCursor, request)
        return told.sequence

    async def write_records(
        self,
        batches: Iterable[Sequence[record_pb2.Record]],
        *,
        source: str,
        first: int | None = None,
    ) -> AsyncIterator[record_service_pb2.WriteRecordsResponse]:
        """Writes batches of 1 to 1000 records; yields acknowledgments of what is stored.

        `source` is a name of yours for what numbers the batches. `first` is the
        number of the first one: give the same batches the same numbers, and those
        that are stored already are not sent again. None numbers on from what is
        stored. The batches are taken on a thread of their own. A stream that breaks is
        taken up again; records that the server refuses stand in `rejections`. Nothing is
        sent before the first acknowledgment is asked for.

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
                async with closing(self._opened(outbox)) as answers:
                    try:
                        async for answer in answers:
                            outbox.acknowledged(answer.sequence)
                            pauses = iter(_STREAM_PAUSES)
                            yield answer
                    finally:
                        # Wakes the thread that draws, before the call is left.
                        outbox.stop()
            except RemoteError as error:
                pause = next(pauses, None) if _is_broken(error) else None
                if pause is None:
                    raise
                await sleep(pause)
                cursor = await self.get_write_cursor(source)
            else:
                if outbox.failure is not None:
                    raise outbox.failure
                return

    def _opened(
        self, outbox: Outbox
    ) -> AsyncGenerator[record_service_pb2.WriteRecordsResponse, None]:
        return self._connection.stream(
            self._records.WriteRecords, outbox.requests(), seconds=_STREAM_SECONDS
        )


def _is_broken(error: RemoteError) -> bool:
    """Returns whether a stream that ended so may be taken up again."""
    # No word of our server's: the library's for a message that was on its way when the stream
    # ended, or that of a proxy between.
    return error.code in _BROKEN or (error.code is grpc.StatusCode.INTERNAL and not error.reason)
