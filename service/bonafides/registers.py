"""Makes the register of applications from the settings, for the composition root.

The setting `sandbox_key` names, in live, the public key of the sandbox whose word on
passed acceptance runs is taken; without it none is. A sandbox takes nobody's word.

    register(settings, store, vault, keys, draw=digits, can_send=True)
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bonafides.access.managing import Register
from bonafides.keys import Keys
from bonafides.personal.sealing import Vault
from bonafides.rating.signature import public_key
from bonafides.settings import Settings, SettingsError
from bonafides.storage.unit_of_work import Store


def register(  # its parts are the composition root's
    settings: Settings,
    store: Store,
    vault: Vault,
    keys: Keys,
    *,
    draw: Callable[[int], str],
    can_send: bool,
) -> Register:
    """Returns the register. `draw` gives random digits; `can_send`: codes can be sent.

    Raises:
        SettingsError: the sandbox's key can't be read, or a sandbox is given one.
    """
    return Register(
        store=store,
        vault=vault,
        environment=settings.environment,
        draw=draw,
        random_bytes=secrets.token_bytes,
        can_send=can_send,
        signing_key=keys.receipts,
        sandbox_key=_sandbox_key(settings),
    )


def _sandbox_key(settings: Settings) -> Ed25519PublicKey | None:
    file = settings.sandbox_key
    if file is None:
        return None
    if settings.environment != "live":
        raise SettingsError("BONAFIDES_SANDBOX_KEY: live alone takes the word of a sandbox.")
    try:
        key = public_key(file.read_bytes())
    except OSError as fault:
        raise SettingsError(
            f"BONAFIDES_SANDBOX_KEY: can't read {file}: {fault.strerror}."
        ) from None
    if key is None:
        raise SettingsError(
            f"BONAFIDES_SANDBOX_KEY: {file} is no Ed25519 public key in PEM; get it from the "
            "sandbox with: bonafides application service-key"
        )
    return key
