"""What can be done with cases of correction: open, look at, rule on.

open_case      somebody whom it concerns says that something is wrong
get_case       one case, for who opened it, for members and for staff
list_cases     the cases of an enterprise, or the caller's own
decide         rules on a case; what follows is in the same unit of work

withhold_overdue   notes which cases nobody ruled on in time, and what follows from that

What a ruling changes is superseded and never rewritten: a fact by another fact, a
record by a revision that voids it. Ruling otherwise puts what was there back, as a fact
or revision of its own. See `bonafides.identity.corrections` for the rules.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Final

from bonafides.archive import facts
from bonafides.archive import operations as archive
from bonafides.errors import (
    FieldViolation,
    InvalidFieldsError,
    NotFoundError,
    RateLimitedError,
    SecondPersonRequiredError,
)
from bonafides.identity import corrections as rules
from bonafides.identity.consent_operations import acts
from bonafides.identity.corrections import Correction, Ruling, Sort, State, Target
from bonafides.identity.membership import Actor, Principal
from bonafides.identity.operations import Desk
from bonafides.identity.wrong_levels import spans
from bonafides.instants import DAY, MICROSECONDS, Instant, day_of
from bonafides.once import Request, require_same
from bonafides.personal.sealing import Place, Sealed
from bonafides.rating.card import Level
from bonafides.rating.people import level_shown
from bonafides.rating.scorecard import Scorecard
from bonafides.records.kinds import Kind as RecordKind
from bonafides.records.links import due_day
from bonafides.storage import archive as archive_rows
from bonafides.storage import corrections as rows
from bonafides.storage import identity as identity_rows
from bonafides.storage import membership as member_rows
from bonafides.storage import overdue, overrides
from bonafides.storage import rating as rating_rows
from bonafides.storage.unit_of_work import Store, UnitOfWork
from bonafides.v1 import rating_pb2


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller says is wrong, by which request."""

    target: Target
    wrong: str
    right: str
    evidence_sha256: bytes
    request: Request


@dataclass(frozen=True, slots=True)
class Decision:
    """How a member of staff rules. `fact_value` and `withdraw` say what holds of a fact."""

    outcome: State
    reason: str
    fact_value: str = ""
    withdraw: bool = False


def open_case(desk: Desk, actor: Actor, code: str, asked: Asked, *, now: Instant) -> Correction:
    """Opens a case; idempotent by the request id.

    Raises:
        NotFoundError: neither an owner, nor a check of a submission of the actor's own.
        InvalidFieldsError: what is named isn't held, or is corrected in another way.
        RequestIdReusedError: the request id came before with another digest.
        RateLimitedError: the login opened too many in 24 hours.
    """
    name = actor.principal.name
    mark = asked.request.mark(desk.vault, "correction", name, code)
    uid = mark.uid
    with desk.store.writing() as work:
        identity_rows.take_turns(work, f"corrections {name}")
        known = rows.request_digest(work, code, uid)
        if known is not None:
            require_same(known, mark.digest)
        else:
            _require_held(work, actor, code, asked.target)
            _limit(work, name, now)
            made = Correction(
                code=code,
                uid=uid,
                actor=name,
                target=asked.target,
                evidence_sha256=asked.evidence_sha256,
                opened_at=now,
                due=due_day(day_of(now)),
                state=State.OPEN,
            )
            rows.add(work, made, mark.digest, _sealed(work, desk, uid, asked))
            if asked.target.sort is Sort.OVERRIDE:
                step = overrides.Step("APPEALED", now, name)
                overrides.note(work, code, asked.target.subject, step)
            _show(work, desk, made, now)
        shown = _found(work, desk, code, uid)
        work.commit()
    return shown


def get_case(desk: Desk, actor: Actor | None, code: str, uid: str) -> Correction:
    """Returns the case. `actor` None: staff of the service.

    Raises:
        NotFoundError: there is none, or it is another's.
    """
    with desk.store.reading() as work:
        found = _found(work, desk, code, uid)
        if not _may_see(work, actor, found):
            raise NotFoundError
    return found


