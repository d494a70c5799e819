"""Calls every method as every kind of caller, over the wire, and compares with the printed policy.

The expectation is tests/unit/policy.txt, the table that people read, and not the table
that the service reads: where the two differ, `tests/unit/test_policy.py` says so. A cell is
one method, one kind of caller and, of methods that platforms read by, one purpose or none.
Requests are empty but for the purpose: whoever may call is told of its faults, whoever may
not is refused before anybody looks at it.

Each cell is tried both ways. Where the caller is let in, the same bytes are sent once more
under a credential that is not good, and must be refused for that. Where it is refused,
somebody else has to be let in by the same method, so that it is the caller that was refused
and not the request.

    tokens, agent_token = credentials(served)
    matrix = measure(served.address, tokens, methods, agent_token)
    matrix.cells, matrix.conforming, matrix.differing
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from bonafides.access import purposes
from bonafides.access.callers import CallerKind
from bonafides.client.faults import RemoteError, remote_error
from bonafides.client.signed_channel import AGENT_KEY
from bonafides.v1.purpose_pb2 import ReadPurpose
from tests import builders
from tests.integrators import application, authorized
from tests.serving import Served

TABLE: Final = Path(__file__).parent / "unit" / "policy.txt"
# What the table says of who is let in; an integrator "alone": without an agent token.
ALLOWED: Final = frozenset({"yes", "alone"})
SPOILED: Final = "CREDENTIAL_INVALID"
_SECONDS: Final = 30.0
_REFUSALS: Final = frozenset({"METHOD_NOT_ALLOWED", "PURPOSE_NOT_ALLOWED"})
_CODE: Final = builders.code(4_711)


@dataclass(frozen=True, slots=True)
class Cell:
    """One method, one kind of caller, a purpose or "", and what the table says.

    `expected` is yes, no, alone, "log in", or purpose: refused for the purpose that is
    named, or for the lack of one.
    """

    method: str
    caller: str
    purpose: str
    expected: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """How many cells there are, how many are as they should be both ways, and which are not."""

    cells: int
    conforming: int
    differing: tuple[tuple[Cell, str], ...]


def cells() -> tuple[Cell, ...]:
    """Returns every cell of the printed table."""
    callers, reads = _tables(TABLE.read_text(encoding="utf-8"))
    found = []
    for method, answers in callers.items():
        for caller, answer in answers.items():
            if answer != "yes" or method not in reads:
                found.append(Cell(method, caller, "", answer))
                continue
            found += _of_purposes(method, caller, reads[method])
    return tuple(found)


def credentials(served: Served) -> tuple[dict[str, str], str]:
    """Returns a token of each kind of caller, and one by which the integrator acts."""
    kinds = (CallerKind.MEMBER, CallerKind.PLATFORM, CallerKind.OPERATOR)
    tokens = {kind.value: served.token(kind.value, ttl_seconds=3_600) for kind in kinds}
    builders.enroll(served.store, _CODE)
    client_id = application(served.store, "matrix")
    agent_token, _ = authorized(served, client_id, _CODE)
    tokens[CallerKind.INTEGRATOR.value] = served.token(
        CallerKind.INTEGRATOR.value, subject=client_id, application=client_id, ttl_seconds=3_600
    )
    return tokens, agent_token


def measure(
    address: str,
    tokens: Mapping[str, str],
    methods: Mapping[str, MethodDescriptor],
    agent_token: str,
) -> Matrix:
    """Calls for each cell, and the other way round.

    `tokens` by kind of caller, without the anonymous one; `methods` by name on the wire.
    """
    told = cells()
    with grpc.insecure_channel(address) as channel:
        asking = _Asking(channel, methods, tokens, agent_token)
        answers = {cell: asking.answer(cell) for cell in told}
        let_in = {cell.method for cell, answer in answers.items() if answer in ALLOWED}
        differing = []
        for cell, answer in answers.items():
            if answer != cell.expected:
                differing.append((cell, answer))
            elif answer in ALLOWED:
                if (other := asking.spoiled(cell)) is not None:
                    differing.append((cell, other))
            elif cell.method not in let_in:
                differing.append((cell, "nobody else is let in"))
    return Matrix(len(told), len(told) - len(differing), tuple(differing))


@dataclass(frozen=True, slots=True)
class _Asking:
    """Who asks over a channel, and by which credentials."""

    channel: grpc.Channel
    methods: Mapping[str, MethodDescriptor]
    tokens: Mapping[str, str]
    agent_token: str = field(repr=False)

    def answer(self, cell: Cell) -> str:
        """Returns how a call of the cell ends, as the table puts it."""
        return self._answer(cell, self.tokens.get(cell.caller, ""))

    def spoiled(self, cell: Cell) -> str | None:
        """Returns how the call ends that should not be let in; None: rightly."""
        token = self.tokens.get(cell.caller, "nobody's")
        if (answer := self._answer(cell, f"{token}A")) != SPOILED:
            return f"{answer} under a credential that is not good"
        if cell.expected != "alone":
            return None
        # Its own affairs: with the word of an enterprise it is refused, without it let in.
        asking = replace(self, agent_token="")
        answer = asking._answer(cell, self.tokens[cell.caller])
        return None if answer == "yes" else f"{answer} without an agent token"

    def _answer(self, cell: Cell, token: str) -> str:
        method = self.methods[cell.method]
        request: Any = GetMessageClass(method.input_type)()
        if cell.purpose:
            request.purpose = ReadPurpose.Value(f"READ_PURPOSE_{cell.purpose}")
        wire = request.SerializeToString()
        metadata = [("authorization", f"Bearer {token}")] if token else []
        if cell.caller == CallerKind.INTEGRATOR and self.agent_token:
            metadata.append((AGENT_KEY, self.agent_token))
        try:
            if method.client_streaming:
                stream: Any = self.channel.stream_stream(cell.method)
                list(stream(iter([wire]), timeout=_SECONDS, metadata=tuple(metadata)))
            else:
                call: Any = self.channel.unary_unary(cell.method)
                call(wire, timeout=_SECONDS, metadata=tuple(metadata))
        except grpc.RpcError as error:
            return _word(remote_error(error))
        return "yes"


def _of_purposes(method: str, caller: str, allowed: set[str]) -> Iterator[Cell]:
    """Yields the cells of a caller who may call a method that platforms read by."""
    for value in ReadPurpose.values():
        purpose = purposes.name_of(value)
        if caller != CallerKind.PLATFORM:
            yield Cell(method, caller, purpose, "purpose" if purpose else "yes")
        elif not purpose:
            yield Cell(method, caller, purpose, "purpose")
        else:
            yield Cell(method, caller, purpose, "yes" if purpose in allowed else "no")


def _tables(text: str) -> tuple[dict[str, dict[str, str]], dict[str, set[str]]]:
    """Returns who may call, by method, and what platforms read for, by method."""
    callers: dict[str, dict[str, str]] = {}
    reads: dict[str, set[str]] = {}
    budgets = text.index("\nis paid with")
    for line in text[:budgets].splitlines():
        method, _, rest = line.partition(" ")
        if not method.startswith("/"):
            continue
        if method not in callers:
            told = re.findall("log in|yes|no|alone", rest)
            callers[method] = dict(zip(CallerKind, told, strict=True))
        else:
            reads.setdefault(method, set()).add(rest.split()[0])
    return callers, reads


def _word(refused: RemoteError) -> str:
    code = refused.code
    if code is grpc.StatusCode.UNAUTHENTICATED:
        return "log in" if refused.reason == "LOGIN_REQUIRED" else refused.reason
    if refused.reason == "SCOPE_REQUIRED":
        return "alone"
    if code is grpc.StatusCode.PERMISSION_DENIED and refused.reason in _REFUSALS:
        return "no"
    if any(fault.reason.startswith("PURPOSE_") for fault in refused.violations):
        return "purpose"
    # Whatever else is the caller's to mend: it was let in.
    return "yes" if refused.reason else f"{code.name} of nobody we know"
