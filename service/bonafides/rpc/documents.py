"""The methods of copies of licences, and the session of an upload.

An upload is held in memory until it is whole, and then stored at once: what breaks
off leaves nothing behind. So as few are open as memory has room for, two of one
uploader, and none for longer than five minutes; beyond, the caller comes back.

Parts are taken on the threads of streams, which look at the first bytes, the size and
the uploader's rate; the whole is looked at and stored on a thread of its own, so that
streams of records do not wait for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Final

from bonafides.access.callers import Caller
from bonafides.access.disclosure import view
from bonafides.errors import (
    DeadlinePassedError,
    FieldViolation,
    InvalidFieldsError,
    RateLimitedError,
    ServerBusyError,
    ServerDrainingError,
)
from bonafides.identity import documents, filing
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.documents import DocumentError, DocumentStatus
from bonafides.identity.filing import Shelf, Viewer
from bonafides.instants import MICROSECONDS
from bonafides.rpc import messages
from bonafides.rpc.call import Call
from bonafides.rpc.eyes import Eyes
from bonafides.v1 import disclosure_pb2, document_pb2
from bonafides.v1 import document_service_pb2 as document_service

# 80 MiB, once more while one is sealed.
_MOST_OPEN: Final = 8
_MOST_OPEN_OF_ONE: Final = 2
_BUSY_RETRY_SECONDS: Final = 2
_MOST_TIME: Final = 300 * MICROSECONDS


class DocumentService:
    """Keeps copies of licences, sealed, for those who uploaded them."""

    def __init__(self, shelf: Shelf, storing: Executor, eyes: Eyes) -> None:
        self._shelf: Final = shelf
        self._eyes: Final = eyes
        self._storing: Final = storing
        # By uploader. Streams are opened and ended on the event loop alone.
        self._open: Final[Counter[str]] = Counter()

    def upload_document(self, call: Call) -> Uploading:
        """Opens an upload."""
        submitter = call.caller.submitter
        if self._open.total() >= _MOST_OPEN:
            raise ServerBusyError(_BUSY_RETRY_SECONDS)
        if self._open[submitter] >= _MOST_OPEN_OF_ONE:
            raise RateLimitedError(_BUSY_RETRY_SECONDS)
        self._open[submitter] += 1
        return Uploading(
            call, self._shelf, self._storing, self._eyes, lambda: self._closed(submitter)
        )

    def get_document(
        self, request: document_service.GetDocumentRequest, call: Call
    ) -> document_pb2.Document:
        """Gets what is known of a document, for its uploader and for the enterprise itself."""
        code, sha256 = messages.document_of(request.name)
        call.concerns(code.text)
        found = filing.get_document(
            self._shelf, code, sha256, viewer=self._viewer(call.caller, code)
        )
        return self._told(found, call)

    def read_document(
        self, request: document_service.ReadDocumentRequest, call: Call
    ) -> document_service.ReadDocumentResponse:
        """Reads a part of the bytes. Whoever finds them may see them: no field is withheld."""
        code, sha256 = messages.document_of(request.name)
        call.concerns(code.text)
        content, following = filing.read_part(
            self._shelf, code, sha256, request.part, viewer=self._viewer(call.caller, code)
        )
        return document_service.ReadDocumentResponse(content=content, next_part=following)

    def delete_document(
        self, request: document_service.DeleteDocumentRequest, call: Call
    ) -> document_pb2.Document:
        """Deletes a document of the caller's; answers with what stays."""
        code, sha256 = messages.document_of(request.name)
        call.concerns(code.text)
        left = filing.delete(
            self._shelf, code, sha256, submitter=call.caller.submitter, now=call.now
        )
        return self._told(left, call)

    def _viewer(self, caller: Caller, code: UnifiedCode) -> Viewer:
        owner = self._eyes.audience(caller, code.text) == disclosure_pb2.AUDIENCE_OWNER
        return Viewer(caller.submitter, owner=owner)

    def _told(self, status: DocumentStatus, call: Call) -> document_pb2.Document:
        seen_as = self._eyes.audience(call.caller, status.code.text)
        call.seen_as(seen_as)
        return view(messages.document_message(status), seen_as)

    def _closed(self, submitter: str) -> None:
        self._open[submitter] -= 1
        if not self._open[submitter]:
            del self._open[submitter]


@dataclass(frozen=True, slots=True)
class Received:
    """How far an upload is; `document` once it is stored for good."""

    count: int
    document: DocumentStatus | None = None


