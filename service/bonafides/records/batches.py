"""Decides what becomes of a numbered batch: taken in, passed over, or out of turn.

Batches of one source are numbered 1, 2, 3 and so on; the cursor of the source is
the last number that is stored. The rules:

1. the batch above the cursor is taken in, and moves the cursor with it;
2. a batch at or below the cursor that is the same as then, as far as the last 64
   are remembered, is passed over without work: it was sent again because its
   acknowledgment was lost;
3. any other batch at or below the cursor is taken in by the keys of its records
   and moves nothing: whoever began to number anew loses no record;
4. a batch further up leaves a gap and is refused: what lies between was lost.

    place(Cursor(4), 5, digest)      # Placing.NEXT
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bonafides.errors import FieldViolation, InvalidFieldsError
from bonafides.records.ingest import IngestReport, Rejection, Row
from bonafides.records.money import RateTable

MAX_RECORDS: Final = 1_000

# As many as a stream may have under way: older ones are not sent again.
REMEMBERED: Final = 64
# Against mistakes, not attacks: whoever forges a batch forges one of their own.
_DIGEST_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Prepared:
    """Records made ready to be stored: rows by their position, and what is refused.

    `rates` are those by which they were made ready.
    """

    rows: dict[int, Row]
    rejected: list[Rejection]
    rates: RateTable

    def __len__(self) -> int:
        return len(self.rows) + len(self.rejected)


@dataclass(frozen=True, slots=True)
class Source:
    """Whose batches these are, and under which name. The writer never names a person."""

    writer: str
    name: str


@dataclass(frozen=True, slots=True)
class Batch:
    """One numbered batch of a source, prepared."""

    source: Source
    sequence: int
    digest: bytes
    content: Prepared


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch. `cursor` is that of its source when it was committed."""

    sequence: int
    cursor: int
    repeated: bool
    report: IngestReport


class Placing(enum.Enum):
    """What is to be done with a batch."""

    NEXT = enum.auto()
    REPEATED = enum.auto()
    ANEW = enum.auto()


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a source is stored; the digests of its last batches, the newest last."""

    sequence: int = 0
    digests: bytes = b""

    def moved(self, digest: bytes) -> Cursor:
        """Returns the cursor behind one more batch."""
        kept = (self.digests + digest)[-REMEMBERED * _DIGEST_BYTES :]
        return Cursor(self.sequence + 1, kept)

    def remembers(self, sequence: int, digest: bytes) -> bool:
        """Returns whether this very batch was stored under the number, as far as is known."""
        end = len(self.digests) - (self.sequence - sequence) * _DIGEST_BYTES
        return end > 0 and self.digests[end - _DIGEST_BYTES : end] == digest


def digest_of(content: bytes) -> bytes:
    """Returns the digest by which a batch is known again."""
    return hashlib.sha256(content).digest()[:_DIGEST_BYTES]


def place(cursor: Cursor, sequence: int, digest: bytes) -> Placing:
    """Returns what is to be done with a batch.

    Raises:
        InvalidFieldsError: it leaves a gap.
    """
    if sequence == cursor.sequence + 1:
        return Placing.NEXT
    if sequence > cursor.sequence:
        text = f"Send batch {cursor.sequence + 1} next; GetWriteCursor tells which is stored."
        raise InvalidFieldsError((FieldViolation("sequence", "SEQUENCE_GAP", text),))
    return Placing.REPEATED if cursor.remembers(sequence, digest) else Placing.ANEW


def require_size(records: Sequence[object]) -> None:
    """Checks how many records a batch has.

    Raises:
        InvalidFieldsError: none, or more than 1000.
    """
    if not 1 <= len(records) <= MAX_RECORDS:
        text = f"Send 1 to {MAX_RECORDS} records in a batch."
        raise InvalidFieldsError((FieldViolation("records", "BATCH_SIZE", text),))
