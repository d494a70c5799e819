"""What every proto of ours keeps to, beside what buf checks."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from bonafides.client import repeating
from tests.asking import methods

_ROOT = Path(__file__).parents[2]
_FILES = [
    import_module(f"bonafides.v1.{path.stem}_pb2")
    for path in sorted((_ROOT / "protos/bonafides/v1").glob("*.proto"))
]


def _messages() -> Iterator[Descriptor]:
    pending = [m for file in _FILES for m in file.DESCRIPTOR.message_types_by_name.values()]
    while pending:
        message = pending.pop()
        pending.extend(message.nested_types)
        yield message


@pytest.mark.feature("G9")
def test_no_field_holds_a_float() -> None:
    floats = {FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE}
    assert [f.full_name for m in _messages() for f in m.fields if f.type in floats] == []


def test_no_message_takes_whatever_comes() -> None:
    loose = {"google.protobuf.Any", "google.protobuf.Struct", "google.protobuf.Value"}
    held = [(f, f.message_type) for m in _messages() for f in m.fields]
    assert [f.full_name for f, kind in held if kind and kind.full_name in loose] == []


@pytest.mark.feature("F2")
def test_no_answer_carries_a_decision() -> None:
    words = {"decision", "accept", "accepted", "approve", "approved", "deny", "denied", "admit"}
    assert [f.full_name for m in _messages() for f in m.fields if f.name in words] == []


@pytest.mark.feature("F2")
def test_what_a_platform_decides_stands_in_no_answer_about_an_enterprise() -> None:
    """Only the calls that record and list decisions lead to one, or to a word like it."""
    deciding = {"PlatformDecision", "RecordDecisionRequest", "ListDecisionsResponse"}
    held = [f for m in _messages() for f in m.fields if m.name not in deciding]
    assert [
        f.full_name
        for f in held
        for kind in (f.message_type, f.enum_type)
        if kind is not None and kind.full_name.startswith("bonafides.v1.PlatformDecision")
    ] == []
    words = ("ACCEPT", "ADMIT", "APPROV", "DENY", "DENIED", "REJECT_", "RECOMMEND")
    answers = ("archive", "rating", "platform_service", "archive_service", "rating_service")
    named = [
        value.full_name
        for file in _FILES
        if file.DESCRIPTOR.name.removeprefix("bonafides/v1/").removesuffix(".proto") in answers
        for enum in (
            *file.DESCRIPTOR.enum_types_by_name.values(),
            *(e for m in file.DESCRIPTOR.message_types_by_name.values() for e in m.enum_types),
        )
        for value in enum.values
        if any(word in value.name for word in words)
    ]
    assert named == []


@pytest.mark.feature("I12")
def test_no_message_has_a_place_for_a_password() -> None:
    words = ("password", "passwd", "secret", "pin_code")
    named = [f for m in _messages() for f in m.fields if any(w in f.name for w in words)]
    assert [f.full_name for f in named] == []


def test_every_writing_method_is_idempotent_by_request_id_or_by_numbered_batches() -> None:
    numbered = {"source", "sequence"}
    writing = ("Submit", "Create", "Update", "Write", "Withdraw")
    services = [s for file in _FILES for s in file.DESCRIPTOR.services_by_name.values()]
    methods = [m for s in services for m in s.methods if m.name.startswith(writing)]
    fields = {m.name: set(m.input_type.fields_by_name) for m in methods}
    assert [n for n, f in fields.items() if "request_id" not in f and not numbered <= f] == []


@pytest.mark.feature("D8")
def test_no_method_lists_or_searches_enterprises() -> None:
    services = [s for file in _FILES for s in file.DESCRIPTOR.services_by_name.values()]
    named = [m.name for s in services for m in s.methods]
    assert [n for n in named if n.startswith(("ListEnterprises", "ListArchives", "Search"))] == []


def test_client_tries_again_what_is_read_and_what_carries_a_request_id() -> None:
    reads = ("Batch", "Get", "List", "LookUp", "Read", "Simulate")
    # What it exchanges for a token counts once, and is made anew.
    own = "/bonafides.v1.TokenService/ExchangeAssertion"
    for name, method in methods().items():
        safe = method.name.startswith(reads) or "request_id" in method.input_type.fields_by_name
        assert repeating.repeats(name) == (safe or name == own), name
