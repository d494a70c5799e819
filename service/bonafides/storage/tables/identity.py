"""Tables of identity: the registry, submissions, what sources said of them, documents."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bonafides.storage.tables.columns import code_column, metadata

# What the registry's table says, one row per enterprise, as last loaded.
registry: Final = Table(
    "registry",
    metadata,
    code_column(),
    Column("title", Text, nullable=False),
    Column("title_key", Text, nullable=False),
    Column("operating_state", String(20), nullable=False),
    Column("legal_form", Text),
    Column("registered_address", Text),
    Column("established_day", BigInteger),
    Column("term_start_day", BigInteger),
    Column("term_end_day", BigInteger),
    Column("capital_minor", BigInteger),
    Column("capital_currency", String(3)),
    Column("business_scope", Text),
    Column("composition", Text),
    # JSON, in the registry's order: [[digest of the name, digest of the number]] in hex.
    Column("representatives_index", Text, nullable=False),
    Column("shareholders", Text, nullable=False),
    Column("changes", Text, nullable=False),
    Column("raw_sealed", LargeBinary, nullable=False),
    Column("retrieved_at", BigInteger, nullable=False),
    Column("loaded_at", BigInteger, nullable=False),
    # Set when the row of an enrolled enterprise was loaded again, until its facts follow.
    Column("sync_due_at", BigInteger),
    Index(None, "title_key"),
    Index(None, "sync_due_at"),
)

submission: Final = Table(
    "submission",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    # issuer and subject of the submitter's credential
    Column("submitter", String(200), nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("request_digest", LargeBinary, nullable=False),
    Column("state", String(20), nullable=False),
    Column("submitted_at", BigInteger, nullable=False),
    Column("recheck_at", BigInteger),
    Column("expires_at", BigInteger),
    Column("title", Text, nullable=False),
    Column("license", Text, nullable=False),
    # Which copy it names; null: none.
    Column("license_sha256", LargeBinary),
    Column("agreement_version", String(40), nullable=False),
    Column("assented_at", BigInteger, nullable=False),
    Column("depth", BigInteger, nullable=False),
    Column("personal_sealed", LargeBinary, nullable=False),
    UniqueConstraint("submitter", "request_id"),
    Index(None, "submitter", "submitted_at"),
    Index(None, "state", "recheck_at"),
    Index(None, "state", "expires_at"),
)

# Copies of licences. A row stays when the copy is deleted: its digest is evidence.
document: Final = Table(
    "document",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    # issuer and subject of the uploader's credential
    Column("submitter", String(200), nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("media_type", String(20), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("uploaded_at", BigInteger, nullable=False),
    # What its QR code said; the words are those of `bonafides.identity.documents.Qr`.
    Column("qr", String(20), nullable=False),
    Column("deleted_at", BigInteger),
    Index(None, "submitter", "uploaded_at"),
    Index(None, "qr", "uploaded_at"),
    # One and the same file of one uploader is kept once.
    Index(
        "uq_document_sha256",
        "code",
        "submitter",
        "sha256",
        unique=True,
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
)

# The bytes of a document, part by part, each sealed with the document's own key.
document_part: Final = Table(
    "document_part",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("part", BigInteger, primary_key=True, autoincrement=False),
    Column("content_sealed", LargeBinary, nullable=False),
)

submission_transition: Final = Table(
    "submission_transition",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("state", String(20), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", String(60), nullable=False),
)

check_result: Final = Table(
    "check_result",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("check_name", String(40), primary_key=True),
    Column("checked_at", BigInteger, primary_key=True, autoincrement=False),
    Column("outcome", String(20), nullable=False),
    Column("source", String(40), nullable=False),
    Column("retrieved_at", BigInteger, nullable=False),
    Column("note", String(40), nullable=False),
)

# Every answer of every source, and every time that one was not reached.
evidence: Final = Table(
    "evidence",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("asked_at", BigInteger, primary_key=True, autoincrement=False),
    Column("source", String(40), primary_key=True),
    Column("retrieved_at", BigInteger, nullable=False),
    # Why the source was not reached; empty: it answered.
    Column("fault", String(40), nullable=False),
    # The answer as it came, under the submission's key; null: it stays in our own tables.
    Column("raw_sealed", LargeBinary),
)

# The enterprises that take part: those whose submission was once VERIFIED.
enterprise: Final = Table(
    "enterprise",
    metadata,
    code_column(),
    Column("uid", String(36), nullable=False),
    Column("enrolled_at", BigInteger, nullable=False),
)

# What platforms filled in for enterprises, until that is confirmed or erased.
draft: Final = Table(
    "draft",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("platform", String(40), nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("request_digest", LargeBinary, nullable=False),
    Column("state", String(20), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    # JSON of bonafides.v1.Prefill; emptied when it is confirmed.
    Column("prefill", Text, nullable=False),
    # What it became, and by whom; null: not confirmed.
    Column("submission_uid", String(36)),
    Column("confirmed_by", String(200)),
    UniqueConstraint("platform", "request_id"),
    Index(None, "platform", "created_at"),
    Index(None, "expires_at"),
)

# Who supplied a field of a submission; no row: its submitter.
submission_supply: Final = Table(
    "submission_supply",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("field", String(60), primary_key=True),
    Column("supplier", String(60), nullable=False),
)

# Which submission amends which, and in what.
amendment: Final = Table(
    "amendment",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("amends_uid", String(36), nullable=False),
    # JSON: the paths of the claims that changed, sorted.
    Column("changed", Text, nullable=False),
    Index(None, "code", "amends_uid"),
)
