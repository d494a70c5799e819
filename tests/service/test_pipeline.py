"""The wrapper around every method, through a real channel and with handlers of the test."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from bonafides.access import policy
from bonafides.errors import (
    BugError,
    FieldViolation,
    InvalidFieldsError,
    NotFoundError,
    RateLimitedError,
    StoreUnavailableError,
)
from bonafides.rpc.call import Call
from bonafides.v1 import archive_pb2, archive_service_pb2, rating_service_pb2
from bonafides.v1 import identity_service_pb2 as identity_service
from tests import builders
from tests.logged import Events, captured
from tests.serving import PATIENCE_SECONDS, probe_token, probing

ARCHIVES = archive_service_pb2.DESCRIPTOR.services_by_name["ArchiveService"]
RATINGS = rating_service_pb2.DESCRIPTOR.services_by_name["RatingService"]
IDENTITIES = identity_service.DESCRIPTOR.services_by_name["IdentityService"]
GET_ARCHIVE = "/bonafides.v1.ArchiveService/GetArchive"
REQUEST = archive_service_pb2.GetArchiveRequest(name="enterprises/x/archive").SerializeToString()
CODE = builders.code(1).text

Handle = Callable[[archive_service_pb2.GetArchiveRequest, Call], Any]


class Probe:
    """Serves GetArchive with whatever the test wants done."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def get_archive(self, request: archive_service_pb2.GetArchiveRequest, call: Call) -> Any:
        return self._handle(request, call)


@dataclass
class Answer:
    """What a caller got, good or bad."""

    code: grpc.StatusCode
    body: bytes
    message: str
    trailers: dict[str, Any]

    @property
    def status(self) -> Status:
        return Status.FromString(self.trailers["grpc-status-details-bin"])

    def detail(self, kind: type[Any]) -> Any:
        """Returns the one detail of this kind."""
        (packed,) = [each for each in self.status.details if each.Is(kind.DESCRIPTOR)]
        made = kind()
        packed.Unpack(made)
        return made

    @property
    def info(self) -> ErrorInfo:
        info = self.detail(ErrorInfo)
        assert isinstance(info, ErrorInfo)
        return info

    @property
    def everything(self) -> str:
        """All that travelled to the caller, as one text to search in."""
        return repr((self.body, self.message, self.trailers))


def ask(
    address: str,
    wire: bytes = REQUEST,
    *,
    path: str = GET_ARCHIVE,
    token: str | None = None,
    timeout: float | None = PATIENCE_SECONDS,
    metadata: tuple[tuple[str, str], ...] = (),
) -> Answer:
    """Sends raw bytes and returns what came back."""
    if token is not None:
        metadata = (*metadata, ("authorization", f"Bearer {token}"))
    with grpc.insecure_channel(address) as channel:
        call: Any = channel.unary_unary(path)
        body, done = b"", call
        try:
            body, done = call.with_call(wire, timeout=timeout, metadata=metadata)
        except grpc.RpcError as error:
            done = error
        trailers = {pair[0]: pair[1] for pair in done.trailing_metadata() or ()}
        return Answer(done.code(), body, done.details() or "", trailers)


@pytest.fixture
def events() -> Iterator[Events]:
    with captured() as told:
        yield told


def rpc_events(events: Events) -> Events:
    return [event for event in events if event["event"] == "rpc"]


def test_answer_comes_with_its_call_id(events: Events) -> None:
    with probing(ARCHIVES, Probe(lambda *_: archive_pb2.Archive(name="shown"))) as address:
        answer = ask(address)
    assert answer.code is grpc.StatusCode.OK
    assert archive_pb2.Archive.FromString(answer.body).name == "shown"
    (event,) = rpc_events(events)
    assert event["call_id"] == answer.trailers["call-id"] == str(uuid.UUID(event["call_id"]))


def test_stored_bytes_are_handed_out_as_they_are() -> None:
    stored = archive_pb2.Archive(name="stored").SerializeToString()
    with probing(ARCHIVES, Probe(lambda *_: stored)) as address:
        assert ask(address).body == stored


