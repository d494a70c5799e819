"""Creates the first tables: identity, records, archive, rating.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "amendment",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("amends_uid", sa.String(length=36), nullable=False),
        sa.Column("changed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_amendment")),
    )
    op.create_index(
        op.f("ix_amendment_code_amends_uid"), "amendment", ["code", "amends_uid"], unique=False
    )
    op.create_table(
        "announced_level",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("model_version", sa.String(length=40), nullable=False),
        sa.Column("model_digest", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=4), nullable=False),
        sa.Column("announced_at", sa.BigInteger(), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_announced_level")),
    )
    op.create_table(
        "assent",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("assented_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "kind", "version", name=op.f("pk_assent")),
    )
    op.create_table(
        "automation_refusal",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "number", name=op.f("pk_automation_refusal")),
    )
    op.create_table(
        "bulk_run",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("last_code", sa.String(length=18), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_bulk_run")),
    )
    op.create_table(
        "buyer_place",
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("buyer", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.PrimaryKeyConstraint("platform", "buyer", "code", name=op.f("pk_buyer_place")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "changes",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
    )
    op.create_table(
        "check_result",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("check_name", sa.String(length=40), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("retrieved_at", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint(
            "code", "uid", "check_name", "checked_at", name=op.f("pk_check_result")
        ),
    )
    op.create_table(
        "consent",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("of_submission", sa.String(length=36), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("text_version", sa.String(length=40), nullable=False),
        sa.Column("text_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("evidence_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_consent")),
    )
    op.create_index(
        "ix_consent_expires_at",
        "consent",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("expires_at IS NOT NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_table(
        "consent_revocation",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_consent_revocation")),
    )
    op.create_table(
        "consent_use",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.Column("function", sa.String(length=40), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("consent_uid", sa.String(length=36), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_consent_use")),
    )
    op.create_table(
        "correction",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("sort", sa.String(length=10), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("told_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("evidence_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("due_day", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_correction")),
    )
    op.create_index("ix_correction_actor", "correction", ["actor", "opened_at"], unique=False)
    op.create_index(
        "ix_correction_state", "correction", ["state", "opened_at", "uid"], unique=False
    )
    op.create_table(
        "correction_ruling",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ruled_by", sa.Text(), nullable=False),
        sa.Column("ruled_at", sa.BigInteger(), nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", "uid", "number", name=op.f("pk_correction_ruling")),
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "document",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("submitter", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("media_type", sa.String(length=20), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("uploaded_at", sa.BigInteger(), nullable=False),
        sa.Column("qr", sa.String(length=20), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_document")),
    )
    op.create_index(
        op.f("ix_document_qr_uploaded_at"), "document", ["qr", "uploaded_at"], unique=False
    )
    op.create_index(
        op.f("ix_document_submitter_uploaded_at"),
        "document",
        ["submitter", "uploaded_at"],
        unique=False,
    )
    op.create_index(
        "uq_document_sha256",
        "document",
        ["code", "submitter", "sha256"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "document_part",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("part", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code", "uid", "part", name=op.f("pk_document_part")),
    )
    op.create_table(
        "draft",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("prefill", sa.Text(), nullable=False),
        sa.Column("submission_uid", sa.String(length=36), nullable=True),
        sa.Column("confirmed_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_draft")),
        sa.UniqueConstraint("platform", "request_id", name=op.f("uq_draft_platform_request_id")),
    )
    op.create_index(op.f("ix_draft_expires_at"), "draft", ["expires_at"], unique=False)
    op.create_index(
        op.f("ix_draft_platform_created_at"), "draft", ["platform", "created_at"], unique=False
    )
    op.create_table(
        "enterprise",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_enterprise")),
    )
    op.create_table(
        "erasure",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("sort", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_erasure")),
    )
    op.create_table(
        "evidence",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("retrieved_at", sa.BigInteger(), nullable=False),
        sa.Column("fault", sa.String(length=40), nullable=False),
        sa.Column("raw_sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("code", "uid", "asked_at", "source", name=op.f("pk_evidence")),
    )
    op.create_table(
        "exchange_rate",
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rate_e12", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("currency", "day", name=op.f("pk_exchange_rate")),
    )
    op.create_table(
        "fact",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("item", sa.String(length=120), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("retrieved_at", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "kind", "item", "recorded_at", name=op.f("pk_fact")),
    )
    op.create_table(
        "invitation",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("invited_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_invitation")),
    )
    op.create_table(
        "level_override",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("level", sa.String(length=4), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("term_days", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("started_by", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_level_override")),
    )
    op.create_index(
        "ix_level_override_proposed_at", "level_override", ["proposed_at", "uid"], unique=False
    )
    op.create_table(
        "link_ruling",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("record_id", sa.String(length=80), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ruling", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("ruled_by", sa.String(length=80), nullable=False),
        sa.Column("ruled_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "code", "platform", "record_id", "number", name=op.f("pk_link_ruling")
        ),
    )
    op.create_table(
        "membership",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("submission_uid", sa.String(length=36), nullable=True),
        sa.Column("means", sa.String(length=20), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_membership")),
    )
    op.create_table(
        "notice",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("noticed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_notice")),
    )
    op.create_table(
        "outbox",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("message_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_due_at"), "outbox", ["due_at"], unique=False)
    op.create_table(
        "override_step",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "uid", "number", name=op.f("pk_override_step")),
    )
    op.create_table(
        "owner_request",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "request_id", name=op.f("pk_owner_request")),
    )
    op.create_table(
        "ownership_claim",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("submission_uid", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("code_index", sa.LargeBinary(), nullable=True),
        sa.Column("code_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("proposed", sa.String(length=20), nullable=True),
        sa.Column("proposed_by", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_ownership_claim")),
    )
    op.create_index(
        op.f("ix_ownership_claim_issuer_subject_claimed_at"),
        "ownership_claim",
        ["issuer", "subject", "claimed_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ownership_claim_state_claimed_at"),
        "ownership_claim",
        ["state", "claimed_at"],
        unique=False,
    )
    op.create_table(
        "peer_group",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("peer_group", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_peer_group")),
    )
    op.create_table(
        "peer_mean",
        sa.Column("peer_group", sa.String(length=200), nullable=False),
        sa.Column("feature", sa.String(length=60), nullable=False),
        sa.Column("title_zh", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("mean_milli", sa.BigInteger(), nullable=False),
        sa.Column("members", sa.BigInteger(), nullable=False),
        sa.Column("measured_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("peer_group", "feature", name=op.f("pk_peer_mean")),
    )
    op.create_table(
        "platform_authorization",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code", "platform", "uid", name=op.f("pk_platform_authorization")),
    )
    op.create_table(
        "platform_contract",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("from_day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_day", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("settlement_currency", sa.String(length=3), nullable=False),
        sa.PrimaryKeyConstraint("code", "platform", "from_day", name=op.f("pk_platform_contract")),
    )
    op.create_table(
        "published_text",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "version", name=op.f("pk_published_text")),
    )
    op.create_table(
        "rating",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("as_of", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("model_version", sa.String(length=40), nullable=False),
        sa.Column("level", sa.String(length=4), nullable=False),
        sa.Column("raw_level", sa.String(length=4), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("marks", sa.Text(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code", "as_of", name=op.f("pk_rating")),
    )
    op.create_table(
        "rating_secret",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_rating_secret")),
    )
    op.create_table(
        "record",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("record_id", sa.String(length=80), nullable=False),
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("void", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("store_id", sa.String(length=80), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("buyer", sa.LargeBinary(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("amount_cny_minor", sa.BigInteger(), nullable=True),
        sa.Column("rate_e12", sa.BigInteger(), nullable=True),
        sa.Column("rate_source", sa.String(length=80), nullable=True),
        sa.Column("rate_day", sa.BigInteger(), nullable=True),
        sa.Column("original_id", sa.String(length=80), nullable=True),
        sa.Column("promised_day", sa.BigInteger(), nullable=True),
        sa.Column("delivered_day", sa.BigInteger(), nullable=True),
        sa.Column("first_response_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("from_day", sa.BigInteger(), nullable=True),
        sa.Column("to_day", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("refund_state", sa.String(length=20), nullable=True),
        sa.Column("requested_at", sa.BigInteger(), nullable=True),
        sa.Column("settlement_currency", sa.String(length=3), nullable=True),
        sa.Column("settlement_minor", sa.BigInteger(), nullable=True),
        sa.Column("settlement_rate_e12", sa.BigInteger(), nullable=True),
        sa.Column("settlement_rate_source", sa.String(length=80), nullable=True),
        sa.Column("settlement_rate_day", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(
            "code", "platform", "kind", "record_id", "revision", name=op.f("pk_record")
        ),
    )
    op.create_index(
        "ix_record_original_id",
        "record",
        ["code", "platform", "original_id"],
        unique=False,
        sqlite_where=sa.text("original_id IS NOT NULL"),
        postgresql_where=sa.text("original_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_record_sequence"), "record", ["sequence"], unique=False)
    op.create_index(
        "ix_record_store_id",
        "record",
        ["platform", "store_id"],
        unique=False,
        sqlite_where=sa.text("kind = 'store'"),
        postgresql_where=sa.text("kind = 'store'"),
    )
    op.create_table(
        "refund_flag",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("record_id", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("original_id", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint(
            "code", "platform", "record_id", "reason", name=op.f("pk_refund_flag")
        ),
    )
    op.create_index(
        op.f("ix_refund_flag_code_platform_original_id"),
        "refund_flag",
        ["code", "platform", "original_id"],
        unique=False,
    )
    op.create_table(
        "registry",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_key", sa.Text(), nullable=False),
        sa.Column("operating_state", sa.String(length=20), nullable=False),
        sa.Column("legal_form", sa.Text(), nullable=True),
        sa.Column("registered_address", sa.Text(), nullable=True),
        sa.Column("established_day", sa.BigInteger(), nullable=True),
        sa.Column("term_start_day", sa.BigInteger(), nullable=True),
        sa.Column("term_end_day", sa.BigInteger(), nullable=True),
        sa.Column("capital_minor", sa.BigInteger(), nullable=True),
        sa.Column("capital_currency", sa.String(length=3), nullable=True),
        sa.Column("business_scope", sa.Text(), nullable=True),
        sa.Column("composition", sa.Text(), nullable=True),
        sa.Column("representatives_index", sa.Text(), nullable=False),
        sa.Column("shareholders", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("raw_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("retrieved_at", sa.BigInteger(), nullable=False),
        sa.Column("loaded_at", sa.BigInteger(), nullable=False),
        sa.Column("sync_due_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_registry")),
    )
    op.create_index(op.f("ix_registry_sync_due_at"), "registry", ["sync_due_at"], unique=False)
    op.create_index(op.f("ix_registry_title_key"), "registry", ["title_key"], unique=False)
    op.create_table(
        "review",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("cause", sa.String(length=10), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("due_day", sa.BigInteger(), nullable=False),
        sa.Column("four_eyes", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_review")),
    )
    op.create_index("ix_review_state", "review", ["state", "opened_at", "uid"], unique=False)
    op.create_table(
        "review_finding",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("found_by", sa.Text(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", "uid", "number", name=op.f("pk_review_finding")),
    )
    op.create_table(
        "rollup_buyer",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("buyer", sa.LargeBinary(), nullable=False),
        sa.Column("month", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transactions", sa.BigInteger(), nullable=False),
        sa.Column("first_day", sa.BigInteger(), nullable=False),
        sa.Column("last_day", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "platform", "buyer", "month", name=op.f("pk_rollup_buyer")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollup_day",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transactions", sa.BigInteger(), nullable=False),
        sa.Column("amount_cny_minor", sa.BigInteger(), nullable=False),
        sa.Column("deliveries_promised", sa.BigInteger(), nullable=False),
        sa.Column("deliveries_late", sa.BigInteger(), nullable=False),
        sa.Column("refunds", sa.BigInteger(), nullable=False),
        sa.Column("refund_cny_minor", sa.BigInteger(), nullable=False),
        sa.Column("complaints", sa.BigInteger(), nullable=False),
        sa.Column("complaints_upheld", sa.BigInteger(), nullable=False),
        sa.Column("disputes", sa.BigInteger(), nullable=False),
        sa.Column("disputes_lost", sa.BigInteger(), nullable=False),
        sa.Column("cases_settled", sa.BigInteger(), nullable=False),
        sa.Column("cases_open", sa.BigInteger(), nullable=False),
        sa.Column("cases_unanswered", sa.BigInteger(), nullable=False),
        sa.Column("response_0", sa.BigInteger(), nullable=False),
        sa.Column("response_1", sa.BigInteger(), nullable=False),
        sa.Column("response_2", sa.BigInteger(), nullable=False),
        sa.Column("response_3", sa.BigInteger(), nullable=False),
        sa.Column("response_4", sa.BigInteger(), nullable=False),
        sa.Column("response_5", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "platform", "day", name=op.f("pk_rollup_day")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "snapshot",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("view", sa.String(length=20), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("next_change_at", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.String(length=64), nullable=False),
        sa.Column("archive", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code", "view", name=op.f("pk_snapshot")),
    )
    op.create_table(
        "store_dispute",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("record_id", sa.String(length=80), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("submitter", sa.String(length=200), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("ground", sa.String(length=20), nullable=False),
        sa.Column("evidence_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("disputed_at", sa.BigInteger(), nullable=False),
        sa.Column("due_day", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "code", "platform", "record_id", "uid", name=op.f("pk_store_dispute")
        ),
        sa.UniqueConstraint(
            "submitter", "request_id", name=op.f("uq_store_dispute_submitter_request_id")
        ),
    )
    op.create_index(op.f("ix_store_dispute_due_day"), "store_dispute", ["due_day"], unique=False)
    op.create_table(
        "store_link",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("store_id", sa.String(length=80), nullable=False),
        sa.Column("record_id", sa.String(length=80), nullable=False),
        sa.Column("from_day", sa.BigInteger(), nullable=False),
        sa.Column("to_day", sa.BigInteger(), nullable=True),
        sa.Column("stated", sa.BigInteger(), nullable=False),
        sa.Column("ruling", sa.String(length=20), nullable=True),
        sa.Column("stands", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(
            "code", "platform", "store_id", "record_id", name=op.f("pk_store_link")
        ),
    )
    op.create_index(
        op.f("ix_store_link_platform_store_id"),
        "store_link",
        ["platform", "store_id"],
        unique=False,
    )
    op.create_table(
        "subject_key",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_subject_key")),
    )
    op.create_table(
        "submission",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("submitter", sa.String(length=200), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("submitted_at", sa.BigInteger(), nullable=False),
        sa.Column("recheck_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("license", sa.Text(), nullable=False),
        sa.Column("license_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("agreement_version", sa.String(length=40), nullable=False),
        sa.Column("assented_at", sa.BigInteger(), nullable=False),
        sa.Column("depth", sa.BigInteger(), nullable=False),
        sa.Column("personal_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_submission")),
        sa.UniqueConstraint(
            "submitter", "request_id", name=op.f("uq_submission_submitter_request_id")
        ),
    )
    op.create_index(
        op.f("ix_submission_state_expires_at"), "submission", ["state", "expires_at"], unique=False
    )
    op.create_index(
        op.f("ix_submission_state_recheck_at"), "submission", ["state", "recheck_at"], unique=False
    )
    op.create_index(
        op.f("ix_submission_submitter_submitted_at"),
        "submission",
        ["submitter", "submitted_at"],
        unique=False,
    )
    op.create_table(
        "submission_supply",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("field", sa.String(length=60), nullable=False),
        sa.Column("supplier", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("code", "uid", "field", name=op.f("pk_submission_supply")),
    )
    op.create_table(
        "submission_transition",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("code", "uid", "sequence", name=op.f("pk_submission_transition")),
    )
    op.create_table(
        "unmatched_refund",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("record_id", sa.String(length=80), nullable=False),
        sa.Column("original_id", sa.String(length=80), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "platform", "record_id", name=op.f("pk_unmatched_refund")),
    )
    op.create_index(
        op.f("ix_unmatched_refund_code_platform_original_id"),
        "unmatched_refund",
        ["code", "platform", "original_id"],
        unique=False,
    )
    op.create_table(
        "voucher",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("vouched_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "platform", "issuer", "subject", name=op.f("pk_voucher")),
    )
    op.create_table(
        "write_cursor",
        sa.Column("writer", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("writer", "source", name=op.f("pk_write_cursor")),
    )
    op.create_table(
        "wrong_level",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("begin_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("level", sa.String(length=4), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("restored", sa.String(length=4), nullable=False),
        sa.PrimaryKeyConstraint(
            "code", "uid", "number", "begin_at", "level", name=op.f("pk_wrong_level")
        ),
    )


def downgrade() -> None:
    """Drops the tables, and with them all data."""
    op.drop_table("wrong_level")
    op.drop_table("write_cursor")
    op.drop_table("voucher")
    op.drop_index(
        op.f("ix_unmatched_refund_code_platform_original_id"), table_name="unmatched_refund"
    )
    op.drop_table("unmatched_refund")
    op.drop_table("submission_transition")
    op.drop_table("submission_supply")
    op.drop_index(op.f("ix_submission_submitter_submitted_at"), table_name="submission")
    op.drop_index(op.f("ix_submission_state_recheck_at"), table_name="submission")
    op.drop_index(op.f("ix_submission_state_expires_at"), table_name="submission")
    op.drop_table("submission")
    op.drop_table("subject_key")
    op.drop_index(op.f("ix_store_link_platform_store_id"), table_name="store_link")
    op.drop_table("store_link")
    op.drop_index(op.f("ix_store_dispute_due_day"), table_name="store_dispute")
    op.drop_table("store_dispute")
    op.drop_table("snapshot")
    op.drop_table("rollup_day")
    op.drop_table("rollup_buyer")
    op.drop_table("review_finding")
    op.drop_index("ix_review_state", table_name="review")
    op.drop_table("review")
    op.drop_index(op.f("ix_registry_title_key"), table_name="registry")
    op.drop_index(op.f("ix_registry_sync_due_at"), table_name="registry")
    op.drop_table("registry")
    op.drop_index(op.f("ix_refund_flag_code_platform_original_id"), table_name="refund_flag")
    op.drop_table("refund_flag")
    op.drop_index(
        "ix_record_store_id",
        table_name="record",
        sqlite_where=sa.text("kind = 'store'"),
        postgresql_where=sa.text("kind = 'store'"),
    )
    op.drop_index(op.f("ix_record_sequence"), table_name="record")
    op.drop_index(
        "ix_record_original_id",
        table_name="record",
        sqlite_where=sa.text("original_id IS NOT NULL"),
        postgresql_where=sa.text("original_id IS NOT NULL"),
    )
    op.drop_table("record")
    op.drop_table("rating_secret")
    op.drop_table("rating")
    op.drop_table("published_text")
    op.drop_table("platform_contract")
    op.drop_table("platform_authorization")
    op.drop_table("peer_mean")
    op.drop_table("peer_group")
    op.drop_index(op.f("ix_ownership_claim_state_claimed_at"), table_name="ownership_claim")
    op.drop_index(
        op.f("ix_ownership_claim_issuer_subject_claimed_at"), table_name="ownership_claim"
    )
    op.drop_table("ownership_claim")
    op.drop_table("owner_request")
    op.drop_table("override_step")
    op.drop_index(op.f("ix_outbox_due_at"), table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("notice")
    op.drop_table("membership")
    op.drop_table("link_ruling")
    op.drop_index("ix_level_override_proposed_at", table_name="level_override")
    op.drop_table("level_override")
    op.drop_table("invitation")
    op.drop_table("fact")
    op.drop_table("exchange_rate")
    op.drop_table("evidence")
    op.drop_table("erasure")
    op.drop_table("enterprise")
    op.drop_index(op.f("ix_draft_platform_created_at"), table_name="draft")
    op.drop_index(op.f("ix_draft_expires_at"), table_name="draft")
    op.drop_table("draft")
    op.drop_table("document_part")
    op.drop_index(
        "uq_document_sha256",
        table_name="document",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_document_submitter_uploaded_at"), table_name="document")
    op.drop_index(op.f("ix_document_qr_uploaded_at"), table_name="document")
    op.drop_table("document")
    op.drop_table("counter")
    op.drop_table("correction_ruling")
    op.drop_index("ix_correction_state", table_name="correction")
    op.drop_index("ix_correction_actor", table_name="correction")
    op.drop_table("correction")
    op.drop_table("consent_use")
    op.drop_table("consent_revocation")
    op.drop_index(
        "ix_consent_expires_at",
        table_name="consent",
        sqlite_where=sa.text("expires_at IS NOT NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.drop_table("consent")
    op.drop_table("check_result")
    op.drop_table("changes")
    op.drop_table("buyer_place")
    op.drop_table("bulk_run")
    op.drop_table("automation_refusal")
    op.drop_table("assent")
    op.drop_table("announced_level")
    op.drop_index(op.f("ix_amendment_code_amends_uid"), table_name="amendment")
    op.drop_table("amendment")
