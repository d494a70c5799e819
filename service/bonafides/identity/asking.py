"""Asks sources in turn, and reads from all their answers what follows for a verified one.

The rules:

1. Sources are asked in order of their authority, and none once every required check
   is decided: it need not learn of the claims.
2. A source that gives no answer is noted with its fault; the next is asked all the same.
3. A verification lapses with its term, or before that with what it rests on: the
   term of business, or what a source vouches for.

    gather(sources, claims, asked, now=now, seconds=1.0)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from bonafides.archive.facts import Fact, Kind
from bonafides.identity.checks import settled
from bonafides.identity.evidence import Evidence
from bonafides.identity.questions import Question, Source, SourceError
from bonafides.identity.submission import Claims
from bonafides.instants import DAY, Day, Instant, day_of, start_of


def gather(
    sources: Sequence[Source], claims: Claims, asked: Question, *, now: Instant, seconds: float
) -> list[Evidence]:
    """Returns what the sources say, in their order, as far as they have to be asked.

    Each has the time for itself. Never called in a unit of work.
    """
    found: list[Evidence] = []
    for source in sources:
        if settled(claims, found, day_of(now)):
            break
        try:
            found.append(source.ask(asked, now=now, seconds=seconds))
        except SourceError as error:
            nothing = Evidence(source.name, now, None, frozenset(), fault=error.fault.value)
            found.append(nothing)
    return found


def expiry(evidence: Sequence[Evidence], days: int, now: Instant) -> Instant:
    """Returns when the verification lapses: with its term, or with what it rests on."""
    ends = [Instant(now + days * DAY)]
    for each in evidence:
        if each.valid_until is not None:
            ends.append(each.valid_until)
        if each.entry is not None and each.entry.registration.term_end is not None:
            # Its last day is still inside.
            ends.append(start_of(Day(each.entry.registration.term_end + 1)))
    return min(end for end in ends if end > now)


def told_registration(claims: Claims, evidence: Sequence[Evidence]) -> Fact | None:
    """Returns the registration as the first source told it that knows the enterprise."""
    for each in evidence:
        if each.entry is not None:
            told = each.entry.registration
            # Verified: a source that doesn't tell the title compared it.
            titled = dataclasses.replace(told, title=told.title or claims.title)
            return Fact(
                code=claims.code.text,
                kind=Kind.REGISTRATION,
                value=titled,
                source=each.source,
                retrieved_at=each.retrieved_at,
                valid_from=each.retrieved_at,
            )
    return None
