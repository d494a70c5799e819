"""Says what copy of a licence is taken, and what its QR code says beside a code.

The bytes are looked at here and never decoded: magic, the size that the header
names, and whether the image is there to its end. Rules:

1. At most 10 MiB, in parts of at most 192 KiB.
2. JPEG or PNG, told by the magic. PDF is refused: it holds programs, fonts and
   other files, and nothing here reads it safely.
3. At most 50 million pixels, 20,000 on a side, by the header: a file of some
   kilobytes can decode to gigabytes.
4. An image that breaks off is refused: it would be kept as evidence that it isn't.

What a QR code holds is anybody's to print. So it is a finding, never a proof, and
never a reason to refuse: that no code was found says more of the camera than of the
enterprise. How the registry writes its links is not published, so a link is searched
for unified codes, whatever stands around them.

    inspect(content).media_type                         # "image/png"
    compare(["https://example.com/?c=91990000MA0000001T"], code)     # Qr.MATCHES
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from bonafides.identity.codes import CodeError, Finding, UnifiedCode
from bonafides.instants import Instant

MOST_BYTES: Final = 10 * 1_024 * 1_024
MOST_PART_BYTES: Final = 192 * 1_024
MOST_PIXELS: Final = 50_000_000
MOST_SIDE: Final = 20_000
DIGEST_BYTES: Final = 32

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
_MAGIC: Final[Mapping[bytes, str]] = {b"\xff\xd8\xff": JPEG, b"\x89PNG\r\n\x1a\n": PNG}
_PDF: Final = b"%PDF"
LONGEST_MAGIC: Final = 8
# The first chunk of a PNG: length and name, then width and height.
_PNG_HEADER: Final = b"\x00\x00\x00\rIHDR"
_PNG_END: Final = b"IEND\xaeB`\x82"
_JPEG_END: Final = b"\xff\xd9"
# Start of frame: 0xC0 to 0xCF, but for tables (C4, CC) and an extension (C8).
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN: Final = 0xDA
_FILL: Final = 0xFF
# Cameras write some dozens.
_MOST_SEGMENTS: Final = 1_000
_CODE: Final = re.compile(r"(?<![0-9A-Z])[0-9A-HJ-NPQRTUWXY]{18}(?![0-9A-Z])")


class DocumentError(ValueError):
    """The bytes are no copy that is taken; `description` names the remedy.

    `parameters` are what varies in it, as in FieldViolation.
    """

    def __init__(
        self, reason: str, description: str, parameters: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(reason)
        self.parameters: Final = parameters or {}
        self.reason: Final = reason
        self.description: Final = description


@dataclass(frozen=True, slots=True)
class Media:
    """What the bytes say that they are. Sizes are in pixels."""

    media_type: str
    width: int
    height: int


class Qr(enum.StrEnum):
    """What became of reading the QR code."""

    DUE = enum.auto()
    MATCHES = enum.auto()
    DIFFERS = enum.auto()
    # It was read, and names no unified code.
    NO_CODE = enum.auto()
    # The image was decoded, and no QR code was found in it.
    NONE_FOUND = enum.auto()
    # The image can't be decoded, or not within time and memory.
    UNREADABLE = enum.auto()
    # The extra `qr` is not installed where the background work is done.
    NO_READER = enum.auto()
    # The copy was deleted before.
    DELETED = enum.auto()


_NOT_READ: Final = "DOCUMENT_QR_NOT_READ"
_FINDINGS: Final[Mapping[Qr, Finding]] = {
    Qr.MATCHES: Finding(
        "DOCUMENT_QR_MATCHES",
        "The QR code of the licence's copy names the submitted code. It proves nothing by itself.",
    ),
    Qr.DIFFERS: Finding(
        "DOCUMENT_QR_DIFFERS",
        "The QR code of the licence's copy names another code than the submitted one; look "
        "whether it is the right copy. It refuses nothing by itself.",
    ),
    Qr.NO_CODE: Finding(
        _NOT_READ, "The QR code was read and names no unified code to compare with."
    ),
    Qr.NONE_FOUND: Finding(
        _NOT_READ,
        "No QR code was found. A sharper or larger image may help; nothing depends on it.",
    ),
    Qr.UNREADABLE: Finding(
        _NOT_READ,
        "The image can't be decoded within the limits. Upload it as an ordinary JPEG or PNG; "
        "nothing depends on it.",
    ),
    Qr.NO_READER: Finding(_NOT_READ, "This service has no QR reader installed."),
    Qr.DELETED: Finding(_NOT_READ, "The copy was deleted before its QR code was read."),
}


@dataclass(frozen=True, slots=True)
class DocumentStatus:
    """What is known of a document; nothing of its bytes.

    `submissions` are the uids of the uploader's submissions that name it, oldest first.
    """

    code: UnifiedCode
    sha256: bytes
    media_type: str
    size_bytes: int
    uploaded_at: Instant
    qr: Qr
    submissions: tuple[str, ...]
    deleted_at: Instant | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What its QR code says; empty until it was looked at."""
        return findings(self.qr)


