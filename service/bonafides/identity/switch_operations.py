"""What staff can do against crawling.

set_switch       closes an interface, or closes it to one caller
list_switches    those that hold; ended ones too, if asked
end_switch       opens it again
set_canary       says that a generated code is a canary, or none any more
list_canaries    what was said last of each

Every row names its author and stays. What a switch closes is decided by
`bonafides.access.switches`; processes hear of it with the commit, or within a second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bonafides.access.switches import MOST_TERM
from bonafides.errors import FieldViolation, InvalidFieldsError, NotFoundError
from bonafides.identity.codes import GENERATED_REGION, UnifiedCode
from bonafides.identity.membership import Principal
from bonafides.identity.operations import Desk
from bonafides.instants import Instant
from bonafides.once import Request, require_same
from bonafides.storage import switches as rows
from bonafides.storage.identity import take_turns
from bonafides.storage.switches import CanaryRow, SwitchRow


@dataclass(frozen=True, slots=True)
class Closing:
    """What a member of staff wants closed, to whom, why, until when, by which request."""

    interface: str
    # As `bonafides.access.switches.read_caller` writes it; empty: everybody.
    caller: str
    reason: str
    until: Instant | None
    request: Request


def set_switch(desk: Desk, staff: Principal, asked: Closing, *, now: Instant) -> SwitchRow:
    """Sets a switch in place of one for the same; idempotent by the request id.

    Raises:
        InvalidFieldsError: it would close everything to everybody, or its time is not
            within a year.
        RequestIdReusedError: the request id came before with another digest.
    """
    mark = asked.request.mark(desk.vault, "switch", staff.name)
    digest = mark.digest.hex()
    with desk.store.writing() as work:
        take_turns(work, "switches")
        known = rows.find(work, mark.uid)
        if known is not None:
            require_same(known.request_digest, digest)
            return known
        # Behind the look for a repetition, which comes when the time may be over.
        _require_bounded(asked, now)
        to, until = asked.caller, asked.until
        made = SwitchRow(
            mark.uid, asked.interface, to, asked.reason, now, staff.name, digest, until
        )
        rows.add(work, made)
        work.commit()
    return made


def list_switches(desk: Desk, *, ended: bool, now: Instant) -> list[SwitchRow]:
    """Returns switches, the latest first; unless `ended`, those alone that hold."""
    with desk.store.reading() as work:
        found = rows.switches(work)
    return [
        row
        for row in found
        if ended or (row.ended_at is None and (row.until is None or row.until > now))
    ]


def end_switch(desk: Desk, staff: Principal, uid: str, *, now: Instant) -> SwitchRow:
    """Ends a switch. One that was ended already is returned as it is.

    Raises:
        NotFoundError: no such switch.
    """
    with desk.store.writing() as work:
        take_turns(work, "switches")
        known = rows.find(work, uid)
        if known is None:
            raise NotFoundError
        if known.ended_at is not None:
            return known
        rows.end(work, uid, staff.name, now)
        work.commit()
    return replace(known, ended_at=now, ended_by=staff.name)


def set_canary(
    desk: Desk, staff: Principal, code: UnifiedCode, *, marked: bool, now: Instant
) -> CanaryRow:
    """Says whether the code is a canary. The same again changes nothing.

    Raises:
        InvalidFieldsError: the code may be that of a real enterprise.
    """
    if code.region != GENERATED_REGION:
        text = f"Only a generated code, with digits 3 to 8 {GENERATED_REGION}, can be a canary."
        raise InvalidFieldsError((FieldViolation("name", "NOT_GENERATED", text),))
    with desk.store.writing() as work:
        take_turns(work, "switches")
        known = {row.code: row for row in rows.canaries(work)}.get(code.text)
        if known is not None and known.marked == marked:
            return known
        made = CanaryRow(code.text, marked, now, staff.name)
        rows.say_canary(work, made)
        work.commit()
    return made


def list_canaries(desk: Desk) -> list[CanaryRow]:
    """Returns what was said last of each code, by code."""
    with desk.store.reading() as work:
        return rows.canaries(work)


def _require_bounded(asked: Closing, now: Instant) -> None:
    faults = []
    if not asked.interface and not asked.caller:
        text = "Name an interface, a caller or both: nothing closes everything to everybody."
        faults.append(FieldViolation("interface", "REQUIRED", text))
    if asked.until is not None and not now < asked.until <= now + MOST_TERM:
        text = "Give a time to come, within a year; or none, and end it yourself."
        faults.append(FieldViolation("expire_time", "OUT_OF_RANGE", text))
    if faults:
        raise InvalidFieldsError(tuple(faults))