def test_callers_own_call_id_is_kept_if_it_is_a_uuid() -> None:
    own = str(uuid.uuid4())
    with probing(ARCHIVES, Probe(lambda *_: b"")) as address:
        kept = ask(address, metadata=(("x-call-id", own.upper()),))
        replaced = ask(address, metadata=(("x-call-id", "1; DROP TABLE"),))
    assert kept.trailers["call-id"] == own
    assert str(uuid.UUID(replaced.trailers["call-id"])) != own


@pytest.mark.feature("J11")
def test_each_call_leaves_one_event_with_the_enterprises_pseudonym(events: Events) -> None:
    def handle(_: object, call: Call) -> bytes:
        call.concerns(CODE)
        return b""

    with probing(ARCHIVES, Probe(handle)) as address:
        ask(address, token=probe_token("operator"))
    (event,) = rpc_events(events)
    assert event["method"] == GET_ARCHIVE
    assert event["caller"] == "operator"
    assert event["code"] == "OK"
    assert event["enterprise"] == "pseudonym of 18"
    assert event["milliseconds"] >= 0
    assert CODE not in repr(events)


@pytest.mark.feature("J9")
def test_text_of_a_foreign_exception_reaches_neither_caller_nor_log(
    events: Events, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = builders.ID_NUMBER

    held: dict[str, bytes] = {}

    def handle(*_: object) -> bytes:
        try:
            return held[secret]
        except KeyError as cause:
            raise ValueError(f"bad id {secret}") from cause

    with caplog.at_level(logging.DEBUG), probing(ARCHIVES, Probe(handle)) as address:
        answer = ask(address)
    assert answer.code is grpc.StatusCode.INTERNAL
    assert answer.info.reason == "INTERNAL"
    assert answer.message == BugError.message
    (event,) = rpc_events(events)
    assert event["error"] == "ValueError"
    assert event["frames"]
    assert all(":" in frame and "/" in frame for frame in event["frames"])
    printed = capfd.readouterr()
    for told in (answer.everything, repr(events), caplog.text, printed.out, printed.err):
        assert secret not in told
        assert "bad id" not in told


def test_bug_is_told_to_the_log_and_not_to_the_caller(events: Events) -> None:
    def handle(*_: object) -> bytes:
        raise BugError("two heads on one body")

    with probing(ARCHIVES, Probe(handle)) as address:
        answer = ask(address)
    assert answer.code is grpc.StatusCode.INTERNAL
    assert "two heads" not in answer.everything
    (event,) = rpc_events(events)
    assert event["what"] == "two heads on one body"
    assert event["call_id"] == answer.info.metadata["call_id"]


def test_error_carries_domain_reason_and_call_id() -> None:
    def handle(*_: object) -> bytes:
        raise NotFoundError

    with probing(ARCHIVES, Probe(handle)) as address:
        answer = ask(address)
    assert answer.code is grpc.StatusCode.NOT_FOUND
    assert answer.status.code == grpc.StatusCode.NOT_FOUND.value[0]
    assert answer.status.message == answer.message == NotFoundError.message
    assert (answer.info.domain, answer.info.reason) == ("bonafides", "RESOURCE_NOT_FOUND")
    assert answer.info.metadata["call_id"] == answer.trailers["call-id"]


def test_limit_says_when_to_come_back() -> None:
    def handle(*_: object) -> bytes:
        raise RateLimitedError(90)

    with probing(ARCHIVES, Probe(handle)) as address:
        answer = ask(address)
    assert answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert answer.info.reason == "RATE_LIMITED"
    assert answer.detail(RetryInfo).retry_delay.seconds == 90
    assert answer.trailers["retry-after"] == "90"


def test_store_that_is_down_is_the_only_error_to_retry(events: Events) -> None:
    def handle(*_: object) -> bytes:
        raise StoreUnavailableError from RuntimeError("postgresql://user:password@host")

    with probing(ARCHIVES, Probe(handle)) as address:
        answer = ask(address)
    assert answer.code is grpc.StatusCode.UNAVAILABLE
    assert rpc_events(events)[0]["cause"] == "RuntimeError"
    assert "password" not in answer.everything + repr(events)


@pytest.mark.feature("A1")
def test_all_faulty_fields_are_named_at_once() -> None:
    faults = tuple(FieldViolation(f"claims.f{n}", "LENGTH", "Mend it.") for n in range(9))

    def handle(*_: object) -> bytes:
        raise InvalidFieldsError(faults)

    with probing(ARCHIVES, Probe(handle)) as address:
        answer = ask(address)
    assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
    assert answer.info.reason == "INVALID_FIELD"
    listed = answer.detail(BadRequest).field_violations
    assert [(v.field, v.reason, v.description) for v in listed] == [
        (fault.field, fault.reason, fault.description) for fault in faults
    ]


@pytest.mark.feature("A7")
@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["OUT_OF_SCOPE"], "OUT_OF_SCOPE"),
        (["OUT_OF_SCOPE", "OUT_OF_SCOPE"], "OUT_OF_SCOPE"),
        (["OLD_REGISTRATION_NUMBER"], "OLD_REGISTRATION_NUMBER"),
        (["OUT_OF_SCOPE", "LENGTH"], "INVALID_FIELD"),
        (["OUT_OF_SCOPE", "OLD_REGISTRATION_NUMBER"], "INVALID_FIELD"),
        (["LENGTH"], "INVALID_FIELD"),
    ],
)
def test_reason_that_all_fields_share_is_the_reason_of_the_error(
    given: list[str], told: str
) -> None:
    def handle(*_: object) -> bytes:
        raise InvalidFieldsError(tuple(FieldViolation("name", each, "Mend it.") for each in given))

    with probing(ARCHIVES, Probe(handle)) as address:
        assert ask(address).info.reason == told