def findings(qr: Qr) -> tuple[Finding, ...]:
    """Returns the outcome as a finding; empty while it is due."""
    return () if qr is Qr.DUE else (_FINDINGS[qr],)


def media_type(beginning: bytes) -> str:
    """Returns what the magic says; eight bytes are enough.

    Raises:
        DocumentError: neither JPEG nor PNG.
    """
    for magic, told in _MAGIC.items():
        if beginning.startswith(magic):
            return told
    if beginning.startswith(_PDF):
        raise DocumentError(
            "DOCUMENT_TYPE",
            "A PDF can't be looked at safely here; send the page as a JPEG or PNG image.",
        )
    raise DocumentError("DOCUMENT_TYPE", "Send the copy as a JPEG or PNG image.")


def inspect(content: bytes) -> Media:
    """Returns what the image is, by its header alone.

    Raises:
        DocumentError: not JPEG or PNG, broken off, or of too many pixels.
    """
    told = media_type(content[:LONGEST_MAGIC])
    width, height, whole = _png(content) if told == PNG else _jpeg(content)
    if not whole:
        raise DocumentError(
            "DOCUMENT_TRUNCATED", "The image breaks off before its end; send the whole file."
        )
    if not 0 < width <= MOST_SIDE or not 0 < height <= MOST_SIDE or width * height > MOST_PIXELS:
        raise DocumentError(
            "DOCUMENT_PIXELS",
            f"Send an image of at most {MOST_PIXELS:,} pixels, {MOST_SIDE:,} on a side.",
            {"most_pixels": str(MOST_PIXELS), "most_side": str(MOST_SIDE)},
        )
    return Media(told, width, height)


def compare(texts: Sequence[str], code: UnifiedCode) -> Qr:
    """Returns what the QR codes of one image say beside the code.

    One that names the code is enough: a photograph may show other codes beside it.
    """
    if not texts:
        return Qr.NONE_FOUND
    named = {found for text in texts for found in _codes(text)}
    if not named:
        return Qr.NO_CODE
    return Qr.MATCHES if code in named else Qr.DIFFERS


def _codes(text: str) -> set[UnifiedCode]:
    found = set()
    for candidate in _CODE.findall(unquote(text).upper()):
        try:
            found.add(UnifiedCode.parse(candidate))
        except CodeError:
            continue
    return found


def _png(content: bytes) -> tuple[int, int, bool]:
    """Returns width, height, and whether the image is there to its end."""
    if content[8:16] != _PNG_HEADER:
        raise DocumentError("DOCUMENT_TYPE", "The PNG has no header; send another copy.")
    width = int.from_bytes(content[16:20], "big")
    height = int.from_bytes(content[20:24], "big")
    return width, height, _PNG_END in content


def _jpeg(content: bytes) -> tuple[int, int, bool]:
    """Returns width, height, and whether the image is there to its end.

    Walks from segment to segment by their lengths: a preview inside of one is
    stepped over. Within the scan 0xFFD9 stands for nothing but the end.
    """
    at, size = 2, (0, 0)
    for _ in range(_MOST_SEGMENTS):
        while content[at + 1 : at + 2] == b"\xff":
            at += 1
        head = content[at : at + 9]
        if len(head) < 9 or head[0] != _FILL:  # noqa: PLR2004 - marker, length, depth, height, width
            break
        if head[1] == _START_OF_SCAN:
            return *size, content.find(_JPEG_END, at) > 0
        if head[1] in _FRAMES:
            size = (int.from_bytes(head[7:9], "big"), int.from_bytes(head[5:7], "big"))
        at += 2 + int.from_bytes(head[2:4], "big")
    return *size, False
