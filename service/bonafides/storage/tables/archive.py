"""Tables of archive and rating: facts, snapshots, levels, peers."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table, Text

from bonafides.storage.tables.columns import code_column, metadata

# Append-only and bitemporal: a correction closes the old row's recorded time
# (superseded_at) and adds a new one; nothing is rewritten.
fact: Final = Table(
    "fact",
    metadata,
    code_column(),
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
    code_column(),
    Column("view", String(20), primary_key=True),
    # Grows with every assembly; the same in every view of one.
    Column("revision", BigInteger, nullable=False),
    # The next instant at which time alone changes the view.
    Column("next_change_at", BigInteger, nullable=False),
    Column("etag", String(64), nullable=False),
    Column("archive", LargeBinary, nullable=False),
    # What the view says, apart from when that was looked at, and when it began to say so.
    # Null: it was before that was noted.
    Column("content", String(64)),
    Column("changed_at", BigInteger),
    # One bit for each v1.Purpose that was consented to when it was made and on which something
    # in it may rest, by its number. Null: it was before that was noted.
    Column("consents", BigInteger),
)

# Under what an enterprise is found by name: the digest of its registered name, folded;
# see `bonafides.storage.titles`.
title_key: Final = Table(
    "title_key",
    metadata,
    code_column(),
    Column("title_key", String(64), nullable=False, index=True),
)

# The levels that were computed. One that changed nothing gives way to the next of its day.
rating: Final = Table(
    "rating",
    metadata,
    code_column(),
    Column("as_of", BigInteger, primary_key=True, autoincrement=False),
    Column("model_version", String(40), nullable=False),
    # As published, and as facts and card alone give it.
    Column("level", String(4), nullable=False),
    Column("raw_level", String(4), nullable=False),
    # Why it is another than before; see `bonafides.rating.publishing.Cause`.
    Column("cause", String(20), nullable=False),
    Column("valid_until", BigInteger, nullable=False),
    Column("message", LargeBinary, nullable=False),
    # Of which facts, as JSON; see `bonafides.rating.marks`.
    Column("marks", Text, nullable=False),
    # The canonical bytes; see `bonafides.rating.receipt`.
    Column("receipt", LargeBinary, nullable=False),
)

# Of what the salts of an enterprise's receipts are made. Whoever lacks it can't tell of
# whom a receipt is.
rating_secret: Final = Table(
    "rating_secret",
    metadata,
    code_column(),
    Column("secret", LargeBinary, nullable=False),
)

# To which group of peers an enterprise belonged when they were measured last.
peer_group: Final = Table(
    "peer_group",
    metadata,
    code_column(),
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

# Who falls by a card that is to be served, as it was announced to each; see
# `bonafides.rating.promotions`. Gone once the card is served, or withdrawn.
announced_level: Final = Table(
    "announced_level",
    metadata,
    code_column(),
    Column("model_version", String(40), nullable=False),
    Column("model_digest", String(64), nullable=False),
    Column("level", String(4), nullable=False),
    Column("announced_at", BigInteger, nullable=False),
    # Not before this instant.
    Column("effective_at", BigInteger, nullable=False),
)

# How far a long run over all enterprises is, so that one that was stopped goes on.
bulk_run: Final = Table(
    "bulk_run",
    metadata,
    Column("name", String(40), primary_key=True),
    # What the run is of: one of another card begins anew.
    Column("subject", String(64), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    # The last code that is done; "" before the first.
    Column("last_code", String(18), nullable=False),
    Column("done", BigInteger, nullable=False),
)
