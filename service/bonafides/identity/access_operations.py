"""Shows an enterprise who was shown something of it.

list_accesses     its access log, page by page
forget_accesses   deletes rows of the audit past their term
watch_platforms   finds platforms that read unusually many enterprises anew

What the log is made of is written before each answer (`bonafides.access.audit`); this only
reads it, for those who act for the enterprise. After the enterprise's salt was deleted,
its log begins anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bonafides.access.unusual import DAYS, is_unusual, usual
from bonafides.identity.consent_operations import require_actor
from bonafides.identity.membership import Actor
from bonafides.identity.operations import Desk
from bonafides.instants import MICROSECONDS, Day, Instant, day_of
from bonafides.storage import audit, platform_reads
from bonafides.storage.access_log import Line, Place, lines
from bonafides.storage.unit_of_work import Store

_LOOKED_EVERY: Final = 600 * MICROSECONDS
_LONG_AGO: Final = Instant(0)


def list_accesses(
    desk: Desk, actor: Actor, code: str, *, after: Place | None, limit: int
) -> Sequence[Line]:
    """Returns the lines of the log behind a place, at most so many, the latest first.

    Raises:
        NotFoundError: not the actor's enterprise.
    """
    with desk.store.reading() as work:
        require_actor(work, actor, code, as_owner=False)
        known = audit.find_pseudonym(work, desk.vault, code)
        return [] if known is None else lines(work, known, after, limit)


def forget_accesses(store: Store, *, now: Instant) -> int:
    """Deletes the rows of the audit that are past their term; returns how many."""
    deleted = 0
    while True:
        with store.writing() as work:
            step = audit.prune(work, day_of(now))
            work.commit()
        if not step:
            return deleted
        deleted += step


@dataclass(frozen=True, slots=True)
class Unusual:
    """A platform that reads many new enterprises today: how many, and how many are usual."""

    platform: str
    today: int
    usual: int


@dataclass(slots=True)
class Watch:
    """What a process has told of already: on which day, of which platforms, until when."""

    day: Day | None = None
    told: set[str] = field(default_factory=set)
    next_at: Instant = _LONG_AGO


def watch_platforms(store: Store, watch: Watch, *, now: Instant) -> list[Unusual]:
    """Returns platforms that read unusually many new enterprises, each once a day.

    Looks every ten minutes. Source: access.unusual.
    """
    if now < watch.next_at:
        return []
    today = day_of(now)
    watch.next_at = Instant(now + _LOOKED_EVERY)
    if watch.day != today:
        watch.day, watch.told = today, set()
    days = [Day(today - back) for back in range(DAYS, -1, -1)]
    with store.reading() as work:
        counted = platform_reads.new_by_day(work, days)
    found = [
        Unusual(platform, counts[-1], usual(counts[:-1]))
        for platform, counts in sorted(counted.items())
        if platform not in watch.told and is_unusual(counts[-1], counts[:-1])
    ]
    watch.told.update(each.platform for each in found)
    return found
