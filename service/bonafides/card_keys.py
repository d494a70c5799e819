"""The keys of scorecards: which signature is trusted, and what signs.

Rules:
- a server trusts one public key, `BONAFIDES_CARD_KEY`, and reads no private one;
- where a key is trusted, a champion that it did not sign is not served; live must trust
  one, and serves nothing that rests on generated data;
- `card.pem` in the data folder signs; the sandbox makes it, with a warning, live brings
  it, best to a machine that serves nothing.

    card = served_card(settings)
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bonafides import keys
from bonafides.rating import signature
from bonafides.rating.scorecard import Scorecard, champion
from bonafides.settings import Settings, SettingsError

CARD_FILE: Final = "card.pem"
# A PEM file of such a key has some 120 bytes.
_MOST_BYTES: Final = 4_096


def served_card(settings: Settings) -> Scorecard:
    """Returns the champion, as this deployment may serve it.

    Raises:
        ScorecardError: the card can't be used, or is not signed by the trusted key.
        SettingsError: live trusts no key, or the card rests on generated data in live.
    """
    key = trusted_card_key(settings)
    live = settings.environment == "live"
    if key is None and live:
        raise SettingsError(
            "BONAFIDES_CARD_KEY is needed in live: the public key that signed the scorecard"
            " (scripts/sign_card.py; docs/promotion.md)."
        )
    card = champion(settings.models_dir, key=key)
    if card.basis == "SYNTHETIC" and live:
        raise SettingsError(f"{card.version} is SYNTHETIC, and live serves no such card.")
    return card


def trusted_card_key(settings: Settings) -> Ed25519PublicKey | None:
    """Returns the public key that scorecards must be signed by; None: none is set.

    Raises:
        SettingsError: the file can't be read, or holds no such key.
    """
    if settings.card_key is None:
        return None
    try:
        key = signature.public_key(settings.card_key.read_bytes()[:_MOST_BYTES])
    except OSError as fault:
        raise SettingsError(
            f"BONAFIDES_CARD_KEY: {settings.card_key} can't be read: {fault.strerror}."
        ) from None
    if key is None:
        raise SettingsError(
            f"BONAFIDES_CARD_KEY: {settings.card_key} is not an Ed25519 public key in PEM."
        )
    return key


def card_signing_key(settings: Settings) -> Ed25519PrivateKey:
    """Returns the key that signs scorecards; in sandbox, makes it if need be.

    Raises:
        SettingsError: it is missing in live, is readable by others, or is no such key.
    """
    file = settings.data_dir / CARD_FILE
    if settings.environment == "live" and not file.exists():
        raise SettingsError(
            f"{file} is missing, and live makes no keys: restore it from its backup, or bring"
            f" one, mode 0600 (openssl genpkey -algorithm ed25519 -out {CARD_FILE})."
        )
    return keys.signing_key(file)
