"""Shows an enterprise who was shown something of it.

list_accesses     its access log, page by page
forget_accesses   deletes rows of the audit past their term

What the log is made of is written before each answer (`bonafides.access.audit`); this only
reads it, for those who act for the enterprise. After the enterprise's salt was deleted,
its log begins anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from bonafides.identity.consent_operations import require_actor
from bonafides.identity.membership import Actor
from bonafides.identity.operations import Desk
from bonafides.instants import Instant, day_of
from bonafides.storage import audit
from bonafides.storage.access_log import Line, Place, lines
from bonafides.storage.unit_of_work import Store


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
