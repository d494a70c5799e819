"""Runs bytes through methods in this process, guided by coverage; a program of its own.

The first byte chooses the method, the second the caller; the rest is the request. Each
goes through parsing, validation and the handler of a real server over a real database,
as in the pipeline. What it raises must be an error of ours that has a status, and never
one of those that mean a fault of the service.

    python -m scripts.trust.fuzz_target FOLDER FOUND RUNS SEED

Writes the file FOUND: how many were run, and what went wrong, without the bytes.
The seeds are one honest request for each method and caller. The library ends the process
by itself, so what was found is written as it is found.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import atheris

with atheris.instrument_imports(include=["bonafides"], exclude=["bonafides.v1"]):
    from bonafides.access.callers import ANONYMOUS, Caller, CallerKind
    from bonafides.rpc import call as calls
    from bonafides.rpc.events import Event
    from bonafides.rpc.status import reply
    from tests import builders
    from tests.asking import methods, request
    from tests.serving import serving
from scripts.trust.silence import silence

_UNSEEMLY: Final = frozenset({"INTERNAL", "UNKNOWN", "DATA_LOSS", "UNIMPLEMENTED"})
_LONGEST: Final = 8_192


def main(folder: Path, found: Path, runs: int, seed: int) -> None:
    """Fuzzes, so many times, and ends the process."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    code = builders.code(1)
    names = list(methods())
    for place, method in enumerate(names):
        honest = request(method, code.text).SerializeToString()
        for who in range(len(_callers(code.text))):
            (corpus / f"{place}-{who}").write_bytes(bytes([place, who]) + honest)
    with silence(), serving(folder / "data") as served:
        builders.enroll(served.store, code)
        bound = {
            f"/{descriptor.full_name}/{method.name}": calls.bound(method, service)
            for descriptor, service in served.server.services.items()
            for method in descriptor.methods
        }
        target = _Target(found, [bound[name] for name in names], _callers(code.text), runs)
        arguments = [
            f"-runs={runs}",
            f"-seed={seed}",
            f"-max_len={_LONGEST}",
            "-print_final_stats=0",
        ]
        atheris.Setup([sys.argv[0], *arguments, "-verbosity=0", str(corpus)], target)
        atheris.Fuzz()


def _callers(code: str) -> list[Caller]:
    return [
        ANONYMOUS,
        Caller(CallerKind.MEMBER, "issuer", "member"),
        Caller(CallerKind.MEMBER, "issuer", "owner", owns=frozenset({code})),
        Caller(CallerKind.PLATFORM, "issuer", "platform", platform=builders.PLATFORM),
        Caller(CallerKind.OPERATOR, "issuer", "staff"),
    ]


class _Target:
    """Takes bytes, and notes what they came to."""

    def __init__(
        self, file: Path, bound: list[calls.Method], callers: list[Caller], runs: int
    ) -> None:
        self._file = file
        self._bound = bound
        self._callers = callers
        self._runs = runs
        self._done = 0
        self._wrong: dict[str, int] = {}
        self._codes: dict[str, int] = {}

    def __call__(self, data: bytes) -> None:
        self._done += 1
        if len(data) > 1:
            method = self._bound[data[0] % len(self._bound)]
            caller = self._callers[data[1] % len(self._callers)]
            self._note(method.name, _outcome(method, caller, data[2:]))
        if self._done % 1_000 == 0 or self._done >= self._runs:
            self._write()

    def _note(self, method: str, outcome: str) -> None:
        self._codes[outcome] = self._codes.get(outcome, 0) + 1
        if outcome.split(maxsplit=1)[0] in _UNSEEMLY:
            key = f"{method}: {outcome}"
            self._wrong[key] = self._wrong.get(key, 0) + 1

    def _write(self) -> None:
        told = {"runs": self._done, "codes": self._codes, "wrong": self._wrong}
        self._file.write_text(json.dumps(told), encoding="utf-8")


def _outcome(method: calls.Method, caller: Caller, wire: bytes) -> str:
    """Returns the status that the caller would be told; of faults of ours, their type too."""
    event = Event(builders.request_id())
    call = calls.Call(caller, builders.NOW, calls.Received([], [], wire=wire), event)
    try:
        calls.permitted(method, call, None, waits=True)
        if method.streams:
            _take(method, call, wire)
        else:
            calls.handled(method, method.handle, wire, call)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told by its status
        code = reply(error, event.call_id).code.name
        return f"{code} {type(error).__name__}" if code in _UNSEEMLY else code
    return "OK"


def _take(method: calls.Method, call: calls.Call, wire: bytes) -> None:
    session: Any = method.handle(call)
    asked = calls.parsed(method.request, wire)
    calls.validate_envelope(asked)
    session.answer([session.take(asked, call).result(10)])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
