"""The methods about integrators; see `bonafides.rpc.services` for what a handler is.

Names are of enterprises or of applications; whose they are is decided by the room. An
application's affairs are its own and staff's: to others there is no such application.
"""

from __future__ import annotations

import re
from typing import Final

from bonafides.access.callers import CallerKind
from bonafides.access.disclosure import view
from bonafides.errors import FieldViolation, InvalidFieldsError, NotFoundError
from bonafides.identity import integrator_operations as integrators
from bonafides.identity.integrator_operations import Granting, Integration, Link, standing
from bonafides.instants import to_timestamp
from bonafides.rpc import messages
from bonafides.rpc.asking import actor, enterprise_in, reader, request_in
from bonafides.rpc.call import Call
from bonafides.rpc.consent_messages import after, page, page_size, part
from bonafides.storage.agents import AuthorizationRow, Counts
from bonafides.v1 import disclosure_pb2, integrator_pb2
from bonafides.v1 import integrator_service_pb2 as integrator_service

_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_STATISTICS: Final = "integratorStatistics"
_ENTERPRISES: Final = "enterprises/"


class IntegratorService:
    """Lets enterprises authorize integrators."""

    def __init__(self, room: Integration) -> None:
        self._room: Final = room

    def create_authorization_url(
        self, request: integrator_service.CreateAuthorizationUrlRequest, call: Call
    ) -> integrator_pb2.AuthorizationUrl:
        """Makes a link of the calling application."""
        made = integrators.create_url(
            self._room,
            call.caller.application,
            request.scopes,
            request=request_in(request, call),
            now=call.now,
        )
        return view(_link(made), _eyes(call))

    def get_authorization_url(
        self, request: integrator_service.GetAuthorizationUrlRequest, call: Call
    ) -> integrator_pb2.AuthorizationUrl:
        """Gets what a link asks for."""
        found = integrators.get_url(self._room, request.url_code, now=call.now)
        return view(_link(found), disclosure_pb2.AUDIENCE_MEMBER)

    def authorize_integrator(
        self, request: integrator_service.AuthorizeIntegratorRequest, call: Call
    ) -> integrator_service.AuthorizeIntegratorResponse:
        """Authorizes the application of a link."""
        code = messages.parent_of(request.parent)
        call.concerns(code.text)
        given = Granting(
            request.url_code,
            tuple(request.scopes),
            request.term_days,
            request_in(request, call),
        )
        made, shown = integrators.authorize(
            self._room, actor(call, code.text), code, given, now=call.now
        )
        return integrator_service.AuthorizeIntegratorResponse(
            authorization=_told(made, call, disclosure_pb2.AUDIENCE_OWNER),
            authorization_code=shown,
        )

    def exchange_authorization(
        self, request: integrator_service.ExchangeAuthorizationRequest, call: Call
    ) -> integrator_service.ExchangeAuthorizationResponse:
        """Gives the calling application its agent token."""
        made, token = integrators.exchange(
            self._room, call.caller.application, request.authorization_code, now=call.now
        )
        call.concerns(made.code)
        return integrator_service.ExchangeAuthorizationResponse(
            authorization=_told(made, call, _eyes(call)), agent_token=token
        )

    def list_integrator_authorizations(
        self, request: integrator_service.ListIntegratorAuthorizationsRequest, call: Call
    ) -> integrator_service.ListIntegratorAuthorizationsResponse:
        """Lists authorizations, of an enterprise or of an application."""
        if request.parent.startswith(_ENTERPRISES):
            code = enterprise_in(request.parent, call)
            known = integrators.of_enterprise(self._room, reader(call, code), code)
            shown, more = page(known, request)
        else:
            # It may act for thousands.
            client_id, size = _own_application(request.parent, "parent", call), page_size(request)
            found = integrators.of_application(
                self._room, client_id, after=after(request), limit=size + 1
            )
            shown, more = part(found, size, lambda last: (last.granted_at, last.uid))
        call.shows({each.code: None for each in shown})
        return integrator_service.ListIntegratorAuthorizationsResponse(
            authorizations=[_told(each, call, _eyes(call)) for each in shown],
            next_page_token=more,
        )

    def revoke_integrator(
        self, request: integrator_service.RevokeIntegratorRequest, call: Call
    ) -> integrator_pb2.IntegratorAuthorization:
        """Takes an authorization back, or gives it up."""
        parsed, uid = messages.part_of(request.name, "integrators")
        code = parsed.text
        call.concerns(code)
        if call.caller.kind is CallerKind.INTEGRATOR:
            own = call.caller.application
            ended = integrators.give_up(self._room, own, code, uid, now=call.now)
        else:
            ended = integrators.revoke(self._room, reader(call, code), code, uid, now=call.now)
        return _told(ended, call, _eyes(call))

    def get_integrator_statistics(
        self, request: integrator_service.GetIntegratorStatisticsRequest, call: Call
    ) -> integrator_pb2.IntegratorStatistics:
        """Counts authorizations, of an enterprise or of an application."""
        parent, _, last = request.name.rpartition("/")
        if last != _STATISTICS:
            raise _unnamed("name", f"/{_STATISTICS}")
        if parent.startswith(_ENTERPRISES):
            code = enterprise_in(parent, call, "name")
            told = integrators.statistics_of_enterprise(
                self._room, reader(call, code), code, now=call.now
            )
        else:
            client_id = _own_application(parent, "name", call)
            told = integrators.statistics_of_application(self._room, client_id, now=call.now)
        return view(_statistics(request.name, told), _eyes(call))


