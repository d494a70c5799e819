"""Looks for what its audience may not see: in random messages, and in all that is sent.

In this process: every message that some method answers with is filled at random, by its
descriptor, shown to every audience, and held against the declarations as
`tests.disclosed` reads them by itself.

Over the wire: enterprises are submitted with planted values; every method is called about
them by every kind of caller, rightly and with values where they don't belong. Whatever
comes back, trailers and error texts included, and whatever is logged is searched for the
planted values in many encodings, and each field of each answer for a class that its
caller may not see. Source: FEATURES.md L4, D5.
"""

from __future__ import annotations

import collections
import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from google.protobuf.message_factory import GetMessageClass
from stdnum.cn import ric

from bonafides.access.disclosure import view
from bonafides.client.signed_channel import AGENT_KEY
from bonafides.identity import registry_operations
from bonafides.identity.codes import UnifiedCode
from bonafides.v1 import archive_pb2, disclosure_pb2, enterprise_pb2, rights_pb2
from bonafides.v1 import identity_service_pb2 as identity_service
from bonafides.v1 import rights_service_pb2 as rights_service
from scripts.measured import Figure
from scripts.trust.extent import Extent
from scripts.trust.figures import proved
from tests import builders
from tests.asking import methods, request
from tests.disclosed import UNKNOWN, classes, dotted, expected_of, filled, populated, viewed
from tests.integrators import application, authorized
from tests.logged import captured
from tests.needles import Wire, found_in
from tests.serving import Served, serving

_AUDIENCES: Final = disclosure_pb2.Audience.values()
_SHARES: Final = (1.0, 0.8, 0.3)
# What all planted values of a kind begin with: masks leave less of them.
_STEMS: Final = ("99000019870605", "測漏", "19900007", "planted.needle")
_SUBMIT: Final = "IdentityService/SubmitIdentity"
# How gRPC writes that a budget was spent.
_SPENT: Final = b"StatusCode.RESOURCE_EXHAUSTED"
# So many texts are searched together.
_AT_ONCE: Final = 20_000


def prove(extent: Extent) -> Iterator[Figure]:
    """Yields how many values were visible to whom they should not be."""
    yield _in_process(extent.archives)
    yield from _over_the_wire(extent.planted)


def _in_process(archives: int) -> Figure:
    kinds = [kind for kind in viewed() if kind is not archive_pb2.Archive]
    wrong: list[str] = []
    views = fields = 0
    for number in range(archives):
        # One archive, and one of the other messages, in turn.
        for kind in (archive_pb2.Archive, kinds[number % len(kinds)]):
            message = filled(kind, number, share=_SHARES[number % len(_SHARES)])
            # Once for all audiences: walking is most of the work.
            values = list(populated(message))
            for audience in _AUDIENCES:
                views += 1
                shown = view(message, audience)
                seen = [(dotted(path), str(value)) for path, _, value in populated(shown)]
                fields += len(seen)
                allowed = {(path, str(told)) for path, told in expected_of(values, audience)}
                wrong += [
                    f"{kind.DESCRIPTOR.name}.{path} to {_short(audience)}"
                    for path, told in seen
                    if (path, told) not in allowed
                ]
                if UNKNOWN in shown.SerializeToString():
                    wrong.append(f"{kind.DESCRIPTOR.name}: an unknown field")
    beside = f"{archives} archives, {views} views for {len(_AUDIENCES)} audiences, {fields} fields"
    return proved("disclosure.in_process.outside_policy", len(wrong), _told(beside, wrong))


@dataclass(frozen=True, slots=True)
class _Caller:
    audience: disclosure_pb2.Audience.ValueType
    token: str | None
    # By which an integrator acts for the enterprise.
    headers: dict[str, str] = field(default_factory=dict)


def _over_the_wire(planted: int) -> Iterator[Figure]:
    outside: list[str] = []
    found: set[str] = set()
    answers: collections.Counter[str] = collections.Counter()
    sent = 0
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(captured())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        # Its last lines are written when it stops.
        with serving(Path(folder)) as served:
            wire = Wire(served.address)
            for number in range(1, planted + 1):
                code = builders.code(number)
                submission = _plant(served, wire, number)
                for caller in _callers(served, code.text):
                    for method, answer in _asked(wire, caller, code.text, submission):
                        answers[_short(caller.audience)] += 1
                        outside += _unseemly(method, answer, caller.audience)
                if number == planted or len(wire.received) > _AT_ONCE:
                    sent += len(wire.received)
                    found |= _searched(wire)
            wire.close()
    lines = "\n".join(map(repr, log)).encode()
    found |= {f"{stem} in the log" for stem in found_in(lines, _STEMS)}
    told = ", ".join(f"{eyes} {count}" for eyes, count in sorted(answers.items()))
    beside = f"{planted} enterprises, {len(methods())} methods, {answers.total()} answers: {told}"
    yield proved("disclosure.over_the_wire.outside_policy", len(outside), _told(beside, outside))
    beside = f"{sent} texts, trailers and answers, {len(log)} lines of the log"
    yield proved("disclosure.over_the_wire.planted_found", len(found), _told(beside, found))


def _searched(wire: Wire) -> set[str]:
    """Returns what of the planted values has come back since the last time.

    Raises:
        AssertionError: a caller had spent its budget, and was shown less than it might be.
    """
    # Many are the same: keys of trailers, refusals.
    texts = b"\n".join(set(wire.received))
    wire.received.clear()
    if _SPENT in texts:
        raise AssertionError("calls were refused for want of a budget, and showed nothing")
    return set(found_in(texts, _STEMS))


