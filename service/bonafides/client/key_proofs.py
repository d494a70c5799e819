"""Makes the keys of applications, and proves them. Private keys stay where they are.

The proof is a signature over five lines, as KeyChallenge describes them; ES256 signatures
go out as a JWS has them, not as DER.

    key = new_key()
    public, signature = prove(key, challenge)
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from bonafides.v1 import application_pb2

PrivateKey: TypeAlias = Ed25519PrivateKey | EllipticCurvePrivateKey

_COORDINATE_BYTES: Final = 32


class KeyUnusableError(ValueError):
    """A file holds no private key that an application can sign by. Never quotes it."""


def new_key() -> Ed25519PrivateKey:
    """Returns a fresh key, of the kind to be preferred."""
    return Ed25519PrivateKey.generate()


def to_pem(key: PrivateKey) -> bytes:
    """Returns the private key as PEM, not encrypted: write it where nobody else reads."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def from_pem(content: bytes) -> PrivateKey:
    """Returns the private key in PEM: Ed25519, or on the curve P-256.

    Raises:
        KeyUnusableError: it holds no such key, or needs a passphrase.
    """
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnusableError("give a private key in PEM, without a passphrase") from None
    if isinstance(key, Ed25519PrivateKey):
        return key
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key
    raise KeyUnusableError("give an Ed25519 key, or one on the curve P-256")


def thumbprint(key: PrivateKey) -> str:
    """Returns the name of the key (RFC 7638), which is the kid of what it signs."""
    if isinstance(key, Ed25519PrivateKey):
        raw = key.public_key().public_bytes_raw()
        members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
    else:
        numbers = key.public_key().public_numbers()
        x, y = (_base64url(n.to_bytes(_COORDINATE_BYTES, "big")) for n in (numbers.x, numbers.y))
        members = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(text.encode()).digest())


def prove(key: PrivateKey, challenge: application_pb2.KeyChallenge) -> tuple[bytes, bytes]:
    """Returns the public key, DER, and the signature of the challenge."""
    client_id = challenge.name.split("/")[1]
    lines = (
        "bonafides-key-proof-v1",
        challenge.environment,
        client_id,
        thumbprint(key),
        challenge.nonce.hex(),
    )
    message = "".join(f"{line}\n" for line in lines).encode()
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if isinstance(key, Ed25519PrivateKey):
        return public, key.sign(message)
    halves = decode_dss_signature(key.sign(message, ECDSA(SHA256())))
    return public, b"".join(half.to_bytes(_COORDINATE_BYTES, "big") for half in halves)


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
