"""Loads the keys of a deployment, and makes them on the first run of a sandbox.

Four files in the data folder: `kek.bin`, the 32 bytes under which every subject's
key is wrapped; `issuer.pem`, the Ed25519 key that signs the sandbox's access tokens;
`receipt.pem`, the one that signs its receipts; and `token.pem`, the one that signs the
tokens of applications. Live has no issuer of its own and reads none of the PEM files; the
settings `receipt_key` and `token_key` name its keys. Without the first, receipts are handed
out unsigned; without the second, no tokens are handed out.

Rules:
- in sandbox a missing file is made, mode 0600, with a warning on stderr;
- in live nothing is made: a fresh key would orphan every value sealed before;
- a file that group or others can read is refused, in both;
- two processes that start at once end up with the same keys.

    keys = load_or_create(settings)
    vault = Vault(keys.kek, settings.environment)
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from bonafides.personal.sealing import KEY_BYTES
from bonafides.settings import Settings, SettingsError

KEK_FILE: Final = "kek.bin"
ISSUER_FILE: Final = "issuer.pem"
RECEIPT_FILE: Final = "receipt.pem"
TOKEN_FILE: Final = "token.pem"  # noqa: S105 - the name of a file
# A PEM file of an Ed25519 key has some 120 bytes; nothing of ours comes near.
_MOST_BYTES: Final = 4_096
_READABLE_BY_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one deployment. The repr holds nothing of them."""

    kek: bytes = field(repr=False)
    sandbox_issuer: Ed25519PrivateKey | None = field(repr=False)
    # None: receipts are not signed.
    receipts: Ed25519PrivateKey | None = field(default=None, repr=False)
    # None: applications get no access tokens.
    tokens: Ed25519PrivateKey | None = field(default=None, repr=False)

    @property
    def issuer_private_key(self) -> Ed25519PrivateKey:
        """The key that signs the sandbox's access tokens.

        Raises:
            SettingsError: live has none; its tokens come from the issuers of the settings.
        """
        if self.sandbox_issuer is None:
            raise SettingsError(
                "Live signs no access tokens: get one from an issuer that BONAFIDES_ISSUERS names."
            )
        return self.sandbox_issuer


def load_or_create(settings: Settings) -> Keys:
    """Returns the keys in the data folder; in sandbox, makes those that are missing.

    Raises:
        SettingsError: a key is missing in live, is readable by others, or is no
            such key. The text names the file and the remedy.
    """
    sandbox = settings.environment == "sandbox"
    folder = settings.data_dir
    kek = _content(folder / KEK_FILE, make=_new_kek if sandbox else None)
    if len(kek) != KEY_BYTES:
        raise SettingsError(
            f"{folder / KEK_FILE} holds {len(kek)} bytes, not {KEY_BYTES}: restore the key from "
            "its backup. A new key can't read what was sealed under the old one."
        )
    issuer = signing_key(folder / ISSUER_FILE) if sandbox else None
    named = (
        (settings.receipt_key, "BONAFIDES_RECEIPT_KEY", folder / RECEIPT_FILE),
        (settings.token_key, "BONAFIDES_TOKEN_KEY", folder / TOKEN_FILE),
    )
    return Keys(
        kek,
        issuer,
        *(
            _named_key(file, setting) if file or not sandbox else signing_key(own)
            for file, setting, own in named
        ),
    )


def signing_key(file: Path) -> Ed25519PrivateKey:
    """Returns the Ed25519 private key in a PEM file, which is made if it is not there.

    Raises:
        SettingsError: it is readable by others, or is no such key.
    """
    return _issuer(file, _content(file, make=_new_pem))


def read_secret(file: Path) -> str:
    """Returns the secret that a file holds, white space around it taken off.

    Raises:
        SettingsError: it can't be read, is empty, or is readable by others.
    """
    try:
        secret = _read_private(file).decode("ascii").strip()
    except OSError as fault:
        raise SettingsError(f"{file} can't be read: {fault.strerror}.") from None
    except UnicodeDecodeError:
        secret = ""
    if not secret:
        raise SettingsError(f"{file} holds no key: write the source's key there, mode 0600.")
    return secret


def _named_key(file: Path | None, setting: str) -> Ed25519PrivateKey | None:
    """Returns the key that a setting names; None: it names none."""
    if file is None:
        return None
    try:
        return _issuer(file, _read_private(file))
    except OSError as fault:
        raise SettingsError(f"{setting}: can't read {file}: {fault.strerror}.") from None


def _issuer(file: Path, content: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(
            f"{file} is not an Ed25519 private key in PEM: delete it to have a new one made. "
            "Tokens that it signed end with it."
        )
    return key


def _content(file: Path, *, make: Callable[[], bytes] | None) -> bytes:
    """Returns what the file holds, after making it where that is allowed."""
    try:
        return _read_private(file)
    except FileNotFoundError:
        if make is None:
            raise SettingsError(
                f"{file} is missing, and live makes no keys: restore it from its backup, or for a "
                f"new deployment write it yourself, mode 0600 ({KEY_BYTES} random bytes)."
            ) from None
    _create(file, make())
    return _read_private(file)


def _read_private(file: Path) -> bytes:
    with file.open("rb") as opened:
        # The mode of what was opened, not of what the name points to a moment later.
        mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
        if mode & _READABLE_BY_OTHERS:
            raise SettingsError(
                f"{file} is open to group or others (mode {mode:04o}): run chmod 600 on it, and "
                "take the key for known if this machine is shared."
            )
        return opened.read(_MOST_BYTES)


def _create(file: Path, content: bytes) -> None:
    """Makes the file whole or not at all; a file that came first is left alone."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written beside and linked into place: a second process that starts now must
    # not read a key that is half there, nor replace one already in use.
    partial = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        os.link(partial, file)
    except FileExistsError:
        return
    finally:
        partial.unlink()
    _warn_created(file)


def _new_kek() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def _new_pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def _warn_created(file: Path) -> None:
    # A logger of its own: the keys may be made by a command whose stdout is JSON.
    log = structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
    )
    log.warning(
        "insecure_sandbox_key_created",
        file=str(file),
        remedy="fit for a sandbox only; in live the keys are brought, backed up and rotated",
    )
