"""Tables of who acts for an enterprise: members, claims, invitations, notices, messages."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, Text

from bonafides.storage.tables.columns import PLATFORM, code_column, metadata

# Who acts for it, and who did. A removal is an instant, set once.
membership: Final = Table(
    "membership",
    metadata,
    code_column(),
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
    # By which a login's enterprises are found: it is asked for as often as somebody new reads.
    Index("ix_membership_login", "issuer", "subject"),
)

ownership_claim: Final = Table(
    "ownership_claim",
    metadata,
    code_column(),
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
    code_column(),
    Column("platform", PLATFORM, primary_key=True),
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("vouched_at", BigInteger, nullable=False),
)

invitation: Final = Table(
    "invitation",
    metadata,
    code_column(),
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
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("reason", String(40), nullable=False),
    Column("noticed_at", BigInteger, nullable=False),
)

# Messages that wait to be sent, sealed. Whatever becomes of one, its key is deleted. One
# about no enterprise, but an application, has an empty code.
outbox: Final = Table(
    "outbox",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("message_sealed", LargeBinary, nullable=False),
    # Whose address it goes to needs this consent; null: it needs none.
    Column("purpose", String(40)),
    Column("due_at", BigInteger),
    Column("tries", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Index(None, "due_at"),
)
