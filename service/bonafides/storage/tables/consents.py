"""Tables of what was agreed to: consents, texts, assents, platforms."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, Text, text

from bonafides.storage.tables.columns import PLATFORM, code_column, metadata

# The ledger of consents: append-only, one purpose in a row. What takes one back is a
# row of `consent_revocation`.
consent: Final = Table(
    "consent",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    # The submission whose personal values alone it is about; empty: the enterprise.
    Column("of_submission", String(36), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("scope", Text, nullable=False),
    # Of the text that was shown. Empty: the document of the evidence was the text.
    Column("text_version", String(40), nullable=False),
    Column("text_sha256", LargeBinary, nullable=False),
    Column("evidence_sha256", LargeBinary, nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    # Granted is when the person agreed; recorded, when the service learned of it.
    Column("recorded_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    # issuer and subject of the credential by which it was entered
    Column("actor", Text, nullable=False),
    # Ends that come near. Partial: most consents have none.
    Index(
        "ix_consent_expires_at",
        "expires_at",
        sqlite_where=text("expires_at IS NOT NULL"),
        postgresql_where=text("expires_at IS NOT NULL"),
    ),
)

consent_revocation: Final = Table(
    "consent_revocation",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("revoked_at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
)

# Each use of a person's values, and each one that was refused.
consent_use: Final = Table(
    "consent_use",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("used_at", BigInteger, nullable=False),
    # The name of the function in `bonafides.identity.consent.USES`.
    Column("function", String(40), nullable=False),
    Column("purpose", String(40), nullable=False),
    # USED, CONSENT_REQUIRED or PURPOSE_NOT_LISTED.
    Column("outcome", String(20), nullable=False),
    # Null: there was none.
    Column("consent_uid", String(36)),
    Column("actor", Text, nullable=False),
)

# Agreements and privacy notices, by the instant from which each is the current one.
published_text: Final = Table(
    "published_text",
    metadata,
    Column("kind", String(40), primary_key=True),
    Column("version", String(40), primary_key=True),
    Column("effective_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
)

assent: Final = Table(
    "assent",
    metadata,
    code_column(),
    Column("kind", String(40), primary_key=True),
    Column("version", String(40), primary_key=True),
    Column("assented_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
)

# The enterprise's authorization to use a platform's records.
platform_authorization: Final = Table(
    "platform_authorization",
    metadata,
    code_column(),
    Column("platform", PLATFORM, primary_key=True),
    Column("uid", String(36), primary_key=True),
    Column("granted_at", BigInteger, nullable=False),
    # Set once.
    Column("revoked_at", BigInteger),
    # The way in for a platform that asks what changed of all that are open to it.
    Index("ix_platform_authorization_platform", "platform", "code"),
)
