"""The typed client against servers that answer, refuse, fail and lie, over a real channel."""

from __future__ import annotations

import ast
import datetime as dt
import ipaddress
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from bonafides.client import (
    Client,
    ClosedClientError,
    InsecureTargetError,
    NotServingError,
    RemoteError,
    TokenUnusableError,
)
from bonafides.errors import (
    BonafidesError,
    FieldViolation,
    InvalidFieldsError,
    NotFoundError,
    RateLimitedError,
)
from bonafides.rpc.status import STATUSES, Reply, reply
from bonafides.v1 import archive_pb2, enterprise_pb2, rating_pb2

_CODE = "91990000MA00000011"
_CALL_ID = "00000000-0000-4000-8000-000000000001"


@dataclass
class Simulator:
    """A server that gives the prepared answers in turn, and keeps what it was sent."""

    answers: list[bytes | Reply]
    port: int = 0
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)
    remaining: list[float] = field(default_factory=list)

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        method = details.method or ""

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            self.requests.append((method, request))
            self.metadata.append(dict(context.invocation_metadata()))
            self.remaining.append(context.time_remaining() or 0)
            told = self.answers.pop(0)
            if isinstance(told, Reply):
                context.set_trailing_metadata(told.trailers)
                context.abort(told.code, told.message)
            return told

        return grpc.unary_unary_rpc_method_handler(answer)


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any]:
        return self._simulator.service(handler_call_details)


@contextmanager
def _serving(
    *answers: bytes | Reply, credentials: grpc.ServerCredentials | None = None
) -> Iterator[Simulator]:
    simulator = Simulator(list(answers))
    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads)
        server.add_generic_rpc_handlers([_Handler(simulator)])
        if credentials is None:
            simulator.port = server.add_insecure_port("127.0.0.1:0")
        else:
            simulator.port = server.add_secure_port("127.0.0.1:0", credentials)
        server.start()
        try:
            yield simulator
        finally:
            server.stop(None).wait()


def _refusal(code: grpc.StatusCode, message: str = "", details: bytes | None = None) -> Reply:
    trailers = () if details is None else (("grpc-status-details-bin", details),)
    return Reply(code, "", message, trailers)


_UNAVAILABLE = _refusal(grpc.StatusCode.UNAVAILABLE)
_ARCHIVE = archive_pb2.Archive(etag="e").SerializeToString()


@pytest.mark.parametrize(
    ("call", "method", "answer"),
    [
        (
            lambda client: client.submit_identity(enterprise_pb2.Claims(code=_CODE)),
            "/bonafides.v1.IdentityService/SubmitIdentity",
            enterprise_pb2.Submission(name="n"),
        ),
        (
            lambda client: client.get_submission("n"),
            "/bonafides.v1.IdentityService/GetSubmission",
            enterprise_pb2.Submission(name="n"),
        ),
        (
            lambda client: client.get_archive(_CODE),
            "/bonafides.v1.ArchiveService/GetArchive",
            archive_pb2.Archive(etag="e"),
        ),
        (
            lambda client: client.get_rating(_CODE),
            "/bonafides.v1.RatingService/GetRating",
            rating_pb2.Rating(model_version="v"),
        ),
        (
            lambda client: client.get_scorecard(),
            "/bonafides.v1.RatingService/GetScorecard",
            rating_pb2.Scorecard(name="scorecards/v"),
        ),
    ],
)
def test_each_method_calls_its_own_and_returns_its_message(
    call: Callable[[Client], object], method: str, answer: Any
) -> None:
    with _serving(answer.SerializeToString()) as server, Client(server.target) as client:
        assert call(client) == answer
    assert [name for name, _ in server.requests] == [method]


def test_token_travels_as_bearer_and_shows_in_no_repr() -> None:
    with _serving(_ARCHIVE, _ARCHIVE) as server:
        with Client(server.target, token="planted") as client:
            client.get_archive(_CODE)
            assert "planted" not in repr(client)
        with Client(server.target) as client:
            client.get_archive(_CODE)
    assert server.metadata[0]["authorization"] == "Bearer planted"
    assert "authorization" not in server.metadata[1]


