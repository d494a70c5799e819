"""The background rounds: each for itself, again and again, until the drain."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from bonafides.identity.registry_operations import load_registry
from bonafides.instants import MICROSECONDS, Instant, from_timestamp
from bonafides.personal.sealing import Vault
from bonafides.records import operations as records
from bonafides.storage.unit_of_work import Store
from bonafides.v1.enterprise_pb2 import Submission
from bonafides.worker import Round, Worker, watch_lag
from tests import builders
from tests.serving import Served


def worker(rounds: Sequence[Round]) -> Worker:
    return Worker(rounds, now=lambda: builders.NOW, pause_seconds=0.01)


@pytest.mark.feature("J9")
def test_failed_round_keeps_no_other_from_its_turn_and_logs_no_text() -> None:
    done: list[Instant] = []

    def fail(_now: Instant) -> None:
        raise ValueError(builders.ID_NUMBER)

    with capture_logs() as events:
        worker([Round("one", fail), Round("two", done.append)]).run_once()
    assert done == [builders.NOW]
    (event,) = events
    assert (event["event"], event["round"], event["error"]) == ("round_failed", "one", "ValueError")
    assert builders.ID_NUMBER not in repr(events)


def test_rounds_are_repeated_until_the_worker_is_stopped() -> None:
    three = threading.Semaphore(0)
    working = worker([Round("count", lambda _: three.release())])
    working.start()
    try:
        for _ in range(3):
            assert three.acquire(timeout=5)
    finally:
        working.stop()
    while three.acquire(blocking=False):
        pass
    assert not three.acquire(timeout=0.1)


def test_round_that_is_asked_for_waits_for_the_one_under_way() -> None:
    """Two ask at once; each waits a while inside for the other to come in."""
    together = threading.Barrier(2)
    met: list[bool] = []

    def meet(_now: Instant) -> None:
        try:
            together.wait(timeout=0.2)
            met.append(True)
        except threading.BrokenBarrierError:
            met.append(False)

    working = worker([Round("meet", meet)])
    asking = [threading.Thread(target=working.run_once) for _ in range(2)]
    for each in asking:
        each.start()
    for each in asking:
        each.join(timeout=20)
    assert met == [False, False]


def test_worker_that_never_began_can_be_stopped() -> None:
    worker([]).stop()


@pytest.mark.feature("A5")
def test_evidence_that_comes_later_is_asked_for_by_the_worker(served: Served) -> None:
    """Submitted without a registry row, PENDING; the row is loaded; the worker verifies."""
    with served.client(served.token()) as client:
        made = client.submit_identity(builders.claims(), request_id=builders.request_id())
        load_registry(served.store, served.vault, [builders.registry_row()], now=served.clock.now)
        served.clock.now = from_timestamp(made.recheck_time)
    served.server.worker.run_once()
    with served.client(served.token()) as client:
        assert client.get_submission(made.name).state == Submission.STATE_VERIFIED


def test_new_records_reach_the_archive_by_the_worker(served: Served) -> None:
    enterprise = builders.code(1)
    builders.enroll(served.store, enterprise)
    told = [builders.transaction(f"t{number}") for number in range(3)]
    with served.client(served.token("operator")) as client:
        before = client.get_archive(enterprise.text)
        records.ingest(served.store, served.vault, builders.rates(), told, now=served.clock.now)
        served.clock.now = Instant(served.clock.now + MICROSECONDS)
        served.server.worker.run_once()
        after = client.get_archive(enterprise.text)
    assert before != after


def test_lag_of_the_fold_is_a_number_and_logged_above_its_bound(store: Store, vault: Vault) -> None:
    assert records.lag(store) == 0
    told = [builders.transaction(f"t{number}") for number in range(3)]
    records.ingest(store, vault, builders.rates(), told, now=builders.NOW)
    assert records.lag(store) == 3
    with capture_logs() as events:
        watch_lag(store, most=3)
        watch_lag(store, most=2)
    assert [(event["event"], event["records"]) for event in events] == [("fold_lags", 3)]
    records.fold(store, now=builders.NOW, limit=2)
    assert records.lag(store) == 1