def list_cases(desk: Desk, actor: Actor | None, code: str) -> tuple[Correction, ...]:
    """Returns the cases of the enterprise, the latest first: to others than members, their own.

    Raises:
        NotFoundError: the enterprise doesn't take part, and the actor opened no case.
    """
    with desk.store.reading() as work:
        acting = actor is None or acts(work, actor, code, as_owner=False)
        # What members wrote may name persons: an integrator follows its own cases alone.
        member = acting and (actor is None or actor.agent is None)
        found = [
            _opened(work, desk, case, told)
            for case, told in rows.cases(work, code)
            if member or (actor is not None and case.actor == actor.principal.name)
        ]
        if not found and not (acting and identity_rows.is_enrolled(work, code)):
            raise NotFoundError
    return tuple(found)


def decide(
    desk: Desk, staff: Principal, code: str, uid: str, ruled: Decision, *, now: Instant
) -> Correction:
    """Rules on a case; archive, records and level follow in the same unit of work.

    The same outcome again changes nothing. Another one takes the effect of the one
    before back, unless its source has spoken since.

    A won case also notes which levels were wrong, and members are told how it ended.

    Raises:
        NotFoundError: no such case.
        SecondPersonRequiredError: the one who rules opened it, or entered what it is about.
        InvalidFieldsError: a fact is upheld without saying what holds, or with a value
            that is none of its kind.
    """
    with desk.store.writing() as work:
        identity_rows.take_turns(work, f"corrections of {code}")
        found = rows.find(work, code, uid)
        if found is None:
            raise NotFoundError
        made = found[0]
        if staff.name in _entered_by(work, made):
            raise SecondPersonRequiredError
        if made.state is not ruled.outcome:
            told = Ruling(ruled.outcome, ruled.reason, staff.name, now, applied=False)
            _rule(work, desk, made, ruled, told)
        shown = _found(work, desk, code, uid)
        work.commit()
    return shown


def withhold_overdue(store: Store, card: Scorecard, *, now: Instant) -> int:
    """Notes which cases are overdue, with levels and views; returns of how many enterprises.

    A read that comes first does the same for its enterprise: nobody waits for this.
    """
    with store.reading() as work:
        codes = rows.codes_past_term(work, day_of(now))
    for code in codes:
        with store.writing() as work:
            # Of one that does not take part no view is made, and its cases are overdue, too.
            overdue.withhold(work, code, now)
            archive.refresh(work, card, code, now)
            work.commit()
    return len(codes)


def _rule(work: UnitOfWork, desk: Desk, made: Correction, ruled: Decision, told: Ruling) -> None:
    upheld, now = told.outcome is State.UPHELD, told.at
    counted = _counted(work, made, now) if upheld else None
    applied = _apply(work, made, ruled, told.by, now) if upheld else _take_back(work, made, now)
    kept = _kept(work, made, *counted) if counted else []
    rows.rule(work, made, dataclasses.replace(told, applied=applied))
    _show(work, desk, made, now)
    last = rating_rows.latest(work, made.code, now)
    # An override that was over before its appeal was won is wrong all the same.
    if counted and last and (applied or made.target.sort is Sort.OVERRIDE):
        restored = _level(last.message)
        found = spans(kept, *counted, restored=restored)
        rows.add_wrong_levels(work, made, found, restored)
    # A check is its submitter's affair, and that may be anybody.
    if made.target.sort is not Sort.CHECK:
        member_rows.add_notice(work, made.code, f"APPEAL_{told.outcome.value}", now)


def _entered_by(work: UnitOfWork, made: Correction) -> frozenset[str]:
    """Returns who may not rule: who opened the case, and who entered what it is about."""
    target, found = made.target, [made.actor]
    match target.sort:
        case Sort.FACT:
            kind = facts.Kind(target.kind)
            for each in archive_rows.current_facts(work, made.code, kind, target.item):
                if each.fact.source == rules.CORRECTED:
                    by_case = rows.entered_by(work, made.code, each.recorded_at)
                    # Ruling otherwise in one's own case takes back what one entered.
                    found += [by for uid, by in by_case.items() if uid != made.uid]
        case Sort.CHECK:
            row = identity_rows.find_submission(work, made.code, target.subject)
            found += [row.submitter] if row else []
        case Sort.OVERRIDE:
            held = overrides.find(work, made.code, target.subject)
            found += [held.proposed_by, held.started_by or ""] if held else []
        case Sort.RECORD:
            # Which login of a platform sent a record is not known.
            pass
    return frozenset(found)


def _show(work: UnitOfWork, desk: Desk, made: Correction, now: Instant) -> None:
    """Makes level and views anew: of a fact they also show that it is disputed."""
    if made.target.sort is not Sort.CHECK:
        archive.refresh(work, desk.card, made.code, now)


