"""The methods by which staff close interfaces, mark canaries and set limits.

As in `bonafides.rpc.consent_services`: what may be done is decided by the room.
"""

from __future__ import annotations

import re
from typing import Any, Final

from google.protobuf import descriptor_pool

from bonafides.access.budgets import SetLimit
from bonafides.access.disclosure import view
from bonafides.access.spending_limits import name_of, read_payer
from bonafides.access.switches import APPLICATION, KEY, PREFIX, read_caller
from bonafides.errors import FieldViolation, InvalidFieldsError, NotFoundError
from bonafides.identity import limit_operations
from bonafides.identity import switch_operations as operations
from bonafides.identity.limit_operations import Allowing
from bonafides.identity.operations import Desk
from bonafides.identity.switch_operations import Closing
from bonafides.instants import Instant, from_timestamp, to_timestamp
from bonafides.rpc import messages
from bonafides.rpc.asking import principal, request_in
from bonafides.rpc.call import Call
from bonafides.rpc.consent_messages import page
from bonafides.storage.spending_limits import LimitRow
from bonafides.storage.switches import CanaryRow, SwitchRow
from bonafides.v1 import disclosure_pb2, switch_pb2
from bonafides.v1 import switch_service_pb2 as switch_service

_EYES: Final = disclosure_pb2.AUDIENCE_OPERATOR
_NAME: Final = re.compile(r"switches/([0-9a-f-]{36})")
_PACKAGE: Final = "bonafides.v1."
_TARGETS: Final = {
    APPLICATION: "Give the client id of an application.",
    KEY: "Give the key of an account, 32 hexadecimal digits, as the log has it.",
    PREFIX: "Give an address prefix, IPv4 /24 or IPv6 /56, such as 203.0.113.0/24.",
}
_PAYERS: Final = (
    "Write the name as platforms/{platform}/limit, applications/{application}/limit or "
    "payers/{payer}/limit, with anonymous, member, group, platform, integrator or operator."
)


class SwitchService:
    """Lets staff close an interface, or close it to one caller, and say who may spend what."""

    def __init__(self, desk: Desk) -> None:
        self._desk: Final = desk

    def set_switch(self, request: switch_service.SetSwitchRequest, call: Call) -> switch_pb2.Switch:
        """Sets a switch."""
        asked = Closing(
            interface=_interface(request.interface),
            caller=_target(request.target),
            reason=request.reason,
            until=from_timestamp(request.expire_time) if request.HasField("expire_time") else None,
            request=request_in(request, call),
        )
        made = operations.set_switch(self._desk, principal(call), asked, now=call.now)
        return view(_switch(made), _EYES)

    def list_switches(
        self, request: switch_service.ListSwitchesRequest, call: Call
    ) -> switch_service.ListSwitchesResponse:
        """Lists switches."""
        found = operations.list_switches(self._desk, ended=request.show_ended, now=call.now)
        shown, more = page(found, request)
        return switch_service.ListSwitchesResponse(
            switches=[view(_switch(each), _EYES) for each in shown], next_page_token=more
        )

    def delete_switch(
        self, request: switch_service.DeleteSwitchRequest, call: Call
    ) -> switch_pb2.Switch:
        """Ends a switch."""
        found = _NAME.fullmatch(request.name)
        if found is None:
            raise NotFoundError
        made = operations.end_switch(self._desk, principal(call), found[1], now=call.now)
        return view(_switch(made), _EYES)

    def set_canary(self, request: switch_service.SetCanaryRequest, call: Call) -> switch_pb2.Canary:
        """Says whether a code is a canary."""
        code = messages.enterprise_of(request.name, "canary")
        made = operations.set_canary(
            self._desk, principal(call), code, marked=request.marked, now=call.now
        )
        return view(_canary(made), _EYES)

    def list_canaries(
        self,
        request: switch_service.ListCanariesRequest,
        call: Call,  # noqa: ARG002 - the list is the same for all staff
    ) -> switch_service.ListCanariesResponse:
        """Lists canaries."""
        shown, more = page(operations.list_canaries(self._desk), request)
        return switch_service.ListCanariesResponse(
            canaries=[view(_canary(each), _EYES) for each in shown], next_page_token=more
        )

    def set_spending_limit(
        self, request: switch_service.SetSpendingLimitRequest, call: Call
    ) -> switch_pb2.SpendingLimit:
        """Sets what an account may spend."""
        payer = read_payer(request.name)
        if payer is None:
            raise InvalidFieldsError((FieldViolation("name", "RESOURCE_NAME", _PAYERS),))
        asked = Allowing(
            payer=payer,
            limit=SetLimit(
                request.calls_per_minute if request.HasField("calls_per_minute") else None,
                request.enterprises_per_day if request.HasField("enterprises_per_day") else None,
            ),
            reason=request.reason,
            request=request_in(request, call),
        )
        made = limit_operations.set_limit(self._desk, principal(call), asked, now=call.now)
        return view(_limit(made, None), _EYES)

    def list_spending_limits(
        self,
        request: switch_service.ListSpendingLimitsRequest,
        call: Call,  # noqa: ARG002 - the list is the same for all staff
    ) -> switch_service.ListSpendingLimitsResponse:
        """Lists limits."""
        found = limit_operations.list_limits(self._desk, ended=request.show_ended)
        shown, more = page(found, request)
        return switch_service.ListSpendingLimitsResponse(
            limits=[view(_limit(*each), _EYES) for each in shown], next_page_token=more
        )


