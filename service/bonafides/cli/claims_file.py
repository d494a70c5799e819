"""Reads what an enterprise submits from a JSON file, and names every faulty field.

The file holds one `bonafides.v1.Claims`, or a `SelfDescription`, in protobuf's JSON
mapping: field names with underscores or in camelCase, bytes in base64, times as RFC
3339, dates as objects. All faults of form are found at once, by field, as the server
would name them; what the values mean is for the server to judge. A description never
repeats a value: the file holds an ID number.

    read('{"code": "91990000MA00000011", ...}')
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from bonafides.errors import FieldViolation
from bonafides.v1 import archive_pb2, draft_pb2, enterprise_pb2

# The server takes no message above 256 KiB; JSON needs more room for the same.
MAX_BYTES: Final = 1_048_576
_TIMESTAMP: Final = "google.protobuf.Timestamp"
_EXPECTED: Final = {
    FieldDescriptor.TYPE_STRING: "a string",
    FieldDescriptor.TYPE_BYTES: "bytes in base64",
    FieldDescriptor.TYPE_INT32: "a whole number",
    FieldDescriptor.TYPE_INT64: "a whole number",
    FieldDescriptor.TYPE_BOOL: "true or false",
}

M = TypeVar("M", bound=Message)


class FaultyClaimsError(Exception):
    """The file holds no claims; every fault is listed."""

    def __init__(self, violations: tuple[FieldViolation, ...]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.description}" for fault in violations))
        self.violations: Final = violations


def load(source: str) -> bytes:
    """Returns what the file holds; "-" is standard input.

    Raises:
        OSError: it can't be read.
    """
    if source == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with Path(source).open("rb") as file:
        return file.read(MAX_BYTES + 1)


def read(content: bytes) -> enterprise_pb2.Claims:
    """Returns the claims that the content holds.

    Raises:
        FaultyClaimsError: not JSON, too large, or fields that Claims does not have or
            whose values are of another type.
    """
    return _parsed(content, enterprise_pb2.Claims(), "claims")


def read_self_description(content: bytes) -> archive_pb2.SelfDescription:
    """Returns what the content says of an enterprise.

    Raises:
        FaultyClaimsError: as of `read`, for SelfDescription.
    """
    return _parsed(content, archive_pb2.SelfDescription(), "self_description")


def read_prefill(content: bytes) -> draft_pb2.Prefill:
    """Returns what a platform fills in; else as `read`, for Prefill."""
    return _parsed(content, draft_pb2.Prefill(), "prefill")


def read_supplement(content: bytes) -> draft_pb2.DraftSupplement:
    """Returns what an enterprise adds to a draft; else as `read`, for DraftSupplement."""
    return _parsed(content, draft_pb2.DraftSupplement(), "claims")


def read_changes(content: bytes) -> enterprise_pb2.Amendment:
    """Returns what an enterprise announces; else as `read`, for Amendment."""
    return _parsed(content, enterprise_pb2.Amendment(), "changes")


def _parsed(content: bytes, message: M, root: str) -> M:
    if len(content) > MAX_BYTES:
        description = f"Is larger than {MAX_BYTES:,} bytes; send no documents in it."
        raise _faulty(root, "TOO_LARGE", description)
    try:
        document = json.loads(content)
    except UnicodeDecodeError:
        raise _faulty(root, "NOT_JSON", "Is not UTF-8 text; save the file as UTF-8.") from None
    except (ValueError, RecursionError) as error:
        raise _faulty(root, "NOT_JSON", f"Is not JSON{_where(error)}; correct it there.") from None
    kind: Descriptor = message.DESCRIPTOR  # type: ignore[assignment]  # the stubs know two of them
    violations = tuple(_faults(document, kind, root))
    if violations:
        raise FaultyClaimsError(violations)
    return json_format.ParseDict(document, message)


def _faulty(root: str, reason: str, description: str) -> FaultyClaimsError:
    return FaultyClaimsError((FieldViolation(root, reason, description),))


def _where(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f" at line {error.lineno}, column {error.colno}"
    return ""


def _faults(document: object, kind: Descriptor, path: str) -> Iterator[FieldViolation]:
    if not isinstance(document, dict):
        yield FieldViolation(path, "WRONG_TYPE", "Must be an object with named fields.")
        return
    fields = {name: field for field in kind.fields for name in (field.name, field.json_name)}
    seen: set[str] = set()
    for name, value in document.items():
        field = fields.get(name)
        if field is None:
            known = ", ".join(field.name for field in kind.fields)
            yield FieldViolation(
                f"{path}.{name}", "UNKNOWN_FIELD", f"No such field; there are {known}."
            )
        elif field.name in seen:
            # The library would let the last one win, unsaid.
            yield FieldViolation(f"{path}.{field.name}", "NAMED_TWICE", "Keep one spelling of it.")
        elif value is not None:
            seen.add(field.name)
            # JSON's null is protobuf's unset.
            yield from _field_faults(field, value, f"{path}.{field.name}")


def _field_faults(field: FieldDescriptor, value: object, path: str) -> Iterator[FieldViolation]:
    if not field.is_repeated:
        yield from _value_faults(field, value, path)
    elif not isinstance(value, list):
        yield FieldViolation(path, "WRONG_TYPE", "Must be a list.")
    else:
        for position, item in enumerate(value):
            yield from _value_faults(field, item, f"{path}[{position}]")


def _value_faults(field: FieldDescriptor, value: object, path: str) -> Iterator[FieldViolation]:
    kind = field.message_type
    if kind is not None and kind.full_name != _TIMESTAMP:
        yield from _faults(value, kind, path)
        return
    owner = field.containing_type
    probe = message_factory.GetMessageClass(owner)()  # type: ignore[arg-type]  # no extension
    try:
        json_format.ParseDict({field.name: [value] if field.is_repeated else value}, probe)
    except json_format.ParseError:
        # The library's own text repeats the value.
        yield FieldViolation(path, "WRONG_TYPE", f"Must be {_expected(field)}.")


def _expected(field: FieldDescriptor) -> str:
    if field.message_type is not None:
        return "a time such as 2026-11-01T08:00:00+08:00"
    if field.enum_type is not None:
        return "one of " + ", ".join(name.name for name in field.enum_type.values if name.number)
    return _EXPECTED.get(field.type, "of the type that the protos name")
