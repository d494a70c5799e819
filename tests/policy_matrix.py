"""Calls every method as every kind of caller, over the wire, and compares with the printed policy.

The expectation is tests/unit/policy.txt, the table that people read, and not the table
that the service reads: where the two differ, `tests/unit/test_policy.py` says so. A cell is
one method, one kind of caller and, of methods that platforms read by, one purpose or none.
Requests are empty but for the purpose: whoever may call is told of its faults, whoever may
not is refused before anybody looks at it.

    matrix = measure(address, tokens)
    matrix.cells, matrix.conforming, matrix.differing
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from bonafides.access import purposes
from bonafides.access.callers import CallerKind
from bonafides.client.faults import RemoteError, remote_error
from bonafides.v1.purpose_pb2 import ReadPurpose

TABLE: Final = Path(__file__).parent / "unit" / "policy.txt"
_SECONDS: Final = 10.0
_REFUSALS: Final = frozenset({"METHOD_NOT_ALLOWED", "PURPOSE_NOT_ALLOWED"})


@dataclass(frozen=True, slots=True)
class Cell:
    """One method, one kind of caller, a purpose or "", and what the table says.

    `expected` is yes, no, "log in", or purpose: refused for the purpose that is named, or
    for the lack of one.
    """

    method: str
    caller: str
    purpose: str
    expected: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """How many cells there are, how many are as they should be, and which are not."""

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


def measure(
    address: str, tokens: Mapping[str, str], methods: Mapping[str, MethodDescriptor]
) -> Matrix:
    """Makes one call for each cell.

    `tokens` by kind of caller, without the anonymous one; `methods` by name on the wire.
    """
    differing = []
    told = cells()
    with grpc.insecure_channel(address) as channel:
        for cell in told:
            answer = _answer(channel, methods[cell.method], cell, tokens.get(cell.caller, ""))
            if answer != cell.expected:
                differing.append((cell, answer))
    return Matrix(len(told), len(told) - len(differing), tuple(differing))


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
    head, *lines = text.splitlines()
    kinds = [kind for kind in head.split()[1:] if kind in set(CallerKind)]
    callers: dict[str, dict[str, str]] = {}
    reads: dict[str, set[str]] = {}
    for line in lines:
        method, _, rest = line.partition(" ")
        if not method.startswith("/"):
            continue
        if method not in callers:
            # What is behind the callers is whether an application signs.
            told = re.findall("log in|yes|no|alone", rest)
            callers[method] = dict(zip(kinds, told, strict=True))
        else:
            reads.setdefault(method, set()).add(rest.split()[0])
    return callers, reads


def _answer(channel: grpc.Channel, method: MethodDescriptor, cell: Cell, token: str) -> str:
    request: Any = GetMessageClass(method.input_type)()
    if cell.purpose:
        request.purpose = ReadPurpose.Value(f"READ_PURPOSE_{cell.purpose}")
    wire = request.SerializeToString()
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    try:
        if method.client_streaming:
            stream: Any = channel.stream_stream(cell.method)
            list(stream(iter([wire]), timeout=_SECONDS, metadata=metadata))
        else:
            call: Any = channel.unary_unary(cell.method)
            call(wire, timeout=_SECONDS, metadata=metadata)
    except grpc.RpcError as error:
        return _word(remote_error(error))
    return "yes"


def _word(refused: RemoteError) -> str:
    code = refused.code
    if code is grpc.StatusCode.UNAUTHENTICATED:
        return "log in" if refused.reason == "LOGIN_REQUIRED" else refused.reason
    if code is grpc.StatusCode.PERMISSION_DENIED and refused.reason in _REFUSALS:
        return "no"
    if any(fault.reason.startswith("PURPOSE_") for fault in refused.violations):
        return "purpose"
    # Whatever else is the caller's to mend: it was let in.
    return "yes" if refused.reason else f"{code.name} of nobody we know"
