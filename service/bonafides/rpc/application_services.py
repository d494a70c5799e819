"""The methods about applications and their keys.

As in `bonafides.rpc.consent_services`: what may be done is decided by the rooms. An
application is shown to its maker and to staff, and found by nobody else.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bonafides.access import acceptance_operations as acceptance
from bonafides.access import application_operations as operations
from bonafides.access import applications as rules
from bonafides.access import key_operations as keys
from bonafides.access.application_forms import read_changes, read_new
from bonafides.access.application_keys import read_public_key
from bonafides.access.application_operations import Shown
from bonafides.access.applications import Ground
from bonafides.access.callers import CallerKind
from bonafides.access.disclosure import view
from bonafides.access.key_operations import Offered
from bonafides.access.managing import Register
from bonafides.errors import FieldViolation, InvalidFieldsError, NotFoundError
from bonafides.identity.membership import Principal
from bonafides.instants import Instant, from_timestamp, to_timestamp
from bonafides.rpc import application_messages as written
from bonafides.rpc.application_messages import client_id_of, part_of
from bonafides.rpc.asking import principal, request_in, seen_as
from bonafides.rpc.call import Call
from bonafides.rpc.consent_messages import after, page, page_size, part
from bonafides.rpc.messages import is_platform
from bonafides.v1 import application_pb2 as v1
from bonafides.v1 import application_service_pb2 as service
from bonafides.v1 import disclosure_pb2

# A key whose term begins later is better registered then.
_MOST_AHEAD: Final = rules.ACCEPTANCE_TERM


class ApplicationService:
    """Keeps applications and their keys."""

    def __init__(self, room: Register) -> None:
        self._room: Final = room

    def create_application(
        self, request: service.CreateApplicationRequest, call: Call
    ) -> v1.Application:
        """Makes an application."""
        asked = read_new(
            {
                "application_role": _role(request.application_role),
                "title": request.title,
                "kind": _kind(request.kind),
                "description": request.description,
                "country_code": request.country_code,
                "product": _product(request.product),
                "test_currency_code": request.test_currency_code,
                "email": request.email,
                "notification_url": request.notification_url,
            }
        )
        made = operations.create(
            self._room,
            principal(call),
            asked,
            request_in(request, call),
            now=call.now,
        )
        return _shown(made, call)

    def get_application(self, request: service.GetApplicationRequest, call: Call) -> v1.Application:
        """Gets an application."""
        return self._current(client_id_of(request.name), call)

    def list_applications(
        self, request: service.ListApplicationsRequest, call: Call
    ) -> service.ListApplicationsResponse:
        """Lists applications."""
        size = page_size(request)
        found = operations.list_own(
            self._room, _reach(call), after(request), size + 1, now=call.now
        )
        shown, more = part(found, size, lambda last: (last.row.created_at, last.row.client_id))
        return service.ListApplicationsResponse(
            applications=[_shown(each, call) for each in shown], next_page_token=more
        )

    def update_application(
        self, request: service.UpdateApplicationRequest, call: Call
    ) -> v1.Application:
        """Changes an application."""
        client_id = client_id_of(request.application.name, "application.name")
        told = {path: _text_of(request.application, path) for path in request.update_mask.paths}
        values = read_changes(told)
        asked = request_in(request, call)
        made = operations.update(
            self._room, principal(call), client_id, values, asked, now=call.now
        )
        return _shown(made, call)

    def issue_key_challenge(
        self, request: service.IssueKeyChallengeRequest, call: Call
    ) -> v1.KeyChallenge:
        """Issues a challenge."""
        client_id = client_id_of(request.parent, "parent")
        made = keys.issue_challenge(self._room, principal(call), client_id, now=call.now)
        return view(written.challenge(made, self._room.environment), seen_as(call))

    def register_key(self, request: service.RegisterKeyRequest, call: Call) -> v1.ApplicationKey:
        """Registers a key."""
        client_id, uid = part_of(request.challenge, "keyChallenges", "challenge")
        begin, end = _term(request, call.now)
        offered = Offered(uid, read_public_key(request.public_key), request.signature, begin, end)
        held = keys.register(self._room, principal(call), client_id, offered, now=call.now)
        return view(written.key(held, call.now), seen_as(call))

    def list_keys(self, request: service.ListKeysRequest, call: Call) -> service.ListKeysResponse:
        """Lists keys."""
        client_id = client_id_of(request.parent, "parent")
        found = keys.list_keys(self._room, _reach(call), client_id, now=call.now)
        shown, more = page(found, request)
        return service.ListKeysResponse(
            keys=[view(written.key(each, call.now), seen_as(call)) for each in shown],
            next_page_token=more,
        )

    def revoke_key(self, request: service.RevokeKeyRequest, call: Call) -> v1.ApplicationKey:
        """Revokes a key."""
        client_id, key_id = part_of(request.name, "keys")
        held = keys.revoke(
            self._room, principal(call), client_id, key_id, is_staff=_is_staff(call), now=call.now
        )
        return view(written.key(held, call.now), seen_as(call))

    def confirm_change(
        self, request: service.ConfirmChangeRequest, call: Call
    ) -> v1.ApplicationChange:
        """Brings a change about."""
        client_id, uid = part_of(request.name, "changes")
        code = request.one_time_code
        done = keys.confirm(self._room, principal(call), client_id, uid, code, now=call.now)
        return view(written.change(done), seen_as(call))

    def record_contract(self, request: service.RecordContractRequest, call: Call) -> v1.Application:
        """Records a contract."""
        client_id = client_id_of(request.name)
        if request.platform and not is_platform(request.platform):
            text = "Name a platform as its records do, for example 1688."
            raise _fault("platform", "PLATFORM", text)
        acceptance.record_contract(
            self._room,
            principal(call),
            client_id,
            reference=request.reference,
            signed_at=from_timestamp(request.sign_time),
            platform=request.platform,
            now=call.now,
        )
        return self._current(client_id, call)

    def record_acceptance(
        self, request: service.RecordAcceptanceRequest, call: Call
    ) -> v1.Application:
        """Records a passed run."""
        client_id = client_id_of(request.name)
        acceptance.record_acceptance(
            self._room, principal(call), client_id, request.evidence_sha256, now=call.now
        )
        return self._current(client_id, call)

    def issue_acceptance(
        self, request: service.IssueAcceptanceRequest, call: Call
    ) -> v1.AcceptanceStatement:
        """Issues the statement of a passed run."""
        client_id = client_id_of(request.name)
        if not rules.is_client_id(request.live_client_id, rules.LIVE):
            text = "Give the client id that live gave the application; it begins with live-."
            raise _fault("live_client_id", "CLIENT_ID", text)
        statement, expires_at = acceptance.issue(
            self._room, principal(call), client_id, request.live_client_id, now=call.now
        )
        made = v1.AcceptanceStatement(statement=statement, expire_time=to_timestamp(expires_at))
        return view(made, seen_as(call))

    def present_acceptance(
        self, request: service.PresentAcceptanceRequest, call: Call
    ) -> v1.Application:
        """Takes the statement of a passed run."""
        client_id = client_id_of(request.name)
        acceptance.present(self._room, principal(call), client_id, request.statement, now=call.now)
        return self._current(client_id, call)

    def launch_application(
        self, request: service.LaunchApplicationRequest, call: Call
    ) -> v1.Application:
        """Launches an application."""
        client_id = client_id_of(request.name)
        made = operations.launch(self._room, principal(call), client_id, now=call.now)
        return _shown(made, call)

    def suspend_application(
        self, request: service.SuspendApplicationRequest, call: Call
    ) -> v1.Application:
        """Stops an application."""
        ground = v1.SuspensionGround.Name(request.ground).removeprefix("SUSPENSION_GROUND_")
        made = operations.suspend(
            self._room,
            principal(call),
            client_id_of(request.name),
            Ground(ground),
            request.reason,
            now=call.now,
        )
        return _shown(made, call)

    def resume_application(
        self, request: service.ResumeApplicationRequest, call: Call
    ) -> v1.Application:
        """Takes a suspension back."""
        client_id = client_id_of(request.name)
        made = operations.resume(
            self._room, principal(call), client_id, request.reason, now=call.now
        )
        return _shown(made, call)

    def close_application(
        self, request: service.CloseApplicationRequest, call: Call
    ) -> v1.Application:
        """Ends an application."""
        client_id = client_id_of(request.name)
        made = operations.close(
            self._room, principal(call), client_id, is_staff=_is_staff(call), now=call.now
        )
        return _shown(made, call)

    def get_service_key(self, request: service.GetServiceKeyRequest, call: Call) -> v1.ServiceKey:
        """Gets the service's public key."""
        _ = (request, call)
        if self._room.signing_key is None:
            raise NotFoundError
        public = self._room.signing_key.public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        read = read_public_key(der)
        made = v1.ServiceKey(
            key_id=read.key_id,
            algorithm=read.algorithm,
            public_key=der,
            environment=self._room.environment,
        )
        return view(made, disclosure_pb2.AUDIENCE_PUBLIC)

    def _current(self, client_id: str, call: Call) -> v1.Application:
        found = operations.get(self._room, _reach(call), client_id, now=call.now)
        return _shown(found, call)


