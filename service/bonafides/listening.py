"""Where the server listens, and how: in clear on this machine alone, with TLS elsewhere.

require_private(settings)          # before anything is made
address = listen(server, settings) # "127.0.0.1:50051"
with reserved("127.0.0.1:0") as address:   # for processes that share a port
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc

from bonafides import mail
from bonafides.settings import Settings, SettingsError


def require_private(settings: Settings) -> None:
    """Refuses plaintext outside loopback, before anything is made (J8)."""
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise SettingsError("Set both BONAFIDES_TLS_CERTIFICATE and BONAFIDES_TLS_KEY, or neither.")
    if settings.tls_certificate is None and not stays_here(settings.listen):
        raise SettingsError(
            f"BONAFIDES_LISTEN is {settings.listen}: without TLS only loopback is served. Set "
            "BONAFIDES_TLS_CERTIFICATE and BONAFIDES_TLS_KEY, or listen on 127.0.0.1."
        )


def stays_here(listen: str) -> bool:
    """Returns whether every address that is listened on is of this machine alone."""
    if not mail.is_loopback(listen):
        return False
    host = listen.rpartition(":")[0].strip("[]")
    try:
        # All of what the name stands for is listened on, whatever that is on this machine.
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(ipaddress.ip_address(each[4][0]).is_loopback for each in found)


def listen(server: grpc.aio.Server, settings: Settings) -> str:
    """Returns the address listened on; port 0 in the settings is any free one.

    Raises:
        SettingsError: the address can't be listened on, or a file not be read.
    """
    host = settings.listen.rpartition(":")[0]
    try:
        if settings.tls_certificate is None or settings.tls_key is None:
            bound = server.add_insecure_port(settings.listen)
        else:
            pair = (
                read_file(settings.tls_key, "BONAFIDES_TLS_KEY"),
                read_file(settings.tls_certificate, "BONAFIDES_TLS_CERTIFICATE"),
            )
            bound = server.add_secure_port(settings.listen, grpc.ssl_server_credentials([pair]))
    except RuntimeError:
        bound = 0
    if not bound:
        raise _cannot_listen(settings.listen)
    return f"{host}:{bound}"


@contextmanager
def reserved(listen: str) -> Iterator[str]:
    """Holds the address for the processes that are to share it; a port 0 is made one.

    Raises:
        SettingsError: it is taken, or no address.
    """
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            # Alone: beside a server that shares its port this fails, too.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), int(port)))
            bound = probe.getsockname()[1]
        held = socket.socket(family)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Not listening, so that no call is sent here.
        held.bind((host.strip("[]"), bound))
    except (OSError, ValueError, OverflowError):
        raise _cannot_listen(listen) from None
    with held:
        yield f"{host}:{bound}"


def _cannot_listen(listen: str) -> SettingsError:
    return SettingsError(
        f"BONAFIDES_LISTEN: can't listen on {listen}; is port {listen.rpartition(':')[2]} taken, "
        "or the TLS key not that of the certificate?"
    )


def read_file(file: Path, setting: str) -> bytes:
    """Returns the content of a file that a setting names.

    Raises:
        SettingsError: it can't be read.
    """
    try:
        return file.read_bytes()
    except OSError as fault:
        raise SettingsError(f"{setting}: can't read {file}: {fault.strerror}.") from None
