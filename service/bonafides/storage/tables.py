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
    Column("composition", Text),
    # JSON, in the registry's order: [[digest of the name, digest of the number]] in hex.
    Column("representatives_index", Text, nullable=False),
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
    Column("depth", BigInteger, nullable=False),
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
    Column("note", String(40), nullable=False),
)

# Every answer of every source, and every time that one was not reached.
evidence: Final = Table(
    "evidence",
    metadata,
    _code(),
    Column("uid", String(36), primary_key=True),
    Column("asked_at", BigInteger, primary_key=True, autoincrement=False),
    Column("source", String(40), primary_key=True),
    Column("retrieved_at", BigInteger, nullable=False),
    # Why the source was not reached; empty: it answered.
    Column("fault", String(40), nullable=False),
    # The answer as it came, under the submission's key; null: it stays in our own tables.
    Column("raw_sealed", LargeBinary),
)

# The ledger of consents: append-only, one purpose in a row. What takes one back is a
# row of `consent_revocation`.
consent: Final = Table(
    "consent",
    metadata,
    _code(),
    Column("uid", String(36), primary_key=True),
    # The submission whose personal values alone it is about; empty: the enterprise.
    Column("of_submission", String(36), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("scope", Text, nullable=False),
    # Of the text that was shown. Empty: the document of the evidence was the text.
    Column("text_version", String(40), nullable=False),
    Column("text_sha256", LargeBinary, nullable=False),
    Column("evidence_sha256", LargeBinary, nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    # Granted is when the person agreed; recorded, when the service learned of it.
    Column("recorded_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    # issuer and subject of the credential by which it was entered
    Column("actor", Text, nullable=False),
)

consent_revocation: Final = Table(
    "consent_revocation",
    metadata,
    _code(),
    Column("uid", String(36), primary_key=True),
    Column("revoked_at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
)

# Each use of a person's values, and each one that was refused.
consent_use: Final = Table(
    "consent_use",
    metadata,
    _code(),
    Column("uid", String(36), primary_key=True),
    Column("used_at", BigInteger, nullable=False),
    # The name of the function in `bonafides.identity.consent.USES`.
    Column("function", String(40), nullable=False),
    Column("purpose", String(40), nullable=False),
    # USED, CONSENT_REQUIRED or PURPOSE_NOT_LISTED.
    Column("outcome", String(20), nullable=False),
    # Null: there was none.
    Column("consent_uid", String(36)),
    Column("actor", Text, nullable=False),
)

# Agreements and privacy notices, by the instant from which each is the current one.
published_text: Final = Table(
    "published_text",
    metadata,
    Column("kind", String(40), primary_key=True),
    Column("version", String(40), primary_key=True),
    Column("effective_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
)

assent: Final = Table(
    "assent",
    metadata,
    _code(),
    Column("kind", String(40), primary_key=True),
    Column("version", String(40), primary_key=True),
    Column("assented_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
)

# The enterprise's authorization to use a platform's records.
platform_authorization: Final = Table(
    "platform_authorization",
    metadata,
    _code(),
    Column("platform", _PLATFORM, primary_key=True),
    Column("uid", String(36), primary_key=True),
    Column("granted_at", BigInteger, nullable=False),
    # Set once.
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
# says; those that a kind does not use are null. With row ids on SQLite: wide rows are
# appended, and only the narrow key is written all over the place.
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

# Which enterprise a platform says that a store is, and whether that counts: one row for
# each STORE record that stands, made by the fold. See `bonafides.records.links`.
store_link: Final = Table(
    "store_link",
    metadata,
    _code(),
    Column("platform", _PLATFORM, primary_key=True),
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
    _code(),
    Column("platform", _PLATFORM, primary_key=True),
    Column("record_id", String(80), primary_key=True),
    Column("reason", String(20), primary_key=True),
    Column("original_id", String(80), nullable=False),
    Index(None, "code", "platform", "original_id"),
)

# What an enterprise contests of a link. Append-only.
store_dispute: Final = Table(
    "store_dispute",
    metadata,
    _code(),
    Column("platform", _PLATFORM, primary_key=True),
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
    _code(),
    Column("platform", _PLATFORM, primary_key=True),
    Column("record_id", String(80), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("ruling", String(20), nullable=False),
    Column("reason", String(200), nullable=False),
    # Who ruled, as an operator names himself; empty: the deadline did.
    Column("ruled_by", String(80), nullable=False),
    Column("ruled_at", BigInteger, nullable=False),
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

# To which group of peers an enterprise belonged when they were measured last.
peer_group: Final = Table(
    "peer_group",
    metadata,
    _code(),
    Column("peer_group", String(200), nullable=False),
)

# Means of groups of at least 30; they describe no enterprise and have no code.
peer_mean: Final = Table(
    "peer_mean",
    metadata,
    Column("peer_group", String(200), primary_key=True),
    Column("feature", String(60), primary_key=True),
    Column("title_zh", String(200), nullable=False),
    Column("title_en", String(200), nullable=False),
    # In thousandths of the feature's unit.
    Column("mean_milli", BigInteger, nullable=False),
    Column("members", BigInteger, nullable=False),
    Column("measured_at", BigInteger, nullable=False),
)

# What an enterprise asked for by a request id, so that a repetition does it once.
owner_request: Final = Table(
    "owner_request",
    metadata,
    _code(),
    Column("request_id", String(36), primary_key=True),
    Column("request_digest", LargeBinary, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
)

# --- Who acts for an enterprise --------------------------------------------------------

# Who acts for it, and who did. A removal is an instant, set once.
membership: Final = Table(
    "membership",
    metadata,
    _code(),
    Column("uid", String(36), primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("role", String(20), nullable=False),
    Column("since", BigInteger, nullable=False),
    # Null: invited by somebody who came through one.
    Column("submission_uid", String(36)),
    # CHALLENGE, VOUCHED, INVITED or DECIDED.
    Column("means", String(20), nullable=False),
    Column("ended_at", BigInteger),
    Column("ended_by", Text),
)

ownership_claim: Final = Table(
    "ownership_claim",
    metadata,
    _code(),
    Column("uid", String(36), primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("submission_uid", String(36), nullable=False),
    Column("state", String(20), nullable=False),
    Column("claimed_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    # Of a challenge. The code is kept as a keyed digest, the contact masked.
    Column("code_index", LargeBinary),
    Column("code_expires_at", BigInteger),
    Column("tries", BigInteger, nullable=False),
    Column("contact", Text, nullable=False),
    # Of a dispute: what was proposed, and by whom.
    Column("proposed", String(20)),
    Column("proposed_by", Text),
    Column("decided_by", Text),
    Index(None, "issuer", "subject", "claimed_at"),
    Index(None, "state", "claimed_at"),
)

# A platform's word that a login acts for the enterprise.
voucher: Final = Table(
    "voucher",
    metadata,
    _code(),
    Column("platform", _PLATFORM, primary_key=True),
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("vouched_at", BigInteger, nullable=False),
)

invitation: Final = Table(
    "invitation",
    metadata,
    _code(),
    Column("uid", String(36), primary_key=True),
    Column("code_index", LargeBinary, nullable=False),
    Column("role", String(20), nullable=False),
    Column("invited_by", Text, nullable=False),
    Column("invited_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("taken_at", BigInteger),
)

# What those who act for the enterprise are told; the words are in the code.
notice: Final = Table(
    "notice",
    metadata,
    _code(),
    Column("uid", String(36), primary_key=True),
    Column("reason", String(40), nullable=False),
    Column("noticed_at", BigInteger, nullable=False),
)

# Messages that wait to be sent, sealed. Whatever becomes of one, its key is deleted.
outbox: Final = Table(
    "outbox",
    metadata,
    _code(),
    Column("uid", String(36), primary_key=True),
    Column("message_sealed", LargeBinary, nullable=False),
    # Whose address it goes to needs this consent; null: the address is public.
    Column("purpose", String(40)),
    Column("due_at", BigInteger),
    Column("tries", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Index(None, "due_at"),
)