@pytest.mark.parametrize("described", ["冗" * 100, "冗" * 5_000, "x" * 100, "%" * 700, "x"])
def test_faults_beyond_the_room_of_trailers_are_counted(described: str) -> None:
    faults = tuple(FieldViolation(f"claims.f{n}", "LENGTH", described) for n in range(5_000))

    def handle(*_: object) -> bytes:
        raise InvalidFieldsError(faults)

    with probing(ARCHIVES, Probe(handle)) as address:
        answer = ask(address)
    assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
    listed = len(answer.detail(BadRequest).field_violations)
    assert 0 < listed < 5_000
    assert answer.info.metadata["violations_left_out"] == str(5_000 - listed)
    # As it travels: the message percent-encoded, the details as base64.
    details = answer.trailers["grpc-status-details-bin"]
    assert len(quote(answer.message, safe=" ")) + len(details) * 4 // 3 < 7_168


@pytest.mark.feature("A1")
def test_faults_of_shape_and_of_meaning_come_together() -> None:
    class Desk:
        def submit_identity(self, *_: object) -> bytes:
            raise BugError("never reached")

        def get_submission(self, *_: object) -> bytes:
            return b""

        def faults_in_submit_identity(self, *_: object) -> tuple[FieldViolation, ...]:
            return (
                FieldViolation("claims.code", "LENGTH", "Give 18 characters."),
                FieldViolation("claims.title", "TWICE", "Told by the shape already."),
            )

    request = identity_service.SubmitIdentityRequest(request_id="no uuid", claims=builders.claims())
    request.claims.title = ""
    path = "/bonafides.v1.IdentityService/SubmitIdentity"
    with probing(IDENTITIES, Desk()) as address:
        answer = ask(address, request.SerializeToString(), path=path, token=probe_token())
    told = {(v.field, v.reason) for v in answer.detail(BadRequest).field_violations}
    assert told == {("request_id", "UUID"), ("claims.title", "REQUIRED"), ("claims.code", "LENGTH")}


@pytest.mark.parametrize(
    "text",
    [
        "a\x00b",
        "a\nb",
        "a\x7fb",
        "a\u202eb",
        "a\u2066b",
        "a\u200bb",
        "a\ufeffb",
        "a\u00adb",
        "a\u3164b",
        "a\ue000b",
        "a\u0378b",
        "a\U000e0041b",
        "a\U0002fffeb",
        "a\u2028b",
    ],
)
def test_text_that_hides_something_is_refused(text: str) -> None:
    request = archive_service_pb2.GetArchiveRequest(name=text)
    with probing(ARCHIVES, Probe(lambda *_: b"")) as address:
        answer = ask(address, request.SerializeToString())
    assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
    (violation,) = answer.detail(BadRequest).field_violations
    assert (violation.field, violation.reason) == ("name", "TEXT_CHARACTERS")


