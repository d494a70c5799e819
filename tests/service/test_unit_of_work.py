"""Units of work on both databases: all or nothing, and never an unmapped failure."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from bonafides.errors import StoreUnavailableError
from bonafides.storage.tables import counter
from bonafides.storage.unit_of_work import Store, StoreUrlError


def _count(store: Store) -> int:
    with store.reading() as work:
        return int(work.execute(sa.select(sa.func.count()).select_from(counter)).scalar_one())


def test_work_that_is_not_committed_leaves_nothing(store: Store) -> None:
    with store.writing() as work:
        work.execute(counter.insert(), {"name": "a", "value": 1})
    assert _count(store) == 0


def test_work_that_fails_halfway_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.writing() as work:
            work.execute(counter.insert(), {"name": "a", "value": 1})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert _count(store) == 0


def test_committed_work_stays(store: Store) -> None:
    with store.writing() as work:
        work.execute(counter.insert(), {"name": "a", "value": 1})
        work.commit()
    assert _count(store) == 1


def test_reader_sees_one_snapshot_while_a_writer_commits(store: Store) -> None:
    counted = sa.select(sa.func.count()).select_from(counter)
    with store.reading() as reader:
        before = reader.execute(counted).scalar_one()
        with store.writing() as writer:
            writer.execute(counter.insert(), {"name": "a", "value": 1})
            writer.commit()
        assert reader.execute(counted).scalar_one() == before
    assert _count(store) == before + 1


@pytest.mark.parametrize("streamed", [False, True])
def test_work_left_with_rows_unread_keeps_nobody_from_writing(
    database_url: str, *, streamed: bool
) -> None:
    """A reader fails halfway and its rows are held on to; others write; it writes next."""
    store, others = Store(database_url, connections=1), Store(database_url)
    store.migrate()
    with store.writing() as work:
        work.execute(counter.insert(), [{"name": name, "value": 0} for name in "abc"])
        work.commit()
    options = {"yield_per": 1} if streamed else {}
    held = []

    def fail() -> None:
        with store.reading() as work:
            held.append(work.execute(sa.select(counter).execution_options(**options)))
            next(held[0])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    for each in (others, store):
        with each.writing() as work:
            work.execute(counter.update().values(value=counter.c.value + 1))
            work.commit()
    with store.reading() as work:
        assert set(work.execute(sa.select(counter.c.value)).scalars()) == {2}
    for each in (store, others):
        each.close()


def test_log_that_is_copied_begins_anew_though_somebody_always_writes(tmp_path: Path) -> None:
    file = tmp_path / "busy.sqlite"
    store = Store(f"sqlite:///{file}")
    store.migrate()
    written, done = threading.Semaphore(0), threading.Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            with store.writing() as work:
                work.execute(counter.insert(), {"name": f"row {number}", "value": number})
                work.commit()
            written.release()

    def log_bytes() -> int:
        return file.with_name(f"{file.name}-wal").stat().st_size

    before, thread = log_bytes(), threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(100):
            assert written.acquire(timeout=30)
        of_hundred = log_bytes() - before
        for _ in range(20):
            for _ in range(100):
                assert written.acquire(timeout=30)
            store.copy_log()
    finally:
        done.set()
        thread.join()
    # Two thousand and more were written.
    assert log_bytes() < 10 * of_hundred
    store.close()


def test_log_that_somebody_reads_is_left_to_the_next_time(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'read.sqlite'}")
    store.migrate()
    with store.reading() as reader:
        reader.execute(sa.select(counter)).all()
        for number in range(2):
            with store.writing() as work:
                work.execute(counter.insert(), {"name": f"row {number}", "value": number})
                work.commit()
            store.copy_log()
        assert not reader.execute(sa.select(counter)).all()
    assert _count(store) == 2
    store.close()


def test_racing_writers_lose_no_increment(store: Store) -> None:
    with store.writing() as work:
        work.execute(counter.insert(), {"name": "a", "value": 0})
        work.commit()

    def increment() -> None:
        for _ in range(20):
            with store.writing() as work:
                work.execute(counter.update().values(value=counter.c.value + 1))
                work.commit()

    threads = [threading.Thread(target=increment) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as work:
        assert work.execute(sa.select(counter.c.value)).scalar_one() == 80


def test_unreachable_database_is_an_error_of_ours(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    store = Store(f"sqlite:///{folder / 'x.db'}")
    folder.rmdir()
    with pytest.raises(StoreUnavailableError), store.reading():
        pass
    store.close()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://root:planted@localhost/x", "sqlite"])
def test_url_that_is_of_no_use_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(StoreUrlError, match="give sqlite:///FILE") as refused:
        Store(url)
    assert "planted" not in str(refused.value)


def test_waiting_for_a_connection_in_vain_is_an_error_of_ours(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'x.db'}", connections=1)
    store.engine.pool._timeout = 0.01  # type: ignore[attr-defined]  # waits 30 seconds otherwise
    with store.reading(), pytest.raises(StoreUnavailableError), store.reading():
        pass
    store.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_full_disk_refuses_writes_serves_reads_and_heals(store: Store) -> None:
    room = [1_000_000]

    # What SQLite answers when the file can't grow is what it answers on a full disk.
    @sa.event.listens_for(store.engine, "checkout")
    def _limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {room[0]}")

    def write(name: str) -> None:
        with store.writing() as work:
            rows = [{"name": f"{name}{number}", "value": 1} for number in range(1_000)]
            work.execute(counter.insert(), rows)
            work.commit()

    write("a")
    room[0] = 1
    with pytest.raises(StoreUnavailableError):
        write("b")
    assert _count(store) == 1_000
    room[0] = 1_000_000
    write("b")
    assert _count(store) == 2_000


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_connections_that_the_server_closed_are_replaced(store: Store) -> None:
    # Two connections in the pool, both closed by the server while nobody uses them.
    with store.reading(), store.writing() as work:
        work.commit()
    _close_all_others(store)
    assert _count(store) == 0
    with store.writing() as work:
        work.execute(counter.insert(), {"name": "a", "value": 1})
        work.commit()
    assert _count(store) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_work_whose_connection_is_closed_halfway_leaves_nothing(store: Store) -> None:
    def work_on() -> None:
        with store.writing() as work:
            work.execute(counter.insert(), {"name": "a", "value": 1})
            _close_all_others(store)
            work.execute(counter.insert(), {"name": "b", "value": 1})
            work.commit()

    with pytest.raises(StoreUnavailableError):
        work_on()
    assert _count(store) == 0


def _close_all_others(store: Store) -> None:
    """Lets PostgreSQL close every connection to the database but the one that asks."""
    admin = sa.create_engine(store.url)
    with admin.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    admin.dispose()