class Uploading:
    """One upload. Holds its bytes until they are whole."""

    def __init__(
        self,
        call: Call,
        shelf: Shelf,
        storing: Executor,
        eyes: Eyes,
        closed: Callable[[], None],
    ) -> None:
        self._call: Final = call
        self._shelf: Final = shelf
        self._storing: Final = storing
        self._eyes: Final = eyes
        self._closed: Final = closed
        self._seen_as: disclosure_pb2.Audience.ValueType = disclosure_pb2.AUDIENCE_UNSPECIFIED
        self._name = ""
        self._code: UnifiedCode | None = None
        self._sha256 = b""
        self._size = 0
        self._content = bytearray()
        self._whole = False

    def take(self, request: document_service.UploadDocumentRequest, call: Call) -> Future[Received]:
        """Takes a part; with the last one the whole is stored, and then the future is done."""
        if call.now - self._call.now > _MOST_TIME:
            raise DeadlinePassedError
        code = self._begin(request, call) if self._code is None else self._code
        self._require_same(request)
        self._content += request.content
        if self._whole or len(self._content) > self._size:
            raise _fault("content", "TOO_LONG", "Send as many bytes as size_bytes says.")
        received = len(self._content)
        self._whole = received == self._size
        if self._whole or received - len(request.content) < documents.LONGEST_MAGIC:
            _require_image(self._content, whole=self._whole)
        if not self._whole:
            taken: Future[Received] = Future()
            taken.set_result(Received(received))
            return taken
        content, self._content = bytes(self._content), bytearray()
        try:
            return self._storing.submit(self._keep, content, code, call)
        except RuntimeError:
            raise ServerDrainingError from None

    def answer(self, results: Sequence[Received]) -> document_service.UploadDocumentResponse:
        """Says how far the upload is."""
        self._call.count(parts=len(results))
        last = results[-1]
        told = document_service.UploadDocumentResponse(received_bytes=last.count)
        if last.document is not None:
            told.document.CopyFrom(view(messages.document_message(last.document), self._seen_as))
        return told

    def ended(self, *, whole: bool) -> None:
        """Makes room for another upload; `whole`: the caller sent all that it wanted to.

        Raises:
            InvalidFieldsError: that was not the whole document.
        """
        self._closed()
        if whole and not self._whole:
            raise _fault(
                "content",
                "UPLOAD_INCOMPLETE",
                "Fewer bytes came than size_bytes says, and nothing is kept; send all of them.",
            )

    def _keep(self, content: bytes, code: UnifiedCode, call: Call) -> Received:
        kept = filing.keep(
            self._shelf,
            content,
            code=code,
            sha256=self._sha256,
            submitter=call.caller.submitter,
            now=call.now,
        )
        return Received(len(content), kept)

    def _begin(self, request: document_service.UploadDocumentRequest, call: Call) -> UnifiedCode:
        code, sha256 = messages.document_of(request.name)
        if not 0 < request.size_bytes <= documents.MOST_BYTES:
            raise _fault(
                "size_bytes",
                "DOCUMENT_SIZE",
                f"Send a copy of 1 to {documents.MOST_BYTES:,} bytes, and say how many it has.",
                {"most_bytes": str(documents.MOST_BYTES)},
            )
        self._call.concerns(code.text)
        # Told before ten megabytes are sent; looked at again when they are stored.
        filing.require_room(self._shelf, call.caller.submitter, call.now)
        # Looked up here, on a thread: the answers are made on the event loop.
        self._seen_as = self._eyes.audience(call.caller, code.text)
        self._name, self._size = request.name, request.size_bytes
        self._code, self._sha256 = code, sha256
        return code

    def _require_same(self, request: document_service.UploadDocumentRequest) -> None:
        if request.name not in {"", self._name}:
            text = "Upload another document in a stream of its own."
            raise _fault("name", "NAME_CHANGED", text)
        if request.size_bytes not in {0, self._size}:
            text = "Say the size once, or the same again."
            raise _fault("size_bytes", "SIZE_CHANGED", text)


def _require_image(content: bytearray, *, whole: bool) -> None:
    """Refuses what is no image by its first bytes, as soon as those are there."""
    if not whole and len(content) < documents.LONGEST_MAGIC:
        return
    try:
        documents.media_type(bytes(content[: documents.LONGEST_MAGIC]))
    except DocumentError as fault:
        raise _fault("content", fault.reason, fault.description, fault.parameters) from None


def _fault(
    field: str, reason: str, description: str, parameters: Mapping[str, str] | None = None
) -> InvalidFieldsError:
    return InvalidFieldsError((FieldViolation(field, reason, description, parameters or {}),))
