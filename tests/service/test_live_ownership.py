"""Ownership in live: by mail through a real mail server, and never by a token's word."""

from __future__ import annotations

import email
import email.policy
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bonafides.access.callers import mint
from bonafides.client import Client, RemoteError
from bonafides.identity import registry_operations
from bonafides.identity.codes import UnifiedCode
from bonafides.v1 import enterprise_pb2, ownership_pb2
from tests import builders
from tests.mailbox import receiving
from tests.serving import Served, serving

PARTNER = "partner"
CODE: UnifiedCode = builders.code()
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def token(subject: str) -> str:
    """A token of the partner's that says that its bearer owns the enterprise."""
    return mint(
        SIGNER,
        issuer=PARTNER,
        audience="bonafides-live",
        subject=subject,
        kind="member",
        owns=[CODE.text],
        ttl_seconds=600,
        now=builders.NOW,
    )


def live(folder: Path, address: str) -> dict[str, Any]:
    """Settings of a live deployment with its keys."""
    folder.mkdir(mode=0o700)
    key = folder / "kek.bin"
    key.touch(mode=0o600)
    key.write_bytes(bytes(range(32)))
    public = folder / "partner.pem"
    public.write_bytes(
        SIGNER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return {
        "environment": "live",
        "issuers": {PARTNER: public},
        "smtp_server": address,
        "smtp_sender": "no-reply@example.com",
        "smtp_tls": "none",
    }


def prepared(served: Served) -> None:
    row = builders.registry_row() | {"contact_email": "contact@example.com"}
    registry_operations.load_registry(served.store, served.vault, [row], now=served.clock.now)


@pytest.mark.feature("A15")
def test_live_owner_is_made_by_mail_and_nobody_writes_before(tmp_path: Path) -> None:
    folder = tmp_path / "live"
    with (
        receiving() as (box, server),
        serving(folder, **live(folder, f"127.0.0.1:{server.port}")) as served,
        Client(served.address, token=token("founder")) as client,
    ):
        prepared(served)
        made = client.submit_identity(builders.claims(), builders.request_id())
        assert made.state == enterprise_pb2.Submission.STATE_VERIFIED
        # VERIFIED, and the token says owner: still nobody's to write.
        for write in (
            lambda: client.consents.revoke_platform(CODE.text, builders.PLATFORM),
            lambda: client.consents.authorize_platform(CODE.text, "olist"),
            lambda: client.ownership.invite(CODE.text),
            lambda: client.ownership.members(CODE.text),
        ):
            with pytest.raises(RemoteError) as refused:
                write()
            assert refused.value.reason == "RESOURCE_NOT_FOUND"
        assert not client.get_archive(CODE.text).freshness
        claim = client.ownership.claim(made.name)
        served.server.worker.run_once()
        (envelope,) = box.received
        assert envelope.rcpt_tos == ["contact@example.com"]
        text = email.message_from_bytes(envelope.content, policy=email.policy.default)
        found = re.search(r"code is (\d{8})", text.get_content())
        assert found
        done = client.ownership.confirm(claim.name, found[1])
        assert done.state == ownership_pb2.OwnershipClaim.STATE_GRANTED
        client.consents.authorize_platform(CODE.text, "olist")
        assert client.get_archive(CODE.text).freshness
    assert not (tmp_path / "live" / "outbox").exists()


@pytest.mark.feature("A15")
def test_live_without_a_mail_server_waits_for_a_voucher(tmp_path: Path) -> None:
    settings = live(tmp_path / "live", "")
    with (
        serving(tmp_path / "live", **settings) as served,
        Client(served.address, token=token("founder")) as client,
    ):
        prepared(served)
        made = client.submit_identity(builders.claims(), builders.request_id())
        claim = client.ownership.claim(made.name)
        assert claim.state == ownership_pb2.OwnershipClaim.STATE_AWAITING_VOUCHER
        served.server.worker.run_once()