@pytest.mark.parametrize("token", ["", "planted planted", "planted\n", "plänted", "planted\x00"])
def test_token_that_could_forge_a_header_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(TokenUnusableError) as caught:
        Client("127.0.0.1:1", token=token)
    assert "plant" not in str(caught.value)


def test_every_call_has_a_deadline() -> None:
    with _serving(_ARCHIVE) as server, Client(server.target, timeout_seconds=3) as client:
        client.get_archive(_CODE)
    # It travels rounded up, and the clocks of both sides differ a little.
    assert 0 < server.remaining[0] < 4


def test_unavailable_is_tried_again() -> None:
    with (
        _serving(_UNAVAILABLE, _UNAVAILABLE, _ARCHIVE) as server,
        Client(server.target) as client,
    ):
        assert client.get_archive(_CODE).etag == "e"
    assert len(server.requests) == 3


def test_submission_that_is_tried_again_keeps_its_request_id() -> None:
    made = enterprise_pb2.Submission(name="n").SerializeToString()
    with _serving(_UNAVAILABLE, made) as server, Client(server.target) as client:
        client.submit_identity(enterprise_pb2.Claims(code=_CODE))
    assert len(server.requests) == 2
    assert server.requests[0] == server.requests[1]


def test_two_submissions_have_two_request_ids() -> None:
    made = enterprise_pb2.Submission(name="n").SerializeToString()
    with _serving(made, made) as server, Client(server.target) as client:
        client.submit_identity(enterprise_pb2.Claims(code=_CODE))
        client.submit_identity(enterprise_pb2.Claims(code=_CODE))
    assert server.requests[0] != server.requests[1]


def test_tries_end_with_the_deadline() -> None:
    with (
        _serving(*[_UNAVAILABLE] * 20) as server,
        Client(server.target, timeout_seconds=0.2) as client,
        pytest.raises(RemoteError) as caught,
    ):
        client.get_archive(_CODE)
    assert caught.value.code in {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
    assert 1 <= len(server.requests) <= 4


@pytest.mark.parametrize(
    "code", [code for code in grpc.StatusCode if code.name not in {"OK", "UNAVAILABLE"}]
)
def test_nothing_but_unavailable_is_tried_again(code: grpc.StatusCode) -> None:
    with (
        _serving(_refusal(code, "no")) as server,
        Client(server.target) as client,
        pytest.raises(RemoteError) as caught,
    ):
        client.get_archive(_CODE)
    assert caught.value.code is code
    assert str(caught.value) == "no"
    assert caught.value.reason == ""
    assert len(server.requests) == 1


def test_every_error_of_the_server_arrives_with_its_reason() -> None:
    prepared: list[BonafidesError] = [
        NotFoundError(),
        RateLimitedError(7),
        InvalidFieldsError(
            (
                FieldViolation("claims.code", "LENGTH", "Give 18 characters."),
                FieldViolation("claims.phone", "PHONE", "Give a number of the mainland."),
            )
        ),
    ]
    caught = []
    with (
        _serving(*[reply(error, _CALL_ID) for error in prepared]) as server,
        Client(server.target) as client,
    ):
        for _ in prepared:
            with pytest.raises(RemoteError) as raised:
                client.get_archive(_CODE)
            caught.append(raised.value)
    assert [error.reason for error in caught] == [STATUSES[type(error)][1] for error in prepared]
    assert [error.metadata["call_id"] for error in caught] == [_CALL_ID] * 3
    assert [error.retry_after_seconds for error in caught] == [None, 7, None]
    assert caught[2].violations == prepared[2].violations  # type: ignore[attr-defined]  # the third


def _foreign_status() -> bytes:
    status = status_pb2.Status(code=5, message="no")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="PLANTED", domain="elsewhere"))
    return status.SerializeToString()


def _status_with_broken_detail() -> bytes:
    status = status_pb2.Status(code=5, message="no")
    detail = status.details.add()
    detail.type_url = "type.googleapis.com/google.rpc.ErrorInfo"
    detail.value = b"\xff"
    return status.SerializeToString()


