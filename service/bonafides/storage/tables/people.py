"""Tables of what people decide beside the scorecard, and of levels that turned out wrong."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, String, Table, Text

from bonafides.storage.tables.columns import code_column, metadata

# A person looks at a level, because the enterprise asked or because D must not be automatic.
review: Final = Table(
    "review",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    # REQUESTED or KNOCK_OUT.
    Column("cause", String(10), nullable=False),
    # Digests of the facts that it is about, sorted, divided by blanks; empty: of none.
    Column("facts", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    # issuer and subject of who asked; empty: nobody did.
    Column("opened_by", Text, nullable=False),
    Column("request_digest", LargeBinary, nullable=False),
    Column("due_day", BigInteger, nullable=False),
    # A second member of staff has to find the same.
    Column("four_eyes", Boolean, nullable=False),
    # OPEN, or what was found last with effect.
    Column("state", String(10), nullable=False),
    # When the facts became others. Null: they are these.
    Column("ended_at", BigInteger),
    Index("ix_review_state", "state", "opened_at", "uid"),
)

# Append-only.
review_finding: Final = Table(
    "review_finding",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("outcome", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("found_by", Text, nullable=False),
    Column("found_at", BigInteger, nullable=False),
    # Whether it has effect.
    Column("final", Boolean, nullable=False),
)

# Append-only: what an enterprise said of automatic levels; the last row holds.
automation_refusal: Final = Table(
    "automation_refusal",
    metadata,
    code_column(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("refused", Boolean, nullable=False),
    Column("said_at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
)

# A level that two members of staff set for a time.
level_override: Final = Table(
    "level_override",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("request_digest", LargeBinary, nullable=False),
    Column("level", String(4), nullable=False),
    Column("reason", Text, nullable=False),
    Column("term_days", BigInteger, nullable=False),
    Column("proposed_at", BigInteger, nullable=False),
    Column("proposed_by", Text, nullable=False),
    # Null: it is a proposal.
    Column("started_at", BigInteger),
    Column("started_by", Text),
    Column("expires_at", BigInteger),
    # Null: it was not ended before its term.
    Column("ended_at", BigInteger),
    Index("ix_level_override_proposed_at", "proposed_at", "uid"),
)

# Append-only: every step of every override.
override_step: Final = Table(
    "override_step",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("step", String(20), nullable=False),
    Column("taken_at", BigInteger, nullable=False),
    # Empty: nobody, a term passed.
    Column("taken_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# Levels that were shown while something counted that a ruling found wrong.
wrong_level: Final = Table(
    "wrong_level",
    metadata,
    code_column(),
    # Of the case of correction, and of the ruling in it.
    Column("uid", String(36), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("begin_at", BigInteger, primary_key=True, autoincrement=False),
    # Of one day two may begin alike.
    Column("level", String(4), primary_key=True),
    Column("end_at", BigInteger, nullable=False),
    Column("restored", String(4), nullable=False),
)
