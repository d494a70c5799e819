"""What can be done with reviews of levels, and with the refusal of automatic ones.

request_review         an owner asks that a person look at the level
list_reviews           the reviews of an enterprise, for members and staff
decide_review          staff record what a person found; the level follows at once
get_automatic_rating   tells whether the enterprise takes automatic levels
set_automatic_rating   an owner refuses them, or takes that back

A review of what would give an individual business D is opened by the rating itself, in
the unit of work that finds so (`bonafides.storage.reviews.follow`). What a finding means
for the level is decided by `bonafides.rating.people`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bonafides.archive import operations as archive
from bonafides.errors import CaseStateError, NotFoundError, SecondPersonRequiredError
from bonafides.identity.consent_operations import require_actor, require_reader
from bonafides.identity.membership import Actor, Principal
from bonafides.identity.operations import Desk
from bonafides.instants import Instant, day_of
from bonafides.once import Request
from bonafides.rating.people import Outcome
from bonafides.records.links import due_day
from bonafides.storage import membership as member_rows
from bonafides.storage import reviews as rows
from bonafides.storage.identity import take_turns
from bonafides.storage.reviews import Finding, Refusal, ReviewRow
from bonafides.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Found:
    """What a member of staff found. `four_eyes`: a second one is to find the same."""

    outcome: Outcome
    reason: str
    four_eyes: bool = False


def request_review(
    desk: Desk, actor: Actor, code: str, request: Request, *, now: Instant
) -> ReviewRow:
    """Opens a review, idempotent by the request id; while one is open, that is returned.

    Raises:
        NotFoundError: not the actor's enterprise.
        RequestIdReusedError: the request id came before with another digest.
    """
    name = actor.principal.name
    mark = request.mark(desk.vault, "review", name, code)
    with desk.store.writing() as work:
        take_turns(work, f"reviews {code}")
        require_actor(work, actor, code)
        known = mark.answer(rows.find(work, code, mark.uid))
        asked = (each for each in rows.of_enterprise(work, code) if each.cause == rows.REQUESTED)
        found = known or next((each for each in asked if each.state == rows.OPEN), None)
        if found is None:
            due = due_day(day_of(now))
            nothing: frozenset[str] = frozenset()
            found = ReviewRow(code, mark.uid, rows.REQUESTED, nothing, now, name, mark.digest, due)
            rows.add(work, found)
        work.commit()
    return found


def list_reviews(desk: Desk, actor: Actor | None, code: str) -> tuple[ReviewRow, ...]:
    """Returns the reviews, the latest first. `actor` None: staff of the service.

    Raises:
        NotFoundError: not the actor's enterprise.
    """
    with desk.store.reading() as work:
        require_reader(work, actor, code)
        return tuple(rows.of_enterprise(work, code))


def decide_review(
    desk: Desk, staff: Principal, code: str, uid: str, found: Found, *, now: Instant
) -> ReviewRow:
    """Records what a person found; level and views follow in the same unit of work.

    Where a second person is asked for, by this one or one before, it has effect once two
    in a row, not the same, found the same. What has effect can be found otherwise later,
    while the facts are the same.

    Raises:
        NotFoundError: no such review.
        CaseStateError: the facts are others now.
        SecondPersonRequiredError: whoever asked for the review, or found the same before.
    """
    with desk.store.writing() as work:
        take_turns(work, f"reviews {code}")
        made = _open(work, code, uid)
        if staff.name == made.opened_by:
            raise SecondPersonRequiredError
        four_eyes = made.four_eyes or found.four_eyes
        last = made.findings[-1] if made.findings else None
        same = last is not None and last.outcome is found.outcome
        if same and last is not None and not last.final and last.by == staff.name:
            raise SecondPersonRequiredError
        if not (same and made.state == found.outcome.value):
            final = not four_eyes or same
            told = Finding(found.outcome, found.reason, staff.name, now, final)
            rows.add_finding(work, made, told, four_eyes=four_eyes)
            if final:
                member_rows.add_notice(work, code, "REVIEW_DECIDED", now)
                archive.refresh(work, desk.card, code, now)
        shown = rows.find(work, code, uid) or made
        work.commit()
    return shown


def get_automatic_rating(
    desk: Desk, actor: Actor | None, code: str, *, now: Instant
) -> Refusal | None:
    """Returns what the enterprise said last of automatic levels; None: nothing.

    Raises:
        NotFoundError: not the actor's enterprise.
    """
    with desk.store.reading() as work:
        require_reader(work, actor, code)
        return rows.refusal(work, code, now)


def set_automatic_rating(
    desk: Desk, actor: Actor, code: str, *, refused: bool, now: Instant
) -> Refusal | None:
    """Refuses automatic levels, or takes that back; the level follows at once.

    Raises:
        NotFoundError: not the actor's enterprise.
    """
    with desk.store.writing() as work:
        take_turns(work, f"reviews {code}")
        require_actor(work, actor, code)
        known = rows.refusal(work, code, now)
        if (known is not None and known.refused) != refused:
            rows.say(work, code, Refusal(refused, now), actor.principal.name)
            archive.refresh(work, desk.card, code, now)
        said = rows.refusal(work, code, now)
        work.commit()
    return said


def _open(work: UnitOfWork, code: str, uid: str) -> ReviewRow:
    made = rows.find(work, code, uid)
    if made is None:
        raise NotFoundError
    if made.ended_at is not None:
        raise CaseStateError("ENDED")
    return made
