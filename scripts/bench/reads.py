"""Reading archives: the service against a bare handler and against the peer.

In a round each contender is loaded in turn, so that what else the machine does hits
all of them. CPU per call is the figure, as others' load changes it least. A call
that is refused spoils a figure of CPU, and is charged with its wait in p99.
"""

from __future__ import annotations

import timeit
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Final

from bonafides.access.callers import SANDBOX_ISSUER, TokenVerifier
from bonafides.keys import load_or_create
from bonafides.rpc.authentication import Authentication
from bonafides.rpc.call import Received
from scripts.bench import load, sample
from scripts.bench.databases import Databases
from scripts.bench.effort import Effort
from scripts.bench.figures import failed, of_rounds, ratios
from scripts.bench.load import Plan, Result
from scripts.bench.processes import NotMeasuredError
from scripts.bench.scene import CONTENDERS, CROWD, Scene, staged
from scripts.measured import Figure

_SHARE_OF_SATURATION: Final = 0.8
_US: Final = 1e6
# What so many callers find differs most from moment to moment, as they keep both cores busy:
# it is taken as often in each round.
_CROWDS: Final = ("bare_crowd", "crowd")
_TIMES: Final = 4
_RATIOS: Final = (
    ("read.anonymous.sqlite.over_bare", "sqlite", "bare"),
    ("read.anonymous.postgresql.warm.over_bare", "warm", "bare"),
    ("read.anonymous.postgresql.miss.over_bare", "miss", "bare"),
    ("read.member.cached_token.over_bare", "crowd", "bare_crowd"),
    ("read.anonymous.sqlite.over_peer", "sqlite", "peer_sqlite"),
    ("read.anonymous.postgresql.over_peer", "warm", "peer_postgresql"),
)


def measure(folder: Path, made: Databases, effort: Effort) -> Iterator[Figure]:
    """Yields the rows of reading."""
    shown = sample.load(folder)
    yield _added_by_auth(folder / "data", effort)
    with staged(folder, made, shown, effort) as scene:
        rounds: dict[str, list[Result]] = {name: [] for name in CONTENDERS}
        faults: dict[str, str] = {}
        for number in range(effort.rounds):
            for name in (*CONTENDERS, *_CROWDS * (_TIMES - 1)):
                try:
                    rounds[name].append(_answered(scene, scene.plan(name, number), name))
                except NotMeasuredError as error:
                    faults[name] = str(error)
        if sample.audited(folder / "data") < len(rounds["crowd"]) * effort.calls:
            faults["crowd"] = "answers have no rows in the audit: what was measured is not a read"
        for row, above, below in _RATIOS:
            if fault := faults.get(above) or faults.get(below):
                yield failed(row, fault)
            else:
                yield _cpu_ratio(row, rounds[above], rounds[below])
        yield _p99_of_crowd(rounds, faults)
        yield _under_load(scene)


def _cpu_ratio(row: str, above: Sequence[Result], below: Sequence[Result]) -> Figure:
    ours, theirs = ([result.cpu_us for result in results] for results in (above, below))
    beside = f"{median(ours):.0f} us of CPU a call to {median(theirs):.0f}"
    return of_rounds(row, ratios(ours, theirs), beside)


def _p99_of_crowd(rounds: Mapping[str, Sequence[Result]], faults: Mapping[str, str]) -> Figure:
    row = "read.member.cached_token.p99_over_bare_ms"
    if fault := faults.get("crowd") or faults.get("bare_crowd"):
        return failed(row, fault)
    ours, theirs = ([one.p99_ms for one in rounds[name]] for name in ("crowd", "bare_crowd"))
    beside = f"p99 {median(ours):.1f} ms to {median(theirs):.1f}, {CROWD} callers"
    return of_rounds(row, [one - other for one, other in zip(ours, theirs, strict=True)], beside)


def _under_load(scene: Scene) -> Figure:
    """Returns p99 at a share of what each can do, which is found anew just before."""
    slow: dict[str, list[float]] = {"sqlite": [], "bare": []}
    refused = 0
    for number in range(scene.effort.rounds):
        for name, found in slow.items():
            plan = scene.plan(name, number)
            most = _answered(scene, plan, name).per_second
            opened = replace(plan, per_second=most * _SHARE_OF_SATURATION, warm_up=False)
            result = load.run(opened, scene.servers[name].pid)
            found.append(result.p99_ms)
            refused += result.refused
    ours, theirs = slow["sqlite"], slow["bare"]
    beside = f"p99 {median(ours):.1f} ms to {median(theirs):.1f}, {refused} calls refused"
    return of_rounds("read.p99_at_80_percent.over_bare", ratios(ours, theirs), beside)


def _answered(scene: Scene, plan: Plan, name: str) -> Result:
    result = load.run(plan, scene.servers[name].pid)
    if result.refused:
        raise NotMeasuredError(f"{name}: {result.refused} of {plan.calls} calls were refused")
    return result


def _added_by_auth(data: Path, effort: Effort) -> Figure:
    """Returns what a credential costs that was verified before: the caller from its memory."""
    told = sample.settings(data)
    public = load_or_create(told).issuer_private_key.public_key()
    # The whole of the pipeline's step, as a read on the event loop takes it.
    verifier = TokenVerifier({SANDBOX_ISSUER: public}, told.token_audience, "sandbox")
    callers, now = Authentication(verifier), sample.now()
    received = Received([f"Bearer {sample.member_token(data)}"], [])
    first = timeit.timeit(lambda: callers.resolve("", received, now), number=1) * _US
    warm = [
        timeit.timeit(lambda: callers.at_once(received, now), number=effort.scores)
        / effort.scores
        * _US
        for _ in range(effort.rounds)
    ]
    return of_rounds("read.auth.added_us", warm, f"{first:.0f} us when first seen")
