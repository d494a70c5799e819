"""Bytes that no honest client sends, on every method: never INTERNAL, never UNKNOWN.

The fuzz is seeded: the same bytes each time, so that what fails can be repeated.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from bonafides.v1 import (
    archive_pb2,
    archive_service_pb2,
    document_service_pb2,
    identity_service_pb2,
    rating_service_pb2,
    record_service_pb2,
)
from tests import builders, licenses
from tests.logged import captured
from tests.serving import PATIENCE_SECONDS, Served, serving

SEED = 20_261_101
ROUNDS = 150

CODE = builders.code(1).text
DOCUMENT = f"enterprises/{CODE}/documents/{'0f' * 32}"
IMAGE = licenses.bomb_png(1, 1)
HONEST: dict[str, bytes] = {
    "/bonafides.v1.IdentityService/SubmitIdentity": identity_service_pb2.SubmitIdentityRequest(
        request_id=builders.request_id(), claims=builders.claims()
    ).SerializeToString(),
    "/bonafides.v1.IdentityService/GetSubmission": identity_service_pb2.GetSubmissionRequest(
        name=f"enterprises/{CODE}/submissions/{builders.request_id()}"
    ).SerializeToString(),
    "/bonafides.v1.ArchiveService/GetArchive": archive_service_pb2.GetArchiveRequest(
        name=f"enterprises/{CODE}/archive"
    ).SerializeToString(),
    "/bonafides.v1.RatingService/GetRating": rating_service_pb2.GetRatingRequest(
        name=f"enterprises/{CODE}/rating"
    ).SerializeToString(),
    "/bonafides.v1.RatingService/GetScorecard": rating_service_pb2.GetScorecardRequest(
        name="scorecards/champion"
    ).SerializeToString(),
    "/bonafides.v1.RecordService/WriteRecords": record_service_pb2.WriteRecordsRequest(
        source="orders",
        sequence=1,
        records=[builders.record_message(builders.transaction())],
    ).SerializeToString(),
    "/bonafides.v1.RecordService/GetWriteCursor": record_service_pb2.GetWriteCursorRequest(
        source="orders"
    ).SerializeToString(),
    "/bonafides.v1.ArchiveService/UpdateSelfDescription": (
        archive_service_pb2.UpdateSelfDescriptionRequest(
            request_id=builders.request_id(),
            self_description=archive_pb2.SelfDescription(
                name=f"enterprises/{CODE}/self-description", main_products=["百货"]
            ),
        ).SerializeToString()
    ),
    "/bonafides.v1.DocumentService/UploadDocument": document_service_pb2.UploadDocumentRequest(
        name=f"enterprises/{CODE}/documents/{hashlib.sha256(IMAGE).hexdigest()}",
        size_bytes=len(IMAGE),
        content=IMAGE,
    ).SerializeToString(),
    "/bonafides.v1.DocumentService/GetDocument": document_service_pb2.GetDocumentRequest(
        name=DOCUMENT
    ).SerializeToString(),
    "/bonafides.v1.DocumentService/ReadDocument": document_service_pb2.ReadDocumentRequest(
        name=DOCUMENT, part=1
    ).SerializeToString(),
    "/bonafides.v1.DocumentService/DeleteDocument": document_service_pb2.DeleteDocumentRequest(
        name=DOCUMENT
    ).SerializeToString(),
    "/grpc.health.v1.Health/Check": health_pb2.HealthCheckRequest(
        service="bonafides.v1.ArchiveService"
    ).SerializeToString(),
    "/grpc.health.v1.Health/Watch": health_pb2.HealthCheckRequest(service="x").SerializeToString(),
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": (
        reflection_pb2.ServerReflectionRequest(list_services="*").SerializeToString()
    ),
}
OURS = [path for path in HONEST if path.startswith("/bonafides")]
MALFORMED: dict[str, bytes] = {
    "truncated varint": b"\x0a\xff",
    "endless varint": b"\x0a" + b"\xff" * 20,
    "truncated text": b"\x0a\x05ab",
    "length beyond the message": b"\x0a\xff\xff\xff\xff\x0f",
    "bad UTF-8": b"\x0a\x02\xff\xfe",
    "surrogate in UTF-8": b"\x0a\x03\xed\xa0\x80",
    "wire type 6": b"\x0e",
    "wire type 7": b"\x0f",
    "field 0": b"\x02\x00",
    "group never ended": b"\x0b",
    "group ended that never began": b"\x0c",
    "groups nested 10,000 deep": b"\x1b" * 10_000,
    "garbage": bytes(range(255, 0, -1)),
}
# What honest servers answer to whatever may come.
ALLOWED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all: nothing here changes what the next attack meets."""
    with serving(
        tmp_path_factory.mktemp("hostile") / "data", submissions_per_day=1_000_000, threads=2
    ) as served:
        yield served


