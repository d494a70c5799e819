"""Checks what an application signed: a request, or the wish for an access token.

An assertion is a JWS of its own for each call, signed by a key that the application
registered. The steps, numbered again below:

1. The header holds `alg`, `typ` and `kid`, and nothing else; `typ` is
   `bonafides-assertion+jwt`.
2. `iss` and `sub` are the same: the application's client id. No claim is there that is
   not in this list: what is not checked must not be there to be believed.
3. The key is that application's own, and in force at this time; the algorithm is the key's.
4. The signature.
5. `aud` is one text and exactly that of the method in this environment:
   `sandbox:/bonafides.v1.RecordService/GetWriteCursor`.
6. `exp` is at most 60 seconds after `iat`, `iat` at most 30 seconds from now, either
   way, and `exp` has not come.
7. `jti` has 128 bits or more, in base64url or as a UUID. That it is used once is seen
   to by whoever calls, last of all.
8. `bd` is the SHA-256 of the request's bytes as they came: protobuf's encoding is not
   canonical, so what is signed is what was sent.
9. `at` is the SHA-256 of the agent token beside it; without one there is no `at`.
10. `pur` is a purpose by its name; whether it is the request's is seen to when that is
    parsed (`require_purpose`).

    opened = read(b"eyJ...")                             # 1, 2
    check(opened, key, Expected("sandbox:/...", wire), seconds)   # 4 to 10
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bonafides.access.tokens import (
    SKEW_SECONDS,
    Opened,
    SigningKey,
    digest_of,
    require_plain_header,
    require_signature,
    seconds_in,
)
from bonafides.errors import CredentialError, CredentialExpiredError
from bonafides.v1 import purpose_pb2

TYPE: Final = "bonafides-assertion+jwt"
# A signed request is worth a minute at most.
MOST_SECONDS: Final = 60
_HEADER: Final = frozenset({"alg", "typ", "kid"})
_CLAIMS: Final = frozenset({"iss", "sub", "aud", "iat", "exp", "jti", "bd", "at", "pur"})
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{43}")
# 22 characters of base64url hold 128 bits.
_ONCE: Final = re.compile(r"[A-Za-z0-9_-]{22,64}")
_PREFIX: Final = "READ_PURPOSE_"
PURPOSES: Final = frozenset(
    name.removeprefix(_PREFIX)
    for name, number in purpose_pb2.ReadPurpose.items()
    if number != purpose_pb2.READ_PURPOSE_UNSPECIFIED
)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the assertion must have been made for.

    `request` None: it stands in the request itself, and can't hold its digest.
    """

    audience: str
    request: bytes | None = field(default=None, repr=False)
    agent_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Claimed:
    """An assertion that was read: who is said to have signed it, and by which key."""

    opened: Opened = field(repr=False)
    client_id: str
    key_id: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion that is good, if it was not used before."""

    once: str = field(repr=False)
    # In seconds.
    expires: int
    # A purpose by its name, without the prefix; empty: none is named.
    purpose: str = ""


def audience_of(environment: str, method: str) -> str:
    """Returns the `aud` of a method, named as on the wire, in an environment."""
    return f"{environment}:{method}"


def is_assertion(header: Mapping[str, Any]) -> bool:
    """Returns whether a credential says that it is an assertion."""
    return header.get("typ") == TYPE


def read(opened: Opened) -> Claimed:
    """Returns who is said to have signed (1, 2).

    Raises:
        CredentialError: TYPE, HEADER, ALGORITHM, KEY, CLAIMS or SUBJECT.
    """
    header, claims = opened.header, opened.claims
    if not is_assertion(header):  # 1
        raise CredentialError("TYPE")
    require_plain_header(header)
    if header.keys() != _HEADER:
        raise CredentialError("HEADER")
    if not _matches(_KEY_ID, header["kid"]):
        raise CredentialError("KEY")
    if not claims.keys() <= _CLAIMS:  # 2
        raise CredentialError("CLAIMS")
    client_id = claims.get("iss")
    if not isinstance(client_id, str) or not _matches(_CLIENT_ID, client_id):
        raise CredentialError("SUBJECT")
    if claims.get("sub") != client_id:
        raise CredentialError("SUBJECT")
    return Claimed(opened, client_id, header["kid"])


def check(claimed: Claimed, key: SigningKey, expected: Expected, seconds: int) -> Assertion:
    """Checks an assertion against the key of (3), at a time in seconds (4 to 10).

    Raises:
        CredentialExpiredError: it was good, and its minute is over.
        CredentialError: it is not good; `fault` says why, for the log.
    """
    claims = claimed.opened.claims
    require_signature(claimed.opened, key)  # 4
    # A list that holds ours beside others is an assertion for whoever is in the list.
    if claims.get("aud") != expected.audience:  # 5
        raise CredentialError("AUDIENCE")
    expires = _check_term(claims, seconds)  # 6
    once = claims.get("jti")
    if not isinstance(once, str) or not _matches(_ONCE, once):  # 7
        raise CredentialError("ONCE")
    _check_digest(claims, "bd", expected.request, "REQUEST")  # 8
    agent = None if expected.agent_token is None else expected.agent_token.encode()
    _check_digest(claims, "at", agent, "AGENT")  # 9
    purpose = claims.get("pur", "")  # 10
    if "pur" in claims and (not isinstance(purpose, str) or purpose not in PURPOSES):
        raise CredentialError("PURPOSE")
    return Assertion(once, expires, purpose)


def require_purpose(signed_for: str, requested: int) -> None:
    """Checks that the request names the purpose that was signed (10). Empty: none was.

    Raises:
        CredentialError: PURPOSE; it names another one, or none.
    """
    if signed_for and signed_for != purpose_name(requested):
        raise CredentialError("PURPOSE")


def purpose_name(number: int) -> str:
    """Returns the name of a purpose without its prefix; empty for none, and for unknown ones."""
    name = purpose_pb2.ReadPurpose.Name(number) if number in _PURPOSE_NUMBERS else ""  # type: ignore[arg-type]  # a number off the wire
    return name.removeprefix(_PREFIX) if number else ""


_PURPOSE_NUMBERS: Final = frozenset(purpose_pb2.ReadPurpose.values())


def _check_term(claims: Mapping[str, Any], seconds: int) -> int:
    issued, expires = seconds_in(claims, "iat"), seconds_in(claims, "exp")
    if not 0 < expires - issued <= MOST_SECONDS:
        raise CredentialError("TERM")
    if issued > seconds + SKEW_SECONDS:
        raise CredentialError("NOT_YET")
    if expires <= seconds or issued < seconds - SKEW_SECONDS:
        raise CredentialExpiredError("EXPIRED")
    return expires


def _check_digest(claims: Mapping[str, Any], name: str, content: bytes | None, fault: str) -> None:
    if content is None:
        if name in claims:
            raise CredentialError(fault)
        return
    said = claims.get(name)
    if not isinstance(said, str) or not said.isascii():
        raise CredentialError(fault)
    if not hmac.compare_digest(said, digest_of(content)):
        raise CredentialError(fault)


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
