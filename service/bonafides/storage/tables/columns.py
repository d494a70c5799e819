"""What all tables share: one catalogue with its names of constraints, and the first columns."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, MetaData, String

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

PLATFORM: Final = String(40)


def code_column() -> Column[str]:
    """Returns the first column of every key of enterprise data: the code."""
    return Column("code", String(18), primary_key=True)
