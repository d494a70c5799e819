"""Reads the names of masks, and writes what platforms decide, ask and are told as messages.

decision(row).outcome      # OUTCOME_ADMITTED
"""

from __future__ import annotations

from typing import Final

from bonafides.archive.changed_operations import Changed
from bonafides.errors import FieldViolation, InvalidFieldsError
from bonafides.instants import Instant, to_timestamp
from bonafides.rpc.messages import is_platform
from bonafides.storage.changed import Corrected
from bonafides.storage.platform_masks import MaskRow
from bonafides.storage.platforms import DecisionRow, InquiryRow
from bonafides.v1 import platform_pb2, purpose_pb2, rating_pb2

# In place of a code: every enterprise of which the platform has one.
ANY: Final = "-"


def platform_of(name: str, part: str, field: str) -> str:
    """Returns the platform in `platforms/{platform}` with this part behind it.

    Raises:
        InvalidFieldsError: the name is of another form.
    """
    platform = name.removeprefix("platforms/").removesuffix(part)
    if name != f"platforms/{platform}{part}" or not is_platform(platform):
        text = f"Write the name as platforms/{{platform}}{part}."
        raise InvalidFieldsError((FieldViolation(field, "RESOURCE_NAME", text),))
    return platform


def decision(row: DecisionRow) -> platform_pb2.PlatformDecision:
    """Returns the decision."""
    made = platform_pb2.PlatformDecision(
        name=f"enterprises/{row.code}/decisions/{row.uid}",
        platform=row.platform,
        outcome=platform_pb2.PlatformDecision.Outcome.Value(f"OUTCOME_{row.outcome}"),
        purpose=purpose_pb2.ReadPurpose.Value(f"READ_PURPOSE_{row.purpose}"),
        archive_etag=row.archive_etag,
        archive_revision=row.archive_revision,
        reason=row.reason,
        record_time=to_timestamp(Instant(row.recorded_at)),
    )
    if row.level:
        made.level = _level(row.level)
    return made


def inquiry(row: InquiryRow) -> platform_pb2.Inquiry:
    """Returns the inquiry."""
    kinds = platform_pb2.Inquiry
    made = kinds(
        name=f"enterprises/{row.code}/inquiries/{row.uid}",
        platform=row.platform,
        kind=kinds.Kind.Value(f"KIND_{row.kind}"),
        text=row.text,
        state=_state(row),
        ask_time=to_timestamp(Instant(row.asked_at)),
        deadline_time=to_timestamp(Instant(row.deadline_at)),
        answer=row.answer,
        document_sha256=row.document_sha256 or b"",
    )
    if row.answered_at is not None:
        made.answer_time.CopyFrom(to_timestamp(Instant(row.answered_at)))
    if row.closed_at is not None:
        made.close_time.CopyFrom(to_timestamp(Instant(row.closed_at)))
    return made


def mask(platform: str, row: MaskRow | None) -> platform_pb2.PlatformMask:
    """Returns the mask; None: there never was one."""
    made = platform_pb2.PlatformMask(name=f"platforms/{platform}/mask")
    if row is not None:
        made.version = row.version
        made.withheld_paths.extend(row.withheld)
        made.reason = row.reason
        made.set_time.CopyFrom(to_timestamp(row.set_at))
        made.set_by = row.set_by
    return made


def changed(told: Changed) -> platform_pb2.ChangedArchive:
    """Returns what changed of one enterprise."""
    return platform_pb2.ChangedArchive(
        name=f"enterprises/{told.code}/archive",
        etag=told.etag,
        revision=told.revision,
        change_time=to_timestamp(told.at),
        corrected_levels=map(_corrected, told.corrected),
    )


def _corrected(told: Corrected) -> platform_pb2.CorrectedLevel:
    return platform_pb2.CorrectedLevel(
        shown_level=_level(told.span.level.value),
        restored_level=_level(told.restored.value),
        begin_time=to_timestamp(told.span.begin),
        end_time=to_timestamp(told.span.end),
        correct_time=to_timestamp(told.at),
    )


def _state(row: InquiryRow) -> platform_pb2.Inquiry.State.ValueType:
    if row.closed_at is not None:
        return platform_pb2.Inquiry.STATE_CLOSED
    if row.answered_at is not None:
        return platform_pb2.Inquiry.STATE_ANSWERED
    return platform_pb2.Inquiry.STATE_OPEN


def _level(name: str) -> rating_pb2.Level.ValueType:
    return rating_pb2.Level.Value(f"LEVEL_{name}")
