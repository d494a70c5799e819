"""What can be done with applications, by those who made them and by staff.

create         a login makes an application; in sandbox it gets what to try things with
get, list_own  one's own; for staff, any
update         title, kind, description, notification address; the last waits for a code
               once the application is launched
launch         in live, with contract, acceptance and key
suspend        staff stop it at once; for misuse it loses its keys too
resume         staff take that back
close          its maker, or staff, end it for good

Whose an application is stands in the condition of every query. Its keys are the affair
of `access.key_operations`, contract and acceptance of `access.acceptance_operations`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bonafides.access import applications as rules
from bonafides.access import managing
from bonafides.access.application_forms import Asked
from bonafides.access.applications import ChangeKind, Ground, Role, State, Step
from bonafides.access.managing import Register, own, require_running, take_step
from bonafides.errors import (
    ApplicationStateError,
    BugError,
    LaunchPreconditionError,
)
from bonafides.identity import integrator_operations as integrators
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.membership import Principal
from bonafides.identity.sandbox import enterprise_for_tests
from bonafides.instants import DAY, Instant
from bonafides.once import Request
from bonafides.personal import masks
from bonafides.storage import applications as rows
from bonafides.storage.applications import ApplicationRow, ChangeRow
from bonafides.storage.identity import take_turns
from bonafides.storage.unit_of_work import UnitOfWork

_TRIAL: Final = "trial-"
_TRIAL_DIGITS: Final = 24


@dataclass(frozen=True, slots=True)
class Shown:
    """An application with what is told beside it. Empty `test_token`: it has none."""

    row: ApplicationRow
    email: str
    missing: tuple[str, ...]
    changes: tuple[ChangeRow, ...]
    test_token: str = field(default="", repr=False)


def create(
    room: Register, maker: Principal, asked: Asked, request: Request, *, now: Instant
) -> Shown:
    """Makes an application, idempotent by the request id.

    Raises:
        RequestIdReusedError: the request id came before with another digest.
        RateLimitedError: the login made too many in 24 hours.
    """
    mark = request.mark(room.vault, "application", maker.name)
    client_id = rules.client_id(room.environment, mark.seed)
    with room.store.writing() as work:
        take_turns(work, f"applications {maker.name}")
        known = mark.answer(rows.find_own(work, client_id, maker.name))
        if known is not None:
            return _shown(work, room, known, now)
        since = Instant(now - DAY)
        made = rows.created_since(work, maker.name, since)
        managing.limit(made, rules.APPLICATIONS_PER_DAY, now)
        sealed = managing.seal_email(work, room.vault, client_id, asked.email)
        row = _new(room, maker, asked, mark.seed, now=now)
        row = dataclasses.replace(row, email_sealed=sealed, request_digest=mark.digest)
        if not rows.insert_application(work, row):
            raise BugError("a client id that another login's request made too")
        if row.test_enterprise is not None and row.role is Role.INTEGRATOR:
            tested = UnifiedCode(row.test_enterprise)
            integrators.grant_test_enterprise(work, room.vault, client_id, tested, now=now)
        take_step(work, client_id, Step.CREATED, maker, now=now)
        shown = _shown(work, room, own(work, maker, client_id), now)
        work.commit()
    return shown


def get(room: Register, maker: Principal | None, client_id: str, *, now: Instant) -> Shown:
    """Returns the application. `maker` None: staff, who may see any.

    Raises:
        NotFoundError: there is none, or it is another's.
    """
    with room.store.reading() as work:
        return _shown(work, room, own(work, maker, client_id, lock=False), now)


def list_own(
    room: Register, maker: Principal | None, after: tuple[int, str], limit: int, *, now: Instant
) -> tuple[Shown, ...]:
    """Returns applications, the oldest first, behind instant and client id."""
    with room.store.reading() as work:
        found = rows.list_own(work, None if maker is None else maker.name, after, limit)
        return _all_shown(work, room, found, now)


def update(
    room: Register,
    maker: Principal,
    client_id: str,
    values: Mapping[str, str | None],
    request: Request,
    *,
    now: Instant,
) -> Shown:
    """Changes what of an application may change; see `application_forms.read_changes`.

    Idempotent by the request id: what comes late once more undoes no newer change.

    Raises:
        NotFoundError: there is none, or it is another's.
        RequestIdReusedError: the request id came before with another digest.
        ApplicationStateError: it is suspended or closed.
        MailUnavailableError, RateLimitedError: the address waits for a code; see `managing`.
    """
    mark = request.mark(room.vault, "application change", maker.name, client_id)
    with room.store.writing() as work:
        row = own(work, maker, client_id)
        if mark.answer(rows.find_step(work, client_id, mark.uid)) is not None:
            return _shown(work, room, row, now)
        require_running(row)
        changed = {name: each for name, each in values.items() if getattr(row, name) != each}
        url = "notification_url"
        if row.launched_at is not None and url in changed:
            proposed = json.dumps({"url": changed.pop(url)})
            if not _is_pending(work, client_id, proposed, now):
                kind = ChangeKind.NOTIFICATION_URL
                managing.request_change(work, room, row, kind, proposed, now=now)
                take_step(work, client_id, Step.CHANGE_REQUESTED, maker, now=now, about=kind)
        if changed:
            rows.set_application(work, client_id, changed, now)
        # Though it changed nothing: it must not come to do so later.
        about = ",".join(sorted(changed))
        take_step(work, client_id, Step.UPDATED, maker, now=now, about=about, mark=mark)
        shown = _shown(work, room, own(work, maker, client_id), now)
        work.commit()
    return shown


def launch(room: Register, maker: Principal, client_id: str, *, now: Instant) -> Shown:
    """Launches the application; once it is, nothing changes. Source: 004 S7.

    Raises:
        NotFoundError: there is none, or it is another's.
        LaunchPreconditionError: it waits for something; all of it is named.
        ApplicationStateError: it is suspended or closed.
    """
    with room.store.writing() as work:
        row = own(work, maker, client_id)
        require_running(row)
        if row.state is not State.LIVE:
            if missing := _missing(work, room, row, now):
                raise LaunchPreconditionError(missing)
            values = {"state": State.LIVE.value, "launched_at": now}
            rows.set_application(work, client_id, values, now)
            take_step(work, client_id, Step.LAUNCHED, maker, now=now)
        shown = _shown(work, room, own(work, maker, client_id), now)
        work.commit()
    return shown


def suspend(
    room: Register, staff: Principal, client_id: str, ground: Ground, reason: str, *, now: Instant
) -> Shown:
    """Stops the application at once, and keeps the report. Source: 000 §4(7)-(9).

    For misuse and for a key that others know, its keys are revoked and changes under way
    are ended: what comes after a resumption begins with a new key.

    Raises:
        NotFoundError: there is none.
        ApplicationStateError: it is closed.
    """
    with room.store.writing() as work:
        row = own(work, None, client_id)
        if row.state is State.CLOSED:
            raise ApplicationStateError(row.state.value)
        rows.set_application(work, client_id, {"state": State.SUSPENDED.value}, now)
        if ground in rules.LOCKING:
            rows.revoke_keys(work, client_id, now)
        managing.end_changes(work, client_id, now)
        take_step(work, client_id, Step.SUSPENDED, staff, now=now, about=reason, ground=ground)
        shown = _shown(work, room, own(work, None, client_id), now)
        work.commit()
    return shown


def resume(room: Register, staff: Principal, client_id: str, reason: str, *, now: Instant) -> Shown:
    """Takes a suspension back. Revoked keys stay revoked.

    Raises:
        NotFoundError: there is none.
        ApplicationStateError: it is not suspended.
    """
    with room.store.writing() as work:
        row = own(work, None, client_id)
        if row.state is not State.SUSPENDED:
            raise ApplicationStateError(row.state.value)
        state = State.DRAFT if row.launched_at is None else State.LIVE
        rows.set_application(work, client_id, {"state": state.value}, now)
        managing.settle(work, room, client_id, now)
        take_step(work, client_id, Step.RESUMED, staff, now=now, about=reason)
        shown = _shown(work, room, own(work, None, client_id), now)
        work.commit()
    return shown


def close(
    room: Register, actor: Principal, client_id: str, *, is_staff: bool, now: Instant
) -> Shown:
    """Ends the application with its keys, and forgets its e-mail; once it is, nothing changes.

    Raises:
        NotFoundError: there is none, or it is another's.
    """
    reach = None if is_staff else actor
    with room.store.writing() as work:
        row = own(work, reach, client_id)
        if row.state is not State.CLOSED:
            rows.set_application(work, client_id, {"state": State.CLOSED.value}, now)
            rows.revoke_keys(work, client_id, now)
            managing.end_changes(work, client_id, now)
            managing.forget_email(work, client_id)
            take_step(work, client_id, Step.CLOSED, actor, now=now)
        shown = _shown(work, room, own(work, reach, client_id), now)
        work.commit()
    return shown


# --- Helpers -----------------------------------------------------------------------------


def _new(
    room: Register, maker: Principal, asked: Asked, made_of: bytes, *, now: Instant
) -> ApplicationRow:
    """Returns the application as it begins, its e-mail not sealed yet."""
    client_id = rules.client_id(room.environment, made_of)
    trying = room.environment == rules.SANDBOX
    # An integrator acts for enterprises, and is no platform of its own.
    platform = trying and asked.role is not Role.INTEGRATOR
    return ApplicationRow(
        client_id=client_id,
        created_by=maker.name,
        role=asked.role,
        name=asked.name,
        type=asked.type,
        description=asked.description,
        country=asked.country,
        product=asked.product,
        test_currency=asked.test_currency,
        state=State.DRAFT,
        platform=f"{_TRIAL}{made_of.hex()[:_TRIAL_DIGITS]}" if platform else None,
        email_sealed=b"",
        notification_url=asked.notification_url,
        contract_signed_at=None,
        accepted_at=None,
        launched_at=None,
        created_at=now,
        updated_at=now,
        test_enterprise=enterprise_for_tests(made_of).text if trying else None,
    )


def _is_pending(work: UnitOfWork, client_id: str, proposed: str, now: Instant) -> bool:
    return any(
        each.change == proposed and now < each.expires_at
        for each in rows.waiting_changes(work, [client_id])[client_id]
    )


def _missing(
    work: UnitOfWork, room: Register, row: ApplicationRow, now: Instant
) -> tuple[str, ...]:
    return _lacking(room, row, has_key=managing.has_key(work, row.client_id, now))


def _lacking(room: Register, row: ApplicationRow, *, has_key: bool) -> tuple[str, ...]:
    return rules.missing_for_launch(
        room.environment,
        has_key=has_key,
        contract=row.contract_signed_at is not None,
        accepted=row.accepted_at is not None,
    )


def _shown(work: UnitOfWork, room: Register, row: ApplicationRow, now: Instant) -> Shown:
    return _all_shown(work, room, [row], now)[0]


def _all_shown(
    work: UnitOfWork, room: Register, found: Sequence[ApplicationRow], now: Instant
) -> tuple[Shown, ...]:
    """Returns them in order: so many statements, however many they are."""
    ids = [row.client_id for row in found]
    emails = managing.open_emails(work, room.vault, found)
    waiting, keyed = rows.waiting_changes(work, ids), rows.with_key(work, ids, now)
    return tuple(
        _told(
            room,
            row,
            email=emails.get(row.client_id),
            changes=[managing.standing(each, now) for each in waiting[row.client_id]],
            has_key=row.client_id in keyed,
        )
        for row in found
    )


def _told(
    room: Register,
    row: ApplicationRow,
    *,
    email: str | None,
    changes: Sequence[ChangeRow],
    has_key: bool,
) -> Shown:
    trying = row.test_enterprise is not None and row.role is Role.INTEGRATOR
    done = row.launched_at is not None or row.state is State.CLOSED
    return Shown(
        row=row,
        email="" if email is None else masks.email(email),
        missing=() if done else _lacking(room, row, has_key=has_key),
        changes=tuple(each for each in changes if each.state == managing.PENDING),
        test_token=integrators.test_token(room.vault, row.client_id) if trying else "",
    )
