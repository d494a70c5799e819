"""What can be done with levels that people set.

propose            one member of staff says which level, why, and for how long
start              another one starts it; the level follows at once, and members are told
end                staff end it before its term, or take a proposal back
list_overrides     the overrides of an enterprise with their steps
list_wrong_levels  levels that were shown while something wrong counted, for staff

Every step is a row of an audit that is only added to. An override ends by itself at its
term, which is no step: nothing is done then. An appeal is a case of correction about it
(`bonafides.identity.correction_operations`); what an override does to a level is decided
by `bonafides.rating.people`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bonafides.archive import operations as archive
from bonafides.errors import (
    CaseStateError,
    FieldViolation,
    InvalidFieldsError,
    NotFoundError,
    SecondPersonRequiredError,
)
from bonafides.identity.consent_operations import require_reader
from bonafides.identity.membership import Actor, Principal
from bonafides.identity.operations import Desk
from bonafides.instants import DAY, Instant
from bonafides.once import Request
from bonafides.rating.card import Level
from bonafides.rating.people import MAX_TERM_DAYS, SETTABLE
from bonafides.storage import corrections as correction_rows
from bonafides.storage import membership as member_rows
from bonafides.storage import overrides as rows
from bonafides.storage.corrections import WrongLevel
from bonafides.storage.identity import is_enrolled, take_turns
from bonafides.storage.overrides import OverrideRow, Step
from bonafides.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Proposal:
    """Which level a member of staff wants to be shown, why, for how long, by which request."""

    level: Level
    reason: str
    term_days: int
    request: Request


@dataclass(frozen=True, slots=True)
class Overridden:
    """An override and its steps, the oldest first."""

    row: OverrideRow
    steps: tuple[Step, ...]


def propose(
    desk: Desk, staff: Principal, code: str, asked: Proposal, *, now: Instant
) -> Overridden:
    """Adds a proposal, which has no effect; idempotent by the request id.

    Raises:
        InvalidFieldsError: the term is over MAX_TERM_DAYS, or people can't set the level.
        NotFoundError: no such enterprise takes part.
        RequestIdReusedError: the request id came before with another digest.
    """
    _require_settable(asked)
    mark = asked.request.mark(desk.vault, "override", staff.name, code)
    uid, keyed = mark.uid, mark.digest
    with desk.store.writing() as work:
        take_turns(work, f"overrides {code}")
        if not is_enrolled(work, code):
            raise NotFoundError
        if mark.answer(rows.find(work, code, uid)) is None:
            made = OverrideRow(
                code, uid, keyed, asked.level, asked.reason, asked.term_days, now, staff.name
            )
            rows.add(work, made, Step("PROPOSED", now, staff.name, asked.reason))
        shown = _found(work, code, uid)
        work.commit()
    return shown


def start(desk: Desk, staff: Principal, code: str, uid: str, *, now: Instant) -> Overridden:
    """Starts a proposal; level and views follow in the same unit of work.

    It takes the place of the override that holds. One that was started already is
    returned as it is.

    Raises:
        NotFoundError: no such override.
        CaseStateError: it was taken back.
        SecondPersonRequiredError: whoever proposed it can't start it.
    """
    with desk.store.writing() as work:
        take_turns(work, f"overrides {code}")
        made = _found(work, code, uid).row
        if made.started_at is None:
            if made.ended_at is not None:
                raise CaseStateError("ENDED")
            if staff.name == made.proposed_by:
                raise SecondPersonRequiredError
            before = rows.holding(work, code, now)
            if before is not None:
                rows.end(work, before, Step("REPLACED", now, staff.name))
            expires_at = Instant(now + made.term_days * DAY)
            rows.start(work, made, Step("STARTED", now, staff.name), expires_at)
            member_rows.add_notice(work, code, "LEVEL_OVERRIDDEN", now)
            archive.refresh(work, desk.card, code, now)
        shown = _found(work, code, uid)
        work.commit()
    return shown


def end(
    desk: Desk, staff: Principal, code: str, uid: str, reason: str, *, now: Instant
) -> Overridden:
    """Ends an override before its term, or takes a proposal back; the level follows at once.

    One member of staff suffices: what the scorecard says then holds again. What is over
    already is returned as it is.

    Raises:
        NotFoundError: no such override.
    """
    with desk.store.writing() as work:
        take_turns(work, f"overrides {code}")
        made = _found(work, code, uid).row
        proposed = made.started_at is None and made.ended_at is None
        if proposed or made.holds(now):
            rows.end(work, made, Step("ENDED", now, staff.name, reason))
            if not proposed:
                member_rows.add_notice(work, code, "OVERRIDE_ENDED", now)
                archive.refresh(work, desk.card, code, now)
        shown = _found(work, code, uid)
        work.commit()
    return shown


def list_overrides(desk: Desk, actor: Actor | None, code: str) -> tuple[Overridden, ...]:
    """Returns the overrides, the latest first. `actor` None: staff, who see proposals too.

    Raises:
        NotFoundError: not the actor's enterprise.
    """
    with desk.store.reading() as work:
        require_reader(work, actor, code)
        steps = rows.steps(work, code)
        return tuple(
            Overridden(each, tuple(steps.get(each.uid, ())))
            for each in rows.of_enterprise(work, code)
            if actor is None or each.started_at is not None
        )


def list_wrong_levels(desk: Desk, code: str) -> tuple[WrongLevel, ...]:
    """Returns the levels that were wrong by cases that are won still, the latest first.

    Raises:
        NotFoundError: no such enterprise takes part.
    """
    with desk.store.reading() as work:
        require_reader(work, None, code)
        return tuple(correction_rows.wrong_levels(work, code))


def _found(work: UnitOfWork, code: str, uid: str) -> Overridden:
    row = rows.find(work, code, uid)
    if row is None:
        raise NotFoundError
    return Overridden(row, tuple(rows.steps(work, code).get(uid, ())))


def _require_settable(asked: Proposal) -> None:
    faults = []
    if asked.level.value not in SETTABLE:
        text = f"Give one of {', '.join(sorted(SETTABLE))}: D comes from public records alone."
        faults.append(FieldViolation("level", "NOT_SETTABLE", text))
    if not 1 <= asked.term_days <= MAX_TERM_DAYS:
        text = f"Give 1 to {MAX_TERM_DAYS} days; afterwards another override can be proposed."
        faults.append(FieldViolation("term_days", "OUT_OF_RANGE", text))
    if faults:
        raise InvalidFieldsError(tuple(faults))
