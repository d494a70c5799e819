"""Keeps which platform read which enterprise, and since when.

One row for each pair, touched by the first read of a day (Shanghai): enough to tell a
platform what changed among those that it reads, and who saw a level that turned out
wrong. What was read, and for what, is the audit's to keep.

    readers = Readers(store)
    readers.is_noted("1688", code, now) or readers.note("1688", [code], now)
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from bonafides.instants import Day, Instant, day_of, start_of
from bonafides.storage.tables import platform_reader
from bonafides.storage.unit_of_work import Store, UnitOfWork

# Some hundred bytes each.
_MOST_REMEMBERED: Final = 100_000
_reader: Final = platform_reader.c


@dataclass(frozen=True, slots=True)
class Reader:
    """Since when a platform read an enterprise; `last` is the first read of the last such day."""

    first: Instant
    last: Instant


class Readers:
    """Notes reads, once a day for each pair. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self._store: Final = store
        self._lock: Final = threading.Lock()
        self._day = Day(0)
        self._noted: set[tuple[str, str]] = set()

    def is_noted(self, platform: str, code: str, now: Instant) -> bool:
        """Returns whether this process noted the pair today already. Does not wait."""
        return self._day == day_of(now) and (platform, code) in self._noted

    def note(self, platform: str, codes: Iterable[str], now: Instant) -> None:
        """Notes that the platform read the enterprises.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        # Sorted: two that note the same must not wait for each other crosswise.
        new = sorted({code for code in codes if not self.is_noted(platform, code, now)})
        if not new:
            return
        with self._store.writing() as work:
            for code in new:
                note(work, platform, code, now)
            work.commit()
        today = day_of(now)
        with self._lock:
            if self._day != today or len(self._noted) >= _MOST_REMEMBERED:
                self._day, self._noted = today, set()
            self._noted.update((platform, code) for code in new)


def note(work: UnitOfWork, platform: str, code: str, now: Instant) -> None:
    """Notes a read, in the caller's unit of work."""
    insert = work.insert(platform_reader)
    row = insert.values(code=code, platform=platform, first_read_at=now, last_read_at=now)
    later = sa.case(
        (_reader.last_read_at < row.excluded.last_read_at, row.excluded.last_read_at),
        else_=_reader.last_read_at,
    )
    work.execute(
        row.on_conflict_do_update(index_elements=["code", "platform"], set_={"last_read_at": later})
    )


def new_by_day(work: UnitOfWork, days: Sequence[Day]) -> dict[str, list[int]]:
    """Returns how many enterprises each platform read for the first time, day by day.

    Platforms without any are left out. `days` follow each other.
    """
    counts = [sa.func.sum(sa.case((_is_first_on(day), 1), else_=0)) for day in days]
    since = _reader.first_read_at >= start_of(days[0])
    found = work.execute(
        sa.select(_reader.platform, *counts).where(since).group_by(_reader.platform)
    )
    return {platform: list(map(int, told)) for platform, *told in map(tuple, found)}


def _is_first_on(day: Day) -> sa.ColumnElement[bool]:
    first = _reader.first_read_at
    return sa.and_(first >= start_of(day), first < start_of(Day(day + 1)))
