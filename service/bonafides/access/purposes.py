"""Says what platforms may read for, and what follows from each purpose.

A platform names a purpose with every read of an archive or a level; nobody else has one.
Which purposes go with which method stands in `access.policy`. What follows:

ACCESS_ASSESSMENT, ELIGIBILITY   the platform's view
AUTHENTICATION                   the platform's view without what tells nobody who an
                                 enterprise is: no level, business file or public record
DISPLAY_TO_USERS                 the member's view, because it is members who will see it,
                                 with the instant until which it may be shown

A purpose narrows or changes the view; it never adds to what the audience may see.

    audience(AUDIENCE_PLATFORM, DISPLAY_TO_USERS)      # AUDIENCE_MEMBER

Source: 002 §1.8(1).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bonafides.access.field_masks import NO_MASK, Mask
from bonafides.errors import FieldViolation
from bonafides.v1 import disclosure_pb2, purpose_pb2
from bonafides.v1.purpose_pb2 import ReadPurpose

UNNAMED: Final = purpose_pb2.READ_PURPOSE_UNSPECIFIED
ACCESS_ASSESSMENT: Final = purpose_pb2.READ_PURPOSE_ACCESS_ASSESSMENT
AUTHENTICATION: Final = purpose_pb2.READ_PURPOSE_AUTHENTICATION
ELIGIBILITY: Final = purpose_pb2.READ_PURPOSE_ELIGIBILITY
DISPLAY_TO_USERS: Final = purpose_pb2.READ_PURPOSE_DISPLAY_TO_USERS

# Whatever a platform may name.
EVERY: Final = frozenset({ACCESS_ASSESSMENT, AUTHENTICATION, ELIGIBILITY, DISPLAY_TO_USERS})
# Of a level: it tells nobody who an enterprise is.
OF_LEVELS: Final = EVERY - {AUTHENTICATION}
FIELD: Final = "purpose"

# What of the archive a purpose does not need.
_MASKS: Final = {
    AUTHENTICATION: Mask(
        "A", frozenset({"rating", "platforms", "public_records", "self_description"})
    )
}


def name_of(purpose: ReadPurpose.ValueType) -> str:
    """Returns the purpose in capitals without prefix; empty if none is named."""
    if purpose == UNNAMED:
        return ""
    return ReadPurpose.Name(purpose).removeprefix("READ_PURPOSE_")


def audience(
    seen_as: disclosure_pb2.Audience.ValueType, purpose: ReadPurpose.ValueType
) -> disclosure_pb2.Audience.ValueType:
    """Returns in whose eyes the answer is: the users', where a platform shows it to them."""
    if purpose == DISPLAY_TO_USERS and seen_as == disclosure_pb2.AUDIENCE_PLATFORM:
        return disclosure_pb2.AUDIENCE_MEMBER
    return seen_as


def mask(purpose: ReadPurpose.ValueType) -> Mask:
    """Returns what the purpose does not need."""
    return _MASKS.get(purpose, NO_MASK)


def missing(allowed: Iterable[ReadPurpose.ValueType]) -> FieldViolation:
    """Returns the fault of a platform that names no purpose."""
    names = ", ".join(ReadPurpose.Name(purpose) for purpose in sorted(allowed))
    return FieldViolation(FIELD, "PURPOSE_REQUIRED", f"Name what you read for: {names}.")


def unfounded() -> FieldViolation:
    """Returns the fault of a caller who names a purpose and is no platform."""
    return FieldViolation(FIELD, "PURPOSE_NOT_YOURS", "Leave it out: platforms alone name one.")
