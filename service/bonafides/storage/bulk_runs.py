"""The rows of `bulk_run`: how far a long run over all enterprises is.

A run notes each step in the unit of work of that step, so that one that was stopped goes
on behind the last step that was committed.

    run = begin(work, "rerate", card.digest, now=now)     # or the one that was stopped
    advance(work, "rerate", codes)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from bonafides.instants import Instant
from bonafides.storage.tables import bulk_run
from bonafides.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class BulkRun:
    """A run that is not done: `last_code` is behind it, `done` enterprises are."""

    subject: str
    started_at: Instant
    last_code: str
    done: int


def begin(work: UnitOfWork, name: str, subject: str, *, now: Instant) -> BulkRun:
    """Returns the run of this name that was stopped; one of another subject begins anew."""
    found = work.execute(sa.select(bulk_run).where(bulk_run.c.name == name)).one_or_none()
    if found is not None and found.subject == subject:
        return BulkRun(found.subject, Instant(found.started_at), found.last_code, found.done)
    end(work, name)
    begun = BulkRun(subject, now, "", 0)
    work.execute(
        bulk_run.insert(),
        {"name": name, "subject": subject, "started_at": now, "last_code": "", "done": 0},
    )
    return begun


def advance(work: UnitOfWork, name: str, codes: Sequence[str]) -> None:
    """Notes that the enterprises are done, in the order of their codes; at least one."""
    work.execute(_ADVANCE, {"of_run": name, "last_of_step": codes[-1], "of_step": len(codes)})


def end(work: UnitOfWork, name: str) -> None:
    """Notes that the run is done, so that the next one begins anew."""
    work.execute(sa.delete(bulk_run).where(bulk_run.c.name == name))


_ADVANCE: Final = (
    sa.update(bulk_run)
    .where(bulk_run.c.name == sa.bindparam("of_run"))
    .values(
        last_code=sa.bindparam("last_of_step"),
        done=bulk_run.c.done + sa.bindparam("of_step"),
    )
)