def _shown(told: Shown, call: Call) -> v1.Application:
    return view(written.application(told), seen_as(call))


def _is_staff(call: Call) -> bool:
    return call.caller.kind is CallerKind.OPERATOR


def _reach(call: Call) -> Principal | None:
    """Returns whose applications the caller reaches; None: staff, who reach any."""
    return None if _is_staff(call) else principal(call)


def _term(request: service.RegisterKeyRequest, now: Instant) -> tuple[Instant, Instant]:
    """Returns from when and until when the key is to be good."""
    given = request.HasField("begin_time")
    begin = max(now, from_timestamp(request.begin_time)) if given else now
    end = Instant(begin + rules.USUAL_KEY_TERM)
    if request.HasField("expire_time"):
        end = from_timestamp(request.expire_time)
    faults = []
    if begin > now + _MOST_AHEAD:
        text = "Register a key at most 90 days before its term begins."
        faults.append(FieldViolation("begin_time", "TOO_FAR", text))
    if not begin < end <= begin + rules.MOST_KEY_TERM:
        text = "Give a term that ends after it begins, within two years."
        faults.append(FieldViolation("expire_time", "TERM", text))
    if faults:
        raise InvalidFieldsError(tuple(faults))
    return begin, end


def _role(value: v1.ApplicationRole.ValueType) -> str:
    return v1.ApplicationRole.Name(value).removeprefix("APPLICATION_ROLE_")


def _kind(value: v1.Application.Kind.ValueType) -> str:
    # A number that a newer client may have: refused with the other faults.
    known = value in v1.Application.Kind.values()
    return v1.Application.Kind.Name(value).removeprefix("KIND_") if known else ""


def _product(value: v1.Product.ValueType) -> str:
    return v1.Product.Name(value).removeprefix("PRODUCT_")


def _text_of(told: v1.Application, path: str) -> str:
    """Returns the value of a field that a mask names; what is no text is refused by its name."""
    if path == "kind":
        return _kind(told.kind)
    known = told.DESCRIPTOR.fields_by_name.get(path)
    value = getattr(told, path) if known is not None and not known.is_repeated else ""
    return value if isinstance(value, str) else ""


def _fault(field: str, reason: str, remedy: str) -> InvalidFieldsError:
    return InvalidFieldsError((FieldViolation(field, reason, remedy),))
