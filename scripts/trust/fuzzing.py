"""Sends bytes that no honest client sends, in a process of its own and over gRPC.

What comes back must be a status that the service answers on purpose: never INTERNAL or
UNKNOWN, which mean that something broke, and never silence. See `fuzz_target` for the
first; over gRPC honest requests are bent at random, from a fixed seed.
"""

from __future__ import annotations

import collections
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import grpc

from scripts.measured import Figure
from scripts.trust.extent import Extent
from scripts.trust.figures import proved
from scripts.trust.silence import silence
from tests import builders
from tests.asking import methods, request
from tests.serving import Served, serving

_SEED: Final = 20_261_122
_ROOT: Final = Path(__file__).resolve().parents[2]
_MOST_SECONDS: Final = 1_200
# What the service answers on purpose.
ALLOWED: Final = frozenset(
    {
        "OK",
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "UNAUTHENTICATED",
        "FAILED_PRECONDITION",
        "RESOURCE_EXHAUSTED",
    }
)


def prove(extent: Extent) -> Iterator[Figure]:
    """Yields how many requests ended otherwise than on purpose."""
    yield _in_process(extent.fuzzed)
    yield _over_grpc(extent.sent)


def _in_process(runs: int) -> Figure:
    name = "fuzz.in_process.failures"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        given = [folder, str(file), str(runs), str(_SEED)]
        asked = [sys.executable, "-m", "scripts.trust.fuzz_target", *given]
        ended = subprocess.run(  # noqa: S603 - our own program
            asked, cwd=_ROOT, capture_output=True, check=False, timeout=_MOST_SECONDS
        )
        found = json.loads(file.read_text(encoding="utf-8"))
    codes = found["codes"]
    outside = sum(count for code, count in codes.items() if code not in ALLOWED)
    # A process that died did so at a request that it had not noted yet.
    crashed = int(ended.returncode != 0 or found["runs"] < runs)
    told = ", ".join(f"{code} {count}" for code, count in sorted(codes.items()))
    beside = "; ".join([f"{found['runs']} requests, {crashed} crashes: {told}", *found["wrong"]])
    return proved(name, outside + crashed, beside)


def _over_grpc(sent: int) -> Figure:
    codes: collections.Counter[str] = collections.Counter()
    wrong: set[str] = set()
    bent = random.Random(_SEED)  # noqa: S311 - no secret is drawn
    with silence(), tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as served:
        code = builders.code(1)
        builders.enroll(served.store, code)
        tokens = _tokens(served, code.text)
        with grpc.insecure_channel(served.address) as channel:
            names = list(methods())
            for _ in range(sent):
                method = bent.choice(names)
                honest = request(method, code.text).SerializeToString()
                told = _status(channel, method, _bend(honest, bent), bent.choice(tokens))
                codes[told] += 1
                if told not in ALLOWED:
                    wrong.add(f"{method}: {told}")
    outside = sum(count for told, count in codes.items() if told not in ALLOWED)
    counted = ", ".join(f"{told} {count}" for told, count in sorted(codes.items()))
    beside = "; ".join([f"{sent} requests: {counted}", *sorted(wrong)])
    return proved("fuzz.over_grpc.failures", outside, beside)


def _bend(honest: bytes, bent: random.Random) -> bytes:
    """Returns the bytes with some changed, cut out, repeated or put in."""
    made = bytearray(honest)
    for _ in range(bent.randint(0, 6)):
        place = bent.randint(0, len(made))
        match bent.randint(0, 4):
            case 0:
                made[place:place] = bent.randbytes(bent.randint(1, 8))
            case 1:
                del made[place : place + bent.randint(1, 8)]
            case 2:
                made[place:place] = made[place : place + bent.randint(1, 40)]
            case 3 if made:
                made[place % len(made)] ^= 1 << bent.randint(0, 7)
            case _:
                made[place:] = bent.randbytes(bent.randint(0, 40))
    return bytes(made)


def _tokens(served: Served, code: str) -> list[str | None]:
    return [
        None,
        served.token(ttl_seconds=3_600),
        served.token(subject="owner", owns=[code], ttl_seconds=3_600),
        served.token("platform", subject="platform", ttl_seconds=3_600),
        served.token("operator", subject="staff", ttl_seconds=3_600),
    ]


def _status(channel: grpc.Channel, method: str, wire: bytes, token: str | None) -> str:
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    try:
        if methods()[method].client_streaming:
            stream: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(method)
            for _ in stream(iter([wire]), metadata=metadata, timeout=20):
                pass
        else:
            unary: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
            unary(wire, metadata=metadata, timeout=20)
    except grpc.RpcError as error:
        told: str = error.code().name
        return told
    return "OK"
