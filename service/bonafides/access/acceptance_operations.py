"""What brings an application to the point where it can be launched: contract and acceptance.

record_contract    staff, in live: a contract was signed, for this platform
record_acceptance  staff, in sandbox: the acceptance run was passed
issue              its maker, in sandbox: the statement of that, for one application in live
present            its maker, in live: brings the statement

What a statement says and when it is good is decided by `access.acceptance`.
"""

from __future__ import annotations

from typing import Final

from bonafides.access import acceptance, managing
from bonafides.access.acceptance import Passed
from bonafides.access.applications import LIVE, SANDBOX, Role, Step
from bonafides.access.managing import Register, own, require_running, take_step
from bonafides.errors import (
    AcceptanceError,
    ApplicationStateError,
    FieldViolation,
    InvalidFieldsError,
)
from bonafides.identity.membership import Principal
from bonafides.instants import MICROSECONDS, Instant
from bonafides.storage import applications as rows
from bonafides.storage.applications import ApplicationRow
from bonafides.storage.identity import take_turns

# Older than the service; what lies far outside no database takes either.
_EARLIEST: Final = Instant(946_684_800 * MICROSECONDS)
_NOT_IN: Final = "NOT_IN_{}"


def record_contract(
    room: Register,
    staff: Principal,
    client_id: str,
    *,
    reference: str,
    signed_at: Instant,
    platform: str,
    now: Instant,
) -> None:
    """Records a signed contract; the last word counts. Empty `platform`: of an integrator.

    Raises:
        NotFoundError: there is no such application.
        ApplicationStateError: in sandbox; suspended or closed; launched for another platform.
        InvalidFieldsError: the platform does not go with the role, or when it was
            signed can't be.
    """
    _require(room, LIVE)
    with room.store.writing() as work:
        row = own(work, None, client_id)
        require_running(row)
        _check_platform(row, platform)
        if not _EARLIEST <= signed_at <= now:
            text = "Give when it was signed: since 2000, and not in the future."
            raise _fault("sign_time", "TIME", text)
        if row.launched_at is not None and platform != (row.platform or ""):
            raise ApplicationStateError(row.state.value)
        values = {
            "contract_reference": reference,
            "contract_signed_at": signed_at,
            "platform": platform or None,
        }
        rows.set_application(work, client_id, values, now)
        take_step(work, client_id, Step.CONTRACT_RECORDED, staff, now=now, about=reference)
        managing.settle(work, room, client_id, now)
        work.commit()


def record_acceptance(
    room: Register, staff: Principal, client_id: str, evidence_sha256: bytes, *, now: Instant
) -> None:
    """Records that the acceptance run was passed; again, that a later one was.

    Raises:
        NotFoundError: there is no such application.
        ApplicationStateError: in live; suspended or closed; without a key, so that it ran
            nothing.
    """
    _require(room, SANDBOX)
    with room.store.writing() as work:
        row = own(work, None, client_id)
        require_running(row)
        if not managing.has_key(work, client_id, now):
            raise ApplicationStateError(row.state.value)
        values = {"accepted_at": now, "acceptance_sha256": evidence_sha256}
        rows.set_application(work, client_id, values, now)
        digest = evidence_sha256.hex()
        take_step(work, client_id, Step.ACCEPTED, staff, now=now, about=digest)
        managing.settle(work, room, client_id, now)
        work.commit()


def issue(
    room: Register, maker: Principal, client_id: str, live_client_id: str, *, now: Instant
) -> tuple[str, Instant]:
    """Returns the statement for the application in live, and until when it is good.

    The first application in live that one is issued for is the only one.

    Raises:
        NotFoundError: there is no such application, or it is another's.
        ApplicationStateError: in live; not passed; suspended or closed; issued for another;
            nothing is signed here.
    """
    _require(room, SANDBOX)
    if room.signing_key is None:
        raise ApplicationStateError("NO_SIGNING_KEY")
    with room.store.writing() as work:
        row = own(work, maker, client_id)
        require_running(row)
        if row.accepted_at is None or row.acceptance_sha256 is None:
            raise ApplicationStateError(row.state.value)
        if row.accepts_for not in (None, live_client_id):
            raise ApplicationStateError("ISSUED_FOR_ANOTHER")
        if row.accepts_for is None:
            rows.set_application(work, client_id, {"accepts_for": live_client_id}, now)
            about = live_client_id
            take_step(work, client_id, Step.ACCEPTANCE_ISSUED, maker, now=now, about=about)
        work.commit()
    passed = Passed(
        sandbox_client_id=client_id,
        live_client_id=live_client_id,
        role=row.role.value,
        country=row.country,
        product=row.product.value,
        evidence_sha256=row.acceptance_sha256,
        passed_at=row.accepted_at,
    )
    return acceptance.sign(passed, room.signing_key), passed.expires_at


def present(
    room: Register, maker: Principal, client_id: str, statement: str, *, now: Instant
) -> None:
    """Takes the sandbox's statement that the application passed. Again changes nothing.

    Raises:
        NotFoundError: there is no such application, or it is another's.
        ApplicationStateError: in sandbox; suspended or closed.
        AcceptanceError: not the sandbox's word, over, or not for this application.
    """
    _require(room, LIVE)
    if room.sandbox_key is None:
        raise AcceptanceError
    with room.store.writing() as work:
        row = own(work, maker, client_id)
        require_running(row)
        passed = acceptance.read(statement, room.sandbox_key, now)
        ours = (client_id, row.role.value, row.country, row.product.value)
        if ours != (passed.live_client_id, passed.role, passed.country, passed.product):
            raise AcceptanceError
        take_turns(work, f"acceptance {passed.sandbox_client_id}")
        known = row.accepted_by == passed.sandbox_client_id
        if not known and rows.is_accepted_by(work, passed.sandbox_client_id):
            raise AcceptanceError
        if row.acceptance_sha256 != passed.evidence_sha256 or not known:
            values = {
                "accepted_at": now,
                "accepted_by": passed.sandbox_client_id,
                "acceptance_sha256": passed.evidence_sha256,
            }
            rows.set_application(work, client_id, values, now)
            about = passed.sandbox_client_id
            take_step(work, client_id, Step.ACCEPTED, maker, now=now, about=about)
            managing.settle(work, room, client_id, now)
        work.commit()


def _require(room: Register, environment: str) -> None:
    if room.environment != environment:
        raise ApplicationStateError(_NOT_IN.format(room.environment.upper()))


def _check_platform(row: ApplicationRow, platform: str) -> None:
    if bool(platform) == (row.role is Role.INTEGRATOR):
        text = "Name the platform that it calls for; of an integrator leave this empty."
        raise _fault("platform", "PLATFORM", text)


def _fault(field: str, reason: str, remedy: str) -> InvalidFieldsError:
    return InvalidFieldsError((FieldViolation(field, reason, remedy),))
