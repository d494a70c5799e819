"""An OIDC issuer on loopback: it publishes keys over HTTP or HTTPS, and signs tokens."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bonafides.instants import MICROSECONDS, Instant
from tests import builders

_ALGORITHMS: dict[str, Any] = {
    "EdDSA": jwt.algorithms.OKPAlgorithm,
    "ES256": jwt.algorithms.ECAlgorithm,
    "RS256": jwt.algorithms.RSAAlgorithm,
}


def private_key(algorithm: str, bits: int = 2_048) -> Any:
    """Returns a new private key that signs by the algorithm."""
    if algorithm == "EdDSA":
        return Ed25519PrivateKey.generate()
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65_537, bits)


def published(name: str, algorithm: str, key: Any, **changes: Any) -> dict[str, Any]:
    """Returns the public half of a key as a JWK."""
    made: dict[str, Any] = _ALGORITHMS[algorithm].to_jwk(key.public_key(), as_dict=True)
    made.pop("key_ops", None)
    return made | {"kid": name, "use": "sig", "alg": algorithm} | changes


@dataclass
class LoginIssuer:
    """What the issuer publishes, and how it answers; `asked` counts."""

    name: str = "https://login.example"
    keys: list[dict[str, Any]] = field(default_factory=list)
    body: bytes | None = None
    code: int = 200
    # Where a redirect leads; empty: back to itself.
    location: str = ""
    asked: int = 0
    url: str = ""
    certificate: Path | None = None

    def content(self) -> bytes:
        return json.dumps({"keys": self.keys}).encode() if self.body is None else self.body

    def token(
        self,
        signer: Any,
        algorithm: str = "RS256",
        kid: str = "one",
        *,
        typ: str = "at+jwt",
        now: Instant = builders.NOW,
        **claims: Any,
    ) -> str:
        """Returns an access token; claims that are None are left out."""
        seconds = now // MICROSECONDS
        told: dict[str, Any] = {
            "iss": self.name,
            "aud": "bonafides-sandbox",
            "sub": "person-1",
            "client_id": "web",
            "iat": seconds,
            "exp": seconds + 600,
            "jti": "token-1",
        } | claims
        told = {name: value for name, value in told.items() if value is not None}
        return jwt.encode(told, signer, algorithm, headers={"typ": typ, "kid": kid})


@contextlib.contextmanager
def issuing(issuer: LoginIssuer, tls: Path | None = None) -> Iterator[LoginIssuer]:
    """Publishes on loopback until the block ends; with a folder for certificates, over TLS."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            content = issuer.content()
            self.send_response(issuer.code)
            if issuer.code in (301, 302):
                self.send_header("location", issuer.location or issuer.url)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        certificate, key = self_signed(tls)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        issuer.certificate = certificate
    scheme = "http" if tls is None else "https"
    issuer.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/jwks"
    thread = threading.Thread(target=server.serve_forever, name="issuer")
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Returns a certificate of loopback and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, SHA256())
    )
    folder.mkdir(exist_ok=True)
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files