@pytest.mark.parametrize(
    "details",
    [
        b"\xff\xff",
        status_pb2.Status(code=7, message="no").SerializeToString(),
        status_pb2.Status(code=5, message="other").SerializeToString(),
        _status_with_broken_detail(),
        _foreign_status(),
    ],
)
def test_details_that_lie_are_not_believed(details: bytes) -> None:
    refusal = _refusal(grpc.StatusCode.NOT_FOUND, "no", details)
    with (
        _serving(refusal) as server,
        Client(server.target) as client,
        pytest.raises(RemoteError) as caught,
    ):
        client.get_archive(_CODE)
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
    assert caught.value.reason == ""
    assert caught.value.violations == ()


def test_answer_that_is_no_message_is_a_remote_error() -> None:
    with (
        _serving(b"\xff\xff\xff") as server,
        Client(server.target) as client,
        pytest.raises(RemoteError),
    ):
        client.get_archive(_CODE)


def test_closed_client_says_so() -> None:
    client = Client("127.0.0.1:1")
    client.close()
    with pytest.raises(ClosedClientError):
        client.get_archive(_CODE)
    with pytest.raises(ClosedClientError):
        client.wait_until_serving(0.1)


@pytest.mark.feature("J8")
@pytest.mark.parametrize(
    "target",
    [
        "192.0.2.1:50051",
        "bonafides.example:50051",
        "127.0.0.1.example:50051",
        "localhost.example:50051",
        "dns:///192.0.2.1:50051",
        "dns://192.0.2.1/localhost:50051",
        "ipv4:127.0.0.1:50051,192.0.2.1:50051",
        "ipv6:[::1]:50051,[2001:db8::1]:50051",
        "unix:/tmp/some.sock",
        "0.0.0.0:50051",
        "[::]:50051",
        "",
    ],
)
def test_plaintext_is_refused_outside_loopback(target: str) -> None:
    with pytest.raises(InsecureTargetError) as caught:
        Client(target, token="planted")
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    "target", ["127.0.0.1:1", "127.1.2.3:1", "localhost:1", "[::1]:1", "ipv4:127.0.0.1:1"]
)
def test_plaintext_goes_to_loopback(target: str) -> None:
    Client(target).close()


def test_plaintext_does_not_leave_by_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("grpc_proxy", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with _serving(_ARCHIVE) as server, Client(server.target, token="planted") as client:
        assert client.get_archive(_CODE).etag == "e"


def _certificate() -> tuple[bytes, bytes]:
    """Returns certificate and key, PEM, of a server on 127.0.0.1."""
    # The library's TLS knows no Ed25519 certificates.
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM), private


@pytest.mark.feature("J8")
def test_tls_is_checked_against_the_certificates_named() -> None:
    certificate, key = _certificate()
    stranger, _ = _certificate()
    credentials = grpc.ssl_server_credentials([(key, certificate)])
    with _serving(_ARCHIVE, _ARCHIVE, credentials=credentials) as server:
        with Client(server.target, root_certificates=certificate) as client:
            assert client.get_archive(_CODE).etag == "e"
        for roots in (stranger, None):
            with (
                Client(server.target, root_certificates=roots, timeout_seconds=1) as client,
                pytest.raises(RemoteError) as caught,
            ):
                client.get_archive(_CODE)
            assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert len(server.requests) == 1


def test_waiting_ends_when_the_server_serves() -> None:
    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads)
        servicer: Any = health.HealthServicer()  # type: ignore[no-untyped-call]  # ships no types
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]  # ships no types
        port = server.add_insecure_port("127.0.0.1:0")
        try:
            with Client(f"127.0.0.1:{port}") as client:
                servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
                server.start()
                with pytest.raises(NotServingError):
                    client.wait_until_serving(0.2)
                servicer.set("", health_pb2.HealthCheckResponse.SERVING)
                client.wait_until_serving(5)
        finally:
            server.stop(None).wait()


def test_waiting_for_nobody_ends_in_time() -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(NotServingError):
        client.wait_until_serving(0.3)


def test_client_loads_none_of_the_servers_rooms() -> None:
    probe = (
        "import sys, bonafides.client;"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in"
        " {'sqlalchemy', 'pydantic', 'cryptography', 'jwt', 'typer', 'rich'}"
        " or name.startswith('bonafides.') and not name.startswith('bonafides.v1')))"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", probe], capture_output=True, check=True, text=True
    )
    rest = {name for name in ast.literal_eval(done.stdout) if "bonafides.client" not in name}
    assert rest == {"bonafides.errors"}
