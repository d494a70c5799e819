"""Reads of a call what services read alike: who asks, of which enterprise, by which request.

What a caller may do is decided by the rooms, within the unit of work that does it.

    code = enterprise_in(request.parent, call)
    made = reviews.request_review(desk, actor(call, code), code, request_in(request, call), ...)
"""

from __future__ import annotations

import uuid
from typing import Protocol

from bonafides.access.agents import Agent
from bonafides.access.callers import CallerKind
from bonafides.identity.membership import Actor, Principal
from bonafides.once import Request
from bonafides.rpc import messages
from bonafides.rpc.call import Call
from bonafides.v1 import disclosure_pb2


class Write(Protocol):
    """A request for a write, as it was validated."""

    @property
    def request_id(self) -> str:
        """A UUID, in either case."""


def request_in(request: Write, call: Call) -> Request:
    """Returns by which request the write comes."""
    # A UUID can be written in two cases and is one id.
    return Request(str(uuid.UUID(request.request_id)), call.request_digest)


def enterprise_in(parent: str, call: Call, field: str = "parent") -> str:
    """Returns the code in `enterprises/{code}`, which the call is about from now on.

    `field` is where the name came from.

    Raises:
        InvalidFieldsError: the name is of another form, or holds no code.
        NotFoundError: the caller acts for another enterprise.
    """
    code = messages.parent_of(parent, field).text
    call.concerns(code)
    return code


def part_in(name: str, collection: str, call: Call) -> tuple[str, str]:
    """Returns code and id in `enterprises/{code}/<collection>/{uid}`; else as `enterprise_in`."""
    code, uid = messages.part_of(name, collection)
    call.concerns(code.text)
    return code.text, uid


def actor(call: Call, code: str) -> Actor:
    """Returns the caller as one who may act for the enterprise; the room looks whether."""
    # Of its own people; others of its persons find nothing by this way, or what they sent.
    caller = call.caller
    if caller.kind is CallerKind.MEMBER:
        call.seen_as(disclosure_pb2.AUDIENCE_OWNER)
    agent = Agent(caller.application, caller.agency, call.now) if caller.acts_for else None
    return Actor(principal(call), owns_by_token=code in caller.owns, agent=agent)


def reader(call: Call, code: str) -> Actor | None:
    """Returns the caller as one who may read of the enterprise; None: staff of the service."""
    return None if call.caller.kind is CallerKind.OPERATOR else actor(call, code)


def principal(call: Call) -> Principal:
    """Returns the caller as a login."""
    return Principal(call.caller.issuer, call.caller.subject)


def seen_as(call: Call) -> disclosure_pb2.Audience.ValueType:
    """Returns the audience of what is the caller's own affair, or staff's."""
    match call.caller.kind:
        case CallerKind.OPERATOR:
            return disclosure_pb2.AUDIENCE_OPERATOR
        case CallerKind.INTEGRATOR:
            return disclosure_pb2.AUDIENCE_INTEGRATOR
        case CallerKind.PLATFORM:
            return disclosure_pb2.AUDIENCE_PLATFORM
        case _:
            return disclosure_pb2.AUDIENCE_MEMBER


def member_eyes(call: Call) -> disclosure_pb2.Audience.ValueType:
    """Returns the audience of what members of the enterprise and staff alone can ask for."""
    staff = call.caller.kind is CallerKind.OPERATOR
    return disclosure_pb2.AUDIENCE_OPERATOR if staff else disclosure_pb2.AUDIENCE_OWNER
