"""Lets crawlers and honest callers loose on the budgets for a virtual day, and counts.

The budgets, their lease in the database and the keys are the service's own; only time is
made, and what a read would show is left out. Two processes share the database, and each
call comes to either of them.

The attacker has 10 logins and 20 address prefixes, knows every code, never reads one twice,
uses each login from all prefixes in turn and each prefix without a login too, waits as long
as it is told, and begins at noon, so that its 24 hours have two days' budgets.

Honest callers, from the same noon on:

- 300 visitors without a login, each of its own prefix but for 8 behind one; each reads
  1 to 8 enterprises, 2 on average, and every third of them once more;
- 200 members, 40 of them behind one prefix; 1 to 60 enterprises, 8 on average;
- 50 owners, who read their own archive 10 times;
- 5 members of staff, 100 enterprises each;
- a platform whose contract gives it 2,000 enterprises a day, and that reads 1,500.

Whoever shares a prefix with the attacker is refused with it and is not among these.

    report = crawl(Crawl(), seed=1)
    figures(report)   # crawl.seen, crawl.refused, crawl.enterprises

What a crawler sees is a number and no share, so a smaller register wants lower limits.
Before staff set them (`bonafides limit`) they can be tried here:

    python -m scripts.trust.crawl --enterprises 50000 --anonymous 4 --member 15
"""

from __future__ import annotations

import heapq
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer

from bonafides.access.budgets import DEFAULTS, Limit, Limits, Payer
from bonafides.access.callers import ANONYMOUS, Caller, CallerKind
from bonafides.access.purses import Purses
from bonafides.errors import BudgetSpentError
from bonafides.identity.codes import GENERATED_REGION, compose
from bonafides.instants import DAY, HOUR, MICROSECONDS, Instant
from bonafides.personal.sealing import Vault
from bonafides.rpc.metering import Meter
from bonafides.storage.budgets import StoredLedger
from bonafides.storage.follower import Follower
from bonafides.storage.switches import Switches
from bonafides.storage.unit_of_work import Store
from scripts.measured import Figure
from scripts.trust.extent import Crawl, Extent
from scripts.trust.figures import proved

# Noon of a working day in Shanghai.
_NOON: Final = Instant(1_793_505_600_000_000 + 0)
_READ: Final = "/bonafides.v1.ArchiveService/GetArchive"
_PROCESSES: Final = 2
_KEY: Final = bytes(range(32))
_ATTACKER: Final = "attacker"


@dataclass(slots=True)
class Report:
    """What came of it: enterprises that the attacker saw, honest calls by kind, refusals."""

    enterprises: int
    seen: set[int] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def share_seen(self) -> float:
        """Of all enterprises, those that the attacker saw."""
        return len(self.seen) / self.enterprises

    @property
    def share_refused(self) -> float:
        """Of honest callers' calls, those that were refused."""
        return self.refused.total() / self.asked.total()


@dataclass(frozen=True, slots=True)
class _Actor:
    """Somebody who calls. `to_read` is what is left for an honest one, the next at the end."""

    kind: str
    caller: Caller
    prefixes: tuple[str, ...]
    pause: int
    to_read: list[int] = field(default_factory=list)


