"""What is tried, topic by topic, and how topics are taken beside each other.

What is timed has the machine to itself. Then two topics are taken side by side, each in a
process of its own, the longest ones first: most of them keep one core busy.

    found = taken(["attack.", "matrix."], QUICK, tell=print)
    found["attack."].figures, found["attack."].seconds
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final, NamedTuple

from scripts.measured import Figure
from scripts.trust import attacks, crawl, crossing, disclosure, fuzzing, guards, matrix, timing
from scripts.trust.extent import Extent
from scripts.trust.figures import BARS, failed

Topic = Callable[[Extent], Iterator[Figure]]

# What takes which rows, in order; rows by the beginning of their names.
TOPICS: Final[Mapping[str, Topic]] = {
    "timing.": timing.prove,
    "disclosure.": disclosure.prove,
    "attack.": attacks.prove,
    "matrix.": matrix.prove,
    "cross.": crossing.prove,
    "crawl.": crawl.prove,
    "fuzz.": fuzzing.prove,
    "guard.": guards.prove,
}
_ALONE: Final = "timing."
_LONGEST: Final = ("guard.", "disclosure.", "fuzz.", "cross.")
_AT_ONCE: Final = 2


class Taken(NamedTuple):
    """The rows of a topic, and how long it took."""

    figures: Sequence[Figure]
    seconds: float


def taken(
    names: Sequence[str], extent: Extent, *, tell: Callable[[Sequence[str]], None]
) -> Mapping[str, Taken]:
    """Returns what came of the topics of these names, in their order.

    `tell` hears which are begun next. A topic that fails spoils no other: its rows say why.
    """
    beside = sorted(
        (name for name in names if name != _ALONE),
        key=lambda name: (*_LONGEST, name).index(name),
    )
    # No topic finds what another one changed or left running; what all load is loaded once.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    found: dict[str, Taken] = {}
    for turn in [name for name in names if name == _ALONE], beside:
        tell(turn)
        with ProcessPoolExecutor(_AT_ONCE, context, max_tasks_per_child=1) as processes:
            begun = {name: processes.submit(_take, name, extent) for name in turn}
        found |= {name: result_of(name, work) for name, work in begun.items()}
    return {name: found[name] for name in names}


def reported(prefix: str, figures: Iterator[Figure]) -> Iterator[Figure]:
    """Yields the figures of a topic, and those that it didn't come to without a value."""
    told: set[str] = set()
    why = "not taken"
    try:
        for figure in figures:
            told.add(figure.name)
            yield figure
    except Exception as fault:  # noqa: BLE001 - one topic that fails spoils no other
        why = _said(fault)
    yield from _untaken(prefix, told, why)


def result_of(name: str, work: Future[Taken]) -> Taken:
    """Returns what came of a topic; none of its rows has a value if its process died."""
    try:
        return work.result()
    except BrokenExecutor as fault:
        # It takes along what is under way or waits beside it.
        return Taken(list(_untaken(name, (), _said(fault))), 0.0)


def _untaken(prefix: str, told: Container[str], why: str) -> Iterator[Figure]:
    for name in BARS:
        if name.startswith(prefix) and name not in told:
            yield failed(name, why)


def _said(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}"


def _take(name: str, extent: Extent) -> Taken:
    began = time.monotonic()
    figures = list(reported(name, TOPICS[name](extent)))
    return Taken(figures, time.monotonic() - began)
