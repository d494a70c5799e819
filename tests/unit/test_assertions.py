"""What applications sign: purposes, key ids, and the one way to write a credential."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafides.access.assertions import (
    PURPOSES,
    Expected,
    audience_of,
    check,
    purpose_name,
    read,
    require_purpose,
)
from bonafides.access.tokens import (
    digest_of,
    encoded,
    opened_token,
    signing_key,
    stored_key,
    thumbprint,
)
from bonafides.client import Credentials
from bonafides.errors import CredentialError
from bonafides.v1 import purpose_pb2
from tests.credentials import ed25519, p256
from tests.searching import examples

METHOD = "/bonafides.v1.ArchiveService/GetArchive"
NOW = 1_800_000_000


def test_thumbprint_is_that_of_the_standard() -> None:
    # RFC 8037, A.3.
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "="))
    assert thumbprint(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.feature("I6")
@pytest.mark.parametrize("key", [ed25519(), p256()], ids=["EdDSA", "ES256"])
@pytest.mark.parametrize("purpose", ["", *sorted(PURPOSES)])
def test_what_the_client_signs_is_what_the_server_takes(key: object, purpose: str) -> None:
    credentials = Credentials("sandbox-1", key, clock=lambda: NOW)  # type: ignore[arg-type]  # either kind
    public = key.public_key()  # type: ignore[attr-defined]  # either kind
    assert credentials.key_id == thumbprint(public)
    made = credentials.assertion(METHOD, b"request", agent_token="agent", purpose=purpose)
    claimed = read(opened_token(made.encode()))
    expected = Expected(audience_of("sandbox", METHOD), b"request", "agent")
    checked = check(claimed, signing_key(public), expected, NOW)
    assert (claimed.client_id, checked.purpose) == ("sandbox-1", purpose)


@pytest.mark.parametrize("number", purpose_pb2.ReadPurpose.values())
@pytest.mark.parametrize("signed_for", ["", *sorted(PURPOSES)])
def test_request_for_another_purpose_than_was_signed_is_refused(
    number: int, signed_for: str
) -> None:
    if signed_for in {"", purpose_name(number)}:
        require_purpose(signed_for, number)
        return
    with pytest.raises(CredentialError) as refusal:
        require_purpose(signed_for, number)
    assert refusal.value.fault == "PURPOSE"


def test_purpose_that_nobody_knows_has_no_name() -> None:
    assert (purpose_name(0), purpose_name(99)) == ("", "")


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256", "HS256", "none", ""])
def test_stored_key_counts_for_the_algorithm_of_its_type_alone(algorithm: str) -> None:
    der = ed25519().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    found = stored_key(algorithm, der)
    assert (found is not None) == (algorithm == "EdDSA")
    assert stored_key(algorithm, der[:-1]) is None


@settings(max_examples=examples(200))
@given(st.binary(max_size=40), st.text(max_size=3))
def test_credential_is_written_in_one_way(content: bytes, more: str) -> None:
    part = encoded(content)
    made = f"{encoded(b'{}')}.{encoded(b'{}')}.{part}"
    assert opened_token(made.encode()).claims == {}
    changed = f"{made}{more}"
    try:
        opened_token(changed.encode("utf-8", "surrogatepass"))
    except CredentialError:
        return
    # Only other bytes of the signature are written otherwise.
    again = changed.rpartition(".")[2]
    assert base64.urlsafe_b64decode(again + "=" * (-len(again) % 4)) != content or not more


def test_digest_is_base64url_without_padding() -> None:
    assert digest_of(b"") == "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


@pytest.mark.parametrize("length", [8_193, 100_000])
def test_credential_beyond_8_kib_is_not_read(length: int) -> None:
    with pytest.raises(CredentialError) as refusal:
        opened_token(b"x" * length)
    assert refusal.value.fault == "SIZE"
