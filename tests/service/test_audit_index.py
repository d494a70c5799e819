"""The log of an enterprise is the same whether its rows are filed, merged, or neither yet."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from bonafides.access.audit import OK, Entry, Shape, Shown, entry
from bonafides.access.callers import Caller, CallerKind
from bonafides.instants import Day, Instant, day_of, start_of
from bonafides.personal.sealing import Vault
from bonafides.storage import audit, audit_index, tables
from bonafides.storage.access_log import Line, lines
from bonafides.storage.audit_index import Range
from bonafides.storage.unit_of_work import Store
from tests import builders
from tests.builders import NOW

pytestmark = pytest.mark.feature("F4")

CODES = [builders.code(number).text for number in range(1, 8)]
TODAY = day_of(NOW)


def row(code: str | None, at: Instant, kind: CallerKind, eyes: str) -> Entry:
    caller = Caller(kind, "issuer", "subject", token_id="token")
    shape = Shape(eyes, "ArchiveService/GetArchive", 0, 0)
    return entry(caller, b"c", shape, Shown(code, at, "", OK), (b"q", b"a"))


def write(store: Store, writer: audit.Writer, entries: Sequence[Entry]) -> None:
    with store.writing() as work:
        writer(work, entries)
        work.commit()


def at_random(drawn: random.Random, first: Day) -> Iterator[Entry]:
    """Yields accesses of three days: by persons, owners, platforms; a few of no enterprise."""
    for _ in range(drawn.randrange(1, 30)):
        code = drawn.choice([*CODES, None])
        at = Instant(start_of(Day(first + drawn.randrange(3))) + drawn.randrange(1_000))
        kind, eyes = drawn.choice(
            [
                (CallerKind.MEMBER, "MEMBER"),
                (CallerKind.MEMBER, "OWNER"),
                (CallerKind.PLATFORM, "PLATFORM"),
            ]
        )
        yield row(code, at, kind, eyes)


def told(store: Store, vault: Vault, code: str, page: int = 500) -> list[Line]:
    """Returns the whole log of an enterprise, read by pages."""
    found: list[Line] = []
    with store.reading() as work:
        known = audit.find_pseudonym(work, vault, code)
        while known is not None:
            step = lines(work, known, found[-1].place if found else None, page)
            found += step
            if len(step) < page:
                break
    return found


def expected(store: Store, vault: Vault, code: str) -> Counter[tuple[int, int]]:
    """Returns how many accesses the rows themselves tell, by day and rank."""
    with store.reading() as work:
        known = audit.find_pseudonym(work, vault, code)
        rows = work.execute(sa.select(tables.disclosure)).all()
    return Counter(
        (each.day, 2 if each.kind != "member" else int(each.audience == "OWNER"))
        for each in rows
        if each.enterprise == known
    )


def counted(found: Sequence[Line]) -> Counter[tuple[int, int]]:
    total: Counter[tuple[int, int]] = Counter()
    for line in found:
        total[line.place.day, line.place.rank] += line.times
    return total


def left(store: Store, table: sa.Table) -> int:
    with store.reading() as work:
        return int(work.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_log_is_the_same_however_far_its_rows_are_filed(
    store: Store, vault: Vault, seed: int
) -> None:
    drawn = random.Random(seed)  # noqa: S311 - a test's own accesses
    writers = [audit.Writer(vault), audit.Writer(vault)]
    for _ in range(40):
        write(store, drawn.choice(writers), list(at_random(drawn, Day(TODAY - 2))))
        step = drawn.randrange(6)
        if step == 0:
            audit_index.file_rows(store)
        elif step == 1:
            audit_index.tend(store, Day(TODAY - drawn.randrange(3)))
    for code in CODES:
        found = told(store, vault, code)
        assert counted(found) == expected(store, vault, code)
        assert told(store, vault, code, page=3) == found
        order = [(-line.place.day, line.place.rank, -line.place.shown_at) for line in found]
        assert order == sorted(order)


def test_days_that_are_over_are_filed_in_one_run_and_todays_rows_wait_for_company(
    store: Store, vault: Vault
) -> None:
    writer = audit.Writer(vault)
    yesterday, now = start_of(Day(TODAY - 1)), start_of(TODAY)
    for _ in range(3):
        rows = [
            row(code, at, CallerKind.MEMBER, "MEMBER") for code in CODES for at in (yesterday, now)
        ]
        write(store, writer, rows)
        audit_index.file_rows(store)
    assert left(store, tables.disclosure_run) == 6
    write(
        store, writer, [row(CODES[0], at, CallerKind.MEMBER, "MEMBER") for at in (yesterday, now)]
    )
    before = told(store, vault, CODES[0])
    audit_index.tend(store, TODAY)
    with store.reading() as work:
        runs = work.execute(sa.select(tables.disclosure_run.c.day)).scalars().all()
        waiting = work.execute(sa.select(tables.disclosure_unfiled.c.day)).scalars().all()
    assert Counter(runs) == {TODAY - 1: 1, TODAY: 3}
    assert waiting == [TODAY]
    assert told(store, vault, CODES[0]) == before
    assert [line.times for line in before] == [4, 4]


def test_many_rows_that_no_process_filed_are_filed_by_the_worker(
    store: Store, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_index, "MOST_UNFILED", 5)
    monkeypatch.setattr(audit_index, "_MOST_ROWS", 2)
    write(store, audit.Writer(vault), [row(CODES[0], NOW, CallerKind.MEMBER, "MEMBER")] * 4)
    audit_index.tend(store, TODAY)
    assert left(store, tables.disclosure_filed) == 0
    write(store, audit.Writer(vault), [row(CODES[1], NOW, CallerKind.PLATFORM, "PLATFORM")])
    audit_index.tend(store, TODAY)
    assert left(store, tables.disclosure_filed) == 5
    assert left(store, tables.disclosure_unfiled) == 0
    assert [line.times for line in told(store, vault, CODES[0])] == [4]


def test_log_is_told_though_thousands_of_ranges_have_gaps_between_them(
    store: Store, vault: Vault
) -> None:
    """As commits that failed leave them: a statement with a term for each would be refused."""
    writer = audit.Writer(vault)
    write(store, writer, [row(CODES[0], NOW, CallerKind.PLATFORM, "PLATFORM")])
    with store.writing() as work:
        audit_index.note(work, [Range(TODAY, 7, 2 * number, 2 * number) for number in range(3_000)])
        work.commit()
    assert len(told(store, vault, CODES[0])) == 1


def test_enterprise_without_a_salt_leaves_no_gap_between_ranges(
    tmp_path: Path, vault: Vault
) -> None:
    store = Store(f"sqlite:///{tmp_path / 'audit.sqlite'}")
    store.migrate()
    writer = audit.Writer(vault)
    with closing(sqlite3.connect(str(store.url.database))) as connection:
        for code in CODES:
            entries = [row(code, NOW, CallerKind.MEMBER, "MEMBER")]
            assert writer.statement(connection, entries) is None
            write(store, writer, entries)
    with store.reading() as work:
        assert len(audit_index._not_filed(work)) == 1
    store.close()


def test_filing_that_is_broken_off_loses_no_row_and_tells_none_twice(
    store: Store, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        store, audit.Writer(vault), [row(code, NOW, CallerKind.MEMBER, "MEMBER") for code in CODES]
    )
    before = [told(store, vault, code) for code in CODES]
    with monkeypatch.context() as patched:
        # Killed before the run is named.
        patched.setattr(Store, "writing", lambda _self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            audit_index.file_rows(store)
    assert left(store, tables.disclosure_filed) == len(CODES)
    assert [told(store, vault, code) for code in CODES] == before
    audit_index.file_rows(store)
    assert [told(store, vault, code) for code in CODES] == before
    assert left(store, tables.disclosure_unfiled) == 0


def test_two_who_file_the_same_rows_tell_none_twice(store: Store, vault: Vault) -> None:
    """One has looked what there is; the other files less of it, and more comes meanwhile."""
    writer = audit.Writer(vault)
    entries = [row(code, NOW, CallerKind.PLATFORM, "PLATFORM") for code in CODES]
    write(store, writer, entries)
    with store.reading() as work:
        seen = audit_index._not_filed(work)
    audit_index.file_rows(store)
    assert audit_index._file(store, seen) == len(CODES)
    # All of it was filed: the second run is not named.
    assert left(store, tables.disclosure_run) == 1
    write(store, writer, entries)
    with store.writing() as work:
        audit_index.note(work, [Range(*seen[0])])
        work.commit()
    audit_index.file_rows(store)
    assert [len(told(store, vault, code)) for code in CODES] == [2] * len(CODES)
    audit_index.tend(store, Day(TODAY + 1))
    assert [len(told(store, vault, code)) for code in CODES] == [2] * len(CODES)
    assert left(store, tables.disclosure_run) == 1


def test_what_is_filed_goes_with_the_rows_after_their_term(store: Store, vault: Vault) -> None:
    writer = audit.Writer(vault)
    days = [Day(TODAY - audit.KEPT_DAYS - 1), TODAY]
    for number, day in enumerate(days):
        write(store, writer, [row(CODES[number], start_of(day), CallerKind.MEMBER, "MEMBER")])
    audit_index.file_rows(store)
    with store.writing() as work:
        assert audit.prune(work, TODAY) == 1
        work.commit()
    with store.reading() as work:
        for table in (tables.disclosure, tables.disclosure_filed, tables.disclosure_run):
            assert work.execute(sa.select(table.c.day)).scalars().all() == [TODAY]
