"""Applications call by what they sign, and by the tokens that they get for that."""

from __future__ import annotations

import pytest

from bonafides.client import RemoteError
from tests import builders
from tests.credentials import client, ed25519, p256, registered
from tests.serving import Served

PLATFORM = builders.PLATFORM


@pytest.mark.feature("I6")
@pytest.mark.parametrize("key", [ed25519(), p256()], ids=["EdDSA", "ES256"])
def test_application_reads_by_a_token_and_writes_by_signatures(served: Served, key: object) -> None:
    enterprise = builders.code()
    builders.enroll(served.store, enterprise)
    application = registered(served.store, private_key=key)  # type: ignore[arg-type]  # either kind
    with client(served, application) as calling:
        assert calling.get_archive(enterprise.text).HasField("rating")
        assert calling.get_write_cursor("orders") == 0
        batches = [[builders.record_message(builders.transaction("one"))]]
        (answer,) = calling.write_records(batches, source="orders")
        assert answer.sequence == 1
        assert calling.get_write_cursor("orders") == 1


@pytest.mark.feature("I6")
def test_token_of_an_application_is_refused_where_it_has_to_sign(served: Served) -> None:
    application = registered(served.store)
    with client(served, application) as calling:
        token, _ = calling.access_token()
    with served.client(token) as reading, pytest.raises(RemoteError) as refusal:
        reading.rights.erase_buyer("buyer")
    assert refusal.value.reason == "SIGNED_REQUEST_REQUIRED"
