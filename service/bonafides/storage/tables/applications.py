"""Tables of callers that are programs: applications, their keys, and what they signed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table

from bonafides.storage.tables.columns import PLATFORM, metadata

application: Final = Table(
    "application",
    metadata,
    Column("client_id", String(40), primary_key=True),
    # The login that made it: the one name of a submitter across issuers.
    Column("created_by", String(600), nullable=False),
    # MERCHANT, ACQUIRER, INTEGRATOR.
    Column("role", String(16), nullable=False),
    Column("name", String(120), nullable=False),
    # WEB, MOBILE, SERVER.
    Column("type", String(16), nullable=False),
    Column("description", String(500), nullable=False),
    # ISO 3166, two letters; never changes.
    Column("country", String(2), nullable=False),
    Column("product", String(40), nullable=False),
    Column("test_currency", String(3), nullable=False),
    # DRAFT, TESTING, READY, LIVE, SUSPENDED, CLOSED.
    Column("state", String(16), nullable=False),
    # The platform whose records and authorizations it calls for; null: none.
    Column("platform", PLATFORM),
    # The registered e-mail, sealed: codes for changes go there.
    Column("email_sealed", LargeBinary, nullable=False),
    Column("notification_url", String(500)),
    Column("contract_signed_at", BigInteger),
    Column("accepted_at", BigInteger),
    Column("launched_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_application_created_by", "created_by"),
)

application_key: Final = Table(
    "application_key",
    metadata,
    Column("client_id", String(40), primary_key=True),
    # The thumbprint of the public key (RFC 7638).
    Column("key_id", String(43), primary_key=True),
    # The one algorithm that the key signs by: EdDSA, ES256.
    Column("algorithm", String(8), nullable=False),
    # SubjectPublicKeyInfo, DER.
    Column("public_key", LargeBinary, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

# What an application signed and sent, so that it counts once. Kept until nothing that was
# signed on that day can be good any more.
used_assertion: Final = Table(
    "used_assertion",
    metadata,
    Column("client_id", String(40), primary_key=True),
    Column("jti", String(64), primary_key=True),
    Column("day", BigInteger, nullable=False),
    Index("ix_used_assertion_day", "day"),
)
