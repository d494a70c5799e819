"""Reads resource names, and writes what a room answers as a message.

A name that is not of the expected form is a fault of the field `name`, with the
form as its remedy; a code in it is normalised as everywhere.

    enterprise_of("enterprises/91990000MA0000001T/archive", "archive")    # UnifiedCode
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from functools import lru_cache
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from bonafides.errors import FieldViolation, InvalidFieldsError
from bonafides.identity.checks import by_depth
from bonafides.identity.codes import CodeError, UnifiedCode
from bonafides.identity.documents import DIGEST_BYTES, DocumentStatus
from bonafides.identity.submission import (
    CheckResult,
    Depth,
    Outcome,
    SubmissionStatus,
    Transition,
)
from bonafides.instants import Day, Instant, from_date, from_timestamp, to_timestamp
from bonafides.v1 import document_pb2, enterprise_pb2

_CODE: Final = "{code}"
_UID: Final = "{uid}"
_VERSION: Final = "{version}"
_PLATFORM: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_SHA256: Final = "{sha256}"
_DIGEST: Final = re.compile(rf"[0-9a-f]{{{2 * DIGEST_BYTES}}}")
_EARLIEST: Final = Instant(0)
# Names are read anew with each call, and few of them make most calls. A name has
# 160 characters at most, so this is some megabytes.
_MOST_REMEMBERED: Final = 8_192


@lru_cache(_MOST_REMEMBERED)
def enterprise_of(name: str, part: str, field: str = "name") -> UnifiedCode:
    """Returns the code in `enterprises/{code}/<part>`; `field` is where the name stands.

    Raises:
        InvalidFieldsError: the name is of another form, or holds no code.
    """
    try:
        return _code(_variables(name, f"enterprises/{_CODE}/{part}")[0])
    except InvalidFieldsError as error:
        faults = (replace(fault, field=field) for fault in error.violations)
        raise InvalidFieldsError(tuple(faults)) from None


def parent_of(name: str, field: str = "parent") -> UnifiedCode:
    """Returns the code in `enterprises/{code}`; `field` is where the name stands.

    Raises:
        InvalidFieldsError: the name is of another form, or holds no code.
    """
    return _code(_variables(name, f"enterprises/{_CODE}", field)[0], field)


def part_of(name: str, collection: str) -> tuple[UnifiedCode, str]:
    """Returns code and id in `enterprises/{code}/<collection>/{uid}`.

    Raises:
        InvalidFieldsError: the name is of another form, or holds no code.
    """
    code, uid = _variables(name, f"enterprises/{_CODE}/{collection}/{_UID}")
    return _code(code), uid


def is_platform(text: str) -> bool:
    """Returns whether a platform may be named so."""
    return _PLATFORM.fullmatch(text) is not None


def submission_of(name: str, field: str = "name") -> tuple[UnifiedCode, str]:
    """Returns code and uid in `enterprises/{code}/submissions/{uid}`.

    Raises:
        InvalidFieldsError: the name is of another form, or holds no code.
    """
    code, uid = _variables(name, f"enterprises/{_CODE}/submissions/{_UID}", field)
    return _code(code, field), uid


def override_of(name: str, field: str = "name") -> tuple[UnifiedCode, str]:
    """Returns code and uid in `enterprises/{code}/overrides/{uid}`.

    Raises:
        InvalidFieldsError: the name is of another form, or holds no code.
    """
    code, uid = _variables(name, f"enterprises/{_CODE}/overrides/{_UID}", field)
    return _code(code, field), uid


def document_of(name: str) -> tuple[UnifiedCode, bytes]:
    """Returns code and digest in `enterprises/{code}/documents/{sha256}`.

    Raises:
        InvalidFieldsError: the name is of another form, or holds no code.
    """
    code, digest = _variables(name, f"enterprises/{_CODE}/documents/{_SHA256}")
    if not _DIGEST.fullmatch(digest):
        raise _fault("SHA256", "Write the SHA-256 as 64 digits of lower-case hex.", "name")
    return _code(code), bytes.fromhex(digest)


def scorecard_of(name: str) -> str:
    """Returns the version in `scorecards/{version}`.

    Raises:
        InvalidFieldsError: the name is of another form.
    """
    return _variables(name, f"scorecards/{_VERSION}")[0]


def past_instant_of(stamp: Timestamp, field: str, *, now: Instant) -> Instant:
    """Returns the instant of a field that must not lie in the future.

    Raises:
        InvalidFieldsError: it lies in the future, or is no instant.
    """
    instant = from_timestamp(stamp)
    if not _EARLIEST <= instant <= now:
        raise InvalidFieldsError(
            (FieldViolation(field, "OUT_OF_RANGE", "Give an instant from 1970 on, not to come."),)
        )
    return instant


def date_of(date: Date, field: str) -> Day:
    """Returns the day of a date that a request names.

    Raises:
        InvalidFieldsError: there is no such date, or it names no day.
    """
    try:
        return from_date(dt.date(date.year, date.month, date.day))
    except ValueError:
        raise _fault("DATE", "Give a date with year, month and day.", field) from None


def submission_message(status: SubmissionStatus) -> enterprise_pb2.Submission:
    """Returns the status as a message; what is not set is not known or not planned."""
    message = enterprise_pb2.Submission(
        name=f"enterprises/{status.code}/submissions/{status.uid}",
        state=_state(status.state.name),
        checks=[_check(result) for result in status.checks],
        history=[_transition(step) for step in status.history],
        submit_time=to_timestamp(status.submitted_at),
        depths=[
            enterprise_pb2.DepthResult(depth=_depth(depth), outcome=_outcome(outcome))
            for depth, outcome in by_depth(status.checks, status.depth)
        ],
        findings=[
            enterprise_pb2.Finding(reason=finding.reason, description=finding.description)
            for finding in status.findings
        ],
        supplies=[
            enterprise_pb2.Supply(field=field, supplier=supplier)
            for field, supplier in status.supplies
        ],
        changes=[
            enterprise_pb2.AnnouncedChange(field=field, before=before, after=after)
            for field, before, after in status.changes
        ],
    )
    if status.amends:
        message.amends = f"enterprises/{status.code}/submissions/{status.amends}"
    if status.document is not None:
        message.license_document = _document_name(status.code, status.document)
    if status.recheck_at is not None:
        message.recheck_time.CopyFrom(to_timestamp(status.recheck_at))
    if status.expires_at is not None:
        message.expire_time.CopyFrom(to_timestamp(status.expires_at))
    return message


def document_message(status: DocumentStatus) -> document_pb2.Document:
    """Returns what is known of a document as a message."""
    message = document_pb2.Document(
        name=_document_name(status.code, status.sha256),
        media_type=status.media_type,
        size_bytes=status.size_bytes,
        upload_time=to_timestamp(status.uploaded_at),
        findings=[
            enterprise_pb2.Finding(reason=finding.reason, description=finding.description)
            for finding in status.findings
        ],
        submissions=[f"enterprises/{status.code}/submissions/{uid}" for uid in status.submissions],
    )
    if status.deleted_at is not None:
        message.delete_time.CopyFrom(to_timestamp(status.deleted_at))
    return message


def _document_name(code: UnifiedCode, sha256: bytes) -> str:
    return f"enterprises/{code}/documents/{sha256.hex()}"


def _check(result: CheckResult) -> enterprise_pb2.CheckResult:
    return enterprise_pb2.CheckResult(
        check=result.check,
        outcome=_outcome(result.outcome),
        provenance=enterprise_pb2.Provenance(
            source=result.source, retrieve_time=to_timestamp(result.retrieved_at)
        ),
        remedy=result.remedy,
        note=result.note,
        disputed=result.disputed,
    )


def _outcome(outcome: Outcome) -> enterprise_pb2.Outcome.ValueType:
    return enterprise_pb2.Outcome.Value(f"OUTCOME_{outcome.name}")


def _depth(depth: Depth) -> enterprise_pb2.CheckDepth.ValueType:
    return enterprise_pb2.CheckDepth.Value(f"CHECK_DEPTH_{depth.name}")


def _transition(step: Transition) -> enterprise_pb2.Transition:
    return enterprise_pb2.Transition(
        state=_state(step.state.name), transition_time=to_timestamp(step.at), reason=step.reason
    )


def _state(name: str) -> enterprise_pb2.Submission.State.ValueType:
    return enterprise_pb2.Submission.State.Value(f"STATE_{name}")


def _variables(name: str, form: str, field: str = "name") -> tuple[str, ...]:
    """Returns what stands in the place of the form's variables, in order."""
    given, expected = name.split("/"), form.split("/")
    fits = len(given) == len(expected) and all(
        part and (part == wanted or wanted.startswith("{"))
        for part, wanted in zip(given, expected, strict=True)
    )
    if not fits:
        raise _fault("RESOURCE_NAME", f"Write the name as {form}.", field)
    return tuple(
        part for part, wanted in zip(given, expected, strict=True) if wanted.startswith("{")
    )


def _code(text: str, field: str = "name") -> UnifiedCode:
    try:
        return UnifiedCode.parse(text)
    except CodeError as fault:
        raise _fault(fault.reason, fault.description, field) from None


def _fault(reason: str, description: str, field: str) -> InvalidFieldsError:
    return InvalidFieldsError((FieldViolation(field, reason, description),))
