"""Tables of who was shown what: disclosures to known callers, counts of the public's."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table

from bonafides.storage.tables.columns import PLATFORM, code_column, metadata

# With which salt an enterprise's pseudonym in the audit is made: who deletes the row
# unlinks the enterprise from all that was written of it before.
audit_salt: Final = Table(
    "audit_salt",
    metadata,
    code_column(),
    Column("salt", LargeBinary, nullable=False),
)

# Append-only: what was shown of an enterprise to a known caller, or refused to it. The key
# begins with the day, so that rows past their term are next to each other.
disclosure: Final = Table(
    "disclosure",
    metadata,
    # The day in Shanghai of `shown_at`.
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    # A random number of the process that wrote, and the row's number in it: no process
    # waits for another's.
    Column("writer", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("shown_at", BigInteger, nullable=False),
    # The enterprise's pseudonym. Null: of no enterprise, as an empty list is.
    Column("enterprise", LargeBinary),
    # Member, platform, operator, integrator: the kind of the caller.
    Column("kind", String(12), nullable=False),
    # The keyed pseudonym of the credential's issuer and subject.
    Column("caller", LargeBinary, nullable=False),
    # Empty: none.
    Column("platform", PLATFORM, nullable=False),
    Column("application", String(64), nullable=False),
    # The pseudonym of the enterprise that an integrator acts for. Null: for none.
    Column("acts_for", LargeBinary),
    # In whose eyes, and by which method: its service and name.
    Column("audience", String(12), nullable=False),
    Column("method", String(80), nullable=False),
    # ReadPurpose without its prefix; empty: none was named.
    Column("purpose", String(40), nullable=False),
    # One bit for each v1.Purpose that was consented to and on which what was shown of an
    # individual business rests, by its number.
    Column("consents", BigInteger, nullable=False),
    # One bit for each InformationClass, and each Mask, by its number.
    Column("classes", BigInteger, nullable=False),
    Column("masks", BigInteger, nullable=False),
    # SHA-256 of the request's bytes and of the answer's.
    Column("request_sha256", LargeBinary, nullable=False),
    Column("view_sha256", LargeBinary, nullable=False),
    Column("token_id", String(255), nullable=False),
    # OK, or the reason for which it was refused.
    Column("outcome", String(64), nullable=False),
    sqlite_with_rowid=False,
)

# The way from an enterprise to its rows, in runs of a day (storage.audit_index).
disclosure_filed: Final = Table(
    "disclosure_filed",
    metadata,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("enterprise", LargeBinary, primary_key=True),
    # Whether the row is a line of the log, or one of the day's accesses by persons.
    Column("rank", BigInteger, primary_key=True, autoincrement=False),
    Column("shown_at", BigInteger, primary_key=True, autoincrement=False),
    Column("writer", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# Which runs there are.
disclosure_run: Final = Table(
    "disclosure_run",
    metadata,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# Rows that are not filed yet: of a day and writer, from one number to another.
disclosure_unfiled: Final = Table(
    "disclosure_unfiled",
    metadata,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("writer", BigInteger, primary_key=True, autoincrement=False),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# How often the public was shown something: of whom and of what is kept nowhere.
disclosure_count: Final = Table(
    "disclosure_count",
    metadata,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("method", String(80), primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
