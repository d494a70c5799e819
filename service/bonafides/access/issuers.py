"""Whose access tokens count, and what each issuer's word is trusted for.

- STATED: the sandbox's own issuer, and those whose one key the deployment pins. The
  kind of caller is what `kind` says; platforms in sandbox alone.
- LOGIN: an OIDC issuer, by its published keys. Members; operators where a claim that the
  deployment names has the value that it names, and never by default.
- APPLICATIONS: our own token service. What the application of the assertion is.

An OIDC issuer's ID token is no access token: its `typ` is another (RFC 9068, 2.1), and
one that carries `nonce` or a hash of another token is refused whatever its `typ` says.

    stated_by(public_key)
    Issuer(keys.find, Trust.LOGIN, operator=("roles", "bonafides-staff"))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bonafides.access.tokens import EDDSA, SigningKey
from bonafides.errors import CredentialError

SANDBOX_ISSUER: Final = "bonafides-sandbox"
# Of what TokenService hands out, in each environment; its audience tells them apart.
OWN_ISSUER: Final = "bonafides-tokens"
TYPE: Final = "at+jwt"

_STATED_TYPES: Final = frozenset({TYPE})
# Both are right. Source: RFC 9068, 4.
LOGIN_TYPES: Final = frozenset({TYPE, f"application/{TYPE}"})
_OF_ID_TOKENS: Final = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
_MEMBER: Final = "member"
_OPERATOR: Final = "operator"
_MOST_VALUES: Final = 200


class Trust(Enum):
    """What an issuer's word counts for."""

    STATED = auto()
    LOGIN = auto()
    APPLICATIONS = auto()


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer of access tokens.

    `key` gives the key for a header, or raises CredentialError. `operator` is the claim
    and the value in it by which an OIDC issuer names our staff; None: it names none.
    """

    key: Callable[[Mapping[str, Any]], SigningKey] = field(repr=False)
    trust: Trust = Trust.STATED
    types: frozenset[str] = _STATED_TYPES
    operator: tuple[str, str] | None = None


def stated_by(public: Ed25519PublicKey, trust: Trust = Trust.STATED) -> Issuer:
    """Returns an issuer with one key, which it signs everything by."""
    only = SigningKey(EDDSA, public)
    return Issuer(lambda _header: only, trust)


def claimed_kind(issuer: Issuer, claims: Mapping[str, Any]) -> str:
    """Returns the kind of caller that an issuer says this is, as far as it is trusted.

    Raises:
        CredentialError: KIND, or TYPE for what is an ID token.
    """
    if issuer.trust is Trust.LOGIN:
        if not _OF_ID_TOKENS.isdisjoint(claims):
            raise CredentialError("TYPE")
        return _OPERATOR if _has(claims, issuer.operator) else _MEMBER
    kind = claims.get("kind")
    if not isinstance(kind, str):
        raise CredentialError("KIND")
    return kind


def _has(claims: Mapping[str, Any], wanted: tuple[str, str] | None) -> bool:
    """Returns whether the claim names the value: as a list, or as words (RFC 6749, 3.3)."""
    if wanted is None:
        return False
    name, value = wanted
    held = claims.get(name)
    if isinstance(held, str):
        return value in held.split(" ")
    return isinstance(held, list) and len(held) <= _MOST_VALUES and value in held