# --- What may be named ---------------------------------------------------------------


def _require_held(work: UnitOfWork, actor: Actor, code: str, target: Target) -> None:
    owner = acts(work, actor, code, as_owner=True)
    if target.sort is Sort.CHECK:
        _require_check(work, actor, code, target, owner=owner)
    elif not owner:
        raise NotFoundError
    elif target.sort is Sort.OVERRIDE:
        held = overrides.find(work, code, target.subject)
        if held is None or held.started_at is None:
            raise _fault("target.override", "NOT_HELD", "Name an override of this enterprise.")
    elif target.sort is Sort.FACT:
        kind = next((kind for kind in rules.CORRECTABLE if kind.value == target.kind), None)
        if kind is None:
            raise _fault("target.fact.kind", "NOT_CORRECTABLE", _OTHER_WAYS)
        if not archive_rows.current_facts(work, code, kind, target.item):
            raise _fault("target.fact.item", "NOT_HELD", "Name a fact that the archive shows.")
    else:
        if target.kind == RecordKind.STORE.value:
            raise _fault("target.record.kind", "NOT_CORRECTABLE", "Dispute the link of the store.")
        if not rows.revisions(work, code, target.subject, target.kind, target.item):
            raise _fault("target.record", "NOT_HELD", "Name a record as its platform does.")


_OTHER_WAYS: Final = (
    "Name registration, shareholders, changes or a kind of public record. A verification "
    "is corrected by a new submission, a self-description by replacing it."
)


def _require_check(
    work: UnitOfWork, actor: Actor, code: str, target: Target, *, owner: bool
) -> None:
    row = identity_rows.find_submission(work, code, target.subject)
    own = row is not None and row.submitter == actor.principal.name
    if not own and not (owner and target.subject in identity_rows.enrolled_by(work, code)):
        raise NotFoundError
    if target.kind not in identity_rows.latest_check_results(work, code, target.subject):
        raise _fault("target.check.check", "NOT_HELD", "Name a check that the submission shows.")


