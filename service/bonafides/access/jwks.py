"""Reads the published keys of an OIDC issuer: a JWK set (RFC 7517).

1. At most 64 KiB, and 32 keys; a JSON object in which no name stands twice.
2. A key counts if it is for signatures, has an id, and is Ed25519, P-256 or RSA of 2048
   bits and more with an odd exponent above two. Its algorithm is the one that goes with
   its type, EdDSA, ES256 or RS256; a key that says otherwise does not count.
3. What is not such a key is passed over: issuers publish keys for other uses beside.
4. A set with a private or secret part in it is refused whole: its keys are everybody's.
   So is one in which an id stands twice.

    keys = read_jwks(b'{"keys": [...]}')
    keys["2026-11"]                        # a SigningKey
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import jwt

from bonafides.access.tokens import (
    EDDSA,
    ES256,
    RS256,
    SigningKey,
    identifies,
    members_of,
    signing_key,
)

MOST_BYTES: Final = 64 * 1_024
_MOST_KEYS: Final = 32
# Private exponents and primes, and what symmetric keys are made of.
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# By the type of key: what reads it, and the algorithm that it is for.
_READERS: Final[Mapping[str, Any]] = {
    "OKP": jwt.algorithms.OKPAlgorithm,
    "EC": jwt.algorithms.ECAlgorithm,
    "RSA": jwt.algorithms.RSAAlgorithm,
}
# The second name of the first is that of RFC 9864.
_NAMES: Final = {EDDSA: {EDDSA, "Ed25519"}, ES256: {ES256}, RS256: {RS256}}


class JwksError(ValueError):
    """A set of keys that can't be trusted. The text holds nothing of the set."""


def read_jwks(content: bytes) -> dict[str, SigningKey]:
    """Returns the keys that access tokens may be signed by, by their ids.

    Raises:
        JwksError: it is no set of keys, or one that nobody may trust (1, 4).
    """
    if len(content) > MOST_BYTES:
        raise JwksError(f"it has more than {MOST_BYTES} bytes")
    try:
        published = members_of(content).get("keys")
    except (ValueError, RecursionError):
        published = None
    if not isinstance(published, list) or len(published) > _MOST_KEYS:
        raise JwksError(f"it is no JSON object with at most {_MOST_KEYS} keys")
    found: dict[str, SigningKey] = {}
    for each in published:
        if not isinstance(each, dict):
            continue
        if not _PRIVATE.isdisjoint(each):
            raise JwksError("it holds the private part of a key")
        if (key := _read(each)) is not None:
            if each["kid"] in found:
                raise JwksError("two keys have one id")
            found[each["kid"]] = key
    return found


def _read(published: Mapping[str, Any]) -> SigningKey | None:
    """Returns the key; None: it is none that tokens are signed by (2, 3)."""
    kind, use, uses = (published.get(name) for name in ("kty", "use", "key_ops"))
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    for_signing = use in (None, "sig") and (
        uses is None or (isinstance(uses, list) and "verify" in uses)
    )
    if reader is None or not for_signing or not identifies(published.get("kid")):
        return None
    try:
        key = signing_key(reader.from_jwk(json.dumps(dict(published))))
    except (ValueError, TypeError, jwt.PyJWTError):
        return None
    named = published.get("alg", key.algorithm)
    return key if isinstance(named, str) and named in _NAMES[key.algorithm] else None
