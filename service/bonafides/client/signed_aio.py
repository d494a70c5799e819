"""A channel for an event loop over which an application calls; see `signed_channel`.

channel = AsyncSignedChannel(async_channel(target, roots, signs=True), credentials)
stub = ArchiveServiceStub(channel)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any, Final, Self

import grpc

from bonafides.client.signed_channel import (
    AGENT_KEY,
    EXCHANGE_SECONDS,
    OPEN,
    PAUSES,
    Metadata,
    is_stale,
    left,
    may_repeat,
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
        agent = next((value for key, value in metadata if key == AGENT_KEY), None)
        if method in SIGNED or agent is not None:
            return self.credentials.assertion(method, request, agent_token=agent)
        async with self._exchanging:
            token = self.credentials.remembered()
            if token is None:
                signed = self.credentials.assertion(EXCHANGE)
                made = await self._exchange(
                    token_service_pb2.ExchangeAssertionRequest(assertion=signed),
                    timeout=min(seconds or EXCHANGE_SECONDS, EXCHANGE_SECONDS),
                )
                token = self.credentials.keep(made.token, made.expire_time.seconds)
        return token


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

    async def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        metadata: Metadata | None = None,
        **options: Any,
    ) -> Any:
        """Returns the answer; `timeout` is for all attempts together."""
        wire, told = self._serialize(request), metadata or ()
        end = None if timeout is None else time.monotonic() + timeout
        pauses = iter(PAUSES)
        renewed = False
        while True:
            credential = ""
            try:
                credential = await self._channel.authorized(self._method, wire, told, left(end))
                sent = (*told, ("authorization", f"Bearer {credential}"))
                return await self._inner(wire, timeout=left(end), metadata=sent, **options)
            except grpc.RpcError as error:
                if credential and not renewed and is_stale(self._method, error):
                    self._channel.credentials.forget(credential)
                    renewed = True
                    continue
                pause = next(pauses, None) if may_repeat(self._method, error) else None
                if pause is None or (end is not None and time.monotonic() + pause >= end):
                    raise
            await asyncio.sleep(pause)


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
            sent = (*told, ("authorization", f"Bearer {credential}"))
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
