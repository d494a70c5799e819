"""Tables of integrators: the links they share, who authorized them, and by which token."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, Text

from bonafides.storage.tables.columns import code_column, metadata

# A link by which an integrator asks to be authorized.
authorization_url: Final = Table(
    "authorization_url",
    metadata,
    Column("client_id", String(40), primary_key=True),
    Column("uid", String(36), primary_key=True),
    # The code at the link's end, as a keyed digest.
    Column("url_index", LargeBinary, nullable=False, unique=True),
    # Names of scopes, in alphabetical order, with blanks between them.
    Column("scopes", String(500), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

# What an enterprise let an application do.
integrator_authorization: Final = Table(
    "integrator_authorization",
    metadata,
    code_column(),
    Column("uid", String(36), primary_key=True),
    Column("client_id", String(40), nullable=False),
    Column("scopes", String(500), nullable=False),
    # sandbox, live: a row that strayed into another database is worth nothing there.
    Column("environment", String(8), nullable=False),
    Column("granted_by", Text, nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    # The authorization code, as a keyed digest, and when it ends.
    Column("code_index", LargeBinary, nullable=False),
    Column("code_expires_at", BigInteger, nullable=False),
    # Set once: when the code was exchanged.
    Column("exchanged_at", BigInteger),
    # Set once.
    Column("revoked_at", BigInteger),
    Column("revoked_by", Text),
    Index(None, "client_id", "code_index"),
    Index(None, "client_id", "granted_at"),
)

# By which agent token an application acts: from the token's keyed digest to the enterprise.
agent_token: Final = Table(
    "agent_token",
    metadata,
    Column("token_index", LargeBinary, primary_key=True),
    Column("client_id", String(40), nullable=False),
    Column("code", String(18), nullable=False),
    Column("uid", String(36), nullable=False),
)
