"""Writes what is open for an enterprise, and drafts, as messages.

requirement_message(code, requirement).state      # STATE_CURRENTLY_DUE
"""

from __future__ import annotations

from bonafides.identity.codes import UnifiedCode
from bonafides.identity.drafting import Draft
from bonafides.identity.requirements import Requirement
from bonafides.instants import to_timestamp
from bonafides.v1 import draft_pb2, enterprise_pb2, requirement_pb2


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
        platform=told.platform,
        question=told.question,
    )
    if told.submission:
        made.submission = f"enterprises/{code}/submissions/{told.submission}"
    if told.deadline is not None:
        made.deadline_time.CopyFrom(to_timestamp(told.deadline))
    if told.next_check_at is not None:
        made.next_check_time.CopyFrom(to_timestamp(told.next_check_at))
    return made


def draft_message(told: Draft) -> draft_pb2.Draft:
    """Returns the draft as a message."""
    row = told.row
    made = draft_pb2.Draft(
        name=f"enterprises/{row.code}/drafts/{row.uid}",
        state=enterprise_pb2.Submission.State.Value(f"STATE_{row.state.name}"),
        prefill=told.prefill,
        supplies=[
            enterprise_pb2.Supply(field=field, supplier=supplier)
            for field, supplier in told.supplies
        ],
        create_time=to_timestamp(row.created_at),
        expire_time=to_timestamp(row.expires_at),
    )
    if told.submission_uid is not None:
        made.submission = f"enterprises/{row.code}/submissions/{told.submission_uid}"
    return made
