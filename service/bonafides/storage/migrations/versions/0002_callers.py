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
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_application")),
    )
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.create_index("ix_application_created_by", ["created_by"], unique=False)

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


def downgrade() -> None:
    """Drops the tables, and with them all data."""
    with op.batch_alter_table("operator_switch", schema=None) as batch_op:
        batch_op.drop_index("ix_operator_switch_set_at")

    op.drop_table("operator_switch")
    op.drop_table("canary")
    op.drop_table("budget_seen")
    op.drop_table("budget_day")
    with op.batch_alter_table("budget_calls", schema=None) as batch_op:
        batch_op.drop_index("ix_budget_calls_full_at")

    op.drop_table("budget_calls")
    op.drop_table("application_key")
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.drop_index("ix_application_created_by")

    op.drop_table("application")
