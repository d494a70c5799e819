"""The method about who was shown something; see `bonafides.rpc.services` for handlers."""

from __future__ import annotations

from typing import Final

from bonafides.access.audit import purposes_in
from bonafides.access.callers import CallerKind
from bonafides.access.disclosure import view
from bonafides.errors import FieldViolation, InvalidFieldsError
from bonafides.identity import access_operations as accesses
from bonafides.identity.operations import Desk
from bonafides.instants import to_date_message, to_timestamp
from bonafides.rpc import messages
from bonafides.rpc.asking import actor
from bonafides.rpc.call import Call
from bonafides.rpc.consent_messages import page_size
from bonafides.storage.access_log import Line, Place
from bonafides.storage.audit_index import NAMED, OWN
from bonafides.v1 import access_pb2, disclosure_pb2
from bonafides.v1 import access_service_pb2 as access_service
from bonafides.v1.purpose_pb2 import ReadPurpose

_KINDS: Final = {
    CallerKind.PLATFORM.value: access_pb2.Access.KIND_PLATFORM,
    CallerKind.OPERATOR.value: access_pb2.Access.KIND_STAFF,
}
_PURPOSES: Final = {name.removeprefix("READ_PURPOSE_"): name for name in ReadPurpose.keys()}  # noqa: SIM118 - no mapping
_LARGEST: Final = len(str(1 << 62))


class AccessService:
    """Shows an enterprise its access log."""

    def __init__(self, desk: Desk) -> None:
        self._desk: Final = desk

    def list_accesses(
        self, request: access_service.ListAccessesRequest, call: Call
    ) -> access_service.ListAccessesResponse:
        """Lists who was shown something of the caller's own enterprise."""
        code = messages.parent_of(request.parent).text
        call.concerns(code)
        size = page_size(request)
        after = _place(request.page_token) if request.page_token else None
        found = accesses.list_accesses(
            self._desk, actor(call, code), code, after=after, limit=size + 1
        )
        shown = found[:size]
        more = ".".join(map(str, shown[-1].place)) if len(found) > size else ""
        return access_service.ListAccessesResponse(
            accesses=[view(_access(line), disclosure_pb2.AUDIENCE_OWNER) for line in shown],
            next_page_token=more,
        )


def _place(token: str) -> Place:
    parts = token.split(".")
    numbers = [part for part in parts if part.isascii() and part.isdecimal()]
    whole = len(parts) == len(numbers) == len(Place._fields)
    if not whole or any(len(part) > _LARGEST for part in parts):
        text = "Give the next_page_token of the answer before, or nothing."
        raise InvalidFieldsError((FieldViolation("page_token", "PAGE_TOKEN", text),))
    return Place(*(min(int(part), (1 << 62) - 1) for part in numbers))


def _access(line: Line) -> access_pb2.Access:
    made = access_pb2.Access(date=to_date_message(line.day), count=line.times)
    if line.place.rank != NAMED:
        own = line.place.rank == OWN
        made.kind = access_pb2.Access.KIND_OWN_PERSONS if own else access_pb2.Access.KIND_PERSONS
        return made
    # Whatever is no platform and no staff is a program that acts for an enterprise.
    made.kind = _KINDS.get(line.kind, access_pb2.Access.KIND_INTEGRATOR)
    made.access_time.CopyFrom(to_timestamp(line.shown_at))
    made.platform = line.platform
    made.application = line.application
    made.purpose = ReadPurpose.Value(_PURPOSES.get(line.purpose, "READ_PURPOSE_UNSPECIFIED"))
    made.method = line.method
    made.refused = line.refused
    made.consents.extend(purposes_in(line.consents))
    return made
