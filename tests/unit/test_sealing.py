"""Sealed values open only where and with what they were sealed."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag

from bonafides.personal.sealing import Place, Sealed, Vault, WrappedKey

_PLACE = Place("submission", "s1", "personal")
_VALUE = b"planted"


@pytest.mark.feature("J9")
def test_sealed_value_is_read_back_with_the_unwrapped_key(vault: Vault) -> None:
    key, wrapped = vault.new_key("s1")
    sealed = vault.seal(key, _PLACE, _VALUE)
    assert vault.open(vault.unwrap("s1", wrapped), _PLACE, sealed) == _VALUE


def test_sealed_value_and_wrapped_key_do_not_hold_the_value(vault: Vault) -> None:
    key, wrapped = vault.new_key("s1")
    sealed = vault.seal(key, _PLACE, _VALUE)
    assert _VALUE not in sealed + wrapped
    assert sealed != vault.seal(key, _PLACE, _VALUE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place("registry", "s1", "personal"),
        Place("submission", "s2", "personal"),
        Place("submission", "s1", "raw"),
    ],
)
def test_sealed_value_moved_elsewhere_does_not_open(vault: Vault, elsewhere: Place) -> None:
    key, _ = vault.new_key("s1")
    with pytest.raises(InvalidTag):
        vault.open(key, elsewhere, vault.seal(key, _PLACE, _VALUE))


def test_one_changed_bit_does_not_open(vault: Vault) -> None:
    key, _ = vault.new_key("s1")
    sealed = bytearray(vault.seal(key, _PLACE, _VALUE))
    sealed[-1] ^= 1
    with pytest.raises(InvalidTag):
        vault.open(key, _PLACE, Sealed(bytes(sealed)))


@pytest.mark.feature("I4")
def test_sandbox_row_does_not_open_in_live(vault: Vault) -> None:
    _, wrapped = vault.new_key("s1")
    live = Vault(bytes(range(32)), "live")
    with pytest.raises(InvalidTag):
        live.unwrap("s1", wrapped)
    assert live.index("id_number", "1") != vault.index("id_number", "1")


def test_wrapped_key_of_another_subject_does_not_open(vault: Vault) -> None:
    _, wrapped = vault.new_key("s1")
    with pytest.raises(InvalidTag):
        vault.unwrap("s2", WrappedKey(wrapped))


def test_index_tells_fields_apart_and_is_stable(vault: Vault) -> None:
    assert vault.index("id_number", "1") == vault.index("id_number", "1")
    assert vault.index("id_number", "1") != vault.index("phone", "1")


def test_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(b"short", "sandbox")
