"""A channel for an event loop over which an application calls; see `client.signed_channel`.

channel = AsyncSignedChannel(async_channel(target, roots, signs=True), credentials)
stub = ArchiveServiceStub(channel)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Generator
from typing import Any, Final, Self

import grpc

from bonafides.client.repeating import Attempts
from bonafides.client.signed_channel import (
    EXCHANGE_SECONDS,
    OPEN,
    Metadata,
    agent_in,
    bearing,
    serializers,
)
from bonafides.client.signing import EXCHANGE, SIGNED, Credentials
from bonafides.v1 import token_service_pb2


class AsyncSignedChannel(grpc.aio.Channel):
    """A channel that adds credentials. For one event loop."""

    def __init__(self, channel: grpc.aio.Channel, credentials: Credentials) -> None:
        self._channel: Final = channel
        self.credentials: Final = credentials
        # One call exchanges while others wait for its token.
        self._exchanging: Final = asyncio.Lock()
        self._exchange: Final[Any] = channel.unary_unary(
            EXCHANGE,
            request_serializer=token_service_pb2.ExchangeAssertionRequest.SerializeToString,
            response_deserializer=token_service_pb2.AccessToken.FromString,
        )

    def unary_unary(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Returns a method that is called with credentials; health needs none."""
        if method.startswith(OPEN):
            return self._channel.unary_unary(method, *arguments, **options)
        serialize, deserialize = serializers(arguments, options)
        inner: Any = self._channel.unary_unary(method, None, deserialize)
        return _Unary(self, method, serialize, inner)

    def stream_stream(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Returns a method that streams with credentials."""
        if method.startswith(OPEN):
            return self._channel.stream_stream(method, *arguments, **options)
        serialize, deserialize = serializers(arguments, options)
        inner: Any = self._channel.stream_stream(method, None, deserialize)
        return _Stream(self, method, serialize, inner)

    def unary_stream(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Returns a method of the library's own services; ours stream both ways."""
        return self._channel.unary_stream(method, *arguments, **options)

    def stream_unary(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Returns a method of the library's own services; ours stream both ways."""
        return self._channel.stream_unary(method, *arguments, **options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Closes the channel; calls under way are cancelled after the grace, in seconds."""
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002 - the library's signature
        """Returns the state of the connection."""
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Returns once the connection is in another state."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Returns once the channel is connected."""
        await self._channel.channel_ready()

    async def authorized(
        self, method: str, request: bytes, metadata: Metadata, seconds: float | None
    ) -> str:
        """Returns the credential for a call of the method with these bytes."""
        agent = agent_in(metadata)
        if method in SIGNED or agent is not None:
            return self.credentials.assertion(method, request, agent_token=agent)
        async with self._exchanging:
            return self.credentials.remembered() or self.credentials.keep(
                *await self.access_token(seconds)
            )

    async def access_token(self, seconds: float | None) -> tuple[str, float]:
        """Returns a new token, and when it ends, in seconds since 1970."""
        signed = self.credentials.assertion(EXCHANGE)
        made = await self._exchange(
            token_service_pb2.ExchangeAssertionRequest(assertion=signed),
            timeout=min(seconds or EXCHANGE_SECONDS, EXCHANGE_SECONDS),
        )
        return made.token, made.expire_time.seconds


class _Method:
    """One method, and how its requests are made bytes."""

    def __init__(
        self,
        channel: AsyncSignedChannel,
        method: str,
        serialize: Callable[[Any], bytes],
        inner: Any,
    ) -> None:
        self._channel: Final = channel
        self._method: Final = method
        self._serialize: Final = serialize
        self._inner: Final = inner


class _Unary(_Method):
    """One method, called with a credential of its own each time."""

    def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        **options: Any,
    ) -> _Call:
        """Returns the call, to be awaited; `timeout` is for all attempts together."""
        return _Call(self._answered(request, metadata or (), timeout, options))

    async def _answered(
        self, request: Any, told: Metadata, seconds: float | None, options: dict[str, Any]
    ) -> tuple[Any, grpc.aio.Call]:
        wire = self._serialize(request)
        attempts = Attempts(self._method, seconds)
        while True:
            credential = ""
            try:
                credential = await self._channel.authorized(
                    self._method, wire, told, attempts.left()
                )
                sent = bearing(told, credential)
                call = self._inner(wire, timeout=attempts.left(), metadata=sent, **options)
                return await call, call
            except grpc.RpcError as error:
                again = attempts.after(error, sent=bool(credential))
                if again is None:
                    raise
            if again.is_stale:
                self._channel.credentials.forget(credential)
            await asyncio.sleep(again.pause_seconds)


class _Call:
    """One call: awaited for its answer, and asked after that what came beside it."""

    def __init__(self, answered: Coroutine[Any, Any, tuple[Any, grpc.aio.Call]]) -> None:
        self._answered: Final = answered
        self._call: grpc.aio.Call | None = None

    def __await__(self) -> Generator[Any, None, Any]:
        answer, self._call = yield from self._answered.__await__()
        return answer

    async def trailing_metadata(self) -> Any:
        """Returns what came behind the answer; nothing before there is one."""
        return () if self._call is None else await self._call.trailing_metadata()


class _Stream(_Method):
    """One method that streams, opened with a credential for its first message."""

    def __call__(
        self,
        requests: AsyncIterable[Any],
        *,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        **options: Any,
    ) -> _Answers:
        async def opened() -> Any:
            drawn = aiter(requests)
            first = await anext(drawn, None)
            told = metadata or ()
            if first is None:
                # Nothing to sign, and nothing to say.
                return self._inner(_chained((), drawn), timeout=timeout, metadata=told, **options)
            wire = self._serialize(first)
            credential = await self._channel.authorized(self._method, wire, told, timeout)
            sent = bearing(told, credential)
            rest = (self._serialize(each) async for each in drawn)
            return self._inner(_chained((wire,), rest), timeout=timeout, metadata=sent, **options)

        return _Answers(opened)


class _Answers:
    """The answers to a stream that is opened when they are first waited for."""

    def __init__(self, opened: Callable[[], Any]) -> None:
        self._opened: Final = opened
        self._call: Any = None

    async def __aiter__(self) -> AsyncIterator[Any]:
        self._call = await self._opened()
        async for answer in self._call:
            yield answer

    def cancel(self) -> bool:
        """Leaves the call."""
        return self._call is not None and self._call.cancel()


async def _chained(first: tuple[Any, ...], rest: AsyncIterator[Any]) -> AsyncIterator[Any]:
    for each in first:
        yield each
    async for each in rest:
        yield each