def crawl(size: Crawl, *, seed: int = 1, url: str = "", limits: Limits | None = None) -> Report:
    """Runs the day; without a `url` on a database of SQLite that is made for it."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    report = Report(size.enterprises)
    actors = [*_attackers(size), *_honest(size, chance)]
    # By time; the number keeps those of one instant in an order.
    line = [
        (Instant(_NOON + chance.randrange(8 * HOUR) * (actor.kind != _ATTACKER)), number)
        for number, actor in enumerate(actors)
    ]
    heapq.heapify(line)
    unseen = iter(range(size.enterprises))
    held: list[int] = []
    with _meters(url, limits or Limits()) as meters:
        turns = 0
        while line:
            now, number = heapq.heappop(line)
            if now >= _NOON + DAY:
                continue
            actor, meter = actors[number], chance.choice(meters)
            prefix = actor.prefixes[turns % len(actor.prefixes)]
            turns += 1
            attacks = actor.kind == _ATTACKER
            if attacks:
                target = held.pop() if held else next(unseen)
            else:
                target = actor.to_read.pop()
                report.asked[actor.kind] += 1
            wait = _read(meter, actor.caller, prefix, target, now)
            if not wait and attacks:
                report.seen.add(target)
            elif wait and attacks:
                held.append(target)
            elif wait:
                report.refused[actor.kind] += 1
            if attacks or actor.to_read:
                pause = (wait or 0) * MICROSECONDS + actor.pause
                heapq.heappush(line, (Instant(now + pause), number))
    return report


def figures(report: Report) -> Iterator[Figure]:
    """Yields what came of it."""
    asked = f"{report.asked.total()} calls of honest callers, {report.refused.total()} refused"
    yield proved("crawl.seen", report.share_seen, f"of {report.enterprises} enterprises")
    yield proved("crawl.refused", report.share_refused, asked)
    yield proved("crawl.enterprises", len(report.seen), "whatever the size of the register")


def prove(extent: Extent) -> Iterator[Figure]:
    """Runs the day, and yields what came of it."""
    yield from figures(crawl(extent.crawled))


def main(
    *,
    enterprises: Annotated[int, typer.Option(help="How many take part.")] = 400_000,
    anonymous: Annotated[
        int, typer.Option(help="Enterprises a day without a login, by prefix.")
    ] = DEFAULTS[Payer.ANONYMOUS].enterprises,
    member: Annotated[int, typer.Option(help="Enterprises a day of a login.")] = DEFAULTS[
        Payer.MEMBER
    ].enterprises,
) -> None:
    """Shows what a crawler sees, and which honest calls are refused, by these limits."""
    tried = {Payer.ANONYMOUS: anonymous, Payer.MEMBER: member}
    payers = {
        payer: Limit(usual.calls, tried.get(payer, usual.enterprises))
        for payer, usual in DEFAULTS.items()
    }
    report = crawl(Crawl(enterprises=enterprises), limits=Limits(payers))
    print(f"seen by the crawler: {len(report.seen)}, {report.share_seen:.2%} of {enterprises}")
    for kind, asked in sorted(report.asked.items()):
        print(f"calls of {kind}: {asked}, refused: {report.refused[kind]}")


def _read(meter: Meter, caller: Caller, prefix: str, target: int, now: Instant) -> int:
    """Reads one enterprise; returns for how many seconds to wait, 0: it was shown."""
    try:
        tab = meter.enter(_READ, caller, prefix, now, None, waits=True)
        if tab is not None:
            tab.look_up(_code(target))
    except BudgetSpentError as refusal:
        return refusal.retry_after_seconds or 1
    return 0


def _attackers(size: Crawl) -> Iterator[_Actor]:
    prefixes = tuple(f"198.18.{number}.0/24" for number in range(size.prefixes))
    for number in range(size.accounts):
        caller = Caller(CallerKind.MEMBER, "login", f"crawler-{number}")
        yield _Actor(_ATTACKER, caller, prefixes, MICROSECONDS)
    for prefix in prefixes:
        yield _Actor(_ATTACKER, ANONYMOUS, (prefix,), MICROSECONDS)


def _honest(size: Crawl, chance: random.Random) -> Iterator[_Actor]:
    def some(least: int, mean: float, most: int) -> list[int]:
        """Returns which enterprises one reads: well-known ones rather than others."""
        count = min(most, least + int(chance.expovariate(1 / (mean - least + 0.5))))
        chosen = [int(size.enterprises * chance.random() ** 3) for _ in range(count)]
        return chosen + [each for each in chosen if chance.random() < 1 / 3]

    minutes = 60 * MICROSECONDS
    for number in range(size.visitors):
        prefix = "203.0.113.0/24" if number < size.behind_one else f"100.64.{number % 256}.0/24"
        if number >= 256:  # noqa: PLR2004 - as many as one octet has
            prefix = f"100.65.{number % 256}.0/24"
        yield _Actor("visitor", ANONYMOUS, (prefix,), 2 * minutes, some(1, 2, 8))
    for number in range(size.members):
        behind = number < size.members_behind_one
        prefix = "192.0.2.0/24" if behind else f"100.66.{number % 256}.0/24"
        caller = Caller(CallerKind.MEMBER, "login", f"member-{number}")
        yield _Actor("member", caller, (prefix,), 2 * minutes, some(1, 8, 60))
    for number in range(size.owners):
        caller = Caller(CallerKind.MEMBER, "login", f"owner-{number}")
        own = [chance.randrange(size.enterprises)] * 10
        yield _Actor("owner", caller, (f"100.67.{number % 256}.0/24",), minutes, own)
    for number in range(size.staff):
        caller = Caller(CallerKind.OPERATOR, "staff", f"staff-{number}")
        yield _Actor("staff", caller, ("100.68.0.0/24",), minutes, some(100, 100, 100))
    platform = Caller(CallerKind.PLATFORM, "tokens", "robot", platform="shop")
    asked = chance.sample(range(size.enterprises), size.platform_reads)
    yield _Actor("platform", platform, ("100.69.0.0/24",), MICROSECONDS, asked)


@contextmanager
def _meters(url: str, limits: Limits) -> Iterator[list[Meter]]:
    """Gives the budgets of processes that share a database."""
    with ExitStack() as stack:
        if not url:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bonafides-crawl-"))
            url = f"sqlite:///{Path(folder) / 'bonafides.db'}"
        made = []
        for _ in range(_PROCESSES):
            store = Store(url)
            stack.callback(store.close)
            store.migrate()
            # One look, at a time that stands still: nobody sets a switch here.
            follower = Follower(store, monotonic=lambda: 0.0)
            switches = Switches(store, follower)
            follower.look()
            purses = Purses(StoredLedger(store), processes=_PROCESSES, wait_seconds=60.0)
            made.append(Meter(purses, switches, limits, Vault(_KEY, "sandbox").index))
        yield made


def _code(number: int) -> str:
    return compose("91", GENERATED_REGION, f"{number:08d}").text


if __name__ == "__main__":
    typer.run(main)
