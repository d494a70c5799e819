"""Sends copies of licences in parts, and reads them back.

upload = parts("91990000MA0000001T", content)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from bonafides.client.faults import ClientError
from bonafides.v1 import document_service_pb2

# Well below what one message may have; small enough that a bar moves.
_PART_BYTES: Final = 128 * 1_024


class UploadUnfinishedError(ClientError):
    """The server ended an upload without a word; nothing is kept of it."""

    def __init__(self) -> None:
        super().__init__("The upload ended before the document was stored: send it again.")


class DigestDiffersError(ClientError):
    """What was read is not what the name says."""

    def __init__(self) -> None:
        super().__init__("The bytes that came have another SHA-256 than the document's name says.")


def name_of(code: str, content: bytes) -> str:
    """Returns the name of the document that these bytes make."""
    return f"enterprises/{code}/documents/{hashlib.sha256(content).hexdigest()}"


def parts(code: str, content: bytes) -> Iterator[document_service_pb2.UploadDocumentRequest]:
    """Yields the messages of an upload; an empty file makes one, which the server refuses."""
    for at in range(0, max(len(content), 1), _PART_BYTES):
        part = document_service_pb2.UploadDocumentRequest(content=content[at : at + _PART_BYTES])
        if at == 0:
            part.name = name_of(code, content)
            part.size_bytes = len(content)
        yield part


def require_digest(name: str, content: bytes) -> bytes:
    """Returns the bytes, if they are those that the name says.

    Raises:
        DigestDiffersError: they are not.
    """
    if hashlib.sha256(content).hexdigest() != name.rpartition("/")[2]:
        raise DigestDiffersError
    return content
