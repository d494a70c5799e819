"""Calls a Bonafides service: typed, within a deadline, every fault mapped.

What a caller may see is the server's business alone. The package imports the compiled
protos and the errors' parts alone, so that a platform can use it by itself.

Rules:
- `connection` has those of a call;
- a stream of records that breaks is taken up again behind what is stored;
- only `ClientError` and its kind leave this package.

    with Client("127.0.0.1:50051", token=token) as client:
        archive = client.get_archive("91990000MA00000011")
"""

from __future__ import annotations

from typing import Self

from bonafides.client.calling import Calls
from bonafides.client.connection import Connection
from bonafides.client.dialing import DEFAULT_TIMEOUT_SECONDS
from bonafides.client.documents import DigestDiffersError, UploadUnfinishedError
from bonafides.client.faults import (
    DOMAIN,
    ClientError,
    ClosedClientError,
    InsecureTargetError,
    KeyUnusableError,
    NotServingError,
    RemoteError,
    TokenUnusableError,
)
from bonafides.client.requests import NOT_MODIFIED, NotModified
from bonafides.client.signing import Credentials

__all__ = [
    "DEFAULT_TIMEOUT_SECONDS",
    "DOMAIN",
    "NOT_MODIFIED",
    "Client",
    "ClientError",
    "ClosedClientError",
    "Credentials",
    "DigestDiffersError",
    "InsecureTargetError",
    "KeyUnusableError",
    "NotModified",
    "NotServingError",
    "RemoteError",
    "TokenUnusableError",
    "UploadUnfinishedError",
]


class Client(Calls):
    """A connection to one server, as one caller. Threads may share it."""

    def __init__(
        self,
        target: str,
        *,
        token: str | None = None,
        agent_token: str | None = None,
        credentials: Credentials | None = None,
        root_certificates: bytes | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        forwarded_for: str | None = None,
    ) -> None:
        """Opens a channel; the first call connects.

        `token` None is the anonymous caller, unless an application gives `credentials`.
        `agent_token` names the enterprise that an integrator acts for.
        `root_certificates`, PEM, makes the connection TLS. `timeout_seconds` is the
        deadline of each call. `forwarded_for` is for proxies: the address of whom they
        call for, which the service believes of those that its settings name.

        Raises:
            InsecureTargetError: no root certificates, and not loopback.
            TokenUnusableError: a token can't stand in a header.
        """
        super().__init__(
            Connection(
                target,
                token=token,
                agent_token=agent_token,
                root_certificates=root_certificates,
                timeout_seconds=timeout_seconds,
                credentials=credentials,
                forwarded_for=forwarded_for,
            )
        )

    def __repr__(self) -> str:
        caller = "logged in" if self._connection.logged_in else "anonymous"
        return f"Client({self._connection.target!r}, {caller})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the channel; calls under way are cancelled."""
        self._connection.close()
