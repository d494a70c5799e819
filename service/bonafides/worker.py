"""Does what nobody waits for, in rounds, on one thread beside the server.

A round takes new registrations in, asks again for evidence that was missing, lets
verifications lapse, folds new records into the archives, withholds what a dispute or a
case left undecided, evaluates levels once a week, assembles anew what platforms read and
time has changed, measures peers once a day, erases drafts that nobody confirmed, and
forgets old changes, spent budgets, what was signed on days past, links and tokens that
ended long ago, and accesses past their term. Each of these is repeatable and commits by
itself: a process that dies in the middle loses nothing, and what failed is tried again in
the next round. The log gets the type of the fault and where it happened, never its text.

    worker = Worker(rounds(desk), now=now, pause_seconds=5)
    worker.start()
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from bonafides.archive import changed_operations as changed
from bonafides.archive import operations as archive
from bonafides.identity import (
    access_operations,
    buyer_operations,
    correction_operations,
    drafting,
    filing,
    outbox,
    registry_operations,
    requirement_operations,
)
from bonafides.identity import operations as identity
from bonafides.identity.couriers import Courier
from bonafides.identity.filing import Shelf
from bonafides.identity.qr import QrReader
from bonafides.instants import Instant, day_of
from bonafides.rating import operations as rating
from bonafides.records import linking
from bonafides.records import operations as records
from bonafides.rpc.events import frames
from bonafides.storage import assertions, audit_index, ended
from bonafides.storage.budgets import prune
from bonafides.storage.unit_of_work import Store

# Records that may wait for the fold, some ten seconds' work: beyond, archives are
# visibly behind what platforms report.
MOST_LAG: Final = 200_000

_log: Final = structlog.get_logger("bonafides.worker")


@dataclass(frozen=True, slots=True)
class Round:
    """One thing that is done again and again. The result of `run` is not looked at."""

    name: str
    run: Callable[[Instant], object]


def rounds(desk: identity.Desk, courier: Courier | None = None) -> tuple[Round, ...]:
    """Returns the background work of a server, in the order in which it is done.

    Without a courier nothing is sent.
    """
    evaluated, followed = archive.Evaluations(), changed.Following()
    watched, forgotten = access_operations.Watch(), ended.Forgotten()
    sending = (
        []
        if courier is None
        else [
            Round(
                "deliver_due",
                lambda now: outbox.deliver_due(desk.store, desk.vault, courier, now),
            )
        ]
    )
    return (
        *sending,
        Round(
            "sync_registrations",
            lambda now: registry_operations.sync_registrations(desk.store, desk.card, now=now),
        ),
        Round("recheck_due", lambda now: identity.recheck_due(desk, now)),
        Round("watch_lag", lambda _now: watch_lag(desk.store)),
        Round("watch_platforms", lambda now: watch_platforms(desk.store, watched, now)),
        Round(
            "fold_and_refresh", lambda now: records.fold_and_refresh(desk.store, desk.card, now=now)
        ),
        Round(
            "evaluate_due",
            lambda now: archive.evaluate_due(desk.store, desk.card, evaluated, now=now),
        ),
        Round(
            "refresh_followed",
            lambda now: changed.refresh_followed(desk.store, desk.card, followed, now=now),
        ),
        Round(
            "measure_peers",
            lambda now: rating.measure_peers_daily(desk.store, desk.card, now=now),
        ),
        Round(
            "withhold_overdue",
            lambda now: linking.withhold_overdue(desk.store, desk.card, now=now),
        ),
        Round(
            "withhold_undecided",
            lambda now: correction_operations.withhold_overdue(desk.store, desk.card, now=now),
        ),
        Round("tell_deadlines", lambda now: requirement_operations.tell_deadlines(desk, now=now)),
        Round("place_buyers", lambda _now: buyer_operations.place_buyers(desk.store)),
        Round("erase_drafts", lambda now: drafting.erase_expired(desk.store, now=now)),
        Round("forget_budgets", lambda now: prune(desk.store, now)),
        Round("forget_assertions", lambda now: assertions.forget(desk.store, now=now)),
        Round("forget_ended", lambda now: ended.forget(desk.store, forgotten, now=now)),
        Round("forget_changes", lambda now: archive.forget_changes(desk.store, now=now)),
        Round("tend_audit", lambda now: audit_index.tend(desk.store, day_of(now))),
        Round(
            "forget_accesses", lambda now: access_operations.forget_accesses(desk.store, now=now)
        ),
    )


def read_documents(shelf: Shelf, reader: QrReader | None) -> Round:
    """Returns the round that has the QR codes of copies read; see `identity.filing`."""
    return Round("read_documents", lambda _now: filing.read_due(shelf, reader))


def watch_lag(store: Store, *, most: int = MOST_LAG) -> None:
    """Logs `fold_lags` with the number of records that are not folded, if there are too many."""
    waiting = records.lag(store)
    if waiting > most:
        _log.warning("fold_lags", records=waiting, most=most)


def watch_platforms(store: Store, watched: access_operations.Watch, now: Instant) -> None:
    """Logs `unusual_reads` of a platform that reads many more new enterprises than usual."""
    for each in access_operations.watch_platforms(store, watched, now=now):
        _log.error("unusual_reads", platform=each.platform, today=each.today, usual=each.usual)


class Worker:
    """A thread that runs the rounds until it is told to stop."""

    def __init__(
        self, rounds: Sequence[Round], *, now: Callable[[], Instant], pause_seconds: float
    ) -> None:
        self._rounds: Final = tuple(rounds)
        self._now: Final = now
        self._pause_seconds: Final = pause_seconds
        self._stopping: Final = threading.Event()
        # Whoever asks for a round gets a whole one, not the rest of what is under way.
        self._turn: Final = threading.Lock()
        self._thread: Final = threading.Thread(target=self._run, name="worker")

    def start(self) -> None:
        """Begins with a first round at once."""
        self._thread.start()

    def stop(self) -> None:
        """Waits for what is under way, and begins nothing more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def run_once(self) -> None:
        """Does every round once, after what is under way; one that fails keeps no other from it."""
        with self._turn:
            for each in self._rounds:
                if self._stopping.is_set():
                    return
                self._do(each)

    def _do(self, each: Round) -> None:
        try:
            each.run(self._now())
        except Exception as error:  # noqa: BLE001 - whatever failed, the next round tries again
            _log.error(
                "round_failed", round=each.name, error=type(error).__name__, frames=frames(error)
            )

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.run_once()
            self._stopping.wait(self._pause_seconds)
