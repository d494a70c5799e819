"""What carries a passed acceptance run from the sandbox to live: a signed statement.

Sandbox and live share nothing, so live can't look the run up. The sandbox signs, by the
key that signs its receipts, a JWS which says: this application of mine passed, on this
evidence, for that application of yours. Live holds the sandbox's public key by its
settings, and takes the statement where

1. it is signed by that key, as EdDSA, with the type of its own;
2. it names the client id in live that presents it;
3. role, country and product are the same on both sides;
4. it is not over: 90 days after the run was found passed;
5. no other application of live was accepted for the same one of the sandbox.

The first four are decided here, the last one by the rows of live.

    statement = sign(told, sandbox_key)
    told = read(statement, sandbox_public_key, now)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bonafides.access.applications import ACCEPTANCE_TERM, LIVE, SANDBOX, is_client_id
from bonafides.errors import AcceptanceError
from bonafides.instants import MICROSECONDS, Instant

TYPE: Final = "bonafides-acceptance+jwt"
_ALGORITHM: Final = "EdDSA"
# Clocks of two deployments may differ by so much.
_SKEW: Final = 30 * MICROSECONDS
_DIGEST_BYTES: Final = 32
_JWS: Final = jwt.PyJWS(algorithms=[_ALGORITHM])


@dataclass(frozen=True, slots=True)
class Passed:
    """An application of the sandbox that passed, and the one in live that it is for."""

    sandbox_client_id: str
    live_client_id: str
    role: str
    country: str
    product: str
    evidence_sha256: bytes
    passed_at: Instant

    @property
    def expires_at(self) -> Instant:
        """Until when it can be presented, exclusive, to the second."""
        return Instant((self.passed_at + ACCEPTANCE_TERM) // MICROSECONDS * MICROSECONDS)


def sign(passed: Passed, key: Ed25519PrivateKey) -> str:
    """Returns the statement: for the same run and the same application the same bytes."""
    claims = {
        "iss": f"bonafides-{SANDBOX}",
        "aud": passed.live_client_id,
        "sub": passed.sandbox_client_id,
        "role": passed.role,
        "country": passed.country,
        "product": passed.product,
        "evidence": passed.evidence_sha256.hex(),
        "iat": passed.passed_at // MICROSECONDS,
        "exp": passed.expires_at // MICROSECONDS,
    }
    payload = json.dumps(claims, separators=(",", ":"), sort_keys=True).encode()
    return _JWS.encode(payload, key, _ALGORITHM, headers={"typ": TYPE})


def read(statement: str, key: Ed25519PublicKey, now: Instant) -> Passed:
    """Returns what the sandbox says, if it said so and it is not over (1, 4).

    Raises:
        AcceptanceError: it didn't, or it is.
    """
    try:
        parts = _JWS.decode_complete(statement.encode("ascii"), key, algorithms=[_ALGORITHM])
        claims = json.loads(parts["payload"])
    except (jwt.PyJWTError, ValueError, RecursionError):
        # The cause quotes the statement, so it does not travel on.
        raise AcceptanceError from None
    header = parts["header"]
    if header.get("typ") != TYPE or "crit" in header or not isinstance(claims, dict):
        raise AcceptanceError
    passed = _passed(claims)
    if passed.passed_at > now + _SKEW or now >= passed.expires_at:
        raise AcceptanceError
    return passed


def _passed(claims: dict[str, Any]) -> Passed:
    """Returns what verified claims say; they are our own, so that a fault is no accident."""
    texts = [claims.get(name) for name in ("sub", "aud", "role", "country", "product", "evidence")]
    issued = claims.get("iat")
    if claims.get("iss") != f"bonafides-{SANDBOX}" or not isinstance(issued, int):
        raise AcceptanceError
    subject, audience, role, country, product, evidence = (
        text if isinstance(text, str) else "" for text in texts
    )
    try:
        digest = bytes.fromhex(evidence)
    except ValueError:
        raise AcceptanceError from None
    named = is_client_id(subject, SANDBOX) and is_client_id(audience, LIVE)
    if not named or len(digest) != _DIGEST_BYTES:
        raise AcceptanceError
    return Passed(subject, audience, role, country, product, digest, Instant(issued * MICROSECONDS))
