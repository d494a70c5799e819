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
        "authorization",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("evidence_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code", "uid", "purpose", name=op.f("pk_authorization")),
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
        sa.PrimaryKeyConstraint(
            "code", "uid", "check_name", "checked_at", name=op.f("pk_check_result")
        ),
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
        "enterprise",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_enterprise")),
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
        "rating",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("as_of", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("model_version", sa.String(length=40), nullable=False),
        sa.Column("level", sa.String(length=4), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code", "as_of", name=op.f("pk_rating")),
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
        sqlite_with_rowid=False,
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
        sa.Column("representative_index", sa.LargeBinary(), nullable=True),
        sa.Column("representative_id_index", sa.LargeBinary(), nullable=True),
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
        "write_cursor",
        sa.Column("writer", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("writer", "source", name=op.f("pk_write_cursor")),
    )


def downgrade() -> None:
    """Drops the tables, and with them all data."""
    op.drop_table("write_cursor")
    op.drop_index(
        op.f("ix_unmatched_refund_code_platform_original_id"), table_name="unmatched_refund"
    )
    op.drop_table("unmatched_refund")
    op.drop_table("submission_transition")
    op.drop_index(op.f("ix_submission_submitter_submitted_at"), table_name="submission")
    op.drop_index(op.f("ix_submission_state_recheck_at"), table_name="submission")
    op.drop_index(op.f("ix_submission_state_expires_at"), table_name="submission")
    op.drop_table("submission")
    op.drop_table("subject_key")
    op.drop_table("snapshot")
    op.drop_table("rollup_day")
    op.drop_table("rollup_buyer")
    op.drop_index(op.f("ix_registry_title_key"), table_name="registry")
    op.drop_index(op.f("ix_registry_sync_due_at"), table_name="registry")
    op.drop_table("registry")
    op.drop_index(op.f("ix_refund_flag_code_platform_original_id"), table_name="refund_flag")
    op.drop_table("refund_flag")
    op.drop_index(op.f("ix_record_sequence"), table_name="record")
    op.drop_index(
        "ix_record_original_id",
        table_name="record",
        sqlite_where=sa.text("original_id IS NOT NULL"),
        postgresql_where=sa.text("original_id IS NOT NULL"),
    )
    op.drop_table("record")
    op.drop_table("rating")
    op.drop_table("platform_contract")
    op.drop_table("platform_authorization")
    op.drop_table("fact")
    op.drop_table("exchange_rate")
    op.drop_table("enterprise")
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
    op.drop_table("check_result")
    op.drop_table("changes")
    op.drop_table("authorization")
