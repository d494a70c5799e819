"""The way from an enterprise to its rows of the audit, written behind them.

The way from an enterprise to its rows is not written with the row: rows of a commit are of
as many enterprises, and an index by enterprise would touch a page for each of them while
somebody waits. So a commit notes which rows it added, as a range of their numbers; some
thousand rows are filed together later, as a run in the order of the enterprises, written in
one go; and when a day is over, its runs are merged into one. Who looks for an enterprise
looks once into each run.

1. What is not filed yet stands in `disclosure_unfiled`, committed together with the rows.
2. A run is named, and its ranges are taken out, in one unit of work, once it is written.
   So filing may be broken off at any point, which leaves rows that no run names until they
   are past their term; and a run that is named changes no more. Two who file the same rows
   may have both named theirs: whoever reads takes a row once, and merging leaves it once.
3. Who reads the log of an enterprise reads what is filed and what is not, in one snapshot.
4. Each step is short and followed by a rest, for other writers wait for it.

Source: the log-structured merge tree (O'Neil et al. 1996), with two levels.

    note(work, [Range(day, writer, 1, 30)])     # in the unit of work that adds the rows
    file_rows(store)                            # now and then, on a thread
    tend(store, today)                          # by the worker
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from itertools import chain, groupby, pairwise
from typing import Final, NamedTuple

import sqlalchemy as sa

from bonafides.access.callers import CallerKind
from bonafides.instants import Day
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store, UnitOfWork

# What a row is in the log of its enterprise, in the order of lines within a day: one of the
# day's accesses by persons, other ones or its own, or a line of its own.
OTHERS: Final = 0
OWN: Final = 1
NAMED: Final = 2

# As many that are not filed are looked through for whoever reads a log, in a few
# milliseconds. The more are filed at once, the fewer runs there are to look into.
MOST_UNFILED: Final = 16_000
# Rows that one step files, at most: it takes some three milliseconds. After each one the others
# who write have their turn: they look for it every few milliseconds.
_MOST_ROWS: Final = 250
_REST_SECONDS: Final = 0.004
# The run of a day that others are merged into.
_MERGED: Final = 0
_PAST_ALL: Final = b"\xff" * 17
_PRUNED_AT_ONCE: Final = 10_000

_row: Final = tables.disclosure.c
_runs: Final = tables.disclosure_run
_filed: Final = tables.disclosure_filed
_unfiled: Final = tables.disclosure_unfiled
_RANK: Final = sa.case(
    (_row.kind != CallerKind.MEMBER.value, NAMED), (_row.audience == "OWNER", OWN), else_=OTHERS
).label("rank")
# Where a row stands among those of its enterprise.
_PLACE: Final = (_row.day, _RANK, _row.shown_at, _row.writer, _row.number)
_FILED_PLACE: Final = (
    _filed.c.day,
    _filed.c.rank,
    _filed.c.shown_at,
    _filed.c.writer,
    _filed.c.number,
)


class Range(NamedTuple):
    """Rows of one day and writer: all of that day with numbers from the first to the last."""

    day: int
    writer: int
    first: int
    last: int


def note(work: UnitOfWork, ranges: Sequence[Range]) -> None:
    """Notes rows that are added in this unit of work."""
    work.execute(sa.insert(_unfiled), [each._asdict() for each in ranges])


def places(pseudonym: bytes) -> sa.FromClause:
    """Returns where the rows of an enterprise are: day, rank, shown_at, writer, number."""
    # So SQLite looks into each run, and reads none from end to end.
    in_run = sa.tuple_(_filed.c.day, _filed.c.run).in_(sa.select(_runs.c.day, _runs.c.run))
    filed = sa.select(*_FILED_PLACE).where(in_run, _filed.c.enterprise == pseudonym)
    # Sums, so that rows are found by ranges and not the other way.
    in_range = sa.and_(
        _row.day == _unfiled.c.day + 0,
        _row.writer == _unfiled.c.writer + 0,
        _row.number.between(_unfiled.c.first, _unfiled.c.last),
    )
    new = sa.select(*_PLACE).join_from(_unfiled, tables.disclosure, in_range)
    return sa.union(filed, new.where(_row.enterprise == pseudonym)).subquery()


def file_rows(store: Store) -> int:
    """Files what is not filed, a run for each day; returns of how many rows it was.

    Raises:
        StoreUnavailableError: the database can't be reached.
    """
    with store.reading() as work:
        found = _not_filed(work)
    return _file(store, found)


def tend(store: Store, today: Day) -> None:
    """Files what no process did, if it is much or of days that are over, whose runs it merges.

    Raises:
        StoreUnavailableError: the database can't be reached.
    """
    with store.reading() as work:
        found = _not_filed(work)
    if sum(map(_rows_of, found)) >= MOST_UNFILED:
        _file(store, found)
    else:
        _file(store, [each for each in found if each.day < today])
    _merge_past(store, today)


def forget(work: UnitOfWork, first: Day) -> None:
    """Deletes some of what is filed of days before the first one that is kept."""
    key = sa.tuple_(*_filed.primary_key)
    old = sa.select(*_filed.primary_key).where(_filed.c.day < first).limit(_PRUNED_AT_ONCE)
    work.execute(sa.delete(_filed).where(key.in_(old)))
    left = sa.select(_filed.c.day).where(_filed.c.day == _runs.c.day).exists()
    work.execute(sa.delete(_runs).where(_runs.c.day < first, sa.not_(left)))
    work.execute(sa.delete(_unfiled).where(_unfiled.c.day < first))


def _not_filed(work: UnitOfWork) -> Sequence[Range]:
    """Returns the rows that are not filed; those that follow one another as one range."""
    rows = _unfiled.c.last - _unfiled.c.first + 1
    before = sa.func.sum(rows).over(
        partition_by=(_unfiled.c.day, _unfiled.c.writer), order_by=_unfiled.c.first
    )
    # The same for ranges that follow one another without a gap.
    island = (_unfiled.c.last - before).label("island")
    each = sa.select(_unfiled, island).subquery().c
    first, last = sa.func.min(each.first), sa.func.max(each.last)
    together = sa.select(each.day, each.writer, first, last).group_by(
        each.day, each.writer, each.island
    )
    found = work.execute(together.order_by(each.day, each.writer, first))
    return [Range(*map(int, row)) for row in found]


def _rows_of(each: Range) -> int:
    return each.last - each.first + 1


def _cut(each: Range) -> Iterator[Range]:
    for first in range(each.first, each.last + 1, _MOST_ROWS):
        yield each._replace(first=first, last=min(first + _MOST_ROWS - 1, each.last))


def _file(store: Store, found: Sequence[Range]) -> int:
    run = secrets.randbits(62) | 1
    for day, of_day in groupby(found, lambda each: each.day):
        ranges = list(of_day)
        for part in chain.from_iterable(map(_cut, ranges)):
            store.execute_alone(_copied(run, part))
            time.sleep(_REST_SECONDS)
        with store.writing() as work:
            taken = [work.execute(sa.delete(_unfiled).where(_noted(each))) for each in ranges]
            # Else another filed them all meanwhile.
            if any(each.rowcount for each in taken):
                work.execute(sa.insert(_runs).values(day=day, run=run))
                work.commit()
    return sum(map(_rows_of, found))


def _copied(run: int, part: Range) -> sa.Insert:
    row = (_row.day, sa.literal(run), _row.enterprise, *_PLACE[1:])
    found = sa.select(*row).where(
        _row.day == part.day,
        _row.writer == part.writer,
        _row.number.between(part.first, part.last),
        _row.enterprise.is_not(None),
    )
    # In order: so the run is written from its first page to its last.
    ordered = found.order_by(_row.enterprise, *_PLACE[1:])
    return sa.insert(_filed).from_select(_filed.c.keys(), ordered)


def _noted(each: Range) -> sa.ColumnElement[bool]:
    """Returns the condition of what was noted of a range: several that follow one another."""
    return sa.and_(
        _unfiled.c.day == each.day,
        _unfiled.c.writer == each.writer,
        _unfiled.c.first.between(each.first, each.last),
    )


def _merge_past(store: Store, today: Day) -> None:
    """Merges the runs of each day that is over into one."""
    with store.reading() as work:
        past = sa.select(_runs).where(_runs.c.day < today).order_by(_runs.c.day)
        found = work.execute(past).all()
    for day, of_day in groupby(found, lambda each: each.day):
        runs = [each.run for each in of_day]
        if len(runs) > 1:
            _merge(store, day, [run for run in runs if run != _MERGED])


def _merge(store: Store, day: int, runs: Sequence[int]) -> None:
    """Moves the rows of runs into the one of their day, no more at once than are filed at once."""
    enterprise = _filed.c.enterprise
    of_runs = sa.and_(_filed.c.day == day, _filed.c.run.in_(runs))
    row = (_filed.c.day, sa.literal(_MERGED), enterprise, *_FILED_PLACE[1:])
    parts = len(runs) * MOST_UNFILED // _MOST_ROWS
    marks = [(65_536 * part // parts).to_bytes(2, "big") for part in range(parts)]
    for lower, upper in pairwise([*marks, _PAST_ALL]):
        moved = sa.and_(of_runs, enterprise >= lower, enterprise < upper)
        found = sa.select(*row).where(moved).order_by(enterprise, *_FILED_PLACE[1:])
        with store.writing() as work:
            into = work.insert(_runs).values(day=day, run=_MERGED)
            work.execute(into.on_conflict_do_nothing())
            copied = work.insert(_filed).from_select(_filed.c.keys(), found)
            work.execute(copied.on_conflict_do_nothing())
            work.execute(sa.delete(_filed).where(moved))
            work.commit()
        time.sleep(_REST_SECONDS)
    with store.writing() as work:
        work.execute(sa.delete(_runs).where(_runs.c.day == day, _runs.c.run.in_(runs)))
        work.commit()
