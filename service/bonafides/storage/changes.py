"""The table of changes: who remembers something learns here that it is no longer so.

A unit of work notes what it changed, and writes it as the last thing before its
commit, under the lock of one row of `counter` that it holds until the commit is
done. So ids grow in commit order: who has read up to one id misses none below it.
Nothing is locked after that row, so that two units of work can't wait for each
other over it.

    for change in since(connection, last): ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bonafides.instants import HOUR, Instant
from bonafides.storage.tables import changes, counter

# The views of an enterprise's archive; the key is its code.
ARCHIVE: Final = "archive"
# Who acts for an enterprise; the key is its code.
MEMBERSHIP: Final = "membership"
# What an application is, its keys, and who authorized it; the key is its client id.
APPLICATION: Final = "application"
# What staff closed, and canaries; the key says which of them, and nobody needs it.
SWITCH: Final = "switch"
# What a platform is not shown; the key is the platform.
PLATFORM_MASK: Final = "platform_mask"

# How long a change can be read. Who was away for longer forgets everything.
KEPT: Final = HOUR
_LAST: Final = "changes"
# Bounds one round of pruning: the table may hold millions after a bulk load.
_PRUNED_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was changed, and the revision that it has since."""

    kind: str
    key: str
    revision: int
    changed_at: Instant


def write(connection: sa.Connection, told: Sequence[Change]) -> None:
    """Adds the changes. To be done right before the commit, and nothing after it."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    insert = dialect.insert(counter).values(name=_LAST, value=len(told))
    last: int = connection.execute(
        insert.on_conflict_do_update(
            index_elements=["name"], set_={"value": counter.c.value + insert.excluded.value}
        ).returning(counter.c.value)
    ).scalar_one()
    connection.execute(
        changes.insert(),
        [
            {
                "id": identifier,
                "kind": change.kind,
                "key": change.key,
                "revision": change.revision,
                "changed_at": change.changed_at,
            }
            for identifier, change in enumerate(told, start=last - len(told) + 1)
        ],
    )


def latest(connection: sa.Connection) -> int:
    """Returns the id of the last change that was committed, pruned or not; 0: none was."""
    return connection.execute(_LATEST).scalar() or 0


def since(connection: sa.Connection, last: int) -> list[tuple[int, Change]]:
    """Returns what was committed after the change of this id, in order, with the ids."""
    return [
        (row.id, Change(row.kind, row.key, row.revision, Instant(row.changed_at)))
        for row in connection.execute(_SINCE, {"last": last})
    ]


def prune(connection: sa.Connection, now: Instant) -> int:
    """Deletes some of the changes that are older than `KEPT`; returns how many, 0 if none."""
    oldest = sa.select(changes.c.id).order_by(changes.c.id).limit(_PRUNED_AT_ONCE)
    return connection.execute(
        sa.delete(changes).where(
            changes.c.id.in_(oldest), changes.c.changed_at < Instant(now - KEPT)
        )
    ).rowcount


_LATEST: Final = sa.select(counter.c.value).where(counter.c.name == _LAST)
_SINCE: Final = sa.select(changes).where(changes.c.id > sa.bindparam("last")).order_by(changes.c.id)
