"""Rows of the audit, durable before anybody is told, with and without the kernel's own sync."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from bonafides.access.audit import OK, Entry, Shape, Shown, entry
from bonafides.access.callers import Caller, CallerKind
from bonafides.errors import StoreUnavailableError
from bonafides.personal.sealing import Vault
from bonafides.storage import audit, audit_log, tables
from bonafides.storage.audit_log import AuditLog
from bonafides.storage.shared_batch import SharedBatch
from bonafides.storage.unit_of_work import Store
from tests import builders
from tests.builders import NOW

pytestmark = pytest.mark.feature("F4")

CODES = [builders.code(number).text for number in range(1, 31)]


@pytest.fixture
def batch(store: Store) -> Iterator[SharedBatch]:
    made = SharedBatch(store)
    made.start()
    try:
        yield made
    finally:
        # Its thread keeps the process until it is closed.
        made.close()


@contextlib.asynccontextmanager
async def started(store: Store, batch: SharedBatch, vault: Vault) -> AsyncIterator[AuditLog]:
    log = AuditLog(store, batch, audit.Writer(vault))
    log.start()
    try:
        yield log
    finally:
        await log.drain()


def row(code: str) -> Entry:
    shape = Shape("MEMBER", "ArchiveService/GetArchive", 0, 0)
    caller = Caller(CallerKind.MEMBER, "issuer", "subject", token_id="token")
    return entry(caller, b"c", shape, Shown(code, NOW, "", OK), (b"q", b"a"))


def stored(store: Store) -> int:
    with store.reading() as work:
        rows = sa.select(sa.func.count()).select_from(tables.disclosure)
        return int(work.execute(rows).scalar_one())


def test_rows_are_there_for_others_once_their_caller_is_told(
    store: Store, batch: SharedBatch, vault: Vault
) -> None:
    async def hand_in() -> None:
        async with started(store, batch, vault) as log:
            for number, code in enumerate([*CODES[:3], *CODES[:3]], start=1):
                await log.written([row(code)])
                assert stored(store) == number

    asyncio.run(hand_in())


def test_rows_of_callers_side_by_side_share_commits_and_none_is_lost(
    store: Store, batch: SharedBatch, vault: Vault
) -> None:
    async def hand_in() -> int:
        async with started(store, batch, vault) as log:

            async def call(code: str) -> None:
                for _ in range(10):
                    await log.written([row(code), row(CODES[0])])

            await asyncio.gather(*map(call, CODES))
            return log.commits + batch.commits

    assert 10 <= asyncio.run(hand_in()) < 10 * len(CODES)
    assert stored(store) == 2 * 10 * len(CODES)
    with store.reading() as work:
        numbers = work.execute(sa.select(tables.disclosure.c.number)).scalars().all()
    assert len(set(numbers)) == len(numbers)


def test_known_enterprise_takes_no_thread_where_the_kernel_syncs(
    tmp_path: Path, vault: Vault
) -> None:
    with on_file(tmp_path) as (store, batch):

        async def hand_in() -> tuple[int, int]:
            async with started(store, batch, vault) as log:
                await log.written([row(CODES[0])])
                before = batch.commits
                await log.written([row(CODES[0])])
                return log.commits, batch.commits - before

        assert asyncio.run(hand_in()) == (1, 0)


def test_enterprise_that_this_process_never_wrote_of_takes_no_thread_either(
    tmp_path: Path, vault: Vault
) -> None:
    with on_file(tmp_path) as (store, batch):

        async def hand_in(*codes: str) -> tuple[int, int]:
            before = batch.commits
            async with started(store, batch, vault) as log:
                await log.written([row(code) for code in codes])
                return log.commits, batch.commits - before

        assert asyncio.run(hand_in(CODES[0])) == (0, 1)
        # Each with a memory of its own, as another process.
        assert asyncio.run(hand_in(CODES[0])) == (1, 0)
        assert asyncio.run(hand_in(CODES[0], CODES[1])) == (0, 1)
        assert asyncio.run(hand_in(CODES[0], CODES[1])) == (1, 0)
        with store.reading() as work:
            names = work.execute(sa.select(tables.disclosure.c.enterprise)).scalars().all()
        assert len(names) == 6
        assert len(set(names)) == 2


def test_other_writer_that_is_soon_done_is_waited_for_without_a_thread(
    tmp_path: Path, vault: Vault
) -> None:
    with on_file(tmp_path) as (store, batch):

        async def hand_in() -> int:
            async with started(store, batch, vault) as log:
                await log.written([row(CODES[0])])
                before = batch.commits
                with store.writing():
                    waiting = log.written([row(CODES[0])])
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                    assert not waiting.done()
                await waiting
                return batch.commits - before

        assert asyncio.run(hand_in()) == 0
        assert stored(store) == 2


def test_rows_are_filed_once_there_are_many(
    store: Store, batch: SharedBatch, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "MOST_UNFILED", 5)

    async def hand_in() -> None:
        async with started(store, batch, vault) as log:
            for _ in range(5):
                await log.written([row(CODES[0])])
            await log.drain()

    asyncio.run(hand_in())
    with store.reading() as work:
        runs = work.execute(sa.select(tables.disclosure_run)).all()
        filed = work.execute(sa.select(tables.disclosure_filed)).all()
    assert len(runs) == 1
    assert 4 <= len(filed) <= 5


def test_other_writer_at_work_is_waited_for_by_the_thread(tmp_path: Path, vault: Vault) -> None:
    with on_file(tmp_path) as (store, batch):

        async def hand_in() -> None:
            async with started(store, batch, vault) as log:
                await log.written([row(CODES[0])])
                with store.writing() as work:
                    waiting = log.written([row(CODES[0])])
                    await asyncio.sleep(0.05)
                    assert not waiting.done()
                    work.commit()
                await waiting

        asyncio.run(hand_in())
        assert stored(store) == 2


def test_enterprise_that_was_unlinked_gets_another_name_at_once(
    tmp_path: Path, vault: Vault
) -> None:
    with on_file(tmp_path) as (store, batch):

        async def hand_in() -> None:
            async with started(store, batch, vault) as log:
                for _ in range(2):
                    await log.written([row(CODES[0])])
                with store.writing() as work:
                    audit.unlink(work, CODES[0])
                    work.commit()
                await log.written([row(CODES[0])])

        asyncio.run(hand_in())
        with store.reading() as work:
            names = work.execute(
                sa.select(tables.disclosure.c.enterprise).order_by(tables.disclosure.c.number)
            )
            first, second, last = names.scalars().all()
        assert first == second != last


def test_disk_that_does_not_sync_is_told_and_nobody_is_told_that_it_is_stored(
    tmp_path: Path, vault: Vault
) -> None:
    with on_file(tmp_path) as (store, batch):

        async def hand_in() -> None:
            async with started(store, batch, vault) as log:
                await log.written([row(CODES[0])])
                assert log._file is not None
                # What can't be synced: a pipe in the place of the log.
                reading, writing = os.pipe()
                os.dup2(reading, log._file._wal)
                with pytest.raises(StoreUnavailableError):
                    await log.written([row(CODES[0])])
                os.close(reading)
                os.close(writing)

        asyncio.run(hand_in())


def test_disk_that_hangs_is_told_as_unavailable(
    tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "PATIENCE_SECONDS", 0.05)
    with on_file(tmp_path) as (store, batch):

        async def hand_in() -> None:
            async with started(store, batch, vault) as log:
                await log.written([row(CODES[0])])
                assert log._file is not None
                kernel = log._file._kernel
                log._file._kernel = _Hanging()  # type: ignore[assignment, misc]  # as above
                waiting = log.written([row(CODES[0])])
                await asyncio.wait((waiting,), timeout=5)
                # Or the log would wait for it in the end.
                log._idle.set()
                assert isinstance(waiting.exception(), StoreUnavailableError)
                log._file._kernel = kernel  # type: ignore[misc]  # as above
                await log.written([row(CODES[0])])

        asyncio.run(hand_in())


class _Failing:
    """What the kernel is to do, and can not."""

    @classmethod
    def fdsync(cls, _file: int) -> _Failing:
        return cls()

    def set_callback(self, done: Callable[[int], object]) -> None:
        self.done = done

    def get_value(self) -> None:
        raise SystemError("Input/output error")


class _Broken:
    """Does all of it at once, and badly."""

    def submit(self, operation: _Failing) -> int:
        operation.done(-5)
        return 1


def test_sync_that_fails_is_told_as_unavailable(
    tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_file(tmp_path) as (store, batch):

        async def hand_in() -> None:
            async with started(store, batch, vault) as log:
                await log.written([row(CODES[0])])
                assert log._file is not None
                monkeypatch.setattr(audit_log, "linux_aio", SimpleNamespace(Operation=_Failing))
                kernel, log._file._kernel = log._file._kernel, _Broken()  # type: ignore[assignment, misc]  # as above
                with pytest.raises(StoreUnavailableError):
                    await log.written([row(CODES[0])])
                log._file._kernel = kernel  # type: ignore[misc]  # as above

        asyncio.run(hand_in())


class _Hanging:
    """Takes what it is to do, and does not do it."""

    def submit(self, _operation: object) -> int:
        return 1


def test_what_was_handed_in_is_stored_before_the_end(tmp_path: Path, vault: Vault) -> None:
    with on_file(tmp_path) as (store, batch):

        async def hand_in() -> None:
            async with started(store, batch, vault) as log:
                waiting = [log.written([row(code)]) for code in CODES]
            assert all(one.done() and one.exception() is None for one in waiting)

        asyncio.run(hand_in())
        assert stored(store) == len(CODES)


async def called(log: AuditLog, code: str) -> None:
    """Does what a call does."""
    if (turn := log.turn()) is not None:
        await turn
    await log.written([row(code)])


async def crowded(log: AuditLog) -> None:
    """Has a commit be made for several."""
    # So that each has a name to be stored under.
    for code in CODES[:2]:
        await log.written([row(code)])
    await asyncio.gather(*(log.written([row(code)]) for code in CODES[:2]))


def test_call_alone_waits_for_no_turn(store: Store, batch: SharedBatch, vault: Vault) -> None:
    async def hand_in() -> None:
        async with started(store, batch, vault) as log:
            for code in CODES[:3]:
                assert log.turn() is None
                await log.written([row(code)])

    asyncio.run(hand_in())


def test_calls_that_come_while_others_are_stored_are_worked_on_and_stored_together(
    tmp_path: Path, vault: Vault
) -> None:
    with on_file(tmp_path) as (store, batch):

        async def hand_in() -> tuple[int, int]:
            async with started(store, batch, vault) as log:
                await asyncio.gather(*(log.written([row(code)]) for code in CODES))
                await log.written([row(CODES[0])])
                commits = log.commits, batch.commits
                first = log.written([row(CODES[0])])
                calls = [asyncio.create_task(called(log, code)) for code in CODES]
                await first
                await asyncio.gather(*calls)
                return log.commits - commits[0], batch.commits - commits[1]

        # One for the first, and one for all the others.
        assert asyncio.run(hand_in()) == (2, 0)
        assert stored(store) == 2 * len(CODES) + 2


def test_calls_that_had_company_wait_for_more_of_it(tmp_path: Path, vault: Vault) -> None:
    with on_file(tmp_path) as (store, batch):

        async def hand_in() -> int:
            async with started(store, batch, vault) as log:
                await crowded(log)
                before = log.commits
                early = asyncio.create_task(called(log, CODES[0]))
                await asyncio.sleep(0)
                assert not early.done()
                await asyncio.gather(early, called(log, CODES[1]))
                return log.commits - before

        assert asyncio.run(hand_in()) == 1


def test_caller_that_left_before_its_turn_holds_nobody_up(tmp_path: Path, vault: Vault) -> None:
    with on_file(tmp_path) as (store, batch):

        async def hand_in() -> None:
            async with started(store, batch, vault) as log:
                await crowded(log)
                gone, there = (asyncio.create_task(called(log, code)) for code in CODES[:2])
                await asyncio.sleep(0)
                gone.cancel()
                await asyncio.wait((there,), timeout=5)
                # Or the log would wait for it in the end.
                log._idle.set()
                assert there.done()

        asyncio.run(hand_in())
        assert stored(store) == 4 + 1


def test_calls_that_write_nothing_leave_the_way_free(tmp_path: Path, vault: Vault) -> None:
    with on_file(tmp_path) as (store, batch):

        async def hand_in() -> None:
            async with started(store, batch, vault) as log:
                await crowded(log)
                for _ in range(2):
                    turn = log.turn()
                    assert turn is not None
                    await asyncio.wait_for(turn, timeout=5)
                    await asyncio.sleep(0)
                    # It was alone.
                    assert log.turn() is None
                    await asyncio.gather(*(log.written([row(code)]) for code in CODES[:2]))

        asyncio.run(hand_in())
        assert stored(store) == 4 + 4


def test_call_that_would_wait_behind_too_many_is_told_so(
    tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "MOST_ROWS", 2)
    with on_file(tmp_path) as (store, batch):

        async def hand_in() -> None:
            async with started(store, batch, vault) as log:
                await crowded(log)
                turns = [log.turn(), log.turn()]
                with pytest.raises(StoreUnavailableError):
                    log.turn()
                for turn in turns:
                    assert turn is not None
                    await turn

        asyncio.run(hand_in())


@contextlib.contextmanager
def on_file(folder: Path) -> Iterator[tuple[Store, SharedBatch]]:
    store = Store(f"sqlite:///{folder / 'audit.sqlite'}")
    store.migrate()
    batch = SharedBatch(store)
    batch.start()
    try:
        yield store, batch
    finally:
        batch.close()
        store.close()
