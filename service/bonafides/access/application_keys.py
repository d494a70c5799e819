"""Reads the public keys of applications, and checks what they signed.

A key signs by one algorithm, which follows from what it is: Ed25519 by EdDSA (RFC 8032),
P-256 by ES256 (RFC 7518, 3.4). Nothing else is taken: RSA, other curves, a private key.
It is named by its thumbprint (RFC 7638).

Who registers a key signs a challenge of ours with it, so that nobody registers another's
key as its own:

    message = proof_message("sandbox", client_id, key.key_id, nonce)
    is_proof(key, signature, message)
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from bonafides.errors import FieldViolation, InvalidFieldsError

EDDSA: Final = "EdDSA"
ES256: Final = "ES256"
NONCE_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

_PROOF: Final = "bonafides-key-proof-v1"
_COORDINATE_BYTES: Final = 32
# Points of small order: under them a signature of one message is good for many, so
# that it proves nothing. Source: the order-1, 2, 4 and 8 points of edwards25519.
_SMALL_ORDER: Final = frozenset(
    bytes.fromhex(point)
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    )
)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that an application may sign by."""

    # EdDSA or ES256.
    algorithm: str
    # The thumbprint (RFC 7638), base64url without padding: 43 characters.
    key_id: str
    # SubjectPublicKeyInfo, DER; an elliptic point always written out whole.
    der: bytes
    key: Ed25519PublicKey | EllipticCurvePublicKey


def read_public_key(content: bytes) -> PublicKey:
    """Returns the key in DER or PEM, as SubjectPublicKeyInfo.

    Raises:
        InvalidFieldsError: it is no such key; the text says what is taken.
    """
    if b"PRIVATE KEY" in content:
        raise _fault("PRIVATE_KEY", "This is a private key: keep it, and send the public one.")
    pem = content.lstrip().startswith(b"-----BEGIN PUBLIC KEY-----")
    try:
        key = load_pem_public_key(content) if pem else load_der_public_key(content)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _fault(
            "PUBLIC_KEY", "Send a public key as SubjectPublicKeyInfo, in DER or PEM."
        ) from None
    if isinstance(key, RSAPublicKey):
        raise _fault("KEY_TYPE", "RSA is not taken; make an Ed25519 key, or a P-256 one.")
    if isinstance(key, Ed25519PublicKey):
        return _ed25519(key)
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return _p256(key)
    raise _fault("KEY_TYPE", "Make an Ed25519 key, or one on the curve P-256.")


def proof_message(environment: str, client_id: str, key_id: str, nonce: bytes) -> bytes:
    """Returns the bytes that a key signs to be registered: of this key, here and once."""
    return f"{_PROOF}\n{environment}\n{client_id}\n{key_id}\n{nonce.hex()}\n".encode()


def is_proof(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Tells whether the key signed exactly these bytes; the signature as a JWS has it."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    try:
        if isinstance(key.key, Ed25519PublicKey):
            key.key.verify(signature, message)
        else:
            halves = signature[:_COORDINATE_BYTES], signature[_COORDINATE_BYTES:]
            numbers = (int.from_bytes(half, "big") for half in halves)
            key.key.verify(encode_dss_signature(*numbers), message, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _ed25519(key: Ed25519PublicKey) -> PublicKey:
    raw = key.public_bytes_raw()
    if raw in _SMALL_ORDER:
        raise _fault("PUBLIC_KEY", "This key proves nothing; make a new one.")
    members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
    return PublicKey(EDDSA, _thumbprint(members), _der(key), key)


def _p256(key: EllipticCurvePublicKey) -> PublicKey:
    numbers = key.public_numbers()
    x, y = (_base64url(n.to_bytes(_COORDINATE_BYTES, "big")) for n in (numbers.x, numbers.y))
    members = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
    return PublicKey(ES256, _thumbprint(members), _der(key), key)


def _thumbprint(members: dict[str, str]) -> str:
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(text.encode()).digest())


def _der(key: Ed25519PublicKey | EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _fault(reason: str, remedy: str) -> InvalidFieldsError:
    return InvalidFieldsError((FieldViolation("public_key", reason, remedy),))
