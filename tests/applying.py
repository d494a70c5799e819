"""Makes applications and their keys in tests, and reads the codes that go out."""

from __future__ import annotations

import email
import email.policy
import re
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bonafides.access.callers import mint
from bonafides.client import Client
from bonafides.v1 import application_pb2 as v1
from tests import builders
from tests.mailbox import Mailbox
from tests.serving import Served

EMAIL = "maker@example.com"
PARTNER = "partner"
# Of the issuer whose tokens the live deployment of a test takes.
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def told(**changes: Any) -> dict[str, Any]:
    """Returns fields of CreateApplicationRequest that are in order."""
    return {
        "application_role": v1.APPLICATION_ROLE_ACQUIRER,
        "title": "Sample application",
        "kind": v1.Application.KIND_SERVER,
        "description": "Reads archives.",
        "country_code": "SG",
        "product": v1.PRODUCT_INTEGRITY_ARCHIVE,
        "test_currency_code": "SGD",
        "email": EMAIL,
    } | changes


def key(number: int = 1) -> Ed25519PrivateKey:
    """Returns a private key, the same for the same number."""
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def public_pem(private: Ed25519PrivateKey) -> bytes:
    """Returns the public half as PEM."""
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def live(folder: Path, **changes: Any) -> dict[str, Any]:
    """Returns settings of a live deployment, after making the keys that they name."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kek = folder / "kek.bin"
    kek.touch(mode=0o600)
    kek.write_bytes(bytes(range(32)))
    partner = folder / "partner.pem"
    partner.write_bytes(public_pem(SIGNER))
    return {"environment": "live", "issuers": {PARTNER: partner}} | changes


def live_token(served: Served, subject: str = "maker", kind: str = "member") -> str:
    """Returns a token of the partner's for live."""
    platform = builders.PLATFORM if kind == "platform" else ""
    return mint(
        SIGNER,
        issuer=PARTNER,
        audience="bonafides-live",
        subject=subject,
        kind=kind,
        platform=platform,
        ttl_seconds=600,
        now=served.clock.now,
    )


def live_client(served: Served, subject: str = "maker", kind: str = "member") -> Client:
    """Returns a client of the live deployment."""
    return served.client(live_token(served, subject, kind))


def mailed_code(served: Served, box: Mailbox) -> str:
    """Has the worker send what is due, and returns the code of the last message."""
    served.server.worker.run_once()
    envelope = box.received[-1]
    assert envelope.rcpt_tos == [EMAIL]
    text = email.message_from_bytes(envelope.content, policy=email.policy.default)
    found = re.search(r"验证码:(\d{8})", text.get_content())
    assert found
    return found[1]
