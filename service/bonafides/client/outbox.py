"""Keeps the batches that a client has sent until they are acknowledged.

Batches are numbered as they are taken from their iterable, once, and stay here
until an acknowledgment covers them: when a stream breaks, the next one begins with
what is left. As many are under way as a server takes before it pauses; whoever
takes more waits for acknowledgments. One thread may take while another acknowledges.

    outbox = Outbox("orders", batches, first=1)
    outbox.resume(cursor)
    for request in outbox.requests(): ...      # on the stream's own thread
    outbox.acknowledged(answer.sequence)
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from bonafides.v1 import record_pb2, record_service_pb2

MOST_UNDER_WAY: Final = 64


class Outbox:
    """The batches of one source, from the first that is not acknowledged on."""

    def __init__(
        self, source: str, batches: Iterable[Sequence[record_pb2.Record]], *, first: int
    ) -> None:
        self._source: Final = source
        self._batches: Final = enumerate(batches, start=first)
        self._kept: Final[deque[record_service_pb2.WriteRecordsRequest]] = deque()
        self._changed: Final = threading.Condition()
        # Only one stream draws: an older one that still waits gives way.
        self._drawer = 0
        self._acknowledged = first - 1
        self._sent = first - 1
        self._exhausted = False
        self._drawing: Final = threading.Lock()
        # What the iterable raised: it gave no more batches.
        self.failure: Exception | None = None

    def resume(self, cursor: int) -> None:
        """Begins anew behind what the server has stored; what an older stream draws ends."""
        self.acknowledged(cursor)
        self.stop()
        with self._changed:
            self._sent = self._acknowledged

    def stop(self) -> None:
        """Ends what draws, even where it waits."""
        with self._changed:
            self._drawer += 1
            self._changed.notify_all()

    def acknowledged(self, sequence: int) -> None:
        """Forgets the batches up to this number."""
        with self._changed:
            self._acknowledged = max(self._acknowledged, sequence)
            while self._kept and self._kept[0].sequence <= self._acknowledged:
                self._kept.popleft()
            self._changed.notify_all()

    def requests(self) -> Iterator[record_service_pb2.WriteRecordsRequest]:
        """Returns what is to be sent, in order; it waits while too much is under way."""
        with self._changed:
            drawer = self._drawer
        return iter(lambda: self._next(drawer), None)

    def _next(self, drawer: int) -> record_service_pb2.WriteRecordsRequest | None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: drawer != self._drawer or not self._full())
                if drawer != self._drawer:
                    return None
                if (request := self._unsent()) is not None:
                    self._sent = request.sequence
                    return request
                if self._exhausted:
                    return None
            # Not under the first lock: acknowledgments must not wait for the caller's
            # batches. The second keeps an older stream's thread apart from this one's.
            with self._drawing:
                self._draw()

    def _full(self) -> bool:
        return len(self._kept) >= MOST_UNDER_WAY and self._unsent() is None

    def _unsent(self) -> record_service_pb2.WriteRecordsRequest | None:
        if not self._kept or self._kept[-1].sequence <= self._sent:
            return None
        return self._kept[max(0, self._sent + 1 - self._kept[0].sequence)]

    def _draw(self) -> None:
        """Takes one batch more from the iterable; one that is stored already is passed over."""
        try:
            sequence, batch = next(self._batches)
        except StopIteration:
            self._exhausted = True
            return
        except Exception as error:  # noqa: BLE001 - raised to whoever reads the acknowledgments
            self.failure = error
            self._exhausted = True
            return
        request = record_service_pb2.WriteRecordsRequest(
            source=self._source, sequence=sequence, records=batch
        )
        with self._changed:
            if sequence > self._acknowledged:
                self._kept.append(request)
