"""Owners who ask for what is another's: every owner's method, about every other enterprise.

A method is an owner's if a member may call it and it names an enterprise, unless it is
in `FOR_ANYBODY`. To whoever does not act for the enterprise it answers as if there were
no such thing; an archive and a level are shown as to any member. Source: D7.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.message_factory import GetMessageClass

from bonafides.access import policy
from bonafides.access.callers import CallerKind
from tests import builders
from tests.asking import NAMES, methods, request
from tests.serving import Served

# Anybody may submit for a code, upload what goes with it, and try an invitation's code.
FOR_ANYBODY: Final = frozenset({"SubmitIdentity", "UploadDocument", "TakeInvitation"})
# Shown to members too.
FOR_MEMBERS: Final = frozenset({"GetArchive", "GetRating"})
# Staff report records of enterprises yet to come, and mark codes that nobody has.
FOR_STAFF: Final = frozenset({"SetCanary", "WriteRecords"})
_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Owned:
    """An enterprise, a token of its owner, and ids of things that are its own."""

    code: str
    token: str
    ids: dict[str, str]


@dataclass(frozen=True, slots=True)
class Crossing:
    """What a call about another's enterprise came to. `let_in`: more than a member gets."""

    method: str
    status: str
    let_in: bool


def owners_methods() -> list[str]:
    """Returns the methods that answer to the enterprise itself, by their full names."""
    return [
        row.method
        for row in policy.POLICIES
        if CallerKind.MEMBER in row.callers
        and (short := row.method.rsplit("/", 1)[1]) in NAMES
        and short not in FOR_ANYBODY | FOR_MEMBERS
    ]


def enroll(served: Served, count: int) -> list[Owned]:
    """Makes enterprises take part, each with an owner, a case, a review and a member."""
    made = []
    for number in range(1, count + 1):
        code = builders.code(number)
        builders.enroll(served.store, code)
        token = served.token(subject=f"owner-{number}", owns=[code.text], ttl_seconds=3_600)
        made.append(Owned(code.text, token, {}))
    with grpc.insecure_channel(served.address) as channel:
        for number, owned in enumerate(made):
            for word, method in _MAKES.items():
                asked = request(method, owned.code, number)
                answer = _call(channel, method, asked.SerializeToString(), owned.token)
                told: Any = GetMessageClass(methods()[method].output_type).FromString(answer)
                owned.ids[word] = told.name.rsplit("/", 1)[1]
    return made


# What each enterprise has of its own, and how it comes about.
_MAKES: Final = {
    "correction": "/bonafides.v1.RightsService/OpenCorrection",
    "review": "/bonafides.v1.ReviewService/RequestReview",
}


def crossings(served: Served, owned: Sequence[Owned]) -> Iterator[Crossing]:
    """Has every owner call every owner's method about each other enterprise."""
    stranger = served.token(subject="nobody-s", ttl_seconds=3_600)
    with grpc.insecure_channel(served.address) as channel:
        for caller, other in itertools.permutations(owned, 2):
            for method in owners_methods():
                yield _crossed(channel, method, other, caller.token)
        for caller, other in itertools.pairwise([*owned, owned[0]]):
            for short in sorted(FOR_MEMBERS):
                yield _shown(channel, short, other, caller.token, stranger)


def staff_methods() -> list[str]:
    """Returns the methods that answer to staff about an enterprise that takes part."""
    return [
        row.method
        for row in policy.POLICIES
        if CallerKind.OPERATOR in row.callers
        and (short := row.method.rsplit("/", 1)[1]) in NAMES
        and short not in FOR_STAFF
    ]


def absent(served: Served, code: str) -> Iterator[Crossing]:
    """Has staff call every method of theirs about an enterprise that takes no part."""
    clerk = served.token("operator", subject="clerk", ttl_seconds=3_600)
    nobody = Owned(code, "", {})
    with grpc.insecure_channel(served.address) as channel:
        for method in staff_methods():
            yield _crossed(channel, method, nobody, clerk)


def _crossed(channel: grpc.Channel, method: str, other: Owned, token: str) -> Crossing:
    asked = request(method, other.code, 77, platform=False, **other.ids).SerializeToString()
    try:
        _call(channel, method, asked, token)
    except grpc.RpcError as error:
        status = error.code().name
        return Crossing(method, status, status != "NOT_FOUND")
    return Crossing(method, "OK", let_in=True)


def _shown(channel: grpc.Channel, short: str, other: Owned, token: str, stranger: str) -> Crossing:
    method = next(name for name in methods() if name.endswith(f"/{short}"))
    asked = request(method, other.code).SerializeToString()
    mine, theirs = (_call(channel, method, asked, each) for each in (token, stranger))
    return Crossing(method, "OK", mine != theirs)


def _call(channel: grpc.Channel, method: str, asked: bytes, token: str) -> bytes:
    metadata = (("authorization", f"Bearer {token}"),)
    made: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
    return made(asked, metadata=metadata, timeout=_SECONDS)
