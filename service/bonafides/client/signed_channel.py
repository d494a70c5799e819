"""A channel over which an application calls: each call gets its credential on its way out.

A request is made bytes here, once, so that what is signed is what goes out. Stubs and
callers notice nothing of it. Instead of the library, which would send one signature
twice, this tries again, as `repeating` says.

    channel = SignedChannel(grpc.secure_channel(...), credentials)
    stub = ArchiveServiceStub(channel)
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Self, TypeAlias

import grpc

from bonafides.client.repeating import Attempts
from bonafides.client.signing import EXCHANGE, SIGNED, Credentials
from bonafides.v1 import token_service_pb2

Metadata: TypeAlias = Sequence[tuple[str, str]]

# The metadata key by which an integrator names the enterprise that it acts for.
AGENT_KEY: Final = "bonafides-agent-token"
# Services of the library: whoever asks them need not be known.
OPEN: Final = "/grpc."
EXCHANGE_SECONDS: Final = 5.0


class SignedChannel(grpc.Channel):
    """A channel that adds credentials. Threads may share it."""

    def __init__(self, channel: grpc.Channel, credentials: Credentials) -> None:
        self._channel: Final = channel
        self.credentials: Final = credentials
        self._exchange: Final = channel.unary_unary(
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

    def subscribe(self, callback: Callable[..., Any], try_to_connect: bool = False) -> None:  # noqa: FBT001, FBT002 - the library's signature
        """Subscribes to the state of the connection."""
        self._channel.subscribe(callback, try_to_connect)

    def unsubscribe(self, callback: Callable[..., Any]) -> None:
        """Ends a subscription."""
        self._channel.unsubscribe(callback)

    def close(self) -> None:
        """Closes the channel; calls under way are cancelled."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def authorized(
        self, method: str, request: bytes, metadata: Metadata, seconds: float | None
    ) -> str:
        """Returns the credential for a call of the method with these bytes.

        An agent token among the metadata is bound into a signature, reads too.
        """
        agent = agent_in(metadata)
        if method in SIGNED or agent is not None:
            return self.credentials.assertion(method, request, agent_token=agent)
        return self.credentials.token(lambda signed: self._exchanged(signed, seconds))

    def access_token(self, seconds: float) -> tuple[str, float]:
        """Returns an access token that is new, and when it ends, in seconds since 1970."""
        return self._exchanged(self.credentials.assertion(EXCHANGE), seconds)

    def _exchanged(self, assertion: str, seconds: float | None) -> tuple[str, float]:
        request = token_service_pb2.ExchangeAssertionRequest(assertion=assertion)
        made = self._exchange(request, timeout=min(seconds or EXCHANGE_SECONDS, EXCHANGE_SECONDS))
        return made.token, made.expire_time.seconds


class _Unary:
    """One method, called with a credential of its own each time."""

    def __init__(
        self, channel: SignedChannel, method: str, serialize: Callable[[Any], bytes], inner: Any
    ) -> None:
        self._channel: Final = channel
        self._method: Final = method
        self._serialize: Final = serialize
        self._inner: Final = inner

    def __call__(self, request: Any, timeout: float | None = None, **options: Any) -> Any:
        return self.with_call(request, timeout, **options)[0]

    def with_call(
        self,
        request: Any,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        **options: Any,
    ) -> Any:
        """Returns the answer and the call; `timeout` is for all attempts together."""
        wire, told = self._serialize(request), metadata or ()
        attempts = Attempts(self._method, timeout)
        while True:
            credential = ""
            try:
                credential = self._channel.authorized(self._method, wire, told, attempts.left())
                sent = bearing(told, credential)
                return self._inner.with_call(
                    wire, timeout=attempts.left(), metadata=sent, **options
                )
            except grpc.RpcError as error:
                again = attempts.after(error, sent=bool(credential))
                if again is None:
                    raise
            if again.is_stale:
                self._channel.credentials.forget(credential)
            time.sleep(again.pause_seconds)


class _Stream:
    """One method that streams, opened with a credential for its first message."""

    def __init__(
        self, channel: SignedChannel, method: str, serialize: Callable[[Any], bytes], inner: Any
    ) -> None:
        self._channel: Final = channel
        self._method: Final = method
        self._serialize: Final = serialize
        self._inner: Final = inner

    def __call__(
        self,
        requests: Iterator[Any],
        timeout: float | None = None,
        metadata: Metadata | None = None,
        **options: Any,
    ) -> Any:
        wires = map(self._serialize, requests)
        first = next(wires, None)
        if first is None:
            # Nothing to sign, and nothing to say.
            return self._inner(iter(()), timeout=timeout, metadata=metadata, **options)
        told = metadata or ()
        credential = self._channel.authorized(self._method, first, told, timeout)
        sent = bearing(told, credential)
        return self._inner(
            itertools.chain((first,), wires), timeout=timeout, metadata=sent, **options
        )


def serializers(arguments: Sequence[Any], options: dict[str, Any]) -> tuple[Any, Any]:
    """Returns serializer and deserializer, however a stub gives them."""
    given = dict(zip(("request_serializer", "response_deserializer"), arguments, strict=False))
    given |= options
    return given["request_serializer"], given["response_deserializer"]


def agent_in(metadata: Metadata) -> str | None:
    """Returns the token of the enterprise that a call is for, which its signature binds."""
    return next((value for key, value in metadata if key == AGENT_KEY), None)


def bearing(metadata: Metadata, credential: str) -> Metadata:
    """Returns the metadata with the credential."""
    return (*metadata, ("authorization", f"Bearer {credential}"))
