"""Carries calls to one server as one caller: within a deadline, every fault mapped.

Rules:
- every call has a deadline;
- `repeating` says what is tried again, inside that deadline, and `dialing` by which way
  and which metadata a server is reached;
- the token stands in no repr and no error.

`aio.connection` carries them for an event loop: the same by name, and awaited.

    connection = Connection(target, token=token, root_certificates=None, timeout_seconds=5.0)
    answer, trailers = connection.call(stub.GetArchive, request)
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Final, TypeAlias, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bonafides.client.dialing import authorization, beside, options, require_safe, text_of
from bonafides.client.faults import ClosedClientError, TokenUnusableError, remote_error
from bonafides.client.signed_channel import SignedChannel
from bonafides.client.signing import Credentials

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")
# Quoted: the library's classes take parameters for the type checker alone.
Unary: TypeAlias = "grpc.UnaryUnaryMultiCallable[_Request, _Answer]"
Streaming: TypeAlias = "grpc.StreamStreamMultiCallable[_Request, _Answer]"


class Connection:
    """A channel to one server, and who calls over it. Threads may share it."""

    def __init__(
        self,
        target: str,
        *,
        token: str | None,
        agent_token: str | None = None,
        root_certificates: bytes | None,
        timeout_seconds: float,
        credentials: Credentials | None = None,
        forwarded_for: str | None = None,
    ) -> None:
        """Opens a channel; the first call connects. `credentials` take the token's place.

        `forwarded_for` is the address of whom a proxy calls for.

        Raises:
            InsecureTargetError: no root certificates, and not loopback.
            TokenUnusableError: a token can't stand in a header.
        """
        self.target: Final = target
        self.metadata: Final = (
            *authorization(token),
            *beside(agent_token=agent_token, forwarded_for=forwarded_for),
        )
        if token is not None and credentials is not None:
            raise TokenUnusableError
        self.channel: Final = _channel(target, root_certificates, credentials)
        # Whether calls say who makes them.
        self.logged_in: Final = token is not None or credentials is not None
        self._timeout_seconds: Final = timeout_seconds
        self._health: Final = health_pb2_grpc.HealthStub(  # type: ignore[no-untyped-call]  # ships no types
            self.channel
        )

    def answer(self, method: Unary[_Request, _Answer], request: _Request) -> _Answer:
        """Returns the answer alone; raises as `call`."""
        return self.call(method, request)[0]

    def call(
        self, method: Unary[_Request, _Answer], request: _Request
    ) -> tuple[_Answer, dict[str, str]]:
        """Returns the answer, and the trailing metadata beside it.

        Raises:
            RemoteError: refused or failed.
            ClosedClientError: the channel was closed.
        """
        try:
            answer, call = method.with_call(
                request, timeout=self._timeout_seconds, metadata=self.metadata
            )
            return answer, text_of(call.trailing_metadata())
        except grpc.RpcError as error:
            raise remote_error(error) from error
        except ValueError as error:
            # The library's way to say that the channel was closed.
            raise ClosedClientError from error

    def access_token(self) -> tuple[str, float]:
        """Returns a new access token of the application, and when it ends, since 1970.

        Raises:
            TokenUnusableError: no application calls over this connection.
            RemoteError: refused or failed.
        """
        if not isinstance(self.channel, SignedChannel):
            raise TokenUnusableError
        try:
            return self.channel.access_token(self._timeout_seconds)
        except grpc.RpcError as error:
            raise remote_error(error) from error

    def stream(
        self,
        method: Streaming[_Request, _Answer],
        requests: Iterable[_Request],
        *,
        seconds: float,
    ) -> Generator[_Answer, None, None]:
        """Yields the answers to a stream of requests; leaving it cancels the call.

        Raises:
            RemoteError: refused, or broken.
            ClosedClientError: the channel was closed.
        """
        try:
            answers = method(iter(requests), timeout=seconds, metadata=self.metadata)
        except ValueError as error:
            raise ClosedClientError from error
        try:
            yield from answers
        except grpc.RpcError as error:
            raise remote_error(error) from error
        finally:
            answers.cancel()

    def is_serving(self, within_seconds: float) -> bool:
        """Returns whether the server's health is SERVING; False where nobody tells in time.

        Raises:
            RemoteError: the server has no health service, and will not come up by waiting.
            ClosedClientError: the channel was closed.
        """
        asked = health_pb2.HealthCheckRequest()
        try:
            told = self._health.Check(asked, timeout=within_seconds, wait_for_ready=True)
        except grpc.RpcError as error:
            # A server that drains or starts is UNAVAILABLE.
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                raise remote_error(error) from error
            return False
        except ValueError as error:
            raise ClosedClientError from error
        return bool(told.status == health_pb2.HealthCheckResponse.SERVING)

    def close(self) -> None:
        """Closes the channel; calls under way are cancelled."""
        self.channel.close()


def _channel(
    target: str, root_certificates: bytes | None, credentials: Credentials | None
) -> grpc.Channel:
    require_safe(target, root_certificates)
    chosen = options(root_certificates, credentials)
    if root_certificates is None:
        channel = grpc.insecure_channel(target, options=chosen)
    else:
        tls = grpc.ssl_channel_credentials(root_certificates)
        channel = grpc.secure_channel(target, tls, options=chosen)
    return channel if credentials is None else SignedChannel(channel, credentials)