def _plant(served: Served, wire: Wire, number: int) -> str:
    """Submits an enterprise with planted values; returns the id of the submission."""
    code = builders.code(number)
    body = f"{_STEMS[0]}{number % 1_000:03d}"
    told = {
        "representative": f"{_STEMS[1]}{chr(0x4E00 + number)}",
        "representative_id_number": body + ric.calc_check_digit(f"{body}0"),
    }
    row = builders.registry_row(code, **told)
    registry_operations.load_registry(served.store, served.vault, [row], now=served.clock.now)
    claims = builders.claims(
        code,
        phone=f"{_STEMS[2]}{number % 1_000:03d}",
        email=f"{_STEMS[3]}{number}@example.com",
        representative=enterprise_pb2.Representative(
            person=told["representative"], id_number=told["representative_id_number"]
        ),
    )
    asked = identity_service.SubmitIdentityRequest(
        request_id=builders.request_id(number), claims=claims
    )
    token = served.token(subject=f"owner-{number}")
    answer = wire.call(_SUBMIT, asked.SerializeToString(), token)
    # The same with values where they don't belong: refused, and quoted nowhere.
    claims.title, claims.code = claims.representative.person, claims.representative.id_number
    asked.request_id = builders.request_id(number + 100_000)
    wire.call(_SUBMIT, asked.SerializeToString(), token)
    wire.call(_SUBMIT, asked.SerializeToString()[:-3] + b"\xff", token)
    owner = served.token(subject=f"owner-{number}", owns=[code.text])
    correction = rights_service.OpenCorrectionRequest(
        request_id=builders.request_id(number),
        parent=f"enterprises/{code.text}",
        target=rights_pb2.CorrectionTarget(fact=rights_pb2.FactTarget(kind="registration")),
        wrong=f"请致电 {claims.phone}",
        right=f"证件号 {told['representative_id_number']}",
    )
    wire.call("RightsService/OpenCorrection", correction.SerializeToString(), owner)
    return enterprise_pb2.Submission.FromString(answer or b"").name.rsplit("/", 1)[-1]


def _callers(served: Served, code: str) -> Iterator[_Caller]:
    """Yields callers of every kind, others for each enterprise.

    What a person or an application may begin in a day is bounded, by no setting: the same
    ones would soon be refused, and a refusal shows nothing.
    """
    number = int(code[8:16])
    owner = served.token(subject=f"owner-{number}", owns=[code])
    yield _Caller(disclosure_pb2.AUDIENCE_PUBLIC, None)
    yield _Caller(disclosure_pb2.AUDIENCE_MEMBER, served.token(subject=f"stranger-{number}"))
    yield _Caller(disclosure_pb2.AUDIENCE_OWNER, owner)
    yield _Caller(disclosure_pb2.AUDIENCE_PLATFORM, served.token("platform", subject="platform"))
    yield _Caller(
        disclosure_pb2.AUDIENCE_OPERATOR, served.token("operator", subject=f"staff-{number}")
    )
    # For the enterprise, and of its own affairs.
    name = application(served.store, f"planted-{number}")
    itself = served.token("integrator", subject=name, application=name)
    agent_token, _ = authorized(served, name, UnifiedCode.parse(code))
    acting = {AGENT_KEY: agent_token}
    yield _Caller(disclosure_pb2.AUDIENCE_INTEGRATOR, itself, acting)
    yield _Caller(disclosure_pb2.AUDIENCE_INTEGRATOR, itself)


def _asked(wire: Wire, caller: _Caller, code: str, submission: str) -> Iterator[tuple[str, bytes]]:
    """Yields the answers to every method that is no stream and ends nothing."""
    names_purpose = caller.audience == disclosure_pb2.AUDIENCE_PLATFORM
    for method, described in methods().items():
        if described.client_streaming or described.name in _ENDING:
            continue
        asked = request(method, code, platform=names_purpose, submission=submission)
        name, sent = method.removeprefix("/bonafides.v1."), asked.SerializeToString()
        answer = wire.call(name, sent, caller.token, **caller.headers)
        if answer is not None:
            yield method, answer


# After these there would be nothing left to ask about, or less to see.
_ENDING: Final = frozenset(
    {"ErasePersonalData", "SubmitIdentity", "RevokeConsent", "SetSwitch", "SetPlatformMask"}
)


def _unseemly(
    method: str, answer: bytes, audience: disclosure_pb2.Audience.ValueType
) -> Iterator[str]:
    """Yields the fields of the answer that name a class the audience may not see."""
    message: Any = GetMessageClass(methods()[method].output_type).FromString(answer)
    seen_as = {audience}
    if audience == disclosure_pb2.AUDIENCE_OWNER:
        # Of what is no enterprise's, such as an application, he is one member of many.
        seen_as.add(disclosure_pb2.AUDIENCE_MEMBER)
    for path, _holder, _value in populated(message):
        told = [audiences for field in path if (audiences := classes(field)) is not None]
        if any(seen_as.isdisjoint(audiences) for audiences in told):
            yield f"{method}: {dotted(path)} to {_short(audience)}"


def _short(audience: disclosure_pb2.Audience.ValueType) -> str:
    return disclosure_pb2.Audience.Name(audience).removeprefix("AUDIENCE_").lower()


def _told(beside: str, wrong: Iterable[str]) -> str:
    return "; ".join([beside, *sorted(set(wrong))[:5]])
