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
        "title_key",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("title_key", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_title_key")),
    )
    with op.batch_alter_table("title_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_title_key_title_key"), ["title_key"], unique=False)


def downgrade() -> None:
    """Drops the tables, and with them all data."""
    with op.batch_alter_table("title_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_title_key_title_key"))

    op.drop_table("title_key")
