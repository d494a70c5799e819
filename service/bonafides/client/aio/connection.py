"""Carries calls on an event loop, by the rules of `client.connection`.

connection = AsyncConnection(target, token=token, timeout_seconds=5.0)
answer, trailers = await connection.call(stub.GetArchive, request)
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bonafides.client.aio.signed_channel import AsyncSignedChannel
from bonafides.client.dialing import authorization, beside, options, require_safe, text_of
from bonafides.client.faults import (
    ClosedClientError,
    TokenUnusableError,
    cancelled,
    remote_error,
)
from bonafides.client.signing import Credentials

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")
# Quoted: the library's classes take parameters for the type checker alone.
Unary: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[_Request, _Answer]"
Streaming: TypeAlias = "grpc.aio.StreamStreamMultiCallable[_Request, _Answer]"
# A token, or what gives one before each call.
Token: TypeAlias = str | Callable[[], str | Awaitable[str]]


class AsyncConnection:
    """A channel to one server, and who calls over it. For one event loop."""

    def __init__(
        self,
        target: str,
        *,
        token: Token | None,
        agent_token: str | None = None,
        root_certificates: bytes | None,
        timeout_seconds: float,
        credentials: Credentials | None = None,
        forwarded_for: str | None = None,
    ) -> None:
        """Opens a channel, as `Connection`.

        Raises:
            InsecureTargetError: no root certificates, and not loopback.
            TokenUnusableError: a token can't stand in a header, or credentials beside one.
        """
        self.target: Final = target
        if isinstance(token, str):
            authorization(token)
        if token is not None and credentials is not None:
            raise TokenUnusableError
        self._token: Final = token
        self._beside: Final = beside(agent_token=agent_token, forwarded_for=forwarded_for)
        self.channel: Final = _channel(target, root_certificates, credentials)
        # Whether calls say who makes them.
        self.logged_in: Final = token is not None or credentials is not None
        self._timeout_seconds: Final = timeout_seconds
        self._health: Final = health_pb2_grpc.HealthStub(  # type: ignore[no-untyped-call]  # ships no types
            self.channel
        )

    async def answer(self, method: Unary[_Request, _Answer], request: _Request) -> _Answer:
        """Returns the answer alone; raises as `call`."""
        return (await self.call(method, request))[0]

    async def call(
        self, method: Unary[_Request, _Answer], request: _Request
    ) -> tuple[_Answer, dict[str, str]]:
        """Returns the answer, and the trailing metadata beside it.

        Raises:
            RemoteError: refused or failed.
            ClosedClientError: the channel was closed.
            TokenUnusableError: what gives tokens gave none that can stand in a header.
        """
        metadata = await self._metadata()
        with _mapped():
            called = method(request, timeout=self._timeout_seconds, metadata=metadata)
            answer = await called
            return answer, text_of(await called.trailing_metadata())

    async def access_token(self) -> tuple[str, float]:
        """Returns a new access token of the application, and when it ends, since 1970.

        Raises:
            TokenUnusableError: no application calls over this connection.
            RemoteError: refused or failed.
        """
        if not isinstance(self.channel, AsyncSignedChannel):
            raise TokenUnusableError
        with _mapped():
            return await self.channel.access_token(self._timeout_seconds)

    async def stream(
        self,
        method: Streaming[_Request, _Answer],
        requests: Iterable[_Request],
        *,
        seconds: float,
    ) -> AsyncGenerator[_Answer, None]:
        """Yields the answers to a stream of requests; leaving it cancels the call.

        The requests are taken on a thread: their iterable may block.

        Raises:
            RemoteError: refused, or broken.
            ClosedClientError: the channel was closed.
        """
        drawn = iter(requests)

        async def sent() -> AsyncIterator[_Request]:
            while (request := await asyncio.to_thread(next, drawn, None)) is not None:
                yield request

        metadata = await self._metadata()
        with _mapped():
            answers = method(sent(), timeout=seconds, metadata=metadata)
            try:
                async for answer in answers:
                    yield answer
            finally:
                answers.cancel()

    async def is_serving(self, within_seconds: float) -> bool:
        """Returns whether the server's health is SERVING; False where nobody tells in time.

        Raises:
            RemoteError: the server has no health service, and will not come up by waiting.
            ClosedClientError: the channel was closed.
        """
        asked = health_pb2.HealthCheckRequest()
        with _mapped():
            try:
                told = await self._health.Check(asked, timeout=within_seconds, wait_for_ready=True)
            except grpc.RpcError as error:
                # A server that drains or starts is UNAVAILABLE.
                if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                    raise
                return False
        return bool(told.status == health_pb2.HealthCheckResponse.SERVING)

    async def close(self) -> None:
        """Closes the channel; calls under way are cancelled."""
        await self.channel.close()

    async def _metadata(self) -> tuple[tuple[str, str], ...]:
        token = self._token() if callable(self._token) else self._token
        current = await token if inspect.isawaitable(token) else token
        return (*authorization(current), *self._beside)


@contextmanager
def _mapped() -> Iterator[None]:
    """Raises what the library raises as faults of this package."""
    try:
        yield
    except grpc.RpcError as error:
        raise remote_error(error) from error
    except (grpc.aio.UsageError, ValueError) as error:
        # The library's ways to say that the channel was closed.
        raise ClosedClientError from error
    except asyncio.CancelledError as error:
        # Closing a channel ends its calls so, although nobody cancelled who waits for them.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise cancelled() from error


def _channel(
    target: str, root_certificates: bytes | None, credentials: Credentials | None
) -> grpc.aio.Channel:
    require_safe(target, root_certificates)
    chosen = options(root_certificates, credentials)
    if root_certificates is None:
        channel = grpc.aio.insecure_channel(target, options=chosen)
    else:
        tls = grpc.ssl_channel_credentials(root_certificates)
        channel = grpc.aio.secure_channel(target, tls, options=chosen)
    return channel if credentials is None else AsyncSignedChannel(channel, credentials)
