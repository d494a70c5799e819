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


def downgrade() -> None:
    """Drops the tables, and with them all data."""
    with op.batch_alter_table("integrator_authorization", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_integrator_authorization_client_id_granted_at"))
        batch_op.drop_index(batch_op.f("ix_integrator_authorization_client_id_code_index"))

    op.drop_table("integrator_authorization")
    op.drop_table("authorization_url")
    op.drop_table("application_key")
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.drop_index("ix_application_created_by")

    op.drop_table("application")
    op.drop_table("agent_token")
