"""Has every disclosure written down before its answer leaves.

The pipeline asks once for each call that was answered: the row is in the shared batch, and
the answer waits for its commit. What can't be written is not answered: UNAVAILABLE. What
is a disclosure is said in `bonafides.access.audit`.

The public's reads are counted by day and method, and written behind their answers, some
times a second. If a thousand are not written yet, the next one waits for its own count as
a known caller's read does for its row: with the database away, it is not answered.

    waiting = recorder.answered(method, received, event, answer)
    if waiting is not None:
        await waiting
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from functools import lru_cache
from typing import Final

import structlog

from bonafides.access import audit
from bonafides.access.audit import Count, Discloses, Shown, discloses, shape_of
from bonafides.access.callers import Caller, CallerKind
from bonafides.errors import BugError, StoreUnavailableError
from bonafides.instants import Day, day_of
from bonafides.personal.sealing import Vault
from bonafides.rpc.call import Call, Method, Received
from bonafides.rpc.events import Event
from bonafides.storage.audit import PSEUDONYM_BYTES, add_counts
from bonafides.storage.audit_log import AuditLog
from bonafides.storage.shared_batch import SharedBatch
from bonafides.v1 import disclosure_pb2

# The public's reads that may be answered and not counted yet. Source: the table of what
# happens when a store is away.
MOST_COUNTS: Final = 1_000
_COUNTS_LINGER_SECONDS: Final = 0.05
_RETRY_SECONDS: Final = 0.5
_MOST_CALLERS: Final = 8_192
_FIELD: Final = "audit caller"
# In whose eyes callers are shown what is their own affair, where no handler said it.
_EYES: Final = {
    CallerKind.MEMBER: disclosure_pb2.AUDIENCE_MEMBER,
    CallerKind.PLATFORM: disclosure_pb2.AUDIENCE_PLATFORM,
    CallerKind.OPERATOR: disclosure_pb2.AUDIENCE_OPERATOR,
}
_NOTHING: Final = hashlib.sha256(b"").digest()

_log: Final = structlog.get_logger("bonafides.audit")


class Recorder:
    """Writes disclosures down. Used on one event loop alone."""

    def __init__(self, log: AuditLog, batch: SharedBatch, vault: Vault) -> None:
        """Writes rows to the log, and counts through the batch."""
        self._rows: Final = log
        self._batch: Final = batch
        self._pseudonym: Final = lru_cache(_MOST_CALLERS)(
            lambda name: vault.index(_FIELD, name)[:PSEUDONYM_BYTES]
        )
        self._counts: dict[tuple[Day, str], int] = {}
        # Counted and not written, on the way to the database or not.
        self._uncounted = 0
        # At most one of them is there: counts wait for company, or are being written.
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Future[None] | None = None

    def turn(self, received: Received) -> asyncio.Future[None] | None:
        """Returns what a call awaits before it is worked on; None: nothing.

        Raises:
            StoreUnavailableError: it would have to wait behind too many.
        """
        # Of who names nobody nothing is written down that has to be there first.
        return self._rows.turn() if received.authorizations else None

    def answered(
        self, method: Method, received: Received, event: Event, answer: bytes
    ) -> asyncio.Future[None] | None:
        """Returns what the answer has to wait for; None: nothing.

        Raises:
            BugError: the handler did not say of which enterprise it showed something.
            StoreUnavailableError: it can't be written down; also when awaited.
        """
        shows = discloses(method.name)
        call = received.call
        if shows is Discloses.NOTHING or call is None:
            return None
        if call.caller.kind is CallerKind.ANONYMOUS:
            return self._counted(method, call)
        codes = received.shown or (event.enterprise,)
        if codes[0] is None and shows is Discloses.ONE:
            raise BugError(f"{method.name} shows an enterprise and does not say which")
        digests = _digest(received.wire), hashlib.sha256(answer).digest()
        return self._write(method, received, call, (codes, audit.OK, digests))

    def refused(
        self, method: Method, received: Received, event: Event, reason: str
    ) -> asyncio.Future[None] | None:
        """Returns what a refusal has to wait for; None: the caller is not known.

        Raises:
            StoreUnavailableError: it can't be written down; also when awaited.
        """
        call = received.call
        if call is None or call.caller.kind is CallerKind.ANONYMOUS:
            return None
        digests = _digest(received.wire), _NOTHING
        return self._write(method, received, call, ((event.enterprise,), reason, digests))

    async def drain(self) -> None:
        """Writes the counts that are left. What can't be written is lost, and logged."""
        if self._writing is not None:
            with contextlib.suppress(StoreUnavailableError):
                await asyncio.shield(self._writing)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._counts:
            try:
                await self._batch.written(add_counts, self._taken())
            except StoreUnavailableError:
                _log.error("counts_lost", reads=self._uncounted)

    def _write(
        self,
        method: Method,
        received: Received,
        call: Call,
        told: tuple[tuple[str | None, ...], str, tuple[bytes, bytes]],
    ) -> asyncio.Future[None]:
        codes, outcome, digests = told
        caller = call.caller
        shape = shape_of(method.name, method.answer, received.audience or _eyes(caller))
        name = self._pseudonym(caller.submitter)
        now, purpose, consents = call.now, received.purpose, received.consents
        shown = [
            Shown(code, now, purpose, outcome, consents.get(code) if code else 0) for code in codes
        ]
        return self._rows.written(
            [audit.entry(caller, name, shape, each, digests) for each in shown]
        )

    def _counted(self, method: Method, call: Call) -> asyncio.Future[None] | None:
        day, name = day_of(call.now), audit.short(method.name)
        if self._uncounted >= MOST_COUNTS:
            return self._batch.written(add_counts, [Count(day, name, 1)])
        self._uncounted += 1
        self._counts[day, name] = self._counts.get((day, name), 0) + 1
        if self._timer is None and self._writing is None:
            self._flush_in(_COUNTS_LINGER_SECONDS)
        return None

    def _flush_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._flush)

    def _flush(self) -> None:
        self._timer = None
        taken = self._taken()
        try:
            writing = self._batch.written(add_counts, taken)
        except StoreUnavailableError:
            self._put_back(taken)
            return
        self._writing = writing
        writing.add_done_callback(lambda done: self._flushed(done, taken))

    def _flushed(self, done: asyncio.Future[None], taken: list[Count]) -> None:
        self._writing = None
        if done.cancelled() or done.exception() is not None:
            self._put_back(taken)
            return
        self._uncounted -= sum(count.times for count in taken)
        if self._counts:
            self._flush_in(_COUNTS_LINGER_SECONDS)

    def _taken(self) -> list[Count]:
        counts, self._counts = self._counts, {}
        return [Count(day, method, times) for (day, method), times in counts.items()]

    def _put_back(self, taken: list[Count]) -> None:
        for day, method, times in taken:
            self._counts[day, method] = self._counts.get((day, method), 0) + times
        self._flush_in(_RETRY_SECONDS)


def _eyes(caller: Caller) -> disclosure_pb2.Audience.ValueType:
    # A kind that is not in the table is a kind of program.
    return _EYES.get(caller.kind, disclosure_pb2.AUDIENCE_INTEGRATOR)


def _digest(wire: bytes | None) -> bytes:
    return hashlib.sha256(wire or b"").digest()
