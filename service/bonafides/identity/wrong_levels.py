"""Decides which levels were wrong while something counted that a ruling took out.

What is kept is enough to tell each reader later (`bonafides.archive.changed_operations`):
the level, and the instants between which it was shown.

1. A level counts as wrong if it was shown between the instant at which the wrong thing
   began to count and the ruling, and is another than the one that the ruling restored.
2. Of one day and level the last rating alone is kept, so a level is held to have been
   shown from the beginning of that day, or from the rating before, whichever is later,
   until the next rating. Within a day two spans may overlap: rather told too much than
   too little.

    spans([(noon, Level.B)], begin, ruled_at, restored=Level.A)    # one Span, of B
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bonafides.instants import Instant, day_of, start_of
from bonafides.rating.card import Level


@dataclass(frozen=True, slots=True)
class Span:
    """A level that was wrong, shown from `begin` to `end`, exclusive."""

    level: Level
    begin: Instant
    end: Instant


def spans(
    kept: Sequence[tuple[Instant, Level]], begin: Instant, end: Instant, *, restored: Level
) -> tuple[Span, ...]:
    """Returns the wrong levels between the two instants, the oldest first.

    `kept` are ratings by the instant as of which they are, the oldest first.
    """
    found: list[Span] = []
    before = begin
    for place, (as_of, level) in enumerate(kept):
        until = kept[place + 1][0] if place + 1 < len(kept) else end
        first = max(begin, min(as_of, max(before, start_of(day_of(as_of)))))
        before, last = as_of, min(end, until)
        if found and found[-1].level is level:
            found[-1] = Span(level, found[-1].begin, last)
        elif first < last:
            found.append(Span(level, first, last))
    return tuple(span for span in found if span.level is not restored)
