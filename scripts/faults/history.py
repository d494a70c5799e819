"""What was acknowledged, in which order, and what that alone proves wrong.

    history = History(seed=7, writers=2)
    plan = history.plan(url)          # what the next process is to send
    life = Life(plan)                 # ... runs, and is ended
    history.add(life.messages)
    history.go_on(skip=False)         # batches in doubt are sent again

Of a writer's batches, those up to some number were sent, and of these all but the
last were acknowledged: a writer sends its next batch after the last was. The last
is *in doubt*: a process that ends between the commit and its acknowledgment leaves
the batch stored, one that ends before leaves it not stored; never in part.

    sent again      what a client does that got no answer
    skipped         what a client does that never comes back
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from bonafides.personal.sealing import Vault
from scripts.faults import sales
from scripts.faults.workload import Ack, Fault, Message, Plan, Serving, Sign

Batch = tuple[int, int]


class History:
    """What all processes of one database were told to send, and what was acknowledged."""

    def __init__(self, seed: int, writers: int, *, vault: Vault | None = None) -> None:
        self.seed: Final = seed
        # Under which buyers are keyed.
        self.vault: Final = vault or sales.vault()
        self.acked: Final[set[Batch]] = set()
        # Batches that were perhaps sent and never acknowledged.
        self.doubtful: Final[set[Batch]] = set()
        # What the acknowledgments themselves prove wrong.
        self.faults: Final[list[str]] = []
        # Records whose acknowledgment was belied by a later one.
        self.lost: set[Batch] = set()
        # Batches that were stored although the process ended before it could say so.
        self.unacked_stored = 0
        self.refused = 0
        self.reads = 0
        self.reads_failed = 0
        self._next: list[int] = [1] * writers

    @property
    def records(self) -> int:
        """How many records were acknowledged."""
        return sum(len(sales.batch(self.seed, *each)) for each in self.acked)

    def plan(self, url: str, **rest: Any) -> Plan:
        """Returns a plan that goes on where the last process ended; `rest` as in Plan."""
        return Plan(url, self.seed, tuple(self._next), **rest)

    def add(self, messages: Iterable[Message]) -> None:
        """Adds what one process told."""
        for message in messages:
            match message:
                case Ack():
                    self._add(message)
                case Fault(text):
                    self.faults.append(text)
                case Sign.REFUSED:
                    self.refused += 1
                case Sign.READ:
                    self.reads += 1
                case Sign.NOT_READ:
                    self.reads_failed += 1
                case Serving() | Sign.READY | Sign.DONE:
                    pass
        for writer, number in enumerate(self._next):
            self.doubtful.add((writer, number))

    def doubt(self, writer: int, upto: int) -> None:
        """Puts the batches up to a number that were not acknowledged in doubt."""
        sent = {(writer, number) for number in range(self._next[writer], upto + 1)}
        self.doubtful.update(sent - self.acked)

    def go_on(self, *, skip: bool) -> None:
        """Decides what becomes of the batches in doubt when the next process begins."""
        if skip:
            self._next = [number + 1 for number in self._next]

    def _add(self, ack: Ack) -> None:
        batch = (ack.writer, ack.number)
        size = len(sales.batch(self.seed, *batch))
        if ack.rejected or ack.accepted + ack.replayed != size:
            self.faults.append(f"batch {batch} of {size} was answered {ack[2:]}")
        if batch in self.acked:
            # Acknowledged once, it must be known.
            if ack.accepted:
                self.lost.add(batch)
            return
        if ack.accepted and ack.replayed:
            self.faults.append(f"batch {batch} was stored in part: {ack[2:]}")
        self.unacked_stored += not ack.accepted
        self.acked.add(batch)
        self.doubtful.discard(batch)
        self._next[ack.writer] = max(self._next[ack.writer], ack.number + 1)
