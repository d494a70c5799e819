"""Tables of the service itself: keys, counters, rates, cursors, contracts, changes."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table

from bonafides.storage.tables.columns import PLATFORM, code_column, metadata

# Wrapped keys of subjects, apart from what they seal: deleting a row makes the
# sealed values unreadable, once backups of this one table have aged out.
subject_key: Final = Table(
    "subject_key",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)

# One row per named number that must be handed out or moved on in commit order:
# the last sequence number of the record log, the fold's watermark, the last change.
counter: Final = Table(
    "counter",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

exchange_rate: Final = Table(
    "exchange_rate",
    metadata,
    Column("currency", String(3), primary_key=True),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    # CNY for one unit of the currency, times 10**12.
    Column("rate_e12", BigInteger, nullable=False),
    Column("source", String(80), nullable=False),
)

# How far a source of batches is stored: written in the commit of its records.
write_cursor: Final = Table(
    "write_cursor",
    metadata,
    # A platform, or a digest that stands for a member of staff.
    Column("writer", String(80), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    # Digests of the last batches, the newest last; see `bonafides.records.batches`.
    Column("digests", LargeBinary, nullable=False),
    Column("written_at", BigInteger, nullable=False),
)

# In which currency a platform reports an enterprise's records, by contract. Of
# two that overlap the one that began later is in force.
platform_contract: Final = Table(
    "platform_contract",
    metadata,
    code_column(),
    Column("platform", PLATFORM, primary_key=True),
    Column("from_day", BigInteger, primary_key=True, autoincrement=False),
    # The last day, inclusive; null: it runs on.
    Column("to_day", BigInteger),
    Column("currency", String(3), nullable=False),
    Column("settlement_currency", String(3), nullable=False),
)

# What was changed, so that other processes forget what they remember of it. Its
# ids grow in commit order; rows are kept for an hour.
changes: Final = Table(
    "changes",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(20), nullable=False),
    Column("key", String(80), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

# What an enterprise asked for by a request id, so that a repetition does it once.
owner_request: Final = Table(
    "owner_request",
    metadata,
    code_column(),
    Column("request_id", String(36), primary_key=True),
    Column("request_digest", LargeBinary, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
)

# What the database was made for: the environment that opened it first.
deployment: Final = Table(
    "deployment",
    metadata,
    Column("part", String(20), primary_key=True),
    Column("value", String(40), nullable=False),
)
