"""RPCs: every method has a handler of the right signature and a policy row; grpc stays in rpc."""

from __future__ import annotations

import ast
import inspect
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import bonafides
from bonafides.access.policy import POLICIES
from bonafides.rpc import (
    access_services,
    application_services,
    consent_services,
    documents,
    draft_services,
    integrator_services,
    platform_services,
    rating_services,
    review_services,
    rights_services,
    services,
    switch_services,
    token_services,
)
from bonafides.rpc.call import Call
from bonafides.v1 import (
    access_service_pb2,
    application_service_pb2,
    archive_service_pb2,
    consent_service_pb2,
    document_service_pb2,
    draft_service_pb2,
    identity_service_pb2,
    integrator_service_pb2,
    ownership_service_pb2,
    platform_service_pb2,
    rating_service_pb2,
    record_service_pb2,
    review_service_pb2,
    rights_service_pb2,
    switch_service_pb2,
    token_service_pb2,
)

PACKAGE = Path(bonafides.__file__).parent
MODULES = (
    identity_service_pb2,
    archive_service_pb2,
    rating_service_pb2,
    record_service_pb2,
    consent_service_pb2,
    document_service_pb2,
    draft_service_pb2,
    ownership_service_pb2,
    rights_service_pb2,
    review_service_pb2,
    application_service_pb2,
    switch_service_pb2,
    platform_service_pb2,
    access_service_pb2,
    integrator_service_pb2,
    token_service_pb2,
)
HOMES = (
    services,
    consent_services,
    documents,
    draft_services,
    platform_services,
    rating_services,
    rights_services,
    review_services,
    application_services,
    switch_services,
    access_services,
    integrator_services,
    token_services,
)
MAY_IMPORT_GRPC = ("rpc/", "client/", "listening.py", "server.py", "v1/")


def declared_services() -> Iterator[ServiceDescriptor]:
    for module in MODULES:
        yield from module.DESCRIPTOR.services_by_name.values()


METHODS = [method for service in declared_services() for method in service.methods]
UNARY = [method for method in METHODS if not method.client_streaming]
STREAMS = [method for method in METHODS if method.client_streaming]


def handlers_of(service: ServiceDescriptor) -> type[Any]:
    (found,) = (vars(home)[service.name] for home in HOMES if service.name in vars(home))
    return cast("type[Any]", found)


def wire_name(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


def test_every_service_file_is_looked_at() -> None:
    files = {path.name for path in (PACKAGE / "v1").glob("*_service_pb2.py")}
    looked_at = {f"{module.__name__.rpartition('.')[2]}.py" for module in MODULES}
    assert files == looked_at


@pytest.mark.feature("D9")
def test_methods_and_policy_rows_are_the_same() -> None:
    assert {wire_name(method) for method in METHODS} == {row.method for row in POLICIES}


@pytest.mark.parametrize("method", STREAMS, ids=wire_name)
def test_session_of_a_stream_takes_and_gives_the_messages_of_its_method(
    method: MethodDescriptor,
) -> None:
    service = handlers_of(method.containing_service)
    handler = getattr(service, re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower())
    assert list(inspect.signature(handler).parameters) == ["self", "call"]
    session = typing.get_type_hints(handler)["return"]
    taking, answering = map(typing.get_type_hints, (session.take, session.answer))
    assert list(inspect.signature(session.take).parameters) == ["self", "request", "call"]
    assert taking["request"] is GetMessageClass(method.input_type)
    (result,) = typing.get_args(taking["return"])
    assert typing.get_args(answering["results"]) == (result,)
    assert answering["return"] is GetMessageClass(method.output_type)


@pytest.mark.parametrize("method", UNARY, ids=wire_name)
def test_handler_takes_and_gives_the_messages_of_its_method(method: MethodDescriptor) -> None:
    service = handlers_of(method.containing_service)
    handler = getattr(service, re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower())
    assert list(inspect.signature(handler).parameters) == ["self", "request", "call"]
    hints = typing.get_type_hints(handler)
    assert hints["request"] is GetMessageClass(method.input_type)
    assert hints["call"] is Call
    # A stored snapshot is the message, serialized already.
    assert hints["return"] in (GetMessageClass(method.output_type), bytes)


@pytest.mark.parametrize("service", list(declared_services()), ids=lambda each: each.name)
def test_service_has_no_handler_that_no_method_calls(service: ServiceDescriptor) -> None:
    handlers = {re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower() for method in service.methods}
    allowed = handlers | {
        f"{prefix}_{handler}" for handler in handlers for prefix in ("faults_in", "at_once")
    }
    members = inspect.getmembers(handlers_of(service), inspect.isfunction)
    assert {name for name, _ in members if not name.startswith("_")} <= allowed


def test_grpc_is_imported_where_calls_come_in_and_go_out_alone() -> None:
    offenders = []
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE).as_posix()
        if not place.startswith(MAY_IMPORT_GRPC) and "grpc" in _imported(path):
            offenders.append(place)
    assert offenders == []


def test_requests_hold_nothing_that_names_an_audience() -> None:
    for method in METHODS:
        assert issubclass(GetMessageClass(method.input_type), Message)
        fields = {field.name for field in method.input_type.fields}
        assert not fields & {"audience", "view", "caller", "role"}


def _imported(path: Path) -> set[str]:
    """Returns the first parts of the names of modules that the file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names
