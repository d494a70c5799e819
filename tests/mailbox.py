"""A real mail server on loopback, for tests that send."""

from __future__ import annotations

import contextlib
import socket
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from bonafides.identity.couriers import SmtpServer

with warnings.catch_warnings():
    # The library touches what newer Pythons deprecate.
    warnings.simplefilter("ignore")
    from aiosmtpd.controller import Controller


class Mailbox:
    """Keeps what it is handed, but for those whom it does not know."""

    def __init__(self) -> None:
        self.received: list[Any] = []

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address.startswith("nobody@"):
            return f"550 no such person {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        self.received.append(envelope)
        return "250 OK"


@contextlib.contextmanager
def receiving(
    tls: Literal["starttls", "tls", "none"] = "none", pair: tuple[Path, Path] | None = None
) -> Iterator[tuple[Mailbox, SmtpServer]]:
    """Receives mail on loopback; gives the mailbox, and how it is reached.

    With TLS under the certificate and key of `pair`.
    """
    box, told = Mailbox(), dict[str, Any]()
    if pair is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        told["ssl_context" if tls == "tls" else "tls_context"] = context
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), **told)
    controller.start()
    try:
        yield box, SmtpServer("127.0.0.1", controller.port, "no-reply@example.com", tls=tls)
    finally:
        controller.stop()


def free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
