"""Tables of what persons asked for: corrections, rulings, erasures; where buyers are named."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, String, Table, Text

from bonafides.storage.tables.columns import PLATFORM, code_column, metadata

# Cases: somebody whom it concerns says that something is wrong.
correction: Final = Table(
    "correction",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    # issuer and subject of the credential by which it was opened
    Column("actor", Text, nullable=False),
    # Keyed, as that of a submission is.
    Column("request_digest", LargeBinary, nullable=False),
    # FACT, RECORD, CHECK or OVERRIDE; then its platform, submission or override, its kind or
    # check, its item.
    Column("sort", String(10), nullable=False),
    Column("subject", String(40), nullable=False),
    Column("kind", String(80), nullable=False),
    Column("item", Text, nullable=False),
    # What is wrong and what would be right, in the words of who opened it.
    Column("told_sealed", LargeBinary, nullable=False),
    Column("evidence_sha256", LargeBinary, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("due_day", BigInteger, nullable=False),
    # OPEN, OVERDUE, or the outcome of the last ruling.
    Column("state", String(10), nullable=False),
    Index("ix_correction_state", "state", "opened_at", "uid"),
    Index("ix_correction_actor", "actor", "opened_at"),
)

# Append-only: who rules again rules otherwise, and both are kept.
correction_ruling: Final = Table(
    "correction_ruling",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("outcome", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("ruled_by", Text, nullable=False),
    Column("ruled_at", BigInteger, nullable=False),
    # Whether archive or records were changed by it.
    Column("applied", Boolean, nullable=False),
)

# That an erasure was done, and nothing of what was erased: no value, no pseudonym.
erasure: Final = Table(
    "erasure",
    metadata,
    # Of a submission: its enterprise, and its uid in `subject`. Of a buyer: empty, and the
    # platform.
    code_column(),
    Column("uid", String(36), primary_key=True),
    # SUBMISSION or BUYER.
    Column("sort", String(20), nullable=False),
    Column("subject", String(40), nullable=False),
    Column("erased_at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    # How many records named the buyer.
    Column("records", BigInteger, nullable=False),
)

# In whose records a platform's buyer is named, by whatever revision of whatever kind: the
# way in for what a buyer may ask. Written behind the log, so that no record pays for it.
# It belongs to the platform that supplies the pseudonym, and so does not begin with the code.
buyer_place: Final = Table(
    "buyer_place",
    metadata,
    Column("platform", PLATFORM, primary_key=True),
    # Keyed, as in the log.
    Column("buyer", LargeBinary, primary_key=True),
    Column("code", String(18), primary_key=True),
    sqlite_with_rowid=False,
)
