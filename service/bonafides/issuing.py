"""Gathers whose access tokens count from the settings, for the composition root.

- Those of `issuers` state kinds themselves, by the one key in a PEM file.
- Those of `oidc_issuers` are of people's logins: members, and staff where a claim says
  so. Their keys are published, and fetched anew.
- The sandbox's own, in sandbox alone, signs by `issuer.pem`.
- Our own token service, for applications, signs by `token.pem` or `token_key`.

    found, login_keys = issuers(settings, keys)
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from bonafides import listening, mail
from bonafides.access.issuers import (
    LOGIN_TYPES,
    OWN_ISSUER,
    SANDBOX_ISSUER,
    Issuer,
    Trust,
    stated_by,
)
from bonafides.access.jwks import JwksError, read_jwks
from bonafides.keys import Keys
from bonafides.login_keys import LoginKeys, Published
from bonafides.settings import OidcIssuer, Settings, SettingsError

_OURS: Final = frozenset({SANDBOX_ISSUER, OWN_ISSUER})
_SETTING: Final = "BONAFIDES_OIDC_ISSUERS"


def issuers(settings: Settings, keys: Keys) -> tuple[dict[str, Issuer], LoginKeys]:
    """Returns the issuers by their names, and what follows the keys that some publish.

    Raises:
        SettingsError: a name is taken, an address is not https, or a key is none.
    """
    found: dict[str, Issuer] = {}
    for name, file in settings.issuers.items():
        _require_name(name, "BONAFIDES_ISSUERS")
        found[name] = stated_by(_public_key(file))
    login_keys = LoginKeys(monotonic=time.monotonic)
    for name, told in settings.oidc_issuers.items():
        _require_name(name, _SETTING)
        if name in found:
            raise SettingsError(f"{_SETTING}: {name} stands in BONAFIDES_ISSUERS, too; choose one.")
        if bool(told.operator_claim) != bool(told.operator_value):
            raise SettingsError(
                f"{_SETTING}: {name} needs both operator_claim and operator_value, or neither."
            )
        found[name] = Issuer(
            login_keys.follow(name, _published(name, told)),
            Trust.LOGIN,
            LOGIN_TYPES,
            (told.operator_claim, told.operator_value) if told.operator_claim else None,
        )
    if settings.environment == "sandbox":
        found[SANDBOX_ISSUER] = stated_by(keys.issuer_private_key.public_key())
    if keys.tokens is not None:
        found[OWN_ISSUER] = stated_by(keys.tokens.public_key(), Trust.APPLICATIONS)
    return found, login_keys


def _require_name(name: str, setting: str) -> None:
    if name in _OURS or "|" in name or not name:
        raise SettingsError(
            f"{setting}: {name!r} can't be the name of an issuer; choose one without '|', other "
            f"than {SANDBOX_ISSUER} and {OWN_ISSUER}."
        )


def _published(name: str, told: OidcIssuer) -> Published:
    """Returns where the keys are published."""
    if told.root_certificates is not None:
        listening.read_file(told.root_certificates, _SETTING)
    parts = urlsplit(told.jwks)
    if parts.scheme in {"http", "https"}:
        inside = mail.is_loopback(f"{parts.hostname}:0")
        if not parts.hostname or (parts.scheme == "http" and not inside):
            raise SettingsError(
                f"{_SETTING}: {name} publishes its keys at {told.jwks}; outside loopback that "
                "has to be https."
            )
        return Published(told.jwks, told.root_certificates)
    file = Path(told.jwks)
    try:
        read_jwks(listening.read_file(file, _SETTING))
    except JwksError as fault:
        raise SettingsError(
            f"{_SETTING}: {file} is not a JWK set to be trusted: {fault}."
        ) from None
    return Published(file)


def _public_key(file: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(listening.read_file(file, "BONAFIDES_ISSUERS"))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise SettingsError(
            f"BONAFIDES_ISSUERS: {file} is not an Ed25519 public key in PEM; ask the issuer for it."
        )
    return key
