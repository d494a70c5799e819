r"""The detached signature of a scorecard: who answers for the bytes that are served.

Ed25519 (RFC 8032) over the artifact's canonical bytes, 64 bytes in a file of its own
beside the artifact, so that anyone can check it:

    openssl pkeyutl -verify -rawin -pubin -inkey card-public.pem \
        -in scorecard.json -sigfile scorecard.json.sig

The digest says which card it is; the signature, that whoever operates the service chose
it. One made by another key, or of other bytes, is worth nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

SUFFIX: Final = ".sig"
_BYTES: Final = 64


def file_of(artifact: Path) -> Path:
    """Returns where the signature of an artifact is kept: beside it."""
    return artifact.with_name(artifact.name + SUFFIX)


def read(artifact: Path) -> bytes:
    """Returns the signature that is kept beside an artifact; empty if there is none."""
    try:
        with file_of(artifact).open("rb") as opened:
            return opened.read(_BYTES + 1)
    except OSError:
        return b""


def signed(artifact: bytes, key: Ed25519PrivateKey) -> bytes:
    """Returns the signature of an artifact's bytes."""
    return key.sign(artifact)


def is_good(artifact: bytes, signature: bytes, key: Ed25519PublicKey) -> bool:
    """Tells whether the key signed exactly these bytes."""
    try:
        key.verify(signature, artifact)
    except InvalidSignature:
        return False
    return True


def public_key(pem: bytes) -> Ed25519PublicKey | None:
    """Returns the key in a PEM file's bytes; None: they are no Ed25519 public key."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PublicKey) else None
