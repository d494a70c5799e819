"""What is served outside this machine is served with TLS 1.2 and above, or not at all."""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from bonafides import server
from bonafides.client import Client, RemoteError
from bonafides.instants import MICROSECONDS
from bonafides.settings import Settings, SettingsError
from tests import builders
from tests.credentials import registered
from tests.login_issuer import self_signed
from tests.serving import Served, serving


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A sandbox that serves with TLS."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = self_signed(folder / "pair")
    with serving(folder / "data", tls_certificate=certificate, tls_key=key) as made:
        yield made


def roots(served: Served) -> bytes:
    assert served.settings.tls_certificate is not None
    return served.settings.tls_certificate.read_bytes()


@pytest.mark.feature("J8")
@pytest.mark.parametrize(
    "listen",
    [
        "0.0.0.0:0",
        "[::]:0",
        ":0",
        "*:0",
        "0:0",
        "127.1:0",
        "2130706433:0",
        "[::ffff:0.0.0.0]:0",
        "[fe80::1]:0",
        "10.0.0.1:0",
        "127.0.0.1",
        "::1",
        "127.0.0.1:0,0.0.0.0:0",
        "localhost.example:0",
        "dns:///localhost:0",
        "ipv4:0.0.0.0:0",
        "unix:/tmp/bonafides.sock",
        "unix-abstract:bonafides",
        "vsock:1:1",
        "",
    ],
)
def test_plaintext_is_refused_wherever_it_could_be_reached_from_outside(
    tmp_path: Path, listen: str
) -> None:
    settings = Settings(data_dir=tmp_path / "data", listen=listen)
    with pytest.raises(SettingsError, match="BONAFIDES_TLS_CERTIFICATE"):
        server.build(settings, lambda: builders.NOW)
    assert not (tmp_path / "data").exists()


@pytest.mark.feature("J8")
def test_plaintext_is_refused_on_a_localhost_that_is_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Any] = [(0, 0, 0, "", ("127.0.0.1", 0)), (0, 0, 0, "", ("192.0.2.1", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    settings = Settings(data_dir=tmp_path / "data", listen="localhost:0")
    with pytest.raises(SettingsError, match="BONAFIDES_TLS_CERTIFICATE"):
        server.build(settings, lambda: builders.NOW)


@pytest.mark.feature("J8")
@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0", "localhost:0", "127.0.0.2:0"])
def test_plaintext_is_served_on_this_machine(tmp_path: Path, listen: str) -> None:
    settings = Settings(data_dir=tmp_path / "data", listen=listen)
    server.build(settings, lambda: builders.NOW).close()


def _shaken(served: Served, version: ssl.TLSVersion) -> str | None:
    """Returns the version that a handshake at most of this version came to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        # Old versions are what is tried here.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = version
    host, _, port = served.address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain) as secured,
    ):
        return secured.version()


@pytest.mark.feature("J8")
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_tls_is_spoken_from_1_2_on(secured: Served, version: str) -> None:
    assert _shaken(secured, ssl.TLSVersion[version]) == version.replace("_", ".")


@pytest.mark.feature("J8")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_older_tls_is_refused(secured: Served, version: str) -> None:
    with pytest.raises(OSError, match=r"."):
        _shaken(secured, ssl.TLSVersion[version])


@pytest.mark.feature("J8")
def test_client_believes_the_certificates_that_it_was_given_alone(
    secured: Served, tmp_path: Path
) -> None:
    other, _ = self_signed(tmp_path / "other")
    with (
        Client(secured.address, root_certificates=other.read_bytes(), timeout_seconds=2) as client,
        pytest.raises(RemoteError) as refusal,
    ):
        client.get_scorecard()
    assert refusal.value.code in {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }


@pytest.mark.feature("J8")
def test_client_takes_no_certificate_of_another_host(secured: Served) -> None:
    port = secured.address.rpartition(":")[2]
    with (
        Client(f"localhost:{port}", root_certificates=roots(secured), timeout_seconds=2) as client,
        pytest.raises(RemoteError),
    ):
        client.get_scorecard()


@pytest.mark.feature("J8")
@pytest.mark.feature("I6")
def test_application_signs_and_reads_over_tls(secured: Served) -> None:
    application = registered(secured.store)
    credentials = application.credentials(lambda: secured.clock.now / MICROSECONDS)
    with Client(
        secured.address, credentials=credentials, root_certificates=roots(secured)
    ) as client:
        assert client.get_write_cursor("orders") == 0
        assert client.rights.erase_buyer("buyer") == 0


@pytest.mark.feature("J8")
@pytest.mark.parametrize("content", [b"", b"not a certificate"])
def test_certificate_that_is_none_stops_the_start(tmp_path: Path, content: bytes) -> None:
    certificate, key = self_signed(tmp_path / "pair")
    certificate.write_bytes(content)
    with (
        pytest.raises(SettingsError, match="TLS"),
        serving(tmp_path / "data", tls_certificate=certificate, tls_key=key),
    ):
        pass
