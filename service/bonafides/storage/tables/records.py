"""Tables of records: the log of what platforms report, its roll-ups, links of stores."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bonafides.storage.tables.columns import PLATFORM, code_column, metadata

# The log of what platforms report. Columns mean what `bonafides.records.kinds`
# says; those that a kind does not use are null. With row ids on SQLite: wide rows are
# appended, and only the narrow key is written all over the place.
record: Final = Table(
    "record",
    metadata,
    code_column(),
    Column("platform", PLATFORM, primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("record_id", String(80), primary_key=True),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    # Position in the log, in commit order; the fold reads by it.
    Column("sequence", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("void", Boolean, nullable=False),
    # SHA-256 of the content, to tell a replay from a conflict.
    Column("digest", LargeBinary, nullable=False),
    Column("store_id", String(80), nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("day", BigInteger, nullable=False),
    Column("buyer", LargeBinary),
    Column("amount_minor", BigInteger),
    Column("currency", String(3)),
    Column("amount_cny_minor", BigInteger),
    Column("rate_e12", BigInteger),
    Column("rate_source", String(80)),
    Column("rate_day", BigInteger),
    # The record that this one is about: a refund's or a dispute's transaction.
    Column("original_id", String(80)),
    Column("promised_day", BigInteger),
    Column("delivered_day", BigInteger),
    Column("first_response_at", BigInteger),
    Column("outcome", String(20)),
    Column("decided_at", BigInteger),
    Column("from_day", BigInteger),
    Column("to_day", BigInteger),
    Column("detail", Text),
    Column("refund_state", String(20)),
    Column("requested_at", BigInteger),
    # What the contract settles the amount in; null without a contract.
    Column("settlement_currency", String(3)),
    Column("settlement_minor", BigInteger),
    Column("settlement_rate_e12", BigInteger),
    Column("settlement_rate_source", String(80)),
    Column("settlement_rate_day", BigInteger),
    Index(None, "sequence"),
    # Links by store. Partial: most records are none and pay nothing for it.
    Index(
        "ix_record_store_id",
        "platform",
        "store_id",
        sqlite_where=text("kind = 'store'"),
        postgresql_where=text("kind = 'store'"),
    ),
    # Refunds by transaction. Partial: most records name none and pay nothing for it.
    Index(
        "ix_record_original_id",
        "code",
        "platform",
        "original_id",
        sqlite_where=text("original_id IS NOT NULL"),
        postgresql_where=text("original_id IS NOT NULL"),
    ),
)

# Sums per platform and day; signed folds keep them true under revisions.
rollup_day: Final = Table(
    "rollup_day",
    metadata,
    code_column(),
    Column("platform", PLATFORM, primary_key=True),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("transactions", BigInteger, nullable=False),
    Column("amount_cny_minor", BigInteger, nullable=False),
    Column("deliveries_promised", BigInteger, nullable=False),
    Column("deliveries_late", BigInteger, nullable=False),
    Column("refunds", BigInteger, nullable=False),
    Column("refund_cny_minor", BigInteger, nullable=False),
    Column("complaints", BigInteger, nullable=False),
    Column("complaints_upheld", BigInteger, nullable=False),
    Column("disputes", BigInteger, nullable=False),
    Column("disputes_lost", BigInteger, nullable=False),
    # Complaints and disputes together. Unanswered ones are open.
    Column("cases_settled", BigInteger, nullable=False),
    Column("cases_open", BigInteger, nullable=False),
    Column("cases_unanswered", BigInteger, nullable=False),
    # Cases by the time to the first response: buckets of
    # `bonafides.records.fold.RESPONSE_HOURS`, so that medians can be merged.
    Column("response_0", BigInteger, nullable=False),
    Column("response_1", BigInteger, nullable=False),
    Column("response_2", BigInteger, nullable=False),
    Column("response_3", BigInteger, nullable=False),
    Column("response_4", BigInteger, nullable=False),
    Column("response_5", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# A buyer's transactions in one month. first_day < last_day: bought on two days.
rollup_buyer: Final = Table(
    "rollup_buyer",
    metadata,
    code_column(),
    Column("platform", PLATFORM, primary_key=True),
    Column("buyer", LargeBinary, primary_key=True),
    Column("month", BigInteger, primary_key=True, autoincrement=False),
    Column("transactions", BigInteger, nullable=False),
    Column("first_day", BigInteger, nullable=False),
    Column("last_day", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Refunds whose transaction has not come yet.
unmatched_refund: Final = Table(
    "unmatched_refund",
    metadata,
    code_column(),
    Column("platform", PLATFORM, primary_key=True),
    Column("record_id", String(80), primary_key=True),
    Column("original_id", String(80), nullable=False),
    Column("day", BigInteger, nullable=False),
    Index(None, "code", "platform", "original_id"),
)

# Which enterprise a platform says that a store is, and whether that counts: one row for
# each STORE record that stands, made by the fold. See `bonafides.records.links`.
store_link: Final = Table(
    "store_link",
    metadata,
    code_column(),
    Column("platform", PLATFORM, primary_key=True),
    Column("store_id", String(80), primary_key=True),
    Column("record_id", String(80), primary_key=True),
    Column("from_day", BigInteger, nullable=False),
    # The last day, inclusive; null: it runs on.
    Column("to_day", BigInteger),
    # The place in the log since which the platform has said so of all these days.
    Column("stated", BigInteger, nullable=False),
    # The last ruling; null: there is none.
    Column("ruling", String(20)),
    Column("stands", Boolean, nullable=False),
    # Several enterprises may be said to have one store.
    Index(None, "platform", "store_id"),
)

# What is remarkable about a refund beside its transaction; the words are those of
# `bonafides.records.refunds.Flag`. Nothing is hidden by a flag, and nothing counts less.
refund_flag: Final = Table(
    "refund_flag",
    metadata,
    code_column(),
    Column("platform", PLATFORM, primary_key=True),
    Column("record_id", String(80), primary_key=True),
    Column("reason", String(20), primary_key=True),
    Column("original_id", String(80), nullable=False),
    Index(None, "code", "platform", "original_id"),
)

# What an enterprise contests of a link. Append-only.
store_dispute: Final = Table(
    "store_dispute",
    metadata,
    code_column(),
    Column("platform", PLATFORM, primary_key=True),
    Column("record_id", String(80), primary_key=True),
    Column("uid", String(36), primary_key=True),
    Column("submitter", String(200), nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("request_digest", LargeBinary, nullable=False),
    Column("ground", String(20), nullable=False),
    Column("evidence_sha256", LargeBinary),
    Column("disputed_at", BigInteger, nullable=False),
    # The last day on which it is to be decided.
    Column("due_day", BigInteger, nullable=False),
    UniqueConstraint("submitter", "request_id"),
    Index(None, "due_day"),
)

# What was ruled on a link, in order; the last holds. Append-only.
link_ruling: Final = Table(
    "link_ruling",
    metadata,
    code_column(),
    Column("platform", PLATFORM, primary_key=True),
    Column("record_id", String(80), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("ruling", String(20), nullable=False),
    Column("reason", String(200), nullable=False),
    # Who ruled, as an operator names himself; empty: the deadline did.
    Column("ruled_by", String(80), nullable=False),
    Column("ruled_at", BigInteger, nullable=False),
)