@pytest.mark.parametrize(
    "text",
    ["九九市百草贸易有限公司", "ａ（ｂ）\u3000ｃ", "𠮷野家", "\U00031350\U00033479", "é e\u0301"],
)
def test_text_of_names_passes(text: str) -> None:
    request = archive_service_pb2.GetArchiveRequest(name=text)
    with probing(ARCHIVES, Probe(lambda *_: b"")) as address:
        assert ask(address, request.SerializeToString()).code is grpc.StatusCode.OK


def test_caller_is_told_of_the_credential_before_the_request() -> None:
    class Ratings:
        get_rating = get_scorecard = staticmethod(lambda *_: b"")

    path = "/bonafides.v1.RatingService/GetRating"
    with probing(RATINGS, Ratings()) as address:
        anonymous = ask(address, b"\xff\xff", path=path)
        forged = ask(address, b"\xff\xff", path=path, token="a.b.c")
        member = ask(address, b"\xff\xff", path=path, token=probe_token())
    assert anonymous.code is forged.code is grpc.StatusCode.UNAUTHENTICATED
    assert anonymous.info.reason == "LOGIN_REQUIRED"
    assert forged.info.reason == "CREDENTIAL_INVALID"
    assert member.info.reason == "MALFORMED_MESSAGE"


@pytest.mark.feature("D9")
def test_method_for_others_is_not_allowed() -> None:
    class Desk:
        submit_identity = get_submission = staticmethod(lambda *_: b"")

    path = "/bonafides.v1.IdentityService/SubmitIdentity"
    with probing(IDENTITIES, Desk()) as address:
        answer = ask(address, b"", path=path, token=probe_token("operator"))
    assert answer.code is grpc.StatusCode.PERMISSION_DENIED
    assert answer.info.reason == "METHOD_NOT_ALLOWED"


def test_two_credentials_are_none(events: Events) -> None:
    metadata = tuple(
        ("authorization", f"Bearer {probe_token(kind)}") for kind in ("member", "operator")
    )
    with probing(ARCHIVES, Probe(lambda *_: b"")) as address:
        answer = ask(address, metadata=metadata)
    assert answer.code is grpc.StatusCode.UNAUTHENTICATED
    assert rpc_events(events)[0]["fault"] == "REPEATED"


def test_expired_token_is_told_apart_and_no_public_view() -> None:
    long_ago = probe_token(now=builders.NOW - 3_600_000_000)
    with probing(ARCHIVES, Probe(lambda *_: b"")) as address:
        answer = ask(address, token=long_ago)
    assert answer.code is grpc.StatusCode.UNAUTHENTICATED
    assert answer.info.reason == "CREDENTIAL_EXPIRED"


@pytest.mark.feature("D9")
def test_method_without_a_policy_row_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(_policies(), GET_ARCHIVE)
    with pytest.raises(BugError), probing(ARCHIVES, Probe(lambda *_: b"")):
        pass


@pytest.mark.feature("D9")
def test_method_that_lost_its_policy_row_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    with probing(ARCHIVES, Probe(lambda *_: called.append(1))) as address:
        monkeypatch.delitem(_policies(), GET_ARCHIVE)
        answer = ask(address)
    assert answer.code is grpc.StatusCode.INTERNAL
    assert called == []


def test_method_without_a_handler_stops_the_start() -> None:
    with pytest.raises(BugError), probing(ARCHIVES, object(), whole=False):
        pass


@pytest.mark.feature("D8")
def test_overload_is_refused_at_once_and_says_when_to_come_back() -> None:
    release = threading.Event()

    def handle(*_: object) -> bytes:
        release.wait(PATIENCE_SECONDS)
        return b""

    with probing(ARCHIVES, Probe(handle), threads=2) as address, ThreadPoolExecutor(5) as pool:
        # Whichever comes last finds no place; none is answered before it.
        asked = [pool.submit(ask, address) for _ in range(5)]
        answer = next(as_completed(asked)).result()
        release.set()
        codes = [call.result().code for call in asked]
        after = ask(address)
    assert answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert answer.info.reason == "SERVER_BUSY"
    assert answer.trailers["retry-after"] == "1"
    assert codes.count(grpc.StatusCode.OK) == 4
    assert after.code is grpc.StatusCode.OK


