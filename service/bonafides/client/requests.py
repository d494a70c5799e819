"""Makes the requests of platforms, and holds what calls take and give that is no message.

Pure: nothing is called here. A request id is a UUID, new for each write; None draws one,
and giving one of your own lets a call whose answer was lost be repeated.

    requests.archive("91990000MA00000011", purpose=READ_PURPOSE_ELIGIBILITY)
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bonafides.v1 import (
    archive_service_pb2,
    platform_pb2,
    platform_service_pb2,
    purpose_pb2,
    rating_pb2,
    rating_service_pb2,
)
from bonafides.v1.purpose_pb2 import ReadPurpose

NO_PURPOSE: Final = purpose_pb2.READ_PURPOSE_UNSPECIFIED


class NotModified(enum.Enum):
    """The answer that says: what the caller holds is still good."""

    NOT_MODIFIED = enum.auto()


NOT_MODIFIED: Final = NotModified.NOT_MODIFIED


@dataclass(frozen=True, slots=True)
class RestsOn:
    """What a decision of a platform rests on. All empty: on nothing that was read here."""

    archive_etag: str = ""
    archive_revision: int = 0
    level: rating_pb2.Level.ValueType = rating_pb2.LEVEL_UNSPECIFIED


NOTHING: Final = RestsOn()


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed, the earliest first, and from when to ask the next time."""

    archives: tuple[platform_pb2.ChangedArchive, ...]
    next_since: dt.datetime


def request_id(given: str | None) -> str:
    """Returns the request id that was given, or a new one."""
    return given or str(uuid.uuid4())


def archive(
    code: str,
    *,
    purpose: ReadPurpose.ValueType = NO_PURPOSE,
    min_revision: int | None = None,
    etag: str | None = None,
    as_of: dt.datetime | None = None,
) -> archive_service_pb2.GetArchiveRequest:
    """Asks for an archive."""
    made = archive_service_pb2.GetArchiveRequest(
        name=_archive(code),
        min_revision=min_revision or 0,
        if_none_match=etag or "",
        purpose=purpose,
    )
    if as_of is not None:
        made.as_of_time.FromDatetime(as_of)
    return made


def rating(
    code: str, purpose: ReadPurpose.ValueType = NO_PURPOSE
) -> rating_service_pb2.GetRatingRequest:
    """Asks for a level."""
    return rating_service_pb2.GetRatingRequest(name=f"enterprises/{code}/rating", purpose=purpose)


def batch(
    asked: Iterable[str | tuple[str, str]], purpose: ReadPurpose.ValueType
) -> platform_service_pb2.BatchGetArchivesRequest:
    """Asks for archives: a code, or a code and the etag of what the caller holds."""
    named = ((each, "") if isinstance(each, str) else each for each in asked)
    questions = (
        platform_service_pb2.ArchiveQuestion(name=_archive(code), if_none_match=etag)
        for code, etag in named
    )
    return platform_service_pb2.BatchGetArchivesRequest(questions=questions, purpose=purpose)


def changed(
    since: dt.datetime | None, purpose: ReadPurpose.ValueType
) -> platform_service_pb2.ListChangedArchivesRequest:
    """Asks what changed since an aware datetime; None: all of it."""
    made = platform_service_pb2.ListChangedArchivesRequest(purpose=purpose)
    if since is not None:
        made.since_time.FromDatetime(since)
    return made


def decision(
    code: str,
    outcome: platform_pb2.PlatformDecision.Outcome.ValueType,
    *,
    purpose: ReadPurpose.ValueType,
    reason: str,
    rests_on: RestsOn = NOTHING,
    own_id: str | None = None,
) -> platform_service_pb2.RecordDecisionRequest:
    """Asks to record what the platform decided."""
    return platform_service_pb2.RecordDecisionRequest(
        request_id=request_id(own_id),
        parent=f"enterprises/{code}",
        outcome=outcome,
        purpose=purpose,
        reason=reason,
        archive_etag=rests_on.archive_etag,
        archive_revision=rests_on.archive_revision,
        level=rests_on.level,
    )


def decisions(code: str) -> platform_service_pb2.ListDecisionsRequest:
    """Asks what was decided; "-" asks for all of the platform's own."""
    return platform_service_pb2.ListDecisionsRequest(parent=f"enterprises/{code}")


def more(
    code: str,
    kind: platform_pb2.Inquiry.Kind.ValueType,
    text: str,
    *,
    deadline: dt.datetime,
    own_id: str | None = None,
) -> platform_service_pb2.RequestMoreRequest:
    """Asks an enterprise for more."""
    made = platform_service_pb2.RequestMoreRequest(
        request_id=request_id(own_id), parent=f"enterprises/{code}", kind=kind, text=text
    )
    made.deadline_time.FromDatetime(deadline)
    return made


def inquiries(code: str) -> platform_service_pb2.ListInquiriesRequest:
    """Asks what was asked; "-" asks for all of the platform's own."""
    return platform_service_pb2.ListInquiriesRequest(parent=f"enterprises/{code}")


def closing(name: str) -> platform_service_pb2.CloseInquiryRequest:
    """Asks to close an inquiry."""
    return platform_service_pb2.CloseInquiryRequest(name=name)


def _archive(code: str) -> str:
    return f"enterprises/{code}/archive"
