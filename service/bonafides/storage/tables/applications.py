"""Tables of callers that are programs: applications, their keys, and what was done to both."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, Text

from bonafides.storage.tables.columns import PLATFORM, metadata

application: Final = Table(
    "application",
    metadata,
    Column("client_id", String(40), primary_key=True),
    # The login that made it: the one name of a submitter across issuers.
    Column("created_by", String(600), nullable=False),
    # MERCHANT, ACQUIRER, INTEGRATOR.
    Column("role", String(16), nullable=False),
    Column("name", String(120), nullable=False),
    # WEB, MOBILE, SERVER.
    Column("type", String(16), nullable=False),
    Column("description", String(500), nullable=False),
    # ISO 3166, two letters; never changes.
    Column("country", String(2), nullable=False),
    Column("product", String(40), nullable=False),
    Column("test_currency", String(3), nullable=False),
    # DRAFT, TESTING, READY, LIVE, SUSPENDED, CLOSED.
    Column("state", String(16), nullable=False),
    # The platform whose records and authorizations it calls for; null: none.
    Column("platform", PLATFORM),
    # The registered e-mail, sealed: codes for changes go there.
    Column("email_sealed", LargeBinary, nullable=False),
    Column("notification_url", String(500)),
    Column("contract_signed_at", BigInteger),
    Column("accepted_at", BigInteger),
    Column("launched_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    # In sandbox: the enterprise to try things on, and in whose live favor it passed.
    Column("test_enterprise", String(18)),
    Column("accepts_for", String(40)),
    # What the contract is filed under, and what the run was accepted by.
    Column("contract_reference", String(120)),
    Column("acceptance_sha256", LargeBinary),
    # In live: the application of the sandbox that passed; it serves once.
    Column("accepted_by", String(40), unique=True),
    # Digest of what was asked for, so that a repetition is told from another request.
    Column("request_digest", LargeBinary),
    Index("ix_application_created_by", "created_by"),
)

application_key: Final = Table(
    "application_key",
    metadata,
    Column("client_id", String(40), primary_key=True),
    # The thumbprint of the public key (RFC 7638).
    Column("key_id", String(43), primary_key=True),
    # The one algorithm that the key signs by: EdDSA, ES256.
    Column("algorithm", String(8), nullable=False),
    # SubjectPublicKeyInfo, DER.
    Column("public_key", LargeBinary, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

# What was done to an application, by whom: appended to alone. A suspension for misuse is
# found here by whoever looks into the incident.
application_step: Final = Table(
    "application_step",
    metadata,
    Column("client_id", String(40), primary_key=True),
    Column("uid", String(36), primary_key=True),
    # A name of `bonafides.access.applications.Step`.
    Column("step", String(24), nullable=False),
    Column("taken_at", BigInteger, nullable=False),
    Column("taken_by", Text, nullable=False),
    # Of a suspension: a name of `bonafides.access.applications.Ground`.
    Column("ground", String(24)),
    # What staff wrote, a reference, a key's id: whatever the step is about.
    Column("about", String(500), nullable=False),
    # Of a change: the keyed digest of its request, of which the row's id is made too.
    Column("request_digest", LargeBinary),
    Index(None, "step", "taken_at"),
)

# What a key has to sign before it is registered; good once.
key_challenge: Final = Table(
    "key_challenge",
    metadata,
    Column("client_id", String(40), primary_key=True),
    Column("uid", String(36), primary_key=True),
    Column("nonce", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

# A change of a live application that waits for the code which went to its e-mail.
application_change: Final = Table(
    "application_change",
    metadata,
    Column("client_id", String(40), primary_key=True),
    Column("uid", String(36), primary_key=True),
    # KEY, NOTIFICATION_URL.
    Column("kind", String(20), nullable=False),
    # The key or the address that is to be, as JSON. Neither is secret.
    Column("change", Text, nullable=False),
    # PENDING, DONE, EXPIRED.
    Column("state", String(12), nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    # The code as a keyed digest.
    Column("code_index", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("tries", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)

# What an application signed and sent, so that it counts once. Kept until nothing that was
# signed on that day can be good any more.
used_assertion: Final = Table(
    "used_assertion",
    metadata,
    Column("client_id", String(40), primary_key=True),
    Column("jti", String(64), primary_key=True),
    Column("day", BigInteger, nullable=False),
    Index("ix_used_assertion_day", "day"),
)