def kind_for(path: str) -> str:
    """Returns a kind of caller that the method lets past its policy row."""
    return "platform" if "RecordService" in path else "member"


def send(served: Served, path: str, wires: list[bytes]) -> Any:
    """Sends messages as they are; returns the error, or None if the call was answered."""
    metadata = (("authorization", f"Bearer {served.token(kind_for(path))}"),)
    with grpc.insecure_channel(served.address) as channel:
        return _outcome(channel, path, wires, metadata)


def _outcome(channel: grpc.Channel, path: str, wires: list[bytes], metadata: Any) -> Any:
    # Every shape of method is a stream each way on the wire.
    method: Any = channel.stream_stream(path)
    call = method(iter(wires), timeout=PATIENCE_SECONDS, metadata=metadata)
    try:
        for _ in call:
            if path.endswith("Watch"):
                call.cancel()
                return None
    except grpc.RpcError as error:
        return error
    return None


def code_of(error: Any) -> grpc.StatusCode:
    return grpc.StatusCode.OK if error is None else error.code()


def status_of(error: Any) -> Status:
    trailers = dict(error.trailing_metadata())
    return Status.FromString(trailers["grpc-status-details-bin"])


@pytest.mark.parametrize("attack", MALFORMED)
@pytest.mark.parametrize("path", HONEST)
def test_malformed_bytes_are_an_invalid_argument(running: Served, path: str, attack: str) -> None:
    error = send(running, path, [MALFORMED[attack]])
    assert code_of(error) is grpc.StatusCode.INVALID_ARGUMENT
    info = ErrorInfo()
    assert status_of(error).details[0].Unpack(info)
    assert (info.domain, info.reason) == ("bonafides", "MALFORMED_MESSAGE")


@pytest.mark.parametrize("path", OURS)
def test_nul_in_a_text_is_an_invalid_field(running: Served, path: str) -> None:
    error = send(running, path, [b"\x0a\x03a\x00b"])
    assert code_of(error) is grpc.StatusCode.INVALID_ARGUMENT
    fields = BadRequest()
    assert any(detail.Unpack(fields) for detail in status_of(error).details)
    assert "TEXT_CHARACTERS" in {violation.reason for violation in fields.field_violations}


@pytest.mark.parametrize("path", HONEST)
def test_message_beyond_256_kib_is_refused(running: Served, path: str) -> None:
    error = send(running, path, [b"\x0a\x80\x80\x14" + b"a" * 327_680])
    assert code_of(error) is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_100_000_empty_values_cost_little(running: Served) -> None:
    inner = b"\x3a\x00" * 100_000
    wire = b"\x12" + bytes((len(inner) & 127 | 128, len(inner) >> 7 & 127 | 128, len(inner) >> 14))
    error = send(running, OURS[0], [wire + inner])
    assert code_of(error) is grpc.StatusCode.INVALID_ARGUMENT
    fields = BadRequest()
    assert any(detail.Unpack(fields) for detail in status_of(error).details)
    assert [violation.reason for violation in fields.field_violations] == ["TOO_MANY_VALUES"]


# Streams may be empty.
@pytest.mark.parametrize(
    "path", [path for path in HONEST if not path.endswith(("Info", "WriteRecords"))]
)
def test_call_without_a_message_is_an_invalid_argument(running: Served, path: str) -> None:
    assert code_of(send(running, path, [])) is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("path", ["/bonafides.v1.ArchiveService/Drop", "/x/y", "/x"])
def test_unknown_method_is_unimplemented(running: Served, path: str) -> None:
    assert code_of(send(running, path, [b""])) is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("path", HONEST)