def _own_application(name: str, field: str, call: Call) -> str:
    """Returns the client id that the application itself or staff name."""
    collection, _, client_id = name.partition("/")
    if collection != "applications" or not _CLIENT_ID.fullmatch(client_id):
        raise _unnamed(field, "")
    own = call.caller.kind is CallerKind.INTEGRATOR and call.caller.application == client_id
    if not own and call.caller.kind is not CallerKind.OPERATOR:
        raise NotFoundError
    return client_id


def _unnamed(field: str, last: str) -> InvalidFieldsError:
    text = f"Write the name as enterprises/{{code}}{last} or applications/{{client_id}}{last}."
    return InvalidFieldsError((FieldViolation(field, "RESOURCE_NAME", text),))


def _eyes(call: Call) -> disclosure_pb2.Audience.ValueType:
    """Returns the audience of those who alone can ask for what is shown."""
    match call.caller.kind:
        case CallerKind.OPERATOR:
            return disclosure_pb2.AUDIENCE_OPERATOR
        case CallerKind.INTEGRATOR:
            return disclosure_pb2.AUDIENCE_INTEGRATOR
        case _:
            return disclosure_pb2.AUDIENCE_OWNER


def _link(link: Link) -> integrator_pb2.AuthorizationUrl:
    row = link.row
    return integrator_pb2.AuthorizationUrl(
        name=f"applications/{row.client_id}/authorizationUrls/{row.uid}",
        url=link.url,
        application_title=link.integrator.title,
        application_description=link.integrator.description,
        scopes=row.scopes,
        expire_time=to_timestamp(row.expires_at),
    )


def _told(
    row: AuthorizationRow, call: Call, eyes: disclosure_pb2.Audience.ValueType
) -> integrator_pb2.IntegratorAuthorization:
    state = f"STATE_{standing(row, call.now).name}"
    made = integrator_pb2.IntegratorAuthorization(
        name=f"enterprises/{row.code}/integrators/{row.uid}",
        application=f"applications/{row.client_id}",
        application_title=row.title,
        scopes=row.scopes,
        state=integrator_pb2.IntegratorAuthorization.State.Value(state),
        grant_time=to_timestamp(row.granted_at),
        expire_time=to_timestamp(row.expires_at),
    )
    if row.exchanged_at is not None:
        made.exchange_time.CopyFrom(to_timestamp(row.exchanged_at))
    if row.revoked_at is not None:
        made.revoke_time.CopyFrom(to_timestamp(row.revoked_at))
    return view(made, eyes)


def _statistics(name: str, told: Counts) -> integrator_pb2.IntegratorStatistics:
    return integrator_pb2.IntegratorStatistics(
        name=name,
        granted_count=told.granted,
        pending_count=told.pending,
        active_count=told.active,
        revoked_count=told.revoked,
        expired_count=told.expired,
        active_party_count=told.parties,
    )
