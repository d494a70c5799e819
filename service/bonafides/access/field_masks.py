"""Withholds parts of an archive by path, beyond what the classes of information withhold.

A platform may have a mask: paths of fields of `Archive` that it is not shown. The rules:

1. A path names a field, through messages and repeated fields: "rating",
   "platforms.last_year". An unknown one is refused, with its place.
2. What the answer is known by can't be withheld: name, as-of time, etag.
3. A mask takes away and never adds. Two masks together take away what either does, in
   any order.

    narrow(archive, {"rating", "public_records.court_cases"})

Source: 002 §1.8(2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from bonafides.errors import FieldViolation
from bonafides.v1 import archive_pb2

# Of what an answer is known and dated by.
_KEPT: Final = frozenset({"name", "as_of_time", "etag"})
_RATING: Final = "rating"


@dataclass(frozen=True, slots=True)
class Mask:
    """What is withheld, and the key by which views that lack it are named; empty: nothing is."""

    key: str
    withheld: frozenset[str]

    def also(self, other: Mask) -> Mask:
        """Returns the mask that withholds what either does."""
        if not other.key:
            return self
        if not self.key:
            return other
        return Mask(f"{self.key}.{other.key}", self.withheld | other.withheld)


NO_MASK: Final = Mask("", frozenset())


def faults(paths: Sequence[str], field: str) -> tuple[FieldViolation, ...]:
    """Returns what is wrong with the paths (1, 2), each at its place in `field`."""
    found = []
    for place, path in enumerate(paths):
        at = f"{field}[{place}]"
        if path in _KEPT:
            text = "This can't be withheld: an answer is known and dated by it."
            found.append(FieldViolation(at, "NOT_MASKABLE", text))
        elif not _is_path(path, archive_pb2.Archive.DESCRIPTOR):
            text = "Name a field of bonafides.v1.Archive, for example public_records.penalties."
            found.append(FieldViolation(at, "UNKNOWN_PATH", text))
    return tuple(found)


def narrow(archive: archive_pb2.Archive, withheld: Iterable[str]) -> None:
    """Clears the fields at these paths. A path that this build lacks is passed over."""
    for path in withheld:
        _clear(archive, path.split("."))


def narrow_rating(rating: Message, withheld: Iterable[str]) -> None:
    """Clears of a level by itself what the same paths clear of the one in an archive."""
    for path in withheld:
        section, _, inner = path.partition(".")
        if section != _RATING:
            continue
        if inner:
            _clear(rating, inner.split("."))
        else:
            rating.Clear()


def _is_path(path: str, descriptor: Descriptor) -> bool:
    around: Descriptor | None = descriptor
    for part in path.split("."):
        field = None if around is None else around.fields_by_name.get(part)
        if field is None:
            return False
        around = field.message_type
        # Instants and dates are whole, or not there.
        if around is not None and around.file.package != descriptor.file.package:
            around = None
    return True


def _clear(message: Message, parts: Sequence[str]) -> None:
    field = message.DESCRIPTOR.fields_by_name.get(parts[0])
    if field is None:
        return
    if len(parts) == 1:
        message.ClearField(parts[0])
    elif field.is_repeated:
        for each in getattr(message, parts[0]):
            _clear(each, parts[1:])
    elif message.HasField(parts[0]):
        _clear(getattr(message, parts[0]), parts[1:])
