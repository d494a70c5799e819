"""Calls a Bonafides service from an event loop: `AsyncClient` has every call of `Client`.

The same names, parameters, answers, faults and rules; each call is awaited. The modules here
are what is written: `scripts/unasync.py` makes those of the same name in `bonafides.client`
of them, all but the few that it names, which differ by more than `await`.

An application calls by its `credentials`: each write is signed, reads carry a token that is
got when it is needed. `token` is a token, or what gives one before each call, a function or
a coroutine: it can take a new one from an issuer when the old one ends.

    async with AsyncClient("127.0.0.1:50051", credentials=credentials) as client:
        archive = await client.get_archive(code, purpose=READ_PURPOSE_ELIGIBILITY)
        decisions = await client.platforms.decisions(code)

What is no call of ours goes through a stub on `client.channel`, typed, by the same rules:

        answer = await client.call(Stub(client.channel).Method, request)
"""

from __future__ import annotations

from typing import Self, TypeVar

import grpc

from bonafides.client.aio.calling import AsyncCalls
from bonafides.client.aio.connection import AsyncConnection, Token, Unary
from bonafides.client.dialing import DEFAULT_TIMEOUT_SECONDS
from bonafides.client.signing import Credentials

__all__ = ["AsyncClient", "Token"]

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")


class AsyncClient(AsyncCalls):
    """A connection to one server, as one caller. For one event loop."""

    def __init__(
        self,
        target: str,
        *,
        token: Token | None = None,
        agent_token: str | None = None,
        credentials: Credentials | None = None,
        root_certificates: bytes | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        forwarded_for: str | None = None,
    ) -> None:
        """Opens a channel; the first call connects. Parameters as of `Client`.

        Raises:
            InsecureTargetError: no root certificates, and not loopback.
            TokenUnusableError: a token can't stand in a header, or credentials beside one.
        """
        super().__init__(
            AsyncConnection(
                target,
                token=token,
                agent_token=agent_token,
                root_certificates=root_certificates,
                timeout_seconds=timeout_seconds,
                credentials=credentials,
                forwarded_for=forwarded_for,
            )
        )

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel, for stubs whose methods are called by `call`."""
        return self._connection.channel

    def __repr__(self) -> str:
        caller = "logged in" if self._connection.logged_in else "anonymous"
        return f"AsyncClient({self._connection.target!r}, {caller})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the channel; calls under way are cancelled."""
        await self._connection.close()

    async def call(self, method: Unary[_Request, _Answer], request: _Request) -> _Answer:
        """Calls any method of a stub on `channel`, within the deadline.

        Raises:
            RemoteError: refused or failed.
            ClosedClientError: the channel was closed.
        """
        return await self._connection.answer(method, request)
