"""Calls about copies of licences, which `Client` has among its own.

await client.upload_license(path, "91990000MA00000011")
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from bonafides.client import documents
from bonafides.client.aio.connection import AsyncConnection
from bonafides.client.aio.waiting import closing, unblocked
from bonafides.client.documents import UploadUnfinishedError
from bonafides.v1 import document_pb2, document_service_pb2, document_service_pb2_grpc

# The server keeps an upload open no longer.
_UPLOAD_SECONDS: Final = 300.0


class AsyncDocumentCalls:
    """Uploads, reads and deletes copies. Each call raises RemoteError if it is refused."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection: Final = connection
        self._documents: Final = document_service_pb2_grpc.DocumentServiceStub(connection.channel)

    async def upload_license(
        self,
        copy: Path | bytes,
        code: str,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> document_pb2.Document:
        """Uploads a copy of a licence, JPEG or PNG of at most 10 MiB: a file or its bytes.

        `progress` is told how many bytes the server took, and of how many. Safe to
        repeat: the same file is stored once. A submission names the copy by its
        SHA-256, in License.copy_sha256, before or after it is uploaded.

        Raises:
            OSError: the file can't be read.
            RemoteError: refused, or broken off; nothing is kept of it then.
            UploadUnfinishedError: the stream ended without an answer.
        """
        content = copy if isinstance(copy, bytes) else await unblocked(copy.read_bytes)
        async with closing(
            self._connection.stream(
                self._documents.UploadDocument,
                documents.parts(code, content),
                seconds=_UPLOAD_SECONDS,
            )
        ) as answers:
            async for answer in answers:
                if progress is not None:
                    progress(answer.received_bytes, len(content))
                if answer.HasField("document"):
                    return answer.document
        raise UploadUnfinishedError

    async def get_document(self, name: str) -> document_pb2.Document:
        """Gets what is known of a copy by its name, enterprises/{code}/documents/{sha256}.

        Raises:
            RemoteError: NOT_FOUND to all but its uploader and the enterprise itself.
        """
        request = document_service_pb2.GetDocumentRequest(name=name)
        return await self._connection.answer(self._documents.GetDocument, request)

    async def read_document(self, name: str) -> bytes:
        """Reads the bytes of a copy, and checks them against its name.

        Raises:
            RemoteError: as of `get_document`.
            DigestDiffersError: other bytes came.
        """
        content, part = b"", 0
        while True:
            request = document_service_pb2.ReadDocumentRequest(name=name, part=part)
            answer = await self._connection.answer(self._documents.ReadDocument, request)
            content += answer.content
            part = answer.next_part
            if not part:
                return documents.require_digest(name, content)

    async def delete_document(self, name: str) -> document_pb2.Document:
        """Deletes the bytes of a copy that this caller uploaded; returns what stays.

        Raises:
            RemoteError: NOT_FOUND to all but its uploader.
        """
        request = document_service_pb2.DeleteDocumentRequest(name=name)
        return await self._connection.answer(self._documents.DeleteDocument, request)
