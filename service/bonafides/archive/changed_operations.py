"""Tells a platform what changed among the enterprises that it reads already.

list_changed      a page of what changed since an instant, the earliest first
refresh_followed  makes anew what time alone changed, so that this is told too

What a page is read from is one snapshot of the database, but somebody may be writing
something with an earlier instant: the next question begins `OVERLAP` before this one.
Levels that an appeal or a correction found wrong are told to platforms that read while
they were shown; of a day with a read all of it counts, rather told too much than too little.

What time changes (the end of a certification, of a term of business, of a record; a window
that moved on) shows when the archive is assembled. Whoever reads it has that done; whoever
waits to be told of a change does not. So the worker goes once an hour through what
platforms read, and assembles what is past its time.

Source: 002 §1.8(1); the matrix of features, E9 and F5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bonafides.access.field_masks import NO_MASK, Mask
from bonafides.archive import operations
from bonafides.archive.snapshot import VIEWS, Stored, narrowed, view_name
from bonafides.errors import NotFoundError
from bonafides.instants import HOUR, MICROSECONDS, Day, Instant, day_of, start_of
from bonafides.rating.scorecard import Scorecard
from bonafides.storage import changed as rows
from bonafides.storage.changed import Corrected, Moment
from bonafides.storage.platform_reads import Reader
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import disclosure_pb2

# Longer than any unit of work between its instant and its commit.
OVERLAP: Final = 120 * MICROSECONDS
# In one round of the worker, so that the others wait for some seconds at most.
_FOLLOWED_AT_ONCE: Final = 100
_PLATFORM: Final = disclosure_pb2.AUDIENCE_PLATFORM
# Whoever is not shown the level isn't told that it was another one.
_LEVELS: Final = frozenset({"rating", "rating.level"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Which platform asks, from when on, behind which instant and code, for how many."""

    platform: str
    audience: disclosure_pb2.Audience.ValueType
    mask: Mask
    since: Instant
    after: tuple[int, str]
    size: int


@dataclass(frozen=True, slots=True)
class Changed:
    """What changed of one enterprise. Its etag is that of what the platform is shown."""

    code: str
    at: Instant
    etag: str
    revision: int
    corrected: tuple[Corrected, ...]


def list_changed(
    store: Store, asked: Asked, *, now: Instant
) -> tuple[tuple[Changed, ...], Moment | None]:
    """Returns a page, and the last of it if there are more.

    Raises:
        NotFoundError: the audience has no view.
    """
    view = view_name(asked.audience)
    if view is None:
        raise NotFoundError
    with store.reading() as work:
        found = rows.moments(
            work,
            asked.platform,
            view,
            since=asked.since,
            after=asked.after,
            size=asked.size,
            now=now,
        )
        shown = found[: asked.size]
        codes = [each.code for each in shown]
        views = rows.views(work, codes, view)
        reads = rows.reads(work, asked.platform, codes)
        wrong = [] if asked.mask.withheld & _LEVELS else rows.corrected(work, codes, asked.since)
    told = tuple(
        Changed(
            each.code,
            each.at,
            _etag(views[each.code], asked.mask),
            views[each.code].revision,
            tuple(one for one in wrong if one.code == each.code and _saw(reads, one)),
        )
        for each in shown
        if each.code in views
    )
    return told, shown[-1] if len(found) > asked.size else None


@dataclass(slots=True)
class Following:
    """How far a process is with this hour: which, and behind which code it goes on."""

    of: int | None = None
    after: str = ""
    done: bool = False


def refresh_followed(store: Store, card: Scorecard, seen: Following, *, now: Instant) -> int:
    """Assembles the next of those that platforms read and that time alone has changed.

    Each in a unit of work of its own, so that the fault of one keeps no other. Returns how
    many were assembled.

    Raises:
        ExceptionGroup: the faults of those that could not be. They are when they are read.
    """
    hour = now // HOUR
    if seen.of != hour:
        seen.of, seen.after, seen.done = hour, "", False
    if seen.done:
        return 0
    with store.reading() as work:
        page = rows.followed(work, seen.after, _FOLLOWED_AT_ONCE)
        due = rows.due(work, page, VIEWS[_PLATFORM], now)
    seen.after, seen.done = (page[-1] if page else ""), not page
    faults: list[Exception] = []
    for code in due:
        try:
            operations.get_archive(store, card, code, audience=_PLATFORM, now=now)
        except NotFoundError:
            # It takes no part any more; its readers were told.
            continue
        except Exception as fault:  # noqa: BLE001 - raised below, with the others
            faults.append(fault)
    if faults:
        raise ExceptionGroup("archives were not assembled", faults)
    return len(due)


def _etag(whole: Stored, mask: Mask) -> str:
    return whole.etag if mask == NO_MASK else narrowed(whole, "", mask).etag


def _saw(reads: dict[str, Reader], told: Corrected) -> bool:
    read = reads.get(told.code)
    if read is None:
        return False
    until = start_of(Day(day_of(read.last) + 1))
    return read.first < told.span.end and until > told.span.begin