def test_fuzzed_bytes_never_meet_an_internal_error(running: Served, path: str) -> None:
    random_bytes = random.Random(f"{SEED}{path}")  # noqa: S311 - repeatable, not secret
    metadata = (("authorization", f"Bearer {running.token(kind_for(path))}"),)
    codes = set()
    with captured() as events, grpc.insecure_channel(running.address) as channel:
        for _ in range(ROUNDS):
            wire = mutated(random_bytes, HONEST[path])
            codes.add(code_of(_outcome(channel, path, [wire], metadata)))
    assert codes <= ALLOWED
    assert [event for event in events if event["event"] == "stock_service_failed"] == []


def mutated(source: random.Random, honest: bytes) -> bytes:
    """Returns random bytes, or honest ones with a few bytes flipped, cut, doubled or put in."""
    if source.random() < 0.2:
        return source.randbytes(source.randrange(200))
    wire = bytearray(honest)
    for _ in range(source.randrange(1, 6)):
        at = source.randrange(len(wire) + 1)
        match source.randrange(5):
            case 0 if at < len(wire):
                wire[at] ^= 1 << source.randrange(8)
            case 1:
                del wire[at : at + source.randrange(1, 8)]
            case 2:
                wire[at:at] = source.randbytes(source.randrange(1, 8))
            case 3:
                wire[at:at] = wire[: source.randrange(len(wire) + 1)]
            case _:
                wire[at:at] = source.choice(HOSTILE_PARTS)
    return bytes(wire)


HOSTILE_PARTS = (
    b"\x00",
    b"\xe2\x80\xae",
    b"\xed\xa0\x80",
    b"\x0b",
    b"\x0c",
    b"\xff" * 9,
    b"\x80" * 10 + b"\x01",
    "𠮷".encode(),
    b"'; DROP TABLE enterprise; --",
    b"%s%n{}",
    b"../../../etc/passwd",
)


def test_reflection_answers_strange_questions(running: Served) -> None:
    request = reflection_pb2.ServerReflectionRequest
    extension = reflection_pb2.ExtensionRequest
    asked = [
        request(),
        request(file_by_filename="\x00"),
        request(file_by_filename="../x"),
        request(file_containing_symbol=""),
        request(file_containing_symbol="." * 1_000),
        request(file_containing_extension=extension(containing_type="x", extension_number=-1)),
        request(
            file_containing_extension=extension(
                containing_type="google.protobuf.FieldOptions", extension_number=-1
            )
        ),
        request(all_extension_numbers_of_type="\u202e"),
        request(all_extension_numbers_of_type="google.protobuf.FieldOptions"),
    ]
    path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    for each in asked:
        error = send(running, path, [each.SerializeToString()])
        assert code_of(error) is grpc.StatusCode.OK


def test_metadata_beyond_its_bound_is_refused(running: Served) -> None:
    with grpc.insecure_channel(running.address) as channel:
        call: Any = channel.unary_unary(OURS[2])
        with pytest.raises(grpc.RpcError) as refusal:
            call(HONEST[OURS[2]], timeout=PATIENCE_SECONDS, metadata=(("x-pad", "y" * 20_000),))
    error: Any = refusal.value
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_fuzzed_authorization_is_a_bad_credential(running: Served) -> None:
    source = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    good = f"Bearer {running.token('member')}"
    codes = set()
    with grpc.insecure_channel(running.address) as channel:
        call: Any = channel.unary_unary(OURS[2])
        for _ in range(ROUNDS):
            at = source.randrange(len(good) - 1)
            altered = good[:at] + chr(source.randrange(33, 127)) + good[at + 1 :]
            if altered == good:
                continue
            try:
                call(
                    HONEST[OURS[2]],
                    timeout=PATIENCE_SECONDS,
                    metadata=(("authorization", altered),),
                )
            except grpc.RpcError as error:
                failed: Any = error
                codes.add(failed.code())
    assert codes <= {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.NOT_FOUND}


def test_server_is_well_after_all_this(running: Served) -> None:
    assert code_of(send(running, OURS[4], [HONEST[OURS[4]]])) is grpc.StatusCode.OK
