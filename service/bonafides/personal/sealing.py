"""Seals personal values at rest, and indexes them for equality.

Each subject (a submission, a registry row) has a 256-bit key of its own, wrapped
by the key-encryption key. A value is sealed with AES-256-GCM under the subject's
key, with a random nonce; environment, table, subject and field are authenticated
with it, so that a sealed value can't be moved to another row, field or
environment. Equality is looked up by HMAC-SHA-256 under a key of the field and
the environment: a plain digest of an ID number falls to enumeration in hours.

Deleting a subject's key makes its values unreadable, except in backups that still
hold the key.

    sealed = vault.seal(subject_key, Place("submission", uid, "personal"), b"...")
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NewType, TypeAlias

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:
    from hashlib import _Hash

# The halves of HMAC that go before and after the value.
_Keyed: TypeAlias = "tuple[_Hash, _Hash]"

WrappedKey = NewType("WrappedKey", bytes)
Sealed = NewType("Sealed", bytes)

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VERSION: Final = b"\x01"
# Fields come from our code and from platforms' names; what is beyond is derived each time.
_MOST_FIELD_KEYS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lives; opening it anywhere else fails."""

    table: str
    subject: str
    field: str


class SubjectKey:
    """A subject's key, unwrapped. Its repr holds nothing."""

    def __init__(self, key: bytes) -> None:
        self._cipher: Final = AESGCM(key)

    def encrypt(self, value: bytes, associated: bytes) -> bytes:
        """Returns nonce and ciphertext."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value, associated)

    def decrypt(self, sealed: bytes, associated: bytes) -> bytes:
        """Returns the value.

        Raises:
            cryptography.exceptions.InvalidTag: altered, moved, or another key's.
        """
        return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], associated)


class Vault:
    """Wraps, seals and indexes under one key-encryption key, for one environment."""

    def __init__(self, kek: bytes, environment: str) -> None:
        self._environment: Final = environment
        self._wrapping: Final = SubjectKey(_derived(kek, f"wrap|{environment}"))
        self._indexing: Final = _derived(kek, f"index|{environment}")
        self._field_keys: Final[dict[str, _Keyed]] = {}

    def new_key(self, subject: str) -> tuple[SubjectKey, WrappedKey]:
        """Returns a fresh key for the subject, and its wrapped form to be stored."""
        key = os.urandom(KEY_BYTES)
        return SubjectKey(key), WrappedKey(self._wrapping.encrypt(key, subject.encode()))

    def unwrap(self, subject: str, wrapped: WrappedKey) -> SubjectKey:
        """Returns the subject's key.

        Raises:
            cryptography.exceptions.InvalidTag: altered, another subject's, or
                wrapped in another environment.
        """
        return SubjectKey(self._wrapping.decrypt(wrapped, subject.encode()))

    def seal(self, key: SubjectKey, place: Place, value: bytes) -> Sealed:
        """Returns the value, readable only with the key and at this place."""
        return Sealed(_VERSION + key.encrypt(value, self._associated(place)))

    def open(self, key: SubjectKey, place: Place, sealed: Sealed) -> bytes:
        """Returns the value that was sealed at this place.

        Raises:
            cryptography.exceptions.InvalidTag: altered, moved, or another key's.
        """
        return key.decrypt(sealed[1:], self._associated(place))

    def index(self, field: str, value: str) -> bytes:
        """Returns the keyed digest, 32 bytes, by which equal values of a field are found."""
        inner, outer = self._field_key(field)
        told = inner.copy()
        told.update(value.encode())
        made = outer.copy()
        made.update(told.digest())
        return made.digest()

    def _field_key(self, field: str) -> _Keyed:
        # Fields are few; records name the same one thousands of times a second.
        key = self._field_keys.get(field)
        if key is None:
            key = _keyed(hmac.digest(self._indexing, field.encode(), "sha256"))
            if len(self._field_keys) < _MOST_FIELD_KEYS:
                self._field_keys[field] = key
        return key

    def _associated(self, place: Place) -> bytes:
        return f"{self._environment}|{place.table}|{place.subject}|{place.field}".encode()


def _keyed(key: bytes) -> _Keyed:
    """Returns HMAC-SHA-256 under the key, up to where the value comes in (RFC 2104).

    A copy of both halves is made for each value: the library prepares the key anew each
    time, which takes six times as long.
    """
    block = key.ljust(hashlib.sha256().block_size, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in block) for pad in (0x36, 0x5C))
    return hashlib.sha256(inner), hashlib.sha256(outer)


def _derived(kek: bytes, purpose: str) -> bytes:
    if len(kek) != KEY_BYTES:
        raise ValueError("the key-encryption key must have 32 bytes")
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"bonafides|{purpose}".encode()).derive(kek)
