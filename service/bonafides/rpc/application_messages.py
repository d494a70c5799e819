"""Writes messages about applications and their keys, and reads the names of both.

client_id, key_id = part_of("applications/sandbox-.../keys/...", "keys")
"""

from __future__ import annotations

import re
from typing import Any, Final

from bonafides.access.application_operations import Shown
from bonafides.access.applications import Role
from bonafides.access.key_operations import Held
from bonafides.errors import FieldViolation, InvalidFieldsError
from bonafides.instants import Instant, to_timestamp
from bonafides.storage.applications import ChallengeRow, ChangeRow
from bonafides.v1 import application_pb2 as v1

_ID: Final = "[a-z0-9-]{1,40}"
_PART: Final = "[A-Za-z0-9_-]{1,43}"
_APPLICATION: Final = re.compile(f"applications/({_ID})")
_OF: Final = re.compile(f"applications/({_ID})/([A-Za-z]+)/({_PART})")

# What is named, behind the application, and by what.
_FORMS: Final = {"keys": "thumbprint", "keyChallenges": "uid", "changes": "uid"}


def client_id_of(name: str, field: str = "name") -> str:
    """Returns the client id in `applications/{client_id}`.

    Raises:
        InvalidFieldsError: it is written otherwise.
    """
    found = _APPLICATION.fullmatch(name)
    if found is None:
        raise _fault(field, "applications/{client_id}")
    return found[1]


def part_of(name: str, collection: str, field: str = "name") -> tuple[str, str]:
    """Returns client id and what is named behind it, in `applications/{client_id}/keys/{...}`.

    Raises:
        InvalidFieldsError: it is written otherwise.
    """
    found = _OF.fullmatch(name)
    if found is None or found[2] != collection:
        raise _fault(field, f"applications/{{client_id}}/{collection}/{{{_FORMS[collection]}}}")
    return found[1], found[3]


def application(told: Shown) -> v1.Application:
    """Returns the application."""
    row = told.row
    made = v1.Application(
        name=f"applications/{row.client_id}",
        client_id=row.client_id,
        application_role=v1.ApplicationRole.Value(f"APPLICATION_ROLE_{row.role}"),
        title=row.name,
        kind=v1.Application.Kind.Value(f"KIND_{row.type}"),
        description=row.description,
        country_code=row.country,
        product=v1.Product.Value(f"PRODUCT_{row.product}"),
        test_currency_code=row.test_currency,
        state=v1.Application.State.Value(f"STATE_{row.state}"),
        platform=row.platform or "",
        masked_email=told.email,
        notification_url=row.notification_url or "",
        missing_for_launch=told.missing,
        pending_changes=map(change, told.changes),
    )
    _at(made, "contract_time", row.contract_signed_at)
    _at(made, "acceptance_time", row.accepted_at)
    _at(made, "launch_time", row.launched_at)
    _at(made, "create_time", row.created_at)
    _at(made, "update_time", row.updated_at)
    if row.test_enterprise is not None:
        made.sandbox_resources.test_enterprise = row.test_enterprise
        if row.role is Role.INTEGRATOR:
            made.sandbox_resources.test_token = told.test_token
    return made


def key(held: Held, now: Instant) -> v1.ApplicationKey:
    """Returns the key, as of now."""
    row = held.row
    made = v1.ApplicationKey(
        name=f"applications/{row.client_id}/keys/{row.key_id}",
        algorithm=row.algorithm,
        public_key=row.public_key,
        state=_key_state(held, now),
    )
    _at(made, "begin_time", row.not_before)
    _at(made, "expire_time", row.not_after)
    _at(made, "revoke_time", row.revoked_at)
    if held.change_uid is None:
        _at(made, "create_time", row.created_at)
    else:
        made.pending_change = f"applications/{row.client_id}/changes/{held.change_uid}"
    return made


def challenge(row: ChallengeRow, environment: str) -> v1.KeyChallenge:
    """Returns the challenge."""
    return v1.KeyChallenge(
        name=f"applications/{row.client_id}/keyChallenges/{row.uid}",
        nonce=row.nonce,
        environment=environment,
        expire_time=to_timestamp(row.expires_at),
    )


def change(row: ChangeRow) -> v1.ApplicationChange:
    """Returns the change."""
    kinds, states = v1.ApplicationChange.Kind, v1.ApplicationChange.State
    return v1.ApplicationChange(
        name=f"applications/{row.client_id}/changes/{row.uid}",
        kind=kinds.Value(f"KIND_{row.kind}"),
        state=states.Value(f"STATE_{row.state}"),
        proposal=row.proposal,
        request_time=to_timestamp(row.requested_at),
        expire_time=to_timestamp(row.expires_at),
    )


def _key_state(held: Held, now: Instant) -> v1.ApplicationKey.State.ValueType:
    states, row = v1.ApplicationKey, held.row
    if held.change_uid is not None:
        return states.STATE_PENDING
    if row.revoked_at is not None:
        return states.STATE_REVOKED
    if now >= row.not_after:
        return states.STATE_EXPIRED
    return states.STATE_ACTIVE if now >= row.not_before else states.STATE_UPCOMING


def _at(message: Any, field: str, instant: Instant | None) -> None:
    if instant is not None:
        getattr(message, field).CopyFrom(to_timestamp(instant))


def _fault(field: str, form: str) -> InvalidFieldsError:
    return InvalidFieldsError((FieldViolation(field, "RESOURCE_NAME", f"Write it as {form}."),))