def test_late_call_keeps_its_place_until_its_thread_is_done() -> None:
    release = threading.Event()

    def handle(*_: object) -> bytes:
        release.wait(PATIENCE_SECONDS)
        return b""

    with probing(ARCHIVES, Probe(handle), threads=1) as address, ThreadPoolExecutor(2) as pool:
        late = [pool.submit(ask, address, timeout=0.3) for _ in range(2)]
        assert [call.result().code for call in late] == [grpc.StatusCode.DEADLINE_EXCEEDED] * 2
        _wait_until(lambda: ask(address, timeout=0.3).code is grpc.StatusCode.DEADLINE_EXCEEDED)
        release.set()
        _wait_until(lambda: ask(address).code is grpc.StatusCode.OK)


def test_call_whose_deadline_passed_in_the_queue_is_not_carried_out() -> None:
    release, running = threading.Event(), threading.Event()
    asked: list[str] = []

    def handle(request: archive_service_pb2.GetArchiveRequest, _: Call) -> bytes:
        asked.append(request.name)
        running.set()
        release.wait(PATIENCE_SECONDS)
        return b""

    def named(name: str) -> bytes:
        return archive_service_pb2.GetArchiveRequest(
            name=f"enterprises/{name}/archive"
        ).SerializeToString()

    with probing(ARCHIVES, Probe(handle), threads=1) as address, ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, address, named("first"))
        assert running.wait(PATIENCE_SECONDS)
        late = ask(address, named("late"), timeout=0.2)
        release.set()
        # The thread has passed the late one by when it takes the next.
        last = ask(address, named("last"))
        codes = [first.result().code, late.code, last.code]
    ok = grpc.StatusCode.OK
    assert codes == [ok, grpc.StatusCode.DEADLINE_EXCEEDED, ok]
    assert asked == [f"enterprises/{name}/archive" for name in ("first", "last")]


def test_call_without_a_deadline_gets_the_default(events: Events) -> None:
    release = threading.Event()

    def handle(*_: object) -> bytes:
        release.wait(PATIENCE_SECONDS)
        return b""

    with probing(ARCHIVES, Probe(handle), default_deadline_seconds=0.2) as address:
        answer = ask(address, timeout=None)
        release.set()
    assert answer.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert answer.info.reason == "DEADLINE_PASSED"
    assert [event["code"] for event in rpc_events(events)] == ["DEADLINE_EXCEEDED"]


def test_timeout_inside_a_handler_is_no_deadline_of_the_caller() -> None:
    def handle(*_: object) -> bytes:
        raise TimeoutError("some socket")

    with probing(ARCHIVES, Probe(handle)) as address:
        assert ask(address).code is grpc.StatusCode.INTERNAL


def test_call_without_a_message_is_malformed_at_once() -> None:
    with probing(ARCHIVES, Probe(lambda *_: b"")) as address:
        assert _stream(address, iter(())) is grpc.StatusCode.INVALID_ARGUMENT


def test_message_that_never_comes_holds_no_place() -> None:
    release = threading.Event()

    def never() -> Iterator[bytes]:
        release.wait(PATIENCE_SECONDS)
        yield from ()

    with (
        probing(
            ARCHIVES, Probe(lambda *_: b""), threads=1, default_deadline_seconds=0.5
        ) as address,
        ThreadPoolExecutor(4) as pool,
    ):
        silent = [pool.submit(_stream, address, never()) for _ in range(4)]
        assert ask(address).code is grpc.StatusCode.OK
        assert [call.result() for call in silent] == [grpc.StatusCode.DEADLINE_EXCEEDED] * 4
        release.set()


def _policies() -> dict[str, Any]:

    return policy._BY_METHOD


def _stream(address: str, messages: Iterator[bytes]) -> grpc.StatusCode:
    with grpc.insecure_channel(address) as channel:
        send: Any = channel.stream_unary(GET_ARCHIVE)
        try:
            send(messages, timeout=4)
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return code
        return grpc.StatusCode.OK


def _wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
