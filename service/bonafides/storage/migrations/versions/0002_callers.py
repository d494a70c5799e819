"""Creates the tables of callers: applications, keys, audit, budgets.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "agent_token",
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("token_index", name=op.f("pk_agent_token")),
    )
    op.create_table(
        "application",
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("created_by", sa.String(length=600), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("product", sa.String(length=40), nullable=False),
        sa.Column("test_currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=True),
        sa.Column("email_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("notification_url", sa.String(length=500), nullable=True),
        sa.Column("contract_signed_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("launched_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("test_enterprise", sa.String(length=18), nullable=True),
        sa.Column("accepts_for", sa.String(length=40), nullable=True),
        sa.Column("contract_reference", sa.String(length=120), nullable=True),
        sa.Column("acceptance_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("accepted_by", sa.String(length=40), nullable=True),
        sa.Column("request_digest", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_application")),
        sa.UniqueConstraint("accepted_by", name=op.f("uq_application_accepted_by")),
    )
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.create_index("ix_application_created_by", ["created_by"], unique=False)

    op.create_table(
        "application_change",
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", "uid", name=op.f("pk_application_change")),
    )
    op.create_table(
        "application_key",
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("key_id", sa.String(length=43), nullable=False),
        sa.Column("algorithm", sa.String(length=8), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", "key_id", name=op.f("pk_application_key")),
    )
    op.create_table(
        "application_step",
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("step", sa.String(length=24), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("ground", sa.String(length=24), nullable=True),
        sa.Column("about", sa.String(length=500), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", "uid", name=op.f("pk_application_step")),
    )
    with op.batch_alter_table("application_step", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_application_step_step_taken_at"), ["step", "taken_at"], unique=False
        )

    op.create_table(
        "audit_salt",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_audit_salt")),
    )
    op.create_table(
        "authorization_url",
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("url_index", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "uid", name=op.f("pk_authorization_url")),
        sa.UniqueConstraint("url_index", name=op.f("uq_authorization_url_url_index")),
    )
    op.create_table(
        "budget_calls",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("full_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_budget_calls")),
    )
    with op.batch_alter_table("budget_calls", schema=None) as batch_op:
        batch_op.create_index("ix_budget_calls_full_at", ["full_at"], unique=False)

    op.create_table(
        "budget_day",
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "key", name=op.f("pk_budget_day")),
    )
    op.create_table(
        "budget_seen",
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("enterprise", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("day", "key", "enterprise", name=op.f("pk_budget_seen")),
    )
    op.create_table(
        "canary",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("marked", sa.Boolean(), nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "number", name=op.f("pk_canary")),
    )
    op.create_table(
        "deployment",
        sa.Column("part", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("part", name=op.f("pk_deployment")),
    )
    op.create_table(
        "disclosure",
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("writer", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("shown_at", sa.BigInteger(), nullable=False),
        sa.Column("enterprise", sa.LargeBinary(), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("caller", sa.LargeBinary(), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("application", sa.String(length=64), nullable=False),
        sa.Column("acts_for", sa.LargeBinary(), nullable=True),
        sa.Column("audience", sa.String(length=12), nullable=False),
        sa.Column("method", sa.String(length=80), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("consents", sa.BigInteger(), nullable=False),
        sa.Column("classes", sa.BigInteger(), nullable=False),
        sa.Column("masks", sa.BigInteger(), nullable=False),
        sa.Column("request_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("view_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("token_id", sa.String(length=255), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("day", "writer", "number", name=op.f("pk_disclosure")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "disclosure_count",
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("method", sa.String(length=80), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "method", name=op.f("pk_disclosure_count")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "disclosure_filed",
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("enterprise", sa.LargeBinary(), nullable=False),
        sa.Column("rank", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("shown_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("writer", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(
            "day",
            "run",
            "enterprise",
            "rank",
            "shown_at",
            "writer",
            "number",
            name=op.f("pk_disclosure_filed"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "disclosure_run",
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("day", "run", name=op.f("pk_disclosure_run")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "disclosure_unfiled",
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("writer", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "writer", "first", name=op.f("pk_disclosure_unfiled")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "inquiry",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("deadline_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("document_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code", "platform", "uid", name=op.f("pk_inquiry")),
    )
    with op.batch_alter_table("inquiry", schema=None) as batch_op:
        batch_op.create_index("ix_inquiry_platform", ["platform", "asked_at", "uid"], unique=False)

    op.create_table(
        "integrator_authorization",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("scopes", sa.String(length=500), nullable=False),
        sa.Column("environment", sa.String(length=8), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("code_expires_at", sa.BigInteger(), nullable=False),
        sa.Column("exchanged_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("code", "uid", name=op.f("pk_integrator_authorization")),
    )
    with op.batch_alter_table("integrator_authorization", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_integrator_authorization_client_id_code_index"),
            ["client_id", "code_index"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_integrator_authorization_client_id_granted_at"),
            ["client_id", "granted_at"],
            unique=False,
        )

    op.create_table(
        "key_challenge",
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", "uid", name=op.f("pk_key_challenge")),
    )
    op.create_table(
        "operator_switch",
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("interface", sa.String(length=120), nullable=False),
        sa.Column("caller", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_operator_switch")),
    )
    with op.batch_alter_table("operator_switch", schema=None) as batch_op:
        batch_op.create_index("ix_operator_switch_set_at", ["set_at", "uid"], unique=False)

    op.create_table(
        "platform_decision",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("archive_etag", sa.String(length=64), nullable=False),
        sa.Column("archive_revision", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.String(length=4), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "platform", "uid", name=op.f("pk_platform_decision")),
    )
    with op.batch_alter_table("platform_decision", schema=None) as batch_op:
        batch_op.create_index(
            "ix_platform_decision_platform", ["platform", "recorded_at", "uid"], unique=False
        )

    op.create_table(
        "platform_mask",
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("withheld", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "version", name=op.f("pk_platform_mask")),
        sa.UniqueConstraint("number", name=op.f("uq_platform_mask_number")),
    )
    op.create_table(
        "platform_reader",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("first_read_at", sa.BigInteger(), nullable=False),
        sa.Column("last_read_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "platform", name=op.f("pk_platform_reader")),
    )
    with op.batch_alter_table("platform_reader", schema=None) as batch_op:
        batch_op.create_index("ix_platform_reader_platform", ["platform", "code"], unique=False)

    op.create_table(
        "spending_limit",
        sa.Column("payer", sa.String(length=80), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=True),
        sa.Column("enterprises", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("payer", "number", name=op.f("pk_spending_limit")),
        sa.UniqueConstraint("uid", name=op.f("uq_spending_limit_uid")),
    )
    op.create_table(
        "title_key",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("title_key", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_title_key")),
    )
    with op.batch_alter_table("title_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_title_key_title_key"), ["title_key"], unique=False)

    op.create_table(
        "used_assertion",
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("jti", sa.String(length=64), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "jti", name=op.f("pk_used_assertion")),
    )
    with op.batch_alter_table("used_assertion", schema=None) as batch_op:
        batch_op.create_index("ix_used_assertion_day", ["day"], unique=False)

    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.create_index("ix_membership_login", ["issuer", "subject"], unique=False)

    with op.batch_alter_table("platform_authorization", schema=None) as batch_op:
        batch_op.create_index(
            "ix_platform_authorization_platform", ["platform", "code"], unique=False
        )

    with op.batch_alter_table("snapshot", schema=None) as batch_op:
        batch_op.add_column(sa.Column("content", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("changed_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("consents", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Drops the tables, and with them all data."""
    with op.batch_alter_table("snapshot", schema=None) as batch_op:
        batch_op.drop_column("consents")
        batch_op.drop_column("changed_at")
        batch_op.drop_column("content")

    with op.batch_alter_table("platform_authorization", schema=None) as batch_op:
        batch_op.drop_index("ix_platform_authorization_platform")

    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.drop_index("ix_membership_login")

    with op.batch_alter_table("used_assertion", schema=None) as batch_op:
        batch_op.drop_index("ix_used_assertion_day")

    op.drop_table("used_assertion")
    with op.batch_alter_table("title_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_title_key_title_key"))

    op.drop_table("title_key")
    op.drop_table("spending_limit")
    with op.batch_alter_table("platform_reader", schema=None) as batch_op:
        batch_op.drop_index("ix_platform_reader_platform")

    op.drop_table("platform_reader")
    op.drop_table("platform_mask")
    with op.batch_alter_table("platform_decision", schema=None) as batch_op:
        batch_op.drop_index("ix_platform_decision_platform")

    op.drop_table("platform_decision")
    with op.batch_alter_table("operator_switch", schema=None) as batch_op:
        batch_op.drop_index("ix_operator_switch_set_at")

    op.drop_table("operator_switch")
    op.drop_table("key_challenge")
    with op.batch_alter_table("integrator_authorization", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_integrator_authorization_client_id_granted_at"))
        batch_op.drop_index(batch_op.f("ix_integrator_authorization_client_id_code_index"))

    op.drop_table("integrator_authorization")
    with op.batch_alter_table("inquiry", schema=None) as batch_op:
        batch_op.drop_index("ix_inquiry_platform")

    op.drop_table("inquiry")
    op.drop_table("disclosure_unfiled")
    op.drop_table("disclosure_run")
    op.drop_table("disclosure_filed")
    op.drop_table("disclosure_count")
    op.drop_table("disclosure")
    op.drop_table("deployment")
    op.drop_table("canary")
    op.drop_table("budget_seen")
    op.drop_table("budget_day")
    with op.batch_alter_table("budget_calls", schema=None) as batch_op:
        batch_op.drop_index("ix_budget_calls_full_at")

    op.drop_table("budget_calls")
    op.drop_table("authorization_url")
    op.drop_table("audit_salt")
    with op.batch_alter_table("application_step", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_application_step_step_taken_at"))

    op.drop_table("application_step")
    op.drop_table("application_key")
    op.drop_table("application_change")
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.drop_index("ix_application_created_by")

    op.drop_table("application")
    op.drop_table("agent_token")
