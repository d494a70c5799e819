"""What can be done with what platforms decide of enterprises by themselves.

record            a platform records its decision, which has no effect here
list_decisions    to a platform its own, to the enterprise and to staff all of it

The service suggests no decision and acts on none: level, archive and requirements are the
same before and after. The enterprise sees who decided what, resting on which archive, and
where its questions go: to that platform.

Source: 002 §1.8(1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bonafides.errors import NotFoundError, RateLimitedError
from bonafides.identity.consent_operations import require_reader
from bonafides.identity.membership import Actor
from bonafides.identity.operations import Desk
from bonafides.instants import DAY, MICROSECONDS, Instant
from bonafides.once import Request
from bonafides.storage import platforms as rows
from bonafides.storage.identity import is_enrolled, take_turns
from bonafides.storage.platforms import DecisionRow, Place, Whose

# Of one enterprise, by one platform, in 24 hours: each is kept for good.
_MOST_PER_DAY: Final = 20


@dataclass(frozen=True, slots=True)
class Decided:
    """What a platform decided, and what that rested on, by which request."""

    outcome: str
    purpose: str
    reason: str
    archive_etag: str
    archive_revision: int
    level: str
    request: Request


def record(desk: Desk, platform: str, code: str, told: Decided, *, now: Instant) -> DecisionRow:
    """Keeps the decision; idempotent by the request id.

    Raises:
        NotFoundError: no such enterprise takes part.
        RequestIdReusedError: the request id came before with another digest.
        RateLimitedError: the platform recorded too many of this enterprise in 24 hours.
    """
    mark = told.request.mark(desk.vault, "decision", platform, code)
    with desk.store.writing() as work:
        take_turns(work, f"decisions {code}")
        if not is_enrolled(work, code):
            raise NotFoundError
        known = mark.answer(rows.find_decision(work, code, platform, mark.uid))
        if known is not None:
            return known
        since = Instant(now - DAY)
        if rows.decisions_since(work, code, platform, since) >= _MOST_PER_DAY:
            raise RateLimitedError(DAY // MICROSECONDS)
        made = DecisionRow(
            code=code,
            platform=platform,
            uid=mark.uid,
            request_digest=mark.digest,
            outcome=told.outcome,
            purpose=told.purpose,
            archive_etag=told.archive_etag,
            archive_revision=told.archive_revision,
            level=told.level,
            reason=told.reason,
            recorded_at=now,
        )
        rows.add_decision(work, made)
        work.commit()
    return made


def list_of_platform(desk: Desk, platform: str, code: str, place: Place) -> tuple[DecisionRow, ...]:
    """Returns what the platform decided, one more than fit; of any enterprise if none is named."""
    with desk.store.reading() as work:
        return tuple(rows.decisions(work, Whose(code, platform), place))


def list_of_enterprise(
    desk: Desk, actor: Actor | None, code: str, place: Place
) -> tuple[DecisionRow, ...]:
    """Returns what platforms decided of the enterprise, one more than fit. None: staff.

    Raises:
        NotFoundError: not the actor's enterprise.
    """
    with desk.store.reading() as work:
        require_reader(work, actor, code)
        return tuple(rows.decisions(work, Whose(code), place))
