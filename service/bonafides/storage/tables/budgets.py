"""Tables of what callers spend and may spend, of switches that staff set, and of canaries.

Accounts are named by pseudonyms. What is of a day or of a bucket is forgotten once it is
over (`bonafides.storage.budgets.prune`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, Text

from bonafides.storage.tables.columns import code_column, metadata

# A bucket of tokens: when it will be full again.
budget_calls: Final = Table(
    "budget_calls",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("full_at", BigInteger, nullable=False),
    Index("ix_budget_calls_full_at", "full_at"),
)

# How many enterprises of a day were leased, and how many of them with the last lease.
budget_day: Final = Table(
    "budget_day",
    metadata,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("key", String(32), primary_key=True),
    Column("taken", BigInteger, nullable=False),
    Column("granted", BigInteger, nullable=False),
)

# Which enterprises an account was charged with, as 64 bits of a keyed digest.
budget_seen: Final = Table(
    "budget_seen",
    metadata,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("key", String(32), primary_key=True),
    Column("enterprise", BigInteger, primary_key=True, autoincrement=False),
)

# Append-only but for its end: what staff closed, to whom, why, and who did.
operator_switch: Final = Table(
    "operator_switch",
    metadata,
    Column("uid", String(36), primary_key=True),
    # A service, a method; empty: all.
    Column("interface", String(120), nullable=False),
    # application:ID, key:KEY, prefix:PREFIX; empty: all.
    Column("caller", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("request_digest", String(64), nullable=False),
    # Null: until it is ended.
    Column("until", BigInteger),
    Column("ended_at", BigInteger),
    Column("ended_by", Text),
    Index("ix_operator_switch_set_at", "set_at", "uid"),
)

# Append-only: which codes nobody has a reason to look up; the last row of a code holds.
canary: Final = Table(
    "canary",
    metadata,
    code_column(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("marked", Boolean, nullable=False),
    Column("said_at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
)

# Append-only: what staff let an account spend; the last row of a name holds.
spending_limit: Final = Table(
    "spending_limit",
    metadata,
    # anonymous, member, ...: a kind; platform:NAME, integrator:CLIENT_ID: one of a kind.
    Column("payer", String(80), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("uid", String(36), nullable=False, unique=True),
    # Null: as in the settings.
    Column("calls", BigInteger),
    Column("enterprises", BigInteger),
    Column("reason", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("request_digest", String(64), nullable=False),
)