def _limit(work: UnitOfWork, name: str, now: Instant) -> None:
    oldest = rows.nth_latest_at(work, name, rules.CASES_PER_DAY)
    if oldest is not None and (wait := oldest + DAY - now) > 0:
        raise RateLimitedError(-(-wait // MICROSECONDS))


# --- What follows from a ruling -------------------------------------------------------


def _apply(work: UnitOfWork, made: Correction, ruled: Decision, by: str, now: Instant) -> bool:
    """Puts what is right in place; returns whether anything is changed by the case."""
    if made.target.sort is Sort.FACT:
        return _apply_to_fact(work, made, ruled, now)
    if ruled.fact_value or ruled.withdraw:
        raise _fault("fact_value", "NOT_A_FACT", "Leave fact_value and withdraw out.")
    # Checks are decided by evidence alone: a new submission is checked anew.
    return overdue.take_out(work, made, now, step="APPEAL_WON", by=by)


def _apply_to_fact(work: UnitOfWork, made: Correction, ruled: Decision, now: Instant) -> bool:
    kind = facts.Kind(made.target.kind)
    if ruled.withdraw == bool(ruled.fact_value):
        text = "Give the right value in fact_value, or set withdraw: one of the two."
        raise _fault("fact_value", "VALUE_OR_WITHDRAW", text)
    if ruled.withdraw and kind in rules.NEVER_WITHDRAWN:
        raise _fault("withdraw", "NEVER_WITHDRAWN", "Give the right value in fact_value.")
    known = archive_rows.current_facts(work, made.code, kind, made.target.item)
    standing = [each for each in known if each.fact.valid_from <= now]
    if ruled.withdraw:
        for each in standing:
            archive_rows.supersede(work, each, now)
        return bool(standing)
    try:
        value = facts.from_json(kind, ruled.fact_value)
    except ValueError:
        text = f"Give the JSON of a fact of kind {kind.value}."
        raise _fault("fact_value", "VALUE", text) from None
    # It corrects since when the wrong one was held to hold.
    before = standing[-1].fact if standing else None
    told = facts.Fact(
        code=made.code,
        kind=kind,
        value=value,
        source=rules.CORRECTED,
        retrieved_at=now,
        valid_from=before.valid_from if before else now,
        valid_to=before.valid_to if before else None,
        item=made.target.item,
    )
    archive.record_facts(work, [told], now=now)
    return True


def _take_back(work: UnitOfWork, made: Correction, now: Instant) -> bool:
    """Puts back what the last ruling changed; returns whether anything changed by it."""
    last = made.rulings[-1] if made.rulings else None
    if last is None or last.outcome is State.REFUSED or not last.applied:
        return False
    if made.target.sort is Sort.RECORD:
        return overdue.put_back(work, made, now)
    if made.target.sort is Sort.OVERRIDE:
        return False
    kind, item = facts.Kind(made.target.kind), made.target.item
    standing = [
        each
        for each in archive_rows.current_facts(work, made.code, kind, item)
        if each.fact.valid_from <= now
    ]
    if any(each.recorded_at != last.at for each in standing):
        return False
    for each in standing:
        archive_rows.supersede(work, each, now)
    for before in rows.superseded(work, made.code, kind, item, last.at)[-1:]:
        archive_rows.insert_fact(work, before.fact, now)
    return True


# --- Who read what was wrong ----------------------------------------------------------


def _counted(work: UnitOfWork, made: Correction, now: Instant) -> tuple[Instant, Instant] | None:
    """Returns from when until when what the case contests counted; None: it never did.

    What was withheld as overdue before counted until then.
    """
    target, since, until = made.target, None, now
    match target.sort:
        case Sort.FACT:
            kind = facts.Kind(target.kind)
            known = archive_rows.current_facts(work, made.code, kind, target.item)
            since = known[-1].recorded_at if known else None
        case Sort.RECORD:
            since = rows.recorded_at(work, made.code, target)
        case Sort.OVERRIDE:
            held = overrides.find(work, made.code, target.subject)
            if held is not None:
                since = held.started_at
                until = min(at for at in (now, held.expires_at, held.ended_at) if at is not None)
        case Sort.CHECK:
            pass
    withheld = [each.at for each in made.rulings if each.outcome is State.OVERDUE and each.applied]
    return None if since is None else (since, min([until, *withheld]))


def _kept(
    work: UnitOfWork, made: Correction, since: Instant, until: Instant
) -> list[tuple[Instant, Level]]:
    """Returns the levels that were shown meanwhile, by as of when, the oldest first."""
    if made.target.sort is Sort.OVERRIDE:
        held = overrides.find(work, made.code, made.target.subject)
        return [(since, held.level)] if held else []
    kept = rating_rows.between(work, made.code, since, until)
    return [(as_of, _level(message)) for as_of, message in kept]


def _level(message: bytes) -> Level:
    """Returns the level that was shown, whatever was published or computed beside it."""
    return Level(level_shown(rating_pb2.Rating.FromString(message)))


# --- Reading -------------------------------------------------------------------------


def _sealed(work: UnitOfWork, desk: Desk, uid: str, asked: Asked) -> Sealed:
    key, wrapped = desk.vault.new_key(subject(uid))
    identity_rows.add_wrapped_keys(work, {subject(uid): wrapped})
    told = json.dumps({"wrong": asked.wrong, "right": asked.right}).encode()
    return desk.vault.seal(key, _place(uid), told)


def subject(uid: str) -> str:
    """Returns whose key seals what a case says."""
    return f"correction/{uid}"


def _place(uid: str) -> Place:
    return Place("correction", subject(uid), "told")


def _found(work: UnitOfWork, desk: Desk, code: str, uid: str) -> Correction:
    found = rows.find(work, code, uid)
    if found is None:
        raise NotFoundError
    return _opened(work, desk, *found)


def _opened(work: UnitOfWork, desk: Desk, made: Correction, told: Sealed) -> Correction:
    wrapped = identity_rows.wrapped_keys(work, [subject(made.uid)]).get(subject(made.uid))
    if wrapped is None:
        return made
    key = desk.vault.unwrap(subject(made.uid), wrapped)
    words = json.loads(desk.vault.open(key, _place(made.uid), told))
    return dataclasses.replace(made, wrong=words["wrong"], right=words["right"])


def _may_see(work: UnitOfWork, actor: Actor | None, made: Correction) -> bool:
    if actor is None or made.actor == actor.principal.name:
        return True
    return actor.agent is None and acts(work, actor, made.code, as_owner=False)


def _fault(field: str, reason: str, description: str) -> InvalidFieldsError:
    return InvalidFieldsError((FieldViolation(field, reason, description),))
