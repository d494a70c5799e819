"""Carries calls to one server as one caller: within a deadline, every fault mapped.

Rules:
- every call has a deadline;
- only UNAVAILABLE is tried again, with growing pauses, inside that deadline, and only what
  is done once however often it comes (`repeating`);
- plaintext goes to loopback alone; anywhere else the connection is TLS, checked
  against the root certificates that the caller names;
- the token stands in no repr and no error.

    connection = Connection(target, token=token, root_certificates=None, timeout_seconds=5.0)
    answer, trailers = connection.call(stub.GetArchive, request)
"""

from __future__ import annotations

import ipaddress
import json
import re
import time
from collections.abc import Generator, Iterable
from typing import Final, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bonafides.client import repeating
from bonafides.client.faults import (
    ClosedClientError,
    InsecureTargetError,
    NotServingError,
    TokenUnusableError,
    remote_error,
)
from bonafides.client.signed_aio import AsyncSignedChannel
from bonafides.client.signed_channel import AGENT_KEY, SignedChannel
from bonafides.client.signing import Credentials

# That by which a proxy names the address that it calls for; believed of known ones alone.
FORWARDED_KEY: Final = "x-forwarded-for"
# Between two looks at a server that is starting.
_POLL_SECONDS: Final = 0.05
# Four attempts take 0.7 s of pauses at most: inside the default deadline.
_SERVICE_CONFIG: Final = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            },
            {"name": repeating.names()},
        ]
    }
)
_OPTIONS: Final = (
    ("grpc.service_config", _SERVICE_CONFIG),
    # A server that restarts is found again at once, not after the library's second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)
# An http_proxy variable would carry plaintext, and the token in it, off the machine.
_PLAINTEXT_OPTIONS: Final = (*_OPTIONS, ("grpc.enable_http_proxy", 0))

# One address of one machine; a list of addresses does not match.
_HOST: Final = re.compile(r"(?:dns:///|ipv4:|ipv6:)?(?:\[([^]]+)\]|([^]\[:,/]+))(?::\d+)?")

# A stream that broke so may be taken up again.
BROKEN: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")


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
        told = () if forwarded_for is None else ((FORWARDED_KEY, forwarded_for),)
        self.metadata: Final = (*authorization(token), *_acting(agent_token), *told)
        if token is not None and credentials is not None:
            raise TokenUnusableError
        self.channel: Final = _channel(target, root_certificates, credentials)
        # Whether calls say who makes them.
        self.logged_in: Final = token is not None or credentials is not None
        self._timeout_seconds: Final = timeout_seconds
        self._health: Final = health_pb2_grpc.HealthStub(  # type: ignore[no-untyped-call]  # ships no types
            self.channel
        )

    def call(
        self, method: grpc.UnaryUnaryMultiCallable[_Request, _Answer], request: _Request
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
            return answer, {
                key: value
                for key, value in call.trailing_metadata() or ()
                if isinstance(value, str)
            }
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
        method: grpc.StreamStreamMultiCallable[_Request, _Answer],
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

    def wait_until_serving(self, timeout_seconds: float) -> None:
        """Returns once the server's health is SERVING.

        Raises:
            NotServingError: it was not within the time given.
        """
        end = time.monotonic() + timeout_seconds
        while (left := end - time.monotonic()) > 0:
            try:
                answer = self._health.Check(
                    health_pb2.HealthCheckRequest(), timeout=left, wait_for_ready=True
                )
            except grpc.RpcError as error:
                # A server that drains or starts is UNAVAILABLE; one that has no
                # health service will not come up by waiting.
                if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                    raise remote_error(error) from error
            except ValueError as error:
                raise ClosedClientError from error
            else:
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            time.sleep(min(_POLL_SECONDS, left))
        raise NotServingError(self.target, timeout_seconds)


def authorization(token: str | None) -> tuple[tuple[str, str], ...]:
    """Returns the metadata that carry the token; None is the anonymous caller.

    Raises:
        TokenUnusableError: the token can't stand in a header.
    """
    return () if token is None else (("authorization", f"Bearer {_usable(token)}"),)


def _acting(agent_token: str | None) -> tuple[tuple[str, str], ...]:
    return () if agent_token is None else ((AGENT_KEY, _usable(agent_token)),)


def _usable(token: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise TokenUnusableError
    return token


def async_channel(
    target: str, root_certificates: bytes | None, credentials: Credentials | None
) -> grpc.aio.Channel:
    """Returns a channel for an event loop, by the same rules.

    Raises:
        InsecureTargetError: no root certificates, and not loopback.
    """
    options = _options(root_certificates, credentials)
    if root_certificates is not None:
        tls = grpc.ssl_channel_credentials(root_certificates)
        channel = grpc.aio.secure_channel(target, tls, options=options)
    elif _is_loopback(target):
        channel = grpc.aio.insecure_channel(target, options=options)
    else:
        raise InsecureTargetError(target)
    return channel if credentials is None else AsyncSignedChannel(channel, credentials)


def _channel(
    target: str, root_certificates: bytes | None, credentials: Credentials | None
) -> grpc.Channel:
    options = _options(root_certificates, credentials)
    if root_certificates is not None:
        tls = grpc.ssl_channel_credentials(root_certificates)
        channel = grpc.secure_channel(target, tls, options=options)
    elif _is_loopback(target):
        channel = grpc.insecure_channel(target, options=options)
    else:
        raise InsecureTargetError(target)
    return channel if credentials is None else SignedChannel(channel, credentials)


def _options(
    root_certificates: bytes | None, credentials: Credentials | None
) -> tuple[tuple[str, str | int], ...]:
    options = _OPTIONS if root_certificates is not None else _PLAINTEXT_OPTIONS
    # What is tried again is signed again: not by the library.
    return options if credentials is None else (*options, ("grpc.enable_retries", 0))


def _is_loopback(target: str) -> bool:
    """Tells whether every address of the target is this machine's own.

    Names other than localhost are not looked up: who answers for them may change
    between the look and the call.
    """
    match = _HOST.fullmatch(target)
    if match is None:
        return False
    host = match[1] or match[2]
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
