"""What every signed credential has in common, whoever made it and whatever it is for.

A credential is a JWS in compact form. The library checks its signature; what it leaves
open is checked here, for access tokens (`callers`) and signed requests (`assertions`)
alike:

1. At most 8 KiB. Three parts, each of them base64url with nothing around it and only one
   way to write it, so that two texts are never the same credential.
2. Header and claims are JSON objects in UTF-8 in which no name stands twice, at any depth.
3. The header marks nothing as critical, keeps the payload inside the signature, and
   brings no key and no address of a key: keys come from where they are registered.
4. The algorithm is the one that goes with the key, which is stored beside it. A header
   can't choose one. Keys are objects of their type, never bytes that could serve as an
   HMAC secret.

Nothing of a credential is in an error, only the name of the check that failed.

    opened = opened_token(b"eyJ...")
    require_signature(opened, SigningKey("EdDSA", public))
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from bonafides.errors import CredentialError

EDDSA: Final = "EdDSA"
ES256: Final = "ES256"
RS256: Final = "RS256"
PublicKey: TypeAlias = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey

# An honest token has some 500 bytes; this leaves room for a hundred codes.
MOST_BYTES: Final = 8_192
SKEW_SECONDS: Final = 30
# Of foreign issuers alone; our own applications have no RSA keys.
_LEAST_RSA_BITS: Final = 2_048
_SEGMENT: Final = re.compile(rb"[A-Za-z0-9_-]*")
# Subjects and token ids: what is printed and has no blanks, as issuers make them.
_IDENTIFIER: Final = re.compile(r"[!-~]{1,255}")
# A key, or where to get one: whoever follows these takes keys from strangers.
_KEYS_BROUGHT_ALONG: Final = frozenset({"jwk", "jku", "x5c", "x5u"})
_JWS: Final = {name: jwt.PyJWS(algorithms=[name]) for name in (EDDSA, ES256, RS256)}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, and the one algorithm that it is for."""

    algorithm: str
    public: PublicKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """A credential that was read. Nothing of it is to be believed yet."""

    wire: bytes = field(repr=False)
    header: Mapping[str, Any] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)


def opened_token(token: bytes) -> Opened:
    """Returns header and claims of a credential, not verified yet (1, 2).

    Raises:
        CredentialError: SIZE or MALFORMED.
    """
    if len(token) > MOST_BYTES:
        raise CredentialError("SIZE")
    try:
        # Three parts, or it is malformed.
        header, claims, _ = map(_bytes_of, token.split(b"."))
        return Opened(token, members_of(header), members_of(claims))
    except (ValueError, RecursionError):
        # The cause quotes the token, so it does not travel on.
        raise CredentialError("MALFORMED") from None


def require_plain_header(header: Mapping[str, Any]) -> None:
    """Checks that the header asks for nothing out of the ordinary (3).

    Raises:
        CredentialError: ALGORITHM or HEADER.
    """
    algorithm = header.get("alg")
    known = isinstance(algorithm, str) and algorithm in _JWS
    if not known or "crit" in header or "b64" in header:
        raise CredentialError("ALGORITHM")
    if not _KEYS_BROUGHT_ALONG.isdisjoint(header):
        raise CredentialError("HEADER")


def require_signature(opened: Opened, key: SigningKey) -> None:
    """Checks that the credential was signed by the key, by its own algorithm (4).

    Raises:
        CredentialError: ALGORITHM or SIGNATURE.
    """
    if opened.header.get("alg") != key.algorithm:
        raise CredentialError("ALGORITHM")
    try:
        _JWS[key.algorithm].decode_complete(opened.wire, key.public, algorithms=[key.algorithm])
    except jwt.PyJWTError:
        raise CredentialError("SIGNATURE") from None


def signing_key(public: object) -> SigningKey:
    """Returns the key with the algorithm that goes with its type.

    Raises:
        ValueError: not Ed25519, not P-256, not RSA of 2048 bits and more.
    """
    match public:
        case Ed25519PublicKey():
            return SigningKey(EDDSA, public)
        case EllipticCurvePublicKey() if isinstance(public.curve, SECP256R1):
            return SigningKey(ES256, public)
        case RSAPublicKey() if public.key_size >= _LEAST_RSA_BITS:
            return SigningKey(RS256, public)
        case _:
            raise ValueError("not a key that credentials are signed by")


def stored_key(algorithm: str, der: bytes) -> SigningKey | None:
    """Returns an application's key as it is stored; None where it is none that may sign."""
    try:
        key = signing_key(load_der_public_key(der))
    except (ValueError, UnsupportedAlgorithm):
        return None
    # A key whose type is not that of its algorithm was put there by somebody else.
    return key if key.algorithm == algorithm and algorithm in {EDDSA, ES256} else None


def thumbprint(public: PublicKey) -> str:
    """Returns the SHA-256 thumbprint of a public key, base64url. Source: RFC 7638, RFC 8037."""
    match public:
        case Ed25519PublicKey():
            raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
            members = {"crv": "Ed25519", "kty": "OKP", "x": encoded(raw)}
        case EllipticCurvePublicKey():
            point = public.public_numbers()
            members = {
                "crv": "P-256",
                "kty": "EC",
                "x": encoded(point.x.to_bytes(32, "big")),
                "y": encoded(point.y.to_bytes(32, "big")),
            }
        case RSAPublicKey():
            numbers = public.public_numbers()
            members = {
                "e": encoded(_shortest(numbers.e)),
                "kty": "RSA",
                "n": encoded(_shortest(numbers.n)),
            }
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    return encoded(hashlib.sha256(canonical).digest())


def encoded(content: bytes) -> str:
    """Returns the bytes as base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def digest_of(content: bytes) -> str:
    """Returns the SHA-256 of the bytes as claims hold it: base64url without padding."""
    return encoded(hashlib.sha256(content).digest())


def seconds_in(claims: Mapping[str, Any], name: str) -> int:
    """Returns a claim that is an instant in whole seconds.

    Raises:
        CredentialError: TERM; it is missing, a fraction, a text or a truth value.
    """
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise CredentialError("TERM")
    return value


def identifies(value: object) -> bool:
    """Returns whether it is fit to be a subject or a token's id."""
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


def members_of(text: bytes) -> dict[str, Any]:
    """Returns the members of a JSON object.

    Raises:
        ValueError: it is no object, or a name stands twice in an object: parsers
            differ on which of the two counts.
    """
    # Decoded here: the library would take UTF-16 as well, where others see another text.
    value = json.loads(text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the text is at fault, no argument
    return value


def _bytes_of(segment: bytes) -> bytes:
    if _SEGMENT.fullmatch(segment) is None:
        raise ValueError("not base64url")
    try:
        content = base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except binascii.Error:
        raise ValueError("not base64url") from None
    # The last character may carry bits that nobody reads.
    if encoded(content).encode() != segment:
        raise ValueError("not the one way to write it")
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members


def _no_constant(_name: str) -> Any:
    raise ValueError("NaN and Infinity are not JSON")


def _shortest(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
