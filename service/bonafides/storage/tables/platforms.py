"""Tables of what platforms read, decide and ask, and of what each is not shown."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, Text

from bonafides.storage.tables.columns import PLATFORM, code_column, metadata

# Append-only: what a platform is not shown; the highest version holds.
platform_mask: Final = Table(
    "platform_mask",
    metadata,
    Column("platform", PLATFORM, primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    # Among the masks of all platforms; views are named after it.
    Column("number", BigInteger, nullable=False, unique=True),
    # Of the request that set it.
    Column("uid", String(36), nullable=False),
    Column("request_digest", LargeBinary, nullable=False),
    # Paths, sorted, divided by blanks; empty: none.
    Column("withheld", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
    Column("set_by", Text, nullable=False),
)

# That a platform read an enterprise's archive or level, and from when to when.
platform_reader: Final = Table(
    "platform_reader",
    metadata,
    code_column(),
    Column("platform", PLATFORM, primary_key=True),
    Column("first_read_at", BigInteger, nullable=False),
    # The first read of the last day with one.
    Column("last_read_at", BigInteger, nullable=False),
    Index("ix_platform_reader_platform", "platform", "code"),
)

# Append-only: what platforms decided by themselves.
platform_decision: Final = Table(
    "platform_decision",
    metadata,
    code_column(),
    Column("platform", PLATFORM, primary_key=True),
    Column("uid", String(36), primary_key=True),
    Column("request_digest", LargeBinary, nullable=False),
    # ADMITTED, REFUSED, LIMITED, ENDED.
    Column("outcome", String(10), nullable=False),
    Column("purpose", String(20), nullable=False),
    # Empty, 0, empty: it rested on none.
    Column("archive_etag", String(64), nullable=False),
    Column("archive_revision", BigInteger, nullable=False),
    Column("level", String(4), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Index("ix_platform_decision_platform", "platform", "recorded_at", "uid"),
)

# What a platform asks of an enterprise, and how it was answered.
inquiry: Final = Table(
    "inquiry",
    metadata,
    code_column(),
    Column("platform", PLATFORM, primary_key=True),
    Column("uid", String(36), primary_key=True),
    Column("request_digest", LargeBinary, nullable=False),
    # DOCUMENT, EXPLANATION, UPDATE.
    Column("kind", String(12), nullable=False),
    Column("text", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("deadline_at", BigInteger, nullable=False),
    # The latest answer; empty, null and null: there is none.
    Column("answer", Text, nullable=False),
    Column("document_sha256", LargeBinary),
    Column("answered_at", BigInteger),
    # Null: the platform asks still.
    Column("closed_at", BigInteger),
    Index("ix_inquiry_platform", "platform", "asked_at", "uid"),
)
