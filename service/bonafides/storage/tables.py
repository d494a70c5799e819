"""Every table of the service, as SQLAlchemy Core.

Keys of enterprise data begin with the enterprise's code, so that the tables can be
sharded on it. Instants are microseconds UTC, days and months are counts (see
`bonafides.instants`), money is in minor units with its currency: all BIGINT, so
that the same expression means the same on every engine. What is personal is
stored sealed (`..._sealed`) or as a keyed digest (`..._index`), never in clear.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_CODE: Final = String(18)
_PLATFORM: Final = String(40)


def _code() -> Column[str]:
    return Column("code", _CODE, primary_key=True)


# --- Callers' housekeeping -----------------------------------------------------

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
    _code(),
    Column("platform", _PLATFORM, primary_key=True),
    Column("from_day", BigInteger, primary_key=True, autoincrement=False),
    # The last day, inclusive; null: it runs on.
    Column("to_day", BigInteger),
    Column("currency", String(3), nullable=False),
    Column("settlement_currency", String(3), nullable=False),
)

# --- Identity --------------------------------------------------------------------

# What the registry's table says, one row per enterprise, as last loaded.
registry: Final = Table(
    "registry",
    metadata,
    _code(),
    Column("title", Text, nullable=False),
    Column("title_key", Text, nullable=False),
    Column("operating_state", String(20), nullable=False),
    Column("legal_form", Text),
    Column("registered_address", Text),
    Column("established_day", BigInteger),
    Column("term_start_day", BigInteger),
    Column("term_end_day", BigInteger),
    Column("capital_minor", BigInteger),
    Column("capital_currency", String(3)),
    Column("business_scope", Text),
    Column("representative_index", LargeBinary),
    Column("representative_id_index", LargeBinary),
    Column("shareholders", Text, nullable=False),
    Column("changes", Text, nullable=False),
    Column("raw_sealed", LargeBinary, nullable=False),
    Column("retrieved_at", BigInteger, nullable=False),
    Column("loaded_at", BigInteger, nullable=False),
    # Set when the row of an enrolled enterprise was loaded again, until its facts follow.
    Column("sync_due_at", BigInteger),
    Index(None, "title_key"),
    Index(None, "sync_due_at"),
)

submission: Final = Table(
    "submission",
    metadata,
    _code(),
    Column("uid", String(36), primary_key=True),
    # issuer and subject of the submitter's credential
    Column("submitter", String(200), nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("request_digest", LargeBinary, nullable=False),
    Column("state", String(20), nullable=False),
    Column("submitted_at", BigInteger, nullable=False),
    Column("recheck_at", BigInteger),
    Column("expires_at", BigInteger),
    Column("title", Text, nullable=False),
    Column("license", Text, nullable=False),
    # Which copy it names; null: none.
    Column("license_sha256", LargeBinary),
    Column("agreement_version", String(40), nullable=False),
    Column("assented_at", BigInteger, nullable=False),
    Column("personal_sealed", LargeBinary, nullable=False),
    UniqueConstraint("submitter", "request_id"),
    Index(None, "submitter", "submitted_at"),
    Index(None, "state", "recheck_at"),
    Index(None, "state", "expires_at"),
)

# Copies of licences. A row stays when the copy is deleted: its digest is evidence.
document: Final = Table(
    "document",
    metadata,
    _code(),
    Column("uid", String(36), primary_key=True),
    # issuer and subject of the uploader's credential
    Column("submitter", String(200), nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("media_type", String(20), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("uploaded_at", BigInteger, nullable=False),
    # What its QR code said; the words are those of `bonafides.identity.documents.Qr`.
    Column("qr", String(20), nullable=False),
    Column("deleted_at", BigInteger),
    Index(None, "submitter", "uploaded_at"),
    Index(None, "qr", "uploaded_at"),
    # One and the same file of one uploader is kept once.
    Index(
        "uq_document_sha256",
        "code",
        "submitter",
        "sha256",
        unique=True,
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
)

# The bytes of a document, part by part, each sealed with the document's own key.
document_part: Final = Table(
    "document_part",
    metadata,
    _code(),
    Column("uid", String(36), primary_key=True),
    Column("part", BigInteger, primary_key=True, autoincrement=False),
    Column("content_sealed", LargeBinary, nullable=False),
)

submission_transition: Final = Table(
    "submission_transition",
    metadata,
    _code(),
    Column("uid", String(36), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("state", String(20), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", String(60), nullable=False),
)

check_result: Final = Table(
    "check_result",
    metadata,
    _code(),
    Column("uid", String(36), primary_key=True),
    Column("check_name", String(40), primary_key=True),
    Column("checked_at", BigInteger, primary_key=True, autoincrement=False),
    Column("outcome", String(20), nullable=False),
    Column("source", String(40), nullable=False),
    Column("retrieved_at", BigInteger, nullable=False),
)

# Append-only. A revocation is an instant, set once.
authorization: Final = Table(
    "authorization",
    metadata,
    _code(),
    Column("uid", String(36), primary_key=True),
    Column("purpose", String(40), primary_key=True),
    Column("scope", Text, nullable=False),
    Column("evidence_sha256", LargeBinary, nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    # Granted is when the person agreed; recorded, when the service learned of it.
    Column("recorded_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

# The enterprise's authorization to use a platform's records.
platform_authorization: Final = Table(
    "platform_authorization",
    metadata,
    _code(),
    Column("platform", _PLATFORM, primary_key=True),
    Column("uid", String(36), primary_key=True),
    Column("granted_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

# The enterprises that take part: those whose submission was once VERIFIED.
enterprise: Final = Table(
    "enterprise",
    metadata,
    _code(),
    Column("uid", String(36), nullable=False),
    Column("enrolled_at", BigInteger, nullable=False),
)

# --- Records ---------------------------------------------------------------------

# The log of what platforms report. Columns mean what `bonafides.records.kinds`
# says; those that a kind does not use are null.
record: Final = Table(
    "record",
    metadata,
    _code(),
    Column("platform", _PLATFORM, primary_key=True),
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
    # Refunds by transaction. Partial: most records name none and pay nothing for it.
    Index(
        "ix_record_original_id",
        "code",
        "platform",
        "original_id",
        sqlite_where=text("original_id IS NOT NULL"),
        postgresql_where=text("original_id IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)

# Sums per platform and day; signed folds keep them true under revisions.
rollup_day: Final = Table(
    "rollup_day",
    metadata,
    _code(),
    Column("platform", _PLATFORM, primary_key=True),
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
    _code(),
    Column("platform", _PLATFORM, primary_key=True),
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
    _code(),
    Column("platform", _PLATFORM, primary_key=True),
    Column("record_id", String(80), primary_key=True),
    Column("original_id", String(80), nullable=False),
    Column("day", BigInteger, nullable=False),
    Index(None, "code", "platform", "original_id"),
)

# What is remarkable about a refund beside its transaction; the words are those of
# `bonafides.records.refunds.Flag`. Nothing is hidden by a flag, and nothing counts less.
refund_flag: Final = Table(
    "refund_flag",
    metadata,
    _code(),
    Column("platform", _PLATFORM, primary_key=True),
    Column("record_id", String(80), primary_key=True),
    Column("reason", String(20), primary_key=True),
    Column("original_id", String(80), nullable=False),
    Index(None, "code", "platform", "original_id"),
)

# --- Archive and rating ------------------------------------------------------------

# Append-only and bitemporal: a correction closes the old row's recorded time
# (superseded_at) and adds a new one; nothing is rewritten.
fact: Final = Table(
    "fact",
    metadata,
    _code(),
    Column("kind", String(20), primary_key=True),
    # Of public records: source and the source's own id.
    Column("item", String(120), primary_key=True),
    Column("recorded_at", BigInteger, primary_key=True, autoincrement=False),
    Column("superseded_at", BigInteger),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_to", BigInteger),
    Column("source", String(40), nullable=False),
    Column("retrieved_at", BigInteger, nullable=False),
    Column("value", Text, nullable=False),
)

# What one audience sees, ready to be sent.
snapshot: Final = Table(
    "snapshot",
    metadata,
    _code(),
    Column("view", String(20), primary_key=True),
    # Grows with every assembly; the same in every view of one.
    Column("revision", BigInteger, nullable=False),
    # The next instant at which time alone changes the view.
    Column("next_change_at", BigInteger, nullable=False),
    Column("etag", String(64), nullable=False),
    Column("archive", LargeBinary, nullable=False),
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

# The levels that were computed: the last of each day, card and level.
rating: Final = Table(
    "rating",
    metadata,
    _code(),
    Column("as_of", BigInteger, primary_key=True, autoincrement=False),
    Column("model_version", String(40), nullable=False),
    Column("level", String(4), nullable=False),
    Column("valid_until", BigInteger, nullable=False),
    Column("message", LargeBinary, nullable=False),
)