def _interface(text: str) -> str:
    """Returns the interface if there is one of this name.

    Raises:
        InvalidFieldsError: there is none; it would be believed to be closed.
    """
    if not text:
        return text
    service, _, method = text.partition("/")
    try:
        found: Any = descriptor_pool.Default().FindServiceByName(service)
    except KeyError:
        found = None
    known = found is not None and service.startswith(_PACKAGE)
    if not known or ("/" in text and method not in found.methods_by_name):
        help_text = "Name a service or one of its methods: bonafides.v1.ArchiveService/GetArchive."
        raise InvalidFieldsError((FieldViolation("interface", "UNKNOWN", help_text),))
    return text


def _target(target: switch_pb2.Switch.Target) -> str:
    kind = target.WhichOneof("kind")
    if kind is None:
        return ""
    read = read_caller(kind, getattr(target, kind))
    if read is None:
        violation = FieldViolation(f"target.{kind}", "INVALID", _TARGETS[kind])
        raise InvalidFieldsError((violation,))
    return read


def _switch(row: SwitchRow) -> switch_pb2.Switch:
    kind, _, name = row.caller.partition(":")
    made = switch_pb2.Switch(
        name=f"switches/{row.uid}",
        interface=row.interface,
        reason=row.reason,
        set_time=to_timestamp(row.set_at),
        set_by=row.set_by,
        ended_by=row.ended_by or "",
    )
    if kind:
        setattr(made.target, kind, name)
    for field, at in (("expire_time", row.until), ("end_time", row.ended_at)):
        if at is not None:
            getattr(made, field).CopyFrom(to_timestamp(at))
    return made


def _canary(row: CanaryRow) -> switch_pb2.Canary:
    return switch_pb2.Canary(
        name=f"enterprises/{row.code}/canary",
        marked=row.marked,
        say_time=to_timestamp(row.said_at),
        said_by=row.actor,
    )


def _limit(row: LimitRow, ended_at: Instant | None) -> switch_pb2.SpendingLimit:
    made = switch_pb2.SpendingLimit(
        name=name_of(row.payer),
        calls_per_minute=row.limit.calls,
        enterprises_per_day=row.limit.enterprises,
        reason=row.reason,
        set_time=to_timestamp(row.set_at),
        set_by=row.set_by,
    )
    if ended_at is not None:
        made.end_time.CopyFrom(to_timestamp(ended_at))
    return made
