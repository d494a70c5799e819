"""Writes what is open for an enterprise as messages.

requirement_message(code, requirement).state      # STATE_CURRENTLY_DUE
"""

from __future__ import annotations

from bonafides.identity.codes import UnifiedCode
from bonafides.identity.requirements import Requirement
from bonafides.instants import to_timestamp
from bonafides.v1 import requirement_pb2


def requirement_message(code: UnifiedCode, told: Requirement) -> requirement_pb2.Requirement:
    """Returns the requirement as a message."""
    kind = requirement_pb2.Requirement
    made = kind(
        state=kind.State.Value(f"STATE_{told.turn.name}"),
        item=told.item,
        reason=told.reason,
        remedy=told.remedy,
        disables=[kind.Effect.Value(f"EFFECT_{effect.value}") for effect in told.disables],
        source=told.source,
    )
    if told.submission:
        made.submission = f"enterprises/{code}/submissions/{told.submission}"
    if told.deadline is not None:
        made.deadline_time.CopyFrom(to_timestamp(told.deadline))
    if told.next_check_at is not None:
        made.next_check_time.CopyFrom(to_timestamp(told.next_check_at))
    return made
